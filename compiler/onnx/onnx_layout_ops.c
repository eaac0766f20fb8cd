/*
 * onnx_layout_ops.c - operators that move elements, but for gathering.
 */
#include <string.h>
#include "onnx_run.h"

void onnx_do_concat(onnx_run *r, onnx_call *c, int what)
{
    onnx_value **v = onnx_take(r->pool, (size_t)c->inputs, sizeof *v);
    int count = 0, rank = 0;
    (void)what;
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i]) {
            v[count++] = c->in[i];
            rank = c->in[i]->rank;
        }
    if (rank == 0)
        onnx_bad(r, c, "joins scalars");
    c->out[0] = onnx_concat(r, c, v, count,
                            onnx_axis(r, c, onnx_int(c, "axis", 1), rank));
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* ONNX's (NumPy's) start and end. */
static onnx_value *slice_one(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                             int64_t start, int64_t end, int64_t step)
{
    int64_t n = v->dims[axis], count;
    if (step == 0)
        onnx_bad(r, c, "a step of 0");
    start = start < 0 ? (start < -n ? -1 : start + n) : start;
    end = end < 0 ? (end < -n ? -1 : end + n) : end;
    step = clamp(step, -INT32_MAX, INT32_MAX);
    if (step > 0) {
        start = clamp(start, 0, n);
        end = clamp(end, 0, n);
        count = end > start ? (end - start + step - 1) / step : 0;
    } else {
        start = clamp(start, n ? 0 : -1, n - 1);
        end = clamp(end, -1, n - 1);
        count = start > end ? (start - end - step - 1) / -step : 0;
    }
    return onnx_sliced(r, c, v, axis, start, step, count);
}

void onnx_do_slice(onnx_run *r, onnx_call *c, int what)
{
    int starts, ends, axes, steps;
    const int64_t *start, *end, *axis, *step;
    onnx_value *v = c->in[0];
    (void)what;
    start = onnx_list(r, c, 1, "starts", &starts);
    end = onnx_list(r, c, 2, "ends", &ends);
    axis = onnx_list(r, c, 3, "axes", &axes);
    step = onnx_list(r, c, 4, NULL, &steps);
    if (c->out[0])
        return;
    if (starts < 0 || ends != starts || (axes >= 0 && axes != starts) ||
        (steps >= 0 && steps != starts))
        onnx_bad(r, c, "%d starts, %d ends, %d axes, %d steps", starts, ends,
                 axes, steps);
    for (int i = 0; i < starts; i++)
        v = slice_one(r, c, v, onnx_axis(r, c, axis ? axis[i] : i, v->rank),
                      start[i], end[i], step ? step[i] : 1);
    c->out[0] = v;
}

void onnx_do_split(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int axis, count;
    const int64_t *sizes = onnx_list(r, c, 1, "split", &count);
    int64_t at = 0, parts = onnx_int(c, "num_outputs", c->outputs), each;
    (void)what;
    if (c->out[0])
        return;
    axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v->rank);
    if (parts < c->outputs || parts < 1)
        onnx_bad(r, c, "%lld parts for %d outputs", (long long)parts,
                 c->outputs);
    each = (v->dims[axis] + parts - 1) / parts;
    if (sizes && count < c->outputs)
        onnx_bad(r, c, "%d sizes for %d outputs", count, c->outputs);
    if (axis == v->time && c->outputs > 1)
        onnx_not_in_time(r, c, "splits along time");
    for (int i = 0; i < c->outputs; i++) {
        int64_t n =
            sizes ? sizes[i]
                  : (v->dims[axis] - at < each ? v->dims[axis] - at : each);
        if (n < 0 || n > v->dims[axis] - at)
            onnx_bad(r, c, "the parts are larger than axis %d (%lld)", axis,
                     (long long)v->dims[axis]);
        if (n == 0 && v->kind != ONNX_CONST)
            onnx_unsupported(r, c, "an empty part");
        else
            c->out[i] = onnx_sliced(r, c, v, axis, at, 1, n);
        at += n;
    }
}

/* ------------------------------------------------------------- shapes ---- */

