/*
 * doc_tensor.c - nested arrays of numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "decimal.h"
#include "doc.h"

static int is_number(mlc_json_type type)
{
    return type == MLC_JSON_NUMBER || type == MLC_JSON_STRING;
}

int mlc_doc_shape(mlc_doc *d, const mlc_field *f, mlc_doc_array *a)
{
    /* a number and what parts it from the next take two characters */
    uint64_t most = (f->at.last - f->at.first) / 2 + 1;
    mlc_json r;

    memset(a, 0, sizeof *a);
    a->count = 1;
    mlc_doc_reader(d, f->at, &r);
    while (mlc_json_peek(&r) == MLC_JSON_ARRAY) {
        size_t n = mlc_json_count(&r);

        if (a->rank == MLC_DOC_RANK)
            return mlc_doc_fail(d, MLC_CORRUPT, f->key,
                                "arrays more than %u deep", MLC_DOC_RANK);
        if (n == 0)
            return mlc_doc_fail(d, MLC_CORRUPT, f->key,
                                "expected numbers, got an empty array");
        /* count <= 2^32, n < 2^32: no overflow */
        if (n > most || n * a->count > most || n * a->count > MLI_MAX_ELEMENTS)
            return mlc_doc_fail(d, MLC_CORRUPT, f->key,
                                "its arrays are not of one length");
        a->dims[a->rank++] = (uint32_t)n;
        a->count *= n;
        if (!mlc_json_enter(&r, MLC_JSON_ARRAY) || !mlc_json_next(&r))
            break;
    }
    if (!r.error[0] && is_number(mlc_json_peek(&r)))
        return 1;
    return mlc_doc_expected(d, f, "numbers");
}

/* A number, or a string that holds one. */
static int read_number(mlc_json *r, float *value)
{
    mlc_decimal number;
    char text[64];
    size_t n;

    if (mlc_json_peek(r) != MLC_JSON_STRING)
        return mlc_json_float(r, value);
    if (!mlc_json_string(r, text, sizeof text))
        return 0;
    n = strlen(text);
    if (!n || mlc_decimal_read(&number, (uint8_t *)text, n) != n)
        return mlc_json_fail(r, "expected a number, got \"%.40s\"", text);
    *value = mlc_decimal_float(&number);
    if (*value - *value != 0.f)
        return mlc_json_fail(r, "%s is too large", text);
    return 1;
}

/* The innermost array here: n numbers. */
static int read_row(mlc_json *r, float *to, uint32_t n)
{
    uint32_t got = 0;

    if (!mlc_json_enter(r, MLC_JSON_ARRAY))
        return 0;
    while (mlc_json_next(r)) {
        if (got == n)
            return mlc_json_fail(r, "expected %u numbers, got more", n);
        if (!read_number(r, &to[got++]))
            return 0;
    }
    if (r->error[0])
        return 0;
    return got == n || mlc_json_fail(r, "expected %u numbers, got %u", n, got);
}

/* Arrays from the outermost in; a loop, not a recursion. */
static int read_arrays(mlc_json *r, const mlc_doc_array *a, float *to)
{
    uint32_t seen[MLC_DOC_RANK + 1] = {0}, level = 0;
    uint32_t row = a->dims[a->rank - 1];

    for (;;) {
        if (level + 1 < a->rank) { /* an array of arrays begins here */
            if (!mlc_json_enter(r, MLC_JSON_ARRAY))
                return 0;
            seen[++level] = 0;
        } else {
            if (!read_row(r, to, row))
                return 0;
            to += row;
        }
        while (level && !mlc_json_next(r)) { /* its end */
            if (r->error[0])
                return 0;
            if (seen[level] != a->dims[level - 1])
                return mlc_json_fail(r, "expected %u arrays, got %u",
                                     a->dims[level - 1], seen[level]);
            level--;
        }
        if (level == 0)
            return 1;
        if (seen[level]++ == a->dims[level - 1])
            return mlc_json_fail(r, "expected %u arrays, got more",
                                 a->dims[level - 1]);
    }
}

float *mlc_doc_numbers(mlc_doc *d, const mlc_field *f, const mlc_doc_array *a)
{
    float *to;
    mlc_json r;
    int ok;

    if (d->status != MLC_OK)
        return NULL;
    to = malloc((size_t)a->count * sizeof *to);
    if (!to) {
        mlc_doc_no_memory(d);
        return NULL;
    }
    mlc_doc_reader(d, f->at, &r);
    ok = a->rank ? read_arrays(&r, a, to) : read_number(&r, to);
    if (ok)
        return to;
    mlc_doc_fail(d, MLC_CORRUPT, f->key, "%s", r.error);
    free(to);
    return NULL;
}
