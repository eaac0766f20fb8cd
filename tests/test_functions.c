/*
 * test_functions.c - every scalar function of every build that runs here, held
 * to the contract of kernels.h: every 1009th float and all breakpoints, or
 * every float when MLI_LONG is set.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernels.h"
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#define PI 3.14159265358979323846

enum { EXACT = 1, ODD = 2, ENDS = 4, TURNS = 8 };

/*
 * What a function must do. EXACT: the one nearest float. ODD: f(-x) = -f(x) to
 * the bit. ENDS: from x <= from on y is low, from x >= to on y is high.
 * TURNS: accurate for |x| <= 2^16 only. Results lie in [low, high].
 */
typedef struct rule {
    mli_unary f;
    const char *name;
    float p, q;
    double (*reference)(double x, double p, double q);
    int flags;
    double low, high;
    float from, to;
} rule;

#define REFERENCE(name, expression)                                            \
    static double name(double x, double p, double q)                           \
    {                                                                          \
        (void)p;                                                               \
        (void)q;                                                               \
        return expression;                                                     \
    }

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double fast_tanh(double x)
{
    double a = fabs(x), u = x * x;
    if (isinf(x))
        return copysign(0.821226666969744 / 0.814642734961073, x);
    return x *
           (2.45550750702956 + 2.45550750702956 * a +
            (0.893229853513558 + 0.821226666969744 * a) * u) /
           (2.44506634652299 +
            (2.44506634652299 + u) * fabs(x + 0.814642734961073 * x * a));
}

REFERENCE(r_identity, x)
REFERENCE(r_tanh, tanh(x))
REFERENCE(r_sigmoid, sigmoid(x))
REFERENCE(r_relu, x < 0 ? 0 : x)
REFERENCE(r_leaky, x < 0 ? p * x : x)
REFERENCE(r_elu, x < 0 ? p * expm1(x) : x)
REFERENCE(r_selu, q *(x < 0 ? p * expm1(x) : x))
REFERENCE(r_gelu, x == -INFINITY ? 0 : x / 2 * erfc(-x / sqrt(2)))
REFERENCE(r_gelu_tanh, x == -INFINITY ? 0
                                      : x * sigmoid(2 * sqrt(2 / PI) *
                                                    (x + 0.044715 * x * x * x)))
REFERENCE(r_silu, x == -INFINITY ? 0 : x * sigmoid(x))
REFERENCE(r_softplus, softplus(x))
REFERENCE(r_softsign, isinf(x) ? copysign(1, x) : x / (1 + fabs(x)))
REFERENCE(r_hard_tanh, clamp(x, p, q))
REFERENCE(r_hard_sigmoid, clamp(p *x + q, 0, 1))
REFERENCE(r_hard_swish, x == -INFINITY ? 0 : x * clamp(x / 6 + 0.5, 0, 1))
REFERENCE(r_sin, sin(x))
REFERENCE(r_cos, cos(x))
REFERENCE(r_exp, exp(x))
REFERENCE(r_log, log(x))
REFERENCE(r_sqrt, sqrt(x))
REFERENCE(r_abs, fabs(x))
REFERENCE(r_neg, -x)
REFERENCE(r_reciprocal, 1 / x)
REFERENCE(r_erf, erf(x))
REFERENCE(r_sign, x<0 ? -1 : x> 0 ? 1 : x)
REFERENCE(r_floor, floor(x))
REFERENCE(r_ceil, ceil(x))
REFERENCE(r_round, rint(x))
REFERENCE(r_leaky_hard_tanh,
          x<-1 ? (x + 1) * p - 1 : x> 1 ? (x - 1) * q + 1 : x)
REFERENCE(r_fast_tanh, fast_tanh(x))
REFERENCE(r_celu, fmax(x, 0) + fmin(0, p *expm1(x / p)))
REFERENCE(r_thresholded, x > p ? x : 0)
REFERENCE(r_mish, x == -INFINITY ? 0 : x * tanh(softplus(x)))

#define NO -INFINITY, INFINITY, 0, 0

