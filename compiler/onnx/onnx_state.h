/*
 * onnx_state.h - inputs of a graph that are what an output was in the call
 * before: a hidden state, a cache.
 */
#ifndef MLC_ONNX_STATE_H
#define MLC_ONNX_STATE_H

#include "onnx_model.h"

/*
 * For each input of the graph the output that it comes back from, or -1: those
 * that asked (count texts "in=out") names, and of the others those whose names
 * and shapes say so: h0/hn, state/stateN, cache_0/cache_0_out, x_state_in/
 * x_state_out, past_k/present_k. A name that the graph does not have leaves
 * through m->exit.
 */
void onnx_find_states(const onnx_model *m, const char *const *asked,
                      size_t count, int *output_of);

/*
 * An input that does nothing but start recurrent layers, through slices and
 * reshapes. Such a state lives in the session.
 */
int onnx_starts_layers(const onnx_graph *g, const char *name);

#endif
