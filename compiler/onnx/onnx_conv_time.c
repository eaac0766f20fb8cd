/*
 * onnx_conv_time.c - convolutions and transposed convolutions along time, at
 * any stride. No product is made that the source does not make.
 */
#include <string.h>
#include "onnx_conv_time.h"

/* Each row of a batch has layers of its own. */
static void check_batch(onnx_run *r, const onnx_value *x)
{
    if (x->dims[0] > ONNX_MAX_BATCH)
        onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                  "node %s convolves a batch of %lld along time (expected at "
                  "most %d)",
                  r->g->where ? r->g->where : "?", (long long)x->dims[0],
                  ONNX_MAX_BATCH);
}

/* Row n of a batch, [C] or [taps, C]. axis: the batch's */
static ir_id batch_row(onnx_run *r, onnx_value *x, int axis, uint32_t n)
{
    int at = onnx_frame_axis(r, x, axis);
    return x->dims[axis] == 1
               ? onnx_id(r, x)
               : ir_slice(r->g, onnx_id(r, x), (uint32_t)at, n, 1, 1);
}

/* [C] for each of a batch as [N, C] */
static ir_id batch_of(onnx_run *r, ir_id *id, int64_t batch, int64_t outputs)
{
    uint32_t row[2] = {1, (uint32_t)outputs};
    if (batch == 1)
        return id[0];
    for (int64_t n = 0; n < batch; n++)
        id[n] = onnx_shaped(r, id[n], 2, row);
    return ir_concat(r->g, id, (uint32_t)batch, 0);
}

/* ------------------------------------------------------ stride 1 ---- */

static ir_id causal(onnx_run *r, ir_id x, const onnx_conv *k)
{
    return ir_conv1d_bytes(r->g, x, (uint32_t)k->inputs, (uint32_t)k->outputs,
                           (uint32_t)k->at[0].taps, (uint32_t)k->at[0].dilation,
                           (uint32_t)k->groups, 1, &k->w, k->b);
}

/*
 * Frame i of the result needs the padded frames up to i + reach, reach =
 * (taps-1)*dilation. With as much padding in front as that, it is there in
 * time; with less, the result comes late by what is missing; with more, the
 * signal is delayed first.
 */
static onnx_value *plain(onnx_run *r, onnx_value *x, const onnx_conv *k,
                         const int64_t *dims)
{
    int64_t reach = (k->at[0].taps - 1) * k->at[0].dilation;
    int64_t padding = x->pad + k->at[0].before;
    int64_t shift = x->shift + padding - reach;
    ir_id id[ONNX_MAX_BATCH];
    onnx_value *y;
    if (padding > 0) /* its history must be the zeros of the padding */
        x = onnx_cleaned(r, x);
    if (shift > 0) {
        x = onnx_like(r, x, x->rank, x->dims, x->time,
                      ir_delay(r->g, x->id, (uint32_t)shift));
        shift = 0;
    }
    y = onnx_result(r, x, 3, dims, 2, IR_NONE);
    y->shift = shift;
    y->pad = 0;
    for (uint32_t n = 0; n < (uint32_t)dims[0]; n++)
        id[n] = causal(r, dims[0] == 1 ? x->id : batch_row(r, x, 0, n), k);
    y->id = batch_of(r, id, dims[0], k->outputs);
    return y;
}

/* --------------------------------------------------------- strided ---- */

/* x: [taps, C]. A channel by itself: its taps times its weights, summed up. */
static ir_id by_channel(onnx_run *r, ir_id x, const onnx_conv *k)
{
    uint32_t dims[2] = {(uint32_t)k->at[0].taps, (uint32_t)k->inputs};
    size_t n = (size_t)(k->at[0].taps * k->inputs);
    float *w = onnx_take(r->pool, n, sizeof *w);
    float *turned = onnx_take(r->pool, n, sizeof *w);
    ir_id y;
    ir_read_bytes(&k->w, dims[1], dims[0], 1, w);
    for (uint32_t t = 0; t < dims[0]; t++)
        for (uint32_t i = 0; i < dims[1]; i++)
            turned[(size_t)t * dims[1] + i] = w[(size_t)i * dims[0] + t];
    x = onnx_shaped(r, x, 2, dims);
    y = ir_binary(r->g, MLI_MUL, x, ir_const(r->g, 2, dims, turned));
    y = ir_reduce(r->g, MLI_REDUCE_SUM, y, 1, 0);
    if (k->b)
        y = ir_binary(r->g, MLI_ADD, y, ir_const1(r->g, dims[1], k->b));
    return y;
}

