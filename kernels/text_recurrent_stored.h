/*
 * text_recurrent_stored.h - recurrent layers whose matrix is stored in 16 or 8
 * bits, over the vector layer: its numbers become floats in registers, in every
 * frame. Floats of the whole matrix would be a second copy of it.
 *
 * A group has units enough for each gate of it, or two, to fill a vector. The
 * products with h are summed before they are scaled; what the bias and the
 * input give comes last.
 */

#ifdef __arm__ /* 16 registers */
#define KEPT_FEW (V_LANES == 4)
#else
#define KEPT_FEW 0
#endif

/* Units of a group; rows that are loaded at once, and vectors of these. */
#define KEPT_UNITS(gates)                                                      \
    (V_LANES > 8                ? (int)V_LANES                                 \
     : KEPT_FEW && (gates) == 4 ? 4                                            \
     : V_LANES > 1              ? 8                                            \
                                : 1)
#define KEPT_QUADS(gates) ((KEPT_UNITS(gates) + 3) / 4)
#define KEPT_PIECE        (V_LANES > 8 ? (int)V_LANES : V_LANES > 1 ? 8 : 1)
#define KEPT_VECTORS      (KEPT_PIECE / (int)V_LANES)

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

/*
 * Whole numbers of 30 bits and a sign in the place of h, in two parts: where
 * products of 16 bits cost less than floats made of bytes. The largest of them
 * takes all the bits, what is lost is 2^-29 of it at most. By bytes they have
 * 24 bits, and what is lost is 2^-23 of the largest, or of 1 if that is more.
 */
#define KEPT_FIXED 99   /* beside MLI_F16 and MLI_INT8 */
#define KEPT_VNNI  98   /* by bytes */
#define FIXED_MOST 256u /* units: sums of so many stay below 2^31 */

typedef struct kept_fixed {
#ifdef V_HAS_FIXED
    int16_t high[FIXED_MOST], low[FIXED_MOST];
#elif defined(V_HAS_VNNI)
    uint8_t low[FIXED_MOST], middle[FIXED_MOST], high[FIXED_MOST];
#endif
    float unit; /* NaN if one of them is, or infinite */
} kept_fixed;

/* What the numbers of v_row_raw are taken times, before and after: 2^112 in
   all, in parts that leave room for h above 1 and below. */
#ifdef V_HAS_RAW
#define RAW_INPUT 0x1p64f
#define RAW_SUM   0x1p48f
#else
#define RAW_INPUT 1.0f
#define RAW_SUM   1.0f
#define v_row_raw v_row_f16
#endif

