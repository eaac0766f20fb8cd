/*
 * text_recurrent_stored.h - recurrent layers whose matrix is stored in 16 or 8
 * bits, over the vector layer: its numbers become floats in registers, in every
 * frame. Floats of the whole matrix would be a second copy of it.
 *
 * A group has units enough for each gate of it, or two, to fill a vector. The
 * products with h are summed before they are scaled; what the bias and the
 * input give comes last.
 */

/* Units of a group; rows that are loaded at once, and vectors of these. */
#define KEPT_UNITS   (V_LANES > 8 ? (int)V_LANES : V_LANES > 1 ? 8 : 1)
#define KEPT_PIECE   KEPT_UNITS
#define KEPT_QUADS   ((KEPT_UNITS + 3) / 4)
#define KEPT_VECTORS (KEPT_PIECE / (int)V_LANES)

/* Of a group: pieces, vectors, and the lanes of the last one that are rows. */
#define KEPT_ROWS(gates, quads) (V_LANES < 4 ? (gates) : (gates) * (quads)*4)
#define KEPT_PIECES(gates, quads)                                              \
    ((KEPT_ROWS(gates, quads) + KEPT_PIECE - 1) / KEPT_PIECE)
#define KEPT_COUNT(gates, quads)                                               \
    ((KEPT_ROWS(gates, quads) + (int)V_LANES - 1) / (int)V_LANES)
#define KEPT_PART(gates, quads)                                                \
    (KEPT_ROWS(gates, quads) - (KEPT_COUNT(gates, quads) - 1) * (int)V_LANES)

typedef struct kept_rows {
    const uint8_t *w[4]; /* of each piece, at the next input */
    size_t step[4];      /* bytes from input to input */
    size_t first;        /* the first row */
} kept_rows;

/* Rows of piece p. */
V_FN int kept_held(const int p, const int rows)
{
    const int left = rows - p * KEPT_PIECE;
    return left < KEPT_PIECE ? left : KEPT_PIECE;
}

/* wide: all rows of the group are known to lie in panels of full width, which
   is then a constant. */
V_FN kept_rows kept_rows_at(const mli_recurrent *a, uint32_t u, const int gates,
                            const int rows, const int wide, const int type)
{
    const int pieces = (rows + KEPT_PIECE - 1) / KEPT_PIECE;
    const uint32_t all = (a->units + 3) / 4 * 4 * (uint32_t)gates;
    const size_t bytes = type == MLI_F16 ? 2 : 1;
    kept_rows g;
    UNROLL
    for (int p = 0; p < pieces; p++) {
        const uint32_t row =
            V_LANES < 4 ? (u / 4 * (uint32_t)gates + (uint32_t)p) * 4 + u % 4
                        : u * (uint32_t)gates + (uint32_t)(p * KEPT_PIECE);
        const uint32_t panel = row / MLI_PANEL * MLI_PANEL;
        uint32_t width = all - panel;
        if (KEPT_PIECE == (int)MLI_PANEL)
            width = (uint32_t)kept_held(p, rows);
        else if (wide || width > MLI_PANEL)
            width = MLI_PANEL;
        if (p == 0)
            g.first = row;
        g.step[p] = width * bytes;
        g.w[p] = (const uint8_t *)(const void *)a->w +
                 ((size_t)panel * a->units + row % MLI_PANEL) * bytes;
    }
    return g;
}

/* The numbers of n rows. */
V_FN void kept_load(const uint8_t *w, const int n, const int type, vf *row)
{
    if (type == MLI_F16)
        v_row_f16(w, n, row);
    else
        v_row_i8(w, n, row);
}

