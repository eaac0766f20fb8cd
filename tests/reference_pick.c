/*
 * reference_pick.c - choosing and indexing, from their definition.
 */
#include <math.h>
#include <stdlib.h>
#include "reference_ops.h"

static uint32_t product(const uint32_t *dims, uint32_t from, uint32_t to)
{
    uint32_t n = 1;
    while (from < to)
        n *= dims[from++];
    return n;
}

static uint32_t all(const mli_file_tensor *t)
{
    return product(t->dims, 0, t->rank);
}

/* The element of a broadcast tensor that meets y's element `at`. */
static uint32_t meets(const mli_file_tensor *t, const mli_file_tensor *y,
                      uint32_t at)
{
    uint32_t from = 0, stride = 1;
    for (uint32_t d = 1; d <= t->rank; d++) {
        uint32_t m = t->dims[t->rank - d], n = y->dims[y->rank - d];
        if (m != 1)
            from += at % n * stride;
        stride *= m;
        at /= n;
    }
    return from;
}

void reference_select(const reference_frame *r)
{
    for (uint32_t i = 0; i < all(r->y); i++) {
        const double *c = r->in[0] + meets(r->operand[0], r->y, i);
        int k = *c != 0 ? 1 : 2;
        r->out[i] = r->in[k][meets(r->operand[k], r->y, i)];
    }
}

static uint32_t index_in(double index, uint32_t n)
{
    if (isnan(index))
        return 0;
    index = trunc(index);
    index += index < 0 ? n : 0;
    return index < 0 ? 0 : index > n - 1 ? n - 1 : (uint32_t)index;
}

void reference_gather(const reference_frame *r)
{
    uint32_t axis = r->op->p[0], n = r->x->dims[axis];
    uint32_t outer = product(r->x->dims, 0, axis);
    uint32_t inner = product(r->x->dims, axis + 1, r->x->rank);
    uint32_t count = all(r->operand[1]), to = 0;
    for (uint32_t o = 0; o < outer; o++)
        for (uint32_t k = 0; k < count; k++)
            for (uint32_t i = 0; i < inner; i++)
                r->out[to++] =
                    r->in[0][(o * n + index_in(r->in[1][k], n)) * inner + i];
}

static double put(uint32_t how, double old, double u)
{
    switch (how) {
    case MLI_SCATTER_ADD:
        return old + u;
    case MLI_SCATTER_MUL:
        return old * u;
    case MLI_SCATTER_MAX:
        return fmax(old, u);
    case MLI_SCATTER_MIN:
        return fmin(old, u);
    default:
        return u;
    }
}

void reference_scatter(const reference_frame *r)
{
    uint32_t n = r->x->dims[0], inner = all(r->x) / n;
    for (uint32_t i = 0; i < all(r->x); i++)
        r->out[i] = r->in[0][i];
    for (uint32_t k = 0; k < all(r->operand[1]); k++)
        for (uint32_t i = 0; i < inner; i++) {
            double *y = r->out + index_in(r->in[1][k], n) * inner + i;
            *y = put(r->op->p[0], *y, r->in[2][k * inner + i]);
        }
}

/* The place of the element before which `rank` others come. */
static uint32_t ranked(const double *x, uint32_t n, uint32_t rank, int smallest,
                       int last)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = 0;
        for (uint32_t j = 0; j < n; j++)
            if (x[j] == x[i])
                before += last ? j > i : j < i;
            else
                before += smallest ? x[j] < x[i] : x[j] > x[i];
        if (before == rank)
            return i;
    }
    return 0;
}

void reference_arg(const reference_frame *r)
{
    uint32_t n = r->x->dims[r->x->rank - 1];
    for (uint32_t i = 0; i < all(r->y); i++)
        r->out[i] =
            ranked(r->in[0] + i * n, n, 0, (int)r->op->p[0], (int)r->op->p[1]);
}

void reference_topk(const reference_frame *r)
{
    uint32_t n = r->x->dims[r->x->rank - 1], k = r->op->p[0];
    for (uint32_t i = 0; i < all(r->y); i++) {
        const double *x = r->in[0] + i / k * n;
        uint32_t at = ranked(x, n, i % k, (int)r->op->p[1], 0);
        r->out[i] = r->op->p[2] ? at : x[at];
    }
}

void reference_cumulate(const reference_frame *r)
{
    uint32_t axis = r->op->p[0], n = r->x->dims[axis];
    uint32_t inner = product(r->x->dims, axis + 1, r->x->rank);
    for (uint32_t at = 0; at < all(r->x); at++) {
        uint32_t place = at / inner % n, line = at - place * inner;
        double sum = r->op->p[1] ? 1 : 0;
        for (uint32_t i = 0; i < n; i++) {
            int counts = r->op->p[3] ? i > place : i < place;
            double x = r->in[0][line + i * inner];
            if (counts || (i == place && !r->op->p[2]))
                sum = r->op->p[1] ? sum * x : sum + x;
        }
        r->out[at] = sum;
    }
}
