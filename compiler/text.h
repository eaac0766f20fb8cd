/*
 * text.h - what may be in names and messages.
 */
#ifndef MLC_TEXT_H
#define MLC_TEXT_H

#include <stddef.h>

/* Bytes of the UTF-8 character (RFC 3629) at text, 0 if it is none. text ends
   with a NUL, which is no continuation byte: nothing past it is read. */
size_t mlc_utf8_length(const char *text);

/* Bytes that are no UTF-8 become '?'. */
void mlc_make_utf8(char *text);

/* Control characters become spaces: a message is one line. */
void mlc_make_line(char *text);

#endif
