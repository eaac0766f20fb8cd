#include "file_builder.h"
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "stored_matrix.h"
#include "weights.h"

typedef enum fb_kind { FB_INPUT, FB_CONST, FB_OP } fb_kind;

typedef struct fb_tensor {
    fb_kind kind;
    fb_shape shape;
    uint32_t data;   /* constants: floats from the start of DATA */
    uint32_t over;   /* the tensor whose place it takes, MLI_NONE: its own */
    uint32_t number; /* in the file */
    uint32_t port_kind;
    uint32_t storage;
} fb_tensor;

/* One growing array of bytes for each section. */
typedef struct fb_bytes {
    uint8_t *p;
    size_t n, room;
} fb_bytes;

struct fb {
    mli_file_header header;
    fb_tensor *tensor;
    uint32_t tensors;
    fb_id *output;
    uint32_t outputs;
    fb_bytes section[MLI_SEC_COUNT];
    uint32_t seed;
    mli_storage storage;
    int expand;
};

static void *more(void *p, size_t n)
{
    p = realloc(p, n);
    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return p;
}

/* Bytes added to a section (zeros without `from`); their offset. */
static uint32_t add(fb *b, mli_section section, const void *from, size_t n)
{
    fb_bytes *s = &b->section[section];
    size_t at = s->n;
    if (s->n + n > s->room) {
        s->room = (s->n + n) * 2;
        s->p = more(s->p, s->room);
    }
    if (from != NULL && n != 0)
        memcpy(s->p + at, from, n);
    else if (n != 0)
        memset(s->p + at, 0, n);
    s->n += n;
    return (uint32_t)at;
}

static uint32_t add_text(fb *b, const char *text)
{
    return add(b, MLI_SEC_STRINGS, text, strlen(text) + 1);
}

/* Floats in DATA from a multiple of 16 on; random without `from`. */
static uint32_t add_floats(fb *b, const float *from, size_t n, float scale)
{
    uint32_t at = add(b, MLI_SEC_DATA, from, n * sizeof(float)) / 4;
    float *to = (float *)b->section[MLI_SEC_DATA].p + at;
    for (size_t i = 0; from == NULL && i < n; i++)
        to[i] = scale * fb_random(&b->seed);
    add(b, MLI_SEC_DATA, NULL, (16 - n % 16) % 16 * sizeof(float));
    return at;
}

float fb_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)(*state & 0xffffff00u) * 0x1p-31f;
}

uint64_t fb_elements(fb_shape s)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < s.rank; i++)
        n *= s.dims[i];
    return n;
}

fb *fb_new(mli_mode mode)
{
    fb *b = more(NULL, sizeof *b);
    memset(b, 0, sizeof *b);
    b->header.mode = mode;
    b->header.rate = mode == MLI_STEP ? 0.0 : 48000.0;
    b->seed = 1;
    add_text(b, "");
    return b;
}

void fb_window(fb *b, uint32_t window, uint32_t hop)
{
    b->header.window = window;
    b->header.hop = hop;
}

static fb_id add_tensor(fb *b, fb_tensor t)
{
    b->tensor = more(b->tensor, (b->tensors + 1) * sizeof *b->tensor);
    b->tensor[b->tensors] = t;
    return b->tensors++;
}

fb_id fb_input(fb *b, fb_shape shape)
{
    return add_tensor(
        b, (fb_tensor){FB_INPUT, shape, 0, MLI_NONE, 0, MLI_PORT_SIGNAL, 0});
}

fb_id fb_control(fb *b, fb_shape shape)
{
    return add_tensor(
        b, (fb_tensor){FB_INPUT, shape, 0, MLI_NONE, 0, MLI_PORT_CONTROL, 0});
}

void fb_output(fb *b, fb_id x)
{
    b->output = more(b->output, (b->outputs + 1) * sizeof *b->output);
    b->output[b->outputs++] = x;
}

void fb_meta(fb *b, const char *key, const char *value)
{
    mli_file_meta m = {add_text(b, key), add_text(b, value)};
    add(b, MLI_SEC_META, &m, sizeof m);
}

fb_id fb_const(fb *b, fb_shape shape, const float *data, float scale)
{
    uint32_t at = add_floats(b, data, fb_elements(shape), scale);
    return add_tensor(b, (fb_tensor){FB_CONST, shape, at, MLI_NONE, 0, 0, 0});
}

