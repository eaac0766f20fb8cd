/*
 * Classical models as their converters write them (tests/goldens/ml): each
 * agrees with ONNX Runtime within 1e-5 of full scale, its labels exactly, on
 * every kernel build, and has the class labels that list.txt names. Ensembles
 * that are wrong are refused with the trouble named, and damaged files do no
 * harm.
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
#include "npy.h"
#include "player.h"
#include "stream_check.h"

#define LIMIT 1e-5
#define MOST  64 /* outputs' channels */

static void path_of(char *path, size_t size, const char *name, const char *file)
{
    snprintf(path, size, "%s/tests/goldens/ml/%s/%s", root(), name, file);
}

static npy_array array(const char *name, const char *file)
{
    char folder[128];
    snprintf(folder, sizeof folder, "ml/%s", name);
    return golden_array(folder, file);
}

static void load(const char *name, mlc_image *image)
{
    char path[4096];
    mlc_error error;
    path_of(path, sizeof path, name, "model.onnx");
    if (mlc_load(path, NULL, image, &error))
        fail_msg("%s: %s", name, error.text);
}

/* ------------------------------------------------------------- answers ---- */

/* Columns of whole numbers are labels, and the like: exact. */
static int is_whole(const npy_array *a, size_t columns, size_t column)
{
    for (size_t i = column; i < a->count; i += columns)
        if (a->data[i] != floorf(a->data[i]))
            return 0;
    return 1;
}

static void compare(const char *name, const char *kernels, const float *got,
                    const npy_array *want, size_t columns)
{
    double peak = 0;
    for (size_t i = 0; i < want->count; i++)
        peak = fmax(peak, fabs((double)want->data[i]));
    for (size_t i = 0; i < want->count; i++) {
        double off = fabs((double)got[i] - (double)want->data[i]);
        int exact = is_whole(want, columns, i % columns);
        if (!(off <= (exact ? 0 : LIMIT * peak)))
            fail_msg("%s, %s, row %zu, column %zu: %.9g, expected %.9g", name,
                     kernels, i / columns, i % columns, (double)got[i],
                     (double)want->data[i]);
    }
}

/* All outputs of one row, one after another. */
static void run_row(player *p, const float *x, float *y)
{
    float *out[MOST];
    for (uint32_t i = 0; i < p->info.outputs; i++) {
        mli_port port;
        mli_get_output(&p->model, i, &port);
        out[i] = y;
        y += port.channels * port.frames;
    }
    mli_run(p->session, &x, out);
}

static void check_answers(const char *name, const mlc_image *image)
{
    npy_array in = array(name, "input.npy"), want = array(name, "output.npy");
    size_t rows = in.dims[0], columns = want.count / rows;
    float *got = calloc(want.count, sizeof *got);
    assert_non_null(got);
    for (uint32_t k = 0; mli_kernels_name(k); k++) {
        player p;
        player_open(&p, (fb_image){image->bytes, image->size},
                    mli_kernels_name(k), 16);
        assert_int_equal(p.info.mode, MLI_STEP);
        assert_int_equal(p.info.in_channels, in.count / rows);
        assert_int_equal(p.info.out_channels, columns);
        for (size_t r = 0; r < rows; r++)
            run_row(&p, in.data + r * p.info.in_channels, got + r * columns);
        compare(name, mli_kernels_name(k), got, &want, columns);
        player_close(&p);
    }
    free(got);
    npy_free(&in);
    npy_free(&want);
}

