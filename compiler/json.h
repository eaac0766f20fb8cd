/*
 * json.h - a pull reader for JSON (RFC 8259) in memory.
 *
 * It never recurses, never allocates and keeps nothing of the text: the caller
 * walks through the values in the order of the text, and may note where a value
 * lies (mlc_json_range) to read it later or again. So the order of an object's
 * members does not matter to it.
 *
 *     mlc_json r;
 *     mlc_json_open(&r, bytes, size);
 *     if (mlc_json_enter(&r, MLC_JSON_OBJECT))
 *         while (mlc_json_next(&r))
 *             if (!strcmp(r.key, "rate"))
 *                 mlc_json_double(&r, &rate);
 *             else
 *                 mlc_json_skip(&r, NULL);
 *     if (!mlc_json_done(&r))
 *         puts(r.error);
 *
 * The first error stays in `error`, with line and byte; every call after it
 * does nothing and answers 0. Values nest at most 64 deep. Text is UTF-8, a
 * byte order mark in front is passed over. Everything that is passed over by
 * mlc_json_skip is checked as if it were read.
 */
#ifndef MLC_JSON_H
#define MLC_JSON_H

#include <stddef.h>
#include <stdint.h>

#define MLC_JSON_DEPTH 64u
#define MLC_JSON_KEY   256u

typedef enum mlc_json_type {
    MLC_JSON_NOTHING = 0, /* no value begins here, or after an error */
    MLC_JSON_NULL = 1,
    MLC_JSON_BOOL = 2,
    MLC_JSON_NUMBER = 3,
    MLC_JSON_STRING = 4,
    MLC_JSON_ARRAY = 5,
    MLC_JSON_OBJECT = 6
} mlc_json_type;

/* Where a value lies: bytes [first, last) of the text. {0, 0}: nowhere. */
typedef struct mlc_json_range {
    size_t first, last;
} mlc_json_range;

typedef struct mlc_json {
    const uint8_t *text; /* borrowed */
    size_t at, end;
    uint32_t depth;         /* of open arrays and objects */
    uint64_t objects;       /* bit i: level i+1 is an object */
    uint64_t fresh;         /* bit i: nothing was read in level i+1 yet */
    char key[MLC_JSON_KEY]; /* of the member that mlc_json_next came to; one
                               that is longer is cut, and equals no shorter */
    char error[160];        /* "" while there is none */
} mlc_json;

void mlc_json_open(mlc_json *r, const void *text, size_t size);
/* A reader of one value, which was found with another reader. */
void mlc_json_open_range(mlc_json *r, const void *text, mlc_json_range range);

/* The type of the value that begins here. */
mlc_json_type mlc_json_peek(mlc_json *r);

/* Step into an array or object. */
int mlc_json_enter(mlc_json *r, mlc_json_type type);
/* 1: at the next value of the array or object (its key is in r->key). 0: there
   is none and it is left; or an error. */
int mlc_json_next(mlc_json *r);

/* Read the value here. A number beyond the type's range is an error. */
int mlc_json_null(mlc_json *r);
int mlc_json_bool(mlc_json *r, int *value);
int mlc_json_double(mlc_json *r, double *value);
int mlc_json_float(mlc_json *r, float *value);
/* What does not fit `room` bytes with its NUL is cut between characters; U+0000
   becomes U+FFFD. */
int mlc_json_string(mlc_json *r, char *value, size_t room);
/* Pass over the value here, whatever it is; range may be NULL. */
int mlc_json_skip(mlc_json *r, mlc_json_range *range);

/* The number of elements in the array here, without reading it. 0 if there is
   none or it is broken. */
size_t mlc_json_count(const mlc_json *r);
/* An array of at most `room` numbers. */
int mlc_json_floats(mlc_json *r, float *values, size_t room, size_t *count);

/* 1: all is read, nothing but white space follows, and there was no error. */
int mlc_json_done(mlc_json *r);

/* Keep an error that belongs to this place. Always 0. */
int mlc_json_fail(mlc_json *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
