/*
 * net_layers.c - the types of layers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "formats.h"
#include "layers/functions.h"
#include "layers/net.h"
#include "layers/recurrent.h"

static const char *const keys[NET_FIELDS] = {
    "type",   "name",  "as",       "from",     "note",   "activation",
    "weight", "bias",  "padding",  "dilation", "groups", "stride",
    "eps",    "slope", "start",    "count",    "value",  "db",
    "mean",   "std",   "function", "gate",     "low",    "high"};

/* ---------------------------------------------------------- functions ---- */

/* A function's own parameters, from the layer that it stands in. */
static int parameters(net_import *n, const net_layer *l, mlc_function *f)
{
    if (f->fn == MLI_LEAKY_RELU || f->fn == MLI_ELU || f->fn == MLI_CELU)
        return mlc_doc_may_float(&n->doc, &l->f[NET_SLOPE], &f->p);
    if (f->fn == MLI_HARD_TANH)
        return mlc_doc_may_float(&n->doc, &l->f[NET_LOW], &f->p) &&
               mlc_doc_may_float(&n->doc, &l->f[NET_HIGH], &f->q);
    return 1;
}

static int named_function(net_import *n, const mlc_field *f, mlc_function *fn)
{
    char name[32];

    if (!mlc_doc_text(&n->doc, f, name, sizeof name))
        return 0;
    if (mlc_function_named(name, fn))
        return 1;
    return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, f->key,
                        "there is no function \"%s\" (tanh, relu, sigmoid, "
                        "leaky_relu ...)",
                        name);
}

static ir_id apply(net_import *n, const mlc_function *f, ir_id x)
{
    return f->fn == MLI_IDENTITY ? x : ir_unary(n->doc.g, f->fn, f->p, f->q, x);
}

static int function(net_import *n, net_layer *l)
{
    mlc_function f;

    if (!mlc_function_named(l->type, &f) || !parameters(n, l, &f))
        return 0;
    l->out = l->in[0];
    l->out.id = apply(n, &f, l->out.id);
    return 1;
}

/* The "activation" of any layer. */
static int activation(net_import *n, net_layer *l)
{
    mlc_function f;

    if (!mlc_doc_present(&n->doc, &l->f[NET_ACTIVATION]))
        return 1;
    if (!named_function(n, &l->f[NET_ACTIVATION], &f) || !parameters(n, l, &f))
        return 0;
    l->out.id = apply(n, &f, l->out.id);
    return 1;
}

static int softmax(net_import *n, net_layer *l)
{
    const ir_value *v = ir_get(n->doc.g, l->in[0].id);

    l->out = l->in[0];
    if (v && v->rank)
        l->out.id = ir_softmax(n->doc.g, l->out.id, v->rank - 1, 0);
    return 1;
}

/* The first half of the channels through a function, times the second half
   through another. */
static int gate(net_import *n, net_layer *l)
{
    mlc_function f = {MLI_TANH, 0, 0}, g = {MLI_SIGMOID, 0, 0};
    const ir_value *v = ir_get(n->doc.g, l->in[0].id);
    uint32_t width = net_width(n, l->in[0]), axis;
    ir_id a, b;

    if (!strcmp(l->type, "glu"))
        f.fn = MLI_IDENTITY;
    if ((mlc_doc_present(&n->doc, &l->f[NET_FUNCTION]) &&
         !named_function(n, &l->f[NET_FUNCTION], &f)) ||
        (mlc_doc_present(&n->doc, &l->f[NET_GATE]) &&
         !named_function(n, &l->f[NET_GATE], &g)))
        return 0;
    if (width % 2 || !v)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                            "expected an even number of channels, got %u",
                            width);
    axis = v->rank - 1;
    a = ir_slice(n->doc.g, l->in[0].id, axis, 0, 1, width / 2);
    b = ir_slice(n->doc.g, l->in[0].id, axis, width / 2, 1, width / 2);
    l->out = l->in[0];
    l->out.id = ir_binary(n->doc.g, MLI_MUL, apply(n, &f, a), apply(n, &g, b));
    return 1;
}

/* -------------------------------------------------------------- linear ---- */

