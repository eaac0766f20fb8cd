/* [mlinfer~]: a model on signals. */
#include <stdlib.h>
#include <string.h>
#include "classes.h"
#include "layout.h"
#include "multichannel.h"
#include "signalbox.h"

/* ------------ mlinfer~ - neural networks on signals ----------------------- */

static t_class *signalclass_class;
static t_class *signalclass_multi; /* the same for -m */

/* ------------------------------ perform ----------------------------------- */

/* -clamp */
static void signalbox_hold(const t_buffers *b, int c, float *v, int n)
{
    if (!b->b_ranges || !(b->b_ranges[c].r_low < b->b_ranges[c].r_high))
        return;
    t_range r = b->b_ranges[c];
    for (int i = 0; i < n; i++) {
        float f = v[i] < r.r_low ? r.r_low : v[i];
        v[i] = f > r.r_high ? r.r_high : f;
    }
}

/*
 * Inlets into float arrays: outlets may be the same memory as inlets, a Pd may
 * have double samples, and what is no number counts as 0.
 */
static void signalbox_take(t_signalbox *x, int first, int n)
{
    const t_buffers *b = &x->x_buffers;
    for (int c = 0; c < x->x_nin; c++) {
        const t_sample *from = x->x_invec[c] ? x->x_invec[c] + first : 0;
        float *to = b->b_in[c];
        for (int i = 0; i < n; i++) {
            float f = from ? (float)from[i] : 0;
            to[i] = value_is_finite(f) ? f : 0;
        }
        signalbox_hold(b, c, to, n);
    }
}

/* Channels into outlets; what is missing is silent. */
static void signalbox_give(t_signalbox *x, float *const *from, int channels,
                           int first, int n)
{
    for (int c = 0; c < x->x_nout; c++) {
        t_sample *to = x->x_outvec[c] + first;
        if (c < channels)
            for (int i = 0; i < n; i++)
                to[i] = from[c][i];
        else
            memset(to, 0, (size_t)n * sizeof(t_sample));
    }
}

/* The dry signal, as late as the model makes it; the line is always fed, so
   that bypass can come at any time. */
static void signalbox_delay(t_signalbox *x, int n)
{
    t_buffers *b = &x->x_buffers;
    uint32_t at = b->b_dryat;
    for (int c = 0; c < b->b_ndry; c++) {
        float *line = b->b_line + (size_t)c * b->b_latency;
        at = b->b_dryat;
        for (int i = 0; i < n; i++) {
            float f = b->b_in[c][i];
            if (b->b_latency) {
                float old = line[at];
                line[at] = f;
                f = old;
                at = at + 1 == b->b_latency ? 0 : at + 1;
            }
            b->b_dry[c][i] = f;
        }
    }
    b->b_dryat = at;
}

/* The last values of all outputs are a result: keep it for the clock. */
static void signalbox_result(t_signalbox *x, const float *y)
{
    t_results *r = &x->x_results;
    uint32_t n = x->x_box.x_player.p_nout;
    if (!r->r_room)
        return;
    uint32_t slot = (r->r_first + r->r_count) % r->r_room;
    if (r->r_count == r->r_room) /* cannot be: dsp made room for a block */
        r->r_first = (r->r_first + 1) % r->r_room;
    else
        r->r_count++;
    memcpy(r->r_values + (size_t)slot * n, y, n * sizeof(float));
    clock_delay(x->x_tell, 0);
}

/* A step model: run at the first frame of a hop, and go in a straight line
   from the result before to this one, which is reached a hop later. */
static void signalbox_step(t_signalbox *x, int n)
{
    t_player *p = &x->x_box.x_player;
    t_buffers *b = &x->x_buffers;
    for (int i = 0; i < n; i++) {
        if (b->b_phase == 0) {
            for (uint32_t c = 0; c < p->p_nin; c++)
                p->p_x[c] = b->b_in[c][i];
            memcpy(b->b_from, b->b_to, p->p_nout * sizeof(float));
            player_once(p);
            if (values_make_finite(p->p_y, p->p_nout))
                box_badvalue(&x->x_box), clock_delay(x->x_tell, 0);
            memcpy(b->b_to, p->p_y, p->p_nout * sizeof(float));
            if (b->b_tell)
                signalbox_result(x, p->p_y);
        }
        float share = (float)b->b_phase / (float)b->b_hop;
        for (uint32_t c = 0; c < p->p_nout; c++)
            b->b_out[c][i] = b->b_from[c] + (b->b_to[c] - b->b_from[c]) * share;
        b->b_phase = b->b_phase + 1 == b->b_hop ? 0 : b->b_phase + 1;
    }
}

