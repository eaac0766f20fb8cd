/*
 * A signal cut into blocks in any way gives the same bytes: on every kernel
 * build, at every tile, for a stream with everything that keeps a state, for
 * windows and for steps. And what else mli_process, mli_run, mli_reset, mli_set
 * and mli_state_read promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fenv.h>
#include <cmocka.h>
#include "file_builder.h"
#include "player.h"
#include "small_files.h"
#include "state.h"
#include "tiny_files.h"

#define FRAMES 1500u

static uint32_t seed = 3;

static void same_bytes(float *const *a, float *const *b, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c++)
        assert_memory_equal(a[c], b[c], FRAMES * sizeof(float));
}

/* The image's output for a cut, on a fresh session. */
static float **play(fb_image image, const char *kernels, uint32_t tile,
                    uint32_t block)
{
    player p;
    player_open(&p, image, kernels, tile);
    float **in = channels_noise(p.info.in_channels, FRAMES);
    float **out = channels_new(p.info.out_channels, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, block, &seed);
    channels_free(in, p.info.in_channels);
    player_close(&p);
    return out;
}

static void cut(fb_image image, uint32_t channels)
{
    static const uint32_t blocks[] = {1, 7, 16, 63, 64, 65, 1024, 0, 0, 0, 0};
    const char *kernels;
    uint32_t again = getenv("MLI_LONG") != NULL ? 10 : 1;
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
        float **whole = play(image, kernels, 64, FRAMES);
        int heard = 0;
        for (uint32_t f = 0; f < FRAMES; f++)
            heard |= whole[0][f] != 0.0f;
        assert_true(heard);
        for (uint32_t tile = 16; tile <= 64; tile *= 2)
            for (uint32_t i = 0; i < again * sizeof blocks / 4; i++) {
                float **out =
                    play(image, kernels, tile, blocks[i % (sizeof blocks / 4)]);
                same_bytes(out, whole, channels);
                channels_free(out, channels);
            }
        channels_free(whole, channels);
    }
    free(image.bytes);
}

static void test_stream(void **state)
{
    (void)state;
    cut(small_stream(), 9);
}

static void test_window(void **state)
{
    (void)state;
    cut(small_window(50), 5);
    cut(small_window(17), 5);
    cut(small_window(1), 5);
}

static void test_step(void **state)
{
    (void)state;
    cut(small_steps(), 5);
}

/* Outputs may be the inputs' own arrays; NULL is silence, or not written. */
static void arrays(uint32_t block)
{
    fb_image image = small_stream();
    player p, q;
    player_open(&p, image, NULL, 32);
    player_open(&q, image, NULL, 32);
    float **in = channels_noise(4, FRAMES), **out = channels_new(9, FRAMES);
    float **io = channels_noise(4, FRAMES);
    memset(in[1], 0, FRAMES * sizeof(float));
    const float *from[4] = {in[0], in[1], in[2], in[3]};
    player_process(&p, from, out, FRAMES, 100, &seed);
    for (uint32_t at = 0; at < FRAMES; at += block) {
        const float *with_null[4] = {io[0] + at, NULL, io[2] + at, io[3] + at};
        float *to[9] = {io[2] + at, io[0] + at, NULL, NULL, io[3] + at};
        mli_process(q.session, with_null, to, block);
    }
    assert_memory_equal(io[2], out[0], FRAMES * sizeof(float));
    assert_memory_equal(io[0], out[1], FRAMES * sizeof(float));
    assert_memory_equal(io[3], out[4], FRAMES * sizeof(float));
    mli_process(q.session, NULL, NULL, 0);
    channels_free(in, 4);
    channels_free(io, 4);
    channels_free(out, 9);
    player_close(&p);
    player_close(&q);
    free(image.bytes);
}

static void test_arrays(void **state)
{
    (void)state;
    arrays(100);
    arrays(1);
}

/* After a reset all begins anew, but controls stay. */
static void test_reset(void **state)
{
    static const float one[2] = {1.0f, 1.0f}, start[2] = {0.25f, 0.25f};
    (void)state;
    for (int windowed = 0; windowed < 2; windowed++) {
        fb_image image = windowed ? small_window(17) : small_stream();
        player p;
        player_open(&p, image, NULL, 16);
        uint32_t n = p.info.out_channels;
        uint32_t control = windowed ? 1 : 2;
        float **in = channels_noise(p.info.in_channels, FRAMES);
        float **first = channels_new(n, FRAMES),
              **out = channels_new(n, FRAMES);
        player_process(&p, (const float *const *)in, first, FRAMES, 64, &seed);
        player_process(&p, (const float *const *)in, out, FRAMES, 64, &seed);
        assert_memory_not_equal(out[0], first[0], FRAMES * sizeof(float));
        mli_reset(p.session);
        mli_set(p.session, control, one);
        mli_set(p.session, 0, one); /* not a control: nothing happens */
        mli_set(p.session, 99, one);
        mli_reset(p.session);
        player_process(&p, (const float *const *)in, out, FRAMES, 64, &seed);
        assert_memory_not_equal(out[windowed ? 3 : 0], first[windowed ? 3 : 0],
                                FRAMES * sizeof(float));
        mli_set(p.session, control, start); /* what it was at first */
        mli_reset(p.session);
        player_process(&p, (const float *const *)in, out, FRAMES, 64, &seed);
        same_bytes(out, first, n);
        channels_free(in, p.info.in_channels);
        channels_free(first, n);
        channels_free(out, n);
        player_close(&p);
        free(image.bytes);
    }
}

