/*
 * net_conv.c - convolutions over time. In a stream "causal" and "valid" are the
 * same sums: they differ in what the first frame is called. "same" looks ahead,
 * so its frames come late.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layers/net.h"

typedef struct conv {
    uint32_t inputs, outputs, taps, groups, dilation, stride;
    uint32_t before, after; /* padding, frames */
} conv;

/* Padding: a word, or as many frames on each side. */
static int read_padding(net_import *n, const net_layer *l, conv *c)
{
    const mlc_field *f = &l->f[NET_PADDING];
    char word[16] = "causal";
    uint32_t reach = (c->taps - 1) * c->dilation, frames;

    if (n->mode == MLI_WINDOW)
        strcpy(word, "valid");
    c->before = c->after = 0;
    if (mlc_doc_type(&n->doc, f->at) == MLC_JSON_NUMBER) {
        if (!mlc_doc_u32(&n->doc, f, 0, NET_MAX_REACH, &frames))
            return 0;
        if (n->mode == MLI_STREAM && frames && 2 * frames != reach)
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, f->key,
                                "expected \"causal\", \"same\" or \"valid\" in "
                                "a stream, got %u",
                                frames);
        c->before = c->after = frames;
        return 1;
    }
    if (mlc_doc_present(&n->doc, f) &&
        !mlc_doc_text(&n->doc, f, word, sizeof word))
        return 0;
    if (!strcmp(word, "causal")) {
        c->before = reach;
    } else if (!strcmp(word, "same")) {
        c->before = reach / 2; /* PyTorch: the smaller half in front */
        c->after = reach - c->before;
    } else if (strcmp(word, "valid") != 0) {
        return mlc_doc_expected(&n->doc, f,
                                "\"causal\", \"same\" or \"valid\"");
    }
    return 1;
}

static int read_conv(net_import *n, const net_layer *l, conv *c)
{
    uint64_t reach;

    if (!mlc_doc_may_u32(&n->doc, &l->f[NET_DILATION], 1, NET_MAX_REACH,
                         &c->dilation) ||
        !mlc_doc_may_u32(&n->doc, &l->f[NET_STRIDE], 1, NET_MAX_REACH,
                         &c->stride))
        return 0;
    reach = (uint64_t)(c->taps - 1) * c->dilation;
    if (reach > NET_MAX_REACH)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "dilation",
                            "looks back %llu frames (at most %u are supported)",
                            (unsigned long long)reach, NET_MAX_REACH);
    if (n->mode == MLI_STEP && reach)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                            "a convolution over time needs \"mode\": "
                            "\"stream\" or \"window\"");
    if (n->mode == MLI_STREAM && c->stride > 1)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "stride",
                            "expected 1 in a stream, got %u: use \"mode\": "
                            "\"window\", or export the model to ONNX",
                            c->stride);
    return read_padding(n, l, c);
}

/* In a stream: what lies before time 0 is the layer's padding, so zero. */
static ir_id held(net_import *n, net_signal x, uint32_t reach)
{
    return x.late && reach ? ir_hold(n->doc.g, x.id, x.late) : x.id;
}

static int build(net_import *n, net_layer *l, const conv *c, const float *w,
                 const float *b)
{
    uint32_t reach = (c->taps - 1) * c->dilation;
    ir_graph *g = n->doc.g;
    net_signal x = l->in[0];

    l->out = x;
    if (n->mode == MLI_STREAM) {
        l->out.late = x.late + c->after;
        if (reach == 0 && c->groups == 1)
            l->out.id = ir_linear(g, x.id, c->inputs, c->outputs, w, b);
        else
            l->out.id = ir_conv1d(g, held(n, x, reach), c->inputs, c->outputs,
                                  c->taps, c->dilation, c->groups, 1, w, b);
        return 1;
    }
    if (n->mode == MLI_STEP) {
        if (c->groups > 1)
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "groups",
                                "expected 1 in a step model, got %u",
                                c->groups);
        l->out.id = ir_linear(g, x.id, c->inputs, c->outputs, w, b);
        return 1;
    }
    if (!net_frames(n, x))
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                            "a convolution needs frames, which an earlier "
                            "layer has taken together");
    if (c->before || c->after)
        x.id = ir_pad(g, x.id, 0, c->before, c->after, 0);
    l->out.id = ir_conv1d(g, x.id, c->inputs, c->outputs, c->taps, c->dilation,
                          c->groups, c->stride, w, b);
    return 1;
}

