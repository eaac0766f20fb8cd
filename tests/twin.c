/*
 * twin.c - the graph's operators in double precision, by definition.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "binary_reference.h"
#include "largest.h"
#include "twin.h"

void twins_begin(twins *t, mli_mode mode, uint32_t frames, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    t->g = ir_new(mode);
    t->frames = mode == MLI_STREAM ? frames : 1;
    t->random = seed * 2654435761u + 88172645463325252ull;
    assert_non_null(t->g);
}

void twins_end(twins *t)
{
    for (uint32_t i = 0; i < t->owned_count; i++)
        free(t->owned[i]);
    free(t->owned);
    memset(t, 0, sizeof *t);
}

static uint64_t next_random(twins *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random * 2685821657736338717ull;
}

uint32_t twin_below(twins *t, uint32_t n)
{
    return (uint32_t)((next_random(t) >> 32) % n);
}

double twin_number(twins *t, double size)
{
    return size * ((double)(next_random(t) >> 40) / (1 << 23) - 1.0);
}

float *twin_floats(twins *t, uint32_t n, double size)
{
    float *f = malloc((n ? n : 1) * sizeof *f);

    assert_non_null(f);
    for (uint32_t i = 0; i < n; i++)
        f[i] = (float)twin_number(t, size);
    return f;
}

static uint32_t frames_of(const twins *t, const twin *x)
{
    return x->timed ? t->frames : 1;
}

/* Frame f of a value; one that is not timed has the same in every frame. */
static double *frame(const twin *x, uint32_t f)
{
    return x->v + (x->timed ? (size_t)f * x->n : 0);
}

double twin_peak(const twins *t, const twin *x)
{
    double peak = 0;

    for (size_t i = 0; i < (size_t)x->n * frames_of(t, x); i++)
        peak = fmax(peak, fabs(x->v[i]));
    return peak;
}

/* A value of given shape with room for its numbers (zeros). */
static twin make(twins *t, ir_id id, int timed, uint32_t rank,
                 const uint32_t *dims)
{
    twin y = {.id = id, .timed = timed, .rank = rank, .n = 1};

    assert_true(id != IR_NONE);
    for (uint32_t i = 0; i < rank; i++) {
        y.dims[i] = dims[i];
        y.n *= dims[i];
    }
    y.v = calloc((size_t)y.n * frames_of(t, &y), sizeof *y.v);
    assert_non_null(y.v);
    t->owned = realloc(t->owned, (t->owned_count + 1) * sizeof *t->owned);
    assert_non_null(t->owned);
    t->owned[t->owned_count++] = y.v;
    return y;
}

static twin like(twins *t, ir_id id, const twin *x)
{
    return make(t, id, x->timed, x->rank, x->dims);
}

/* ------------------------------------------------------------- sources ---- */

twin twin_input(twins *t, uint32_t rank, const uint32_t *dims)
{
    char name[16];
    twin y;

    snprintf(name, sizeof name, "in%u", t->input_count);
    y = make(t, ir_input(t->g, name, rank, dims), t->g->mode == MLI_STREAM,
             rank, dims);
    for (size_t i = 0; i < (size_t)y.n * frames_of(t, &y); i++)
        y.v[i] = (float)twin_number(t, 1.0);
    return t->inputs[t->input_count++] = y;
}

twin twin_control(twins *t, uint32_t n)
{
    twin y = make(t, ir_control(t->g, "control", 1, &n), 0, 1, &n);

    for (uint32_t i = 0; i < n; i++) {
        y.v[i] = (float)twin_number(t, 1.0);
        ir_channel_info(t->g, i, "knob", -1.f, 1.f, (float)y.v[i]);
    }
    return y;
}

twin twin_constant(twins *t, uint32_t rank, const uint32_t *dims, double size)
{
    uint32_t n = 1;
    float *f;
    twin y;

    for (uint32_t i = 0; i < rank; i++)
        n *= dims[i];
    f = twin_floats(t, n, size);
    y = make(t, ir_const(t->g, rank, dims, f), 0, rank, dims);
    for (uint32_t i = 0; i < n; i++)
        y.v[i] = f[i];
    free(f);
    return y;
}

