/* onnx_model.c - see onnx_model.h. Field numbers are those of onnx.proto. */
#include <string.h>
#include "onnx_model.h"

#define MAX_NESTING 16

static void read_graph(onnx_model *m, onnx_reader r, onnx_graph *g, int depth);

static const char *text(onnx_model *m, onnx_reader *r, const onnx_field *f)
{
    if (f->wire != ONNX_BYTES)
        onnx_damaged(r, r->at, "a text was expected here");
    return onnx_copy(m->pool, f->bytes, f->size);
}

int64_t onnx_opset_of(const onnx_opset *o, size_t count, const char *domain)
{
    if (!strcmp(domain, "ai.onnx"))
        domain = "";
    for (size_t i = 0; i < count; i++) {
        const char *d = o[i].domain;
        if (!strcmp(strcmp(d, "ai.onnx") ? d : "", domain))
            return o[i].version;
    }
    return 0;
}

static void read_opset(onnx_model *m, onnx_reader r, onnx_opset *o)
{
    onnx_field f;
    o->domain = "";
    while (onnx_next(&r, &f)) {
        if (f.number == 1)
            o->domain = text(m, &r, &f);
        else if (f.number == 2)
            o->version = (int64_t)f.value;
    }
}

static void read_dims(onnx_reader *r, onnx_field *f, onnx_tensor *t)
{
    uint64_t d;
    while (onnx_number(r, f, 0, &d)) {
        if (t->rank == ONNX_MAX_RANK)
            onnx_damaged(r, r->at, "a tensor with more than 8 axes");
        if (d >> 31)
            onnx_damaged(r, r->at, "an axis is negative or too long");
        t->dims[t->rank++] = (int64_t)d;
        if (d && t->count > ((uint64_t)1 << 40) / d)
            onnx_damaged(r, r->at, "a tensor is too large");
        t->count *= d;
    }
}

void onnx_tensor_parse(onnx_model *m, onnx_reader r, onnx_tensor *t)
{
    onnx_field f;
    memset(t, 0, sizeof *t);
    t->name = "";
    t->count = 1;
    t->message = r;
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            read_dims(&r, &f, t);
            break;
        case 2:
            t->type = (int)f.value;
            break;
        case 8:
            t->name = text(m, &r, &f);
            break;
        case 14:
            t->external = f.value == 1;
            break;
        }
    }
    t->message.what = t->name[0] ? t->name : "a tensor";
}

/* A text of a list of n so far: many lists are the same few over and over. */
static const char *text_again(onnx_model *m, onnx_reader *r,
                              const onnx_field *f, const char **list, size_t n)
{
    for (size_t back = 1; back <= 4 && back <= n; back++) {
        const char *old = list[n - back];
        if (f->wire == ONNX_BYTES && strlen(old) == f->size &&
            !memcmp(old, f->bytes, f->size))
            return old;
    }
    return text(m, r, f);
}

/* One of the lists that describe trees: integers of 32 bits will do. */
static int is_of_nodes(const char *name)
{
    return !strncmp(name, "nodes_", 6) || !strncmp(name, "class_", 6) ||
           !strncmp(name, "target_", 7);
}

static void read_nodes(onnx_model *m, onnx_reader r, onnx_attr *a, size_t count)
{
    onnx_field f;
    uint64_t v;
    a->nodes = onnx_take(m->pool, count, sizeof *a->nodes);
    while (onnx_next(&r, &f))
        while (f.number == 8 && onnx_number(&r, &f, 0, &v)) {
            if ((int64_t)v < INT32_MIN || (int64_t)v > INT32_MAX)
                onnx_damaged(&r, r.at, "a node's number is too large");
            a->nodes[a->nodes_count++] = (int32_t)(int64_t)v;
        }
}

static void read_attr_lists(onnx_model *m, onnx_reader r, onnx_attr *a)
{
    onnx_reader again = r;
    onnx_field f;
    size_t ints = 0, floats = 0, strings = 0;
    while (onnx_next(&again, &f)) {
        if (f.number == 7)
            floats += onnx_numbers(&again, &f, 4);
        else if (f.number == 8)
            ints += onnx_numbers(&again, &f, 0);
        strings += f.number == 9;
    }
    if (!strcmp(a->name, "nodes_hitrates")) /* nobody needs them */
        return;
    if (ints && !floats && !strings && is_of_nodes(a->name)) {
        read_nodes(m, r, a, ints);
        return;
    }
    a->floats = onnx_take(m->pool, floats, sizeof *a->floats);
    a->ints = onnx_take(m->pool, ints, sizeof *a->ints);
    a->strings = onnx_take(m->pool, strings, sizeof *a->strings);
    a->ints_count = ints;
    a->floats_count = floats;
    a->strings_count = strings;
    ints = floats = strings = 0;
    while (onnx_next(&r, &f)) {
        uint64_t v;
        if (f.number == 7) {
            while (onnx_number(&r, &f, 4, &v)) {
                uint32_t bits = (uint32_t)v;
                memcpy(&a->floats[floats++], &bits, 4);
            }
        } else if (f.number == 8) {
            while (onnx_number(&r, &f, 0, &v))
                a->ints[ints++] = (int64_t)v;
        } else if (f.number == 9) {
            a->strings[strings] = text_again(m, &r, &f, a->strings, strings);
            strings++;
        }
    }
    if ((ints != 0) + (floats != 0) + (strings != 0) > 1)
        onnx_damaged(&r, r.at, "an attribute has lists of several kinds");
}

