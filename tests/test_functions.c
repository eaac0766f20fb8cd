/*
 * test_functions.c - every scalar function of every build that runs here, held
 * to the contract of kernels.h: every 1009th float and all breakpoints. When
 * MLI_LONG is set (ten minutes), every float from 2^-26 to 2^26, where
 * functions bend, and of the others, where they are lines and ends or depend on
 * the digits alone, every 61st run of 2048: over all exponents these have all
 * digits. With MLI_FUNCTION=tanh, too, every float of that one (a minute).
 * MLI_STEP=n takes every nth float, for slow machines.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "fpu.h"
#include "kernels.h"

#define PI 3.14159265358979323846

enum { EXACT = 1, ODD = 2, ENDS = 4, TURNS = 8, TRUTH = 16 };

/*
 * What a function must do. EXACT: the one nearest float. ODD: f(-x) = -f(x) to
 * the bit. ENDS: from x <= from on y is low, from x >= to on y is high.
 * TURNS: accurate for |x| <= 2^16 only. TRUTH: 0 or 1, of NaN too. Results lie
 * in [low, high].
 */
typedef struct rule {
    mli_unary f;
    const char *name;
    float p, q;
    double (*reference)(double x, double p, double q);
    int flags;
    float low, high;
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
REFERENCE(r_trunc, trunc(x))
REFERENCE(r_not, x == 0)
REFERENCE(r_is_nan, isnan(x) != 0)
REFERENCE(r_is_inf, isinf(x) && (p == 0 || (p > 0) == (x > 0)))
REFERENCE(r_tan, tan(x))
REFERENCE(r_asin, asin(x))
REFERENCE(r_acos, acos(x))
REFERENCE(r_atan, atan(x))
REFERENCE(r_sinh, sinh(x))
REFERENCE(r_cosh, cosh(x))
REFERENCE(r_asinh, asinh(x))
REFERENCE(r_acosh, acosh(x))
REFERENCE(r_atanh, atanh(x))
REFERENCE(r_round_away, clamp(round(x), p, q))

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
    {MLI_GELU, "gelu", 0, 0, r_gelu, 0, -0.1701f, INFINITY, 0, 0},
    {MLI_GELU_TANH, "gelu tanh", 0, 0, r_gelu_tanh, 0, -0.1701f, INFINITY, 0,
     0},
    {MLI_SILU, "silu", 0, 0, r_silu, 0, -0.2785f, INFINITY, 0, 0},
    {MLI_SOFTPLUS, "softplus", 0, 0, r_softplus, ENDS, 0, INFINITY, -88,
     INFINITY},
    {MLI_SOFTSIGN, "softsign", 0, 0, r_softsign, ODD | ENDS, -1, 1, -0x1p25f,
     0x1p25f},
    {MLI_HARD_TANH, "hard tanh", -1, 1, r_hard_tanh, EXACT | ODD | ENDS, -1, 1,
     -1, 1},
    {MLI_HARD_TANH, "relu 6", 0, 6, r_hard_tanh, EXACT | ENDS, 0, 6, 0, 6},
    {MLI_HARD_SIGMOID, "hard sigmoid", 0.2f, 0.5f, r_hard_sigmoid, ENDS, 0, 1,
     -2.6f, 2.6f},
    {MLI_HARD_SWISH, "hard swish", 0, 0, r_hard_swish, 0, -0.3751f, INFINITY, 0,
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
    {MLI_FAST_TANH, "fast tanh", 0, 0, r_fast_tanh, ODD, -1.0081f, 1.0081f, 0,
     0},
    {MLI_CELU, "celu", 1, 0, r_celu, 0, -1, INFINITY, 0, 0},
    {MLI_CELU, "celu 1.7", 1.7f, 0, r_celu, 0, -1.7000001f, INFINITY, 0, 0},
    {MLI_THRESHOLDED_RELU, "thresholded relu", 1.5f, 0, r_thresholded, EXACT,
     NO},
    {MLI_MISH, "mish", 0, 0, r_mish, 0, -0.3089f, INFINITY, 0, 0},
    {MLI_TRUNC, "trunc", 0, 0, r_trunc, EXACT | ODD, NO},
    {MLI_NOT, "not", 0, 0, r_not, EXACT | TRUTH, 0, 1, 0, 0},
    {MLI_IS_NAN, "is nan", 0, 0, r_is_nan, EXACT | TRUTH, 0, 1, 0, 0},
    {MLI_IS_INF, "is inf", 0, 0, r_is_inf, EXACT | TRUTH, 0, 1, 0, 0},
    {MLI_IS_INF, "is +inf", 1, 0, r_is_inf, EXACT | TRUTH, 0, 1, 0, 0},
    {MLI_IS_INF, "is -inf", -1, 0, r_is_inf, EXACT | TRUTH, 0, 1, 0, 0},
    {MLI_TAN, "tan", 0, 0, r_tan, ODD | TURNS, NO},
    {MLI_ASIN, "asin", 0, 0, r_asin, ODD, -1.57079637f, 1.57079637f, 0, 0},
    {MLI_ACOS, "acos", 0, 0, r_acos, 0, 0, 3.14159274f, 0, 0},
    {MLI_ATAN, "atan", 0, 0, r_atan, ODD, -1.57079637f, 1.57079637f, 0, 0},
    {MLI_SINH, "sinh", 0, 0, r_sinh, ODD, NO},
    {MLI_COSH, "cosh", 0, 0, r_cosh, 0, 1, INFINITY, 0, 0},
    {MLI_ASINH, "asinh", 0, 0, r_asinh, ODD, NO},
    {MLI_ACOSH, "acosh", 0, 0, r_acosh, 0, 0, INFINITY, 0, 0},
    {MLI_ATANH, "atanh", 0, 0, r_atanh, ODD, NO},
    {MLI_ROUND_AWAY, "round away", -128, 127, r_round_away, EXACT | ENDS, -128,
     127, -128, 127},
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
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    u = u >> 52 & 0x7ff;
    u = (u < 1023 - 126 ? 1023 - 126 : u) - 23;
    u <<= 52;
    memcpy(&v, &u, sizeof v);
    return v;
}

static double allowed(double r)
{
    double e = 3 * ulp(r);
    return e > 5e-7 ? e : 5e-7;
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
    if ((isnan(x) && !(u->flags & TRUTH)) || isnan(r))
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

static int failures;

static void complain(const mli_kernels *k, const rule *u, float x, float y,
                     double r, const char *what)
{
    if (failures++ < 40)
        print_error("%s %s(%.9g = %a): %.9g, expected %.9g: %s\n", k->name,
                    u->name, x, x, y, r, what);
}

/* ------------------------------------------------ many values at a time - */

/*
 * right() decides about every value, but most are plainly right: those within
 * [low, high], which allows 0.6 of the error, so that neither its own rounding
 * to float (1 ulp of r at most) nor that of r (0.01 of the error) matters. NaN
 * for low: the result must be NaN.
 */
typedef struct batch {
    float x[2 * CHUNK], y[2 * CHUNK], low[2 * CHUNK], high[2 * CHUNK];
    double r[2 * CHUNK];
} batch;

static void plainly_right(const rule *u, float x, double r, float *low,
                          float *high)
{
    if ((isnan(x) && !(u->flags & TRUTH)) || isnan(r)) {
        *low = *high = NAN;
    } else if ((u->flags & TURNS) && fabsf(x) > 65536) {
        *low = u->low;
        *high = u->high;
    } else if ((u->flags & ENDS) && (x <= u->from || x >= u->to)) {
        *low = *high = x <= u->from ? u->low : u->high;
    } else if ((u->flags & EXACT) || isinf(r)) {
        *low = *high = (float)r;
    } else {
        double e = 0.6 * allowed(r);
        *low = (float)(r - e) < u->low ? u->low : (float)(r - e);
        *high = (float)(r + e) > u->high ? u->high : (float)(r + e);
    }
}

static void refer(const rule *u, const float *x, double *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int free = (u->flags & TURNS) && fabsf(x[i]) > 65536;
        r[i] = free ? 0 : u->reference(x[i], u->p, u->q);
    }
}

/*
 * The reference at SPAN neighbouring floats, by the parabola through both ends
 * and the middle, where it meets the reference between them. At n SPAN floats
 * the distance of its nodes is 2^-16 of x at most: the third derivative hardly
 * counts. Where it does, or the function bends, every value is computed; where
 * no node is a number, none between them is.
 */
enum { SPAN = 256 };

static void refer_span(const rule *u, const float *x, double *r)
{
    const uint32_t first = bits(x[0]);
    double node[5];
    int number = 0;
    for (uint32_t i = 0; i < 5; i++) {
        float at = from_bits(first + i * SPAN / 4);
        refer(u, &at, node + i, 1);
        number += isfinite(at) && isfinite(node[i]);
    }
    if (number == 0 && isnan(node[0]) && isnan(node[2]) && isnan(node[4])) {
        for (uint32_t i = 0; i < SPAN; i++)
            r[i] = NAN;
        return;
    }
    const double c = (node[4] - 2 * node[2] + node[0]) * (2.0 / SPAN / SPAN);
    const double b = (node[4] - node[0]) / SPAN - c * SPAN;
    for (uint32_t i = 0; i < SPAN; i++)
        r[i] = node[0] + i * (b + i * c);
    int near = number == 5 && !(u->flags & EXACT);
    for (uint32_t i = 1; i < 4 && near; i += 2)
        near = fabs(r[i * SPAN / 4] - node[i]) <= 1e-3 * allowed(node[i]);
    if (!near)
        refer(u, x, r, SPAN);
}

/* Are all plainly right? Written without branches: it sees every result. */
static int all_right(const batch *v, size_t n)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        float y = v->y[i], low = v->low[i];
        wrong |= !((y >= low) & (y <= v->high[i])) & !((low != low) & (y != y));
    }
    return !wrong;
}

