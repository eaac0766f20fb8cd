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

/* A convolution's weights [outputs][inputs/groups][taps], group by group. */
ir_id ir_pack_conv(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const float *w);

/* x with one dim. */
ir_id ir_flat(ir_graph *g, ir_id x);

#endif
