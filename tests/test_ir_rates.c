/*
 * Graphs with several rates through the compiler: what a strided convolution
 * and a transposed one are made of, against their formulas; the figures of the
 * file; rates that do not fit; silence in front.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "compiler.h"
#include "ir.h"
#include "player.h"

#define FRAMES 600u

static float weight(uint32_t i)
{
    return (float)((i * 7919u + 13u) % 101u) / 101.f - 0.5f;
}

static float *weights(uint32_t n)
{
    float *w = malloc(n * sizeof *w);
    for (uint32_t i = 0; i < n; i++)
        w[i] = weight(i);
    return w;
}

static mlc_image finish(ir_graph *g)
{
    mlc_image image;
    mlc_error error;
    if (mlc_finish(g, NULL, &image, &error) != MLC_OK)
        fail_msg("%s", error.text);
    return image;
}

static float **play(const mlc_image *image, uint32_t channels)
{
    fb_image file = {image->bytes, image->size};
    float **in = channels_new(channels, FRAMES), **out;
    uint32_t seed = 1;
    player p;
    player_open(&p, file, NULL, 64);
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t f = 0; f < FRAMES; f++)
            in[c][f] = weight(31 * c + 17 * f);
    out = channels_new(p.info.out_channels, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, 0, &seed);
    assert_int_equal(p.info.arena_floats, p.info.arena_bound_floats);
    channels_free(in, channels);
    player_close(&p);
    return out;
}

static double input(uint32_t c, int64_t f)
{
    return f < 0 ? 0 : weight((uint32_t)(31 * c + 17 * f));
}

enum { IN = 2, MID = 3, OUT = 2, DOWN = 4, TAPS = 6 };

/* Frame m of a convolution of step 4 over the input, output o. */
static double strided(const float *w, uint32_t o, int64_t m)
{
    double sum = 0;
    for (uint32_t k = 0; k < TAPS; k++)
        for (uint32_t i = 0; i < IN; i++)
            sum += w[(o * TAPS + k) * IN + i] *
                   input(i, (m + 1) * DOWN - TAPS + k);
    return m < 0 ? 0 : sum;
}

/* A transposed one of 4 and 8 taps: v[step][out][mid] of the newest frame and,
   behind it, of the one before. */
static double transposed(const float *w, const float *v, uint32_t o, int64_t t)
{
    int64_t late = t - (DOWN - 1), m = late / DOWN;
    double sum = 0;
    if (late < 0)
        return 0;
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < MID; i++)
            sum += v[(((late % DOWN) * OUT + o) * MID + i) * 2 + 1 - k] *
                   strided(w, i, m - k);
    return sum;
}

static ir_graph *down_and_up(const float *w, const float *v, uint32_t prewarm)
{
    uint32_t flat = TAPS * IN, groups[2] = {DOWN, OUT}, in = IN;
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, &in);
    ir_id y = ir_reshape(g, ir_unfold(g, x, TAPS, 1, DOWN), 1, &flat);
    y = ir_linear(g, y, flat, MID, w, NULL);
    assert_int_equal(ir_get(g, y)->up, 1);
    assert_int_equal(ir_get(g, y)->down, DOWN);
    y = ir_conv1d(g, y, MID, DOWN * OUT, 2, 1, 1, 1, v, NULL);
    y = ir_depth_to_time(g, ir_reshape(g, y, 2, groups), DOWN);
    assert_int_equal(ir_get(g, y)->up, 1);
    assert_int_equal(ir_get(g, y)->down, 1);
    ir_output(g, "y", y);
    g->prewarm = prewarm;
    return g;
}

static void test_formulas(void **state)
{
    float *w = weights(MID * TAPS * IN), *v = weights(DOWN * OUT * MID * 2);
    mlc_image image = finish(down_and_up(w, v, 0));
    float **out = play(&image, IN);
    mli_model model;
    mli_info info;
    (void)state;
    for (uint32_t c = 0; c < OUT; c++)
        for (uint32_t f = 0; f < FRAMES; f++)
            assert_true(fabs(out[c][f] - transposed(w, v, c, f)) < 1e-5);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    /* 36 and 48 products every 4 frames */
    assert_int_equal(info.macs_per_frame, 21);
    /* 3 late, a frame of 4 before, 5 more taps */
    assert_int_equal(info.receptive_field, 3 + 4 + 5 + 1);
    channels_free(out, OUT);
    mlc_image_free(&image);
    free(w);
    free(v);
}

/* What silence leaves is what a session has heard after it. */
static void test_prewarm(void **state)
{
    float *w = weights(MID * TAPS * IN), *v = weights(DOWN * OUT * MID * 2);
    mlc_image image = finish(down_and_up(w, v, 7));
    mlc_image cold = finish(down_and_up(w, v, 0));
    float **out = play(&image, IN), **wanted = play(&cold, IN);
    (void)state;
    for (uint32_t c = 0; c < OUT; c++)
        assert_memory_equal(out[c], wanted[c], FRAMES * sizeof(float));
    channels_free(out, OUT);
    channels_free(wanted, OUT);
    mlc_image_free(&image);
    mlc_image_free(&cold);
    free(w);
    free(v);
}

