/* text_rows.h - softmax, normalisation, reductions, over the vector layer. */

/* How the values of a row are combined. */
typedef enum row_fold {
    FOLD_SUM,
    FOLD_ABS,
    FOLD_SQUARE,
    FOLD_EXP,       /* e^(x - k) */
    FOLD_DEVIATION, /* (x - k)^2 */
    FOLD_MAX,
    FOLD_MIN,
    FOLD_PROD
} row_fold;

/* What changes nothing: the value of lanes that no element reaches. */
V_FN vf fold_nothing(row_fold f)
{
    if (f == FOLD_MAX)
        return K(-__builtin_inff());
    if (f == FOLD_MIN)
        return K(__builtin_inff());
    return f == FOLD_PROD ? K(1.0f) : K(0.0f);
}

V_FN vf fold_combine(row_fold f, vf a, vf b)
{
    if (f == FOLD_MAX)
        return v_max_both(a, b);
    if (f == FOLD_MIN)
        return v_min_both(a, b);
    return f == FOLD_PROD ? v_mul(a, b) : v_add(a, b);
}

V_FN vf fold_step(row_fold f, vf sum, vf x, vf k)
{
    if (f == FOLD_ABS)
        return v_add(sum, v_abs(x));
    if (f == FOLD_SQUARE)
        return v_fma(x, x, sum);
    if (f == FOLD_EXP)
        return v_add(sum, math_exp(v_sub(x, k)));
    if (f == FOLD_DEVIATION) {
        vf d = v_sub(x, k);
        return v_fma(d, d, sum);
    }
    return fold_combine(f, sum, x);
}

/* The lanes of a vector combined as a tree. */
V_FN float fold_lanes(row_fold f, vf x)
{
    float t[V_LANES];
    for (unsigned n = V_LANES / 2; n; n /= 2) {
        float u[V_LANES];
        v_store(t, x);
        for (unsigned l = 0; l < V_LANES; l++)
            u[l] = t[(l + n) % V_LANES];
        x = fold_combine(f, x, v_load(u));
    }
    v_store(t, x);
    return t[0];
}

/*
 * Element i is combined into lane i mod V_LANES, so the order depends on the
 * size of the row alone.
 */
V_FN float fold_row(row_fold f, const float *x, size_t size, float k)
{
    const vf vk = v_set1(k);
    vf sum = fold_nothing(f);
    size_t i = 0;
    for (; i + V_LANES <= size; i += V_LANES)
        sum = fold_step(f, sum, v_load(x + i), vk);
    if (i < size) {
        float t[V_LANES];
        unsigned n = (unsigned)(size - i);
        v_store(t, fold_step(f, sum, v_load_part(x + i, 0, n), vk));
        v_store_part(t, sum, n, V_LANES);
        sum = v_load(t);
    }
    return fold_lanes(f, sum);
}

V_FN float scalar_log(float x)
{
    float t[V_LANES];
    v_store(t, math_log(v_set1(x)));
    return t[0];
}

V_FN float scalar_sqrt(float x)
{
    float t[V_LANES];
    v_store(t, v_sqrt(v_set1(x)));
    return t[0];
}

V_FN float scalar_div(float a, float b)
{
    float t[V_LANES];
    v_store(t, v_div_any(v_set1(a), v_set1(b)));
    return t[0];
}

/* y = e^(x-k) * scale, or x - k - shift */
V_FN vf softmax_one(vf x, vf k, vf scale, vf shift, int log)
{
    vf d = v_sub(x, k);
    return log ? v_sub(d, shift) : v_mul(math_exp(d), scale);
}

static void softmax(const float *x, float *y, size_t size, int log,
                    size_t first, size_t last)
{
    for (size_t r = first; r < last; r++) {
        const float *from = x + r * size;
        float *to = y + r * size;
        float top = fold_row(FOLD_MAX, from, size, 0.0f);
        float sum = fold_row(FOLD_EXP, from, size, top);
        vf k = v_set1(top);
        vf scale = v_set1(scalar_div(1.0f, sum));
        vf shift = v_set1(log ? scalar_log(sum) : 0.0f);
        size_t i = 0;
        for (; i + V_LANES <= size; i += V_LANES)
            v_store(to + i,
                    softmax_one(v_load(from + i), k, scale, shift, log));
        if (i < size) {
            unsigned n = (unsigned)(size - i);
            vf v = v_load_part(from + i, 0, n);
            v_store_part(to + i, softmax_one(v, k, scale, shift, log), 0, n);
        }
    }
}

/* One vector of a normalised row; n lanes of it count. */
V_FN vf normalize_one(const float *x, const float *scale, const float *shift,
                      vf mean, vf gain, unsigned n)
{
    vf v = v_mul(v_sub(operand(x, 1, 0, n), mean), gain);
    if (scale)
        v = v_mul(v, operand(scale, 1, 0, n));
    return shift ? v_add(v, operand(shift, 1, 0, n)) : v;
}

