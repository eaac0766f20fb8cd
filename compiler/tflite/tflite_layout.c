/* tflite_layout.c - operators that move numbers and compute none. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

#define MAX_PARTS 65536u

/* A whole number list that must be known now. */
static const int64_t *known(tfl_run *r, tfl_call *c, int i, uint32_t *count,
                            const char *what)
{
    const int64_t *list =
        i < c->inputs && c->in[i] ? tfl_ints(r, c->in[i], count) : NULL;

    if (!list)
        tfl_unsupported(r, c, "%s that depend%s on the input", what,
                        what[strlen(what) - 1] == 's' ? "" : "s");
    return list;
}

static uint32_t checked_dim(tfl_run *r, const tfl_call *c, int64_t n)
{
    if (n < 1 || n > (int64_t)MLI_MAX_ELEMENTS)
        tfl_bad(r, c, "an axis of %lld", (long long)n);
    return (uint32_t)n;
}

static void put_shaped(tfl_run *r, tfl_call *c, int k, tfl_value *v,
                       uint32_t rank, const uint32_t *dims)
{
    ir_id x = tfl_id(r, v);

    tfl_put_like(r, c, k, ir_reshape(r->g, x, rank, dims), v);
}

/* -------------------------------------------------------------- reshape ----
 */

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
        dims[i] = checked_dim(r, c, list[i]);
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
    const int64_t *list = known(r, c, 1, &count, "axes");

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
    const int64_t *list = known(r, c, 1, &count, "an order of axes");
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

/* ----------------------------------------------------------- put together ----
 */

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

/* --------------------------------------------------------------- slices ----
 */

void tfl_do_split(tfl_run *r, tfl_call *c, int sizes)
{
    tfl_value *v = c->in[sizes ? 0 : 1];
    uint32_t count, n = 0, at = 0;
    const int64_t *list = known(r, c, sizes ? 2 : 0, &count, "an axis");
    const int64_t *parts = NULL;
    ir_id x = tfl_id(r, v);
    int axis;

    if (!list || !count)
        return;
    axis = tfl_axis(r, c, list[0], v->rank);
    if (sizes) {
        int64_t sum = 0;
        int64_t *copy;
        parts = known(r, c, 1, &n, "sizes");
        if (!parts)
            return;
        if (n != (uint32_t)c->outputs)
            tfl_bad(r, c, "%u sizes for %d outputs", n, c->outputs);
        copy = onnx_take(r->pool, n, sizeof *copy);
        for (uint32_t i = 0; i < n; i++)
            sum += parts[i] > 0 ? checked_dim(r, c, parts[i]) : 0;
        for (uint32_t i = 0; i < n; i++)
            copy[i] = parts[i] < 0 ? (int64_t)v->dims[axis] - sum : parts[i];
        parts = copy;
    } else if (!c->outputs || v->dims[axis] % (uint32_t)c->outputs) {
        tfl_bad(r, c, "an axis of %u in %d parts", v->dims[axis], c->outputs);
    }
    for (int k = 0; k < c->outputs; k++) {
        uint32_t size = parts ? checked_dim(r, c, parts[k])
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
    const int64_t *begin = known(r, c, 1, &n, "a place");
    const int64_t *size = begin ? known(r, c, 2, &m, "a size") : NULL;
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
        x = ir_slice(r->g, x, i, (uint32_t)begin[i], 1,
                     checked_dim(r, c, count));
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
    s.begin = known(r, c, 1, &n[0], "a place");
    s.end = s.begin ? known(r, c, 2, &n[1], "an end") : NULL;
    s.step = s.end ? known(r, c, 3, &n[2], "a stride") : NULL;
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
    const int64_t *list = known(r, c, 1, &count, "axes");
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

void tfl_do_gather(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0], *index = c->in[1];
    int axis = tfl_axis(r, c, tfl_option_int(c, 0, 0), v->rank);
    uint32_t count = 0, dims[2 * TFL_MAX_RANK], rank = 0;
    const int64_t *list = tfl_ints(r, index, &count);
    ir_id x = tfl_id(r, v);

    (void)what;
    if (tfl_option_int(c, 1, 0) != 0) {
        tfl_unsupported(r, c, "batch axes");
        return;
    }
    if (!list || count != 1) {
        x = ir_gather(r->g, x, tfl_id(r, index), (uint32_t)axis);
        tfl_put_like(r, c, 0, x, v);
        return;
    }
    for (uint32_t i = 0; i < v->rank; i++)
        if ((int)i != axis)
            dims[rank++] = v->dims[i];
        else
            for (uint32_t k = 0; k < index->rank; k++)
                dims[rank++] = 1;
    if (rank > TFL_MAX_RANK || list[0] < 0 || list[0] >= v->dims[axis])
        tfl_bad(r, c, "index %lld of an axis of %u", (long long)list[0],
                v->dims[axis]);
    x = ir_slice(r->g, x, (uint32_t)axis, (uint32_t)list[0], 1, 1);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, rank, dims), v);
}

