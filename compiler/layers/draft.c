/*
 * draft.c - see draft.h. Names are PyTorch's: LAYER.weight, LAYER.bias,
 * LAYER.running_mean, LAYER.weight_ih_l0 ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "beside.h"
#include "bytes.h"
#include "kind.h"
#include "layers/draft.h"

typedef struct draft {
    const mlc_weights *w;
    mlc_bytes text;
    uint32_t layers;   /* written so far */
    uint32_t width;    /* channels that the last one makes, 0: unknown */
    uint32_t channels; /* of the input, 0: unknown */
    int certain;
} draft;

/* A string of JSON, quotes and all. */
static void quote(draft *d, const char *text, size_t n)
{
    mlc_print(&d->text, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            mlc_print(&d->text, "\\%c", c);
        else if (c < 32)
            mlc_print(&d->text, "\\u%04x", c);
        else
            mlc_put(&d->text, text + i, 1);
    }
    mlc_print(&d->text, "\"");
}

/* -------------------------------------------------------------- groups ---- */

/* What stands behind the layer's name. */
static const char *const endings[] = {"weight",
                                      "bias",
                                      "weight_g",
                                      "weight_v",
                                      "running_mean",
                                      "running_var",
                                      "num_batches_tracked",
                                      "parametrizations.weight.original0",
                                      "parametrizations.weight.original1"};

/* Length of the layer's name in front of a tensor's own; without the dot. */
static size_t layer_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t k = strlen(endings[i]);

        if (n > k && name[n - k - 1] == '.' &&
            !strcmp(name + n - k, endings[i]))
            return n - k - 1;
    }
    return dot ? (size_t)(dot - name) : 0;
}

static const mlc_weight *part(const draft *d, const char *name, size_t n,
                              const char *ending)
{
    char full[MLC_WEIGHTS_NAME + 64];

    snprintf(full, sizeof full, "%.*s%s%s", (int)n, name, n ? "." : "", ending);
    return mlc_weights_find(d->w, full);
}

/* The weight, or the direction of a normalised one. */
static const mlc_weight *weight_of(const draft *d, const char *name, size_t n)
{
    const mlc_weight *t = part(d, name, n, "weight");

    if (!t)
        t = part(d, name, n, "weight_v");
    if (!t)
        t = part(d, name, n, "parametrizations.weight.original1");
    return t;
}

/* ------------------------------------------------------------- layers ---- */

static void begin(draft *d, const char *type, const char *name, size_t n)
{
    mlc_print(&d->text,
              "%s\n    {\"type\": \"%s\", \"name\": ", d->layers ? "," : "",
              type);
    quote(d, name, n);
    d->layers++;
}

static void chain(draft *d, uint32_t in, uint32_t out)
{
    if (!d->channels)
        d->channels = in;
    if (d->width && d->width != in)
        d->certain = 0;
    d->width = out;
}

static void recurrent(draft *d, const char *name, size_t n,
                      const mlc_weight *ih)
{
    const mlc_weight *hh = part(d, name, n, "weight_hh_l0");
    uint32_t units = hh && hh->rank == 2 ? hh->dims[1] : 0;
    uint32_t gates = units && ih->rank == 2 ? ih->dims[0] / units : 0;
    uint32_t layers = 1;
    char next[32] = "weight_ih_l1";

    while (layers < 1000 && part(d, name, n, next))
        snprintf(next, sizeof next, "weight_ih_l%u", ++layers);
    begin(d, gates == 4 ? "lstm" : gates == 3 ? "gru" : "rnn", name, n);
    mlc_print(&d->text, ", \"note\": \"%u -> %u, %u layer%s\"}",
              ih->rank == 2 ? ih->dims[1] : 0, units, layers,
              layers > 1 ? "s" : "");
    if (gates != 4 && gates != 3)
        d->certain = 0; /* tanh or relu? */
    chain(d, ih->rank == 2 ? ih->dims[1] : 0, units);
}

static void weighted(draft *d, const char *name, size_t n, const mlc_weight *t)
{
    char shape[120];

    if (t->rank == 3) {
        begin(d, "conv1d", name, n);
        mlc_print(&d->text,
                  ", \"dilation\": 1, \"padding\": \"causal\", \"note\": "
                  "\"%u -> %u, %u tap%s\"}",
                  t->dims[1], t->dims[0], t->dims[2],
                  t->dims[2] == 1 ? "" : "s");
        if (d->layers > 1)
            d->certain = 0; /* dilations, activations */
        chain(d, t->dims[1], t->dims[0]);
    } else if (t->rank == 2) {
        begin(d, "linear", name, n);
        mlc_print(&d->text, ", \"note\": \"%u -> %u\"}", t->dims[1],
                  t->dims[0]);
        chain(d, t->dims[1], t->dims[0]);
    } else if (t->rank == 1) {
        begin(d, part(d, name, n, "bias") ? "layernorm" : "prelu", name, n);
        mlc_print(&d->text, ", \"note\": \"%u\"}", t->dims[0]);
        d->certain = 0;
    } else {
        begin(d, "?", name, n);
        mlc_print(&d->text,
                  ", \"note\": \"a weight of %s: there is no such layer\"}",
                  mlc_weight_shape(t, shape));
        d->certain = 0;
    }
}