void twin_output(twins *t, twin x)
{
    char name[16];

    snprintf(name, sizeof name, "out%u", t->output_count);
    ir_output(t->g, name, x.id);
    t->outputs[t->output_count++] = x;
}

/* -------------------------------------------------------------- layers ---- */

twin twin_linear(twins *t, twin x, uint32_t outputs, int bias)
{
    uint32_t inputs = x.dims[x.rank - 1], dims[MLI_MAX_RANK];
    float *w = twin_floats(t, inputs * outputs, 1.0 / sqrt(inputs));
    float *b = twin_floats(t, outputs, 0.5);
    twin y;

    memcpy(dims, x.dims, sizeof dims);
    dims[x.rank - 1] = outputs;
    y = make(t, ir_linear(t->g, x.id, inputs, outputs, w, bias ? b : NULL),
             x.timed, x.rank, dims);
    for (uint32_t r = 0; r < y.n / outputs * frames_of(t, &y); r++)
        for (uint32_t o = 0; o < outputs; o++) {
            double sum = bias ? b[o] : 0.0;
            for (uint32_t i = 0; i < inputs; i++)
                sum += (double)w[o * inputs + i] * x.v[r * inputs + i];
            y.v[r * outputs + o] = sum;
        }
    free(w);
    free(b);
    return y;
}

