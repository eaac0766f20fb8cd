/* text_unary.h - y = f(x) element by element, over the vector layer. */

/*
 * Where a function tends to 0 towards minus infinity as x times something that
 * becomes 0, x is held at a bound beyond which the product is 0 anyway: so
 * that infinity times 0 does not come up.
 */

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|) */
V_FN vf math_gelu(vf x)
{
    return v_sub(v_max(x, K(0.0f)), normal_tail(v_abs(x)));
}

/*
 * x sigmoid(u), where u has the sign of x. For x > 0 as x - x sigmoid(-u):
 * what is rounded is small.
 */
V_FN vf math_gate(vf x, vf u)
{
    vf e = exp_negative(v_neg(v_abs(u)));
    vf held = v_min(v_max(x, K(-100.0f)), K(100.0f));
    vf part = v_div(v_mul(held, e), v_add(e, K(1.0f)));
    return v_select(v_lt(x, K(0.0f)), part, v_sub(x, part));
}

V_FN vf math_silu(vf x)
{
    return math_gate(x, x);
}

/* x/2 (1 + tanh u) = x sigmoid(2u) */
V_FN vf math_gelu_tanh(vf x)
{
    vf c = v_fma(v_mul(x, x), K(0x1.2444f2p-4f), K(0x1.988454p+0f));
    return math_gate(x, v_mul(x, c));
}

/*
 * tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2). For x > 0 both are
 * multiplied by e^-2x and x - 2x / (n + 2) is taken.
 */
V_FN vf math_mish(vf x)
{
    vf e = exp_negative(v_neg(v_abs(x)));
    vm below = v_lt(x, K(0.0f));
    vf square = v_mul(e, e);
    vf n = v_add(v_add(e, e), v_select(below, square, K(1.0f)));
    vf two = v_select(below, K(2.0f), v_add(square, square));
    vf held = v_min(v_max(x, K(-100.0f)), K(100.0f));
    vf top = v_mul(held, v_select(below, n, two));
    vf part = v_div(top, v_add(n, two));
    return v_select(below, part, v_sub(x, part));
}

V_FN vf math_elu(vf x, vf p)
{
    vf low = v_mul(p, expm1_negative(v_min(x, K(0.0f))));
    return v_select(v_lt(x, K(0.0f)), low, x);
}

V_FN vf math_celu(vf x, vf p)
{
    vf e = expm1_negative(v_min(v_div_any(x, p), K(0.0f)));
    return v_add(v_max(x, K(0.0f)), v_min(v_mul(p, e), K(0.0f)));
}

V_FN vf math_softsign(vf x)
{
    /* 1 from 2^25 on, where 1 + a = a */
    vf a = v_min(v_abs(x), K(0x1p25f));
    vf y = v_min(v_div(a, v_add(a, K(1.0f))), K(1.0f));
    return v_xor_sign(y, x);
}

V_FN vf math_clamp(vf x, vf low, vf high)
{
    return v_min(v_max(x, low), high);
}

V_FN vf math_sign(vf x)
{
    vf y = v_select(v_lt(K(0.0f), x), K(1.0f), x);
    return v_select(v_lt(x, K(0.0f)), K(-1.0f), y);
}

V_FN vf math_leaky_hard_tanh(vf x, vf p, vf q)
{
    const vf one = K(1.0f);
    vf low = v_sub(v_mul(v_add(x, one), p), one);
    vf high = v_add(v_mul(v_sub(x, one), q), one);
    vf y = v_select(v_lt(x, K(-1.0f)), low, x);
    return v_select(v_lt(one, x), high, y);
}

/*
 * NAM's Fasttanh. Its limit, 1.008, is reached long before |x| = 10^8, where
 * x^4 still fits.
 */
V_FN vf math_fast_tanh(vf x)
{
    vf a = v_min(v_abs(x), K(1e8f));
    vf u = v_mul(a, a);
    vf top = v_fma(v_fma(a, K(0.821226666969744f), K(0.893229853513558f)), u,
                   v_fma(a, K(2.45550750702956f), K(2.45550750702956f)));
    vf bottom = v_mul(v_fma(u, K(0.814642734961073f), a),
                      v_add(u, K(2.44506634652299f)));
    bottom = v_add(bottom, K(2.44506634652299f));
    return v_xor_sign(v_div(v_mul(a, top), bottom), x);
}

V_FN vf truth(vm m)
{
    return v_select(m, K(1.0f), K(0.0f));
}

/* NaN is no 0 */
V_FN vf is_true(vf x)
{
    return v_select(v_le(v_abs(x), K(0.0f)), K(0.0f), K(1.0f));
}

V_FN vf math_is_inf(vf x, vf p)
{
    vf part = v_select(v_lt(p, K(0.0f)), v_neg(x), v_abs(x));
    part = v_select(v_lt(K(0.0f), p), x, part);
    return truth(v_lt(K(0x1.fffffep127f), part));
}

/* |x| minus its floor is exact: no half is made by adding. */
V_FN vf math_round_away(vf x, vf p, vf q)
{
    vf a = v_abs(x), whole = v_floor(a);
    vf up = v_select(v_lt(v_sub(a, whole), K(0.5f)), K(0.0f), K(1.0f));
    vf y = v_xor_sign(v_add(whole, up), x);
    return math_clamp(y, p, q);
}

