/*
 * text_math.h - the functions that have no instruction: e^x, tanh, erf, log,
 * sin, cos and what is made of them.
 *
 * Coefficients come from tests/goldens/fit_functions.py (reweighted least
 * squares, then rounded to float). "fit" is the largest error of the rounded
 * coefficients in exact arithmetic; the arithmetic in floats adds the rest.
 * tests/test_functions.c holds the sum to the contract of kernels.h.
 */

/*
 * Adding this to |v| < 2^22 rounds v to a whole number n and leaves n + 127 in
 * the low bits, so that v_shift_left(.., 23) is 2^n for -126 <= n <= 127, and
 * 0 for n = -127.
 */
#define EXPONENT_MAGIC 0x1.8000fep23f

/* ln 2 in two parts; n times the first is exact for |n| < 2^15. */
#define LN2_HIGH 0x1.63p-1f
#define LN2_LOW  -0x1.bd0106p-13f

/* t: 2^n in the form above. Returns e^r - 1, with x = n ln 2 + r. */
V_FN vf exp_reduce(vf x, vf *t)
{
    *t = v_fma(x, K(0x1.715476p+0f), K(EXPONENT_MAGIC));
    vf n = v_sub(*t, K(EXPONENT_MAGIC));
    vf r = v_fma(n, K(-LN2_HIGH), x);
    r = v_fma(n, K(-LN2_LOW), r);
    /* e^r - 1 = r + r^2 q(r), |r| <= 0.3475, fit 1.7e-8 of the value */
    vf q = K(1.388248871e-03f);
    q = v_fma(q, r, K(8.366691880e-03f));
    q = v_fma(q, r, K(4.166720435e-02f));
    q = v_fma(q, r, K(1.666654199e-01f));
    q = v_fma(q, r, K(4.999999702e-01f));
    return v_fma(v_mul(r, r), q, r);
}

/* e^x for x <= 0; 0 from about -87.7 on. */
V_FN vf exp_negative(vf x)
{
    vf t;
    vf p = exp_reduce(v_max(x, K(-88.0f)), &t);
    vf s = v_shift_left(t, 23);
    return v_fma(p, s, s);
}

/* e^x - 1 for x <= 0, small relative to itself. */
V_FN vf expm1_negative(vf x)
{
    vf t;
    vf p = exp_reduce(v_max(x, K(-88.0f)), &t);
    vf s = v_shift_left(t, 23);
    return v_fma(p, s, v_sub(s, K(1.0f)));
}

/* e^x. 2^n is applied in two halves: it may exceed every float. */
V_FN vf math_exp(vf x)
{
    vf t;
    vf p = exp_reduce(v_min(v_max(x, K(-104.0f)), K(89.0f)), &t);
    vf n = v_sub(t, K(EXPONENT_MAGIC));
    vf half = v_fma(n, K(0.5f), K(EXPONENT_MAGIC));
    vf rest =
        v_add(v_sub(n, v_sub(half, K(EXPONENT_MAGIC))), K(EXPONENT_MAGIC));
    vf s = v_shift_left(half, 23);
    return v_mul(v_fma(p, s, s), v_shift_left(rest, 23));
}

/* 1 / (1 + e^-x), from e^-|x| so that small results are exact too. */
V_FN vf math_sigmoid(vf x)
{
    vf e = exp_negative(v_neg(v_abs(x)));
    vf top = v_select(v_lt(x, K(0.0f)), e, K(1.0f));
    return v_min(v_div(top, v_add(e, K(1.0f))), K(1.0f));
}

#ifdef V_HAS_TABLE
#include "tanh_table.h"

/*
 * gain * tanh r + shift; r: what is past the middle of the piece that t names.
 * Odd powers of r have the sign already, even ones take it from x.
 */
V_FN vf tanh_piece(vf t, vf r, vf x, vf gain, vf shift)
{
    vf u = v_mul(r, r), turned = v_xor_sign(gain, x);
    vf odd = v_fma(v_lookup(gate_table[3], t), u, v_lookup(gate_table[1], t));
    vf even = v_fma(v_lookup(gate_table[4], t), u, v_lookup(gate_table[2], t));
    vf first = v_fma(v_lookup(gate_table[0], t), turned, shift);
    even = v_fma(even, v_mul(u, turned), first);
    return v_fma(odd, v_mul(r, gain), even);
}

