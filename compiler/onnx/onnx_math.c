/*
 * onnx_math.c - element-wise operators, and what exporters take apart of them.
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "onnx_run.h"

onnx_value *onnx_unary(onnx_run *r, onnx_value *v, mli_unary fn, float p,
                       float q)
{
    ir_id x = v->kind == ONNX_CONST ? onnx_kept_id(r, v, 0) : v->id;
    return onnx_result(r, v, v->rank, v->dims, v->time,
                       ir_unary(r->g, fn, p, q, x));
}

/* What of an operand is left once time, `from_end` axes from its end, is out
   of the way; NULL if the operand depends on it. */
static onnx_value *beside_time(onnx_run *r, onnx_call *c, onnx_value *v,
                               int from_end, const onnx_value *like)
{
    int axis = v->rank - from_end, rank = 0;
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *u = v;
    if (axis < 0)
        return v;
    if (v->dims[axis] != 1) {
        u = onnx_uniform(r, v, axis);
        if (!u && (u = onnx_periodic(r, v, axis, like)))
            return u;
        if (!u) {
            onnx_not_in_time(r, c,
                             "uses a value that belongs to one length of time");
            return v;
        }
    }
    for (int i = 0; i < v->rank; i++)
        if (i != axis)
            dims[rank++] = v->dims[i];
    return onnx_like(r, u, rank, dims, -1,
                     u->kind == ONNX_RUNS ? u->id : IR_NONE);
}

/* An operand of y in the dims it needs to broadcast to y without its axes of
   one element. */
static ir_id operand(onnx_run *r, onnx_value *v, const onnx_value *y)
{
    uint32_t all[ONNX_MAX_RANK], own[ONNX_MAX_RANK], dims[ONNX_MAX_RANK];
    uint32_t rank = onnx_frame_dims(r, y, all), n = 0;
    uint32_t lead = rank - onnx_frame_dims(r, v, own);
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t dim = i < lead ? 1 : own[i - lead];
        if (all[i] != 1 && (n || dim != 1)) /* leading ones go as well */
            dims[n++] = dim;
    }
    return onnx_as(r, v, n, dims);
}

/* What element-wise operators share: the result of these operands, without id,
   and the operands' ids. v: replaced by what time asks for. */
static onnx_value *broadcast(onnx_run *r, onnx_call *c, onnx_value **v,
                             int count, ir_id *ids)
{
    int rank = 0, from_end = 0, type;
    int64_t dims[ONNX_MAX_RANK];
    const onnx_value *like = NULL;
    onnx_value *y;
    for (int k = 0; k < count; k++)
        rank = v[k]->rank > rank ? v[k]->rank : rank;
    for (int i = 1; i <= rank; i++) {
        int64_t n = 1;
        for (int k = 0; k < count; k++) {
            int64_t m = i <= v[k]->rank ? v[k]->dims[v[k]->rank - i] : 1;
            if (m != n && m != 1 && n != 1)
                onnx_bad(r, c, "axes of %lld and %lld do not broadcast",
                         (long long)n, (long long)m);
            n = m == 1 ? n : m;
        }
        dims[rank - i] = n;
    }
    for (int k = 0; k < count; k++) {
        if (v[k]->time < 0)
            continue;
        if (from_end && from_end != v[k]->rank - v[k]->time) {
            onnx_not_in_time(r, c, "mixes the time axes of its operands");
            from_end = 0;
            break;
        }
        from_end = v[k]->rank - v[k]->time;
        like = v[k];
    }
    if (r->mode == MLI_STREAM && from_end)
        for (int k = 0; k < count; k++)
            if (v[k]->time < 0)
                v[k] = beside_time(r, c, v[k], from_end, like);
    onnx_align(r, v, count);
    /* Types are the same in a graph; what is made here mixes with floats. */
    type = v[0]->type;
    for (int k = 1; k < count; k++)
        if (!onnx_type_is_float(type) && onnx_type_is_float(v[k]->type))
            type = v[k]->type;
    y = onnx_new(r, ONNX_RUNS, type, rank, dims);
    y->time = from_end ? rank - from_end : -1;
    for (int k = 0; k < count; k++)
        if (onnx_timed(r, v[k]))
            y->shift = v[k]->shift;
    for (int k = 0; k < count; k++)
        ids[k] = operand(r, v[k], y);
    return y;
}

onnx_value *onnx_binary(onnx_run *r, onnx_call *c, mli_binary fn, onnx_value *a,
                        onnx_value *b)
{
    onnx_value *v[2] = {a, b}, *y;
    ir_id ids[2];
    y = broadcast(r, c, v, 2, ids);
    y->id = ir_binary(r->g, fn, ids[0], ids[1]);
    return y;
}

