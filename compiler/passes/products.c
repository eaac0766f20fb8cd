/*
 * products.c - two layers in a row without a function between are one layer:
 * its matrix is the product of theirs, W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1
 * + b2), computed in double and rounded once. Only where that multiplies less.
 *
 * One of the two has a single tap. If the second has several and a history, the
 * zeros in it are results of the first: only without its bias are they those of
 * zeros.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "figures.h"
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"
#include "scaling.h"

#define MOST_WORK 1e9 /* products of a graph, about a second */

/* One matrix of floats, not by groups. */
static int is_plain(const ir_graph *g, const ir_node *node, ir_matrix *m)
{
    if (node->dead ||
        (node->type != MLI_OP_LINEAR && node->type != MLI_OP_CONV1D &&
         node->type != MLI_OP_CONV2D))
        return 0;
    *m = ir_matrix_of(g, node, 1);
    return m->matrices == 1 && !m->depthwise &&
           g->values[node->in[1]].storage == MLI_F32;
}

/* Of each row of its input it makes one of its output, by itself. */
static int is_pointwise(const ir_node *node)
{
    switch (node->type) {
    case MLI_OP_LINEAR:
        return 1;
    case MLI_OP_CONV1D:
        return node->p[0] == 1 && node->p[5] == 1;
    default:
        return node->p[0] == 1 && node->p[1] == 1 && node->p[4] == 1 &&
               node->p[5] == 1;
    }
}

static int all_zero(const float *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (x[i] != 0.f)
            return 0;
    return 1;
}

/* Does a history of zeros between them come from one before them? */
static int history_fits(const ir_graph *g, const ir_node *first,
                        const ir_node *second)
{
    if (second->state_count == 0)
        return 1;
    return second->states[0].init_frames == 0 &&
           second->states[0].width >= g->values[first->in[0]].elements &&
           (first->inputs < 3 ||
            all_zero(g->values[first->in[2]].data,
                     (uint32_t)g->values[first->in[2]].elements));
}

/* Shapes as the layer that remains wants them: rows of the last dim. */
static int shapes_fit(const ir_graph *g, const ir_node *first,
                      const ir_node *second, const ir_matrix *a,
                      const ir_matrix *b)
{
    const ir_value *x = &g->values[first->in[0]];
    const ir_value *y = &g->values[first->out], *z = &g->values[second->out];

    if (x->rank == 0 || x->rank != y->rank || y->rank != z->rank ||
        a->outputs != b->inputs)
        return 0;
    return x->dims[x->rank - 1] == a->inputs &&
           y->dims[y->rank - 1] == a->outputs &&
           z->dims[z->rank - 1] == b->outputs;
}

/* (b->outputs, taps of both, a->inputs), packed */
static void multiply(const ir_matrix *a, const float *w1, const ir_matrix *b,
                     const float *w2, double *row, float *to)
{
    uint32_t taps = a->taps * b->taps; /* one of them is 1 */

    for (uint32_t o = 0; o < b->outputs; o++)
        for (uint32_t k = 0; k < taps; k++) {
            uint32_t k1 = a->taps > 1 ? k : 0, k2 = a->taps > 1 ? 0 : k;
            memset(row, 0, a->inputs * sizeof *row);
            for (uint32_t q = 0; q < a->outputs; q++) {
                double x = w2[mli_packed_index(b->outputs, b->taps, b->inputs,
                                               o, k2, q)];
                for (uint32_t i = 0; x != 0.0 && i < a->inputs; i++)
                    row[i] += x * w1[mli_packed_index(a->outputs, a->taps,
                                                      a->inputs, q, k1, i)];
            }
            for (uint32_t i = 0; i < a->inputs; i++)
                to[mli_packed_index(b->outputs, taps, a->inputs, o, k, i)] =
                    (float)row[i];
        }
}

/* W2 b1 + b2; b1, b2 may be NULL */
static void add_biases(const ir_matrix *b, const float *w2, const float *b1,
                       const float *b2, float *to)
{
    for (uint32_t o = 0; o < b->outputs; o++) {
        double sum = b2 ? b2[o] : 0.0;
        for (uint32_t k = 0; b1 && k < b->taps; k++)
            for (uint32_t q = 0; q < b->inputs; q++)
                sum += (double)w2[mli_packed_index(b->outputs, b->taps,
                                                   b->inputs, o, k, q)] *
                       b1[q];
        to[o] = (float)sum;
    }
}

