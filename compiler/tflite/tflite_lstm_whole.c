/*
 * tflite_lstm_whole.c - LSTM layers in whole numbers, as TensorFlow Lite's
 * kernel of 8-bit activations and weights computes them: gates in 2^-12, their
 * functions in 2^-15, the cell in a power of two of its own, the hidden state
 * in 8 bits. Every sum and product is rounded where that kernel rounds it.
 */
#include <math.h>
#include "ir_build.h"
#include "tflite_recurrent.h"

#define LEAST (-32768.f)
#define MOST  32767.f

typedef struct whole_lstm {
    uint32_t units, rows;
    ir_bytes w, u;   /* gates in the order i f o g */
    const void *key; /* of u */
    float *b;
    double *scale_w, *scale_u; /* of each row's sum, to 2^-12 */
    double to_cell, to_hidden; /* scales of the products i g and o tanh(c) */
    uint32_t bits;             /* of the cell, in front of the point */
    float clip_low, clip_high;
    float low, high; /* of the hidden state */
} whole_lstm;

static const int order[4] = {0, 1, 3, 2}; /* of i f g o */

static const tfl_tensor *between(const tfl_call *c, uint32_t i)
{
    int64_t n = i < c->op->between.count ? flat_int_at(&c->op->between, i) : -1;

    return n < 0 ? NULL : &c->graph->tensors[n];
}

/* The power of two that the cell's scale is. */
static int read_cell(const tfl_lstm *l, const tfl_tensor *cell, whole_lstm *q)
{
    float scale = tfl_tensor_scale(cell), clip;
    int power;

    if (cell->type != TFL_INT16 || frexpf(scale, &power) != 0.5f)
        return 0;
    power--;
    if (power < -15 || power > -9)
        return 0;
    q->bits = (uint32_t)(15 + power);
    q->to_cell = ldexp(1.0, -30 - power);
    clip = truncf(fminf(l->clip / scale, MOST));
    q->clip_low = clip > 0.f ? -clip : LEAST;
    q->clip_high = clip > 0.f ? clip : MOST;
    return 1;
}

static double *row_scales(tfl_run *r, tfl_call *c, const int *which,
                          uint32_t units, float scale)
{
    double *s = onnx_take(r->pool, 4 * (size_t)units, sizeof *s);

    for (uint32_t i = 0; i < 4 * units; i++) {
        float by = tfl_scale(tfl_operand(c, which[i / units]), i % units);
        s[i] = (double)(by * scale / 0x1p-12f);
    }
    return s;
}

static int read_whole(tfl_run *r, tfl_call *c, const tfl_lstm *l, whole_lstm *q)
{
    const tfl_tensor *h = tfl_state_tensor(c, l->hidden);
    const tfl_tensor *cell = tfl_state_tensor(c, l->cell), *product;
    int w[4], u[4], b[4];

    if (!h || !cell || !tfl_quantised(h) || !tfl_quantised(cell) ||
        !read_cell(l, cell, q)) {
        tfl_unsupported(r, c, "states of another type");
        return 0;
    }
    for (int k = 0; k < 4; k++) {
        w[k] = l->w[order[k]];
        u[k] = l->u[order[k]];
        b[k] = l->b[order[k]];
    }
    q->units = l->units;
    q->rows = 4 * l->units;
    if (!tfl_gates(r, c, w, 4, l->units, l->s.inputs, 0, &q->w) ||
        !tfl_gates(r, c, u, 4, l->units, l->units, 0, &q->u) ||
        !(q->b = tfl_stack(r, c, b, 4, l->units, 1, 0)))
        return 0;
    q->key = q->u.at ? (const void *)q->u.at : q->u.w;
    q->scale_w = row_scales(r, c, w, l->units, l->s.v->scale);
    q->scale_u = row_scales(r, c, u, l->units, tfl_tensor_scale(h));
    product = between(c, 4);
    if (!product || !tfl_quantised(product))
        product = h;
    q->to_hidden = (double)(0x1p-15f / tfl_tensor_scale(product) * 0x1p-15f);
    tfl_range(h->type, tfl_zero(h), &q->low, &q->high);
    return 1;
}

