/*
 * ir_linear.h - parts of dense layers that recurrent layers use too.
 */
#ifndef MLC_IR_LINEAR_H
#define MLC_IR_LINEAR_H

#include "ir.h"

/* A constant of n numbers, or IR_NONE if b is NULL. */
ir_id ir_bias(ir_graph *g, uint32_t n, const float *b);

/* w [outputs][inputs], packed. */
ir_id ir_pack(ir_graph *g, uint32_t outputs, uint32_t inputs, const float *w);

/* The same with row rows[o] of w for output o, zeros for IR_NO_ROW. */
#define IR_NO_ROW UINT32_MAX
ir_id ir_pack_rows(ir_graph *g, uint32_t outputs, uint32_t inputs,
                   const float *w, const uint32_t *rows);

/* A dense layer of such weights; b: [outputs] or NULL. */
ir_id ir_linear_rows(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                     const float *w, const uint32_t *rows, const float *b);

ir_id ir_linear_bytes_rows(ir_graph *g, ir_id x, uint32_t inputs,
                           uint32_t outputs, const ir_bytes *w,
                           const uint32_t *rows, const float *b);

/* A convolution's weights [outputs][inputs/groups][taps], group by group. */
ir_id ir_pack_conv(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const float *w);

/* The same of small numbers; floats where they cannot be stored: depthwise, of
   one output, 16-bit floats that are too far apart. */
ir_id ir_pack_bytes(ir_graph *g, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t groups, const ir_bytes *w);
/* A dense layer's, output o being row rows[o], zeros for IR_NO_ROW. */
ir_id ir_pack_bytes_rows(ir_graph *g, uint32_t outputs, uint32_t inputs,
                         const ir_bytes *w, const uint32_t *rows);

/*
 * Bytes less their zero points need nine bits. If it is worth while, 1: rest is
 * the same weights with zero points that leave bytes, and weight o of w is that
 * of rest plus shift[o], so that its sums of products are those of rest plus
 * shift[o] times the sum of what is multiplied. Free shift, which rest borrows
 * from.
 */
int ir_zeros_apart(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const ir_bytes *w,
                   ir_bytes *rest, float **shift);
/* y + shift[o] * sum: of each row of y, [outputs]; sum's last axis is one. */
ir_id ir_add_shifts(ir_graph *g, ir_id y, ir_id sum, uint32_t outputs,
                    const float *shift);
/* The sums of x's rows, along its last axis, which becomes one. */
ir_id ir_sum_rows(ir_graph *g, ir_id x, uint32_t inputs);

/* x with one dim. */
ir_id ir_flat(ir_graph *g, ir_id x);

#endif
