/*
 * test_ir.c - graphs made through ir.h, compiled and run by the runtime,
 * against the same graphs in double precision.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "twin.h"

#define FRAMES 300
/* Errors of single operators are near 1e-7; chains of a dozen add them up. */
#define TOLERANCE 5e-6

typedef struct pool {
    twins t;
    twin v[64];
    uint32_t count;
} pool;

static int is_long(void)
{
    return getenv("MLI_LONG") != NULL;
}

static twin pick(pool *p)
{
    uint32_t recent = p->count < 4 ? p->count : 4;

    if (twin_below(&p->t, 2)) /* long chains, too */
        return p->v[p->count - 1 - twin_below(&p->t, recent)];
    return p->v[twin_below(&p->t, p->count)];
}

static uint32_t below(pool *p, uint32_t n)
{
    return twin_below(&p->t, n);
}

static uint32_t dim(pool *p)
{
    static const uint32_t dims[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 33};

    return dims[below(p, sizeof dims / sizeof *dims)];
}

static twin any_unary(pool *p, twin x)
{
    static const mli_unary fns[] = {
        MLI_TANH, MLI_SIGMOID, MLI_RELU,      MLI_LEAKY_RELU, MLI_ELU,
        MLI_GELU, MLI_SILU,    MLI_SOFTPLUS,  MLI_SOFTSIGN,   MLI_SIN,
        MLI_ABS,  MLI_NEG,     MLI_HARD_TANH, MLI_IDENTITY};

    return twin_unary(&p->t, fns[below(p, sizeof fns / sizeof *fns)], -0.25,
                      1.5, x);
}

/* An operand that broadcasts against x. */
static twin partner(pool *p, twin x)
{
    uint32_t dims[MLI_MAX_RANK], rank = 0;
    twin y = pick(p);

    if (below(p, 3) == 0)
        return x;
    if (y.rank == x.rank && !memcmp(y.dims, x.dims, sizeof y.dims) &&
        below(p, 2))
        return y;
    for (uint32_t d = below(p, x.rank + 1); d < x.rank; d++)
        dims[rank++] = below(p, 2) ? x.dims[d] : 1;
    return twin_constant(&p->t, rank, dims, 1.0);
}

static twin any_binary(pool *p, twin x)
{
    static const mli_binary fns[] = {MLI_ADD, MLI_SUB, MLI_MUL,
                                     MLI_MIN, MLI_MAX, MLI_PRELU};
    mli_binary fn = fns[below(p, sizeof fns / sizeof *fns)];
    twin y = partner(p, x);

    return below(p, 2) ? twin_binary(&p->t, fn, x, y)
                       : twin_binary(&p->t, fn, y, x);
}

/* A shape of the same number of elements. */
static twin any_reshape(pool *p, twin x)
{
    uint32_t dims[4], rank = 0, left = x.n;

    while (rank < 3 && below(p, 3)) {
        uint32_t d = 1 + below(p, 6);
        if (left % d)
            continue;
        dims[rank++] = d;
        left /= d;
    }
    dims[rank++] = left;
    return twin_reshape(&p->t, x, rank, dims);
}

static twin any_transpose(pool *p, twin x)
{
    uint32_t perm[MLI_MAX_RANK];

    for (uint32_t i = 0; i < x.rank; i++)
        perm[i] = i;
    for (uint32_t i = x.rank; i > 1; i--) {
        uint32_t k = below(p, i), old = perm[i - 1];
        perm[i - 1] = perm[k];
        perm[k] = old;
    }
    return twin_transpose(&p->t, x, perm);
}

static twin any_slice(pool *p, twin x)
{
    uint32_t axis = below(p, x.rank), n = x.dims[axis];
    int32_t step = (int32_t)(1 + below(p, 2));
    uint32_t count = 1 + below(p, (n + (uint32_t)step - 1) / (uint32_t)step);
    uint32_t reach = (count - 1) * (uint32_t)step;
    uint32_t start = below(p, n - reach);

    if (below(p, 3) == 0)
        return twin_slice(&p->t, x, axis, start + reach, -step, count);
    return twin_slice(&p->t, x, axis, start, step, count);
}