static int linear(net_import *n, net_layer *l)
{
    uint32_t dims[2] = {0, net_width(n, l->in[0])};
    float *w = net_tensor(n, l, NET_WEIGHT, "weight", 2, dims, 0);
    float *b = w ? net_tensor(n, l, NET_BIAS, "bias", 1, dims, 1) : NULL;

    l->out = l->in[0];
    if (w && n->doc.status == MLC_OK)
        l->out.id = ir_linear(n->doc.g, l->out.id, dims[1], dims[0], w, b);
    free(w);
    free(b);
    return n->doc.status == MLC_OK;
}

/* ----------------------------------------------------------- recurrent ---- */

static int one_recurrent(net_import *n, net_layer *l, mlc_recurrent type,
                         uint32_t index)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih",
                                        "bias_hh"};
    uint32_t dims[2], gates = mlc_recurrent_gates(type), units = 0;
    float *m[4] = {NULL};
    char name[32];

    for (int i = 0; i < 4 && n->doc.status == MLC_OK; i++) {
        snprintf(name, sizeof name, "%s_l%u", names[i], index);
        dims[0] = units * gates;
        dims[1] = i == 0 ? net_width(n, l->out) : units;
        m[i] = net_tensor(n, l, -1, name, i < 2 ? 2 : 1, dims, i >= 2);
        if (i == 0 && m[0])
            units = dims[0] / gates;
        if (i == 0 && m[0] && (!units || dims[0] != units * gates))
            mlc_doc_fail(&n->doc, MLC_CORRUPT, name,
                         "expected rows for %u gates, got %u", gates, dims[0]);
    }
    if (n->doc.status == MLC_OK)
        l->out.id = mlc_recurrent_layer(n->doc.g, type, l->out.id,
                                        net_width(n, l->out), units, m);
    for (int i = 0; i < 4; i++)
        free(m[i]);
    return n->doc.status == MLC_OK;
}

static int recurrent(net_import *n, net_layer *l)
{
    mlc_recurrent type = !strcmp(l->type, "lstm")  ? MLC_LSTM
                         : !strcmp(l->type, "gru") ? MLC_GRU
                                                   : MLC_RNN_TANH;
    mlc_function f = {MLI_TANH, 0, 0};
    char name[32] = "weight_ih_l0";

    if (type == MLC_RNN_TANH && mlc_doc_present(&n->doc, &l->f[NET_FUNCTION]) &&
        !named_function(n, &l->f[NET_FUNCTION], &f))
        return 0;
    if (f.fn == MLI_RELU)
        type = MLC_RNN_RELU;
    else if (f.fn != MLI_TANH)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "function",
                            "expected tanh or relu");
    if (net_has(n, l, "weight_ih_l0_reverse"))
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                            "it runs backwards, too: export the model to ONNX");
    if (net_has(n, l, "weight_hr_l0"))
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                            "it has projections, which are not supported");
    if (n->mode == MLI_STEP)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                            "a recurrent layer needs \"mode\": \"stream\": "
                            "[mlinfer] runs that list by list");
    if (l->in[0].late)
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                            "a recurrent layer behind one that looks ahead: "
                            "give that \"padding\": \"causal\"");
    if (n->mode == MLI_WINDOW && !net_frames(n, l->in[0]))
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                            "a recurrent layer needs frames, which an earlier "
                            "layer has taken together");
    l->out = l->in[0];
    for (uint32_t i = 0; i == 0 || net_has(n, l, name); i++) {
        if (!one_recurrent(n, l, type, i))
            return 0;
        snprintf(name, sizeof name, "weight_ih_l%u", i + 1);
    }
    return 1;
}

/* ------------------------------------------------------- normalisation ---- */

static int finite(net_import *n, const float *scale, const float *shift,
                  uint32_t width)
{
    for (uint32_t i = 0; i < width; i++)
        if (scale[i] - scale[i] != 0.f || shift[i] - shift[i] != 0.f)
            return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                                "channel %u: its scale is not finite", i);
    return 1;
}

