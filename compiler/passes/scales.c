/*
 * scales.c - scales and shifts into the layer before. With y = W x + b,
 *   scale*y + shift = (scale W) x + (scale*b + shift),
 * each number of the right side computed in double and rounded once. Not across
 * a function, and only if nobody else reads y.
 *
 * It is done for AFFINE (batch normalisation) and for BINARY with a constant:
 * sums, differences, products and quotients. Not where the result is rounded to
 * whole numbers: a quantised layer's weights are whole numbers, its sums exact.
 */
#include <stdlib.h>
#include <string.h>
#include "passes.h"
#include "rewrite.h"
#include "scaling.h"

static ir_node *layer_before(ir_graph *g, const uint32_t *readers, ir_id x)
{
    int i = g->values[x].node;
    ir_node *node = i < 0 ? NULL : &g->nodes[i];

    if (!node || node->dead || readers[x] != 1 || node->fn != MLI_IDENTITY ||
        (node->type != MLI_OP_LINEAR && node->type != MLI_OP_CONV1D &&
         node->type != MLI_OP_CONV2D))
        return NULL;
    return node;
}

/* ------------------------------------------------------- the layer's side */

static int is_finite(double x)
{
    return (float)x - (float)x == 0.f;
}

/* The rows of stored weights have scales of their own. commit 0: would all stay
   finite? */
static int scale_rows(const ir_matrix *m, const ir_scaling *s, float *to,
                      int commit)
{
    uint32_t quads = (m->outputs + 3u) / 4u * 4u, o = 0;

    for (uint32_t n = 0; n < m->matrices; n++)
        for (uint32_t r = 0; r < m->outputs; r++, o++) {
            double x = to[n * quads + r] * s->scale[o];
            if (!is_finite(x))
                return 0;
            if (commit)
                to[n * quads + r] = (float)x;
        }
    return 1;
}

static int scale_floats(const ir_matrix *m, const ir_scaling *s, float *to,
                        int commit)
{
    uint64_t one = mli_packed_size(m->outputs, m->taps, m->inputs);
    uint32_t o = 0;

    for (uint32_t n = 0; n < m->matrices; n++, to += one)
        for (uint32_t r = 0; r < m->outputs; r++, o++)
            for (uint32_t k = 0; k < m->taps; k++)
                for (uint32_t i = 0; i < m->inputs; i++) {
                    float *x = to + mli_packed_index(m->outputs, m->taps,
                                                     m->inputs, r, k, i);
                    if (!is_finite(*x * s->scale[o]))
                        return 0;
                    if (commit)
                        *x = (float)(*x * s->scale[o]);
                }
    return 1;
}

static int scale_weights(ir_value *v, const ir_matrix *m, const ir_scaling *s,
                         int commit)
{
    return v->storage != MLI_F32 ? scale_rows(m, s, ir_scales_of(v), commit)
                                 : scale_floats(m, s, v->data, commit);
}

static int only_shifts(const ir_scaling *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->scale[i] != 1.0)
            return 0;
    return 1;
}

/* Weights that others read, too, are worth a copy if they are as few. */
#define FEW 4096u

/* The layer's weights times the scales, in their place where nobody else reads
   them; IR_NONE: they would not be finite, or the model larger. */
static ir_id scaled_weights(ir_graph *g, const ir_node *layer,
                            const ir_scaling *s, int own)
{
    ir_matrix m = ir_matrix_of(g, layer, 1);
    ir_id id = layer->in[1];

    if (only_shifts(s))
        return id;
    if ((!own && g->values[id].elements > FEW) ||
        !scale_weights(&g->values[id], &m, s, 0))
        return IR_NONE;
    if (!own)
        id = ir_copy_constant(g, id);
    if (id != IR_NONE)
        scale_weights(&g->values[id], &m, s, 1);
    return id;
}

static ir_id scaled_bias(ir_graph *g, const ir_node *layer, const ir_scaling *s)
{
    ir_id id = ir_const1(g, s->n, NULL);
    const float *b = NULL;

    if (id == IR_NONE)
        return IR_NONE;
    if (layer->inputs > 2)
        b = g->values[layer->in[2]].data;
    for (uint32_t i = 0; i < s->n; i++)
        g->values[id].data[i] =
            (float)((b ? b[i] : 0.0) * s->scale[i] + s->shift[i]);
    return id;
}

/* Numbers that leave the range would make infinities out of nothing. */
static int finite_values(const ir_value *v)
{
    for (uint64_t i = 0; i < v->elements; i++)
        if (!is_finite(v->data[i]))
            return 0;
    return 1;
}

static int absorb(ir_graph *g, ir_node *layer, const ir_scaling *s, int own)
{
    ir_id b = scaled_bias(g, layer, s), w;
    ir_id *in;

    if (b == IR_NONE || !finite_values(&g->values[b]))
        return 0;
    in = realloc(layer->in, 3 * sizeof *in);
    if (!in)
        return 0;
    layer->in = in;
    w = scaled_weights(g, layer, s, own);
    if (w == IR_NONE)
        return 0;
    in[1] = w;
    in[2] = b;
    layer->inputs = 3;
    return 1;
}

static int fold(ir_graph *g, const ir_node *node, ir_id x, ir_node *layer,
                int own)
{
    ir_scaling s;
    int done;

    if (!ir_read_scaling(g, node, x, &s))
        return 0;
    done = absorb(g, layer, &s, own);
    ir_free_scaling(&s);
    return done;
}

/* The operand that a layer before `node` makes. */
static ir_node *find_layer(ir_graph *g, const uint32_t *readers,
                           const ir_node *node, ir_id *x)
{
    ir_node *layer = NULL;
    uint32_t operands = node->type == MLI_OP_BINARY ? 2 : 1;

    if ((node->type != MLI_OP_AFFINE && node->type != MLI_OP_BINARY) ||
        node->fn == MLI_ROUND_AWAY)
        return NULL;
    for (uint32_t k = 0; k < operands && !layer; k++) {
        *x = node->in[k];
        layer = layer_before(g, readers, *x);
    }
    return layer;
}

/* Nobody but its layer reads a constant; readers: of the first `count`, others
   were made here. */
static int is_own(const uint32_t *readers, uint32_t count, ir_id constant)
{
    return (uint32_t)constant >= count || readers[constant] == 1;
}

void ir_pass_scales(ir_graph *g, ir_tally *tally)
{
    uint32_t count = g->value_count;
    uint32_t *readers = ir_count_readers(g);
    ir_id *stands_for = readers ? ir_begin_replacing(g) : NULL;

    for (uint32_t i = 0; stands_for && i < g->node_count; i++) {
        ir_node *node = &g->nodes[i], *layer;
        ir_id x = IR_NONE;

        if (node->dead)
            continue;
        ir_resolve(node, stands_for);
        layer = find_layer(g, readers, node, &x);
        if (!layer ||
            !fold(g, node, x, layer, is_own(readers, count, layer->in[1])))
            continue;
        layer->fn = node->fn;
        layer->fp = node->fp;
        layer->fq = node->fq;
        stands_for[node->out] = x;
        readers[x] = readers[node->out];
        node->dead = 1;
        tally->scales++;
    }
    if (stands_for)
        ir_end_replacing(g, stands_for);
    free(readers);
}
