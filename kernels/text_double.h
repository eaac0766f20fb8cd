/*
 * text_double.h - functions that need more bits than a float has, or are rare:
 * in double, one value at a time, the same bits in every build.
 */

/*
 * a^b needs log a to many more bits than a float has, so it is done in double,
 * one at a time, in the same few steps as e^x and log x in text_math.h.
 */
V_FN double pow_scale(int n)
{
    uint64_t u = (uint64_t)(n + 1023) << 52;
    double d;
    __builtin_memcpy(&d, &u, sizeof d);
    return d;
}

/* log2(a) for a > 0, error below 1e-13 of the value or 1e-15 */
V_FN double pow_log2(double a)
{
    uint64_t u;
    __builtin_memcpy(&u, &a, sizeof u);
    uint64_t i = u - 0x3fe6a09e667f3bcdu;
    int e = (int)(i >> 52) - (i >> 63 ? 4096 : 0);
    u -= (uint64_t)e << 52;
    double m;
    __builtin_memcpy(&m, &u, sizeof m);
    double s = (m - 1.0) / (m + 1.0), z = s * s, r = 0.0;
    /* log m = 2 atanh s = 2 sum s^k/k, |s| <= 0.1716 */
    for (int k = 17; k >= 1; k -= 2)
        r = r * z + 1.0 / k;
    return e + 2.0 * s * r * 0x1.71547652b82fep+0;
}

/* 2^v; 0 and infinity where a float ends */
V_FN float pow_exp2(double v)
{
    if (v < -160.0)
        return 0.0f;
    if (v > 129.0)
        return __builtin_inff();
    int n = (int)(v < 0.0 ? v - 0.5 : v + 0.5);
    double r = (v - n) * 0x1.62e42fefa39efp-1, e = 1.0;
    for (int k = 11; k >= 1; k--)
        e = 1.0 + r / k * e;
    e *= pow_scale(n);
    return e > 0x1.fffffefffffffp127 ? __builtin_inff() : (float)e;
}

/* a^b for a 0 or infinite, or b infinite. */
V_FN float pow_edge(float a, float b, int odd)
{
    float m = a < 0.0f ? -a : a;
    int grows = b > 0.0f;
    if (m == 1.0f)
        return 1.0f;
    if (m < 1.0f)
        grows = !grows;
    float y = grows ? __builtin_inff() : 0.0f;
    return odd && __builtin_signbit(a) ? -y : y;
}

V_FN float pow_one(float a, float b)
{
    if (b == 0.0f || a == 1.0f)
        return 1.0f;
    if (a != a || b != b)
        return a + b;
    if (b == 1.0f)
        return a;
    if (b == 2.0f)
        return a * a;
    float m = a < 0.0f ? -a : a, n = b < 0.0f ? -b : b;
    /* from 2^24 on every float is an even number */
    int whole = n >= 0x1p24f || n == (float)(int32_t)n;
    int odd = n < 0x1p24f && whole && ((int32_t)n & 1);
    int normal = m >= 0x1p-126f && m <= 0x1.fffffep127f;
    if (!normal || !(n <= 0x1.fffffep127f))
        return pow_edge(a, b, odd);
    if (a < 0.0f && !whole)
        return __builtin_nanf("");
    float y = pow_exp2((double)b * pow_log2(m));
    return a < 0.0f && odd ? -y : y;
}

/* --------------------------------------------------- whole quotients ---- */

/*
 * The rest of a/b for finite a >= 0, b > 0. A quotient below 2^28 times a
 * float fits a double, so every step is exact; it is one too large at most
 * where a/b was rounded up. The largest quotient is below 2^278: ten steps.
 */
V_FN double rest_of_positive(double a, double b)
{
    while (a >= b) {
        double s = b, t = a / b;
        if (t >= 0x1p28) {
            uint64_t u;
            __builtin_memcpy(&u, &t, sizeof u);
            s = b * pow_scale((int)(u >> 52) - 1023 - 27);
        }
        a -= (double)(uint32_t)(a / s) * s;
        if (a < 0.0)
            a += s;
    }
    return a;
}

