/*
 * verify_distance.c - shapes of DISTANCE and COUPLE.
 */
#include "shapes.h"

static int metric_fits(const mli_file_op *op)
{
    if (op->p[2] == MLI_MINKOWSKI || op->p[2] == MLI_POWER_SUM)
        return op->fp > 0.0f && op->fp < 1e30f;
    return op->p[2] < MLI_DISTANCE_COUNT && op->fp == 0.0f;
}

mli_status mli_derive_distance(const op_view *v)
{
    uint32_t inputs = v->op->p[0], points = v->op->p[1];
    if (inputs == 0 || points == 0 || inputs > MLI_MAX_ELEMENTS ||
        points > MLI_MAX_ELEMENTS || !metric_fits(v->op))
        return MLI_ERR_OP_PARAMETER;
    return shape_if(last_dim(v->x, inputs) && last_dim(v->y, points) &&
                    v->x->rank == v->y->rank &&
                    same_dims(v->x, v->y, 0, v->x->rank - 1) &&
                    is_weight_of(v, 1, mli_packed_size(points, 1, inputs)));
}

mli_status mli_derive_couple(const op_view *v)
{
    uint32_t classes = v->op->p[0];
    if (classes < 2 || classes > 65536)
        return MLI_ERR_OP_PARAMETER;
    uint64_t pairs = (uint64_t)classes * (classes - 1) / 2;
    return shape_if(last_dim(v->x, pairs) && last_dim(v->y, classes) &&
                    v->x->rank == v->y->rank &&
                    same_dims(v->x, v->y, 0, v->x->rank - 1));
}
