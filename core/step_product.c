/*
 * step_product.c - products of computed matrices: b is put into the order of
 * weights, then a's rows go through the same kernel as a dense layer's.
 */
#include "session.h"
#include "weights.h"

/* b times a factor, packed: column o of the product, inner index i. What fills
   up the last panel is zero. */
static void pack(const mli_product_step *m, const float *b)
{
    uint32_t columns = m->conv.out_per_group, inner = m->conv.in_per_group;
    size_t by_column = m->transposed ? inner : 1;
    size_t by_inner = m->transposed ? 1 : columns;
    float *to = m->packed;
    for (uint32_t base = 0; base < columns; base += MLI_PANEL) {
        uint32_t left = columns - base;
        uint32_t real = left < MLI_PANEL ? left : MLI_PANEL;
        uint32_t width = (real + 3u) / 4u * 4u;
        const float *from = b + base * by_column;
        for (uint32_t i = 0; i < inner; i++, from += by_inner, to += width)
            for (uint32_t o = 0; o < width; o++)
                to[o] = o < real ? m->scale * from[o * by_column] : 0.0f;
    }
}

/* Where matrix `at` of a frame begins in a and b. */
static void matrix_at(const mli_walk_step *w, size_t at, const float **a,
                      const float **b)
{
    for (uint32_t i = w->axes; i-- > 0; at /= w->axis[i].count) {
        int64_t k = (int64_t)(at % w->axis[i].count);
        *a += k * w->axis[i].stride[0];
        *b += k * w->axis[i].stride[1];
    }
}

void mli_run_product(const mli_kernels *k, const mli_step *step,
                     uint32_t frames)
{
    const mli_product_step *m = &step->u.product;
    size_t size = (size_t)step->rows * m->conv.out_per_group;
    size_t matrices = step->elements / size;
    const float *packed = NULL;
    mli_conv c = m->conv;
    c.y = step->y;
    for (uint32_t f = 0; f < frames; f++)
        for (size_t i = 0; i < matrices; i++, c.y += size) {
            const float *a = step->x + (int64_t)f * m->walk.time[0];
            const float *b = step->x2 + (int64_t)f * m->walk.time[1];
            matrix_at(&m->walk, i, &a, &b);
            if (b != packed)
                pack(m, b);
            packed = b;
            c.x = a;
            k->conv(&c, 0, c.out_per_group);
        }
}

/* Units of a matrix: b in order, then its rows. */
void mli_part_product(const mli_kernels *k, const mli_step *step,
                      uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_product_step *m = &step->u.product;
    size_t size = (size_t)step->rows * m->conv.out_per_group;
    uint32_t each = step->rows + 1;
    uint32_t matrices = (uint32_t)(step->elements / size);
    (void)frames;
    while (first < last) {
        uint32_t matrix = first / each, at = first % each;
        uint32_t n = each - at < last - first ? each - at : last - first;
        int64_t frame = matrix / matrices;
        const float *a = step->x + frame * m->walk.time[0];
        const float *b = step->x2 + frame * m->walk.time[1];
        mli_conv c = m->conv;
        matrix_at(&m->walk, matrix % matrices, &a, &b);
        first += n;
        if (at == 0) {
            pack(m, b);
            at++;
            n--;
        }
        if (n == 0)
            continue;
        c.x = a + (size_t)(at - 1) * c.x_stride;
        c.y = step->y + matrix * size + (size_t)(at - 1) * c.y_stride;
        c.frames = n;
        k->conv(&c, 0, c.out_per_group);
    }
}