/* x: [taps, C] with C in groups. */
static ir_id gathered_conv(onnx_run *r, ir_id x, const onnx_conv *k)
{
    uint32_t taps = (uint32_t)k->at[0].taps, groups = (uint32_t)k->groups;
    uint32_t each = (uint32_t)(k->inputs / k->groups), all;
    uint32_t dims[3] = {taps, groups, each};
    static const uint32_t turn[3] = {1, 0, 2};
    ir_bytes w = k->w; /* tap after tap is one input after the other */
    w.part = each;
    w.apart = k->w.tap;
    all = taps * (uint32_t)k->inputs;
    if (groups == 1)
        return ir_linear_bytes(r->g, onnx_shaped(r, x, 1, &all), all,
                               (uint32_t)k->outputs, &w, k->b);
    if (groups == k->inputs && k->inputs == k->outputs)
        return by_channel(r, x, k);
    x = ir_transpose(r->g, onnx_shaped(r, x, 3, dims), turn);
    return ir_conv1d_bytes(r->g, onnx_shaped(r, x, 1, &all), all,
                           (uint32_t)k->outputs, 1, 1, groups, 1, &w, k->b);
}

static onnx_value *conv_in_time(onnx_run *r, onnx_value *x, const onnx_conv *k)
{
    int64_t count = onnx_windows(&k->at[0]);
    int64_t dims[3] = {x->dims[0], k->outputs, count};
    onnx_taps w = {k->at[0].taps, k->at[0].dilation, k->at[0].stride,
                   k->at[0].before};
    ir_id id[ONNX_MAX_BATCH];
    onnx_value *u, *y;
    check_batch(r, x);
    if (k->at[0].stride == 1)
        return plain(r, x, k, dims);
    u = onnx_unfolded(r, x, &w, count);
    for (uint32_t n = 0; n < (uint32_t)dims[0]; n++)
        id[n] = gathered_conv(r, batch_row(r, u, 1, n), k);
    y = onnx_result(r, u, 3, dims, 2, batch_of(r, id, dims[0], k->outputs));
    return y;
}

/* ------------------------------------------------------ transposed ---- */

/*
 * Phase j of the result, frames q*stride + j, is a convolution with taps j, j +
 * stride ... of x at the slow rate. What follows makes them of x [C] as
 * [stride, outputs]. The dilation is 1, or the stride is.
 */

/* A run of phases that have equally many taps, in one convolution: its outputs
   are in the order group, phase, output in its group. */
static ir_id some_phases(onnx_run *r, const onnx_conv *k, ir_id x,
                         int64_t first, int64_t count, int64_t taps)
{
    int64_t in = k->inputs / k->groups, out = k->outputs / k->groups;
    int64_t rows = count * k->outputs, stride = k->at[0].stride;
    float *b = k->b ? onnx_take(r->pool, (size_t)rows, sizeof *b) : NULL;
    static const uint32_t turn[3] = {1, 0, 2};
    uint32_t grouped[3] = {(uint32_t)k->groups, (uint32_t)count, (uint32_t)out};
    uint32_t dims[2] = {(uint32_t)count, (uint32_t)k->outputs};
    onnx_rows w = onnx_rows_new(r, &k->w, rows);
    for (int64_t row = 0; row < rows; row++) {
        int64_t g = row / (count * out), j = row / out % count;
        int64_t o = row % out, last = first + j + (taps - 1) * stride;
        if (b)
            b[row] = k->b[g * out + o];
        onnx_set_row(&w, &k->w, row, o,
                     (size_t)(g * in) * k->w.input + (size_t)o * k->w.output +
                         (size_t)last * k->w.tap);
    }
    w.w.tap = (size_t)0 - (size_t)stride * k->w.tap;
    x = ir_conv1d_bytes(r->g, x, (uint32_t)k->inputs, (uint32_t)rows,
                        (uint32_t)taps, (uint32_t)k->at[0].dilation,
                        (uint32_t)k->groups, 1, &w.w, b);
    if (k->groups > 1)
        x = ir_transpose(r->g, onnx_shaped(r, x, 3, grouped), turn);
    return onnx_shaped(r, x, 2, dims);
}

