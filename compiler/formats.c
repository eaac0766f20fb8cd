/* formats.c - the list of formats. */
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
