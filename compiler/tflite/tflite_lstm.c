/*
 * tflite_lstm.c - LSTM layers in real numbers; those in whole numbers are in
 * tflite_lstm_whole.c.
 *
 * operands: 0 x; 1-4 input weights i f g o; 5-8 recurrent ones; 9-11 peepholes;
 * 12-15 biases; 16, 17 projection; 18 hidden state, 19 cell state; 20-23 layer
 * normalisation
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_recurrent.h"

/* Not the plain layer? */
static int unusual(tfl_run *r, tfl_call *c, const tfl_lstm *l, int first,
                   const int *peep, const int *norm, int projection)
{
    (void)first;
    for (int k = 0; k < 3; k++)
        if (tfl_operand(c, peep[k])) {
            tfl_unsupported(r, c, "peepholes");
            return 1;
        }
    for (int k = 0; norm && k < 4; k++)
        if (tfl_operand(c, norm[k])) {
            tfl_unsupported(r, c, "layer normalisation inside");
            return 1;
        }
    if (tfl_operand(c, projection)) {
        tfl_unsupported(r, c, "a projection");
        return 1;
    }
    if (!tfl_operand(c, l->w[0])) {
        tfl_unsupported(r, c, "a coupled input gate");
        return 1;
    }
    if (l->activation != TFL_ACT_TANH) {
        tfl_unsupported(r, c, "fused activation %d", l->activation);
        return 1;
    }
    return 0;
}

static ir_id reversed(tfl_run *r, ir_id x, uint32_t frames)
{
    return frames > 1 ? ir_slice(r->g, x, 0, frames - 1, -1, frames) : x;
}

/* A clipped cell: one step after the other. */
static ir_id clipped_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x,
                          const float *w, const float *u, const float *b)
{
    static const mli_unary fn[4] = {MLI_SIGMOID, MLI_SIGMOID, MLI_TANH,
                                    MLI_SIGMOID};
    uint32_t rows = 4 * l->units, one[2] = {1, l->units};
    ir_id *y = onnx_take(r->pool, l->s.frames, sizeof *y);
    ir_id h = tfl_read_state(r, c, l->hidden, l->units);
    ir_id cell = tfl_read_state(r, c, l->cell, l->units), part[4];
    ir_graph *g = r->g;

    x = tfl_dense(r, x, l->s.inputs, rows, w, b, NULL);
    for (uint32_t t = 0; t < l->s.frames; t++) {
        ir_id row = ir_slice(g, x, 0, t, 1, 1);
        row = ir_reshape(g, row, 1, &rows);
        row = ir_binary(g, MLI_ADD, row,
                        tfl_dense(r, h, l->units, rows, u, NULL, u));
        for (uint32_t k = 0; k < 4; k++)
            part[k] = ir_unary(g, fn[k], 0.f, 0.f,
                               ir_slice(g, row, 0, k * l->units, 1, l->units));
        cell = ir_binary(g, MLI_ADD, ir_binary(g, MLI_MUL, part[1], cell),
                         ir_binary(g, MLI_MUL, part[0], part[2]));
        cell = ir_unary(g, MLI_HARD_TANH, -l->clip, l->clip, cell);
        h = ir_binary(g, MLI_MUL, part[3],
                      ir_unary(g, MLI_TANH, 0.f, 0.f, cell));
        y[t] = ir_reshape(g, h, 2, one);
    }
    tfl_write_state(r, c, l->hidden, h);
    tfl_write_state(r, c, l->cell, cell);
    return ir_concat(g, y, l->s.frames, 0);
}

static ir_id float_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x)
{
    const float *w, *u, *b;
    int clipped = l->clip > 0.f;

    if (clipped &&
        (l->s.frames > TFL_MAX_UNROLLED || !tfl_state_tensor(c, l->hidden) ||
         !tfl_state_tensor(c, l->cell))) {
        tfl_unsupported(r, c, "a clipped cell");
        return IR_NONE;
    }
    w = tfl_stack(r, c, l->w, 4, l->units, l->s.inputs, 1);
    u = tfl_stack(r, c, l->u, 4, l->units, l->units, 1);
    b = tfl_stack(r, c, l->b, 4, l->units, 1, 1);
    if (!w || !u || !b)
        return IR_NONE;
    if (clipped)
        return clipped_lstm(r, c, l, x, w, u, b);
    return ir_lstm(r->g, x, l->s.inputs, l->units, w, u, b, NULL, NULL, NULL);
}

