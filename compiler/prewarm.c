/*
 * prewarm.c - the state that a model is in after some silence.
 *
 * The plain C kernels do it, so that the file does not depend on the machine
 * that makes it.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "image.h"
#include "prewarm.h"
#include "rates.h"
#include "state.h"

#define BLOCK 64u

/* One frame is kept if all are the same bits. */
static int keep_state(ir_state *s, const mli_session *session, uint32_t index)
{
    float *all = malloc((size_t)s->frames * s->width * sizeof *all);
    size_t frame = s->width * sizeof *all;
    uint32_t f = 1;

    if (!all)
        return 0;
    mli_state_read(session, index, all);
    while (f < s->frames && !memcmp(all, all + (size_t)f * s->width, frame))
        f++;
    free(s->init);
    s->init = all;
    s->init_frames = f == s->frames ? 1 : s->frames;
    return 1;
}

static int all_finite(const ir_state *s)
{
    for (size_t i = 0; i < (size_t)s->init_frames * s->width; i++)
        if (!(s->init[i] >= -FLT_MAX && s->init[i] <= FLT_MAX))
            return 0;
    return 1;
}

/* Its history is of bytes, four in a word. */
static int is_words(const ir_graph *g, const ir_node *node)
{
    return node->type == MLI_OP_CONV1D &&
           g->values[node->in[1]].storage == MLI_BYTES;
}

static mlc_status keep_states(ir_graph *g, const mli_session *session,
                              mlc_error *error)
{
    uint32_t index = 0;

    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; k < g->nodes[i].state_count; k++) {
            ir_state *s = &g->nodes[i].states[k];

            if (g->nodes[i].dead)
                continue;
            if (!keep_state(s, session, index++))
                return mlc_fail(error, MLC_MEMORY, "no memory for the state");
            if (!all_finite(s) && !is_words(g, &g->nodes[i]))
                return mlc_fail(
                    error, MLC_CORRUPT, "%s: silence gives infinity or NaN",
                    g->nodes[i].name ? g->nodes[i].name : "the model");
        }
    return MLC_OK;
}

/* Some two seconds of arithmetic; real models need milliseconds. */
static int affordable(const mli_info *info, uint64_t frames)
{
    uint64_t each = info->macs_per_frame + 16ull * info->ops + 1;

    return each < 4000000000ull && frames < 4000000000ull / each;
}

/* Whole blocks, and whole cycles: states are those of a position of 0. */
static uint64_t frames_of(const ir_graph *g)
{
    uint64_t frames = ((uint64_t)g->prewarm + BLOCK - 1) / BLOCK * BLOCK;
    uint64_t cycle;
    mlc_rates r;

    mlc_find_rates(g, &r);
    cycle = r.cycle / r.frame;
    return (frames + cycle - 1) / cycle * cycle;
}

static void run(mli_session *session, void *none, uint64_t frames)
{
    for (; frames > BLOCK; frames -= BLOCK)
        mli_process(session, none, none, BLOCK);
    mli_process(session, none, none, (uint32_t)frames);
}

mlc_status mlc_prewarm(ir_graph *g, const uint8_t *bytes, size_t size,
                       mlc_error *error)
{
    mli_memory need;
    mli_model model;
    mli_session *session = NULL;
    mli_info info;
    void *state = NULL, *arena = NULL, *none = NULL;
    mlc_status status = MLC_OK;

    if (mli_open(&model, bytes, size, NULL) != MLI_OK ||
        mli_sizes(&model, BLOCK, &need) != MLI_OK)
        return mlc_fail(error, MLC_UNSUPPORTED, "too large to run here");
    mli_get_info(&model, &info);
    if (!affordable(&info, frames_of(g)))
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a prewarm of %u frames takes too long", g->prewarm);
    state = mlc_aligned(need.state_bytes);
    arena = mlc_aligned(need.arena_bytes);
    /* NULL pointers: silence in, nothing out */
    none = calloc((size_t)info.in_channels + info.out_channels + 1,
                  sizeof(float *));
    if (!state || !arena || !none ||
        mli_start(&model, mli_kernels_find("generic"), BLOCK, state, arena,
                  &session) != MLI_OK) {
        status = mlc_fail(error, MLC_MEMORY, "no memory to run the model");
    } else {
        run(session, none, frames_of(g));
        status = keep_states(g, session, error);
    }
    free(state);
    free(arena);
    free(none);
    return status;
}
