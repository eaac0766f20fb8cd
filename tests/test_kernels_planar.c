/*
 * test_kernels_planar.c - planar of every build that runs here: against double
 * precision, and bit for bit against itself however frames and outputs are cut.
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
#include "kernels.h"
#include "noise.h"
#include "stored_matrix.h"

enum { ROW = 64, RING = 150, MOST = 40 };

typedef struct shape {
    uint32_t taps, dilation, groups, inputs, outputs; /* of a group */
} shape;

typedef struct fixture {
    mli_planar a;
    uint32_t outputs;
    int depthwise;
    float *w;
    float b[MOST], mix_w[MOST], mix_b[MOST];
    float x[MOST * (RING + ROW)], mix[ROW], add[MOST * ROW];
    float sum[MOST * ROW], y[MOST * ROW], total[MOST * ROW];
    float total_before[MOST * ROW];
} fixture;

static void fill(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = noise();
}

static void set_up(fixture *s, shape q, unsigned parts, mli_unary f)
{
    size_t weights = q.groups * mli_packed_size(q.outputs, q.taps, q.inputs);
    s->depthwise = q.groups > 1 && q.inputs == 1 && q.outputs == 1;
    if (s->depthwise)
        weights = mli_packed_size(q.groups, q.taps, 1);
    s->outputs = q.groups * q.outputs;
    s->w = malloc(weights * sizeof *s->w);
    assert_non_null(s->w);
    fill(s->w, weights);
    fill(s->b, MOST);
    fill(s->mix_w, MOST);
    fill(s->mix_b, MOST);
    fill(s->x, MOST * (RING + ROW));
    fill(s->mix, ROW);
    fill(s->add, MOST * ROW);
    fill(s->total_before, MOST * ROW);
    s->a = (mli_planar){.x = s->x,
                        .w = s->w,
                        .b = parts & 1 ? s->b : NULL,
                        .y = s->y,
                        .x_row = q.taps > 1 ? RING + ROW : ROW,
                        .y_row = ROW,
                        .add_row = ROW,
                        .ring = q.taps > 1 ? RING : 0,
                        .pos = q.taps > 1 ? below(RING) : 0,
                        .frames = ROW,
                        .taps = q.taps,
                        .dilation = q.dilation,
                        .groups = q.groups,
                        .in_per_group = q.inputs,
                        .out_per_group = q.outputs,
                        .mix = parts & 2 ? s->mix : NULL,
                        .mix_w = s->mix_w,
                        .mix_b = parts & 1 ? s->mix_b : NULL,
                        .add = parts & 4 ? s->add : NULL,
                        .f = f,
                        .p = 0.1f,
                        .q = 1.0f,
                        .total = parts & 8 ? s->total : NULL};
}

static double weight(const fixture *s, uint32_t o, uint32_t k, uint32_t i)
{
    const mli_planar *a = &s->a;
    if (s->depthwise)
        return s->w[mli_packed_index(a->groups, a->taps, 1, o, k, 0)];
    return s
        ->w[o / a->out_per_group *
                mli_packed_size(a->out_per_group, a->taps, a->in_per_group) +
            mli_packed_index(a->out_per_group, a->taps, a->in_per_group,
                             o % a->out_per_group, k, i)];
}

static double apply(mli_unary f, double x)
{
    switch (f) {
    case MLI_TANH:
        return tanh(x);
    case MLI_SIGMOID:
        return 1 / (1 + exp(-x));
    case MLI_RELU:
        return x > 0 ? x : 0;
    case MLI_LEAKY_RELU:
        return x > 0 ? x : 0.1f * x;
    default:
        return x;
    }
}

/* y in double precision; *bound: what it may be off before the function. */
static double reference(const fixture *s, uint32_t o, uint32_t f, double *bound)
{
    const mli_planar *a = &s->a;
    double y = a->b ? s->b[o] : 0, size = fabs(y);
    uint32_t g = o / a->out_per_group;
    for (uint32_t k = 0; k < a->taps; k++)
        for (uint32_t i = 0; i < a->in_per_group; i++) {
            uint32_t back = (a->taps - 1 - k) * a->dilation;
            size_t at = a->ring ? (a->pos + a->ring - back) % a->ring : 0;
            double p = weight(s, o, k, i) *
                       s->x[(g * a->in_per_group + i) * a->x_row + at + f];
            y += p;
            size += fabs(p);
        }
    if (a->mix) {
        double m =
            (a->mix_b ? s->mix_b[o] : 0) + (double)s->mix_w[o] * s->mix[f];
        y += m;
        size += fabs(m);
    }
    if (a->add) {
        y += s->add[o * ROW + f];
        size += fabs(s->add[o * ROW + f]);
    }
    *bound = (a->taps * a->in_per_group + 12) * 0x1p-24 * size;
    return apply(a->f, y);
}

