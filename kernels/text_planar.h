/*
 * text_planar.h - convolution and dense layers over planes: a channel's frames
 * lie side by side, across the lanes. Nothing is lost where channels are few.
 *
 * A tile of outputs by vectors of frames is kept in registers; weights come one
 * by one, each for all lanes. The products of an output are summed in the order
 * and the blocks of text_linear.h: both forms give the same bits, where that
 * one has its outputs across the lanes.
 */

/* A tile: some outputs of one group, some vectors of frames. */
typedef struct plane_job {
    const mli_planar *a;
    const float *x;     /* frame 0 of the group's first row */
    const float *w;     /* first row of weights, at the first output */
    size_t row;         /* the first output's */
    uint32_t width;     /* floats from row to row of w */
    const float *scale; /* of the first output, if w is stored */
    uint32_t at;        /* the first tap's frame */
    /* where outputs lie across the lanes: lanes */
    uint32_t held;   /* that w has, */
    uint32_t real;   /* that are outputs; */
    uint32_t lo, hi; /* outputs to store, from `row` on */
} plane_job;

typedef struct plane_cursor {
    const float *x; /* next input of the tap */
    const float *w;
    const float *row; /* input 0 without the tap's frames */
    uint32_t at;      /* the tap's frame */
    uint32_t taps;    /* to come, after this one */
    uint32_t inputs;  /* of this tap to come */
} plane_cursor;

V_FN uint32_t plane_first_tap(const mli_planar *a)
{
    const uint32_t back = (a->taps - 1) * a->dilation;
    if (a->ring == 0)
        return 0;
    return a->pos >= back ? a->pos - back : a->pos + (a->ring - back);
}

V_FN plane_cursor plane_start(const plane_job *j, uint32_t f)
{
    plane_cursor c = {.row = j->x + f,
                      .w = j->w,
                      .at = j->at,
                      .taps = j->a->taps - 1,
                      .inputs = j->a->in_per_group};
    c.x = c.row + c.at;
    return c;
}

V_FN void plane_next_tap(const plane_job *j, plane_cursor *c)
{
    c->at += j->a->dilation;
    if (c->at >= j->a->ring)
        c->at -= j->a->ring;
    c->x = c->row + c->at;
    c->taps--;
    c->inputs = j->a->in_per_group;
}

/* Each weight of a row times the frames in hand; on to the next row. */
V_FN void plane_row_of_weights(const vf in[V_PLANE_TALL], const float **at,
                               size_t width,
                               vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                               const int outs, const int vecs)
{
    const float *w = *at;
    if (outs <= 4 && outs > 1) {
        const v_quad quad = v_step_quad(at, width);
        UNROLL
        for (int o = 0; o < outs; o++) {
            UNROLL
            for (int v = 0; v < vecs; v++)
                sum[o][v] = v_fma_quad(in[v], quad, o, sum[o][v]);
        }
        return;
    }
    *at += width;
    if (outs == 1) {
        const vf weight = v_set1(*w);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[0][v] = v_fma(in[v], weight, sum[0][v]);
        return;
    }
    UNROLL
    for (int o = 0; o < outs; o++) {
        v_quad quad = v_load_quad(w + o / 4 * 4);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[o][v] = v_fma_quad(in[v], quad, o % 4, sum[o][v]);
    }
}

/* Add n products of one tap to sums; on past their rows. */
V_FN void plane_rows_of_tap(const plane_job *j, const float **x_at,
                            const float **w_at, uint32_t n,
                            vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                            const int outs, const int vecs)
{
    const size_t x_row = j->a->x_row, width = j->width;
    const float *x = *x_at, *w = *w_at;
    vf in[V_PLANE_TALL];
    if (outs < 4 || n % 2 != 0) {
        for (uint32_t i = outs < 4 ? n : 1; i != 0; i--) {
            v_load_run(&x, x_row, in, vecs);
            plane_row_of_weights(in, &w, width, sum, outs, vecs);
        }
    }
    for (n = outs < 4 ? 0 : n / 2; n != 0; n--) {
        v_load_run(&x, x_row, in, vecs);
        plane_row_of_weights(in, &w, width, sum, outs, vecs);
        v_load_run(&x, x_row, in, vecs);
        plane_row_of_weights(in, &w, width, sum, outs, vecs);
    }
    *x_at = x;
    *w_at = w;
}

V_FN void plane_products(const plane_job *j, plane_cursor *c, uint32_t n,
                         vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                         const int vecs)
{
    c->inputs -= n;
    plane_rows_of_tap(j, &c->x, &c->w, n, sum, outs, vecs);
}

