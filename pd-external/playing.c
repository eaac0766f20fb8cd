/* A model on signals, a chunk at a time; see voice.h. No allocation, no lock,
   no system call, no print in this file. */
#include <string.h>
#include "voice.h"

/* ------------------------------- inlets ----------------------------------- */

/* -clamp */
static void voice_hold(const t_buffers *b, int c, float *v, int n)
{
    if (!b->b_ranges || !(b->b_ranges[c].r_low < b->b_ranges[c].r_high))
        return;
    t_range r = b->b_ranges[c];
    for (int i = 0; i < n; i++) {
        float f = v[i] < r.r_low ? r.r_low : v[i];
        v[i] = f > r.r_high ? r.r_high : f;
    }
}

static void samples_to_floats(const t_sample *from, float *to, int n)
{
    if (sizeof(t_sample) == sizeof(float))
        memcpy(to, from, (size_t)n * sizeof(float));
    else
        for (int i = 0; i < n; i++)
            to[i] = (float)from[i];
}

/*
 * Inlets into float arrays: outlets may be the same memory as inlets, a Pd may
 * have double samples, and what is no number counts as 0.
 */
static void voice_take(const t_buffers *b, t_sample *const *in, int first,
                       int n)
{
    for (int c = 0; c < b->b_nin; c++) {
        float *to = b->b_in[c];
        if (in[c]) {
            samples_to_floats(in[c] + first, to, n);
            values_make_finite(to, (uint32_t)n);
        } else {
            memset(to, 0, (size_t)n * sizeof(float));
        }
        voice_hold(b, c, to, n);
    }
}

/* n frames through a delay line of `latency` that stands at `at`. */
static uint32_t line_delay(float *line, uint32_t latency, uint32_t at,
                           const float *in, float *out, uint32_t n)
{
    for (uint32_t m; n; in += m, out += m, n -= m) {
        m = n < latency - at ? n : latency - at;
        memcpy(out, line + at, m * sizeof(float));
        memcpy(line + at, in, m * sizeof(float));
        at = at + m == latency ? 0 : at + m;
    }
    return at;
}

/* The dry signal, as late as the model makes it; the line is always fed, so
   that bypass can come at any time. */
static void voice_delay(t_buffers *b, int n)
{
    uint32_t at = b->b_dryat, latency = b->b_latency;
    for (int c = 0; latency && c < b->b_ndry; c++)
        at = line_delay(b->b_line + (size_t)c * latency, latency, b->b_dryat,
                        b->b_in[c], b->b_dry[c], (uint32_t)n);
    b->b_dryat = at;
}

/* ------------------------------- models ----------------------------------- */

/* The last values of all outputs are a result: keep it for the clock. */
static int voice_result(t_voice *v, const float *y)
{
    t_results *r = &v->v_buffers.b_results;
    uint32_t n = v->v_player.p_nout;
    if (!r->r_room)
        return 0;
    uint32_t slot = (r->r_first + r->r_count) % r->r_room;
    if (r->r_count == r->r_room) /* nobody listens: not the last block's */
        r->r_first = (r->r_first + 1) % r->r_room;
    else
        r->r_count++;
    memcpy(r->r_values + (size_t)slot * n, y, n * sizeof(float));
    return PLAYED_RESULT;
}

/* A step model: run at the first frame of a hop, and go in a straight line
   from the result before to this one, which is reached a hop later. */
static int voice_step(t_voice *v, int n)
{
    t_player *p = &v->v_player;
    t_buffers *b = &v->v_buffers;
    int found = 0;
    for (int i = 0; i < n; i++) {
        if (b->b_phase == 0) {
            for (uint32_t c = 0; c < p->p_nin; c++)
                p->p_x[c] = b->b_in[c][i];
            memcpy(b->b_from, b->b_to, p->p_nout * sizeof(float));
            player_once(p);
            if (values_make_finite(p->p_y, p->p_nout)) {
                mli_reset(p->p_session);
                found |= PLAYED_BAD;
            }
            memcpy(b->b_to, p->p_y, p->p_nout * sizeof(float));
            if (b->b_tell)
                found |= voice_result(v, p->p_y);
        }
        float share = (float)b->b_phase / (float)b->b_hop;
        for (uint32_t c = 0; c < p->p_nout; c++)
            b->b_out[c][i] = b->b_from[c] + (b->b_to[c] - b->b_from[c]) * share;
        b->b_phase = b->b_phase + 1 == b->b_hop ? 0 : b->b_phase + 1;
    }
    return found;
}

/* What the model made of n frames, without what is no number. */
static int voice_check(t_player *p, float *const *out, uint32_t n)
{
    uint32_t bad = 0;
    for (uint32_t c = 0; c < p->p_nout; c++)
        bad += values_make_finite(out[c], n);
    if (!bad)
        return 0;
    mli_reset(p->p_session);
    return PLAYED_BAD;
}

