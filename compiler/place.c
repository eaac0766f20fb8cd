/*
 * place.c - placing buffers on a line. Finding the lowest placement is hard in
 * general; in the graphs of this field one of a few orders nearly always meets
 * the bound, and random changes of the best one do for the rest.
 */
#include <stdlib.h>
#include <string.h>
#include "plan.h"

/*
 * Looks at a pair of buffers that the searches together may take; a million
 * take some 7 ms. First the placement of the best order is mended; later,
 * orders are searched only while the arena is larger than the bound by more
 * than a sixteenth. The first order is tried in any case.
 */
#define MEND_BUDGET   500000u
#define NEAR_BUDGET   4000000u
#define SEARCH_BUDGET 20000000u

enum { FIRST_FIT, BEST_FIT, FITS };

typedef struct extent {
    uint64_t from, to;
} extent;

typedef struct search {
    mlc_buffer *b;
    uint32_t n;
    uint64_t
        *first_meet;   /* meets[first_meet[i]] ... are the buffers that live */
    uint32_t *meets;   /* with i at some time */
    uint64_t *breadth; /* per buffer: the largest sum of what lives with it */
    uint32_t *order;   /* the one being tried */
    uint32_t *best;    /* the best so far, and its fit */
    char *placed;      /* has a place */
    extent *taken;     /* room for n: what is taken beside one buffer */
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

/* ------------------------------------------------- who lives with whom ---- */

static int by_first(const void *a, const void *b)
{
    const mlc_buffer *x = *(mlc_buffer *const *)a, *y = *(mlc_buffer *const *)b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

/*
 * Count (meets NULL) or list the pairs. Sorted by their start, the buffers that
 * start while one lives follow it: no pair is looked at in vain. 0 if there are
 * more than mli_open would look at.
 */
static int each_pair(search *s, mlc_buffer *const *sorted, uint64_t *at,
                     uint32_t *meets)
{
    uint64_t left = (1u << 24) + 256ull * s->n;

    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t k = i + 1;
             k < s->n && sorted[k]->first <= sorted[i]->last; k++) {
            uint32_t x = (uint32_t)(sorted[i] - s->b);
            uint32_t y = (uint32_t)(sorted[k] - s->b);

            if (left-- == 0)
                return 0;
            if (meets) {
                meets[at[x]] = y;
                meets[at[y]] = x;
            }
            at[x]++;
            at[y]++;
        }
    return 1;
}

static int find_meetings(search *s)
{
    mlc_buffer **sorted = malloc(s->n * sizeof *sorted);
    uint64_t *at = calloc((size_t)s->n + 1, sizeof *at);
    uint64_t sum = 0;
    int ok = sorted && at;

    for (uint32_t i = 0; ok && i < s->n; i++)
        sorted[i] = &s->b[i];
    if (ok) {
        qsort(sorted, s->n, sizeof *sorted, by_first);
        ok = each_pair(s, sorted, at, NULL);
        for (uint32_t i = 0; i <= s->n; i++) {
            uint64_t count = at[i];
            s->first_meet[i] = at[i] = sum;
            sum += count;
        }
    }
    if (ok) {
        s->meets = malloc((sum + 1) * sizeof *s->meets);
        ok = s->meets != NULL;
    }
    if (ok)
        each_pair(s, sorted, at, s->meets);
    free(sorted);
    free(at);
    return ok;
}

/* ------------------------------------------------------------- placing ---- */

static int by_offset(const void *a, const void *b)
{
    const extent *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void sort_extents(extent *e, uint32_t n)
{
    if (n > 48) {
        qsort(e, n, sizeof *e, by_offset);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        extent x = e[i];
        uint32_t k = i;
        for (; k > 0 && e[k - 1].from > x.from; k--)
            e[k] = e[k - 1];
        e[k] = x;
    }
}

/* What is taken while x lives, by offset; answers how many. */
static uint32_t find_taken(search *s, uint32_t x)
{
    uint32_t n = 0;

    s->work += 1 + s->first_meet[x + 1] - s->first_meet[x];
    for (uint64_t i = s->first_meet[x]; i < s->first_meet[x + 1]; i++) {
        const mlc_buffer *other = &s->b[s->meets[i]];

        if (!s->placed[s->meets[i]])
            continue;
        s->taken[n].from = other->offset;
        s->taken[n++].to = other->offset + other->size;
    }
    sort_extents(s->taken, n);
    return n;
}

/* The lowest (or tightest) place for x. */
static uint64_t find_gap(search *s, uint32_t x, int fit)
{
    uint32_t n = find_taken(s, x);
    uint64_t size = s->b[x].size, end = 0;
    uint64_t best = UINT64_MAX, best_gap = UINT64_MAX;

    for (uint32_t i = 0; i < n; i++) {
        const extent *e = &s->taken[i];

        if (e->from >= end && e->from - end >= size &&
            e->from - end < best_gap) {
            best = end;
            best_gap = e->from - end;
            if (fit == FIRST_FIT)
                return best;
        }
        if (e->to > end)
            end = e->to;
    }
    return best != UINT64_MAX ? best : end;
}

/* Place all in s->order; answers the height, or more than `most` if it is. */
static uint64_t place_all(search *s, int fit, uint64_t most)
{
    uint64_t height = 0;

    memset(s->placed, 0, s->n);
    for (uint32_t i = 0; i < s->n && height <= most; i++) {
        uint32_t x = s->order[i];
        uint64_t end;

        s->b[x].offset = find_gap(s, x, fit);
        s->placed[x] = 1;
        end = s->b[x].offset + s->b[x].size;
        if (end > height)
            height = end;
    }
    return height;
}

/* Try s->order; keep it if it is no worse than the best. */
static void try_order(search *s, int fit)
{
    uint64_t height = place_all(s, fit, s->height);

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

/* ------------------------------------------------------------ mending ---- */

/* Buffers that are placed anew together. */
#define MOST_MOVED 32u

static uint64_t excess(const search *s, uint32_t x, uint64_t bound)
{
    uint64_t end = s->b[x].offset + s->b[x].size;

    return end > bound ? end - bound : 0;
}

/* One that ends above the bound, or as often one that lives with it. */
static uint32_t find_culprit(search *s, uint64_t bound)
{
    uint32_t x = random_below(s, s->n);
    uint64_t meets;

    for (uint32_t k = 1; k < s->n && !excess(s, x, bound); k++)
        x = x + 1u < s->n ? x + 1u : 0;
    meets = s->first_meet[x + 1] - s->first_meet[x];
    s->work += 1;
    if (meets == 0 || meets > UINT32_MAX || random_below(s, 2))
        return x;
    return s->meets[s->first_meet[x] + random_below(s, (uint32_t)meets)];
}

/* A buffer and some that live with it, to s->order; answers how many. */
static uint32_t gather(search *s, uint32_t x)
{
    uint64_t from = s->first_meet[x], meets = s->first_meet[x + 1] - from;
    uint32_t n = 1, turn = 0;

    if (meets > MOST_MOVED - 1u)
        turn = random_below(s, meets < UINT32_MAX ? (uint32_t)meets : 1u);
    s->order[0] = x;
    for (uint64_t i = 0; i < meets && n < MOST_MOVED; i++, n++) {
        uint32_t to = 1u + random_below(s, n);

        s->order[n] = s->order[to < n ? to : n];
        s->order[to] = s->meets[from + (turn + i) % meets];
    }
    return n;
}

/* One worse placement of so many is taken all the same: none leads out of
   some. */
#define WORSE_IN 16u

/* Place them anew, the first first; answers by how much that is better, which
   may be less than 0 and wraps. */
static uint64_t move_some(search *s, uint32_t n, uint64_t bound)
{
    uint64_t old[MOST_MOVED], before = 0, after = 0;
    int fit = (int)random_below(s, FITS);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = s->order[i];

        old[i] = s->b[x].offset;
        before += excess(s, x, bound);
        s->placed[x] = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = s->order[i];

        s->b[x].offset = find_gap(s, x, fit);
        s->placed[x] = 1;
        after += excess(s, x, bound);
    }
    if (after <= before || random_below(s, WORSE_IN) == 0)
        return before - after;
    for (uint32_t i = 0; i < n; i++)
        s->b[s->order[i]].offset = old[i];
    return 0;
}

/*
 * A net of many layers is many crowded times in a row, which no change of one
 * order meets at once: place a few buffers anew, and count by how much all
 * together end above the bound.
 */
static void mend(search *s, uint64_t bound)
{
    uint64_t left = 0, most = s->work + MEND_BUDGET;

    for (uint32_t i = 0; i < s->n; i++) {
        s->b[i].offset = s->offsets[i];
        left += excess(s, i, bound);
    }
    memset(s->placed, 1, s->n);
    s->random = 2;
    while (left > 0 && s->work < most) {
        uint32_t n = gather(s, find_culprit(s, bound));

        left -= move_some(s, n, bound);
    }
    s->random = 1; /* what follows does not depend on this */
    if (left > 0)
        return;
    s->height = bound;
    for (uint32_t i = 0; i < s->n; i++)
        s->offsets[i] = s->b[i].offset;
}

static int goes_on(const search *s, uint64_t bound)
{
    if (s->work >= NEAR_BUDGET && s->height - bound <= bound / 16u)
        return 0;
    return s->height > bound && s->work < SEARCH_BUDGET;
}

static int run(search *s, uint32_t times, uint64_t bound)
{
    if (!find_breadth(s, times) || !find_meetings(s))
        return 0;
    for (int order = 0; order < ORDERS && s->height > bound; order++) {
        if (order && s->work > SEARCH_BUDGET)
            break;
        if (!make_order(s, order))
            return 0;
        for (int fit = 0; fit < FITS && s->height > bound; fit++)
            try_order(s, fit);
    }
    if (s->height > bound)
        mend(s, bound);
    while (goes_on(s, bound)) {
        memcpy(s->order, s->best, s->n * sizeof *s->order);
        if (random_below(s, 2))
            promote(s, bound);
        else
            swap_two(s);
        try_order(s, random_below(s, 4) ? s->fit : BEST_FIT - s->fit);
    }
    return 1;
}

static int make_room(search *s)
{
    size_t n = s->n;

    s->first_meet = calloc(n + 1, sizeof *s->first_meet);
    s->breadth = calloc(n, sizeof *s->breadth);
    s->order = malloc(n * sizeof *s->order);
    s->best = malloc(n * sizeof *s->best);
    s->placed = malloc(n);
    s->taken = malloc(n * sizeof *s->taken);
    s->offsets = malloc(n * sizeof *s->offsets);
    return s->first_meet && s->breadth && s->order && s->best && s->placed &&
           s->taken && s->offsets;
}

static void free_room(search *s)
{
    free(s->first_meet);
    free(s->meets);
    free(s->breadth);
    free(s->order);
    free(s->best);
    free(s->placed);
    free(s->taken);
    free(s->offsets);
}

uint64_t mlc_place(mlc_buffer *b, uint32_t n, uint32_t times, uint64_t bound)
{
    search s = {.b = b, .n = n, .height = UINT64_MAX, .random = 1};
    int ok;

    if (n == 0)
        return 0;
    ok = make_room(&s) && run(&s, times, bound);
    for (uint32_t i = 0; ok && i < n; i++)
        b[i].offset = s.offsets[i];
    free_room(&s);
    return ok ? s.height : UINT64_MAX;
}
