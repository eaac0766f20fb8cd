/*
 * make bench: what a model costs on this machine with each kernel build, in
 * nanoseconds a frame (stream, in blocks of 64), a window or a list (step).
 *
 * One thread, warm, no pinning. A figure is the median of 41 rounds of about
 * 10 ms each: typical, not best and not worst.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler.h"
#include "mlinfer.h"

#define BLOCK       64u
#define ROUNDS      41
#define NANOSECONDS 1e7 /* of a round */

typedef struct runner {
    mli_info info;
    mli_session *session;
    float *values;    /* every channel's block, inputs first */
    const float **in; /* one a channel (stream) or port (step) */
    float **out;
} runner;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(MLI_ALIGNMENT,
                            (bytes / MLI_ALIGNMENT + 1) * MLI_ALIGNMENT);
    if (!p) {
        fputs("no memory\n", stderr);
        exit(1);
    }
    memset(p, 0, bytes);
    return p;
}

/*
 * Noise at half scale for all inputs. A stream has an array for each channel,
 * others one for each port; all get as much room as the largest needs.
 */
static void connect(runner *r)
{
    size_t in = r->info.in_channels, out = r->info.out_channels;
    size_t frames = r->info.window > BLOCK ? r->info.window : BLOCK;
    size_t room = r->info.mode == MLI_STREAM ? BLOCK : (in + out) * frames;
    uint32_t seed = 1;
    if (r->info.mode != MLI_STREAM) {
        in = r->info.inputs;
        out = r->info.outputs;
    }
    r->values = memory((in + out) * room * sizeof(float));
    r->in = memory((in + 1) * sizeof *r->in);
    r->out = memory((out + 1) * sizeof *r->out);
    for (size_t c = 0; c < in + out; c++) {
        float *at = r->values + c * room;
        for (size_t i = 0; c < in && i < room; i++) {
            seed = seed * 1664525u + 1013904223u;
            at[i] = (float)((int32_t)seed / 4294967296.0);
        }
        if (c < in)
            r->in[c] = at;
        else
            r->out[c - in] = at;
    }
}

static double round_of(runner *r, unsigned calls)
{
    double start = now();
    for (unsigned i = 0; i < calls; i++)
        if (r->info.mode == MLI_STREAM)
            mli_process(r->session, r->in, r->out, BLOCK);
        else
            mli_run(r->session, r->in, r->out);
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds a frame, list or window. */
static double measure(runner *r)
{
    double rounds[ROUNDS];
    unsigned calls = 1;
    while (round_of(r, calls) < NANOSECONDS)
        calls *= 2;
    for (int i = 0; i < ROUNDS; i++)
        rounds[i] = round_of(r, calls);
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    return rounds[ROUNDS / 2] / calls /
           (r->info.mode == MLI_STREAM ? BLOCK : 1);
}

static void print(const runner *r, const char *path, const char *kernels,
                  double cost)
{
    const char *base = strrchr(path, '/');
    double macs = (double)r->info.macs_per_frame / cost;
    static const char *const each[] = {"frame", "window", "list"};
    double frames = r->info.mode == MLI_WINDOW ? r->info.hop : 1;
    printf("%-24s %-8s %10.1f ns/%-6s %7.2f", base ? base + 1 : path, kernels,
           cost, each[r->info.mode], macs);
    if (r->info.mode != MLI_STEP)
        printf(" %9.1f x",
               frames * 1e9 / (r->info.rate > 0 ? r->info.rate : 48000) / cost);
    putchar('\n');
}

static int bench(const char *path)
{
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_memory need;
    runner r;
    const char *name;
    if (mlc_load(path, NULL, &image, &error) != MLC_OK) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        return 1;
    }
    mli_open(&model, image.bytes, image.size, NULL);
    mli_get_info(&model, &r.info);
    mli_sizes(&model, BLOCK, &need);
    void *state = memory(need.state_bytes), *arena = memory(need.arena_bytes);
    connect(&r);
    for (uint32_t i = 0; (name = mli_kernels_name(i)); i++) {
        mli_start(&model, mli_kernels_find(name), BLOCK, state, arena,
                  &r.session);
        print(&r, path, name, measure(&r));
    }
    free(state);
    free(arena);
    free(r.values);
    free(r.in);
    free(r.out);
    mlc_image_free(&image);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    printf("%-24s %-8s %20s %7s %11s\n", "model", "kernels", "time", "MAC/ns",
           "real time");
    for (int i = 1; i < argc; i++)
        failed |= bench(argv[i]);
    return failed;
}
