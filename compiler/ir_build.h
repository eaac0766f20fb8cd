/*
 * ir_build.h - what the builders of ir.h share.
 */
#ifndef MLC_IR_BUILD_H
#define MLC_IR_BUILD_H

#include "ir.h"

/* Shape and timing of a value. */
typedef struct ir_shape {
    int timed;
    uint32_t rank;
    uint32_t dims[MLI_MAX_RANK];
} ir_shape;

/* 0 when id is IR_NONE, no value, or the graph has failed already. */
int ir_good(const ir_graph *g, ir_id id);

/* The shape of a value that is good. */
ir_shape ir_shape_of(const ir_graph *g, ir_id id);

/* rank 1, `n` elements */
ir_shape ir_shape1(int timed, uint32_t n);

/* "[2, 3]" of a shape; text has room for 120 characters. */
const char *ir_shape_text(const ir_shape *s, char *text);

int ir_same_dims(const ir_shape *a, const ir_shape *b);

/*
 * Add an operator and its result. Operands are checked to be good. Answers the
 * result, or IR_NONE. ir_made is the node that was added last: set its
 * parameters right after.
 */
ir_id ir_emit(ir_graph *g, mli_op_type type, uint32_t inputs, const ir_id *in,
              const ir_shape *out);
ir_node *ir_made(ir_graph *g);

/* Give the node made last a state. init: `frames` * width floats or NULL. */
void ir_emit_state(ir_graph *g, uint32_t frames, uint32_t width,
                   const float *init);

/* A constant of rank 1 that takes `data` (from malloc, freed in every case).
   data NULL counts as out of memory. */
ir_id ir_take(ir_graph *g, ir_role role, uint64_t n, float *data);

/* An array of nodes and what they own. */
void ir_free_nodes(ir_node *nodes, uint32_t count);

/* The graph has failed: out of memory. */
void ir_fail_memory(ir_graph *g);

/* calloc(n, size), or NULL with the graph failed: n is bounded by
   MLI_MAX_ELEMENTS. */
void *ir_room(ir_graph *g, uint64_t n, size_t size);
float *ir_floats(ir_graph *g, uint64_t n);

/* A copy of text (NULL stays NULL); failing marks the graph out of memory. */
char *ir_text(ir_graph *g, const char *text);

#endif
