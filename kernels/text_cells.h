/*
 * text_cells.h - one frame of recurrent layers whose products were made before,
 * over the vector layer.
 */

/* Lanes lo <= l < hi of a vector of units, the first of which is u. */
typedef struct cell_span {
    uint32_t u;
    unsigned lo, hi, quads;
} cell_span;

/*
 * The span of units that begins with the quad of `at`. Quads are whole in the
 * gate rows, so a range that begins inside one starts at its front and leaves
 * the lanes before the range alone.
 */
V_FN cell_span cell_span_at(uint32_t at, uint32_t first, uint32_t last)
{
    cell_span s;
    s.u = at;
    s.lo = at < first ? first - at : 0;
    s.hi = last - at < V_LANES ? last - at : V_LANES;
    s.quads = (s.hi + 3) / 4;
    return s;
}

/* With one lane there are no quads to keep together. */
#define CELL_START(first) (V_LANES < 4 ? (first) : (first) / 4 * 4)

/* Row `gate` of p for the units of the span. */
V_FN vf gate_row(const float *p, cell_span s, uint32_t gates, uint32_t gate)
{
    size_t at = ((size_t)(s.u / 4) * gates + gate) * 4 + s.u % 4;
    return v_load_quads(p + at, (size_t)gates * 4, s.quads);
}

V_FN vf span_load(const float *p, cell_span s)
{
    if (s.lo == 0 && s.hi == V_LANES)
        return v_load(p + s.u);
    return v_load_part(p + s.u, s.lo, s.hi);
}

V_FN void span_store(float *p, cell_span s, vf x)
{
    if (s.lo == 0 && s.hi == V_LANES)
        v_store(p + s.u, x);
    else
        v_store_part(p + s.u, x, s.lo, s.hi);
}

V_FN vf gate_sum(const mli_cell *a, cell_span s, uint32_t gates, uint32_t gate)
{
    return v_add(gate_row(a->x, s, gates, gate),
                 gate_row(a->r, s, gates, gate));
}

static void gru_reset(const mli_cell *a, uint32_t first, uint32_t last)
{
    for (uint32_t u = CELL_START(first); u < last; u += V_LANES) {
        cell_span s = cell_span_at(u, first, last);
        vf r = cell_gate(gate_sum(a, s, 3, 0));
        span_store(a->y, s, v_mul(r, span_load(a->h, s)));
    }
}

static void gru_update(const mli_cell *a, uint32_t first, uint32_t last)
{
    for (uint32_t u = CELL_START(first); u < last; u += V_LANES) {
        cell_span s = cell_span_at(u, first, last);
        vf z = cell_gate(gate_sum(a, s, 3, 1));
        vf n = gate_sum(a, s, 3, 2);
        span_store(a->y, s, gru_blend(z, n, span_load(a->h, s)));
    }
}

/* Units [first, last), some lanes at a time. */
V_FN void gru_after_spans(const mli_cell *a, uint32_t first, uint32_t last)
{
    for (uint32_t u = CELL_START(first); u < last; u += V_LANES) {
        cell_span s = cell_span_at(u, first, last);
        vf r = cell_gate(gate_sum(a, s, 3, 0));
        vf z = cell_gate(gate_sum(a, s, 3, 1));
        vf n = v_fma(r, gate_row(a->r, s, 3, 2), gate_row(a->x, s, 3, 2));
        span_store(a->y, s, gru_blend(z, n, span_load(a->h, s)));
    }
}

V_FN void lstm_update_spans(const mli_cell *a, uint32_t first, uint32_t last)
{
    for (uint32_t u = CELL_START(first); u < last; u += V_LANES) {
        cell_span s = cell_span_at(u, first, last);
        vf in = v_mul(cell_gate(gate_sum(a, s, 4, 0)),
                      cell_tanh(gate_sum(a, s, 4, 2)));
        vf c = v_fma(cell_gate(gate_sum(a, s, 4, 1)), span_load(a->c, s), in);
        span_store(a->c, s, c);
        span_store(a->y, s, tanh_times(c, cell_gate(gate_sum(a, s, 4, 3))));
    }
}

