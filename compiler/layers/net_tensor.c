/*
 * net_tensor.c - a layer's numbers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layers/net.h"

/* name.suffix, or the suffix alone */
static void full_name(const net_layer *l, const char *suffix, char *name)
{
    snprintf(name, NET_NAME + 64, "%s%s%s", l->name, l->name[0] ? "." : "",
             suffix);
}

int net_has(const net_import *n, const net_layer *l, const char *suffix)
{
    char name[NET_NAME + 64];

    full_name(l, suffix, name);
    return n->w && mlc_weights_find(n->w, name) != NULL;
}

/* -------------------------------------------------------- one by name ---- */

/* What is there instead: names with the same beginning, or any. */
static void nearby(const net_import *n, const char *prefix, char *text,
                   size_t room)
{
    size_t length = strlen(prefix), at = 0;
    uint32_t shown = 0;

    text[0] = '\0';
    for (int same = 1; same >= 0 && !shown; same--)
        for (uint32_t i = 0; i < n->w->count && shown < 4; i++) {
            const char *name = n->w->tensor[i].name;

            if (same && (!length || strncmp(name, prefix, length)))
                continue;
            at += (size_t)snprintf(text + at, room - at, "%s%.80s",
                                   shown ? ", " : "", name);
            if (at >= room)
                return;
            shown++;
        }
}

static void missing(net_import *n, const net_layer *l, const char *key,
                    const char *name)
{
    char there[360];

    if (!n->w) {
        mlc_doc_fail(&n->doc, MLC_CORRUPT, key,
                     "needs a tensor, but the description names no \"weights\" "
                     "file");
        return;
    }
    nearby(n, l->name, there, sizeof there);
    mlc_doc_fail(&n->doc, MLC_CORRUPT, key,
                 "the weights have no tensor \"%.120s\" (they have %s ...)",
                 name, there);
}

/* Compare with what is expected and fill in what was open. */
static int check_shape(net_import *n, const char *key, const mlc_weight *t,
                       uint32_t rank, uint32_t *dims)
{
    char expected[120], got[120];
    int ok = t->rank == rank;
    size_t at = 0;

    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i])
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s%u",
                                   i ? ", " : "[", dims[i]);
        else
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s?",
                                   i ? ", " : "[");
        ok = ok && (!dims[i] || dims[i] == t->dims[i]);
    }
    snprintf(expected + at, sizeof expected - at, "%s]", rank ? "" : "[");
    if (!ok)
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, key,
                            "tensor %.120s: expected %s, got %s", t->name,
                            expected, mlc_weight_shape(t, got));
    memcpy(dims, t->dims, rank * sizeof *dims);
    return 1;
}

static float *floats(net_import *n, const char *key, mlc_weight *t)
{
    mlc_error error;
    float *data = mlc_weights_floats(n->w, t, &error);

    if (!data)
        mlc_doc_fail(&n->doc, error.status, key, "%s", error.text);
    else
        n->doc.g->parameters += t->count;
    return data;
}

/* --------------------------------------------------------- weight norm ---- */

/* Names of the length and direction of a normalised weight. */
static const char *const pairs[][2] = {
    {"weight_g", "weight_v"},
    {"parametrizations.weight.original0", "parametrizations.weight.original1"}};

/* g v / |v|, |v| over all but the first dim */
static float *normed(net_import *n, const net_layer *l, uint32_t rank,
                     uint32_t *dims, int which)
{
    char name[2][NET_NAME + 64];
    float *g, *v = NULL;
    mlc_weight *t[2];
    uint64_t row;

    for (int i = 0; i < 2; i++) {
        full_name(l, pairs[which][i], name[i]);
        t[i] = mlc_weights_find(n->w, name[i]);
    }
    if (!check_shape(n, "weight", t[1], rank, dims))
        return NULL;
    if (t[0]->count != dims[0]) {
        mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "weight",
                     "tensor %.120s: expected a length for each of %u rows",
                     t[0]->name, dims[0]);
        return NULL;
    }
    g = floats(n, "weight", t[0]);
    v = g ? floats(n, "weight", t[1]) : NULL;
    row = v ? t[1]->count / dims[0] : 0;
    for (uint32_t i = 0; v && i < dims[0]; i++) {
        double sum = 0;

        for (uint64_t k = 0; k < row; k++)
            sum += (double)v[i * row + k] * v[i * row + k];
        for (uint64_t k = 0; k < row && sum > 0; k++)
            v[i * row + k] = (float)(v[i * row + k] * g[i] / sqrt(sum));
    }
    free(g);
    return v;
}

/* ----------------------------------------------------------- by layer ---- */

float *net_tensor(net_import *n, const net_layer *l, int field,
                  const char *suffix, uint32_t rank, uint32_t *dims, int may)
{
    const mlc_field *f = field >= 0 ? &l->f[field] : NULL;
    const char *key = f ? f->key : suffix;
    char name[NET_NAME + 64];
    mlc_weight *t;
    int yes = 1;

    if (n->doc.status != MLC_OK)
        return NULL;
    full_name(l, suffix, name);
    if (f && f->at.first != f->at.last) {
        mlc_json_type type = mlc_doc_type(&n->doc, f->at);

        if (may && type == MLC_JSON_BOOL && mlc_doc_bool(&n->doc, f, &yes) &&
            !yes)
            return NULL;
        if (may && type == MLC_JSON_NULL)
            return NULL;
        if (type != MLC_JSON_BOOL && !mlc_doc_text(&n->doc, f, name, NET_NAME))
            return NULL;
        may = 0;
    }
    t = n->w ? mlc_weights_find(n->w, name) : NULL;
    if (!t && n->w && !strcmp(suffix, "weight"))
        for (int i = 0; i < 2; i++)
            if (net_has(n, l, pairs[i][0]) && net_has(n, l, pairs[i][1]))
                return normed(n, l, rank, dims, i);
    if (!t) {
        if (!may)
            missing(n, l, key, name);
        return NULL;
    }
    if (!check_shape(n, key, t, rank, dims))
        return NULL;
    return floats(n, key, t);
}

/* A number or an array of them, into to[channels]. */
static int written(net_import *n, const mlc_field *f, uint32_t channels,
                   float *to)
{
    mlc_doc_array a;
    float *v;

    if (!mlc_doc_shape(&n->doc, f, &a))
        return 0;
    if (a.rank > 1 || (a.count != 1 && a.count != channels))
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, f->key,
                            "expected one number or %u, got %llu", channels,
                            (unsigned long long)a.count);
    v = mlc_doc_numbers(&n->doc, f, &a);
    for (uint32_t i = 0; v && i < channels; i++)
        to[i] = v[a.count == 1 ? 0 : i];
    free(v);
    return v != NULL;
}

float *net_vector(net_import *n, const net_layer *l, int field,
                  uint32_t channels)
{
    const mlc_field *f = &l->f[field];
    float *to;

    if (mlc_doc_type(&n->doc, f->at) == MLC_JSON_STRING)
        return net_tensor(n, l, field, f->key, 1, &channels, 0);
    if (!mlc_doc_present(&n->doc, f)) {
        mlc_doc_expected(&n->doc, f, "a number, an array or a tensor's name");
        return NULL;
    }
    to = malloc(channels * sizeof *to);
    if (!to) {
        mlc_doc_no_memory(&n->doc);
        return NULL;
    }
    if (written(n, f, channels, to))
        return to;
    free(to);
    return NULL;
}
