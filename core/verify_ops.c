/*
 * verify_ops.c - operators in order: known types, whole operand lists, data
 * that was made before it is used, weights that are constants.
 */
#include "verify.h"

typedef struct op_rule {
    uint16_t min_inputs, max_inputs;
    uint8_t params;  /* p[0] to p[params - 1] are used */
    uint8_t uses_fn; /* fn, with fp and fq as its parameters */
    uint8_t uses_fp; /* fp means something else; 2: fq as well */
    uint8_t data;    /* inputs that may be data; the others are weights */
} op_rule;

static const op_rule rules[MLI_OP_COUNT] = {
    [MLI_OP_LINEAR] = {2, 3, 2, 1, 0, 1},
    [MLI_OP_CONV1D] = {2, 3, 6, 1, 0, 1},
    [MLI_OP_LSTM] = {3, 3, 4, 0, 1, 1},
    [MLI_OP_GRU] = {3, 5, 4, 0, 1, 1},
    [MLI_OP_RNN] = {3, 3, 4, 1, 0, 1},
    [MLI_OP_UNARY] = {1, 1, 0, 1, 0, 1},
    [MLI_OP_BINARY] = {2, 2, 1, 0, 0, 2},
    [MLI_OP_AFFINE] = {3, 3, 0, 1, 0, 1},
    [MLI_OP_SOFTMAX] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_NORMALIZE] = {1, 3, 2, 0, 1, 1},
    [MLI_OP_REDUCE] = {1, 1, 3, 0, 0, 1},
    [MLI_OP_CONCAT] = {1, MLI_MAX_CONCAT, 1, 0, 0, 255},
    [MLI_OP_SLICE] = {1, 1, 3, 0, 0, 1},
    [MLI_OP_RESHAPE] = {1, 1, 0, 0, 0, 1},
    [MLI_OP_TRANSPOSE] = {1, 1, 8, 0, 0, 1},
    [MLI_OP_EXPAND] = {1, 1, 0, 0, 0, 1},
    [MLI_OP_PAD] = {1, 1, 3, 0, 1, 1},
    [MLI_OP_DELAY] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_HOLD] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_UNFOLD] = {1, 1, 3, 0, 0, 1},
    [MLI_OP_DEPTH_TO_TIME] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_CONV2D] = {2, 3, 8, 1, 0, 1},
    [MLI_OP_POOL] = {1, 1, 7, 0, 0, 1},
    [MLI_OP_SELECT] = {3, 3, 0, 0, 0, 3},
    [MLI_OP_GATHER] = {2, 2, 1, 0, 0, 2},
    [MLI_OP_SCATTER] = {3, 3, 1, 0, 0, 3},
    [MLI_OP_ARG] = {1, 1, 2, 0, 0, 1},
    [MLI_OP_TOPK] = {1, 1, 3, 0, 0, 1},
    [MLI_OP_CUMULATE] = {1, 1, 4, 0, 0, 1},
    [MLI_OP_TREES] = {4, 5, 3, 0, 0, 1},
    [MLI_OP_DISTANCE] = {2, 2, 3, 0, 1, 1},
    [MLI_OP_COUPLE] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_RECALL] = {0, 0, 0, 0, 0, 0},
    [MLI_OP_STORE] = {1, 1, 1, 0, 0, 1},
    [MLI_OP_RANDOM] = {1, 1, 3, 0, 2, 1},
    [MLI_OP_DFT] = {2, 2, 2, 0, 1, 1},
    [MLI_OP_MATMUL] = {2, 2, 3, 0, 1, 2},
    [MLI_OP_REQUANTIZE] = {2, 3, 3, 0, 2, 2},
    [MLI_OP_TO_BYTES] = {1, 1, 0, 0, 2, 1},
};

/* Numbers that no operator has are gaps in the table. */
static int is_known(uint32_t type)
{
    return type < MLI_OP_COUNT &&
           (rules[type].max_inputs != 0 || type == MLI_OP_RECALL);
}

/* Its i-th input is a matrix, a bias or the like: always a constant. */
static int is_weight(const mli_file_op *op, uint32_t i)
{
    return i >= rules[op->type].data && op->type != MLI_OP_CONCAT;
}

int mli_is_matrix(const mli_file_op *op, uint32_t i)
{
    switch (op->type) {
    case MLI_OP_LINEAR:
    case MLI_OP_CONV1D:
    case MLI_OP_CONV2D:
    case MLI_OP_LSTM:
    case MLI_OP_RNN:
        return i == 1;
    case MLI_OP_GRU:
        return i == 1 || i == 3;
    default:
        return 0;
    }
}

