/*
 * alone.c - small models of one operator or function each, and what this build
 * of the runtime makes of them: a line for each that it opens, with the parts
 * that the model needs and a checksum of what it played. A build with some
 * parts says the same of its models as the build with all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file_builder.h"
#include "mlinfer.h"

#define FRAMES 40u
#define TILE   16u
#define MOST   4096u /* floats of a port */

static void *memory(size_t n)
{
    void *p = aligned_alloc(64, (n + 64) / 64 * 64);
    if (p == NULL)
        exit(1);
    memset(p, 0, (n + 64) / 64 * 64);
    return p;
}

/* ---------------------------------------------------------------- play ---- */

static float **arrays(uint32_t n, size_t floats)
{
    float **a = memory((n + 1) * sizeof *a);
    uint32_t seed = 5;
    for (uint32_t i = 0; i < n; i++) {
        a[i] = memory(floats * sizeof **a);
        for (size_t k = 0; k < floats; k++)
            a[i][k] = fb_random(&seed);
    }
    return a;
}

static void free_arrays(float **a, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(a[i]);
    free(a);
}

/* FNV-1a over the bits, all that are not numbers alike. */
static uint64_t sum(uint64_t h, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x7fc00000u;
        if (x[i] == x[i])
            memcpy(&bits, x + i, 4);
        h = (h ^ bits) * 0x100000001b3u;
    }
    return h;
}

static uint64_t run(mli_session *s, const mli_model *model,
                    const mli_info *info, uint64_t h)
{
    float **in = arrays(info->inputs, MOST),
          **out = arrays(info->outputs, MOST);
    for (int times = 0; times < 3; times++) {
        mli_run(s, (const float *const *)in, out);
        for (uint32_t i = 0; i < info->outputs; i++) {
            mli_port port;
            mli_get_output(model, i, &port);
            h = sum(h, out[i], (size_t)port.frames * port.channels);
        }
    }
    free_arrays(in, info->inputs);
    free_arrays(out, info->outputs);
    return h;
}

static uint64_t play(const mli_model *model)
{
    mli_info info;
    mli_memory m;
    mli_session *s;
    uint64_t h = 0xcbf29ce484222325u;
    mli_get_info(model, &info);
    if (mli_sizes(model, TILE, &m) != MLI_OK)
        exit(1);
    void *state = memory(m.state_bytes), *arena = memory(m.arena_bytes);
    if (mli_start(model, mli_kernels_find(NULL), TILE, state, arena, &s) !=
        MLI_OK)
        exit(1);
    if (info.mode == MLI_STEP) {
        h = run(s, model, &info, h);
    } else {
        float **in = arrays(info.in_channels, FRAMES);
        float **out = arrays(info.out_channels, FRAMES);
        mli_process(s, (const float *const *)in, out, FRAMES);
        mli_process(s, (const float *const *)in, out, 1);
        mli_process(s, (const float *const *)in, out, FRAMES);
        for (uint32_t i = 0; i < info.out_channels; i++)
            h = sum(h, out[i], FRAMES);
        free_arrays(in, info.in_channels);
        free_arrays(out, info.out_channels);
    }
    free(state);
    free(arena);
    return h;
}

static void tell(const fb_image image)
{
    mli_model model;
    uint32_t index = 0;
    mli_status status = mli_open(&model, image.bytes, image.size, &index);
    if (status == MLI_OK) {
        for (uint32_t i = 0; i < MLI_PARTS; i++)
            if (mli_needs(&model, i))
                printf("%s ", mli_part_name(i));
        printf("= %016llx\n", (unsigned long long)play(&model));
        fflush(stdout); /* the next may be the one that dies */
    } else if (status != MLI_ERR_LEFT_OUT) {
        fprintf(stderr, "%s (%u)\n", mli_status_text(status), index);
        exit(1);
    }
    free(image.bytes);
}

/* -------------------------------------------------------------- models ---- */

typedef fb_id grow(fb *b, fb_id x, uint32_t way);

/* A frame, or so many where there is no time. */
static fb_id input(fb *b, mli_mode mode, fb_shape x)
{
    if (mode == MLI_STREAM)
        x.timed = 1;
    else if (x.rank == 1)
        x = fb_matrix(12, x.dims[0]);
    if (mode == MLI_WINDOW)
        fb_window(b, 12, 6);
    return fb_input(b, x);
}

