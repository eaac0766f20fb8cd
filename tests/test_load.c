/*
 * test_load.c - what mlc_load says of files that are no models, and that it
 * opens those that are.
 */
#define _POSIX_C_SOURCE 200809L /* mkdtemp, mkfifo */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "format.h"
#include "ir.h"

static char folder[64] = "/tmp/mlinfer-load-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove(path);
    return rmdir(folder);
}

static void write_file(const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* Loading fails so, and the error has these words. */
static void expect(mlc_status status, const char *words)
{
    mlc_image image;
    mlc_error error;

    if (mlc_load(path, NULL, &image, &error) != status)
        fail_msg("%d \"%s\" for \"%s\"", error.status, error.text, words);
    assert_int_equal(error.status, status);
    assert_null(image.bytes);
    assert_null(strchr(error.text, '\n'));
    if (!strstr(error.text, words))
        fail_msg("\"%s\" lacks \"%s\"", error.text, words);
}

typedef struct sample {
    const char *bytes;
    size_t size;
    mlc_status status;
    const char *words;
} sample;

#define BYTES(s) s, sizeof s - 1

static const sample samples[] = {
    {BYTES(""), MLC_CORRUPT, "an empty file"},
    {BYTES(" \n\n"), MLC_CORRUPT, "white space"},
    {BYTES("<!DOCTYPE html>\n<html>"), MLC_CORRUPT, "HTML page"},
    {BYTES("\n<HTML lang=\"en\">"), MLC_CORRUPT, "raw or download link"},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:00"),
     MLC_CORRUPT, "git lfs pull"},
    {BYTES("PK\3\4....archive/data.pkl..."), MLC_CORRUPT,
     "a PyTorch checkpoint: a zip archive without"},
    {BYTES("PK\3\4..m/data.pkl m/code/m.py m/constants.pkl"), MLC_UNSUPPORTED,
     "TorchScript"},
    {BYTES("PK\3\4..config.json..model.weights.h5"), MLC_UNSUPPORTED,
     "a Keras model"},
    {BYTES("PK\3\4..weights.npy"), MLC_CORRUPT, "NumPy"},
    {BYTES("PK\3\4..readme.txt"), MLC_CORRUPT, "a zip archive"},
    {BYTES("\x80\x02}q\0."), MLC_UNSUPPORTED, "a Python pickle"},
    {BYTES("\x80\x04\x95"), MLC_UNSUPPORTED, "a Python pickle"},
    {BYTES("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
     MLC_UNSUPPORTED, "old PyTorch checkpoint"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0"), MLC_UNSUPPORTED, "HDF5"},
    {BYTES("\x1c\0\0\0TFL3\x14\0"), MLC_CORRUPT,
     "damaged at byte 0: the model lies outside the file"},
    {BYTES("\x1f\x8b\x08\0"), MLC_CORRUPT, "gzip"},
    {BYTES("RIFF\x24\0\0\0WAVEfmt "), MLC_CORRUPT,
     "a WAV sound (expected a model: .bin, .onnx, .tflite, .nam, .json or "
     ".aidax)"},
    {BYTES("FORM\0\0\0\x24"
           "AIFFCOMM"),
     MLC_CORRUPT, "an AIFF sound"},
    {BYTES("\x02\0\0\0\0\0\0\0{}"), MLC_CORRUPT, "no tensors"},
    {BYTES("\x40\0\0\0\0\0\0\0{}"), MLC_CORRUPT,
     "a safetensors file: cut short"},
    {BYTES("{\"a.weight\": [[1]], \"b.weight\": [[1, 2]]}"), MLC_UNSUPPORTED,
     "a state_dict as JSON: weights without a graph"},
    {BYTES("\x93NUMPY\x01\0"), MLC_CORRUPT, "NumPy array"},
    {BYTES("#N canvas 0 0 450 300 12;\n"), MLC_CORRUPT, "a Pd patch"},
    {BYTES("404: Not Found"), MLC_CORRUPT, "\"404: Not Found\""},
    {BYTES("{\"a\": 1}"), MLC_CORRUPT, "JSON, but not a model"},
    {BYTES("{\"conv1d\": {}, \"conv1d_1\": {}}"), MLC_UNSUPPORTED,
     "SmartAmpPro"},
    {BYTES("{\"modelTopology\": {}}"), MLC_UNSUPPORTED, "TensorFlow.js"},
    {BYTES("{\"features_info\": {}, \"oblivious_trees\": []}"), MLC_UNSUPPORTED,
     "a CatBoost model as JSON: save it as ONNX"},
    {BYTES("{\"cells\": []"), MLC_CORRUPT, "Jupyter"},
    {BYTES("{\"message\": \"Not Found\"}"), MLC_CORRUPT, "download failed"},
    {BYTES("{\"model_type\": \"bert\"}"), MLC_UNSUPPORTED, "Hugging Face"},
    {BYTES("{\"class_name\": \"Sequential\", \"config\": {}}"), MLC_UNSUPPORTED,
     "Keras"},
    {BYTES("{\"learner\": {}}"), MLC_UNSUPPORTED, "XGBoost"},
    {BYTES("\x80\x03"
           "csklearn.svm"),
     MLC_UNSUPPORTED, "skl2onnx.to_onnx"},
    {BYTES("\x80\x03"
           "cjoblib.numpy_pickle"),
     MLC_UNSUPPORTED, "a joblib file"},
    {BYTES("\x78\x9c\x01"), MLC_UNSUPPORTED, "joblib"},
    {BYTES("tree\nversion=v4\n"), MLC_UNSUPPORTED, "LightGBM"},
    {BYTES("CBM1...."), MLC_UNSUPPORTED, "CatBoost"},
    {BYTES("GGUF\x03"), MLC_UNSUPPORTED, "GGUF"},
    {BYTES("7767517\n75 83\n"), MLC_UNSUPPORTED, "ncnn"},
    {BYTES("<?xml version=\"1.0\"?>\n<net name=\"a\">\n<layers>"),
     MLC_UNSUPPORTED, "OpenVINO"},
    {BYTES("<?xml version=\"1.0\"?>\n<PMML>"), MLC_UNSUPPORTED, "PMML"},
    {BYTES("<?xml version=\"1.0\"?>\n<svg>"), MLC_CORRUPT, "XML"},
    {BYTES("\x08\x01\x12\x0c"
           "coremltools.\xa2\x13\x02.."),
     MLC_UNSUPPORTED, "Core ML"},
    {BYTES("PK\3\4..amp.nam.."), MLC_CORRUPT, "a .nam model in it"},
    {BYTES("\x14\0\0\0"
           "ET12"),
     MLC_UNSUPPORTED, "ExecuTorch"},
    {BYTES("[1, 2, 3]"), MLC_CORRUPT, "JSON array"},
    {BYTES("{\"in_shape\": [null], \"layers\": []}"), MLC_CORRUPT,
     "in_shape: expected a whole number"},
    {BYTES("\x01\x02\x03"), MLC_CORRUPT, "begin with 01 02 03"},
    {BYTES("\0"), MLC_CORRUPT, "begin with 00"},
    {BYTES("\x08\x03\x10\x01"), MLC_CORRUPT, "not a model"},
    {BYTES("MLINFER"), MLC_CORRUPT, ""},
};

static void foreign_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        write_file(samples[i].bytes, samples[i].size);
        expect(samples[i].status, samples[i].words);
    }
}

