/*
 * test_kernels_rows.c - recurrent cells, binary operators, affine, softmax,
 * normalisation and reductions of every build that runs here.
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
#include "binary_reference.h"
#include "kernels.h"
#include "noise.h"
#include "stored_matrix.h"

static const float CANARY = 1234.5f;
enum { EDGE = 32, MAX = 512 };

static void fill(float *p, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        p[i] = noise() * scale;
}

static void fill_canary(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = CANARY;
}

static double ulp(double v)
{
    int e;
    if (!(fabs(v) >= 0x1p-126))
        return 0x1p-149;
    frexp(v, &e);
    return ldexp(1, e - 24);
}

static void check_near(const mli_kernels *k, const char *what, size_t at,
                       float y, double r, double bound)
{
    if (isnan(r) ? isnan(y) : y == r || fabs(y - r) <= bound)
        return;
    if (isinf(y) && fabs(r) > 0x1.fffff8p127)
        return;
    fail_msg("%s %s [%zu]: %.9g, expected %.9g +- %.2g", k->name, what, at, y,
             r, bound);
}

/* y, EDGE floats wider on both sides: written in [first, last) only. */
static void check_canary(const mli_kernels *k, const char *what, const float *y,
                         size_t n, size_t first, size_t last)
{
    for (size_t i = 0; i < n + 2 * EDGE; i++)
        if ((i < EDGE + first || i >= EDGE + last) && y[i] != CANARY)
            fail_msg("%s %s wrote at %d, not in [%zu, %zu)", k->name, what,
                     (int)i - EDGE, first, last);
}

/* ----------------------------------------------------------------- cells - */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static size_t row(uint32_t gates, uint32_t gate, uint32_t u)
{
    return (u / 4 * gates + gate) * 4 + u % 4;
}

enum { LSTM, GRU, RNN, LAYERS };
enum { FRAMES = 3 };

static const char *const layer_names[] = {"lstm", "gru", "rnn"};
static const uint32_t layer_gates[] = {4, 3, 1};

typedef void layer_fn(const mli_recurrent *a, uint32_t first, uint32_t last);

static layer_fn *layer_of(const mli_kernels *k, int kind)
{
    layer_fn *const f[] = {k->lstm, k->gru, k->rnn};
    return f[kind];
}

typedef struct layer_data {
    float x[FRAMES * 4 * MAX], b[4 * MAX], h[MAX], c[MAX];
    float y[FRAMES * MAX + 2 * EDGE], whole[FRAMES * MAX], cells[MAX];
    page_end w;    /* as long as may be read */
    float *floats; /* that it means */
} layer_data;

static layer_data d;

/* A row of U h + b. */
static double product_row(const mli_recurrent *a, uint32_t rows, size_t o,
                          const float *h)
{
    double sum = a->b ? a->b[o] : 0;
    for (uint32_t i = 0; i < a->units; i++)
        sum += (double)d.floats[mli_packed_index(rows, 1, a->units, (uint32_t)o,
                                                 0, i)] *
               h[i];
    return sum;
}

/* The new hidden value of unit u; lstm: also its new cell value. */
static double layer_reference(int kind, const mli_recurrent *a, const float *x,
                              const float *h, uint32_t u, double *c)
{
    const uint32_t n = layer_gates[kind], rows = (a->units + 3) / 4 * 4 * n;
    double r[4], s[4], z, m;
    for (uint32_t g = 0; g < n; g++) {
        size_t o = row(n, g, u);
        r[g] = product_row(a, rows, o, h);
        s[g] = r[g] + x[o];
    }
    switch (kind) {
    case LSTM:
        *c = sigmoid(s[1]) * *c + sigmoid(s[0]) * tanh(s[2]);
        return sigmoid(s[3]) * tanh(*c);
    case GRU:
        z = sigmoid(s[1]);
        m = tanh(x[row(n, 2, u)] + sigmoid(s[0]) * r[2]);
        return (1 - z) * m + z * h[u];
    default:
        return a->f == MLI_TANH   ? tanh(s[0])
               : a->f == MLI_RELU ? fmax(s[0], 0)
                                  : s[0];
    }
}

