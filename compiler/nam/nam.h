/*
 * nam.h - what the parts of the .nam importer share.
 *
 * A .nam file is a JSON object: version, architecture, config, weights (one
 * flat array of numbers), and often sample_rate and metadata. A model may hold
 * others (SlimmableContainer, condition_dsp). It is read in two steps: each
 * object is walked through once to find where its members lie, then they are
 * read in the order that they are needed in.
 *
 * Functions that return int answer 1, or 0 after an error, which is kept in the
 * import: the first one stays.
 */
#ifndef NAM_H
#define NAM_H

#include "compiler.h"
#include "ir.h"
#include "doc.h"

/* Limits. All real models are far inside; what they bound is what a file of a
   few bytes could ask for. */
#define NAM_MAX_PORTS    64u        /* channels in, channels out */
#define NAM_MAX_CHANNELS 16384u     /* inside */
#define NAM_MAX_TAPS     (1u << 24) /* of a kernel, of an impulse response */
#define NAM_MAX_LAYERS   4096u      /* in one stack */
#define NAM_MAX_STACKS   256u       /* layer arrays, sizes in a container */
#define NAM_MAX_NESTED   8u         /* models inside models */
#define NAM_MAX_REACH    (1u << 18) /* frames a stack looks back, in all */
#define NAM_MAX_HISTORY  (1u << 22) /* floats of history, in all */

typedef struct nam_import {
    mlc_doc doc;       /* the text, the place in it, the error, the graph */
    char unknown[768]; /* activations that do not exist: all are listed */
    uint32_t nested;
    uint64_t history;
    uint64_t parameters;
    ir_id input; /* IR_NONE until the first model says how many channels */
    uint32_t input_channels;
} nam_import;

/* A value of the graph, timed, rank 1. */
typedef struct nam_signal {
    ir_id id;
    uint32_t channels;
} nam_signal;

/* One model: the file itself or one inside it. */
typedef struct nam_model {
    char version[24];
    char architecture[32];
    mlc_field config;
    mlc_field metadata, inner_metadata; /* inner: of the model in use inside */
    double rate;                        /* Hz, 0: unknown */
    float *weights;
    size_t weight_count, weights_read;
    /* what building adds */
    uint32_t prewarm;  /* frames of silence */
    char made_of[192]; /* "WaveNet 0.5.4" */
} nam_model;

/* --------------------------------------------------------- weights.c ---- */

/* Numbers in a convolution (taps = 1: a dense layer). */
uint64_t nam_conv_size(uint32_t inputs, uint32_t outputs, uint32_t taps,
                       uint32_t groups, int bias);
/* Compare what the config needs with what the file has. */
int nam_check_weights(nam_import *m, const nam_model *model, uint64_t needed);
/* The next n weights; n is within what was checked. */
const float *nam_take(nam_model *model, uint64_t n);
/* groups must divide both. */
int nam_check_groups(nam_import *m, const char *key, uint32_t groups,
                     uint32_t inputs, uint32_t outputs);
/* Count the history of a convolution against the limits. reach: frames, summed
   by the caller over a model. */
int nam_add_reach(nam_import *m, const char *key, uint32_t taps,
                  uint32_t dilation, uint32_t channels, uint32_t *reach);

/*
 * A convolution, or what does the same at less cost: one tap is a dense layer,
 * one tap per channel a scale, small groups one matrix with zeros.
 */
ir_id nam_conv(nam_import *m, ir_id x, uint32_t inputs, uint32_t outputs,
               uint32_t taps, uint32_t dilation, uint32_t groups,
               const float *w, const float *b);

/* ------------------------------------------------------ activation.c ---- */

typedef struct nam_activation {
    mli_unary fn;
    float p, q;       /* of fn */
    float low, high;  /* the limits of MLI_LEAKY_HARD_TANH */
    mlc_field slopes; /* PReLU: one for each channel; then fn is not used */
} nam_activation;

/* An unknown one is noted in m->unknown and stands for the identity. */
int nam_read_activation(nam_import *m, const mlc_field *f, nam_activation *a);
/* Slopes fit the number of channels? */
int nam_check_activation(nam_import *m, const nam_activation *a,
                         uint32_t channels);
ir_id nam_activate(nam_import *m, const nam_activation *a, ir_id x,
                   uint32_t channels);

/* ------------------------------------------------- the architectures ---- */

/* The input, from the first model that asks on; later ones must agree. */
int nam_input(nam_import *m, const char *key, uint32_t channels,
              nam_signal *in);

/* Build one model: the file's, or one inside it that lies under `key`. */
int nam_build(nam_import *m, const char *key, mlc_json_range json,
              nam_model *model, nam_signal *out);

int nam_wavenet(nam_import *m, nam_model *model, nam_signal *out);
int nam_lstm(nam_import *m, nam_model *model, nam_signal *out);
int nam_convnet(nam_import *m, nam_model *model, nam_signal *out);
int nam_linear(nam_import *m, nam_model *model, nam_signal *out);
int nam_container(nam_import *m, nam_model *model, nam_signal *out);

#endif
