/*
 * Every operator, timed and not, with random shapes, against the plain double
 * reference, on every kernel build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "op_check.h"

/* ------------------------------------------------------------ operators ----
 */

static fb_image linear(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t last = s.dims[s.rank - 1] = up_to(40);
    fb_id y = fb_linear(b, fb_input(b, s), last, up_to(40));
    fb_last(b)->fn = over ? MLI_TANH : MLI_IDENTITY;
    return finish(b, y);
}

static fb_image conv1d(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    uint32_t groups = up_to(4), in = groups * up_to(5);
    uint32_t out = groups * up_to(20), taps = up_to(4), dilation = up_to(20);
    uint32_t length = (taps - 1) * dilation + up_to(30), init = 0;
    if (up_to(4) == 1) /* depthwise */
        in = out = groups = up_to(33);
    if (over)
        out = in, taps = taps == 1 ? 2 : taps;
    length = (taps - 1) * dilation + up_to(30);
    if (taps > 1)
        init = (uint32_t[]){0, 1, (taps - 1) * dilation}[up_to(3) - 1];
    fb_id x = copied_input(b, mode == MLI_STREAM ? fb_timed(in)
                                                 : fb_matrix(length, in));
    fb_id y = fb_conv(b, x, in, out, taps, dilation, groups,
                      mode == MLI_STREAM ? 1 : up_to(3), init);
    fb_last(b)->fn = up_to(2) == 1 ? MLI_LEAKY_RELU : MLI_IDENTITY;
    fb_last(b)->fp = fb_last(b)->fn ? 0.1f : 0.0f;
    if (over && mode == MLI_STREAM)
        fb_over(b, y, x);
    return finish(b, y);
}

static fb_image recurrent(mli_op_type type, mli_mode mode, int after)
{
    fb *b = fb_new(mode);
    uint32_t in = up_to(5), units = up_to(21);
    fb_id x = fb_input(b, mode == MLI_STREAM ? fb_timed(in)
                                             : fb_matrix(up_to(30), in));
    return finish(
        b, fb_recurrent(b, type, x, in, units, (uint32_t)after, up_to(2) - 1));
}

static fb_image lstm(mli_mode mode, int over)
{
    (void)over;
    return recurrent(MLI_OP_LSTM, mode, 0);
}

static fb_image gru(mli_mode mode, int over)
{
    return recurrent(MLI_OP_GRU, mode, over);
}

static fb_image rnn(mli_mode mode, int over)
{
    (void)over;
    return recurrent(MLI_OP_RNN, mode, 0);
}

static fb_id over_if(fb *b, int over, fb_id y, fb_id x)
{
    if (over)
        fb_over(b, y, x);
    return y;
}

static fb_image unary(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_id x = copied_input(b, random_shape(mode, 0));
    return finish(b, over_if(b, over, fb_unary(b, MLI_SIGMOID, x), x));
}

/* Some dims of s become 1, some in front go. */
static fb_shape shrunk(fb_shape s)
{
    uint32_t drop = up_to(s.rank + 1) - 1;
    s.rank -= drop;
    memmove(s.dims, s.dims + drop, s.rank * sizeof *s.dims);
    for (uint32_t i = 0; i < s.rank; i++)
        if (up_to(3) == 1)
            s.dims[i] = 1;
    return s;
}

static fb_image binary(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 0), small = shrunk(s);
    fb_id x = copied_input(b, s), c, y;
    mli_binary f = (mli_binary)(up_to(MLI_PRELU + 1) - 1);
    int swap = up_to(2) == 1;
    if (mode == MLI_STREAM && up_to(2) == 1) {
        small.timed = 0;
        c = fb_control(b, small);
    } else {
        c = fb_input(b, small);
    }
    if (up_to(4) == 1) {
        small.timed = 0;
        c = fb_const(b, small, NULL, 1.0f);
    }
    y = swap ? fb_binary(b, f, c, x, x) : fb_binary(b, f, x, x, c);
    return finish(b, over_if(b, over, y, x));
}

