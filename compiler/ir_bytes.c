/*
 * ir_bytes.c - weights of 8 and 16 bits into the one order, as small as they
 * are. What is stored is the weight exactly: bytes less their zero point as
 * bytes again where they fit, else as halves, which hold whole numbers up to
 * 2048; 16-bit floats as halves, their rows times powers of two.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

/* The matrices that a layer has. */
typedef struct shape {
    uint32_t matrices, outputs, taps, inputs;
} shape;

/* Where output o begins; IR_NO_OUTPUT: zeros. */
static size_t start(const ir_bytes *w, size_t o)
{
    return w->at ? w->at[o] : o * w->output;
}

/* ------------------------------------------------------ one output's ---- */

static float from_bits(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31u;
    float f;

    if (e == 31) /* infinite, or none */
        return from_bits(sign | 0x7f800000u | (uint32_t)(h & 1023) << 13);
    if (e)
        return from_bits(sign | (uint32_t)((h & 0x7fff) + (112 << 10)) << 13);
    f = (float)(h & 1023) * 0x1p-24f;
    return sign ? -f : f;
}

static uint16_t two_bytes(const uint8_t *w, size_t n)
{
    uint16_t x;

    memcpy(&x, w + 2 * n, sizeof x);
    return x;
}

/* Is tap k one of those that output o has not? */
static int is_less(const ir_bytes *w, size_t o, uint32_t k, uint32_t row)
{
    return w->less && ((w->less[o] & IR_LESS_ROW && k < row) ||
                       (w->less[o] & IR_LESS_TAP && k % row == 0));
}

/* to[k * inputs + i] = NUMBER at `n`, for all taps and inputs. */
#define READ(NUMBER)                                                           \
    for (uint32_t k = 0; k < s->taps; k++) {                                   \
        size_t tap = first + k / row * w->next + k % row * w->tap;             \
        if (is_less(w, o, k, row)) {                                           \
            memset(to, 0, s->inputs * sizeof *to);                             \
            to += s->inputs;                                                   \
            continue;                                                          \
        }                                                                      \
        for (uint32_t i = 0; i < s->inputs; i += part, tap += w->apart)        \
            for (size_t j = 0, n = tap; j < part; j++, n += w->input)          \
                *to++ = (NUMBER);                                              \
    }

/* Weights of output o, without its scale. */
static void read_output(const shape *s, const ir_bytes *w, size_t o, float *to)
{
    const uint8_t *from = w->w;
    size_t first = start(w, o);
    float zero = w->zero ? w->zero[o] : 0.f, f;
    uint32_t row = w->row ? w->row : s->taps;
    uint32_t part = w->part ? w->part : s->inputs;

    if (first == IR_NO_OUTPUT) {
        memset(to, 0, (size_t)s->taps * s->inputs * sizeof *to);
        return;
    }
    switch (w->type) {
    case IR_S8:
        READ((float)(int8_t)from[n] - zero)
        break;
    case IR_U8:
        READ((float)from[n] - zero)
        break;
    case IR_F16:
        READ(from_half(two_bytes(from, n)))
        break;
    case IR_BF16:
        READ(from_bits((uint32_t)two_bytes(from, n) << 16))
        break;
    case IR_F32:
        READ((memcpy(&f, from + 4 * n, sizeof f), f))
        break;
    }
}

void ir_read_bytes(const ir_bytes *w, uint32_t outputs, uint32_t taps,
                   uint32_t inputs, float *to)
{
    const shape s = {1, outputs, taps, inputs};
    size_t products = (size_t)taps * inputs;

    for (uint32_t o = 0; o < outputs; o++, to += products) {
        read_output(&s, w, o, to);
        for (size_t i = 0; w->scale && i < products; i++)
            to[i] *= w->scale[o];
    }
}

/* ------------------------------------------------------------ matrices ---- */

