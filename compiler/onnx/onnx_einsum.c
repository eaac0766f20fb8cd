/*
 * onnx_einsum.c - sums of products by their labels: two operands at a time,
 * each pair as a product of matrices. Determinants.
 */
#include <string.h>
#include "onnx_run.h"

#define LABELS   64 /* letters, and axes that an ellipsis stands for */
#define ELLIPSIS 52
#define TERMS    16
#define MAX_DET  5

typedef struct term {
    int label[ONNX_MAX_RANK]; /* of each axis */
    int count;
    onnx_value *v;
} term;

typedef struct einsum {
    term in[TERMS], out;
    int terms, ellipsis; /* axes that an ellipsis stands for at most */
} einsum;

static int label_of(char a)
{
    if (a >= 'a' && a <= 'z')
        return a - 'a';
    return a >= 'A' && a <= 'Z' ? a - 'A' + 26 : -1;
}

/* One term of the equation, up to ',', '-' or the end. rank < 0: the result. */
static const char *read_term(onnx_run *r, onnx_call *c, const char *s, term *t,
                             int rank, int *ellipsis)
{
    int letters = 0, dots = 0;
    for (const char *p = s; *p && *p != ',' && *p != '-'; p++)
        letters += label_of(*p) >= 0;
    dots = rank < 0 ? *ellipsis : rank - letters;
    for (; *s && *s != ',' && *s != '-'; s++) {
        int label = label_of(*s);
        if (*s == ' ')
            continue;
        if (*s == '.') {
            if (strncmp(s, "...", 3) || dots < 0 ||
                t->count + dots > ONNX_MAX_RANK)
                onnx_bad(r, c, "an equation that cannot be read");
            for (int i = 0; i < dots; i++)
                t->label[t->count++] = ELLIPSIS + i + (8 - dots);
            *ellipsis = dots > *ellipsis ? dots : *ellipsis;
            s += 2;
            continue;
        }
        if (label < 0 || t->count == ONNX_MAX_RANK)
            onnx_bad(r, c, "an equation that cannot be read");
        t->label[t->count++] = label;
    }
    if (rank >= 0 && t->count != rank)
        onnx_bad(r, c, "%d labels for %d axes", t->count, rank);
    return s;
}

/* Without an arrow: the ellipsis, then what occurs once, in order. */
static void usual_result(einsum *e)
{
    int times[LABELS] = {0};
    for (int i = 0; i < e->terms; i++)
        for (int k = 0; k < e->in[i].count; k++)
            times[e->in[i].label[k]]++;
    for (int i = 0; i < e->ellipsis; i++)
        e->out.label[e->out.count++] = ELLIPSIS + i + (8 - e->ellipsis);
    for (int up = 1; up >= 0; up--) /* capitals first */
        for (int k = 0; k < 26 && e->out.count < ONNX_MAX_RANK; k++)
            if (times[k + 26 * up] == 1)
                e->out.label[e->out.count++] = k + 26 * up;
}

static void read_equation(onnx_run *r, onnx_call *c, einsum *e)
{
    const char *s = onnx_string(c, "equation", "");
    while (*s == ' ')
        s++;
    for (e->terms = 0; e->terms < c->inputs; e->terms++) {
        term *t = &e->in[e->terms];
        t->v = c->in[e->terms];
        s = read_term(r, c, s, t, t->v->rank, &e->ellipsis);
        if (e->terms + 1 < c->inputs && *s++ != ',')
            onnx_bad(r, c, "fewer terms than inputs");
    }
    if (*s == '-' && s[1] == '>')
        s = read_term(r, c, s + 2, &e->out, -1, &e->ellipsis);
    else if (!*s)
        usual_result(e);
    if (*s)
        onnx_bad(r, c, "an equation that cannot be read");
}

static int has(const term *t, int label)
{
    for (int i = 0; i < t->count; i++)
        if (t->label[i] == label)
            return i;
    return -1;
}

/* A label that stands twice: the diagonal. */
static void take_diagonals(onnx_run *r, onnx_call *c, term *t)
{
    for (int i = 0; i < t->count; i++)
        for (int k = i + 1; k < t->count; k++) {
            int perm[ONNX_MAX_RANK], n = 0;
            int64_t dims[ONNX_MAX_RANK], size;
            int label = t->label[i];
            if (t->label[k] != label)
                continue;
            size = t->v->dims[i];
            if (t->v->dims[k] != size)
                onnx_bad(r, c, "a diagonal of %lld and %lld", (long long)size,
                         (long long)t->v->dims[k]);
            for (int j = 0; j < t->count; j++)
                if (j != i && j != k)
                    perm[n++] = j;
            perm[n] = i;
            perm[n + 1] = k;
            t->v = onnx_transposed(r, t->v, perm);
            for (int j = 0; j < n; j++)
                dims[j] = t->v->dims[j];
            dims[n] = size * size;
            t->v = onnx_reshaped(r, c, t->v, n + 1, dims);
            t->v = onnx_sliced(r, c, t->v, n, 0, size + 1, size);
            for (int j = 0, m = 0; j < t->count; j++)
                if (j != i && j != k)
                    t->label[m++] = t->label[j];
            t->label[n] = label;
            t->count--;
            i = -1; /* from the start again */
            break;
        }
}

