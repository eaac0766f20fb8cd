/*
 * onnx_cell.c - recurrent layers in every form that ONNX has, step by step:
 * what the layers of the core do not have, and final states that somebody
 * uses. For sequences of known length.
 *
 * ONNX keeps W [D, gates*H, I], R [D, gates*H, H], B [D, 2*gates*H], peepholes
 * P [D, 3*H] (i o f), with gates i o f c, z r h, or one.
 */
#include <math.h>
#include <string.h>
#include "onnx_cell.h"

#define MAX_STEPS 2048

typedef struct function {
    mli_unary fn;
    float p, q;
    int affine;         /* p*x + q instead */
    float outer, inner; /* outer * fn(inner * x) */
} function;

typedef struct cells {
    int kind, gates, layout, reset_after, coupled;
    int64_t directions, units, frames, batch;
    float clip;
    function f[6]; /* three a direction at most */
    int each;      /* functions of a direction */
    onnx_value *x; /* [frames, batch, inputs] */
    onnx_value *w, *r, *b, *h0, *c0, *peep;
} cells;

/* ------------------------------------------------------- functions ---- */

static int equal(const char *a, const char *b)
{
    for (; *a || *b; a++, b++)
        if ((*a | 32) != (*b | 32))
            return 0;
    return 1;
}

/* params: how many of alpha and beta a function takes */
static const struct {
    const char *name;
    mli_unary fn;
    int params;
    float alpha, beta;
} known[] = {{"Affine", MLI_IDENTITY, 2, 1.f, 0.f},
             {"Elu", MLI_ELU, 1, 1.f, 0.f},
             {"HardSigmoid", MLI_HARD_SIGMOID, 2, 0.2f, 0.5f},
             {"LeakyRelu", MLI_LEAKY_RELU, 1, 0.01f, 0.f},
             {"Relu", MLI_RELU, 0, 0.f, 0.f},
             {"ScaledTanh", MLI_TANH, 2, 1.f, 1.f},
             {"Sigmoid", MLI_SIGMOID, 0, 0.f, 0.f},
             {"Softplus", MLI_SOFTPLUS, 0, 0.f, 0.f},
             {"Softsign", MLI_SOFTSIGN, 0, 0.f, 0.f},
             {"Tanh", MLI_TANH, 0, 0.f, 0.f},
             {"ThresholdedRelu", MLI_THRESHOLDED_RELU, 1, 1.f, 0.f}};

/* alphas, betas: used up so far, as functions take them in turn */
static int read_function(const onnx_call *c, const char *name, function *f,
                         size_t *alphas, size_t *betas)
{
    const onnx_attr *a = onnx_attr_of(c, "activation_alpha");
    const onnx_attr *b = onnx_attr_of(c, "activation_beta");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        float p = known[i].alpha, q = known[i].beta;
        if (!equal(name, known[i].name))
            continue;
        if (known[i].params > 0 && a && *alphas < a->floats_count)
            p = a->floats[(*alphas)++];
        if (known[i].params > 1 && b && *betas < b->floats_count)
            q = b->floats[(*betas)++];
        *f = (function){known[i].fn, p, q, 0, 1.f, 1.f};
        f->affine = known[i].fn == MLI_IDENTITY;
        if (known[i].params == 2 && known[i].fn == MLI_TANH) {
            f->outer = p;
            f->inner = q;
            f->p = f->q = 0.f;
        }
        return 1;
    }
    return 0;
}

static int read_functions(onnx_run *r, onnx_call *c, cells *l)
{
    static const char *const usual[3][3] = {
        {"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", ""}, {"Tanh", "", ""}};
    const onnx_attr *a = onnx_attr_of(c, "activations");
    size_t alphas = 0, betas = 0;
    l->each = l->kind == ONNX_LSTM ? 3 : l->kind == ONNX_GRU ? 2 : 1;
    for (int i = 0; i < l->each * (int)l->directions; i++) {
        const char *name = usual[l->kind][i % l->each];
        if (a && (size_t)i < a->strings_count)
            name = a->strings[i];
        if (!read_function(c, name, &l->f[i], &alphas, &betas)) {
            onnx_unsupported(r, c, "activation %.30s", name);
            return 0;
        }
    }
    return 1;
}

static onnx_value *times(onnx_run *r, onnx_call *c, onnx_value *v, float k)
{
    return k == 1.f ? v : onnx_binary(r, c, MLI_MUL, v, onnx_new_scalar(r, k));
}

static onnx_value *clipped(onnx_run *r, const cells *l, onnx_value *v)
{
    return l->clip > 0.f ? onnx_unary(r, v, MLI_HARD_TANH, -l->clip, l->clip)
                         : v;
}

