/*
 * unused.c - operators that no output needs.
 */
#include <stdlib.h>
#include "passes.h"

void ir_pass_unused(ir_graph *g, ir_tally *tally)
{
    char *needed = calloc(g->value_count + 1u, 1);

    if (!needed) {
        g->out_of_memory = 1;
        ir_fail(g, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < g->output_count; i++)
        needed[g->outputs[i].value] = 1;
    for (uint32_t i = g->node_count; i-- > 0;) {
        ir_node *node = &g->nodes[i];

        if (node->dead)
            continue;
        if (node->type == MLI_OP_STORE) /* it is there for the next run */
            needed[g->nodes[node->p[0]].out] = 1;
        else if (!needed[node->out]) {
            node->dead = 1;
            tally->unused++;
            continue;
        }
        for (uint32_t k = 0; k < node->inputs; k++)
            needed[node->in[k]] = 1;
    }
    free(needed);
}
