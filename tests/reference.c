#include "reference.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "binary_reference.h"
#include "reference_ops.h"
#include "weights.h"

/* A tensor's values: `frames` frames of n, or one frame if it is not timed. */
typedef struct values {
    double *v;
    uint32_t frames, n;
} values;

typedef struct run {
    fb_image image;
    const mli_file_header *h;
    const mli_file_tensor *tensor;
    const mli_file_op *op;
    const uint32_t *operand;
    const mli_file_state *state;
    const float *data;
    uint32_t ticks;
    values *value;
} run;

static double *zeros(size_t n)
{
    double *p = calloc(n + 1, sizeof *p);
    if (p == NULL)
        exit(1);
    return p;
}

static const mli_file_tensor *tensor_of(const run *r, const mli_file_op *op,
                                        uint32_t i)
{
    return r->tensor + r->operand[op->operand + i];
}

static const values *value_of(const run *r, const mli_file_op *op, uint32_t i)
{
    return r->value + r->operand[op->operand + i];
}

/* Frame f of a value; a value that is not timed is the same in all. */
static const double *frame_of(const values *x, uint32_t f)
{
    return x->v + (x->frames == 1 ? 0 : (size_t)f * x->n);
}

static double fn(uint32_t f, double p, double q, double x)
{
    switch (f) {
    case MLI_IDENTITY:
        return x;
    case MLI_TANH:
        return tanh(x);
    case MLI_SIGMOID:
        return 1 / (1 + exp(-x));
    case MLI_RELU:
        return x > 0 ? x : 0;
    case MLI_LEAKY_RELU:
        return x < 0 ? p * x : x;
    case MLI_HARD_TANH:
        return fmin(fmax(x, p), q);
    case MLI_ROUND_AWAY:
        return fmin(fmax(round(x), p), q);
    default:
        return NAN; /* no test here uses the others */
    }
}

static double fn_of(const mli_file_op *op, double x)
{
    return fn(op->fn, op->fp, op->fq, x);
}

double reference_fn(const mli_file_op *op, double x)
{
    return fn_of(op, x);
}

/* Frame by frame, by a function with a file of its own. */
static void frames(const run *r, const mli_file_op *op, values *y,
                   void (*one)(const reference_frame *))
{
    reference_frame f = {
        op, tensor_of(r, op, 0), tensor_of(r, op, op->inputs), {0}, {0}, NULL};
    for (uint32_t i = 0; i < op->inputs && i < 5; i++)
        f.operand[i] = tensor_of(r, op, i);
    for (uint32_t n = 0; n < y->frames; n++) {
        for (uint32_t i = 0; i < op->inputs && i < 5; i++)
            f.in[i] = frame_of(value_of(r, op, i), n);
        f.out = y->v + (size_t)n * y->n;
        one(&f);
    }
}

/* The bias or other vector operand i; 0 where it is missing. */
static double vector(const run *r, const mli_file_op *op, uint32_t i,
                     uint32_t at, double missing)
{
    return i < op->inputs ? value_of(r, op, i)->v[at] : missing;
}

/* Initial value of a state, i floats into its frame `frame`. */
static double initial(const run *r, uint32_t state, uint32_t frame, uint32_t i)
{
    const mli_file_state *s = r->state + state;
    if (s->init_frames == 0)
        return 0;
    if (s->init_frames == 1)
        frame = 0;
    return r->data[s->init + (size_t)frame * s->width + i];
}

static int is_bytes(const run *r, const mli_file_op *op)
{
    return tensor_of(r, op, 1)->storage == MLI_BYTES;
}

/* A float to the byte that it becomes, in single precision as the contract. */
static int to_byte(float x, float factor, int zero)
{
    float t = x * factor;
    if (!(t > (float)(-127 - zero)))
        return -127;
    return t < (float)(127 - zero) ? (int)nearbyint((double)t + zero) : 127;
}

