/*
 * onnx_image.h - what convolutions, pools and the like have in common: windows
 * along the axes after batch and channel, and values whose channels lie last,
 * as the runtime wants them. A pass takes the transposes between layers away.
 */
#ifndef MLC_ONNX_IMAGE_H
#define MLC_ONNX_IMAGE_H

#include "onnx_run.h"

#define ONNX_MAX_SPATIAL 3

typedef struct onnx_window { /* along one axis */
    int64_t length;          /* of the axis */
    int64_t taps, dilation, stride, before, after;
} onnx_window;

/*
 * Axis k of n (after batch and channel), of so many elements: the attributes
 * strides, dilations, pads and auto_pad. A window that does not fit is an
 * error.
 */
void onnx_read_window(onnx_run *r, onnx_call *c, int k, int n, int64_t length,
                      int64_t taps, onnx_window *w);
/* How many windows there are. */
int64_t onnx_windows(const onnx_window *w);
/* Number k of an attribute's list of numbers from 0 on. */
int64_t onnx_list_at(onnx_run *r, onnx_call *c, const char *name, int k,
                     int64_t fallback);

/* [N, C, axes...] to [N, axes..., C], and back. */
onnx_value *onnx_channels_last(onnx_run *r, onnx_value *v);
onnx_value *onnx_channels_first(onnx_run *r, onnx_value *v);

/* If one of the axes after batch and channel is time: a layer along it. Of an
   image only where it is dynamic: its axes may have any fixed size. */
void onnx_count_layer(onnx_run *r, const onnx_value *v);
/* An operator over the axes after batch and channel: counted as a layer along
   time where one of them is, which a stream cannot do this way ("pools"). */
void onnx_not_along_time(onnx_run *r, onnx_call *c, const onnx_value *v,
                         const char *does);

/* A convolution, of v with its channels last. at: from the axes' numbers. */
typedef struct onnx_conv {
    int axes;
    onnx_window at[ONNX_MAX_SPATIAL];
    int64_t inputs, outputs, groups;
    ir_bytes w;   /* taps of the last two axes; a volume's */
    size_t depth; /* begin so far apart along the first */
    const float *b;
} onnx_conv;
/* A layer's constant weights, an axis of which its outputs are; and how far
   apart its numbers are along all axes. */
void onnx_layer_weights(onnx_run *r, const onnx_value *v, int outputs,
                        ir_bytes *w, size_t *strides);
onnx_value *onnx_conv_last(onnx_run *r, onnx_call *c, onnx_value *v,
                           const onnx_conv *k);

/* Weights whose outputs are put together: rows, each with the scale and zero
   point of an output of w. */
typedef struct onnx_rows {
    ir_bytes w;
    size_t *at;
    float *scale, *zero; /* NULL where w has none */
} onnx_rows;
onnx_rows onnx_rows_new(onnx_run *r, const ir_bytes *w, int64_t rows);
/* A row is of output o, and begins at `start`. */
void onnx_set_row(onnx_rows *to, const ir_bytes *w, int64_t row, int64_t o,
                  size_t start);

/* The attributes and weights; 0 if they are not supported. */
int onnx_read_conv(onnx_run *r, onnx_call *c, onnx_conv *k);

/* Conv of images, and of signals that are no streams. */
void onnx_conv_image(onnx_run *r, onnx_call *c);

/* A window reduction (SUM, MAX, MIN, PROD) along one axis; outside of it
   nothing counts. count: how many windows. */
onnx_value *onnx_pooled(onnx_run *r, onnx_value *v, mli_reduce fn, int axis,
                        const onnx_window *w, int64_t count);

#endif
