/*
 * Streams against the whole signal at once (tests/goldens/streams, made by
 * make_streams.py): after the reported latency the largest difference from
 * ONNX Runtime is 1e-5 of full scale, before it there is silence, and blocks
 * of any size give the same bits. And models whose states go in and out: call
 * after call the same as with the states fed back by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "compiler.h"
#include "largest.h"
#include "npy.h"
#include "player.h"
#include "stream_check.h"

#define LIMIT 1e-5

typedef struct golden {
    char name[64], kind[16];
    unsigned a, b, c; /* latency and periods, or frames of a call */
    npy_array x, y;
} golden;

static void path_of(char *path, size_t size, const char *name, const char *file)
{
    snprintf(path, size, "%s/tests/goldens/streams/%s%s%s", root(), name,
             *name ? "/" : "", file);
}

static npy_array read_array(const char *name, const char *file)
{
    char folder[128];
    npy_array a;
    snprintf(folder, sizeof folder, "streams/%s", name);
    a = golden_array(folder, file);
    assert_int_equal(a.rank, 2);
    return a;
}

/* 0: the model lies elsewhere and is not there. */
static int load(const golden *g, mlc_image *image)
{
    mlc_error error;
    char path[4096];
    FILE *f;
    path_of(path, sizeof path, g->name, "model.onnx");
    if (!strcmp(g->name, "silero")) {
        snprintf(path, sizeof path, "%s/onnx/silero_vad_16k/model.onnx",
                 real_models() ? real_models() : "");
        f = fopen(path, "rb");
        if (!f)
            return 0;
        fclose(f);
    }
    if (mlc_load(path, NULL, image, &error))
        fail_msg("%s: %s", g->name, error.text);
    return 1;
}

static double peak_of(const npy_array *a)
{
    double peak = 0;
    for (size_t i = 0; i < a->count; i++)
        peak = fmax(peak, fabs((double)a->data[i]));
    return peak;
}

/* ------------------------------------------------------------ streams ---- */

/* Each frame of x for a whole period; after its end something else. */
static float **sound(const golden *g, uint32_t frames)
{
    uint32_t channels = (uint32_t)g->x.dims[1];
    float **x = channels_new(channels, frames);
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t t = 0; t < frames; t++) {
            size_t n = t / g->b;
            x[c][t] =
                n < g->x.dims[0] ? g->x.data[n * channels + c] : sinf((float)t);
        }
    return x;
}

static void compare(const golden *g, float **y, uint32_t frames)
{
    uint32_t channels = (uint32_t)g->y.dims[1];
    uint32_t first = g->c - 1 + g->a;
    double worst = 0;
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t t = 0; t < frames; t++) {
            size_t n = t < first ? 0 : (t - first) / g->c;
            double want = t < first ? 0 : (double)g->y.data[n * channels + c];
            worst = largest(worst, fabs((double)y[c][t] - want));
        }
    if (!(worst <= LIMIT * peak_of(&g->y)))
        fail_msg("%s: off by %.2g of full scale", g->name,
                 worst / peak_of(&g->y));
}

static void run_stream(const golden *g, fb_image image)
{
    static const uint32_t blocks[] = {1, 16, 64, 1000};
    uint32_t frames = g->c - 1 + g->a + g->c * (uint32_t)g->y.dims[0];
    uint32_t channels = (uint32_t)g->y.dims[1];
    float **x = sound(g, frames), **first = NULL;
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        float **y = channels_new(channels, frames);
        player p;
        player_open(&p, image, NULL, b % 2 ? 64 : 16);
        if (p.info.mode != MLI_STREAM || p.info.latency != g->a)
            fail_msg("%s: mode %d, latency %u (expected %u)", g->name,
                     (int)p.info.mode, p.info.latency, g->a);
        assert_int_equal(p.info.in_channels, g->x.dims[1]);
        assert_int_equal(p.info.out_channels, channels);
        player_process(&p, (const float *const *)x, y, frames, blocks[b], NULL);
        compare(g, y, frames);
        for (uint32_t c = 0; first && c < channels; c++)
            if (memcmp(first[c], y[c], frames * sizeof *y[c]))
                fail_msg("%s: blocks of %u give other bits", g->name,
                         blocks[b]);
        if (first)
            channels_free(y, channels);
        else
            first = y;
        player_close(&p);
    }
    channels_free(first, channels);
    channels_free(x, (uint32_t)g->x.dims[1]);
}

