/*
 * mlinfer bench: what models cost on this machine with each kernel build, held
 * against what the machine can do at most.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_measure.h"
#include "commands.h"
#include "json_writer.h"
#include "kernel_choice.h"
#include "machine_speed.h"
#include "message.h"
#include "stopwatch.h"

#define DEFAULT_BLOCK   64u
#define MOST_BLOCK      65536u
#define DEFAULT_SECONDS 1.0
#define MOST_SECONDS    3600.0

typedef struct bench {
    unsigned block;
    double seconds;
    const char *kernels; /* NULL: as MLI_KERNELS says, or the best; or "all" */
    int json;
    int pinned;
    machine_speed speed;
    json_writer writer;
    int list; /* of several results */
    int begun;
} bench;

/* --------------------------------------------------------------- print ---- */

static void put_json(bench *b, const loaded_model *loaded, const char *path,
                     const bench_result *r)
{
    json_writer *w = &b->writer;
    char buffer[256];
    json_put_open(w, NULL, '{');
    json_put_text(w, "model",
                  loaded_model_name(loaded, path, buffer, sizeof buffer));
    json_put_text(w, "file", path);
    json_put_text(w, "mode", mode_word(loaded->info.mode));
    json_put_text(w, "kernels", r->kernels);
    json_put_count(w, "block", r->block);
    json_put_number(w, "ns_per_frame", r->ns_per_frame);
    json_put_number(w, "realtime", r->realtime);
    json_put_number(w, "p50_ns", r->p50_ns);
    json_put_number(w, "p99_ns", r->p99_ns);
    json_put_number(w, "p999_ns", r->p999_ns);
    json_put_number(w, "max_ns", r->max_ns);
    json_put_count(w, "macs_per_frame", loaded->info.macs_per_frame);
    json_put_number(w, "macs_per_second", r->macs_per_second);
    json_put_number(w, "peak_macs_per_second", b->speed.macs_per_second);
    json_put_number(w, "peak_share",
                    r->macs_per_second / b->speed.macs_per_second);
    json_put_number(w, "l1_macs_per_second", b->speed.l1_macs_per_second);
    json_put_number(w, "l2_macs_per_second", b->speed.l2_macs_per_second);
    json_put_number(w, "clock_hz", b->speed.clock_hz);
    json_put_text(w, "peak_kernels", b->speed.kernels);
    json_put_count(w, "peak_lanes", b->speed.lanes);
    json_put_number(w, "peak_vectors_per_tick", b->speed.vectors_per_tick);
    json_put_bool(w, "pinned", b->pinned);
    json_put_close(w, '}');
}

static void print_head(const bench *b)
{
    const machine_speed *s = &b->speed;
    printf("peak %.4g GMAC/s (%s: %.2f x %u floats a tick at %.3f GHz), one "
           "thread%s\n",
           s->macs_per_second * 1e-9, s->kernels, s->vectors_per_tick, s->lanes,
           s->clock_hz * 1e-9, b->pinned ? ", pinned" : "");
    printf("with weights used once each: %.4g GMAC/s from the first cache, "
           "%.4g from the second\n",
           s->l1_macs_per_second * 1e-9, s->l2_macs_per_second * 1e-9);
    if (s->vectors_per_tick < 1.5)
        printf("this machine does one such multiply-accumulate a tick%s\n",
               s->vectors_per_tick < 0.75 ? ", or less" : "");
    printf("%-20s %-8s %5s %10s %9s %9s %9s %9s %9s %8s %6s\n", "model",
           "kernels", "block", "ns/frame", "realtime", "p50 us", "p99 us",
           "p99.9 us", "worst us", "GMAC/s", "peak");
}

