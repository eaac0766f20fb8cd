/*
 * test_passes.c - each pass does its work, keeps the result, and never adds
 * operators or multiply-accumulates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "passes/passes.h"
#include "twin.h"

#define FRAMES    200
#define TOLERANCE 5e-6

static const uint32_t four[1] = {4};

/* Compile, compare, and answer what the file says of itself. */
static mli_info finish(twins *t, char *report)
{
    mlc_image image;
    mli_model model;
    mli_info info;
    double error = twins_compare(t, NULL, 32, &image);

    if (!(error <= TOLERANCE))
        fail_msg("error %g of the peak", error);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_int_equal(info.arena_floats, info.arena_bound_floats);
    snprintf(report, 4096, "%s", image.report);
    mlc_image_free(&image);
    twins_end(t);
    return info;
}

static mli_info finish_quietly(twins *t)
{
    char report[4096];

    return finish(t, report);
}

static void functions_are_fused(void **state)
{
    char report[4096];
    twins t;
    twin x;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 1);
    x = twin_input(&t, 1, four);
    x = twin_unary(&t, MLI_TANH, 0, 0, twin_linear(&t, x, 7, 1));
    x = twin_unary(&t, MLI_RELU, 0, 0, twin_conv1d(&t, x, 5, 3, 2, 1, 1, 1));
    x = twin_unary(&t, MLI_LEAKY_RELU, 0.1, 0, x);
    twin_output(&t, x);
    /* tanh and ReLU go into their layers, the second function stays */
    assert_int_equal(finish(&t, report).ops, 3);
    assert_non_null(strstr(
        report, "1 convolution with its activation, 1 dense layer with its "
                "activation"));
    assert_non_null(strstr(report, "the lower bound"));
}

static void functions_pass_reshapes(void **state)
{
    twins t;
    twin x;

    (void)state;
    twins_begin(&t, MLI_STEP, 1, 2);
    x = twin_input(&t, 2, (uint32_t[]){3, 4});
    x = twin_linear(&t, x, 6, 1);
    x = twin_transpose(&t, x, (uint32_t[]){1, 0});
    x = twin_unary(&t, MLI_SIGMOID, 0, 0, x);
    twin_output(&t, x);
    assert_int_equal(finish_quietly(&t).ops, 2);
}

static void functions_stay_when_others_read(void **state)
{
    twins t;
    twin x, y;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 3);
    x = twin_linear(&t, twin_input(&t, 1, four), 4, 1);
    y = twin_unary(&t, MLI_TANH, 0, 0, x);
    twin_output(&t, twin_binary(&t, MLI_ADD, x, y));
    assert_int_equal(finish_quietly(&t).ops, 3);

    twins_begin(&t, MLI_STREAM, FRAMES, 4);
    x = twin_linear(&t, twin_input(&t, 1, four), 4, 1);
    twin_output(&t, x); /* an output is a reader, too */
    twin_output(&t, twin_unary(&t, MLI_TANH, 0, 0, x));
    assert_int_equal(finish_quietly(&t).ops, 2);
}

static void scales_are_folded(void **state)
{
    char report[4096];
    twins t;
    twin x;

    (void)state;
    for (uint32_t groups = 1; groups <= 8; groups *= 2) {
        twins_begin(&t, MLI_STREAM, FRAMES, 5);
        x = twin_linear(&t, twin_input(&t, 1, four), 8, groups == 1);
        x = twin_affine(&t, x, 0);
        x = twin_unary(&t, MLI_TANH, 0, 0, x);
        x = twin_conv1d(&t, x, groups == 8 ? 8 : 20, 3, 2, groups, 1, 0);
        x = twin_affine(&t, x, 1);
        x = twin_affine(&t, x, 0);
        x = twin_unary(&t, MLI_RELU, 0, 0, x);
        twin_output(&t, x);
        assert_int_equal(finish(&t, report).ops, 2);
        assert_non_null(
            strstr(report, "3 normalisations, scales or biases into layers"));
    }
}

static void arithmetic_is_folded(void **state)
{
    static const mli_binary fns[] = {MLI_ADD, MLI_SUB, MLI_MUL, MLI_DIV};
    twins t;
    twin x, c;

    (void)state;
    for (int turn = 0; turn < 8; turn++) {
        mli_binary fn = fns[turn / 2];

        twins_begin(&t, MLI_STEP, 1, 6);
        x = twin_linear(&t, twin_input(&t, 1, four), 8, 1);
        c = twin_constant(&t, 1, (uint32_t[]){8}, 1.0);
        if (fn == MLI_DIV) /* away from 0 */
            c = twin_unary(&t, MLI_SOFTPLUS, 0, 0, c);
        if (fn == MLI_DIV && turn % 2)
            x = twin_unary(&t, MLI_SOFTPLUS, 0, 0, x);
        x = turn % 2 ? twin_binary(&t, fn, c, x) : twin_binary(&t, fn, x, c);
        twin_output(&t, x);
        /* only c / x cannot be folded */
        assert_int_equal(finish_quietly(&t).ops,
                         fn == MLI_DIV && turn % 2 ? 2 : 1);
    }
}