/* Part of a value is replaced, along one axis or as a whole. */
void tfl_do_update_slice(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0], *u = c->in[1];
    uint32_t count, axis = 0, others = 0, n = 0;
    const int64_t *at = known(r, c, 2, &count, "a place");
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

/* -------------------------------------------------------------- padding ----
 */

void tfl_do_pad(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *list = known(r, c, 1, &count, "paddings");
    ir_id x = tfl_id(r, v);
    float value = 0.f;

    (void)what;
    if (!list)
        return;
    if (count != 2 * v->rank)
        tfl_bad(r, c, "%u paddings for %u axes", count, v->rank);
    if (c->inputs > 2 && c->in[2]) {
        if (!tfl_constant(r, c->in[2]) || tfl_elements(c->in[2]) != 1) {
            tfl_unsupported(r, c, "a computed value");
            return;
        }
        value = tfl_floats(r, c->in[2])[0];
    }
    for (uint32_t i = 0; i < v->rank; i++) {
        if (list[2 * i] < 0 || list[2 * i + 1] < 0 ||
            list[2 * i] > (int64_t)MLI_MAX_ELEMENTS ||
            list[2 * i + 1] > (int64_t)MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "padding by %lld and %lld", (long long)list[2 * i],
                    (long long)list[2 * i + 1]);
        x = ir_pad(r->g, x, i, (uint32_t)list[2 * i], (uint32_t)list[2 * i + 1],
                   value);
    }
    tfl_put_like(r, c, 0, x, v);
}

/* Mirrored at the ends: without them (mode 0) or with. */
static ir_id mirror(tfl_run *r, tfl_call *c, ir_id x, uint32_t axis,
                    int64_t before, int64_t after)
{
    int edge = tfl_option(c, 0, 0) == 0;
    uint32_t size, n = 0;
    ir_id part[3];

    if (!ir_good(r->g, x))
        return IR_NONE;
    size = r->g->values[x].dims[axis];
    if (before < 0 || after < 0 || before > size - edge || after > size - edge)
        tfl_bad(r, c, "padding by %lld and %lld of an axis of %u",
                (long long)before, (long long)after, size);
    if (before)
        part[n++] = ir_slice(r->g, x, axis, (uint32_t)(before - 1 + edge), -1,
                             (uint32_t)before);
    part[n++] = x;
    if (after)
        part[n++] = ir_slice(r->g, x, axis, size - 1 - (uint32_t)edge, -1,
                             (uint32_t)after);
    return ir_concat(r->g, part, n, axis);
}

void tfl_do_mirror_pad(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *list = known(r, c, 1, &count, "paddings");
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!list)
        return;
    if (count != 2 * v->rank)
        tfl_bad(r, c, "%u paddings for %u axes", count, v->rank);
    for (uint32_t i = 0; i < v->rank; i++)
        x = mirror(r, c, x, i, list[2 * i], list[2 * i + 1]);
    tfl_put_like(r, c, 0, x, v);
}

/* ---------------------------------------------------------- repetition ---- */

void tfl_do_tile(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count, dims[TFL_MAX_RANK];
    const int64_t *list = known(r, c, 1, &count, "repetitions");
    uint64_t inner = 1, all = tfl_elements(v);
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!list)
        return;
    if (count != v->rank)
        tfl_bad(r, c, "%u repetitions for %u axes", count, v->rank);
    for (uint32_t i = v->rank; i-- > 0;) {
        uint32_t n = checked_dim(r, c, list[i]), three[3];
        inner *= v->dims[i];
        dims[i] = v->dims[i];
        if (n == 1)
            continue;
        if (all * n > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
        three[0] = (uint32_t)(all / inner);
        three[1] = 1;
        three[2] = (uint32_t)inner;
        x = ir_reshape(r->g, x, 3, three);
        three[1] = n;
        x = ir_expand(r->g, x, 3, three);
        dims[i] *= n;
        inner *= n;
        all *= n;
    }
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, v->rank, dims), v);
}

