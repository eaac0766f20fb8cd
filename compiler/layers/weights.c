/*
 * weights.c - the list of tensors, and their numbers as floats.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layers/weights.h"

/* ----------------------------------------------------------- the list ---- */

uint32_t mlc_number_bytes(mlc_number type)
{
    static const uint8_t bytes[] = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1};

    return type < sizeof bytes ? bytes[type] : 0;
}

static int more_room(mlc_weights *w)
{
    uint32_t room = w->room ? 2 * w->room : 64;
    mlc_weight *more;

    if (w->count < w->room)
        return 1;
    more = realloc(w->tensor, room * sizeof *more);
    if (!more)
        return 0;
    w->tensor = more;
    w->room = room;
    return 1;
}

static mlc_status set_shape(mlc_weight *t, uint32_t rank, const uint64_t *dims,
                            mlc_error *error)
{
    uint64_t stride = 1;

    if (rank > MLC_WEIGHTS_RANK)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "tensor %s: %u dimensions (at most %u are supported)",
                        t->name, rank, MLC_WEIGHTS_RANK);
    t->rank = rank;
    t->count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i] > MLI_MAX_ELEMENTS ||
            (dims[i] && t->count > MLI_MAX_ELEMENTS / dims[i]))
            return mlc_fail(error, MLC_UNSUPPORTED,
                            "tensor %s: too large (at most %u numbers are "
                            "supported)",
                            t->name, MLI_MAX_ELEMENTS);
        t->dims[i] = (uint32_t)dims[i];
        t->count *= dims[i];
    }
    for (uint32_t i = rank; i-- > 0;) {
        t->strides[i] = stride;
        stride *= dims[i];
    }
    return MLC_OK;
}

mlc_weight *mlc_weights_add(mlc_weights *w, const char *name, size_t length,
                            uint32_t rank, const uint64_t *dims,
                            mlc_number type, mlc_error *error)
{
    mlc_weight *t;

    if (w->count == MLC_WEIGHTS_TENSORS) {
        mlc_fail(error, MLC_UNSUPPORTED, "more than %u tensors",
                 MLC_WEIGHTS_TENSORS);
        return NULL;
    }
    if (length > MLC_WEIGHTS_NAME) {
        mlc_fail(error, MLC_UNSUPPORTED,
                 "a tensor's name has %zu bytes (at most %u are supported)",
                 length, MLC_WEIGHTS_NAME);
        return NULL;
    }
    if (!more_room(w)) {
        mlc_fail(error, MLC_MEMORY, "out of memory");
        return NULL;
    }
    t = &w->tensor[w->count];
    memset(t, 0, sizeof *t);
    t->type = type;
    t->name = malloc(length + 1);
    if (!t->name) {
        mlc_fail(error, MLC_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(t->name, name, length);
    t->name[length] = '\0';
    w->count++;
    return set_shape(t, rank, dims, error) == MLC_OK ? t : NULL;
}

void mlc_weights_free(mlc_weights *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        free(w->tensor[i].name);
    free(w->tensor);
    free(w->sorted);
    memset(w, 0, sizeof *w);
}

/* ---------------------------------------------------------- by name ---- */

/* Heap sort: no recursion, no state outside, and never quadratic. */
static void sift(const mlc_weights *w, uint32_t root, uint32_t n)
{
    uint32_t *a = w->sorted;

    for (;;) {
        uint32_t child = 2 * root + 1, keep;

        if (child >= n)
            return;
        if (child + 1 < n &&
            strcmp(w->tensor[a[child]].name, w->tensor[a[child + 1]].name) < 0)
            child++;
        if (strcmp(w->tensor[a[root]].name, w->tensor[a[child]].name) >= 0)
            return;
        keep = a[root];
        a[root] = a[child];
        a[child] = keep;
        root = child;
    }
}

mlc_status mlc_weights_sort(mlc_weights *w, mlc_error *error)
{
    uint32_t n = w->count, *a = malloc((n + 1u) * sizeof *a);

    if (!a)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    free(w->sorted);
    w->sorted = a;
    for (uint32_t i = 0; i < n; i++)
        a[i] = i;
    for (uint32_t i = n / 2; i-- > 0;)
        sift(w, i, n);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t keep = a[0];

        a[0] = a[i];
        a[i] = keep;
        sift(w, 0, i);
    }
    for (uint32_t i = 1; i < n; i++)
        if (!strcmp(w->tensor[a[i - 1]].name, w->tensor[a[i]].name))
            return mlc_fail(error, MLC_CORRUPT, "two tensors are named %s",
                            w->tensor[a[i]].name);
    return MLC_OK;
}

mlc_weight *mlc_weights_find(const mlc_weights *w, const char *name)
{
    uint32_t low = 0, high = w->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        mlc_weight *t = &w->tensor[w->sorted[middle]];
        int order = strcmp(name, t->name);

        if (order == 0)
            return t;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Fewer weights are faster as floats. */
#define MANY ((uint64_t)1 << 18)

int mlc_weights_are_halves(const mlc_weights *w)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        const mlc_weight *t = &w->tensor[i];

        if (t->rank > 1 && t->type != MLC_F16 && t->type != MLC_BF16)
            return 0;
        n += t->rank > 1 ? t->count : 0;
    }
    return n >= MANY;
}