mli_file_op *fb_last(fb *b)
{
    fb_bytes *s = &b->section[MLI_SEC_OPS];
    return (mli_file_op *)(s->p + s->n) - 1;
}

fb_id fb_op(fb *b, mli_op_type type, fb_shape y, uint32_t inputs,
            const fb_id *in)
{
    mli_file_op op = {0};
    op.type = (uint16_t)type;
    op.inputs = (uint16_t)inputs;
    op.outputs = 1;
    op.state = MLI_NONE;
    op.operand = add(b, MLI_SEC_OPERANDS, in, inputs * sizeof *in) / 4;
    fb_id made = add_tensor(b, (fb_tensor){FB_OP, y, 0, MLI_NONE, 0, 0, 0});
    add(b, MLI_SEC_OPERANDS, &made, sizeof made);
    add(b, MLI_SEC_OPS, &op, sizeof op);
    return made;
}

void fb_state(fb *b, uint32_t frames, uint32_t width, uint32_t init_frames)
{
    mli_file_state s = {frames, width, 0, init_frames};
    if (init_frames != 0)
        s.init = add_floats(b, NULL, (size_t)init_frames * width, 0.5f);
    uint32_t at = add(b, MLI_SEC_STATES, &s, sizeof s) / sizeof s;
    if (fb_last(b)->state == MLI_NONE)
        fb_last(b)->state = at;
}

void fb_over(fb *b, fb_id y, fb_id x)
{
    b->tensor[y].over = x;
}

fb_shape fb_shape_of(const fb *b, fb_id x)
{
    return b->tensor[x].shape;
}

/* ----------------------------------------------------------- operators ---- */

void fb_store(fb *b, mli_storage storage)
{
    b->storage = storage;
}

void fb_expand(fb *b)
{
    b->expand = 1;
}

/* `count` matrices of stored numbers and scales, in floats. */
static fb_id expanded(fb *b, mli_storage storage, const float *data,
                      uint32_t count, uint32_t rows, uint32_t products)
{
    uint32_t scales = (uint32_t)mli_stored_scales(storage, products);
    size_t bytes = (size_t)mli_stored_bytes(storage, rows, products);
    size_t size = (size_t)rows * products;
    const float *scale = data + bytes / 4 * count;
    float *floats = more(NULL, size * count * sizeof *floats);
    for (uint32_t m = 0; m < count; m++)
        stored_expand(storage, (const uint8_t *)data + bytes * m,
                      scale + (size_t)rows * scales * m, rows, products,
                      floats + size * m);
    uint32_t all = (uint32_t)size * count;
    fb_id made = fb_const(b, fb_vector(all), floats, 1.0f);
    free(floats);
    return made;
}

/* Matrices in fewer bits, random up to scale. */
static fb_id stored(fb *b, mli_storage storage, uint32_t count, uint32_t each,
                    uint32_t products, float scale)
{
    const uint32_t rows = count * each;
    const float most[] = {1.0f, 2.0f, 128.0f, 8.0f, 128.0f * 50.0f};
    size_t bytes = (size_t)mli_stored_bytes(storage, rows, products);
    size_t scales = rows * (size_t)mli_stored_scales(storage, products);
    float *data = more(NULL, bytes + scales * sizeof *data);
    uint8_t *to = (uint8_t *)data;
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(128.0f * fb_random(&b->seed) + 128.0f);
    for (size_t i = 0; storage == MLI_BYTES && i < bytes; i++)
        if (to[i] == 0x80)
            to[i] = 0x81;
    for (size_t i = 1; storage == MLI_F16 && i < bytes; i += 2)
        to[i] = (uint8_t)((to[i] & 0x83) | 0x3c); /* in [1, 2) */
    for (size_t i = 0; i < scales; i++)
        data[bytes / 4 + i] = scale / most[storage];
    if (b->expand) {
        fb_id made = expanded(b, storage, data, count, each, products);
        free(data);
        return made;
    }
    uint32_t at = add_floats(b, data, bytes / 4 + scales, 1.0f);
    free(data);
    return add_tensor(b, (fb_tensor){FB_CONST, fb_matrix(rows, products), at,
                                     MLI_NONE, 0, 0, storage});
}

