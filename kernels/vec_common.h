/*
 * vec_common.h - what the vector layers share, written over their own names.
 */

#ifdef __FAST_MATH__
#error "compile without -ffast-math: rounding and NaN are part of the contract"
#endif

/* The value k in every lane. */
#define K(k) v_set1(k)

#ifndef V_HAS_FMA_AT
V_FN vf v_fma_at(vf a, const float *p, vf c)
{
    return v_fma(a, v_load(p), c);
}
#endif

#ifndef V_HAS_ROUND
/* From 2^23 on every float is whole; below, adding it rounds. */
V_FN vf v_round(vf x)
{
    vf a = v_abs(x);
    vf r = v_sub(v_add(a, K(0x1p23f)), K(0x1p23f));
    return v_select(v_lt(a, K(0x1p23f)), v_xor_sign(r, x), x);
}

V_FN vf v_floor(vf x)
{
    vf r = v_round(x);
    return v_select(v_lt(x, r), v_sub(r, K(1.0f)), r);
}
#endif

#ifndef V_HAS_LOW
/* No row of weights is narrower than these vectors. */
V_FN vf v_load_repeated(const float *p, const int n)
{
    (void)n;
    return v_load(p);
}

V_FN vf v_load_low(const float *p, unsigned n)
{
    (void)n;
    return v_load(p);
}

V_FN void v_store_low(float *p, vf x, unsigned n, unsigned lo, unsigned hi)
{
    (void)n;
    v_store_part(p, x, lo, hi);
}
#endif

#ifndef V_HAS_QUAD
typedef const float *v_quad;

V_FN v_quad v_load_quad(const float *p)
{
    return p;
}

V_FN vf v_fma_quad(vf x, v_quad q, const int lane, vf c)
{
    return v_fma(x, v_set1(q[lane]), c);
}

V_FN vf v_mul_quad(vf x, v_quad q, const int lane)
{
    return v_mul(x, v_set1(q[lane]));
}
#endif

#ifndef V_HAS_FOUR
/* Four vectors, one after another. */
V_FN void v_load_four(const float *p, vf x[4])
{
    x[0] = v_load(p);
    x[1] = v_load(p + V_LANES);
    x[2] = v_load(p + 2 * V_LANES);
    x[3] = v_load(p + 3 * V_LANES);
}

V_FN void v_step_four(const float **p, vf x[4])
{
    v_load_four(*p, x);
    *p += 4 * V_LANES;
}

V_FN vf v_load_step(const float **p, size_t n)
{
    vf x = v_load(*p);
    *p += n;
    return x;
}

V_FN void v_store_step(float **p, size_t n, vf x)
{
    v_store(*p, x);
    *p += n;
}

V_FN v_quad v_step_quad(const float **p, size_t n)
{
    v_quad q = v_load_quad(*p);
    *p += n;
    return q;
}

/* 1, 2 or 4 vectors, one after another. */
V_FN void v_load_run(const float **p, size_t n, vf *x, const int count)
{
    for (int v = 0; v < count; v++)
        x[v] = v_load(*p + v * (int)V_LANES);
    *p += n;
}

/* Four vectors, one after another; then from goes on by m floats, to by n. */
V_FN void v_copy_four(const float **from, size_t m, float **to, size_t n)
{
    vf x[4];
    v_load_run(from, m, x, 4);
    for (int v = 0; v < 4; v++)
        v_store(*to + v * (int)V_LANES, x[v]);
    *to += n;
}
#endif

#if V_LANES <= 4
V_FN void v_store_quads(float *p, vf x, const int n)
{
    (void)n;
    v_store(p, x);
}

/* A vector is one gate of a quad already. */
V_FN void v_turn_4(const vf in[4], vf out[4], const int n)
{
    (void)n;
    out[0] = in[0];
    out[1] = in[1];
    out[2] = in[2];
    out[3] = in[3];
}

V_FN void v_turn_3(const vf in[4], vf out[3], const int n)
{
    (void)n;
    out[0] = in[0];
    out[1] = in[1];
    out[2] = in[2];
}
#endif

V_FN vf v_ceil(vf x)
{
    return v_neg(v_floor(v_neg(x)));
}

/* n <= V_LANES lanes from p[0], p[step], p[2*step]...; 0 in the others. */
V_FN vf v_load_spaced(const float *p, size_t step, unsigned n)
{
    float t[V_LANES];
    for (unsigned l = 0; l < V_LANES; l++)
        t[l] = l < n ? p[l * step] : 0.0f;
    return v_load(t);
}

V_FN void v_store_spaced(float *p, size_t step, vf x, unsigned n)
{
    float t[V_LANES];
    v_store(t, x);
    for (unsigned l = 0; l < n; l++)
        p[l * step] = t[l];
}

/* The larger, the smaller; NaN if either is. */
V_FN vf v_max_both(vf a, vf b)
{
    return v_select(v_nan(b), b, v_max(a, b));
}

V_FN vf v_min_both(vf a, vf b)
{
    return v_select(v_nan(b), b, v_min(a, b));
}

#ifndef V_HAS_DOTS
V_FN v_bsum v_bytes_dots(v_bweights w0, v_binputs x0, v_bweights w1,
                         v_binputs x1, v_bsum sum)
{
    return v_bytes_dot(w1, x1, v_bytes_dot(w0, x0, sum));
}
#endif

#ifndef V_HAS_MORE_BYTES
V_FN void v_store_more_bytes(uint8_t *p, const vf x[4])
{
    for (unsigned i = 0; i < 4; i++)
        v_store_bytes(p + i * V_LANES, x[i]);
}
#endif