static int all_odd(const batch *v, size_t n)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong |= bits(v->y[i]) ^ bits(v->y[n + i]) ^ 1u << 31;
    return !wrong;
}

static void judge(const mli_kernels *k, const rule *u, const batch *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = v->x[i], y = v->y[i];
        if ((y >= v->low[i] && y <= v->high[i]) ||
            (isnan(y) && isnan(v->low[i])))
            continue;
        double r = u->reference(x, u->p, u->q);
        if (!right(u, x, y, r))
            complain(k, u, x, y, r, "too far");
    }
}

static void judge_oddness(const mli_kernels *k, const rule *u, const batch *v,
                          size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(v->y[i]) ? !isnan(v->y[n + i])
                           : bits(v->y[i]) != (bits(v->y[n + i]) ^ 1u << 31))
            complain(k, u, v->x[i], v->y[i], -v->y[n + i], "not odd");
}

/* The builds that run here. Asking takes long where a machine is simulated. */
static const mli_kernels *builds[9];

static int find_builds(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < 8; b++)
        if ((builds[b] = mli_kernels_at(b)) == NULL)
            break;
    return builds[0] == NULL;
}

/*
 * n values and their negatives, through one function, in every build. Of an odd
 * function one half is compared with the reference and the other, to the bit,
 * with that half. neighbours: the values are neighbouring floats.
 */
