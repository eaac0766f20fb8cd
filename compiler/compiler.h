/*
 * compiler.h - any model file in, a verified model.bin image out. Host only: it
 * allocates and reads files.
 */
#ifndef MLC_COMPILER_H
#define MLC_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include "mlinfer.h"

typedef enum mlc_status {
    MLC_OK = 0,
    MLC_NOT_FOUND = 1,   /* the file cannot be opened or read */
    MLC_CORRUPT = 2,     /* broken, truncated, hostile, or not a model */
    MLC_UNSUPPORTED = 3, /* well-formed, but asks for what we do not have */
    MLC_NEWER = 4,       /* a newer version of a format */
    MLC_MEMORY = 5       /* no memory */
} mlc_status;

/* "ok", "notfound", "corrupt", "unsupported", "newer", "memory" */
const char *mlc_status_word(mlc_status status);

/* What bytes stand for: low to high, and 0. Both 0: nothing is known. */
typedef struct mlc_range {
    float low, high;
} mlc_range;

struct mlc_image;
struct mlc_error;

/*
 * Find the ranges of tensors. `watched` is the model in floats, whose last
 * `count` outputs they are. 0, or the error's status after mlc_fail.
 */
typedef mlc_status mlc_calibrate(void *user, const struct mlc_image *watched,
                                 mlc_range *ranges, uint32_t count,
                                 struct mlc_error *error);

typedef struct mlc_options {
    int mode;        /* -1: as the graph asks; else an mli_mode */
    uint32_t window; /* frames, 0: the graph's own */
    uint32_t hop;    /* frames, 0: the window */
    double rate;     /* Hz, 0: what the source says */
    /* "in=out" texts, borrowed: inputs that are what an output was in the call
       before (ONNX). Those that names and shapes tell need not be named. */
    const char *const *states;
    uint32_t state_count;
    int spread;  /* the work of a hop is done in the course of the next */
    int weights; /* an mlc_storage */
    /* Not NULL: layers compute in integers where that pays. */
    mlc_calibrate *calibrate;
    void *calibrate_user;
    const uint8_t *floats; /* borrowed: the layers that could, in order; those
                              with a 1 go on computing in floats */
    uint32_t floats_count;
    uint32_t *layers; /* not NULL: is told how many could */
    int everywhere;   /* integers also where floats are known to be faster */
} mlc_options;

/* How the weights of layers are stored. */
typedef enum mlc_storage {
    MLC_WEIGHTS_AS_THEY_ARE = 0, /* as the source has them */
    MLC_WEIGHTS_F32 = 1,
    MLC_WEIGHTS_F16 = 2,
    MLC_WEIGHTS_INT8 = 3,
    MLC_WEIGHTS_INT4 = 4 /* convolutions: int8 */
} mlc_storage;

#define MLC_OPTIONS_DEFAULT                                                    \
    {                                                                          \
        -1, 0, 0, 0.0, NULL, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0             \
    }

/* Multiply-accumulates a second that no core does: 32 lanes, two instructions a
   clock, 5 GHz. A stream that asks for more cannot be real time. */
#define MLC_MOST_MACS 320e9

/* Bytes of state and arena (at the tile of 64 frames) that a model may want: a
   small file shall not take a machine's memory when a box opens it. */
#define MLC_MOST_MEMORY ((unsigned long long)1 << 30)

/* A model.bin in memory: mli_open takes it as it is. */
typedef struct mlc_image {
    uint8_t *bytes; /* 64-byte aligned, owned */
    size_t size;
    char *report; /* owned: what was done and why, lines; may be NULL */
} mlc_image;

typedef struct mlc_error {
    mlc_status status;
    /* One line, without the file's name in front: "node X: what is wrong
       (expected ..., got ...)". Unsupported operators are all listed. */
    char text[1024];
} mlc_error;

/*
 * Open a model file of any known kind, told by its content: a .bin is read and
 * verified as it is, anything else is compiled. options may be NULL. On
 * success image is filled in (free it with mlc_image_free), else error. A model
 * that wants more than MLC_MOST_MEMORY to run is refused (MLC_MEMORY).
 */
mlc_status mlc_load(const char *path, const mlc_options *options,
                    mlc_image *image, mlc_error *error);

void mlc_image_free(mlc_image *image);

/*
 * The importers, for a file that is in memory. path: for files beside it (ONNX
 * external data); never left, may be NULL. They build a graph and end in
 * mlc_finish.
 */
mlc_status mlc_import_onnx(const uint8_t *bytes, size_t size, const char *path,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error);
mlc_status mlc_import_nam(const uint8_t *bytes, size_t size,
                          const mlc_options *options, mlc_image *image,
                          mlc_error *error);

/* RTNeural's JSON, and AIDA-X files. */
mlc_status mlc_import_rtneural(const uint8_t *bytes, size_t size,
                               const mlc_options *options, mlc_image *image,
                               mlc_error *error);
mlc_status mlc_import_tflite(const uint8_t *bytes, size_t size,
                             const mlc_options *options, mlc_image *image,
                             mlc_error *error);

/* GuitarML: Proteus, NeuralPi, SmartGuitarAmp, SmartGuitarPedal. */
mlc_status mlc_import_guitarml(const uint8_t *bytes, size_t size,
                               const mlc_options *options, mlc_image *image,
                               mlc_error *error);

/* A description of layers (docs/layers.md). path: for its weights beside it;
   never left, may be NULL. */
mlc_status mlc_import_layers(const uint8_t *bytes, size_t size,
                             const char *path, const mlc_options *options,
                             mlc_image *image, mlc_error *error);
/* Tensors without a graph: safetensors, a PyTorch state_dict, one as JSON. Only
   JSON is taken whose names and shapes leave no choice. */
mlc_status mlc_import_weights(const uint8_t *bytes, size_t size,
                              const mlc_options *options, mlc_image *image,
                              mlc_error *error);

/*
 * A first description of the layers of a file that has only weights, to be
 * written down beside it and put right. text: to be freed. An error if the file
 * is no such file.
 */
mlc_status mlc_draft(const char *path, char **text, mlc_error *error);

struct ir_graph;

/*
 * Graph to image: passes, arena plan, prewarm, writing, and a verification of
 * the result with mli_open. Takes the graph (frees it in every case).
 */
mlc_status mlc_finish(struct ir_graph *g, const mlc_options *options,
                      mlc_image *image, mlc_error *error);

/* Fill in an error; returns its status. */
mlc_status mlc_fail(mlc_error *error, mlc_status status, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

#endif