/* Function n of direction d of what is clipped first. */
static onnx_value *applied(onnx_run *r, onnx_call *c, const cells *l, int64_t d,
                           int n, onnx_value *v)
{
    const function *f = &l->f[d * l->each + n];
    if (n < 2) /* the cell's state is not clipped */
        v = clipped(r, l, v);
    if (f->affine)
        return onnx_binary(r, c, MLI_ADD, times(r, c, v, f->p),
                           onnx_new_scalar(r, f->q));
    v = times(r, c, v, f->inner);
    return times(r, c, onnx_unary(r, v, f->fn, f->p, f->q), f->outer);
}

/* ------------------------------------------------------------ operands ---- */

static onnx_value *as_float(onnx_run *r, onnx_value *v)
{
    onnx_value *y;
    if (!v || v->kind != ONNX_CONST || v->f)
        return v;
    y = onnx_new(r, ONNX_CONST, ONNX_FLOAT, v->rank, v->dims);
    y->f = (float *)(uintptr_t)onnx_floats(r, v);
    return y;
}

/* Element n along axis 0 of [D, ...], without that axis; NULL stays NULL. */
static onnx_value *part(onnx_run *r, onnx_call *c, onnx_value *v, int64_t n)
{
    if (!v)
        return v;
    v = onnx_sliced(r, c, v, 0, n, 1, 1);
    return onnx_reshaped(r, c, v, v->rank - 1, v->dims + 1);
}

/* m [rows, columns], transposed, for a product with rows of x. */
static onnx_value *turned(onnx_run *r, onnx_value *m)
{
    static const int swap[2] = {1, 0};
    return onnx_transposed(r, m, swap);
}

/* Gate n, or some more, of the last axis. */
static onnx_value *gate(onnx_run *r, onnx_call *c, const cells *l,
                        onnx_value *v, int n, int count)
{
    return onnx_sliced(r, c, v, v->rank - 1, n * l->units, 1, count * l->units);
}

static onnx_value *sum(onnx_run *r, onnx_call *c, onnx_value *a, onnx_value *b)
{
    return b ? onnx_binary(r, c, MLI_ADD, a, b) : a;
}

static onnx_value *product(onnx_run *r, onnx_call *c, onnx_value *a,
                           onnx_value *b)
{
    return onnx_binary(r, c, MLI_MUL, a, b);
}

static onnx_value *one_minus(onnx_run *r, onnx_call *c, onnx_value *v)
{
    return onnx_binary(r, c, MLI_SUB, onnx_new_scalar(r, 1.f), v);
}

/* ------------------------------------------------------------ one step ---- */

typedef struct direction {
    int64_t d;
    onnx_value *u; /* recurrent matrix, turned: [H, gates*H] */
    onnx_value *b; /* its bias [gates*H], or NULL */
    onnx_value *peep;
    onnx_value *h, *c; /* [batch, H] */
} direction;

static void lstm_step(onnx_run *r, onnx_call *c, const cells *l, direction *s,
                      onnx_value *x)
{
    onnx_value *all =
        sum(r, c, sum(r, c, x, onnx_matmul(r, c, s->h, s->u)), s->b);
    onnx_value *i = gate(r, c, l, all, 0, 1), *o = gate(r, c, l, all, 1, 1);
    onnx_value *f = gate(r, c, l, all, 2, 1), *g = gate(r, c, l, all, 3, 1);
    if (s->peep) {
        i = sum(r, c, i, product(r, c, s->c, gate(r, c, l, s->peep, 0, 1)));
        f = sum(r, c, f, product(r, c, s->c, gate(r, c, l, s->peep, 2, 1)));
    }
    i = applied(r, c, l, s->d, 0, i);
    f = l->coupled ? one_minus(r, c, i) : applied(r, c, l, s->d, 0, f);
    g = applied(r, c, l, s->d, 1, g);
    s->c = sum(r, c, product(r, c, f, s->c), product(r, c, i, g));
    if (s->peep)
        o = sum(r, c, o, product(r, c, s->c, gate(r, c, l, s->peep, 1, 1)));
    o = applied(r, c, l, s->d, 0, o);
    s->h = product(r, c, o, applied(r, c, l, s->d, 2, s->c));
}

