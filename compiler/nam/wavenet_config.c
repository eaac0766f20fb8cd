/*
 * wavenet_config.c - see wavenet.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wavenet.h"

enum {
    INPUT_SIZE,
    CONDITION_SIZE,
    CHANNELS,
    BOTTLENECK,
    DILATIONS,
    KERNEL_SIZE,
    KERNEL_SIZES,
    ACTIVATION,
    GATING_MODE,
    GATED,
    SECONDARY,
    HEAD,
    HEAD_SIZE,
    HEAD_BIAS,
    GROUPS_INPUT,
    GROUPS_MIXIN,
    LAYER1X1,
    HEAD1X1,
    SLIMMABLE,
    FILM,
    FIELDS = FILM + NAM_FILMS
};

static const char *const keys[FIELDS] = {"input_size",
                                         "condition_size",
                                         "channels",
                                         "bottleneck",
                                         "dilations",
                                         "kernel_size",
                                         "kernel_sizes",
                                         "activation",
                                         "gating_mode",
                                         "gated",
                                         "secondary_activation",
                                         "head",
                                         "head_size",
                                         "head_bias",
                                         "groups_input",
                                         "groups_input_mixin",
                                         "layer1x1",
                                         "head1x1",
                                         "slimmable",
                                         "conv_pre_film",
                                         "conv_post_film",
                                         "input_mixin_pre_film",
                                         "input_mixin_post_film",
                                         "activation_pre_film",
                                         "activation_post_film",
                                         "layer1x1_post_film",
                                         "head1x1_post_film"};

uint32_t nam_conv_outputs(const nam_stack *s, const nam_layer *l)
{
    return l->gating == NAM_UNGATED ? s->bottleneck : 2 * s->bottleneck;
}

uint32_t nam_film_width(const nam_stack *s, const nam_layer *l, int film)
{
    switch (film) {
    case NAM_CONV_PRE:
    case NAM_LAYER1X1_POST:
        return s->channels;
    case NAM_MIXIN_PRE:
        return s->condition;
    case NAM_ACTIVATION_POST:
        return s->bottleneck;
    case NAM_HEAD1X1_POST:
        return s->head1x1.outputs;
    default:
        return nam_conv_outputs(s, l);
    }
}

/* ---------------------------------------------------- parts of a stack ---- */

