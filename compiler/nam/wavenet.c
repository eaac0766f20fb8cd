/*
 * wavenet.c - WaveNet: the graph of a config (wavenet.h) and its weights.
 *
 * The same numbers as layer by layer, with less work:
 *  - the first layer's convolution reads the raw input, with the matrix in
 *    front of it multiplied in, and takes the condition along in its newest tap
 *    where the condition is the input;
 *  - the last weight, a gain on the output, is multiplied into the last head;
 *  - what the last layer would hand to a next one is not computed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "wavenet.h"

typedef struct matrix { /* weights of one dense layer or convolution */
    const float *w, *b;
} matrix;

typedef struct layer_weights {
    matrix conv, mixin, layer1x1, head1x1, film[NAM_FILMS];
} layer_weights;

typedef struct wave {
    nam_import *m;
    nam_model *model;
    const nam_stack *s;
    uint32_t index;   /* of the stack */
    nam_signal input; /* raw */
    nam_signal condition;
    const float *rechannel; /* what made y of the raw input; else NULL */
    ir_id y;                /* from layer to layer */
    ir_id head;             /* their sum for the head, IR_NONE at first */
} wave;

/* ------------------------------------------------------------- weights ---- */

static uint64_t film_size(const nam_stack *s, const nam_layer *l, int i)
{
    uint32_t outputs = nam_film_width(s, l, i) * (s->film[i].shift ? 2 : 1);

    if (!s->film[i].active)
        return 0;
    return nam_conv_size(s->condition, outputs, 1, s->film[i].groups, 1);
}

static uint64_t stack_size(const nam_stack *s)
{
    uint64_t n = nam_conv_size(s->input, s->channels, 1, 1, 0);

    for (uint32_t i = 0; i < s->layers; i++) {
        const nam_layer *l = &s->layer[i];
        uint32_t z = nam_conv_outputs(s, l);

        n += nam_conv_size(s->channels, z, l->taps, s->groups_input, 1);
        n += nam_conv_size(s->condition, z, 1, s->groups_mixin, 0);
        if (s->layer1x1.active)
            n += nam_conv_size(s->bottleneck, s->channels, 1,
                               s->layer1x1.groups, 1);
        if (s->head1x1.active)
            n += nam_conv_size(s->bottleneck, s->head1x1.outputs, 1,
                               s->head1x1.groups, 1);
        for (int k = 0; k < NAM_FILMS; k++)
            n += film_size(s, l, k);
        if (n >> 60) /* a layer is below 2^57: no overflow up to here */
            return n;
    }
    return n + nam_conv_size(s->head_in, s->head_out, s->head_taps, 1,
                             s->head_bias);
}

static uint64_t net_size(const nam_net *net)
{
    uint32_t in = net->stack[net->stacks - 1].head_out;
    uint64_t n = 1; /* head_scale */

    for (uint32_t i = 0; i < net->stacks && !(n >> 60); i++)
        n += stack_size(&net->stack[i]);
    for (uint32_t i = 0; i < net->post.convs && !(n >> 60); i++) {
        uint32_t out =
            i + 1 == net->post.convs ? net->post.outputs : net->post.channels;
        n += nam_conv_size(in, out, net->post.taps[i], 1, 1);
        in = out;
    }
    return n;
}

static matrix take(wave *v, uint32_t inputs, uint32_t outputs, uint32_t taps,
                   uint32_t groups, int bias)
{
    matrix a;

    a.w = nam_take(v->model, nam_conv_size(inputs, outputs, taps, groups, 0));
    a.b = bias ? nam_take(v->model, outputs) : NULL;
    return a;
}

static void take_layer(wave *v, const nam_layer *l, layer_weights *w)
{
    const nam_stack *s = v->s;
    uint32_t z = nam_conv_outputs(s, l);

    memset(w, 0, sizeof *w);
    w->conv = take(v, s->channels, z, l->taps, s->groups_input, 1);
    w->mixin = take(v, s->condition, z, 1, s->groups_mixin, 0);
    if (s->layer1x1.active)
        w->layer1x1 =
            take(v, s->bottleneck, s->channels, 1, s->layer1x1.groups, 1);
    if (s->head1x1.active)
        w->head1x1 =
            take(v, s->bottleneck, s->head1x1.outputs, 1, s->head1x1.groups, 1);
    for (int i = 0; i < NAM_FILMS; i++)
        if (s->film[i].active)
            w->film[i] =
                take(v, s->condition,
                     nam_film_width(s, l, i) * (s->film[i].shift ? 2 : 1), 1,
                     s->film[i].groups, 1);
}

