/*
 * test_stored.c - layers whose weights are stored in 16, 8 or 4 bits: files of
 * each against the plain reference on every kernel build, planar sessions
 * against the same weights in floats, what the verifier refuses, and what the
 * compiler makes of weights.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "compiler.h"
#include "ir.h"
#include "largest.h"
#include "op_check.h"
#include "player.h"
#include "session.h"

static mli_storage storage;

static fb *stored_new(mli_mode mode)
{
    fb *b = fb_new(mode);
    fb_store(b, storage);
    return b;
}

static fb_image linear(mli_mode mode, int over)
{
    fb *b = stored_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t last = s.dims[s.rank - 1] = up_to(70);
    fb_id y = fb_linear(b, fb_input(b, s), last, up_to(40));
    fb_last(b)->fn = over ? MLI_TANH : MLI_IDENTITY;
    return finish(b, y);
}

static fb_image conv1d(mli_mode mode, int over)
{
    fb *b = stored_new(mode);
    uint32_t groups = up_to(4), in = groups * up_to(5);
    uint32_t out = groups * up_to(20), taps = up_to(4), dilation = up_to(20);
    uint32_t length = (taps - 1) * dilation + up_to(30);
    (void)over;
    fb_id x =
        fb_input(b, mode == MLI_STREAM ? fb_timed(in) : fb_matrix(length, in));
    return finish(b, fb_conv(b, x, in, out, taps, dilation, groups,
                             mode == MLI_STREAM ? 1 : up_to(3), 0));
}

static fb_image conv2d(mli_mode mode, int over)
{
    fb *b = stored_new(mode);
    uint32_t groups = up_to(2), in = groups * up_to(5);
    fb_shape s = {mode == MLI_STREAM, 3, {3 + up_to(6), 3 + up_to(6), in}};
    uint32_t p[7] = {up_to(3), up_to(3), 1, 1, up_to(2), up_to(2), groups};
    (void)over;
    return finish(b, fb_conv2d(b, fb_input(b, s), groups * up_to(20), p));
}

/* As many groups as words and as outputs: no depthwise one. */
static fb_image groups_of_words(mli_mode mode, int two)
{
    fb *b = stored_new(mode);
    uint32_t groups = 1 + up_to(9), in = 4 * groups;
    fb_shape s = {mode == MLI_STREAM, 3, {6, 5, in}};
    uint32_t p[7] = {2, 3, 1, 1, 1, 1, groups};
    (void)two;
    return finish(b, fb_conv2d(b, fb_input(b, s), groups, p));
}

static fb_image recurrent(mli_mode mode, int after)
{
    static const mli_op_type types[] = {MLI_OP_LSTM, MLI_OP_GRU, MLI_OP_RNN};
    fb *b = stored_new(mode);
    uint32_t in = up_to(5), units = up_to(21);
    fb_id x = fb_input(b, mode == MLI_STREAM ? fb_timed(in)
                                             : fb_matrix(up_to(20), in));
    return finish(b, fb_recurrent(b, types[up_to(3) - 1], x, in, units,
                                  (uint32_t)after, up_to(2) - 1));
}

/* As few in the long run: among many there is a network whose state magnifies
   each rounding, and a state near a half that becomes another byte in double
   precision. */
static void few_recurrent(void)
{
    for (int i = 0; i < 12; i++) {
        check_file(recurrent(MLI_STREAM, i & 1));
        check_file(recurrent(MLI_STEP, i & 1));
    }
}

static void layers(void **state)
{
    (void)state;
    op_seed = 11;
    for (storage = MLI_F16; storage < MLI_STORAGE_COUNT; storage++) {
        each(linear, 6);
        each(conv1d, 6);
        each(conv2d, 4);
        each(groups_of_words, 2);
        few_recurrent();
    }
}

/* ------------------------------------------------------ planar sessions - */

