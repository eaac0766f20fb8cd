/* tflite_pool.c - pooling. */
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

/* How many elements the windows cover, [outputs of axis 1][of axis 2][1]; one
   number if it is the same everywhere. */
static ir_id window_counts(tfl_run *r, const uint32_t *dims,
                           const uint32_t *out, const ir_window *w)
{
    uint32_t shape[3] = {out[0], out[1], 1};
    float *n = tfl_take(r, (uint64_t)out[0] * out[1]);
    int same = 1;

    tfl_spend(r, (uint64_t)out[0] * out[1]);
    for (uint32_t i = 0; i < out[0] * out[1]; i++) {
        uint32_t at[2] = {i / out[1], i % out[1]};
        n[i] = 1.f;
        for (int k = 0; k < 2; k++) {
            int64_t from = (int64_t)at[k] * w[k].step - w[k].before;
            int64_t to = from + w[k].size;
            from = from < 0 ? 0 : from;
            to = to > dims[k] ? dims[k] : to;
            n[i] *= (float)(to - from);
        }
        same &= n[i] == n[0];
    }
    return same ? ir_scalar(r->g, n[0]) : ir_const(r->g, 3, shape, n);
}

/* A mean of whole numbers is rounded with its zero point in it. */
static void put_mean(tfl_run *r, tfl_call *c, ir_id x, int activation)
{
    const tfl_tensor *t = c->declared[0];
    float zero = (float)tfl_zero(t), back = -zero, one = 1.f;
    float low, high, all_low, all_high;

    tfl_range(t->type, 0, &all_low, &all_high);
    x = ir_binary(r->g, MLI_ADD, x, ir_scalar(r->g, zero));
    x = ir_unary(r->g, MLI_ROUND_AWAY, all_low, all_high, x);
    x = tfl_scaled(r, x, 1, &one, &back, MLI_IDENTITY, 0.f, 0.f);
    tfl_range(t->type, tfl_zero(t), &low, &high);
    if (activation == TFL_ACT_NONE)
        tfl_put_whole(r, c, 0, x);
    else
        tfl_put_sums(r, c, 0, x, 1, &one, activation);
}

/* By the number of elements in each window, with the padding left out. */
static ir_id mean_of(tfl_run *r, ir_id sum, const tfl_value *v,
                     const ir_window *w)
{
    uint32_t out[2];

    if (!ir_good(r->g, sum))
        return IR_NONE;
    memcpy(out, r->g->values[sum].dims + 1, sizeof out);
    return ir_binary(r->g, MLI_DIV, sum, window_counts(r, v->dims + 1, out, w));
}

static void put_pooled(tfl_run *r, tfl_call *c, ir_id x, int average,
                       int activation)
{
    const float one = 1.f;

    if (!ir_good(r->g, x) || !c->outputs || !c->out[0])
        tfl_put_whole(r, c, 0, x);
    else if (c->in[0]->scale == 0.f || !tfl_quantised(c->declared[0]))
        tfl_put_active(r, c, 0, x, activation);
    else if (average)
        put_mean(r, c, x, activation);
    else
        tfl_put_sums(r, c, 0, x, 1, &one, activation);
}

/* what: 0 the largest, 1 the mean, 2 the root of the mean of squares */
void tfl_do_pool(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    ir_window w[2] = {{(uint32_t)tfl_option_int(c, 4, 1),
                       (uint32_t)tfl_option_int(c, 2, 1), 1, 0, 0},
                      {(uint32_t)tfl_option_int(c, 3, 1),
                       (uint32_t)tfl_option_int(c, 1, 1), 1, 0, 0}};
    ir_id x = tfl_id(r, v);

    if (v->rank != 4)
        tfl_bad(r, c, "expected 4 axes, got %u", v->rank);
    if (what == 2 && v->scale > 0.f) {
        tfl_unsupported(r, c,
                        "whole numbers (TensorFlow Lite has them of "
                        "float32 only)");
        return;
    }
    if (what == 2)
        x = ir_binary(r->g, MLI_MUL, x, x);
    for (int k = 0; k < 2; k++) {
        tfl_sensible(r, c, &w[k].size, 2);
        if (tfl_option(c, 0, 0) == 0)
            tfl_same_padding(v->dims[1 + k], w[k].size, w[k].step, 1,
                             &w[k].before, &w[k].after);
        x = ir_pool(r->g, what ? MLI_REDUCE_SUM : MLI_REDUCE_MAX, x,
                    (uint32_t)(1 + k), &w[k]);
    }
    x = what ? mean_of(r, x, v, w) : x;
    if (what == 2)
        x = ir_unary(r->g, MLI_SQRT, 0.f, 0.f, x);
    put_pooled(r, c, x, what, tfl_option(c, 5, 0));
}
