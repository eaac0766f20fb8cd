/*
 * test_layers.c - descriptions of layers with weights as safetensors, PyTorch
 * state_dict and JSON: against PyTorch, and what is said of files that are
 * wrong.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, symlink */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "compiler.h"
#include "image.h"
#include "layers/weights.h"
#include "stream_check.h"

/* -------------------------------------------------------------- goldens ----
 */

static npy_array array(const char *name, const char *kind)
{
    char file[128];

    snprintf(file, sizeof file, "%s.%s.npy", name, kind);
    return golden_array("layers", file);
}

static mlc_image model(const char *name)
{
    char path[600], file[128];

    snprintf(file, sizeof file, "layers/%s.json", name);
    return load_model(golden_path(path, file));
}

static void golden(const char *name, uint32_t latency)
{
    npy_array x = array(name, "input"), y = array(name, "output");
    mlc_image image = model(name);
    mli_model m;
    mli_info info;
    double worst;

    assert_int_equal(mli_open(&m, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&m, &info);
    assert_int_equal(info.latency, latency);
    y.dims[0] -= latency;
    worst = stream_difference(&image, &x, &y, latency, NULL);
    printf("  %-12s %.2g of full scale\n", name, worst);
    if (!(worst <= CLOSE))
        fail_msg("%s: %g of full scale away", name, worst);
    npy_free(&x);
    npy_free(&y);
    mlc_image_free(&image);
}

static void streams(void **state)
{
    (void)state;
    golden("stack", 0);
    golden("recurrent", 0);
    golden("same", 2 + 5 + 1); /* 4 taps, dilation 3: 4 before, 5 after */
    golden("strided", 21);
    golden("mapping", 0); /* a step model */
}

static void window(void **state)
{
    npy_array x = array("window", "input"), y = array("window", "output");
    mlc_image image = model("window");
    void *memory, *arena;
    mli_session *s;
    mli_memory need;
    mli_model m;
    mli_channel c;
    mli_port port;
    float out[3];

    (void)state;
    assert_int_equal(mli_open(&m, image.bytes, image.size, NULL), MLI_OK);
    mli_get_output(&m, 0, &port);
    mli_get_output_channel(&m, 0, 1, &c);
    assert_true(port.classes && port.channels == 3);
    assert_string_equal(port.name, "kind");
    assert_string_equal(c.label, "bow");
    assert_int_equal(mli_sizes(&m, 64, &need), MLI_OK);
    memory = mlc_aligned(need.state_bytes);
    arena = mlc_aligned(need.arena_bytes);
    assert_int_equal(
        mli_start(&m, mli_kernels_find(NULL), 64, memory, arena, &s), MLI_OK);
    mli_run(s, (const float *const[]){x.data}, (float *const[]){out});
    for (int i = 0; i < 3; i++)
        assert_true(fabs(out[i] - y.data[i]) <= CLOSE);
    free(memory);
    free(arena);
    npy_free(&x);
    npy_free(&y);
    mlc_image_free(&image);
}

static void ports(void **state)
{
    mlc_image image = model("recurrent");
    mli_model m;
    mli_channel c;
    mli_info info;
    mli_port port;

    (void)state;
    assert_int_equal(mli_open(&m, image.bytes, image.size, NULL), MLI_OK);
    mli_get_input(&m, 1, &port);
    mli_get_input_channel(&m, 1, 0, &c);
    assert_int_equal(port.kind, MLI_PORT_CONTROL);
    assert_string_equal(port.name, "drive");
    assert_true(c.high == 1 && c.initial == 0.3f);
    mlc_image_free(&image);

    image = model("stack");
    assert_int_equal(mli_open(&m, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&m, &info);
    assert_true(info.rate == 44100 && info.parameters == 242);
    assert_string_equal(mli_get_meta(&m, "name"), "a stack");
    mlc_image_free(&image);

    image = model("mapping");
    assert_int_equal(mli_open(&m, image.bytes, image.size, NULL), MLI_OK);
    mli_get_info(&m, &info);
    mli_get_input_channel(&m, 0, 2, &c);
    assert_true(info.mode == MLI_STEP && c.low == -1);
    assert_string_equal(c.label, "z");
    mlc_image_free(&image);
}

/* ---------------------------------------------------------- real models ----
 */

static void real_state_dicts(void **state)
{
    const char *folder = real_models();

    (void)state;
    if (!folder) {
        printf("SKIP: the real models are not here (MLI_REAL_MODELS)\n");
        skip();
    }
    check_rtneural(folder, "conv1d_torch");
    check_rtneural(folder, "gru_torch");
    check_rtneural(folder, "lstm_torch");
}

/* ---------------------------------------------------------------- draft ----
 */

static void draft(void **state)
{
    char path[600], *text;
    mlc_image image;
    mlc_error error;

    (void)state;
    golden_path(path, "layers/recurrent.pt");
    assert_int_equal(mlc_load(path, NULL, &image, &error), MLC_UNSUPPORTED);
    assert_non_null(strstr(error.text, "weights without a graph"));
    assert_int_equal(mlc_draft(path, &text, &error), MLC_OK);
    assert_non_null(strstr(text, "\"weights\": \"recurrent.pt\""));
    assert_non_null(strstr(text, "{\"type\": \"lstm\", \"name\": "
                                 "\"state_dict.rec\", \"note\": \"2 -> 7, 2 "
                                 "layers\"},"));
    assert_non_null(strstr(text, "\"channels\": 2"));
    free(text);
    golden_path(path, "layers/window.safetensors");
    assert_int_equal(mlc_draft(path, &text, &error), MLC_OK);
    assert_non_null(strstr(text, "\"name\": \"c1\""));
    assert_non_null(strstr(text, "\"name\": \"fc\""));
    free(text);
    golden_path(path, "layers/stack.json");
    assert_int_equal(mlc_draft(path, &text, &error), MLC_UNSUPPORTED);
    assert_null(text);
}

/* --------------------------------------------------------------- errors ----
 */

static char folder[64] = "/tmp/mlinfer-layers-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static void in_folder(char *path, const char *name)
{
    snprintf(path, 200, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[200];
    FILE *f;

    in_folder(path, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"m.json", "w.json", "w.pt", "link"};
    char path[200];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        in_folder(path, names[i]);
        remove(path);
    }
    return rmdir(folder);
}

static void expect(const char *text, mlc_status status, const char *words)
{
    char path[200];
    mlc_image image;
    mlc_error error;
    mlc_status got;

    write_file("m.json", text, strlen(text));
    in_folder(path, "m.json");
    error.text[0] = '\0';
    got = mlc_load(path, NULL, &image, &error);
    if (got != status || !strstr(error.text, words))
        fail_msg("%s: %d \"%s\" lacks \"%s\"", text, got, error.text, words);
    assert_null(strchr(error.text, '\n'));
    mlc_image_free(&image);
}

typedef struct wrong {
    const char *text;
    mlc_status status;
    const char *words;
} wrong;

#define HEAD     "{\"mlinfer\": 1, \"weights\": \"w.json\", \"layers\": ["
#define LAYER(t) HEAD "{\"type\": \"" t "\", \"name\": "

static const char weights[] =
    "{\"c.weight\": [[[1, 2, 3]], [[4, 5, 6]]], \"c.bias\": [1, 2], "
    "\"l.weight\": [[1, 2]], \"l.bias\": [1, 2, 3], \"r.weight_ih_l0\": [[1], "
    "[1], [1], [1]], \"r.weight_hh_l0\": [[1, 1], [1, 1]], \"n.running_mean\": "
    "[1], \"n.running_var\": [-1], \"b.weight_ih_l0\": [[1]], "
    "\"b.weight_ih_l0_reverse\": [[1]], \"two\": [1, 2]}";

static const wrong wrongs[] = {
    {"{\"mlinfer\": 2}", MLC_NEWER, "mlinfer: expected 1, got 2"},
    {"{\"mlinfer\": \"x\"}", MLC_CORRUPT, "mlinfer: expected a number"},
    {"{\"mlinfer\": 1}", MLC_CORRUPT, "layers: missing (expected an array)"},
    {"{\"mlinfer\": 1, \"layer\": []}", MLC_UNSUPPORTED,
     "a description has no \"layer\""},
    {"{\"mlinfer\": 1, \"mode\": \"fast\"}", MLC_CORRUPT,
     "mode: expected \"stream\", \"window\" or \"step\""},
    {"{\"mlinfer\": 1, \"mode\": \"window\"}", MLC_CORRUPT, "window: missing"},
    {"{\"mlinfer\": 1, \"rate\": -1}", MLC_CORRUPT,
     "rate: expected a sample rate"},
    {"{\"mlinfer\": 1, \"weights\": \"../w.json\"}", MLC_CORRUPT,
     "weights: \"../w.json\" is outside of the model's folder"},
    {"{\"mlinfer\": 1, \"weights\": \"/etc/passwd\"}", MLC_CORRUPT,
     "weights: \"/etc/passwd\" is outside"},
    {"{\"mlinfer\": 1, \"weights\": \"link\"}", MLC_CORRUPT,
     "weights: \"link\" is outside of the model's folder"},
    {"{\"mlinfer\": 1, \"weights\": \".\"}", MLC_CORRUPT, "\".\""},
    {"{\"mlinfer\": 1, \"weights\": \"gone.pt\"}", MLC_NOT_FOUND,
     "\"gone.pt\" is not beside the model"},
    {"{\"mlinfer\": 1, \"weights\": \"m.json\"}", MLC_CORRUPT,
     "m.json: no tensors"},
    {"{\"mlinfer\": 1, \"inputs\": [{\"channels\": 0}]}", MLC_CORRUPT,
     "inputs[0].channels: expected a whole number"},
    {"{\"mlinfer\": 1, \"inputs\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}",
     MLC_CORRUPT, "inputs[1]: \"a\" is the name of two values"},
    {HEAD "{}]}", MLC_CORRUPT, "layers[0].type: missing"},
    {LAYER("conv3d") "\"c\"}]}", MLC_UNSUPPORTED,
     "layers[0].type: there is no layer \"conv3d\""},
    {LAYER("conv1d") "\"c\", \"dilaton\": 2}]}", MLC_UNSUPPORTED,
     "layers[0]: conv1d has no \"dilaton\" (it has type, name"},
    {LAYER("linear") "\"l\", \"groups\": 2}]}", MLC_UNSUPPORTED,
     "layers[0]: linear has no \"groups\""},
    {LAYER("conv1d") "\"d\"}]}", MLC_CORRUPT,
     "layers[0].weight: the weights have no tensor \"d.weight\" (they have "
     "c.weight"},
    {LAYER("linear") "\"l\"}]}", MLC_CORRUPT,
     "layers[0].weight: tensor l.weight: expected [?, 1], got [1, 2]"},
    {LAYER("conv1d") "\"c\"}, {\"type\": \"linear\", \"name\": \"l\"}]}",
     MLC_CORRUPT, "layers[1].bias: tensor l.bias: expected [1], got [3]"},
    {LAYER("conv1d") "\"c\", \"weight\": \"two\"}]}", MLC_CORRUPT,
     "tensor two: expected [?, 1, ?], got [2]"},
    {LAYER("conv1d") "\"c\", \"padding\": \"some\"}]}", MLC_CORRUPT,
     "layers[0].padding: expected \"causal\", \"same\" or \"valid\""},
    {LAYER("conv1d") "\"c\", \"stride\": 2}]}", MLC_UNSUPPORTED,
     "outputs: \"out\" has 1 frames for 2 of the input"},
    {LAYER("conv1d") "\"c\", \"stride\": 2}, {\"type\": \"add\", \"from\": "
                     "[\"c\", \"in\"]}]}",
     MLC_UNSUPPORTED, "layers[1]: "},
    {LAYER("conv1d") "\"c\", \"padding\": 3}]}", MLC_UNSUPPORTED,
     "layers[0].padding: expected at most 2 in a stream, got 3"},
    {LAYER("conv1d") "\"c\", \"groups\": 2}]}", MLC_CORRUPT,
     "2 groups do not divide 1 channels"},
    {LAYER("conv1d") "\"c\", \"dilation\": 1048576}]}", MLC_UNSUPPORTED,
     "looks back 2097152 frames"},
    {LAYER("conv1d") "\"c\", \"activation\": \"wobble\"}]}", MLC_UNSUPPORTED,
     "layers[0].activation: there is no function \"wobble\""},
    {LAYER("conv1d") "\"c\", \"from\": \"nowhere\"}]}", MLC_CORRUPT,
     "layers[0].from: nothing before is named \"nowhere\""},
    {LAYER("conv1d") "\"c\", \"as\": \"in\"}]}", MLC_CORRUPT,
     "\"in\" is the name of two values"},
    {LAYER("lstm") "\"r\"}]}", MLC_CORRUPT,
     "layers[0].weight_hh_l0: tensor r.weight_hh_l0: expected [4, 1], got"},
    {LAYER("gru") "\"r\"}]}", MLC_CORRUPT, "expected rows for 3 gates, got 4"},
    {LAYER("gru") "\"b\"}]}", MLC_UNSUPPORTED, "it runs backwards, too"},
    {LAYER("batchnorm") "\"n\"}]}", MLC_CORRUPT,
     "layers[0]: channel 0: its scale is not finite"},
    {LAYER("conv1d") "\"c\", \"padding\": \"same\"}, {\"type\": \"lstm\", "
                     "\"name\": \"r\"}]}",
     MLC_UNSUPPORTED, "a recurrent layer behind one that looks ahead"},
    {HEAD "{\"type\": \"add\"}]}", MLC_CORRUPT,
     "layers[0].from: expected two names or more"},
    {HEAD "{\"type\": \"gate\"}]}", MLC_CORRUPT,
     "expected an even number of channels, got 1"},
    {HEAD "{\"type\": \"gain\"}]}", MLC_CORRUPT,
     "layers[0].value: missing (expected a number"},
    {HEAD "{\"type\": \"normalize\", \"mean\": [1, 2], \"std\": 1}]}",
     MLC_CORRUPT, "layers[0].mean: expected one number or 1, got 2"},
    {HEAD "{\"type\": \"normalize\", \"mean\": 0, \"std\": 0}]}", MLC_CORRUPT,
     "scale is not finite"},
    {HEAD "{\"type\": \"slice\", \"start\": 1}]}", MLC_CORRUPT,
     "layers[0].start: expected a whole number from 0 to 0"},
    {HEAD "{\"type\": \"last\"}]}", MLC_CORRUPT, "needs frames to take"},
    {HEAD "{\"type\": \"tanh\"}], \"outputs\": [\"x\"]}", MLC_CORRUPT,
     "outputs[0].from: no layer is named \"x\""},
    {"{\"mlinfer\": 1, \"layers\": [{\"type\": \"linear\", \"name\": \"l\"}]}",
     MLC_CORRUPT, "names no \"weights\" file"},
    {"{\"mlinfer\": 1, \"layers\": [", MLC_CORRUPT, "the end"},
};

static void errors(void **state)
{
    char path[200];

    (void)state;
    in_folder(path, "link");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        write_file("w.json", weights, strlen(weights));
        expect(wrongs[i].text, wrongs[i].status, wrongs[i].words);
    }
}

/* Fine, and what is left over is said. */
static void unused(void **state)
{
    const char text[] = LAYER("conv1d") "\"c\"}]}";
    char path[200];
    mlc_image image;

    (void)state;
    write_file("w.json", weights, strlen(weights));
    write_file("m.json", text, strlen(text));
    in_folder(path, "m.json");
    image = load_model(path);
    assert_non_null(strstr(image.report, "9 tensors not used: l.weight"));
    mlc_image_free(&image);
}

/* ----------------------------------------------------------- containers ----
 */

static void weights_say(const void *bytes, size_t size, mlc_status status,
                        const char *words)
{
    mlc_weights w;
    mlc_error error;
    mlc_status got;

    error.text[0] = '\0';
    got = mlc_weights_read(&w, bytes, size, &error);
    if (got != status || !strstr(error.text, words))
        fail_msg("%d \"%s\" lacks \"%s\"", got, error.text, words);
    if (!got)
        mlc_weights_free(&w);
}

/* A header of JSON and `data` bytes of zeros. */
static void tensors_say(const char *header, size_t data, mlc_status status,
                        const char *words)
{
    uint8_t bytes[1024] = {(uint8_t)strlen(header),
                           (uint8_t)(strlen(header) >> 8)};

    memcpy(bytes + 8, header, strlen(header));
    weights_say(bytes, 8 + strlen(header) + data, status, words);
}

#define T(o) "{\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": " o "}"

static void safetensors(void **state)
{
    (void)state;
    tensors_say("{\"a\": " T("[0, 8]") "}", 8, MLC_OK, "");
    tensors_say("{\"__metadata__\": {\"a\": \"b\"}, \"a\": " T("[0, 8]") "}", 8,
                MLC_OK, "");
    tensors_say("{}", 0, MLC_CORRUPT, "no tensors");
    tensors_say("{\"a\": " T("[0, 8]") "}", 7, MLC_CORRUPT,
                "tensor a: its bytes 0 to 8 lie outside of the file's 7");
    tensors_say("{\"a\": " T("[8, 0]") "}", 8, MLC_CORRUPT, "lie outside");
    tensors_say("{\"a\": " T("[0, 4]") "}", 8, MLC_CORRUPT,
                "tensor a: expected 8 bytes for its shape, got 4");
    tensors_say("{\"a\": " T("[0]") "}", 8, MLC_CORRUPT, "two numbers");
    tensors_say("{\"a\": " T("[0.5, 8]") "}", 8, MLC_CORRUPT, "whole numbers");
    tensors_say("{\"a\": " T("[0, 8]") ", \"b\": " T("[4, 12]") "}", 12,
                MLC_CORRUPT, "two tensors share the bytes at 4");
    tensors_say("{\"a\": " T("[0, 8]") ", \"a\": " T("[8, 16]") "}", 16,
                MLC_CORRUPT, "two tensors are named a");
    tensors_say("{\"a\": {\"dtype\": \"F32\", \"shape\": [1e9, 1e9], "
                "\"data_offsets\": [0, 8]}}",
                8, MLC_UNSUPPORTED, "too large");
    tensors_say("{\"a\": {\"dtype\": \"F32\", \"shape\": "
                "[1,1,1,1,1,1,1,1,1], \"data_offsets\": [0, 8]}}",
                8, MLC_UNSUPPORTED, "more than 8 numbers");
    tensors_say("{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [8], "
                "\"data_offsets\": [0, 8]}}",
                8, MLC_OK, "");
    tensors_say("{\"a\": " T("[0, 8]"), 8, MLC_CORRUPT, "safetensors header");
    weights_say("\xff\xff\0\0\0\0\0\0{}", 10, MLC_CORRUPT, "cut short");
}

/* A state_dict that is cut short anywhere, or lies. */
static void checkpoint(void **state)
{
    char path[600];
    size_t size;
    uint8_t *bytes = read_whole(golden_path(path, "layers/same.pt"), &size);
    mlc_weights w;
    mlc_error error;

    (void)state;
    for (size_t n = 0; n < size; n += n < 2500 ? 1 : 7) {
        uint8_t *part = malloc(n + 1);

        memcpy(part, bytes, n);
        assert_int_not_equal(mlc_weights_read(&w, part, n, &error), MLC_OK);
        assert_true(error.text[0] && !strchr(error.text, '\n'));
        free(part);
    }
    for (size_t i = 0; i + 12 < size; i++)
        if (!memcmp(bytes + i, "_rebuild_ten", 12)) {
            bytes[i + 1] = 'X';
            weights_say(bytes, size, MLC_UNSUPPORTED,
                        "it asks for torch._utils._Xebuild_tensor_v2: only a "
                        "plain state_dict is read");
            bytes[i + 1] = 'r';
        }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),    cmocka_unit_test(window),
        cmocka_unit_test(ports),      cmocka_unit_test(real_state_dicts),
        cmocka_unit_test(draft),      cmocka_unit_test(errors),
        cmocka_unit_test(unused),     cmocka_unit_test(safetensors),
        cmocka_unit_test(checkpoint),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
