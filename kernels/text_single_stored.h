/*
 * text_single_stored.h - one frame of a dense layer whose weights are stored in
 * 16, 8 or 4 bits, and its function, over the vector layer. Some panels go
 * together, and some blocks of their products, so that these do not wait for
 * one another; the bits are those of text_stored.h.
 */
#if V_LANES > 1

/* Vectors of all sums that are in hand. */
#define ONE_SUMS 8

/* Panels at once, and blocks of so many panels. */
#define ONE_PANELS (V_LANES >= 16 ? 4 : V_LANES >= 8 ? 2 : 1)
#define ONE_BLOCKS(panels)                                                     \
    (V_LANES >= 16 ? (panels) < 3 ? 4 : 2                                      \
                   : ONE_SUMS / STORED_VECTORS / (panels))

/* Outputs from o on. */
typedef struct one_job {
    const mli_conv *a;
    const uint8_t *w;   /* numbers of the first panel, */
    size_t panel;       /* bytes from panel to panel */
    size_t row;         /* bytes from row to row */
    const float *scale; /* of the first panel, */
    size_t scales;      /* floats from panel to panel */
    uint32_t o;
    unsigned real; /* outputs of the last panel */
} one_job;

/* A row of n = 4, 8, 12 or 16 outputs, or two. */
V_FN void one_row(const uint8_t *w, vf row[2][STORED_VECTORS], const int n,
                  const int type)
{
    if (n != 12 || V_LANES >= 16) {
        stored_row(w, row, n, type);
        return;
    }
    vf rest[2][STORED_VECTORS];
    stored_row(w, row, 8, type);
    stored_row(w + (type == MLI_F16 ? 16 : 8), rest, 4, type);
    row[0][8 / V_LANES % STORED_VECTORS] = rest[0][0];
    if (type == MLI_INT4)
        row[1][8 / V_LANES % STORED_VECTORS] = rest[1][0];
}

/* Vector v of n scales. */
V_FN vf one_scale(const float *scale, const int v, const int n)
{
    const int at = v * (int)V_LANES;
    return n - at >= (int)V_LANES
               ? v_load(scale + at)
               : v_load_part(scale + at, 0, (unsigned)(n - at));
}

/* The products of `many` blocks; sums begin with zero. */
V_FN void one_products(const one_job *j, const float *x, const uint8_t *w,
                       uint32_t products, vf sum[][STORED_VECTORS],
                       const int many, const int panels, const int n,
                       const int type)
{
    const int count = STORED_COUNT(n), each = type == MLI_INT4 ? 2 : 1;
    const size_t width =
        n == (int)MLI_PANEL ? type == MLI_F16 ? 32 : 16 : j->row;
    const size_t block = STORED_BLOCK(type) / (unsigned)each * width;
    UNROLL
    for (int i = 0; i < many * panels * count; i++)
        sum[i / count][i % count] = K(0.0f);
    for (uint32_t i = 0; i < products; i += (uint32_t)each, w += width)
        UNROLL
    for (int m = 0; m < many; m++) {
        const float *in = x + (size_t)m * STORED_BLOCK(type) + i;
        const vf one = v_set1(in[0]);
        const vf two = each == 2 && i + 1 < products ? v_set1(in[1]) : K(0.0f);
        UNROLL
        for (int p = 0; p < panels; p++) {
            vf row[2][STORED_VECTORS], *to = sum[m * panels + p];
            one_row(w + (size_t)m * block + (size_t)p * j->panel, row, n, type);
            UNROLL
            for (int v = 0; v < count; v++) {
                to[v] = v_fma(one, row[0][v], to[v]);
                if (each == 2)
                    to[v] = v_fma(two, row[1][v], to[v]);
            }
        }
    }
}

/* Some blocks more, the first of which is number `at`. */
V_FN void one_blocks(const one_job *j, const float *x, const uint8_t *w,
                     uint32_t at, uint32_t products, vf total[][STORED_VECTORS],
                     const int many, const int panels, const int n,
                     const int type)
{
    vf sum[ONE_SUMS][STORED_VECTORS];
    one_products(j, x, w, products, sum, many, panels, n, type);
    UNROLL
    for (int m = 0; m < many; m++)
        UNROLL
    for (int p = 0; p < panels; p++)
        UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++) {
        const vf s = sum[m * panels + p][v];
        const float *scale =
            j->scale + (size_t)p * j->scales + (at + (uint32_t)m) * (size_t)n;
        total[p][v] = type == MLI_INT4
                          ? v_fma(s, one_scale(scale, v, n), total[p][v])
                          : v_add(total[p][v], s);
    }
}

