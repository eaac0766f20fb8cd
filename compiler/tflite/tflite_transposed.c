/* tflite_transposed.c - transposed convolutions. */
#include "ir_build.h"
#include "tflite_layer.h"

/*
 * An output at u = q*step + phase is a sum over x[q - t] * w[t*step + phase]:
 * a convolution with step^2 times the outputs, whose phases are then put in
 * between each other.
 */

/*
 * Weights [output][height][width][input] as outputs [height phase][width
 * phase][output], taps reversed. Later phases may have a tap less than others.
 */
static ir_bytes phases(tfl_run *r, const tfl_layer *l, const uint32_t *step,
                       const uint32_t *taps)
{
    const uint32_t *d = l->w->dims;
    uint32_t outputs = l->outputs, inputs = d[3];
    uint32_t n = step[0] * step[1] * outputs; /* bounded by its caller */
    size_t *at = onnx_take(r->pool, n, sizeof *at);
    uint8_t *less = onnx_take(r->pool, n, sizeof *less);
    size_t line = (size_t)d[2] * inputs;
    float *scale;
    ir_bytes w, all;

    tfl_layer_weights(r, l, 0, &w);
    all = w;
    tfl_spend(r, (uint64_t)n * inputs * taps[0] * taps[1]);
    for (uint32_t p = 0; p < n; p++) {
        uint32_t o = p % outputs, phase = p / outputs;
        size_t y = (size_t)(taps[0] - 1) * step[0] + phase / step[1];
        size_t x = (size_t)(taps[1] - 1) * step[1] + phase % step[1];

        at[p] = o * d[1] * line + y * line + x * inputs;
        less[p] = (uint8_t)((y < d[1] ? 0 : IR_LESS_ROW) |
                            (x < d[2] ? 0 : IR_LESS_TAP));
    }
    if (w.scale) {
        all.scale = scale = tfl_take(r, n);
        for (uint32_t p = 0; p < n; p++)
            scale[p] = w.scale[p % outputs];
    }
    all.at = at;
    all.less = less;
    all.input = 1;
    all.row = taps[1];
    all.tap = (size_t)0 - (size_t)step[1] * inputs;
    all.next = (size_t)0 - step[0] * line;
    return all;
}

/* [N, H, W, s0*s1*O] to [N, H*s0, W*s1, O] */
static ir_id interleave(tfl_run *r, ir_id x, const uint32_t *step,
                        uint32_t outputs)
{
    static const uint32_t order[6] = {0, 1, 3, 2, 4, 5};
    uint32_t d[6], back[4];
    const ir_value *v;

    if (!ir_good(r->g, x))
        return IR_NONE;
    v = &r->g->values[x];
    d[0] = v->dims[0];
    d[1] = v->dims[1];
    d[2] = v->dims[2];
    d[3] = step[0];
    d[4] = step[1];
    d[5] = outputs;
    back[0] = d[0];
    back[1] = d[1] * step[0];
    back[2] = d[2] * step[1];
    back[3] = outputs;
    x = ir_reshape(r->g, x, 6, d);
    x = ir_transpose(r->g, x, order);
    return ir_reshape(r->g, x, 4, back);
}

/* The shape that the file asks for; NULL: unsupported. */
static const int64_t *output_shape(tfl_run *r, tfl_call *c)
{
    uint32_t count;
    const int64_t *shape = tfl_ints(r, c->in[0], &count);
    int64_t *declared;

    if (!shape && c->outputs && c->out[0] && c->declared[0]->rank == 4) {
        declared = onnx_take(r->pool, 4, sizeof *declared);
        for (count = 0; count < 4; count++)
            declared[count] = c->declared[0]->dims[count];
        shape = declared;
    }
    if (!shape || count != 4) {
        tfl_unsupported(r, c, "a computed shape");
        return NULL;
    }
    for (uint32_t k = 1; k < 3; k++)
        tfl_dim(r, c, shape[k]);
    return shape;
}

