/*
 * exercise.h - whatever the bytes are: open them, and if that works ask
 * everything and run them.
 */
#ifndef EXERCISE_H
#define EXERCISE_H

#include <stddef.h>
#include <stdint.h>
#include "mlinfer.h"

/*
 * The bytes are copied into memory of exactly their size, so that a sanitizer
 * sees every step outside. Blocks of 1 and of 64 frames, then one window or
 * list; on the n-th kernel build, modulo their number. Models that want more
 * than 64 MB are not started.
 */
mli_status exercise(const uint8_t *bytes, size_t size, uint32_t n);

#endif
