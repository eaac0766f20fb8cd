/*
 * wavenet.c - SmartGuitarAmp and SmartGuitarPedal: a dense layer, a stack of
 * dilated convolutions whose activations all go side by side into the last
 * dense layer. Orders are TensorFlow's: kernels [tap][in][out], the newest
 * frame last; a gated layer makes both halves in one convolution.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guitarml/guitarml.h"
#include "layers/functions.h"

enum { FIRST_W, FIRST_B, W_CONV, B_CONV, W_OUT, B_OUT, LAST_W, LAST_B, ARRAYS };

typedef struct wavenet {
    mlc_doc *d;
    uint32_t inputs, outputs, channels, taps, layers;
    uint32_t *dilations; /* owned */
    float level;
    int gated;
    mlc_function fn, gate; /* gate: of the second half */
    mlc_json_range *data;  /* owned: [layers + 2][ARRAYS], of each variable */
} wavenet;

/* -------------------------------------------------------------- config ---- */

static int activation(wavenet *v, const mlc_field *f)
{
    char name[32];

    if (!mlc_doc_text(v->d, f, name, sizeof name))
        return 0;
    v->gated = 1;
    if (!strcmp(name, "gated")) {
        mlc_function_named("tanh", &v->fn);
        mlc_function_named("sigmoid", &v->gate);
        return 1;
    }
    if (!strcmp(name, "softgated")) {
        mlc_function_named("softsign", &v->fn);
        v->gate = v->fn;
        return 1;
    }
    v->gated = 0;
    if (mlc_function_named(name, &v->fn))
        return 1;
    return mlc_doc_fail(v->d, MLC_UNSUPPORTED, f->key,
                        "\"%s\" is not supported", name);
}

static int read_dilations(wavenet *v, const mlc_field *f)
{
    uint64_t reach = 0;

    if (!mlc_doc_length(v->d, f, GML_MAX_STACK, &v->layers))
        return 0;
    v->dilations = malloc(v->layers * sizeof *v->dilations);
    if (!v->dilations)
        return mlc_doc_no_memory(v->d);
    if (!mlc_doc_u32s(v->d, f, 1, GML_MAX_REACH, v->dilations, v->layers))
        return 0;
    for (uint32_t i = 0; i < v->layers; i++)
        reach += (uint64_t)v->dilations[i] * (v->taps - 1);
    if (reach > GML_MAX_REACH)
        return mlc_doc_fail(v->d, MLC_UNSUPPORTED, f->key,
                            "looks back %llu frames (at most %u are supported)",
                            (unsigned long long)reach, GML_MAX_REACH);
    return 1;
}

static int read_config(wavenet *v, mlc_field *f)
{
    v->inputs = v->outputs = 1;
    return mlc_doc_u32(v->d, &f[0], 1, GML_MAX_WIDTH, &v->channels) &&
           mlc_doc_u32(v->d, &f[1], 1, GML_MAX_REACH, &v->taps) &&
           mlc_doc_may_u32(v->d, &f[2], 1, 64, &v->inputs) &&
           mlc_doc_may_u32(v->d, &f[3], 1, 64, &v->outputs) &&
           activation(v, &f[4]) && read_dilations(v, &f[5]) &&
           mlc_doc_may_float(v->d, &f[6], &v->level);
}

/* ----------------------------------------------------------- variables ---- */

static int array_of(const wavenet *v, int32_t layer, const char *name)
{
    static const char *const names[] = {"W",      "b",     "W_conv",
                                        "b_conv", "W_out", "b_out"};

    for (int i = 0; i < 6; i++)
        if (!strcmp(names[i], name)) {
            if (i >= W_CONV)
                return i;
            if (layer < 0)
                return FIRST_W + i;
            /* inside the stack W and b stand for W_conv and b_conv */
            return (uint32_t)layer < v->layers ? W_CONV + i : LAST_W + i;
        }
    return ARRAYS;
}

static int variable(wavenet *v, mlc_json_range at, uint32_t index)
{
    mlc_field f[3] = {
        {"layer_idx", {0, 0}}, {"name", {0, 0}}, {"data", {0, 0}}};
    char key[32], name[32];
    size_t mark;
    double layer;
    int array;

    snprintf(key, sizeof key, "variables[%u]", index);
    if (!mlc_doc_object(v->d, key, at, f, 3))
        return 0;
    mark = mlc_doc_enter(v->d, "%s.", key);
    if (!mlc_doc_double(v->d, &f[0], &layer) ||
        !mlc_doc_text(v->d, &f[1], name, sizeof name))
        return 0;
    if (!(layer >= -1 && layer <= v->layers) || layer != (int32_t)layer)
        return mlc_doc_expected(v->d, &f[0], "-1 to the number of dilations");
    array = array_of(v, (int32_t)layer, name);
    if (array < ARRAYS)
        v->data[(size_t)((int32_t)layer + 1) * ARRAYS + (size_t)array] =
            f[2].at;
    mlc_doc_leave(v->d, mark);
    return 1;
}

static int read_variables(wavenet *v, const mlc_field *f)
{
    mlc_json_range at;
    uint32_t count;
    mlc_json r;

    v->data = calloc((size_t)(v->layers + 2) * ARRAYS, sizeof *v->data);
    if (!v->data)
        return mlc_doc_no_memory(v->d);
    if (!mlc_doc_length(v->d, f, 8 * (GML_MAX_STACK + 2), &count))
        return 0;
    mlc_doc_first(v->d, f, &r);
    for (uint32_t i = 0; mlc_doc_next(&r, &at); i++)
        if (!variable(v, at, i))
            return 0;
    return 1;
}

