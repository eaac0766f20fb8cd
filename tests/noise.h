/*
 * noise.h - numbers for the tests of kernels, equal on every run and machine.
 * Each program that includes it has its own.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stdint.h>

static uint32_t seed;

/* In [-1, 1). */
static inline float noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed * 0x1p-31f;
}

/* In [0, n). */
static inline uint32_t below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

#endif
