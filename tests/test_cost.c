/*
 * test_cost.c - what opening a model takes: at most four times the file's size
 * in memory, and for a megabyte less than 50 ms of processor time.
 *
 * The linker puts the functions here in the place of the C library's (--wrap),
 * so every byte that the compiler has at a time is counted.
 */
#define _POSIX_C_SOURCE 200809L
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "wrapped_memory.h"

#define SIDE     512 /* a square matrix of a megabyte */
#define MEGABYTE (1024 * 1024)
#define REPEATS  5

/* bytes; what the C library took for us is given back here, too: signed */
static long long held, most;

static void *taken(void *p)
{
    held += p ? (long long)malloc_usable_size(p) : 0;
    most = held > most ? held : most;
    return p;
}

void *__wrap_malloc(size_t n)
{
    return taken(__real_malloc(n));
}

void *__wrap_calloc(size_t many, size_t n)
{
    return taken(__real_calloc(many, n));
}

void *__wrap_realloc(void *p, size_t n)
{
    long long old = p ? (long long)malloc_usable_size(p) : 0;
    void *q = __real_realloc(p, n);
    held -= q ? old : 0;
    return taken(q);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return taken(__real_aligned_alloc(alignment, n));
}

void __wrap_free(void *p)
{
    held -= p ? (long long)malloc_usable_size(p) : 0;
    __real_free(p);
}

/* --------------------------------------------------------------- files ---- */

static float weight(unsigned i)
{
    return (float)((i * 2654435761u) >> 8) / 16777216.0f - 0.5f;
}

static void varint(FILE *f, unsigned long long n)
{
    for (; n > 127; n >>= 7)
        fputc((int)(n & 127) | 128, f);
    fputc((int)n, f);
}

/* A field of protobuf that holds bytes. */
static void field(FILE *f, unsigned number, const void *bytes, size_t n)
{
    varint(f, number << 3 | 2);
    varint(f, n);
    fwrite(bytes, 1, n, f);
}

typedef struct message {
    char *bytes;
    size_t size;
    FILE *f;
} message;

static void begin(message *m)
{
    m->f = open_memstream(&m->bytes, &m->size);
    assert_non_null(m->f);
}

static void end(message *m, FILE *to, unsigned number)
{
    fclose(m->f);
    field(to, number, m->bytes, m->size);
    free(m->bytes);
}

static void put_text(FILE *f, unsigned number, const char *text)
{
    field(f, number, text, strlen(text));
}

static void put_number(FILE *f, unsigned number, unsigned long long n)
{
    varint(f, number << 3);
    varint(f, n);
}

/* A float tensor as a graph's input or output; dim 0: dynamic. */
static void put_shape(FILE *graph, unsigned number, const char *name,
                      unsigned rank, const unsigned *dims)
{
    message info, type, tensor, shape, dim;
    begin(&info);
    put_text(info.f, 1, name);
    begin(&type);
    begin(&tensor);
    put_number(tensor.f, 1, 1);
    begin(&shape);
    for (unsigned i = 0; i < rank; i++) {
        begin(&dim);
        if (dims[i])
            put_number(dim.f, 1, dims[i]);
        else
            put_text(dim.f, 2, "time");
        end(&dim, shape.f, 1);
    }
    end(&shape, tensor.f, 2);
    end(&tensor, type.f, 1);
    end(&type, info.f, 2);
    end(&info, graph, number);
}

static void put_port(FILE *graph, unsigned number, const char *name)
{
    const unsigned dims[] = {1, SIDE};
    put_shape(graph, number, name, 2, dims);
}

static void put_weights(FILE *graph, const char *name, unsigned rank,
                        const unsigned *dims)
{
    message tensor, raw;
    unsigned n = 1;
    begin(&tensor);
    for (unsigned i = 0; i < rank; i++) {
        put_number(tensor.f, 1, dims[i]);
        n *= dims[i];
    }
    put_number(tensor.f, 2, 1);
    put_text(tensor.f, 8, name);
    begin(&raw);
    for (unsigned i = 0; i < n; i++) {
        float w = weight(i);
        fwrite(&w, sizeof w, 1, raw.f);
    }
    end(&raw, tensor.f, 9);
    end(&tensor, graph, 5);
}

static void put_opset(FILE *f, const char *domain, unsigned version)
{
    message opset;
    begin(&opset);
    if (domain[0])
        put_text(opset.f, 1, domain);
    put_number(opset.f, 2, version);
    end(&opset, f, 8);
}

