/*
 * tflite_recurrent.c - recurrent layers. Their states are variable tensors,
 * which live from run to run, as they do in TensorFlow Lite.
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

#define MAX_UNROLLED 1024u /* steps of a layer in whole numbers */

static tfl_value *operand(const tfl_call *c, int i)
{
    return i < c->inputs ? c->in[i] : NULL;
}

/* A state's tensor, by the operand's number. */
static const tfl_tensor *state_tensor(const tfl_call *c, int i)
{
    int64_t n = i < c->inputs ? flat_int_at(&c->op->in, (uint32_t)i) : -1;

    return n < 0 ? NULL : &c->graph->tensors[n];
}

static const tfl_tensor *between(const tfl_call *c, uint32_t i)
{
    int64_t n = i < c->op->between.count ? flat_int_at(&c->op->between, i) : -1;

    return n < 0 ? NULL : &c->graph->tensors[n];
}

/* Sequence of one batch: [frames, inputs]. */
typedef struct sequence {
    tfl_value *v;
    uint32_t frames, inputs;
    int time_major;
} sequence;

static int read_sequence(tfl_run *r, tfl_call *c, int time_major, sequence *s)
{
    tfl_value *v = s->v = c->in[0];
    uint32_t batch;

    s->time_major = time_major;
    if (v->rank == 2) { /* a single step */
        batch = v->dims[0];
        s->frames = 1;
        s->inputs = v->dims[1];
    } else if (v->rank == 3) {
        batch = v->dims[time_major ? 1 : 0];
        s->frames = v->dims[time_major ? 0 : 1];
        s->inputs = v->dims[2];
    } else {
        tfl_bad(r, c, "expected 3 axes, got %u", v->rank);
    }
    if (batch != 1)
        tfl_unsupported(r, c, "a batch of %u (expected 1)", batch);
    return batch == 1;
}

static ir_id frames_of(tfl_run *r, const sequence *s, ir_id x)
{
    uint32_t dims[2] = {s->frames, s->inputs};

    return ir_reshape(r->g, x, 2, dims);
}

/* [frames, units] as the input was laid out. */
static ir_id laid_out(tfl_run *r, const sequence *s, ir_id y, uint32_t units)
{
    uint32_t dims[3];

    memcpy(dims, s->v->dims, sizeof dims);
    dims[s->v->rank - 1] = units;
    return ir_reshape(r->g, y, s->v->rank, dims);
}

/* Matrices [units][width] of `count` gates, one below the other; NULL where an
   operand is missing, unless it may. */
static float *stack(tfl_run *r, tfl_call *c, const int *which, uint32_t count,
                    uint32_t units, uint32_t width, int real)
{
    float *all = tfl_take(r, (uint64_t)count * units * width);

    tfl_spend(r, (uint64_t)count * units * width);
    for (uint32_t k = 0; k < count; k++) {
        tfl_value *v = operand(c, which[k]);
        if (!v || !tfl_constant(r, v)) {
            tfl_unsupported(r, c, "gates without weights, or computed ones");
            return NULL;
        }
        if (tfl_elements(v) != (uint64_t)units * width)
            tfl_bad(r, c, "weights of %llu numbers (expected %u x %u)",
                    (unsigned long long)tfl_elements(v), units, width);
        memcpy(all + (size_t)k * units * width,
               real ? tfl_real_floats(r, v) : tfl_floats(r, v),
               (size_t)units * width * sizeof *all);
    }
    return all;
}

/* ----------------------------------------------------------------- LSTM ----
 *
 * operands: 0 x; 1-4 input weights i f g o; 5-8 recurrent ones; 9-11 peepholes;
 * 12-15 biases; 16, 17 projection; 18 hidden state, 19 cell state; 20-23 layer
 * normalisation
 */

typedef struct lstm {
    sequence s;
    uint32_t units;
    int w[4], u[4], b[4];
    int hidden, cell;
    int activation;
    float clip;
} lstm;

