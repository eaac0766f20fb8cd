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

/* A convolution's weights [outputs][inputs/groups][taps], group by group. */
ir_id ir_pack_conv(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const float *w);

/* The same of bytes; floats where 8 bits cannot be stored: depthwise, and of
   one output. */
ir_id ir_pack_bytes(ir_graph *g, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t groups, const ir_bytes *w);

/* x with one dim. */
ir_id ir_flat(ir_graph *g, ir_id x);

#endif
