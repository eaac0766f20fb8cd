/*
 * test_plan.c - the arena of every model in the repository is as small as can
 * be: the bound is recomputed here from the bytes of the file alone.
 */
#define _POSIX_C_SOURCE 200809L /* opendir, setenv */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>
#include "compiler.h"
#include "plan.h"
#include "stream_check.h"

/* ------------------------------------------------- the file, by offsets --- */

typedef struct file {
    const uint8_t *bytes;
    uint32_t inputs, ops, tensors, constants, stream;
} file;

static uint32_t word(const file *f, uint64_t at)
{
    const uint8_t *b = f->bytes + at;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

static uint32_t half(const file *f, uint64_t at)
{
    return f->bytes[at] | (uint32_t)f->bytes[at + 1] << 8;
}

enum { STRINGS, META, PORTS, CHANNELS, TENSORS, OPS, OPERANDS };

static uint32_t section(const file *f, uint32_t which)
{
    return word(f, 80 + 8 * which);
}

static uint32_t section_bytes(const file *f, uint32_t which)
{
    return word(f, 84 + 8 * which);
}

static file open_file(const uint8_t *bytes)
{
    file f = {.bytes = bytes};

    f.stream = word(&f, 20) == 0;
    f.inputs = word(&f, 64);
    f.ops = section_bytes(&f, OPS) / 64;
    f.tensors = section_bytes(&f, TENSORS) / 64;
    f.constants = f.tensors - f.inputs - f.ops;
    return f;
}

/* Word k of a tensor record: 0 region, 1 flags, 2 offset, 3 rank, 4-11 dims,
   12 first, 13 last, 14 period. */
static uint32_t tensor(const file *f, uint32_t t, uint32_t k)
{
    return word(f, section(f, TENSORS) + 64ull * t + 4 * k);
}

static uint64_t elements(const file *f, uint32_t t)
{
    uint64_t n = 1;

    for (uint32_t d = 0; d < tensor(f, t, 3); d++)
        n *= tensor(f, t, 4 + d);
    return n;
}

/* Floats that it takes, in stream files per tick: of 16 ticks' frames. */
static uint64_t room_of(const file *f, uint32_t t)
{
    uint64_t n = elements(f, t);
    uint32_t period = tensor(f, t, 14);

    if (!f->stream)
        return (n + 15) / 16 * 16;
    return period ? (n * ((16 + period - 1) / period) + 15) / 16 : n;
}

static uint32_t op_type(const file *f, uint32_t op)
{
    return half(f, section(f, OPS) + 64ull * op);
}

static uint32_t op_inputs(const file *f, uint32_t op)
{
    return half(f, section(f, OPS) + 64ull * op + 2);
}

static uint32_t operand(const file *f, uint32_t op, uint32_t k)
{
    uint32_t first = word(f, section(f, OPS) + 64ull * op + 16);

    return word(f, section(f, OPERANDS) + 4ull * (first + k));
}

static uint32_t result(const file *f, uint32_t op)
{
    return f->inputs + f->constants + op;
}

/* ------------------------------------------------------------ the bound --- */

/* The last operator that reads a tensor; its maker if none; `ops` for an
   output port's. */
static uint32_t *last_readers(const file *f)
{
    uint32_t ports = section(f, PORTS);
    uint32_t count = section_bytes(f, PORTS) / 32;
    uint32_t *last = calloc(f->tensors + 1, sizeof *last);

    assert_non_null(last);
    for (uint32_t i = 0; i < f->ops; i++)
        last[result(f, i)] = i;
    for (uint32_t i = 0; i < f->ops; i++)
        for (uint32_t k = 0; k < op_inputs(f, i); k++)
            last[operand(f, i, k)] = i;
    for (uint32_t p = f->inputs; p < count; p++)
        last[word(f, ports + 32ull * p)] = f->ops;
    return last;
}

static int same_dims(const file *f, uint32_t a, uint32_t b)
{
    for (uint32_t k = 3; k < 12; k++)
        if (tensor(f, a, k) != tensor(f, b, k))
            return 0;
    return 1;
}

/* May operator i put its result where its operand k is? */
static int runs_in_place(const file *f, uint32_t i, uint32_t k,
                         const uint32_t *last)
{
    uint32_t x = operand(f, i, k), y = result(f, i), type = op_type(f, i);
    uint32_t taps = word(f, section(f, OPS) + 64ull * i + 28);

    if (tensor(f, x, 0) != 0 || last[x] != i ||
        elements(f, x) != elements(f, y) ||
        tensor(f, x, 1) != tensor(f, y, 1) ||
        tensor(f, x, 14) != tensor(f, y, 14))
        return 0;
    switch (type) {
    case 6:  /* UNARY */
    case 8:  /* AFFINE */
    case 9:  /* SOFTMAX */
    case 10: /* NORMALIZE */
    case 14: /* RESHAPE */
    case 18: /* DELAY */
    case 19: /* HOLD */
        return k == 0;
    case 2: /* CONV1D with a history */
        return k == 0 && (tensor(f, y, 1) & 1) && taps > 1;
    case 7: /* BINARY */
        return same_dims(f, x, y);
    default:
        return 0;
    }
}

/* Walk through the operators, counting what lives. */
static uint64_t bound_of(const file *f)
{
    uint32_t *last = last_readers(f);
    char *moved = calloc(f->tensors + 1, 1); /* its buffer lives on */
    uint64_t live = 0, most = 0;

    assert_non_null(moved);
    for (uint32_t t = 0; t < f->inputs; t++)
        live += room_of(f, t);
    most = f->ops ? 0 : live;
    for (uint32_t i = 0; i < f->ops; i++) {
        uint32_t y = result(f, i), joined = 0;
        for (uint32_t k = 0; k < op_inputs(f, i) && !joined; k++)
            if (runs_in_place(f, i, k, last))
                joined = moved[operand(f, i, k)] = 1;
        live += joined ? 0 : room_of(f, y);
        most = live > most ? live : most;
        for (uint32_t t = 0; t < f->tensors; t++) {
            if (tensor(f, t, 0) != 0 || last[t] != i || moved[t])
                continue;
            if (t >= f->inputs && t > y)
                continue; /* not made yet */
            live -= room_of(f, t);
            moved[t] = 1;
        }
        /* inputs that nobody reads die after operator 0: last is 0 */
    }
    free(last);
    free(moved);
    return most;
}

static void check_image(const char *name, const mlc_image *image)
{
    file f = open_file(image->bytes);
    uint64_t bound = bound_of(&f);
    uint32_t arena = word(&f, 72), stated = word(&f, 76);

    if (arena != bound || stated != bound)
        fail_msg("%s: arena %u, stated bound %u, recomputed %llu", name, arena,
                 stated, (unsigned long long)bound);
}

/* ------------------------------------------------------- every model ------ */

typedef struct tally {
    uint32_t checked, refused;
} tally;

static int ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);

    return n >= m && !strcmp(name + n - m, ending);
}

