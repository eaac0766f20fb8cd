/*
 * place.c - placing buffers on a line. Finding the lowest placement is hard in
 * general; in the graphs of this field one of a few orders nearly always meets
 * the bound, and random changes of the best order do for the rest.
 */
#include <stdlib.h>
#include <string.h>
#include "plan.h"

/* Comparisons of two buffers that all searching together may take: about a
   second. The first order is tried in any case. */
#define SEARCH_BUDGET 400000000ull

enum { FIRST_FIT, BEST_FIT, FITS };

typedef struct search {
    mlc_buffer *b;
    uint32_t n;
    uint64_t *breadth; /* per buffer: the largest sum of what lives with it */
    uint32_t *order;   /* the one being tried */
    uint32_t *best;    /* the best so far, and its fit */
    uint32_t *placed;  /* buffers that have a place, by offset */
    uint64_t *offsets; /* the best placement */
    uint64_t height;   /* its height */
    uint64_t work;
    uint64_t random;
    int fit;
} search;

uint64_t mlc_place_bound(const mlc_buffer *b, uint32_t n, uint32_t times,
                         int *ok)
{
    /* sums wrap around below zero and back: unsigned */
    uint64_t *change = calloc((size_t)times + 1, sizeof *change);
    uint64_t sum = 0, bound = 0;

    *ok = change != NULL;
    if (!change)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        change[b[i].first] += b[i].size;
        change[b[i].last + 1u] -= b[i].size;
    }
    for (uint32_t t = 0; t < times; t++) {
        sum += change[t];
        if (sum > bound)
            bound = sum;
    }
    free(change);
    return bound;
}

/* The lowest (or tightest) place for `x` among those that have one. */
static uint64_t find_gap(search *s, uint32_t x, uint32_t placed, int fit)
{
    const mlc_buffer *b = s->b, *me = &s->b[x];
    uint64_t end = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

    s->work += placed + 1u;
    for (uint32_t i = 0; i < placed; i++) {
        const mlc_buffer *other = &b[s->placed[i]];

        if (other->last < me->first || other->first > me->last)
            continue;
        if (other->offset >= end && other->offset - end >= me->size &&
            other->offset - end < best_gap) {
            best = end;
            best_gap = other->offset - end;
            if (fit == FIRST_FIT)
                return best;
        }
        if (other->offset + other->size > end)
            end = other->offset + other->size;
    }
    return best != UINT64_MAX ? best : end;
}

static void insert_placed(search *s, uint32_t x, uint32_t placed)
{
    uint32_t low = 0, high = placed;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2u;
        if (s->b[s->placed[middle]].offset <= s->b[x].offset)
            low = middle + 1u;
        else
            high = middle;
    }
    memmove(s->placed + low + 1, s->placed + low,
            (placed - low) * sizeof *s->placed);
    s->placed[low] = x;
}

/* Place all in s->order; answers the height. */
static uint64_t place_all(search *s, int fit)
{
    uint64_t height = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t x = s->order[i];
        uint64_t end;

        s->b[x].offset = find_gap(s, x, i, fit);
        insert_placed(s, x, i);
        end = s->b[x].offset + s->b[x].size;
        if (end > height)
            height = end;
    }
    return height;
}

/* Try s->order; keep it if it is no worse than the best. */
static void try_order(search *s, int fit)
{
    uint64_t height = place_all(s, fit);

    if (height > s->height)
        return;
    s->height = height;
    s->fit = fit;
    memcpy(s->best, s->order, s->n * sizeof *s->best);
    for (uint32_t i = 0; i < s->n; i++)
        s->offsets[i] = s->b[i].offset;
}

/* ------------------------------------------------------------- orders ---- */

