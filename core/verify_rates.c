/* verify_rates.c - operators that change the period. */
#include "shapes.h"

/* y has x's dims behind one more in front, n. */
static int one_more_dim(const mli_file_tensor *x, const mli_file_tensor *y,
                        uint32_t n)
{
    if (y->rank != x->rank + 1 || y->dims[0] != n)
        return 0;
    for (uint32_t i = 0; i < x->rank; i++)
        if (y->dims[i + 1] != x->dims[i])
            return 0;
    return 1;
}

mli_status mli_derive_unfold(const op_view *v)
{
    const uint32_t *p = v->op->p;
    uint64_t back = ((uint64_t)p[0] - 1) * p[1];
    if (p[0] == 0 || p[0] > MLI_MAX_ELEMENTS || p[1] == 0 ||
        (p[0] == 1 && p[1] != 1) || back > MLI_MAX_ELEMENTS || p[2] == 0 ||
        p[2] > MLI_MAX_PERIOD)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(one_more_dim(v->x, v->y, p[0]) &&
                    (uint64_t)v->x->period * p[2] == v->y->period);
}

mli_status mli_derive_depth_to_time(const op_view *v)
{
    uint32_t step = v->op->p[0];
    if (step < 2 || step > MLI_MAX_PERIOD)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(one_more_dim(v->y, v->x, step) &&
                    (uint64_t)v->y->period * step == v->x->period);
}
