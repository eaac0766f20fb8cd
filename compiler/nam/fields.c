/*
 * fields.c - members of JSON objects, read with errors that name them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "nam.h"

/* ------------------------------------------------------------- finding ---- */

void nam_reader(const nam_import *m, mlc_json_range value, mlc_json *r)
{
    mlc_json_open_range(r, m->text, value);
}

mlc_json_type nam_type(const nam_import *m, mlc_json_range value)
{
    mlc_json r;

    nam_reader(m, value, &r);
    return mlc_json_peek(&r);
}

static int absent(const nam_field *f)
{
    return f->at.first == f->at.last;
}

static int is_null(const nam_import *m, const nam_field *f)
{
    return nam_type(m, f->at) == MLC_JSON_NULL;
}

int nam_present(const nam_import *m, const nam_field *f)
{
    return !absent(f) && !is_null(m, f);
}

int nam_object(nam_import *m, const char *key, mlc_json_range object,
               nam_field *fields, size_t count)
{
    nam_field whole = {key, object};
    mlc_json r;

    if (absent(&whole))
        return nam_expected(m, &whole, "an object");
    nam_reader(m, object, &r);
    if (mlc_json_peek(&r) != MLC_JSON_OBJECT &&
        mlc_json_peek(&r) != MLC_JSON_NOTHING)
        return nam_expected(m, &whole, "an object");
    mlc_json_enter(&r, MLC_JSON_OBJECT);
    while (mlc_json_next(&r)) {
        mlc_json_range range;
        size_t i = 0;

        while (i < count && strcmp(fields[i].key, r.key) != 0)
            i++;
        if (!mlc_json_skip(&r, &range)) {
            /* only in the file's outermost object: all else was passed over */
            nam_fail(m, MLC_CORRUPT, i < count ? fields[i].key : NULL, "%s",
                     r.error);
            break;
        }
        if (i < count)
            fields[i].at = range;
    }
    if (!mlc_json_done(&r))
        return nam_fail(m, MLC_CORRUPT, key, "%s", r.error);
    return 1;
}

/* -------------------------------------------------------------- errors ---- */

/* A value as an error shows it. */
static void show(const nam_import *m, mlc_json_range at, char *text,
                 size_t room)
{
    size_t n = at.last - at.first;
    const char *more = "";

    switch (nam_type(m, at)) {
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
        for (n = 40; (m->text[at.first + n] & 0xc0) == 0x80; n--)
            ;
    }
    snprintf(text, room, "%.*s%s", (int)n, (const char *)m->text + at.first,
             more);
}

int nam_expected(nam_import *m, const nam_field *f, const char *what)
{
    char got[64];

    if (absent(f))
        return nam_fail(m, MLC_CORRUPT, f->key, "missing (expected %s)", what);
    show(m, f->at, got, sizeof got);
    return nam_fail(m, MLC_CORRUPT, f->key, "expected %s, got %s", what, got);
}

/* ------------------------------------------------------------- reading ---- */

int nam_u32(nam_import *m, const nam_field *f, uint32_t low, uint32_t high,
            uint32_t *value)
{
    char what[64];
    mlc_json r;
    double v;

    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_double(&r, &v) &&
        v >= low && v <= high && v == floor(v)) {
        *value = (uint32_t)v;
        return 1;
    }
    snprintf(what, sizeof what, "a whole number from %u to %u", low, high);
    return nam_expected(m, f, what);
}

int nam_bool(nam_import *m, const nam_field *f, int *value)
{
    mlc_json r;

    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_BOOL && mlc_json_bool(&r, value))
        return 1;
    return nam_expected(m, f, "true or false");
}

int nam_double(nam_import *m, const nam_field *f, double *value)
{
    mlc_json r;

    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_double(&r, value))
        return 1;
    return nam_expected(m, f, "a number");
}

int nam_text(nam_import *m, const nam_field *f, char *value, size_t room)
{
    mlc_json r;

    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_STRING &&
        mlc_json_string(&r, value, room))
        return 1;
    return nam_expected(m, f, "a string");
}

int nam_may_u32(nam_import *m, const nam_field *f, uint32_t low, uint32_t high,
                uint32_t *value)
{
    return !nam_present(m, f) || nam_u32(m, f, low, high, value);
}

int nam_may_bool(nam_import *m, const nam_field *f, int *value)
{
    return !nam_present(m, f) || nam_bool(m, f, value);
}

int nam_may_float(nam_import *m, const nam_field *f, float *value)
{
    mlc_json r;

    if (!nam_present(m, f))
        return 1;
    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) == MLC_JSON_NUMBER && mlc_json_float(&r, value))
        return 1;
    return nam_expected(m, f, "a number");
}

/* -------------------------------------------------------------- arrays ---- */

int nam_length(nam_import *m, const nam_field *f, uint32_t high,
               uint32_t *count)
{
    mlc_json r;
    size_t n;

    nam_reader(m, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return nam_expected(m, f, "an array");
    n = mlc_json_count(&r);
    if (n < 1 || n > high)
        return nam_fail(m, MLC_CORRUPT, f->key,
                        "expected 1 to %u elements, got %zu", high, n);
    *count = (uint32_t)n;
    return 1;
}

void nam_first(const nam_import *m, const nam_field *f, mlc_json *r)
{
    nam_reader(m, f->at, r);
    mlc_json_enter(r, MLC_JSON_ARRAY);
}

int nam_next(mlc_json *r, mlc_json_range *element)
{
    return mlc_json_next(r) && mlc_json_skip(r, element);
}

int nam_u32s(nam_import *m, const nam_field *f, uint32_t low, uint32_t high,
             uint32_t *values, uint32_t count)
{
    mlc_json_range at;
    char key[64];
    mlc_json r;

    nam_first(m, f, &r);
    for (uint32_t i = 0; i < count && nam_next(&r, &at); i++) {
        nam_field element = {key, at};
        snprintf(key, sizeof key, "%s[%u]", f->key, i);
        if (!nam_u32(m, &element, low, high, &values[i]))
            return 0;
    }
    return 1;
}
