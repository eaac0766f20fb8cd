/*
 * bytes.c - growing byte arrays, and a pool of texts.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

#define MAX_BYTES 0xffffffc0u

void mlc_put(mlc_bytes *b, const void *data, size_t n)
{
    if (b->failed || n > MAX_BYTES - b->size) {
        b->failed = 1;
        return;
    }
    if (n > b->room - b->size) {
        size_t room = b->size + n + b->size / 2 + 64;
        uint8_t *more = realloc(b->data, room);

        if (!more) {
            b->failed = 1;
            return;
        }
        b->data = more;
        b->room = room;
    }
    if (data && n)
        memcpy(b->data + b->size, data, n);
    else if (n)
        memset(b->data + b->size, 0, n);
    b->size += n;
}

void mlc_print(mlc_bytes *b, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mlc_put(b, text, strlen(text));
}

uint64_t mlc_hash(uint64_t hash, const void *data, size_t n)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 1099511628211ull;
    return hash;
}

/* The slot that has text, or the empty one where it goes. */
static uint32_t find_slot(const mlc_texts *t, const char *text)
{
    uint32_t at = (uint32_t)mlc_hash(MLC_HASH, text, strlen(text));

    for (at %= t->slot_count; t->slots[at]; at = (at + 1u) % t->slot_count)
        if (!strcmp((const char *)t->pool.data + t->slots[at], text))
            break;
    return at;
}

/* Keeps at least half of the slots empty. */
static int grow_slots(mlc_texts *t)
{
    mlc_texts bigger = *t;

    if (t->used * 2u < t->slot_count)
        return 1;
    bigger.slot_count = t->slot_count ? t->slot_count * 2u : 256u;
    bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
    if (!bigger.slots)
        return 0;
    for (uint32_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i]) {
            const char *text = (const char *)t->pool.data + t->slots[i];
            bigger.slots[find_slot(&bigger, text)] = t->slots[i];
        }
    }
    free(t->slots);
    *t = bigger;
    return 1;
}

uint32_t mlc_text(mlc_texts *t, const char *text)
{
    uint32_t at;

    if (t->pool.size == 0)
        mlc_put(&t->pool, "", 1);
    if (!text || !text[0] || t->pool.failed)
        return 0;
    if (!grow_slots(t)) {
        t->pool.failed = 1;
        return 0;
    }
    at = find_slot(t, text);
    if (!t->slots[at]) {
        uint32_t offset = (uint32_t)t->pool.size;
        mlc_put(&t->pool, text, strlen(text) + 1);
        if (t->pool.failed)
            return 0;
        t->slots[at] = offset;
        t->used++;
    }
    return t->slots[at];
}

void mlc_texts_free(mlc_texts *t)
{
    free(t->pool.data);
    free(t->slots);
    memset(t, 0, sizeof *t);
}
