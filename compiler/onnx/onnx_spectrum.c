/*
 * onnx_spectrum.c - Fourier transforms, windows, mel weights.
 */
#include <math.h>
#include <string.h>
#include "onnx_run.h"
#include "rates.h"

#define PI 3.14159265358979323846
/* Slices that a short-time transform may take its frames with. */
#define MAX_SLICES 4096

/* ---------------------------------------------------------- constants ---- */

/* what: 0 Hann, 1 Hamming, 2 Blackman. */
void onnx_do_signal_window(onnx_run *r, onnx_call *c, int what)
{
    static const double parts[3][3] = {
        {0.5, -0.5, 0}, {25.0 / 46.0, -21.0 / 46.0, 0}, {0.42, -0.5, 0.08}};
    const double *a = parts[what];
    int type = (int)onnx_int(c, "output_datatype", ONNX_FLOAT);
    int count;
    const int64_t *size = onnx_list(r, c, 0, NULL, &count);
    onnx_value *y;
    double span;
    if (c->out[0])
        return;
    if (count != 1 || size[0] < 0 || size[0] > INT32_MAX)
        onnx_bad(r, c, "not a length");
    y = onnx_new_const(r, type, 1, size);
    span = (double)(onnx_int(c, "periodic", 1) ? size[0] : size[0] - 1);
    for (int64_t k = 0; k < size[0]; k++) {
        double x = span > 0 ? 2 * PI * (double)k / span : 0;
        double v = a[0] + a[1] * cos(x) + a[2] * cos(2 * x);
        if (y->f)
            y->f[k] = (float)v;
        else
            y->i[k] = (int64_t)v;
    }
    c->out[0] = y;
}

/* Triangles between points that lie equally apart on the mel scale, in whole
   bins of the transform. */
void onnx_do_mel_weights(onnx_run *r, onnx_call *c, int what)
{
    float bands, length, rate, low, high;
    onnx_value *y;
    int64_t dims[2], *bin;
    double from, step;
    (void)what;
    if (!onnx_single(c->in[0], &bands) || !onnx_single(c->in[1], &length) ||
        !onnx_single(c->in[2], &rate) || !onnx_single(c->in[3], &low) ||
        !onnx_single(c->in[4], &high)) {
        onnx_unsupported(r, c, "computed settings");
        return;
    }
    if (!(bands >= 1) || !(bands < 65536) || !(length >= 1) || !(rate > 0) ||
        !(length < 16777216) || !(low >= 0) || !(high >= low))
        onnx_bad(r, c, "%g bands of a transform of %g at %g Hz", (double)bands,
                 (double)length, (double)rate);
    dims[0] = (int64_t)length / 2 + 1;
    dims[1] = (int64_t)bands;
    bin = onnx_take(r->pool, (size_t)dims[1] + 2, sizeof *bin);
    from = 2595 * log10(1 + (double)low / 700);
    step = (2595 * log10(1 + (double)high / 700) - from) / (bands + 2);
    for (int64_t i = 0; i < dims[1] + 2; i++) {
        double hertz = 700 * (pow(10, (from + step * (double)i) / 2595) - 1);
        hertz *= ((double)length + 1) / (double)rate;
        bin[i] = hertz < 1e9 ? (int64_t)floor(hertz) : 1000000000;
    }
    y = onnx_new_const(r, ONNX_FLOAT, 2, dims);
    for (int64_t i = 0; i < dims[1]; i++)
        for (int64_t k = 0; k < dims[0]; k++) {
            int64_t left = bin[i], top = bin[i + 1], right = bin[i + 2];
            double v = 0;
            if (k >= left && k <= top)
                v = top > left ? (double)(k - left) / (double)(top - left)
                               : k == top;
            else if (k > top && k < right)
                v = (double)(right - k) / (double)(right - top);
            y->f[k * dims[1] + i] = (float)v;
        }
    c->out[0] = y;
}

/* --------------------------------------------------------- transforms ---- */

typedef struct transform {
    int64_t n;
    int inverse, half;
} transform;

