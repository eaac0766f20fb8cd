/*
 * onnx_layout.c - moving elements: of constants at once, of running values
 * through the ir.
 */
#include <string.h>
#include "onnx_run.h"

onnx_value *onnx_transposed(onnx_run *r, onnx_value *v, const int *perm)
{
    int64_t dims[ONNX_MAX_RANK], from[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    uint32_t order[ONNX_MAX_RANK], rank = 0;
    int time = -1, moved = 0;
    int64_t last = -1;
    onnx_value *y;
    onnx_strides(v, from);
    for (int i = 0; i < v->rank; i++) {
        dims[i] = v->dims[perm[i]];
        strides[i] = from[perm[i]];
        if (perm[i] == v->time)
            time = i;
    }
    y = v->raw ? onnx_raw_transposed(r, v, perm) : NULL;
    if (y)
        return y;
    if (v->kind == ONNX_CONST)
        return onnx_strided(r, v, v->rank, dims, 0, strides);
    y = onnx_like(r, v, v->rank, dims, time, v->id);
    for (int i = 0; i < v->rank; i++) {
        if (onnx_timed(r, v) && perm[i] == v->time)
            continue;
        if (dims[i] == 1)
            continue;
        order[rank++] = (uint32_t)onnx_kept_axis(r, v, 0, perm[i]);
        moved |= perm[i] < last; /* axes of one element move freely */
        last = perm[i];
    }
    if (moved)
        y->id = ir_transpose(r->g, onnx_kept_id(r, v, 0), order);
    return y;
}

/* The axis of the new dims that time becomes, or -1. */
static int time_after(const onnx_value *v, int rank, const int64_t *dims)
{
    int64_t before = 1, now = 1;
    for (int i = 0; i < v->time; i++)
        before *= v->dims[i];
    for (int i = 0; i < rank; i++) {
        if (now == before && dims[i] == v->dims[v->time])
            return i;
        now *= dims[i];
    }
    return -1;
}

onnx_value *onnx_reshaped(onnx_run *r, onnx_call *c, onnx_value *v, int rank,
                          const int64_t *dims)
{
    onnx_value *y;
    int time = -1;
    if (v->time >= 0) {
        time = time_after(v, rank, dims);
        y = time < 0 && onnx_timed(r, v) ? onnx_regrouped(r, v, rank, dims)
                                         : NULL;
        if (y)
            return y;
        if (time < 0)
            onnx_not_in_time(r, c, "mixes time with other axes");
    }
    y = onnx_like(r, v, rank, dims, time, v->id);
    if (onnx_elements(y) != onnx_elements(v))
        onnx_bad(r, c, "%lld elements cannot become %lld",
                 (long long)onnx_elements(v), (long long)onnx_elements(y));
    y->learned = v->learned;
    return y;
}

/* Along time, in a stream: a shift. */
static onnx_value *slice_time(onnx_run *r, onnx_call *c, onnx_value *v,
                              int64_t start, int64_t step, int64_t count)
{
    onnx_value *y;
    int64_t dims[ONNX_MAX_RANK];
    if (step < 1)
        onnx_not_in_time(r, c, "takes frames in steps of %lld",
                         (long long)step);
    if (count == 1 && v->dims[v->time] > 1)
        onnx_not_in_time(r, c, "takes one frame of %lld",
                         (long long)v->dims[v->time]);
    if (step > 1)
        return onnx_every(r, v, start, step, count);
    memcpy(dims, v->dims, sizeof dims);
    dims[v->time] = count;
    y = onnx_like(r, v, v->rank, dims, v->time, v->id);
    if (start <= y->pad) {
        y->pad -= start;
    } else { /* frames in front are dropped: the others come early */
        y->shift -= start - y->pad;
        y->pad = 0;
        y->clean = 0;
    }
    return y;
}

onnx_value *onnx_sliced(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                        int64_t start, int64_t step, int64_t count)
{
    int64_t dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    onnx_value *y;
    if (start == 0 && step == 1 && count == v->dims[axis])
        return v;
    y = v->raw ? onnx_raw_sliced(r, v, axis, start, step, count) : NULL;
    if (y)
        return y;
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] = count;
    if (v->kind == ONNX_CONST) {
        int64_t base;
        onnx_strides(v, strides);
        base = start * strides[axis];
        strides[axis] *= step;
        return onnx_strided(r, v, v->rank, dims, base, strides);
    }
    if (count < 1)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "node %s (%s): an empty result", c->name, c->node->op);
    if (axis == v->time && r->mode == MLI_STREAM)
        return slice_time(r, c, v, start, step, count);
    y = onnx_like(r, v, v->rank, dims, v->time, IR_NONE);
    y->id = ir_slice(r->g, onnx_kept_id(r, v, 1u << axis),
                     (uint32_t)onnx_kept_axis(r, v, 1u << axis, axis),
                     (uint32_t)start, (int32_t)step, (uint32_t)count);
    return y;
}

