/*
 * slice.c - how the steps of a spread model run in parts: what a unit is, what
 * it costs, and how some units run. Costs are about the vector instructions of
 * an 8-lane build; only their ratios count. What is not in the table runs as a
 * whole.
 */
#include "session.h"

#define CALL     25u       /* a step, for itself, by the lanes */
#define FEW      75u       /* fewer panels than fill registers, likewise */
#define FILLED   4u        /* so many do */
#define LUMP     64u       /* elements */
#define PANEL    MLI_PANEL /* outputs */
#define TOGETHER 4u        /* rows of a matrix product */

static uint32_t clamp(uint64_t n)
{
    return n < (1u << 30) ? (uint32_t)n : 1u << 30;
}

static uint32_t lumps(uint64_t n, uint32_t size)
{
    return (uint32_t)((n + size - 1) / size);
}

/* ---------------------------------------------------------------- rows ---- */

/* A step that goes through rows of x and y one by one, on some of them. */
static void part_rows(const mli_kernels *k, const mli_step *step,
                      uint32_t frames, uint32_t first, uint32_t last)
{
    mli_step piece = *step;
    (void)frames;
    piece.x += (size_t)first * step->x_row;
    piece.y += (size_t)first * step->y_row;
    if (step->rows == 1) {
        step->run(k, &piece, last - first);
        return;
    }
    piece.rows = last - first;
    step->run(k, &piece, 1);
}

static void by_rows(mli_step *step, uint32_t rows, uint32_t x, uint32_t y,
                    uint64_t cost)
{
    step->part = part_rows;
    step->units = rows;
    step->x_row = x;
    step->y_row = y;
    step->cost = clamp(cost + 8);
}

/* Half an instruction for each element of a row, or so many. */
static void slice_rows(mli_step *step, uint32_t each)
{
    uint32_t x = step->u.map.size, y = step->elements / step->rows;
    by_rows(step, step->rows, x, y, 16 + (uint64_t)x * each / 2);
}

/* ------------------------------------------------------------ matrices ---- */

/* Some rows of a convolution, outputs [first, last) in panels. */
static void some_rows(const mli_step *step, uint32_t pos, uint32_t row,
                      uint32_t rows, uint32_t first, uint32_t last)
{
    const mli_matrix_step *m = &step->u.matrix;
    mli_conv a = m->conv;
    if (a.ring != 0)
        a.pos = (uint32_t)(((uint64_t)pos + row) % a.ring);
    else
        a.x += (size_t)row * a.step * a.x_stride;
    a.y += (size_t)row * a.y_stride;
    a.frames = rows;
    last *= PANEL;
    m->kernel(&a, first * PANEL, last < m->outputs ? last : m->outputs);
}

/*
 * A unit is a panel of outputs of a row. They go by rows that kernels take
 * together, TOGETHER of them, or what the last ones are: all rows of a panel,
 * then of the next; so that cut ends cost no more than others.
 */
static void some_panels(const mli_step *step, uint32_t pos, uint32_t rows,
                        uint32_t first, uint32_t last)
{
    const uint32_t panels = lumps(step->u.matrix.outputs, PANEL);
    while (first < last) {
        const uint32_t row = first / (TOGETHER * panels) * TOGETHER;
        const uint32_t size = rows - row < TOGETHER ? rows - row : TOGETHER;
        const uint32_t at = first - row * panels, left = last - first;
        const uint32_t panel = at / size, of = at % size;
        if (at == 0 && left >= size * panels) {
            uint32_t n = left / panels; /* rows, all of them or by fours */
            n = n < rows - row ? n / TOGETHER * TOGETHER : rows - row;
            some_rows(step, pos, row, n, 0, panels);
            first += n * panels;
        } else if (of == 0 && left >= size) {
            uint32_t n = left / size;
            n = n < panels - panel ? n : panels - panel;
            some_rows(step, pos, row, size, panel, panel + n);
            first += n * size;
        } else {
            const uint32_t n = size - of < left ? size - of : left;
            some_rows(step, pos, row + of, n, panel, panel + 1);
            first += n;
        }
    }
}

static void part_matrix(const mli_kernels *k, const mli_step *step,
                        uint32_t frames, uint32_t first, uint32_t last)
{
    (void)k;
    some_panels(step, 0, frames * step->rows, first, last);
}

/* The first part takes all frames into the ring. */
static void part_ring_matrix(const mli_kernels *k, const mli_step *step,
                             uint32_t frames, uint32_t first, uint32_t last)
{
    mli_kept *ring = step->u.matrix.ring;
    uint32_t pos;
    (void)k;
    if (first == 0)
        mli_kept_push(ring, step->x, frames);
    pos = ring->pos >= frames ? ring->pos - frames
                              : ring->pos + ring->capacity - frames;
    some_panels(step, pos, frames * step->rows, first, last);
}

