/*
 * Streams in which frames come at several rates: groups of frames and frames
 * out of groups, with layers at each rate, against the plain double twin; the
 * same bytes for any cut, tile and kernel build; ports of several rates; and
 * what mli_open refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "file_builder.h"
#include "player.h"
#include "reference.h"
#include "small_files.h"

#define FRAMES 1300u

static uint32_t seed = 5;

/* An encoder and decoder with a skip and an LSTM at the slowest rate. */
static fb_image autoencoder(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2));
    fb_id gain = fb_control(b, fb_vector(1));
    fb_id a = fb_linear(b, fb_flat(b, fb_unfold(b, x, 5, 1, 2, 4)), 10, 6);
    fb_id skip = fb_delay(b, a, 8, 1);
    fb_id e = fb_conv(b, a, 6, 4, 3, 2, 1, 1, 1);
    e = fb_linear(b, fb_flat(b, fb_unfold(b, e, 3, 5, 4, 1)), 12, 8);
    e = fb_recurrent(b, MLI_OP_LSTM, e, 8, 5, 0, 1);
    e = fb_hold(b, e, 3);
    fb_id d = fb_depth_to_time(b, fb_linear(b, e, 5, 24), 4, 4);
    d = fb_binary(b, MLI_ADD, d, d, skip);
    d = fb_binary(b, MLI_MUL, d, d, gain);
    d = fb_conv(b, d, 6, 6, 4, 1, 2, 1, 0);
    d = fb_depth_to_time(b, d, 2, 1);
    fb_output(b, d);
    fb_output(b, x);
    return fb_finish(b);
}

/* Only down: outputs at three rates, one of them over nothing but zeros. */
static fb_image encoder(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(1));
    fb_id a = fb_unfold(b, x, 7, 1, 3, 0);
    fb_id pooled = fb_op(b, MLI_OP_TRANSPOSE, (fb_shape){3, 2, {1, 7}}, 1, &a);
    fb_last(b)->p[0] = 1;
    pooled = fb_op(b, MLI_OP_REDUCE, fb_slow(3, 1), 1, &pooled);
    fb_last(b)->p[0] = MLI_REDUCE_MAX;
    fb_last(b)->p[1] = 1;
    fb_id slow =
        fb_recurrent(b, MLI_OP_GRU,
                     fb_flat(b, fb_unfold(b, pooled, 5, 1, 5, 0)), 5, 3, 1, 1);
    fb_output(b, slow);
    fb_output(b, pooled);
    fb_output(b, fb_flat(b, fb_unfold(b, slow, 1, 1, 24, 0))); /* 360 */
    fb_output(b, fb_flat(b, fb_unfold(b, x, 1, 1, 7, 0)));
    return fb_finish(b);
}

/* Only up: a slow input, and a fast one beside it. */
static fb_image decoder(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id latent = fb_input(b, fb_slow(40, 3));
    fb_id x = fb_input(b, fb_timed(2));
    fb_id a = fb_linear(b, fb_conv(b, latent, 3, 4, 2, 1, 1, 1, 0), 4, 20);
    a = fb_depth_to_time(b, a, 5, 0);
    a = fb_conv(b, a, 4, 8, 3, 1, 1, 1, 0);
    a = fb_depth_to_time(b, fb_depth_to_time(b, fb_linear(b, a, 8, 16), 4, 4),
                         2, 0);
    fb_output(b, fb_binary(b, MLI_MUL, a, x, x));
    return fb_finish(b);
}

/* Inside faster than outside: a frame is six ticks. */
static fb_image oversampled(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_slow(6, 1));
    fb_id a = fb_depth_to_time(b, fb_linear(b, x, 1, 12), 6, 0);
    a = fb_conv(b, a, 2, 4, 9, 1, 1, 1, 0);
    a = fb_unary(b, MLI_TANH, a);
    fb_id y = fb_linear(b, fb_flat(b, fb_unfold(b, a, 11, 1, 6, 0)), 44, 1);
    fb_output(b, y);
    fb_output(b, fb_flat(b, fb_unfold(b, y, 2, 1, 2, 0)));
    return fb_finish(b);
}

