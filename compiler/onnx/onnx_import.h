/*
 * onnx_import.h - a model on its way in: what the walks over it have in common.
 */
#ifndef MLC_ONNX_IMPORT_H
#define MLC_ONNX_IMPORT_H

#include "onnx_run.h"

typedef struct onnx_import {
    onnx_exit *exit; /* while no walk is under way */
    onnx_model model;
    onnx_pool pool; /* of the model */
    const mlc_options *options;
    const onnx_bind *binds;
    size_t bind_count;
    size_t file_size;
    uint8_t **taken;    /* the file's bytes, to be freed when they have been
                           read; or NULL */
    int *initial_state; /* of each graph input: only an initial state */
    int *output_of;     /* of each graph input: the output that it was in the
                           call before, -1: none */
} onnx_import;

/* Name all inputs in s: with r's assumption of what is time. */
void onnx_name_inputs(onnx_run *r, const onnx_import *m, onnx_scope *s);

/* What inputs that outputs come back to will be in the next call. */
void onnx_carry(onnx_run *r, const onnx_import *m, onnx_scope *s);

/* All outputs, at one latency, but for states that stay in the session. */
void onnx_make_outputs(onnx_run *r, const onnx_import *m, onnx_scope *s);

#endif