typedef struct keyed {
    uint64_t key, second;
    uint32_t index;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? 1 : -1;
    if (x->second != y->second)
        return x->second < y->second ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

enum { BY_SIZE, BY_LIFE, BY_AREA, BY_BREADTH, BY_START, BY_END, ORDERS };

static uint64_t key_of(const search *s, uint32_t i, int order)
{
    const mlc_buffer *b = &s->b[i];
    uint64_t life = (uint64_t)b->last - b->first + 1u;

    switch (order) {
    case BY_SIZE:
        return b->size;
    case BY_LIFE:
        return life;
    case BY_AREA:
        return b->size * life;
    case BY_BREADTH:
        return s->breadth[i];
    case BY_START:
        return UINT32_MAX - b->first;
    default:
        return b->last;
    }
}

static int make_order(search *s, int order)
{
    keyed *k = malloc(s->n * sizeof *k);

    if (!k)
        return 0;
    for (uint32_t i = 0; i < s->n; i++) {
        k[i].key = key_of(s, i, order);
        k[i].second = s->b[i].size;
        k[i].index = i;
    }
    qsort(k, s->n, sizeof *k, by_key);
    for (uint32_t i = 0; i < s->n; i++)
        s->order[i] = k[i].index;
    free(k);
    return 1;
}

/* For each buffer the largest sum that lives at one of its times. */
static int find_breadth(search *s, uint32_t times)
{
    uint64_t *sum = calloc((size_t)times + 1, sizeof *sum);

    if (!sum)
        return 0;
    for (uint32_t i = 0; i < s->n; i++) {
        sum[s->b[i].first] += s->b[i].size;
        sum[s->b[i].last + 1u] -= s->b[i].size;
    }
    for (uint32_t t = 1; t < times; t++)
        sum[t] += sum[t - 1];
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t last = s->b[i].last;

        /* long lives are sampled: this only makes an order */
        uint32_t step = (last - s->b[i].first) / 256u + 1u;
        for (uint32_t t = s->b[i].first; t <= last && t >= s->b[i].first;
             t += step)
            if (sum[t] > s->breadth[i])
                s->breadth[i] = sum[t];
    }
    free(sum);
    return 1;
}

/* ---------------------------------------------------------- searching ---- */

static uint32_t random_below(search *s, uint32_t n)
{
    s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((s->random >> 33) % n);
}

/* Move a buffer that ends above the bound to an earlier turn. */
static void promote(search *s, uint64_t bound)
{
    uint32_t from = random_below(s, s->n), to, x;

    for (uint32_t k = 0; k < s->n; k++, from = (from + 1u) % s->n) {
        x = s->order[from];
        if (s->offsets[x] + s->b[x].size > bound)
            break;
    }
    to = random_below(s, from + 1u);
    x = s->order[from];
    memmove(s->order + to + 1, s->order + to, (from - to) * sizeof *s->order);
    s->order[to] = x;
}

static void swap_two(search *s)
{
    uint32_t i = random_below(s, s->n), k = random_below(s, s->n);
    uint32_t x = s->order[i];

    s->order[i] = s->order[k];
    s->order[k] = x;
}

static int run(search *s, uint32_t times, uint64_t bound)
{
    if (!find_breadth(s, times))
        return 0;
    for (int order = 0; order < ORDERS && s->height > bound; order++) {
        if (order && s->work > SEARCH_BUDGET)
            break;
        if (!make_order(s, order))
            return 0;
        for (int fit = 0; fit < FITS && s->height > bound; fit++)
            try_order(s, fit);
    }
    while (s->height > bound && s->work < SEARCH_BUDGET) {
        memcpy(s->order, s->best, s->n * sizeof *s->order);
        if (random_below(s, 2))
            promote(s, bound);
        else
            swap_two(s);
        try_order(s, random_below(s, 4) ? s->fit : BEST_FIT - s->fit);
    }
    return 1;
}

uint64_t mlc_place(mlc_buffer *b, uint32_t n, uint32_t times, uint64_t bound)
{
    search s = {.b = b, .n = n, .height = UINT64_MAX, .random = 1};
    int ok;

    if (n == 0)
        return 0;
    s.breadth = calloc(n, sizeof *s.breadth);
    s.order = malloc(n * sizeof *s.order);
    s.best = malloc(n * sizeof *s.best);
    s.placed = malloc(n * sizeof *s.placed);
    s.offsets = malloc(n * sizeof *s.offsets);
    ok = s.breadth && s.order && s.best && s.placed && s.offsets &&
         run(&s, times, bound);
    for (uint32_t i = 0; ok && i < n; i++)
        b[i].offset = s.offsets[i];
    free(s.breadth);
    free(s.order);
    free(s.best);
    free(s.placed);
    free(s.offsets);
    return ok ? s.height : UINT64_MAX;
}