static void slice_matrix(mli_step *step, mli_step_part *part, uint32_t lanes)
{
    const mli_matrix_step *m = &step->u.matrix;
    const mli_conv *a = &m->conv;
    uint64_t products = (uint64_t)a->taps * a->in_per_group;
    uint32_t outputs = m->outputs < PANEL ? m->outputs : PANEL;
    uint32_t panels = lumps(m->outputs, PANEL);
    step->part = part;
    step->units = step->rows * panels;
    products *= outputs + 8;
    if (step->rows >= TOGETHER) {
        step->grain = TOGETHER;
        step->cost = clamp(8 + 12ull * a->taps + products * 4 / 17);
        return;
    }
    step->cost = clamp(8 + 12ull * a->taps + products * 5 / 24);
    if (panels < FILLED)
        step->fixed += lanes < 8 ? FEW * lanes / 2 : FEW * lanes;
}

/* -------------------------------------------------------------- images ---- */

/* A unit is a row of y, or a pixel where all rows are one. */
static void part_image(const mli_kernels *k, const mli_step *step,
                       uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_image_step *m = &step->u.image;
    uint32_t each = m->rows > 1 ? m->rows : m->conv.frames;
    (void)k;
    (void)frames;
    while (first < last) {
        uint32_t image = first / each, at = first % each;
        uint32_t n = each - at < last - first ? each - at : last - first;
        mli_conv a = m->conv;
        a.x += image * m->x_image;
        a.y += image * m->y_image;
        first += n;
        if (m->rows == 1) {
            a.x += (size_t)at * a.step * a.x_stride;
            a.y += (size_t)at * a.y_stride;
            a.frames = n;
            m->kernel(&a, 0, m->outputs);
            continue;
        }
        for (uint32_t row = at; row < at + n; row++) {
            a.x = m->conv.x + image * m->x_image + row * m->x_row;
            a.y = m->conv.y + image * m->y_image + row * m->y_row;
            m->kernel(&a, 0, m->outputs);
        }
    }
}

static void slice_image(mli_step *step)
{
    const mli_image_step *m = &step->u.image;
    const mli_conv *a = &m->conv;
    uint64_t pixel =
        (uint64_t)a->taps * a->in_per_group * (m->outputs + 8) / 4 + 12;
    step->part = part_image;
    step->units = step->rows * (m->rows > 1 ? m->rows : a->frames);
    step->cost = clamp(m->rows > 1 ? pixel * a->frames : pixel);
}

/* Let a pool's windows begin so many elements later. */
static void skip(mli_step *piece, uint64_t n)
{
    mli_pool_step *m = &piece->u.pool;
    if (n <= m->before) {
        m->before -= (uint32_t)n;
        return;
    }
    n -= m->before;
    m->before = 0;
    m->length = n < m->length ? m->length - (uint32_t)n : 0;
    if (m->length != 0)
        piece->x += (size_t)n * m->inner;
}

/* Some taps of a pool of a few large windows. */
static void part_taps(const mli_kernels *k, const mli_step *step,
                      uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_pool_step *m = &step->u.pool;
    (void)frames;
    while (first < last) {
        uint32_t row = first / m->size, at = first % m->size;
        uint32_t left = m->size - at;
        uint32_t n = left < last - first ? left : last - first;
        mli_step piece = *step;
        piece.rows = 1;
        piece.x += (size_t)row * m->length * m->inner;
        piece.y += (size_t)row * m->windows * m->inner;
        piece.u.pool.size = n;
        piece.u.pool.begun = at != 0;
        skip(&piece, (uint64_t)at * m->dilation);
        step->run(k, &piece, 1);
        first += n;
    }
}

/* Some windows of a pool: windows count from those before the axis. */
static void part_pool(const mli_kernels *k, const mli_step *step,
                      uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_pool_step *m = &step->u.pool;
    (void)frames;
    while (first < last) {
        uint32_t row = first / m->windows, at = first % m->windows;
        uint32_t left = m->windows - at;
        uint32_t n = left < last - first ? left : last - first;
        uint64_t begin = (uint64_t)at * m->step;
        mli_step piece = *step;
        piece.rows = 1;
        piece.x += (size_t)row * m->length * m->inner;
        piece.y += ((size_t)row * m->windows + at) * m->inner;
        piece.u.pool.windows = n;
        skip(&piece, begin);
        step->run(k, &piece, 1);
        first += n;
    }
}

