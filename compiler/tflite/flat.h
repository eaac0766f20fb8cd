/*
 * flat.h - a bounded reader for FlatBuffers.
 *
 * Tables are named by their place in the file. A table's vtable is checked
 * once, when the table is reached; a vector's length when the vector is. Every
 * read after that stays inside the file. Nothing is copied, nothing recurses,
 * and nothing needs alignment. Damage leaves through the exit.
 */
#ifndef MLC_TFLITE_FLAT_H
#define MLC_TFLITE_FLAT_H

#include "onnx_pool.h"

typedef struct flat_file {
    const uint8_t *bytes;
    size_t size;
    onnx_exit *exit;
} flat_file;

typedef struct flat_table {
    const flat_file *file; /* NULL: no such table */
    const char *what;      /* for error texts */
    size_t at;             /* of the table */
    size_t vtable;
    uint32_t fields; /* slots in the vtable */
    uint32_t bytes;  /* of the table itself */
} flat_table;

typedef struct flat_vector {
    const flat_file *file;
    const char *what;
    size_t at; /* of the first element */
    uint32_t count;
    uint32_t width; /* of an element */
} flat_vector;

flat_table flat_root(const flat_file *f, const char *what);

/* Numbers of a field, or the fallback where the table has none. */
int64_t flat_int(const flat_table *t, uint32_t slot, uint32_t width,
                 int64_t fallback); /* signed, 1, 2, 4 or 8 bytes */
uint64_t flat_uint(const flat_table *t, uint32_t slot, uint32_t width,
                   uint64_t fallback);
float flat_float(const flat_table *t, uint32_t slot, float fallback);

/* A table in a field: file NULL if there is none. */
flat_table flat_child(const flat_table *t, uint32_t slot, const char *what);
/* A vector in a field: count 0 if there is none. width: bytes an element; of
   tables and texts 4. */
flat_vector flat_list(const flat_table *t, uint32_t slot, uint32_t width,
                      const char *what);

/* Elements; i < count. */
int64_t flat_int_at(const flat_vector *v, uint32_t i); /* signed */
float flat_float_at(const flat_vector *v, uint32_t i);
flat_table flat_table_at(const flat_vector *v, uint32_t i, const char *what);

/* A text; NULL if there is none. Not NUL-terminated. */
const uint8_t *flat_text(const flat_table *t, uint32_t slot, uint32_t *length);

void flat_damaged(const flat_file *f, const char *what, size_t at,
                  const char *text) __attribute__((noreturn));

#endif
