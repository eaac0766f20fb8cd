/*
 * verify_image.c - the shapes of convolutions of images, and of pools.
 */
#include "shapes.h"

/* How many windows of so many taps there are along `length`; 0 if none, or if
   that is not a number of elements. */
static uint64_t windows(uint64_t length, uint32_t taps, uint32_t dilation,
                        uint32_t step)
{
    uint64_t reach = (uint64_t)(taps - 1) * dilation;
    return reach < length ? (length - reach - 1) / step + 1 : 0;
}

mli_status mli_derive_conv2d(const op_view *v)
{
    const uint32_t *p = v->op->p;
    const mli_file_tensor *x = v->x, *y = v->y;
    uint32_t r = x->rank;
    for (uint32_t i = 0; i < 7; i++)
        if (p[i] == 0 || p[i] > MLI_MAX_ELEMENTS)
            return MLI_ERR_OP_PARAMETER;
    if ((uint64_t)p[0] * p[1] > MLI_MAX_ELEMENTS)
        return MLI_ERR_OP_PARAMETER;
    if (r < 3 || y->rank != r || !same_dims(x, y, 0, r - 3))
        return MLI_ERR_OP_SHAPE;
    int bytes = mli_is_bytes(v->file, v->op);
    uint32_t inputs = bytes ? p[7] : x->dims[r - 1];
    if (!bytes && p[7] != 0)
        return MLI_ERR_OP_UNUSED;
    if (inputs == 0 || inputs > MLI_MAX_ELEMENTS)
        return MLI_ERR_OP_PARAMETER;
    if (inputs % p[6] != 0 || y->dims[r - 1] % p[6] != 0)
        return MLI_ERR_OP_PARAMETER;
    if (x->dims[r - 1] != mli_layer_inputs(v->file, v->op, inputs, p[6]) ||
        !mli_conv_weights_fit(v, p[0] * p[1], p[6], inputs, y->dims[r - 1]))
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = 0; i < 2; i++)
        if (windows(x->dims[r - 3 + i], p[i], p[2 + i], p[4 + i]) !=
            y->dims[r - 3 + i])
            return MLI_ERR_OP_SHAPE;
    return MLI_OK;
}

mli_status mli_derive_pool(const op_view *v)
{
    const uint32_t *p = v->op->p;
    uint32_t axis = p[1];
    if (p[0] != MLI_REDUCE_SUM && p[0] != MLI_REDUCE_MAX &&
        p[0] != MLI_REDUCE_MIN && p[0] != MLI_REDUCE_PROD)
        return MLI_ERR_OP_PARAMETER;
    for (uint32_t i = 2; i < 7; i++)
        if ((p[i] == 0 && i < 5) || p[i] > MLI_MAX_ELEMENTS)
            return MLI_ERR_OP_PARAMETER;
    if (axis >= v->x->rank || p[2] > MLI_MAX_POOL)
        return MLI_ERR_OP_PARAMETER;
    uint64_t length = (uint64_t)v->x->dims[axis] + p[5] + p[6];
    return shape_if(same_but(v->x, v->y, axis) &&
                    windows(length, p[2], p[4], p[3]) == v->y->dims[axis]);
}