static void write_onnx(FILE *f)
{
    const unsigned square[] = {SIDE, SIDE};
    message graph, node;
    put_number(f, 1, 8);
    begin(&graph);
    begin(&node);
    put_text(node.f, 1, "x");
    put_text(node.f, 1, "w");
    put_text(node.f, 2, "y");
    put_text(node.f, 4, "MatMul");
    end(&node, graph.f, 1);
    put_weights(graph.f, "w", 2, square);
    put_port(graph.f, 11, "x");
    put_port(graph.f, 12, "y");
    end(&graph, f, 7);
    put_opset(f, "", 13);
}

#define UNITS 192

/* Time is dynamic, so the graph is walked with two lengths. */
static void write_lstm(FILE *f)
{
    const unsigned x[] = {0, 1, UNITS}, y[] = {0, 1, 1, UNITS};
    const unsigned w[] = {1, 4 * UNITS, UNITS}, b[] = {1, 8 * UNITS};
    message graph, node, attr;
    put_number(f, 1, 8);
    begin(&graph);
    begin(&node);
    put_text(node.f, 1, "x");
    put_text(node.f, 1, "w");
    put_text(node.f, 1, "r");
    put_text(node.f, 1, "b");
    put_text(node.f, 2, "y");
    put_text(node.f, 4, "LSTM");
    begin(&attr);
    put_text(attr.f, 1, "hidden_size");
    put_number(attr.f, 3, UNITS);
    put_number(attr.f, 20, 2);
    end(&attr, node.f, 5);
    end(&node, graph.f, 1);
    put_weights(graph.f, "w", 3, w);
    put_weights(graph.f, "r", 3, w);
    put_weights(graph.f, "b", 2, b);
    put_shape(graph.f, 11, "x", 3, x);
    put_shape(graph.f, 12, "y", 4, y);
    end(&graph, f, 7);
    put_opset(f, "", 13);
}

#define DEPTH 10
#define TREES 13
/* of a tree, in the order of a heap */
#define NODES ((1u << (DEPTH + 1)) - 1)

static int is_leaf(unsigned node)
{
    return node >= NODES / 2;
}

static unsigned long long tree_number(const char *name, unsigned tree,
                                      unsigned node)
{
    if (!strcmp(name, "nodes_treeids") || !strcmp(name, "target_treeids"))
        return tree;
    if (!strcmp(name, "nodes_nodeids") || !strcmp(name, "target_nodeids"))
        return node;
    if (!strcmp(name, "nodes_featureids"))
        return is_leaf(node) ? 0 : node * 7 % SIDE;
    if (!strcmp(name, "nodes_truenodeids"))
        return is_leaf(node) ? 0 : 2 * node + 1;
    if (!strcmp(name, "nodes_falsenodeids"))
        return is_leaf(node) ? 0 : 2 * node + 2;
    return 0;
}

/* One attribute with an entry for each node, or each leaf. */
static void put_trees(FILE *node, const char *name, unsigned kind)
{
    message attr;
    begin(&attr);
    put_text(attr.f, 1, name);
    for (unsigned i = 0; i < TREES * NODES; i++) {
        float w = weight(i);
        if (name[0] == 't' && !is_leaf(i % NODES))
            continue;
        if (kind == 8)
            put_number(attr.f, 8, tree_number(name, i / NODES, i % NODES));
        else if (kind == 9)
            put_text(attr.f, 9, is_leaf(i % NODES) ? "LEAF" : "BRANCH_LEQ");
        else {
            varint(attr.f, 7 << 3 | 5);
            fwrite(&w, 1, sizeof w, attr.f);
        }
    }
    end(&attr, node, 5);
}

/* As skl2onnx writes a forest. */
static void write_trees(FILE *f)
{
    static const char *const ints[] = {"nodes_falsenodeids",
                                       "nodes_featureids",
                                       "nodes_missing_value_tracks_true",
                                       "nodes_nodeids",
                                       "nodes_treeids",
                                       "nodes_truenodeids",
                                       "target_ids",
                                       "target_nodeids",
                                       "target_treeids"};
    message graph, node;
    put_number(f, 1, 8);
    begin(&graph);
    begin(&node);
    put_text(node.f, 1, "x");
    put_text(node.f, 2, "y");
    put_text(node.f, 4, "TreeEnsembleRegressor");
    put_text(node.f, 7, "ai.onnx.ml");
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        put_trees(node.f, ints[i], 8);
    put_trees(node.f, "nodes_modes", 9);
    put_trees(node.f, "nodes_values", 7);
    put_trees(node.f, "nodes_hitrates", 7);
    put_trees(node.f, "target_weights", 7);
    end(&node, graph.f, 1);
    put_port(graph.f, 11, "x");
    put_port(graph.f, 12, "y");
    end(&graph, f, 7);
    put_opset(f, "ai.onnx.ml", 1);
}