/* What sums begin with, from row o on. */
V_FN void plane_begin(const mli_planar *a, size_t o,
                      vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                      const int vecs)
{
    UNROLL
    for (int i = 0; i < outs * vecs; i++)
        sum[i / vecs][i % vecs] = K(0.0f);
    if (a->b) {
        const float *b = a->b + o;
        HIDE(b);
        UNROLL
        for (int r = 0; r < outs; r++) {
            const vf bias = v_set1(b[r]);
            UNROLL
            for (int v = 0; v < vecs; v++)
                sum[r][v] = bias;
        }
    }
}

/* A block's sums go to those before it; they lie in memory. */
V_FN void plane_put_by(vf *before, vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                       const int outs, const int vecs, int first)
{
    HIDE(before);
    if (!first) {
        UNROLL
        for (int i = 0; i < outs * vecs; i++)
            sum[i / vecs][i % vecs] = v_add(before[i], sum[i / vecs][i % vecs]);
    }
    UNROLL
    for (int i = 0; i < outs * vecs; i++) {
        before[i] = sum[i / vecs][i % vecs];
        sum[i / vecs][i % vecs] = K(0.0f);
    }
}

V_FN void plane_sums(const plane_job *j, uint32_t f,
                     vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                     const int vecs)
{
    vf before[V_PLANE_OUTPUTS * V_PLANE_TALL];
    plane_cursor c = plane_start(j, f);
    uint32_t done = 0, blocks = 0;
    plane_begin(j->a, j->row, sum, outs, vecs);
    for (;;) {
        uint32_t n = c.inputs < LINEAR_BLOCK ? c.inputs : LINEAR_BLOCK;
        plane_products(j, &c, n, sum, outs, vecs);
        if (c.inputs == 0) {
            if (c.taps == 0)
                break;
            plane_next_tap(j, &c);
        }
        done += n;
        if (done >= LINEAR_BLOCK) {
            plane_put_by(before, sum, outs, vecs, blocks++ == 0);
            done = 0;
        }
    }
    if (blocks != 0) {
        UNROLL
        for (int i = 0; i < outs * vecs; i++)
            sum[i / vecs][i % vecs] = v_add(before[i], sum[i / vecs][i % vecs]);
    }
}

/* The same where all products are one block. */
V_FN void plane_short_sums(const plane_job *j, uint32_t f,
                           vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                           const int outs, const int vecs)
{
    const mli_planar *a = j->a;
    const float *row = j->x + f, *w = j->w;
    uint32_t at = j->at, taps = a->taps;
    plane_begin(a, j->row, sum, outs, vecs);
    for (;;) {
        const float *x = row + at;
        plane_rows_of_tap(j, &x, &w, a->in_per_group, sum, outs, vecs);
        if (--taps == 0)
            break;
        at += a->dilation;
        if (at >= a->ring)
            at -= a->ring;
    }
}

/* ------------------------------------------------------- what comes after - */

/* f, and whether there is a total, are constants wherever this is used. */
V_FN void plane_map(mli_unary f, const mli_planar *a, float *y, float *total,
                    uint32_t n, const int adds)
{
    const vf p = v_set1(a->p), q = v_set1(a->q);
    const float *from = y, *before = total;
    for (; n >= 2 * V_LANES; n -= 2 * V_LANES) {
        vf u[2], old[2];
        v_load_run(&from, 2 * V_LANES, u, 2);
        u[0] = unary_one(f, u[0], p, q);
        u[1] = unary_one(f, u[1], p, q);
        if (f != MLI_IDENTITY) {
            v_store(y, u[0]);
            v_store(y + V_LANES, u[1]);
            y += 2 * V_LANES;
        }
        if (adds) {
            v_load_run(&before, 2 * V_LANES, old, 2);
            v_store(total, v_add(old[0], u[0]));
            v_store(total + V_LANES, v_add(old[1], u[1]));
            total += 2 * V_LANES;
        }
    }
    if (n != 0) {
        vf u = unary_one(f, v_load(from), p, q);
        if (f != MLI_IDENTITY)
            v_store(y, u);
        if (adds)
            v_store(total, v_add(v_load(total), u));
    }
}

#define PLANE_MAP(f)                                                           \
    case f:                                                                    \
        if (total)                                                             \
            plane_map(f, a, y, total, n, 1);                                   \
        else                                                                   \
            plane_map(f, a, y, total, n, 0);                                   \
        break;

