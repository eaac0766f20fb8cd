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
        if (n->mode == MLI_STREAM && frames > reach)
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, f->key,
                                "expected at most %u in a stream, got %u",
                                reach, frames);
        c->before = c->after = frames;
        if (n->mode == MLI_STREAM) /* as much of the kernel looks ahead */
            c->after = frames ? reach - frames : 0;
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
    if (n->mode == MLI_STREAM && c->stride > 1 && c->groups > 1)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "groups",
                            "expected 1 with a stride in a stream, got %u",
                            c->groups);
    return 1;
}

/* In a stream: what lies before time 0 is the layer's padding, so zero. */
static ir_id held(net_import *n, net_signal x, uint32_t reach)
{
    return x.late && reach ? ir_hold(n->doc.g, x.id, x.late) : x.id;
}

/* [out][in][taps] to [out][taps][in] */
static float *by_frames(net_import *n, const conv *c, const float *w)
{
    size_t in = c->inputs, taps = c->taps;
    float *t = malloc(c->outputs * in * taps * sizeof *t);

    if (!t)
        mlc_doc_no_memory(&n->doc);
    for (size_t o = 0; t && o < c->outputs; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < taps; k++)
                t[(o * taps + k) * in + i] = w[(o * in + i) * taps + k];
    return t;
}

/*
 * A stream that gets slower. The frame n of the layer takes x's frames up to
 * n * stride + after; ir_unfold's frame m is complete with x's frame m * stride
 * + stride - 1. So x is delayed until the two fall together, and the frames
 * come whole frames of the slower rate late.
 */
static int slower(net_import *n, net_layer *l, const conv *c, const float *w,
                  const float *b)
{
    uint32_t step = c->stride, reach = (c->taps - 1) * c->dilation;
    net_signal x = l->in[0];
    uint32_t ahead = c->after + x.late;
    uint32_t late = ahead / step;
    uint32_t delay = late * step + step - 1 - ahead;
    uint32_t all = c->taps * c->inputs; /* numbers of the weight: fits */
    float *t = by_frames(n, c, w);
    ir_graph *g = n->doc.g;
    ir_id y = held(n, x, reach);

    if (!t)
        return 0;
    if (delay)
        y = ir_delay(g, y, delay);
    y = ir_unfold(g, y, c->taps, c->dilation, step);
    y = ir_reshape(g, y, 1, &all);
    l->out.id = ir_linear(g, y, all, c->outputs, t, b);
    l->out.late = late;
    free(t);
    return 1;
}

static int build(net_import *n, net_layer *l, const conv *c, const float *w,
                 const float *b)
{
    uint32_t reach = (c->taps - 1) * c->dilation;
    ir_graph *g = n->doc.g;
    net_signal x = l->in[0];

    l->out = x;
    if (n->mode == MLI_STREAM && c->stride > 1)
        return slower(n, l, c, w, b);
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
    ok = ok && read_conv(n, l, &c) && read_padding(n, l, &c) &&
         build(n, l, &c, w, b);
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

/*
 * A stream that gets faster: every frame of x and those before it make `stride`
 * frames, [stride][out]. Row (r, o) of the matrix takes x's frame j frames ago
 * times w[in][o][r + j * stride].
 */
static int faster(net_import *n, net_layer *l, const conv *c, uint32_t crop,
                  const float *w, const float *b)
{
    size_t step = c->stride, out = c->outputs, in = c->inputs;
    size_t taps = (c->taps + step - 1) / step, rows = step * out;
    uint32_t dims[2] = {c->stride, c->outputs};
    float *t = calloc(rows * in * taps, sizeof *t);
    float *bias = malloc(rows * sizeof *bias);
    net_signal x = l->in[0];
    ir_graph *g = n->doc.g;
    ir_id y;

    if (!t || !bias) {
        free(t);
        free(bias);
        return mlc_doc_no_memory(&n->doc);
    }
    for (size_t i = 0; i < in; i++)
        for (size_t o = 0; o < out; o++)
            for (size_t k = 0; k < c->taps; k++)
                t[((k % step * out + o) * in + i) * taps + taps - 1 -
                  k / step] = w[(i * out + o) * c->taps + k];
    for (size_t r = 0; r < rows; r++)
        bias[r] = b ? b[r % out] : 0;
    y = ir_conv1d(g, held(n, x, (uint32_t)taps - 1), c->inputs, (uint32_t)rows,
                  (uint32_t)taps, 1, 1, 1, t, b ? bias : NULL);
    y = ir_depth_to_time(g, ir_reshape(g, y, 2, dims), c->stride);
    l->out.id = y;
    l->out.late = x.late * c->stride + c->stride - 1 + crop;
    free(t);
    free(bias);
    return 1;
}

/* What PyTorch cuts off at each end; "causal": nothing. */
static int read_crop(net_import *n, const net_layer *l, uint32_t *crop)
{
    const mlc_field *f = &l->f[NET_PADDING];
    char word[16];

    *crop = 0;
    if (mlc_doc_type(&n->doc, f->at) != MLC_JSON_STRING)
        return mlc_doc_may_u32(&n->doc, f, 0, NET_MAX_REACH, crop);
    if (mlc_doc_text(&n->doc, f, word, sizeof word) && !strcmp(word, "causal"))
        return 1;
    return mlc_doc_expected(&n->doc, f, "\"causal\" or a number of frames");
}

/* The frames that a transposed convolution adds at the end are never reached
   by a stream; in a window they are there. */
int net_conv_transpose1d(net_import *n, net_layer *l)
{
    conv c = {.inputs = net_width(n, l->in[0]),
              .groups = 1,
              .dilation = 1,
              .stride = 1};
    uint32_t dims[3] = {c.inputs, 0, 0}, crop, reach;
    float *w, *b, *t = NULL;
    int ok;

    w = net_tensor(n, l, NET_WEIGHT, "weight", 3, dims, 0);
    c.outputs = dims[1];
    c.taps = dims[2];
    b = w ? net_tensor(n, l, NET_BIAS, "bias", 1, dims + 1, 1) : NULL;
    ok = w && n->doc.status == MLC_OK && read_conv(n, l, &c) &&
         read_crop(n, l, &crop);
    reach = ok ? (c.taps - 1) * c.dilation : 0;
    if (ok && crop > reach)
        ok = mlc_doc_fail(&n->doc, MLC_CORRUPT, "padding",
                          "expected at most %u, got %u", reach, crop);
    if (ok && c.stride > 1 && (n->mode != MLI_STREAM || c.dilation > 1))
        ok = mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "stride",
                          "expected 1 in a window or with a dilation, got %u: "
                          "export the model to ONNX",
                          c.stride);
    if (ok && c.stride > 1 &&
        ((uint64_t)c.stride * c.outputs > NET_MAX_WIDTH ||
         (uint64_t)c.stride * c.outputs * c.inputs > NET_MAX_MATRIX ||
         (uint64_t)c.stride * l->in[0].late > NET_MAX_LATE))
        ok = mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "stride",
                          "too large: %u frames of %u channels at once, "
                          "made from %u",
                          c.stride, c.outputs, c.inputs);
    if (ok && c.stride > 1) {
        ok = faster(n, l, &c, crop, w, b);
    } else if (ok) {
        c.before = c.after = reach - crop;
        if (n->mode == MLI_STREAM)
            c.after = crop;
        t = turned(n, w, c.inputs, c.outputs, c.taps);
        ok = t && build(n, l, &c, t, b);
    }
    free(w);
    free(b);
    free(t);
    return ok;
}