/* weight: [out][in / groups][taps] */
int net_conv1d(net_import *n, net_layer *l)
{
    conv c = {.inputs = net_width(n, l->in[0]),
              .groups = 1,
              .dilation = 1,
              .stride = 1};
    uint32_t dims[3];
    float *w, *b;
    int ok;

    if (!mlc_doc_may_u32(&n->doc, &l->f[NET_GROUPS], 1, NET_MAX_WIDTH,
                         &c.groups))
        return 0;
    if (c.inputs % c.groups)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, "groups",
                            "%u groups do not divide %u channels", c.groups,
                            c.inputs);
    dims[0] = dims[2] = 0;
    dims[1] = c.inputs / c.groups;
    w = net_tensor(n, l, NET_WEIGHT, "weight", 3, dims, 0);
    c.outputs = dims[0];
    c.taps = dims[2];
    b = w ? net_tensor(n, l, NET_BIAS, "bias", 1, dims, 1) : NULL;
    ok = w && n->doc.status == MLC_OK;
    if (ok && c.outputs % c.groups)
        ok = mlc_doc_fail(&n->doc, MLC_CORRUPT, "groups",
                          "%u groups do not divide %u channels", c.groups,
                          c.outputs);
    ok = ok && read_conv(n, l, &c) && build(n, l, &c, w, b);
    free(w);
    free(b);
    return ok;
}

/* [in][out][taps] to [out][in][taps], backwards: with a stride of 1 it is a
   convolution. */
static float *turned(net_import *n, const float *w, size_t in, size_t out,
                     size_t taps)
{
    float *t = malloc(in * out * taps * sizeof *t);

    if (!t)
        mlc_doc_no_memory(&n->doc);
    for (size_t i = 0; t && i < in; i++)
        for (size_t o = 0; o < out; o++)
            for (size_t k = 0; k < taps; k++)
                t[(o * in + i) * taps + taps - 1 - k] =
                    w[(i * out + o) * taps + k];
    return t;
}

/* The frames that a transposed convolution adds at the end are never reached
   by a stream; in a window they are there. */
int net_conv_transpose1d(net_import *n, net_layer *l)
{
    conv c = {.inputs = net_width(n, l->in[0]),
              .groups = 1,
              .dilation = 1,
              .stride = 1};
    uint32_t dims[3] = {c.inputs, 0, 0};
    float *w, *b, *t = NULL;
    int ok;

    w = net_tensor(n, l, NET_WEIGHT, "weight", 3, dims, 0);
    c.outputs = dims[1];
    c.taps = dims[2];
    b = w ? net_tensor(n, l, NET_BIAS, "bias", 1, dims + 1, 1) : NULL;
    ok = w && n->doc.status == MLC_OK && read_conv(n, l, &c);
    if (ok && c.stride > 1)
        ok = mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "stride",
                          "expected 1, got %u: export the model to ONNX",
                          c.stride);
    if (ok && n->mode == MLI_WINDOW)
        c.before = c.after = (c.taps - 1) * c.dilation;
    if (ok && n->mode == MLI_STREAM)
        c.after = 0;
    if (ok)
        t = turned(n, w, c.inputs, c.outputs, c.taps);
    ok = t && build(n, l, &c, t, b);
    free(w);
    free(b);
    free(t);
    return ok;
}