/* Both sides are broadcast, and here may be one from the other. */
static fb_image outer(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 2), left = s, right = s;
    uint32_t axis = up_to(s.rank) - 1, other = up_to(s.rank) - 1;
    left.dims[axis] = 1;
    if (other != axis)
        right.dims[other] = 1;
    if (over)
        left.timed = 0;
    fb_id l = left.timed == s.timed ? fb_input(b, left) : fb_control(b, left);
    fb_id in[2] = {l, fb_input(b, right)};
    return finish(b, fb_op(b, MLI_OP_BINARY, s, 2, in));
}

static fb_image affine(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t n = up_to(2) == 1 ? 1 : s.dims[s.rank - 1];
    fb_id x = copied_input(b, s);
    fb_id in[3] = {x, fb_const(b, fb_vector(n), NULL, 1.0f),
                   fb_const(b, fb_vector(n), NULL, 1.0f)};
    fb_id y = fb_op(b, MLI_OP_AFFINE, s, 3, in);
    fb_last(b)->fn = over ? MLI_RELU : MLI_IDENTITY;
    return finish(b, over_if(b, over, y, x));
}

static fb_image softmax(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    fb_id x = copied_input(b, s), y = fb_op(b, MLI_OP_SOFTMAX, s, 1, &x);
    fb_last(b)->p[0] = up_to(2) - 1;
    return finish(b, over_if(b, over, y, x));
}

static fb_image normalize(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t size = 1, inputs = up_to(3);
    for (uint32_t i = up_to(s.rank); i-- > 0;)
        size *= s.dims[s.rank - 1 - i];
    /* the product of the last dims: put them in order of their count */
    size = s.dims[s.rank - 1];
    if (s.rank > 1 && up_to(2) == 1)
        size *= s.dims[s.rank - 2];
    fb_id x = copied_input(b, s);
    fb_id in[3] = {x, fb_const(b, fb_vector(size), NULL, 1.0f),
                   fb_const(b, fb_vector(size), NULL, 1.0f)};
    fb_id y = fb_op(b, MLI_OP_NORMALIZE, s, inputs, in);
    fb_last(b)->p[0] = size;
    fb_last(b)->p[1] = up_to(2) - 1;
    fb_last(b)->fp = 0.01f;
    return finish(b, over_if(b, over, y, x));
}

static fb_image reduce(mli_mode mode, int keep)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), y = s;
    uint32_t axes = up_to(s.rank), f = up_to(MLI_REDUCE_COUNT) - 1;
    for (uint32_t i = s.rank - axes; i < s.rank; i++)
        y.dims[i] = 1;
    if (!keep)
        y.rank -= axes;
    /* the logarithm of a sum wants a positive one */
    fb_id x = fb_unary(b, MLI_SIGMOID, fb_input(b, s));
    fb_id made = fb_op(b, MLI_OP_REDUCE, y, 1, &x);
    fb_last(b)->p[0] = f;
    fb_last(b)->p[1] = axes;
    fb_last(b)->p[2] = (uint32_t)keep;
    return finish(b, made);
}

static fb_image concat(mli_mode mode, int mixed)
{
    fb *b = fb_new(mode);
    fb_shape y = random_shape(mode, 1), s = y;
    uint32_t axis = up_to(y.rank) - 1, n = up_to(5);
    fb_id in[5];
    y.dims[axis] = 0;
    for (uint32_t i = 0; i < n; i++) {
        s.dims[axis] = up_to(4);
        s.timed = mode == MLI_STREAM && !(mixed && i % 2 == 1);
        y.dims[axis] += s.dims[axis];
        in[i] = s.timed == y.timed ? fb_input(b, s) : fb_control(b, s);
    }
    fb_id made = fb_op(b, MLI_OP_CONCAT, y, n, in);
    fb_last(b)->p[0] = axis;
    return finish(b, made);
}

