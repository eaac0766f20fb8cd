/* tflite_linear.c - dense layers, convolutions, products of matrices. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

#define MAX_SIZE 65536 /* of a kernel's side, a step, a dilation */

/* A layer: what all of these have in common. */
typedef struct layer {
    tfl_value *x, *w, *b;
    uint32_t outputs;
    int activation;
    ir_id range; /* hybrid: the scale of x's whole numbers, else IR_NONE */
} layer;

enum { FLOAT_LAYER, WHOLE_LAYER, HYBRID_LAYER };

static int kind_of(const layer *l)
{
    if (l->x->scale > 0.f)
        return WHOLE_LAYER;
    return l->w->type == TFL_INT8 && l->w->scale > 0.f ? HYBRID_LAYER
                                                       : FLOAT_LAYER;
}

/* Weights as this kind of layer multiplies them. */
static const float *weights(tfl_run *r, const layer *l)
{
    return kind_of(l) == FLOAT_LAYER ? tfl_real_floats(r, l->w)
                                     : tfl_floats(r, l->w);
}

/* The bias, if it goes into the sums: a hybrid layer adds it after. */
static const float *bias(tfl_run *r, tfl_call *c, const layer *l)
{
    if (!l->b || kind_of(l) == HYBRID_LAYER)
        return NULL;
    if (tfl_elements(l->b) != l->outputs)
        tfl_bad(r, c, "a bias of %llu numbers for %u outputs",
                (unsigned long long)tfl_elements(l->b), l->outputs);
    return tfl_floats(r, l->b);
}

static int usable(tfl_run *r, tfl_call *c, layer *l)
{
    if (!tfl_constant(r, l->w) || (l->b && !tfl_constant(r, l->b))) {
        tfl_unsupported(r, c, "computed weights");
        return 0;
    }
    l->range = IR_NONE;
    if (l->b && kind_of(l) == HYBRID_LAYER && tfl_elements(l->b) != l->outputs)
        tfl_bad(r, c, "a bias of %llu numbers for %u outputs",
                (unsigned long long)tfl_elements(l->b), l->outputs);
    tfl_spend(r, tfl_elements(l->w) + l->outputs);
    return 1;
}

/*
 * Dynamic range: the input of every run is made whole, by its largest magnitude
 * (to -127..127) or by its range (255 steps, with a zero point, which is taken
 * out again). axes: what has one scale.
 */
static ir_id by_range(tfl_run *r, layer *l, ir_id x, uint32_t axes)
{
    ir_graph *g = r->g;
    ir_id low = ir_reduce(g, MLI_REDUCE_MIN, x, axes, 1);
    ir_id high = ir_reduce(g, MLI_REDUCE_MAX, x, axes, 1);
    ir_id zero = ir_scalar(g, 0.f), range, place;
    const float steps = 1.f / 255.f, minus = -1.f, least = -128.f;

    low = ir_binary(g, MLI_MIN, low, zero);
    range = ir_binary(g, MLI_SUB, ir_binary(g, MLI_MAX, high, zero), low);
    range = ir_binary(g, MLI_MAX, range, ir_scalar(g, 1e-30f));
    l->range = tfl_scaled(r, range, 1, &steps, NULL, MLI_IDENTITY, 0.f, 0.f);
    place = tfl_scaled(r, ir_binary(g, MLI_DIV, low, l->range), 1, &minus,
                       &least, MLI_ROUND_AWAY, -128.f, 127.f);
    range = ir_unary(g, MLI_RECIPROCAL, 0.f, 0.f, l->range);
    x = ir_binary(g, MLI_ADD, ir_binary(g, MLI_MUL, x, range), place);
    x = ir_unary(g, MLI_ROUND_AWAY, -128.f, 127.f, x);
    return ir_binary(g, MLI_SUB, x, place);
}

static ir_id make_whole(tfl_run *r, layer *l, ir_id x, uint32_t axes,
                        int asymmetric)
{
    ir_graph *g = r->g;
    const float steps = 1.f / 127.f;
    ir_id range;

    if (asymmetric)
        return by_range(r, l, x, axes);
    range = ir_reduce(g, MLI_REDUCE_MAX, ir_unary(g, MLI_ABS, 0.f, 0.f, x),
                      axes, 1);
    range = ir_binary(g, MLI_MAX, range, ir_scalar(g, 1e-30f));
    l->range = tfl_scaled(r, range, 1, &steps, NULL, MLI_IDENTITY, 0.f, 0.f);
    return ir_unary(
        g, MLI_ROUND_AWAY, -127.f, 127.f,
        ir_binary(g, MLI_MUL, x,
                  ir_binary(g, MLI_DIV, ir_scalar(g, 127.f), range)));
}