/* A bit more is 1/4 more. */
#define QUARTER_MAGIC 0x1.8p21f

/* From |x| alone, which has no part under the middle of a piece that the sum of
   both would lose; the piece's middle is added last. */
V_FN vf math_tanh(vf x)
{
    vf a = v_min(v_abs(x), K(7.75f));
    vf t = v_add(a, K(QUARTER_MAGIC));
    vf r = v_past_quarter(a); /* a - (t - QUARTER_MAGIC) in one step */
    vf y = v_lookup(tanh_table[5], t);
    y = v_fma(y, r, v_lookup(tanh_table[4], t));
    y = v_fma(y, r, v_lookup(tanh_table[3], t));
    y = v_fma(y, r, v_lookup(tanh_table[2], t));
    y = v_fma(y, r, v_lookup(tanh_table[1], t));
    y = v_fma(y, r, v_lookup(tanh_table[0], t));
    return v_xor_sign(y, x);
}

/* gain tanh x + shift, to 5e-7 of gain: what is not added up in line is there
   sooner than math_tanh. */
V_FN vf tanh_added(vf x, vf gain, vf shift)
{
    vf t = v_add(v_min_abs(x, K(7.75f)), K(QUARTER_MAGIC));
    return tanh_piece(t, v_past_quarter(x), x, gain, shift);
}

/* y tanh x, to 5e-7 of y */
V_FN vf tanh_times(vf x, vf y)
{
    return tanh_added(x, y, K(0.0f));
}

/* tanh to 5e-7, not relative to small values */
V_FN vf cell_tanh(vf x)
{
    return tanh_added(x, K(1.0f), K(0.0f));
}

/* gain tanh (scale x) + shift; limit: 7.75 / scale */
V_FN vf tanh_scaled(vf x, vf scale, vf limit, vf gain, vf shift)
{
    vf t = v_fma(v_min_abs(x, limit), scale, K(QUARTER_MAGIC));
    return tanh_piece(t, v_past_quarter(v_mul(x, scale)), x, gain, shift);
}

/* The logistic function to 5e-7, not relative to small values. */
V_FN vf cell_gate(vf x)
{
    return tanh_scaled(x, K(0.5f), K(15.5f), K(0.5f), K(0.5f));
}
#elif defined(V_HAS_QUAD)
/*
 * tanh x = n / q, n = x P(u), q = Q(u), u = x^2 up to 8.6^2: fit 5.3e-8 of the
 * value for x < 6.5; from there on up to 1.9e-7 more than tanh, so that at 8.6,
 * where that is 1 - 6.8e-8, the quotient is over 1 however it rounds. From
 * powers, so that the coefficients are lanes of two registers; an accumulator
 * would have to be filled with each of them.
 */
static const float tanh_powers[8] = {
    1.340116351e-01f, 3.519608318e-03f, 2.101084959e-05f, 1.393328688e-08f,
    4.673448541e-01f, 2.596807720e-02f, 3.325157636e-04f, 8.008010987e-07f};

V_FN vf tanh_ratio(vf x, vf u, vf *q)
{
    const v_quad p = v_load_quad(tanh_powers);
    const v_quad d = v_load_quad(tanh_powers + 4);
    vf u2 = v_mul(u, u), u3 = v_mul(u2, u), u4 = v_mul(u2, u2);
    vf top = v_mul_quad(u, p, 0), low = v_fma_quad(u, d, 0, K(1.0f));
    top = v_fma_quad(u2, p, 1, top);
    low = v_fma_quad(u2, d, 1, low);
    top = v_fma_quad(u3, p, 2, top);
    low = v_fma_quad(u3, d, 2, low);
    top = v_fma_quad(u4, p, 3, top);
    *q = v_fma_quad(u4, d, 3, low);
    return v_fma(x, top, x);
}

/* n and q of x, which is held to 8.6. */
V_FN vf tanh_parts(vf x, vf *q)
{
    vf a = v_min(v_max(x, K(-8.6f)), K(8.6f));
    return tanh_ratio(a, v_mul(a, a), q);
}

/* With u alone held, what is over 1 grows with x. */
V_FN vf math_tanh(vf x)
{
    vf q, n = tanh_ratio(x, v_min(v_mul(x, x), K(8.6f * 8.6f)), &q);
    return v_min(v_max(v_div_soon(n, q), K(-1.0f)), K(1.0f));
}

