/*
 * onnx_model.h - an ONNX file as structs. Tensors stay where they are until
 * onnx_tensor_read asks for their numbers.
 */
#ifndef MLC_ONNX_MODEL_H
#define MLC_ONNX_MODEL_H

#include "onnx_proto.h"

#define ONNX_MAX_RANK 8

/* TensorProto.DataType */
typedef enum onnx_type {
    ONNX_UNDEFINED = 0,
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16
} onnx_type;

/* "float", "int64" ... */
const char *onnx_type_name(int type);
/* FLOAT, FLOAT16, BFLOAT16, DOUBLE: held as float. The other types that can be
   read are held as int64_t. */
int onnx_type_is_float(int type);

typedef struct onnx_tensor {
    const char *name;
    int type;
    int rank;
    int64_t dims[ONNX_MAX_RANK];
    uint64_t count;
    int external;
    onnx_reader message; /* the TensorProto */
    const uint8_t *raw;  /* after onnx_tensor_bytes, if it had to read them */
    float *f;            /* after onnx_tensor_read: one of the two */
    int64_t *i;
    const char **strings; /* texts; i counts them */
} onnx_tensor;

typedef struct onnx_graph onnx_graph;

typedef struct onnx_attr {
    const char *name;
    const char *ref; /* of a function's body: the caller's attribute */
    int type;        /* AttributeProto.AttributeType */
    float f;
    int64_t i;
    const char *s;
    onnx_tensor *t;
    onnx_graph *g;
    size_t ints_count, floats_count, strings_count;
    int32_t *nodes; /* of an ensemble of trees: its integers, which then are not
                       in ints: there are very many */
    size_t nodes_count;
    int64_t *ints;
    float *floats;
    const char **strings;
} onnx_attr;

typedef struct onnx_node {
    const char *op, *domain, *name;
    const char **in, **out; /* "" where an optional one is missing */
    size_t inputs, outputs, attrs;
    onnx_attr *attr;
} onnx_node;

typedef struct onnx_info { /* a graph's input or output */
    const char *name;
    int type;                          /* 0: not a tensor */
    int rank;                          /* -1: unknown */
    int64_t dims[ONNX_MAX_RANK];       /* -1: dynamic */
    const char *params[ONNX_MAX_RANK]; /* names of dynamic dims, or NULL */
} onnx_info;

typedef struct onnx_opset {
    const char *domain;
    int64_t version;
} onnx_opset;

struct onnx_graph {
    const char *name;
    onnx_node *nodes;
    onnx_tensor *tensors;
    onnx_info *inputs, *outputs;
    size_t node_count, tensor_count, input_count, output_count;
};

typedef struct onnx_function {
    const char *name, *domain;
    const char **in, **out;
    size_t inputs, outputs, attrs;
    onnx_attr *attr; /* attributes with defaults */
    onnx_graph body; /* nodes only */
    onnx_opset *opsets;
    size_t opset_count;
} onnx_function;

typedef struct onnx_model {
    onnx_exit *exit;
    onnx_pool *pool;
    const char *path; /* for external data; may be NULL */
    int64_t ir_version;
    const char *producer, *producer_version;
    onnx_graph graph;
    onnx_opset *opsets;
    onnx_function *functions;
    const char **meta; /* key, value, key, value ... */
    size_t opset_count, function_count, meta_count;
    uint64_t file_bytes; /* of the model itself */
    const char **beside; /* files that tensors were read from, each once: */
    size_t beside_count, beside_room;
    uint64_t beside_bytes;  /* what they allow is as much as the model does */
    char spent[160];        /* the node that found it all spent */
    double work, most_work; /* on constants, in all walks: nanoseconds */
} onnx_model;

/* Everything but the numbers of the tensors. Leaves through m->exit. */
void onnx_model_read(onnx_model *m, const uint8_t *bytes, size_t size);
/* One TensorProto by itself. */
void onnx_tensor_parse(onnx_model *m, onnx_reader message, onnx_tensor *t);
/* Numbers of one or two bytes as they are in the file, or beside it (then read
   once, into the pool); NULL if they are not in one piece. */
const uint8_t *onnx_tensor_bytes(onnx_model *m, onnx_tensor *t);
/* Its numbers, into t->f or t->i; done once. */
void onnx_tensor_read(onnx_model *m, onnx_tensor *t);
/* The version of a domain ("" is ONNX itself); 0 if it is not imported. */
int64_t onnx_opset_of(const onnx_opset *o, size_t count, const char *domain);

/* Has the graph a tensor of this name? */
int onnx_is_initializer(const onnx_graph *g, const char *name);

#endif
