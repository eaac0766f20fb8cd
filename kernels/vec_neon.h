/*
 * vec_neon.h - the vector layer in NEON, for ARMv7 and AArch64. For the meaning
 * of the names see vec_generic.h.
 *
 * ARMv7 has neither division nor square root nor rounding for vectors, its
 * multiply-add rounds twice, and numbers below 2^-126 count as zero.
 */
#define V_FN            static inline __attribute__((always_inline))
#define V_HOT           V_FN
#define V_LANES         4u
#define V_NAME          "neon"
#define V_TABLE         mli_kernels_neon
#define V_TALL          8
#define V_COLUMNS       4
#define V_ROW           8
#define V_CHAINS        2
#define V_FIR           2
#define V_PLANE_VECTORS 2
#define V_PLANE_FOUR    2
#define V_PLANE_TALL    4
#define V_PLANE_FEW     3
#define V_BYTES_VECTORS 2
#define V_HAS_DOTS
#define V_HAS_QUAD
#ifdef __aarch64__
#define V_TILE          4
#define V_PLANE_OUTPUTS 8
#define V_BYTES_TILE    4
#define V_BLOCK         16u
#define V_HAS_ROUND
#else
#define V_TILE          2
#define V_PLANE_OUTPUTS 4
#define V_BYTES_TILE    2
#define V_BLOCK         48u /* sums before a block go to memory and back */
#endif

typedef float32x4_t vf;
typedef uint32x4_t vm;

V_FN vf v_load(const float *p)
{
    return vld1q_f32(p);
}

V_FN void v_store(float *p, vf x)
{
    vst1q_f32(p, x);
}

V_FN vf v_load_part(const float *p, unsigned lo, unsigned hi)
{
    float t[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (unsigned l = lo; l < hi; l++)
        t[l] = p[l];
    vf x = vld1q_f32(t);
    /* Else a compiler that knows the zeros may multiply single floats instead,
       which a Cortex-A8 does in 10 cycles each. */
    __asm__("" : "+w"(x));
    return x;
}

V_FN void v_store_part(float *p, vf x, unsigned lo, unsigned hi)
{
    float t[4];
    vst1q_f32(t, x);
    for (unsigned l = lo; l < hi; l++)
        p[l] = t[l];
}

V_FN vf v_set1(float x)
{
    return vdupq_n_f32(x);
}

V_FN vf v_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

V_FN vf v_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

V_FN vf v_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

V_FN vf v_fma(vf a, vf b, vf c)
{
#ifdef __aarch64__
    return vfmaq_f32(c, a, b);
#elif defined(__clang__)
    /* Told of a Cortex-A8, it takes vmlaq_f32 apart into a
       multiplication and an addition. */
    __asm__("vmla.f32 %q0, %q1, %q2" : "+w"(c) : "w"(a), "w"(b));
    return c;
#else
    return vmlaq_f32(c, a, b);
#endif
}

typedef float32x4_t v_quad;

V_FN v_quad v_load_quad(const float *p)
{
    return vld1q_f32(p);
}

/* Weights stay four in a register. For clang see v_fma. */
V_FN vf v_fma_quad(vf x, v_quad q, const int lane, vf c)
{
#ifdef __aarch64__
#define FMA_LANE(l, half, of_half) c = vfmaq_laneq_f32(c, x, q, l)
#elif defined(__clang__)
#define FMA_LANE(l, half, of_half)                                             \
    __asm__("vmla.f32 %q0, %q1, %" half "2[" of_half "]"                       \
            : "+w"(c)                                                          \
            : "w"(x), "t"(q))
#else
#define FMA_LANE(l, half, of_half)                                             \
    c = vmlaq_lane_f32(c, x, l < 2 ? vget_low_f32(q) : vget_high_f32(q), l % 2)
#endif
    switch (lane) {
    case 0:
        FMA_LANE(0, "e", "0");
        break;
    case 1:
        FMA_LANE(1, "e", "1");
        break;
    case 2:
        FMA_LANE(2, "f", "0");
        break;
    default:
        FMA_LANE(3, "f", "1");
    }
    return c;
#undef FMA_LANE
}

V_FN vf v_mul_quad(vf x, v_quad q, const int lane)
{
#ifdef __aarch64__
#define MUL_LANE(l) vmulq_laneq_f32(x, q, l)
#else
#define MUL_LANE(l)                                                            \
    vmulq_lane_f32(x, l < 2 ? vget_low_f32(q) : vget_high_f32(q), l % 2)
#endif
    switch (lane) {
    case 0:
        return MUL_LANE(0);
    case 1:
        return MUL_LANE(1);
    case 2:
        return MUL_LANE(2);
    default:
        return MUL_LANE(3);
    }
#undef MUL_LANE
}

#ifdef __aarch64__
V_FN vm v_lt(vf a, vf b)
{
    return vcltq_f32(a, b);
}

V_FN vm v_le(vf a, vf b)
{
    return vcleq_f32(a, b);
}

V_FN vm v_eq(vf a, vf b)
{
    return vceqq_f32(a, b);
}
#else
/* By instruction: GCC takes the functions apart into comparisons of single
   floats, since an exception that nobody asks for might differ. */
#define COMPARE(name, instruction, x, y)                                       \
    V_FN vm name(vf a, vf b)                                                   \
    {                                                                          \
        vm m;                                                                  \
        __asm__(instruction ".f32 %q0, %q1, %q2" : "=w"(m) : "w"(x), "w"(y));  \
        return m;                                                              \
    }
COMPARE(v_lt, "vcgt", b, a)
COMPARE(v_le, "vcge", b, a)
COMPARE(v_eq, "vceq", a, b)
#undef COMPARE
#endif

V_FN vm v_nan(vf x)
{
    return vmvnq_u32(v_eq(x, x));
}

#if !defined(__aarch64__) && !defined(__clang__)
#define V_HAS_FOUR
/* In one instruction, and at once: the compiler would load far ahead, more than
   there are registers for. */
V_FN void v_load_four(const float *p, vf x[4])
{
    float32x4x4_t t;
    __asm__("vldmia %1, %h0" : "=w"(t) : "r"(p), "m"(*(const float(*)[16])p));
    x[0] = t.val[0];
    x[1] = t.val[1];
    x[2] = t.val[2];
    x[3] = t.val[3];
}

/* The same; p goes on behind them. */
V_FN void v_step_four(const float **p, vf x[4])
{
    float32x4x4_t t;
    const float *from = *p;
    __asm__("vldmia %1!, %h0"
            : "=w"(t), "+r"(from)
            : "m"(*(const float(*)[16]) * p));
    *p = from;
    x[0] = t.val[0];
    x[1] = t.val[1];
    x[2] = t.val[2];
    x[3] = t.val[3];
}

/* A vector; p goes on by n floats in the same instruction. */
V_FN vf v_load_step(const float **p, size_t n)
{
    vf x;
    const float *from = *p;
    __asm__("vld1.32 {%e0-%f0}, [%1], %2"
            : "=w"(x), "+r"(from)
            : "r"(n * sizeof(float)), "m"(*(const float(*)[4]) * p));
    *p = from;
    return x;
}

V_FN v_quad v_step_quad(const float **p, size_t n)
{
    return v_load_step(p, n);
}

V_FN void v_store_step(float **p, size_t n, vf x)
{
    float *to = *p;
    __asm__("vst1.32 {%e3-%f3}, [%0], %2"
            : "+r"(to), "=m"(*(float(*)[4]) * p)
            : "r"(n * sizeof(float)), "w"(x));
    *p = to;
}

/* Two vectors, and on by n floats. */
V_FN void v_load_pair(const float **p, size_t n, vf x[2])
{
    float32x4x2_t t;
    const float *from = *p;
    __asm__("vld1.32 %h0, [%1], %2"
            : "=w"(t), "+r"(from)
            : "r"(n * sizeof(float)), "m"(*(const float(*)[8]) * p));
    *p = from;
    x[0] = t.val[0];
    x[1] = t.val[1];
}

V_FN void v_load_run(const float **p, size_t n, vf *x, const int count)
{
    if (count == 1) {
        x[0] = v_load_step(p, n);
    } else if (count == 2) {
        v_load_pair(p, n, x);
    } else {
        v_load_pair(p, 8, x);
        v_load_pair(p, n - 8, x + 2);
    }
}

/* Two vectors, in one instruction each way. */
V_FN void v_copy_pair(const float **from, size_t m, float **to, size_t n)
{
    float32x4x2_t t;
    const float *x = *from;
    float *y = *to;
    __asm__("vld1.32 %h0, [%1], %2"
            : "=w"(t), "+r"(x)
            : "r"(m * sizeof(float)), "m"(*(const float(*)[8]) * from));
    __asm__("vst1.32 %h2, [%0], %3"
            : "+r"(y), "=m"(*(float(*)[8]) * to)
            : "w"(t), "r"(n * sizeof(float)));
    *from = x;
    *to = y;
}

V_FN void v_copy_four(const float **from, size_t m, float **to, size_t n)
{
    v_copy_pair(from, 8, to, 8);
    v_copy_pair(from, m - 8, to, n - 8);
}
#endif

V_FN vm v_signed(vf x)
{
    return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(x), 31));
}

