/*
 * Models as PyTorch's exporters write them (tests/goldens/onnx): each becomes
 * a stream or a step model as list.txt says, with that latency, and agrees
 * with ONNX Runtime within 1e-5 of full scale, on every kernel build, the same
 * to the last bit in blocks of any size. What lies in bad/ is refused, with the
 * trouble named.
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
#define PORTS 2

typedef struct golden {
    char name[128], mode[16];
    unsigned latency;
    npy_array in[PORTS], out[PORTS]; /* count 0: not there */
} golden;

static void path_of(char *path, size_t size, const char *folder,
                    const char *file)
{
    snprintf(path, size, "%s/tests/goldens/onnx/%s/%s", root(), folder, file);
}

static void read_arrays(const char *folder, const char *stem, npy_array *to)
{
    memset(to, 0, PORTS * sizeof *to);
    for (int i = 0; i < PORTS; i++) {
        char path[4096], file[64], error[NPY_ERROR];
        FILE *there;
        snprintf(file, sizeof file, "%s%s.npy", stem, i ? "2" : "");
        path_of(path, sizeof path, folder, file);
        there = i ? fopen(path, "rb") : NULL;
        if (i && !there)
            continue;
        if (there)
            fclose(there);
        if (npy_read(path, &to[i], error))
            fail_msg("%s: %s", path, error);
    }
}

static mlc_status load(const char *folder, const char *file, mlc_image *image,
                       mlc_error *error)
{
    char path[4096];
    path_of(path, sizeof path, folder, file);
    memset(image, 0, sizeof *image);
    memset(error, 0, sizeof *error);
    return mlc_load(path, NULL, image, error);
}

/* ------------------------------------------------------------ streams ---- */

/* Arrays of a golden have one batch; their longest axis is time, and stands
   before or behind the channels. */
typedef struct layout {
    uint32_t frames, channels;
    int time_last;
} layout;

static layout layout_of(const npy_array *a)
{
    uint32_t axis = 0;
    layout l;
    for (uint32_t i = 1; i < a->rank; i++)
        if (a->dims[i] > a->dims[axis])
            axis = i;
    l.frames = (uint32_t)a->dims[axis];
    l.channels = (uint32_t)(a->count / l.frames);
    l.time_last = axis == a->rank - 1;
    return l;
}

static float element(const npy_array *a, layout l, uint32_t channel,
                     uint32_t frame)
{
    return l.time_last ? a->data[(size_t)channel * l.frames + frame]
                       : a->data[(size_t)frame * l.channels + channel];
}

static double worst_of_stream(const golden *g, float **y, uint32_t frames)
{
    const npy_array *want = &g->out[0];
    layout l = layout_of(want);
    double worst = 0, peak = 0;
    for (uint32_t c = 0; c < l.channels; c++)
        for (uint32_t t = 0; t < frames; t++) {
            double w = 0;
            if (t >= g->latency && t - g->latency < l.frames)
                w = (double)element(want, l, c, t - g->latency);
            else if (t >= g->latency)
                continue; /* past the end of the golden */
            worst = largest(worst, fabs((double)y[c][t] - w));
            peak = fmax(peak, fabs(w));
        }
    return worst / peak;
}

static void run_stream(const golden *g, fb_image image, const char *kernels)
{
    static const uint32_t blocks[] = {1, 7, 64, 1024};
    layout in = layout_of(&g->in[0]), out = layout_of(&g->out[0]);
    float **x = channels_new(in.channels, in.frames);
    float **first = channels_new(out.channels, in.frames);
    float **y = channels_new(out.channels, in.frames);
    for (uint32_t c = 0; c < in.channels; c++)
        for (uint32_t t = 0; t < in.frames; t++)
            x[c][t] = element(&g->in[0], in, c, t);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        player p;
        double worst;
        player_open(&p, image, kernels, i % 2 ? 64 : 16);
        assert_int_equal(p.info.in_channels, in.channels);
        assert_int_equal(p.info.out_channels, out.channels);
        player_process(&p, (const float *const *)x, i ? y : first, in.frames,
                       blocks[i], NULL);
        player_close(&p);
        worst = worst_of_stream(g, i ? y : first, in.frames);
        if (!(worst <= LIMIT))
            fail_msg("%s, %s: off by %.2g of full scale in blocks of %u",
                     g->name, kernels, worst, blocks[i]);
        for (uint32_t c = 0; i && c < out.channels; c++)
            if (memcmp(first[c], y[c], in.frames * sizeof *y[c]))
                fail_msg("%s, %s: blocks of %u give other bits", g->name,
                         kernels, blocks[i]);
    }
    channels_free(x, in.channels);
    channels_free(first, out.channels);
    channels_free(y, out.channels);
}

/* -------------------------------------------------------------- lists ---- */

static size_t values_of(mli_port port)
{
    return (size_t)port.channels * port.frames;
}