static onnx_value *pad_const(onnx_run *r, const onnx_value *v, int axis,
                             int64_t before, int64_t after, float value)
{
    int64_t dims[ONNX_MAX_RANK], inner = 1, outer = 1;
    onnx_value *y;
    onnx_solid(r, (onnx_value *)(uintptr_t)v);
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] += before + after;
    y = onnx_new_const(r, v->type, v->rank, dims);
    for (int i = 0; i < v->rank; i++) {
        outer *= i < axis ? v->dims[i] : 1;
        inner *= i > axis ? v->dims[i] : 1;
    }
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < dims[axis] * inner; k++) {
            int64_t from = k - before * inner, to = o * dims[axis] * inner + k;
            int inside = from >= 0 && from < v->dims[axis] * inner;
            from += o * v->dims[axis] * inner;
            if (y->f)
                y->f[to] = inside ? v->f[from] : value;
            else
                y->i[to] = inside ? v->i[from] : (int64_t)value;
        }
    return y;
}

onnx_value *onnx_padded(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                        int64_t before, int64_t after, float value)
{
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *y;
    if (before < -v->dims[axis] || after < -v->dims[axis] ||
        before > INT32_MAX || after > INT32_MAX)
        onnx_bad(r, c, "pads of %lld and %lld on an axis of %lld",
                 (long long)before, (long long)after, (long long)v->dims[axis]);
    if (before < 0 || after < 0) { /* a negative pad takes away */
        int64_t from = before < 0 ? -before : 0;
        int64_t left = v->dims[axis] - from - (after < 0 ? -after : 0);
        v = onnx_sliced(r, c, v, axis, from, 1, left);
        before = before < 0 ? 0 : before;
        after = after < 0 ? 0 : after;
    }
    if (before == 0 && after == 0)
        return v;
    if (v->kind == ONNX_CONST)
        return pad_const(r, v, axis, before, after, value);
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] += before + after;
    y = onnx_like(r, v, v->rank, dims, v->time, v->id);
    if (onnx_timed(r, v) && axis == v->time) {
        if (before && value != 0.f)
            onnx_not_in_time(r, c, "pads time with %g (expected 0)",
                             (double)value);
        y->pad += before;
        return y;
    }
    v = onnx_settled(r, v);
    y = onnx_like(r, v, v->rank, dims, v->time, IR_NONE);
    y->id = ir_pad(r->g, onnx_kept_id(r, v, 1u << axis),
                   (uint32_t)onnx_kept_axis(r, v, 1u << axis, axis),
                   (uint32_t)before, (uint32_t)after, value);
    return y;
}

/* ------------------------------------------------------ concatenation ---- */

static onnx_value *concat_const(onnx_run *r, onnx_value **v, int count,
                                int axis, const int64_t *dims)
{
    int64_t inner = 1, outer = 1, at = 0;
    onnx_value *y = onnx_new_const(r, v[0]->type, v[0]->rank, dims);
    for (int i = 0; i < v[0]->rank; i++) {
        outer *= i < axis ? dims[i] : 1;
        inner *= i > axis ? dims[i] : 1;
    }
    for (int64_t o = 0; o < outer; o++)
        for (int n = 0; n < count; n++) {
            int64_t piece = v[n]->dims[axis] * inner;
            for (int64_t k = 0; k < piece; k++, at++)
                if (y->f)
                    y->f[at] = onnx_at(v[n], o * piece + k);
                else
                    y->i[at] = onnx_int_at(v[n], o * piece + k);
        }
    return y;
}