static fb_image (*const files[])(void) = {autoencoder, encoder, decoder,
                                          oversampled};
#define FILES (sizeof files / sizeof *files)

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

/* Planar channels of a port as the twin has them; controls are 0.25. */
static double **interleaved(fb_image image, float **in)
{
    const mli_file_header *h = (const void *)image.bytes;
    const mli_file_port *port = fb_section(image, MLI_SEC_PORTS);
    double **v = calloc(h->inputs, sizeof *v);
    for (uint32_t i = 0; i < h->inputs; i++) {
        uint32_t n = port[i].channels;
        v[i] = calloc((size_t)FRAMES * n, sizeof **v);
        for (uint32_t k = 0; k < n * FRAMES; k++)
            v[i][k] =
                port[i].kind == MLI_PORT_CONTROL ? 0.25 : in[k % n][k / n];
        in += port[i].kind == MLI_PORT_CONTROL ? 0 : n;
    }
    return v;
}

static void test_twin(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FILES; i++) {
        fb_image image = files[i]();
        const mli_file_header *h = (const void *)image.bytes;
        const mli_file_port *port =
            (mli_file_port *)fb_section(image, MLI_SEC_PORTS) + h->inputs;
        float **in = channels_noise(8, FRAMES),
              **out = play(image, NULL, 64, 64);
        double **from = interleaved(image, in);
        double **wanted = reference_run(image, FRAMES, from);
        uint32_t channel = 0;
        for (uint32_t o = 0; o < h->outputs; o++) {
            uint32_t n = port[o].channels;
            double most = 0;
            for (uint32_t k = 0; k < n * FRAMES; k++) {
                double y = wanted[o][k];
                most = fmax(most, fabs(y));
                if (!(fabs(out[channel + k % n][k / n] - y) <= 1e-5))
                    fail_msg("file %u, output %u, channel %u, frame %u: %g, "
                             "expected %g",
                             i, o, k % n, k / n,
                             (double)out[channel + k % n][k / n], y);
            }
            assert_true(most > 0.05);
            channel += n;
        }
        reference_free(image, wanted);
        for (uint32_t k = 0; k < h->inputs; k++)
            free(from[k]);
        free(from);
        channels_free(in, 8);
        channels_free(out, channel);
        free(image.bytes);
    }
}

static void test_cuts(void **state)
{
    static const uint32_t blocks[] = {1, 2, 7, 16, 23, 64, 65, 1000, 0, 0};
    const char *kernels;
    (void)state;
    for (uint32_t i = 0; i < FILES; i++) {
        fb_image image = files[i]();
        player p;
        player_open(&p, image, NULL, 64);
        uint32_t channels = p.info.out_channels;
        player_close(&p);
        for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
            float **whole = play(image, kernels, 64, FRAMES);
            for (uint32_t tile = 16; tile <= 64; tile *= 2)
                for (uint32_t n = 0; n < sizeof blocks / 4; n++) {
                    float **out = play(image, kernels, tile, blocks[n]);
                    for (uint32_t c = 0; c < channels; c++)
                        assert_memory_equal(out[c], whole[c],
                                            FRAMES * sizeof(float));
                    channels_free(out, channels);
                }
            channels_free(whole, channels);
        }
        free(image.bytes);
    }
}

/* After a reset, in the middle of a period, all begins anew. */
static void test_reset(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FILES; i++) {
        fb_image image = files[i]();
        player p;
        player_open(&p, image, NULL, 16);
        uint32_t n = p.info.out_channels;
        float **in = channels_noise(p.info.in_channels, FRAMES);
        float **first = channels_new(n, FRAMES);
        float **again = channels_new(n, FRAMES);
        player_process(&p, (const float *const *)in, first, FRAMES - 9, 0,
                       &seed);
        mli_reset(p.session);
        player_process(&p, (const float *const *)in, again, FRAMES - 9, 0,
                       &seed);
        for (uint32_t c = 0; c < n; c++)
            assert_memory_equal(again[c], first[c], FRAMES * sizeof(float));
        channels_free(in, p.info.in_channels);
        channels_free(first, n);
        channels_free(again, n);
        player_close(&p);
        free(image.bytes);
    }
}

