/*
 * text.h - what may be in names and messages.
 */
#ifndef MLC_TEXT_H
#define MLC_TEXT_H

/* Bytes that are no UTF-8 (RFC 3629) become '?'. */
void mlc_make_utf8(char *text);

/* Control characters become spaces: a message is one line. */
void mlc_make_line(char *text);

#endif
