/*
 * onnx_cell.h - recurrent layers written out step by step.
 */
#ifndef MLC_ONNX_CELL_H
#define MLC_ONNX_CELL_H

#include "onnx_run.h"

/* kind: 0 LSTM, 1 GRU, 2 RNN. Is it a form that the core's layers are not? */
int onnx_is_unusual(const onnx_call *c, int kind);
/* The whole node, over the frames that its input has; not in a stream. */
void onnx_cells(onnx_run *r, onnx_call *c, int kind);

#endif
