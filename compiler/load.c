/*
 * load.c - any model file: read whole, told by its content, compiled or
 * verified.
 */
#define _POSIX_C_SOURCE 200809L /* stat */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "compiler.h"
#include "formats.h"
#include "image.h"
#include "kind.h"
#include "taken.h"

#define MAX_FILE ((long long)0xffffffc0) /* a model file's size has 32 bits */

static mlc_status fail_directory(const char *path, mlc_error *error)
{
    char inside[4096], endings[128];
    struct stat s;
    int n = snprintf(inside, sizeof inside, "%s/saved_model.pb", path);

    if (n > 0 && (size_t)n < sizeof inside && stat(inside, &s) == 0)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a TensorFlow SavedModel folder: convert it to ONNX "
                        "(python -m tf2onnx.convert --saved-model FOLDER "
                        "--output model.onnx)");
    mlc_format_endings(endings, sizeof endings);
    return mlc_fail(error, MLC_NOT_FOUND, "a folder (expected a file: %s)",
                    endings);
}

/* A regular file's size, or an error. */
static mlc_status file_size(const char *path, size_t *size, mlc_error *error)
{
    struct stat s;

    if (stat(path, &s) != 0)
        return mlc_fail(error, MLC_NOT_FOUND, "%s",
                        errno == ENOENT ? "not found" : strerror(errno));
    if (S_ISDIR(s.st_mode))
        return fail_directory(path, error);
    if (!S_ISREG(s.st_mode))
        return mlc_fail(error, MLC_NOT_FOUND,
                        "not a file (a device, pipe or socket)");
    if ((long long)s.st_size > MAX_FILE)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "too large (expected at most %lld bytes, got %lld)",
                        MAX_FILE, (long long)s.st_size);
    *size = (size_t)s.st_size;
    return MLC_OK;
}

static mlc_status read_file(const char *path, uint8_t **bytes, size_t *size,
                            mlc_error *error)
{
    mlc_status status = file_size(path, size, error);
    size_t got;
    FILE *f;

    if (status)
        return status;
    *bytes = mlc_aligned(*size);
    if (!*bytes)
        return mlc_fail(error, MLC_MEMORY, "no memory for %zu bytes", *size);
    f = fopen(path, "rb");
    if (!f) {
        status = mlc_fail(error, MLC_NOT_FOUND, "%s", strerror(errno));
    } else {
        got = fread(*bytes, 1, *size, f);
        if (got != *size)
            status = mlc_fail(error, MLC_NOT_FOUND,
                              "cannot be read (expected %zu bytes, got %zu)",
                              *size, got);
        fclose(f);
    }
    if (status) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* A model.bin as it is: image takes the bytes. */
static mlc_status take_model(uint8_t *bytes, size_t size, mlc_image *image,
                             mlc_error *error)
{
    mli_model model;
    uint32_t index = 0;
    mli_status status = mli_open(&model, bytes, size, &index);

    if (status == MLI_OK) {
        image->bytes = bytes;
        image->size = size;
        return MLC_OK;
    }
    free(bytes);
    if (status == MLI_ERR_VERSION)
        return mlc_fail(error, MLC_NEWER,
                        "a newer model file (expected format version %u, got "
                        "%u): update mlinfer",
                        MLI_FORMAT_VERSION, index);
    if (status == MLI_ERR_FILE_SIZE)
        return mlc_fail(error, MLC_CORRUPT,
                        "%s (expected %u bytes, got %zu): copy it again",
                        mli_status_text(status), index, size);
    if (status == MLI_ERR_TOO_SHORT)
        return mlc_fail(error, MLC_CORRUPT, "%s (got %zu bytes): copy it again",
                        mli_status_text(status), size);
    if (status == MLI_ERR_CRC)
        return mlc_fail(error, MLC_CORRUPT, "%s: copy it again",
                        mli_status_text(status));
    return mlc_fail(error, MLC_CORRUPT, "%s (error %d at %u)",
                    mli_status_text(status), (int)status, index);
}

/* What was asked for, of a file that leaves no choice. */
static mlc_status check_asked(const mlc_options *asked, const mlc_image *image,
                              mlc_error *error)
{
    static const char *const modes[] = {"stream", "window", "step"};
    mli_model model;
    mli_info info;

    if (!asked || mli_open(&model, image->bytes, image->size, NULL) != MLI_OK)
        return MLC_OK;
    mli_get_info(&model, &info);
    if (asked->mode >= 0 && asked->mode != (int)info.mode)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "its mode cannot be chosen (expected %s, got %s)",
                        modes[info.mode], modes[asked->mode]);
    if ((asked->window || asked->hop) && info.mode != MLI_WINDOW)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a %s model has no window and no hop to choose",
                        modes[info.mode]);
    if (asked->window && asked->window != info.window)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "its window cannot be chosen (expected %u, got %u)",
                        info.window, asked->window);
    if (asked->hop && asked->hop != info.hop)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "its hop cannot be chosen (expected %u, got %u)",
                        info.hop, asked->hop);
    if (asked->state_count)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "its states cannot be chosen (got %s)",
                        asked->states[0]);
    if (asked->rate > 0 && asked->rate != info.rate)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "its rate cannot be chosen (expected %g Hz, got %g)",
                        info.rate, asked->rate);
    return MLC_OK;
}

