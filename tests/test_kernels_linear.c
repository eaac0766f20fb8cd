/*
 * test_kernels_linear.c - conv and depthwise of every build that runs here,
 * against double precision, and bit for bit against themselves however the
 * work is cut.
 */
#include "page_end.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "conv_case.h"

/* One case: a convolution with data, its reference and room for its output. */
typedef struct fixture {
    mli_conv a;
    int depthwise;
    uint32_t outputs;
    float *x, *w, *b, *y;
    double *reference, *bound;
    size_t x_size, w_size, y_size;
} fixture;

static float weight(const fixture *s, uint32_t o, uint32_t k, uint32_t i)
{
    const mli_conv *a = &s->a;
    if (s->depthwise)
        return s->w[mli_packed_index(a->groups, a->taps, 1, o, k, 0)];
    uint32_t g = o / a->out_per_group;
    return s
        ->w[g * mli_packed_size(a->out_per_group, a->taps, a->in_per_group) +
            mli_packed_index(a->out_per_group, a->taps, a->in_per_group,
                             o % a->out_per_group, k, i)];
}

/* Fills reference and the error that is allowed, frame by frame. */
static void refer(fixture *s)
{
    const mli_conv *a = &s->a;
    const double per = (a->taps * a->in_per_group + 8) * 0x1p-24;
    for (uint32_t f = 0; f < a->frames; f++)
        for (uint32_t o = 0; o < s->outputs; o++) {
            double sum = a->b ? s->b[o] : 0, size = fabs(sum);
            for (uint32_t k = 0; k < a->taps; k++)
                for (uint32_t i = 0; i < a->in_per_group; i++) {
                    uint32_t g = o / a->out_per_group;
                    size_t at = input_frame(a, f, k) * a->x_stride +
                                g * a->in_per_group + i;
                    double p = (double)weight(s, o, k, i) * s->x[at];
                    sum += p;
                    size += fabs(p);
                }
            s->reference[f * s->outputs + o] = sum;
            s->bound[f * s->outputs + o] = per * size;
        }
}

/* The padding of the weights must count for nothing, whatever it holds. */
static void pack(fixture *s)
{
    const mli_conv *a = &s->a;
    uint64_t n = s->depthwise
                     ? mli_packed_size(a->groups, a->taps, 1)
                     : a->groups * mli_packed_size(a->out_per_group, a->taps,
                                                   a->in_per_group);
    s->w_size = (size_t)n;
    s->w = filled(s->w_size);
}

static void set_up(fixture *s, mli_conv shape, int depthwise, int bias)
{
    s->a = shape;
    mli_conv *a = &s->a;
    s->depthwise = depthwise;
    s->outputs = a->groups * a->out_per_group;
    uint32_t inputs = a->groups * a->in_per_group;
    if (a->x_stride < inputs)
        a->x_stride = inputs;
    if (a->y_stride < s->outputs)
        a->y_stride = s->outputs;
    size_t rows = a->ring ? a->ring + a->frames
                          : (size_t)(a->frames - 1) * a->step +
                                (a->taps - 1) * a->dilation + 1;
    /* exactly as long as may be read, so that checkers see one float more */
    s->x_size = (rows - 1) * a->x_stride + inputs;
    s->x = filled(s->x_size);
    for (size_t i = 0; a->ring && i < s->x_size - a->ring * a->x_stride; i++)
        s->x[a->ring * a->x_stride + i] = s->x[i];
    pack(s);
    s->b = filled(s->outputs);
    a->b = bias ? s->b : NULL;
    s->y_size = (size_t)(a->frames - 1) * a->y_stride + s->outputs;
    s->y = filled(s->y_size + 2 * EDGE);
    s->reference = malloc(a->frames * s->outputs * sizeof(double));
    s->bound = malloc(a->frames * s->outputs * sizeof(double));
    a->x = s->x;
    a->w = s->w;
    a->y = s->y + EDGE;
    refer(s);
}

static void tear_down(fixture *s)
{
    free(s->x);
    free(s->w);
    free(s->b);
    free(s->y);
    free(s->reference);
    free(s->bound);
}