#ifdef V_HAS_RATIO_RUN
/*
 * Whole quads of units, some at a time: a pass for what tanh takes of each
 * gate, one for all tanh, whose order is by hand, and one for what they give.
 * The operations on each number are those of the spans.
 */
#define CELL_QUADS 8u

V_FN vf gate_half(const float *x, const float *r)
{
    return v_mul(v_add(v_load(x), v_load(r)), K(0.5f));
}

/* cell_gate, of which tanh is there */
V_FN vf gate_of(const float *t)
{
    return v_fma(v_load(t), K(0.5f), K(0.5f));
}

V_FN void tanh_quads(float *x, uint32_t n)
{
    if (n % 2 != 0)
        v_store(x + 4 * n, K(0.0f));
    math_tanh_pairs(x, x, (n + 1) / 2);
}

V_FN void gru_after_quads(const mli_cell *a, uint32_t u, uint32_t n)
{
    const float *x = a->x + 3 * u, *r = a->r + 3 * u, *h = a->h + u;
    float gate[8 * CELL_QUADS], next[4 * CELL_QUADS + 4], *y = a->y + u;
    for (uint32_t q = 0; q < n; q++) {
        v_store(gate + 8 * q, gate_half(x + 12 * q, r + 12 * q));
        v_store(gate + 8 * q + 4, gate_half(x + 12 * q + 4, r + 12 * q + 4));
    }
    tanh_quads(gate, 2 * n);
    for (uint32_t q = 0; q < n; q++)
        v_store(next + 4 * q,
                v_fma(gate_of(gate + 8 * q), v_load(r + 12 * q + 8),
                      v_load(x + 12 * q + 8)));
    tanh_quads(next, n);
    for (uint32_t q = 0; q < n; q++) {
        vf z = gate_of(gate + 8 * q + 4);
        v_store(y + 4 * q, v_fma(v_sub(K(1.0f), z), v_load(next + 4 * q),
                                 v_mul(z, v_load(h + 4 * q))));
    }
}

V_FN void lstm_update_quads(const mli_cell *a, uint32_t u, uint32_t n)
{
    const float *x = a->x + 4 * u, *r = a->r + 4 * u;
    float gate[16 * CELL_QUADS], next[4 * CELL_QUADS + 4];
    float *y = a->y + u, *c = a->c + u;
    for (uint32_t q = 0; q < 16 * n; q += 16) {
        v_store(gate + q, gate_half(x + q, r + q));
        v_store(gate + q + 4, gate_half(x + q + 4, r + q + 4));
        v_store(gate + q + 8, v_add(v_load(x + q + 8), v_load(r + q + 8)));
        v_store(gate + q + 12, gate_half(x + q + 12, r + q + 12));
    }
    tanh_quads(gate, 4 * n);
    for (uint32_t q = 0; q < 4 * n; q += 4) {
        const float *t = gate + 4 * q;
        vf in = v_mul(gate_of(t), v_load(t + 8));
        vf sum = v_fma(gate_of(t + 4), v_load(c + q), in);
        v_store(c + q, sum);
        v_store(next + q, sum);
    }
    tanh_quads(next, n);
    for (uint32_t q = 0; q < 4 * n; q += 4)
        v_store(y + q, v_mul(gate_of(gate + 4 * q + 12), v_load(next + q)));
}

#define CELLS(name)                                                            \
    static void name(const mli_cell *a, uint32_t first, uint32_t last)         \
    {                                                                          \
        const uint32_t whole = last / 4 * 4;                                   \
        if (first % 4 == 0)                                                    \
            for (uint32_t n; first < whole; first += 4 * n) {                  \
                n = (whole - first) / 4;                                       \
                n = n < CELL_QUADS ? n : CELL_QUADS;                           \
                name##_quads(a, first, n);                                     \
            }                                                                  \
        if (first < last)                                                      \
            name##_spans(a, first, last);                                      \
    }
#else
#define CELLS(name)                                                            \
    static void name(const mli_cell *a, uint32_t first, uint32_t last)         \
    {                                                                          \
        name##_spans(a, first, last);                                          \
    }
#endif
CELLS(gru_after)
CELLS(lstm_update)
