/* see bench_session.h */
#include <stdlib.h>
#include <string.h>

#include "bench_session.h"
#include "message.h"

#define NOISE_FRAMES 1024u

static void *aligned(size_t bytes)
{
    size_t whole = (bytes + MLI_ALIGNMENT) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    void *p = whole < bytes ? NULL : aligned_alloc(MLI_ALIGNMENT, whole);
    if (p)
        memset(p, 0, whole);
    return p;
}

/* Numbers of port i in one list. */
static size_t list_size(const mli_model *model, uint32_t i, int output)
{
    mli_port port;
    (output ? mli_get_output : mli_get_input)(model, i, &port);
    return port.kind == MLI_PORT_CONTROL ? 0
                                         : (size_t)port.frames * port.channels;
}

/* Signal inputs, or outputs, of a step model; the largest of them. */
static uint32_t lists(const mli_model *model, uint32_t ports, int output,
                      size_t *largest)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < ports; i++) {
        size_t size = list_size(model, i, output);
        *largest = size > *largest ? size : *largest;
        n += size != 0;
    }
    return n;
}

/* How many arrays, and the floats that each needs. */
static size_t arrays(bench_session *b, const mli_model *model)
{
    size_t room = 1;
    if (b->info.mode == MLI_STEP) {
        b->ins = lists(model, b->info.inputs, 0, &room);
        b->outs = lists(model, b->info.outputs, 1, &room);
        b->blocks = 8;
        b->in_step = room;
        return room * b->blocks;
    }
    b->ins = b->info.in_channels;
    b->outs = b->info.out_channels;
    b->blocks = NOISE_FRAMES / b->block + 1;
    b->in_step = b->block;
    return (size_t)b->block * b->blocks;
}

/* White noise at half scale. */
static void fill(float *at, size_t n, uint32_t seed)
{
    seed = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (float)((int32_t)seed / 4294967296.0);
    }
}

static int connect(bench_session *b, const mli_model *model)
{
    size_t room = arrays(b, model);
    b->values = aligned((b->ins + b->outs) * room * sizeof(float));
    b->in = aligned((b->ins + 1) * sizeof *b->in);
    b->at = aligned((b->ins + 1) * sizeof *b->at);
    b->out = aligned((b->outs + 1) * sizeof *b->out);
    if (!b->values || !b->in || !b->at || !b->out)
        return -1;
    for (uint32_t c = 0; c < b->ins; c++) {
        b->in[c] = b->values + c * room;
        fill(b->values + c * room, room, c);
    }
    for (uint32_t c = 0; c < b->outs; c++)
        b->out[c] = b->values + (b->ins + c) * room;
    return 0;
}

/* The least tile that holds a block: the runtime never computes more. */
static uint32_t tile_for(uint32_t block)
{
    return block <= 16 ? 16 : block <= 32 ? 32 : TOOL_TILE;
}

int bench_session_start(bench_session *b, const loaded_model *loaded,
                        const char *kernels, uint32_t block, const char *path)
{
    mli_memory need;
    uint32_t tile = tile_for(block);
    memset(b, 0, sizeof *b);
    b->info = loaded->info;
    b->block = b->info.mode == MLI_STEP ? 1 : block;
    mli_status status = mli_sizes(&loaded->model, tile, &need);
    if (status == MLI_OK) {
        b->state = aligned(need.state_bytes);
        b->arena = aligned(need.arena_bytes);
        if (!b->state || !b->arena || connect(b, &loaded->model)) {
            bench_session_end(b);
            tool_error(path, "no memory");
            return -1;
        }
        status = mli_start(&loaded->model, mli_kernels_find(kernels), tile,
                           b->state, b->arena, &b->session);
    }
    if (status != MLI_OK) {
        bench_session_end(b);
        tool_error(path, "%s", mli_status_text(status));
        return -1;
    }
    return 0;
}

void bench_session_run(bench_session *b)
{
    size_t offset = b->next * b->in_step;
    b->next = b->next + 1 < b->blocks ? b->next + 1 : 0;
    for (uint32_t c = 0; c < b->ins; c++)
        b->at[c] = b->in[c] + offset;
    if (b->info.mode == MLI_STEP)
        mli_run(b->session, b->at, b->out);
    else
        mli_process(b->session, b->at, b->out, b->block);
}

void bench_session_end(bench_session *b)
{
    free(b->values);
    free(b->in);
    free(b->at);
    free(b->out);
    free(b->state);
    free(b->arena);
    memset(b, 0, sizeof *b);
}
