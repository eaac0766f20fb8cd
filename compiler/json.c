/*
 * json.c - see json.h.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "decimal.h"
#include "format.h"
#include "json.h"

/* -------------------------------------------------------------- errors ---- */

int mlc_json_fail(mlc_json *r, const char *format, ...)
{
    size_t line = 1;
    int n;
    va_list args;

    if (r->error[0])
        return 0;
    for (size_t i = 0; i < r->at; i++)
        line += r->text[i] == '\n';
    n = snprintf(r->error, sizeof r->error, "line %zu, byte %zu: ", line,
                 r->at);
    va_start(args, format);
    vsnprintf(r->error + n, sizeof r->error - (size_t)n, format, args);
    va_end(args);
    return 0;
}

/* What stands here, for an error text: a word, a character, a byte. */
static const char *found(const mlc_json *r, char text[24])
{
    size_t n = 0;

    if (r->at >= r->end)
        return "the end";
    while (
        n < 12 && r->at + n < r->end &&
        ((r->text[r->at + n] | 32) >= 'a' && (r->text[r->at + n] | 32) <= 'z'))
        n++;
    if (n == 0 && r->text[r->at] > ' ' && r->text[r->at] < 127)
        n = 1;
    if (n)
        snprintf(text, 24, "'%.*s'", (int)n, (const char *)r->text + r->at);
    else
        snprintf(text, 24, "byte 0x%02x", r->text[r->at]);
    return text;
}

static int expected(mlc_json *r, const char *what)
{
    char text[24];

    return mlc_json_fail(r, "expected %s, got %s", what, found(r, text));
}

/* ------------------------------------------------------------- opening ---- */

void mlc_json_open(mlc_json *r, const void *text, size_t size)
{
    mlc_json_open_range(r, text, (mlc_json_range){0, size});
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r->at = 3;
}

void mlc_json_open_range(mlc_json *r, const void *text, mlc_json_range range)
{
    memset(r, 0, sizeof *r);
    r->text = text;
    r->at = range.first;
    r->end = range.last;
}

static int here(const mlc_json *r)
{
    return r->at < r->end ? r->text[r->at] : -1;
}

static void space(mlc_json *r)
{
    int c = here(r);

    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        r->at++;
        c = here(r);
    }
}

mlc_json_type mlc_json_peek(mlc_json *r)
{
    if (r->error[0])
        return MLC_JSON_NOTHING;
    space(r);
    switch (here(r)) {
    case 'n':
        return MLC_JSON_NULL;
    case 't':
    case 'f':
        return MLC_JSON_BOOL;
    case '"':
        return MLC_JSON_STRING;
    case '[':
        return MLC_JSON_ARRAY;
    case '{':
        return MLC_JSON_OBJECT;
    case '-':
        return MLC_JSON_NUMBER;
    default:
        return here(r) >= '0' && here(r) <= '9' ? MLC_JSON_NUMBER
                                                : MLC_JSON_NOTHING;
    }
}

/* "a number", "an array" ... */
static const char *type_text(mlc_json_type type)
{
    static const char *const texts[] = {"a value",  "null",     "true or false",
                                        "a number", "a string", "an array",
                                        "an object"};

    return texts[type];
}

static int want(mlc_json *r, mlc_json_type type)
{
    mlc_json_type is = mlc_json_peek(r);

    if (r->error[0])
        return 0;
    if (is == type)
        return 1;
    if (is == MLC_JSON_NOTHING)
        return expected(r, type_text(type));
    return mlc_json_fail(r, "expected %s, got %s", type_text(type),
                         type_text(is));
}

/* ------------------------------------------------------------- strings ---- */

typedef struct sink { /* where a decoded string goes; room 0: nowhere */
    char *text;
    size_t room, used;
    int full;
} sink;

/* One whole character, or nothing from here on. */
static void put(sink *s, const char *bytes, size_t n)
{
    if (s->full || n >= s->room - s->used) {
        s->full = 1;
        return;
    }
    memcpy(s->text + s->used, bytes, n);
    s->used += n;
}

static void put_code(sink *s, uint32_t code)
{
    char b[4];

    if (!s->room)
        return;
    if (code < 0x80) {
        b[0] = (char)code;
        put(s, code ? b : "\xef\xbf\xbd", code ? 1 : 3);
    } else if (code < 0x800) {
        b[0] = (char)(0xc0 | code >> 6);
        b[1] = (char)(0x80 | (code & 63));
        put(s, b, 2);
    } else if (code < 0x10000) {
        b[0] = (char)(0xe0 | code >> 12);
        b[1] = (char)(0x80 | (code >> 6 & 63));
        b[2] = (char)(0x80 | (code & 63));
        put(s, b, 3);
    } else {
        b[0] = (char)(0xf0 | code >> 18);
        b[1] = (char)(0x80 | (code >> 12 & 63));
        b[2] = (char)(0x80 | (code >> 6 & 63));
        b[3] = (char)(0x80 | (code & 63));
        put(s, b, 4);
    }
}

