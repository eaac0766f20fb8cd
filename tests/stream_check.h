/*
 * stream_check.h - a model file opened and held against known frames, for tests
 * of importers.
 */
#ifndef STREAM_CHECK_H
#define STREAM_CHECK_H

#define CLOSE 1e-5 /* of full scale */

#include "compiler.h"
#include "npy.h"

/* The checkout: MLI_ROOT, or the current folder. */
const char *root(void);
/* The folder of the real models, or NULL when it is not here. */
const char *real_models(void);
/* The file `name` under tests/goldens, in text (500 characters). */
char *golden_path(char *text, const char *name);

/* A whole file; the test fails without it. To be freed. */
uint8_t *read_whole(const char *path, size_t *size);

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

/* tests/goldens/`folder`/`file`, which must be there. */
npy_array golden_array(const char *folder, const char *file);

/* tests/goldens/`folder`/`name`.json against `input` and `name`.output.npy
   there: within 1e-5 of full scale. */
void check_golden(const char *folder, const char *name, const char *input,
                  const float *controls);

/* RTNeural's model `name` among the real ones, against what stands beside. */
void check_rtneural(const char *folder, const char *name);

/* A text that an importer must refuse, in one line that has these words. */
typedef struct refusal {
    const char *text;
    mlc_status status;
    const char *words;
} refusal;

typedef mlc_status importer(const uint8_t *bytes, size_t size,
                            const mlc_options *options, mlc_image *out,
                            mlc_error *error);
/* Fails the test where one is taken, or refused with other words. */
void check_refusals(const refusal *wrongs, size_t count, importer *import);

#endif
