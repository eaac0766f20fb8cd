/*
 * kind.c - what a file is, told by its bytes.
 */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "formats.h"
#include "json.h"
#include "kind.h"

typedef struct content {
    const uint8_t *at;
    size_t size;
} content;

static int has_at(const content *c, size_t offset, const char *text, size_t n)
{
    return c->size >= offset && c->size - offset >= n &&
           !memcmp(c->at + offset, text, n);
}

static int lower(int ch)
{
    return ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch;
}

/* Does `text` (in lower case) stand at offset, in any case? */
static int has_word(const content *c, size_t offset, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (offset + i >= c->size || lower(c->at[offset + i]) != text[i])
            return 0;
    return 1;
}

/* Does text occur at all? Linear but for repeated first letters. */
static int contains(const content *c, const char *text)
{
    size_t n = strlen(text), from = 0;

    while (c->size - from >= n) {
        const uint8_t *hit =
            memchr(c->at + from, text[0], c->size - from - n + 1);

        if (!hit)
            return 0;
        if (!memcmp(hit, text, n))
            return 1;
        from = (size_t)(hit - c->at) + 1;
    }
    return 0;
}

/* The first byte that is no white space (nor a byte order mark). */
static size_t skip_space(const content *c)
{
    size_t i = has_at(c, 0, "\xef\xbb\xbf", 3) ? 3 : 0;

    while (i < c->size && strchr(" \t\r\n", c->at[i]) && c->at[i])
        i++;
    return i;
}

/* --------------------------------------------------------- signatures ---- */

typedef struct signature {
    uint32_t offset;
    uint32_t n;
    const char *bytes;
    mlc_status status;
    const char *text;
} signature;

static const signature signatures[] = {
    {0, 8, "\x89HDF\r\n\x1a\n", MLC_UNSUPPORTED,
     "an HDF5 file (a Keras model?): load it in Keras and export it to ONNX "
     "(model.export(\"model.onnx\", format=\"onnx\"))"},
    {0, 14, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
     MLC_UNSUPPORTED,
     "an old PyTorch checkpoint, which has weights but no graph: load it into "
     "its module and save that again: torch.save(model.state_dict(), "
     "\"model.pt\")"},
    {0, 4, "GGUF", MLC_UNSUPPORTED,
     "a GGUF language model, which is not supported"},
    {0, 4, "ggjt", MLC_UNSUPPORTED,
     "a GGML language model, which is not supported"},
    {4, 4, "ET12", MLC_UNSUPPORTED,
     "an ExecuTorch program: export the PyTorch model with "
     "torch.onnx.export"},
    {0, 4, "CBM1", MLC_UNSUPPORTED,
     "a CatBoost model: save it as ONNX (model.save_model(\"model.onnx\", "
     "format=\"onnx\"))"},
    {0, 13, "tree\nversion=", MLC_UNSUPPORTED,
     "a LightGBM model: convert it to ONNX (onnxmltools.convert_lightgbm)"},
    {0, 4, "binf", MLC_UNSUPPORTED,
     "an XGBoost model: convert it to ONNX (onnxmltools.convert_xgboost)"},
    {0, 9, "svm_type ", MLC_UNSUPPORTED,
     "a LIBSVM model: train it in scikit-learn and convert it to ONNX "
     "(skl2onnx)"},
    {0, 8, "7767517\n", MLC_UNSUPPORTED,
     "an ncnn model: open the ONNX model that it was made from"},
    {0, 2, "\x1f\x8b", MLC_CORRUPT, "gzip-compressed: unpack it (gunzip)"},
    {0, 2, "\x78\x9c", MLC_UNSUPPORTED,
     "zlib-compressed (a joblib file?): load it in Python and export the "
     "model to ONNX (scikit-learn: skl2onnx)"},
    {0, 2, "\x78\x5e", MLC_UNSUPPORTED,
     "zlib-compressed (a joblib file?): load it in Python and export the "
     "model to ONNX (scikit-learn: skl2onnx)"},
    {0, 3, "BZh", MLC_CORRUPT, "bzip2-compressed: unpack it (bunzip2)"},
    {0, 6, "\xfd\x37zXZ\0", MLC_CORRUPT, "xz-compressed: unpack it (unxz)"},
    {0, 4, "\x28\xb5\x2f\xfd", MLC_CORRUPT,
     "zstd-compressed: unpack it (unzstd)"},
    {0, 6, "7z\xbc\xaf\x27\x1c", MLC_CORRUPT, "a 7z archive: unpack it"},
    {0, 4, "Rar!", MLC_CORRUPT, "a RAR archive: unpack it"},
    {257, 5, "ustar", MLC_CORRUPT, "a tar archive: unpack it (tar xf)"},
    {0, 42, "version https://git-lfs.github.com/spec/v1", MLC_CORRUPT,
     "a Git LFS pointer, not the model itself: fetch it with \"git lfs "
     "pull\""},
};

