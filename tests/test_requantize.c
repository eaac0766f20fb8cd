/*
 * REQUANTIZE against its description, in numbers of 128 bits and on every
 * kernel build: all roundings, kinds and odd numbers; what a file may get wrong
 * about it.
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
#include "op_check.h"
#include "player.h"

#define COUNT 64

typedef __int128 wide;

/* x / 2^n to the nearest; halves up, or away from zero */
static wide divided(wide x, int n, int away)
{
    wide d = (wide)1 << n, q = x / d, rest = x % d;

    if (rest < 0) {
        rest += d;
        q--;
    }
    if (2 * rest > d || (2 * rest == d && !(away && x < 0)))
        q++;
    return q;
}

static wide times(wide x, int32_t m, int s, mli_rounding rounding)
{
    if (rounding == MLI_ROUND_ONCE)
        return divided(x * m, 31 - s, 0);
    if (rounding == MLI_ROUND_SHORT) {
        wide part = m < 0x7fff0000 ? divided(m, 16, 0) : 0x7fff;
        return divided(x * part, 15 - s, 0);
    }
    if (rounding == MLI_ROUND_HALF_AWAY)
        return divided(x * m, 31 - s, 1);
    x = divided((s > 0 ? x * ((wide)1 << s) : x) * m, 31, 0);
    return s < 0 ? divided(x, -s, 1) : x;
}

static wide expected(mli_requantize kind, wide x, wide u, const ir_factors *f,
                     uint32_t i)
{
    wide a, b;

    if (kind == MLI_REQUANTIZE_WIDE)
        x = x * ((wide)1 << f->left) + u;
    if (kind == MLI_REQUANTIZE_SCALE || kind == MLI_REQUANTIZE_WIDE)
        return times(x, f->m[i % f->n], f->s[i % f->n], f->rounding);
    if (kind == MLI_REQUANTIZE_MUL)
        return times(x * u, f->m[0], f->s[0], f->rounding);
    a = times(x * ((wide)1 << f->left), f->m[0], f->s[0], f->rounding);
    b = times(u * ((wide)1 << f->left), f->m[1], f->s[1], f->rounding);
    a = kind == MLI_REQUANTIZE_ADD ? a + b : a - b;
    if (kind == MLI_REQUANTIZE_SQUARED_DIFFERENCE)
        a *= a;
    return times(a, f->m[2], f->s[2], f->rounding);
}

static int32_t mantissa(void)
{
    return (int32_t)(up_to(1u << 30) - 1 + (1u << 30));
}

static void fill(float *x, float most)
{
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(int)((double)up_to(1u << 24) / (1 << 23) * (double)most -
                            (double)most);
}

static void check(mli_requantize kind, const ir_factors *f, float most)
{
    float x[2][COUNT], y[COUNT];
    const float *in[2] = {x[0], x[1]};
    float *out[1] = {y};
    uint32_t dims[2] = {COUNT / 4, 4};
    ir_graph *g = ir_new(MLI_STEP);
    ir_id a = ir_input(g, "a", 2, dims), b = IR_NONE;
    mlc_image image;
    mlc_error error;

    if (kind != MLI_REQUANTIZE_SCALE)
        b = ir_input(g, "b", 2, dims);
    ir_output(g, "y", ir_requantize(g, kind, a, b, f));
    if (mlc_finish(g, NULL, &image, &error))
        fail_msg("%s", error.text);
    for (uint32_t k = 0; mli_kernels_name(k); k++) {
        player p;
        fill(x[0], most);
        fill(x[1], most);
        player_open(&p, (fb_image){image.bytes, (uint32_t)image.size},
                    mli_kernels_name(k), 16);
        mli_run(p.session, in, out);
        for (uint32_t i = 0; i < COUNT; i++) {
            double want =
                (double)expected(kind, (wide)x[0][i], (wide)x[1][i], f, i % 4);
            want = fmin(fmax(want, (double)f->low), (double)f->high);
            if ((double)y[i] != want)
                fail_msg("kind %d, rounding %d: %g, %g to %g, expected %g",
                         kind, f->rounding, (double)x[0][i], (double)x[1][i],
                         (double)y[i], want);
        }
        player_close(&p);
    }
    mlc_image_free(&image);
}

