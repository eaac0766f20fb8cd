/* see bench_measure.h */
#include <stdlib.h>
#include <string.h>

#include "bench_measure.h"
#include "bench_session.h"
#include "message.h"
#include "stopwatch.h"

#define ROUND       250e3    /* nanoseconds: short, so most are undisturbed */
#define FEWEST      11       /* rounds, or blocks */
#define MOST_BLOCKS 4000000u /* in a distribution */
#define PD_RATE     48000.0  /* Hz, where the model has none, */
#define PD_HOP      64.0     /* and frames that a list lasts */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double time_of(bench_session *b, unsigned long blocks)
{
    double start = stopwatch_now();
    for (unsigned long i = 0; i < blocks; i++)
        bench_session_run(b);
    return stopwatch_now() - start;
}

/* Blocks of a round: about ROUND long, whole hops. Warms up, too. */
static unsigned long blocks_of_round(bench_session *b)
{
    unsigned long blocks = 1;
    uint32_t hop = b->info.hop ? b->info.hop : 1;
    while (time_of(b, blocks) < ROUND && blocks < MOST_BLOCKS)
        blocks *= 2;
    while ((uint64_t)blocks * b->block % hop)
        blocks++;
    return blocks;
}

/* Nanoseconds a block, the median of rounds; -1: no memory. */
static double typical_block(bench_session *b, double nanoseconds)
{
    unsigned long blocks = blocks_of_round(b);
    size_t room = FEWEST + (size_t)(nanoseconds / ROUND * 4), n = 0;
    double *rounds = malloc(room * sizeof *rounds), spent = 0, median;
    if (!rounds)
        return -1;
    while (n < FEWEST || (n < room && spent < nanoseconds)) {
        rounds[n] = time_of(b, blocks);
        spent += rounds[n++];
    }
    qsort(rounds, n, sizeof *rounds, ascending);
    median = rounds[n / 2] / (double)blocks;
    free(rounds);
    return median;
}

/* What `share` of all n are not above. */
static double percentile(const double *sorted, size_t n, double share)
{
    size_t i = (size_t)(share * (double)n);
    return sorted[i < n ? i : n - 1];
}

/* typical: nanoseconds a block. */
static int distribution(bench_session *b, double nanoseconds, double typical,
                        bench_result *r)
{
    double cost = stopwatch_cost(), spent = 0;
    double wanted = nanoseconds / typical + FEWEST;
    size_t n = 0, room = wanted < MOST_BLOCKS ? (size_t)wanted : MOST_BLOCKS;
    double *blocks = calloc(room, sizeof *blocks);
    if (!blocks)
        return -1;
    while (n < room && (spent < nanoseconds || n < FEWEST)) {
        double one = time_of(b, 1);
        spent += one;
        blocks[n++] = one > cost ? one - cost : 0;
    }
    qsort(blocks, n, sizeof *blocks, ascending);
    r->p50_ns = percentile(blocks, n, 0.5);
    r->p99_ns = percentile(blocks, n, 0.99);
    r->p999_ns = percentile(blocks, n, 0.999);
    r->max_ns = blocks[n - 1];
    free(blocks);
    return 0;
}

/* How long the sound of a block lasts. */
static double seconds_of_block(const bench_session *b)
{
    double rate = b->info.rate > 0 ? b->info.rate : PD_RATE;
    return (b->info.mode == MLI_STEP ? PD_HOP : (double)b->block) / rate;
}

int bench_measure(const loaded_model *loaded, const char *kernels,
                  uint32_t block, double seconds, const char *path,
                  bench_result *r)
{
    bench_session b;
    if (bench_session_start(&b, loaded, kernels, block, path))
        return -1;
    double typical = typical_block(&b, seconds / 2 * 1e9);
    int failed = typical < 0 || distribution(&b, seconds / 2 * 1e9, typical, r);
    r->kernels = kernels;
    r->block = b.block;
    r->ns_per_frame = typical / b.block;
    r->realtime = 1e9 * seconds_of_block(&b) / typical;
    r->macs_per_second = 1e9 * (double)b.info.macs_per_frame / r->ns_per_frame;
    if (b.info.mode == MLI_WINDOW)
        r->macs_per_second /= b.info.hop; /* they are of a run */
    bench_session_end(&b);
    if (failed)
        tool_error(path, "no memory");
    return failed ? -1 : 0;
}
