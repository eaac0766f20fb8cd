/* onnx_tensor.c - the numbers of a tensor, in the file or beside it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "beside.h"
#include "onnx_model.h"

static const struct {
    const char *name;
    int bytes; /* of one element in raw data, 0: cannot be read */
    int is_float;
} types[] = {
    [ONNX_UNDEFINED] = {"an unknown type", 0, 0},
    [ONNX_FLOAT] = {"float", 4, 1},
    [ONNX_UINT8] = {"uint8", 1, 0},
    [ONNX_INT8] = {"int8", 1, 0},
    [ONNX_UINT16] = {"uint16", 2, 0},
    [ONNX_INT16] = {"int16", 2, 0},
    [ONNX_INT32] = {"int32", 4, 0},
    [ONNX_INT64] = {"int64", 8, 0},
    [ONNX_STRING] = {"string", 0, 0},
    [ONNX_BOOL] = {"bool", 1, 0},
    [ONNX_FLOAT16] = {"float16", 2, 1},
    [ONNX_DOUBLE] = {"double", 8, 1},
    [ONNX_UINT32] = {"uint32", 4, 0},
    [ONNX_UINT64] = {"uint64", 8, 0},
    [14] = {"complex64", 0, 0},
    [15] = {"complex128", 0, 0},
    [ONNX_BFLOAT16] = {"bfloat16", 2, 1},
};

static int known(int type)
{
    return type > 0 && type < (int)(sizeof types / sizeof *types);
}

const char *onnx_type_name(int type)
{
    return known(type) ? types[type].name : types[0].name;
}

int onnx_type_is_float(int type)
{
    return known(type) && types[type].is_float;
}

static float from_half(uint32_t h)
{
    uint32_t exponent = (h >> 10) & 31, mantissa = h & 1023;
    float v;
    if (exponent == 31)
        v = mantissa ? NAN : INFINITY;
    else if (exponent)
        v = ldexpf((float)(mantissa + 1024), (int)exponent - 25);
    else
        v = ldexpf((float)mantissa, -24);
    return h & 0x8000 ? -v : v;
}

static float from_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

static float from_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, 8);
    return (float)v;
}

/* One number, given as the bits of its type. */
static void put(onnx_tensor *t, uint64_t n, uint64_t bits)
{
    switch (t->type) {
    case ONNX_FLOAT:
        t->f[n] = from_bits((uint32_t)bits);
        break;
    case ONNX_FLOAT16:
        t->f[n] = from_half((uint32_t)bits & 0xffff);
        break;
    case ONNX_BFLOAT16:
        t->f[n] = from_bits((uint32_t)bits << 16);
        break;
    case ONNX_DOUBLE:
        t->f[n] = from_double(bits);
        break;
    case ONNX_INT8:
        t->i[n] = (int8_t)bits;
        break;
    case ONNX_INT16:
        t->i[n] = (int16_t)bits;
        break;
    case ONNX_INT32:
        t->i[n] = (int32_t)bits;
        break;
    case ONNX_BOOL:
        t->i[n] = bits != 0;
        break;
    default:
        t->i[n] = (int64_t)bits;
    }
}

static void from_raw(onnx_tensor *t, const uint8_t *bytes)
{
    int width = types[t->type].bytes;
    if (t->type == ONNX_FLOAT) { /* little-endian machines only */
        memcpy(t->f, bytes, t->count * 4);
        return;
    }
    for (uint64_t n = 0; n < t->count; n++) {
        uint64_t bits = 0;
        for (int k = 0; k < width; k++)
            bits |= (uint64_t)*bytes++ << (8 * k);
        put(t, n, bits);
    }
}

static void room(onnx_model *m, onnx_tensor *t)
{
    if (types[t->type].is_float)
        t->f = onnx_take(m->pool, t->count, sizeof *t->f);
    else
        t->i = onnx_take(m->pool, t->count, sizeof *t->i);
}

/* ------------------------------------------------------ external data ---- */

typedef struct beside {
    const char *location;
    uint64_t offset, length;
    int has_length;
} beside;

static uint64_t decimal(onnx_model *m, const onnx_tensor *t, const char *s)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (*s < '0' || *s > '9' || *end || errno)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: \"%.40s\" is not an offset or length", t->name,
                  s);
    return v;
}

