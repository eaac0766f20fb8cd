/*
 * text_linear.h - convolution and dense layers, over the vector layer.
 *
 * Outputs lie across the lanes. A tile of frames by vectors of outputs is kept
 * in registers while the weights of these outputs go by once. Each output has
 * one accumulator, that starts from the bias and takes its products in the
 * order taps, inputs: whatever the tile, the bits are the same.
 */

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/*
 * Four frames are reached from one pointer. Compilers that see how the pointers
 * of a tile hang together keep one and a register per frame instead, of which
 * there are not enough.
 */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

/* Vectors in a whole panel. */
#define PANEL_VECTORS ((int)(MLI_PANEL / V_LANES))

/* A run of outputs of one group that a tile function works on. */
typedef struct linear_job {
    const mli_conv *a;
    const float *x;  /* frame 0 of tap 0's array, at the first input */
    const float *w;  /* first row, at the first output of the run */
    const float *b;  /* bias of the first output of the run, or NULL */
    float *y;        /* frame 0, first output of the run */
    size_t x_step;   /* floats from frame to frame */
    size_t panel;    /* floats in a whole panel */
    uint32_t width;  /* floats from row to row of w */
    unsigned lo, hi; /* lanes to store, where only a part of a vector is */
    unsigned real;   /* lanes that are outputs */
    unsigned held;   /* lanes that w has: real outputs and their padding */
} linear_job;

/*
 * Where the taps of a frame lie, one after another: `jump` floats apart, back
 * to the front at the end of a ring.
 */
typedef struct tap_walk {
    const float *x;
    size_t at, jump, limit;
} tap_walk;

/* x: the frame in question if tap 0 read frame 0 of the array. */
V_FN tap_walk first_tap(const mli_conv *a, const float *x)
{
    tap_walk t = {x, 0, (size_t)a->dilation * a->x_stride, SIZE_MAX};
    if (a->ring) {
        uint32_t back = (a->taps - 1) * a->dilation;
        uint32_t frame =
            a->pos >= back ? a->pos - back : a->pos + (a->ring - back);
        t.at = (size_t)frame * a->x_stride;
        t.limit = (size_t)a->ring * a->x_stride;
    }
    return t;
}

V_FN const float *next_tap(tap_walk *t)
{
    const float *x = t->x + t->at;
    size_t next = t->at + t->jump;
    t->at = next >= t->limit ? next - t->limit : next;
    return x;
}

V_FN size_t frame_step(const mli_conv *a)
{
    return (size_t)(a->ring ? 1 : a->step) * a->x_stride;
}

/* Where vector v of a run lies in w, relative to the run's first. */
V_FN size_t column(const linear_job *j, int v)
{
    return (size_t)(v / PANEL_VECTORS) * j->panel +
           (size_t)(v % PANEL_VECTORS) * V_LANES;
}

/*
 * `tile` frames from frame f on, by `count` vectors. tile, count and part are
 * constants wherever this is used. part: one vector, of which only some lanes
 * are loaded and stored.
 */
V_FN void linear_tile(const linear_job *j, uint32_t f, const int tile,
                      const int count, const int part)
{
    const mli_conv *a = j->a;
    const size_t step = j->x_step;
    const float *w = j->w;
    vf sum[V_TALL][V_ROW];

    UNROLL
    for (int v = 0; v < count; v++) {
        vf b = K(0.0f);
        if (j->b)
            b = part ? v_load_part(j->b, 0, j->real)
                     : v_load(j->b + v * (int)V_LANES);
        UNROLL
        for (int t = 0; t < tile; t++)
            sum[t][v] = b;
    }
    tap_walk walk = first_tap(a, j->x + f * step);
    for (uint32_t k = 0; k < a->taps; k++) {
        const float *x = next_tap(&walk);
        const float *at[V_TALL / 4 + 1];
        UNROLL
        for (int t = 0; t < tile; t += 4) {
            at[t / 4] = x + (size_t)t * step;
            HIDE(at[t / 4]);
        }
        for (uint32_t i = 0; i < a->in_per_group; i++, w += j->width) {
            vf row[V_ROW];
            UNROLL
            for (int v = 0; v < count; v++)
                row[v] = part && V_LANES > 4 ? v_load_part(w, 0, j->held)
                                             : v_load(w + column(j, v));
            UNROLL
            for (int t = 0; t < tile; t++) {
                vf in = v_set1(at[t / 4][(size_t)(t % 4) * step]);
                UNROLL
                for (int v = 0; v < count; v++)
                    sum[t][v] = v_fma(in, row[v], sum[t][v]);
            }
            UNROLL
            for (int t = 0; t < tile; t += 4)
                at[t / 4]++;
        }
    }
    UNROLL
    for (int t = 0; t < tile; t++) {
        float *y = j->y + (f + (uint32_t)t) * (size_t)a->y_stride;
        UNROLL
        for (int v = 0; v < count; v++) {
            if (part)
                v_store_part(y, sum[t][v], j->lo, j->hi);
            else
                v_store(y + v * (int)V_LANES, sum[t][v]);
        }
    }
}

