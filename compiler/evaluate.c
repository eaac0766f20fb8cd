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

/* The sum of the prime factors: what a transform of n costs each of n. */
static double factors(uint32_t n)
{
    double sum = 0;

    for (uint32_t p = 2; (uint64_t)p * p <= n; p++)
        for (; n % p == 0; n /= p)
            sum += p;
    return sum + (n > 1 ? n : 0);
}

/* Of one node, in steps a number of its operands and its result. */
static double steps(const ir_graph *g, const ir_node *node)
{
    const ir_value *x = node->inputs ? &g->values[node->in[0]] : NULL;

    switch (node->type) {
    case MLI_OP_DFT:
        return 1 + factors(node->p[0]);
    case MLI_OP_TOPK:
    case MLI_OP_SOFTMAX:
        return 10;
    case MLI_OP_POOL:
        return 1 + (double)node->p[2];
    case MLI_OP_COUPLE:
        return 100 * (double)node->p[0];
    case MLI_OP_TREES: /* each row goes through all trees at most */
        return x && node->inputs > 1
                   ? 1 + (double)g->values[node->in[1]].elements
                   : 1;
    default:
        return 1;
    }
}

double mlc_evaluate_cost(const ir_graph *g)
{
    double sum = 100000 + (double)mlc_graph_macs(g);

    for (uint32_t i = 0; i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];
        double elements = (double)g->values[node->out].elements;

        if (node->dead)
            continue;
        for (uint32_t k = 0; k < node->inputs; k++)
            elements += (double)g->values[node->in[k]].elements;
        sum += 1000 + 6 * elements * steps(g, node);
    }
    return sum;
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
    ok = mlc_plan(&p) &&
         mlc_write(&p, &figures, NULL, &bytes, &size, NULL) == MLC_OK;
    if (ok)
        ok = run_once(bytes, size, out);
    free(bytes);
    mlc_program_free(&p);
    return ok;
}