/* Spread: the same bytes, later by the cycle (4 frames, one to a chunk), the
   states after silence too. */
static void test_spread(void **state)
{
    float *w = weights(MID * TAPS * IN), *v = weights(DOWN * OUT * MID * 2);
    mlc_options options = MLC_OPTIONS_DEFAULT;
    (void)state;
    options.spread = 1;
    for (uint32_t prewarm = 0; prewarm < 2; prewarm++) {
        mlc_image image, now = finish(down_and_up(w, v, prewarm));
        mlc_error error;
        mli_model model;
        mli_info info;
        assert_int_equal(
            mlc_finish(down_and_up(w, v, prewarm), &options, &image, &error),
            MLC_OK);
        assert_int_equal(mli_open(&model, image.bytes, image.size, NULL),
                         MLI_OK);
        mli_get_info(&model, &info);
        assert_int_equal(info.spread, DOWN);
        assert_int_equal(info.latency, DOWN);
        assert_non_null(strstr(image.report, "spread"));
        float **out = play(&image, IN), **wanted = play(&now, IN);
        for (uint32_t c = 0; c < OUT; c++)
            assert_memory_equal(out[c] + DOWN, wanted[c],
                                (FRAMES - DOWN) * sizeof(float));
        channels_free(out, OUT);
        channels_free(wanted, OUT);
        mlc_image_free(&image);
        mlc_image_free(&now);
    }
    free(w);
    free(v);
}

/* 2/3 of the input's rate: two ticks a frame inside. */
static void test_ratio(void **state)
{
    ir_graph *g = ir_new(MLI_STREAM);
    uint32_t one = 1, two[2] = {2, 1};
    const float twice[2] = {1.f, 2.f};
    (void)state;
    ir_id x = ir_input(g, "x", 1, &one);
    ir_id y = ir_linear(g, x, 1, 2, twice, NULL);
    y = ir_depth_to_time(g, ir_reshape(g, y, 2, two), 2);
    y = ir_unfold(g, y, 1, 1, 3);
    assert_int_equal(ir_get(g, y)->up, 2);
    assert_int_equal(ir_get(g, y)->down, 3);
    ir_output(g, "y", ir_unfold(g, y, 1, 1, 2));
    mlc_image image = finish(g);
    float **out = play(&image, 1);
    for (uint32_t f = 0; f < FRAMES; f++) {
        int64_t last = ((int64_t)f + 1) / 3; /* frames of y so far */
        /* y's frame is the fast signal's frame 6 last - 1, which is the second
           of the fast frames of x's frame 3 last - 1, one late */
        double x0 = last ? input(0, 3 * last - 1) : 0;
        assert_true(fabs(out[0][f] - x0) < 1e-6);
    }
    channels_free(out, 1);
    mlc_image_free(&image);
}

static void fails(ir_graph *g, const char *why)
{
    mlc_image image;
    mlc_error error = {0};
    assert_int_not_equal(mlc_finish(g, NULL, &image, &error), MLC_OK);
    if (!strstr(error.text, why))
        fail_msg("\"%s\", expected \"%s\"", error.text, why);
}

static void test_refused(void **state)
{
    uint32_t one = 1, six[2] = {6, 1}, seventeen[2] = {17, 1};
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, &one), y;
    (void)state;
    y = ir_reshape(g, ir_unfold(g, x, 1, 1, 2), 1, &one);
    ir_output(g, "y", ir_binary(g, MLI_ADD, x, y));
    fails(g, "different rates (1/1 and 1/2");

    g = ir_new(MLI_STREAM);
    ir_output(g, "y", ir_depth_to_time(g, ir_input(g, "x", 2, six), 5));
    fails(g, "5 frames of [6, 1]");

    g = ir_new(MLI_WINDOW);
    g->window = 6;
    ir_output(g, "y", ir_unfold(g, ir_input(g, "x", 2, six), 2, 1, 2));
    fails(g, "without a time axis");

    g = ir_new(MLI_STREAM);
    x = ir_input(g, "x", 1, &one);
    ir_output(g, "y", ir_unfold(g, x, 1, 1, 1021));
    ir_output(g, "z", ir_unfold(g, x, 1, 1, 1031));
    fails(g, "no common cycle");

    g = ir_new(MLI_STREAM);
    ir_output(g, "y", ir_unfold(g, ir_input(g, "x", 1, &one), 1, 1, 3));
    ir_set_rate(g, ir_input(g, "z", 1, &one), 3, 2);
    fails(g, "no multiples of one");

    g = ir_new(MLI_STREAM); /* inside 17 times faster than outside */
    x = ir_input(g, "x", 1, &one);
    x = ir_depth_to_time(g, ir_expand(g, x, 2, seventeen), 17);
    ir_output(g, "y", ir_unfold(g, x, 1, 1, 17));
    fails(g, "more than 16 times");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas), cmocka_unit_test(test_prewarm),
        cmocka_unit_test(test_spread),   cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
