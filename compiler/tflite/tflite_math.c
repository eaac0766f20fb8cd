/*
 * tflite_math.c - functions of elements and of rows. Quantised operands are
 * taken in real numbers and the result is rounded: TensorFlow Lite's tables and
 * fixed-point numbers stand for just that.
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

static int declared_whole(const tfl_call *c)
{
    return c->outputs && c->out[0] && tfl_quantised(c->declared[0]);
}

/* Whole numbers have no NaN: 0/0 is 0, x/0 the end of the range. */
static ir_id not_zero(tfl_run *r, ir_id y)
{
    ir_id zero = ir_binary(r->g, MLI_EQUAL, y, ir_scalar(r->g, 0.f));

    zero = ir_binary(r->g, MLI_MUL, zero, ir_scalar(r->g, 1e-30f));
    return ir_binary(r->g, MLI_ADD, y, zero);
}

void tfl_do_binary(tfl_run *r, tfl_call *c, int fn)
{
    static const int has_activation[] = {1, 1, 1, 1};
    tfl_value *a = c->in[0], *b = c->in[1];
    int activation =
        fn >= 0 && fn < 4 && has_activation[fn] && c->op->options.file
            ? tfl_option(c, 0, 0)
            : TFL_ACT_NONE;
    ir_id x, y;

    if ((fn == MLI_ADD &&
         tfl_fixed_pair(r, c, MLI_REQUANTIZE_ADD, activation)) ||
        (fn == MLI_SUB &&
         tfl_fixed_pair(r, c, MLI_REQUANTIZE_SUB, activation)) ||
        (fn == MLI_MUL && tfl_fixed_pair(r, c, MLI_REQUANTIZE_MUL, activation)))
        return;
    if (fn == MLI_DIV && c->outputs && c->out[0] && a->scale == 0.f &&
        tfl_whole(c->declared[0]->type))
        fn = MLI_TRUNC_DIV;
    x = tfl_real(r, a);
    y = tfl_real(r, b);
    if (fn == MLI_DIV && a->scale > 0.f)
        y = not_zero(r, y);
    y = ir_binary(r->g, (mli_binary)fn, x, y);
    tfl_put_active(r, c, 0, y, activation);
}

void tfl_do_squared_difference(tfl_run *r, tfl_call *c, int what)
{
    ir_id x;

    (void)what;
    if (tfl_fixed_pair(r, c, MLI_REQUANTIZE_SQUARED_DIFFERENCE, TFL_ACT_NONE))
        return;
    x = tfl_real(r, c->in[0]);
    x = ir_binary(r->g, MLI_SUB, x, tfl_real(r, c->in[1]));
    tfl_put(r, c, 0, ir_binary(r->g, MLI_MUL, x, x));
}

void tfl_do_add_n(tfl_run *r, tfl_call *c, int what)
{
    ir_id x = tfl_real(r, c->in[0]);

    (void)what;
    for (int i = 1; i < c->inputs; i++)
        if (c->in[i])
            x = ir_binary(r->g, MLI_ADD, x, tfl_real(r, c->in[i]));
    tfl_put(r, c, 0, x);
}

/* By a table, if there is one. */
static int from_table(tfl_run *r, tfl_call *c, int fn, float alpha)
{
    tfl_value *v = c->in[0];

    if (tfl_tabled(c, v, fn))
        tfl_put_table(r, c, v, fn, alpha);
    else if (tfl_tabled16(c, v, fn))
        tfl_put_table16(r, c, v, fn, alpha);
    else
        return 0;
    return 1;
}

void tfl_do_unary(tfl_run *r, tfl_call *c, int fn)
{
    float p = fn == MLI_ELU ? 1.f : 0.f;
    ir_id x;

    if (from_table(r, c, fn, 0.f))
        return;
    x = tfl_real(r, c->in[0]);
    tfl_put(r, c, 0, ir_unary(r->g, (mli_unary)fn, p, 0.f, x));
}

void tfl_do_relu(tfl_run *r, tfl_call *c, int activation)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_id(r, v);

    if (v->scale > 0.f && declared_whole(c)) {
        double scale = (double)(v->scale / tfl_tensor_scale(c->declared[0]));
        tfl_put_fixed(r, c, 0, x, 1, &scale, MLI_ROUND_TWICE, activation);
        return;
    }
    tfl_put_active(r, c, 0, tfl_real(r, v), activation);
}

void tfl_do_leaky_relu(tfl_run *r, tfl_call *c, int what)
{
    float alpha = flat_float(&c->op->options, 0, 0.f);

    (void)what;
    if (from_table(r, c, MLI_LEAKY_RELU, alpha))
        return;
    tfl_put(r, c, 0,
            ir_unary(r->g, MLI_LEAKY_RELU, alpha, 0.f, tfl_real(r, c->in[0])));
}

