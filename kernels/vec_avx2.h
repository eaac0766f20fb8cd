/*
 * vec_avx2.h - the vector layer in AVX2 with FMA and F16C. For the meaning of
 * the names see vec_generic.h.
 */
#define V_FN            static inline __attribute__((always_inline))
#define V_HOT           V_FN
#define V_LANES         8u
#define V_NAME          "avx2"
#define V_TABLE         mli_kernels_avx2
#define V_TILE          4
#define V_TALL          8
#define V_COLUMNS       2
#define V_ROW           8
#define V_BLOCK         16u
#define V_CHAINS        2
#define V_FIR           2
#define V_PANELS        12
#define V_PLANE_OUTPUTS 4
#define V_PLANE_VECTORS 2
#define V_PLANE_FOUR    2
#define V_PLANE_TALL    2
#define V_PLANE_FEW     4
#define V_BYTES_TILE    4
#define V_BYTES_VECTORS 2
#define V_HAS_ROUND
#define V_HAS_LOW

typedef __m256 vf;
typedef __m256 vm; /* all bits of a lane, or none */

V_FN __m256i v_lanes(unsigned lo, unsigned hi)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i from = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32((int)lo - 1));
    __m256i to = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)hi), lane);
    return _mm256_and_si256(from, to);
}

V_FN vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

V_FN void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

V_FN vf v_load_part(const float *p, unsigned lo, unsigned hi)
{
    return _mm256_maskload_ps(p, v_lanes(lo, hi));
}

V_FN void v_store_part(float *p, vf x, unsigned lo, unsigned hi)
{
    _mm256_maskstore_ps(p, v_lanes(lo, hi), x);
}

V_FN vf v_load_low(const float *p, unsigned n)
{
    (void)n;
    return _mm256_zextps128_ps256(_mm_loadu_ps(p));
}

/* Four floats, and again. */
V_FN vf v_load_repeated(const float *p, const int n)
{
    (void)n;
    return _mm256_broadcast_ps((const __m128 *)(const void *)p);
}

/* Two floats, each in four lanes. */
V_FN vf v_load_each(const float *p, const int n)
{
    const __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)p);
    (void)n;
    return _mm256_permutevar_ps(
        _mm256_castpd_ps(_mm256_broadcastsd_pd(_mm_castsi128_pd(two))),
        _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

/* The sum of x's halves, in the first. */
V_FN vf v_add_parts(vf x, const int n)
{
    (void)n;
    return _mm256_add_ps(x, _mm256_permute2f128_ps(x, x, 1));
}

V_FN void v_store_low(float *p, vf x, unsigned n, unsigned lo, unsigned hi)
{
    const __m256i m = v_lanes(lo, hi);
    if (n == 4)
        _mm_maskstore_ps(p, _mm256_castsi256_si128(m),
                         _mm256_castps256_ps128(x));
    else
        _mm256_maskstore_ps(p, m, x);
}

V_FN vf v_set1(float x)
{
    return _mm256_set1_ps(x);
}

V_FN vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

V_FN vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

V_FN vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

V_FN vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

V_FN vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

V_FN vf v_div_any(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

V_FN vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}

/* The instruction answers its second operand if either is NaN. */
V_FN vf v_min(vf x, vf k)
{
    return _mm256_min_ps(k, x);
}

V_FN vf v_max(vf x, vf k)
{
    return _mm256_max_ps(k, x);
}

V_FN vm v_lt(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

V_FN vm v_le(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LE_OQ);
}

V_FN vm v_nan(vf x)
{
    return _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
}

/* v_select looks at sign bits only. */
V_FN vm v_signed(vf x)
{
    return x;
}

V_FN vf v_select(vm m, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, m);
}

V_FN vf v_abs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

V_FN vf v_neg(vf x)
{
    return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}

V_FN vf v_xor_sign(vf x, vf s)
{
    return _mm256_xor_ps(x, _mm256_and_ps(s, _mm256_set1_ps(-0.0f)));
}

V_FN vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

V_FN vf v_floor(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

#define v_shift_left(x, n)                                                     \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), n))

V_FN vf v_split(vf x, vf *e)
{
    __m256i u = _mm256_castps_si256(x);
    __m256i n = _mm256_srai_epi32(
        _mm256_sub_epi32(u, _mm256_set1_epi32(0x3f3504f3)), 23);
    *e = _mm256_cvtepi32_ps(n);
    return _mm256_castsi256_ps(_mm256_sub_epi32(u, _mm256_slli_epi32(n, 23)));
}

V_FN float v_sum(vf x)
{
    __m128 b =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_shuffle_ps(b, b, 1)));
}

V_FN vf v_load_quads(const float *p, size_t stride, unsigned n)
{
    vf x = _mm256_castps128_ps256(_mm_loadu_ps(p));
    if (n > 1)
        x = _mm256_insertf128_ps(x, _mm_loadu_ps(p + stride), 1);
    return x;
}

