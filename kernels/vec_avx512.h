/*
 * vec_avx512.h - the vector layer in AVX-512 (F, VL, DQ, BW). For the meaning
 * of the names see vec_generic.h.
 */
#define V_FN            static inline __attribute__((always_inline))
#define V_HOT           V_FN
#define V_LANES         16u
#define V_NAME          "avx512"
#define V_TABLE         mli_kernels_avx512
#define V_TABLE_VNNI    mli_kernels_avx512_vnni
#define V_TILE          8
#define V_TALL          16
#define V_COLUMNS       2
#define V_ROW           8
#define V_BLOCK         16u
#define V_CHAINS        4
#define V_FIR           4
#define V_PLANE_OUTPUTS 16
#define V_PLANE_VECTORS 2
#define V_PLANE_FOUR    4
#define V_PLANE_TALL    4
#define V_PLANE_FEW     8
#define V_BYTES_TILE    8
#define V_BYTES_VECTORS 1
#define V_HAS_ROUND
#define V_HAS_LOW
#define V_HAS_TABLE
#define V_HAS_JOINED
#define V_WHOLE

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

/* n floats, n = 4 or 8, over and over. */
V_FN vf v_load_repeated(const float *p, const int n)
{
    return n == 4 ? _mm512_broadcast_f32x4(_mm_loadu_ps(p))
                  : _mm512_broadcast_f32x8(_mm256_loadu_ps(p));
}

/* n = 2 or 4 floats, each in as many lanes. */
V_FN vf v_load_each(const float *p, const int n)
{
    if (n == 4)
        return _mm512_permutevar_ps(
            v_load_repeated(p, 4),
            _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
    long long two; /* else they go through a register on the way */
    __builtin_memcpy(&two, p, sizeof two);
    return _mm512_permutevar_ps(
        _mm512_castsi512_ps(_mm512_set1_epi64(two)),
        _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
}

/* The sum of x's n parts of as many lanes, in the first of them. */
V_FN vf v_add_parts(vf x, const int n)
{
    x = _mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0xee));
    return n == 4 ? _mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0x55)) : x;
}

/*
 * A narrow store does not touch a second cache line for lanes it leaves. What
 * is stored is hidden: else a compiler makes one instruction of it and the cast
 * (vextractf32x4), which faults for lanes that it leaves.
 */
V_FN void v_store_low(float *p, vf x, unsigned n, unsigned lo, unsigned hi)
{
    const __mmask16 m = v_lanes(lo, hi);
    if (n == 4) {
        __m128 low = _mm512_castps512_ps128(x);
        __asm__("" : "+v"(low));
        _mm_mask_storeu_ps(p, (__mmask8)m, low);
    } else if (n == 8) {
        __m256 low = _mm512_castps512_ps256(x);
        __asm__("" : "+v"(low));
        _mm256_mask_storeu_ps(p, (__mmask8)m, low);
    } else {
        _mm512_mask_storeu_ps(p, m, x);
    }
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

/* Written out: else a compiler may sum to other registers and move them back.
 */
#define V_HAS_FMA_AT
V_FN vf v_fma_at(vf a, const float *p, vf c)
{
    __asm__("vfmadd231ps %2, %1, %0"
            : "+v"(c)
            : "v"(a), "m"(*(const __m512_u *)(const void *)p));
    return c;
}

/* An estimate of 14 bits, doubled once: the division takes several times as
   long. Powers of two come out exact. */
V_FN vf v_div(vf a, vf b)
{
    vf r = _mm512_rcp14_ps(b);
    r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(b, r, _mm512_set1_ps(1.0f)), r);
    return _mm512_mul_ps(a, r);
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
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
        _mm512_castps_si512(x), _mm512_castps_si512(s),
        _mm512_set1_epi32(INT32_MIN), 0x78));
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

/*
 * The piece of a table of 32 that is at the whole number n, 0 <= n < 32, which
 * is in the low bits of t.
 */
V_FN vf v_lookup(const float table[32], vf t)
{
    return _mm512_permutex2var_ps(v_load(table), _mm512_castps_si512(t),
                                  v_load(table + 16));
}

/* The smaller of |x| and k > 0; k for NaN. */
V_FN vf v_min_abs(vf x, vf k)
{
    return _mm512_range_ps(x, k, 2 << 2 | 2);
}

/* x less the nearest multiple of 1/4, the even one of two; 0 for infinity. */
V_FN vf v_past_quarter(vf x)
{
    return _mm512_reduce_ps(x, 2 << 4 | _MM_FROUND_TO_NEAREST_INT |
                                   _MM_FROUND_NO_EXC);
}