static void run_lists(const golden *g, fb_image image, const char *kernels)
{
    size_t in[PORTS] = {0}, out[PORTS] = {0}, lists;
    double worst = 0, peak = 0;
    mli_port port;
    player p;
    player_open(&p, image, kernels, 64);
    assert_in_range(p.info.inputs, 1, PORTS);
    assert_in_range(p.info.outputs, 1, PORTS);
    for (uint32_t i = 0; i < p.info.inputs; i++) {
        mli_get_input(&p.model, i, &port);
        in[i] = values_of(port);
    }
    lists = g->in[0].count / in[0];
    for (uint32_t i = 0; i < p.info.outputs; i++) {
        mli_get_output(&p.model, i, &port);
        out[i] = values_of(port);
        assert_int_equal(out[i] * lists, g->out[i].count);
    }
    for (size_t n = 0; n < lists; n++) {
        const float *x[PORTS] = {g->in[0].data + n * in[0],
                                 g->in[1].data ? g->in[1].data + n * in[1]
                                               : NULL};
        float *y[PORTS];
        for (uint32_t i = 0; i < PORTS; i++)
            y[i] = calloc(out[i] + 1, sizeof **y);
        mli_run(p.session, x, y);
        for (uint32_t i = 0; i < p.info.outputs; i++)
            for (size_t k = 0; k < out[i]; k++) {
                double w = (double)g->out[i].data[n * out[i] + k];
                worst = largest(worst, fabs((double)y[i][k] - w));
                peak = fmax(peak, fabs(w));
            }
        for (uint32_t i = 0; i < PORTS; i++)
            free(y[i]);
    }
    player_close(&p);
    if (!(worst <= LIMIT * peak))
        fail_msg("%s, %s: off by %.2g of full scale", g->name, kernels,
                 worst / peak);
}

/* -------------------------------------------------------------- tests ---- */

/* The report says what was multiplied before and after. Recurrent layers are
   rounded up to whole quads of units, which small ones feel. */
static void no_slower(const char *name, const char *report)
{
    const char *line = strstr(report, "multiply-accumulates: ");
    unsigned long long before, now;
    if (!line ||
        sscanf(line, "%*s %llu in the source, %llu now", &before, &now) != 2)
        fail_msg("%s: multiply-accumulates are not reported", name);
    else if (now > before + before / 8)
        fail_msg("%s: %llu multiply-accumulates, the source had %llu", name,
                 now, before);
}

static void run_golden(golden *g)
{
    static const char *const modes[] = {"stream", "window", "step"};
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_info info;
    if (load(g->name, "model.onnx", &image, &error))
        fail_msg("%s: %s", g->name, error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    if (strcmp(modes[info.mode], g->mode) || info.latency != g->latency)
        fail_msg("%s: became %s, latency %u (expected %s, latency %u)", g->name,
                 modes[info.mode], info.latency, g->mode, g->latency);
    assert_int_equal(info.arena_floats, info.arena_bound_floats);
    read_arrays(g->name, "input", g->in);
    read_arrays(g->name, "output", g->out);
    for (uint32_t i = 0; mli_kernels_name(i); i++)
        (info.mode == MLI_STREAM ? run_stream : run_lists)(
            g, (fb_image){image.bytes, image.size}, mli_kernels_name(i));
    no_slower(g->name, image.report);
    for (int i = 0; i < PORTS; i++) {
        npy_free(&g->in[i]);
        npy_free(&g->out[i]);
    }
    mlc_image_free(&image);
}

static void test_goldens(void **state)
{
    char path[4096];
    golden g;
    int count = 0;
    FILE *list;
    (void)state;
    path_of(path, sizeof path, ".", "list.txt");
    list = fopen(path, "r");
    assert_non_null(list);
    while (fscanf(list, "%127s %15s %u %*d", g.name, g.mode, &g.latency) == 3) {
        run_golden(&g);
        count++;
    }
    fclose(list);
    assert_true(count >= 70);
}

static void test_bad(void **state)
{
    static const struct {
        const char *file;
        mlc_status status;
        const char *said[3];
    } cases[] = {
        {"unsupported", MLC_UNSUPPORTED, {"NonZero", "where_it_fires"}},
        {"custom-domain", MLC_UNSUPPORTED, {"Wobble", "wobble"}},
        {"missing-input", MLC_CORRUPT, {"relu", "nowhere"}},
        {"shape-mismatch", MLC_CORRUPT, {"node mul", "4", "3"}},
        {"cycle", MLC_CORRUPT, {"no node before it makes"}},
        {"integer-input", MLC_UNSUPPORTED, {"string"}},
        {"no-output", MLC_CORRUPT, {"no output"}},
        {"future-opset", MLC_NEWER, {"999"}},
        {"short-weights", MLC_CORRUPT, {"w", "24", "20"}},
        {"huge-weights", MLC_CORRUPT, {"too long"}},
        {"external-missing", MLC_NOT_FOUND, {"not-there.data"}},
        {"external-outside", MLC_CORRUPT, {"bad-secret.data", "outside"}},
        {"external-absolute", MLC_CORRUPT, {"outside"}},
        {"rnn-unrolled", MLC_UNSUPPORTED, {"SplitToSequence", "takes time"}},
        {"reverse-time", MLC_UNSUPPORTED, {"backwards"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[64];
        mlc_image image;
        mlc_error error;
        mlc_status status;
        snprintf(file, sizeof file, "%s.onnx", cases[i].file);
        status = load("bad", file, &image, &error);
        if (status == MLC_OK)
            fail_msg("%s was taken", file);
        if (status != cases[i].status)
            fail_msg("%s: %s (expected %s): %s", file, mlc_status_word(status),
                     mlc_status_word(cases[i].status), error.text);
        for (int k = 0; k < 3 && cases[i].said[k]; k++)
            if (!strstr(error.text, cases[i].said[k]))
                fail_msg("%s: no word of '%s' in '%s'", file, cases[i].said[k],
                         error.text);
        if (strchr(error.text, '\n'))
            fail_msg("%s: more than one line: '%s'", file, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
