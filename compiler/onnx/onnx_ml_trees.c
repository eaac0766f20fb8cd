/* onnx_ml_trees.c - ai.onnx.ml: reading ensembles of trees, and what their
   classifiers make of the sums. */
#include <stdlib.h>
#include <string.h>
#include "onnx_ml_forest.h"

/* ----------------------------------------------- nodes by their names ---- */

typedef struct nodes { /* the attributes nodes_* */
    size_t count;
    const int32_t *tree, *id, *feature, *yes, *no, *missing;
    const float *value;
    const char **mode;
    uint32_t *start; /* where trees numbered from 0, with nodes numbered from
                        0, begin; and the end */
    int32_t trees;
    uint32_t *slots; /* or else a hash table of node numbers + 1, by tree and
                        id */
    size_t room;
} nodes;

static uint32_t *slot_of(const nodes *n, int64_t tree, int64_t id)
{
    uint64_t h = ((uint64_t)tree * 1000003u + (uint64_t)id) *
                 UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(h >> 20) & (n->room - 1);
    while (n->slots[at] &&
           (n->tree[n->slots[at] - 1] != tree || n->id[n->slots[at] - 1] != id))
        at = (at + 1) & (n->room - 1);
    return n->slots + at;
}

static uint32_t find(onnx_run *r, const onnx_call *c, const nodes *n,
                     int64_t tree, int64_t id)
{
    uint32_t *slot;
    if (n->start && tree >= 0 && tree < n->trees && id >= 0 &&
        id < n->start[tree + 1] - n->start[tree])
        return n->start[tree] + (uint32_t)id;
    slot = n->start ? NULL : slot_of(n, tree, id);
    if (!slot || !*slot)
        onnx_bad(r, c, "there is no node %lld in tree %lld", (long long)id,
                 (long long)tree);
    return *slot - 1;
}

/* Trees and their nodes are numbered in order, as almost always. */
static int find_starts(onnx_run *r, nodes *n)
{
    int32_t trees = 0, id = 0;
    for (size_t i = 0; i < n->count; i++, id++) {
        if (!i || n->tree[i] != n->tree[i - 1]) {
            if (n->tree[i] != trees++)
                return 0;
            id = 0;
        }
        if (n->id[i] != id)
            return 0;
    }
    n->trees = trees;
    n->start = onnx_take(r->pool, (size_t)trees + 1, sizeof *n->start);
    for (size_t i = 0; i < n->count; i++)
        n->start[n->tree[i] + 1] = (uint32_t)i + 1;
    return 1;
}

static void check_count(onnx_run *r, const onnx_call *c, const char *name,
                        size_t got, size_t expected)
{
    if (got != expected)
        onnx_bad(r, c, "%s has %zu entries (expected %zu)", name, got,
                 expected);
}

static const int32_t *node_ints(onnx_run *r, const onnx_call *c,
                                const char *name, size_t expected)
{
    size_t count;
    const int32_t *list = ml_nodes(c, name, &count);
    check_count(r, c, name, count, expected);
    return list;
}

#define MAX_NODES (MLI_MAX_ELEMENTS / 8)

static void read_nodes(onnx_run *r, const onnx_call *c, nodes *n)
{
    size_t count;
    memset(n, 0, sizeof *n);
    n->tree = ml_nodes(c, "nodes_treeids", &n->count);
    if (n->count < 1 || n->count > MAX_NODES)
        onnx_bad(r, c, "%zu nodes", n->count);
    n->id = node_ints(r, c, "nodes_nodeids", n->count);
    n->feature = node_ints(r, c, "nodes_featureids", n->count);
    n->yes = node_ints(r, c, "nodes_truenodeids", n->count);
    n->no = node_ints(r, c, "nodes_falsenodeids", n->count);
    n->missing = ml_nodes(c, "nodes_missing_value_tracks_true", &count);
    if (n->missing)
        check_count(r, c, "nodes_missing_value_tracks_true", count, n->count);
    n->value = ml_floats(r, c, "nodes_values", &count);
    check_count(r, c, "nodes_values", count, n->count);
    n->mode = ml_strings(c, "nodes_modes", &count);
    check_count(r, c, "nodes_modes", count, n->count);
    if (find_starts(r, n))
        return;
    for (n->room = 16; n->room < 2 * n->count;)
        n->room *= 2;
    n->slots = onnx_take(r->pool, n->room, sizeof *n->slots);
    for (size_t i = 0; i < n->count; i++) {
        uint32_t *slot = slot_of(n, n->tree[i], n->id[i]);
        if (*slot)
            onnx_bad(r, c, "node %lld of tree %lld is there twice",
                     (long long)n->id[i], (long long)n->tree[i]);
        *slot = (uint32_t)i + 1;
    }
}

