/*
 * text_recurrent_sums.h - the sums of a group's rows: bias, products with h,
 * and x where it belongs to the sum.
 *
 * A sum is made in V_CHAINS parts: input i goes to part i % V_CHAINS. The first
 * part begins with the bias, the second with x; they are added up pairwise. A
 * sum of one part begins with all that is not h.
 */

/* The quads of a whole group; one lane has none to keep together. */
#define GROUP_QUADS ((int)((V_LANES + 3) / 4))

/* Rows [0, rows) of a group's quads, in vectors. */
typedef struct group_rows {
    const float *w[4]; /* of each vector */
    size_t width[4];   /* floats from input to input */
    size_t first;      /* the first row */
} group_rows;

/* From the first row of a vector to that of the next: a gate, or its lanes. */
#define ROW_STEP (V_LANES < 4 ? 4u : V_LANES)

/* Vectors that hold the gates of so many quads. */
#define GROUP_VECTORS(gates, quads)                                            \
    (V_LANES < 4 ? (gates)                                                     \
                 : ((gates) * (quads)*4 + (int)V_LANES - 1) / (int)V_LANES)

/* Lanes of the last of them that are rows. */
#define GROUP_PART(gates, quads)                                               \
    (V_LANES < 4 ? 1                                                           \
                 : (gates) * (quads)*4 -                                       \
                       (GROUP_VECTORS(gates, quads) - 1) * (int)V_LANES)

/*
 * Where the rows of a group are. wide: all of them are known to lie in panels
 * of full width, which is then a constant.
 */
V_FN group_rows rows_of_group(const mli_recurrent *a, uint32_t u,
                              const int gates, const int quads, const int wide)
{
    const uint32_t all = (a->units + 3) / 4 * 4 * (uint32_t)gates;
    const int vectors = GROUP_VECTORS(gates, quads);
    group_rows g;
    UNROLL
    for (int v = 0; v < vectors; v++) {
        uint32_t row = V_LANES < 4
                           ? (u / 4 * (uint32_t)gates + (uint32_t)v) * 4 + u % 4
                           : u * (uint32_t)gates + (uint32_t)v * V_LANES;
        uint32_t panel = row / MLI_PANEL * MLI_PANEL, width = all - panel;
        if (wide)
            width = MLI_PANEL;
        else if (V_LANES == MLI_PANEL)
            width = v < vectors - 1 ? MLI_PANEL
                                    : (uint32_t)GROUP_PART(gates, quads);
        else if (width > MLI_PANEL)
            width = MLI_PANEL;
        if (v == 0)
            g.first = row;
        g.width[v] = width;
        g.w[v] = a->w + (size_t)panel * a->units + row % MLI_PANEL;
    }
    return g;
}

/* Whether the rows of a group lie in panels of full width. */
V_FN int group_is_wide(const mli_recurrent *a, uint32_t u, const int gates,
                       const int quads)
{
    const uint32_t all = (a->units + 3) / 4 * 4 * (uint32_t)gates;
    return gates == 4 || (V_LANES < MLI_PANEL &&
                          (u / 4 + (uint32_t)quads) * (uint32_t)gates * 4 <=
                              all / MLI_PANEL * MLI_PANEL);
}

/* A vector of rows; `part` lanes of it where it is not full. */
V_FN vf rows_load(const float *p, const int part)
{
    return part == (int)V_LANES ? v_load(p) : v_load_part(p, 0, (unsigned)part);
}

/* The weights of the next input. */
V_FN void column_load(group_rows *g, const int vectors, const int part, vf w[4])
{
    if (4 * V_LANES == MLI_PANEL && vectors == 4) { /* one panel */
        v_step_four(&g->w[0], w);
        return;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        if (v < vectors - 1 || part == (int)V_LANES) {
            w[v] = v_load_step(&g->w[v], g->width[v]);
        } else {
            w[v] = rows_load(g->w[v], part);
            g->w[v] += g->width[v];
        }
    }
}

