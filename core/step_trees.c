/*
 * step_trees.c - ensembles of trees: from each root to one leaf, whose weights
 * go to their targets.
 */
#include "session.h"

/* Children have greater numbers than their parent: this ends. The comparison
   is turned into a bit, so only the end of the way is a branch. */
static mli_tree_node leaf_of(const float *nodes, uint32_t at, const float *x)
{
    mli_tree_node n;
    for (;;) {
        __builtin_memcpy(&n, nodes + 3 * (size_t)at, sizeof n);
        if (n.key >= MLI_TREE_LEAF)
            return n;
        float v = x[n.key & MLI_TREE_INDEX];
        uint32_t result = (uint32_t)(v < n.value) |
                          (uint32_t)(v == n.value) << 1 |
                          (uint32_t)(v > n.value) << 2;
        result |= (uint32_t)(result == 0) << 3;
        at = n.key >> 24 & result ? n.next : at + 1;
    }
}

static void give(float *y, uint32_t aggregate, float weight)
{
    if (aggregate == MLI_TREES_MIN)
        *y = weight < *y ? weight : *y;
    else if (aggregate == MLI_TREES_MAX)
        *y = weight > *y ? weight : *y;
    else
        *y += weight;
}

static void give_leaf(const mli_trees_step *t, const mli_tree_node *leaf,
                      float *y)
{
    if (leaf->key == MLI_TREE_LEAF) {
        give(y + leaf->next, t->aggregate, leaf->value);
        return;
    }
    uint32_t count = leaf->key & MLI_TREE_INDEX;
    const float *w = t->weights + 2 * (size_t)leaf->next;
    for (uint32_t i = 0; i < count; i++, w += 2)
        give(y + mli_word(w, 0), t->aggregate, w[1]);
}

static void row(const mli_trees_step *t, const float *x, float *y)
{
    float none = t->aggregate == MLI_TREES_MIN   ? __builtin_inff()
                 : t->aggregate == MLI_TREES_MAX ? -__builtin_inff()
                                                 : 0.0f;
    float trees = t->aggregate == MLI_TREES_AVERAGE ? (float)t->trees : 1.0f;
    for (uint32_t i = 0; i < t->targets; i++)
        y[i] = none;
    for (uint32_t i = 0; i < t->trees; i++) {
        mli_tree_node leaf = leaf_of(t->nodes, mli_word(t->roots, i), x);
        give_leaf(t, &leaf, y);
    }
    for (uint32_t i = 0; i < t->targets; i++)
        y[i] = (y[i] == none ? 0.0f : y[i] / trees) + t->base[i];
}

void mli_run_trees(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_trees_step *t = &step->u.trees;
    size_t rows = (size_t)frames * step->rows;
    (void)k;
    for (size_t r = 0; r < rows; r++)
        row(t, step->x + r * t->features, step->y + r * t->targets);
}
