/* see scaling.h */
#include <math.h>
#include <stdlib.h>
#include "ir_build.h"
#include "scaling.h"

/* A constant with one number for every channel, or one for all of them. */
static int fits(const ir_value *c, uint32_t n)
{
    if (c->elements == 1)
        return 1;
    return c->elements == n && c->rank >= 1 && c->dims[c->rank - 1] == n;
}

static float number(const ir_value *c, uint32_t i)
{
    return c->data[c->elements == 1 ? 0 : i];
}

static void from_affine(const ir_graph *g, const ir_node *node, ir_scaling *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        s->scale[i] = number(&g->values[node->in[1]], i);
        s->shift[i] = number(&g->values[node->in[2]], i);
    }
}

/* 0 if the function is none of these; c: which operand is the constant. */
static int from_binary(const ir_graph *g, const ir_node *node, uint32_t c,
                       ir_scaling *s)
{
    const ir_value *constant = &g->values[node->in[c]];

    for (uint32_t i = 0; i < s->n; i++) {
        double x = number(constant, i);

        s->scale[i] = 1.0;
        s->shift[i] = 0.0;
        switch (node->p[0]) {
        case MLI_ADD:
            s->shift[i] = x;
            break;
        case MLI_SUB:
            s->scale[i] = c == 0 ? -1.0 : 1.0;
            s->shift[i] = c == 0 ? x : -x;
            break;
        case MLI_MUL:
            s->scale[i] = x;
            break;
        case MLI_DIV:
            if (c == 0 || x == 0.0)
                return 0;
            s->scale[i] = 1.0 / x;
            break;
        default:
            return 0;
        }
    }
    return 1;
}

static int fill(const ir_graph *g, const ir_node *node, ir_id x, ir_scaling *s)
{
    uint32_t c = node->in[0] == x;
    const ir_value *v = &g->values[x], *y = &g->values[node->out];

    if (node->type == MLI_OP_AFFINE) {
        from_affine(g, node, s);
        return 1;
    }
    if (node->type == MLI_OP_UNARY) {
        for (uint32_t i = 0; i < s->n; i++) {
            s->scale[i] = -1.0;
            s->shift[i] = 0.0;
        }
        return 1;
    }
    /* the result has x's shape: nothing was broadcast but the constant */
    if (!g->values[node->in[c]].constant || v->rank != y->rank ||
        v->elements != y->elements || !fits(&g->values[node->in[c]], s->n))
        return 0;
    return from_binary(g, node, c, s);
}

int ir_read_scaling(const ir_graph *g, const ir_node *node, ir_id x,
                    ir_scaling *s)
{
    const ir_value *v = &g->values[x];

    s->scale = s->shift = NULL;
    s->n = v->rank ? v->dims[v->rank - 1] : 1;
    if (node->type != MLI_OP_AFFINE && node->type != MLI_OP_BINARY &&
        (node->type != MLI_OP_UNARY || node->fn != MLI_NEG))
        return 0;
    s->scale = malloc(s->n * sizeof *s->scale);
    s->shift = malloc(s->n * sizeof *s->shift);
    if (s->scale && s->shift && fill(g, node, x, s))
        return 1;
    ir_free_scaling(s);
    return 0;
}

void ir_free_scaling(ir_scaling *s)
{
    free(s->scale);
    free(s->shift);
    s->scale = s->shift = NULL;
}

int ir_scales_only(const ir_node *node)
{
    return node->type == MLI_OP_UNARY || node->fn == MLI_IDENTITY;
}

ir_id ir_scaled_operand(const ir_graph *g, const ir_node *node)
{
    ir_id found = IR_NONE;

    for (uint32_t k = 0; k < node->inputs; k++) {
        if (g->values[node->in[k]].constant)
            continue;
        if (found != IR_NONE)
            return IR_NONE;
        found = node->in[k];
    }
    return found;
}

int ir_shift_is_small(const ir_scaling *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (!(fabs(s->shift[i]) <= fabs(s->scale[i])))
            return 0;
    return 1;
}

static int rounds(const ir_node *node)
{
    switch (node->fn) {
    case MLI_ROUND_AWAY:
    case MLI_ROUND:
    case MLI_FLOOR:
    case MLI_CEIL:
    case MLI_TRUNC:
    case MLI_SIGN:
        return 1;
    default:
        return node->type == MLI_OP_REQUANTIZE ||
               (node->type == MLI_OP_BINARY && node->p[0] >= MLI_LESS);
    }
}

char *ir_find_rounded(ir_graph *g)
{
    char *rounded = ir_room(g, g->value_count + 1u, 1);

    for (uint32_t i = 0; rounded && i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];

        if (node->dead || !rounds(node))
            continue;
        rounded[node->out] = 1;
        for (uint32_t k = 0; k < node->inputs; k++)
            rounded[node->in[k]] = 1;
    }
    return rounded;
}