static void check_values(const rule *u, const float *values, size_t n,
                         int neighbours)
{
    static batch v;
    const size_t compared = u->flags & ODD ? n : 2 * n;
    for (size_t i = 0; i < n; i++) {
        v.x[i] = values[i];
        v.x[n + i] = -values[i];
    }
    if (neighbours)
        for (size_t i = 0; i < compared; i += SPAN)
            refer_span(u, v.x + i, v.r + i);
    else
        refer(u, v.x, v.r, compared);
    for (size_t i = 0; i < compared; i++)
        plainly_right(u, v.x[i], v.r[i], v.low + i, v.high + i);
    const mli_kernels *k;
    for (uint32_t b = 0; (k = builds[b]); b++) {
        const uint32_t before = mli_fpu_read();
        if (neighbours)
            mli_fpu_write(MLI_FPU_WANTED);
        k->unary(u->f, u->p, u->q, v.x, v.y, 0, 2 * n);
        mli_fpu_write(before);
        if (!all_right(&v, compared))
            judge(k, u, &v, compared);
        if ((u->flags & ODD) && !all_odd(&v, n))
            judge_oddness(k, u, &v, n);
    }
}

static int is_wanted(const rule *u)
{
    const char *name = getenv("MLI_FUNCTION");
    return name == NULL || strcmp(name, u->name) == 0;
}

