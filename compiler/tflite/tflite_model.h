/*
 * tflite_model.h - a TensorFlow Lite file as tensors and operators.
 */
#ifndef MLC_TFLITE_MODEL_H
#define MLC_TFLITE_MODEL_H

#include "flat.h"

#define TFL_MAX_RANK 8

typedef enum tfl_type { /* the schema's numbers */
                        TFL_FLOAT32 = 0,
                        TFL_FLOAT16 = 1,
                        TFL_INT32 = 2,
                        TFL_UINT8 = 3,
                        TFL_INT64 = 4,
                        TFL_STRING = 5,
                        TFL_BOOL = 6,
                        TFL_INT16 = 7,
                        TFL_INT8 = 9,
                        TFL_FLOAT64 = 10,
                        TFL_UINT64 = 12,
                        TFL_RESOURCE = 13,
                        TFL_VARIANT = 14,
                        TFL_UINT32 = 15,
                        TFL_UINT16 = 16,
                        TFL_INT4 = 17,
                        TFL_BFLOAT16 = 18
} tfl_type;

typedef struct tfl_tensor {
    tfl_type type;
    int rank;                    /* -1: more than TFL_MAX_RANK */
    uint32_t dims[TFL_MAX_RANK]; /* unknown ones count as 1 */
    int unknown;                 /* one was */
    const char *name;
    const uint8_t *raw; /* a constant's numbers, or NULL */
    size_t raw_size;
    flat_vector scales, zeros; /* counts 0: not quantised */
    uint32_t axis;             /* that the scales run along */
    int variable;
    int sparse;
} tfl_tensor;

typedef struct tfl_operator {
    int code; /* the schema's BuiltinOperator */
    const char *custom;
    flat_vector in, out;
    flat_vector between; /* intermediate tensors: they carry scales */
    flat_table options;
} tfl_operator;

typedef struct tfl_subgraph {
    tfl_tensor *tensors;
    uint32_t tensor_count;
    tfl_operator *ops;
    uint32_t op_count;
    flat_vector in, out;
} tfl_subgraph;

typedef struct tfl_port_name {
    uint32_t tensor;
    const char *name;
} tfl_port_name;

typedef struct tfl_model {
    flat_file file;
    onnx_pool *pool;
    tfl_subgraph *subgraphs;
    uint32_t subgraph_count;
    const char *description;
    tfl_port_name *names[2]; /* of the first subgraph's inputs, outputs */
    uint32_t name_count[2];
} tfl_model;

/* Reads all tables; numbers stay where they are. Leaves through the pool's
   exit. */
void tfl_read(tfl_model *m, const uint8_t *bytes, size_t size, onnx_pool *pool);

/* The labels of an output's n numbers, if metadata behind the model name them;
   else NULL. */
const char **tfl_labels(tfl_model *m, uint32_t output, uint32_t n);

const char *tfl_type_name(int type);
/* Bytes of an element; 0 for types without a size (INT4 counts as 1). */
uint32_t tfl_type_size(int type);
/* Bytes that `n` elements need, as they lie in a buffer. */
uint64_t tfl_bytes(int type, uint64_t n);

#endif
