/*
 * step_rates.c - groups of frames, and frames out of groups. Clocks say how
 * many frames came before, so which frame of a group is next.
 */
#include "session.h"

static float *copy(float *to, const float *from, size_t n)
{
    __builtin_memcpy(to, from, n * sizeof(float));
    return to + n;
}

/* Frame `at` of the ring and those after it at distances `dilation`. */
static float *gather(const mli_rate_step *r, uint32_t at, float *y)
{
    const mli_kept *ring = r->kept;
    size_t width = r->width;
    if (r->dilation == 1) {
        uint32_t end = ring->capacity - at;
        uint32_t now = r->taps < end ? r->taps : end;
        y = copy(y, ring->data + at * width, now * width);
        return copy(y, ring->data, (r->taps - now) * width);
    }
    for (uint32_t k = 0; k < r->taps; k++) {
        y = copy(y, ring->data + at * width, width);
        at += r->dilation; /* below 2^29 */
        if (at >= ring->capacity)
            at -= ring->capacity;
    }
    return y;
}

void mli_run_unfold(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_rate_step *r = &step->u.rate;
    mli_kept *ring = r->kept;
    const mli_clock *y_clock = r->other;
    float *y = step->y;
    uint32_t at = ring != NULL ? ring->pos : 0;
    /* y's next frame ends with this one of x's in hand */
    uint32_t i = (y_clock->before + 1) * r->step - 1 - step->clock->before;
    (void)k;
    if (ring != NULL)
        mli_kept_push(ring, step->x, frames);
    for (uint32_t n = y_clock->frames; n != 0; n--, i += r->step) {
        if (ring == NULL) {
            y = copy(y, step->x + (size_t)i * r->width, r->width);
            continue;
        }
        /* the ring holds its frames and a tile more: back over the end */
        uint32_t oldest = at + i + ring->capacity - ring->frames;
        while (oldest >= ring->capacity)
            oldest -= ring->capacity;
        y = gather(r, oldest, y);
    }
}

void mli_run_depth_to_time(const mli_kernels *k, const mli_step *step,
                           uint32_t frames)
{
    const mli_rate_step *r = &step->u.rate;
    float *playing = r->kept->data, *y = step->y;
    const float *x = step->x;
    size_t width = r->width;
    uint32_t next = step->clock->before - r->other->before * r->step + 1;
    (void)k;
    while (frames != 0) {
        if (next == r->step) {
            copy(playing, x, r->step * width);
            x += r->step * width;
            next = 0;
        }
        uint32_t n = r->step - next < frames ? r->step - next : frames;
        y = copy(y, playing + next * width, n * width);
        next += n;
        frames -= n;
    }
}
