/*
 * test_kernels_bytes.c - layers that multiply bytes by bytes, and floats to
 * bytes: every build that runs here against plain integers, without any error
 * in the sums, and only where it was told to write.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "builds.h"
#include "conv_case.h"

/* Layers whose products were summed four at a time. */
static unsigned fours_seen;

/* a.in_per_group counts words; the last bytes of a word may stand for nothing,
   but count all the same. */
typedef struct fixture {
    mli_conv a;
    uint32_t outputs, rows;
    float *x, *b, *y, *scale;
    int8_t *w;
    size_t y_size;
} fixture;

/* Every build here, also those that a better one hides. */
static const mli_kernels *build_at(uint32_t i)
{
    const mli_kernels *k = mli_kernels_at(i);
#if defined(__x86_64__) && !defined(MLI_GENERIC_ONLY)
    if (!k && i > 0 && mli_kernels_at(i - 1) == mli_kernels_plain() &&
        !strcmp(mli_kernels_at(0)->name, "avx512") &&
        mli_kernels_at(0) != &mli_kernels_avx512)
        return &mli_kernels_avx512;
#endif
    return k;
}

static void *room(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    assert_non_null(p);
    return p;
}

/* Bytes from -127 to 127, its ends often; `most`: nothing else. */
static void fill_bytes(int8_t *to, size_t n, int most)
{
    for (size_t i = 0; i < n; i++)
        to[i] = most || below(8) == 0 ? (below(2) ? 127 : -127)
                                      : (int8_t)((int)below(255) - 127);
}

/* Weights whose products may be summed four at a time, just so: a panel of rows
   of 64 bytes. Those of two neighbours may not; one too many: `over`. */
static void fill_fours(int8_t *to, uint32_t words, int over)
{
    static const int most[][4] = {
        {65, 65, 65, 63}, {127, 127, 2, 2}, {2, 2, 127, 127}}; /* 258 in all */
    for (uint32_t at = 0; at + 4 <= words; at += 4, to += 4 * 64)
        for (uint32_t i = 0; i < 64; i++) {
            const int *size = most[below(3)];
            for (uint32_t k = 0; k < 4; k++)
                to[64 * k + i] = (int8_t)(below(2) ? size[k] : -size[k]);
        }
    if (over && words >= 4) {
        to -= 4 * 64;
        to[0] = to[64] = to[128] = 65;
        to[192] = -64;
    }
}

