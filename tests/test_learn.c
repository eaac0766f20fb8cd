/*
 * test_learn.c - mapping by showing: the store of examples, the blend against
 * its formula in double precision and against inverse distance weighting, and
 * what files keep.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "csv.h"
#include "learner.h"
#include "smooth_functions.h"
#include "train.h"

static float uniform(void)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 16777216.0f;
}

static uint32_t below(uint32_t n)
{
    uint32_t i = (uint32_t)(uniform() * (float)n);
    return i < n ? i : n - 1;
}

static const mli_kernels *kernels(void)
{
    return mli_kernels_find(getenv("MLI_KERNELS"));
}

static learner *make(uint32_t inputs, uint32_t outputs, uint32_t capacity)
{
    mlc_error error = {MLC_OK, ""};
    learner *l = learner_new(inputs, outputs, capacity, kernels(), &error);
    if (!l)
        print_message("%s\n", error.text);
    assert_non_null(l);
    return l;
}

static void fill(learner *l, uint32_t n)
{
    float x[16], y[16];
    while (n--) {
        for (int i = 0; i < 16; i++)
            x[i] = uniform() * 10.0f - 3.0f, y[i] = uniform();
        assert_int_equal(learner_add(l, x, y), LEARN_OK);
    }
}

/* ---------------------------------------------------------- the store ---- */

static float first(const learner *l, uint32_t n)
{
    return l->examples.x[n * l->examples.inputs];
}

static void undo_takes_back(void **state)
{
    (void)state;
    learner *l = make(1, 1, 8);
    float y[32];
    assert_int_equal(learner_undo(l), LEARN_NO_EXAMPLE);
    assert_int_equal(learner_clear(l), LEARN_NO_EXAMPLE);
    for (float x = 0; x < 5; x++)
        learner_add(l, &x, &x);
    learner_delete(l, 1);
    learner_delete(l, 2); /* 0 2 4 */
    assert_int_equal(l->examples.count, 3);
    assert_true(first(l, 1) == 2 && first(l, 2) == 4);
    learner_clear(l);
    assert_int_equal(learner_answers(l), 0);
    learner_undo(l);
    assert_int_equal(l->examples.count, 3);
    learner_undo(l); /* 0 2 3 4 */
    assert_true(first(l, 1) == 2 && first(l, 2) == 3 && first(l, 3) == 4);
    learner_undo(l);
    for (uint32_t i = 0; i < 5; i++)
        assert_true(first(l, i) == (float)i);
    learner_undo(l); /* the last example itself */
    assert_int_equal(l->examples.count, 4);
    float x = 3;
    assert_int_equal(learner_answer(l, &x, y), 1);
    assert_true(y[0] == 3);
    assert_int_equal(learner_delete(l, 4), LEARN_NO_EXAMPLE);
    learner_delete(l, 0);
    learner_add(l, &x, &x); /* over what was removed */
    learner_undo(l);
    assert_int_equal(l->examples.count, 3);
    learner_free(l);
}

/* Against a plain list with copies for undo. */
static void any_order_of_changes(void **state)
{
    (void)state;
    learner *l = make(2, 1, 6);
    float list[7][2], kept[64][7][2];
    uint32_t n = 0, sizes[64], depth = 0;
    for (int round = 0; round < 20000; round++) {
        float x[2] = {uniform(), uniform()};
        switch (below(4)) {
        case 0:
            if (n == 6) {
                assert_int_equal(learner_add(l, x, x), LEARN_FULL);
                break;
            }
            assert_int_equal(learner_add(l, x, x), LEARN_OK);
            memcpy(list[n++], x, sizeof x);
            depth = 0;
            break;
        case 1: {
            uint32_t at = below(7);
            if (at < n) {
                memcpy(kept[depth], list, sizeof list);
                sizes[depth++] = n;
                memmove(list[at], list[at + 1], (6 - at) * sizeof x);
                n--;
                assert_int_equal(learner_delete(l, at), LEARN_OK);
            } else {
                assert_int_equal(learner_delete(l, at), LEARN_NO_EXAMPLE);
            }
            break;
        }
        case 2:
            if (depth) {
                memcpy(list, kept[--depth], sizeof list);
                n = sizes[depth];
            } else if (n) {
                n--;
            }
            learner_undo(l);
            break;
        default:
            if (below(5) || !n)
                break;
            memcpy(kept[depth], list, sizeof list);
            sizes[depth++] = n;
            n = 0;
            assert_int_equal(learner_clear(l), LEARN_OK);
        }
        assert_int_equal(l->examples.count, n);
        assert_memory_equal(l->examples.x, list, n * sizeof x);
    }
    learner_free(l);
}