/* of_divisor: the rest has the sign of b, else that of a. */
V_FN float rest_of(float a, float b, int of_divisor)
{
    const float most = 0x1.fffffep127f;
    float m = a < 0.0f ? -a : a, n = b < 0.0f ? -b : b;
    if (!(m <= most) || n != n || n == 0.0f)
        return __builtin_nanf("");
    double r = n > most ? (double)m : rest_of_positive((double)m, (double)n);
    if (a < 0.0f)
        r = -r;
    if (of_divisor && r != 0.0 && (r < 0.0) != (b < 0.0f))
        r += (double)b;
    if (r == 0.0)
        return __builtin_copysignf(0.0f, of_divisor ? b : a);
    return (float)r;
}

V_FN float whole_quotient(float a, float b)
{
    double q = (double)a / (double)b;
    if (q > -0x1p31 && q < 0x1p31)
        return (float)(int32_t)q;
    return (float)q; /* whole already, infinite or no number */
}

/* Cut towards 0, held to 32 bits, NaN as 0. */
V_FN int32_t to_int(float x)
{
    if (x >= 0x1p31f)
        return INT32_MAX;
    if (x <= -0x1p31f)
        return INT32_MIN;
    return x == x ? (int32_t)x : 0;
}

/* ------------------------------------- angles and hyperbolic functions ---- */

#define DOUBLE_PI_2 0x1.921fb54442d18p+0
#define DOUBLE_LN2  0x1.62e42fefa39efp-1

/* a >= 0: an estimate from the exponent, four Newton steps. */
V_FN double double_sqrt(double a)
{
    uint64_t u;
    double y;
    if (!(a > 0x1p-1000))
        return 0.0;
    __builtin_memcpy(&u, &a, sizeof u);
    u = (u >> 1) + 0x1ff7a3bea91d9b1bu;
    __builtin_memcpy(&y, &u, sizeof y);
    for (int i = 0; i < 4; i++)
        y = 0.5 * (y + a / y);
    return y;
}

/* e^a for |a| < 700 */
V_FN double double_exp(double a)
{
    double v = a * 0x1.71547652b82fep+0;
    int n = (int)(v < 0.0 ? v - 0.5 : v + 0.5);
    double r = (v - n) * DOUBLE_LN2, e = 1.0;
    for (int k = 13; k >= 1; k--)
        e = 1.0 + r / k * e;
    return e * pow_scale(n);
}

/* z + z^3/3 + z^5/5 ..., with `sign` -1 alternating, |z| <= 0.42 */
V_FN double odd_series(double z, double sign)
{
    double u = z * z * sign, r = 0.0;
    for (int k = 35; k >= 1; k -= 2)
        r = r * u + 1.0 / k;
    return z * r;
}

/* a >= 0 */
V_FN double double_atan(double a)
{
    int far = a > 1.0;
    double y;
    if (far)
        a = 1.0 / a;
    if (a > 0.4142135623730951)
        y = 0.5 * DOUBLE_PI_2 + odd_series((a - 1.0) / (a + 1.0), -1.0);
    else
        y = odd_series(a, -1.0);
    return far ? DOUBLE_PI_2 - y : y;
}

/* 0 <= a <= 1 */
V_FN double double_atanh(double a)
{
    if (a < 0.25)
        return odd_series(a, 1.0);
    if (a == 1.0)
        return __builtin_inf();
    return 0.5 * DOUBLE_LN2 * pow_log2((1.0 + a) / (1.0 - a));
}

/* a >= 0 */
V_FN double double_asinh(double a)
{
    double root = double_sqrt(a * a + 1.0);
    if (a < 0.25)
        return odd_series(a / root, 1.0);
    return DOUBLE_LN2 * pow_log2(a + root);
}