/* Each frame from the frame that the kernel made before it. */
static void check_layer_values(const mli_kernels *k, int kind,
                               const mli_recurrent *a)
{
    const uint32_t rows = (a->units + 3) / 4 * 4 * layer_gates[kind];
    double c[MAX];
    for (uint32_t u = 0; u < a->units; u++)
        c[u] = d.c[u];
    for (uint32_t f = 0; f < FRAMES; f++)
        for (uint32_t u = 0; u < a->units; u++) {
            const float *h = f ? a->y + (f - 1) * a->units : a->h;
            double want =
                layer_reference(kind, a, a->x + f * rows, h, u, c + u);
            check_near(k, layer_names[kind], u, a->y[f * a->units + u], want,
                       5e-6);
        }
    for (uint32_t u = 0; kind == LSTM && u < a->units; u++)
        check_near(k, "c", u, a->c[u], c[u], 5e-6);
}

/* However units and frames are cut, the bits stay. */
static void check_layer_cuts(const mli_kernels *k, int kind, mli_recurrent a)
{
    const uint32_t rows = (a.units + 3) / 4 * 4 * layer_gates[kind];
    float c[MAX];
    memcpy(c, d.c, sizeof c);
    a.c = c;
    a.y = d.y + EDGE;
    a.frames = 1;
    for (uint32_t f = 0; f < FRAMES; f++) {
        for (uint32_t first = 0, last; first < a.units; first = last) {
            last = first + 16 * (1 + f);
            last = last < a.units ? last : a.units;
            fill_canary(d.y, sizeof d.y / 4);
            layer_of(k, kind)(&a, first, last);
            check_canary(k, layer_names[kind], d.y, MAX, first, last);
            if (memcmp(a.y + first, d.whole + f * a.units + first,
                       (last - first) * 4))
                fail_msg("%s %s: units [%u, %u) of %u differ", k->name,
                         layer_names[kind], first, last, a.units);
        }
        a.x += a.in_w ? 1 : rows;
        a.h = d.whole + f * a.units;
    }
    if (kind == LSTM)
        assert_memory_equal(c, d.cells, a.units * 4);
}

/* A number a frame that the kernel projects: as if a dense layer had, but that
   biases may be added up first. */
static void check_projection(const mli_kernels *k, int kind, mli_recurrent a,
                             int bias)
{
    const uint32_t rows = (a.units + 3) / 4 * 4 * layer_gates[kind];
    static float w[4 * MAX], b[4 * MAX], x[FRAMES], c[MAX], y[FRAMES * MAX];
    float *const whole = a.y;
    fill(w, rows, 1);
    fill(b, rows, 1);
    fill(x, FRAMES, 2);
    mli_conv dense = {.x = x,
                      .w = w,
                      .b = bias ? b : NULL,
                      .y = d.x,
                      .x_stride = 1,
                      .y_stride = rows,
                      .frames = FRAMES,
                      .step = 1,
                      .taps = 1,
                      .dilation = 1,
                      .groups = 1,
                      .in_per_group = 1,
                      .out_per_group = rows};
    k->conv(&dense, 0, rows);
    memcpy(c, d.c, sizeof c);
    a.c = c;
    layer_of(k, kind)(&a, 0, a.units);
    memcpy(c, d.c, sizeof c);
    a.x = x;
    a.y = y;
    a.in_w = w;
    a.in_b = bias ? b : NULL;
    layer_of(k, kind)(&a, 0, a.units);
    for (uint32_t i = 0; i < FRAMES * a.units; i++)
        check_near(k, layer_names[kind], i, y[i], whole[i], 2e-6);
    memcpy(d.whole, y, FRAMES * a.units * 4);
    memcpy(d.cells, c, a.units * 4);
    check_layer_cuts(k, kind, a);
}

/* A matrix with which h stays small, in d.w and d.floats; its scales. */
static stored_matrix layer_matrix(mli_storage storage, uint32_t rows,
                                  uint32_t units)
{
    const size_t size = (size_t)rows * units;
    const float most = storage == MLI_INT8 ? 127.0f : 0x1p15f;
    stored_matrix m = {.storage = MLI_F32};
    d.floats = malloc(size * sizeof *d.floats);
    assert_non_null(d.floats);
    if (storage == MLI_F32) {
        fill(d.floats, size, 2.0f / (float)units);
        d.w = page_end_copy(d.floats, size);
        return m;
    }
    m = stored_matrix_new(storage, 1, rows, units);
    for (uint32_t r = 0; r < rows; r++)
        m.scale[r] *= 2.0f / (most * (float)units);
    stored_expand(storage, m.numbers, m.scale, rows, units, d.floats);
    d.w = page_end_copy((const float *)(const void *)m.numbers,
                        (size_t)mli_stored_bytes(storage, rows, units) / 4);
    return m;
}