/* The matrices of a layer. */
static fb_id matrices(fb *b, uint32_t count, uint32_t outputs, uint32_t taps,
                      uint32_t inputs, float scale)
{
    uint32_t floats = (uint32_t)mli_packed_size(outputs, taps, inputs) * count;
    if (b->storage != MLI_F32)
        return stored(
            b, b->storage, count, (outputs + 3) / 4 * 4,
            taps * (b->storage == MLI_BYTES ? 4 * mli_words(inputs) : inputs),
            scale);
    return fb_const(b, fb_vector(floats), NULL, scale);
}

/* Those of a convolution. */
static fb_id kernels(fb *b, uint32_t groups, uint32_t outputs, uint32_t taps,
                     uint32_t inputs)
{
    mli_storage storage = b->storage;
    int depthwise = groups > 1 && inputs == 1 && outputs == 1;
    if (storage == MLI_INT4 || depthwise)
        b->storage = depthwise ? MLI_F32 : MLI_INT8;
    if (storage == MLI_BYTES && groups > 1 && inputs % 4 != 0)
        b->storage = MLI_F32;
    fb_id w = depthwise ? matrices(b, 1, groups, taps, 1, 0.4f)
                        : matrices(b, groups, outputs, taps, inputs, 0.4f);
    b->storage = storage;
    return w;
}

fb_id fb_to_bytes(fb *b, fb_id x, float factor, float zero)
{
    fb_shape y = fb_shape_of(b, x);
    y.dims[y.rank - 1] = mli_words(y.dims[y.rank - 1]);
    fb_id made = fb_op(b, MLI_OP_TO_BYTES, y, 1, &x);
    fb_last(b)->fp = factor;
    fb_last(b)->fq = zero;
    return made;
}

/* What a layer reads if its matrix is w. */
static fb_id input_of(fb *b, fb_id x, fb_id w)
{
    return b->tensor[w].storage == MLI_BYTES ? fb_to_bytes(b, x, 60, -7) : x;
}

fb_id fb_linear(fb *b, fb_id x, uint32_t inputs, uint32_t outputs)
{
    fb_shape y = fb_shape_of(b, x);
    fb_id in[3] = {x, matrices(b, 1, outputs, 1, inputs, 0.7f),
                   fb_const(b, fb_vector(outputs), NULL, 0.3f)};
    y.dims[y.rank - 1] = outputs;
    in[0] = input_of(b, x, in[1]);
    fb_id made = fb_op(b, MLI_OP_LINEAR, y, 3, in);
    fb_last(b)->p[0] = inputs;
    fb_last(b)->p[1] = outputs;
    return made;
}

/* A history of bytes that begins with -7 in each: the zero of input_of. */
static void byte_state(fb *b, uint32_t frames, uint32_t width)
{
    fb_state(b, frames, width, 1);
    const fb_bytes *s = &b->section[MLI_SEC_STATES];
    uint32_t init = ((mli_file_state *)(s->p + s->n) - 1)->init;
    memset(b->section[MLI_SEC_DATA].p + init * sizeof(float), 0xf9,
           width * sizeof(float));
}

fb_id fb_conv(fb *b, fb_id x, uint32_t inputs, uint32_t outputs, uint32_t taps,
              uint32_t dilation, uint32_t groups, uint32_t step,
              uint32_t init_frames)
{
    fb_shape s = fb_shape_of(b, x);
    uint32_t in = inputs / groups, out = outputs / groups;
    uint32_t back = (taps - 1) * dilation;
    fb_shape y = s.timed
                     ? fb_slow(s.timed, outputs)
                     : fb_matrix((s.dims[0] - back - 1) / step + 1, outputs);
    fb_id ops[3] = {x, kernels(b, groups, out, taps, in),
                    fb_const(b, fb_vector(outputs), NULL, 0.2f)};
    int bytes = b->tensor[ops[1]].storage == MLI_BYTES;
    ops[0] = input_of(b, x, ops[1]);
    fb_id made = fb_op(b, MLI_OP_CONV1D, y, 3, ops);
    uint32_t p[6] = {taps, dilation, groups, inputs, outputs, step};
    memcpy(fb_last(b)->p, p, sizeof p);
    if (s.timed && taps > 1 && bytes)
        byte_state(b, back, mli_words(in) * groups);
    else if (s.timed && taps > 1)
        fb_state(b, back, inputs, init_frames);
    return made;
}

