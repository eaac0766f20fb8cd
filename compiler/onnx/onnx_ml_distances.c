/* onnx_ml_distances.c - distances between rows, written as a Scan. */
#include <math.h>
#include <string.h>
#include "onnx_ml.h"

/* What a name in the body stands for. */
typedef enum meaning {
    UNKNOWN,
    ALL_ROWS, /* the state that is handed on: one operand */
    ONE_ROW,  /* of the other */
    DIFFERENCE,
    ABSOLUTE,
    POWER,
    DISTANCE /* summed over the columns */
} meaning;

#define MAX_NAMES 16 /* such bodies have six nodes at most */

typedef struct body {
    onnx_run *r;
    const onnx_call *c;
    const onnx_graph *g;
    const char *name[MAX_NAMES];
    meaning is[MAX_NAMES];
    size_t count;
    mli_distance metric;
    float exponent;
} body;

static meaning find(const body *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (!strcmp(b->name[i], name))
            return b->is[i];
    return UNKNOWN;
}

static int learn(body *b, const char *name, meaning m)
{
    if (b->count == MAX_NAMES || m == UNKNOWN)
        return 0;
    b->name[b->count] = name;
    b->is[b->count++] = m;
    return 1;
}

/* A constant of the body or from outside, of one number. */
static int constant(const body *b, const char *name, float *value)
{
    for (size_t i = 0; i < b->g->tensor_count; i++)
        if (!strcmp(b->g->tensors[i].name, name))
            return onnx_single(onnx_from_tensor(b->r, &b->g->tensors[i]),
                               value);
    return onnx_single(onnx_look_up(b->r, b->c->scope, name), value);
}

static const onnx_attr *attr(const onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->attrs; i++)
        if (!strcmp(n->attr[i].name, name))
            return &n->attr[i];
    return NULL;
}

/* Over the second axis, which goes. */
static int sums_columns(const body *b, const onnx_node *n)
{
    const onnx_attr *axes = attr(n, "axes"), *keep = attr(n, "keepdims");
    float axis = 0.f;
    if (!keep || keep->i != 0)
        return 0;
    if (axes && axes->ints_count == 1)
        axis = (float)axes->ints[0];
    else if (axes || n->inputs < 2 || !constant(b, n->in[1], &axis))
        return 0;
    return axis == 1.f || axis == -1.f;
}

static meaning sum_of(body *b, const onnx_node *n, meaning x)
{
    int add = !strcmp(n->op, "ReduceSum");
    if (!sums_columns(b, n))
        return UNKNOWN;
    if (!strcmp(n->op, "ReduceSumSquare") && (x == DIFFERENCE || x == ABSOLUTE))
        b->metric = MLI_SQUARED_EUCLIDEAN;
    else if (add && x == ABSOLUTE)
        b->metric = MLI_MANHATTAN;
    else if (add && x == POWER)
        b->metric = MLI_POWER_SUM;
    else if (!strcmp(n->op, "ReduceMax") && x == ABSOLUTE)
        b->metric = MLI_CHEBYSHEV;
    else
        return UNKNOWN;
    return DISTANCE;
}

static meaning result_of(body *b, const onnx_node *n)
{
    meaning x = n->inputs ? find(b, n->in[0]) : UNKNOWN;
    if (n->outputs != 1 || n->domain[0])
        return UNKNOWN;
    if (!strcmp(n->op, "Identity"))
        return x;
    if (!strcmp(n->op, "Sub") && n->inputs == 2) {
        meaning y = find(b, n->in[1]);
        return (x == ALL_ROWS && y == ONE_ROW) ||
                       (x == ONE_ROW && y == ALL_ROWS)
                   ? DIFFERENCE
                   : UNKNOWN;
    }
    if (!strcmp(n->op, "Abs"))
        return x == DIFFERENCE ? ABSOLUTE : UNKNOWN;
    if (!strcmp(n->op, "Pow") && n->inputs == 2)
        return x == ABSOLUTE && constant(b, n->in[1], &b->exponent) &&
                       b->exponent > 0.f && b->exponent < 1e30f
                   ? POWER
                   : UNKNOWN;
    if (!strncmp(n->op, "Reduce", 6))
        return sum_of(b, n, x);
    return UNKNOWN;
}

static int understand(body *b)
{
    const onnx_graph *g = b->g;
    if (g->input_count != 2 || g->output_count != 2 || g->node_count > 8)
        return 0;
    learn(b, g->inputs[0].name, ALL_ROWS);
    learn(b, g->inputs[1].name, ONE_ROW);
    for (size_t i = 0; i < g->node_count; i++)
        if (!learn(b, g->nodes[i].outputs ? g->nodes[i].out[0] : "",
                   result_of(b, &g->nodes[i])))
            return 0;
    return find(b, g->outputs[0].name) == ALL_ROWS &&
           find(b, g->outputs[1].name) == DISTANCE;
}

/* Rows that are given one by one in order, from the front. */
static int is_plain(const onnx_call *c)
{
    static const char *const lists[] = {
        "scan_input_axes", "scan_input_directions", "scan_output_axes",
        "scan_output_directions"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const onnx_attr *a = onnx_attr_of(c, lists[i]);
        for (size_t k = 0; a && k < a->ints_count; k++)
            if (a->ints[k] != 0)
                return 0;
    }
    return c->inputs == 2 && c->outputs == 2 && c->in[0] && c->in[1] &&
           onnx_int(c, "num_scan_inputs", 0) == 1;
}

int onnx_ml_distances(onnx_run *r, onnx_call *c)
{
    const onnx_attr *a = onnx_attr_of(c, "body");
    body b = {.r = r, .c = c, .g = a ? a->g : NULL};
    onnx_value *points, *y;
    static const int swap[2] = {1, 0};
    ml_rows x;
    int at;
    if (!is_plain(c) || !b.g || c->in[0]->rank != 2 || c->in[1]->rank != 2 ||
        c->in[0]->kind > ONNX_RUNS || c->in[1]->kind > ONNX_RUNS ||
        c->in[0]->dims[1] != c->in[1]->dims[1] || !understand(&b))
        return 0;
    at = c->in[0]->kind == ONNX_CONST; /* the operand that is computed */
    points = c->in[!at];
    if (points->kind != ONNX_CONST || c->in[at]->kind == ONNX_CONST)
        return 0;
    if (!ml_rows_of(r, c, at, &x))
        return 1;
    y = ml_result(r, &x, points->dims[0],
                  ir_distance(r->g, x.id, (uint32_t)x.width,
                              (uint32_t)points->dims[0], b.metric, b.exponent,
                              onnx_floats(r, points)));
    c->out[0] = c->in[0];
    c->out[1] = at ? y : onnx_transposed(r, y, swap);
    return 1;
}
