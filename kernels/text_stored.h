/*
 * text_stored.h - convolution and dense layers whose weights are stored in 16,
 * 8 or 4 bits, over the vector layer: the weights become floats in registers,
 * the products are summed before they are scaled.
 *
 * One frame at a time is what this is for: there a layer is as fast as its
 * weights come from memory. A panel of outputs is gone through once, from its
 * first byte to its last.
 *
 * Products are summed in blocks of one tap, then the blocks, in order. So a
 * single frame may have some blocks in hand at once, several frames one each,
 * and the bits are the same.
 */

/*
 * Frames of a tile; blocks in hand at once of a single frame. Where vectors are
 * short a tile of many frames has half a panel in hand.
 */
#ifdef MLI_SMALL
#define STORED_TILE   1
#define STORED_CHAINS 1
#elif V_LANES >= 16u
#define STORED_TILE   8
#define STORED_CHAINS 4
#elif V_LANES == 8u
#define STORED_TILE   4
#define STORED_CHAINS 4
#elif defined(__aarch64__)
#define STORED_TILE   8
#define STORED_CHAINS 4
#else
#define STORED_TILE   4
#define STORED_CHAINS 2
#endif
#define STORED_MOST 8 /* of both */

/* Outputs that are in hand at once, at most, and vectors of them. */
#define STORED_WIDTH   (V_LANES == 1 ? 4 : (int)MLI_PANEL)
#define STORED_VECTORS (STORED_WIDTH / (int)V_LANES)

/* Products of a block: those that share a scale, or a number that keeps sums
   of sums short. */
#define STORED_BLOCK(type)                                                     \
    ((type) == MLI_INT4 ? MLI_INT4_GROUP : (uint32_t)MLI_PANEL)

/* Outputs of one panel that a tile function works on. */
typedef struct stored_job {
    const mli_conv *a;
    const float *x;     /* frame 0 of tap 0's array, at the first input */
    const uint8_t *w;   /* first row, at the first output */
    const float *scale; /* of the first output */
    const float *b;     /* or NULL */
    float *y;           /* frame 0, first output */
    size_t row;         /* bytes from row to row: of one product, or two */
    uint32_t panel;     /* outputs of the panel */
    unsigned lo, hi;    /* outputs to store */
} stored_job;

typedef vf stored_sums[STORED_MOST][STORED_VECTORS];

/* Vectors of n outputs. */
#define STORED_COUNT(n) (((n) + (int)V_LANES - 1) / (int)V_LANES)

/* Rows of one product, or two; n outputs. Constants where this is used. */
V_FN void stored_row(const uint8_t *w, vf row[2][STORED_VECTORS], const int n,
                     const int type)
{
    if (type == MLI_F16)
        v_row_f16(w, n, row[0]);
    else if (type == MLI_INT8)
        v_row_i8(w, n, row[0]);
    else
        v_row_i4(w, n, row[0], row[1]);
}

/* Where row i of a block begins that begins with a row of its own. */
V_FN const uint8_t *stored_at(const stored_job *j, const uint8_t *w, uint32_t i,
                              const int type)
{
    return w + (type == MLI_INT4 ? i / 2 : i) * j->row;
}

/*
 * products of `many` blocks of one frame (frames = 0), or of one block of many
 * frames. Each sum begins with zero.
 */