V_FN vf v_select(vm m, vf a, vf b)
{
    return vbslq_f32(m, a, b);
}

V_FN vf v_abs(vf x)
{
    return vabsq_f32(x);
}

V_FN vf v_neg(vf x)
{
#ifdef __aarch64__
    return vnegq_f32(x);
#else /* GCC takes that apart into single floats */
    return vreinterpretq_f32_u32(
        veorq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0x80000000u)));
#endif
}

V_FN vf v_xor_sign(vf x, vf s)
{
    uint32x4_t sign =
        vandq_u32(vreinterpretq_u32_f32(s), vdupq_n_u32(0x80000000u));
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), sign));
}

/* These propagate NaN from either side. */
V_FN vf v_min(vf x, vf k)
{
    return vminq_f32(x, k);
}

V_FN vf v_max(vf x, vf k)
{
    return vmaxq_f32(x, k);
}

#ifdef __aarch64__
V_FN vf v_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

V_FN vf v_div_soon(vf a, vf b)
{
    return vdivq_f32(a, b);
}

V_FN vf v_div_any(vf a, vf b)
{
    return vdivq_f32(a, b);
}

V_FN vf v_sqrt(vf x)
{
    return vsqrtq_f32(x);
}

V_FN vf v_round(vf x)
{
    return vrndnq_f32(x);
}

V_FN vf v_floor(vf x)
{
    return vrndmq_f32(x);
}
#else
/* An estimate of 8 bits, doubled twice; powers of two come out exact. */
V_FN vf v_div(vf a, vf b)
{
    vf r = vrecpeq_f32(b);
    r = vmulq_f32(r, vrecpsq_f32(b, r));
    r = vmulq_f32(r, vrecpsq_f32(b, r));
    return vmulq_f32(a, r);
}

/* The same, less exact for powers of two, a multiplication sooner. */
V_FN vf v_div_soon(vf a, vf b)
{
    vf r = vrecpeq_f32(b);
    r = vmulq_f32(r, vrecpsq_f32(b, r));
    return vmulq_f32(vmulq_f32(a, r), vrecpsq_f32(b, r));
}

