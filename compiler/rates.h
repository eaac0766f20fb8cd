/*
 * rates.h - ticks and periods. A value's rate is up/down frames for each frame
 * of the input; the tick is the longest time that every period is a whole
 * number of.
 */
#ifndef MLC_RATES_H
#define MLC_RATES_H

#include "ir.h"

typedef struct mlc_rates {
    uint32_t ticks, share; /* an input at 1/1 has a period of ticks/share */
    uint32_t frame;        /* ticks of a frame: the smallest signal period */
    uint32_t cycle;        /* the least common multiple of all periods */
} mlc_rates;

/* The greatest number that divides both, which are at least 0. */
int64_t mlc_common_divisor(int64_t a, int64_t b);

/*
 * The rates of a graph's living values. NULL, or what is wrong with them: they
 * exceed what a file can hold. Then all fields are 1.
 */
const char *mlc_find_rates(const ir_graph *g, mlc_rates *r);

/* Ticks; 0 if the value is not timed. */
uint32_t mlc_period(const mlc_rates *r, const ir_value *v);

#endif
