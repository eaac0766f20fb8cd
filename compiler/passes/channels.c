/*
 * channels.c - finds channels that nobody reads: those that a slice leaves out,
 * and inputs of a layer that all its weights multiply by zero. Layers before do
 * without them, and so does everything between.
 */
#include <stdlib.h>
#include <string.h>
#include "channels.h"
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

#define MOST_CHANNELS (1u << 24) /* of all values */
#define MOST_ROUNDS   16

uint32_t ir_channels_of(const ir_value *v)
{
    return v->rank ? v->dims[v->rank - 1] : 1;
}

/* Are its channels all that there is in a frame? */
static int is_list(const ir_value *v)
{
    return v->elements == ir_channels_of(v);
}

static ir_link link_of_layer(const ir_graph *g, const ir_node *node)
{
    ir_matrix m = ir_matrix_of(g, node, 1);
    const ir_value *x = &g->values[node->in[0]];

    if (g->values[node->in[1]].storage != MLI_F32 ||
        (x->timed && node->type == MLI_OP_CONV1D && !is_list(x)))
        return IR_LINK_NONE;
    if (m.depthwise)
        return node->type == MLI_OP_CONV1D ? IR_LINK_DEPTHWISE : IR_LINK_NONE;
    return m.matrices == 1 ? IR_LINK_LAYER : IR_LINK_NONE;
}

/* One operand of a node with IR_LINK_SAME: is it linked, or does it count as
   one number for all channels? */
static int is_linked(const ir_graph *g, const ir_node *node, ir_id operand)
{
    return ir_channels_of(&g->values[operand]) ==
           ir_channels_of(&g->values[node->out]);
}

/* Each operand is linked, or one number. */
static ir_link link_of_binary(const ir_graph *g, const ir_node *node)
{
    for (uint32_t k = 0; k < 2; k++)
        if (!is_linked(g, node, node->in[k]) &&
            ir_channels_of(&g->values[node->in[k]]) != 1)
            return IR_LINK_NONE;
    return IR_LINK_SAME;
}

static ir_link link_of_concat(const ir_graph *g, const ir_node *node)
{
    for (uint32_t k = 0; k < node->inputs; k++)
        if (g->values[node->in[k]].constant)
            return IR_LINK_NONE;
    return node->p[0] + 1u == g->values[node->out].rank ? IR_LINK_CONCAT
                                                        : IR_LINK_SAME;
}

ir_link ir_link_of(const ir_graph *g, const ir_node *node)
{
    const ir_value *x = node->inputs ? &g->values[node->in[0]] : NULL;
    const ir_value *y = &g->values[node->out];

    if (!x || y->rank == 0)
        return IR_LINK_NONE;
    switch (node->type) {
    case MLI_OP_LINEAR:
    case MLI_OP_CONV1D:
    case MLI_OP_CONV2D:
        return x->constant ? IR_LINK_NONE : link_of_layer(g, node);
    case MLI_OP_UNARY:
    case MLI_OP_AFFINE:
    case MLI_OP_HOLD:
        return x->constant ? IR_LINK_NONE : IR_LINK_SAME;
    case MLI_OP_BINARY:
        return link_of_binary(g, node);
    case MLI_OP_DELAY:
        return is_list(x) ? IR_LINK_SAME : IR_LINK_NONE;
    case MLI_OP_CONCAT:
        return link_of_concat(g, node);
    case MLI_OP_SLICE:
        if (x->constant)
            return IR_LINK_NONE;
        if (node->p[0] + 1u != y->rank)
            return IR_LINK_SAME;
        return node->p[2] == 1 ? IR_LINK_SLICE : IR_LINK_NONE;
    default:
        return IR_LINK_NONE;
    }
}

/* ------------------------------------------------------------- needed ---- */

typedef struct search {
    ir_graph *g;
    ir_channels *c;
    int changed;
} search;

static void need(search *s, ir_id v, uint32_t channel)
{
    char *used = s->c->used[v];

    if (!used || used[channel])
        return;
    used[channel] = 1;
    s->changed = 1;
}

static void need_all(search *s, ir_id v)
{
    for (uint32_t i = 0; s->c->used[v] && i < s->c->count[v]; i++)
        need(s, v, i);
}

/* n channels of one, from `a` on, are n of the other, from `b` on. */
static void need_same(search *s, ir_id u, uint32_t a, ir_id v, uint32_t b,
                      uint32_t n)
{
    const char *x = s->c->used[u], *y = s->c->used[v];

    for (uint32_t i = 0; x && y && i < n; i++) {
        if (x[a + i])
            need(s, v, b + i);
        if (y[b + i])
            need(s, u, a + i);
    }
}