static twin any_concat(pool *p, twin x)
{
    twin parts[3] = {x, x, x};
    uint32_t axis = below(p, x.rank);

    for (uint32_t i = 0; i < 3; i++) {
        uint32_t dims[MLI_MAX_RANK];
        memcpy(dims, x.dims, sizeof dims);
        if (below(p, 2))
            continue;
        dims[axis] = 1 + below(p, 4);
        parts[i] = below(p, 2) ? twin_constant(&p->t, x.rank, dims, 1.0)
                               : twin_slice(&p->t, x, axis, 0, 1,
                                            1 + below(p, x.dims[axis]));
    }
    return twin_concat(&p->t, parts, 1 + below(p, 3), axis);
}

static twin any_expand(pool *p, twin x)
{
    uint32_t dims[MLI_MAX_RANK], front = below(p, 2) && x.rank < 4;

    dims[0] = 2;
    for (uint32_t d = 0; d < x.rank; d++)
        dims[front + d] = x.dims[d] == 1 && below(p, 2) ? 3 : x.dims[d];
    return twin_expand(&p->t, x, x.rank + front, dims);
}

static twin any_layout(pool *p, twin x)
{
    switch (below(p, 6)) {
    case 0:
        return any_reshape(p, x);
    case 1:
        return any_transpose(p, x);
    case 2:
        return any_slice(p, x);
    case 3:
        return any_concat(p, x);
    case 4:
        return any_expand(p, x);
    default:
        return twin_pad(&p->t, x, below(p, x.rank), below(p, 3), below(p, 3),
                        0.5);
    }
}

static twin any_conv(pool *p, twin x)
{
    static const uint32_t groups[] = {1, 1, 2, 3, 4};
    uint32_t inputs = x.timed ? x.n : x.dims[1], taps = 1 + below(p, 4);
    uint32_t dilation = 1 + below(p, 5), step = 1 + below(p, 2);
    uint32_t g = groups[below(p, 5)];

    if (below(p, 4) == 0)
        g = inputs;
    if (inputs % g)
        g = 1;
    if (x.timed)
        step = 1;
    else
        while ((taps - 1) * dilation >= x.dims[0])
            taps--;
    return twin_conv1d(&p->t, x, g == inputs ? inputs : g * (1 + below(p, 9)),
                       taps, dilation, g, step, below(p, 2));
}

/* x as [L, channels] in graphs without time. */
static twin sequence(pool *p, twin x)
{
    uint32_t dims[2] = {1, x.n};

    if (x.timed || x.rank == 2)
        return x;
    for (uint32_t d = 2; d < 8 && x.n % d == 0; d++) {
        dims[0] = d;
        dims[1] = x.n / d;
    }
    return twin_reshape(&p->t, x, 2, dims);
}

static twin any_layer(pool *p, twin x)
{
    static const mli_reduce fns[] = {MLI_REDUCE_SUM, MLI_REDUCE_MEAN,
                                     MLI_REDUCE_MAX, MLI_REDUCE_MIN,
                                     MLI_REDUCE_L1,  MLI_REDUCE_SUM_SQUARE};
    static const uint32_t gates[] = {1, 3, 4};
    int timeless = p->t.frames > 1 && !x.timed;

    switch (below(p, 8)) {
    case 0:
        return twin_linear(&p->t, x, dim(p), (int)below(p, 2));
    case 1:
        return timeless ? x : any_conv(p, sequence(p, x));
    case 2:
        return timeless ? x
                        : twin_recurrent(&p->t, sequence(p, x), dim(p),
                                         gates[below(p, 3)], (int)below(p, 2),
                                         (int)below(p, 2), (int)below(p, 2));
    case 3:
        return twin_affine(&p->t, x, (int)below(p, 2));
    case 4:
        return twin_softmax(&p->t, x, below(p, x.rank), (int)below(p, 2));
    case 5:
        return twin_normalize(&p->t, x, 1 + below(p, x.rank), (int)below(p, 2));
    case 6:
        return twin_reduce(&p->t, fns[below(p, 6)], x, below(p, 1u << x.rank),
                           1);
    default:
        if (!x.timed)
            return x;
        return below(p, 2) ? twin_delay(&p->t, x, 1 + below(p, 40))
                           : twin_hold(&p->t, x, 1 + below(p, 40));
    }
}