onnx_value *onnx_chosen(onnx_run *r, onnx_call *c, onnx_value *when,
                        onnx_value *a, onnx_value *b)
{
    onnx_value *v[3] = {when, a, b}, *y;
    ir_id ids[3];
    y = broadcast(r, c, v, 3, ids);
    y->type = a->type;
    y->id = ir_select(r->g, ids[0], ids[1], ids[2]);
    return y;
}

/* ---------------------------------------------- what was taken apart ---- */

static int made_by(const onnx_value *v, const char *op, int inputs)
{
    return v && v->op && !strcmp(v->op, op) && v->inputs >= inputs;
}

static int about(const onnx_value *v, float want)
{
    float x;
    return onnx_single(v, &x) && fabsf(x - want) <= 1e-4f * fabsf(want);
}

/* v = one of a and a constant: the other one, else NULL. */
static onnx_value *beside_constant(const onnx_value *v, const char *op,
                                   float constant)
{
    if (!made_by(v, op, 2) || !v->in[0] || !v->in[1])
        return NULL;
    if (about(v->in[1], constant))
        return v->in[0];
    if (strcmp(op, "Div") && about(v->in[0], constant))
        return v->in[1];
    return NULL;
}

/* erf(x / sqrt 2): x. */
static onnx_value *erf_of(const onnx_value *v)
{
    onnx_value *x;
    if (!made_by(v, "Erf", 1))
        return NULL;
    x = beside_constant(v->in[0], "Div", 1.41421356f);
    return x ? x : beside_constant(v->in[0], "Mul", 0.70710678f);
}

/* v is x^3, as a power or as a product. */
static int is_cube(const onnx_value *v, const onnx_value *x)
{
    if (made_by(v, "Pow", 2))
        return v->in[0] == x && about(v->in[1], 3.f);
    for (int k = 0; made_by(v, "Mul", 2) && k < 2; k++) {
        const onnx_value *square = v->in[1 - k];
        if (v->in[k] == x && made_by(square, "Mul", 2) && square->in[0] == x &&
            square->in[1] == x)
            return 1;
    }
    return 0;
}

/* tanh(sqrt(2/pi) * (x + 0.044715 x^3)): x. */
static onnx_value *tanh_of(const onnx_value *v)
{
    onnx_value *inner, *cube;
    if (!made_by(v, "Tanh", 1))
        return NULL;
    inner = beside_constant(v->in[0], "Mul", 0.79788456f);
    if (!made_by(inner, "Add", 2))
        return NULL;
    for (int k = 0; k < 2; k++) {
        onnx_value *x = inner->in[k];
        cube = beside_constant(inner->in[1 - k], "Mul", 0.044715f);
        if (cube && is_cube(cube, x))
            return x;
    }
    return NULL;
}

/* 1 + erf(..) or 1 + tanh(..) of x. */
static onnx_value *gate_of(const onnx_value *v, mli_unary *fn)
{
    onnx_value *inner = beside_constant(v, "Add", 1.f), *x;
    if (!inner)
        return NULL;
    *fn = MLI_GELU;
    x = erf_of(inner);
    if (x)
        return x;
    *fn = MLI_GELU_TANH;
    return tanh_of(inner);
}

/*
 * a * b as one function of some x: x*sigmoid(x); x/2 * (1 + erf(x/sqrt 2)) in
 * any order, or with tanh. x is NULL if it is nothing of the kind.
 */
static onnx_value *product_of(onnx_value *a, onnx_value *b, mli_unary *fn)
{
    onnx_value *v[2] = {a, b}, *x;
    for (int k = 0; k < 2; k++) {
        onnx_value *one = v[k], *other = v[1 - k];
        if (made_by(one, "Sigmoid", 1) && one->in[0] == other) {
            *fn = MLI_SILU;
            return other;
        }
        /* (x * gate) * 0.5 */
        if (about(one, 0.5f) && made_by(other, "Mul", 2))
            for (int j = 0; j < 2; j++) {
                x = gate_of(other->in[j], fn);
                if (x && other->in[1 - j] == x)
                    return x;
            }
        /* (x * 0.5) * gate, x * (0.5 * gate) */
        x = gate_of(one, fn);
        if (x && (beside_constant(other, "Mul", 0.5f) == x ||
                  beside_constant(other, "Div", 2.f) == x))
            return x;
        if (made_by(one, "Mul", 2)) {
            onnx_value *gate = beside_constant(one, "Mul", 0.5f);
            x = gate ? gate_of(gate, fn) : NULL;
            if (x && x == other)
                return x;
        }
    }
    return NULL;
}