static void to_bytes(const run *r, const mli_file_op *op, values *y)
{
    const values *x = value_of(r, op, 0);
    const mli_file_tensor *t = tensor_of(r, op, 0);
    uint32_t n = t->dims[t->rank - 1], words = (n + 3) / 4;
    for (size_t row = 0; row < (size_t)x->frames * x->n / n; row++)
        for (uint32_t i = 0; i < n; i++) {
            int b = to_byte((float)x->v[row * n + i], op->fp, (int)op->fq);
            y->v[row * words + i / 4] +=
                (double)((uint32_t)(uint8_t)b << i % 4 * 8);
        }
}

static void linear(const run *r, const mli_file_op *op, values *y)
{
    const values *x = value_of(r, op, 0), *w = value_of(r, op, 1);
    uint32_t in = op->p[0], out = op->p[1], bytes = (uint32_t)is_bytes(r, op);
    if (bytes)
        in = (in + 3) / 4 * 4;
    for (size_t row = 0; row < (size_t)y->frames * y->n / out; row++)
        for (uint32_t o = 0; o < out; o++) {
            double sum = vector(r, op, 2, o, 0);
            for (uint32_t i = 0; i < in; i++)
                sum += w->v[mli_packed_index(out, 1, in, o, 0, i)] *
                       (bytes ? reference_byte(x->v, row * in + i)
                              : x->v[row * in + i]);
            y->v[row * out + o] = fn_of(op, sum);
        }
}

/* Input i of frame t, which may be before the first: the history. */
static double heard(const run *r, const mli_file_op *op, int64_t t, uint32_t i)
{
    const values *x = value_of(r, op, 0);
    if (is_bytes(r, op)) {
        uint32_t in = (op->p[3] / op->p[2] + 3) / 4 * op->p[2], word = 0;
        const mli_file_state *s = r->state + op->state;
        if (t >= 0)
            return reference_byte(x->v + (size_t)t * in, i);
        if (s->init_frames != 0)
            memcpy(&word, r->data + s->init + i / 4, sizeof word);
        return (int8_t)(word >> i % 4 * 8);
    }
    if (t >= 0)
        return x->v[(size_t)t * op->p[3] + i];
    return initial(r, op->state, (op->p[0] - 1) * op->p[1] + (int32_t)t, i);
}

static double conv_weight(const run *r, const mli_file_op *op, uint32_t o,
                          uint32_t k, uint32_t i)
{
    uint32_t in = op->p[3] / op->p[2], out = op->p[4] / op->p[2];
    if (is_bytes(r, op))
        in = (in + 3) / 4 * 4;
    const double *w = value_of(r, op, 1)->v;
    if (op->p[2] > 1 && in == 1 && out == 1)
        return w[mli_packed_index(op->p[4], op->p[0], 1, o, k, 0)];
    return w[o / out * mli_packed_size(out, op->p[0], in) +
             mli_packed_index(out, op->p[0], in, o % out, k, i)];
}

static void conv1d(const run *r, const mli_file_op *op, values *y)
{
    const uint32_t *p = op->p;
    uint32_t in = p[3] / p[2], out = p[4] / p[2];
    if (is_bytes(r, op))
        in = (in + 3) / 4 * 4;
    int timed = tensor_of(r, op, 0)->flags & MLI_TIMED;
    int64_t back = timed ? (int64_t)(p[0] - 1) * p[1] : 0;
    for (size_t m = 0; m < (size_t)y->frames * y->n / p[4]; m++)
        for (uint32_t o = 0; o < p[4]; o++) {
            double sum = vector(r, op, 2, o, 0);
            for (uint32_t k = 0; k < p[0]; k++)
                for (uint32_t i = 0; i < in; i++)
                    sum += conv_weight(r, op, o, k, i) *
                           heard(r, op, (int64_t)(m * p[5] + k * p[1]) - back,
                                 o / out * in + i);
            y->v[m * p[4] + o] = fn_of(op, sum);
        }
}

/* Row of gate g, unit u, in quads of `gates` gates. */
static uint32_t quad(uint32_t gates, uint32_t g, uint32_t u)
{
    return (u / 4 * gates + g) * 4 + u % 4;
}