twin twin_conv1d(twins *t, twin x, uint32_t outputs, uint32_t taps,
                 uint32_t dilation, uint32_t groups, uint32_t step, int bias)
{
    uint32_t inputs = x.timed ? x.n : x.dims[1];
    uint32_t ig = inputs / groups, og = outputs / groups;
    uint32_t reach = (taps - 1) * dilation;
    uint32_t length = x.timed ? t->frames : (x.dims[0] - reach - 1) / step + 1;
    uint32_t dims[2] = {x.timed ? outputs : length, outputs};
    float *w = twin_floats(t, outputs * ig * taps, 1.0 / sqrt(ig * taps));
    float *b = twin_floats(t, outputs, 0.5);
    twin y = make(t,
                  ir_conv1d(t->g, x.id, inputs, outputs, taps, dilation, groups,
                            step, w, bias ? b : NULL),
                  x.timed, x.timed ? 1 : 2, dims);

    for (uint32_t f = 0; f < length; f++)
        for (uint32_t o = 0; o < outputs; o++) {
            double sum = bias ? b[o] : 0.0;
            for (uint32_t k = 0; k < taps; k++) {
                /* not timed: frame 0 of y sees frames 0 ... reach */
                int64_t at = (int64_t)f * step + (int64_t)k * dilation -
                             (x.timed ? reach : 0);
                for (uint32_t i = 0; at >= 0 && i < ig; i++)
                    sum += (double)w[(o * ig + i) * taps + k] *
                           x.v[at * inputs + o / og * ig + i];
            }
            y.v[(size_t)f * outputs + o] = sum;
        }
    free(w);
    free(b);
    return y;
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

typedef struct recurrent {
    uint32_t inputs, units, gates;
    float *w, *u, *b, *c, *h0, *c0;
    int before;
    double *gx, *gh, *h, *old, *s;
} recurrent;

static void matrix_times(const float *m, const float *b, const double *x,
                         uint32_t rows, uint32_t width, double *y)
{
    for (uint32_t r = 0; r < rows; r++) {
        y[r] = b ? b[r] : 0.0;
        for (uint32_t i = 0; i < width; i++)
            y[r] += (double)m[r * width + i] * x[i];
    }
}

static void lstm_frame(recurrent *l)
{
    uint32_t n = l->units;

    for (uint32_t i = 0; i < n; i++) {
        double in = sigmoid(l->gx[i] + l->gh[i]);
        double forget = sigmoid(l->gx[n + i] + l->gh[n + i]);
        double cell = tanh(l->gx[2 * n + i] + l->gh[2 * n + i]);
        double out = sigmoid(l->gx[3 * n + i] + l->gh[3 * n + i]);

        l->s[i] = forget * l->s[i] + in * cell;
        l->h[i] = out * tanh(l->s[i]);
    }
}

static void gru_frame(recurrent *l)
{
    uint32_t n = l->units;
    double reset[64], candidate[64];

    for (uint32_t i = 0; i < n; i++)
        reset[i] = sigmoid(l->gx[i] + l->gh[i]);
    if (l->before) {
        double gated[64];
        for (uint32_t i = 0; i < n; i++)
            gated[i] = reset[i] * l->old[i];
        matrix_times(l->u + 2 * n * n, l->c ? l->c + 2 * n : NULL, gated, n, n,
                     candidate);
    } else {
        for (uint32_t i = 0; i < n; i++)
            candidate[i] = reset[i] * l->gh[2 * n + i];
    }
    for (uint32_t i = 0; i < n; i++) {
        double z = sigmoid(l->gx[n + i] + l->gh[n + i]);
        double c = tanh(l->gx[2 * n + i] + candidate[i]);

        l->h[i] = (1 - z) * c + z * l->old[i];
    }
}

static ir_id build_recurrent(twins *t, const recurrent *l, twin x)
{
    if (l->gates == 4)
        return ir_lstm(t->g, x.id, l->inputs, l->units, l->w, l->u, l->b, l->c,
                       l->h0, l->c0);
    if (l->gates == 3)
        return ir_gru(t->g, x.id, l->inputs, l->units, l->w, l->u, l->b, l->c,
                      l->h0, l->before);
    return ir_rnn(t->g, x.id, l->inputs, l->units, l->w, l->u, l->b, l->c,
                  l->h0, MLI_TANH);
}

twin twin_recurrent(twins *t, twin x, uint32_t units, uint32_t gates,
                    int before, int bias, int init)
{
    recurrent l = {.units = units, .gates = gates, .before = before};
    uint32_t rows = gates * units, length, dims[2];
    double room[6 * 64 * 4] = {0};
    twin y;

    l.inputs = x.timed ? x.n : x.dims[1];
    length = x.timed ? t->frames : x.dims[0];
    dims[0] = x.timed ? units : length;
    dims[1] = units;
    l.w = twin_floats(t, rows * l.inputs, 1.0 / sqrt(l.inputs));
    l.u = twin_floats(t, rows * units, 1.0 / sqrt(units));
    l.b = bias ? twin_floats(t, rows, 0.5) : NULL;
    l.c = bias ? twin_floats(t, rows, 0.5) : NULL;
    l.h0 = init ? twin_floats(t, units, 0.9) : NULL;
    l.c0 = init ? twin_floats(t, units, 0.9) : NULL;
    l.gx = room;
    l.gh = room + 256;
    l.h = room + 512;
    l.old = room + 576;
    l.s = room + 640;
    y = make(t, build_recurrent(t, &l, x), x.timed, x.timed ? 1 : 2, dims);
    for (uint32_t i = 0; init && i < units; i++) {
        l.h[i] = l.h0[i];
        l.s[i] = l.c0[i];
    }
    for (uint32_t f = 0; f < length; f++) {
        memcpy(l.old, l.h, units * sizeof *l.h);
        matrix_times(l.w, l.b, x.v + (size_t)f * l.inputs, rows, l.inputs,
                     l.gx);
        matrix_times(l.u, l.c, l.old, rows, units, l.gh);
        if (gates == 4)
            lstm_frame(&l);
        else if (gates == 3)
            gru_frame(&l);
        else
            for (uint32_t i = 0; i < units; i++)
                l.h[i] = tanh(l.gx[i] + l.gh[i]);
        memcpy(y.v + (size_t)f * units, l.h, units * sizeof *l.h);
    }
    free(l.w);
    free(l.u);
    free(l.b);
    free(l.c);
    free(l.h0);
    free(l.c0);
    return y;
}

/* ----------------------------------------------------------- functions ---- */

static double unary(mli_unary fn, double p, double q, double x)
{
    switch (fn) {
    case MLI_IDENTITY:
        return x;
    case MLI_TANH:
        return tanh(x);
    case MLI_SIGMOID:
        return sigmoid(x);
    case MLI_RELU:
        return fmax(x, 0);
    case MLI_LEAKY_RELU:
        return x < 0 ? p * x : x;
    case MLI_ELU:
        return x < 0 ? p * expm1(x) : x;
    case MLI_GELU:
        return x / 2 * (1 + erf(x / sqrt(2)));
    case MLI_SILU:
        return x * sigmoid(x);
    case MLI_SOFTPLUS:
        return x > 30 ? x : log1p(exp(x));
    case MLI_SOFTSIGN:
        return x / (1 + fabs(x));
    case MLI_HARD_TANH:
        return fmin(fmax(x, p), q);
    case MLI_SIN:
        return sin(x);
    case MLI_ABS:
        return fabs(x);
    case MLI_NEG:
        return -x;
    default:
        fail_msg("function %d has no twin", (int)fn);
        return 0;
    }
}

twin twin_unary(twins *t, mli_unary fn, double p, double q, twin x)
{
    twin y = like(t, ir_unary(t->g, fn, (float)p, (float)q, x.id), &x);

    for (size_t i = 0; i < (size_t)y.n * frames_of(t, &y); i++)
        y.v[i] = unary(fn, (float)p, (float)q, x.v[i]);
    return y;
}

/* Index i of shape y, in the broadcast x. */
static uint32_t broadcast_index(const twin *y, const twin *x, uint32_t i)
{
    uint32_t at = 0, stride = 1;

    for (uint32_t d = 1; d <= y->rank; d++) {
        uint32_t k = i % y->dims[y->rank - d];
        i /= y->dims[y->rank - d];
        if (d > x->rank)
            continue;
        if (x->dims[x->rank - d] != 1)
            at += k * stride;
        stride *= x->dims[x->rank - d];
    }
    return at;
}

twin twin_binary(twins *t, mli_binary fn, twin a, twin b)
{
    uint32_t dims[MLI_MAX_RANK], rank = a.rank > b.rank ? a.rank : b.rank;
    twin y;

    for (uint32_t d = 1; d <= rank; d++) {
        uint32_t m = d <= a.rank ? a.dims[a.rank - d] : 1;
        uint32_t n = d <= b.rank ? b.dims[b.rank - d] : 1;
        dims[rank - d] = m == 1 ? n : m;
    }
    y = make(t, ir_binary(t->g, fn, a.id, b.id), a.timed || b.timed, rank,
             dims);
    for (uint32_t f = 0; f < frames_of(t, &y); f++)
        for (uint32_t i = 0; i < y.n; i++)
            frame(&y, f)[i] =
                binary_reference(fn, frame(&a, f)[broadcast_index(&y, &a, i)],
                                 frame(&b, f)[broadcast_index(&y, &b, i)]);
    return y;
}

twin twin_affine(twins *t, twin x, int one)
{
    uint32_t n = one ? 1 : x.dims[x.rank - 1];
    float *scale = twin_floats(t, n, 1.5), *shift = twin_floats(t, n, 0.5);
    twin y = like(t, ir_affine(t->g, x.id, n, scale, shift), &x);

    for (size_t i = 0; i < (size_t)y.n * frames_of(t, &y); i++)
        y.v[i] = x.v[i] * scale[i % n] + shift[i % n];
    free(scale);
    free(shift);
    return y;
}

/* ---------------------------------------------------------------- rows ---- */

/* Distance of two neighbours along an axis. */
static uint32_t stride_of(const twin *x, uint32_t axis)
{
    uint32_t stride = 1;

    for (uint32_t d = axis + 1; d < x->rank; d++)
        stride *= x->dims[d];
    return stride;
}

twin twin_softmax(twins *t, twin x, uint32_t axis, int log_)
{
    twin y = like(t, ir_softmax(t->g, x.id, axis, log_), &x);
    uint32_t s = stride_of(&x, axis), n = x.dims[axis];

    for (size_t i = 0; i < (size_t)x.n * frames_of(t, &x); i++) {
        size_t base = i - i / s % n * s;
        double max = -INFINITY, sum = 0;

        for (uint32_t k = 0; k < n; k++)
            max = fmax(max, x.v[base + k * s]);
        for (uint32_t k = 0; k < n; k++)
            sum += exp(x.v[base + k * s] - max);
        y.v[i] = log_ ? x.v[i] - max - log(sum) : exp(x.v[i] - max) / sum;
    }
    return y;
}

twin twin_normalize(twins *t, twin x, uint32_t axes, int rms)
{
    uint32_t n = 1;
    float *scale, *shift;
    twin y;

    for (uint32_t d = 1; d <= axes; d++)
        n *= x.dims[x.rank - d];
    scale = twin_floats(t, n, 1.5);
    shift = twin_floats(t, n, 0.5);
    y = like(t, ir_normalize(t->g, x.id, axes, scale, shift, 0.1f, rms), &x);
    for (size_t r = 0; r < (size_t)x.n / n * frames_of(t, &x); r++) {
        const double *row = x.v + r * n;
        double mean = 0, square = 0;

        for (uint32_t i = 0; i < n && !rms; i++)
            mean += row[i] / n;
        for (uint32_t i = 0; i < n; i++)
            square += (row[i] - mean) * (row[i] - mean) / n;
        for (uint32_t i = 0; i < n; i++)
            y.v[r * n + i] =
                (row[i] - mean) / sqrt(square + 0.1f) * scale[i] + shift[i];
    }
    free(scale);
    free(shift);
    return y;
}

static double reduce_step(mli_reduce fn, double sum, double x)
{
    switch (fn) {
    case MLI_REDUCE_MAX:
        return fmax(sum, x);
    case MLI_REDUCE_MIN:
        return fmin(sum, x);
    case MLI_REDUCE_L1:
        return sum + fabs(x);
    case MLI_REDUCE_L2:
    case MLI_REDUCE_SUM_SQUARE:
        return sum + x * x;
    default:
        return sum + x;
    }
}

twin twin_reduce(twins *t, mli_reduce fn, twin x, uint32_t axes, int keep)
{
    uint32_t dims[MLI_MAX_RANK], rank = 0, count = 1;
    twin y;

    for (uint32_t d = 0; d < x.rank; d++)
        if (!(axes >> d & 1u))
            dims[rank++] = x.dims[d];
        else if (keep)
            dims[rank++] = 1;
    for (uint32_t d = 0; d < x.rank; d++)
        count *= axes >> d & 1u ? x.dims[d] : 1;
    y = make(t, ir_reduce(t->g, fn, x.id, axes, keep), x.timed, rank, dims);
    for (uint32_t f = 0; f < frames_of(t, &x); f++) {
        double *to = frame(&y, f);

        for (uint32_t i = 0; i < y.n; i++)
            to[i] = fn == MLI_REDUCE_MAX   ? -INFINITY
                    : fn == MLI_REDUCE_MIN ? INFINITY
                                           : 0;
        for (uint32_t i = 0; i < x.n; i++) {
            uint32_t at = 0;
            for (uint32_t d = 0; d < x.rank; d++)
                if (!(axes >> d & 1u))
                    at = at * x.dims[d] + i / stride_of(&x, d) % x.dims[d];
            to[at] = reduce_step(fn, to[at], frame(&x, f)[i]);
        }
        for (uint32_t i = 0; i < y.n; i++)
            to[i] = fn == MLI_REDUCE_MEAN ? to[i] / count
                    : fn == MLI_REDUCE_L2 ? sqrt(to[i])
                                          : to[i];
    }
    return y;
}

/* -------------------------------------------------------------- layout ---- */

twin twin_concat(twins *t, const twin *x, uint32_t n, uint32_t axis)
{
    ir_id ids[16] = {0};
    uint32_t dims[MLI_MAX_RANK], from = 0, inner = stride_of(&x[0], axis);
    int timed = 0;
    twin y;

    memcpy(dims, x[0].dims, sizeof dims);
    dims[axis] = 0;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = x[i].id;
        dims[axis] += x[i].dims[axis];
        timed |= x[i].timed;
    }
    y = make(t, ir_concat(t->g, ids, n, axis), timed, x[0].rank, dims);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t part = x[i].dims[axis] * inner, whole = dims[axis] * inner;

        for (uint32_t f = 0; f < frames_of(t, &y); f++)
            for (uint32_t k = 0; k < x[i].n; k++)
                frame(&y, f)[k / part * whole + from + k % part] =
                    frame(&x[i], f)[k];
        from += part;
    }
    return y;
}