static void in_mode(mli_mode mode, uint32_t spread, fb_shape shape, grow *make,
                    uint32_t way)
{
    fb *b = fb_new(mode);
    fb_output(b, make(b, input(b, mode, shape), way));
    fb_image image = fb_finish(b);
    mli_file_header *h = (mli_file_header *)image.bytes;
    h->spread = spread;
    h->latency += spread;
    fb_seal(image);
    tell(image);
}

static void in_stream(fb_shape shape, grow *make, uint32_t way)
{
    in_mode(MLI_STREAM, 0, shape, make, way);
}

static void each_mode(fb_shape shape, grow *make, uint32_t way)
{
    in_stream(shape, make, way);
    in_mode(MLI_STEP, 0, shape, make, way);
    if (shape.rank != 1)
        return;
    in_mode(MLI_WINDOW, 0, shape, make, way);
    in_mode(MLI_WINDOW, 6, shape, make, way);
}

static fb_id linear(fb *b, fb_id x, uint32_t storage)
{
    fb_store(b, (mli_storage)storage);
    return fb_linear(b, x, 4, 22);
}

static fb_id conv(fb *b, fb_id x, uint32_t way)
{
    static const uint32_t groups[] = {1, 2, 4};
    fb_store(b, (mli_storage)(way / 3));
    return fb_conv(b, x, 4, 4, 3, 2, groups[way % 3], 1, 0);
}

static fb_id image(fb *b, fb_id x, uint32_t way)
{
    static const uint32_t groups[] = {1, 2, 4};
    fb_store(b, (mli_storage)(way / 3));
    return fb_conv2d(b, x, 4, (uint32_t[7]){2, 2, 1, 1, 1, 1, groups[way % 3]});
}

/* Of 3 units; the gates are the input. */
static fb_id lstm(fb *b, fb_id x, uint32_t storage)
{
    fb_store(b, (mli_storage)storage);
    return fb_recurrent(b, MLI_OP_LSTM, x, 0, 3, 0, 0);
}

static fb_id gru(fb *b, fb_id x, uint32_t way)
{
    fb_store(b, (mli_storage)(way / 2));
    return fb_recurrent(b, MLI_OP_GRU, x, 0, 3, way % 2, 0);
}

static fb_id rnn(fb *b, fb_id x, uint32_t way)
{
    static const mli_unary fn[] = {MLI_TANH, MLI_RELU, MLI_IDENTITY};
    fb_store(b, (mli_storage)(way / 3));
    x = fb_recurrent(b, MLI_OP_RNN, x, 0, 3, 0, 0);
    fb_last(b)->fn = (uint16_t)fn[way % 3];
    return x;
}

/* Larger than what is decoded once for all frames. */
static fb_id large(fb *b, fb_id x, uint32_t way)
{
    static const mli_op_type type[] = {MLI_OP_LSTM, MLI_OP_GRU, MLI_OP_GRU,
                                       MLI_OP_RNN};
    fb_store(b, MLI_INT8);
    return fb_recurrent(b, type[way], x, 4, 130, way == 2, 0);
}

static fb_id function(fb *b, fb_id x, uint32_t fn)
{
    return fb_unary(b, (mli_unary)fn, x);
}

static fb_id in_layer(fb *b, fb_id x, uint32_t fn)
{
    x = fb_linear(b, x, 4, 22);
    fb_last(b)->fn = (uint16_t)fn;
    return x;
}

static fb_id binary(fb *b, fb_id x, uint32_t fn)
{
    return fb_binary(b, (mli_binary)fn, x, x,
                     fb_const(b, fb_vector(4), NULL, 1));
}

static fb_id affine(fb *b, fb_id x, uint32_t fn)
{
    fb_id in[3] = {x, fb_const(b, fb_vector(4), NULL, 1),
                   fb_const(b, fb_vector(4), NULL, 1)};
    x = fb_op(b, MLI_OP_AFFINE, fb_shape_of(b, x), 3, in);
    fb_last(b)->fn = (uint16_t)fn;
    return x;
}

static fb_id softmax(fb *b, fb_id x, uint32_t logarithm)
{
    x = fb_op(b, MLI_OP_SOFTMAX, fb_shape_of(b, x), 1, &x);
    fb_last(b)->p[0] = logarithm;
    return x;
}

