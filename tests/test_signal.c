/*
 * DFT and MATMUL with random shapes against the plain double reference, on
 * every kernel build, and long transforms against their definition. Random
 * numbers: those that their description names, spread as they should be, the
 * same bits wherever they are made. What a file may get wrong about these.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "compiler.h"
#include "ir.h"
#include "largest.h"
#include "op_check.h"
#include "player.h"

#define PI 3.14159265358979323846

/* ------------------------------------------------- against the reference ----
 */

static fb_image dft(mli_mode mode, int over)
{
    static const uint32_t ways[7] = {0, 1, 2, 3, 4, 6, 7};
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t n = over ? up_to(12) : up_to(70), way = ways[up_to(7) - 1];
    uint32_t *last = s.dims + s.rank - 1, all = 2 * n, half = 2 * (n / 2 + 1);
    *last = way & 1 ? (way & 4 ? half : all) : way & 2 ? n : all;
    fb_id x = fb_input(b, s);
    return finish(b, fb_dft(b, x, n, way, over ? 1 : 0.3f));
}

static fb_image matmul(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    uint32_t rows = up_to(20), columns = up_to(40), inner = up_to(30);
    fb_shape a = random_shape(mode, 2), c = random_shape(mode, 2), y;
    uint32_t turned = up_to(2) - 1;
    if (mode == MLI_STREAM && up_to(3) == 1)
        c.timed = 0;
    y = a.rank > c.rank ? a : c;
    y.timed = mode == MLI_STREAM;
    for (uint32_t i = 3; i <= y.rank; i++) {
        uint32_t *m = i <= a.rank ? a.dims + a.rank - i : NULL;
        uint32_t *n = i <= c.rank ? c.dims + c.rank - i : NULL;
        uint32_t size = up_to(4), kind = up_to(3);
        if (m)
            *m = n && kind == 1 ? 1 : size;
        if (n)
            *n = m && kind == 2 ? 1 : size;
        y.dims[y.rank - i] = size;
    }
    a.dims[a.rank - 1] = inner;
    a.dims[a.rank - 2] = y.dims[y.rank - 2] = rows;
    c.dims[c.rank - 1] = turned ? inner : columns;
    c.dims[c.rank - 2] = turned ? columns : inner;
    y.dims[y.rank - 1] = columns;
    fb_id x = fb_input(b, a);
    fb_id w = c.timed || mode != MLI_STREAM ? fb_input(b, c)
                                            : fb_const(b, c, NULL, 1);
    return finish(b, fb_matmul(b, x, w, y, turned, over ? 1 : -0.5f));
}

static void test_dft(void **state)
{
    (void)state;
    each(dft, 15);
}

static void test_matmul(void **state)
{
    (void)state;
    each(matmul, 25);
}

/* ------------------------------------------------------ long transforms ----
 */

static void run_graph(ir_graph *g, player *p, mlc_image *image)
{
    mlc_error error;
    if (mlc_finish(g, NULL, image, &error) != MLC_OK)
        fail_msg("%s", error.text);
    fb_image i = {image->bytes, image->size};
    player_open(p, i, NULL, 16);
}

static double worst_of(uint32_t n, int real, const float *x, const float *y)
{
    double worst = 0, peak = 0;
    for (uint32_t k = 0; k < n / 2 + 1; k++) {
        double re = 0, im = 0;
        for (uint32_t i = 0; i < n; i++) {
            double a = -2 * PI * (double)((uint64_t)i * k % n) / n;
            double u = x[real ? i : 2 * i], v = real ? 0 : x[2 * i + 1];
            re += u * cos(a) - v * sin(a);
            im += u * sin(a) + v * cos(a);
        }
        peak = fmax(peak, fmax(fabs(re), fabs(im)));
        worst = largest(worst, fabs(re - y[2 * k]));
        worst = largest(worst, fabs(im - y[2 * k + 1]));
    }
    return worst / peak;
}