static void check(const mli_kernels *k, fixture *s)
{
    memcpy(s->total, s->total_before, sizeof s->total);
    k->planar(&s->a, 0, s->outputs);
    for (uint32_t o = 0; o < s->outputs; o++)
        for (uint32_t f = 0; f < ROW; f++) {
            double bound, y = reference(s, o, f, &bound);
            float got = s->y[o * ROW + f];
            if (!(fabs(got - y) <= bound + 6e-7))
                fail_msg("%s: output %u, frame %u: %g, expected %g", k->name, o,
                         f, got, y);
            if (s->a.total &&
                s->total[o * ROW + f] != s->total_before[o * ROW + f] + got)
                fail_msg("%s: total %u, frame %u", k->name, o, f);
        }
}

/* Pieces of the frames, then of the outputs; others in y's place. */
static void check_cuts(const mli_kernels *k, fixture *s)
{
    static float whole[MOST * ROW];
    memcpy(whole, s->y, sizeof whole);
    for (uint32_t at = 0, n; at < ROW; at += n) {
        mli_planar a = s->a;
        n = 1 + below(20);
        n = n < ROW - at ? n : ROW - at;
        n = at + (n + 15) / 16 * 16 <= ROW ? n : ROW - at;
        static float x[MOST * (RING + ROW)];
        memset(x, 0, sizeof x); /* the frames at hand, at the front of rows */
        for (uint32_t c = 0; c < a.groups * a.in_per_group; c++)
            for (uint32_t f = 0; !a.ring && f < n; f++)
                x[c * ROW + f] = s->x[c * ROW + at + f];
        if (a.ring)
            a.pos = (a.pos + at) % a.ring;
        else
            a.x = x;
        a.mix = a.mix ? s->mix + at : NULL;
        a.add = a.add ? s->add + at : NULL;
        a.y = s->sum;
        a.total = NULL;
        a.frames = n;
        if (a.ring && at + n > RING)
            continue;
        if (a.mix || a.add) { /* rows that are not a tile's first frames */
            if (at % 16 != 0 || at + (n + 15) / 16 * 16 > ROW)
                continue;
        }
        uint32_t cut = below(s->outputs + 1);
        if (cut)
            k->planar(&a, 0, cut);
        if (cut < s->outputs)
            k->planar(&a, cut, s->outputs);
        for (uint32_t o = 0; o < s->outputs; o++)
            if (memcmp(s->sum + o * ROW, whole + o * ROW + at,
                       n * sizeof(float)) != 0)
                fail_msg("%s: %u frames from %u on, output %u, cut at %u",
                         k->name, n, at, o, cut);
    }
}

static void mirror(fixture *s)
{
    const mli_planar *a = &s->a;
    for (uint32_t c = 0; a->ring && c < a->groups * a->in_per_group; c++)
        memcpy(s->x + c * a->x_row + RING, s->x + c * a->x_row,
               ROW * sizeof(float));
}

static void shapes(void **state)
{
    static const shape all[] = {
        {1, 1, 1, 1, 1},  {1, 1, 1, 16, 16}, {3, 4, 1, 16, 16},
        {3, 7, 1, 8, 8},  {3, 2, 1, 12, 6},  {6, 13, 1, 3, 3},
        {16, 1, 1, 8, 1}, {3, 1, 1, 1, 16},  {2, 5, 1, 20, 37},
        {3, 3, 2, 5, 7},  {4, 9, 12, 1, 1},  {1, 1, 3, 2, 4},
        {1, 1, 1, 40, 2}, {5, 30, 1, 33, 3},
    };
    static const mli_unary functions[] = {MLI_IDENTITY, MLI_TANH, MLI_SIGMOID,
                                          MLI_RELU, MLI_LEAKY_RELU};
    const mli_kernels *k;
    (void)state;
    fixture *s = malloc(sizeof *s);
    assert_non_null(s);
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            for (unsigned parts = 0; parts < 16; parts++) {
                seed = 7 + parts;
                set_up(s, all[i], parts, functions[(i + parts) % 5]);
                mirror(s);
                check(k, s);
                check_cuts(k, s);
                free(s->w);
            }
    free(s);
}

