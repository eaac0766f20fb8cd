#include "clock.h"

/* lcm of a and b, both at least 1; 0 if it is over MLI_MAX_PERIOD. */
static uint32_t common_multiple(uint32_t a, uint32_t b)
{
    uint32_t x = a, y = b;
    while (y != 0) {
        uint32_t rest = x % y;
        x = y;
        y = rest;
    }
    uint64_t m = (uint64_t)(a / x) * b;
    return m <= MLI_MAX_PERIOD ? (uint32_t)m : 0;
}

uint32_t mli_cycle(const mli_file *f, uint32_t *index)
{
    uint32_t cycle = 1, last = 1;
    for (uint32_t i = 0; i < f->count[MLI_SEC_TENSORS]; i++) {
        uint32_t period = f->tensors[i].period;
        if (period == 0 || period == last)
            continue;
        last = period;
        cycle = common_multiple(cycle, period);
        if (cycle == 0) {
            *index = i;
            return 0;
        }
    }
    return cycle;
}

uint32_t mli_frame_ticks(const mli_file *f)
{
    uint32_t least = MLI_MAX_PERIOD;
    if (f->header->mode != MLI_STREAM)
        return 1;
    for (uint32_t i = 0; i < f->count[MLI_SEC_PORTS]; i++) {
        uint32_t period = f->tensors[f->ports[i].tensor].period;
        if (f->ports[i].kind == MLI_PORT_SIGNAL && period < least)
            least = period;
    }
    return least;
}

static uint32_t find(const uint32_t *period, uint32_t n, uint32_t wanted)
{
    uint32_t i = 0;
    while (i < n && period[i] != wanted)
        i++;
    return i;
}

uint32_t mli_find_periods(const mli_file *f, uint32_t *period)
{
    uint32_t n = 1, last = 0;
    period[0] = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_TENSORS]; i++) {
        uint32_t own = f->tensors[i].period;
        if (own == last)
            continue;
        last = own;
        uint32_t at = find(period, n, own);
        if (at == n)
            period[n++] = own;
    }
    return n;
}

mli_clock *mli_clock_of(mli_clock *clocks, const mli_file_tensor *t)
{
    while (clocks->period != t->period)
        clocks++;
    return clocks;
}

void mli_clocks_at(mli_clock *clocks, uint32_t count, uint32_t position,
                   uint32_t ticks)
{
    for (uint32_t i = 1; i < count; i++) {
        mli_clock *c = clocks + i;
        c->before = position / c->period;
        c->frames = (position + ticks) / c->period - c->before;
    }
}
