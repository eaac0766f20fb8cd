/*
 * text_bytes.h - layers whose inputs and weights are bytes, over the vector
 * layer: sums are whole numbers, so any order of products gives the same bits.
 *
 * The words that a frame multiplies are first put side by side, if they lie
 * apart: then every layer is a dense one, and words of neighbouring taps can
 * share an instruction.
 */

#define BYTES_FRAMES 16u   /* at a time */
#define BYTES_ROOM   1024u /* words that are put side by side */

/* Outputs that are in hand at once, at most. */
#define BYTES_WIDTH (V_LANES == 1 ? 4 : (int)V_LANES * V_BYTES_VECTORS)

/* Vectors of n outputs. */
#define BYTES_COUNT(n) (((n) + (int)V_LANES - 1) / (int)V_LANES)

/* n outputs of some frames: all are stored, in whole vectors. */
typedef struct bytes_job {
    tap_walk x; /* of frame 0 */
    size_t x_step;
    uint32_t taps;
    uint32_t words; /* of a tap */
    uint32_t frames;
    const uint8_t *w; /* the first word's, at the first output */
    size_t row;       /* bytes from word to word */
    const float *scale;
    const float *b;
    float *y;
    size_t y_step;
    int vnni;  /* where V_HAS_VNNI: the machine has it */
    int fours; /* four words can go together: see mli_conv */
} bytes_job;

typedef v_bsum bytes_sums[V_BYTES_TILE][V_BYTES_VECTORS];