#ifdef V_HAS_RATIO_RUN
/* tanh, of some rows and past their frames to the end of a pair of vectors. */
V_FN void plane_tanh(const mli_planar *a, float *y, float *total, uint32_t rows)
{
    uint32_t pairs = (a->frames + 2 * V_LANES - 1) / (2 * V_LANES);
    if (pairs * 2 * V_LANES == a->y_row) { /* rows are one array */
        pairs *= rows;
        rows = 1;
    }
    for (; rows != 0; rows--) {
        math_tanh_run(y, total, pairs);
        y += a->y_row;
        total = total ? total + a->y_row : NULL;
    }
}
#endif

/* Functions that convolutions often end with go without another pass. */
static void plane_function(const mli_planar *a, float *y, float *total,
                           uint32_t n)
{
    switch (a->f) {
#if V_LANES == 1
    case MLI_IDENTITY:
        plane_map(MLI_IDENTITY, a, y, total, n, 1);
        break;
        PLANE_MAP(MLI_RELU)
        PLANE_MAP(MLI_LEAKY_RELU)
#endif
#ifndef V_HAS_RATIO_RUN
        PLANE_MAP(MLI_TANH)
#endif
        PLANE_MAP(MLI_SIGMOID)
    default:
        unary(a->f, a->p, a->q, y, y, 0, n);
        if (total)
            plane_map(MLI_IDENTITY, a, y, total, n, 1);
    }
}

/* The function and the total, of some rows. */
static void plane_finish(const mli_planar *a, size_t row, uint32_t rows)
{
    uint32_t n = (a->frames + V_LANES - 1) / V_LANES * V_LANES;
    float *y = a->y + row * a->y_row;
    float *total = a->total ? a->total + row * a->y_row : NULL;
#ifdef V_HAS_RATIO_RUN
    if (a->f == MLI_TANH) {
        plane_tanh(a, y, total, rows);
        return;
    }
#endif
    if (n == a->y_row) { /* rows are one array */
        n *= rows;
        rows = 1;
    }
    for (; rows != 0; rows--) {
        plane_function(a, y, total, n);
        y += a->y_row;
        total = total ? total + a->y_row : NULL;
    }
}

/*
 * Add an input of one channel times its weights, with their bias. That is not
 * one more of the sum's products: its own sum comes first.
 */
V_FN void plane_mix(const mli_planar *a, size_t o, uint32_t f,
                    vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                    const int vecs)
{
    const float *mix = a->mix + f, *w = a->mix_w + o, *b = a->mix_b;
    vf in[V_PLANE_TALL];
    b = b ? b + o : NULL;
    HIDE(w);
    HIDE(b);
    v_load_run(&mix, 0, in, vecs);
    UNROLL
    for (int r = 0; r < outs; r++) {
        const vf bias = b ? v_set1(b[r]) : K(0.0f);
        if (outs < 4) { /* of a group that may end in the midst of a quad */
            const vf weight = v_set1(w[r]);
            UNROLL
            for (int v = 0; v < vecs; v++)
                sum[r][v] = v_add(sum[r][v], b ? v_fma(in[v], weight, bias)
                                               : v_mul(in[v], weight));
            continue;
        }
        const v_quad four = v_load_quad(w + r / 4 * 4);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r][v] =
                v_add(sum[r][v], b ? v_fma_quad(in[v], four, r % 4, bias)
                                   : v_mul_quad(in[v], four, r % 4));
    }
}

/* Functions that take less than a pass over what they are of; with them sums
   have what comes after before they are stored. */
V_FN int plane_ends_at_once(const mli_planar *a)
{
    return V_LANES > 1 &&
           (a->f == MLI_IDENTITY || a->f == MLI_RELU || a->f == MLI_LEAKY_RELU);
}

V_FN void plane_end_at_once(const mli_planar *a, size_t first,
                            vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                            const int outs, const int vecs)
{
    const vf p = v_set1(a->p), q = v_set1(a->q);
    if (a->f == MLI_RELU) {
        UNROLL
        for (int i = 0; i < outs * vecs; i++)
            sum[i / vecs][i % vecs] =
                unary_one(MLI_RELU, sum[i / vecs][i % vecs], p, q);
    } else if (a->f == MLI_LEAKY_RELU) {
        UNROLL
        for (int i = 0; i < outs * vecs; i++)
            sum[i / vecs][i % vecs] =
                unary_one(MLI_LEAKY_RELU, sum[i / vecs][i % vecs], p, q);
    }
    if (a->total) {
        const float *from = a->total + first;
        float *to = a->total + first;
        UNROLL
        for (int r = 0; r < outs; r++) {
            vf old[V_PLANE_TALL];
            v_load_run(&from, a->y_row, old, vecs);
            UNROLL
            for (int v = 0; v < vecs; v++)
                v_store(to + v * (int)V_LANES, v_add(old[v], sum[r][v]));
            to += a->y_row;
        }
    }
}

