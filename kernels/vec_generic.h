/*
 * vec_generic.h - the vector layer in plain C, one float in a vector.
 *
 * Every layer defines the same names; the kernel texts (text_*.h) are written
 * over them and included once per build.
 *
 *   V_FN, V_HOT        how functions of the texts are declared; V_HOT: those
 *                      that are always written out, as they take constants
 *   vf, vm             a vector of floats; a mask with one truth per lane
 *   V_LANES            floats in a vector, at most 16
 *   V_NAME, V_TABLE    the build's name, and the name of its table
 *   V_TILE, V_COLUMNS  register tile of the linear kernels: frames (a power of
 *                      2) by vectors of outputs
 *   V_TALL             frames of a tile of one vector: 1, or a multiple of 4
 *   V_FIR              vectors of frames at once in a filter
 *   V_ROW              vectors of outputs at once for a single frame
 *   V_BLOCK            products of a layer that are summed by themselves
 *   V_CHAINS           parts of a recurrent sum, 2 or 4
 *   V_WHOLE            all rows of some recurrent layers fit the registers
 *   V_PANELS           or so many vectors of their sums do
 *   V_HAS_QUAD         a v_quad is a register, not a place in memory
 *   V_HAS_FIXED, V_HAS_RAW, V_HAS_VNNI  numbers in the place of floats that are
 *                      multiplied by stored weights: see vec_neon.h and
 *                      vec_avx512.h
 *   V_PLANE_OUTPUTS, V_PLANE_VECTORS  register tile of the planar kernels:
 *                      outputs (4 or 8) by vectors of frames
 *   V_PLANE_FOUR       vectors of a tile of 4 outputs,
 *   V_PLANE_TALL       of fewer; at least as many as of other tiles
 *   V_PLANE_FEW        below so many frames outputs lie across the lanes
 *
 *   v_load, v_store          V_LANES floats, any address
 *   v_load_part, v_store_part  lanes lo <= l < hi only, lane l at p[l]; other
 *                            lanes read as 0 and are not touched in memory
 *   v_load_low(p, n)         n = 4 or 8 < V_LANES floats, 0 above
 *   v_store_low(p, x, n, lo, hi)  as v_store_part, hi <= n, n = 4, 8 or V_LANES
 *   v_fma(a, b, c)           a*b + c; one rounding where the machine can
 *   v_fma_at(a, p, c)        a*b + c, b at p
 *   v_div(a, b)              2^-100 < |b| < 2^100, within 3 ulp
 *   v_div_any(a, b)          any a and b, IEEE's special cases
 *   v_min(x, k), v_max(x, k) NaN in x comes through; k is not NaN
 *   v_lt, v_le               false for NaN
 *   v_nan, v_signed          lanes that are NaN; lanes with the sign bit set
 *   v_select(m, a, b)        m ? a : b
 *   v_xor_sign(x, s)         x, negated where s has its sign bit set
 *   v_round, v_floor         halves to even; keep the sign of zero
 *   v_shift_left(x, n)       the bits of x shifted left
 *   v_split(x, e)            m with x = m * 2^e, 1/sqrt 2 <= m < sqrt 2, for
 *                            normal positive x
 *   v_sum                    the lanes' sum as a tree of fixed shape
 *   v_load_fourths(p)        p[0], p[4], p[8]...
 *   v_load_quad(p), v_fma_quad(x, q, l, c)  x*p[l] + c for l < 4
 *   v_store_quads(p, x, n)   the first n groups of 4 lanes
 *   v_lookup, v_min_abs, v_past_quarter  where V_HAS_TABLE: see vec_avx512.h
 *   v_turn_4(in, out, n)     the gates of n quads: from vectors in which they
 *                            lie quad by quad, 4 gates each, to one vector a
 *                            gate; v_turn_3 likewise of 3 gates
 *   v_turn_joined, v_join, v_upper  where V_HAS_JOINED: see vec_avx512.h
 *   v_load_quads(p, s, n)    n groups of 4 floats from p, p+s, p+2s...; with
 *                            V_LANES = 1 the one float at p
 *   v_row_f16, v_row_i8(p, n, row)  n = 4, 8 or 16 (V_LANES = 1: 4) numbers of
 *                            16 or 8 bits as floats, in as many vectors as they
 *                            fill or begin; lanes above are any number. Halves
 *                            are normal or zero
 *   v_row_i4(p, n, low, high)  n bytes: their low and high halves, signed
 *
 *   v_bsum, v_bweights, v_binputs  whole sums of V_LANES outputs; the weights
 *                            of a word of inputs; that word, for all outputs
 *   v_bytes_weights(p, n)    of n = 4, 8 or V_LANES outputs (V_LANES = 1: 1)
 *   v_bytes_dot(w, x, sum)   sum + w x, of bytes from -127 to 127
 *   v_bytes_dots(w0, x0, w1, x1, sum)  two words at once
 *   v_bytes_sums(sum)        as floats, rounded
 *   v_store_bytes(p, x)      bytes b of x = 1.5 * 2^23 + b; v_store_more_bytes
 *                            of four vectors
 *   V_BYTES_TILE, V_BYTES_VECTORS  register tile: frames by vectors of outputs
 */