/* The sums of the products with h, in part l % chains of each. */
V_FN void kept_products(kept_rows *g, const float *h, uint32_t units,
                        const int rows, const int chains, const int type,
                        vf sum[8][4])
{
    const int pieces = (rows + KEPT_PIECE - 1) / KEPT_PIECE;
    vf row[KEPT_VECTORS];
    for (uint32_t n = units / 4; n != 0; n--) {
        const v_quad four = v_step_quad(&h, 4);
        UNROLL
        for (int l = 0; l < 4; l++)
            UNROLL
        for (int p = 0; p < pieces; p++) {
            kept_load(g->w[p] + (size_t)l * g->step[p], kept_held(p, rows),
                      type, row);
            UNROLL
            for (int v = 0; v < STORED_COUNT(kept_held(p, rows)); v++) {
                vf *to = &sum[p * KEPT_VECTORS + v][l % chains];
                *to = v_fma_quad(row[v], four, l, *to);
            }
        }
        UNROLL
        for (int p = 0; p < pieces; p++)
            g->w[p] += 4 * g->step[p];
    }
    for (uint32_t n = units % 4; n != 0; n--, h++)
        UNROLL
    for (int p = 0; p < pieces; p++) {
        kept_load(g->w[p], kept_held(p, rows), type, row);
        g->w[p] += g->step[p];
        UNROLL
        for (int v = 0; v < STORED_COUNT(kept_held(p, rows)); v++) {
            vf *to = &sum[p * KEPT_VECTORS + v][0];
            *to = v_fma(row[v], K(*h), *to);
        }
    }
}

/* Parts of a sum: enough of them that products do not wait for one another. */
#define KEPT_CHAINS(count)                                                     \
    ((count) > 4 || V_LANES < 4 ? 1 : (count) > 2 ? 2 : 4)

/* The rows' sums: bias, products with h, and x unless it is NULL. */
V_FN void kept_sums(const mli_recurrent *a, uint32_t u, const float *x,
                    const float *h, const int gates, const int quads,
                    const int type, vf out[8])
{
    const int count = KEPT_COUNT(gates, quads), part = KEPT_PART(gates, quads);
    const int chains = KEPT_CHAINS(count), rows = KEPT_ROWS(gates, quads);
    kept_rows g;
    vf sum[8][4], in[8], scale[8];
    UNROLL
    for (int i = 0; i < count * chains; i++)
        sum[i / chains][i % chains] = K(0.0f);
    if (V_LANES > 1 && V_LANES < MLI_PANEL &&
        group_is_wide(a, u, gates, quads)) {
        g = kept_rows_at(a, u, gates, rows, 1, type);
        kept_products(&g, h, a->units, rows, chains, type, sum);
    } else {
        g = kept_rows_at(a, u, gates, rows, 0, type);
        kept_products(&g, h, a->units, rows, chains, type, sum);
    }
    UNROLL
    for (int v = 0; v < count; v++)
        out[v] = in[v] = K(0.0f);
    if (a->b)
        rows_load_all(a->b + g.first, count, part, out);
    if (x)
        input_rows(a, x, g.first, count, part, in);
    rows_load_all(a->scale + g.first, count, part, scale);
    UNROLL
    for (int v = 0; v < count; v++) {
        UNROLL
        for (int k = chains / 2; k > 0; k /= 2)
            UNROLL
        for (int j = 0; j < k; j++)
            sum[v][j] = v_add(sum[v][2 * j], sum[v][2 * j + 1]);
        out[v] = v_fma(sum[v][0], scale[v], v_add(out[v], in[v]));
    }
}

/* Cells in a group, and quads of each: a vector of four lanes is a cell. */
#define KEPT_CELLS(quads)      (V_LANES == 4 ? (quads) : 1)
#define KEPT_CELL_QUADS(quads) (V_LANES == 4 ? 1 : (quads))

V_FN void kept_lstm(const mli_recurrent *a, const float *x, const float *h,
                    float *y, uint32_t u, const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, x, h, 4, quads, type, s);
    UNROLL
    for (int i = 0; i < KEPT_CELLS(quads); i++)
        lstm_units(a, s + 4 * i, y, u + 4 * (uint32_t)i,
                   KEPT_CELL_QUADS(quads));
}

