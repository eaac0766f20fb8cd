/* tflite_pick.c - elements picked by number. */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

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
