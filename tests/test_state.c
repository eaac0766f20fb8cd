/*
 * test_state.c - what a session keeps, all of its state memory: at most 1.1
 * times the sum over layers of (look-back + 2 tiles) * channels, recomputed
 * here from the operators alone. Models of the known set, with random weights,
 * and those that come with mlinfer.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "file.h"
#include "mlinfer.h"
#include "stream_check.h"

/* Floats of one layer. A recurrent one looks back a frame. */
static uint64_t layer_floats(const mli_file *f, const mli_file_op *op,
                             uint32_t tile)
{
    const uint32_t *p = op->p;

    switch (op->type) {
    case MLI_OP_CONV1D:
        return p[0] > 1 ? ((uint64_t)(p[0] - 1) * p[1] + 2 * tile) * p[3] : 0;
    case MLI_OP_DELAY:
        return ((uint64_t)p[0] + 2 * tile) *
               mli_elements(mli_operand(f, op, 0));
    case MLI_OP_LSTM:
        return (1 + 2 * tile) * 2ull * p[0];
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        return (1 + 2 * tile) * (uint64_t)p[0];
    default:
        return 0;
    }
}

/* What a model without such layers may take. */
#define RECORD_BYTES 1024u

/* per_op: bytes that each operator may take beside. weights: how they are
   stored. */
static void check_weights(const char *path, const char *name, uint32_t per_op,
                          int weights)
{
    static const char *const stored[] = {"", ", f16", ", int8", ", int4"};
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_memory need;

    options.weights = weights;
    if (mlc_load(path, &options, &image, &error))
        fail_msg("%s: %s", name, error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_file f = mli_file_of(image.bytes);
    for (uint32_t tile = 16; f.header->mode == MLI_STREAM && tile <= 64;
         tile *= 2) {
        uint64_t sum = 0, most;
        for (uint32_t i = 0; i < f.count[MLI_SEC_OPS]; i++)
            sum += sizeof(float) * layer_floats(&f, f.ops + i, tile);
        most = sum ? sum + sum / 10 : RECORD_BYTES;
        most += (uint64_t)per_op * f.count[MLI_SEC_OPS];
        assert_int_equal(mli_sizes(&model, tile, &need), MLI_OK);
        if (need.state_bytes > most)
            fail_msg("%s%s, tile %u: %zu bytes (expected at most %llu, layers "
                     "%llu)",
                     name, stored[weights - MLC_WEIGHTS_F32], tile,
                     need.state_bytes, (unsigned long long)most,
                     (unsigned long long)sum);
        print_message("%s%s, tile %u: %zu bytes, %.2f of the layers'\n", name,
                      stored[weights - MLC_WEIGHTS_F32], tile, need.state_bytes,
                      (double)need.state_bytes / (double)(sum ? sum : 1));
    }
    mlc_image_free(&image);
}

/* However its weights are stored: there is no second copy of them. */
static void check(const char *path, const char *name, uint32_t per_op)
{
    for (int weights = MLC_WEIGHTS_F32; weights <= MLC_WEIGHTS_INT4; weights++)
        check_weights(path, name, per_op, weights);
}

/* The fuzz has 54 operators, most of them on the 8 numbers that a knob sets,
   beside 25 channels that look back: their records are as much as it hears. */
static void shipped_models(void **state)
{
    static const struct {
        const char *name;
        uint32_t per_op;
    } models[] = {{"drive", 0}, {"gestures", 0}, {"fuzz", 100}};
    char path[4096];

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        snprintf(path, sizeof path, "%s/models/%s/%s.onnx", root(),
                 models[i].name, models[i].name);
        check(path, models[i].name, models[i].per_op);
    }
}

static void known_models(void **state)
{
    const char *build = getenv("MLI_BUILD");
    char folder[] = "/tmp/mlinfer-state-XXXXXX", command[8192];
    uint32_t checked = 0;
    struct dirent *e;
    DIR *d;

    (void)state;
    if (!build) {
        print_message("SKIP: MLI_BUILD is not set\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "'%s/tests/model-set' %s", build, folder);
    assert_int_equal(system(command), 0);
    d = opendir(folder);
    assert_non_null(d);
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(command, sizeof command, "%s/%s", folder, e->d_name);
        check(command, e->d_name, 0);
        unlink(command);
        checked++;
    }
    closedir(d);
    rmdir(folder);
    assert_true(checked >= 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_models),
        cmocka_unit_test(shipped_models),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