static int read_1x1(nam_import *m, const mlc_field *at, nam_1x1 *c)
{
    mlc_field f[] = {
        {"active", {0, 0}}, {"out_channels", {0, 0}}, {"groups", {0, 0}}};
    size_t mark;
    int ok;

    if (!mlc_doc_present(&m->doc, at))
        return 1;
    if (!mlc_doc_object(&m->doc, at->key, at->at, f, 3))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", at->key);
    ok = mlc_doc_bool(&m->doc, &f[0], &c->active) &&
         mlc_doc_may_u32(&m->doc, &f[1], 1, NAM_MAX_CHANNELS, &c->outputs) &&
         mlc_doc_may_u32(&m->doc, &f[2], 1, NAM_MAX_CHANNELS, &c->groups);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

static int read_film(nam_import *m, const mlc_field *at, nam_film *c)
{
    mlc_field f[] = {{"active", {0, 0}}, {"shift", {0, 0}}, {"groups", {0, 0}}};
    int on = 0, ok;
    size_t mark;

    if (!mlc_doc_present(&m->doc, at))
        return 1;
    if (mlc_doc_type(&m->doc, at->at) == MLC_JSON_BOOL) {
        mlc_doc_bool(&m->doc, at, &on);
        return on ? mlc_doc_expected(&m->doc, at, "an object or false") : 1;
    }
    c->active = c->shift = 1;
    if (!mlc_doc_object(&m->doc, at->key, at->at, f, 3))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", at->key);
    ok = mlc_doc_may_bool(&m->doc, &f[0], &c->active) &&
         mlc_doc_may_bool(&m->doc, &f[1], &c->shift) &&
         mlc_doc_may_u32(&m->doc, &f[2], 1, NAM_MAX_CHANNELS, &c->groups);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

/* "head", or in older files "head_size" and "head_bias" */
static int read_head(nam_import *m, const mlc_field *f, nam_stack *s)
{
    mlc_field h[] = {{"out_channels", {0, 0}},
                     {"kernel_size", {0, 0}},
                     {"bias", {0, 0}},
                     {"head_dilation", {0, 0}}};
    size_t mark;
    int ok;

    if (!mlc_doc_present(&m->doc, &f[HEAD])) {
        if (!mlc_doc_present(&m->doc, &f[HEAD_SIZE]))
            return mlc_doc_expected(&m->doc, &f[HEAD], "an object");
        return mlc_doc_u32(&m->doc, &f[HEAD_SIZE], 1, NAM_MAX_CHANNELS,
                           &s->head_out) &&
               mlc_doc_bool(&m->doc, &f[HEAD_BIAS], &s->head_bias);
    }
    if (!mlc_doc_object(&m->doc, f[HEAD].key, f[HEAD].at, h, 4))
        return 0;
    mark = mlc_doc_enter(&m->doc, "head.");
    ok = mlc_doc_u32(&m->doc, &h[0], 1, NAM_MAX_CHANNELS, &s->head_out) &&
         mlc_doc_u32(&m->doc, &h[1], 1, NAM_MAX_TAPS, &s->head_taps) &&
         mlc_doc_bool(&m->doc, &h[2], &s->head_bias) &&
         mlc_doc_may_u32(&m->doc, &h[3], 1, NAM_MAX_REACH, &s->head_dilation);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

static int same_length(nam_import *m, const mlc_field *f, const nam_stack *s)
{
    uint32_t n;

    if (!mlc_doc_length(&m->doc, f, NAM_MAX_LAYERS, &n))
        return 0;
    if (n == s->layers)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_CORRUPT, f->key,
                        "expected %u elements, as dilations, got %u", s->layers,
                        n);
}

static int read_kernels(nam_import *m, const mlc_field *f, nam_stack *s)
{
    uint32_t numbers[NAM_MAX_LAYERS], one = 0;
    int many = mlc_doc_present(&m->doc, &f[KERNEL_SIZES]);

    if (many && mlc_doc_present(&m->doc, &f[KERNEL_SIZE]))
        return mlc_doc_fail(
            &m->doc, MLC_CORRUPT, keys[KERNEL_SIZES],
            "expected only one of kernel_size and kernel_sizes");
    if (many ? !same_length(m, &f[KERNEL_SIZES], s) ||
                   !mlc_doc_u32s(&m->doc, &f[KERNEL_SIZES], 1, NAM_MAX_TAPS,
                                 numbers, s->layers)
             : !mlc_doc_u32(&m->doc, &f[KERNEL_SIZE], 1, NAM_MAX_TAPS, &one))
        return 0;
    for (uint32_t i = 0; i < s->layers; i++)
        s->layer[i].taps = many ? numbers[i] : one;
    if (!mlc_doc_u32s(&m->doc, &f[DILATIONS], 1, NAM_MAX_REACH, numbers,
                      s->layers))
        return 0;
    for (uint32_t i = 0; i < s->layers; i++)
        s->layer[i].dilation = numbers[i];
    return 1;
}

/* Something that is one for all layers, or an array with one for each. */
static int for_layers(nam_import *m, const mlc_field *f, nam_stack *s,
                      int (*read)(nam_import *m, const mlc_field *f,
                                  nam_layer *l))
{
    mlc_json_range at;
    char key[64];
    mlc_json r;

    if (mlc_doc_type(&m->doc, f->at) != MLC_JSON_ARRAY) {
        for (uint32_t i = 0; i < s->layers; i++)
            if (!read(m, f, &s->layer[i]))
                return 0;
        return 1;
    }
    if (!same_length(m, f, s))
        return 0;
    mlc_doc_first(&m->doc, f, &r);
    for (uint32_t i = 0; mlc_doc_next(&r, &at); i++) {
        mlc_field element = {key, at};
        snprintf(key, sizeof key, "%s[%u]", f->key, i);
        if (!read(m, &element, &s->layer[i]))
            return 0;
    }
    return 1;
}

static int activation(nam_import *m, const mlc_field *f, nam_layer *l)
{
    return nam_read_activation(m, f, &l->activation);
}

/* What stands there for a layer without a gate does not matter. */
static int secondary(nam_import *m, const mlc_field *f, nam_layer *l)
{
    return l->gating == NAM_UNGATED || nam_read_activation(m, f, &l->secondary);
}

static int gating(nam_import *m, const mlc_field *f, nam_layer *l)
{
    static const char *const names[] = {"none", "gated", "blended"};
    char name[16];

    if (mlc_doc_type(&m->doc, f->at) == MLC_JSON_STRING &&
        !mlc_doc_text(&m->doc, f, name, sizeof name))
        return 0;
    for (int i = 0; mlc_doc_type(&m->doc, f->at) == MLC_JSON_STRING && i < 3;
         i++)
        if (!strcmp(name, names[i])) {
            l->gating = (nam_gating)i;
            return 1;
        }
    return mlc_doc_expected(&m->doc, f, "\"none\", \"gated\" or \"blended\"");
}

static int read_gates(nam_import *m, const mlc_field *f, nam_stack *s)
{
    int old = !mlc_doc_present(&m->doc, &f[GATING_MODE]), gated = 0;

    for (uint32_t i = 0; i < s->layers; i++)
        s->layer[i].secondary.fn = MLI_SIGMOID;
    if (!old)
        return for_layers(m, &f[GATING_MODE], s, gating) &&
               (!mlc_doc_present(&m->doc, &f[SECONDARY]) ||
                for_layers(m, &f[SECONDARY], s, secondary));
    if (!mlc_doc_may_bool(&m->doc, &f[GATED], &gated))
        return 0;
    for (uint32_t i = 0; i < s->layers; i++)
        s->layer[i].gating = gated ? NAM_GATED : NAM_UNGATED;
    return 1;
}

/* The stack is stored at its full size, which is what is built. */
static int check_slimmable(nam_import *m, const mlc_field *at,
                           const nam_stack *s)
{
    mlc_field f[] = {{"method", {0, 0}}, {"kwargs", {0, 0}}};
    mlc_field sizes = {"allowed_channels", {0, 0}};
    char method[48] = "slice_channels_uniform";
    uint32_t n, last = 0;
    mlc_json_range range;
    mlc_json r;

    if (!mlc_doc_present(&m->doc, at))
        return 1;
    if (!mlc_doc_object(&m->doc, at->key, at->at, f, 2) ||
        (mlc_doc_present(&m->doc, &f[0]) &&
         !mlc_doc_text(&m->doc, &f[0], method, sizeof method)))
        return 0;
    if (strcmp(method, "slice_channels_uniform") != 0)
        return mlc_doc_fail(
            &m->doc, MLC_UNSUPPORTED, at->key,
            "expected the method \"slice_channels_uniform\", got "
            "\"%s\"",
            method);
    if (!mlc_doc_present(&m->doc, &f[1]))
        return 1;
    if (!mlc_doc_object(&m->doc, "slimmable.kwargs", f[1].at, &sizes, 1))
        return 0;
    if (!mlc_doc_present(&m->doc, &sizes))
        return 1;
    if (!mlc_doc_length(&m->doc, &sizes, NAM_MAX_CHANNELS, &n))
        return 0;
    mlc_doc_first(&m->doc, &sizes, &r);
    while (mlc_doc_next(&r, &range)) {
        mlc_field one = {sizes.key, range};
        if (!mlc_doc_u32(&m->doc, &one, last + 1, s->channels, &last))
            return 0;
    }
    if (last != s->channels)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, sizes.key,
                            "expected %u, as channels, at its end, got %u",
                            s->channels, last);
    if (n > 1)
        mlc_doc_note(&m->doc,
                     "%sslimmable: the largest of %u sizes is used, %u "
                     "channels",
                     m->doc.prefix, n, s->channels);
    return 1;
}

/* -------------------------------------------------------------- checks ---- */

static int check_groups(nam_import *m, const nam_stack *s, const nam_layer *l)
{
    uint32_t z = nam_conv_outputs(s, l);

    if (!nam_check_groups(m, keys[GROUPS_INPUT], s->groups_input, s->channels,
                          z) ||
        !nam_check_groups(m, keys[GROUPS_MIXIN], s->groups_mixin, s->condition,
                          z) ||
        (s->layer1x1.active &&
         !nam_check_groups(m, "layer1x1.groups", s->layer1x1.groups,
                           s->bottleneck, s->channels)) ||
        (s->head1x1.active &&
         !nam_check_groups(m, "head1x1.groups", s->head1x1.groups,
                           s->bottleneck, s->head1x1.outputs)))
        return 0;
    for (int i = 0; i < NAM_FILMS; i++)
        if (s->film[i].active &&
            !nam_check_groups(
                m, keys[FILM + i], s->film[i].groups, s->condition,
                nam_film_width(s, l, i) * (s->film[i].shift ? 2 : 1)))
            return 0;
    return 1;
}

static int check_layers(nam_import *m, const nam_stack *s, uint32_t *reach)
{
    for (uint32_t i = 0; i < s->layers; i++) {
        const nam_layer *l = &s->layer[i];
        if (!check_groups(m, s, l) ||
            !nam_check_activation(m, &l->activation, s->bottleneck) ||
            !nam_check_activation(m, &l->secondary, s->bottleneck) ||
            !nam_add_reach(m, keys[DILATIONS], l->taps, l->dilation,
                           s->channels, reach))
            return 0;
    }
    return nam_add_reach(m, keys[HEAD], s->head_taps, s->head_dilation,
                         s->head_in, reach);
}

/* Two sizes that must be the same. */
static int check_same(nam_import *m, const char *key, uint32_t got,
                      uint32_t expected, const char *as)
{
    if (got == expected)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_CORRUPT, key, "expected %u, as %s, got %u",
                        expected, as, got);
}