/* For which results of a comparison the true child follows. */
static const uint32_t follows[] = {MLI_TREE_LESS | MLI_TREE_EQUAL,
                                   MLI_TREE_LESS,
                                   MLI_TREE_GREATER | MLI_TREE_EQUAL,
                                   MLI_TREE_GREATER,
                                   MLI_TREE_EQUAL,
                                   MLI_TREE_LESS | MLI_TREE_GREATER |
                                       MLI_TREE_NAN};

static uint32_t mode_key(onnx_run *r, const onnx_call *c, const char *mode)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",
                                        "BRANCH_GTE", "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ"};
    if (!strcmp(mode, "LEAF"))
        return MLI_TREE_LEAF;
    for (int i = 0; i < 6; i++)
        if (!strcmp(mode, names[i]))
            return follows[i];
    onnx_bad(r, c, "nodes_modes has %.40s", mode);
}

static uint32_t branch_key(onnx_run *r, const onnx_call *c, uint32_t follows,
                           int64_t feature, int missing)
{
    if (feature < 0 || feature > (int64_t)MLI_TREE_INDEX)
        onnx_bad(r, c, "a node looks at input %lld", (long long)feature);
    return follows | (uint32_t)feature | (missing ? MLI_TREE_NAN : 0);
}

static void make_room(onnx_run *r, ml_forest *f, size_t items, size_t weights)
{
    f->items = (uint32_t)items;
    f->key = onnx_take(r->pool, items, sizeof *f->key);
    f->yes = onnx_take(r->pool, items, sizeof *f->yes);
    f->no = onnx_take(r->pool, items, sizeof *f->no);
    f->first = onnx_take(r->pool, items + 2, sizeof *f->first);
    f->target = onnx_take(r->pool, weights, sizeof *f->target);
    f->weight = onnx_take(r->pool, weights, sizeof *f->weight);
}

static void read_branches(onnx_run *r, const onnx_call *c, const nodes *n,
                          ml_forest *f)
{
    f->value = n->value;
    for (size_t i = 0; i < n->count; i++) {
        f->key[i] = mode_key(r, c, n->mode[i]);
        if (f->key[i] == MLI_TREE_LEAF)
            continue;
        f->key[i] = branch_key(r, c, f->key[i], n->feature[i],
                               n->missing && n->missing[i]);
        f->yes[i] = find(r, c, n, n->tree[i], n->yes[i]);
        f->no[i] = find(r, c, n, n->tree[i], n->no[i]);
    }
    for (size_t i = 0; i < n->count; i++)
        f->trees += !i || n->tree[i] != n->tree[i - 1];
    f->root = onnx_take(r->pool, f->trees, sizeof *f->root);
    f->trees = 0;
    for (size_t i = 0; i < n->count; i++)
        if (!i || n->tree[i] != n->tree[i - 1])
            f->root[f->trees++] = (uint32_t)i;
}

/* The attributes target_* or class_*: weights sorted by node, those of one in
   the order of the file. */
static void read_weights(onnx_run *r, const onnx_call *c, const char *what,
                         const nodes *n, uint32_t targets, ml_forest *f)
{
    size_t count, values;
    const int32_t *target =
        ml_nodes(c, onnx_print(r->pool, "%s_ids", what), &count);
    const int32_t *node =
        node_ints(r, c, onnx_print(r->pool, "%s_nodeids", what), count);
    const int32_t *tree =
        node_ints(r, c, onnx_print(r->pool, "%s_treeids", what), count);
    const float *w =
        ml_floats(r, c, onnx_print(r->pool, "%s_weights", what), &values);
    check_count(r, c, onnx_print(r->pool, "%s_weights", what), values, count);
    if (count > MAX_NODES)
        onnx_bad(r, c, "%zu weights", count);
    make_room(r, f, n->count, count);
    for (size_t i = 0; i < count; i++) {
        if (target[i] < 0 || target[i] >= (int64_t)targets)
            onnx_bad(r, c, "a weight is for output %lld of %u",
                     (long long)target[i], targets);
        f->first[find(r, c, n, tree[i], node[i]) + 2]++;
    }
    for (size_t i = 2; i < n->count + 2; i++)
        f->first[i] += f->first[i - 1];
    for (size_t i = 0; i < count; i++) { /* first[i + 1] moves to its end */
        uint32_t at = f->first[find(r, c, n, tree[i], node[i]) + 1]++;
        f->target[at] = (uint32_t)target[i];
        f->weight[at] = w[i];
    }
}