/* 1/b would vanish for b >= 2^126: both are scaled down when b is large. */
V_FN vf v_div_any(vf a, vf b)
{
    vf scale = vbslq_f32(vcagtq_f32(b, vdupq_n_f32(0x1p100f)),
                         vdupq_n_f32(0x1p-64f), vdupq_n_f32(1.0f));
    return v_div(vmulq_f32(a, scale), vmulq_f32(b, scale));
}

V_FN vf v_sqrt(vf x)
{
    vf r = vrsqrteq_f32(x);
    r = vmulq_f32(r, vrsqrtsq_f32(vmulq_f32(x, r), r));
    r = vmulq_f32(r, vrsqrtsq_f32(vmulq_f32(x, r), r));
    vf y = vmulq_f32(x, r);
    /* 0 and infinity times their reciprocals are not numbers */
    vm edge = vorrq_u32(v_eq(x, vdupq_n_f32(0.0f)),
                        v_eq(x, vdupq_n_f32(__builtin_inff())));
    return vbslq_f32(edge, x, y);
}
#endif

#if !defined(__aarch64__)
#define V_HAS_RATIO_RUN
/*
 * math_tanh of pairs of vectors: x P(u) / Q(u), u = min(x^2, limit), held to
 * one. Each operation waits up to ten cycles for the one before: the order is
 * by hand, the two take turns, and the next pair begins while quotients are
 * made. q0: coefficients of P, q1: of Q, q2: the limit, q3: 1, q4: -1; q8, q9:
 * x, then x P; q14, q15: u; q12, q13: u^2; q5, q6: Q; q10, q11: P, then tanh.
 */
/* clang-format off */
#define RATIO_BEGIN \
    "vld1.32 {d0-d3}, [%[powers]]\n\t" \
    "vld1.32 {d4[], d5[]}, [%[limit]]\n\t" \
    "vld1.32 {d16-d19}, [%[x]]\n\t" \
    "vmov.f32 q3, #1.0\n\t" \
    "vmul.f32 q14, q8, q8\n\t" \
    "vmul.f32 q15, q9, q9\n\t" \
    "vmov.f32 q4, #-1.0\n\t" \
    "vmov q5, q3\n\t" \
    "vmin.f32 q14, q14, q2\n\t" \
    "vmin.f32 q15, q15, q2\n\t" \
    "vmov q6, q3\n\t" \
    "vmul.f32 q12, q14, q14\n\t" \
    "vmul.f32 q13, q15, q15\n\t"
#define RATIO_PAIR \
    "vmla.f32 q5, q14, d2[0]\n\t" \
    "vmla.f32 q6, q15, d2[0]\n\t" \
    "vmul.f32 q11, q15, d0[0]\n\t" \
    "vmul.f32 q15, q13, q15\n\t" \
    "vmul.f32 q10, q14, d0[0]\n\t" \
    "vmla.f32 q5, q12, d2[1]\n\t" \
    "vmla.f32 q6, q13, d2[1]\n\t" \
    "vmul.f32 q14, q12, q14\n\t" \
    "subs %[n], %[n], #1\n\t" \
    "vmla.f32 q10, q12, d0[1]\n\t" \
    "vmul.f32 q12, q12, q12\n\t" \
    "vmla.f32 q5, q14, d3[0]\n\t" \
    "vmla.f32 q6, q15, d3[0]\n\t" \
    "vmla.f32 q11, q13, d0[1]\n\t" \
    "vmul.f32 q13, q13, q13\n\t" \
    "vmla.f32 q10, q14, d1[0]\n\t" \
    "vmla.f32 q5, q12, d3[1]\n\t" \
    "vmla.f32 q6, q13, d3[1]\n\t" \
    "vmla.f32 q11, q15, d1[0]\n\t" \
    "vrecpe.f32 q14, q5\n\t" \
    "vrecpe.f32 q15, q6\n\t" \
    "it ne\n\t" \
    "addne %[x], %[x], #32\n\t" \
    "vmla.f32 q10, q12, d1[1]\n\t" \
    "vrecps.f32 q12, q5, q14\n\t" \
    "vmla.f32 q11, q13, d1[1]\n\t" \
    "vrecps.f32 q13, q6, q15\n\t" \
    "vmla.f32 q8, q8, q10\n\t" \
    "vmul.f32 q14, q14, q12\n\t" \
    "vmla.f32 q9, q9, q11\n\t" \
    "vmul.f32 q15, q15, q13\n\t" \
    "vrecps.f32 q12, q5, q14\n\t" \
    "vmov q5, q3\n\t" \
    "vrecps.f32 q13, q6, q15\n\t" \
    "vmul.f32 q10, q8, q14\n\t" \
    "vmul.f32 q11, q9, q15\n\t"
#define RATIO_REGISTERS \
    "cc", "memory", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q8", "q9", \
    "q10", "q11", "q12", "q13", "q14", "q15"

