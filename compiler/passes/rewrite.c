/*
 * rewrite.c - what passes share.
 */
#include <stdlib.h>
#include "rewrite.h"

static void *or_fail(ir_graph *g, void *memory)
{
    if (!memory) {
        g->out_of_memory = 1;
        ir_fail(g, "out of memory");
    }
    return memory;
}

uint32_t *ir_count_readers(ir_graph *g)
{
    uint32_t *readers =
        or_fail(g, calloc(g->value_count + 1u, sizeof *readers));

    if (!readers)
        return NULL;
    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; !g->nodes[i].dead && k < g->nodes[i].inputs; k++)
            readers[g->nodes[i].in[k]]++;
    for (uint32_t i = 0; i < g->output_count; i++)
        readers[g->outputs[i].value]++;
    return readers;
}

ir_id *ir_begin_replacing(ir_graph *g)
{
    ir_id *stands_for =
        or_fail(g, malloc((g->value_count + 1u) * sizeof *stands_for));

    for (uint32_t i = 0; stands_for && i < g->value_count; i++)
        stands_for[i] = (ir_id)i;
    return stands_for;
}

void ir_resolve(ir_node *node, const ir_id *stands_for)
{
    for (uint32_t k = 0; k < node->inputs; k++)
        node->in[k] = stands_for[node->in[k]];
}

void ir_end_replacing(ir_graph *g, ir_id *stands_for)
{
    for (uint32_t i = 0; i < g->output_count; i++)
        g->outputs[i].value = stands_for[g->outputs[i].value];
    free(stands_for);
}
