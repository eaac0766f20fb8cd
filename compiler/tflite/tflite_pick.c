/* tflite_pick.c - elements picked by number. */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* One element of an axis, known now: a slice. */
static void gather_one(tfl_run *r, tfl_call *c, int axis, int64_t at)
{
    tfl_value *v = c->in[0], *index = c->in[1];
    uint32_t dims[2 * TFL_MAX_RANK], rank = 0;
    ir_id x;

    for (uint32_t i = 0; i < v->rank; i++)
        if ((int)i != axis)
            dims[rank++] = v->dims[i];
        else
            for (uint32_t k = 0; k < index->rank; k++)
                dims[rank++] = 1;
    if (rank > TFL_MAX_RANK || at < 0 || at >= v->dims[axis])
        tfl_bad(r, c, "index %lld of an axis of %u", (long long)at,
                v->dims[axis]);
    x = ir_slice(r->g, tfl_id(r, v), (uint32_t)axis, (uint32_t)at, 1, 1);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, rank, dims), v);
}

/* Axis `from` comes to place `to`, the others keep their order. */
static ir_id moved(tfl_run *r, ir_id x, uint32_t rank, uint32_t from,
                   uint32_t to)
{
    uint32_t order[TFL_MAX_RANK], n = 0;

    for (uint32_t i = 0; i < rank; i++) {
        if (n == to)
            order[n++] = from;
        if (i != from)
            order[n++] = i;
    }
    if (n == to)
        order[n++] = from;
    return from == to ? x : ir_transpose(r->g, x, order);
}

static uint64_t product(const uint32_t *dims, uint32_t from, uint32_t to)
{
    uint64_t n = 1;

    for (; from < to; from++)
        n *= dims[from]; /* of a value, whose elements are bounded */
    return n;
}

/* index [batches, ...] of an axis of n, as rows of [batches * n, ...] */
static ir_id row_numbers(tfl_run *r, ir_id index, uint32_t batches, uint32_t n,
                         uint32_t each)
{
    uint32_t flat[2] = {batches, each}, column[2] = {batches, 1};
    float *first = tfl_take(r, batches);

    tfl_spend(r, batches);
    for (uint32_t i = 0; i < batches; i++)
        first[i] = (float)((uint64_t)i * n);
    index = ir_reshape(r->g, index, 2, flat);
    return batches == 1 ? index
                        : ir_binary(r->g, MLI_ADD, index,
                                    ir_const(r->g, 2, column, first));
}

/*
 * x [batch.., front.., n, back..] with index [batch.., at..] is [batch..,
 * front.., at.., back..]: the axis goes in front, batches and axis become one,
 * and what was found is put in its place.
 */
static void gather_in_batches(tfl_run *r, tfl_call *c, uint32_t axis,
                              uint32_t batch)
{
    tfl_value *v = c->in[0], *at = c->in[1];
    uint32_t batches = (uint32_t)product(v->dims, 0, batch);
    uint32_t front = (uint32_t)product(v->dims, batch, axis);
    uint32_t back = (uint32_t)product(v->dims, axis + 1, v->rank);
    uint32_t each = (uint32_t)product(at->dims, batch, at->rank);
    uint32_t rows[2] = {batches * v->dims[axis], front * back};
    uint32_t found[4] = {batches, each, front, back};
    uint32_t dims[2 * TFL_MAX_RANK], rank = 0;
    static const uint32_t order[4] = {0, 2, 1, 3};
    ir_id x = moved(r, tfl_id(r, v), v->rank, axis, batch);

    for (uint32_t i = 0; i < axis; i++)
        dims[rank++] = v->dims[i];
    for (uint32_t i = batch; i < at->rank; i++)
        dims[rank++] = at->dims[i];
    for (uint32_t i = axis + 1; i < v->rank; i++)
        dims[rank++] = v->dims[i];
    if (rank > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", rank);
        return;
    }
    x = ir_reshape(r->g, x, 2, rows);
    x = ir_gather(r->g, x,
                  row_numbers(r, tfl_id(r, at), batches, v->dims[axis], each),
                  0);
    x = ir_reshape(r->g, x, 4, found);
    if (front > 1)
        x = ir_transpose(r->g, x, order);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, rank, dims), v);
}

void tfl_do_gather(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0], *index = c->in[1];
    int axis = tfl_axis(r, c, tfl_option_int(c, 0, 0), v->rank);
    int batch = tfl_option_int(c, 1, 0);
    uint32_t count = 0;
    const int64_t *list = tfl_ints(r, index, &count);

    (void)what;
    batch += batch < 0 ? (int)index->rank : 0;
    if (batch < 0 || batch > axis || (uint32_t)batch > index->rank ||
        memcmp(v->dims, index->dims, (size_t)batch * sizeof *v->dims))
        tfl_bad(r, c, "%d batch axes of %u, and axis %d", batch, index->rank,
                axis);
    if (list && count == 1)
        gather_one(r, c, axis, list[0]);
    else if (batch)
        gather_in_batches(r, c, (uint32_t)axis, (uint32_t)batch);
    else
        tfl_put_like(
            r, c, 0,
            ir_gather(r->g, tfl_id(r, v), tfl_id(r, index), (uint32_t)axis), v);
}