/* n >= 1 pairs of vectors of y become their tanh, which is added to total. */
V_FN void v_ratio_run_added(float *y, float *total, uint32_t n,
                            const float powers[8], const float *limit)
{
    const float *x = y;
    __asm__ volatile(RATIO_BEGIN
                     "1:\n\t" RATIO_PAIR
                     "vld1.32 {d16-d19}, [%[x]]\n\t"
                     "vmul.f32 q14, q8, q8\n\t"
                     "vmul.f32 q10, q10, q12\n\t"
                     "vmul.f32 q15, q9, q9\n\t"
                     "vmax.f32 q10, q10, q4\n\t"
                     "vmov q6, q3\n\t"
                     "vmul.f32 q11, q11, q13\n\t"
                     "vmin.f32 q10, q10, q3\n\t"
                     "vmax.f32 q11, q11, q4\n\t"
                     "vld1.32 {d14-d15}, [%[total]]\n\t"
                     "vadd.f32 q7, q7, q10\n\t"
                     "vmin.f32 q14, q14, q2\n\t"
                     "vmin.f32 q11, q11, q3\n\t"
                     "vst1.32 {d14-d15}, [%[total]]!\n\t"
                     "vmin.f32 q15, q15, q2\n\t"
                     "vld1.32 {d14-d15}, [%[total]]\n\t"
                     "vadd.f32 q7, q7, q11\n\t"
                     "vmul.f32 q12, q14, q14\n\t"
                     "vst1.32 {d20-d23}, [%[y]]!\n\t"
                     "vmul.f32 q13, q15, q15\n\t"
                     "vst1.32 {d14-d15}, [%[total]]!\n\t"
                     "bne 1b\n\t"
                     : [x] "+r"(x), [y] "+r"(y), [total] "+r"(total),
                       [n] "+r"(n)
                     : [powers] "r"(powers), [limit] "r"(limit)
                     : RATIO_REGISTERS, "q7");
}

/* The same without a total, of x, which may be y. */
V_FN void v_ratio_run(const float *x, float *y, uint32_t n,
                      const float powers[8], const float *limit)
{
    __asm__ volatile(RATIO_BEGIN
                     "1:\n\t" RATIO_PAIR
                     "vld1.32 {d16-d19}, [%[x]]\n\t"
                     "vmul.f32 q14, q8, q8\n\t"
                     "vmul.f32 q15, q9, q9\n\t"
                     "vmul.f32 q10, q10, q12\n\t"
                     "vmul.f32 q11, q11, q13\n\t"
                     "vmin.f32 q15, q15, q2\n\t"
                     "vmax.f32 q10, q10, q4\n\t"
                     "vmin.f32 q14, q14, q2\n\t"
                     "vmax.f32 q11, q11, q4\n\t"
                     "vmin.f32 q10, q10, q3\n\t"
                     "vmov q6, q3\n\t"
                     "vmin.f32 q11, q11, q3\n\t"
                     "vmul.f32 q13, q15, q15\n\t"
                     "vmul.f32 q12, q14, q14\n\t"
                     "vst1.32 {d20-d23}, [%[y]]!\n\t"
                     "bne 1b\n\t"
                     : [x] "+r"(x), [y] "+r"(y), [n] "+r"(n)
                     : [powers] "r"(powers), [limit] "r"(limit)
                     : RATIO_REGISTERS);
}
/* clang-format on */
#endif

#define v_shift_left(x, n)                                                     \
    vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(x), n))

V_FN vf v_split(vf x, vf *e)
{
    int32x4_t u = vreinterpretq_s32_f32(x);
    int32x4_t n = vshrq_n_s32(vsubq_s32(u, vdupq_n_s32(0x3f3504f3)), 23);
    *e = vcvtq_f32_s32(n);
    return vreinterpretq_f32_s32(vsubq_s32(u, vshlq_n_s32(n, 23)));
}

V_FN float v_sum(vf x)
{
    float32x2_t y = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(vpadd_f32(y, y), 0);
}

V_FN vf v_load_quads(const float *p, size_t stride, unsigned n)
{
    (void)stride;
    (void)n;
    return vld1q_f32(p);
}

V_FN vf v_load_fourths(const float *p)
{
    return vld4q_f32(p).val[0];
}

/* 8 bytes, or 4 (at a multiple of 4) and zeros. */
V_FN int8x8_t v_bytes(const uint8_t *p, const int n)
{
    if (n >= 8)
        return vld1_s8((const int8_t *)p);
    return vreinterpret_s8_s32(
        vld1_lane_s32((const int32_t *)(const void *)p, vdup_n_s32(0), 0));
}

V_FN vf v_from_halves(uint16x4_t h)
{
#ifdef __aarch64__
    return vcvt_f32_f16(vreinterpret_f16_u16(h));
#else
    /* sign and the rest where floats have them; then the exponents are 112 too
       small */
    int32x4_t x = vandq_s32(vshll_n_s16(vreinterpret_s16_u16(h), 13),
                            vdupq_n_s32((int32_t)0x8fffffffu));
    return vmulq_f32(vreinterpretq_f32_s32(x), vdupq_n_f32(0x1p112f));
#endif
}

V_FN void v_row_f16(const uint8_t *p, const int n, vf *row)
{
    row[0] = v_from_halves(vreinterpret_u16_s8(v_bytes(p, 8)));
    if (n > 4)
        row[1] = v_from_halves(vreinterpret_u16_s8(v_bytes(p + 8, 8)));
    if (n > 8) {
        row[2] = v_from_halves(vreinterpret_u16_s8(v_bytes(p + 16, 8)));
        row[3] = v_from_halves(vreinterpret_u16_s8(v_bytes(p + 24, 8)));
    }
}

#ifndef __aarch64__
#define V_HAS_RAW
/* As v_row_f16, 2^-112 times that, n = 4 or 8. */
V_FN void v_row_raw(const uint8_t *p, const int n, vf *row)
{
    const int16x8_t x =
        n == 8
            ? vld1q_s16((const int16_t *)(const void *)p)
            : vcombine_s16(vreinterpret_s16_s8(v_bytes(p, 8)), vdup_n_s16(0));
    const int32x4_t keep = vdupq_n_s32((int32_t)0x8fffffffu);
    row[0] = vreinterpretq_f32_s32(
        vandq_s32(vshll_n_s16(vget_low_s16(x), 13), keep));
    if (n == 8)
        row[1] = vreinterpretq_f32_s32(
            vandq_s32(vshll_n_s16(vget_high_s16(x), 13), keep));
}
#endif