void tfl_do_gelu(tfl_run *r, tfl_call *c, int what)
{
    mli_unary fn = tfl_option(c, 0, 0) ? MLI_GELU_TANH : MLI_GELU;

    (void)what;
    if (!from_table(r, c, fn, 0.f))
        tfl_put(r, c, 0, ir_unary(r->g, fn, 0.f, 0.f, tfl_real(r, c->in[0])));
}

void tfl_do_square(tfl_run *r, tfl_call *c, int what)
{
    ir_id x = tfl_real(r, c->in[0]);

    (void)what;
    tfl_put(r, c, 0, ir_binary(r->g, MLI_MUL, x, x));
}

void tfl_do_rsqrt(tfl_run *r, tfl_call *c, int what)
{
    ir_id x;

    (void)what;
    if (from_table(r, c, TFL_RSQRT, 0.f))
        return;
    x = ir_unary(r->g, MLI_SQRT, 0.f, 0.f, tfl_real(r, c->in[0]));
    tfl_put(r, c, 0, ir_unary(r->g, MLI_RECIPROCAL, 0.f, 0.f, x));
}

/* what: 0 equal, 1 not equal, 2 less, 3 less or equal, 4 greater, 5 greater or
   equal */
void tfl_do_compare(tfl_run *r, tfl_call *c, int what)
{
    ir_id a = tfl_real(r, c->in[0]), b = tfl_real(r, c->in[1]), y;

    if (what < 2) {
        y = ir_binary(r->g, MLI_EQUAL, a, b);
        if (what == 1)
            y = ir_unary(r->g, MLI_NOT, 0.f, 0.f, y);
    } else {
        int less = what < 4;
        y = ir_binary(r->g, what % 2 ? MLI_LESS_EQUAL : MLI_LESS, less ? a : b,
                      less ? b : a);
    }
    tfl_put_whole(r, c, 0, y);
}

void tfl_do_select(tfl_run *r, tfl_call *c, int what)
{
    ir_id a = tfl_real(r, c->in[1]), b = tfl_real(r, c->in[2]);
    ir_id condition = tfl_id(r, c->in[0]);

    (void)what;
    tfl_put(r, c, 0, ir_select(r->g, condition, a, b));
}

/*
 * Softmax of 8-bit numbers: exponentials of the differences to the largest,
 * from a table; halves go up.
 */
static void whole_softmax(tfl_run *r, tfl_call *c, float beta)
{
    tfl_value *v = c->in[0];
    const tfl_tensor *t = c->declared[0];
    float table[256], scale = -v->scale * beta, half = 0.5f, one = 1.f;
    float out = tfl_tensor_scale(t), low, high;
    ir_graph *g = r->g;
    ir_id x = tfl_id(r, v), most, e, sum;

    for (int i = 0; i < 256; i++)
        table[i] = expf(scale * (float)i);
    tfl_spend(r, 256);
    most = ir_reduce(g, MLI_REDUCE_MAX, x, 1u << (v->rank - 1), 1);
    e = ir_gather(g, ir_const1(g, 256, table), ir_binary(g, MLI_SUB, most, x),
                  0);
    sum = ir_reduce(g, MLI_REDUCE_SUM, e, 1u << (v->rank - 1), 1);
    sum = tfl_scaled(r, sum, 1, &out, NULL, MLI_RECIPROCAL, 0.f, 0.f);
    x = tfl_scaled(r, ir_binary(g, MLI_MUL, e, sum), 1, &one, &half, MLI_FLOOR,
                   0.f, 0.f);
    tfl_range(t->type, tfl_zero(t), &low, &high);
    tfl_put_whole(r, c, 0, ir_unary(g, MLI_HARD_TANH, low, high, x));
}

