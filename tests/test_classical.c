/*
 * Trees, distances and coupled probabilities with random shapes against the
 * plain double reference, on every kernel build; every comparison with every
 * number; what a file may get wrong about them.
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

static fb_image trees(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_id x = fb_input(b, random_shape(mode, 1));
    (void)over;
    return finish(b, fb_trees(b, x, up_to(5), up_to(20), up_to(6),
                              up_to(MLI_AGGREGATE_COUNT) - 1));
}

static fb_image distance(mli_mode mode, int over)
{
    fb *b = fb_new(mode);
    fb_id x = fb_input(b, random_shape(mode, 1));
    (void)over;
    return finish(b,
                  fb_distance(b, x, up_to(40), up_to(MLI_DISTANCE_COUNT) - 1));
}

static fb_image couple(mli_mode mode, uint32_t classes, uint32_t rows)
{
    fb *b = fb_new(mode);
    uint32_t pairs = classes * (classes - 1) / 2;
    fb_shape s = mode == MLI_STREAM ? fb_timed(pairs) : fb_matrix(rows, pairs);
    fb_id x = fb_unary(b, MLI_SIGMOID, fb_input(b, s));
    return finish(b, fb_couple(b, x, classes));
}

/* Not many: whether another round is needed, a float and a double may see
   differently once in 1e5 rows. */
static void test_couple(void **state)
{
    (void)state;
    for (uint32_t classes = 2; classes < 9; classes++) {
        check_file(couple(MLI_STREAM, classes, 1));
        check_file(couple(MLI_STEP, classes, 20));
    }
}

static void test_operators(void **state)
{
    (void)state;
    each(trees, 60);
    each(distance, 60);
}

/* ---------------------------------------------------------- one by one ---- */

static fb_id words(fb *b, const void *from, uint32_t n)
{
    float copy[64];
    memcpy(copy, from, n * sizeof *copy);
    return fb_const(b, fb_vector(n), copy, 1);
}

static fb_image file_of(const mli_tree_node *node, uint32_t nodes,
                        const uint32_t *root, uint32_t trees,
                        const float *weight, uint32_t weights)
{
    static const float base[2] = {0, 0};
    fb *b = fb_new(MLI_STEP);
    fb_id in[5] = {fb_input(b, fb_vector(2))};
    in[1] = words(b, node, 3 * nodes);
    in[2] = words(b, root, trees);
    in[3] = fb_const(b, fb_vector(2), base, 1);
    if (weights)
        in[4] = words(b, weight, 2 * weights);
    fb_id y = fb_op(b, MLI_OP_TREES, fb_vector(2), weights ? 5 : 4, in);
    fb_last(b)->p[0] = 2;
    fb_last(b)->p[1] = 2;
    fb_last(b)->p[2] = MLI_TREES_SUM;
    fb_output(b, y);
    return fb_finish(b);
}

static const uint32_t first[1] = {0};

/* A branch follows `next` for exactly the results that its key names. */
static void test_comparisons(void **state)
{
    const float x[8] = {-INFINITY,   -1,       0.5f, 0.50000006f,
                        0.49999997f, INFINITY, NAN,  -0.0f};
    (void)state;
    for (uint32_t key = 0; key < 16; key++) {
        mli_tree_node node[3] = {{key << 24 | 1, 0.5f, 2},
                                 {MLI_TREE_LEAF, 1, 0},
                                 {MLI_TREE_LEAF, 1, 1}};
        fb_image i = file_of(node, 3, first, 1, NULL, 0);
        player p;
        player_open(&p, i, "generic", 16);
        for (int k = 0; k < 8; k++) {
            float in[2] = {7, x[k]}, y[2], *out = y;
            const float *from = in;
            uint32_t which = isnan(x[k])    ? 8
                             : x[k] < 0.5f  ? 1
                             : x[k] == 0.5f ? 2
                                            : 4;
            mli_run(p.session, &from, &out);
            assert_true(y[(key & which) != 0] == 1);
            assert_true(y[(key & which) == 0] == 0);
        }
        player_close(&p);
        free(i.bytes);
    }
}

/* ------------------------------------------------------- what is wrong ---- */

