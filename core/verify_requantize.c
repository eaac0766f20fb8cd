/* verify_requantize.c - the shapes, factors and tables of REQUANTIZE. */
#include "shapes.h"

static int two_inputs(uint32_t kind)
{
    return (kind >= MLI_REQUANTIZE_ADD && kind <= MLI_REQUANTIZE_MUL) ||
           kind == MLI_REQUANTIZE_WIDE;
}

static uint32_t most_bits(uint32_t kind)
{
    return kind == MLI_REQUANTIZE_LOGISTIC || kind == MLI_REQUANTIZE_TANH ? 6
                                                                          : 20;
}

static int factors_fit(const op_view *v, const mli_file_tensor *m)
{
    switch (v->op->p[0]) {
    case MLI_REQUANTIZE_SCALE:
    case MLI_REQUANTIZE_WIDE:
        return m->dims[0] == 3 || (v->x->rank >= 1 && m->dims[0] % 3 == 0 &&
                                   last_dim(v->x, m->dims[0] / 3));
    case MLI_REQUANTIZE_MUL:
    case MLI_REQUANTIZE_LOGISTIC:
    case MLI_REQUANTIZE_TANH:
        return m->dims[0] == 3;
    case MLI_REQUANTIZE_TABLE:
        return m->dims[0] >= 2;
    default:
        return m->dims[0] == 9;
    }
}

mli_status mli_derive_requantize(const op_view *v)
{
    const uint32_t *p = v->op->p;
    const mli_file_tensor *m = mli_operand(v->file, v->op, v->op->inputs - 1u);
    if (p[0] >= MLI_REQUANTIZE_COUNT || p[1] >= MLI_ROUND_COUNT ||
        p[2] > most_bits(p[0]) || !(v->op->fp <= v->op->fq))
        return MLI_ERR_OP_PARAMETER;
    if (v->op->inputs != 2u + (uint32_t)two_inputs(p[0]) ||
        m->region != MLI_CONSTANT || m->rank != 1)
        return MLI_ERR_OP_OPERAND;
    if (two_inputs(p[0])) {
        const mli_file_tensor *u = mli_operand(v->file, v->op, 1);
        if (!same_shape(v->x, u) || mli_timed(v->x) != mli_timed(u))
            return MLI_ERR_OP_SHAPE;
    }
    return shape_if(same_shape(v->x, v->y) && factors_fit(v, m));
}
