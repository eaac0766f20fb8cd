/*
 * test_twin_error.c - how far two models are from each other, against figures
 * worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "file_builder.h"
#include "twin_error.h"

/* Three numbers that are given back, the second with `more` added. */
static loaded_model adder(float more, int classes, float low, float high)
{
    loaded_model loaded = {0};
    const float add[3] = {0.f, more, 0.f};
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_vector(3));
    fb_output(b,
              fb_binary(b, MLI_ADD, x, x, fb_const(b, fb_vector(3), add, 0.f)));
    fb_image image = fb_finish(b);
    mli_file_port *port = fb_section(image, MLI_SEC_PORTS);
    mli_file_channel *channel = fb_section(image, MLI_SEC_CHANNELS);
    port[1].flags = classes ? MLI_PORT_CLASSES : 0;
    channel[4].low = low;
    channel[4].high = high;
    fb_seal(image);
    loaded.image = (mlc_image){image.bytes, image.size, NULL};
    assert_int_equal(mli_open(&loaded.model, image.bytes, image.size, NULL),
                     MLI_OK);
    mli_get_info(&loaded.model, &loaded.info);
    mli_sizes(&loaded.model, TOOL_TILE, &loaded.memory);
    assert_int_equal(loaded_model_start(&loaded, "test"), 0);
    return loaded;
}

/* Channel after channel: four lists. */
static float lists[12] = {
    1.f, 0.1f, 0.f,  0.f,  /* */
    0.f, 0.f,  -2.f, 0.f,  /* */
    0.f, 0.f,  0.f,  0.2f, /* */
};

static twin_error between(float a, float b, int classes, float low, float high)
{
    const calibration c = {4, 3, lists, 0};
    loaded_model exact = adder(a, classes, low, high);
    loaded_model other = adder(b, classes, low, high);
    twin_error e;
    assert_int_equal(twin_error_measure(&exact, &other, &c, "test", &e), 0);
    loaded_model_close(&exact);
    loaded_model_close(&other);
    return e;
}

static void near(double x, double y)
{
    assert_true(fabs(x - y) <= 1e-6 * fabs(y));
}

static void figures(void **state)
{
    (void)state;
    twin_error e = between(0.f, 0.25f, 0, 0.f, 0.f);
    near(e.snr, 10 * log10((1 + 0.01 + 4 + 0.04) / (4 * 0.0625)));
    near(e.largest, 0.25 / 2); /* the largest magnitude is 2 */
    assert_int_equal(e.port, 0);
    assert_int_equal(e.channel, 1);
    assert_int_equal(e.chosen, 0);
    assert_int_equal(e.missing, 0);
    e = between(0.f, 0.25f, 0, -1.f, 4.f);
    near(e.largest, 0.25 / 5); /* its range is known */
}

static void classes(void **state)
{
    (void)state;
    /* Classes 0 0 0 2, and 0 1 0 1: a tie goes to the first. */
    twin_error e = between(0.f, 0.25f, 1, 0.f, 0.f);
    assert_int_equal(e.chosen, 4);
    assert_int_equal(e.agreed, 2);
}

static void the_same(void **state)
{
    (void)state;
    twin_error e = between(0.25f, 0.25f, 1, 0.f, 0.f);
    assert_true(e.snr == INFINITY);
    assert_true(e.largest == 0);
    assert_int_equal(e.agreed, 4);
}

static void no_numbers(void **state)
{
    (void)state;
    twin_error e = between(INFINITY, 0.f, 0, 0.f, 0.f);
    assert_int_equal(e.missing, 4); /* not held against the other */
    assert_true(e.largest == 0);
    e = between(0.f, INFINITY, 0, 0.f, 0.f);
    assert_int_equal(e.missing, 0);
    assert_true(e.largest == INFINITY);
    assert_true(e.snr == -INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(classes),
        cmocka_unit_test(the_same),
        cmocka_unit_test(no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