static void opens(const mli_tree_node *node, uint32_t nodes,
                  const uint32_t *root, uint32_t trees, const float *weight,
                  uint32_t weights, int fits)
{
    fb_image i = file_of(node, nodes, root, trees, weight, weights);
    mli_model model;
    uint32_t index = 9;
    mli_status got = mli_open(&model, i.bytes, i.size, &index);
    assert_int_equal(got, fits ? MLI_OK : MLI_ERR_OP_PARAMETER);
    if (!fits)
        assert_int_equal(index, 0);
    free(i.bytes);
}

static float target(uint32_t t)
{
    float f;
    memcpy(&f, &t, sizeof f);
    return f;
}

static void test_trees_refused(void **state)
{
    const mli_tree_node good[6] = {
        {MLI_TREE_LESS | 1, 0, 2},   {MLI_TREE_LEAF, 1, 0},
        {MLI_TREE_LEAVES | 2, 0, 0}, {MLI_TREE_LESS, 0, 5},
        {MLI_TREE_LEAF, 1, 1},       {MLI_TREE_LEAVES | 1, 0, 2}};
    const uint32_t roots[2] = {0, 3}, late[2] = {1, 3}, twice[2] = {0, 0},
                   far[2] = {0, 6}, back[3] = {0, 3, 2};
    const float weight[6] = {target(0), 1, target(1), 2, target(1), 3};
    const float wild[6] = {target(0), 1, target(2), 2, target(1), 3};
    static const struct {
        uint32_t at;
        mli_tree_node node;
    } bad[] = {
        {0, {MLI_TREE_LESS | 2, 0, 2}},   /* no such feature */
        {0, {MLI_TREE_LESS | 1, NAN, 2}}, /* nothing to compare with */
        {0, {MLI_TREE_LESS | 1, 0, 0}},   /* itself */
        {0, {MLI_TREE_LESS | 1, 0, 3}},   /* in the next tree */
        {0, {MLI_TREE_LESS | 1, 0, 0xffffffffu}},
        {3, {MLI_TREE_LESS, 0, 6}},     /* behind the last */
        {3, {MLI_TREE_LESS, 0, 1}},     /* backwards */
        {5, {MLI_TREE_LESS, 0, 6}},     /* a branch at the end */
        {2, {MLI_TREE_LESS, 0, 3}},     /* and at a tree's end */
        {1, {MLI_TREE_LEAF, 1, 2}},     /* no such target */
        {1, {MLI_TREE_LEAF | 1, 1, 0}}, /* unused bits */
        {1, {MLI_TREE_LEAF | 1u << 30, 1, 0}},
        {1, {3u << 28, 1, 0}},            /* no such kind */
        {2, {MLI_TREE_LEAVES | 1, 0, 0}}, /* a weight left over */
        {2, {MLI_TREE_LEAVES | 3, 0, 0}}, /* one used twice */
        {2, {MLI_TREE_LEAVES | 2, 0, 1}}, /* not in order */
        {5, {MLI_TREE_LEAVES | 2, 0, 2}}, /* behind the last */
        {5, {MLI_TREE_LEAVES | 0xffffff, 0, 2}},
        {2, {MLI_TREE_LEAVES | 2, 1, 0}}, /* unused word */
        {2, {MLI_TREE_LEAVES | MLI_TREE_NAN | 2, 0, 0}},
    };
    (void)state;
    opens(good, 6, roots, 2, weight, 3, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mli_tree_node n[6];
        memcpy(n, good, sizeof n);
        n[bad[i].at] = bad[i].node;
        opens(n, 6, roots, 2, weight, 3, 0);
    }
    opens(good, 6, late, 2, weight, 3, 0);
    opens(good, 6, twice, 2, weight, 3, 0);
    opens(good, 6, far, 2, weight, 3, 0);
    opens(good, 6, back, 3, weight, 3, 0);
    opens(good, 6, roots, 2, wild, 3, 0);
    opens(good, 6, roots, 2, NULL, 0, 0);
    opens(good, 2, first, 1, NULL, 0, 0); /* cut off */
}