/* mli_run is one frame of mli_process, its channels side by side. */
static void test_run(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FILES; i++) {
        fb_image image = files[i]();
        float **wanted = play(image, NULL, 16, 16),
              **in = channels_noise(8, FRAMES);
        player p;
        player_open(&p, image, NULL, 16);
        for (uint32_t f = 0; f < 400; f++) {
            float a[8], b[8], y[4][8];
            const float *from[2] = {a, b};
            float *to[4] = {y[0], y[1], f % 3 == 0 ? NULL : y[2], y[3]};
            uint32_t split = 8, channel = 0;
            mli_port port;
            mli_get_input(&p.model, 0, &port);
            split = port.channels;
            for (uint32_t c = 0; c < 8 - split; c++)
                b[c] = in[split + c][f];
            for (uint32_t c = 0; c < split; c++)
                a[c] = in[c][f];
            mli_run(p.session, from, to);
            for (uint32_t o = 0; o < p.info.outputs; o++) {
                mli_get_output(&p.model, o, &port);
                for (uint32_t c = 0; c < port.channels; c++, channel++)
                    if (to[o] != NULL)
                        assert_memory_equal(&y[o][c], &wanted[channel][f], 4);
            }
        }
        channels_free(wanted, p.info.out_channels);
        channels_free(in, 8);
        player_close(&p);
        free(image.bytes);
    }
}

static void test_ports(void **state)
{
    static const uint32_t periods[] = {15, 3, 360, 7};
    (void)state;
    fb_image image = encoder();
    mli_model model;
    mli_port port;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_input(&model, 0, &port);
    assert_int_equal(port.period, 1);
    for (uint32_t i = 0; i < 4; i++) {
        mli_get_output(&model, i, &port);
        assert_int_equal(port.period, periods[i]);
    }
    free(image.bytes);
    image = oversampled();
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_output(&model, 0, &port);
    assert_int_equal(port.period, 1);
    mli_get_output(&model, 1, &port);
    assert_int_equal(port.period, 2);
    free(image.bytes);
}

/* ------------------------------------------------------------- refused ---- */

static mli_file_tensor *made_by(fb_image image, uint32_t op)
{
    const mli_file_header *h = (const void *)image.bytes;
    uint32_t n = h->section[MLI_SEC_TENSORS].bytes / sizeof(mli_file_tensor);
    uint32_t ops = h->section[MLI_SEC_OPS].bytes / sizeof(mli_file_op);
    return (mli_file_tensor *)fb_section(image, MLI_SEC_TENSORS) + n - ops + op;
}

static mli_file_op *op_at(fb_image image, uint32_t i)
{
    return (mli_file_op *)fb_section(image, MLI_SEC_OPS) + i;
}

static uint32_t *operand(fb_image image, uint32_t op, uint32_t i)
{
    return (uint32_t *)fb_section(image, MLI_SEC_OPERANDS) +
           op_at(image, op)->operand + i;
}

static void refused(fb_image image, mli_status status, const char *what)
{
    mli_model model;
    uint32_t at = 0;
    fb_seal(image);
    mli_status got = mli_open(&model, image.bytes, image.size, &at);
    if (got != status)
        fail_msg("%s: %d (%s) at %u, expected %d", what, got,
                 mli_status_text(got), at, status);
    free(image.bytes);
}