/* A case of a switch over functions, where this build has it. */
#define WHEN(f, y)                                                             \
    case MLI_##f:                                                              \
        if (MLI_HAS(f))                                                        \
            return y;                                                          \
        break;

V_FN vf unary_one(mli_unary f, vf x, vf p, vf q)
{
    const vf zero = K(0.0f), one = K(1.0f);
    switch (f) {
        WHEN(TANH, math_tanh(x))
        WHEN(SIGMOID, math_sigmoid(x))
        WHEN(RELU, v_max(x, zero))
        WHEN(LEAKY_RELU, v_select(v_lt(x, zero), v_mul(p, x), x))
        WHEN(ELU, math_elu(x, p))
        WHEN(SELU, v_mul(q, math_elu(x, p)))
        WHEN(GELU, math_gelu(x))
        WHEN(GELU_TANH, math_gelu_tanh(x))
        WHEN(SILU, math_silu(x))
        WHEN(SOFTPLUS, math_softplus(x))
        WHEN(SOFTSIGN, math_softsign(x))
        WHEN(HARD_TANH, math_clamp(x, p, q))
        WHEN(HARD_SIGMOID, math_clamp(v_fma(p, x, q), zero, one))
        WHEN(HARD_SWISH,
             v_mul(v_max(x, K(-4.0f)),
                   math_clamp(v_fma(x, K(1.0f / 6.0f), K(0.5f)), zero, one)))
        WHEN(SIN, math_sin(x))
        WHEN(COS, math_cos(x))
        WHEN(EXP, math_exp(x))
        WHEN(LOG, math_log(x))
        WHEN(SQRT, v_sqrt(x))
        WHEN(ABS, v_abs(x))
        WHEN(NEG, v_neg(x))
        WHEN(RECIPROCAL, v_div_any(one, x))
        WHEN(ERF, math_erf(x))
        WHEN(SIGN, math_sign(x))
        WHEN(FLOOR, v_floor(x))
        WHEN(CEIL, v_ceil(x))
        WHEN(ROUND, v_round(x))
        WHEN(LEAKY_HARD_TANH, math_leaky_hard_tanh(x, p, q))
        WHEN(FAST_TANH, math_fast_tanh(x))
        WHEN(CELU, math_celu(x, p))
        WHEN(THRESHOLDED_RELU, v_select(v_le(x, p), zero, x))
        WHEN(MISH, math_mish(x))
        WHEN(TRUNC, v_xor_sign(v_floor(v_abs(x)), x))
        WHEN(NOT, v_sub(one, is_true(x)))
        WHEN(IS_NAN, truth(v_nan(x)))
        WHEN(IS_INF, math_is_inf(x, p))
        WHEN(TAN, math_rare(f, x))
        WHEN(ASIN, math_rare(f, x))
        WHEN(ACOS, math_rare(f, x))
        WHEN(ATAN, math_rare(f, x))
        WHEN(SINH, math_rare(f, x))
        WHEN(COSH, math_rare(f, x))
        WHEN(ASINH, math_rare(f, x))
        WHEN(ACOSH, math_rare(f, x))
        WHEN(ATANH, math_rare(f, x))
        WHEN(ROUND_AWAY, math_round_away(x, p, q))
    default: /* MLI_IDENTITY */
        break;
    }
    return x;
}

/* f is a constant wherever this is used: the switch above goes away. */
V_FN void unary_run(mli_unary f, float p, float q, const float *x, float *y,
                    size_t first, size_t last)
{
    const vf vp = v_set1(p), vq = v_set1(q);
    size_t i = first;
#ifdef V_HAS_RATIO_RUN
    const size_t pairs = f == MLI_TANH ? (last - first) / (2 * V_LANES) : 0;
    if (pairs != 0)
        math_tanh_pairs(x + i, y + i, (uint32_t)pairs);
    i += pairs * 2 * V_LANES;
#endif
#ifdef V_HAS_QUAD /* in order: one vector waits for itself */
    if (f == MLI_TANH || f == MLI_SIGMOID)
        for (; i + 2 * V_LANES <= last; i += 2 * V_LANES) {
            vf a = unary_one(f, v_load(x + i), vp, vq);
            vf b = unary_one(f, v_load(x + i + V_LANES), vp, vq);
            v_store(y + i, a);
            v_store(y + i + V_LANES, b);
        }
#endif
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i, unary_one(f, v_load(x + i), vp, vq));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        vf v = v_load_part(x + i, 0, n);
        v_store_part(y + i, unary_one(f, v, vp, vq), 0, n);
    }
}

#define UNARY_CASE(f)                                                          \
    case MLI_##f:                                                              \
        if (MLI_HAS(f))                                                        \
            unary_run(MLI_##f, p, q, x, y, first, last);                       \
        break;

static void unary(mli_unary f, float p, float q, const float *x, float *y,
                  size_t first, size_t last)
{
#ifdef MLI_SMALL
    unary_run(f, p, q, x, y, first, last); /* one loop for all */
#else
    switch (f) {
        MLI_FUNCTIONS(UNARY_CASE)
    default:
        unary_run(MLI_IDENTITY, p, q, x, y, first, last);
        break;
    }
#endif
}
