/*
 * integers.c - layers that compute in integers: their matrices become bytes, a
 * scale for each row, and what they read becomes bytes once for all that read
 * it. The zero of these bytes goes into biases and histories.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

/* To make a byte takes as long as so many multiply-accumulates spare. */
#define LEAST_READERS 8u

/*
 * From so many units, inputs and outputs on layers are faster with bytes than
 * with floats, on processors that have both in vectors: below, what each frame
 * makes bytes of takes longer than is spared, and convolutions are faster where
 * all tensors are planes, which bytes cannot be.
 */
#define LEAST_UNITS   64u
#define LEAST_OUTPUTS 32u
#define LEAST_INPUTS  32u

/*
 * Four bytes that come to so much when they are rounded, half each at most more
 * than that, times inputs of at most 127, fit 16 bits: mli_kernels.bytes_fours.
 */
#define FOURS_MOST (32767.0 / 127.0 - 2.5)
#define MOST_LOSS  2.0    /* of the noise of what is rounded, or */
#define MOST_NOISE 0.0001 /* so much of the weights themselves */

/* What a value becomes. */
typedef struct reading {
    uint64_t products; /* of its layers, for each of its elements */
    float factor;      /* 0: it stays as it is */
    int zero;
    ir_id bytes; /* IR_NONE: not yet made */
} reading;

static int is_recurrent(const ir_node *node)
{
    return node->type == MLI_OP_LSTM || node->type == MLI_OP_GRU ||
           node->type == MLI_OP_RNN;
}

/* Matrix k of a layer can be bytes. */
static int can_be_bytes(const ir_graph *g, const ir_node *node, uint32_t k)
{
    ir_matrix m = ir_matrix_of(g, node, k);
    const ir_value *w = &g->values[node->in[k]];

    if (!m.matrices || m.depthwise || m.outputs < 2 || m.inputs < 4 ||
        !w->constant || w->storage != MLI_F32 || w->role != IR_PACKED)
        return 0;
    if ((uint64_t)m.taps * (m.inputs + 3u) > MLI_MOST_BYTES)
        return 0;
    for (uint64_t i = 0; i < w->elements; i++)
        if (!isfinite(w->data[i]))
            return 0;
    return m.matrices == 1 || m.inputs % 4 == 0;
}

/* The words of a layer's input are those of its rows. */
static int rows_fit(const ir_graph *g, const ir_node *node)
{
    const ir_value *x = &g->values[node->in[0]];

    if (node->type != MLI_OP_CONV1D || !x->timed || x->rank == 1)
        return x->rank > 0;
    return x->rank > 0 && x->dims[x->rank - 1] % 4 == 0;
}

static int is_candidate(const ir_graph *g, const ir_node *node)
{
    if (node->dead)
        return 0;
    if (is_recurrent(node))
        return can_be_bytes(g, node, 1) &&
               (node->inputs < 5 || can_be_bytes(g, node, 3));
    if (node->type != MLI_OP_LINEAR && node->type != MLI_OP_CONV1D &&
        node->type != MLI_OP_CONV2D)
        return 0;
    return !g->values[node->in[0]].constant && rows_fit(g, node) &&
           can_be_bytes(g, node, 1);
}

/* The value whose range a layer needs. */
static ir_id value_of(const ir_node *node)
{
    return is_recurrent(node) ? node->out : node->in[0];
}

uint32_t ir_find_readings(ir_graph *g, ir_id **values)
{
    char *seen = ir_room(g, g->value_count + 1u, 1);
    uint32_t n = 0;

    *values = ir_room(g, g->value_count + 1u, sizeof **values);
    for (uint32_t i = 0; seen && *values && i < g->node_count; i++) {
        const ir_node *node = &g->nodes[i];
        ir_id id;

        if (!is_candidate(g, node))
            continue;
        id = value_of(node);
        if (!seen[id] && (g->mode != MLI_STREAM || g->values[id].timed))
            (*values)[n++] = id;
        seen[id] = 1;
    }
    free(seen);
    return n;
}

/* ---------------------------------------------------------- matrices ---- */

/* Row o of matrix n, packed, with `step` between its numbers. */
typedef struct packed_rows {
    ir_matrix m;
    const float *from;
    int8_t *to;
} packed_rows;

static float weight(const packed_rows *p, uint32_t n, uint32_t o, uint32_t k,
                    uint32_t i)
{
    return p
        ->from[n * mli_packed_size(p->m.outputs, p->m.taps, p->m.inputs) +
               mli_packed_index(p->m.outputs, p->m.taps, p->m.inputs, o, k, i)];
}

static float largest(const packed_rows *p, uint32_t n, uint32_t o)
{
    float most = 0.f;

    for (uint32_t k = 0; k < p->m.taps; k++)
        for (uint32_t i = 0; i < p->m.inputs; i++)
            most = fmaxf(most, fabsf(weight(p, n, o, k, i)));
    return most;
}