/*
 * Over axis rank-2 of v, whose last axis is the parts of numbers: one if they
 * are real, else two.
 */
static onnx_value *transformed(onnx_run *r, onnx_call *c, onnx_value *v,
                               const transform *t)
{
    int last = v->rank - 1, real = v->dims[last] == 1;
    int64_t length, dims[ONNX_MAX_RANK], have;
    onnx_value *y;
    ir_id id;
    have = t->inverse && t->half ? t->n / 2 + 1 : t->n;
    length = v->dims[last - 1];
    if (have < length)
        v = onnx_sliced(r, c, v, last - 1, 0, 1, have);
    else
        v = onnx_padded(r, c, v, last - 1, 0, have - length, 0.f);
    if (t->inverse && real) { /* the core knows complex spectra only */
        v = onnx_padded(r, c, v, last, 0, 1, 0.f);
        real = 0;
    }
    memcpy(dims, v->dims, sizeof dims);
    dims[last - 1] *= dims[last];
    v = onnx_like(r, v, v->rank - 1, dims, v->time,
                  v->kind == ONNX_CONST ? IR_NONE : v->id);
    id = ir_dft(r->g, onnx_kept_id(r, v, 1u << (last - 1)), (uint32_t)t->n,
                t->inverse, t->inverse ? t->half : real, t->half,
                t->inverse ? (float)(1.0 / (double)t->n) : 1.f);
    dims[last - 1] = t->half && !t->inverse ? t->n / 2 + 1 : t->n;
    dims[last] = t->half && t->inverse ? 1 : 2;
    y = onnx_result(r, v, last + 1, dims, v->time, id);
    return y;
}

static int check_length(onnx_run *r, onnx_call *c, int64_t n)
{
    if (n < 1)
        onnx_bad(r, c, "a transform of length %lld", (long long)n);
    if (n > 1 << 24)
        onnx_unsupported(r, c, "a transform of length %lld", (long long)n);
    return n <= 1 << 24;
}

/* Along time there is nothing to transform until a window is full. */
static void over_time(onnx_run *r, onnx_call *c, const onnx_value *v, int axis)
{
    if (v->time != axis)
        return;
    r->layers_in_time++;
    onnx_not_in_time(r, c, "is a spectrum over time");
}

static onnx_value *with_axis_at(onnx_run *r, onnx_value *v, int from, int to)
{
    int perm[ONNX_MAX_RANK], n = 0;
    for (int i = 0; i < v->rank; i++) {
        if (n == to)
            perm[n++] = from;
        if (i != from)
            perm[n++] = i;
    }
    if (n == to)
        perm[n] = from;
    return onnx_transposed(r, v, perm);
}

void onnx_do_dft(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *y;
    int64_t at = c->opset < 20 ? onnx_int(c, "axis", 1) : -2;
    transform t = {0, onnx_int(c, "inverse", 0) != 0,
                   onnx_int(c, "onesided", 0) != 0};
    int count, axis, last = v->rank - 1;
    const int64_t *list = onnx_list(r, c, 1, NULL, &count);
    (void)what;
    if (c->out[0])
        return;
    if (v->rank < 2 || (v->dims[last] != 1 && v->dims[last] != 2))
        onnx_bad(r, c, "the last axis is not one of real or complex numbers");
    if (c->opset >= 20 && c->inputs > 2 && c->in[2]) {
        int n;
        const int64_t *given = onnx_list(r, c, 2, NULL, &n);
        if (c->out[0])
            return;
        at = n == 1 ? given[0] : at;
    }
    axis = onnx_axis(r, c, at, v->rank);
    if (axis == last)
        onnx_bad(r, c, "a transform over the parts of the numbers");
    t.n = count == 1            ? list[0]
          : t.inverse && t.half ? 2 * (v->dims[axis] - 1)
                                : v->dims[axis];
    if (!check_length(r, c, t.n))
        return;
    over_time(r, c, v, axis);
    if (v->time == last)
        onnx_not_in_time(r, c, "takes real and imaginary parts for time");
    y = transformed(r, c, with_axis_at(r, v, axis, last - 1), &t);
    if (v->time == axis)
        y->time = -1;
    c->out[0] = with_axis_at(r, y, last - 1, axis);
}

