/*
 * text_single.h - one frame of a dense layer and its function, over the vector
 * layer.
 */

/* Functions that are taken in registers. */
V_FN int is_usual(mli_unary f)
{
    return f == MLI_IDENTITY || f == MLI_TANH || f == MLI_RELU ||
           f == MLI_SIGMOID;
}

/* y = f(y), of one of these. */
V_FN void single_function(mli_unary f, vf *y, const int count)
{
#define SINGLE_FUNCTION(f)                                                     \
    UNROLL                                                                     \
    for (int v = 0; v < count; v++)                                            \
        y[v] = unary_one(f, y[v], K(0.0f), K(0.0f));
    if (f == MLI_IDENTITY) {
        return;
    } else if (f == MLI_TANH) {
        SINGLE_FUNCTION(MLI_TANH)
    } else if (f == MLI_RELU) {
        SINGLE_FUNCTION(MLI_RELU)
    } else if (f == MLI_SIGMOID) {
        SINGLE_FUNCTION(MLI_SIGMOID)
    }
}

/* Outputs from o on, in a panel of so many. */
V_FN linear_job single_at(const mli_conv *a, uint32_t o, uint32_t width)
{
    const uint32_t in_panel = o % MLI_PANEL;
    return (linear_job){.a = a,
                        .x = a->x,
                        .w = a->w + in_panel +
                             (size_t)(o - in_panel) * a->in_per_group,
                        .b = a->b ? a->b + o : NULL,
                        .panel = (size_t)MLI_PANEL * a->in_per_group,
                        .width = width};
}

/* `count` vectors from output o on. */
V_FN void single_outputs(const mli_conv *a, uint32_t o, uint32_t width,
                         mli_unary f, const int chains, const int count)
{
    const linear_job j = single_at(a, o, width);
    float *to = a->y + o;
    vf y[V_TALL][V_ROW];
    single_sums(&j, y, chains, count, 0);
    single_function(f, y[0], count);
    UNROLL
    for (int v = 0; v < count; v++)
        v_store(to + v * (int)V_LANES, y[0][v]);
}

#define SINGLE_FORM(name, chains, count)                                       \
    static void name(const mli_conv *a, uint32_t o, mli_unary f)               \
    {                                                                          \
        single_outputs(a, o, MLI_PANEL, f, chains, count);                     \
    }
SINGLE_FORM(single_row, 1, V_ROW)
SINGLE_FORM(single_half_row, 2, V_ROW / 2)
#if V_LANES >= 8u /* others have not so many in half a row */
SINGLE_FORM(single_panel, 4, PANEL_VECTORS)
#endif
#if V_LANES >= 16u /* nor so many panels */
SINGLE_FORM(single_two_panels, 4, 2)
SINGLE_FORM(single_three_panels, 2, 3)
#endif

/* Outputs that are done at once. */
#define SINGLE_ROW  (V_ROW * V_LANES)
#define SINGLE_HALF (V_ROW / 2 * V_LANES)

static void single_run(const mli_conv *a, uint32_t o, uint32_t n, mli_unary f)
{
    if (n == SINGLE_ROW)
        single_row(a, o, f);
    else if (n == SINGLE_HALF)
        single_half_row(a, o, f);
#if V_LANES >= 16u
    else if (n == 2 * MLI_PANEL)
        single_two_panels(a, o, f);
    else if (n == 3 * MLI_PANEL)
        single_three_panels(a, o, f);
#endif
#if V_LANES >= 8u
    else
        single_panel(a, o, f);
#endif
}

#if V_LANES > 1u && V_LANES < 16u
static void single_vector_of(const mli_conv *a, uint32_t o, uint32_t width,
                             mli_unary f)
{
    single_outputs(a, o, width, f, 4, 1);
}
#endif

/*
 * Floats of a matrix from which on it is gone through in smaller steps, where a
 * row is long: of one that does not fit into the nearest cache, what was read
 * last is still there when the next frame goes backward.
 */
#define SINGLE_LARGE (V_LANES >= 16u ? 8192u : UINT32_MAX)

/* Outputs of whole panels: as many at once as may be, from either end. */
static void single_panels(const mli_conv *a, uint32_t whole, mli_unary f)
{
    const uint32_t most = (uint64_t)whole * a->in_per_group > SINGLE_LARGE
                              ? SINGLE_HALF
                              : SINGLE_ROW;
    const uint32_t least = V_LANES >= 16 ? 3 * MLI_PANEL : MLI_PANEL;
    for (uint32_t done = 0, n; done != whole; done += n) {
        const uint32_t left = whole - done;
        n = left >= most          ? most
            : left >= SINGLE_HALF ? SINGLE_HALF
            : left < least        ? left
                                  : least;
        single_run(a, a->backward ? left - n : done, n, f);
    }
}

/*
 * The last outputs, from o on: less than a vector, which has `part` lanes of
 * weights. Each form in a function of its own has few registers to save.
 */
