/*
 * container.c - SlimmableContainer: one capture in several sizes, each a whole
 * model. The largest, the last one, is taken: it is what the reference plays
 * unless its user asks for less.
 */
#include <stdio.h>
#include <string.h>
#include "nam.h"

typedef struct size_of_model {
    double up_to; /* its max_value */
    mlc_json_range model;
} size_of_model;

static int read_size(nam_import *m, const char *key, mlc_json_range at,
                     size_of_model *size)
{
    mlc_field f[2] = {{"max_value", {0, 0}}, {"model", {0, 0}}};
    double last = size->up_to;
    size_t mark;
    int ok;

    if (!mlc_doc_object(&m->doc, key, at, f, 2))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", key);
    ok = mlc_doc_double(&m->doc, &f[0], &size->up_to);
    if (ok && !(size->up_to > last))
        ok = mlc_doc_fail(&m->doc, MLC_CORRUPT, f[0].key,
                          "expected more than %g, got %g", last, size->up_to);
    if (ok && !mlc_doc_present(&m->doc, &f[1]))
        ok = mlc_doc_expected(&m->doc, &f[1], "a model");
    mlc_doc_leave(&m->doc, mark);
    size->model = f[1].at;
    return ok;
}

int nam_container(nam_import *m, nam_model *model, nam_signal *out)
{
    mlc_field sizes = {"submodels", {0, 0}};
    size_of_model size = {-1e300, {0, 0}};
    nam_model inner;
    mlc_json_range at;
    uint32_t count;
    char key[32];
    mlc_json r;

    if (!mlc_doc_object(&m->doc, "config", model->config.at, &sizes, 1) ||
        !mlc_doc_length(&m->doc, &sizes, NAM_MAX_STACKS, &count) ||
        !nam_check_weights(m, model, 0))
        return 0;
    mlc_doc_first(&m->doc, &sizes, &r);
    for (uint32_t i = 0; mlc_doc_next(&r, &at); i++) {
        snprintf(key, sizeof key, "submodels[%u]", i);
        if (!read_size(m, key, at, &size))
            return 0;
    }
    if (size.up_to < 1)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, key,
                            "expected a last max_value of 1 or more, got %g",
                            size.up_to);
    if (!nam_build(m, key, size.model, &inner, out))
        return 0;
    if (model->rate && inner.rate && model->rate != inner.rate)
        return mlc_doc_fail(
            &m->doc, MLC_CORRUPT, key,
            "expected a sample_rate of %g, as around it, got %g", model->rate,
            inner.rate);
    if (!model->rate)
        model->rate = inner.rate;
    model->prewarm = inner.prewarm;
    model->inner_metadata = mlc_doc_present(&m->doc, &inner.metadata)
                                ? inner.metadata
                                : inner.inner_metadata;
    snprintf(model->made_of, sizeof model->made_of, "%.32s %.23s, %.120s",
             model->architecture, model->version, inner.made_of);
    if (count > 1)
        mlc_doc_note(&m->doc, "%sthe largest of %u sizes is used",
                     m->doc.prefix, count);
    return 1;
}