static int read_shape(tfl_run *r, tfl_call *c, int i, uint32_t *dims,
                      uint32_t *rank)
{
    const int64_t *list = known(r, c, i, rank, "a shape");
    uint64_t n = 1;

    if (!list)
        return 0;
    if (*rank > TFL_MAX_RANK) {
        tfl_unsupported(r, c, "%u axes", *rank);
        return 0;
    }
    for (uint32_t k = 0; k < *rank; k++) {
        dims[k] = checked_dim(r, c, list[k]);
        n *= dims[k];
        if (n > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
    }
    return 1;
}

void tfl_do_broadcast_to(tfl_run *r, tfl_call *c, int what)
{
    uint32_t dims[TFL_MAX_RANK], rank;
    ir_id x = tfl_id(r, c->in[0]);

    (void)what;
    if (read_shape(r, c, 1, dims, &rank))
        tfl_put_like(r, c, 0, ir_expand(r->g, x, rank, dims), c->in[0]);
}

/* what: 0 FILL (shape, value), 1 ZEROS_LIKE */
void tfl_do_fill(tfl_run *r, tfl_call *c, int what)
{
    uint32_t dims[TFL_MAX_RANK], rank;

    if (what == 1) {
        tfl_put(r, c, 0,
                ir_expand(r->g, ir_scalar(r->g, 0.f), c->in[0]->rank,
                          c->in[0]->dims));
        return;
    }
    if (read_shape(r, c, 0, dims, &rank)) {
        ir_id x = tfl_id(r, c->in[1]);
        tfl_put_like(r, c, 0,
                     ir_expand(r->g, ir_reshape(r->g, x, 0, NULL), rank, dims),
                     c->in[1]);
    }
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

void tfl_do_range(tfl_run *r, tfl_call *c, int what)
{
    float n[3], *list;
    double count;

    (void)what;
    for (int i = 0; i < 3; i++) {
        if (!tfl_constant(r, c->in[i]) || tfl_elements(c->in[i]) != 1) {
            tfl_unsupported(r, c, "a length that depends on the input");
            return;
        }
        n[i] = tfl_floats(r, c->in[i])[0];
    }
    count =
        n[2] != 0.f ? ceil(((double)n[1] - (double)n[0]) / (double)n[2]) : 0.0;
    if (!(count >= 1.0 && count <= 16777216.0)) {
        tfl_unsupported(r, c, "a range of %g numbers", count);
        return;
    }
    tfl_spend(r, (uint64_t)count);
    list = tfl_take(r, (uint64_t)count);
    for (uint32_t i = 0; i < (uint32_t)count; i++)
        list[i] = (float)((double)n[0] + (double)i * (double)n[2]);
    tfl_put_whole(r, c, 0, ir_const1(r->g, (uint32_t)count, list));
}

/* --------------------------------------------------------------- images ----
 */

void tfl_do_depth_to_space(tfl_run *r, tfl_call *c, int back)
{
    static const uint32_t order[6] = {0, 1, 3, 2, 4, 5};
    tfl_value *v = c->in[0];
    uint32_t b = (uint32_t)tfl_option_int(c, 0, 0), d[6], to[4];
    const uint32_t *n = v->dims;
    ir_id x = tfl_id(r, v);

    if (v->rank != 4 || b < 1 || b > 4096 ||
        (back ? n[1] % b || n[2] % b : n[3] % (b * b)))
        tfl_bad(r, c, "blocks of %u do not fit", b);
    d[0] = n[0];
    d[1] = back ? n[1] / b : n[1];
    d[2] = back ? b : n[2];
    d[3] = back ? n[2] / b : b;
    d[4] = b;
    d[5] = back ? n[3] : n[3] / (b * b);
    to[0] = n[0];
    to[1] = back ? n[1] / b : n[1] * b;
    to[2] = back ? n[2] / b : n[2] * b;
    to[3] = back ? n[3] * b * b : n[3] / (b * b);
    x = ir_reshape(r->g, x, 6, d);
    x = ir_transpose(r->g, x, order);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, 4, to), v);
}

