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

/* Rows are often a few channels: four at a time, without a call. */
static void copy_adjacent(const float *x, float *y, size_t n)
{
    if (n > 64) {
        __builtin_memcpy(y, x, n * sizeof(float));
        return;
    }
    for (; n >= 4; n -= 4, x += 4, y += 4)
        __builtin_memcpy(y, x, 4 * sizeof(float));
    for (; n != 0; n--)
        *y++ = *x++;
}

static void copy_row(const float *x, int64_t x_stride, float *y,
                     int64_t y_stride, size_t n)
{
    if (x_stride == 1 && y_stride == 1) {
        copy_adjacent(x, y, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[(int64_t)i * y_stride] = x[(int64_t)i * x_stride];
}

/* What follows takes a frame's only row, or all its rows one by one. */

static void copy_frame(const mli_walk_step *s, const float *x, float *y,
                       size_t n)
{
    uint32_t last = s->axes - 1;
    walk w = {s, {0}, {0, 0}};
    do
        copy_row(x + w.offset[0], s->stride[0][last], y + w.offset[1],
                 s->stride[1][last], n);
    while (next(&w));
}

void mli_run_copy(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    const float *x = step->x;
    float *y = step->y;
    size_t n = s->count[s->axes - 1];
    (void)k;
    if (s->joined) {
        n *= frames;
        frames = 1;
    }
    for (; frames != 0; frames--, x += s->time[0], y += s->time[1])
        if (s->axes == 1)
            copy_row(x, s->stride[0][0], y, s->stride[1][0], n);
        else
            copy_frame(s, x, y, n);
}

/* Returns where y goes on. */
static float *binary_frame(const mli_kernels *k, const mli_walk_step *s,
                           const float *a, const float *b, float *y, size_t n)
{
    uint32_t last = s->axes - 1;
    walk w = {s, {0}, {0, 0}};
    do {
        k->binary((mli_binary)s->f, a + w.offset[0], (size_t)s->stride[0][last],
                  b + w.offset[1], (size_t)s->stride[1][last], y, 0, n);
        y += n;
    } while (next(&w));
    return y;
}

void mli_run_binary(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    const float *a = step->x, *b = step->x2;
    float *y = step->y;
    size_t n = s->count[s->axes - 1];
    if (s->joined) {
        k->binary((mli_binary)s->f, a, (size_t)s->stride[0][0], b,
                  (size_t)s->stride[1][0], y, 0, n * frames);
        return;
    }
    for (; frames != 0; frames--, a += s->time[0], b += s->time[1])
        y = binary_frame(k, s, a, b, y, n);
}

void mli_run_fill(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    size_t n = (size_t)frames * step->elements;
    (void)k;
    for (size_t i = 0; i < n; i++)
        step->y[i] = step->u.value;
}
