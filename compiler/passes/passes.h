/*
 * passes.h - changes of a graph that keep what it computes.
 *
 * Every pass keeps the numerical contract (a folded scale is one more rounding
 * of each weight, within the 8 of K+8), latencies and first frames, and leaves
 * no more operators and no more multiply-accumulates than it found.
 */
#ifndef MLC_PASSES_H
#define MLC_PASSES_H

#include "compiler.h"
#include "ir.h"

typedef struct ir_tally { /* what was done, for the report */
    uint32_t unused;      /* operators */
    uint32_t states;      /* histories and recurrent states, or parts of them */
    uint32_t channels;    /* outputs of layers */
    uint32_t layout;      /* operators */
    uint32_t transposes;
    uint32_t scales;    /* folded into a layer */
    uint32_t chains;    /* element-wise operators into the one after */
    uint32_t products;  /* layers into the one after */
    uint32_t functions; /* of all layers, */
    uint32_t convs;     /* of convolutions */
    uint32_t shared;    /* constants */
    uint32_t folded;
} ir_tally;

/* All of them, in order. Trouble stays in the graph's error. */
void ir_passes(ir_graph *g, ir_tally *tally);

/* Operators that no output needs. */
void ir_pass_unused(ir_graph *g, ir_tally *tally);
/* Layout operators that change nothing, in a row, or are only a reshape. */
void ir_pass_layout(ir_graph *g, ir_tally *tally);
/* Transposes down to where they meet their opposites. */
void ir_pass_transposes(ir_graph *g, ir_tally *tally);
/* Scales and shifts into the weights and biases of the layer before. */
void ir_pass_scales(ir_graph *g, ir_tally *tally);
/* Those into the layer after. */
void ir_pass_ahead(ir_graph *g, ir_tally *tally);
/* Element-wise operators in a row. */
void ir_pass_chains(ir_graph *g, ir_tally *tally);
/* Layers in a row, where one multiplies less. */
void ir_pass_products(ir_graph *g, ir_tally *tally);
/* Channels that nobody reads. */
void ir_pass_channels(ir_graph *g, ir_tally *tally);
/* The oldest taps of convolutions, where they are zero. */
void ir_pass_histories(ir_graph *g, ir_tally *tally);
/* Element-wise functions into the layer before. */
void ir_pass_functions(ir_graph *g, ir_tally *tally);
/* Equal constants become one. */
void ir_pass_shared(ir_graph *g, ir_tally *tally);
/* Matrices that are stored in fewer bits become floats, but for those stored as
   `keep`. */
void ir_widen_weights(ir_graph *g, mli_storage keep);
/* After all of these: the matrices of layers are stored so, where it takes less
   room; int4 only those of dense layers, others as int8. */
void ir_store_weights(ir_graph *g, mli_storage storage);
/*
 * Values whose ranges layers need to compute in integers: what dense layers and
 * convolutions read, what recurrent layers make. *values is to be freed;
 * answers how many.
 */
uint32_t ir_find_readings(ir_graph *g, ir_id **values);
/*
 * After all of these, with f32 matrices: layers compute in integers whose
 * range is among the count ones and is not empty, if that pays; but not the
 * k-th of those that could if floats[k] is set. Answers how many could.
 */
uint32_t ir_use_integers(ir_graph *g, const ir_id *values,
                         const mlc_range *ranges, uint32_t count,
                         const uint8_t *floats, uint32_t floats_count,
                         int everywhere);
/* A node on constants alone becomes one, if the result is small: 1. */
int ir_fold_node(ir_graph *g, uint32_t node);
/* All such. */
void ir_pass_constants(ir_graph *g, ir_tally *tally);

#endif