V_FN void v_store_quads(float *p, vf x, const int n)
{
    if (n == 1)
        _mm_storeu_ps(p, _mm512_castps512_ps128(x));
    else if (n < 4)
        _mm256_storeu_ps(p, _mm512_castps512_ps256(x));
    else
        v_store(p, x);
    if (n == 3)
        _mm_storeu_ps(p + 8, _mm512_extractf32x4_ps(x, 2));
}

/* Four floats from a, four from b, at 4i and 4j; then the same again. */
#define QUADS(a, i, b, j)                                                      \
    _mm512_permutex2var_ps(                                                    \
        a,                                                                     \
        _mm512_setr_epi32(4 * (i), 4 * (i) + 1, 4 * (i) + 2, 4 * (i) + 3,      \
                          16 + 4 * (j), 17 + 4 * (j), 18 + 4 * (j),            \
                          19 + 4 * (j), 4 * (i), 4 * (i) + 1, 4 * (i) + 2,     \
                          4 * (i) + 3, 16 + 4 * (j), 17 + 4 * (j),             \
                          18 + 4 * (j), 19 + 4 * (j)),                         \
        b)

V_FN void v_turn_4(const vf in[4], vf out[4], const int n)
{
    if (n == 1) {
        out[0] = in[0];
        out[1] = _mm512_shuffle_f32x4(in[0], in[0], 0x55);
        out[2] = _mm512_shuffle_f32x4(in[0], in[0], 0xaa);
        out[3] = _mm512_shuffle_f32x4(in[0], in[0], 0xff);
    } else if (n == 2) {
        out[0] = QUADS(in[0], 0, in[1], 0);
        out[1] = QUADS(in[0], 1, in[1], 1);
        out[2] = QUADS(in[0], 2, in[1], 2);
        out[3] = QUADS(in[0], 3, in[1], 3);
    } else {
        const vf last = n == 4 ? in[3] : _mm512_setzero_ps();
        vf a = _mm512_shuffle_f32x4(in[0], in[1], 0x44); /* i f i f */
        vf b = _mm512_shuffle_f32x4(in[2], last, 0x44);
        vf c = _mm512_shuffle_f32x4(in[0], in[1], 0xee); /* g o g o */
        vf d = _mm512_shuffle_f32x4(in[2], last, 0xee);
        out[0] = _mm512_shuffle_f32x4(a, b, 0x88);
        out[1] = _mm512_shuffle_f32x4(a, b, 0xdd);
        out[2] = _mm512_shuffle_f32x4(c, d, 0x88);
        out[3] = _mm512_shuffle_f32x4(c, d, 0xdd);
    }
}

V_FN void v_turn_3(const vf in[4], vf out[3], const int n)
{
    /* r z n r, z n r z, n r z n */
    if (n == 1) {
        out[0] = in[0];
        out[1] = _mm512_shuffle_f32x4(in[0], in[0], 0x55);
        out[2] = _mm512_shuffle_f32x4(in[0], in[0], 0xaa);
    } else if (n == 2) {
        out[0] = _mm512_shuffle_f32x4(in[0], in[0], 0x0c);
        out[1] = QUADS(in[0], 1, in[1], 0);
        out[2] = QUADS(in[0], 2, in[1], 1);
    } else {
        vf r = _mm512_shuffle_f32x4(in[1], in[2], 0x5a); /* r r r r */
        vf z = _mm512_shuffle_f32x4(in[0], in[1], 0x05);
        vf y = _mm512_shuffle_f32x4(in[1], in[2], 0xaf);
        vf x = _mm512_shuffle_f32x4(in[0], in[1], 0x5a);
        out[0] = _mm512_shuffle_f32x4(in[0], r, 0x8c);
        out[1] = _mm512_shuffle_f32x4(z, y, 0x88);
        out[2] = _mm512_shuffle_f32x4(x, in[2], 0xc8);
    }
}

/* The same of at most eight units: r and z share a vector, z in its upper
   half. */
V_FN void v_turn_joined(const vf in[4], vf *rz, vf *last, const int n)
{
    if (n == 1) {
        *rz = _mm512_shuffle_f32x4(in[0], in[0], 0x50);
        *last = _mm512_shuffle_f32x4(in[0], in[0], 0xaa);
    } else {
        const __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 12, 13, 14, 15, 4, 5,
                                             6, 7, 16, 17, 18, 19);
        *rz = _mm512_permutex2var_ps(in[0], at, in[1]);
        *last = QUADS(in[0], 2, in[1], 1);
    }
}

/* The lower halves of both. */
V_FN vf v_join(vf lower, vf upper)
{
    return _mm512_shuffle_f32x4(lower, upper, 0x44);
}