#define CASE(status, change)                                                   \
    do {                                                                       \
        fb_image i = autoencoder();                                            \
        change;                                                                \
        refused(i, status, #change);                                           \
    } while (0)

/* Operators of the autoencoder. */
enum {
    UNFOLD,
    FLAT,
    LAYER,
    SKIP,
    CONV,
    UNFOLD2,
    FLAT2,
    LAYER2,
    GATES,
    LSTM,
    HELD,
    WIDE,
    GROUPS,
    FASTER,
    SUM,
    GAIN,
    CONV2,
    GROUPS2,
    LAST
};

static void test_refused(void **state)
{
    (void)state;
    CASE(MLI_OK, (void)i);
    /* periods of tensors */
    CASE(MLI_ERR_TENSOR, made_by(i, CONV)->period = 0);
    CASE(MLI_ERR_TENSOR, made_by(i, CONV)->period = MLI_MAX_PERIOD + 1);
    CASE(MLI_ERR_TENSOR, made_by(i, CONV)->period = 1048573); /* a prime */
    CASE(MLI_ERR_TENSOR, made_by(i, 0)[-1].period = 1);       /* a constant */
    CASE(MLI_ERR_TENSOR, made_by(i, CONV)->flags = 0);
    /* periods that do not follow */
    CASE(MLI_ERR_OP_SHAPE, made_by(i, CONV)->period = 4);
    CASE(MLI_ERR_OP_SHAPE, made_by(i, UNFOLD)->period = 4);
    CASE(MLI_ERR_OP_OPERAND, *operand(i, SUM, 1) = *operand(i, LAYER2, 3));
    CASE(MLI_ERR_OP_OPERAND, made_by(i, FASTER)->period = 4);
    CASE(MLI_ERR_OP_SHAPE, made_by(i, LAST)->period = 2);
    /* parameters */
    CASE(MLI_ERR_OP_PARAMETER, op_at(i, UNFOLD)->p[0] = 0);
    CASE(MLI_ERR_OP_PARAMETER, op_at(i, UNFOLD)->p[1] = 0);
    CASE(MLI_ERR_OP_PARAMETER, op_at(i, UNFOLD)->p[2] = 0);
    CASE(MLI_ERR_OP_PARAMETER, op_at(i, UNFOLD)->p[1] = 1u << 30);
    CASE(MLI_ERR_OP_SHAPE, op_at(i, UNFOLD)->p[2] = 3);
    CASE(MLI_ERR_OP_SHAPE, op_at(i, UNFOLD)->p[0] = 4);
    CASE(MLI_ERR_OP_UNUSED, op_at(i, UNFOLD)->p[3] = 1);
    CASE(MLI_ERR_OP_STATE, op_at(i, UNFOLD)->p[1] = 2);
    CASE(MLI_ERR_OP_PARAMETER, op_at(i, FASTER)->p[0] = 1);
    CASE(MLI_ERR_OP_SHAPE, op_at(i, FASTER)->p[0] = 2);
    CASE(MLI_ERR_OP_UNUSED, op_at(i, FASTER)->p[1] = 1);
}

/* Ports whose periods have no frame in common; too many ticks in a frame. */
static void test_refused_ports(void **state)
{
    (void)state;
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_slow(2, 1));
    fb_input(b, fb_slow(3, 1));
    fb_output(b, x);
    refused(fb_finish(b), MLI_ERR_PORT, "periods 2 and 3");
    b = fb_new(MLI_STREAM);
    x = fb_input(b, fb_slow(18, 1));
    fb_output(b, x);
    refused(fb_finish(b), MLI_ERR_PORT, "18 ticks a frame");
    b = fb_new(MLI_WINDOW);
    fb_window(b, 4, 4);
    x = fb_input(b, fb_matrix(4, 1));
    fb_output(b, fb_op(b, MLI_OP_UNFOLD, (fb_shape){0, 3, {1, 4, 1}}, 1, &x));
    fb_last(b)->p[0] = fb_last(b)->p[1] = fb_last(b)->p[2] = 1;
    refused(fb_finish(b), MLI_ERR_OP_OPERAND, "a window's frames");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin),          cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_reset),         cmocka_unit_test(test_run),
        cmocka_unit_test(test_ports),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
