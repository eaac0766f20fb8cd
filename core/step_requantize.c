/*
 * step_requantize.c - whole numbers times fixed-point factors, in integers: the
 * arithmetic of quantised networks.
 *
 * A factor is m * 2^(s - 31), 0 <= m < 2^31. Numbers of any size, infinities
 * and NaN give some number in the operator's range: all are held inside what
 * 64 bits take before they are multiplied.
 */
#include "session.h"

#define MOST ((int64_t)0x7fffffff)
#define WIDE ((int64_t)1 << 46) /* times 2^15: below 2^62 */

typedef struct factor {
    int32_t m;
    int s; /* -31 .. 30 */
} factor;

static int64_t whole(float x, float bound)
{
    if (!(x > -bound)) /* NaN as well */
        return x < 0.0f ? -(int64_t)bound : 0;
    return x < bound ? (int64_t)x : (int64_t)bound;
}

static int64_t held(int64_t x, int64_t bound)
{
    return x < -bound ? -bound : x > bound ? bound : x;
}

static factor factor_at(const float *m)
{
    factor f;
    int64_t high = held(whole(m[0], 65536.0f), 32767);
    int64_t low = held(whole(m[1], 65536.0f), 65535);
    f.m = (int32_t)((high < 0 ? 0 : high) * 65536 + (low < 0 ? 0 : low));
    f.s = (int)held(whole(m[2], 64.0f), 30);
    return f;
}

/* x 2^-n, 1 <= n <= 62, rounded to the nearest, halves up. */
static int64_t shifted(int64_t x, int n)
{
    x += (int64_t)1 << (n - 1);
    return x >= 0 ? x >> n : -((-x + (((int64_t)1 << n) - 1)) >> n);
}

/* The high half of twice the product, halves away from zero above and towards
   it below; then a power of two, halves away from zero. */
static int64_t twice_rounded(int64_t x, factor f)
{
    int64_t y;
    if (f.s > 0)
        x *= (int64_t)1 << f.s;
    x = held(x, MOST);
    y = x * f.m;
    y = y >= 0 ? (y + (1 << 30)) >> 31 : -((-y + (1 << 30) - 1) >> 31);
    if (f.s >= 0)
        return y;
    return y >= 0 ? shifted(y, -f.s) : -shifted(-y, -f.s);
}

static int64_t times(int64_t x, factor f, uint32_t rounding)
{
    if (rounding == MLI_ROUND_SHORT) {
        int64_t m = f.m < 0x7fff0000 ? (f.m + (1 << 15)) >> 16 : 0x7fff;
        return shifted(held(x, WIDE) * m, 15 - (f.s < 14 ? f.s : 14));
    }
    x = held(x, MOST);
    if (rounding == MLI_ROUND_ONCE)
        return shifted(x * f.m, 31 - f.s);
    if (rounding == MLI_ROUND_HALF_AWAY)
        return x >= 0 ? shifted(x * f.m, 31 - f.s)
                      : -shifted(-x * f.m, 31 - f.s);
    return twice_rounded(x, f);
}

static float inside(const mli_requantize_step *r, int64_t y)
{
    float x = (float)y;
    return x > r->high ? r->high : x < r->low ? r->low : x;
}

static void table(const mli_requantize_step *r, const float *x, float *y,
                  size_t n)
{
    uint32_t last = r->count - 1;
    int64_t unit = (int64_t)1 << r->left, zero = (last + 1) / 2 * unit;
    for (size_t i = 0; i < n; i++) {
        int64_t at = held(whole(x[i], 0x1p31f), MOST), down, k, a, b;
        down = at < 0 && r->rounding == MLI_ROUND_HALF_AWAY;
        at = held(at, zero) + zero;
        at = at > last * unit ? last * unit : at;
        k = at < last * unit ? at >> r->left : last - 1;
        a = whole(2.0f * r->m[k], 0x1p20f);
        b = whole(2.0f * r->m[k + 1], 0x1p20f);
        a = a * unit + (b - a) * (at - k * unit) + unit - down;
        y[i] = inside(r, a >= 0 ? a >> (r->left + 1) : ~(~a >> (r->left + 1)));
    }
}

/* Of numbers of 16 bits. */
static void function(const mli_requantize_step *r, const float *x, float *y,
                     size_t n)
{
    factor f = factor_at(r->m);
    for (size_t i = 0; i < n; i++) {
        int64_t a = times(whole(x[i], 0x1p31f), f, r->rounding);
        a = a > 32767 ? 32767 : held(a, 32768);
        y[i] = inside(r, r->kind == MLI_REQUANTIZE_TANH
                             ? mli_fixed_tanh((int32_t)a, r->left)
                             : mli_fixed_logistic((int32_t)a, r->left));
    }
}

/* Sums, a factor for each element of a row or one. x2: NULL, or what is left
   of sums whose upper part is x. */
static void scale(const mli_requantize_step *r, const float *x, const float *x2,
                  float *y, size_t n)
{
    factor f = factor_at(r->m);
    for (size_t i = 0, c = 0; i < n; i++) {
        int64_t a = whole(x[i], x2 ? 0x1p31f : 0x1p45f);
        if (x2)
            a = a * ((int64_t)1 << r->left) + whole(x2[i], 0x1p31f);
        if (r->count > 3)
            f = factor_at(r->m + c);
        y[i] = inside(r, times(a, f, r->rounding));
        c = c + 3 < r->count ? c + 3 : 0;
    }
}

static int64_t combined(const mli_requantize_step *r, int64_t a, int64_t b,
                        const factor f[3])
{
    if (r->kind == MLI_REQUANTIZE_MUL)
        return times(held(a, 65535) * held(b, 65535), f[0], r->rounding);
    a = times(held(a, MOST) * ((int64_t)1 << r->left), f[0], r->rounding);
    b = times(held(b, MOST) * ((int64_t)1 << r->left), f[1], r->rounding);
    if (r->kind == MLI_REQUANTIZE_ADD)
        return times(a + b, f[2], r->rounding);
    a = held(a, MOST) - held(b, MOST);
    if (r->kind == MLI_REQUANTIZE_SUB)
        return times(a, f[2], r->rounding);
    a = held(a, 1 << 16);
    return times(a * a, f[2], r->rounding);
}

static void combine(const mli_requantize_step *r, const float *x,
                    const float *x2, float *y, size_t n)
{
    const uint32_t factors = r->kind == MLI_REQUANTIZE_MUL ? 1 : 3;
    factor f[3];
    for (uint32_t i = 0; i < 3; i++)
        f[i] = factor_at(r->m + (i < factors ? 3 * i : 0));
    for (size_t i = 0; i < n; i++)
        y[i] = inside(
            r, combined(r, whole(x[i], 0x1p31f), whole(x2[i], 0x1p31f), f));
}

void mli_run_requantize(const mli_kernels *k, const mli_step *step,
                        uint32_t frames)
{
    const mli_requantize_step *r = &step->u.requantize;
    size_t n = (size_t)frames * step->elements;
    (void)k;
    switch (r->kind) {
    case MLI_REQUANTIZE_SCALE:
        scale(r, step->x, NULL, step->y, n);
        break;
    case MLI_REQUANTIZE_WIDE:
        scale(r, step->x, step->x2, step->y, n);
        break;
    case MLI_REQUANTIZE_LOGISTIC:
    case MLI_REQUANTIZE_TANH:
        function(r, step->x, step->y, n);
        break;
    case MLI_REQUANTIZE_TABLE:
        table(r, step->x, step->y, n);
        break;
    default:
        combine(r, step->x, step->x2, step->y, n);
    }
}
