/* onnx_ml_rows.c - what the operators of ai.onnx.ml share; see onnx_ml.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_ml.h"

/* --------------------------------------------------------- attributes ---- */

const float *ml_floats(onnx_run *r, const onnx_call *c, const char *name,
                       size_t *count)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    const onnx_value *v;
    *count = a ? a->floats_count : 0;
    if (*count)
        return a->floats;
    a = onnx_attr_of(c, onnx_print(r->pool, "%s_as_tensor", name));
    if (!a && (a = onnx_attr_of(c, name)) && !a->t)
        return NULL;
    if (!a || !a->t)
        return NULL;
    v = onnx_from_tensor(r, a->t);
    *count = (size_t)onnx_elements(v);
    return *count ? onnx_floats(r, v) : NULL;
}

const int64_t *ml_ints(const onnx_call *c, const char *name, size_t *count)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    *count = a ? a->ints_count : 0;
    return *count ? a->ints : NULL;
}

const int32_t *ml_nodes(const onnx_call *c, const char *name, size_t *count)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    *count = a ? a->nodes_count : 0;
    return *count ? a->nodes : NULL;
}

const char **ml_strings(const onnx_call *c, const char *name, size_t *count)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    *count = a ? a->strings_count : 0;
    return *count ? a->strings : NULL;
}

#define MAX_CLASSES 4096

const onnx_classes *ml_classlabels(onnx_run *r, const onnx_call *c,
                                   const char *ints)
{
    onnx_classes *k = onnx_take(r->pool, 1, sizeof *k);
    size_t count;
    k->names = ml_strings(c, "classlabels_strings", &count);
    if (!k->names)
        k->ints = ml_ints(c, ints, &count);
    if (count < 1 || count > MAX_CLASSES)
        onnx_bad(r, c, "%zu class labels (expected 1 to %d)", count,
                 MAX_CLASSES);
    k->count = (int64_t)count;
    onnx_ml_classes(r, k);
    return k;
}

/* ------------------------------------------------------------- labels ---- */

#define MAX_LISTS 64

void onnx_ml_classes(onnx_run *r, const onnx_classes *c)
{
    if (!r->classes)
        r->classes = onnx_take(r->pool, MAX_LISTS, sizeof *r->classes);
    if (r->class_lists < MAX_LISTS)
        r->classes[r->class_lists++] = c;
}

void onnx_ml_label_port(onnx_run *r, const onnx_value *v)
{
    const ir_port *port = r->g->port;
    const onnx_classes *c = NULL;
    if (!port || !onnx_type_is_float(v->type) || port->channel_count < 2)
        return;
    for (int i = r->class_lists - 1; i >= 0 && !c; i--)
        if (r->classes[i]->count == (int64_t)port->channel_count)
            c = r->classes[i];
    if (!c)
        return;
    ir_classes(r->g);
    for (uint32_t i = 0; i < port->channel_count; i++)
        ir_channel_info(
            r->g, i,
            c->names ? c->names[i]
                     : onnx_print(r->pool, "%lld", (long long)c->ints[i]),
            0.f, 0.f, 0.f);
}

/* --------------------------------------------------------------- rows ---- */

int ml_rows_of(onnx_run *r, onnx_call *c, int n, ml_rows *x)
{
    onnx_value *v = c->in[n];
    uint32_t dims[2];
    if (v->rank < 1 || v->rank > 2) {
        onnx_unsupported(r, c, "a tensor with %d axes (expected 1 or 2)",
                         v->rank);
        return 0;
    }
    x->count = v->rank == 2 ? v->dims[0] : 1;
    x->width = v->dims[v->rank - 1];
    if (x->count < 1 || x->width < 1 || x->count > MLI_MAX_ELEMENTS ||
        x->width > MLI_MAX_ELEMENTS)
        onnx_bad(r, c, "%lld rows of %lld numbers", (long long)x->count,
                 (long long)x->width);
    if (v->time == v->rank - 1)
        onnx_not_in_time(r, c, "takes whole rows, which are along time");
    x->v = v;
    dims[0] = (uint32_t)x->count;
    dims[1] = (uint32_t)x->width;
    x->id =
        onnx_timed(r, v) ? onnx_as(r, v, 1, dims + 1) : onnx_as(r, v, 2, dims);
    return 1;
}

static onnx_value *result(onnx_run *r, const ml_rows *x, int rank,
                          int64_t width, ir_id id)
{
    int64_t dims[2] = {x->count, width};
    int in_time = x->v->rank == 2 && x->v->time == 0;
    return onnx_result(r, x->v, rank, dims, in_time ? 0 : -1, id);
}

