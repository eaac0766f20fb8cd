/*
 * test_denormals.c - numbers below 2^-126 count as zero inside, and rounding is
 * to nearest, whatever the host does; and the host's way is as it was after
 * every call.
 */
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "player.h"
#include "small_files.h"

#define FRAMES   300
#define CHANNELS 64

/* Does the host, here, keep numbers below 2^-126? */
static int keeps_denormals(void)
{
    volatile float small = 1e-30f, smaller = 1e-10f;
    volatile float product = small * smaller;
    return product > 0;
}

/* The same under another rounding. */
static void same_as_nearest(fb_image image, const char *kernels)
{
    float **want = channels_new(CHANNELS, FRAMES), **x;
    float **y = channels_new(CHANNELS, FRAMES);
    player p;
    player_open(&p, image, kernels, 16);
    assert_true(p.info.out_channels <= CHANNELS);
    x = channels_noise(p.info.in_channels, FRAMES);
    mli_process(p.session, (const float *const *)x, want, FRAMES);
    mli_reset(p.session);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    mli_process(p.session, (const float *const *)x, y, FRAMES);
    int way = fegetround(), kept = keeps_denormals();
    fesetround(FE_TONEAREST);
    assert_int_equal(way, FE_UPWARD);
    assert_true(kept);
    for (int c = 0; c < CHANNELS; c++)
        assert_memory_equal(y[c], want[c], FRAMES * sizeof(float));
    channels_free(x, p.info.in_channels);
    channels_free(want, CHANNELS);
    channels_free(y, CHANNELS);
    player_close(&p);
    free(image.bytes);
}

static void test_rounding(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; mli_kernels_name(i); i++) {
        same_as_nearest(small_stream(), mli_kernels_name(i));
        same_as_nearest(small_rates(), mli_kernels_name(i));
        same_as_nearest(small_window(20), mli_kernels_name(i));
        same_as_nearest(small_steps(), mli_kernels_name(i));
    }
}

/* A window times a control, whose product is below 2^-126. */
static void test_flushed(void **unused)
{
    (void)unused;
    fb_image image = small_window(50);
    float x[100], y[3], product[100], factor = 1e-10f;
    const float *in[] = {x};
    float *out[] = {y, product};
    player p;
    for (int i = 0; i < 100; i++)
        x[i] = i < 50 ? 1e-30f : 1;
    player_open(&p, image, NULL, 16);
    for (uint32_t i = 0; i < p.info.inputs; i++)
        mli_set(p.session, i, &factor);
    mli_run(p.session, in, out);
    assert_true(keeps_denormals());
    for (int i = 0; i < 100; i++)
        assert_true(product[i] == (i < 50 ? 0 : factor));
    player_close(&p);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