V_FN void stored_products(const stored_job *j, const float *x, const uint8_t *w,
                          uint32_t products, stored_sums sum, const int many,
                          const int frames, const int n, const int type)
{
    const int count = STORED_COUNT(n), each = type == MLI_INT4 ? 2 : 1;
    const size_t next = frames ? frame_step(j->a) : STORED_BLOCK(type);
    UNROLL
    for (int m = 0; m < many; m++)
        UNROLL
    for (int v = 0; v < count; v++)
        sum[m][v] = K(0.0f);
    for (uint32_t i = 0; i < products; i += (uint32_t)each) {
        vf row[2][STORED_VECTORS];
        UNROLL
        for (int m = 0; m < many; m++) {
            const float *in = x + (size_t)m * next + i;
            if (!frames || m == 0)
                stored_row(
                    stored_at(j, w,
                              (frames ? 0 : (uint32_t)m * STORED_BLOCK(type)) +
                                  i,
                              type),
                    row, n, type);
            vf one = v_set1(in[0]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[m][v] = v_fma(one, row[0][v], sum[m][v]);
            if (each == 1 || i + 1 == products)
                continue;
            one = v_set1(in[1]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[m][v] = v_fma(one, row[1][v], sum[m][v]);
        }
    }
}

/* n floats of scales, 0 in the lanes above. */
V_FN vf stored_scale(const float *scale, const int v, const int n)
{
    if (n >= (int)V_LANES)
        return v_load(scale + v * (int)V_LANES);
    return v_load_part(scale, 0, (unsigned)n);
}

/* Block `at` to its frame's total. */
V_FN void stored_add(const stored_job *j, uint32_t at, vf *total, const vf *sum,
                     const int n, const int type)
{
    const float *scale = j->scale + (size_t)at * j->panel;
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++)
        total[v] = type == MLI_INT4
                       ? v_fma(sum[v], stored_scale(scale, v, n), total[v])
                       : v_add(total[v], sum[v]);
}

#if defined(__arm__) /* nothing there fetches on its own */
V_FN void stored_prefetch(const uint8_t *w, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(w + bytes + i);
}
#else
#define stored_prefetch(w, bytes) (void)0
#endif

/* The products of one tap. `at` counts blocks. */
V_FN void stored_tap(const stored_job *j, const float *x, const uint8_t **w,
                     uint32_t *at, stored_sums total, const int tile,
                     const int n, const int type)
{
    const uint32_t block = STORED_BLOCK(type);
    uint32_t left = j->a->in_per_group;
    stored_sums sum;
    while (STORED_CHAINS > 1 && tile == 1 && left >= block * STORED_CHAINS) {
        const uint8_t *end = stored_at(j, *w, block * STORED_CHAINS, type);
        stored_prefetch(*w, (size_t)(end - *w));
        stored_products(j, x, *w, block, sum, STORED_CHAINS, 0, n, type);
        UNROLL
        for (int m = 0; m < STORED_CHAINS; m++)
            stored_add(j, (*at)++, total[0], sum[m], n, type);
        *w = end;
        x += block * STORED_CHAINS;
        left -= block * STORED_CHAINS;
    }
    while (left != 0) {
        uint32_t products = left < block ? left : block;
        stored_products(j, x, *w, products, sum, tile, 1, n, type);
        UNROLL
        for (int t = 0; t < tile; t++)
            stored_add(j, *at, total[t], sum[t], n, type);
        (*at)++;
        *w = stored_at(j, *w, products, type);
        x += products;
        left -= products;
    }
}

/* The outputs [lo, hi) of a frame. */
V_FN void stored_store(const stored_job *j, uint32_t f, const vf *total,
                       const int n, const int type)
{
    float *y = j->y + (size_t)f * j->a->y_stride;
    UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++) {
        const int at = v * (int)V_LANES;
        const int lo = (int)j->lo - at, hi = (int)j->hi - at;
        const unsigned from = lo > 0 ? (unsigned)lo : 0;
        const unsigned to =
            hi < (int)V_LANES ? (unsigned)(hi > 0 ? hi : 0) : V_LANES;
        const int whole = from == 0 && to == V_LANES;
        vf b = K(0.0f);
        if (from >= to)
            continue;
        if (j->b)
            b = whole ? v_load(j->b + at) : v_load_part(j->b + at, from, to);
        b = type == MLI_INT4 ? v_add(b, total[v])
                             : v_fma(total[v], stored_scale(j->scale, v, n), b);
        if (whole)
            v_store(y + at, b);
        else
            v_store_part(y + at, b, from, to);
    }
}

/* `tile` frames from frame f on. tile, n and type are constants. */
V_FN void stored_tile(const stored_job *j, uint32_t f, const int tile,
                      const int n, const int type)
{
    tap_walk walk = first_tap(j->a, j->x + f * frame_step(j->a));
    const uint8_t *w = j->w;
    uint32_t at = 0;
    stored_sums total;
    UNROLL
    for (int t = 0; t < tile; t++)
        UNROLL
    for (int v = 0; v < STORED_COUNT(n); v++)
        total[t][v] = K(0.0f);
    for (uint32_t k = 0; k < j->a->taps; k++)
        stored_tap(j, next_tap(&walk), &w, &at, total, tile, n, type);
    UNROLL
    for (int t = 0; t < tile; t++)
        stored_store(j, f + (uint32_t)t, total[t], n, type);
}

V_FN void stored_frames(const stored_job *j, const int n, const int type)
{
    const int most = V_LANES <= 4 && n == 16 ? 1 : STORED_TILE;
    uint32_t f = 0;
    for (; f + (uint32_t)most <= j->a->frames; f += (uint32_t)most)
        stored_tile(j, f, most, n, type);
    for (; most > 4 && f + 4 <= j->a->frames; f += 4)
        stored_tile(j, f, 4, n, type);
    for (; f < j->a->frames; f++)
        stored_tile(j, f, 1, n, type);
}