static float *weight_scales(tfl_run *r, const layer *l)
{
    float *s = tfl_take(r, l->outputs);

    for (uint32_t i = 0; i < l->outputs; i++)
        s[i] = tfl_scale(l->w, i);
    return s;
}

/*
 * Dense layers round once. Convolutions of 16-bit activations sum in 64 bits
 * and multiply with 15 bits of the scale only (a bias of 32 bits stands for
 * sums in 32).
 */
static void finish_fixed(tfl_run *r, tfl_call *c, const layer *l, ir_id y,
                         const float *scale)
{
    double out = (double)tfl_tensor_scale(c->declared[0]);
    double *all = onnx_take(r->pool, l->outputs, sizeof *all);
    int sums64 = l->x->type == TFL_INT16 && !(l->b && l->b->type == TFL_INT32);
    mli_rounding rounding = l->w->rank == 2 ? MLI_ROUND_ONCE
                            : sums64        ? MLI_ROUND_SHORT
                                            : MLI_ROUND_TWICE;

    for (uint32_t i = 0; i < l->outputs; i++)
        all[i] = (double)l->x->scale * (double)scale[i] / out;
    tfl_put_fixed(r, c, 0, y, tfl_scale_count(l->w) > 1 ? l->outputs : 1, all,
                  rounding, l->activation);
}