/* ---------------------------------------------------------------- FiLM ---- */

/* x * scale + shift, both dense layers of the condition. */
static ir_id film(wave *v, const nam_layer *l, const layer_weights *w, int at,
                  ir_id x)
{
    static const char *const names[] = {
        "conv_pre_film",      "conv_post_film",      "mixin_pre_film",
        "mixin_post_film",    "activation_pre_film", "activation_post_film",
        "layer1x1_post_film", "head1x1_post_film"};
    const nam_film *f = &v->s->film[at];
    uint32_t n = nam_film_width(v->s, l, at), c = v->condition.channels;
    matrix a = w->film[at];
    ir_graph *g = v->m->doc.g;
    ir_id scale, both;

    if (!f->active)
        return x;
    mlc_doc_at(&v->m->doc, "layers[%u][%u].%s", v->index,
               (unsigned)(l - v->s->layer), names[at]);
    if (!f->shift)
        return ir_binary(
            g, MLI_MUL, x,
            nam_conv(v->m, v->condition.id, c, n, 1, 1, f->groups, a.w, a.b));
    if (f->groups == 1) { /* two small layers: nothing has to be cut */
        scale = ir_linear(g, v->condition.id, c, n, a.w, a.b);
        x = ir_binary(g, MLI_MUL, x, scale);
        return ir_binary(
            g, MLI_ADD, x,
            ir_linear(g, v->condition.id, c, n, a.w + (size_t)n * c, a.b + n));
    }
    both = nam_conv(v->m, v->condition.id, c, 2 * n, 1, 1, f->groups, a.w, a.b);
    x = ir_binary(g, MLI_MUL, x, ir_slice(g, both, 0, 0, 1, n));
    return ir_binary(g, MLI_ADD, x, ir_slice(g, both, 0, n, 1, n));
}

/* ------------------------------------------------------------- layers ---- */

static int has_film(const nam_stack *s, int at)
{
    return s->film[at].active;
}

/* The first layer's convolution may read the raw input. */
static int folds(const wave *v, uint32_t layer)
{
    return layer == 0 && v->rechannel && !has_film(v->s, NAM_CONV_PRE) &&
           v->input.channels * v->s->groups_input <= v->s->channels;
}

/* ... and take the condition along. */
static int folds_mixin(const wave *v, uint32_t layer)
{
    return folds(v, layer) && v->condition.id == v->input.id &&
           !has_film(v->s, NAM_CONV_POST) && !has_film(v->s, NAM_MIXIN_PRE) &&
           !has_film(v->s, NAM_MIXIN_POST);
}

/* [z][input][taps]: conv after rechannel, plus the mixin on the newest tap. */
static void fold(const wave *v, const nam_layer *l, const layer_weights *w,
                 int mixin, float *to)
{
    const nam_stack *s = v->s;
    uint32_t z = nam_conv_outputs(s, l), n = v->input.channels, k = l->taps;
    uint32_t in = s->channels / s->groups_input, rows = z / s->groups_input;
    uint32_t mix_in = n / s->groups_mixin, mix_rows = z / s->groups_mixin;

    for (uint32_t o = 0; o < z; o++)
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t t = 0; t < k; t++) {
                double sum = 0;
                for (uint32_t c = 0; c < in; c++)
                    sum += (double)w->conv.w[((size_t)o * in + c) * k + t] *
                           v->rechannel[(size_t)(o / rows * in + c) * n + i];
                if (mixin && t == k - 1 && o / mix_rows == i / mix_in)
                    sum += w->mixin.w[(size_t)o * mix_in + i % mix_in];
                to[((size_t)o * n + i) * k + t] = (float)sum;
            }
}

static ir_id convolution(wave *v, uint32_t index, const layer_weights *w)
{
    const nam_stack *s = v->s;
    const nam_layer *l = &s->layer[index];
    uint32_t z = nam_conv_outputs(s, l), n = v->input.channels;
    float *folded;
    ir_id x;

    x = folds(v, index) ? v->input.id : film(v, l, w, NAM_CONV_PRE, v->y);
    mlc_doc_at(&v->m->doc, "layers[%u][%u].conv", v->index, index);
    if (!folds(v, index)) {
        x = nam_conv(v->m, x, s->channels, z, l->taps, l->dilation,
                     s->groups_input, w->conv.w, w->conv.b);
    } else {
        folded = malloc((size_t)z * n * l->taps * sizeof *folded);
        if (!folded) {
            mlc_doc_no_memory(&v->m->doc);
            return IR_NONE;
        }
        fold(v, l, w, folds_mixin(v, index), folded);
        x = nam_conv(v->m, x, n, z, l->taps, l->dilation, 1, folded, w->conv.b);
        free(folded);
    }
    return film(v, l, w, NAM_CONV_POST, x);
}