fb_id fb_conv2d(fb *b, fb_id x, uint32_t outputs, const uint32_t p[7])
{
    fb_shape s = fb_shape_of(b, x);
    uint32_t *dims = s.dims + s.rank - 3, taps = p[0] * p[1];
    uint32_t in = dims[2] / p[6], out = outputs / p[6];
    fb_id ops[3] = {x, kernels(b, p[6], out, taps, in),
                    fb_const(b, fb_vector(outputs), NULL, 0.2f)};
    for (int i = 0; i < 2; i++)
        dims[i] = (dims[i] - (p[i] - 1) * p[2 + i] - 1) / p[4 + i] + 1;
    uint32_t inputs = dims[2];
    dims[2] = outputs;
    ops[0] = input_of(b, x, ops[1]);
    fb_id made = fb_op(b, MLI_OP_CONV2D, s, 3, ops);
    memcpy(fb_last(b)->p, p, 7 * sizeof *p);
    fb_last(b)->p[7] = ops[0] != x ? inputs : 0;
    return made;
}

fb_id fb_pool(fb *b, fb_id x, const uint32_t p[7])
{
    fb_shape s = fb_shape_of(b, x);
    uint32_t *dim = s.dims + p[1];
    *dim = (*dim + p[5] + p[6] - (p[2] - 1) * p[4] - 1) / p[3] + 1;
    fb_id made = fb_op(b, MLI_OP_POOL, s, 1, &x);
    memcpy(fb_last(b)->p, p, 7 * sizeof *p);
    return made;
}

static uint32_t quads(uint32_t units)
{
    return (units + 3) / 4 * 4;
}

static uint32_t matrix(fb *b, uint32_t rows, uint32_t units, fb_id in[2])
{
    in[0] = matrices(b, 1, rows, 1, units, 0.5f);
    in[1] = fb_const(b, fb_vector(rows), NULL, 0.3f);
    return 2;
}

fb_id fb_recurrent(fb *b, mli_op_type type, fb_id x, uint32_t inputs,
                   uint32_t units, uint32_t reset_after, uint32_t init_frames)
{
    uint32_t gates = type == MLI_OP_LSTM ? 4 : type == MLI_OP_GRU ? 3 : 1;
    uint32_t u4 = quads(units), n = 1;
    fb_id in[5] = {inputs != 0 ? fb_linear(b, x, inputs, gates * u4) : x};
    fb_shape y = fb_shape_of(b, in[0]);
    y.dims[y.rank - 1] = units;
    if (type == MLI_OP_GRU && !reset_after) {
        n += matrix(b, 2 * u4, units, in + n);
        n += matrix(b, u4, units, in + n);
    } else {
        n += matrix(b, gates * u4, units, in + n);
    }
    fb_id made = fb_op(b, type, y, n, in);
    fb_last(b)->p[0] = units;
    if (type == MLI_OP_GRU)
        fb_last(b)->p[1] = reset_after;
    if (type == MLI_OP_RNN)
        fb_last(b)->fn = MLI_TANH;
    if (b->storage == MLI_BYTES)
        fb_last(b)->fp = 3; /* coarse: few h so near to a half that rounding
                                differs in double precision */
    fb_state(b, 1, units, init_frames);
    if (type == MLI_OP_LSTM)
        fb_state(b, 1, u4, init_frames);
    return made;
}

fb_id fb_unary(fb *b, mli_unary fn, fb_id x)
{
    fb_id y = fb_op(b, MLI_OP_UNARY, fb_shape_of(b, x), 1, &x);
    fb_last(b)->fn = (uint16_t)fn;
    return y;
}

fb_id fb_binary(fb *b, mli_binary fn, fb_id a, fb_id y_like, fb_id c)
{
    fb_id in[2] = {a, c};
    fb_id y = fb_op(b, MLI_OP_BINARY, fb_shape_of(b, y_like), 2, in);
    fb_last(b)->p[0] = fn;
    return y;
}

fb_id fb_delay(fb *b, fb_id x, uint32_t frames, uint32_t init_frames)
{
    fb_shape s = fb_shape_of(b, x);
    fb_id y = fb_op(b, MLI_OP_DELAY, s, 1, &x);
    fb_last(b)->p[0] = frames;
    fb_state(b, frames, (uint32_t)fb_elements(s), init_frames);
    return y;
}