static void read_forest(onnx_run *r, const onnx_call *c, const char *what,
                        uint32_t targets, ml_forest *f)
{
    nodes n;
    memset(f, 0, sizeof *f);
    read_nodes(r, c, &n);
    read_weights(r, c, what, &n, targets, f);
    read_branches(r, c, &n, f);
}

/* ---------------------------------------------------------- regression ---- */

static uint32_t targets_of(onnx_run *r, const onnx_call *c)
{
    int64_t targets = onnx_int(c, "n_targets", 1);
    if (targets < 1 || targets > MLI_MAX_ELEMENTS / 16)
        onnx_bad(r, c, "%lld targets", (long long)targets);
    return (uint32_t)targets;
}

void onnx_ml_tree_regressor(onnx_run *r, onnx_call *c, int what)
{
    static const char *const names[] = {"SUM", "AVERAGE", "MIN", "MAX"};
    const char *name = onnx_string(c, "aggregate_function", "SUM");
    uint32_t targets = targets_of(r, c);
    size_t bases;
    const float *base = ml_floats(r, c, "base_values", &bases);
    int aggregate = 0;
    ml_forest f;
    ml_rows x;
    ir_id id;
    (void)what;
    while (aggregate < 4 && strcmp(names[aggregate], name))
        aggregate++;
    if (aggregate == 4)
        onnx_bad(r, c, "aggregate_function is %.40s", name);
    if (base && bases != targets)
        onnx_bad(r, c, "%zu base_values for %u targets", bases, targets);
    if (!ml_rows_of(r, c, 0, &x))
        return;
    read_forest(r, c, "target", targets, &f);
    id = ml_plant(r, c, x.id, x.width, &f, (mli_aggregate)aggregate, targets,
                  base);
    c->out[0] = ml_result(r, &x, targets,
                          ml_transform(r, id, targets, ml_post_of(r, c)));
}

/* ---------------------------------------------------- the newest form ---- */

typedef struct parts { /* of TreeEnsemble: branches, leaves */
    size_t branches, leaves;
    const int32_t *yes, *no, *yes_leaf, *no_leaf;
} parts;

static uint32_t part(onnx_run *r, const onnx_call *c, const parts *p,
                     int64_t at, int64_t leaf)
{
    size_t count = leaf ? p->leaves : p->branches;
    if (at < 0 || (uint64_t)at >= count)
        onnx_bad(r, c, "a node leads to %s %lld of %zu", leaf ? "leaf" : "node",
                 (long long)at, count);
    return (uint32_t)((leaf ? p->branches : 0) + (size_t)at);
}

/* Values to compare with, branch after branch, NaN after each one's. */
static void read_members(onnx_run *r, const onnx_call *c, const parts *p,
                         const onnx_value *modes, ml_forest *f)
{
    size_t count;
    uint32_t at = 0;
    f->member = ml_floats(r, c, "membership_values", &count);
    if (!f->member) {
        const onnx_attr *a = onnx_attr_of(c, "membership_values");
        onnx_value *v = a && a->t ? onnx_from_tensor(r, a->t) : NULL;
        f->member = v ? onnx_floats(r, v) : NULL;
        count = v ? (size_t)onnx_elements(v) : 0;
    }
    if (count > MAX_NODES)
        onnx_bad(r, c, "%zu membership_values", count);
    f->member_count = (uint32_t)count;
    f->members = onnx_take(r->pool, f->items, sizeof *f->members);
    memset(f->members, 0xff, f->items * sizeof *f->members);
    for (size_t i = 0; i < p->branches; i++) {
        if (onnx_int_at(modes, (int64_t)i) != 6)
            continue;
        if (at >= count)
            onnx_bad(r, c, "membership_values end before node %zu", i);
        f->members[i] = at;
        while (at < count && f->member[at] == f->member[at])
            at++;
        at++;
    }
}

static const onnx_value *tensor_attr(onnx_run *r, const onnx_call *c,
                                     const char *name, size_t expected)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    const onnx_value *v = a && a->t ? onnx_from_tensor(r, a->t) : NULL;
    check_count(r, c, name, v ? (size_t)onnx_elements(v) : 0, expected);
    return v;
}

