/*
 * text_linear.h - convolution and dense layers, over the vector layer.
 *
 * Outputs lie across the lanes. A tile of frames by vectors of outputs is kept
 * in registers while the weights of these outputs go by once. Each output
 * starts from the bias and takes its products in the order taps, inputs, in
 * blocks that the shape alone decides: whatever the tile, the bits are the
 * same.
 */

/*
 * Four frames are reached from one pointer. Compilers that see how the pointers
 * of a tile hang together keep one and a register per frame instead, of which
 * there are not enough.
 */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

/* Vectors in a whole panel. */
#define PANEL_VECTORS ((int)(MLI_PANEL / V_LANES))

/* A run of outputs of one group that a tile function works on. */
typedef struct linear_job {
    const mli_conv *a;
    const float *x;  /* frame 0 of tap 0's array, at the first input */
    const float *w;  /* first row, at the first output of the run */
    const float *b;  /* bias of the first output of the run, or NULL */
    float *y;        /* frame 0, first output of the run */
    size_t x_step;   /* floats from frame to frame */
    size_t panel;    /* floats in a whole panel */
    uint32_t width;  /* floats from row to row of w */
    unsigned lo, hi; /* lanes to store, where only a part of a vector is */
    unsigned real;   /* lanes that are outputs */
    unsigned held;   /* lanes that w has: real outputs and their padding */
} linear_job;

/* Where vector v of a run lies in w, relative to the run's first. */
V_HOT size_t column(const linear_job *j, int v)
{
    return (size_t)(v / PANEL_VECTORS) * j->panel +
           (size_t)(v % PANEL_VECTORS) * V_LANES;
}

/* A row of weights that may be narrower than a vector. */
V_HOT vf held_row(const linear_job *j, const float *w, const int part)
{
    return part < (int)V_LANES || V_LANES <= 4 ? v_load_low(w, (unsigned)part)
                                               : v_load_part(w, 0, j->held);
}

/*
 * A sum of n products rounds n times, each time at the size that it has by
 * then. So products are summed in blocks of their own: a block ends with the
 * first tap, or the first LINEAR_BLOCK inputs of one, by which it has so many.
 */
#define LINEAR_BLOCK V_BLOCK

/* How far the products of a tile have come. */
typedef struct linear_cursor {
    tap_walk walk;
    const float *x; /* of the tap: its first frame, at the next input */
    const float *w;
    uint32_t taps;   /* to come, after this one */
    uint32_t inputs; /* of this tap to come */
} linear_cursor;

V_HOT linear_cursor linear_start(const linear_job *j, uint32_t f)
{
    linear_cursor c;
    c.walk = first_tap(j->a, j->x + f * j->x_step);
    c.x = next_tap(&c.walk);
    c.w = j->w;
    c.taps = j->a->taps - 1;
    c.inputs = j->a->in_per_group;
    return c;
}

#ifdef V_HAS_QUAD
/*
 * Add n products of one tap, a multiple of four, to the sums of a whole panel:
 * four inputs of a frame come at once.
 */
V_FN void linear_quads(linear_cursor *c, size_t step, uint32_t n,
                       vf sum[V_TALL][V_ROW], const int tile)
{
    const float *w = c->w, *at[V_TILE];
    UNROLL
    for (int t = 0; t < tile; t++) {
        at[t] = c->x + (size_t)t * step;
        HIDE(at[t]);
    }
    c->x += n;
    c->inputs -= n;
    for (; n != 0; n -= 4) {
        v_quad in[V_TILE];
        UNROLL
        for (int t = 0; t < tile; t++)
            in[t] = v_step_quad(&at[t], 4);
        UNROLL
        for (int l = 0; l < 4; l++) {
            vf row[4];
            v_step_four(&w, row);
            UNROLL
            for (int t = 0; t < tile; t++)
                UNROLL
            for (int v = 0; v < 4; v++)
                sum[t][v] = v_fma_quad(row[v], in[t], l, sum[t][v]);
        }
    }
    c->w = w;
}
#endif

/*
 * Add n products of one tap to sums. Four frames are reached from one pointer
 * (see HIDE).
 */
