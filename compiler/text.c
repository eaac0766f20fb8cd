/*
 * text.c - what may be in names and messages.
 */
#include <stdint.h>
#include "format.h"
#include "text.h"

size_t mlc_utf8_length(const char *text)
{
    return mli_utf8_length(text, 4); /* the longest */
}

void mlc_make_utf8(char *text)
{
    while (*text) {
        size_t n = mlc_utf8_length(text);

        if (n == 0)
            *text = '?';
        text += n ? n : 1;
    }
}

void mlc_make_line(char *text)
{
    for (; *text; text++)
        if ((uint8_t)*text < 32 || *text == 127)
            *text = ' ';
}
