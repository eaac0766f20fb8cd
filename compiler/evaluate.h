/*
 * evaluate.h - a graph without inputs, run once while compiling.
 */
#ifndef MLC_EVALUATE_H
#define MLC_EVALUATE_H

#include "ir.h"

/*
 * Run a step graph that has no inputs and one output, with the plain C kernels:
 * the runtime would compute these very bits. out: the output's elements. 0 if
 * it cannot be run.
 */
int mlc_evaluate(const ir_graph *g, float *out);

/*
 * About how many nanoseconds that takes: compiling, writing and running. Few
 * bytes can ask for any number of them.
 */
double mlc_evaluate_cost(const ir_graph *g);

#endif