static const rule rules[] = {
    {MLI_IDENTITY, "identity", 0, 0, r_identity, EXACT | ODD, NO},
    {MLI_TANH, "tanh", 0, 0, r_tanh, ODD | ENDS, -1, 1, -9.1f, 9.1f},
    {MLI_SIGMOID, "sigmoid", 0, 0, r_sigmoid, ENDS, 0, 1, -88, 18},
    {MLI_RELU, "relu", 0, 0, r_relu, EXACT, 0, INFINITY, 0, INFINITY},
    {MLI_LEAKY_RELU, "leaky relu", 0.01f, 0, r_leaky, EXACT, NO},
    {MLI_ELU, "elu", 1, 0, r_elu, ENDS, -1, INFINITY, -18, INFINITY},
    {MLI_ELU, "elu 10", 10, 0, r_elu, ENDS, -10, INFINITY, -18, INFINITY},
    {MLI_SELU, "selu", 1.67326319f, 1.05070102f, r_selu, 0, NO},
    {MLI_GELU, "gelu", 0, 0, r_gelu, 0, -0.1701, INFINITY, 0, 0},
    {MLI_GELU_TANH, "gelu tanh", 0, 0, r_gelu_tanh, 0, -0.1701, INFINITY, 0, 0},
    {MLI_SILU, "silu", 0, 0, r_silu, 0, -0.2785, INFINITY, 0, 0},
    {MLI_SOFTPLUS, "softplus", 0, 0, r_softplus, ENDS, 0, INFINITY, -88,
     INFINITY},
    {MLI_SOFTSIGN, "softsign", 0, 0, r_softsign, ODD | ENDS, -1, 1, -0x1p25f,
     0x1p25f},
    {MLI_HARD_TANH, "hard tanh", -1, 1, r_hard_tanh, EXACT | ODD | ENDS, -1, 1,
     -1, 1},
    {MLI_HARD_TANH, "relu 6", 0, 6, r_hard_tanh, EXACT | ENDS, 0, 6, 0, 6},
    {MLI_HARD_SIGMOID, "hard sigmoid", 0.2f, 0.5f, r_hard_sigmoid, ENDS, 0, 1,
     -2.6f, 2.6f},
    {MLI_HARD_SWISH, "hard swish", 0, 0, r_hard_swish, 0, -0.3751, INFINITY, 0,
     0},
    {MLI_SIN, "sin", 0, 0, r_sin, ODD | TURNS, -1, 1, 0, 0},
    {MLI_COS, "cos", 0, 0, r_cos, TURNS, -1, 1, 0, 0},
    {MLI_EXP, "exp", 0, 0, r_exp, ENDS, 0, INFINITY, -104, 89},
    {MLI_LOG, "log", 0, 0, r_log, 0, NO},
    {MLI_SQRT, "sqrt", 0, 0, r_sqrt, 0, NO},
    {MLI_ABS, "abs", 0, 0, r_abs, EXACT, NO},
    {MLI_NEG, "neg", 0, 0, r_neg, EXACT | ODD, NO},
    {MLI_RECIPROCAL, "reciprocal", 0, 0, r_reciprocal, ODD, NO},
    {MLI_ERF, "erf", 0, 0, r_erf, ODD | ENDS, -1, 1, -4, 4},
    {MLI_SIGN, "sign", 0, 0, r_sign, EXACT | ODD, -1, 1, 0, 0},
    {MLI_FLOOR, "floor", 0, 0, r_floor, EXACT, NO},
    {MLI_CEIL, "ceil", 0, 0, r_ceil, EXACT, NO},
    {MLI_ROUND, "round", 0, 0, r_round, EXACT | ODD, NO},
    {MLI_LEAKY_HARD_TANH, "leaky hard tanh", 0.01f, 0.02f, r_leaky_hard_tanh, 0,
     NO},
    {MLI_FAST_TANH, "fast tanh", 0, 0, r_fast_tanh, ODD, -1.0081, 1.0081, 0, 0},
    {MLI_CELU, "celu", 1, 0, r_celu, 0, -1, INFINITY, 0, 0},
    {MLI_CELU, "celu 1.7", 1.7f, 0, r_celu, 0, -1.7000001, INFINITY, 0, 0},
    {MLI_THRESHOLDED_RELU, "thresholded relu", 1.5f, 0, r_thresholded, EXACT,
     NO},
    {MLI_MISH, "mish", 0, 0, r_mish, 0, -0.3089, INFINITY, 0, 0},
};

