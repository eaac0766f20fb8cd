/*
 * text_decode.h - a panel of weights that are stored in 16, 8 or 4 bits to
 * floats in the one order, for layers of so many frames that this costs less
 * than decoding them for each. A weight is the number times its scale, rounded
 * once.
 */

/* Vectors in 16 numbers. */
#define DECODE_VECTORS ((int)(MLI_PANEL / V_LANES))

/* n = 4 or 16 numbers: a part of a vector, or several. */
V_FN void decode_scaled(const vf *row, const float *scale, float *to,
                        const int n)
{
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++) {
        const int at = v * (int)V_LANES;
        if (n < (int)V_LANES)
            v_store_low(to, v_mul(row[0], v_load_low(scale, 4)), 4, 0, 4);
        else
            v_store(to + at, v_mul(row[v], v_load(scale + at)));
    }
}

V_FN void decode_row(const uint8_t *w, vf *row, const int n, const int type)
{
    if (type == MLI_F16)
        v_row_f16(w, n, row);
    else
        v_row_i8(w, n, row);
}

/*
 * `count` numbers of panels of 4, 8 or 16 rows. They lie side by side as their
 * floats will: 16 at a time, whatever the panel, with the scales repeated.
 */
V_FN void decode_lines(const uint8_t *w, const float *scale, size_t count,
                       float *to, const uint32_t held, const int type)
{
    const size_t bytes = type == MLI_F16 ? 2 : 1;
    vf row[DECODE_VECTORS], s[DECODE_VECTORS];
    UNROLL
    for (int v = 0; v < DECODE_VECTORS; v++)
        s[v] = held < V_LANES ? v_load_repeated(scale, (int)held)
                              : v_load(scale + (unsigned)v * V_LANES % held);
    for (; count >= MLI_PANEL; count -= MLI_PANEL) {
        decode_row(w, row, MLI_PANEL, type);
        UNROLL
        for (int v = 0; v < DECODE_VECTORS; v++)
            v_store(to + v * (int)V_LANES, v_mul(row[v], s[v]));
        w += MLI_PANEL * bytes;
        to += MLI_PANEL;
    }
    for (uint32_t at = 0; count != 0; count -= 4, at += 4) {
        decode_row(w + at * bytes, row, 4, type);
        decode_scaled(row, scale + at % held, to + at, 4);
    }
}

/* Panels of 12 rows, or of any: four rows at a time. */
V_FN void decode_quads(const uint8_t *w, const float *scale, uint32_t held,
                       size_t products, float *to, const int type)
{
    const size_t bytes = type == MLI_F16 ? 2 : 1;
    for (; products != 0; products--)
        for (uint32_t at = 0; at < held; at += 4, w += 4 * bytes, to += 4) {
            vf row[DECODE_VECTORS];
            decode_row(w, row, 4, type);
            decode_scaled(row, scale + at, to, 4);
        }
}

V_FN void decode_numbers(const uint8_t *w, const float *scale, uint32_t held,
                         size_t products, float *to, const int type)
{
    const size_t count = products * held;
    if (V_LANES == 1) /* in few bytes */
        decode_quads(w, scale, held, products, to, type);
    else if (held == 16)
        decode_lines(w, scale, count, to, 16, type);
    else if (held == 8)
        decode_lines(w, scale, count, to, 8, type);
    else if (held == 4)
        decode_lines(w, scale, count, to, 4, type);
    else
        decode_quads(w, scale, held, products, to, type);
}

static void decode_f16(const uint8_t *w, const float *scale, uint32_t held,
                       size_t products, float *to)
{
    decode_numbers(w, scale, held, products, to, MLI_F16);
}

static void decode_i8(const uint8_t *w, const float *scale, uint32_t held,
                      size_t products, float *to)
{
    decode_numbers(w, scale, held, products, to, MLI_INT8);
}

/* Four bits, n of a panel's rows: two products from each byte. */
V_FN void decode_pairs(const uint8_t *w, const float *scale, uint32_t held,
                       size_t products, float *to, const int n)
{
    for (size_t i = 0; i < products; i += 2, w += held, to += 2 * held) {
        const float *s = scale + i / MLI_INT4_GROUP * held;
        vf low[DECODE_VECTORS], high[DECODE_VECTORS];
        v_row_i4(w, n, low, high);
        decode_scaled(low, s, to, n);
        if (i + 1 < products)
            decode_scaled(high, s, to + held, n);
    }
}

static void decode_i4(const uint8_t *w, const float *scale, uint32_t held,
                      size_t products, float *to)
{
    if (held == MLI_PANEL && V_LANES > 1) {
        decode_pairs(w, scale, held, products, to, MLI_PANEL);
        return;
    }
    for (uint32_t at = 0; at < held; at += 4)
        decode_pairs(w + at, scale + at, held, products, to + at, 4);
}

/*
 * A panel of `held` rows, whole quads of them, the first of which is row `row`
 * of a matrix of so many products; `numbers` and `scale` are those of the whole
 * matrix.
 */
static void decode_panel(mli_storage type, const float *numbers,
                         const float *scale, size_t row, uint32_t held,
                         size_t products, float *panel)
{
    const uint8_t *w = (const uint8_t *)(const void *)numbers +
                       mli_stored_bytes(type, row, products);
    scale += row * (size_t)mli_stored_scales(type, products);
    (type == MLI_F16    ? decode_f16
     : type == MLI_INT8 ? decode_i8
                        : decode_i4)(w, scale, held, products, panel);
}