static void read_entry(onnx_model *m, const onnx_tensor *t, onnx_reader r,
                       beside *b)
{
    const char *key = "", *value = "";
    onnx_field f;
    while (onnx_next(&r, &f)) {
        if (f.wire == ONNX_BYTES && f.number == 1)
            key = onnx_copy(m->pool, f.bytes, f.size);
        else if (f.wire == ONNX_BYTES && f.number == 2)
            value = onnx_copy(m->pool, f.bytes, f.size);
    }
    if (!strcmp(key, "location")) {
        b->location = value;
    } else if (!strcmp(key, "offset")) {
        b->offset = decimal(m, t, value);
    } else if (!strcmp(key, "length")) {
        b->length = decimal(m, t, value);
        b->has_length = 1;
    }
}

static FILE *open_beside(onnx_model *m, const onnx_tensor *t, const beside *b,
                         uint64_t *size)
{
    const char *name = b->location ? b->location : "";
    mlc_error error;
    FILE *in;
    mlc_status status = mlc_beside_open(m->path, name, &in, size, &error);
    if (status)
        onnx_stop(m->exit, ONNX_WRONG, status, "tensor %.200s: %s", t->name,
                  error.text);
    return in;
}

/* A file that was not met before counts as a part of the model: what an import
   may take grows with it. */
static void note_beside(onnx_model *m, const beside *b, uint64_t size)
{
    for (size_t i = 0; i < m->beside_count; i++)
        if (!strcmp(m->beside[i], b->location))
            return;
    if (m->beside_count == m->beside_room) {
        size_t room = 2 * m->beside_room + 4;
        const char **more = onnx_take(m->pool, room, sizeof *more);
        if (m->beside_count)
            memcpy(more, m->beside, m->beside_count * sizeof *more);
        m->beside = more;
        m->beside_room = room;
    }
    m->beside[m->beside_count++] = b->location;
    m->beside_bytes += size;
    m->pool->limit = onnx_allowed(m->pool->limit, 12, size);
}

/* Where it is, found to lie in the other file. */
static beside find_beside(onnx_model *m, const onnx_tensor *t)
{
    uint64_t bytes = t->count * (uint64_t)types[t->type].bytes, size;
    beside b = {0};
    onnx_reader r = t->message;
    onnx_field f;
    while (onnx_next(&r, &f))
        if (f.number == 13)
            read_entry(m, t, onnx_inside(&r, &f, "external data"), &b);
    if (b.has_length && b.length != bytes)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: external data of a wrong length (expected %llu "
                  "bytes, got %llu)",
                  t->name, (unsigned long long)bytes,
                  (unsigned long long)b.length);
    fclose(open_beside(m, t, &b, &size));
    if (b.offset > size || bytes > size - b.offset)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: %.200s is too short (expected %llu bytes from "
                  "%llu on, the file has %llu)",
                  t->name, b.location, (unsigned long long)bytes,
                  (unsigned long long)b.offset, (unsigned long long)size);
    note_beside(m, &b, size);
    return b;
}

/* All its bytes. There is memory already: taking some may leave, and then the
   file would stay open. */
static void read_beside(onnx_model *m, const onnx_tensor *t, const beside *b,
                        uint8_t *raw)
{
    uint64_t bytes = t->count * (uint64_t)types[t->type].bytes, size, got;
    FILE *in = open_beside(m, t, b, &size);
    got = fseek(in, (long)b->offset, SEEK_SET) ? 0 : fread(raw, 1, bytes, in);
    fclose(in);
    if (got != bytes)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: %.200s cannot be read", t->name, b->location);
}

static void from_beside(onnx_model *m, onnx_tensor *t)
{
    uint64_t bytes = t->count * (uint64_t)types[t->type].bytes;
    beside b = find_beside(m, t);
    uint8_t *raw;
    room(m, t);
    raw =
        t->type == ONNX_FLOAT ? (uint8_t *)t->f : onnx_take(m->pool, bytes, 1);
    read_beside(m, t, &b, raw);
    if (t->type != ONNX_FLOAT)
        from_raw(t, raw);
}

/* ------------------------------------------------------------ in file ---- */

/* The list that a type's numbers are in when they are not raw. */
static uint32_t list_of(int type, int *width)
{
    *width = 0;
    switch (type) {
    case ONNX_FLOAT:
        *width = 4;
        return 4;
    case ONNX_DOUBLE:
        *width = 8;
        return 10;
    case ONNX_INT64:
        return 7;
    case ONNX_UINT32:
    case ONNX_UINT64:
        return 11;
    }
    return 5;
}