/* z and r from both products; the candidate's either before or after r. */
static void gru_step(onnx_run *r, onnx_call *c, const cells *l, direction *s,
                     onnx_value *x)
{
    onnx_value *uz = gate(r, c, l, s->u, 0, 2), *un = gate(r, c, l, s->u, 2, 1);
    onnx_value *bz = s->b ? gate(r, c, l, s->b, 0, 2) : NULL;
    onnx_value *bn = s->b ? gate(r, c, l, s->b, 2, 1) : NULL;
    onnx_value *zr = gate(r, c, l, x, 0, 2), *n, *z, *reset;
    zr = sum(r, c, sum(r, c, zr, onnx_matmul(r, c, s->h, uz)), bz);
    zr = applied(r, c, l, s->d, 0, zr);
    z = gate(r, c, l, zr, 0, 1);
    reset = gate(r, c, l, zr, 1, 1);
    if (l->reset_after) {
        n = sum(r, c, onnx_matmul(r, c, s->h, un), bn);
        n = product(r, c, reset, n);
    } else {
        n = onnx_matmul(r, c, product(r, c, reset, s->h), un);
        n = sum(r, c, n, bn);
    }
    n = sum(r, c, gate(r, c, l, x, 2, 1), n);
    n = applied(r, c, l, s->d, 1, n);
    s->h =
        sum(r, c, product(r, c, one_minus(r, c, z), n), product(r, c, z, s->h));
}

static void rnn_step(onnx_run *r, onnx_call *c, const cells *l, direction *s,
                     onnx_value *x)
{
    x = sum(r, c, sum(r, c, x, onnx_matmul(r, c, s->h, s->u)), s->b);
    s->h = applied(r, c, l, s->d, 0, x);
}

/* ---------------------------------------------------------- the layer ---- */

/* The state that a direction begins with, [batch, H]. */
static onnx_value *initial(onnx_run *r, onnx_call *c, const cells *l,
                           onnx_value *v, int64_t d)
{
    static const int swap[3] = {1, 0, 2};
    int64_t dims[2] = {l->batch, l->units};
    if (!v)
        return onnx_new_const(r, ONNX_FLOAT, 2, dims);
    if (v->rank != 3 || v->dims[2] != l->units ||
        v->dims[l->layout ? 1 : 0] != l->directions ||
        v->dims[l->layout ? 0 : 1] != l->batch)
        onnx_bad(r, c, "an initial state of %lld (expected %lld)",
                 (long long)onnx_elements(v),
                 (long long)(l->directions * l->batch * l->units));
    if (l->layout)
        v = onnx_transposed(r, v, swap);
    return part(r, c, as_float(r, v), d);
}

/* W x + Wb for all frames: [frames, batch, gates*H]. */
static onnx_value *projected(onnx_run *r, onnx_call *c, const cells *l,
                             int64_t d)
{
    onnx_value *y = onnx_matmul(r, c, l->x, turned(r, part(r, c, l->w, d)));
    onnx_value *b = part(r, c, l->b, d);
    return sum(r, c, y, b ? gate(r, c, l, b, 0, l->gates) : NULL);
}

/* One direction over the first `length` frames: y[t], and the last states. */
static void run(onnx_run *r, onnx_call *c, const cells *l, int64_t d,
                int backwards, onnx_value **y, onnx_value **h,
                onnx_value **cell)
{
    onnx_value *x = projected(r, c, l, d), *b = part(r, c, l->b, d);
    int64_t dims[2] = {l->batch, l->gates * l->units};
    direction s = {.d = d,
                   .u = turned(r, part(r, c, l->r, d)),
                   .b = b ? gate(r, c, l, b, l->gates, l->gates) : NULL,
                   .peep = part(r, c, l->peep, d),
                   .h = initial(r, c, l, l->h0, d),
                   .c = initial(r, c, l, l->c0, d)};
    for (int64_t i = 0; i < l->frames; i++) {
        int64_t t = backwards ? l->frames - 1 - i : i;
        onnx_value *now = onnx_sliced(r, c, x, 0, t, 1, 1);
        now = onnx_reshaped(r, c, now, 2, dims);
        if (l->kind == ONNX_LSTM)
            lstm_step(r, c, l, &s, now);
        else if (l->kind == ONNX_GRU)
            gru_step(r, c, l, &s, now);
        else
            rnn_step(r, c, l, &s, now);
        y[t] = s.h;
    }
    *h = s.h;
    *cell = s.c;
}

/* count values [batch, H] as [1, count, batch, H] or so: dims are those of
   each, to be joined along an axis of it. */
static onnx_value *joined(onnx_run *r, onnx_call *c, onnx_value **v, int count,
                          int rank, const int64_t *dims, int axis)
{
    for (int i = 0; i < count; i++)
        v[i] = onnx_reshaped(r, c, v[i], rank, dims);
    return onnx_concat(r, c, v, count, axis);
}

