/*
 * guitarml_import.c - files of GuitarML's plugins to a graph.
 */
#include <stdio.h>
#include <string.h>
#include "formats.h"
#include "guitarml/guitarml.h"

ir_id gml_inputs(mlc_doc *d, uint32_t inputs, ir_id *sound)
{
    static const char *const names[] = {"gain", "master"}; /* NeuralPi's */
    const uint32_t one = 1;
    ir_id all[1 + GML_MAX_KNOBS];
    char name[16];

    *sound = all[0] = ir_input(d->g, "in", 1, &one);
    for (uint32_t i = 1; i < inputs && i <= GML_MAX_KNOBS; i++) {
        snprintf(name, sizeof name, "knob%u", i);
        all[i] = ir_control(d->g, i <= 2 ? names[i - 1] : name, 1, &one);
        ir_channel_info(d->g, 0, NULL, 0, 1, 0.5f);
    }
    if (inputs > 1)
        mlc_doc_note(d, "%u knob%s from 0 to 1 in the input: control%s %s",
                     inputs - 1, inputs > 2 ? "s" : "", inputs > 2 ? "s" : "",
                     inputs == 2   ? "gain"
                     : inputs == 3 ? "gain and master"
                                   : "gain, master, knob3 ...");
    return ir_concat(d->g, all, inputs, 0);
}

const char *mlc_guitarml_model(size_t i)
{
    static const char *const models[] = {
        "Proteus and NeuralPi (LSTM, GRU, RNN)",
        "SmartGuitarAmp and SmartGuitarPedal (WaveNet)"};

    return i < sizeof models / sizeof *models ? models[i] : NULL;
}

static int whole(mlc_doc *d, size_t size)
{
    mlc_field f[2] = {{"model_data", {0, 0}}, {"variables", {0, 0}}};
    mlc_json_range file;
    mlc_json r;

    mlc_json_open(&r, d->text, size);
    file = (mlc_json_range){r.at, size};
    if (!mlc_doc_object(d, NULL, file, f, 2))
        return 0;
    mlc_doc_note(d, "the file does not say its sample rate: 44100 Hz by "
                    "convention");
    d->g->rate = GML_RATE;
    return mlc_doc_present(d, &f[0]) ? gml_recurrent(d, file)
                                     : gml_wavenet(d, file);
}

mlc_status mlc_import_guitarml(const uint8_t *bytes, size_t size,
                               const mlc_options *options, mlc_image *image,
                               mlc_error *error)
{
    mlc_doc d = {.text = bytes, .g = ir_new(MLI_STREAM)};
    mlc_status status;

    if (!d.g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    if (!whole(&d, size)) {
        ir_free(d.g);
        return mlc_fail(error, d.status, "%s", d.error);
    }
    ir_at(d.g, NULL);
    status = mlc_finish(d.g, options, image, error);
    if (status == MLC_OK)
        mlc_doc_report(&d, image);
    return status;
}
