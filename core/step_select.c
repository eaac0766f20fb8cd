/*
 * step_select.c - c != 0 ? a : b over broadcast axes.
 */
#include "session.h"

/* A line along the innermost axis. */
static void line(const float *const from[3], const int64_t stride[3], float *y,
                 uint32_t n)
{
    const float *c = from[0], *a = from[1], *b = from[2];
    if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) {
        for (uint32_t i = 0; i < n; i++)
            y[i] = c[i] != 0.0f ? a[i] : b[i];
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        y[i] = c[(int64_t)i * stride[0]] != 0.0f ? a[(int64_t)i * stride[1]]
                                                 : b[(int64_t)i * stride[2]];
}

/* The axes but the innermost, counted like an odometer. */
static int next(const mli_select_step *s, uint32_t *at, const float **from)
{
    for (uint32_t i = 1; i < s->axes; i++) {
        int full = ++at[i] == s->count[i];
        int64_t back = full ? (int64_t)s->count[i] - 1 : -1;
        for (uint32_t k = 0; k < 3; k++)
            from[k] -= s->stride[k][i] * back;
        if (!full)
            return 1;
        at[i] = 0;
    }
    return 0;
}

void mli_run_select(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_select_step *s = &step->u.select;
    const int64_t inner[3] = {s->stride[0][0], s->stride[1][0],
                              s->stride[2][0]};
    float *y = step->y;
    (void)k;
    for (uint32_t f = 0; f < frames; f++) {
        uint32_t at[MLI_MAX_RANK] = {0};
        const float *from[3];
        for (uint32_t i = 0; i < 3; i++)
            from[i] = s->from[i] + (size_t)s->time[i] * f;
        do {
            line(from, inner, y, s->count[0]);
            y += s->count[0];
        } while (next(s, at, from));
    }
}