#define RULES (sizeof rules / sizeof rules[0])
#define CHUNK 2048

static uint32_t bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The distance of floats around v. */
static double ulp(double v)
{
    int e;
    if (!(fabs(v) >= 0x1p-126))
        return 0x1p-149;
    frexp(v, &e);
    return ldexp(1, e - 24);
}

static double allowed(double r)
{
    return fmax(5e-7, 3 * ulp(r));
}

/* Is y a good answer where the exact one is r? */
static int close_to(const rule *u, float y, double r)
{
    if (isnan(r))
        return isnan(y);
    if (isnan(y))
        return 0;
    if (fabs(r) < 0x1p-126 && fabs(y) < 0x1p-126)
        return 1;
    if (u->flags & EXACT)
        return y == (float)r;
    if (isinf(y) || isinf(r))
        return y == r || (isinf(y) && fabs(r) > 0x1.fffff8p127);
    return fabs(y - r) <= allowed(r);
}

static int right(const rule *u, float x, float y, double r)
{
    double p = u->p, q = u->q;
    /* below 2^-126 a number may count as 0 */
    if (fabsf(x) < 0x1p-126f && x != 0 &&
        close_to(u, y, u->reference(copysignf(0, x), p, q)))
        return 1;
    if (isnan(x) || isnan(r))
        return isnan(y);
    if (y < u->low || y > u->high)
        return 0;
    if ((u->flags & TURNS) && fabsf(x) > 65536)
        return !isnan(y);
    if ((u->flags & ENDS) && x <= u->from)
        return y == u->low;
    if ((u->flags & ENDS) && x >= u->to)
        return y == u->high;
    return close_to(u, y, r);
}

/* May a result be judged by its distance and range alone? (Most may.) */
static int easy(const rule *u, float x, double r)
{
    return isfinite(x) && isfinite(r) && !(u->flags & EXACT) &&
           !((u->flags & ENDS) && (x <= u->from || x >= u->to));
}

static int failures;

static void complain(const mli_kernels *k, const rule *u, float x, float y,
                     double r, const char *what)
{
    if (failures++ < 40)
        print_error("%s %s(%.9g = %a): %.9g, expected %.9g: %s\n", k->name,
                    u->name, x, x, y, r, what);
}

/* n values and their negatives, through one function, in every build. */
static void check_values(const rule *u, const float *values, size_t n)
{
    static float x[2 * CHUNK], y[2 * CHUNK];
    static double r[2 * CHUNK], bound[2 * CHUNK];
    for (size_t i = 0; i < n; i++) {
        x[i] = values[i];
        x[n + i] = -values[i];
    }
    for (size_t i = 0; i < 2 * n; i++) {
        r[i] = u->reference(x[i], u->p, u->q);
        bound[i] = easy(u, x[i], r[i]) ? allowed(r[i]) : -1;
    }
    const mli_kernels *k;
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++) {
        k->unary(u->f, u->p, u->q, x, y, 0, 2 * n);
        for (size_t i = 0; i < 2 * n; i++)
            if (!(fabs(y[i] - r[i]) <= bound[i] && y[i] >= u->low &&
                  y[i] <= u->high) &&
                !right(u, x[i], y[i], r[i]))
                complain(k, u, x[i], y[i], r[i], "too far");
        if (u->flags & ODD)
            for (size_t i = 0; i < n; i++)
                if (!isnan(y[i]) && bits(y[i]) != (bits(y[n + i]) ^ 1u << 31))
                    complain(k, u, x[i], y[i], -y[n + i], "not odd");
    }
}