static void check_layer(const mli_kernels *k, int kind, uint32_t units,
                        mli_unary f, int bias, mli_storage storage)
{
    const uint32_t rows = (units + 3) / 4 * 4 * layer_gates[kind];
    stored_matrix m = layer_matrix(storage, rows, units);
    fill(d.x, FRAMES * rows, 4);
    fill(d.b, rows, 1);
    fill(d.h, units, units % 5 ? 1 : 3);
    fill(d.c, units, 3);
    memcpy(d.cells, d.c, sizeof d.c);
    fill_canary(d.y, sizeof d.y / 4);
    mli_recurrent a = {d.x,    d.w.p,   bias ? d.b : NULL,
                       d.h,    d.cells, d.y + EDGE,
                       FRAMES, units,   f,
                       NULL,   NULL,    storage,
                       m.scale};
    layer_of(k, kind)(&a, 0, units);
    check_canary(k, layer_names[kind], d.y, FRAMES * MAX, 0, FRAMES * units);
    memcpy(d.whole, a.y, FRAMES * units * 4);
    a.y = d.whole;
    check_layer_values(k, kind, &a);
    check_layer_cuts(k, kind, a);
    check_projection(k, kind, a, units % 3 != 0);
    page_end_free(d.w);
    free(d.floats);
    stored_matrix_free(&m);
}

static void layers(void **state)
{
    (void)state;
    const mli_unary f[] = {MLI_TANH, MLI_RELU, MLI_IDENTITY};
    /* Forms for few units end at 48 and 128; whole numbers in the place of h at
       256. An emulator takes long. */
    static const uint32_t more[] = {44, 47, 48,  49,  52,  57, 63,
                                    64, 70, 128, 129, 256, 257};
    const uint32_t most = getenv("MLI_LONG") ? 130 : 42;
    const mli_kernels *k;
    seed = 1;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (uint32_t u = 0; u < most + sizeof more / sizeof *more; u++) {
            const uint32_t units = u < most ? u + 1 : more[u - most];
            for (int kind = 0; kind < LAYERS; kind++)
                for (mli_storage s = MLI_F32; s <= MLI_INT8; s++)
                    check_layer(k, kind, units, f[units % 3], units % 4 != 1,
                                s);
        }
}

/* A state from elsewhere may be any: beside its largest number smaller ones may
   lose bits. */
static void check_state(const mli_kernels *k, int kind, uint32_t units,
                        mli_storage storage, float size)
{
    const uint32_t rows = (units + 3) / 4 * 4 * layer_gates[kind];
    stored_matrix m = layer_matrix(storage, rows, units);
    const double most = size > 1 ? size : 1;
    fill(d.x, rows, 4);
    fill(d.h, units, 1);
    fill(d.c, units, 3);
    for (uint32_t u = 0; u < units; u++)
        d.h[u] *= u % 3 ? size : 1;
    memcpy(d.cells, d.c, sizeof d.c);
    const mli_recurrent a = {.x = d.x,
                             .w = d.w.p,
                             .h = d.h,
                             .c = d.cells,
                             .y = d.y,
                             .frames = 1,
                             .units = units,
                             .f = MLI_IDENTITY,
                             .storage = storage,
                             .scale = m.scale};
    layer_of(k, kind)(&a, 0, units);
    for (uint32_t u = 0; u < units; u++) {
        double c = d.c[u];
        double want = layer_reference(kind, &a, d.x, d.h, u, &c);
        check_near(k, layer_names[kind], u, d.y[u], want, 5e-6 * most);
        if (kind == LSTM)
            check_near(k, "c", u, d.cells[u], c, 5e-6);
    }
    page_end_free(d.w);
    free(d.floats);
    stored_matrix_free(&m);
}

static void layers_take_any_state(void **state)
{
    (void)state;
    static const uint32_t units[] = {3, 20, 256};
    static const float sizes[] = {0x1p-140f, 1.0f, 2.0f, 1e12f, 1e18f};
    const mli_kernels *k;
    seed = 3;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
                for (int kind = 0; kind < LAYERS; kind++)
                    for (mli_storage s = MLI_F32; s <= MLI_INT8; s++)
                        check_state(k, kind, units[u], s, sizes[z]);
}