static void labels_and_outputs_do_not_mix(void **state)
{
    (void)state;
    learner *l = make(1, 1, 100);
    float x = 0;
    char name[8];
    learner_add(l, &x, &x);
    assert_int_equal(learner_add_label(l, &x, "a"), LEARN_OTHER_KIND);
    learner_clear(l);
    for (int i = 0; i < (int)LEARN_LABELS; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(learner_add_label(l, &x, name), LEARN_OK);
    }
    assert_int_equal(learner_add_label(l, &x, "x"), LEARN_MANY_LABELS);
    assert_int_equal(learner_add_label(l, &x, "3"), LEARN_OK);
    assert_int_equal(learner_add(l, &x, &x), LEARN_OTHER_KIND);
    learner_undo(l);
    learner_undo(l); /* "31": its place is free again */
    assert_int_equal(learner_answers(l), LEARN_LABELS - 1);
    assert_int_equal(learner_add_label(l, &x, "x"), LEARN_OK);
    assert_string_equal(l->examples.name[LEARN_LABELS - 1], "x");
    learner_clear(l);
    assert_int_equal(learner_add(l, &x, &x), LEARN_OK);
    learner_free(l);
}

/* ---------------------------------------------------------- the blend ---- */

/* The formula of blend.h in double precision; weight: not shared out. */
static double weight(const learner *l, uint32_t n, const float *x)
{
    double d = 0, p = fmin(l->examples.inputs + 2, 8);
    for (uint32_t i = 0; i < l->examples.inputs; i++) {
        float low, high;
        learn_range_in(&l->examples, i, &low, &high);
        double e = l->examples.x[n * l->examples.inputs + i];
        if (high > low)
            d += pow((x[i] - e) / ((double)high - low), 2);
    }
    return pow(d + fmax((double)l->smooth * l->smooth, 1e-36), -p / 2);
}

static void reference(const learner *l, const float *x, double *y)
{
    const learn_examples *e = &l->examples;
    double sum = 0;
    for (uint32_t o = 0; o < e->outputs; o++)
        y[o] = 0;
    for (uint32_t n = 0; n < e->count; n++) {
        double w = weight(l, n, x);
        sum += w;
        for (uint32_t o = 0; o < e->outputs; o++)
            y[o] += w * e->y[n * e->outputs + o];
    }
    for (uint32_t o = 0; o < e->outputs; o++)
        y[o] /= sum;
}

static void the_blend_is_its_formula(void **state)
{
    (void)state;
    static const uint32_t sizes[][3] = {{3, 4, 512}, {1, 1, 1},   {1, 3, 2},
                                        {2, 1, 5},   {16, 9, 40}, {8, 16, 33}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        learner *l = make(sizes[k][0], sizes[k][1], sizes[k][2]);
        while (l->examples.count < l->examples.capacity) {
            fill(l, 1);
            learner_smooth(l, below(2) ? uniform() : 0);
            float x[16], y[64];
            double want[16];
            for (int i = 0; i < 16; i++)
                x[i] = uniform() * 14 - 5;
            assert_int_equal(learner_answer(l, x, y), sizes[k][1]);
            reference(l, x, want);
            for (uint32_t o = 0; o < sizes[k][1]; o++)
                if (!(fabs(y[o] - want[o]) <= 2e-5)) {
                    fail_msg("%u %u %u: %.9g, expected %.9g", sizes[k][0],
                             sizes[k][1], l->examples.count, (double)y[o],
                             want[o]);
                }
        }
        learner_free(l);
    }
}

static void examples_are_answered_exactly(void **state)
{
    (void)state;
    learner *l = make(3, 4, 64);
    float y[64];
    while (l->examples.count < 64) {
        fill(l, 1);
        for (uint32_t n = 0; n < l->examples.count; n++) {
            learner_answer(l, l->examples.x + 3 * n, y);
            for (int o = 0; o < 4; o++)
                assert_float_equal(y[o], l->examples.y[4 * n + o], 1e-6);
        }
    }
    learner_smooth(l, 0.3f);
    learner_answer(l, l->examples.x, y);
    assert_true(fabsf(y[0] - l->examples.y[0]) > 1e-3f);
    learner_free(l);
}

