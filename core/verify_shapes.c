/*
 * verify_shapes.c - parameters in range, and every shape derived again from
 * its operator. Dims and elements are at most 2^28, so products of two, and
 * sums of 4096, fit 64 bits.
 */
#include "clock.h"
#include "shapes.h"

static mli_status linear(const op_view *v)
{
    uint32_t inputs = v->op->p[0], outputs = v->op->p[1];
    if (inputs == 0 || outputs == 0 || inputs > MLI_MAX_ELEMENTS ||
        outputs > MLI_MAX_ELEMENTS)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(
        last_dim(v->x, mli_layer_inputs(v->file, v->op, inputs, 1)) &&
        last_dim(v->y, outputs) && v->x->rank == v->y->rank &&
        same_dims(v->x, v->y, 0, v->x->rank - 1) &&
        is_matrix_of(v, 1, 1, outputs, 1, inputs) &&
        is_weight_of(v, 2, outputs));
}

/* 16 floats are the widest panel: what follows fits 64 bits as taps, inputs,
   outputs <= 2^28 and taps * inputs was checked to be. */
int mli_conv_weights_fit(const op_view *v, uint32_t taps, uint32_t groups,
                         uint32_t inputs, uint32_t outputs)
{
    uint32_t in = inputs / groups, out = outputs / groups;
    if ((uint64_t)taps * in > MLI_MAX_ELEMENTS)
        return 0;
    if (!is_weight_of(v, 2, outputs))
        return 0;
    if (groups > 1 && in % 4 != 0 && mli_is_bytes(v->file, v->op))
        return 0;
    if (groups > 1 && in == 1 && out == 1)
        return mli_operand(v->file, v->op, 1)->storage == MLI_F32 &&
               is_matrix_of(v, 1, 1, groups, taps, 1);
    return mli_packed_size(out, taps, in) <= MLI_MAX_ELEMENTS &&
           is_matrix_of(v, 1, groups, out, taps, in);
}

static mli_status conv1d(const op_view *v)
{
    const uint32_t *p = v->op->p;
    const mli_file_tensor *x = v->x, *y = v->y;
    for (uint32_t i = 0; i < 6; i++)
        if (p[i] == 0 || p[i] > MLI_MAX_ELEMENTS)
            return MLI_ERR_OP_PARAMETER;
    uint64_t back = (uint64_t)(p[0] - 1) * p[1];
    if (p[3] % p[2] != 0 || p[4] % p[2] != 0 || back > MLI_MAX_ELEMENTS)
        return MLI_ERR_OP_PARAMETER;
    if (!mli_conv_weights_fit(v, p[0], p[2], p[3], p[4]))
        return MLI_ERR_OP_SHAPE;
    uint32_t in = mli_layer_inputs(v->file, v->op, p[3], p[2]);
    if (mli_timed(x)) {
        if (p[5] != 1)
            return MLI_ERR_OP_PARAMETER;
        return shape_if(mli_elements(x) == in && y->rank == 1 &&
                        y->dims[0] == p[4]);
    }
    if (x->rank != 2 || y->rank != 2 || x->dims[0] <= back)
        return MLI_ERR_OP_SHAPE;
    return shape_if(x->dims[1] == in && y->dims[1] == p[4] &&
                    y->dims[0] == (x->dims[0] - back - 1) / p[5] + 1);
}

/* The projected gates and the result of a recurrent layer. */
static int recurrent_fits(const op_view *v, uint32_t gates)
{
    uint32_t units = v->op->p[0];
    uint64_t rows = (uint64_t)gates * mli_quads(units);
    const mli_file_tensor *x = v->x, *y = v->y;
    if (mli_timed(x))
        return mli_elements(x) == rows && y->rank == 1 && y->dims[0] == units;
    return x->rank == 2 && y->rank == 2 && x->dims[1] == rows &&
           y->dims[1] == units && x->dims[0] == y->dims[0];
}

static int matrix_fits(const op_view *v, uint32_t i, uint32_t gates)
{
    uint32_t units = v->op->p[0], rows = gates * mli_quads(units);
    return is_matrix_of(v, i, 1, rows, 1, units) &&
           is_weight_of(v, i + 1, rows);
}

static int units_fit(const op_view *v)
{
    const uint32_t *p = v->op->p;
    if (p[2] > (mli_timed(v->x) ? MLI_MAX_HOLD : 0))
        return 0;
    if (p[3] > (v->file->header->mode == MLI_WINDOW))
        return 0;
    if (mli_is_bytes(v->file, v->op) ? !(v->op->fp > 0.0f) : v->op->fp != 0.0f)
        return 0;
    return p[0] != 0 && p[0] <= MLI_MAX_ELEMENTS / 4;
}