static ir_id mixin(wave *v, const nam_layer *l, const layer_weights *w, ir_id z)
{
    const nam_stack *s = v->s;
    ir_id x = film(v, l, w, NAM_MIXIN_PRE, v->condition.id);

    mlc_doc_at(&v->m->doc, "layers[%u][%u].mixin", v->index,
               (unsigned)(l - v->s->layer));
    x = nam_conv(v->m, x, s->condition, nam_conv_outputs(s, l), 1, 1,
                 s->groups_mixin, w->mixin.w, NULL);
    x = film(v, l, w, NAM_MIXIN_POST, x);
    return ir_binary(v->m->doc.g, MLI_ADD, z, x);
}

static ir_id activate(wave *v, const nam_layer *l, ir_id z)
{
    uint32_t n = v->s->bottleneck;
    ir_graph *g = v->m->doc.g;
    ir_id a, b, second;

    if (l->gating == NAM_UNGATED)
        return nam_activate(v->m, &l->activation, z, n);
    second = ir_slice(g, z, 0, n, 1, n);
    a = ir_slice(g, z, 0, 0, 1, n);
    second = nam_activate(v->m, &l->secondary, second, n);
    b = nam_activate(v->m, &l->activation, a, n);
    if (l->gating == NAM_GATED)
        return ir_binary(g, MLI_MUL, b, second);
    /* s b + (1 - s) a */
    b = ir_binary(g, MLI_MUL, ir_binary(g, MLI_SUB, b, a), second);
    return ir_binary(g, MLI_ADD, a, b);
}

/* a to the next layer */
static void pass_on(wave *v, const nam_layer *l, const layer_weights *w,
                    ir_id a)
{
    const nam_stack *s = v->s;

    if (!s->layer1x1.active)
        return;
    mlc_doc_at(&v->m->doc, "layers[%u][%u].layer1x1", v->index,
               (unsigned)(l - s->layer));
    a = nam_conv(v->m, a, s->bottleneck, s->channels, 1, 1, s->layer1x1.groups,
                 w->layer1x1.w, w->layer1x1.b);
    if (l->gating == NAM_BLENDED) /* as the reference: elsewhere it is not */
        a = film(v, l, w, NAM_LAYER1X1_POST, a);
    v->y = ir_binary(v->m->doc.g, MLI_ADD, v->y, a);
}

static void to_head(wave *v, const nam_layer *l, const layer_weights *w,
                    ir_id a)
{
    const nam_stack *s = v->s;

    if (s->head1x1.active) {
        mlc_doc_at(&v->m->doc, "layers[%u][%u].head1x1", v->index,
                   (unsigned)(l - s->layer));
        a = nam_conv(v->m, a, s->bottleneck, s->head1x1.outputs, 1, 1,
                     s->head1x1.groups, w->head1x1.w, w->head1x1.b);
        a = film(v, l, w, NAM_HEAD1X1_POST, a);
    }
    v->head =
        v->head == IR_NONE ? a : ir_binary(v->m->doc.g, MLI_ADD, v->head, a);
}

static void layer(wave *v, uint32_t index, int last)
{
    const nam_layer *l = &v->s->layer[index];
    layer_weights w;
    ir_id z;

    take_layer(v, l, &w);
    z = convolution(v, index, &w);
    if (!folds_mixin(v, index))
        z = mixin(v, l, &w, z);
    z = film(v, l, &w, NAM_ACTIVATION_PRE, z);
    mlc_doc_at(&v->m->doc, "layers[%u][%u].activation", v->index, index);
    z = activate(v, l, z);
    z = film(v, l, &w, NAM_ACTIVATION_POST, z);
    if (!last)
        pass_on(v, l, &w, z);
    to_head(v, l, &w, z);
}

/* -------------------------------------------------------------- heads ---- */

/* w times scale, in a new array; NULL if a product leaves the range in which
   floats keep their precision, or without memory: then scale apart. */
static float *scaled(const float *w, uint64_t n, float scale)
{
    float *to = malloc((size_t)n * sizeof *to);

    for (uint64_t i = 0; to && i < n; i++) {
        double y = (double)w[i] * scale;
        if (w[i] != 0 && !(fabs(y) > 0x1p-100 && fabs(y) < 0x1p100)) {
            free(to);
            return NULL;
        }
        to[i] = (float)y;
    }
    return to;
}