/* Zeros around axis 1 + k, so that every output has its taps; answers what is
   to be cut off in front of the outputs. */
static uint32_t surround(tfl_run *r, const tfl_call *c, const tfl_layer *l,
                         uint32_t k, uint32_t step, uint32_t wanted, ir_id *x)
{
    uint32_t size = l->w->dims[1 + k], taps = (size + step - 1) / step;
    uint32_t after = taps - 1, crop = 0, rest;
    uint64_t have = ((uint64_t)l->x->dims[1 + k] + taps - 1) * step, need;

    if (tfl_option(c, 0, 0) == 0)
        tfl_same_padding(wanted, size, step, 1, &crop, &rest);
    need = (uint64_t)wanted + crop;
    if (need > have)
        after += (uint32_t)((need - have + step - 1) / step);
    *x = ir_pad(r->g, *x, 1 + k, taps - 1, after, 0.f);
    return crop;
}

/* The phases of all outputs to the outputs that the file asks for. */
static ir_id put_together(tfl_run *r, ir_id x, const uint32_t *step,
                          uint32_t outputs, const uint32_t *crop,
                          const int64_t *shape)
{
    x = interleave(r, x, step, outputs);
    for (uint32_t k = 0; k < 2; k++)
        x = ir_slice(r->g, x, 1 + k, crop[k], 1, (uint32_t)shape[1 + k]);
    return x;
}

/* The bias of every phase. */
static const float *many_biases(tfl_run *r, tfl_call *c, const tfl_layer *l,
                                uint32_t outputs)
{
    const float *b = tfl_layer_bias(r, c, l);
    float *many;

    if (!b)
        return NULL;
    many = tfl_take(r, outputs);
    for (uint32_t i = 0; i < outputs; i++)
        many[i] = b[i % l->outputs];
    return many;
}

void tfl_do_transpose_conv(tfl_run *r, tfl_call *c, int what)
{
    tfl_layer l = {c->in[2],
                   c->in[1],
                   c->inputs > 3 ? c->in[3] : NULL,
                   0,
                   tfl_option(c, 3, 0),
                   0,
                   IR_NONE,
                   IR_NONE};
    uint32_t step[2] = {(uint32_t)tfl_option_int(c, 2, 1),
                        (uint32_t)tfl_option_int(c, 1, 1)};
    uint32_t taps[2], one[2] = {1, 1}, crop[2];
    const int64_t *shape = output_shape(r, c);
    uint64_t all;
    ir_bytes w;
    ir_id x;

    (void)what;
    tfl_image_layer(r, c, &l);
    l.outputs = l.w->dims[0];
    if (!shape || !tfl_layer_usable(r, c, &l))
        return;
    tfl_sensible(r, c, step, 2);
    tfl_sensible(r, c, l.w->dims + 1, 2);
    if (l.w->dims[3] != l.x->dims[3])
        tfl_bad(r, c, "%u input channels for weights of %u", l.x->dims[3],
                l.w->dims[3]);
    all = (uint64_t)step[0] * step[1] * l.outputs;
    tfl_spend(r, all);
    x = tfl_layer_input(r, &l, 14u, tfl_scale_count(l.w) > 1);
    for (uint32_t k = 0; k < 2; k++) {
        taps[k] = (l.w->dims[1 + k] + step[k] - 1) / step[k];
        crop[k] = surround(r, c, &l, k, step[k], (uint32_t)shape[1 + k], &x);
    }
    w = phases(r, &l, step, taps);
    x = ir_conv2d_bytes(r->g, x, (uint32_t)all, taps, one, one, 1, &w,
                        many_biases(r, c, &l, (uint32_t)all));
    x = tfl_layer_exact(r, c, &l, x);
    x = put_together(r, x, step, l.outputs, crop, shape);
    if (l.low != IR_NONE)
        l.low = put_together(r, l.low, step, l.outputs, crop, shape);
    tfl_layer_finish(r, c, &l, x);
}