/* -------------------------------------------------------------- calls ---- */

static void run_calls(const golden *g, fb_image image)
{
    size_t calls = g->y.dims[0], values = g->y.dims[1];
    size_t given = g->x.count / calls;
    float *y = calloc(values, sizeof *y);
    player p;
    player_open(&p, image, NULL, 64);
    assert_int_equal(p.info.mode, g->a ? MLI_WINDOW : MLI_STEP);
    assert_int_equal(p.info.inputs, 1); /* states are not among them */
    assert_int_equal(p.info.outputs, 1);
    for (int again = 0; again < 2; again++) {
        double worst = 0;
        for (size_t k = 0; k < calls; k++) {
            const float *x = g->x.data + k * given;
            mli_run(p.session, &x, &y);
            for (size_t i = 0; i < values; i++)
                worst = largest(worst, fabs((double)y[i] -
                                            (double)g->y.data[k * values + i]));
        }
        if (!(worst <= LIMIT * peak_of(&g->y)))
            fail_msg("%s: off by %.2g of full scale", g->name,
                     worst / peak_of(&g->y));
        mli_reset(p.session);
    }
    player_close(&p);
    free(y);
}

static void run(golden *g)
{
    mlc_image image;
    fb_image bytes;
    if (!load(g, &image)) {
        print_message("%s: SKIP, the model is not there\n", g->name);
        return;
    }
    bytes.bytes = image.bytes;
    bytes.size = image.size;
    g->x = read_array(g->name, "x.npy");
    g->y = read_array(g->name, "y.npy");
    if (!strcmp(g->kind, "stream"))
        run_stream(g, bytes);
    else
        run_calls(g, bytes);
    npy_free(&g->x);
    npy_free(&g->y);
    mlc_image_free(&image);
}

static void run_all(const char *kind, unsigned least)
{
    char path[4096], line[256];
    unsigned count = 0;
    FILE *list;
    path_of(path, sizeof path, "", "list.txt");
    list = fopen(path, "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        golden g;
        memset(&g, 0, sizeof g);
        assert_int_equal(sscanf(line, "%63s %15s %u %u %u", g.name, g.kind,
                                &g.a, &g.b, &g.c),
                         5);
        if (strcmp(g.kind, kind))
            continue;
        run(&g);
        count++;
    }
    fclose(list);
    assert_in_range(count, least, 1000);
}

static void test_streams(void **state)
{
    (void)state;
    run_all("stream", 20);
}

static void test_calls(void **state)
{
    (void)state;
    run_all("calls", 4);
}

/* ------------------------------------------------------ asked-for states ----
 */

static mlc_status states(const char *const *asked, uint32_t count,
                         mlc_image *image, mlc_error *error)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    char path[4096];
    options.states = asked;
    options.state_count = count;
    path_of(path, sizeof path, "cells", "model.onnx");
    return mlc_load(path, &options, image, error);
}

static void expect(const char *asked, const char *words)
{
    mlc_image image;
    mlc_error error;
    assert_int_equal(states(&asked, 1, &image, &error), MLC_UNSUPPORTED);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" lacks \"%s\"", error.text, words);
}

static void test_asked_states(void **state)
{
    static const char *const same[] = {"h0=hn", "c_prev=c_next"};
    mlc_image image;
    mlc_error error;
    (void)state;
    expect("h1=hn", "no such input (expected one of x, h0, h_in, c_prev)");
    expect("h0=h1", "no such output (expected one of y, hn, h_out, c_next)");
    expect("h0", "expected IN=OUT");
    expect("h0=y", "shapes");
    assert_int_equal(states(same, 2, &image, &error), MLC_OK);
    mlc_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_streams),
                                       cmocka_unit_test(test_calls),
                                       cmocka_unit_test(test_asked_states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