onnx_value *ml_result(onnx_run *r, const ml_rows *x, int64_t width, ir_id id)
{
    return result(r, x, 2, width, id);
}

/* Is each integer label its own index? */
static int are_indices(const onnx_classes *c)
{
    for (int64_t i = 0; i < c->count; i++)
        if (c->ints[i] != i)
            return 0;
    return 1;
}

onnx_value *ml_label(onnx_run *r, const ml_rows *x, const onnx_classes *classes,
                     ir_id index)
{
    onnx_value *y;
    if (!classes->names && !are_indices(classes)) {
        float *keys = onnx_take(r->pool, (size_t)classes->count, sizeof *keys);
        float *values =
            onnx_take(r->pool, (size_t)classes->count, sizeof *values);
        ml_table t = {.count = (uint32_t)classes->count,
                      .keys = keys,
                      .values = values,
                      .targets = 1};
        for (int64_t i = 0; i < classes->count; i++) {
            keys[i] = (float)i;
            values[i] = (float)classes->ints[i];
        }
        index = ml_look_up(r, index, &t);
    }
    y = result(r, x, 1, 1, index);
    y->type = classes->names ? ONNX_STRING : ONNX_INT64;
    return y;
}

/* ------------------------------------------------------------ look-up ---- */

typedef struct search {
    const ml_table *t;
    mli_tree_node *node;
    uint32_t count;
} search;

static mli_tree_node *add(search *s, uint32_t key, float value, uint32_t next)
{
    mli_tree_node *n = &s->node[s->count++];
    n->key = key;
    n->value = value;
    n->next = next;
    return n;
}

static void add_value(search *s, uint32_t i)
{
    add(s, MLI_TREE_LEAF, s->t->values[i], s->t->target ? s->t->target[i] : 0);
}

/* A search tree over the keys from low to high; its depth is the logarithm of
   their number. */
static void add_range(search *s, uint32_t low, uint32_t high)
{
    const ml_table *t = s->t;
    uint32_t middle = low + (high - low) / 2;
    mli_tree_node *n;
    if (high - low > 1) {
        n = add(s, MLI_TREE_LESS, t->keys[middle], 0);
        add_range(s, middle, high);
        n->next = s->count;
        add_range(s, low, middle);
    } else if (t->exact) {
        n = add(s, MLI_TREE_EQUAL, t->keys[low], 0);
        add(s, MLI_TREE_LEAF, t->missing, 0);
        n->next = s->count;
        add_value(s, low);
    } else {
        add_value(s, low);
    }
}

ir_id ml_look_up(onnx_run *r, ir_id x, const ml_table *t)
{
    static const uint32_t root = 0;
    search s = {t, NULL, 0};
    ir_forest f = {.targets = t->targets, .trees = 1, .root = &root};
    mli_tree_node *n = NULL;
    if (t->count > MLI_MAX_ELEMENTS / 16)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "a table of %u entries",
                  t->count);
    s.node = onnx_take(r->pool, 4 * (size_t)t->count + 4, sizeof *s.node);
    if (t->has_nan)
        n = add(&s, MLI_TREE_NAN, 0.f, 0);
    if (t->count)
        add_range(&s, 0, t->count);
    else
        add(&s, MLI_TREE_LEAF, t->missing, 0);
    if (n) {
        n->next = s.count;
        add(&s, MLI_TREE_LEAF, t->nan, t->nan_target);
    }
    f.nodes = s.count;
    f.node = s.node;
    return ir_trees(r->g, x, 1, &f);
}

/* ---------------------------------------------------- small functions ---- */

ir_id ml_mix(onnx_run *r, ir_id x, int64_t inputs, int64_t outputs,
             const float *w, const float *b)
{
    return ir_linear(r->g, x, (uint32_t)inputs, (uint32_t)outputs, w, b);
}

ir_id ml_above(onnx_run *r, ir_id x, float limit)
{
    static const uint32_t root = 0;
    const mli_tree_node node[3] = {{MLI_TREE_GREATER, limit, 2},
                                   {MLI_TREE_LEAF, 0.f, 0},
                                   {MLI_TREE_LEAF, 1.f, 0}};
    ir_forest f = {
        .targets = 1, .trees = 1, .nodes = 3, .root = &root, .node = node};
    return ir_trees(r->g, x, 1, &f);
}

