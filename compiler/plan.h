/*
 * plan.h - where buffers lie: a set of intervals in time, each of a size, to be
 * put on a line so that those that live together do not overlap.
 */
#ifndef MLC_PLAN_H
#define MLC_PLAN_H

#include <stdint.h>

typedef struct mlc_buffer {
    uint64_t size;        /* floats */
    uint64_t offset;      /* filled in */
    uint32_t first, last; /* lives at these times and between */
} mlc_buffer;

/* The largest sum of sizes that live at one time: no placement is lower.
   times: how many there are, at least 1. 0 without memory (*ok is 0 then). */
uint64_t mlc_place_bound(const mlc_buffer *b, uint32_t n, uint32_t times,
                         int *ok);

/*
 * Fill in the offsets; answers the height reached, UINT64_MAX without memory or
 * with so many pairs that live together that mli_open would refuse them.
 * Stops at the bound, or after a bounded amount of searching. The same buffers
 * always get the same places.
 */
uint64_t mlc_place(mlc_buffer *b, uint32_t n, uint32_t times, uint64_t bound);

#endif