/* The last bytes of a name, if it is too long; not within a UTF-8 letter. */
static void print_name(const char *name)
{
    const size_t width = 20;
    size_t n = strlen(name);
    const char *from = n > width ? name + n - width : name;
    while ((*from & 0xc0) == 0x80)
        from++;
    for (const char *s = from; *s; s++)
        putchar((unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
    for (n = strlen(from); n < width; n++)
        putchar(' ');
}

static void print_line(const bench *b, const char *path, const bench_result *r)
{
    const char *base = strrchr(path, '/');
    print_name(base ? base + 1 : path);
    printf(" %-8s %5u %10.1f %8.0fx %9.2f %9.2f %9.2f %9.2f %8.2f %5.1f%%\n",
           r->kernels, r->block, r->ns_per_frame, r->realtime, r->p50_ns * 1e-3,
           r->p99_ns * 1e-3, r->p999_ns * 1e-3, r->max_ns * 1e-3,
           r->macs_per_second * 1e-9,
           100 * r->macs_per_second / b->speed.macs_per_second);
    fflush(stdout);
}

/* ----------------------------------------------------------------- run ---- */

static int one(bench *b, const loaded_model *loaded, const char *kernels,
               const char *path)
{
    bench_result r;
    if (bench_measure(loaded, kernels, b->block, b->seconds, path, &r))
        return TOOL_FAILED;
    if (b->json)
        put_json(b, loaded, path, &r);
    else
        print_line(b, path, &r);
    return TOOL_DONE;
}

/* Once a model is open: what all of them are held against. */
static void begin(bench *b)
{
    if (b->begun)
        return;
    b->begun = 1;
    b->pinned = stopwatch_pin() >= 0;
    machine_speed_measure(&b->speed);
    if (!b->json)
        print_head(b);
    else if (b->list)
        json_put_open(&b->writer, NULL, '[');
}

static int model(bench *b, const char *path)
{
    loaded_model loaded;
    const char *name;
    int failed = TOOL_DONE;
    if (loaded_model_open(&loaded, path, NULL))
        return TOOL_FAILED;
    begin(b);
    if (strcmp(b->kernels, "all"))
        failed = one(b, &loaded, b->kernels, path);
    else
        for (uint32_t i = 0; !failed && (name = mli_kernels_name(i)); i++)
            failed = one(b, &loaded, name, path);
    loaded_model_close(&loaded);
    return failed;
}

/* The build that the command line, or MLI_KERNELS, asks for. */
static int choose_kernels(bench *b)
{
    if (!b->kernels)
        b->kernels = kernel_choice_name();
    else if (strcmp(b->kernels, "all") && !mli_kernels_find(b->kernels))
        return tool_usage("--kernels %s: no such kernel build here (expected "
                          "all or one of: %s)",
                          b->kernels, kernel_names());
    return b->kernels ? TOOL_DONE : TOOL_FAILED;
}

static int models(bench *b, int count, char **paths)
{
    int failed = TOOL_DONE;
    b->list = count > 1 || !strcmp(b->kernels, "all");
    b->writer = (json_writer){stdout, 0, 1};
    for (int i = 0; i < count; i++)
        failed |= model(b, paths[i]);
    if (b->json && b->list && b->begun)
        json_put_close(&b->writer, ']');
    return failed;
}

static int seconds_of(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    if (end == text || *end || !(*seconds > 0 && *seconds <= MOST_SECONDS)) {
        tool_usage("--seconds %s: not a number over 0, up to %g", text,
                   MOST_SECONDS);
        return -1;
    }
    return 0;
}

int mli_tool_bench(int argc, char **argv)
{
    static const struct option options[] = {
        {"block", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 's'},
        {"kernels", required_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0}};
    bench b = {.block = DEFAULT_BLOCK, .seconds = DEFAULT_SECONDS};
    int option;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1)
        if (option == 'b') {
            if (tool_number("--block", optarg, 1, MOST_BLOCK, &b.block))
                return TOOL_USAGE;
        } else if (option == 's') {
            if (seconds_of(optarg, &b.seconds))
                return TOOL_USAGE;
        } else if (option == 'k') {
            b.kernels = optarg;
        } else if (option == 'j') {
            b.json = 1;
        } else {
            return tool_bad_option(argv, option);
        }
    if (optind == argc)
        return tool_usage("bench: expected a MODEL");
    int failed = choose_kernels(&b);
    if (failed)
        return failed;
    return models(&b, argc - optind, argv + optind);
}
