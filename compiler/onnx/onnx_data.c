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
    r->pool.limit = onnx_allowed(MEMORY, 64, size);
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
        {"ConvInteger", 14},
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

/* Inputs of these operators that decide shapes. */
static int is_shape(const onnx_node *n, size_t at)
{
    static const struct {
        const char *op;
        unsigned slots;
    } shapes[] = {
        {"BlackmanWindow", 1},
        {"CenterCropPad", 2},
        {"Col2Im", 6},
        {"Compress", 2},
        {"ConstantOfShape", 1},
        {"CumProd", 2},
        {"CumSum", 2},
        {"DFT", 6},
        {"Dropout", 6},
        {"Expand", 2},
        {"HammingWindow", 1},
        {"HannWindow", 1},
        {"If", 1},
        {"Loop", 3},
        {"MaxUnpool", 4},
        {"MelWeightMatrix", 31},
        {"OneHot", 2},
        {"Pad", 10},
        {"Range", 7},
        {"Reshape", 2},
        {"Resize", 14},
        {"STFT", 10},
        {"Slice", 30},
        {"Split", 2},
        {"Squeeze", 2},
        {"Tile", 2},
        {"TopK", 2},
        {"Trilu", 2},
        {"Unsqueeze", 2},
        {"Upsample", 2},
    };
    if (!strncmp(n->op, "Reduce", 6))
        return at == 1;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        if (!strcmp(n->op, shapes[k].op) && at < 8 &&
            shapes[k].slots >> at & 1u)
            return 1;
    return 0;
}

/* Names whose numbers decide shapes somewhere. */
typedef struct names {
    const char **of;
    size_t count, room;
} names;

static int has_name(const names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->of[i], name))
            return 1;
    return 0;
}

static void add_name(names *n, const char *name)
{
    if (!name[0] || n->count == n->room || has_name(n, name))
        return;
    n->of[n->count++] = name;
}

static size_t count_inputs(const onnx_graph *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        n += g->nodes[i].inputs;
        for (size_t k = 0; k < g->nodes[i].attrs; k++)
            if (g->nodes[i].attr[k].g)
                n += count_inputs(g->nodes[i].attr[k].g);
    }
    return n;
}

/* From the last node to the first: what decides a shape, and all that it is
   computed from; a shape is known without the numbers. */
static void find_shapes(const onnx_graph *g, names *wanted)
{
    for (size_t i = g->node_count; i-- > 0;) {
        const onnx_node *n = &g->nodes[i];
        int needed = 0;
        for (size_t k = 0; k < n->attrs; k++)
            if (n->attr[k].g)
                find_shapes(n->attr[k].g, wanted);
        for (size_t k = 0; k < n->outputs; k++)
            needed |= n->out[k][0] && has_name(wanted, n->out[k]);
        if (!strcmp(n->op, "Shape") || !strcmp(n->op, "Size"))
            continue;
        for (size_t k = 0; k < n->inputs; k++)
            if (needed || is_shape(n, k))
                add_name(wanted, n->in[k]);
    }
}

const char *mlc_onnx_type(int type)
{
    return onnx_type_name(type);
}

static void list_inputs(reading *r, const onnx_graph *g, mlc_onnx_ports *ports)
{
    names wanted = {NULL, 0, count_inputs(g)};
    wanted.of = onnx_take(&r->pool, wanted.room, sizeof *wanted.of);
    find_shapes(g, &wanted);
    for (size_t i = 0; i < g->input_count; i++) {
        mlc_onnx_port *in = &ports->in[ports->inputs];
        if (onnx_is_initializer(g, g->inputs[i].name))
            continue;
        snprintf(in->name, sizeof in->name, "%.255s", g->inputs[i].name);
        in->type = g->inputs[i].type;
        for (size_t k = 0; k < g->node_count; k++)
            for (size_t j = 0; j < g->nodes[k].inputs; j++)
                if (!strcmp(g->nodes[k].in[j], g->inputs[i].name))
                    in->used_as_weights |= is_weights(&g->nodes[k], j);
        in->decides_shapes = has_name(&wanted, in->name);
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
        list_inputs(r, g, ports);
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