static mli_status lstm(const op_view *v)
{
    if (v->op->p[1] != 0)
        return MLI_ERR_OP_UNUSED;
    if (!units_fit(v))
        return MLI_ERR_OP_PARAMETER;
    return shape_if(recurrent_fits(v, 4) && matrix_fits(v, 1, 4));
}

static mli_status gru(const op_view *v)
{
    if (!units_fit(v) || v->op->p[1] > 1)
        return MLI_ERR_OP_PARAMETER;
    if (v->op->inputs != (v->op->p[1] ? 3 : 5))
        return MLI_ERR_OP_ARITY;
    if (v->op->p[1])
        return shape_if(recurrent_fits(v, 3) && matrix_fits(v, 1, 3));
    if (mli_is_bytes(v->file, v->op) !=
        (mli_operand(v->file, v->op, 3)->storage == MLI_BYTES))
        return MLI_ERR_OP_OPERAND;
    return shape_if(recurrent_fits(v, 3) && matrix_fits(v, 1, 2) &&
                    matrix_fits(v, 3, 1));
}

static mli_status rnn(const op_view *v)
{
    uint32_t fn = v->op->fn;
    if (v->op->p[1] != 0)
        return MLI_ERR_OP_UNUSED;
    if (!units_fit(v) ||
        (fn != MLI_TANH && fn != MLI_RELU && fn != MLI_IDENTITY))
        return MLI_ERR_OP_PARAMETER;
    return shape_if(recurrent_fits(v, 1) && matrix_fits(v, 1, 1));
}

static mli_status unary(const op_view *v)
{
    return shape_if(same_shape(v->x, v->y));
}

static mli_status binary(const op_view *v)
{
    const mli_file_tensor *a = v->x, *b = mli_operand(v->file, v->op, 1);
    const mli_file_tensor *y = v->y;
    if (v->op->p[0] >= MLI_BINARY_COUNT)
        return MLI_ERR_OP_PARAMETER;
    if (y->rank != (a->rank > b->rank ? a->rank : b->rank))
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = 0; i < y->rank; i++) {
        uint32_t m = axis_from_end(a, i), n = axis_from_end(b, i);
        if ((m != n && m != 1 && n != 1) ||
            axis_from_end(y, i) != (m == 1 ? n : m))
            return MLI_ERR_OP_SHAPE;
    }
    return MLI_OK;
}

static mli_status affine(const op_view *v)
{
    uint32_t n = mli_operand(v->file, v->op, 1)->dims[0];
    return shape_if(same_shape(v->x, v->y) && is_weight_of(v, 2, n) &&
                    (n == 1 || last_dim(v->x, n)));
}

static mli_status softmax(const op_view *v)
{
    if (v->op->p[0] > 1)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(v->x->rank >= 1 && same_shape(v->x, v->y));
}

/* The product of some last dims, down to none of them, is n. */
static int some_last_dims(const mli_file_tensor *t, uint64_t n)
{
    uint64_t product = 1;
    for (uint32_t i = t->rank; product != n && i > 0; i--)
        product *= t->dims[i - 1];
    return product == n;
}

static mli_status normalize(const op_view *v)
{
    uint32_t size = v->op->p[0];
    if (size == 0 || v->op->p[1] > 1 || !(v->op->fp >= 0.0f))
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_shape(v->x, v->y) && some_last_dims(v->x, size) &&
                    is_weight_of(v, 1, size) && is_weight_of(v, 2, size));
}

static mli_status reduce(const op_view *v)
{
    uint32_t axes = v->op->p[1], keep = v->op->p[2];
    if (v->op->p[0] >= MLI_REDUCE_COUNT || axes == 0 || keep > 1)
        return MLI_ERR_OP_PARAMETER;
    if (axes > v->x->rank)
        return MLI_ERR_OP_SHAPE;
    uint32_t left = v->x->rank - axes;
    if (v->y->rank != (keep ? v->x->rank : left) ||
        !same_dims(v->x, v->y, 0, left))
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = left; i < v->y->rank; i++)
        if (v->y->dims[i] != 1)
            return MLI_ERR_OP_SHAPE;
    return MLI_OK;
}

static mli_status concat(const op_view *v)
{
    uint32_t axis = v->op->p[0];
    uint64_t sum = 0;
    if (axis >= v->y->rank)
        return MLI_ERR_OP_PARAMETER;
    for (uint32_t i = 0; i < v->op->inputs; i++) {
        const mli_file_tensor *x = mli_operand(v->file, v->op, i);
        if (!same_but(x, v->y, axis))
            return MLI_ERR_OP_SHAPE;
        sum += x->dims[axis];
    }
    return shape_if(sum == v->y->dims[axis]);
}

