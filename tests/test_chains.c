/*
 * Random graphs of convolutions along time, dense layers, sums, functions and
 * delays, as sessions with planes run them: with the operators fused that may
 * be, whatever the order, the sizes and the places in the arena. Against double
 * precision, and cut in every way, on every kernel build.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "file_builder.h"
#include "largest.h"
#include "mlinfer.h"
#include "player.h"
#include "reference.h"
#include "weights.h"

#define FRAMES  300u
#define MOST    128  /* tensors of a graph */
#define CLOSE   2e-4 /* of the largest number and 1 */
#define MOVES   40
#define SHORT   150u  /* graphs */
#define LONG    5000u /* with MLI_LONG */
#define PICK(a) ((a)[below((uint32_t)(sizeof(a) / sizeof *(a)))])

static uint32_t dice, number; /* of the graph in hand */

static uint32_t below(uint32_t n)
{
    dice = dice * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(dice >> 8) * n) >> 24);
}

/* --------------------------------------------------------------- graphs --- */

typedef struct made {
    fb_id id;
    uint32_t n;
    int needed; /* what comes may read it */
    int place;
} made;

static fb *b;
static made t[MOST];
static int tensors;
/* A place in the arena: the tensor that it was made for, and its last one. */
static struct {
    int first, last;
} place[MOST];
static int places;

/* The next tensor, in a place of its own or, often, in one that is free. */
static int add_tensor(fb_id id, uint32_t n, int own)
{
    int at = MOST;
    for (int i = 0; !own && i < places; i++)
        if (t[place[i].first].n >= n && !t[place[i].last].needed && below(2))
            at = i;
    if (at == MOST) {
        at = places++;
        place[at].first = tensors;
    } else {
        fb_over(b, id, t[place[at].first].id);
    }
    place[at].last = tensors;
    t[tensors] = (made){id, n, 1, at};
    return tensors++;
}

/* A tensor of n channels, of any if n is 0; mostly the last. -1: none. */
static int some(uint32_t n)
{
    int found[MOST], count = 0;
    for (int i = 0; i < tensors; i++)
        if (t[i].needed && (n == 0 || t[i].n == n))
            found[count++] = i;
    if (count == 0)
        return -1;
    return found[below(2) ? (uint32_t)count - 1 : below((uint32_t)count)];
}

static uint32_t channels(void)
{
    static const uint32_t sizes[] = {1, 1,  2,  3,  4,  5,  7,  8,  8,
                                     8, 12, 16, 16, 17, 24, 32, 33, 40};
    return PICK(sizes);
}

static void perhaps_function(void)
{
    static const mli_unary functions[] = {MLI_TANH, MLI_RELU, MLI_SIGMOID};
    if (below(8) == 0)
        fb_last(b)->fn = (uint16_t)PICK(functions);
}

static int dense(int x, uint32_t n)
{
    static const mli_storage kinds[] = {MLI_F16, MLI_INT8, MLI_INT4};
    if (below(6) == 0)
        fb_store(b, PICK(kinds));
    fb_id id = fb_linear(b, t[x].id, t[x].n, n);
    fb_store(b, MLI_F32);
    perhaps_function();
    return add_tensor(id, n, 0);
}

/* Without bias, in floats. */
static int product(int x, uint32_t n)
{
    uint32_t size = (uint32_t)mli_packed_size(n, 1, t[x].n);
    fb_id in[2] = {t[x].id, fb_const(b, fb_vector(size), NULL, 0.6f)};
    fb_id id = fb_op(b, MLI_OP_LINEAR, fb_timed(n), 2, in);
    fb_last(b)->p[0] = t[x].n;
    fb_last(b)->p[1] = n;
    return add_tensor(id, n, 0);
}

static int conv(int x, uint32_t n)
{
    static const uint32_t kernels[] = {1, 2, 3, 3, 5, 9};
    static const uint32_t dilations[] = {1, 1, 2, 7, 16, 17, 31, 61, 64, 100};
    static const mli_storage kinds[] = {MLI_F16, MLI_INT8};
    const uint32_t taps = PICK(kernels), dilation = PICK(dilations);
    const uint32_t inits[] = {0, 0, 1, (taps - 1) * dilation};
    uint32_t groups = below(4) == 0 ? below(2) ? t[x].n : 2 : 1;
    if (t[x].n % groups != 0 || n % groups != 0)
        groups = 1;
    if (below(6) == 0)
        fb_store(b, PICK(kinds));
    fb_id id =
        fb_conv(b, t[x].id, t[x].n, n, taps, dilation, groups, 1, PICK(inits));
    fb_store(b, MLI_F32);
    perhaps_function();
    return add_tensor(id, n, 0);
}

