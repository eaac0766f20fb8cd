/*
 * onnx_order.c - the largest and the smallest along an axis, and sums so far.
 */
#include <string.h>
#include "onnx_run.h"

/* An axis that is not time, with the value's id and the axis' number there. */
static ir_id along(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                   const char *does, uint32_t *number)
{
    if (v->time == axis)
        onnx_not_in_time(r, c, "%s along time", does);
    *number = (uint32_t)onnx_kept_axis(r, v, 1u << axis, axis);
    return onnx_kept_id(r, v, 1u << axis);
}

void onnx_do_arg(onnx_run *r, onnx_call *c, int smallest)
{
    onnx_value *v = c->in[0];
    int axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v->rank), rank = 0;
    int keep = onnx_int(c, "keepdims", 1) != 0, time = -1;
    int last = onnx_int(c, "select_last_index", 0) != 0;
    int64_t dims[ONNX_MAX_RANK];
    uint32_t number;
    ir_id id = along(r, c, v, axis, "searches", &number);
    for (int i = 0; i < v->rank; i++) {
        if (i == axis && !keep)
            continue;
        time = i == v->time && i != axis ? rank : time;
        dims[rank++] = i == axis ? 1 : v->dims[i];
    }
    c->out[0] = onnx_result(r, v, rank, dims, time,
                            ir_arg(r->g, id, number, smallest, last));
    c->out[0]->type = ONNX_INT64;
}

void onnx_do_topk(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int axis = onnx_axis(r, c, onnx_int(c, "axis", -1), v->rank), count;
    int smallest = !onnx_int(c, "largest", 1);
    const int64_t *list = onnx_list(r, c, 1, NULL, &count);
    int64_t dims[ONNX_MAX_RANK], k = onnx_int(c, "k", 0);
    uint32_t number;
    ir_id id;
    (void)what;
    if (c->out[0])
        return;
    if (count > 0)
        k = list[0];
    if (k < 1 || k > v->dims[axis]) {
        onnx_unsupported(r, c, "the first %lld of %lld", (long long)k,
                         (long long)v->dims[axis]);
        return;
    }
    id = along(r, c, v, axis, "sorts", &number);
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] = k;
    for (int n = 0; n < 2 && n < c->outputs; n++)
        c->out[n] =
            onnx_result(r, v, v->rank, dims, v->time,
                        ir_topk(r->g, id, number, (uint32_t)k, smallest, n));
    if (c->outputs > 1)
        c->out[1]->type = ONNX_INT64;
}

#define MOST_SUMS 256 /* in a frame: the matrix has their square */

/* Along time a sum is a layer that keeps its state: h' = x + h. */
static onnx_value *summed_in_time(onnx_run *r, onnx_value *v, int exclusive)
{
    uint32_t dims[ONNX_MAX_RANK], rank, n;
    onnx_value *y;
    float *one;
    ir_id id;
    v = onnx_cleaned(r, v);
    id = onnx_id(r, v);
    rank = onnx_frame_dims(r, v, dims);
    n = (uint32_t)ir_get(r->g, id)->elements;
    one = onnx_take(r->pool, (size_t)n * n, sizeof *one);
    for (uint32_t i = 0; i < n; i++)
        one[i * n + i] = 1.f;
    id = ir_rnn(r->g, id, n, n, one, one, NULL, NULL, NULL, MLI_IDENTITY);
    if (exclusive)
        id = ir_delay(r->g, id, 1);
    r->layers_in_time++;
    y = onnx_result(r, v, v->rank, v->dims, v->time,
                    ir_reshape(r->g, id, rank, dims));
    y->clean = 1;
    return y;
}

void onnx_do_cumsum(onnx_run *r, onnx_call *c, int product)
{
    int exclusive = onnx_int(c, "exclusive", 0) != 0;
    int reverse = onnx_int(c, "reverse", 0) != 0;
    onnx_value *v = c->in[0];
    int count, axis;
    const int64_t *list = onnx_list(r, c, 1, NULL, &count);
    uint32_t number;
    ir_id id;
    if (c->out[0])
        return;
    axis = onnx_axis(r, c, count > 0 ? list[0] : 0, v->rank);
    if (onnx_timed(r, v) && v->time == axis && !product && !reverse &&
        ir_get(r->g, v->id)->elements <= MOST_SUMS) {
        c->out[0] = summed_in_time(r, v, exclusive);
        return;
    }
    id = along(r, c, v, axis, "sums up", &number);
    c->out[0] =
        onnx_result(r, v, v->rank, v->dims, v->time,
                    ir_cumulate(r->g, id, number, product, exclusive, reverse));
}

/* The largest of each row is 1, the first of equals. */
void onnx_do_hardmax(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int axis = onnx_axis(r, c, onnx_int(c, "axis", c->opset < 13 ? 1 : -1),
                         v->rank ? v->rank : 1);
    int last = c->opset < 13 ? v->rank - 1 : axis;
    uint32_t dims[ONNX_MAX_RANK] = {1, 1, 1}, one[3], n;
    float *counted;
    ir_id x, y;
    (void)what;
    if (v->time >= axis && v->time <= last)
        onnx_not_in_time(r, c, "searches along time");
    /* before, along, after */
    for (int i = 0; i < v->rank; i++)
        if (!onnx_timed(r, v) || i != v->time)
            dims[i < axis ? 0 : i <= last ? 1 : 2] *= (uint32_t)v->dims[i];
    x = onnx_as(r, v, 3, dims);
    memcpy(one, dims, sizeof one);
    one[1] = 1;
    y = ir_reshape(r->g, ir_arg(r->g, x, 1, 0, 0), 3, one);
    n = dims[1];
    one[0] = one[2] = 1;
    one[1] = n;
    counted = onnx_take(r->pool, n, sizeof *counted);
    for (uint32_t i = 0; i < n; i++)
        counted[i] = (float)i;
    y = ir_binary(r->g, MLI_EQUAL, y, ir_const(r->g, 3, one, counted));
    c->out[0] = onnx_result(r, v, v->rank, v->dims, v->time, y);
}
