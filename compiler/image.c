/*
 * image.c - a model.bin in memory.
 */
#include <stdlib.h>
#include <string.h>
#include "compiler.h"
#include "image.h"

void *mlc_room(size_t bytes)
{
    size_t whole = (bytes / MLI_ALIGNMENT + 1) * MLI_ALIGNMENT;
    char *memory = NULL;

    if (whole < bytes)
        return NULL;
    memory = aligned_alloc(MLI_ALIGNMENT, whole);
    if (memory)
        memset(memory + bytes, 0, whole - bytes);
    return memory;
}

void *mlc_aligned(size_t bytes)
{
    void *memory = mlc_room(bytes);

    if (memory)
        memset(memory, 0, bytes);
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

mlc_status mlc_check_memory(const mlc_image *image, mlc_error *error)
{
    unsigned long long bytes;
    mli_model model;
    mli_memory memory;

    if (mli_open(&model, image->bytes, image->size, NULL) != MLI_OK ||
        mli_sizes(&model, 64, &memory) != MLI_OK)
        return mlc_fail(error, MLC_MEMORY,
                        "it wants more memory to run than this machine counts");
    bytes = (unsigned long long)memory.state_bytes + memory.arena_bytes;
    if (bytes <= MLC_MOST_MEMORY)
        return MLC_OK;
    return mlc_fail(error, MLC_MEMORY,
                    "it wants too much memory to run (expected at most %llu "
                    "MB of state and arena, got %llu)",
                    MLC_MOST_MEMORY >> 20, bytes >> 20);
}
