/*
 * Spread models: the same bytes as without, `spread` frames later, for any cut,
 * tile and kernel build; and no part of the work lies far off its share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "file_builder.h"
#include "player.h"
#include "small_files.h"

#define FRAMES 1000u

static uint32_t seed = 5;

/* The file with its work spread: `spread` frames. */
static fb_image spread_by(fb_image image, uint32_t frames)
{
    fb_image copy = fb_copy(image);
    mli_file_header *h = (mli_file_header *)copy.bytes;
    h->spread = frames;
    h->latency += frames;
    fb_seal(copy);
    return copy;
}

static float **play(fb_image image, const char *kernels, uint32_t tile,
                    uint32_t block, uint32_t *channels)
{
    player p;
    player_open(&p, image, kernels, tile);
    float **in = channels_noise(p.info.in_channels, FRAMES);
    float **out = channels_new(p.info.out_channels, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, block, &seed);
    channels_free(in, p.info.in_channels);
    *channels = p.info.out_channels;
    player_close(&p);
    return out;
}

/* `late` is `now`, so many frames later, zeros in front. */
static void same_later(float *const *late, float *const *now, uint32_t frames,
                       uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c++) {
        for (uint32_t f = 0; f < frames; f++)
            if (late[c][f] != 0.0f)
                fail_msg("channel %u is not silent at %u", c, f);
        for (uint32_t f = frames; f < FRAMES; f++)
            if (memcmp(&late[c][f], &now[c][f - frames], sizeof(float)))
                fail_msg("channel %u, frame %u: %.9g, expected %.9g", c, f,
                         (double)late[c][f], (double)now[c][f - frames]);
    }
}

static void compare(fb_image image, uint32_t frames)
{
    static const uint32_t blocks[] = {1, 7, 16, 64, 65, 1000, 0};
    fb_image late = spread_by(image, frames);
    const char *kernels;
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
        uint32_t channels;
        float **now = play(image, kernels, 64, 64, &channels);
        for (uint32_t tile = 16; tile <= 64; tile *= 2)
            for (uint32_t n = 0; n < sizeof blocks / 4; n++) {
                float **out = play(late, kernels, tile, blocks[n], &channels);
                same_later(out, now, frames, channels);
                channels_free(out, channels);
            }
        channels_free(now, channels);
    }
    free(late.bytes);
}

static void test_streams(void **state)
{
    fb_image image = small_rates();
    (void)state;
    for (uint32_t chunk = 1; chunk <= 16; chunk += 3)
        compare(image, 12 + chunk - 1);
    free(image.bytes);
    image = small_stream(); /* a cycle of one frame: it still holds */
    compare(image, 1);
    compare(image, 16);
    free(image.bytes);
}

static void test_windows(void **state)
{
    static const uint32_t hops[] = {50, 17, 1};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        fb_image image = small_window(hops[i]);
        compare(image, hops[i]);
        free(image.bytes);
    }
}

static fb_id walked(fb *b, fb_id x)
{
    fb_id y = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(5, 90), 1, &x);
    fb_last(b)->p[0] = 1;
    fb_id z = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(90, 5), 1, &y);
    fb_last(b)->p[0] = 1;
    fb_id add = fb_const(b, fb_vector(5), NULL, 1.0f);
    z = fb_binary(b, MLI_ADD, z, z, add);
    fb_id scale[3] = {z, add, add};
    z = fb_op(b, MLI_OP_AFFINE, fb_matrix(90, 5), 3, scale);
    scale[1] = scale[2] = fb_const(b, fb_vector(1), NULL, 1.0f);
    scale[0] = z;
    return fb_op(b, MLI_OP_AFFINE, fb_matrix(90, 5), 3, scale);
}

