/*
 * What an ONNX file says about itself arrives in the model; what it says
 * wrongly is named. The files are models/mapping/mapping.onnx with some text
 * replaced by other text of the same length.
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

typedef struct file {
    uint8_t *bytes;
    size_t size;
} file;

static file read_mapping(void)
{
    char path[4096];
    file f = {malloc(1 << 16), 0};
    FILE *in;
    assert_non_null(f.bytes);
    snprintf(path, sizeof path, "%s/models/mapping/mapping.onnx", root());
    in = fopen(path, "rb");
    assert_non_null(in);
    f.size = fread(f.bytes, 1, 1 << 16, in);
    fclose(in);
    assert_in_range(f.size, 1000, (1 << 16) - 1);
    return f;
}

/* Replace the last place where `from` stands. */
static void replace(file *f, const char *from, const char *to)
{
    size_t n = strlen(from);
    assert_int_equal(n, strlen(to));
    for (size_t i = f->size - n; i > 0; i--) {
        if (memcmp(f->bytes + i, from, n))
            continue;
        memcpy(f->bytes + i, to, n);
        return;
    }
    fail_msg("no '%s' in the file", from);
}

static mlc_status import(const file *f, mlc_image *image, mlc_error *error)
{
    return mlc_import_onnx(f->bytes, f->size, NULL, NULL, image, error);
}

static void test_described(void **state)
{
    static const char *const in[] = {"tilt", "pressure", "position"};
    static const char *const out[] = {"pitch", "brightness", "index",
                                      "amplitude", "vibrato"};
    static const float low[] = {36, 0, 0, 0, 0}, high[] = {84, 1, 8, 1, 1};
    file f = read_mapping();
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_port port;
    mli_channel c;
    (void)state;
    if (import(&f, &image, &error))
        fail_msg("%s", error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    assert_string_equal(mli_get_meta(&model, "name"), "mapping");
    assert_string_equal(mli_get_meta(&model, "licence"), "BSD-3-Clause");
    assert_null(mli_get_meta(&model, "mlinfer.low.sensors"));
    mli_get_input(&model, 0, &port);
    assert_string_equal(port.name, "sensors");
    assert_int_equal(port.channels, 3);
    assert_false(port.classes);
    for (uint32_t i = 0; i < 3; i++) {
        mli_get_input_channel(&model, 0, i, &c);
        assert_string_equal(c.label, in[i]);
        assert_true(c.low == 0.f && c.high == 1.f);
        assert_true(c.initial == (i == 1 ? 0.f : 0.5f));
    }
    for (uint32_t i = 0; i < 5; i++) {
        mli_get_output_channel(&model, 0, i, &c);
        assert_string_equal(c.label, out[i]);
        assert_true(c.low == low[i] && c.high == high[i]);
        assert_true(c.initial == low[i]);
    }
    mlc_image_free(&image);
    free(f.bytes);
}

static void test_classes(void **state)
{
    file f = read_mapping();
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_port port;
    mli_channel c;
    (void)state;
    /* "classes" is a letter longer than "labels", the port's name shorter */
    replace(&f, "mlinfer.initial.sensors", "mlinfer.classes.sensors");
    replace(&f, "0.5 0 0.5", "a,b b, c ");
    if (import(&f, &image, &error))
        fail_msg("%s", error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_input(&model, 0, &port);
    assert_true(port.classes);
    mli_get_input_channel(&model, 0, 1, &c);
    assert_string_equal(c.label, "b b");
    mli_get_input_channel(&model, 0, 2, &c);
    assert_string_equal(c.label, "c");
    mlc_image_free(&image);
    free(f.bytes);
}

/* A number written in any way. */
static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        float value;
    } cases[] = {
        {"0.5 0 0.5", 0.5f}, {"5e-1 0 .5", 0.5f},  {"50E-2,0,1", 0.5f},
        {"-.5 0.0 0", -.5f}, {"+12.5 1 0", 12.5f}, {"1e38 0 0 ", 1e38f},
        {"1e-99 0 0", 0.f},  {"4.       ", 4.f},   {"0.1   0 0", 0.1f},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file f = read_mapping();
        mlc_image image;
        mlc_error error;
        mli_model model;
        mli_channel c;
        replace(&f, "0.5 0 0.5", cases[i].text);
        if (import(&f, &image, &error))
            fail_msg("'%s': %s", cases[i].text, error.text);
        mli_open(&model, image.bytes, image.size, NULL);
        mli_get_input_channel(&model, 0, 0, &c);
        assert_true(c.initial == cases[i].value);
        mlc_image_free(&image);
        free(f.bytes);
    }
}

static void test_wrong(void **state)
{
    static const struct {
        const char *from, *to, *said;
    } cases[] = {
        {"mlinfer.high.sensors", "mlinfer.high.sensorx", "no input or output"},
        {"mlinfer.high.sensors", "mlinfer.hihg.sensors", "no such key"},
        {"mlinfer.initial.sensors", "mlinfer.initial_sensors", "no such key"},
        {"0.5 0 0.5", "0.5 0 x.5", "expected 1 or 3 numbers"},
        {"0.5 0 0.5", "0.5   0.5", "expected 1 or 3 numbers"},
        {"0.5 0 0.5", "1 2 3 4 5", "expected 1 or 3 numbers"},
        {"0.5 0 0.5", "nan 0 0.5", "expected 1 or 3 numbers"},
        {"0.5 0 0.5", "1e39 0 .5", "expected 1 or 3 numbers"},
        {"0.5 0 0.5", "         ", "expected 1 or 3 numbers"},
        {"tilt,pressure", "tilt;pressure", "expected 3 names"},
        {"84 1 8 1 1", "14 1 8 1 1", "channel 1 goes from 36 to 14"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file f = read_mapping();
        mlc_image image;
        mlc_error error = {0};
        replace(&f, cases[i].from, cases[i].to);
        if (import(&f, &image, &error) == MLC_OK)
            fail_msg("'%s' was taken", cases[i].to);
        if (!strstr(error.text, cases[i].said))
            fail_msg("'%s' gives '%s'", cases[i].to, error.text);
        free(f.bytes);
    }
}

/* A text that is not UTF-8 must not spoil the model. */
static void test_not_utf8(void **state)
{
    file f = read_mapping();
    mlc_image image;
    mlc_error error;
    mli_model model;
    (void)state;
    replace(&f, "learned", "l\xe9\xff\xc0ned");
    if (import(&f, &image, &error))
        fail_msg("%s", error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    assert_non_null(strstr(mli_get_meta(&model, "description"), "l???ned"));
    mlc_image_free(&image);
    free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_described), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