static void sweep(void **state)
{
    (void)state;
    const uint32_t step = getenv("MLI_LONG") ? 1 : 1009;
    static float x[CHUNK];
    failures = 0;
    for (size_t i = 0; i < RULES; i++) {
        size_t n = 0;
        for (uint64_t u = 0; u < 1u << 31; u += step) {
            x[n++] = from_bits((uint32_t)u);
            if (n == CHUNK || u + step >= 1u << 31) {
                check_values(&rules[i], x, n);
                n = 0;
            }
        }
    }
    assert_int_equal(failures, 0);
}

/* Where a function bends, a table ends or a case begins, and 8 floats around */
static const float corners[] = {
    0,
    0x1p-126f,
    0x1p-125f,
    0x1p-24f,
    0x1p-12f,
    0.125f,
    1.0f / 3,
    0.34657359f,
    0.41421356f,
    0.5f,
    0.625f,
    0.70710678f,
    0.78539816f,
    0.7861f,
    0.88137359f,
    1,
    1.41421356f,
    1.5f,
    1.57079633f,
    2.5f,
    2,
    3,
    3.14159265f,
    3.95f,
    4,
    4.5f,
    5.58614f,
    6,
    6.28318531f,
    7.5f,
    8,
    9.02f,
    9.1f,
    16.6355324f,
    17.3286795f,
    18,
    20,
    32,
    64,
    87.3365447f,
    87.68f,
    88,
    88.7228391f,
    89,
    100,
    102,
    103.278929f,
    104,
    65535.7f,
    65536,
    102944,
    0x1p22f,
    0x1p23f,
    0x1p24f,
    1e8f,
    1e9f,
    2147483647.0f,
    4294967296.0f,
    1e15f,
    0x1p60f,
    0x1p64f,
    1e20f,
    0x1p100f,
    0x1p126f,
    0x1p127f,
    0x1.fffff0p127f,
};

static void corner_values(float *x, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < sizeof corners / sizeof corners[0]; i++)
        for (int d = -8; d <= 8; d++) {
            uint32_t u = bits(corners[i]);
            if (d >= 0 || u >= 8)
                x[(*n)++] = from_bits(u + (uint32_t)d);
        }
    const uint32_t special[] = {0x7f800000, 0x7fc00000, 0x7f800001, 0x7fffffff,
                                0x7f7fffff, 0x007fffff, 1};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        x[(*n)++] = from_bits(special[i]);
    for (int i = 1; i < 200; i++) /* halves, and multiples of pi/2 */
        x[(*n)++] = (float)i / 2, x[(*n)++] = (float)(i * 203 * (PI / 2));
    assert_true(*n <= CHUNK);
}

static void breakpoints(void **state)
{
    (void)state;
    static float x[CHUNK];
    size_t n;
    failures = 0;
    corner_values(x, &n);
    for (size_t i = 0; i < RULES; i++)
        check_values(&rules[i], x, n);
#ifdef __SSE2__
    /* as a session sets the machine: results and operands flushed to 0 */
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    for (size_t i = 0; i < RULES; i++)
        check_values(&rules[i], x, n);
    _mm_setcsr(mode);
#endif
    assert_int_equal(failures, 0);
}