V_FN vf v_upper(vf x)
{
    return _mm512_shuffle_f32x4(x, x, 0xee);
}

V_FN __m128i v_bytes(const uint8_t *p, const int n)
{
    return n == 16 ? _mm_loadu_si128((const __m128i *)(const void *)p)
                   : _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1u), p);
}

V_FN void v_row_f16(const uint8_t *p, const int n, vf *row)
{
    if (n == 4)
        row[0] = _mm512_zextps128_ps512(_mm_maskz_cvtph_ps(
            (__mmask8)-1, _mm_loadl_epi64((const __m128i *)(const void *)p)));
    else if (n == 8)
        row[0] = _mm512_zextps256_ps512(_mm256_maskz_cvtph_ps(
            (__mmask8)-1, _mm_loadu_si128((const __m128i *)(const void *)p)));
    else
        row[0] = _mm512_cvtph_ps(
            n == 16 ? _mm256_loadu_si256((const __m256i *)(const void *)p)
                    : _mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1u), p));
}

V_FN void v_row_i8(const uint8_t *p, const int n, vf *row)
{
    if (n == 4) {
        int32_t four;
        __builtin_memcpy(&four, p, sizeof four);
        row[0] = _mm512_zextps128_ps512(
            _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four))));
    } else if (n == 8) {
        row[0] = _mm512_zextps256_ps512(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
            _mm_loadl_epi64((const __m128i *)(const void *)p))));
    } else {
        row[0] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v_bytes(p, n)));
    }
}

V_FN void v_row_i4(const uint8_t *p, const int n, vf *low, vf *high)
{
    /* the four low bits of each lane choose one */
    const vf numbers =
        _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    __m512i x = _mm512_cvtepu8_epi32(v_bytes(p, n));
    low[0] = _mm512_permutexvar_ps(x, numbers);
    high[0] = _mm512_permutexvar_ps(_mm512_srli_epi32(x, 4), numbers);
}

typedef __m512i v_bsum;
typedef struct v_bweights {
    __m512i size;
    __mmask64 negative;
} v_bweights;
typedef __m512i v_binputs;

V_FN v_bsum v_bytes_zero(void)
{
    return _mm512_setzero_si512();
}

/* Words of n outputs, zeros above. */
V_FN __m512i v_bytes_words(const uint8_t *p, const int n)
{
    return n == 16 ? _mm512_loadu_si512(p)
                   : _mm512_castps_si512(v_load_low(
                         (const float *)(const void *)p, (unsigned)n));
}

V_FN v_bweights v_bytes_weights(const uint8_t *p, const int n)
{
    const __m512i w = v_bytes_words(p, n);
    return (v_bweights){_mm512_abs_epi8(w), _mm512_movepi8_mask(w)};
}

V_FN v_binputs v_bytes_inputs(const float *p)
{
    return _mm512_castps_si512(_mm512_set1_ps(*p));
}

/* The weight's sign goes to the input: two products of at most 127^2 fit 16
   bits. */
V_FN v_bsum v_bytes_dot(v_bweights w, v_binputs x, v_bsum sum)
{
    const __m512i turned =
        _mm512_mask_sub_epi8(x, w.negative, _mm512_setzero_si512(), x);
    const __m512i two = _mm512_maddubs_epi16(w.size, turned);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(two, _mm512_set1_epi16(1)));
}

/* The same of unsigned inputs in one instruction, where the machine has it: the
   compiler is not told, as the other functions go without. */
#define V_HAS_VNNI
V_FN v_bsum v_vnni(__m512i x, __m512i w, v_bsum sum)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

/* n numbers, times up, as whole ones of 24 bits, 2^23 more each. */
V_FN void v_whole_bytes(const float *h, uint32_t n, vf up, uint8_t *low,
                        uint8_t *middle, uint8_t *high)
{
    const __m512i top = _mm512_set1_epi32(0x7fffff);
    for (uint32_t i = 0; i < n; i += 16) {
        const vf x = v_load_part(h + i, 0, n - i < 16 ? n - i : 16);
        __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(x, up));
        whole = _mm512_add_epi32(_mm512_min_epi32(whole, top),
                                 _mm512_set1_epi32(1 << 23));
        _mm_storeu_si128((__m128i *)(void *)(low + i),
                         _mm512_cvtepi32_epi8(whole));
        _mm_storeu_si128((__m128i *)(void *)(middle + i),
                         _mm512_cvtepi32_epi8(_mm512_srli_epi32(whole, 8)));
        _mm_storeu_si128((__m128i *)(void *)(high + i),
                         _mm512_cvtepi32_epi8(_mm512_srli_epi32(whole, 16)));
    }
}