/* Not the plain layer? */
static int unusual(tfl_run *r, tfl_call *c, const lstm *l, int first,
                   const int *peep, const int *norm, int projection)
{
    (void)first;
    for (int k = 0; k < 3; k++)
        if (operand(c, peep[k])) {
            tfl_unsupported(r, c, "peepholes");
            return 1;
        }
    for (int k = 0; norm && k < 4; k++)
        if (operand(c, norm[k])) {
            tfl_unsupported(r, c, "layer normalisation inside");
            return 1;
        }
    if (operand(c, projection)) {
        tfl_unsupported(r, c, "a projection");
        return 1;
    }
    if (!operand(c, l->w[0])) {
        tfl_unsupported(r, c, "a coupled input gate");
        return 1;
    }
    if (l->activation != TFL_ACT_TANH) {
        tfl_unsupported(r, c, "fused activation %d", l->activation);
        return 1;
    }
    return 0;
}

static ir_id read_state(tfl_run *r, tfl_call *c, int i, uint32_t units)
{
    const tfl_tensor *t = state_tensor(c, i);
    tfl_variable *v = tfl_variable_of(r, NULL, t);

    return ir_reshape(r->g, tfl_read_variable(r, v, t), 1, &units);
}

static void write_state(tfl_run *r, tfl_call *c, int i, ir_id id)
{
    const tfl_tensor *t = state_tensor(c, i);
    tfl_variable *v = tfl_variable_of(r, NULL, t);

    id = ir_reshape(r->g, id, t->rank > 0 ? (uint32_t)t->rank : 0, t->dims);
    tfl_write_variable(r, v, t, id);
}

static ir_id reversed(tfl_run *r, ir_id x, uint32_t frames)
{
    return frames > 1 ? ir_slice(r->g, x, 0, frames - 1, -1, frames) : x;
}

/* A clipped cell: one step after the other. */
static ir_id clipped_lstm(tfl_run *r, tfl_call *c, const lstm *l, ir_id x,
                          const float *w, const float *u, const float *b)
{
    static const mli_unary fn[4] = {MLI_SIGMOID, MLI_SIGMOID, MLI_TANH,
                                    MLI_SIGMOID};
    uint32_t rows = 4 * l->units, one[2] = {1, l->units};
    ir_id *y = onnx_take(r->pool, l->s.frames, sizeof *y);
    ir_id h = read_state(r, c, l->hidden, l->units);
    ir_id cell = read_state(r, c, l->cell, l->units), part[4];
    ir_graph *g = r->g;

    x = tfl_dense(r, x, l->s.inputs, rows, w, b, NULL);
    for (uint32_t t = 0; t < l->s.frames; t++) {
        ir_id row = ir_slice(g, x, 0, t, 1, 1);
        row = ir_reshape(g, row, 1, &rows);
        row = ir_binary(g, MLI_ADD, row,
                        tfl_dense(r, h, l->units, rows, u, NULL, u));
        for (uint32_t k = 0; k < 4; k++)
            part[k] = ir_unary(g, fn[k], 0.f, 0.f,
                               ir_slice(g, row, 0, k * l->units, 1, l->units));
        cell = ir_binary(g, MLI_ADD, ir_binary(g, MLI_MUL, part[1], cell),
                         ir_binary(g, MLI_MUL, part[0], part[2]));
        cell = ir_unary(g, MLI_HARD_TANH, -l->clip, l->clip, cell);
        h = ir_binary(g, MLI_MUL, part[3],
                      ir_unary(g, MLI_TANH, 0.f, 0.f, cell));
        y[t] = ir_reshape(g, h, 2, one);
    }
    write_state(r, c, l->hidden, h);
    write_state(r, c, l->cell, cell);
    return ir_concat(g, y, l->s.frames, 0);
}

static ir_id float_lstm(tfl_run *r, tfl_call *c, const lstm *l, ir_id x)
{
    const float *w, *u, *b;
    int clipped = l->clip > 0.f;

    if (clipped && (l->s.frames > MAX_UNROLLED || !state_tensor(c, l->hidden) ||
                    !state_tensor(c, l->cell))) {
        tfl_unsupported(r, c, "a clipped cell");
        return IR_NONE;
    }
    w = stack(r, c, l->w, 4, l->units, l->s.inputs, 1);
    u = stack(r, c, l->u, 4, l->units, l->units, 1);
    b = stack(r, c, l->b, 4, l->units, 1, 1);
    if (!w || !u || !b)
        return IR_NONE;
    if (clipped)
        return clipped_lstm(r, c, l, x, w, u, b);
    return ir_lstm(r->g, x, l->s.inputs, l->units, w, u, b, NULL, NULL, NULL);
}