#define STORED_FORM(name, n, type)                                             \
    static void name(const stored_job *j)                                      \
    {                                                                          \
        stored_frames(j, n, type);                                             \
    }
#if V_LANES > 1
STORED_FORM(stored_f16_16, 16, MLI_F16)
STORED_FORM(stored_i8_16, 16, MLI_INT8)
STORED_FORM(stored_i4_16, 16, MLI_INT4)
STORED_FORM(stored_f16_8, 8, MLI_F16)
STORED_FORM(stored_i8_8, 8, MLI_INT8)
STORED_FORM(stored_i4_8, 8, MLI_INT4)
#endif
STORED_FORM(stored_f16_4, 4, MLI_F16)
STORED_FORM(stored_i8_4, 4, MLI_INT8)
STORED_FORM(stored_i4_4, 4, MLI_INT4)

static void stored_run(const stored_job *j, uint32_t n)
{
    const mli_storage type = j->a->storage;
#if V_LANES > 1
    if (n == 16) {
        (type == MLI_F16    ? stored_f16_16
         : type == MLI_INT8 ? stored_i8_16
                            : stored_i4_16)(j);
        return;
    }
    if (n == 8) {
        (type == MLI_F16    ? stored_f16_8
         : type == MLI_INT8 ? stored_i8_8
                            : stored_i4_8)(j);
        return;
    }
#endif
    (void)n;
    (type == MLI_F16    ? stored_f16_4
     : type == MLI_INT8 ? stored_i8_4
                        : stored_i4_4)(j);
}

/*
 * Some panels of a single frame at once: by itself each would wait for its
 * sums. `panels` is a constant.
 */
#define STORED_PANELS 5u

/* Panel p of them. */
V_FN stored_job stored_panel_of(const stored_job *j, uint32_t p, const int type)
{
    const size_t products = (size_t)j->a->taps * j->a->in_per_group;
    const size_t rows = (size_t)p * MLI_PANEL;
    stored_job q = *j;
    q.w += mli_stored_bytes((mli_storage)type, rows, products);
    q.scale += rows * mli_stored_scales((mli_storage)type, products);
    q.b = j->b ? j->b + rows : NULL;
    q.y += rows;
    return q;
}

V_FN void stored_across(const stored_job *j, const int panels, const int type)
{
    const int n = (int)MLI_PANEL, each = type == MLI_INT4 ? 2 : 1;
    const uint32_t block = STORED_BLOCK(type);
    tap_walk walk = first_tap(j->a, j->x);
    vf total[STORED_PANELS][STORED_VECTORS], sum[STORED_PANELS][STORED_VECTORS];
    stored_job of[STORED_PANELS];
    uint32_t at = 0;
    UNROLL
    for (int p = 0; p < panels; p++) {
        of[p] = stored_panel_of(j, (uint32_t)p, type);
        UNROLL
        for (int v = 0; v < STORED_VECTORS; v++)
            total[p][v] = K(0.0f);
    }
    for (uint32_t k = 0; k < j->a->taps; k++) {
        const float *x = next_tap(&walk);
        uint32_t left = j->a->in_per_group;
        for (uint32_t products; left != 0; left -= products) {
            products = left < block ? left : block;
            UNROLL
            for (int i = 0; i < panels * STORED_VECTORS; i++)
                sum[i / STORED_VECTORS][i % STORED_VECTORS] = K(0.0f);
            for (uint32_t i = 0; i < products; i += (uint32_t)each) {
                const vf one = v_set1(x[i]);
                const vf two =
                    each == 2 && i + 1 < products ? v_set1(x[i + 1]) : K(0.0f);
                UNROLL
                for (int p = 0; p < panels; p++) {
                    vf row[2][STORED_VECTORS];
                    stored_row(of[p].w, row, n, type);
                    of[p].w += j->row;
                    UNROLL
                    for (int v = 0; v < STORED_VECTORS; v++) {
                        sum[p][v] = v_fma(one, row[0][v], sum[p][v]);
                        if (each == 2)
                            sum[p][v] = v_fma(two, row[1][v], sum[p][v]);
                    }
                }
            }
            UNROLL
            for (int p = 0; p < panels; p++)
                stored_add(&of[p], at, total[p], sum[p], n, type);
            at++;
            x += products;
        }
    }
    UNROLL
    for (int p = 0; p < panels; p++)
        stored_store(&of[p], 0, total[p], n, type);
}