/* The most that four weights come to which a kernel sums before it widens the
   sum: the same byte of four words in a row. */
static float largest_four(const packed_rows *p, uint32_t n, uint32_t o)
{
    uint32_t words = mli_words(p->m.inputs), all = p->m.taps * words;
    float most = 0.f;

    for (uint32_t at = 0; at + 4 <= all; at += 4)
        for (uint32_t byte = 0; byte < 4; byte++) {
            float sum = 0.f;

            for (uint32_t word = at; word < at + 4; word++) {
                uint32_t i = 4 * (word % words) + byte;

                if (i < p->m.inputs)
                    sum += fabsf(weight(p, n, o, word / words, i));
            }
            most = fmaxf(most, sum);
        }
    return most;
}

/* The scale of a row. fours: four products fit 16 bits then, which makes it
   coarser in most rows of whole panels by a little. */
static double scale_of(const packed_rows *p, uint32_t n, uint32_t o, int fours)
{
    double own = (double)fmaxf(largest(p, n, o), 127.f * FLT_MIN) / 127.0;
    uint32_t quads = (p->m.outputs + 3u) / 4u * 4u;

    if (!fours || o >= quads / MLI_PANEL * MLI_PANEL)
        return own;
    return fmax(own, (double)largest_four(p, n, o) / FOURS_MOST);
}

/* The squares of a row's weights, added up. */
static double power_of(const packed_rows *p, uint32_t n, uint32_t o)
{
    double power = 0.0;

    for (uint32_t k = 0; k < p->m.taps; k++)
        for (uint32_t i = 0; i < p->m.inputs; i++)
            power += pow(weight(p, n, o, k, i), 2.0);
    return power;
}

/* Are there whole panels, and is little lost in them? What is rounded off is a
   twelfth of the scale's square. */
static int takes_fours(const packed_rows *p)
{
    double before = 0.0, after = 0.0, power = 0.0;

    if (p->m.matrices > 1 || p->m.outputs < MLI_PANEL)
        return 0;
    for (uint32_t o = 0; o < p->m.outputs; o++) {
        before += pow(scale_of(p, 0, o, 0), 2.0);
        after += pow(scale_of(p, 0, o, 1), 2.0);
        power += power_of(p, 0, o);
    }
    return after <= MOST_LOSS * before ||
           after / 12.0 * p->m.taps * p->m.inputs <= MOST_NOISE * power;
}

/* Answers the sum of the row's bytes. */
static int32_t round_row(const packed_rows *p, uint32_t n, uint32_t o,
                         double scale)
{
    const ir_matrix *m = &p->m;
    uint32_t whole = 4u * mli_words(m->inputs);
    int8_t *to = p->to + n * mli_packed_size(m->outputs, m->taps, whole);
    int32_t sum = 0;

    for (uint32_t k = 0; k < m->taps; k++)
        for (uint32_t i = 0; i < m->inputs; i++) {
            double q = nearbyint(weight(p, n, o, k, i) / scale);
            int byte = q > 127.0 ? 127 : q < -127.0 ? -127 : (int)q;

            to[mli_bytes_index(m->outputs, m->taps, m->inputs, o, k, i)] =
                (int8_t)byte;
            sum += byte;
        }
    return sum;
}

/* Matrix k of a layer as bytes; what it multiplies is (byte - zero) / factor.
   What the zero adds is taken from bias, if there is one. */
static void make_matrix(ir_graph *g, ir_node *node, uint32_t k, float factor,
                        int zero, float *bias)
{
    packed_rows p = {ir_matrix_of(g, node, k), g->values[node->in[k]].data,
                     NULL};
    uint32_t quads = (p.m.outputs + 3u) / 4u * 4u;
    uint64_t rows = (uint64_t)p.m.matrices * quads;
    uint64_t products = 4ull * p.m.taps * mli_words(p.m.inputs);
    uint64_t floats = mli_stored_floats(MLI_BYTES, rows, products);
    float *data = ir_floats(g, floats), *scale;
    int fours = takes_fours(&p);
    ir_value *v;
    ir_id id;

    if (!data)
        return;
    p.to = (int8_t *)data;
    scale = data + mli_stored_bytes(MLI_BYTES, rows, products) / 4u;
    for (uint32_t n = 0; n < p.m.matrices; n++)
        for (uint32_t o = 0; o < p.m.outputs; o++) {
            double own = scale_of(&p, n, o, fours);
            int32_t sum = round_row(&p, n, o, own);

            scale[n * quads + o] = (float)(own / factor);
            if (bias)
                bias[n * p.m.outputs + o] -= (float)(own / factor * zero * sum);
        }
    id = ir_take(g, IR_PACKED, floats, data);
    if (id == IR_NONE)
        return;
    v = &g->values[id];
    v->storage = MLI_BYTES;
    v->rank = 2;
    v->dims[0] = (uint32_t)rows;
    v->dims[1] = (uint32_t)products;
    v->elements = rows * products;
    node->in[k] = id;
}

