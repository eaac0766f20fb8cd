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
    uint32_t inputs, units, units4, gates;
    const float *w_ih, *w_hh, *b_ih, *b_hh, *h0;
} layer;

static uint32_t quad_row(uint32_t gates, uint32_t gate, uint32_t unit)
{
    return (unit / 4u * gates + gate) * 4u + unit % 4u;
}

/*
 * Rows of gates [first, first + gates) of a [..*units][width] matrix, in quads;
 * m NULL: zeros. NULL without memory.
 */
static float *quads(ir_graph *g, const layer *l, uint32_t first, uint32_t gates,
                    uint32_t width, const float *m)
{
    float *q = ir_floats(g, (uint64_t)gates * l->units4 * width);

    if (!q || !m)
        return q;
    for (uint32_t k = 0; k < gates; k++)
        for (uint32_t u = 0; u < l->units; u++)
            memcpy(q + (size_t)quad_row(gates, k, u) * width,
                   m + ((size_t)(first + k) * l->units + u) * width,
                   width * sizeof *q);
    return q;
}

/* The recurrent matrix of some gates, packed. */
static ir_id recurrent(ir_graph *g, const layer *l, uint32_t first,
                       uint32_t gates)
{
    float *q = quads(g, l, first, gates, l->units, l->w_hh);
    ir_id id = IR_NONE;

    if (q)
        id = ir_pack(g, gates * l->units4, l->units, q);
    free(q);
    return id;
}

static ir_id recurrent_bias(ir_graph *g, const layer *l, uint32_t first,
                            uint32_t gates)
{
    float *q = quads(g, l, first, gates, 1, l->b_hh);

    return ir_take(g, IR_PLAIN, (uint64_t)gates * l->units4, q);
}

/* W x + b for every gate: the recurrence's first operand. */
static ir_id project(ir_graph *g, const layer *l, ir_id x)
{
    float *w = quads(g, l, 0, l->gates, l->inputs, l->w_ih);
    float *b = l->b_ih ? quads(g, l, 0, l->gates, 1, l->b_ih) : NULL;
    ir_id y = IR_NONE;

    if (w && (b || !l->b_ih))
        y = ir_linear(g, x, l->inputs, l->gates * l->units4, w, b);
    free(w);
    free(b);
    return y;
}

/* x as the layer wants it: [inputs] in a stream, else [L, inputs]. */
static ir_id layer_input(ir_graph *g, const layer *l, ir_id x)
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
    if (!l->inputs || !l->units || l->units > 1u << 24 ||
        v->rank != (v->timed ? 1u : 2u) || v->dims[v->rank - 1] != l->inputs) {
        ir_shape s = ir_shape_of(g, x);
        char text[120];
        ir_fail(g, "recurrent layer of %u inputs and %u units on %s", l->inputs,
                l->units, ir_shape_text(&s, text));
        return IR_NONE;
    }
    return x;
}

static ir_id recur(ir_graph *g, const layer *l, mli_op_type type,
                   uint32_t operands, const ir_id *in)
{
    ir_shape s;
    ir_id y;

    for (uint32_t i = 0; i < operands; i++)
        if (!ir_good(g, in[i]))
            return IR_NONE;
    s = ir_shape_of(g, in[0]);
    s.dims[s.rank - 1] = l->units;
    y = ir_emit(g, type, operands, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = l->units;
    ir_emit_state(g, 1, l->units, l->h0);
    return g->error[0] ? IR_NONE : y;
}

static layer layer_of(uint32_t gates, uint32_t inputs, uint32_t units,
                      const float *w_ih, const float *w_hh, const float *b_ih,
                      const float *b_hh, const float *h0)
{
    layer l = {inputs, units, (units + 3u) / 4u * 4u, gates, w_ih, w_hh, b_ih,
               b_hh,   h0};

    return l;
}

ir_id ir_lstm(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
              const float *w_ih, const float *w_hh, const float *b_ih,
              const float *b_hh, const float *h0, const float *c0)
{
    layer l = layer_of(4, inputs, units, w_ih, w_hh, b_ih, b_hh, h0);
    float *c = NULL;
    ir_id in[3], y;

    x = layer_input(g, &l, x);
    if (x == IR_NONE)
        return IR_NONE;
    in[0] = project(g, &l, x);
    in[1] = recurrent(g, &l, 0, 4);
    in[2] = recurrent_bias(g, &l, 0, 4);
    y = recur(g, &l, MLI_OP_LSTM, 3, in);
    if (y == IR_NONE)
        return IR_NONE;
    if (c0) {
        c = ir_floats(g, l.units4);
        if (!c)
            return IR_NONE;
        memcpy(c, c0, units * sizeof *c);
    }
    ir_emit_state(g, 1, l.units4, c);
    free(c);
    return g->error[0] ? IR_NONE : y;
}

ir_id ir_gru(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, int reset_before_product)
{
    layer l = layer_of(3, inputs, units, w_ih, w_hh, b_ih, b_hh, h0);
    uint32_t together = reset_before_product ? 2 : 3;
    ir_id in[5], y;

    x = layer_input(g, &l, x);
    if (x == IR_NONE)
        return IR_NONE;
    in[0] = project(g, &l, x);
    in[1] = recurrent(g, &l, 0, together);
    in[2] = recurrent_bias(g, &l, 0, together);
    if (reset_before_product) {
        in[3] = recurrent(g, &l, 2, 1);
        in[4] = recurrent_bias(g, &l, 2, 1);
    }
    y = recur(g, &l, MLI_OP_GRU, reset_before_product ? 5 : 3, in);
    if (y != IR_NONE)
        ir_made(g)->p[1] = !reset_before_product;
    return y;
}

ir_id ir_rnn(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, mli_unary fn)
{
    layer l = layer_of(1, inputs, units, w_ih, w_hh, b_ih, b_hh, h0);
    ir_id in[3], y;

    if (fn != MLI_TANH && fn != MLI_RELU && fn != MLI_IDENTITY) {
        ir_fail(g, "RNN with function %d (expected tanh or ReLU)", (int)fn);
        return IR_NONE;
    }
    x = layer_input(g, &l, x);
    if (x == IR_NONE)
        return IR_NONE;
    in[0] = project(g, &l, x);
    in[1] = recurrent(g, &l, 0, 1);
    in[2] = recurrent_bias(g, &l, 0, 1);
    y = recur(g, &l, MLI_OP_RNN, 3, in);
    if (y != IR_NONE)
        ir_made(g)->fn = fn;
    return y;
}
