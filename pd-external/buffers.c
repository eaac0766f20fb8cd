/* The memory that a model on signals is played in; see voice.h. */
#include <stdlib.h>
#include <string.h>
#include "layout.h"
#include "voice.h"

/* Frames of delay that are worth holding memory for: three minutes. */
#define LATENCY_MAX (1u << 23)

static float **lay_channels(t_layout *l, size_t channels, size_t frames)
{
    float **v = layout_take(l, channels + 1, sizeof(float *));
    for (size_t c = 0; c < channels; c++) {
        float *vector = layout_take(l, frames, sizeof(float));
        if (v)
            v[c] = vector;
    }
    return v;
}

/* Each port's array for a run of its own. */
static void lay_ports(t_layout *l, const t_player *p, t_side side,
                      float **pieces)
{
    mli_port port;
    for (uint32_t i = 0; i < player_ports(p, side); i++) {
        uint32_t values = player_port(p, side, i, &port);
        float *v = layout_take(l, (size_t)port.frames * values, sizeof(float));
        if (v && port.kind == MLI_PORT_SIGNAL)
            *pieces++ = v;
    }
}

/* What the model takes and makes in one chunk. */
static void lay_rates(t_buffers *b, t_layout *l, const t_player *p, size_t in,
                      size_t out)
{
    size_t most = b->b_rates.r_most;
    b->b_piecein = layout_take(l, in + 1, sizeof(float *));
    b->b_pieceout = layout_take(l, out + 1, sizeof(float *));
    if (b->b_window) {
        lay_ports(l, p, SIDE_IN, b->b_piecein);
        lay_ports(l, p, SIDE_OUT, b->b_pieceout);
    }
    b->b_modelin = b->b_rate ? lay_channels(l, in, most) : b->b_in;
    b->b_modelout = b->b_rate ? lay_channels(l, out, most) : b->b_out;
    if (b->b_rate)
        resampler_lay(&b->b_rates, l);
}

static void buffers_lay(t_buffers *b, t_layout *l, const t_player *p, size_t in,
                        int clamp)
{
    size_t out = p ? p->p_nout : 0;
    b->b_in = lay_channels(l, in, b->b_chunk);
    b->b_out = lay_channels(l, out, b->b_chunk);
    lay_rates(b, l, p, in, out);
    b->b_dry =
        lay_channels(l, b->b_latency ? (size_t)b->b_ndry : 0, b->b_chunk);
    b->b_line = layout_take(l, b->b_latency, (size_t)b->b_ndry * sizeof(float));
    b->b_from = layout_take(l, out, sizeof(float));
    b->b_to = layout_take(l, out, sizeof(float));
    b->b_ranges = clamp ? layout_take(l, in, sizeof(t_range)) : 0;
}

static void buffers_ranges(t_buffers *b, const t_player *p)
{
    mli_port port;
    mli_channel channel;
    for (uint32_t c = 0; b->b_ranges && p && c < p->p_nin; c++) {
        player_channel(p, SIDE_IN, c, &port, &channel);
        b->b_ranges[c].r_low = channel.low;
        b->b_ranges[c].r_high = channel.high;
    }
}

/* Does an output name classes? */
static int has_classes(const t_player *p)
{
    mli_port port;
    for (uint32_t i = 0; i < p->p_info.outputs; i++) {
        mli_get_output(p->p_model, i, &port);
        if (port.classes)
            return 1;
    }
    return 0;
}

static void buffers_times(t_buffers *b, const t_setting *s, const t_player *p)
{
    b->b_chunk = CHUNK_MAX;
    if (!p)
        return;
    b->b_latency = p->p_info.latency;
    if (p->p_info.mode == MLI_STEP) {
        b->b_hop = (uint32_t)s->s_hop;
        b->b_latency = s->s_aslist ? 0 : b->b_hop;
    } else if (b->b_window) {
        /* should there be no memory for what another block needs, chunks come
           all the same */
        b->b_chunk = b->b_window > CHUNK_MAX ? b->b_window : CHUNK_MAX;
        b->b_hop = b->b_window;
        b->b_latency = 0;
    } else if (p->p_info.mode == MLI_WINDOW) {
        b->b_hop = p->p_info.hop;
    } else if (has_classes(p)) { /* an answer at every sample is too many */
        b->b_hop = (uint32_t)s->s_hop;
    }
    b->b_tell = b->b_hop && (s->s_aslist || has_classes(p));
}