#define V_HAS_FIXED
typedef int16x4_t v_fixed;
typedef int16x8_t v_fixed_eight;
typedef int32x4_t v_fixed_sum;

/*
 * n numbers h as whole ones: h = (high * 2^15 + low) * the number that is
 * returned; that is NaN if one of h is, or infinite. Room for whole quads.
 */
V_FN float v_fixed_split(const float *h, uint32_t n, int16_t *high,
                         int16_t *low)
{
    float32x4_t most = vdupq_n_f32(0x1p-90f), odd = vdupq_n_f32(0.0f);
    for (uint32_t i = 0; i < n; i += 4) {
        float32x4_t x =
            i + 4 <= n ? vld1q_f32(h + i) : v_load_part(h + i, 0, n - i);
        most = vmaxq_f32(most, vabsq_f32(x));
        odd = vmlaq_f32(odd, x, vdupq_n_f32(0.0f));
    }
    float32x2_t m = vpmax_f32(vget_low_f32(most), vget_high_f32(most));
    float32x2_t z = vadd_f32(vget_low_f32(odd), vget_high_f32(odd));
    m = vpmax_f32(m, m);
    z = vpadd_f32(z, z);
    /* 2^e <= m, e + 127 in its place: 2^(29 - e), and one by that */
    const uint32x2_t e =
        vand_u32(vreinterpret_u32_f32(m), vdup_n_u32(0x7f800000u));
    const float32x2_t up =
        vreinterpret_f32_u32(vsub_u32(vdup_n_u32(283u << 23), e));
    const float32x2_t unit =
        vreinterpret_f32_u32(vsub_u32(e, vdup_n_u32(29u << 23)));
    for (uint32_t i = 0; i < n; i += 4) {
        float32x4_t x =
            i + 4 <= n ? vld1q_f32(h + i) : v_load_part(h + i, 0, n - i);
        int32x4_t whole = vcvtq_s32_f32(vmulq_lane_f32(x, up, 0));
        vst1_s16(high + i, vshrn_n_s32(whole, 15));
        vst1_s16(low + i, vmovn_s32(vandq_s32(whole, vdupq_n_s32(0x7fff))));
    }
    return vget_lane_f32(vadd_f32(unit, z), 0);
}

V_FN v_fixed_sum v_fixed_zero(void)
{
    return vdupq_n_s32(0);
}

V_FN v_fixed v_fixed_load(const int16_t *p)
{
    return vld1_s16(p);
}

/* n = 4 or 8 bytes */
V_FN v_fixed_eight v_fixed_row(const uint8_t *p, const int n)
{
    return vmovl_s8(v_bytes(p, n));
}

/* sums of n rows more, w times one of h */
V_FN void v_fixed_mla(v_fixed_sum sum[2], v_fixed_eight w, v_fixed h,
                      const int lane, const int n)
{
#ifdef __aarch64__
#define FIXED_HIGH(l) vmlal_high_lane_s16(sum[1], w, h, l)
#else
#define FIXED_HIGH(l) vmlal_lane_s16(sum[1], vget_high_s16(w), h, l)
#endif
#define FIXED_LANE(l)                                                          \
    sum[0] = vmlal_lane_s16(sum[0], vget_low_s16(w), h, l);                    \
    if (n == 8)                                                                \
        sum[1] = FIXED_HIGH(l);
    switch (lane) {
    case 0:
        FIXED_LANE(0)
        break;
    case 1:
        FIXED_LANE(1)
        break;
    case 2:
        FIXED_LANE(2)
        break;
    default:
        FIXED_LANE(3)
    }
#undef FIXED_LANE
#undef FIXED_HIGH
}

/* high * 2^15 + low */
V_FN vf v_fixed_sums(v_fixed_sum high, v_fixed_sum low)
{
    return v_fma(vcvtq_f32_s32(high), vdupq_n_f32(0x1p15f), vcvtq_f32_s32(low));
}

/* n = 4 or 8 bytes */
V_FN void v_from_bytes(int8x8_t x, const int n, vf *row)
{
    int16x8_t wide = vmovl_s8(x);
    row[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    if (n > 4)
        row[1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)));
}

V_FN void v_row_i8(const uint8_t *p, const int n, vf *row)
{
    v_from_bytes(v_bytes(p, n), n, row);
    if (n > 8)
        v_from_bytes(v_bytes(p + 8, n), n, row + 2);
}

V_FN void v_two_halves(int8x8_t x, const int n, vf *low, vf *high)
{
    v_from_bytes(vshr_n_s8(x, 4), n, high);
    v_from_bytes(vshr_n_s8(vshl_n_s8(x, 4), 4), n, low);
}

V_FN void v_row_i4(const uint8_t *p, const int n, vf *low, vf *high)
{
    v_two_halves(v_bytes(p, n), n, low, high);
    if (n > 8)
        v_two_halves(v_bytes(p + 8, n), n, low + 2, high + 2);
}

/* Two outputs each, in two parts. */
typedef struct v_bsum {
    int32x4_t low, high;
} v_bsum;
typedef struct v_bweights {
    int8x8_t low, high;
} v_bweights;
typedef int8x8_t v_binputs; /* four, twice */

V_FN v_bsum v_bytes_zero(void)
{
    return (v_bsum){vdupq_n_s32(0), vdupq_n_s32(0)};
}

V_FN v_bweights v_bytes_weights(const uint8_t *p, const int n)
{
    const int8x16_t w = vld1q_s8((const int8_t *)p);
    (void)n;
    return (v_bweights){vget_low_s8(w), vget_high_s8(w)};
}

