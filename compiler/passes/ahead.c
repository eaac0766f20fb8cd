/*
 * ahead.c - scales and shifts into the layer after. With y = scale*x + shift,
 *   W y + b = (W scale) x + (W shift + b),
 * computed in double and rounded once. Only if nobody else reads y, and only if
 * the shift is small (scaling.h). A convolution with a history has zeros for y
 * before the first frame: those are zeros of x only where nothing is shifted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"
#include "scaling.h"

static int is_layer(const ir_node *node)
{
    return node->type == MLI_OP_LINEAR || node->type == MLI_OP_CONV1D ||
           node->type == MLI_OP_CONV2D;
}

static int no_shift(const ir_scaling *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->shift[i] != 0.0)
            return 0;
    return 1;
}

/* w and b (zeros at first, doubles) for what comes before the scaling. */
static void scale_inputs(const ir_matrix *m, const ir_scaling *s, float *w,
                         double *b)
{
    uint64_t one = mli_packed_size(m->outputs, m->taps, m->inputs);

    for (uint32_t n = 0; n < m->matrices; n++, w += one, b += m->outputs)
        for (uint32_t o = 0; o < m->outputs; o++)
            for (uint32_t k = 0; k < m->taps; k++)
                for (uint32_t i = 0; i < m->inputs; i++) {
                    uint32_t c = (m->depthwise ? o : n * m->inputs + i) % s->n;
                    float *x = w + mli_packed_index(m->outputs, m->taps,
                                                    m->inputs, o, k, i);
                    b[o] += *x * s->shift[c];
                    *x = (float)(*x * s->scale[c]);
                }
}

static int all_finite(const float *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* The layer reads x instead. sum: what the shifts come to, by output. */
static int take_in(ir_graph *g, ir_node *layer, ir_id x, const ir_matrix *m,
                   const ir_scaling *s, double *sum)
{
    uint32_t outputs = m->matrices * m->outputs;
    ir_id w = ir_copy_constant(g, layer->in[1]),
          b = ir_const1(g, outputs, NULL);
    const float *old;
    ir_id *in;

    if (w == IR_NONE || b == IR_NONE)
        return 0;
    scale_inputs(m, s, g->values[w].data, sum);
    old = layer->inputs > 2 ? g->values[layer->in[2]].data : NULL;
    for (uint32_t o = 0; o < outputs; o++)
        g->values[b].data[o] = (float)(sum[o] + (old ? old[o] : 0.0));
    if (!all_finite(g->values[w].data, g->values[w].elements) ||
        !all_finite(g->values[b].data, outputs))
        return 0;
    in = realloc(layer->in, 3 * sizeof *in);
    if (!in)
        return 0;
    layer->in = in;
    in[0] = x;
    in[1] = w;
    if (old || !no_shift(s)) {
        in[2] = b;
        layer->inputs = 3;
    }
    return 1;
}

static int fold(ir_graph *g, ir_node *layer, const ir_node *before, ir_id x)
{
    ir_matrix m = ir_matrix_of(g, layer, 1);
    ir_scaling s;
    double *sum;
    int done = 0;

    if (!ir_read_scaling(g, before, x, &s))
        return 0;
    sum = ir_room(g, (uint64_t)m.matrices * m.outputs, sizeof *sum);
    if (sum && ir_shift_is_small(&s) &&
        (layer->state_count == 0 ||
         (no_shift(&s) && layer->states[0].init_frames == 0)))
        done = take_in(g, layer, x, &m, &s, sum);
    free(sum);
    ir_free_scaling(&s);
    return done;
}

void ir_pass_ahead(ir_graph *g, ir_tally *tally)
{
    uint32_t *readers = ir_count_readers(g);
    char *rounded = readers ? ir_find_rounded(g) : NULL;

    for (uint32_t i = 0; rounded && i < g->node_count && !g->error[0]; i++) {
        ir_node *layer = &g->nodes[i], *before;
        ir_id y, x;
        int made;

        if (layer->dead || !is_layer(layer) || layer->fn == MLI_ROUND_AWAY)
            continue;
        y = layer->in[0];
        made = g->values[y].node;
        before = made < 0 ? NULL : &g->nodes[made];
        if (!before || before->dead || readers[y] != 1 ||
            !ir_scales_only(before) ||
            g->values[layer->in[1]].storage != MLI_F32)
            continue;
        x = ir_scaled_operand(g, before);
        if (x == IR_NONE || rounded[x] || rounded[layer->out] ||
            !fold(g, layer, before, x))
            continue;
        before->dead = 1;
        tally->scales++;
    }
    free(rounded);
    free(readers);
}