/* x op y, either way; in x's place where that may be. */
static int join(int x, int y, int in_place)
{
    const mli_binary f = below(8) ? MLI_ADD : MLI_MUL;
    const int wide = t[x].n >= t[y].n ? x : y;
    fb_id id = below(2) ? fb_binary(b, f, t[x].id, t[wide].id, t[y].id)
                        : fb_binary(b, f, t[y].id, t[wide].id, t[x].id);
    if (in_place && wide == x)
        t[x].needed = 0;
    return add_tensor(id, t[wide].n, 0);
}

static int function(int x)
{
    static const mli_unary functions[] = {MLI_TANH, MLI_RELU, MLI_SIGMOID,
                                          MLI_LEAKY_RELU, MLI_HARD_TANH};
    fb_id id = fb_unary(b, PICK(functions), t[x].id);
    fb_last(b)->fp = fb_last(b)->fn == MLI_HARD_TANH ? -0.7f : 0.1f;
    fb_last(b)->fq = 0.9f;
    t[x].needed = below(4) == 0;
    return add_tensor(id, t[x].n, 0);
}

static void other_operator(void)
{
    static const uint32_t frames[] = {1, 15, 16, 17, 64, 90};
    int x = some(0), y = some(0);
    fb_id in[2] = {t[x].id, t[y].id};
    switch (below(10)) {
    case 0:
        add_tensor(fb_delay(b, in[0], PICK(frames), 0), t[x].n, 0);
        break;
    case 1:
        add_tensor(fb_hold(b, in[0], PICK(frames)), t[x].n, 0);
        break;
    case 2:
        add_tensor(fb_op(b, MLI_OP_CONCAT, fb_timed(t[x].n + t[y].n), 2, in),
                   t[x].n + t[y].n, 0);
        break;
    case 3:
        in[0] = fb_op(b, MLI_OP_SLICE, fb_timed(1), 1, in);
        fb_last(b)->p[1] = below(t[x].n);
        fb_last(b)->p[2] = 1;
        add_tensor(in[0], 1, 0);
        break;
    default:
        break;
    }
}

/* As a WaveNet has it, more or less. total: the sum over layers, or -1. */
static void add_to_total(int *total, int y)
{
    if (*total >= 0 && t[*total].needed && t[*total].n == t[y].n && below(3))
        *total = join(*total, y, 1);
    else if (below(2))
        *total = y;
}

static void layer(int *total)
{
    const int x = some(0), one = some(1);
    int y = conv(x, below(2) ? t[x].n : channels());
    if (one >= 0 && below(3))
        y = join(y, (below(2) ? dense : product)(one, t[y].n), 1);
    if (t[y].n == t[x].n && below(3) == 0)
        y = join(y, x, 1);
    if (below(4))
        y = function(y);
    add_to_total(total, y);
    int z = (below(4) ? dense : conv)(y, below(3) ? t[x].n : channels());
    if (below(2))
        add_to_total(total, y);
    if (t[z].n == t[x].n && below(4)) {
        z = join(z, x, below(2) == 0);
        t[x].needed = below(4) == 0;
        if (below(4))
            y = conv(z, t[z].n);
        if (below(3))
            join(below(3) ? y : dense(z, t[z].n), z, t[y].n == t[z].n);
    }
    other_operator();
    for (int i = 0; i + 2 < tensors; i++)
        t[i].needed &= i == *total || below(5) != 0;
}

static fb_image graph(void)
{
    int total = -1, outputs = 0;
    tensors = places = 0;
    b = fb_new(MLI_STREAM);
    for (uint32_t i = below(2) + 1; i != 0; i--) {
        uint32_t n = below(2) ? 1 : channels();
        add_tensor(fb_input(b, fb_timed(n)), n, 1);
    }
    for (uint32_t i = below(5) + 1; i != 0; i--)
        layer(&total);
    for (int i = tensors - 1; i >= 0 && outputs < 3; i--)
        if (t[i].needed && (outputs == 0 || below(2))) {
            fb_output(b, t[i].id);
            outputs++;
        }
    return fb_finish(b);
}

static int opens(fb_image image)
{
    mli_model model;
    return mli_open(&model, image.bytes, image.size, NULL) == MLI_OK;
}

/* Other offsets in the arena, any that the file may have. */
static void move_tensors(fb_image image)
{
    const mli_file_header *h = (const mli_file_header *)image.bytes;
    mli_file_tensor *of = fb_section(image, MLI_SEC_TENSORS);
    const uint32_t n = h->section[MLI_SEC_TENSORS].bytes / (uint32_t)sizeof *of;
    for (int i = 0; i < MOVES; i++) {
        mli_file_tensor *one = of + below(n);
        const uint32_t old = one->offset;
        if (one->region != MLI_ARENA)
            continue;
        one->offset =
            below(2) ? of[below(n)].offset : below((uint32_t)h->arena + 1);
        fb_seal(image);
        if (!opens(image))
            one->offset = old;
    }
    fb_seal(image);
}

/* --------------------------------------------------------------- checks --- */