/* Sums of products to gates. */
static ir_id gates(tfl_run *r, const whole_lstm *q, ir_id x,
                   const double *scale)
{
    tfl_factors f = {q->rows, scale, MLI_ROUND_TWICE, 0, LEAST, MOST};

    return tfl_fixed(r, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f);
}

static ir_id product(tfl_run *r, ir_id a, ir_id b, double scale)
{
    tfl_factors f = {1, &scale, MLI_ROUND_HALF_AWAY, 0, LEAST, MOST};

    return tfl_fixed(r, MLI_REQUANTIZE_MUL, a, b, &f);
}

static ir_id function(tfl_run *r, mli_requantize kind, ir_id x, uint32_t bits)
{
    const double one = 1.0;
    tfl_factors f = {1, &one, MLI_ROUND_TWICE, bits, LEAST, MOST};

    return tfl_fixed(r, kind, x, IR_NONE, &f);
}

static ir_id hidden(tfl_run *r, const whole_lstm *q, ir_id o, ir_id cell)
{
    tfl_factors f = {1, &q->to_hidden, MLI_ROUND_TWICE, 0, q->low, q->high};

    cell = function(r, MLI_REQUANTIZE_TANH, cell, q->bits);
    return tfl_fixed(r, MLI_REQUANTIZE_MUL, o, cell, &f);
}

/* One step: g the input's part of the gates. */
static void whole_step(tfl_run *r, const whole_lstm *q, ir_id g, ir_id *h,
                       ir_id *cell)
{
    uint32_t n = q->units;
    ir_id y, f, i;

    y = tfl_dense_bytes(r, *h, n, q->rows, &q->u, NULL, q->key);
    g = ir_binary(r->g, MLI_ADD, g, gates(r, q, y, q->scale_u));
    y = ir_slice(r->g, g, 0, 0, 1, 3 * n);
    y = function(r, MLI_REQUANTIZE_LOGISTIC, y, 3);
    g = ir_slice(r->g, g, 0, 3 * n, 1, n);
    g = function(r, MLI_REQUANTIZE_TANH, g, 3);
    i = product(r, ir_slice(r->g, y, 0, 0, 1, n), g, q->to_cell);
    f = product(r, ir_slice(r->g, y, 0, n, 1, n), *cell, 0x1p-15);
    *cell = ir_unary(r->g, MLI_HARD_TANH, q->clip_low, q->clip_high,
                     ir_binary(r->g, MLI_ADD, f, i));
    *h = hidden(r, q, ir_slice(r->g, y, 0, 2 * n, 1, n), *cell);
}

ir_id tfl_whole_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x)
{
    uint32_t one[2] = {1, l->units};
    whole_lstm q = {0};
    ir_id h, cell, *y, g;

    if (l->s.frames > TFL_MAX_UNROLLED) {
        tfl_unsupported(r, c, "a quantised sequence of %u steps", l->s.frames);
        return IR_NONE;
    }
    if (!read_whole(r, c, l, &q))
        return IR_NONE;
    h = tfl_read_state(r, c, l->hidden, l->units);
    cell = tfl_read_state(r, c, l->cell, l->units);
    g = tfl_dense_bytes(r, x, l->s.inputs, q.rows, &q.w, q.b, NULL);
    g = gates(r, &q, g, q.scale_w);
    y = onnx_take(r->pool, l->s.frames, sizeof *y);
    for (uint32_t t = 0; t < l->s.frames; t++) {
        ir_id row = ir_slice(r->g, g, 0, t, 1, 1);
        whole_step(r, &q, ir_reshape(r->g, row, 1, &q.rows), &h, &cell);
        y[t] = ir_reshape(r->g, h, 2, one);
    }
    tfl_write_state(r, c, l->hidden, h);
    tfl_write_state(r, c, l->cell, cell);
    return ir_concat(r->g, y, l->s.frames, 0);
}
