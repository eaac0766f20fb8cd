/*
 * Spectra, attention, quantised layers, recurrent layers of rare forms and
 * loops as exporters write them (tests/goldens/signal): each gets the mode that
 * list.txt says and agrees with its framework within 1e-5 of full scale, on
 * every kernel build.
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

static const char *path_of(const char *folder, const char *file)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/goldens/signal/%s%s%s", root(),
             folder, *folder ? "/" : "", file);
    return path;
}

static npy_array array(const char *name, const char *file)
{
    char folder[128];
    snprintf(folder, sizeof folder, "signal/%s", name);
    return golden_array(folder, file);
}

/* The array as a port of so many frames has it: their axis in front. */
static void time_first(npy_array *a, uint32_t frames)
{
    float *to = calloc(a->count + 1, sizeof *to);
    uint64_t inner = 1, outer = 1, at = 0;
    uint32_t axis = 0;
    while (axis < a->rank && a->dims[axis] != frames)
        axis++;
    for (uint32_t i = 0; i < a->rank; i++) {
        outer *= i < axis ? a->dims[i] : 1;
        inner *= i > axis ? a->dims[i] : 1;
    }
    for (uint64_t f = 0; f < frames; f++)
        for (uint64_t o = 0; o < outer; o++)
            for (uint64_t i = 0; i < inner; i++)
                to[at++] = a->data[(o * frames + f) * inner + i];
    memcpy(a->data, to, a->count * sizeof *to);
    free(to);
}

static void check(const char *name, const mlc_image *image, const npy_array *x,
                  const npy_array *want, const char *kernels)
{
    fb_image file = {image->bytes, image->size};
    float *y = calloc(want->count, sizeof *y), *out[1] = {y};
    const float *in[1] = {x->data};
    double worst = 0, peak = 0;
    mli_port port;
    player p;
    player_open(&p, file, kernels, 16);
    mli_get_input(&p.model, 0, &port);
    assert_int_equal(port.channels * port.frames, x->count);
    mli_get_output(&p.model, 0, &port);
    assert_int_equal(port.channels * port.frames, want->count);
    for (int twice = 0; twice < 2; twice++) /* nothing is left of a run */
        mli_run(p.session, in, out);
    for (uint64_t i = 0; i < want->count; i++) {
        peak = fmax(peak, fabs((double)want->data[i]));
        worst = largest(worst, fabs((double)y[i] - (double)want->data[i]));
    }
    if (!(worst <= LIMIT * peak))
        fail_msg("%s, %s: error %g of %g", name, kernels, worst, peak);
    player_close(&p);
    free(y);
}

static void golden(const char *name, const char *mode)
{
    static const char *const modes[] = {"stream", "window", "step"};
    npy_array x = array(name, "input.npy"), y = array(name, "output.npy");
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_info info;
    const char *kernels;
    if (mlc_load(path_of(name, "model.onnx"), NULL, &image, &error) != MLC_OK)
        fail_msg("%s: %s", name, error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    if (strcmp(modes[info.mode], mode))
        fail_msg("%s: %s (expected %s)", name, modes[info.mode], mode);
    mli_port port;
    mli_get_input(&model, 0, &port);
    if (port.frames > 1)
        time_first(&x, port.frames);
    mli_get_output(&model, 0, &port);
    if (port.frames > 1)
        time_first(&y, port.frames);
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++)
        check(name, &image, &x, &y, kernels);
    mlc_image_free(&image);
    free(x.data);
    free(y.data);
}

static void test_goldens(void **state)
{
    char name[128], mode[16];
    int count = 0;
    FILE *list = fopen(path_of("", "list.txt"), "r");
    (void)state;
    assert_non_null(list);
    for (; fscanf(list, "%127s %15s", name, mode) == 2; count++)
        golden(name, mode);
    fclose(list);
    assert_true(count > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
