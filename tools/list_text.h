/*
 * list_text.h - a list as text: numbers between blanks, commas or semicolons.
 */
#ifndef LIST_TEXT_H
#define LIST_TEXT_H

#include <stddef.h>

/* Whether there is nothing but separators. */
int list_text_blank(const char *line);

/*
 * A line into `wanted` values; what is no finite number counts as 0, as at an
 * inlet of the boxes. Says what is wrong with line `number` of a file and
 * returns -1.
 */
int list_text_parse(const char *file, unsigned long number, const char *line,
                    float *values, size_t wanted);

#endif
