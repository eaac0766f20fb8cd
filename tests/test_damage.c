/*
 * Small files of each mode, damaged in every simple way: refused, or opened and
 * run without a finding. This program and all of the runtime in it are built
 * with the address and undefined-behaviour sanitizers, which end it at the
 * first finding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "exercise.h"
#include "file_builder.h"

/* Leaks are looked for by other means; here that needs ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* Together these three have every operator. */
static fb_image stream(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2)), gain = fb_control(b, fb_vector(2));
    fb_meta(b, "name", "stream");
    fb_id a = fb_conv(b, x, 2, 2, 3, 2, 2, 1, 1);
    a = fb_recurrent(b, MLI_OP_LSTM, a, 2, 2, 0, 1);
    fb_last(b)->p[2] = 5;
    fb_state(b, 1, 1, 0);
    fb_id scaled = fb_binary(b, MLI_MUL, a, a, gain);
    fb_over(b, scaled, a);
    fb_id late = fb_delay(b, x, 3, 3), both[2] = {scaled, late};
    fb_id c = fb_op(b, MLI_OP_CONCAT, fb_timed(4), 2, both);
    fb_output(b, fb_hold(b, c, 70));
    return fb_finish(b);
}

static fb_image rates(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_slow(2, 2));
    fb_id a = fb_depth_to_time(b, x, 2, 1);
    a = fb_linear(b, fb_flat(b, fb_unfold(b, a, 3, 2, 6, 4)), 3, 3);
    fb_output(b, fb_depth_to_time(b, fb_hold(b, a, 2), 3, 0));
    fb_output(b, fb_unfold(b, a, 1, 1, 2, 0));
    return fb_finish(b);
}

static fb_image window(void)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 9, 4);
    fb_id x = fb_input(b, fb_matrix(9, 2));
    fb_id padded = fb_op(b, MLI_OP_PAD, fb_matrix(12, 2), 1, &x);
    fb_last(b)->p[1] = 1;
    fb_last(b)->p[2] = 2;
    fb_last(b)->fp = 0.5f;
    fb_id a = fb_conv(b, padded, 2, 3, 3, 2, 1, 2, 0);
    a = fb_recurrent(b, MLI_OP_GRU, a, 3, 2, 0, 1);
    fb_last(b)->p[3] = 1;
    fb_id turned = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(2, 4), 1, &a);
    fb_last(b)->p[0] = 1;
    fb_id soft = fb_op(b, MLI_OP_SOFTMAX, fb_matrix(2, 4), 1, &turned);
    fb_over(b, soft, turned);
    fb_id part = fb_op(b, MLI_OP_SLICE, fb_matrix(2, 2), 1, &soft);
    fb_last(b)->p[0] = 1;
    fb_last(b)->p[1] = 3;
    fb_last(b)->p[2] = 0u - 2u;
    fb_id mean = fb_op(b, MLI_OP_REDUCE, fb_vector(2), 1, &part);
    fb_last(b)->p[1] = 1;
    fb_output(b, mean);
    fb_output(b, x);
    return fb_finish(b);
}

static fb_image step(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_linear(b, fb_input(b, fb_vector(3)), 3, 4);
    fb_id four = fb_const(b, fb_vector(4), NULL, 1.0f);
    fb_id in[3] = {x, four, four};
    fb_id a = fb_op(b, MLI_OP_AFFINE, fb_vector(4), 3, in);
    fb_id normal = fb_op(b, MLI_OP_NORMALIZE, fb_vector(4), 2, in);
    fb_last(b)->p[0] = 4;
    fb_last(b)->fp = 0.01f;
    fb_id row = fb_op(b, MLI_OP_RESHAPE, fb_matrix(1, 4), 1, &a);
    fb_id h = fb_recurrent(b, MLI_OP_RNN, row, 4, 3, 0, 1);
    fb_id wide = fb_op(b, MLI_OP_EXPAND, fb_matrix(2, 3), 1, &h);
    fb_output(b, fb_unary(b, MLI_TANH, wide));
    fb_output(b, fb_trees(b, wide, 2, 2, 2, MLI_TREES_AVERAGE));
    fb_output(b, fb_couple(b, fb_distance(b, h, 3, MLI_MINKOWSKI), 3));
    fb_output(b, normal);
    return fb_finish(b);
}

/* A sum over all runs. */
static fb_image carried(void)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 4, 3);
    fb_id x = fb_input(b, fb_matrix(4, 1));
    fb_id was = fb_op(b, MLI_OP_RECALL, fb_matrix(4, 1), 0, &x);
    fb_state(b, 1, 4, 1);
    fb_id sum = fb_binary(b, MLI_ADD, x, x, was);
    fb_output(b, fb_op(b, MLI_OP_STORE, fb_matrix(4, 1), 1, &sum));
    return fb_finish(b);
}

static fb_image spectrum(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_matrix(2, 6)), y = fb_dft(b, x, 6, 6, 1);
    y = fb_matmul(b, y, y, fb_matrix(2, 2), 1, 2);
    fb_output(b, fb_random_numbers(b, y, fb_matrix(1, 5), 1));
    return fb_finish(b);
}

