/*
 * test_integers.c - what the compiler makes of layers that are to compute in
 * integers: the model's answers are those that plain integers give, on every
 * kernel build and however the frames are cut; what is too small stays.
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
#include "passes/passes.h"
#include "player.h"

enum {
    FRAMES = 200,
    CHANNELS = 10,
    MIDDLE = 8,
    OUTPUTS = 12,
    TAPS = 3,
    GAP = 2
};

static float w1[MIDDLE * CHANNELS * TAPS], b1[MIDDLE];
static float w2[OUTPUTS * MIDDLE], noise[64 * 64];
/* What the layers read, as the test tells it: the second reaches further. */
static const mlc_range told[] = {{-1.f, 0.9f}, {-2.f, 2.5f}};
static uint32_t asked;

static void fill(float *to, size_t n, float scale, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        to[i] = scale * fb_random(&seed);
}

static mlc_status tell(void *user, const mlc_image *watched, mlc_range *ranges,
                       uint32_t count, mlc_error *error)
{
    mli_model model;
    mli_info info;
    const mlc_range *from = user;
    (void)error;
    asked = count;
    assert_int_equal(mli_open(&model, watched->bytes, watched->size, NULL),
                     MLI_OK);
    mli_get_info(&model, &info);
    assert_true(info.outputs > count);
    for (uint32_t i = 0; i < count; i++)
        ranges[i] = from[i];
    return MLC_OK;
}

/* A convolution and a dense layer. */
static ir_graph *stack(void)
{
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, (uint32_t[]){CHANNELS});
    fill(w1, sizeof w1 / sizeof *w1, 0.4f, 1);
    fill(b1, MIDDLE, 0.2f, 2);
    fill(w2, sizeof w2 / sizeof *w2, 0.5f, 3);
    x = ir_conv1d(g, x, CHANNELS, MIDDLE, TAPS, GAP, 1, 1, w1, b1);
    x = ir_linear(g, x, MIDDLE, OUTPUTS, w2, NULL);
    ir_output(g, "y", x);
    return g;
}

static mlc_image compiled(ir_graph *g, mlc_options *options)
{
    mlc_image image;
    mlc_error error;
    if (mlc_finish(g, options, &image, &error) != MLC_OK)
        fail_msg("%s", error.text);
    return image;
}

/* ----------------------------------------- the same in plain integers ---- */

typedef struct code {
    float factor;
    int zero;
} code;

static code code_of(mlc_range r)
{
    double factor = 254.0 / ((double)r.high - r.low);
    return (code){(float)factor, (int)nearbyint(-127.0 - r.low * factor)};
}

static int byte_of(float x, code c)
{
    double q = nearbyint((double)(x * c.factor) + c.zero);
    return q > 127 ? 127 : q < -127 ? -127 : (int)q;
}

/* Row o of a layer: n weights `step` apart; x: their inputs' bytes. */
static double row_of(const float *w, size_t n, const int *x, code c)
{
    float most = 0;
    double sum = 0, scale;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(w[i]));
    scale = most / 127.0;
    for (size_t i = 0; i < n; i++)
        sum += nearbyint(w[i] / scale) * (x[i] - c.zero);
    return sum * scale / c.factor;
}

static void expected(float *const *in, uint32_t f, double y[OUTPUTS])
{
    int bytes[CHANNELS * TAPS], middle[MIDDLE];
    const code c1 = code_of(told[0]), c2 = code_of(told[1]);
    for (uint32_t i = 0; i < CHANNELS; i++)
        for (uint32_t k = 0; k < TAPS; k++) {
            int64_t t = (int64_t)f - (TAPS - 1 - k) * GAP;
            bytes[i * TAPS + k] = t < 0 ? c1.zero : byte_of(in[i][t], c1);
        }
    for (uint32_t o = 0; o < MIDDLE; o++) {
        double sum = b1[o] + row_of(w1 + o * CHANNELS * TAPS, CHANNELS * TAPS,
                                    bytes, c1);
        middle[o] = byte_of((float)sum, c2);
    }
    for (uint32_t o = 0; o < OUTPUTS; o++)
        y[o] = row_of(w2 + o * MIDDLE, MIDDLE, middle, c2);
}

/* A byte more or less of one of the second layer's inputs. */
static double most_apart(void)
{
    double most = 0;
    for (size_t i = 0; i < OUTPUTS * MIDDLE; i++)
        most = fmax(most, fabs(w2[i]));
    return most / code_of(told[1]).factor;
}

