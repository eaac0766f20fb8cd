/*
 * What a session keeps from run to run: values that STORE leaves for RECALL,
 * recurrent layers whose state outlives a window, and recurrent layers that
 * wait in their first state for some frames; and what mli_open refuses of them.
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

#define N 5u

static uint32_t seed = 11;

/* y = x + what y was in the run before; two numbers beside it, never set. */
static fb_image sums(mli_mode mode, uint32_t init_frames)
{
    fb *b = fb_new(mode);
    fb_id x, was, y;
    if (mode == MLI_WINDOW)
        fb_window(b, N, N);
    x = fb_input(b, mode == MLI_WINDOW ? fb_matrix(N, 1) : fb_vector(N));
    was = fb_op(b, MLI_OP_RECALL, fb_shape_of(b, x), 0, &x);
    fb_state(b, 1, N, init_frames);
    y = fb_binary(b, MLI_ADD, x, x, was);
    fb_output(b, fb_op(b, MLI_OP_STORE, fb_shape_of(b, y), 1, &y));
    fb_last(b)->p[0] = 0;
    return fb_finish(b);
}

static void run_sums(mli_mode mode)
{
    fb_image image = sums(mode, 0);
    float want[N] = {0}, x[N], y[N];
    const float *in = x;
    float *out = y;
    player p;
    player_open(&p, image, NULL, 16);
    for (int run = 0; run < 20; run++) {
        if (run == 13) {
            mli_reset(p.session);
            memset(want, 0, sizeof want);
        }
        for (uint32_t i = 0; i < N; i++) {
            x[i] = fb_random(&seed);
            want[i] = x[i] + want[i];
        }
        mli_run(p.session, &in, &out);
        assert_memory_equal(y, want, sizeof y);
    }
    player_close(&p);
    free(image.bytes);
}

static void test_recall(void **state)
{
    (void)state;
    run_sums(MLI_STEP);
    run_sums(MLI_WINDOW);
}

/* It begins as the file says. */
static void test_first(void **state)
{
    fb_image image = sums(MLI_STEP, 1);
    const mli_file_state *s = fb_section(image, MLI_SEC_STATES);
    const float *init =
        (const float *)fb_section(image, MLI_SEC_DATA) + s->init;
    float x[N] = {0}, y[N];
    const float *in = x;
    float *out = y;
    player p;
    (void)state;
    player_open(&p, image, NULL, 16);
    mli_run(p.session, &in, &out);
    assert_memory_equal(y, init, sizeof y);
    assert_true(y[0] != 0.f);
    player_close(&p);
    free(image.bytes);
}

/* ------------------------------------------------- layers that wait ---- */

typedef struct kind {
    mli_op_type type;
    uint32_t reset_after;
} kind;

static const kind kinds[] = {
    {MLI_OP_LSTM, 0}, {MLI_OP_GRU, 1}, {MLI_OP_GRU, 0}, {MLI_OP_RNN, 0}};

/* The same weights for every hold: the builder's numbers are. */
static fb_image waiting(const kind *k, uint32_t hold)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2));
    fb_id y = fb_recurrent(b, k->type, x, 2, N, k->reset_after, 1);
    fb_last(b)->p[2] = hold;
    if (hold)
        fb_state(b, 1, 1, 0);
    fb_output(b, y);
    return fb_finish(b);
}

static float **play(fb_image image, float **x, uint32_t from, uint32_t frames,
                    uint32_t block)
{
    const float *in[2] = {x[0] + from, x[1] + from};
    float **y = channels_new(N, frames);
    player p;
    player_open(&p, image, NULL, 16);
    player_process(&p, in, y, frames, block, NULL);
    player_close(&p);
    return y;
}

/* Silence, and then the same bits as if the stream had begun there. */
static void wait_for(const kind *k, uint32_t hold, uint32_t block)
{
    uint32_t frames = 200;
    fb_image now = waiting(k, 0), later = waiting(k, hold);
    float **x = channels_new(2, frames), **y, **z;
    for (uint32_t i = 0; i < 2 * frames; i++)
        x[i / frames][i % frames] = fb_random(&seed);
    y = play(now, x, hold, frames - hold, 64);
    z = play(later, x, 0, frames, block);
    for (uint32_t c = 0; c < N; c++) {
        for (uint32_t t = 0; t < hold; t++)
            assert_true(z[c][t] == 0.f);
        assert_memory_equal(z[c] + hold, y[c], (frames - hold) * sizeof *y[c]);
    }
    channels_free(x, 2);
    channels_free(y, N);
    channels_free(z, N);
    free(now.bytes);
    free(later.bytes);
}

static void test_waiting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wait_for(&kinds[i], 1, 7);
        wait_for(&kinds[i], 16, 64);
        wait_for(&kinds[i], 37, 1);
        wait_for(&kinds[i], 150, 100);
    }
}

/* ------------------------------------------------ layers that go on ---- */

