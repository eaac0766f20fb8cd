/*
 * safetensors.c - the length of a JSON header, the header, and the numbers.
 * Format: the README of huggingface/safetensors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layers/weights.h"

#define MAX_HEADER (100u << 20) /* as the reference has it */

static uint64_t header_size(const uint8_t *bytes)
{
    uint64_t n = 0;

    for (int i = 7; i >= 0; i--)
        n = n << 8 | bytes[i];
    return n;
}

int mlc_is_safetensors(const uint8_t *bytes, size_t size)
{
    return size >= 10 && bytes[8] == '{' && header_size(bytes) >= 2 &&
           header_size(bytes) <= MAX_HEADER;
}

static const struct {
    const char *name;
    mlc_number type;
} types[] = {
    {"F32", MLC_F32},      {"F64", MLC_F64}, {"F16", MLC_F16},
    {"BF16", MLC_BF16},    {"I64", MLC_I64}, {"I32", MLC_I32},
    {"I16", MLC_I16},      {"I8", MLC_I8},   {"U8", MLC_U8},
    {"BOOL", MLC_BOOLEAN},
};

typedef struct entry {
    mlc_field dtype, shape, offsets;
    mlc_number type;
    char type_name[16];
    uint32_t rank;
    uint64_t dims[MLC_WEIGHTS_RANK];
    uint64_t first, last; /* bytes of the buffer */
} entry;

/* An array of whole numbers to 2^53; at most `room`. */
static int whole_numbers(mlc_doc *d, const mlc_field *f, uint32_t room,
                         uint64_t *to, uint32_t *count)
{
    mlc_json r;
    double v;

    *count = 0;
    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return mlc_doc_expected(d, f, "an array of whole numbers");
    mlc_json_enter(&r, MLC_JSON_ARRAY);
    while (mlc_json_next(&r)) {
        if (*count == room)
            return mlc_doc_fail(d, MLC_UNSUPPORTED, f->key,
                                "more than %u numbers", room);
        if (mlc_json_peek(&r) != MLC_JSON_NUMBER || !mlc_json_double(&r, &v) ||
            !(v >= 0 && v <= 0x1p53) || v != floor(v))
            return mlc_doc_expected(d, f, "whole numbers");
        to[(*count)++] = (uint64_t)v;
    }
    return 1;
}

static int read_entry(mlc_doc *d, const char *name, mlc_json_range at, entry *e)
{
    mlc_field f[3] = {
        {"dtype", {0, 0}}, {"shape", {0, 0}}, {"data_offsets", {0, 0}}};
    uint64_t offsets[2] = {0, 0};
    uint32_t n;

    memset(e, 0, sizeof *e);
    if (!mlc_doc_object(d, name, at, f, 3))
        return 0;
    mlc_doc_enter(d, "%.80s.", name);
    if (!mlc_doc_text(d, &f[0], e->type_name, sizeof e->type_name) ||
        !whole_numbers(d, &f[1], MLC_WEIGHTS_RANK, e->dims, &e->rank) ||
        !whole_numbers(d, &f[2], 2, offsets, &n))
        return 0;
    if (n != 2)
        return mlc_doc_expected(d, &f[2], "two numbers");
    mlc_doc_leave(d, 0);
    e->type = MLC_OTHER;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, e->type_name))
            e->type = types[i].type;
    e->first = offsets[0];
    e->last = offsets[1];
    return 1;
}

static mlc_status add(mlc_weights *w, const char *name, const entry *e,
                      const uint8_t *buffer, uint64_t size, mlc_error *error)
{
    mlc_weight *t;

    if (e->first > e->last || e->last > size)
        return mlc_fail(error, MLC_CORRUPT,
                        "tensor %.80s: its bytes %llu to %llu lie outside of "
                        "the file's %llu: is it cut short?",
                        name, (unsigned long long)e->first,
                        (unsigned long long)e->last, (unsigned long long)size);
    t = mlc_weights_add(w, name, strlen(name), e->rank, e->dims, e->type,
                        error);
    if (!t)
        return error->status;
    if (e->type != MLC_OTHER &&
        t->count * mlc_number_bytes(t->type) != e->last - e->first)
        return mlc_fail(
            error, MLC_CORRUPT,
            "tensor %.80s: expected %llu bytes for its shape, got "
            "%llu",
            name, (unsigned long long)t->count * mlc_number_bytes(t->type),
            (unsigned long long)(e->last - e->first));
    memcpy(t->type_name, e->type_name, sizeof t->type_name);
    t->data = buffer + e->first;
    t->json = (mlc_json_range){(size_t)e->first, (size_t)e->last};
    return MLC_OK;
}

static int by_offset(const void *a, const void *b)
{
    const mlc_json_range *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

/* No two may share bytes. */
static mlc_status check_overlap(const mlc_weights *w, mlc_error *error)
{
    mlc_json_range *all = malloc((w->count + 1u) * sizeof *all);
    mlc_status status = MLC_OK;
    size_t end = 0;

    if (!all)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    for (uint32_t i = 0; i < w->count; i++)
        all[i] = w->tensor[i].json;
    qsort(all, w->count, sizeof *all, by_offset);
    for (uint32_t i = 0; i < w->count && !status; i++) {
        if (all[i].first < end && all[i].first < all[i].last)
            status =
                mlc_fail(error, MLC_CORRUPT,
                         "two tensors share the bytes at %zu", all[i].first);
        if (all[i].last > end)
            end = all[i].last;
    }
    free(all);
    return status;
}

mlc_status mlc_read_safetensors(mlc_weights *w, const uint8_t *bytes,
                                size_t size, mlc_error *error)
{
    uint64_t n = header_size(bytes);
    mlc_doc d = {.text = bytes};
    mlc_status status = MLC_OK;
    char name[MLC_JSON_KEY];
    mlc_json_range at;
    mlc_json r;
    entry e;

    if (n > size - 8)
        return mlc_fail(error, MLC_CORRUPT,
                        "cut short: its header has %llu "
                        "bytes, the file %zu",
                        (unsigned long long)n, size);
    mlc_json_open_range(&r, bytes, (mlc_json_range){8, 8 + (size_t)n});
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (!status && mlc_json_next(&r)) {
        memcpy(name, r.key, sizeof name); /* the next keys are inside */
        if (!mlc_json_skip(&r, &at))
            break;
        if (!strcmp(name, "__metadata__"))
            continue;
        if (!read_entry(&d, name, at, &e))
            return mlc_fail(error, d.status, "tensor %s", d.error);
        status = add(w, name, &e, bytes + 8 + n, size - 8 - n, error);
    }
    if (!status && !mlc_json_done(&r))
        status =
            mlc_fail(error, MLC_CORRUPT, "safetensors header: %s", r.error);
    return status ? status : check_overlap(w, error);
}
