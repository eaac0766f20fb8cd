/*
 * onnx_quant.c - quantised operators, computed with whole numbers that floats
 * hold: exact up to 2^24, and halves round to even as ONNX wants it.
 *
 *     quantised = clamp(round(x / scale) + zero point)
 *     x = (quantised - zero point) * scale
 */
#include <math.h>
#include <string.h>
#include "onnx_run.h"

typedef struct range {
    float low, high;
} range;

static int range_of(int type, range *to)
{
    static const struct {
        int type;
        range r;
    } known[] = {{ONNX_UINT8, {0, 255}},
                 {ONNX_INT8, {-128, 127}},
                 {ONNX_UINT16, {0, 65535}},
                 {ONNX_INT16, {-32768, 32767}},
                 {21, {0, 15}},  /* uint4 */
                 {22, {-8, 7}}}; /* int4 */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type) {
            *to = known[i].r;
            return 1;
        }
    return 0;
}

static int is_zero(const onnx_value *v)
{
    if (!v)
        return 1;
    if (v->kind != ONNX_CONST)
        return 0;
    for (int64_t i = 0; i < onnx_elements(v); i++)
        if (onnx_at(v, i) != 0.f)
            return 0;
    return 1;
}

/* Constants are whole numbers perhaps; as floats they mix with what runs. */
static onnx_value *as_float(onnx_run *r, onnx_value *v)
{
    onnx_value *y;
    if (!v || v->kind != ONNX_CONST || v->f)
        return v;
    if (v->raw) {
        y = onnx_like(r, v, v->rank, v->dims, -1, IR_NONE);
        y->type = ONNX_FLOAT;
        return y;
    }
    y = onnx_new(r, ONNX_CONST, ONNX_FLOAT, v->rank, v->dims);
    y->f = (float *)(uintptr_t)onnx_floats(r, v);
    return y;
}

/* Each element of an axis `times` times. */
static onnx_value *repeated(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                            int64_t times, int64_t length)
{
    int64_t dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK], own[ONNX_MAX_RANK];
    int rank = v->rank + 1;
    if (rank > ONNX_MAX_RANK || v->kind != ONNX_CONST)
        onnx_bad(r, c, "blocks that are no constants");
    onnx_strides(v, own);
    for (int i = 0, k = 0; i < rank; i++) {
        dims[i] = i == axis + 1 ? times : v->dims[k];
        strides[i] = i == axis + 1 ? 0 : own[k];
        k += i != axis + 1;
    }
    dims[axis] = v->dims[axis];
    v = onnx_strided(r, v, rank, dims, 0, strides);
    dims[axis] *= times;
    for (int i = axis + 1; i < rank - 1; i++)
        dims[i] = dims[i + 1];
    v = onnx_reshaped(r, c, v, rank - 1, dims);
    return onnx_sliced(r, c, v, axis, 0, 1, length);
}

/* A scale or zero point in dims that broadcast against x: one number, one for
   each element of an axis, or one for each block along it. */
static onnx_value *spread(onnx_run *r, onnx_call *c, const onnx_value *x,
                          onnx_value *v, int64_t axis)
{
    int64_t dims[ONNX_MAX_RANK], block = onnx_int(c, "block_size", 0);
    if (!v)
        return v;
    v = as_float(r, v);
    if (onnx_elements(v) == 1)
        return onnx_reshaped(r, c, v, 0, NULL);
    if (onnx_elements(v) < 1 || block < 0 || block > INT32_MAX)
        onnx_bad(r, c, "no scales, or blocks of %lld", (long long)block);
    if (axis < -x->rank || axis >= x->rank)
        onnx_bad(r, c, "axis %lld", (long long)axis);
    axis += axis < 0 ? x->rank : 0;
    if (v->rank == x->rank && v->rank > 1) {
        if (block < 1)
            block = (x->dims[axis] + v->dims[axis] - 1) / v->dims[axis];
        if (block * v->dims[axis] < x->dims[axis])
            onnx_bad(r, c, "too few blocks");
        return repeated(r, c, v, (int)axis, block, x->dims[axis]);
    }
    if (v->rank != 1 || v->dims[0] != x->dims[axis])
        onnx_bad(r, c, "%lld scales for an axis of %lld",
                 (long long)onnx_elements(v), (long long)x->dims[axis]);
    for (int i = 0; i < x->rank; i++)
        dims[i] = i == axis ? v->dims[0] : 1;
    return onnx_reshaped(r, c, v, x->rank, dims);
}