static double times_h(const run *r, const mli_file_op *op, uint32_t at,
                      uint32_t rows, uint32_t row, const double *h)
{
    const double *w = value_of(r, op, at)->v;
    double sum = value_of(r, op, at + 1)->v[row];
    uint32_t whole = (op->p[0] + 3) / 4 * 4;
    for (uint32_t i = 0; is_bytes(r, op) && i < op->p[0]; i++)
        sum += w[mli_packed_index(rows, 1, whole, row, 0, i)] *
               to_byte((float)h[i], op->fp, 0);
    if (is_bytes(r, op))
        return sum;
    for (uint32_t i = 0; i < op->p[0]; i++)
        sum += w[mli_packed_index(rows, 1, op->p[0], row, 0, i)] * h[i];
    return sum;
}

static double sigmoid(double x)
{
    return fn(MLI_SIGMOID, 0, 0, x);
}

typedef struct memory {
    double *h, *c, *y, *rh;
} memory;

static void lstm_frame(const run *r, const mli_file_op *op, const double *x,
                       memory *m)
{
    uint32_t rows = (op->p[0] + 3) / 4 * 16;
    for (uint32_t u = 0; u < op->p[0]; u++) {
        double g[4];
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t row = quad(4, k, u);
            g[k] = x[row] + times_h(r, op, 1, rows, row, m->h);
        }
        m->c[u] = sigmoid(g[1]) * m->c[u] + sigmoid(g[0]) * tanh(g[2]);
        m->y[u] = sigmoid(g[3]) * tanh(m->c[u]);
    }
}

static void gru_frame(const run *r, const mli_file_op *op, const double *x,
                      memory *m)
{
    uint32_t after = op->p[1], gates = after ? 3 : 2;
    uint32_t u4 = (op->p[0] + 3) / 4 * 4;
    for (uint32_t u = 0; u < op->p[0]; u++)
        m->rh[u] = sigmoid(x[quad(3, 0, u)] + times_h(r, op, 1, gates * u4,
                                                      quad(gates, 0, u), m->h));
    for (uint32_t u = 0; u < op->p[0] && !after; u++)
        m->rh[u] *= m->h[u];
    for (uint32_t u = 0; u < op->p[0]; u++) {
        double z = sigmoid(x[quad(3, 1, u)] + times_h(r, op, 1, gates * u4,
                                                      quad(gates, 1, u), m->h));
        double n = x[quad(3, 2, u)];
        if (after)
            n += m->rh[u] * times_h(r, op, 1, 3 * u4, quad(3, 2, u), m->h);
        else
            n += times_h(r, op, 3, u4, u, m->rh);
        m->y[u] = (1 - z) * tanh(n) + z * m->h[u];
    }
}

static void rnn_frame(const run *r, const mli_file_op *op, const double *x,
                      memory *m)
{
    uint32_t u4 = (op->p[0] + 3) / 4 * 4;
    for (uint32_t u = 0; u < op->p[0]; u++)
        m->y[u] = fn_of(op, x[u] + times_h(r, op, 1, u4, u, m->h));
}

static void recurrent(const run *r, const mli_file_op *op, values *y)
{
    const values *x = value_of(r, op, 0);
    uint32_t units = op->p[0], u4 = (units + 3) / 4 * 4;
    uint32_t gates = op->type == MLI_OP_LSTM  ? 4
                     : op->type == MLI_OP_GRU ? 3
                                              : 1;
    memory m = {zeros(units), zeros(units), zeros(units), zeros(units)};
    for (uint32_t u = 0; u < units; u++) {
        m.h[u] = initial(r, op->state, 0, u);
        if (op->type == MLI_OP_LSTM)
            m.c[u] = initial(r, op->state + 1, 0, u);
    }
    for (size_t f = 0; f < (size_t)y->frames * y->n / units; f++) {
        const double *row = x->v + f * gates * u4;
        if (op->type == MLI_OP_LSTM)
            lstm_frame(r, op, row, &m);
        else if (op->type == MLI_OP_GRU)
            gru_frame(r, op, row, &m);
        else
            rnn_frame(r, op, row, &m);
        memcpy(m.h, m.y, units * sizeof(double));
        memcpy(y->v + f * units, m.y, units * sizeof(double));
    }
    free(m.h);
    free(m.c);
    free(m.y);
    free(m.rh);
}

