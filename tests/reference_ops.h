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
    const mli_file_tensor *operand[5]; /* NULL past the last */
    const double *in[5];               /* operands, NULL past the last */
    double *out;
} reference_frame;

/* Words of bytes are whole numbers of 32 bits here. Byte i of some. */
static inline double reference_byte(const double *words, size_t i)
{
    return (int8_t)((uint32_t)words[i / 4] >> i % 4 * 8);
}

/* What an operator's function makes of x. */
double reference_fn(const mli_file_op *op, double x);

/* reference_image.c */
void reference_conv2d(const reference_frame *r);
void reference_pool(const reference_frame *r);
/* reference_classical.c */
void reference_trees(const reference_frame *r);
void reference_distance(const reference_frame *r);
void reference_couple(const reference_frame *r);
/* reference_pick.c */
void reference_select(const reference_frame *r);
void reference_gather(const reference_frame *r);
void reference_scatter(const reference_frame *r);
void reference_arg(const reference_frame *r);
void reference_topk(const reference_frame *r);
void reference_cumulate(const reference_frame *r);
/* reference_signal.c */
void reference_dft(const reference_frame *r);
void reference_matmul(const reference_frame *r);

#endif
