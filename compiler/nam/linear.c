/*
 * linear.c - Linear: one impulse response, the same for each channel. A
 * cabinet.
 */
#include <stdlib.h>
#include "nam.h"

typedef struct response {
    uint32_t taps, inputs, outputs;
    int bias;
} response;

static int config(nam_import *m, const nam_model *model, response *c)
{
    /* "implementation" chooses how the reference computes, not what */
    mlc_field f[] = {{"receptive_field", {0, 0}},
                     {"bias", {0, 0}},
                     {"in_channels", {0, 0}},
                     {"out_channels", {0, 0}}};
    uint32_t reach = 0;

    c->inputs = c->outputs = 1;
    return mlc_doc_object(&m->doc, "config", model->config.at, f, 4) &&
           mlc_doc_u32(&m->doc, &f[0], 1, NAM_MAX_TAPS, &c->taps) &&
           mlc_doc_bool(&m->doc, &f[1], &c->bias) &&
           mlc_doc_may_u32(&m->doc, &f[2], 1, NAM_MAX_PORTS, &c->inputs) &&
           mlc_doc_may_u32(&m->doc, &f[3], 1, NAM_MAX_PORTS, &c->outputs) &&
           nam_add_reach(m, f[0].key, c->taps, 1, c->inputs, &reach);
}

/* The response for each of n channels, the newest sample's tap last. */
static ir_id convolve(nam_import *m, const response *c, const float *h,
                      const float *bias, ir_id x, uint32_t n)
{
    float *w = malloc(sizeof *w * n * c->taps), b[NAM_MAX_PORTS];

    if (!w) {
        mlc_doc_no_memory(&m->doc);
        return IR_NONE;
    }
    for (uint32_t i = 0; i < n; i++) {
        b[i] = bias ? *bias : 0;
        for (uint32_t k = 0; k < c->taps; k++)
            w[(size_t)i * c->taps + k] = h[c->taps - 1 - k];
    }
    x = nam_conv(m, x, n, n, c->taps, 1, n, w, bias ? b : NULL);
    free(w);
    return x;
}

int nam_linear(nam_import *m, nam_model *model, nam_signal *out)
{
    const float *h;
    nam_signal x;
    response c;
    uint32_t n;

    if (!config(m, model, &c) ||
        !nam_check_weights(m, model, (uint64_t)c.taps + (c.bias != 0)) ||
        !nam_input(m, "in_channels", c.inputs, &x))
        return 0;
    mlc_doc_at(&m->doc, "response");
    /* channel to channel; inputs too many are not heard, outputs too many are
       silent */
    n = c.inputs < c.outputs ? c.inputs : c.outputs;
    if (n < c.inputs)
        x.id = ir_slice(m->doc.g, x.id, 0, 0, 1, n);
    h = nam_take(model, c.taps);
    x.id = convolve(m, &c, h, nam_take(model, c.bias != 0), x.id, n);
    if (n < c.outputs)
        x.id = ir_pad(m->doc.g, x.id, 0, 0, c.outputs - n, 0);
    *out = (nam_signal){x.id, c.outputs};
    return 1;
}
