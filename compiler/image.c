/*
 * image.c - a model.bin in memory.
 */
#include <stdlib.h>
#include <string.h>
#include "compiler.h"
#include "image.h"

void *mlc_aligned(size_t bytes)
{
    size_t whole = (bytes / MLI_ALIGNMENT + 1) * MLI_ALIGNMENT;
    void *memory = NULL;

    if (whole < bytes)
        return NULL;
    memory = aligned_alloc(MLI_ALIGNMENT, whole);
    if (memory)
        memset(memory, 0, whole);
    return memory;
}

void mlc_image_free(mlc_image *image)
{
    if (!image)
        return;
    free(image->bytes);
    free(image->report);
    memset(image, 0, sizeof *image);
}