/* ReduceMean over the last axis, kept: its operand. */
static onnx_value *mean_of(const onnx_value *v)
{
    onnx_value *x;
    if (!made_by(v, "ReduceMean", 1))
        return NULL;
    x = v->in[0];
    if (!x || v->rank != x->rank || !v->rank)
        return NULL;
    for (int i = 0; i < v->rank; i++)
        if (v->dims[i] != (i == v->rank - 1 ? 1 : x->dims[i]))
            return NULL;
    return x->dims[x->rank - 1] > 1 && x->time != x->rank - 1 ? x : NULL;
}

/* (x - mean) / sqrt(mean((x - mean)^2) + epsilon) over the last axis: x. */
static onnx_value *normalized_of(onnx_value *d, onnx_value *s, float *epsilon)
{
    onnx_value *sum, *var = NULL, *square;
    if (!made_by(s, "Sqrt", 1) || !made_by(d, "Sub", 2))
        return NULL;
    sum = s->in[0];
    if (!made_by(sum, "Add", 2))
        return NULL;
    for (int k = 0; k < 2 && !var; k++)
        if (onnx_single(sum->in[k], epsilon))
            var = sum->in[1 - k];
    square = var ? mean_of(var) : NULL;
    if (!square)
        return NULL;
    if (!(made_by(square, "Pow", 2) && square->in[0] == d &&
          about(square->in[1], 2.f)) &&
        !(made_by(square, "Mul", 2) && square->in[0] == d &&
          square->in[1] == d))
        return NULL;
    return mean_of(d->in[1]) == d->in[0] ? d->in[0] : NULL;
}

/* x normalised over its last axis; scale and shift have a number for each of
   its elements, or are NULL. */
static onnx_value *normalized(onnx_run *r, onnx_value *x, float epsilon,
                              const float *scale, const float *shift)
{
    ir_id id = onnx_kept_id(r, x, 1u << (x->rank - 1));
    onnx_value *y =
        onnx_result(r, x, x->rank, x->dims, x->time,
                    ir_normalize(r->g, id, 1, scale, shift, epsilon, 0));
    if (!shift) {
        y->norm = x;
        y->epsilon = epsilon;
        y->scale = scale;
    }
    return y;
}

/* A normalised value times, or plus, a constant along that axis: the same
   normalisation with the constant in it. NULL if it is something else. */
static onnx_value *scaled_norm(onnx_run *r, int fn, onnx_value *a,
                               onnx_value *b)
{
    onnx_value *v = a->norm ? a : b, *w = a->norm ? b : a;
    int64_t n;
    if (!v->norm || w->kind != ONNX_CONST || w->rank > v->rank)
        return NULL;
    n = v->dims[v->rank - 1];
    if (onnx_elements(w) != n || !w->rank || w->dims[w->rank - 1] != n)
        return NULL;
    if (fn == MLI_MUL && !v->scale)
        return normalized(r, v->norm, v->epsilon, onnx_floats(r, w), NULL);
    if (fn == MLI_ADD)
        return normalized(r, v->norm, v->epsilon, v->scale, onnx_floats(r, w));
    return NULL;
}

/* ---------------------------------------------------------- operators ---- */

void onnx_do_unary(onnx_run *r, onnx_call *c, int fn)
{
    c->out[0] = onnx_unary(r, c->in[0], (mli_unary)fn, 0.f, 0.f);
    if (fn == MLI_NEG)
        c->out[0] = onnx_wrapped(r, c, c->out[0]);
}

static void do_gelu(onnx_run *r, onnx_call *c)
{
    int tanh = !strcmp(onnx_string(c, "approximate", "none"), "tanh");
    c->out[0] =
        onnx_unary(r, c->in[0], tanh ? MLI_GELU_TANH : MLI_GELU, 0.f, 0.f);
}

onnx_value *onnx_swish(onnx_run *r, onnx_call *c, onnx_value *x, float alpha)
{
    onnx_value *y;
    if (alpha == 1.f)
        return onnx_unary(r, x, MLI_SILU, 0.f, 0.f);
    y = onnx_binary(r, c, MLI_MUL, x, onnx_new_scalar(r, alpha));
    y = onnx_unary(r, y, MLI_SIGMOID, 0.f, 0.f);
    return onnx_binary(r, c, MLI_MUL, x, y);
}