/*
 * Zeros in front (see "Time" in onnx_run.h) stay zeros when they are quantised,
 * centred or scaled: those steps are done on what comes behind the zeros, and a
 * convolution after them pads as it would without.
 */
static onnx_value *unpadded(onnx_run *r, onnx_value *v)
{
    onnx_value *y = v;
    if (onnx_timed(r, v) && v->pad) {
        y = onnx_like(r, v, v->rank, v->dims, v->time, v->id);
        y->pad = 0;
    }
    return y;
}

/* y, made of v unpadded: with v's zeros again. */
static onnx_value *padded_as(const onnx_run *r, const onnx_value *v,
                             onnx_value *y)
{
    if (onnx_timed(r, v) && onnx_timed(r, y) && y->time == v->time &&
        y->shift == v->shift) {
        y->pad = v->pad;
        y->clean = v->clean;
    }
    return y;
}

/* x * by or x / by. */
static onnx_value *scaled(onnx_run *r, onnx_call *c, mli_binary fn,
                          onnx_value *x, onnx_value *by)
{
    if (by->time >= 0) /* both have a time: 0 is not all that is known */
        return onnx_binary(r, c, fn, onnx_settled(r, x), by);
    return padded_as(r, x, onnx_binary(r, c, fn, unpadded(r, x), by));
}

/* centred + z, which is the value that the graph means. */
static onnx_value *off_centre(onnx_run *r, onnx_call *c, onnx_value *centred,
                              float z, int type)
{
    onnx_value *y;
    if (z != 0.f)
        y = onnx_binary(r, c, MLI_ADD, centred, onnx_new_scalar(r, z));
    else
        y = onnx_like(r, centred, centred->rank, centred->dims, centred->time,
                      centred->id);
    y->type = type;
    y->centred = centred;
    y->zero_point = z;
    return y;
}

/* clamp(round(x) + zero): whole numbers of a type. What comes before the zero
   point is kept with it, for a dequantiser of the same. */
static onnx_value *to_type(onnx_run *r, onnx_call *c, onnx_value *x,
                           onnx_value *zero, int type)
{
    range limits = {0, 0};
    float z = 0.f;
    onnx_value *y;
    range_of(type, &limits);
    if (is_zero(zero) || onnx_single(zero, &z)) {
        y = onnx_unary(r, unpadded(r, x), MLI_ROUND, 0.f, 0.f);
        y = onnx_unary(r, y, MLI_HARD_TANH, limits.low - z, limits.high - z);
        return off_centre(r, c, padded_as(r, x, y), z, type);
    }
    y = onnx_unary(r, onnx_settled(r, x), MLI_ROUND, 0.f, 0.f);
    y = onnx_binary(r, c, MLI_ADD, y, zero);
    y = onnx_unary(r, y, MLI_HARD_TANH, limits.low, limits.high);
    y->type = type;
    return y;
}