/* Frames from `first` on at the model's rate; at most one result in them. */
static int voice_piece(t_voice *v, uint32_t first, uint32_t n)
{
    t_player *p = &v->v_player;
    t_buffers *b = &v->v_buffers;
    float **in = b->b_piecein, **out = b->b_pieceout;
    for (uint32_t c = 0; c < p->p_nin; c++)
        in[c] = b->b_modelin[c] + first;
    for (uint32_t c = 0; c < p->p_nout; c++)
        out[c] = b->b_modelout[c] + first;
    uint32_t runs = mli_process(p->p_session, (const float *const *)in, out, n);
    int found = voice_check(p, out, n);
    if (b->b_tell && p->p_info.mode == MLI_STREAM) {
        b->b_phase += n;
        runs = b->b_phase >= b->b_hop;
        b->b_phase -= runs ? b->b_hop : 0;
    }
    if (runs && b->b_tell) {
        for (uint32_t c = 0; c < p->p_nout; c++)
            p->p_y[c] = out[c][n - 1];
        found |= voice_result(v, p->p_y);
    }
    return found;
}

/* A stream or window model. */
static int voice_stream(t_voice *v, uint32_t n)
{
    const t_buffers *b = &v->v_buffers;
    uint32_t most = b->b_tell ? b->b_hop : n;
    int found = 0;
    for (uint32_t first = 0; first < n; first += most)
        found |= voice_piece(v, first, n - first < most ? n - first : most);
    return found;
}

/* Channels of a port between arrays of their own and one, frame by frame. */
static void port_take(float *const *from, float *to, uint32_t channels,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < channels; c++)
            *to++ = from[c][i];
}

static void port_give(const float *from, float *const *to, uint32_t channels,
                      uint32_t frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < channels; c++)
            to[c][i] = from[frames == 1 ? c : i * channels + c];
}

/* The block is the window: what comes out is of the same block. */
static int voice_window(t_voice *v, uint32_t n)
{
    t_player *p = &v->v_player;
    t_buffers *b = &v->v_buffers;
    float **channels = b->b_in, **piece = b->b_piecein;
    mli_port port;
    for (uint32_t i = 0; i < player_ports(p, SIDE_IN); i++) {
        uint32_t values = player_port(p, SIDE_IN, i, &port);
        if (port.kind == MLI_PORT_SIGNAL)
            port_take(channels, *piece++, values, n);
        channels += values;
    }
    mli_run(p->p_session, (const float *const *)b->b_piecein, b->b_pieceout);
    channels = b->b_out;
    for (uint32_t i = 0; i < player_ports(p, SIDE_OUT); i++) {
        uint32_t values = player_port(p, SIDE_OUT, i, &port);
        port_give(b->b_pieceout[i], channels, values, port.frames, n);
        channels += values;
    }
    int found = voice_check(p, b->b_out, n);
    for (uint32_t c = 0; c < p->p_nout; c++)
        p->p_y[c] = b->b_out[c][n - 1];
    if (b->b_tell)
        found |= voice_result(v, p->p_y);
    return found;
}

/* One that was made for another rate. What rings at the ends of a range, or
   beyond the largest float, is put right. */
static int voice_converted(t_voice *v, int n)
{
    t_player *p = &v->v_player;
    t_buffers *b = &v->v_buffers;
    uint32_t made =
        resampler_in(&b->b_rates, b->b_in, (uint32_t)n, b->b_modelin);
    for (uint32_t c = 0; c < p->p_nin; c++) {
        values_make_finite(b->b_modelin[c], made);
        voice_hold(b, (int)c, b->b_modelin[c], (int)made);
    }
    int found = voice_stream(v, made);
    resampler_out(&b->b_rates, b->b_modelout, made, b->b_out, (uint32_t)n);
    for (uint32_t c = 0; c < p->p_nout; c++)
        values_make_finite(b->b_out[c], (uint32_t)n);
    return found;
}

/* What is in b_in, through the model. */
static int voice_run(t_voice *v, int n)
{
    const t_player *p = &v->v_player;
    const t_buffers *b = &v->v_buffers;
    if (!p->p_model)
        return 0;
    if (p->p_info.mode == MLI_STEP)
        return voice_step(v, n);
    if (b->b_window == (uint32_t)n)
        return voice_window(v, (uint32_t)n);
    return b->b_rate ? voice_converted(v, n) : voice_stream(v, (uint32_t)n);
}

int voice_play(t_voice *v, t_sample *const *in, int first, int n)
{
    voice_take(&v->v_buffers, in, first, n);
    voice_delay(&v->v_buffers, n);
    return voice_run(v, n);
}

void voice_play_on(t_voice *v, const t_voice *other, t_sample *const *in,
                   int first, int n, int dry)
{
    t_buffers *b = &v->v_buffers;
    const t_buffers *o = &other->v_buffers;
    if (b->b_ranges || o->b_ranges || b->b_nin > o->b_nin ||
        b->b_chunk != o->b_chunk)
        voice_take(b, in, first, n);
    else
        for (int c = 0; c < b->b_nin; c++)
            memcpy(b->b_in[c], o->b_in[c], (size_t)n * sizeof(float));
    if (dry)
        voice_delay(b, n);
    voice_run(v, n);
}

/* Outputs that ramp go on from where they are: a reset does not click. */
void voice_reset(t_voice *v)
{
    t_buffers *b = &v->v_buffers;
    float share = b->b_phase ? (float)b->b_phase / (float)b->b_hop : 0;
    if (v->v_player.p_model)
        mli_reset(v->v_player.p_session);
    for (uint32_t c = 0; b->b_phase && c < v->v_player.p_nout; c++)
        b->b_to[c] = b->b_from[c] + (b->b_to[c] - b->b_from[c]) * share;
    b->b_phase = 0;
    if (b->b_rate)
        resampler_reset(&b->b_rates);
    b->b_results.r_count = 0;
}
