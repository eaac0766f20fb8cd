/*
 * rewrite.c - what passes share.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "rewrite.h"

static void *or_fail(ir_graph *g, void *memory)
{
    if (!memory)
        ir_fail_memory(g);
    return memory;
}

uint32_t *ir_count_readers(ir_graph *g)
{
    uint32_t *readers =
        or_fail(g, calloc(g->value_count + 1u, sizeof *readers));

    if (!readers)
        return NULL;
    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; !g->nodes[i].dead && k < g->nodes[i].inputs; k++)
            readers[g->nodes[i].in[k]]++;
    for (uint32_t i = 0; i < g->output_count; i++)
        readers[g->outputs[i].value]++;
    return readers;
}

ir_id *ir_begin_replacing(ir_graph *g)
{
    ir_id *stands_for =
        or_fail(g, malloc((g->value_count + 1u) * sizeof *stands_for));

    for (uint32_t i = 0; stands_for && i < g->value_count; i++)
        stands_for[i] = (ir_id)i;
    return stands_for;
}

void ir_resolve(ir_node *node, const ir_id *stands_for)
{
    for (uint32_t k = 0; k < node->inputs; k++)
        node->in[k] = stands_for[node->in[k]];
}

void ir_end_replacing(ir_graph *g, ir_id *stands_for)
{
    for (uint32_t i = 0; i < g->output_count; i++)
        g->outputs[i].value = stands_for[g->outputs[i].value];
    free(stands_for);
}

/* ----------------------------------------------------------- matrices ---- */

static ir_matrix recurrent_matrix(const ir_node *layer, uint32_t k)
{
    uint32_t units = layer->p[0], units4 = (units + 3u) / 4u * 4u;
    uint32_t gates = layer->type == MLI_OP_LSTM  ? 4
                     : layer->type == MLI_OP_RNN ? 1
                     : layer->inputs < 5         ? 3
                     : k == 1                    ? 2
                                                 : 1;
    ir_matrix m = {1, gates * units4, 1, units, 0};

    if (k != 1 && (k != 3 || layer->type != MLI_OP_GRU))
        m.matrices = 0;
    return m;
}

static ir_matrix conv_matrix(uint32_t groups, uint32_t outputs, uint32_t taps,
                             uint32_t inputs)
{
    ir_matrix m = {groups, outputs / groups, taps, inputs / groups, 0};

    if (groups > 1 && m.inputs == 1 && m.outputs == 1) {
        m.depthwise = 1;
        m.matrices = 1;
        m.outputs = groups;
    }
    return m;
}

ir_matrix ir_matrix_of(const ir_graph *g, const ir_node *layer, uint32_t k)
{
    const ir_value *x = &g->values[layer->in[0]], *y = &g->values[layer->out];
    const uint32_t *p = layer->p;
    ir_matrix none = {0, 0, 0, 0, 0};

    switch (layer->type) {
    case MLI_OP_LSTM:
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        return recurrent_matrix(layer, k);
    case MLI_OP_LINEAR:
        return k == 1 ? (ir_matrix){1, p[1], 1, p[0], 0} : none;
    case MLI_OP_CONV1D:
        return k == 1 ? conv_matrix(p[2], p[4], p[0], p[3]) : none;
    case MLI_OP_CONV2D:
        return k == 1 ? conv_matrix(p[6], y->dims[y->rank - 1], p[0] * p[1],
                                    x->dims[x->rank - 1])
                      : none;
    default:
        return none;
    }
}

ir_id ir_copy_constant(ir_graph *g, ir_id constant)
{
    uint64_t floats = ir_data_floats(&g->values[constant]);
    float *data = ir_floats(g, floats);
    ir_value *from, *to;
    ir_id id;

    if (!data)
        return IR_NONE;
    memcpy(data, g->values[constant].data, floats * sizeof *data);
    id = ir_take(g, g->values[constant].role, 1, data);
    if (id == IR_NONE)
        return IR_NONE;
    from = &g->values[constant];
    to = &g->values[id];
    to->storage = from->storage;
    to->rank = from->rank;
    memcpy(to->dims, from->dims, sizeof to->dims);
    to->elements = from->elements;
    return id;
}

float *ir_scales_of(const ir_value *v)
{
    return v->data +
           mli_stored_bytes(v->storage, v->dims[0], v->dims[1]) / sizeof(float);
}
