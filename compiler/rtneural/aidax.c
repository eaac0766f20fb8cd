/*
 * aidax.c - what AIDA-X adds to RTNeural's JSON: gains and a skip around the
 * layers, knobs as further inputs, metadata, and often a batch of input and
 * output that the layers can be held against.
 *
 *     x' = in_gain * x      y = out_gain * (layers(x', knobs) [+ x'])
 *
 * as the plugin computes it (src/aidadsp-plugin.cpp of AIDA-X, applyModel). The
 * model begins in the zero state, in which the batch was made; the plugin runs
 * 2048 frames of silence first, which a player can do as well.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "image.h"
#include "rtneural.h"

#define MAX_KNOBS    16u
#define MAX_BATCH    (1u << 20) /* numbers */
#define BATCH_CLOSE  1e-4       /* of full scale: rounding */
#define BATCH_WRONG  1e-2       /* of full scale: another model */
#define DEFAULT_RATE 48000.

int rtn_is_aidax(const rtn_import *m, const mlc_field *fields)
{
    for (int i = 0; i < RTN_AIDAX_FIELDS; i++)
        if (mlc_doc_present(&m->doc, &fields[i]))
            return 1;
    return 0;
}

/* -------------------------------------------------------------- graph ---- */

/* dB to a factor; absent: 1. -90 dB and less is silence, as in the plugin. */
static int gain(rtn_import *m, const mlc_field *f, float *factor)
{
    float db = 0;

    if (!mlc_doc_may_float(&m->doc, f, &db))
        return 0;
    if (db > 120)
        return mlc_doc_expected(&m->doc, f, "a gain in dB");
    *factor = db > -90 ? (float)pow(10, db / 20.) : 0;
    return 1;
}

/* Sound and knobs side by side. */
static ir_id inputs(rtn_import *m, ir_id *sound, float in_gain)
{
    const uint32_t one = 1;
    ir_id all[1 + MAX_KNOBS];
    float zero = 0;
    char name[16];

    *sound = ir_input(m->doc.g, "in", 1, &one);
    if (in_gain != 1)
        *sound = ir_affine(m->doc.g, *sound, 1, &in_gain, &zero);
    all[0] = *sound;
    for (uint32_t i = 1; i < m->inputs; i++) {
        snprintf(name, sizeof name, "param%u", i);
        all[i] = ir_control(m->doc.g, name, 1, &one);
        ir_channel_info(m->doc.g, 0, NULL, 0, 1, 0);
    }
    return ir_concat(m->doc.g, all, m->inputs, 0);
}

static int read_rate(rtn_import *m, const mlc_field *f, double *rate)
{
    char text[32];

    *rate = DEFAULT_RATE;
    if (!mlc_doc_may_show(&m->doc, f, text, sizeof text))
        return 0;
    if (!text[0]) {
        mlc_doc_note(&m->doc, "the file does not say its sample rate: 48000 Hz "
                              "by convention");
        return 1;
    }
    *rate = strtod(text, NULL);
    if (*rate >= 1 && *rate <= 10e6)
        return 1;
    return mlc_doc_expected(&m->doc, f, "a sample rate in Hz");
}

static int metadata(rtn_import *m, const mlc_field *f)
{
    static const char *const keys[][2] = {
        {"name", "name"},       {"author", "author"}, {"license", "licence"},
        {"based", "gear_make"}, {"style", "style"},   {"dataset", "dataset"},
        {"esr", "esr"}};
    enum { KEYS = sizeof keys / sizeof *keys };
    mlc_field in[KEYS + 1] = {{NULL, {0, 0}}};
    char text[256];
    size_t mark;
    int ok;

    for (int i = 0; i < KEYS; i++)
        in[i].key = keys[i][0];
    in[KEYS].key = "samplerate";
    if (mlc_doc_present(&m->doc, f) &&
        !mlc_doc_object(&m->doc, f->key, f->at, in, KEYS + 1))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", f->key);
    ok = read_rate(m, &in[KEYS], &m->doc.g->rate);
    for (int i = 0; ok && i < KEYS; i++) {
        ok = mlc_doc_may_show(&m->doc, &in[i], text, sizeof text);
        if (ok && text[0])
            ir_set_meta(m->doc.g, keys[i][1], text);
    }
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

static int sizes(rtn_import *m, const rtn_signal *x)
{
    if (m->inputs > 1 + MAX_KNOBS)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, "in_shape",
                            "expected at most %u inputs, got %u", 1 + MAX_KNOBS,
                            m->inputs);
    if (x->width > RTN_MAX_INPUTS)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, "layers",
                            "%u outputs (at most %u are supported)", x->width,
                            RTN_MAX_INPUTS);
    return 1;
}