static int finite_all(const float *y, uint32_t n)
{
    while (n--)
        if (!(y[n] - y[n] == 0))
            return 0;
    return 1;
}

static void odd_examples_give_numbers(void **state)
{
    (void)state;
    static const float odd[] = {0,       -0.0f,       1,           1e-45f,
                                1e-38f,  1e38f,       -3e38f,      3.4e38f,
                                -1e-30f, 16777216.0f, 16777217.0f, 1e20f};
    enum { ODD = sizeof odd / sizeof *odd };
    for (int round = 0; round < 3000; round++) {
        learner *l = make(2, 2, 4);
        for (int n = 0; n < 4; n++) {
            float x[2] = {odd[below(ODD)], odd[below(ODD)]}, y[64];
            float to[2] = {uniform(), uniform()};
            learner_add(l, x, to);
            learner_smooth(l, below(2) ? odd[below(ODD)] : 0);
            for (int i = 0; i < ODD; i++) {
                float at[2] = {odd[i], odd[below(ODD)]};
                learner_answer(l, at, y);
                assert_true(finite_all(y, 2));
                assert_true(y[0] > -0.01f && y[0] < 1.01f);
            }
        }
        learner_free(l);
    }
}

static void the_same_place_twice_is_the_mean(void **state)
{
    (void)state;
    learner *l = make(2, 1, 8);
    float x[2] = {0.3f, 0.7f}, y[64], a = 1, b = 2, c = 9, far[2] = {1, 1};
    learner_add(l, x, &a);
    learner_answer(l, far, y);
    assert_true(y[0] == 1); /* one example is the answer everywhere */
    learner_add(l, x, &b);
    learner_answer(l, x, y);
    assert_float_equal(y[0], 1.5, 1e-6);
    learner_answer(l, far, y);
    assert_float_equal(y[0], 1.5, 1e-6);
    learner_add(l, far, &c);
    learner_answer(l, x, y);
    assert_float_equal(y[0], 1.5, 1e-6);
    learner_free(l);
}

/* Smooth, of 3 values: rotated waves and products, unlike among rounds; or one
   of two that are always the same and bend more. */
typedef struct function {
    int kind;
    float w[4][3], b[4];
} function;

static void random_function(function *f)
{
    f->kind = (f->kind + 1) % 4;
    for (int o = 0; o < 4; o++) {
        f->b[o] = uniform() * 6;
        for (int i = 0; i < 3; i++)
            f->w[o][i] = uniform() * 4 - 2;
    }
}

static void evaluate(const function *f, const float *x, float *y)
{
    if (f->kind == 1) {
        y[0] = sinf(6.2832f * x[0]);
        y[1] = x[1] * x[2];
        y[2] = cosf(3.1416f * (x[0] + x[1]));
        y[3] = tanhf(2 * x[2] - 1);
        return;
    }
    if (f->kind == 2) {
        y[0] = sinf(3.1416f * x[0] * x[1]);
        y[1] = x[0] * x[0] + x[1] * x[1];
        y[2] = expf(-x[0] - x[2]);
        y[3] = sqrtf(1 + x[1] + x[2]);
        return;
    }
    for (int o = 0; o < 4; o++) {
        const float *w = f->w[o];
        y[o] = sinf(w[0] * x[0] + w[1] * x[1] + f->b[o]) +
               w[2] * x[2] * x[0] * 0.5f;
    }
}

/* By hand, in double: weights 1/d^2 of the inputs as they are. */
static void inverse_distances(const learner *l, const float *x, double *y)
{
    double sum = 0;
    memset(y, 0, 4 * sizeof *y);
    for (uint32_t n = 0; n < l->examples.count; n++) {
        double d = 1e-30;
        for (int i = 0; i < 3; i++)
            d += pow((double)x[i] - l->examples.x[3 * n + i], 2);
        sum += 1 / d;
        for (int o = 0; o < 4; o++)
            y[o] += l->examples.y[4 * n + o] / d;
    }
    for (int o = 0; o < 4; o++)
        y[o] /= sum;
}

typedef struct errors {
    double blend, inverse, network;
} errors;