/*
 * Blocks of space as batches, [B, S.., rest] to [prod(block) B, S../block..,
 * rest], and back; the first batches are those of the first places in a block.
 */
typedef struct blocks {
    uint32_t count, size[3];
    int64_t pad[3][2];
} blocks;

static int read_blocks(tfl_run *r, tfl_call *c, blocks *b)
{
    uint32_t n;
    const tfl_value *v = c->in[0];
    const int64_t *size = known(r, c, 1, &b->count, "blocks");
    const int64_t *pad = size ? known(r, c, 2, &n, "paddings") : NULL;

    if (!pad)
        return 0;
    if (b->count < 1 || b->count > 3 || v->rank < b->count + 1 ||
        v->rank + b->count > TFL_MAX_RANK || n != 2 * b->count)
        tfl_bad(r, c, "blocks of %u axes, %u paddings for %u axes", b->count, n,
                v->rank);
    for (uint32_t i = 0; i < b->count; i++) {
        b->size[i] = checked_dim(r, c, size[i]);
        for (int k = 0; k < 2; k++) {
            b->pad[i][k] = pad[2 * i + (uint32_t)k];
            if (b->pad[i][k] < 0 || b->pad[i][k] > (int64_t)MLI_MAX_ELEMENTS)
                tfl_bad(r, c, "padding by %lld", (long long)b->pad[i][k]);
        }
    }
    return 1;
}

static ir_id to_batches(tfl_run *r, tfl_call *c, const blocks *b, ir_id x)
{
    uint32_t split[TFL_MAX_RANK], order[TFL_MAX_RANK], dims[TFL_MAX_RANK];
    uint32_t rank = 0, m = b->count, n = c->in[0]->rank;

    for (uint32_t i = 0; i < m; i++)
        x = ir_pad(r->g, x, 1 + i, (uint32_t)b->pad[i][0],
                   (uint32_t)b->pad[i][1], 0.f);
    if (!ir_good(r->g, x))
        return IR_NONE;
    memcpy(dims, r->g->values[x].dims, sizeof dims);
    split[rank++] = dims[0];
    for (uint32_t i = 0; i < m; i++) {
        if (dims[1 + i] % b->size[i])
            tfl_bad(r, c, "an axis of %u in blocks of %u", dims[1 + i],
                    b->size[i]);
        dims[1 + i] /= b->size[i];
        dims[0] *= b->size[i];
        split[rank++] = dims[1 + i];
        split[rank++] = b->size[i];
    }
    for (uint32_t i = 1 + m; i < n; i++)
        split[rank++] = dims[i];
    for (uint32_t i = 0; i < m; i++) {
        order[i] = 2 + 2 * i;
        order[m + 1 + i] = 1 + 2 * i;
    }
    order[m] = 0;
    for (uint32_t i = 2 * m + 1; i < rank; i++)
        order[i] = i;
    x = ir_reshape(r->g, x, rank, split);
    return ir_reshape(r->g, ir_transpose(r->g, x, order), n, dims);
}