/* A model.bin is as it is, and spreading changes it. */
static mlc_status check_spread(const mlc_options *asked, const mlc_image *image,
                               mlc_error *error)
{
    mli_model model;
    mli_info info;

    if (!asked || !asked->spread ||
        mli_open(&model, image->bytes, image->size, NULL) != MLI_OK)
        return MLC_OK;
    mli_get_info(&model, &info);
    if (info.spread)
        return MLC_OK;
    return mlc_fail(error, MLC_UNSUPPORTED,
                    "a model.bin cannot be spread any more: convert its "
                    "source with --spread");
}

static mlc_status check_weights(const mlc_options *asked, mlc_error *error)
{
    if (asked && asked->calibrate)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a model.bin's arithmetic is as it is: convert its "
                        "source with --arithmetic");
    if (!asked || asked->weights == MLC_WEIGHTS_AS_THEY_ARE)
        return MLC_OK;
    return mlc_fail(error, MLC_UNSUPPORTED,
                    "a model.bin's weights are stored as they are: convert "
                    "its source with --weights");
}

static mlc_status check_model(const mlc_options *asked, const mlc_image *image,
                              mlc_error *error)
{
    mlc_status status = check_spread(asked, image, error);

    if (!status)
        status = check_weights(asked, error);
    return status ? status : mlc_check_memory(image, error);
}

/* Takes the bytes, then NULL, or leaves them to be freed. */
static mlc_status take(mlc_kind kind, uint8_t **bytes, size_t size,
                       const char *path, const mlc_options *options,
                       mlc_image *image, mlc_error *error)
{
    uint8_t *own = *bytes;

    switch (kind) {
    case MLC_KIND_MODEL:
        *bytes = NULL;
        return take_model(own, size, image, error);
    case MLC_KIND_NAM:
        return mlc_import_nam(own, size, options, image, error);
    case MLC_KIND_RTNEURAL:
        return mlc_import_rtneural(own, size, options, image, error);
    case MLC_KIND_GUITARML:
        return mlc_import_guitarml(own, size, options, image, error);
    case MLC_KIND_LAYERS:
        return mlc_import_layers(own, size, path, options, image, error);
    case MLC_KIND_WEIGHTS:
        return mlc_import_weights(own, size, options, image, error);
    case MLC_KIND_ONNX:
        return mlc_take_onnx(bytes, size, path, options, image, error);
    case MLC_KIND_TFLITE:
        return mlc_take_tflite(bytes, size, options, image, error);
    default:
        return error->status;
    }
}

mlc_status mlc_load(const char *path, const mlc_options *options,
                    mlc_image *image, mlc_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    mlc_error local;
    mlc_status status;
    mlc_kind kind;

    if (!error)
        error = &local;
    memset(error, 0, sizeof *error);
    memset(image, 0, sizeof *image);
    status = read_file(path, &bytes, &size, error);
    if (status)
        return status;
    kind = mlc_kind_of(bytes, size, error);
    status = take(kind, &bytes, size, path, options, image, error);
    /* the other importers do as they are asked */
    if (!status && kind != MLC_KIND_ONNX && kind != MLC_KIND_TFLITE)
        status = check_asked(options, image, error);
    if (!status && kind == MLC_KIND_MODEL)
        status = check_model(options, image, error);
    free(bytes);
    if (status)
        mlc_image_free(image);
    return status;
}
