/* verify_carry.c - values that one run leaves for the next. */
#include "shapes.h"

/* Its state says how much is kept: verify_states.c. */
mli_status mli_derive_recall(const op_view *v)
{
    (void)v;
    return MLI_OK;
}

/* Operators before this one have been derived already. */
mli_status mli_derive_store(const op_view *v)
{
    const mli_file_op *first = v->file->ops, *from;
    uint32_t p = v->op->p[0];
    if (p >= (uint32_t)(v->op - first))
        return MLI_ERR_OP_PARAMETER;
    from = first + p;
    if (from->type != MLI_OP_RECALL)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_shape(v->x, v->y) &&
                    mli_elements(mli_operand(v->file, from, 0)) ==
                        mli_elements(v->x));
}
