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
#include "kernels.h"
#include "noise.h"

enum { EDGE = 32 };
static const float CANARY = 1234.5f;
static const char *const names[] = {"f32", "f16", "int8", "int4"};

typedef struct fixture {
    mli_conv a;
    uint32_t outputs, rows, products;
    float *x, *b, *y, *scale;
    uint8_t *w; /* exactly as long as may be read */
    size_t y_size;
} fixture;

static float *filled(size_t n)
{
    float *p = malloc((n ? n : 1) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = noise();
    return p;
}

/* --------------------------------------------- what the stored bits mean - */

static double half(uint16_t h)
{
    int e = h >> 10 & 31;
    double m = e ? ldexp(1024 + (h & 1023), e - 25) : 0;
    return h >> 15 ? -m : m;
}

/* Any normal half, or a zero of either sign, in the middle range mostly. */
static uint16_t any_half(void)
{
    uint32_t e = below(4) ? 8 + below(10) : below(31);
    uint32_t m = e ? below(1024) : 0;
    return (uint16_t)(below(2) << 15 | e << 10 | m);
}

static double weight(const fixture *s, uint32_t o, uint32_t k, uint32_t i)
{
    const mli_conv *a = &s->a;
    const uint32_t quads = (a->out_per_group + 3) / 4 * 4;
    const uint32_t g = o / a->out_per_group, r = o % a->out_per_group;
    const uint32_t base = r / 16 * 16, p = k * a->in_per_group + i;
    const uint32_t width = quads - base < 16 ? quads - base : 16;
    const size_t panel = (size_t)g * quads + base;
    size_t at = panel * s->products + (size_t)p * width + r - base;
    if (a->storage == MLI_F16)
        return half((uint16_t)(s->w[2 * at] | s->w[2 * at + 1] << 8)) *
               s->scale[panel + r - base];
    if (a->storage == MLI_INT8)
        return (double)(int8_t)s->w[at] * s->scale[panel + r - base];
    at = panel * ((s->products + 1) / 2) + (size_t)(p / 2) * width + r - base;
    int four = p % 2 ? s->w[at] >> 4 : s->w[at] & 15;
    return (double)(four > 7 ? four - 16 : four) *
           s->scale[panel * ((s->products + 31) / 32) + p / 32 * width + r -
                    base];
}

/* ------------------------------------------------------------- fixtures - */

static void set_up(fixture *s, mli_conv shape, mli_storage storage, int bias)
{
    mli_conv *a = &s->a;
    *a = shape;
    a->storage = storage;
    s->outputs = a->groups * a->out_per_group;
    s->rows = a->groups * ((a->out_per_group + 3) / 4 * 4);
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
    size_t bytes = (size_t)mli_stored_bytes(storage, s->rows, s->products);
    s->w = malloc(bytes);
    assert_non_null(s->w);
    for (size_t i = 0; i < bytes; i++)
        s->w[i] = (uint8_t)below(256);
    for (size_t i = 0; storage == MLI_F16 && i < bytes; i += 2) {
        uint16_t h = any_half();
        memcpy(s->w + i, &h, sizeof h);
    }
    s->scale =
        filled(s->rows * (size_t)mli_stored_scales(storage, s->products));
    s->b = filled(s->outputs);
    s->y_size = (size_t)(a->frames - 1) * a->y_stride + s->outputs;
    s->y = filled(s->y_size + 2 * EDGE);
    a->x = s->x;
    a->w = (const float *)(const void *)s->w;
    a->scale = s->scale;
    a->b = bias ? s->b : NULL;
    a->y = s->y + EDGE;
}

static void tear_down(fixture *s)
{
    free(s->x);
    free(s->w);
    free(s->scale);
    free(s->b);
    free(s->y);
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

static size_t input_frame(const mli_conv *a, uint32_t f, uint32_t k)
{
    if (!a->ring)
        return (size_t)f * a->step + (size_t)k * a->dilation;
    int64_t t = (int64_t)a->pos - (int64_t)(a->taps - 1 - k) * a->dilation;
    return (size_t)((t + a->ring) % a->ring) + f;
}

static void check_one(const mli_kernels *k, const fixture *s, uint32_t f,
                      uint32_t o)
{
    const mli_conv *a = &s->a;
    double sum = a->b ? s->b[o] : 0, size = fabs(sum);
    for (uint32_t t = 0; t < a->taps; t++)
        for (uint32_t i = 0; i < a->in_per_group; i++) {
            size_t at = input_frame(a, f, t) * a->x_stride +
                        o / a->out_per_group * a->in_per_group + i;
            double p = weight(s, o, t, i) * s->x[at];
            sum += p;
            size += fabs(p);
        }
    float y = a->y[(size_t)f * a->y_stride + o];
    if (fabs(y - sum) <= (s->products + 8) * 0x1p-24 * size)
        return;
    describe(k, s, "inaccurate");
    fail_msg("frame %u output %u: %.9g, expected %.9g", f, o, y, sum);
}

/* Only outputs [first, last) of all frames were written. */
static void check_canary(const mli_kernels *k, const fixture *s, uint32_t first,
                         uint32_t last)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++) {
        size_t f = (i - EDGE) / s->a.y_stride, o = (i - EDGE) % s->a.y_stride;
        int inside = i >= EDGE && f < s->a.frames && o >= first && o < last;
        if (!inside && s->y[i] != CANARY) {
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

static void check_case(mli_conv shape, mli_storage storage, int bias)
{
    fixture s;
    const mli_kernels *k;
    set_up(&s, shape, storage, bias);
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        check_build(k, &s);
    tear_down(&s);
}

/* ---------------------------------------------------------------- tests - */

static mli_conv dense(uint32_t inputs, uint32_t outputs, uint32_t frames)
{
    return (mli_conv){.frames = frames,
                      .step = 1,
                      .taps = 1,
                      .dilation = 1,
                      .groups = 1,
                      .in_per_group = inputs,
                      .out_per_group = outputs};
}

static void dense_layers(void **state)
{
    (void)state;
    seed = 1;
    for (uint32_t type = MLI_F16; type < MLI_STORAGE_COUNT; type++) {
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
        mli_conv a = dense(1 + below(40), 1 + below(36), 1 + below(12));
        a.taps = 1 + below(6);
        a.dilation = 1 + below(9);
        a.groups = below(3) ? 1 : 1 + below(5);
        a.x_stride = a.groups * a.in_per_group + below(4);
        a.y_stride = a.groups * a.out_per_group + below(4);
        a.step = ring ? 1 : 1 + below(3);
        if (ring) {
            a.ring = (a.taps - 1) * a.dilation + 1 + below(50);
            a.pos = below(a.ring);
        }
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
                assert_true(y[o] == half(w[o]) * 0.5);
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