static int all_finite(const ir_value *v)
{
    for (uint64_t i = 0; i < v->elements; i++)
        if (!isfinite(v->data[i]))
            return 0;
    return 1;
}

/* The matrix and bias of both, as new constants; 0: no memory, or numbers that
   leave the range. */
static int join_weights(ir_graph *g, const ir_node *first,
                        const ir_node *second, const ir_matrix *a,
                        const ir_matrix *b, ir_id *w, ir_id *bias)
{
    uint64_t size = mli_packed_size(b->outputs, a->taps * b->taps, a->inputs);
    double *row = ir_room(g, a->inputs, sizeof *row);
    const float *b1, *b2;

    *w = ir_take(g, IR_PACKED, size, ir_floats(g, size));
    *bias = ir_const1(g, b->outputs, NULL);
    if (!row || *w == IR_NONE || *bias == IR_NONE) {
        free(row);
        return 0;
    }
    b1 = first->inputs > 2 ? g->values[first->in[2]].data : NULL;
    b2 = second->inputs > 2 ? g->values[second->in[2]].data : NULL;
    multiply(a, g->values[first->in[1]].data, b, g->values[second->in[1]].data,
             row, g->values[*w].data);
    add_biases(b, g->values[second->in[1]].data, b1, b2, g->values[*bias].data);
    free(row);
    return all_finite(&g->values[*w]) && all_finite(&g->values[*bias]);
}

/* The second becomes a layer of the first one's kind and history. */
static void take_shape(ir_node *first, ir_node *second, const ir_matrix *b)
{
    second->type = first->type;
    memcpy(second->p, first->p, sizeof second->p);
    if (second->type == MLI_OP_LINEAR)
        second->p[1] = b->outputs;
    else if (second->type == MLI_OP_CONV1D)
        second->p[4] = b->outputs;
    memcpy(second->states, first->states, sizeof second->states);
    second->state_count = first->state_count;
    memset(first->states, 0, sizeof first->states);
    first->state_count = 0;
}

static void take_inputs(ir_node *second, uint32_t inputs)
{
    if (second->type == MLI_OP_LINEAR)
        second->p[0] = inputs;
    else if (second->type == MLI_OP_CONV1D)
        second->p[3] = inputs;
    if (second->state_count)
        second->states[0].width = inputs;
}

static int join(ir_graph *g, ir_node *first, ir_node *second, double *left)
{
    double work;
    ir_matrix a, b;
    uint64_t before, after;
    ir_id w, bias, *in;

    if (!is_plain(g, first, &a) || !is_plain(g, second, &b) ||
        first->fn != MLI_IDENTITY || second->fn == MLI_ROUND_AWAY ||
        !shapes_fit(g, first, second, &a, &b))
        return 0;
    if (!is_pointwise(second) &&
        !(is_pointwise(first) && history_fits(g, first, second)))
        return 0;
    before = mlc_node_macs(g, first) + mlc_node_macs(g, second);
    after = g->values[second->out].elements * a.taps * b.taps * a.inputs;
    work = (double)b.outputs * a.taps * b.taps * a.inputs * a.outputs;
    if (after >= before || work > *left)
        return 0;
    *left -= work;
    if (!join_weights(g, first, second, &a, &b, &w, &bias))
        return 0;
    in = realloc(second->in, 3 * sizeof *in);
    if (!in)
        return 0;
    second->in = in;
    in[0] = first->in[0];
    in[1] = w;
    in[2] = bias;
    second->inputs = 3;
    if (is_pointwise(second))
        take_shape(first, second, &b);
    else
        take_inputs(second, a.inputs);
    first->dead = 1;
    return 1;
}

void ir_pass_products(ir_graph *g, ir_tally *tally)
{
    uint32_t *readers = ir_count_readers(g);
    char *rounded = readers ? ir_find_rounded(g) : NULL;
    double left = MOST_WORK;

    for (uint32_t i = 0; rounded && i < g->node_count && !g->error[0]; i++) {
        ir_node *second = &g->nodes[i];
        int made;

        if (second->dead || second->inputs < 2)
            continue;
        made = g->values[second->in[0]].node;
        if (made >= 0 && readers[second->in[0]] == 1 &&
            !rounded[second->in[0]] && !rounded[second->out])
            tally->products +=
                (uint32_t)join(g, &g->nodes[made], second, &left);
    }
    free(rounded);
    free(readers);
}
