#include "verify.h"

uint32_t mli_op_states(const mli_file *f, const mli_file_op *op)
{
    switch (op->type) {
    case MLI_OP_CONV1D:
        return op->p[0] > 1 && mli_timed(mli_operand(f, op, 0));
    case MLI_OP_UNFOLD:
        return op->p[0] > 1;
    case MLI_OP_LSTM:
        return op->p[2] != 0 ? 3 : 2;
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        return op->p[2] != 0 ? 2 : 1;
    case MLI_OP_DELAY:
    case MLI_OP_HOLD:
    case MLI_OP_DEPTH_TO_TIME:
    case MLI_OP_RECALL:
    case MLI_OP_RANDOM:
        return 1;
    default:
        return 0;
    }
}

/* Is it the k-th state of this operator? */
static int state_fits(const mli_file *f, const mli_file_op *op, uint32_t k,
                      const mli_file_state *s)
{
    const uint32_t *p = op->p;
    switch (op->type) {
    case MLI_OP_CONV1D:
        return s->frames == (p[0] - 1) * p[1] &&
               s->width == mli_layer_inputs(f, op, p[3], p[2]);
    case MLI_OP_UNFOLD:
        return s->frames == (p[0] - 1) * p[1] &&
               s->width == mli_elements(mli_operand(f, op, 0));
    case MLI_OP_DEPTH_TO_TIME:
        return s->frames == p[0] &&
               s->width == mli_elements(mli_operand(f, op, 1));
    case MLI_OP_LSTM:
        if (k == 2)
            return s->frames == 1 && s->width == 1;
        return s->frames == 1 && s->width == (k == 0 ? p[0] : mli_quads(p[0]));
    case MLI_OP_DELAY:
        return s->frames == p[0] &&
               s->width == mli_elements(mli_operand(f, op, 0));
    case MLI_OP_HOLD:
        return s->frames == 1 && s->width == 1;
    case MLI_OP_RECALL:
        return s->frames == 1 &&
               s->width == mli_elements(mli_operand(f, op, 0));
    case MLI_OP_RANDOM:
        return s->frames == 1 && s->width == 2;
    default: /* GRU, RNN */
        return s->frames == 1 && s->width == (k == 0 ? p[0] : 1);
    }
}

/* frames < 2^32, width <= 2^28: their product fits */
static int init_fits(const mli_file *f, const mli_file_state *s)
{
    if (s->init_frames == 0)
        return s->init == 0;
    if (s->init_frames != 1 && s->init_frames != s->frames)
        return 0;
    return s->init % 16 == 0 && (uint64_t)s->init_frames * s->width + s->init <=
                                    f->count[MLI_SEC_DATA];
}

mli_status mli_verify_states(const mli_file *f, uint32_t *index)
{
    uint32_t at = 0, total = f->count[MLI_SEC_STATES];
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        uint32_t n = mli_op_states(f, op);
        *index = i;
        if (op->state != (n != 0 ? at : MLI_NONE) || n > total - at)
            return MLI_ERR_OP_STATE;
        for (uint32_t k = 0; k < n; k++)
            if (!state_fits(f, op, k, f->states + at + k))
                return MLI_ERR_OP_STATE;
        at += n;
    }
    *index = MLI_SEC_STATES;
    if (at != total)
        return MLI_ERR_COUNT;
    for (uint32_t i = 0; i < total; i++) {
        *index = i;
        if (!init_fits(f, f->states + i))
            return MLI_ERR_STATE;
    }
    return MLI_OK;
}
