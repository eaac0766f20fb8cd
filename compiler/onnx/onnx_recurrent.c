/*
 * onnx_recurrent.c - LSTM, GRU, RNN.
 *
 * ONNX keeps W [directions, gates*H, I], R [directions, gates*H, H], B
 * [directions, 2*gates*H] (W's, then R's), with gates i o f c and z r h; the
 * ir wants i f g o and r z n.
 */
#include <string.h>
#include "onnx_cell.h"

#define MAX_BATCH 64

typedef struct layer {
    int kind, gates, layout, backwards, directions;
    int64_t units, inputs, frames, batch;
    onnx_value *w, *r, *b, *h0, *c0;
    int reset_before;
    mli_unary fn;
} layer;

static int attributes(onnx_run *r, onnx_call *c, layer *l)
{
    const char *direction = onnx_string(c, "direction", "forward");
    onnx_value *lengths = onnx_input(c, 4);
    l->backwards = !strcmp(direction, "reverse");
    l->directions = strcmp(direction, "bidirectional") ? 1 : 2;
    l->reset_before = !onnx_int(c, "linear_before_reset", 0);
    l->fn = onnx_is_relu(c) ? MLI_RELU : MLI_TANH;
    for (int64_t k = 0; lengths && k < l->batch; k++)
        if (lengths->kind != ONNX_CONST || k >= onnx_elements(lengths) ||
            onnx_int_at(lengths, k) != l->frames) {
            onnx_unsupported(r, c, "sequence lengths");
            return 0;
        }
    return 1;
}

static int shape_is(const onnx_value *v, int64_t a, int64_t b, int64_t n)
{
    return v->rank == (n < 0 ? 2 : 3) && v->dims[0] == a && v->dims[1] == b &&
           (n < 0 || v->dims[2] == n);
}

static void weights(onnx_run *r, onnx_call *c, layer *l)
{
    int64_t rows, d = l->directions;
    l->w = onnx_input(c, 1);
    l->r = onnx_input(c, 2);
    l->b = onnx_input(c, 3);
    l->h0 = onnx_input(c, 5);
    l->c0 = l->kind == ONNX_LSTM ? onnx_input(c, 6) : NULL;
    if (l->r->rank != 3)
        onnx_bad(r, c, "recurrent weights with %d axes", l->r->rank);
    l->units = l->r->dims[2];
    rows = l->gates * l->units;
    if (l->units < 1 || !shape_is(l->w, d, rows, l->inputs) ||
        !shape_is(l->r, d, rows, l->units) ||
        (l->b && !shape_is(l->b, d, 2 * rows, -1)))
        onnx_bad(r, c, "weights do not fit %lld inputs and %lld units",
                 (long long)l->inputs, (long long)l->units);
    for (int k = 0; k < 2; k++) {
        onnx_value *s = k ? l->c0 : l->h0;
        if (s && onnx_elements(s) != d * l->batch * l->units)
            onnx_bad(r, c, "an initial state of %lld (expected %lld)",
                     (long long)onnx_elements(s),
                     (long long)(d * l->batch * l->units));
    }
}

/* The state of one direction and batch row; NULL: zeros. */
static float *initial(onnx_run *r, const layer *l, const onnx_value *v,
                      int64_t d, int64_t n)
{
    int64_t row = l->layout ? n * l->directions + d : d * l->batch + n;
    float *h;
    int any = 0;
    if (!v)
        return NULL;
    h = onnx_take(r->pool, (size_t)l->units, sizeof *h);
    for (int64_t k = 0; k < l->units; k++) {
        h[k] = onnx_at(v, row * l->units + k);
        any |= h[k] != 0.f;
    }
    return any ? h : NULL;
}

/* A smaller model's recurrent layers are floats: those are faster as long as
   the caches hold them. */
#define SMALL_MODEL ((uint64_t)1 << 19) /* bytes */

/* The rows of one direction, if they are raw. 1: bytes are they. */
static int small_rows(onnx_run *r, const onnx_value *w, int64_t d,
                      ir_bytes *bytes)
{
    onnx_value side = *w;
    onnx_raw raw;
    if (!w->raw || r->model->file_bytes + r->model->beside_bytes < SMALL_MODEL)
        return 0;
    raw = *w->raw; /* [1, rows, columns] */
    raw.base += d * raw.strides[0];
    if (raw.scale && raw.scale_axis == ONNX_FIRST_TWO) {
        raw.scale += d * w->dims[1];
        raw.scale_axis = 1;
    }
    if (raw.zero && raw.zero_axis == ONNX_FIRST_TWO) {
        raw.zero += d * w->dims[1];
        raw.zero_axis = 1;
    }
    side.raw = &raw;
    if (!onnx_layer_bytes(r, &side, 1, bytes))
        return 0;
    bytes->output = (size_t)raw.strides[1];
    bytes->input = (size_t)raw.strides[2];
    return 1;
}