static int batchnorm(net_import *n, net_layer *l)
{
    uint32_t c = net_width(n, l->in[0]);
    float eps = 1e-5f, *mean, *var = NULL, *w = NULL, *b = NULL;
    int ok = mlc_doc_may_float(&n->doc, &l->f[NET_EPS], &eps);

    mean = ok ? net_tensor(n, l, -1, "running_mean", 1, &c, 0) : NULL;
    if (mean)
        var = net_tensor(n, l, -1, "running_var", 1, &c, 0);
    if (var)
        w = net_tensor(n, l, NET_WEIGHT, "weight", 1, &c, 1);
    if (var)
        b = net_tensor(n, l, NET_BIAS, "bias", 1, &c, 1);
    for (uint32_t i = 0; var && i < c; i++) {
        double scale = (w ? w[i] : 1.) / sqrt((double)var[i] + eps);

        mean[i] = (float)((b ? b[i] : 0.) - scale * mean[i]);
        var[i] = (float)scale;
    }
    ok = n->doc.status == MLC_OK && var && finite(n, var, mean, c);
    l->out = l->in[0];
    if (ok)
        l->out.id = ir_affine(n->doc.g, l->out.id, c, var, mean);
    free(mean);
    free(var);
    free(w);
    free(b);
    return ok;
}

static int layernorm(net_import *n, net_layer *l)
{
    int rms = !strcmp(l->type, "rmsnorm");
    float eps = rms ? 1.1920929e-7f : 1e-5f, *w, *b;
    uint32_t c = net_width(n, l->in[0]);

    if (!mlc_doc_may_float(&n->doc, &l->f[NET_EPS], &eps))
        return 0;
    w = net_tensor(n, l, NET_WEIGHT, "weight", 1, &c, 1);
    b = rms ? NULL : net_tensor(n, l, NET_BIAS, "bias", 1, &c, 1);
    l->out = l->in[0];
    if (n->doc.status == MLC_OK)
        l->out.id = ir_normalize(n->doc.g, l->out.id, 1, w, b, eps, rms);
    free(w);
    free(b);
    return n->doc.status == MLC_OK;
}

static int prelu(net_import *n, net_layer *l)
{
    uint32_t c = net_width(n, l->in[0]), one = 0;
    float *w = net_tensor(n, l, NET_WEIGHT, "weight", 1, &one, 0);

    l->out = l->in[0];
    if (w && one != 1 && one != c)
        mlc_doc_fail(&n->doc, MLC_CORRUPT, "weight",
                     "expected one slope or %u, got %u", c, one);
    else if (w)
        l->out.id = ir_binary(n->doc.g, MLI_PRELU, l->out.id,
                              ir_const1(n->doc.g, one, w));
    free(w);
    return n->doc.status == MLC_OK;
}

/* (x - mean) / std, or back. */
static int normalize(net_import *n, net_layer *l)
{
    int back = !strcmp(l->type, "denormalize"), ok;
    uint32_t c = net_width(n, l->in[0]);
    float *mean = net_vector(n, l, NET_MEAN, c);
    float *std = mean ? net_vector(n, l, NET_STD, c) : NULL;

    for (uint32_t i = 0; std && !back && i < c; i++) {
        mean[i] = (float)(-(double)mean[i] / std[i]);
        std[i] = (float)(1. / std[i]);
    }
    ok = std && finite(n, std, mean, c);
    l->out = l->in[0];
    if (ok)
        l->out.id = ir_affine(n->doc.g, l->out.id, c, std, mean);
    free(mean);
    free(std);
    return ok;
}

/* value, or db; "offset" adds value. */
static int gain(net_import *n, net_layer *l)
{
    int offset = !strcmp(l->type, "offset"), ok;
    uint32_t c = net_width(n, l->in[0]);
    float db = 0, *a, *b = calloc(c, sizeof *b);

    if (!b)
        return mlc_doc_no_memory(&n->doc);
    if (!offset && mlc_doc_present(&n->doc, &l->f[NET_DB])) {
        a = malloc(c * sizeof *a);
        ok = mlc_doc_may_float(&n->doc, &l->f[NET_DB], &db) && a;
        for (uint32_t i = 0; ok && i < c; i++)
            a[i] = (float)pow(10, db / 20.);
    } else {
        a = net_vector(n, l, NET_VALUE, c);
    }
    for (uint32_t i = 0; a && offset && i < c; i++) {
        b[i] = a[i];
        a[i] = 1;
    }
    ok = a && n->doc.status == MLC_OK && finite(n, a, b, c);
    l->out = l->in[0];
    if (ok)
        l->out.id = ir_affine(n->doc.g, l->out.id, c, a, b);
    free(a);
    free(b);
    return ok;
}

