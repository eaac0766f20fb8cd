/*
 * step_index.c - elements by computed index. An index is cut towards 0 and
 * held inside its axis, whatever it is: nothing is read or written outside.
 */
#include "session.h"

/* n <= MLI_MAX_INDEX: exact in a float, and far below where int32_t ends. */
static size_t place_of(float index, uint32_t n)
{
    float limit = (float)n;
    if (!(index > -limit)) /* NaN as well */
        return 0;
    if (index >= limit)
        return n - 1;
    int32_t at = (int32_t)index;
    return (size_t)(at < 0 ? at + (int32_t)n : at);
}

static void copy(float *y, const float *x, size_t n)
{
    if (n == 1)
        *y = *x;
    else
        __builtin_memcpy(y, x, n * sizeof *y);
}

static void gather_frame(const mli_index_step *s, const float *x,
                         const float *index, float *y)
{
    for (uint32_t o = 0; o < s->outer; o++) {
        for (uint32_t i = 0; i < s->count; i++, y += s->inner)
            copy(y, x + place_of(index[i], s->length) * s->inner, s->inner);
        x += (size_t)s->length * s->inner;
    }
}

void mli_run_gather(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_index_step *s = &step->u.index;
    (void)k;
    for (uint32_t f = 0; f < frames; f++)
        gather_frame(s, step->x + (size_t)s->x_time * f,
                     s->index + (size_t)s->index_time * f,
                     step->y + (size_t)step->elements * f);
}

/* Index after index: where several name one place, the order counts. */
static void scatter_frame(const mli_kernels *k, const mli_index_step *s,
                          const float *index, const float *u, float *y)
{
    static const mli_binary combine[MLI_SCATTER_COUNT] = {
        [MLI_SCATTER_ADD] = MLI_ADD,
        [MLI_SCATTER_MUL] = MLI_MUL,
        [MLI_SCATTER_MAX] = MLI_MAX,
        [MLI_SCATTER_MIN] = MLI_MIN,
    };
    for (uint32_t i = 0; i < s->count; i++, u += s->inner) {
        float *to = y + place_of(index[i], s->length) * s->inner;
        if (s->option == MLI_SCATTER_SET)
            copy(to, u, s->inner);
        else
            k->binary(combine[s->option], to, 1, u, 1, to, 0, s->inner);
    }
}

void mli_run_scatter(const mli_kernels *k, const mli_step *step,
                     uint32_t frames)
{
    const mli_index_step *s = &step->u.index;
    for (uint32_t f = 0; f < frames; f++) {
        float *y = step->y + (size_t)step->elements * f;
        __builtin_memcpy(y, step->x + (size_t)s->x_time * f,
                         step->elements * sizeof *y);
        scatter_frame(k, s, s->index + (size_t)s->index_time * f,
                      s->update + (size_t)s->update_time * f, y);
    }
}

/* One line along the axis; its elements are `inner` floats apart. */
static void cumulate_line(const mli_index_step *s, const float *x, float *y)
{
    float sum = s->option ? 1.0f : 0.0f;
    for (uint32_t i = 0; i < s->length; i++) {
        uint32_t n = s->reverse ? s->length - 1 - i : i;
        size_t at = (size_t)n * s->inner;
        float next = s->option ? sum * x[at] : sum + x[at];
        y[at] = s->exclusive ? sum : next;
        sum = next;
    }
}

void mli_run_cumulate(const mli_kernels *k, const mli_step *step,
                      uint32_t frames)
{
    const mli_index_step *s = &step->u.index;
    size_t block = (size_t)s->length * s->inner;
    size_t blocks = (size_t)frames * s->outer;
    (void)k;
    for (size_t b = 0; b < blocks; b++)
        for (uint32_t i = 0; i < s->inner; i++)
            cumulate_line(s, step->x + b * block + i, step->y + b * block + i);
}
