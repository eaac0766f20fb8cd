/*
 * stream_check.h - a model file opened and held against known frames, for tests
 * of importers.
 */
#ifndef STREAM_CHECK_H
#define STREAM_CHECK_H

#include "compiler.h"
#include "npy.h"

/* The folder of the real models, or NULL when it is not here. */
const char *real_models(void);
/* The file `name` under tests/goldens, in text (500 characters). */
char *golden_path(char *text, const char *name);

/* A whole file; the test fails without it. To be freed. */
uint8_t *read_whole(const char *path, size_t *size);

/* Numbers of a text file, parted by commas, blanks or lines: [lines][numbers in
   the first line]. -1 if there is no such file. */
int read_csv(const char *path, npy_array *a);

/*
 * Run x [frames][channels] through a stream or step model with every kernel
 * build at blocks of 1, 7, 64 and 1000 and hold it against y from frame `skip`
 * on (y[0] is the output at frame `skip`). Answers the largest difference in
 * parts of the largest absolute value of y. controls: values for the control
 * inputs, in order, NULL: their initial ones.
 */
double stream_difference(const mlc_image *image, const npy_array *x,
                         const npy_array *y, size_t skip,
                         const float *controls);

/* mlc_load, which must succeed. */
mlc_image load_model(const char *path);

#endif
