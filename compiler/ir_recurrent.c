/*
 * ir_recurrent.c - LSTM, GRU and simple RNN: an input projection for all frames
 * at once, then the recurrence. Gates are kept in quads: with `gates` gates,
 * the row of gate k of unit u is (u/4*gates + k)*4 + u%4, so that four units'
 * gates lie side by side; rows of units that only fill up a quad are zero.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

typedef struct layer {
    const ir_cell *c;
    uint32_t units4, gates;
} layer;

/*
 * Which row of the cell's [..*units][width] matrices stands at each place of
 * quads of the gates [first, first + gates); NULL without memory.
 */
static uint32_t *quads(ir_graph *g, const layer *l, uint32_t first,
                       uint32_t gates)
{
    uint64_t n = (uint64_t)gates * l->units4;
    uint32_t *rows = ir_room(g, n, sizeof *rows);

    if (!rows)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t unit = i / 4u / gates * 4u + i % 4u;
        uint32_t gate = first + i / 4u % gates;

        if (l->c->order)
            gate = l->c->order[gate];
        rows[i] = unit < l->c->units ? gate * l->c->units + unit : IR_NO_ROW;
    }
    return rows;
}

/* n numbers of b in the order of rows; NULL without memory. */
static float *in_quads(ir_graph *g, uint32_t n, const uint32_t *rows,
                       const float *b)
{
    float *q = ir_floats(g, n);

    for (uint32_t i = 0; q && b && i < n; i++)
        q[i] = rows[i] == IR_NO_ROW ? 0.f : b[rows[i]];
    return q;
}

/* The recurrent matrix of some gates, packed, and their bias. */
static void recurrent(ir_graph *g, const layer *l, uint32_t first,
                      uint32_t gates, ir_id in[2])
{
    uint32_t *rows = quads(g, l, first, gates), n = gates * l->units4;

    in[0] = in[1] = IR_NONE;
    if (rows) {
        in[0] =
            l->c->bytes_hh
                ? ir_pack_bytes_rows(g, n, l->c->units, l->c->bytes_hh, rows)
                : ir_pack_rows(g, n, l->c->units, l->c->w_hh, rows);
        in[1] = ir_take(g, IR_PLAIN, n, in_quads(g, n, rows, l->c->b_hh));
    }
    free(rows);
}

/* W x + b for every gate: the recurrence's first operand. */
static ir_id project(ir_graph *g, const layer *l, ir_id x)
{
    uint32_t *rows = quads(g, l, 0, l->gates), n = l->gates * l->units4;
    float *b = rows && l->c->b_ih ? in_quads(g, n, rows, l->c->b_ih) : NULL;
    ir_id y = IR_NONE;

    if (rows && (b || !l->c->b_ih) && l->c->bytes_ih)
        y = ir_linear_bytes_rows(g, x, l->c->inputs, n, l->c->bytes_ih, rows,
                                 b);
    else if (rows && (b || !l->c->b_ih))
        y = ir_linear_rows(g, x, l->c->inputs, n, l->c->w_ih, rows, b);
    free(rows);
    free(b);
    return y;
}

/* x as the layer wants it: [inputs] in a stream, else [L, inputs]. */
static ir_id layer_input(ir_graph *g, const ir_cell *c, ir_id x)
{
    const ir_value *v;

    if (ir_good(g, x) && g->values[x].timed)
        x = ir_flat(g, x);
    if (!ir_good(g, x))
        return IR_NONE;
    v = &g->values[x];
    if (g->mode == MLI_STREAM && !v->timed) {
        ir_fail(g, "recurrent layer on a value without a time axis");
        return IR_NONE;
    }
    /* 2^24 units: quads of 4 gates stay below 2^28 */
    if (!c->inputs || !c->units || c->units > 1u << 24 ||
        v->rank != (v->timed ? 1u : 2u) || v->dims[v->rank - 1] != c->inputs) {
        ir_shape s = ir_shape_of(g, x);
        char text[120];
        ir_fail(g, "recurrent layer of %u inputs and %u units on %s", c->inputs,
                c->units, ir_shape_text(&s, text));
        return IR_NONE;
    }
    return x;
}

