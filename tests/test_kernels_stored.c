/*
 * test_kernels_stored.c - layers whose weights are stored in 16, 8 or 4 bits:
 * every build that runs here against double precision over the weights that
 * the file means, and bit for bit against itself however the work is cut.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "conv_case.h"
#include "stored_matrix.h"

static const char *const names[] = {"f32", "f16", "int8", "int4"};

typedef struct fixture {
    mli_conv a;
    uint32_t outputs, products;
    stored_matrix w;
    float *x, *b, *y, *panel;
    double *reference, *bound;
    size_t y_size;
} fixture;

/* ------------------------------------------------------------- fixtures - */

/* What output o is in all frames, and the error that is allowed. */
static void refer_output(fixture *s, uint32_t o, const double *weights)
{
    const mli_conv *a = &s->a;
    const size_t group = o / a->out_per_group * a->in_per_group;
    for (uint32_t f = 0; f < a->frames; f++) {
        double sum = a->b ? s->b[o] : 0, size = fabs(sum);
        for (uint32_t t = 0; t < a->taps; t++) {
            const float *x = s->x + input_frame(a, f, t) * a->x_stride + group;
            for (uint32_t i = 0; i < a->in_per_group; i++) {
                double p = weights[t * a->in_per_group + i] * x[i];
                sum += p;
                size += fabs(p);
            }
        }
        s->reference[f * s->outputs + o] = sum;
        s->bound[f * s->outputs + o] = (s->products + 8) * 0x1p-24 * size;
    }
}

static void refer(fixture *s)
{
    const size_t n = (size_t)s->a.frames * s->outputs;
    double *weights = malloc(s->products * sizeof *weights);
    s->reference = malloc(n * sizeof *s->reference);
    s->bound = malloc(n * sizeof *s->bound);
    assert_true(weights && s->reference && s->bound);
    for (uint32_t o = 0; o < s->outputs; o++) {
        for (uint32_t i = 0; i < s->products; i++)
            weights[i] = stored_weight(&s->w, o, i);
        refer_output(s, o, weights);
    }
    free(weights);
}

static void set_up(fixture *s, mli_conv shape, mli_storage storage, int bias)
{
    mli_conv *a = &s->a;
    *a = shape;
    a->storage = storage;
    s->outputs = a->groups * a->out_per_group;
    s->products = a->taps * a->in_per_group;
    uint32_t inputs = a->groups * a->in_per_group;
    a->x_stride = a->x_stride < inputs ? inputs : a->x_stride;
    a->y_stride = a->y_stride < s->outputs ? s->outputs : a->y_stride;
    size_t frames = a->ring ? a->ring + a->frames
                            : (size_t)(a->frames - 1) * a->step +
                                  (a->taps - 1) * a->dilation + 1;
    size_t x_size = (frames - 1) * a->x_stride + inputs;
    s->x = filled(x_size);
    for (size_t i = 0; a->ring && i < x_size - a->ring * a->x_stride; i++)
        s->x[a->ring * a->x_stride + i] = s->x[i];
    s->w = stored_matrix_new(storage, a->groups, a->out_per_group, s->products);
    s->panel = filled(16 * s->products);
    s->b = filled(s->outputs);
    s->y_size = (size_t)(a->frames - 1) * a->y_stride + s->outputs;
    s->y = filled(s->y_size + 2 * EDGE);
    a->x = s->x;
    a->w = (const float *)(const void *)s->w.numbers;
    a->scale = s->w.scale;
    a->b = bias ? s->b : NULL;
    a->y = s->y + EDGE;
    refer(s);
}

static void tear_down(fixture *s)
{
    stored_matrix_free(&s->w);
    free(s->panel);
    free(s->x);
    free(s->b);
    free(s->y);
    free(s->reference);
    free(s->bound);
}

static void describe(const mli_kernels *k, const fixture *s, const char *what)
{
    const mli_conv *a = &s->a;
    print_error("%s %s: %s; groups %u in %u out %u taps %u dilation %u "
                "frames %u step %u ring %u pos %u\n",
                k->name, names[a->storage], what, a->groups, a->in_per_group,
                a->out_per_group, a->taps, a->dilation, a->frames, a->step,
                a->ring, a->pos);
}

static void clear(fixture *s)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++)
        s->y[i] = CANARY;
}

static void check_one(const mli_kernels *k, const fixture *s, uint32_t f,
                      uint32_t o)
{
    const size_t at = (size_t)f * s->outputs + o;
    const float y = s->a.y[(size_t)f * s->a.y_stride + o];
    if (fabs(y - s->reference[at]) <= s->bound[at])
        return;
    describe(k, s, "inaccurate");
    fail_msg("frame %u output %u: %.9g, expected %.9g", f, o, y,
             s->reference[at]);
}

/* Only outputs [first, last) of all frames were written. */
static void check_canary(const mli_kernels *k, const fixture *s, uint32_t first,
                         uint32_t last)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++) {
        if (s->y[i] == CANARY)
            continue;
        size_t f = (i - EDGE) / s->a.y_stride, o = (i - EDGE) % s->a.y_stride;
        int inside = i >= EDGE && f < s->a.frames && o >= first && o < last;
        if (!inside) {
            describe(k, s, "wrote outside");
            fail();
        }
    }
}