/* Inputs that a weight of an output in use is not zero for. */
static void need_columns(search *s, const ir_node *node)
{
    ir_matrix m = ir_matrix_of(s->g, node, 1);
    const float *w = s->g->values[node->in[1]].data;
    const char *used = s->c->used[node->out];

    for (uint32_t i = 0; i < m.inputs; i++)
        for (uint32_t o = 0; o < m.outputs && !s->c->used[node->in[0]][i]; o++)
            for (uint32_t k = 0; used[o] && k < m.taps; k++)
                if (w[mli_packed_index(m.outputs, m.taps, m.inputs, o, k, i)] !=
                    0.f)
                    need(s, node->in[0], i);
}

static void need_of(search *s, const ir_node *node)
{
    uint32_t at = 0, n;

    switch (ir_link_of(s->g, node)) {
    case IR_LINK_LAYER:
        need_columns(s, node);
        break;
    case IR_LINK_SAME:
    case IR_LINK_DEPTHWISE:
        for (uint32_t k = 0; k < node->inputs; k++)
            if (!s->c->used[node->in[k]])
                continue;
            else if (is_linked(s->g, node, node->in[k]))
                need_same(s, node->in[k], 0, node->out, 0,
                          s->c->count[node->out]);
            else
                need_all(s, node->in[k]);
        break;
    case IR_LINK_SLICE:
        need_same(s, node->in[0], node->p[1], node->out, 0,
                  s->c->count[node->out]);
        break;
    case IR_LINK_CONCAT:
        for (uint32_t k = 0; k < node->inputs; k++, at += n) {
            n = s->c->count[node->in[k]];
            need_same(s, node->in[k], 0, node->out, at, n);
        }
        break;
    default:
        for (uint32_t k = 0; k < node->inputs; k++)
            need_all(s, node->in[k]);
        need_all(s, node->out);
    }
}

/* A value without any channel keeps its first. */
static void keep_one(search *s)
{
    for (uint32_t v = 0; v < s->g->value_count; v++)
        if (s->c->used[v] && !memchr(s->c->used[v], 1, s->c->count[v]))
            need(s, (ir_id)v, 0);
}

/* Until nothing more is needed; 0 if that takes too long. */
static int find(search *s)
{
    for (uint32_t i = 0; i < s->g->input_count; i++)
        need_all(s, s->g->inputs[i].value);
    for (uint32_t i = 0; i < s->g->output_count; i++)
        need_all(s, s->g->outputs[i].value);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        s->changed = 0;
        for (uint32_t i = s->g->node_count; i-- > 0;)
            if (!s->g->nodes[i].dead)
                need_of(s, &s->g->nodes[i]);
        if (!s->changed)
            keep_one(s);
        if (!s->changed)
            return 1;
    }
    return 0;
}

/* -------------------------------------------------------------- values --- */

/* Values that living nodes read or make, and ports. */
static void mark(const ir_graph *g, char *living)
{
    for (uint32_t i = 0; i < g->input_count; i++)
        living[g->inputs[i].value] = 1;
    for (uint32_t i = 0; i < g->output_count; i++)
        living[g->outputs[i].value] = 1;
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead) {
            living[g->nodes[i].out] = 1;
            for (uint32_t k = 0; k < g->nodes[i].inputs; k++)
                living[g->nodes[i].in[k]] = 1;
        }
}

static int lay(ir_graph *g, ir_channels *c)
{
    char *living = ir_room(g, g->value_count + 1u, 1);
    uint64_t all = 0;

    c->used = ir_room(g, g->value_count + 1u, sizeof *c->used);
    c->count = ir_room(g, g->value_count + 1u, sizeof *c->count);
    if (living && c->used && c->count) {
        mark(g, living);
        for (uint32_t v = 0; v < g->value_count; v++) {
            living[v] = living[v] && !g->values[v].constant;
            c->count[v] = living[v] ? ir_channels_of(&g->values[v]) : 0;
            all += c->count[v];
        }
        c->bytes = all <= MOST_CHANNELS ? ir_room(g, all + 1, 1) : NULL;
    }
    all = 0;
    for (uint32_t v = 0; c->bytes && v < g->value_count; v++)
        if (living[v]) {
            c->used[v] = c->bytes + all;
            all += c->count[v];
        }
    free(living);
    return c->bytes != NULL;
}

/* Most graphs have neither: they need not be searched. */
static int may_have_dead(const ir_graph *g)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead && ir_link_of(g, &g->nodes[i]) == IR_LINK_LAYER)
            return 1;
    return 0;
}

void ir_pass_channels(ir_graph *g, ir_tally *tally)
{
    ir_channels c = {NULL, NULL, NULL};
    search s = {g, &c, 0};

    if (g->error[0] || !may_have_dead(g))
        return;
    if (lay(g, &c) && find(&s))
        tally->channels += ir_drop_channels(g, &c);
    free(c.used);
    free(c.count);
    free(c.bytes);
}
