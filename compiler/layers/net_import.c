/*
 * net_import.c - a description of layers and its weights to a graph.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "beside.h"
#include "layers/draft.h"
#include "layers/net.h"

enum {
    MLINFER,
    WEIGHTS,
    MODE,
    WINDOW,
    HOP,
    RATE,
    INPUTS,
    LAYERS,
    OUTPUTS,
    NOTE,
    META,
    FIELDS = META + 5
};

static const char *const keys[FIELDS] = {
    "mlinfer", "weights", "mode",    "window",  "hop",
    "rate",    "inputs",  "layers",  "outputs", "note",
    "name",    "author",  "licence", "source",  "description"};

static int check_keys(net_import *n, mlc_json_range at)
{
    mlc_json r;

    mlc_doc_reader(&n->doc, at, &r);
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        uint32_t i = 0;

        while (i < FIELDS && strcmp(keys[i], r.key) != 0)
            i++;
        if (i == FIELDS)
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, NULL,
                                "a description has no \"%.60s\" (it has "
                                "mlinfer, weights, mode, window, hop, rate, "
                                "inputs, layers, outputs, note, name, author, "
                                "licence, source, description)",
                                r.key);
        mlc_json_skip(&r, NULL);
    }
    return 1;
}

static int head(net_import *n, const mlc_field *f)
{
    static const char *const modes[] = {"stream", "window", "step"};
    char mode[16] = "stream", text[512];
    ir_graph *g = n->doc.g;
    double version, rate = 0;
    int m = 0;

    if (!mlc_doc_double(&n->doc, &f[MLINFER], &version))
        return 0;
    if (version != 1)
        return mlc_doc_fail(&n->doc, version > 1 ? MLC_NEWER : MLC_CORRUPT,
                            "mlinfer", "expected 1, got %g%s", version,
                            version > 1 ? ": update mlinfer" : "");
    if (mlc_doc_present(&n->doc, &f[MODE]) &&
        !mlc_doc_text(&n->doc, &f[MODE], mode, sizeof mode))
        return 0;
    while (m < 3 && strcmp(modes[m], mode) != 0)
        m++;
    if (m == 3)
        return mlc_doc_expected(&n->doc, &f[MODE],
                                "\"stream\", \"window\" or \"step\"");
    n->mode = g->mode = (mli_mode)m;
    if (n->mode == MLI_WINDOW) {
        if (!mlc_doc_u32(&n->doc, &f[WINDOW], 1, NET_MAX_WINDOW, &n->window))
            return 0;
        g->window = g->hop = n->window;
        if (!mlc_doc_may_u32(&n->doc, &f[HOP], 1, n->window, &g->hop))
            return 0;
    }
    if (mlc_doc_present(&n->doc, &f[RATE])) {
        if (!mlc_doc_double(&n->doc, &f[RATE], &rate))
            return 0;
        if (!(rate >= 1 && rate <= 10e6))
            return mlc_doc_expected(&n->doc, &f[RATE], "a sample rate in Hz");
    }
    g->rate = rate;
    ir_set_meta(g, "source", "layers");
    for (int i = META; i < FIELDS; i++) {
        if (!mlc_doc_may_show(&n->doc, &f[i], text, sizeof text))
            return 0;
        if (text[0])
            ir_set_meta(g, keys[i], text);
    }
    return 1;
}

/* --------------------------------------------------------------- ports ---- */

/* An array of names: of the channels of the port made last. */
static int labels(net_import *n, const mlc_field *f, uint32_t channels,
                  float low, float high, float initial)
{
    mlc_json_range at;
    char text[128];
    uint32_t count = 0;
    mlc_json r;

    if (mlc_doc_present(&n->doc, f)) {
        if (!mlc_doc_length(&n->doc, f, channels, &count))
            return 0;
        mlc_doc_first(&n->doc, f, &r);
        for (uint32_t i = 0; mlc_doc_next(&r, &at); i++) {
            mlc_field one = {f->key, at};

            if (!mlc_doc_text(&n->doc, &one, text, sizeof text))
                return 0;
            ir_channel_info(n->doc.g, i, text, low, high, initial);
        }
    }
    for (uint32_t i = count; i < channels && (low || high || initial); i++)
        ir_channel_info(n->doc.g, i, NULL, low, high, initial);
    return 1;
}