static fb_id normalize(fb *b, fb_id x, uint32_t rms)
{
    fb_id in[3] = {x, fb_const(b, fb_vector(4), NULL, 1),
                   fb_const(b, fb_vector(4), NULL, 1)};
    x = fb_op(b, MLI_OP_NORMALIZE, fb_shape_of(b, x), 3, in);
    fb_last(b)->p[0] = 4;
    fb_last(b)->p[1] = rms;
    fb_last(b)->fp = 0.01f;
    return x;
}

/* The last axis becomes this long. */
static fb_id resized(fb *b, mli_op_type type, fb_id x, uint32_t length)
{
    fb_shape y = fb_shape_of(b, x);
    y.dims[y.rank - 1] = length;
    return fb_op(b, type, y, 1, &x);
}

static fb_id reduce(fb *b, fb_id x, uint32_t what)
{
    x = resized(b, MLI_OP_REDUCE, x, 1);
    fb_last(b)->p[0] = what;
    fb_last(b)->p[1] = 1;
    fb_last(b)->p[2] = 1;
    return x;
}

static uint32_t last_axis(const fb *b, fb_id x)
{
    return fb_shape_of(b, x).rank - 1;
}

static fb_id concat(fb *b, fb_id x, uint32_t way)
{
    fb_shape y = fb_shape_of(b, x);
    fb_id in[2] = {x, x};
    (void)way;
    y.dims[y.rank - 1] *= 2;
    uint32_t axis = last_axis(b, x);
    x = fb_op(b, MLI_OP_CONCAT, y, 2, in);
    fb_last(b)->p[0] = axis;
    return x;
}

static fb_id slice(fb *b, fb_id x, uint32_t way)
{
    uint32_t axis = last_axis(b, x);
    (void)way;
    x = resized(b, MLI_OP_SLICE, x, 2);
    fb_last(b)->p[0] = axis;
    fb_last(b)->p[1] = 3;
    fb_last(b)->p[2] = 0u - 2u;
    return x;
}

static fb_id reshape(fb *b, fb_id x, uint32_t way)
{
    (void)way;
    return fb_flat(b, x);
}

static fb_id transpose(fb *b, fb_id x, uint32_t way)
{
    fb_shape s = fb_shape_of(b, x), y = s;
    (void)way;
    for (uint32_t i = 0; i < s.rank; i++)
        y.dims[i] = s.dims[s.rank - 1 - i];
    x = fb_op(b, MLI_OP_TRANSPOSE, y, 1, &x);
    for (uint32_t i = 0; i < s.rank; i++)
        fb_last(b)->p[i] = s.rank - 1 - i;
    return x;
}

static fb_id expand(fb *b, fb_id x, uint32_t way)
{
    fb_shape s = fb_shape_of(b, x), y = s;
    (void)way;
    y.rank++;
    y.dims[0] = 2;
    memcpy(y.dims + 1, s.dims, s.rank * sizeof *s.dims);
    return fb_op(b, MLI_OP_EXPAND, y, 1, &x);
}

static fb_id pad(fb *b, fb_id x, uint32_t way)
{
    uint32_t axis = last_axis(b, x);
    (void)way;
    x = resized(b, MLI_OP_PAD, x, 7);
    fb_last(b)->p[0] = axis;
    fb_last(b)->p[1] = 1;
    fb_last(b)->p[2] = 2;
    fb_last(b)->fp = 0.5f;
    return x;
}

/* What knows time. */
static fb_id timed(fb *b, fb_id x, uint32_t way)
{
    switch (way) {
    case 0:
        return fb_delay(b, x, 3, 1);
    case 1:
        return fb_hold(b, x, 5);
    case 2:
        return fb_unfold(b, x, 3, 1, 1, 0);
    case 3:
        return fb_unfold(b, x, 3, 1, 2, 0);
    default:
        return fb_random_numbers(b, x, fb_vector(3), way - 4);
    }
}

/* At half the rate, [2, 2] a frame. */
static void depth_to_time(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, (fb_shape){2, 2, {2, 2}});
    x = fb_op(b, MLI_OP_DEPTH_TO_TIME, fb_timed(2), 1, &x);
    fb_last(b)->p[0] = 2;
    fb_state(b, 2, 2, 0);
    fb_output(b, x);
    tell(fb_finish(b));
}