/*
 * In whole numbers: gates in 2^-12, their functions in 2^-15, the cell in a
 * power of two of its own, the hidden state 8 bits wide. Every product's sum is
 * rounded where TensorFlow Lite rounds it.
 */
typedef struct whole_lstm {
    float *w, *u, *bw, *bu;   /* b: biases with the zero point's part */
    float *scale_w, *scale_u; /* of each row's sum, to 2^-12 */
    float cell, hidden, out;  /* scales: cell, h in, o * tanh to h */
    int32_t hidden_zero;
    int type;
} whole_lstm;

static int read_whole(tfl_run *r, tfl_call *c, const lstm *l, whole_lstm *q)
{
    const tfl_tensor *h = state_tensor(c, l->hidden);
    const tfl_tensor *cell = state_tensor(c, l->cell);
    uint32_t rows = 4 * l->units;

    if (!h || !cell || !tfl_quantised(h) || !tfl_quantised(cell) ||
        cell->type != TFL_INT16) {
        tfl_unsupported(r, c, "states of another type");
        return 0;
    }
    q->type = h->type;
    q->w = stack(r, c, l->w, 4, l->units, l->s.inputs, 0);
    q->u = stack(r, c, l->u, 4, l->units, l->units, 0);
    q->bw = stack(r, c, l->b, 4, l->units, 1, 0);
    if (!q->w || !q->u || !q->bw)
        return 0;
    q->cell = tfl_tensor_scale(cell);
    q->hidden = tfl_tensor_scale(h);
    q->hidden_zero = tfl_zero(h);
    q->out = between(c, 4) && tfl_quantised(between(c, 4))
                 ? tfl_tensor_scale(between(c, 4))
                 : q->hidden;
    q->scale_w = tfl_take(r, rows);
    q->scale_u = tfl_take(r, rows);
    for (uint32_t i = 0; i < rows; i++) {
        q->scale_w[i] =
            l->s.v->scale *
            tfl_scale(operand(c, l->w[i / l->units]), i % l->units) * 4096.f;
        q->scale_u[i] =
            q->hidden *
            tfl_scale(operand(c, l->u[i / l->units]), i % l->units) * 4096.f;
    }
    return 1;
}

static ir_id round16(tfl_run *r, ir_id x, uint32_t n, const float *scale)
{
    return tfl_scaled(r, x, n, scale, NULL, MLI_ROUND_AWAY, -32768.f, 32767.f);
}

/* f(x / 2^12 or so) in 2^-15 */
static ir_id function16(tfl_run *r, ir_id x, float scale, mli_unary fn)
{
    const float up = 32768.f;

    x = tfl_scaled(r, x, 1, &scale, NULL, fn, 0.f, 0.f);
    return round16(r, x, 1, &up);
}

static ir_id product16(tfl_run *r, ir_id a, ir_id b, float scale)
{
    return round16(r, ir_binary(r->g, MLI_MUL, a, b), 1, &scale);
}

/* One step: g the input's part of the gates. */
static void whole_step(tfl_run *r, const lstm *l, const whole_lstm *q, ir_id g,
                       const void *key, ir_id *h, ir_id *cell)
{
    const float gate = 1.f / 4096.f, unit = 1.f / 32768.f;
    const float limit = l->clip > 0.f ? roundf(l->clip / q->cell) : 32767.f;
    ir_id part[4], y, f, i;

    y = tfl_dense(r, *h, l->units, 4 * l->units, q->u, NULL, key);
    y = round16(r, y, 4 * l->units, q->scale_u);
    g = ir_binary(r->g, MLI_ADD, g, y);
    g = ir_unary(r->g, MLI_HARD_TANH, -32768.f, 32767.f, g);
    for (uint32_t k = 0; k < 4; k++)
        part[k] = function16(r, ir_slice(r->g, g, 0, k * l->units, 1, l->units),
                             gate, k == 2 ? MLI_TANH : MLI_SIGMOID);
    f = product16(r, part[1], *cell, unit);
    i = product16(r, part[0], part[2], unit * unit / q->cell);
    *cell = ir_unary(r->g, MLI_HARD_TANH, limit < 32767.f ? -limit : -32768.f,
                     limit < 32767.f ? limit : 32767.f,
                     ir_binary(r->g, MLI_ADD, f, i));
    y = ir_binary(r->g, MLI_MUL, part[3],
                  function16(r, *cell, q->cell, MLI_TANH));
    {
        float scale = unit * unit / q->out, low, high;
        tfl_range(q->type, q->hidden_zero, &low, &high);
        *h = tfl_scaled(r, y, 1, &scale, NULL, MLI_ROUND_AWAY, low, high);
    }
}