#ifdef MLI_SMALL
#define V_FN static inline /* shared where that is smaller */
#ifndef __clang__          /* it does not see that a tile's sizes agree */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#else
#define V_FN static inline __attribute__((always_inline))
#endif
#define V_HOT   static inline __attribute__((always_inline))
#define V_LANES 1u
#define V_NAME  "generic"
#define V_TABLE mli_kernels_generic
#ifdef MLI_SMALL
#define V_TILE       1
#define V_TALL       1
#define V_ROW        4
#define V_FIR        1
#define V_BYTES_TILE 1
#else
#define V_TILE       2
#define V_TALL       4
#define V_ROW        8
#define V_FIR        2
#define V_BYTES_TILE 2
#endif
/* Planes in fours: gcc 12 makes vectors of pairs in rows that it loads together
   with the next row's, past the end of the last. */
#define V_COLUMNS       4
#define V_BLOCK         16u
#define V_CHAINS        2
#define V_PLANE_OUTPUTS 4
#define V_PLANE_VECTORS 4
#define V_PLANE_FOUR    4
#define V_PLANE_TALL    4
#define V_PLANE_FEW     1
#define V_BYTES_VECTORS 4

typedef float vf;
typedef int vm;

V_FN uint32_t v_bits(vf x)
{
    uint32_t u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

V_FN vf v_from_bits(uint32_t u)
{
    vf x;
    __builtin_memcpy(&x, &u, sizeof x);
    return x;
}

V_FN vf v_load(const float *p)
{
    return *p;
}

V_FN void v_store(float *p, vf x)
{
    *p = x;
}

V_FN vf v_load_part(const float *p, unsigned lo, unsigned hi)
{
    return lo < hi ? *p : 0.0f;
}

V_FN void v_store_part(float *p, vf x, unsigned lo, unsigned hi)
{
    if (lo < hi)
        *p = x;
}

V_FN vf v_set1(float x)
{
    return x;
}

V_FN vf v_add(vf a, vf b)
{
    return a + b;
}

V_FN vf v_sub(vf a, vf b)
{
    return a - b;
}

V_FN vf v_mul(vf a, vf b)
{
    return a * b;
}

V_FN vf v_fma(vf a, vf b, vf c)
{
    return a * b + c;
}

V_FN vf v_div(vf a, vf b)
{
    return a / b;
}

V_FN vf v_div_any(vf a, vf b)
{
    return a / b;
}

V_FN vf v_min(vf x, vf k)
{
    return x > k ? k : x;
}

V_FN vf v_max(vf x, vf k)
{
    return x < k ? k : x;
}

V_FN vm v_lt(vf a, vf b)
{
    return a < b;
}

V_FN vm v_le(vf a, vf b)
{
    return a <= b;
}

V_FN vm v_nan(vf x)
{
    return x != x;
}

V_FN vm v_signed(vf x)
{
    return v_bits(x) >> 31 != 0;
}

V_FN vf v_select(vm m, vf a, vf b)
{
    return m ? a : b;
}

V_FN vf v_abs(vf x)
{
    return v_from_bits(v_bits(x) & 0x7fffffffu);
}

V_FN vf v_neg(vf x)
{
    return v_from_bits(v_bits(x) ^ 0x80000000u);
}

V_FN vf v_xor_sign(vf x, vf s)
{
    return v_from_bits(v_bits(x) ^ (v_bits(s) & 0x80000000u));
}

#define v_shift_left(x, n) v_from_bits(v_bits(x) << (n))

V_FN vf v_split(vf x, vf *e)
{
    uint32_t i = v_bits(x) - 0x3f3504f3u;
    int32_t n = (int32_t)(i >> 23) - (i >> 31 ? 512 : 0);
    *e = (float)n;
    return v_from_bits(v_bits(x) - ((uint32_t)n << 23));
}

/*
 * Square root without libm: an estimate from the exponent, three Newton steps
 * in double, one rounding.
 */
V_FN vf v_sqrt(vf x)
{
    if (!(x > 0x1p-126f))
        return x < 0.0f ? v_from_bits(0x7fc00000u) : x;
    if (x > 0x1.fffffep127f)
        return x;
    double y = v_from_bits((v_bits(x) >> 1) + 0x1fbd1df5u);
    for (int i = 0; i < 3; i++)
        y = 0.5 * (y + x / y);
    return (float)y;
}

V_FN float v_sum(vf x)
{
    return x;
}

V_FN vf v_load_quads(const float *p, size_t stride, unsigned n)
{
    (void)stride;
    (void)n;
    return *p;
}

V_FN vf v_load_fourths(const float *p)
{
    return *p;
}

V_FN void v_row_f16(const uint8_t *p, const int n, vf *row)
{
    for (int i = 0; i < n; i++) {
        uint32_t h = (uint32_t)p[2 * i] | (uint32_t)p[2 * i + 1] << 8;
        row[i] =
            0x1p112f * v_from_bits((h & 0x8000u) << 16 | (h & 0x7fffu) << 13);
    }
}

V_FN void v_row_i8(const uint8_t *p, const int n, vf *row)
{
    for (int i = 0; i < n; i++)
        row[i] = (float)(int8_t)p[i];
}

V_FN void v_row_i4(const uint8_t *p, const int n, vf *low, vf *high)
{
    for (int i = 0; i < n; i++) {
        low[i] = (float)(((p[i] & 15) ^ 8) - 8);
        high[i] = (float)((p[i] >> 4 ^ 8) - 8);
    }
}

typedef int32_t v_bsum;
typedef struct v_word {
    int8_t byte[4];
} v_bweights, v_binputs;

V_FN v_bsum v_bytes_zero(void)
{
    return 0;
}

V_FN v_bweights v_bytes_weights(const uint8_t *p, const int n)
{
    v_bweights w;
    (void)n;
    __builtin_memcpy(&w, p, sizeof w);
    return w;
}

V_FN v_binputs v_bytes_inputs(const float *p)
{
    v_binputs x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

V_FN v_bsum v_bytes_dot(v_bweights w, v_binputs x, v_bsum sum)
{
    return sum + w.byte[0] * x.byte[0] + w.byte[1] * x.byte[1] +
           w.byte[2] * x.byte[2] + w.byte[3] * x.byte[3];
}

V_FN vf v_bytes_sums(v_bsum sum)
{
    return (float)sum;
}

V_FN void v_store_bytes(uint8_t *p, vf x)
{
    *p = (uint8_t)v_bits(x);
}

#include "vec_common.h"