/* Root mean square errors on 1000 points that were not shown. */
static errors measure(learner *l, learn_runner *network, const function *f)
{
    errors e = {0, 0, 0};
    for (int k = 0; k < 1000; k++) {
        float x[3] = {uniform(), uniform(), uniform()}, y[64], z[64], want[4];
        double other[4];
        evaluate(f, x, want);
        learner_answer(l, x, y);
        inverse_distances(l, x, other);
        if (network)
            learn_runner_run(network, x, z);
        for (int o = 0; o < 4; o++) {
            e.blend += pow((double)y[o] - want[o], 2) / 4000;
            e.inverse += pow(other[o] - want[o], 2) / 4000;
            e.network += network ? pow((double)z[o] - want[o], 2) / 4000 : 0;
        }
    }
    return (errors){sqrt(e.blend), sqrt(e.inverse), sqrt(e.network)};
}

static void show(learner *l, const function *f, int n)
{
    learner_clear(l);
    while (n--) {
        float x[3] = {uniform(), uniform(), uniform()}, y[4];
        evaluate(f, x, y);
        learner_add(l, x, y);
    }
}

static void the_blend_beats_inverse_distances(void **state)
{
    (void)state;
    learner *l = make(3, 4, 512);
    function f = {0};
    double worst = 0, mean = 0;
    for (int round = 0; round < 40; round++) {
        random_function(&f);
        show(l, &f, 20);
        errors e = measure(l, NULL, &f);
        assert_true(e.blend <= e.inverse);
        worst = fmax(worst, e.blend / e.inverse);
        mean += e.blend / e.inverse / 40;
    }
    print_message("error against inverse distance weighting: %.2f, at worst "
                  "%.2f\n",
                  mean, worst);
    learner_free(l);
}

/* ------------------------------------------------------------- labels ---- */

static void the_nearest_label_wins(void **state)
{
    (void)state;
    static const char *const names[] = {"fist", "open", "point", "3"};
    learner *l = make(3, 1, 60);
    for (int round = 0; round < 50; round++) {
        learner_clear(l);
        for (int n = 1 + (int)below(60); n; n--) {
            float x[3] = {uniform(), uniform() * 100, uniform() - 5};
            learner_add_label(l, x, names[below(4)]);
        }
        for (int k = 0; k < 50; k++) {
            float x[3] = {uniform(), uniform() * 100, uniform() - 5}, y[64];
            uint32_t best = 0, nearest = 0, n = learner_answer(l, x, y);
            float sum = 0;
            for (uint32_t i = 0; i < n; i++) {
                best = y[i] > y[best] ? i : best;
                sum += y[i];
            }
            for (uint32_t i = 0; i < l->examples.count; i++)
                if (weight(l, i, x) > weight(l, nearest, x))
                    nearest = i;
            assert_int_equal(best, l->examples.label[nearest]);
            assert_float_equal(sum, 1, 1e-5);
        }
    }
    float y[64];
    assert_true(learner_answer(l, l->examples.x, y) > 0);
    assert_float_equal(y[l->examples.label[0]], 1, 1e-6);
    learner_free(l);
}

/* -------------------------------------------------------------- files ---- */

static char path[] = "/tmp/test_learn_XXXXXX";