static ir_id whole_sequence(tfl_run *r, tfl_call *c, const lstm *l, ir_id x)
{
    uint32_t rows = 4 * l->units, one[2] = {1, l->units};
    whole_lstm q = {0};
    ir_id h, cell, *y, g;

    if (l->s.frames > MAX_UNROLLED) {
        tfl_unsupported(r, c, "a quantised sequence of %u steps", l->s.frames);
        return IR_NONE;
    }
    if (!read_whole(r, c, l, &q))
        return IR_NONE;
    h = read_state(r, c, l->hidden, l->units);
    cell = read_state(r, c, l->cell, l->units);
    g = tfl_dense(r, x, l->s.inputs, rows, q.w, q.bw, NULL);
    g = round16(r, g, rows, q.scale_w);
    y = onnx_take(r->pool, l->s.frames, sizeof *y);
    for (uint32_t t = 0; t < l->s.frames; t++) {
        ir_id row = ir_slice(r->g, g, 0, t, 1, 1);
        whole_step(r, l, &q, ir_reshape(r->g, row, 1, &rows), q.u, &h, &cell);
        y[t] = ir_reshape(r->g, h, 2, one);
    }
    write_state(r, c, l->hidden, h);
    write_state(r, c, l->cell, cell);
    return ir_concat(r->g, y, l->s.frames, 0);
}

static void single_lstm(tfl_run *r, tfl_call *c)
{
    static const int peep[3] = {9, 10, 11}, norm[4] = {20, 21, 22, 23};
    lstm l = {.w = {1, 2, 3, 4},
              .u = {5, 6, 7, 8},
              .b = {12, 13, 14, 15},
              .hidden = 18,
              .cell = 19,
              .activation = tfl_option(c, 0, 0),
              .clip = flat_float(&c->op->options, 1, 0.f)};
    int whole = c->in[0]->scale > 0.f;
    ir_id x, y;

    if (!read_sequence(r, c, tfl_option(c, 3, 0), &l.s) ||
        unusual(r, c, &l, 0, peep, norm, 16))
        return;
    if (tfl_option(c, 5, 0) || operand(c, 2)->rank != 2) {
        tfl_unsupported(r, c, "diagonal weights");
        return;
    }
    l.units = operand(c, 2)->dims[0];
    if (!l.units || l.units > (1u << 20))
        tfl_bad(r, c, "%u units", l.units);
    x = whole ? tfl_id(r, c->in[0]) : tfl_real(r, c->in[0]);
    x = frames_of(r, &l.s, x);
    y = whole ? whole_sequence(r, c, &l, x) : float_lstm(r, c, &l, x);
    if (y == IR_NONE && !r->g->error[0])
        return; /* said */
    tfl_put_whole(r, c, 0, laid_out(r, &l.s, y, l.units));
}

/* Two layers, one of them backwards: operands 1-17 and 18-34; 35 to 38 states.
 */