static int check_stack(nam_import *m, const nam_stack *s, uint32_t *reach)
{
    if (!s->layer1x1.active) {
        if (!check_same(m, keys[BOTTLENECK], s->bottleneck, s->channels,
                        "channels when layer1x1 is not active"))
            return 0;
        if (s->film[NAM_LAYER1X1_POST].active)
            return mlc_doc_fail(&m->doc, MLC_CORRUPT, "layer1x1_post_film",
                                "active without an active layer1x1");
    }
    if (!s->head1x1.active && s->film[NAM_HEAD1X1_POST].active)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "head1x1_post_film",
                            "active without an active head1x1");
    return check_layers(m, s, reach);
}

/* --------------------------------------------------------------- stack ---- */

static int read_sizes(nam_import *m, const mlc_field *f, nam_stack *s)
{
    s->groups_input = s->groups_mixin = 1;
    s->head_taps = s->head_dilation = 1;
    if (!mlc_doc_u32(&m->doc, &f[INPUT_SIZE], 1, NAM_MAX_CHANNELS, &s->input) ||
        !mlc_doc_u32(&m->doc, &f[CONDITION_SIZE], 1, NAM_MAX_CHANNELS,
                     &s->condition) ||
        !mlc_doc_u32(&m->doc, &f[CHANNELS], 1, NAM_MAX_CHANNELS, &s->channels))
        return 0;
    s->bottleneck = s->channels;
    s->layer1x1 = (nam_1x1){1, s->channels, 1};
    s->head1x1 = (nam_1x1){0, s->channels, 1};
    if (!mlc_doc_may_u32(&m->doc, &f[BOTTLENECK], 1, NAM_MAX_CHANNELS,
                         &s->bottleneck) ||
        !mlc_doc_may_u32(&m->doc, &f[GROUPS_INPUT], 1, NAM_MAX_CHANNELS,
                         &s->groups_input) ||
        !mlc_doc_may_u32(&m->doc, &f[GROUPS_MIXIN], 1, NAM_MAX_CHANNELS,
                         &s->groups_mixin) ||
        !read_1x1(m, &f[LAYER1X1], &s->layer1x1) ||
        !read_1x1(m, &f[HEAD1X1], &s->head1x1) || !read_head(m, f, s))
        return 0;
    for (int i = 0; i < NAM_FILMS; i++) {
        s->film[i].groups = 1;
        if (!read_film(m, &f[FILM + i], &s->film[i]))
            return 0;
    }
    s->head_in = s->head1x1.active ? s->head1x1.outputs : s->bottleneck;
    return 1;
}

