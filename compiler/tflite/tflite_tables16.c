/*
 * tflite_tables16.c - functions of 16-bit numbers as TensorFlow Lite has them:
 * tables of 513 numbers with straight lines between, and of the logistic
 * function at steps of 1/24.
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

#define STEPS 512
#define EVERY 7 /* a table's step is 2^7 */

typedef float (*function16)(float x, float edge);

static float of_exp(float x, float edge)
{
    (void)edge;
    return expf(x);
}

/* edge: what stands for minus infinity */
static float of_log(float x, float edge)
{
    return x > 0.f ? logf(x) : edge;
}

static float of_rsqrt(float x, float edge)
{
    return x > 0.f ? 1.f / sqrtf(x) : edge;
}

static float of_gelu(float x, float edge)
{
    (void)edge;
    return tfl_gelu(x, 0);
}

static float of_gelu_tanh(float x, float edge)
{
    (void)edge;
    return tfl_gelu(x, 1);
}

static float of_reciprocal(float x, float edge)
{
    (void)edge;
    return 1.f / (1.f + x);
}

static float held16(float x)
{
    return fminf(fmaxf(x, -32768.f), 32767.f);
}

/*
 * The table: of numbers q with the value in * (q - zero), in steps of `out`.
 * Each number is moved by half of what the line is off in the middle of the
 * step behind it.
 */
static void populate(function16 of, float edge, float in, int32_t zero,
                     float out, float *table)
{
    float low = in * (float)(-32768 - zero), high = in * (float)(32767 - zero);
    float step = (high - low) / STEPS, half = step / 2;
    float scale = 65536.f / (out * 32767.f - out * -32768.f);

    for (int i = 0; i < STEPS; i++) {
        float x = low + (float)i * step;
        float y = roundf(of(x, edge) * scale);
        float next = of(low + (float)(i + 1) * step, edge) * scale;
        float middle = roundf(of(x + half, edge) * scale);
        float off = roundf((next + y) / 2) - middle;
        table[i] = held16(y - roundf(off / 2));
    }
    table[STEPS] = held16(roundf(of(high, edge) * scale));
}

static ir_id from_table(tfl_run *r, ir_id x, const float *table)
{
    ir_factors f = {.left = EVERY,
                    .rounding = MLI_ROUND_ONCE,
                    .low = -32768.f,
                    .high = 32767.f};

    tfl_spend(r, STEPS + 1);
    return ir_lookup(r->g, x, STEPS + 1, table, &f);
}

static function16 function_of(int fn)
{
    switch (fn) {
    case MLI_EXP:
        return of_exp;
    case MLI_LOG:
        return of_log;
    case TFL_RSQRT:
        return of_rsqrt;
    case MLI_GELU:
        return of_gelu;
    case MLI_GELU_TANH:
        return of_gelu_tanh;
    default:
        return NULL;
    }
}

/* --------------------------------------------- logistic function, tanh ----
 *
 * The argument is a whole number of 1/12288 by a factor of 15 bits that is cut
 * off; tanh x is 2 logistic(2 x) - 1.
 */

/* The factor: cut * 2^-bits. */
static int32_t cut_factor(float scale, int *bits)
{
    double m = (double)scale * 4096.0 * 3.0;

    *bits = 0;
    while (m <= 32767.0 / 2.0 && *bits <= 30) {
        m *= 2.0;
        ++*bits;
    }
    return (int32_t)fmin(m, 32767.0);
}

/* Moved by half of what the line behind it is off in its middle. */
static double logistic_at(int k)
{
    double y[3];

    for (int i = 0; i < 3; i++)
        y[i] = 65536.0 / (1.0 + exp(-(k + 0.5 * i) / 24.0));
    return round(y[0] + (y[1] - (y[0] + y[2]) / 2.0) / 2.0);
}