static void single_lstm(tfl_run *r, tfl_call *c)
{
    static const int peep[3] = {9, 10, 11}, norm[4] = {20, 21, 22, 23};
    tfl_lstm l = {.w = {1, 2, 3, 4},
                  .u = {5, 6, 7, 8},
                  .b = {12, 13, 14, 15},
                  .hidden = 18,
                  .cell = 19,
                  .activation = tfl_option(c, 0, 0),
                  .clip = flat_float(&c->op->options, 1, 0.f)};
    int whole = c->in[0]->scale > 0.f;
    ir_id x, y;

    if (!tfl_read_sequence(r, c, tfl_option(c, 3, 0), &l.s) ||
        unusual(r, c, &l, 0, peep, norm, 16))
        return;
    if (tfl_option(c, 5, 0) || tfl_operand(c, 2)->rank != 2) {
        tfl_unsupported(r, c, "diagonal weights");
        return;
    }
    l.units = tfl_operand(c, 2)->dims[0];
    if (!l.units || l.units > (1u << 20))
        tfl_bad(r, c, "%u units", l.units);
    x = whole ? tfl_id(r, c->in[0]) : tfl_real(r, c->in[0]);
    x = tfl_frames_of(r, &l.s, x);
    y = whole ? tfl_whole_lstm(r, c, &l, x) : float_lstm(r, c, &l, x);
    if (y == IR_NONE && !r->g->error[0])
        return; /* said */
    tfl_put_whole(r, c, 0, tfl_laid_out(r, &l.s, y, l.units));
}

/* Two layers, one of them backwards: operands 1-17 and 18-34; 35 to 38 states.
 */
static void double_lstm(tfl_run *r, tfl_call *c)
{
    static const int peep[2][3] = {{9, 10, 11}, {26, 27, 28}};
    ir_id y[2];
    tfl_sequence s;
    int merge = tfl_option(c, 3, 0) != 0;

    if (!tfl_read_sequence(r, c, tfl_option(c, 4, 0), &s))
        return;
    if (tfl_operand(c, 39) || c->in[0]->scale > 0.f) {
        tfl_unsupported(r, c, "another input, or whole numbers");
        return;
    }
    for (int d = 0; d < 2; d++) {
        int o = 17 * d;
        tfl_lstm l = {.s = s,
                      .w = {1 + o, 2 + o, 3 + o, 4 + o},
                      .u = {5 + o, 6 + o, 7 + o, 8 + o},
                      .b = {12 + o, 13 + o, 14 + o, 15 + o},
                      .activation = tfl_option(c, 0, 0),
                      .clip = flat_float(&c->op->options, 1, 0.f)};
        ir_id x = tfl_frames_of(r, &s, tfl_real(r, c->in[0]));
        if (unusual(r, c, &l, o, peep[d], NULL, 16 + o))
            return;
        l.units = tfl_operand(c, 2 + o) ? tfl_operand(c, 2 + o)->dims[0] : 0;
        if (!l.units || l.units > (1u << 20))
            tfl_bad(r, c, "%u units", l.units);
        x = d ? reversed(r, x, s.frames) : x;
        y[d] = float_lstm(r, c, &l, x);
        if (y[d] == IR_NONE)
            return;
        y[d] = d ? reversed(r, y[d], s.frames) : y[d];
        if (!merge)
            tfl_put_whole(r, c, d, tfl_laid_out(r, &s, y[d], l.units));
    }
    if (merge) {
        ir_id both = ir_concat(r->g, y, 2, 1);
        if (ir_good(r->g, both))
            both = tfl_laid_out(r, &s, both, r->g->values[both].dims[1]);
        tfl_put_whole(r, c, 0, both);
    }
}

void tfl_do_lstm(tfl_run *r, tfl_call *c, int both)
{
    if (both)
        double_lstm(r, c);
    else
        single_lstm(r, c);
}
