/*
 * tflite_recurrent.c - what recurrent layers share, and the plain one. Their
 * states are variable tensors, which live from run to run, as they do in
 * TensorFlow Lite.
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_recurrent.h"

tfl_value *tfl_operand(const tfl_call *c, int i)
{
    return i >= 0 && i < c->inputs ? c->in[i] : NULL;
}

/* A state's tensor, by the operand's number. */
const tfl_tensor *tfl_state_tensor(const tfl_call *c, int i)
{
    int64_t n = i < c->inputs ? flat_int_at(&c->op->in, (uint32_t)i) : -1;

    return n < 0 ? NULL : &c->graph->tensors[n];
}

int tfl_read_sequence(tfl_run *r, tfl_call *c, int time_major, tfl_sequence *s)
{
    tfl_value *v = s->v = c->in[0];
    uint32_t batch;

    s->time_major = time_major;
    if (v->rank == 2) { /* a single step */
        batch = v->dims[0];
        s->frames = 1;
        s->inputs = v->dims[1];
    } else if (v->rank == 3) {
        batch = v->dims[time_major ? 1 : 0];
        s->frames = v->dims[time_major ? 0 : 1];
        s->inputs = v->dims[2];
    } else {
        tfl_bad(r, c, "expected 3 axes, got %u", v->rank);
    }
    if (batch != 1)
        tfl_unsupported(r, c, "a batch of %u (expected 1)", batch);
    return batch == 1;
}

ir_id tfl_frames_of(tfl_run *r, const tfl_sequence *s, ir_id x)
{
    uint32_t dims[2] = {s->frames, s->inputs};

    return ir_reshape(r->g, x, 2, dims);
}

/* [frames, units] as the input was laid out. */
ir_id tfl_laid_out(tfl_run *r, const tfl_sequence *s, ir_id y, uint32_t units)
{
    uint32_t dims[3];

    memcpy(dims, s->v->dims, sizeof dims);
    dims[s->v->rank - 1] = units;
    return ir_reshape(r->g, y, s->v->rank, dims);
}

/* Matrices [units][width] of `count` gates, one below the other; NULL where an
   operand is missing, unless it may. */
float *tfl_stack(tfl_run *r, tfl_call *c, const int *which, uint32_t count,
                 uint32_t units, uint32_t width, int real)
{
    float *all = tfl_take(r, (uint64_t)count * units * width);

    tfl_spend(r, (uint64_t)count * units * width);
    for (uint32_t k = 0; k < count; k++) {
        tfl_value *v = tfl_operand(c, which[k]);
        if (!v || !tfl_constant(r, v)) {
            tfl_unsupported(r, c, "gates without weights, or computed ones");
            return NULL;
        }
        if (tfl_elements(v) != (uint64_t)units * width)
            tfl_bad(r, c, "weights of %llu numbers (expected %u x %u)",
                    (unsigned long long)tfl_elements(v), units, width);
        memcpy(all + (size_t)k * units * width,
               real ? tfl_real_floats(r, v) : tfl_floats(r, v),
               (size_t)units * width * sizeof *all);
    }
    return all;
}

/* A smaller model's recurrent layers are floats: those are faster as long as
   the caches hold them. */
#define SMALL_MODEL ((size_t)1 << 19) /* bytes */

/* Gate k as it lies in the file; 0: it cannot be taken so. */
static int small_gate(tfl_run *r, tfl_call *c, int which, uint32_t units,
                      uint32_t width, int real, ir_bytes *w)
{
    const tfl_value *v = tfl_operand(c, which);

    return v && tfl_constant(r, v) && v->rank == 2 && v->dims[0] == units &&
           v->dims[1] == width && tfl_small(r, v, 0, real, w);
}

/* The gates as they lie in the file, one below the other: each begins so many
   numbers behind the one that the file has first. */