/* ------------------------------------------------------ 8-bit weights ---- */

#define WIDE 1024 /* a square matrix of a megabyte of bytes */

static void put_bytes_tensor(FILE *graph, const char *name, unsigned side)
{
    message tensor, raw;
    begin(&tensor);
    for (int i = 0; i < 2; i++)
        put_number(tensor.f, 1, side);
    put_number(tensor.f, 2, 3);
    put_text(tensor.f, 8, name);
    begin(&raw);
    for (unsigned i = 0; i < side * side; i++)
        fputc((int)(weight(i) * 254.0f) & 255, raw.f);
    end(&raw, tensor.f, 9);
    end(&tensor, graph, 5);
}

static void put_scalar(FILE *graph, const char *name, unsigned type,
                       const void *bytes, size_t n)
{
    message tensor;
    begin(&tensor);
    put_number(tensor.f, 2, type);
    put_text(tensor.f, 8, name);
    field(tensor.f, 9, bytes, n);
    end(&tensor, graph, 5);
}

static void put_node(FILE *graph, const char *op, const char *const *in,
                     int inputs, const char *out)
{
    message node;
    begin(&node);
    for (int i = 0; i < inputs; i++)
        put_text(node.f, 1, in[i]);
    put_text(node.f, 2, out);
    put_text(node.f, 4, op);
    end(&node, graph, 1);
}

/* As onnxruntime's quantiser writes a dense layer. */
static void write_qdq(FILE *f)
{
    static const char *const x[] = {"x", "s", "z"}, *const q[] = {"q", "s",
                                                                  "z"};
    static const char *const w[] = {"wq", "s", "z"}, *const m[] = {"r", "w"};
    const unsigned dims[] = {1, WIDE};
    const float scale = 0.02f;
    message graph;
    put_number(f, 1, 8);
    begin(&graph);
    put_node(graph.f, "QuantizeLinear", x, 3, "q");
    put_node(graph.f, "DequantizeLinear", q, 3, "r");
    put_node(graph.f, "DequantizeLinear", w, 3, "w");
    put_node(graph.f, "MatMul", m, 2, "y");
    put_bytes_tensor(graph.f, "wq", WIDE);
    put_scalar(graph.f, "s", 1, &scale, sizeof scale);
    put_scalar(graph.f, "z", 3, "", 1);
    put_shape(graph.f, 11, "x", 2, dims);
    put_shape(graph.f, 12, "y", 2, dims);
    end(&graph, f, 7);
    put_opset(f, "", 13);
}

/* ------------------------------------------------- small weights, all ---- */

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, HALF = 10, BFLOAT = 16 };

#define CHANNELS 128 /* of convolutions */
#define TAPS     3
#define HIDDEN   256 /* units of recurrent layers */

/* A number of a type: halves from subnormal ones up to 2, bytes from end to
   end. */
static void put_one(FILE *f, int type, unsigned i)
{
    unsigned r = (i * 2654435761u) >> 8;
    float w = weight(i);
    if (type == FLOAT) {
        fwrite(&w, 4, 1, f);
        return;
    }
    if (type == HALF)
        r = (r & 0x83ff) | (r >> 11 & 15) << 10;
    else if (type == BFLOAT)
        r = (r & 0x80ff) | (0x3b00 + (r >> 9 & 3 << 8));
    fputc((int)(r & 255), f);
    if (type == HALF || type == BFLOAT)
        fputc((int)(r >> 8 & 255), f);
}

/* The dims end with 0. */
static void put_tensor(FILE *graph, const char *name, int type,
                       const unsigned *dims)
{
    message tensor, raw;
    unsigned n = 1;
    begin(&tensor);
    for (; *dims; dims++) {
        put_number(tensor.f, 1, *dims);
        n *= *dims;
    }
    put_number(tensor.f, 2, (unsigned)type);
    put_text(tensor.f, 8, name);
    begin(&raw);
    for (unsigned i = 0; i < n; i++)
        put_one(raw.f, type, i);
    end(&raw, tensor.f, 9);
    end(&tensor, graph, 5);
}

/* An attribute of integers; many: a list. */
typedef struct attribute {
    const char *name;
    int many, n[4];
} attribute;