/* No models, or none that can be had in a form that opens. */
static const struct {
    uint32_t offset;
    uint32_t n;
    const char *bytes;
    const char *what;
} others[] = {
    {8, 4, "WAVE", "a WAV sound"},
    {8, 3, "AIF", "an AIFF sound"},
    {0, 4, "fLaC", "a FLAC sound"},
    {0, 4, "OggS", "an Ogg sound"},
    {0, 3, "ID3", "an MP3 sound"},
    {0, 9, "#N canvas", "a Pd patch"},
    {0, 6, "\x93NUMPY", "a NumPy array"},
    {0, 4, "\x89PNG", "a picture"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program or library"},
};

/* What a file is that cannot be a model; and what was expected. */
static int not_model(mlc_error *error, const char *what)
{
    char endings[128];

    mlc_format_endings(endings, sizeof endings);
    mlc_fail(error, MLC_CORRUPT, "%s (expected a model: %s)", what, endings);
    return 1;
}

static int known_signature(const content *c, mlc_error *error)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (has_at(c, others[i].offset, others[i].bytes, others[i].n))
            return not_model(error, others[i].what);

    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];

        if (has_at(c, s->offset, s->bytes, s->n)) {
            mlc_fail(error, s->status, "%s", s->text);
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------ archives ---- */

/* What a zip archive is, by the names in it. */
static const struct {
    const char *name;
    mlc_status status;
    const char *text;
} archives[] = {
    {"model.weights.h5", MLC_UNSUPPORTED,
     "a Keras model: load it in Keras and export it to ONNX "
     "(model.export(\"model.onnx\", format=\"onnx\"))"},
    {"saved_model.pb", MLC_UNSUPPORTED,
     "a zipped TensorFlow SavedModel: unpack it and convert it to ONNX "
     "(python -m tf2onnx.convert --saved-model FOLDER --output model.onnx)"},
    {"com.apple.CoreML", MLC_UNSUPPORTED,
     "a Core ML package: convert the model that it was made from to ONNX"},
    {".onnx", MLC_CORRUPT, "a zip archive with an ONNX model in it: unpack it"},
    {".nam", MLC_CORRUPT, "a zip archive with a .nam model in it: unpack it"},
    {".npy", MLC_CORRUPT, "an archive of NumPy arrays, not a model"},
};

/* 0: no archive; else what it is, with an error if that is foreign. */
static int is_archive(const content *c, mlc_kind *kind, mlc_error *error)
{
    if (!has_at(c, 0, "PK\3\4", 4) && !has_at(c, 0, "PK\5\6", 4))
        return 0;
    *kind = MLC_KIND_FOREIGN;
    if (contains(c, "constants.pkl") && contains(c, "/code/")) {
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a TorchScript archive: load it with torch.jit.load and "
                 "export it with torch.onnx.export");
        return 1;
    }
    if (contains(c, "/data.pkl")) {
        *kind = MLC_KIND_WEIGHTS;
        return 1;
    }
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        if (contains(c, archives[i].name)) {
            mlc_fail(error, archives[i].status, "%s", archives[i].text);
            return 1;
        }
    mlc_fail(error, MLC_CORRUPT,
             "a zip archive: unpack it and open the model inside");
    return 1;
}

static int is_pickle(const content *c, mlc_error *error)
{
    if (c->size < 2 || c->at[0] != 0x80 || c->at[1] < 2 || c->at[1] > 5)
        return 0;
    if (contains(c, "sklearn"))
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a scikit-learn model (pickle or joblib): convert it to ONNX "
                 "(skl2onnx.to_onnx(model, X[:1]))");
    else if (contains(c, "joblib"))
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a joblib file: load it in Python and export the model to "
                 "ONNX (scikit-learn: skl2onnx)");
    else
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a Python pickle: load it in Python and export the model to "
                 "ONNX (scikit-learn: skl2onnx; PyTorch: torch.onnx.export)");
    return 1;
}

static int is_safetensors(const content *c)
{
    uint64_t n = 0;

    if (c->size < 10 || c->at[8] != '{')
        return 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | c->at[i];
    return n >= 2 && n <= (100u << 20);
}

/* ---------------------------------------------------------------- ONNX ---- */

/* A varint at *at; 0 past the end or over 64 bits. */
static int varint(const content *c, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < c->size; shift += 7) {
        uint8_t byte = c->at[(*at)++];

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return 1;
    }
    return 0;
}