V_FN vf v_load_fourths(const float *p)
{
    /* 0 0 2 2 | 1 1 3 3 and 4 4 6 6 | 5 5 7 7 */
    vf a = _mm256_shuffle_ps(v_load(p), v_load(p + 8), 0);
    vf b = _mm256_shuffle_ps(v_load(p + 16), v_load(p + 24), 0);
    return _mm256_permutevar8x32_ps(_mm256_shuffle_ps(a, b, 0x88),
                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

V_FN void v_store_quads(float *p, vf x, const int n)
{
    if (n == 1)
        _mm_storeu_ps(p, _mm256_castps256_ps128(x));
    else
        v_store(p, x);
}

V_FN void v_turn_4(const vf in[4], vf out[4], const int n)
{
    /* i f, g o, i f, g o */
    if (n == 1) {
        out[0] = in[0];
        out[1] = _mm256_permute2f128_ps(in[0], in[0], 0x11);
        out[2] = in[1];
        out[3] = _mm256_permute2f128_ps(in[1], in[1], 0x11);
        return;
    }
    out[0] = _mm256_permute2f128_ps(in[0], in[2], 0x20);
    out[1] = _mm256_permute2f128_ps(in[0], in[2], 0x31);
    out[2] = _mm256_permute2f128_ps(in[1], in[3], 0x20);
    out[3] = _mm256_permute2f128_ps(in[1], in[3], 0x31);
}

V_FN void v_turn_3(const vf in[4], vf out[3], const int n)
{
    /* r z, n r, z n */
    if (n == 1) {
        out[0] = in[0];
        out[1] = _mm256_permute2f128_ps(in[0], in[0], 0x11);
        out[2] = in[1];
        return;
    }
    out[0] = _mm256_blend_ps(in[0], in[1], 0xf0);
    out[1] = _mm256_permute2f128_ps(in[0], in[2], 0x21);
    out[2] = _mm256_blend_ps(in[1], in[2], 0xf0);
}

/* 8 bytes, or 4 and zeros. */
V_FN __m128i v_bytes(const uint8_t *p, const int n)
{
    int32_t four;
    if (n >= 8)
        return _mm_loadl_epi64((const __m128i *)(const void *)p);
    __builtin_memcpy(&four, p, sizeof four);
    return _mm_cvtsi32_si128(four);
}

V_FN void v_row_f16(const uint8_t *p, const int n, vf *row)
{
    const __m128i *h = (const __m128i *)(const void *)p;
    row[0] = _mm256_cvtph_ps(n >= 8 ? _mm_loadu_si128(h) : _mm_loadl_epi64(h));
    if (n == 16)
        row[1] = _mm256_cvtph_ps(_mm_loadu_si128(h + 1));
}

V_FN void v_row_i8(const uint8_t *p, const int n, vf *row)
{
    row[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v_bytes(p, n)));
    if (n == 16)
        row[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v_bytes(p + 8, 8)));
}

V_FN void v_halves(__m128i bytes, vf *low, vf *high)
{
    __m256i x = _mm256_cvtepi8_epi32(bytes);
    *high = _mm256_cvtepi32_ps(_mm256_srai_epi32(x, 4));
    *low = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(x, 28), 28));
}

V_FN void v_row_i4(const uint8_t *p, const int n, vf *low, vf *high)
{
    v_halves(v_bytes(p, n), low, high);
    if (n == 16)
        v_halves(v_bytes(p + 8, 8), low + 1, high + 1);
}

typedef __m256i v_bsum;
typedef struct v_bweights {
    __m256i w, size;
} v_bweights;
typedef __m256i v_binputs;

V_FN v_bsum v_bytes_zero(void)
{
    return _mm256_setzero_si256();
}

V_FN v_bweights v_bytes_weights(const uint8_t *p, const int n)
{
    const __m128i *from = (const __m128i *)(const void *)p;
    v_bweights w;
    w.w = n == 4 ? _mm256_zextsi128_si256(_mm_loadu_si128(from))
                 : _mm256_loadu_si256((const __m256i *)(const void *)p);
    w.size = _mm256_abs_epi8(w.w);
    return w;
}

V_FN v_binputs v_bytes_inputs(const float *p)
{
    return _mm256_castps_si256(_mm256_broadcast_ss(p));
}

/* The weight's sign goes to the input: two products of at most 127^2 fit 16
   bits. */
V_FN v_bsum v_bytes_dot(v_bweights w, v_binputs x, v_bsum sum)
{
    const __m256i two = _mm256_maddubs_epi16(w.size, _mm256_sign_epi8(x, w.w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
}

V_FN vf v_bytes_sums(v_bsum sum)
{
    return _mm256_cvtepi32_ps(sum);
}

V_FN void v_store_bytes(uint8_t *p, vf x)
{
    const __m256i i =
        _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(255));
    const __m128i two = _mm_packs_epi32(_mm256_castsi256_si128(i),
                                        _mm256_extracti128_si256(i, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(two, two));
}

#include "vec_common.h"