/* 2^23 by the power of two above the largest of them, and one by that. */
static __attribute__((noinline)) float v_largest_of(const float *h, uint32_t n,
                                                    float *up)
{
    vf most = _mm512_set1_ps(1.0f), odd = _mm512_setzero_ps();
    for (uint32_t i = 0; i < n; i += 16) {
        const vf x = v_load_part(h + i, 0, n - i < 16 ? n - i : 16);
        most = _mm512_max_ps(most, _mm512_abs_ps(x));
        odd = _mm512_fmadd_ps(x, _mm512_setzero_ps(), odd);
    }
    /* 2^e <= m, e + 127 in its place: 2^(22 - e), and one by that */
    const __m512i e = _mm512_and_epi32(
        _mm512_castps_si512(_mm512_set1_ps(_mm512_reduce_max_ps(most))),
        _mm512_set1_epi32(0x7f800000));
    *up = _mm512_cvtss_f32(_mm512_castsi512_ps(
        _mm512_sub_epi32(_mm512_set1_epi32((int)(276u << 23)), e)));
    return _mm512_cvtss_f32(_mm512_castsi512_ps(
               _mm512_sub_epi32(e, _mm512_set1_epi32(22 << 23)))) +
           _mm512_reduce_add_ps(odd);
}

/*
 * n numbers h as whole ones of 24 bits, byte by byte, the lowest first:
 * h = (whole - 2^23) * the number that is returned; that is NaN if one of h is,
 * or infinite. Most are from -1 to 1, and then it is 2^-23. Room for whole
 * vectors.
 */
V_FN float v_split_bytes(const float *h, uint32_t n, uint8_t *low,
                         uint8_t *middle, uint8_t *high)
{
    float up = 0x1p23f, unit = 0x1p-23f;
    __mmask16 small = 0xffff;
    for (uint32_t i = 0; i < n; i += 16)
        small &= _mm512_cmp_ps_mask(
            _mm512_abs_ps(v_load_part(h + i, 0, n - i < 16 ? n - i : 16)),
            _mm512_set1_ps(1.0f), _CMP_LE_OQ);
    if (__builtin_expect(small != 0xffff, 0))
        unit = v_largest_of(h, n, &up);
    v_whole_bytes(h, n, _mm512_set1_ps(up), low, middle, high);
    return unit;
}

/* Where v_turn_rows finds the quads of rows of n = 4, 8, 12 or 16 outputs. */
V_FN __m512i v_turn_index(const int n)
{
    const __m512i lane =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i quad = _mm512_srli_epi32(lane, 2);
    const __m512i row = _mm512_and_epi32(lane, _mm512_set1_epi32(3));
    const __m512i at = _mm512_add_epi32(
        _mm512_mullo_epi32(row, _mm512_set1_epi32(n / 4)), quad);
    const __mmask16 real = (__mmask16)((1u << n) - 1u);
    return _mm512_mask_mov_epi32(_mm512_set1_epi32(15), real, at);
}

/* Up to four rows of n bytes, to a word of theirs for each output. */
V_FN v_bsum v_turn_rows(const uint8_t *p, unsigned rows, const int n,
                        __m512i at)
{
    const __m512i turn = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i x;
    if (n == 16 && rows == 4)
        x = _mm512_loadu_si512(p);
    else
        x = _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - rows * (unsigned)n),
                                    p);
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(at, x), turn);
}

/* A word of inputs for all outputs. */
V_FN __m512i v_word_of(const uint8_t *p)
{
    int32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
}

/* (high - more) * 2^16 + middle * 2^8 + low */
V_FN vf v_split_sums(v_bsum low, v_bsum middle, v_bsum high, v_bsum more)
{
    const vf rest =
        _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(middle, 8), low));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(high, more)),
                           _mm512_set1_ps(0x1p16f), rest);
}

V_FN __m512i v_bytes_128(void)
{
    return _mm512_set1_epi8((char)0x80);
}

V_FN __m512i v_bytes_plus_128(const float *p)
{
    return _mm512_xor_si512(v_bytes_inputs(p), v_bytes_128());
}

V_FN v_bsum v_bytes_add(v_bsum a, v_bsum b)
{
    return _mm512_add_epi32(a, b);
}

V_FN v_bsum v_bytes_less(v_bsum a, v_bsum b)
{
    return _mm512_sub_epi32(a, b);
}

V_FN vf v_bytes_sums(v_bsum sum)
{
    return _mm512_cvtepi32_ps(sum);
}

V_FN void v_store_bytes(uint8_t *p, vf x)
{
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm512_cvtepi32_epi8(_mm512_castps_si512(x)));
}

#include "vec_common.h"
