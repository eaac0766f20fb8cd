/*
 * activation.c - the functions between layers. Formulas: NeuralAmpModelerCore,
 * NAM/activations.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nam.h"

static const struct {
    const char *name;
    nam_activation made;
} table[] = {
    {"Tanh", {.fn = MLI_TANH}},
    {"Hardtanh", {.fn = MLI_HARD_TANH, .p = -1, .q = 1}},
    {"Fasttanh", {.fn = MLI_FAST_TANH}},
    {"ReLU", {.fn = MLI_RELU}},
    {"LeakyReLU", {.fn = MLI_LEAKY_RELU, .p = 0.01f}},
    {"PReLU", {.fn = MLI_LEAKY_RELU, .p = 0.01f}},
    {"Sigmoid", {.fn = MLI_SIGMOID}},
    {"SiLU", {.fn = MLI_SILU}},
    {"Hardswish", {.fn = MLI_HARD_SWISH}},
    {"LeakyHardtanh",
     {MLI_LEAKY_HARD_TANH, 0.01f, 0.01f, -1, 1, {NULL, {0, 0}}}},
    {"LeakyHardTanh",
     {MLI_LEAKY_HARD_TANH, 0.01f, 0.01f, -1, 1, {NULL, {0, 0}}}},
    {"Softsign", {.fn = MLI_SOFTSIGN}},
};

static int unknown(nam_import *m, const char *key, const char *name)
{
    size_t n = strlen(m->unknown);
    char one[224];

    snprintf(one, sizeof one, "%s%s: \"%s\"", m->doc.prefix, key, name);
    if (!strstr(m->unknown, one)) /* once for all layers */
        snprintf(m->unknown + n, sizeof m->unknown - n, "%s%s", n ? "; " : "",
                 one);
    return 1;
}

static int by_name(nam_import *m, const mlc_field *f, nam_activation *a,
                   const mlc_field *name_at, char *name, size_t room)
{
    memset(a, 0, sizeof *a);
    if (!mlc_doc_text(&m->doc, name_at, name, room))
        return 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].name, name)) {
            *a = table[i].made;
            return 1;
        }
    return unknown(m, f->key, name);
}

/* The members that belong to the function; others are not looked at. */
static int parameters(nam_import *m, const mlc_field *f, const mlc_field *p,
                      const char *name, nam_activation *a)
{
    if (!strcmp(name, "PReLU") && !mlc_doc_present(&m->doc, &p[0]) &&
        mlc_doc_present(&m->doc, &p[1])) {
        a->slopes = p[1];
        return 1;
    }
    if (a->fn == MLI_LEAKY_RELU)
        return mlc_doc_may_float(&m->doc, &p[0], &a->p);
    if (a->fn != MLI_LEAKY_HARD_TANH)
        return 1;
    if (!mlc_doc_may_float(&m->doc, &p[2], &a->low) ||
        !mlc_doc_may_float(&m->doc, &p[3], &a->high) ||
        !mlc_doc_may_float(&m->doc, &p[4], &a->p) ||
        !mlc_doc_may_float(&m->doc, &p[5], &a->q))
        return 0;
    if (a->low < a->high)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f->key,
                        "expected min_val below max_val, got %g and %g", a->low,
                        a->high);
}

int nam_read_activation(nam_import *m, const mlc_field *f, nam_activation *a)
{
    mlc_field fields[] = {{"negative_slope", {0, 0}},
                          {"negative_slopes", {0, 0}},
                          {"min_val", {0, 0}},
                          {"max_val", {0, 0}},
                          {"min_slope", {0, 0}},
                          {"max_slope", {0, 0}},
                          {"type", {0, 0}}};
    char name[48];
    size_t mark;
    int ok;

    if (mlc_doc_type(&m->doc, f->at) == MLC_JSON_STRING)
        return by_name(m, f, a, f, name, sizeof name);
    if (mlc_doc_type(&m->doc, f->at) != MLC_JSON_OBJECT)
        return mlc_doc_expected(&m->doc, f,
                                "the name of an activation or an object");
    if (!mlc_doc_object(&m->doc, f->key, f->at, fields, 7))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", f->key);
    ok = mlc_doc_text(&m->doc, &fields[6], name, sizeof name);
    mlc_doc_leave(&m->doc, mark);
    if (!ok || !by_name(m, f, a, &fields[6], name, sizeof name))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", f->key);
    ok = parameters(m, f, fields, name, a);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

int nam_check_activation(nam_import *m, const nam_activation *a,
                         uint32_t channels)
{
    mlc_json r;
    uint32_t n;

    if (!a->slopes.key)
        return 1;
    if (!mlc_doc_length(&m->doc, &a->slopes, NAM_MAX_CHANNELS, &n))
        return 0;
    if (channels % n)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, a->slopes.key,
                            "expected one for each of %u channels, got %u",
                            channels, n);
    mlc_doc_first(&m->doc, &a->slopes, &r);
    for (float slope; mlc_json_next(&r);)
        if (!mlc_json_float(&r, &slope))
            return mlc_doc_expected(&m->doc, &a->slopes, "an array of numbers");
    return 1;
}

static ir_id prelu(nam_import *m, const nam_activation *a, ir_id x,
                   uint32_t channels)
{
    float *slopes = malloc(channels * sizeof *slopes);
    size_t n = 0;
    mlc_json r;

    if (!slopes) {
        mlc_doc_no_memory(&m->doc);
        return IR_NONE;
    }
    mlc_doc_reader(&m->doc, a->slopes.at, &r);
    if (mlc_json_floats(&r, slopes, channels, &n) && n)
        for (uint32_t c = (uint32_t)n; c < channels; c++)
            slopes[c] = slopes[c - n];
    x = ir_binary(m->doc.g, MLI_PRELU, x,
                  ir_const1(m->doc.g, channels, slopes));
    free(slopes);
    return x;
}

/* x to (x - middle) / half, the function with limits of +-1, and back: the
   slopes stay what they are. */
static ir_id leaky_hard_tanh(nam_import *m, const nam_activation *a, ir_id x)
{
    double middle = ((double)a->low + a->high) / 2;
    double half = ((double)a->high - a->low) / 2;
    float in = (float)(1 / half), in_shift = (float)(-middle / half);
    float out = (float)half, out_shift = (float)middle;
    int scaled = a->low != -1 || a->high != 1;

    if (scaled)
        x = ir_affine(m->doc.g, x, 1, &in, &in_shift);
    x = ir_unary(m->doc.g, MLI_LEAKY_HARD_TANH, a->p, a->q, x);
    if (scaled)
        x = ir_affine(m->doc.g, x, 1, &out, &out_shift);
    return x;
}

ir_id nam_activate(nam_import *m, const nam_activation *a, ir_id x,
                   uint32_t channels)
{
    if (a->slopes.key)
        return prelu(m, a, x, channels);
    if (a->fn == MLI_LEAKY_HARD_TANH)
        return leaky_hard_tanh(m, a, x);
    return ir_unary(m->doc.g, a->fn, a->p, a->q, x);
}