/* x less its zero point. */
static onnx_value *centred(onnx_run *r, onnx_call *c, onnx_value *x,
                           onnx_value *zero)
{
    float z = 0.f;
    if (x->kind != ONNX_CONST && x->centred &&
        (is_zero(zero) || onnx_single(zero, &z)) && z == x->zero_point)
        return x->centred;
    x = as_float(r, onnx_settled(r, x));
    if (is_zero(zero))
        return x;
    if (x->kind == ONNX_CONST && zero->kind == ONNX_CONST) {
        int64_t strides[ONNX_MAX_RANK] = {0}, own[ONNX_MAX_RANK];
        onnx_value *y = x->raw ? onnx_raw_centred(r, x, zero) : NULL;
        int lead = x->rank - zero->rank;
        if (y)
            return y;
        onnx_solid(r, x);
        y = onnx_new_const(r, ONNX_FLOAT, x->rank, x->dims);
        onnx_strides(zero, own);
        for (int i = 0; i < zero->rank && lead >= 0; i++)
            strides[lead + i] = zero->dims[i] == 1 ? 0 : own[i];
        zero = onnx_strided(r, as_float(r, zero), x->rank, x->dims, 0, strides);
        for (int64_t i = 0; i < onnx_elements(y); i++)
            y->f[i] = x->f[i] - zero->f[i];
        return y;
    }
    return onnx_binary(r, c, MLI_SUB, x, as_float(r, zero));
}

static onnx_value *scaled_constant(onnx_run *r, const onnx_value *x,
                                   const onnx_value *scale)
{
    int64_t strides[ONNX_MAX_RANK] = {0}, own[ONNX_MAX_RANK];
    onnx_value *y = x->raw ? onnx_raw_scaled(r, x, scale) : NULL;
    int lead = x->rank - scale->rank;
    if (y)
        return y;
    y = onnx_new_const(r, ONNX_FLOAT, x->rank, x->dims);
    onnx_strides(scale, own);
    for (int i = 0; i < scale->rank && lead >= 0; i++)
        strides[lead + i] = scale->dims[i] == 1 ? 0 : own[i];
    scale = onnx_strided(r, scale, x->rank, x->dims, 0, strides);
    for (int64_t i = 0; i < onnx_elements(y); i++)
        y->f[i] = onnx_at(x, i) * onnx_at(scale, i);
    return y;
}

/* The type that a quantiser makes: its zero point's, or as the attribute says.
   0 if we have no such. */
static int type_made(onnx_run *r, onnx_call *c, const onnx_value *zero)
{
    int type = zero ? zero->type : (int)onnx_int(c, "output_dtype", 0);
    range unused;
    type = type ? type : ONNX_UINT8;
    if (zero && zero->type == ONNX_FLOAT && zero->kind == ONNX_RUNS)
        type = ONNX_UINT8; /* given by DynamicQuantizeLinear's formula */
    if (range_of(type, &unused))
        return type;
    onnx_unsupported(r, c, "to %s", onnx_type_name(type));
    return 0;
}

void onnx_do_quantize(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = as_float(r, c->in[0]), *zero = onnx_input(c, 2);
    int64_t axis = onnx_int(c, "axis", 1);
    int type = type_made(r, c, zero);
    (void)what;
    if (!type)
        return;
    x = scaled(r, c, MLI_DIV, x, spread(r, c, x, c->in[1], axis));
    c->out[0] = to_type(r, c, x, spread(r, c, x, zero, axis), type);
}

/* Of scales or zero points: one number, or one for each element of an axis;
   that axis, -1: one number; -2: neither. */
static int axis_of(const onnx_value *v, const onnx_value *x, int64_t axis)
{
    if (!v || onnx_elements(v) == 1)
        return -1;
    axis += axis < 0 ? x->rank : 0;
    return v->rank == 1 && axis >= 0 && axis < x->rank &&
                   v->dims[0] == x->dims[axis]
               ? (int)axis
               : -2;
}

/* Fewer may as well be floats. */
#define MANY 4096