static ir_id sigmoid(tfl_run *r, const tfl_value *v, ir_id x, int tanh)
{
    float table[STEPS + 1];
    int32_t m;
    int bits;
    ir_factors f = {.n = 1, .rounding = MLI_ROUND_ONCE};

    m = cut_factor(v->scale, &bits) << 16;
    bits = 15 - bits;
    f.m = &m;
    f.s = &bits;
    f.low = -0x1p24f;
    f.high = 0x1p24f;
    x = ir_requantize(r->g, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f);
    for (int i = 0; i <= STEPS; i++) {
        int k = i < 256 ? 256 - i : i - 256;
        double y = fmin(logistic_at(k), 65535.0) - 32768.0;
        y = i < 256 ? -y : y;
        table[i] = (float)(tanh ? y : y / 2 + 16384.0);
    }
    tfl_spend(r, STEPS + 1);
    f.left = tanh ? 8 : 9;
    f.rounding = MLI_ROUND_HALF_AWAY;
    f.low = tanh ? -32768.f : 1.f;
    f.high = 32767.f;
    return ir_lookup(r->g, x, STEPS + 1, table, &f);
}

/* ------------------------------------------------------ piece by piece ---- */

static ir_id scaled(tfl_run *r, ir_id x, double scale)
{
    tfl_factors f = {1, &scale, MLI_ROUND_TWICE, 0, -65536.f, 65536.f};

    return tfl_fixed(r, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f);
}

/* Each side of 0 by a factor of its own. */
static ir_id leaky(tfl_run *r, ir_id x, float in, float out, float alpha)
{
    ir_id up = ir_unary(r->g, MLI_RELU, 0.f, 0.f, x);
    ir_id down = ir_unary(r->g, MLI_HARD_TANH, -32768.f, 0.f, x);

    up = scaled(r, up, (double)(in / out));
    if (alpha < 0.f)
        down = ir_unary(r->g, MLI_NEG, 0.f, 0.f, down);
    down = scaled(r, down, (double)fabsf(in * alpha / out));
    return ir_binary(r->g, MLI_ADD, up, down);
}

int tfl_tabled16(const tfl_call *c, const tfl_value *v, int fn)
{
    const tfl_tensor *t = c->outputs && c->out[0] ? c->declared[0] : NULL;

    return v->scale > 0.f && v->type == TFL_INT16 && !v->zero && t &&
           t->type == TFL_INT16 && tfl_quantised(t) && !tfl_zero(t) &&
           (function_of(fn) || fn == MLI_SIGMOID || fn == MLI_TANH ||
            fn == MLI_LEAKY_RELU || fn == MLI_ABS);
}

void tfl_put_table16(tfl_run *r, tfl_call *c, tfl_value *v, int fn, float alpha)
{
    float table[STEPS + 1], out = tfl_tensor_scale(c->declared[0]);
    float edge = fn == MLI_LOG ? -32768.f * out : 32767.f * out;
    ir_id x = tfl_id(r, v);

    if (fn == MLI_SIGMOID || fn == MLI_TANH) {
        x = sigmoid(r, v, x, fn == MLI_TANH);
    } else if (fn == MLI_LEAKY_RELU) {
        x = leaky(r, x, v->scale, out, alpha);
    } else if (fn == MLI_ABS) {
        x = ir_unary(r->g, MLI_ABS, 0.f, 0.f, x);
        x = v->scale == out ? x : scaled(r, x, (double)(v->scale / out));
    } else {
        populate(function_of(fn), edge, v->scale, 0, out, table);
        x = from_table(r, x, table);
    }
    tfl_put_whole(r, c, 0, ir_unary(r->g, MLI_HARD_TANH, -32768.f, 32767.f, x));
}

/* ------------------------------------------------------------- softmax ----
 *
 * e^x from a table over -10..0, the reciprocal of the sum s from one of 1/(1 +
 * x): s is 2^k (1 + x), 0 <= x < 1.
 */

