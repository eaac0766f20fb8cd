/*
 * step_order.c - which element of a row is the largest, and the k largest of
 * them in order.
 */
#include "session.h"

/* Does x come before y? NaN comes last. */
static int before(const mli_order_step *s, float x, float y)
{
    if (y != y)
        return x == x;
    return s->smallest ? x < y : x > y;
}

void mli_run_arg(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_order_step *s = &step->u.order;
    size_t rows = (size_t)frames * step->rows;
    (void)k;
    for (size_t r = 0; r < rows; r++) {
        const float *x = step->x + r * s->size;
        uint32_t best = 0;
        for (uint32_t i = 1; i < s->size; i++)
            if (before(s, x[i], x[best]) ||
                (s->last && !before(s, x[best], x[i])))
                best = i;
        step->y[r] = (float)best;
    }
}

/*
 * The k first are kept in y as a heap of their places with the last of them on
 * top, then sorted: k + log k steps an element at most, no memory but y. Places
 * are unique, so the order is total.
 */
static int place_before(const mli_order_step *s, const float *x, float m,
                        float n)
{
    float a = x[(uint32_t)m], b = x[(uint32_t)n];
    if (before(s, a, b))
        return 1;
    return !before(s, b, a) && m < n;
}

static void sink(const mli_order_step *s, const float *x, float *heap,
                 uint32_t n, float place)
{
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && place_before(s, x, heap[child], heap[child + 1]))
            child++;
        if (!place_before(s, x, place, heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = place;
}

static void rise(const mli_order_step *s, const float *x, float *heap,
                 uint32_t at, float place)
{
    while (at > 0 && place_before(s, x, heap[(at - 1) / 2], place)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = place;
}

static void topk_row(const mli_order_step *s, const float *x, float *y)
{
    for (uint32_t i = 0; i < s->k; i++)
        rise(s, x, y, i, (float)i);
    for (uint32_t i = s->k; i < s->size; i++)
        if (before(s, x[i], x[(uint32_t)y[0]]))
            sink(s, x, y, s->k, (float)i);
    for (uint32_t n = s->k; n > 1; n--) {
        float last = y[0], place = y[n - 1];
        sink(s, x, y, n - 1, place);
        y[n - 1] = last;
    }
    if (!s->indices)
        for (uint32_t i = 0; i < s->k; i++)
            y[i] = x[(uint32_t)y[i]];
}

void mli_run_topk(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_order_step *s = &step->u.order;
    size_t rows = (size_t)frames * step->rows;
    (void)k;
    for (size_t r = 0; r < rows; r++)
        topk_row(s, step->x + r * s->size, step->y + r * s->k);
}