static void read_attr(onnx_model *m, onnx_reader r, onnx_attr *a, int depth)
{
    onnx_reader all = r;
    onnx_field f;
    uint32_t bits;
    a->name = a->s = "";
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            a->name = text(m, &r, &f);
            break;
        case 2:
            bits = (uint32_t)f.value;
            memcpy(&a->f, &bits, 4);
            break;
        case 3:
            a->i = (int64_t)f.value;
            break;
        case 4:
            a->s = text(m, &r, &f);
            break;
        case 5:
            a->t = onnx_take(m->pool, 1, sizeof *a->t);
            onnx_tensor_parse(m, onnx_inside(&r, &f, "a tensor"), a->t);
            break;
        case 6:
            a->g = onnx_take(m->pool, 1, sizeof *a->g);
            read_graph(m, onnx_inside(&r, &f, "a subgraph"), a->g, depth + 1);
            break;
        case 20:
            a->type = (int)f.value;
            break;
        case 21:
            a->ref = text(m, &r, &f);
            break;
        }
    }
    read_attr_lists(m, all, a);
}

static void read_node(onnx_model *m, onnx_reader r, onnx_node *n, int depth)
{
    onnx_field f;
    n->op = n->domain = n->name = "";
    n->in = onnx_take(m->pool, onnx_count(r, 1), sizeof *n->in);
    n->out = onnx_take(m->pool, onnx_count(r, 2), sizeof *n->out);
    n->attr = onnx_take(m->pool, onnx_count(r, 5), sizeof *n->attr);
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            n->in[n->inputs++] = text(m, &r, &f);
            break;
        case 2:
            n->out[n->outputs++] = text(m, &r, &f);
            break;
        case 3:
            n->name = text(m, &r, &f);
            break;
        case 4:
            n->op = text(m, &r, &f);
            break;
        case 5:
            read_attr(m, onnx_inside(&r, &f, "an attribute"),
                      &n->attr[n->attrs++], depth);
            break;
        case 7:
            n->domain = text(m, &r, &f);
            break;
        }
    }
    if (!n->name[0]) /* an unnamed node goes by what it makes */
        n->name = n->outputs ? n->out[0] : n->op;
}

static void read_dim(onnx_model *m, onnx_reader r, onnx_info *v)
{
    onnx_field f;
    int64_t dim = -1;
    const char *param = NULL;
    while (onnx_next(&r, &f)) {
        if (f.number == 1)
            dim = (int64_t)f.value;
        else if (f.number == 2)
            param = text(m, &r, &f);
    }
    if (v->rank == ONNX_MAX_RANK)
        onnx_damaged(&r, r.at, "an input or output with more than 8 axes");
    if (dim > INT32_MAX)
        onnx_damaged(&r, r.at, "an axis is too long");
    v->params[v->rank] = param;
    v->dims[v->rank++] = dim <= 0 ? -1 : dim;
}

static void read_tensor_type(onnx_model *m, onnx_reader r, onnx_info *v)
{
    onnx_field f;
    while (onnx_next(&r, &f)) {
        if (f.number == 1)
            v->type = (int)f.value;
        if (f.number != 2)
            continue;
        onnx_reader shape = onnx_inside(&r, &f, "a shape");
        v->rank = 0;
        while (onnx_next(&shape, &f))
            if (f.number == 1)
                read_dim(m, onnx_inside(&shape, &f, "a shape"), v);
    }
}

static void read_info(onnx_model *m, onnx_reader r, onnx_info *v)
{
    onnx_field f;
    v->name = "";
    v->rank = -1;
    while (onnx_next(&r, &f)) {
        if (f.number == 1)
            v->name = text(m, &r, &f);
        if (f.number != 2)
            continue;
        onnx_reader type = onnx_inside(&r, &f, "a type");
        while (onnx_next(&type, &f))
            if (f.number == 1)
                read_tensor_type(m, onnx_inside(&type, &f, "a type"), v);
    }
}

