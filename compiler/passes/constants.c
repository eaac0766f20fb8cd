/*
 * constants.c - operators on constants alone are run now by the runtime itself,
 * if the result is small: a model file shall not grow by a table that a few
 * numbers make.
 */
#include <stdlib.h>
#include <string.h>
#include "evaluate.h"
#include "ir_build.h"
#include "passes.h"

#define ALWAYS_SMALL 4096u /* elements */
#define MOST_WORK    2e8   /* nanoseconds, of a graph; the rest runs later */
#define COPY         0.5 /* nanoseconds a number, to find that it is too much */

static int is_output(const ir_graph *g, ir_id value)
{
    for (uint32_t i = 0; i < g->output_count; i++)
        if (g->outputs[i].value == value)
            return 1;
    return 0;
}

static int foldable(const ir_graph *g, const ir_node *node)
{
    uint64_t operands = 0, result = g->values[node->out].elements;

    if (node->dead || node->state_count || node->type == MLI_OP_STORE)
        return 0;
    for (uint32_t k = 0; k < node->inputs; k++) {
        if (!g->values[node->in[k]].constant ||
            g->values[node->in[k]].storage != MLI_F32)
            return 0;
        operands += g->values[node->in[k]].elements;
    }
    if (result > ALWAYS_SMALL && result > operands)
        return 0;
    return !is_output(g, node->out);
}

/* A graph of this one node; NULL without memory. */
static ir_graph *alone(const ir_graph *g, const ir_node *node)
{
    ir_graph *one = ir_new(MLI_STEP);
    ir_shape shape = ir_shape_of(g, node->out);
    ir_id *in = malloc((node->inputs + 1u) * sizeof *in), y = IR_NONE;

    for (uint32_t k = 0; one && in && k < node->inputs; k++) {
        const ir_value *v = &g->values[node->in[k]];

        in[k] = ir_const(one, v->rank, v->dims, v->data);
        if (in[k] != IR_NONE)
            one->values[in[k]].role = v->role;
    }
    if (one && in)
        y = ir_emit(one, node->type, node->inputs, in, &shape);
    free(in);
    if (y == IR_NONE) {
        ir_free(one);
        return NULL;
    }
    ir_made(one)->fn = node->fn;
    ir_made(one)->fp = node->fp;
    ir_made(one)->fq = node->fq;
    memcpy(ir_made(one)->p, node->p, sizeof node->p);
    ir_output(one, "y", y);
    return one;
}

static double copying(const ir_graph *g, const ir_node *node)
{
    double elements = 0;
    for (uint32_t k = 0; k < node->inputs; k++)
        elements += (double)g->values[node->in[k]].elements;
    return COPY * elements;
}

static int fold(ir_graph *g, ir_node *node)
{
    if (g->folding >= MOST_WORK)
        return 0;

    ir_value *y = &g->values[node->out];
    ir_graph *one = alone(g, node);
    float *data = one ? malloc(y->elements * sizeof *data) : NULL;
    double work = one && !one->error[0] ? mlc_evaluate_cost(one) : 0;

    if (g->folding + work > MOST_WORK) {
        g->folding += copying(g, node);
        free(data);
        ir_free(one);
        return 0;
    }
    g->folding += work;
    if (!data || one->error[0] || !mlc_evaluate(one, data)) {
        free(data);
        ir_free(one);
        return 0;
    }
    ir_free(one);
    y->data = data;
    y->constant = 1;
    y->node = -1;
    node->dead = 1;
    return 1;
}

int ir_fold_node(ir_graph *g, uint32_t node)
{
    return foldable(g, &g->nodes[node]) && fold(g, &g->nodes[node]);
}

void ir_pass_constants(ir_graph *g, ir_tally *tally)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        if (foldable(g, &g->nodes[i]))
            tally->folded += (uint32_t)fold(g, &g->nodes[i]);
}
