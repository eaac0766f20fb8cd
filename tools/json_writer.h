/*
 * json_writer.h - JSON out, field by field, indented by two blanks a level.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdint.h>
#include <stdio.h>

typedef struct json_writer {
    FILE *file;
    int depth;
    int first; /* nothing was written at this level yet */
} json_writer;

/* Open an object '{' or an array '['. key NULL: no key (in arrays, at top). */
void json_put_open(json_writer *w, const char *key, char bracket);
void json_put_close(json_writer *w, char bracket);
void json_put_text(json_writer *w, const char *key, const char *text);
void json_put_count(json_writer *w, const char *key, uint64_t value);
/* Finite numbers as they are; JSON has no others: those become null. */
void json_put_number(json_writer *w, const char *key, double value);
void json_put_bool(json_writer *w, const char *key, int value);

#endif