twin twin_slice(twins *t, twin x, uint32_t axis, uint32_t start, int32_t step,
                uint32_t count)
{
    uint32_t dims[MLI_MAX_RANK], s = stride_of(&x, axis);
    twin y;

    memcpy(dims, x.dims, sizeof dims);
    dims[axis] = count;
    y = make(t, ir_slice(t->g, x.id, axis, start, step, count), x.timed, x.rank,
             dims);
    for (uint32_t f = 0; f < frames_of(t, &y); f++)
        for (uint32_t i = 0; i < y.n; i++) {
            int32_t at = (int32_t)start + (int32_t)(i / s % count) * step;
            frame(&y, f)[i] = frame(
                &x,
                f)[(i / (s * count) * x.dims[axis] + (uint32_t)at) * s + i % s];
        }
    return y;
}

twin twin_reshape(twins *t, twin x, uint32_t rank, const uint32_t *dims)
{
    twin y = make(t, ir_reshape(t->g, x.id, rank, dims), x.timed, rank, dims);

    memcpy(y.v, x.v, (size_t)x.n * frames_of(t, &x) * sizeof *x.v);
    return y;
}

twin twin_transpose(twins *t, twin x, const uint32_t *perm)
{
    uint32_t dims[MLI_MAX_RANK] = {0};
    twin y;

    for (uint32_t d = 0; d < x.rank; d++)
        dims[d] = x.dims[perm[d]];
    y = make(t, ir_transpose(t->g, x.id, perm), x.timed, x.rank, dims);
    for (uint32_t f = 0; f < frames_of(t, &y); f++)
        for (uint32_t i = 0; i < y.n; i++) {
            uint32_t at = 0;
            for (uint32_t d = 0; d < y.rank; d++)
                at += i / stride_of(&y, d) % y.dims[d] * stride_of(&x, perm[d]);
            frame(&y, f)[i] = frame(&x, f)[at];
        }
    return y;
}

