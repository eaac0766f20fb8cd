/*
 * kind.h - what a file is, told by its bytes.
 */
#ifndef MLC_KIND_H
#define MLC_KIND_H

#include <stddef.h>
#include <stdint.h>
#include "compiler.h"

typedef enum mlc_kind {
    MLC_KIND_MODEL, /* model.bin */
    MLC_KIND_NAM,
    MLC_KIND_ONNX,
    MLC_KIND_TFLITE,
    MLC_KIND_RTNEURAL, /* AIDA-X, too */
    MLC_KIND_GUITARML,
    MLC_KIND_LAYERS,  /* a description of layers */
    MLC_KIND_WEIGHTS, /* tensors without a graph */
    MLC_KIND_FOREIGN  /* none of these */
} mlc_kind;

/*
 * The kind of `size` bytes, which need not be whole or right. For a foreign one
 * the error says what it is and the next step to take.
 */
mlc_kind mlc_kind_of(const uint8_t *bytes, size_t size, mlc_error *error);

#endif