/* All frames by `count` vectors. */
V_FN void linear_frames(const linear_job *j, const int tile, const int count,
                        const int part)
{
    const uint32_t frames = j->a->frames;
    uint32_t f = 0;
    for (; f + (uint32_t)tile <= frames; f += (uint32_t)tile)
        linear_tile(j, f, tile, count, part);
    if (tile > 4)
        for (; f + (uint32_t)tile / 4 <= frames; f += (uint32_t)tile / 4)
            linear_tile(j, f, tile / 4, count, part);
    for (; f < frames; f++)
        linear_tile(j, f, 1, count, part);
}

static void linear_row(const linear_job *j)
{
    for (uint32_t f = 0; f < j->a->frames; f++)
        linear_tile(j, f, 1, V_ROW, 0);
}

static void linear_half_row(const linear_job *j)
{
    for (uint32_t f = 0; f < j->a->frames; f++)
        linear_tile(j, f, 1, V_ROW / 2, 0);
}

static void linear_columns(const linear_job *j)
{
    linear_frames(j, V_TILE, V_COLUMNS, 0);
}

static void linear_vector(const linear_job *j)
{
    linear_frames(j, V_TALL, 1, 0);
}

static void linear_part(const linear_job *j)
{
    linear_frames(j, V_TALL, 1, 1);
}

/* The run that begins at output o of group g, whose matrix is w. */
static linear_job linear_at(const mli_conv *a, uint32_t g, uint32_t o)
{
    const uint32_t outputs = a->out_per_group;
    const size_t base = (size_t)g * outputs + o;
    const uint32_t in_panel = outputs - o / MLI_PANEL * MLI_PANEL;
    linear_job j;
    j.a = a;
    j.x = a->x + (size_t)g * a->in_per_group;
    j.w = a->w + mli_packed_size(outputs, a->taps, a->in_per_group) * g +
          mli_packed_index(outputs, a->taps, a->in_per_group, o, 0, 0);
    j.b = a->b ? a->b + base : NULL;
    j.y = a->y + base;
    j.x_step = frame_step(a);
    j.panel = (size_t)MLI_PANEL * a->taps * a->in_per_group;
    j.width = in_panel < MLI_PANEL ? (in_panel + 3) / 4 * 4 : MLI_PANEL;
    j.lo = 0;
    j.hi = j.real = j.held = V_LANES;
    return j;
}

/* A vector at a multiple of V_LANES, of which outputs [first, last) count. */
static void linear_cut(const mli_conv *a, uint32_t g, uint32_t o,
                       uint32_t first, uint32_t last)
{
    linear_job j = linear_at(a, g, o);
    uint32_t left = a->out_per_group - o;
    uint32_t held = j.width - o % MLI_PANEL;
    j.real = left < V_LANES ? left : V_LANES;
    j.held = held < V_LANES ? held : V_LANES;
    j.lo = first > o ? first - o : 0;
    j.hi = last - o < V_LANES ? last - o : V_LANES;
    linear_part(&j);
}

/* Whole vectors from output o on that may be done at once. */
static uint32_t linear_run(const mli_conv *a, uint32_t o, uint32_t last)
{
    const uint32_t whole = a->out_per_group / MLI_PANEL * MLI_PANEL;
    uint32_t in_panel = (MLI_PANEL - o % MLI_PANEL) / V_LANES;
    uint32_t vectors = (last - o) / V_LANES;
    /* a run begins with a panel to go on over its end */
    if (o % MLI_PANEL == 0 && o < whole) {
        uint32_t end = last < whole ? last : whole;
        return (end - o) / V_LANES;
    }
    return vectors < in_panel ? vectors : in_panel;
}

