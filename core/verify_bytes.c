/* verify_bytes.c - the shapes of TO_BYTES. */
#include "shapes.h"

mli_status mli_derive_to_bytes(const op_view *v)
{
    const mli_file_tensor *x = v->x, *y = v->y;
    const float zero = v->op->fq;
    if (!(v->op->fp > 0.0f) || !(zero >= -127.0f && zero <= 127.0f) ||
        zero != (float)(int32_t)zero)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(x->rank >= 1 && y->rank == x->rank &&
                    same_dims(x, y, 0, x->rank - 1) &&
                    last_dim(y, mli_words(x->dims[x->rank - 1])));
}