static int input(net_import *n, mlc_json_range at, uint32_t index)
{
    mlc_field f[] = {{"name", {0, 0}},    {"channels", {0, 0}},
                     {"control", {0, 0}}, {"low", {0, 0}},
                     {"high", {0, 0}},    {"initial", {0, 0}},
                     {"labels", {0, 0}}};
    uint32_t channels = 1, dims[2];
    float low = 0, high = 0, initial = 0;
    char name[NET_NAME], key[32];
    net_signal x = {IR_NONE, 0};
    int control = 0;
    size_t mark;

    snprintf(key, sizeof key, "inputs[%u]", index);
    snprintf(name, sizeof name, index ? "in%u" : "in", index + 1);
    if (!mlc_doc_object(&n->doc, key, at, f, 7))
        return 0;
    mark = mlc_doc_enter(&n->doc, "%s.", key);
    if ((mlc_doc_present(&n->doc, &f[0]) &&
         !mlc_doc_text(&n->doc, &f[0], name, sizeof name)) ||
        !mlc_doc_may_u32(&n->doc, &f[1], 1, 256, &channels) ||
        !mlc_doc_may_bool(&n->doc, &f[2], &control) ||
        !mlc_doc_may_float(&n->doc, &f[3], &low) ||
        !mlc_doc_may_float(&n->doc, &f[4], &high) ||
        !mlc_doc_may_float(&n->doc, &f[5], &initial))
        return 0;
    dims[0] = n->window;
    dims[1] = channels;
    if (control)
        x.id = ir_control(n->doc.g, name, 1, &channels);
    else if (n->mode == MLI_WINDOW)
        x.id = ir_input(n->doc.g, name, 2, dims);
    else
        x.id = ir_input(n->doc.g, name, 1, &channels);
    if (!labels(n, &f[6], channels, low, high, initial) ||
        !net_name(n, name, x))
        return 0;
    mlc_doc_leave(&n->doc, mark);
    return 1;
}

/* What the first layer reads: all inputs side by side, in order. */
static void first_operand(net_import *n)
{
    uint32_t count = n->named_count, frames = 0;
    ir_id all[NET_MAX_FROM];

    for (uint32_t i = 0; i < count; i++)
        if (net_frames(n, n->named[i].x))
            frames = net_frames(n, n->named[i].x);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t dims[2] = {frames, net_width(n, n->named[i].x)};

        all[i] = n->named[i].x.id;
        if (frames && !net_frames(n, n->named[i].x))
            all[i] = ir_expand(n->doc.g, all[i], 2, dims);
    }
    n->last.id = ir_concat(n->doc.g, all, count, frames ? 1 : 0);
}

static int inputs(net_import *n, const mlc_field *f)
{
    const uint32_t dims[2] = {n->mode == MLI_WINDOW ? n->window : 1, 1};
    mlc_json_range at;
    net_signal x = {IR_NONE, 0};
    uint32_t count;
    mlc_json r;

    if (!mlc_doc_present(&n->doc, f)) {
        x.id = ir_input(n->doc.g, "in", n->mode == MLI_WINDOW ? 2 : 1, dims);
        if (!net_name(n, "in", x))
            return 0;
    } else {
        if (!mlc_doc_length(&n->doc, f, NET_MAX_FROM, &count))
            return 0;
        mlc_doc_first(&n->doc, f, &r);
        for (uint32_t i = 0; mlc_doc_next(&r, &at); i++)
            if (!input(n, at, i))
                return 0;
    }
    first_operand(n);
    if (n->doc.g->error[0])
        return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, f->key, "%s",
                            n->doc.g->error);
    return 1;
}