/* Outputs [first, last) of one group. */
static void linear_group(const mli_conv *a, uint32_t g, uint32_t first,
                         uint32_t last)
{
    uint32_t o = first / V_LANES * V_LANES;
    while (o < last) {
        uint32_t vectors = o < first ? 0 : linear_run(a, o, last);
        if (vectors == 0) {
            linear_cut(a, g, o, first, last);
            o += V_LANES;
            continue;
        }
        linear_job j = linear_at(a, g, o);
        if (a->frames < V_TILE && vectors >= V_ROW) {
            linear_row(&j);
            o += V_ROW * V_LANES;
        } else if (a->frames < V_TILE && vectors >= V_ROW / 2) {
            linear_half_row(&j);
            o += V_ROW / 2 * V_LANES;
        } else if (vectors >= V_COLUMNS) {
            linear_columns(&j);
            o += V_COLUMNS * V_LANES;
        } else {
            linear_vector(&j);
            o += V_LANES;
        }
    }
}

#include "text_dot.h"

static void conv(const mli_conv *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    for (uint32_t g = first / outputs; g * outputs < last; g++) {
        uint32_t from = first > g * outputs ? first - g * outputs : 0;
        uint32_t to = last - g * outputs;
        if (to > outputs)
            to = outputs;
        if (outputs == 1 && a->in_per_group == 1 && a->taps >= FIR_TAPS)
            fir_group(a, g);
        else if (outputs == 1 && a->in_per_group >= 4 &&
                 (uint64_t)a->taps * a->in_per_group >= DOT_PRODUCTS)
            dot_group(a, g);
        else
            linear_group(a, g, from, to);
    }
}

/* --------------------------------------------------------- depthwise ---- */

/*
 * Channels c + lo to c + hi, `tile` frames from f on; `whole` says that these
 * are all the lanes.
 */
V_FN void depthwise_tile(const mli_conv *a, uint32_t c, unsigned lo,
                         unsigned hi, unsigned held, uint32_t f, const int tile,
                         const int whole)
{
    const size_t step = frame_step(a);
    const uint32_t left = a->groups - c / MLI_PANEL * MLI_PANEL;
    const uint32_t width = left < MLI_PANEL ? (left + 3) / 4 * 4 : MLI_PANEL;
    const float *w = a->w + mli_packed_index(a->groups, a->taps, 1, c, 0, 0);
    vf sum[8];
    vf b = K(0.0f);
    if (a->b)
        b = whole ? v_load(a->b + c) : v_load_part(a->b + c, lo, hi);
    UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] = b;
    tap_walk walk = first_tap(a, a->x + f * step + c);
    for (uint32_t k = 0; k < a->taps; k++, w += width) {
        const float *x = next_tap(&walk);
        vf row = whole ? v_load(w) : v_load_part(w, 0, held);
        UNROLL
        for (int t = 0; t < tile; t++) {
            const float *at = x + (size_t)t * step;
            vf in = whole ? v_load(at) : v_load_part(at, lo, hi);
            sum[t] = v_fma(in, row, sum[t]);
        }
    }
    UNROLL
    for (int t = 0; t < tile; t++) {
        float *y = a->y + (f + (uint32_t)t) * (size_t)a->y_stride + c;
        if (whole)
            v_store(y, sum[t]);
        else
            v_store_part(y, sum[t], lo, hi);
    }
}

V_FN void depthwise_frames(const mli_conv *a, uint32_t c, unsigned lo,
                           unsigned hi, unsigned held, const int whole)
{
    uint32_t f = 0;
    for (; f + 4 <= a->frames; f += 4)
        depthwise_tile(a, c, lo, hi, held, f, 4, whole);
    for (; f < a->frames; f++)
        depthwise_tile(a, c, lo, hi, held, f, 1, whole);
}

static void depthwise(const mli_conv *a, uint32_t first, uint32_t last)
{
    for (uint32_t c = first / V_LANES * V_LANES; c < last; c += V_LANES) {
        unsigned lo = first > c ? first - c : 0;
        unsigned hi = last - c < V_LANES ? last - c : V_LANES;
        uint32_t held = (a->groups - c + 3) / 4 * 4;
        if (lo == 0 && hi == V_LANES)
            depthwise_frames(a, c, lo, hi, V_LANES, 1);
        else
            depthwise_frames(a, c, lo, hi, held < V_LANES ? held : V_LANES, 0);
    }
}