static void check_model(const char *path, tally *t)
{
    mlc_image image;
    mlc_error error;

    if (mlc_load(path, NULL, &image, &error) != MLC_OK) {
        print_message("refused: %s: %.120s\n", path, error.text);
        t->refused++;
        return;
    }
    check_image(path, &image);
    mlc_image_free(&image);
    t->checked++;
}

static void check_folder(const char *folder, int depth, tally *t)
{
    DIR *d = opendir(folder);
    struct dirent *entry;

    while (d && depth < 8 && (entry = readdir(d))) {
        char path[4096];
        struct stat s;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &s) != 0)
            continue;
        if (S_ISDIR(s.st_mode))
            check_folder(path, depth + 1, t);
        else if (ends_in(path, ".bin") || ends_in(path, ".nam") ||
                 ends_in(path, ".onnx"))
            check_model(path, t);
    }
    if (d)
        closedir(d);
}

static void models_of_the_repository(void **state)
{
    static const char *const folders[] = {"models", "tests/goldens"};
    tally t = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", root(), folders[i]);
        check_folder(path, 0, &t);
    }
    print_message("%u models, %u refused\n", t.checked, t.refused);
    assert_true(t.checked > 250);
}

static void models_beside_it(void **state)
{
    const char *folder = real_models();
    tally t = {0};

    (void)state;
    if (!folder) {
        print_message("SKIP: no real models here\n");
        skip();
    }
    check_folder(folder, 0, &t);
    print_message("%u models, %u refused\n", t.checked, t.refused);
    assert_true(t.checked > 0);
}

