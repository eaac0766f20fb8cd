/*
 * errors.c - what is wrong, and where.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doc.h"

int mlc_doc_fail(mlc_doc *d, mlc_status status, const char *key,
                 const char *format, ...)
{
    int n;
    va_list args;

    if (d->status != MLC_OK)
        return 0;
    d->status = status;
    n = snprintf(d->error, sizeof d->error, "%s%s", d->prefix, key ? key : "");
    if (!key && n > 0)
        n--; /* the dot at the end of the prefix */
    if (n > 0)
        n += snprintf(d->error + n, sizeof d->error - (size_t)n, ": ");
    va_start(args, format);
    vsnprintf(d->error + n, sizeof d->error - (size_t)n, format, args);
    va_end(args);
    return 0;
}

int mlc_doc_no_memory(mlc_doc *d)
{
    return mlc_doc_fail(d, MLC_MEMORY, NULL, "out of memory");
}

void mlc_doc_note(mlc_doc *d, const char *format, ...)
{
    size_t n = strlen(d->notes);
    va_list args;

    va_start(args, format);
    vsnprintf(d->notes + n, sizeof d->notes - n - 1, format, args);
    va_end(args);
    if (d->notes[n])
        strcat(d->notes, "\n");
}

size_t mlc_doc_enter(mlc_doc *d, const char *format, ...)
{
    size_t n = strlen(d->prefix);
    va_list args;

    va_start(args, format);
    vsnprintf(d->prefix + n, sizeof d->prefix - n, format, args);
    va_end(args);
    return n;
}

void mlc_doc_leave(mlc_doc *d, size_t mark)
{
    d->prefix[mark] = '\0';
}

void mlc_doc_at(mlc_doc *d, const char *format, ...)
{
    int n = snprintf(d->at, sizeof d->at, "%s", d->prefix);
    va_list args;

    va_start(args, format);
    vsnprintf(d->at + n, sizeof d->at - (size_t)n, format, args);
    va_end(args);
    ir_at(d->g, d->at);
}

void mlc_doc_report(const mlc_doc *d, mlc_image *image)
{
    const char *rest = image->report ? image->report : "";
    size_t room = strlen(d->notes) + strlen(rest) + 1;
    char *text = d->notes[0] ? malloc(room) : NULL;

    if (!text)
        return;
    snprintf(text, room, "%s%s", d->notes, rest);
    free(image->report);
    image->report = text;
}
