/* formats.c - the list of formats. */
#include <stdio.h>
#include <string.h>
#include "formats.h"

static const mlc_format formats[] = {
    {"ONNX", ".onnx", "operators", mlc_onnx_operator},
    {"ONNX, ai.onnx.ml", ".onnx", "operators", mlc_onnx_ml_operator},
    {"TensorFlow Lite", ".tflite", "operators", mlc_tflite_operator},
    {"Neural Amp Modeler", ".nam", "architectures", mlc_nam_architecture},
    {"RTNeural, AIDA-X", ".json, .aidax", "layers", mlc_rtneural_layer},
    {"GuitarML", ".json", "models", mlc_guitarml_model},
    {"safetensors, PyTorch state_dict", ".json beside the weights", "layers",
     mlc_layers_type},
};

const mlc_format *mlc_format_at(size_t i)
{
    return i < sizeof formats / sizeof *formats ? &formats[i] : NULL;
}

#define MAX_ENDINGS 16

/* The endings of all formats, each once; texts borrowed from the table. */
static size_t collect(const char *at[MAX_ENDINGS], int length[MAX_ENDINGS])
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (const char *p = formats[i].files; (p = strchr(p, '.')); p++) {
            int n = (int)strcspn(p, " ,"), known = 0;

            for (size_t k = 0; k < count; k++)
                known |= n == length[k] && !strncmp(p, at[k], (size_t)n);
            if (known || count == MAX_ENDINGS)
                continue;
            at[count] = p;
            length[count++] = n;
        }
    return count;
}

void mlc_format_endings(char *text, size_t size)
{
    const char *at[MAX_ENDINGS];
    int length[MAX_ENDINGS];
    size_t count = collect(at, length), used;

    snprintf(text, size, ".bin");
    for (size_t i = 0; i < count; i++) {
        used = strlen(text);
        snprintf(text + used, size - used, "%s%.*s",
                 i + 1 < count ? ", " : " or ", length[i], at[i]);
    }
}