int rtn_aidax(rtn_import *m, const mlc_field *fields)
{
    float in_gain = 1, out_gain = 1, skip = 0, zero = 0;
    rtn_signal x = {IR_NONE, m->inputs, m->inputs};
    ir_graph *g = m->doc.g;
    ir_id sound;

    if (!gain(m, &fields[RTN_IN_GAIN], &in_gain) ||
        !gain(m, &fields[RTN_OUT_GAIN], &out_gain) ||
        !mlc_doc_may_float(&m->doc, &fields[RTN_IN_SKIP], &skip) ||
        !metadata(m, &fields[RTN_METADATA]) || !sizes(m, &x))
        return 0;
    if (skip != 0 && skip != 1)
        return mlc_doc_expected(&m->doc, &fields[RTN_IN_SKIP], "0 or 1");
    x.id = inputs(m, &sound, in_gain);
    if (!rtn_layers(m, &x) || !sizes(m, &x))
        return 0;
    if (skip == 1)
        x.id = ir_binary(g, MLI_ADD, x.id, sound);
    if (out_gain != 1)
        x.id = ir_affine(g, x.id, 1, &out_gain, &zero);
    ir_output(g, "out", x.id);
    ir_set_meta(g, "source", "AIDA-X");
    if (m->inputs > 1)
        mlc_doc_note(&m->doc,
                     "%u knob%s from 0 to 1 in the input: control%s "
                     "param1%s",
                     m->inputs - 1, m->inputs > 2 ? "s" : "",
                     m->inputs > 2 ? "s" : "", m->inputs > 2 ? " and on" : "");
    return 1;
}

/* -------------------------------------------------------- conformance ---- */

typedef struct batch {
    float *x, *y; /* owned; x: [frames][width], y: [frames] */
    uint32_t frames, width;
} batch;

static int read_batch(rtn_import *m, const mlc_field *fields, batch *b)
{
    mlc_doc_array x, y;

    if (!mlc_doc_shape(&m->doc, &fields[RTN_INPUT_BATCH], &x) ||
        !mlc_doc_shape(&m->doc, &fields[RTN_OUTPUT_BATCH], &y))
        return 0;
    if (x.rank < 1 || x.count > MAX_BATCH || x.count % y.count ||
        (x.count / y.count != 1 && x.count / y.count != m->inputs))
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, fields[RTN_OUTPUT_BATCH].key,
                            "expected as many frames as input_batch has "
                            "(%llu numbers), got %llu",
                            (unsigned long long)x.count,
                            (unsigned long long)y.count);
    b->frames = (uint32_t)y.count;
    b->width = (uint32_t)(x.count / y.count);
    b->x = mlc_doc_numbers(&m->doc, &fields[RTN_INPUT_BATCH], &x);
    b->y = mlc_doc_numbers(&m->doc, &fields[RTN_OUTPUT_BATCH], &y);
    return b->x && b->y;
}