static void set_up(fixture *s, mli_conv shape, int bias)
{
    mli_conv *a = &s->a;
    int most = below(4) == 0, fours = below(3) == 0;
    *a = shape;
    a->storage = MLI_BYTES;
    s->outputs = a->groups * a->out_per_group;
    s->rows = a->groups * ((a->out_per_group + 3) / 4 * 4);
    const uint32_t all = a->groups * a->in_per_group;
    a->x_stride = a->x_stride < all ? all : a->x_stride;
    a->y_stride = a->y_stride < s->outputs ? s->outputs : a->y_stride;
    size_t frames = a->ring ? a->ring + a->frames
                            : (size_t)(a->frames - 1) * a->step +
                                  (a->taps - 1) * a->dilation + 1;
    size_t size = (frames - 1) * a->x_stride + all;
    s->x = room(size * sizeof *s->x);
    fill_bytes((int8_t *)s->x, 4 * size, most);
    for (size_t i = 0; a->ring && i < size - a->ring * a->x_stride; i++)
        memcpy(s->x + a->ring * a->x_stride + i, s->x + i, sizeof *s->x);
    size = (size_t)s->rows * a->taps * a->in_per_group * 4;
    s->w = room(size);
    fill_bytes(s->w, size, most);
    const uint32_t words = a->taps * a->in_per_group;
    for (uint32_t o = 0; fours && a->groups == 1 && o + 16 <= s->rows; o += 16)
        fill_fours(s->w + (size_t)o * 4 * words, words, below(8) == 0);
    s->scale = filled(s->rows);
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

static void describe(const mli_kernels *k, const fixture *s)
{
    const mli_conv *a = &s->a;
    print_error("%s: groups %u words %u out %u taps %u dilation %u frames %u "
                "step %u ring %u pos %u\n",
                k->name, a->groups, a->in_per_group, a->out_per_group, a->taps,
                a->dilation, a->frames, a->step, a->ring, a->pos);
}

static int64_t whole_sum(const fixture *s, uint32_t f, uint32_t o)
{
    const mli_conv *a = &s->a;
    const uint32_t g = o / a->out_per_group, inputs = 4 * a->in_per_group;
    const int8_t *w =
        s->w + (size_t)g * (s->rows / a->groups) * a->taps * inputs;
    int64_t sum = 0;
    for (uint32_t k = 0; k < a->taps; k++) {
        const int8_t *x =
            (const int8_t *)(s->x + input_frame(a, f, k) * a->x_stride +
                             g * a->in_per_group);
        for (uint32_t i = 0; i < inputs; i++)
            sum += x[i] * w[mli_bytes_index(a->out_per_group, a->taps, inputs,
                                            o % a->out_per_group, k, i)];
    }
    return sum;
}

/* The sum itself is exact: rounded once to a float, once or twice more. */
static void check_one(const mli_kernels *k, const fixture *s, uint32_t f,
                      uint32_t o)
{
    const mli_conv *a = &s->a;
    const uint32_t row =
        o / a->out_per_group * (s->rows / a->groups) + o % a->out_per_group;
    int64_t sum = whole_sum(s, f, o);
    double product = (double)(float)sum * s->scale[row];
    double expected = product + (a->b ? s->b[o] : 0);
    float y = a->y[(size_t)f * a->y_stride + o];
    if (fabs(y - expected) <= 0x1p-24 * (fabs(product) + fabs(expected)))
        return;
    describe(k, s);
    fail_msg("frame %u output %u: %.9g, expected %.9g of the sum %lld", f, o, y,
             expected, (long long)sum);
}

/* What the runtime asks at the start, and whether that is so. */
static uint32_t takes_fours(const mli_kernels *k, const fixture *s)
{
    const mli_conv *a = &s->a;
    const uint32_t words = a->taps * a->in_per_group;
    int64_t most = words >= 4 && s->rows >= 16 ? 0 : 259;
    if (!k->bytes_fours || a->groups != 1)
        return 0;
    for (uint32_t o = 0; o < s->rows / 16 * 16; o++)
        for (uint32_t i = 0; i + 4 <= words; i += 4)
            for (uint32_t byte = 0; byte < 4; byte++) {
                int sum = 0;
                for (uint32_t n = i; n < i + 4; n++)
                    sum += abs(
                        s->w[o / 16 * 64 * words + n * 64 + o % 16 * 4 + byte]);
                most = sum > most ? sum : most;
            }
    int fours = k->bytes_fours(a->w, s->rows, 4 * words);
    assert_int_equal(fours, most <= 258);
    fours_seen += (unsigned)fours;
    return (uint32_t)fours;
}

static void run(const mli_kernels *k, fixture *s, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++)
        s->y[i] = CANARY;
    s->a.fours = takes_fours(k, s);
    k->conv(&s->a, first, last);
    for (size_t i = 0; i < s->y_size + 2 * EDGE; i++) {
        size_t f = (i - EDGE) / s->a.y_stride, o = (i - EDGE) % s->a.y_stride;
        if (i >= EDGE && f < s->a.frames && o >= first && o < last) {
            check_one(k, s, (uint32_t)f, (uint32_t)o);
        } else if (s->y[i] != CANARY) {
            describe(k, s);
            fail_msg("wrote outside of %u to %u", first, last);
        }
    }
}

static void check_case(mli_conv shape, int bias)
{
    fixture s;
    const mli_kernels *k;
    set_up(&s, shape, bias);
    for (uint32_t i = 0; (k = build_at(i)); i++) {
        run(k, &s, 0, s.outputs);
        for (int turn = 0; turn < 4; turn++) {
            uint32_t first = below(s.outputs);
            run(k, &s, first, first + 1 + below(s.outputs - first));
        }
        if (shape.taps == 1 && shape.groups == 1 && shape.ring == 0)
            check_single(k, &s.a, i % 2 ? MLI_TANH : MLI_SIN);
    }
    tear_down(&s);
}

static void dense_layers(void **state)
{
    (void)state;
    seed = 1;
    for (uint32_t n = 1; n <= 40; n++)
        check_case(dense(1 + below(20), n, 1 + below(19)), n % 3 != 0);
    for (uint32_t n = 1; n <= 40; n++)
        check_case(dense(n, 1 + below(40), 1 + below(3)), 1);
}

