/*
 * cache_model.h - data caches of a Cortex-A8: 32 KiB in 4 ways, 256 KiB in 8
 * ways, lines of 64 bytes, the least recently used one goes.
 */
#ifndef CACHE_MODEL_H
#define CACHE_MODEL_H

#include <stdint.h>

typedef struct cache_model {
    uint64_t misses_1, misses_2;
    uint64_t first[128][4]; /* line numbers, the most recent first */
    uint64_t second[512][8];
} cache_model;

/* Read or write `bytes` at an address. */
void cache_access(cache_model *c, uint64_t address, unsigned bytes);

#endif