/* Some words of inputs, one or two, of `tile` frames. */
V_FN void bytes_words(const bytes_job *j, const float *x, const uint8_t *w,
                      const int words, bytes_sums sum, const int tile,
                      const int n)
{
    v_binputs in[V_BYTES_TILE][2];
    UNROLL
    for (int t = 0; t < tile; t++) {
        in[t][0] = v_bytes_inputs(x + (size_t)t * j->x_step);
        if (words > 1)
            in[t][1] = v_bytes_inputs(x + (size_t)t * j->x_step + 1);
    }
    UNROLL
    for (int v = 0; v < BYTES_COUNT(n); v++) {
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

V_FN void bytes_store(const bytes_job *j, float *y, const v_bsum *sum,
                      const int count)
{
    UNROLL
    for (int v = 0; v < count; v++) {
        const size_t at = (size_t)v * V_LANES;
        v_store(y + at, v_fma(v_bytes_sums(sum[v]), v_load(j->scale + at),
                              v_load(j->b + at)));
    }
}

/* `tile` frames from frame f on. tile and n are constants. */
V_FN void bytes_tile(const bytes_job *j, uint32_t f, const int tile,
                     const int n)
{
    tap_walk walk = j->x;
    const uint8_t *w = j->w;
    bytes_sums sum;
    walk.x += f * j->x_step;
    UNROLL
    for (int t = 0; t < tile; t++)
        UNROLL
    for (int v = 0; v < BYTES_COUNT(n); v++)
        sum[t][v] = v_bytes_zero();
    for (uint32_t k = 0; k < j->taps; k++) {
        const float *x = next_tap(&walk);
        uint32_t pairs = j->words / 2;
#ifdef V_HAS_BYTE_PAIRS
        if (tile == 2 && n == 8 && pairs != 0) {
            v_byte_pairs(x, x + j->x_step, w, j->row, pairs, sum);
            x += 2 * pairs;
            w += 2 * pairs * j->row;
            pairs = 0;
        }
#endif
        for (; pairs != 0; pairs--) {
            bytes_words(j, x, w, 2, sum, tile, n);
            x += 2;
            w += 2 * j->row;
        }
        if (j->words % 2 != 0) {
            bytes_words(j, x, w, 1, sum, tile, n);
            w += j->row;
        }
    }
    UNROLL
    for (int t = 0; t < tile; t++)
        bytes_store(j, j->y + (f + (uint32_t)t) * j->y_step, sum[t],
                    BYTES_COUNT(n));
}

V_FN void bytes_frames(const bytes_job *j, const int n)
{
    uint32_t f = 0;
    for (; f + V_BYTES_TILE <= j->frames; f += V_BYTES_TILE)
        bytes_tile(j, f, V_BYTES_TILE, n);
    for (; f < j->frames; f++)
        bytes_tile(j, f, 1, n);
}

#define BYTES_FORM(name, n)                                                    \
    static void name(const bytes_job *j)                                       \
    {                                                                          \
        bytes_frames(j, n);                                                    \
    }
#if V_LANES >= 8
BYTES_FORM(bytes_16, 16)
#elif defined(V_HAS_BYTE_FOURS)
#ifndef V_HAS_BYTE_PAIRS
/* n times `count` words, four or two, of some frames by sixteen outputs. */
V_FN void bytes_16_times(const float *x, size_t step, const uint8_t *w,
                         uint32_t n, v_bsum sum[V_FOURS_TILE][4],
                         const int tile, const int count)
{
    for (; n != 0; n--, x += count, w += 4 * (int)MLI_PANEL * count) {
        v_bwords in[V_FOURS_TILE][4];
        UNROLL
        for (int i = 0; i < tile * count; i++)
            in[i / count][i % count] = v_bytes_input(
                x + (size_t)(i / count) * step + (size_t)(i % count));
        UNROLL
        for (int v = 0; v < 4; v++) {
            v_bwords row[4];
            UNROLL
            for (int k = 0; k < count; k++)
                row[k] = v_bytes_row(w + 4 * (int)MLI_PANEL * k + 16 * v);
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t][v] = v_bytes_words_dot(row, in[t], sum[t][v], count);
        }
    }
}
#define v_byte_fours(x, step, w, n, sum, tile)                                 \
    bytes_16_times(x, step, w, n, sum, tile, 4)
#define v_byte_pairs_wide(x, step, w, n, sum, tile)                            \
    bytes_16_times(x, step, w, n, sum, tile, 2)
#define v_bytes_store(y, sum, s, bias)                                         \
    bytes_store(&(const bytes_job){.scale = s, .b = bias}, y, sum, 4)
#endif

/* Words of one tap. */
V_FN void bytes_16_words(const bytes_job *j, const float *x, const uint8_t *w,
                         v_bsum sum[V_FOURS_TILE][4], const int tile)
{
    const uint32_t fours = j->fours ? j->words / 4 : 0;
    const uint32_t pairs = j->words / 2 - 2 * fours;
    if (fours != 0)
        v_byte_fours(x, j->x_step, w, fours, sum, tile);
    x += 4 * fours;
    w += 4 * fours * j->row;
    if (pairs != 0)
        v_byte_pairs_wide(x, j->x_step, w, pairs, sum, tile);
    x += 2 * pairs;
    w += 2 * pairs * j->row;
    if (j->words % 2 == 0)
        return;
    UNROLL
    for (int t = 0; t < tile; t++) {
        const v_binputs in = v_bytes_inputs(x + (size_t)t * j->x_step);
        UNROLL
        for (int v = 0; v < 4; v++)
            sum[t][v] =
                v_bytes_dot(v_bytes_weights(w + 16 * v, 4), in, sum[t][v]);
    }
}

V_FN void bytes_16_tile(const bytes_job *j, uint32_t f, const int tile)
{
    tap_walk walk = j->x;
    const uint8_t *w = j->w;
    v_bsum sum[V_FOURS_TILE][4];
    walk.x += f * j->x_step;
    UNROLL
    for (int i = 0; i < 4 * tile; i++)
        sum[i / 4][i % 4] = v_bytes_zero();
    for (uint32_t k = 0; k < j->taps; k++, w += j->words * j->row)
        bytes_16_words(j, next_tap(&walk), w, sum, tile);
    UNROLL
    for (int t = 0; t < tile; t++)
        v_bytes_store(j->y + (f + (uint32_t)t) * j->y_step, sum[t], j->scale,
                      j->b);
}

/* Few frames: sixteen outputs keep the sums apart as long as it takes. */
static void bytes_16(const bytes_job *job)
{
    const bytes_job own = *job, *j = &own; /* else from memory, each time */
    uint32_t f = 0;
    for (; V_FOURS_TILE > 1 && f + V_FOURS_TILE <= j->frames; f += V_FOURS_TILE)
        bytes_16_tile(j, f, V_FOURS_TILE);
    for (; f < j->frames; f++)
        bytes_16_tile(j, f, 1);
}
#endif
#if V_LANES * V_BYTES_VECTORS >= 8
BYTES_FORM(bytes_8, 8)
#endif
BYTES_FORM(bytes_4, 4)

#ifdef V_HAS_VNNI
#define VNNI_TILE   8
#define VNNI_CHAINS 4 /* of a single frame */

/*
 * As bytes_tile, by an instruction whose first bytes have no sign: these are
 * the inputs plus 128, and what that adds is summed beside.
 */
V_FN void vnni_tile(const bytes_job *j, uint32_t f, const int tile, const int n)
{
    const int chains = tile == 1 ? VNNI_CHAINS : 1;
    const v_bsum off = v_bytes_128();
    tap_walk walk = j->x;
    const uint8_t *w = j->w;
    v_bsum sum[VNNI_TILE], more[VNNI_CHAINS];
    walk.x += f * j->x_step;
    UNROLL
    for (int t = 0; t < VNNI_TILE; t++)
        sum[t] = v_bytes_zero();
    UNROLL
    for (int c = 0; c < VNNI_CHAINS; c++)
        more[c] = v_bytes_zero();
    for (uint32_t k = 0; k < j->taps; k++) {
        const float *x = next_tap(&walk);
        uint32_t i = 0;
        for (; i + (uint32_t)chains <= j->words; i += (uint32_t)chains)
            UNROLL
        for (int c = 0; c < chains; c++, w += j->row, x++) {
            const v_bsum row = v_bytes_words(w, n);
            more[c] = v_vnni(off, row, more[c]);
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t + c] = v_vnni(v_bytes_plus_128(x + (size_t)t * j->x_step),
                                    row, sum[t + c]);
        }
        for (; i < j->words; i++, w += j->row, x++) {
            const v_bsum row = v_bytes_words(w, n);
            more[0] = v_vnni(off, row, more[0]);
            UNROLL
            for (int t = 0; t < tile; t++)
                sum[t] = v_vnni(v_bytes_plus_128(x + (size_t)t * j->x_step),
                                row, sum[t]);
        }
    }
    UNROLL
    for (int c = 1; c < chains; c++) {
        sum[0] = v_bytes_add(sum[0], sum[c]);
        more[0] = v_bytes_add(more[0], more[c]);
    }
    UNROLL
    for (int t = 0; t < tile; t++) {
        const v_bsum whole = v_bytes_less(sum[t], more[0]);
        bytes_store(j, j->y + (f + (uint32_t)t) * j->y_step, &whole, 1);
    }
}

