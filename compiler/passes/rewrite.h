/*
 * rewrite.h - what passes share.
 */
#ifndef MLC_REWRITE_H
#define MLC_REWRITE_H

#include "ir.h"

/* How many living nodes and output ports read each value; for free(). NULL
   without memory (the graph then fails). */
uint32_t *ir_count_readers(ir_graph *g);

/*
 * The packed matrices that operand k of a layer is: so many one after another,
 * each of outputs * taps * inputs. A depthwise convolution has a single one, of
 * one input. matrices is 0 if the operand is none.
 */
typedef struct ir_matrix {
    uint32_t matrices, outputs, taps, inputs;
    int depthwise;
} ir_matrix;
ir_matrix ir_matrix_of(const ir_graph *g, const ir_node *layer, uint32_t k);
/* Another constant like it; IR_NONE without memory. */
ir_id ir_copy_constant(ir_graph *g, ir_id constant);
/* The scales of a stored matrix. */
float *ir_scales_of(const ir_value *v);

/*
 * Replacing values: start with every value standing for itself, set
 * stands_for[old] = new while going through the nodes in order (resolve each
 * node's operands first), finish with the output ports.
 */
ir_id *ir_begin_replacing(ir_graph *g);
void ir_resolve(ir_node *node, const ir_id *stands_for);
void ir_end_replacing(ir_graph *g, ir_id *stands_for); /* frees it */

#endif