/* A name, or an object with more to say. */
static int output(net_import *n, mlc_json_range at, uint32_t index,
                  net_signal *x, mlc_field *more, char *name)
{
    mlc_field f[] = {{"from", {0, 0}},
                     {"name", {0, 0}},
                     {"labels", {0, 0}},
                     {"classes", {0, 0}}};
    mlc_field from = {"from", at};
    const net_signal *found;
    char key[32], source[NET_NAME];
    size_t mark;

    snprintf(key, sizeof key, "outputs[%u]", index);
    more[0] = f[2];
    more[1] = f[3];
    if (mlc_doc_type(&n->doc, at) == MLC_JSON_OBJECT) {
        if (!mlc_doc_object(&n->doc, key, at, f, 4))
            return 0;
        from = f[0];
        more[0] = f[2];
        more[1] = f[3];
    }
    mark = mlc_doc_enter(&n->doc, "%s.", key);
    *x = n->last;
    snprintf(name, NET_NAME, index ? "out%u" : "out", index + 1);
    if (mlc_doc_present(&n->doc, &from)) {
        if (!mlc_doc_text(&n->doc, &from, source, sizeof source))
            return 0;
        found = net_find(n, source);
        if (!found)
            return mlc_doc_fail(&n->doc, MLC_CORRUPT, "from",
                                "no layer is named \"%.120s\"", source);
        *x = *found;
        strcpy(name, source);
    }
    if (mlc_doc_present(&n->doc, &f[1]) &&
        !mlc_doc_text(&n->doc, &f[1], name, NET_NAME))
        return 0;
    mlc_doc_leave(&n->doc, mark);
    return 1;
}

static int outputs(net_import *n, const mlc_field *f)
{
    enum { MOST = 64 };
    net_signal x[MOST] = {n->last};
    mlc_field more[MOST][2];
    char name[MOST][NET_NAME] = {"out"};
    mlc_json_range at;
    uint32_t count = 1;
    int classes;
    mlc_json r;

    memset(more, 0, sizeof more);
    more[0][0].key = "labels";
    if (mlc_doc_present(&n->doc, f)) {
        if (!mlc_doc_length(&n->doc, f, MOST, &count))
            return 0;
        mlc_doc_first(&n->doc, f, &r);
        for (uint32_t i = 0; mlc_doc_next(&r, &at); i++)
            if (!output(n, at, i, &x[i], more[i], name[i]))
                return 0;
    }
    net_align(n, x, count);
    n->doc.g->latency = x[0].late;
    for (uint32_t i = 0; i < count; i++) {
        const ir_value *v = ir_get(n->doc.g, x[i].id);

        if (v && v->timed && (v->up != 1 || v->down != 1))
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "outputs",
                                "\"%.100s\" has %u frames for %u of the "
                                "input: the rates of the layers must come "
                                "back to the input's",
                                name[i], v->up, v->down);
        if (net_width(n, x[i]) > 1024)
            return mlc_doc_fail(&n->doc, MLC_UNSUPPORTED, "outputs",
                                "%u channels (at most 1024 are supported)",
                                net_width(n, x[i]));
        ir_output(n->doc.g, name[i], x[i].id);
        classes = 0;
        if (!labels(n, &more[i][0], net_width(n, x[i]), 0, 0, 0) ||
            !mlc_doc_may_bool(&n->doc, &more[i][1], &classes))
            return 0;
        if (classes)
            ir_classes(n->doc.g);
    }
    return 1;
}

/* ---------------------------------------------------------------- file ---- */

/* Said, because a forgotten layer is the most likely mistake. */
static void unused(net_import *n)
{
    char text[400] = "";
    uint32_t count = 0;
    size_t at = 0;

    for (uint32_t i = 0; n->w && i < n->w->count; i++) {
        const mlc_weight *t = &n->w->tensor[i];

        if (t->used || strstr(t->name, "num_batches_tracked"))
            continue;
        if (count < 5)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.70s",
                                   count ? ", " : "", t->name);
        count++;
    }
    if (count)
        mlc_doc_note(&n->doc, "%u tensor%s not used: %s%s", count,
                     count > 1 ? "s" : "", text, count > 5 ? " ..." : "");
}

static int layers(net_import *n, const mlc_field *f)
{
    mlc_json_range at;
    uint32_t count;
    mlc_json r;

    if (!mlc_doc_length(&n->doc, f, NET_MAX_LAYERS, &count))
        return 0;
    mlc_doc_first(&n->doc, f, &r);
    for (uint32_t i = 0; mlc_doc_next(&r, &at); i++)
        if (!net_build(n, at, i))
            return 0;
    return 1;
}