V_FN void kept_gru(const mli_recurrent *a, const float *x, const float *h,
                   float *y, uint32_t u, const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, NULL, h, 3, quads, type, s);
    UNROLL
    for (int i = 0; i < KEPT_CELLS(quads); i++)
        gru_units(a, s + 3 * i, x, h, y, u + 4 * (uint32_t)i,
                  KEPT_CELL_QUADS(quads));
}

V_FN void kept_rnn(const mli_recurrent *a, const float *x, const float *h,
                   float *y, uint32_t u, const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, x, h, 1, quads, type, s);
    UNROLL
    for (int i = 0; i < KEPT_CELLS(quads); i++) {
        const uint32_t at = u + 4 * (uint32_t)i;
        if (a->f == MLI_TANH)
            s[i] = unary_one(MLI_TANH, s[i], K(0.0f), K(0.0f));
        else if (a->f == MLI_RELU)
            s[i] = unary_one(MLI_RELU, s[i], K(0.0f), K(0.0f));
        units_store(y + at, s[i], KEPT_CELL_QUADS(quads),
                    group_units(a, at, KEPT_CELL_QUADS(quads)));
    }
}

/* All groups of [first, last) of every frame. */
#define KEPT_RUN(name, gates, group, type)                                     \
    static void name(const mli_recurrent *a, uint32_t first, uint32_t last)    \
    {                                                                          \
        const size_t rows = (size_t)(a->units + 3) / 4 * 4 * (gates);          \
        const float *x = a->x, *h = a->h;                                      \
        float *y = a->y;                                                       \
        for (uint32_t f = a->frames; f != 0; f--) {                            \
            uint32_t u = first;                                                \
            for (; u + KEPT_UNITS <= last; u += KEPT_UNITS)                    \
                group(a, x, h, y, u, KEPT_QUADS, type);                        \
            const uint32_t quads = (last - u + 3) / 4;                         \
            if (V_LANES > 1 && quads == 1)                                     \
                group(a, x, h, y, u, 1, type);                                 \
            else if (V_LANES > 1 && quads == 2)                                \
                group(a, x, h, y, u, 2, type);                                 \
            else if (V_LANES > 8 && quads == 3)                                \
                group(a, x, h, y, u, 3, type);                                 \
            else if (V_LANES > 8 && quads == 4)                                \
                group(a, x, h, y, u, KEPT_QUADS, type);                        \
            h = y;                                                             \
            x += a->in_w ? 1 : rows;                                           \
            y += a->units;                                                     \
        }                                                                      \
    }
KEPT_RUN(kept_lstm_f16, 4, kept_lstm, MLI_F16)
KEPT_RUN(kept_lstm_i8, 4, kept_lstm, MLI_INT8)
KEPT_RUN(kept_gru_f16, 3, kept_gru, MLI_F16)
KEPT_RUN(kept_gru_i8, 3, kept_gru, MLI_INT8)
KEPT_RUN(kept_rnn_f16, 1, kept_rnn, MLI_F16)
KEPT_RUN(kept_rnn_i8, 1, kept_rnn, MLI_INT8)

/* A layer of either kind of matrix. */
#define KEPT_OR_FLOATS(name)                                                   \
    static void name##_any(const mli_recurrent *a, uint32_t first,             \
                           uint32_t last)                                      \
    {                                                                          \
        if (!MLI_HAS(STORED) || a->storage == MLI_F32)                         \
            name(a, first, last);                                              \
        else if (a->storage == MLI_F16)                                        \
            kept_##name##_f16(a, first, last);                                 \
        else                                                                   \
            kept_##name##_i8(a, first, last);                                  \
    }
KEPT_OR_FLOATS(lstm)
KEPT_OR_FLOATS(gru)
KEPT_OR_FLOATS(rnn)