/* ------------------------------------------------------------ layers ---- */

static int byte_of(float x, const reading *r)
{
    double q = nearbyint((double)(x * r->factor) + r->zero);

    return q > 127.0 ? 127 : q > -127.0 ? (int)q : -127;
}

/* A history of floats to one of bytes. */
static void make_state(ir_graph *g, ir_state *s, uint32_t words,
                       const reading *r)
{
    uint32_t frames = s->init ? s->init_frames : 1;
    int8_t *bytes;
    float *init;

    if (s->init || r->zero) {
        init = ir_floats(g, (uint64_t)frames * words);
        if (!init)
            return;
        bytes = (int8_t *)init;
        for (uint32_t f = 0; f < frames; f++)
            for (uint32_t i = 0; i < s->width; i++)
                bytes[4u * words * f + i] = (int8_t)byte_of(
                    s->init ? s->init[f * s->width + i] : 0.f, r);
        free(s->init);
        s->init = init;
        s->init_frames = frames;
    }
    s->width = words;
}

/* Its bias to write to; there is one from now on. */
static float *own_bias(ir_graph *g, uint32_t node, uint32_t n)
{
    ir_node *layer = &g->nodes[node];
    float *b = ir_floats(g, n), *old;
    ir_id *in, id;

    if (!b)
        return NULL;
    old = layer->inputs > 2 ? g->values[layer->in[2]].data : NULL;
    if (old)
        memcpy(b, old, n * sizeof *b);
    id = ir_take(g, IR_PLAIN, n, b);
    in = id == IR_NONE ? NULL : ir_room(g, 3, sizeof *in);
    if (!in)
        return NULL;
    memcpy(in, layer->in, 2 * sizeof *in);
    in[2] = id;
    free(layer->in);
    layer->in = in;
    layer->inputs = 3;
    return g->values[id].data;
}

static uint32_t outputs_of(const ir_graph *g, const ir_node *node)
{
    const ir_value *y = &g->values[node->out];

    return node->type == MLI_OP_LINEAR ? node->p[1] : y->dims[y->rank - 1];
}

/* r->bytes is there. */
static void make_layer(ir_graph *g, uint32_t node, const reading *r)
{
    ir_node *layer = &g->nodes[node];
    const ir_value *x = &g->values[layer->in[0]];
    uint32_t inputs = x->dims[x->rank - 1];
    float *bias = NULL;

    if (r->zero) {
        bias = own_bias(g, node, outputs_of(g, layer));
        if (!bias)
            return;
    }
    make_matrix(g, layer, 1, r->factor, r->zero, bias);
    if (layer->state_count)
        make_state(g, &layer->states[0],
                   mli_words(layer->p[3] / layer->p[2]) * layer->p[2], r);
    if (layer->type == MLI_OP_CONV2D)
        layer->p[7] = inputs;
    layer->in[0] = r->bytes;
}

static void make_recurrent(ir_graph *g, ir_node *layer, const reading *r)
{
    make_matrix(g, layer, 1, r->factor, 0, NULL);
    if (layer->inputs > 3)
        make_matrix(g, layer, 3, r->factor, 0, NULL);
    layer->fp = r->factor;
}

/* -------------------------------------------------------------- graph ---- */

static void set_reading(reading *r, const mlc_range *range)
{
    double low = fmin(range->low, 0.0), high = fmax(range->high, 0.0);
    double factor = 254.0 / (high - low);

    if (!(high > low) || !(factor > FLT_MIN && factor <= FLT_MAX))
        return;
    r->factor = (float)factor;
    r->zero = (int)nearbyint(-127.0 - low * factor);
}

/* What a layer's own state becomes: its zero is 0. */
static reading even(const mlc_range *range)
{
    reading r = {0, 0.f, 0, IR_NONE};
    float most = fmaxf(fabsf(range->low), fabsf(range->high));
    mlc_range both = {-most, most};

    set_reading(&r, &both);
    r.zero = 0;
    return r;
}

static void count_products(const ir_graph *g, const ir_node *node, reading *r)
{
    ir_matrix m = ir_matrix_of(g, node, 1);

    r->products += (uint64_t)m.outputs * m.taps;
}

static void make_bytes(ir_graph *g, ir_id x, reading *r)
{
    ir_shape s = ir_shape_of(g, x);

    s.dims[s.rank - 1] = mli_words(s.dims[s.rank - 1]);
    r->bytes = ir_emit(g, MLI_OP_TO_BYTES, 1, &x, &s);
    if (r->bytes == IR_NONE)
        return;
    ir_made(g)->fp = r->factor;
    ir_made(g)->fq = (float)r->zero;
}