static int read_stack(nam_import *m, mlc_json_range at, nam_stack *s,
                      uint32_t *layers, uint32_t *reach)
{
    mlc_field f[FIELDS];

    memset(f, 0, sizeof f);
    for (int i = 0; i < FIELDS; i++)
        f[i].key = keys[i];
    if (!mlc_doc_object(&m->doc, NULL, at, f, FIELDS) || !read_sizes(m, f, s) ||
        !mlc_doc_length(&m->doc, &f[DILATIONS], NAM_MAX_LAYERS, &s->layers))
        return 0;
    *layers += s->layers;
    if (*layers > NAM_MAX_LAYERS)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, keys[DILATIONS],
                            "%u layers in all (at most %u are supported)",
                            *layers, NAM_MAX_LAYERS);
    s->layer = calloc(s->layers, sizeof *s->layer);
    if (!s->layer)
        return mlc_doc_no_memory(&m->doc);
    return read_kernels(m, f, s) &&
           for_layers(m, &f[ACTIVATION], s, activation) &&
           read_gates(m, f, s) && check_slimmable(m, &f[SLIMMABLE], s) &&
           check_stack(m, s, reach);
}

static int read_stacks(nam_import *m, const mlc_field *f, nam_net *net)
{
    uint32_t layers = 0, i = 0;
    mlc_json_range at;
    mlc_json r;

    if (!mlc_doc_length(&m->doc, f, NAM_MAX_STACKS, &net->stacks))
        return 0;
    net->stack = calloc(net->stacks, sizeof *net->stack);
    if (!net->stack)
        return mlc_doc_no_memory(&m->doc);
    mlc_doc_first(&m->doc, f, &r);
    for (; mlc_doc_next(&r, &at); i++) {
        nam_stack *s = &net->stack[i], *before = s - 1;
        size_t mark = mlc_doc_enter(&m->doc, "layers[%u].", i);
        int ok = read_stack(m, at, s, &layers, &net->reach);

        if (ok && i == 0)
            ok = check_same(m, keys[INPUT_SIZE], s->input, net->inputs,
                            "in_channels");
        else if (ok)
            ok = check_same(m, keys[INPUT_SIZE], s->input, before->channels,
                            "channels before") &&
                 check_same(m, keys[CHANNELS], s->channels, before->head_out,
                            "the head's outputs before") &&
                 check_same(m, keys[BOTTLENECK], s->head_in, before->head_out,
                            "the head's outputs before");
        mlc_doc_leave(&m->doc, mark);
        if (!ok)
            return 0;
    }
    return 1;
}