/* Every form that a layer takes there; fused ones as well. */
static fb_image planar_stream(int expand)
{
    fb *b = stored_new(MLI_STREAM);
    if (expand)
        fb_expand(b);
    fb_id x = fb_input(b, fb_timed(1));
    fb_id a = fb_linear(b, x, 1, 20), total = a;
    for (uint32_t i = 1; i < 4; i++) {
        fb_id y = fb_conv(b, a, 20, 20, 3, 5 * i, i == 2 ? 2 : 1, 1, 1);
        y = fb_binary(b, MLI_ADD, y, y, fb_linear(b, x, 1, 20));
        y = fb_unary(b, MLI_TANH, y);
        y = fb_linear(b, y, 20, 20);
        a = fb_binary(b, MLI_ADD, a, a, y);
        total = fb_binary(b, MLI_ADD, total, total, y);
    }
    fb_id two[2] = {a, total};
    a = fb_op(b, MLI_OP_CONCAT, fb_timed(40), 2, two);
    a = fb_conv(b, a, 40, 28, 2, 3, 1, 1, 0);
    a = fb_conv(b, a, 28, 28, 4, 2, 28, 1, 0); /* depthwise: floats */
    a = fb_linear(b, fb_linear(b, a, 28, 37), 37, 3);
    fb_output(b, a);
    fb_output(b, fb_conv(b, x, 1, 1, 30, 2, 1, 1, 0));
    fb_output(b, fb_conv(b, a, 3, 1, 2, 2, 1, 1, 0));
    return fb_finish(b);
}

enum { STREAMED = 300, PLANAR_OUTPUTS = 5 };

static float **stream_played(fb_image image, const char *kernels,
                             uint32_t block, uint32_t outputs)
{
    player p;
    uint32_t seed = 1;
    player_open(&p, image, kernels, 64);
    assert_int_equal(p.info.out_channels, outputs);
    float **in = channels_noise(1, STREAMED);
    float **out = channels_new(outputs, STREAMED);
    player_process(&p, (const float *const *)in, out, STREAMED, block, &seed);
    player_close(&p);
    channels_free(in, 1);
    return out;
}

/* The bits are those of the same file with its weights in floats. */
static void planar(void **state)
{
    static const uint32_t blocks[] = {1, 3, 16, 64, 0};
    const char *kernels;
    (void)state;
    for (storage = MLI_F16; storage <= MLI_INT4; storage++) {
        fb_image small = planar_stream(0), plain = planar_stream(1);
        const mli_file f = mli_file_of(small.bytes),
                       g = mli_file_of(plain.bytes);
        assert_true(mli_is_planar(&f) && mli_is_planar(&g));
        assert_true(small.size < plain.size);
        for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
            float **y = stream_played(plain, kernels, 64, PLANAR_OUTPUTS);
            for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
                float **z =
                    stream_played(small, kernels, blocks[i], PLANAR_OUTPUTS);
                for (uint32_t c = 0; c < PLANAR_OUTPUTS; c++)
                    assert_memory_equal(y[c], z[c], STREAMED * sizeof(float));
                channels_free(z, PLANAR_OUTPUTS);
            }
            channels_free(y, PLANAR_OUTPUTS);
        }
        free(small.bytes);
        free(plain.bytes);
    }
}

/* Any blocks give the same bits: of matrices that each run decodes, and of one
   that is too large for it. */
static void recurrent_cuts(void **state)
{
    static const uint32_t blocks[] = {1, 3, 16, 0};
    const char *kernels;
    (void)state;
    for (storage = MLI_F16; storage <= MLI_BYTES; storage++) {
        fb *b = stored_new(MLI_STREAM);
        fb_id x = fb_input(b, fb_timed(1));
        x = fb_recurrent(b, MLI_OP_LSTM, x, 1, 21, 0, 1);
        x = fb_recurrent(b, MLI_OP_GRU, x, 21, 18, 1, 0);
        x = fb_recurrent(b, MLI_OP_GRU, x, 18, 13, 0, 1);
        x = fb_recurrent(b, MLI_OP_RNN, x, 13, 7, 0, 0);
        fb_output(b, fb_recurrent(b, MLI_OP_LSTM, x, 7, 67, 0, 0));
        fb_image image = fb_finish(b);
        for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
            float **y = stream_played(image, kernels, 64, 67);
            for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
                float **z = stream_played(image, kernels, blocks[i], 67);
                for (uint32_t c = 0; c < 67; c++)
                    assert_memory_equal(y[c], z[c], STREAMED * sizeof(float));
                channels_free(z, 67);
            }
            channels_free(y, 67);
        }
        free(image.bytes);
    }
}