/*
 * The nodes from `first` on were made last: each goes right before the first
 * that reads it.
 */
static void put_in_order(ir_graph *g, uint32_t first)
{
    ir_node *nodes = ir_room(g, g->node_room, sizeof *nodes);
    uint32_t *at = ir_room(g, g->node_count + 1u, sizeof *at);
    uint32_t n = 0;

    for (uint32_t i = 0; nodes && at && i < first; i++) {
        int made = g->values[g->nodes[i].in[0]].node;

        if (g->nodes[i].inputs && made >= (int)first && !at[made]) {
            at[made] = n + 1u;
            nodes[n++] = g->nodes[made];
        }
        at[i] = n + 1u;
        nodes[n++] = g->nodes[i];
    }
    for (uint32_t i = 0; nodes && at && i < n; i++) {
        if (nodes[i].type == MLI_OP_STORE)
            nodes[i].p[0] = at[nodes[i].p[0]] - 1u;
    }
    if (nodes && at) {
        for (uint32_t i = 0; i < g->value_count; i++)
            if (g->values[i].node >= 0)
                g->values[i].node = (int)at[g->values[i].node] - 1;
        free(g->nodes);
        g->nodes = nodes;
        nodes = NULL;
    }
    free(nodes);
    free(at);
}

/* Is a layer that could compute in bytes faster so? */
static int pays(const ir_graph *g, const ir_node *node)
{
    ir_matrix m = ir_matrix_of(g, node, 1);

    if (is_recurrent(node))
        return m.inputs >= LEAST_UNITS;
    return node->type == MLI_OP_CONV2D ||
           (m.outputs >= LEAST_OUTPUTS && m.inputs >= LEAST_INPUTS);
}

static void say(ir_graph *g, uint32_t bytes, uint32_t floats, uint32_t faster)
{
    if (faster)
        ir_note(g, "kept in floats: %u layer%s, faster so", faster,
                faster == 1 ? "" : "s");
    if (!bytes)
        ir_note(g, faster ? "no layer computes in int8"
                          : "no layer can compute in int8");
    else
        ir_note(g, "%u layer%s compute%s in int8, %u stay%s in floats", bytes,
                bytes == 1 ? "" : "s", bytes == 1 ? "s" : "", floats,
                floats == 1 ? "s" : "");
}

static int is_layer(const ir_graph *g, const ir_node *node)
{
    return !node->dead && ir_matrix_of(g, node, 1).matrices;
}

uint32_t ir_use_integers(ir_graph *g, const ir_id *values,
                         const mlc_range *ranges, uint32_t count,
                         const uint8_t *floats, uint32_t floats_count,
                         int everywhere)
{
    uint32_t first = g->node_count, bytes = 0, others = 0, could = 0;
    uint32_t faster = 0;
    reading *all = ir_room(g, g->value_count + 1u, sizeof *all);
    mlc_range *of = ir_room(g, g->value_count + 1u, sizeof *of);

    for (uint32_t i = 0; all && of && i < count; i++) {
        of[values[i]] = ranges[i];
        set_reading(&all[values[i]], &ranges[i]);
        all[values[i]].bytes = IR_NONE;
    }
    for (uint32_t i = 0; all && of && i < first; i++)
        if (is_candidate(g, &g->nodes[i]) && !is_recurrent(&g->nodes[i]))
            count_products(g, &g->nodes[i], &all[g->nodes[i].in[0]]);
    for (uint32_t i = 0; all && of && i < first && !g->error[0]; i++) {
        ir_id x = value_of(&g->nodes[i]);
        reading own = {0};

        if (is_candidate(g, &g->nodes[i]))
            own = is_recurrent(&g->nodes[i])         ? even(&of[x])
                  : all[x].products >= LEAST_READERS ? all[x]
                                                     : own;
        if (!(own.factor > 0.f)) {
            others += (uint32_t)is_layer(g, &g->nodes[i]);
            continue;
        }
        if (!everywhere && !pays(g, &g->nodes[i])) {
            others++;
            faster++;
            continue;
        }
        if (could++ < floats_count && floats[could - 1]) {
            others++;
            continue;
        }
        bytes++;
        if (is_recurrent(&g->nodes[i])) {
            make_recurrent(g, &g->nodes[i], &own);
            continue;
        }
        if (own.bytes == IR_NONE)
            make_bytes(g, x, &all[x]);
        if (all[x].bytes != IR_NONE)
            make_layer(g, i, &all[x]);
    }
    free(all);
    free(of);
    if (!g->error[0] && !g->out_of_memory) {
        put_in_order(g, first);
        say(g, bytes, others, faster);
    }
    return could;
}