static int read_post_head(nam_import *m, const mlc_field *at, nam_net *net)
{
    enum { IN, WIDTH, OUT, TAPS, ACT, ALL };
    mlc_field f[ALL] = {{"in_channels", {0, 0}},
                        {"channels", {0, 0}},
                        {"out_channels", {0, 0}},
                        {"kernel_sizes", {0, 0}},
                        {"activation", {0, 0}}};
    uint32_t in = net->stack[net->stacks - 1].head_out, given = in;
    nam_post_head *p = &net->post;

    if (!mlc_doc_object(&m->doc, NULL, at->at, f, ALL) ||
        !mlc_doc_may_u32(&m->doc, &f[IN], 1, NAM_MAX_CHANNELS, &given) ||
        !check_same(m, f[IN].key, given, in, "the last head's outputs") ||
        !mlc_doc_u32(&m->doc, &f[WIDTH], 1, NAM_MAX_CHANNELS, &p->channels) ||
        !mlc_doc_u32(&m->doc, &f[OUT], 1, NAM_MAX_CHANNELS, &p->outputs) ||
        !mlc_doc_length(&m->doc, &f[TAPS], NAM_MAX_STACKS, &p->convs) ||
        !nam_read_activation(m, &f[ACT], &p->activation))
        return 0;
    p->taps = malloc(p->convs * sizeof *p->taps);
    if (!p->taps)
        return mlc_doc_no_memory(&m->doc);
    if (!mlc_doc_u32s(&m->doc, &f[TAPS], 1, NAM_MAX_TAPS, p->taps, p->convs))
        return 0;
    for (uint32_t i = 0; i < p->convs; i++) {
        if (!nam_check_activation(m, &p->activation, in) ||
            !nam_add_reach(m, f[TAPS].key, p->taps[i], 1, in, &net->reach))
            return 0;
        in = p->channels;
    }
    return 1;
}

int nam_read_net(nam_import *m, const nam_model *model, nam_net *net)
{
    /* head_scale: the last weight counts, not this */
    mlc_field f[] = {{"layers", {0, 0}},
                     {"head", {0, 0}},
                     {"in_channels", {0, 0}},
                     {"condition_dsp", {0, 0}}};
    size_t mark;
    int ok;

    memset(net, 0, sizeof *net);
    net->inputs = 1;
    if (!mlc_doc_object(&m->doc, "config", model->config.at, f, 4) ||
        !mlc_doc_may_u32(&m->doc, &f[2], 1, NAM_MAX_PORTS, &net->inputs) ||
        !read_stacks(m, &f[0], net))
        return 0;
    net->condition_dsp = f[3];
    if (!mlc_doc_present(&m->doc, &f[1]))
        return 1;
    mark = mlc_doc_enter(&m->doc, "head.");
    ok = read_post_head(m, &f[1], net);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

void nam_free_net(nam_net *net)
{
    for (uint32_t i = 0; net->stack && i < net->stacks; i++)
        free(net->stack[i].layer);
    free(net->stack);
    free(net->post.taps);
}