static ir_id stack_head(wave *v, float scale)
{
    const nam_stack *s = v->s;
    uint64_t n =
        nam_conv_size(s->head_in, s->head_out, s->head_taps, 1, s->head_bias);
    const float *w = nam_take(v->model, n), *b = NULL, zero = 0;
    float *folded = scale == 1 ? NULL : scaled(w, n, scale);
    ir_id x;

    if (folded)
        w = folded;
    if (s->head_bias)
        b = w + (n - s->head_out);
    mlc_doc_at(&v->m->doc, "layers[%u].head", v->index);
    x = nam_conv(v->m, v->head, s->head_in, s->head_out, s->head_taps,
                 s->head_dilation, 1, w, b);
    if (scale != 1 && !folded)
        x = ir_affine(v->m->doc.g, x, 1, &scale, &zero);
    free(folded);
    return x;
}

static void stack(wave *v, const nam_net *net, float scale)
{
    const nam_stack *s = v->s;
    int last = v->index + 1 == net->stacks;
    matrix a = take(v, s->input, s->channels, 1, 1, 0);

    v->rechannel = v->index == 0 ? a.w : NULL;
    mlc_doc_at(&v->m->doc, "layers[%u].rechannel", v->index);
    v->y = ir_linear(v->m->doc.g, v->y, s->input, s->channels, a.w, NULL);
    for (uint32_t i = 0; i < s->layers; i++)
        layer(v, i, last && i + 1 == s->layers);
    v->head = stack_head(v, last ? scale : 1);
}

static nam_signal post_head(wave *v, const nam_post_head *p, nam_signal x)
{
    for (uint32_t i = 0; i < p->convs; i++) {
        uint32_t out = i + 1 == p->convs ? p->outputs : p->channels;
        matrix a = take(v, x.channels, out, p->taps[i], 1, 1);

        mlc_doc_at(&v->m->doc, "head[%u]", i);
        x.id = nam_activate(v->m, &p->activation, x.id, x.channels);
        x.id =
            nam_conv(v->m, x.id, x.channels, out, p->taps[i], 1, 1, a.w, a.b);
        x.channels = out;
    }
    return x;
}

/* ---------------------------------------------------------------- net ---- */

/* The condition: the input, or what a model inside makes of it. */
static int condition(wave *v, const nam_net *net)
{
    nam_model inner;

    v->condition = v->input;
    v->model->prewarm = 1;
    if (mlc_doc_present(&v->m->doc, &net->condition_dsp)) {
        if (!nam_build(v->m, net->condition_dsp.key, net->condition_dsp.at,
                       &inner, &v->condition))
            return 0;
        if (inner.rate && v->model->rate && inner.rate != v->model->rate)
            return mlc_doc_fail(
                &v->m->doc, MLC_CORRUPT, net->condition_dsp.key,
                "expected a sample_rate of %g, as around it, got "
                "%g",
                v->model->rate, inner.rate);
        v->model->prewarm = inner.prewarm;
    }
    for (uint32_t i = 0; i < net->stacks; i++)
        if (net->stack[i].condition != v->condition.channels) {
            mlc_doc_enter(&v->m->doc, "layers[%u].", i);
            return mlc_doc_fail(&v->m->doc, MLC_CORRUPT, "condition_size",
                                "expected %u, as the condition has, got %u",
                                v->condition.channels, net->stack[i].condition);
        }
    return 1;
}

static int build(nam_import *m, nam_model *model, const nam_net *net,
                 nam_signal *out)
{
    wave v = {.m = m, .model = model, .head = IR_NONE};
    float scale;

    if (!nam_check_weights(m, model, net_size(net)) ||
        !nam_input(m, "in_channels", net->inputs, &v.input) ||
        !condition(&v, net))
        return 0;
    scale = model->weights[model->weight_count - 1];
    v.y = v.input.id;
    for (v.index = 0; v.index < net->stacks; v.index++) {
        v.s = &net->stack[v.index];
        stack(&v, net, scale);
    }
    *out =
        post_head(&v, &net->post,
                  (nam_signal){v.head, net->stack[net->stacks - 1].head_out});
    model->prewarm += net->reach;
    return m->doc.status == MLC_OK;
}

int nam_wavenet(nam_import *m, nam_model *model, nam_signal *out)
{
    nam_net net;
    int ok = nam_read_net(m, model, &net) && build(m, model, &net, out);

    nam_free_net(&net);
    return ok;
}