static mli_status slice(const op_view *v)
{
    uint32_t axis = v->op->p[0], start = v->op->p[1];
    int32_t step = (int32_t)v->op->p[2];
    if (axis >= v->x->rank || start >= v->x->dims[axis] || step == 0)
        return MLI_ERR_OP_PARAMETER;
    if (!same_but(v->x, v->y, axis))
        return MLI_ERR_OP_SHAPE;
    int64_t last = start + ((int64_t)v->y->dims[axis] - 1) * step;
    return shape_if(last >= 0 && last < v->x->dims[axis]);
}

static mli_status reshape(const op_view *v)
{
    return shape_if(mli_elements(v->x) == mli_elements(v->y));
}

static mli_status transpose(const op_view *v)
{
    uint32_t seen = 0;
    if (v->x->rank != v->y->rank)
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = 0; i < MLI_MAX_RANK; i++) {
        uint32_t axis = v->op->p[i];
        if (i >= v->x->rank) {
            if (axis != 0)
                return MLI_ERR_OP_UNUSED;
            continue;
        }
        if (axis >= v->x->rank || (seen >> axis & 1) != 0)
            return MLI_ERR_OP_PARAMETER;
        if (v->y->dims[i] != v->x->dims[axis])
            return MLI_ERR_OP_SHAPE;
        seen |= 1u << axis;
    }
    return MLI_OK;
}

static mli_status expand(const op_view *v)
{
    if (v->x->rank > v->y->rank)
        return MLI_ERR_OP_SHAPE;
    for (uint32_t i = 0; i < v->x->rank; i++) {
        uint32_t n = axis_from_end(v->x, i);
        if (n != 1 && n != axis_from_end(v->y, i))
            return MLI_ERR_OP_SHAPE;
    }
    return MLI_OK;
}

static mli_status pad(const op_view *v)
{
    uint32_t axis = v->op->p[0];
    if (axis >= v->x->rank)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_but(v->x, v->y, axis) &&
                    (uint64_t)v->x->dims[axis] + v->op->p[1] + v->op->p[2] ==
                        v->y->dims[axis]);
}

static mli_status delay(const op_view *v)
{
    if (v->op->p[0] == 0)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_shape(v->x, v->y));
}

static mli_status hold(const op_view *v)
{
    if (v->op->p[0] == 0 || v->op->p[0] > MLI_MAX_HOLD)
        return MLI_ERR_OP_PARAMETER;
    return shape_if(same_shape(v->x, v->y));
}

static mli_status (*const derive[MLI_OP_COUNT])(const op_view *) = {
    [MLI_OP_LINEAR] = MLI_IF(LINEAR, linear),
    [MLI_OP_CONV1D] = MLI_IF(CONV1D, conv1d),
    [MLI_OP_LSTM] = MLI_IF(LSTM, lstm),
    [MLI_OP_GRU] = MLI_IF(GRU, gru),
    [MLI_OP_RNN] = MLI_IF(RNN, rnn),
    [MLI_OP_UNARY] = MLI_IF(UNARY, unary),
    [MLI_OP_BINARY] = MLI_IF(BINARY, binary),
    [MLI_OP_AFFINE] = MLI_IF(AFFINE, affine),
    [MLI_OP_SOFTMAX] = MLI_IF(SOFTMAX, softmax),
    [MLI_OP_NORMALIZE] = MLI_IF(NORMALIZE, normalize),
    [MLI_OP_REDUCE] = MLI_IF(REDUCE, reduce),
    [MLI_OP_CONCAT] = MLI_IF(CONCAT, concat),
    [MLI_OP_SLICE] = MLI_IF(SLICE, slice),
    [MLI_OP_RESHAPE] = MLI_IF(RESHAPE, reshape),
    [MLI_OP_TRANSPOSE] = MLI_IF(TRANSPOSE, transpose),
    [MLI_OP_EXPAND] = MLI_IF(EXPAND, expand),
    [MLI_OP_PAD] = MLI_IF(PAD, pad),
    [MLI_OP_DELAY] = MLI_IF(DELAY, delay),
    [MLI_OP_HOLD] = MLI_IF(HOLD, hold),
    [MLI_OP_UNFOLD] = MLI_IF(UNFOLD, mli_derive_unfold),
    [MLI_OP_DEPTH_TO_TIME] = MLI_IF(DEPTH_TO_TIME, mli_derive_depth_to_time),
    [MLI_OP_CONV2D] = MLI_IF(CONV2D, mli_derive_conv2d),
    [MLI_OP_POOL] = MLI_IF(POOL, mli_derive_pool),
    [MLI_OP_SELECT] = MLI_IF(SELECT, mli_derive_select),
    [MLI_OP_GATHER] = MLI_IF(GATHER, mli_derive_gather),
    [MLI_OP_SCATTER] = MLI_IF(SCATTER, mli_derive_scatter),
    [MLI_OP_ARG] = MLI_IF(ARG, mli_derive_arg),
    [MLI_OP_TOPK] = MLI_IF(TOPK, mli_derive_topk),
    [MLI_OP_CUMULATE] = MLI_IF(CUMULATE, mli_derive_cumulate),
    [MLI_OP_TREES] = MLI_IF(TREES, mli_derive_trees),
    [MLI_OP_DISTANCE] = MLI_IF(DISTANCE, mli_derive_distance),
    [MLI_OP_COUPLE] = MLI_IF(COUPLE, mli_derive_couple),
    [MLI_OP_RECALL] = MLI_IF(RECALL, mli_derive_recall),
    [MLI_OP_STORE] = MLI_IF(STORE, mli_derive_store),
    [MLI_OP_RANDOM] = MLI_IF(RANDOM, mli_derive_random),
    [MLI_OP_DFT] = MLI_IF(DFT, mli_derive_dft),
    [MLI_OP_MATMUL] = MLI_IF(MATMUL, mli_derive_matmul),
    [MLI_OP_REQUANTIZE] = MLI_IF(REQUANTIZE, mli_derive_requantize),
    [MLI_OP_TO_BYTES] = MLI_IF(TO_BYTES, mli_derive_to_bytes),
};

