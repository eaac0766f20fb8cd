/* flat.c - see flat.h */
#include "flat.h"
#include <string.h>

void flat_damaged(const flat_file *f, const char *what, size_t at,
                  const char *text)
{
    onnx_stop(f->exit, ONNX_WRONG, MLC_CORRUPT,
              "damaged at byte %zu: %s %s (of %zu bytes)", at, what, text,
              f->size);
}

/* Little-endian, width 1, 2, 4 or 8; the caller has checked the place. */
static uint64_t load(const flat_file *f, size_t at, uint32_t width)
{
    uint64_t x = 0;

    for (uint32_t i = width; i-- > 0;)
        x = x << 8 | f->bytes[at + i];
    return x;
}

static int64_t load_signed(const flat_file *f, size_t at, uint32_t width)
{
    uint64_t x = load(f, at, width);

    switch (width) {
    case 1:
        return (int8_t)x;
    case 2:
        return (int16_t)x;
    case 4:
        return (int32_t)x;
    default:
        return (int64_t)x;
    }
}

static int inside(const flat_file *f, size_t at, size_t bytes)
{
    return at <= f->size && bytes <= f->size - at;
}

/* Where an unsigned offset at `at` leads. */
static size_t follow(const flat_file *f, size_t at, const char *what)
{
    size_t to;

    if (!inside(f, at, 4))
        flat_damaged(f, what, at, "begins outside the file");
    to = (size_t)load(f, at, 4);
    if (to == 0 || to > f->size - at)
        flat_damaged(f, what, at, "lies outside the file");
    return at + to;
}

static flat_table table(const flat_file *f, size_t at, const char *what)
{
    flat_table t = {f, what, at, 0, 0, 0};
    int64_t v;
    uint32_t size;

    if (!inside(f, at, 4))
        flat_damaged(f, what, at, "begins outside the file");
    v = (int64_t)at - load_signed(f, at, 4);
    if (v < 0 || !inside(f, (size_t)v, 4))
        flat_damaged(f, what, at, "has its layout outside the file");
    t.vtable = (size_t)v;
    size = (uint32_t)load(f, t.vtable, 2);
    t.bytes = (uint32_t)load(f, t.vtable + 2, 2);
    if (size < 4 || size % 2 || !inside(f, t.vtable, size) || t.bytes < 4 ||
        !inside(f, at, t.bytes))
        flat_damaged(f, what, at, "has a broken layout");
    t.fields = (size - 4) / 2;
    return t;
}

flat_table flat_root(const flat_file *f, const char *what)
{
    return table(f, follow(f, 0, what), what);
}

/* The place of a field of `width` bytes, 0 if the table has none. */
static size_t field(const flat_table *t, uint32_t slot, uint32_t width)
{
    uint32_t offset;

    if (!t->file || slot >= t->fields)
        return 0;
    offset = (uint32_t)load(t->file, t->vtable + 4 + 2 * (size_t)slot, 2);
    if (!offset)
        return 0;
    if (offset < 4 || offset + width > t->bytes)
        flat_damaged(t->file, t->what, t->at, "has a field outside of it");
    return t->at + offset;
}

int64_t flat_int(const flat_table *t, uint32_t slot, uint32_t width,
                 int64_t fallback)
{
    size_t at = field(t, slot, width);

    return at ? load_signed(t->file, at, width) : fallback;
}

uint64_t flat_uint(const flat_table *t, uint32_t slot, uint32_t width,
                   uint64_t fallback)
{
    size_t at = field(t, slot, width);

    return at ? load(t->file, at, width) : fallback;
}

static float as_float(uint64_t bits)
{
    uint32_t u = (uint32_t)bits;
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

float flat_float(const flat_table *t, uint32_t slot, float fallback)
{
    size_t at = field(t, slot, 4);

    return at ? as_float(load(t->file, at, 4)) : fallback;
}

flat_table flat_child(const flat_table *t, uint32_t slot, const char *what)
{
    size_t at = field(t, slot, 4);
    flat_table none = {0};

    return at ? table(t->file, follow(t->file, at, what), what) : none;
}

flat_vector flat_list(const flat_table *t, uint32_t slot, uint32_t width,
                      const char *what)
{
    size_t at = field(t, slot, 4);
    flat_vector v = {t->file, what, 0, 0, width};

    if (!at)
        return v;
    at = follow(t->file, at, what);
    if (!inside(t->file, at, 4))
        flat_damaged(t->file, what, at, "begins outside the file");
    v.count = (uint32_t)load(t->file, at, 4);
    v.at = at + 4;
    if (v.count > (t->file->size - v.at) / width)
        flat_damaged(t->file, what, at, "is longer than the file");
    return v;
}

int64_t flat_int_at(const flat_vector *v, uint32_t i)
{
    return load_signed(v->file, v->at + (size_t)i * v->width, v->width);
}

float flat_float_at(const flat_vector *v, uint32_t i)
{
    return as_float(load(v->file, v->at + (size_t)i * 4, 4));
}

flat_table flat_table_at(const flat_vector *v, uint32_t i, const char *what)
{
    return table(v->file, follow(v->file, v->at + (size_t)i * 4, what), what);
}

const uint8_t *flat_text(const flat_table *t, uint32_t slot, uint32_t *length)
{
    flat_vector v = flat_list(t, slot, 1, "a text");

    *length = v.count;
    return v.at ? t->file->bytes + v.at : NULL;
}
