/*
 * onnx_walk.c - node after node: names, functions inlined, constants folded,
 * the rest given to its operator.
 */
#include <string.h>
#include "onnx_ml.h"

#define MAX_WALKED ((size_t)1 << 20) /* nodes, functions' included */

/* -------------------------------------------------------------- names ---- */

typedef struct entry {
    const char *name;
    onnx_value *value;
    onnx_tensor *tensor; /* an initializer that nobody looked up yet */
    size_t number;       /* users: the node that makes it */
} entry;

struct onnx_names {
    entry *entries;
    size_t count, room; /* room: a power of 2, at least twice count */
};

static size_t hash(const char *s)
{
    uint64_t h = 14695981039346656037ull; /* FNV-1a */
    while (*s)
        h = (h ^ (unsigned char)*s++) * 1099511628211ull;
    return (size_t)(h ^ h >> 32);
}

onnx_names *onnx_names_new(onnx_run *r)
{
    onnx_names *n = onnx_take(r->pool, 1, sizeof *n);
    n->room = 64;
    n->entries = onnx_take(r->pool, n->room, sizeof *n->entries);
    return n;
}

static entry *find(const onnx_names *n, const char *name)
{
    size_t at = hash(name) & (n->room - 1);
    while (n->entries[at].name && strcmp(n->entries[at].name, name))
        at = (at + 1) & (n->room - 1);
    return &n->entries[at];
}

static entry *insert(onnx_run *r, onnx_names *n, const char *name)
{
    entry *e;
    if (2 * n->count >= n->room) {
        onnx_names old = *n;
        n->room *= 2;
        n->entries = onnx_take(r->pool, n->room, sizeof *n->entries);
        for (size_t i = 0; i < old.room; i++)
            if (old.entries[i].name)
                *find(n, old.entries[i].name) = old.entries[i];
    }
    e = find(n, name);
    n->count += !e->name;
    e->name = name;
    return e;
}

void onnx_name(onnx_run *r, onnx_scope *s, const char *name, onnx_value *v)
{
    entry *e = insert(r, s->names, name);
    e->value = v;
    e->tensor = NULL;
}

void onnx_name_tensors(onnx_run *r, onnx_scope *s, const onnx_graph *g)
{
    for (size_t i = 0; i < g->tensor_count; i++) {
        entry *e = insert(r, s->names, g->tensors[i].name);
        e->value = NULL;
        e->tensor = &g->tensors[i];
    }
}

onnx_value *onnx_look_up(onnx_run *r, const onnx_scope *s, const char *name)
{
    for (; s; s = s->outer) {
        entry *e = find(s->names, name);
        if (!e->name)
            continue;
        if (!e->value && e->tensor) {
            e->value = onnx_from_tensor(r, e->tensor);
            if (e->value->rank && onnx_type_is_float(e->value->type))
                r->parameters += e->tensor->count;
        }
        return e->value;
    }
    return NULL;
}

/* ------------------------------------------------------ what is needed ---- */

typedef struct needs {
    onnx_pool *pool;
    onnx_names *makers;
    unsigned char *wanted; /* of each node */
    size_t *stack, depth;  /* nodes whose inputs are still to be marked */
    size_t *from, *to;     /* of each node: its part of maker */
    size_t *maker, makings, room;
} needs;

/* One node more whose result is used. */
static void note_maker(needs *n, size_t number)
{
    if (n->makings == n->room) {
        size_t *old = n->maker;
        n->room = n->room ? 2 * n->room : 256;
        n->maker = onnx_take(n->pool, n->room, sizeof *n->maker);
        if (n->makings)
            memcpy(n->maker, old, n->makings * sizeof *old);
    }
    n->maker[n->makings++] = number;
}

static void want(needs *n, const char *name)
{
    entry *e;
    if (!name[0])
        return;
    e = find(n->makers, name);
    if (!e->name)
        return;
    note_maker(n, e->number);
    if (n->wanted[e->number])
        return;
    n->wanted[e->number] = 1;
    n->stack[n->depth++] = e->number; /* each node once: the stack suffices */
}

/* A node's inputs, and all names that its subgraphs use. Nesting is bounded by
   the reader. */
static void want_inputs(needs *n, const onnx_node *node)
{
    for (size_t i = 0; i < node->inputs; i++)
        want(n, node->in[i]);
    for (size_t i = 0; i < node->attrs; i++) {
        const onnx_graph *g = node->attr[i].g;
        if (!g)
            continue;
        for (size_t k = 0; k < g->node_count; k++)
            want_inputs(n, &g->nodes[k]);
        for (size_t k = 0; k < g->output_count; k++)
            want(n, g->outputs[k].name);
    }
}

