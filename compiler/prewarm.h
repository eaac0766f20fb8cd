/*
 * prewarm.h - the state that a model is in after some silence.
 */
#ifndef MLC_PREWARM_H
#define MLC_PREWARM_H

#include "compiler.h"
#include "ir.h"

/*
 * Run the stream model in `bytes`, which was written from g, over g->prewarm
 * frames of silence, rounded up to a multiple of 64 and then to whole
 * cycles of its rates, and make the states that
 * this leaves the initial ones of g's nodes.
 */
mlc_status mlc_prewarm(ir_graph *g, const uint8_t *bytes, size_t size,
                       mlc_error *error);

#endif
