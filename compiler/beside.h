/*
 * beside.h - files that a model names: only such that lie in its own folder or
 * under it.
 */
#ifndef MLC_BESIDE_H
#define MLC_BESIDE_H

#include "compiler.h"

/*
 * Read the whole file `name`, relative to the folder of the model at `path`. No
 * absolute names, no "..", no symbolic link out of the folder. bytes: to be
 * freed.
 */
mlc_status mlc_beside_read(const char *path, const char *name, uint8_t **bytes,
                           size_t *size, mlc_error *error);

#endif