static fb_image windows(const kind *k, uint32_t frames, uint32_t lasts)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_id x;
    fb_window(b, frames, frames);
    x = fb_input(b, fb_matrix(frames, 2));
    fb_output(b, fb_recurrent(b, k->type, x, 2, N, k->reset_after, 1));
    fb_last(b)->p[3] = lasts;
    return fb_finish(b);
}

static void run_windows(fb_image image, const float *x, float *y,
                        uint32_t frames, uint32_t count)
{
    player p;
    player_open(&p, image, NULL, 16);
    for (uint32_t i = 0; i < count; i++) {
        const float *in = x + (size_t)i * frames * 2;
        float *out = y + (size_t)i * frames * N;
        mli_run(p.session, &in, &out);
    }
    player_close(&p);
    free(image.bytes);
}

/* Two windows are one of twice the length. */
static void test_lasting(void **state)
{
    float x[24], one[12 * N], two[12 * N], anew[12 * N];
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t k = 0; k < 24; k++)
            x[k] = fb_random(&seed);
        run_windows(windows(&kinds[i], 12, 0), x, one, 12, 1);
        run_windows(windows(&kinds[i], 6, 1), x, two, 6, 2);
        run_windows(windows(&kinds[i], 6, 0), x, anew, 6, 2);
        assert_memory_equal(one, two, sizeof one);
        assert_memory_not_equal(one, anew, sizeof one);
    }
}

/* ------------------------------------------------------------- refused ---- */

static void refused(fb_image image, mli_status status, const char *what)
{
    mli_model model;
    uint32_t at;
    mli_status got = mli_open(&model, image.bytes, image.size, &at);
    if (got != status)
        fail_msg("%s: %d (expected %d)", what, (int)got, (int)status);
    free(image.bytes);
}

#define CASE(status, make, number, change)                                     \
    do {                                                                       \
        fb_image i = make;                                                     \
        mli_file_op *op = (mli_file_op *)fb_section(i, MLI_SEC_OPS) + number;  \
        mli_file_state *s = fb_section(i, MLI_SEC_STATES);                     \
        (void)op;                                                              \
        (void)s;                                                               \
        change;                                                                \
        fb_seal(i);                                                            \
        refused(i, status, #change);                                           \
    } while (0)

static void test_refused(void **state)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(1)), was;
    (void)state;
    was = fb_op(b, MLI_OP_RECALL, fb_vector(1), 0, &x);
    fb_state(b, 1, 1, 0);
    fb_output(b, fb_binary(b, MLI_ADD, x, x, was));
    refused(fb_finish(b), MLI_ERR_OP_OPERAND, "RECALL in a stream");
    CASE(MLI_OK, sums(MLI_STEP, 0), 0, (void)0);
    CASE(MLI_ERR_OP_UNUSED, sums(MLI_STEP, 0), 0, op->p[0] = 1);
    CASE(MLI_ERR_OP_STATE, sums(MLI_STEP, 0), 0, s->width = N + 1);
    CASE(MLI_ERR_OP_STATE, sums(MLI_STEP, 0), 0, s->frames = 2);
    CASE(MLI_ERR_OP_PARAMETER, sums(MLI_STEP, 0), 2, op->p[0] = 1);
    CASE(MLI_ERR_OP_PARAMETER, sums(MLI_STEP, 0), 2, op->p[0] = 2);
    CASE(MLI_ERR_OP_PARAMETER, sums(MLI_STEP, 0), 2, op->p[0] = ~0u);
    CASE(MLI_ERR_OP_UNUSED, sums(MLI_STEP, 0), 2, op->p[1] = 1);
    CASE(MLI_OK, waiting(&kinds[0], 3), 1, (void)0);
    CASE(MLI_ERR_COUNT, waiting(&kinds[0], 3), 1, op->p[2] = 0);
    CASE(MLI_ERR_OP_STATE, waiting(&kinds[1], 0), 1, op->p[2] = 1);
    CASE(MLI_ERR_OP_STATE, waiting(&kinds[3], 3), 1, s[1].width = 2);
    CASE(MLI_ERR_OP_PARAMETER, waiting(&kinds[0], 3), 1,
         op->p[2] = MLI_MAX_HOLD + 1);
    CASE(MLI_ERR_OP_PARAMETER, waiting(&kinds[0], 3), 1, op->p[3] = 1);
    CASE(MLI_ERR_OP_UNUSED, waiting(&kinds[0], 3), 1, op->p[1] = 1);
    CASE(MLI_OK, windows(&kinds[2], 4, 1), 1, (void)0);
    CASE(MLI_ERR_OP_PARAMETER, windows(&kinds[2], 4, 1), 1, op->p[3] = 2);
    CASE(MLI_ERR_OP_PARAMETER, windows(&kinds[3], 4, 1), 1, op->p[2] = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall), cmocka_unit_test(test_first),
        cmocka_unit_test(test_waiting), cmocka_unit_test(test_lasting),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