static void slice_pool(mli_step *step)
{
    const mli_pool_step *m = &step->u.pool;
    uint64_t inner = 60 + (uint64_t)m->inner * 5 / 2;
    uint64_t taps = (uint64_t)step->rows * m->size; /* may be over 2^32 */
    if (m->windows < 8 && m->size > 8 && taps <= 1u << 27) {
        step->part = part_taps;
        step->units = step->rows * m->size;
        step->cost = clamp(inner * m->windows);
        return;
    }
    step->part = part_pool;
    step->units = step->rows * m->windows;
    step->cost = clamp(inner * m->size);
}

/* ----------------------------------------------------------- recurrent ---- */

/* A unit of a time step is 16 units of the layer. Where frames are held back,
   it is a time step. */
static void part_recurrent(const mli_kernels *k, const mli_step *step,
                           uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t each = lumps(r->units, PANEL);
    (void)frames;
    while (first < last) {
        uint32_t at = first % each, n = each - at;
        size_t row = first / each;
        n = n < last - first ? n : last - first;
        if (n == each) {
            uint32_t rows = (last - first) / each;
            mli_step piece = *step;
            piece.x += row * r->gate_floats;
            piece.y += row * r->units;
            piece.rows = rows;
            step->run(k, &piece, 1);
            first += rows * each;
            continue;
        }
        mli_recurrent a = r->recurrent;
        uint32_t end = (at + n) * PANEL;
        a.x = step->x + row * r->gate_floats;
        a.h = r->h->data;
        a.c = r->c != NULL ? r->c->data : NULL;
        a.y = step->y + row * r->units;
        a.frames = 1;
        r->kernel(&a, at * PANEL, end < r->units ? end : r->units);
        first += n;
        if (at + n == each)
            __builtin_memcpy(r->h->data, a.y, r->units * sizeof(float));
    }
}

static void slice_recurrent(mli_step *step, int in_groups)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t units = r->units < PANEL ? r->units : PANEL;
    uint64_t gates = r->gate_floats / mli_quads(r->units);
    uint64_t group = 20 + units * (12 + gates * ((uint64_t)r->units + 4) / 4);
    uint64_t groups = lumps(r->units, PANEL);
    if (in_groups && r->held == NULL) {
        step->part = part_recurrent;
        step->units = clamp(step->rows * groups);
        step->cost = clamp(group);
    } else {
        by_rows(step, step->rows, r->gate_floats, r->units, groups * group);
    }
}

/* ----------------------------------------------------------------- maps --- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void part_unary(const mli_kernels *k, const mli_step *step,
                       uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_map_step *m = &step->u.map;
    size_t all = (size_t)frames * step->elements;
    k->unary((mli_unary)m->option, m->p, m->q, step->x, step->y,
             smaller((size_t)first * step->x_row, all),
             smaller((size_t)last * step->x_row, all));
}

/* One scale for all, in lumps. */
static void part_affine(const mli_kernels *k, const mli_step *step,
                        uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_map_step *m = &step->u.map;
    size_t all = (size_t)frames * step->elements;
    k->affine(step->x, m->scale, 0, m->shift, 0, step->y,
              smaller((size_t)first * step->x_row, all),
              smaller((size_t)last * step->x_row, all));
}

/* A scale for each element of a row; rows follow one another. */
static void part_scales(const mli_kernels *k, const mli_step *step,
                        uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_map_step *m = &step->u.map;
    (void)frames;
    for (size_t i = (size_t)first * m->size; i < (size_t)last * m->size;
         i += m->size)
        k->affine(step->x + i, m->scale, m->scale_step, m->shift, m->shift_step,
                  step->y + i, 0, m->size);
}

static void part_fill(const mli_kernels *k, const mli_step *step,
                      uint32_t frames, uint32_t first, uint32_t last)
{
    size_t all = (size_t)frames * step->elements;
    size_t from = smaller((size_t)first * step->x_row, all);
    (void)k;
    mli_fill(step->y + from, step->u.value,
             smaller((size_t)last * step->x_row, all) - from);
}

static void by_lumps(mli_step *step, mli_step_part *part, uint32_t each)
{
    step->part = part;
    step->x_row = step->elements < LUMP ? step->elements : LUMP;
    step->units = lumps(step->elements, LUMP);
    step->cost = 1 + step->x_row * each / 8;
}

/* Instructions for eight elements. */
static uint32_t function_cost(uint32_t f)
{
    switch (f) {
    case MLI_IDENTITY:
    case MLI_RELU:
    case MLI_LEAKY_RELU:
    case MLI_HARD_TANH:
        return 4;
    default:
        return 24;
    }
}

