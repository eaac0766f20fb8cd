/*
 * text_planar_layer.h - planes of 2 or 4 channels that become as many: the two
 * steps of a layer of a small amplifier network. With so few sums, what is
 * asked for each tile would cost as much as its products; here all of it is
 * known. The bits are those of the other forms.
 */
#ifdef V_HAS_RATIO_RUN
/* A tile is this many sums. */
#define SMALL_SUMS 8

/* What follows the products. */
typedef enum plane_small_kind {
    SMALL_CONV, /* one channel times weights is added, tanh, a total or none */
    SMALL_DENSE /* one tap; a plane is added */
} plane_small_kind;

/* The products of one tap. */
V_FN void plane_small_tap(const float *x, size_t x_row, const float **w,
                          vf sum[4][4], const int channels)
{
    const int vecs = SMALL_SUMS / channels;
    v_quad four[4];
    if (channels == 4)
        v_step_four(w, four);
    else
        v_load_run(w, 8, four, 2);
    UNROLL
    for (int i = 0; i < channels; i++) {
        vf in[4];
        v_load_run(&x, x_row, in, vecs);
        UNROLL
        for (int o = 0; o < channels; o++)
            UNROLL
        for (int v = 0; v < vecs; v++)
            sum[o][v] = v_fma_quad(in[v], four[i], o, sum[o][v]);
    }
}

/* Add one channel times weights. A multiply-add rounds twice, as plane_mix. */
V_FN void plane_small_mix(const float *mix, const float *w, vf sum[4][4],
                          const int channels)
{
    const int vecs = SMALL_SUMS / channels;
    const v_quad four = v_load_quad(w); /* padded */
    vf in[4];
    v_load_run(&mix, 0, in, vecs);
    UNROLL
    for (int o = 0; o < channels; o++)
        UNROLL
    for (int v = 0; v < vecs; v++)
        sum[o][v] = v_fma_quad(in[v], four, o, sum[o][v]);
}

V_FN void plane_small_add(const float *add, size_t row, vf sum[4][4],
                          const int channels)
{
    const int vecs = SMALL_SUMS / channels;
    UNROLL
    for (int o = 0; o < channels; o++) {
        vf old[4];
        v_load_run(&add, row, old, vecs);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[o][v] = v_add(old[v], sum[o][v]);
    }
}

V_FN void plane_small_store(float *y, size_t row, vf sum[4][4],
                            const int channels)
{
    const int vecs = SMALL_SUMS / channels;
    UNROLL
    for (int o = 0; o < channels; o++) {
        UNROLL
        for (int v = 0; v < vecs; v++)
            v_store_step(&y, v < vecs - 1 ? 4 : row - 4 * ((size_t)vecs - 1),
                         sum[o][v]);
    }
}

/* frames: whole tiles */
V_FN void plane_small(const mli_planar *a, const int channels,
                      const plane_small_kind kind)
{
    const int vecs = SMALL_SUMS / channels;
    const float *from = a->x, *begin, *end, *b = a->b;
    const size_t x_row = a->x_row, y_row = a->y_row;
    uint32_t f = 0;
    begin = from + (kind == SMALL_CONV ? plane_first_tap(a) : 0);
    end = from + a->ring;
    do {
        const float *x = begin + f, *w = a->w;
        vf sum[4][4];
        UNROLL
        for (int o = 0; o < channels; o++)
            UNROLL
        for (int v = 0; v < vecs; v++)
            sum[o][v] = v_set1(b[o]);
        plane_small_tap(x, x_row, &w, sum, channels);
        for (uint32_t t = a->taps - 1; kind == SMALL_CONV && t != 0; t--) {
            x += a->dilation;
            x -= x >= end + f ? a->ring : 0;
            plane_small_tap(x, x_row, &w, sum, channels);
        }
        if (kind == SMALL_CONV)
            plane_small_mix(a->mix + f, a->mix_w, sum, channels);
        else
            plane_small_add(a->add + f, a->add_row, sum, channels);
        plane_small_store(a->y + f, y_row, sum, channels);
        f += (uint32_t)vecs * V_LANES;
    } while (f < a->frames);
    if (kind == SMALL_CONV)
        plane_tanh(a, a->y, a->total, (uint32_t)channels);
}

#define PLANE_SMALL(name, channels, kind, otherwise)                           \
    static void name(const mli_planar *a)                                      \
    {                                                                          \
        if (a->frames % (SMALL_SUMS / (channels)*V_LANES) != 0)                \
            otherwise(a);                                                      \
        else                                                                   \
            plane_small(a, channels, kind);                                    \
    }
PLANE_SMALL(plane_conv_2, 2, SMALL_CONV, plane_short_2)
PLANE_SMALL(plane_conv_4, 4, SMALL_CONV, plane_short_4)
PLANE_SMALL(plane_dense_2, 2, SMALL_DENSE, plane_short_2)
PLANE_SMALL(plane_dense_4, 4, SMALL_DENSE, plane_short_4)

/* The form of a call that is such a step, or NULL. */
static mli_planar_form *plane_small_form(const mli_planar *a)
{
    const uint32_t n = a->out_per_group;
    if (a->in_per_group != n || (n != 2 && n != 4) || a->b == NULL)
        return NULL;
    if (a->ring != 0 && a->mix != NULL && a->mix_b == NULL && a->add == NULL &&
        a->f == MLI_TANH)
        return n == 2 ? plane_conv_2 : plane_conv_4;
    if (a->ring == 0 && a->mix == NULL && a->add != NULL &&
        a->f == MLI_IDENTITY && a->total == NULL)
        return n == 2 ? plane_dense_2 : plane_dense_4;
    return NULL;
}
#endif