/* The field number of a ModelProto at a tag, 0 if it is none. */
static uint32_t model_field(uint64_t tag)
{
    uint32_t field = (uint32_t)(tag >> 3), wire = (uint32_t)(tag & 7u);

    switch (field) {
    case 1: /* ir_version */
    case 5: /* model_version */
        return wire == 0 ? field : 0;
    case 2:  /* producer_name */
    case 3:  /* producer_version */
    case 4:  /* domain */
    case 6:  /* doc_string */
    case 7:  /* graph */
    case 8:  /* opset_import */
    case 14: /* metadata_props */
    case 20: /* training_info */
    case 25: /* functions */
    case 26: /* configuration */
        return wire == 2 ? field : 0;
    default:
        return 0;
    }
}

/*
 * Fields of a ModelProto from the start, as far as they go. A model has a
 * graph, or (cut short) at least its version and one more field.
 */
static int is_onnx(const content *c)
{
    size_t at = 0;
    uint64_t tag, value;
    uint32_t fields = 0;
    int version = 0, graph = 0;

    while (at < c->size) {
        uint32_t field;

        if (!varint(c, &at, &tag) || !(field = model_field(tag)))
            return 0;
        if (!varint(c, &at, &value))
            break;
        if (field == 1 && (value == 0 || value > 1000))
            return 0;
        version |= field == 1;
        graph |= field == 7;
        fields++;
        if ((tag & 7u) == 0)
            continue;
        if (value > c->size - at)
            break;
        at += (size_t)value;
    }
    return graph || (version && fields > 1);
}

/* ---------------------------------------------------------------- text ---- */

/* The members of a JSON object that tell whose it is. */
static const char *const tell_tales[] = {
    "architecture", "config",        "weights",        "mlinfer",
    "in_shape",     "layers",        "model_data",     "residual_channels",
    "conv1d_1",     "modelTopology", "cells",          "model_type",
    "class_name",   "message",       "state_dict",     "trees",
    "learner",      "nodes",         "oblivious_trees"};

enum {
    ARCHITECTURE,
    CONFIG,
    WEIGHTS,
    MLINFER,
    IN_SHAPE,
    LAYERS,
    MODEL_DATA,
    RESIDUAL,
    CONV1D_1,
    TOPOLOGY,
    CELLS,
    MODEL_TYPE,
    CLASS_NAME,
    MESSAGE,
    STATE_DICT,
    TREES,
    LEARNER,
    NODES,
    OBLIVIOUS_TREES,
    TELL_TALES,
    A_WEIGHT = TELL_TALES /* a key that PyTorch gives a tensor */
};

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);

    return n >= k && !strcmp(text + n - k, end);
}

/* Bit i: tell_tales[i] is a member. As far as the text goes. */
static uint32_t members(const content *c)
{
    uint32_t found = 0;
    mlc_json r;

    mlc_json_open(&r, c->at, c->size);
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        for (uint32_t i = 0; i < TELL_TALES; i++)
            if (!strcmp(r.key, tell_tales[i]))
                found |= 1u << i;
        if (mlc_json_peek(&r) == MLC_JSON_ARRAY &&
            (ends_with(r.key, "weight") || ends_with(r.key, "weight_ih_l0")))
            found |= 1u << A_WEIGHT;
        mlc_json_skip(&r, NULL);
    }
    return found;
}

static const struct {
    int member;
    mlc_status status;
    const char *text;
} other_json[] = {
    {CONV1D_1, MLC_UNSUPPORTED,
     "a SmartAmpPro model, which computes a window of samples anew for every "
     "sample: it is not supported; train the sound as a Proteus or .nam model"},
    {TOPOLOGY, MLC_UNSUPPORTED,
     "a TensorFlow.js model: convert it to ONNX (python -m tf2onnx.convert "
     "--tfjs model.json --output model.onnx)"},
    {CELLS, MLC_CORRUPT, "a Jupyter notebook, not a model"},
    {LEARNER, MLC_UNSUPPORTED,
     "an XGBoost model: convert it to ONNX (onnxmltools.convert_xgboost)"},
    {TREES, MLC_UNSUPPORTED,
     "a tree model as JSON: export it to ONNX (CatBoost: "
     "save_model(\"model.onnx\", format=\"onnx\"); XGBoost, LightGBM: "
     "onnxmltools)"},
    {OBLIVIOUS_TREES, MLC_UNSUPPORTED,
     "a CatBoost model as JSON: save it as ONNX "
     "(model.save_model(\"model.onnx\", format=\"onnx\"))"},
    {MODEL_TYPE, MLC_UNSUPPORTED,
     "the configuration of a Hugging Face model: export the model to ONNX "
     "(optimum-cli export onnx)"},
    {CLASS_NAME, MLC_UNSUPPORTED,
     "the architecture of a Keras model without its weights: load it in Keras "
     "and export it to ONNX (model.export(\"model.onnx\", "
     "format=\"onnx\"))"},
    {MESSAGE, MLC_CORRUPT,
     "the answer of a web service, not a model: the download failed"},
};

