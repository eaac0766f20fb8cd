/*
 * reference_ops.h - operators of the plain reference that have files of their
 * own: one frame, in double precision.
 */
#ifndef REFERENCE_OPS_H
#define REFERENCE_OPS_H

#include "format.h"

typedef struct reference_frame {
    const mli_file_op *op;
    const mli_file_tensor *x, *y; /* the first input's, the output's dims */
    const double *in[3];          /* operands, NULL past the last */
    double *out;
} reference_frame;

/* What an operator's function makes of x. */
double reference_fn(const mli_file_op *op, double x);

/* reference_image.c */
void reference_conv2d(const reference_frame *r);
void reference_pool(const reference_frame *r);

#endif
