/*
 * image.h - memory that mli_open and mli_start accept, and how much of it.
 */
#ifndef MLC_IMAGE_H
#define MLC_IMAGE_H

#include <stddef.h>
#include "compiler.h"

/* `bytes` zero bytes (any number, at least one is got) from a 64-byte boundary,
   for free(); NULL without memory. */
void *mlc_aligned(size_t bytes);

/* The same with bytes of no value yet. */
void *mlc_room(size_t bytes);

/* A verified image whose session takes more than MLC_MOST_MEMORY is an error.
 */
mlc_status mlc_check_memory(const mlc_image *image, mlc_error *error);

#endif