static fb_id pool(fb *b, fb_id x, uint32_t what)
{
    return fb_pool(b, x, (uint32_t[7]){what, last_axis(b, x), 3, 1, 1, 1, 1});
}

static fb_id picked(fb *b, fb_id x, uint32_t way)
{
    fb_shape s = fb_shape_of(b, x);
    fb_id in[3] = {x, x, fb_const(b, fb_vector(4), NULL, 1)};
    uint32_t axis = s.rank - 1;
    switch (way) {
    case 0:
        return fb_op(b, MLI_OP_SELECT, s, 3, in);
    case 1:
        in[1] = fb_const(b, fb_vector(3), NULL, 4);
        s.dims[axis] = 3;
        x = fb_op(b, MLI_OP_GATHER, s, 2, in);
        fb_last(b)->p[0] = axis;
        return x;
    case 2:
    case 3:
        s.rank--;
        x = fb_op(b, MLI_OP_ARG, s, 1, &x);
        fb_last(b)->p[0] = way - 2;
        return x;
    case 4:
    case 5:
        x = resized(b, MLI_OP_TOPK, x, 3);
        fb_last(b)->p[0] = 3;
        fb_last(b)->p[2] = way - 4;
        return x;
    default:
        x = fb_op(b, MLI_OP_CUMULATE, s, 1, &x);
        fb_last(b)->p[0] = axis;
        fb_last(b)->p[1] = way - 6;
        return x;
    }
}

static fb_id scatter(fb *b, fb_id x, uint32_t what)
{
    fb_shape s = fb_shape_of(b, x), u = s;
    u.dims[0] = 3;
    u.timed = 0;
    fb_id in[3] = {x, fb_const(b, fb_vector(3), NULL, 4),
                   fb_const(b, u, NULL, 1)};
    x = fb_op(b, MLI_OP_SCATTER, s, 3, in);
    fb_last(b)->p[0] = what;
    return x;
}

static fb_id trees(fb *b, fb_id x, uint32_t aggregate)
{
    return fb_trees(b, x, 2, 3, 3, (mli_aggregate)aggregate);
}

static fb_id distance(fb *b, fb_id x, uint32_t metric)
{
    return fb_distance(b, x, 5, (mli_distance)metric);
}

static fb_id couple(fb *b, fb_id x, uint32_t way)
{
    (void)way;
    return fb_couple(b, x, 4);
}

static fb_id dft(fb *b, fb_id x, uint32_t way)
{
    return fb_dft(b, x, way & 2 ? 4 : 2, way, 0.5f);
}

static fb_id matmul(fb *b, fb_id x, uint32_t transposed)
{
    fb_shape y = fb_shape_of(b, x), w = fb_matrix(4, 3);
    if (transposed)
        w = fb_matrix(3, 4);
    y.dims[y.rank - 1] = 3;
    return fb_matmul(b, x, fb_const(b, w, NULL, 1), y, transposed, 0.5f);
}

static fb_id requantize(fb *b, fb_id x, uint32_t what)
{
    static const float factors[12] = {16384, 0,     1, 20000, 7, 0,
                                      30000, 65535, 2, 16384, 0, -3};
    uint32_t two = (what >= MLI_REQUANTIZE_ADD && what <= MLI_REQUANTIZE_MUL) ||
                   what == MLI_REQUANTIZE_WIDE;
    uint32_t three = two && what < MLI_REQUANTIZE_MUL;
    uint32_t all = what == MLI_REQUANTIZE_TABLE;
    fb_id m = fb_const(b, fb_vector(all ? 12 : three ? 9 : 3), factors, 1);
    fb_id in[3] = {x, two ? x : m, m};
    x = fb_op(b, MLI_OP_REQUANTIZE, fb_shape_of(b, x), 2 + two, in);
    fb_last(b)->p[0] = what;
    fb_last(b)->p[2] =
        what == MLI_REQUANTIZE_SCALE || what == MLI_REQUANTIZE_MUL ? 0 : 3;
    fb_last(b)->fp = -128;
    fb_last(b)->fq = 127;
    return x;
}

static fb_id to_bytes(fb *b, fb_id x, uint32_t way)
{
    (void)way;
    return fb_to_bytes(b, x, 60, -7);
}

