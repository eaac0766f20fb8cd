/*
 * onnx_types.c - whole numbers and truths, which run as floats: exact up to
 * 2^24. Casts, and arithmetic that floats do in another way.
 */
#include <math.h>
#include <string.h>
#include "onnx_run.h"

/* The bits of a type of whole numbers, 0 of others; *sign: it has one. */
static int bits_of(int type, int *sign)
{
    static const struct {
        int type, bits, sign;
    } known[] = {
        {ONNX_UINT8, 8, 0},   {ONNX_INT8, 8, 1},    {ONNX_UINT16, 16, 0},
        {ONNX_INT16, 16, 1},  {ONNX_INT32, 32, 1},  {ONNX_INT64, 64, 1},
        {ONNX_UINT32, 32, 0}, {ONNX_UINT64, 64, 0}, {ONNX_BOOL, 1, 0},
    };
    *sign = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type) {
            *sign = known[i].sign;
            return known[i].bits;
        }
    return 0;
}

int onnx_type_runs(int type)
{
    int sign;
    return onnx_type_is_float(type) || bits_of(type, &sign);
}

int64_t onnx_saturated(int type, int64_t x)
{
    int sign, bits = bits_of(type, &sign);
    int64_t high, low;
    if (!bits || bits == 64)
        return x;
    high = ((int64_t)1 << (bits - sign)) - 1;
    low = sign ? -high - 1 : 0;
    return x < low ? low : x > high ? high : x;
}

/* Every number of `from` is one of `to`. */
static int is_within(int from, int to)
{
    int from_sign, to_sign, a = bits_of(from, &from_sign);
    int b = bits_of(to, &to_sign);
    return a && b && (!from_sign || to_sign) && a - from_sign <= b - to_sign;
}

static onnx_value *typed(onnx_run *r, onnx_value *v, int type)
{
    onnx_value *y;
    if (v->type == type)
        return v;
    y = onnx_like(r, v, v->rank, v->dims, v->time, v->id);
    y->type = type;
    return y;
}

/* The largest float that the type has. */
static float highest(int bits, int sign)
{
    if (bits - sign <= 24)
        return ldexpf(1.f, bits - sign) - 1.f;
    return ldexpf(0x1.fffffep0f, bits - sign - 1);
}

static onnx_value *cast_to(onnx_run *r, onnx_call *c, onnx_value *v, int to)
{
    int sign, bits = bits_of(to, &sign);
    onnx_value *y = v;
    if (onnx_type_is_float(to) || is_within(v->type, to))
        return typed(r, v, to);
    if (to == ONNX_BOOL)
        return typed(r, onnx_binary(r, c, MLI_AND, v, v), to);
    if (onnx_type_is_float(v->type))
        y = onnx_unary(r, y, MLI_TRUNC, 0.f, 0.f);
    if (bits < 64 || (!sign && v->type != ONNX_BOOL)) {
        float high = highest(bits, sign);
        y = onnx_unary(r, y, MLI_HARD_TANH, sign ? -high - (bits < 25) : 0.f,
                       high);
    }
    return typed(r, y, to);
}

void onnx_do_cast(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int to = (int)onnx_int(c, "to", 0);
    const char *old = onnx_string(c, "to", ""); /* before opset 6 */
    (void)what;
    if (!strcmp(c->node->op, "CastLike"))
        to = c->inputs > 1 && c->in[1] ? c->in[1]->type : ONNX_FLOAT;
    if (!strcmp(old, "FLOAT"))
        to = ONNX_FLOAT;
    if (!onnx_type_runs(to)) {
        onnx_unsupported(r, c, "a computed %s", onnx_type_name(to));
        return;
    }
    if (to == ONNX_BFLOAT16 && v->type != ONNX_BFLOAT16) {
        onnx_unsupported(r, c, "rounding to bfloat16");
        return;
    }
    c->out[0] = cast_to(r, c, v, to);
}

