/*
 * import.c - for a fuzzer that looks for foreign files that do harm when they
 * are imported; run.sh builds and runs it. What opens is verified, not run: the
 * other harness does that.
 */
#include <stdlib.h>
#include <string.h>
#include "compiler.h"
#include "kind.h"
#include "layers/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Every tensor that a container has. */
static void read_all(const uint8_t *bytes, size_t size)
{
    mlc_weights w;
    mlc_error error;
    mlc_status status = mlc_weights_read(&w, bytes, size, &error);

    if (status)
        return;
    for (uint32_t i = 0; i < w.count; i++)
        free(mlc_weights_floats(&w, &w.tensor[i], &error));
    mlc_weights_free(&w);
}

static mlc_status import(const uint8_t *bytes, size_t size, mlc_image *image,
                         mlc_error *error)
{
    switch (mlc_kind_of(bytes, size, error)) {
    case MLC_KIND_NAM:
        return mlc_import_nam(bytes, size, NULL, image, error);
    case MLC_KIND_RTNEURAL:
        return mlc_import_rtneural(bytes, size, NULL, image, error);
    case MLC_KIND_GUITARML:
        return mlc_import_guitarml(bytes, size, NULL, image, error);
    case MLC_KIND_LAYERS:
        return mlc_import_layers(bytes, size, NULL, NULL, image, error);
    case MLC_KIND_WEIGHTS:
        read_all(bytes, size);
        return mlc_import_weights(bytes, size, NULL, image, error);
    case MLC_KIND_ONNX:
        return mlc_import_onnx(bytes, size, NULL, NULL, image, error);
    case MLC_KIND_TFLITE:
        return mlc_import_tflite(bytes, size, NULL, image, error);
    default:
        return MLC_UNSUPPORTED;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* Of exactly this size, so that a sanitizer sees every step outside. */
    uint8_t *copy = malloc(size + !size);
    mlc_image image = {0};
    mlc_error error = {MLC_OK, ""};
    mlc_status status;

    if (!copy)
        return 0;
    memcpy(copy, bytes, size);
    status = import(copy, size, &image, &error);
    /* An error is one line, and says something. */
    if (error.status && (!error.text[0] || strchr(error.text, '\n')))
        abort();
    if (status == MLC_OK && !image.bytes)
        abort();
    mlc_image_free(&image);
    free(copy);
    return 0;
}