int onnx_quantised_now(onnx_run *r, onnx_call *c)
{
    onnx_value *x = c->in[0], *scale = c->in[1], *zero = onnx_input(c, 2), *y;
    int64_t at = onnx_int(c, "axis", 1), inner = 1, n, step[2], count[2];
    int type, axis[2];
    onnx_tensor t = {0};
    uint8_t *to;
    range limits;
    if (!x || x->kind != ONNX_CONST || !x->f || !scale ||
        scale->kind != ONNX_CONST || (zero && zero->kind != ONNX_CONST) ||
        onnx_elements(x) < MANY || onnx_int(c, "block_size", 0))
        return 0;
    type = zero ? zero->type : (int)onnx_int(c, "output_dtype", ONNX_UINT8);
    axis[0] = axis_of(scale, x, at);
    axis[1] = axis_of(zero, x, at);
    if ((type != ONNX_INT8 && type != ONNX_UINT8) || axis[0] < -1 ||
        axis[1] < -1)
        return 0;
    at += at < 0 ? x->rank : 0;
    for (int i = x->rank - 1; i > at && i > 0; i--)
        inner *= x->dims[i];
    for (int k = 0; k < 2; k++) {
        step[k] = axis[k] < 0 ? INT64_MAX : inner;
        count[k] = axis[k] < 0 ? 1 : x->dims[axis[k]];
    }
    n = onnx_elements(x);
    range_of(type, &limits);
    onnx_work(r, 10.0 * (double)n);
    t.raw = to = onnx_take(r->pool, (size_t)n, 1);
    for (int64_t i = 0; i < n; i++) {
        float z = zero ? onnx_at(zero, i / step[1] % count[1]) : 0.f;
        float q = rintf(x->f[i] / onnx_at(scale, i / step[0] % count[0]));
        float low = limits.low - z, high = limits.high - z;
        q = (q > high ? high : q > low ? q : low) + z; /* NaN: the least */
        to[i] = (uint8_t)(int)q;
    }
    t.type = type;
    t.rank = x->rank;
    memcpy(t.dims, x->dims, sizeof t.dims);
    t.count = (uint64_t)n;
    y = onnx_new(r, ONNX_CONST, type, x->rank, x->dims);
    y->raw = onnx_tensor_raw(r, &t);
    y->learned = x->learned;
    c->out[0] = y;
    return 1;
}

void onnx_do_dequantize(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *scale, *zero, *y;
    int64_t axis = onnx_int(c, "axis", 1);
    (void)what;
    scale = spread(r, c, x, c->in[1], axis);
    zero = spread(r, c, x, onnx_input(c, 2), axis);
    y = centred(r, c, x, zero);
    if (y->kind == ONNX_CONST && scale->kind == ONNX_CONST) {
        /* a weight: a constant for the layers after it */
        c->out[0] = scaled_constant(r, y, scale);
        c->out[0]->learned = x->learned;
        return;
    }
    c->out[0] = scaled(r, c, MLI_MUL, y, scale);
}

/* Operators that give elements another place, or take the largest, and so do
   the same with or without the zero point. */
static int moves_only(const onnx_call *c)
{
    static const char *const ops[] = {
        "Flatten", "Gather", "Identity", "MaxPool",   "Pad",      "Reshape",
        "Slice",   "Split",  "Squeeze",  "Transpose", "Unsqueeze"};
    if (c->node->domain[0] && strcmp(c->node->domain, "ai.onnx"))
        return 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(c->node->op, ops[i]))
            return c->outputs == 1 || strcmp(c->node->op, "MaxPool");
    return 0;
}

int onnx_carry_centred(onnx_run *r, onnx_call *c, const onnx_op *op)
{
    onnx_value *x = c->inputs ? c->in[0] : NULL, **in;
    onnx_call other = *c;
    float value = 0.f;
    if (!x || x->kind != ONNX_RUNS || !x->centred || !moves_only(c))
        return 0;
    in = onnx_take(r->pool, (size_t)c->inputs, sizeof *in);
    memcpy(in, c->in, (size_t)c->inputs * sizeof *in);
    in[0] = x->centred;
    other.in = in;
    if (!strcmp(c->node->op, "Pad")) { /* with the zero point: with zeros */
        if (onnx_attr_of(c, "value") ||
            (onnx_input(c, 2) && !onnx_single(c->in[2], &value)) ||
            value != x->zero_point)
            return 0;
        if (c->inputs > 2)
            in[2] = NULL;
    }
    for (int i = 0; i < c->inputs; i++)
        if (in[i] && !(op->flags & ONNX_KEEPS_PAD))
            in[i] = onnx_settled(r, in[i]);
    op->run(r, &other, op->what);
    for (int i = 0; i < c->outputs; i++)
        if (c->out[i] && c->out[i]->kind == ONNX_RUNS)
            c->out[i] = off_centre(r, c, c->out[i], x->zero_point, x->type);
    return 1;
}

