/*
 * onnx_ml_forest.c - trees one after another, each node followed by the one
 * that is taken when its comparison fails; see mli_tree_node.
 */
#include <string.h>
#include "onnx_ml_forest.h"

typedef struct waiting { /* an item whose place is still to come, and the */
    uint32_t item;       /* nodes that lead to it: from, and before it as */
    uint32_t from, many; /* many as there are values to compare with */
} waiting;

typedef struct planter {
    onnx_run *r;
    const onnx_call *c;
    const ml_forest *f;
    mli_tree_node *node;
    uint32_t nodes, room;
    uint32_t *weight; /* pairs */
    uint32_t weights, weight_room;
    unsigned char *met;
    waiting *stack;
    uint32_t depth, stack_room;
} planter;

static mli_tree_node *add(planter *p, uint32_t key, float value)
{
    mli_tree_node *n;
    if (p->nodes == p->room) {
        mli_tree_node *old = p->node;
        if (p->room > MLI_MAX_ELEMENTS / 6)
            onnx_bad(p->r, p->c, "too many nodes");
        p->room *= 2;
        p->node = onnx_take(p->r->pool, p->room, sizeof *p->node);
        memcpy(p->node, old, p->nodes * sizeof *old);
    }
    n = &p->node[p->nodes++];
    n->key = key;
    n->value = value;
    n->next = 0;
    return n;
}

static uint32_t bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static void add_leaf(planter *p, uint32_t item)
{
    const ml_forest *f = p->f;
    uint32_t first = f->first[item], count = f->first[item + 1] - first;
    if (count == 1) {
        add(p, MLI_TREE_LEAF, f->weight[first])->next = f->target[first];
        return;
    }
    if (count > MLI_TREE_INDEX)
        onnx_bad(p->r, p->c, "a leaf of %u weights", count);
    if (count > p->weight_room - p->weights) { /* leaves that are shared */
        uint32_t *old = p->weight;
        if (p->weights + count > MLI_MAX_ELEMENTS / 4)
            onnx_bad(p->r, p->c, "too many weights");
        p->weight_room = 2 * (p->weights + count);
        p->weight =
            onnx_take(p->r->pool, 2 * (size_t)p->weight_room, sizeof *old);
        memcpy(p->weight, old, 2 * (size_t)p->weights * sizeof *old);
    }
    add(p, MLI_TREE_LEAVES | count, 0.f)->next = p->weights;
    for (uint32_t i = first; i < first + count; i++) {
        p->weight[2 * p->weights] = f->target[i];
        p->weight[2 * p->weights++ + 1] = bits(f->weight[i]);
    }
}

/* Each branch is met once, so it holds at most all of them. */
static void put_off(planter *p, waiting w)
{
    if (p->depth == p->stack_room) {
        waiting *old = p->stack;
        p->stack_room = 2 * p->stack_room + 64;
        p->stack = onnx_take(p->r->pool, p->stack_room, sizeof *old);
        if (p->depth)
            memcpy(p->stack, old, p->depth * sizeof *old);
    }
    p->stack[p->depth++] = w;
}

/* Nodes for a branch, and its true child put off. */
static void add_branch(planter *p, uint32_t item)
{
    const ml_forest *f = p->f;
    uint32_t from = p->nodes;
    if (p->met[item])
        onnx_bad(p->r, p->c,
                 "node %u is reached twice: the trees have a cycle, or share "
                 "a part",
                 item);
    p->met[item] = 1;
    if (f->members && f->members[item] != MLI_NONE) {
        uint32_t at = f->members[item];
        for (; at < f->member_count && f->member[at] == f->member[at]; at++)
            add(p, f->key[item], f->member[at]);
    } else {
        add(p, f->key[item], f->value[item]);
    }
    if (p->nodes > from)
        put_off(p, (waiting){f->yes[item], from, p->nodes - from});
}

/* Each branch is met once: the work is linear. */
static void plant_tree(planter *p, uint32_t root)
{
    p->depth = 0;
    put_off(p, (waiting){root, 0, 0});
    while (p->depth) {
        waiting w = p->stack[--p->depth];
        for (uint32_t i = 0; i < w.many; i++)
            p->node[w.from + i].next = p->nodes;
        while (p->f->key[w.item] != MLI_TREE_LEAF) {
            add_branch(p, w.item);
            w.item = p->f->no[w.item];
        }
        add_leaf(p, w.item);
    }
}

/* Features within the row, numbers that can be compared. */
static void check_items(const planter *p, int64_t features)
{
    const ml_forest *f = p->f;
    for (uint32_t i = 0; i < f->items; i++) {
        int64_t feature = f->key[i] & MLI_TREE_INDEX;
        if (f->key[i] == MLI_TREE_LEAF)
            continue;
        if (feature >= features)
            onnx_bad(p->r, p->c, "node %u looks at input %lld of %lld", i,
                     (long long)feature, (long long)features);
        if (f->value[i] != f->value[i])
            onnx_bad(p->r, p->c, "node %u compares with NaN", i);
    }
}

ir_id ml_plant(onnx_run *r, const onnx_call *c, ir_id x, int64_t features,
               const ml_forest *f, mli_aggregate aggregate, uint32_t targets,
               const float *base)
{
    planter p = {.r = r, .c = c, .f = f};
    ir_forest y = {.aggregate = aggregate, .targets = targets, .base = base};
    uint32_t *root = onnx_take(r->pool, f->trees, sizeof *root);
    if (!f->trees)
        onnx_bad(r, c, "no trees");
    check_items(&p, features);
    p.room = f->items;
    p.node = onnx_take(r->pool, p.room, sizeof *p.node);
    for (uint32_t i = 0; i < f->items; i++)
        if (f->first[i + 1] - f->first[i] != 1)
            p.weight_room += f->first[i + 1] - f->first[i];
    p.weight = onnx_take(r->pool, 2 * (size_t)p.weight_room, sizeof *p.weight);
    p.met = onnx_take(r->pool, f->items, 1);
    for (uint32_t i = 0; i < f->trees; i++) {
        root[i] = p.nodes;
        plant_tree(&p, f->root[i]);
    }
    r->parameters += p.nodes;
    y.trees = f->trees;
    y.root = root;
    y.nodes = p.nodes;
    y.node = p.node;
    y.weights = p.weights;
    y.weight = p.weight;
    return ir_trees(r->g, x, (uint32_t)features, &y);
}
