/*
 * test_learn_memory.c - every allocation of a learner's making, of its files
 * and of training fails once: an error, nothing changed, nothing left behind.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "failing_memory.h"
#include "learner.h"
#include "train.h"

static char path[] = "/tmp/test_learn_memory_XXXXXX";
static char csv[sizeof path + 4];
static learner *shown;

typedef mlc_status (*subject)(mlc_error *error);

/* Let the first fail, then the second ... until none does. */
static void fail_each(subject run)
{
    long n = 0;
    do {
        mlc_error error = {MLC_OK, ""};
        left = n++;
        failed = 0;
        not_freed = 0;
        counting = 1;
        mlc_status status = run(&error);
        counting = 0;
        /* what the C library itself allocates is not seen being made */
        if (not_freed > 0)
            fail_msg("allocation %ld fails: %ld are not freed", n, not_freed);
        if (status)
            assert_true(failed && *error.text);
        assert_int_equal(shown->examples.count, 5);
        assert_true(shown->use_network);
    } while (failed);
    print_message("%ld allocations\n", n - 1);
    assert_true(n > 1); /* the trap works */
}

static mlc_status making(mlc_error *error)
{
    learner *l = learner_new(2, 3, 8, mli_kernels_find(NULL), error);
    mlc_status status = l ? MLC_OK : error->status;
    if (!l && status != MLC_MEMORY)
        fail_msg("%s", error->text);
    learner_free(l);
    return status;
}

static mlc_status training(mlc_error *error)
{
    learn_recipe recipe = {1, {3}};
    mlc_image image;
    mlc_status status =
        learn_train(&shown->examples, &recipe, NULL, NULL, &image, error);
    mlc_image_free(&image);
    return status;
}

static mlc_status writing(mlc_error *error)
{
    return learner_write(shown, path, error);
}

static mlc_status writing_text(mlc_error *error)
{
    return learner_write_csv(shown, csv, error);
}

static void each(void **state)
{
    (void)state;
    fail_each(making);
    fail_each(training);
    fail_each(writing);
    fail_each(writing_text);
}

/* Into a learner of its own, which keeps its two examples unless all is well.
 */
static void reading(void **state)
{
    (void)state;
    float x[2] = {1, 2}, y[3] = {3, 4, 5};
    for (int text = 0; text < 2; text++)
        for (long n = 0;; n++) {
            mlc_error error = {MLC_OK, ""};
            learner *l = learner_new(2, 3, 8, mli_kernels_find(NULL), &error);
            learner_add(l, x, y);
            learner_add(l, y, y);
            left = n;
            failed = 0;
            counting = 1;
            mlc_status status = text ? learner_read_csv(l, csv, &error)
                                     : learner_load(l, path, &error);
            counting = 0;
            assert_int_equal(l->examples.count, status ? 2 : 5);
            assert_true(!status || (failed && *error.text));
            learner_free(l);
            if (!failed) {
                assert_true(n > 1); /* the trap works */
                break;
            }
        }
}

static int show(void **state)
{
    (void)state;
    mlc_error error;
    mlc_image image;
    learn_runner network = {0};
    learn_recipe recipe = {1, {3}};
    int descriptor = mkstemp(path);
    shown = learner_new(2, 3, 8, mli_kernels_find(NULL), &error);
    for (float i = 0; i < 5; i++) {
        float x[2] = {i, i * i}, y[3] = {1, i, 0};
        learner_add(shown, x, y);
    }
    strcat(strcpy(csv, path), ".csv");
    if (descriptor < 0 || close(descriptor) ||
        learn_train(&shown->examples, &recipe, NULL, NULL, &image, &error) ||
        learn_runner_make(&network, &image, mli_kernels_find(NULL), &error))
        return -1;
    learner_set_network(shown, &network);
    return learner_write(shown, path, &error) ||
           learner_write_csv(shown, csv, &error);
}

static int hide(void **state)
{
    (void)state;
    learner_free(shown);
    return unlink(path) || unlink(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each),
        cmocka_unit_test(reading),
    };
    return cmocka_run_group_tests(tests, show, hide);
}
