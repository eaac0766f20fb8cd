/*
 * text_dot.h - convolutions with one output, over the vector layer: with
 * outputs across the lanes only one lane would work.
 */

/* Taps from which on a filter from 1 channel to 1 is done by fir_group. */
#define FIR_TAPS 16u

/* Accumulators of one output of a filter; they hide the add's latency. */
#define FIR_CHAINS 4

/* ------------------------------------------- several inputs, one output ----
 */

/* Lanes 0 to n-1 of input i, tap k of a matrix with one output. */
V_FN vf dot_weights(const float *w, unsigned n)
{
    return v_load_spaced(w, 4, n);
}

/*
 * Inputs lie across the lanes: lane l of a frame's accumulator takes inputs l,
 * l + V_LANES ... of every tap; the lanes are added as a tree, then the bias.
 */
V_FN void dot_tile(const mli_conv *a, uint32_t g, uint32_t f, const int tile)
{
    const uint32_t inputs = a->in_per_group;
    const size_t step = frame_step(a);
    const float *w = a->w + (size_t)g * 4 * a->taps * inputs;
    vf sum[8];
    UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] = K(0.0f);
    for (uint32_t k = 0; k < a->taps; k++) {
        const float *x = a->x + tap_frame(a, k) * a->x_stride + f * step +
                         (size_t)g * inputs;
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

/* ------------------------------------------------ one input, one output ----
 */

/*
 * Frames lie across the lanes. Tap k goes to accumulator k mod FIR_CHAINS;
 * taps that are missing in the last round count as 0 * 0.
 */
V_FN vf fir_load(const float *x, size_t step, unsigned n)
{
    if (step != 1)
        return v_load_spaced(x, step, n);
    return n == V_LANES ? v_load(x) : v_load_part(x, 0, n);
}

V_FN void fir_vectors(const mli_conv *a, uint32_t g, uint32_t f, unsigned n,
                      size_t step, const int count)
{
    const float *w = a->w + (size_t)g * 4 * a->taps;
    const float *x = a->x + f * step + g;
    const float b = a->b ? a->b[g] : 0.0f;
    vf sum[FIR_CHAINS][2];
    UNROLL
    for (int c = 0; c < FIR_CHAINS; c++)
        UNROLL
    for (int v = 0; v < count; v++)
        sum[c][v] = v_set1(c ? 0.0f : b);
    for (uint32_t k = 0; k < a->taps; k += FIR_CHAINS, w += 4 * FIR_CHAINS) {
        UNROLL
        for (int c = 0; c < FIR_CHAINS; c++) {
            uint32_t tap = k + (uint32_t)c;
            int there = tap < a->taps;
            vf row = v_set1(there ? w[c * 4] : 0.0f);
            const float *at = x + tap_frame(a, there ? tap : k) * a->x_stride;
            UNROLL
            for (int v = 0; v < count; v++) {
                vf in = fir_load(at + (size_t)v * V_LANES * step, step, n);
                in = there ? in : K(0.0f);
                sum[c][v] = v_fma(in, row, sum[c][v]);
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
    for (; f + 2 * V_LANES <= a->frames; f += 2 * V_LANES)
        fir_vectors(a, g, f, V_LANES, step, 2);
    for (; f + V_LANES <= a->frames; f += V_LANES)
        fir_vectors(a, g, f, V_LANES, step, 1);
    if (f < a->frames)
        fir_vectors(a, g, f, a->frames - f, step, 1);
}

static void fir_group(const mli_conv *a, uint32_t g)
{
    if (frame_step(a) == 1)
        fir_frames(a, g, 1);
    else
        fir_frames(a, g, frame_step(a));
}