/* Of the weights of the channel that is added, nothing past the last quad. */
static void ends(void **state)
{
    static const shape all[] = {{3, 3, 2, 5, 7},  {2, 1, 3, 2, 5},
                                {1, 1, 5, 3, 2},  {2, 2, 4, 2, 3},
                                {4, 9, 12, 1, 1}, {1, 1, 1, 3, 9}};
    const mli_kernels *k;
    (void)state;
    fixture *s = malloc(sizeof *s);
    assert_non_null(s);
    seed = 13;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        set_up(s, all[i], 2 + i % 2, MLI_IDENTITY);
        mirror(s);
        const size_t n = mli_packed_size(s->outputs, 1, 1);
        page_end w = page_end_copy(s->mix_w, n), b = page_end_copy(s->mix_b, n);
        s->a.mix_w = w.p;
        s->a.mix_b = s->a.mix_b ? b.p : NULL;
        for (uint32_t at = 0; (k = mli_kernels_at(at)); at++)
            check(k, s);
        page_end_free(w);
        page_end_free(b);
        free(s->w);
    }
    free(s);
}

/* ----------------------------------------------------------- whole layers - */

static void check_form(const mli_kernels *k, fixture *s)
{
    static const uint32_t frames[] = {1, 2, 4, 8, 13, 16, 24, 33, 48, 64};
    static float y[MOST * ROW], total[MOST * ROW];
    mli_planar a = s->a;
    mli_planar_form *const form = k->planar_form(&a);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        a.frames = frames[i];
        memcpy(s->total, s->total_before, sizeof s->total);
        k->planar(&a, 0, s->outputs);
        memcpy(y, s->y, sizeof y);
        memcpy(total, s->total, sizeof total);
        memcpy(s->total, s->total_before, sizeof s->total);
        form(&a);
        for (uint32_t o = 0; o < s->outputs; o++)
            if (memcmp(y + o * ROW, s->y + o * ROW, a.frames * sizeof(float)) ||
                memcmp(total + o * ROW, s->total + o * ROW,
                       a.frames * sizeof(float)))
                fail_msg("%s: output %u of %u, %u taps, %u frames", k->name, o,
                         s->outputs, a.taps, a.frames);
    }
}

/* The bits are those of all outputs, whatever a layer ends with. */
static void forms(void **state)
{
    static const shape all[] = {
        {1, 1, 1, 1, 1}, {3, 4, 1, 2, 2}, {1, 1, 1, 2, 2}, {2, 9, 1, 3, 3},
        {3, 7, 1, 4, 4}, {1, 1, 1, 4, 4}, {3, 2, 1, 8, 8}, {6, 13, 1, 16, 16}};
    static const mli_unary functions[] = {MLI_IDENTITY, MLI_TANH, MLI_RELU};
    const mli_kernels *k;
    (void)state;
    fixture *s = malloc(sizeof *s);
    assert_non_null(s);
    seed = 11;
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            for (unsigned parts = 0; parts < 32; parts++)
                for (int f = 0; f < 3; f++) {
                    set_up(s, all[i], parts, functions[f]);
                    if (parts & 16)
                        s->a.mix_b = NULL;
                    mirror(s);
                    check_form(k, s);
                    free(s->w);
                }
    free(s);
}

/* ------------------------------------------------------- stored weights - */

/* All of a call that is read. */
static page_end held_call(const mli_planar *a, const stored_matrix *m)
{
    const uint32_t quads = (a->out_per_group + 3) / 4 * 4;
    const uint32_t rows = quads < MLI_PANEL ? quads : MLI_PANEL;
    const size_t bytes = (uint64_t)rows * m->products > MLI_LOCAL_PANEL
                             ? sizeof *a
                         : a->mix ? offsetof(mli_planar, panel)
                                  : offsetof(mli_planar, mix_b);
    return page_end_copy((const float *)(const void *)a, bytes / sizeof(float));
}

static void check_stored(const mli_kernels *k, fixture *s,
                         const stored_matrix *m, float *panel)
{
    static const uint32_t frames[] = {1, 2, 3, 4, 5, 7, 11, 16, 17, 33, 64};
    static float y[MOST * ROW], total[MOST * ROW];
    size_t scale_at;
    float *const w = stored_matrix_joined(m, &scale_at);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        mli_planar a = s->a;
        const uint32_t first = below(s->outputs), n = s->outputs - first;
        const uint32_t last = i % 2 ? s->outputs : first + 1 + below(n);
        a.frames = frames[i];
        memcpy(s->total, s->total_before, sizeof s->total);
        k->planar(&a, first, last);
        memcpy(y, s->y, sizeof y);
        memcpy(total, s->total, sizeof total);
        a.storage = m->storage;
        a.w = w;
        a.scale_at = scale_at;
        a.panel = panel;
        memcpy(s->total, s->total_before, sizeof s->total);
        page_end call = held_call(&a, m);
        k->planar((const mli_planar *)(const void *)call.p, first, last);
        page_end_free(call);
        for (uint32_t o = first; o < last; o++)
            if (memcmp(y + o * ROW, s->y + o * ROW, a.frames * sizeof(float)) ||
                memcmp(total + o * ROW, s->total + o * ROW,
                       a.frames * sizeof(float)))
                fail_msg("%s: storage %d, output %u of [%u, %u), %u frames",
                         k->name, (int)m->storage, o, first, last, a.frames);
    }
    free(w);
}

