/*
 * step_distance.c - distances of a row to many points. Points lie side by side
 * in the packed weights, so a group of them is summed at a time, each over the
 * inputs in order.
 */
#include "session.h"

#define GROUP MLI_PANEL

typedef struct group {
    const mli_kernels *k;
    const mli_distance_step *d;
    const float *x;
    const float *w; /* of the group: inputs rows of `width` */
    uint32_t width;
    float y[GROUP];
} group;

static void squares(group *g)
{
    for (uint32_t i = 0; i < g->d->inputs; i++, g->w += g->width)
        for (uint32_t o = 0; o < g->width; o++) {
            float d = g->x[i] - g->w[o];
            g->y[o] += d * d;
        }
}

static void absolutes(group *g)
{
    for (uint32_t i = 0; i < g->d->inputs; i++, g->w += g->width)
        for (uint32_t o = 0; o < g->width; o++)
            g->y[o] += __builtin_fabsf(g->x[i] - g->w[o]);
}

/* NaN stays: a greatest value that ignores it would hide it. */
static void greatest(group *g)
{
    for (uint32_t i = 0; i < g->d->inputs; i++, g->w += g->width)
        for (uint32_t o = 0; o < g->width; o++) {
            float d = __builtin_fabsf(g->x[i] - g->w[o]);
            g->y[o] = d <= g->y[o] ? g->y[o] : d;
        }
}

static void powers(group *g)
{
    float d[GROUP];
    for (uint32_t i = 0; i < g->d->inputs; i++, g->w += g->width) {
        for (uint32_t o = 0; o < g->width; o++)
            d[o] = __builtin_fabsf(g->x[i] - g->w[o]);
        g->k->binary(MLI_POW, d, 1, &g->d->p, 0, d, 0, g->width);
        for (uint32_t o = 0; o < g->width; o++)
            g->y[o] += d[o];
    }
}

static void roots_of_powers(group *g)
{
    float root = 1.0f / g->d->p;
    powers(g);
    g->k->binary(MLI_POW, g->y, 1, &root, 0, g->y, 0, g->width);
}

static void cosines(group *g)
{
    float squares[GROUP + 1] = {0};
    for (uint32_t i = 0; i < g->d->inputs; i++, g->w += g->width) {
        squares[g->width] += g->x[i] * g->x[i];
        for (uint32_t o = 0; o < g->width; o++) {
            g->y[o] += g->x[i] * g->w[o];
            squares[o] += g->w[o] * g->w[o];
        }
    }
    g->k->unary(MLI_SQRT, 0.0f, 0.0f, squares, squares, 0, g->width + 1u);
    for (uint32_t o = 0; o < g->width; o++)
        g->y[o] = 1.0f - g->y[o] / (squares[o] * squares[g->width]);
}

static void (*const sums[MLI_DISTANCE_COUNT])(group *) = {
    [MLI_SQUARED_EUCLIDEAN] = squares, [MLI_EUCLIDEAN] = squares,
    [MLI_MANHATTAN] = absolutes,       [MLI_CHEBYSHEV] = greatest,
    [MLI_MINKOWSKI] = roots_of_powers, [MLI_COSINE] = cosines,
    [MLI_POWER_SUM] = powers,
};

static void row(const mli_kernels *k, const mli_distance_step *d,
                const float *x, float *y)
{
    const float *w = d->w;
    for (uint32_t at = 0; at < d->points; at += GROUP) {
        uint32_t left = d->points - at, n = left < GROUP ? left : GROUP;
        group g = {k, d, x, w, (n + 3) / 4 * 4, {0}};
        sums[d->metric](&g);
        if (d->metric == MLI_EUCLIDEAN)
            k->unary(MLI_SQRT, 0.0f, 0.0f, g.y, g.y, 0, n);
        __builtin_memcpy(y + at, g.y, n * sizeof(float));
        w += (size_t)g.width * d->inputs;
    }
}

void mli_run_distance(const mli_kernels *k, const mli_step *step,
                      uint32_t frames)
{
    const mli_distance_step *d = &step->u.distance;
    size_t rows = (size_t)frames * step->rows;
    for (size_t r = 0; r < rows; r++)
        row(k, d, step->x + r * d->inputs, step->y + r * d->points);
}