fb_id fb_hold(fb *b, fb_id x, uint32_t frames)
{
    fb_id y = fb_op(b, MLI_OP_HOLD, fb_shape_of(b, x), 1, &x);
    fb_last(b)->p[0] = frames;
    fb_state(b, 1, 1, 0);
    return y;
}

fb_id fb_unfold(fb *b, fb_id x, uint32_t taps, uint32_t dilation, uint32_t step,
                uint32_t init_frames)
{
    fb_shape s = fb_shape_of(b, x), y = s;
    uint32_t p[3] = {taps, dilation, step};
    memmove(y.dims + 1, s.dims, s.rank * sizeof *s.dims);
    y.dims[0] = taps;
    y.rank++;
    y.timed *= step;
    fb_id made = fb_op(b, MLI_OP_UNFOLD, y, 1, &x);
    memcpy(fb_last(b)->p, p, sizeof p);
    if (taps > 1)
        fb_state(b, (taps - 1) * dilation, (uint32_t)fb_elements(s),
                 init_frames);
    return made;
}

static fb_id reshape(fb *b, fb_id x, fb_shape y)
{
    y.timed = fb_shape_of(b, x).timed;
    return fb_op(b, MLI_OP_RESHAPE, y, 1, &x);
}

fb_id fb_flat(fb *b, fb_id x)
{
    return reshape(b, x, fb_vector((uint32_t)fb_elements(fb_shape_of(b, x))));
}

fb_id fb_depth_to_time(fb *b, fb_id x, uint32_t step, uint32_t init_frames)
{
    uint32_t n = (uint32_t)fb_elements(fb_shape_of(b, x)) / step;
    fb_id groups = reshape(b, x, fb_matrix(step, n));
    uint32_t period = fb_shape_of(b, x).timed / step;
    fb_id y = fb_op(b, MLI_OP_DEPTH_TO_TIME, fb_slow(period, n), 1, &groups);
    fb_last(b)->p[0] = step;
    fb_state(b, step, n, init_frames);
    return y;
}

fb_id fb_dft(fb *b, fb_id x, uint32_t n, uint32_t way, float scale)
{
    fb_shape y = fb_shape_of(b, x);
    float *w = calloc(2 * n, sizeof *w);
    for (uint32_t k = 0; w != NULL && k < n; k++) {
        w[2 * k] = (float)cos(6.283185307179586 * k / n);
        w[2 * k + 1] = (float)-sin(6.283185307179586 * k / n);
    }
    fb_id in[2] = {x, fb_const(b, fb_vector(2 * n), w, 1)};
    free(w);
    y.dims[y.rank - 1] = way & 1   ? (way & 2 ? n : 2 * n)
                         : way & 4 ? 2 * (n / 2 + 1)
                                   : 2 * n;
    fb_id made = fb_op(b, MLI_OP_DFT, y, 2, in);
    fb_last(b)->p[0] = n;
    fb_last(b)->p[1] = way;
    fb_last(b)->fp = scale;
    return made;
}

fb_id fb_matmul(fb *b, fb_id x, fb_id w, fb_shape y, uint32_t transposed,
                float factor)
{
    fb_shape a = fb_shape_of(b, x);
    fb_id in[2] = {x, w};
    fb_id made = fb_op(b, MLI_OP_MATMUL, y, 2, in);
    fb_last(b)->p[0] = transposed;
    fb_last(b)->p[1] = y.dims[y.rank - 1];
    fb_last(b)->p[2] = a.dims[a.rank - 1];
    fb_last(b)->fp = factor;
    return made;
}

fb_id fb_random_numbers(fb *b, fb_id when, fb_shape y, uint32_t normal)
{
    y.timed = fb_shape_of(b, when).timed;
    fb_id made = fb_op(b, MLI_OP_RANDOM, y, 1, &when);
    fb_last(b)->p[0] = normal;
    fb_last(b)->fq = 1;
    fb_state(b, 1, 2, 0);
    return made;
}

/* -------------------------------------------------------------- finish ---- */