twin twin_expand(twins *t, twin x, uint32_t rank, const uint32_t *dims)
{
    twin y = make(t, ir_expand(t->g, x.id, rank, dims), x.timed, rank, dims);

    for (uint32_t f = 0; f < frames_of(t, &y); f++)
        for (uint32_t i = 0; i < y.n; i++)
            frame(&y, f)[i] = frame(&x, f)[broadcast_index(&y, &x, i)];
    return y;
}

twin twin_pad(twins *t, twin x, uint32_t axis, uint32_t before, uint32_t after,
              double value)
{
    uint32_t dims[MLI_MAX_RANK], s = stride_of(&x, axis), n = x.dims[axis];
    twin y;

    memcpy(dims, x.dims, sizeof dims);
    dims[axis] += before + after;
    y = make(t, ir_pad(t->g, x.id, axis, before, after, (float)value), x.timed,
             x.rank, dims);
    for (uint32_t f = 0; f < frames_of(t, &y); f++)
        for (uint32_t i = 0; i < y.n; i++) {
            uint32_t k = i / s % dims[axis];
            frame(&y, f)[i] =
                k < before || k >= before + n
                    ? (float)value
                    : frame(&x, f)[(i / (s * dims[axis]) * n + k - before) * s +
                                   i % s];
        }
    return y;
}

