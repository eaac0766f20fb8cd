/*
 * onnx_pool.h - the importer's memory and its way out.
 *
 * Everything that the importer makes lives in pools that are freed as a whole,
 * so an import can be given up from any depth: onnx_stop jumps to the place
 * that armed the stop. Allocation never answers NULL.
 */
#ifndef MLC_ONNX_POOL_H
#define MLC_ONNX_POOL_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include "compiler.h"

typedef enum onnx_why {
    ONNX_WRONG = 1, /* the error is final */
    ONNX_TIME = 2   /* this way of meeting time does not work; text says why */
} onnx_why;

typedef struct onnx_exit {
    jmp_buf jump;
    mlc_error *error;
} onnx_exit;

/* Fill in the error and leave. */
void onnx_stop(onnx_exit *e, onnx_why why, mlc_status status,
               const char *format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

typedef struct onnx_pool {
    struct onnx_chunk *chunks;
    size_t room; /* bytes left in the newest chunk */
    size_t used;
    size_t limit; /* more than this is refused: a small hostile file must not
                     take the machine's memory */
    const char *where; /* the node at work, NULL: none */
    onnx_exit *exit;
} onnx_pool;

/* base + times * bytes, or the most that there can be. */
size_t onnx_allowed(size_t base, unsigned times, uint64_t bytes);
/* count * size zeroed bytes, aligned for any type. */
void *onnx_take(onnx_pool *p, size_t count, size_t size);
/* Memory that was taken elsewhere counts as well. */
void onnx_pool_count(onnx_pool *p, uint64_t bytes);
/* A NUL-terminated copy. */
char *onnx_copy(onnx_pool *p, const void *text, size_t size);
char *onnx_print(onnx_pool *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void onnx_pool_free(onnx_pool *p);

#endif