/* Write the states of a session into a file's init, all frames of each. */
static fb_image with_states_of(fb_image image, const player *p)
{
    const mli_file_header *h = (const void *)image.bytes;
    const mli_file_section *data = h->section + MLI_SEC_DATA;
    const mli_file_section *states = h->section + MLI_SEC_STATES;
    size_t room = 0, at = data->bytes / 4;
    uint32_t n = states->bytes / (uint32_t)sizeof(mli_file_state);
    const mli_file_state *s = fb_section(image, MLI_SEC_STATES);
    for (uint32_t i = 0; i < n; i++)
        room += ((size_t)s[i].frames * s[i].width + 15) / 16 * 64;
    fb_image more = {aligned_alloc(64, image.size + room), image.size + room};
    memset(more.bytes, 0, more.size);
    memcpy(more.bytes, image.bytes, image.size);
    at = (at + 15) / 16 * 16;
    mli_file_state *to = fb_section(more, MLI_SEC_STATES);
    float *floats = fb_section(more, MLI_SEC_DATA);
    for (uint32_t i = 0; i < n; i++) {
        to[i].init = (uint32_t)at;
        to[i].init_frames = to[i].frames;
        mli_state_read(p->session, i, floats + at);
        at += ((size_t)s[i].frames * s[i].width + 15) / 16 * 16;
    }
    mli_file_header *changed = (mli_file_header *)more.bytes;
    changed->file_bytes = (uint32_t)more.size;
    changed->section[MLI_SEC_DATA].bytes = (uint32_t)at * 4;
    fb_seal(more);
    return more;
}

/* The host's rounding and small numbers: nothing changes for the model, and
   nothing for the host. */
static void test_float_modes(void **state)
{
    volatile float tiny = 1e-39f;
    (void)state;
    fb_image image = small_stream();
    player p;
    float **in = channels_noise(4, FRAMES), **out = channels_new(9, FRAMES);
    float **whole = play(image, NULL, 64, FRAMES);
    player_open(&p, image, NULL, 64);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    player_process(&p, (const float *const *)in, out, FRAMES, 64, &seed);
    int mode = fegetround();
    fesetround(FE_TONEAREST);
    assert_int_equal(mode, FE_UPWARD);
    assert_true(tiny * 0.5f != 0.0f);
    same_bytes(out, whole, 9);
    channels_free(in, 4);
    channels_free(out, 9);
    channels_free(whole, 9);
    player_close(&p);
    free(image.bytes);
}

/* A session that begins in the state that another one has goes on like it. */
static void test_state_read(void **state)
{
    static const uint32_t before[] = {0, 1, 30, 90, 1000};
    (void)state;
    fb_image image = small_stream();
    float **in = channels_noise(4, FRAMES), **old = channels_new(9, FRAMES);
    float **new = channels_new(9, FRAMES);
    for (uint32_t i = 0; i < sizeof before / sizeof *before; i++) {
        player p, q;
        player_open(&p, image, NULL, 16);
        player_process(&p, (const float *const *)in, old, before[i], 13, &seed);
        fb_image later = with_states_of(image, &p);
        player_open(&q, later, NULL, 64);
        player_process(&p, (const float *const *)in, old, FRAMES, 64, &seed);
        player_process(&q, (const float *const *)in, new, FRAMES, 64, &seed);
        same_bytes(old, new, 9);
        player_close(&p);
        player_close(&q);
        free(later.bytes);
    }
    channels_free(in, 4);
    channels_free(old, 9);
    channels_free(new, 9);
    free(image.bytes);
}

/* What a window model plays is what mli_run says of the frames before. */
static void check_windows(uint32_t hop)
{
    fb_image image = small_window(hop);
    player p, q;
    player_open(&p, image, NULL, 16);
    player_open(&q, image, NULL, 16);
    float **in = channels_noise(2, FRAMES),
          **out = channels_new(p.info.out_channels, FRAMES);
    float frames[50][2], answer[3] = {0}, played[50][2] = {{0}};
    float *to[3] = {answer, &played[0][0], NULL};
    const float *from[1] = {&frames[0][0]};
    player_process(&p, (const float *const *)in, out, FRAMES, 0, &seed);
    for (uint32_t f = 0; f < FRAMES; f++) {
        for (uint32_t c = 0; c < 2; c++)
            assert_true(out[3 + c][f] == played[50 - hop + f % hop][c]);
        for (uint32_t k = 0; k < 50 && f % hop == hop - 1; k++)
            for (uint32_t c = 0; c < 2; c++)
                frames[k][c] = f + k >= 49 ? in[c][f + k - 49] : 0.0f;
        if (f % hop == hop - 1)
            mli_run(q.session, from, to);
        for (uint32_t c = 0; c < 3; c++)
            assert_true(out[c][f] == answer[c]);
    }
    channels_free(in, 2);
    channels_free(out, p.info.out_channels);
    player_close(&p);
    player_close(&q);
    free(image.bytes);
}

