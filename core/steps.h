/*
 * steps.h - what the preparations of operators share. A preparation turns an
 * operator of the file into steps. Families of operators have files of their
 * own (prepare_*.c), all entered in the table of prepare.c.
 */
#ifndef MLI_STEPS_H
#define MLI_STEPS_H

#include "session.h"

typedef struct prepare {
    mli_session *s;
    const mli_file *f;
    const mli_file_op *op;
    const mli_file_tensor *x, *y;
} prepare;

/* Strides in floats, an axis each. */
typedef int64_t strides[MLI_MAX_RANK];

/* prepare.c: a convolution with interleaved tensors */
void mli_prepare_conv1d(const prepare *p);

/* prepare_classical.c */
void mli_prepare_trees(const prepare *p);
void mli_prepare_distance(const prepare *p);
void mli_prepare_couple(const prepare *p);

/* Where a tensor lies. */
const float *mli_place(const prepare *p, const mli_file_tensor *t);
/* The i-th input's place, NULL past the last. */
const float *mli_step_operand(const prepare *p, uint32_t i);
/* Give a product its matrix, which is the i-th input. */
void mli_give_matrix(const prepare *p, uint32_t i, mli_conv *a);
/* A step from the first input to y, its `rows` 1. */
mli_step *mli_add_step(const prepare *p, mli_step_run *run);
/* No more of it than what all steps have; `bytes` to the next one. */
mli_step *mli_add_bare_step(const prepare *p, mli_step_run *run,
                            uint32_t bytes);
/* The function that an operator ends with. */
void mli_add_function(const prepare *p);
/* A map step; size: floats of a row */
mli_map_step *mli_step_by_rows(const prepare *p, mli_step_run *run,
                               uint32_t size);

void mli_own_strides(const mli_file_tensor *t, strides s);
/* The strides of t along y's axes: 0 where t is broadcast. */
void mli_broadcast_strides(const mli_file_tensor *t, const mli_file_tensor *y,
                           strides s);
int64_t mli_time_stride(const mli_file_tensor *t);
/*
 * Fill in a walk over these axes: without those of length 1, and joined where
 * they can be.
 */
void mli_set_walk(mli_walk_step *w, const mli_file_tensor *axes,
                  const strides a, const strides b, int64_t a_time,
                  int64_t b_time);
/* Copy over the axes of a tensor from x to y, both with offsets. */
void mli_add_copy(const prepare *p, const mli_file_tensor *x,
                  const mli_file_tensor *axes, const strides sx,
                  int64_t x_offset, const strides sy, int64_t y_offset);

/* prepare_image.c */
void mli_join_taps(mli_conv *a, uint32_t columns); /* of a plain array */
void mli_prepare_conv2d(const prepare *p);
void mli_prepare_pool(const prepare *p);
/* prepare_pick.c */
void mli_prepare_select(const prepare *p);
void mli_prepare_gather(const prepare *p);
void mli_prepare_scatter(const prepare *p);
void mli_prepare_arg(const prepare *p);
void mli_prepare_topk(const prepare *p);
void mli_prepare_cumulate(const prepare *p);
/* prepare_requantize.c */
void mli_prepare_requantize(const prepare *p);
/* prepare_bytes.c */
void mli_prepare_to_bytes(const prepare *p);
/* prepare_rates.c */
void mli_prepare_unfold(const prepare *p);
void mli_prepare_depth_to_time(const prepare *p);
/* prepare_carry.c */
void mli_prepare_recall(const prepare *p);
void mli_prepare_store(const prepare *p);
/* prepare_signal.c */
void mli_prepare_random(const prepare *p);
void mli_prepare_dft(const prepare *p);
void mli_prepare_matmul(const prepare *p);

#endif