double buffers_rate(const t_setting *s, const t_player *p)
{
    double rate = p ? p->p_info.rate : 0, here = (double)s->s_rate;
    t_resampler r;
    if (!p || p->p_info.mode == MLI_STEP || s->s_norate ||
        s->s_rate != s->s_pdrate || s->s_rate == (t_float)rate)
        return 0;
    return resampler_plan(&r, here, rate, 0, 0, 0, 1, CHUNK_MAX) ? here : 0;
}

uint32_t buffers_window(const t_setting *s, const t_player *p)
{
    if (!p || p->p_info.mode != MLI_WINDOW ||
        (uint32_t)s->s_block != p->p_info.window || buffers_rate(s, p) != 0)
        return 0;
    return s->s_rate != s->s_pdrate || p->p_info.hop == p->p_info.window
               ? p->p_info.window
               : 0;
}

/* Outputs that go in steps keep them. */
static int is_held(const t_player *p, uint32_t c)
{
    mli_port port;
    mli_channel channel;
    player_channel(p, SIDE_OUT, c, &port, &channel);
    return port.period > 1 ||
           (p->p_info.mode == MLI_WINDOW && port.frames == 1);
}

/* Latency, then, is that of both ways and of the model between them. */
static int buffers_plan(t_buffers *b, const t_setting *s, const t_player *p,
                        t_failure *failure)
{
    uint32_t out = s->s_aslist ? 0 : p->p_nout;
    int filtered = 0;
    for (uint32_t c = 0; c < out; c++)
        filtered |= !is_held(p, c);
    if (!resampler_plan(&b->b_rates, b->b_rate, p->p_info.rate, b->b_latency,
                        p->p_nin, out, filtered, b->b_chunk)) {
        failure_set(failure, "memory", "has a latency of %u frames: too many",
                    (unsigned)b->b_latency);
        return 0;
    }
    b->b_latency = b->b_rates.r_latency;
    return 1;
}

static void buffers_start_rates(t_buffers *b, const t_player *p)
{
    resampler_start(&b->b_rates);
    for (uint32_t c = 0; c < b->b_rates.r_outring.r_channels; c++)
        if (is_held(p, c))
            resampler_hold(&b->b_rates, c);
}

int buffers_make(t_buffers *b, const t_setting *s, const t_player *p,
                 t_failure *failure)
{
    t_layout l = {0, 0};
    int nin = setting_inlets(s, p), nout = setting_outlets(s, p);
    memset(b, 0, sizeof(*b));
    b->b_rate = buffers_rate(s, p);
    b->b_window = buffers_window(s, p);
    buffers_times(b, s, p);
    b->b_nin = nin;
    b->b_ndry = nin < nout ? nin : nout;
    if (b->b_rate && !buffers_plan(b, s, p, failure))
        return 0;
    if (b->b_latency > LATENCY_MAX) {
        failure_set(failure, "memory",
                    "has a latency of %u frames, expected at most %u",
                    (unsigned)b->b_latency, LATENCY_MAX);
        return 0;
    }
    buffers_lay(b, &l, p, (size_t)nin, s->s_clamp);
    size_t bytes = l.l_used;
    if (!layout_make(&l)) {
        failure_set(failure, "memory", "needs %zu bytes: not there", bytes);
        return 0;
    }
    b->b_memory = l.l_base;
    buffers_lay(b, &l, p, (size_t)nin, s->s_clamp);
    buffers_ranges(b, p);
    if (b->b_rate)
        buffers_start_rates(b, p);
    if (buffers_room(b, s, p))
        return 1;
    failure_set(failure, "memory", "needs more memory for its results");
    buffers_free(b);
    return 0;
}

int buffers_room(t_buffers *b, const t_setting *s, const t_player *p)
{
    t_results *r = &b->b_results;
    t_layout l = {0, 0};
    if (!b->b_tell || !p || !p->p_nout || !s->s_block)
        return 1;
    double frames = s->s_block;
    if (b->b_rate)
        frames = frames * p->p_info.rate / b->b_rate;
    uint32_t room = (uint32_t)(frames + 2) / b->b_hop + 2;
    if (room <= r->r_room)
        return 1;
    free(r->r_values);
    memset(r, 0, sizeof(*r));
    layout_take(&l, room, p->p_nout * sizeof(float));
    if (!layout_make(&l))
        return 0;
    r->r_values = (float *)l.l_base;
    r->r_room = room;
    return 1;
}

void buffers_free(t_buffers *b)
{
    free(b->b_results.r_values);
    free(b->b_memory);
    memset(b, 0, sizeof(*b));
}
