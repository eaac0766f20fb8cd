/*
 * onnx_gather.c - Gather: slices where the indices are constant and few runs,
 * else looked up.
 */
#include "onnx_run.h"

static void gather_const(onnx_run *r, onnx_call *c, int axis)
{
    onnx_value *v = c->in[0], *at = c->in[1], *y;
    int64_t dims[2 * ONNX_MAX_RANK], inner = 1, outer = 1, k = 0;
    int rank = 0;
    int64_t n = onnx_elements(at);
    for (int i = 0; i < axis; i++)
        outer *= dims[rank++] = v->dims[i];
    for (int i = 0; i < at->rank; i++)
        dims[rank++] = at->dims[i];
    for (int i = axis + 1; i < v->rank; i++)
        inner *= dims[rank++] = v->dims[i];
    if (rank > ONNX_MAX_RANK)
        onnx_bad(r, c, "a result with %d axes", rank);
    y = onnx_new_const(r, v->type, rank, dims);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < n; j++) {
            int64_t from = onnx_int_at(at, j);
            from += from < 0 ? v->dims[axis] : 0;
            if (from < 0 || from >= v->dims[axis])
                onnx_bad(r, c, "index %lld of %lld", (long long)from,
                         (long long)v->dims[axis]);
            from = (o * v->dims[axis] + from) * inner;
            for (int64_t m = 0; m < inner; m++, k++)
                if (y->f)
                    y->f[k] = v->f[from + m];
                else
                    y->i[k] = v->i[from + m];
        }
    c->out[0] = y;
}

#define MAX_SLICES 4 /* more are looked up */

/* How many runs of equal steps. */
static int64_t slices_of(const int64_t *at, int64_t n)
{
    int64_t runs = 0;
    for (int64_t i = 0; i < n; runs++) {
        int64_t step = i + 1 < n ? at[i + 1] - at[i] : 1, m = 1;
        while (step && i + m < n && at[i + m] - at[i + m - 1] == step)
            m++;
        i += m;
    }
    return runs;
}

/* Constant indices: slices, one for each run of equal steps. */
static onnx_value *gather_slices(onnx_run *r, onnx_call *c, onnx_value *v,
                                 int axis, const int64_t *at, int64_t n)
{
    onnx_value **part = onnx_take(r->pool, (size_t)n, sizeof *part);
    int parts = 0;
    for (int64_t i = 0; i < n;) {
        int64_t step = i + 1 < n ? at[i + 1] - at[i] : 1, m = 1;
        while (step && i + m < n && at[i + m] - at[i + m - 1] == step)
            m++;
        part[parts++] = onnx_sliced(r, c, v, axis, at[i], step ? step : 1, m);
        i += m;
    }
    return parts == 1 ? part[0] : onnx_concat(r, c, part, parts, axis);
}

void onnx_do_gather(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *at = c->in[1];
    int axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v->rank), rank = 0;
    int64_t n, *index, dims[2 * ONNX_MAX_RANK];
    (void)what;
    if (at->kind != ONNX_CONST) {
        c->out[0] = onnx_gathered(r, c, v, at, axis);
        return;
    }
    if (v->kind == ONNX_CONST) {
        gather_const(r, c, axis);
        return;
    }
    n = onnx_elements(at);
    if (n < 1) {
        onnx_unsupported(r, c, "an empty result");
        return;
    }
    index = onnx_take(r->pool, (size_t)n, sizeof *index);
    for (int64_t i = 0; i < n; i++) {
        index[i] = onnx_int_at(at, i);
        index[i] += index[i] < 0 ? v->dims[axis] : 0;
        if (index[i] < 0 || index[i] >= v->dims[axis])
            onnx_bad(r, c, "index %lld of %lld", (long long)index[i],
                     (long long)v->dims[axis]);
    }
    if (axis == v->time && at->rank == 0 && v->dims[axis] == 1) {
        onnx_not_in_time(r, c, "takes one frame out of time");
        v = onnx_like(r, v, v->rank, v->dims, -1, v->id);
    }
    if (axis != v->time && slices_of(index, n) > MAX_SLICES) {
        c->out[0] = onnx_gathered(r, c, v, at, axis);
        return;
    }
    if (slices_of(index, n) > (int64_t)MLI_MAX_CONCAT) {
        onnx_unsupported(r, c, "%lld indices", (long long)n);
        return;
    }
    v = gather_slices(r, c, v, axis, index, n);
    for (int i = 0; i < axis; i++)
        dims[rank++] = v->dims[i];
    for (int i = 0; i < at->rank; i++)
        dims[rank++] = at->dims[i];
    for (int i = axis + 1; i < v->rank; i++)
        dims[rank++] = v->dims[i];
    if (rank > ONNX_MAX_RANK)
        onnx_bad(r, c, "a result with %d axes", rank);
    c->out[0] = onnx_reshaped(r, c, v, rank, dims);
}