static void test_kinds(void **state)
{
    static const float most[] = {
        300.f, 127.f, 127.f, 127.f, 32767.f, [MLI_REQUANTIZE_WIDE] = 1048576.f};
    int32_t m[4];
    int s[4];
    ir_factors f = {.m = m, .s = s, .low = -40000.f, .high = 33000.f};

    (void)state;
    for (uint32_t round = 0; round < 40; round++)
        for (int kind = 0; kind < MLI_REQUANTIZE_COUNT; kind++) {
            int three = kind >= MLI_REQUANTIZE_ADD && kind < MLI_REQUANTIZE_MUL;
            if (most[kind] == 0.f)
                continue;
            f.n = three ? 3 : kind != MLI_REQUANTIZE_MUL && round % 2 ? 4 : 1;
            f.left = kind == MLI_REQUANTIZE_WIDE                 ? 8
                     : !three                                    ? 0
                     : kind == MLI_REQUANTIZE_SQUARED_DIFFERENCE ? 7
                                                                 : 20;
            f.rounding = round % (three ? 2 : MLI_ROUND_COUNT);
            for (uint32_t i = 0; i < 4; i++) {
                m[i] = round == 0 ? 1 << 30 : mantissa();
                s[i] = three ? (i < 2 ? -(int)up_to(3) + 1 : -(int)up_to(20))
                             : (int)up_to(20) - 17;
            }
            check((mli_requantize)kind, &f, most[kind]);
        }
}

/* y of all numbers of 16 bits. */
static float *of_all(ir_graph *g, ir_id (*make)(ir_graph *g, ir_id x, int how),
                     int how)
{
    static float x[65536], y[65536];
    uint32_t dims[1] = {65536};
    const float *in[1] = {x};
    float *out[1] = {y};
    mlc_image image;
    mlc_error error;
    player p;

    for (int i = 0; i < 65536; i++)
        x[i] = (float)(i - 32768);
    ir_output(g, "y", make(g, ir_input(g, "x", 1, dims), how));
    if (mlc_finish(g, NULL, &image, &error))
        fail_msg("%s", error.text);
    player_open(&p, (fb_image){image.bytes, (uint32_t)image.size}, NULL, 16);
    mli_run(p.session, in, out);
    player_close(&p);
    mlc_image_free(&image);
    return y;
}

/* how: bits in front of the point, 8 more for tanh */
static ir_id function(ir_graph *g, ir_id x, int how)
{
    static const int32_t m = 1 << 30;
    static const int s = 1;
    ir_factors f = {.n = 1,
                    .m = &m,
                    .s = &s,
                    .left = (uint32_t)how & 7,
                    .low = -32768.f,
                    .high = 32767.f};

    return ir_requantize(
        g, how & 8 ? MLI_REQUANTIZE_TANH : MLI_REQUANTIZE_LOGISTIC, x, IR_NONE,
        &f);
}

/* In 16 bits they are good to 2^-11. */
static void test_functions(void **state)
{
    (void)state;
    for (int how = 0; how < 15; how++) {
        float *y;
        if (how == 7)
            continue;
        y = of_all(ir_new(MLI_STEP), function, how);
        for (int i = 0; i < 65536; i++) {
            double a = ldexp(i - 32768, (how & 7) - 15);
            double want = how & 8 ? tanh(a) : 1 / (1 + exp(-a));
            if (!(fabs((double)y[i] / 32768 - want) < 0x1p-11))
                fail_msg("%s, %d bits: %d gives %g, expected %g",
                         how & 8 ? "tanh" : "logistic", how & 7, i - 32768,
                         (double)y[i], want * 32768);
        }
    }
}

static float points[9];

static ir_id lookup(ir_graph *g, ir_id x, int how)
{
    ir_factors f = {.left = (uint32_t)how / 2,
                    .rounding = how & 1 ? MLI_ROUND_HALF_AWAY : MLI_ROUND_ONCE,
                    .low = -60000.f,
                    .high = 59000.f};

    return ir_lookup(g, x, 9, points, &f);
}

static void test_table(void **state)
{
    (void)state;
    for (int how = 0; how < 34; how++) {
        int64_t unit = (int64_t)1 << how / 2;
        float *y;
        for (int k = 0; k < 9; k++)
            points[k] = (float)((int)up_to(1 << 18) - (1 << 17)) / 2;
        y = of_all(ir_new(MLI_STEP), lookup, how);
        for (int i = 0; i < 65536; i++) {
            int64_t x = i - 32768, at, k, f;
            wide sum;
            double want;
            at = x < -4 * unit ? 0 : x > 4 * unit ? 8 * unit : x + 4 * unit;
            k = at / unit < 8 ? at / unit : 7;
            f = at - k * unit;
            sum = (wide)(2 * points[k]) * (unit - f) +
                  (wide)(2 * points[k + 1]) * f;
            want = (double)(how & 1 && x < 0 ? -divided(-sum, how / 2 + 1, 0)
                                             : divided(sum, how / 2 + 1, 0));
            want = fmin(fmax(want, -60000), 59000);
            if ((double)y[i] != want)
                fail_msg("2^%d, %d: %g, expected %g", how / 2, (int)x,
                         (double)y[i], want);
        }
    }
}