/* So many operators over the same ensemble of so many leaves. */
static fb_image same_trees(uint32_t operators, uint32_t leaves)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_vector(1)), y = x;
    mli_tree_node *node = malloc(leaves * sizeof *node);
    float *root = malloc(leaves * sizeof *root);
    for (uint32_t i = 0; i < leaves; i++) {
        node[i] = (mli_tree_node){MLI_TREE_LEAF, 1, 0};
        memcpy(root + i, &i, sizeof i);
    }
    fb_id in[4] = {x, fb_const(b, fb_vector(3 * leaves), (float *)node, 1),
                   fb_const(b, fb_vector(leaves), root, 1),
                   fb_const(b, fb_vector(1), NULL, 1)};
    for (uint32_t i = 0; i < operators; i++) {
        y = fb_op(b, MLI_OP_TREES, fb_vector(1), 4, in);
        fb_last(b)->p[0] = fb_last(b)->p[1] = 1;
    }
    fb_output(b, y);
    free(node);
    free(root);
    return fb_finish(b);
}

/* Or a file of some megabytes could keep mli_open busy for hours. */
static void test_trees_again_and_again(void **state)
{
    mli_model model;
    uint32_t index = 0;
    (void)state;
    fb_image few = same_trees(100, 20000), many = same_trees(250, 20000);
    assert_int_equal(mli_open(&model, few.bytes, few.size, &index), MLI_OK);
    assert_int_equal(mli_open(&model, many.bytes, many.size, &index),
                     MLI_ERR_COMPLEXITY);
    assert_true(index > 100 && index < 250);
    free(few.bytes);
    free(many.bytes);
}

/* Operators 0 and 1: DISTANCE, COUPLE. */
static fb_image base(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_vector(4));
    fb_output(b, fb_couple(b, fb_distance(b, x, 6, MLI_MINKOWSKI), 4));
    return fb_finish(b);
}

static void change(mli_status status, uint32_t op, uint32_t at, uint32_t value,
                   float fp)
{
    fb_image i = base();
    mli_file_op *ops = fb_section(i, MLI_SEC_OPS);
    mli_model model;
    uint32_t index = 0;
    if (at < 8)
        ops[op].p[at] = value;
    else
        ops[op].fp = fp;
    fb_seal(i);
    assert_int_equal(mli_open(&model, i.bytes, i.size, &index), status);
    if (status != MLI_OK)
        assert_int_equal(index, op);
    free(i.bytes);
}

static void test_others_refused(void **state)
{
    (void)state;
    change(MLI_OK, 0, 8, 0, 2.5f);
    change(MLI_OK, 0, 2, MLI_POWER_SUM, 0);
    change(MLI_ERR_OP_PARAMETER, 0, 8, 0, 0.0f);
    change(MLI_ERR_OP_PARAMETER, 0, 8, 0, -1.0f);
    change(MLI_ERR_OP_PARAMETER, 0, 8, 0, INFINITY);
    change(MLI_ERR_OP_PARAMETER, 0, 8, 0, NAN);
    change(MLI_ERR_OP_PARAMETER, 0, 0, 0, 0);
    change(MLI_ERR_OP_PARAMETER, 0, 1, 0, 0);
    change(MLI_ERR_OP_PARAMETER, 0, 1, 0xffffffffu, 0);
    change(MLI_ERR_OP_SHAPE, 0, 0, 3, 0);
    change(MLI_ERR_OP_SHAPE, 0, 1, 5, 0);
    change(MLI_ERR_OP_PARAMETER, 0, 2, MLI_EUCLIDEAN, 0); /* fp is left */
    change(MLI_ERR_OP_PARAMETER, 0, 2, MLI_DISTANCE_COUNT, 0);
    change(MLI_ERR_OP_UNUSED, 0, 3, 1, 0);
    change(MLI_ERR_OP_PARAMETER, 1, 0, 1, 0);
    change(MLI_ERR_OP_PARAMETER, 1, 0, 0x80000001u, 0);
    change(MLI_ERR_OP_SHAPE, 1, 0, 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_couple),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_trees_refused),
        cmocka_unit_test(test_trees_again_and_again),
        cmocka_unit_test(test_others_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
