/*
 * text_recurrent_cells.h - the cells of a group of units, from the sums of its
 * rows: these are turned from quads into one vector a gate.
 */

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

V_FN void gru_units(const mli_recurrent *a, const vf s[4], const float *x,
                    const float *h, float *y, uint32_t u, const int quads)
{
    const unsigned units = group_units(a, u, quads);
    vf in[3];
    group_inputs(a, x, u, quads, in);
    units_store(y + u, gru_cell(in, s, units_load(h + u, quads, units), quads),
                quads, units);
}

#ifdef FORM_MOST
/* A GRU's weights of one input and their bias, as gru_cell_halved takes what
   they make. */
typedef struct turned_input {
    float w[3][FORM_MOST + V_LANES];
    float b[3][FORM_MOST + V_LANES];
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

/* They are made where there is one number and more than one frame; else NULL:
   x has all the gates, or is turned as it comes. */
V_FN const turned_input *turned_of(const mli_recurrent *a, turned_input *room)
{
    if (!a->in_w || a->frames < 2)
        return NULL;
    input_turn(a, room);
    return room;
}

/* The units of a group; t: of turned_of. */
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