static void number_tensors(fb *b)
{
    uint32_t n = 0;
    for (fb_kind kind = FB_INPUT; kind <= FB_OP; kind++)
        for (uint32_t i = 0; i < b->tensors; i++)
            if (b->tensor[i].kind == kind)
                b->tensor[i].number = n++;
    uint32_t *operand = (uint32_t *)b->section[MLI_SEC_OPERANDS].p;
    for (size_t i = 0; i < b->section[MLI_SEC_OPERANDS].n / 4; i++)
        operand[i] = b->tensor[operand[i]].number;
}

static mli_file_tensor record(const fb *b, const fb_tensor *t, uint32_t made)
{
    mli_file_tensor r = {0};
    (void)b;
    r.region = t->kind == FB_CONST ? MLI_CONSTANT : MLI_ARENA;
    r.storage = t->storage;
    r.flags = t->shape.timed ? MLI_TIMED : 0;
    r.period = t->shape.timed;
    r.rank = t->shape.rank;
    memcpy(r.dims, t->shape.dims, r.rank * sizeof *r.dims);
    if (t->kind == FB_CONST)
        r.offset = t->data;
    if (t->kind == FB_INPUT)
        r.first = MLI_NONE;
    if (t->kind == FB_OP)
        r.first = r.last = made;
    return r;
}

static void write_tensors(fb *b)
{
    mli_file_tensor *to;
    uint32_t top = 0, made = 0;
    add(b, MLI_SEC_TENSORS, NULL, b->tensors * sizeof *to);
    to = (mli_file_tensor *)b->section[MLI_SEC_TENSORS].p;
    for (uint32_t i = 0; i < b->tensors; i++) {
        const fb_tensor *t = b->tensor + i;
        mli_file_tensor *r = to + t->number;
        *r = record(b, t, made);
        made += t->kind == FB_OP;
        if (t->kind == FB_CONST)
            continue;
        if (t->over != MLI_NONE) {
            r->offset = to[b->tensor[t->over].number].offset;
            continue;
        }
        r->offset = top;
        top += (uint32_t)mli_tick_floats(fb_elements(t->shape), r->period);
        if (b->header.mode != MLI_STREAM)
            top = (top + 15) / 16 * 16;
    }
    b->header.arena = b->header.arena_bound = top;
}

/* Of a frame's work: all periods in tests are divisors. */
#define PARTS 720720u

static uint64_t macs(const mli_file_op *op, const mli_file_tensor *x,
                     fb_shape y)
{
    uint64_t n = fb_elements(y);
    switch (op->type) {
    case MLI_OP_LINEAR:
        return n * op->p[0];
    case MLI_OP_CONV1D:
        return n * op->p[0] * (op->p[3] / op->p[2]);
    case MLI_OP_LSTM:
        return n * 4 * op->p[0];
    case MLI_OP_GRU:
        return n * 3 * op->p[0];
    case MLI_OP_RNN:
    case MLI_OP_DISTANCE:
        return n * op->p[0];
    case MLI_OP_MATMUL:
        return n * op->p[2];
    case MLI_OP_CONV2D:
        return n * op->p[0] * op->p[1] *
               ((op->p[7] ? op->p[7] : x->dims[x->rank - 1]) / op->p[6]);
    default:
        return 0;
    }
}

/* Ticks of a frame: the smallest period of a signal port. */
static uint32_t frame_ticks(const fb *b)
{
    uint32_t least = MLI_MAX_PERIOD;
    for (uint32_t i = 0; i < b->tensors; i++) {
        int used = b->tensor[i].kind == FB_INPUT;
        for (uint32_t k = 0; k < b->outputs; k++)
            used |= b->output[k] == i;
        if (used && b->tensor[i].shape.timed != 0 &&
            b->tensor[i].shape.timed < least)
            least = b->tensor[i].shape.timed;
    }
    return least;
}

