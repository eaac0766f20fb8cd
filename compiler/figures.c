/*
 * figures.c - what a graph costs and how far it looks back.
 */
#include <stdlib.h>
#include "figures.h"
#include "rates.h"

/* Products of one output. */
static uint64_t conv2d_products(const ir_graph *g, const ir_node *node)
{
    const ir_value *x = &g->values[node->in[0]];

    return (uint64_t)node->p[0] * node->p[1] *
           ((node->p[7] ? node->p[7] : x->dims[x->rank - 1]) / node->p[6]);
}

uint64_t mlc_node_macs(const ir_graph *g, const ir_node *node)
{
    const ir_value *y = &g->values[node->out];
    uint64_t rows = y->rank ? y->elements / y->dims[y->rank - 1] : 1;
    uint64_t units = node->p[0];

    switch (node->type) {
    case MLI_OP_LINEAR:
    case MLI_OP_DISTANCE:
        return rows * node->p[0] * node->p[1];
    case MLI_OP_CONV1D:
        return rows * node->p[0] * (node->p[3] / node->p[2]) * node->p[4];
    case MLI_OP_LSTM:
        return rows * 4 * units * units;
    case MLI_OP_GRU:
        return rows * 3 * units * units;
    case MLI_OP_RNN:
        return rows * units * units;
    case MLI_OP_CONV2D:
        return y->elements * conv2d_products(g, node);
    case MLI_OP_MATMUL:
        return y->elements * node->p[2];
    default:
        return 0;
    }
}

uint64_t mlc_graph_macs(const ir_graph *g)
{
    uint64_t whole = 0, rest = 0; /* rest: in parts of the cycle */
    mlc_rates r;

    mlc_find_rates(g, &r);
    for (uint32_t i = 0; i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];
        uint32_t period = mlc_period(&r, &g->values[node->out]);
        uint64_t macs;

        if (node->dead)
            continue;
        macs = mlc_node_macs(g, node) * r.frame;
        if (!period)
            period = r.frame;
        whole += macs / period;
        rest += macs % period * (r.cycle / period);
    }
    return whole + (rest + r.cycle - 1u) / r.cycle;
}

/* A layer's own numbers; 0 for operators whose constants count as they are. */
static uint64_t layer_parameters(const ir_graph *g, const ir_node *node)
{
    const ir_value *y = &g->values[node->out];
    uint64_t units = node->p[0];

    switch (node->type) {
    case MLI_OP_LINEAR:
        return (uint64_t)node->p[0] * node->p[1] +
               (node->inputs > 2 ? node->p[1] : 0);
    case MLI_OP_CONV1D:
        return (uint64_t)node->p[0] * (node->p[3] / node->p[2]) * node->p[4] +
               (node->inputs > 2 ? node->p[4] : 0);
    case MLI_OP_LSTM:
        return 4 * units * (units + 1);
    case MLI_OP_GRU:
        return 3 * units * (units + 1);
    case MLI_OP_RNN:
        return units * (units + 1);
    case MLI_OP_CONV2D:
        return y->dims[y->rank - 1] *
               (conv2d_products(g, node) + (node->inputs > 2));
    default:
        return 0;
    }
}

uint64_t mlc_graph_parameters(const ir_graph *g)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];
        uint64_t own = layer_parameters(g, node);

        if (node->dead)
            continue;
        sum += own;
        for (uint32_t k = 0; !own && k < node->inputs; k++)
            if (g->values[node->in[k]].constant)
                sum += g->values[node->in[k]].elements;
    }
    return sum;
}

/* ---------------------------------------------------- receptive field ---- */

#define UNBOUNDED UINT64_MAX

/* Ticks before the newest one that a node's result depends on. */
static uint64_t lookback(const ir_graph *g, const mlc_rates *r,
                         const ir_node *node)
{
    const ir_value *y = &g->values[node->out];
    uint64_t period = mlc_period(r, y);

    switch (node->type) {
    case MLI_OP_UNFOLD:
        return node->state_count
                   ? node->states[0].frames * (period / node->p[2])
                   : 0;
    case MLI_OP_DEPTH_TO_TIME:
        return (node->p[0] - 1u) * period;
    case MLI_OP_CONV1D:
        return node->state_count ? node->states[0].frames * period : 0;
    case MLI_OP_DELAY:
        return node->p[0] * period;
    case MLI_OP_LSTM:
    case MLI_OP_GRU:
    case MLI_OP_RNN:
    case MLI_OP_RECALL:
        return UNBOUNDED;
    default:
        return 0;
    }
}

/* Longest path to every value, in ticks. */
static void find_reach(const ir_graph *g, const mlc_rates *r, uint64_t *reach)
{
    for (uint32_t i = 0; i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];
        uint64_t far = 0, own = lookback(g, r, node);

        if (node->dead)
            continue;
        for (uint32_t k = 0; k < node->inputs; k++)
            if (reach[node->in[k]] > far)
                far = reach[node->in[k]];
        reach[node->out] = far > UNBOUNDED - own ? UNBOUNDED : far + own;
    }
}

uint32_t mlc_receptive_field(const ir_graph *g)
{
    uint64_t *reach, far = 0;
    mlc_rates r;

    if (g->mode == MLI_WINDOW)
        return g->window;
    reach = calloc(g->value_count + 1u, sizeof *reach);
    if (!reach)
        return UINT32_MAX;
    mlc_find_rates(g, &r);
    find_reach(g, &r, reach);
    for (uint32_t i = 0; i < g->output_count; i++)
        if (reach[g->outputs[i].value] > far)
            far = reach[g->outputs[i].value];
    free(reach);
    far /= r.frame;
    return far >= UINT32_MAX - 1u ? 0 : (uint32_t)far + 1u;
}