static void clear(fixture *s)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++)
        s->y[i] = CANARY;
}

static void run(const mli_kernels *k, const fixture *s, const mli_conv *a,
                uint32_t first, uint32_t last)
{
    (s->depthwise ? k->depthwise : k->conv)(a, first, last);
}

static void describe(const mli_kernels *k, const fixture *s, const char *what)
{
    const mli_conv *a = &s->a;
    print_error("%s %s: %s; groups %u in %u out %u taps %u dilation %u "
                "frames %u step %u ring %u pos %u\n",
                k->name, s->depthwise ? "depthwise" : "conv", what, a->groups,
                a->in_per_group, a->out_per_group, a->taps, a->dilation,
                a->frames, a->step, a->ring, a->pos);
}

/* Only frames [f0, f1) x outputs [first, last) may have been written. */
static void check_canary(const mli_kernels *k, const fixture *s, uint32_t f0,
                         uint32_t f1, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++) {
        if (s->y[i] == CANARY)
            continue;
        size_t f = (i - EDGE) / s->a.y_stride, o = (i - EDGE) % s->a.y_stride;
        int inside = i >= EDGE && f >= f0 && f < f1 && o >= first && o < last;
        if (!inside) {
            describe(k, s, "wrote outside");
            fail();
        }
    }
}

static void check_accuracy(const mli_kernels *k, fixture *s)
{
    clear(s);
    run(k, s, &s->a, 0, s->outputs);
    check_canary(k, s, 0, s->a.frames, 0, s->outputs);
    for (uint32_t f = 0; f < s->a.frames; f++)
        for (uint32_t o = 0; o < s->outputs; o++) {
            size_t at = f * s->outputs + o;
            float y = s->a.y[(size_t)f * s->a.y_stride + o];
            if (!(fabs(y - s->reference[at]) <= s->bound[at])) {
                describe(k, s, "inaccurate");
                fail_msg("frame %u output %u: %.9g, expected %.9g +- %.2g", f,
                         o, y, s->reference[at], s->bound[at]);
            }
        }
}

static void check_bits(const mli_kernels *k, const fixture *s,
                       const float *whole, uint32_t f0, uint32_t f1,
                       uint32_t first, uint32_t last, const char *what)
{
    for (uint32_t f = f0; f < f1; f++) {
        size_t at = (size_t)f * s->a.y_stride + first;
        if (memcmp(s->a.y + at, whole + at, (last - first) * sizeof(float))) {
            describe(k, s, what);
            fail_msg("frame %u outputs %u to %u", f, first, last);
        }
    }
}

/* The frames [f0, f1) of a call, as a call of its own. */
static mli_conv frames_of(const fixture *s, uint32_t f0, uint32_t f1)
{
    mli_conv a = s->a;
    a.frames = f1 - f0;
    a.y += (size_t)f0 * a.y_stride;
    if (a.ring)
        a.pos = (a.pos + f0) % a.ring;
    else
        a.x += (size_t)f0 * a.step * a.x_stride;
    return a;
}

/* However the frames and the outputs are cut, the bits stay. */
static void check_cuts(const mli_kernels *k, fixture *s)
{
    run(k, s, &s->a, 0, s->outputs);
    float *whole = malloc((s->y_size + EDGE) * sizeof *whole);
    memcpy(whole, s->a.y, s->y_size * sizeof *whole);
    for (int turn = 0; turn < 12; turn++) {
        uint32_t first = below(s->outputs);
        uint32_t last = first + 1 + below(s->outputs - first);
        clear(s);
        run(k, s, &s->a, first, last);
        check_canary(k, s, 0, s->a.frames, first, last);
        check_bits(k, s, whole, 0, s->a.frames, first, last, "range");
    }
    clear(s);
    for (uint32_t f0 = 0, f1; f0 < s->a.frames; f0 = f1) {
        f1 = f0 + 1 + below(s->a.frames - f0);
        mli_conv a = frames_of(s, f0, f1);
        run(k, s, &a, 0, s->outputs);
        check_canary(k, s, 0, f1, 0, s->outputs);
    }
    check_bits(k, s, whole, 0, s->a.frames, 0, s->outputs, "frames");
    clear(s);
    for (uint32_t f = 0; f < s->a.frames; f++)
        for (uint32_t o = 0, to; o < s->outputs; o = to) {
            to = o + 1 + below(s->outputs - o);
            mli_conv a = frames_of(s, f, f + 1);
            run(k, s, &a, o, to);
        }
    check_bits(k, s, whole, 0, s->a.frames, 0, s->outputs, "single frames");
    free(whole);
}

