/*
 * Linear layers beside other libraries, one thread, the same numbers in and
 * out: nanoseconds a call, as a table. Rounds of all take turns, so that what
 * slows the machine slows all of them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "largest.h"
#include "peers.h"
#include "stopwatch.h"

#define ROUNDS 81
#define TAKEN  (ROUNDS / 4) /* the round told of: few others disturbed it */
#define ROUND  150e3        /* nanoseconds */
#define MOST   4

static const peer *const peers[] = {
    &peer_mlinfer,
#ifdef HAVE_OPENBLAS
    &peer_openblas,
#endif
#ifdef HAVE_ONEDNN
    &peer_onednn,
#endif
#ifdef HAVE_XNNPACK
    &peer_xnnpack,
#endif
};
#define COUNT (sizeof peers / sizeof *peers)

static float *noise(size_t n, unsigned seed)
{
    float *at = aligned_alloc(64, (n * sizeof *at / 64 + 1) * 64);
    if (!at)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (float)((int)seed / 4294967296.0);
    }
    return at;
}

static double time_of(const peer *p, void *job, unsigned long calls)
{
    double start = stopwatch_now();
    for (unsigned long i = 0; i < calls; i++)
        p->run(job);
    return (stopwatch_now() - start) / (double)calls;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Furthest from what mlinfer answers, against the largest value. */
static double difference(const float *a, const float *b, size_t n)
{
    double most = 0, scale = 1e-9;
    for (size_t i = 0; i < n; i++) {
        scale = fmax(scale, fabs((double)a[i]));
        most = largest(most, fabs((double)a[i] - (double)b[i]));
    }
    return most / scale;
}

static int compare(const char *name, int frames, int in, int out, int taps,
                   int dilation)
{
    size_t xs = (size_t)((frames + (taps - 1) * dilation) * in);
    size_t ys = (size_t)(frames * out);
    float *y[MOST];
    void *job[MOST];
    double times[MOST][ROUNDS];
    unsigned long calls[MOST] = {0};
    peer_work w = {frames,
                   in,
                   out,
                   taps,
                   dilation,
                   noise(xs, 1),
                   noise((size_t)(out * taps * in), 2),
                   noise((size_t)out, 3),
                   NULL};
    int wrong = 0;
    for (size_t p = 0; p < COUNT; p++) {
        w.y = y[p] = noise(ys, 4);
        job[p] = peers[p]->prepare(&w);
        if (!job[p])
            continue;
        calls[p] = 1;
        while (time_of(peers[p], job[p], calls[p]) * (double)calls[p] < ROUND)
            calls[p] *= 2;
        if (!(difference(y[0], y[p], ys) <= 1e-4)) {
            fprintf(stderr, "%s: %s answers something else\n", name,
                    peers[p]->name);
            wrong = 1;
        }
    }
    for (int r = 0; r < ROUNDS; r++)
        for (size_t p = 0; p < COUNT; p++)
            if (job[p])
                times[p][r] = time_of(peers[p], job[p], calls[p]);
    printf("| %s |", name);
    for (size_t p = 0; p < COUNT; p++)
        if (job[p])
            qsort(times[p], ROUNDS, sizeof(double), ascending);
    for (size_t p = 0; p < COUNT; p++) {
        if (!job[p]) {
            printf(" - |");
            continue;
        }
        double own = times[0][TAKEN], time = times[p][TAKEN];
        printf(p ? " %.0f (%.2f) |" : " %.0f |", time, time / own);
    }
    printf("\n");
    fflush(stdout);
    return wrong;
}

int main(void)
{
    static const int sides[] = {16, 32, 64, 128, 256};
    int wrong = 0;
    char name[64];
    stopwatch_pin();
    printf("| one thread, ns a call (times mlinfer's) |");
    for (size_t p = 0; p < COUNT; p++)
        printf(" %s |", peers[p]->name);
    printf("\n|---|");
    for (size_t p = 0; p < COUNT; p++)
        printf("---|");
    printf("\n");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        snprintf(name, sizeof name, "dense %d x %d, one frame", sides[i],
                 sides[i]);
        wrong |= compare(name, 1, sides[i], sides[i], 1, 1);
    }
    wrong |= compare("dense 16 x 16, 64 frames", 64, 16, 16, 1, 1);
    wrong |= compare("dense 64 x 64, 64 frames", 64, 64, 64, 1, 1);
    wrong |= compare("conv 1 to 16, 3 taps, 64 frames", 64, 1, 16, 3, 1);
    wrong |=
        compare("conv 8 to 8, 3 taps, dilation 8, 64 frames", 64, 8, 8, 3, 8);
    wrong |= compare("conv 16 to 16, 3 taps, dilation 8, 64 frames", 64, 16, 16,
                     3, 8);
    wrong |= compare("conv 16 to 16, 3 taps, dilation 8, 16 frames", 16, 16, 16,
                     3, 8);
    wrong |= compare("conv 16 to 1, 16 taps, 64 frames", 64, 16, 1, 16, 1);
    return wrong;
}