/* Sum over labels that nobody else has. */
static void sum_out(onnx_run *r, onnx_call *c, term *t,
                    const unsigned char *keep)
{
    uint32_t axes = 0;
    int n = 0;
    for (int i = 0; i < t->count; i++)
        if (!keep[t->label[i]])
            axes |= 1u << i;
        else
            t->label[n++] = t->label[i];
    if (!axes)
        return;
    t->v = onnx_reduced(r, c, t->v, MLI_REDUCE_SUM, axes, 0);
    t->count = n;
}

/* t's axes in the order of the labels; missing ones (and those of one element)
   are put in as 1. */
static onnx_value *ordered(onnx_run *r, onnx_call *c, const term *t,
                           const int *label, int count)
{
    int perm[ONNX_MAX_RANK], n = 0;
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *v;
    for (int i = 0; i < count; i++) {
        int at = has(t, label[i]);
        if (at >= 0)
            perm[n++] = at;
        dims[i] = at >= 0 ? t->v->dims[at] : 1;
    }
    v = onnx_transposed(r, t->v, perm);
    return onnx_reshaped(r, c, v, count, dims);
}

static int64_t size_of(const term *t, const int *label, int count)
{
    int64_t n = 1;
    for (int i = 0; i < count; i++)
        n *= has(t, label[i]) >= 0 ? t->v->dims[has(t, label[i])] : 1;
    return n;
}

typedef struct parts { /* labels of both: kept or not; of one only */
    int both[ONNX_MAX_RANK], sum[ONNX_MAX_RANK], a[ONNX_MAX_RANK],
        b[ONNX_MAX_RANK];
    int both_count, sum_count, a_count, b_count;
} parts;

/* Labels of one element in one of the two broadcast: they count as its
   other's. */
static void sort_labels(const term *a, const term *b, const unsigned char *keep,
                        parts *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < a->count; i++) {
        int l = a->label[i], at = has(b, l);
        if (at < 0)
            p->a[p->a_count++] = l;
        else if (keep[l])
            p->both[p->both_count++] = l;
        else
            p->sum[p->sum_count++] = l;
    }
    for (int i = 0; i < b->count; i++)
        if (has(a, b->label[i]) < 0)
            p->b[p->b_count++] = b->label[i];
}

static int sizes_agree(onnx_run *r, onnx_call *c, const term *a, const term *b)
{
    int same = 1;
    for (int i = 0; i < a->count; i++) {
        int at = has(b, a->label[i]);
        int64_t m = a->v->dims[i], n = at < 0 ? m : b->v->dims[at];
        if (m != n && m != 1 && n != 1)
            onnx_bad(r, c, "a label of %lld and %lld", (long long)m,
                     (long long)n);
        same &= m == n;
    }
    return same;
}

/* a and b to one term with the labels of `keep`. */
static term contracted(onnx_run *r, onnx_call *c, term *a, term *b,
                       const unsigned char *keep)
{
    parts p;
    term y = {{0}, 0, NULL};
    int labels[2 * ONNX_MAX_RANK], n = 0, matrix;
    int64_t dims[ONNX_MAX_RANK];
    matrix = sizes_agree(r, c, a, b);
    sort_labels(a, b, keep, &p);
    matrix &= p.sum_count > 0;
    for (int i = 0; i < p.both_count; i++)
        labels[n++] = p.both[i];
    for (int i = 0; i < p.a_count; i++)
        labels[n++] = p.a[i];
    for (int i = 0; i < p.b_count; i++)
        labels[n++] = p.b[i];
    if (n + p.sum_count > ONNX_MAX_RANK) {
        onnx_unsupported(r, c, "too many axes");
        return y;
    }
    y.count = n;
    memcpy(y.label, labels, (size_t)n * sizeof *labels);
    if (!matrix) { /* spelled out, then summed */
        onnx_value *v;
        uint32_t axes = 0;
        for (int i = 0; i < p.sum_count; i++) {
            axes |= 1u << n;
            labels[n++] = p.sum[i];
        }
        v = onnx_binary(r, c, MLI_MUL, ordered(r, c, a, labels, n),
                        ordered(r, c, b, labels, n));
        y.v = axes ? onnx_reduced(r, c, v, MLI_REDUCE_SUM, axes, 0) : v;
        return y;
    }
    {
        int la[ONNX_MAX_RANK], lb[ONNX_MAX_RANK], na = 0, nb = 0, k;
        int64_t da[ONNX_MAX_RANK], db[ONNX_MAX_RANK];
        onnx_value *va, *vb;
        for (k = 0; k < p.both_count; k++) {
            la[na++] = lb[nb++] = p.both[k];
            da[k] = db[k] = dims[k] = size_of(a, &p.both[k], 1);
        }
        for (int i = 0; i < p.a_count; i++)
            la[na++] = p.a[i];
        for (int i = 0; i < p.sum_count; i++)
            la[na++] = lb[nb++] = p.sum[i];
        for (int i = 0; i < p.b_count; i++)
            lb[nb++] = p.b[i];
        da[k] = size_of(a, p.a, p.a_count);
        da[k + 1] = db[k] = size_of(a, p.sum, p.sum_count);
        db[k + 1] = size_of(b, p.b, p.b_count);
        va = onnx_reshaped(r, c, ordered(r, c, a, la, na), k + 2, da);
        vb = onnx_reshaped(r, c, ordered(r, c, b, lb, nb), k + 2, db);
        va = onnx_matmul(r, c, va, vb);
        for (int i = k; i < n; i++) {
            const term *from = has(a, labels[i]) >= 0 ? a : b;
            dims[i] = from->v->dims[has(from, labels[i])];
        }
        y.v = onnx_reshaped(r, c, va, n, dims);
    }
    return y;
}