/* relu(W x) * scale is not relu(scale W x) when scale < 0. */
static void scales_stay_behind_functions(void **state)
{
    twins t;
    twin x;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 7);
    x = twin_linear(&t, twin_input(&t, 1, four), 8, 1);
    x = twin_affine(&t, twin_unary(&t, MLI_RELU, 0, 0, x), 0);
    twin_output(&t, x);
    assert_int_equal(finish_quietly(&t).ops, 2);
}

/* A sum that broadcasts the layer's result is no bias. */
static void broadcast_sums_stay(void **state)
{
    twins t;
    twin x, c;

    (void)state;
    twins_begin(&t, MLI_STEP, 1, 8);
    x = twin_linear(&t, twin_input(&t, 1, four), 1, 1);
    c = twin_constant(&t, 1, (uint32_t[]){5}, 1.0);
    twin_output(&t, twin_binary(&t, MLI_ADD, x, c));
    assert_int_equal(finish_quietly(&t).ops, 2);

    twins_begin(&t, MLI_STEP, 1, 9);
    x = twin_linear(&t, twin_input(&t, 2, (uint32_t[]){3, 4}), 3, 1);
    c = twin_constant(&t, 2, (uint32_t[]){3, 1}, 1.0);
    twin_output(&t, twin_binary(&t, MLI_ADD, x, c));
    assert_int_equal(finish_quietly(&t).ops, 2);
}

static void layout_is_cleaned(void **state)
{
    const uint32_t turn[] = {2, 0, 1}, back[] = {1, 2, 0}, one[] = {1, 0, 2};
    twins t;
    twin x;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 10);
    x = twin_input(&t, 3, (uint32_t[]){2, 3, 4});
    x = twin_transpose(&t, twin_transpose(&t, x, turn), back);
    x = twin_reshape(&t, x, 2, (uint32_t[]){6, 4});
    x = twin_reshape(&t, x, 3, (uint32_t[]){1, 6, 4});
    x = twin_transpose(&t, x, one);
    x = twin_reshape(&t, x, 3, (uint32_t[]){2, 3, 4});
    twin_output(&t, twin_unary(&t, MLI_TANH, 0, 0, x));
    assert_int_equal(finish_quietly(&t).ops, 1);
}

static void unused_is_removed(void **state)
{
    char report[4096];
    twins t;
    twin x;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 11);
    x = twin_input(&t, 1, four);
    twin_recurrent(&t, twin_linear(&t, x, 9, 1), 5, 4, 0, 1, 0);
    twin_output(&t, twin_unary(&t, MLI_TANH, 0, 0, x));
    assert_int_equal(finish(&t, report).ops, 1);
    assert_non_null(
        strstr(report, "3 operators that no output needs, 1 dead state"));
    assert_non_null(strstr(report, " in the source, "));
}

static void constants_are_folded_and_shared(void **state)
{
    char report[4096];
    uint64_t random;
    twins t;
    twin x, c;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 12);
    x = twin_input(&t, 1, four);
    c = twin_constant(&t, 2, (uint32_t[]){2, 2}, 1.0);
    c = twin_unary(&t, MLI_SIN, 0, 0, twin_linear(&t, c, 2, 1));
    c = twin_reshape(&t, c, 1, four);
    twin_output(&t, twin_binary(&t, MLI_MUL, x, c));
    assert_int_equal(finish(&t, report).ops, 1);
    assert_non_null(strstr(report, "3 constant results"));

    twins_begin(&t, MLI_STEP, 1, 13);
    x = twin_input(&t, 1, four);
    random = t.random;
    x = twin_binary(&t, MLI_MUL, x, twin_constant(&t, 1, four, 1.0));
    x = twin_unary(&t, MLI_TANH, 0, 0, x);
    t.random = random;
    x = twin_binary(&t, MLI_ADD, x, twin_constant(&t, 1, four, 1.0));
    twin_output(&t, x);
    assert_int_equal(finish(&t, report).ops, 3);
    assert_non_null(strstr(report, "1 constant that there was twice"));
}