/* Scale and zero point from the values themselves: 0 is one of them. */
void onnx_do_dynamic_quantize(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = as_float(r, c->in[0]), *low, *high, *scale, *zero, *y;
    uint32_t all = (1u << x->rank) - 1;
    (void)what;
    if (x->time >= 0)
        onnx_not_in_time(r, c, "takes its scale from the whole signal");
    low = onnx_reduced(r, c, x, MLI_REDUCE_MIN, all, 0);
    low = onnx_unary(r, low, MLI_HARD_TANH, -INFINITY, 0.f);
    high = onnx_reduced(r, c, x, MLI_REDUCE_MAX, all, 0);
    high = onnx_unary(r, high, MLI_RELU, 0.f, 0.f);
    scale = onnx_binary(r, c, MLI_SUB, high, low);
    scale = onnx_binary(r, c, MLI_DIV, scale, onnx_new_scalar(r, 255.f));
    /* all zeros: any scale will do, but 0 */
    y = onnx_binary(r, c, MLI_MAX, scale, onnx_new_scalar(r, 1e-30f));
    zero = onnx_binary(r, c, MLI_DIV, low, y);
    zero = onnx_unary(r, zero, MLI_NEG, 0.f, 0.f);
    zero = onnx_unary(r, zero, MLI_ROUND, 0.f, 0.f);
    zero = onnx_unary(r, zero, MLI_HARD_TANH, 0.f, 255.f);
    x = onnx_binary(r, c, MLI_DIV, x, y);
    x = onnx_unary(r, x, MLI_ROUND, 0.f, 0.f);
    x = onnx_binary(r, c, MLI_ADD, x, zero);
    x = onnx_unary(r, x, MLI_HARD_TANH, 0.f, 255.f);
    x->type = zero->type = ONNX_UINT8;
    c->out[0] = x;
    if (c->outputs > 1)
        c->out[1] = scale;
    if (c->outputs > 2)
        c->out[2] = zero;
}

/* ------------------------------------------------------------- layers ---- */

/* A zero point for each row of a, or each column of b, or one. */
static onnx_value *by_row(onnx_run *r, onnx_call *c, onnx_value *v, int column)
{
    int64_t dims[2] = {1, 1};
    if (!v || v->rank != 1 || onnx_elements(v) == 1)
        return v;
    dims[column] = v->dims[0];
    return onnx_reshaped(r, c, v, 2, dims);
}

void onnx_do_matmul_integer(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[2], *y;
    (void)what;
    in[0] = centred(r, c, c->in[0], by_row(r, c, onnx_input(c, 2), 0));
    in[1] = centred(r, c, c->in[1], by_row(r, c, onnx_input(c, 3), 1));
    y = onnx_through(r, c, "MatMul", in, 2);
    if (!y)
        return;
    y->type = ONNX_INT32;
    c->out[0] = y;
}

/* A number for each output channel of weights [O, ...]. */
static onnx_value *by_output(onnx_run *r, onnx_call *c, onnx_value *v, int rank)
{
    int64_t dims[ONNX_MAX_RANK] = {0};
    if (!v || v->rank != 1 || onnx_elements(v) == 1)
        return v;
    for (int i = 0; i < rank; i++)
        dims[i] = i ? 1 : v->dims[0];
    return onnx_reshaped(r, c, v, rank, dims);
}

void onnx_do_conv_integer(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[2], *y;
    (void)what;
    in[0] = centred(r, c, c->in[0], onnx_input(c, 2));
    in[1] = centred(r, c, c->in[1],
                    by_output(r, c, onnx_input(c, 3), c->in[1]->rank));
    y = onnx_through(r, c, "Conv", in, 2);
    if (!y)
        return;
    y->type = ONNX_INT32;
    c->out[0] = y;
}