/* Of k = 14 + count: 2^(from - k). */
static ir_id power(tfl_run *r, ir_id count, uint32_t n, int from)
{
    float *table = tfl_take(r, n + 1);

    for (uint32_t i = 0; i <= n; i++)
        table[i] = ldexpf(1.f, from - 14 - (int)i);
    tfl_spend(r, n + 1);
    return ir_gather(r->g, ir_const1(r->g, n + 1, table), count, 0);
}

/* How many of 2^15, 2^16, .. are not above x [.., 1]. */
static ir_id bits_above(tfl_run *r, ir_id x, uint32_t n)
{
    uint32_t axis = ir_good(r->g, x) ? ir_shape_of(r->g, x).rank - 1 : 0;
    float *table = tfl_take(r, n);

    for (uint32_t i = 0; i < n; i++)
        table[i] = ldexpf(1.f, 15 + (int)i);
    x = ir_binary(r->g, MLI_LESS_EQUAL, ir_const1(r->g, n, table), x);
    return ir_reduce(r->g, MLI_REDUCE_SUM, x, 1u << axis, 1);
}

/* e s / 256, cut off: two numbers of 15 bits, exactly. */
static ir_id product_part(tfl_run *r, ir_id e, ir_id s)
{
    const float part = 1.f / 256.f, minus = -256.f;
    ir_graph *g = r->g;
    ir_id high = tfl_scaled(r, s, 1, &part, NULL, MLI_FLOOR, 0.f, 0.f), low;

    low = tfl_scaled(r, high, 1, &minus, NULL, MLI_IDENTITY, 0.f, 0.f);
    low = ir_binary(g, MLI_MUL, e, ir_binary(g, MLI_ADD, s, low));
    low = tfl_scaled(r, low, 1, &part, NULL, MLI_FLOOR, 0.f, 0.f);
    return ir_binary(g, MLI_ADD, ir_binary(g, MLI_MUL, e, high), low);
}

void tfl_put_softmax16(tfl_run *r, tfl_call *c, tfl_value *v, float beta)
{
    const float one = 1.f, middle = 32767.f, half = 0.5f;
    const float low = 0.5f - 98304.f;
    double scale = (double)(v->scale * beta) / (double)(10.f / 65535.f);
    tfl_factors f = {1, &scale, MLI_ROUND_TWICE, 0, -65535.f, 0.f};
    float table[STEPS + 1];
    uint32_t last = 1u << (v->rank - 1), n = 1;
    ir_graph *g = r->g;
    ir_id x = tfl_id(r, v), e, sum, count;

    while (n < 31 && v->dims[v->rank - 1] >> n)
        n++;
    x = ir_binary(g, MLI_SUB, x, ir_reduce(g, MLI_REDUCE_MAX, x, last, 1));
    x = tfl_fixed(r, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f);
    x = tfl_scaled(r, x, 1, &one, &middle, MLI_IDENTITY, 0.f, 0.f);
    populate(of_exp, 0.f, 10.f / 65535.f, 32767, 2.f / 65535.f, table);
    e = from_table(r, x, table);
    sum = ir_reduce(g, MLI_REDUCE_SUM, e, last, 1);
    count = bits_above(r, sum, n);
    x = ir_binary(g, MLI_MUL, sum, power(r, count, n, 16));
    x = tfl_scaled(r, x, 1, &one, &low, MLI_FLOOR, 0.f, 0.f);
    x = ir_unary(g, MLI_HARD_TANH, -32768.f, 32767.f, x);
    populate(of_reciprocal, 0.f, 1.f / 65535.f, -32768, 2.f / 65535.f, table);
    x = product_part(r, e, from_table(r, x, table));
    x = ir_binary(g, MLI_MUL, x, power(r, count, n, 8));
    x = tfl_scaled(r, x, 1, &one, &half, MLI_FLOOR, 0.f, 0.f);
    tfl_put_whole(r, c, 0, ir_unary(g, MLI_HARD_TANH, 0.f, 32767.f, x));
}
