/*
 * Choosing and indexing with random shapes against the plain double reference,
 * on every kernel build; wild indices; what a file may get wrong about them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "op_check.h"
#include "player.h"

/* Whole numbers from -n to n. A power of two makes the products exact: else one
   near a half is another number in double precision. */
static fb_id whole(fb *b, fb_shape s, uint32_t n)
{
    float scale = 1.0f;
    while (scale <= (float)n)
        scale *= 2.0f;
    fb_shape one = {0, 0, {0}};
    fb_id x = fb_input(b, s), k = fb_const(b, one, &scale, 1);
    x = fb_binary(b, MLI_MUL, x, x, k);
    x = fb_unary(b, MLI_ROUND_AWAY, x);
    fb_last(b)->fp = -(float)n;
    fb_last(b)->fq = (float)n;
    return x;
}

/* s with some axes cut to 1 or, in front, left out. */
static fb_shape narrowed(fb_shape s)
{
    uint32_t from = up_to(s.rank + 1) - 1;
    fb_shape t = {s.timed && up_to(3) > 1, s.rank - from, {0}};
    for (uint32_t i = from; i < s.rank; i++)
        t.dims[i - from] = up_to(3) == 1 ? 1 : s.dims[i];
    return t;
}

static fb_image choose(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, over ? 1 : 0);
    fb_id in[3];
    uint32_t whole_one = up_to(3) - 1; /* has all the axes */
    /* inputs come before constants */
    for (uint32_t k = 0; k < 3; k++) {
        fb_shape t = k == whole_one ? s : narrowed(s);
        t.timed = s.timed && (k == whole_one || t.timed);
        in[k] =
            mode == MLI_STREAM && !t.timed ? fb_control(b, t) : fb_input(b, t);
    }
    in[0] = fb_unary(b, MLI_ROUND_AWAY, in[0]);
    fb_last(b)->fp = -1;
    fb_last(b)->fq = 1;
    return finish(b, fb_op(b, MLI_OP_SELECT, s, 3, in));
}

static fb_image gather(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), t = random_shape(mode, 0), y;
    uint32_t axis = up_to(s.rank) - 1;
    t.rank = t.rank > 3 ? 3 : t.rank;
    if (mode == MLI_STREAM) /* one or the other may be the same in all frames */
        *(over ? &s.timed : &t.timed) = up_to(2) - 1;
    y = (fb_shape){s.timed | t.timed, s.rank + t.rank - 1, {0}};
    memcpy(y.dims, s.dims, axis * 4);
    memcpy(y.dims + axis, t.dims, t.rank * 4);
    memcpy(y.dims + axis + t.rank, s.dims + axis + 1, (s.rank - axis - 1) * 4);
    if (mode == MLI_STREAM && !y.timed)
        s.timed = y.timed = 1;
    fb_id in[2];
    in[0] = mode == MLI_STREAM && !s.timed ? fb_control(b, s) : fb_input(b, s);
    if (mode == MLI_STREAM && !t.timed) {
        float at[216];
        for (uint32_t i = 0; i < 216; i++)
            at[i] =
                (float)up_to(2 * s.dims[axis] + 3) - (float)s.dims[axis] - 2;
        in[1] = fb_const(b, t, at, 1);
    } else {
        in[1] = whole(b, t, s.dims[axis] + 1);
    }
    fb_id made = fb_op(b, MLI_OP_GATHER, y, 2, in);
    fb_last(b)->p[0] = axis;
    return finish(b, made);
}

static fb_image scatter(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), t = random_shape(mode, 0), u;
    (void)over;
    t.rank = t.rank > 3 ? 3 : t.rank;
    u = (fb_shape){s.timed, s.rank + t.rank - 1, {0}};
    memcpy(u.dims, t.dims, t.rank * 4);
    memcpy(u.dims + t.rank, s.dims + 1, (s.rank - 1) * 4);
    fb_id in[3] = {fb_input(b, s), fb_input(b, u), 0};
    in[2] = in[1];
    in[1] = whole(b, t, s.dims[0]);
    fb_id y = fb_op(b, MLI_OP_SCATTER, s, 3, in);
    fb_last(b)->p[0] = up_to(MLI_SCATTER_COUNT) - 1;
    return finish(b, y);
}

