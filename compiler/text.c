/*
 * text.c - what may be in names and messages.
 */
#include <stdint.h>
#include "text.h"

size_t mlc_utf8_length(const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates, past 0x10ffff */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
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
