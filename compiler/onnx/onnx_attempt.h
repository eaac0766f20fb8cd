/*
 * onnx_attempt.h - one walk over a model, with one axis of one input as time.
 */
#ifndef MLC_ONNX_ATTEMPT_H
#define MLC_ONNX_ATTEMPT_H

#include "onnx_import.h"

#define ONNX_OLDEST_OPSET 1
#define ONNX_NEWEST_OPSET 23
#define ONNX_MEMORY       ((size_t)3 << 25) /* beyond ONNX_MEMORY_A_BYTE */

typedef struct onnx_attempt {
    mli_mode mode;
    int input, axis; /* what is taken for time, -1: nothing */
    int64_t frames;
} onnx_attempt;

typedef struct onnx_outcome {
    ir_graph *g;    /* NULL: it did not work, for the reason in error */
    int why;        /* 0 or onnx_why */
    int layers;     /* along time */
    int64_t stride; /* the slowest rate seen comes once in so many frames */
    mlc_error error;
} onnx_outcome;

/* Try one way of meeting time. o->g belongs to the caller. */
void onnx_try(onnx_import *m, const onnx_attempt *a, onnx_outcome *o);

/* A hash of all that must not depend on what time was bound to. */
uint64_t onnx_graph_hash(const ir_graph *g);

/* How the model meets time: its graph, or why there is none. */
mlc_status onnx_meet_time(onnx_import *m, ir_graph **g, mlc_error *error);

#endif