/* May its i-th input be stored so? Only dense layers have four bits. */
static int may_be_stored(const mli_file_op *op, uint32_t i, uint32_t storage)
{
    if (storage == MLI_INT4 &&
        (op->type == MLI_OP_CONV1D || op->type == MLI_OP_CONV2D))
        return 0;
    return mli_is_matrix(op, i);
}

static uint32_t bits(float x)
{
    uint32_t u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

static int unused_are_zero(const mli_file_op *op)
{
    const op_rule *r = &rules[op->type];
    for (uint32_t i = r->params; i < 8; i++)
        if (op->p[i] != 0)
            return 0;
    if (!r->uses_fn && op->fn != 0)
        return 0;
    if (!r->uses_fn && r->uses_fp < 2 && bits(op->fq) != 0)
        return 0;
    if (!r->uses_fn && !r->uses_fp && bits(op->fp) != 0)
        return 0;
    return op->reserved == 0;
}

static int arity_fits(const mli_file *f, const mli_file_op *op, uint32_t at)
{
    const op_rule *r = &rules[op->type];
    uint32_t total = f->count[MLI_SEC_OPERANDS];
    if (op->type == MLI_OP_GRU && op->inputs == 4)
        return 0;
    return op->inputs >= r->min_inputs && op->inputs <= r->max_inputs &&
           op->outputs == 1 && op->operand == at &&
           op->inputs + 1u <= total - at;
}

/* Operand i of the operator that makes tensor `makes`. */
static int input_fits(const mli_file *f, const mli_file_op *op, uint32_t i,
                      uint32_t makes)
{
    uint32_t t = f->operands[op->operand + i];
    if (t >= makes) /* later constants there are none */
        return 0;
    if (f->tensors[t].storage != MLI_F32)
        return may_be_stored(op, i, f->tensors[t].storage);
    if (!is_weight(op, i))
        return 1;
    return f->tensors[t].region == MLI_CONSTANT && f->tensors[t].rank == 1;
}

static int changes_period(const mli_file_op *op)
{
    return op->type == MLI_OP_UNFOLD || op->type == MLI_OP_DEPTH_TO_TIME;
}

/* The timed operands of an operator have one period. */
static int joins_period(const mli_file_tensor *x, uint32_t *period)
{
    if (!mli_timed(x) || x->period == *period)
        return 1;
    if (*period != 0)
        return 0;
    *period = x->period;
    return 1;
}

static mli_status check_operands(const mli_file *f, const mli_file_op *op,
                                 uint32_t makes)
{
    const mli_file_tensor *y = f->tensors + makes;
    uint32_t period = 0;
    for (uint32_t i = 0; i < op->inputs; i++) {
        if (!input_fits(f, op, i, makes))
            return MLI_ERR_OP_OPERAND;
        if (!joins_period(mli_operand(f, op, i), &period))
            return MLI_ERR_OP_OPERAND;
    }
    if (f->operands[op->operand + op->inputs] != makes)
        return MLI_ERR_OP_OPERAND;
    if ((period != 0) != mli_timed(y))
        return MLI_ERR_OP_SHAPE;
    if (period != y->period && !changes_period(op))
        return MLI_ERR_OP_SHAPE;
    if (op->type == MLI_OP_DELAY || op->type == MLI_OP_HOLD ||
        changes_period(op) ||
        (mli_op_states(f, op) != 0 && f->header->mode == MLI_STREAM))
        return period != 0 ? MLI_OK : MLI_ERR_OP_OPERAND;
    return MLI_OK;
}

static mli_status check_op(const mli_file *f, uint32_t i, uint32_t operands)
{
    const mli_file_op *op = f->ops + i;
    uint32_t first = f->count[MLI_SEC_TENSORS] - f->count[MLI_SEC_OPS];
    if (!is_known(op->type))
        return MLI_ERR_OP_TYPE;
    if (!arity_fits(f, op, operands))
        return MLI_ERR_OP_ARITY;
    if (!unused_are_zero(op))
        return MLI_ERR_OP_UNUSED;
    if (!mli_is_text(f, op->name))
        return MLI_ERR_STRING;
    return check_operands(f, op, first + i);
}

mli_status mli_verify_ops(const mli_file *f, uint32_t *index)
{
    uint32_t operands = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        mli_status status = check_op(f, i, operands);
        if (status != MLI_OK) {
            *index = i;
            return status;
        }
        operands += f->ops[i].inputs + 1u;
    }
    if (operands != f->count[MLI_SEC_OPERANDS]) {
        *index = MLI_SEC_OPERANDS;
        return MLI_ERR_COUNT;
    }
    return MLI_OK;
}
