/* tflite_slice.c - parts of values, and values of parts. */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* With the scale of the output, whatever its own was. */
static ir_id matched(tfl_run *r, tfl_call *c, tfl_value *v)
{
    const tfl_tensor *t = c->declared[0];
    float scale = tfl_tensor_scale(t), own, low, high;
    ir_id x = tfl_id(r, v);

    if (v->scale == scale)
        return x;
    if (scale == 0.f)
        return tfl_real(r, v);
    own = (v->scale > 0.f ? v->scale : 1.f) / scale;
    tfl_range(t->type, tfl_zero(t), &low, &high);
    return tfl_scaled(r, x, 1, &own, NULL, MLI_ROUND_AWAY, low, high);
}

void tfl_do_concatenation(tfl_run *r, tfl_call *c, int what)
{
    ir_id *x = onnx_take(r->pool, (size_t)c->inputs, sizeof *x), y;
    uint32_t n = 0;
    int axis;

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    axis = tfl_option_int(c, 0, 0);
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && !c->in[i]->empty) {
            if (!n)
                axis = tfl_axis(r, c, axis, c->in[i]->rank);
            x[n++] = matched(r, c, c->in[i]);
        }
    y = ir_concat(r->g, x, n, (uint32_t)axis);
    if (tfl_quantised(c->declared[0]))
        tfl_put_whole(r, c, 0, y);
    else
        tfl_put_active(r, c, 0, y, tfl_option(c, 1, 0));
}

void tfl_do_pack(tfl_run *r, tfl_call *c, int what)
{
    ir_id *x = onnx_take(r->pool, (size_t)c->inputs, sizeof *x);
    uint32_t dims[TFL_MAX_RANK], rank = c->in[0]->rank + 1, n = 0;
    int axis;

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    if (rank > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", rank);
        return;
    }
    axis = tfl_axis(r, c, tfl_option_int(c, 1, 0), rank);
    for (uint32_t i = 0, k = 0; i < rank; i++)
        dims[i] = (int)i == axis ? 1 : c->in[0]->dims[k++];
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i])
            x[n++] = ir_reshape(r->g, matched(r, c, c->in[i]), rank, dims);
    tfl_put_whole(r, c, 0, ir_concat(r->g, x, n, (uint32_t)axis));
}

void tfl_do_unpack(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_id(r, v);
    uint32_t dims[TFL_MAX_RANK], rank = 0;
    int axis = tfl_axis(r, c, tfl_option_int(c, 1, 0), v->rank);

    (void)what;
    if ((uint32_t)c->outputs != v->dims[axis])
        tfl_bad(r, c, "%d outputs of an axis of %u", c->outputs, v->dims[axis]);
    for (uint32_t i = 0; i < v->rank; i++)
        if ((int)i != axis)
            dims[rank++] = v->dims[i];
    for (int k = 0; k < c->outputs; k++) {
        ir_id y = ir_slice(r->g, x, (uint32_t)axis, (uint32_t)k, 1, 1);
        tfl_put_like(r, c, k, ir_reshape(r->g, y, rank, dims), v);
    }
}

