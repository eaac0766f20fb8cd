/* tflite_layer.c - what dense layers and convolutions have in common. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

#define MAX_SIZE 65536 /* of a kernel's side, a step, a dilation */

int tfl_layer_kind(const tfl_layer *l)
{
    if (l->x->scale > 0.f)
        return TFL_WHOLE_LAYER;
    return l->w->type == TFL_INT8 && l->w->scale > 0.f ? TFL_HYBRID_LAYER
                                                       : TFL_FLOAT_LAYER;
}

void tfl_layer_weights(tfl_run *r, const tfl_layer *l, uint32_t axis,
                       ir_bytes *w)
{
    tfl_numbers(r, l->w, axis, tfl_layer_kind(l) == TFL_FLOAT_LAYER, w);
}

const float *tfl_layer_bias(tfl_run *r, tfl_call *c, const tfl_layer *l)
{
    if (!l->b || tfl_layer_kind(l) == TFL_HYBRID_LAYER)
        return NULL;
    if (tfl_elements(l->b) != l->outputs)
        tfl_bad(r, c, "a bias of %llu numbers for %u outputs",
                (unsigned long long)tfl_elements(l->b), l->outputs);
    return tfl_floats(r, l->b);
}

int tfl_layer_usable(tfl_run *r, tfl_call *c, tfl_layer *l)
{
    if (!tfl_constant(r, l->w) || (l->b && !tfl_constant(r, l->b))) {
        tfl_unsupported(r, c, "computed weights");
        return 0;
    }
    l->range = l->low = IR_NONE;
    if (l->b && tfl_layer_kind(l) == TFL_HYBRID_LAYER &&
        tfl_elements(l->b) != l->outputs)
        tfl_bad(r, c, "a bias of %llu numbers for %u outputs",
                (unsigned long long)tfl_elements(l->b), l->outputs);
    tfl_spend(r, tfl_elements(l->w) + l->outputs);
    return 1;
}

/*
 * (high - low) / 255, each rounded: divisions by constants may become products
 * with their inverse on the way to the model file, which is one unit in the
 * last place off at times. The quotient's error is found by Veltkamp's halves;
 * all operands are exact.
 */
static ir_id step_of(ir_graph *g, ir_id low, ir_id high)
{
    ir_id n = ir_scalar(g, 255.f);
    ir_id s = ir_binary(g, MLI_SUB, high, low);
    ir_id q = ir_binary(g, MLI_DIV, s, n);
    ir_id top = ir_binary(g, MLI_MUL, q, ir_scalar(g, 4097.f)), rest;

    top = ir_binary(g, MLI_SUB, top, ir_binary(g, MLI_SUB, top, q));
    rest = ir_binary(g, MLI_SUB, s, ir_binary(g, MLI_MUL, top, n));
    top = ir_binary(g, MLI_SUB, q, top);
    rest = ir_binary(g, MLI_SUB, rest, ir_binary(g, MLI_MUL, top, n));
    return ir_binary(g, MLI_ADD, q, ir_binary(g, MLI_DIV, rest, n));
}

/*
 * Dynamic range: the input of every run is made whole, by its range (255 steps,
 * with a zero point, which is taken out again) or by its largest magnitude.
 * axes: what has one scale. Each operation is the one that TensorFlow Lite
 * rounds: a scale one unit in the last place off, or a zero point that is added
 * before rounding, lets some inputs become another whole number, 1/255 of the
 * range away.
 */
static ir_id by_range(tfl_run *r, tfl_layer *l, ir_id x, uint32_t axes)
{
    ir_graph *g = r->g;
    ir_id low = ir_reduce(g, MLI_REDUCE_MIN, x, axes, 1);
    ir_id high = ir_reduce(g, MLI_REDUCE_MAX, x, axes, 1);
    ir_id zero = ir_scalar(g, 0.f), inverse, place;
    const float minus = -1.f, least = -128.f;

    low = ir_binary(g, MLI_MIN, low, zero);
    high = ir_binary(g, MLI_MAX, high, zero);
    l->range =
        ir_binary(g, MLI_MAX, step_of(g, low, high), ir_scalar(g, 1e-30f));
    place = tfl_scaled(r, ir_binary(g, MLI_DIV, low, l->range), 1, &minus,
                       &least, MLI_ROUND_AWAY, -128.f, 127.f);
    inverse = ir_binary(g, MLI_DIV, ir_scalar(g, 1.f), l->range);
    x = ir_unary(g, MLI_ROUND_AWAY, -256.f, 256.f,
                 ir_binary(g, MLI_MUL, x, inverse));
    x = ir_unary(g, MLI_HARD_TANH, -128.f, 127.f,
                 ir_binary(g, MLI_ADD, x, place));
    return ir_binary(g, MLI_SUB, x, place);
}

/* By the largest magnitude, to -127..127. */
static ir_id by_magnitude(tfl_run *r, tfl_layer *l, ir_id x, uint32_t axes)
{
    ir_graph *g = r->g;
    ir_id steps = ir_scalar(g, 127.f);
    ir_id range = ir_reduce(g, MLI_REDUCE_MAX,
                            ir_unary(g, MLI_ABS, 0.f, 0.f, x), axes, 1);

    range = ir_binary(g, MLI_MAX, range, ir_scalar(g, 1e-30f));
    l->range = ir_binary(g, MLI_DIV, range, steps);
    x = ir_binary(g, MLI_MUL, x, ir_binary(g, MLI_DIV, steps, range));
    return ir_unary(g, MLI_ROUND_AWAY, -127.f, 127.f, x);
}

