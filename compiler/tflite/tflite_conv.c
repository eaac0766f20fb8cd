/* tflite_conv.c - convolutions. */
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

static ir_id padded(tfl_run *r, ir_id x, int same, const uint32_t *dims,
                    const uint32_t *size, const uint32_t *step,
                    const uint32_t *dilation)
{
    for (uint32_t k = 0; k < 2 && same; k++) {
        uint32_t before, after;
        tfl_same_padding(dims[1 + k], size[k], step[k], dilation[k], &before,
                         &after);
        x = ir_pad(r->g, x, 1 + k, before, after, 0.f);
    }
    return x;
}

typedef struct kernel {
    uint32_t size[2], step[2], dilation[2], groups;
    int same;
} kernel;

static ir_id product(tfl_run *r, const tfl_layer *l, const kernel *k, ir_id x,
                     const ir_bytes *w, const float *b)
{
    uint32_t inputs = l->x->dims[3];

    if (k->size[0] == 1 && k->size[1] == 1 && k->step[0] == 1 &&
        k->step[1] == 1 && k->groups == 1)
        return ir_linear_bytes(r->g, x, inputs, l->outputs, w, b);
    return ir_conv2d_bytes(r->g, x, l->outputs, k->size, k->dilation, k->step,
                           k->groups, w, b);
}

static void convolve(tfl_run *r, tfl_call *c, tfl_layer *l, const kernel *k,
                     const ir_bytes *w)
{
    const uint32_t *dims = l->x->dims;
    int asymmetric =
        k->groups > 1 ? tfl_scale_count(l->w) > 1 : tfl_scales_differ(l->w);
    ir_id x = tfl_layer_input(r, l, 14u, asymmetric);

    x = padded(r, x, k->same, dims, k->size, k->step, k->dilation);
    x = product(r, l, k, x, w, tfl_layer_bias(r, c, l));
    x = tfl_layer_exact(r, c, l, x);
    tfl_layer_finish(r, c, l, x);
}

/* [outputs][height][width][inputs], and the groups they make. */
static ir_bytes conv_weights(tfl_run *r, tfl_call *c, const tfl_layer *l,
                             kernel *k)
{
    uint32_t taps = k->size[0] * k->size[1], inputs = l->w->dims[3];
    ir_bytes w;

    k->groups = inputs ? l->x->dims[3] / inputs : 0;
    if (!k->groups || l->x->dims[3] % inputs || l->outputs % k->groups)
        tfl_bad(r, c, "%u input channels for weights of %u", l->x->dims[3],
                inputs);
    tfl_layer_weights(r, l, 0, &w);
    w.output = (size_t)taps * inputs;
    w.tap = inputs;
    w.input = 1;
    return w;
}

/* [1][height][width][outputs] */
static ir_bytes depthwise_weights(tfl_run *r, tfl_call *c, const tfl_layer *l,
                                  kernel *k)
{
    ir_bytes w;

    k->groups = l->x->dims[3];
    if (l->w->dims[0] != 1 || !k->groups || l->outputs % k->groups)
        tfl_bad(r, c, "%u input channels for %u outputs", k->groups,
                l->outputs);
    tfl_layer_weights(r, l, 3, &w);
    w.output = 1;
    w.tap = l->outputs;
    return w;
}

/* The same on what the input was before its space became batches. */
static void convolve_spread(tfl_run *r, tfl_call *c, const tfl_layer *l,
                            const kernel *k, const ir_bytes *w)
{
    const tfl_spread *s = l->x->spread;
    tfl_value x = *l->x, y = {0}, *out = &y;
    tfl_layer wide = *l;
    tfl_spread *made;
    tfl_call one = *c;
    kernel dilated = *k;

    if (!s || k->same || k->step[0] != 1 || k->step[1] != 1 ||
        s->block[3] != 1 || tfl_layer_kind(l) == TFL_HYBRID_LAYER ||
        !c->outputs || !c->out[0] || c->out[0]->broken)
        return;
    for (int i = 0; i < 2; i++) {
        uint64_t far = (uint64_t)k->dilation[i] * s->block[1 + i];
        if (far * k->size[i] > MLI_MAX_ELEMENTS)
            return;
        dilated.dilation[i] = (uint32_t)far;
    }
    x.id = s->id;
    x.raw = NULL;
    memcpy(x.dims, s->dims, sizeof x.dims);
    wide.x = &x;
    one.out = &out;
    one.outputs = 1;
    convolve(r, &one, &wide, &dilated, w);
    if (!ir_good(r->g, y.id))
        return;
    made = onnx_take(r->pool, 1, sizeof *made);
    *made = *s;
    made->id = y.id;
    memcpy(made->dims, y.dims, sizeof made->dims);
    c->out[0]->spread = made;
}

static void convolve_in_time(tfl_run *r, tfl_call *c, tfl_layer *l,
                             const kernel *k, const ir_bytes *w)
{
    uint32_t at = l->x->time == 2 ? 0 : 1, other = 1 - at;
    tfl_time_kernel t = {k->size[at], k->dilation[at], k->step[at], k->groups,
                         k->same};

    if ((l->x->time != 2 && l->x->time != 3) ||
        l->x->dims[0] != (l->x->block ? l->x->block : 1) ||
        l->x->dims[1 + other] != 1 || k->size[other] != 1) {
        tfl_unsupported(r, c,
                        "a kernel over time and another axis (expected "
                        "mode step or window)");
        return;
    }
    tfl_conv_in_time(r, c, l, &t, w);
}

void tfl_do_conv(tfl_run *r, tfl_call *c, int depthwise)
{
    uint32_t slot = depthwise ? 4 : 3; /* behind the depth multiplier */
    tfl_layer l = {c->in[0],
                   c->in[1],
                   c->inputs > 2 ? c->in[2] : NULL,
                   0,
                   tfl_option(c, slot, 0),
                   0,
                   IR_NONE,
                   IR_NONE};
    ir_bytes w;
    kernel k = {.step = {(uint32_t)tfl_option_int(c, 2, 1),
                         (uint32_t)tfl_option_int(c, 1, 1)},
                .dilation = {(uint32_t)tfl_option_int(c, slot + 2, 1),
                             (uint32_t)tfl_option_int(c, slot + 1, 1)},
                .same = tfl_option(c, 0, 0) == 0};

    tfl_image_layer(r, c, &l);
    l.outputs = l.w->dims[depthwise ? 3 : 0];
    if (!tfl_layer_usable(r, c, &l))
        return;
    memcpy(k.size, l.w->dims + 1, sizeof k.size);
    tfl_sensible(r, c, k.size, 2);
    tfl_sensible(r, c, k.step, 2);
    tfl_sensible(r, c, k.dilation, 2);
    w = depthwise ? depthwise_weights(r, c, &l, &k)
                  : conv_weights(r, c, &l, &k);
    if (l.x->time) {
        convolve_in_time(r, c, &l, &k, &w);
        return;
    }
    convolve(r, c, &l, &k, &w);
    convolve_spread(r, c, &l, &k, &w);
}
