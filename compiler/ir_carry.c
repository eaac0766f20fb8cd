/*
 * ir_carry.c - builders for what a run leaves for the next, and how recurrent
 * layers begin.
 */
#include "ir_build.h"

/* The recurrent node that made y last, or NULL with the graph failed. */
static ir_node *recurrent(ir_graph *g, ir_id y)
{
    ir_node *node;

    if (!ir_good(g, y))
        return NULL;
    node = ir_made(g);
    if (node->out != y ||
        (node->type != MLI_OP_LSTM && node->type != MLI_OP_GRU &&
         node->type != MLI_OP_RNN)) {
        ir_fail(g, "not the result of a recurrent layer");
        return NULL;
    }
    return node;
}

ir_id ir_recurrent_hold(ir_graph *g, ir_id y, uint32_t frames)
{
    ir_node *node = recurrent(g, y);

    if (!node || frames == 0)
        return node ? y : IR_NONE;
    if (!g->values[y].timed || frames > MLI_MAX_HOLD || node->p[2]) {
        ir_fail(g, "cannot hold a layer for %u frames", frames);
        return IR_NONE;
    }
    node->p[2] = frames;
    ir_emit_state(g, 1, 1, NULL);
    return y;
}

ir_id ir_recurrent_lasts(ir_graph *g, ir_id y)
{
    ir_node *node = recurrent(g, y);

    if (node)
        node->p[3] = g->mode == MLI_WINDOW;
    return node ? y : IR_NONE;
}

ir_id ir_recall(ir_graph *g, uint32_t rank, const uint32_t *dims,
                const float *init)
{
    ir_shape s = {0};
    uint64_t n = 1;
    ir_id y;

    if (g->error[0])
        return IR_NONE;
    if (g->mode == MLI_STREAM || rank > MLI_MAX_RANK) {
        ir_fail(g, "a stream cannot recall what the frame before left");
        return IR_NONE;
    }
    s.rank = rank;
    for (uint32_t i = 0; i < rank; i++) {
        s.dims[i] = dims[i];
        n *= dims[i];
        if (n == 0 || n > MLI_MAX_ELEMENTS) {
            ir_fail(g, "a state of this size");
            return IR_NONE;
        }
    }
    y = ir_emit(g, MLI_OP_RECALL, 0, NULL, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_emit_state(g, 1, (uint32_t)n, init);
    return g->error[0] ? IR_NONE : y;
}

ir_id ir_store(ir_graph *g, ir_id recall, ir_id x)
{
    const ir_value *from;
    ir_shape s;
    ir_id y;

    if (!ir_good(g, recall) || !ir_good(g, x))
        return IR_NONE;
    from = &g->values[recall];
    if (from->node < 0 || g->nodes[from->node].type != MLI_OP_RECALL ||
        from->elements != g->values[x].elements) {
        ir_fail(g, "%llu numbers to keep in a state of %llu",
                (unsigned long long)g->values[x].elements,
                (unsigned long long)from->elements);
        return IR_NONE;
    }
    s = ir_shape_of(g, x);
    y = ir_emit(g, MLI_OP_STORE, 1, &x, &s);
    if (y != IR_NONE)
        ir_made(g)->p[0] = (uint32_t)g->values[recall].node;
    return y;
}
