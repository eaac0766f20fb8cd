/*
 * tflite_fixed.c - TensorFlow Lite's integer arithmetic: scales as fixed-point
 * factors, and functions of 8-bit numbers as tables.
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* A scale as its kernels have it: 31 bits and a power of two. */
void tfl_factor(double scale, int32_t *m, int *s)
{
    int64_t bits;

    *m = 0;
    *s = 0;
    if (!(scale > 0.0) || scale > 0x1p30)
        return;
    bits = (int64_t)round(frexp(scale, s) * 0x1p31);
    if (bits == (int64_t)1 << 31) {
        bits /= 2;
        ++*s;
    }
    if (*s < -31) {
        *s = 0;
        bits = 0;
    }
    if (*s > 30) {
        *s = 30;
        bits = INT32_MAX;
    }
    *m = (int32_t)bits;
}

ir_id tfl_fixed(tfl_run *r, mli_requantize kind, ir_id x, ir_id u,
                const tfl_factors *f)
{
    ir_factors all = {f->n,    onnx_take(r->pool, f->n, sizeof(int32_t)),
                      NULL,    f->rounding,
                      f->left, f->low,
                      f->high};
    int32_t *m = onnx_take(r->pool, f->n, sizeof *m);
    int *s = onnx_take(r->pool, f->n, sizeof *s);

    for (uint32_t i = 0; i < f->n; i++)
        tfl_factor(f->scale[i], &m[i], &s[i]);
    all.m = m;
    all.s = s;
    tfl_spend(r, 3 * (uint64_t)f->n);
    return ir_requantize(r->g, kind, x, u, &all);
}

void tfl_put_fixed(tfl_run *r, tfl_call *c, int k, ir_id id, uint32_t n,
                   const double *scale, mli_rounding rounding, int activation)
{
    tfl_factors f = {.n = n, .scale = scale, .rounding = rounding};

    if (k >= c->outputs || !c->out[k])
        return;
    tfl_active_range(c->declared[k], activation, &f.low, &f.high);
    tfl_put_whole(r, c, k, tfl_fixed(r, MLI_REQUANTIZE_SCALE, id, IR_NONE, &f));
}

/* ------------------------------------------------------------- tables ---- */

typedef struct table {
    int fn;
    float in, out, alpha; /* scales; leaky relu's */
    int32_t low, high;    /* the result's range */
} table;

/* x 2^-n, halves away from zero */
static int64_t halved(int64_t x, int n)
{
    int64_t half = n > 0 ? (int64_t)1 << (n - 1) : 0;

    return x >= 0 ? (x + half) >> n : -((-x + half) >> n);
}

/* Times a factor, rounded twice, as the runtime's REQUANTIZE does. */
static int64_t times(int64_t x, double scale, int more)
{
    int32_t m;
    int s;
    int64_t y;

    tfl_factor(scale, &m, &s);
    s += more;
    y = x * (s > 0 && s < 31 ? (int64_t)1 << s : 1);
    y = y > INT32_MAX ? INT32_MAX : y < -INT32_MAX ? -INT32_MAX : y;
    y *= m;
    y = y >= 0 ? (y + (1 << 30)) >> 31 : -((-y + (1 << 30) - 1) >> 31);
    return s < 0 ? halved(y, s > -62 ? -s : 62) : y;
}