static void from_lists(onnx_model *m, onnx_tensor *t)
{
    int width;
    uint32_t number = list_of(t->type, &width);
    onnx_reader r = t->message;
    onnx_field f;
    uint64_t found = 0, bits;
    while (onnx_next(&r, &f))
        if (f.number == number)
            found += onnx_numbers(&r, &f, width);
    if (found != t->count)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: wrong number of values (expected %llu, got "
                  "%llu)",
                  t->name, (unsigned long long)t->count,
                  (unsigned long long)found);
    room(m, t);
    r = t->message;
    found = 0;
    while (onnx_next(&r, &f))
        if (f.number == number)
            while (found < t->count && onnx_number(&r, &f, width, &bits))
                put(t, found++, bits);
}

/* Texts are numbered; the numbers are what a graph can compute with. */
static void read_texts(onnx_model *m, onnx_tensor *t)
{
    onnx_reader r = t->message;
    onnx_field f;
    uint64_t n = 0;
    if (onnx_count(r, 6) != t->count)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: wrong number of texts (expected %llu, got %zu)",
                  t->name, (unsigned long long)t->count, onnx_count(r, 6));
    t->strings = onnx_take(m->pool, t->count, sizeof *t->strings);
    t->i = onnx_take(m->pool, t->count, sizeof *t->i);
    while (onnx_next(&r, &f)) {
        if (f.number != 6)
            continue;
        if (f.wire != ONNX_BYTES)
            onnx_damaged(&r, r.at, "a text was expected here");
        t->i[n] = (int64_t)n;
        t->strings[n++] = onnx_copy(m->pool, f.bytes, f.size);
    }
}

void onnx_tensor_read(onnx_model *m, onnx_tensor *t)
{
    onnx_reader r;
    onnx_field f, raw = {0};
    if (t->f || t->i)
        return;
    t->message.exit = m->exit; /* not where it led when it was parsed */
    r = t->message;
    if (t->type == ONNX_STRING && !t->external) {
        read_texts(m, t);
        return;
    }
    if (!known(t->type) || !types[t->type].bytes)
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "tensor %s: values of type %s (number %d) are not supported",
                  t->name, onnx_type_name(t->type), t->type);
    if (t->external) {
        from_beside(m, t);
        return;
    }
    while (onnx_next(&r, &f))
        if (f.number == 9 && f.wire == ONNX_BYTES)
            raw = f;
    if (!raw.bytes) {
        from_lists(m, t);
        return;
    }
    if (raw.size != t->count * (uint64_t)types[t->type].bytes)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: wrong number of bytes (expected %llu, got %zu)",
                  t->name,
                  (unsigned long long)t->count *
                      (unsigned long long)types[t->type].bytes,
                  raw.size);
    room(m, t);
    from_raw(t, raw.bytes);
}

/* Lists have wider numbers: their low bytes. */
static const uint8_t *narrowed(onnx_model *m, const onnx_tensor *t)
{
    int width = types[t->type].bytes, ignored;
    uint32_t number = list_of(t->type, &ignored);
    onnx_reader r = t->message;
    onnx_field f;
    uint64_t bits, found = 0;
    uint8_t *raw, *to;
    while (onnx_next(&r, &f))
        if (f.number == number)
            found += onnx_numbers(&r, &f, 0);
    if (found != t->count)
        return NULL;
    raw = to = onnx_take(m->pool, t->count, (size_t)width);
    r = t->message;
    while (onnx_next(&r, &f))
        while (f.number == number && onnx_number(&r, &f, 0, &bits)) {
            *to++ = (uint8_t)bits;
            if (width == 2)
                *to++ = (uint8_t)(bits >> 8);
        }
    return raw;
}

const uint8_t *onnx_tensor_bytes(onnx_model *m, onnx_tensor *t)
{
    uint64_t size =
        t->count * (uint64_t)(known(t->type) ? types[t->type].bytes : 0);
    onnx_field f, raw = {0};
    onnx_reader r;
    if (!size || types[t->type].bytes > 2)
        return NULL;
    if (t->raw)
        return t->raw;
    t->message.exit = m->exit; /* not where it led when it was parsed */
    if (t->external) {
        beside b = find_beside(m, t);
        uint8_t *bytes = onnx_take(m->pool, size, 1);
        read_beside(m, t, &b, bytes);
        return t->raw = bytes;
    }
    r = t->message;
    while (onnx_next(&r, &f))
        if (f.number == 9 && f.wire == ONNX_BYTES)
            raw = f;
    if (raw.bytes)
        return raw.size == size ? raw.bytes : NULL;
    return t->raw = narrowed(m, t);
}