/* The four digits after \u. */
static int hex(mlc_json *r, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int c = here(r);
        if (c >= '0' && c <= '9')
            *code = *code * 16 + (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            *code = *code * 16 + (uint32_t)((c | 32) - 'a' + 10);
        else
            return expected(r, "4 hexadecimal digits after \\u");
    }
    return 1;
}

static int unicode_escape(mlc_json *r, sink *s)
{
    uint32_t code, low;

    if (!hex(r, &code))
        return 0;
    if (code >= 0xdc00 && code <= 0xdfff)
        return mlc_json_fail(r, "\\u%04x is half a character", code);
    if (code >= 0xd800 && code <= 0xdbff) {
        if (r->end - r->at < 6 || r->text[r->at] != '\\' ||
            r->text[r->at + 1] != 'u')
            return mlc_json_fail(r, "\\u%04x is half a character", code);
        r->at += 2;
        if (!hex(r, &low))
            return 0;
        if (low < 0xdc00 || low > 0xdfff)
            return mlc_json_fail(r, "\\u%04x is half a character", code);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    put_code(s, code);
    return 1;
}

static int escape(mlc_json *r, sink *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p;
    int c;

    r->at++;
    c = here(r);
    if (c == 'u') {
        r->at++;
        return unicode_escape(r, s);
    }
    p = c > 0 ? strchr(from, c) : NULL;
    if (!p)
        return expected(r, "one of \"\\/bfnrtu after a backslash");
    put_code(s, (uint8_t)to[p - from]);
    r->at++;
    return 1;
}

/* The string here, from quote to quote. */
static int string(mlc_json *r, char *value, size_t room)
{
    sink s = {value, room, 0, 0};

    r->at++;
    for (;;) {
        int c = here(r);
        size_t n;

        if (c == '"')
            break;
        if (c == '\\') {
            if (!escape(r, &s))
                return 0;
            continue;
        }
        if (c < ' ')
            return expected(r, c < 0 ? "a quote that ends the string"
                                     : "no control character in a string");
        n = mli_utf8_length(r->text + r->at, r->end - r->at);
        if (!n)
            return mlc_json_fail(r, "not UTF-8: byte 0x%02x", (unsigned)c);
        if (room)
            put(&s, (const char *)r->text + r->at, n);
        r->at += n;
    }
    r->at++;
    if (room)
        value[s.used] = '\0';
    return 1;
}

/* ----------------------------------------------------------- structure ---- */

int mlc_json_enter(mlc_json *r, mlc_json_type type)
{
    if (!want(r, type))
        return 0;
    if (r->depth == MLC_JSON_DEPTH)
        return mlc_json_fail(r, "nested more than %u deep", MLC_JSON_DEPTH);
    r->fresh |= (uint64_t)1 << r->depth;
    r->objects &= ~((uint64_t)1 << r->depth);
    if (type == MLC_JSON_OBJECT)
        r->objects |= (uint64_t)1 << r->depth;
    r->depth++;
    r->at++;
    return 1;
}

static int member(mlc_json *r)
{
    space(r);
    if (here(r) != '"')
        return expected(r, "a key in quotes");
    if (!string(r, r->key, sizeof r->key))
        return 0;
    space(r);
    if (here(r) != ':')
        return expected(r, "':' after a key");
    r->at++;
    return 1;
}

int mlc_json_next(mlc_json *r)
{
    uint64_t bit;
    int object;

    if (r->error[0] || !r->depth)
        return 0;
    bit = (uint64_t)1 << (r->depth - 1);
    object = (r->objects & bit) != 0;
    space(r);
    if (here(r) == (object ? '}' : ']')) {
        r->at++;
        r->depth--;
        return 0;
    }
    if (!(r->fresh & bit)) {
        if (here(r) != ',')
            return expected(r, object ? "',' or '}'" : "',' or ']'");
        r->at++;
    }
    r->fresh &= ~bit;
    if (object)
        return member(r);
    if (mlc_json_peek(r) == MLC_JSON_NOTHING)
        return expected(r, "a value");
    return 1;
}

/* -------------------------------------------------------------- values ---- */

static int word(mlc_json *r, const char *text)
{
    size_t n = strlen(text);

    if (r->end - r->at < n || memcmp(r->text + r->at, text, n) != 0)
        return expected(r, "a value");
    r->at += n;
    return 1;
}

int mlc_json_null(mlc_json *r)
{
    return want(r, MLC_JSON_NULL) && word(r, "null");
}

int mlc_json_bool(mlc_json *r, int *value)
{
    if (!want(r, MLC_JSON_BOOL))
        return 0;
    *value = here(r) == 't';
    return word(r, *value ? "true" : "false");
}

static int number(mlc_json *r, mlc_decimal *d)
{
    size_t n;

    if (!want(r, MLC_JSON_NUMBER))
        return 0;
    n = mlc_decimal_read(d, r->text + r->at, r->end - r->at);
    if (!n)
        return expected(r, "a number");
    return 1;
}

/* The number before this must not go on: 01, 1.e5, 2x. */
static int number_end(mlc_json *r, const mlc_decimal *d)
{
    int c;

    r->at += d->length;
    c = here(r);
    if ((c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' ||
        ((c | 32) >= 'a' && (c | 32) <= 'z'))
        return expected(r, "the end of a number");
    return 1;
}

static int too_large(mlc_json *r, const mlc_decimal *d)
{
    return mlc_json_fail(r, "%.*s%s is too large",
                         d->length < 24 ? (int)d->length : 24,
                         (const char *)d->text, d->length < 24 ? "" : "...");
}

int mlc_json_double(mlc_json *r, double *value)
{
    mlc_decimal d;

    if (!number(r, &d))
        return 0;
    *value = mlc_decimal_double(&d);
    if (isinf(*value))
        return too_large(r, &d);
    return number_end(r, &d);
}

int mlc_json_float(mlc_json *r, float *value)
{
    mlc_decimal d;

    if (!number(r, &d))
        return 0;
    *value = mlc_decimal_float(&d);
    if (isinf(*value))
        return too_large(r, &d);
    return number_end(r, &d);
}

int mlc_json_string(mlc_json *r, char *value, size_t room)
{
    return want(r, MLC_JSON_STRING) && string(r, value, room);
}

/* Pass over a value that holds no others; step into one that does. */
static int skip_one(mlc_json *r)
{
    mlc_json_type type = mlc_json_peek(r);
    mlc_decimal d;
    int flag;

    switch (type) {
    case MLC_JSON_NULL:
        return mlc_json_null(r);
    case MLC_JSON_BOOL:
        return mlc_json_bool(r, &flag);
    case MLC_JSON_NUMBER:
        return number(r, &d) && number_end(r, &d);
    case MLC_JSON_STRING:
        return string(r, NULL, 0);
    case MLC_JSON_ARRAY:
    case MLC_JSON_OBJECT:
        return mlc_json_enter(r, type);
    default:
        return expected(r, "a value");
    }
}

int mlc_json_skip(mlc_json *r, mlc_json_range *range)
{
    uint32_t depth = r->depth;
    size_t first;

    if (r->error[0])
        return 0;
    space(r);
    first = r->at;
    do {
        if (!skip_one(r))
            return 0;
        while (r->depth > depth && !mlc_json_next(r))
            if (r->error[0])
                return 0;
    } while (r->depth > depth);
    if (range)
        *range = (mlc_json_range){first, r->at};
    return 1;
}

size_t mlc_json_count(const mlc_json *of)
{
    mlc_json r = *of;
    size_t count = 0;

    if (!mlc_json_enter(&r, MLC_JSON_ARRAY))
        return 0;
    while (mlc_json_next(&r) && mlc_json_skip(&r, NULL))
        count++;
    return r.error[0] ? 0 : count;
}

int mlc_json_floats(mlc_json *r, float *values, size_t room, size_t *count)
{
    size_t n = 0;

    if (!mlc_json_enter(r, MLC_JSON_ARRAY))
        return 0;
    while (mlc_json_next(r)) {
        if (n == room)
            return mlc_json_fail(r, "more than %zu numbers", room);
        if (!mlc_json_float(r, &values[n]))
            return 0;
        n++;
    }
    *count = n;
    return !r->error[0];
}

int mlc_json_done(mlc_json *r)
{
    if (r->error[0])
        return 0;
    space(r);
    if (r->depth)
        return expected(r, "more of an array or object");
    if (r->at != r->end)
        return expected(r, "nothing more");
    return 1;
}
