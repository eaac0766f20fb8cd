/*
 * Networks over images, volumes and batches (tests/goldens/onnx-images): each
 * becomes a step model that agrees with ONNX Runtime within 1e-5 of full scale,
 * on every kernel build, and has no transposes but those that list.txt allows:
 * at its ends.
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

static void path_of(char *path, size_t size, const char *name, const char *file)
{
    snprintf(path, size, "%s/tests/goldens/onnx-images/%s%s%s", root(), name,
             *name ? "/" : "", file);
}

static npy_array read_array(const char *name, const char *file)
{
    char folder[128];
    snprintf(folder, sizeof folder, "onnx-images/%s", name);
    return golden_array(folder, file);
}

static unsigned transposes(fb_image image)
{
    const mli_file_header *h = (const void *)image.bytes;
    const mli_file_op *op = fb_section(image, MLI_SEC_OPS);
    unsigned n = 0;
    for (size_t i = 0; i < h->section[MLI_SEC_OPS].bytes / sizeof *op; i++)
        n += op[i].type == MLI_OP_TRANSPOSE;
    return n;
}

static void run(const char *name, fb_image image, const char *kernels,
                const npy_array *in, const npy_array *want)
{
    float *y = calloc(want->count, sizeof *y);
    double worst = 0, peak = 0;
    const float *x = in->data;
    player p;
    player_open(&p, image, kernels, 16);
    assert_int_equal(p.info.in_channels, in->count);
    assert_int_equal(p.info.out_channels, want->count);
    mli_run(p.session, &x, &y);
    for (size_t i = 0; i < want->count; i++) {
        worst = largest(worst, fabs((double)y[i] - (double)want->data[i]));
        peak = fmax(peak, fabs((double)want->data[i]));
    }
    if (!(worst <= LIMIT * peak))
        fail_msg("%s, %s: off by %g of full scale", name, kernels,
                 worst / peak);
    player_close(&p);
    free(y);
}

static void check(const char *name, unsigned most)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    npy_array in = read_array(name, "input.npy");
    npy_array want = read_array(name, "output.npy");
    char path[4096];
    const char *kernels;
    mlc_image image;
    mlc_error error;
    fb_image file;
    options.mode = MLI_STEP;
    path_of(path, sizeof path, name, "model.onnx");
    if (mlc_load(path, &options, &image, &error) != MLC_OK)
        fail_msg("%s: %s", name, error.text);
    file = (fb_image){image.bytes, image.size};
    if (transposes(file) > most)
        fail_msg("%s: %u transposes (expected at most %u)", name,
                 transposes(file), most);
    for (uint32_t i = 0; (kernels = mli_kernels_name(i)) != NULL; i++)
        run(name, file, kernels, &in, &want);
    mlc_image_free(&image);
    npy_free(&in);
    npy_free(&want);
}

static void test_images(void **state)
{
    char path[4096], name[64];
    unsigned most, count = 0;
    FILE *list;
    (void)state;
    path_of(path, sizeof path, "", "list.txt");
    list = fopen(path, "r");
    assert_non_null(list);
    while (fscanf(list, "%63s %u", name, &most) == 2) {
        check(name, most);
        count++;
    }
    fclose(list);
    assert_int_equal(count, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
