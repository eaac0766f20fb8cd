/*
 * Graphs that each show one way of meeting time (tests/goldens/onnx-graphs,
 * made by make_onnx_graphs.py): the mode and latency of list.txt come out, and
 * the result agrees with ONNX Runtime within 1e-5 of full scale, streams in
 * blocks of any size with the same bits.
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
#define PORTS 4

static const char *const modes[] = {"stream", "window", "step"};

static const char *folder; /* of tests/goldens */

typedef struct golden {
    char name[64], mode[16], ask[16];
    unsigned latency, window;
    npy_array in[PORTS], out[PORTS];
    uint32_t inputs, outputs;
} golden;

static void path_of(char *path, size_t size, const char *name, const char *file)
{
    snprintf(path, size, "%s/tests/goldens/%s/%s%s%s", root(), folder, name,
             *name ? "/" : "", file);
}

static uint32_t read_arrays(const char *name, const char *stem, npy_array *to)
{
    uint32_t n = 0;
    memset(to, 0, PORTS * sizeof *to);
    for (; n < PORTS; n++) {
        char path[4096], file[32], error[NPY_ERROR];
        snprintf(file, sizeof file, "%s%u.npy", stem, n);
        path_of(path, sizeof path, name, file);
        if (npy_read(path, &to[n], error))
            break;
    }
    if (n == 0)
        fail_msg("%s: no %s0.npy", name, stem);
    return n;
}

static void free_golden(golden *g)
{
    for (uint32_t i = 0; i < PORTS; i++) {
        npy_free(&g->in[i]);
        npy_free(&g->out[i]);
    }
}

static mlc_image load(const golden *g)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mlc_error error;
    char path[4096];
    options.window = g->window;
    for (int i = 0; i < 3; i++)
        if (!strcmp(g->ask, modes[i]))
            options.mode = i;
    path_of(path, sizeof path, g->name, "model.onnx");
    if (mlc_load(path, &options, &image, &error))
        fail_msg("%s: %s", g->name, error.text);
    return image;
}

static void hold(const golden *g, double worst, double peak, const char *how)
{
    if (!(worst <= LIMIT * peak))
        fail_msg("%s, %s: off by %.2g of full scale", g->name, how,
                 worst / peak);
}

/* ------------------------------------------------------------ streams ---- */

static uint32_t channels_of(const npy_array *a)
{
    return a->rank == 2 ? (uint32_t)a->dims[1] : 1;
}

/* Signal inputs as planar channels; controls are set. */
static float **spread(const golden *g, player *p, uint32_t frames)
{
    float **x = channels_new(p->info.in_channels, frames);
    uint32_t at = 0;
    assert_int_equal(p->info.inputs, g->inputs);
    for (uint32_t i = 0; i < g->inputs; i++) {
        mli_port port;
        mli_get_input(&p->model, i, &port);
        if (port.kind == MLI_PORT_CONTROL) {
            assert_int_equal(port.channels, g->in[i].count);
            mli_set(p->session, i, g->in[i].data);
            continue;
        }
        assert_int_equal(port.channels, channels_of(&g->in[i]));
        for (uint32_t c = 0; c < port.channels; c++, at++)
            for (uint32_t t = 0; t < frames; t++)
                x[at][t] = g->in[i].data[(size_t)t * port.channels + c];
    }
    return x;
}

/* Before the latency is over there is silence, after it the golden. */
static void compare_stream(const golden *g, float **y, uint32_t frames)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->outputs; i++) {
        uint32_t n = channels_of(&g->out[i]);
        double worst = 0, peak = 0;
        for (uint32_t c = 0; c < n; c++, at++)
            for (uint32_t t = 0; t < frames; t++) {
                size_t from = t - g->latency;
                double want = 0;
                if (t >= g->latency && from >= g->out[i].dims[0])
                    continue; /* past the end of the golden */
                if (t >= g->latency)
                    want = (double)g->out[i].data[from * n + c];
                worst = largest(worst, fabs((double)y[at][t] - want));
                peak = fmax(peak, fabs(want));
            }
        hold(g, worst, peak, "stream");
    }
}

