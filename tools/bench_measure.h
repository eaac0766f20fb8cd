/*
 * bench_measure.h - how long a model takes, block by block.
 *
 * One thread, warm. A frame's cost is the median over rounds of about
 * 250 us, in which no clock is read; the distribution is of single
 * blocks, less what reading the clock takes.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "loaded_model.h"

typedef struct bench_result {
    const char *kernels;
    uint32_t block;      /* frames; 1 for step models: a list */
    double ns_per_frame; /* step models: a list */
    double p50_ns, p99_ns, p999_ns, max_ns; /* of blocks */
    double realtime; /* times faster than sound. Step models: than a list every
                        64 frames at 48 kHz, as [mlinfer~] runs them */
    double macs_per_second;
} bench_result;

/*
 * Measure for about `seconds` in blocks of `block` frames with a kernel build
 * that runs here. Says what is wrong and returns -1 if there is no memory.
 */
int bench_measure(const loaded_model *loaded, const char *kernels,
                  uint32_t block, double seconds, const char *path,
                  bench_result *result);

#endif
