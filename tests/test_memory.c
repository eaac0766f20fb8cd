/*
 * test_memory.c - every allocation of the compiler fails once: an error, or a
 * whole model, but no crash and nothing left behind.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "failing_memory.h"
#include "ir.h"
#include "stream_check.h"

typedef mlc_status (*subject)(mlc_image *image, mlc_error *error);

/* Let the first fail, then the second ... until none does. */
static void fail_each(subject run, int always_memory)
{
    long n = 0;

    do {
        mlc_image image = {0};
        mlc_error error = {0};
        mlc_status status;

        left = n++;
        failed = 0;
        not_freed = 0;
        counting = 1;
        status = run(&image, &error);
        mlc_image_free(&image);
        counting = 0;
        /* what the C library itself allocates is not seen being made */
        if (not_freed > 0)
            fail_msg("allocation %ld fails: %ld are not freed", n, not_freed);
        if (status != MLC_OK && always_memory)
            assert_int_equal(status, MLC_MEMORY);
        assert_true(failed || status == MLC_OK);
    } while (failed);
    print_message("%ld allocations\n", n - 1);
    assert_true(n > 1); /* the trap works */
}

static mlc_status build(mlc_image *image, mlc_error *error)
{
    const uint32_t two[1] = {2}, six[1] = {6};
    const float w[16 * 12] = {0.25f, -0.5f, 1.f};
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x, y, c;

    if (!g)
        return mlc_finish(g, NULL, image, error);
    ir_at(g, "a layer");
    ir_note(g, "a note");
    ir_set_meta(g, "name", "first");
    ir_set_meta(g, "name", "second");
    x = ir_input(g, "in", 1, two);
    ir_channel_info(g, 1, "left", -1.f, 1.f, 0.f);
    c = ir_control(g, "knob", 1, six);
    x = ir_conv1d(g, x, 2, 6, 3, 4, 2, 1, w, w);
    x = ir_unary(g, MLI_TANH, 0, 0, ir_affine(g, x, 6, w, w));
    y = ir_binary(g, MLI_ADD, ir_const1(g, 6, w), ir_const1(g, 6, w));
    x = ir_binary(g, MLI_MUL, ir_binary(g, MLI_MUL, x, y), c);
    x = ir_lstm(g, x, 6, 2, w, w, w, w, w, w);
    x = ir_gru(g, ir_delay(g, x, 5), 2, 2, w, w, w, w, w, 1);
    x = ir_reshape(g, ir_transpose(g, x, (uint32_t[]){0}), 2,
                   (uint32_t[]){1, 2});
    ir_output(g, "out", ir_softmax(g, x, 1, 0));
    ir_output(g, "constant", y);
    g->prewarm = 100;
    return mlc_finish(g, NULL, image, error);
}

static void graphs(void **state)
{
    (void)state;
    fail_each(build, 1);
}

static char path[4096];

static mlc_status load(mlc_image *image, mlc_error *error)
{
    return mlc_load(path, NULL, image, error);
}

static void model_files(void **state)
{
    char name[] = "/tmp/mlinfer-memory-XXXXXX";
    int file = mkstemp(name);
    mlc_image image;
    mlc_error error;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(build(&image, &error), MLC_OK);
    assert_int_equal(write(file, image.bytes, image.size), image.size);
    close(file);
    mlc_image_free(&image);
    strcpy(path, name);
    fail_each(load, 1);
    remove(name);
}

static void onnx_files(void **state)
{
    static const char *const names[] = {
        "gru2-old13-time", "mlp-norm-old9-static", "wavenet-new20-both"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/tests/goldens/onnx/%s/model.onnx",
                 root(), names[i]);
        fail_each(load, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs),
        cmocka_unit_test(model_files),
        cmocka_unit_test(onnx_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