/* NaN in any gate of a unit comes out there and, a frame later, everywhere. */
static void check_nan(const mli_kernels *k, int kind, uint32_t gate,
                      mli_storage storage)
{
    float w[4 * 20 * 20], x[2 * 80], h[20], c[20], y[2 * 20], scale[80];
    fill(w, 4 * 20 * 20, 1);
    fill(x, 2 * 80, 2);
    fill(h, 20, 1);
    fill(c, 20, 1);
    fill(scale, 80, 0.01f);
    for (size_t i = 0; storage == MLI_F16 && i < sizeof w / 2; i++)
        memcpy((uint8_t *)w + 2 * i, &(uint16_t){0x3c00}, 2); /* 1 */
    x[row(layer_gates[kind], gate, 13)] = NAN;
    mli_recurrent a = {.x = x,
                       .w = w,
                       .h = h,
                       .c = c,
                       .y = y,
                       .frames = 2,
                       .units = 20,
                       .f = MLI_RELU,
                       .storage = storage,
                       .scale = scale};
    layer_of(k, kind)(&a, 0, 20);
    for (uint32_t u = 0; u < 40; u++)
        assert_int_equal(!!isnan(y[u]), u == 13 || u >= 20);
}

static void layers_keep_nan(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 2;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (int kind = 0; kind < LAYERS; kind++)
            for (uint32_t gate = 0; gate < layer_gates[kind]; gate++)
                for (mli_storage s = MLI_F32; s <= MLI_INT8; s++)
                    check_nan(k, kind, gate, s);
}

typedef void cell_fn(const mli_cell *a, uint32_t first, uint32_t last);

enum { GRU_RESET, GRU_UPDATE, GRU_AFTER, LSTM_UPDATE, CELLS };

static const char *const cell_names[] = {"gru_reset", "gru_update", "gru_after",
                                         "lstm_update"};
static const uint32_t cell_gates[] = {3, 3, 3, 4};

static cell_fn *cell_of(const mli_kernels *k, int kind)
{
    return kind == GRU_RESET    ? k->gru_reset
           : kind == GRU_UPDATE ? k->gru_update
           : kind == GRU_AFTER  ? k->gru_after
                                : k->lstm_update;
}

static double cell_reference(int kind, const mli_cell *a, uint32_t u)
{
    uint32_t gates = cell_gates[kind];
    double s[4], z;
    for (uint32_t g = 0; g < gates; g++)
        s[g] = (double)a->x[row(gates, g, u)] + a->r[row(gates, g, u)];
    if (kind == LSTM_UPDATE)
        return sigmoid(s[3]) *
               tanh(sigmoid(s[1]) * a->c[u] + sigmoid(s[0]) * tanh(s[2]));
    z = sigmoid(s[1]);
    if (kind == GRU_AFTER)
        s[2] = a->x[row(3, 2, u)] + sigmoid(s[0]) * a->r[row(3, 2, u)];
    return kind == GRU_RESET ? sigmoid(s[0]) * a->h[u]
                             : (1 - z) * tanh(s[2]) + z * a->h[u];
}

static void check_cell(const mli_kernels *k, int kind, uint32_t units)
{
    const size_t rows = (units + 3) / 4 * 4 * cell_gates[kind];
    float x[MAX], r[MAX], h[MAX], whole[MAX], y[MAX + 2 * EDGE];
    float before[MAX], c[MAX];
    fill(x, rows, 4);
    fill(r, rows, 4);
    fill(h, units, 1);
    fill(before, MAX, 1);
    memcpy(c, before, sizeof c);
    mli_cell a = {x, r, h, whole, units, c};
    cell_of(k, kind)(&a, 0, units);
    a.c = before;
    for (uint32_t u = 0; u < units; u++)
        check_near(k, cell_names[kind], u, whole[u],
                   cell_reference(kind, &a, u), 2e-6);
    for (uint32_t u = 0; u < MAX; u++) {
        double gate[4];
        for (uint32_t g = 0; g < 4 && u < units; g++)
            gate[g] = (double)x[row(4, g, u)] + r[row(4, g, u)];
        if (kind == LSTM_UPDATE && u < units)
            check_near(k, "lstm_update: c", u, c[u],
                       sigmoid(gate[1]) * before[u] +
                           sigmoid(gate[0]) * tanh(gate[2]),
                       2e-6);
        else
            assert_true(c[u] == before[u]);
    }
    a.c = c;
    for (uint32_t first = 0; first < units; first += 1 + first / 8)
        for (uint32_t last = first; last <= units; last += 1 + last % 7) {
            fill_canary(y, MAX + 2 * EDGE);
            a.y = y + EDGE;
            memcpy(c, before, sizeof c);
            cell_of(k, kind)(&a, first, last);
            check_canary(k, cell_names[kind], y, MAX, first, last);
            if (memcmp(a.y + first, whole + first, (last - first) * 4))
                fail_msg("%s %s: units [%u, %u) of %u differ", k->name,
                         cell_names[kind], first, last, units);
        }
    memcpy(c, before, sizeof c);
    a.y = h; /* in place */
    cell_of(k, kind)(&a, 0, units);
    assert_memory_equal(h, whole, units * 4);
}

