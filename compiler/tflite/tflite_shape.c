/* tflite_shape.c - shapes: what a file says of them, RESHAPE and its kin. */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* A whole number list that must be known now. */
const int64_t *tfl_known(tfl_run *r, tfl_call *c, int i, uint32_t *count,
                         const char *what)
{
    const int64_t *list =
        i < c->inputs && c->in[i] ? tfl_ints(r, c->in[i], count) : NULL;

    if (!list)
        tfl_unsupported(r, c, "%s that depend%s on the input", what,
                        what[strlen(what) - 1] == 's' ? "" : "s");
    return list;
}

uint32_t tfl_dim(tfl_run *r, const tfl_call *c, int64_t n)
{
    if (n < 1 || n > (int64_t)MLI_MAX_ELEMENTS)
        tfl_bad(r, c, "an axis of %lld", (long long)n);
    return (uint32_t)n;
}

int tfl_read_shape(tfl_run *r, tfl_call *c, int i, uint32_t *dims,
                   uint32_t *rank)
{
    const int64_t *list = tfl_known(r, c, i, rank, "a shape");
    uint64_t n = 1;

    if (!list)
        return 0;
    if (*rank > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", *rank);
        return 0;
    }
    for (uint32_t k = 0; k < *rank; k++) {
        dims[k] = tfl_dim(r, c, list[k]);
        n *= dims[k];
        if (n > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
    }
    return 1;
}

/* Where time is among the new axes: as many numbers before it and behind. */
static uint32_t time_among(const tfl_value *v, uint32_t rank,
                           const uint32_t *dims)
{
    uint64_t wanted = 1, before = 1;

    for (uint32_t i = 0; i + 1 < v->time; i++)
        wanted *= v->dims[i];
    for (uint32_t i = 0; i < rank; before *= dims[i++])
        if (before == wanted && dims[i] == v->dims[v->time - 1])
            return i + 1;
    return 0;
}

static void shape_in_time(tfl_run *r, tfl_call *c, tfl_value *v, uint32_t rank,
                          const uint32_t *dims)
{
    uint32_t at = time_among(v, rank, dims), frame[TFL_MAX_RANK], n = 0;
    tfl_value *y = c->outputs ? c->out[0] : NULL;

    if (!at || !y) {
        tfl_unsupported(r, c,
                        "a shape across time (expected mode step or "
                        "window)");
        return;
    }
    for (uint32_t i = 0; i < rank; i++)
        if (i != at - 1)
            frame[n++] = dims[i];
    if (v->block && (at == 1 || dims[0] != v->block)) {
        tfl_unsupported(r, c, "a shape across blocks of time");
        return;
    }
    if (v->block)
        frame[0] = 1;
    tfl_put_like(r, c, 0, ir_reshape(r->g, tfl_id(r, v), n, frame), v);
    if (y->broken)
        return;
    y->rank = rank;
    memcpy(y->dims, dims, rank * sizeof *dims);
    y->time = at;
    y->late = v->late;
    y->pad = v->pad;
    y->clean = v->clean;
    y->block = v->block;
}

static void put_shaped(tfl_run *r, tfl_call *c, int k, tfl_value *v,
                       uint32_t rank, const uint32_t *dims)
{
    ir_id x;

    if (v->time) {
        shape_in_time(r, c, v, rank, dims);
        return;
    }
    x = tfl_id(r, v);
    tfl_put_like(r, c, k, ir_reshape(r->g, x, rank, dims), v);
    tfl_keep_spread(r, c, v);
    if (v->complex && k < c->outputs && c->out[k]) {
        c->out[k]->complex = 1;
        c->out[k]->imaginary = ir_reshape(r->g, v->imaginary, rank, dims);
    }
}

static void reshape_to(tfl_run *r, tfl_call *c, const int64_t *list,
                       uint32_t count)
{
    tfl_value *v = c->in[0];
    uint32_t dims[TFL_MAX_RANK], open = UINT32_MAX;
    uint64_t n = 1, all = tfl_elements(v);

    if (count > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == -1 && open == UINT32_MAX) {
            open = i;
            continue;
        }
        dims[i] = tfl_dim(r, c, list[i]);
        n *= dims[i];
        if (n > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
    }
    if (open != UINT32_MAX)
        dims[open] = (uint32_t)(n && all % n == 0 ? all / n : 1);
    put_shaped(r, c, 0, v, count, dims);
}

/* As the file declares the result: RESHAPE without numbers, SQUEEZE ... */
static void reshape_declared(tfl_run *r, tfl_call *c)
{
    const tfl_tensor *t;
    uint64_t n = 1;

    if (!c->outputs || !c->out[0])
        return;
    t = c->declared[0];
    for (int i = 0; i < t->rank && n <= MLI_MAX_ELEMENTS; i++)
        n *= t->dims[i];
    if (t->rank < 0 || n != tfl_elements(c->in[0])) {
        tfl_unsupported(r, c, "a shape that depends on the input");
        return;
    }
    put_shaped(r, c, 0, c->in[0], (uint32_t)t->rank, t->dims);
}

static void expand_dims(tfl_run *r, tfl_call *c)
{
    tfl_value *v = c->in[0];
    uint32_t count, dims[TFL_MAX_RANK], axis;
    const int64_t *list = tfl_known(r, c, 1, &count, "axes");

    if (!list)
        return;
    if (count != 1 || v->rank >= TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes more than %u", count, v->rank);
        return;
    }
    axis = (uint32_t)tfl_axis(r, c, list[0], v->rank + 1);
    for (uint32_t i = 0, k = 0; i <= v->rank; i++)
        dims[i] = i == axis ? 1 : v->dims[k++];
    put_shaped(r, c, 0, v, v->rank + 1, dims);
}

static void squeeze(tfl_run *r, tfl_call *c)
{
    tfl_value *v = c->in[0];
    flat_vector list = flat_list(&c->op->options, 0, 4, "axes");
    uint32_t axes = 0, rank = 0, dims[TFL_MAX_RANK];

    for (uint32_t i = 0; i < list.count; i++)
        axes |= 1u << tfl_axis(r, c, flat_int_at(&list, i), v->rank);
    for (uint32_t i = 0; i < v->rank; i++)
        if (v->dims[i] != 1 || (list.count && !(axes >> i & 1u)))
            dims[rank++] = v->dims[i];
    put_shaped(r, c, 0, v, rank, dims);
}

/* what: 0 RESHAPE, 1 SQUEEZE, 2 EXPAND_DIMS */
void tfl_do_reshape(tfl_run *r, tfl_call *c, int what)
{
    uint32_t count;
    const int64_t *list;

    if (what == 1) {
        squeeze(r, c);
        return;
    }
    if (what == 2) {
        expand_dims(r, c);
        return;
    }
    if (c->inputs > 1 && c->in[1]) {
        list = tfl_ints(r, c->in[1], &count);
        if (list)
            reshape_to(r, c, list, count);
        else
            reshape_declared(r, c);
        return;
    }
    if (c->op->options.file) {
        flat_vector shape = flat_list(&c->op->options, 0, 4, "a shape");
        int64_t *copy = onnx_take(r->pool, shape.count, sizeof *copy);
        for (uint32_t i = 0; i < shape.count; i++)
            copy[i] = flat_int_at(&shape, i);
        reshape_to(r, c, copy, shape.count);
        return;
    }
    reshape_declared(r, c);
}

void tfl_do_transpose(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count, perm[TFL_MAX_RANK];
    const int64_t *list = tfl_known(r, c, 1, &count, "an order of axes");
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!list)
        return;
    if (count != v->rank)
        tfl_bad(r, c, "an order of %u axes for %u", count, v->rank);
    for (uint32_t i = 0; i < count; i++)
        perm[i] = (uint32_t)tfl_axis(r, c, list[i], v->rank);
    tfl_put_like(r, c, 0, ir_transpose(r->g, x, perm), v);
}

/* what: 0 SHAPE, 1 RANK */
void tfl_do_shape(tfl_run *r, tfl_call *c, int what)
{
    const tfl_value *v = c->in[0];
    float dims[TFL_MAX_RANK];

    for (uint32_t i = 0; i < v->rank; i++)
        dims[i] = (float)v->dims[i];
    if (what == 0 && v->rank == 0) {
        tfl_unsupported(r, c, "an empty result");
        return;
    }
    tfl_put_whole(r, c, 0,
                  what ? ir_scalar(r->g, (float)v->rank)
                       : ir_const1(r->g, v->rank, dims));
}