/* Add the products of one input to part l % V_CHAINS of the sums. */
V_FN void group_input(group_rows *g, v_quad in, const int l, const int vectors,
                      const int part, const int chains, vf sum[4][V_CHAINS])
{
    vf w[4];
    column_load(g, vectors, part, w);
    UNROLL
    for (int v = 0; v < vectors; v++)
        sum[v][l % chains] = v_fma_quad(w[v], in, l, sum[v][l % chains]);
}

/* The same, of an input that has no three others beside it. */
V_FN void group_last_input(group_rows *g, vf in, const int l, const int vectors,
                           const int part, const int chains,
                           vf sum[4][V_CHAINS])
{
    vf w[4];
    column_load(g, vectors, part, w);
    UNROLL
    for (int v = 0; v < vectors; v++)
        sum[v][l % chains] = v_fma(w[v], in, sum[v][l % chains]);
}

/* Vectors of rows. Of four lanes four or more, an even number, are whole. */
V_FN void rows_load_all(const float *p, const int vectors, const int part,
                        vf *rows)
{
    if (V_LANES == 4 && vectors >= 4) {
        v_step_four(&p, rows);
        if (vectors == 8)
            v_step_four(&p, rows + 4);
        else if (vectors == 6)
            v_load_run(&p, 0, rows + 4, 2);
        return;
    }
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = rows_load(p + (size_t)v * ROW_STEP,
                            v == vectors - 1 ? part : (int)V_LANES);
}

/* The rows of x from `row` on: the projection of one number, if it is that. */
V_FN void input_rows(const mli_recurrent *a, const float *x, size_t row,
                     const int vectors, const int part, vf *rows)
{
    vf w[12];
    if (!a->in_w) {
        rows_load_all(x + row, vectors, part, rows);
        return;
    }
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = K(0.0f);
    if (a->in_b)
        rows_load_all(a->in_b + row, vectors, part, rows);
    rows_load_all(a->in_w + row, vectors, part, w);
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = v_fma(K(*x), w[v], rows[v]);
}

/* The bias, with that of x where x belongs to the sum and is one number. */
V_FN void rows_bias(const mli_recurrent *a, const int with_x, size_t row,
                    const int vectors, const int part, vf *rows)
{
    vf in[12];
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = K(0.0f);
    if (a->b)
        rows_load_all(a->b + row, vectors, part, rows);
    if (!with_x || !a->in_w || !a->in_b)
        return;
    rows_load_all(a->in_b + row, vectors, part, in);
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = v_add(rows[v], in[v]);
}

/* What a sum of one part begins with: its bias, and x unless that is NULL. */
V_FN void rows_begin(const mli_recurrent *a, const float *x, size_t row,
                     const int vectors, const int part, const vf *bias,
                     vf *rows)
{
    vf w[12];
    if (x)
        rows_load_all((a->in_w ? a->in_w : x) + row, vectors, part, w);
    UNROLL
    for (int v = 0; v < vectors; v++)
        rows[v] = !x        ? bias[v]
                  : a->in_w ? v_fma(K(*x), w[v], bias[v])
                            : v_add(w[v], bias[v]);
}

/* What the first two of several parts begin with. */
V_FN void rows_parts(const mli_recurrent *a, const float *x, size_t row,
                     const int vectors, const int part, vf *begin, vf *in)
{
    UNROLL
    for (int v = 0; v < vectors; v++)
        begin[v] = in[v] = K(0.0f);
    if (a->b)
        rows_load_all(a->b + row, vectors, part, begin);
    if (x)
        input_rows(a, x, row, vectors, part, in);
}

