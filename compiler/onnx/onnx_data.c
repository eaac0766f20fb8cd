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
        {"ConvTranspose", 6},
        {"Pad", 4},
        {"Resize", 14},
        {"Upsample", 2},
        {"LSTM", 0xfe},
        {"GRU", 0xfe},
        {"RNN", 0xfe},
        {"BatchNormalization", 30},
        {"MelWeightMatrix", 31},
        {"QLinearConv", 0xfe},
    };
    for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
        if (!strcmp(n->op, weights[k].op) && at < 8 &&
            weights[k].slots >> at & 1u)
            return 1;
    return 0;
}

const char *mlc_onnx_type(int type)
{
    return onnx_type_name(type);
}

static void list_inputs(const onnx_graph *g, mlc_onnx_ports *ports)
{
    for (size_t i = 0; i < g->input_count; i++) {
        mlc_onnx_port *in = &ports->in[ports->inputs];
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
        ports->inputs++;
    }
}

/* Does the graph draw random numbers? */
static int is_random(const onnx_graph *g)
{
    static const char *const ops[] = {"Bernoulli", "Multinomial"};
    for (size_t i = 0; i < g->node_count; i++) {
        if (!strncmp(g->nodes[i].op, "Random", 6))
            return 1;
        for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
            if (!strcmp(g->nodes[i].op, ops[k]))
                return 1;
    }
    return 0;
}

static void list_outputs(const onnx_graph *g, mlc_onnx_ports *ports)
{
    for (size_t i = 0; i < g->output_count; i++) {
        mlc_onnx_port *out = &ports->out[ports->outputs++];
        snprintf(out->name, sizeof out->name, "%.255s", g->outputs[i].name);
        out->type = g->outputs[i].type;
    }
}

mlc_status mlc_onnx_ports_read(const uint8_t *bytes, size_t size,
                               mlc_onnx_ports *ports, mlc_error *error)
{
    reading *r = begin(size, error);
    const onnx_graph *g;
    memset(ports, 0, sizeof *ports);
    if (!r)
        return MLC_MEMORY;
    if (setjmp(r->exit.jump)) {
        end(r);
        return error->status;
    }
    onnx_model_read(&r->model, bytes, size);
    g = &r->model.graph;
    ports->in = calloc(g->input_count + 1, sizeof *ports->in);
    ports->out = calloc(g->output_count + 1, sizeof *ports->out);
    if (ports->in && ports->out) {
        list_inputs(g, ports);
        list_outputs(g, ports);
        ports->random = is_random(g);
        end(r);
        return MLC_OK;
    }
    end(r);
    mlc_onnx_ports_free(ports);
    return mlc_fail(error, MLC_MEMORY, "out of memory");
}

void mlc_onnx_ports_free(mlc_onnx_ports *ports)
{
    free(ports->in);
    free(ports->out);
    memset(ports, 0, sizeof *ports);
}