/* A dense layer's frames one by one with a function, forward and backward: the
   bits of two calls. */
static void check_dense(const mli_kernels *k, fixture *s, mli_unary f)
{
    run(k, s, &s->a, 0, s->outputs);
    k->unary(f, 0, 0, s->a.y, s->a.y, 0, s->y_size);
    float *whole = malloc((s->y_size + EDGE) * sizeof *whole);
    memcpy(whole, s->a.y, s->y_size * sizeof *whole);
    for (uint32_t backward = 0; backward < 2; backward++) {
        clear(s);
        for (uint32_t i = 0; i < s->a.frames; i++) {
            mli_conv a = frames_of(s, i, i + 1);
            a.backward = backward;
            k->dense(&a, f, 0, 0);
        }
        check_canary(k, s, 0, s->a.frames, 0, s->outputs);
        check_bits(k, s, whole, 0, s->a.frames, 0, s->outputs,
                   backward ? "dense, backward" : "dense");
    }
    free(whole);
}

static void check_case(mli_conv shape, int depthwise, int bias)
{
    fixture s;
    const mli_kernels *k;
    set_up(&s, shape, depthwise, bias);
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++) {
        check_accuracy(k, &s);
        check_cuts(k, &s);
    }
    tear_down(&s);
}

/* ----------------------------------------------------------------- tests - */

static void dense_with_function(void **state)
{
    static const mli_unary functions[] = {MLI_IDENTITY, MLI_TANH, MLI_RELU,
                                          MLI_SIGMOID, MLI_SIN};
    static const uint32_t inputs[] = {1, 3, 4, 15, 16, 33, 100};
    static const uint32_t outputs[] = {1,  2,  4,  5,   7,   8,  9,  12,
                                       15, 16, 20, 28,  32,  40, 48, 64,
                                       72, 80, 96, 100, 128, 131};
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++) {
            fixture s;
            const mli_kernels *k;
            set_up(&s, dense(inputs[i], outputs[o], 5), 0, (i + o) % 3 != 0);
            for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
                check_dense(k, &s, functions[(i + o) % 5]);
            tear_down(&s);
        }
}

static void every_output_count(void **state)
{
    (void)state;
    seed = 1;
    for (uint32_t outputs = 1; outputs <= 70; outputs++)
        check_case(dense(1 + below(20), outputs, 1 + below(20)), 0,
                   outputs % 3 != 0);
    check_case(dense(40, 300, 1), 0, 1);
    check_case(dense(40, 300, 19), 0, 1);
}

static void every_input_and_frame_count(void **state)
{
    (void)state;
    seed = 2;
    for (uint32_t n = 1; n <= 40; n++) {
        check_case(dense(n, 16, n), 0, 1);
        check_case(dense(n, 1, 41 - n), 0, 1);
        check_case(dense(n, 8, 17), 0, 0);
    }
}

/* Any shape, linear or ring. */
static void shapes(void **state, int ring)
{
    (void)state;
    const int count = getenv("MLI_LONG") ? 20000 : 300;
    for (int i = 0; i < count; i++) {
        mli_conv a =
            convolved(dense(1 + below(20), 1 + below(36), 1 + below(40)), ring);
        check_case(a, 0, below(4) != 0);
    }
}

static void linear_shapes(void **state)
{
    seed = 3;
    shapes(state, 0);
}

static void ring_shapes(void **state)
{
    seed = 4;
    shapes(state, 1);
}