/* Does a node read what one behind it makes? */
static int is_late(const needs *n, const onnx_graph *g)
{
    for (size_t i = 0; i < g->node_count; i++)
        for (size_t k = 0; n->wanted[i] && k < g->nodes[i].inputs; k++) {
            const char *name = g->nodes[i].in[k];
            const entry *e = find(n->makers, name);
            if (name[0] && e->name && e->number >= i)
                return 1;
        }
    return 0;
}

/*
 * The wanted nodes, in an order in which each comes after those that it reads:
 * some tools write the nodes that they add behind all others. Nodes in a circle
 * stay as they come, and the walk says which one reads too early.
 */
static size_t in_order(needs *n, const onnx_graph *g, size_t *order)
{
    unsigned char *met = onnx_take(n->pool, g->node_count, 1);
    int late = is_late(n, g);
    size_t count = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        size_t depth = 0;
        if (!n->wanted[i] || met[i])
            continue;
        met[i] = 1;
        n->stack[depth++] = i;
        while (depth) {
            size_t at = n->stack[depth - 1], next;
            if (!late || n->from[at] == n->to[at]) {
                order[count++] = at;
                depth--;
                continue;
            }
            next = n->maker[n->from[at]++];
            if (!met[next]) {
                met[next] = 1;
                n->stack[depth++] = next; /* each node once */
            }
        }
    }
    return count;
}

/* The nodes that the names need, in order; their count. */
static size_t needed(onnx_run *r, const onnx_graph *g, const char *const *names,
                     size_t count, size_t *order)
{
    size_t nodes = g->node_count;
    needs n = {.pool = r->pool,
               .makers = onnx_names_new(r),
               .wanted = onnx_take(r->pool, nodes, 1),
               .stack = onnx_take(r->pool, nodes, sizeof *n.stack),
               .from = onnx_take(r->pool, nodes, sizeof *n.from),
               .to = onnx_take(r->pool, nodes, sizeof *n.to)};
    for (size_t i = 0; i < g->node_count; i++)
        for (size_t k = 0; k < g->nodes[i].outputs; k++)
            if (g->nodes[i].out[k][0])
                insert(r, n.makers, g->nodes[i].out[k])->number = i;
    for (size_t i = 0; i < count; i++)
        want(&n, names[i]);
    while (n.depth) {
        size_t at = n.stack[--n.depth];
        n.from[at] = n.makings;
        want_inputs(&n, &g->nodes[at]);
        n.to[at] = n.makings;
    }
    return in_order(&n, g, order);
}

/* ------------------------------------------------------- inlined nodes ---- */

static const onnx_opset *opsets_of(const onnx_scope *s, size_t *count)
{
    while (!s->opsets && s->outer)
        s = s->outer;
    *count = s->opset_count;
    return s->opsets;
}

static const onnx_function *function_of(const onnx_run *r,
                                        const onnx_node *node)
{
    for (size_t i = 0; i < r->model->function_count; i++) {
        const onnx_function *f = &r->model->functions[i];
        if (!strcmp(f->name, node->op) && !strcmp(f->domain, node->domain))
            return f;
    }
    return NULL;
}

static void do_function(onnx_run *r, onnx_call *c, const onnx_function *f)
{
    onnx_scope s = {0};
    onnx_nest(r, c);
    s.names = onnx_names_new(r);
    s.opsets = f->opsets;
    s.opset_count = f->opset_count;
    s.call = c->node;
    s.caller = c->scope;
    s.function = f;
    s.prefix = onnx_print(r->pool, "%s/", c->name);
    for (size_t i = 0; i < f->inputs; i++)
        if (i < (size_t)c->inputs && c->in[i])
            onnx_name(r, &s, f->in[i], c->in[i]);
    onnx_walk(r, &s, &f->body, f->out, f->outputs);
    for (int i = 0; i < c->outputs && (size_t)i < f->outputs; i++)
        c->out[i] = onnx_look_up(r, &s, f->out[i]);
    r->nesting--;
}

/* --------------------------------------------------------- one node ---- */

/* 1 if an input has no running meaning: then neither have the outputs. op NULL:
   an unknown one, to be listed even so. */
static int lost(onnx_run *r, onnx_call *c, const onnx_op *op)
{
    int flags = op ? op->flags : 0;
    onnx_kind kind = ONNX_CONST;
    for (int i = 0; i < c->inputs; i++) {
        onnx_value *v = c->in[i];
        if (!v || v->kind < ONNX_FINAL)
            continue;
        if (v->kind == ONNX_SEQUENCE) {
            if (flags & ONNX_TAKES_SEQUENCES)
                continue;
            onnx_unsupported(r, c, "uses a sequence");
            return 1;
        }
        if (v->kind == ONNX_BROKEN && v->broken &&
            !(flags & ONNX_TAKES_BROKEN)) {
            onnx_unsupported(r, c, "uses %s", v->broken);
            return 1;
        }
        if (v->kind == ONNX_BROKEN && v->broken)
            continue;
        if (v->kind > kind)
            kind = v->kind;
    }
    if (kind < ONNX_FINAL)
        return 0;
    if (kind == ONNX_BROKEN && !op) {
        onnx_unsupported(r, c, NULL);
        return 1;
    }
    for (int i = 0; i < c->outputs; i++)
        c->out[i] = onnx_new(r, kind, ONNX_FLOAT, 0, NULL);
    return 1;
}

