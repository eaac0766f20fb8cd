/*
 * text_recurrent.h - recurrent layers: a run of frames in one call, over the
 * vector layer.
 *
 * The units of a group fill the lanes of a vector, and their gates a few
 * vectors of rows. The sums of a group's rows stay in registers, are turned
 * from quads into one vector a gate, and the cell is updated from them.
 *
 * A sum is made in V_CHAINS parts: input i goes to part i % V_CHAINS. The first
 * part begins with the bias, the second with x where x belongs to the sum; they
 * are added up pairwise.
 *
 * V_PANELS: LSTMs and GRUs of up to 128 units make the sums of as many rows at
 * once as there are registers for, in one part (text_recurrent_panels.h).
 *
 * V_WHOLE: LSTMs and GRUs of 20 to 48 units have all their rows in registers at
 * once, which load each h once. Their sums have two parts, as those of whole
 * groups of larger LSTMs there, and one where there are rows enough to keep the
 * multipliers busy (WHOLE_CHAINS); that one begins with all that is not h.
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

#ifdef V_WHOLE
/* Units of the smallest and the largest layer with a form of its own: more than
   one group, at most three. */
#define WHOLE_LEAST (V_LANES + 4)
#define WHOLE_MOST  (3 * V_LANES)

V_FN int has_whole_form(const mli_recurrent *a, const int gates)
{
    return gates > 1 && a->units % 4 == 0 && a->units >= WHOLE_LEAST &&
           a->units <= WHOLE_MOST;
}

/* Parts of its sums: eight vectors of rows hide how long a product takes. */
#define WHOLE_CHAINS(units, gates)                                             \
    ((units) * (uint32_t)(gates) > 7 * V_LANES ? 1 : 2)
#endif

#ifdef V_PANELS
/* Units of the smallest and the largest layer that is done in panels
   (text_recurrent_panels.h): more than one group; rows that have room on the
   stack. */
#define PANELS_LEAST (V_LANES < 8 ? 8 : V_LANES + 4)
#define PANELS_MOST  128

V_FN int is_in_panels(const mli_recurrent *a, const int gates)
{
    return gates > 1 && a->units >= PANELS_LEAST && a->units <= PANELS_MOST;
}
#endif