/* One direction over one sequence. */
static ir_id one_layer(onnx_run *r, const layer *l, ir_id x, int64_t d,
                       int64_t n)
{
    static const mli_op_type types[] = {MLI_OP_LSTM, MLI_OP_GRU, MLI_OP_RNN};
    static const uint8_t order[3][4] = {{0, 2, 3, 1}, {1, 0, 2}, {0}};
    int64_t rows = l->gates * l->units;
    const float *b = l->b ? onnx_floats(r, l->b) + d * 2 * rows : NULL;
    ir_bytes ih = {0}, hh = {0};
    int small_ih = small_rows(r, l->w, d, &ih);
    int small_hh = small_rows(r, l->r, d, &hh);
    ir_cell cell = {
        .inputs = (uint32_t)l->inputs,
        .units = (uint32_t)l->units,
        .w_ih = small_ih ? NULL : onnx_floats(r, l->w) + d * rows * l->inputs,
        .w_hh = small_hh ? NULL : onnx_floats(r, l->r) + d * rows * l->units,
        .bytes_ih = small_ih ? &ih : NULL,
        .bytes_hh = small_hh ? &hh : NULL,
        .b_ih = b,
        .b_hh = b ? b + rows : NULL,
        .h0 = initial(r, l, l->h0, d, n),
        .c0 = initial(r, l, l->c0, d, n),
        .order = order[l->kind],
        .reset_before_product = l->reset_before,
        .fn = l->fn,
    };
    ir_id y = ir_recurrent(r->g, types[l->kind], x, &cell);
    if (l->h0 && l->h0->state && d == 0 && !l->backwards)
        y = ir_recurrent_lasts(r->g, y);
    return y;
}

/* [frames, features] of batch row n. */
static ir_id sequence(onnx_run *r, const layer *l, onnx_value *x, int64_t n)
{
    uint32_t flat[2] = {(uint32_t)l->frames, (uint32_t)l->inputs};
    ir_id id = onnx_id(r, x);
    id = ir_slice(r->g, id, l->layout ? 0 : 1, (uint32_t)n, 1, 1);
    return onnx_shaped(r, id, 2, flat);
}

static ir_id reversed(onnx_run *r, ir_id id, int64_t frames)
{
    return ir_slice(r->g, id, 0, (uint32_t)frames - 1, -1, (uint32_t)frames);
}

/* Y and Y_h in ONNX's layout from y[direction][row], each [frames, units]. */
static void assemble(onnx_run *r, onnx_call *c, const layer *l, ir_id *y)
{
    ir_graph *g = r->g;
    uint32_t t = (uint32_t)l->frames, h = (uint32_t)l->units;
    uint32_t all[4] = {t, 1, 1, h}, last[3] = {1, 1, h};
    int64_t d = l->directions, n = l->batch;
    ir_id rows[MAX_BATCH], sides[2], ends[2];
    for (int64_t k = 0; k < d; k++) {
        ir_id ends_of[MAX_BATCH];
        for (int64_t i = 0; i < n; i++) {
            ir_id one = y[k * n + i];
            int back = l->backwards || k == 1;
            ends_of[i] = ir_slice(g, one, 0, back ? 0 : t - 1, 1, 1);
            ends_of[i] = onnx_shaped(r, ends_of[i], 3, last);
            rows[i] = onnx_shaped(r, one, 4, all);
        }
        sides[k] = ir_concat(g, rows, (uint32_t)n, 2);
        ends[k] = ir_concat(g, ends_of, (uint32_t)n, 1);
    }
    sides[0] = ir_concat(g, sides, (uint32_t)d, 1); /* [T, D, N, H] */
    ends[0] = ir_concat(g, ends, (uint32_t)d, 0);   /* [D, N, H] */
    {
        int64_t dims[4] = {l->frames, d, n, l->units};
        int64_t flat[3] = {d, n, l->units};
        static const int turn[4] = {2, 0, 1, 3}, swap[3] = {1, 0, 2};
        onnx_value *out = onnx_new(r, ONNX_RUNS, ONNX_FLOAT, 4, dims);
        out->id = sides[0];
        out->time = c->in[0]->time == l->layout ? 0 : -1;
        c->out[0] = l->layout ? onnx_transposed(r, out, turn) : out;
        if (c->outputs > 1) {
            out = onnx_new(r, ONNX_RUNS, ONNX_FLOAT, 3, flat);
            out->id = ends[0];
            c->out[1] = l->layout ? onnx_transposed(r, out, swap) : out;
        }
    }
}

