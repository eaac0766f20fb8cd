/*
 * tflite_lstm_gates.c - LSTM layers in real numbers with what the plain layer
 * has not: peepholes, a projection, normalised gates, a coupled input gate,
 * clipping. One step after the other.
 *
 *   i = s(Wi x + Ui h + pi c + bi), f likewise, g = a(Wg x + Ug h + bg)
 *   c = f c + i g, clipped;  o = s(Wo x + Uo h + po c + bo)
 *   h = clip(P (o a(c)) + bp)
 *
 * A normalised gate is (z - mean) / sqrt(variance + 1e-8) * l + b with z
 * without its bias. A coupled input gate is i = 1 - f.
 */
#include "ir_build.h"
#include "tflite_recurrent.h"

enum { GATE_I, GATE_F, GATE_G, GATE_O };

typedef struct gates {
    const tfl_lstm *l;
    uint32_t first, count; /* gates that have weights: 1 to 3 when coupled */
    ir_bytes w, u;         /* of these, one below the other */
    const float *b[4], *peep[4], *norm[4];
    const float *project, *project_bias;
    uint32_t outputs;
} gates;

/* Operand i, `n` real numbers; NULL where it is missing. */
static const float *numbers(tfl_run *r, tfl_call *c, int i, uint64_t n,
                            int *good)
{
    tfl_value *v = i < 0 ? NULL : tfl_operand(c, i);

    if (!v)
        return NULL;
    if (!tfl_constant(r, v)) {
        if (*good)
            tfl_unsupported(r, c, "computed weights");
        *good = 0;
        return NULL;
    }
    if (tfl_elements(v) != n)
        tfl_bad(r, c, "operand %d of %llu numbers (expected %llu)", i,
                (unsigned long long)tfl_elements(v), (unsigned long long)n);
    tfl_spend(r, n);
    return tfl_real_floats(r, v);
}

static int read_gates(tfl_run *r, tfl_call *c, gates *k)
{
    const tfl_lstm *l = k->l;
    int good = 1;

    k->first = tfl_operand(c, l->w[GATE_I]) ? 0 : 1;
    k->count = 4 - k->first;
    k->outputs = l->units;
    k->project = NULL;
    if (tfl_operand(c, l->projection)) {
        const tfl_value *p = tfl_operand(c, l->projection);
        k->outputs = p->rank == 2 ? p->dims[0] : 0;
        if (!k->outputs || k->outputs > (1u << 20))
            tfl_bad(r, c, "a projection to %u", k->outputs);
        k->project = numbers(r, c, l->projection,
                             (uint64_t)k->outputs * l->units, &good);
        k->project_bias = numbers(r, c, l->projection + 1, k->outputs, &good);
    }
    for (uint32_t i = k->first; i < 4; i++) {
        k->b[i] = numbers(r, c, l->b[i], l->units, &good);
        k->norm[i] = numbers(r, c, l->norm[i], l->units, &good);
        k->peep[i] = numbers(r, c, l->peep[i], l->units, &good);
    }
    if (!good)
        return 0;
    return tfl_gates(r, c, l->w + k->first, k->count, l->units, l->s.inputs, 1,
                     &k->w) &&
           tfl_gates(r, c, l->u + k->first, k->count, l->units, k->outputs, 1,
                     &k->u);
}

static ir_id times(tfl_run *r, const gates *k, ir_id x, const float *by)
{
    return ir_binary(r->g, MLI_MUL, x, ir_const1(r->g, k->l->units, by));
}

static ir_id clipped(tfl_run *r, ir_id x, float at)
{
    return at > 0.f ? ir_unary(r->g, MLI_HARD_TANH, -at, at, x) : x;
}

/* Gate i from its part of the sums. */
static ir_id gate(tfl_run *r, const gates *k, uint32_t i, ir_id sums,
                  ir_id cell)
{
    uint32_t n = k->l->units;
    ir_id z = ir_slice(r->g, sums, 0, (i - k->first) * n, 1, n);

    if (k->peep[i])
        z = ir_binary(r->g, MLI_ADD, z, times(r, k, cell, k->peep[i]));
    if (k->norm[i])
        z = ir_normalize(r->g, z, 1, k->norm[i], k->b[i], 1e-8f, 0);
    else if (k->b[i])
        z = ir_binary(r->g, MLI_ADD, z, ir_const1(r->g, n, k->b[i]));
    return i == GATE_G ? tfl_activate(r, z, k->l->activation)
                       : ir_unary(r->g, MLI_SIGMOID, 0.f, 0.f, z);
}

static void step(tfl_run *r, const gates *k, ir_id sums, ir_id *h, ir_id *cell)
{
    ir_graph *g = r->g;
    ir_id f = gate(r, k, GATE_F, sums, *cell);
    ir_id i = k->first ? ir_binary(g, MLI_SUB, ir_scalar(g, 1.f), f)
                       : gate(r, k, GATE_I, sums, *cell);
    ir_id o, now = ir_binary(g, MLI_MUL, i, gate(r, k, GATE_G, sums, *cell));

    now = ir_binary(g, MLI_ADD, ir_binary(g, MLI_MUL, f, *cell), now);
    *cell = clipped(r, now, k->l->clip);
    o = gate(r, k, GATE_O, sums, *cell);
    *h = ir_binary(g, MLI_MUL, o, tfl_activate(r, *cell, k->l->activation));
    if (k->project) {
        *h = tfl_dense(r, *h, k->l->units, k->outputs, k->project,
                       k->project_bias, k->project);
        *h = clipped(r, *h, k->l->project_clip);
    }
}

ir_id tfl_gated_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x,
                     uint32_t *outputs)
{
    gates k = {.l = l};
    uint32_t rows, one[2] = {1, 0};
    ir_id h, cell, *y;

    if (l->s.frames > TFL_MAX_UNROLLED || !tfl_state_tensor(c, l->hidden) ||
        !tfl_state_tensor(c, l->cell)) {
        tfl_unsupported(r, c,
                        "%u steps of this kind (expected at most %u, and "
                        "states)",
                        l->s.frames, TFL_MAX_UNROLLED);
        return IR_NONE;
    }
    if (!read_gates(r, c, &k))
        return IR_NONE;
    rows = k.count * l->units;
    one[1] = *outputs = k.outputs;
    h = tfl_read_state(r, c, l->hidden, k.outputs);
    cell = tfl_read_state(r, c, l->cell, l->units);
    y = onnx_take(r->pool, l->s.frames, sizeof *y);
    x = tfl_dense_bytes(r, x, l->s.inputs, rows, &k.w, NULL, NULL);
    for (uint32_t t = 0; t < l->s.frames; t++) {
        ir_id sums = ir_reshape(r->g, ir_slice(r->g, x, 0, t, 1, 1), 1, &rows);
        sums =
            ir_binary(r->g, MLI_ADD, sums,
                      tfl_dense_bytes(r, h, k.outputs, rows, &k.u, NULL,
                                      k.u.at ? (const void *)k.u.at : k.u.w));
        step(r, &k, sums, &h, &cell);
        y[t] = ir_reshape(r->g, h, 2, one);
    }
    tfl_write_state(r, c, l->hidden, h);
    tfl_write_state(r, c, l->cell, cell);
    return ir_concat(r->g, y, l->s.frames, 0);
}
