/*
 * recurrent.h - recurrent layers with PyTorch's matrices.
 */
#ifndef MLC_LAYERS_RECURRENT_H
#define MLC_LAYERS_RECURRENT_H

#include "ir.h"

typedef enum mlc_recurrent {
    MLC_LSTM,
    MLC_GRU,
    MLC_RNN_TANH,
    MLC_RNN_RELU
} mlc_recurrent;

uint32_t mlc_recurrent_gates(mlc_recurrent type);

/* One layer from the state zero. m: weight_ih, weight_hh, bias_ih, bias_hh; the
   last two may be NULL. */
ir_id mlc_recurrent_layer(ir_graph *g, mlc_recurrent type, ir_id x,
                          uint32_t inputs, uint32_t units, float *const *m);

#endif