static ir_id from_batches(tfl_run *r, tfl_call *c, const blocks *b, ir_id x)
{
    uint32_t split[TFL_MAX_RANK], order[TFL_MAX_RANK], dims[TFL_MAX_RANK];
    uint32_t rank = 0, m = b->count, n = c->in[0]->rank;

    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (uint32_t i = 0; i < m; i++) {
        if (dims[0] % b->size[i])
            tfl_bad(r, c, "%u batches in blocks of %u", dims[0], b->size[i]);
        dims[0] /= b->size[i];
        split[rank++] = b->size[i];
    }
    split[rank++] = dims[0];
    for (uint32_t i = 1; i < n; i++)
        split[rank++] = dims[i];
    order[0] = m;
    for (uint32_t i = 0; i < m; i++) {
        uint64_t whole = (uint64_t)dims[1 + i] * b->size[i];
        if (whole > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
        dims[1 + i] = (uint32_t)whole;
        order[1 + 2 * i] = m + 1 + i;
        order[2 + 2 * i] = i;
    }
    for (uint32_t i = 2 * m + 1; i < rank; i++)
        order[i] = i;
    x = ir_reshape(r->g, x, rank, split);
    x = ir_reshape(r->g, ir_transpose(r->g, x, order), n, dims);
    for (uint32_t i = 0; i < m; i++) {
        int64_t left = (int64_t)dims[1 + i] - b->pad[i][0] - b->pad[i][1];
        x = ir_slice(r->g, x, 1 + i, (uint32_t)b->pad[i][0], 1,
                     checked_dim(r, c, left));
    }
    return x;
}

void tfl_do_space_to_batch(tfl_run *r, tfl_call *c, int back)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_id(r, v);
    blocks b;

    if (read_blocks(r, c, &b))
        tfl_put_like(r, c, 0,
                     back ? from_batches(r, c, &b, x) : to_batches(r, c, &b, x),
                     v);
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
    const int64_t *depth = known(r, c, 1, &count, "a depth");
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

/* Where output i of `out` lies among `in`. */
static double source(uint32_t i, uint32_t in, uint32_t out, int align, int half)
{
    double scale = align && out > 1 ? (double)(in - 1) / (double)(out - 1)
                                    : (double)in / (double)out;

    return half ? ((double)i + 0.5) * scale - 0.5 : (double)i * scale;
}

static ir_id nearest(tfl_run *r, ir_id x, uint32_t axis, uint32_t in,
                     uint32_t out, int align, int half)
{
    float *at = tfl_take(r, out);

    tfl_spend(r, out);
    for (uint32_t i = 0; i < out; i++) {
        double s = source(i, in, out, align, half) + (half ? 0.5 : 0.0);
        s = align ? round(s) : floor(s);
        at[i] = (float)(s < 0 ? 0 : s > in - 1 ? in - 1 : s);
    }
    return ir_gather(r->g, x, ir_const1(r->g, out, at), axis);
}

static ir_id bilinear(tfl_run *r, ir_id x, uint32_t axis, uint32_t in,
                      uint32_t out, int align, int half)
{
    float *low = tfl_take(r, out), *high = tfl_take(r, out);
    float *part = tfl_take(r, out);
    uint32_t dims[3] = {out, 1, 1};
    ir_id a, b;

    tfl_spend(r, 3 * (uint64_t)out);
    for (uint32_t i = 0; i < out; i++) {
        double s = source(i, in, out, align, half), f = floor(s);
        double l = f < 0 ? 0 : f, h = ceil(s);
        h = h < 0 ? 0 : h > in - 1 ? in - 1 : h;
        low[i] = (float)(l > in - 1 ? in - 1 : l);
        high[i] = (float)h;
        part[i] = (float)(s - l);
    }
    a = ir_gather(r->g, x, ir_const1(r->g, out, low), axis);
    b = ir_gather(r->g, x, ir_const1(r->g, out, high), axis);
    b = ir_binary(r->g, MLI_SUB, b, a);
    b = ir_binary(r->g, MLI_MUL, b,
                  ir_const(r->g, axis == 1 ? 3 : 2, dims, part));
    return ir_binary(r->g, MLI_ADD, a, b);
}

void tfl_do_resize(tfl_run *r, tfl_call *c, int near)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *size = known(r, c, 1, &count, "a size");
    int align = tfl_option(c, near ? 0 : 2, 0) != 0;
    int half = tfl_option(c, near ? 1 : 3, 0) != 0;
    ir_id x = tfl_id(r, v);

    if (!size)
        return;
    if (count != 2 || v->rank != 4)
        tfl_bad(r, c, "a size of %u for %u axes", count, v->rank);
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t out = checked_dim(r, c, size[k]);
        if (out > (1u << 20))
            tfl_bad(r, c, "an axis of %u", out);
        x = near ? nearest(r, x, 1 + k, v->dims[1 + k], out, align, half)
                 : bilinear(r, x, 1 + k, v->dims[1 + k], out, align, half);
    }
    if (near) {
        tfl_put_like(r, c, 0, x, v);
        return;
    }
    if (v->scale > 0.f)
        x = tfl_scaled(r, x, 1, &v->scale, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put(r, c, 0, x);
}
