/*
 * bytes.h - growing byte arrays, and a pool of texts that keeps each once.
 */
#ifndef MLC_BYTES_H
#define MLC_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_bytes {
    uint8_t *data; /* owned */
    size_t size, room;
    int failed; /* no memory, or over 2^32 - 64 bytes */
} mlc_bytes;

/* Append n bytes (data NULL: zeros). */
void mlc_put(mlc_bytes *b, const void *data, size_t n);
/* Append a text of at most 1023 bytes, without its NUL. */
void mlc_print(mlc_bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

typedef struct mlc_texts {
    mlc_bytes pool;  /* begins with a NUL */
    uint32_t *slots; /* owned: hash table of offsets, 0: empty */
    uint32_t slot_count, used;
} mlc_texts;

/* The offset of text (NULL and "" are at 0). */
uint32_t mlc_text(mlc_texts *t, const char *text);
void mlc_texts_free(mlc_texts *t);

/* FNV-1a, to be continued: start with MLC_HASH. */
#define MLC_HASH 14695981039346656037ull
uint64_t mlc_hash(uint64_t hash, const void *data, size_t n);

#endif