static fb_id kept(fb *b, fb_id x, uint32_t way)
{
    fb_shape s = fb_shape_of(b, x);
    fb_id was = fb_op(b, MLI_OP_RECALL, s, 0, &x);
    (void)way;
    fb_state(b, 1, (uint32_t)fb_elements(s), 0);
    fb_output(b, fb_op(b, MLI_OP_STORE, s, 1, &x));
    return was;
}

/* -------------------------------------------------------------- all ------- */

static void layers(void)
{
    const fb_shape pixels = {0, 3, {3, 4, 4}};
    for (uint32_t i = MLI_F32; i <= MLI_BYTES; i++) {
        each_mode(fb_vector(4), linear, i);
        each_mode(fb_vector(16), lstm, i);
        for (uint32_t k = 0; k < 3; k++) {
            each_mode(fb_vector(4), conv, 3 * i + k);
            each_mode(pixels, image, 3 * i + k);
            each_mode(fb_vector(4), rnn, 3 * i + k);
        }
        for (uint32_t k = 0; k < 2; k++)
            each_mode(fb_vector(12), gru, 2 * i + k);
    }
    for (uint32_t i = 0; i < 4; i++)
        each_mode(fb_vector(4), large, i);
}

static void functions(void)
{
    each_mode(fb_vector(4), function, MLI_TANH);
    each_mode(fb_vector(4), affine, MLI_TANH);
    each_mode(fb_vector(4), affine, MLI_IDENTITY);
    each_mode(fb_vector(4), binary, MLI_ADD);
    for (uint32_t i = 1; i < MLI_UNARY_COUNT; i++)
        in_stream(fb_vector(4), function, i);
    each_mode(fb_vector(4), in_layer, MLI_TANH);
    each_mode(fb_vector(4), in_layer, MLI_SIN);
    for (uint32_t i = 0; i < MLI_BINARY_COUNT; i++)
        in_stream(fb_vector(4), binary, i);
}

static void rows(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        each_mode(fb_vector(4), softmax, i);
        each_mode(fb_vector(4), normalize, i);
        each_mode((fb_shape){0, 2, {3, 4}}, matmul, i);
    }
    for (uint32_t i = 0; i < MLI_REDUCE_COUNT; i++)
        each_mode(fb_vector(4), reduce, i);
    for (uint32_t i = 0; i < MLI_AGGREGATE_COUNT; i++)
        each_mode(fb_vector(4), trees, i);
    for (uint32_t i = 0; i < MLI_DISTANCE_COUNT; i++)
        each_mode(fb_vector(4), distance, i);
    for (uint32_t i = 0; i < 8; i++)
        each_mode(fb_vector(4), picked, i);
    for (uint32_t i = 0; i < MLI_REQUANTIZE_COUNT; i++)
        each_mode(fb_vector(4), requantize, i);
    each_mode(fb_vector(6), couple, 0);
    each_mode(fb_vector(4), dft, 0);
    each_mode(fb_vector(4), dft, 2);
    each_mode(fb_vector(4), dft, 1);
    each_mode(fb_vector(4), to_bytes, 0);
}

static void shapes(void)
{
    each_mode(fb_vector(4), concat, 0);
    each_mode(fb_vector(4), slice, 0);
    each_mode(fb_vector(4), reshape, 0);
    each_mode(fb_vector(4), transpose, 0);
    each_mode(fb_vector(4), expand, 0);
    each_mode(fb_vector(4), pad, 0);
    for (uint32_t i = 0; i < MLI_SCATTER_COUNT; i++)
        each_mode(fb_vector(4), scatter, i);
    static const mli_reduce what[] = {MLI_REDUCE_SUM, MLI_REDUCE_MAX,
                                      MLI_REDUCE_MIN, MLI_REDUCE_PROD};
    for (uint32_t i = 0; i < 4; i++)
        each_mode(fb_vector(4), pool, what[i]);
    for (uint32_t i = 0; i < 6; i++)
        in_stream(fb_vector(4), timed, i);
    depth_to_time();
    in_mode(MLI_STEP, 0, fb_vector(4), kept, 0);
    in_mode(MLI_WINDOW, 0, fb_vector(4), kept, 0);
}

int main(void)
{
    layers();
    functions();
    rows();
    shapes();
    return 0;
}
