/*
 * onnx_import.c - an ONNX model from its bytes to a model file.
 */
#include <stdlib.h>
#include <string.h>
#include "onnx_attempt.h"
#include "onnx_data.h"
#include "onnx_state.h"
#include "taken.h"

#define MOST_WORK 5e8 /* nanoseconds, beyond ONNX_WORK_A_BYTE */

static void check_opset(onnx_import *m)
{
    int64_t opset = onnx_opset_of(m->model.opsets, m->model.opset_count, "");
    if (opset && opset < ONNX_OLDEST_OPSET)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "opset %lld is too old (expected %d to %d)", (long long)opset,
                  ONNX_OLDEST_OPSET, ONNX_NEWEST_OPSET);
    if (opset < 0 || opset > 100)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_NEWER,
                  "opset %lld is not known (expected %d to %d)",
                  (long long)opset, ONNX_OLDEST_OPSET, ONNX_NEWEST_OPSET);
}

static void read_all(onnx_import *m, const uint8_t *bytes, size_t size)
{
    onnx_graph *g = &m->model.graph;
    onnx_model_read(&m->model, bytes, size);
    check_opset(m);
    if (g->input_count > MLI_MAX_PORTS + g->tensor_count ||
        g->output_count > MLI_MAX_PORTS)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "%zu inputs and %zu outputs (expected at most %u each)",
                  g->input_count, g->output_count, MLI_MAX_PORTS);
    if (!g->output_count)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_CORRUPT,
                  "the graph has no output");
    m->initial_state =
        onnx_take(&m->pool, g->input_count, sizeof *m->initial_state);
    m->output_of = onnx_take(&m->pool, g->input_count, sizeof *m->output_of);
    for (size_t i = 0; i < g->input_count; i++)
        m->output_of[i] = -1;
    if (!m->binds)
        onnx_find_states(&m->model, m->options->states, m->options->state_count,
                         m->output_of);
    for (size_t i = 0; i < g->input_count && !m->binds; i++)
        if (!onnx_is_initializer(g, g->inputs[i].name))
            m->initial_state[i] = onnx_starts_layers(g, g->inputs[i].name);
}

static mlc_status run_import(onnx_import *m, const uint8_t *bytes, size_t size,
                             mlc_image *image, mlc_error *error)
{
    onnx_exit exit = {.error = error};
    ir_graph *g;
    mlc_status status;
    int64_t opset;
    m->exit = m->model.exit = m->pool.exit = &exit;
    if (setjmp(exit.jump)) {
        onnx_pool_free(&m->pool);
        return error->status;
    }
    read_all(m, bytes, size);
    status = onnx_meet_time(m, &g, error);
    opset = onnx_opset_of(m->model.opsets, m->model.opset_count, "");
    if (status == MLC_OK && opset > ONNX_NEWEST_OPSET)
        ir_note(g, "opset %lld is newer than %d: check the result",
                (long long)opset, ONNX_NEWEST_OPSET);
    onnx_pool_free(&m->pool);
    if (status == MLC_OK && m->taken) {
        free(*m->taken);
        *m->taken = NULL;
    }
    if (status == MLC_OK)
        status = mlc_finish(g, m->options, image, error);
    return status;
}

/* taken: as in onnx_import. */
static mlc_status import(const uint8_t *bytes, size_t size, uint8_t **taken,
                         const char *path, const mlc_options *options,
                         const onnx_bind *binds, size_t count, mlc_image *image,
                         mlc_error *error)
{
    static const mlc_options usual = MLC_OPTIONS_DEFAULT;
    mlc_error unseen;
    onnx_import m;
    memset(&m, 0, sizeof m);
    m.file_size = size;
    m.taken = taken;
    m.pool.limit = onnx_allowed(ONNX_MEMORY, ONNX_MEMORY_A_BYTE, size);
    m.model.most_work = MOST_WORK + ONNX_WORK_A_BYTE * (double)size;
    m.model.pool = &m.pool;
    m.model.path = path;
    m.options = options ? options : &usual;
    m.binds = binds;
    m.bind_count = count;
    return run_import(&m, bytes, size, image, error ? error : &unseen);
}

mlc_status mlc_import_onnx(const uint8_t *bytes, size_t size, const char *path,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error)
{
    return import(bytes, size, NULL, path, options, NULL, 0, image, error);
}

mlc_status mlc_take_onnx(uint8_t **bytes, size_t size, const char *path,
                         const mlc_options *options, mlc_image *image,
                         mlc_error *error)
{
    return import(*bytes, size, bytes, path, options, NULL, 0, image, error);
}

mlc_status mlc_import_onnx_bound(const uint8_t *bytes, size_t size,
                                 const char *path, const mlc_options *options,
                                 const mlc_onnx_bind *binds, size_t count,
                                 mlc_image *image, mlc_error *error)
{
    mlc_error unseen, *said = error ? error : &unseen;
    onnx_bind *b = calloc(count + 1, sizeof *b);
    onnx_tensor *t = calloc(count + 1, sizeof *t);
    mlc_status status;
    for (size_t i = 0; b && t && i < count; i++) {
        const mlc_onnx_tensor *from = binds[i].tensor;
        t[i].name = binds[i].name;
        t[i].type = from->type;
        t[i].rank = from->rank;
        memcpy(t[i].dims, from->dims, sizeof t[i].dims);
        t[i].count = from->count;
        t[i].f = from->f;
        t[i].i = from->i;
        b[i].name = binds[i].name;
        b[i].tensor = &t[i];
        b[i].shape_only = binds[i].shape_only;
    }
    status = b && t ? import(bytes, size, NULL, path, options, count ? b : NULL,
                             count, image, said)
                    : mlc_fail(said, MLC_MEMORY, "out of memory");
    free(b);
    free(t);
    return status;
}
