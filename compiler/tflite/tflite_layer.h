/*
 * tflite_layer.h - what dense layers, convolutions and pooling share.
 *
 * A layer computes with real numbers, or with whole ones when its input is
 * quantised, or (dynamic range) with whole ones that are made of a real input
 * in every run.
 */
#ifndef MLC_TFLITE_LAYER_H
#define MLC_TFLITE_LAYER_H

#include "tflite_run.h"

typedef struct tfl_layer {
    tfl_value *x, *w, *b;
    uint32_t outputs;
    int activation;
    int asymmetric; /* hybrid: how its input was made whole */
    ir_id range;    /* hybrid: the scale of x's whole numbers, else IR_NONE */
    ir_id low;      /* sums of the low halves, IR_NONE: they are whole */
} tfl_layer;

enum { TFL_FLOAT_LAYER, TFL_WHOLE_LAYER, TFL_HYBRID_LAYER };

int tfl_layer_kind(const tfl_layer *l);
/* Weights as this kind of layer multiplies them, but for their steps; axis: the
   outputs'. */
void tfl_layer_weights(tfl_run *r, const tfl_layer *l, uint32_t axis,
                       ir_bytes *w);
/* The bias, if it goes into the sums: a hybrid layer adds it after. */
const float *tfl_layer_bias(tfl_run *r, tfl_call *c, const tfl_layer *l);
/* Are weights and bias known? Else the operator is unsupported. */
int tfl_layer_usable(tfl_run *r, tfl_call *c, tfl_layer *l);
/* The layer's input, as this kind of layer multiplies it; of a hybrid one the
   `axes` (bits) have one scale in common. */
ir_id tfl_layer_input(tfl_run *r, tfl_layer *l, uint32_t axes, int asymmetric);
/* y: the result of the operator that was made last, sums of products. If they
   are larger than a float holds, the answer is 1/256 of them, and l->low what
   is left. */
ir_id tfl_layer_exact(tfl_run *r, const tfl_call *c, tfl_layer *l, ir_id y);
/* Sums of products to the layer's output. */
void tfl_layer_finish(tfl_run *r, tfl_call *c, const tfl_layer *l, ir_id y);

/* Padding in front and behind, as "same" means it. */
void tfl_same_padding(uint32_t in, uint32_t size, uint32_t step,
                      uint32_t dilation, uint32_t *before, uint32_t *after);
/* `count` sizes, steps or dilations; leaves when one is 0 or too large. */
void tfl_sensible(tfl_run *r, const tfl_call *c, const uint32_t *n, int count);
/* Input and weights must have 4 axes. */
void tfl_image_layer(tfl_run *r, const tfl_call *c, const tfl_layer *l);

/* A convolution of an input with time, the other axes of x are 1. 0: it is
   unsupported. */
typedef struct tfl_time_kernel {
    uint32_t taps, dilation, step, groups;
    int same;
} tfl_time_kernel;

int tfl_conv_in_time(tfl_run *r, tfl_call *c, tfl_layer *l,
                     const tfl_time_kernel *k, const ir_bytes *w);

#endif