static void cells(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 1;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (uint32_t units = 1; units <= 50; units++)
            for (int kind = 0; kind < CELLS; kind++)
                check_cell(k, kind, units);
}

/* NaN in any operand of a cell comes out. */
static void cells_keep_nan(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 2;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (int kind = 0; kind < CELLS; kind++)
            for (uint32_t gate = 0; gate < cell_gates[kind]; gate++) {
                float x[MAX], r[MAX], h[MAX], y[MAX], c[MAX];
                fill(x, MAX, 2);
                fill(r, MAX, 2);
                fill(h, MAX, 1);
                fill(c, MAX, 1);
                x[row(cell_gates[kind], gate, 13)] = NAN;
                mli_cell a = {x, r, h, y, 20, c};
                cell_of(k, kind)(&a, 0, 20);
                int used = kind == GRU_RESET    ? gate == 0
                           : kind == GRU_UPDATE ? gate > 0
                                                : 1;
                for (uint32_t u = 0; u < 20; u++)
                    assert_int_equal(!!isnan(y[u]), used && u == 13);
            }
}

/* ---------------------------------------------------------------- binary - */

static int rounded_once(mli_binary f)
{
    return f != MLI_DIV && f != MLI_POW && f != MLI_TRUNC_DIV;
}

static void check_binary(const mli_kernels *k, mli_binary f, const float *a,
                         size_t a_step, const float *b, size_t b_step, size_t n)
{
    float y[MAX + 2 * EDGE], whole[MAX];
    char what[32];
    snprintf(what, sizeof what, "binary %d", f);
    k->binary(f, a, a_step, b, b_step, whole, 0, n);
    for (size_t i = 0; i < n; i++) {
        double want = binary_reference(f, a[i * a_step], b[i * b_step]);
        double bound =
            rounded_once(f) ? ulp(want) / 2 : fmax(5e-7, 3 * ulp(want));
        check_near(k, what, i, whole[i], want, bound);
    }
    for (size_t first = 0; first < n; first += 1 + first / 4)
        for (size_t last = first; last <= n; last += 1 + last / 3) {
            fill_canary(y, MAX + 2 * EDGE);
            k->binary(f, a, a_step, b, b_step, y + EDGE, first, last);
            check_canary(k, what, y, MAX, first, last);
            assert_memory_equal(y + EDGE + first, whole + first,
                                (last - first) * 4);
        }
    if (a_step) {
        memcpy(y, a, n * sizeof *a);
        k->binary(f, y, 1, b, b_step, y, 0, n);
        assert_memory_equal(y, whole, n * 4);
    }
    if (b_step) {
        memcpy(y, b, n * sizeof *b);
        k->binary(f, a, a_step, y, 1, y, 0, n);
        assert_memory_equal(y, whole, n * 4);
    }
}

static void binary(void **state)
{
    (void)state;
    float a[MAX], b[MAX];
    const mli_kernels *k;
    seed = 3;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 60; n += 3)
            for (int f = 0; f < MLI_BINARY_COUNT; f++)
                for (size_t steps = 0; steps < 4; steps++) {
                    fill(a, n, 9);
                    fill(b, n, 5);
                    check_binary(k, (mli_binary)f, a, steps & 1, b, steps >> 1,
                                 n);
                }
}