/* The numbers of n rows. */
V_FN void kept_load(const uint8_t *w, const int n, const int type, vf *row)
{
    if (type == MLI_F16)
        v_row_raw(w, n, row);
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
    const uint32_t fours = V_LANES > 1 ? units / 4 : 0; /* in few bytes */
    for (uint32_t n = fours; n != 0; n--) {
        v_quad four = v_step_quad(&h, 4);
#ifdef V_HAS_RAW
        if (type == MLI_F16)
            four = v_mul(four, K(RAW_INPUT));
#endif
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
    for (uint32_t n = units - 4 * fours; n != 0; n--, h++) {
        vf one = K(*h);
        if (type == MLI_F16)
            one = v_mul(one, K(RAW_INPUT));
        UNROLL
        for (int p = 0; p < pieces; p++) {
            kept_load(g->w[p], kept_held(p, rows), type, row);
            g->w[p] += g->step[p];
            UNROLL
            for (int v = 0; v < STORED_COUNT(kept_held(p, rows)); v++) {
                vf *to = &sum[p * KEPT_VECTORS + v][0];
                *to = v_fma(row[v], one, *to);
            }
        }
    }
}

#ifdef V_HAS_FIXED
/* The same of h in whole numbers, exactly. */
V_FN void fixed_products(kept_rows *g, const kept_fixed *h, uint32_t units,
                         const int rows, vf out[8])
{
    const int pieces = (rows + KEPT_PIECE - 1) / KEPT_PIECE;
    v_fixed_sum high[8], low[8];
    UNROLL
    for (int v = 0; v < pieces * KEPT_VECTORS; v++)
        high[v] = low[v] = v_fixed_zero();
    for (uint32_t i = 0; i < units; i += 4) {
        const v_fixed top = v_fixed_load(h->high + i);
        const v_fixed rest = v_fixed_load(h->low + i);
        UNROLL
        for (int l = 0; l < 4; l++) {
            if (l > 0 && i + (uint32_t)l >= units)
                break;
            UNROLL
            for (int p = 0; p < pieces; p++) {
                const int n = kept_held(p, rows);
                const v_fixed_eight row = v_fixed_row(g->w[p], n);
                g->w[p] += g->step[p];
                v_fixed_mla(high + 2 * p, row, top, l, n);
                v_fixed_mla(low + 2 * p, row, rest, l, n);
            }
        }
    }
    UNROLL
    for (int v = 0; v < STORED_COUNT(rows); v++)
        out[v] = v_mul(v_fixed_sums(high[v], low[v]), v_set1(h->unit));
}
#endif

#ifdef V_HAS_VNNI
/* The same where four products of bytes are an instruction, whose first bytes
   have no sign: what that adds to the highest is summed beside. */
V_FN void vnni_products(const kept_rows *g, const kept_fixed *h, uint32_t units,
                        const int rows, vf out[8])
{
    const int pieces = (rows + KEPT_PIECE - 1) / KEPT_PIECE;
    const int part = kept_held(pieces - 1, rows);
    const __m512i whole = v_turn_index(KEPT_PIECE), last = v_turn_index(part);
    const v_bsum off = v_bytes_128();
    const uint8_t *w[4];
    v_bsum sum[4][4];
    UNROLL
    for (int i = 0; i < 4 * pieces; i++)
        sum[i / 4][i % 4] = v_bytes_zero();
    UNROLL
    for (int p = 0; p < pieces; p++)
        w[p] = g->w[p];
    for (uint32_t i = 0; i < units; i += 4) {
        const unsigned inputs = units - i < 4 ? units - i : 4;
        const v_bsum low = v_word_of(h->low + i);
        const v_bsum middle = v_word_of(h->middle + i);
        const v_bsum high = v_word_of(h->high + i);
        UNROLL
        for (int p = 0; p < pieces; p++) {
            const int n = kept_held(p, rows);
            const v_bsum row =
                v_turn_rows(w[p], inputs, n, n < KEPT_PIECE ? last : whole);
            w[p] += 4 * n;
            sum[p][0] = v_vnni(low, row, sum[p][0]);
            sum[p][1] = v_vnni(middle, row, sum[p][1]);
            sum[p][2] = v_vnni(high, row, sum[p][2]);
            sum[p][3] = v_vnni(off, row, sum[p][3]);
        }
    }
    UNROLL
    for (int p = 0; p < pieces; p++)
        out[p] = v_mul(v_split_sums(sum[p][0], sum[p][1], sum[p][2], sum[p][3]),
                       v_set1(h->unit));
}
#endif

/* Parts of a sum: enough of them that products do not wait for one another. */
#define KEPT_CHAINS(count)                                                     \
    ((count) > 4 || V_LANES < 4 ? 1 : (count) > 2 ? 2 : 4)

/* The rows' sums of products, before they are scaled. */
V_FN size_t kept_numbers(const mli_recurrent *a, uint32_t u, const float *h,
                         const kept_fixed *fixed, const int gates,
                         const int quads, const int type, vf out[8])
{
    const int count = KEPT_COUNT(gates, quads), rows = KEPT_ROWS(gates, quads);
    const int chains = KEPT_CHAINS(count);
    const int wide = V_LANES > 1 && V_LANES < MLI_PANEL;
    kept_rows g;
    vf sum[8][4];
#ifdef V_HAS_FIXED
    if (type == KEPT_FIXED) {
        g = kept_rows_at(a, u, gates, rows, 0, type);
        fixed_products(&g, fixed, a->units, rows, out);
        return g.first;
    }
#endif
#ifdef V_HAS_VNNI
    if (type == KEPT_VNNI) {
        g = kept_rows_at(a, u, gates, rows, 0, type);
        vnni_products(&g, fixed, a->units, rows, out);
        return g.first;
    }
#endif
    (void)fixed;
    UNROLL
    for (int i = 0; i < count * chains; i++)
        sum[i / chains][i % chains] = K(0.0f);
    if (wide && group_is_wide(a, u, gates, quads)) {
        g = kept_rows_at(a, u, gates, rows, 1, type);
        kept_products(&g, h, a->units, rows, chains, type, sum);
    } else {
        g = kept_rows_at(a, u, gates, rows, 0, type);
        kept_products(&g, h, a->units, rows, chains, type, sum);
    }
    UNROLL
    for (int v = 0; v < count; v++) {
        UNROLL
        for (int k = chains / 2; k > 0; k /= 2)
            UNROLL
        for (int j = 0; j < k; j++)
            sum[v][j] = v_add(sum[v][2 * j], sum[v][2 * j + 1]);
        out[v] = sum[v][0];
        if (RAW_SUM != 1.0f && type == MLI_F16)
            out[v] = v_mul(out[v], K(RAW_SUM));
    }
    return g.first;
}

/* With scales, the bias, and x unless it is NULL. */
V_FN void kept_sums(const mli_recurrent *a, uint32_t u, const float *x,
                    const float *h, const kept_fixed *fixed, const int gates,
                    const int quads, const int type, vf out[8])
{
    const int count = KEPT_COUNT(gates, quads), part = KEPT_PART(gates, quads);
    const size_t first = kept_numbers(a, u, h, fixed, gates, quads, type, out);
    vf in[8], scale[8], bias[8];
    rows_parts(a, x, first, count, part, bias, in);
    rows_load_all(a->scale + first, count, part, scale);
    UNROLL
    for (int v = 0; v < count; v++)
        out[v] = v_fma(out[v], scale[v], v_add(bias[v], in[v]));
}

/* Cells in a group, and quads of each: a vector of four lanes is a cell. */
#define KEPT_CELLS(quads)      (V_LANES == 4 ? (quads) : 1)
#define KEPT_CELL_QUADS(quads) (V_LANES == 4 ? 1 : (quads))

V_FN void kept_lstm_group(const mli_recurrent *a, const float *x,
                          const float *h, const kept_fixed *fixed, float *y,
                          uint32_t u, const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, x, h, fixed, 4, quads, type, s);
    UNROLL
    for (int i = 0; i < KEPT_CELLS(quads); i++)
        lstm_units(a, s + 4 * i, y, u + 4 * (uint32_t)i,
                   KEPT_CELL_QUADS(quads));
}