/* y[0]: all results [T, D, N, H]; y[1], y[2]: states [D, N, H]. */
static void all_directions(onnx_run *r, onnx_call *c, const cells *l,
                           int reverse, onnx_value **out)
{
    int64_t one[4] = {1, 1, l->batch, l->units};
    onnx_value *side[2], *h[2], *cell[2];
    for (int64_t d = 0; d < l->directions; d++) {
        onnx_value **y = onnx_take(r->pool, (size_t)l->frames, sizeof *y);
        run(r, c, l, d, reverse || d == 1, y, &h[d], &cell[d]);
        side[d] = joined(r, c, y, (int)l->frames, 4, one, 0);
    }
    out[0] = onnx_concat(r, c, side, (int)l->directions, 1);
    out[1] = joined(r, c, h, (int)l->directions, 3, one + 1, 0);
    out[2] = l->kind == ONNX_LSTM
                 ? joined(r, c, cell, (int)l->directions, 3, one + 1, 0)
                 : NULL;
}

/* A layer of one batch row, `length` frames of it, filled up with zeros. */
static void one_row(onnx_run *r, onnx_call *c, const cells *l, int reverse,
                    int64_t n, int64_t length, onnx_value **out)
{
    static const int swap[3] = {1, 0, 2};
    cells row = *l;
    row.batch = 1;
    row.frames = length;
    row.x = onnx_sliced(r, c, l->x, 1, n, 1, 1);
    row.x = onnx_sliced(r, c, row.x, 0, 0, 1, length);
    for (int k = 0; k < 2; k++) {
        onnx_value **state = k ? &row.c0 : &row.h0;
        if (*state && l->layout)
            *state = onnx_transposed(r, *state, swap);
        if (*state)
            *state = onnx_sliced(r, c, *state, 1, n, 1, 1);
    }
    row.layout = 0;
    all_directions(r, c, &row, reverse, out);
    out[0] = onnx_padded(r, c, out[0], 0, 0, l->frames - length, 0.f);
}

/* Rows that end at different frames. */
static void rows_apart(onnx_run *r, onnx_call *c, const cells *l, int reverse,
                       const onnx_value *lengths, onnx_value **out)
{
    onnx_value **all[3];
    for (int k = 0; k < 3; k++)
        all[k] = onnx_take(r->pool, (size_t)l->batch, sizeof **all);
    for (int64_t n = 0; n < l->batch; n++) {
        onnx_value *one[3];
        one_row(r, c, l, reverse, n, onnx_int_at(lengths, n), one);
        for (int k = 0; k < 3; k++)
            all[k][n] = one[k];
    }
    for (int k = 0; k < 3; k++)
        out[k] = all[k][0] ? onnx_concat(r, c, all[k], (int)l->batch, k ? 1 : 2)
                           : NULL;
}

static int operands(onnx_run *r, onnx_call *c, cells *l)
{
    static const int swap[3] = {1, 0, 2};
    onnx_value *x = as_float(r, c->in[0]);
    int64_t rows;
    l->layout = onnx_int(c, "layout", 0) != 0;
    if (x->rank != 3 || c->in[2]->rank != 3 || c->in[1]->rank != 3)
        onnx_bad(r, c, "a sequence or weights without 3 axes");
    l->x = l->layout ? onnx_transposed(r, x, swap) : x;
    if (l->x->time >= 0 && !onnx_timed(r, l->x)) {
        l->x = onnx_like(r, l->x, 3, l->x->dims, -1, l->x->id);
    }
    l->frames = l->x->dims[0];
    l->batch = l->x->dims[1];
    l->w = as_float(r, c->in[1]);
    l->r = as_float(r, c->in[2]);
    l->b = as_float(r, onnx_input(c, 3));
    l->h0 = as_float(r, onnx_input(c, 5));
    l->c0 = l->kind == ONNX_LSTM ? as_float(r, onnx_input(c, 6)) : NULL;
    l->peep = l->kind == ONNX_LSTM ? as_float(r, onnx_input(c, 7)) : NULL;
    l->units = l->r->dims[2];
    rows = l->gates * l->units;
    if (l->units < 1 || l->w->dims[0] != l->directions ||
        l->r->dims[0] != l->directions || l->w->dims[1] != rows ||
        l->r->dims[1] != rows || l->w->dims[2] != l->x->dims[2] ||
        (l->b && (l->b->rank != 2 || l->b->dims[0] != l->directions ||
                  l->b->dims[1] != 2 * rows)) ||
        (l->peep && (l->peep->rank != 2 || l->peep->dims[0] != l->directions ||
                     l->peep->dims[1] != 3 * l->units)))
        onnx_bad(r, c, "weights do not fit %lld inputs and %lld units",
                 (long long)l->x->dims[2], (long long)l->units);
    if (l->frames * l->directions > MAX_STEPS || l->frames < 1) {
        onnx_unsupported(r, c, "this form over %lld frames",
                         (long long)l->frames);
        return 0;
    }
    return 1;
}