static int small_gates(tfl_run *r, tfl_call *c, const int *which,
                       uint32_t count, uint32_t units, uint32_t width, int real,
                       ir_bytes *all)
{
    size_t *at, size;
    float *scale = NULL;
    ir_bytes *w;

    if (r->model->file.size < SMALL_MODEL)
        return 0;
    w = onnx_take(r->pool, count, sizeof *w);
    for (uint32_t k = 0; k < count; k++) {
        if (!small_gate(r, c, which[k], units, width, real, &w[k]) ||
            w[k].type != w->type || !w[k].scale != !w->scale)
            return 0;
        if (!k || (uintptr_t)w[k].w < (uintptr_t)all->w)
            *all = w[k];
    }
    size = all->type == IR_S8 ? 1 : 2;
    at = onnx_take(r->pool, (size_t)count * units, sizeof *at);
    if (w->scale)
        scale = tfl_take(r, (uint64_t)count * units);
    for (uint32_t k = 0; k < count; k++) {
        size_t from = (size_t)((uintptr_t)w[k].w - (uintptr_t)all->w);
        if (from % size)
            return 0;
        for (uint32_t u = 0; u < units; u++) {
            at[k * units + u] = from / size + (size_t)u * width;
            if (scale)
                scale[k * units + u] = w[k].scale[u];
        }
    }
    all->at = at;
    all->scale = scale;
    all->input = 1;
    return 1;
}

int tfl_gates(tfl_run *r, tfl_call *c, const int *which, uint32_t count,
              uint32_t units, uint32_t width, int real, ir_bytes *w)
{
    if (small_gates(r, c, which, count, units, width, real, w))
        return 1;
    *w = (ir_bytes){.w = tfl_stack(r, c, which, count, units, width, real),
                    .type = IR_F32,
                    .output = width,
                    .input = 1};
    return w->w != NULL;
}

ir_id tfl_read_state(tfl_run *r, tfl_call *c, int i, uint32_t units)
{
    const tfl_tensor *t = tfl_state_tensor(c, i);
    tfl_variable *v = tfl_variable_of(r, NULL, t);

    return ir_reshape(r->g, tfl_read_variable(r, v, t), 1, &units);
}

void tfl_write_state(tfl_run *r, tfl_call *c, int i, ir_id id)
{
    const tfl_tensor *t = tfl_state_tensor(c, i);
    tfl_variable *v = tfl_variable_of(r, NULL, t);

    id = ir_reshape(r->g, id, t->rank > 0 ? (uint32_t)t->rank : 0, t->dims);
    tfl_write_variable(r, v, t, id);
}

/* ------------------------------------------------------------------ RNN ----
 *
 * operands: x, input weights, recurrent weights, bias, hidden state
 */
void tfl_do_rnn(tfl_run *r, tfl_call *c, int is_sequence)
{
    static const int w[1] = {1}, u[1] = {2}, b[1] = {3};
    int activation = tfl_option(c, is_sequence ? 1 : 0, 0);
    const float *bias;
    tfl_sequence s;
    ir_bytes wx, wh;
    ir_cell cell;
    uint32_t units;
    ir_id x;

    if (!tfl_read_sequence(r, c, is_sequence && tfl_option(c, 0, 0), &s))
        return;
    if (s.v->scale > 0.f || c->in[1]->rank != 2 ||
        (activation != TFL_ACT_TANH && activation != TFL_ACT_RELU &&
         activation != TFL_ACT_NONE)) {
        tfl_unsupported(r, c, "whole numbers, or fused activation %d",
                        activation);
        return;
    }
    units = c->in[1]->dims[0];
    if (!units || units > (1u << 20))
        tfl_bad(r, c, "%u units", units);
    if (!tfl_gates(r, c, w, 1, units, s.inputs, 1, &wx) ||
        !tfl_gates(r, c, u, 1, units, units, 1, &wh) ||
        !(bias = tfl_stack(r, c, b, 1, units, 1, 1)))
        return;
    x = tfl_frames_of(r, &s, tfl_real(r, c->in[0]));
    cell = (ir_cell){.inputs = s.inputs,
                     .units = units,
                     .bytes_ih = &wx,
                     .bytes_hh = &wh,
                     .b_ih = bias,
                     .fn = activation == TFL_ACT_TANH   ? MLI_TANH
                           : activation == TFL_ACT_RELU ? MLI_RELU
                                                        : MLI_IDENTITY};
    x = ir_recurrent(r->g, MLI_OP_RNN, x, &cell);
    tfl_put_whole(r, c, 0, tfl_laid_out(r, &s, x, units));
}
