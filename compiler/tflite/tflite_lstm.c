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

/* Has it more than the plain layer? */
static int gated(const tfl_call *c, const tfl_lstm *l)
{
    int more = l->clip > 0.f || !tfl_operand(c, l->w[0]) ||
               tfl_operand(c, l->projection) || l->activation != TFL_ACT_TANH;

    for (int k = 0; k < 4; k++)
        more |= tfl_operand(c, l->peep[k]) || tfl_operand(c, l->norm[k]);
    return more;
}

static int only_clipped(const tfl_call *c, const tfl_lstm *l)
{
    tfl_lstm plain = *l;

    plain.clip = 0.f;
    return !gated(c, &plain);
}

/* Does the operator say how many units there are? */
static int read_units(tfl_run *r, tfl_call *c, tfl_lstm *l)
{
    const tfl_value *w = tfl_operand(c, l->w[1]);

    if (!w || w->rank != 2 || l->activation < 0 ||
        l->activation > TFL_ACT_TANH) {
        tfl_unsupported(r, c, "no forget gate, or fused activation %d",
                        l->activation);
        return 0;
    }
    l->units = w->dims[0];
    if (!l->units || l->units > (1u << 20))
        tfl_bad(r, c, "%u units", l->units);
    return 1;
}

static ir_id reversed(tfl_run *r, ir_id x, uint32_t frames)
{
    return frames > 1 ? ir_slice(r->g, x, 0, frames - 1, -1, frames) : x;
}

static ir_id float_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x,
                        uint32_t *outputs)
{
    ir_bytes w, u;
    ir_cell cell;
    const float *b;

    *outputs = l->units;
    if (gated(c, l))
        return tfl_gated_lstm(r, c, l, x, outputs);
    if (!tfl_gates(r, c, l->w, 4, l->units, l->s.inputs, 1, &w) ||
        !tfl_gates(r, c, l->u, 4, l->units, l->units, 1, &u) ||
        !(b = tfl_stack(r, c, l->b, 4, l->units, 1, 1)))
        return IR_NONE;
    cell = (ir_cell){.inputs = l->s.inputs,
                     .units = l->units,
                     .bytes_ih = &w,
                     .bytes_hh = &u,
                     .b_ih = b};
    return ir_recurrent(r->g, MLI_OP_LSTM, x, &cell);
}

static void single_lstm(tfl_run *r, tfl_call *c)
{
    tfl_lstm l = {.w = {1, 2, 3, 4},
                  .u = {5, 6, 7, 8},
                  .b = {12, 13, 14, 15},
                  .peep = {9, 10, -1, 11},
                  .norm = {20, 21, 22, 23},
                  .projection = 16,
                  .hidden = 18,
                  .cell = 19,
                  .activation = tfl_option(c, 0, 0),
                  .clip = flat_float(&c->op->options, 1, 0.f),
                  .project_clip = flat_float(&c->op->options, 2, 0.f)};
    int whole = c->in[0]->scale > 0.f;
    uint32_t outputs;
    ir_id x, y;

    if (!tfl_read_sequence(r, c, tfl_option(c, 3, 0), &l.s) ||
        !read_units(r, c, &l))
        return;
    outputs = l.units;
    if (tfl_option(c, 5, 0)) {
        tfl_unsupported(r, c, "diagonal weights");
        return;
    }
    if (whole && (gated(c, &l) && !only_clipped(c, &l))) {
        tfl_unsupported(r, c,
                        "peepholes, a projection, normalised or coupled "
                        "gates in whole numbers (convert this layer "
                        "without a representative dataset)");
        return;
    }
    x = whole ? tfl_id(r, c->in[0]) : tfl_real(r, c->in[0]);
    x = tfl_frames_of(r, &l.s, x);
    y = whole ? tfl_whole_lstm(r, c, &l, x) : float_lstm(r, c, &l, x, &outputs);
    if (y == IR_NONE && !r->g->error[0])
        return; /* said */
    tfl_put_whole(r, c, 0, tfl_laid_out(r, &l.s, y, outputs));
}

/* One of two layers: operands 1-17 and 18-34; 35 to 38 states. */
static ir_id direction(tfl_run *r, tfl_call *c, const tfl_sequence *s, int d,
                       uint32_t *outputs)
{
    int o = 17 * d;
    tfl_lstm l = {.s = *s,
                  .w = {1 + o, 2 + o, 3 + o, 4 + o},
                  .u = {5 + o, 6 + o, 7 + o, 8 + o},
                  .b = {12 + o, 13 + o, 14 + o, 15 + o},
                  .peep = {9 + o, 10 + o, -1, 11 + o},
                  .norm = {-1, -1, -1, -1},
                  .projection = 16 + o,
                  .hidden = 35 + 2 * d,
                  .cell = 36 + 2 * d,
                  .activation = tfl_option(c, 0, 0),
                  .clip = flat_float(&c->op->options, 1, 0.f),
                  .project_clip = flat_float(&c->op->options, 2, 0.f)};
    ir_id x = tfl_frames_of(r, s, tfl_real(r, c->in[0])), y;

    if (!read_units(r, c, &l))
        return IR_NONE;
    y = float_lstm(r, c, &l, d ? reversed(r, x, s->frames) : x, outputs);
    return d && y != IR_NONE ? reversed(r, y, s->frames) : y;
}

/* Two layers, one of them backwards. */
static void double_lstm(tfl_run *r, tfl_call *c)
{
    int merge = tfl_option(c, 3, 0) != 0;
    uint32_t outputs[2];
    tfl_sequence s;
    ir_id y[2];

    if (!tfl_read_sequence(r, c, tfl_option(c, 4, 1), &s))
        return;
    if (tfl_operand(c, 39) || c->in[0]->scale > 0.f) {
        tfl_unsupported(r, c,
                        "a second input, or whole numbers (use keras' "
                        "Bidirectional, whose layers are converted one "
                        "by one)");
        return;
    }
    for (int d = 0; d < 2; d++) {
        y[d] = direction(r, c, &s, d, &outputs[d]);
        if (y[d] == IR_NONE)
            return;
        if (!merge)
            tfl_put_whole(r, c, d, tfl_laid_out(r, &s, y[d], outputs[d]));
    }
    if (merge)
        tfl_put_whole(r, c, 0,
                      tfl_laid_out(r, &s, ir_concat(r->g, y, 2, 1),
                                   outputs[0] + outputs[1]));
}

void tfl_do_lstm(tfl_run *r, tfl_call *c, int both)
{
    if (both)
        double_lstm(r, c);
    else
        single_lstm(r, c);
}