static mlc_kind json_kind(const content *c, mlc_error *error)
{
    uint32_t found = members(c);

    if (found >> MLINFER & 1u)
        return MLC_KIND_LAYERS;
    if (found >> ARCHITECTURE & 1u && found & (1u << CONFIG | 1u << WEIGHTS))
        return MLC_KIND_NAM;
    if (found & (1u << MODEL_DATA | 1u << RESIDUAL))
        return MLC_KIND_GUITARML;
    if (found >> IN_SHAPE & 1u)
        return MLC_KIND_RTNEURAL;
    if (found >> A_WEIGHT & 1u)
        return MLC_KIND_WEIGHTS;
    for (size_t i = 0; i < sizeof other_json / sizeof *other_json; i++)
        if (found >> other_json[i].member & 1u) {
            mlc_fail(error, other_json[i].status, "%s", other_json[i].text);
            return MLC_KIND_FOREIGN;
        }
    mlc_fail(error, MLC_CORRUPT,
             "JSON, but not a model (expected a .nam, RTNeural, AIDA-X or "
             "GuitarML model, or a description of layers: \"mlinfer\": 1)");
    return MLC_KIND_FOREIGN;
}

static int is_text(const content *c)
{
    size_t n = c->size < 512 ? c->size : 512;

    for (size_t i = 0; i < n; i++)
        if ((c->at[i] < 32 && !strchr("\t\r\n\f", c->at[i])) || c->at[i] == 0 ||
            c->at[i] == 127)
            return 0;
    return 1;
}

static void name_text(const content *c, size_t start, mlc_error *error)
{
    char first[41], what[80];
    size_t n = 0;

    while (n < sizeof first - 1 && start + n < c->size &&
           c->at[start + n] >= 32 && c->at[start + n] < 127) {
        first[n] = (char)c->at[start + n];
        n++;
    }
    first[n] = 0;
    snprintf(what, sizeof what, "a text that begins with \"%s\"", first);
    not_model(error, what);
}

static void name_unknown(const content *c, mlc_error *error)
{
    char hex[32] = "", what[80];
    size_t n = c->size < 8 ? c->size : 8;

    for (size_t i = 0; i < n; i++)
        sprintf(hex + 3 * i, "%02x ", c->at[i]);
    hex[3 * n - 1] = 0;
    snprintf(what, sizeof what, "not a model: its bytes begin with %s", hex);
    not_model(error, what);
}

static int is_markup(const content *c, size_t start, mlc_error *error)
{
    if (has_word(c, start, "<!doctype html") || has_word(c, start, "<html"))
        mlc_fail(error, MLC_CORRUPT,
                 "an HTML page, not a model: a download gave the page about "
                 "the file; use its raw or download link");
    else if (c->at[start] != '<' || !is_text(c))
        return 0;
    else if (contains(c, "<PMML"))
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a PMML model: export the model to ONNX where it was made "
                 "(scikit-learn: skl2onnx)");
    else if (contains(c, "<net ") && contains(c, "<layers"))
        mlc_fail(error, MLC_UNSUPPORTED,
                 "an OpenVINO model: open the ONNX model that it was made "
                 "from");
    else
        not_model(error, "an XML document");
    return 1;
}

mlc_kind mlc_kind_of(const uint8_t *bytes, size_t size, mlc_error *error)
{
    content c = {bytes, size};
    size_t start = skip_space(&c);
    mlc_kind kind = MLC_KIND_FOREIGN;

    if (has_at(&c, 0, MLI_MAGIC, 8))
        return MLC_KIND_MODEL;
    if (has_at(&c, 4, "TFL3", 4))
        return MLC_KIND_TFLITE;
    if (start == size) {
        not_model(error, size ? "only white space" : "an empty file");
        return MLC_KIND_FOREIGN;
    }
    if (known_signature(&c, error) || is_archive(&c, &kind, error) ||
        is_pickle(&c, error))
        return kind;
    if (c.at[start] == '{')
        return json_kind(&c, error);
    if (is_onnx(&c))
        return MLC_KIND_ONNX;
    if (is_safetensors(&c))
        return MLC_KIND_WEIGHTS;
    if (is_markup(&c, start, error))
        return MLC_KIND_FOREIGN;
    if (contains(&c, "coremltools"))
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a Core ML model: convert the model that it was made from to "
                 "ONNX");
    else if (c.at[start] == '[' && is_text(&c))
        not_model(error, "a JSON array");
    else if (is_text(&c))
        name_text(&c, start, error);
    else
        name_unknown(&c, error);
    return MLC_KIND_FOREIGN;
}
