/* onnx_pool.c - see onnx_pool.h */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_pool.h"

#define CHUNK ((size_t)1 << 16)
#define ALIGN sizeof(max_align_t)

typedef struct onnx_chunk {
    struct onnx_chunk *next;
    size_t size;
    max_align_t bytes[];
} onnx_chunk;

void onnx_stop(onnx_exit *e, onnx_why why, mlc_status status,
               const char *format, ...)
{
    va_list args;
    if (e->error) {
        e->error->status = status;
        va_start(args, format);
        vsnprintf(e->error->text, sizeof e->error->text, format, args);
        va_end(args);
        for (char *s = e->error->text; *s; s++) /* one line, whatever names */
            *s = (unsigned char)*s < ' ' || *s == 127 ? '?' : *s;
    }
    longjmp(e->jump, (int)why);
}

static void refuse(onnx_pool *p)
{
    onnx_stop(p->exit, ONNX_WRONG, MLC_MEMORY,
              "%s%s%sthe model needs more memory than is allowed for its size "
              "(expected at most %zu bytes)",
              p->where ? "node " : "", p->where ? p->where : "",
              p->where ? ": " : "", p->limit);
}

void onnx_pool_count(onnx_pool *p, uint64_t bytes)
{
    if (bytes > p->limit - p->used)
        refuse(p);
    p->used += (size_t)bytes;
}

size_t onnx_allowed(size_t base, unsigned times, uint64_t bytes)
{
    return bytes < (SIZE_MAX - base) / times ? base + times * (size_t)bytes
                                             : SIZE_MAX;
}

void *onnx_take(onnx_pool *p, size_t count, size_t size)
{
    size_t bytes;
    char *at;
    if (size && count > (p->limit - p->used) / size)
        refuse(p);
    bytes = (count * size + ALIGN) / ALIGN * ALIGN; /* never 0 */
    if (bytes > p->limit - p->used)
        refuse(p);
    if (bytes > p->room) {
        size_t want = bytes > CHUNK ? bytes : CHUNK;
        onnx_chunk *c = calloc(1, sizeof *c + want);
        if (!c)
            refuse(p);
        c->size = want;
        c->next = p->chunks;
        p->chunks = c;
        p->room = want;
    }
    at = (char *)p->chunks->bytes + (p->chunks->size - p->room);
    p->room -= bytes;
    p->used += bytes;
    return at;
}

char *onnx_copy(onnx_pool *p, const void *text, size_t size)
{
    char *copy = onnx_take(p, size + 1, 1);
    if (size)
        memcpy(copy, text, size);
    return copy;
}

char *onnx_print(onnx_pool *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return onnx_copy(p, text, strlen(text));
}

void onnx_pool_free(onnx_pool *p)
{
    while (p->chunks) {
        onnx_chunk *next = p->chunks->next;
        free(p->chunks);
        p->chunks = next;
    }
    p->room = p->used = 0;
}