#ifdef V_HAS_RATIO_RUN
static const float tanh_limit = 8.6f * 8.6f;

/* The same of n >= 1 pairs of vectors, of x, which may be y. */
V_FN void math_tanh_pairs(const float *x, float *y, uint32_t n)
{
    v_ratio_run(x, y, n, tanh_powers, &tanh_limit);
}

/* The same of y in place, added to total unless it is NULL. */
V_FN void math_tanh_run(float *y, float *total, uint32_t n)
{
    if (total)
        v_ratio_run_added(y, total, n, tanh_powers, &tanh_limit);
    else
        math_tanh_pairs(y, y, n);
}
#endif
#else
/*
 * tanh a = a P(a^2) / Q(a^2) for a < 9.02, fit 4.9e-8 of the value; above,
 * tanh rounds to 1.
 */
V_FN vf math_tanh(vf x)
{
    vf a = v_abs(x);
    vf u = v_mul(a, a);
    vf p = K(1.331907917e-08f);
    p = v_fma(p, u, K(2.058348582e-05f));
    p = v_fma(p, u, K(3.494034987e-03f));
    p = v_fma(p, u, K(1.337971836e-01f));
    p = v_fma(p, u, K(1.0f));
    vf q = K(7.762022278e-07f);
    q = v_fma(q, u, K(3.283093392e-04f));
    q = v_fma(q, u, K(2.587107383e-02f));
    q = v_fma(q, u, K(4.671303332e-01f));
    q = v_fma(q, u, K(1.0f));
    vf y = v_min(v_div(v_mul(a, p), q), K(1.0f));
    y = v_select(v_lt(K(9.02f), a), K(1.0f), y);
    return v_xor_sign(y, x);
}
#endif

#ifndef V_HAS_TABLE
/* The logistic function to 5e-7, not relative to small values. */
V_FN vf cell_gate(vf x)
{
    return v_fma(math_tanh(v_mul(x, K(0.5f))), K(0.5f), K(0.5f));
}

V_FN vf cell_tanh(vf x)
{
    return math_tanh(x);
}

/* gain tanh x + shift */
V_FN vf tanh_added(vf x, vf gain, vf shift)
{
    return v_fma(gain, math_tanh(x), shift);
}

/* y tanh x */
V_FN vf tanh_times(vf x, vf y)
{
    return v_mul(y, math_tanh(x));
}
#endif

/* cell_gate of 2x */
V_FN vf cell_gate_twice(vf x)
{
    return tanh_added(x, K(0.5f), K(0.5f));
}

/*
 * erf a = a P(a^2) / Q(a^2) for a < 3.95, fit 5.9e-8 of the value; above, erf
 * rounds to 1.
 */
V_FN vf math_erf(vf x)
{
    vf a = v_abs(x);
    vf u = v_mul(a, a);
    vf p = K(2.025901040e-06f);
    p = v_fma(p, u, K(2.846885764e-04f));
    p = v_fma(p, u, K(3.808201058e-03f));
    p = v_fma(p, u, K(5.287557095e-02f));
    p = v_fma(p, u, K(1.915512383e-01f));
    p = v_fma(p, u, K(1.128379107e+00f));
    vf q = K(3.783177453e-05f);
    q = v_fma(q, u, K(1.170735224e-03f));
    q = v_fma(q, u, K(1.505516935e-02f));
    q = v_fma(q, u, K(1.145600080e-01f));
    q = v_fma(q, u, K(5.030905604e-01f));
    q = v_fma(q, u, K(1.0f));
    vf y = v_min(v_div(v_mul(a, p), q), K(1.0f));
    y = v_select(v_lt(K(3.95f), a), K(1.0f), y);
    return v_xor_sign(y, x);
}

/*
 * a Phi(-a) for a >= 0, Phi the normal distribution: e^(-a^2/2) times
 * a P(a) / Q(a), fit 3.9e-7 of the value, which is at most 0.17.
 */
V_FN vf normal_tail(vf a)
{
    a = v_min(a, K(14.0f)); /* 0 from 13.3 on */
    vf p = K(1.686381921e-02f);
    p = v_fma(p, a, K(1.187545806e-01f));
    p = v_fma(p, a, K(3.606159687e-01f));
    p = v_fma(p, a, K(4.999998212e-01f));
    vf q = K(4.227676988e-02f);
    q = v_fma(q, a, K(2.974587083e-01f));
    q = v_fma(q, a, K(9.497150183e-01f));
    q = v_fma(q, a, K(1.519098997e+00f));
    q = v_fma(q, a, K(1.0f));
    vf e = exp_negative(v_mul(v_mul(a, a), K(-0.5f)));
    return v_mul(v_div(v_mul(a, p), q), e);
}

