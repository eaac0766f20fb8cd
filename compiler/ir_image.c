/*
 * ir_image.c - convolutions of images, and pools.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

/* How many windows of so many taps `length` has room for. */
static uint64_t windows(uint64_t length, uint32_t taps, uint32_t dilation,
                        uint32_t step)
{
    uint64_t reach = (uint64_t)(taps - 1u) * dilation;

    return reach < length ? (length - reach - 1u) / step + 1u : 0;
}

/* p: as in the file. 0 with the graph failed if x does not fit. */
static int conv2d_shape(ir_graph *g, const uint32_t *p, uint32_t outputs,
                        ir_shape *s)
{
    char text[120];
    int fits = s->rank >= 3 && outputs && outputs <= MLI_MAX_ELEMENTS;

    for (uint32_t i = 0; i < 7; i++)
        fits &= p[i] != 0 && p[i] <= MLI_MAX_ELEMENTS;
    fits = fits && (uint64_t)p[0] * p[1] <= MLI_MAX_ELEMENTS &&
           s->dims[s->rank - 1] % p[6] == 0 && outputs % p[6] == 0;
    for (uint32_t i = 0; fits && i < 2; i++)
        fits = windows(s->dims[s->rank - 3 + i], p[i], p[2 + i], p[4 + i]) != 0;
    if (!fits) {
        ir_fail(g,
                "convolution of %s, %u outputs, kernel %u x %u, dilation "
                "%u x %u, step %u x %u, %u groups",
                ir_shape_text(s, text), outputs, p[0], p[1], p[2], p[3], p[4],
                p[5], p[6]);
        return 0;
    }
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t *dim = &s->dims[s->rank - 3 + i];
        *dim = (uint32_t)windows(*dim, p[i], p[2 + i], p[4 + i]);
    }
    s->dims[s->rank - 1] = outputs;
    return 1;
}

/* One of w and bytes. */
static ir_id conv2d(ir_graph *g, ir_id x, uint32_t outputs,
                    const uint32_t size[2], const uint32_t dilation[2],
                    const uint32_t step[2], uint32_t groups, const float *w,
                    const ir_bytes *bytes, const float *b)
{
    uint32_t p[8] = {size[0], size[1], dilation[0], dilation[1],
                     step[0], step[1], groups};
    uint32_t inputs;
    ir_shape s;
    ir_id in[3], y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    inputs = s.rank ? s.dims[s.rank - 1] : 0;
    for (uint32_t i = 0; i < 2; i++)
        if (p[i] == 1)
            p[2 + i] = 1;
    if (!conv2d_shape(g, p, outputs, &s))
        return IR_NONE;
    in[0] = x;
    in[1] = w ? ir_pack_conv(g, inputs, outputs, p[0] * p[1], groups, w)
              : ir_pack_bytes(g, inputs, outputs, p[0] * p[1], groups, bytes);
    in[2] = ir_bias(g, outputs, b);
    y = ir_emit(g, MLI_OP_CONV2D, b ? 3 : 2, in, &s);
    if (y != IR_NONE)
        memcpy(ir_made(g)->p, p, sizeof p);
    return y;
}

ir_id ir_conv2d(ir_graph *g, ir_id x, uint32_t outputs, const uint32_t size[2],
                const uint32_t dilation[2], const uint32_t step[2],
                uint32_t groups, const float *w, const float *b)
{
    return conv2d(g, x, outputs, size, dilation, step, groups, w, NULL, b);
}

ir_id ir_conv2d_bytes(ir_graph *g, ir_id x, uint32_t outputs,
                      const uint32_t size[2], const uint32_t dilation[2],
                      const uint32_t step[2], uint32_t groups,
                      const ir_bytes *w, const float *b)
{
    uint64_t taps = (uint64_t)size[0] * size[1];
    uint32_t inputs = 0;
    ir_bytes rest;
    float *shift, *ones;
    ir_id y, sum;

    if (ir_good(g, x) && g->values[x].rank)
        inputs = g->values[x].dims[g->values[x].rank - 1];
    if (!inputs || !outputs || !taps || taps > MLI_MAX_ELEMENTS ||
        !ir_zeros_apart(g, inputs, outputs, (uint32_t)taps, groups, w, &rest,
                        &shift))
        return conv2d(g, x, outputs, size, dilation, step, groups, NULL, w, b);
    y = conv2d(g, x, outputs, size, dilation, step, 1, NULL, &rest, b);
    ones = ir_room(g, taps, sizeof *ones);
    for (uint64_t k = 0; ones && k < taps; k++)
        ones[k] = 1.f;
    sum = y == IR_NONE ? IR_NONE : ir_sum_rows(g, x, inputs);
    if (ones && sum != IR_NONE)
        sum = conv2d(g, sum, 1, size, dilation, step, 1, ones, NULL, NULL);
    y = ir_add_shifts(g, y, sum, outputs, shift);
    free(ones);
    free(shift);
    return y;
}

ir_id ir_pool(ir_graph *g, mli_reduce fn, ir_id x, uint32_t axis,
              const ir_window *w)
{
    ir_shape s;
    char text[120];
    uint64_t n = 0;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if ((fn == MLI_REDUCE_SUM || fn == MLI_REDUCE_MAX || fn == MLI_REDUCE_MIN ||
         fn == MLI_REDUCE_PROD) &&
        axis < s.rank && w->size && w->size <= MLI_MAX_POOL && w->step &&
        w->step <= MLI_MAX_ELEMENTS && w->dilation &&
        w->dilation <= MLI_MAX_ELEMENTS && w->before <= MLI_MAX_ELEMENTS &&
        w->after <= MLI_MAX_ELEMENTS)
        n = windows((uint64_t)s.dims[axis] + w->before + w->after, w->size,
                    w->dilation, w->step);
    if (n == 0 || n > MLI_MAX_ELEMENTS) {
        ir_fail(
            g,
            "pool (%d) of %u, step %u, dilation %u, %u and %u outside, along "
            "axis %u of %s",
            (int)fn, w->size, w->step, w->dilation, w->before, w->after, axis,
            ir_shape_text(&s, text));
        return IR_NONE;
    }
    if (w->size == 1 && w->step == 1 && !w->before && !w->after)
        return x;
    s.dims[axis] = (uint32_t)n;
    y = ir_emit(g, MLI_OP_POOL, 1, &x, &s);
    if (y != IR_NONE) {
        uint32_t p[8] = {(uint32_t)fn,
                         axis,
                         w->size,
                         w->step,
                         w->size == 1 ? 1 : w->dilation,
                         w->before,
                         w->after};
        memcpy(ir_made(g)->p, p, sizeof p);
    }
    return y;
}
