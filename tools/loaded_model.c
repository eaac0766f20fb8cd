/* see loaded_model.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_choice.h"
#include "loaded_model.h"
#include "message.h"
#include "progress.h"

int loaded_model_open(loaded_model *loaded, const char *path,
                      const mlc_options *options)
{
    mlc_error error;
    uint32_t where = 0;
    memset(loaded, 0, sizeof *loaded);
    progress_begin(path);
    mlc_status status = mlc_load(path, options, &loaded->image, &error);
    progress_end();
    if (status != MLC_OK) {
        tool_error(path, "%s", error.text);
        return -1;
    }
    mli_status opened = mli_open(&loaded->model, loaded->image.bytes,
                                 loaded->image.size, &where);
    if (opened != MLI_OK) {
        tool_error(path, "%s (%u)", mli_status_text(opened), where);
        loaded_model_close(loaded);
        return -1;
    }
    mli_get_info(&loaded->model, &loaded->info);
    opened = mli_sizes(&loaded->model, TOOL_TILE, &loaded->memory);
    if (opened != MLI_OK) {
        tool_error(path, "%s", mli_status_text(opened));
        loaded_model_close(loaded);
        return -1;
    }
    return 0;
}

/* Never NULL for a size of 0; C11 wants whole multiples of the alignment. */
static void *aligned(size_t bytes)
{
    size_t whole = (bytes + MLI_ALIGNMENT) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    return whole < bytes ? NULL : aligned_alloc(MLI_ALIGNMENT, whole);
}

int loaded_model_start(loaded_model *loaded, const char *path)
{
    const mli_kernels *kernels = kernel_choice();
    if (!kernels)
        return -1;
    loaded->state = aligned(loaded->memory.state_bytes);
    loaded->arena = aligned(loaded->memory.arena_bytes);
    if (!loaded->state || !loaded->arena) {
        tool_error(path, "no memory (needs %zu bytes)",
                   loaded->memory.state_bytes + loaded->memory.arena_bytes);
        return -1;
    }
    mli_status status =
        mli_start(&loaded->model, kernels, TOOL_TILE, loaded->state,
                  loaded->arena, &loaded->session);
    if (status != MLI_OK) {
        tool_error(path, "%s", mli_status_text(status));
        return -1;
    }
    return 0;
}

void loaded_model_close(loaded_model *loaded)
{
    mlc_image_free(&loaded->image);
    free(loaded->state);
    free(loaded->arena);
    memset(loaded, 0, sizeof *loaded);
}

const char *loaded_model_name(const loaded_model *loaded, const char *path,
                              char *buffer, size_t size)
{
    const char *name = mli_get_meta(&loaded->model, "name");
    if (name && *name)
        return name;
    const char *base = strrchr(path, '/');
    snprintf(buffer, size, "%s", base ? base + 1 : path);
    char *dot = strrchr(buffer, '.');
    if (dot && dot != buffer)
        *dot = 0;
    return buffer;
}

const char *mode_word(mli_mode mode)
{
    static const char *const words[] = {"stream", "window", "step"};
    return words[mode];
}
