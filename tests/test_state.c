/*
 * test_state.c - what a session keeps: at most 1.1 times the sum over layers of
 * (look-back + 2 tiles) * channels, recomputed here from the operators alone,
 * and records of a few kilobytes. Models of the known set, with random weights.
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

/*
 * Beside them lie records: of each step and each state's ring, and of ports.
 * They do not grow with look-back, channels or tile, and weigh something in
 * models of a few channels only: those of 20 layers take this much.
 */
#define RECORD_BYTES 10240u

static void check(const char *path, const char *name)
{
    mlc_image image;
    mlc_error error;
    mli_model model;
    mli_memory need;

    if (mlc_load(path, NULL, &image, &error))
        fail_msg("%s: %s", name, error.text);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_file f = mli_file_of(image.bytes);
    for (uint32_t tile = 16; tile <= 64; tile *= 2) {
        uint64_t sum = 0, most;
        for (uint32_t i = 0; i < f.count[MLI_SEC_OPS]; i++)
            sum += sizeof(float) * layer_floats(&f, f.ops + i, tile);
        most = sum + sum / 10 + RECORD_BYTES;
        assert_int_equal(mli_sizes(&model, tile, &need), MLI_OK);
        if (need.state_bytes > most)
            fail_msg("%s, tile %u: %zu bytes (expected at most %llu, layers "
                     "%llu)",
                     name, tile, need.state_bytes, (unsigned long long)most,
                     (unsigned long long)sum);
        print_message("%s, tile %u: %zu bytes, %.2f of the layers'\n", name,
                      tile, need.state_bytes,
                      (double)need.state_bytes / (double)(sum ? sum : 1));
    }
    mlc_image_free(&image);
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
        check(command, e->d_name);
        unlink(command);
        checked++;
    }
    closedir(d);
    rmdir(folder);
    assert_true(checked >= 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_models)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