/* log((1+s)/(1-s)) - 2s = s^3 R(s^2) for |s| <= 0.1717, fit 9e-10. */
V_FN vf log_tail(vf s)
{
    vf u = v_mul(s, s);
    vf r = K(2.987293005e-01f);
    r = v_fma(r, u, K(3.997750580e-01f));
    r = v_fma(r, u, K(6.666677594e-01f));
    return v_mul(v_mul(s, u), r);
}

V_FN vf math_log(vf x)
{
    vf e;
    vf f = v_sub(v_split(x, &e), K(1.0f));
    vf s = v_div(f, v_add(f, K(2.0f)));
    vf y = v_fma(e, K(LN2_LOW), log_tail(s));
    y = v_add(y, v_add(s, s));
    y = v_fma(e, K(LN2_HIGH), y);
    /* infinity and NaN as they are; subnormals count as 0 */
    y = v_select(v_le(x, K(0x1.fffffep127f)), y, x);
    y = v_select(v_lt(x, K(0x1p-126f)), K(-__builtin_inff()), y);
    return v_select(v_lt(x, K(0.0f)), K(__builtin_nanf("")), y);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
V_FN vf math_softplus(vf x)
{
    vf e = exp_negative(v_neg(v_abs(x)));
    /* log(1+e), or ln 2 + log((1+e)/2), whichever has |s| <= 0.1717 */
    vm far = v_lt(K(0.41421356f), e);
    vf top = v_select(far, v_sub(e, K(1.0f)), e);
    vf s = v_div(top, v_add(e, v_select(far, K(3.0f), K(2.0f))));
    vf y = v_add(log_tail(s), v_add(s, s));
    y = v_add(y, v_select(far, K(0x1.62e430p-1f), K(0.0f)));
    return v_add(v_max(x, K(0.0f)), y);
}

/*
 * x = n pi/2 + r; *t holds n in its low bits. pi/2 is taken off in parts of 8
 * bits, so that n times a part is exact for n < 2^16. Beyond |x| = 2^16, where
 * n may be off, the result means nothing but stays bounded; up to there
 * |r| <= 0.795, a little over pi/4 because x times 2/pi is rounded.
 */
V_FN vf quarter_turns(vf x, vf *t)
{
    *t = v_fma(x, K(0x1.45f306p-1f), K(0x1.8p23f));
    vf n = v_sub(*t, K(0x1.8p23f));
    vf r = v_fma(n, K(-0x1.92p+0f), x);
    r = v_fma(n, K(-0x1.fap-12f), r);
    r = v_fma(n, K(-0x1.54p-20f), r);
    r = v_fma(n, K(-0x1.10b462p-30f), r);
    return v_min(v_max(r, K(-0.795f)), K(0.795f));
}

/* sin of n quarter turns plus r, fits 2.8e-9 and 1.9e-10 */
V_FN vf turned_sin(vf t, vf r)
{
    vf u = v_mul(r, r);
    vf s = K(-1.948720455e-04f);
    s = v_fma(s, u, K(8.331911638e-03f));
    s = v_fma(s, u, K(-1.666664928e-01f));
    s = v_fma(v_mul(r, u), s, r);
    vf c = K(2.442958248e-05f);
    c = v_fma(c, u, K(-1.388729201e-03f));
    c = v_fma(c, u, K(4.166664556e-02f));
    c = v_fma(v_mul(u, u), c, v_fma(u, K(-0.5f), K(1.0f)));
    vf y = v_select(v_signed(v_shift_left(t, 31)), c, s);
    return v_xor_sign(y, v_shift_left(t, 30));
}

V_FN vf math_sin(vf x)
{
    vf t;
    vf r = quarter_turns(v_abs(x), &t);
    return v_xor_sign(turned_sin(t, r), x);
}

V_FN vf math_cos(vf x)
{
    vf t;
    vf r = quarter_turns(v_abs(x), &t);
    return turned_sin(v_add(t, K(1.0f)), r);
}