V_FN void kept_gru_group(const mli_recurrent *a, const float *x, const float *h,
                         const kept_fixed *fixed, float *y, uint32_t u,
                         const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, NULL, h, fixed, 3, quads, type, s);
    UNROLL
    for (int i = 0; i < KEPT_CELLS(quads); i++)
        gru_units(a, s + 3 * i, x, h, y, u + 4 * (uint32_t)i,
                  KEPT_CELL_QUADS(quads));
}

V_FN void kept_rnn_group(const mli_recurrent *a, const float *x, const float *h,
                         const kept_fixed *fixed, float *y, uint32_t u,
                         const int quads, const int type)
{
    vf s[8];
    kept_sums(a, u, x, h, fixed, 1, quads, type, s);
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
        kept_fixed f;                                                          \
        for (uint32_t n = a->frames; n != 0; n--) {                            \
            uint32_t u = first;                                                \
            KEPT_SPLIT(type, h, a->units, &f);                                 \
            for (; u + KEPT_UNITS(gates) <= last; u += KEPT_UNITS(gates))      \
                group(a, x, h, &f, y, u, KEPT_QUADS(gates), type);             \
            const uint32_t quads = (last - u + 3) / 4;                         \
            if (V_LANES > 1 && quads == 1)                                     \
                group(a, x, h, &f, y, u, 1, type);                             \
            else if (KEPT_UNITS(gates) > 4 && quads == 2)                      \
                group(a, x, h, &f, y, u, 2, type);                             \
            else if (V_LANES > 8 && quads == 3)                                \
                group(a, x, h, &f, y, u, 3, type);                             \
            else if (V_LANES > 8 && quads == 4)                                \
                group(a, x, h, &f, y, u, 4, type);                             \
            h = y;                                                             \
            x += a->in_w ? 1 : rows;                                           \
            y += a->units;                                                     \
        }                                                                      \
    }