/* Constants as floats. */
static onnx_value *floats(onnx_run *r, onnx_value *v)
{
    onnx_value *y;
    if (v->kind != ONNX_CONST || v->f)
        return v;
    y = onnx_new(r, ONNX_CONST, ONNX_FLOAT, v->rank, v->dims);
    y->f = (float *)(uintptr_t)onnx_floats(r, v);
    return y;
}

void onnx_do_einsum(onnx_run *r, onnx_call *c, int what)
{
    einsum *e = onnx_take(r->pool, 1, sizeof *e);
    term y;
    (void)what;
    if (c->inputs < 1 || c->inputs > TERMS) {
        onnx_unsupported(r, c, "%d operands", c->inputs);
        return;
    }
    for (int i = 0; i < c->inputs; i++) {
        if (!c->in[i])
            onnx_bad(r, c, "input %d is missing", i);
        c->in[i] = floats(r, c->in[i]);
    }
    read_equation(r, c, e);
    for (int i = 0; i < e->terms; i++) {
        unsigned char keep[LABELS] = {0};
        take_diagonals(r, c, &e->in[i]);
        for (int k = 0; k < e->out.count; k++)
            keep[e->out.label[k]] = 1;
        for (int j = 0; j < e->terms; j++)
            for (int k = 0; j != i && k < e->in[j].count; k++)
                keep[e->in[j].label[k]] = 1;
        sum_out(r, c, &e->in[i], keep);
    }
    y = e->in[0];
    for (int i = 1; i < e->terms; i++) {
        unsigned char keep[LABELS] = {0};
        for (int k = 0; k < e->out.count; k++)
            keep[e->out.label[k]] = 1;
        for (int j = i + 1; j < e->terms; j++)
            for (int k = 0; k < e->in[j].count; k++)
                keep[e->in[j].label[k]] = 1;
        y = contracted(r, c, &y, &e->in[i], keep);
        if (!y.v)
            return;
    }
    for (int k = 0; k < e->out.count; k++)
        if (has(&y, e->out.label[k]) < 0)
            onnx_bad(r, c, "a result with a label that no input has");
    if (e->out.count != y.count)
        onnx_bad(r, c, "a result with a label twice");
    c->out[0] = ordered(r, c, &y, e->out.label, e->out.count);
}

/* ------------------------------------------------------- determinants ---- */

/* Of rows `row` and below, without the columns in `gone`. */
static onnx_value *minor(onnx_run *r, onnx_call *c, onnx_value *v, int64_t n,
                         int64_t row, uint32_t gone)
{
    onnx_value *sum = NULL;
    int last = v->rank - 1, sign = 0;
    for (int64_t k = 0; k < n; k++) {
        onnx_value *x, *rest;
        if (gone >> k & 1u)
            continue;
        x = onnx_sliced(r, c, v, last - 1, row, 1, 1);
        x = onnx_sliced(r, c, x, last, k, 1, 1);
        if (row + 1 == n)
            return x;
        rest = minor(r, c, v, n, row + 1, gone | 1u << k);
        x = onnx_binary(r, c, MLI_MUL, x, rest);
        sum = sum ? onnx_binary(r, c, sign ? MLI_SUB : MLI_ADD, sum, x) : x;
        sign = !sign;
    }
    return sum;
}

void onnx_do_det(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int64_t n;
    (void)what;
    if (v->rank < 2 || v->dims[v->rank - 1] != v->dims[v->rank - 2])
        onnx_bad(r, c, "not a square matrix");
    n = v->dims[v->rank - 1];
    if (n < 1 || n > MAX_DET) {
        onnx_unsupported(r, c, "a matrix of %lld by %lld", (long long)n,
                         (long long)n);
        return;
    }
    if (v->time >= v->rank - 2)
        onnx_not_in_time(r, c, "is a determinant over time");
    v = minor(r, c, floats(r, v), n, 0, 0);
    c->out[0] = onnx_reshaped(r, c, v, v->rank - 2, v->dims);
}
