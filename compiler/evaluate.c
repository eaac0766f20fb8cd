/*
 * evaluate.c - a graph without inputs, run once while compiling.
 */
#include <stdlib.h>
#include "evaluate.h"
#include "figures.h"
#include "image.h"
#include "writer.h"

static int run_once(const uint8_t *bytes, size_t size, float *out)
{
    mli_session *session;
    mli_memory need;
    mli_model model;
    void *state, *arena;
    int ok;

    if (mli_open(&model, bytes, size, NULL) != MLI_OK ||
        mli_sizes(&model, 16, &need) != MLI_OK)
        return 0;
    state = mlc_aligned(need.state_bytes);
    arena = mlc_aligned(need.arena_bytes);
    ok = state && arena &&
         mli_start(&model, mli_kernels_find("generic"), 16, state, arena,
                   &session) == MLI_OK;
    if (ok)
        mli_run(session, NULL, &out);
    free(state);
    free(arena);
    return ok;
}

int mlc_evaluate(const ir_graph *g, float *out)
{
    mlc_figures figures = {1, 0, mlc_graph_macs(g)};
    uint8_t *bytes = NULL;
    mlc_program p;
    size_t size;
    int ok;

    if (!mlc_program_make(&p, g))
        return 0;
    ok = mlc_plan(&p) && mlc_write(&p, &figures, &bytes, &size, NULL) == MLC_OK;
    if (ok)
        ok = run_once(bytes, size, out);
    free(bytes);
    mlc_program_free(&p);
    return ok;
}