/* The numbers of a variable, `taps * in * out` of them, as [out][in][tap]. */
static float *fetch(wavenet *v, uint32_t layer, int array, uint32_t taps,
                    uint32_t in, uint32_t out)
{
    static const char *const names[ARRAYS] = {
        "W", "b", "W_conv", "b_conv", "W_out", "b_out", "W", "b"};
    uint64_t count = (uint64_t)taps * in * out; /* < 2^18+14+15 */
    char key[48];
    mlc_field f = {key, v->data[(size_t)layer * ARRAYS + (size_t)array]};
    mlc_doc_array a;
    float *from, *to;

    if (v->d->status != MLC_OK)
        return NULL;
    snprintf(key, sizeof key, "%s of layer_idx %d", names[array],
             (int)layer - 1);
    if (f.at.first == f.at.last) {
        mlc_doc_fail(v->d, MLC_CORRUPT, key, "missing");
        return NULL;
    }
    if (!mlc_doc_shape(v->d, &f, &a))
        return NULL;
    if (a.count != count) {
        mlc_doc_fail(v->d, MLC_CORRUPT, key, "expected %llu numbers, got %llu",
                     (unsigned long long)count, (unsigned long long)a.count);
        return NULL;
    }
    from = mlc_doc_numbers(v->d, &f, &a);
    to = from ? malloc((size_t)count * sizeof *to) : NULL;
    if (from && !to)
        mlc_doc_no_memory(v->d);
    for (size_t t = 0; to && t < taps; t++)
        for (size_t i = 0; i < in; i++)
            for (size_t o = 0; o < out; o++)
                to[(o * in + i) * taps + t] = from[(t * in + i) * out + o];
    free(from);
    v->d->g->parameters += to ? count : 0;
    return to;
}

/* --------------------------------------------------------------- graph ---- */

static ir_id dense(wavenet *v, uint32_t layer, int array, uint32_t in,
                   uint32_t out, ir_id x)
{
    float *w = fetch(v, layer, array, 1, in, out);
    float *b = fetch(v, layer, array + 1, 1, 1, out);

    if (w && b)
        x = ir_linear(v->d->g, x, in, out, w, b);
    free(w);
    free(b);
    return x;
}

static ir_id function(wavenet *v, const mlc_function *f, ir_id x)
{
    return f->fn == MLI_IDENTITY ? x : ir_unary(v->d->g, f->fn, f->p, f->q, x);
}

/* Convolution and activation: what goes to the mixer. */
static ir_id activated(wavenet *v, uint32_t index, ir_id x)
{
    uint32_t c = v->channels, made = v->gated ? 2 * c : c;
    float *w = fetch(v, index + 1, W_CONV, v->taps, c, made);
    float *b = fetch(v, index + 1, B_CONV, 1, 1, made);
    ir_graph *g = v->d->g;

    if (w && b)
        x = ir_conv1d(g, x, c, made, v->taps, v->dilations[index], 1, 1, w, b);
    free(w);
    free(b);
    if (!v->gated)
        return function(v, &v->fn, x);
    return ir_binary(g, MLI_MUL,
                     function(v, &v->fn, ir_slice(g, x, 0, 0, 1, c)),
                     function(v, &v->gate, ir_slice(g, x, 0, c, 1, c)));
}

static int build(wavenet *v)
{
    ir_id *skips = malloc(v->layers * sizeof *skips);
    uint32_t c = v->channels;
    ir_graph *g = v->d->g;
    float zero = 0;
    ir_id x;

    if (!skips)
        return mlc_doc_no_memory(v->d);
    x = ir_input(g, "in", 1, &v->inputs);
    mlc_doc_at(v->d, "input");
    x = dense(v, 0, FIRST_W, v->inputs, c, x);
    for (uint32_t i = 0; i < v->layers && v->d->status == MLC_OK; i++) {
        mlc_doc_at(v->d, "layer %u", i);
        skips[i] = activated(v, i, x);
        if (i + 1 < v->layers) /* nothing reads the last sum */
            x = ir_binary(g, MLI_ADD, x,
                          dense(v, i + 1, W_OUT, c, c, skips[i]));
    }
    if (v->d->status == MLC_OK) {
        mlc_doc_at(v->d, "mixer");
        x = ir_concat(g, skips, v->layers, 0);
        x = dense(v, v->layers + 1, LAST_W, c * v->layers, v->outputs, x);
        if (v->level != 0 && v->level != 1)
            x = ir_affine(g, x, 1, &v->level, &zero);
        ir_output(g, "out", x);
        ir_set_meta(g, "source", "GuitarML (SmartGuitarAmp)");
    }
    free(skips);
    return v->d->status == MLC_OK;
}

int gml_wavenet(mlc_doc *d, mlc_json_range file)
{
    mlc_field f[] = {{"residual_channels", {0, 0}}, {"filter_width", {0, 0}},
                     {"input_channels", {0, 0}},    {"output_channels", {0, 0}},
                     {"activation", {0, 0}},        {"dilations", {0, 0}},
                     {"level_adjust", {0, 0}},      {"variables", {0, 0}}};
    wavenet v = {.d = d};
    int ok = mlc_doc_object(d, NULL, file, f, 8) && read_config(&v, f) &&
             read_variables(&v, &f[7]) && build(&v);

    free(v.dilations);
    free(v.data);
    return ok;
}