static void check_ir(onnx_run *r, const onnx_call *c)
{
    if (r->g->out_of_memory)
        onnx_stop(r->exit, ONNX_WRONG, MLC_MEMORY, "out of memory");
    if (r->g->error[0])
        onnx_stop(r->exit, r->mode == MLI_STREAM ? ONNX_TIME : ONNX_WRONG,
                  MLC_UNSUPPORTED, "%s", r->g->error);
    for (int i = 0; i < c->outputs; i++) {
        onnx_value *v = c->out[i];
        uint32_t dims[ONNX_MAX_RANK], rank;
        uint64_t n = 1;
        if (!v || v->kind != ONNX_RUNS)
            continue;
        if (onnx_timed(r, v))
            onnx_note_rate(r, v);
        rank = onnx_frame_dims(r, v, dims);
        for (uint32_t k = 0; k < rank; k++)
            n *= dims[k];
        if (n != ir_get(r->g, v->id)->elements)
            onnx_bad(r, c, "came out with %llu elements (expected %llu)",
                     (unsigned long long)ir_get(r->g, v->id)->elements,
                     (unsigned long long)n);
    }
}

/* Other domains' operators have theirs in front of their names. */
static const onnx_op *operator_of(onnx_run *r, const onnx_node *n)
{
    if (!n->domain[0] || !strcmp(n->domain, "ai.onnx"))
        return onnx_find_op(n->op);
    if (!strcmp(n->domain, "ai.onnx.ml"))
        return onnx_find_ml_op(n->op);
    return onnx_find_op(onnx_print(r->pool, "%s.%s", n->domain, n->op));
}

/* Texts are held as numbers, which only those may take that do not compute. */
static int takes_texts(const onnx_call *c)
{
    static const char *const ops[] = {"ArrayFeatureExtractor",
                                      "CategoryMapper",
                                      "Flatten",
                                      "Gather",
                                      "Identity",
                                      "LabelEncoder",
                                      "OneHotEncoder",
                                      "Reshape",
                                      "Shape",
                                      "Size",
                                      "Slice",
                                      "Squeeze",
                                      "Transpose",
                                      "Unsqueeze"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(c->node->op, ops[i]))
            return 1;
    return !strcmp(c->node->op, "Cast") && onnx_int(c, "to", 0) == ONNX_STRING;
}

/* What a quantiser makes of constants is bytes again. */
static int is_quantiser(const onnx_call *c)
{
    return !strcmp(c->node->op, "QuantizeLinear");
}

/* Numbers that a cast leaves as they are. */
static int casts_raw(const onnx_call *c)
{
    return strncmp(c->node->op, "Cast", 4) ||
           onnx_type_is_float((int)onnx_int(c, "to", 0));
}

/* Raw constants are widened for operators that do not take them; 1: some are
   left, and all inputs are constants. */
static int raw_inputs(onnx_run *r, onnx_call *c, const onnx_op *op)
{
    int raw = 0, runs = 0, flags = op ? op->flags : 0;
    for (int i = 0; i < c->inputs; i++) {
        raw |= c->in[i] && c->in[i]->raw;
        runs |= c->in[i] && c->in[i]->kind != ONNX_CONST;
    }
    if (!raw)
        return 0;
    if (runs ? flags & ONNX_TAKES_RAW : flags & ONNX_MOVES_RAW && casts_raw(c))
        return !runs;
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i])
            onnx_solid(r, c->in[i]);
    return 0;
}

static void run_op(onnx_run *r, onnx_call *c)
{
    const onnx_op *op = operator_of(r, c->node);
    int whole = !strcmp(c->node->op, "Shape") || !strcmp(c->node->op, "Size");
    int raw;
    if (whole && c->inputs && c->in[0] && c->in[0]->kind == ONNX_FINAL) {
        op->run(r, c, op->what);
        return;
    }
    if (op && op->flags & ONNX_INLINED) {
        op->run(r, c, op->what);
        return;
    }
    if (lost(r, c, op))
        return;
    raw = raw_inputs(r, c, op);
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && c->in[i]->type == ONNX_STRING && !takes_texts(c)) {
            onnx_unsupported(r, c, "values of type string");
            return;
        }
    if (!raw && onnx_fold(r, c))
        return;
    if (!op) {
        onnx_unsupported(r, c, NULL);
        return;
    }
    for (int i = 0; i < op->least; i++)
        if (i >= c->inputs || !c->in[i])
            onnx_bad(r, c, "input %d is missing", i);
    if (raw || (is_quantiser(c) && onnx_quantised_now(r, c))) {
        if (raw)
            op->run(r, c, op->what);
        return;
    }
    if (onnx_evaluate(r, c, op))
        return;
    if (onnx_carry_centred(r, c, op))
        return;
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && !(op->flags & ONNX_KEEPS_PAD))
            c->in[i] = onnx_settled(r, c->in[i]);
    op->run(r, c, op->what);
}

