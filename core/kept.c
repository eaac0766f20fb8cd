#include "session.h"
#include "state.h"

/*
 * Frames on their way: side by side, or, if `row` is not 0, planes: so many
 * floats from channel to channel.
 */
typedef struct frames {
    const float *from;
    size_t row;
} frames;

static frames of_ring(const mli_kept *k, uint32_t at)
{
    if (k->row != 0)
        return (frames){k->data + at, k->row};
    return (frames){k->data + (size_t)at * k->width, 0};
}

/* The frames after the first n. */
static frames skip(const mli_kept *k, frames x, uint32_t n)
{
    x.from += x.row != 0 ? n : (size_t)n * k->width;
    return x;
}

static void copy_frames(const mli_kept *k, uint32_t to, frames x, uint32_t n)
{
    if (k->row == 0) {
        __builtin_memcpy(k->data + (size_t)to * k->width, x.from,
                         (size_t)n * k->width * sizeof(float));
        return;
    }
    if (n == 0)
        return;
    for (uint32_t c = 0; c < k->width; c++)
        __builtin_memcpy(k->data + c * k->row + to, x.from + c * x.row,
                         n * sizeof(float));
}

/* The frames [first, last) of the ring again after its end. */
static void mirror(const mli_kept *k, uint32_t first, uint32_t last)
{
    if (last > k->mirror)
        last = k->mirror;
    if (first < last)
        copy_frames(k, k->capacity + first, of_ring(k, first), last - first);
}

/* One frame of a file, whose channels are side by side. */
static void set_frame(const mli_kept *k, uint32_t at, const float *x)
{
    if (k->row == 0)
        copy_frames(k, at, (frames){x, 0}, 1);
    for (uint32_t c = 0; k->row != 0 && c < k->width; c++)
        k->data[c * k->row + at] = x[c];
}

void mli_kept_reset(mli_kept *k)
{
    size_t all = ((size_t)k->capacity + k->mirror) * k->width;
    __builtin_memset(k->data, 0, all * sizeof(float));
    for (uint32_t i = 0; k->init_frames != 0 && i < k->frames; i++)
        set_frame(k, i,
                  k->init + (k->init_frames > 1 ? (size_t)i * k->width : 0));
    mirror(k, 0, k->capacity);
    k->pos = k->frames < k->capacity ? k->frames : 0;
}

static void push(mli_kept *k, frames x, uint32_t n)
{
    uint32_t end = k->capacity - k->pos;
    uint32_t now = n < end ? n : end;
    copy_frames(k, k->pos, x, now);
    mirror(k, k->pos, k->pos + now);
    k->pos += now;
    if (k->pos < k->capacity)
        return;
    copy_frames(k, 0, skip(k, x, now), n - now);
    mirror(k, 0, n - now);
    k->pos = n - now;
}

void mli_kept_push(mli_kept *k, const float *x, uint32_t n)
{
    push(k, (frames){x, 0}, n);
}

void mli_kept_push_planes(mli_kept *k, const float *x, size_t row, uint32_t n)
{
    push(k, (frames){x, row}, n);
}

void mli_state_read(const mli_session *session, uint32_t state, float *out)
{
    const mli_kept *k = session->kept + state;
    uint32_t first = k->pos < k->frames ? k->pos + k->capacity - k->frames
                                        : k->pos - k->frames;
    for (uint32_t i = 0; i < k->frames; i++) {
        frames x = of_ring(k, first);
        for (uint32_t c = 0; c < k->width; c++)
            *out++ = x.from[c * (x.row != 0 ? x.row : 1)];
        first = first + 1 == k->capacity ? 0 : first + 1;
    }
}