static void read_graph(onnx_model *m, onnx_reader r, onnx_graph *g, int depth)
{
    onnx_pool *p = m->pool;
    onnx_field f;
    if (depth > MAX_NESTING)
        onnx_damaged(&r, r.at, "subgraphs nest too deeply");
    g->name = "";
    g->nodes = onnx_take(p, onnx_count(r, 1), sizeof *g->nodes);
    g->tensors = onnx_take(p, onnx_count(r, 5), sizeof *g->tensors);
    g->inputs = onnx_take(p, onnx_count(r, 11), sizeof *g->inputs);
    g->outputs = onnx_take(p, onnx_count(r, 12), sizeof *g->outputs);
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            read_node(m, onnx_inside(&r, &f, "a node"),
                      &g->nodes[g->node_count++], depth);
            break;
        case 2:
            g->name = text(m, &r, &f);
            break;
        case 5:
            onnx_tensor_parse(m, onnx_inside(&r, &f, "an initializer"),
                              &g->tensors[g->tensor_count++]);
            break;
        case 11:
            read_info(m, onnx_inside(&r, &f, "a graph input"),
                      &g->inputs[g->input_count++]);
            break;
        case 12:
            read_info(m, onnx_inside(&r, &f, "a graph output"),
                      &g->outputs[g->output_count++]);
            break;
        case 15:
            onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "sparse initializers are not supported");
        }
    }
}

static void read_function(onnx_model *m, onnx_reader r, onnx_function *n)
{
    onnx_pool *p = m->pool;
    onnx_field f;
    n->name = n->domain = n->body.name = "";
    n->in = onnx_take(p, onnx_count(r, 4), sizeof *n->in);
    n->out = onnx_take(p, onnx_count(r, 5), sizeof *n->out);
    n->attr = onnx_take(p, onnx_count(r, 11), sizeof *n->attr);
    n->body.nodes = onnx_take(p, onnx_count(r, 7), sizeof *n->body.nodes);
    n->opsets = onnx_take(p, onnx_count(r, 9), sizeof *n->opsets);
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            n->name = text(m, &r, &f);
            break;
        case 4:
            n->in[n->inputs++] = text(m, &r, &f);
            break;
        case 5:
            n->out[n->outputs++] = text(m, &r, &f);
            break;
        case 7:
            read_node(m, onnx_inside(&r, &f, "a function's node"),
                      &n->body.nodes[n->body.node_count++], 0);
            break;
        case 9:
            read_opset(m, onnx_inside(&r, &f, "an opset"),
                       &n->opsets[n->opset_count++]);
            break;
        case 10:
            n->domain = text(m, &r, &f);
            break;
        case 11:
            read_attr(m, onnx_inside(&r, &f, "an attribute"),
                      &n->attr[n->attrs++], 0);
            break;
        }
    }
}

static void read_meta(onnx_model *m, onnx_reader r)
{
    onnx_field f;
    const char **pair = m->meta + 2 * m->meta_count++;
    pair[0] = pair[1] = "";
    while (onnx_next(&r, &f))
        if (f.number == 1 || f.number == 2)
            pair[f.number - 1] = text(m, &r, &f);
}

static void read_top(onnx_model *m, onnx_reader r)
{
    onnx_field f;
    while (onnx_next(&r, &f)) {
        switch (f.number) {
        case 1:
            m->ir_version = (int64_t)f.value;
            break;
        case 2:
            m->producer = text(m, &r, &f);
            break;
        case 3:
            m->producer_version = text(m, &r, &f);
            break;
        case 7:
            read_graph(m, onnx_inside(&r, &f, "the graph"), &m->graph, 0);
            break;
        case 8:
            read_opset(m, onnx_inside(&r, &f, "an opset"),
                       &m->opsets[m->opset_count++]);
            break;
        case 14:
            read_meta(m, onnx_inside(&r, &f, "metadata"));
            break;
        case 25:
            read_function(m, onnx_inside(&r, &f, "a function"),
                          &m->functions[m->function_count++]);
            break;
        }
    }
}

void onnx_model_read(onnx_model *m, const uint8_t *bytes, size_t size)
{
    onnx_reader r = {bytes, bytes + size, bytes, "the model", m->exit};
    size_t graphs = onnx_count(r, 7);
    m->file_bytes = size;
    m->producer = m->producer_version = "";
    m->graph.name = "";
    m->opsets = onnx_take(m->pool, onnx_count(r, 8), sizeof *m->opsets);
    m->meta = onnx_take(m->pool, onnx_count(r, 14), 2 * sizeof *m->meta);
    m->functions = onnx_take(m->pool, onnx_count(r, 25), sizeof *m->functions);
    if (graphs != 1)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "not an ONNX model, or cut off (expected one graph, got "
                  "%zu)",
                  graphs);
    read_top(m, r);
    if (!m->opset_count)
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "damaged ONNX file, or cut off: it names no opset");
}

int onnx_is_initializer(const onnx_graph *g, const char *name)
{
    for (size_t i = 0; i < g->tensor_count; i++)
        if (!strcmp(g->tensors[i].name, name))
            return 1;
    return 0;
}
