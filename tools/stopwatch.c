/* see stopwatch.h */
#define _GNU_SOURCE /* sched_setaffinity */
#include <time.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "stopwatch.h"

double stopwatch_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

double stopwatch_cost(void)
{
    double least = 1e9;
    for (int i = 0; i < 1000; i++) {
        double start = stopwatch_now(), spent = stopwatch_now() - start;
        if (spent < least)
            least = spent;
    }
    return least;
}

int stopwatch_pin(void)
{
#ifdef __linux__
    int core = sched_getcpu();
    cpu_set_t one;
    if (core < 0 || core >= CPU_SETSIZE)
        return -1;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return sched_setaffinity(0, sizeof one, &one) ? -1 : core;
#else
    return -1;
#endif
}