/* scales[0] * scales[1] / scales[2] as one number or one for each channel, in
   the order of the factors: NULL if they are not constant. */
static onnx_value *rescale(onnx_run *r, const onnx_value *a,
                           const onnx_value *b, const onnx_value *y)
{
    int64_t n = onnx_elements(b);
    onnx_value *m;
    float sa, sy = 1.f;
    if (!onnx_single(a, &sa) || b->kind != ONNX_CONST ||
        (y && !onnx_single(y, &sy)))
        return NULL;
    m = onnx_new_const(r, ONNX_FLOAT, n == 1 ? 0 : 1, &n);
    for (int64_t i = 0; i < n; i++)
        m->f[i] = sa * onnx_at(b, i) / sy;
    return m;
}

/* Sums of products to the quantised result: inputs y_scale, y_zero_point. */
static void requantize(onnx_run *r, onnx_call *c, onnx_value *sum,
                       onnx_value *factor, onnx_value *zero)
{
    int type = zero ? zero->type : ONNX_UINT8;
    range unused;
    if (!range_of(type, &unused)) {
        onnx_unsupported(r, c, "to %s", onnx_type_name(type));
        return;
    }
    sum = onnx_binary(r, c, MLI_MUL, sum, factor);
    c->out[0] = to_type(r, c, sum, as_float(r, zero), type);
}

void onnx_do_qlinear_matmul(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[2], *sum, *factor, *row, *column;
    (void)what;
    in[0] = centred(r, c, c->in[0], by_row(r, c, c->in[2], 0));
    in[1] = centred(r, c, c->in[3], by_row(r, c, c->in[5], 1));
    sum = onnx_through(r, c, "MatMul", in, 2);
    if (!sum)
        return;
    row = by_row(r, c, as_float(r, c->in[1]), 0);
    column = as_float(r, c->in[4]);
    factor = rescale(r, row, column, c->in[6]);
    if (!factor) {
        factor = onnx_binary(r, c, MLI_MUL, row, column);
        factor = onnx_binary(r, c, MLI_DIV, factor, as_float(r, c->in[6]));
    }
    requantize(r, c, sum, factor, c->in[7]);
}

void onnx_do_qlinear_conv(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[3], *sum, *factor;
    (void)what;
    in[0] = centred(r, c, c->in[0], c->in[2]);
    in[1] = centred(r, c, c->in[3], by_output(r, c, c->in[5], c->in[3]->rank));
    in[2] = as_float(r, onnx_input(c, 8));
    sum = onnx_through(r, c, "Conv", in, 3);
    if (!sum)
        return;
    factor = rescale(r, c->in[1], c->in[4], c->in[6]);
    if (!factor) {
        onnx_unsupported(r, c, "computed scales");
        return;
    }
    requantize(r, c, sum, by_output(r, c, factor, sum->rank - 1), c->in[7]);
}

/* -------------------------------- as onnxruntime's quantiser has them ---- */

/* Inputs n, n+1, n+2: a quantised value, its scale and zero point. */
static onnx_value *real(onnx_run *r, onnx_call *c, int n)
{
    onnx_value *x = onnx_input(c, n), *scale = onnx_input(c, n + 1), *zero;
    if (!x || !scale)
        onnx_bad(r, c, "input %d or %d is missing", n, n + 1);
    scale = spread(r, c, x, scale, -1);
    zero = spread(r, c, x, onnx_input(c, n + 2), -1);
    x = centred(r, c, x, zero);
    return x->kind == ONNX_CONST && scale->kind == ONNX_CONST
               ? scaled_constant(r, x, scale)
               : scaled(r, c, MLI_MUL, x, scale);
}

