/*
 * text_single.h - one frame of a dense layer and its function, over the vector
 * layer.
 */

/* y = f(y), of outputs in registers where it is a usual function. */
V_FN void single_function(const mli_conv *a, uint32_t o, mli_unary f, float p,
                          float q, vf y[V_TALL][V_ROW], const int count)
{
#define SINGLE_FUNCTION(f)                                                     \
    UNROLL                                                                     \
    for (int v = 0; v < count; v++)                                            \
        y[0][v] = unary_one(f, y[0][v], K(0.0f), K(0.0f));
    float *to = a->y + o;
    const int usual =
        f == MLI_IDENTITY || f == MLI_TANH || f == MLI_RELU || f == MLI_SIGMOID;
    if (f == MLI_TANH) {
        SINGLE_FUNCTION(MLI_TANH)
    } else if (f == MLI_RELU) {
        SINGLE_FUNCTION(MLI_RELU)
    } else if (f == MLI_SIGMOID) {
        SINGLE_FUNCTION(MLI_SIGMOID)
    }
    UNROLL
    for (int v = 0; v < count; v++)
        v_store(to + v * (int)V_LANES, y[0][v]);
    if (!usual)
        unary(f, p, q, to, to, 0, (size_t)count * V_LANES);
}

/* `count` vectors from output o on, of whole panels. */
V_FN void single_outputs(const mli_conv *a, uint32_t o, mli_unary f, float p,
                         float q, const int chains, const int count)
{
    const linear_job j = {.a = a,
                          .x = a->x,
                          .w = a->w + o % MLI_PANEL +
                               (size_t)(o - o % MLI_PANEL) * a->in_per_group,
                          .b = a->b ? a->b + o : NULL,
                          .panel = (size_t)MLI_PANEL * a->in_per_group,
                          .width = MLI_PANEL};
    vf y[V_TALL][V_ROW];
    single_sums(&j, y, chains, count, 0);
    single_function(a, o, f, p, q, y, count);
}

#define SINGLE_FORM(name, chains, count)                                       \
    static void name(const mli_conv *a, uint32_t o, mli_unary f, float p,      \
                     float q)                                                  \
    {                                                                          \
        single_outputs(a, o, f, p, q, chains, count);                          \
    }
SINGLE_FORM(single_row, 1, V_ROW)
SINGLE_FORM(single_half_row, 2, V_ROW / 2)
#if V_LANES >= 8u /* others have not so many in half a row */
SINGLE_FORM(single_panel, 4, PANEL_VECTORS)
#endif

static void dense(const mli_conv *a, mli_unary f, float p, float q)
{
    const uint32_t row = V_ROW * V_LANES;
    const uint32_t outputs = a->out_per_group;
    const uint32_t whole = outputs / MLI_PANEL * MLI_PANEL;
    uint32_t o = 0;
    if (!MLI_HAS(STORED) || a->storage == MLI_F32) {
        for (; o + row <= whole; o += row)
            single_row(a, o, f, p, q);
        for (; o + row / 2 <= whole; o += row / 2)
            single_half_row(a, o, f, p, q);
#if V_LANES >= 8u
        for (; o < whole; o += MLI_PANEL)
            single_panel(a, o, f, p, q);
#endif
    }
    if (o == outputs)
        return;
    if (o != 0)
        linear_group(a, 0, o, outputs);
    else
        conv(a, 0, outputs);
    if (f != MLI_IDENTITY)
        unary(f, p, q, a->y, a->y, o, outputs);
}
