/*
 * onnx_cell.h - recurrent layers written out step by step.
 */
#ifndef MLC_ONNX_CELL_H
#define MLC_ONNX_CELL_H

#include "onnx_run.h"

/* kind: ONNX_LSTM, ONNX_GRU or ONNX_RNN. Is it a form that the core's layers
   are not? Weights that are computed, functions other than the usual ones (or
   ReLU in all of an RNN), clipping, coupled gates, peepholes, shorter
   sequences. */
int onnx_is_unusual(const onnx_call *c, int kind);
/* In what is not unusual: is an RNN's function ReLU instead of tanh? */
int onnx_is_relu(const onnx_call *c);
/* The whole node, over the frames that its input has; not in a stream. */
void onnx_cells(onnx_run *r, onnx_call *c, int kind);

#endif