static void put_op(FILE *graph, const char *op, const char *const *in,
                   int inputs, const char *const *out, int outputs,
                   const attribute *a)
{
    message node, attr;
    begin(&node);
    for (int i = 0; i < inputs; i++)
        put_text(node.f, 1, in[i]);
    for (int i = 0; i < outputs; i++)
        put_text(node.f, 2, out[i]);
    put_text(node.f, 4, op);
    for (; a && a->name; a++) {
        begin(&attr);
        put_text(attr.f, 1, a->name);
        put_number(attr.f, a->many ? 8 : 3, (unsigned)a->n[0]);
        for (int i = 1; i < a->many; i++)
            put_number(attr.f, 8, (unsigned)a->n[i]);
        put_number(attr.f, 20, a->many ? 7 : 2);
        end(&attr, node.f, 5);
    }
    if (!strncmp(op, "DynamicQuantizeLSTM", 19))
        put_text(node.f, 7, "com.microsoft");
    end(&node, graph, 1);
}

static void put_name(char *to, const char *name, int i)
{
    sprintf(to, "%s%d", name, i);
}

/* An input or output of a type; dim -1 is dynamic, the dims end with 0. */
static void put_typed(FILE *graph, unsigned number, const char *name, int type,
                      const int *dims)
{
    message info, t, tensor, shape, dim;
    begin(&info);
    put_text(info.f, 1, name);
    begin(&t);
    begin(&tensor);
    put_number(tensor.f, 1, (unsigned)type);
    begin(&shape);
    for (; *dims; dims++) {
        begin(&dim);
        if (*dims > 0)
            put_number(dim.f, 1, (unsigned)*dims);
        else
            put_text(dim.f, 2, "time");
        end(&dim, shape.f, 1);
    }
    end(&shape, tensor.f, 2);
    end(&tensor, t.f, 1);
    end(&t, info.f, 2);
    end(&info, graph, number);
}

/* How layers get their weights, and which layers they are. */
typedef enum layer {
    DENSE,
    CONV_TIME,
    CONV_IMAGE,
    STRIDED,          /* along time */
    TRANSPOSED,       /* along time */
    TRANSPOSED_IMAGE, /* to many channels */
    LAYERS
} layer;

typedef enum way {
    PLAIN,   /* as they are */
    QDQ,     /* DequantizeLinear, a scale for all */
    QDQ_ROW, /* one for each output, along axis 0 */
    QLINEAR, /* QLinearMatMul, QLinearConv */
    INTEGER, /* DynamicQuantizeLinear, MatMulInteger, ConvInteger */
    FAKE     /* float weights that are quantised in the graph */
} way;

typedef struct kind {
    const char *name;
    layer layer;
    way way;
    int type, zero; /* of the weights, and their zero point */
} kind;

static const unsigned shapes[LAYERS][5] = {
    {SIDE, SIDE, 0},
    {CHANNELS, CHANNELS, TAPS, 0},
    {CHANNELS, CHANNELS, TAPS, TAPS, 0},
    {CHANNELS, CHANNELS, 4, 0},
    {CHANNELS, CHANNELS, 4, 0},
    {CHANNELS, CHANNELS, 4, 4, 0},
};
static const attribute attributes[LAYERS][2] = {
    {{NULL, 0, {0}}},
    {{"pads", 2, {TAPS - 1, 0}}},
    {{"pads", 4, {1, 1, 1, 1}}},
    {{"strides", 1, {2}}},
    {{"strides", 1, {2}}},
    {{"strides", 2, {1, 1}}},
};
static const int ports[LAYERS][5] = {
    {1, SIDE},         {1, CHANNELS, -1}, {1, CHANNELS, 4, 4},
    {1, CHANNELS, -1}, {1, CHANNELS, -1}, {1, CHANNELS, 14, 14},
};

