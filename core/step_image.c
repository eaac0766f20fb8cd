/*
 * step_image.c - convolutions of images, a row of y at a time; pools.
 */
#include "session.h"

void mli_run_image(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_image_step *m = &step->u.image;
    const size_t images = (size_t)frames * step->rows;
    (void)k;
    for (size_t i = 0; i < images; i++) {
        mli_conv a = m->conv;
        a.x += i * m->x_image;
        a.y += i * m->y_image;
        for (uint32_t row = 0; row < m->rows; row++) {
            m->kernel(&a, 0, m->outputs);
            a.x += m->x_row;
            a.y += m->y_row;
        }
    }
}

/* The windows [*first, *last) whose tap at `at` (windows begin at 0 and may
   begin before the axis) is there. */
static void windows_with(const mli_pool_step *m, uint64_t at, uint32_t *first,
                         uint32_t *last)
{
    uint64_t before = m->before, end = before + m->length;
    *first = *last = 0;
    if (at >= end)
        return;
    uint64_t from = at >= before ? 0 : (before - at + m->step - 1) / m->step;
    uint64_t to = (end - at - 1) / m->step + 1;
    *last = (uint32_t)(to < m->windows ? to : m->windows);
    *first = (uint32_t)(from < *last ? from : *last);
}

/* One row of windows: tap after tap joins those that have it. */
static void pool_row(const mli_kernels *k, const mli_pool_step *m,
                     const float *x, float *y)
{
    const size_t inner = m->inner, all = m->windows * inner;
    for (size_t i = 0; i < all && !m->begun; i++)
        y[i] = m->empty;
    for (uint32_t t = 0; t < m->size; t++) {
        uint64_t at = (uint64_t)t * m->dilation;
        uint32_t first, last;
        windows_with(m, at, &first, &last);
        if (first == last)
            continue;
        /* of element 0 of window `first`: not before the axis */
        const float *from =
            x + (size_t)((uint64_t)first * m->step + at - m->before) * inner;
        float *to = y + first * inner;
        if (m->step == 1) {
            k->binary(m->f, to, 1, from, 1, to, 0, (last - first) * inner);
            continue;
        }
        for (uint32_t j = first; j < last; j++) {
            k->binary(m->f, to, 1, from, 1, to, 0, inner);
            to += inner;
            from += m->step * inner;
        }
    }
}

void mli_run_pool(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_pool_step *m = &step->u.pool;
    const size_t rows = (size_t)frames * step->rows;
    const size_t from = (size_t)m->length * m->inner;
    const size_t to = (size_t)m->windows * m->inner;
    for (size_t i = 0; i < rows; i++)
        pool_row(k, m, step->x + i * from, step->y + i * to);
}
