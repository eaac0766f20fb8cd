/*
 * doc.h - a JSON file on its way to a graph: its members, found and read with
 * errors that name them, and where in the file the importer is.
 *
 * Objects are read in two steps: each is walked through once to find where its
 * members lie (mlc_doc_object), then they are read in the order that they are
 * needed in.
 *
 * Functions that return int answer 1, or 0 after an error, which is kept in the
 * document: the first one stays.
 */
#ifndef MLC_DOC_H
#define MLC_DOC_H

#include "compiler.h"
#include "ir.h"
#include "json.h"

typedef struct mlc_doc {
    const uint8_t *text; /* borrowed */
    ir_graph *g;         /* borrowed: for mlc_doc_at */
    mlc_status status;   /* MLC_OK while there is no error */
    char error[1024];
    char notes[1024]; /* lines for the report */
    char prefix[128]; /* the place in the file: "condition_dsp.layers[0]." */
    char at[160];     /* for ir_at */
} mlc_doc;

/* A member of a JSON object. */
typedef struct mlc_field {
    const char *key;
    mlc_json_range at;
} mlc_field;

/* ------------------------------------------------------ doc_errors.c ---- */

/* Keep an error: prefix, key (may be NULL), ": ", text. Always 0. */
int mlc_doc_fail(mlc_doc *d, mlc_status status, const char *key,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
int mlc_doc_no_memory(mlc_doc *d);
/* Say something in the report. */
void mlc_doc_note(mlc_doc *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Go deeper: "layers[%u]." Answers what mlc_doc_leave needs. */
size_t mlc_doc_enter(mlc_doc *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mlc_doc_leave(mlc_doc *d, size_t mark);
/* The name of the nodes to come: prefix and text. */
void mlc_doc_at(mlc_doc *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Put the notes in front of an image's report. */
void mlc_doc_report(const mlc_doc *d, mlc_image *image);

/* ------------------------------------------------------ doc_fields.c ---- */

int mlc_doc_present(const mlc_doc *d, const mlc_field *f); /* and not null */
/* Find the members of an object. Unknown ones are passed over, of those that
   stand twice the last counts. */
int mlc_doc_object(mlc_doc *d, const char *key, mlc_json_range object,
                   mlc_field *fields, size_t count);
mlc_json_type mlc_doc_type(const mlc_doc *d, mlc_json_range value);
void mlc_doc_reader(const mlc_doc *d, mlc_json_range value, mlc_json *r);

/* "expected WHAT, got ..." */
int mlc_doc_expected(mlc_doc *d, const mlc_field *f, const char *what);

/* Read a member that must be there. */
int mlc_doc_u32(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                uint32_t *value);
int mlc_doc_bool(mlc_doc *d, const mlc_field *f, int *value);
int mlc_doc_double(mlc_doc *d, const mlc_field *f, double *value);
int mlc_doc_text(mlc_doc *d, const mlc_field *f, char *value, size_t room);
/* The same, but where it is absent or null value stays as it is. */
int mlc_doc_may_u32(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                    uint32_t *value);
int mlc_doc_may_bool(mlc_doc *d, const mlc_field *f, int *value);
int mlc_doc_may_float(mlc_doc *d, const mlc_field *f, float *value);
/* A string's characters, a number as it is written; else "" */
int mlc_doc_may_show(mlc_doc *d, const mlc_field *f, char *text, size_t room);

/* How many elements an array has: 1 to high. */
int mlc_doc_length(mlc_doc *d, const mlc_field *f, uint32_t high,
                   uint32_t *count);
/*
 * Walk through an array: mlc_doc_first, then while mlc_doc_next, which answers
 * 1 and the element. Whatever it is was checked before.
 */
void mlc_doc_first(const mlc_doc *d, const mlc_field *f, mlc_json *r);
int mlc_doc_next(mlc_json *r, mlc_json_range *element);
/* An array of `count` whole numbers. */
int mlc_doc_u32s(mlc_doc *d, const mlc_field *f, uint32_t low, uint32_t high,
                 uint32_t *values, uint32_t count);

/* ------------------------------------------------------ doc_tensor.c ---- */

#define MLC_DOC_RANK 8u

/* Nested arrays of numbers, all of one length at one depth. */
typedef struct mlc_doc_array {
    uint32_t rank;
    uint32_t dims[MLC_DOC_RANK];
    uint64_t count; /* product of dims */
} mlc_doc_array;

/* Its shape, by its first elements; not more than the text can hold. */
int mlc_doc_shape(mlc_doc *d, const mlc_field *f, mlc_doc_array *a);
/* Its numbers, row-major; they may be written as strings. NULL after an error,
   else to be freed. The shape holds everywhere, or that is an error. */
float *mlc_doc_numbers(mlc_doc *d, const mlc_field *f, const mlc_doc_array *a);

#endif