/* Every pair of these, with every operator. */
static const float special[] = {
    0.0f,     -0.0f,           1.0f,        -1.0f,
    2.0f,     -2.0f,           3.0f,        -3.0f,
    0.5f,     -0.5f,           1.5f,        -2.5f,
    1e-3f,    -1e-3f,          16777215,    -16777215,
    1e10f,    -1e10f,          1e30f,       -1e30f,
    1e-30f,   -1e-30f,         INFINITY,    -INFINITY,
    NAN,      0x1.fffffep127f, 0x1p127f,    0x1p-126f,
    0x1p126f, 1.0000001f,      0.99999994f, 7.0f,
    88.0f,    -0x1p-126f,      1e38f,
};

static void binary_special(void **state)
{
    (void)state;
    const size_t n = sizeof special / sizeof special[0];
    const mli_kernels *k;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (int f = 0; f < MLI_BINARY_COUNT; f++)
            for (size_t j = 0; j < n; j++)
                for (size_t l = 0; l < n; l++) {
                    float y, a = special[j], b = special[l];
                    k->binary((mli_binary)f, &a, 0, &b, 0, &y, 0, 1);
                    double want = binary_reference((mli_binary)f, a, b);
                    if (fabs(want) < 0x1p-126 && fabs(y) < 0x1p-126)
                        continue;
                    if (isinf(want) && !signbit(want) == !signbit(y) &&
                        isinf(y))
                        continue;
                    double bound = rounded_once((mli_binary)f)
                                       ? ulp(want) / 2
                                       : fmax(5e-7, 3 * ulp(want));
                    if (isnan(want) ? !isnan(y)
                                    : !(y == want || fabs(y - want) <= bound ||
                                        (isinf(y) && fabs(want) > 3.4028e38)))
                        fail_msg("%s binary %d of %g, %g: %g, expected %g",
                                 k->name, f, a, b, y, want);
                }
}

/* Whole numbers divide and leave rests exactly, up to 2^24. */
static void whole_numbers(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 5;
    for (int i = 0; i < 20000; i++) {
        float a = rintf(noise() * 0x1p24f), b = rintf(noise() * 0x1p24f);
        b = i % 3 ? rintf(b / 0x1p14f) : b;
        a = i % 2 ? a : rintf(a / 0x1p12f) * b;
        if (b == 0)
            continue;
        for (uint32_t l = 0; (k = mli_kernels_at(l)); l++)
            for (int f = MLI_MOD; f <= MLI_TRUNC_DIV; f++) {
                float y;
                double want = binary_reference((mli_binary)f, a, b);
                k->binary((mli_binary)f, &a, 0, &b, 0, &y, 0, 1);
                if (y != (float)want)
                    fail_msg("%s binary %d of %g, %g: %g, expected %g", k->name,
                             f, a, b, y, want);
            }
    }
}

/* Powers, tightly: large results are where a float's logarithm would fail. */
static void power(void **state)
{
    (void)state;
    const int count = getenv("MLI_LONG") ? 20000000 : 200000;
    const mli_kernels *k;
    seed = 4;
    for (int i = 0; i < count; i += MAX) {
        float a[MAX], b[MAX], y[MAX];
        for (int j = 0; j < MAX; j++) {
            a[j] = ldexpf(1 + fabsf(noise()), (int)(noise() * 120));
            b[j] = noise() * (j % 2 ? 2 : 80);
        }
        for (uint32_t l = 0; (k = mli_kernels_at(l)); l++) {
            k->binary(MLI_POW, a, 1, b, 1, y, 0, MAX);
            for (size_t j = 0; j < MAX; j++) {
                double want = pow(a[j], b[j]);
                if (want > 0x1p-126)
                    check_near(k, "pow", j, y[j], want, ulp(want));
            }
        }
    }
}

static void affine(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 5;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 70; n++)
            for (size_t steps = 0; steps < 4; steps++) {
                float x[MAX], s[MAX], t[MAX], whole[MAX], y[MAX + 2 * EDGE];
                fill(x, n, 3);
                fill(s, n, 3);
                fill(t, n, 3);
                k->affine(x, s, steps & 1, t, steps >> 1, whole, 0, n);
                for (size_t j = 0; j < n; j++) {
                    double p = (double)x[j] * s[(steps & 1) * j];
                    double u = t[(steps >> 1) * j];
                    check_near(k, "affine", j, whole[j], p + u,
                               9 * 0x1p-24 * (fabs(p) + fabs(u)));
                }
                for (size_t first = 0; first < n; first += 3)
                    for (size_t last = first; last <= n; last += 7) {
                        fill_canary(y, MAX + 2 * EDGE);
                        k->affine(x, s, steps & 1, t, steps >> 1, y + EDGE,
                                  first, last);
                        check_canary(k, "affine", y, MAX, first, last);
                        assert_memory_equal(y + EDGE + first, whole + first,
                                            (last - first) * 4);
                    }
            }
}