/* Every way in which a step is cut: a window of each of them. */
static void test_steps(void **state)
{
    fb *b = fb_new(MLI_WINDOW);
    (void)state;
    fb_window(b, 90, 64);
    fb_id x = fb_input(b, fb_matrix(90, 5));
    fb_id a = walked(b, x);
    fb_output(b, a);
    fb_id soft = fb_op(b, MLI_OP_SOFTMAX, fb_matrix(90, 5), 1, &a);
    fb_id normal = fb_op(b, MLI_OP_NORMALIZE, fb_matrix(90, 5), 1, &soft);
    fb_last(b)->p[0] = 5;
    fb_last(b)->fp = 0.1f;
    fb_output(b, normal);
    fb_id sums = fb_op(b, MLI_OP_REDUCE, fb_vector(90), 1, &normal);
    fb_last(b)->p[1] = 1;
    fb_output(b, sums);
    fb_id wide = fb_linear(b, a, 5, 40);
    fb_id last = fb_recurrent(b, MLI_OP_LSTM, wide, 40, 11, 0, 1);
    last = fb_recurrent(b, MLI_OP_GRU, last, 11, 9, 0, 1);
    last = fb_recurrent(b, MLI_OP_GRU, last, 9, 6, 1, 1);
    last = fb_recurrent(b, MLI_OP_RNN, last, 6, 6, 0, 1);
    fb_output(b, last);
    fb_id deep = fb_conv(b, wide, 40, 40, 5, 3, 40, 2, 0);
    fb_output(b, fb_conv(b, deep, 40, 36, 3, 1, 2, 1, 0));
    fb_id padded = fb_op(b, MLI_OP_PAD, fb_matrix(100, 5), 1, &x);
    fb_last(b)->p[1] = 4;
    fb_last(b)->p[2] = 6;
    fb_last(b)->fp = 0.5f;
    fb_output(b, fb_unary(b, MLI_TANH, padded));
    fb_shape planes = {0, 3, {10, 9, 5}};
    fb_id image = fb_op(b, MLI_OP_RESHAPE, planes, 1, &x);
    fb_id y = fb_conv2d(b, image, 7, (uint32_t[7]){3, 3, 1, 2, 2, 1, 1});
    fb_output(b, y);
    for (uint32_t axis = 0; axis < 3; axis++)
        fb_output(
            b, fb_pool(b, image,
                       (uint32_t[7]){axis ? MLI_REDUCE_MAX : MLI_REDUCE_SUM,
                                     axis, 3, 1 + axis, 1 + axis % 2, 2, 1}));
    fb_id in[2] = {image, image};
    fb_shape product = {0, 3, {10, 9, 9}};
    fb_output(b, fb_op(b, MLI_OP_MATMUL, product, 2, in));
    fb_last(b)->p[0] = 1;
    fb_last(b)->p[1] = 9;
    fb_last(b)->p[2] = 5;
    fb_last(b)->fp = 0.5f;
    fb_image file = fb_finish(b);
    compare(file, 64);
    free(file.bytes);
}

/* Decoded once a hop or chunk, in the course of it. */
static void test_stored(void **state)
{
    static const mli_storage storages[] = {MLI_F16, MLI_INT8, MLI_BYTES};
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        const int stream = i % 2 != 0;
        fb *b = fb_new(stream ? MLI_STREAM : MLI_WINDOW);
        if (!stream)
            fb_window(b, 30, 20);
        fb_id x = fb_input(b, stream ? fb_timed(5) : fb_matrix(30, 5));
        fb_store(b, storages[i / 2]);
        fb_id y = fb_recurrent(b, MLI_OP_LSTM, x, 5, 35, 0, 1);
        y = fb_recurrent(b, MLI_OP_GRU, y, 35, 18, 0, 1);
        y = fb_recurrent(b, MLI_OP_GRU, y, 18, 19, 1, 1);
        fb_output(b, fb_recurrent(b, MLI_OP_RNN, y, 19, 21, 0, 1));
        fb_image image = fb_finish(b);
        print_message("storage %d, stream %d\n", (int)storages[i / 2], stream);
        compare(image, stream ? 16 : 20);
        free(image.bytes);
    }
}

/* The first run ends a hop later than without. */
static void test_count(void **state)
{
    (void)state;
    fb_image image = small_window(20), late = spread_by(image, 20);
    player p;
    player_open(&p, late, NULL, 16);
    float **in = channels_noise(2, FRAMES),
          **out = channels_new(p.info.out_channels, 200);
    const float *const *from = (const float *const *)in;
    assert_int_equal(p.info.spread, 20);
    assert_int_equal(mli_process(p.session, from, out, 20), 0);
    assert_int_equal(mli_process(p.session, from, out, 19), 0);
    assert_int_equal(mli_process(p.session, from, out, 1), 1);
    assert_int_equal(mli_process(p.session, from, out, 120), 6);
    channels_free(in, 2);
    channels_free(out, p.info.out_channels);
    player_close(&p);
    free(image.bytes);
    free(late.bytes);
}