/* Sums of products to the layer's output. */
static void finish(tfl_run *r, tfl_call *c, const layer *l, ir_id y)
{
    float *scale;

    if (!c->outputs || !c->out[0])
        return;
    if (kind_of(l) == FLOAT_LAYER) {
        tfl_put_active(r, c, 0, y, l->activation);
        return;
    }
    scale = weight_scales(r, l);
    if (kind_of(l) == HYBRID_LAYER) {
        y = tfl_scaled(r, y, l->outputs, scale, NULL, MLI_IDENTITY, 0.f, 0.f);
        y = ir_binary(r->g, MLI_MUL, y, l->range);
        if (l->b)
            y = ir_binary(r->g, MLI_ADD, y,
                          ir_const1(r->g, l->outputs, tfl_floats(r, l->b)));
        tfl_put_active(r, c, 0, y, l->activation);
        return;
    }
    if (tfl_quantised(c->declared[0]) && l->activation != TFL_ACT_TANH) {
        finish_fixed(r, c, l, y, scale);
        return;
    }
    for (uint32_t i = 0; i < l->outputs; i++)
        scale[i] *= l->x->scale;
    y = tfl_scaled(r, y, l->outputs, scale, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put_active(r, c, 0, y, l->activation);
}

/* ---------------------------------------------------------------- dense ----
 */

static void computed_dense(tfl_run *r, tfl_call *c, const layer *l)
{
    uint64_t inputs = l->w->rank == 2 ? l->w->dims[1] : 0;
    uint32_t dims[2];
    ir_id x = tfl_real(r, l->x), y;

    if (!inputs || tfl_elements(l->x) % inputs) {
        tfl_unsupported(r, c, "computed weights");
        return;
    }
    dims[0] = (uint32_t)(tfl_elements(l->x) / inputs);
    dims[1] = (uint32_t)inputs;
    x = ir_reshape(r->g, x, 2, dims);
    y = ir_matmul(r->g, x, tfl_real(r, l->w), 1, 1.f);
    if (l->b)
        y = ir_binary(r->g, MLI_ADD, y, tfl_real(r, l->b));
    tfl_put_active(r, c, 0, y, l->activation);
}

void tfl_do_dense(tfl_run *r, tfl_call *c, int what)
{
    layer l = {c->in[0],
               c->in[1],
               c->inputs > 2 ? c->in[2] : NULL,
               0,
               tfl_option(c, 0, 0),
               IR_NONE};
    uint32_t dims[TFL_MAX_RANK], rank = 2, inputs;
    ir_id x;

    (void)what;
    if (tfl_option(c, 1, 0) != 0) {
        tfl_unsupported(r, c, "shuffled weights");
        return;
    }
    if (!tfl_constant(r, l.w)) {
        computed_dense(r, c, &l);
        return;
    }
    if (l.w->rank != 2 || !l.w->dims[0] || !l.w->dims[1] ||
        tfl_elements(l.x) % l.w->dims[1])
        tfl_bad(r, c, "weights that do not fit the input");
    l.outputs = l.w->dims[0];
    inputs = l.w->dims[1];
    if (!usable(r, c, &l))
        return;
    if (tfl_option(c, 2, 0) && l.x->rank &&
        l.x->dims[l.x->rank - 1] == inputs) {
        rank = l.x->rank;
        memcpy(dims, l.x->dims, sizeof dims);
    } else {
        dims[0] = (uint32_t)(tfl_elements(l.x) / inputs);
        dims[1] = inputs;
    }
    x = kind_of(&l) == WHOLE_LAYER ? tfl_id(r, l.x) : tfl_real(r, l.x);
    x = ir_reshape(r->g, x, rank, dims);
    if (kind_of(&l) == HYBRID_LAYER)
        x = make_whole(r, &l, x, 1u << (rank - 1), tfl_option(c, 3, 0));
    x = tfl_dense(r, x, inputs, l.outputs, weights(r, &l), bias(r, c, &l),
                  l.w->raw);
    finish(r, c, &l, x);
}

/* --------------------------------------------------------- convolutions ----
 */

/* Padding in front and behind, as "same" means it. */
static void same_padding(uint32_t in, uint32_t size, uint32_t step,
                         uint32_t dilation, uint32_t *before, uint32_t *after)
{
    int64_t out = ((int64_t)in + step - 1) / step;
    int64_t all = (out - 1) * step + ((int64_t)size - 1) * dilation + 1 - in;

    all = all > 0 ? all : 0;
    *before = (uint32_t)(all / 2);
    *after = (uint32_t)(all - all / 2);
}

static int sensible(tfl_run *r, tfl_call *c, const uint32_t *n, int count)
{
    for (int i = 0; i < count; i++)
        if (n[i] < 1 || n[i] > MAX_SIZE) {
            tfl_bad(r, c, "a size, step or dilation of %u", n[i]);
            return 0;
        }
    return 1;
}

static ir_id padded(tfl_run *r, ir_id x, int same, const uint32_t *dims,
                    const uint32_t *size, const uint32_t *step,
                    const uint32_t *dilation)
{
    for (uint32_t k = 0; k < 2 && same; k++) {
        uint32_t before, after;
        same_padding(dims[1 + k], size[k], step[k], dilation[k], &before,
                     &after);
        x = ir_pad(r->g, x, 1 + k, before, after, 0.f);
    }
    return x;
}

typedef struct kernel {
    uint32_t size[2], step[2], dilation[2], groups;
    int same;
} kernel;

/* w: [outputs][inputs/groups][height][width] */
static void convolve(tfl_run *r, tfl_call *c, layer *l, const kernel *k,
                     const float *w)
{
    const uint32_t *dims = l->x->dims;
    ir_id x = kind_of(l) == WHOLE_LAYER ? tfl_id(r, l->x) : tfl_real(r, l->x);

    if (kind_of(l) == HYBRID_LAYER)
        x = make_whole(r, l, x, 14u, tfl_scale_count(l->w) > 1);
    x = padded(r, x, k->same, dims, k->size, k->step, k->dilation);
    if (k->size[0] == 1 && k->size[1] == 1 && k->step[0] == 1 &&
        k->step[1] == 1 && k->groups == 1)
        x = ir_linear(r->g, x, dims[3], l->outputs, w, bias(r, c, l));
    else
        x = ir_conv2d(r->g, x, l->outputs, k->size, k->dilation, k->step,
                      k->groups, w, bias(r, c, l));
    finish(r, c, l, x);
}

static int image_layer(tfl_run *r, tfl_call *c, const layer *l)
{
    if (l->x->rank != 4 || l->w->rank != 4 || !tfl_elements(l->w))
        tfl_bad(r, c, "expected 4 axes, got %u and %u", l->x->rank, l->w->rank);
    return tfl_constant(r, l->w);
}

/* [outputs][height][width][inputs] to [outputs][inputs][height][width] */
static float *reorder(tfl_run *r, const float *w, uint32_t outputs,
                      uint32_t taps, uint32_t inputs)
{
    float *to = tfl_take(r, (uint64_t)outputs * taps * inputs);

    for (uint32_t o = 0; o < outputs; o++)
        for (uint32_t t = 0; t < taps; t++)
            for (uint32_t i = 0; i < inputs; i++)
                to[((size_t)o * inputs + i) * taps + t] =
                    w[((size_t)o * taps + t) * inputs + i];
    return to;
}

void tfl_do_conv(tfl_run *r, tfl_call *c, int what)
{
    layer l = {c->in[0],
               c->in[1],
               c->inputs > 2 ? c->in[2] : NULL,
               0,
               tfl_option(c, 3, 0),
               IR_NONE};
    kernel k = {.step = {(uint32_t)tfl_option_int(c, 2, 1),
                         (uint32_t)tfl_option_int(c, 1, 1)},
                .dilation = {(uint32_t)tfl_option_int(c, 5, 1),
                             (uint32_t)tfl_option_int(c, 4, 1)},
                .same = tfl_option(c, 0, 0) == 0};
    const float *w;

    (void)what;
    image_layer(r, c, &l);
    l.outputs = l.w->dims[0];
    if (!usable(r, c, &l))
        return;
    k.size[0] = l.w->dims[1];
    k.size[1] = l.w->dims[2];
    sensible(r, c, k.size, 2);
    sensible(r, c, k.step, 2);
    sensible(r, c, k.dilation, 2);
    k.groups = l.x->dims[3] / l.w->dims[3];
    if (!k.groups || l.x->dims[3] % l.w->dims[3] || l.outputs % k.groups)
        tfl_bad(r, c, "%u input channels for weights of %u", l.x->dims[3],
                l.w->dims[3]);
    w = weights(r, &l);
    if (k.size[0] * (uint64_t)k.size[1] > 1)
        w = reorder(r, w, l.outputs, k.size[0] * k.size[1], l.w->dims[3]);
    convolve(r, c, &l, &k, w);
}

void tfl_do_depthwise(tfl_run *r, tfl_call *c, int what)
{
    layer l = {c->in[0],
               c->in[1],
               c->inputs > 2 ? c->in[2] : NULL,
               0,
               tfl_option(c, 4, 0),
               IR_NONE};
    kernel k = {.step = {(uint32_t)tfl_option_int(c, 2, 1),
                         (uint32_t)tfl_option_int(c, 1, 1)},
                .dilation = {(uint32_t)tfl_option_int(c, 6, 1),
                             (uint32_t)tfl_option_int(c, 5, 1)},
                .same = tfl_option(c, 0, 0) == 0};

    (void)what;
    image_layer(r, c, &l);
    l.outputs = l.w->dims[3];
    if (!usable(r, c, &l))
        return;
    k.size[0] = l.w->dims[1];
    k.size[1] = l.w->dims[2];
    sensible(r, c, k.size, 2);
    sensible(r, c, k.step, 2);
    sensible(r, c, k.dilation, 2);
    k.groups = l.x->dims[3];
    if (l.w->dims[0] != 1 || l.outputs % k.groups)
        tfl_bad(r, c, "%u input channels for %u outputs", k.groups, l.outputs);
    /* [height][width][outputs] to [outputs][height][width] */
    convolve(r, c, &l, &k,
             reorder(r, weights(r, &l), 1, k.size[0] * k.size[1], l.outputs));
}

/* ----------------------------------------------- transposed convolution ----
 *
 * An output at u = q*step + phase is a sum over x[q - t] * w[t*step + phase]:
 * a convolution with step^2 times the outputs, whose phases are then put in
 * between each other.
 */

/* To [height phase][width phase][output][input][tap][tap], taps reversed. */
static float *phases(tfl_run *r, const float *w, const uint32_t *d,
                     const uint32_t *step, const uint32_t *taps)
{
    uint32_t outputs = d[0], inputs = d[3];
    uint64_t n = (uint64_t)step[0] * step[1] * outputs * inputs;
    float *to;
    size_t at = 0;

    n = n * taps[0] * taps[1];
    tfl_spend(r, n);
    to = tfl_take(r, n);
    for (uint32_t p = 0; p < step[0] * step[1] * outputs; p++)
        for (uint32_t i = 0; i < inputs; i++)
            for (uint32_t t = 0; t < taps[0] * taps[1]; t++, at++) {
                uint32_t o = p % outputs, phase = p / outputs;
                uint32_t y =
                    (taps[0] - 1 - t / taps[1]) * step[0] + phase / step[1];
                uint32_t x =
                    (taps[1] - 1 - t % taps[1]) * step[1] + phase % step[1];
                if (y < d[1] && x < d[2])
                    to[at] =
                        w[(((size_t)o * d[1] + y) * d[2] + x) * inputs + i];
            }
    return to;
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

void tfl_do_transpose_conv(tfl_run *r, tfl_call *c, int what)
{
    layer l = {c->in[2],
               c->in[1],
               c->inputs > 3 ? c->in[3] : NULL,
               0,
               tfl_option(c, 3, 0),
               IR_NONE};
    uint32_t step[2] = {(uint32_t)tfl_option_int(c, 2, 1),
                        (uint32_t)tfl_option_int(c, 1, 1)};
    uint32_t taps[2], one[2] = {1, 1}, count, crop[2];
    const int64_t *shape = tfl_ints(r, c->in[0], &count);
    const float *b;
    float *many = NULL;
    ir_id x;

    (void)what;
    image_layer(r, c, &l);
    l.outputs = l.w->dims[0];
    if (!shape && c->outputs && c->out[0] && c->declared[0]->rank == 4) {
        int64_t *declared = onnx_take(r->pool, 4, sizeof *declared);
        for (count = 0; count < 4; count++)
            declared[count] = c->declared[0]->dims[count];
        shape = declared;
    }
    if (!shape || count != 4) {
        tfl_unsupported(r, c, "a computed shape");
        return;
    }
    if (!usable(r, c, &l))
        return;
    sensible(r, c, step, 2);
    sensible(r, c, l.w->dims + 1, 2);
    if (l.w->dims[3] != l.x->dims[3])
        tfl_bad(r, c, "%u input channels for weights of %u", l.x->dims[3],
                l.w->dims[3]);
    x = kind_of(&l) == WHOLE_LAYER ? tfl_id(r, l.x) : tfl_real(r, l.x);
    if (kind_of(&l) == HYBRID_LAYER)
        x = make_whole(r, &l, x, 14u, tfl_scale_count(l.w) > 1);
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t size = l.w->dims[1 + k], after, need;
        uint64_t have;
        if (shape[1 + k] < 1 || shape[1 + k] > (int64_t)MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "an output of %lld", (long long)shape[1 + k]);
        taps[k] = (size + step[k] - 1) / step[k];
        crop[k] = 0;
        if (tfl_option(c, 0, 0) == 0)
            same_padding((uint32_t)shape[1 + k], size, step[k], 1, &crop[k],
                         &after);
        have = ((uint64_t)l.x->dims[1 + k] + taps[k] - 1) * step[k];
        need = (uint32_t)shape[1 + k] + crop[k];
        after = taps[k] - 1;
        if (need > have)
            after += (uint32_t)((need - have + step[k] - 1) / step[k]);
        x = ir_pad(r->g, x, 1 + k, taps[k] - 1, after, 0.f);
    }
    b = bias(r, c, &l);
    if (b) {
        many = tfl_take(r, (uint64_t)step[0] * step[1] * l.outputs);
        for (uint64_t i = 0; i < (uint64_t)step[0] * step[1] * l.outputs; i++)
            many[i] = b[i % l.outputs];
    }
    x = ir_conv2d(r->g, x, step[0] * step[1] * l.outputs, taps, one, one, 1,
                  phases(r, weights(r, &l), l.w->dims, step, taps), many);
    x = interleave(r, x, step, l.outputs);
    for (uint32_t k = 0; k < 2; k++)
        x = ir_slice(r->g, x, 1 + k, crop[k], 1, (uint32_t)shape[1 + k]);
    finish(r, c, &l, x);
}

/* -------------------------------------------------------------- pooling ----
 */

/* How many elements the windows cover, [outputs of axis 1][of axis 2][1]; one
   number if it is the same everywhere. */
static ir_id window_counts(tfl_run *r, const uint32_t *dims,
                           const uint32_t *out, const ir_window *w)
{
    uint32_t shape[3] = {out[0], out[1], 1};
    float *n = tfl_take(r, (uint64_t)out[0] * out[1]);
    int same = 1;

    tfl_spend(r, (uint64_t)out[0] * out[1]);
    for (uint32_t i = 0; i < out[0] * out[1]; i++) {
        uint32_t at[2] = {i / out[1], i % out[1]};
        n[i] = 1.f;
        for (int k = 0; k < 2; k++) {
            int64_t from = (int64_t)at[k] * w[k].step - w[k].before;
            int64_t to = from + w[k].size;
            from = from < 0 ? 0 : from;
            to = to > dims[k] ? dims[k] : to;
            n[i] *= (float)(to - from);
        }
        same &= n[i] == n[0];
    }
    return same ? ir_scalar(r->g, n[0]) : ir_const(r->g, 3, shape, n);
}

/* A mean of whole numbers is rounded with its zero point in it. */
static void put_mean(tfl_run *r, tfl_call *c, ir_id x, int activation)
{
    const tfl_tensor *t = c->declared[0];
    float zero = (float)tfl_zero(t), back = -zero, one = 1.f;
    float low, high, all_low, all_high;

    tfl_range(t->type, 0, &all_low, &all_high);
    x = ir_binary(r->g, MLI_ADD, x, ir_scalar(r->g, zero));
    x = ir_unary(r->g, MLI_ROUND_AWAY, all_low, all_high, x);
    x = tfl_scaled(r, x, 1, &one, &back, MLI_IDENTITY, 0.f, 0.f);
    tfl_range(t->type, tfl_zero(t), &low, &high);
    if (activation == TFL_ACT_NONE)
        tfl_put_whole(r, c, 0, x);
    else
        tfl_put_sums(r, c, 0, x, 1, &one, activation);
}

void tfl_do_pool(tfl_run *r, tfl_call *c, int average)
{
    tfl_value *v = c->in[0];
    int activation = tfl_option(c, 5, 0);
    ir_window w[2] = {{(uint32_t)tfl_option_int(c, 4, 1),
                       (uint32_t)tfl_option_int(c, 2, 1), 1, 0, 0},
                      {(uint32_t)tfl_option_int(c, 3, 1),
                       (uint32_t)tfl_option_int(c, 1, 1), 1, 0, 0}};
    ir_id x = tfl_id(r, v);
    float one = 1.f;

    if (v->rank != 4)
        tfl_bad(r, c, "expected 4 axes, got %u", v->rank);
    for (int k = 0; k < 2; k++) {
        sensible(r, c, &w[k].size, 2);
        if (tfl_option(c, 0, 0) == 0)
            same_padding(v->dims[1 + k], w[k].size, w[k].step, 1, &w[k].before,
                         &w[k].after);
        x = ir_pool(r->g, average ? MLI_REDUCE_SUM : MLI_REDUCE_MAX, x,
                    (uint32_t)(1 + k), &w[k]);
    }
    if (!ir_good(r->g, x)) {
        tfl_put_whole(r, c, 0, x);
        return;
    }
    if (average) {
        uint32_t out[2] = {r->g->values[x].dims[1], r->g->values[x].dims[2]};
        ir_id n = window_counts(r, v->dims + 1, out, w);
        x = ir_binary(r->g, MLI_DIV, x, n);
    }
    if (c->outputs && c->out[0] && v->scale > 0.f &&
        tfl_quantised(c->declared[0])) {
        if (average)
            put_mean(r, c, x, activation);
        else
            tfl_put_sums(r, c, 0, x, 1, &one, activation);
        return;
    }
    tfl_put_active(r, c, 0, x, activation);
}

/* ------------------------------------------------------------- matrices ----
 */

static ir_id turned(tfl_run *r, const tfl_value *v, ir_id x)
{
    uint32_t perm[TFL_MAX_RANK];

    for (uint32_t i = 0; i < v->rank; i++)
        perm[i] = i;
    perm[v->rank - 1] = v->rank - 2;
    perm[v->rank - 2] = v->rank - 1;
    return ir_transpose(r->g, x, perm);
}

void tfl_do_batch_matmul(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *a = c->in[0], *b = c->in[1];
    int whole = a->scale > 0.f && b->scale > 0.f;
    ir_id x = whole ? tfl_id(r, a) : tfl_real(r, a);
    ir_id y = whole ? tfl_id(r, b) : tfl_real(r, b);
    double factor;
    float scale;

    (void)what;
    if (a->rank < 2 || b->rank < 2)
        tfl_bad(r, c, "expected at least 2 axes, got %u and %u", a->rank,
                b->rank);
    if (tfl_option(c, 0, 0))
        x = turned(r, a, x);
    x = ir_matmul(r->g, x, y, tfl_option(c, 1, 0) != 0, 1.f);
    if (!c->outputs || !c->out[0])
        return;
    if (!whole || !tfl_quantised(c->declared[0])) {
        scale = a->scale * b->scale;
        if (whole)
            x = tfl_scaled(r, x, 1, &scale, NULL, MLI_IDENTITY, 0.f, 0.f);
        tfl_put(r, c, 0, x);
        return;
    }
    factor = (double)(a->scale * b->scale) /
             (double)tfl_tensor_scale(c->declared[0]);
    tfl_put_fixed(r, c, 0, x, 1, &factor,
                  a->type == TFL_INT16 ? MLI_ROUND_SHORT : MLI_ROUND_TWICE,
                  TFL_ACT_NONE);
}