static void normalize(const float *x, const float *scale, const float *shift,
                      float eps, int rms, float *y, size_t size, size_t first,
                      size_t last)
{
    const float count = (float)size;
    for (size_t r = first; r < last; r++) {
        const float *from = x + r * size;
        float mean = 0.0f;
        if (!rms)
            mean = scalar_div(fold_row(FOLD_SUM, from, size, 0.0f), count);
        float square = fold_row(FOLD_DEVIATION, from, size, mean);
        square = scalar_div(square, count) + eps;
        vf gain = v_set1(scalar_div(1.0f, scalar_sqrt(square)));
        for (size_t i = 0; i < size; i += V_LANES) {
            unsigned n =
                size - i < V_LANES ? (unsigned)(size - i) : (unsigned)V_LANES;
            vf v =
                normalize_one(from + i, scale ? scale + i : NULL,
                              shift ? shift + i : NULL, v_set1(mean), gain, n);
            if (n == V_LANES)
                v_store(y + r * size + i, v);
            else
                v_store_part(y + r * size + i, v, 0, n);
        }
    }
}

/* log of the sum of e^x; the largest is taken out unless it is infinite. */
V_FN float log_sum_exp(const float *x, size_t size)
{
    float top = fold_row(FOLD_MAX, x, size, 0.0f);
    if (top - top != 0.0f)
        return top;
    return top + scalar_log(fold_row(FOLD_EXP, x, size, top));
}

V_FN float reduce_one(mli_reduce f, const float *x, size_t size)
{
    switch (f) {
    case MLI_REDUCE_MEAN:
        return scalar_div(fold_row(FOLD_SUM, x, size, 0.0f), (float)size);
    case MLI_REDUCE_MAX:
        return fold_row(FOLD_MAX, x, size, 0.0f);
    case MLI_REDUCE_MIN:
        return fold_row(FOLD_MIN, x, size, 0.0f);
    case MLI_REDUCE_PROD:
        return fold_row(FOLD_PROD, x, size, 0.0f);
    case MLI_REDUCE_L1:
        return fold_row(FOLD_ABS, x, size, 0.0f);
    case MLI_REDUCE_L2:
        return scalar_sqrt(fold_row(FOLD_SQUARE, x, size, 0.0f));
    case MLI_REDUCE_SUM_SQUARE:
        return fold_row(FOLD_SQUARE, x, size, 0.0f);
    case MLI_REDUCE_LOG_SUM:
        return scalar_log(fold_row(FOLD_SUM, x, size, 0.0f));
    case MLI_REDUCE_LOG_SUM_EXP:
        return log_sum_exp(x, size);
    default:
        return fold_row(FOLD_SUM, x, size, 0.0f); /* MLI_REDUCE_SUM */
    }
}

#if V_LANES > 1

/* Rows of up to as many are combined with a row in each lane. */
#define SHORT_ROW 8u

/* n rows, a lane each, in the order of the elements. */
V_FN vf fold_rows(row_fold f, const float *x, size_t size, unsigned n)
{
    vf sum = fold_nothing(f);
    for (size_t i = 0; i < size; i++)
        sum = fold_step(f, sum, v_load_spaced(x + i, size, n), K(0.0f));
    return sum;
}

V_FN vf reduce_rows(mli_reduce f, const float *x, size_t size, unsigned n)
{
    switch (f) {
    case MLI_REDUCE_MAX:
        return fold_rows(FOLD_MAX, x, size, n);
    case MLI_REDUCE_MIN:
        return fold_rows(FOLD_MIN, x, size, n);
    case MLI_REDUCE_L2:
        return v_sqrt(fold_rows(FOLD_SQUARE, x, size, n));
    case MLI_REDUCE_SUM_SQUARE:
        return fold_rows(FOLD_SQUARE, x, size, n);
    case MLI_REDUCE_MEAN:
        return v_div_any(fold_rows(FOLD_SUM, x, size, n), v_set1((float)size));
    default:
        return fold_rows(FOLD_SUM, x, size, n); /* MLI_REDUCE_SUM */
    }
}

/* A function of the row's size and itself alone, whatever rows are beside. */
V_FN int has_short_rows(mli_reduce f, size_t size)
{
    return size <= SHORT_ROW &&
           (f == MLI_REDUCE_SUM || f == MLI_REDUCE_MEAN ||
            f == MLI_REDUCE_MAX || f == MLI_REDUCE_MIN || f == MLI_REDUCE_L2 ||
            f == MLI_REDUCE_SUM_SQUARE);
}

static void reduce_short(mli_reduce f, const float *x, float *y, size_t size,
                         size_t first, size_t last)
{
    for (; first + V_LANES <= last; first += V_LANES)
        v_store(y + first, reduce_rows(f, x + first * size, size, V_LANES));
    if (first < last) {
        unsigned n = (unsigned)(last - first);
        v_store_part(y + first, reduce_rows(f, x + first * size, size, n), 0,
                     n);
    }
}

#endif

static void reduce(mli_reduce f, const float *x, float *y, size_t size,
                   size_t first, size_t last)
{
#if V_LANES > 1
    if (has_short_rows(f, size)) {
        reduce_short(f, x, y, size, first, last);
        return;
    }
#endif
    for (size_t r = first; r < last; r++)
        y[r] = reduce_one(f, x + r * size, size);
}
