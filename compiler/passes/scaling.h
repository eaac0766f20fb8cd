/*
 * scaling.h - nodes that multiply and add a constant, channel by channel:
 * AFFINE (batch normalisation), BINARY with a constant (sums, differences,
 * products, quotients), UNARY where it negates.
 */
#ifndef MLC_SCALING_H
#define MLC_SCALING_H

#include "ir.h"

typedef struct ir_scaling { /* y = scale[c] * x + shift[c] */
    double *scale, *shift;
    uint32_t n; /* channels: x's last dim, 1 for rank 0 */
} ir_scaling;

/* What a node does to its operand x; 0 if it is none of these, or no memory.
   Its function, if it ends in one, comes after. */
int ir_read_scaling(const ir_graph *g, const ir_node *node, ir_id x,
                    ir_scaling *s);
void ir_free_scaling(ir_scaling *s);

/* No function comes after. */
int ir_scales_only(const ir_node *node);

/* The operand that is not constant; IR_NONE: none or several are. */
ir_id ir_scaled_operand(const ir_graph *g, const ir_node *node);

/*
 * May the shift be moved past what follows? A shift that is larger than what is
 * scaled, such as a mean that is taken off, leaves small numbers: taken off
 * later, they would have lost their digits. Signals are about 1.
 */
int ir_shift_is_small(const ir_scaling *s);

/*
 * By value: readers that round to whole numbers, or what made it did. There a
 * result must not move by a last digit, and is exact as it is. For free(); NULL
 * without memory (the graph then fails).
 */
char *ir_find_rounded(ir_graph *g);

#endif
