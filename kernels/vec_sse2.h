/*
 * vec_sse2.h - the vector layer in SSE2, what every 64-bit x86 has. For the
 * meaning of the names see vec_generic.h.
 */
#define V_FN            static inline __attribute__((always_inline))
#define V_HOT           V_FN
#define V_LANES         4u
#define V_NAME          "sse2"
#define V_TABLE         mli_kernels_sse2
#define V_TILE          2
#define V_TALL          8
#define V_COLUMNS       4
#define V_ROW           8
#define V_BLOCK         16u
#define V_CHAINS        2
#define V_FIR           2
#define V_PANELS        12
#define V_PLANE_OUTPUTS 4
#define V_PLANE_VECTORS 2
#define V_PLANE_FOUR    2
#define V_PLANE_TALL    2
#define V_PLANE_FEW     3
#define V_BYTES_TILE    4
#define V_BYTES_VECTORS 1

typedef __m128 vf;
typedef __m128 vm; /* all bits of a lane, or none */

V_FN vf v_load(const float *p)
{
    return _mm_loadu_ps(p);
}

V_FN void v_store(float *p, vf x)
{
    _mm_storeu_ps(p, x);
}

V_FN vf v_load_part(const float *p, unsigned lo, unsigned hi)
{
    float t[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (unsigned l = lo; l < hi; l++)
        t[l] = p[l];
    return _mm_loadu_ps(t);
}

V_FN void v_store_part(float *p, vf x, unsigned lo, unsigned hi)
{
    float t[4];
    _mm_storeu_ps(t, x);
    for (unsigned l = lo; l < hi; l++)
        p[l] = t[l];
}

V_FN vf v_set1(float x)
{
    return _mm_set1_ps(x);
}

V_FN vf v_add(vf a, vf b)
{
    return _mm_add_ps(a, b);
}

V_FN vf v_sub(vf a, vf b)
{
    return _mm_sub_ps(a, b);
}

V_FN vf v_mul(vf a, vf b)
{
    return _mm_mul_ps(a, b);
}

V_FN vf v_fma(vf a, vf b, vf c)
{
    return _mm_add_ps(_mm_mul_ps(a, b), c);
}

V_FN vf v_div(vf a, vf b)
{
    return _mm_div_ps(a, b);
}

V_FN vf v_div_any(vf a, vf b)
{
    return _mm_div_ps(a, b);
}

V_FN vf v_sqrt(vf x)
{
    return _mm_sqrt_ps(x);
}

/* The instruction answers its second operand if either is NaN. */
V_FN vf v_min(vf x, vf k)
{
    return _mm_min_ps(k, x);
}

V_FN vf v_max(vf x, vf k)
{
    return _mm_max_ps(k, x);
}

V_FN vm v_lt(vf a, vf b)
{
    return _mm_cmplt_ps(a, b);
}

V_FN vm v_le(vf a, vf b)
{
    return _mm_cmple_ps(a, b);
}

V_FN vm v_nan(vf x)
{
    return _mm_cmpunord_ps(x, x);
}

V_FN vm v_signed(vf x)
{
    return _mm_castsi128_ps(_mm_srai_epi32(_mm_castps_si128(x), 31));
}

V_FN vf v_select(vm m, vf a, vf b)
{
    return _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b));
}

V_FN vf v_abs(vf x)
{
    return _mm_andnot_ps(_mm_set1_ps(-0.0f), x);
}

V_FN vf v_neg(vf x)
{
    return _mm_xor_ps(x, _mm_set1_ps(-0.0f));
}

V_FN vf v_xor_sign(vf x, vf s)
{
    return _mm_xor_ps(x, _mm_and_ps(s, _mm_set1_ps(-0.0f)));
}

#define v_shift_left(x, n)                                                     \
    _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(x), n))

V_FN vf v_split(vf x, vf *e)
{
    __m128i u = _mm_castps_si128(x);
    __m128i n =
        _mm_srai_epi32(_mm_sub_epi32(u, _mm_set1_epi32(0x3f3504f3)), 23);
    *e = _mm_cvtepi32_ps(n);
    return _mm_castsi128_ps(_mm_sub_epi32(u, _mm_slli_epi32(n, 23)));
}

V_FN float v_sum(vf x)
{
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}

V_FN vf v_load_quads(const float *p, size_t stride, unsigned n)
{
    (void)stride;
    (void)n;
    return _mm_loadu_ps(p);
}

V_FN vf v_load_fourths(const float *p)
{
    vf a = _mm_shuffle_ps(_mm_loadu_ps(p), _mm_loadu_ps(p + 4), 0);
    vf b = _mm_shuffle_ps(_mm_loadu_ps(p + 8), _mm_loadu_ps(p + 12), 0);
    return _mm_shuffle_ps(a, b, 0x88);
}

V_FN __m128i v_bytes(const uint8_t *p, const int n)
{
    int32_t four;
    if (n == 16)
        return _mm_loadu_si128((const __m128i *)(const void *)p);
    if (n == 8)
        return _mm_loadl_epi64((const __m128i *)(const void *)p);
    __builtin_memcpy(&four, p, sizeof four);
    return _mm_cvtsi32_si128(four);
}

/* Halves in the upper 16 bits of each lane: sign and the rest are put where
   floats have them; then the exponents are 112 too small. */
V_FN vf v_from_halves(__m128i x)
{
    const __m128i keep = _mm_set1_epi32((int)0x8fffffffu);
    x = _mm_and_si128(_mm_srai_epi32(x, 3), keep);
    return _mm_mul_ps(_mm_castsi128_ps(x), _mm_set1_ps(0x1p112f));
}