V_FN void one_sums(const one_job *j, vf total[][STORED_VECTORS],
                   const int panels, const int n, const int type)
{
    const uint32_t block = STORED_BLOCK(type);
    const size_t width =
        n == (int)MLI_PANEL ? type == MLI_F16 ? 32 : 16 : j->row;
    const size_t rows = block / (type == MLI_INT4 ? 2 : 1) * width;
    const uint32_t many = (uint32_t)ONE_BLOCKS(panels);
    const float *x = j->a->x;
    const uint8_t *w = j->w;
    uint32_t left = j->a->in_per_group, at = 0;
    UNROLL
    for (int i = 0; i < panels * STORED_VECTORS; i++)
        total[i / STORED_VECTORS][i % STORED_VECTORS] = K(0.0f);
    while (many > 1 && left >= many * block) {
        stored_prefetch(w, many * rows);
        one_blocks(j, x, w, at, block, total, ONE_BLOCKS(panels), panels, n,
                   type);
        x += many * block;
        w += many * rows;
        at += many;
        left -= many * block;
    }
    while (left != 0) {
        const uint32_t products = left < block ? left : block;
        one_blocks(j, x, w, at, products, total, 1, panels, n, type);
        x += products;
        w += rows;
        at++;
        left -= products;
    }
}

/* n: outputs of the last panel with their padding; part: some are padding. */
V_FN void one_outputs(const one_job *j, mli_unary f, const int panels,
                      const int n, const int part, const int type)
{
    const int count = STORED_COUNT(n);
    vf total[ONE_PANELS][STORED_VECTORS], y[ONE_PANELS * STORED_VECTORS];
    one_sums(j, total, panels, n, type);
    UNROLL
    for (int i = 0; i < panels * count; i++) {
        const int p = i / count, v = i % count, at = v * (int)V_LANES;
        const float *bias = j->a->b + j->o + p * (int)MLI_PANEL + at;
        const int left = (int)j->real - at;
        const unsigned real =
            left < (int)V_LANES ? (unsigned)(left > 0 ? left : 0) : V_LANES;
        vf b = K(0.0f);
        if (j->a->b)
            b = part ? v_load_part(bias, 0, real) : v_load(bias);
        y[i] =
            type == MLI_INT4
                ? v_add(b, total[p][v])
                : v_fma(total[p][v],
                        one_scale(j->scale + (size_t)p * j->scales, v, n), b);
    }
    single_function(f, y, panels * count);
    UNROLL
    for (int i = 0; i < panels * count; i++) {
        const int at = i % count * (int)V_LANES;
        float *to = j->a->y + j->o + i / count * (int)MLI_PANEL + at;
        const int left = (int)j->real - at;
        if (!part)
            v_store(to, y[i]);
        else if (left > 0)
            v_store_part(to, y[i], 0,
                         left < (int)V_LANES ? (unsigned)left : V_LANES);
    }
}

#define ONE_FORM(name, panels, n, part, type)                                  \
    static void name(const one_job *j, mli_unary f)                            \
    {                                                                          \
        one_outputs(j, f, panels, n, part, type);                              \
    }