void tfl_do_split(tfl_run *r, tfl_call *c, int sizes)
{
    tfl_value *v = c->in[sizes ? 0 : 1];
    uint32_t count, n = 0, at = 0;
    const int64_t *list = tfl_known(r, c, sizes ? 2 : 0, &count, "an axis");
    const int64_t *parts = NULL;
    ir_id x = tfl_id(r, v);
    int axis;

    if (!list || !count)
        return;
    axis = tfl_axis(r, c, list[0], v->rank);
    if (sizes) {
        int64_t sum = 0;
        int64_t *copy;
        parts = tfl_known(r, c, 1, &n, "sizes");
        if (!parts)
            return;
        if (n != (uint32_t)c->outputs)
            tfl_bad(r, c, "%u sizes for %d outputs", n, c->outputs);
        copy = onnx_take(r->pool, n, sizeof *copy);
        for (uint32_t i = 0; i < n; i++)
            sum += parts[i] > 0 ? tfl_dim(r, c, parts[i]) : 0;
        for (uint32_t i = 0; i < n; i++)
            copy[i] = parts[i] < 0 ? (int64_t)v->dims[axis] - sum : parts[i];
        parts = copy;
    } else if (!c->outputs || v->dims[axis] % (uint32_t)c->outputs) {
        tfl_bad(r, c, "an axis of %u in %d parts", v->dims[axis], c->outputs);
    }
    for (int k = 0; k < c->outputs; k++) {
        uint32_t size = parts ? tfl_dim(r, c, parts[k])
                              : v->dims[axis] / (uint32_t)c->outputs;
        tfl_put_like(r, c, k, ir_slice(r->g, x, (uint32_t)axis, at, 1, size),
                     v);
        at += size;
    }
}

void tfl_do_slice(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t n, m;
    const int64_t *begin = tfl_known(r, c, 1, &n, "a place");
    const int64_t *size = begin ? tfl_known(r, c, 2, &m, "a size") : NULL;
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!size)
        return;
    if (n != v->rank || m != v->rank)
        tfl_bad(r, c, "a place of %u and a size of %u axes for %u", n, m,
                v->rank);
    for (uint32_t i = 0; i < v->rank; i++) {
        int64_t count = size[i];
        if (begin[i] < 0 || begin[i] > v->dims[i])
            tfl_bad(r, c, "a place of %lld in an axis of %u",
                    (long long)begin[i], v->dims[i]);
        count = count < 0 ? v->dims[i] - begin[i] : count;
        if (count == 0 && c->outputs && c->out[0]) {
            c->out[0]->set = c->out[0]->empty = 1;
            return;
        }
        x = ir_slice(r->g, x, i, (uint32_t)begin[i], 1, tfl_dim(r, c, count));
    }
    tfl_put_like(r, c, 0, x, v);
}

typedef struct strides {
    const int64_t *begin, *end, *step;
    uint32_t count;
    int32_t begin_mask, end_mask, ellipsis, new_axis, shrink;
} strides;

