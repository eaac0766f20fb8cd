/*
 * text_bytes.h - layers whose inputs and weights are bytes, over the vector
 * layer: sums are whole numbers, so any order of products gives the same bits.
 */

/* Outputs that are in hand at once, at most. */
#define BYTES_WIDTH (V_LANES == 1 ? 4 : (int)V_LANES * V_BYTES_VECTORS)

typedef v_bsum bytes_sums[V_BYTES_TILE][V_BYTES_VECTORS];

/* Some words of inputs, one or two, of `tile` frames. */
V_FN void bytes_words(const stored_job *j, const float *x, size_t step,
                      const uint8_t *w, const int words, bytes_sums sum,
                      const int tile, const int n)
{
    v_binputs in[V_BYTES_TILE][2];
    UNROLL
    for (int t = 0; t < tile; t++) {
        in[t][0] = v_bytes_inputs(x + (size_t)t * step);
        if (words > 1)
            in[t][1] = v_bytes_inputs(x + (size_t)t * step + 1);
    }
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++) {
        const uint8_t *at = w + v * 4 * (int)V_LANES;
        const v_bweights one = v_bytes_weights(at, n);
        if (words == 1) {
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t][v] = v_bytes_dot(one, in[t][0], sum[t][v]);
            continue;
        }
        const v_bweights two = v_bytes_weights(at + j->row, n);
        UNROLL
        for (int t = 0; t < tile; t++)
            sum[t][v] = v_bytes_dots(one, in[t][0], two, in[t][1], sum[t][v]);
    }
}

/* A whole vector, as most are: without a look at each end. */
V_FN void bytes_store(const stored_job *j, uint32_t f, const v_bsum *sum,
                      const int n)
{
    float *y = j->y + (size_t)f * j->a->y_stride;
    vf total[V_BYTES_VECTORS];
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++)
        total[v] = v_bytes_sums(sum[v]);
    if (n % (int)V_LANES != 0 || j->b == NULL || j->lo != 0 ||
        j->hi < (unsigned)n) {
        stored_store(j, f, total, n, MLI_BYTES);
        return;
    }
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++) {
        const size_t at = (size_t)v * V_LANES;
        v_store(y + at,
                v_fma(total[v], v_load(j->scale + at), v_load(j->b + at)));
    }
}

/* The pairs of words of one tap. */
V_FN void bytes_pairs(const stored_job *j, const float *x, size_t step,
                      const uint8_t *w, uint32_t pairs, bytes_sums sum,
                      const int tile, const int n)
{
#ifdef V_HAS_BYTE_PAIRS
    if (tile == 2 && n == 8) {
        if (pairs != 0)
            v_byte_pairs(x, x + step, w, w + 16, j->row, pairs, sum);
        return;
    }
#endif
    for (; pairs != 0; pairs--) {
        bytes_words(j, x, step, w, 2, sum, tile, n);
        x += 2;
        w += 2 * j->row;
    }
}

/* `tile` frames from frame f on. tile and n are constants. */
V_FN void bytes_tile(const stored_job *j, uint32_t f, const int tile,
                     const int n)
{
    const size_t step = frame_step(j->a);
    const uint32_t words = j->a->in_per_group;
    tap_walk walk = first_tap(j->a, j->x + f * step);
    const uint8_t *w = j->w;
    bytes_sums sum;
    UNROLL
    for (int t = 0; t < tile; t++)
        UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++)
        sum[t][v] = v_bytes_zero();
    for (uint32_t k = 0; k < j->a->taps; k++) {
        const float *x = next_tap(&walk);
        bytes_pairs(j, x, step, w, words / 2, sum, tile, n);
        w += (size_t)words / 2 * 2 * j->row;
        if (words % 2 != 0) {
            bytes_words(j, x + words - 1, step, w, 1, sum, tile, n);
            w += j->row;
        }
    }
    UNROLL
    for (int t = 0; t < tile; t++)
        bytes_store(j, f + (uint32_t)t, sum[t], n);
}

V_FN void bytes_frames(const stored_job *j, const int n)
{
    uint32_t f = 0;
    for (; f + V_BYTES_TILE <= j->a->frames; f += V_BYTES_TILE)
        bytes_tile(j, f, V_BYTES_TILE, n);
    for (; f < j->a->frames; f++)
        bytes_tile(j, f, 1, n);
}

#define BYTES_FORM(name, n)                                                    \
    static void name(const stored_job *j)                                      \
    {                                                                          \
        bytes_frames(j, n);                                                    \
    }
#if V_LANES >= 8
BYTES_FORM(bytes_16, 16)
#endif
#if V_LANES * V_BYTES_VECTORS >= 8
BYTES_FORM(bytes_8, 8)
#endif
BYTES_FORM(bytes_4, 4)