/* -------------------------------------------------------------- verifier - */

static void refused(fb_image image, mli_status expected, uint32_t at)
{
    mli_model model;
    uint32_t index = 0;
    fb_seal(image);
    assert_int_equal(mli_open(&model, image.bytes, image.size, &index),
                     expected);
    assert_int_equal(index, at);
    free(image.bytes);
}

/* A file of one layer; tensor 1 is its matrix, 2 its bias. */
static fb_image layer(mli_storage how, mli_file_tensor **t)
{
    fb *b = fb_new(MLI_STREAM);
    fb_store(b, how);
    fb_output(b, fb_linear(b, fb_input(b, fb_timed(8)), 8, 4));
    fb_image image = fb_finish(b);
    *t = fb_section(image, MLI_SEC_TENSORS);
    return image;
}

static void verifier(void **state)
{
    (void)state;
    mli_file_tensor *t;
    fb_image image;
    image = layer(MLI_INT8, &t);
    refused(image, MLI_OK, 0);
    image = layer(MLI_INT8, &t);
    t[1].storage = MLI_STORAGE_COUNT;
    refused(image, MLI_ERR_TENSOR, 1);
    image = layer(MLI_INT8, &t);
    t[1].dims[0] = 2;
    refused(image, MLI_ERR_TENSOR, 1);
    image = layer(MLI_INT8, &t);
    t[1].rank = 1;
    t[1].dims[1] = 0;
    refused(image, MLI_ERR_TENSOR, 1);
    image = layer(MLI_INT8, &t);
    t[0].storage = MLI_INT8;
    refused(image, MLI_ERR_TENSOR, 0);
    image = layer(MLI_INT8, &t);
    t[1].dims[0] = 8;
    t[1].dims[1] = 4;
    refused(image, MLI_ERR_OP_SHAPE, 0);
    image = layer(MLI_INT8, &t);
    t[1].dims[1] = 1 << 20;
    refused(image, MLI_ERR_TENSOR_REGION, 1);
    image = layer(MLI_INT8, &t);
    t[1].storage = MLI_F32; /* rank 2 */
    t[1].dims[1] = 1;
    refused(image, MLI_ERR_OP_OPERAND, 0);
    image = layer(MLI_F32, &t);
    t[2].storage = MLI_INT8; /* a bias */
    t[2].rank = 2;
    t[2].dims[1] = 1;
    refused(image, MLI_ERR_OP_OPERAND, 0);
}

/* Four bits are for dense layers; depthwise ones have all bits. */
static void convolutions(void **state)
{
    (void)state;
    for (uint32_t groups = 1; groups <= 8; groups += 7) {
        fb *b = fb_new(MLI_STREAM);
        fb_store(b, MLI_INT8);
        fb_output(
            b, fb_conv(b, fb_input(b, fb_timed(8)), 8, 8, 2, 1, groups, 1, 0));
        fb_image image = fb_finish(b);
        mli_file_tensor *t = fb_section(image, MLI_SEC_TENSORS);
        assert_int_equal(t[1].storage, groups == 1 ? MLI_INT8 : MLI_F32);
        if (groups == 1) {
            t[1].storage = MLI_INT4;
            refused(image, MLI_ERR_OP_OPERAND, 0);
            continue;
        }
        t[1].storage = MLI_INT8;
        t[1].rank = 2;
        t[1].dims[0] = 8;
        t[1].dims[1] = 2;
        refused(image, MLI_ERR_OP_SHAPE, 0);
    }
}

/* -------------------------------------------------------------- compiler - */

enum { INPUTS = 48, OUTPUTS = 20, UNITS = 40 };

/* A layer of each kind; weights that the storage has exactly, or any up to
   `rough`. */