/* What follows from the operators: the last use of each tensor, the work. */
static void walk_ops(fb *b)
{
    mli_file_tensor *t = (mli_file_tensor *)b->section[MLI_SEC_TENSORS].p;
    const uint32_t *operand = (uint32_t *)b->section[MLI_SEC_OPERANDS].p;
    const mli_file_op *op = (mli_file_op *)b->section[MLI_SEC_OPS].p;
    uint32_t made = 0, frame = frame_ticks(b);
    uint64_t work = 0;
    for (uint32_t i = 0; i < b->tensors; i++) {
        if (b->tensor[i].kind != FB_OP)
            continue;
        for (uint32_t k = 0; k < op[made].inputs; k++) {
            mli_file_tensor *x = t + operand[op[made].operand + k];
            if (x->region == MLI_ARENA)
                x->last = made;
        }
        uint32_t period = b->tensor[i].shape.timed;
        uint64_t own =
            macs(op + made, t + operand[op[made].operand], b->tensor[i].shape);
        work += period != 0 ? own * PARTS / period * frame : own * PARTS;
        made++;
    }
    b->header.macs = (work + PARTS - 1) / PARTS;
}

static void write_port(fb *b, const fb_tensor *t, int input)
{
    static const char *const name[] = {"out", "in"};
    mli_file_port p = {0};
    uint32_t n = (uint32_t)fb_elements(t->shape);
    int windowed = b->header.mode == MLI_WINDOW && t->shape.rank == 2 &&
                   t->shape.dims[0] == b->header.window;
    p.tensor = t->number;
    p.name = add_text(b, name[input]);
    p.kind = input ? t->port_kind : MLI_PORT_SIGNAL;
    p.frames = windowed ? b->header.window : 1;
    p.channels = n / p.frames;
    p.first_channel =
        (uint32_t)(b->section[MLI_SEC_CHANNELS].n / sizeof(mli_file_channel));
    add(b, MLI_SEC_PORTS, &p, sizeof p);
    for (uint32_t i = 0; i < p.channels; i++) {
        mli_file_channel c = {0, -1.0f, 1.0f, 0.25f};
        add(b, MLI_SEC_CHANNELS, &c, sizeof c);
    }
}

static void write_ports(fb *b)
{
    mli_file_tensor *t = (mli_file_tensor *)b->section[MLI_SEC_TENSORS].p;
    for (uint32_t i = 0; i < b->tensors; i++)
        if (b->tensor[i].kind == FB_INPUT) {
            write_port(b, b->tensor + i, 1);
            b->header.inputs++;
        }
    for (uint32_t i = 0; i < b->outputs; i++) {
        write_port(b, b->tensor + b->output[i], 0);
        t[b->tensor[b->output[i]].number].last = MLI_NONE;
    }
    b->header.outputs = b->outputs;
}

static size_t lines(size_t n)
{
    return (n + 63) / 64 * 64;
}

static fb_image assemble(const fb *b)
{
    fb_image image;
    mli_file_header h = b->header;
    image.size = sizeof h;
    for (int i = 0; i < MLI_SEC_COUNT; i++) {
        h.section[i].offset = (uint32_t)image.size;
        h.section[i].bytes = (uint32_t)b->section[i].n;
        image.size += lines(b->section[i].n);
    }
    memcpy(h.magic, MLI_MAGIC, 8);
    h.version = MLI_FORMAT_VERSION;
    h.file_bytes = (uint32_t)image.size;
    h.parameters = b->section[MLI_SEC_DATA].n / 4;
    image.bytes = aligned_alloc(64, image.size);
    if (image.bytes == NULL)
        exit(1);
    memset(image.bytes, 0, image.size);
    memcpy(image.bytes, &h, sizeof h);
    for (int i = 0; i < MLI_SEC_COUNT; i++)
        if (b->section[i].n != 0)
            memcpy(image.bytes + h.section[i].offset, b->section[i].p,
                   b->section[i].n);
    return image;
}

fb_image fb_finish(fb *b)
{
    number_tensors(b);
    write_tensors(b);
    walk_ops(b);
    write_ports(b);
    fb_image image = assemble(b);
    fb_seal(image);
    for (int i = 0; i < MLI_SEC_COUNT; i++)
        free(b->section[i].p);
    free(b->tensor);
    free(b->output);
    free(b);
    return image;
}

void fb_seal(fb_image image)
{
    mli_file_header *h = (mli_file_header *)image.bytes;
    h->crc32 = mli_file_crc32(image.bytes, image.size);
}

fb_image fb_copy(fb_image image)
{
    fb_image copy = {aligned_alloc(64, lines(image.size)), image.size};
    if (copy.bytes == NULL)
        exit(1);
    memcpy(copy.bytes, image.bytes, image.size);
    return copy;
}