/* x quantised with inputs n and n+1. */
static void quantized(onnx_run *r, onnx_call *c, onnx_value *x, int n)
{
    onnx_value *zero = onnx_input(c, n + 1);
    int type = type_made(r, c, zero);
    if (!type || !x)
        return;
    if (!onnx_input(c, n))
        onnx_bad(r, c, "input %d is missing", n);
    x = scaled(r, c, MLI_DIV, x, spread(r, c, x, c->in[n], -1));
    c->out[0] = to_type(r, c, x, spread(r, c, x, zero, -1), type);
}

/* what: an mli_binary */
void onnx_do_qlinear_binary(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *a = real(r, c, 0), *b = real(r, c, 3);
    quantized(r, c, onnx_binary(r, c, (mli_binary)what, a, b), 6);
}

/* The float operator of the name after "QLinear". */
void onnx_do_qlinear_unary(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[1] = {real(r, c, 0)};
    (void)what;
    quantized(r, c, onnx_through(r, c, c->node->op + strlen("QLinear"), in, 1),
              3);
}

void onnx_do_qgemm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[2], *sum, *factor, *zero = onnx_input(c, 8);
    (void)what;
    in[0] = centred(r, c, c->in[0], c->in[2]);
    in[1] = centred(r, c, c->in[3], c->in[5]);
    sum = onnx_through(r, c, "Gemm", in, 2); /* alpha is in the product */
    if (!sum)
        return;
    if (onnx_input(c, 6))
        sum = onnx_binary(r, c, MLI_ADD, sum, as_float(r, c->in[6]));
    factor = rescale(r, c->in[1], c->in[4], onnx_input(c, 7));
    if (!factor) {
        onnx_unsupported(r, c, "computed scales");
        return;
    }
    if (zero)
        requantize(r, c, sum, factor, zero);
    else
        c->out[0] = onnx_binary(r, c, MLI_MUL, sum, factor);
}

void onnx_do_qlinear_concat(onnx_run *r, onnx_call *c, int what)
{
    onnx_value **v = onnx_take(r->pool, (size_t)c->inputs, sizeof *v);
    int count = (c->inputs - 2) / 3;
    (void)what;
    if (count < 1)
        onnx_bad(r, c, "nothing to join");
    for (int i = 0; i < count; i++)
        v[i] = real(r, c, 2 + 3 * i);
    quantized(r, c,
              onnx_concat(r, c, v, count,
                          onnx_axis(r, c, onnx_int(c, "axis", 0), v[0]->rank)),
              0);
}

/* MatMulIntegerToFloat: A, B, scales, zero points, bias; DynamicQuantizeMatMul
   (what 1): A is float, B, its scale and zero point, bias. */
void onnx_do_matmul_to_float(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[2], *y, *bias;
    if (what) {
        onnx_call q = *c;
        onnx_value *made[3] = {0}, *zero = onnx_input(c, 3);
        q.inputs = 1;
        q.out = made;
        q.outputs = 3;
        onnx_do_dynamic_quantize(r, &q, 0);
        made[2]->type = ONNX_FLOAT;
        in[0] = onnx_binary(r, c, MLI_SUB, made[0], made[2]);
        in[1] = centred(r, c, c->in[1], zero);
        y = onnx_through(r, c, "MatMul", in, 2);
        if (!y)
            return;
        y = onnx_binary(r, c, MLI_MUL, y, made[1]);
        y = onnx_binary(r, c, MLI_MUL, y, as_float(r, c->in[2]));
        bias = onnx_input(c, 4);
    } else {
        in[0] = centred(r, c, c->in[0], onnx_input(c, 4));
        in[1] = centred(r, c, c->in[1], onnx_input(c, 5));
        y = onnx_through(r, c, "MatMul", in, 2);
        if (!y)
            return;
        for (int i = 2; i < 4; i++)
            y = onnx_binary(r, c, MLI_MUL, y, as_float(r, c->in[i]));
        bias = onnx_input(c, 6);
    }
    if (bias)
        y = onnx_binary(r, c, MLI_ADD, y, as_float(r, bias));
    c->out[0] = y;
}
