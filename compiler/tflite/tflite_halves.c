/*
 * tflite_halves.c - sums of 16-bit activations, exactly. A product with an
 * 8-bit weight has 22 bits, sums of them more than a float holds: they are
 * taken of the high and low halves of the activations, and put together in
 * integers. Sums of halves are exact while the magnitudes of an output's
 * weights sum to less than 2^17, as at least 1032 do.
 */
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

#define HELD ((int64_t)1 << 40)

/* One half of the bias of n sums: the layer's, again and again. */
static ir_id half_bias(tfl_run *r, const tfl_layer *l, uint32_t n, int low)
{
    uint32_t count;
    const int64_t *b = l->b ? tfl_ints(r, l->b, &count) : NULL;
    float *half;

    if (!b || !count)
        return IR_NONE;
    half = tfl_take(r, n);
    tfl_spend(r, n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t x = b[i % count], high;
        x = x > HELD ? HELD : x < -HELD ? -HELD : x;
        high = (x + HELD + 128) / 256 - HELD / 256;
        half[i] = (float)(low ? x - 256 * high : high);
    }
    return ir_const1(r->g, n, half);
}

/* The operator `like` on x. */
static ir_id again(tfl_run *r, const ir_node *like, ir_id x, ir_id bias)
{
    ir_id in[3] = {x, like->in[1], bias}, y;
    ir_shape s;

    if (!ir_good(r->g, x))
        return IR_NONE;
    s = ir_shape_of(r->g, like->out);
    y = ir_emit(r->g, like->type, like->inputs, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    memcpy(ir_made(r->g)->p, like->p, sizeof like->p);
    for (uint32_t i = 0; i < like->state_count; i++)
        ir_emit_state(r->g, like->states[i].frames, like->states[i].width,
                      NULL);
    return y;
}

ir_id tfl_layer_exact(tfl_run *r, const tfl_call *c, tfl_layer *l, ir_id y)
{
    const float down = 1.f / 256.f, minus = -256.f;
    ir_graph *g = r->g;
    ir_id x, high, bias[2] = {IR_NONE, IR_NONE};
    ir_node like;

    l->low = IR_NONE;
    if (l->x->type != TFL_INT16 || tfl_layer_kind(l) != TFL_WHOLE_LAYER ||
        !c->outputs || !c->out[0] || !tfl_quantised(c->declared[0]) ||
        l->activation == TFL_ACT_TANH || !ir_good(g, y))
        return y;
    like = *ir_made(g);
    if (like.out != y)
        return y;
    x = like.in[0];
    for (int i = 0; i < 2 && like.inputs == 3; i++)
        bias[i] = half_bias(r, l, g->values[like.in[2]].dims[0], i);
    high = tfl_scaled(r, x, 1, &down, NULL, MLI_ROUND_AWAY, -128.f, 128.f);
    x = ir_binary(g, MLI_ADD, x,
                  tfl_scaled(r, high, 1, &minus, NULL, MLI_IDENTITY, 0.f, 0.f));
    l->low = again(r, &like, x, bias[1]);
    return again(r, &like, high, bias[0]);
}