static int begin_files(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int end_files(void **state)
{
    (void)state;
    return unlink(path);
}

/* Answers of a file in an ordinary session are those of l to the bit. */
static void compare_with_file(learner *l)
{
    mlc_image image;
    learn_runner runner;
    mlc_error error = {MLC_OK, ""};
    mlc_status status = mlc_load(path, NULL, &image, &error);
    if (status)
        fail_msg("%s", error.text);
    mli_info info;
    assert_int_equal(learn_runner_make(&runner, &image, kernels(), &error),
                     MLC_OK);
    mli_get_info(&runner.model, &info);
    assert_int_equal(info.out_channels, learner_answers(l));
    for (int k = 0; k < 200; k++) {
        float x[16], a[64], b[64];
        for (int i = 0; i < 16; i++)
            x[i] = k % 10
                       ? uniform() * 14 - 5
                       : l->examples
                             .x[below(l->examples.count * l->examples.inputs)];
        uint32_t n = learner_answer(l, x, a);
        learn_runner_run(&runner, x, b);
        assert_memory_equal(a, b, n * sizeof *a);
    }
    learn_runner_free(&runner);
}

static void same_examples(const learner *a, const learner *b)
{
    const learn_examples *e = &a->examples, *f = &b->examples;
    assert_int_equal(e->count, f->count);
    assert_int_equal(learn_examples_classes(e), learn_examples_classes(f));
    assert_memory_equal(e->x, f->x, e->count * e->inputs * sizeof(float));
    assert_memory_equal(e->y, f->y, e->count * e->outputs * sizeof(float));
    for (uint32_t i = 0; learn_examples_classes(e) && i < e->count; i++)
        assert_string_equal(e->name[e->label[i]], f->name[f->label[i]]);
    assert_true(a->smooth == b->smooth);
}

static void write_and_load(learner *l)
{
    mlc_error error = {MLC_OK, ""};
    learner *other = make(l->examples.inputs, l->examples.outputs, 70);
    if (learner_write(l, path, &error) || learner_load(other, path, &error))
        fail_msg("%s", error.text);
    compare_with_file(l);
    same_examples(l, other);
    learner_free(other);
}

static void a_file_gives_the_same_bits(void **state)
{
    (void)state;
    static const uint32_t inputs[] = {1, 2, 3, 8};
    for (int k = 0; k < 12; k++) {
        learner *l = make(inputs[k % 4], 1 + below(9), 33 + below(32));
        mlc_error error = {MLC_OK, ""};
        assert_int_not_equal(learner_write(l, path, &error), MLC_OK);
        learner_smooth(l, k % 2 ? uniform() : 0);
        fill(l, 1);
        write_and_load(l);
        fill(l, 1 + below(31));
        write_and_load(l);
        learner_free(l);
    }
}

static void a_file_of_labels_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const names[] = {"a",    "b, \"c\"", "7", "\xff\xc3\xa4",
                                        " e\n", "",         "g;"};
    learner *l = make(2, 3, 64);
    for (int n = 0; n < 40; n++) {
        float x[2] = {uniform() * 10, uniform()};
        learner_add_label(l, x, names[n < 3 ? n : (int)below(7)]);
        write_and_load(l);
    }
    assert_string_equal(l->examples.name[1], "b, \"c\"");
    learner_free(l);
}

static void a_file_says_what_was_shown(void **state)
{
    (void)state;
    learner *l = make(2, 1, 8);
    mlc_error error = {MLC_OK, ""};
    mlc_image image;
    mli_model model;
    mli_port port;
    mli_channel channel;
    float a[2] = {-3, 5}, b[2] = {7, 5};
    learner_add_label(l, a, "left");
    learner_add_label(l, b, "right");
    assert_int_equal(learner_image(l, "sides", &image, &error), MLC_OK);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    assert_string_equal(mli_get_meta(&model, "name"), "sides");
    assert_string_equal(mli_get_meta(&model, "examples"),
                        "in1,in2,label\n-3,5,\"left\"\n7,5,\"right\"\n");
    mli_get_output(&model, 0, &port);
    assert_true(port.classes && port.channels == 2);
    mli_get_output_channel(&model, 0, 1, &channel);
    assert_string_equal(channel.label, "right");
    mli_get_input_channel(&model, 0, 0, &channel);
    assert_true(channel.low == -3 && channel.high == 7);
    mlc_image_free(&image);
    learner_free(l);
}

static void loading_is_refused(void **state)
{
    (void)state;
    learner *l = make(2, 1, 8), *wide = make(3, 1, 8), *few = make(2, 1, 4);
    mlc_error error = {MLC_OK, ""};
    fill(l, 6);
    assert_int_equal(learner_write(l, path, &error), MLC_OK);
    fill(wide, 3);
    assert_int_not_equal(learner_load(wide, path, &error), MLC_OK);
    assert_non_null(strstr(error.text, "-learn 2 1"));
    assert_int_equal(wide->examples.count, 3);
    fill(few, 3);
    assert_int_not_equal(learner_load(few, path, &error), MLC_OK);
    assert_non_null(strstr(error.text, "-capacity"));
    assert_int_equal(few->examples.count, 3);
    assert_int_equal(learner_load(l, "/nowhere/at/all", &error), MLC_NOT_FOUND);
    assert_int_not_equal(learner_write(l, "/nowhere/at/all", &error), MLC_OK);
    assert_int_equal(l->examples.count, 6);
    learner_free(l);
    learner_free(wide);
    learner_free(few);
}

/* ----------------------------------------------------------- training ---- */

static void exp_and_tanh(void **state)
{
    (void)state;
    for (double x = -720; x <= 0; x += 0.0371)
        assert_true(fabs(learn_exp(x) - exp(x)) <= 1e-15 * exp(x) + 1e-300);
    for (double x = -30; x <= 30; x += 0.0113)
        assert_true(fabs(learn_tanh(x) - tanh(x)) <= 1e-15);
    assert_true(learn_tanh(0) == 0 && learn_exp(0) == 1);
}