static fb_image slice(mli_mode mode, int back)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), y = s;
    uint32_t axis = up_to(s.rank) - 1, step = up_to(3);
    uint32_t n = s.dims[axis] = up_to(12), start = up_to(n) - 1;
    y.dims[axis] = up_to((back ? start : n - 1 - start) / step + 1);
    fb_id x = fb_input(b, s), made = fb_op(b, MLI_OP_SLICE, y, 1, &x);
    fb_last(b)->p[0] = axis;
    fb_last(b)->p[1] = start;
    fb_last(b)->p[2] = back ? 0u - step : step;
    return finish(b, made);
}

static fb_image reshape(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 0), y = s;
    y.rank = 2;
    y.dims[0] = 1;
    y.dims[1] = (uint32_t)fb_elements(s);
    fb_id x = copied_input(b, s);
    fb_id made = fb_op(b, MLI_OP_RESHAPE, y, 1, &x);
    return finish(b, over_if(b, over, made, x));
}

static fb_image transpose(mli_mode mode, int unused)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 0), y = s;
    uint32_t perm[MLI_MAX_RANK] = {0};
    (void)unused;
    for (uint32_t i = 0; i < s.rank; i++) {
        uint32_t k = up_to(i + 1) - 1;
        perm[i] = perm[k];
        perm[k] = i;
    }
    for (uint32_t i = 0; i < s.rank; i++)
        y.dims[i] = s.dims[perm[i]];
    fb_id x = fb_input(b, s), made = fb_op(b, MLI_OP_TRANSPOSE, y, 1, &x);
    memcpy(fb_last(b)->p, perm, sizeof perm);
    return finish(b, made);
}

static fb_image expand(mli_mode mode, int unused)
{
    fb *b = fb_new(mode);
    fb_shape y = random_shape(mode, 0);
    fb_id x = fb_input(b, shrunk(y));
    (void)unused;
    return finish(b, fb_op(b, MLI_OP_EXPAND, y, 1, &x));
}

static fb_image pad(mli_mode mode, int unused)
{
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1), y = s;
    uint32_t axis = up_to(s.rank) - 1,
             p[3] = {axis, up_to(4) - 1, up_to(4) - 1};
    (void)unused;
    y.dims[axis] += p[1] + p[2];
    fb_id x = fb_input(b, s), made = fb_op(b, MLI_OP_PAD, y, 1, &x);
    memcpy(fb_last(b)->p, p, sizeof p);
    fb_last(b)->fp = -0.5f;
    return finish(b, made);
}

/* Time only: a list where there is none. */
static fb_image delay(mli_mode mode, int over)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = copied_input(b, random_shape(MLI_STREAM, 0));
    uint32_t frames = up_to(100);
    uint32_t init = (uint32_t[]){0, 1, frames}[up_to(3) - 1];
    (void)mode;
    return finish(b, over_if(b, over, fb_delay(b, x, frames, init), x));
}

static fb_image hold(mli_mode mode, int over)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = copied_input(b, random_shape(MLI_STREAM, 0));
    (void)mode;
    return finish(b, over_if(b, over, fb_hold(b, x, up_to(100)), x));
}

#define TEST(name, times)                                                      \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        each(name, times);                                                     \
    }
TEST(linear, 8)
TEST(conv1d, 20)
TEST(lstm, 6)
TEST(gru, 6)
TEST(rnn, 6)
TEST(unary, 6)
TEST(binary, 60)
TEST(outer, 30)
TEST(affine, 10)
TEST(softmax, 8)
TEST(normalize, 16)
TEST(reduce, 40)
TEST(concat, 20)
TEST(slice, 20)
TEST(reshape, 6)
TEST(transpose, 30)
TEST(expand, 30)
TEST(pad, 20)
TEST(delay, 12)
TEST(hold, 6)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),    cmocka_unit_test(test_conv1d),
        cmocka_unit_test(test_lstm),      cmocka_unit_test(test_gru),
        cmocka_unit_test(test_rnn),       cmocka_unit_test(test_unary),
        cmocka_unit_test(test_binary),    cmocka_unit_test(test_outer),
        cmocka_unit_test(test_affine),    cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_normalize), cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_concat),    cmocka_unit_test(test_slice),
        cmocka_unit_test(test_reshape),   cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_expand),    cmocka_unit_test(test_pad),
        cmocka_unit_test(test_delay),     cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