/* The layer number i of x: y. */
static void put_layer(FILE *g, const kind *k, int i, const char *x,
                      const char *y)
{
    static const char *const ops[LAYERS] = {
        "MatMul", "Conv", "Conv", "Conv", "ConvTranspose", "ConvTranspose"};
    const attribute row[] = {{"axis", 0, {0}}, {NULL, 0, {0}}};
    const attribute *a = attributes[k->layer];
    char w[16], d[16], q[16], s[16], z[16], m[16], f[16];
    put_name(w, "w", i);
    put_name(d, "d", i);
    put_name(q, "q", i);
    put_name(s, "s", i);
    put_name(z, "z", i);
    put_name(m, "m", i);
    put_name(f, "f", i);
    put_tensor(g, w, k->way == FAKE ? FLOAT : k->type, shapes[k->layer]);
    if (k->way == PLAIN) {
        put_op(g, ops[k->layer], (const char *[]){x, w}, 2, (const char *[]){y},
               1, a);
    } else if (k->way == QLINEAR) {
        put_op(g, k->layer == DENSE ? "QLinearMatMul" : "QLinearConv",
               (const char *[]){x, "s", "xz", w, "s", "z", "s", "xz"}, 8,
               (const char *[]){y}, 1, a);
    } else if (k->way == INTEGER) {
        put_op(g, "DynamicQuantizeLinear", (const char *[]){x}, 1,
               (const char *[]){q, s, z}, 3, NULL);
        put_op(g, k->layer == DENSE ? "MatMulInteger" : "ConvInteger",
               (const char *[]){q, w, z, "z"}, 4, (const char *[]){m}, 1, a);
        put_op(g, "Cast", (const char *[]){m}, 1, (const char *[]){f}, 1,
               (const attribute[]){{"to", 0, {FLOAT}}, {NULL, 0, {0}}});
        put_op(g, "Mul", (const char *[]){f, s}, 2, (const char *[]){y}, 1,
               NULL);
    } else {
        if (k->way == FAKE)
            put_op(g, "QuantizeLinear", (const char *[]){w, "s", "z"}, 3,
                   (const char *[]){q}, 1, NULL);
        put_op(g, "DequantizeLinear",
               (const char *[]){k->way == FAKE ? q : w,
                                k->way == QDQ_ROW ? "ss" : "s",
                                k->way == QDQ_ROW ? "zz" : "z"},
               3, (const char *[]){d}, 1, k->way == QDQ_ROW ? row : NULL);
        put_op(g, ops[k->layer], (const char *[]){x, d}, 2, (const char *[]){y},
               1, a);
    }
}

/* Scales and zero points: s, z, for each output ss, zz; the input's xz. */
static void put_scales(FILE *g, const kind *k)
{
    const float scale = 0.001f;
    const unsigned outputs[] = {shapes[k->layer][0], 0};
    const unsigned char zero = (unsigned char)k->zero, middle = 128;
    message tensor, raw;
    put_scalar(g, "s", FLOAT, &scale, sizeof scale);
    put_scalar(g, "z", (unsigned)k->type, &zero, 1);
    put_scalar(g, "xz", UINT8, &middle, 1);
    put_tensor(g, "ss", FLOAT, outputs);
    begin(&tensor);
    put_number(tensor.f, 1, outputs[0]);
    put_number(tensor.f, 2, (unsigned)k->type);
    put_text(tensor.f, 8, "zz");
    begin(&raw);
    for (unsigned i = 0; i < outputs[0]; i++)
        fputc(k->zero, raw.f);
    end(&raw, tensor.f, 9);
    end(&tensor, g, 5);
}

static const kind *current;

/* As many layers as make a megabyte. */
static void write_kind(FILE *f)
{
    const kind *k = current;
    int type = k->way == PLAIN ? k->type : FLOAT, layers;
    unsigned bytes = k->type == HALF || k->type == BFLOAT ? 2 : 1;
    char x[16] = "x", y[16];
    message graph;
    for (int i = 0; shapes[k->layer][i]; i++)
        bytes *= shapes[k->layer][i];
    bytes *= k->way == FAKE ? 4 : 1;
    layers = (int)(MEGABYTE / bytes) + 1;
    put_number(f, 1, 8);
    begin(&graph);
    put_scales(graph.f, k);
    if (k->way == QLINEAR) {
        put_op(graph.f, "QuantizeLinear", (const char *[]){"x", "s", "xz"}, 3,
               (const char *[]){"v"}, 1, NULL);
        strcpy(x, "v");
    }
    for (int i = 0; i < layers; i++, strcpy(x, y)) {
        put_name(y, "y", i);
        if (i + 1 == layers)
            strcpy(y, k->way == QLINEAR ? "u" : "y");
        put_layer(graph.f, k, i, x, y);
    }
    if (k->way == QLINEAR)
        put_op(graph.f, "DequantizeLinear", (const char *[]){"u", "s", "xz"}, 3,
               (const char *[]){"y"}, 1, NULL);
    put_typed(graph.f, 11, "x", type, ports[k->layer]);
    put_typed(graph.f, 12, "y", type, ports[k->layer]);
    end(&graph, f, 7);
    put_opset(f, "", 13);
}