/* Frames from `first` on at the model's rate; at most one result in them. */
static void signalbox_piece(t_signalbox *x, uint32_t first, uint32_t n)
{
    t_player *p = &x->x_box.x_player;
    t_buffers *b = &x->x_buffers;
    float **in = b->b_piecein, **out = b->b_pieceout;
    uint32_t bad = 0;
    for (uint32_t c = 0; c < p->p_nin; c++)
        in[c] = b->b_modelin[c] + first;
    for (uint32_t c = 0; c < p->p_nout; c++)
        out[c] = b->b_modelout[c] + first;
    uint32_t runs = mli_process(p->p_session, (const float *const *)in, out, n);
    for (uint32_t c = 0; c < p->p_nout; c++)
        for (uint32_t i = 0; i < n; i++)
            bad |= !value_is_finite(out[c][i]);
    if (bad) {
        for (uint32_t c = 0; c < p->p_nout; c++)
            values_make_finite(out[c], n);
        box_badvalue(&x->x_box);
        clock_delay(x->x_tell, 0);
    }
    if (b->b_tell && p->p_info.mode == MLI_STREAM) {
        b->b_phase += n;
        runs = b->b_phase >= b->b_hop;
        b->b_phase -= runs ? b->b_hop : 0;
    }
    if (runs && b->b_tell) {
        for (uint32_t c = 0; c < p->p_nout; c++)
            p->p_y[c] = out[c][n - 1];
        signalbox_result(x, p->p_y);
    }
}

