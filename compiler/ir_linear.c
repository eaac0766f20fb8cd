/*
 * ir_linear.c - dense layers and convolutions, their weights in the one order.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

ir_id ir_bias(ir_graph *g, uint32_t n, const float *b)
{
    return b ? ir_const1(g, n, b) : IR_NONE;
}

/* Rows of floats, [outputs][inputs/groups][taps]. */
static ir_bytes floats(uint32_t inputs, uint32_t taps, const float *w)
{
    return (ir_bytes){.w = w,
                      .type = IR_F32,
                      .output = (size_t)inputs * taps,
                      .input = taps,
                      .tap = 1};
}

ir_id ir_pack_conv(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const float *w)
{
    const ir_bytes all = floats(inputs / groups, taps, w);

    return ir_pack_bytes(g, inputs, outputs, taps, groups, &all);
}

ir_id ir_pack(ir_graph *g, uint32_t outputs, uint32_t inputs, const float *w)
{
    return ir_pack_conv(g, inputs, outputs, 1, 1, w);
}

ir_id ir_pack_rows(ir_graph *g, uint32_t outputs, uint32_t inputs,
                   const float *w, const uint32_t *rows)
{
    const ir_bytes all = floats(inputs, 1, w);

    return ir_pack_bytes_rows(g, outputs, inputs, &all, rows);
}

/* w as it lies, to one matrix. */
static ir_id pack_columns(ir_graph *g, uint32_t outputs, uint32_t inputs,
                          const float *w)
{
    const ir_bytes all = {
        .w = w, .type = IR_F32, .output = 1, .input = outputs};

    return ir_pack_bytes(g, inputs, outputs, 1, 1, &all);
}

/* Does a dense layer fit on x? If not, the graph fails. */
static int dense_fits(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs)
{
    ir_shape s;
    char text[120];

    if (!ir_good(g, x))
        return 0;
    s = ir_shape_of(g, x);
    if (inputs && outputs && s.rank > 0 && s.dims[s.rank - 1] == inputs)
        return 1;
    ir_fail(g, "dense layer of %u inputs and %u outputs on %s", inputs, outputs,
            ir_shape_text(&s, text));
    return 0;
}