/* Few different numbers, so that many are equal. */
static fb_image arg(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), y = s;
    s.dims[s.rank - 1] = up_to(20);
    y.dims[--y.rank] = 0;
    fb_id x = whole(b, s, 3), made = fb_op(b, MLI_OP_ARG, y, 1, &x);
    fb_last(b)->p[0] = up_to(2) - 1;
    fb_last(b)->p[1] = (uint32_t)over;
    return finish(b, made);
}

static fb_image topk(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), y;
    uint32_t k;
    s.dims[s.rank - 1] = up_to(30);
    k = up_to(s.dims[s.rank - 1]);
    y = s;
    y.dims[y.rank - 1] = k;
    fb_id x = whole(b, s, 4), made = fb_op(b, MLI_OP_TOPK, y, 1, &x);
    fb_last(b)->p[0] = k;
    fb_last(b)->p[1] = up_to(2) - 1;
    fb_last(b)->p[2] = (uint32_t)over;
    return finish(b, made);
}

static fb_image cumulate(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    fb_id x = fb_input(b, s), y = fb_op(b, MLI_OP_CUMULATE, s, 1, &x);
    fb_last(b)->p[0] = up_to(s.rank) - 1;
    fb_last(b)->p[1] = up_to(2) - 1;
    fb_last(b)->p[2] = up_to(2) - 1;
    fb_last(b)->p[3] = (uint32_t)over;
    return finish(b, y);
}

static void test_operators(void **state)
{
    (void)state;
    each(choose, 40);
    each(gather, 40);
    each(scatter, 40);
    each(arg, 25);
    each(topk, 40);
    each(cumulate, 25);
}

/* ------------------------------------------------------- wild numbers ---- */

/* Numbers in, numbers out, of one operator. */
static void run(fb *b, fb_id y, const float *const *in, float *out)
{
    fb_image image = finish(b, y);
    player p;
    player_open(&p, image, "generic", 16);
    mli_run(p.session, in, &out);
    player_close(&p);
    free(image.bytes);
}

/* No index leads outside, whatever it is. */
static void test_wild_indices(void **state)
{
    (void)state;
    const float x[5] = {10, 11, 12, 13, 14};
    const float at[12] = {0,     4,      -1,       -5,        -6,  5,
                          1e30f, -1e30f, INFINITY, -INFINITY, NAN, -0.9f};
    const float want[12] = {10, 14, 14, 10, 10, 14, 14, 10, 14, 10, 10, 10};
    const float *in[2] = {x, at};
    float y[12];
    fb *b = fb_new(MLI_STEP);
    fb_id ids[3] = {fb_input(b, fb_vector(5)), fb_input(b, fb_vector(12))};
    run(b, fb_op(b, MLI_OP_GATHER, fb_vector(12), 2, ids), in, y);
    assert_memory_equal(y, want, sizeof y);
    b = fb_new(MLI_STEP);
    ids[0] = fb_input(b, fb_vector(5));
    ids[1] = fb_input(b, fb_vector(12));
    ids[2] = fb_const(b, fb_vector(12), want, 1);
    fb_id z = fb_op(b, MLI_OP_SCATTER, fb_vector(5), 3, ids);
    fb_last(b)->p[0] = MLI_SCATTER_SET;
    run(b, z, in, y); /* each place gets what it has */
    assert_memory_equal(y, x, sizeof x);
}

/* NaN is no 0, and loses against every number. */
static void test_nan(void **state)
{
    (void)state;
    const float x[5] = {NAN, 2, NAN, -INFINITY, 3}, none[2] = {NAN, NAN};
    const float *in[1] = {x};
    const float order[5] = {4, 1, 3, 0, 2}, rising[5] = {3, 1, 4, 0, 2};
    float y[5];
    for (uint32_t smallest = 0; smallest < 2; smallest++) {
        fb *b = fb_new(MLI_STEP);
        fb_id id = fb_input(b, fb_vector(5));
        fb_id z = fb_op(b, MLI_OP_TOPK, fb_vector(5), 1, &id);
        fb_last(b)->p[0] = 5;
        fb_last(b)->p[1] = smallest;
        fb_last(b)->p[2] = 1;
        run(b, z, in, y);
        assert_memory_equal(y, smallest ? rising : order, sizeof y);
        b = fb_new(MLI_STEP);
        id = fb_input(b, fb_vector(5));
        z = fb_op(b, MLI_OP_ARG, (fb_shape){0, 0, {0}}, 1, &id);
        fb_last(b)->p[0] = smallest;
        run(b, z, in, y);
        assert_true(y[0] == (smallest ? 3 : 4));
    }
    fb *b = fb_new(MLI_STEP);
    fb_id id = fb_input(b, fb_vector(2));
    in[0] = none;
    run(b, fb_op(b, MLI_OP_ARG, (fb_shape){0, 0, {0}}, 1, &id), in, y);
    assert_true(y[0] == 0);
    b = fb_new(MLI_STEP);
    fb_id ids[3] = {fb_input(b, fb_vector(2)), 0, 0};
    ids[1] = fb_const(b, fb_vector(1), x + 1, 1);
    ids[2] = fb_const(b, fb_vector(1), x + 4, 1);
    run(b, fb_op(b, MLI_OP_SELECT, fb_vector(2), 3, ids), in, y);
    assert_true(y[0] == 2 && y[1] == 2);
}

