/* channels_drop.c - a graph without the channels that nobody reads. */
#include <stdlib.h>
#include <string.h>
#include "channels.h"
#include "ir_build.h"
#include "rewrite.h"

static uint32_t kept_of(const ir_channels *c, ir_id v)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->count[v]; i++)
        n += (uint32_t)c->used[v][i];
    return n;
}

/* Some of v's channels go. */
static int shrinks(const ir_channels *c, ir_id v)
{
    return c->used[v] && kept_of(c, v) < c->count[v];
}

/* The places [0, n) along a value's channels, those in use first; for free().
 */
static uint32_t *places(ir_graph *g, const ir_channels *c, ir_id v, uint32_t n)
{
    uint32_t *at = ir_room(g, n, sizeof *at), m = 0;

    for (uint32_t i = 0; at && i < n; i++)
        if (!c->used[v] || c->used[v][i])
            at[m++] = i;
    return at;
}

/* ----------------------------------------------------------- constants --- */

/* A constant with n channels, of which those in use are kept. */
static ir_id select_channels(ir_graph *g, const ir_channels *c, ir_id v,
                             ir_id constant)
{
    uint32_t n = c->count[v], kept = kept_of(c, v), dims[MLI_MAX_RANK];
    uint64_t rows = g->values[constant].elements / n;
    const float *from;
    float *to;
    ir_id id;

    memcpy(dims, g->values[constant].dims, sizeof dims);
    dims[g->values[constant].rank - 1] = kept;
    id = ir_const(g, g->values[constant].rank, dims, NULL);
    if (id == IR_NONE)
        return constant;
    from = g->values[constant].data;
    to = g->values[id].data;
    for (uint64_t r = 0; r < rows; r++)
        for (uint32_t i = 0; i < n; i++)
            if (c->used[v][i])
                *to++ = from[r * n + i];
    return id;
}

/* The rows and columns of a matrix that are in use. */
static ir_id select_matrix(ir_graph *g, const ir_matrix *m, ir_id matrix,
                           const uint32_t *row, uint32_t rows,
                           const uint32_t *column, uint32_t columns)
{
    uint64_t size = mli_packed_size(rows, m->taps, columns);
    ir_id id = ir_take(g, IR_PACKED, size, ir_floats(g, size));
    const float *from;
    float *to;

    if (id == IR_NONE)
        return matrix;
    from = g->values[matrix].data;
    to = g->values[id].data;
    for (uint32_t o = 0; o < rows; o++)
        for (uint32_t k = 0; k < m->taps; k++)
            for (uint32_t i = 0; i < columns; i++)
                to[mli_packed_index(rows, m->taps, columns, o, k, i)] =
                    from[mli_packed_index(m->outputs, m->taps, m->inputs,
                                          row[o], k, column[i])];
    return id;
}

/* --------------------------------------------------------------- nodes --- */

/* A state whose frames are those of v. */
static void drop_state(const ir_channels *c, ir_id v, ir_state *s)
{
    float *to = s->init;

    for (uint32_t f = 0; to && f < s->init_frames; f++)
        for (uint32_t i = 0; i < c->count[v]; i++)
            if (c->used[v][i])
                *to++ = s->init[(size_t)f * c->count[v] + i];
    s->width = kept_of(c, v);
}

static void drop_layer(ir_graph *g, const ir_channels *c, ir_node *node)
{
    ir_id x = node->in[0], y = node->out;
    ir_matrix m = ir_matrix_of(g, node, 1);
    uint32_t inputs = kept_of(c, x), outputs = kept_of(c, y), first = 0;
    uint32_t *row = places(g, c, y, m.outputs);
    uint32_t *column = m.depthwise ? &first : places(g, c, x, m.inputs);

    if (row && column) {
        node->in[1] = select_matrix(g, &m, node->in[1], row, outputs, column,
                                    m.depthwise ? 1 : inputs);
        if (node->inputs > 2)
            node->in[2] = select_channels(g, c, y, node->in[2]);
        if (node->type == MLI_OP_LINEAR) {
            node->p[0] = inputs;
            node->p[1] = outputs;
        } else if (node->type == MLI_OP_CONV1D) {
            node->p[2] = m.depthwise ? outputs : 1;
            node->p[3] = inputs;
            node->p[4] = outputs;
        }
        if (node->state_count)
            drop_state(c, x, &node->states[0]);
    }
    free(row);
    if (!m.depthwise)
        free(column);
}

static void drop_same(ir_graph *g, const ir_channels *c, ir_node *node)
{
    for (uint32_t k = 0; k < node->inputs; k++) {
        const ir_value *v = &g->values[node->in[k]];
        if (v->constant && v->elements > 1 &&
            ir_channels_of(v) == c->count[node->out])
            node->in[k] = select_channels(g, c, node->out, node->in[k]);
    }
    if (node->type == MLI_OP_DELAY)
        drop_state(c, node->in[0], &node->states[0]);
}

static void drop(ir_graph *g, const ir_channels *c, ir_node *node)
{
    uint32_t before = 0;

    switch (ir_link_of(g, node)) {
    case IR_LINK_LAYER:
    case IR_LINK_DEPTHWISE:
        if (shrinks(c, node->in[0]) || shrinks(c, node->out))
            drop_layer(g, c, node);
        break;
    case IR_LINK_SAME:
        if (shrinks(c, node->out))
            drop_same(g, c, node);
        break;
    case IR_LINK_SLICE:
        for (uint32_t i = 0; i < node->p[1]; i++)
            before += (uint32_t)c->used[node->in[0]][i];
        node->p[1] = before;
        break;
    default:
        break;
    }
}

uint32_t ir_drop_channels(ir_graph *g, const ir_channels *c)
{
    uint32_t values = g->value_count, dropped = 0;

    for (uint32_t i = 0; i < g->node_count && !g->error[0]; i++)
        if (!g->nodes[i].dead)
            drop(g, c, &g->nodes[i]);
    for (uint32_t i = 0; i < g->node_count && !g->error[0]; i++) {
        const ir_node *node = &g->nodes[i];
        if (!node->dead &&
            (node->type == MLI_OP_LINEAR || node->type == MLI_OP_CONV1D ||
             node->type == MLI_OP_CONV2D))
            dropped += c->count[node->out] - kept_of(c, node->out);
    }
    for (uint32_t v = 0; v < values && !g->error[0]; v++)
        if (shrinks(c, (ir_id)v)) {
            ir_value *value = &g->values[v];
            uint32_t kept = kept_of(c, (ir_id)v);
            value->elements = value->elements / c->count[v] * kept;
            value->dims[value->rank - 1] = kept;
        }
    return dropped;
}
