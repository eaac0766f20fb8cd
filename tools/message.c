/* see message.h */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"
#include "progress.h"

static void say(const char *kind, const char *file, const char *format,
                va_list arguments)
{
    progress_clear();
    fputs("mlinfer: ", stderr);
    if (file)
        fprintf(stderr, "%s: ", file);
    fputs(kind, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int tool_error(const char *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("", file, format, arguments);
    va_end(arguments);
    return TOOL_FAILED;
}

void tool_warning(const char *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("warning: ", file, format, arguments);
    va_end(arguments);
}

int tool_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("", NULL, format, arguments);
    va_end(arguments);
    fputs("mlinfer help shows how it is used\n", stderr);
    return TOOL_USAGE;
}

int tool_bad_option(char **argv, int option)
{
    if (option == ':')
        return tool_usage("%s: nothing follows %s", argv[0], argv[optind - 1]);
    if (optopt) /* a letter, perhaps one of several in one argument */
        return tool_usage("%s: no such option: -%c", argv[0], optopt);
    return tool_usage("%s: no such option: %s", argv[0], argv[optind - 1]);
}

int tool_number(const char *option, const char *text, unsigned low,
                unsigned high, unsigned *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < (long long)low ||
        number > (long long)high) {
        tool_usage("%s %s: not a whole number from %u to %u", option, text, low,
                   high);
        return -1;
    }
    *value = (unsigned)number;
    return 0;
}