/* ------------------------------------------------------- what is wrong ---- */

/* Operators 0 to 5: SELECT, GATHER, SCATTER, ARG, TOPK, CUMULATE. */
static fb_image base(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_shape s = {0, 2, {4, 6}}, g = {0, 3, {4, 3, 2}}, k = {0, 2, {4, 3}};
    fb_id x = fb_input(b, s), i = fb_input(b, fb_matrix(3, 2));
    fb_id u = fb_input(b, (fb_shape){0, 3, {3, 2, 6}});
    fb_op(b, MLI_OP_SELECT, s, 3, (fb_id[3]){x, x, x});
    fb_op(b, MLI_OP_GATHER, g, 2, (fb_id[2]){x, i});
    fb_last(b)->p[0] = 1;
    fb_op(b, MLI_OP_SCATTER, s, 3, (fb_id[3]){x, i, u});
    fb_op(b, MLI_OP_ARG, fb_vector(4), 1, &x);
    fb_op(b, MLI_OP_TOPK, k, 1, &x);
    fb_last(b)->p[0] = 3;
    fb_op(b, MLI_OP_CUMULATE, s, 1, &x);
    fb_output(b, x);
    return fb_finish(b);
}

static void expect(mli_status status, uint32_t op, uint32_t at, uint32_t value)
{
    check_param(base(), status, op, at, value);
}

/* Another result: dim `axis` of the operator's tensor. */
static void expect_shape(uint32_t op, uint32_t axis, uint32_t value)
{
    fb_image i = base();
    mli_file_tensor *tensors = fb_section(i, MLI_SEC_TENSORS);
    mli_model model;
    uint32_t index = 0;
    tensors[3 + op].dims[axis] = value;
    fb_seal(i);
    mli_status got = mli_open(&model, i.bytes, i.size, &index);
    if (got != MLI_ERR_OP_SHAPE || index != op)
        fail_msg("operator %u, dim %u = %u: %s at %u", op, axis, value,
                 mli_status_text(got), index);
    free(i.bytes);
}

static void test_wrong(void **state)
{
    (void)state;
    static const uint32_t params[6] = {0, 1, 1, 2, 3, 4};
    expect(MLI_OK, 0, 8, 0);
    for (uint32_t op = 0; op < 6; op++)
        for (uint32_t p = params[op]; p < 8; p++)
            expect(MLI_ERR_OP_UNUSED, op, p, 1);
    expect(MLI_ERR_OP_PARAMETER, 1, 0, 2);
    expect(MLI_ERR_OP_SHAPE, 1, 0, 0);
    expect(MLI_ERR_OP_PARAMETER, 2, 0, MLI_SCATTER_COUNT);
    expect(MLI_ERR_OP_PARAMETER, 3, 0, 2);
    expect(MLI_ERR_OP_PARAMETER, 3, 1, 2);
    expect(MLI_ERR_OP_PARAMETER, 4, 0, 0);
    expect(MLI_ERR_OP_SHAPE, 4, 0, 7);
    expect(MLI_ERR_OP_PARAMETER, 4, 1, 2);
    expect(MLI_ERR_OP_PARAMETER, 4, 2, 2);
    expect(MLI_ERR_OP_PARAMETER, 5, 0, 2);
    for (uint32_t p = 1; p < 4; p++)
        expect(MLI_ERR_OP_PARAMETER, 5, p, 2);
    for (uint32_t op = 0; op < 6; op++)
        expect_shape(op, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_wild_indices),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
