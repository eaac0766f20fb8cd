/*
 * weights.c - the flat array of weights, and what is made of it.
 */
#include <stdlib.h>
#include <string.h>
#include "nam.h"

/* Channels are at most 2^15 (two halves of a gate), taps 2^24: below 2^55. */
uint64_t nam_conv_size(uint32_t inputs, uint32_t outputs, uint32_t taps,
                       uint32_t groups, int bias)
{
    return (uint64_t)(inputs / groups) * outputs * taps + (bias ? outputs : 0);
}

int nam_check_weights(nam_import *m, const nam_model *model, uint64_t needed)
{
    if (m->doc.status != MLC_OK)
        return 0;
    if (needed == model->weight_count)
        return 1;
    return mlc_doc_fail(
        &m->doc, MLC_CORRUPT, "weights",
        "expected %llu numbers for this config, got %zu (%llu %s)",
        (unsigned long long)needed, model->weight_count,
        needed > model->weight_count
            ? (unsigned long long)(needed - model->weight_count)
            : (unsigned long long)(model->weight_count - needed),
        needed > model->weight_count ? "missing" : "left over");
}

const float *nam_take(nam_model *model, uint64_t n)
{
    const float *w = model->weights + model->weights_read;

    if (!n)
        return NULL;
    model->weights_read += (size_t)n;
    return w;
}

int nam_check_groups(nam_import *m, const char *key, uint32_t groups,
                     uint32_t inputs, uint32_t outputs)
{
    if (inputs % groups == 0 && outputs % groups == 0)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_CORRUPT, key,
                        "%u groups do not divide %u inputs and %u outputs",
                        groups, inputs, outputs);
}

int nam_add_reach(nam_import *m, const char *key, uint32_t taps,
                  uint32_t dilation, uint32_t channels, uint32_t *reach)
{
    uint64_t frames = (uint64_t)(taps - 1) * dilation;

    m->history += frames * channels;
    if (frames + *reach > NAM_MAX_REACH)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, key,
                            "looks back %llu frames (at most %u are supported)",
                            (unsigned long long)(frames + *reach),
                            NAM_MAX_REACH);
    if (m->history > NAM_MAX_HISTORY)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, key,
                            "needs a history of %llu numbers (at most %u are "
                            "supported)",
                            (unsigned long long)m->history, NAM_MAX_HISTORY);
    *reach += (uint32_t)frames;
    return 1;
}

static uint64_t packed(uint32_t inputs, uint32_t outputs, uint32_t groups)
{
    return (uint64_t)groups * ((outputs / groups + 3) / 4 * 4) *
           (inputs / groups);
}

/* The same matrix without groups. NULL without memory. */
static float *dense(uint32_t inputs, uint32_t outputs, uint32_t taps,
                    uint32_t groups, const float *w)
{
    size_t in = inputs / groups, row = in * taps;
    float *d = calloc((size_t)outputs * inputs * taps, sizeof *d);

    for (size_t o = 0; d && o < outputs; o++)
        memcpy(d + (o * inputs + o / (outputs / groups) * in) * taps,
               w + o * row, row * sizeof *d);
    return d;
}

ir_id nam_conv(nam_import *m, ir_id x, uint32_t inputs, uint32_t outputs,
               uint32_t taps, uint32_t dilation, uint32_t groups,
               const float *w, const float *b)
{
    float *d = NULL;

    if (groups > 1 && taps == 1 && inputs == groups && outputs == groups)
        return ir_affine(m->doc.g, x, inputs, w, b);
    /* a group of less than 4 outputs leaves lanes empty */
    if (groups > 1 && !(inputs == groups && outputs == groups) &&
        packed(inputs, outputs, 1) <= 2 * packed(inputs, outputs, groups)) {
        d = dense(inputs, outputs, taps, groups, w);
        if (!d) {
            mlc_doc_no_memory(&m->doc);
            return IR_NONE;
        }
        w = d;
        groups = 1;
    }
    if (taps == 1 && groups == 1)
        x = ir_linear(m->doc.g, x, inputs, outputs, w, b);
    else
        x = ir_conv1d(m->doc.g, x, inputs, outputs, taps, dilation, groups, 1,
                      w, b);
    free(d);
    return x;
}