/* 0 <= a < 90 */
V_FN double double_sinh(double a)
{
    double e, u = a * a, r = 1.0;
    if (a < 0.5) {
        for (int k = 10; k >= 2; k -= 2)
            r = 1.0 + r * u / (double)(k * (k + 1));
        return a * r;
    }
    e = double_exp(a);
    return 0.5 * (e - 1.0 / e);
}

/*
 * tan a for a >= 0. n quarter turns are taken off in two parts, of which the
 * first has 33 bits: exact for n < 2^20. From 2^30 on a is held there.
 */
V_FN double double_tan(double a)
{
    if (a > 0x1p30)
        a = 0x1p30;
    int32_t n = (int32_t)(a / DOUBLE_PI_2 + 0.5);
    double r = a - n * 0x1.921fb544p+0;
    r -= n * 0x1.0b4611a626331p-34;
    double u = r * r, s = 1.0, c = 1.0;
    for (int k = 14; k >= 2; k -= 2)
        s = 1.0 - s * u / (double)(k * (k + 1));
    for (int k = 15; k >= 1; k -= 2)
        c = 1.0 - c * u / (double)(k * (k + 1));
    return n & 1 ? -c / (r * s) : r * s / c;
}

/* To a float; infinity where floats end. */
V_FN float to_float(double y)
{
    if (y > 0x1.fffffefffffffp127)
        return __builtin_inff();
    if (y < -0x1.fffffefffffffp127)
        return -__builtin_inff();
    return (float)y;
}

/* Of the odd ones, for x >= 0. */
V_FN float rare_positive(mli_unary f, double a)
{
    const double most = 0x1.fffffep127;
    switch (f) {
    case MLI_TAN:
        return a > most ? __builtin_nanf("") : to_float(double_tan(a));
    case MLI_ASIN:
        if (a > 1.0)
            return __builtin_nanf("");
        if (a == 1.0)
            return (float)DOUBLE_PI_2;
        return (float)double_atan(a / double_sqrt((1.0 - a) * (1.0 + a)));
    case MLI_ATAN:
        return (float)double_atan(a);
    case MLI_SINH:
        return to_float(double_sinh(a < 100.0 ? a : 100.0));
    case MLI_ASINH:
        return a > most ? (float)a : (float)double_asinh(a);
    default: /* MLI_ATANH */
        return a > 1.0 ? __builtin_nanf("") : (float)double_atanh(a);
    }
}

V_FN float rare_acos(double x)
{
    if (x > 1.0 || x < -1.0)
        return __builtin_nanf("");
    if (x == -1.0)
        return (float)(2.0 * DOUBLE_PI_2);
    return (float)(2.0 * double_atan(double_sqrt((1.0 - x) / (1.0 + x))));
}

V_FN float rare_cosh(double a)
{
    double e = double_exp(a < 100.0 ? a : 100.0);
    return to_float(0.5 * (e + 1.0 / e));
}

V_FN float rare_acosh(double x)
{
    if (x < 1.0)
        return __builtin_nanf("");
    if (x > 0x1.fffffep127)
        return (float)x;
    double root = double_sqrt((x - 1.0) * (x + 1.0));
    return (float)(DOUBLE_LN2 * pow_log2(x + root));
}

static __attribute__((noinline)) float rare_one(mli_unary f, float x)
{
    float a = __builtin_fabsf(x);
    if (x != x)
        return x;
    if (f == MLI_ACOS)
        return rare_acos((double)x);
    if (f == MLI_COSH)
        return rare_cosh((double)a);
    if (f == MLI_ACOSH)
        return rare_acosh((double)x);
    float y = rare_positive(f, (double)a);
    return __builtin_signbit(x) ? -y : y;
}

V_FN vf math_rare(mli_unary f, vf x)
{
    float t[V_LANES];
    v_store(t, x);
    for (unsigned l = 0; l < V_LANES; l++)
        t[l] = rare_one(f, t[l]);
    return v_load(t);
}
