/*
 * step_planar.c - the steps of a planar session: a channel's frames lie side by
 * side, in rows of a tile each.
 */
#include "session.h"

/* Where the next frames of a ring go: most need nothing before. */
static uint32_t open_ring(const mli_kernels *k, mli_kept *ring)
{
    if (ring->front != 0)
        return mli_kept_open(k, ring);
    return ring->first = ring->pos;
}

/* They are there: most have no part in the mirror, and do not reach it. */
static void close_ring(const mli_kernels *k, mli_kept *ring, uint32_t frames)
{
    const uint32_t at = ring->first, next = at + frames;
    if (ring->front != 0 || (at >= ring->mirror && next < ring->capacity))
        ring->pos = next;
    else
        mli_kept_close(k, ring, frames);
}

static void run_call(const mli_planar *a)
{
    const void *call = (const uint8_t *)a - offsetof(mli_call, planar);
    ((const mli_call *)call)->form(a);
}

/* What lies alike: data or x, row or x_row, capacity or ring, first or pos; and
   w, b and mix_w. Not dilation with them: copies that overlap make the next
   reader wait. */
#define RING_BYTES  offsetof(mli_kept, pos)
#define LAYER_BYTES (3 * sizeof(float *))
_Static_assert(RING_BYTES == offsetof(mli_planar, frames) &&
                   offsetof(mli_conv_step, dilation) ==
                       offsetof(mli_conv_step, w) + LAYER_BYTES &&
                   offsetof(mli_planar, dilation) ==
                       offsetof(mli_planar, w) + LAYER_BYTES,
               "these are copied at once");

/* Of structs; that they are aligned makes two instructions of this on ARM. */
static inline void copy_words(void *to, size_t at, const void *from,
                              size_t from_at, size_t bytes)
{
    __builtin_memcpy(
        __builtin_assume_aligned((uint8_t *)to + at, sizeof(void *)),
        __builtin_assume_aligned((const uint8_t *)from + from_at,
                                 sizeof(void *)),
        bytes);
}

/* What is a convolution's own. */
static inline mli_planar *give_ring(const mli_conv_step *m, uint32_t frames)
{
    mli_planar *a = m->call;
    copy_words(a, 0, m->ring, 0, RING_BYTES);
    copy_words(a, offsetof(mli_planar, w), m, offsetof(mli_conv_step, w),
               LAYER_BYTES);
    a->dilation = m->dilation;
    a->frames = frames;
    return a;
}

void mli_run_planar_ring(const mli_kernels *k, const mli_step *step,
                         uint32_t frames)
{
    const mli_conv_step *m = &step->conv;
    mli_planar *a = give_ring(m, frames);
    a->pos = mli_kept_push_planes(k, m->ring, m->x, step->tile, frames);
    run_call(a);
}

/* x was written into the ring by the step before. */
void mli_run_planar_filled(const mli_kernels *k, const mli_step *step,
                           uint32_t frames)
{
    const mli_conv_step *m = &step->conv;
    (void)k;
    run_call(give_ring(m, frames));
}

/* y goes into the ring of the step after, or what is added comes from one. */
static inline void run_dense(const mli_kernels *k, const mli_step *step,
                             uint32_t frames, int to_ring, int from_ring)
{
    const mli_dense_step *m = &step->dense;
    mli_planar *a = m->call;
    a->w = m->w;
    a->b = m->b;
    a->frames = frames;
    if (from_ring) {
        a->add = m->from->data + m->from->first;
        a->add_row = m->from->row;
    } else {
        a->add = m->add;
        a->add_row = step->tile;
    }
    if (!to_ring) {
        a->y = m->y;
        a->y_row = step->tile;
        run_call(a);
        return;
    }
    a->y = m->ring->data + open_ring(k, m->ring);
    a->y_row = m->ring->row;
    run_call(a);
    close_ring(k, m->ring, frames);
}

void mli_run_planar(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    run_dense(k, step, frames, 0, 0);
}

void mli_run_planar_to_ring(const mli_kernels *k, const mli_step *step,
                            uint32_t frames)
{
    run_dense(k, step, frames, 1, 0);
}

void mli_run_planar_from_ring(const mli_kernels *k, const mli_step *step,
                              uint32_t frames)
{
    run_dense(k, step, frames, 0, 1);
}

void mli_run_planar_rings(const mli_kernels *k, const mli_step *step,
                          uint32_t frames)
{
    run_dense(k, step, frames, 1, 1);
}

/* Full rows are one array. */
static uint32_t join_rows(const mli_rows_step *m, uint32_t *frames)
{
    uint32_t rows = m->rows;
    if (*frames != m->row || !m->adjacent)
        return rows;
    *frames *= rows;
    return 1;
}

void mli_run_rows_unary(const mli_kernels *k, const mli_step *step,
                        uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    uint32_t rows = join_rows(m, &frames);
    for (size_t r = 0; r < rows; r++)
        k->unary((mli_unary)m->f, m->p, m->q, step->x + r * m->row,
                 step->y + r * m->row, 0, frames);
}

void mli_run_rows_binary(const mli_kernels *k, const mli_step *step,
                         uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    uint32_t rows = join_rows(m, &frames);
    for (size_t r = 0; r < rows; r++)
        k->binary((mli_binary)m->f, step->x + r * m->x_row, m->x_step,
                  step->x2 + r * m->x2_row, m->x2_step, step->y + r * m->row, 0,
                  frames);
}

void mli_run_rows_affine(const mli_kernels *k, const mli_step *step,
                         uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    for (size_t r = 0; r < m->rows; r++)
        k->affine(step->x + r * m->row, m->scale + r * m->x2_row, 0,
                  m->shift + r * m->x2_row, 0, step->y + r * m->row, 0, frames);
}

/* y may be x, or lie before it. */
void mli_run_rows_copy(const mli_kernels *k, const mli_step *step,
                       uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    (void)k;
    for (size_t r = 0; r < m->rows; r++)
        __builtin_memcpy(step->y + r * m->row,
                         step->x + (int64_t)r * m->x_stride,
                         frames * sizeof(float));
}

void mli_run_rows_delay(const mli_kernels *k, const mli_step *step,
                        uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    mli_kept *ring = m->kept;
    (void)k;
    for (uint32_t at = 0, now; at < frames; at += now) {
        uint32_t end = ring->capacity - ring->pos;
        now = frames - at < end ? frames - at : end;
        for (size_t r = 0; r < m->rows; r++)
            mli_exchange(ring->data + r * ring->row + ring->pos,
                         step->x + r * m->row + at, step->y + r * m->row + at,
                         now);
        ring->pos = now == end ? 0 : ring->pos + now;
    }
}

void mli_run_rows_hold(const mli_kernels *k, const mli_step *step,
                       uint32_t frames)
{
    const mli_rows_step *m = &step->u.rows;
    uint32_t silent = mli_count_held(m->kept, m->hold, frames);
    (void)k;
    for (size_t r = 0; r < m->rows; r++) {
        float *y = step->y + r * m->row;
        __builtin_memset(y, 0, silent * sizeof(float));
        if (step->y != step->x)
            __builtin_memcpy(y + silent, step->x + r * m->row + silent,
                             (frames - silent) * sizeof(float));
    }
}
