/*
 * onnx_proto.h - a bounded pull reader for protobuf messages.
 *
 * It never copies, never recurses and never reads past the message; a damaged
 * message leaves through the exit with the byte named.
 */
#ifndef MLC_ONNX_PROTO_H
#define MLC_ONNX_PROTO_H

#include "onnx_pool.h"

typedef enum onnx_wire {
    ONNX_VARINT = 0,
    ONNX_FIXED64 = 1,
    ONNX_BYTES = 2,
    ONNX_FIXED32 = 5
} onnx_wire;

typedef struct onnx_reader {
    const uint8_t *at, *end;
    const uint8_t *file; /* start of the file, for error texts */
    const char *what;    /* the message being read, for error texts */
    onnx_exit *exit;
} onnx_reader;

typedef struct onnx_field {
    uint32_t number;
    onnx_wire wire;
    uint64_t value;       /* VARINT, FIXED64, FIXED32 */
    const uint8_t *bytes; /* BYTES */
    size_t size;
} onnx_field;

/* The next field; 0 at the end of the message. Groups are skipped. */
int onnx_next(onnx_reader *r, onnx_field *f);
/* A reader over a field that holds a message. */
onnx_reader onnx_inside(const onnx_reader *r, const onnx_field *f,
                        const char *what);
/* How often a field occurs. */
size_t onnx_count(onnx_reader r, uint32_t number);

/*
 * Repeated numbers, packed or not: onnx_numbers counts what one field holds,
 * onnx_number gives the next (0 when the field is used up). width: 0 for
 * varints, else 4 or 8.
 */
size_t onnx_numbers(const onnx_reader *r, const onnx_field *f, int width);
int onnx_number(onnx_reader *r, onnx_field *f, int width, uint64_t *value);

void onnx_damaged(const onnx_reader *r, const uint8_t *at, const char *text)
    __attribute__((noreturn));

#endif
