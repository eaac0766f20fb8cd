/*
 * rtneural.h - what the parts of the RTNeural importer share.
 *
 * The JSON that RTNeural's Python scripts write from a Keras model: in_shape
 * and layers, each with its type, activation, shape and weights in Keras's
 * order. AIDA-X files (.json, .aidax) are the same with a few members more.
 */
#ifndef RTNEURAL_H
#define RTNEURAL_H

#include "doc.h"

#define RTN_MAX_INPUTS 64u
#define RTN_MAX_WIDTH  16384u /* values in a frame, between layers */
#define RTN_MAX_LAYERS 4096u
#define RTN_MAX_REACH  (1u << 18) /* frames a model looks back, in all */
#define RTN_MAX_MATRIX (1u << 24) /* numbers, of a 2-D convolution as 1-D */

typedef struct rtn_import {
    mlc_doc doc;
    uint64_t parameters; /* numbers in the layers' weights */
    uint32_t reach;      /* frames that the layers so far look back */
    mlc_field layers;
    uint32_t inputs;   /* values in a frame of the input */
    uint32_t channels; /* the last of in_shape if that has four, else 0 */
} rtn_import;

/* A value on its way through the layers, timed. */
typedef struct rtn_signal {
    ir_id id;          /* rank 1 */
    uint32_t width;    /* values in a frame */
    uint32_t channels; /* 2-D: features * channels = width, the channels
                          fastest; else width */
} rtn_signal;

/* ---------------------------------------------------------- layers.c ---- */

/* The layers on x; counts parameters anew. */
int rtn_layers(rtn_import *m, rtn_signal *x);

/* ---------------------------------------------------------- conv2d.c ---- */

/* w: [time][feature][in][out]; b may be NULL. */
int rtn_conv2d(rtn_import *m, const mlc_field *fields, rtn_signal *x,
               const mlc_doc_array *a, const float *w, const float *b);

/* The members of a layer. */
enum {
    RTN_TYPE,
    RTN_ACTIVATION,
    RTN_SHAPE,
    RTN_WEIGHTS,
    RTN_KERNEL_SIZE,
    RTN_DILATION,
    RTN_GROUPS,
    RTN_STRIDES,
    RTN_EPSILON,
    RTN_PADDING,
    RTN_FIELDS
};

/* A whole number, or the last one of an array; absent stays as it is. */
int rtn_last(rtn_import *m, const mlc_field *f, uint32_t high, uint32_t *value);
/* Count what a convolution looks back. */
int rtn_reach(rtn_import *m, uint32_t taps, uint32_t dilation);

/* ----------------------------------------------------------- aidax.c ---- */

enum {
    RTN_IN_SKIP,
    RTN_IN_GAIN,
    RTN_OUT_GAIN,
    RTN_METADATA,
    RTN_INPUT_BATCH,
    RTN_OUTPUT_BATCH,
    RTN_AIDAX_FIELDS
};

/* Does one of the members stand there? */
int rtn_is_aidax(const rtn_import *m, const mlc_field *fields);
/* The whole graph of an AIDA-X file. */
int rtn_aidax(rtn_import *m, const mlc_field *fields);
/* Hold the layers against the batch in the file, if there is one. */
int rtn_conformance(rtn_import *m, const mlc_field *fields);

#endif