static void double_lstm(tfl_run *r, tfl_call *c)
{
    static const int peep[2][3] = {{9, 10, 11}, {26, 27, 28}};
    ir_id y[2];
    sequence s;
    int merge = tfl_option(c, 3, 0) != 0;

    if (!read_sequence(r, c, tfl_option(c, 4, 0), &s))
        return;
    if (operand(c, 39) || c->in[0]->scale > 0.f) {
        tfl_unsupported(r, c, "another input, or whole numbers");
        return;
    }
    for (int d = 0; d < 2; d++) {
        int o = 17 * d;
        lstm l = {.s = s,
                  .w = {1 + o, 2 + o, 3 + o, 4 + o},
                  .u = {5 + o, 6 + o, 7 + o, 8 + o},
                  .b = {12 + o, 13 + o, 14 + o, 15 + o},
                  .activation = tfl_option(c, 0, 0),
                  .clip = flat_float(&c->op->options, 1, 0.f)};
        ir_id x = frames_of(r, &s, tfl_real(r, c->in[0]));
        if (unusual(r, c, &l, o, peep[d], NULL, 16 + o))
            return;
        l.units = operand(c, 2 + o) ? operand(c, 2 + o)->dims[0] : 0;
        if (!l.units || l.units > (1u << 20))
            tfl_bad(r, c, "%u units", l.units);
        x = d ? reversed(r, x, s.frames) : x;
        y[d] = float_lstm(r, c, &l, x);
        if (y[d] == IR_NONE)
            return;
        y[d] = d ? reversed(r, y[d], s.frames) : y[d];
        if (!merge)
            tfl_put_whole(r, c, d, laid_out(r, &s, y[d], l.units));
    }
    if (merge) {
        ir_id both = ir_concat(r->g, y, 2, 1);
        if (ir_good(r->g, both))
            both = laid_out(r, &s, both, r->g->values[both].dims[1]);
        tfl_put_whole(r, c, 0, both);
    }
}

void tfl_do_lstm(tfl_run *r, tfl_call *c, int both)
{
    if (both)
        double_lstm(r, c);
    else
        single_lstm(r, c);
}

/* ------------------------------------------------------------------ RNN ----
 *
 * operands: x, input weights, recurrent weights, bias, hidden state
 */
void tfl_do_rnn(tfl_run *r, tfl_call *c, int is_sequence)
{
    static const int w[1] = {1}, u[1] = {2}, b[1] = {3};
    int activation = tfl_option(c, is_sequence ? 1 : 0, 0);
    const float *wx, *wh, *bias;
    uint32_t units;
    sequence s;
    ir_id x;

    if (!read_sequence(r, c, is_sequence && tfl_option(c, 0, 0), &s))
        return;
    if (s.v->scale > 0.f || c->in[1]->rank != 2 ||
        (activation != TFL_ACT_TANH && activation != TFL_ACT_RELU &&
         activation != TFL_ACT_NONE)) {
        tfl_unsupported(r, c, "whole numbers, or fused activation %d",
                        activation);
        return;
    }
    units = c->in[1]->dims[0];
    if (!units || units > (1u << 20))
        tfl_bad(r, c, "%u units", units);
    wx = stack(r, c, w, 1, units, s.inputs, 1);
    wh = stack(r, c, u, 1, units, units, 1);
    bias = stack(r, c, b, 1, units, 1, 1);
    if (!wx || !wh || !bias)
        return;
    x = frames_of(r, &s, tfl_real(r, c->in[0]));
    x = ir_rnn(r->g, x, s.inputs, units, wx, wh, bias, NULL, NULL,
               activation == TFL_ACT_TANH   ? MLI_TANH
               : activation == TFL_ACT_RELU ? MLI_RELU
                                            : MLI_IDENTITY);
    tfl_put_whole(r, c, 0, laid_out(r, &s, x, units));
}

/* ----------------------------------------------------------------- SVDF ----
 *
 * operands: x [1, inputs], feature weights [filters, inputs], time weights
 * [filters, memory], bias, state [1, filters * memory], oldest first
 */
typedef struct svdf {
    uint32_t filters, memory, units, rank, inputs;
    int whole;
    double to_state, to_out;
} svdf;

/* The state, one step further. */
static ir_id move_on(tfl_run *r, tfl_call *c, const svdf *s, ir_id now)
{
    uint32_t dims[2] = {s->filters, s->memory}, one[2] = {s->filters, 1};
    ir_id part[2], state = read_state(r, c, 4, s->filters * s->memory);

    state = ir_reshape(r->g, state, 2, dims);
    now = ir_reshape(r->g, now, 2, one);
    if (s->memory > 1) {
        part[0] = ir_slice(r->g, state, 1, 1, 1, s->memory - 1);
        part[1] = now;
        state = ir_concat(r->g, part, 2, 1);
    } else {
        state = now;
    }
    write_state(r, c, 4, state);
    return state;
}