static void read_new_branches(onnx_run *r, const onnx_call *c, const parts *p,
                              ml_forest *f)
{
    const onnx_value *modes = tensor_attr(r, c, "nodes_modes", p->branches);
    const onnx_value *splits = tensor_attr(r, c, "nodes_splits", p->branches);
    const int32_t *feature = node_ints(r, c, "nodes_featureids", p->branches);
    size_t count;
    const int32_t *missing =
        ml_nodes(c, "nodes_missing_value_tracks_true", &count);
    float *value = onnx_take(r->pool, f->items, sizeof *value);
    int members = 0;
    f->value = value;
    if (missing)
        check_count(r, c, "nodes_missing_value_tracks_true", count,
                    p->branches);
    for (size_t i = 0; i < p->branches; i++) {
        int64_t mode = onnx_int_at(modes, (int64_t)i);
        if (mode < 0 || mode > 6)
            onnx_bad(r, c, "nodes_modes has %lld", (long long)mode);
        members |= mode == 6;
        f->key[i] = branch_key(r, c, mode == 6 ? MLI_TREE_EQUAL : follows[mode],
                               feature[i], missing && missing[i]);
        value[i] = mode == 6 ? 0.f : onnx_at(splits, (int64_t)i);
        f->yes[i] = part(r, c, p, p->yes[i], p->yes_leaf[i]);
        f->no[i] = part(r, c, p, p->no[i], p->no_leaf[i]);
    }
    if (members)
        read_members(r, c, p, modes, f);
}

static void read_leaves(onnx_run *r, const onnx_call *c, const parts *p,
                        uint32_t targets, const int64_t *target, ml_forest *f)
{
    const onnx_value *w = tensor_attr(r, c, "leaf_weights", p->leaves);
    for (size_t i = 0; i < p->leaves; i++) {
        if (target[i] < 0 || target[i] >= (int64_t)targets)
            onnx_bad(r, c, "a weight is for output %lld of %u",
                     (long long)target[i], targets);
        f->key[p->branches + i] = MLI_TREE_LEAF;
        f->target[i] = (uint32_t)target[i];
        f->weight[i] = onnx_at(w, (int64_t)i);
        f->first[p->branches + i + 1] = (uint32_t)i + 1;
    }
}

/* Transformations are numbered as in the specification; ONNX Runtime takes 1
   for LOGISTIC and 2 for SOFTMAX. */
void onnx_ml_tree_ensemble(onnx_run *r, onnx_call *c, int what)
{
    static const mli_aggregate aggregates[] = {MLI_TREES_AVERAGE, MLI_TREES_SUM,
                                               MLI_TREES_MIN, MLI_TREES_MAX};
    static const ml_post posts[] = {ML_NONE, ML_SOFTMAX, ML_LOGISTIC,
                                    ML_SOFTMAX_ZERO, ML_PROBIT};
    int64_t aggregate = onnx_int(c, "aggregate_function", 1);
    int64_t post = onnx_int(c, "post_transform", 0);
    uint32_t targets = targets_of(r, c);
    size_t trees;
    const int64_t *root = ml_ints(c, "tree_roots", &trees), *target;
    ml_forest f = {0};
    parts p;
    ml_rows x;
    ir_id id;
    (void)what;
    if (aggregate < 0 || aggregate > 3 || post < 0 || post > 4)
        onnx_bad(r, c, "aggregate_function %lld, post_transform %lld",
                 (long long)aggregate, (long long)post);
    if (!ml_rows_of(r, c, 0, &x))
        return;
    p.yes = ml_nodes(c, "nodes_truenodeids", &p.branches);
    p.no = node_ints(r, c, "nodes_falsenodeids", p.branches);
    p.yes_leaf = node_ints(r, c, "nodes_trueleafs", p.branches);
    p.no_leaf = node_ints(r, c, "nodes_falseleafs", p.branches);
    target = ml_ints(c, "leaf_targetids", &p.leaves);
    if (p.branches > MAX_NODES || p.leaves > MAX_NODES || trees > MAX_NODES)
        onnx_bad(r, c, "%zu nodes, %zu leaves, %zu trees", p.branches, p.leaves,
                 trees);
    make_room(r, &f, p.branches + p.leaves, p.leaves);
    read_new_branches(r, c, &p, &f);
    read_leaves(r, c, &p, targets, target, &f);
    f.trees = (uint32_t)trees;
    f.root = onnx_take(r->pool, trees, sizeof *f.root);
    for (size_t i = 0; i < trees; i++)
        f.root[i] = part(r, c, &p, root[i], 0);
    id =
        ml_plant(r, c, x.id, x.width, &f, aggregates[aggregate], targets, NULL);
    c->out[0] =
        ml_result(r, &x, targets, ml_transform(r, id, targets, posts[post]));
}

/* ------------------------------------------------------ classification ---- */

typedef struct verdict {    /* what ONNX Runtime looks at */
    unsigned char *weighed; /* of each class: some leaf has a weight for it */
    int classes;            /* that are */
    int positive;           /* no weight is below 0 */
} verdict;