/* ----------------------------------------------- several, parts, time ---- */

static int binary(net_import *n, net_layer *l)
{
    static const struct {
        const char *type;
        mli_binary fn;
    } all[] = {{"add", MLI_ADD}, {"sub", MLI_SUB}, {"mul", MLI_MUL},
               {"div", MLI_DIV}, {"min", MLI_MIN}, {"max", MLI_MAX}};
    mli_binary fn = MLI_ADD;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].type, l->type))
            fn = all[i].fn;
    if (l->inputs < 2)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, "from",
                            "expected two names or more");
    net_align(n, l->in, l->inputs);
    l->out = l->in[0];
    for (uint32_t i = 1; i < l->inputs; i++)
        l->out.id = ir_binary(n->doc.g, fn, l->out.id, l->in[i].id);
    return 1;
}

/* Side by side; in a window what has no frames is the same in all. */
static int concat(net_import *n, net_layer *l)
{
    ir_id all[NET_MAX_FROM];
    uint32_t frames = 0;

    net_align(n, l->in, l->inputs);
    for (uint32_t i = 0; i < l->inputs; i++)
        if (net_frames(n, l->in[i]))
            frames = net_frames(n, l->in[i]);
    for (uint32_t i = 0; i < l->inputs; i++) {
        uint32_t dims[2] = {frames, net_width(n, l->in[i])};

        all[i] = l->in[i].id;
        if (frames && !net_frames(n, l->in[i]))
            all[i] = ir_expand(n->doc.g, all[i], 2, dims);
    }
    l->out.late = l->in[0].late;
    l->out.id = ir_concat(n->doc.g, all, l->inputs, frames ? 1 : 0);
    return 1;
}

static int slice(net_import *n, net_layer *l)
{
    uint32_t c = net_width(n, l->in[0]), start = 0, count;
    const ir_value *v = ir_get(n->doc.g, l->in[0].id);

    if (!mlc_doc_may_u32(&n->doc, &l->f[NET_START], 0, c - 1, &start))
        return 0;
    count = c - start;
    if (!mlc_doc_may_u32(&n->doc, &l->f[NET_COUNT], 1, c - start, &count))
        return 0;
    l->out = l->in[0];
    if (v && v->rank)
        l->out.id = ir_slice(n->doc.g, l->out.id, v->rank - 1, start, 1, count);
    return 1;
}

static int same(net_import *n, net_layer *l)
{
    (void)n;
    l->out = l->in[0];
    return 1;
}

/* Frames taken together: as PyTorch does, channel by channel. */
static int flatten(net_import *n, net_layer *l)
{
    const uint32_t turn[2] = {1, 0};
    uint32_t frames = net_frames(n, l->in[0]), all;

    l->out = l->in[0];
    if (!frames)
        return 1;
    all = frames * net_width(n, l->in[0]); /* < 2^20 * 2^8: the window's */
    l->out.id =
        ir_reshape(n->doc.g, ir_transpose(n->doc.g, l->out.id, turn), 1, &all);
    return 1;
}

static int over_time(net_import *n, net_layer *l)
{
    uint32_t frames = net_frames(n, l->in[0]), c = net_width(n, l->in[0]);
    ir_graph *g = n->doc.g;

    if (!frames)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                            "needs frames to take together: \"mode\": "
                            "\"window\"");
    l->out = l->in[0];
    if (!strcmp(l->type, "last"))
        l->out.id =
            ir_reshape(g, ir_slice(g, l->out.id, 0, frames - 1, 1, 1), 1, &c);
    else
        l->out.id =
            ir_reduce(g,
                      strcmp(l->type, "mean_over_time") ? MLI_REDUCE_MAX
                                                        : MLI_REDUCE_MEAN,
                      l->out.id, 1u, 0);
    return 1;
}