void onnx_do_reshape(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int64_t dims[ONNX_MAX_RANK], known = 1, all = onnx_elements(v);
    int rank, open = -1;
    const int64_t *shape = onnx_list(r, c, 1, "shape", &rank);
    (void)what;
    if (c->out[0])
        return;
    if (rank < 0 || rank > ONNX_MAX_RANK)
        onnx_bad(r, c, "a shape with %d axes", rank);
    for (int i = 0; i < rank; i++) {
        dims[i] = shape[i];
        if (dims[i] == 0 && !onnx_int(c, "allowzero", 0) && i < v->rank)
            dims[i] = v->dims[i];
        if (dims[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (dims[i] < 0 || dims[i] > INT32_MAX ||
            (dims[i] && known > ((int64_t)1 << 40) / dims[i]))
            onnx_bad(r, c, "a shape with an axis of %lld", (long long)dims[i]);
        known *= dims[i];
    }
    if (open >= 0 && known && all % known && onnx_timed(r, v))
        onnx_note_stride(r, v, known);
    if (open >= 0)
        dims[open] = known ? all / known : 0;
    c->out[0] = onnx_reshaped(r, c, v, rank, dims);
}

void onnx_do_flatten(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int64_t dims[2] = {1, 1}, axis = onnx_int(c, "axis", 1);
    (void)what;
    axis += axis < 0 ? v->rank : 0;
    if (axis < 0 || axis > v->rank)
        onnx_bad(r, c, "axis %lld of a tensor with %d axes", (long long)axis,
                 v->rank);
    for (int i = 0; i < v->rank; i++)
        dims[i >= axis] *= v->dims[i];
    c->out[0] = onnx_reshaped(r, c, v, 2, dims);
}

static int in_list(onnx_run *r, onnx_call *c, const int64_t *list, int count,
                   int axis, int rank)
{
    for (int i = 0; i < count; i++)
        if (onnx_axis(r, c, list[i], rank) == axis)
            return 1;
    return 0;
}

/* The same elements with axes of one put in or left out. time: where it is
   afterwards. */
static onnx_value *with_axes(onnx_run *r, onnx_value *v, int rank,
                             const int64_t *dims, int time)
{
    onnx_value *y = onnx_like(r, v, rank, dims, time, v->id);
    y->learned = v->learned;
    return y;
}

void onnx_do_squeeze(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int count, rank = 0, time = -1;
    const int64_t *axes = onnx_list(r, c, 1, "axes", &count);
    int64_t dims[ONNX_MAX_RANK];
    (void)what;
    if (c->out[0])
        return;
    for (int i = 0; i < v->rank; i++) {
        int go = count < 0 ? v->dims[i] == 1 && i != v->time
                           : in_list(r, c, axes, count, i, v->rank);
        if (!go) {
            time = i == v->time ? rank : time;
            dims[rank++] = v->dims[i];
            continue;
        }
        if (v->dims[i] != 1)
            onnx_bad(r, c, "axis %d has %lld elements (expected 1)", i,
                     (long long)v->dims[i]);
        if (i == v->time)
            onnx_not_in_time(r, c, "takes the time axis away");
    }
    c->out[0] = with_axes(r, v, rank, dims, time);
}

void onnx_do_unsqueeze(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int count, from = 0, time = -1;
    const int64_t *axes = onnx_list(r, c, 1, "axes", &count);
    int64_t dims[ONNX_MAX_RANK];
    (void)what;
    if (c->out[0])
        return;
    if (count < 0 || v->rank + count > ONNX_MAX_RANK)
        onnx_bad(r, c, "%d new axes on %d", count, v->rank);
    for (int i = 0; i < v->rank + count; i++) {
        if (in_list(r, c, axes, count, i, v->rank + count)) {
            dims[i] = 1;
            continue;
        }
        if (from == v->rank)
            onnx_bad(r, c, "an axis is named twice");
        time = from == v->time ? i : time;
        dims[i] = v->dims[from++];
    }
    c->out[0] = with_axes(r, v, v->rank + count, dims, time);
}

void onnx_do_transpose(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    const onnx_attr *a = onnx_attr_of(c, "perm");
    int perm[ONNX_MAX_RANK], seen = 0;
    (void)what;
    if (a && a->ints_count != (size_t)v->rank)
        onnx_bad(r, c, "an order of %zu axes for %d", a->ints_count, v->rank);
    for (int i = 0; i < v->rank; i++) {
        perm[i] = a ? onnx_axis(r, c, a->ints[i], v->rank) : v->rank - 1 - i;
        seen |= 1 << perm[i];
    }
    if (seen != (1 << v->rank) - 1)
        onnx_bad(r, c, "not an order of %d axes", v->rank);
    c->out[0] = onnx_transposed(r, v, perm);
}

/* To dims that v broadcasts to. */
static onnx_value *expanded(onnx_run *r, onnx_call *c, onnx_value *v, int rank,
                            const int64_t *dims)
{
    int64_t strides[ONNX_MAX_RANK] = {0}, own[ONNX_MAX_RANK];
    uint32_t frame[ONNX_MAX_RANK], n;
    int lead = rank - v->rank, grows = -1;
    onnx_value *y;
    onnx_strides(v, own);
    for (int i = 0; i < v->rank; i++) {
        if (v->dims[i] != 1)
            strides[lead + i] = own[i];
        if (v->time == i && dims[lead + i] != v->dims[i])
            onnx_not_in_time(r, c, "stretches time");
    }
    if (v->kind == ONNX_CONST)
        return onnx_strided(r, v, rank, dims, 0, strides);
    for (int i = 0; i < rank; i++)
        if ((i < lead || v->dims[i - lead] == 1) && dims[i] == r->frames &&
            dims[i] > 1)
            grows = i;
    y = onnx_like(r, v, rank, dims, v->time < 0 ? -1 : v->time + lead, v->id);
    if (r->mode == MLI_STREAM && v->time < 0 && grows >= 0) {
        y->time = grows; /* held for the length of the signal */
        y->id = onnx_make_timed(r, v->id);
    }
    n = onnx_frame_dims(r, y, frame);
    {
        uint32_t small[ONNX_MAX_RANK], k = 0;
        for (int i = 0; i < rank; i++)
            if (!(onnx_timed(r, y) && i == y->time))
                small[k++] = (uint32_t)(i < lead ? 1 : v->dims[i - lead]);
        y->id = onnx_shaped(r, y->id, k, small);
    }
    y->id = ir_expand(r->g, y->id, n, frame);
    return y;
}

void onnx_do_expand(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int count, rank;
    const int64_t *shape = onnx_list(r, c, 1, NULL, &count);
    int64_t dims[ONNX_MAX_RANK];
    (void)what;
    if (c->out[0])
        return;
    if (count < 0 || count > ONNX_MAX_RANK)
        onnx_bad(r, c, "a shape with %d axes", count);
    rank = count > v->rank ? count : v->rank;
    for (int i = 1; i <= rank; i++) {
        int64_t want = i <= count ? shape[count - i] : 1;
        int64_t have = i <= v->rank ? v->dims[v->rank - i] : 1;
        if (want != have && want != 1 && have != 1)
            onnx_bad(r, c, "an axis of %lld cannot become %lld",
                     (long long)have, (long long)want);
        if (want < 0 || want > INT32_MAX)
            onnx_bad(r, c, "an axis of %lld", (long long)want);
        dims[rank - i] = have == 1 ? want : have;
    }
    c->out[0] = expanded(r, c, v, rank, dims);
}

void onnx_do_tile(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int count;
    const int64_t *times = onnx_list(r, c, 1, NULL, &count);
    (void)what;
    if (c->out[0])
        return;
    if (c->opset < 6) {
        onnx_unsupported(r, c, "as opset 1 has it");
        return;
    }
    if (count != v->rank)
        onnx_bad(r, c, "%d repeats for %d axes", count, v->rank);
    for (int a = 0; a < v->rank; a++) {
        onnx_value **copies;
        if (times[a] == 1)
            continue;
        if (times[a] < 1 || times[a] > (int64_t)MLI_MAX_CONCAT) {
            if (v->dims[a] == 1 && times[a] > 1 && times[a] < INT32_MAX) {
                /* one element is stretched, below */
            } else {
                onnx_unsupported(r, c, "%lld repeats", (long long)times[a]);
                return;
            }
        }
        if (v->dims[a] == 1) {
            int64_t dims[ONNX_MAX_RANK];
            memcpy(dims, v->dims, sizeof dims);
            dims[a] = times[a];
            v = expanded(r, c, v, v->rank, dims);
            continue;
        }
        if (a == v->time)
            onnx_not_in_time(r, c, "repeats time");
        copies = onnx_take(r->pool, (size_t)times[a], sizeof *copies);
        for (int64_t i = 0; i < times[a]; i++)
            copies[i] = v;
        v = onnx_concat(r, c, copies, (int)times[a], a);
    }
    c->out[0] = v;
}

/* ------------------------------------------------------------ padding ---- */

/* n times the one element of an axis, or so many of one end. */
static onnx_value *end_of(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                          int64_t from, int64_t step, int64_t n)
{
    int64_t dims[ONNX_MAX_RANK];
    if (step)
        return onnx_sliced(r, c, v, axis, from, step, n);
    v = onnx_sliced(r, c, v, axis, from, 1, 1);
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] = n;
    return expanded(r, c, v, v->rank, dims);
}

/* Padding with what is there: "reflect", "edge", "wrap". */
static onnx_value *pad_ends(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                            int64_t before, int64_t after, const char *mode)
{
    onnx_value *part[3];
    int edge = mode[0] == 'e', wrap = mode[0] == 'w', count = 0;
    int64_t n, most;
    if (before < 0 || after < 0) { /* takes away first */
        v = onnx_padded(r, c, v, axis, before < 0 ? before : 0,
                        after < 0 ? after : 0, 0.f);
        before = before < 0 ? 0 : before;
        after = after < 0 ? 0 : after;
    }
    n = v->dims[axis];
    most = edge ? INT32_MAX : wrap ? n : n - 1;
    if (n < 1 || before > most || after > most)
        onnx_bad(r, c, "pads of %lld and %lld on an axis of %lld",
                 (long long)before, (long long)after, (long long)n);
    if (before == 0 && after == 0)
        return v;
    if (axis == v->time)
        onnx_not_in_time(r, c, "pads time with its own ends");
    if (before)
        part[count++] = end_of(r, c, v, axis,
                               edge   ? 0
                               : wrap ? n - before
                                      : before,
                               edge   ? 0
                               : wrap ? 1
                                      : -1,
                               before);
    part[count++] = v;
    if (after)
        part[count++] = end_of(r, c, v, axis,
                               edge   ? n - 1
                               : wrap ? 0
                                      : n - 2,
                               edge   ? 0
                               : wrap ? 1
                                      : -1,
                               after);
    return onnx_concat(r, c, part, count, axis);
}

void onnx_do_pad(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    const char *mode = onnx_string(c, "mode", "constant");
    int count, axes;
    const int64_t *pads =
        onnx_list(r, c, 1, c->opset < 2 ? "paddings" : "pads", &count);
    const int64_t *axis = onnx_list(r, c, 3, NULL, &axes);
    float value = onnx_float(c, "value", 0.f);
    (void)what;
    if (c->out[0])
        return;
    if (c->inputs > 2 && c->in[2] && onnx_elements(c->in[2]) &&
        !onnx_single(c->in[2], &value)) {
        onnx_unsupported(r, c, "a computed value");
        return;
    }
    axes = axes < 0 ? v->rank : axes;
    if (count != 2 * axes)
        onnx_bad(r, c, "%d pads for %d axes", count, axes);
    for (int i = 0; i < axes; i++) {
        int a = onnx_axis(r, c, axis ? axis[i] : i, v->rank);
        if (!strcmp(mode, "constant")) {
            v = onnx_padded(r, c, v, a, pads[i], pads[axes + i], value);
        } else if (!strcmp(mode, "reflect") || !strcmp(mode, "edge") ||
                   !strcmp(mode, "wrap")) {
            v = pad_ends(r, c, v, a, pads[i], pads[axes + i], mode);
        } else {
            onnx_unsupported(r, c, "mode %.20s", mode);
            return;
        }
    }
    c->out[0] = v;
}
