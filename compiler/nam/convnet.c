/*
 * convnet.c - ConvNet: blocks of a convolution with two taps, batch
 * normalisation (folded into it) and an activation; then a dense layer.
 */
#include <math.h>
#include <stdlib.h>
#include "nam.h"

typedef struct convnet {
    uint32_t inputs, channels, outputs, blocks, groups;
    uint32_t *dilations;
    int normalized;
    nam_activation activation;
} convnet;

static int check(nam_import *m, const convnet *c, nam_model *model)
{
    uint32_t reach = 0;

    if (!nam_check_groups(m, "groups", c->groups, c->inputs, c->channels) ||
        (c->blocks > 1 &&
         !nam_check_groups(m, "groups", c->groups, c->channels, c->channels)))
        return 0;
    for (uint32_t i = 0; i < c->blocks; i++)
        if (!nam_add_reach(m, "dilations", 2, c->dilations[i],
                           i ? c->channels : c->inputs, &reach))
            return 0;
    model->prewarm = 1 + reach;
    return nam_check_activation(m, &c->activation, c->channels);
}

static int config(nam_import *m, nam_model *model, convnet *c)
{
    enum { CHANNELS, DILATIONS, BATCHNORM, ACTIVATION, GROUPS, IN, OUT, ALL };
    mlc_field f[ALL] = {{"channels", {0, 0}},    {"dilations", {0, 0}},
                        {"batchnorm", {0, 0}},   {"activation", {0, 0}},
                        {"groups", {0, 0}},      {"in_channels", {0, 0}},
                        {"out_channels", {0, 0}}};

    c->inputs = c->outputs = c->groups = 1;
    if (!mlc_doc_object(&m->doc, "config", model->config.at, f, ALL) ||
        !mlc_doc_u32(&m->doc, &f[CHANNELS], 1, NAM_MAX_CHANNELS,
                     &c->channels) ||
        !mlc_doc_length(&m->doc, &f[DILATIONS], NAM_MAX_LAYERS, &c->blocks) ||
        !mlc_doc_bool(&m->doc, &f[BATCHNORM], &c->normalized) ||
        !nam_read_activation(m, &f[ACTIVATION], &c->activation) ||
        !mlc_doc_may_u32(&m->doc, &f[GROUPS], 1, NAM_MAX_CHANNELS,
                         &c->groups) ||
        !mlc_doc_may_u32(&m->doc, &f[IN], 1, NAM_MAX_PORTS, &c->inputs) ||
        !mlc_doc_may_u32(&m->doc, &f[OUT], 1, NAM_MAX_CHANNELS, &c->outputs))
        return 0;
    c->dilations = malloc(c->blocks * sizeof *c->dilations);
    if (!c->dilations)
        return mlc_doc_no_memory(&m->doc);
    return mlc_doc_u32s(&m->doc, &f[DILATIONS], 1, NAM_MAX_REACH, c->dilations,
                        c->blocks) &&
           check(m, c, model);
}

static uint64_t size(const convnet *c)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < c->blocks; i++) {
        n += nam_conv_size(i ? c->channels : c->inputs, c->channels, 2,
                           c->groups, !c->normalized);
        if (c->normalized)
            n += 4 * (uint64_t)c->channels + 1;
    }
    return n + nam_conv_size(c->channels, c->outputs, 1, 1, 1);
}

/* Fold mean, variance, weight, bias [channels each] and epsilon into w and a
   new bias b. */
static int normalize(nam_import *m, const convnet *c, uint32_t block,
                     const float *s, float *w, float *b, size_t row)
{
    uint32_t n = c->channels;

    for (uint32_t o = 0; o < n; o++) {
        double variance = (double)s[n + o] + s[4 * n];
        double scale = s[2 * n + o] / sqrt(variance);

        if (!(variance > 0))
            return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights",
                                "block %u, channel %u: expected a positive "
                                "variance plus epsilon, got %g",
                                block, o, variance);
        for (size_t i = 0; i < row; i++)
            w[o * row + i] = (float)(w[o * row + i] * scale);
        b[o] = (float)(s[3 * n + o] - scale * s[o]);
    }
    return 1;
}

static int block(nam_import *m, const convnet *c, nam_model *model, uint32_t i,
                 nam_signal *x)
{
    size_t row = (size_t)x->channels / c->groups * 2, n = row * c->channels;
    const float *w = nam_take(model, n), *b = NULL;
    float *scaled = NULL;
    int ok = 1;

    if (c->normalized) {
        scaled = malloc((n + c->channels) * sizeof *scaled);
        if (!scaled)
            return mlc_doc_no_memory(&m->doc);
        for (size_t k = 0; k < n; k++)
            scaled[k] = w[k];
        b = scaled + n;
        ok = normalize(m, c, i, nam_take(model, 4 * (uint64_t)c->channels + 1),
                       scaled, scaled + n, row);
        w = scaled;
    } else {
        b = nam_take(model, c->channels);
    }
    mlc_doc_at(&m->doc, "block[%u]", i);
    if (ok)
        x->id = nam_conv(m, x->id, x->channels, c->channels, 2, c->dilations[i],
                         c->groups, w, b);
    x->id = nam_activate(m, &c->activation, x->id, c->channels);
    x->channels = c->channels;
    free(scaled);
    return ok;
}

int nam_convnet(nam_import *m, nam_model *model, nam_signal *out)
{
    convnet c = {0};
    const float *w;
    nam_signal x;
    int ok;

    ok = config(m, model, &c) && nam_check_weights(m, model, size(&c)) &&
         nam_input(m, "in_channels", c.inputs, &x);
    for (uint32_t i = 0; ok && i < c.blocks; i++)
        ok = block(m, &c, model, i, &x);
    free(c.dilations);
    if (!ok)
        return 0;
    mlc_doc_at(&m->doc, "head");
    w = nam_take(model, (uint64_t)c.outputs * c.channels);
    out->id = ir_linear(m->doc.g, x.id, c.channels, c.outputs, w,
                        nam_take(model, c.outputs));
    out->channels = c.outputs;
    return 1;
}