/* --------------------------------------------------------------- table ---- */

#define KEY(x) (1u << NET_##x)
#define MATRIX (KEY(WEIGHT) | KEY(BIAS))
#define ANY    (KEY(SLOPE) | KEY(LOW) | KEY(HIGH)) /* with "activation" */

static const struct {
    const char *type;
    int (*build)(net_import *n, net_layer *l);
    uint32_t keys; /* beside those of all layers */
} types[] = {
    {"add", binary, 0},
    {"batchnorm", batchnorm, MATRIX | KEY(EPS)},
    {"concat", concat, 0},
    {"conv1d", net_conv1d,
     MATRIX | KEY(PADDING) | KEY(DILATION) | KEY(GROUPS) | KEY(STRIDE)},
    {"conv_transpose1d", net_conv_transpose1d,
     MATRIX | KEY(PADDING) | KEY(DILATION) | KEY(STRIDE)},
    {"denormalize", normalize, KEY(MEAN) | KEY(STD)},
    {"div", binary, 0},
    {"dropout", same, 0},
    {"flatten", flatten, 0},
    {"gain", gain, KEY(VALUE) | KEY(DB)},
    {"gate", gate, KEY(FUNCTION) | KEY(GATE)},
    {"glu", gate, 0},
    {"gru", recurrent, 0},
    {"last", over_time, 0},
    {"layernorm", layernorm, MATRIX | KEY(EPS)},
    {"linear", linear, MATRIX},
    {"lstm", recurrent, 0},
    {"max", binary, 0},
    {"max_over_time", over_time, 0},
    {"mean_over_time", over_time, 0},
    {"min", binary, 0},
    {"mul", binary, 0},
    {"normalize", normalize, KEY(MEAN) | KEY(STD)},
    {"offset", gain, KEY(VALUE)},
    {"prelu", prelu, KEY(WEIGHT)},
    {"rmsnorm", layernorm, KEY(WEIGHT) | KEY(EPS)},
    {"rnn", recurrent, KEY(FUNCTION)},
    {"slice", slice, KEY(START) | KEY(COUNT)},
    {"softmax", softmax, 0},
    {"sub", binary, 0},
};

enum { TYPES = sizeof types / sizeof *types };

/* Its number, or TYPES. */
static size_t type_of(const char *type)
{
    size_t t = 0;

    while (t < TYPES && strcmp(types[t].type, type) != 0)
        t++;
    return t;
}

const char *mlc_layers_type(size_t i)
{
    const char *name = NULL;

    if (i < TYPES)
        return types[i].type;
    i -= TYPES;
    /* "linear" is a layer, whatever function has that name as well. */
    for (size_t k = 0; (name = mlc_function_name(k)) != NULL; k++)
        if (type_of(name) == TYPES && i-- == 0)
            break;
    return name;
}

/* ---------------------------------------------------------- one layer ---- */

/* A member that the layer does not have is most likely a slip of the pen. */
static int check_keys(net_import *n, mlc_json_range at, const char *type,
                      uint32_t allowed)
{
    mlc_json r;

    mlc_doc_reader(&n->doc, at, &r);
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        uint32_t i = 0;

        while (i < NET_FIELDS && strcmp(keys[i], r.key) != 0)
            i++;
        if (i == NET_FIELDS || (i >= NET_COMMON && !(allowed >> i & 1u))) {
            char may[256] = "";
            size_t length = 0;

            for (i = 0; i < NET_FIELDS; i++)
                if (i < NET_COMMON || allowed >> i & 1u)
                    length +=
                        (size_t)snprintf(may + length, sizeof may - length,
                                         "%s%s", i ? ", " : "", keys[i]);
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                                "%s has no \"%.60s\" (it has %s)", type, r.key,
                                may);
        }
        mlc_json_skip(&r, NULL);
    }
    return 1;
}

static int one_operand(net_import *n, net_layer *l, mlc_json_range at)
{
    mlc_field f = {"from", at};
    char name[NET_NAME];
    const net_signal *x;

    if (!mlc_doc_text(&n->doc, &f, name, sizeof name))
        return 0;
    x = net_find(n, name);
    if (!x)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, "from",
                            "nothing before is named \"%.120s\"", name);
    l->in[l->inputs++] = *x;
    return 1;
}

