/* text_binary.h - y = f(a, b) and y = x*scale + shift, over the vector layer.
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

V_FN vf math_pow(vf a, vf b)
{
    float s[V_LANES], t[V_LANES];
    v_store(s, a);
    v_store(t, b);
    for (unsigned l = 0; l < V_LANES; l++)
        s[l] = pow_one(s[l], t[l]);
    return v_load(s);
}

V_FN vf binary_one(mli_binary f, vf a, vf b)
{
    switch (f) {
    case MLI_SUB:
        return v_sub(a, b);
    case MLI_MUL:
        return v_mul(a, b);
    case MLI_DIV:
        return v_div_any(a, b);
    case MLI_MIN:
        return v_min_both(a, b);
    case MLI_MAX:
        return v_max_both(a, b);
    case MLI_POW:
        return math_pow(a, b);
    case MLI_PRELU:
        return v_select(v_lt(a, K(0.0f)), v_mul(a, b), a);
    default:
        return v_add(a, b); /* MLI_ADD */
    }
}

/* Lanes 0 to n-1 of an operand that steps by 0 or 1. */
V_FN vf operand(const float *p, size_t step, size_t i, unsigned n)
{
    if (!step)
        return v_set1(*p);
    return n == V_LANES ? v_load(p + i) : v_load_part(p + i, 0, n);
}

V_FN void binary_run(mli_binary f, const float *a, size_t a_step,
                     const float *b, size_t b_step, float *y, size_t first,
                     size_t last)
{
    size_t i = first;
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i, binary_one(f, operand(a, a_step, i, V_LANES),
                                  operand(b, b_step, i, V_LANES)));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        v_store_part(
            y + i,
            binary_one(f, operand(a, a_step, i, n), operand(b, b_step, i, n)),
            0, n);
    }
}

#define BINARY_CASE(f)                                                         \
    case f:                                                                    \
        binary_run(f, a, a_step, b, b_step, y, first, last);                   \
        break;

static void binary(mli_binary f, const float *a, size_t a_step, const float *b,
                   size_t b_step, float *y, size_t first, size_t last)
{
    switch (f) {
        BINARY_CASE(MLI_ADD)
        BINARY_CASE(MLI_SUB)
        BINARY_CASE(MLI_MUL)
        BINARY_CASE(MLI_DIV)
        BINARY_CASE(MLI_MIN)
        BINARY_CASE(MLI_MAX)
        BINARY_CASE(MLI_POW)
        BINARY_CASE(MLI_PRELU)
    default:
        break;
    }
}

static void affine(const float *x, const float *scale, size_t scale_step,
                   const float *shift, size_t shift_step, float *y,
                   size_t first, size_t last)
{
    size_t i = first;
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i,
                v_fma(v_load(x + i), operand(scale, scale_step, i, V_LANES),
                      operand(shift, shift_step, i, V_LANES)));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        v_store_part(y + i,
                     v_fma(v_load_part(x + i, 0, n),
                           operand(scale, scale_step, i, n),
                           operand(shift, shift_step, i, n)),
                     0, n);
    }
}
