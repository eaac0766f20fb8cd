/*
 * zip.h - the entries of a zip archive that are stored as they are.
 */
#ifndef MLC_LAYERS_ZIP_H
#define MLC_LAYERS_ZIP_H

#include "compiler.h"

typedef struct mlc_zip {
    const uint8_t *bytes; /* borrowed */
    size_t size;
    size_t first; /* of the central directory */
    size_t last;
    uint32_t entries;
} mlc_zip;

typedef struct mlc_zip_entry {
    const char *name; /* borrowed, not terminated */
    size_t name_length;
    uint32_t method; /* 0: stored */
    uint32_t size;   /* of its bytes in the archive */
    size_t header;   /* of its local header */
    size_t next;     /* private */
} mlc_zip_entry;

mlc_status mlc_zip_open(mlc_zip *z, const uint8_t *bytes, size_t size,
                        mlc_error *error);
/* Walk through the directory: begin with {0}. 0: the end, or damage. */
int mlc_zip_next(const mlc_zip *z, mlc_zip_entry *e);
/* Its bytes; NULL after an error. */
const uint8_t *mlc_zip_bytes(const mlc_zip *z, const mlc_zip_entry *e,
                             mlc_error *error);

#endif
