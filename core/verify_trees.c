/*
 * verify_trees.c - that an ensemble of trees ends, stays within its features,
 * targets and weights, and visits nothing twice. One pass over its nodes.
 */
#include "shapes.h"

#define KIND(key) ((key) >> 28)

typedef struct trees_view {
    const float *nodes, *roots, *weights;
    uint32_t node_count, root_count, weight_count;
    uint32_t features, targets;
} trees_view;

static const float *words_of(const op_view *v, uint32_t i, uint32_t *count)
{
    if (i >= v->op->inputs) {
        *count = 0;
        return NULL;
    }
    const mli_file_tensor *t = mli_operand(v->file, v->op, i);
    *count = t->dims[0];
    return v->file->data + t->offset;
}

/* end: the number of the node after the tree. */
static int branch_fits(const trees_view *t, const mli_tree_node *n, uint32_t at,
                       uint32_t end)
{
    return (n->key & MLI_TREE_INDEX) < t->features && n->value == n->value &&
           n->next > at && n->next < end && at + 1 < end;
}

/* used: weights of the leaves before this one. */
static int leaves_fit(const trees_view *t, const mli_tree_node *n,
                      uint32_t used)
{
    uint32_t count = n->key & MLI_TREE_INDEX;
    if (n->key >> 24 != MLI_TREE_LEAVES >> 24 || n->value != 0.0f ||
        n->next != used || count > t->weight_count - used)
        return 0;
    for (uint32_t i = used; i < used + count; i++)
        if (mli_word(t->weights, 2 * i) >= t->targets)
            return 0;
    return 1;
}

static int node_fits(const trees_view *t, uint32_t at, uint32_t end,
                     uint32_t *used)
{
    mli_tree_node n;
    __builtin_memcpy(&n, t->nodes + 3 * (size_t)at, sizeof n);
    switch (KIND(n.key)) {
    case 0:
        return branch_fits(t, &n, at, end);
    case 1:
        return n.key == MLI_TREE_LEAF && n.next < t->targets;
    case 2:
        if (!leaves_fit(t, &n, *used))
            return 0;
        *used += n.key & MLI_TREE_INDEX;
        return 1;
    default:
        return 0;
    }
}

static int nodes_fit(const trees_view *t)
{
    uint32_t used = 0;
    if (mli_word(t->roots, 0) != 0)
        return 0;
    for (uint32_t i = 0; i < t->root_count; i++) {
        uint32_t at = mli_word(t->roots, i), end = t->node_count;
        if (i + 1 < t->root_count)
            end = mli_word(t->roots, i + 1);
        if (end <= at || end > t->node_count)
            return 0;
        for (; at < end; at++)
            if (!node_fits(t, at, end, &used))
                return 0;
    }
    return used == t->weight_count;
}

mli_status mli_derive_trees(const op_view *v)
{
    const uint32_t *p = v->op->p;
    trees_view t = {.features = p[0], .targets = p[1]};
    if (p[0] == 0 || p[1] == 0 || p[0] > MLI_TREE_INDEX + 1 ||
        p[1] > MLI_MAX_ELEMENTS || p[2] >= MLI_AGGREGATE_COUNT)
        return MLI_ERR_OP_PARAMETER;
    t.nodes = words_of(v, 1, &t.node_count);
    t.roots = words_of(v, 2, &t.root_count);
    t.weights = words_of(v, 4, &t.weight_count);
    if (!last_dim(v->x, p[0]) || !last_dim(v->y, p[1]) ||
        v->x->rank != v->y->rank || !same_dims(v->x, v->y, 0, v->x->rank - 1) ||
        !is_weight_of(v, 3, p[1]) || t.node_count % 3 != 0 ||
        t.weight_count % 2 != 0)
        return MLI_ERR_OP_SHAPE;
    t.node_count /= 3;
    t.weight_count /= 2;
    if (*v->left < (uint64_t)t.node_count + t.weight_count)
        return MLI_ERR_COMPLEXITY; /* many operators over the same trees */
    *v->left -= (uint64_t)t.node_count + t.weight_count;
    return nodes_fit(&t) ? MLI_OK : MLI_ERR_OP_PARAMETER;
}
