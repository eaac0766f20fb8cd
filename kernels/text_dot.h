/*
 * text_dot.h - convolutions with one output, over the vector layer: with
 * outputs across the lanes only one lane would work.
 */

/* ----------------------------------------- several inputs, one output ---- */

/*
 * From this many products on it pays to lay inputs across the lanes and to add
 * the lanes up in the end.
 */
#define DOT_PRODUCTS V_LANES

/* Is that the form of this convolution? A matter of the shape alone. */
V_FN int is_dot(const mli_conv *a)
{
    return a->out_per_group == 1 && a->in_per_group >= 4 &&
           (uint64_t)a->taps * a->in_per_group >= DOT_PRODUCTS;
}

/* n weights of one output; they lie 4 floats apart. */
V_FN vf dot_weights(const float *w, unsigned n)
{
    return n == V_LANES ? v_load_fourths(w) : v_load_spaced(w, 4, n);
}

/*
 * Lane l of a frame's accumulator takes inputs l, l + V_LANES ... of every tap;
 * the lanes are added as a tree, then the bias.
 */
V_HOT void dot_tile(const mli_conv *a, uint32_t g, uint32_t f, const int tile)
{
    const uint32_t inputs = a->in_per_group;
    const size_t step = frame_step(a);
    const float *w = a->w + (size_t)g * 4 * a->taps * inputs;
    tap_walk walk = first_tap(a, a->x + f * step + (size_t)g * inputs);
    vf sum[8];
    UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] = K(0.0f);
    for (uint32_t k = 0; k < a->taps; k++) {
        const float *x = next_tap(&walk);
        uint32_t i = 0;
        for (; i + V_LANES <= inputs; i += V_LANES, w += 4 * V_LANES) {
            vf row = dot_weights(w, V_LANES);
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t] = v_fma(v_load(x + (size_t)t * step + i), row, sum[t]);
        }
        if (i < inputs) {
            unsigned n = inputs - i;
            vf row = dot_weights(w, n);
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t] = v_fma(v_load_part(x + (size_t)t * step + i, 0, n), row,
                               sum[t]);
            w += (size_t)n * 4;
        }
    }
    const float b = a->b ? a->b[g] : 0.0f;
    UNROLL
    for (int t = 0; t < tile; t++)
        a->y[(f + (uint32_t)t) * (size_t)a->y_stride + g] = b + v_sum(sum[t]);
}

static void dot_group(const mli_conv *a, uint32_t g)
{
    uint32_t f = 0;
    for (; f + 8 <= a->frames; f += 8)
        dot_tile(a, g, f, 8);
    for (; f < a->frames; f++)
        dot_tile(a, g, f, 1);
}

/* ---------------------------------------------- one input, one output ---- */

/* From this many taps on a filter is done with frames across the lanes. */
#define FIR_TAPS 16u

/*
 * Accumulators of one output: tap k goes to number k mod FIR_CHAINS, so that a
 * single frame does not wait for each sum.
 */
#define FIR_CHAINS 4

/* The next taps, one for each accumulator; seldom is the end of a ring near. */
V_FN void next_taps(tap_walk *t, const float **x)
{
    if (t->limit - t->at > FIR_CHAINS * t->jump) {
        for (int c = 0; c < FIR_CHAINS; c++)
            x[c] = t->x + t->at + (size_t)c * t->jump;
        t->at += FIR_CHAINS * t->jump;
    } else {
        for (int c = 0; c < FIR_CHAINS; c++)
            x[c] = next_tap(t);
    }
}

/* n frames: all lanes, or one in every lane, or some. */
V_FN vf fir_load(const float *x, size_t step, unsigned n)
{
    if (n == 1)
        return v_set1(*x);
    if (step != 1)
        return v_load_spaced(x, step, n);
    return n == V_LANES ? v_load(x) : v_load_part(x, 0, n);
}

/* `count` vectors of n frames each; count > 1 only with n = V_LANES. */
V_FN void fir_tile(const mli_conv *a, uint32_t g, uint32_t f, unsigned n,
                   size_t step, const int count)
{
    const float *w = a->w + (size_t)g * 4 * a->taps;
    tap_walk walk = first_tap(a, a->x + f * step + g);
    vf sum[FIR_CHAINS][V_FIR];
    UNROLL
    for (int c = 0; c < FIR_CHAINS; c++)
        UNROLL
    for (int v = 0; v < count; v++)
        sum[c][v] = v_set1(c || !a->b ? 0.0f : a->b[g]);
    for (uint32_t k = 0; k < a->taps; k += FIR_CHAINS, w += 4 * FIR_CHAINS) {
        const uint32_t left = a->taps - k;
        const float *x[FIR_CHAINS];
        next_taps(&walk, x);
        UNROLL
        for (int c = 0; c < FIR_CHAINS; c++) {
            if ((uint32_t)c < left) { /* no break: it could not be unrolled */
                vf tap = v_set1(w[c * 4]);
                UNROLL
                for (int v = 0; v < count; v++)
                    sum[c][v] = v_fma(
                        fir_load(x[c] + (size_t)v * V_LANES * step, step, n),
                        tap, sum[c][v]);
            }
        }
    }
    float *y = a->y + (size_t)f * a->y_stride + g;
    UNROLL
    for (int v = 0; v < count; v++) {
        vf all =
            v_add(v_add(sum[0][v], sum[2][v]), v_add(sum[1][v], sum[3][v]));
        v_store_spaced(y + (size_t)v * V_LANES * a->y_stride, a->y_stride, all,
                       n);
    }
}

V_FN void fir_frames(const mli_conv *a, uint32_t g, size_t step)
{
    uint32_t f = 0;
    for (; f + V_FIR * V_LANES <= a->frames; f += V_FIR * V_LANES)
        fir_tile(a, g, f, V_LANES, step, V_FIR);
    for (; f + V_LANES <= a->frames; f += V_LANES)
        fir_tile(a, g, f, V_LANES, step, 1);
    if (V_LANES > 4 && f + 4 <= a->frames) {
        fir_tile(a, g, f, a->frames - f, step, 1);
        f = a->frames;
    }
    for (; f < a->frames; f++)
        fir_tile(a, g, f, 1, step, 1);
}

static void fir_group(const mli_conv *a, uint32_t g)
{
    if (frame_step(a) == 1)
        fir_frames(a, g, 1);
    else
        fir_frames(a, g, frame_step(a));
}
