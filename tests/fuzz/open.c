/*
 * open.c - for a fuzzer that looks for files that open and then do harm; run.sh
 * builds and runs it. Sizes and checksum are put right first, or it would never
 * get past them.
 */
#include <stdlib.h>
#include <string.h>
#include "exercise.h"
#include "format.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size -= size % 64;
    uint8_t *file = malloc(size + 1);
    if (size > 0)
        memcpy(file, bytes, size);
    if (size >= sizeof(mli_file_header)) {
        mli_file_header *h = (mli_file_header *)file;
        memcpy(h->magic, MLI_MAGIC, sizeof h->magic);
        h->version = MLI_FORMAT_VERSION;
        h->file_bytes = (uint32_t)size;
        h->crc32 = mli_file_crc32(file, size);
    }
    exercise(file, size, (uint32_t)(size / 64));
    free(file);
    return 0;
}