/* Of any storage. */
#ifdef V_HAS_FIXED
#define KEPT_SPLIT(type, h, units, f)                                          \
    if ((type) == KEPT_FIXED)                                                  \
    (f)->unit = v_fixed_split(h, units, (f)->high, (f)->low)
#define KEPT_FORMS(name, gates, group)                                         \
    KEPT_RUN(name##_f16, gates, group, MLI_F16)                                \
    KEPT_RUN(name##_i8, gates, group, MLI_INT8)                                \
    KEPT_RUN(name##_fixed, gates, group, KEPT_FIXED)                           \
    static void name(const mli_recurrent *a, uint32_t first, uint32_t last)    \
    {                                                                          \
        (a->storage == MLI_F16    ? name##_f16                                 \
         : a->units <= FIXED_MOST ? name##_fixed                               \
                                  : name##_i8)(a, first, last);                \
    }
#else
#ifdef V_HAS_VNNI
#define KEPT_SPLIT(type, h, units, f)                                          \
    if ((type) == KEPT_VNNI)                                                   \
    (f)->unit = v_split_bytes(h, units, (f)->low, (f)->middle, (f)->high)
#else
#define KEPT_SPLIT(type, h, units, f) (void)(f)
#endif
#if V_LANES == 1 /* in few bytes */
#define KEPT_FORMS(name, gates, group)                                         \
    KEPT_RUN(name, gates, group, (int)a->storage)
#else
#define KEPT_FORMS(name, gates, group)                                         \
    KEPT_RUN(name##_f16, gates, group, MLI_F16)                                \
    KEPT_RUN(name##_i8, gates, group, MLI_INT8)                                \
    static void name(const mli_recurrent *a, uint32_t first, uint32_t last)    \
    {                                                                          \
        (a->storage == MLI_F16 ? name##_f16 : name##_i8)(a, first, last);      \
    }
#endif
#endif
KEPT_FORMS(kept_lstm, 4, kept_lstm_group)
KEPT_FORMS(kept_gru, 3, kept_gru_group)
KEPT_FORMS(kept_rnn, 1, kept_rnn_group)

/* A layer of either kind of matrix. */
#define KEPT_OR_FLOATS(name)                                                   \
    static void name##_any(const mli_recurrent *a, uint32_t first,             \
                           uint32_t last)                                      \
    {                                                                          \
        if (!MLI_HAS(STORED) || a->storage == MLI_F32)                         \
            name(a, first, last);                                              \
        else                                                                   \
            kept_##name(a, first, last);                                       \
    }
KEPT_OR_FLOATS(lstm)
KEPT_OR_FLOATS(gru)
KEPT_OR_FLOATS(rnn)

#ifdef V_HAS_VNNI
/* Units from which on it pays to make bytes of h. */
#define VNNI_LEAST 20u

#define KEPT_VNNI_FORM(name, gates)                                            \
    KEPT_RUN(kept_##name##_vnni, gates, kept_##name##_group, KEPT_VNNI)        \
    static void name##_vnni(const mli_recurrent *a, uint32_t first,            \
                            uint32_t last)                                     \
    {                                                                          \
        if (MLI_HAS(STORED) && a->storage == MLI_INT8 &&                       \
            a->units >= VNNI_LEAST && a->units <= FIXED_MOST)                  \
            kept_##name##_vnni(a, first, last);                                \
        else                                                                   \
            name##_any(a, first, last);                                        \
    }
KEPT_VNNI_FORM(lstm, 4)
KEPT_VNNI_FORM(gru, 3)
#endif
