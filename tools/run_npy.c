/* mlinfer run --npy: arrays in, an array for each output out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "run.h"

const char *run_shape_text(const npy_array *array, char text[RUN_SHAPE_TEXT])
{
    size_t n = 0;
    text[n++] = '(';
    for (uint32_t i = 0; i < array->rank; i++)
        n += (size_t)snprintf(text + n, RUN_SHAPE_TEXT - n, "%s%zu",
                              i ? ", " : "", array->dims[i]);
    snprintf(text + n, RUN_SHAPE_TEXT - n, "%s)", array->rank == 1 ? "," : "");
    return text;
}

static unsigned signal_ports(const loaded_model *loaded)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < loaded->info.inputs; i++) {
        mli_port port;
        mli_get_input(&loaded->model, i, &port);
        n += port.kind == MLI_PORT_SIGNAL;
    }
    return n;
}

/* Which of the three ways the arrays meet the inputs. */
static int match(const loaded_model *loaded, const run_arguments *a,
                 run_arrays *arrays)
{
    unsigned all = loaded->info.inputs, signals = signal_ports(loaded);
    char names[512] = "";
    size_t n = 0;
    if (a->npy_count == all) {
        arrays->controls = all > signals;
        return 0;
    }
    if (a->npy_count == signals)
        return 0;
    if (a->npy_count == 1) {
        arrays->together = 1;
        return 0;
    }
    for (uint32_t i = 0; i < all && n < sizeof names; i++) {
        mli_port port;
        mli_get_input(&loaded->model, i, &port);
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s",
                              i ? ", " : "", port.name);
    }
    tool_error(a->model,
               "has %u input%s: %s (expected as many --npy, or one, "
               "got %u)",
               all, all == 1 ? "" : "s", names, a->npy_count);
    return -1;
}

const npy_array *run_array_of(const run_arrays *arrays,
                              const loaded_model *loaded, uint32_t port,
                              const char **path)
{
    uint32_t at = 0;
    mli_port p;
    mli_get_input(&loaded->model, port, &p);
    if (arrays->together || (p.kind == MLI_PORT_CONTROL && !arrays->controls))
        return NULL;
    for (uint32_t i = 0; i < port; i++) {
        mli_get_input(&loaded->model, i, &p);
        at += p.kind == MLI_PORT_SIGNAL || arrays->controls;
    }
    *path = arrays->path[at];
    return &arrays->in[at];
}

/* Set the control inputs that have arrays. */
static int set_controls(loaded_model *loaded, const run_arrays *arrays)
{
    for (uint32_t i = 0; i < loaded->info.inputs; i++) {
        mli_port port;
        char shape[RUN_SHAPE_TEXT];
        const char *path;
        const npy_array *array = run_array_of(arrays, loaded, i, &path);
        mli_get_input(&loaded->model, i, &port);
        if (!array || port.kind != MLI_PORT_CONTROL)
            continue;
        if (array->count != port.channels) {
            tool_error(path,
                       "shape %s does not fit input %s (expected %u "
                       "values, got %zu)",
                       run_shape_text(array, shape), port.name, port.channels,
                       array->count);
            return -1;
        }
        mli_set(loaded->session, i, array->data);
    }
    return 0;
}

static int read_arrays(const run_arguments *a, run_arrays *arrays)
{
    char error[NPY_ERROR];
    for (; arrays->count < a->npy_count; arrays->count++) {
        const char *path = a->npy[arrays->count];
        arrays->path[arrays->count] = path;
        if (npy_read(path, &arrays->in[arrays->count], error)) {
            tool_error(path, "%s", error);
            return -1;
        }
    }
    return 0;
}

static run_output *new_outputs(const loaded_model *loaded)
{
    run_output *out = calloc((size_t)loaded->info.outputs + 1, sizeof *out);
    for (uint32_t i = 0; out && i < loaded->info.outputs; i++) {
        mli_port port;
        mli_get_output(&loaded->model, i, &port);
        out[i].name = port.name;
    }
    return out;
}

static int run_and_write(loaded_model *loaded, const run_arguments *a,
                         const run_arrays *arrays)
{
    run_output *out = new_outputs(loaded);
    int status;
    if (!out)
        return tool_error(a->model, "no memory");
    if (loaded->info.mode == MLI_STREAM)
        status = run_npy_stream(loaded, a, arrays, out);
    else
        status = run_npy_rows(loaded, arrays, out);
    if (status == TOOL_DONE)
        status = run_write_outputs(a->output, out, loaded->info.outputs);
    for (uint32_t i = 0; i < loaded->info.outputs; i++)
        free(out[i].data);
    free(out);
    return status;
}

int run_npy(loaded_model *loaded, const run_arguments *a)
{
    run_arrays arrays = {0};
    int status = TOOL_FAILED;
    if (!match(loaded, a, &arrays) && !read_arrays(a, &arrays) &&
        !set_controls(loaded, &arrays))
        status = run_and_write(loaded, a, &arrays);
    for (unsigned i = 0; i < arrays.count; i++)
        npy_free(&arrays.in[i]);
    return status;
}