static learn_runner train(const learner *l, uint32_t layers, uint32_t units)
{
    learn_recipe recipe = {layers, {units, units, units, units}};
    mlc_error error = {MLC_OK, ""};
    mlc_image image;
    learn_runner network = {0};
    if (learn_train(&l->examples, &recipe, NULL, NULL, &image, &error) ||
        learn_runner_make(&network, &image, kernels(), &error))
        fail_msg("%s", error.text);
    return network;
}

static void a_network_has_half_the_error(void **state)
{
    (void)state;
    learner *l = make(3, 4, 512);
    function f = {0};
    double worst = 0, mean = 0;
    for (int round = 0; round < 12; round++) {
        random_function(&f);
        show(l, &f, 20);
        learn_runner network = train(l, 1, 32);
        errors e = measure(l, &network, &f);
        assert_true(e.network <= 0.5 * e.blend);
        worst = fmax(worst, e.network / e.blend);
        mean += e.network / e.blend / 12;
        learn_runner_free(&network);
    }
    print_message("a network's error against the blend's: %.2f, at worst "
                  "%.2f\n",
                  mean, worst);
    learner_free(l);
}

static void networks_of_any_shape(void **state)
{
    (void)state;
    for (uint32_t layers = 0; layers <= LEARN_LAYERS; layers++) {
        learner *l = make(2, 3, 16);
        float y[64];
        for (uint32_t n = 1; n <= 5; n += 4) {
            fill(l, n);
            learn_runner network = train(l, layers, 1 + 5 * layers);
            learn_runner_run(&network, l->examples.x, y);
            assert_true(finite_all(y, 3));
            if (n == 1 || layers == 2) /* as many as a layer can have */
                for (int o = 0; o < 3; o++)
                    assert_float_equal(y[o], l->examples.y[o], 0.1);
            learn_runner_free(&network);
        }
        learner_free(l);
    }
}

static void training_of_labels(void **state)
{
    (void)state;
    learner *l = make(2, 1, 64);
    int right = 0;
    for (int n = 0; n < 40; n++) {
        float x[2] = {uniform(), uniform() * 50 + 100};
        learner_add_label(l, x,
                          x[0] > 0.5f  ? "right"
                          : x[1] > 125 ? "up"
                                       : "down");
    }
    learn_runner network = train(l, 1, 8);
    for (int k = 0; k < 500; k++) {
        float x[2] = {uniform(), uniform() * 50 + 100}, y[64];
        const char *want = x[0] > 0.5f ? "right" : x[1] > 125 ? "up" : "down";
        learn_runner_run(&network, x, y);
        int best = y[1] > y[0] ? y[2] > y[1] ? 2 : 1 : y[2] > y[0] ? 2 : 0;
        assert_float_equal(y[0] + y[1] + y[2], 1, 1e-5);
        right += !strcmp(l->examples.name[best], want);
    }
    assert_true(right > 450);
    learner_set_network(l, &network);
    write_and_load(l);
    learner_free(l);
}

static int last_loss(void *user, uint32_t epoch, double loss)
{
    (void)epoch;
    *(double *)user = loss;
    return 1;
}

/* On every machine, with every compiler: the loss after the last epoch, to the
   bit. */
static void training_is_the_same_everywhere(void **state)
{
    (void)state;
    learner *l = make(2, 2, 16);
    learn_recipe recipe = {2, {6, 5}};
    mlc_error error = {MLC_OK, ""};
    mlc_image image;
    double loss = 0;
    for (int n = 0; n < 10; n++) {
        float x[2] = {(float)(n * n % 7), (float)n};
        float y[2] = {(float)(n * n * n % 11), x[0] * x[1]};
        learner_add(l, x, y);
    }
    learn_train(&l->examples, &recipe, last_loss, &loss, &image, &error);
    mlc_image_free(&image);
    if (loss != 0x1.1572ea0d80835p-6)
        fail_msg("%a", loss);
    learner_free(l);
}

static int stop_at_7(void *user, uint32_t epoch, double loss)
{
    double *last = user;
    assert_true(loss > 0 && epoch <= 7);
    *last = loss;
    return epoch < 7;
}

