/*
 * chains.c - element-wise functions in a row become one: scales and shifts (in
 * double, rounded once), limits, functions that do no more the second time.
 */
#include <math.h>
#include <stdlib.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"
#include "scaling.h"

/* The node that makes x, if only one node reads it. */
static ir_node *maker(ir_graph *g, const uint32_t *readers, ir_id x)
{
    int i = g->values[x].node;
    ir_node *node = i < 0 ? NULL : &g->nodes[i];

    return node && !node->dead && readers[x] == 1 ? node : NULL;
}

/* ------------------------------------------------------------- limits ---- */

/* y = min(max(x, low), high) */
static int read_limits(const ir_node *node, double *low, double *high)
{
    if (node->fn == MLI_RELU) {
        *low = 0.0;
        *high = INFINITY;
        return 1;
    }
    *low = node->fp;
    *high = node->fq;
    return node->fn == MLI_HARD_TANH && *low <= *high;
}

static double held(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* f(f(x)) = f(x) */
static int is_idempotent(const ir_node *node)
{
    switch (node->fn) {
    case MLI_ABS:
    case MLI_SIGN:
    case MLI_FLOOR:
    case MLI_CEIL:
    case MLI_ROUND:
    case MLI_TRUNC:
        return 1;
    default:
        return 0;
    }
}

/* node of before: one function, put into node; 0 if there is none. */
static int join_functions(const ir_node *before, ir_node *node)
{
    double low, high, l, h;

    if (before->fn == node->fn && is_idempotent(node))
        return 1;
    if (before->fn == MLI_NEG && node->fn == MLI_ABS)
        return 1;
    if (before->fn == MLI_NEG && node->fn == MLI_NEG) {
        node->fn = MLI_IDENTITY;
        return 1;
    }
    if (!read_limits(before, &l, &h) || !read_limits(node, &low, &high))
        return 0;
    l = held(l, low, high);
    h = held(h, low, high);
    node->fn = l == 0.0 && h == INFINITY ? MLI_RELU : MLI_HARD_TANH;
    node->fp = node->fn == MLI_RELU ? 0.f : (float)l;
    node->fq = node->fn == MLI_RELU ? 0.f : (float)h;
    return 1;
}

/* ------------------------------------------------------------- scales ---- */

/* first, then second, as one in second */
static int join_scalings(const ir_scaling *first, ir_scaling *second)
{
    if (first->n != second->n || !ir_shift_is_small(first))
        return 0;
    for (uint32_t i = 0; i < first->n; i++) {
        second->shift[i] += second->scale[i] * first->shift[i];
        second->scale[i] *= first->scale[i];
        if (!isfinite((float)second->shift[i]) ||
            !isfinite((float)second->scale[i]))
            return 0;
    }
    return 1;
}

static int all_equal(const double *x, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return 0;
    return 1;
}

/* The node becomes AFFINE of x. */
static int become_affine(ir_graph *g, uint32_t number, ir_id x,
                         const ir_scaling *s)
{
    uint32_t n =
        all_equal(s->scale, s->n) && all_equal(s->shift, s->n) ? 1 : s->n;
    ir_id scale = ir_const1(g, n, NULL), shift = ir_const1(g, n, NULL);
    ir_node *node = &g->nodes[number];
    ir_id *in;

    if (scale == IR_NONE || shift == IR_NONE)
        return 0;
    in = realloc(node->in, 3 * sizeof *in);
    if (!in)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        g->values[scale].data[i] = (float)s->scale[i];
        g->values[shift].data[i] = (float)s->shift[i];
    }
    node->in = in;
    in[0] = x;
    in[1] = scale;
    in[2] = shift;
    node->inputs = 3;
    if (node->type == MLI_OP_UNARY) /* it negated */
        node->fn = MLI_IDENTITY;
    node->type = MLI_OP_AFFINE;
    node->p[0] = 0;
    return 1;
}

/* Scales and shifts of one, then of the other. */
static int join_scales(ir_graph *g, const ir_node *before, uint32_t number,
                       ir_id between)
{
    ir_scaling first, second;
    ir_id x = ir_scaled_operand(g, before);
    int done = 0;

    if (x == IR_NONE || !ir_scales_only(before) ||
        !ir_read_scaling(g, before, x, &first))
        return 0;
    if (ir_read_scaling(g, &g->nodes[number], between, &second)) {
        done = join_scalings(&first, &second) &&
               become_affine(g, number, x, &second);
        ir_free_scaling(&second);
    }
    ir_free_scaling(&first);
    return done;
}

/* -------------------------------------------------------------- chains --- */

static int join(ir_graph *g, const char *rounded, const uint32_t *readers,
                uint32_t number)
{
    ir_node *node = &g->nodes[number], *before;
    ir_id x = ir_scaled_operand(g, node);

    if (x == IR_NONE ||
        (node->type != MLI_OP_UNARY && node->type != MLI_OP_AFFINE &&
         node->type != MLI_OP_BINARY))
        return 0;
    before = maker(g, readers, x);
    if (!before || before->inputs == 0)
        return 0;
    if (node->type == MLI_OP_UNARY && before->type == MLI_OP_UNARY &&
        join_functions(before, node)) {
        node->in[0] = before->in[0];
    } else if (rounded[node->out] || rounded[before->in[0]] ||
               !join_scales(g, before, number, x)) {
        return 0;
    }
    before->dead = 1;
    return 1;
}

void ir_pass_chains(ir_graph *g, ir_tally *tally)
{
    uint32_t *readers = ir_count_readers(g);
    char *rounded = readers ? ir_find_rounded(g) : NULL;

    for (uint32_t i = 0; rounded && i < g->node_count; i++)
        if (!g->nodes[i].dead && !g->error[0])
            tally->chains += (uint32_t)join(g, rounded, readers, i);
    free(rounded);
    free(readers);
}