/* One channel in, one out: impulse responses. */
static void filters(void **state)
{
    (void)state;
    seed = 5;
    for (uint32_t taps = 1; taps < 40; taps++)
        for (int ring = 0; ring < 2; ring++) {
            mli_conv a = dense(1, 1, 1 + below(80));
            a.taps = taps;
            a.dilation = 1 + below(3);
            a.groups = below(4) ? 1 : 3;
            a.x_stride = a.groups + below(2);
            a.y_stride = a.groups + below(2);
            if (ring) {
                a.ring = (taps - 1) * a.dilation + 1 + below(60);
                a.pos = below(a.ring);
            }
            check_case(a, 0, 1);
        }
    mli_conv long_one = dense(1, 1, 70);
    long_one.taps = 4001;
    long_one.ring = 4100;
    long_one.pos = 31;
    check_case(long_one, 0, 1);
}

static void depthwise(void **state)
{
    (void)state;
    seed = 6;
    for (uint32_t channels = 1; channels <= 70; channels++)
        for (int ring = 0; ring < 2; ring++) {
            mli_conv a = dense(1, 1, 1 + below(20));
            a.groups = channels;
            a.taps = 1 + below(5);
            a.dilation = 1 + below(5);
            a.x_stride = channels + below(3);
            a.y_stride = channels + below(3);
            a.step = ring ? 1 : 1 + below(2);
            if (ring) {
                a.ring = (a.taps - 1) * a.dilation + 1 + below(30);
                a.pos = below(a.ring);
            }
            check_case(a, 1, channels % 4 != 0);
        }
}

/* NaN and infinity reach exactly the outputs that depend on them. */
static void not_a_number(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 7;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (uint32_t inputs = 1; inputs < 20; inputs += 6)
            for (uint32_t outputs = 1; outputs < 30; outputs += 7) {
                fixture s;
                mli_conv a = dense(inputs, outputs, 33);
                a.taps = 3;
                a.dilation = 2;
                set_up(&s, a, 0, 1);
                s.x[10 * inputs] = NAN;
                run(k, &s, &s.a, 0, outputs);
                for (uint32_t f = 0; f < 33; f++)
                    for (uint32_t o = 0; o < outputs; o++)
                        assert_int_equal(!!isnan(s.a.y[f * outputs + o]),
                                         f == 6 || f == 8 || f == 10);
                tear_down(&s);
            }
}

/* Nothing past an array's end is touched. */
static void check_ends(mli_conv shape, int depthwise)
{
    const mli_kernels *k;
    fixture s;
    set_up(&s, shape, depthwise, 1);
    page_end x = page_end_copy(s.x, s.x_size), w = page_end_copy(s.w, s.w_size);
    page_end b = page_end_copy(s.b, s.outputs);
    page_end y = page_end_copy(s.a.y, s.y_size);
    mli_conv a = s.a;
    a.x = x.p;
    a.w = w.p;
    a.b = b.p;
    a.y = y.p;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++) {
        run(k, &s, &s.a, 0, s.outputs);
        run(k, &s, &a, 0, s.outputs);
        assert_memory_equal(s.a.y, a.y, s.y_size * sizeof *a.y);
    }
    page_end_free(x);
    page_end_free(w);
    page_end_free(b);
    page_end_free(y);
    tear_down(&s);
}

static void ends(void **state)
{
    (void)state;
    seed = 8;
    for (uint32_t n = 1; n <= 40; n++)
        for (uint32_t frames = 1; frames <= 9; frames += 4) {
            mli_conv a = dense(1 + below(40), n, frames);
            check_ends(a, 0);
            a.taps = 2;
            a.groups = 1 + n % 3;
            check_ends(a, 0);
            a.groups = n;
            a.in_per_group = a.out_per_group = 1;
            check_ends(a, 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_with_function),
        cmocka_unit_test(every_output_count),
        cmocka_unit_test(every_input_and_frame_count),
        cmocka_unit_test(linear_shapes),
        cmocka_unit_test(ring_shapes),
        cmocka_unit_test(filters),
        cmocka_unit_test(depthwise),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
