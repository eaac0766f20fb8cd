/*
 * text_depthwise.h - a convolution of each channel by itself, over the vector
 * layer: channels lie across the lanes of input and output alike.
 */

/*
 * Channels c + lo to c + hi, `tile` frames from f on; `whole` says that these
 * are all the lanes.
 */
V_HOT void depthwise_tile(const mli_conv *a, uint32_t c, unsigned lo,
                          unsigned hi, unsigned held, uint32_t f,
                          const int tile, const int whole)
{
    const size_t step = frame_step(a);
    const uint32_t left = a->groups - c / MLI_PANEL * MLI_PANEL;
    const uint32_t width = left < MLI_PANEL ? (left + 3) / 4 * 4 : MLI_PANEL;
    const float *w = a->w + mli_packed_index(a->groups, a->taps, 1, c, 0, 0);
    vf sum[8];
    vf b = K(0.0f);
    if (a->b)
        b = whole ? v_load(a->b + c) : v_load_part(a->b + c, lo, hi);
    UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] = b;
    tap_walk walk = first_tap(a, a->x + f * step + c);
    for (uint32_t k = 0; k < a->taps; k++, w += width) {
        const float *x = next_tap(&walk);
        vf row = whole ? v_load(w) : v_load_part(w, 0, held);
        UNROLL
        for (int t = 0; t < tile; t++) {
            const float *at = x + (size_t)t * step;
            vf in = whole ? v_load(at) : v_load_part(at, lo, hi);
            sum[t] = v_fma(in, row, sum[t]);
        }
    }
    UNROLL
    for (int t = 0; t < tile; t++) {
        float *y = a->y + (f + (uint32_t)t) * (size_t)a->y_stride + c;
        if (whole)
            v_store(y, sum[t]);
        else
            v_store_part(y, sum[t], lo, hi);
    }
}

V_FN void depthwise_frames(const mli_conv *a, uint32_t c, unsigned lo,
                           unsigned hi, unsigned held, const int whole)
{
    uint32_t f = 0;
    for (; f + 4 <= a->frames; f += 4)
        depthwise_tile(a, c, lo, hi, held, f, 4, whole);
    for (; f < a->frames; f++)
        depthwise_tile(a, c, lo, hi, held, f, 1, whole);
}

static void depthwise(const mli_conv *a, uint32_t first, uint32_t last)
{
    for (uint32_t c = first / V_LANES * V_LANES; c < last; c += V_LANES) {
        unsigned lo = first > c ? first - c : 0;
        unsigned hi = last - c < V_LANES ? last - c : V_LANES;
        uint32_t held = (a->groups - c + 3) / 4 * 4;
        if (V_LANES == 1 || (lo == 0 && hi == V_LANES))
            depthwise_frames(a, c, lo, hi, V_LANES, 1);
        else
            depthwise_frames(a, c, lo, hi, held < V_LANES ? held : V_LANES, 0);
    }
}
