/*
 * errors.c - what is wrong, and where.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "nam.h"

int nam_fail(nam_import *m, mlc_status status, const char *key,
             const char *format, ...)
{
    int n;
    va_list args;

    if (m->status != MLC_OK)
        return 0;
    m->status = status;
    n = snprintf(m->error, sizeof m->error, "%s%s", m->prefix, key ? key : "");
    if (!key && n > 0)
        n--; /* the dot at the end of the prefix */
    if (n > 0)
        n += snprintf(m->error + n, sizeof m->error - (size_t)n, ": ");
    va_start(args, format);
    vsnprintf(m->error + n, sizeof m->error - (size_t)n, format, args);
    va_end(args);
    return 0;
}

int nam_no_memory(nam_import *m)
{
    return nam_fail(m, MLC_MEMORY, NULL, "out of memory");
}

void nam_note(nam_import *m, const char *format, ...)
{
    size_t n = strlen(m->notes);
    va_list args;

    va_start(args, format);
    vsnprintf(m->notes + n, sizeof m->notes - n - 1, format, args);
    va_end(args);
    strcat(m->notes, "\n");
}

size_t nam_enter(nam_import *m, const char *format, ...)
{
    size_t n = strlen(m->prefix);
    va_list args;

    va_start(args, format);
    vsnprintf(m->prefix + n, sizeof m->prefix - n, format, args);
    va_end(args);
    return n;
}

void nam_leave(nam_import *m, size_t mark)
{
    m->prefix[mark] = '\0';
}

void nam_at(nam_import *m, const char *format, ...)
{
    int n = snprintf(m->at, sizeof m->at, "%s", m->prefix);
    va_list args;

    va_start(args, format);
    vsnprintf(m->at + n, sizeof m->at - (size_t)n, format, args);
    va_end(args);
    ir_at(m->g, m->at);
}
