/*
 * test_rtneural.c - RTNeural's JSON and AIDA-X files: real models and golden
 * ones, and what is said of files that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler.h"
#include "stream_check.h"

/* ---------------------------------------------------------- real models ----
 */

static void real_keras(void **state)
{
    static const char *const names[] = {"conv", "dense",  "gru",
                                        "lstm", "gru_1d", "lstm_1d"};
    const char *folder = real_models();

    (void)state;
    if (!folder) {
        printf("SKIP: the real models are not here (MLI_REAL_MODELS)\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_rtneural(folder, names[i]);
}

/* -------------------------------------------------------------- goldens ----
 */

static void golden(const char *name, const float *controls)
{
    char input[128];

    snprintf(input, sizeof input, "%s.input.npy", name);
    check_golden("rtneural", name, input, controls);
}

static void goldens(void **state)
{
    (void)state;
    golden("conv2d", NULL);
    golden("stack", NULL);
    golden("aidax_lstm", NULL);
    golden("aidax_skip", NULL);
    golden("aidax_knobs", (const float[]){0.25f, 0.75f});
}

/* --------------------------------------------------------------- AIDA-X ----
 */

static void aidax(void **state)
{
    char path[600];
    mlc_image image = load_model(golden_path(path, "rtneural/aidax_lstm.json"));
    mli_channel c;
    mlc_error error;
    mli_model model;
    mli_info info;
    mli_port port;

    (void)state;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_true(info.rate == 44100 && info.parameters == 329);
    assert_string_equal(mli_get_meta(&model, "name"), "a test");
    assert_string_equal(mli_get_meta(&model, "licence"), "BSD");
    assert_non_null(strstr(image.report, "agrees with the batch in the file"));
    mlc_image_free(&image);

    image = load_model(golden_path(path, "rtneural/aidax_knobs.json"));
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_true(info.rate == 48000 && info.inputs == 3 &&
                info.in_channels == 1);
    mli_get_input(&model, 2, &port);
    mli_get_input_channel(&model, 2, 0, &c);
    assert_string_equal(port.name, "param2");
    assert_int_equal(port.kind, MLI_PORT_CONTROL);
    assert_true(c.low == 0 && c.high == 1 && c.initial == 0);
    assert_non_null(strstr(image.report, "2 knobs"));
    mlc_image_free(&image);

    assert_int_equal(
        mlc_load(golden_path(path, "rtneural/aidax_wrong_batch.json"), NULL,
                 &image, &error),
        MLC_CORRUPT);
    assert_non_null(strstr(error.text, "output_batch: the layers do not"));
}

/* --------------------------------------------------------------- errors ----
 */

#define IN1    "{\"in_shape\": [null, null, 1], \"layers\": ["
#define TWO(t) "{\"type\": \"" t "\", \"activation\": \"\", "

static const refusal wrongs[] = {
    {"{\"in_shape\": [null, 1]}", MLC_CORRUPT,
     "layers: missing (expected an array)"},
    {"{\"in_shape\": 1, \"layers\": []}", MLC_CORRUPT,
     "in_shape: expected an array, got 1"},
    {"{\"in_shape\": [0], \"layers\": []}", MLC_CORRUPT,
     "in_shape: expected a whole number from 1 to 64, got 0"},
    {"{\"in_shape\": [1], \"layers\": []}", MLC_CORRUPT,
     "layers: expected 1 to 4096 elements, got 0"},
    {IN1 "1]}", MLC_CORRUPT, "layers[0]: expected an object, got 1"},
    {IN1 "{}]}", MLC_CORRUPT, "layers[0].type: missing"},
    {IN1 TWO("flatten") "\"weights\": []}]}", MLC_UNSUPPORTED,
     "layers[0].type: \"flatten\" is not supported"},
    {IN1 TWO("dense") "\"weights\": []}]}", MLC_CORRUPT,
     "layers[0].weights: expected at least 1 arrays, got 0"},
    {IN1 TWO("dense") "\"weights\": [[[1, 2], [3, 4]]]}]}", MLC_CORRUPT,
     "layers[0].weights[0]: expected [1, ?], got [2, 2]"},
    {IN1 TWO("dense") "\"weights\": [[[1, 2]], [1, 2, 3]]}]}", MLC_CORRUPT,
     "layers[0].weights[1]: expected [2], got [3]"},
    {IN1 TWO("dense") "\"weights\": [[[1, 2], [3]]]}]}", MLC_CORRUPT,
     "expected 2 numbers, got 1"},
    {IN1 TWO("dense") "\"weights\": [[[1, \"x\"]]]}]}", MLC_CORRUPT,
     "expected a number, got \"x\""},
    {IN1 TWO("dense") "\"weights\": [[[[[[[[[[1]]]]]]]]]]}]}", MLC_CORRUPT,
     "arrays more than 8 deep"},
    {IN1 TWO("dense") "\"shape\": [null, 3], \"weights\": [[[1, 2]]]}]}",
     MLC_CORRUPT, "layers[0].shape: expected 2, as the weights have, got 3"},
    {IN1 "{\"type\": \"dense\", \"activation\": \"wobble\", \"weights\": "
         "[[[1]]]}]}",
     MLC_UNSUPPORTED, "layers[0].activation: \"wobble\" is not supported"},
    {IN1 TWO("conv1d") "\"groups\": 2, \"weights\": [[[[1]]]]}]}", MLC_CORRUPT,
     "2 groups do not divide 1 inputs"},
    {IN1 TWO("conv1d") "\"strides\": [2], \"weights\": [[[[1]]]]}]}",
     MLC_UNSUPPORTED, "layers[0].strides: expected 1, got 2"},
    {IN1 TWO("conv1d") "\"kernel_size\": [2], \"weights\": [[[[1]]]]}]}",
     MLC_CORRUPT, "weights[0]: expected [2, 1, ?], got [1, 1, 1]"},
    {IN1 TWO("conv1d") "\"dilation\": 16777216, \"weights\": "
                       "[[[[1]], [[1]]]]}]}",
     MLC_UNSUPPORTED, "looks back 16777216 frames"},
    {IN1 TWO("lstm") "\"weights\": [[[1, 2, 3]], [[1]], [1]]}]}", MLC_CORRUPT,
     "a column for each gate and unit"},
    {IN1 TWO("gru") "\"weights\": [[[1, 2, 3]], [[1]], [1]]}]}", MLC_CORRUPT,
     "weights[1]: expected [1, 3], got [1, 1]"},
    {IN1 TWO("batchnorm") "\"epsilon\": 0, \"weights\": [[0], [0]]}]}",
     MLC_CORRUPT, "give no finite scale"},
    {"{\"in_shape\": [null, null, 64, 1], \"layers\": [" TWO(
         "conv2d") "\"weights\": [[[[[1]]], [[[1]]]], [1]]}, 1]}",
     MLC_CORRUPT, "layers[1]: expected an object"},
    {"{\"in_shape\": [null, null, 1, 1], \"layers\": [" TWO(
         "conv2d") "\"weights\": [[[[[1]], [[1]]]]]}]}",
     MLC_CORRUPT, "1 features are fewer than the kernel's 2"},
    {"{\"in_shape\": [1], \"in_skip\": 2, \"layers\": [" TWO(
         "dense") "\"weights\": [[[1]]]}]}",
     MLC_CORRUPT, "in_skip: expected 0 or 1, got 2"},
    {"{\"in_shape\": [1], \"in_gain\": \"x\", \"layers\": []}", MLC_CORRUPT,
     "in_gain: expected a number, got \"x\""},
    {"{\"in_shape\": [1], \"metadata\": {\"samplerate\": \"fast\"}, "
     "\"layers\": []}",
     MLC_CORRUPT, "metadata.samplerate: expected a sample rate"},
    {"{\"in_shape\": [1], \"input_batch\": [1, 2], \"output_batch\": [1, 2, "
     "3], \"layers\": [" TWO("dense") "\"weights\": [[[1]]]}]}",
     MLC_CORRUPT, "output_batch: expected as many frames"},
    {"{\"in_shape\": [1], \"layers\": [", MLC_CORRUPT, "the end"},
    {"{\"in_shape\": [1], \"layers\": []} x", MLC_CORRUPT, "line 1, byte"},
};

static void errors(void **state)
{
    (void)state;
    check_refusals(wrongs, sizeof wrongs / sizeof *wrongs, mlc_import_rtneural);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_keras),
        cmocka_unit_test(goldens),
        cmocka_unit_test(aidax),
        cmocka_unit_test(errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