V_FN void group_sums(const mli_recurrent *a, uint32_t u, const float *x,
                     const float *h, const int gates, const int quads,
                     vf out[4])
{
#ifdef V_PANELS
    if (is_in_panels(a, gates)) {
        sums_of_rows(a, rows_of_group(a, u, gates, quads, 0), x, h, gates,
                     quads, 1, out);
        return;
    }
#endif
#ifdef V_WHOLE
    const int whole = has_whole_form(a, gates);
    if (whole ||
        (gates == 4 && quads == GROUP_QUADS && a->units >= 2 * V_LANES)) {
        group_rows g = rows_of_group(a, u, gates, quads, gates == 4);
        if (whole && WHOLE_CHAINS(a->units, gates) == 1)
            sums_of_rows(a, g, x, h, gates, quads, 1, out);
        else
            sums_of_rows(a, g, x, h, gates, quads, 2, out);
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

/* How many units of a group there are. */
V_FN unsigned group_units(const mli_recurrent *a, uint32_t u, const int quads)
{
    const unsigned most = V_LANES < 4 ? 1 : (unsigned)quads * 4;
    return a->units - u < most ? a->units - u : most;
}

/* The next h, of the units there are. */
V_FN void units_store(float *p, vf x, const int quads, unsigned n)
{
    if (V_LANES < 4 || n == V_LANES)
        v_store(p, x);
    else if (n == 4 * (unsigned)quads)
        v_store_quads(p, x, quads);
    else
        v_store_part(p, x, 0, n);
}

V_FN vf units_load(const float *p, const int quads, unsigned n)
{
    if (V_LANES < 4 || n == 4 * (unsigned)quads)
        return quads == GROUP_QUADS ? v_load(p)
               : quads < 3          ? v_load_low(p, 4 * (unsigned)quads)
                                    : v_load_part(p, 0, n);
    return v_load_part(p, 0, n);
}

/*
 * A gate of x for all units of a group: rows of one lane are four apart.
 */
V_FN vf group_gate(const float *x, uint32_t u, const int gates, const int gate,
                   const int quads)
{
    size_t at = (u / 4 * (size_t)gates + (size_t)gate) * 4 + u % 4;
    return v_load_quads(x + at, (size_t)gates * 4, (unsigned)quads);
}

/* The same of a GRU's three gates. */
V_FN void group_inputs(const mli_recurrent *a, const float *x, uint32_t u,
                       const int quads, vf in[3])
{
    if (V_LANES <= 4) { /* gates are rows */
        input_rows(a, x, u / 4 * 12 + u % 4, 3, V_LANES, in);
        return;
    }
    UNROLL
    for (int k = 0; k < 3; k++) {
        if (!a->in_w) {
            in[k] = group_gate(x, u, 3, k, quads);
            continue;
        }
        vf w = group_gate(a->in_w, u, 3, k, quads), b = K(0.0f);
        if (a->in_b)
            b = group_gate(a->in_b, u, 3, k, quads);
        in[k] = v_fma(K(*x), w, b);
    }
}

/* (1-z)*tanh(n) + z*h */
V_FN vf gru_blend(vf z, vf n, vf h)
{
    return tanh_added(n, v_sub(K(1.0f), z), v_mul(z, h));
}

#ifdef V_HAS_QUAD
/*
 * A vector is one gate. With tanh x = n / q and s(2x) = (q + n) / 2q, what is
 * added up is brought over one denominator: a division takes six instructions
 * on ARMv7, and long on others.
 */
V_FN vf lstm_cell(const vf s[4], vf c, const int quads, vf *h)
{
    const vf half = K(0.5f);
    vf qi, qf, qg, qo, qc;
    vf ni = tanh_parts(v_mul(s[0], half), &qi);
    vf nf = tanh_parts(v_mul(s[1], half), &qf);
    vf ng = tanh_parts(s[2], &qg);
    vf both = v_mul(qi, qg);
    vf in = v_mul(v_add(qi, ni), ng);
    vf kept = v_mul(v_add(qf, nf), c);
    vf top = v_fma(kept, both, v_mul(in, qf));
    vf next = v_mul(v_div(top, v_mul(both, qf)), half);
    vf no = tanh_parts(v_mul(s[3], half), &qo);
    vf nc = tanh_parts(next, &qc);
    vf out = v_mul(v_add(qo, no), v_mul(nc, half));
    (void)quads;
    *h = v_div(out, v_mul(qo, qc));
    return next;
}

/* x: gates of the input, s: of h. */
V_FN vf gru_cell(const vf x[3], const vf s[4], vf h, const int quads)
{
    const vf half = K(0.5f);
    vf qr, qz, qn;
    vf nr = tanh_parts(v_mul(v_add(x[0], s[0]), half), &qr);
    vf r = v_div(v_add(qr, nr), qr);
    vf n = tanh_parts(v_fma(r, v_mul(s[2], half), x[2]), &qn);
    vf nz = tanh_parts(v_mul(v_add(x[1], s[1]), half), &qz);
    vf top = v_fma(v_sub(qz, nz), n, v_mul(v_add(qz, nz), v_mul(h, qn)));
    (void)quads;
    return v_mul(v_div(top, v_mul(qz, qn)), half);
}
#else
#ifdef V_HAS_TABLE
/* All gates of a vector whose quads are i f g o. */
V_FN vf mixed_gates(vf s)
{
    static const float lanes[3][V_LANES] __attribute__((aligned(64))) = {
#define QUAD_OF(i, g)                                                          \
    {                                                                          \
        i, i, i, i, i, i, i, i, g, g, g, g, i, i, i, i                         \
    }
        QUAD_OF(0.5f, 1.0f), QUAD_OF(15.5f, 7.75f), QUAD_OF(0.5f, 0.0f)
#undef QUAD_OF
    };
    const vf scale = v_load(lanes[0]);
    return tanh_scaled(s, scale, v_load(lanes[1]), scale, v_load(lanes[2]));
}
#endif

/* Where a vector holds more than one gate, some of them may be left out. */
V_FN vf lstm_cell(const vf s[4], vf c, const int quads, vf *h)
{
    vf gate[4];
#ifdef V_HAS_TABLE
    if (GROUP_VECTORS(4, quads) < 4) {
        vf row[4];
        UNROLL
        for (int v = 0; v < GROUP_VECTORS(4, quads); v++)
            row[v] = mixed_gates(s[v]);
        v_turn_4(row, gate, quads);
    } else
#endif
    {
        v_turn_4(s, gate, quads);
        gate[2] = cell_tanh(gate[2]);
        gate[0] = cell_gate(gate[0]);
        gate[1] = cell_gate(gate[1]);
        gate[3] = cell_gate(gate[3]);
    }
    c = v_fma(gate[1], c, v_mul(gate[0], gate[2]));
    *h = tanh_times(c, gate[3]);
    return c;
}

/* x: half of what the input gives r and z, and all that it gives n. A half is
   exact, and so the sum of halves is rounded as the half of a sum. */
V_FN vf gru_cell_halved(const vf x[3], const vf s[4], vf h, const int quads)
{
    const vf half = K(0.5f);
    vf gate[3];
#ifdef V_HAS_JOINED
    if (quads <= 2) { /* one function for both gates */
        v_turn_joined(s, &gate[0], &gate[2], quads);
        vf rz = cell_gate_twice(v_fma(gate[0], half, v_join(x[0], x[1])));
        return gru_blend(v_upper(rz), v_fma(rz, gate[2], x[2]), h);
    }
#endif
    v_turn_3(s, gate, quads);
    vf r = cell_gate_twice(v_fma(gate[0], half, x[0]));
    vf z = cell_gate_twice(v_fma(gate[1], half, x[1]));
    return gru_blend(z, v_fma(r, gate[2], x[2]), h);
}

V_FN vf gru_cell(const vf x[3], const vf s[4], vf h, const int quads)
{
    const vf half = K(0.5f);
    const vf halved[3] = {v_mul(x[0], half), v_mul(x[1], half), x[2]};
    return gru_cell_halved(halved, s, h, quads);
}
#endif

/* s: the sums of the group's rows. */
V_FN void lstm_units(const mli_recurrent *a, const vf s[4], float *y,
                     uint32_t u, const int quads)
{
    const unsigned n = group_units(a, u, quads);
    vf next;
    vf c = lstm_cell(s, units_load(a->c + u, quads, n), quads, &next);
    units_store(a->c + u, c, quads, n);
    units_store(y + u, next, quads, n);
}

V_FN void lstm_group(const mli_recurrent *a, const float *x, const float *h,
                     float *y, uint32_t u, const int quads)
{
    vf s[4];
    group_sums(a, u, x, h, 4, quads, s);
    lstm_units(a, s, y, u, quads);
}

V_FN void gru_units(const mli_recurrent *a, const vf s[4], const float *x,
                    const float *h, float *y, uint32_t u, const int quads)
{
    const unsigned units = group_units(a, u, quads);
    vf in[3];
    group_inputs(a, x, u, quads, in);
    units_store(y + u, gru_cell(in, s, units_load(h + u, quads, units), quads),
                quads, units);
}

V_FN void gru_group(const mli_recurrent *a, const float *x, const float *h,
                    float *y, uint32_t u, const int quads)
{
    vf s[4];
    group_sums(a, u, NULL, h, 3, quads, s);
    gru_units(a, s, x, h, y, u, quads);
}

#if defined(V_WHOLE) || defined(V_PANELS)
/* Units of the largest layer that is done so. */
#ifdef V_WHOLE
#define TURNED_MOST WHOLE_MOST
#else
#define TURNED_MOST PANELS_MOST
#endif

/* A GRU's weights of one input and their bias, as gru_cell_halved takes what
   they make. */
typedef struct turned_input {
    float w[3][TURNED_MOST + V_LANES];
    float b[3][TURNED_MOST + V_LANES];
} turned_input;

V_FN void input_turn(const mli_recurrent *a, turned_input *t)
{
    for (uint32_t u = 0; u < a->units; u += 4 * GROUP_QUADS) {
        const uint32_t left = (a->units - u + 3) / 4;
        const int quads = left < GROUP_QUADS ? (int)left : GROUP_QUADS;
        for (int k = 0; k < 3; k++) {
            const vf scale = K(k < 2 ? 0.5f : 1.0f);
            vf w = group_gate(a->in_w, u, 3, k, quads), b = K(0.0f);
            if (a->in_b)
                b = group_gate(a->in_b, u, 3, k, quads);
            v_store(t->w[k] + u, v_mul(w, scale));
            v_store(t->b[k] + u, v_mul(b, scale));
        }
    }
}

/* The units of a group; t: NULL if x has all the gates. */
V_FN void gru_units_turned(const mli_recurrent *a, const turned_input *t,
                           const vf *s, uint32_t u, const int quads)
{
    if (!t) {
        gru_units(a, s, a->x, a->h, a->y, u, quads);
        return;
    }
    const unsigned units = group_units(a, u, quads);
    vf in[3];
    UNROLL
    for (int k = 0; k < 3; k++)
        in[k] = v_fma(K(*a->x), v_load(t->w[k] + u), v_load(t->b[k] + u));
    const vf h = units_load(a->h + u, quads, units);
    units_store(a->y + u, gru_cell_halved(in, s, h, quads), quads, units);
}
#endif

#ifdef V_WHOLE
/* The most vectors of rows. */
#define WHOLE_VECTORS 12

/* The sums of all rows; a->units is known. bias: of rows_bias, if they have one
   part. */
V_FN void whole_sums(const mli_recurrent *a, const float *x, const float *h,
                     const vf *bias, const int gates, const int vectors,
                     const int part, vf out[WHOLE_VECTORS])
{
    const int chains = WHOLE_CHAINS(a->units, gates);
    const size_t panel = (size_t)a->units * MLI_PANEL;
    const float *w = a->w, *last = a->w + (size_t)(vectors - 1) * panel;
    vf sum[2][WHOLE_VECTORS];
    x = gates == 4 ? x : NULL;
    if (chains == 1)
        rows_begin(a, x, 0, vectors, part, bias, sum[0]);
    else
        rows_parts(a, x, 0, vectors, part, sum[0], sum[1]);
    UNROLL
    for (uint32_t i = 0; i < a->units; i += 4) {
        UNROLL
        for (uint32_t l = 0; l < 4; l++, w += MLI_PANEL, last += part) {
            /* lanes that are no rows take what comes next, to no end */
            const int all = (a->units - i - l) * (uint32_t)part >= V_LANES;
            vf to = v_set1(h[i + l]);
            UNROLL
            for (int v = 0; v < vectors - 1; v++)
                sum[l % (uint32_t)chains][v] =
                    v_fma(v_load(w + (size_t)v * panel), to,
                          sum[l % (uint32_t)chains][v]);
            sum[l % (uint32_t)chains][vectors - 1] =
                v_fma(all ? v_load(last) : rows_load(last, part), to,
                      sum[l % (uint32_t)chains][vectors - 1]);
        }
    }
    UNROLL
    for (int v = 0; v < vectors; v++)
        out[v] = chains == 1 ? sum[0][v] : v_add(sum[0][v], sum[1][v]);
}

/* All units of every frame of a layer with a form of its own; with their number
   known, places are. */
V_FN void run_whole(const mli_recurrent *all, const uint32_t units,
                    const int gates)
{
    const int rows = (int)units * gates;
    const int vectors = (rows + (int)V_LANES - 1) / (int)V_LANES;
    const int part = rows - (vectors - 1) * (int)V_LANES;
    mli_recurrent a = *all;
    a.units = units;
    const size_t step = a.in_w ? 1 : (size_t)rows;
    turned_input room, *turned = NULL;
    if (gates == 3 && a.in_w && a.frames > 1) {
        turned = &room;
        input_turn(&a, turned);
    }
    vf bias[WHOLE_VECTORS];
    if (WHOLE_CHAINS(units, gates) == 1)
        rows_bias(&a, gates == 4, 0, vectors, part, bias);
    for (uint32_t f = 0; f < a.frames; f++) {
        vf s[WHOLE_VECTORS];
        whole_sums(&a, a.x, a.h, bias, gates, vectors, part, s);
        UNROLL
        for (uint32_t u = 0; u < units; u += V_LANES) {
            const uint32_t left = (units - u) / 4;
            const int quads = left < GROUP_QUADS ? (int)left : GROUP_QUADS;
            const vf *rows_of_group = s + u * (uint32_t)gates / V_LANES;
            if (gates == 4)
                lstm_units(&a, rows_of_group, a.y, u, quads);
            else
                gru_units_turned(&a, turned, rows_of_group, u, quads);
        }
        a.h = a.y;
        a.x += step;
        a.y += units;
    }
}

#define WHOLE_FORM(name, units, gates)                                         \
    static void name##_##units(const mli_recurrent *a)                         \
    {                                                                          \
        run_whole(a, units, gates);                                            \
    }
#define WHOLE_FORMS(name, gates)                                               \
    WHOLE_FORM(name, 20, gates)                                                \
    WHOLE_FORM(name, 24, gates)                                                \
    WHOLE_FORM(name, 28, gates)                                                \
    WHOLE_FORM(name, 32, gates)                                                \
    WHOLE_FORM(name, 36, gates)                                                \
    WHOLE_FORM(name, 40, gates)                                                \
    WHOLE_FORM(name, 44, gates)                                                \
    WHOLE_FORM(name, 48, gates)                                                \
    static void (*const name##_forms[])(const mli_recurrent *) = {             \
        name##_20, name##_24, name##_28, name##_32,                            \
        name##_36, name##_40, name##_44, name##_48};
WHOLE_FORMS(lstm, 4)
WHOLE_FORMS(gru, 3)
_Static_assert(WHOLE_LEAST == 20 && WHOLE_MOST == 48, "forms are missing");

/* Is it such a layer, and all of its units? */
V_FN int is_whole(const mli_recurrent *a, uint32_t first, uint32_t last,
                  const int gates)
{
    return last - first == a->units && has_whole_form(a, gates);
}
#endif

V_FN void rnn_group(const mli_recurrent *a, const float *x, const float *h,
                    float *y, uint32_t u, const int quads, const mli_unary f)
{
    vf s[4];
    group_sums(a, u, x, h, 1, quads, s);
    units_store(y + u, unary_one(f, s[0], K(0.0f), K(0.0f)), quads,
                group_units(a, u, quads));
}

/*
 * Run `group` for all groups of [first, last) of every frame: whole groups,
 * then the quads that are left. Every other frame takes whole groups backward:
 * of weights that are too many for a cache, those used last are still there.
 */
#define RUN_GROUPS(gates, group, ...)                                          \
    const size_t rows = (size_t)(a->units + 3) / 4 * 4 * (gates);              \
    const size_t step = a->in_w ? 1 : rows;                                    \
    const uint32_t whole = (last - first) / V_LANES * V_LANES;                 \
    const float *x = a->x, *h = a->h;                                          \
    float *y = a->y;                                                           \
    for (uint32_t f = 0; f < a->frames; f++) {                                 \
        uint32_t u = first + whole, at = f % 2 ? u - V_LANES : first;          \
        for (uint32_t n = whole; n != 0; n -= V_LANES) {                       \
            group(a, x, h, y, at, GROUP_QUADS __VA_ARGS__);                    \
            at += f % 2 ? 0u - V_LANES : V_LANES;                              \
        }                                                                      \
        uint32_t quads = (last - u + 3) / 4;                                   \
        if (V_LANES > 4 && quads == 1)                                         \
            group(a, x, h, y, u, 1 __VA_ARGS__);                               \
        else if (V_LANES > 8 && quads == 2)                                    \
            group(a, x, h, y, u, 2 __VA_ARGS__);                               \
        else if (V_LANES > 8 && quads == 3)                                    \
            group(a, x, h, y, u, 3 __VA_ARGS__);                               \
        else if (V_LANES > 1 && quads != 0)                                    \
            group(a, x, h, y, u, GROUP_QUADS __VA_ARGS__);                     \
        h = y;                                                                 \
        x += step;                                                             \
        y += a->units;                                                         \
    }

#ifdef V_PANELS
#include "text_recurrent_panels.h"
#endif

#ifdef V_HAS_QUAD
#include "text_recurrent_quads.h"

static void lstm(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    run_lstm_pairs(a, first, last);
}

static void gru(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    run_gru_pairs(a, first, last);
}
#else
static void lstm(const mli_recurrent *a, uint32_t first, uint32_t last)
{
#ifdef V_WHOLE
    if (is_whole(a, first, last, 4)) {
        lstm_forms[(a->units - WHOLE_LEAST) / 4](a);
        return;
    }
#elif defined(V_PANELS)
    if (last - first == a->units && is_in_panels(a, 4)) {
        run_panels(a, 4);
        return;
    }
#endif
    RUN_GROUPS(4, lstm_group)
}

static void gru(const mli_recurrent *a, uint32_t first, uint32_t last)
{
#ifdef V_WHOLE
    if (is_whole(a, first, last, 3)) {
        gru_forms[(a->units - WHOLE_LEAST) / 4](a);
        return;
    }
#elif defined(V_PANELS)
    if (last - first == a->units && is_in_panels(a, 3)) {
        run_panels(a, 3);
        return;
    }
#endif
    RUN_GROUPS(3, gru_group)
}
#endif

static void rnn(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    if (a->f == MLI_TANH) {
        RUN_GROUPS(1, rnn_group, , MLI_TANH)
    } else if (a->f == MLI_RELU) {
        RUN_GROUPS(1, rnn_group, , MLI_RELU)
    } else {
        RUN_GROUPS(1, rnn_group, , MLI_IDENTITY)
    }
}
