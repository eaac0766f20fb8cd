/*
 * step_walk.c - copies and binary operators over strided axes.
 */
#include "session.h"

/* The axes but the last, counted like an odometer. Offsets of both operands
   go with it. */
typedef struct walk {
    const mli_walk_step *of;
    uint32_t at[MLI_MAX_RANK];
    int64_t offset[2];
} walk;

static int next(walk *w)
{
    const mli_walk_step *s = w->of;
    for (uint32_t i = s->axes - 1; i-- > 0;) {
        w->offset[0] += s->stride[0][i];
        w->offset[1] += s->stride[1][i];
        if (++w->at[i] < s->count[i])
            return 1;
        w->offset[0] -= s->stride[0][i] * s->count[i];
        w->offset[1] -= s->stride[1][i] * s->count[i];
        w->at[i] = 0;
    }
    return 0;
}

static void copy_row(const float *x, int64_t x_stride, float *y,
                     int64_t y_stride, size_t n)
{
    if (x_stride == 1 && y_stride == 1 && n > 16) {
        __builtin_memcpy(y, x, n * sizeof(float));
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[(int64_t)i * y_stride] = x[(int64_t)i * x_stride];
}

void mli_run_copy(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    uint32_t last = s->axes - 1;
    size_t n = s->count[last];
    (void)k;
    if (s->joined) {
        n *= frames;
        frames = 1;
    }
    for (uint32_t f = 0; f < frames; f++) {
        walk w = {s, {0}, {f * s->time[0], f * s->time[1]}};
        do
            copy_row(step->x + w.offset[0], s->stride[0][last],
                     step->y + w.offset[1], s->stride[1][last], n);
        while (next(&w));
    }
}

void mli_run_binary(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    uint32_t last = s->axes - 1;
    size_t n = s->count[last];
    float *y = step->y;
    if (s->joined) {
        n *= frames;
        frames = 1;
    }
    for (uint32_t f = 0; f < frames; f++) {
        walk w = {s, {0}, {f * s->time[0], f * s->time[1]}};
        do {
            k->binary((mli_binary)s->f, step->x + w.offset[0],
                      (size_t)s->stride[0][last], step->x2 + w.offset[1],
                      (size_t)s->stride[1][last], y, 0, n);
            y += n;
        } while (next(&w));
    }
}

void mli_run_fill(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    size_t n = (size_t)frames * step->elements;
    (void)k;
    for (size_t i = 0; i < n; i++)
        step->y[i] = step->u.value;
}