/* ------------------------------------------------------------------ rows - */

static double softmax_reference(const float *x, size_t n, size_t at, int log_)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return log_ ? x[at] - top - log(sum) : exp(x[at] - top) / sum;
}

/* Sums of n positive terms, each rounded: n roundings at most. */
static double sum_bound(size_t n)
{
    return (double)(n + 8) * 0x1p-24;
}

static void softmax(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 6;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 60; n++)
            for (int mode = 0; mode < 2; mode++) {
                float x[MAX], y[MAX + 2 * EDGE];
                fill(x, 3 * n, n % 2 ? 3 : 60);
                if (n > 4 && n % 3 == 0)
                    x[n + 2] = -INFINITY;
                fill_canary(y, MAX + 2 * EDGE);
                k->softmax(x, y + EDGE, n, mode, 1, 3);
                check_canary(k, "softmax", y, MAX, n, 3 * n);
                for (size_t j = n; j < 3 * n; j++) {
                    double want =
                        softmax_reference(x + j / n * n, n, j % n, mode);
                    check_near(k, mode ? "log softmax" : "softmax", j,
                               y[EDGE + j], want,
                               fmax(5e-7, 3 * ulp(want)) + sum_bound(n));
                }
                k->softmax(x, x, n, mode, 1, 3); /* in place */
                assert_memory_equal(x + n, y + EDGE + n, 2 * n * 4);
            }
}

static void softmax_special(void **state)
{
    (void)state;
    const mli_kernels *k;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 40; n++)
            for (size_t at = 0; at < n; at++) {
                float x[MAX] = {0}, y[MAX];
                x[at] = NAN;
                k->softmax(x, y, n, 0, 0, 1);
                for (size_t j = 0; j < n; j++)
                    assert_true(isnan(y[j]));
                x[at] = 1e30f;
                k->softmax(x, y, n, 0, 0, 1);
                for (size_t j = 0; j < n; j++)
                    assert_true(y[j] == (j == at ? 1.0f : 0.0f));
            }
}

static double normal_reference(const float *x, size_t n, size_t at, float eps,
                               int rms)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n && !rms; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (x[i] - mean) * (x[i] - mean) / (double)n;
    return (x[at] - mean) / sqrt(square + eps);
}

static void normalize(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 7;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 60; n++)
            for (int mode = 0; mode < 8; mode++) {
                float x[MAX], scale[MAX], shift[MAX], y[MAX + 2 * EDGE];
                int rms = mode & 1;
                const float *s = mode & 2 ? scale : NULL;
                const float *t = mode & 4 ? shift : NULL;
                const float eps = 1e-5f;
                fill(x, 3 * n, 2);
                fill(scale, n, 2);
                fill(shift, n, 2);
                fill_canary(y, MAX + 2 * EDGE);
                k->normalize(x, s, t, eps, rms, y + EDGE, n, 1, 3);
                check_canary(k, "normalize", y, MAX, n, 3 * n);
                for (size_t j = n; j < 3 * n; j++) {
                    double want =
                        normal_reference(x + j / n * n, n, j % n, eps, rms);
                    double room = 4e-6 * (1 + fabs(want)) * 2;
                    if (s)
                        want *= s[j % n];
                    if (t)
                        want += t[j % n];
                    check_near(k, rms ? "rms" : "normalize", j, y[EDGE + j],
                               want, room);
                }
                k->normalize(x, s, t, eps, rms, x, n, 1, 3);
                assert_memory_equal(x + n, y + EDGE + n, 2 * n * 4);
            }
}