twin twin_delay(twins *t, twin x, uint32_t frames)
{
    twin y = like(t, ir_delay(t->g, x.id, frames), &x);

    for (uint32_t f = frames; f < t->frames; f++)
        memcpy(frame(&y, f), frame(&x, f - frames), x.n * sizeof *x.v);
    return y;
}

twin twin_hold(twins *t, twin x, uint32_t frames)
{
    twin y = like(t, ir_hold(t->g, x.id, frames), &x);

    for (uint32_t f = frames; f < t->frames; f++)
        memcpy(frame(&y, f), frame(&x, f), x.n * sizeof *x.v);
    return y;
}

/* ------------------------------------------------------------- running ---- */

typedef struct runner {
    twins *t;
    mli_session *session;
    void *state, *arena;
    uint32_t channels_in, channels_out;
    float **in, **out; /* streams: per channel; else per port */
} runner;

static float *column(const twins *t, const twin *x, uint32_t channel)
{
    float *f = malloc(t->frames * sizeof *f);

    assert_non_null(f);
    for (uint32_t i = 0; i < t->frames; i++)
        f[i] = (float)x->v[(size_t)i * x->n + channel];
    return f;
}

static void fill_ports(runner *r)
{
    twins *t = r->t;
    int stream = t->frames > 1;
    uint32_t n = 0, m = 0;

    for (uint32_t i = 0; i < t->input_count; i++)
        n += stream ? t->inputs[i].n : 1;
    for (uint32_t i = 0; i < t->output_count; i++)
        m += stream ? t->outputs[i].n : 1;
    r->channels_in = n;
    r->channels_out = m;
    r->in = calloc(n + 1, sizeof *r->in);
    r->out = calloc(m + 1, sizeof *r->out);
    assert_true(r->in && r->out);
    n = m = 0;
    for (uint32_t i = 0; i < t->input_count; i++) {
        const twin *x = &t->inputs[i];
        for (uint32_t c = 0; stream && c < x->n; c++)
            r->in[n++] = column(t, x, c);
        if (stream)
            continue;
        r->in[n] = malloc(x->n * sizeof(float));
        for (uint32_t c = 0; c < x->n; c++)
            r->in[n][c] = (float)x->v[c];
        n++;
    }
    for (uint32_t i = 0; i < t->output_count; i++)
        for (uint32_t c = 0; c < (stream ? t->outputs[i].n : 1); c++)
            r->out[m++] =
                calloc(stream ? t->frames : t->outputs[i].n, sizeof(float));
}