static void training_stops(void **state)
{
    (void)state;
    learner *l = make(2, 2, 16);
    learn_recipe recipe = {1, {4}}, wide = {1, {1000}};
    mlc_error error = {MLC_OK, ""};
    mlc_image image;
    double loss = 0;
    fill(l, 10);
    assert_int_equal(
        learn_train(&l->examples, &recipe, stop_at_7, &loss, &image, &error),
        MLC_OK);
    assert_true(loss > 0.1);
    mlc_image_free(&image);
    assert_int_not_equal(
        learn_train(&l->examples, &wide, NULL, NULL, &image, &error), MLC_OK);
    learner_clear(l);
    assert_int_not_equal(
        learn_train(&l->examples, &recipe, NULL, NULL, &image, &error), MLC_OK);
    learner_free(l);
}

static void a_network_until_the_examples_change(void **state)
{
    (void)state;
    learner *l = make(2, 2, 70), *other = make(2, 2, 70);
    mlc_error error = {MLC_OK, ""};
    float a[64], b[64], x[2] = {0.3f, 0.2f};
    fill(l, 10);
    assert_false(learner_use_network(l, 1));
    learner_answer(l, x, a);
    learn_runner network = train(l, 1, 8);
    learner_set_network(l, &network);
    learn_runner_free(&network);
    learner_answer(l, x, b);
    assert_memory_not_equal(a, b, 2 * sizeof *a);
    write_and_load(l);
    assert_int_equal(learner_write(l, path, &error), MLC_OK);
    assert_int_equal(learner_load(other, path, &error), MLC_OK);
    assert_true(other->use_network);
    learner_answer(other, x, a);
    assert_memory_equal(a, b, 2 * sizeof *a);
    write_and_load(other); /* again and again */
    learner_use_network(l, 0);
    learner_answer(l, x, a);
    assert_memory_not_equal(a, b, 2 * sizeof *a);
    assert_true(learner_use_network(l, 1));
    fill(l, 1);
    assert_false(l->use_network || learner_use_network(l, 1));
    learner_free(l);
    learner_free(other);
}

/* ---------------------------------------------------------------- CSV ---- */

static mlc_status read_csv(learner *l, const char *text, mlc_error *error)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return learner_read_csv(l, path, error);
}

static void csv_goes_there_and_back(void **state)
{
    (void)state;
    mlc_error error = {MLC_OK, ""};
    for (int k = 0; k < 20; k++) {
        learner *l = make(1 + below(4), 1 + below(4), 64);
        learner *other = make(l->examples.inputs, l->examples.outputs, 64);
        fill(l, 1 + below(64));
        l->examples.x[0] = 3.4e38f, l->examples.y[0] = -1e-45f;
        assert_int_equal(learner_write_csv(l, path, &error), MLC_OK);
        if (learner_read_csv(other, path, &error))
            fail_msg("%s", error.text);
        same_examples(l, other);
        learner_free(l);
        learner_free(other);
    }
}

static void csv_as_others_write_it(void **state)
{
    (void)state;
    static const char *const same[] = {
        "1,2,3\n4,5,6\n",
        "\xef\xbb\xbfx;y;z\r\n1;2;3\r\n\r\n4;5;6",
        "1\t2\t3\r4\t 5 \t6\r",
        "  1.0 , 2e0,+3\n4.,50e-1,6",
        "a,b,out\n1,2,3\n\n\n4,5,6\n\n",
    };
    learner *l = make(2, 1, 8);
    mlc_error error = {MLC_OK, ""};
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        if (read_csv(l, same[k], &error))
            fail_msg("%u: %s", (unsigned)k, error.text);
        assert_int_equal(l->examples.count, 2);
        assert_false(learn_examples_classes(&l->examples));
        assert_true(l->examples.x[3] == 5 && l->examples.y[1] == 6);
    }
    assert_int_equal(read_csv(l, ".5,-.25,clap\n1,2,\"a, \"\"b\"\"\"", &error),
                     MLC_OK);
    assert_true(l->examples.x[0] == 0.5f && l->examples.x[1] == -0.25f);
    assert_string_equal(l->examples.name[0], "clap");
    assert_string_equal(l->examples.name[1], "a, \"b\"");
    assert_int_equal(read_csv(l, "x,y,label\n1,2,3\n", &error), MLC_OK);
    assert_true(learn_examples_classes(&l->examples));
    assert_int_equal(read_csv(l, "x,y,z\n", &error), MLC_OK);
    assert_int_equal(l->examples.count, 0);
    assert_int_equal(read_csv(l, "", &error), MLC_OK);
    learner_free(l);
}