/* The layers alone, all inputs as signals. */
static mlc_status layers_alone(rtn_import *m, mlc_image *image,
                               mlc_error *error)
{
    rtn_import alone = *m;
    rtn_signal x = {IR_NONE, m->inputs, m->inputs};

    alone.doc.g = ir_new(MLI_STREAM);
    if (!alone.doc.g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    x.id = ir_input(alone.doc.g, "in", 1, &m->inputs);
    if (!rtn_layers(&alone, &x)) {
        ir_free(alone.doc.g);
        return mlc_fail(error, alone.doc.status, "%s", alone.doc.error);
    }
    ir_output(alone.doc.g, "out", x.id);
    return mlc_finish(alone.doc.g, NULL, image, error);
}

/* What the layers make of the batch's input; y: room for its frames. */
static int run(const mlc_image *image, const batch *b, uint32_t inputs,
               float *y)
{
    enum { FRAMES = 64 };
    float frame[1 + MAX_KNOBS][FRAMES] = {{0}}, other[RTN_MAX_INPUTS][FRAMES];
    const float *in[1 + MAX_KNOBS];
    float *out[RTN_MAX_INPUTS];
    mli_session *s;
    mli_memory need;
    mli_model model;
    mli_info info;
    void *state = NULL, *arena = NULL;
    int ok = mli_open(&model, image->bytes, image->size, NULL) == MLI_OK &&
             mli_sizes(&model, 64, &need) == MLI_OK;

    if (ok) {
        state = mlc_aligned(need.state_bytes);
        arena = mlc_aligned(need.arena_bytes);
        ok = state && arena &&
             mli_start(&model, mli_kernels_find(NULL), 64, state, arena, &s) ==
                 MLI_OK;
    }
    if (ok)
        mli_get_info(&model, &info);
    for (uint32_t i = 0; i < 1 + MAX_KNOBS; i++)
        in[i] = frame[i];
    for (uint32_t i = 0; i < RTN_MAX_INPUTS; i++)
        out[i] = other[i];
    for (uint32_t at = 0; ok && at < b->frames; at += FRAMES) {
        uint32_t n = b->frames - at < FRAMES ? b->frames - at : FRAMES;

        for (uint32_t t = 0; t < n; t++)
            for (uint32_t i = 0; i < b->width && i < inputs; i++)
                frame[i][t] = b->x[(size_t)(at + t) * b->width + i];
        out[0] = y + at;
        mli_process(s, in, out, n);
    }
    free(state);
    free(arena);
    return ok;
}

/* Largest difference in parts of full scale. The skip is not in the batch of
   most files; where it is, it counts as right too. */
static double difference(const batch *b, const float *y, int skip)
{
    double plain = 0, skipped = 0, top = 1e-9;

    for (uint32_t t = 0; t < b->frames; t++) {
        double e = fabs((double)y[t] - b->y[t]);
        double s = fabs((double)y[t] + b->x[(size_t)t * b->width] - b->y[t]);

        if (!(e <= plain))
            plain = e;
        if (!(s <= skipped))
            skipped = s;
        if (fabs(b->y[t]) > top)
            top = fabs(b->y[t]);
    }
    return (skip && skipped < plain ? skipped : plain) / top;
}

static int judge(rtn_import *m, double worst)
{
    if (worst <= BATCH_WRONG)
        mlc_doc_note(&m->doc,
                     "%s with the batch in the file: largest difference %.2g "
                     "of full scale",
                     worst <= BATCH_CLOSE ? "agrees" : "does not quite agree",
                     worst);
    else
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "output_batch",
                            "the layers do not make it from input_batch "
                            "(largest difference %.2g of full scale, expected "
                            "at most %g): the file is damaged or was edited",
                            worst, BATCH_WRONG);
    return 1;
}

int rtn_conformance(rtn_import *m, const mlc_field *fields)
{
    batch b = {NULL, NULL, 0, 0};
    mlc_image image = {0};
    mlc_error error;
    float *y = NULL;
    int ok;

    if (!mlc_doc_present(&m->doc, &fields[RTN_INPUT_BATCH]) ||
        !mlc_doc_present(&m->doc, &fields[RTN_OUTPUT_BATCH]))
        return 1;
    ok = read_batch(m, fields, &b);
    if (ok && layers_alone(m, &image, &error) != MLC_OK)
        ok = mlc_doc_fail(&m->doc, error.status, NULL, "%s", error.text);
    if (ok)
        y = malloc(b.frames * sizeof *y);
    if (ok && (!y || !run(&image, &b, m->inputs, y)))
        ok = mlc_doc_no_memory(&m->doc);
    if (ok)
        ok = judge(
            m,
            difference(&b, y, mlc_doc_present(&m->doc, &fields[RTN_IN_SKIP])));
    free(y);
    free(b.x);
    free(b.y);
    mlc_image_free(&image);
    return ok;
}