ir_id ml_best(onnx_run *r, ir_id x, int64_t width)
{
    static const float difference[2] = {-1.f, 1.f};
    uint32_t dims[MLI_MAX_RANK], rank;
    const ir_value *v;
    if (width == 2)
        return ml_above(r, ml_mix(r, x, 2, 1, difference, NULL), 0.f);
    if (x == IR_NONE || r->g->error[0])
        return IR_NONE;
    v = ir_get(r->g, x);
    rank = v->rank;
    memcpy(dims, v->dims, sizeof dims);
    dims[rank - 1] = 1;
    return ir_reshape(r->g, ir_arg(r->g, x, rank - 1, 0, 0), rank, dims);
}

/* ----------------------------------------------------- transformations ---- */

ml_post ml_post_of(onnx_run *r, const onnx_call *c)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC",
                                        "SOFTMAX_ZERO", "PROBIT"};
    const char *name = onnx_string(c, "post_transform", "NONE");
    for (int i = 0; i < 5; i++)
        if (!strcmp(names[i], name))
            return (ml_post)i;
    onnx_bad(r, c, "post_transform is %.40s", name);
}

static ir_id times(onnx_run *r, ir_id x, float scale, float shift)
{
    return ir_affine(r->g, x, 1, &scale, &shift);
}

/* Winitzki's inverse of the error function, with ONNX Runtime's digits. */
static ir_id probit(onnx_run *r, ir_id x)
{
    ir_graph *g = r->g;
    ir_id v = times(r, x, 2.f, -1.f), l, w, root;
    l = ir_binary(g, MLI_MUL, times(r, v, -1.f, 1.f), times(r, v, 1.f, 1.f));
    l = ir_unary(g, MLI_LOG, 0.f, 0.f, l);
    w = times(r, l, 0.5f, 2.f / (3.14159f * 0.147f));
    root = ir_binary(g, MLI_SUB, ir_binary(g, MLI_MUL, w, w),
                     times(r, l, 1.f / 0.147f, 0.f));
    root = ir_unary(g, MLI_SQRT, 0.f, 0.f, root);
    root = ir_binary(g, MLI_SUB, root, w);
    root = ir_unary(g, MLI_SQRT, 0.f, 0.f, root);
    root = ir_binary(g, MLI_MUL, root, ir_unary(g, MLI_SIGN, 0.f, 0.f, v));
    return times(r, root, 1.41421356f, 0.f);
}

/* Softmax over what is not 0, which stays 0. */
static ir_id softmax_zero(onnx_run *r, ir_id x)
{
    ir_graph *g = r->g;
    uint32_t last = ir_get(g, x)->rank - 1;
    ir_id there, y, sum;
    y = ir_reduce(g, MLI_REDUCE_MAX, x, 1u << last, 1);
    y = ir_unary(g, MLI_EXP, 0.f, 0.f, ir_binary(g, MLI_SUB, x, y));
    there = times(r, ir_unary(g, MLI_ABS, 0.f, 0.f, x), 1.f, -1e-7f);
    there = ir_unary(g, MLI_SIGN, 0.f, 0.f, there);
    there = ir_unary(g, MLI_RELU, 0.f, 0.f, there);
    y = ir_binary(g, MLI_MUL, y, there);
    sum = ir_reduce(g, MLI_REDUCE_SUM, y, 1u << last, 1);
    sum = ir_unary(g, MLI_HARD_TANH, 1e-30f, INFINITY, sum);
    return ir_binary(g, MLI_DIV, y, sum);
}

ir_id ml_transform(onnx_run *r, ir_id x, int64_t width, ml_post post)
{
    if (x == IR_NONE || r->g->error[0])
        return IR_NONE;
    if (post == ML_PROBIT)
        return probit(r, x);
    if (width < 2)
        return x;
    if (post == ML_SOFTMAX)
        return ir_softmax(r->g, x, ir_get(r->g, x)->rank - 1, 0);
    if (post == ML_LOGISTIC)
        return ir_unary(r->g, MLI_SIGMOID, 0.f, 0.f, x);
    return post == ML_SOFTMAX_ZERO ? softmax_zero(r, x) : x;
}

ir_id ml_two_of_one(onnx_run *r, ir_id x, int mixed, ml_post post)
{
    static const float w[2] = {-1.f, 1.f}, b[2] = {1.f, 0.f};
    if (post == ML_LOGISTIC)
        return ir_unary(r->g, MLI_SIGMOID, 0.f, 0.f,
                        ml_mix(r, x, 1, 2, w, NULL));
    return ml_mix(r, x, 1, 2, w, mixed ? NULL : b);
}