static void long_transform(uint32_t n, int real)
{
    ir_graph *g = ir_new(MLI_STEP);
    uint32_t floats = real ? n : 2 * n, half = 2 * (n / 2 + 1), seed = n;
    ir_id x = ir_input(g, "x", 1, &floats), y = ir_dft(g, x, n, 0, real, 1, 1);
    ir_id back = ir_dft(g, y, n, 1, 1, 1, 1.0f / (float)n);
    float *in = calloc(floats, sizeof *in), *out = calloc(half, sizeof *out);
    float *again = calloc(n, sizeof *again), *outs[2] = {out, again};
    const float *ins[1] = {in};
    mlc_image image;
    player p;
    ir_output(g, "y", y);
    ir_output(g, "back", back);
    for (uint32_t i = 0; i < floats; i++)
        in[i] = fb_random(&seed);
    run_graph(g, &p, &image);
    mli_run(p.session, ins, outs);
    double worst = worst_of(n, real, in, out);
    if (!(worst <= 1e-6))
        fail_msg("length %u: error %g of the peak", n, worst);
    for (uint32_t i = 0; real && i < n; i++)
        if (!(fabsf(again[i] - in[i]) <= 1e-6f))
            fail_msg("length %u: there and back %g, expected %g", n,
                     (double)again[i], (double)in[i]);
    player_close(&p);
    mlc_image_free(&image);
    free(in);
    free(out);
    free(again);
}

static void test_long_transforms(void **state)
{
    static const uint32_t lengths[] = {1,    2,    3,    8,   31,  64,
                                       100,  127,  256,  441, 480, 882,
                                       1009, 1024, 1536, 2048};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int real = 0; real < 2; real++)
            long_transform(lengths[i], real);
}

/* --------------------------------------------------------- random numbers ----
 */

/* A model that makes n numbers a run. */
static void open_random(player *p, mlc_image *image, mli_mode mode, int normal,
                        uint64_t seed, uint32_t n)
{
    static const uint32_t one = 1;
    ir_graph *g = ir_new(mode);
    ir_id x = ir_input(g, "x", 1, &one);
    if (mode == MLI_WINDOW) {
        g->window = 1;
        g->hop = 1;
    }
    ir_output(g, "y", ir_random(g, x, normal, normal ? 0 : 0, 1, seed, 1, &n));
    run_graph(g, p, image);
}

static void draw(player *p, float *y)
{
    static const float zero;
    const float *in[1] = {&zero};
    float *out[1] = {y};
    mli_run(p->session, in, out);
}

static void test_known_numbers(void **state)
{
    /* Philox4x32-10 of counter and key 0, as its authors publish it */
    static const uint32_t known[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c,
                                      0x9b00dbd8};
    float y[5];
    mlc_image image;
    player p;
    (void)state;
    open_random(&p, &image, MLI_STEP, 0, 0, 5);
    draw(&p, y);
    for (int i = 0; i < 4; i++)
        assert_true(y[i] == (float)(known[i] >> 8) / 16777216.0f);
    player_close(&p);
    mlc_image_free(&image);
}