static void write_half_lstm(FILE *f)
{
    const unsigned w[] = {1, 4 * HIDDEN, HIDDEN, 0}, b[] = {1, 8 * HIDDEN, 0};
    const attribute a[] = {{"hidden_size", 0, {HIDDEN}}, {NULL, 0, {0}}};
    message graph;
    put_number(f, 1, 8);
    begin(&graph);
    put_op(graph.f, "LSTM", (const char *[]){"x", "w", "r", "b"}, 4,
           (const char *[]){"y"}, 1, a);
    put_tensor(graph.f, "w", HALF, w);
    put_tensor(graph.f, "r", HALF, w);
    put_tensor(graph.f, "b", HALF, b);
    put_typed(graph.f, 11, "x", HALF, (const int[]){-1, 1, HIDDEN, 0});
    put_typed(graph.f, 12, "y", HALF, (const int[]){-1, 1, 1, HIDDEN, 0});
    end(&graph, f, 7);
    put_opset(f, "", 14);
}

/* As onnxruntime's quantiser writes it. */
static void write_quantised_lstm(FILE *f)
{
    const unsigned units = 2 * HIDDEN, columns[] = {1, 4 * units, 0};
    const unsigned w[] = {1, HIDDEN, 4 * units, 0},
                   r[] = {1, units, 4 * units, 0};
    const attribute a[] = {{"hidden_size", 0, {2 * HIDDEN}}, {NULL, 0, {0}}};
    message graph;
    put_number(f, 1, 8);
    begin(&graph);
    put_op(
        graph.f, "DynamicQuantizeLSTM",
        (const char *[]){"x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"},
        12, (const char *[]){"y"}, 1, a);
    put_tensor(graph.f, "w", INT8, w);
    put_tensor(graph.f, "r", INT8, r);
    put_tensor(graph.f, "s", FLOAT, columns);
    put_scalar(graph.f, "z", INT8, "", 1);
    put_typed(graph.f, 11, "x", FLOAT, (const int[]){-1, 1, HIDDEN, 0});
    put_typed(graph.f, 12, "y", FLOAT, (const int[]){-1, 1, 1, 2 * HIDDEN, 0});
    end(&graph, f, 7);
    put_opset(f, "", 14);
    put_opset(f, "com.microsoft", 1);
}

/* A flatbuffer, from its front to its end: what is pointed to comes later. */
typedef struct flat {
    unsigned char *bytes;
    unsigned size;
} flat;

static void flat_put(flat *b, unsigned at, unsigned value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        b->bytes[at + i] = (unsigned char)(value >> (8 * i));
}

static unsigned flat_more(flat *b, unsigned n)
{
    unsigned at = (b->size + 15) / 16 * 16;
    b->size = at + n;
    return at;
}

/* Let what is at `from` point to `to`. */
static void flat_link(flat *b, unsigned from, unsigned to)
{
    flat_put(b, from, to - from, 4);
}

/* A table of `fields` numbers of 4 bytes, of which the bits of `there` are
   there; answers where the first would be. */
static unsigned flat_table(flat *b, unsigned fields, unsigned there)
{
    unsigned at = flat_more(b, 4 + 4 * fields);
    unsigned v = flat_more(b, 4 + 2 * fields);
    flat_put(b, at, at - v, 4);
    flat_put(b, v, 4 + 2 * fields, 2);
    flat_put(b, v + 2, 4 + 4 * fields, 2);
    for (unsigned i = 0; i < fields; i++)
        flat_put(b, v + 4 + 2 * i, there >> i & 1 ? 4 + 4 * i : 0, 2);
    return at + 4;
}

/* The table that begins 4 bytes before its first field. */
static void flat_link_table(flat *b, unsigned from, unsigned first_field)
{
    flat_link(b, from, first_field - 4);
}

/* Elements begin 4 bytes later; `from` points to the vector. */
static unsigned flat_vector(flat *b, unsigned from, unsigned count,
                            unsigned width)
{
    unsigned at = flat_more(b, 12 + count * width) + 8;
    /* 8-byte elements lie at multiples of 8 */
    at += width == 8 ? 4 : 0;
    b->size = at + 4 + count * width;
    flat_put(b, at, count, 4);
    flat_link(b, from, at);
    return at + 4;
}

static void flat_tensor(flat *b, unsigned from, unsigned rows, unsigned buffer,
                        unsigned scale_bits)
{
    unsigned t = flat_table(b, 5, 0x17), q, v;
    flat_link_table(b, from, t);
    v = flat_vector(b, t, 2, 4);
    flat_put(b, v, rows, 4);
    flat_put(b, v + 4, WIDE, 4);
    flat_put(b, t + 4, 9, 1); /* int8 */
    flat_put(b, t + 8, buffer, 4);
    q = flat_table(b, 4, 0xc);
    flat_link_table(b, t + 16, q);
    flat_put(b, flat_vector(b, q + 8, 1, 4), scale_bits, 4);
    flat_vector(b, q + 12, 1, 8);
}

