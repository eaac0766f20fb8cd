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

static void gru_after(const mli_cell *a, uint32_t first, uint32_t last)
{
    for (uint32_t u = CELL_START(first); u < last; u += V_LANES) {
        cell_span s = cell_span_at(u, first, last);
        vf r = cell_gate(gate_sum(a, s, 3, 0));
        vf z = cell_gate(gate_sum(a, s, 3, 1));
        vf n = v_fma(r, gate_row(a->r, s, 3, 2), gate_row(a->x, s, 3, 2));
        span_store(a->y, s, gru_blend(z, n, span_load(a->h, s)));
    }
}

static void lstm_update(const mli_cell *a, uint32_t first, uint32_t last)
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
