/*
 * Arrays through a step or window model. A row is one list (step) or one window
 * (frames x channels, or channels x frames). An array holds one row, or N of
 * them along its leading axes: then the outputs have the same N in front. A
 * recurrent step model keeps its state from row to row.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "progress.h"
#include "run.h"

typedef struct rows_run {
    loaded_model *loaded;
    const run_arrays *arrays;
    size_t rows;
    int many;     /* outputs have an axis for the rows */
    float *input; /* one row of all ports; its pieces are in `in` */
    const float **in;
    float **out; /* where in the outputs' data the row goes */
} rows_run;

/*
 * Rows of `elements` in an array; 0: it does not hold whole rows. many: it has
 * leading axes for them.
 */
static size_t count_rows(const npy_array *a, size_t elements, int *many)
{
    size_t tail = 1;
    uint32_t i = a->rank;
    while (i > 0 && tail < elements)
        tail *= a->dims[--i];
    if (tail != elements)
        return 0;
    *many = i > 0;
    return a->count / elements;
}

/*
 * Where time is in a row: `lead` elements' blocks before it, `tail` elements
 * behind each frame, so that a model's own shape can be given, whatever axis is
 * time. As it is ([frames, ..], or a list) where that fits. 0: no axis has as
 * many elements as the port has frames.
 */
static int find_time(const npy_array *a, const mli_port *port, size_t *lead,
                     size_t *tail)
{
    size_t all = (size_t)port->frames * port->channels, behind = 1;
    int found = 0, axes = 0;
    *lead = 1;
    *tail = port->channels;
    if (port->frames == 1 || port->channels == 1)
        return 1;
    for (uint32_t i = a->rank; i > 0 && behind < all;) {
        size_t n = a->dims[--i];
        axes += n > 1;
        if (n == port->frames &&
            (!found || behind * n == all)) { /* the last, or the first of all */
            *lead = all / (behind * n);
            *tail = behind;
            found = 1;
        }
        behind *= n;
    }
    return found || axes < 2;
}

static void take_row(const npy_array *a, const float *row, const mli_port *port,
                     float *to)
{
    size_t frames = port->frames, channels = port->channels, lead, tail;
    find_time(a, port, &lead, &tail);
    for (size_t l = 0; l < lead; l++)
        for (size_t f = 0; f < frames; f++, row += tail)
            memcpy(to + f * channels + l * tail, row, tail * sizeof *to);
}

static int check_array(rows_run *r, const npy_array *a, const char *path,
                       const char *what, size_t elements, int first)
{
    char shape[RUN_SHAPE_TEXT];
    int many = 0;
    size_t rows = count_rows(a, elements, &many);
    if (!rows)
        return tool_error(path,
                          "shape %s does not fit %s (expected %zu values, or "
                          "rows of %zu)",
                          run_shape_text(a, shape), what, elements, elements);
    if (!first && rows != r->rows)
        return tool_error(path,
                          "wrong number of rows (expected %zu as in the "
                          "first array, got %zu)",
                          r->rows, rows);
    r->rows = rows;
    r->many |= many;
    return TOOL_DONE;
}

static size_t elements_of(const mli_port *port)
{
    return (size_t)port->frames * port->channels;
}

/* Check every array; the first decides how many rows there are. */
static int check_arrays(rows_run *r, size_t total)
{
    char shape[RUN_SHAPE_TEXT];
    size_t lead, tail;
    int first = 1;
    if (r->arrays->together)
        return check_array(r, &r->arrays->in[0], r->arrays->path[0],
                           "the inputs", total, 1);
    for (uint32_t i = 0; i < r->loaded->info.inputs; i++) {
        mli_port port;
        const char *path;
        mli_get_input(&r->loaded->model, i, &port);
        if (port.kind != MLI_PORT_SIGNAL)
            continue;
        const npy_array *a = run_array_of(r->arrays, r->loaded, i, &path);
        int status =
            check_array(r, a, path, port.name, elements_of(&port), first);
        if (status != TOOL_DONE)
            return status;
        if (!find_time(a, &port, &lead, &tail))
            return tool_error(path,
                              "shape %s does not fit %s (expected an axis of "
                              "%u frames)",
                              run_shape_text(a, shape), port.name, port.frames);
        first = 0;
    }
    return TOOL_DONE;
}

/* Row n of all inputs into place. */
static void load_row(rows_run *r, size_t n, size_t total)
{
    float *to = r->input;
    const float *joined = r->arrays->in[0].data + n * total;
    size_t port_count = 0;
    for (uint32_t i = 0; i < r->loaded->info.inputs; i++) {
        mli_port port;
        const char *path;
        mli_get_input(&r->loaded->model, i, &port);
        if (port.kind != MLI_PORT_SIGNAL)
            continue;
        size_t elements = elements_of(&port);
        const npy_array *a = run_array_of(r->arrays, r->loaded, i, &path);
        if (a) {
            take_row(a, a->data + n * elements, &port, to);
        } else {
            memcpy(to, joined, elements * sizeof *to);
            joined += elements;
        }
        r->in[port_count++] = to;
        to += elements;
    }
}

static int make_outputs(const rows_run *r, run_output *out)
{
    for (uint32_t i = 0; i < r->loaded->info.outputs; i++) {
        mli_port port;
        run_output *o = &out[i];
        mli_get_output(&r->loaded->model, i, &port);
        o->data = run_floats(r->rows, elements_of(&port));
        if (!o->data)
            return tool_error(port.name, "no memory for %zu rows", r->rows);
        if (r->many)
            o->dims[o->rank++] = r->rows;
        if (port.frames > 1)
            o->dims[o->rank++] = port.frames;
        o->dims[o->rank++] = port.channels;
    }
    return TOOL_DONE;
}

static void run_rows(rows_run *r, run_output *out, size_t total)
{
    for (size_t n = 0; n < r->rows; n++) {
        load_row(r, n, total);
        for (uint32_t i = 0; i < r->loaded->info.outputs; i++) {
            mli_port port;
            mli_get_output(&r->loaded->model, i, &port);
            r->out[i] = out[i].data + n * elements_of(&port);
        }
        mli_run(r->loaded->session, r->in, r->out);
        progress_set(n, r->rows);
    }
}

static size_t total_elements(const loaded_model *loaded)
{
    size_t total = 0;
    for (uint32_t i = 0; i < loaded->info.inputs; i++) {
        mli_port port;
        mli_get_input(&loaded->model, i, &port);
        if (port.kind == MLI_PORT_SIGNAL)
            total += elements_of(&port);
    }
    return total;
}

int run_npy_rows(loaded_model *loaded, const run_arrays *arrays,
                 run_output *out)
{
    rows_run r = {.loaded = loaded, .arrays = arrays};
    size_t total = total_elements(loaded);
    int status = check_arrays(&r, total);
    r.input = run_floats(total, 1);
    r.in = calloc((size_t)loaded->info.inputs + 1, sizeof *r.in);
    r.out = calloc((size_t)loaded->info.outputs + 1, sizeof *r.out);
    if (status == TOOL_DONE && !(r.input && r.in && r.out))
        status = tool_error(arrays->path[0], "no memory");
    if (status == TOOL_DONE)
        status = make_outputs(&r, out);
    if (status == TOOL_DONE) {
        progress_begin(arrays->path[0]);
        run_rows(&r, out, total);
        progress_end();
    }
    free(r.input);
    free(r.in);
    free(r.out);
    return status;
}
