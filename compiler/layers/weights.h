/*
 * weights.h - tensors by name, from a file that holds nothing else:
 * safetensors, a PyTorch state_dict (zip), or a state_dict as JSON.
 *
 * Nothing is converted before it is asked for. Every tensor was checked to lie
 * inside the file when the list was made.
 */
#ifndef MLC_LAYERS_WEIGHTS_H
#define MLC_LAYERS_WEIGHTS_H

#include "compiler.h"
#include "doc.h"

#define MLC_WEIGHTS_RANK    8u
#define MLC_WEIGHTS_TENSORS 65536u
#define MLC_WEIGHTS_NAME    255u /* bytes */

typedef enum mlc_number {
    MLC_F32,
    MLC_F64,
    MLC_F16,
    MLC_BF16,
    MLC_I64,
    MLC_I32,
    MLC_I16,
    MLC_I8,
    MLC_U8,
    MLC_BOOLEAN,
    MLC_DIGITS, /* JSON */
    MLC_OTHER   /* a type that is not read; its name is kept */
} mlc_number;

typedef struct mlc_weight {
    char *name; /* owned */
    uint32_t rank;
    uint32_t dims[MLC_WEIGHTS_RANK];
    uint64_t count; /* product of dims */
    mlc_number type;
    char type_name[16];  /* of MLC_OTHER */
    const uint8_t *data; /* borrowed; the element at index 0, ... 0 */
    uint64_t strides[MLC_WEIGHTS_RANK]; /* elements */
    mlc_json_range json;                /* MLC_DIGITS */
    int used;
} mlc_weight;

typedef struct mlc_weights {
    mlc_weight *tensor; /* owned, in the order of the file */
    uint32_t count, room;
    uint32_t *sorted;    /* owned: by name */
    const uint8_t *text; /* borrowed: the file */
    int ordered;         /* the file's order means something */
} mlc_weights;

/*
 * What is in the bytes, which are borrowed while the list is used. The format
 * is told by the content.
 */
mlc_status mlc_weights_read(mlc_weights *w, const uint8_t *bytes, size_t size,
                            mlc_error *error);
void mlc_weights_free(mlc_weights *w);

/* NULL: there is none. */
mlc_weight *mlc_weights_find(const mlc_weights *w, const char *name);
/* Row-major floats, to be freed; NULL after an error, which names the tensor.
   Finite, or that is an error. Marks the tensor as used. */
float *mlc_weights_floats(mlc_weights *w, mlc_weight *t, mlc_error *error);
/* Are all weights numbers of 16 bits, and so many that it matters that they
   stay small? */
int mlc_weights_are_halves(const mlc_weights *w);
/* "[2, 3]"; text has room for 120 characters. */
const char *mlc_weight_shape(const mlc_weight *t, char *text);

/* ----------------------------------------- for the readers of formats ---- */

/*
 * A new tensor. dims: fit 32 bits and rank <= 8, or that is an error. Strides
 * are row-major. NULL after an error.
 */
mlc_weight *mlc_weights_add(mlc_weights *w, const char *name, size_t length,
                            uint32_t rank, const uint64_t *dims,
                            mlc_number type, mlc_error *error);
/* Bytes of an element; 0: of a type without a fixed size. */
uint32_t mlc_number_bytes(mlc_number type);
/* Sort; two of one name are an error. The readers' last step. */
mlc_status mlc_weights_sort(mlc_weights *w, mlc_error *error);

int mlc_is_safetensors(const uint8_t *bytes, size_t size);
mlc_status mlc_read_safetensors(mlc_weights *w, const uint8_t *bytes,
                                size_t size, mlc_error *error);
mlc_status mlc_read_pytorch(mlc_weights *w, const uint8_t *bytes, size_t size,
                            mlc_error *error);
/* A JSON object whose members are nested arrays of numbers; `at` in text. */
mlc_status mlc_read_json_weights(mlc_weights *w, const uint8_t *text,
                                 mlc_json_range at, mlc_error *error);

#endif