static int64_t bounded(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* One axis of a strided slice. */
static ir_id stride(tfl_run *r, tfl_call *c, const strides *s, uint32_t k,
                    uint32_t axis, uint32_t size, ir_id x)
{
    int64_t n = size, step = s->step[k], from = s->begin[k], to = s->end[k];
    int64_t count;

    if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
        tfl_bad(r, c, "a stride of %lld", (long long)step);
    from += from < 0 ? n : 0;
    to += to < 0 ? n : 0;
    if (s->shrink >> k & 1) {
        if (from < 0 || from >= n)
            tfl_bad(r, c, "a place of %lld in an axis of %u", (long long)from,
                    size);
        return ir_slice(r->g, x, axis, (uint32_t)from, 1, 1);
    }
    from = step > 0 ? bounded(from, 0, n) : bounded(from, -1, n - 1);
    to = step > 0 ? bounded(to, 0, n) : bounded(to, -1, n - 1);
    if (s->begin_mask >> k & 1)
        from = step > 0 ? 0 : n - 1;
    if (s->end_mask >> k & 1)
        to = step > 0 ? n : -1;
    count = step > 0 ? (to - from + step - 1) / step
                     : (from - to - step - 1) / -step;
    if (count < 1) {
        tfl_unsupported(r, c, "an empty result");
        return IR_NONE;
    }
    return ir_slice(r->g, x, axis, (uint32_t)from, (int32_t)step,
                    (uint32_t)count);
}

void tfl_do_strided_slice(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    strides s = {.begin_mask = tfl_option_int(c, 0, 0),
                 .end_mask = tfl_option_int(c, 1, 0),
                 .ellipsis = tfl_option_int(c, 2, 0),
                 .new_axis = tfl_option_int(c, 3, 0),
                 .shrink = tfl_option_int(c, 4, 0)};
    uint32_t n[3], dims[2 * TFL_MAX_RANK], rank = 0, axis = 0, taken = 0;
    ir_id x = tfl_id(r, v);

    (void)what;
    s.begin = tfl_known(r, c, 1, &n[0], "a place");
    s.end = s.begin ? tfl_known(r, c, 2, &n[1], "an end") : NULL;
    s.step = s.end ? tfl_known(r, c, 3, &n[2], "a stride") : NULL;
    if (!s.step)
        return;
    s.count = n[0];
    if (n[1] != n[0] || n[2] != n[0] || n[0] > TFL_MAX_RANK)
        tfl_bad(r, c, "%u places, %u ends, %u strides", n[0], n[1], n[2]);
    for (uint32_t k = 0; k < s.count; k++)
        taken += !(s.new_axis >> k & 1) && !(s.ellipsis >> k & 1);
    if (taken > v->rank)
        tfl_bad(r, c, "%u places for %u axes", taken, v->rank);
    for (uint32_t k = 0; k < s.count; k++) {
        if (s.ellipsis >> k & 1) {
            for (uint32_t i = taken; i < v->rank; i++)
                dims[rank++] = v->dims[axis++];
            taken = v->rank;
        } else if (s.new_axis >> k & 1) {
            dims[rank++] = 1;
        } else {
            x = stride(r, c, &s, k, axis, v->dims[axis], x);
            if (!ir_good(r->g, x))
                break;
            if (!(s.shrink >> k & 1))
                dims[rank++] = r->g->values[x].dims[axis];
            axis++;
        }
    }
    if (ir_good(r->g, x))
        while (axis < v->rank)
            dims[rank++] = v->dims[axis++];
    else if (!r->g->error[0])
        return; /* unsupported, said already */
    if (rank > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", rank);
        return;
    }
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, rank, dims), v);
}

void tfl_do_reverse(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *list = tfl_known(r, c, 1, &count, "axes");
    ir_id x = tfl_id(r, v);

    (void)what;
    for (uint32_t i = 0; list && i < count; i++) {
        int axis = tfl_axis(r, c, list[i], v->rank);
        x = ir_slice(r->g, x, (uint32_t)axis, v->dims[axis] - 1, -1,
                     v->dims[axis]);
    }
    if (list)
        tfl_put_like(r, c, 0, x, v);
}

/* Part of a value is replaced, along one axis or as a whole. */
void tfl_do_update_slice(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0], *u = c->in[1];
    uint32_t count, axis = 0, others = 0, n = 0;
    const int64_t *at = tfl_known(r, c, 2, &count, "a place");
    int64_t from;
    ir_id x = tfl_id(r, v), part[3];

    (void)what;
    if (!at)
        return;
    if (count != v->rank || u->rank != v->rank)
        tfl_bad(r, c, "%u places for %u axes", count, v->rank);
    for (uint32_t i = 0; i < v->rank; i++)
        if (u->dims[i] != v->dims[i]) {
            axis = i;
            others++;
        }
    if (others > 1 || v->rank == 0) {
        tfl_unsupported(r, c, "a part of several axes");
        return;
    }
    if (u->dims[axis] > v->dims[axis])
        tfl_bad(r, c, "%u elements in place of %u", u->dims[axis],
                v->dims[axis]);
    from = bounded(at[axis], 0, v->dims[axis] - u->dims[axis]);
    if (from > 0)
        part[n++] = ir_slice(r->g, x, axis, 0, 1, (uint32_t)from);
    part[n++] = tfl_id(r, u);
    from += u->dims[axis];
    if (from < v->dims[axis])
        part[n++] = ir_slice(r->g, x, axis, (uint32_t)from, 1,
                             v->dims[axis] - (uint32_t)from);
    tfl_put_like(r, c, 0, ir_concat(r->g, part, n, axis), v);
}
