/*
 * import.c - a .nam file to a graph: version, architecture, rate, metadata.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "formats.h"
#include "nam.h"

/* ------------------------------------------------------------ version ---- */

static int version_number(const char **text, uint32_t *value)
{
    const char *p = *text;

    *value = 0;
    while (*p >= '0' && *p <= '9' && *value < 100000)
        *value = *value * 10 + (uint32_t)(*p++ - '0');
    if (p == *text)
        return 0;
    *text = p;
    return 1;
}

/* 0.5.0 to 0.7.x; files of a larger patch number can be read, say the makers of
   the format. */
static int check_version(nam_import *m, const mlc_field *f, char *version,
                         size_t room)
{
    uint32_t major, minor, patch;
    const char *p = version;

    if (!mlc_doc_text(&m->doc, f, version, room))
        return 0;
    if (!version_number(&p, &major) || *p++ != '.' ||
        !version_number(&p, &minor) || *p++ != '.' ||
        !version_number(&p, &patch) || *p)
        return mlc_doc_expected(&m->doc, f, "three numbers such as \"0.5.4\"");
    if (major > 0 || minor > 7)
        return mlc_doc_fail(
            &m->doc, MLC_NEWER, f->key,
            "expected 0.5.0 to 0.7.x, got %s: this file is newer "
            "than this program",
            version);
    if (minor < 5)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f->key,
                            "expected 0.5.0 to 0.7.x, got %s: export the model "
                            "again with a current trainer",
                            version);
    if (minor == 7 && patch > 0)
        mlc_doc_note(&m->doc, "version %s is newer than 0.7.0: read as 0.7.0",
                     version);
    return 1;
}

/* -------------------------------------------------------------- parts ---- */

static int read_weights(nam_import *m, const mlc_field *f, nam_model *model)
{
    mlc_json r;

    mlc_doc_reader(&m->doc, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return mlc_doc_expected(&m->doc, f, "an array of numbers");
    model->weight_count = mlc_json_count(&r);
    model->weights = malloc((model->weight_count + 1) * sizeof(float));
    if (!model->weights)
        return mlc_doc_no_memory(&m->doc);
    if (!mlc_json_floats(&r, model->weights, model->weight_count,
                         &model->weight_count))
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f->key, "%s", r.error);
    m->parameters += model->weight_count;
    return 1;
}

/* null and negative numbers: unknown, as in NeuralAmpModelerCore */
static int read_rate(nam_import *m, const mlc_field *f, nam_model *model)
{
    if (!mlc_doc_present(&m->doc, f))
        return 1;
    if (!mlc_doc_double(&m->doc, f, &model->rate))
        return 0;
    if (model->rate > 10e6)
        return mlc_doc_expected(&m->doc, f, "a sample rate in Hz");
    if (!(model->rate >= 1))
        model->rate = 0;
    return 1;
}

int nam_input(nam_import *m, const char *key, uint32_t channels, nam_signal *in)
{
    if (m->input == IR_NONE) {
        mlc_doc_at(&m->doc, "in");
        m->input = ir_input(m->doc.g, "in", 1, &channels);
        m->input_channels = channels;
    } else if (channels != m->input_channels) {
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, key,
                            "expected %u, as the model around it, got %u",
                            m->input_channels, channels);
    }
    *in = (nam_signal){m->input, channels};
    return 1;
}

/* -------------------------------------------------------------- model ---- */

static const struct {
    const char *name;
    int (*build)(nam_import *m, nam_model *model, nam_signal *out);
} known[] = {{"WaveNet", nam_wavenet},
             {"LSTM", nam_lstm},
             {"ConvNet", nam_convnet},
             {"Linear", nam_linear},
             {"SlimmableContainer", nam_container}};

const char *mlc_nam_architecture(size_t i)
{
    return i < sizeof known / sizeof *known ? known[i].name : NULL;
}

static int build(nam_import *m, const mlc_field *architecture, nam_model *model,
                 nam_signal *out)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, model->architecture))
            return known[i].build(m, model, out);
    return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, architecture->key,
                        "expected WaveNet, LSTM, ConvNet, Linear or "
                        "SlimmableContainer, got \"%s\"",
                        model->architecture);
}

int nam_build(nam_import *m, const char *key, mlc_json_range json,
              nam_model *model, nam_signal *out)
{
    enum { VERSION, ARCHITECTURE, CONFIG, WEIGHTS, RATE, METADATA, FIELDS };
    mlc_field f[FIELDS] = {{"version", {0, 0}},     {"architecture", {0, 0}},
                           {"config", {0, 0}},      {"weights", {0, 0}},
                           {"sample_rate", {0, 0}}, {"metadata", {0, 0}}};
    size_t mark = strlen(m->doc.prefix);
    int ok;

    memset(model, 0, sizeof *model);
    if (m->nested == NAM_MAX_NESTED)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, key,
                            "models inside models more than %u deep",
                            NAM_MAX_NESTED);
    if (!mlc_doc_object(&m->doc, key, json, f, FIELDS))
        return 0;
    if (key)
        mark = mlc_doc_enter(&m->doc, "%s.", key);
    m->nested++;
    ok = check_version(m, &f[VERSION], model->version, sizeof model->version) &&
         mlc_doc_text(&m->doc, &f[ARCHITECTURE], model->architecture,
                      sizeof model->architecture) &&
         read_rate(m, &f[RATE], model) && read_weights(m, &f[WEIGHTS], model);
    model->config = f[CONFIG];
    model->metadata = f[METADATA];
    snprintf(model->made_of, sizeof model->made_of, "%s %s",
             model->architecture, model->version);
    ok = ok && build(m, &f[ARCHITECTURE], model, out);
    free(model->weights);
    model->weights = NULL;
    m->nested--;
    mlc_doc_leave(&m->doc, mark);
    return ok && m->doc.status == MLC_OK;
}