V_FN void vnni_frames(const bytes_job *j, const int n)
{
    uint32_t f = 0;
    for (; f + VNNI_TILE <= j->frames; f += VNNI_TILE)
        vnni_tile(j, f, VNNI_TILE, n);
    for (; f < j->frames; f++)
        vnni_tile(j, f, 1, n);
}

static void vnni_run(const bytes_job *j, uint32_t n)
{
    if (n == 16)
        vnni_frames(j, 16);
    else if (n == 8)
        vnni_frames(j, 8);
    else
        vnni_frames(j, 4);
}
#endif

static void bytes_run(const bytes_job *j, uint32_t n)
{
#ifdef V_HAS_VNNI
    if (j->vnni) {
        vnni_run(j, n);
        return;
    }
#endif
#if V_LANES >= 8 || defined(V_HAS_BYTE_FOURS)
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
static uint32_t bytes_width(uint32_t left, const bytes_job *j)
{
#if defined(V_HAS_BYTE_PAIRS)
    if (left == 16 && (j->frames == 1 || j->fours))
        return 16;
#elif defined(V_HAS_BYTE_FOURS)
    if (left == 16 && j->fours)
        return 16;
#else
    (void)j;
#endif
    if (left >= (uint32_t)BYTES_WIDTH)
        return (uint32_t)BYTES_WIDTH;
    return left >= 8 && BYTES_WIDTH >= 8 ? 8 : 4;
}

/* Outputs [lo, hi) of n, which are not all wanted or not whole vectors. */
static void bytes_some(const bytes_job *job, uint32_t n, uint32_t lo,
                       uint32_t hi)
{
    bytes_job j = *job;
    float y[BYTES_FRAMES * MLI_PANEL], scale[MLI_PANEL], b[MLI_PANEL];
    float *to = j.y;
    const size_t y_step = j.y_step;
    for (uint32_t o = 0; o < MLI_PANEL; o++) {
        scale[o] = o < n ? j.scale[o] : 0.0f;
        b[o] = j.b != NULL && o >= lo && o < hi ? j.b[o] : 0.0f;
    }
    j.scale = scale;
    j.b = b;
    j.y = y;
    j.y_step = MLI_PANEL;
    bytes_run(&j, n);
    for (uint32_t f = 0; f < j.frames; f++)
        for (uint32_t o = lo; o < hi; o++)
            to[f * y_step + o] = y[f * MLI_PANEL + o];
}

/* Outputs [first, last) of one group for the frames of `frames`. */
static void bytes_outputs(const mli_conv *a, uint32_t g, uint32_t first,
                          uint32_t last, const bytes_job *frames)
{
    const uint32_t quads = (a->out_per_group + 3) / 4 * 4;
    const size_t products = (size_t)a->taps * a->in_per_group * 4;
    bytes_job j = *frames;
    for (uint32_t o = first / 4 * 4, n; o < last; o += n) {
        const uint32_t base = o / MLI_PANEL * MLI_PANEL;
        const uint32_t held =
            quads - base < MLI_PANEL ? quads - base : MLI_PANEL;
        const size_t at = (size_t)g * a->out_per_group + o;
        n = bytes_width(held - (o - base), &j);
        j.row = (size_t)held * 4;
        j.w = (const uint8_t *)(const void *)a->w +
              ((size_t)g * quads + base) * products + (o - base) * 4;
        j.scale = a->scale + (size_t)g * quads + o;
        j.b = a->b ? a->b + at : NULL;
        j.y = frames->y + at;
        const uint32_t lo = first > o ? first - o : 0;
        const uint32_t hi = last - o < n ? last - o : n;
        if (lo != 0 || hi != n || j.b == NULL || n % V_LANES != 0)
            bytes_some(&j, n, lo, hi);
        else
            bytes_run(&j, n);
    }
}

V_FN void bytes_copy(const float *x, size_t step, float *to, size_t to_step,
                     uint32_t frames, const size_t words)
{
    for (; frames != 0; frames--, x += step, to += to_step)
        __builtin_memcpy(to, x, words * sizeof(float));
}

/* The words of all taps, frame by frame. x: frame 0 if tap 0 read frame 0. */
static void bytes_gather(const mli_conv *a, const float *x, uint32_t frames,
                         float *to)
{
    const size_t words = a->in_per_group, step = frame_step(a);
    const size_t all = words * a->taps;
    tap_walk walk = first_tap(a, x);
    for (uint32_t k = 0; k < a->taps; k++, to += words) {
        const float *from = next_tap(&walk);
        if (words == 2)
            bytes_copy(from, step, to, all, frames, 2);
        else if (words % 4 == 0)
            for (size_t i = 0; i < words; i += 4)
                bytes_copy(from + i, step, to + i, all, frames, 4);
        else
            for (uint32_t f = 0; f < frames; f++)
                for (size_t i = 0; i < words; i++)
                    to[f * all + i] = from[f * step + i];
    }
}

/* So many frames from frame f on; room: for BYTES_ROOM words. */
static void bytes_begin(const mli_conv *a, uint32_t g, uint32_t f, float *room,
                        bytes_job *j)
{
    const float *x = a->x + (size_t)g * a->in_per_group + f * frame_step(a);
    j->y = a->y + (size_t)f * a->y_stride;
    j->x = first_tap(a, x);
    j->x_step = frame_step(a);
    j->taps = a->taps;
    j->words = a->in_per_group;
    if (room == NULL)
        return;
    bytes_gather(a, x, j->frames, room);
    j->words *= a->taps;
    j->taps = 1;
    j->x_step = j->words;
    j->x = (tap_walk){room, 0, 0, SIZE_MAX, 0};
}

#ifdef V_HAS_BYTE_FOURS
#define FOURS_MOST (32767 / 127)

/* Do sums of four products fit 16 bits, whatever the inputs are, but -128? */
static int bytes_fours(const float *w, uint32_t rows, uint32_t products)
{
    const int8_t *at = (const int8_t *)(const void *)w;
    const size_t row = 4 * MLI_PANEL;
    uint64_t groups = 0;
    for (uint32_t words = products / 4; rows >= MLI_PANEL; rows -= MLI_PANEL) {
        for (uint32_t i = 0; i < words / 4; i++, at += 4 * row)
            for (size_t l = 0; l < row; l++) {
                int sum = 0;
                for (size_t k = 0; k < 4; k++)
                    sum += at[k * row + l] < 0 ? -at[k * row + l]
                                               : at[k * row + l];
                if (sum > FOURS_MOST)
                    return 0;
            }
        at += words % 4 * row;
        groups += words / 4;
    }
    return groups != 0;
}
#endif

/* Outputs [first, last) of one group. */
static void bytes_group(const mli_conv *a, uint32_t g, uint32_t first,
                        uint32_t last, int vnni)
{
    const uint64_t words = (uint64_t)a->taps * a->in_per_group;
    float room[BYTES_ROOM];
    const int apart = a->taps > 1 && words <= BYTES_ROOM / BYTES_FRAMES;
    bytes_job j = {.y_step = a->y_stride, .vnni = vnni};
#ifdef V_HAS_BYTE_FOURS
    j.fours =
        (int)a->fours && (apart || a->taps == 1 || a->in_per_group % 4 == 0);
#endif
    for (uint32_t f = 0; f < a->frames; f += j.frames) {
        j.frames = a->frames - f < BYTES_FRAMES ? a->frames - f : BYTES_FRAMES;
        bytes_begin(a, g, f, apart ? room : NULL, &j);
        bytes_outputs(a, g, first, last, &j);
    }
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
