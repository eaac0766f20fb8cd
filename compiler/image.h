/*
 * image.h - memory that mli_open and mli_start accept.
 */
#ifndef MLC_IMAGE_H
#define MLC_IMAGE_H

#include <stddef.h>

/* `bytes` zero bytes (any number, at least one is got) from a 64-byte boundary,
   for free(); NULL without memory. */
void *mlc_aligned(size_t bytes);

#endif
