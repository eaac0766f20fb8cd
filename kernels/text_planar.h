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
    const float *x; /* frame 0 of the group's first row */
    const float *w; /* first row of weights, at the first output */
    const float *b; /* of the first output, or NULL */
    float *sum;     /* of the first output */
    uint32_t width; /* floats from row to row of w */
} plane_job;

typedef struct plane_cursor {
    const float *x; /* next input of the tap */
    const float *w;
    const float *row; /* input 0 without the tap's frames */
    uint32_t at;      /* the tap's frame */
    uint32_t taps;    /* to come, after this one */
    uint32_t inputs;  /* of this tap to come */
} plane_cursor;

V_FN plane_cursor plane_start(const plane_job *j, uint32_t f)
{
    const mli_planar *a = j->a;
    uint32_t back = (a->taps - 1) * a->dilation;
    plane_cursor c = {.row = j->x + f,
                      .w = j->w,
                      .taps = a->taps - 1,
                      .inputs = a->in_per_group};
    if (a->ring)
        c.at = a->pos >= back ? a->pos - back : a->pos + (a->ring - back);
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

/* Each weight of a row times the frames in hand. */
V_FN void plane_row_of_weights(const vf in[V_PLANE_TALL], const float *w,
                               vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
                               const int outs, const int vecs)
{
    if (outs == 1) {
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[0][v] = v_fma(in[v], v_set1(*w), sum[0][v]);
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

/* Add n products of one tap to sums. */
V_FN void plane_products(const plane_job *j, plane_cursor *c, uint32_t n,
                         vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                         const int vecs)
{
    const size_t x_row = j->a->x_row, width = j->width;
    const float *x = c->x, *w = c->w;
    c->inputs -= n;
    do {
        vf in[V_PLANE_TALL];
        UNROLL
        for (int v = 0; v < vecs; v++)
            in[v] = v_load(x + v * (int)V_LANES);
        plane_row_of_weights(in, w, sum, outs, vecs);
        x += x_row;
        w += width;
    } while (--n != 0);
    c->x = x;
    c->w = w;
}

/* Add the next block to sums; 0 if it was the last. */
V_FN int plane_block(const plane_job *j, plane_cursor *c,
                     vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL], const int outs,
                     const int vecs)
{
    uint32_t done = 0;
    for (;;) {
        uint32_t n = c->inputs < LINEAR_BLOCK ? c->inputs : LINEAR_BLOCK;
        plane_products(j, c, n, sum, outs, vecs);
        done += n;
        if (c->inputs == 0) {
            if (c->taps == 0)
                return 0;
            plane_next_tap(j, c);
        }
        if (done >= LINEAR_BLOCK)
            return 1;
    }
}

V_FN void plane_tile(const plane_job *j, uint32_t f, const int outs,
                     const int vecs)
{
    vf sum[V_PLANE_OUTPUTS][V_PLANE_TALL],
        before[V_PLANE_OUTPUTS][V_PLANE_TALL];
    plane_cursor c = plane_start(j, f);
    UNROLL
    for (int o = 0; o < outs; o++)
        UNROLL
    for (int v = 0; v < vecs; v++)
        sum[o][v] = j->b ? v_set1(j->b[o]) : K(0.0f);
    int more = plane_block(j, &c, sum, outs, vecs);
    while (more) {
        UNROLL
        for (int o = 0; o < outs; o++)
            UNROLL
        for (int v = 0; v < vecs; v++) {
            before[o][v] = sum[o][v];
            sum[o][v] = K(0.0f);
        }
        more = plane_block(j, &c, sum, outs, vecs);
        UNROLL
        for (int o = 0; o < outs; o++)
            UNROLL
        for (int v = 0; v < vecs; v++)
            sum[o][v] = v_add(before[o][v], sum[o][v]);
    }
    UNROLL
    for (int o = 0; o < outs; o++)
        UNROLL
    for (int v = 0; v < vecs; v++)
        v_store(j->sum + (size_t)o * j->a->y_row + f + (unsigned)v * V_LANES,
                sum[o][v]);
}

/* All frames, in tiles of `vecs` vectors and then of one. */
V_FN void plane_frames(const plane_job *j, const int outs, const int vecs)
{
    const uint32_t frames = j->a->frames, tile = (uint32_t)vecs * V_LANES;
    uint32_t f = 0;
    for (; f + tile - V_LANES < frames; f += tile)
        plane_tile(j, f, outs, vecs);
    for (; vecs > 1 && f < frames; f += V_LANES)
        plane_tile(j, f, outs, 1);
}

#if V_PLANE_OUTPUTS > 4
static void plane_eight(const plane_job *j)
{
    plane_frames(j, 8, V_PLANE_VECTORS);
}
#endif

static void plane_four(const plane_job *j)
{
    plane_frames(j, 4, V_PLANE_TALL);
}

static void plane_three(const plane_job *j)
{
    plane_frames(j, 3, V_PLANE_TALL);
}

static void plane_two(const plane_job *j)
{
    plane_frames(j, 2, V_PLANE_TALL);
}

static void plane_one(const plane_job *j)
{
    plane_frames(j, 1, V_PLANE_TALL);
}

/* From output o of group g on; answers how many outputs that were. */
static uint32_t plane_outputs(const mli_planar *a, uint32_t g, uint32_t o,
                              uint32_t last)
{
    const uint32_t outputs = a->out_per_group, n = last - o;
    const uint32_t in_panel = outputs - o / MLI_PANEL * MLI_PANEL;
    const size_t row = (size_t)g * outputs + o;
    plane_job j = {
        .a = a,
        .x = a->x + (size_t)g * a->in_per_group * a->x_row,
        .w = a->w + mli_packed_size(outputs, a->taps, a->in_per_group) * g +
             mli_packed_index(outputs, a->taps, a->in_per_group, o, 0, 0),
        .b = a->b ? a->b + row : NULL,
        .sum = a->sum + row * a->y_row,
        .width = in_panel < MLI_PANEL ? (in_panel + 3) / 4 * 4 : MLI_PANEL};
#if V_PLANE_OUTPUTS > 4
    if (n >= 8 && o % 8 == 0) {
        plane_eight(&j);
        return 8;
    }
#endif
    if (o % 4 != 0 || n == 1) { /* weights are read in whole quads */
        plane_one(&j);
        return 1;
    }
    if (n == 2)
        plane_two(&j);
    else if (n == 3)
        plane_three(&j);
    else
        plane_four(&j);
    return n < 4 ? n : 4;
}

/* ----------------------------------------------------- channel by channel - */

/* Channel c by itself, all frames. */
static void plane_channel(const mli_planar *a, uint32_t c)
{
    const uint32_t left = a->groups - c / MLI_PANEL * MLI_PANEL;
    const uint32_t width = left < MLI_PANEL ? (left + 3) / 4 * 4 : MLI_PANEL;
    const vf b = a->b ? v_set1(a->b[c]) : K(0.0f);
    plane_job j = {.a = a, .x = a->x + c * a->x_row};
    for (uint32_t f = 0; f < a->frames; f += V_LANES) {
        const float *w =
            a->w + mli_packed_index(a->groups, a->taps, 1, c, 0, 0);
        plane_cursor at = plane_start(&j, f);
        vf sum = b;
        for (;; plane_next_tap(&j, &at), w += width) {
            sum = v_fma(v_load(at.x), v_set1(*w), sum);
            if (at.taps == 0)
                break;
        }
        v_store(a->sum + c * a->y_row + f, sum);
    }
}

/* ------------------------------------------------------- what comes after - */

/* A row of sums becomes a row of y; f is a constant wherever this is used. */
V_FN void plane_row(const mli_planar *a, uint32_t o, mli_unary f)
{
    const size_t row = o * a->y_row;
    const vf p = v_set1(a->p), q = v_set1(a->q);
    const vf slope = a->mix ? v_set1(a->mix_w[o]) : K(0.0f);
    const vf shift = a->mix && a->mix_b ? v_set1(a->mix_b[o]) : K(0.0f);
    for (size_t i = 0; i < a->frames; i += V_LANES) {
        vf y = v_load(a->sum + row + i);
        if (a->mix)
            y = v_add(y, v_fma(v_load(a->mix + i), slope, shift));
        if (a->add)
            y = v_add(v_load(a->add + row + i), y);
        y = unary_one(f, y, p, q);
        v_store(a->y + row + i, y);
        if (a->total)
            v_store(a->total + row + i, v_add(v_load(a->total + row + i), y));
    }
}

/* Those functions that convolutions often end with go without another pass. */
V_FN int plane_finish(const mli_planar *a, uint32_t o)
{
    switch (a->f) {
    case MLI_IDENTITY:
        plane_row(a, o, MLI_IDENTITY);
        return 1;
    case MLI_TANH:
        plane_row(a, o, MLI_TANH);
        return 1;
    case MLI_RELU:
        plane_row(a, o, MLI_RELU);
        return 1;
    case MLI_LEAKY_RELU:
        plane_row(a, o, MLI_LEAKY_RELU);
        return 1;
    default:
        return 0;
    }
}

static void plane_finish_slowly(const mli_planar *a, uint32_t o)
{
    mli_planar sums = *a;
    float *y = a->y + o * a->y_row;
    size_t n = (a->frames + V_LANES - 1) / V_LANES * V_LANES;
    sums.total = NULL;
    plane_row(&sums, o, MLI_IDENTITY);
    unary(a->f, a->p, a->q, y, y, 0, n);
    if (a->total)
        binary(MLI_ADD, a->total + o * a->y_row, 1, y, 1,
               a->total + o * a->y_row, 0, n);
}

static void planar(const mli_planar *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    const int single = a->groups > 1 && outputs == 1 && a->in_per_group == 1;
    for (uint32_t o = first; o < last;) {
        if (single) {
            plane_channel(a, o++);
            continue;
        }
        uint32_t g = o / outputs, end = (g + 1) * outputs;
        o += plane_outputs(a, g, o - g * outputs,
                           (end < last ? end : last) - g * outputs);
    }
    if (a->y == a->sum && a->f == MLI_IDENTITY && !a->mix && !a->add &&
        !a->total)
        return;
    for (uint32_t o = first; o < last; o++)
        if (!plane_finish(a, o))
            plane_finish_slowly(a, o);
}
