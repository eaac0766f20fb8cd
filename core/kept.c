#include "session.h"
#include "state.h"

static void copy_frames(const mli_kept *k, uint32_t to, const float *from,
                        uint32_t n)
{
    __builtin_memcpy(k->data + (size_t)to * k->width, from,
                     (size_t)n * k->width * sizeof(float));
}

/* The frames [first, last) of the ring again after its end. */
static void mirror(const mli_kept *k, uint32_t first, uint32_t last)
{
    if (last > k->mirror)
        last = k->mirror;
    if (first < last)
        copy_frames(k, k->capacity + first, k->data + (size_t)first * k->width,
                    last - first);
}

void mli_kept_reset(mli_kept *k)
{
    size_t all = ((size_t)k->capacity + k->mirror) * k->width;
    __builtin_memset(k->data, 0, all * sizeof(float));
    for (uint32_t i = 0; k->init_frames == 1 && i < k->frames; i++)
        copy_frames(k, i, k->init, 1);
    if (k->init_frames > 1)
        copy_frames(k, 0, k->init, k->frames);
    mirror(k, 0, k->capacity);
    k->pos = k->frames < k->capacity ? k->frames : 0;
}

void mli_kept_push(mli_kept *k, const float *x, uint32_t n)
{
    uint32_t end = k->capacity - k->pos;
    uint32_t now = n < end ? n : end;
    copy_frames(k, k->pos, x, now);
    mirror(k, k->pos, k->pos + now);
    k->pos += now;
    if (k->pos < k->capacity)
        return;
    copy_frames(k, 0, x + (size_t)now * k->width, n - now);
    mirror(k, 0, n - now);
    k->pos = n - now;
}

void mli_state_read(const mli_session *session, uint32_t state, float *out)
{
    const mli_kept *k = session->kept + state;
    uint32_t first = k->pos < k->frames ? k->pos + k->capacity - k->frames
                                        : k->pos - k->frames;
    for (uint32_t i = 0; i < k->frames; i++) {
        __builtin_memcpy(out, k->data + (size_t)first * k->width,
                         k->width * sizeof(float));
        out += k->width;
        first = first + 1 == k->capacity ? 0 : first + 1;
    }
}