static void group(draft *d, const char *name, size_t n)
{
    const mlc_weight *ih = part(d, name, n, "weight_ih_l0");
    const mlc_weight *w = weight_of(d, name, n);

    if (ih) {
        recurrent(d, name, n, ih);
    } else if (part(d, name, n, "running_mean")) {
        begin(d, "batchnorm", name, n);
        mlc_print(&d->text, "}");
        d->certain = 0;
    } else if (w) {
        weighted(d, name, n, w);
    } else {
        begin(d, "?", name, n);
        mlc_print(&d->text, ", \"note\": \"tensors of no known layer\"}");
        d->certain = 0;
    }
}

/* --------------------------------------------------------------- order ---- */

/* As people count: net.2 before net.10. */
static int natural(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9') {
            char *end_a, *end_b;
            unsigned long x = strtoul(a, &end_a, 10);
            unsigned long y = strtoul(b, &end_b, 10);

            if (x != y)
                return x < y ? -1 : 1;
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return *a ? 1 : *b ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
    return natural((*(const mlc_weight *const *)a)->name,
                   (*(const mlc_weight *const *)b)->name);
}

/* Each layer once, where its first tensor stands. */
static void groups(draft *d, const mlc_weight **all)
{
    const char *last = "";
    size_t last_length = 0;

    for (uint32_t i = 0; i < d->w->count; i++) {
        const char *name = all[i]->name;
        size_t n = layer_length(name);

        if (i && n == last_length && !memcmp(name, last, n))
            continue;
        group(d, name, n);
        last = name;
        last_length = n;
    }
}

char *mlc_draft_of(const mlc_weights *w, const char *file, int *certain)
{
    draft d = {.w = w, .certain = 1}, body = d;
    const mlc_weight **all = malloc((w->count + 1u) * sizeof *all);

    if (!all)
        return NULL;
    for (uint32_t i = 0; i < w->count; i++)
        all[i] = &w->tensor[i];
    if (!w->ordered)
        qsort(all, w->count, sizeof *all, by_name);
    groups(&body, all);
    free(all);
    mlc_print(&d.text, "{\n  \"mlinfer\": 1,\n");
    if (file) {
        mlc_print(&d.text,
                  "  \"note\": \"A draft from the tensors' names and shapes. "
                  "Activations, dilations, skips and the order are not in the "
                  "weights: put them right.\",\n  \"weights\": ");
        quote(&d, file, strlen(file));
        mlc_print(&d.text, ",\n  \"rate\": 44100,\n");
    }
    mlc_print(
        &d.text,
        "  \"inputs\": [{\"name\": \"in\", \"channels\": %u}],\n  \"layers\": "
        "[",
        body.channels && body.channels <= 256 ? body.channels : 1);
    mlc_put(&d.text, body.text.data, body.text.size);
    mlc_print(&d.text, "\n  ]\n}\n");
    mlc_put(&d.text, "", 1);
    d.text.failed |= body.text.failed;
    free(body.text.data);
    *certain = body.certain && body.layers > 0;
    if (!d.text.failed)
        return (char *)d.text.data;
    free(d.text.data);
    return NULL;
}

mlc_status mlc_draft(const char *path, char **text, mlc_error *error)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    uint8_t *bytes;
    mlc_status status;
    mlc_weights w;
    size_t size;
    int certain;

    *text = NULL;
    status = mlc_beside_read(path, name, &bytes, &size, error);
    if (status)
        return status;
    if (mlc_kind_of(bytes, size, error) != MLC_KIND_WEIGHTS)
        status = mlc_fail(error, MLC_UNSUPPORTED, "not weights alone");
    else
        status = mlc_weights_read(&w, bytes, size, error);
    if (!status) {
        *text = mlc_draft_of(&w, name, &certain);
        if (!*text)
            status = mlc_fail(error, MLC_MEMORY, "out of memory");
        mlc_weights_free(&w);
    }
    free(bytes);
    return status;
}
