/*
 * lstm.c - LSTM: layers of cells that begin in a learned state, then a dense
 * layer.
 */
#include <stdlib.h>
#include <string.h>
#include "nam.h"

typedef struct lstm {
    uint32_t inputs, units, layers, outputs;
} lstm;

static int config(nam_import *m, const nam_model *model, lstm *c)
{
    mlc_field f[] = {{"input_size", {0, 0}},
                     {"hidden_size", {0, 0}},
                     {"num_layers", {0, 0}},
                     {"in_channels", {0, 0}},
                     {"out_channels", {0, 0}}};
    uint32_t channels;

    c->outputs = 1;
    if (!mlc_doc_object(&m->doc, "config", model->config.at, f, 5) ||
        !mlc_doc_u32(&m->doc, &f[0], 1, NAM_MAX_PORTS, &c->inputs) ||
        !mlc_doc_u32(&m->doc, &f[1], 1, NAM_MAX_CHANNELS, &c->units) ||
        !mlc_doc_u32(&m->doc, &f[2], 1, NAM_MAX_STACKS, &c->layers))
        return 0;
    channels = c->inputs;
    if (!mlc_doc_may_u32(&m->doc, &f[3], 1, NAM_MAX_PORTS, &channels) ||
        !mlc_doc_may_u32(&m->doc, &f[4], 1, NAM_MAX_CHANNELS, &c->outputs))
        return 0;
    if (channels != c->inputs)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f[0].key,
                            "expected %u, as in_channels, got %u", channels,
                            c->inputs);
    return 1;
}

static uint64_t size(const lstm *c)
{
    uint64_t n = 0, h = c->units;

    for (uint32_t i = 0; i < c->layers; i++)
        n += 4 * h * ((i ? h : c->inputs) + h) + 4 * h + 2 * h;
    return n + c->outputs * h + c->outputs;
}

/* The file has [4*units][inputs + units]: cut in two. */
static ir_id layer(nam_import *m, nam_model *model, ir_id x, uint32_t inputs,
                   uint32_t units)
{
    size_t rows = (size_t)4 * units, width = (size_t)inputs + units;
    const float *w = nam_take(model, rows * width);
    const float *b = nam_take(model, rows);
    const float *h0 = nam_take(model, units);
    const float *c0 = nam_take(model, units);
    float *ih = malloc(rows * inputs * sizeof *ih);
    float *hh = malloc(rows * units * sizeof *hh);

    if (!ih || !hh) {
        mlc_doc_no_memory(&m->doc);
        x = IR_NONE;
    } else {
        for (size_t r = 0; r < rows; r++) {
            memcpy(ih + r * inputs, w + r * width, inputs * sizeof *ih);
            memcpy(hh + r * units, w + r * width + inputs, units * sizeof *hh);
        }
        x = ir_lstm(m->doc.g, x, inputs, units, ih, hh, b, NULL, h0, c0);
    }
    free(ih);
    free(hh);
    return x;
}

int nam_lstm(nam_import *m, nam_model *model, nam_signal *out)
{
    const float *w;
    nam_signal x;
    lstm c;

    if (!config(m, model, &c) || !nam_check_weights(m, model, size(&c)) ||
        !nam_input(m, "input_size", c.inputs, &x))
        return 0;
    for (uint32_t i = 0; i < c.layers; i++) {
        mlc_doc_at(&m->doc, "lstm[%u]", i);
        x.id = layer(m, model, x.id, x.channels, c.units);
        x.channels = c.units;
    }
    mlc_doc_at(&m->doc, "head");
    w = nam_take(model, (uint64_t)c.outputs * c.units);
    out->id = ir_linear(m->doc.g, x.id, c.units, c.outputs, w,
                        nam_take(model, c.outputs));
    out->channels = c.outputs;
    /* half a second, found by trying, say the makers of the format */
    model->prewarm = model->rate >= 2 ? (uint32_t)(0.5 * model->rate) : 1;
    return 1;
}