#define ONE_FORMS(name, type)                                                  \
    ONE_FORM(name##_4, 1, 4, 1, type)                                          \
    ONE_FORM(name##_8, 1, 8, 1, type)                                          \
    ONE_FORM(name##_12, 1, 12, 1, type)                                        \
    ONE_FORM(name##_16, 1, 16, 1, type)                                        \
    ONE_FORM(name##_panel, 1, 16, 0, type)
ONE_FORMS(one_f16, MLI_F16)
ONE_FORMS(one_i8, MLI_INT8)
ONE_FORMS(one_i4, MLI_INT4)
#define ONE_TABLE(name)                                                        \
    {                                                                          \
        name##_4, name##_8, name##_12, name##_16, name##_panel                 \
    }
#if V_LANES >= 8
#define ONE_TWO(name, type) ONE_FORM(name##_2, 2, 16, 0, type)
ONE_TWO(one_f16, MLI_F16)
ONE_TWO(one_i8, MLI_INT8)
ONE_TWO(one_i4, MLI_INT4)
#undef ONE_TABLE
#define ONE_TABLE(name)                                                        \
    {                                                                          \
        name##_4, name##_8, name##_12, name##_16, name##_panel, name##_2       \
    }
#endif
#if V_LANES >= 16
#define ONE_MORE(name, type)                                                   \
    ONE_FORM(name##_3, 3, 16, 0, type)                                         \
    ONE_FORM(name##_more, 4, 16, 0, type)
ONE_MORE(one_f16, MLI_F16)
ONE_MORE(one_i8, MLI_INT8)
ONE_MORE(one_i4, MLI_INT4)
#undef ONE_TABLE
#define ONE_TABLE(name)                                                        \
    {                                                                          \
        name##_4, name##_8, name##_12, name##_16, name##_panel, name##_2,      \
            name##_3, name##_more                                              \
    }
#endif

/* Bytes of so many rows of a layer's numbers; type is a constant. */
V_FN size_t one_bytes(uint32_t rows, uint32_t products, const int type)
{
    return (size_t)rows * (type == MLI_F16    ? 2 * (size_t)products
                           : type == MLI_INT8 ? products
                                              : ((size_t)products + 1) / 2);
}

/* Panels from output o on; held: outputs of the last of them. */
V_FN void one_run(const mli_conv *a, uint32_t o, uint32_t panels, uint32_t held,
                  mli_unary f, void (*const *form)(const one_job *, mli_unary),
                  const int type)
{
    const uint32_t products = a->in_per_group;
    const size_t scales =
        type == MLI_INT4 ? (products + MLI_INT4_GROUP - 1) / MLI_INT4_GROUP : 1;
    const unsigned real = a->out_per_group - o;
    const one_job j = {a,
                       (const uint8_t *)(const void *)a->w +
                           one_bytes(o, products, type),
                       one_bytes(MLI_PANEL, products, type),
                       type == MLI_F16 ? 2 * (size_t)held : held,
                       a->scale + o * scales,
                       MLI_PANEL * scales,
                       o,
                       real};
    form[real < MLI_PANEL ? held / 4 - 1 : 3 + panels](&j, f);
}

V_FN void one_layer(const mli_conv *a, mli_unary f,
                    void (*const *form)(const one_job *, mli_unary),
                    const int type)
{
    const uint32_t outputs = a->out_per_group;
    const uint32_t whole = outputs / MLI_PANEL * MLI_PANEL;
    const uint32_t rest = (outputs - whole + 3) / 4 * 4;
    if (rest != 0 && (a->backward || whole == 0)) {
        one_run(a, whole, 1, rest, f, form, type);
        if (whole == 0)
            return;
    }
    for (uint32_t done = 0, n; done != whole; done += n) {
        n = (whole - done) / MLI_PANEL;
        n = (n < ONE_PANELS ? n : ONE_PANELS) * MLI_PANEL;
        one_run(a, a->backward ? whole - done - n : done, n / MLI_PANEL,
                MLI_PANEL, f, form, type);
    }
    if (rest != 0 && !a->backward)
        one_run(a, whole, 1, rest, f, form, type);
}

#define ONE_LAYER(name, type)                                                  \
    static void name##_layer(const mli_conv *a, mli_unary f)                   \
    {                                                                          \
        static void (*const form[4 + ONE_PANELS])(                             \
            const one_job *, mli_unary) = ONE_TABLE(name);                     \
        one_layer(a, f, form, type);                                           \
    }
ONE_LAYER(one_f16, MLI_F16)
ONE_LAYER(one_i8, MLI_INT8)
ONE_LAYER(one_i4, MLI_INT4)

V_FN void single_stored(const mli_conv *a, mli_unary f)
{
    if (a->storage == MLI_F16)
        one_f16_layer(a, f);
    else if (a->storage == MLI_INT8)
        one_i8_layer(a, f);
    else
        one_i4_layer(a, f);
}
#endif