/* What no network gives, but a file may: some number in the range. */
static void test_odd(void **state)
{
    static const float odd[] = {NAN,    INFINITY, -INFINITY, 3e38f, -3e38f,
                                1e-40f, 1e20f,    -1e20f,    0.9f};
    static const int32_t m[3] = {INT32_MAX, INT32_MAX, INT32_MAX};
    static const int s[3] = {30, 30, -31};
    ir_factors f = {3, m, s, MLI_ROUND_TWICE, 20, -5.f, 7.f};
    uint32_t dims[1] = {9};

    (void)state;
    for (int kind = 0; kind < MLI_REQUANTIZE_COUNT; kind++)
        for (int way = 0; way < MLI_ROUND_COUNT; way++) {
            int three = kind >= MLI_REQUANTIZE_ADD && kind < MLI_REQUANTIZE_MUL;
            const float *in[1] = {odd};
            float y[9], *out[1] = {y};
            ir_graph *g = ir_new(MLI_STEP);
            ir_id x = ir_input(g, "x", 1, dims);
            mlc_image image;
            player p;
            f.n = three ? 3 : 1;
            f.left = three ? 20 : 0;
            f.rounding = (mli_rounding)way;
            ir_output(g, "y", ir_requantize(g, (mli_requantize)kind, x, x, &f));
            assert_int_equal(mlc_finish(g, NULL, &image, NULL), MLC_OK);
            player_open(&p, (fb_image){image.bytes, (uint32_t)image.size}, NULL,
                        16);
            mli_run(p.session, in, out);
            for (int i = 0; i < 9; i++)
                assert_true(y[i] >= -5.f && y[i] <= 7.f);
            player_close(&p);
            mlc_image_free(&image);
        }
}

static fb_image base(uint32_t inputs)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_matrix(3, 4));
    fb_id in[3] = {x, x, fb_const(b, fb_vector(9), NULL, 1)};
    if (inputs == 2)
        in[1] = fb_const(b, fb_vector(12), NULL, 1);
    fb_id y = fb_op(b, MLI_OP_REQUANTIZE, fb_matrix(3, 4), inputs, in);
    fb_last(b)->p[0] = inputs == 2 ? 0 : MLI_REQUANTIZE_ADD;
    return finish(b, y);
}

static void expect(mli_status status, uint32_t inputs, uint32_t at,
                   uint32_t value)
{
    mli_model model;
    uint32_t index = 0;
    fb_image i = base(inputs);
    ((mli_file_op *)fb_section(i, MLI_SEC_OPS))->p[at] = value;
    fb_seal(i);
    mli_status got = mli_open(&model, i.bytes, i.size, &index);
    if (got != status)
        fail_msg("%u inputs, p%u = %u: %s, expected %s", inputs, at, value,
                 mli_status_text(got), mli_status_text(status));
    free(i.bytes);
}

static void test_wrong(void **state)
{
    (void)state;
    expect(MLI_OK, 2, 0, MLI_REQUANTIZE_SCALE);
    expect(MLI_OK, 3, 0, MLI_REQUANTIZE_SUB);
    expect(MLI_ERR_OP_OPERAND, 2, 0, MLI_REQUANTIZE_ADD);
    expect(MLI_ERR_OP_OPERAND, 3, 0, MLI_REQUANTIZE_SCALE);
    expect(MLI_ERR_OP_OPERAND, 2, 0, MLI_REQUANTIZE_WIDE);
    expect(MLI_ERR_OP_SHAPE, 3, 0, MLI_REQUANTIZE_WIDE); /* 9 for 4 */
    expect(MLI_ERR_OP_SHAPE, 3, 0, MLI_REQUANTIZE_MUL);
    expect(MLI_ERR_OP_PARAMETER, 3, 0, MLI_REQUANTIZE_COUNT);
    expect(MLI_ERR_OP_PARAMETER, 2, 1, MLI_ROUND_COUNT);
    expect(MLI_ERR_OP_PARAMETER, 3, 2, 21);
    expect(MLI_ERR_OP_UNUSED, 2, 3, 1);
    expect(MLI_OK, 2, 0, MLI_REQUANTIZE_TABLE);
    expect(MLI_ERR_OP_OPERAND, 3, 0, MLI_REQUANTIZE_TABLE);
    expect(MLI_ERR_OP_SHAPE, 2, 0, MLI_REQUANTIZE_TANH); /* 4 factors */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_functions),
        cmocka_unit_test(test_table), cmocka_unit_test(test_odd),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