/* Sums of outputs from row o on, frames from f on, are completed. */
V_FN void plane_end(const mli_planar *a, size_t o, uint32_t f,
                    vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                    const int vecs)
{
    const size_t row = a->y_row, first = o * row + f;
    if (a->mix)
        plane_mix(a, o, f, sum, outs, vecs);
    if (a->add) {
        const float *add = a->add + o * a->add_row + f;
        UNROLL
        for (int r = 0; r < outs; r++) {
            vf old[V_PLANE_TALL];
            v_load_run(&add, a->add_row, old, vecs);
            UNROLL
            for (int v = 0; v < vecs; v++)
                sum[r][v] = v_add(old[v], sum[r][v]);
        }
    }
    if (plane_ends_at_once(a) && (a->f != MLI_IDENTITY || a->total))
        plane_end_at_once(a, first, sum, outs, vecs);
    float *y = a->y + first;
    UNROLL
    for (int r = 0; r < outs; r++) {
        UNROLL
        for (int v = 0; v < vecs; v++)
            v_store(y + v * (int)V_LANES, sum[r][v]);
        y += row;
    }
}

/* is_short: as said of plane_short_sums */
V_FN void plane_tile(const plane_job *j, uint32_t f, const int outs,
                     const int vecs, const int is_short)
{
    vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL];
    if (is_short)
        plane_short_sums(j, f, sum, outs, vecs);
    else
        plane_sums(j, f, sum, outs, vecs);
    plane_end(j->a, j->row, f, sum, outs, vecs);
}

/*
 * All frames of n outputs, `outs` at a time, in tiles of `vecs` vectors and
 * then of one.
 */
V_FN void plane_frames(plane_job j, uint32_t n, const int outs, const int vecs,
                       const int is_short)
{
    const uint32_t frames = j.a->frames, tile = (uint32_t)vecs * V_LANES;
    for (; n != 0; n -= (uint32_t)outs) {
        uint32_t f = 0;
        for (; f + tile - V_LANES < frames; f += tile)
            plane_tile(&j, f, outs, vecs, is_short);
        for (; vecs > 1 && f < frames; f += V_LANES)
            plane_tile(&j, f, outs, 1, is_short);
        j.w += outs;
        j.row += (unsigned)outs;
    }
}

/* n outputs, a multiple of `outs` */
#define PLANE_FRAMES(name, outs, vecs, is_short)                               \
    static void name(const plane_job *j, uint32_t n)                           \
    {                                                                          \
        plane_frames(*j, n, outs, vecs, is_short);                             \
    }

PLANE_FRAMES(plane_ones, 1, V_PLANE_TALL, 0)
PLANE_FRAMES(plane_twos, 2, V_PLANE_TALL, 0)
PLANE_FRAMES(plane_threes, 3, V_PLANE_TALL, 0)
PLANE_FRAMES(plane_fours, 4, V_PLANE_FOUR, 0)
#if V_PLANE_OUTPUTS > 4
PLANE_FRAMES(plane_eights, 8, V_PLANE_VECTORS, 0)
#endif
#if V_PLANE_OUTPUTS > 8
/* A single vector of frames: fewer sums would wait for themselves. */
PLANE_FRAMES(plane_sixteens, 16, 1, 0)
#endif

/* Is there something after the sums that takes a pass of its own? */
V_FN int plane_has_pass(const mli_planar *a)
{
    return !plane_ends_at_once(a) &&
           (V_LANES > 1 || a->f != MLI_IDENTITY || a->total);
}

/* From output o of group g on. */
V_FN plane_job plane_at(const mli_planar *a, uint32_t g, uint32_t o)
{
    const uint32_t outputs = a->out_per_group;
    const uint32_t in_panel = outputs - o / MLI_PANEL * MLI_PANEL;
    const size_t row = (size_t)g * outputs + o;
    plane_job j = {.a = a,
                   .x = a->x + (size_t)g * a->in_per_group * a->x_row,
                   .row = row,
                   .at = plane_first_tap(a),
                   .width = in_panel < MLI_PANEL ? (in_panel + 3) / 4 * 4
                                                 : MLI_PANEL};
    size_t at = 0;
    if (row != 0) /* most layers are one panel */
        at = mli_packed_size(outputs, a->taps, a->in_per_group) * g +
             mli_packed_index(outputs, a->taps, a->in_per_group, o, 0, 0);
    if (a->storage != MLI_F32) {
        const uint32_t fours = a->storage == MLI_F16 ? 2 : 4;
        j.scale = a->w + a->scale_at + (size_t)g * ((outputs + 3) / 4 * 4) + o;
        j.width /= fours; /* w counts floats' places */
        at /= fours;
    }
    j.w = a->w + at;
    return j;
}

