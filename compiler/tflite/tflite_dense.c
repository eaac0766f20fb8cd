/* tflite_dense.c - dense layers, products of matrices. */
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

static void computed_dense(tfl_run *r, tfl_call *c, const tfl_layer *l)
{
    uint64_t inputs = l->w->rank == 2 ? l->w->dims[1] : 0;
    uint32_t dims[2];
    ir_id x = tfl_real(r, l->x), y;

    if (!inputs || tfl_elements(l->x) % inputs) {
        tfl_unsupported(r, c, "computed weights");
        return;
    }
    dims[0] = (uint32_t)(tfl_elements(l->x) / inputs);
    dims[1] = (uint32_t)inputs;
    x = ir_reshape(r->g, x, 2, dims);
    y = ir_matmul(r->g, x, tfl_real(r, l->w), 1, 1.f);
    if (l->b)
        y = ir_binary(r->g, MLI_ADD, y, tfl_real(r, l->b));
    tfl_put_active(r, c, 0, y, l->activation);
}

/* The input as rows of `inputs` numbers: its last axis, if axes are kept. */
static void as_rows(tfl_run *r, const tfl_call *c, const tfl_value *x,
                    uint32_t inputs, tfl_value *rows)
{
    *rows = *x;
    rows->raw = NULL;
    if (!tfl_option(c, 2, 0) || !x->rank || x->dims[x->rank - 1] != inputs) {
        rows->rank = 2;
        rows->dims[0] = (uint32_t)(tfl_elements(x) / inputs);
        rows->dims[1] = inputs;
    }
    rows->id = ir_reshape(r->g, x->id, rows->rank, rows->dims);
}

void tfl_do_dense(tfl_run *r, tfl_call *c, int what)
{
    tfl_layer l = {c->in[0],
                   c->in[1],
                   c->inputs > 2 ? c->in[2] : NULL,
                   0,
                   tfl_option(c, 0, 0),
                   0,
                   IR_NONE,
                   IR_NONE};
    ir_bytes w;
    tfl_value rows;
    uint32_t inputs;
    ir_id x;

    (void)what;
    if (tfl_option(c, 1, 0) != 0) {
        tfl_unsupported(r, c, "shuffled weights");
        return;
    }
    if (!tfl_constant(r, l.w)) {
        computed_dense(r, c, &l);
        return;
    }
    if (l.w->rank != 2 || !l.w->dims[0] || !l.w->dims[1] ||
        tfl_elements(l.x) % l.w->dims[1])
        tfl_bad(r, c, "weights that do not fit the input");
    l.outputs = l.w->dims[0];
    inputs = l.w->dims[1];
    if (!tfl_layer_usable(r, c, &l))
        return;
    tfl_id(r, l.x);
    as_rows(r, c, l.x, inputs, &rows);
    l.x = &rows;
    x = tfl_layer_input(r, &l, 1u << (rows.rank - 1), tfl_option(c, 3, 0));
    tfl_layer_weights(r, &l, 0, &w);
    w.output = inputs;
    w.input = 1;
    x = tfl_dense_bytes(r, x, inputs, l.outputs, &w, tfl_layer_bias(r, c, &l),
                        l.w->raw);
    x = tfl_layer_exact(r, c, &l, x);
    tfl_layer_finish(r, c, &l, x);
}

static ir_id turned(tfl_run *r, const tfl_value *v, ir_id x)
{
    uint32_t perm[TFL_MAX_RANK];

    for (uint32_t i = 0; i < v->rank; i++)
        perm[i] = i;
    perm[v->rank - 1] = v->rank - 2;
    perm[v->rank - 2] = v->rank - 1;
    return ir_transpose(r->g, x, perm);
}

void tfl_do_batch_matmul(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *a = c->in[0], *b = c->in[1];
    int whole = a->scale > 0.f && b->scale > 0.f;
    ir_id x = whole ? tfl_id(r, a) : tfl_real(r, a);
    ir_id y = whole ? tfl_id(r, b) : tfl_real(r, b);
    double factor;
    float scale;

    (void)what;
    if (a->rank < 2 || b->rank < 2)
        tfl_bad(r, c, "expected at least 2 axes, got %u and %u", a->rank,
                b->rank);
    if (tfl_option(c, 0, 0))
        x = turned(r, a, x);
    x = ir_matmul(r->g, x, y, tfl_option(c, 1, 0) != 0, 1.f);
    if (!c->outputs || !c->out[0])
        return;
    if (!whole || !tfl_quantised(c->declared[0])) {
        scale = a->scale * b->scale;
        if (whole)
            x = tfl_scaled(r, x, 1, &scale, NULL, MLI_IDENTITY, 0.f, 0.f);
        tfl_put(r, c, 0, x);
        return;
    }
    factor = (double)(a->scale * b->scale) /
             (double)tfl_tensor_scale(c->declared[0]);
    tfl_put_fixed(r, c, 0, x, 1, &factor,
                  a->type == TFL_INT16 ? MLI_ROUND_SHORT : MLI_ROUND_TWICE,
                  TFL_ACT_NONE);
}