/* Coordinates of element `at` of a tensor. */
static void coordinates(const mli_file_tensor *t, uint32_t at, uint32_t *c)
{
    for (uint32_t i = t->rank; i-- > 0;) {
        c[i] = at % t->dims[i];
        at /= t->dims[i];
    }
}

static uint32_t index_of(const mli_file_tensor *t, const uint32_t *c)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        at = at * t->dims[i] + c[i];
    return at;
}

/* The element of a broadcast tensor that meets y's at coordinates c. */
static uint32_t broadcast(const mli_file_tensor *t, uint32_t rank,
                          const uint32_t *c)
{
    uint32_t own[MLI_MAX_RANK];
    for (uint32_t i = 0; i < t->rank; i++)
        own[i] = t->dims[i] == 1 ? 0 : c[rank - t->rank + i];
    return index_of(t, own);
}

/* One element of y, for the operators that only look up others. */
static double picked(const run *r, const mli_file_op *op, uint32_t f,
                     uint32_t at)
{
    const mli_file_tensor *y = tensor_of(r, op, op->inputs);
    const mli_file_tensor *x = tensor_of(r, op, 0);
    const double *from = frame_of(value_of(r, op, 0), f);
    uint32_t c[MLI_MAX_RANK] = {0}, d[MLI_MAX_RANK];
    uint32_t axis = op->p[0] % MLI_MAX_RANK;
    coordinates(y, at, c);
    memcpy(d, c, sizeof d);
    switch (op->type) {
    case MLI_OP_UNARY:
        return fn_of(op, from[at]);
    case MLI_OP_BINARY:
        return binary_reference(
            (mli_binary)op->p[0], from[broadcast(x, y->rank, c)],
            frame_of(value_of(r, op, 1),
                     f)[broadcast(tensor_of(r, op, 1), y->rank, c)]);
    case MLI_OP_AFFINE: {
        uint32_t n = value_of(r, op, 1)->n;
        return fn_of(op, from[at] * vector(r, op, 1, at % n, 1) +
                             vector(r, op, 2, at % n, 0));
    }
    case MLI_OP_SLICE:
        d[axis] = op->p[1] + c[axis] * op->p[2];
        return from[index_of(x, d)];
    case MLI_OP_TRANSPOSE:
        for (uint32_t i = 0; i < x->rank; i++)
            d[op->p[i]] = c[i];
        return from[index_of(x, d)];
    case MLI_OP_EXPAND:
        return from[broadcast(x, y->rank, c)];
    case MLI_OP_PAD:
        d[axis] = c[axis] - op->p[1];
        return d[axis] < x->dims[axis] ? from[index_of(x, d)] : op->fp;
    case MLI_OP_CONCAT:
        for (uint32_t i = 0;; i++) {
            const mli_file_tensor *t = tensor_of(r, op, i);
            if (d[axis] < t->dims[axis])
                return frame_of(value_of(r, op, i), f)[index_of(t, d)];
            d[axis] -= t->dims[axis];
        }
    case MLI_OP_DELAY:
        if (f < op->p[0])
            return initial(r, op->state, f, at);
        return frame_of(value_of(r, op, 0), f - op->p[0])[at];
    case MLI_OP_HOLD:
        return f < op->p[0] ? 0 : from[at];
    default: /* RESHAPE */
        return from[at];
    }
}

static void pick(const run *r, const mli_file_op *op, values *y)
{
    for (uint32_t f = 0; f < y->frames; f++)
        for (uint32_t at = 0; at < y->n; at++)
            y->v[(size_t)f * y->n + at] = picked(r, op, f, at);
}