/* Values that must come out to the last bit. */
static void exact_points(void **state)
{
    (void)state;
    const struct {
        mli_unary f;
        float p, q, x, y;
    } point[] = {
        {MLI_TANH, 0, 0, 0, 0},
        {MLI_TANH, 0, 0, INFINITY, 1},
        {MLI_SIGMOID, 0, 0, 0, 0.5f},
        {MLI_SIGMOID, 0, 0, INFINITY, 1},
        {MLI_SIGMOID, 0, 0, -INFINITY, 0},
        {MLI_ELU, 1, 0, 0, 0},
        {MLI_ELU, 1, 0, -INFINITY, -1},
        {MLI_GELU, 0, 0, 0, 0},
        {MLI_GELU, 0, 0, -INFINITY, 0},
        {MLI_GELU_TANH, 0, 0, 0, 0},
        {MLI_GELU_TANH, 0, 0, -INFINITY, 0},
        {MLI_SILU, 0, 0, 0, 0},
        {MLI_SILU, 0, 0, -INFINITY, 0},
        {MLI_SOFTPLUS, 0, 0, INFINITY, INFINITY},
        {MLI_SOFTPLUS, 0, 0, -INFINITY, 0},
        {MLI_SOFTPLUS, 0, 0, 0, 0.693147181f},
        {MLI_SOFTSIGN, 0, 0, INFINITY, 1},
        {MLI_HARD_SIGMOID, 0.2f, 0.5f, 0, 0.5f},
        {MLI_HARD_SWISH, 0, 0, -INFINITY, 0},
        {MLI_SIN, 0, 0, 0, 0},
        {MLI_COS, 0, 0, 0, 1},
        {MLI_EXP, 0, 0, 0, 1},
        {MLI_EXP, 0, 0, -INFINITY, 0},
        {MLI_EXP, 0, 0, INFINITY, INFINITY},
        {MLI_LOG, 0, 0, 1, 0},
        {MLI_LOG, 0, 0, 0, -INFINITY},
        {MLI_LOG, 0, 0, INFINITY, INFINITY},
        {MLI_SQRT, 0, 0, 0, 0},
        {MLI_SQRT, 0, 0, INFINITY, INFINITY},
        {MLI_RECIPROCAL, 0, 0, 0, INFINITY},
        {MLI_RECIPROCAL, 0, 0, 1, 1},
        {MLI_RECIPROCAL, 0, 0, INFINITY, 0},
        {MLI_ERF, 0, 0, 0, 0},
        {MLI_ERF, 0, 0, INFINITY, 1},
        {MLI_FAST_TANH, 0, 0, 0, 0},
        {MLI_CELU, 1, 0, 0, 0},
        {MLI_MISH, 0, 0, 0, 0},
        {MLI_MISH, 0, 0, -INFINITY, 0},
    };
    const mli_kernels *k;
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
        for (size_t i = 0; i < sizeof point / sizeof point[0]; i++) {
            float y;
            k->unary(point[i].f, point[i].p, point[i].q, &point[i].x, &y, 0, 1);
            if (y != point[i].y)
                fail_msg("%s: function %d of %g is %.9g, not %.9g", k->name,
                         point[i].f, point[i].x, y, point[i].y);
        }
}

/* Any range, any lane, in place or not: the same bits, nothing else written. */
static void ranges(void **state)
{
    (void)state;
    enum { N = 75, EDGE = 16 };
    float x[N], all[N], y[EDGE + N + EDGE];
    const mli_kernels *k;
    for (int i = 0; i < N; i++)
        x[i] = (float)((i * 37 % N - N / 2) * 0.173);
    x[7] = NAN;
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
        for (size_t r = 0; r < RULES; r++) {
            const rule *u = &rules[r];
            for (int i = 0; i < N; i++)
                k->unary(u->f, u->p, u->q, x + i, all + i, 0, 1);
            for (size_t first = 0; first < 20; first++)
                for (size_t last = first; last <= N; last += 1 + last % 5) {
                    for (size_t i = 0; i < EDGE + N + EDGE; i++)
                        y[i] = 1234.5f;
                    k->unary(u->f, u->p, u->q, x, y + EDGE, first, last);
                    for (size_t i = 0; i < EDGE + N + EDGE; i++) {
                        size_t at = i - EDGE;
                        float want =
                            at >= first && at < last ? all[at] : 1234.5f;
                        if (bits(y[i]) != bits(want))
                            fail_msg("%s %s [%zu, %zu) at %zu", k->name,
                                     u->name, first, last, at);
                    }
                }
            memcpy(y, x, sizeof x);
            k->unary(u->f, u->p, u->q, y, y, 3, N);
            assert_memory_equal(y + 3, all + 3, sizeof x - 3 * sizeof *x);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breakpoints),
        cmocka_unit_test(exact_points),
        cmocka_unit_test(ranges),
        cmocka_unit_test(sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