/* Matrices being stored. `line` has room for one output's weights. */
typedef struct job {
    shape s;
    const ir_bytes *w;
    mli_storage storage;
    int halves;          /* floats are stored as halves, if that is exact */
    float *line, *scale; /* scale: of the output at work */
    uint8_t *to;         /* the matrix at work */
} job;

/* A number that is a normal half, or zero, as its bits; 0: it is none. */
static int to_half(float x, uint16_t *h)
{
    uint32_t u, e;

    memcpy(&u, &x, sizeof u);
    e = u >> 23 & 255u;
    *h = (uint16_t)(u >> 16 & 0x8000u);
    if (x == 0.f)
        return 1;
    if (e < 113 || e > 142 || u & 0x1fffu)
        return 0;
    *h |= (uint16_t)((e - 112u) << 10 | (u >> 13 & 1023u));
    return 1;
}

static int all_halves(const float *x, size_t n)
{
    uint16_t h;

    for (size_t i = 0; i < n; i++)
        if (!to_half(x[i], &h))
            return 0;
    return 1;
}

/* Its numbers times a power of two that brings the largest to [2^14, 2^15). */
static float spread(float *x, size_t n)
{
    uint32_t most = 0, u, e;
    float up, down;

    for (size_t i = 0; i < n; i++) {
        memcpy(&u, &x[i], sizeof u);
        most = (u & 0x7fffffffu) > most ? u & 0x7fffffffu : most;
    }
    e = most >> 23;
    e = e < 16 ? 16 : e > 254 ? 254 : e;
    up = from_bits((268u - e) << 23); /* 2^(14 - (e - 127)) */
    down = from_bits((e - 14u) << 23);
    for (size_t i = 0; i < n; i++)
        x[i] *= up;
    return down;
}

/* Row o of a matrix; 0: it cannot be had exactly. */
static int store_output(const job *j, uint32_t o)
{
    const shape *s = &j->s;
    size_t products = (size_t)s->taps * s->inputs;
    size_t at =
        (size_t)mli_packed_index(s->outputs, s->taps, s->inputs, o, 0, 0);
    size_t width = s->outputs - o / MLI_PANEL * MLI_PANEL;
    uint16_t h;

    width = width < MLI_PANEL ? (width + 3u) / 4u * 4u : MLI_PANEL;
    if (j->storage == MLI_F16 && !all_halves(j->line, products)) {
        *j->scale *= spread(j->line, products);
        if (!all_halves(j->line, products))
            return 0;
    }
    for (size_t i = 0; i < products; i++, at += width)
        if (j->storage == MLI_INT8) {
            ((int8_t *)j->to)[at] = (int8_t)j->line[i];
        } else if (j->storage == MLI_F16) {
            to_half(j->line[i], &h);
            memcpy(j->to + 2 * at, &h, sizeof h);
        } else {
            ((float *)(void *)j->to)[at] = *j->scale * j->line[i];
        }
    return 1;
}

/* Bytes as they are: one matrix, the first output of which is `first`. */
static void copy_bytes(const shape *s, const ir_bytes *w, size_t first,
                       int8_t *to)
{
    const int8_t *bytes = w->w;

    for (uint32_t base = 0; base < s->outputs; base += MLI_PANEL) {
        uint32_t left = s->outputs - base;
        uint32_t real = left < MLI_PANEL ? left : MLI_PANEL;
        uint32_t width = (real + 3u) / 4u * 4u;

        for (uint32_t k = 0; k < s->taps; k++)
            for (uint32_t i = 0; i < s->inputs; i++, to += width) {
                const int8_t *from = bytes + (first + base) * w->output +
                                     k * w->tap + i * w->input;
                for (uint32_t o = 0; o < real; o++)
                    to[o] = from[o * w->output];
            }
    }
}

