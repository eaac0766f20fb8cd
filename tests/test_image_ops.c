/*
 * CONV2D and POOL with random shapes against the plain double reference, on
 * every kernel build; what a file, or a caller of their builders, may get
 * wrong about them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ir.h"
#include "op_check.h"

static fb_image conv2d(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    uint32_t groups = up_to(3), in = groups * up_to(6);
    uint32_t out = groups * up_to(12), kind = up_to(6);
    fb_shape s = {mode == MLI_STREAM, 3, {0}};
    uint32_t p[7];
    if (kind == 1) /* depthwise */
        in = out = groups = up_to(33);
    else if (kind == 2) /* one output: inputs across the lanes */
        out = groups = 1, in = 4 + up_to(20);
    else if (kind == 3) /* a filter: frames across the lanes */
        out = in = groups = 1;
    if (up_to(3) == 1)
        s.dims[s.rank++ - 3] = up_to(3); /* several images */
    for (int i = 0; i < 2; i++) {
        uint32_t *dim = s.dims + s.rank - 3 + i;
        p[i] = up_to(kind == 3 ? 6 : 3);
        p[2 + i] = p[i] == 1 ? 1 : up_to(3);
        p[4 + i] = up_to(3);
        *dim = (p[i] - 1) * p[2 + i] + up_to(9);
    }
    s.dims[s.rank - 1] = in;
    p[6] = groups;
    fb_id y = fb_conv2d(b, fb_input(b, s), out, p);
    fb_last(b)->fn = over ? MLI_TANH : MLI_IDENTITY;
    return finish(b, y);
}

/* Kernels over the whole width: a column of pixels is left. */
static fb_image column(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    uint32_t in = up_to(5), out = over ? up_to(40) : 1;
    fb_shape s = {mode == MLI_STREAM, 3, {1 + up_to(9), up_to(5), in}};
    uint32_t p[7] = {2, s.dims[1], 1, 1, up_to(2), 1, 1};
    return finish(b, fb_conv2d(b, fb_input(b, s), out, p));
}

static fb_image pool(mli_mode mode, int over)
{
    static const uint32_t kinds[4] = {MLI_REDUCE_SUM, MLI_REDUCE_MAX,
                                      MLI_REDUCE_MIN, MLI_REDUCE_PROD};
    fb *b = fb_new(mode);
    fb_shape s = random_shape(mode, 1);
    uint32_t axis = up_to(s.rank) - 1, size = up_to(5), dilation = up_to(3);
    uint32_t reach = (size - 1) * dilation;
    uint32_t p[7] = {kinds[up_to(4) - 1], axis, size, up_to(3), dilation, 0, 0};
    s.dims[axis] = up_to(12);
    if (over) {
        p[5] = up_to(reach + 1) - 1;
        p[6] = up_to(reach + 2) - 1;
    }
    if (s.dims[axis] + p[5] + p[6] <= reach)
        s.dims[axis] = reach + 1;
    return finish(b, fb_pool(b, fb_input(b, s), p));
}

static void test_conv2d(void **state)
{
    (void)state;
    each(conv2d, 40);
    each(column, 6);
}

static void test_pool(void **state)
{
    (void)state;
    each(pool, 40);
}

/* ------------------------------------------------------- what is wrong ----
 */

static fb_image base(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_shape s = {0, 3, {7, 5, 4}};
    uint32_t p[7] = {3, 2, 2, 1, 1, 3, 2};
    uint32_t q[7] = {MLI_REDUCE_MAX, 1, 2, 2, 1, 1, 1};
    fb_id y = fb_conv2d(b, fb_input(b, s), 6, p);
    return finish(b, fb_pool(b, y, q));
}

static void expect(mli_status status, uint32_t op, uint32_t at, uint32_t value)
{
    check_param(base(), status, op, at, value);
}

