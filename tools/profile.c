/*
 * mlinfer profile: where a model's time goes, operator by operator; as a table,
 * as a trace to look at in Perfetto, as a picture.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_measure.h"
#include "bench_session.h"
#include "commands.h"
#include "kernel_choice.h"
#include "machine_speed.h"
#include "message.h"
#include "profile.h"
#include "replace_file.h"
#include "stopwatch.h"

#define DEFAULT_BLOCK 64u
#define MOST_BLOCK    65536u
#define SECONDS       0.5
#define ROUND         250e3 /* nanoseconds: short, so that most are undisturbed */
#define ROUNDS        401
#define FEWEST        11
#define TRACED        32u /* blocks in a trace */

static void observe(void *user, uint32_t op, int ended)
{
    profile *p = user;
    double now = stopwatch_now();
    if (!ended) {
        p->since = now;
        p->ran[op] = 1;
        return;
    }
    double spent = now - p->since - p->clock_cost;
    if (spent < 0)
        spent = 0;
    p->round[op] += spent;
    if (p->event_count < p->event_room)
        p->events[p->event_count++] =
            (profile_event){op, p->since - p->begun, spent};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Blocks of a round, whole hops. */
static size_t blocks_of_round(const profile *p, const bench_session *b)
{
    double typical = p->ns_per_frame * b->block;
    uint32_t hop = b->info.hop ? b->info.hop : 1;
    size_t n = 1 + (size_t)(ROUND / typical);
    while ((uint64_t)n * b->block % hop)
        n++;
    return n;
}

static void run_block(profile *p, bench_session *b)
{
    double start = stopwatch_now();
    bench_session_run(b);
    if (p->blocks < p->block_room)
        p->block_events[p->blocks] =
            (profile_event){0, start - p->begun, stopwatch_now() - start};
    p->blocks++;
    if (p->blocks == p->block_room)
        p->event_room = p->event_count;
}

/* Rounds alike; what interrupts some of them does not count. */
static void run(profile *p, bench_session *b)
{
    size_t blocks = blocks_of_round(p, b);
    double each[ROUNDS];
    int rounds =
        (int)(SECONDS * 1e9 / (p->ns_per_frame * b->block * (double)blocks));
    rounds = rounds < FEWEST ? FEWEST : rounds > ROUNDS ? ROUNDS : rounds;
    p->begun = stopwatch_now();
    for (int r = 0; r < rounds; r++) {
        p->round = p->rounds + (size_t)r * p->ops;
        for (size_t i = 0; i < blocks; i++)
            run_block(p, b);
    }
    for (uint32_t op = 0; op < p->ops; op++) {
        for (int r = 0; r < rounds; r++)
            each[r] = p->rounds[(size_t)r * p->ops + op];
        qsort(each, (size_t)rounds, sizeof *each, ascending);
        p->times[op] = each[rounds / 2] * rounds;
        p->total += p->times[op];
    }
}

static int start(profile *p, uint32_t ops)
{
    p->ops = ops;
    p->ran = calloc(ops + 1, sizeof *p->ran);
    p->times = calloc(ops + 1, sizeof *p->times);
    p->rounds = calloc((size_t)ops * ROUNDS + 1, sizeof *p->rounds);
    /* A block of a tile or less runs each step once; more is cut off. */
    p->event_room = TRACED * (4 * ops + 16);
    p->events = malloc(p->event_room * sizeof *p->events);
    p->block_room = TRACED;
    p->block_events = calloc(TRACED, sizeof *p->block_events);
    p->clock_cost = stopwatch_cost();
    return p->ran && p->times && p->rounds && p->events && p->block_events ? 0
                                                                           : -1;
}

static void finish(profile *p)
{
    free(p->ran);
    free(p->times);
    free(p->rounds);
    free(p->events);
    free(p->block_events);
}

static void print_table(const profile *p)
{
    double frames = (double)p->blocks * p->block;
    printf("%-4s %-14s %-28s %10s %7s %9s %7s\n", "op", "type", "name",
           "ns/frame", "share", "GMAC/s", "peak");
    for (uint32_t i = 0; i < p->ops; i++) {
        operator_text o = operator_of(p->bytes, i);
        double ns = p->times[i] / frames;
        printf("%-4u %-14s ", i, o.type);
        profile_put_name(o.name, 28);
        if (!p->ran[i]) { /* part of a step before it */
            printf(" %10s\n", "fused");
            continue;
        }
        printf(" %10.2f %6.1f%%", ns, 100 * p->times[i] / p->total);
        double macs = profile_macs(p, &o);
        /* more than can be: the next operator does it */
        if (macs > 0 && ns > 0 && 1e9 * macs / ns <= p->peak)
            printf(" %9.2f %6.1f%%", macs / ns, 100e9 * macs / ns / p->peak);
        putchar('\n');
    }
    printf("%-4s %-14s %-28s %10.2f %6.1f%%\n", "", "all operators", "",
           p->total / frames, 100.0);
    printf("%-4s %-14s %-28s %10.2f\n", "", "unobserved", "", p->ns_per_frame);
}

/* path NULL: not asked for */
static int write_file(const profile *p, const char *path,
                      void (*put)(const profile *, FILE *))
{
    mlc_replace out;
    if (!path)
        return TOOL_DONE;
    if (!replace_begin(&out, path)) {
        put(p, out.file);
        if (!replace_commit(&out))
            return TOOL_DONE;
    }
    return tool_error(path, "cannot be written: %s", strerror(errno));
}

static int write_files(const profile *p, const char *trace, const char *flame)
{
    int failed = write_file(p, trace, profile_put_trace);
    return write_file(p, flame, profile_put_flame) ? TOOL_FAILED : failed;
}

static int profile_model(const char *path, uint32_t block, const char *trace,
                         const char *flame)
{
    loaded_model loaded;
    bench_session b;
    bench_result whole;
    machine_speed speed;
    profile p = {0};
    char buffer[256];
    const char *kernels = kernel_choice_name();
    if (loaded_model_open(&loaded, path, NULL))
        return TOOL_FAILED;
    stopwatch_pin();
    machine_speed_measure(&speed);
    int failed = TOOL_FAILED;
    if (bench_measure(&loaded, kernels, block, SECONDS, path, &whole) == 0 &&
        bench_session_start(&b, &loaded, kernels, block, path) == 0) {
        p.model = loaded_model_name(&loaded, path, buffer, sizeof buffer);
        p.kernels = kernels;
        p.bytes = loaded.image.bytes;
        p.info = loaded.info;
        p.peak = speed.macs_per_second;
        p.ns_per_frame = whole.ns_per_frame;
        p.block = b.block;
        if (start(&p, loaded.info.ops) == 0) {
            p.round = p.rounds;
            bench_session_run(&b); /* warm */
            mli_observe(b.session, observe, &p);
            run(&p, &b);
            printf("%s, %s, blocks of %u, %.4g GMAC/s at most\n", p.model,
                   kernels, p.block, p.peak * 1e-9);
            print_table(&p);
            failed = write_files(&p, trace, flame);
        } else {
            tool_error(path, "no memory");
        }
        finish(&p);
        bench_session_end(&b);
    }
    loaded_model_close(&loaded);
    return failed;
}

int mli_tool_profile(int argc, char **argv)
{
    static const struct option options[] = {
        {"block", required_argument, NULL, 'b'},
        {"trace", required_argument, NULL, 't'},
        {"flame", required_argument, NULL, 'f'},
        {NULL, 0, NULL, 0}};
    const char *trace = NULL, *flame = NULL;
    unsigned block = DEFAULT_BLOCK;
    int option;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1)
        if (option == 'b') {
            if (tool_number("--block", optarg, 1, MOST_BLOCK, &block))
                return TOOL_USAGE;
        } else if (option == 't') {
            trace = optarg;
        } else if (option == 'f') {
            flame = optarg;
        } else {
            return tool_bad_option(argv, option);
        }
    if (optind + 1 != argc)
        return tool_usage("profile: expected one MODEL");
    return profile_model(argv[optind], block, trace, flame);
}