/* x fits; w: packed */
static ir_id dense(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                   ir_id w, const float *b)
{
    ir_shape s = ir_shape_of(g, x);
    ir_id in[3] = {x, w, ir_bias(g, outputs, b)}, y;

    s.dims[s.rank - 1] = outputs;
    y = ir_emit(g, MLI_OP_LINEAR, b ? 3 : 2, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = inputs;
    ir_made(g)->p[1] = outputs;
    return y;
}

ir_id ir_linear(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                const float *w, const float *b)
{
    if (!dense_fits(g, x, inputs, outputs))
        return IR_NONE;
    return dense(g, x, inputs, outputs, ir_pack(g, outputs, inputs, w), b);
}

ir_id ir_linear_rows(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                     const float *w, const uint32_t *rows, const float *b)
{
    if (!dense_fits(g, x, inputs, outputs))
        return IR_NONE;
    return dense(g, x, inputs, outputs,
                 ir_pack_rows(g, outputs, inputs, w, rows), b);
}

ir_id ir_linear_bytes_rows(ir_graph *g, ir_id x, uint32_t inputs,
                           uint32_t outputs, const ir_bytes *w,
                           const uint32_t *rows, const float *b)
{
    if (!dense_fits(g, x, inputs, outputs))
        return IR_NONE;
    return dense(g, x, inputs, outputs,
                 ir_pack_bytes_rows(g, outputs, inputs, w, rows), b);
}

ir_id ir_linear_columns(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                        const float *w, const float *b)
{
    if (!dense_fits(g, x, inputs, outputs))
        return IR_NONE;
    return dense(g, x, inputs, outputs, pack_columns(g, outputs, inputs, w), b);
}

ir_id ir_linear_bytes(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                      const ir_bytes *w, const float *b)
{
    ir_bytes rest;
    float *shift;
    ir_id y;

    if (!dense_fits(g, x, inputs, outputs))
        return IR_NONE;
    if (!ir_zeros_apart(g, inputs, outputs, 1, 1, w, &rest, &shift))
        return dense(g, x, inputs, outputs,
                     ir_pack_bytes(g, inputs, outputs, 1, 1, w), b);
    y = dense(g, x, inputs, outputs,
              ir_pack_bytes(g, inputs, outputs, 1, 1, &rest), b);
    y = ir_add_shifts(g, y, ir_sum_rows(g, x, inputs), outputs, shift);
    free(shift);
    return y;
}

ir_id ir_sum_rows(ir_graph *g, ir_id x, uint32_t inputs)
{
    float *ones;
    ir_id sum;

    if (!ir_good(g, x))
        return IR_NONE;
    if (!g->values[x].timed)
        return ir_reduce(g, MLI_REDUCE_SUM, x, 1u << (g->values[x].rank - 1u),
                         1);
    /* planar sessions have dense layers, but no such sums */
    ones = ir_room(g, inputs, sizeof *ones);
    for (uint32_t i = 0; ones && i < inputs; i++)
        ones[i] = 1.f;
    sum = ones ? ir_linear(g, x, inputs, 1, ones, NULL) : IR_NONE;
    free(ones);
    return sum;
}

ir_id ir_add_shifts(ir_graph *g, ir_id y, ir_id sum, uint32_t outputs,
                    const float *shift)
{
    ir_id by = ir_const1(g, outputs, shift);

    return ir_binary(g, MLI_ADD, y, ir_binary(g, MLI_MUL, sum, by));
}

/* The shape of the result; rank 0 if x does not fit. */
static ir_shape conv_shape(ir_graph *g, ir_id x, uint32_t inputs,
                           uint32_t outputs, uint32_t taps, uint32_t dilation,
                           uint32_t step)
{
    ir_shape s = ir_shape_of(g, x), none = {0, 0, {0}};
    uint64_t reach = (uint64_t)(taps - 1u) * dilation;
    int fits = taps <= MLI_MAX_ELEMENTS && step <= MLI_MAX_ELEMENTS &&
               reach <= MLI_MAX_ELEMENTS;
    char text[120];

    if (s.timed) {
        if (fits && s.dims[0] == inputs && step == 1)
            return ir_shape1(1, outputs);
    } else if (fits && s.rank == 2 && s.dims[1] == inputs &&
               s.dims[0] > reach) {
        s.dims[0] = (uint32_t)((s.dims[0] - reach - 1u) / step + 1u);
        s.dims[1] = outputs;
        return s;
    }
    ir_fail(g,
            "convolution of %u inputs, %u taps, dilation %u, step %u on %s%s",
            inputs, taps, dilation, step, ir_shape_text(&s, text),
            s.timed ? " a frame" : "");
    return none;
}

ir_id ir_flat(ir_graph *g, ir_id x)
{
    uint32_t n;

    if (!ir_good(g, x))
        return IR_NONE;
    n = (uint32_t)g->values[x].elements;
    return ir_reshape(g, x, 1, &n);
}

/* One of w and bytes. */
static ir_id conv1d(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t dilation, uint32_t groups,
                    uint32_t step, const float *w, const ir_bytes *bytes,
                    const float *b)
{
    uint32_t p[8] = {taps, dilation, groups, inputs, outputs, step};
    uint32_t reach;
    ir_shape s;
    ir_id in[3], y;

    if (ir_good(g, x) && g->values[x].timed)
        x = ir_flat(g, x);
    if (!ir_good(g, x))
        return IR_NONE;
    if (!inputs || !outputs || !taps || !dilation || !groups || !step ||
        inputs % groups || outputs % groups) {
        ir_fail(g,
                "convolution of %u inputs, %u outputs, %u taps, dilation %u, "
                "%u groups, step %u",
                inputs, outputs, taps, dilation, groups, step);
        return IR_NONE;
    }
    if (taps == 1)
        dilation = p[1] = 1;
    s = conv_shape(g, x, inputs, outputs, taps, dilation, step);
    if (!s.rank)
        return IR_NONE;
    in[0] = x;
    in[1] = w ? ir_pack_conv(g, inputs, outputs, taps, groups, w)
              : ir_pack_bytes(g, inputs, outputs, taps, groups, bytes);
    in[2] = ir_bias(g, outputs, b);
    y = ir_emit(g, MLI_OP_CONV1D, b ? 3 : 2, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    memcpy(ir_made(g)->p, p, sizeof p);
    reach = (taps - 1u) * dilation; /* bounded by conv_shape */
    if (s.timed && reach)
        ir_emit_state(g, reach, inputs, NULL);
    return g->error[0] ? IR_NONE : y;
}

ir_id ir_conv1d(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                uint32_t taps, uint32_t dilation, uint32_t groups,
                uint32_t step, const float *w, const float *b)
{
    return conv1d(g, x, inputs, outputs, taps, dilation, groups, step, w, NULL,
                  b);
}

ir_id ir_conv1d_bytes(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                      uint32_t taps, uint32_t dilation, uint32_t groups,
                      uint32_t step, const ir_bytes *w, const float *b)
{
    ir_bytes rest;
    float *shift, *ones;
    ir_id y, sum;

    if (!taps || !groups || !inputs || !outputs ||
        !ir_zeros_apart(g, inputs, outputs, taps, groups, w, &rest, &shift))
        return conv1d(g, x, inputs, outputs, taps, dilation, groups, step, NULL,
                      w, b);
    if (ir_good(g, x) && g->values[x].timed)
        x = ir_flat(g, x);
    y = conv1d(g, x, inputs, outputs, taps, dilation, 1, step, NULL, &rest, b);
    ones = ir_room(g, taps, sizeof *ones);
    for (uint32_t k = 0; ones && k < taps; k++)
        ones[k] = 1.f;
    sum = y == IR_NONE ? IR_NONE : ir_sum_rows(g, x, inputs);
    if (ones && (taps > 1 || step > 1))
        sum = conv1d(g, sum, 1, 1, taps, dilation, 1, step, ones, NULL, NULL);
    y = ir_add_shifts(g, y, sum, outputs, shift);
    free(ones);
    free(shift);
    return y;
}