static verdict look_at(onnx_run *r, const ml_forest *f, uint32_t targets)
{
    verdict v = {onnx_take(r->pool, targets, 1), 0, 1};
    for (uint32_t i = 0; i < f->first[f->items]; i++) {
        v.classes += !v.weighed[f->target[i]];
        v.weighed[f->target[i]] = 1;
        v.positive &= !(f->weight[i] < 0.f);
    }
    return v;
}

/* Adds a constant row. */
static ir_id plus(onnx_run *r, ir_id x, uint32_t n, const float *row)
{
    return ir_binary(r->g, MLI_ADD, x, ir_const1(r->g, n, row));
}

/* A class that no leaf has a weight for is never the best. */
static void many_classes(onnx_run *r, onnx_call *c, const ml_rows *x, ir_id sum,
                         const onnx_classes *k, const verdict *v,
                         const float *base, size_t bases)
{
    uint32_t n = (uint32_t)k->count;
    float *row = onnx_take(r->pool, n, sizeof *row);
    ir_id best = sum;
    if (bases) {
        memcpy(row, base, (bases < n ? bases : n) * sizeof *row);
        best = sum = plus(r, sum, n, row);
    } else if ((uint32_t)v->classes < n) {
        for (uint32_t i = 0; i < n; i++)
            row[i] = v->weighed[i] ? 0.f : -3e38f;
        best = plus(r, sum, n, row);
    }
    c->out[0] = ml_label(r, x, k, ml_best(r, best, n));
    if (c->outputs > 1)
        c->out[1] =
            ml_result(r, x, n, ml_transform(r, sum, n, ml_post_of(r, c)));
}

static ir_id column_of(onnx_run *r, ir_id x, int64_t i)
{
    uint32_t last = ir_get(r->g, x)->rank - 1;
    return ir_slice(r->g, x, last, (uint32_t)i, 1, 1);
}

/*
 * Two classes. Weights for one class only make one score, whose sign or, where
 * no weight is negative, whose being over 1/2 decides. A class without weights
 * stays 0, whatever its base value.
 */
static void two_classes(onnx_run *r, onnx_call *c, const ml_rows *x, ir_id sum,
                        const onnx_classes *k, const verdict *v,
                        const float *base, size_t bases)
{
    const float first[4] = {v->weighed[0] ? 1.f : 0.f, 0.f, 0.f,
                            v->weighed[1] ? 1.f : 0.f};
    const float flip[4] = {v->weighed[0] ? -1.f : 0.f, 0.f, 1.f, 0.f};
    int second = v->weighed[1], one = bases < 2 && !second;
    ml_post post = ml_post_of(r, c);
    float row[2] = {0.f, 0.f};
    ir_id y, decides;
    if (bases == 2 && second) { /* base_values[0] is taken to be the same */
        row[0] = v->weighed[0] ? -base[1] : 0.f;
        row[1] = base[1];
        y = ml_mix(r, sum, 2, 2, flip, row);
    } else {
        row[0] = bases && v->weighed[0] ? base[0] : 0.f;
        y = bases ? ml_mix(r, sum, 2, 2, first, row) : sum;
    }
    decides = column_of(r, y, second);
    c->out[0] = ml_label(
        r, x, k,
        ml_above(r, decides, v->classes == 1 && v->positive ? 0.5f : 0.f));
    if (c->outputs < 2)
        return;
    if (one && post == ML_PROBIT)
        c->out[1] = ml_result(r, x, 1, ml_transform(r, decides, 1, post));
    else if (one)
        c->out[1] =
            ml_result(r, x, 2, ml_two_of_one(r, decides, !v->positive, post));
    else
        c->out[1] = ml_result(r, x, 2, ml_transform(r, y, 2, post));
}

void onnx_ml_tree_classifier(onnx_run *r, onnx_call *c, int what)
{
    const onnx_classes *k = ml_classlabels(r, c, "classlabels_int64s");
    size_t bases;
    const float *base = ml_floats(r, c, "base_values", &bases);
    ml_forest f;
    verdict v;
    ml_rows x;
    ir_id sum;
    (void)what;
    if (k->count < 2) {
        onnx_unsupported(r, c, "one class");
        return;
    }
    if (!ml_rows_of(r, c, 0, &x))
        return;
    read_forest(r, c, "class", (uint32_t)k->count, &f);
    v = look_at(r, &f, (uint32_t)k->count);
    sum = ml_plant(r, c, x.id, x.width, &f, MLI_TREES_SUM, (uint32_t)k->count,
                   NULL);
    if (k->count == 2)
        two_classes(r, c, &x, sum, k, &v, base, bases);
    else
        many_classes(r, c, &x, sum, k, &v, base, bases);
}
