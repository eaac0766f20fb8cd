/*
 * vec_avx512.h - the vector layer in AVX-512 (F, VL, DQ, BW). For the meaning
 * of the names see vec_generic.h.
 */
#define V_FN            static inline __attribute__((always_inline))
#define V_LANES         16u
#define V_NAME          "avx512"
#define V_TABLE         mli_kernels_avx512
#define V_TILE          8
#define V_TALL          16
#define V_COLUMNS       2
#define V_ROW           8
#define V_FIR           4
#define V_PLANE_OUTPUTS 8
#define V_PLANE_VECTORS 2
#define V_PLANE_TALL    4
#define V_HAS_ROUND
#define V_HAS_LOW

typedef __m512 vf;
typedef __mmask16 vm;

V_FN __mmask16 v_lanes(unsigned lo, unsigned hi)
{
    return (__mmask16)((1u << hi) - (1u << lo));
}

V_FN vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

V_FN void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

V_FN vf v_load_part(const float *p, unsigned lo, unsigned hi)
{
    return _mm512_maskz_loadu_ps(v_lanes(lo, hi), p);
}

V_FN void v_store_part(float *p, vf x, unsigned lo, unsigned hi)
{
    _mm512_mask_storeu_ps(p, v_lanes(lo, hi), x);
}

V_FN vf v_load_low(const float *p, unsigned n)
{
    return n == 4 ? _mm512_zextps128_ps512(_mm_loadu_ps(p))
                  : _mm512_zextps256_ps512(_mm256_loadu_ps(p));
}

/* A narrow store does not touch a second cache line for lanes it leaves. */
V_FN void v_store_low(float *p, vf x, unsigned n, unsigned lo, unsigned hi)
{
    const __mmask16 m = v_lanes(lo, hi);
    if (n == 4)
        _mm_mask_storeu_ps(p, (__mmask8)m, _mm512_castps512_ps128(x));
    else if (n == 8)
        _mm256_mask_storeu_ps(p, (__mmask8)m, _mm512_castps512_ps256(x));
    else
        _mm512_mask_storeu_ps(p, m, x);
}

V_FN vf v_set1(float x)
{
    return _mm512_set1_ps(x);
}

V_FN vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

V_FN vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

V_FN vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

V_FN vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

V_FN vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

V_FN vf v_div_any(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

V_FN vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}

/* The instruction answers its second operand if either is NaN. */
V_FN vf v_min(vf x, vf k)
{
    return _mm512_min_ps(k, x);
}

V_FN vf v_max(vf x, vf k)
{
    return _mm512_max_ps(k, x);
}

V_FN vm v_lt(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

V_FN vm v_le(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}

V_FN vm v_nan(vf x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}

V_FN vm v_signed(vf x)
{
    return _mm512_movepi32_mask(_mm512_castps_si512(x));
}

V_FN vf v_select(vm m, vf a, vf b)
{
    return _mm512_mask_blend_ps(m, b, a);
}

V_FN vf v_abs(vf x)
{
    return _mm512_abs_ps(x);
}

V_FN vf v_neg(vf x)
{
    return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

V_FN vf v_xor_sign(vf x, vf s)
{
    return _mm512_xor_ps(x, _mm512_and_ps(s, _mm512_set1_ps(-0.0f)));
}

V_FN vf v_round(vf x)
{
    return _mm512_roundscale_ps(x,
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

V_FN vf v_floor(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

#define v_shift_left(x, n)                                                     \
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), n))

V_FN vf v_split(vf x, vf *e)
{
    __m512i u = _mm512_castps_si512(x);
    __m512i n = _mm512_srai_epi32(
        _mm512_sub_epi32(u, _mm512_set1_epi32(0x3f3504f3)), 23);
    *e = _mm512_cvtepi32_ps(n);
    return _mm512_castsi512_ps(_mm512_sub_epi32(u, _mm512_slli_epi32(n, 23)));
}

V_FN float v_sum(vf x)
{
    __m256 a =
        _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b =
        _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_shuffle_ps(b, b, 1)));
}

V_FN vf v_load_quads(const float *p, size_t stride, unsigned n)
{
    vf x = _mm512_castps128_ps512(_mm_loadu_ps(p));
    if (n > 1)
        x = _mm512_insertf32x4(x, _mm_loadu_ps(p + stride), 1);
    if (n > 2)
        x = _mm512_insertf32x4(x, _mm_loadu_ps(p + 2 * stride), 2);
    if (n > 3)
        x = _mm512_insertf32x4(x, _mm_loadu_ps(p + 3 * stride), 3);
    return x;
}

V_FN vf v_load_fourths(const float *p)
{
    const __m512i pick = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8,
                                           12, 16, 20, 24, 28);
    vf a = _mm512_permutex2var_ps(v_load(p), pick, v_load(p + 16));
    vf b = _mm512_permutex2var_ps(v_load(p + 32), pick, v_load(p + 48));
    return _mm512_shuffle_f32x4(a, b, 0x44);
}

#include "vec_common.h"