/* The quantile: Phi(z) must give back the number that it came from. */
static void test_normal_is_the_quantile(void **state)
{
    enum { N = 20000 };
    static float u[N], z[N];
    mlc_image image[2];
    player p[2];
    double worst = 0;
    (void)state;
    for (int i = 0; i < 2; i++)
        open_random(&p[i], &image[i], MLI_STEP, i, 77, N);
    draw(&p[0], u);
    draw(&p[1], z);
    for (int i = 0; i < N; i++) {
        double at = 0.5 * erfc(-(double)z[i] / sqrt(2));
        double density = exp(-(double)z[i] * z[i] / 2) / sqrt(2 * PI);
        /* u has lost its last 8 bits */
        double off = fabs(at - u[i] - 0x1p-25) - 0x1p-25;
        worst = largest(worst, off / density);
    }
    for (int i = 0; i < 2; i++) {
        player_close(&p[i]);
        mlc_image_free(&image[i]);
    }
    if (!(worst <= 4e-6))
        fail_msg("off by %g", worst);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double phi(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

/* Mean, variance, neighbours, and Kolmogorov's distance: each would be passed
   by true random numbers but once in some ten thousand times. */
static void check_spread(int normal)
{
    enum { RUNS = 200, EACH = 501, N = RUNS * EACH };
    static float y[N];
    mlc_image image;
    player p;
    double mean = 0, square = 0, next = 0, far = 0;
    open_random(&p, &image, MLI_STEP, normal, 5, EACH);
    for (int i = 0; i < RUNS; i++)
        draw(&p, y + i * EACH);
    for (int i = 0; i < N; i++)
        mean += y[i] / (double)N;
    for (int i = 0; i < N; i++) {
        square += (y[i] - mean) * (y[i] - mean) / N;
        next += i ? (y[i] - mean) * (y[i - 1] - mean) / N : 0;
    }
    double expected = normal ? 1 : 1.0 / 12, middle = normal ? 0 : 0.5;
    assert_true(fabs(mean - middle) < 4 * sqrt(expected / N));
    assert_true(fabs(square - expected) < 6 * expected / sqrt(N));
    assert_true(fabs(next) < 4 * expected / sqrt(N));
    qsort(y, N, sizeof *y, by_size);
    for (int i = 0; i < N; i++) {
        double at = normal ? phi(y[i]) : y[i];
        far = fmax(far, fmax(at - i / (double)N, (i + 1) / (double)N - at));
    }
    assert_true(far < 2.2 / sqrt(N));
    player_close(&p);
    mlc_image_free(&image);
}

static void test_spread(void **state)
{
    (void)state;
    check_spread(0);
    check_spread(1);
}

/* Each run goes on where the last one stopped, in windows too; a reset starts
   again. */
static void test_runs(void **state)
{
    static const mli_mode modes[2] = {MLI_STEP, MLI_WINDOW};
    (void)state;
    for (int m = 0; m < 2; m++) {
        float a[9], b[9], c[9];
        mlc_image image;
        player p;
        open_random(&p, &image, modes[m], 1, 3, 9);
        draw(&p, a);
        draw(&p, b);
        mli_reset(p.session);
        draw(&p, c);
        assert_memory_not_equal(a, b, sizeof a);
        assert_memory_equal(a, c, sizeof a);
        draw(&p, c);
        assert_memory_equal(b, c, sizeof a);
        player_close(&p);
        mlc_image_free(&image);
    }
}

/* A stream of noise in other cuts, tiles and kernel builds: the same bits. */
static void test_cuts(void **state)
{
    enum { FRAMES = 500, N = 5 };
    static const uint32_t one = 1;
    ir_graph *g = ir_new(MLI_STREAM);
    uint32_t n = N, seed = 1;
    ir_id x = ir_input(g, "x", 1, &one);
    mlc_image image;
    mlc_error error;
    float **in = channels_new(1, FRAMES), **want = channels_new(N, FRAMES);
    const char *kernels;
    (void)state;
    ir_output(g, "y", ir_random(g, x, 1, 0, 1, 9, 1, &n));
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_OK);
    fb_image file = {image.bytes, image.size};
    for (uint32_t k = 0; (kernels = mli_kernels_name(k)); k++)
        for (uint32_t block = 0; block < 3; block++) {
            float **out = channels_new(N, FRAMES);
            player p;
            player_open(&p, file, kernels, block ? 64 : 16);
            player_process(&p, (const float *const *)in,
                           k || block ? out : want, FRAMES, block == 2 ? 1 : 0,
                           &seed);
            for (int i = 0; (k || block) && i < N; i++)
                assert_memory_equal(out[i], want[i], FRAMES * sizeof(float));
            player_close(&p);
            channels_free(out, N);
        }
    for (int i = 1; i < N; i++)
        assert_memory_not_equal(want[0], want[i], FRAMES * sizeof(float));
    channels_free(in, 1);
    channels_free(want, N);
    mlc_image_free(&image);
}

/* ------------------------------------------------------- what is wrong ---- */

enum { DFT, MATMUL, RANDOM };

static fb_image base(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id y = fb_dft(b, fb_input(b, fb_matrix(3, 6)), 6, 6, 1);
    y = fb_matmul(b, y, y, fb_matrix(3, 3), 1, 1);
    return finish(b, fb_random_numbers(b, y, fb_vector(7), 0));
}

static void expect_at(mli_status status, uint32_t op, fb_image i,
                      const char *what)
{
    mli_model model;
    uint32_t index = 0;
    fb_seal(i);
    mli_status got = mli_open(&model, i.bytes, i.size, &index);
    if (got != status || (status != MLI_OK && index != op))
        fail_msg("operator %u, %s: %s at %u, expected %s", op, what,
                 mli_status_text(got), index, mli_status_text(status));
    free(i.bytes);
}

static void expect(mli_status status, uint32_t op, uint32_t at, uint32_t value)
{
    fb_image i = base();
    char what[40];
    ((mli_file_op *)fb_section(i, MLI_SEC_OPS))[op].p[at] = value;
    snprintf(what, sizeof what, "p%u = %u", at, value);
    expect_at(status, op, i, what);
}

/* Of the parameters fp and fq. */
static void expect_floats(mli_status status, uint32_t op, float p, float q)
{
    fb_image i = base();
    mli_file_op *ops = fb_section(i, MLI_SEC_OPS);
    ops[op].fp = p;
    ops[op].fq = q;
    expect_at(status, op, i, "fp, fq");
}

static void test_wrong(void **state)
{
    (void)state;
    expect_at(MLI_OK, 0, base(), "as it is");
    expect(MLI_ERR_OP_PARAMETER, DFT, 0, 0);
    expect(MLI_ERR_OP_PARAMETER, DFT, 0, (1u << 24) + 1);
    expect(MLI_ERR_OP_SHAPE, DFT, 0, 5);
    expect(MLI_ERR_OP_PARAMETER, DFT, 1, 8);
    expect(MLI_ERR_OP_PARAMETER, DFT, 1, 5); /* half a spectrum of complex */
    expect(MLI_ERR_OP_SHAPE, DFT, 1, 2);
    expect(MLI_ERR_OP_SHAPE, DFT, 1, 7);
    expect(MLI_ERR_OP_UNUSED, DFT, 2, 1);
    expect_floats(MLI_ERR_OP_PARAMETER, DFT, NAN, 0);
    expect_floats(MLI_ERR_OP_UNUSED, DFT, 1, 1);
    expect(MLI_ERR_OP_SHAPE, MATMUL, 0, 0);
    expect(MLI_ERR_OP_PARAMETER, MATMUL, 0, 2);
    expect(MLI_ERR_OP_PARAMETER, MATMUL, 1, 0);
    expect(MLI_ERR_OP_SHAPE, MATMUL, 1, 4);
    expect(MLI_ERR_OP_PARAMETER, MATMUL, 2, 0);
    expect(MLI_ERR_OP_PARAMETER, MATMUL, 2, (1u << 28) + 1);
    expect(MLI_ERR_OP_PARAMETER, MATMUL, 2, 1u << 27); /* too much to pack */
    expect(MLI_ERR_OP_SHAPE, MATMUL, 2, 7);
    expect(MLI_ERR_OP_UNUSED, MATMUL, 3, 1);
    expect_floats(MLI_ERR_OP_PARAMETER, MATMUL, NAN, 0);
    expect(MLI_ERR_OP_PARAMETER, RANDOM, 0, 2);
    expect(MLI_OK, RANDOM, 1, 0xffffffff);
    expect(MLI_OK, RANDOM, 2, 0xffffffff);
    expect(MLI_ERR_OP_UNUSED, RANDOM, 3, 1);
    expect_floats(MLI_ERR_OP_PARAMETER, RANDOM, NAN, 0);
    expect_floats(MLI_ERR_OP_PARAMETER, RANDOM, 0, NAN);
    fb_image i = base();
    ((mli_file_state *)fb_section(i, MLI_SEC_STATES))->width = 1;
    expect_at(MLI_ERR_OP_STATE, RANDOM, i, "a state of one float");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dft),
        cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_long_transforms),
        cmocka_unit_test(test_known_numbers),
        cmocka_unit_test(test_normal_is_the_quantile),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