static void run_stream(const golden *g, fb_image image)
{
    static const uint32_t blocks[] = {1, 7, 64, 1000};
    uint32_t frames = 0, channels = 0;
    float **first = NULL;
    for (uint32_t i = 0; i < g->inputs; i++)
        if (g->in[i].rank == 2 && g->in[i].dims[0] > frames)
            frames = (uint32_t)g->in[i].dims[0];
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        player p;
        float **x, **y;
        player_open(&p, image, NULL, b % 2 ? 64 : 16);
        channels = p.info.out_channels;
        x = spread(g, &p, frames);
        y = channels_new(channels, frames);
        player_process(&p, (const float *const *)x, y, frames, blocks[b], NULL);
        compare_stream(g, y, frames);
        for (uint32_t c = 0; first && c < channels; c++)
            if (memcmp(first[c], y[c], frames * sizeof *y[c]))
                fail_msg("%s: blocks of %u give other bits", g->name,
                         blocks[b]);
        channels_free(x, p.info.in_channels);
        if (first)
            channels_free(y, channels);
        else
            first = y;
        player_close(&p);
    }
    channels_free(first, channels);
}

/* --------------------------------------------------- windows and steps ---- */

static void run_once(const golden *g, fb_image image)
{
    const float *x[PORTS] = {0};
    float *y[PORTS] = {0};
    uint32_t signals = 0;
    player p;
    player_open(&p, image, NULL, 64);
    assert_int_equal(p.info.inputs, g->inputs);
    assert_int_equal(p.info.outputs, g->outputs);
    for (uint32_t i = 0; i < g->inputs; i++) {
        mli_port port;
        mli_get_input(&p.model, i, &port);
        assert_int_equal(g->in[i].count, (size_t)port.channels * port.frames);
        if (port.kind == MLI_PORT_CONTROL)
            mli_set(p.session, i, g->in[i].data);
        else
            x[signals++] = g->in[i].data;
    }
    for (uint32_t i = 0; i < g->outputs; i++) {
        mli_port port;
        mli_get_output(&p.model, i, &port);
        assert_int_equal(g->out[i].count, (size_t)port.channels * port.frames);
        if (g->out[i].rank == 2)
            assert_int_equal(port.frames, g->out[i].dims[0]);
        y[i] = calloc(g->out[i].count, sizeof *y[i]);
    }
    mli_run(p.session, x, y);
    for (uint32_t i = 0; i < g->outputs; i++) {
        double worst = 0, peak = 0;
        for (size_t k = 0; k < g->out[i].count; k++) {
            double want = (double)g->out[i].data[k];
            worst = largest(worst, fabs((double)y[i][k] - want));
            peak = fmax(peak, fabs(want));
        }
        hold(g, worst, peak, g->mode);
        free(y[i]);
    }
    player_close(&p);
}

/* list.txt has it without the hop that a whole window takes to be played. */
static unsigned latency_of(const golden *g, const mli_model *model,
                           const mli_info *info)
{
    mli_port port;
    for (uint32_t i = 0; info->mode == MLI_WINDOW && i < info->outputs; i++) {
        mli_get_output(model, i, &port);
        if (port.frames > 1)
            return g->latency + info->hop;
    }
    return g->latency;
}

static void run_golden(golden *g)
{
    mlc_image image = load(g);
    fb_image bytes = {image.bytes, image.size};
    mli_model model;
    mli_info info;
    g->inputs = read_arrays(g->name, "in", g->in);
    g->outputs = read_arrays(g->name, "out", g->out);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    unsigned latency = latency_of(g, &model, &info);
    if (strcmp(modes[info.mode], g->mode) || info.latency != latency)
        fail_msg("%s: %s with a latency of %u (expected %s, %u)", g->name,
                 modes[info.mode], info.latency, g->mode, latency);
    if (info.mode == MLI_STREAM)
        run_stream(g, bytes);
    else
        run_once(g, bytes);
    free_golden(g);
    mlc_image_free(&image);
}

static void test_all(const char *goldens, unsigned least)
{
    char path[4096], line[256];
    unsigned count = 0;
    FILE *list;
    folder = goldens;
    path_of(path, sizeof path, "", "list.txt");
    list = fopen(path, "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        golden g;
        memset(&g, 0, sizeof g);
        assert_int_equal(sscanf(line, "%63s %15s %u %u %15s", g.name, g.mode,
                                &g.latency, &g.window, g.ask),
                         5);
        run_golden(&g);
        count++;
    }
    fclose(list);
    assert_in_range(count, least, 1000);
}

static void test_graphs(void **state)
{
    (void)state;
    test_all("onnx-graphs", 50);
}

/* What exporters write for choices and indices (make_onnx_pick.py). */
static void test_choices(void **state)
{
    (void)state;
    test_all("onnx-pick", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_graphs),
                                       cmocka_unit_test(test_choices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