void onnx_do_function(onnx_run *r, onnx_call *c, int fn)
{
    float p = 0.f, q = 0.f;
    switch ((mli_unary)fn) {
    case MLI_LEAKY_RELU:
        p = onnx_float(c, "alpha", 0.01f);
        break;
    case MLI_ELU:
    case MLI_CELU:
    case MLI_THRESHOLDED_RELU:
        p = onnx_float(c, "alpha", 1.f);
        break;
    case MLI_SELU:
        p = onnx_float(c, "alpha",
                       c->opset < 6 ? 1.6732f : 1.67326319217681884765625f);
        q = onnx_float(c, "gamma",
                       c->opset < 6 ? 1.0507f : 1.05070102214813232421875f);
        break;
    case MLI_HARD_SIGMOID:
        p = onnx_float(c, "alpha", 0.2f);
        q = onnx_float(c, "beta", 0.5f);
        break;
    case MLI_GELU:
        do_gelu(r, c);
        return;
    case MLI_SILU:
        c->out[0] = onnx_swish(r, c, c->in[0], onnx_float(c, "alpha", 1.f));
        return;
    default:
        break;
    }
    c->out[0] = onnx_unary(r, c->in[0], (mli_unary)fn, p, q);
}

void onnx_do_clip(onnx_run *r, onnx_call *c, int what)
{
    float low = onnx_float(c, "min", -FLT_MAX);
    float high = onnx_float(c, "max", FLT_MAX);
    onnx_value *v = c->in[0];
    onnx_value *from = onnx_input(c, 1);
    onnx_value *to = onnx_input(c, 2);
    (void)what;
    if ((!from || onnx_single(from, &low)) && (!to || onnx_single(to, &high))) {
        if (low == 0.f && high >= FLT_MAX)
            c->out[0] = onnx_unary(r, v, MLI_RELU, 0.f, 0.f);
        else
            c->out[0] = onnx_unary(r, v, MLI_HARD_TANH, low, high);
        return;
    }
    if (from)
        v = onnx_binary(r, c, MLI_MAX, v, from);
    if (to)
        v = onnx_binary(r, c, MLI_MIN, v, to);
    c->out[0] = v;
}

/* Before opset 7 the second operand's axes begin at `axis`, if broadcast. */
static onnx_value *old_broadcast(onnx_run *r, onnx_call *c, onnx_value *a,
                                 onnx_value *b)
{
    int64_t dims[ONNX_MAX_RANK], axis = onnx_int(c, "axis", a->rank - b->rank);
    if (c->opset >= 7 || !onnx_int(c, "broadcast", 0) || b->rank >= a->rank)
        return b;
    axis += axis < 0 ? a->rank : 0;
    if (axis < 0 || axis + b->rank > a->rank)
        onnx_bad(r, c, "axis %lld", (long long)axis);
    for (int i = 0; i < a->rank; i++)
        dims[i] = i >= axis && i < axis + b->rank ? b->dims[i - axis] : 1;
    return onnx_reshaped(r, c, b, a->rank, dims);
}

void onnx_do_binary(onnx_run *r, onnx_call *c, int fn)
{
    onnx_value *a = c->in[0], *b = old_broadcast(r, c, a, c->in[1]), *x;
    mli_unary f;
    float epsilon, one;
    if (!onnx_type_is_float(a->type)) {
        c->out[0] = onnx_whole(r, c, (mli_binary)fn, a, b);
        return;
    }
    if (fn == MLI_MUL && (x = product_of(a, b, &f))) {
        c->out[0] = onnx_unary(r, x, f, 0.f, 0.f);
        return;
    }
    if (fn == MLI_DIV && (x = normalized_of(a, b, &epsilon))) {
        c->out[0] = normalized(r, x, epsilon, NULL, NULL);
        return;
    }
    if ((c->out[0] = scaled_norm(r, fn, a, b)))
        return;
    if (fn == MLI_POW && onnx_single(b, &one) && one == 1.f && b->rank == 0) {
        c->out[0] = a;
        return;
    }
    if (fn == MLI_POW && onnx_single(b, &one) && one == 2.f && b->rank == 0) {
        c->out[0] = onnx_binary(r, c, MLI_MUL, a, a); /* exact, too */
        return;
    }
    c->out[0] = onnx_binary(r, c, (mli_binary)fn, a, b);
}

void onnx_do_many(onnx_run *r, onnx_call *c, int fn)
{
    onnx_value *v = c->in[0];
    for (int i = 1; i < c->inputs; i++)
        if (!c->in[i])
            onnx_bad(r, c, "input %d is missing", i);
    for (int i = 1; i < c->inputs; i++)
        v = onnx_binary(r, c, fn < 0 ? MLI_ADD : (mli_binary)fn, v, c->in[i]);
    if (fn < 0 && c->inputs > 1)
        v = onnx_binary(r, c, MLI_DIV, v, onnx_new_scalar(r, (float)c->inputs));
    c->out[0] = v;
}