static ir_graph *graph(mli_storage how, float rough)
{
    static float w[4 * UNITS * INPUTS], u[4 * UNITS * UNITS], c[OUTPUTS * 2];
    const int most = how == MLI_INT4 ? 8 : how == MLI_INT8 ? 127 : 1000;
    float *all[] = {w, u};
    const size_t count[] = {sizeof w / sizeof *w, sizeof u / sizeof *u};
    ir_graph *g = ir_new(MLI_STREAM);
    uint32_t seed = 3;
    const uint32_t dims[] = {1};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < count[k]; i++) {
            int n = (int)((fb_random(&seed) * (float)(most - 1)));
            if (i % 4 == 0) /* in every row and group the largest */
                n = -most;
            all[k][i] = rough > 0
                            ? rough * fb_random(&seed)
                            : ldexpf((float)n, how == MLI_INT4 ? -6 : -10);
        }
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        c[i] = ldexpf((float)(i % 3) - 1.0f, -2);
    ir_id x = ir_input(g, "x", 1, dims);
    x = ir_linear(g, x, 1, INPUTS, c, NULL);
    ir_id y = ir_linear(g, x, INPUTS, OUTPUTS, w, NULL);
    y = ir_unary(g, MLI_TANH, 0, 0, y);
    y = ir_conv1d(g, y, OUTPUTS, OUTPUTS, 3, 2, 2, 1, w, NULL);
    ir_output(g, "conv", y);
    y = ir_lstm(g, x, INPUTS, UNITS, w, u, NULL, NULL, NULL, NULL);
    y = ir_gru(g, y, UNITS, UNITS, u, u, NULL, NULL, NULL, 0);
    y = ir_gru(g, y, UNITS, UNITS, u, u, NULL, NULL, NULL, 1);
    ir_output(g, "gru",
              ir_rnn(g, y, UNITS, UNITS, u, u, NULL, NULL, NULL, MLI_TANH));
    return g;
}

static mlc_image compiled(mli_storage how, float rough, int weights)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mlc_error error;
    options.weights = weights;
    if (mlc_finish(graph(how, rough), &options, &image, &error))
        fail_msg("%s", error.text);
    return image;
}

static float **played(const mlc_image *image, mli_info *info)
{
    enum { FRAMES = 40 };
    player p;
    uint32_t seed = 1;
    player_open(&p, (fb_image){image->bytes, image->size}, NULL, 16);
    float **in = channels_noise(1, FRAMES);
    float **out = channels_new(p.info.out_channels, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, 0, &seed);
    *info = p.info;
    player_close(&p);
    channels_free(in, 1);
    return out;
}

/* The largest error against the same model in floats, of 40 frames. */
static double largest_error(mli_storage how, float rough, mli_info *info,
                            int *exact)
{
    mlc_image plain = compiled(how, rough, MLC_WEIGHTS_F32);
    mlc_image small = compiled(how, rough, MLC_WEIGHTS_F32 + (int)how);
    mli_info before;
    float **x = played(&plain, &before), **y = played(&small, info);
    double most = 0;
    for (uint32_t c = 0; c < info->out_channels; c++)
        for (uint32_t f = 0; f < 40; f++)
            most = largest(most, fabs((double)x[c][f] - y[c][f]));
    assert_int_equal(before.parameters, info->parameters);
    assert_int_equal(before.macs_per_frame, info->macs_per_frame);
    assert_int_equal(before.stored[how], 0);
    assert_true(info->weight_bytes < before.weight_bytes);
    *exact = strstr(small.report, "and are exact") != NULL;
    channels_free(x, info->out_channels);
    channels_free(y, info->out_channels);
    mlc_image_free(&plain);
    mlc_image_free(&small);
    return most;
}

static void compiler(void **state)
{
    (void)state;
    const double rough[] = {0, 5e-5, 5e-3, 0.1};
    for (mli_storage how = MLI_F16; how <= MLI_INT4; how++) {
        mli_info info;
        int exact;
        double error = largest_error(how, 0.0f, &info, &exact);
        assert_true(exact);
        assert_true(error < 2e-6);
        /* of recurrent layers and convolutions int4 keeps off */
        assert_true(info.stored[how] > (how == MLI_INT4 ? 2000 : 10000));
        assert_true(how != MLI_INT4 || info.stored[MLI_INT8] > 8000);
        error = largest_error(how, 0.1f, &info, &exact);
        print_message("storage %d: largest error %.2g\n", (int)how, error);
        assert_false(exact);
        assert_true(error > 0 && error < rough[how]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),         cmocka_unit_test(planar),
        cmocka_unit_test(recurrent_cuts), cmocka_unit_test(verifier),
        cmocka_unit_test(convolutions),   cmocka_unit_test(compiler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
