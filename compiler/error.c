/*
 * error.c - one line that says what is wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include "compiler.h"
#include "text.h"

const char *mlc_status_word(mlc_status status)
{
    static const char *const words[] = {"ok",          "notfound", "corrupt",
                                        "unsupported", "newer",    "memory"};

    if ((unsigned)status >= sizeof words / sizeof *words)
        return "corrupt";
    return words[status];
}

mlc_status mlc_fail(mlc_error *error, mlc_status status, const char *format,
                    ...)
{
    va_list args;

    if (!error)
        return status;
    error->status = status;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    mlc_make_line(error->text);
    return status;
}