/* The tensors that the description names, in `w`. */
static int open_weights(net_import *n, const mlc_field *f, const char *path,
                        mlc_weights *w, uint8_t **bytes)
{
    char name[NET_NAME];
    mlc_error error;
    size_t size;

    if (n->w || !mlc_doc_present(&n->doc, f))
        return 1;
    if (!mlc_doc_text(&n->doc, f, name, sizeof name))
        return 0;
    if (mlc_beside_read(path, name, bytes, &size, &error) != MLC_OK)
        return mlc_doc_fail(&n->doc, error.status, f->key, "%s", error.text);
    if (mlc_weights_read(w, *bytes, size, &error) != MLC_OK)
        return mlc_doc_fail(&n->doc, error.status, NULL, "%.100s: %s", name,
                            error.text);
    n->w = w;
    return 1;
}

static int whole(net_import *n, size_t size, const char *path, mlc_weights *w,
                 uint8_t **bytes)
{
    mlc_field f[FIELDS] = {{NULL, {0, 0}}};
    mlc_json_range file;
    mlc_json r;

    for (int i = 0; i < FIELDS; i++)
        f[i].key = keys[i];
    mlc_json_open(&r, n->doc.text, size);
    file = (mlc_json_range){r.at, size};
    if (!mlc_doc_object(&n->doc, NULL, file, f, FIELDS) ||
        !check_keys(n, file) || !head(n, f) ||
        !open_weights(n, &f[WEIGHTS], path, w, bytes))
        return 0;
    n->doc.g->halves = n->w && mlc_weights_are_halves(n->w);
    if (!inputs(n, &f[INPUTS]) || !layers(n, &f[LAYERS]) ||
        !outputs(n, &f[OUTPUTS]))
        return 0;
    unused(n);
    return 1;
}

/* w: the tensors, NULL: those that the description names. */
static mlc_status import(const uint8_t *bytes, size_t size, const char *path,
                         mlc_weights *w, const mlc_options *options,
                         mlc_image *image, mlc_error *error)
{
    net_import n = {.doc = {.text = bytes, .g = ir_new(MLI_STREAM)}, .w = w};
    mlc_weights own = {0};
    uint8_t *file = NULL;
    mlc_status status;
    int ok;

    if (!n.doc.g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    n.last.id = IR_NONE;
    ok = whole(&n, size, path, &own, &file);
    for (uint32_t i = 0; i < n.named_count; i++)
        free(n.named[i].name);
    free(n.named);
    mlc_weights_free(&own);
    free(file);
    if (!ok) {
        ir_free(n.doc.g);
        return mlc_fail(error, n.doc.status, "%s", n.doc.error);
    }
    status = mlc_finish(n.doc.g, options, image, error);
    if (status == MLC_OK)
        mlc_doc_report(&n.doc, image);
    return status;
}

mlc_status mlc_import_layers(const uint8_t *bytes, size_t size,
                             const char *path, const mlc_options *options,
                             mlc_image *image, mlc_error *error)
{
    return import(bytes, size, path, NULL, options, image, error);
}

/* "a PyTorch checkpoint" ... */
static const char *container(const uint8_t *bytes, size_t size)
{
    if (size && bytes[0] == 'P')
        return "a PyTorch checkpoint";
    return mlc_is_safetensors(bytes, size) ? "a safetensors file"
                                           : "a state_dict as JSON";
}

mlc_status mlc_import_weights(const uint8_t *bytes, size_t size,
                              const mlc_options *options, mlc_image *image,
                              mlc_error *error)
{
    const char *what = container(bytes, size);
    mlc_weights w;
    mlc_error why;
    mlc_status status = mlc_weights_read(&w, bytes, size, &why);
    int certain = 0;
    char *draft;

    if (status)
        return mlc_fail(error, status, "%s: %.900s", what, why.text);
    draft = mlc_draft_of(&w, NULL, &certain);
    if (!draft)
        status = mlc_fail(error, MLC_MEMORY, "out of memory");
    else if (!certain || w.tensor[0].type != MLC_DIGITS)
        status = mlc_fail(error, MLC_UNSUPPORTED,
                          "%s: weights without a graph: describe its layers in "
                          "a JSON file beside it and open that "
                          "(docs/layers.md; \"mlinfer convert\" prints a first "
                          "draft), or export the model to ONNX",
                          what);
    else
        status = import((const uint8_t *)draft, strlen(draft), NULL, &w,
                        options, image, error);
    free(draft);
    mlc_weights_free(&w);
    return status;
}