static void slice_affine(mli_step *step)
{
    const mli_map_step *m = &step->u.map;
    if (m->scale_step == 0) {
        by_lumps(step, part_affine, 5);
        return;
    }
    step->part = part_scales;
    step->units = step->elements / m->size;
    step->cost = clamp(16 + (uint64_t)m->size * 3 / 4);
}

/* --------------------------------------------------------------- walks ---- */

/* A row of a walk; long ones are cut into lumps. */
static void slice_walk(mli_step *step, mli_step_part *part, uint32_t each,
                       uint32_t call)
{
    const mli_walk_step *w = &step->u.walk;
    uint32_t n = w->axis[w->axes - 1].count, rows = 1, last = w->axes - 1;
    uint64_t a = (uint64_t)w->axis[last].stride[0],
             b = (uint64_t)w->axis[last].stride[1];
    if (a > 1 || b > 1 || (step->run == mli_run_copy && (a & b) == 0))
        each = 32; /* one by one */
    for (uint32_t i = 0; i + 1 < w->axes; i++)
        rows *= w->axis[i].count;
    step->part = part;
    step->units = rows * lumps(n, MLI_WALK_LUMP);
    step->cost = clamp(
        call + (uint64_t)(n < MLI_WALK_LUMP ? n : MLI_WALK_LUMP) * each / 8);
}

/* A unit is a row of the product; the first of a matrix, putting b in order. */
static void slice_product(mli_step *step)
{
    const mli_conv *a = &step->u.product.conv;
    uint64_t size = (uint64_t)a->in_per_group * a->out_per_group;
    step->part = mli_part_product;
    step->units = step->elements / a->out_per_group;
    step->units += step->units / step->rows;
    step->cost = clamp(12 + size * 3 / 16 + size * 2 / step->rows);
}

void mli_slice(mli_step *step, uint32_t lanes)
{
    step->part = NULL;
    step->units = step->grain = 1;
    step->fixed = CALL * lanes;
    step->cost = clamp((uint64_t)step->elements / 4);
    if (step->run == mli_run_matrix)
        slice_matrix(step, part_matrix, lanes);
    else if (step->run == MLI_IF(CONV1D, mli_run_ring_matrix))
        slice_matrix(step, part_ring_matrix, lanes);
    else if (step->run == MLI_IF(CONV2D, mli_run_image))
        slice_image(step);
    else if (step->run == MLI_IF(POOL, mli_run_pool))
        slice_pool(step);
    else if (step->run == mli_run_recurrent)
        slice_recurrent(step, 1);
    else if (step->run == mli_run_gru_reset_first ||
             step->run == MLI_IF(STORED, mli_run_stored))
        slice_recurrent(step, 0);
    else if (step->run == mli_run_unary)
        by_lumps(step, part_unary, function_cost(step->u.map.option));
    else if (step->run == MLI_IF(AFFINE, mli_run_affine))
        slice_affine(step);
    else if (step->run == mli_run_fill)
        by_lumps(step, part_fill, 8);
    else if (step->run == MLI_IF(SOFTMAX, mli_run_softmax))
        slice_rows(step, 8);
    else if (step->run == MLI_IF(NORMALIZE, mli_run_normalize))
        slice_rows(step, 15);
    else if (step->run == MLI_IF(REDUCE, mli_run_reduce))
        slice_rows(step, 1);
    else if (step->run == MLI_IF(TO_BYTES, mli_run_to_bytes))
        slice_rows(step, 4);
    else if (step->run == mli_run_copy)
        slice_walk(step, mli_part_copy, 3, 16);
    else if (step->run == MLI_IF(BINARY, mli_run_binary))
        slice_walk(step, mli_part_binary, 4, 36);
    else if (step->run == MLI_IF(TREES, mli_run_trees))
        by_rows(step, step->rows, step->u.trees.features, step->u.trees.targets,
                40ull * step->u.trees.trees);
    else if (step->run == MLI_IF(DISTANCE, mli_run_distance))
        by_rows(step, step->rows, step->u.distance.inputs,
                step->u.distance.points,
                (uint64_t)step->u.distance.inputs * step->u.distance.points);
    else if (step->run == MLI_IF(DFT, mli_run_dft))
        by_rows(step, step->rows, step->u.dft.x_floats, step->u.dft.y_floats,
                40ull * step->u.dft.n);
    else if (step->run == MLI_IF(MATMUL, mli_run_product))
        slice_product(step);
    else if (step->run == MLI_IF(ARG, mli_run_arg))
        by_rows(step, step->rows, step->u.order.size, 1,
                4ull * step->u.order.size);
}