V_FN void plane_skip(plane_job *j, uint32_t outputs)
{
    j->w += outputs;
    j->row += outputs;
}

/* Outputs [first, last) of one panel of group g. */
static void plane_outputs(const mli_planar *a, uint32_t g, uint32_t first,
                          uint32_t last)
{
    uint32_t n = last - first;
    plane_job j = plane_at(a, g, first);
    const size_t row = j.row;
    if (first % 4 != 0) { /* weights are read in whole quads */
        uint32_t ones = 4 - first % 4 < n ? 4 - first % 4 : n;
        plane_ones(&j, ones);
        plane_skip(&j, ones);
        n -= ones;
    }
#if V_PLANE_OUTPUTS > 8
    if (n == 16 && a->frames <= V_LANES) {
        plane_sixteens(&j, 16);
        n = 0;
    }
#endif
#if V_PLANE_OUTPUTS > 4
    if (n >= 8) {
        plane_eights(&j, n / 8 * 8);
        plane_skip(&j, n / 8 * 8);
        n %= 8;
    }
#endif
    if (n >= 4) {
        plane_fours(&j, n / 4 * 4);
        plane_skip(&j, n / 4 * 4);
        n %= 4;
    }
    if (n == 3)
        plane_threes(&j, 3);
    else if (n == 2)
        plane_twos(&j, 2);
    else if (n == 1)
        plane_ones(&j, 1);
    if (plane_has_pass(a))
        plane_finish(a, row, last - first);
}

/* ----------------------------------------------------- channel by channel - */

/* Channel c by itself, all frames. */
static void plane_channel(const mli_planar *a, uint32_t c)
{
    const uint32_t left = a->groups - c / MLI_PANEL * MLI_PANEL;
    const uint32_t width = left < MLI_PANEL ? (left + 3) / 4 * 4 : MLI_PANEL;
    plane_job j = {
        .a = a, .x = a->x + (size_t)c * a->x_row, .at = plane_first_tap(a)};
    for (uint32_t f = 0; f < a->frames; f += V_LANES) {
        const float *w =
            a->w + mli_packed_index(a->groups, a->taps, 1, c, 0, 0);
        plane_cursor at = plane_start(&j, f);
        vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL];
        plane_begin(a, c, sum, 1, 1);
        for (;; plane_next_tap(&j, &at), w += width) {
            sum[0][0] = v_fma(v_load(at.x), v_set1(*w), sum[0][0]);
            if (at.taps == 0)
                break;
        }
        plane_end(a, c, f, sum, 1, 1);
    }
    if (plane_has_pass(a))
        plane_finish(a, c, 1);
}

/* ------------------------------------------------------------------ rows - */

/*
 * One row. Single floats where a part of a vector would go through memory, and
 * of one that was just written: it is late to be read as a part.
 */
V_FN void row(const float *x, float *y, uint32_t n)
{
    for (; n >= 4 * V_LANES; n -= 4 * V_LANES)
        v_copy_four(&x, 4 * V_LANES, &y, 4 * V_LANES);
    for (; n >= V_LANES; n -= V_LANES) {
        v_store(y, v_load(x));
        x += V_LANES;
        y += V_LANES;
    }
    if (V_LANES > 4 && n > 1)
        v_store_part(y, v_load_part(x, 0, n), 0, n);
    else
        for (; n != 0; n--)
            *y++ = *x++;
}

static void rows(const float *x, size_t x_row, float *y, size_t y_row,
                 uint32_t count, uint32_t n)
{
    if (n == 4 * V_LANES)
        for (; count != 0; count--)
            v_copy_four(&x, x_row, &y, y_row);
    else if (n == V_LANES)
        for (; count != 0; count--, x += x_row, y += y_row)
            v_store(y, v_load(x));
    else if (n == 2 * V_LANES)
        for (; count != 0; count--, x += x_row, y += y_row) {
            const vf first = v_load(x);
            v_store(y + V_LANES, v_load(x + V_LANES));
            v_store(y, first);
        }
    else if (n == 4)
        for (; count != 0; count--, x += x_row, y += y_row)
            __builtin_memcpy(y, x, 4 * sizeof(float));
    else if (n == 1)
        for (; count != 0; count--, x += x_row, y += y_row)
            *y = *x;
    else
        for (; count != 0; count--, x += x_row, y += y_row)
            row(x, y, n);
}