ir_id tfl_layer_input(tfl_run *r, tfl_layer *l, uint32_t axes, int asymmetric)
{
    ir_id x;

    if (tfl_layer_kind(l) == TFL_WHOLE_LAYER)
        return tfl_id(r, l->x);
    x = tfl_real(r, l->x);
    if (tfl_layer_kind(l) == TFL_FLOAT_LAYER)
        return x;
    l->asymmetric = asymmetric;
    return asymmetric ? by_range(r, l, x, axes) : by_magnitude(r, l, x, axes);
}

static float *weight_scales(tfl_run *r, const tfl_layer *l)
{
    float *s = tfl_take(r, l->outputs);

    for (uint32_t i = 0; i < l->outputs; i++)
        s[i] = tfl_scale(l->w, i);
    return s;
}

/*
 * Dense layers round once. Convolutions of 16-bit activations sum in 64 bits
 * and multiply with 15 bits of the scale only (a bias of 32 bits stands for
 * sums in 32).
 */
static void finish_fixed(tfl_run *r, tfl_call *c, const tfl_layer *l, ir_id y,
                         const float *scale)
{
    double out = (double)tfl_tensor_scale(c->declared[0]);
    double *all = onnx_take(r->pool, l->outputs, sizeof *all);
    int sums64 = l->x->type == TFL_INT16 && !(l->b && l->b->type == TFL_INT32);
    mli_rounding rounding = l->w->rank == 2 ? MLI_ROUND_ONCE
                            : sums64        ? MLI_ROUND_SHORT
                                            : MLI_ROUND_TWICE;

    tfl_factors f = {.n = tfl_scale_count(l->w) > 1 ? l->outputs : 1,
                     .scale = all,
                     .rounding = rounding};

    for (uint32_t i = 0; i < l->outputs; i++)
        all[i] = (double)l->x->scale * (double)scale[i] / out;
    tfl_active_range(c->declared[0], l->activation, &f.low, &f.high);
    if (l->low == IR_NONE) {
        y = tfl_fixed(r, MLI_REQUANTIZE_SCALE, y, IR_NONE, &f);
    } else {
        f.left = 8;
        y = tfl_fixed(r, MLI_REQUANTIZE_WIDE, y, l->low, &f);
    }
    tfl_put_whole(r, c, 0, y);
}

/* By the scales, in the order in which they are multiplied there: convolutions
   with scales of their own for outputs round between them. */
static void finish_hybrid(tfl_run *r, tfl_call *c, const tfl_layer *l, ir_id y)
{
    uint32_t n = tfl_scale_count(l->w) > 1 ? l->outputs : 1;
    const float *scale = weight_scales(r, l);
    ir_id by = ir_const1(r->g, n, scale);

    if (l->w->rank > 2 && l->asymmetric) {
        y = ir_binary(r->g, MLI_MUL, ir_binary(r->g, MLI_MUL, y, by), l->range);
    } else {
        by = ir_binary(r->g, MLI_MUL, l->range, by);
        y = ir_binary(r->g, MLI_MUL, y, by);
    }
    if (l->b)
        y = ir_binary(r->g, MLI_ADD, y,
                      ir_const1(r->g, l->outputs, tfl_floats(r, l->b)));
    tfl_put_active(r, c, 0, y, l->activation);
}

void tfl_layer_finish(tfl_run *r, tfl_call *c, const tfl_layer *l, ir_id y)
{
    float *scale;

    if (!c->outputs || !c->out[0])
        return;
    if (tfl_layer_kind(l) == TFL_FLOAT_LAYER) {
        tfl_put_active(r, c, 0, y, l->activation);
        return;
    }
    if (tfl_layer_kind(l) == TFL_HYBRID_LAYER) {
        finish_hybrid(r, c, l, y);
        return;
    }
    scale = weight_scales(r, l);
    if (tfl_quantised(c->declared[0]) && l->activation != TFL_ACT_TANH) {
        finish_fixed(r, c, l, y, scale);
        return;
    }
    for (uint32_t i = 0; i < l->outputs; i++)
        scale[i] *= l->x->scale;
    y = tfl_scaled(r, y, l->outputs, scale, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put_active(r, c, 0, y, l->activation);
}

void tfl_same_padding(uint32_t in, uint32_t size, uint32_t step,
                      uint32_t dilation, uint32_t *before, uint32_t *after)
{
    int64_t out = ((int64_t)in + step - 1) / step;
    int64_t all = (out - 1) * step + ((int64_t)size - 1) * dilation + 1 - in;

    all = all > 0 ? all : 0;
    *before = (uint32_t)(all / 2);
    *after = (uint32_t)(all - all / 2);
}

void tfl_sensible(tfl_run *r, const tfl_call *c, const uint32_t *n, int count)
{
    for (int i = 0; i < count; i++)
        if (n[i] < 1 || n[i] > MAX_SIZE)
            tfl_bad(r, c, "a size, step or dilation of %u", n[i]);
}

void tfl_image_layer(tfl_run *r, const tfl_call *c, const tfl_layer *l)
{
    if (l->x->rank != 4 || l->w->rank != 4 || !tfl_elements(l->w))
        tfl_bad(r, c, "expected 4 axes, got %u and %u", l->x->rank, l->w->rank);
}
