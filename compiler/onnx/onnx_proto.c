/* onnx_proto.c - see onnx_proto.h */
#include <string.h>
#include "onnx_proto.h"

#define MAX_GROUPS 64

void onnx_damaged(const onnx_reader *r, const uint8_t *at, const char *text)
{
    onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
              "damaged ONNX file: %s: %s (byte %llu)", r->what, text,
              (unsigned long long)(at - r->file));
}

static uint64_t varint(onnx_reader *r)
{
    const uint8_t *from = r->at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->at == r->end)
            onnx_damaged(r, from, "a number is cut off");
        uint8_t byte = *r->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    onnx_damaged(r, from, "a number is too long");
}

static uint64_t fixed(onnx_reader *r, size_t width)
{
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < width)
        onnx_damaged(r, r->at, "a number is cut off");
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += width;
    return value;
}

/* The body of a field with this wire type; 0 if the type is unknown. */
static int body(onnx_reader *r, unsigned wire, onnx_field *f)
{
    const uint8_t *from = r->at;
    f->wire = (onnx_wire)wire;
    f->value = 0;
    f->bytes = NULL;
    f->size = 0;
    switch (wire) {
    case ONNX_VARINT:
        f->value = varint(r);
        return 1;
    case ONNX_FIXED64:
        f->value = fixed(r, 8);
        return 1;
    case ONNX_FIXED32:
        f->value = fixed(r, 4);
        return 1;
    case ONNX_BYTES:
        f->value = varint(r);
        if (f->value > (uint64_t)(r->end - r->at))
            onnx_damaged(r, from, "a length runs past the end");
        f->bytes = r->at;
        f->size = (size_t)f->value;
        r->at += f->size;
        return 1;
    }
    return 0;
}

static uint32_t tag(onnx_reader *r, unsigned *wire)
{
    const uint8_t *from = r->at;
    uint64_t value = varint(r);
    *wire = (unsigned)(value & 7);
    if (value >> 3 == 0 || value >> 32)
        onnx_damaged(r, from, "not a field number");
    return (uint32_t)(value >> 3);
}

int onnx_next(onnx_reader *r, onnx_field *f)
{
    int groups = 0;
    while (r->at < r->end) {
        const uint8_t *from = r->at;
        unsigned wire;
        f->number = tag(r, &wire);
        if (wire == 3) {
            if (++groups > MAX_GROUPS)
                onnx_damaged(r, from, "groups nest too deeply");
        } else if (wire == 4) {
            if (--groups < 0)
                onnx_damaged(r, from, "a group ends that never began");
        } else if (!body(r, wire, f)) {
            onnx_damaged(r, from, "unknown wire type");
        } else if (!groups) {
            return 1;
        }
    }
    if (groups)
        onnx_damaged(r, r->at, "a group never ends");
    return 0;
}

onnx_reader onnx_inside(const onnx_reader *r, const onnx_field *f,
                        const char *what)
{
    onnx_reader sub = *r;
    if (f->wire != ONNX_BYTES)
        onnx_damaged(r, r->at, "a message was expected here");
    sub.at = f->bytes;
    sub.end = f->bytes + f->size;
    sub.what = what;
    return sub;
}

size_t onnx_count(onnx_reader r, uint32_t number)
{
    size_t n = 0;
    onnx_field f;
    while (onnx_next(&r, &f))
        n += f.number == number;
    return n;
}

size_t onnx_numbers(const onnx_reader *r, const onnx_field *f, int width)
{
    size_t n = 0;
    if (f->wire != ONNX_BYTES)
        return 1;
    if (width) {
        if (f->size % (size_t)width)
            onnx_damaged(r, f->bytes, "packed numbers of a wrong length");
        return f->size / (size_t)width;
    }
    for (size_t i = 0; i < f->size; i++)
        n += !(f->bytes[i] & 0x80);
    return n;
}

int onnx_number(onnx_reader *r, onnx_field *f, int width, uint64_t *value)
{
    onnx_reader sub;
    if (f->wire != ONNX_BYTES) {
        int fits = width == 4   ? f->wire == ONNX_FIXED32
                   : width == 8 ? f->wire == ONNX_FIXED64
                                : f->wire == ONNX_VARINT;
        if (!fits && f->number)
            onnx_damaged(r, r->at, "a number of the wrong kind");
        *value = f->value;
        fits = f->number != 0;
        f->number = 0; /* used up */
        return fits;
    }
    if (!f->size)
        return 0;
    sub = onnx_inside(r, f, r->what);
    *value = width ? fixed(&sub, (size_t)width) : varint(&sub);
    f->bytes = sub.at;
    f->size = (size_t)(sub.end - sub.at);
    return 1;
}