/* Zeros before (and after) a stream are padding. */
static onnx_value *concat_time(onnx_run *r, onnx_call *c, onnx_value **v,
                               int count, int axis)
{
    int64_t before = 0, after = 0;
    onnx_value *x = NULL;
    for (int i = 0; i < count; i++) {
        if (onnx_all_zero(v[i])) {
            *(x ? &after : &before) += v[i]->dims[axis];
            continue;
        }
        if (x)
            onnx_not_in_time(r, c, "joins signals one after another in time");
        x = v[i];
    }
    return onnx_padded(r, c, x, axis, before, after, 0.f);
}

/* An operand beside timed ones: without the time axis, which must not matter.
   rank: of all of them. */
static onnx_value *without_time(onnx_run *r, onnx_call *c, onnx_value *v,
                                int time, const onnx_value *like)
{
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0;
    onnx_value *y;
    if (v->dims[time] != 1) {
        onnx_value *u = onnx_uniform(r, v, time);
        if (!u && (y = onnx_periodic(r, v, time, like)))
            return y;
        if (!u)
            onnx_not_in_time(r, c,
                             "uses a value that belongs to one length of time");
        else
            v = u;
    }
    for (int i = 0; i < v->rank; i++)
        if (i != time)
            dims[rank++] = v->dims[i];
    y = onnx_like(r, v, rank, dims, -1, v->kind == ONNX_RUNS ? v->id : IR_NONE);
    return y;
}

onnx_value *onnx_concat(onnx_run *r, onnx_call *c, onnx_value **v, int count,
                        int axis)
{
    ir_id *ids = onnx_take(r->pool, (size_t)count, sizeof *ids);
    onnx_value **in = onnx_take(r->pool, (size_t)count, sizeof *in), *y;
    const onnx_value *like = NULL;
    int64_t dims[ONNX_MAX_RANK];
    int time = -1, running = 0, place = axis, frame = 0;
    uint32_t used = 0;
    memcpy(dims, v[0]->dims, sizeof dims);
    dims[axis] = 0;
    for (int i = 0; i < count; i++) {
        in[i] = v[i];
        running |= v[i]->kind == ONNX_RUNS;
        if (v[i]->rank != v[0]->rank)
            onnx_bad(r, c, "joins tensors with %d and %d axes", v[0]->rank,
                     v[i]->rank);
        for (int a = 0; a < v[i]->rank; a++)
            if (a != axis && v[i]->dims[a] != v[0]->dims[a])
                onnx_bad(r, c, "axis %d has %lld and %lld elements", a,
                         (long long)v[0]->dims[a], (long long)v[i]->dims[a]);
        dims[axis] += v[i]->dims[axis];
        if (v[i]->time < 0)
            continue;
        if (time >= 0 && time != v[i]->time)
            onnx_not_in_time(r, c, "joins signals whose time axes differ");
        time = v[i]->time;
        like = v[i];
    }
    if (!running)
        return concat_const(r, v, count, axis, dims);
    if (r->mode == MLI_STREAM && time >= 0) {
        if (time == axis)
            return concat_time(r, c, v, count, axis);
        for (int i = 0; i < count; i++)
            if (in[i]->time < 0)
                in[i] = without_time(r, c, in[i], time, like);
        place -= time < axis;
    }
    onnx_align(r, in, count);
    y = onnx_new(r, ONNX_RUNS, v[0]->type, v[0]->rank, dims);
    y->time = time;
    for (int i = 0, at; i < count; i++) {
        if (onnx_elements(in[i]) == 0)
            continue;
        /* The axis' number in operands that never had a time axis, and in
           those that have one. */
        at = onnx_timed(r, in[i]) ? axis : place;
        ids[used++] = onnx_kept_id(r, in[i], 1u << at);
        frame = onnx_kept_axis(r, in[i], 1u << at, at);
        if (onnx_timed(r, in[i]))
            y->shift = in[i]->shift;
    }
    y->id = ir_concat(r->g, ids, used, (uint32_t)frame);
    return y;
}