static double folded(uint32_t f, const double *x, uint32_t n)
{
    double sum = 0, squares = 0, ones = 0, product = 1, exps = 0;
    double low = x[0], high = x[0];
    for (uint32_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        ones += fabs(x[i]);
        product *= x[i];
        exps += exp(x[i]);
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
    }
    double of[MLI_REDUCE_COUNT] = {sum,      sum / n,  high,          low,
                                   product,  ones,     sqrt(squares), squares,
                                   log(sum), log(exps)};
    return of[f];
}

static void softmax_row(const mli_file_op *op, const double *x, double *y,
                        uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += exp(x[i]);
    for (uint32_t i = 0; i < n; i++)
        y[i] = op->p[0] ? x[i] - log(sum) : exp(x[i]) / sum;
}

static void normalize_row(const run *r, const mli_file_op *op, const double *x,
                          double *y, uint32_t n)
{
    double mean = op->p[1] ? 0 : folded(MLI_REDUCE_MEAN, x, n), square = 0;
    for (uint32_t i = 0; i < n; i++)
        square += (x[i] - mean) * (x[i] - mean) / n;
    for (uint32_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(square + op->fp) * vector(r, op, 1, i, 1) +
               vector(r, op, 2, i, 0);
}

static void rows(const run *r, const mli_file_op *op, values *y)
{
    const mli_file_tensor *t = tensor_of(r, op, 0);
    const values *x = value_of(r, op, 0);
    uint32_t size = op->type == MLI_OP_NORMALIZE ? op->p[0] : 1;
    uint32_t axes = op->type == MLI_OP_REDUCE ? op->p[1] : 1;
    for (uint32_t i = 0; i < axes && op->type != MLI_OP_NORMALIZE; i++)
        size *= t->dims[t->rank - 1 - i];
    for (size_t row = 0; row < (size_t)x->frames * x->n / size; row++) {
        const double *from = x->v + row * size;
        if (op->type == MLI_OP_REDUCE)
            y->v[row] = folded(op->p[0], from, size);
        else if (op->type == MLI_OP_SOFTMAX)
            softmax_row(op, from, y->v + row * size, size);
        else
            normalize_row(r, op, from, y->v + row * size, size);
    }
}

/* y's frame m ends with x's frame (m + 1) step - 1; before the first there is
   the history. */
static void unfold(const run *r, const mli_file_op *op, values *y)
{
    const values *x = value_of(r, op, 0);
    uint32_t taps = op->p[0], back = (taps - 1) * op->p[1];
    for (uint32_t m = 0; m < y->frames; m++)
        for (uint32_t k = 0; k < taps; k++)
            for (uint32_t i = 0; i < x->n; i++) {
                int64_t t = (int64_t)(m + 1) * op->p[2] - 1 - back +
                            (int64_t)k * op->p[1];
                y->v[(size_t)m * y->n + k * x->n + i] =
                    t >= 0 ? x->v[t * x->n + i]
                           : initial(r, op->state, (uint32_t)(back + t), i);
            }
}

/* Part j of x's frame m is y's frame (m + 1) step - 1 + j. */
static void depth_to_time(const run *r, const mli_file_op *op, values *y)
{
    const values *x = value_of(r, op, 0);
    uint32_t step = op->p[0];
    for (uint32_t t = 0; t < y->frames; t++)
        for (uint32_t i = 0; i < y->n; i++) {
            uint32_t m = (t + 1) / step, j = (t + 1) % step;
            y->v[(size_t)t * y->n + i] =
                m == 0 ? initial(r, op->state, j, i)
                       : x->v[(size_t)(m - 1) * x->n + j * y->n + i];
        }
}

static void run_op(const run *r, const mli_file_op *op, values *y)
{
    switch (op->type) {
    case MLI_OP_LINEAR:
        linear(r, op, y);
        break;
    case MLI_OP_CONV1D:
        conv1d(r, op, y);
        break;
    case MLI_OP_LSTM:
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        recurrent(r, op, y);
        break;
    case MLI_OP_SOFTMAX:
    case MLI_OP_NORMALIZE:
    case MLI_OP_REDUCE:
        rows(r, op, y);
        break;
    case MLI_OP_TO_BYTES:
        to_bytes(r, op, y);
        break;
    case MLI_OP_DFT:
        frames(r, op, y, reference_dft);
        break;
    case MLI_OP_MATMUL:
        frames(r, op, y, reference_matmul);
        break;
    case MLI_OP_CONV2D:
        frames(r, op, y, reference_conv2d);
        break;
    case MLI_OP_POOL:
        frames(r, op, y, reference_pool);
        break;
    case MLI_OP_TREES:
        frames(r, op, y, reference_trees);
        break;
    case MLI_OP_DISTANCE:
        frames(r, op, y, reference_distance);
        break;
    case MLI_OP_COUPLE:
        frames(r, op, y, reference_couple);
        break;
    case MLI_OP_SELECT:
        frames(r, op, y, reference_select);
        break;
    case MLI_OP_GATHER:
        frames(r, op, y, reference_gather);
        break;
    case MLI_OP_SCATTER:
        frames(r, op, y, reference_scatter);
        break;
    case MLI_OP_ARG:
        frames(r, op, y, reference_arg);
        break;
    case MLI_OP_TOPK:
        frames(r, op, y, reference_topk);
        break;
    case MLI_OP_CUMULATE:
        frames(r, op, y, reference_cumulate);
        break;
    case MLI_OP_UNFOLD:
        unfold(r, op, y);
        break;
    case MLI_OP_DEPTH_TO_TIME:
        depth_to_time(r, op, y);
        break;
    default:
        pick(r, op, y);
        break;
    }
}

static double half(const uint8_t *p)
{
    uint32_t h = p[0] | (uint32_t)p[1] << 8, e = h >> 10 & 31;
    double m = e ? ldexp(1024 + (h & 1023), (int)e - 25) : 0;
    return h >> 15 ? -m : m;
}

/* How many matrices a tensor is: the groups of the layer that has it. */
static uint32_t matrices(const run *r, uint32_t tensor)
{
    for (uint32_t i = 0; i < r->h->section[MLI_SEC_OPS].bytes / sizeof *r->op;
         i++)
        for (uint32_t k = 0; k < r->op[i].inputs; k++)
            if (r->operand[r->op[i].operand + k] == tensor)
                return r->op[i].type == MLI_OP_CONV1D   ? r->op[i].p[2]
                       : r->op[i].type == MLI_OP_CONV2D ? r->op[i].p[6]
                                                        : 1;
    return 1;
}

/* The weights that are stored in fewer bits. */
static void decode(const run *r, const mli_file_tensor *t, double *to)
{
    uint32_t rows = t->dims[0], products = t->dims[1];
    uint32_t each = rows / matrices(r, (uint32_t)(t - r->tensor));
    const uint8_t *w = (const uint8_t *)(r->data + t->offset);
    const float *scale =
        r->data + t->offset +
        mli_stored_bytes((mli_storage)t->storage, rows, products) / 4;
    for (uint32_t base = 0, width; base < rows; base += width) {
        uint32_t left = each - base % each;
        width = left < 16 ? left : 16;
        for (size_t i = 0; i < (size_t)products * width; i++) {
            size_t at = (size_t)base * products + i, p = i / width;
            if (t->storage == MLI_F16)
                to[at] = half(w + 2 * at) * scale[base + i % width];
            else if (t->storage == MLI_BYTES) /* a word is four inputs */
                to[at] = (int8_t)w[(size_t)base * products +
                                   (p / 4 * width + i % width) * 4 + p % 4] *
                         (double)scale[base + i % width];
            else if (t->storage == MLI_INT8)
                to[at] = (int8_t)w[at] * (double)scale[base + i % width];
            else {
                int two = w[(size_t)base * ((products + 1) / 2) +
                            p / 2 * width + i % width];
                int n = p % 2 ? two >> 4 : two & 15;
                to[at] = (n > 7 ? n - 16 : n) *
                         (double)scale[base * ((products + 31) / 32) +
                                       p / 32 * width + i % width];
            }
        }
    }
}

static values make_values(const run *r, const mli_file_tensor *t)
{
    values v = {NULL, t->period != 0 ? r->ticks / t->period : 1, 1};
    for (uint32_t i = 0; i < t->rank; i++)
        v.n *= t->dims[i];
    v.v = zeros((size_t)v.frames * v.n);
    if (t->storage != MLI_F32)
        decode(r, t, v.v);
    else if (t->region == MLI_CONSTANT)
        for (uint32_t i = 0; i < v.n; i++)
            v.v[i] = r->data[t->offset + i];
    return v;
}

/* Ticks of a frame: the smallest period of a signal port. */
static uint32_t frame_ticks(const run *r, const mli_file_port *port)
{
    uint32_t least = 0;
    for (uint32_t i = 0; i < r->h->inputs + r->h->outputs; i++) {
        uint32_t period = r->tensor[port[i].tensor].period;
        if (period != 0 && (least == 0 || period < least))
            least = period;
    }
    return least != 0 ? least : 1;
}

/* What a slower input is at the end of each of its periods. */
static void take_input(const values *v, const double *in, uint32_t period)
{
    for (uint32_t m = 0; m < v->frames; m++)
        memcpy(v->v + (size_t)m * v->n,
               in + ((size_t)(m + 1) * period - 1) * v->n,
               v->n * sizeof(double));
}

/* A slower output holds its value, 0 at first. */
static double *give_output(const values *v, uint32_t frames, uint32_t period)
{
    double *out = zeros((size_t)frames * v->n);
    for (uint32_t f = 0; f < frames; f++)
        if ((f + 1) / period != 0)
            memcpy(out + (size_t)f * v->n,
                   v->v + ((size_t)(f + 1) / period - 1) * v->n,
                   v->n * sizeof(double));
    return out;
}

double **reference_run(fb_image image, uint32_t frames, double *const *in)
{
    const mli_file_header *h = (const void *)image.bytes;
    const mli_file_port *port = fb_section(image, MLI_SEC_PORTS);
    run r = {.image = image,
             .h = h,
             .tensor = fb_section(image, MLI_SEC_TENSORS),
             .op = fb_section(image, MLI_SEC_OPS),
             .operand = fb_section(image, MLI_SEC_OPERANDS),
             .state = fb_section(image, MLI_SEC_STATES),
             .data = fb_section(image, MLI_SEC_DATA),
             .ticks = frames};
    uint32_t n = h->section[MLI_SEC_TENSORS].bytes / sizeof *r.tensor;
    uint32_t ops = h->section[MLI_SEC_OPS].bytes / sizeof *r.op;
    uint32_t ticks = frame_ticks(&r, port);
    r.ticks *= ticks;
    r.value = calloc(n, sizeof *r.value);
    for (uint32_t i = 0; i < n; i++)
        r.value[i] = make_values(&r, r.tensor + i);
    for (uint32_t i = 0; i < h->inputs; i++)
        take_input(r.value + i, in[i],
                   r.tensor[i].period != 0 ? r.tensor[i].period / ticks : 1);
    for (uint32_t i = 0; i < ops; i++)
        run_op(&r, r.op + i, r.value + (n - ops + i));
    double **out = calloc(h->outputs, sizeof *out);
    for (uint32_t i = 0; i < h->outputs; i++) {
        const values *v = r.value + port[h->inputs + i].tensor;
        uint32_t period = r.tensor[port[h->inputs + i].tensor].period;
        out[i] = give_output(v, period != 0 ? frames : 1,
                             period != 0 ? period / ticks : 1);
    }
    for (uint32_t i = 0; i < n; i++)
        free(r.value[i].v);
    free(r.value);
    return out;
}

void reference_free(fb_image image, double **out)
{
    const mli_file_header *h = (const void *)image.bytes;
    for (uint32_t i = 0; i < h->outputs; i++)
        free(out[i]);
    free(out);
}