/* Add a random operator; numbers that grew large go through tanh. */
static void grow(pool *p)
{
    twin x = pick(p);

    if (x.rank == 0)
        x = twin_reshape(&p->t, x, 1, (uint32_t[]){1});
    switch (below(p, 4)) {
    case 0:
        x = any_unary(p, x);
        break;
    case 1:
        x = any_binary(p, x);
        break;
    case 2:
        x = any_layout(p, x);
        break;
    default:
        x = any_layer(p, x);
    }
    if (twin_peak(&p->t, &x) > 6.0)
        x = twin_unary(&p->t, MLI_TANH, 0, 0, x);
    if (x.n <= 200 && x.rank <= 5)
        p->v[p->count++] = x;
}

static void make_pool(pool *p, mli_mode mode, uint64_t seed)
{
    uint32_t dims[3], nodes;

    p->count = 0;
    twins_begin(&p->t, mode, FRAMES, seed);
    for (uint32_t i = 0; i < 1 + below(p, 2); i++) {
        uint32_t rank = 1 + below(p, 3);
        for (uint32_t d = 0; d < rank; d++)
            dims[d] = 1 + below(p, 5);
        p->v[p->count++] = twin_input(&p->t, rank, dims);
    }
    if (mode == MLI_STREAM && below(p, 3) == 0)
        p->v[p->count++] = twin_control(&p->t, 3);
    nodes = 1 + below(p, 30);
    for (uint32_t i = 0; i < nodes && p->count < 60; i++)
        grow(p);
    twin_output(&p->t, p->v[p->count - 1]);
    for (uint32_t i = 0; i < below(p, 3); i++)
        twin_output(&p->t, pick(p));
}

static void random_graphs(mli_mode mode, uint32_t count)
{
    static pool p;
    static const uint32_t tiles[] = {16, 32, 64};
    uint32_t met = 0;

    for (uint32_t seed = 1; seed <= count; seed++) {
        const char *kernels = seed % 2 ? "generic" : NULL;
        mlc_image image;
        mli_model model;
        mli_info info;
        double error;

        make_pool(&p, mode, seed);
        error = twins_compare(&p.t, kernels, tiles[seed % 3], &image);
        if (!(error <= TOLERANCE))
            fail_msg("graph %u: error %g of the peak", seed, error);
        assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), 0);
        mli_get_info(&model, &info);
        met += info.arena_floats == info.arena_bound_floats;
        if (info.arena_floats != info.arena_bound_floats)
            print_message("graph %u: arena %u, bound %u\n", seed,
                          info.arena_floats, info.arena_bound_floats);
        mlc_image_free(&image);
        twins_end(&p.t);
    }
    print_message("%u of %u arenas equal their bound\n", met, count);
    assert_true(met * 100 >= count * 98);
}

static void stream_graphs(void **state)
{
    (void)state;
    /* the 488th joins a constant and a signal beside a convolution */
    random_graphs(MLI_STREAM, is_long() ? 5000 : 500);
}

static void step_graphs(void **state)
{
    (void)state;
    random_graphs(MLI_STEP, is_long() ? 20000 : 1500);
}