/* index [.., k]: places along the first k axes of x. */
void tfl_do_gather_nd(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0], *at = c->in[1];
    uint32_t k = at->rank ? at->dims[at->rank - 1] : 0, flat[2], dims[2];
    uint32_t out[2 * TFL_MAX_RANK], rank = 0;
    float *stride;
    ir_id x;

    (void)what;
    if (!at->rank || k > v->rank || k < 1)
        tfl_bad(r, c, "places of %u axes for %u", k, v->rank);
    stride = tfl_take(r, k);
    for (uint32_t i = 0; i < k; i++)
        stride[i] = (float)product(v->dims, i + 1, k);
    for (uint32_t i = 0; i + 1 < at->rank; i++)
        out[rank++] = at->dims[i];
    for (uint32_t i = k; i < v->rank; i++)
        out[rank++] = v->dims[i];
    if (rank > TFL_MAX_RANK || product(v->dims, 0, k) > (1u << 24)) {
        tfl_unsupported(r, c, "%u axes, or more than 2^24 places", rank);
        return;
    }
    flat[0] = (uint32_t)product(v->dims, 0, k);
    flat[1] = (uint32_t)product(v->dims, k, v->rank);
    dims[0] = (uint32_t)product(at->dims, 0, at->rank - 1);
    dims[1] = k;
    x = ir_reshape(r->g, tfl_id(r, at), 2, dims);
    x = ir_reduce(r->g, MLI_REDUCE_SUM,
                  ir_binary(r->g, MLI_MUL, x, ir_const1(r->g, k, stride)), 2u,
                  0);
    x = ir_gather(r->g, ir_reshape(r->g, tfl_id(r, v), 2, flat), x, 0);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, rank, out), v);
}

/* The places of what is not zero: [how many, axes]. */
void tfl_do_where(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint64_t all = tfl_elements(v), inner;
    uint32_t dims[2] = {0, v->rank}, n = 0;
    const float *from;
    float *to;

    (void)what;
    if (!tfl_constant(r, v)) {
        tfl_unsupported(r, c,
                        "how many places it finds depends on the input (use "
                        "tf.where(condition, a, b), which keeps the shape)");
        return;
    }
    if (!c->outputs || !c->out[0])
        return;
    from = tfl_floats(r, v);
    for (uint64_t i = 0; i < all; i++)
        n += from[i] != 0.f;
    if (!n || !v->rank) {
        c->out[0]->set = c->out[0]->empty = 1;
        return;
    }
    tfl_spend(r, (uint64_t)n * v->rank);
    to = tfl_take(r, (uint64_t)n * v->rank);
    dims[0] = n;
    for (uint64_t i = 0, k = 0; i < all; i++)
        for (uint32_t d = 0; from[i] != 0.f && d < v->rank; d++) {
            inner = product(v->dims, d + 1, v->rank);
            to[k++] = (float)(i / inner % v->dims[d]);
        }
    tfl_put_whole(r, c, 0, ir_const(r->g, 2, dims, to));
}

/* Rows of a table, by number. */
void tfl_do_embedding(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[1];

    (void)what;
    if (v->rank < 1)
        tfl_bad(r, c, "a table without axes");
    tfl_put(r, c, 0, ir_gather(r->g, tfl_real(r, v), tfl_id(r, c->in[0]), 0));
}

/* The bytes of a value as they are, for an output of another zero point. */
static ir_id raw_bytes(tfl_run *r, const tfl_call *c, tfl_value *v)
{
    ir_id x = tfl_id(r, v);
    float shift = (float)(v->zero - tfl_zero(c->declared[0]));

    return shift == 0.f ? x
                        : ir_binary(r->g, MLI_ADD, x, ir_scalar(r->g, shift));
}

/* index, depth, on, off; along the last axis by default */
void tfl_do_one_hot(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count, dims[TFL_MAX_RANK], all[TFL_MAX_RANK], axis;
    const int64_t *depth = tfl_known(r, c, 1, &count, "a depth");
    float *places;
    ir_id x = tfl_id(r, v), y;

    (void)what;
    if (!depth)
        return;
    if (count != 1 || depth[0] < 1 || depth[0] > (1 << 20) ||
        v->rank >= TFL_MAX_RANK)
        tfl_bad(r, c, "a depth of %lld numbers", (long long)depth[0]);
    axis = (uint32_t)tfl_axis(r, c, tfl_option_int(c, 0, 0), v->rank + 1);
    for (uint32_t i = 0, k = 0; i <= v->rank; i++) {
        dims[i] = i == axis ? 1 : v->dims[k++];
        all[i] = i == axis ? (uint32_t)depth[0] : 1;
    }
    tfl_spend(r, (uint64_t)depth[0]);
    places = tfl_take(r, (uint64_t)depth[0]);
    for (uint32_t i = 0; i < (uint32_t)depth[0]; i++)
        places[i] = (float)i;
    y = ir_binary(r->g, MLI_EQUAL, ir_reshape(r->g, x, v->rank + 1, dims),
                  ir_const(r->g, v->rank + 1, all, places));
    if (!c->outputs || !c->out[0])
        return;
    if (tfl_quantised(c->declared[0]))
        tfl_put_whole(r, c, 0,
                      ir_select(r->g, y, raw_bytes(r, c, c->in[2]),
                                raw_bytes(r, c, c->in[3])));
    else
        tfl_put(
            r, c, 0,
            ir_select(r->g, y, tfl_real(r, c->in[2]), tfl_real(r, c->in[3])));
}
