/*
 * reference_classical.c - trees, distances and coupled probabilities, from
 * their definition.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "reference_ops.h"
#include "weights.h"

static uint32_t rows_of(const reference_frame *r)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i + 1 < r->x->rank; i++)
        n *= r->x->dims[i];
    return n;
}

/* ---------------------------------------------------------------- trees ----
 */

static uint32_t word(double d)
{
    float f = (float)d;
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static mli_tree_node node_at(const reference_frame *r, uint32_t i)
{
    const double *n = r->in[1] + 3 * (size_t)i;
    return (mli_tree_node){word(n[0]), (float)n[1], word(n[2])};
}

static int follows(const mli_tree_node *n, double v)
{
    uint32_t which = isnan(v)                ? MLI_TREE_NAN
                     : v < (double)n->value  ? MLI_TREE_LESS
                     : v == (double)n->value ? MLI_TREE_EQUAL
                                             : MLI_TREE_GREATER;
    return (n->key & which) != 0;
}

typedef struct sums {
    uint32_t aggregate;
    double *y;
    int *any; /* weights so far */
} sums;

static void give(sums *s, uint32_t target, double w)
{
    double *y = s->y + target;
    if (s->any[target]++ == 0)
        *y = w;
    else if (s->aggregate == MLI_TREES_MIN)
        *y = fmin(*y, w);
    else if (s->aggregate == MLI_TREES_MAX)
        *y = fmax(*y, w);
    else
        *y += w;
}

static void walk(const reference_frame *r, uint32_t at, const double *x,
                 sums *s)
{
    mli_tree_node n = node_at(r, at);
    while (n.key < MLI_TREE_LEAF) {
        at = follows(&n, x[n.key & 0xffffff]) ? n.next : at + 1;
        n = node_at(r, at);
    }
    if (n.key == MLI_TREE_LEAF) {
        give(s, n.next, (double)n.value);
        return;
    }
    for (uint32_t i = n.next; i < n.next + (n.key & 0xffffff); i++)
        give(s, word(r->in[4][2 * i]), r->in[4][2 * i + 1]);
}

void reference_trees(const reference_frame *r)
{
    uint32_t features = r->op->p[0], targets = r->op->p[1];
    uint32_t trees = r->operand[2]->dims[0];
    for (uint32_t row = 0; row < rows_of(r); row++) {
        double *y = r->out + (size_t)row * targets;
        sums s = {r->op->p[2], y, calloc(targets, sizeof(int))};
        memset(y, 0, targets * sizeof *y);
        for (uint32_t t = 0; t < trees; t++)
            walk(r, word(r->in[2][t]), r->in[0] + (size_t)row * features, &s);
        for (uint32_t i = 0; i < targets; i++) {
            if (r->op->p[2] == MLI_TREES_AVERAGE)
                y[i] /= trees;
            y[i] += r->in[3][i];
        }
        free(s.any);
    }
}

/* ------------------------------------------------------------ distances ----
 */

static double power_of(const mli_file_op *op)
{
    switch (op->p[2]) {
    case MLI_MANHATTAN:
        return 1;
    case MLI_MINKOWSKI:
    case MLI_POWER_SUM:
        return op->fp;
    default:
        return 2;
    }
}

static double distance(const mli_file_op *op, const double *x, const double *w)
{
    double sum = 0, most = 0, dot = 0, xx = 0, ww = 0;
    for (uint32_t i = 0; i < op->p[0]; i++) {
        double d = fabs(x[i] - w[i]);
        sum += pow(d, power_of(op));
        most = fmax(most, d);
        dot += x[i] * w[i];
        xx += x[i] * x[i];
        ww += w[i] * w[i];
    }
    switch (op->p[2]) {
    case MLI_CHEBYSHEV:
        return most;
    case MLI_COSINE:
        return 1 - dot / sqrt(xx * ww);
    case MLI_EUCLIDEAN:
    case MLI_MINKOWSKI:
        return pow(sum, 1 / power_of(op));
    default:
        return sum;
    }
}

void reference_distance(const reference_frame *r)
{
    uint32_t inputs = r->op->p[0], points = r->op->p[1];
    double *w = calloc(inputs, sizeof *w);
    for (uint32_t row = 0; row < rows_of(r); row++)
        for (uint32_t o = 0; o < points; o++) {
            for (uint32_t i = 0; i < inputs; i++)
                w[i] = r->in[1][mli_packed_index(points, 1, inputs, o, 0, i)];
            r->out[(size_t)row * points + o] =
                distance(r->op, r->in[0] + (size_t)row * inputs, w);
        }
    free(w);
}

/* ------------------------------------------------------ probabilities ---- */

/* Q of equation 17 there: its diagonal is a row's sum of squares. */
static void matrix_of(const double *pair, uint32_t n, double *r, double *q)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++, pair++) {
            r[i * n + j] = fmin(fmax(*pair, 1e-7), 1 - 1e-7);
            r[j * n + i] = 1 - r[i * n + j];
        }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            if (i != j) {
                q[i * n + j] = -r[j * n + i] * r[i * n + j];
                q[i * n + i] += r[j * n + i] * r[j * n + i];
            }
        }
}

static double times(const double *q, const double *p, uint32_t n, double *qp)
{
    double pqp = 0;
    for (uint32_t i = 0; i < n; i++) {
        qp[i] = 0;
        for (uint32_t j = 0; j < n; j++)
            qp[i] += q[i * n + j] * p[j];
        pqp += p[i] * qp[i];
    }
    return pqp;
}

/* Each p_t to its optimum, the others kept, all scaled to sum to 1; Q p and
   p Q p follow the change, as in the paper's algorithm 2. */
static void couple(const double *q, uint32_t n, double *p, double *qp)
{
    for (int round = 0; round < 100; round++) {
        double pqp = times(q, p, n, qp), error = 0;
        for (uint32_t i = 0; i < n; i++)
            error = fmax(error, fabs(qp[i] - pqp));
        if (error < 0.005 / n)
            return;
        for (uint32_t t = 0; t < n; t++) {
            double d = (pqp - qp[t]) / q[t * n + t];
            p[t] += d;
            pqp += d * (d * q[t * n + t] + 2 * qp[t]);
            pqp /= (1 + d) * (1 + d);
            for (uint32_t i = 0; i < n; i++) {
                qp[i] = (qp[i] + d * q[i * n + t]) / (1 + d);
                p[i] /= 1 + d;
            }
        }
    }
}

void reference_couple(const reference_frame *r)
{
    uint32_t n = r->op->p[0], pairs = n * (n - 1) / 2;
    for (uint32_t row = 0; row < rows_of(r); row++) {
        double *p = r->out + (size_t)row * n;
        double *m = calloc(2 * n * n + n, sizeof *m);
        matrix_of(r->in[0] + (size_t)row * pairs, n, m, m + n * n);
        for (uint32_t i = 0; i < n; i++)
            p[i] = 1.0 / n;
        couple(m + n * n, n, p, m + 2 * n * n);
        free(m);
    }
}