#define SINGLE_CUT(name, part, sums)                                           \
    static void name(const mli_conv *a, uint32_t o, uint32_t width,            \
                     mli_unary f)                                              \
    {                                                                          \
        linear_job j = single_at(a, o, width);                                 \
        vf y[V_TALL][V_ROW];                                                   \
        j.real = a->out_per_group - o;                                         \
        j.held = width - o % MLI_PANEL;                                        \
        sums;                                                                  \
        single_function(f, y[0], 1);                                           \
        v_store_low(a->y + o, y[0][0], part, 0, j.real);                       \
    }
#if V_LANES > 1u
SINGLE_CUT(single_cut, V_LANES, single_sums(&j, y, 4, 1, V_LANES))
#endif
#ifdef V_HAS_LOW
SINGLE_CUT(single_cut_4, 4, single_sums(&j, y, 4, 1, 4))
SINGLE_CUT(single_narrow_4, 4, narrow_sums(&j, 0, y[0], 1, 4))
#if V_LANES > 8u
SINGLE_CUT(single_cut_8, 8, single_sums(&j, y, 4, 1, 8))
SINGLE_CUT(single_narrow_8, 8, narrow_sums(&j, 0, y[0], 1, 8))
#endif
#endif

/* The outputs after the last whole panel. */
static void single_rest(const mli_conv *a, uint32_t o, mli_unary f)
{
    const uint32_t outputs = a->out_per_group;
    if (is_dot(a)) {
        dot_tile(a, 0, 0, 1);
        vf y = v_set1(a->y[0]);
        single_function(f, &y, 1);
        v_store_part(a->y, y, 0, 1);
        return;
    }
#if V_LANES == 1u
    linear_group(a, 0, o, outputs);
    unary(f, 0.0f, 0.0f, a->y, a->y, o, outputs);
#else
    const uint32_t width = (outputs - o + 3) / 4 * 4;
#if V_LANES < 16u
    for (; o + V_LANES <= outputs; o += V_LANES)
        single_vector_of(a, o, width, f);
    if (o == outputs)
        return;
#endif
#ifdef V_HAS_LOW
    const uint32_t held = width - o % MLI_PANEL;
    const int narrow = held == width && is_long(a->in_per_group, held);
    if (held == 4) {
        (narrow ? single_narrow_4 : single_cut_4)(a, o, width, f);
        return;
    }
#if V_LANES > 8u
    if (held == 8) {
        (narrow ? single_narrow_8 : single_cut_8)(a, o, width, f);
        return;
    }
#endif
#endif
    single_cut(a, o, width, f);
#endif
}

static __attribute__((noinline)) void single_many(const mli_conv *a,
                                                  mli_unary f)
{
    const uint32_t whole = a->out_per_group / MLI_PANEL * MLI_PANEL;
    const int rest = a->out_per_group != whole;
    if (rest && a->backward)
        single_rest(a, whole, f);
    single_panels(a, whole, f);
    if (rest && !a->backward)
        single_rest(a, whole, f);
}

/* Outputs that are done at once go there straight. */
static void single(const mli_conv *a, mli_unary f)
{
    if (a->out_per_group < MLI_PANEL)
        single_rest(a, 0, f);
    else if (a->out_per_group <= SINGLE_HALF &&
             a->out_per_group % MLI_PANEL == 0)
        single_run(a, 0, a->out_per_group, f);
    else
        single_many(a, f);
}

#include "text_single_stored.h"

/* In full bits, or as it is stored. */
V_FN void single_any(const mli_conv *a, mli_unary f)
{
#if V_LANES > 1u
    if (MLI_HAS(STORED) && a->storage != MLI_F32) {
        single_stored(a, f);
        return;
    }
#endif
    single(a, f);
}

/* What is not often so. */
static __attribute__((noinline)) void
single_other(const mli_conv *a, mli_unary f, float p, float q)
{
    if (MLI_HAS(STORED) &&
        (a->storage == MLI_BYTES || (V_LANES == 1 && a->storage != MLI_F32)))
        conv(a, 0, a->out_per_group);
    else
        single_any(a, MLI_IDENTITY);
    if (f != MLI_IDENTITY)
        unary(f, p, q, a->y, a->y, 0, a->out_per_group);
}

static void dense(const mli_conv *a, mli_unary f, float p, float q)
{
    if ((MLI_HAS(STORED) && a->storage > (V_LANES == 1 ? MLI_F32 : MLI_INT4)) ||
        !is_usual(f))
        single_other(a, f, p, q);
    else
        single_any(a, f);
}

#ifdef V_HAS_VNNI
static void dense_vnni(const mli_conv *a, mli_unary f, float p, float q)
{
    if (a->storage != MLI_BYTES) {
        dense(a, f, p, q);
        return;
    }
    conv_vnni(a, 0, a->out_per_group);
    if (f != MLI_IDENTITY)
        unary(f, p, q, a->y, a->y, 0, a->out_per_group);
}
#endif