const char *mlc_weight_shape(const mlc_weight *t, char *text)
{
    size_t n = (size_t)snprintf(text, 120, "[");

    for (uint32_t i = 0; i < t->rank; i++)
        n += (size_t)snprintf(text + n, 120 - n, "%s%u", i ? ", " : "",
                              t->dims[i]);
    snprintf(text + n, 120 - n, "]");
    return text;
}

/* ---------------------------------------------------------- numbers ---- */

static uint64_t bits(const uint8_t *at, uint32_t bytes)
{
    uint64_t v = 0;
    uint16_t h;
    uint32_t u;

    if (bytes == 2) { /* the usual ones; little-endian machines only */
        memcpy(&h, at, sizeof h);
        return h;
    }
    if (bytes == 4) {
        memcpy(&u, at, sizeof u);
        return u;
    }
    for (uint32_t i = bytes; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

static float from_bits(uint32_t v)
{
    float f;

    memcpy(&f, &v, sizeof f);
    return f;
}

static float half(uint32_t v)
{
    uint32_t exponent = v >> 10 & 31u, fraction = v & 1023u;
    float f = exponent == 0 ? (float)fraction * 0x1p-24f
              : exponent == 31
                  ? (fraction ? NAN : INFINITY)
                  : from_bits(((v & 0x7fffu) + (112u << 10)) << 13);

    return v & 0x8000u ? -f : f;
}

static float number(mlc_number type, const uint8_t *at)
{
    uint64_t v = bits(at, mlc_number_bytes(type));
    double d;

    switch (type) {
    case MLC_F32:
        return from_bits((uint32_t)v);
    case MLC_F64:
        memcpy(&d, &v, sizeof d);
        return (float)d;
    case MLC_F16:
        return half((uint32_t)v);
    case MLC_BF16:
        return from_bits((uint32_t)v << 16);
    case MLC_I64:
        return (float)(int64_t)v;
    case MLC_I32:
        return (float)(int32_t)(uint32_t)v;
    case MLC_I16:
        return (float)(int16_t)(uint16_t)v;
    case MLC_I8:
        return (float)(int8_t)(uint8_t)v;
    default:
        return (float)v;
    }
}

static int row_major(const mlc_weight *t)
{
    uint64_t stride = 1;

    for (uint32_t i = t->rank; i-- > 0;) {
        if (t->dims[i] > 1 && t->strides[i] != stride)
            return 0;
        stride *= t->dims[i];
    }
    return 1;
}

static void gather(const mlc_weight *t, float *to)
{
    uint32_t bytes = mlc_number_bytes(t->type), index[MLC_WEIGHTS_RANK] = {0};

    if (row_major(t)) {
        for (uint64_t i = 0; i < t->count; i++)
            to[i] = number(t->type, t->data + i * bytes);
        return;
    }
    for (uint64_t i = 0; i < t->count; i++) {
        uint64_t at = 0;

        for (uint32_t d = 0; d < t->rank; d++)
            at += index[d] * t->strides[d];
        to[i] = number(t->type, t->data + at * bytes);
        for (uint32_t d = t->rank; d-- > 0;) {
            if (++index[d] < t->dims[d])
                break;
            index[d] = 0;
        }
    }
}

static float *from_text(const mlc_weights *w, const mlc_weight *t,
                        mlc_error *error)
{
    mlc_field f = {t->name, t->json};
    mlc_doc d = {.text = w->text};
    mlc_doc_array a;
    float *to = NULL;

    if (mlc_doc_shape(&d, &f, &a))
        to = mlc_doc_numbers(&d, &f, &a);
    if (!to)
        mlc_fail(error, d.status, "tensor %s", d.error);
    return to;
}

float *mlc_weights_floats(mlc_weights *w, mlc_weight *t, mlc_error *error)
{
    float *to;

    t->used = 1;
    if (t->type == MLC_OTHER) {
        mlc_fail(error, MLC_UNSUPPORTED,
                 "tensor %s: numbers of type %s are not supported", t->name,
                 t->type_name);
        return NULL;
    }
    if (t->count == 0) {
        mlc_fail(error, MLC_CORRUPT, "tensor %s: it is empty", t->name);
        return NULL;
    }
    if (t->type == MLC_DIGITS)
        return from_text(w, t, error);
    to = malloc((size_t)t->count * sizeof *to);
    if (!to) {
        mlc_fail(error, MLC_MEMORY, "out of memory");
        return NULL;
    }
    gather(t, to);
    for (uint64_t i = 0; i < t->count; i++)
        if (to[i] - to[i] != 0.f) {
            mlc_fail(error, MLC_CORRUPT,
                     "tensor %s: element %llu is no finite number (%g)",
                     t->name, (unsigned long long)i, to[i]);
            free(to);
            return NULL;
        }
    return to;
}

/* --------------------------------------------------------------- file ---- */

mlc_status mlc_weights_read(mlc_weights *w, const uint8_t *bytes, size_t size,
                            mlc_error *error)
{
    mlc_status status;
    mlc_json r;

    memset(w, 0, sizeof *w);
    mlc_json_open(&r, bytes, size);
    w->text = bytes;
    if (size >= 4 && !memcmp(bytes, "PK\3\4", 4))
        status = mlc_read_pytorch(w, bytes, size, error);
    else if (mlc_is_safetensors(bytes, size))
        status = mlc_read_safetensors(w, bytes, size, error);
    else if (mlc_json_peek(&r) == MLC_JSON_OBJECT)
        status = mlc_read_json_weights(w, bytes, (mlc_json_range){r.at, size},
                                       error);
    else
        status = mlc_fail(error, MLC_UNSUPPORTED,
                          "not weights (expected safetensors, a PyTorch "
                          "state_dict or one as JSON)");
    if (status == MLC_OK && w->count == 0)
        status = mlc_fail(error, MLC_CORRUPT, "no tensors");
    if (status == MLC_OK)
        status = mlc_weights_sort(w, error);
    if (status)
        mlc_weights_free(w);
    return status;
}

mlc_status mlc_read_json_weights(mlc_weights *w, const uint8_t *text,
                                 mlc_json_range at, mlc_error *error)
{
    mlc_doc d = {.text = text};
    uint64_t dims[MLC_WEIGHTS_RANK];
    char name[MLC_JSON_KEY];
    mlc_json_range value;
    mlc_doc_array a;
    mlc_weight *t;
    mlc_json r;

    w->text = text;
    w->ordered = 1;
    mlc_json_open_range(&r, text, at);
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        mlc_json_type type = mlc_json_peek(&r);
        mlc_field f = {name, {0, 0}};

        memcpy(name, r.key, sizeof name);
        if (!mlc_json_skip(&r, &value))
            break;
        if (type != MLC_JSON_ARRAY)
            continue; /* "num_batches_tracked" and the like */
        f.at = value;
        if (!mlc_doc_shape(&d, &f, &a))
            return mlc_fail(error, d.status, "tensor %s", d.error);
        for (uint32_t i = 0; i < a.rank; i++)
            dims[i] = a.dims[i];
        t = mlc_weights_add(w, name, strlen(name), a.rank, dims, MLC_DIGITS,
                            error);
        if (!t)
            return error->status;
        t->json = value;
    }
    if (!mlc_json_done(&r))
        return mlc_fail(error, MLC_CORRUPT, "%s", r.error);
    return MLC_OK;
}