/* A function's number and its parameters, which may be any number. */
static int fn_fits(const mli_file_op *op)
{
    return op->fn < MLI_UNARY_COUNT && op->fp == op->fp && op->fq == op->fq;
}

uint64_t mli_op_macs(const mli_file_op *op, const mli_file_tensor *x,
                     const mli_file_tensor *y)
{
    uint64_t n = mli_elements(y);
    switch (op->type) {
    case MLI_OP_LINEAR:
        return n * op->p[0];
    case MLI_OP_CONV1D:
        return n * op->p[0] * (op->p[3] / op->p[2]);
    case MLI_OP_LSTM:
        return n * 4 * op->p[0];
    case MLI_OP_GRU:
        return n * 3 * op->p[0];
    case MLI_OP_RNN:
    case MLI_OP_DISTANCE:
        return n * op->p[0];
    case MLI_OP_CONV2D:
        return n * op->p[0] * op->p[1] *
               ((op->p[7] ? op->p[7] : x->dims[x->rank - 1]) / op->p[6]);
    case MLI_OP_MATMUL:
        return n * op->p[2];
    default:
        return 0;
    }
}

/*
 * The sum of macs * frame / period, rounded up in the end. Whole and rest are
 * summed apart: macs <= 2^56 and frame <= 2^4 fit, and so do 2^16 rests in
 * parts of the cycle, each below 2^20.
 */
static void add_macs(uint64_t macs, const mli_file_tensor *y, uint32_t frame,
                     uint32_t cycle, uint64_t *whole, uint64_t *rest)
{
    uint32_t period = y->period != 0 ? y->period : frame;
    *whole += macs * frame / period;
    *rest += macs * frame % period * (cycle / period);
}

mli_status mli_verify_shapes(const mli_file *f, uint32_t *index)
{
    uint32_t frame = mli_frame_ticks(f), cycle = mli_cycle(f, index);
    uint64_t macs = 0, rest = 0; /* modulo 2^64, should it come to that */
    /* nodes of trees: all that there can be, and some that are used again */
    uint64_t left = (1u << 22) + (uint64_t)f->count[MLI_SEC_DATA];
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        op_view v = {f, op, mli_operand(f, op, 0),
                     mli_operand(f, op, op->inputs), &left};
        *index = i;
        mli_status status =
            fn_fits(op) ? derive[op->type](&v) : MLI_ERR_OP_PARAMETER;
        if (status != MLI_OK)
            return status;
        add_macs(mli_op_macs(op, v.x, v.y), v.y, frame, cycle, &macs, &rest);
    }
    macs += (rest + cycle - 1) / cycle;
    if (macs != f->header->macs) {
        *index = MLI_SEC_OPS;
        return MLI_ERR_COUNT;
    }
    return MLI_OK;
}