/* A stream or window model. */
static void signalbox_stream(t_signalbox *x, uint32_t n)
{
    const t_buffers *b = &x->x_buffers;
    uint32_t most = b->b_tell ? b->b_hop : n;
    for (uint32_t first = 0; first < n; first += most)
        signalbox_piece(x, first, n - first < most ? n - first : most);
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
static void signalbox_window(t_signalbox *x, uint32_t n)
{
    t_player *p = &x->x_box.x_player;
    t_buffers *b = &x->x_buffers;
    float **channels = b->b_in, **piece = b->b_piecein;
    mli_port port;
    int bad = 0;
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
    for (uint32_t c = 0; c < p->p_nout; c++) {
        bad |= values_make_finite(b->b_out[c], n) != 0;
        p->p_y[c] = b->b_out[c][n - 1];
    }
    if (bad)
        box_badvalue(&x->x_box), clock_delay(x->x_tell, 0);
    if (b->b_tell)
        signalbox_result(x, p->p_y);
}

/* One that was made for another rate. What rings at the ends of a range, or
   beyond the largest float, is put right. */
static void signalbox_converted(t_signalbox *x, int n)
{
    t_player *p = &x->x_box.x_player;
    t_buffers *b = &x->x_buffers;
    uint32_t made =
        resampler_in(&b->b_rates, b->b_in, (uint32_t)n, b->b_modelin);
    for (uint32_t c = 0; c < p->p_nin; c++) {
        values_make_finite(b->b_modelin[c], made);
        signalbox_hold(b, (int)c, b->b_modelin[c], (int)made);
    }
    signalbox_stream(x, made);
    resampler_out(&b->b_rates, b->b_modelout, made, b->b_out, (uint32_t)n);
    for (uint32_t c = 0; c < p->p_nout; c++)
        values_make_finite(b->b_out[c], (uint32_t)n);
}

static void signalbox_block(t_signalbox *x, int first, int n)
{
    const t_player *p = &x->x_box.x_player;
    t_buffers *b = &x->x_buffers;
    signalbox_take(x, first, n);
    signalbox_delay(x, n);
    if (p->p_model && p->p_info.mode == MLI_STEP)
        signalbox_step(x, n);
    else if (p->p_model && b->b_rate)
        signalbox_converted(x, n);
    else if (p->p_model && b->b_window == (uint32_t)n)
        signalbox_window(x, (uint32_t)n);
    else if (p->p_model)
        signalbox_stream(x, (uint32_t)n);
    if (x->x_bypass)
        signalbox_give(x, b->b_dry, b->b_ndry, first, n);
    else
        signalbox_give(x, b->b_out, (int)p->p_nout, first, n);
}

/* No allocation, no lock, no system call, no print from here on down (but the
   time, when it is asked for). */
static t_int *signalbox_perform(t_int *w)
{
    t_signalbox *x = (t_signalbox *)w[1];
    int n = (int)w[2], chunk = (int)x->x_buffers.b_chunk;
    t_stopwatch *watch = &x->x_box.x_watch;
    double since = watch->w_on ? stopwatch_now() : 0;
    for (int first = 0; first < n; first += chunk)
        signalbox_block(x, first, n - first < chunk ? n - first : chunk);
    if (watch->w_on)
        stopwatch_add(watch, since, n / (double)x->x_rate);
    return w + 3;
}

/* -------------------------------- dsp ------------------------------------- */

/* Room for the results of one block, and one to spare. */
static void signalbox_room(t_signalbox *x, int block)
{
    t_results *r = &x->x_results;
    t_layout l = {0, 0};
    uint32_t n = x->x_box.x_player.p_nout, hop = x->x_buffers.b_hop;
    free(r->r_values);
    memset(r, 0, sizeof(*r));
    if (!x->x_buffers.b_tell || !n)
        return;
    double frames = block;
    if (x->x_buffers.b_rate)
        frames = frames * x->x_box.x_player.p_info.rate / x->x_buffers.b_rate;
    uint32_t room = (uint32_t)(frames + 2) / hop + 2;
    layout_take(&l, room, n * sizeof(float));
    if (!layout_make(&l)) {
        box_error(&x->x_box, "no memory for %u results of %u values",
                  (unsigned)room, (unsigned)n);
        return;
    }
    r->r_values = (float *)l.l_base;
    r->r_room = room;
}

/* Another rate than the model's that is not converted is said once. Whole
   windows that overlap are at Pd's rate. */
static void signalbox_checkrate(t_signalbox *x)
{
    double rate = x->x_box.x_player.p_info.rate;
    t_float here = x->x_buffers.b_window ? sys_getsr() : x->x_rate;
    const char *why =
        x->x_rate == sys_getsr()
            ? ""
            : ", because of a [block~] with overlap or resampling,";
    if (!x->x_box.x_player.p_model || rate <= 0 || x->x_buffers.b_rate ||
        x->x_box.x_args.a_norate || here == (t_float)rate ||
        (x->x_saidmodel == rate && x->x_saidcanvas == x->x_rate))
        return;
    x->x_saidmodel = rate;
    x->x_saidcanvas = x->x_rate;
    box_error(&x->x_box,
              "%s: made for %g Hz, runs at %g Hz here%s and is not converted: "
              "it will sound different",
              box_filename(&x->x_box), rate, (double)x->x_rate, why);
}

/* The canvas has another rate or block than at the last look, and that counts:
   the model goes on, from silence in the filters. */
static void signalbox_convert(t_signalbox *x)
{
    const t_player *p = &x->x_box.x_player;
    t_failure failure;
    if (!p->p_model || (buffers_rate(x, p) == x->x_buffers.b_rate &&
                        buffers_window(x, p) == x->x_buffers.b_window))
        return;
    double latency = x->x_buffers.b_latency;
    if (!buffers_make(&x->x_next, x, p, &failure)) {
        box_error(&x->x_box, "%s: %s", box_filename(&x->x_box), failure.f_text);
        return;
    }
    buffers_free(&x->x_buffers);
    x->x_buffers = x->x_next;
    memset(&x->x_next, 0, sizeof(x->x_next));
    if (x->x_buffers.b_latency != latency && !x->x_box.x_saycreated) {
        x->x_saylatency = 1;
        clock_delay(x->x_tell, 0);
    }
}

static void signalbox_vectors(t_signalbox *x, t_signal **sp)
{
    int inlets = x->x_nin > 0 ? x->x_nin : 1;
    for (int c = 0; c < x->x_nin; c++)
        x->x_invec[c] = sp[c]->s_vec;
    for (int c = 0; c < x->x_nout; c++)
        x->x_outvec[c] = sp[inlets + c]->s_vec;
}

/* -m: channels that the model does not ask for are left out, those that do not
   come are silent. */
static void signalbox_channels(t_signalbox *x, t_signal **sp)
{
    int there = multichannel_count(sp[0]);
    size_t n = (size_t)sp[0]->s_n;
    for (int c = 0; c < x->x_nin; c++)
        x->x_invec[c] = c < there ? sp[0]->s_vec + n * (size_t)c : 0;
    if (x->x_box.x_args.a_list)
        return;
    multichannel_outlet(sp + 1, x->x_nout);
    for (int c = 0; c < x->x_nout; c++)
        x->x_outvec[c] = sp[1]->s_vec + n * (size_t)c;
}

/* Of t_signal, only what is the same in every Pd: s_n, s_vec, s_sr. State goes
   on where it was: a rebuilt graph is no new beginning. */
static void signalbox_dsp(t_signalbox *x, t_signal **sp)
{
    if (x->x_multi)
        signalbox_channels(x, sp);
    else
        signalbox_vectors(x, sp);
    x->x_rate = sp[0]->s_sr;
    x->x_block = sp[0]->s_n;
    signalbox_convert(x);
    signalbox_checkrate(x);
    signalbox_room(x, x->x_block);
    dsp_add(signalbox_perform, 2, x, (t_int)sp[0]->s_n);
}

/* ------------------------------ methods ----------------------------------- */

/* By clock, what perform has found out. */
static void signalbox_tell(t_signalbox *x)
{
    t_results *r = &x->x_results;
    box_saybadvalue(&x->x_box);
    if (x->x_saylatency) {
        x->x_saylatency = 0;
        box_saylatency(&x->x_box);
    }
    while (r->r_count) {
        uint32_t n = x->x_box.x_player.p_nout;
        const float *y = r->r_values + (size_t)r->r_first * n;
        size_t bytes = n * sizeof(t_atom);
        t_atom some[256], *at = n > 256 ? getbytes(bytes) : some;
        r->r_first = (r->r_first + 1) % r->r_room;
        r->r_count--;
        if (!at)
            continue;
        for (uint32_t i = 0; i < n; i++)
            SETFLOAT(at + i, y[i]);
        box_sayclasses(&x->x_box, y);
        if (x->x_list)
            outlet_list(x->x_list, &s_list, (int)n, at);
        if (at != some)
            freebytes(at, bytes);
    }
}

static void signalbox_bypass(t_signalbox *x, t_floatarg f)
{
    x->x_bypass = f != 0;
}

static void signalbox_set(t_signalbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    if (!argc || argv->a_type != A_SYMBOL)
        box_error(&x->x_box, "set: expected the name of a control, got %s",
                  argc ? "a number" : "nothing");
    else
        box_setcontrol(&x->x_box, argv->a_w.w_symbol, argc - 1, argv + 1);
}

/* ------------------------- for the common part ---------------------------- */

static int signalbox_countfits(const char *what, const char *flag,
                               uint32_t model, int box, t_failure *failure)
{
    uint32_t most = box < 0 ? PORTS_MAX : (uint32_t)box;
    if (model <= most)
        return 1;
    if (box < 0)
        failure_set(failure, "channels", "has %u %ss, expected at most %u",
                    (unsigned)model, what, (unsigned)most);
    else
        failure_set(failure, "channels", "has %u %s%s, box has %d: use %s %u",
                    (unsigned)model, what, model == 1 ? "" : "s", box, flag,
                    (unsigned)model);
    return 0;
}

static int signalbox_fit(t_box *box, const t_player *next, t_failure *failure)
{
    t_signalbox *x = (t_signalbox *)box;
    int lists = box->x_args.a_list;
    int in = x->x_multi ? -1 : x->x_nin, out = x->x_multi ? -1 : x->x_nout;
    if (!signalbox_countfits("input", "-in", next->p_nin, in, failure))
        return 0;
    if (lists && next->p_info.mode == MLI_STREAM) {
        failure_set(failure, "unsupported",
                    "-list: expected a step or window model, got a stream");
        return 0;
    }
    if (!lists &&
        !signalbox_countfits("output", "-out", next->p_nout, out, failure))
        return 0;
    return buffers_make(&x->x_next, x, next, failure);
}

/* -m: as many channels as the model that has just come; others than before
   need another graph. */
static void signalbox_recount(t_signalbox *x)
{
    int in = signalbox_inlets(x, &x->x_box.x_player);
    int out = signalbox_outlets(x, &x->x_box.x_player);
    if (!x->x_multi || !x->x_invec || (in == x->x_nin && out == x->x_nout))
        return;
    for (int c = x->x_nin; c < in; c++)
        x->x_invec[c] = 0;
    x->x_nin = in;
    x->x_nout = out;
    if (x->x_block)
        canvas_update_dsp();
}

static void signalbox_adopt(t_box *box)
{
    t_signalbox *x = (t_signalbox *)box;
    buffers_free(&x->x_buffers);
    x->x_buffers = x->x_next;
    memset(&x->x_next, 0, sizeof(x->x_next));
    signalbox_recount(x);
    if (x->x_block) { /* the graph stands: this model came later */
        signalbox_checkrate(x);
        signalbox_room(x, x->x_block);
    }
}

static void signalbox_reset(t_box *box)
{
    t_signalbox *x = (t_signalbox *)box;
    t_buffers *b = &x->x_buffers;
    /* outputs that ramp go on from where they are: a reset does not click */
    float share = b->b_phase ? (float)b->b_phase / (float)b->b_hop : 0;
    for (uint32_t c = 0; b->b_phase && c < box->x_player.p_nout; c++)
        b->b_to[c] = b->b_from[c] + (b->b_to[c] - b->b_from[c]) * share;
    b->b_phase = 0;
    if (b->b_rate)
        resampler_reset(&b->b_rates);
    x->x_results.r_count = 0;
}

static double signalbox_latency(const t_box *box)
{
    return ((const t_signalbox *)box)->x_buffers.b_latency;
}

static double signalbox_rate(const t_box *box)
{
    return ((const t_signalbox *)box)->x_buffers.b_rate;
}

static const t_boxkind signalbox_kind = {
    .k_name = "mlinfer~",
    .k_tilde = 1,
    .k_fit = signalbox_fit,
    .k_adopt = signalbox_adopt,
    .k_reset = signalbox_reset,
    .k_latency = signalbox_latency,
    .k_converted = signalbox_rate,
};

/* ------------------------ creation and the end ---------------------------- */

/* Counts that nothing has fixed: the model's, or 1 without one. */
static int signalbox_counts(t_signalbox *x)
{
    const t_player *p = &x->x_box.x_player;
    if (x->x_nin < 0)
        x->x_nin = p->p_model ? (int)p->p_nin : 1;
    if (x->x_nout < 0)
        x->x_nout = p->p_model ? (int)p->p_nout : 1;
    int in = x->x_multi ? PORTS_MAX : x->x_nin + 1;
    int out = x->x_multi ? PORTS_MAX : x->x_nout + 1;
    x->x_invec = calloc((size_t)in, sizeof(*x->x_invec));
    x->x_outvec = calloc((size_t)out, sizeof(*x->x_outvec));
    return x->x_invec && x->x_outvec;
}

static float signalbox_initial(const t_signalbox *x, int c)
{
    const t_player *p = &x->x_box.x_player;
    return p->p_model && (uint32_t)c < p->p_nin ? p->p_x[c] : 0;
}

static void signalbox_ports(t_signalbox *x)
{
    t_object *o = &x->x_box.x_obj;
    x->x_box.x_f = signalbox_initial(x, 0);
    int in = x->x_multi ? 1 : x->x_nin, out = x->x_nout;
    for (int c = 1; c < in; c++)
        signalinlet_new(o, signalbox_initial(x, c));
    for (int c = 0; c < (x->x_multi && out ? 1 : out); c++)
        outlet_new(o, &s_signal);
    if (x->x_box.x_args.a_list)
        x->x_list = outlet_new(o, &s_list);
    box_outlet(&x->x_box);
}

/* A box without a model can stand in for one only if its cords are known. */
static int signalbox_maybesilent(const t_signalbox *x)
{
    const t_arguments *a = &x->x_box.x_args;
    return x->x_multi || (a->a_in >= 0 && (a->a_out >= 0 || a->a_list));
}

/* Asked for before there is an object: it is of another class then. */
static int is_multichannel(int argc, const t_atom *argv)
{
    for (int i = 0; i < argc && multichannel_here(); i++)
        if (argv[i].a_type == A_SYMBOL && argv[i].a_w.w_symbol == gensym("-m"))
            return 1;
    return 0;
}

static void signalbox_arguments(t_signalbox *x, int multi)
{
    t_arguments *a = &x->x_box.x_args;
    if (a->a_multi && !multi)
        box_error(&x->x_box, "-m: this Pd has no multichannel signals "
                             "(expected 0.54 or later), flag ignored");
    if (multi && (a->a_in >= 0 || a->a_out >= 0)) {
        box_error(&x->x_box, "-m: channels are as many as the model has, -in "
                             "and -out ignored");
        a->a_in = a->a_out = -1;
    }
    x->x_multi = multi;
    x->x_nin = a->a_in;
    x->x_nout = a->a_list ? 0 : a->a_out;
}

static void *signalbox_new(t_symbol *s, int argc, t_atom *argv)
{
    int multi = is_multichannel(argc, argv);
    t_signalbox *x =
        (t_signalbox *)pd_new(multi ? signalclass_multi : signalclass_class);
    t_failure failure;
    (void)s;
    box_init(&x->x_box, &signalbox_kind, argc, argv);
    signalbox_arguments(x, multi);
    x->x_tell = clock_new(x, (t_method)signalbox_tell);
    x->x_rate = sys_getsr();
    int opened = box_first(&x->x_box);
    if (!opened && !signalbox_maybesilent(x)) {
        pd_free((t_pd *)x);
        return 0;
    }
    if (!signalbox_counts(x) ||
        (!x->x_buffers.b_chunk &&
         !buffers_make(&x->x_buffers, x, 0, &failure))) {
        box_error(&x->x_box, "no memory");
        pd_free((t_pd *)x);
        return 0;
    }
    signalbox_ports(x);
    return x;
}

static void signalbox_free(t_signalbox *x)
{
    clock_free(x->x_tell);
    buffers_free(&x->x_buffers);
    free(x->x_results.r_values);
    free(x->x_invec);
    free(x->x_outvec);
    box_free(&x->x_box);
}

/* Without a constructor of its own, a class of the same name is found by
   nobody but signalbox_new. */
static t_class *signalclass_make(t_newmethod make, int flags)
{
    t_class *c = class_new(gensym("mlinfer~"), make, (t_method)signalbox_free,
                           sizeof(t_signalbox), flags, make ? A_GIMME : 0, 0);
    CLASS_MAINSIGNALIN(c, t_signalbox, x_box.x_f);
    class_addmethod(c, (t_method)signalbox_dsp, gensym("dsp"), A_CANT, 0);
    class_addmethod(c, (t_method)signalbox_bypass, gensym("bypass"), A_FLOAT,
                    0);
    class_addmethod(c, (t_method)signalbox_set, gensym("set"), A_GIMME, 0);
    box_addmethods(c);
    return c;
}

void signalclass_setup(void)
{
    t_newmethod make = (t_newmethod)(t_method)signalbox_new;
    signalclass_class = signalclass_make(make, CLASS_DEFAULT);
    signalclass_multi = signalclass_make(0, CLASS_DEFAULT | MULTICHANNEL_CLASS);
    class_alias(make, "mlinfer/mlinfer~");
}
