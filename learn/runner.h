/*
 * runner.h - a step model in memory, with a session to run it.
 */
#ifndef LEARN_RUNNER_H
#define LEARN_RUNNER_H

#include "compiler.h"
#include "mlinfer.h"

typedef struct learn_runner {
    mlc_image image;
    mli_model model;
    mli_session *session; /* NULL: there is none */
    void *memory;
} learn_runner;

/* Takes the image, of a step model with one input and one output port (frees it
   in every case). */
mlc_status learn_runner_make(learn_runner *r, mlc_image *image,
                             const mli_kernels *kernels, mlc_error *error);
void learn_runner_free(learn_runner *r);

/* No allocation, lock or system call. */
void learn_runner_run(learn_runner *r, const float *x, float *y);

#endif
