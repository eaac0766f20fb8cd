/*
 * recurrent.c - Proteus and NeuralPi: LSTM, GRU or RNN layers and a dense one,
 * with PyTorch's names and orders, from the state zero. skip: the dry sound is
 * added.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guitarml/guitarml.h"
#include "layers/recurrent.h"
#include "layers/weights.h"

typedef struct config {
    uint32_t inputs, outputs, units, layers;
    int skip;
    mlc_recurrent type;
} config;

/* true, false, or a number */
static int flag(mlc_doc *d, const mlc_field *f, int *value)
{
    uint32_t n = 0;

    if (mlc_doc_type(d, f->at) == MLC_JSON_BOOL)
        return mlc_doc_bool(d, f, value);
    if (!mlc_doc_may_u32(d, f, 0, 1, &n))
        return 0;
    *value = (int)n;
    return 1;
}

static int read_type(mlc_doc *d, const mlc_field *f, mlc_recurrent *type)
{
    static const struct {
        const char *name;
        mlc_recurrent type;
    } types[] = {{"LSTM", MLC_LSTM}, {"GRU", MLC_GRU}, {"RNN", MLC_RNN_TANH}};
    char name[32] = "LSTM";

    if (mlc_doc_present(d, f) && !mlc_doc_text(d, f, name, sizeof name))
        return 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name)) {
            *type = types[i].type;
            return 1;
        }
    return mlc_doc_fail(d, MLC_UNSUPPORTED, f->key,
                        "expected LSTM, GRU or RNN, got \"%s\"", name);
}

static int read_config(mlc_doc *d, const mlc_field *model_data, config *c)
{
    mlc_field f[] = {{"model", {0, 0}},       {"unit_type", {0, 0}},
                     {"input_size", {0, 0}},  {"output_size", {0, 0}},
                     {"hidden_size", {0, 0}}, {"num_layers", {0, 0}},
                     {"skip", {0, 0}}};
    char model[48] = "SimpleRNN";
    size_t mark;

    *c = (config){.inputs = 1, .outputs = 1, .layers = 1};
    if (!mlc_doc_object(d, model_data->key, model_data->at, f, 7))
        return 0;
    mark = mlc_doc_enter(d, "%s.", model_data->key);
    if (mlc_doc_present(d, &f[0]) &&
        !mlc_doc_text(d, &f[0], model, sizeof model))
        return 0;
    if (strcmp(model, "SimpleRNN"))
        return mlc_doc_fail(d, MLC_UNSUPPORTED, f[0].key,
                            "expected SimpleRNN, got \"%s\"", model);
    if (!read_type(d, &f[1], &c->type) ||
        !mlc_doc_may_u32(d, &f[2], 1, 1 + GML_MAX_KNOBS, &c->inputs) ||
        !mlc_doc_may_u32(d, &f[3], 1, 64, &c->outputs) ||
        !mlc_doc_u32(d, &f[4], 1, GML_MAX_WIDTH, &c->units) ||
        !mlc_doc_may_u32(d, &f[5], 1, GML_MAX_LAYERS, &c->layers) ||
        !flag(d, &f[6], &c->skip))
        return 0;
    mlc_doc_leave(d, mark);
    return 1;
}

/* A tensor of this shape, or an error that names it. */
static float *fetch(mlc_doc *d, mlc_weights *w, const char *name, uint32_t rank,
                    uint32_t rows, uint32_t columns)
{
    mlc_weight *t = mlc_weights_find(w, name);
    mlc_error error;
    char shape[120];
    float *data;

    if (!t) {
        mlc_doc_fail(d, MLC_CORRUPT, name, "missing");
        return NULL;
    }
    if (t->rank != rank || t->dims[0] != rows ||
        (rank > 1 && t->dims[1] != columns)) {
        if (rank > 1)
            mlc_doc_fail(d, MLC_CORRUPT, name, "expected [%u, %u], got %s",
                         rows, columns, mlc_weight_shape(t, shape));
        else
            mlc_doc_fail(d, MLC_CORRUPT, name, "expected [%u], got %s", rows,
                         mlc_weight_shape(t, shape));
        return NULL;
    }
    data = mlc_weights_floats(w, t, &error);
    d->g->parameters += data ? t->count : 0;
    if (!data)
        mlc_doc_fail(d, error.status, NULL, "%s", error.text);
    return data;
}

/* The same, but NULL without an error where it is missing. */
static float *may_fetch(mlc_doc *d, mlc_weights *w, const char *name,
                        uint32_t rows)
{
    return mlc_weights_find(w, name) ? fetch(d, w, name, 1, rows, 0) : NULL;
}

static ir_id layer(mlc_doc *d, mlc_weights *w, const config *c, uint32_t index,
                   ir_id x)
{
    uint32_t inputs = index ? c->units : c->inputs;
    uint32_t rows = mlc_recurrent_gates(c->type) * c->units;
    float *m[4];
    char name[48];

    snprintf(name, sizeof name, "rec.weight_ih_l%u", index);
    m[0] = fetch(d, w, name, 2, rows, inputs);
    snprintf(name, sizeof name, "rec.weight_hh_l%u", index);
    m[1] = fetch(d, w, name, 2, rows, c->units);
    snprintf(name, sizeof name, "rec.bias_ih_l%u", index);
    m[2] = may_fetch(d, w, name, rows);
    snprintf(name, sizeof name, "rec.bias_hh_l%u", index);
    m[3] = may_fetch(d, w, name, rows);
    mlc_doc_at(d, "rec[%u]", index);
    if (d->status == MLC_OK)
        x = mlc_recurrent_layer(d->g, c->type, x, inputs, c->units, m);
    for (int i = 0; i < 4; i++)
        free(m[i]);
    return x;
}

static int build(mlc_doc *d, mlc_weights *w, const config *c)
{
    ir_id sound, x = gml_inputs(d, c->inputs, &sound);
    float *a, *b;

    for (uint32_t i = 0; i < c->layers && d->status == MLC_OK; i++)
        x = layer(d, w, c, i, x);
    a = fetch(d, w, "lin.weight", 2, c->outputs, c->units);
    b = may_fetch(d, w, "lin.bias", c->outputs);
    mlc_doc_at(d, "lin");
    if (d->status == MLC_OK)
        x = ir_linear(d->g, x, c->units, c->outputs, a, b);
    free(a);
    free(b);
    if (c->skip)
        x = ir_binary(d->g, MLI_ADD, x, sound);
    ir_output(d->g, "out", x);
    ir_set_meta(d->g, "source", "GuitarML (Proteus, NeuralPi)");
    return d->status == MLC_OK;
}

int gml_recurrent(mlc_doc *d, mlc_json_range file)
{
    mlc_field f[2] = {{"model_data", {0, 0}}, {"state_dict", {0, 0}}};
    mlc_weights w = {0};
    mlc_error error;
    mlc_status status;
    config c;
    int ok;

    if (!mlc_doc_object(d, NULL, file, f, 2) || !read_config(d, &f[0], &c))
        return 0;
    if (mlc_doc_type(d, f[1].at) != MLC_JSON_OBJECT)
        return mlc_doc_expected(d, &f[1], "an object");
    mlc_doc_enter(d, "state_dict.");
    status = mlc_read_json_weights(&w, d->text, f[1].at, &error);
    if (!status)
        status = mlc_weights_sort(&w, &error);
    ok = status ? mlc_doc_fail(d, status, NULL, "%s", error.text)
                : build(d, &w, &c);
    mlc_weights_free(&w);
    return ok;
}
