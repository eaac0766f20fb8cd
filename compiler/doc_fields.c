/*
 * fields.c - members of JSON objects, read with errors that name them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "doc.h"

/* ------------------------------------------------------------- finding ---- */

void mlc_doc_reader(const mlc_doc *d, mlc_json_range value, mlc_json *r)
{
    mlc_json_open_range(r, d->text, value);
}

mlc_json_type mlc_doc_type(const mlc_doc *d, mlc_json_range value)
{
    mlc_json r;

    mlc_doc_reader(d, value, &r);
    return mlc_json_peek(&r);
}

static int absent(const mlc_field *f)
{
    return f->at.first == f->at.last;
}

static int is_null(const mlc_doc *d, const mlc_field *f)
{
    return mlc_doc_type(d, f->at) == MLC_JSON_NULL;
}

int mlc_doc_present(const mlc_doc *d, const mlc_field *f)
{
    return !absent(f) && !is_null(d, f);
}

int mlc_doc_object(mlc_doc *d, const char *key, mlc_json_range object,
                   mlc_field *fields, size_t count)
{
    mlc_field whole = {key, object};
    mlc_json r;

    if (absent(&whole))
        return mlc_doc_expected(d, &whole, "an object");
    mlc_doc_reader(d, object, &r);
    if (mlc_json_peek(&r) != MLC_JSON_OBJECT &&
        mlc_json_peek(&r) != MLC_JSON_NOTHING)
        return mlc_doc_expected(d, &whole, "an object");
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        mlc_json_range range;
        size_t i = 0;

        while (i < count && strcmp(fields[i].key, r.key) != 0)
            i++;
        if (!mlc_json_skip(&r, &range)) {
            /* only in the file's outermost object: all else was passed over */
            mlc_doc_fail(d, MLC_CORRUPT, i < count ? fields[i].key : NULL, "%s",
                         r.error);
            break;
        }
        if (i < count)
            fields[i].at = range;
    }
    if (!mlc_json_done(&r))
        return mlc_doc_fail(d, MLC_CORRUPT, key, "%s", r.error);
    return 1;
}

/* -------------------------------------------------------------- errors ---- */

/* A value as an error shows it. */
static void show(const mlc_doc *d, mlc_json_range at, char *text, size_t room)
{
    size_t n = at.last - at.first;
    const char *more = "";

    switch (mlc_doc_type(d, at)) {
    case MLC_JSON_NOTHING:
        snprintf(text, room, "nothing");
        return;
    case MLC_JSON_ARRAY:
        snprintf(text, room, "an array");
        return;
    case MLC_JSON_OBJECT:
        snprintf(text, room, "an object");
        return;
    default:
        break;
    }
    if (n > 40) {
        more = "...";
        for (n = 40; (d->text[at.first + n] & 0xc0) == 0x80; n--)
            ;
    }
    snprintf(text, room, "%.*s%s", (int)n, (const char *)d->text + at.first,
             more);
}

int mlc_doc_expected(mlc_doc *d, const mlc_field *f, const char *what)
{
    char got[64];

    if (absent(f))
        return mlc_doc_fail(d, MLC_CORRUPT, f->key, "missing (expected %s)",
                            what);
    show(d, f->at, got, sizeof got);
    return mlc_doc_fail(d, MLC_CORRUPT, f->key, "expected %s, got %s", what,
                        got);
}

/* ------------------------------------------------------------- reading ---- */

int mlc_doc_u32(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                uint32_t *value)
{
    char what[64];
    mlc_json r;
    double v;

    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_double(&r, &v) &&
        v >= low && v <= high && v == floor(v)) {
        *value = (uint32_t)v;
        return 1;
    }
    snprintf(what, sizeof what, "a whole number from %u to %u", low, high);
    return mlc_doc_expected(d, f, what);
}

int mlc_doc_bool(mlc_doc *d, const mlc_field *f, int *value)
{
    mlc_json r;

    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_BOOL && mlc_json_bool(&r, value))
        return 1;
    return mlc_doc_expected(d, f, "true or false");
}

int mlc_doc_double(mlc_doc *d, const mlc_field *f, double *value)
{
    mlc_json r;

    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_double(&r, value))
        return 1;
    return mlc_doc_expected(d, f, "a number");
}

int mlc_doc_text(mlc_doc *d, const mlc_field *f, char *value, size_t room)
{
    mlc_json r;

    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_STRING &&
        mlc_json_string(&r, value, room))
        return 1;
    return mlc_doc_expected(d, f, "a string");
}

int mlc_doc_may_u32(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                    uint32_t *value)
{
    return !mlc_doc_present(d, f) || mlc_doc_u32(d, f, low, high, value);
}

int mlc_doc_may_bool(mlc_doc *d, const mlc_field *f, int *value)
{
    return !mlc_doc_present(d, f) || mlc_doc_bool(d, f, value);
}

int mlc_doc_may_float(mlc_doc *d, const mlc_field *f, float *value)
{
    mlc_json r;

    if (!mlc_doc_present(d, f))
        return 1;
    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_float(&r, value))
        return 1;
    return mlc_doc_expected(d, f, "a number");
}

int mlc_doc_may_show(mlc_doc *d, const mlc_field *f, char *text, size_t room)
{
    size_t n = f->at.last - f->at.first;
    mlc_json_type type = mlc_doc_type(d, f->at);

    text[0] = '\0';
    if (type == MLC_JSON_STRING)
        return mlc_doc_text(d, f, text, room);
    if (type == MLC_JSON_NUMBER && n < room) {
        memcpy(text, d->text + f->at.first, n);
        text[n] = '\0';
    }
    return 1;
}

/* -------------------------------------------------------------- arrays ---- */

int mlc_doc_length(mlc_doc *d, const mlc_field *f, uint32_t high,
                   uint32_t *count)
{
    mlc_json r;
    size_t n;

    mlc_doc_reader(d, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return mlc_doc_expected(d, f, "an array");
    n = mlc_json_count(&r);
    if (n < 1 || n > high)
        return mlc_doc_fail(d, MLC_CORRUPT, f->key,
                            "expected 1 to %u elements, got %zu", high, n);
    *count = (uint32_t)n;
    return 1;
}

void mlc_doc_first(const mlc_doc *d, const mlc_field *f, mlc_json *r)
{
    mlc_doc_reader(d, f->at, r);
    mlc_json_enter(r, MLC_JSON_ARRAY);
}

int mlc_doc_next(mlc_json *r, mlc_json_range *element)
{
    return mlc_json_next(r) && mlc_json_skip(r, element);
}

int mlc_doc_u32s(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                 uint32_t *values, uint32_t count)
{
    mlc_json_range at;
    char key[64];
    mlc_json r;

    mlc_doc_first(d, f, &r);
    for (uint32_t i = 0; i < count && mlc_doc_next(&r, &at); i++) {
        mlc_field element = {key, at};
        snprintf(key, sizeof key, "%s[%u]", f->key, i);
        if (!mlc_doc_u32(d, &element, low, high, &values[i]))
            return 0;
    }
    return 1;
}