/* The same graph gives the same bytes. */
static void same_bytes(void **state)
{
    static pool p;

    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        mlc_image a, b;
        mlc_error error;

        make_pool(&p, MLI_STREAM, seed);
        p.t.g->prewarm = seed % 2 * 100;
        assert_int_equal(mlc_finish(p.t.g, NULL, &a, &error), MLC_OK);
        twins_end(&p.t);
        make_pool(&p, MLI_STREAM, seed);
        p.t.g->prewarm = seed % 2 * 100;
        assert_int_equal(mlc_finish(p.t.g, NULL, &b, &error), MLC_OK);
        twins_end(&p.t);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.bytes, b.bytes, a.size);
        mlc_image_free(&a);
        mlc_image_free(&b);
    }
}

/* ------------------------------------------------------------- prewarm --- */

static void build_stack(twins *t)
{
    twin x = twin_input(t, 1, (uint32_t[]){2});

    x = twin_conv1d(t, x, 6, 3, 7, 1, 1, 1);
    x = twin_unary(t, MLI_TANH, 0, 0, x);
    x = twin_recurrent(t, x, 5, 4, 0, 1, 1);
    x = twin_binary(t, MLI_ADD, twin_delay(t, x, 9), twin_hold(t, x, 40));
    x = twin_conv1d(t, x, 5, 2, 70, 5, 1, 1);
    x = twin_recurrent(t, x, 6, 3, 1, 1, 0);
    twin_output(t, twin_conv1d(t, x, 1, 2, 3, 1, 1, 1));
}

static void compile_stack(mlc_image *image, uint32_t prewarm)
{
    mlc_error error;
    twins t;

    twins_begin(&t, MLI_STREAM, FRAMES, 77);
    build_stack(&t);
    t.g->prewarm = prewarm;
    assert_int_equal(mlc_finish(t.g, NULL, image, &error), MLC_OK);
    twins_end(&t);
}

/* `silence` frames of nothing, then FRAMES of a ramp. */
static void run_stack(const mlc_image *image, uint32_t silence, float *out)
{
    float in[FRAMES], *to[1] = {out}, *nowhere[1] = {NULL};
    const float *from[2] = {in, in}, *nothing[2] = {NULL, NULL};
    mli_session *session;
    mli_memory need;
    mli_model model;
    void *state, *arena;

    assert_int_equal(mli_open(&model, image->bytes, image->size, NULL), 0);
    assert_int_equal(mli_sizes(&model, 64, &need), MLI_OK);
    state = aligned_alloc(64, need.state_bytes / 64 * 64 + 64);
    arena = aligned_alloc(64, need.arena_bytes / 64 * 64 + 64);
    assert_int_equal(mli_start(&model, mli_kernels_find("generic"), 64, state,
                               arena, &session),
                     MLI_OK);
    for (uint32_t i = 0; i < FRAMES; i++)
        in[i] = (float)i / FRAMES;
    mli_process(session, nothing, nowhere, silence);
    mli_process(session, from, to, FRAMES);
    free(state);
    free(arena);
}

/* A model with a prewarm begins where one without is after that silence, to
   the last bit; the silence is rounded up to blocks of 64. */
static void prewarm_is_silence(void **state)
{
    static const uint32_t frames[][2] = {
        {1, 64}, {64, 64}, {65, 128}, {500, 512}};
    float warm[FRAMES], cold[FRAMES];
    mlc_image a, b;

    (void)state;
    for (int i = 0; i < 4; i++) {
        compile_stack(&a, frames[i][0]);
        compile_stack(&b, 0);
        run_stack(&a, 0, warm);
        run_stack(&b, frames[i][1], cold);
        assert_memory_equal(warm, cold, sizeof warm);
        run_stack(&b, 0, cold);
        assert_memory_not_equal(warm, cold, sizeof warm);
        mlc_image_free(&a);
        mlc_image_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_graphs),
        cmocka_unit_test(step_graphs),
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(prewarm_is_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
