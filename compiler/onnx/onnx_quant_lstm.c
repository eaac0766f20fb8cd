/*
 * onnx_quant_lstm.c - DynamicQuantizeLSTM, which ONNX Runtime's quantiser makes
 * of every LSTM.
 *
 * Its weights are bytes. The original quantises what it multiplies them with as
 * well, by a scale taken from the whole signal at once, so that each frame
 * depends on all others; here inputs and states stay floats, which is nearer to
 * the network before it was quantised, and runs in time.
 */
#include "onnx_run.h"

enum { W_SCALE = 8, R_SCALE = 10 };

/* Element n of a list for directions, or for directions and columns. */
static float number(const onnx_value *v, int64_t side, int64_t sides,
                    int64_t column, int64_t columns)
{
    int64_t n = v ? onnx_elements(v) : 0;
    if (!v)
        return 0.f;
    if (n == sides * columns && n > sides)
        return onnx_at(v, side * columns + column);
    return onnx_at(v, n == sides ? side : 0);
}

/* A number for each column of each side. */
static const float *numbers(onnx_run *r, const onnx_value *v,
                            const int64_t *dims)
{
    float *all = onnx_take(r->pool, (size_t)(dims[0] * dims[1]), sizeof *all);
    for (int64_t d = 0; d < dims[0]; d++)
        for (int64_t g = 0; g < dims[1]; g++)
            all[d * dims[1] + g] = number(v, d, dims[0], g, dims[1]);
    return all;
}

/* The same bytes, seen so; NULL: they are no bytes any more. */
static onnx_value *small(onnx_run *r, const onnx_value *w,
                         const onnx_value *scale, const onnx_value *zero)
{
    static const int turn[3] = {0, 2, 1};
    onnx_value *y = w->raw ? onnx_raw_transposed(r, w, turn) : NULL;
    onnx_raw *raw;
    if (!y || y->raw->scale || y->raw->zero)
        return NULL;
    raw = onnx_take(r->pool, 1, sizeof *raw);
    *raw = *y->raw;
    raw->scale = numbers(r, scale, y->dims);
    raw->scale_axis = raw->zero_axis = ONNX_FIRST_TWO;
    if (zero && !onnx_all_zero(zero))
        raw->zero = numbers(r, zero, y->dims);
    y->raw = raw;
    y->type = ONNX_FLOAT;
    return y;
}

/* [sides, inputs, 4*units] of bytes as [sides, 4*units, inputs] of floats;
   scale and zero point are inputs n and n+1. */
static onnx_value *matrices(onnx_run *r, onnx_call *c, onnx_value *w, int n)
{
    onnx_value *scale = onnx_input(c, n), *zero = onnx_input(c, n + 1), *y;
    int64_t dims[3], count;
    if (w->kind != ONNX_CONST || w->rank != 3 || !scale ||
        scale->kind != ONNX_CONST || (zero && zero->kind != ONNX_CONST))
        return NULL;
    dims[0] = w->dims[0];
    dims[1] = w->dims[2];
    dims[2] = w->dims[1];
    count = onnx_elements(scale);
    if ((count != 1 && count != dims[0] && count != dims[0] * dims[1]) ||
        (zero && onnx_elements(zero) != 1 && onnx_elements(zero) != count))
        onnx_bad(r, c, "%lld scales for %lld columns", (long long)count,
                 (long long)dims[1]);
    y = small(r, w, scale, zero);
    if (y)
        return y;
    y = onnx_new_const(r, ONNX_FLOAT, 3, dims);
    y->learned = w->learned;
    for (int64_t d = 0, at = 0; d < dims[0]; d++)
        for (int64_t g = 0; g < dims[1]; g++) {
            float s = number(scale, d, dims[0], g, dims[1]);
            float z = number(zero, d, dims[0], g, dims[1]);
            for (int64_t i = 0; i < dims[2]; i++)
                y->f[at++] =
                    (onnx_at(w, (d * dims[2] + i) * dims[1] + g) - z) * s;
        }
    return y;
}

void onnx_do_quantized_lstm(onnx_run *r, onnx_call *c, int what)
{
    onnx_call other = *c;
    onnx_value *in[8];
    for (int i = 0; i < 8; i++)
        in[i] = onnx_input(c, i);
    for (int i = 1; i < 3; i++) {
        in[i] = matrices(r, c, in[i], i == 1 ? W_SCALE : R_SCALE);
        if (!in[i]) {
            onnx_unsupported(r, c, "computed weights");
            return;
        }
    }
    other.in = in;
    other.inputs = 8;
    while (!other.in[other.inputs - 1])
        other.inputs--;
    ir_note(r->g, "%s: weights of bytes; its inputs and states stay floats",
            c->name);
    onnx_do_recurrent(r, &other, what);
}