/* An output needs a place in the arena, and a time axis in a stream. */
static void outputs_of_any_kind(void **state)
{
    twins t;
    twin x, c;

    (void)state;
    twins_begin(&t, MLI_STREAM, FRAMES, 14);
    x = twin_input(&t, 1, four);
    c = twin_constant(&t, 1, (uint32_t[]){3}, 1.0);
    twin_output(&t, c);
    twin_output(&t, x);
    twin_output(&t, x);
    twin_output(&t, twin_unary(&t, MLI_TANH, 0, 0, twin_control(&t, 2)));
    finish_quietly(&t);

    twins_begin(&t, MLI_STEP, 1, 15);
    twin_output(&t, twin_constant(&t, 1, (uint32_t[]){3}, 1.0));
    finish_quietly(&t);
}

static void refusals(void **state)
{
    mlc_image image;
    mlc_error error;
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, four);

    (void)state;
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_CORRUPT);
    assert_string_equal(error.text, "the model has no output");

    g = ir_new(MLI_STREAM);
    x = ir_input(g, "x", 1, four);
    ir_at(g, "layer 3");
    x = ir_linear(g, x, 5, 2, (float[10]){0}, NULL);
    assert_int_equal(x, IR_NONE);
    ir_output(g, "y", ir_unary(g, MLI_TANH, 0, 0, x));
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_UNSUPPORTED);
    assert_string_equal(
        error.text, "layer 3: dense layer of 5 inputs and 2 outputs on [4]");
    assert_null(image.bytes);

    g = ir_new(MLI_STEP);
    x = ir_input(g, "x", 2, (uint32_t[]){1u << 20, 1u << 20});
    assert_int_equal(x, IR_NONE);
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_UNSUPPORTED);
    assert_non_null(strstr(error.text, "too many elements"));
}

static uint32_t transposes(const mlc_image *image)
{
    const mli_file_header *h = (const void *)image->bytes;
    const mli_file_section *s = &h->section[MLI_SEC_OPS];
    const mli_file_op *op = (const void *)(image->bytes + s->offset);
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->bytes / sizeof *op; i++)
        n += op[i].type == MLI_OP_TRANSPOSE;
    return n;
}

/* Compile, compare, and count the transposes that are left. */
static void expect_transposes(twins *t, uint32_t want)
{
    mlc_image image;
    double error = twins_compare(t, NULL, 32, &image);

    if (!(error <= TOLERANCE))
        fail_msg("error %g of the peak", error);
    assert_int_equal(transposes(&image), want);
    mlc_image_free(&image);
    twins_end(t);
}

static const uint32_t there[3] = {2, 0, 1}, back[3] = {1, 2, 0};

/* [5, 6, 4] as channels in front, [4, 5, 6] */
static twin channels_first(twins *t)
{
    twin x = twin_input(t, 3, (uint32_t[]){5, 6, 4});

    return twin_transpose(t, twin_linear(t, x, 4, 1), there);
}

static void transposes_meet(void **state)
{
    twins t;
    twin x, y, z;

    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        twins_begin(&t, timed ? MLI_STREAM : MLI_STEP, timed ? FRAMES : 1, 20);
        x = channels_first(&t);
        y = twin_unary(&t, MLI_TANH, 0, 0, x);
        z = twin_constant(&t, 3, (uint32_t[]){4, 1, 1}, 1.0);
        y = twin_binary(&t, MLI_MUL, y, z);
        y = twin_binary(&t, MLI_SUB, x, y);
        y = twin_binary(&t, MLI_ADD, y, twin_constant(&t, 0, NULL, 1.0));
        y = twin_pad(&t, twin_slice(&t, y, 1, 4, -2, 2), 2, 1, 0, 0.5);
        y = twin_concat(&t, (twin[]){y, y}, 2, 1);
        y = twin_reshape(&t, y, 5, (uint32_t[]){1, 4, 4, 1, 7});
        y = twin_unary(&t, MLI_RELU, 0, 0, y);
        y = twin_reshape(&t, y, 3, (uint32_t[]){4, 4, 7});
        y = twin_transpose(&t, y, back);
        twin_output(&t, twin_linear(&t, y, 3, 1));
        expect_transposes(&t, 0);
    }
}

static void transposes_of_one_side(void **state)
{
    twins t;
    twin x, y;

    (void)state;
    /* a gate for each channel is turned by a reshape */
    twins_begin(&t, MLI_STEP, 1, 21);
    x = channels_first(&t);
    y = twin_input(&t, 3, (uint32_t[]){4, 1, 1});
    y = twin_transpose(&t, twin_binary(&t, MLI_MUL, x, y), back);
    twin_output(&t, y);
    expect_transposes(&t, 0);
    /* something as large is not: it keeps its order */
    twins_begin(&t, MLI_STEP, 1, 22);
    x = channels_first(&t);
    y = twin_input(&t, 3, (uint32_t[]){4, 5, 6});
    y = twin_transpose(&t, twin_binary(&t, MLI_MUL, x, y), back);
    twin_output(&t, y);
    expect_transposes(&t, 2);
    /* who wants the order as it is shares one */
    twins_begin(&t, MLI_STEP, 1, 23);
    x = channels_first(&t);
    twin_output(&t, twin_unary(&t, MLI_ABS, 0, 0, x));
    twin_output(&t, x);
    twin_output(&t, twin_softmax(&t, x, 2, 0));
    expect_transposes(&t, 1);
}