static void not_files(void **state)
{
    char keep[128];

    (void)state;
    strcpy(keep, path);
    snprintf(path, sizeof path, "%s/nowhere", folder);
    expect(MLC_NOT_FOUND, "not found");
    strcpy(path, folder);
    expect(MLC_NOT_FOUND, "a folder");
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect(MLC_NOT_FOUND, "not a file");
    remove(path);
    strcpy(path, keep);
}

static mlc_image small_model(void)
{
    uint32_t dims[1] = {3};
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", 1, dims);
    mlc_image image;
    mlc_error error;

    ir_channel_info(g, 1, "pressure", 0.f, 1.f, 0.5f);
    ir_output(g, "y", ir_unary(g, MLI_TANH, 0, 0, x));
    ir_channel_info(g, 2, "bow", -1.f, 1.f, 0.f);
    ir_classes(g);
    ir_set_meta(g, "name", "first");
    ir_set_meta(g, "author", "somebody");
    ir_set_meta(g, "name", "small");
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_OK);
    return image;
}

static void model_files(void **state)
{
    mlc_image made = small_model(), image;
    mlc_error error;
    mli_model model;
    mli_channel c;
    mli_port port;
    uint32_t newer = MLI_FORMAT_VERSION + 1, crc;

    (void)state;
    write_file(made.bytes, made.size);
    assert_int_equal(mlc_load(path, NULL, &image, &error), MLC_OK);
    assert_int_equal(image.size, made.size);
    assert_memory_equal(image.bytes, made.bytes, made.size);
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    assert_string_equal(mli_get_meta(&model, "name"), "small");
    assert_string_equal(mli_get_meta(&model, "author"), "somebody");
    mli_get_input_channel(&model, 0, 1, &c);
    assert_string_equal(c.label, "pressure");
    assert_true(c.low == 0.f && c.high == 1.f && c.initial == 0.5f);
    mli_get_output(&model, 0, &port);
    assert_string_equal(port.name, "y");
    assert_true(port.classes && port.channels == 3);
    mli_get_output_channel(&model, 0, 2, &c);
    assert_string_equal(c.label, "bow");
    mlc_image_free(&image);

    write_file(made.bytes, made.size - 1);
    expect(MLC_CORRUPT, "");
    memcpy(made.bytes + offsetof(mli_file_header, version), &newer, 4);
    crc = mli_file_crc32(made.bytes, made.size);
    memcpy(made.bytes + offsetof(mli_file_header, crc32), &crc, 4);
    write_file(made.bytes, made.size);
    expect(MLC_NEWER, "a newer model file (expected format version 1, got 2)");
    mlc_image_free(&made);
    mlc_image_free(&made); /* twice is fine */
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(mlc_status_word(MLC_OK), "ok");
    assert_string_equal(mlc_status_word(MLC_NOT_FOUND), "notfound");
    assert_string_equal(mlc_status_word(MLC_CORRUPT), "corrupt");
    assert_string_equal(mlc_status_word(MLC_UNSUPPORTED), "unsupported");
    assert_string_equal(mlc_status_word(MLC_NEWER), "newer");
    assert_string_equal(mlc_status_word(MLC_MEMORY), "memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_files),
        cmocka_unit_test(not_files),
        cmocka_unit_test(model_files),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
