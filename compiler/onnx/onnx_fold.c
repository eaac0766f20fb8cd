/*
 * onnx_fold.c - computing with constants while the graph is read: arithmetic
 * on shapes, masks, initial states. What moves elements only is in
 * onnx_layout.c, which does both.
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "onnx_run.h"

#define WORK 10.0 /* nanoseconds an element: powers, sums along axes */

/* ------------------------------------------------------- element-wise ---- */

typedef double (*two)(double a, double b);

static double add(double a, double b)
{
    return a + b;
}

static double sub(double a, double b)
{
    return a - b;
}

static double mul(double a, double b)
{
    return a * b;
}

static double quotient(double a, double b)
{
    return a / b;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double equal(double a, double b)
{
    return a == b;
}

static double less(double a, double b)
{
    return a < b;
}

static double less_or_equal(double a, double b)
{
    return a <= b;
}

static double greater(double a, double b)
{
    return a > b;
}

static double greater_or_equal(double a, double b)
{
    return a >= b;
}

static double both(double a, double b)
{
    return a != 0 && b != 0;
}

static double either(double a, double b)
{
    return a != 0 || b != 0;
}

static double one_of_two(double a, double b)
{
    return (a != 0) != (b != 0);
}

static const struct {
    const char *op;
    two f;
    int truth; /* the result is BOOL */
} twos[] = {
    {"Add", add, 0},
    {"Sub", sub, 0},
    {"Mul", mul, 0},
    {"Div", quotient, 0},
    {"Pow", pow, 0},
    {"Min", least, 0},
    {"Max", most, 0},
    {"Sum", add, 0},
    {"Equal", equal, 1},
    {"Less", less, 1},
    {"LessOrEqual", less_or_equal, 1},
    {"Greater", greater, 1},
    {"GreaterOrEqual", greater_or_equal, 1},
    {"And", both, 1},
    {"Or", either, 1},
    {"Xor", one_of_two, 1},
};

/* 0 for what no whole number is: a cast of it would not be defined. */
static int64_t to_whole(double f)
{
    return fabs(f) < 9e18 ? (int64_t)f : 0;
}

/* Whole numbers as such: products of shapes may pass 2^53. */
static int64_t whole(const char *op, int64_t a, int64_t b, double f)
{
    if (!strcmp(op, "Add") || !strcmp(op, "Sum"))
        return (int64_t)((uint64_t)a + (uint64_t)b);
    if (!strcmp(op, "Sub"))
        return (int64_t)((uint64_t)a - (uint64_t)b);
    if (!strcmp(op, "Mul"))
        return (int64_t)((uint64_t)a * (uint64_t)b);
    if (!strcmp(op, "Div"))
        return b == 0 || (a == INT64_MIN && b == -1) ? 0 : a / b;
    if (!strcmp(op, "Min"))
        return a < b ? a : b;
    if (!strcmp(op, "Max"))
        return a > b ? a : b;
    if (!strcmp(op, "Equal"))
        return a == b;
    return to_whole(f);
}

/* Strides that walk v along the dims it broadcasts to; 0 if it does not. */
static int walk_along(const onnx_value *v, int rank, const int64_t *dims,
                      int64_t *strides)
{
    int64_t own[ONNX_MAX_RANK];
    onnx_strides(v, own);
    for (int i = 0; i < rank; i++) {
        int k = i - (rank - v->rank);
        strides[i] = k < 0 || v->dims[k] == 1 ? 0 : own[k];
        if (k >= 0 && v->dims[k] != 1 && v->dims[k] != dims[i])
            return 0;
    }
    return 1;
}

static void broadcast_dims(onnx_run *r, const onnx_call *c, const onnx_value *a,
                           const onnx_value *b, int *rank, int64_t *dims)
{
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1; i <= *rank; i++) {
        int64_t m = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t n = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (m != n && m != 1 && n != 1)
            onnx_bad(r, c, "axes of %lld and %lld do not broadcast",
                     (long long)m, (long long)n);
        dims[*rank - i] = m == 1 ? n : m;
    }
}