/* All matrices to data, scales behind them; 0: that is not possible. */
static int store_all(const job *all, float *data)
{
    job j = *all;
    const ir_bytes *w = j.w;
    uint32_t quads = (j.s.outputs + 3u) / 4u * 4u;
    uint64_t rows = (uint64_t)quads * j.s.matrices;
    uint64_t products = (uint64_t)j.s.taps * j.s.inputs;
    uint64_t bytes = mli_stored_bytes(j.storage, rows, products);
    float *scale = data + bytes / sizeof(float), one;
    int simple = w->type == IR_S8 && !w->zero && !w->at && !w->row &&
                 !w->part && !w->less;
    size_t o = 0;

    for (uint32_t n = 0; n < j.s.matrices; n++) {
        j.to = (uint8_t *)data + bytes / j.s.matrices * n;
        if (j.storage == MLI_INT8 && simple)
            copy_bytes(&j.s, w, o, (int8_t *)j.to);
        for (uint32_t r = 0; r < quads; r++) {
            int real = r < j.s.outputs;
            j.scale = j.storage == MLI_F32 ? &one : scale++;
            *j.scale = real && w->scale ? w->scale[o] : 1.f;
            if (!real || (j.storage == MLI_INT8 && simple)) {
                o += (size_t)real;
                continue;
            }
            read_output(&j.s, w, o++, j.line);
            if (!store_output(&j, r))
                return 0;
        }
    }
    return 1;
}

/* ------------------------------------------------------------- storage ---- */

/* Numbers that the weights are taken from are bytes. */
static int are_bytes(const ir_bytes *w)
{
    return w->type == IR_S8 || w->type == IR_U8;
}

/* Less their zero points, all of them are bytes again. */
static int fit_bytes(const job *j)
{
    const shape *s = &j->s;
    size_t products = (size_t)s->taps * s->inputs;
    size_t outputs = (size_t)s->matrices * s->outputs;

    if (j->w->type == IR_S8 && !j->w->zero)
        return 1;
    for (size_t o = 0; o < outputs; o++) {
        read_output(s, j->w, o, j->line);
        for (size_t i = 0; i < products; i++)
            if (!(j->line[i] >= -128.f && j->line[i] <= 127.f))
                return 0;
    }
    return 1;
}

static mli_storage storage_of(const job *j)
{
    if (j->s.outputs == 1 || (j->w->type == IR_F32 && !j->halves))
        return MLI_F32;
    return are_bytes(j->w) && fit_bytes(j) ? MLI_INT8 : MLI_F16;
}

/* A constant of data that is stored so. */
static ir_id take(ir_graph *g, const job *j, uint64_t rows, uint64_t products,
                  float *data)
{
    ir_id id;

    if (j->storage == MLI_F32)
        return ir_take(g, IR_PACKED, rows * products, data);
    id = ir_take(g, IR_PACKED, mli_stored_floats(j->storage, rows, products),
                 data);
    if (id == IR_NONE)
        return IR_NONE;
    g->values[id].storage = j->storage;
    g->values[id].rank = 2;
    g->values[id].dims[0] = (uint32_t)rows;
    g->values[id].dims[1] = (uint32_t)products;
    g->values[id].elements = rows * products;
    return id;
}

static ir_id store(ir_graph *g, job *j, uint64_t rows, uint64_t products)
{
    uint64_t floats = mli_stored_floats(j->storage, rows, products);
    float *data = ir_floats(g, floats);

    if (!data)
        return IR_NONE;
    if (store_all(j, data))
        return take(g, j, rows, products, data);
    free(data);
    j->storage = MLI_F32;
    return store(g, j, rows, products);
}

