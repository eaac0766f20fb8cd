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

static void copy_frames(const mli_kept *k, uint32_t to, frames x, uint32_t n)
{
    if (k->row == 0) {
        __builtin_memcpy(k->data + (size_t)to * k->width, x.from,
                         (size_t)n * k->width * sizeof(float));
        return;
    }
    if (n == 0)
        return;
    for (size_t c = 0; c < k->width; c++)
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
    for (size_t c = 0; k->row != 0 && c < k->width; c++)
        k->data[c * k->row + at] = x[c];
}

void mli_kept_reset(mli_kept *k, const mli_file *f, uint32_t i)
{
    const mli_file_state *from = f->states + i;
    const float *init = f->data + from->init;
    size_t all = ((size_t)k->capacity + k->mirror) * k->width;
    uint32_t first = k->front != 0 ? k->front - k->frames : 0;
    __builtin_memset(k->data, 0, all * sizeof(float));
    for (uint32_t n = 0; from->init_frames != 0 && n < k->frames; n++) {
        set_frame(k, first + n, init);
        init += from->init_frames > 1 ? k->width : 0;
    }
    mirror(k, 0, k->capacity);
    k->pos = k->frames < k->capacity ? first + k->frames : 0;
}

/* Where n frames are to go from pos on, before the ring begins again. */
static uint32_t before_end(const mli_kept *k, uint32_t n)
{
    uint32_t end = k->capacity - k->pos;
    return n < end ? n : end;
}

static void advance(mli_kept *k, uint32_t n)
{
    k->pos += n;
    if (k->pos >= k->capacity)
        k->pos -= k->capacity;
}

void mli_kept_push(mli_kept *k, const float *x, uint32_t n)
{
    uint32_t now = before_end(k, n);
    copy_frames(k, k->pos, (frames){x, 0}, now);
    mirror(k, k->pos, k->pos + now);
    if (now < n) {
        copy_frames(k, 0, (frames){x + (size_t)now * k->width, 0}, n - now);
        mirror(k, 0, n - now);
    }
    advance(k, n);
}

/* n frames of planes to `at`, and to the mirror. */
static void place_planes(const mli_kernels *by, const mli_kept *k, uint32_t at,
                         const float *x, size_t row, uint32_t n)
{
    by->rows(x, row, k->data + at, k->row, k->width, n);
    if (at >= k->mirror)
        return;
    uint32_t most = k->mirror - at;
    by->rows(x, row, k->data + k->capacity + at, k->row, k->width,
             n < most ? n : most);
}

uint32_t mli_kept_open(const mli_kernels *by, mli_kept *k)
{
    k->first = k->pos;
    if (k->front != 0) {
        const uint32_t old = (k->frames + 3) / 4 * 4;
        if (k->pos != k->front)
            by->rows(k->data + k->pos - old, k->row, k->data + k->front - old,
                     k->row, k->width, old);
        k->first = k->front;
    }
    return k->first;
}

/* What was written past the end lies where the mirror is. */
void mli_kept_close(const mli_kernels *by, mli_kept *k, uint32_t n)
{
    const uint32_t at = k->first, end = k->capacity - at;
    float *ring = k->data, *copy = ring + k->capacity;
    if (k->front != 0) {
        k->pos = at + n;
        return;
    }
    if (n > end)
        by->rows(copy, k->row, ring, k->row, k->width, n - end);
    if (at < k->mirror)
        by->rows(ring + at, k->row, copy + at, k->row, k->width,
                 n < k->mirror - at ? n : k->mirror - at);
    advance(k, n);
}

uint32_t mli_kept_push_planes(const mli_kernels *by, mli_kept *k,
                              const float *x, size_t row, uint32_t n)
{
    const uint32_t first = mli_kept_open(by, k);
    if (k->front != 0) {
        by->rows(x, row, k->data + first, k->row, k->width, n);
        k->pos = first + n;
        return first;
    }
    const uint32_t now = before_end(k, n);
    place_planes(by, k, first, x, row, now);
    if (now < n)
        place_planes(by, k, 0, x + now, row, n - now);
    advance(k, n);
    return first;
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