V_HOT void linear_products(const linear_job *j, linear_cursor *c, uint32_t n,
                           vf sum[V_TALL][V_ROW], const int tile,
                           const int count, const int part)
{
    const size_t step = j->x_step;
    const float *w = c->w;
    const float *at[V_TALL / 4 + 1];
    UNROLL
    for (int t = 0; t < tile; t += 4) {
        at[t / 4] = c->x + (size_t)t * step;
        HIDE(at[t / 4]);
    }
    for (uint32_t i = 0; i < n; i++, w += j->width) {
        vf row[V_ROW];
        UNROLL
        for (int v = 0; v < count; v++)
            row[v] = part ? held_row(j, w, part) : v_load(w + column(j, v));
        UNROLL
        for (int t = 0; t < tile; t++) {
            vf in = v_set1(at[t / 4][(size_t)(t % 4) * step]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[t][v] = v_fma(in, row[v], sum[t][v]);
        }
        UNROLL
        for (int t = 0; t < tile; t += 4)
            at[t / 4]++;
    }
    c->w = w;
    c->x += n;
    c->inputs -= n;
}

/* Add the next block to sums; 0 if it was the last. */
V_HOT int linear_block(const linear_job *j, linear_cursor *c,
                       vf sum[V_TALL][V_ROW], const int tile, const int count,
                       const int part)
{
    uint32_t done = 0;
    for (;;) {
        uint32_t n = c->inputs < LINEAR_BLOCK ? c->inputs : LINEAR_BLOCK;
        done += n;
#ifdef V_HAS_QUAD
        if (!part && count == PANEL_VECTORS && tile <= V_TILE && n >= 4) {
            linear_quads(c, j->x_step, n / 4 * 4, sum, tile);
            n %= 4;
        }
#endif
        linear_products(j, c, n, sum, tile, count, part);
        if (c->inputs == 0) {
            if (c->taps == 0)
                return 0;
            c->taps--;
            c->x = next_tap(&c->walk);
            c->inputs = j->a->in_per_group;
        }
        if (done >= LINEAR_BLOCK)
            return 1;
    }
}

V_HOT void linear_bias(const linear_job *j, vf sum[V_TALL][V_ROW],
                       const int tile, const int count, const int part)
{
    UNROLL
    for (int v = 0; v < count; v++) {
        vf b = K(0.0f);
        if (j->b)
            b = part ? v_load_part(j->b, 0, j->real)
                     : v_load(j->b + v * (int)V_LANES);
        UNROLL
        for (int t = 0; t < tile; t++)
            sum[t][v] = b;
    }
}

V_HOT void linear_store(const linear_job *j, uint32_t f, vf sum[V_TALL][V_ROW],
                        const int tile, const int count, const int part)
{
    UNROLL
    for (int t = 0; t < tile; t++) {
        float *y = j->y + (f + (uint32_t)t) * (size_t)j->a->y_stride;
        UNROLL
        for (int v = 0; v < count; v++) {
            if (part)
                v_store_low(y, sum[t][v], (unsigned)part, j->lo, j->hi);
            else
                v_store(y + v * (int)V_LANES, sum[t][v]);
        }
    }
}

/* Vectors in the largest tile. */
#define LINEAR_TILE (V_TALL * V_COLUMNS)
_Static_assert(V_TILE <= V_TALL && V_ROW <= LINEAR_TILE, "a tile has no room");

/*
 * Sums to `total` and from there: in memory, as registers are for those of the
 * block in hand.
 */
V_HOT void linear_keep(float *total, vf sum[V_TALL][V_ROW], const int tile,
                       const int count)
{
    UNROLL
    for (int t = 0; t < tile; t++)
        UNROLL
    for (int v = 0; v < count; v++, total += V_LANES) {
        v_store(total, sum[t][v]);
        sum[t][v] = K(0.0f);
    }
}

V_HOT void linear_add(const float *total, vf sum[V_TALL][V_ROW], const int tile,
                      const int count)
{
    UNROLL
    for (int t = 0; t < tile; t++)
        UNROLL
    for (int v = 0; v < count; v++, total += V_LANES)
        sum[t][v] = v_add(v_load(total), sum[t][v]);
}

/*
 * `tile` frames from frame f on, by `count` vectors. tile, count and part are
 * constants wherever this is used. part: one vector, of which only some lanes
 * are loaded and stored.
 */
V_HOT void linear_tile(const linear_job *j, uint32_t f, const int tile,
                       const int count, const int part)
{
    vf sum[V_TALL][V_ROW];
    float room[LINEAR_TILE * V_LANES] __attribute__((aligned(64)));
    float *total = room;
    linear_cursor c = linear_start(j, f);

    HIDE(total);
    linear_bias(j, sum, tile, count, part);
    int more = linear_block(j, &c, sum, tile, count, part);
    while (more) {
        linear_keep(total, sum, tile, count);
        more = linear_block(j, &c, sum, tile, count, part);
        linear_add(total, sum, tile, count);
    }
    linear_store(j, f, sum, tile, count, part);
}

/* All frames by `count` vectors. */
V_HOT void linear_frames(const linear_job *j, const int tile, const int count,
                         const int part)
{
    const uint32_t frames = j->a->frames;
    uint32_t f = 0;
    for (; f + (uint32_t)tile <= frames; f += (uint32_t)tile)
        linear_tile(j, f, tile, count, part);
    if (tile > 4)
        for (; f + (uint32_t)tile / 4 <= frames; f += (uint32_t)tile / 4)
            linear_tile(j, f, tile / 4, count, part);
    for (; f < frames; f++)
        linear_tile(j, f, 1, count, part);
}

#ifdef V_HAS_QUAD
/* As linear_quads: four inputs of each chain n times, whole panels. */
V_FN void single_quads(const linear_job *j, const float *x, const float *w,
                       size_t block, uint32_t n, vf sum[4][V_ROW],
                       const int chains, const int count)
{
    const int panels = count / PANEL_VECTORS;
    const float *from[4], *at[8];
    UNROLL
    for (int i = 0; i < chains * panels; i++) {
        from[i / panels] = x + i / panels * (int)LINEAR_BLOCK;
        at[i] =
            w + (size_t)(i / panels) * block + (size_t)(i % panels) * j->panel;
        HIDE(at[i]);
    }
    for (; n != 0; n--) {
        v_quad in[4];
        UNROLL
        for (int c = 0; c < chains; c++)
            in[c] = v_step_quad(&from[c], 4);
        UNROLL
        for (int l = 0; l < 4; l++)
            UNROLL
        for (int i = 0; i < chains * panels; i++) {
            vf row[4], *to = sum[i / panels] + i % panels * 4;
            v_step_four(&at[i], row);
            UNROLL
            for (int v = 0; v < 4; v++)
                to[v] = v_fma_quad(row[v], in[i / panels], l, to[v]);
        }
    }
}
#endif

#if V_LANES >= 16u
/* As single_quads: four inputs of each chain n times, whole panels. What is far
   apart is reached from pointers of its own. */
V_FN void single_fours(const linear_job *j, const float *x, const float *w,
                       size_t block, uint32_t n, vf sum[4][V_ROW],
                       const int chains, const int count)
{
    const int step = 4 * (int)MLI_PANEL;
    const float *at[V_ROW];
    UNROLL
    for (int v = 0; v < count; v++) {
        at[v] = w + column(j, v);
        HIDE(at[v]);
    }
    for (; n != 0; n--, x += 4) {
        UNROLL
        for (int i = 0; i < 4 * chains; i++) {
            const int c = i % chains, l = i / chains;
            vf in = v_set1(x[c * (int)LINEAR_BLOCK + l]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[c][v] =
                    v_fma_at(in, at[v] + (size_t)c * block + l * (int)MLI_PANEL,
                             sum[c][v]);
        }
        UNROLL
        for (int v = 0; v < count; v++)
            at[v] += step;
    }
}
#endif

/*
 * One frame of a dense layer. Too few outputs to keep the arithmetic busy make
 * `chains` blocks go side by side; they are added up one after another, so that
 * the bits are those of linear_tile.
 */
V_FN void single_blocks(const linear_job *j, uint32_t at, uint32_t n,
                        vf sum[][V_ROW], const int chains, const int count,
                        const int part)
{
    /* known, if a whole panel is in hand */
    const size_t width = !part && count >= PANEL_VECTORS ? MLI_PANEL : j->width;
    const size_t block = (size_t)LINEAR_BLOCK * width;
    const float *x = j->x + at, *w = j->w + (size_t)at * width;
#ifdef V_HAS_QUAD
    if (!part && count % PANEL_VECTORS == 0 && chains * count <= 8) {
        single_quads(j, x, w, block, n / 4, sum, chains, count);
        x += n / 4 * 4;
        w += n / 4 * 4 * width;
        n %= 4;
    }
#elif V_LANES >= 16u
    if (!part && chains > 1) { /* few inputs do not need it */
        single_fours(j, x, w, block, n / 4, sum, chains, count);
        x += n / 4 * 4;
        w += n / 4 * 4 * width;
        n %= 4;
    }
#endif
    for (uint32_t i = 0; i < n; i++, x++, w += width) {
        UNROLL
        for (int c = 0; c < chains; c++) {
            const float *row = w + (size_t)c * block;
            vf in = v_set1(x[c * (int)LINEAR_BLOCK]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[c][v] = v_fma(in,
                                  part ? held_row(j, row, part)
                                       : v_load(row + column(j, v)),
                                  sum[c][v]);
        }
    }
}

/* Blocks from input `at` on, n inputs in each; the first one has the bias. */
V_FN void single_step(const linear_job *j, uint32_t at, uint32_t n,
                      vf total[V_ROW], const int chains, const int count,
                      const int part)
{
    vf sum[4][V_ROW];
    UNROLL
    for (int c = 0; c < chains; c++)
        UNROLL
    for (int v = 0; v < count; v++)
        sum[c][v] = K(0.0f);
    if (at == 0)
        UNROLL
    for (int v = 0; v < count; v++)
        sum[0][v] = total[v];
    single_blocks(j, at, n, sum, chains, count, part);
    UNROLL
    for (int v = 0; v < count; v++) {
        total[v] = at == 0 ? sum[0][v] : v_add(total[v], sum[0][v]);
        UNROLL
        for (int c = 1; c < chains; c++)
            total[v] = v_add(total[v], sum[c][v]);
    }
}

V_FN void single_sums(const linear_job *j, vf total[V_TALL][V_ROW],
                      const int chains, const int count, const int part)
{
    const uint32_t inputs = j->a->in_per_group;
    const uint32_t blocks = (uint32_t)chains * LINEAR_BLOCK;
    uint32_t at = 0;
    linear_bias(j, total, 1, count, part);
    if (inputs < LINEAR_BLOCK) {
        single_blocks(j, 0, inputs, total, 1, count, part);
        return;
    }
    for (; at + blocks <= inputs; at += blocks)
        single_step(j, at, LINEAR_BLOCK, total[0], chains, count, part);
    if (chains > 2)
        for (; at + 2 * LINEAR_BLOCK <= inputs; at += 2 * LINEAR_BLOCK)
            single_step(j, at, LINEAR_BLOCK, total[0], 2, count, part);
    for (uint32_t n; at < inputs; at += n) {
        n = inputs - at < LINEAR_BLOCK ? inputs - at : LINEAR_BLOCK;
        single_step(j, at, n, total[0], 1, count, part);
    }
}

V_FN void linear_single(const linear_job *j, const int chains, const int count,
                        const int part)
{
    vf total[V_TALL][V_ROW];
    single_sums(j, total, chains, count, part);
    linear_store(j, 0, total, 1, count, part);
}

/* Is it one frame of a dense layer? A small build does without. */
V_FN int is_single(const mli_conv *a)
{
#ifdef MLI_SMALL
    (void)a;
    return 0;
#else
    return a->frames == 1 && a->taps == 1 && a->ring == 0;
#endif
}

static void linear_row(const linear_job *j)
{
    if (is_single(j->a)) {
        linear_single(j, 1, V_ROW, 0);
        return;
    }
    for (uint32_t f = 0; f < j->a->frames; f++)
        linear_tile(j, f, 1, V_ROW, 0);
}

static void linear_half_row(const linear_job *j)
{
    if (is_single(j->a)) {
        linear_single(j, 2, V_ROW / 2, 0);
        return;
    }
    for (uint32_t f = 0; f < j->a->frames; f++)
        linear_tile(j, f, 1, V_ROW / 2, 0);
}

static void single_vector(const linear_job *j)
{
    linear_single(j, 4, 1, 0);
}

static void single_part(const linear_job *j)
{
    if (V_LANES > 4 && j->held == 4)
        linear_single(j, 4, 1, 4);
    else if (V_LANES > 8 && j->held == 8)
        linear_single(j, 4, 1, 8);
    else
        linear_single(j, 4, 1, V_LANES);
}

static void linear_columns(const linear_job *j)
{
    if (is_single(j->a))
        linear_single(j, 4, V_COLUMNS, 0);
    else
        linear_frames(j, V_TILE, V_COLUMNS, 0);
}

static void linear_vector(const linear_job *j)
{
    if (is_single(j->a))
        single_vector(j);
    else
        linear_frames(j, V_TALL, 1, 0);
}

#ifdef V_HAS_LOW
/*
 * Few outputs of a dense layer: its rows are narrower than a vector, and a
 * vector holds some of them. Each lane takes every so manieth input, in as many
 * accumulators as a single frame needs; what belongs to one output is added up
 * in the end.
 */
#define NARROW_CHAINS 4
#define NARROW_FRAMES 4

/* Does a row of that width have inputs enough for it? */
V_FN int is_long(uint32_t inputs, uint32_t width)
{
    return (uint64_t)inputs * width >= 2 * V_LANES;
}

V_FN int is_narrow(const linear_job *j)
{
    const mli_conv *a = j->a;
    return (j->held == 4 || (V_LANES > 8 && j->held == 8)) &&
           j->width == j->held && a->taps == 1 && a->ring == 0 &&
           is_long(a->in_per_group, j->held);
}

/* The next `rows` inputs of each frame to one accumulator. */
V_FN void narrow_inputs(const linear_job *j, const float *x, vf row, vf *sum,
                        const int rows, const int tile)
{
    UNROLL
    for (int t = 0; t < tile; t++)
        sum[t] =
            v_fma(v_load_each(x + (size_t)t * j->x_step, rows), row, sum[t]);
}

/* The same of `left` < rows inputs. */
V_FN void narrow_rest(const linear_job *j, const float *x, const float *w,
                      unsigned left, vf *sum, const int rows, const int tile)
{
    const vf row = v_load_part(w, 0, left * (V_LANES / (unsigned)rows));
    UNROLL
    for (int t = 0; t < tile; t++) {
        float in[4] = {0};
        for (unsigned i = 0; i < left; i++)
            in[i] = x[(size_t)t * j->x_step + i];
        sum[t] = v_fma(v_load_each(in, rows), row, sum[t]);
    }
}

/* A tile's sums, in the first `part` lanes. */
V_FN void narrow_sums(const linear_job *j, uint32_t f, vf all[NARROW_FRAMES],
                      const int tile, const int part)
{
    const int rows = (int)V_LANES / part;
    const float *x = j->x + f * j->x_step, *w = j->w;
    uint32_t left = j->a->in_per_group;
    vf sum[NARROW_CHAINS][NARROW_FRAMES];
    UNROLL
    for (int i = 0; i < NARROW_CHAINS * tile; i++)
        sum[i / tile][i % tile] =
            i < tile && j->b ? v_load_part(j->b, 0, j->real) : K(0.0f);
    for (; left >= (uint32_t)(NARROW_CHAINS * rows);
         left -= (uint32_t)(NARROW_CHAINS * rows)) {
        UNROLL
        for (int c = 0; c < NARROW_CHAINS; c++)
            narrow_inputs(j, x + c * rows, v_load(w + c * (int)V_LANES), sum[c],
                          rows, tile);
        x += NARROW_CHAINS * rows;
        w += NARROW_CHAINS * V_LANES;
    }
    for (; left >= (uint32_t)rows; left -= (uint32_t)rows) {
        narrow_inputs(j, x, v_load(w), sum[0], rows, tile);
        x += rows;
        w += V_LANES;
    }
    if (left != 0)
        narrow_rest(j, x, w, left, sum[1], rows, tile);
    UNROLL
    for (int t = 0; t < tile; t++)
        all[t] = v_add_parts(
            v_add(v_add(sum[0][t], sum[2][t]), v_add(sum[1][t], sum[3][t])),
            rows);
}

V_FN void narrow_tile(const linear_job *j, uint32_t f, const int tile,
                      const int part)
{
    vf all[NARROW_FRAMES];
    narrow_sums(j, f, all, tile, part);
    UNROLL
    for (int t = 0; t < tile; t++)
        v_store_low(j->y + (f + (uint32_t)t) * (size_t)j->a->y_stride, all[t],
                    (unsigned)part, j->lo, j->hi);
}

V_FN void narrow_frames(const linear_job *j, const int part)
{
    uint32_t f = 0;
    for (; f + NARROW_FRAMES <= j->a->frames; f += NARROW_FRAMES)
        narrow_tile(j, f, NARROW_FRAMES, part);
    for (; f < j->a->frames; f++)
        narrow_tile(j, f, 1, part);
}

static void linear_narrow(const linear_job *j)
{
    if (V_LANES > 8 && j->held == 8)
        narrow_frames(j, 8);
    else
        narrow_frames(j, 4);
}
#endif

static void linear_part(const linear_job *j)
{
#ifdef V_HAS_LOW
    if (is_narrow(j)) {
        linear_narrow(j);
        return;
    }
#endif
    if (is_single(j->a))
        single_part(j);
    else if (V_LANES > 4 && j->held == 4)
        linear_frames(j, V_TALL, 1, 4);
    else if (V_LANES > 8 && j->held == 8)
        linear_frames(j, V_TALL, 1, 8);
    else
        linear_frames(j, V_TALL, 1, V_LANES);
}

/* The run that begins at output o of group g, whose matrix is w. */
static linear_job linear_at(const mli_conv *a, uint32_t g, uint32_t o)
{
    const uint32_t outputs = a->out_per_group;
    const size_t base = (size_t)g * outputs + o;
    const uint32_t in_panel = outputs - o / MLI_PANEL * MLI_PANEL;
    linear_job j;
    j.a = a;
    j.x = a->x + (size_t)g * a->in_per_group;
    j.w = a->w + mli_packed_size(outputs, a->taps, a->in_per_group) * g +
          mli_packed_index(outputs, a->taps, a->in_per_group, o, 0, 0);
    j.b = a->b ? a->b + base : NULL;
    j.y = a->y + base;
    j.x_step = frame_step(a);
    j.panel = (size_t)MLI_PANEL * a->taps * a->in_per_group;
    j.width = in_panel < MLI_PANEL ? (in_panel + 3) / 4 * 4 : MLI_PANEL;
    j.lo = 0;
    j.hi = j.real = j.held = V_LANES;
    return j;
}

/* A vector at a multiple of V_LANES, of which outputs [first, last) count. */
static void linear_cut(const mli_conv *a, uint32_t g, uint32_t o,
                       uint32_t first, uint32_t last)
{
    linear_job j = linear_at(a, g, o);
    uint32_t left = a->out_per_group - o;
    uint32_t held = j.width - o % MLI_PANEL;
    j.real = left < V_LANES ? left : V_LANES;
    j.held = held < V_LANES ? held : V_LANES;
    j.lo = first > o ? first - o : 0;
    j.hi = last - o < V_LANES ? last - o : V_LANES;
    linear_part(&j);
}

/* Whole vectors from output o on that may be done at once. */
static uint32_t linear_run(const mli_conv *a, uint32_t o, uint32_t last)
{
    const uint32_t whole = a->out_per_group / MLI_PANEL * MLI_PANEL;
    uint32_t in_panel = (MLI_PANEL - o % MLI_PANEL) / V_LANES;
    uint32_t vectors = (last - o) / V_LANES;
    /* a run begins with a panel to go on over its end */
    if (o % MLI_PANEL == 0 && o < whole) {
        uint32_t end = last < whole ? last : whole;
        return (end - o) / V_LANES;
    }
    return vectors < in_panel ? vectors : in_panel;
}

/* Outputs [first, last) of one group. */
static void linear_group(const mli_conv *a, uint32_t g, uint32_t first,
                         uint32_t last)
{
    uint32_t o = first / V_LANES * V_LANES;
    while (o < last) {
        uint32_t vectors = o < first ? 0 : linear_run(a, o, last);
        if (V_LANES > 1 && vectors == 0) {
            linear_cut(a, g, o, first, last);
            o += V_LANES;
            continue;
        }
        linear_job j = linear_at(a, g, o);
        if (a->frames < V_TILE && vectors >= V_ROW) {
            linear_row(&j);
            o += V_ROW * V_LANES;
        } else if (a->frames < V_TILE && vectors >= V_ROW / 2) {
            linear_half_row(&j);
            o += V_ROW / 2 * V_LANES;
        } else if (vectors >= V_COLUMNS) {
            linear_columns(&j);
            o += V_COLUMNS * V_LANES;
        } else {
            linear_vector(&j);
            o += V_LANES;
        }
    }
}