/*
 * [B, L] to [B, count, length], a frame every `step`: from blocks as long as
 * the common divisor of the two, slice after slice.
 */
static onnx_value *frames_of(onnx_run *r, onnx_call *c, onnx_value *v,
                             int64_t length, int64_t step, int64_t count)
{
    int64_t block = mlc_common_divisor(length, step), parts = length / block;
    int64_t skip = step / block, used, dims[3];
    onnx_value **part;
    if (parts > MAX_SLICES && count > MAX_SLICES) {
        onnx_unsupported(r, c, "%lld frames of %lld", (long long)count,
                         (long long)length);
        return NULL;
    }
    dims[0] = v->dims[0];
    if (count < parts) { /* frame by frame */
        part = onnx_take(r->pool, (size_t)count, sizeof *part);
        dims[1] = 1;
        dims[2] = length;
        for (int64_t i = 0; i < count; i++)
            part[i] = onnx_reshaped(
                r, c, onnx_sliced(r, c, v, 1, i * step, 1, length), 3, dims);
        return onnx_concat(r, c, part, (int)count, 1);
    }
    part = onnx_take(r->pool, (size_t)parts, sizeof *part);
    used = (count - 1) * skip + parts;
    v = onnx_sliced(r, c, v, 1, 0, 1, used * block);
    dims[1] = used;
    dims[2] = block;
    v = onnx_reshaped(r, c, v, 3, dims);
    for (int64_t i = 0; i < parts; i++)
        part[i] = onnx_sliced(r, c, v, 1, i, skip, count);
    return onnx_concat(r, c, part, (int)parts, 2);
}

void onnx_do_stft(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *window = onnx_input(c, 2), *y;
    transform t = {0, 0, onnx_int(c, "onesided", 1) != 0};
    int64_t step, count, dims[4];
    int n, m;
    const int64_t *steps = onnx_list(r, c, 1, NULL, &n);
    const int64_t *length = onnx_list(r, c, 3, NULL, &m);
    (void)what;
    if (c->out[0])
        return;
    if (v->rank == 2) {
        memcpy(dims, v->dims, sizeof dims);
        dims[2] = 1;
        v = onnx_reshaped(r, c, v, 3, dims);
    }
    if (v->rank != 3 || v->dims[2] < 1 || v->dims[2] > 2 || n != 1 ||
        (window && window->rank != 1))
        onnx_bad(r, c, "a signal of %d axes", v->rank);
    step = steps[0];
    t.n = m == 1 ? length[0] : window ? window->dims[0] : v->dims[1];
    if (!check_length(r, c, t.n))
        return;
    if (step < 1 || step > INT32_MAX || t.n > v->dims[1] ||
        (window && window->dims[0] != t.n))
        onnx_bad(r, c, "frames of %lld every %lld of a signal of %lld",
                 (long long)t.n, (long long)step, (long long)v->dims[1]);
    over_time(r, c, v, 1);
    count = (v->dims[1] - t.n) / step + 1;
    dims[0] = v->dims[0];
    dims[1] = v->dims[1] * v->dims[2];
    dims[2] = v->dims[2];
    dims[3] = t.n;
    /* complex numbers are blocks of two */
    y = onnx_new(r, v->kind, v->type, 2, dims);
    y->id = v->kind == ONNX_CONST ? IR_NONE : v->id;
    y->f = v->f;
    y->i = v->i;
    if (v->time == 0)
        y->time = 0;
    y = frames_of(r, c, y, t.n * dims[2], step * dims[2], count);
    if (!y)
        return;
    dims[1] = count;
    dims[3] = dims[2];
    dims[2] = t.n;
    y = onnx_reshaped(r, c, y, 4, dims);
    if (window) {
        int64_t column[2] = {t.n, 1};
        y = onnx_binary(r, c, MLI_MUL, y,
                        onnx_reshaped(r, c, window, 2, column));
    }
    c->out[0] = transformed(r, c, y, &t);
}
