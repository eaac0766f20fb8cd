/*
 * formats.h - what the compiler opens, format by format, and what it takes of
 * each. The lists are the importers' own tables, so they cannot be out of date;
 * README's table is made of them (`mlinfer formats --markdown`).
 */
#ifndef MLC_FORMATS_H
#define MLC_FORMATS_H

#include <stddef.h>

typedef struct mlc_format {
    const char *name;
    const char *files; /* how such files are usually called */
    const char *parts; /* what `part` lists: "operators" ... */
    /* The i-th part's name as the format spells it, NULL past the last. */
    const char *(*part)(size_t i);
} mlc_format;

/* NULL past the last. */
const mlc_format *mlc_format_at(size_t i);

/* How files that open end: ".bin, .onnx ... or .aidax". */
void mlc_format_endings(char *text, size_t size);

/* The importers' tables. */
const char *mlc_onnx_operator(size_t i);
const char *mlc_onnx_ml_operator(size_t i);
const char *mlc_nam_architecture(size_t i);
const char *mlc_tflite_operator(size_t i);
const char *mlc_rtneural_layer(size_t i);
const char *mlc_guitarml_model(size_t i);
const char *mlc_layers_type(size_t i);

#endif
