/*
 * onnx_bytes.c - 8-bit weights that a node dequantises for layers: they are not
 * widened, neither here nor in the model file.
 */
#include <string.h>
#include "onnx_run.h"

/* Fewer weights are floats: nothing is gained. */
#define LEAST_BYTES 4096u

/* The axis of a layer's weights that its outputs are, -1: it takes none. */
static int output_axis(const onnx_node *n, int rank)
{
    if (n->domain[0] && strcmp(n->domain, "ai.onnx"))
        return -1;
    if (!strcmp(n->op, "MatMul"))
        return rank == 2 ? 1 : -1;
    if (!strcmp(n->op, "Conv"))
        return rank > 2 ? 0 : -1;
    if (strcmp(n->op, "Gemm") || rank != 2)
        return -1;
    for (size_t i = 0; i < n->attrs; i++)
        if (!strcmp(n->attr[i].name, "transB"))
            return n->attr[i].i ? 0 : 1;
    return 1;
}

/* Nanoseconds to look at a node. */
#define LOOK 20.0

/* Do layers alone read it, as weights whose outputs lie along the axis? */
static int only_layers(const onnx_graph *g, const char *name, int rank,
                       int axis)
{
    for (size_t i = 0; i < g->output_count; i++)
        if (!strcmp(g->outputs[i].name, name))
            return 0;
    for (size_t i = 0; i < g->node_count; i++) {
        const onnx_node *n = &g->nodes[i];
        for (size_t k = 0; k < n->attrs; k++)
            if (n->attr[k].g) /* who knows what reads it there */
                return 0;
        for (size_t k = 0; k < n->inputs; k++) {
            int out;
            if (strcmp(n->in[k], name))
                continue;
            out = k == 1 ? output_axis(n, rank) : -1;
            if (out < 0 || (axis >= 0 && axis != out))
                return 0;
        }
    }
    return 1;
}

static const onnx_attr *attribute(const onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->attrs; i++)
        if (!strcmp(n->attr[i].name, name))
            return &n->attr[i];
    return NULL;
}

/* The axis that has a scale for each element, -1: one scale, -2: neither. */
static int scale_axis(const onnx_node *n, const onnx_tensor *t,
                      const onnx_value *scale)
{
    const onnx_attr *a = attribute(n, "axis");
    int64_t axis = a ? a->i : 1;
    if (scale->kind != ONNX_CONST || !scale->f)
        return -2;
    if (onnx_elements(scale) == 1)
        return -1;
    axis += axis < 0 ? t->rank : 0;
    if (axis < 0 || axis >= t->rank || scale->rank != 1 ||
        scale->dims[0] != t->dims[axis])
        return -2;
    return (int)axis;
}

onnx_value *onnx_kept_bytes(onnx_run *r, const onnx_scope *s,
                            const onnx_node *node)
{
    const onnx_attr *block = attribute(node, "block_size");
    onnx_tensor *t;
    onnx_value *scale, *zero, *v;
    const uint8_t *bytes;
    int axis;
    if (strcmp(node->op, "DequantizeLinear") || node->domain[0] ||
        node->inputs < 2 || node->outputs != 1 || s->outer || s->function ||
        (block && block->i))
        return NULL;
    t = onnx_unread_tensor(s, node->in[0]);
    if (!t || t->type != ONNX_INT8 || t->count < LEAST_BYTES)
        return NULL;
    scale = onnx_look_up(r, s, node->in[1]);
    zero = node->inputs > 2 && node->in[2][0] ? onnx_look_up(r, s, node->in[2])
                                              : NULL;
    if (!scale || (zero && !onnx_all_zero(zero)))
        return NULL;
    axis = scale_axis(node, t, scale);
    onnx_work(r, LOOK * (double)r->model->graph.node_count);
    if (axis < -1 ||
        !only_layers(&r->model->graph, node->out[0], t->rank, axis))
        return NULL;
    bytes = onnx_tensor_bytes(r->model, t);
    if (!bytes)
        return NULL;
    v = onnx_new(r, ONNX_CONST, ONNX_FLOAT, t->rank, t->dims);
    v->bytes = (const int8_t *)bytes;
    v->byte_scale = scale->f;
    v->byte_axis = axis;
    return v;
}

float onnx_byte_at(const onnx_value *v, int64_t n)
{
    int64_t inner = 1;
    if (v->byte_axis < 0)
        return v->bytes[n] * v->byte_scale[0];
    for (int i = v->rank - 1; i > v->byte_axis; i--)
        inner *= v->dims[i];
    return v->bytes[n] * v->byte_scale[n / inner % v->dims[v->byte_axis]];
}

onnx_value *onnx_solid(onnx_run *r, onnx_value *v)
{
    onnx_value *y;
    if (!v->bytes)
        return v;
    y = onnx_new(r, ONNX_CONST, ONNX_FLOAT, v->rank, v->dims);
    y->f = (float *)(uintptr_t)onnx_floats(r, v);
    return y;
}

int onnx_layer_bytes(onnx_run *r, const onnx_value *v, int axis, ir_bytes *w)
{
    int64_t n = v->dims[axis];
    float *scale;
    if (!v->bytes || (v->byte_axis >= 0 && v->byte_axis != axis))
        return 0;
    w->w = v->bytes;
    w->scale = v->byte_scale;
    if (v->byte_axis < 0) {
        scale = onnx_take(r->pool, (size_t)n, sizeof *scale);
        for (int64_t i = 0; i < n; i++)
            scale[i] = v->byte_scale[0];
        w->scale = scale;
    }
    return 1;
}