static void reductions_of_images(void **state)
{
    static const mli_reduce fns[] = {MLI_REDUCE_SUM, MLI_REDUCE_MEAN,
                                     MLI_REDUCE_MAX, MLI_REDUCE_MIN,
                                     MLI_REDUCE_L2};
    twins t;

    (void)state;
    for (int i = 0; i < 5; i++)
        for (int keep = 0; keep < 2; keep++) {
            twin x;
            twins_begin(&t, MLI_STEP, 1, 30 + (uint64_t)i);
            x = twin_reduce(&t, fns[i], channels_first(&t), 6, keep);
            x = twin_reshape(&t, x, 1, (uint32_t[]){4});
            twin_output(&t, twin_linear(&t, x, 3, 1));
            expect_transposes(&t, fns[i] == MLI_REDUCE_L2);
        }
}

static void dense_layers_take_any_order(void **state)
{
    twins t;
    twin x;

    (void)state;
    for (int rows = 0; rows < 2; rows++) {
        uint32_t flat[2] = {rows ? 3 : 1, 20};
        twins_begin(&t, MLI_STEP, 1, 40);
        x = twin_input(&t, 4, (uint32_t[]){flat[0], 5, 1, 4});
        x = twin_unary(&t, MLI_TANH, 0, 0, twin_linear(&t, x, 4, 1));
        x = twin_transpose(&t, x, (uint32_t[]){0, 3, 1, 2});
        x = twin_reshape(&t, x, 2, flat);
        twin_output(&t, twin_linear(&t, x, 18, 1));
        expect_transposes(&t, 0);
    }
    /* the rows are others: they must be put in order */
    twins_begin(&t, MLI_STEP, 1, 41);
    x = twin_linear(&t, twin_input(&t, 3, (uint32_t[]){5, 3, 4}), 4, 1);
    x = twin_transpose(&t, x, (uint32_t[]){1, 0, 2});
    x = twin_reshape(&t, x, 2, (uint32_t[]){3, 20});
    twin_output(&t, twin_linear(&t, x, 2, 0));
    expect_transposes(&t, 1);
    /* somebody else reads them, too */
    twins_begin(&t, MLI_STEP, 1, 42);
    x = channels_first(&t);
    x = twin_reshape(&t, x, 1, (uint32_t[]){120});
    twin_output(&t, twin_linear(&t, x, 2, 0));
    twin_output(&t, twin_softmax(&t, x, 0, 0));
    expect_transposes(&t, 1);
}

/* What nodes made that are no more is not the work of others. */
static void numbers_of_nodes_hold(void **state)
{
    ir_graph *g = ir_new(MLI_STREAM);
    ir_tally tally = {0};
    ir_id x = ir_input(g, "x", 2, (uint32_t[]){2, 3});
    uint32_t made = 0;

    (void)state;
    x = ir_transpose(g, x, (uint32_t[]){1, 0});
    x = ir_unary(g, MLI_TANH, 0, 0, x);
    ir_output(g, "y", ir_transpose(g, x, (uint32_t[]){1, 0}));
    ir_pass_transposes(g, &tally);
    assert_string_equal(g->error, "");
    for (uint32_t i = 0; i < g->value_count; i++)
        if (g->values[i].node >= 0) {
            assert_in_range(g->values[i].node, 0, g->node_count - 1);
            assert_int_equal(g->nodes[g->values[i].node].out, i);
            made++;
        }
    assert_int_equal(made, g->node_count);
    ir_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_fused),
        cmocka_unit_test(functions_pass_reshapes),
        cmocka_unit_test(functions_stay_when_others_read),
        cmocka_unit_test(scales_are_folded),
        cmocka_unit_test(arithmetic_is_folded),
        cmocka_unit_test(scales_stay_behind_functions),
        cmocka_unit_test(broadcast_sums_stay),
        cmocka_unit_test(layout_is_cleaned),
        cmocka_unit_test(unused_is_removed),
        cmocka_unit_test(constants_are_folded_and_shared),
        cmocka_unit_test(outputs_of_any_kind),
        cmocka_unit_test(refusals),
        cmocka_unit_test(transposes_meet),
        cmocka_unit_test(transposes_of_one_side),
        cmocka_unit_test(reductions_of_images),
        cmocka_unit_test(dense_layers_take_any_order),
        cmocka_unit_test(numbers_of_nodes_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