V_FN v_binputs v_bytes_inputs(const float *p)
{
    return vreinterpret_s8_f32(vld1_dup_f32(p));
}

V_FN v_bsum v_bytes_dot(v_bweights w, v_binputs x, v_bsum sum)
{
    sum.low = vpadalq_s16(sum.low, vmull_s8(w.low, x));
    sum.high = vpadalq_s16(sum.high, vmull_s8(w.high, x));
    return sum;
}

/* Two products of at most 127^2 fit 16 bits. */
V_FN v_bsum v_bytes_dots(v_bweights w0, v_binputs x0, v_bweights w1,
                         v_binputs x1, v_bsum sum)
{
    const int16x8_t low = vmull_s8(w0.low, x0), high = vmull_s8(w0.high, x0);
    sum.low = vpadalq_s16(sum.low, vmlal_s8(low, w1.low, x1));
    sum.high = vpadalq_s16(sum.high, vmlal_s8(high, w1.high, x1));
    return sum;
}

V_FN vf v_bytes_sums(v_bsum sum)
{
#ifdef __aarch64__
    return vcvtq_f32_s32(vpaddq_s32(sum.low, sum.high));
#else
    return vcvtq_f32_s32(vcombine_s32(
        vpadd_s32(vget_low_s32(sum.low), vget_high_s32(sum.low)),
        vpadd_s32(vget_low_s32(sum.high), vget_high_s32(sum.high))));
#endif
}

V_FN int16x8_t v_narrow(vf a, vf b)
{
    return vcombine_s16(vmovn_s32(vreinterpretq_s32_f32(a)),
                        vmovn_s32(vreinterpretq_s32_f32(b)));
}

V_FN void v_store_bytes(uint8_t *p, vf x)
{
    vst1_lane_s32((int32_t *)(void *)p,
                  vreinterpret_s32_s8(vmovn_s16(v_narrow(x, x))), 0);
}

#define V_HAS_MORE_BYTES
V_FN void v_store_more_bytes(uint8_t *p, const vf x[4])
{
    vst1q_s8((int8_t *)p, vcombine_s8(vmovn_s16(v_narrow(x[0], x[1])),
                                      vmovn_s16(v_narrow(x[2], x[3]))));
}

#define V_HAS_BYTE_FOURS
#if defined(__aarch64__)
#define V_FOURS_TILE 2

typedef int8x16_t v_bwords; /* four */

V_FN v_bwords v_bytes_row(const uint8_t *p)
{
    return vld1q_s8((const int8_t *)p);
}

/* A word, four times. */
V_FN v_bwords v_bytes_input(const float *p)
{
    return vreinterpretq_s8_f32(vld1q_dup_f32(p));
}

/* Four outputs, `count` words of each, four or two: products come together in
   16 bits before the sum takes them. */
V_FN v_bsum v_bytes_words_dot(const v_bwords w[4], const v_bwords x[4],
                              v_bsum sum, const int count)
{
    int16x8_t low = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x[0]));
    int16x8_t high = vmull_high_s8(w[0], x[0]);
    low = vmlal_s8(low, vget_low_s8(w[1]), vget_low_s8(x[1]));
    high = vmlal_high_s8(high, w[1], x[1]);
    if (count > 2) {
        low = vmlal_s8(low, vget_low_s8(w[2]), vget_low_s8(x[2]));
        high = vmlal_high_s8(high, w[2], x[2]);
        low = vmlal_s8(low, vget_low_s8(w[3]), vget_low_s8(x[3]));
        high = vmlal_high_s8(high, w[3], x[3]);
    }
    sum.low = vpadalq_s16(sum.low, low);
    sum.high = vpadalq_s16(sum.high, high);
    return sum;
}
#else
#define V_HAS_BYTE_PAIRS
#define V_FOURS_TILE 1
/*
 * n pairs of words of two frames, by eight outputs; a word's weights are `row`
 * bytes after the one before's. A sum of products is wanted six cycles after
 * the last of them: the order is by hand, compilers put them next to each
 * other.
 */