static float **play(fb_image image, const char *kernels, float *const *in,
                    uint32_t tile, uint32_t block)
{
    player p;
    player_open(&p, image, kernels, tile);
    float **out = channels_new(p.info.out_channels, FRAMES);
    player_process(&p, (const float *const *)in, out, FRAMES, block, &dice);
    player_close(&p);
    return out;
}

/* One output port against double precision. */
static void check_port(float *const *out, uint32_t n, const double *expected,
                       const char *kernels)
{
    double most = 1, worst = 0;
    for (uint32_t f = 0; f < FRAMES; f++)
        for (uint32_t c = 0; c < n; c++) {
            const double e = expected[f * n + c], off = fabs(e - out[c][f]);
            most = fmax(most, fabs(e));
            worst = largest(worst, off);
        }
    if (!(worst <= CLOSE * most))
        fail_msg("graph %u on %s: off by %g of %g", number, kernels, worst,
                 most);
}

static double **expected_of(fb_image image, const mli_model *model,
                            const mli_info *info, float *const *in)
{
    double *inputs[2] = {NULL, NULL};
    for (uint32_t i = 0, at = 0; i < info->inputs; i++) {
        mli_port port;
        mli_get_input(model, i, &port);
        const uint32_t n = port.channels;
        inputs[i] = calloc((size_t)FRAMES * n, sizeof(double));
        assert_non_null(inputs[i]);
        for (uint32_t k = 0; k < FRAMES * n; k++)
            inputs[i][k] = in[at + k % n][k / n];
        at += n;
    }
    double **expected = reference_run(image, FRAMES, inputs);
    free(inputs[0]);
    free(inputs[1]);
    return expected;
}

/* On one build: the whole against double precision, parts against the whole. */
static void check_build(fb_image image, const mli_model *model,
                        const mli_info *info, float *const *in,
                        double *const *expected, const char *kernels)
{
    static const uint32_t tiles[] = {16, 32, 64}, blocks[] = {0, 1, 7, 16, 64};
    float **whole = play(image, kernels, in, 64, FRAMES);
    for (uint32_t i = 0, at = 0; i < info->outputs; i++) {
        mli_port port;
        mli_get_output(model, i, &port);
        check_port(whole + at, port.channels, expected[i], kernels);
        at += port.channels;
    }
    for (int i = 0; i < 3; i++) {
        const uint32_t block = PICK(blocks);
        float **out = play(image, kernels, in, tiles[i], block);
        for (uint32_t c = 0; c < info->out_channels; c++)
            if (memcmp(out[c], whole[c], FRAMES * sizeof(float)) != 0)
                fail_msg("graph %u on %s: other bits at tile %u, block %u",
                         number, kernels, tiles[i], block);
        channels_free(out, info->out_channels);
    }
    channels_free(whole, info->out_channels);
}

/* How many operators run in steps of others. */
static uint32_t check(fb_image image)
{
    mli_model model;
    mli_info info;
    const char *kernels;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    float **in = channels_noise(info.in_channels, FRAMES);
    double **expected = expected_of(image, &model, &info, in);
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++)
        check_build(image, &model, &info, in, expected, kernels);
    reference_free(image, expected);
    channels_free(in, info.in_channels);
    return info.ops - info.steps;
}

static void test_graphs(void **state)
{
    const uint32_t count = getenv("MLI_LONG") != NULL ? LONG : SHORT;
    uint32_t fused = 0, opened = 0;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        dice = i * 7919u + 13;
        fb_image image = graph();
        if (opens(image)) {
            number = i;
            fused += check(image);
            move_tensors(image);
            check(image);
            opened++;
        }
        free(image.bytes);
    }
    assert_true(opened > count / 2);
    assert_true(fused > 2 * opened);
}

static fb_id leaky(fb_id x, float slope)
{
    fb_id y = fb_conv(b, x, 4, 4, 2, 1, 1, 1, 0);
    fb_last(b)->fn = MLI_LEAKY_RELU;
    fb_last(b)->fp = slope;
    return y;
}

/* Layers whose functions differ in the sign of a zero alone are not alike. */
static void test_zeros(void **state)
{
    const char *kernels;
    (void)state;
    b = fb_new(MLI_STREAM);
    const fb_id y = leaky(fb_input(b, fb_timed(4)), 0.0f);
    const fb_id z = leaky(leaky(y, 0.5f), -0.0f);
    fb_over(b, z, y);
    fb_output(b, z);
    fb_image image = fb_finish(b);
    float **in = channels_noise(4, FRAMES);
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)) != NULL; k++) {
        uint32_t zeros = 0;
        float **out = play(image, kernels, in, 64, FRAMES);
        for (uint32_t i = 0; i < 4 * FRAMES; i++) {
            const float one = out[i / FRAMES][i % FRAMES];
            zeros += one == 0;
            if (one == 0 && signbit(one))
                fail_msg("%s: -0 * -1 is not 0", kernels);
        }
        assert_true(zeros != 0);
        channels_free(out, 4);
    }
    channels_free(in, 4);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_graphs),
                                       cmocka_unit_test(test_zeros)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
