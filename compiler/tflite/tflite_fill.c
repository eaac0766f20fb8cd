/* tflite_fill.c - padding, repetition, values made of nothing. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

void tfl_do_pad(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *list = tfl_known(r, c, 1, &count, "paddings");
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
    const int64_t *list = tfl_known(r, c, 1, &count, "paddings");
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

void tfl_do_tile(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count, dims[TFL_MAX_RANK];
    const int64_t *list = tfl_known(r, c, 1, &count, "repetitions");
    uint64_t inner = 1, all = tfl_elements(v);
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!list)
        return;
    if (count != v->rank)
        tfl_bad(r, c, "%u repetitions for %u axes", count, v->rank);
    for (uint32_t i = v->rank; i-- > 0;) {
        uint32_t n = tfl_dim(r, c, list[i]), three[3];
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

void tfl_do_broadcast_to(tfl_run *r, tfl_call *c, int what)
{
    uint32_t dims[TFL_MAX_RANK], rank;
    ir_id x = tfl_id(r, c->in[0]);

    (void)what;
    if (tfl_read_shape(r, c, 1, dims, &rank))
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
    if (tfl_read_shape(r, c, 0, dims, &rank)) {
        ir_id x = tfl_id(r, c->in[1]);
        tfl_put_like(r, c, 0,
                     ir_expand(r->g, ir_reshape(r->g, x, 0, NULL), rank, dims),
                     c->in[1]);
    }
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
