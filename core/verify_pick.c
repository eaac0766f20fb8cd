/*
 * verify_pick.c - shapes of the operators that choose and index: SELECT,
 * GATHER, SCATTER, ARG, TOPK, CUMULATE.
 */
#include "shapes.h"

/* The size of axis i from the end of what three tensors broadcast to; 0 if
   they do not. */
static uint32_t common_axis(const mli_file_tensor *const t[3], uint32_t i)
{
    uint32_t n = 1;
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t m = axis_from_end(t[k], i);
        if (m != 1 && n != 1 && m != n)
            return 0;
        n = m == 1 ? n : m;
    }
    return n;
}

mli_status mli_derive_select(const op_view *v)
{
    const mli_file_tensor *t[3];
    uint32_t rank = 0;
    for (uint32_t k = 0; k < 3; k++) {
        t[k] = mli_operand(v->file, v->op, k);
        rank = t[k]->rank > rank ? t[k]->rank : rank;
    }
    if (v->y->rank != rank)
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = 0; i < rank; i++)
        if (axis_from_end(v->y, i) != common_axis(t, i))
            return MLI_ERR_OP_SHAPE;
    return MLI_OK;
}

/* t has the dims of a from `at` on. */
static int has_dims(const mli_file_tensor *t, uint32_t at, const uint32_t *dims,
                    uint32_t count)
{
    if (at + count > t->rank)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (t->dims[at + i] != dims[i])
            return 0;
    return 1;
}

mli_status mli_derive_gather(const op_view *v)
{
    const mli_file_tensor *x = v->x, *i = mli_operand(v->file, v->op, 1);
    uint32_t axis = v->op->p[0];
    if (axis >= x->rank || x->dims[axis] > MLI_MAX_INDEX)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(
        v->y->rank == x->rank + i->rank - 1 &&
        has_dims(v->y, 0, x->dims, axis) &&
        has_dims(v->y, axis, i->dims, i->rank) &&
        has_dims(v->y, axis + i->rank, x->dims + axis + 1, x->rank - axis - 1));
}

mli_status mli_derive_scatter(const op_view *v)
{
    const mli_file_tensor *x = v->x, *i = mli_operand(v->file, v->op, 1);
    const mli_file_tensor *u = mli_operand(v->file, v->op, 2);
    if (v->op->p[0] >= MLI_SCATTER_COUNT)
        return MLI_ERR_OP_PARAMETER;
    if (x->rank == 0 || x->dims[0] > MLI_MAX_INDEX)
        return MLI_ERR_OP_SHAPE;
    return shape_if(same_shape(x, v->y) && u->rank == i->rank + x->rank - 1 &&
                    has_dims(u, 0, i->dims, i->rank) &&
                    has_dims(u, i->rank, x->dims + 1, x->rank - 1));
}

mli_status mli_derive_arg(const op_view *v)
{
    const mli_file_tensor *x = v->x, *y = v->y;
    if (v->op->p[0] > 1 || v->op->p[1] > 1)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(x->rank >= 1 && x->dims[x->rank - 1] <= MLI_MAX_INDEX &&
                    y->rank == x->rank - 1 && same_dims(x, y, 0, y->rank));
}

mli_status mli_derive_topk(const op_view *v)
{
    const mli_file_tensor *x = v->x;
    const uint32_t *p = v->op->p;
    if (p[0] == 0 || p[1] > 1 || p[2] > 1)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(x->rank >= 1 && x->dims[x->rank - 1] <= MLI_MAX_INDEX &&
                    p[0] <= x->dims[x->rank - 1] &&
                    same_but(x, v->y, x->rank - 1) && last_dim(v->y, p[0]));
}

mli_status mli_derive_cumulate(const op_view *v)
{
    const uint32_t *p = v->op->p;
    if (p[0] >= v->x->rank || p[1] > 1 || p[2] > 1 || p[3] > 1)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_shape(v->x, v->y));
}
