/*
 * onnx_sequence.c - sequences of values whose number is known: they exist in
 * the walk only.
 */
#include <string.h>
#include "onnx_run.h"

static onnx_value *sequence_of(onnx_run *r, onnx_value **item, int count)
{
    onnx_value *s = onnx_new(r, ONNX_SEQUENCE, 0, 0, NULL);
    s->item = onnx_take(r->pool, (size_t)count + 1, sizeof *s->item);
    if (count)
        memcpy(s->item, item, (size_t)count * sizeof *item);
    s->items = count;
    return s;
}

static onnx_value *sequence(onnx_run *r, const onnx_call *c, int n)
{
    if (n >= c->inputs || !c->in[n] || c->in[n]->kind != ONNX_SEQUENCE)
        onnx_bad(r, c, "input %d is not a sequence", n);
    return c->in[n];
}

/* A position in [0, most]; -1: it is not known now, and that was reported. */
static int position(onnx_run *r, onnx_call *c, int n, int items, int most)
{
    int count;
    const int64_t *list = onnx_list(r, c, n, NULL, &count);
    int64_t at;
    if (c->out[0])
        return -1;
    if (count < 1) /* at the end */
        return most;
    at = list[0] + (list[0] < 0 ? items : 0);
    if (at < 0 || at > most)
        onnx_bad(r, c, "position %lld of %d", (long long)list[0], items);
    return (int)at;
}

void onnx_do_sequence_construct(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    for (int i = 0; i < c->inputs; i++)
        if (!c->in[i])
            onnx_bad(r, c, "input %d is missing", i);
    c->out[0] = sequence_of(r, c->in, c->inputs);
}

void onnx_do_sequence_insert(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *s = sequence(r, c, 0), *y;
    int at = position(r, c, 2, s->items, s->items);
    (void)what;
    if (at < 0)
        return;
    y = onnx_new(r, ONNX_SEQUENCE, 0, 0, NULL);
    y->items = s->items + 1;
    y->item = onnx_take(r->pool, (size_t)y->items, sizeof *y->item);
    for (int i = 0; i < y->items; i++)
        y->item[i] = i < at ? s->item[i] : i == at ? c->in[1] : s->item[i - 1];
    c->out[0] = y;
}

void onnx_do_sequence_erase(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *s = sequence(r, c, 0), *y;
    int at = position(r, c, 1, s->items, s->items - 1);
    (void)what;
    if (at < 0)
        return;
    y = sequence_of(r, s->item, s->items);
    for (int i = at; i + 1 < y->items; i++)
        y->item[i] = y->item[i + 1];
    y->items--;
    c->out[0] = y;
}

void onnx_do_sequence_at(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *s = sequence(r, c, 0);
    int at = position(r, c, 1, s->items, s->items - 1);
    (void)what;
    if (at >= 0)
        c->out[0] = s->item[at];
}

void onnx_do_sequence_length(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_new_const(r, ONNX_INT64, 0, NULL);
    c->out[0]->i[0] = sequence(r, c, 0)->items;
}

void onnx_do_concat_sequence(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *s = sequence(r, c, 0), **v;
    int fresh = (int)onnx_int(c, "new_axis", 0), axis;
    (void)what;
    if (s->items < 1)
        onnx_bad(r, c, "an empty sequence");
    v = onnx_take(r->pool, (size_t)s->items, sizeof *v);
    for (int i = 0; i < s->items; i++) {
        v[i] = s->item[i];
        if (v[i]->kind > ONNX_RUNS ||
            v[i]->rank != v[0]->rank - (fresh && i ? 1 : 0)) {
            onnx_unsupported(r, c, "items that do not fit together");
            return;
        }
        if (fresh) {
            int64_t dims[ONNX_MAX_RANK];
            int rank = v[i]->rank + 1, at;
            if (rank > ONNX_MAX_RANK)
                onnx_bad(r, c, "too many axes");
            at = onnx_axis(r, c, onnx_int(c, "axis", 0), rank);
            for (int k = 0; k < rank; k++)
                dims[k] = k < at   ? v[i]->dims[k]
                          : k > at ? v[i]->dims[k - 1]
                                   : 1;
            v[i] = onnx_like(r, v[i], rank, dims,
                             v[i]->time < at ? v[i]->time : v[i]->time + 1,
                             v[i]->id);
        }
    }
    axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v[0]->rank);
    c->out[0] = onnx_concat(r, c, v, s->items, axis);
}

#define MAX_ITEMS 65536

void onnx_do_split_sequence(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *s, *split = onnx_input(c, 1);
    int axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v->rank), count;
    int keep = split || onnx_int(c, "keepdims", 1);
    int64_t length = v->dims[axis], each = 1, at = 0, parts;
    const int64_t *sizes = onnx_list(r, c, 1, NULL, &count);
    (void)what;
    if (c->out[0])
        return;
    if (v->time == axis) {
        r->layers_in_time++;
        onnx_not_in_time(r, c, "takes time apart");
    }
    if (split && split->rank == 0) {
        each = sizes[0];
        count = -1;
    }
    if (each < 1)
        onnx_bad(r, c, "parts of %lld", (long long)each);
    parts = count >= 0 ? count : (length + each - 1) / each;
    if (parts > MAX_ITEMS) {
        onnx_unsupported(r, c, "%lld parts", (long long)parts);
        return;
    }
    s = onnx_new(r, ONNX_SEQUENCE, 0, 0, NULL);
    s->items = (int)parts;
    s->item = onnx_take(r->pool, (size_t)parts + 1, sizeof *s->item);
    for (int64_t i = 0; i < parts; i++) {
        int64_t n = count >= 0           ? sizes[i]
                    : length - at < each ? length - at
                                         : each;
        if (n < 0 || n > length - at)
            onnx_bad(r, c, "the parts are larger than the axis (%lld)",
                     (long long)length);
        s->item[i] = onnx_sliced(r, c, v, axis, at, 1, n);
        at += n;
        if (!keep) {
            int64_t dims[ONNX_MAX_RANK];
            int time = v->time == axis  ? -1
                       : v->time > axis ? v->time - 1
                                        : v->time;
            for (int k = 0, m = 0; k < v->rank; k++)
                if (k != axis)
                    dims[m++] = v->dims[k];
            s->item[i] = onnx_like(r, s->item[i], v->rank - 1, dims, time,
                                   s->item[i]->id);
        }
    }
    c->out[0] = s;
}