/* ----------------------------------------------------------- metadata ---- */

/* The text of a member. number: it must be one. */
static int member_text(nam_import *m, const mlc_field *f, int number,
                       char *text, size_t room)
{
    if (number && mlc_doc_present(&m->doc, f) &&
        mlc_doc_type(&m->doc, f->at) != MLC_JSON_NUMBER)
        return mlc_doc_expected(&m->doc, f, "a number or null");
    return mlc_doc_may_show(&m->doc, f, text, room);
}

static int metadata(nam_import *m, const mlc_field *outer,
                    const mlc_field *inner)
{
    static const struct {
        const char *theirs, *ours;
        int number;
    } keys[] = {{"name", "name", 0},
                {"modeled_by", "author", 0},
                {"gear_make", "gear_make", 0},
                {"gear_model", "gear_model", 0},
                {"gear_type", "gear_type", 0},
                {"tone_type", "tone_type", 0},
                {"loudness", "loudness", 1},
                {"input_level_dbu", "input_level_dbu", 1},
                {"output_level_dbu", "output_level_dbu", 1}};
    enum { KEYS = sizeof keys / sizeof *keys };
    mlc_field f[KEYS] = {{NULL, {0, 0}}};
    const mlc_field *from[2] = {inner, outer}; /* the outer one counts */
    char text[256];

    for (int i = 0; i < KEYS; i++)
        f[i].key = keys[i].theirs;
    for (int i = 0; i < 2; i++)
        if (mlc_doc_present(&m->doc, from[i]) &&
            !mlc_doc_object(&m->doc, "metadata", from[i]->at, f, KEYS))
            return 0;
    mlc_doc_enter(&m->doc, "metadata.");
    for (int i = 0; i < KEYS; i++) {
        if (!member_text(m, &f[i], keys[i].number, text, sizeof text))
            return 0;
        if (text[0])
            ir_set_meta(m->doc.g, keys[i].ours, text);
    }
    mlc_doc_leave(&m->doc, 0);
    return 1;
}

/* --------------------------------------------------------------- file ---- */

static int whole(nam_import *m, size_t size)
{
    nam_signal out = {IR_NONE, 0};
    char source[208];
    nam_model model;
    mlc_json r;

    mlc_json_open(&r, m->doc.text, size);
    if (!nam_build(m, NULL, (mlc_json_range){r.at, size}, &model, &out))
        return 0;
    if (out.channels > NAM_MAX_PORTS)
        return mlc_doc_fail(
            &m->doc, MLC_UNSUPPORTED, NULL,
            "the model has %u outputs (at most %u are supported)", out.channels,
            NAM_MAX_PORTS);
    mlc_doc_at(&m->doc, "out");
    ir_output(m->doc.g, "out", out.id);
    snprintf(source, sizeof source, ".nam %s", model.made_of);
    ir_set_meta(m->doc.g, "source", source);
    m->doc.g->rate = model.rate;
    if (model.rate == 0) {
        m->doc.g->rate = 48000;
        mlc_doc_note(&m->doc,
                     "the file does not say its sample rate: 48000 Hz by "
                     "convention");
    }
    m->doc.g->prewarm = model.prewarm;
    m->doc.g->parameters = m->parameters;
    return metadata(m, &model.metadata, &model.inner_metadata);
}

mlc_status mlc_import_nam(const uint8_t *bytes, size_t size,
                          const mlc_options *options, mlc_image *image,
                          mlc_error *error)
{
    nam_import m;
    mlc_status status;
    int ok;

    memset(&m, 0, sizeof m);
    m.doc.text = bytes;
    m.input = IR_NONE;
    m.doc.g = ir_new(MLI_STREAM);
    if (!m.doc.g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    ok = whole(&m, size);
    if (m.unknown[0]) {
        ir_free(m.doc.g);
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "activations that are not supported: %s", m.unknown);
    }
    if (!ok) {
        ir_free(m.doc.g);
        return mlc_fail(error, m.doc.status, "%s", m.doc.error);
    }
    ir_at(m.doc.g, NULL);
    status = mlc_finish(m.doc.g, options, image, error);
    if (status == MLC_OK)
        mlc_doc_report(&m.doc, image);
    return status;
}
