/*
 * beside.h - files that a model names: only such that lie in its own folder or
 * under it.
 */
#ifndef MLC_BESIDE_H
#define MLC_BESIDE_H

#include <stdio.h>
#include "compiler.h"

/*
 * Open the file `name`, relative to the folder of the model at `path`. No
 * absolute names, no "..", no symbolic link out of the folder. path NULL: the
 * model came from memory, and nothing is beside it. f: to be closed.
 */
mlc_status mlc_beside_open(const char *path, const char *name, FILE **f,
                           uint64_t *size, mlc_error *error);

/* The whole file. bytes: to be freed. */
mlc_status mlc_beside_read(const char *path, const char *name, uint8_t **bytes,
                           size_t *size, mlc_error *error);

#endif