/* first: the answers in other blocks, whose bits these have; NULL: none yet. */
static float **check_answers(const mlc_image *image, const char *kernels,
                             uint32_t block, float **first)
{
    player p;
    uint32_t seed = 5, near = 0;
    double y[OUTPUTS];
    player_open(&p, (fb_image){image->bytes, image->size}, kernels, 64);
    float **in = channels_noise(CHANNELS, FRAMES);
    float **out = channels_new(OUTPUTS, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, block, &seed);
    for (uint32_t f = 0; f < FRAMES; f++) {
        expected(in, f, y);
        for (uint32_t o = 0; o < OUTPUTS; o++) {
            double off = fabs(out[o][f] - y[o]);
            near += off < 1e-5;
            if (!(off <= 1.01 * most_apart() + 1e-5))
                fail_msg("%s, block %u: frame %u output %u: %g, expected %g",
                         kernels, block, f, o, out[o][f], y[o]);
        }
    }
    /* a sum that lies at a half may become the next byte: hardly ever */
    assert_true(near > FRAMES * OUTPUTS * 99 / 100);
    for (uint32_t o = 0; first && o < OUTPUTS; o++)
        assert_memory_equal(first[o], out[o], FRAMES * sizeof(float));
    channels_free(in, CHANNELS);
    player_close(&p);
    if (!first)
        return out;
    channels_free(out, OUTPUTS);
    return first;
}

static void answers(void **state)
{
    static const uint32_t blocks[] = {1, 7, 64, 0};
    const char *kernels;
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mli_model model;
    mli_info info;
    (void)state;
    options.calibrate = tell;
    options.everywhere = 1;
    options.calibrate_user = (void *)(uintptr_t)told;
    image = compiled(stack(), &options);
    assert_int_equal(asked, 2);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_int_equal(info.stored[MLI_BYTES],
                     MIDDLE * 12 * TAPS + OUTPUTS * MIDDLE); /* filled up */
    assert_int_equal(info.stored[MLI_F32], 0);
    assert_int_equal(info.macs_per_frame,
                     MIDDLE * CHANNELS * TAPS + OUTPUTS * MIDDLE);
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
        float **first = NULL;
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
            first = check_answers(&image, kernels, blocks[i], first);
        channels_free(first, OUTPUTS);
    }
    mlc_image_free(&image);
}

/* ------------------------------------------------------- which layers ---- */

static uint64_t bytes_of(ir_graph *g, mlc_options *options, uint64_t *floats)
{
    mlc_image image = compiled(g, options);
    mli_model model;
    mli_info info;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    mlc_image_free(&image);
    *floats = info.stored[MLI_F32];
    return info.stored[MLI_BYTES];
}

static void choice(void **state)
{
    static const uint8_t keep[] = {1, 0};
    const mlc_range unknown[] = {{0.f, 0.f}, {-1.f, 1.f}};
    mlc_options options = MLC_OPTIONS_DEFAULT;
    uint32_t layers = 0;
    uint64_t floats;
    (void)state;
    options.calibrate = tell;
    options.everywhere = 1;
    options.calibrate_user = (void *)(uintptr_t)told;
    options.layers = &layers;
    options.floats = keep;
    options.floats_count = 2;
    assert_int_equal(bytes_of(stack(), &options, &floats), OUTPUTS * MIDDLE);
    assert_int_equal(layers, 2);
    assert_int_equal(floats, MIDDLE * CHANNELS * TAPS);
    options.floats_count = 0;
    options.calibrate_user = (void *)(uintptr_t)unknown;
    assert_int_equal(bytes_of(stack(), &options, &floats), OUTPUTS * MIDDLE);
    assert_int_equal(layers, 1);
}

/* Of many outputs, but few inputs; depthwise; of one output. */
static void small_layers(void **state)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    const mlc_range wide[] = {{-9.f, 9.f}, {-9.f, 9.f}};
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, (uint32_t[]){3});
    uint64_t floats;
    (void)state;
    fill(noise, sizeof noise / sizeof *noise, 0.5f, 9);
    options.calibrate = tell;
    options.everywhere = 1;
    options.calibrate_user = (void *)(uintptr_t)wide;
    x = ir_linear(g, x, 3, 20, noise, NULL);
    x = ir_conv1d(g, x, 20, 20, 3, 1, 20, 1, noise, NULL);
    x = ir_unary(g, MLI_TANH, 0.f, 0.f, x);
    ir_output(g, "y", ir_linear(g, x, 20, 1, noise, NULL));
    assert_int_equal(bytes_of(g, &options, &floats), 0);
    assert_true(floats > 0);
}

/* ------------------------------------------------ four in 16 bits -------- */

enum {
    WIDE = 70, /* inputs: 17 words and a half */
    TALL = 20, /* outputs: a panel, and a quad */
};

/* The most that four weights of a row's first words come to which the same byte
   of their inputs multiplies; *top: the largest weight. */
