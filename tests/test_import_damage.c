/*
 * test_import_damage.c - damaged JSON models, descriptions and containers of
 * weights: whatever the bytes are, an importer answers a model or an error of
 * one line, soon. The mutations come from a fixed seed; with MLI_LONG there are
 * many more of them. Built with sanitizers, this is the fuzzer:
 *
 *     clang -g -O1 -std=c11 -fsanitize=address,undefined -ffp-contract=off \
 *         -Itests -Itools -Icompiler -Icompiler/onnx -Icore -Ikernels \
 *         -Ikernels/public tests/test_import_damage.c tests/stream_check.c \
 *         tools/npy.c $(find compiler core kernels -name '[a-z]*.c') \
 *         -lcmocka -lm -o damage && MLI_RUNS=100000 ./damage
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "compiler.h"
#include "kind.h"
#include "layers/weights.h"
#include "stream_check.h"

#define LONGEST 10.0 /* seconds for one file, also with sanitizers */

static uint32_t seed = 1;

static uint32_t any(uint32_t n) /* below n */
{
    seed = seed * 1664525u + 1013904223u;
    return n ? (seed >> 8) % n : 0;
}

/* ------------------------------------------------------------ mutations ----
 */

static const char *const words[] = {
    "[",       "]",        "{",         "}",    ",",     ":",     "\"",
    "null",    "true",     "-1",        "0",    "1e39",  "1e999", "4294967295",
    "1048577", "16777216", "[[[[1]]]]", "\"\"", "{}",    "[]",    "2",
    "3",       "64",       "0.5",       "-0",   "1e-999"};

enum { WORDS = sizeof words / sizeof *words };

typedef struct text {
    uint8_t *bytes;
    size_t size, room;
} text;

/* Replace `cut` bytes at `at` by n others. */
static void splice(text *t, size_t at, size_t cut, const void *with, size_t n)
{
    if (cut > t->size - at)
        cut = t->size - at;
    if (t->size - cut + n > t->room)
        return;
    memmove(t->bytes + at + n, t->bytes + at + cut, t->size - at - cut);
    memcpy(t->bytes + at, with, n);
    t->size = t->size - cut + n;
}

/* Where numbers begin there is more to break than in their middle. */
static size_t place(const text *t)
{
    size_t at = any((uint32_t)t->size);

    if (any(2))
        for (size_t i = 0; i < 60 && at + i < t->size; i++)
            if (strchr("[{,:\"", t->bytes[at + i]) && t->bytes[at + i])
                return at + i + 1 < t->size ? at + i + 1 : at;
    return at;
}

static void mutate(text *t)
{
    uint8_t copy[64];
    const char *word;
    size_t at, n;

    for (uint32_t times = 1 + any(any(2) ? 1 : 4); times && t->size; times--) {
        at = place(t);
        switch (any(8)) {
        case 0:
            t->bytes[at] ^= (uint8_t)(1u << any(8));
            break;
        case 1:
            t->bytes[at] = (uint8_t)any(256);
            break;
        case 2:
            splice(t, at, 1 + any(any(4) ? 8 : 2000), "", 0);
            break;
        case 3: /* once more, elsewhere */
            n = 1 + any(sizeof copy);
            n = n < t->size - at ? n : t->size - at;
            memcpy(copy, t->bytes + at, n);
            splice(t, any((uint32_t)t->size), 0, copy, n);
            break;
        case 4:
            if (any(20) == 0)
                t->size = at;
            break;
        case 5: /* a number for another */
            for (n = 0; at + n < t->size && n < 30 &&
                        strchr("+-.eE0123456789", t->bytes[at + n]);)
                n++;
            word = words[any(WORDS)];
            splice(t, at, n, word, strlen(word));
            break;
        default:
            word = words[any(WORDS)];
            splice(t, at, any(2) ? strlen(word) : 0, word, strlen(word));
        }
    }
}

/* --------------------------------------------------------------- import ----
 */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Every tensor that a container has. */
static mlc_status read_all(const text *t, mlc_error *error)
{
    mlc_weights w;
    mlc_status status = mlc_weights_read(&w, t->bytes, t->size, error);

    if (status)
        return status;
    for (uint32_t i = 0; i < w.count && !status; i++) {
        float *data = mlc_weights_floats(&w, &w.tensor[i], error);

        if (!data)
            status = error->status;
        free(data);
    }
    mlc_weights_free(&w);
    return status;
}

static mlc_status import(const text *t, const char *path, mlc_error *error)
{
    mlc_image image = {0};
    mlc_status status;

    switch (mlc_kind_of(t->bytes, t->size, error)) {
    case MLC_KIND_RTNEURAL:
        status = mlc_import_rtneural(t->bytes, t->size, NULL, &image, error);
        break;
    case MLC_KIND_GUITARML:
        status = mlc_import_guitarml(t->bytes, t->size, NULL, &image, error);
        break;
    case MLC_KIND_LAYERS:
        status =
            mlc_import_layers(t->bytes, t->size, path, NULL, &image, error);
        break;
    case MLC_KIND_WEIGHTS:
        status = read_all(t, error);
        if (status == MLC_OK) {
            status = mlc_import_weights(t->bytes, t->size, NULL, &image, error);
            status = image.bytes ? status : MLC_OK;
        }
        break;
    case MLC_KIND_FOREIGN:
        return error->status;
    default:
        return MLC_UNSUPPORTED; /* another importer's */
    }
    mlc_image_free(&image);
    return status;
}

static void damage(const char *name, uint32_t runs)
{
    char path[600];
    size_t size;
    uint8_t *whole = read_whole(golden_path(path, name), &size);
    text t = {malloc(size + 4096), size, size + 4096};
    uint32_t good = 0;
    double slowest = 0;

    assert_non_null(t.bytes);
    seed = 1;
    for (uint32_t i = 0; i < runs; i++) {
        mlc_error error = {MLC_OK, ""};
        double began = now();
        mlc_status status;

        memcpy(t.bytes, whole, size);
        t.size = size;
        mutate(&t);
        status = import(&t, path, &error);
        if (status == MLC_OK)
            good++;
        else if (error.status != MLC_OK &&
                 (!error.text[0] || strchr(error.text, '\n')))
            fail_msg("%s, run %u: status %d with \"%s\"", name, i, status,
                     error.text);
        if (now() - began > slowest)
            slowest = now() - began;
    }
    printf("  %-28s %u of %u still open, slowest %.0f ms\n", name, good, runs,
           1e3 * slowest);
    if (slowest > LONGEST)
        fail_msg("%s: one file took %.1f s", name, slowest);
    assert_in_range(good, 1, runs - 1); /* harmless and harmful damage */
    free(t.bytes);
    free(whole);
}

static void all(void **state)
{
    static const char *const names[] = {
        "rtneural/conv2d.json",      "rtneural/stack.json",
        "rtneural/aidax_knobs.json", "guitarml/lstm_knob.json",
        "guitarml/rnn.json",         "guitarml/wavenet_softgated.json",
        "layers/stack.json",         "layers/same.json",
        "layers/mapping.json",       "layers/window.json",
        "layers/recurrent.json",     "layers/strided.json",
        "layers/stack.safetensors",  "layers/window.safetensors",
        "layers/recurrent.pt",       "layers/mapping.pt"};
    const char *asked = getenv("MLI_RUNS"), *longer = getenv("MLI_LONG");
    uint32_t runs = asked ? (uint32_t)atoi(asked) : longer ? 50000 : 2000;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        damage(names[i], runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
