/*
 * rtneural_import.c - an RTNeural or AIDA-X file to a graph.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rtneural.h"

/* The last of in_shape; of four (batch, time, features, channels) the product
   of the last two. */
static int in_shape(rtn_import *m, const mlc_field *f)
{
    mlc_field last[2] = {*f, *f};
    uint32_t n = 0, features = 1, channels;
    mlc_json_range at;
    mlc_json r;

    mlc_doc_reader(&m->doc, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return mlc_doc_expected(&m->doc, f, "an array");
    mlc_doc_first(&m->doc, f, &r);
    while (mlc_doc_next(&r, &at)) {
        last[0].at = last[1].at;
        last[1].at = at;
        n++;
    }
    if (n < 1 || n > 4)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f->key,
                            "expected 1 to 4 sizes, got %u", n);
    if (!mlc_doc_u32(&m->doc, &last[1], 1, RTN_MAX_INPUTS, &channels) ||
        (n == 4 &&
         !mlc_doc_u32(&m->doc, &last[0], 1, RTN_MAX_INPUTS, &features)))
        return 0;
    m->inputs = features * channels;
    m->channels = n == 4 ? channels : m->inputs;
    if (m->inputs > RTN_MAX_INPUTS)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f->key,
                            "%u inputs (at most %u are supported)", m->inputs,
                            RTN_MAX_INPUTS);
    return 1;
}

/* No more than layers: every input is a signal, the rate is the host's. */
static int plain(rtn_import *m)
{
    rtn_signal x = {IR_NONE, m->inputs, m->channels};

    x.id = ir_input(m->doc.g, "in", 1, &m->inputs);
    if (!rtn_layers(m, &x))
        return 0;
    if (x.width > RTN_MAX_WIDTH)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, "layers", "too wide");
    ir_output(m->doc.g, "out", x.id);
    ir_set_meta(m->doc.g, "source", "RTNeural JSON");
    return 1;
}

static int whole(rtn_import *m, size_t size)
{
    enum { IN_SHAPE, LAYERS, AIDAX, FIELDS = AIDAX + RTN_AIDAX_FIELDS };
    mlc_field f[FIELDS] = {{"in_shape", {0, 0}},    {"layers", {0, 0}},
                           {"in_skip", {0, 0}},     {"in_gain", {0, 0}},
                           {"out_gain", {0, 0}},    {"metadata", {0, 0}},
                           {"input_batch", {0, 0}}, {"output_batch", {0, 0}}};
    mlc_json r;

    mlc_json_open(&r, m->doc.text, size);
    if (!mlc_doc_object(&m->doc, NULL, (mlc_json_range){r.at, size}, f,
                        FIELDS) ||
        !in_shape(m, &f[IN_SHAPE]))
        return 0;
    m->layers = f[LAYERS];
    if (!rtn_is_aidax(m, f + AIDAX))
        return plain(m);
    return rtn_aidax(m, f + AIDAX) && rtn_conformance(m, f + AIDAX);
}

mlc_status mlc_import_rtneural(const uint8_t *bytes, size_t size,
                               const mlc_options *options, mlc_image *image,
                               mlc_error *error)
{
    rtn_import m;
    mlc_status status;

    memset(&m, 0, sizeof m);
    m.doc.text = bytes;
    m.doc.g = ir_new(MLI_STREAM);
    if (!m.doc.g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    if (!whole(&m, size)) {
        ir_free(m.doc.g);
        return mlc_fail(error, m.doc.status, "%s", m.doc.error);
    }
    m.doc.g->parameters = m.parameters;
    status = mlc_finish(m.doc.g, options, image, error);
    if (status == MLC_OK)
        mlc_doc_report(&m.doc, image);
    return status;
}
