/*
 * layout.c - operators that move elements: those that change nothing go, rows
 * of reshapes or of transposes become one, and a transpose that only moves axes
 * of one element becomes a reshape, which runs in place.
 */
#include <string.h>
#include "passes.h"
#include "rewrite.h"

static int same_shape(const ir_value *a, const ir_value *b)
{
    return a->timed == b->timed && a->rank == b->rank &&
           !memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]);
}

/* y is x, element by element and axis by axis. */
static int changes_nothing(const ir_graph *g, const ir_node *node)
{
    const ir_value *x = &g->values[node->in[0]], *y = &g->values[node->out];

    switch (node->type) {
    case MLI_OP_RESHAPE:
    case MLI_OP_EXPAND:
    case MLI_OP_PAD:
        return same_shape(x, y);
    case MLI_OP_CONCAT:
        return node->inputs == 1;
    case MLI_OP_SLICE:
        return same_shape(x, y) && (x->dims[node->p[0]] == 1 ||
                                    (node->p[1] == 0 && node->p[2] == 1));
    case MLI_OP_TRANSPOSE:
        for (uint32_t i = 0; i < x->rank; i++)
            if (node->p[i] != i)
                return 0;
        return 1;
    case MLI_OP_UNARY:
        return node->fn == MLI_IDENTITY;
    default:
        return 0;
    }
}

/* Does a transpose keep the order of the axes that have a length? */
static int keeps_order(const ir_value *x, const ir_node *node)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < x->rank; i++) {
        if (x->dims[node->p[i]] == 1)
            continue;
        if (node->p[i] < next)
            return 0;
        next = node->p[i];
    }
    return 1;
}

static const ir_node *maker(const ir_graph *g, ir_id value)
{
    int node = g->values[value].node;

    return node < 0 || g->nodes[node].dead ? NULL : &g->nodes[node];
}

/* Read past the operator before, if both together are one. */
static void merge(ir_graph *g, ir_node *node, ir_tally *tally)
{
    const ir_node *before = maker(g, node->in[0]);
    const ir_value *x;
    uint32_t p[8] = {0};

    if (!before || before->type != node->type)
        return;
    if (node->type == MLI_OP_RESHAPE) {
        node->in[0] = before->in[0];
        tally->layout++;
    } else if (node->type == MLI_OP_TRANSPOSE) {
        x = &g->values[before->in[0]];
        for (uint32_t i = 0; i < x->rank; i++)
            p[i] = before->p[node->p[i]];
        memcpy(node->p, p, sizeof p);
        node->in[0] = before->in[0];
        tally->transposes++;
    }
}

static void to_reshape(ir_graph *g, ir_node *node, ir_tally *tally)
{
    if (node->type != MLI_OP_TRANSPOSE ||
        !keeps_order(&g->values[node->in[0]], node))
        return;
    node->type = MLI_OP_RESHAPE;
    memset(node->p, 0, sizeof node->p);
    tally->transposes++;
}

void ir_pass_layout(ir_graph *g, ir_tally *tally)
{
    ir_id *stands_for = ir_begin_replacing(g);

    if (!stands_for)
        return;
    for (uint32_t i = 0; i < g->node_count; i++) {
        ir_node *node = &g->nodes[i];

        if (node->dead || node->inputs == 0) /* RECALL reads nothing */
            continue;
        ir_resolve(node, stands_for);
        merge(g, node, tally);
        to_reshape(g, node, tally);
        merge(g, node, tally); /* a reshape now, maybe */
        /* a constant cannot take the place of an output */
        if (g->values[node->in[0]].constant || !changes_nothing(g, node))
            continue;
        stands_for[node->out] = node->in[0];
        node->dead = 1;
        tally->layout++;
    }
    ir_end_replacing(g, stands_for);
}
