/*
 * shapes.h - what the derivations of shapes share. An operator's derivation
 * says whether its parameters are in range and its result has the shape that
 * its operands give. Families of operators have files of their own
 * (verify_*.c), all entered in the table of verify_shapes.c.
 */
#ifndef MLI_SHAPES_H
#define MLI_SHAPES_H

#include "verify.h"
#include "weights.h"

typedef struct op_view {
    const mli_file *file;
    const mli_file_op *op;
    const mli_file_tensor *x; /* the first input */
    const mli_file_tensor *y;
    uint64_t *left; /* nodes that may still be looked at, in all */
} op_view;

/* verify_trees.c, verify_distance.c */
mli_status mli_derive_trees(const op_view *v);
mli_status mli_derive_distance(const op_view *v);
mli_status mli_derive_couple(const op_view *v);
/* verify_requantize.c */
mli_status mli_derive_requantize(const op_view *v);
/* verify_bytes.c */
mli_status mli_derive_to_bytes(const op_view *v);
/* verify_rates.c */
mli_status mli_derive_unfold(const op_view *v);
mli_status mli_derive_depth_to_time(const op_view *v);
/* verify_carry.c */
mli_status mli_derive_recall(const op_view *v);
mli_status mli_derive_store(const op_view *v);

static inline int is_weight_of(const op_view *v, uint32_t i, uint64_t floats)
{
    /* a missing operand fits */
    return i >= v->op->inputs ||
           mli_operand(v->file, v->op, i)->dims[0] == floats;
}

/* Matrices of `outputs` rows each, packed one after another. */
static inline int is_matrix_of(const op_view *v, uint32_t i, uint64_t matrices,
                               uint32_t outputs, uint32_t taps, uint32_t inputs)
{
    const mli_file_tensor *t = mli_operand(v->file, v->op, i);
    if (t->storage == MLI_BYTES)
        return t->dims[0] == (outputs + 3u) / 4u * 4u * matrices &&
               t->dims[1] == 4 * (uint64_t)taps * mli_words(inputs) &&
               t->dims[1] <= MLI_MOST_BYTES;
    if (t->storage != MLI_F32)
        return t->dims[0] == (outputs + 3u) / 4u * 4u * matrices &&
               t->dims[1] == (uint64_t)taps * inputs;
    return t->dims[0] == mli_packed_size(outputs, taps, inputs) * matrices;
}

static inline int last_dim(const mli_file_tensor *t, uint64_t n)
{
    return t->rank >= 1 && t->dims[t->rank - 1] == n;
}

/* y's dims are x's in [first, last) */
static inline int same_dims(const mli_file_tensor *x, const mli_file_tensor *y,
                            uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i < last; i++)
        if (x->dims[i] != y->dims[i])
            return 0;
    return 1;
}

static inline int same_shape(const mli_file_tensor *x, const mli_file_tensor *y)
{
    return x->rank == y->rank && same_dims(x, y, 0, x->rank);
}

static inline mli_status shape_if(int fits)
{
    return fits ? MLI_OK : MLI_ERR_OP_SHAPE;
}

/* The size of axis i, counted from the last, of x in a broadcast to n axes. */
static inline uint32_t axis_from_end(const mli_file_tensor *t, uint32_t i)
{
    return i < t->rank ? t->dims[t->rank - 1 - i] : 1;
}

/* Ranks agree, and all dims but that of the axis. */
static inline int same_but(const mli_file_tensor *x, const mli_file_tensor *y,
                           uint32_t axis)
{
    return x->rank == y->rank && same_dims(x, y, 0, axis) &&
           same_dims(x, y, axis + 1, x->rank);
}

/* The weights (and bias) of a convolution; its sizes are >= 1 and <= 2^28,
   inputs and outputs multiples of groups. */
int mli_conv_weights_fit(const op_view *v, uint32_t taps, uint32_t groups,
                         uint32_t inputs, uint32_t outputs);

/* verify_image.c */
mli_status mli_derive_conv2d(const op_view *v);
mli_status mli_derive_pool(const op_view *v);

/* verify_pick.c */
mli_status mli_derive_select(const op_view *v);
mli_status mli_derive_gather(const op_view *v);
mli_status mli_derive_scatter(const op_view *v);
mli_status mli_derive_arg(const op_view *v);
mli_status mli_derive_topk(const op_view *v);
mli_status mli_derive_cumulate(const op_view *v);

/* verify_signal.c */
mli_status mli_derive_random(const op_view *v);
mli_status mli_derive_dft(const op_view *v);
mli_status mli_derive_matmul(const op_view *v);

#endif