/* Of a layer; 0 with the graph failed if it is too large. */
static int shape_of(ir_graph *g, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t groups, shape *s)
{
    /* quads * taps < 2^56 and one more factor: bounded step by step */
    uint64_t quads, products;

    *s = (shape){groups, outputs / groups, taps, inputs / groups};
    if (s->outputs == 1 && s->inputs == 1 && groups > 1) { /* depthwise */
        s->matrices = 1;
        s->outputs = groups;
    }
    quads = ((uint64_t)s->outputs + 3u) / 4u * 4u * s->matrices;
    products = (uint64_t)taps * s->inputs;
    if (products <= MLI_MAX_ELEMENTS && quads <= MLI_MAX_ELEMENTS &&
        quads * products <= MLI_MAX_ELEMENTS)
        return 1;
    ir_fail(g, "too many weights (%u outputs, %u taps, %u inputs)", outputs,
            taps, inputs);
    return 0;
}

ir_id ir_pack_bytes(ir_graph *g, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t groups, const ir_bytes *w)
{
    job j = {.w = w, .halves = g->halves};
    uint64_t rows, products;
    ir_id id;

    if (!shape_of(g, inputs, outputs, taps, groups, &j.s))
        return IR_NONE;
    rows = ((uint64_t)j.s.outputs + 3u) / 4u * 4u * j.s.matrices;
    products = (uint64_t)taps * j.s.inputs;
    j.line = ir_room(g, products, sizeof *j.line);
    if (!j.line)
        return IR_NONE;
    /* depthwise ones cannot be stored small */
    j.storage = j.s.matrices != groups ? MLI_F32 : storage_of(&j);
    id = store(g, &j, rows, products);
    free(j.line);
    return id;
}

ir_id ir_pack_bytes_rows(ir_graph *g, uint32_t outputs, uint32_t inputs,
                         const ir_bytes *w, const uint32_t *rows)
{
    ir_bytes turned = *w;
    size_t *at = ir_room(g, outputs, sizeof *at);
    float *scale = ir_room(g, outputs, sizeof *scale);
    float *zero = ir_room(g, outputs, sizeof *zero);
    ir_id id = IR_NONE;

    for (uint32_t o = 0; at && scale && zero && o < outputs; o++) {
        int none = rows[o] == IR_NO_ROW;
        at[o] = none ? IR_NO_OUTPUT : start(w, rows[o]);
        scale[o] = none || !w->scale ? 1.f : w->scale[rows[o]];
        zero[o] = none || !w->zero ? 0.f : w->zero[rows[o]];
    }
    if (at && scale && zero) {
        turned.at = at;
        turned.scale = scale;
        turned.zero = w->zero ? zero : NULL;
        id = ir_pack_bytes(g, inputs, outputs, 1, 1, &turned);
    }
    free(at);
    free(scale);
    free(zero);
    return id;
}

/* ----------------------------------------------- zero points set apart ---- */

/* Fewer weights may as well be halves. */
#define LEAST_APART 16384u

int ir_zeros_apart(ir_graph *g, uint32_t inputs, uint32_t outputs,
                   uint32_t taps, uint32_t groups, const ir_bytes *w,
                   ir_bytes *rest, float **shift)
{
    job j = {.w = w};
    float centre = w->type == IR_U8 ? 128.f : 0.f, *all;
    int fit;

    if (groups != 1 || outputs == 1 || !are_bytes(w) ||
        (uint64_t)inputs * taps * outputs < LEAST_APART ||
        !shape_of(g, inputs, outputs, taps, groups, &j.s))
        return 0;
    j.line = ir_room(g, (uint64_t)taps * inputs, sizeof *j.line);
    if (!j.line)
        return 0;
    fit = fit_bytes(&j);
    free(j.line);
    all = fit ? NULL : ir_room(g, 2 * (uint64_t)outputs, sizeof *all);
    if (!all)
        return 0;
    for (uint32_t o = 0; o < outputs; o++) {
        all[o] = (w->scale ? w->scale[o] : 1.f) *
                 (centre - (w->zero ? w->zero[o] : 0.f));
        all[outputs + o] = centre;
    }
    *rest = *w;
    rest->zero = w->type == IR_U8 ? all + outputs : NULL;
    *shift = all;
    return 1;
}