static void wrong_csv_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"1,2,3,4\n1,2,3\n", "line 2"},
        {"1,2\n", "line 1: 2 values (expected 4"},
        {"1,2,3,4\n\n1,2,x,4\n", "line 3: value 3 is not a number"},
        {"1,2,3,1e39\n", "line 1: value 4 is not a number"},
        {"1,2,3,nan\n", "value 4"},
        {"1,2,3,0x10\n", "value 4"},
        {"1,2,3,\n", "value 4"},
        {"1,2,3,4 5\n", "value 4"},
        {"1 2 3 4\n", "line 1: 1 value (expected"},
        {"1,2,3,4\n1,2,3,4\n1,2,3,4\n1,2,3,4\n1,2,3,4\n", "line 5: more"},
        {"1,2,a\n1,2,3,4\n", "line 2"},
    };
    learner *l = make(2, 2, 4);
    fill(l, 3);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        mlc_error error = {MLC_OK, ""};
        assert_int_not_equal(read_csv(l, cases[k].text, &error), MLC_OK);
        if (!strstr(error.text, cases[k].said))
            fail_msg("%s: %s", cases[k].text, error.text);
        assert_int_equal(l->examples.count, 3);
    }
    learner_free(l);
}

/* As long as a number may be, and every point wants a zero behind it. */
static void a_number_of_points(void **state)
{
    (void)state;
    char text[80];
    learner *l = make(2, 1, 8);
    mlc_error error;
    for (size_t n = 2; n < 70; n += 2) {
        for (size_t i = 0; i < n; i++)
            text[i] = i % 2 ? 'e' : '.';
        strcpy(text + n, ",a,b\n");
        assert_int_equal(read_csv(l, text, &error), MLC_OK); /* names */
        assert_int_equal(l->examples.count, 0);
    }
    learner_free(l);
}

/* Whatever the bytes are: an answer, and what was taken is sound. */
static void hostile_csv(void **state)
{
    (void)state;
    static const char bytes[] = "0123456789,,,,;\t\n\n\r\"\"+-.eE ax\x80\xff";
    learner *l = make(2, 1, 16);
    for (int k = 0; k < 20000; k++) {
        char *text = malloc(64); /* its end is watched */
        mlc_error error = {MLC_OK, ""};
        size_t size = below(64);
        for (size_t i = 0; i < size; i++)
            text[i] = bytes[below(sizeof bytes)];
        text = realloc(text, size ? size : 1);
        learn_examples *e = &l->examples;
        if (!learn_csv_read(e, text, size, &error)) {
            assert_true(e->count <= 16);
            assert_true(finite_all(e->x, e->count * 2));
            assert_true(finite_all(e->y, e->count));
        } else {
            assert_true(*error.text);
        }
        free(text);
    }
    learner_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undo_takes_back),
        cmocka_unit_test(any_order_of_changes),
        cmocka_unit_test(labels_and_outputs_do_not_mix),
        cmocka_unit_test(the_blend_is_its_formula),
        cmocka_unit_test(examples_are_answered_exactly),
        cmocka_unit_test(odd_examples_give_numbers),
        cmocka_unit_test(the_same_place_twice_is_the_mean),
        cmocka_unit_test(the_blend_beats_inverse_distances),
        cmocka_unit_test(the_nearest_label_wins),
        cmocka_unit_test(a_file_gives_the_same_bits),
        cmocka_unit_test(a_file_of_labels_gives_the_same_bits),
        cmocka_unit_test(a_file_says_what_was_shown),
        cmocka_unit_test(loading_is_refused),
        cmocka_unit_test(exp_and_tanh),
        cmocka_unit_test(a_network_has_half_the_error),
        cmocka_unit_test(networks_of_any_shape),
        cmocka_unit_test(training_of_labels),
        cmocka_unit_test(training_is_the_same_everywhere),
        cmocka_unit_test(training_stops),
        cmocka_unit_test(a_network_until_the_examples_change),
        cmocka_unit_test(csv_goes_there_and_back),
        cmocka_unit_test(csv_as_others_write_it),
        cmocka_unit_test(wrong_csv_changes_nothing),
        cmocka_unit_test(a_number_of_points),
        cmocka_unit_test(hostile_csv),
    };
    return cmocka_run_group_tests(tests, begin_files, end_files);
}