static void final_state(onnx_run *r, onnx_call *c, const layer *l, int n)
{
    int64_t dims[3] = {l->directions, l->batch, l->units};
    if (l->layout) {
        dims[0] = l->batch;
        dims[1] = l->directions;
    }
    if (c->outputs > n)
        c->out[n] = onnx_new(r, ONNX_FINAL, ONNX_FLOAT, 3, dims);
}

static void in_time(onnx_run *r, onnx_call *c, const layer *l)
{
    onnx_value *x = c->in[0];
    int64_t dims[4] = {l->frames, 1, l->batch, l->units};
    uint32_t row[3] = {1, 1, (uint32_t)l->units};
    ir_id id[MAX_BATCH];
    if (x->time != l->layout)
        onnx_not_in_time(r, c, "runs along another axis than time");
    if (l->backwards || l->directions > 1)
        onnx_not_in_time(r, c, "runs backwards in time");
    for (uint32_t n = 0; n < (uint32_t)l->batch; n++) {
        ir_id one = x->id;
        if (l->batch > 1) /* [batch, features] */
            one = ir_slice(r->g, onnx_id(r, x), 0, n, 1, 1);
        id[n] = one_layer(r, l, one, 0, n);
        if (x->shift) /* before frame 0 there is nothing to hear */
            id[n] = ir_recurrent_hold(r->g, id[n], (uint32_t)-x->shift);
        if (l->batch > 1)
            id[n] = onnx_shaped(r, id[n], 3, row);
    }
    if (l->layout) {
        dims[0] = l->batch;
        dims[1] = l->frames;
        dims[2] = 1;
    }
    c->out[0] =
        onnx_result(r, x, 4, dims, l->layout,
                    ir_concat(r->g, id, (uint32_t)l->batch, l->layout ? 0 : 1));
    c->out[0]->clean = 1;
    final_state(r, c, l, 1);
    final_state(r, c, l, 2);
}

/* Forms that the core's layers are not. */
static void written_out(onnx_run *r, onnx_call *c, int what)
{
    if (c->in[0]->time == (onnx_int(c, "layout", 0) != 0)) {
        r->layers_in_time++;
        onnx_not_in_time(r, c, "has a form that does not run in time");
    } else if (onnx_timed(r, c->in[0])) {
        onnx_not_in_time(r, c, "runs along another axis than time");
    }
    onnx_cells(r, c, what);
}

static int is_computed(const onnx_value *v)
{
    return v && v->kind != ONNX_CONST;
}

/* Where states do not stay in the session, the last cell state is a result. */
static int wants_cell(const onnx_run *r, const onnx_call *c)
{
    return r->bind_count && c->outputs > 2 && c->node->out[2][0];
}

/* what: LSTM, GRU or RNN. */
void onnx_do_recurrent(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0];
    static const int gates[] = {4, 3, 1};
    layer l = {.kind = what, .gates = gates[what]};
    ir_id y[2 * MAX_BATCH];
    if (x->rank != 3)
        onnx_bad(r, c, "a sequence with %d axes (expected 3)", x->rank);
    if (onnx_is_unusual(c, what) || is_computed(onnx_input(c, 5)) ||
        is_computed(onnx_input(c, 6)) || wants_cell(r, c)) {
        written_out(r, c, what);
        return;
    }
    l.layout = onnx_int(c, "layout", 0) != 0;
    l.frames = x->dims[l.layout];
    l.batch = x->dims[!l.layout];
    l.inputs = x->dims[2];
    if (l.batch > MAX_BATCH || l.batch < 1 || l.frames < 1) {
        onnx_unsupported(r, c, "a batch of %lld", (long long)l.batch);
        return;
    }
    if (!attributes(r, c, &l))
        return;
    weights(r, c, &l);
    if (x->time == l.layout)
        r->layers_in_time++;
    if (onnx_timed(r, x)) {
        in_time(r, c, &l);
        return;
    }
    if (x->time == l.layout && (l.backwards || l.directions > 1))
        onnx_not_in_time(r, c, "runs backwards in time");
    for (int64_t d = 0; d < l.directions; d++)
        for (int64_t n = 0; n < l.batch; n++) {
            ir_id one = sequence(r, &l, x, n);
            int back = l.backwards || d == 1;
            one = back ? reversed(r, one, l.frames) : one;
            one = one_layer(r, &l, one, d, n);
            y[d * l.batch + n] = back ? reversed(r, one, l.frames) : one;
        }
    assemble(r, c, &l, y);
    final_state(r, c, &l, 2);
}