static void test_window_run(void **state)
{
    (void)state;
    check_windows(50);
    check_windows(20);
    check_windows(1);
}

static void test_window_count(void **state)
{
    (void)state;
    fb_image image = small_window(20);
    player p;
    player_open(&p, image, NULL, 16);
    float **in = channels_noise(2, FRAMES),
          **out = channels_new(p.info.out_channels, FRAMES);
    const float *const *from = (const float *const *)in;
    assert_int_equal(mli_process(p.session, from, out, 19), 0);
    assert_int_equal(mli_process(p.session, from, out, 1), 1);
    assert_int_equal(mli_process(p.session, from, out, 0), 0);
    assert_int_equal(mli_process(p.session, from, out, 119), 5);
    assert_int_equal(mli_process(p.session, from, out, 1), 1);
    channels_free(in, 2);
    channels_free(out, p.info.out_channels);
    player_close(&p);
    free(image.bytes);
}

/* What a host may send by mistake; the last is a denormal. */
static const float bad_numbers[] = {__builtin_nanf(""), __builtin_inff(),
                                    -__builtin_inff(), 3e38f, 1e-41f};

/* The second half of a long signal spoilt by one number. */
static void spoil(player *p, float bad, float **in, float **out)
{
    uint32_t channels = p->info.in_channels;
    for (uint32_t c = 0; c < channels; c++)
        for (uint32_t f = FRAMES / 2; f < FRAMES; f += 1 + c)
            in[c][f] = bad;
    player_process(p, (const float *const *)in, out, FRAMES, 64, &seed);
}

/* No number outlives a reset: neither in states, nor in what lies beside them
   in memory that is only ever multiplied by zero. */
static void reset_cleans(fb_image image, const char *kernels, uint32_t tile)
{
    player p;
    float **clean = play(image, kernels, tile, 64);
    player_open(&p, image, kernels, tile);
    uint32_t n = p.info.out_channels;
    float **out = channels_new(n, FRAMES);
    for (uint32_t i = 0; i < sizeof bad_numbers / sizeof *bad_numbers; i++) {
        float **in = channels_noise(p.info.in_channels, FRAMES);
        spoil(&p, bad_numbers[i], in, out);
        channels_free(in, p.info.in_channels);
        mli_reset(p.session);
        in = channels_noise(p.info.in_channels, FRAMES);
        player_process(&p, (const float *const *)in, out, FRAMES, 64, &seed);
        channels_free(in, p.info.in_channels);
        for (uint32_t c = 0; c < n; c++)
            if (memcmp(out[c], clean[c], FRAMES * sizeof(float)) != 0)
                fail_msg("%s: %g outlives a reset at output %u", kernels,
                         (double)bad_numbers[i], c);
    }
    channels_free(out, n);
    channels_free(clean, n);
    player_close(&p);
}

static void test_reset_cleans(void **state)
{
    const char *kernels;
    (void)state;
    for (uint32_t i = 0; tiny_name(i) != NULL; i++) {
        fb_image image = tiny_file(i);
        for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++)
            reset_cleans(image, kernels, k % 2 != 0 ? 16 : 64);
        free(image.bytes);
    }
}

/* Any cut of every operator. */
static void test_operators(void **state)
{
    (void)state;
    for (uint32_t i = 0; tiny_name(i) != NULL; i++) {
        player p;
        fb_image image = tiny_file(i);
        player_open(&p, image, NULL, 64);
        uint32_t channels = p.info.out_channels;
        player_close(&p);
        cut(image, channels);
    }
}

/* Lists through mli_run are frames through mli_process. */
static void test_step_run(void **state)
{
    (void)state;
    fb_image image = small_steps();
    player p;
    float **in = channels_noise(3, FRAMES), **out = play(image, NULL, 16, 64);
    player_open(&p, image, NULL, 16);
    for (uint32_t f = 0; f < FRAMES; f++) {
        float list[3] = {in[0][f], in[1][f], in[2][f]}, result[5];
        const float *from[1] = {list};
        float *to[1] = {result};
        mli_run(p.session, from, to);
        for (uint32_t c = 0; c < 5; c++)
            assert_true(result[c] == out[c][f]);
    }
    channels_free(in, 3);
    channels_free(out, 5);
    player_close(&p);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),     cmocka_unit_test(test_window),
        cmocka_unit_test(test_step),       cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_reset),      cmocka_unit_test(test_state_read),
        cmocka_unit_test(test_window_run), cmocka_unit_test(test_window_count),
        cmocka_unit_test(test_step_run),   cmocka_unit_test(test_float_modes),
        cmocka_unit_test(test_operators),  cmocka_unit_test(test_reset_cleans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