/* Its sequence lengths: 1 all frames, 0 fewer, -1 reported. */
static int lengths_of(onnx_run *r, onnx_call *c, int64_t batch, int64_t frames)
{
    const onnx_value *v = onnx_input(c, 4);
    int full = 1;
    if (!v)
        return 1;
    if (v->kind != ONNX_CONST || onnx_elements(v) != batch) {
        onnx_unsupported(r, c, "computed sequence lengths");
        return -1;
    }
    for (int64_t i = 0; i < batch; i++) {
        int64_t n = onnx_int_at(v, i);
        if (n < 0 || n > frames)
            onnx_bad(r, c, "a sequence of %lld frames of %lld", (long long)n,
                     (long long)frames);
        if (n == 0) {
            onnx_unsupported(r, c, "an empty sequence");
            return -1;
        }
        full &= n == frames;
    }
    return full;
}

/* Functions that the core's layers have: the usual ones, and ReLU in RNN. */
static int usual_functions(const onnx_call *c, int kind)
{
    static const char *const usual[3][3] = {
        {"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh", ""}, {"Tanh", "", ""}};
    const onnx_attr *a = onnx_attr_of(c, "activations");
    size_t each = kind == ONNX_LSTM ? 3 : kind == ONNX_GRU ? 2 : 1;
    int relu = 0;
    for (size_t i = 0; a && i < a->strings_count; i++) {
        if (kind == ONNX_RNN && equal(a->strings[i], "Relu"))
            relu++;
        else if (!equal(a->strings[i], usual[kind][i % each]))
            return 0;
    }
    return relu == 0 || (a && (size_t)relu == a->strings_count);
}

int onnx_is_relu(const onnx_call *c)
{
    const onnx_attr *a = onnx_attr_of(c, "activations");
    return a && a->strings_count && equal(a->strings[0], "Relu");
}

int onnx_is_unusual(const onnx_call *c, int kind)
{
    const onnx_value *x = c->in[0], *lengths = onnx_input(c, 4);
    const onnx_value *peepholes = onnx_input(c, 7);
    int layout = onnx_int(c, "layout", 0) != 0;
    for (int i = 1; i < 4; i++)
        if (onnx_input(c, i) && c->in[i]->kind != ONNX_CONST)
            return 1;
    if (!usual_functions(c, kind) || onnx_float(c, "clip", 0.f) > 0.f ||
        (kind == ONNX_LSTM && onnx_int(c, "input_forget", 0)) ||
        (kind == ONNX_LSTM && peepholes && !onnx_all_zero(peepholes)))
        return 1;
    for (int64_t i = 0; lengths && lengths->kind == ONNX_CONST &&
                        x->rank == 3 && i < onnx_elements(lengths);
         i++)
        if (onnx_int_at(lengths, i) != x->dims[layout])
            return 1;
    return 0;
}

void onnx_cells(onnx_run *r, onnx_call *c, int kind)
{
    static const int turn[4] = {2, 0, 1, 3}, swap[3] = {1, 0, 2};
    const char *way = onnx_string(c, "direction", "forward");
    static const int gates[] = {4, 3, 1};
    cells l = {.kind = kind, .gates = gates[kind]};
    onnx_value *out[3] = {0};
    int full;
    l.directions = strcmp(way, "bidirectional") ? 1 : 2;
    l.clip = onnx_float(c, "clip", 0.f);
    l.coupled = kind == ONNX_LSTM && onnx_int(c, "input_forget", 0);
    l.reset_after = onnx_int(c, "linear_before_reset", 0) != 0;
    if (!read_functions(r, c, &l) || !operands(r, c, &l))
        return;
    full = lengths_of(r, c, l.batch, l.frames);
    if (full < 0)
        return;
    if (full)
        all_directions(r, c, &l, !strcmp(way, "reverse"), out);
    else
        rows_apart(r, c, &l, !strcmp(way, "reverse"), onnx_input(c, 4), out);
    for (int k = 0; k < c->outputs && k < 3; k++) {
        if (!out[k])
            continue;
        c->out[k] =
            !l.layout ? out[k] : onnx_transposed(r, out[k], k ? swap : turn);
        if (k == 0 && c->in[0]->time == l.layout)
            c->out[0]->time = l.layout;
    }
}
