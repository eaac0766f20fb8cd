/* text_binary.h - y = f(a, b) and y = x*scale + shift, over the vector layer.
 */

static __attribute__((noinline)) float binary_lane(mli_binary f, float a,
                                                   float b)
{
    switch (f) {
        WHEN(MOD, rest_of(a, b, 1))
        WHEN(FMOD, rest_of(a, b, 0))
        WHEN(TRUNC_DIV, whole_quotient(a, b))
        WHEN(BIT_AND, (float)(to_int(a) & to_int(b)))
        WHEN(BIT_OR, (float)(to_int(a) | to_int(b)))
        WHEN(BIT_XOR, (float)(to_int(a) ^ to_int(b)))
        WHEN(POW, pow_one(a, b))
    default:
        break;
    }
    return a;
}

V_FN vf lane_by_lane(mli_binary f, vf a, vf b)
{
    float s[V_LANES], t[V_LANES];
    v_store(s, a);
    v_store(t, b);
    for (unsigned l = 0; l < V_LANES; l++)
        s[l] = binary_lane(f, s[l], t[l]);
    return v_load(s);
}

V_FN vf binary_one(mli_binary f, vf a, vf b)
{
    switch (f) {
        WHEN(SUB, v_sub(a, b))
        WHEN(MUL, v_mul(a, b))
        WHEN(DIV, v_div_any(a, b))
        WHEN(MIN, v_min_both(a, b))
        WHEN(MAX, v_max_both(a, b))
        WHEN(POW, lane_by_lane(f, a, b))
        WHEN(PRELU, v_select(v_lt(a, K(0.0f)), v_mul(a, b), a))
        WHEN(LESS, truth(v_lt(a, b)))
        WHEN(LESS_EQUAL, truth(v_le(a, b)))
        WHEN(EQUAL, v_select(v_le(a, b), truth(v_le(b, a)), K(0.0f)))
        WHEN(AND, v_mul(is_true(a), is_true(b)))
        WHEN(OR, v_max(is_true(a), is_true(b)))
        WHEN(XOR, v_abs(v_sub(is_true(a), is_true(b))))
        WHEN(MOD, lane_by_lane(f, a, b))
        WHEN(FMOD, lane_by_lane(f, a, b))
        WHEN(TRUNC_DIV, lane_by_lane(f, a, b))
        WHEN(BIT_AND, lane_by_lane(f, a, b))
        WHEN(BIT_OR, lane_by_lane(f, a, b))
        WHEN(BIT_XOR, lane_by_lane(f, a, b))
    default: /* MLI_ADD */
        break;
    }
    return v_add(a, b);
}

/* Lanes 0 to n-1 of an operand that steps by 0 or 1. */
V_FN vf operand(const float *p, size_t step, size_t i, unsigned n)
{
    if (!step)
        return v_set1(*p);
    return n == V_LANES ? v_load(p + i) : v_load_part(p + i, 0, n);
}

V_FN void binary_run(mli_binary f, const float *a, size_t a_step,
                     const float *b, size_t b_step, float *y, size_t first,
                     size_t last)
{
    size_t i = first;
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i, binary_one(f, operand(a, a_step, i, V_LANES),
                                  operand(b, b_step, i, V_LANES)));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        v_store_part(
            y + i,
            binary_one(f, operand(a, a_step, i, n), operand(b, b_step, i, n)),
            0, n);
    }
}

#define BINARY_CASE(f)                                                         \
    case MLI_##f:                                                              \
        if (MLI_HAS(f))                                                        \
            binary_run(MLI_##f, a, a_step, b, b_step, y, first, last);         \
        break;

static void binary(mli_binary f, const float *a, size_t a_step, const float *b,
                   size_t b_step, float *y, size_t first, size_t last)
{
#ifdef MLI_SMALL
    binary_run(f, a, a_step, b, b_step, y, first, last); /* one loop for all */
#else
    switch (f) {
        MLI_ARITHMETIC(BINARY_CASE)
    default:
        break;
    }
#endif
}

static void affine(const float *x, const float *scale, size_t scale_step,
                   const float *shift, size_t shift_step, float *y,
                   size_t first, size_t last)
{
    size_t i = first;
    for (; i + V_LANES <= last; i += V_LANES)
        v_store(y + i,
                v_fma(v_load(x + i), operand(scale, scale_step, i, V_LANES),
                      operand(shift, shift_step, i, V_LANES)));
    if (i < last) {
        unsigned n = (unsigned)(last - i);
        v_store_part(y + i,
                     v_fma(v_load_part(x + i, 0, n),
                           operand(scale, scale_step, i, n),
                           operand(shift, shift_step, i, n)),
                     0, n);
    }
}
