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

V_FN vf unary_one(mli_unary f, vf x, vf p, vf q)
{
    const vf zero = K(0.0f), one = K(1.0f);
    switch (f) {
    case MLI_TANH:
        return math_tanh(x);
    case MLI_SIGMOID:
        return math_sigmoid(x);
    case MLI_RELU:
        return v_max(x, zero);
    case MLI_LEAKY_RELU:
        return v_select(v_lt(x, zero), v_mul(p, x), x);
    case MLI_ELU:
        return math_elu(x, p);
    case MLI_SELU:
        return v_mul(q, math_elu(x, p));
    case MLI_GELU:
        return math_gelu(x);
    case MLI_GELU_TANH:
        return math_gelu_tanh(x);
    case MLI_SILU:
        return math_silu(x);
    case MLI_SOFTPLUS:
        return math_softplus(x);
    case MLI_SOFTSIGN:
        return math_softsign(x);
    case MLI_HARD_TANH:
        return math_clamp(x, p, q);
    case MLI_HARD_SIGMOID:
        return math_clamp(v_fma(p, x, q), zero, one);
    case MLI_HARD_SWISH:
        return v_mul(v_max(x, K(-4.0f)),
                     math_clamp(v_fma(x, K(1.0f / 6.0f), K(0.5f)), zero, one));
    case MLI_SIN:
        return math_sin(x);
    case MLI_COS:
        return math_cos(x);
    case MLI_EXP:
        return math_exp(x);
    case MLI_LOG:
        return math_log(x);
    case MLI_SQRT:
        return v_sqrt(x);
    case MLI_ABS:
        return v_abs(x);
    case MLI_NEG:
        return v_neg(x);
    case MLI_RECIPROCAL:
        return v_div_any(one, x);
    case MLI_ERF:
        return math_erf(x);
    case MLI_SIGN:
        return math_sign(x);
    case MLI_FLOOR:
        return v_floor(x);
    case MLI_CEIL:
        return v_ceil(x);
    case MLI_ROUND:
        return v_round(x);
    case MLI_LEAKY_HARD_TANH:
        return math_leaky_hard_tanh(x, p, q);
    case MLI_FAST_TANH:
        return math_fast_tanh(x);
    case MLI_CELU:
        return math_celu(x, p);
    case MLI_THRESHOLDED_RELU:
        return v_select(v_le(x, p), zero, x);
    case MLI_MISH:
        return math_mish(x);
    case MLI_TRUNC:
        return v_xor_sign(v_floor(v_abs(x)), x);
    case MLI_NOT:
        return v_sub(one, is_true(x));
    case MLI_IS_NAN:
        return truth(v_nan(x));
    case MLI_IS_INF:
        return math_is_inf(x, p);
    case MLI_TAN:
    case MLI_ASIN:
    case MLI_ACOS:
    case MLI_ATAN:
    case MLI_SINH:
    case MLI_COSH:
    case MLI_ASINH:
    case MLI_ACOSH:
    case MLI_ATANH:
        return math_rare(f, x);
    case MLI_ROUND_AWAY:
        return math_round_away(x, p, q);
    default:
        return x; /* MLI_IDENTITY */
    }
}

/* f is a constant wherever this is used: the switch above goes away. */
V_FN void unary_run(mli_unary f, float p, float q, const float *x, float *y,
                    size_t first, size_t last)
{
    const vf vp = v_set1(p), vq = v_set1(q);
    size_t i = first;
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i, unary_one(f, v_load(x + i), vp, vq));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        vf v = v_load_part(x + i, 0, n);
        v_store_part(y + i, unary_one(f, v, vp, vq), 0, n);
    }
}

#define UNARY_CASE(f)                                                          \
    case f:                                                                    \
        unary_run(f, p, q, x, y, first, last);                                 \
        break;

static void unary(mli_unary f, float p, float q, const float *x, float *y,
                  size_t first, size_t last)
{
    switch (f) {
        UNARY_CASE(MLI_IDENTITY)
        UNARY_CASE(MLI_TANH)
        UNARY_CASE(MLI_SIGMOID)
        UNARY_CASE(MLI_RELU)
        UNARY_CASE(MLI_LEAKY_RELU)
        UNARY_CASE(MLI_ELU)
        UNARY_CASE(MLI_SELU)
        UNARY_CASE(MLI_GELU)
        UNARY_CASE(MLI_GELU_TANH)
        UNARY_CASE(MLI_SILU)
        UNARY_CASE(MLI_SOFTPLUS)
        UNARY_CASE(MLI_SOFTSIGN)
        UNARY_CASE(MLI_HARD_TANH)
        UNARY_CASE(MLI_HARD_SIGMOID)
        UNARY_CASE(MLI_HARD_SWISH)
        UNARY_CASE(MLI_SIN)
        UNARY_CASE(MLI_COS)
        UNARY_CASE(MLI_EXP)
        UNARY_CASE(MLI_LOG)
        UNARY_CASE(MLI_SQRT)
        UNARY_CASE(MLI_ABS)
        UNARY_CASE(MLI_NEG)
        UNARY_CASE(MLI_RECIPROCAL)
        UNARY_CASE(MLI_ERF)
        UNARY_CASE(MLI_SIGN)
        UNARY_CASE(MLI_FLOOR)
        UNARY_CASE(MLI_CEIL)
        UNARY_CASE(MLI_ROUND)
        UNARY_CASE(MLI_LEAKY_HARD_TANH)
        UNARY_CASE(MLI_FAST_TANH)
        UNARY_CASE(MLI_CELU)
        UNARY_CASE(MLI_THRESHOLDED_RELU)
        UNARY_CASE(MLI_MISH)
        UNARY_CASE(MLI_TRUNC)
        UNARY_CASE(MLI_NOT)
        UNARY_CASE(MLI_IS_NAN)
        UNARY_CASE(MLI_IS_INF)
        UNARY_CASE(MLI_TAN)
        UNARY_CASE(MLI_ASIN)
        UNARY_CASE(MLI_ACOS)
        UNARY_CASE(MLI_ATAN)
        UNARY_CASE(MLI_SINH)
        UNARY_CASE(MLI_COSH)
        UNARY_CASE(MLI_ASINH)
        UNARY_CASE(MLI_ACOSH)
        UNARY_CASE(MLI_ATANH)
        UNARY_CASE(MLI_ROUND_AWAY)
    default:
        break;
    }
}