static void flat_list(flat *b, unsigned from, unsigned count, unsigned first)
{
    unsigned v = flat_vector(b, from, count, 4);
    for (unsigned i = 0; i < count; i++)
        flat_put(b, v + 4 * i, first + i, 4);
}

static void write_tflite(FILE *f)
{
    enum { ROOM = WIDE * WIDE + 4096, SCALE = 0x3ca3d70a /* 0.02 */ };
    flat b = {calloc(ROOM, 1), 8};
    unsigned model, code, graph, tensors, op, buffers, v;
    assert_non_null(b.bytes);
    memcpy(b.bytes + 4, "TFL3", 4);
    model = flat_table(&b, 5, 0x17);
    flat_link_table(&b, 0, model);
    flat_put(&b, model, 3, 4);
    v = flat_vector(&b, model + 4, 1, 4);
    code = flat_table(&b, 4, 0xd);
    flat_link_table(&b, v, code);
    flat_put(&b, code, 9, 1); /* FULLY_CONNECTED */
    flat_put(&b, code + 8, 1, 4);
    flat_put(&b, code + 12, 9, 4);
    v = flat_vector(&b, model + 8, 1, 4);
    graph = flat_table(&b, 4, 0xf);
    flat_link_table(&b, v, graph);
    tensors = flat_vector(&b, graph, 3, 4);
    flat_tensor(&b, tensors, 1, 0, SCALE);
    flat_tensor(&b, tensors + 4, WIDE, 1, SCALE);
    flat_tensor(&b, tensors + 8, 1, 0, 0x3f800000);
    flat_list(&b, graph + 4, 1, 0);
    flat_list(&b, graph + 8, 1, 2);
    v = flat_vector(&b, graph + 12, 1, 4);
    op = flat_table(&b, 3, 0x7);
    flat_link_table(&b, v, op);
    flat_list(&b, op + 4, 2, 0);
    flat_list(&b, op + 8, 1, 2);
    buffers = flat_vector(&b, model + 16, 2, 4);
    flat_link_table(&b, buffers, flat_table(&b, 1, 0));
    v = flat_table(&b, 1, 1);
    flat_link_table(&b, buffers + 4, v);
    v = flat_vector(&b, v, WIDE * WIDE, 1);
    for (unsigned i = 0; i < WIDE * WIDE; i++)
        b.bytes[v + i] = (unsigned char)(int)(weight(i) * 254.0f);
    fwrite(b.bytes, 1, b.size, f);
    free(b.bytes);
}

/* A WaveNet would be warmed up, which costs time of its own. */
static void write_nam(FILE *f)
{
    unsigned taps = 80000;
    fprintf(f,
            "{\"version\":\"0.5.4\",\"architecture\":\"Linear\",\"config\":"
            "{\"receptive_field\":%u,\"bias\":false},\"weights\":[",
            taps);
    for (unsigned i = 0; i < taps; i++)
        fprintf(f, "%s%.8f", i ? ", " : "", (double)weight(i) / taps);
    fputs("]}", f);
}

/* Nested arrays of rows x columns numbers. */
static void matrix(FILE *f, unsigned rows, unsigned columns)
{
    for (unsigned r = 0; r < rows; r++) {
        fputs(r ? "], [" : "[[", f);
        for (unsigned c = 0; c < columns; c++)
            fprintf(f, "%s%.8f", c ? ", " : "",
                    (double)weight(r * columns + c));
    }
    fputs("]]", f);
}

static void write_rtneural(FILE *f)
{
    unsigned units = 160;
    fputs("{\"in_shape\": [null, null, 1], \"layers\": [{\"type\": \"gru\", "
          "\"activation\": \"tanh\", \"weights\": [",
          f);
    matrix(f, 1, 3 * units);
    fputs(", ", f);
    matrix(f, units, 3 * units);
    fputs(", ", f);
    matrix(f, 2, 3 * units);
    fputs("]}]}", f);
}

static void write_state_dict(FILE *f)
{
    unsigned units = 140;
    fprintf(f,
            "{\"model_data\": {\"hidden_size\": %u}, \"state_dict\": "
            "{\"rec.weight_ih_l0\": ",
            units);
    matrix(f, 4 * units, 1);
    fputs(", \"rec.weight_hh_l0\": ", f);
    matrix(f, 4 * units, units);
    fputs(", \"lin.weight\": ", f);
    matrix(f, 1, units);
    fputs("}}", f);
}