void onnx_do_prelu(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *slope = c->in[1];
    float p;
    (void)what;
    if (onnx_single(slope, &p)) {
        c->out[0] = onnx_unary(r, v, MLI_LEAKY_RELU, p, 0.f);
        return;
    }
    /* Before opset 7 a slope per channel has one axis: the channels'. */
    if (c->opset < 7 && slope->rank == 1 && v->rank > 2) {
        int64_t dims[ONNX_MAX_RANK];
        dims[0] = slope->dims[0];
        for (int i = 1; i < v->rank - 1; i++)
            dims[i] = 1;
        slope = onnx_reshaped(r, c, slope, v->rank - 1, dims);
    }
    c->out[0] = onnx_binary(r, c, MLI_PRELU, v, slope);
}

/* ----------------------------------------------- choices by condition ---- */

void onnx_do_compare(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *a = c->in[0], *b = old_broadcast(r, c, a, c->in[1]);
    int swapped = what & ONNX_SWAPPED;
    c->out[0] = onnx_binary(r, c, (mli_binary)(what & ~ONNX_SWAPPED),
                            swapped ? b : a, swapped ? a : b);
    c->out[0]->type = ONNX_BOOL;
}

/* x where x > t (t >= 15), else softplus(x): softplus(x) to float precision. */
static int is_softplus(const onnx_call *c)
{
    onnx_value *when = c->in[0], *x = c->in[1], *other = c->in[2];
    float t;
    return made_by(when, "Greater", 2) && onnx_single(when->in[1], &t) &&
           t >= 15.f && made_by(other, "Softplus", 1) && other->in[0] == x &&
           when->in[0] == x;
}

/* A mask that is the same everywhere: the side that it takes, if that has the
   result's dims already. */
static onnx_value *one_side(const onnx_value *when, onnx_value *a,
                            onnx_value *b)
{
    int yes = onnx_elements(when) > 0 && onnx_at(when, 0) != 0.f;
    onnx_value *side = yes ? a : b, *other = yes ? b : a;
    for (int64_t k = 1; k < onnx_elements(when); k++)
        if ((onnx_at(when, k) != 0.f) != yes)
            return NULL;
    if (side->rank < when->rank || side->rank < other->rank)
        return NULL;
    for (int i = 1; i <= side->rank; i++) {
        int64_t n = side->dims[side->rank - i];
        if ((i <= when->rank && when->dims[when->rank - i] > n) ||
            (i <= other->rank && other->dims[other->rank - i] > n))
            return NULL;
    }
    return side;
}

void onnx_do_where(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *when = c->in[0], *a = c->in[1], *b = c->in[2], *x;
    (void)what;
    if (is_softplus(c)) {
        c->out[0] = b;
        return;
    }
    if (when->kind == ONNX_CONST && (x = one_side(when, a, b))) {
        c->out[0] = x;
        return;
    }
    c->out[0] = onnx_chosen(r, c, when, a, b);
}

/* ------------------------------------------------------------ softmax ---- */

void onnx_do_softmax(onnx_run *r, onnx_call *c, int log)
{
    onnx_value *v = c->in[0], *y;
    uint32_t dims[ONNX_MAX_RANK];
    int axis = onnx_axis(r, c, onnx_int(c, "axis", c->opset < 13 ? 1 : -1),
                         v->rank ? v->rank : 1);
    int last = axis; /* last axis of those that take part */
    y = onnx_result(r, v, v->rank, v->dims, v->time, IR_NONE);
    if (c->opset < 13) /* all axes from there on, as one */
        last = v->rank - 1;
    if (v->time >= axis && v->time <= last)
        onnx_not_in_time(r, c, "is a softmax over time");
    if (v->rank == 0) {
        c->out[0] =
            onnx_unary(r, v, MLI_HARD_TANH, log ? 0.f : 1.f, log ? 0.f : 1.f);
        return;
    }
    if (last > axis) {
        uint32_t n = 1;
        for (int i = axis; i <= last; i++)
            n *= (uint32_t)v->dims[i];
        dims[1] = n;
        n = 1;
        for (int i = 0; i < axis; i++)
            n *= onnx_timed(r, v) && i == v->time ? 1u : (uint32_t)v->dims[i];
        dims[0] = n;
        y->id =
            ir_softmax(r->g, onnx_shaped(r, onnx_id(r, v), 2, dims), 1, log);
    } else {
        y->id =
            ir_softmax(r->g, onnx_kept_id(r, v, 1u << axis),
                       (uint32_t)onnx_kept_axis(r, v, 1u << axis, axis), log);
    }
    c->out[0] = y;
}