static void test_wrong(void **state)
{
    (void)state;
    expect(MLI_OK, 0, 8, 0);
    for (uint32_t i = 0; i < 7; i++) {
        expect(MLI_ERR_OP_PARAMETER, 0, i, 0);
        expect(MLI_ERR_OP_PARAMETER, 0, i, (1u << 28) + 1);
    }
    expect(MLI_ERR_OP_SHAPE, 0, 0, 2);     /* weights of another size */
    expect(MLI_ERR_OP_SHAPE, 0, 2, 1);     /* another height */
    expect(MLI_ERR_OP_SHAPE, 0, 2, 3);     /* none at all */
    expect(MLI_ERR_OP_SHAPE, 0, 5, 1);     /* another width */
    expect(MLI_ERR_OP_PARAMETER, 0, 6, 4); /* 6 outputs in 4 groups */
    expect(MLI_ERR_OP_UNUSED, 0, 7, 1);
    expect(MLI_ERR_OP_PARAMETER, 1, 0, MLI_REDUCE_MEAN);
    expect(MLI_ERR_OP_PARAMETER, 1, 0, 1000);
    expect(MLI_ERR_OP_PARAMETER, 1, 1, 3);
    expect(MLI_ERR_OP_SHAPE, 1, 1, 0);
    for (uint32_t i = 2; i < 5; i++)
        expect(MLI_ERR_OP_PARAMETER, 1, i, 0);
    for (uint32_t i = 2; i < 7; i++)
        expect(MLI_ERR_OP_PARAMETER, 1, i, (1u << 28) + 1);
    expect(MLI_ERR_OP_PARAMETER, 1, 2, MLI_MAX_POOL + 1);
    expect(MLI_ERR_OP_SHAPE, 1, 2, MLI_MAX_POOL);
    expect(MLI_ERR_OP_SHAPE, 1, 6, 5);
    expect(MLI_ERR_OP_UNUSED, 1, 7, 1);
}

/* ------------------------------------------------------- the builders ----
 */

/* An image through a builder; words: of the error that must come of it. */
static void build_conv(uint32_t rank, const uint32_t *dims, uint32_t outputs,
                       const uint32_t p[7], const char *words)
{
    static const float w[4096];
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", rank, dims);
    ir_id y = ir_conv2d(g, x, outputs, p, p + 2, p + 4, p[6], w, w);
    if (words) {
        assert_int_equal(y, IR_NONE);
        if (!strstr(g->error, words))
            fail_msg("no word of \"%s\" in \"%s\"", words, g->error);
    } else {
        const ir_value *v = ir_get(g, y);
        assert_non_null(v);
        assert_int_equal(v->rank, rank);
        assert_int_equal(v->dims[rank - 3], 2);
        assert_int_equal(v->dims[rank - 2], 3);
        assert_int_equal(v->dims[rank - 1], outputs);
    }
    ir_free(g);
}

static void build_pool(mli_reduce fn, uint32_t axis, ir_window window,
                       uint32_t want)
{
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", 2, (uint32_t[]){9, 4});
    ir_id y = ir_pool(g, fn, x, axis, &window);
    if (want) {
        assert_non_null(ir_get(g, y));
        assert_int_equal(ir_get(g, y)->dims[axis], want);
    } else {
        assert_int_equal(y, IR_NONE);
        assert_non_null(strstr(g->error, "pool"));
    }
    ir_free(g);
}

static void test_builders(void **state)
{
    static const uint32_t image[4] = {2, 6, 7, 4};
    static const uint32_t p[7] = {3, 2, 1, 2, 2, 2, 2};
    static const uint32_t tall[7] = {7, 2, 1, 1, 1, 1, 1};
    static const uint32_t none[7] = {3, 0, 1, 1, 1, 1, 1};
    static const uint32_t huge[7] = {1u << 20, 1u << 20, 1, 1, 1, 1, 1};
    (void)state;
    build_conv(4, image, 6, p, NULL);
    build_conv(3, image + 1, 6, p, NULL);
    build_conv(2, image + 2, 6, p, "convolution of [7, 4]");
    build_conv(3, image + 1, 5, p, "5 outputs");
    build_conv(3, image + 1, 6, tall, "kernel 7 x 2");
    build_conv(3, image + 1, 6, none, "kernel 3 x 0");
    build_conv(3, image + 1, 6, huge, "kernel");
    build_pool(MLI_REDUCE_MAX, 0, (ir_window){3, 2, 1, 0, 0}, 4);
    build_pool(MLI_REDUCE_SUM, 0, (ir_window){3, 2, 2, 1, 2}, 4);
    build_pool(MLI_REDUCE_MAX, 2, (ir_window){3, 2, 1, 0, 0}, 0);
    build_pool(MLI_REDUCE_MAX, 1, (ir_window){5, 1, 1, 0, 0}, 0);
    build_pool(MLI_REDUCE_MAX, 1, (ir_window){0, 1, 1, 0, 0}, 0);
    build_pool(MLI_REDUCE_MAX, 1, (ir_window){1, 0, 1, 0, 0}, 0);
    build_pool(MLI_REDUCE_MAX, 1, (ir_window){1, 1, 1, UINT32_MAX, 1}, 0);
    build_pool(MLI_REDUCE_L2, 1, (ir_window){2, 1, 1, 0, 0}, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_builders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