/* Phases without taps: the bias alone. */
static ir_id empty_phases(onnx_run *r, const onnx_conv *k, ir_id x,
                          int64_t count)
{
    x = ir_pad(r->g, x, 0, 0, (uint32_t)count, 0.f);
    return k->b ? ir_binary(r->g, MLI_ADD, x,
                            ir_const1(r->g, (uint32_t)k->outputs, k->b))
                : x;
}

static ir_id all_phases(onnx_run *r, const onnx_conv *k, ir_id x)
{
    int64_t stride = k->at[0].stride, least = k->at[0].taps / stride;
    int64_t longer = k->at[0].taps % stride;
    onnx_conv bare = *k;
    ir_id part[2];
    bare.b = NULL;
    if (longer == 0)
        return some_phases(r, k, x, 0, stride, least);
    if (least == 0)
        return empty_phases(r, k, some_phases(r, &bare, x, 0, longer, 1),
                            stride - longer);
    part[0] = some_phases(r, k, x, 0, longer, least + 1);
    part[1] = some_phases(r, k, x, longer, stride - longer, least);
    return ir_concat(r->g, part, 2, 0);
}

/* A kernel with holes as one without, zeros in the holes. */
static onnx_conv dense_kernel(onnx_run *r, const onnx_conv *k)
{
    onnx_conv y = *k;
    uint32_t in = (uint32_t)k->inputs, taps = (uint32_t)k->at[0].taps;
    uint32_t out = (uint32_t)(k->outputs / k->groups);
    size_t length;
    float *from, *w;
    if (k->at[0].stride == 1 || k->at[0].dilation == 1)
        return y;
    length = (size_t)((k->at[0].taps - 1) * k->at[0].dilation + 1);
    y.at[0].taps = (int64_t)length;
    y.at[0].dilation = 1;
    from = onnx_take(r->pool, (size_t)out * taps * in, sizeof *from);
    w = onnx_take(r->pool, (size_t)out * in * length, sizeof *w);
    ir_read_bytes(&k->w, out, taps, in, from);
    for (size_t o = 0; o < out; o++)
        for (size_t t = 0; t < taps; t++)
            for (size_t i = 0; i < in; i++)
                w[(o * in + i) * length + t * (size_t)k->at[0].dilation] =
                    from[(o * taps + t) * in + i];
    y.w = (ir_bytes){.w = w,
                     .type = IR_F32,
                     .output = in * length,
                     .input = length,
                     .tap = 1};
    return y;
}

onnx_value *onnx_conv_transpose_in_time(onnx_run *r, onnx_value *x,
                                        const onnx_conv *k, int64_t count)
{
    int64_t dims[4] = {k->at[0].stride, x->dims[0], k->outputs, x->dims[2]};
    onnx_conv own = dense_kernel(r, k);
    ir_id id[ONNX_MAX_BATCH];
    uint32_t row[3] = {(uint32_t)k->at[0].stride, 1, (uint32_t)k->outputs};
    onnx_value *y;
    check_batch(r, x);
    if (own.at[0].taps > own.at[0].stride) /* it looks back before frame 0 */
        x = onnx_cleaned(r, x);
    for (uint32_t n = 0; n < (uint32_t)x->dims[0]; n++)
        id[n] =
            onnx_shaped(r, all_phases(r, &own, batch_row(r, x, 0, n)), 3, row);
    y = onnx_result(r, x, 4, dims, 3,
                    ir_concat(r->g, id, (uint32_t)x->dims[0], 1));
    y = onnx_interleaved(r, y);
    y->dims[2] = count;
    y->shift -= k->at[0].before; /* frames cropped in front */
    return y;
}

/* ------------------------------------------------------- operators ---- */

void onnx_do_conv(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0];
    onnx_conv k;
    (void)what;
    if (!onnx_timed(r, x) || x->rank != 3 || x->time != 2) {
        onnx_conv_image(r, c);
        return;
    }
    if (!onnx_read_conv(r, c, &k))
        return;
    onnx_count_layer(r, x);
    c->out[0] = conv_in_time(r, x, &k);
}