static int16_t held16(int64_t x)
{
    return (int16_t)(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
}

/* The high half of twice a product of 16-bit numbers, to the nearest. */
static int16_t high16(int16_t a, int16_t b)
{
    int32_t y = a * b;

    y = y >= 0 ? (y + (1 << 14)) >> 15 : -((-y + (1 << 14) - 1) >> 15);
    return held16(y);
}

static int16_t short_factor(float scale, int *s)
{
    int32_t m;

    tfl_factor((double)scale, &m, s);
    return (int16_t)(m >= INT32_MAX - (1 << 15) ? 32767
                                                : (m + (1 << 15)) >> 16);
}

/* x relu6(x + 3)/6 in 16 bits: x at 7 bits more, the second part at a scale of
   3/32768. */
static int64_t hard_swish(const table *t, int32_t x)
{
    float fine = 1.f / 128.f * t->in;
    int out_shift, gate_shift;
    int16_t out = short_factor(fine / t->out, &out_shift);
    int16_t by = short_factor(fine / (3.f / 32768.f), &gate_shift);
    int16_t high = held16(x * 128), gate = high, y = high16(high, out);

    if (gate_shift > 15 || gate_shift < -30 || out_shift > 0 || out_shift < -30)
        return x >= 0 ? t->high : 0;
    if (gate_shift > 0)
        gate = held16(gate * (1 << (gate_shift - 1)));
    gate = high16(gate, by);
    if (gate_shift > 0)
        gate = held16(gate * 2);
    if (gate_shift < 0)
        gate = (int16_t)halved(gate, -gate_shift);
    gate = (int16_t)((gate + (1 << 15)) >> 1);
    return halved(held16(gate * y / (1 << 15)), -out_shift);
}

static int64_t inverse_root(const table *t, int32_t x)
{
    if (x <= 0)
        return t->high;
    return times(lround(0x1p20 / sqrt((double)x)),
                 1.0 / (double)(sqrtf(t->in) * t->out), -20);
}

float tfl_gelu(float x, int tanh)
{
    return tanh ? 0.5f * x *
                      (1.f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)))
                : 0.5f * x * erfcf(x * -0.70710678118f);
}

static float real_of(const table *t, float x)
{
    switch (t->fn) {
    case MLI_SIGMOID:
        return 1.f / (1.f + expf(-x));
    case MLI_TANH:
        return tanhf(x);
    case MLI_ELU:
        return x < 0.f ? expm1f(x) : x;
    case MLI_EXP:
        return expf(x);
    case MLI_LOG:
        return x > 0.f ? logf(x) : -INFINITY;
    case MLI_GELU_TANH:
        return tfl_gelu(x, 1);
    case MLI_GELU:
        return tfl_gelu(x, 0);
    default:
        return x;
    }
}

static int64_t element(const table *t, int32_t x)
{
    float y;

    switch (t->fn) {
    case MLI_HARD_SWISH:
        return hard_swish(t, x);
    case MLI_LEAKY_RELU:
        return times(
            x, (double)(x >= 0 ? t->in / t->out : t->in * t->alpha / t->out),
            0);
    case MLI_ABS:
        x = x < 0 ? -x : x;
        return t->in == t->out ? x : times(x, (double)(t->in / t->out), 0);
    case TFL_RSQRT:
        return inverse_root(t, x);
    case MLI_SQRT: /* cut off */
        return x > 0 ? (int64_t)fminf(sqrtf(t->in * (float)x) / t->out, 65536.f)
                     : 0;
    default:
        y = roundf(real_of(t, t->in * (float)x) * (1.f / t->out));
        return y > 65536.f ? 65536 : y > -65536.f ? (int64_t)y : -65536;
    }
}

int tfl_tabled(const tfl_call *c, const tfl_value *v, int fn)
{
    static const int has[] = {MLI_SIGMOID,    MLI_TANH,       MLI_ELU,
                              MLI_EXP,        MLI_LOG,        MLI_SQRT,
                              MLI_HARD_SWISH, MLI_LEAKY_RELU, MLI_ABS,
                              MLI_GELU_TANH,  MLI_GELU,       TFL_RSQRT};

    if (!(v->scale > 0.f) || (v->type != TFL_INT8 && v->type != TFL_UINT8) ||
        !c->outputs || !c->out[0] || (int)c->declared[0]->type != v->type ||
        !tfl_quantised(c->declared[0]) || v->zero < -128 || v->zero > 255)
        return 0;
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        if (has[i] == fn)
            return 1;
    return 0;
}

/* What x may be are 256 numbers in a row: modulo 256 they are all different,
   and GATHER counts negative ones from the end. */