/* As many products as there may be, all of the largest. */
static void longest_sum(void **state)
{
    (void)state;
    const mli_kernels *k;
    const uint32_t words = MLI_MOST_BYTES / 4;
    float *x = room(words * sizeof *x), *w = room(words * 16), y[4];
    const float scale[4] = {1, 1, 1, 1};
    mli_conv a = dense(words, 4, 1);
    memset(x, 127, words * sizeof *x);
    memset(w, -127, words * 16);
    a.x_stride = words;
    a.y_stride = 4;
    a.storage = MLI_BYTES;
    a.x = x;
    a.w = w;
    a.scale = scale;
    a.y = y;
    for (uint32_t i = 0; (k = build_at(i)); i++) {
        k->conv(&a, 0, 4);
        for (int o = 0; o < 4; o++)
            assert_true(y[o] == -127.f * 127.f * MLI_MOST_BYTES);
    }
    free(x);
    free(w);
}

static void convolutions(void **state)
{
    (void)state;
    const int count = getenv("MLI_LONG") ? 10000 : 200;
    seed = 2;
    for (int n = 0; n < count; n++) {
        int ring = (int)below(2);
        uint32_t words = 1 + below(below(3) ? 9 : 40); /* side by side or not */
        mli_conv a =
            convolved(dense(words, 1 + below(36), 1 + below(20)), ring);
        check_case(a, below(4) != 0);
    }
}

static void sums_of_four(void **state)
{
    (void)state;
    if (mli_kernels_at(0)->bytes_fours)
        assert_true(fours_seen > 20);
    else /* no use for them here */
        assert_true(fours_seen == 0);
}

/* -------------------------------------------------------------- quantize - */

static int8_t byte_of(float x, float factor, int zero)
{
    float t = x * factor; /* as the contract says, in floats */
    if (t < (float)(-127 - zero))
        return -127;
    if (t > (float)(127 - zero))
        return 127;
    return (int8_t)nearbyint((double)t + zero);
}

static float any_number(void)
{
    switch (below(12)) {
    case 0:
        return NAN;
    case 1:
        return below(2) ? INFINITY : -INFINITY;
    case 2:
        return noise() * 1e30f;
    case 3:
        return (float)((int)below(600) - 300) * 0.5f;
    default:
        return noise() * 200;
    }
}

static void check_rows(const mli_kernels *k, uint32_t n, uint32_t rows)
{
    const uint32_t words = mli_words(n);
    float *x = room((size_t)n * rows * sizeof *x);
    float *y = room((size_t)(words * rows + 2) * sizeof *y);
    const float factor = below(3) ? 1 : noise() * 3;
    const int zero = (int)below(255) - 127;
    size_t first = below(rows),
           last = first + 1 + below(rows - (uint32_t)first);
    for (size_t i = 0; i < (size_t)n * rows; i++)
        x[i] = any_number();
    for (size_t i = 0; i < words * rows + 2; i++)
        y[i] = CANARY;
    k->quantize(factor, zero, x, y + 1, n, first, last);
    for (size_t i = 0; i < words * rows + 2; i++) {
        const int8_t *got = (const int8_t *)(y + i);
        if (i < 1 + first * words || i >= 1 + last * words) {
            assert_true(y[i] == CANARY);
            continue;
        }
        size_t row = (i - 1) / words, at = (i - 1) % words * 4;
        for (size_t c = 0; c < 4; c++) {
            int expected =
                at + c < n ? byte_of(x[row * n + at + c], factor, zero) : 0;
            if (at + c < n && isnan(x[row * n + at + c]))
                continue;
            if (got[c] != expected)
                fail_msg("%s: %g times %g plus %d: %d, expected %d", k->name,
                         x[row * n + at + c], factor, zero, got[c], expected);
        }
    }
    free(x);
    free(y);
}

static void rows_to_bytes(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 3;
    for (uint32_t i = 0; (k = build_at(i)); i++)
        for (uint32_t n = 1; n < 70; n++)
            for (int turn = 0; turn < 20; turn++)
                check_rows(k, n, 1 + below(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_layers),
        cmocka_unit_test(longest_sum),
        cmocka_unit_test(convolutions),
        cmocka_unit_test(sums_of_four), /* what those before have made */
        cmocka_unit_test(rows_to_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