static double reduce_reference(mli_reduce f, const float *x, size_t n,
                               double *bound)
{
    double sum = 0, size = 0, square = 0, prod = 1, high = -INFINITY,
           low = INFINITY, e = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        size += fabs(x[i]);
        square += (double)x[i] * x[i];
        prod *= x[i];
        high = fmax(high, x[i]);
        low = fmin(low, x[i]);
        e += exp(x[i]);
    }
    const double b = sum_bound(n);
    switch (f) {
    case MLI_REDUCE_SUM:
        *bound = b * size;
        return sum;
    case MLI_REDUCE_MEAN:
        *bound = b * size / (double)n;
        return sum / (double)n;
    case MLI_REDUCE_MAX:
        *bound = 0;
        return high;
    case MLI_REDUCE_MIN:
        *bound = 0;
        return low;
    case MLI_REDUCE_PROD:
        *bound = b * fabs(prod) + 0x1p-126;
        return prod;
    case MLI_REDUCE_L1:
        *bound = b * size;
        return size;
    case MLI_REDUCE_L2:
        *bound = b * sqrt(square);
        return sqrt(square);
    case MLI_REDUCE_SUM_SQUARE:
        *bound = b * square;
        return square;
    case MLI_REDUCE_LOG_SUM:
        *bound = 5e-7 + b * size / fabs(sum);
        return log(sum);
    default:
        *bound = 5e-7 + 2 * b + 3 * ulp(log(e));
        return log(e);
    }
}

static void reduce(void **state)
{
    (void)state;
    const mli_kernels *k;
    seed = 8;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n < 80; n++)
            for (int f = 0; f < MLI_REDUCE_COUNT; f++) {
                float x[MAX], y[3 + 2 * EDGE], again[3];
                fill(x, 3 * n, 2);
                for (size_t j = 0; f == MLI_REDUCE_LOG_SUM && j < 3 * n; j++)
                    x[j] = fabsf(x[j]);
                fill_canary(y, 3 + 2 * EDGE);
                k->reduce((mli_reduce)f, x, y + EDGE, n, 1, 3);
                check_canary(k, "reduce", y, 3, 1, 3);
                for (size_t r = 1; r < 3; r++) {
                    double bound, want;
                    char what[32];
                    snprintf(what, sizeof what, "reduce %d", f);
                    want =
                        reduce_reference((mli_reduce)f, x + r * n, n, &bound);
                    check_near(k, what, r, y[EDGE + r], want, bound);
                }
                /* a row alone, at another address: the same bits */
                float moved[MAX];
                memcpy(moved + 1, x + n, n * sizeof *x);
                k->reduce((mli_reduce)f, moved + 1, again, n, 0, 1);
                assert_memory_equal(again, y + EDGE + 1, sizeof *again);
                x[n + n / 2] = NAN;
                k->reduce((mli_reduce)f, x, again, n, 1, 2);
                assert_true(isnan(again[1]));
            }
}

/* Rows, short ones too, give the same bits alone and beside others. */
static void reduce_many_rows(void **state)
{
    enum { ROWS = 41, LONGEST = 10 };
    (void)state;
    const mli_kernels *k;
    seed = 9;
    for (uint32_t i = 0; (k = mli_kernels_at(i)); i++)
        for (size_t n = 1; n <= LONGEST; n++)
            for (int f = 0; f < MLI_REDUCE_COUNT; f++) {
                float x[ROWS * LONGEST], y[ROWS + 2 * EDGE], alone[ROWS];
                fill(x, ROWS * n, 2);
                for (size_t j = 0; f == MLI_REDUCE_LOG_SUM && j < ROWS * n; j++)
                    x[j] = fabsf(x[j]);
                fill_canary(y, ROWS + 2 * EDGE);
                k->reduce((mli_reduce)f, x, y + EDGE, n, 1, ROWS - 1);
                check_canary(k, "reduce", y, ROWS, 1, ROWS - 1);
                for (size_t r = 1; r < ROWS - 1; r++) {
                    double bound, want;
                    k->reduce((mli_reduce)f, x, alone, n, r, r + 1);
                    assert_memory_equal(alone + r, y + EDGE + r, sizeof *y);
                    want =
                        reduce_reference((mli_reduce)f, x + r * n, n, &bound);
                    check_near(k, "reduce", r, y[EDGE + r], want, bound);
                }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(layers_keep_nan),
        cmocka_unit_test(layers_take_any_state),
        cmocka_unit_test(cells),
        cmocka_unit_test(cells_keep_nan),
        cmocka_unit_test(binary),
        cmocka_unit_test(binary_special),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(power),
        cmocka_unit_test(affine),
        cmocka_unit_test(softmax),
        cmocka_unit_test(softmax_special),
        cmocka_unit_test(normalize),
        cmocka_unit_test(reduce),
        cmocka_unit_test(reduce_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
