/* see list_text.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "list_text.h"
#include "message.h"

#define SEPARATORS " \t\r\n,;"

static const char *skip_separators(const char *s)
{
    return s + strspn(s, SEPARATORS);
}

int list_text_blank(const char *line)
{
    return !*skip_separators(line);
}

int list_text_parse(const char *file, unsigned long number, const char *line,
                    float *values, size_t wanted)
{
    size_t n = 0;
    for (const char *s = skip_separators(line); *s; s = skip_separators(s)) {
        size_t length = strcspn(s, SEPARATORS);
        char *end;
        float value = strtof(s, &end);
        if (end != s + length) {
            int shown = length < 40 ? (int)length : 40;
            tool_error(file, "line %lu: not a number: %.*s", number, shown, s);
            return -1;
        }
        if (n < wanted)
            values[n] = isfinite(value) ? value : 0.f;
        n++;
        s = end;
    }
    if (n == wanted)
        return 0;
    tool_error(file,
               "line %lu: a list of the wrong length (expected %zu, got %zu)",
               number, wanted, n);
    return -1;
}
