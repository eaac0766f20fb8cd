/*
 * onnx_conv_time.h - convolutions along time.
 */
#ifndef MLC_ONNX_CONV_TIME_H
#define MLC_ONNX_CONV_TIME_H

#include "onnx_image.h"

#define ONNX_MAX_BATCH 64

/* x [N, C, time]; the result has so many frames. w of the transposed one:
   [inputs][outputs/groups][taps]; before: frames cropped in front. */
onnx_value *onnx_conv_transpose_in_time(onnx_run *r, onnx_value *x,
                                        const onnx_conv *k, int64_t count);
#endif