#if V_LANES >= 8
#define STORED_PANELS_OF(type)                                                 \
    static void stored_two_##type(const stored_job *j)                         \
    {                                                                          \
        stored_across(j, 2, MLI_##type);                                       \
    }                                                                          \
    static void stored_three_##type(const stored_job *j)                       \
    {                                                                          \
        stored_across(j, 3, MLI_##type);                                       \
    }                                                                          \
    static void stored_four_##type(const stored_job *j)                        \
    {                                                                          \
        stored_across(j, 4, MLI_##type);                                       \
    }                                                                          \
    static void stored_five_##type(const stored_job *j)                        \
    {                                                                          \
        stored_across(j, 5, MLI_##type);                                       \
    }
STORED_PANELS_OF(F16)
STORED_PANELS_OF(INT8)
STORED_PANELS_OF(INT4)

static void stored_panels(const stored_job *j, uint32_t panels)
{
#define STORED_PANELS_TABLE(type)                                              \
    {                                                                          \
        stored_two_##type, stored_three_##type, stored_four_##type,            \
            stored_five_##type                                                 \
    }
    static void (*const form[3][STORED_PANELS - 1])(const stored_job *j) = {
        STORED_PANELS_TABLE(F16), STORED_PANELS_TABLE(INT8),
        STORED_PANELS_TABLE(INT4)};
    form[j->a->storage - MLI_F16][panels - 2](j);
}
#endif

/* Bytes of a row of so many outputs. */
static size_t stored_row_bytes(mli_storage type, uint32_t outputs)
{
    return type == MLI_F16 ? 2u * outputs : outputs;
}

/* As many outputs as are done at once of so many that are left of a panel. */
static uint32_t stored_width(uint32_t left, uint32_t frames)
{
    const uint32_t most = V_LANES == 4 && frames > 1 ? 8 : STORED_WIDTH;
    if (left >= most)
        return most;
    return left >= 8 && STORED_WIDTH >= 8 ? 8 : 4;
}

/* The outputs from output o of group g on, which begins a panel. */
static stored_job stored_begin(const mli_conv *a, uint32_t g, uint32_t o)
{
    const uint32_t quads = (a->out_per_group + 3) / 4 * 4;
    const uint32_t held = quads - o < MLI_PANEL ? quads - o : MLI_PANEL;
    const size_t products = (size_t)a->taps * a->in_per_group;
    const size_t row = (size_t)g * quads + o;
    const size_t base = (size_t)g * a->out_per_group + o;
    return (stored_job){.a = a,
                        .x = a->x + (size_t)g * a->in_per_group,
                        .w = (const uint8_t *)(const void *)a->w +
                             mli_stored_bytes(a->storage, row, products),
                        .scale = a->scale +
                                 row * mli_stored_scales(a->storage, products),
                        .b = a->b ? a->b + base : NULL,
                        .y = a->y + base,
                        .row = stored_row_bytes(a->storage, held),
                        .panel = held,
                        .lo = 0,
                        .hi = MLI_PANEL};
}

/* Outputs [first, last) of the panel of group g that begins with output o. */
static void stored_panel(const mli_conv *a, uint32_t g, uint32_t o,
                         uint32_t first, uint32_t last)
{
    stored_job j = stored_begin(a, g, o);
    for (uint32_t at = 0, n; at < j.panel; at += n) {
        n = stored_width(j.panel - at, a->frames);
        if (o + at + n > first && o + at < last) {
            j.lo = first > o + at ? first - o - at : 0;
            j.hi = last - o - at < n ? last - o - at : n;
            stored_run(&j, n);
        }
        j.w += stored_row_bytes(a->storage, n);
        j.scale += n;
        j.b = j.b ? j.b + n : NULL;
        j.y += n;
    }
}

/* Outputs [first, last) of one group. */
static void stored_group(const mli_conv *a, uint32_t g, uint32_t first,
                         uint32_t last)
{
    uint32_t o = first / MLI_PANEL * MLI_PANEL;
#if V_LANES >= 8
    while (a->frames == 1 && o >= first && last >= o + 2 * MLI_PANEL) {
        const uint32_t left = (last - o) / MLI_PANEL;
        const uint32_t turns = (left + STORED_PANELS - 1) / STORED_PANELS;
        const uint32_t panels = (left + turns - 1) / turns; /* 2 at least */
        const stored_job j = stored_begin(a, g, o);
        stored_panels(&j, panels);
        o += panels * MLI_PANEL;
    }
#endif
    for (; o < last; o += MLI_PANEL)
        stored_panel(a, g, o, first, last);
}