static void test_reset(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        fb_image image = i ? small_window(20) : small_rates();
        fb_image late = spread_by(image, i ? 20 : 15);
        player p;
        player_open(&p, late, NULL, 32);
        uint32_t n = p.info.out_channels;
        float **in = channels_noise(p.info.in_channels, FRAMES);
        float **first = channels_new(n, FRAMES);
        float **again = channels_new(n, FRAMES);
        player_process(&p, (const float *const *)in, first, 507, 0, &seed);
        mli_reset(p.session);
        player_process(&p, (const float *const *)in, again, 507, 0, &seed);
        for (uint32_t c = 0; c < n; c++)
            assert_memory_equal(again[c], first[c], FRAMES * sizeof(float));
        channels_free(in, p.info.in_channels);
        channels_free(first, n);
        channels_free(again, n);
        player_close(&p);
        free(image.bytes);
        free(late.bytes);
    }
}

/* mli_run is a frame of a stream; it runs a window at once. */
static void test_run(void **state)
{
    (void)state;
    fb_image image = small_rates(), late = spread_by(image, 15);
    uint32_t channels;
    float **wanted = play(late, NULL, 16, 16, &channels),
          **in = channels_noise(5, FRAMES);
    player p, q;
    player_open(&p, late, NULL, 16);
    for (uint32_t f = 0; f < 400; f++) {
        float a[2] = {in[0][f], in[1][f]}, y[2], z[4];
        float b[3] = {in[2][f], in[3][f], in[4][f]};
        mli_run(p.session, (const float *const[]){a, b},
                (float *const[]){y, f % 2 ? z : NULL});
        assert_true(y[0] == wanted[0][f] && y[1] == wanted[1][f]);
        assert_true(f % 2 == 0 || z[3] == wanted[5][f]);
    }
    channels_free(wanted, channels);
    channels_free(in, 5);
    player_close(&p);
    free(image.bytes);
    free(late.bytes);
    image = small_window(50);
    late = spread_by(image, 50);
    player_open(&p, image, NULL, 16);
    player_open(&q, late, NULL, 16);
    float window[100], first[3], second[3];
    uint32_t own = 1;
    for (uint32_t i = 0; i < 100; i++)
        window[i] = fb_random(&own);
    mli_run(p.session, (const float *const[]){window},
            (float *const[]){first, NULL, NULL});
    mli_run(q.session, (const float *const[]){window},
            (float *const[]){second, NULL, NULL});
    assert_memory_equal(first, second, sizeof first);
    player_close(&p);
    player_close(&q);
    free(image.bytes);
    free(late.bytes);
}

static void opens(fb_image image, uint32_t frames, int right)
{
    mli_model model;
    uint32_t at = 0;
    fb_image late = spread_by(image, frames);
    mli_status got = mli_open(&model, late.bytes, late.size, &at);
    assert_int_equal(got, right ? MLI_OK : MLI_ERR_HEADER);
    if (!right)
        assert_int_equal(at, offsetof(mli_file_header, spread));
    free(late.bytes);
}

static void test_refused(void **state)
{
    fb_image image = small_rates();
    (void)state;
    opens(image, 11, 0);
    opens(image, 12, 1);
    opens(image, 27, 1);
    opens(image, 28, 0);
    opens(image, 0x80000000u, 0);
    free(image.bytes);
    image = small_window(20);
    opens(image, 20, 1);
    opens(image, 21, 0);
    free(image.bytes);
    image = small_steps();
    opens(image, 1, 0);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams), cmocka_unit_test(test_windows),
        cmocka_unit_test(test_steps),   cmocka_unit_test(test_count),
        cmocka_unit_test(test_stored),  cmocka_unit_test(test_reset),
        cmocka_unit_test(test_run),     cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
