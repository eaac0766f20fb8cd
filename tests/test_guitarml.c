/*
 * test_guitarml.c - GuitarML's files against PyTorch and numpy, and what is
 * said of files that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler.h"
#include "stream_check.h"

static void golden(const char *name, const float *controls)
{
    check_golden("guitarml", name, "input.npy", controls);
}

static void goldens(void **state)
{
    const float knobs[] = {0.25f, 0.75f};

    (void)state;
    golden("lstm40", NULL);
    golden("gru", NULL);
    golden("rnn", NULL);
    golden("lstm_two_layers", NULL);
    golden("lstm_knob", knobs);
    golden("gru_two_knobs", knobs);
    golden("wavenet_gated", NULL);
    golden("wavenet_softgated", NULL);
    golden("wavenet_relu", NULL);
}

static void controls(void **state)
{
    char path[600];
    mlc_image image =
        load_model(golden_path(path, "guitarml/gru_two_knobs.json"));
    mli_channel c;
    mli_model model;
    mli_info info;
    mli_port port;

    (void)state;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_true(info.rate == 44100 && info.inputs == 3 &&
                info.in_channels == 1);
    mli_get_input(&model, 1, &port);
    mli_get_input_channel(&model, 1, 0, &c);
    assert_string_equal(port.name, "gain");
    assert_int_equal(port.kind, MLI_PORT_CONTROL);
    assert_true(c.low == 0 && c.high == 1 && c.initial == 0.5f);
    assert_non_null(strstr(image.report, "44100 Hz by convention"));
    mlc_image_free(&image);
}

#define DATA  "{\"model_data\": {\"hidden_size\": 1, \"unit_type\": \"RNN\"}, "
#define STACK "{\"residual_channels\": 1, \"filter_width\": 2, "
#define ONE   "\"dilations\": [1], \"activation\": \"tanh\", \"variables\": "

static const refusal wrongs[] = {
    {"{\"model_data\": 1}", MLC_CORRUPT, "model_data: expected an object"},
    {"{\"model_data\": {\"model\": \"GatedConvNet\"}}", MLC_UNSUPPORTED,
     "model_data.model: expected SimpleRNN, got \"GatedConvNet\""},
    {"{\"model_data\": {\"unit_type\": \"QRNN\"}}", MLC_UNSUPPORTED,
     "model_data.unit_type: expected LSTM, GRU or RNN"},
    {"{\"model_data\": {\"hidden_size\": 0}}", MLC_CORRUPT,
     "model_data.hidden_size: expected a whole number"},
    {"{\"model_data\": {\"hidden_size\": 1, \"skip\": 3}}", MLC_CORRUPT,
     "model_data.skip: expected a whole number from 0 to 1, got 3"},
    {DATA "\"state_dict\": []}", MLC_CORRUPT, "state_dict: expected an object"},
    {DATA "\"state_dict\": {}}", MLC_CORRUPT,
     "state_dict.rec.weight_ih_l0: missing"},
    {DATA "\"state_dict\": {\"rec.weight_ih_l0\": [[1, 2]]}}", MLC_CORRUPT,
     "rec.weight_ih_l0: expected [1, 1], got [1, 2]"},
    {DATA "\"state_dict\": {\"rec.weight_ih_l0\": [[]]}}", MLC_CORRUPT,
     "rec.weight_ih_l0: expected numbers, got an empty array"},
    {DATA "\"state_dict\": {\"rec.weight_ih_l0\": [[1]], "
          "\"rec.weight_hh_l0\": [[1]], \"rec.bias_ih_l0\": [1, 2]}}",
     MLC_CORRUPT, "rec.bias_ih_l0: expected [1], got [2]"},
    {DATA "\"state_dict\": {\"a\": [1], \"a\": [1]}}", MLC_CORRUPT,
     "two tensors are named a"},
    {STACK "\"dilations\": []}", MLC_CORRUPT, "activation: missing"},
    {STACK "\"activation\": \"tanh\", \"dilations\": []}", MLC_CORRUPT,
     "dilations: expected 1 to 4096 elements, got 0"},
    {STACK "\"activation\": \"tanh\", \"dilations\": [262144, 1]}",
     MLC_UNSUPPORTED, "dilations: looks back 262145 frames"},
    {STACK "\"activation\": \"wobble\", \"dilations\": [1]}", MLC_UNSUPPORTED,
     "activation: \"wobble\" is not supported"},
    {STACK ONE "[]}", MLC_CORRUPT, "variables: expected 1 to"},
    {STACK ONE "[{\"layer_idx\": 5, \"name\": \"W\"}]}", MLC_CORRUPT,
     "variables[0].layer_idx: expected -1 to the number of dilations, got 5"},
    {STACK ONE "[{\"layer_idx\": -1, \"name\": \"W\", \"data\": [1, 2]}]}",
     MLC_CORRUPT, "W of layer_idx -1: expected 1 numbers, got 2"},
    {STACK ONE "[{\"layer_idx\": -1, \"name\": \"W\", \"data\": [\"1\"]}]}",
     MLC_CORRUPT, "b of layer_idx -1: missing"},
};

static void errors(void **state)
{
    (void)state;
    check_refusals(wrongs, sizeof wrongs / sizeof *wrongs, mlc_import_guitarml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens),
        cmocka_unit_test(controls),
        cmocka_unit_test(errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