static int is_input(const onnx_call *c, const onnx_value *v)
{
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] == v)
            return 1;
    return 0;
}

static void count_macs(onnx_run *r, const onnx_call *c)
{
    if (r->macs < 0 || onnx_macs_unknown(c))
        r->macs = -1;
    else
        r->macs += onnx_source_macs(r, c);
}

/* Whatever a node did with constants, it made memory of it or read them all:
   nanoseconds for a byte made, an element read, and the node itself. */
#define MADE 0.5
#define READ 3.0
#define NODE 2000.0

static void count_work(onnx_run *r, const onnx_call *c)
{
    uint64_t taken;
    double work = NODE;
    int constant = 1;
    onnx_pool_count(r->pool, r->g->float_bytes - r->floats);
    r->floats = r->g->float_bytes;
    taken = r->pool->used;
    work += MADE * (double)(taken - r->taken);
    r->taken = taken;
    for (int i = 0; i < c->inputs; i++)
        constant &= !c->in[i] || c->in[i]->kind == ONNX_CONST;
    for (int i = 0; i < c->inputs && constant; i++)
        if (c->in[i])
            work += READ * (double)onnx_elements(c->in[i]);
    onnx_work(r, work);
}

static void do_node(onnx_run *r, onnx_scope *s, const onnx_node *node)
{
    onnx_call c = {.node = node, .scope = s};
    const onnx_function *f;
    const onnx_opset *opsets;
    size_t opset_count;
    int standard = !node->domain[0] || !strcmp(node->domain, "ai.onnx");
    if (++r->walked > MAX_WALKED)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "too many nodes");
    c.name = s->prefix ? onnx_print(r->pool, "%s%s", s->prefix, node->name)
                       : node->name;
    c.inputs = (int)node->inputs;
    c.outputs = (int)node->outputs;
    c.in = onnx_take(r->pool, node->inputs, sizeof *c.in);
    c.out = onnx_take(r->pool, node->outputs + 1, sizeof *c.out);
    opsets = opsets_of(s, &opset_count);
    c.opset = onnx_opset_of(opsets, opset_count, "");
    for (size_t i = 0; i < node->inputs; i++) {
        if (!node->in[i][0])
            continue;
        c.in[i] = onnx_look_up(r, s, node->in[i]);
        /* A function's input that its caller left out. */
        if (!c.in[i] && !s->function)
            onnx_bad(r, &c, "uses %.100s, which no node before it makes",
                     node->in[i]);
    }
    ir_at(r->g, c.name);
    r->pool->where = c.name;
    f = function_of(r, node);
    if (f)
        do_function(r, &c, f);
    else if (!standard || strcmp(node->op, "Scan") || !onnx_ml_distances(r, &c))
        run_op(r, &c);
    check_ir(r, &c);
    if (!r->aside)
        count_work(r, &c);
    if (!f)
        count_macs(r, &c);
    for (int i = 0; i < c.outputs; i++) {
        onnx_value *v = c.out[i];
        if (!node->out[i][0])
            continue;
        if (!v) {
            if (i == 0)
                onnx_bad(r, &c, "makes nothing");
            v = onnx_new(r, ONNX_BROKEN, ONNX_FLOAT, 0, NULL);
            v->broken = onnx_print(r->pool, "output %d of %s", i, node->op);
        }
        for (int k = 0; k < c.inputs && v->kind == ONNX_CONST; k++)
            v->state |= c.in[k] && c.in[k]->state && !is_input(&c, v);
        if (!v->op && !is_input(&c, v)) {
            v->op = node->op;
            v->in = c.in;
            v->inputs = c.inputs;
        }
        onnx_name(r, s, node->out[i], v);
    }
}

void onnx_walk(onnx_run *r, onnx_scope *s, const onnx_graph *graph,
               const char *const *wanted, size_t wanted_count)
{
    size_t *order = onnx_take(r->pool, graph->node_count, sizeof *order);
    size_t count = needed(r, graph, wanted, wanted_count, order);
    for (size_t i = 0; i < count; i++)
        do_node(r, s, &graph->nodes[order[i]]);
}