static ir_id emit(ir_graph *g, const layer *l, mli_op_type type,
                  uint32_t operands, const ir_id *in)
{
    ir_shape s;
    ir_id y;

    for (uint32_t i = 0; i < operands; i++)
        if (!ir_good(g, in[i]))
            return IR_NONE;
    s = ir_shape_of(g, in[0]);
    s.dims[s.rank - 1] = l->c->units;
    y = ir_emit(g, type, operands, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = l->c->units;
    ir_emit_state(g, 1, l->c->units, l->c->h0);
    return g->error[0] ? IR_NONE : y;
}

static ir_id lstm(ir_graph *g, const layer *l, ir_id x)
{
    float *c = NULL;
    ir_id in[3], y;

    in[0] = project(g, l, x);
    recurrent(g, l, 0, 4, in + 1);
    y = emit(g, l, MLI_OP_LSTM, 3, in);
    if (y == IR_NONE)
        return IR_NONE;
    if (l->c->c0) {
        c = ir_floats(g, l->units4);
        if (!c)
            return IR_NONE;
        memcpy(c, l->c->c0, l->c->units * sizeof *c);
    }
    ir_emit_state(g, 1, l->units4, c);
    free(c);
    return g->error[0] ? IR_NONE : y;
}

static ir_id gru(ir_graph *g, const layer *l, ir_id x)
{
    int before = l->c->reset_before_product;
    ir_id in[5], y;

    in[0] = project(g, l, x);
    recurrent(g, l, 0, before ? 2 : 3, in + 1);
    if (before)
        recurrent(g, l, 2, 1, in + 3);
    y = emit(g, l, MLI_OP_GRU, before ? 5 : 3, in);
    if (y != IR_NONE)
        ir_made(g)->p[1] = !before;
    return y;
}

static ir_id rnn(ir_graph *g, const layer *l, ir_id x)
{
    ir_id in[3], y;

    in[0] = project(g, l, x);
    recurrent(g, l, 0, 1, in + 1);
    y = emit(g, l, MLI_OP_RNN, 3, in);
    if (y != IR_NONE)
        ir_made(g)->fn = l->c->fn;
    return y;
}

ir_id ir_recurrent(ir_graph *g, mli_op_type type, ir_id x, const ir_cell *cell)
{
    layer l = {cell, 0, 0};

    if (type == MLI_OP_RNN && cell->fn != MLI_TANH && cell->fn != MLI_RELU &&
        cell->fn != MLI_IDENTITY) {
        ir_fail(g, "RNN with function %d (expected tanh or ReLU)",
                (int)cell->fn);
        return IR_NONE;
    }
    x = layer_input(g, cell, x);
    if (x == IR_NONE)
        return IR_NONE;
    l.units4 = (cell->units + 3u) / 4u * 4u;
    l.gates = type == MLI_OP_LSTM ? 4 : type == MLI_OP_GRU ? 3 : 1;
    return type == MLI_OP_LSTM  ? lstm(g, &l, x)
           : type == MLI_OP_GRU ? gru(g, &l, x)
                                : rnn(g, &l, x);
}

ir_id ir_lstm(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
              const float *w_ih, const float *w_hh, const float *b_ih,
              const float *b_hh, const float *h0, const float *c0)
{
    ir_cell cell = {.inputs = inputs,
                    .units = units,
                    .w_ih = w_ih,
                    .w_hh = w_hh,
                    .b_ih = b_ih,
                    .b_hh = b_hh,
                    .h0 = h0,
                    .c0 = c0};

    return ir_recurrent(g, MLI_OP_LSTM, x, &cell);
}

ir_id ir_gru(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, int reset_before_product)
{
    ir_cell cell = {.inputs = inputs,
                    .units = units,
                    .w_ih = w_ih,
                    .w_hh = w_hh,
                    .b_ih = b_ih,
                    .b_hh = b_hh,
                    .h0 = h0,
                    .reset_before_product = reset_before_product};

    return ir_recurrent(g, MLI_OP_GRU, x, &cell);
}

ir_id ir_rnn(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, mli_unary fn)
{
    ir_cell cell = {.inputs = inputs,
                    .units = units,
                    .w_ih = w_ih,
                    .w_hh = w_hh,
                    .b_ih = b_ih,
                    .b_hh = b_hh,
                    .h0 = h0,
                    .fn = fn};

    return ir_recurrent(g, MLI_OP_RNN, x, &cell);
}