static void bytes_run(const stored_job *j, uint32_t n)
{
#if V_LANES >= 8
    if (n == 16) {
        bytes_16(j);
        return;
    }
#endif
#if V_LANES * V_BYTES_VECTORS >= 8
    if (n == 8) {
        bytes_8(j);
        return;
    }
#endif
    (void)n;
    bytes_4(j);
}

/* As many outputs as are done at once of so many that are left of a panel. */
static uint32_t bytes_width(uint32_t left)
{
    if (left >= (uint32_t)BYTES_WIDTH)
        return (uint32_t)BYTES_WIDTH;
    return left >= 8 && BYTES_WIDTH >= 8 ? 8 : 4;
}

/* Outputs [first, last) of the panel of group g that begins with output o. */
static void bytes_panel(const mli_conv *a, uint32_t g, uint32_t o,
                        uint32_t first, uint32_t last)
{
    const uint32_t quads = (a->out_per_group + 3) / 4 * 4;
    const uint32_t held = quads - o < MLI_PANEL ? quads - o : MLI_PANEL;
    const size_t products = (size_t)a->taps * a->in_per_group * 4;
    const size_t row = (size_t)g * quads + o;
    stored_job j = {.a = a, .panel = held, .row = (size_t)held * 4};
    for (uint32_t at = 0, n; at < held; at += n) {
        n = bytes_width(held - at);
        if (o + at + n <= first || o + at >= last)
            continue;
        j.x = a->x + (size_t)g * a->in_per_group;
        j.w = (const uint8_t *)(const void *)a->w + row * products +
              (size_t)at * 4;
        j.scale = a->scale + row + at;
        j.b = a->b ? a->b + (size_t)g * a->out_per_group + o + at : NULL;
        j.y = a->y + (size_t)g * a->out_per_group + o + at;
        j.lo = first > o + at ? first - o - at : 0;
        j.hi = last - o - at < n ? last - o - at : n;
        bytes_run(&j, n);
    }
}

/* Outputs [first, last) of one group. */
static void bytes_group(const mli_conv *a, uint32_t g, uint32_t first,
                        uint32_t last)
{
    for (uint32_t o = first / MLI_PANEL * MLI_PANEL; o < last; o += MLI_PANEL)
        bytes_panel(a, g, o, first, last);
}

/* ------------------------------------------------------ floats to bytes -- */

#define BYTES_MOST 127
/* Adding it rounds to whole numbers, which are then the lowest bits. */
#define BYTES_WHOLE 0x1.8p23f

typedef struct to_bytes {
    vf factor, low, high, whole;
} to_bytes;

V_FN to_bytes to_bytes_of(float factor, int32_t zero)
{
    return (to_bytes){K(factor), K((float)(-BYTES_MOST - zero)),
                      K((float)(BYTES_MOST - zero)),
                      K(BYTES_WHOLE + (float)zero)};
}

V_FN vf whole_bytes(vf x, const to_bytes *t)
{
    return v_add(v_min(v_max(v_mul(x, t->factor), t->low), t->high), t->whole);
}

/* n floats, one after another. */
static void quantize_run(float factor, int32_t zero, const float *x, uint8_t *y,
                         size_t n)
{
    const to_bytes t = to_bytes_of(factor, zero);
    uint8_t rest[V_LANES];
    size_t i = 0;
    for (; i + 4 * V_LANES <= n; i += 4 * V_LANES) {
        vf four[4];
        v_load_four(x + i, four);
        UNROLL
        for (int k = 0; k < 4; k++)
            four[k] = whole_bytes(four[k], &t);
        v_store_more_bytes(y + i, four);
    }
    for (; i + V_LANES <= n; i += V_LANES)
        v_store_bytes(y + i, whole_bytes(v_load(x + i), &t));
    if (i == n)
        return;
    v_store_bytes(rest,
                  whole_bytes(v_load_part(x + i, 0, (unsigned)(n - i)), &t));
    for (size_t k = 0; i + k < n; k++)
        y[i + k] = rest[k];
}

static void quantize(float factor, int32_t zero, const float *x, float *y,
                     uint32_t n, size_t first, size_t last)
{
    const uint32_t words = mli_words(n);
    uint8_t *to = (uint8_t *)(y + first * words);
    x += first * n;
    if (n % 4 == 0) {
        quantize_run(factor, zero, x, to, (last - first) * n);
        return;
    }
    for (; first < last; first++, x += n, to += 4 * (size_t)words) {
        quantize_run(factor, zero, x, to, n);
        for (uint32_t i = n; i < 4 * words; i++)
            to[i] = 0;
    }
}
