/*
 * draft.h - a first description of layers, from the names and shapes of
 * tensors.
 */
#ifndef MLC_LAYERS_DRAFT_H
#define MLC_LAYERS_DRAFT_H

#include "layers/weights.h"

/*
 * A description as text, to be freed; NULL without memory. file: the name of
 * the weights, NULL: left out. certain: the tensors leave no choice: only
 * recurrent, convolution and dense layers, each of which takes what the one
 * before it makes.
 */
char *mlc_draft_of(const mlc_weights *w, const char *file, int *certain);

#endif
