/*
 * reference_image.c - convolutions of images and pools, from their definition.
 */
#include <math.h>
#include "reference_ops.h"
#include "weights.h"

static double weight(const reference_frame *r, uint32_t o, uint32_t tap,
                     uint32_t i)
{
    const uint32_t *p = r->op->p;
    uint32_t taps = p[0] * p[1];
    uint32_t in = r->x->dims[r->x->rank - 1] / p[6] * (p[7] ? 4 : 1);
    uint32_t out = r->y->dims[r->y->rank - 1] / p[6];
    if (p[6] > 1 && in == 1 && out == 1)
        return r->in[1][mli_packed_index(p[6], taps, 1, o, tap, 0)];
    return r->in[1][o / out * mli_packed_size(out, taps, in) +
                    mli_packed_index(out, taps, in, o % out, tap, i)];
}

/* Output o of the pixel at row, column of y; image: the one of x. */
static double pixel(const reference_frame *r, const double *image, uint32_t row,
                    uint32_t column, uint32_t o)
{
    const uint32_t *p = r->op->p, *dims = r->x->dims + r->x->rank - 3;
    uint32_t in = dims[2] / p[6], out = r->y->dims[r->y->rank - 1] / p[6];
    double sum = r->in[2] ? r->in[2][o] : 0;
    uint32_t all = dims[2];
    if (p[7]) { /* words of bytes */
        in *= 4;
        all *= 4;
    }
    for (uint32_t a = 0; a < p[0]; a++)
        for (uint32_t b = 0; b < p[1]; b++)
            for (uint32_t i = 0; i < in; i++) {
                uint32_t m = row * p[4] + a * p[2];
                uint32_t n = column * p[5] + b * p[3];
                size_t at = (m * dims[1] + n) * all + o / out * in + i;
                sum += weight(r, o, a * p[1] + b, i) *
                       (p[7] ? reference_byte(image, at) : image[at]);
            }
    return sum;
}

static uint32_t product(const uint32_t *dims, uint32_t from, uint32_t to)
{
    uint32_t n = 1;
    while (from < to)
        n *= dims[from++];
    return n;
}

void reference_conv2d(const reference_frame *r)
{
    uint32_t rank = r->x->rank, at = 0;
    const uint32_t *to = r->y->dims + rank - 3;
    uint32_t images = product(r->x->dims, 0, rank - 3);
    uint32_t size = product(r->x->dims, rank - 3, rank);
    for (uint32_t n = 0; n < images; n++)
        for (uint32_t row = 0; row < to[0]; row++)
            for (uint32_t column = 0; column < to[1]; column++)
                for (uint32_t o = 0; o < to[2]; o++)
                    r->out[at++] = reference_fn(
                        r->op, pixel(r, r->in[0] + n * size, row, column, o));
}

static double joined(uint32_t f, double a, double b)
{
    switch (f) {
    case MLI_REDUCE_SUM:
        return a + b;
    case MLI_REDUCE_MAX:
        return fmax(a, b);
    case MLI_REDUCE_MIN:
        return fmin(a, b);
    default:
        return a * b;
    }
}

void reference_pool(const reference_frame *r)
{
    const uint32_t *p = r->op->p, *dims = r->x->dims;
    uint32_t inner = product(dims, p[1] + 1, r->x->rank);
    uint32_t outer = product(dims, 0, p[1]), count = r->y->dims[p[1]];
    double none = p[0] == MLI_REDUCE_SUM   ? 0
                  : p[0] == MLI_REDUCE_MAX ? -INFINITY
                  : p[0] == MLI_REDUCE_MIN ? INFINITY
                                           : 1;
    for (uint32_t o = 0; o < outer; o++)
        for (uint32_t j = 0; j < count; j++)
            for (uint32_t i = 0; i < inner; i++) {
                double v = none;
                for (uint32_t k = 0; k < p[2]; k++) {
                    int64_t at = (int64_t)j * p[3] + (int64_t)k * p[4] - p[5];
                    if (at >= 0 && at < dims[p[1]])
                        v = joined(p[0], v,
                                   r->in[0][(o * dims[p[1]] + at) * inner + i]);
                }
                r->out[(o * count + j) * inner + i] = v;
            }
}