void *fb_section(fb_image image, mli_section section)
{
    const mli_file_header *h = (const mli_file_header *)image.bytes;
    return image.bytes + h->section[section].offset;
}

/* -------------------------------------------------- classical models ---- */

typedef struct forest {
    fb *b;
    uint32_t features, targets, nodes, weights;
    mli_tree_node node[4096];
    float weight[8192];
} forest;

static uint32_t below(forest *f, uint32_t n)
{
    return (uint32_t)((fb_random(&f->b->seed) + 1) * 0.5f * (float)n) % n;
}

static void grow_leaf(forest *f)
{
    mli_tree_node *n = &f->node[f->nodes++];
    uint32_t many = below(f, 4);
    if (many == 1) {
        *n = (mli_tree_node){MLI_TREE_LEAF, fb_random(&f->b->seed),
                             below(f, f->targets)};
        return;
    }
    *n = (mli_tree_node){MLI_TREE_LEAVES | many, 0, f->weights};
    for (; many != 0; many--, f->weights++) {
        uint32_t target = below(f, f->targets);
        memcpy(f->weight + 2 * f->weights, &target, sizeof target);
        f->weight[2 * f->weights + 1] = fb_random(&f->b->seed);
    }
}

/* At most 2^(depth + 1) nodes. */
static void grow(forest *f, uint32_t depth)
{
    uint32_t at = f->nodes;
    if (depth == 0 || below(f, 6) == 0) {
        grow_leaf(f);
        return;
    }
    f->node[f->nodes++] =
        (mli_tree_node){(1 + below(f, 15)) << 24 | below(f, f->features),
                        fb_random(&f->b->seed), 0};
    grow(f, depth - 1);
    f->node[at].next = f->nodes;
    grow(f, depth - 1);
}

fb_id fb_trees(fb *b, fb_id x, uint32_t targets, uint32_t trees, uint32_t depth,
               mli_aggregate aggregate)
{
    fb_shape s = fb_shape_of(b, x);
    forest *f = more(NULL, sizeof *f);
    uint32_t root[64];
    float words[64], *nodes = more(NULL, sizeof f->node);
    f->b = b;
    f->features = s.dims[s.rank - 1];
    f->targets = targets;
    f->nodes = f->weights = 0;
    for (uint32_t i = 0; i < trees; i++) {
        root[i] = f->nodes;
        grow(f, depth);
    }
    memcpy(words, root, trees * sizeof *root);
    memcpy(nodes, f->node, f->nodes * sizeof *f->node);
    s.dims[s.rank - 1] = targets;
    fb_id in[5] = {x, fb_const(b, fb_vector(3 * f->nodes), nodes, 1),
                   fb_const(b, fb_vector(trees), words, 1),
                   fb_const(b, fb_vector(targets), NULL, 1)};
    if (f->weights != 0)
        in[4] = fb_const(b, fb_vector(2 * f->weights), f->weight, 1);
    fb_id y = fb_op(b, MLI_OP_TREES, s, f->weights != 0 ? 5 : 4, in);
    fb_last(b)->p[0] = f->features;
    fb_last(b)->p[1] = targets;
    fb_last(b)->p[2] = aggregate;
    free(nodes);
    free(f);
    return y;
}

fb_id fb_distance(fb *b, fb_id x, uint32_t points, mli_distance metric)
{
    fb_shape s = fb_shape_of(b, x);
    uint32_t inputs = s.dims[s.rank - 1];
    uint32_t floats = (uint32_t)mli_packed_size(points, 1, inputs);
    fb_id in[2] = {x, fb_const(b, fb_vector(floats), NULL, 1)};
    s.dims[s.rank - 1] = points;
    fb_id y = fb_op(b, MLI_OP_DISTANCE, s, 2, in);
    fb_last(b)->p[0] = inputs;
    fb_last(b)->p[1] = points;
    fb_last(b)->p[2] = metric;
    if (metric == MLI_MINKOWSKI || metric == MLI_POWER_SUM)
        fb_last(b)->fp = 1.5f;
    return y;
}

fb_id fb_couple(fb *b, fb_id x, uint32_t classes)
{
    fb_shape s = fb_shape_of(b, x);
    s.dims[s.rank - 1] = classes;
    fb_id y = fb_op(b, MLI_OP_COUPLE, s, 1, &x);
    fb_last(b)->p[0] = classes;
    return y;
}