static int four_in_a_row(const int8_t *w, uint32_t o, int *top)
{
    int most = 0;
    for (uint32_t i = 0; i + 16 <= (WIDE + 3) / 4 * 4;
         i += i % 4 == 3 ? 13 : 1) {
        int sum = 0;
        for (uint32_t k = i; k < i + 16; k += 4) {
            int byte = abs(w[mli_bytes_index(TALL, 1, WIDE, o, 0, k)]);
            sum += byte;
            *top = byte > *top ? byte : *top;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* The bytes of a dense layer with these weights. */
static const int8_t *bytes_of_layer(ir_graph *g, const float *w)
{
    const mlc_range range = {-1.f, 1.f};
    ir_id *values, x = ir_input(g, "x", 1, (uint32_t[]){WIDE});
    const int8_t *bytes = NULL;
    ir_output(g, "y", ir_linear(g, x, WIDE, TALL, w, NULL));
    assert_int_equal(ir_find_readings(g, &values), 1);
    assert_int_equal(ir_use_integers(g, values, &range, 1, NULL, 0, 1), 1);
    for (uint32_t v = 0; v < g->value_count; v++)
        if (g->values[v].storage == MLI_BYTES)
            bytes = (const int8_t *)(const void *)g->values[v].data;
    assert_non_null(bytes);
    free(values);
    return bytes;
}

/* Room for four in 16 bits, and almost all of it taken: in weights of any size,
   in such that are as large, but not where four of them stand out, nor in rows
   of no whole panel, which lose nothing. */
static void fours(void **state)
{
    static float w[TALL * WIDE];
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        ir_graph *g = ir_new(MLI_STREAM);
        fill(w, TALL * WIDE, kind == 2 ? 0.005f : 0.5f, 11);
        for (uint32_t i = 0; i < TALL * WIDE; i++)
            if (kind == 1 || (kind == 2 && i % WIDE < 16 && i % WIDE % 4 == 1))
                w[i] = w[i] < 0 ? -0.5f : 0.5f;
        const int8_t *bytes = bytes_of_layer(g, w);
        for (uint32_t o = 0; o < TALL; o++) {
            int top = 0, most = four_in_a_row(bytes, o, &top);
            if (kind == 2)
                assert_int_equal(most, 4 * 127);
            else if (o >= TALL / MLI_PANEL * MLI_PANEL)
                assert_int_equal(top, 127);
            else
                assert_in_range(most, top == 127 ? 1 : 250, 258);
        }
        ir_free(g);
    }
}

/* -------------------------------------------------------- recurrent ------ */

static float **played(ir_graph *g, mlc_options *options, uint64_t *bytes)
{
    mlc_image image = compiled(g, options);
    player p;
    uint32_t seed = 1;
    player_open(&p, (fb_image){image.bytes, image.size}, NULL, 64);
    float **in = channels_noise(6, FRAMES), **out = channels_new(12, FRAMES);
    *bytes = p.info.stored[MLI_BYTES];
    player_process(&p, (const float *const *)in, out, FRAMES, 0, &seed);
    player_close(&p);
    channels_free(in, 6);
    mlc_image_free(&image);
    return out;
}

static ir_graph *recurrent(mli_op_type type, int before)
{
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, (uint32_t[]){6});
    ir_cell cell = {.inputs = 6, .units = 12, .fn = MLI_TANH};
    fill(noise, sizeof noise / sizeof *noise, 0.4f, 7);
    cell.w_ih = noise;
    cell.w_hh = noise + 1000;
    cell.b_ih = noise + 3000;
    cell.b_hh = noise + 3100;
    cell.reset_before_product = before;
    ir_output(g, "y", ir_recurrent(g, type, x, &cell));
    return g;
}

/* Near to floats: each byte is, and the layers forget. */
static void recurrent_layers(void **state)
{
    static const mli_op_type types[] = {MLI_OP_LSTM, MLI_OP_GRU, MLI_OP_RNN};
    const mlc_range reached[] = {{-1.f, 1.f}, {-1.f, 1.f}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        mlc_options options = MLC_OPTIONS_DEFAULT;
        mli_op_type type = types[i % 3];
        double most = 0;
        uint64_t bytes;
        float **x = played(recurrent(type, i > 2), &options, &bytes);
        assert_int_equal(bytes, 0);
        options.calibrate = tell;
        options.everywhere = 1;
        options.calibrate_user = (void *)(uintptr_t)reached;
        float **y = played(recurrent(type, i > 2), &options, &bytes);
        uint32_t gates = type == MLI_OP_LSTM ? 4 : type == MLI_OP_GRU ? 3 : 1;
        assert_int_equal(bytes, gates * 12 * (8 + 12));
        for (uint32_t c = 0; c < 12; c++)
            for (uint32_t f = 0; f < FRAMES; f++)
                most = largest(most, fabs((double)x[c][f] - y[c][f]));
        print_message("operator %d: largest error %.2g\n", (int)type, most);
        assert_true(most > 1e-6 && most < 0.03);
        channels_free(x, 12);
        channels_free(y, 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),          cmocka_unit_test(choice),
        cmocka_unit_test(small_layers),     cmocka_unit_test(fours),
        cmocka_unit_test(recurrent_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