/* The rows' sums: bias, products with h, and x unless it is NULL. */
V_FN void sums_of_rows(const mli_recurrent *a, group_rows g, const float *x,
                       const float *h, const int gates, const int quads,
                       const int chains, vf out[4])
{
    const int vectors = GROUP_VECTORS(gates, quads);
    const int part = GROUP_PART(gates, quads);
    const uint32_t rest = a->units % 4;
    vf sum[4][V_CHAINS], begin[4], in[4];
    if (chains == 1) {
        rows_bias(a, x != NULL, g.first, vectors, part, in);
        rows_begin(a, x, g.first, vectors, part, in, begin);
    } else {
        rows_parts(a, x, g.first, vectors, part, begin, in);
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        sum[v][0] = begin[v];
        UNROLL
        for (int k = 1; k < chains; k++)
            sum[v][k] = k == 1 ? in[v] : K(0.0f);
    }
    for (uint32_t n = a->units / 4; n != 0; n--) {
        v_quad four = v_step_quad(&h, 4);
        UNROLL
        for (int l = 0; l < 4; l++)
            group_input(&g, four, l, vectors, part, chains, sum);
    }
    if (rest != 0)
        UNROLL
    for (int l = 0; l < 3; l++)
        if ((uint32_t)l < rest)
            group_last_input(&g, K(h[l]), l, vectors, part, chains, sum);
    UNROLL
    for (int v = 0; v < vectors; v++) {
        UNROLL
        for (int k = chains / 2; k > 0; k /= 2)
            UNROLL
        for (int j = 0; j < k; j++)
            sum[v][j] = v_add(sum[v][2 * j], sum[v][2 * j + 1]);
        out[v] = sum[v][0];
    }
}

/*
 * Layers that have a form of their own, in which the sums of more than one
 * group are made at once: units of the smallest and the largest, and the parts
 * of their sums.
 */
#if defined(V_WHOLE)
#define FORM_LEAST (V_LANES + 4)
#define FORM_MOST  (3 * V_LANES)
/* eight vectors of rows hide how long a product takes */
#define FORM_CHAINS(units, gates)                                              \
    ((units) * (uint32_t)(gates) > 7 * V_LANES ? 1 : 2)
#define FORM_UNITS(units) ((units) % 4 == 0)
#elif defined(V_PANELS)
#define FORM_LEAST                (V_LANES < 8 ? 8 : V_LANES + 4)
#define FORM_MOST                 128 /* rows that have room on the stack */
#define FORM_CHAINS(units, gates) 1
#define FORM_UNITS(units)         1
#endif

#ifdef FORM_MOST
V_FN int has_form(const mli_recurrent *a, const int gates)
{
    return gates > 1 && a->units >= FORM_LEAST && a->units <= FORM_MOST &&
           FORM_UNITS(a->units);
}
#endif

/* Of a layer with a form of its own, in as many parts as there: the bits of
   some units are those of all. */
V_FN void group_sums(const mli_recurrent *a, uint32_t u, const float *x,
                     const float *h, const int gates, const int quads,
                     vf out[4])
{
#ifdef FORM_MOST
    if (has_form(a, gates)) {
        group_rows g = rows_of_group(a, u, gates, quads, 0);
        if (FORM_CHAINS(a->units, gates) == 1)
            sums_of_rows(a, g, x, h, gates, quads, 1, out);
        else
            sums_of_rows(a, g, x, h, gates, quads, 2, out);
        return;
    }
#endif
#ifdef V_WHOLE
    if (gates == 4 && quads == GROUP_QUADS && a->units >= 2 * V_LANES) {
        sums_of_rows(a, rows_of_group(a, u, gates, quads, 1), x, h, gates,
                     quads, 2, out);
        return;
    }
#endif
    if (group_is_wide(a, u, gates, quads))
        sums_of_rows(a, rows_of_group(a, u, gates, quads, 1), x, h, gates,
                     quads, V_CHAINS, out);
    else
        sums_of_rows(a, rows_of_group(a, u, gates, quads, 0), x, h, gates,
                     quads, V_CHAINS, out);
}