static void process_cut(runner *r)
{
    const float **in = calloc(r->channels_in + 1, sizeof *in);
    float **out = calloc(r->channels_out + 1, sizeof *out);

    for (uint32_t at = 0; at < r->t->frames;) {
        uint32_t n = 1 + twin_below(r->t, twin_below(r->t, 4) ? 20 : 150);

        if (n > r->t->frames - at)
            n = r->t->frames - at;
        for (uint32_t c = 0; c < r->channels_in; c++)
            in[c] = r->in[c] + at;
        for (uint32_t c = 0; c < r->channels_out; c++)
            out[c] = r->out[c] + at;
        mli_process(r->session, in, out, n);
        at += n;
    }
    free(in);
    free(out);
}

static double worst_error(const runner *r)
{
    const twins *t = r->t;
    double worst = 0;
    uint32_t m = 0;

    for (uint32_t i = 0; i < t->output_count; i++) {
        const twin *y = &t->outputs[i];
        double peak = fmax(1.0, twin_peak(t, y));

        for (uint32_t f = 0; f < t->frames; f++)
            for (uint32_t c = 0; c < y->n; c++) {
                double got = t->frames > 1 ? r->out[m + c][f] : r->out[m][c];
                double error = fabs(got - frame(y, f)[c]) / peak;
                worst = largest(worst, error);
            }
        m += t->frames > 1 ? y->n : 1;
    }
    return worst;
}

static void free_runner(runner *r)
{
    for (uint32_t i = 0; i < r->channels_in; i++)
        free(r->in[i]);
    for (uint32_t i = 0; i < r->channels_out; i++)
        free(r->out[i]);
    free(r->in);
    free(r->out);
    free(r->state);
    free(r->arena);
}

double twins_compare(twins *t, const char *kernels, uint32_t tile,
                     mlc_image *image)
{
    mlc_image own = {0};
    mlc_error error = {0};
    mli_model model;
    mli_memory need;
    runner r = {.t = t};
    double worst;

    if (mlc_finish(t->g, NULL, &own, &error) != MLC_OK)
        fail_msg("%s", error.text);
    t->g = NULL;
    assert_int_equal(mli_open(&model, own.bytes, own.size, NULL), MLI_OK);
    assert_int_equal(mli_sizes(&model, tile, &need), MLI_OK);
    r.state = aligned_alloc(64, need.state_bytes / 64 * 64 + 64);
    r.arena = aligned_alloc(64, need.arena_bytes / 64 * 64 + 64);
    assert_int_equal(mli_start(&model, mli_kernels_find(kernels), tile, r.state,
                               r.arena, &r.session),
                     MLI_OK);
    fill_ports(&r);
    if (t->frames > 1)
        process_cut(&r);
    else
        mli_run(r.session, (const float *const *)r.in, r.out);
    worst = worst_error(&r);
    free_runner(&r);
    if (image)
        *image = own;
    else
        mlc_image_free(&own);
    return worst;
}
