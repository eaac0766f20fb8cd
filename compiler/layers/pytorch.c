/*
 * pytorch.c - a PyTorch checkpoint as torch.save writes it since version 1.6: a
 * zip archive of NAME/data.pkl, which says what there is, and NAME/data/KEY,
 * the numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layers/pickle.h"
#include "layers/zip.h"

#define KEYS 65536u /* keys of storages are numbers, counted from 0 */

typedef struct archive {
    mlc_zip zip;
    mlc_zip_entry *storage; /* owned: KEYS of them; name NULL: none */
    mlc_weights *w;
} archive;

/* The part behind the first folder: "data.pkl" of "NAME/data.pkl". */
static int inside(const mlc_zip_entry *e, const char **name, size_t *length)
{
    const char *slash = memchr(e->name, '/', e->name_length);

    if (!slash)
        return 0;
    *name = slash + 1;
    *length = e->name_length - (size_t)(*name - e->name);
    return 1;
}

/* "data/7" is 7; KEYS: something else */
static uint32_t key_of(const char *name, size_t length)
{
    uint32_t key = 0;

    if (length < 1 || length > 5)
        return KEYS;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9' ||
            (i == 0 && length > 1 && name[0] == '0'))
            return KEYS;
        key = key * 10 + (uint32_t)(name[i] - '0');
    }
    return key < KEYS ? key : KEYS;
}

static int named(const char *name, size_t length, const char *word)
{
    return strlen(word) == length && !memcmp(name, word, length);
}

/* Sort the entries: the pickle, the storages. */
static mlc_status list_entries(archive *a, mlc_zip_entry *pickle,
                               mlc_error *error)
{
    mlc_zip_entry e = {0};
    int script = 0, code = 0;
    const uint8_t *order;
    const char *name;
    size_t n;

    while (mlc_zip_next(&a->zip, &e)) {
        if (!inside(&e, &name, &n))
            continue;
        if (named(name, n, "data.pkl"))
            *pickle = e;
        script |= named(name, n, "constants.pkl");
        code |= n > 5 && !memcmp(name, "code/", 5);
        if (named(name, n, "byteorder")) {
            order = mlc_zip_bytes(&a->zip, &e, error);
            if (order && e.size >= 3 && !memcmp(order, "big", 3))
                return mlc_fail(error, MLC_UNSUPPORTED,
                                "a checkpoint of a big-endian machine");
        }
        if (n > 5 && !memcmp(name, "data/", 5)) {
            uint32_t key = key_of(name + 5, n - 5);

            if (key < KEYS)
                a->storage[key] = e;
        }
    }
    if (script && code)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a TorchScript archive: load it with torch.jit.load "
                        "and export it with torch.onnx.export, or save its "
                        "state_dict()");
    if (!pickle->name)
        return mlc_fail(error, MLC_CORRUPT,
                        "a zip archive without a state_dict (data.pkl)");
    return MLC_OK;
}

static int is_empty(const mlc_pickled *t)
{
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->dims[i] == 0)
            return 1;
    return 0;
}

/* The largest index of a view, in elements; ~0: beyond all. */
static uint64_t last_element(const mlc_pickled *t)
{
    uint64_t last = t->offset;

    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->dims[i] > MLI_MAX_ELEMENTS || t->strides[i] > (1ull << 32))
            return ~(uint64_t)0;
        last += (t->dims[i] - 1) * t->strides[i]; /* < 2^60 each */
        if (last > 1ull << 60)
            return ~(uint64_t)0;
    }
    return last;
}

static mlc_status take(void *owner, const mlc_pickled *t, mlc_error *error)
{
    archive *a = owner;
    uint32_t key = key_of(t->key, t->key_length);
    uint32_t bytes = mlc_number_bytes(t->type);
    const mlc_zip_entry *e = key < KEYS ? &a->storage[key] : NULL;
    const uint8_t *data;
    uint64_t last = last_element(t);
    mlc_weight *w;

    if (!e || !e->name)
        return mlc_fail(error, MLC_CORRUPT,
                        "tensor %s: its numbers (data/%.*s) are missing",
                        t->name, (int)(t->key_length < 40 ? t->key_length : 40),
                        t->key);
    data = mlc_zip_bytes(&a->zip, e, error);
    if (!data)
        return error->status;
    if (!is_empty(t) && (t->offset > 1ull << 40 || last >= e->size / bytes))
        return mlc_fail(error, MLC_CORRUPT,
                        "tensor %s: lies outside of its %u numbers", t->name,
                        e->size / bytes);
    w = mlc_weights_add(a->w, t->name, t->length, t->rank, t->dims, t->type,
                        error);
    if (!w)
        return error->status;
    w->data = is_empty(t) ? data : data + t->offset * bytes;
    memcpy(w->strides, t->strides, sizeof w->strides);
    return MLC_OK;
}

mlc_status mlc_read_pytorch(mlc_weights *w, const uint8_t *bytes, size_t size,
                            mlc_error *error)
{
    archive a = {.w = w};
    mlc_zip_entry pickle = {0};
    const uint8_t *text = NULL;
    mlc_status status = mlc_zip_open(&a.zip, bytes, size, error);

    if (status)
        return status;
    w->ordered = 1;
    a.storage = calloc(KEYS, sizeof *a.storage);
    if (!a.storage)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    status = list_entries(&a, &pickle, error);
    if (!status) {
        text = mlc_zip_bytes(&a.zip, &pickle, error);
        status = text ? mlc_pickle_read(text, pickle.size, take, &a, error)
                      : error->status;
    }
    free(a.storage);
    return status;
}
