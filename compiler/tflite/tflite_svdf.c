/*
 * tflite_svdf.c - SVDF layers.
 *
 * operands: x [1, inputs], feature weights [filters, inputs], time weights
 * [filters, memory], bias, state [1, filters * memory], oldest first
 */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_recurrent.h"

typedef struct svdf {
    uint32_t filters, memory, units, rank, inputs;
    int whole;
    double to_state, to_out;
} svdf;

/* The state, one step further. */
static ir_id move_on(tfl_run *r, tfl_call *c, const svdf *s, ir_id now)
{
    uint32_t dims[2] = {s->filters, s->memory}, one[2] = {s->filters, 1};
    ir_id part[2], state = tfl_read_state(r, c, 4, s->filters * s->memory);

    state = ir_reshape(r->g, state, 2, dims);
    now = ir_reshape(r->g, now, 2, one);
    if (s->memory > 1) {
        part[0] = ir_slice(r->g, state, 1, 1, 1, s->memory - 1);
        part[1] = now;
        state = ir_concat(r->g, part, 2, 1);
    } else {
        state = now;
    }
    tfl_write_state(r, c, 4, state);
    return state;
}

static int read_svdf(tfl_run *r, tfl_call *c, svdf *s)
{
    tfl_value *x = c->in[0], *w = c->in[1], *time = c->in[2];
    const tfl_tensor *state = tfl_state_tensor(c, 4);
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
    tfl_value *b = tfl_operand(c, 3);
    uint32_t dims[2], out[2];
    int activation = tfl_option(c, 1, 0);
    const float *time;
    ir_bytes w;
    ir_id x;

    (void)what;
    if (!c->outputs || !c->out[0] || !read_svdf(r, c, &s))
        return;
    if (b && (!tfl_constant(r, b) || tfl_elements(b) != s.units)) {
        tfl_unsupported(r, c, "a bias of another kind");
        return;
    }
    tfl_spend(r, tfl_elements(c->in[1]) + tfl_elements(c->in[2]));
    tfl_numbers(r, c->in[1], 0, !s.whole, &w);
    w.output = s.inputs;
    w.input = 1;
    time = s.whole ? tfl_floats(r, c->in[2]) : tfl_real_floats(r, c->in[2]);
    x = s.whole ? tfl_id(r, c->in[0]) : tfl_real(r, c->in[0]);
    x = ir_reshape(r->g, x, 1, &s.inputs);
    x = tfl_dense_bytes(r, x, s.inputs, s.filters, &w, NULL, NULL);
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