/* The bits are those of the weights in floats. */
static void stored(void **state)
{
    static const shape all[] = {
        {1, 1, 1, 1, 1},  {1, 1, 1, 16, 16}, {3, 4, 1, 16, 16},
        {3, 7, 1, 8, 8},  {3, 2, 1, 12, 6},  {6, 13, 1, 3, 3},
        {16, 1, 1, 8, 1}, {3, 1, 1, 1, 12},  {2, 5, 1, 20, 37},
        {3, 3, 2, 5, 7},  {2, 9, 2, 3, 20},  {1, 1, 3, 2, 4},
        {1, 1, 1, 40, 2}, {5, 30, 1, 33, 3}, {1, 1, 1, 33, 28},
    };
    const mli_kernels *k;
    (void)state;
    fixture *s = malloc(sizeof *s);
    assert_non_null(s);
    seed = 5;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (mli_storage how = MLI_F16; how <= MLI_INT4; how++) {
            const uint32_t products = all[i].taps * all[i].inputs;
            stored_matrix m =
                stored_matrix_new(how, all[i].groups, all[i].outputs, products);
            float *panel = malloc(16 * products * sizeof *panel);
            assert_non_null(panel);
            set_up(s, all[i], below(16), below(2) ? MLI_TANH : MLI_IDENTITY);
            mirror(s);
            s->a.w = m.floats;
            for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
                check_stored(k, s, &m, panel);
            stored_matrix_free(&m);
            free(panel);
            free(s->w);
        }
    free(s);
}

/* ------------------------------------------------------------- far rows -- */

/* Rows from which the next ones but one are past 2^32 floats. */
#define FAR ((size_t)3 << 30)

static void put_far(float *far, const float *near, size_t near_row, size_t n)
{
    for (uint32_t c = 0; c < 4; c++)
        memcpy(far + c * FAR, near + c * near_row, n * sizeof(float));
}

static void check_far(const mli_kernels *k, fixture *s, float *far)
{
    static const uint32_t frames[] = {1, 2, 5, 16, 33, 64};
    enum { ADD = RING + ROW, Y = ADD + ROW, TOTAL = Y + ROW };
    mli_planar a = s->a;
    put_far(far, s->x, s->a.x_row, s->a.x_row);
    put_far(far + ADD, s->add, ROW, ROW);
    a.x = far;
    a.add = far + ADD;
    a.y = far + Y;
    a.total = far + TOTAL;
    a.x_row = a.add_row = a.y_row = (uint32_t)FAR;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        const size_t bytes = frames[i] * sizeof(float);
        s->a.frames = a.frames = frames[i];
        put_far(far + TOTAL, s->total_before, ROW, ROW);
        memcpy(s->total, s->total_before, sizeof s->total);
        k->planar_form (&s->a)(&s->a);
        k->planar_form (&a)(&a);
        for (uint32_t o = 0; o < s->outputs; o++)
            if (memcmp(s->y + o * ROW, a.y + o * FAR, bytes) != 0 ||
                memcmp(s->total + o * ROW, a.total + o * FAR, bytes) != 0)
                fail_msg("%s: output %u, %u groups, %u frames", k->name, o,
                         a.groups, a.frames);
    }
}

/* Rings of seconds make rows long: their places are counted in size_t. */
static void far_rows(void **state)
{
    static const shape all[] = {{3, 7, 4, 1, 1},
                                {3, 7, 2, 2, 2},
                                {3, 7, 1, 4, 4},
                                {1, 1, 1, 4, 4},
                                {1, 1, 1, 4, 3}};
    const size_t bytes = (size_t)(3 * (uint64_t)FAR * sizeof(float)) + 4096;
    const mli_kernels *k;
    (void)state;
    if (sizeof(size_t) < 8) {
        printf("  SKIP: no memory here is that large\n");
        skip();
    }
    float *far = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (far == MAP_FAILED) { /* some pages of them are used */
        printf("  SKIP: 36 GiB of addresses are not to be had\n");
        skip();
    }
    fixture *s = malloc(sizeof *s);
    assert_non_null(s);
    seed = 17;
    for (uint32_t b = 0; (k = mli_kernels_at(b)); b++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            for (int f = 0; f < 2; f++) {
                set_up(s, all[i], 15, f ? MLI_TANH : MLI_IDENTITY);
                mirror(s);
                check_far(k, s, far);
                free(s->w);
            }
    free(s);
    munmap(far, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes), cmocka_unit_test(ends),
        cmocka_unit_test(forms), cmocka_unit_test(stored),
        cmocka_unit_test(far_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