/* Every step-th float. */
static void sweep_every(uint32_t step)
{
    static float x[CHUNK];
    for (size_t i = 0; i < RULES; i++) {
        const uint64_t end = is_wanted(&rules[i]) ? 1u << 31 : 0;
        size_t n = 0;
        for (uint64_t u = 0; u < end; u += step) {
            x[n++] = from_bits((uint32_t)u);
            if (n == CHUNK || u + step >= end) {
                check_values(&rules[i], x, n, 0);
                n = 0;
            }
        }
    }
}

/* 4096 chunks have the same exponent, and 61 is no part of that. */
static int is_in_sweep(uint32_t chunk)
{
    const uint32_t exponent = chunk * (uint64_t)CHUNK >> 23;
    return getenv("MLI_FUNCTION") != NULL || chunk % 61 == 0 ||
           (exponent >= 127 - 26 && exponent < 127 + 26);
}

/*
 * Every float of every part-th chunk, with small numbers flushed to 0: half of
 * all floats have a square too small, which takes some machines 100 times as
 * long to compute, and no session does. The first process tells how far it is.
 */
static void sweep_part(uint32_t part, uint32_t parts)
{
    static float x[CHUNK];
    const uint32_t chunks = (1u << 31) / CHUNK;
    const int tells = part == 0 && isatty(STDERR_FILENO);
    for (size_t i = 0; i < RULES; i++) {
        const uint32_t end = is_wanted(&rules[i]) ? chunks : 0;
        for (uint32_t c = part; c < end; c += parts) {
            if (tells && (c - part) / parts % 1024 == 0)
                fprintf(stderr, "\r%2zu of %zu: %-18s %3u %%", i + 1, RULES,
                        rules[i].name, (unsigned)(c * 100.0 / chunks));
            if (!is_in_sweep(c))
                continue;
            for (uint32_t j = 0; j < CHUNK; j++)
                x[j] = from_bits(c * CHUNK + j);
            check_values(&rules[i], x, CHUNK, 1);
        }
    }
    if (tells)
        fprintf(stderr, "\r%-40s\r", "");
}

/* One process a processor; each ends with 0 if it has found nothing. */
static void sweep_all(void)
{
    const long parts = sysconf(_SC_NPROCESSORS_ONLN);
    fflush(NULL);
    for (long part = 0; part < parts; part++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            sweep_part((uint32_t)part, (uint32_t)parts);
            fflush(NULL);
            _exit(failures != 0);
        }
    }
    for (int status; wait(&status) > 0;)
        failures += status != 0;
}

static void sweep(void **state)
{
    (void)state;
    const char *step = getenv("MLI_STEP");
    failures = 0;
    sweep_every(step ? (uint32_t)strtoul(step, NULL, 10) : 1009);
    if (getenv("MLI_LONG"))
        sweep_all();
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
    8.6f,
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
        check_values(&rules[i], x, n, 0);
    const uint32_t before = mli_fpu_read();
    mli_fpu_write(MLI_FPU_WANTED);
    for (size_t i = 0; i < RULES; i++)
        check_values(&rules[i], x, n, 0);
    mli_fpu_write(before);
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
        {MLI_TAN, 0, 0, 0, 0},
        {MLI_ASIN, 0, 0, 1, 1.57079637f},
        {MLI_ACOS, 0, 0, 1, 0},
        {MLI_ACOS, 0, 0, -1, 3.14159274f},
        {MLI_ATAN, 0, 0, INFINITY, 1.57079637f},
        {MLI_SINH, 0, 0, -INFINITY, -INFINITY},
        {MLI_COSH, 0, 0, 0, 1},
        {MLI_COSH, 0, 0, -INFINITY, INFINITY},
        {MLI_ASINH, 0, 0, -INFINITY, -INFINITY},
        {MLI_ACOSH, 0, 0, 1, 0},
        {MLI_ACOSH, 0, 0, INFINITY, INFINITY},
        {MLI_ATANH, 0, 0, 1, INFINITY},
    };
    const mli_kernels *k;
    for (uint32_t b = 0; (k = builds[b]); b++)
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
    for (uint32_t b = 0; (k = builds[b]); b++)
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
    return cmocka_run_group_tests(tests, find_builds, NULL);
}
