/* onnx_data.c - see onnx_data.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_data.h"
#include "onnx_model.h"

#define MEMORY ((size_t)1 << 26)

/* Apart from the stack: a jump leaves it as it is. */
typedef struct reading {
    onnx_exit exit;
    onnx_pool pool;
    onnx_model model;
    onnx_tensor tensor;
} reading;

static reading *begin(size_t size, mlc_error *error)
{
    reading *r = calloc(1, sizeof *r);
    if (!r) {
        mlc_fail(error, MLC_MEMORY, "out of memory");
        return NULL;
    }
    r->exit.error = error;
    r->pool.limit = MEMORY + 64 * size;
    r->pool.exit = &r->exit;
    r->model.exit = &r->exit;
    r->model.pool = &r->pool;
    return r;
}

static void end(reading *r)
{
    onnx_pool_free(&r->pool);
    free(r);
}

static void *owned(const void *from, uint64_t count, size_t size)
{
    void *copy = malloc(count ? count * size : 1);
    if (copy && count)
        memcpy(copy, from, count * size);
    return copy;
}

mlc_status mlc_onnx_tensor_read(const uint8_t *bytes, size_t size,
                                mlc_onnx_tensor *tensor, mlc_error *error)
{
    reading *r = begin(size, error);
    onnx_tensor *t;
    memset(tensor, 0, sizeof *tensor);
    if (!r)
        return MLC_MEMORY;
    if (setjmp(r->exit.jump)) {
        end(r);
        return error->status;
    }
    t = &r->tensor;
    onnx_tensor_parse(
        &r->model,
        (onnx_reader){bytes, bytes + size, bytes, "the tensor", &r->exit}, t);
    onnx_tensor_read(&r->model, t);
    snprintf(tensor->name, sizeof tensor->name, "%.255s", t->name);
    snprintf(tensor->type_name, sizeof tensor->type_name, "%s",
             onnx_type_name(t->type));
    tensor->type = t->type;
    tensor->rank = t->rank;
    memcpy(tensor->dims, t->dims, sizeof tensor->dims);
    tensor->count = t->count;
    if (t->f)
        tensor->f = owned(t->f, t->count, sizeof *t->f);
    else
        tensor->i = owned(t->i, t->count, sizeof *t->i);
    end(r);
    if (!tensor->f && !tensor->i)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    return MLC_OK;
}

void mlc_onnx_tensor_free(mlc_onnx_tensor *tensor)
{
    free(tensor->f);
    free(tensor->i);
    tensor->f = NULL;
    tensor->i = NULL;
}

/* Inputs of these operators that must be constant. */
static int is_weights(const onnx_node *n, size_t at)
{
    static const struct {
        const char *op;
        unsigned slots;
    } weights[] = {
        {"Conv", 6},
        {"LSTM", 0xfe},
        {"GRU", 0xfe},
        {"RNN", 0xfe},
        {"BatchNormalization", 30},
    };
    for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
        if (!strcmp(n->op, weights[k].op) && at < 8 &&
            weights[k].slots >> at & 1u)
            return 1;
    return 0;
}

static void list_inputs(const onnx_graph *g, mlc_onnx_input *list,
                        size_t *count)
{
    for (size_t i = 0; i < g->input_count; i++) {
        mlc_onnx_input *in = &list[*count];
        int taken = 0;
        for (size_t k = 0; k < g->tensor_count; k++)
            taken |= !strcmp(g->tensors[k].name, g->inputs[i].name);
        if (taken)
            continue;
        snprintf(in->name, sizeof in->name, "%.255s", g->inputs[i].name);
        in->type = g->inputs[i].type;
        for (size_t k = 0; k < g->node_count; k++)
            for (size_t j = 0; j < g->nodes[k].inputs; j++)
                if (!strcmp(g->nodes[k].in[j], g->inputs[i].name))
                    in->used_as_weights |= is_weights(&g->nodes[k], j);
        ++*count;
    }
}

mlc_status mlc_onnx_inputs(const uint8_t *bytes, size_t size,
                           mlc_onnx_input **inputs, size_t *count,
                           size_t *outputs, mlc_error *error)
{
    reading *r = begin(size, error);
    *inputs = NULL;
    *count = *outputs = 0;
    if (!r)
        return MLC_MEMORY;
    if (setjmp(r->exit.jump)) {
        end(r);
        return error->status;
    }
    onnx_model_read(&r->model, bytes, size);
    *inputs = calloc(r->model.graph.input_count + 1, sizeof **inputs);
    if (*inputs)
        list_inputs(&r->model.graph, *inputs, count);
    *outputs = r->model.graph.output_count;
    end(r);
    return *inputs ? MLC_OK : mlc_fail(error, MLC_MEMORY, "out of memory");
}