/* --------------------------------------------------------- placing -------- */

static int overlap(const mlc_buffer *a, const mlc_buffer *b)
{
    return a->first <= b->last && b->first <= a->last &&
           a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

/* Whatever is asked, nothing overlaps, and the height is what it says. */
static void random_buffers(void **state)
{
    uint32_t seed = 1, met = 0, count = 200;

    (void)state;
    for (uint32_t round = 0; round < count; round++) {
        mlc_buffer b[40];
        uint64_t bound, height, top = 0;
        uint32_t n = 2 + round % 39;
        int ok;

        for (uint32_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            b[i].first = (seed >> 8) % 40;
            b[i].last = b[i].first + (seed >> 16) % 6;
            b[i].size = 1 + (seed >> 24) % 32;
        }
        bound = mlc_place_bound(b, n, 46, &ok);
        assert_true(ok);
        height = mlc_place(b, n, 46, bound);
        for (uint32_t i = 0; i < n; i++) {
            if (b[i].offset + b[i].size > top)
                top = b[i].offset + b[i].size;
            for (uint32_t k = 0; k < i; k++)
                assert_false(overlap(&b[i], &b[k]));
        }
        assert_int_equal(top, height);
        assert_true(height >= bound);
        met += height == bound;
    }
    print_message("%u of %u meet the bound\n", met, count);
    assert_true(met >= count * 9 / 10);
}

/* A net of many quantised convolutions: crowded times in a row, each of which
   alone is easily met. All of them are met by little searching. */
static void many_layers(void **state)
{
    /* one layer's: from when on, until when, and its size */
    static const uint32_t layer[][3] = {
        {0, 0, 2048},   {3, 4, 2048},   {4, 5, 2048}, {5, 22, 16},
        {7, 8, 2048},   {8, 9, 2048},   {9, 27, 16},  {13, 18, 16},
        {23, 24, 3072}, {24, 25, 4608},
    };
    enum { LAYERS = 16, PARTS = sizeof layer / sizeof *layer, EVERY = 25 };
    mlc_buffer b[LAYERS * PARTS];
    uint64_t bound;
    clock_t began;
    int ok;

    (void)state;
    for (uint32_t i = 0; i < LAYERS * PARTS; i++) {
        const uint32_t *of = layer[i % PARTS];
        uint32_t start = i / PARTS * EVERY;

        b[i].size = of[2];
        b[i].first = start + of[0];
        b[i].last = start + (i % PARTS ? of[1] : EVERY - 2u);
    }
    bound = mlc_place_bound(b, LAYERS * PARTS, (LAYERS + 1) * EVERY, &ok);
    assert_true(ok);
    began = clock();
    assert_int_equal(mlc_place(b, LAYERS * PARTS, (LAYERS + 1) * EVERY, bound),
                     bound);
    /* a few milliseconds of processor time */
    assert_true(clock() - began < CLOCKS_PER_SEC / 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_buffers),
        cmocka_unit_test(many_layers),
        cmocka_unit_test(models_of_the_repository),
        cmocka_unit_test(models_beside_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