/* ------------------------------------------------------------- measure ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void opens_cheaply(const char *name, void (*write)(FILE *f))
{
    char path[] = "/tmp/mlinfer-cost-XXXXXX";
    int file = mkstemp(path);
    FILE *f = file >= 0 ? fdopen(file, "wb") : NULL;
    double best = 1e9;
    struct stat s;
    assert_non_null(f);
    write(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(stat(path, &s), 0);
    for (int i = 0; i < REPEATS; i++) {
        mlc_image image;
        mlc_error error;
        long long before = most = held;
        double start = now(), took;
        if (mlc_load(path, NULL, &image, &error) != MLC_OK)
            fail_msg("%s: %s", name, error.text);
        took = now() - start;
        best = took < best ? took : best;
        mlc_image_free(&image);
        assert_int_equal(held, before);
        most -= before;
    }
    unlink(path);
    print_message("%s: %.2f MB, %.1f ms, %.2f times its size in memory\n", name,
                  (double)s.st_size / MEGABYTE, best * 1e3,
                  (double)most / (double)s.st_size);
    assert_true(s.st_size > MEGABYTE * 3 / 4);
    assert_true(best < 0.050 * (double)s.st_size / MEGABYTE + 0.005);
    assert_true(most <= 4 * (long long)s.st_size);
    assert_true(most > 0); /* it is counted */
}

static void onnx_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("ONNX", write_onnx);
}

static void lstm_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("LSTM", write_lstm);
}

static void trees_open_cheaply(void **state)
{
    (void)state;
    opens_cheaply("trees", write_trees);
}

static void nam_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("NAM", write_nam);
}

static void rtneural_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("RTNeural", write_rtneural);
}

static void guitarml_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("GuitarML", write_state_dict);
}

static void qdq_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("QDQ", write_qdq);
}

static void tflite_opens_cheaply(void **state)
{
    (void)state;
    opens_cheaply("TensorFlow Lite", write_tflite);
}

static void all_kinds_open_cheaply(void **state)
{
    static const kind kinds[] = {
        {"float16", DENSE, PLAIN, HALF, 0},
        {"bfloat16", DENSE, PLAIN, BFLOAT, 0},
        {"float16 along time", CONV_TIME, PLAIN, HALF, 0},
        {"float16 images", CONV_IMAGE, PLAIN, HALF, 0},
        {"float16 strided", STRIDED, PLAIN, HALF, 0},
        {"float16 transposed", TRANSPOSED, PLAIN, HALF, 0},
        {"float16 transposed images", TRANSPOSED_IMAGE, PLAIN, HALF, 0},
        {"QDQ, zero 128", DENSE, QDQ, UINT8, 128},
        {"QDQ, zero 120", DENSE, QDQ, UINT8, 120},
        {"QDQ, zero 3", DENSE, QDQ, INT8, 3},
        {"QDQ along time", CONV_TIME, QDQ_ROW, INT8, 0},
        {"QDQ along time, zero 120", CONV_TIME, QDQ, UINT8, 120},
        {"QDQ images", CONV_IMAGE, QDQ_ROW, INT8, 0},
        {"QDQ images, zero 120", CONV_IMAGE, QDQ, UINT8, 120},
        {"QDQ transposed", TRANSPOSED, QDQ, INT8, 0},
        {"QLinearMatMul", DENSE, QLINEAR, INT8, 0},
        {"QLinearMatMul, zero 120", DENSE, QLINEAR, UINT8, 120},
        {"QLinearConv along time", CONV_TIME, QLINEAR, INT8, 0},
        {"QLinearConv", CONV_IMAGE, QLINEAR, UINT8, 128},
        {"MatMulInteger", DENSE, INTEGER, INT8, 0},
        {"MatMulInteger, zero 120", DENSE, INTEGER, UINT8, 120},
        {"ConvInteger", CONV_IMAGE, INTEGER, INT8, 0},
        {"QuantizeLinear of weights", DENSE, FAKE, INT8, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        current = &kinds[i];
        opens_cheaply(current->name, write_kind);
    }
    opens_cheaply("float16 LSTM", write_half_lstm);
    opens_cheaply("DynamicQuantizeLSTM", write_quantised_lstm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx_opens_cheaply),
        cmocka_unit_test(lstm_opens_cheaply),
        cmocka_unit_test(qdq_opens_cheaply),
        cmocka_unit_test(tflite_opens_cheaply),
        cmocka_unit_test(all_kinds_open_cheaply),
        cmocka_unit_test(trees_open_cheaply),
        cmocka_unit_test(nam_opens_cheaply),
        cmocka_unit_test(rtneural_opens_cheaply),
        cmocka_unit_test(guitarml_opens_cheaply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