void tfl_put_table(tfl_run *r, tfl_call *c, tfl_value *v, int fn, float alpha)
{
    const tfl_tensor *to = c->declared[0];
    table t = {fn, v->scale, tfl_tensor_scale(to), alpha, 0, 0};
    float y[256], low, high;
    ir_id x = tfl_id(r, v);

    tfl_range(v->type, v->zero, &low, &high);
    for (int32_t i = (int32_t)low; i <= (int32_t)high; i++)
        y[i & 255] = (float)i;
    tfl_range(to->type, tfl_zero(to), &low, &high);
    t.low = (int32_t)low;
    t.high = (int32_t)high;
    for (int i = 0; i < 256; i++) {
        y[i] = (float)element(&t, (int32_t)y[i]);
        y[i] = y[i] < low ? low : y[i] > high ? high : y[i];
    }
    tfl_spend(r, 256);
    tfl_put_whole(r, c, 0, ir_gather(r->g, ir_const1(r->g, 256, y), x, 0));
}

/* ------------------------------------------------------- two operands ---- */

static ir_id widened(tfl_run *r, ir_id x, const ir_shape *to)
{
    ir_shape s;

    if (!ir_good(r->g, x))
        return IR_NONE;
    s = ir_shape_of(r->g, x);
    return ir_same_dims(&s, to) ? x : ir_expand(r->g, x, to->rank, to->dims);
}

/* The broadcast shape, 0 if there is none. */
static int common(tfl_run *r, ir_id a, ir_id b, ir_shape *s)
{
    ir_shape x, y;

    if (!ir_good(r->g, a) || !ir_good(r->g, b))
        return 0;
    x = ir_shape_of(r->g, a);
    y = ir_shape_of(r->g, b);
    *s = x.rank > y.rank ? x : y;
    for (uint32_t i = 1; i <= s->rank; i++) {
        uint32_t n = i <= x.rank ? x.dims[x.rank - i] : 1;
        uint32_t m = i <= y.rank ? y.dims[y.rank - i] : 1;
        if (n != m && n != 1 && m != 1)
            return 0;
        s->dims[s->rank - i] = n == 1 ? m : n;
    }
    return 1;
}

/* Both to twice the larger scale, with bits in front; then to the output's. */
static uint32_t two_scales(const tfl_value *a, const tfl_value *b, float out,
                           int squared, int type, double *scale)
{
    uint32_t left = squared ? 7 : type == TFL_INT16 ? 15 : 20;
    double most = 2.0 * (double)(a->scale > b->scale ? a->scale : b->scale);
    double one = ldexp((double)out, (int)(squared ? 2 * left : left));

    scale[0] = (double)a->scale / most;
    scale[1] = (double)b->scale / most;
    scale[2] = (squared ? most * most : most) / one;
    return left;
}

int tfl_fixed_pair(tfl_run *r, tfl_call *c, mli_requantize kind, int activation)
{
    tfl_value *a = c->in[0], *b = c->in[1];
    double scale[3];
    tfl_factors f = {.n = 3, .scale = scale};
    ir_id x, y;
    ir_shape s;
    float out;

    if (!(a->scale > 0.f) || !(b->scale > 0.f) || !c->outputs || !c->out[0] ||
        !tfl_quantised(c->declared[0]) || a->type == TFL_INT32 ||
        activation == TFL_ACT_TANH)
        return 0;
    x = tfl_id(r, a);
    y = tfl_id(r, b);
    if (!common(r, x, y, &s))
        return 0;
    out = tfl_tensor_scale(c->declared[0]);
    if (kind == MLI_REQUANTIZE_MUL) {
        f.n = 1;
        scale[0] = (double)(a->scale * b->scale / out);
    } else {
        f.left =
            two_scales(a, b, out, kind == MLI_REQUANTIZE_SQUARED_DIFFERENCE,
                       a->type, scale);
    }
    tfl_active_range(c->declared[0], activation, &f.low, &f.high);
    x = widened(r, x, &s);
    y = widened(r, y, &s);
    tfl_put_whole(r, c, 0, tfl_fixed(r, kind, x, y, &f));
    return 1;
}
