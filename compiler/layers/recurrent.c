/*
 * recurrent.c - see recurrent.h.
 */
#include <stddef.h>
#include "layers/recurrent.h"

uint32_t mlc_recurrent_gates(mlc_recurrent type)
{
    return type == MLC_LSTM ? 4 : type == MLC_GRU ? 3 : 1;
}

ir_id mlc_recurrent_layer(ir_graph *g, mlc_recurrent type, ir_id x,
                          uint32_t inputs, uint32_t units, float *const *m)
{
    switch (type) {
    case MLC_LSTM:
        return ir_lstm(g, x, inputs, units, m[0], m[1], m[2], m[3], NULL, NULL);
    case MLC_GRU:
        return ir_gru(g, x, inputs, units, m[0], m[1], m[2], m[3], NULL, 0);
    default:
        return ir_rnn(g, x, inputs, units, m[0], m[1], m[2], m[3], NULL,
                      type == MLC_RNN_RELU ? MLI_RELU : MLI_TANH);
    }
}