V_FN void v_byte_pairs(const float *x0, const float *x1, const uint8_t *w,
                       size_t row, uint32_t n, v_bsum sum[2][2])
{
    const uint8_t *high = w + 16;
    __asm__ volatile(
        "vld1.32 {d20}, [%[x0]]\n\t"
        "vld1.32 {d22}, [%[x1]]\n\t"
        "vld1.8 {d16-d17}, [%[w]], %[row]\n\t"
        "vdup.32 d21, d20[1]\n\t"
        "vdup.32 d20, d20[0]\n\t"
        "vdup.32 d23, d22[1]\n\t"
        "vdup.32 d22, d22[0]\n\t"
        "1:\n\t"
        "vmull.s8 q12, d16, d20\n\t"
        "vld1.8 {d18-d19}, [%[w]], %[row]\n\t"
        "vmull.s8 q13, d17, d20\n\t"
        "vmull.s8 q14, d16, d22\n\t"
        "vmull.s8 q15, d17, d22\n\t"
        "subs %[n], %[n], #1\n\t"
        "vld1.8 {d16-d17}, [%[high]], %[row]\n\t"
        "vmlal.s8 q12, d18, d21\n\t"
        "vmlal.s8 q13, d19, d21\n\t"
        "it ne\n\t"
        "addne %[x0], %[x0], #8\n\t"
        "vmlal.s8 q14, d18, d23\n\t"
        "vmlal.s8 q15, d19, d23\n\t"
        "it ne\n\t"
        "addne %[x1], %[x1], #8\n\t"
        "vld1.8 {d18-d19}, [%[high]], %[row]\n\t"
        "vpadal.s16 %q[a], q12\n\t"
        "vmull.s8 q12, d16, d20\n\t"
        "vpadal.s16 %q[b], q13\n\t"
        "vmull.s8 q13, d17, d20\n\t"
        "vpadal.s16 %q[c], q14\n\t"
        "vmull.s8 q14, d16, d22\n\t"
        "vpadal.s16 %q[d], q15\n\t"
        "vmull.s8 q15, d17, d22\n\t"
        "vmlal.s8 q12, d18, d21\n\t"
        "vmlal.s8 q13, d19, d21\n\t"
        "vmlal.s8 q14, d18, d23\n\t"
        "vld1.32 {d20}, [%[x0]]\n\t"
        "vmlal.s8 q15, d19, d23\n\t"
        "vld1.32 {d22}, [%[x1]]\n\t"
        "beq 2f\n\t"
        "vld1.8 {d16-d17}, [%[w]], %[row]\n\t"
        "2:\n\t"
        "vpadal.s16 %q[e], q12\n\t"
        "vdup.32 d21, d20[1]\n\t"
        "vdup.32 d20, d20[0]\n\t"
        "vpadal.s16 %q[f], q13\n\t"
        "vdup.32 d23, d22[1]\n\t"
        "vdup.32 d22, d22[0]\n\t"
        "vpadal.s16 %q[g], q14\n\t"
        "vpadal.s16 %q[h], q15\n\t"
        "bne 1b\n\t"
        : [a] "+w"(sum[0][0].low), [b] "+w"(sum[0][0].high),
          [c] "+w"(sum[1][0].low), [d] "+w"(sum[1][0].high),
          [e] "+w"(sum[0][1].low), [f] "+w"(sum[0][1].high),
          [g] "+w"(sum[1][1].low), [h] "+w"(sum[1][1].high), [x0] "+r"(x0),
          [x1] "+r"(x1), [w] "+r"(w), [high] "+r"(high), [n] "+r"(n)
        : [row] "r"(row)
        : "cc", "memory", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15");
}

/*
 * n times four words of one frame by sixteen outputs, whose weights are such
 * that four products fit 16 bits: they are summed in longer numbers half as
 * often. Each row of weights comes while the one before is multiplied. A sum
 * takes the next product four cycles after the last one.
 */
/* clang-format off */
#define FOURS_ROW(multiply, x, next) \
    multiply ".s8 q12, d16, " x "\n\t" \
    multiply ".s8 q13, d17, " x "\n\t" \
    "vld1.8 {d16-d17}, [%[" next "]]!\n\t" \
    multiply ".s8 q14, d18, " x "\n\t" \
    multiply ".s8 q15, d19, " x "\n\t" \
    "vld1.8 {d18-d19}, [%[" next "]], %[step]\n\t"
#define FOURS_OUTPUTS(own, next) \
    FOURS_ROW("vmull", "d20", own) \
    FOURS_ROW("vmlal", "d21", own) \
    FOURS_ROW("vmlal", "d22", own) \
    FOURS_ROW("vmlal", "d23", next)
/* clang-format on */
/* The sums of sixteen outputs, as operands. */
#define SIXTEEN_SUMS(sum)                                                      \
    [a] "+w"((sum)[0].low), [b] "+w"((sum)[0].high), [c] "+w"((sum)[1].low),   \
        [d] "+w"((sum)[1].high), [e] "+w"((sum)[2].low),                       \
        [f] "+w"((sum)[2].high), [g] "+w"((sum)[3].low),                       \
        [h] "+w"((sum)[3].high)
V_FN void v_byte_fours(const float *x, size_t step, const uint8_t *w,
                       uint32_t n, v_bsum one[1][4], const int tile)
{
    const uint8_t *high = w + 32;
    v_bsum *sum = one[0];
    (void)step;
    (void)tile;
    __asm__ volatile(
        "vld1.32 {d22-d23}, [%[x]]\n\t"
        "vld1.8 {d16-d17}, [%[w]]!\n\t"
        "vdup.32 d20, d22[0]\n\t"
        "vdup.32 d21, d22[1]\n\t"
        "vld1.8 {d18-d19}, [%[w]], %[step]\n\t"
        "vdup.32 d22, d23[0]\n\t"
        "vdup.32 d23, d23[1]\n\t"
        "1:\n\t" FOURS_OUTPUTS(
            "w", "high") "subs %[n], %[n], #1\n\t"
                         "vpadal.s16 %q[a], q12\n\t"
                         "it eq\n\t"
                         "subeq %[w], %[w], #256\n\t"
                         "vpadal.s16 %q[b], q13\n\t"
                         "it ne\n\t"
                         "addne %[x], %[x], #16\n\t"
                         "vpadal.s16 %q[c], q14\n\t"
                         "vpadal.s16 %q[d], q15\n\t" FOURS_OUTPUTS(
                             "high", "w") "vld1.32 {d22-d23}, [%[x]]\n\t"
                                          "vpadal.s16 %q[e], q12\n\t"
                                          "vdup.32 d20, d22[0]\n\t"
                                          "vdup.32 d21, d22[1]\n\t"
                                          "vpadal.s16 %q[f], q13\n\t"
                                          "vdup.32 d22, d23[0]\n\t"
                                          "vdup.32 d23, d23[1]\n\t"
                                          "vpadal.s16 %q[g], q14\n\t"
                                          "vpadal.s16 %q[h], q15\n\t"
                                          "bne 1b\n\t"
        : SIXTEEN_SUMS(sum), [x] "+r"(x), [w] "+r"(w), [high] "+r"(high),
          [n] "+r"(n)
        : [step] "r"(48)
        : "cc", "memory", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15");
}

/* The same of one frame by sixteen outputs. */
V_FN void v_byte_pairs_wide(const float *x, size_t step, const uint8_t *w,
                            uint32_t n, v_bsum one[1][4], const int tile)
{
    const uint8_t *next = w + 64;
    v_bsum *sum = one[0];
    (void)step;
    (void)tile;
    __asm__ volatile("1:\n\t"
                     "vld1.32 {d20}, [%[x]]!\n\t"
                     "vld1.8 {d16-d19}, [%[w]]!\n\t"
                     "vdup.32 d21, d20[1]\n\t"
                     "vdup.32 d20, d20[0]\n\t"
                     "vld1.8 {d22-d23}, [%[next]]!\n\t"
                     "vmull.s8 q12, d16, d20\n\t"
                     "vmull.s8 q13, d17, d20\n\t"
                     "vmull.s8 q14, d18, d20\n\t"
                     "vld1.8 {d16-d17}, [%[next]]!\n\t"
                     "vmull.s8 q15, d19, d20\n\t"
                     "vmlal.s8 q12, d22, d21\n\t"
                     "vmlal.s8 q13, d23, d21\n\t"
                     "vmlal.s8 q14, d16, d21\n\t"
                     "vmlal.s8 q15, d17, d21\n\t"
                     "vld1.8 {d16-d19}, [%[w]]!\n\t"
                     "vld1.8 {d22-d23}, [%[next]]!\n\t"
                     "subs %[n], %[n], #1\n\t"
                     "vpadal.s16 %q[a], q12\n\t"
                     "vmull.s8 q12, d16, d20\n\t"
                     "vpadal.s16 %q[b], q13\n\t"
                     "vmull.s8 q13, d17, d20\n\t"
                     "vld1.8 {d16-d17}, [%[next]]!\n\t"
                     "vpadal.s16 %q[c], q14\n\t"
                     "vmull.s8 q14, d18, d20\n\t"
                     "vpadal.s16 %q[d], q15\n\t"
                     "vmull.s8 q15, d19, d20\n\t"
                     "add %[w], %[w], #64\n\t"
                     "vmlal.s8 q12, d22, d21\n\t"
                     "vmlal.s8 q13, d23, d21\n\t"
                     "add %[next], %[next], #64\n\t"
                     "vmlal.s8 q14, d16, d21\n\t"
                     "vmlal.s8 q15, d17, d21\n\t"
                     "vpadal.s16 %q[e], q12\n\t"
                     "vpadal.s16 %q[f], q13\n\t"
                     "vpadal.s16 %q[g], q14\n\t"
                     "vpadal.s16 %q[h], q15\n\t"
                     "bne 1b\n\t"
                     : SIXTEEN_SUMS(sum), [x] "+r"(x), [w] "+r"(w),
                       [next] "+r"(next), [n] "+r"(n)
                     :
                     : "cc", "memory", "q8", "q9", "q10", "q11", "q12", "q13",
                       "q14", "q15");
}

/* Sixteen outputs: sums to floats, times scale, plus b. */
V_FN void v_bytes_store(float *y, v_bsum sum[4], const float *scale,
                        const float *b)
{
    __asm__ volatile("vld1.32 {d16-d19}, [%[scale]]!\n\t"
                     "vpadd.i32 d24, %e[a], %f[a]\n\t"
                     "vpadd.i32 d25, %e[b], %f[b]\n\t"
                     "vpadd.i32 d26, %e[c], %f[c]\n\t"
                     "vld1.32 {d20-d23}, [%[scale]]\n\t"
                     "vpadd.i32 d27, %e[d], %f[d]\n\t"
                     "vpadd.i32 d28, %e[e], %f[e]\n\t"
                     "vpadd.i32 d29, %e[f], %f[f]\n\t"
                     "vcvt.f32.s32 q12, q12\n\t"
                     "vld1.32 {%e[a]-%f[a]}, [%[bias]]!\n\t"
                     "vpadd.i32 d30, %e[g], %f[g]\n\t"
                     "vpadd.i32 d31, %e[h], %f[h]\n\t"
                     "vcvt.f32.s32 q13, q13\n\t"
                     "vld1.32 {%e[b]-%f[b]}, [%[bias]]!\n\t"
                     "vcvt.f32.s32 q14, q14\n\t"
                     "vld1.32 {%e[c]-%f[c]}, [%[bias]]!\n\t"
                     "vcvt.f32.s32 q15, q15\n\t"
                     "vld1.32 {%e[d]-%f[d]}, [%[bias]]\n\t"
                     "vmla.f32 %q[a], q12, q8\n\t"
                     "vmla.f32 %q[b], q13, q9\n\t"
                     "vmla.f32 %q[c], q14, q10\n\t"
                     "vmla.f32 %q[d], q15, q11\n\t"
                     "vst1.32 {%e[a]-%f[a]}, [%[y]]!\n\t"
                     "vst1.32 {%e[b]-%f[b]}, [%[y]]!\n\t"
                     "vst1.32 {%e[c]-%f[c]}, [%[y]]!\n\t"
                     "vst1.32 {%e[d]-%f[d]}, [%[y]]\n\t"
                     : [a] "+&w"(sum[0].low), [b] "+&w"(sum[0].high),
                       [c] "+&w"(sum[1].low), [d] "+&w"(sum[1].high),
                       [y] "+r"(y), [scale] "+r"(scale), [bias] "+r"(b)
                     : [e] "w"(sum[2].low), [f] "w"(sum[2].high),
                       [g] "w"(sum[3].low), [h] "w"(sum[3].high)
                     : "memory", "q8", "q9", "q10", "q11", "q12", "q13", "q14",
                       "q15");
}
#endif

#include "vec_common.h"
