/*
 * functions.c - element-wise functions into the layer before: LINEAR,
 * CONV1D, CONV2D and AFFINE end in a function. A reshape, transpose or
 * slice between the two has no say in it, as long as nobody else reads what is
 * between.
 */
#include <stdlib.h>
#include "passes.h"
#include "rewrite.h"

/* Can a function be done before this, too? */
static int only_moves(const ir_graph *g, const ir_node *node)
{
    switch (node->type) {
    case MLI_OP_RESHAPE:
    case MLI_OP_TRANSPOSE:
        return 1;
    case MLI_OP_SLICE: /* not for what is dropped, mostly */
        return g->values[node->out].elements * 2 >=
               g->values[node->in[0]].elements;
    default:
        return 0;
    }
}

static int ends_in_function(const ir_node *node)
{
    return node->fn == MLI_IDENTITY &&
           (node->type == MLI_OP_LINEAR || node->type == MLI_OP_CONV1D ||
            node->type == MLI_OP_CONV2D || node->type == MLI_OP_AFFINE);
}

/* The layer whose results the function gets, one by one; NULL if none. */
static ir_node *layer_before(ir_graph *g, const uint32_t *readers, ir_id x)
{
    for (;;) {
        int i = g->values[x].node;
        ir_node *node = i < 0 ? NULL : &g->nodes[i];

        if (!node || node->dead || readers[x] != 1)
            return NULL;
        if (ends_in_function(node))
            return node;
        if (!only_moves(g, node))
            return NULL;
        x = node->in[0];
    }
}

void ir_pass_functions(ir_graph *g, ir_tally *tally)
{
    uint32_t *readers = ir_count_readers(g);
    ir_id *stands_for = readers ? ir_begin_replacing(g) : NULL;

    for (uint32_t i = 0; stands_for && i < g->node_count; i++) {
        ir_node *node = &g->nodes[i], *layer;

        if (node->dead)
            continue;
        ir_resolve(node, stands_for);
        if (node->type != MLI_OP_UNARY)
            continue;
        layer = layer_before(g, readers, node->in[0]);
        if (!layer)
            continue;
        layer->fn = node->fn;
        layer->fp = node->fp;
        layer->fq = node->fq;
        stands_for[node->out] = node->in[0];
        readers[node->in[0]] = readers[node->out];
        node->dead = 1;
        tally->functions++;
        tally->convs +=
            layer->type == MLI_OP_CONV1D || layer->type == MLI_OP_CONV2D;
    }
    if (stands_for)
        ir_end_replacing(g, stands_for);
    free(readers);
}