onnx_value *onnx_wrapped(onnx_run *r, onnx_call *c, onnx_value *v)
{
    int sign, bits = bits_of(v->type, &sign), type = v->type;
    onnx_value *half, *all;
    if (bits != 8 && bits != 16)
        return v;
    half = onnx_new_scalar(r, ldexpf(1.f, bits - 1));
    all = onnx_new_scalar(r, ldexpf(1.f, bits));
    if (sign)
        v = onnx_binary(r, c, MLI_ADD, v, half);
    v = onnx_binary(r, c, MLI_MOD, v, all);
    if (sign)
        v = onnx_binary(r, c, MLI_SUB, v, half);
    v->type = type;
    return v;
}

/* Could v hold something that is not a whole number >= 0? */
static int is_natural(const onnx_value *v)
{
    int sign, bits = bits_of(v->type, &sign);
    if (v->kind != ONNX_CONST)
        return bits && !sign;
    for (int64_t k = 0; k < onnx_elements(v); k++)
        if (!(onnx_at(v, k) >= 0.f) || rintf(onnx_at(v, k)) != onnx_at(v, k))
            return 0;
    return 1;
}

onnx_value *onnx_whole(onnx_run *r, onnx_call *c, mli_binary fn, onnx_value *a,
                       onnx_value *b)
{
    int type = a->type;
    onnx_value *y = onnx_binary(r, c, fn == MLI_DIV ? MLI_TRUNC_DIV : fn, a, b);
    if (fn == MLI_POW && !is_natural(b))
        y = onnx_unary(r, y, MLI_TRUNC, 0.f, 0.f);
    y->type = type;
    if (fn == MLI_ADD || fn == MLI_SUB || fn == MLI_MUL)
        y = onnx_wrapped(r, c, y);
    return y;
}

void onnx_do_mod(onnx_run *r, onnx_call *c, int what)
{
    int fmod = onnx_int(c, "fmod", 0) != 0;
    (void)what;
    c->out[0] =
        onnx_binary(r, c, fmod ? MLI_FMOD : MLI_MOD, c->in[0], c->in[1]);
}

/* By powers of two: exact, as long as the result is. */
void onnx_do_bit_shift(onnx_run *r, onnx_call *c, int what)
{
    int left = !strcmp(onnx_string(c, "direction", ""), "LEFT");
    onnx_value *two = onnx_new_scalar(r, left ? 2.f : 0.5f), *y;
    int type = c->in[0]->type;
    (void)what;
    y = onnx_binary(r, c, MLI_POW, two, c->in[1]);
    y = onnx_binary(r, c, MLI_MUL, c->in[0], y);
    if (!left)
        y = onnx_unary(r, y, MLI_FLOOR, 0.f, 0.f);
    y->type = type;
    c->out[0] = left ? onnx_wrapped(r, c, y) : y;
}

void onnx_do_bitwise(onnx_run *r, onnx_call *c, int fn)
{
    c->out[0] = onnx_binary(r, c, (mli_binary)fn, c->in[0], c->in[1]);
}

/* ~x = -1 - x; of unsigned types the largest number less x. */
void onnx_do_bitwise_not(onnx_run *r, onnx_call *c, int what)
{
    int sign, bits = bits_of(c->in[0]->type, &sign);
    (void)what;
    if (!sign && bits > 24) {
        onnx_unsupported(r, c, "all bits of %s",
                         onnx_type_name(c->in[0]->type));
        return;
    }
    c->out[0] = onnx_binary(r, c, MLI_SUB,
                            onnx_new_scalar(r, sign ? -1.f : highest(bits, 0)),
                            c->in[0]);
    c->out[0]->type = c->in[0]->type;
}

void onnx_do_not(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_unary(r, c->in[0], MLI_NOT, 0.f, 0.f);
    c->out[0]->type = ONNX_BOOL;
}

void onnx_do_is_nan(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_unary(r, c->in[0], MLI_IS_NAN, 0.f, 0.f);
    c->out[0]->type = ONNX_BOOL;
}

void onnx_do_is_inf(onnx_run *r, onnx_call *c, int what)
{
    int above = onnx_int(c, "detect_positive", 1) != 0;
    int below = onnx_int(c, "detect_negative", 1) != 0;
    (void)what;
    if (above || below)
        c->out[0] =
            onnx_unary(r, c->in[0], MLI_IS_INF, (float)(above - below), 0.f);
    else /* never */
        c->out[0] = onnx_binary(r, c, MLI_LESS, c->in[0], c->in[0]);
    c->out[0]->type = ONNX_BOOL;
}