static onnx_value *fold_two(onnx_run *r, onnx_call *c, size_t which,
                            onnx_value *a, onnx_value *b)
{
    int64_t dims[ONNX_MAX_RANK], sa[ONNX_MAX_RANK], sb[ONNX_MAX_RANK], n;
    int rank, ints = onnx_is_int(a) && onnx_is_int(b);
    onnx_value *y;
    broadcast_dims(r, c, a, b, &rank, dims);
    walk_along(a, rank, dims, sa);
    walk_along(b, rank, dims, sb);
    a = onnx_strided(r, a, rank, dims, 0, sa);
    b = onnx_strided(r, b, rank, dims, 0, sb);
    y = onnx_new_const(r, twos[which].truth ? ONNX_BOOL : a->type, rank, dims);
    n = onnx_elements(y);
    onnx_work(r, WORK * (double)n);
    for (int64_t k = 0; k < n; k++) {
        double f =
            twos[which].f(ints ? (double)a->i[k] : (double)onnx_at(a, k),
                          ints ? (double)b->i[k] : (double)onnx_at(b, k));
        if (y->f)
            y->f[k] = (float)f;
        else if (ints)
            y->i[k] = whole(c->node->op, a->i[k], b->i[k], f);
        else
            y->i[k] = to_whole(f);
    }
    return y;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double relu(double x)
{
    return x > 0 ? x : 0;
}

static double negative(double x)
{
    return -x;
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double sign(double x)
{
    return (x > 0) - (x < 0);
}

static double not(double x)
{
    return x == 0;
}

static const struct {
    const char *op;
    double (*f)(double);
} ones[] = {
    {"Neg", negative},    {"Abs", fabs},   {"Sqrt", sqrt},
    {"Exp", exp},         {"Log", log},    {"Floor", floor},
    {"Ceil", ceil},       {"Round", rint}, {"Reciprocal", reciprocal},
    {"Sign", sign},       {"Not", not },   {"Erf", erf},
    {"Sigmoid", sigmoid}, {"Tanh", tanh},  {"Relu", relu},
    {"Sin", sin},         {"Cos", cos},
};

static int fold_one(onnx_run *r, onnx_call *c)
{
    onnx_value *v = c->in[0], *y;
    for (size_t k = 0; k < sizeof ones / sizeof *ones; k++) {
        if (strcmp(ones[k].op, c->node->op))
            continue;
        y = onnx_new_const(r, v->type, v->rank, v->dims);
        onnx_work(r, WORK * (double)onnx_elements(v));
        for (int64_t n = 0; n < onnx_elements(v); n++)
            if (y->f)
                y->f[n] = (float)ones[k].f((double)v->f[n]);
            else
                y->i[n] = to_whole(ones[k].f((double)v->i[n]));
        c->out[0] = y;
        return 1;
    }
    return 0;
}

static int fold_twos(onnx_run *r, onnx_call *c)
{
    onnx_value *v = c->in[0];
    for (size_t k = 0; k < sizeof twos / sizeof *twos; k++) {
        if (strcmp(twos[k].op, c->node->op))
            continue;
        if (c->opset < 7 && onnx_int(c, "broadcast", 0))
            return 0;
        for (int i = 1; i < c->inputs; i++)
            v = fold_two(r, c, k, v, c->in[i]);
        c->out[0] = v;
        return 1;
    }
    return 0;
}

static int fold_mod(onnx_run *r, onnx_call *c)
{
    onnx_value *a = c->in[0], *b = c->in[1], *y;
    if (!onnx_is_int(a) || !onnx_is_int(b) || onnx_elements(b) != 1)
        return 0;
    y = onnx_new_const(r, a->type, a->rank, a->dims);
    for (int64_t n = 0; n < onnx_elements(a); n++) {
        int64_t x = a->i[n], m = b->i[0], rest;
        if (m == 0 || m == -1)
            continue; /* 0 */
        rest = x % m;
        if (rest && !onnx_int(c, "fmod", 0) && (rest < 0) != (m < 0))
            rest += m;
        y->i[n] = rest;
    }
    c->out[0] = y;
    return 1;
}

static int fold_where(onnx_run *r, onnx_call *c)
{
    onnx_value *v[3] = {c->in[0], c->in[1], c->in[2]}, *y;
    int64_t dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    int rank;
    onnx_value all;
    broadcast_dims(r, c, v[0], v[1], &rank, dims);
    memset(&all, 0, sizeof all);
    all.rank = rank;
    memcpy(all.dims, dims, sizeof dims);
    broadcast_dims(r, c, &all, v[2], &rank, dims);
    for (int k = 0; k < 3; k++) {
        walk_along(v[k], rank, dims, strides);
        v[k] = onnx_strided(r, v[k], rank, dims, 0, strides);
    }
    y = onnx_new_const(r, v[1]->type, rank, dims);
    for (int64_t n = 0; n < onnx_elements(y); n++) {
        onnx_value *from = onnx_at(v[0], n) != 0.f ? v[1] : v[2];
        if (y->f)
            y->f[n] = onnx_at(from, n);
        else
            y->i[n] = onnx_int_at(from, n);
    }
    c->out[0] = y;
    return 1;
}

/* ------------------------------------------------------------ makers ---- */

static int fold_constant_of_shape(onnx_run *r, onnx_call *c)
{
    onnx_value *shape = c->in[0], *y;
    const onnx_attr *a = onnx_attr_of(c, "value");
    int64_t dims[ONNX_MAX_RANK], n = onnx_elements(shape);
    onnx_value *value = NULL;
    if (n > ONNX_MAX_RANK)
        onnx_bad(r, c, "a shape with %lld axes", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        dims[i] = onnx_int_at(shape, i);
        if (dims[i] < 0 || dims[i] > INT32_MAX)
            onnx_bad(r, c, "an axis of %lld", (long long)dims[i]);
    }
    if (a && a->t)
        value = onnx_from_tensor(r, a->t);
    if (value && onnx_elements(value) < 1)
        onnx_bad(r, c, "no value");
    y = onnx_new_const(r, value ? value->type : ONNX_FLOAT, (int)n, dims);
    for (int64_t k = 0; value && k < onnx_elements(y); k++)
        if (y->f)
            y->f[k] = value->f[0];
        else
            y->i[k] = value->i[0];
    c->out[0] = y;
    return 1;
}

static int fold_range(onnx_run *r, onnx_call *c)
{
    onnx_value *from = c->in[0], *to = c->in[1], *by = c->in[2], *y;
    float start, end, step;
    double count;
    int64_t n;
    if (!onnx_single(from, &start) || !onnx_single(to, &end) ||
        !onnx_single(by, &step) || step == 0.f)
        return 0;
    count = onnx_is_int(from)
                ? ceil(((double)to->i[0] - (double)from->i[0]) /
                       (double)(by->i[0] ? by->i[0] : 1))
                : ceil(((double)end - (double)start) / (double)step);
    n = count > 0 ? (count < 1e9 ? (int64_t)count : 1000000000) : 0;
    y = onnx_new_const(r, from->type, 1, &n);
    for (int64_t k = 0; k < n; k++)
        if (y->f)
            y->f[k] = (float)((double)start + (double)k * (double)step);
        else
            y->i[k] = (int64_t)((uint64_t)from->i[0] +
                                (uint64_t)k * (uint64_t)by->i[0]);
    c->out[0] = y;
    return 1;
}

static int fold_cast(onnx_run *r, onnx_call *c)
{
    onnx_value *v = c->in[0], *y;
    int to = (int)onnx_int(c, "to", 0);
    const char *old = onnx_string(c, "to", ""); /* before opset 6 */
    if (!strcmp(c->node->op, "CastLike"))
        to = c->in[1]->type;
    if (old[0])
        to = !strcmp(old, "FLOAT") ? ONNX_FLOAT : ONNX_INT64;
    if (to == ONNX_STRING || to < 1 || to > ONNX_BFLOAT16)
        return 0;
    y = onnx_new_const(r, to, v->rank, v->dims);
    for (int64_t n = 0; n < onnx_elements(v); n++)
        if (y->f)
            y->f[n] = onnx_at(v, n);
        else if (to == ONNX_BOOL)
            y->i[n] = onnx_at(v, n) != 0.f;
        else
            y->i[n] = onnx_saturated(to, onnx_int_at(v, n));
    c->out[0] = y;
    return 1;
}

/* ---------------------------------------------------------- reductions ---- */

static double reduce_step(const char *op, double a, double x)
{
    if (!strcmp(op, "ReduceProd"))
        return a * x;
    if (!strcmp(op, "ReduceMax"))
        return a > x ? a : x;
    if (!strcmp(op, "ReduceMin"))
        return a < x ? a : x;
    return a + x;
}

static int fold_reduce(onnx_run *r, onnx_call *c)
{
    onnx_value *v = c->in[0], *y;
    const char *op = c->node->op;
    int count, rank = 0, keep = (int)onnx_int(c, "keepdims", 1);
    const int64_t *list = onnx_list(r, c, 1, "axes", &count);
    int64_t dims[ONNX_MAX_RANK], outer[ONNX_MAX_RANK], step = 1, n, m = 1;
    uint32_t axes = 0;
    double *sum;
    for (int i = 0; i < count; i++)
        axes |= 1u << onnx_axis(r, c, list[i], v->rank);
    if (count <= 0 && !onnx_int(c, "noop_with_empty_axes", 0))
        axes = (1u << v->rank) - 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        outer[i] = axes >> i & 1u ? 0 : step;
        step *= axes >> i & 1u ? 1 : v->dims[i];
        m *= axes >> i & 1u ? v->dims[i] : 1;
    }
    for (int i = 0; i < v->rank; i++)
        if (keep || !(axes >> i & 1u))
            dims[rank++] = axes >> i & 1u ? 1 : v->dims[i];
    y = onnx_new_const(r, v->type, rank, dims);
    n = onnx_elements(y);
    sum = onnx_take(r->pool, (size_t)n, sizeof *sum);
    onnx_work(r, WORK * (double)onnx_elements(v));
    for (int64_t k = 0; k < n; k++)
        sum[k] = !strcmp(op, "ReduceProd")  ? 1
                 : !strcmp(op, "ReduceMax") ? -INFINITY
                 : !strcmp(op, "ReduceMin") ? INFINITY
                                            : 0;
    for (int64_t k = 0; k < onnx_elements(v); k++) {
        int64_t rest = k, to = 0;
        for (int i = v->rank - 1; i >= 0; i--) {
            to += rest % v->dims[i] * outer[i];
            rest /= v->dims[i];
        }
        sum[to] =
            reduce_step(op, sum[to], v->f ? (double)v->f[k] : (double)v->i[k]);
    }
    for (int64_t k = 0; k < n; k++) {
        double x = !strcmp(op, "ReduceMean") && m ? sum[k] / (double)m : sum[k];
        if (y->f)
            y->f[k] = (float)x;
        else
            y->i[k] = to_whole(x);
    }
    c->out[0] = y;
    return 1;
}

/* Ones on and below (or above) the k-th diagonal. */
static int fold_trilu(onnx_run *r, onnx_call *c)
{
    onnx_value *v = c->in[0], *y;
    int upper = (int)onnx_int(c, "upper", 1);
    int64_t k = c->inputs > 1 && c->in[1] ? onnx_int_at(c->in[1], 0) : 0;
    int64_t rows, columns;
    if (v->rank < 2)
        return 0;
    rows = v->dims[v->rank - 2];
    columns = v->dims[v->rank - 1];
    y = onnx_new_const(r, v->type, v->rank, v->dims);
    for (int64_t n = 0; n < onnx_elements(v); n++) {
        int64_t i = n / columns % rows, j = n % columns;
        if (upper ? j - i < k : j - i > k)
            continue;
        if (y->f)
            y->f[n] = v->f[n];
        else
            y->i[n] = v->i[n];
    }
    c->out[0] = y;
    return 1;
}

int onnx_fold(onnx_run *r, onnx_call *c)
{
    static const struct {
        const char *op;
        int least;
        int (*f)(onnx_run *, onnx_call *);
    } others[] = {
        {"Mod", 2, fold_mod},
        {"Where", 3, fold_where},
        {"ConstantOfShape", 1, fold_constant_of_shape},
        {"Range", 3, fold_range},
        {"Cast", 1, fold_cast},
        {"CastLike", 2, fold_cast},
        {"ReduceSum", 1, fold_reduce},
        {"ReduceProd", 1, fold_reduce},
        {"ReduceMean", 1, fold_reduce},
        {"ReduceMax", 1, fold_reduce},
        {"ReduceMin", 1, fold_reduce},
        {"Trilu", 1, fold_trilu},
    };
    if (!c->inputs)
        return 0;
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && c->in[i]->kind != ONNX_CONST)
            return 0;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (!strcmp(others[k].op, c->node->op)) {
            for (int i = 0; i < others[k].least; i++)
                if (i >= c->inputs || !c->in[i])
                    return 0;
            return others[k].f(r, c);
        }
    for (int i = 0; i < c->inputs; i++)
        if (!c->in[i])
            return 0;
    return fold_one(r, c) || fold_twos(r, c);
}
