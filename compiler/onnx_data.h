/*
 * onnx_data.h - for tools that check the importer against data: TensorProto
 * files, and inputs that are given a constant value.
 */
#ifndef MLC_ONNX_DATA_H
#define MLC_ONNX_DATA_H

#include "compiler.h"

typedef struct mlc_onnx_tensor {
    char name[256];
    int type; /* TensorProto.DataType */
    int rank;
    int64_t dims[8];
    uint64_t count;
    float *f;   /* owned: float types; one of the two */
    int64_t *i; /* owned: integers and bool */
} mlc_onnx_tensor;

/* One serialized TensorProto. Strings and complex numbers are unsupported. */
mlc_status mlc_onnx_tensor_read(const uint8_t *bytes, size_t size,
                                mlc_onnx_tensor *tensor, mlc_error *error);
void mlc_onnx_tensor_free(mlc_onnx_tensor *tensor);

typedef struct mlc_onnx_port { /* a graph's input or output */
    char name[256];
    int type;            /* TensorProto.DataType, 0: not a tensor */
    int used_as_weights; /* some node takes it where weights belong */
    int decides_shapes;  /* a shape is computed from its numbers */
} mlc_onnx_port;

typedef struct mlc_onnx_ports {
    mlc_onnx_port *in, *out; /* owned; inputs without initializers */
    size_t inputs, outputs;
    int random; /* nodes that draw numbers */
} mlc_onnx_ports;

/* A graph's inputs and outputs, in order. */
mlc_status mlc_onnx_ports_read(const uint8_t *bytes, size_t size,
                               mlc_onnx_ports *ports, mlc_error *error);
void mlc_onnx_ports_free(mlc_onnx_ports *ports);

/* "float", "int64" ... */
const char *mlc_onnx_type(int type);

typedef struct mlc_onnx_bind {
    const char *name;
    const mlc_onnx_tensor *tensor;
    int shape_only; /* the input has the tensor's dims, but stays an input */
} mlc_onnx_bind;

/* mlc_import_onnx, with some graph inputs replaced by constants, or of known
   dims. */
mlc_status mlc_import_onnx_bound(const uint8_t *bytes, size_t size,
                                 const char *path, const mlc_options *options,
                                 const mlc_onnx_bind *binds, size_t count,
                                 mlc_image *image, mlc_error *error);

#endif
