/*
 * program.c - numbering of operators and tensors.
 */
#include <stdlib.h>
#include <string.h>
#include "program.h"

const ir_node *mlc_op(const mlc_program *p, uint32_t i)
{
    return &p->g->nodes[p->ops[i]];
}

static void add_tensor(mlc_program *p, ir_id value, uint32_t first,
                       uint32_t last)
{
    mlc_tensor *t = &p->tensors[p->tensor_count];

    t->value = value;
    t->first = first;
    t->last = last;
    p->tensor_of[value] = p->tensor_count++;
}

static void number_tensors(mlc_program *p)
{
    const ir_graph *g = p->g;

    for (uint32_t i = 0; i < g->input_count; i++)
        add_tensor(p, g->inputs[i].value, MLI_NONE, 0);
    for (uint32_t i = 0; i < p->op_count; i++)
        for (uint32_t k = 0; k < mlc_op(p, i)->inputs; k++) {
            ir_id id = mlc_op(p, i)->in[k];
            if (g->values[id].constant && p->tensor_of[id] == MLI_NONE) {
                add_tensor(p, id, 0, 0);
                p->constants++;
            }
        }
    for (uint32_t i = 0; i < p->op_count; i++)
        add_tensor(p, mlc_op(p, i)->out, i, i);
}

static void find_lives(mlc_program *p)
{
    const ir_graph *g = p->g;

    for (uint32_t i = 0; i < p->op_count; i++)
        for (uint32_t k = 0; k < mlc_op(p, i)->inputs; k++) {
            ir_id id = mlc_op(p, i)->in[k];
            if (!g->values[id].constant)
                p->tensors[p->tensor_of[id]].last = i;
        }
    for (uint32_t i = 0; i < g->output_count; i++)
        p->tensors[p->tensor_of[g->outputs[i].value]].last = MLI_NONE;
}

int mlc_program_make(mlc_program *p, const ir_graph *g)
{
    memset(p, 0, sizeof *p);
    p->g = g;
    mlc_find_rates(g, &p->rates);
    p->ops = malloc((g->node_count + 1u) * sizeof *p->ops);
    p->tensors = calloc(g->value_count + 1u, sizeof *p->tensors);
    p->tensor_of = malloc((g->value_count + 1u) * sizeof *p->tensor_of);
    if (!p->ops || !p->tensors || !p->tensor_of) {
        mlc_program_free(p);
        return 0;
    }
    memset(p->tensor_of, 0xff, (g->value_count + 1u) * sizeof *p->tensor_of);
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead)
            p->ops[p->op_count++] = i;
    number_tensors(p);
    find_lives(p);
    return 1;
}

void mlc_program_free(mlc_program *p)
{
    free(p->ops);
    free(p->tensors);
    free(p->tensor_of);
    memset(p, 0, sizeof *p);
}
