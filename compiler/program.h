/*
 * program.h - a graph as the file will hold it: operators in order, tensors
 * numbered, each with its life and its place in the arena.
 */
#ifndef MLC_PROGRAM_H
#define MLC_PROGRAM_H

#include "compiler.h"
#include "ir.h"
#include "rates.h"

typedef struct mlc_tensor {
    ir_id value;
    uint32_t first, last; /* operators; MLI_NONE as in format.h */
    uint32_t offset;      /* floats, in the arena */
} mlc_tensor;

typedef struct mlc_program {
    const ir_graph *g;
    uint32_t *ops; /* nodes in order of execution */
    uint32_t op_count;
    mlc_tensor *tensors; /* inputs, constants, results */
    uint32_t tensor_count;
    uint32_t constants;  /* tensors [inputs, inputs + constants) */
    uint32_t *tensor_of; /* a value's tensor, or MLI_NONE */
    mlc_rates rates;
    uint32_t arena; /* floats; stream: per tick */
    uint32_t arena_bound;
} mlc_program;

/* Number the graph's living nodes and their values. 0 without memory. */
int mlc_program_make(mlc_program *p, const ir_graph *g);
void mlc_program_free(mlc_program *p);

/* The node of operator i. */
const ir_node *mlc_op(const mlc_program *p, uint32_t i);

/*
 * Place the tensors: fills in their offsets, arena and arena_bound. 0 without
 * memory or when the arena would exceed 32 bits.
 */
int mlc_plan(mlc_program *p);

#endif
