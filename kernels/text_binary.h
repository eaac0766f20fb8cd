/* text_binary.h - y = f(a, b) and y = x*scale + shift, over the vector layer.
 */

static __attribute__((noinline)) float binary_lane(mli_binary f, float a,
                                                   float b)
{
    switch (f) {
    case MLI_MOD:
        return rest_of(a, b, 1);
    case MLI_FMOD:
        return rest_of(a, b, 0);
    case MLI_TRUNC_DIV:
        return whole_quotient(a, b);
    case MLI_BIT_AND:
        return (float)(to_int(a) & to_int(b));
    case MLI_BIT_OR:
        return (float)(to_int(a) | to_int(b));
    case MLI_BIT_XOR:
        return (float)(to_int(a) ^ to_int(b));
    default:
        return pow_one(a, b); /* MLI_POW */
    }
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
    case MLI_SUB:
        return v_sub(a, b);
    case MLI_MUL:
        return v_mul(a, b);
    case MLI_DIV:
        return v_div_any(a, b);
    case MLI_MIN:
        return v_min_both(a, b);
    case MLI_MAX:
        return v_max_both(a, b);
    case MLI_POW:
        return lane_by_lane(f, a, b);
    case MLI_PRELU:
        return v_select(v_lt(a, K(0.0f)), v_mul(a, b), a);
    case MLI_LESS:
        return truth(v_lt(a, b));
    case MLI_LESS_EQUAL:
        return truth(v_le(a, b));
    case MLI_EQUAL:
        return v_select(v_le(a, b), truth(v_le(b, a)), K(0.0f));
    case MLI_AND:
        return v_mul(is_true(a), is_true(b));
    case MLI_OR:
        return v_max(is_true(a), is_true(b));
    case MLI_XOR:
        return v_abs(v_sub(is_true(a), is_true(b)));
    case MLI_MOD:
    case MLI_FMOD:
    case MLI_TRUNC_DIV:
    case MLI_BIT_AND:
    case MLI_BIT_OR:
    case MLI_BIT_XOR:
        return lane_by_lane(f, a, b);
    default:
        return v_add(a, b); /* MLI_ADD */
    }
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
    case f:                                                                    \
        binary_run(f, a, a_step, b, b_step, y, first, last);                   \
        break;

static void binary(mli_binary f, const float *a, size_t a_step, const float *b,
                   size_t b_step, float *y, size_t first, size_t last)
{
    switch (f) {
        BINARY_CASE(MLI_ADD)
        BINARY_CASE(MLI_SUB)
        BINARY_CASE(MLI_MUL)
        BINARY_CASE(MLI_DIV)
        BINARY_CASE(MLI_MIN)
        BINARY_CASE(MLI_MAX)
        BINARY_CASE(MLI_POW)
        BINARY_CASE(MLI_PRELU)
        BINARY_CASE(MLI_LESS)
        BINARY_CASE(MLI_LESS_EQUAL)
        BINARY_CASE(MLI_EQUAL)
        BINARY_CASE(MLI_AND)
        BINARY_CASE(MLI_OR)
        BINARY_CASE(MLI_XOR)
        BINARY_CASE(MLI_MOD)
        BINARY_CASE(MLI_FMOD)
        BINARY_CASE(MLI_TRUNC_DIV)
        BINARY_CASE(MLI_BIT_AND)
        BINARY_CASE(MLI_BIT_OR)
        BINARY_CASE(MLI_BIT_XOR)
    default:
        break;
    }
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
