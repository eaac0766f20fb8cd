/*
 * verify_signal.c - random numbers, spectra, products of computed matrices.
 */
#include "shapes.h"

#define MAX_DFT (1u << 24)

mli_status mli_derive_random(const op_view *v)
{
    if (v->op->p[0] > 1 || v->op->fp != v->op->fp || v->op->fq != v->op->fq)
        return MLI_ERR_OP_PARAMETER;
    return MLI_OK; /* the result may have any dims */
}

mli_status mli_derive_dft(const op_view *v)
{
    uint32_t n = v->op->p[0], way = v->op->p[1];
    int inverse = way & 1, real = way >> 1 & 1, half = way >> 2 & 1;
    if (n == 0 || n > MAX_DFT || way > 7 || (inverse && half && !real) ||
        v->op->fp != v->op->fp)
        return MLI_ERR_OP_PARAMETER;
    uint32_t all = 2 * n, bins = 2 * (n / 2 + 1);
    uint32_t in = inverse ? (half ? bins : all) : (real ? n : all);
    uint32_t out = inverse ? (real ? n : all) : (half ? bins : all);
    return shape_if(last_dim(v->x, in) && last_dim(v->y, out) &&
                    same_but(v->x, v->y, v->x->rank - 1) &&
                    is_weight_of(v, 1, all));
}

/* y's leading dims are those that a's and b's broadcast to. */
static int leading_fit(const mli_file_tensor *a, const mli_file_tensor *b,
                       const mli_file_tensor *y)
{
    if (y->rank != (a->rank > b->rank ? a->rank : b->rank))
        return 0;
    for (uint32_t i = 2; i < y->rank; i++) {
        uint32_t m = axis_from_end(a, i), n = axis_from_end(b, i);
        if ((m != n && m != 1 && n != 1) ||
            axis_from_end(y, i) != (m == 1 ? n : m))
            return 0;
    }
    return 1;
}

mli_status mli_derive_matmul(const op_view *v)
{
    const mli_file_tensor *a = v->x, *b = mli_operand(v->file, v->op, 1);
    const mli_file_tensor *y = v->y;
    uint32_t turned = v->op->p[0], n = v->op->p[1], k = v->op->p[2];
    if (turned > 1 || n == 0 || k == 0 || n > MLI_MAX_ELEMENTS ||
        k > MLI_MAX_ELEMENTS || v->op->fp != v->op->fp ||
        mli_packed_size(n, 1, k) > MLI_MAX_ELEMENTS)
        return MLI_ERR_OP_PARAMETER;
    if (a->rank < 2 || b->rank < 2 || !leading_fit(a, b, y))
        return MLI_ERR_OP_SHAPE;
    return shape_if(
        axis_from_end(a, 0) == k && axis_from_end(b, turned ? 0 : 1) == k &&
        axis_from_end(b, turned ? 1 : 0) == n && axis_from_end(y, 0) == n &&
        axis_from_end(y, 1) == axis_from_end(a, 1));
}
