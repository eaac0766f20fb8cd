/*
 * test_pd_training.c - training beside the audio thread: boxes that begin, stop
 * and go at any moment. Made for the sanitizers, too.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "training.h"
#include "worker.h"

static void wait_a_little(long microseconds)
{
    struct timespec t = {0, microseconds * 1000};
    nanosleep(&t, NULL);
}

static learn_examples shown(uint32_t count)
{
    learn_examples e;
    assert_true(learn_examples_make(&e, 2, 3, 64));
    for (uint32_t n = 0; n < count; n++) {
        float x[2] = {(float)n, (float)(n * n % 7)}, y[3] = {x[1], 1, x[0]};
        learn_examples_add(&e, x, y);
    }
    return e;
}

static t_training *make(void)
{
    t_training *g = training_new(2, 3, 64, mli_kernels_find(NULL));
    assert_non_null(g);
    return g;
}

static t_stage wait_for_end(t_training *g)
{
    uint32_t epoch;
    float loss;
    t_stage stage;
    for (int i = 0; i < 20000; i++) {
        stage = training_progress(g, &epoch, &loss);
        if (stage != ERRAND_WORKING)
            return stage;
        wait_a_little(1000);
    }
    return ERRAND_WORKING;
}

static void a_network_comes_back(void **state)
{
    (void)state;
    learn_examples e = shown(9);
    learn_recipe recipe = {1, {5}};
    learn_runner mine = {0}, spare, *network;
    mlc_error error;
    t_training *g = make();
    for (int round = 0; round < 3; round++) {
        assert_true(training_begin(g, &e, &recipe));
        assert_false(training_begin(g, &e, &recipe));
        assert_int_equal(wait_for_end(g), ERRAND_DONE);
        assert_true(training_result(g, &network, &error));
        spare = *network; /* as learner_set_network does */
        *network = mine;
        mine = spare;
        float x[2] = {0, 0}, y[3];
        learn_runner_run(&mine, x, y);
        assert_true(y[1] > 0.9f && y[1] < 1.1f);
    }
    learn_runner_free(&mine);
    training_free(g);
    learn_examples_free(&e);
}

static void a_failure_comes_back(void **state)
{
    (void)state;
    learn_examples none = shown(0);
    learn_recipe recipe = {1, {5}};
    learn_runner *network;
    mlc_error error;
    t_training *g = make();
    assert_true(training_begin(g, &none, &recipe));
    assert_int_equal(wait_for_end(g), ERRAND_DONE);
    assert_false(training_result(g, &network, &error));
    assert_int_equal(error.status, MLC_UNSUPPORTED);
    training_free(g);
    learn_examples_free(&none);
}

/* Ends well before all epochs could be done. */
static void a_long_one_is_stopped(void **state)
{
    (void)state;
    learn_examples e = shown(64);
    learn_recipe recipe = {2, {256, 256}};
    t_training *g = make();
    learn_runner *network;
    mlc_error error;
    uint32_t epoch;
    float loss;
    training_begin(g, &e, &recipe);
    do
        training_progress(g, &epoch, &loss);
    while (epoch < 2);
    assert_true(loss > 0);
    training_stop(g);
    assert_int_equal(wait_for_end(g), ERRAND_DONE);
    training_progress(g, &epoch, &loss);
    assert_true(epoch < LEARN_LEAST_EPOCHS);
    assert_true(training_result(g, &network, &error));
    training_free(g);
    learn_examples_free(&e);
}

static atomic_int done; /* short jobs */

static void count_one(t_job *job)
{
    (void)job;
    atomic_fetch_add(&done, 1);
}

/* Models that load do not wait for a training; another training does. */
static void short_jobs_come_between(void **state)
{
    (void)state;
    learn_examples e = shown(64);
    learn_recipe large = {2, {256, 256}}, small = {1, {2}};
    t_training *g = make(), *next = make();
    t_job jobs[3] = {{0, count_one, 0}, {0, count_one, 0}, {0, count_one, 0}};
    uint32_t epoch = 0;
    float loss;
    training_begin(g, &e, &large);
    training_begin(next, &e, &small);
    for (int i = 0; i < 3; i++)
        worker_give(jobs + i);
    while (atomic_load(&done) < 3)
        wait_a_little(1000);
    assert_int_equal(training_progress(g, &epoch, &loss), ERRAND_WORKING);
    assert_true(epoch < LEARN_LEAST_EPOCHS);
    assert_int_equal(training_progress(next, &epoch, &loss), ERRAND_WORKING);
    assert_int_equal(epoch, 0);
    training_stop(g);
    assert_int_equal(wait_for_end(next), ERRAND_DONE);
    training_free(g);
    training_free(next);
    learn_examples_free(&e);
}

/* Boxes come and go, with and without waiting for what they began. */
static void gone_at_any_moment(void **state)
{
    (void)state;
    enum { BOXES = 6 };
    learn_examples e = shown(12);
    t_training *g[BOXES] = {0};
    learn_runner *network;
    mlc_error error;
    uint32_t epoch, random = 1;
    float loss;
    for (int round = 0; round < 400; round++) {
        random = random * 1664525u + 1013904223u;
        t_training **one = g + (random >> 8) % BOXES;
        learn_recipe recipe = {1, {1 + random % 7}};
        if (!*one)
            *one = make();
        else if (training_progress(*one, &epoch, &loss) == ERRAND_DONE)
            training_result(*one, &network, &error);
        else if (!training_begin(*one, &e, &recipe) && random >> 30 == 0)
            training_stop(*one);
        if (random >> 29 == 7) {
            training_free(*one);
            *one = NULL;
        }
        wait_a_little(random >> 20);
    }
    for (int i = 0; i < BOXES; i++)
        training_free(g[i]);
    learn_examples_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_comes_back),
        cmocka_unit_test(a_failure_comes_back),
        cmocka_unit_test(a_long_one_is_stopped),
        cmocka_unit_test(short_jobs_come_between),
        cmocka_unit_test(gone_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
