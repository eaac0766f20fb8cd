#include "session.h"

void mli_run_delay(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    mli_kept *ring = step->u.kept;
    const float *x = step->x;
    float *y = step->y;
    (void)k;
    while (frames != 0) {
        uint32_t end = ring->capacity - ring->pos;
        uint32_t now = frames < end ? frames : end;
        size_t n = (size_t)now * ring->width;
        mli_exchange(ring->data + (size_t)ring->pos * ring->width, x, y, n);
        ring->pos = now == end ? 0 : ring->pos + now;
        x += n;
        y += n;
        frames -= now;
    }
}

/* The count is a float, as all states are; init may be any number. */
static uint32_t count_of(float count, uint32_t most)
{
    return count >= (float)most ? most : count > 0.0f ? (uint32_t)count : 0;
}

uint32_t mli_count_held(mli_kept *kept, uint32_t most, uint32_t frames)
{
    uint32_t count = count_of(kept->data[0], most);
    uint32_t left = most - count;
    uint32_t silent = left < frames ? left : frames;
    kept->data[0] = (float)(count + silent);
    return silent;
}

void mli_run_hold(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    uint32_t silent = mli_count_held(step->u.kept, step->rows, frames);
    size_t n = (size_t)silent * step->elements;
    (void)k;
    __builtin_memset(step->y, 0, n * sizeof(float));
    if (step->y != step->x)
        __builtin_memcpy(step->y + n, step->x + n,
                         ((size_t)frames * step->elements - n) * sizeof(float));
}