/* Exactly the outputs with a score for each class have its label. */
static void check_labels(const char *name, const mlc_image *image,
                         const char *labels)
{
    mli_model model;
    mli_info info;
    int found = 0;
    assert_int_equal(mli_open(&model, image->bytes, image->size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    for (uint32_t i = 0; i < info.outputs; i++) {
        char text[256] = "";
        mli_port port;
        mli_get_output(&model, i, &port);
        for (uint32_t c = 0; port.classes && c < port.channels; c++) {
            mli_channel channel;
            mli_get_output_channel(&model, i, c, &channel);
            strncat(text, c ? "," : "", 2);
            strncat(text, channel.label, 32);
        }
        if (!port.classes)
            continue;
        found = 1;
        if (strcmp(text, labels))
            fail_msg("%s: labels %s, expected %s", name, text, labels);
    }
    assert_int_equal(found, strcmp(labels, "-") != 0);
}

static void test_goldens(void **state)
{
    char path[4096], name[64], labels[128];
    int count = 0;
    FILE *list;
    (void)state;
    path_of(path, sizeof path, ".", "list.txt");
    list = fopen(path, "r");
    assert_non_null(list);
    while (fscanf(list, "%63s %127s", name, labels) == 2) {
        mlc_image image;
        load(name, &image);
        check_answers(name, &image);
        check_labels(name, &image, labels);
        mlc_image_free(&image);
        count++;
    }
    fclose(list);
    assert_true(count >= 20);
}

/* ------------------------------------------------------- what is wrong ---- */

/* A file's bytes; the caller frees them. */
static uint8_t *bytes_of(const char *name, size_t *size)
{
    char path[4096];
    uint8_t *bytes = malloc(1 << 16);
    FILE *f;
    path_of(path, sizeof path, name, "model.onnx");
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 16, f);
    fclose(f);
    return bytes;
}

static mlc_status import(const uint8_t *bytes, size_t size, mlc_error *error)
{
    mlc_image image;
    mlc_status status = mlc_import_onnx(bytes, size, NULL, NULL, &image, error);
    if (status == MLC_OK)
        mlc_image_free(&image);
    return status;
}

/* Where an attribute's list begins, as protobuf has it; the name is found as
   its text, the list's fields follow it. */
static uint8_t *list_in(uint8_t *bytes, size_t size, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < size; i++)
        if (!memcmp(bytes + i, name, n) && bytes[i - 1] == n)
            return bytes + i + n;
    fail_msg("no attribute %s", name);
    return NULL;
}

/* Entry `at` of a list of small integers, each a tag and one byte. */
static void refused(const char *list, size_t at, uint8_t value,
                    const char *said)
{
    size_t size;
    uint8_t *bytes = bytes_of("boosting-two", &size);
    uint8_t *entry = list_in(bytes, size, list) + 2 * at;
    mlc_error error = {0};
    mlc_status status;
    assert_int_equal(entry[0], 8 << 3);
    entry[1] = value;
    status = import(bytes, size, &error);
    if (status != MLC_CORRUPT || !strstr(error.text, said) ||
        !strstr(error.text, "TreeEnsembleClassifier"))
        fail_msg("%s: %s, %s (expected %s)", list, mlc_status_word(status),
                 error.text, said);
    free(bytes);
}

static void test_ensembles_refused(void **state)
{
    (void)state;
    refused("nodes_truenodeids", 1, 0, "reached twice"); /* a cycle */
    refused("nodes_falsenodeids", 0, 1, "reached twice");
    refused("nodes_truenodeids", 0, 99, "no node 99 in tree 0");
    refused("nodes_featureids", 0, 4, "input 4 of 4");
    refused("nodes_treeids", 0, 9, "no node");
    refused("nodes_nodeids", 1, 0, "is there twice");
    refused("class_ids", 0, 2, "output 2 of 2");
    refused("class_nodeids", 0, 77, "no node 77");
}

/* Every byte changed, every length: refused or opened, without a finding of
   the sanitizers where those are built in. */
static void damage(const char *name)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x10};
    size_t size, step = getenv("MLI_LONG") ? 1 : 5;
    uint8_t *bytes = bytes_of(name, &size);
    size_t opened = 0, wrong = 0;
    mlc_error error;
    for (size_t n = 0; n < size; n += step)
        wrong += import(bytes, n, &error) != MLC_OK;
    for (size_t at = 0; at < size; at += step) {
        uint8_t change = changes[at / step % sizeof changes];
        bytes[at] ^= change;
        if (import(bytes, size, &error) == MLC_OK)
            opened++;
        else
            wrong++;
        bytes[at] ^= change;
    }
    assert_true(opened && wrong);
    free(bytes);
}

static void test_damaged(void **state)
{
    (void)state;
    damage("boosting-two");
    damage("ensemble5");
    damage("svc-probability");
    damage("features");
    damage("neighbours-manhattan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_ensembles_refused),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
