/*
 * unused.c - operators that no output needs, and what is kept for them: states
 * that only they themselves read, the oldest frames of a convolution whose taps
 * are zero.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

/* Mark what living nodes need. A STORE is needed where its RECALL is; 0: that
   did not change anything. */
static int mark(const ir_graph *g, char *needed)
{
    int more = 0;

    for (uint32_t i = g->node_count; i-- > 0;) {
        const ir_node *node = &g->nodes[i];

        if (node->dead)
            continue;
        if (node->type == MLI_OP_STORE && !needed[node->out] &&
            needed[g->nodes[node->p[0]].out]) {
            needed[node->out] = 1;
            more = 1;
        }
        for (uint32_t k = 0; needed[node->out] && k < node->inputs; k++) {
            more |= !needed[node->in[k]];
            needed[node->in[k]] = 1;
        }
    }
    return more;
}

void ir_pass_unused(ir_graph *g, ir_tally *tally)
{
    char *needed = ir_room(g, g->value_count + 1u, 1);

    if (!needed)
        return;
    for (uint32_t i = 0; i < g->output_count; i++)
        needed[g->outputs[i].value] = 1;
    /* each round but the last finds another STORE */
    for (uint32_t i = 0; i < g->node_count && mark(g, needed); i++)
        ;
    /* what is stored comes from a RECALL that stays */
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead && g->nodes[i].type == MLI_OP_STORE &&
            needed[g->nodes[i].out])
            needed[g->nodes[g->nodes[i].p[0]].out] = 1;
    for (uint32_t i = 0; i < g->node_count; i++) {
        ir_node *node = &g->nodes[i];
        if (node->dead || needed[node->out])
            continue;
        node->dead = 1;
        if (node->type != MLI_OP_STORE)
            tally->unused++;
        tally->states += node->state_count != 0;
    }
    free(needed);
}

/* ---------------------------------------------------------- histories ---- */

/* So many of the oldest taps are zero for every output, but not the newest. */
static uint32_t zero_taps(const ir_graph *g, const ir_node *node,
                          const ir_matrix *m)
{
    uint64_t one = mli_packed_size(m->outputs, m->taps, m->inputs);
    uint32_t least = m->taps - 1;

    for (uint32_t n = 0; n < m->matrices; n++)
        for (uint32_t o = 0; o < m->outputs; o++)
            for (uint32_t k = 0; k < least; k++)
                for (uint32_t i = 0; i < m->inputs && k < least; i++)
                    if (g->values[node->in[1]]
                            .data[n * one + mli_packed_index(m->outputs,
                                                             m->taps, m->inputs,
                                                             o, k, i)] != 0.f)
                        least = k;
    return least;
}

static ir_id without_taps(ir_graph *g, const ir_node *node, const ir_matrix *m,
                          uint32_t gone)
{
    uint32_t taps = m->taps - gone;
    uint64_t one = mli_packed_size(m->outputs, taps, m->inputs);
    uint64_t old = mli_packed_size(m->outputs, m->taps, m->inputs);
    ir_id id = ir_take(g, IR_PACKED, one * m->matrices,
                       ir_floats(g, one * m->matrices));

    for (uint32_t n = 0; id != IR_NONE && n < m->matrices; n++)
        for (uint32_t o = 0; o < m->outputs; o++)
            for (uint32_t k = 0; k < taps; k++)
                for (uint32_t i = 0; i < m->inputs; i++)
                    g->values[id]
                        .data[n * one + mli_packed_index(m->outputs, taps,
                                                         m->inputs, o, k, i)] =
                        g->values[node->in[1]]
                            .data[n * old + mli_packed_index(m->outputs,
                                                             m->taps, m->inputs,
                                                             o, k + gone, i)];
    return id;
}

/* The history without its oldest frames. */
static void shorten(ir_node *node, uint32_t gone)
{
    ir_state *s = &node->states[0];
    uint32_t left =
        gone * node->p[1] < s->frames ? gone * node->p[1] : s->frames;

    node->p[0] -= gone;
    s->frames -= left;
    if (s->init_frames > 1) { /* each frame its own */
        memmove(s->init, s->init + (size_t)left * s->width,
                (size_t)s->frames * s->width * sizeof *s->init);
        s->init_frames = s->frames;
    }
    if (s->frames == 0) {
        free(s->init);
        memset(s, 0, sizeof *s);
        node->state_count = 0;
    }
}

void ir_pass_histories(ir_graph *g, ir_tally *tally)
{
    for (uint32_t i = 0; i < g->node_count && !g->error[0]; i++) {
        ir_node *node = &g->nodes[i];
        uint32_t gone;
        ir_matrix m;
        ir_id w;

        if (node->dead || node->type != MLI_OP_CONV1D || !node->state_count ||
            g->values[node->in[1]].storage != MLI_F32)
            continue;
        m = ir_matrix_of(g, node, 1);
        gone = zero_taps(g, node, &m);
        w = gone ? without_taps(g, node, &m, gone) : IR_NONE;
        if (w == IR_NONE)
            continue;
        node->in[1] = w;
        shorten(node, gone);
        tally->states++;
    }
}