/* In every frame: the order of some numbers, and what it looks up. */
static fb_image picks(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(4)), table = fb_control(b, fb_matrix(3, 2));
    fb_id at = fb_op(b, MLI_OP_TOPK, fb_timed(3), 1, &x);
    fb_last(b)->p[0] = 3;
    fb_last(b)->p[2] = 1;
    fb_id first = fb_op(b, MLI_OP_ARG, (fb_shape){1, 0, {0}}, 1, &x);
    fb_id rows = fb_op(b, MLI_OP_GATHER, (fb_shape){1, 2, {3, 2}}, 2,
                       (fb_id[2]){table, at});
    fb_id both = fb_op(b, MLI_OP_SELECT, (fb_shape){1, 2, {3, 2}}, 3,
                       (fb_id[3]){first, rows, table});
    fb_id put = fb_op(b, MLI_OP_SCATTER, (fb_shape){1, 2, {3, 2}}, 3,
                      (fb_id[3]){table, at, both});
    fb_last(b)->p[0] = MLI_SCATTER_ADD;
    fb_id sum = fb_op(b, MLI_OP_CUMULATE, (fb_shape){1, 2, {3, 2}}, 1, &put);
    fb_last(b)->p[3] = 1;
    fb_output(b, sum);
    return fb_finish(b);
}

typedef struct tally {
    uint32_t opened, refused;
} tally;

static void try(tally *t, fb_image i)
{
    uint32_t n = t->opened + t->refused;
    if (exercise(i.bytes, i.size, n) == MLI_OK)
        t->opened++;
    else
        t->refused++;
}

static void try_sealed(tally *t, fb_image i)
{
    fb_image copy = fb_copy(i);
    fb_seal(copy);
    try(t, copy);
    free(copy.bytes);
}

/* Every truncation, as it is and with size and checksum put right. */
static void truncate(fb_image i)
{
    tally t = {0, 0};
    mli_file_header *h = (mli_file_header *)i.bytes;
    uint32_t whole = h->file_bytes;
    for (size_t n = 0; n < i.size; n++)
        try(&t, (fb_image){i.bytes, n});
    for (size_t n = sizeof *h; n < i.size; n++) {
        h->file_bytes = (uint32_t)n;
        try_sealed(&t, (fb_image){i.bytes, n});
    }
    h->file_bytes = whole;
    assert_int_equal(t.opened, 0);
}

/* Every byte changed: never opened as it is; with the checksum put right, may
   be. */
static void change_bytes(fb_image i)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x02, 0x10, 0x40};
    uint32_t n = getenv("MLI_LONG") != NULL ? sizeof changes : 1;
    tally as_is = {0, 0}, sealed = {0, 0};
    for (size_t at = 0; at < i.size; at++)
        for (uint32_t k = 0; k < n; k++) {
            uint8_t change = changes[(at + k) % sizeof changes];
            i.bytes[at] ^= change;
            try(&as_is, i);
            try_sealed(&sealed, i);
            i.bytes[at] ^= change;
        }
    assert_int_equal(as_is.opened, 0);
    assert_true(sealed.opened > 0 && sealed.refused > 0);
}

static void change_words(fb_image i)
{
    static const uint32_t values[] = {0, 1, 0x7fffffffu, 0xffffffffu};
    tally t = {0, 0};
    for (size_t at = 0; at < i.size; at += 4)
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t old;
            memcpy(&old, i.bytes + at, 4);
            memcpy(i.bytes + at, values + k, 4);
            try_sealed(&t, i);
            memcpy(i.bytes + at, &old, 4);
        }
    assert_true(t.opened > 0 && t.refused > 0);
}

static void damage(fb_image i)
{
    for (uint32_t n = 0; n < 12; n++)
        assert_int_equal(exercise(i.bytes, i.size, n), MLI_OK);
    truncate(i);
    change_bytes(i);
    change_words(i);
    free(i.bytes);
}

static void test_stream(void **state)
{
    (void)state;
    damage(stream());
}

static void test_rates(void **state)
{
    (void)state;
    damage(rates());
}

static void test_carried(void **state)
{
    (void)state;
    damage(carried());
}

static void test_window(void **state)
{
    (void)state;
    damage(window());
}

static void test_step(void **state)
{
    (void)state;
    damage(step());
}

static void test_picks(void **state)
{
    (void)state;
    damage(picks());
}

static void test_spectrum(void **state)
{
    (void)state;
    damage(spectrum());
}

/* The sanitizers are there: what they find ends a program. */
static void test_sanitized(void **state)
{
    (void)state;
#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifndef __SANITIZE_ADDRESS__
    fail_msg("built without the address sanitizer");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sanitized), cmocka_unit_test(test_stream),
        cmocka_unit_test(test_rates),     cmocka_unit_test(test_carried),
        cmocka_unit_test(test_window),    cmocka_unit_test(test_step),
        cmocka_unit_test(test_spectrum),  cmocka_unit_test(test_picks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