/* What it reads: "from", or the layer before. */
static int operands(net_import *n, net_layer *l)
{
    const mlc_field *f = &l->f[NET_FROM];
    mlc_json_range at;
    uint32_t count;
    mlc_json r;

    if (!mlc_doc_present(&n->doc, f)) {
        l->in[0] = n->last;
        l->inputs = 1;
        return 1;
    }
    if (mlc_doc_type(&n->doc, f->at) != MLC_JSON_ARRAY)
        return one_operand(n, l, f->at);
    if (!mlc_doc_length(&n->doc, f, NET_MAX_FROM, &count))
        return 0;
    mlc_doc_first(&n->doc, f, &r);
    while (mlc_doc_next(&r, &at))
        if (!one_operand(n, l, at))
            return 0;
    return 1;
}

/* Several where one is read: side by side. */
static int join(net_import *n, net_layer *l)
{
    if (l->inputs == 1)
        return 1;
    concat(n, l);
    l->in[0] = l->out;
    l->inputs = 1;
    return 1;
}

/* Its result under "as", else its name, where there is one. */
static int keep(net_import *n, const net_layer *l)
{
    char name[NET_NAME] = "";

    if (mlc_doc_present(&n->doc, &l->f[NET_AS])) {
        if (!mlc_doc_text(&n->doc, &l->f[NET_AS], name, sizeof name))
            return 0;
    } else {
        strcpy(name, l->name);
        if (net_find(n, name)) /* a layer that is used twice */
            name[0] = '\0';
    }
    return !name[0] || net_name(n, name, l->out);
}

static int build(net_import *n, net_layer *l, mlc_json_range at)
{
    mlc_function f;
    size_t t = type_of(l->type);
    int several;

    if (t == TYPES && !mlc_function_named(l->type, &f))
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "type",
                            "there is no layer \"%s\" (conv1d, linear, lstm, "
                            "gru, tanh ...: docs/layers.md)",
                            l->type);
    if (!check_keys(n, at, l->type, ANY | (t < TYPES ? types[t].keys : 0)) ||
        !operands(n, l))
        return 0;
    several =
        t < TYPES && (types[t].build == binary || types[t].build == concat);
    return (several || join(n, l)) &&
           (t < TYPES ? types[t].build : function)(n, l) && activation(n, l);
}

int net_build(net_import *n, mlc_json_range at, uint32_t index)
{
    net_layer l;
    char key[32], where[NET_NAME + 64];
    size_t mark;
    int ok;

    memset(&l, 0, sizeof l);
    for (uint32_t i = 0; i < NET_FIELDS; i++)
        l.f[i].key = keys[i];
    snprintf(key, sizeof key, "layers[%u]", index);
    if (!mlc_doc_object(&n->doc, key, at, l.f, NET_FIELDS))
        return 0;
    mark = mlc_doc_enter(&n->doc, "%s.", key);
    if (!mlc_doc_text(&n->doc, &l.f[NET_TYPE], l.type, sizeof l.type) ||
        (mlc_doc_present(&n->doc, &l.f[NET_KEY]) &&
         !mlc_doc_text(&n->doc, &l.f[NET_KEY], l.name, sizeof l.name)))
        return 0;
    snprintf(where, sizeof where, "layers[%u] %s", index,
             l.name[0] ? l.name : l.type);
    ir_at(n->doc.g, where);
    ok = build(n, &l, at);
    ir_at(n->doc.g, NULL);
    if (ok && n->doc.g->error[0])
        ok =
            mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL, "%s", n->doc.g->error);
    if (ok && net_width(n, l.out) > NET_MAX_WIDTH)
        ok = mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                          "%u channels (at most %u are supported)",
                          net_width(n, l.out), NET_MAX_WIDTH);
    if (ok && l.out.late > NET_MAX_LATE)
        ok = mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                          "%u frames late (at most %u are supported)",
                          l.out.late, NET_MAX_LATE);
    ok = ok && keep(n, &l);
    mlc_doc_leave(&n->doc, mark);
    n->last = l.out;
    return ok;
}