V_FN void v_eight_halves(const uint8_t *p, vf *row)
{
    const __m128i zero = _mm_setzero_si128(), x = v_bytes(p, 16);
    row[0] = v_from_halves(_mm_unpacklo_epi16(zero, x));
    row[1] = v_from_halves(_mm_unpackhi_epi16(zero, x));
}

V_FN void v_row_f16(const uint8_t *p, const int n, vf *row)
{
    if (n == 4) {
        row[0] = v_from_halves(
            _mm_unpacklo_epi16(_mm_setzero_si128(), v_bytes(p, 8)));
        return;
    }
    v_eight_halves(p, row);
    if (n > 8)
        v_eight_halves(p + 16, row + 2);
}

/* n bytes in the top of n lanes. */
V_FN void v_tops(const uint8_t *p, const int n, __m128i *top)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i x = v_bytes(p, n);
    const __m128i low = _mm_unpacklo_epi8(zero, x);
    const __m128i high = _mm_unpackhi_epi8(zero, x);
    top[0] = _mm_unpacklo_epi16(zero, low);
    if (n > 4)
        top[1] = _mm_unpackhi_epi16(zero, low);
    if (n > 8) {
        top[2] = _mm_unpacklo_epi16(zero, high);
        top[3] = _mm_unpackhi_epi16(zero, high);
    }
}

V_FN vf v_high_bits(__m128i top, const int bits)
{
    return _mm_cvtepi32_ps(_mm_srai_epi32(top, 32 - bits));
}

/* 16-bit numbers below 2^8 in the low bits of floats from 2^23 on, where they
   count as ones: bytes that 128 was added to. */
V_FN void v_less_128(__m128i x, vf *row, const int n)
{
    const __m128i top = _mm_set1_epi16(0x4b00);
    const vf less = _mm_set1_ps(0x1p23f + 128.0f);
    row[0] = _mm_sub_ps(_mm_castsi128_ps(_mm_unpacklo_epi16(x, top)), less);
    if (n > 4)
        row[1] = _mm_sub_ps(_mm_castsi128_ps(_mm_unpackhi_epi16(x, top)), less);
}

V_FN void v_row_i8(const uint8_t *p, const int n, vf *row)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i x = _mm_xor_si128(v_bytes(p, n), _mm_set1_epi8(-128));
    v_less_128(_mm_unpacklo_epi8(x, zero), row, n);
    if (n > 8)
        v_less_128(_mm_unpackhi_epi8(x, zero), row + 2, n);
}

V_FN void v_two_halves(__m128i top, vf *low, vf *high)
{
    *high = v_high_bits(top, 4);
    *low = v_high_bits(_mm_slli_epi32(top, 4), 4);
}

V_FN void v_row_i4(const uint8_t *p, const int n, vf *low, vf *high)
{
    __m128i top[4];
    v_tops(p, n, top);
    v_two_halves(top[0], low, high);
    if (n > 4)
        v_two_halves(top[1], low + 1, high + 1);
    if (n > 8) {
        v_two_halves(top[2], low + 2, high + 2);
        v_two_halves(top[3], low + 3, high + 3);
    }
}

/* Two outputs each, in two parts: products of 16 bits. */
typedef struct v_bsum {
    __m128i low, high;
} v_bsum, v_bweights;
typedef __m128i v_binputs; /* four, twice */

V_FN __m128i v_widen(__m128i x)
{
    return _mm_srai_epi16(_mm_unpacklo_epi8(x, x), 8);
}

V_FN v_bsum v_bytes_zero(void)
{
    return (v_bsum){_mm_setzero_si128(), _mm_setzero_si128()};
}

V_FN v_bweights v_bytes_weights(const uint8_t *p, const int n)
{
    const __m128i x = v_bytes(p, 16);
    (void)n;
    return (v_bweights){v_widen(x), _mm_srai_epi16(_mm_unpackhi_epi8(x, x), 8)};
}

V_FN v_binputs v_bytes_inputs(const float *p)
{
    return v_widen(_mm_castps_si128(_mm_load1_ps(p)));
}

V_FN v_bsum v_bytes_dot(v_bweights w, v_binputs x, v_bsum sum)
{
    sum.low = _mm_add_epi32(sum.low, _mm_madd_epi16(w.low, x));
    sum.high = _mm_add_epi32(sum.high, _mm_madd_epi16(w.high, x));
    return sum;
}

V_FN vf v_bytes_sums(v_bsum sum)
{
    const __m128 a = _mm_castsi128_ps(sum.low), b = _mm_castsi128_ps(sum.high);
    return _mm_cvtepi32_ps(
        _mm_add_epi32(_mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)),
                      _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd))));
}

/* Bytes in lanes of 32 bits to lanes of 16. */
V_FN __m128i v_narrow(vf a, vf b)
{
    const __m128i low = _mm_set1_epi32(255);
    return _mm_packs_epi32(_mm_and_si128(_mm_castps_si128(a), low),
                           _mm_and_si128(_mm_castps_si128(b), low));
}

V_FN void v_store_bytes(uint8_t *p, vf x)
{
    const __m128i two = v_narrow(x, x);
    const int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(two, two));
    __builtin_memcpy(p, &four, sizeof four);
}

#define V_HAS_MORE_BYTES
V_FN void v_store_more_bytes(uint8_t *p, const vf x[4])
{
    _mm_storeu_si128(
        (__m128i *)(void *)p,
        _mm_packus_epi16(v_narrow(x[0], x[1]), v_narrow(x[2], x[3])));
}

#include "vec_common.h"