static int read_svdf(tfl_run *r, tfl_call *c, svdf *s)
{
    tfl_value *x = c->in[0], *w = c->in[1], *time = c->in[2];
    const tfl_tensor *state = state_tensor(c, 4);
    uint64_t kept = 1;

    if (!state || x->rank != 2 || w->rank != 2 || time->rank != 2)
        tfl_bad(r, c, "operands of %u, %u and %u axes", x->rank, w->rank,
                time->rank);
    if (x->dims[0] != 1 || !tfl_constant(r, w) || !tfl_constant(r, time)) {
        tfl_unsupported(r, c, "a batch of %u, or computed weights", x->dims[0]);
        return 0;
    }
    s->filters = w->dims[0];
    s->inputs = w->dims[1];
    s->memory = time->dims[1];
    s->rank = (uint32_t)tfl_option_int(c, 0, 1);
    for (int i = 0; i < state->rank && kept <= MLI_MAX_ELEMENTS; i++)
        kept *= state->dims[i];
    if (!s->filters || !s->memory || !s->rank || s->filters % s->rank ||
        time->dims[0] != s->filters || x->dims[1] != s->inputs ||
        kept != (uint64_t)s->filters * s->memory)
        tfl_bad(r, c, "operands that do not fit each other");
    s->units = s->filters / s->rank;
    s->whole = x->scale > 0.f;
    if (s->whole && (!tfl_quantised(state) || !c->outputs ||
                     !tfl_quantised(c->declared[0]))) {
        tfl_unsupported(r, c, "states of another type");
        return 0;
    }
    if (s->whole) {
        float kept_scale = tfl_tensor_scale(state);
        s->to_state = (double)(x->scale * tfl_scale(w, 0)) / (double)kept_scale;
        s->to_out = (double)(kept_scale * tfl_scale(time, 0)) /
                    (double)tfl_tensor_scale(c->declared[0]);
    }
    return 1;
}

void tfl_do_svdf(tfl_run *r, tfl_call *c, int what)
{
    svdf s = {0};
    tfl_value *b = operand(c, 3);
    uint32_t dims[2], out[2];
    int activation = tfl_option(c, 1, 0);
    const float *w, *time;
    ir_id x;

    (void)what;
    if (!c->outputs || !c->out[0] || !read_svdf(r, c, &s))
        return;
    if (b && (!tfl_constant(r, b) || tfl_elements(b) != s.units)) {
        tfl_unsupported(r, c, "a bias of another kind");
        return;
    }
    tfl_spend(r, tfl_elements(c->in[1]) + tfl_elements(c->in[2]));
    w = s.whole ? tfl_floats(r, c->in[1]) : tfl_real_floats(r, c->in[1]);
    time = s.whole ? tfl_floats(r, c->in[2]) : tfl_real_floats(r, c->in[2]);
    x = s.whole ? tfl_id(r, c->in[0]) : tfl_real(r, c->in[0]);
    x = ir_reshape(r->g, x, 1, &s.inputs);
    x = tfl_dense(r, x, s.inputs, s.filters, w, NULL, NULL);
    if (s.whole) {
        tfl_factors f = {1, &s.to_state, MLI_ROUND_TWICE, 0, -32768.f, 32767.f};
        x = tfl_fixed(r, MLI_REQUANTIZE_SCALE, x, IR_NONE, &f);
    }
    x = move_on(r, c, &s, x);
    dims[0] = s.filters;
    dims[1] = s.memory;
    x = ir_binary(r->g, MLI_MUL, x, ir_const(r->g, 2, dims, time));
    dims[0] = s.units;
    dims[1] = s.rank * s.memory;
    x = ir_reshape(r->g, x, 2, dims);
    x = ir_reduce(r->g, MLI_REDUCE_SUM, x, 2u, 0);
    if (b)
        x = ir_binary(r->g, MLI_ADD, x,
                      ir_const1(r->g, s.units, tfl_floats(r, b)));
    out[0] = 1;
    out[1] = s.units;
    x = ir_reshape(r->g, x, 2, out);
    if (s.whole)
        tfl_put_fixed(r, c, 0, x, 1, &s.to_out, MLI_ROUND_TWICE, activation);
    else
        tfl_put_active(r, c, 0, x, activation);
}