static void check_bits(const mli_kernels *k, const fixture *s,
                       const float *whole, uint32_t first, uint32_t last,
                       const char *what)
{
    for (uint32_t f = 0; f < s->a.frames; f++) {
        size_t at = (size_t)f * s->a.y_stride + first;
        if (memcmp(s->a.y + at, whole + at, (last - first) * sizeof(float))) {
            describe(k, s, what);
            fail_msg("frame %u outputs %u to %u", f, first, last);
        }
    }
}

static void check_build(const mli_kernels *k, fixture *s)
{
    const mli_conv *a = &s->a;
    clear(s);
    k->conv(a, 0, s->outputs);
    check_canary(k, s, 0, s->outputs);
    for (uint32_t f = 0; f < a->frames; f++)
        for (uint32_t o = 0; o < s->outputs; o++)
            check_one(k, s, f, o);
    float *whole = malloc(s->y_size * sizeof *whole);
    assert_non_null(whole);
    memcpy(whole, a->y, s->y_size * sizeof *whole);
    for (int turn = 0; turn < 6; turn++) {
        uint32_t first = below(s->outputs);
        uint32_t last = first + 1 + below(s->outputs - first);
        clear(s);
        k->conv(a, first, last);
        check_canary(k, s, first, last);
        check_bits(k, s, whole, first, last, "range");
    }
    clear(s);
    for (uint32_t f = 0, n; f < a->frames; f += n) {
        mli_conv part = *a;
        n = 1 + below(a->frames - f);
        part.frames = n;
        part.y += (size_t)f * a->y_stride;
        part.x += a->ring ? 0 : (size_t)f * a->step * a->x_stride;
        part.pos = a->ring ? (a->pos + f) % a->ring : 0;
        k->conv(&part, 0, s->outputs);
    }
    check_bits(k, s, whole, 0, s->outputs, "frames");
    free(whole);
}

/* With a panel the weights are floats. */
static void check_floats(const mli_kernels *k, fixture *s)
{
    mli_conv a = s->a;
    float *whole = malloc(s->y_size * sizeof *whole);
    assert_non_null(whole);
    k->conv(&s->a, 0, s->outputs);
    memcpy(whole, s->a.y, s->y_size * sizeof *whole);
    a.storage = MLI_F32;
    a.w = s->w.floats;
    k->conv(&a, 0, s->outputs);
    check_bits(k, s, whole, 0, s->outputs, "not those of floats");
    free(whole);
}

static void check_case(mli_conv shape, mli_storage storage, int bias)
{
    fixture s;
    const mli_kernels *k;
    set_up(&s, shape, storage, bias);
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++) {
        s.a.panel = NULL;
        check_build(k, &s);
        if (shape.taps == 1 && shape.groups == 1 && shape.ring == 0)
            check_single(k, &s.a, i % 2 ? MLI_TANH : MLI_SIN);
        s.a.panel = s.panel;
        check_build(k, &s);
        check_floats(k, &s);
    }
    tear_down(&s);
}

/* ---------------------------------------------------------------- tests - */

static void dense_layers(void **state)
{
    (void)state;
    seed = 1;
    for (uint32_t type = MLI_F16; type <= MLI_INT4; type++) {
        for (uint32_t n = 1; n <= 40; n++)
            check_case(dense(1 + below(90), n, 1 + below(11)),
                       (mli_storage)type, n % 3 != 0);
        for (uint32_t n = 1; n <= 70; n++)
            check_case(dense(n, 1 + below(40), 1 + below(3)), (mli_storage)type,
                       1);
        check_case(dense(300, 200, 1), (mli_storage)type, 1);
    }
}

/* Any shape, plain or in a ring; four bits are for dense layers. */
static void convolutions(void **state)
{
    (void)state;
    const int count = getenv("MLI_LONG") ? 10000 : 200;
    seed = 2;
    for (int n = 0; n < count; n++) {
        int ring = (int)below(2);
        mli_conv a =
            convolved(dense(1 + below(40), 1 + below(36), 1 + below(12)), ring);
        check_case(a, MLI_F16, below(4) != 0);
        check_case(a, MLI_INT8, below(4) != 0);
    }
}

/* All halves that may be there come out as what they are. */
static void every_half(void **state)
{
    (void)state;
    const mli_kernels *k;
    static const float one = 1.0f;
    float y[16], scale[16];
    for (int o = 0; o < 16; o++)
        scale[o] = 0.5f;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (uint32_t first = 0; first < 0x10000; first += 16) {
            uint16_t w[16];
            uint32_t e = first >> 10 & 31;
            mli_conv a = dense(1, 16, 1);
            if (e == 31)
                continue;
            for (uint32_t o = 0; o < 16; o++)
                w[o] = (uint16_t)(e ? first + o : first & 0x8000);
            a.storage = MLI_F16;
            a.x = &one;
            a.w = (const float *)(const void *)w;
            a.scale = scale;
            a.y = y;
            a.x_stride = 1;
            a.y_stride = 16;
            k->conv(&a, 0, 16);
            for (uint32_t o = 0; o < 16; o++)
                assert_true(y[o] == stored_half(w[o]) * 0.5);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_layers),
        cmocka_unit_test(convolutions),
        cmocka_unit_test(every_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
