/*
 * taken.h - importers that are given a file's bytes for good: while the graph
 * is compiled the file is in memory no more.
 */
#ifndef MLC_TAKEN_H
#define MLC_TAKEN_H

#include "compiler.h"

/* As those of compiler.h. *bytes, from malloc, are freed and become NULL as
   soon as they have been read; where that fails they stay. */
mlc_status mlc_take_onnx(uint8_t **bytes, size_t size, const char *path,
                         const mlc_options *options, mlc_image *image,
                         mlc_error *error);
mlc_status mlc_take_tflite(uint8_t **bytes, size_t size,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error);

#endif