void tfl_do_softmax(tfl_run *r, tfl_call *c, int log)
{
    float beta = log ? 1.f : flat_float(&c->op->options, 0, 1.f);
    tfl_value *v = c->in[0];
    ir_id x;

    if (v->rank == 0)
        tfl_bad(r, c, "no axis");
    if (!log && beta > 0.f && v->scale > 0.f && declared_whole(c) &&
        (v->type == TFL_INT8 || v->type == TFL_UINT8)) {
        whole_softmax(r, c, beta);
        return;
    }
    if (!log && beta > 0.f && tfl_tabled16(c, v, MLI_EXP)) {
        tfl_put_softmax16(r, c, v, beta);
        return;
    }
    x = tfl_real(r, v);
    if (beta != 1.f && beta != 0.f)
        x = tfl_scaled(r, x, 1, &beta, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put(r, c, 0, ir_softmax(r->g, x, v->rank - 1, log));
}

void tfl_do_l2_normalization(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_real(r, v), n;

    (void)what;
    if (v->rank == 0)
        tfl_bad(r, c, "no axis");
    n = ir_reduce(r->g, MLI_REDUCE_L2, x, 1u << (v->rank - 1), 1);
    n = ir_binary(r->g, MLI_MAX, n, ir_scalar(r->g, 1e-6f));
    tfl_put_active(r, c, 0, ir_binary(r->g, MLI_DIV, x, n),
                   tfl_option(c, 0, 0));
}

/* A mean or sum in integers; a mean's division is in the factor, cut off. Sums
   are those of TensorFlow Lite's default kernels: its reference kernel gives
   other numbers than sums. */
static void whole_mean(tfl_run *r, tfl_call *c, uint32_t axes, int keep,
                       int mean)
{
    tfl_value *v = c->in[0];
    uint64_t n = 1;
    int32_t m;
    int s, bits;
    ir_factors f = {.n = 1, .m = &m, .s = &s};
    ir_id x;

    tfl_factor((double)v->scale / (double)tfl_tensor_scale(c->declared[0]), &m,
               &s);
    for (uint32_t i = 0; i < v->rank; i++)
        n *= axes >> i & 1u ? v->dims[i] : 1;
    if (mean) {
        bits = 63 - __builtin_clzll(n);
        bits = bits > 31 + s ? 31 + s : bits;
        m = (int32_t)(((int64_t)m << bits) / (int64_t)n);
        s -= bits;
    }
    f.rounding = mean ? MLI_ROUND_TWICE : MLI_ROUND_HALF_AWAY;
    x = ir_reduce(r->g, MLI_REDUCE_SUM, tfl_id(r, v), axes, keep);
    tfl_active_range(c->declared[0], TFL_ACT_NONE, &f.low, &f.high);
    tfl_put_whole(r, c, 0,
                  ir_requantize(r->g, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f));
}

void tfl_do_reduce(tfl_run *r, tfl_call *c, int fn)
{
    tfl_value *v = c->in[0];
    uint32_t count, axes = 0;
    const int64_t *list = tfl_ints(r, c->in[1], &count);
    int raw = fn != MLI_REDUCE_PROD;
    ir_id x = raw ? tfl_id(r, v) : tfl_real(r, v), y;

    if (!list) {
        tfl_unsupported(r, c, "computed axes");
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        axes |= 1u << tfl_axis(r, c, list[i], v->rank);
    if (!axes && v->rank) { /* nothing to reduce */
        tfl_put_like(r, c, 0, tfl_id(r, v), v);
        return;
    }
    if ((fn == MLI_REDUCE_MEAN || fn == MLI_REDUCE_SUM) && v->rank &&
        v->scale > 0.f && declared_whole(c) && v->type != TFL_INT32) {
        whole_mean(r, c, axes, tfl_option(c, 0, 0) != 0, fn == MLI_REDUCE_MEAN);
        return;
    }
    y = v->rank
            ? ir_reduce(r->g, (mli_reduce)fn, x, axes, tfl_option(c, 0, 0) != 0)
            : x;
    if (raw)
        tfl_put_like(r, c, 0, y, v);
    else
        tfl_put(r, c, 0, y);
}

void tfl_do_cast(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_real(r, v);
    int to;

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    to = c->declared[0]->type;
    if (!tfl_type_size(to)) {
        tfl_unsupported(r, c, "numbers of type %s", tfl_type_name(to));
        return;
    }
    if (to == TFL_BOOL) {
        x = ir_unary(r->g, MLI_NOT, 0.f, 0.f, x);
        x = ir_unary(r->g, MLI_NOT, 0.f, 0.f, x);
    } else if (tfl_whole(to) && !tfl_whole(v->type)) {
        x = ir_unary(r->g, MLI_TRUNC, 0.f, 0.f, x);
    }
    tfl_put_whole(r, c, 0, x);
}

/* QUANTIZE and DEQUANTIZE */
void tfl_do_requantize(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    const tfl_tensor *t;
    ir_id x;

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    t = c->declared[0];
    if (!tfl_quantised(t)) {
        ir_bytes as_it_is;
        if (tfl_small(r, v, 0, 0, &as_it_is) && !tfl_quantised(v->raw)) {
            *c->out[0] = *v; /* it is read as floats where that is needed */
            c->out[0]->type = t->type;
            return;
        }
        if (v->raw) { /* weights that were stored small */
            uint64_t n = tfl_elements(v);
            tfl_spend(r, n);
            x = ir_const(r->g, v->rank, v->dims, tfl_real_floats(r, v));
        } else {
            x = tfl_real(r, v);
        }
        tfl_put_whole(r, c, 0, x);
        return;
    }
    x = tfl_id(r, v);
    if (v->scale > 0.f) {
        tfl_put_like(r, c, 0, x, v);
        return;
    }
    x = ir_binary(r->g, MLI_DIV, x, ir_scalar(r->g, tfl_tensor_scale(t)));
    tfl_put_whole(r, c, 0, tfl_round(r, x, t->type, tfl_zero(t)));
}
