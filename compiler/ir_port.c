/*
 * ir_port.c - a graph's inputs, outputs and metadata.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"

#define MAX_CHANNELS (1u << 21) /* of all ports: each has a record */

/* Few bytes may claim many channels. */
static int too_many(ir_graph *g, ir_id value)
{
    uint64_t channels = g->values[value].elements;

    for (uint32_t i = 0; i < g->input_count; i++)
        channels += g->inputs[i].channel_count;
    for (uint32_t i = 0; i < g->output_count; i++)
        channels += g->outputs[i].channel_count;
    if (g->mode == MLI_WINDOW && g->values[value].rank && g->window &&
        g->values[value].dims[0] == g->window)
        channels -=
            g->values[value].elements - g->values[value].elements / g->window;
    if (channels <= MAX_CHANNELS)
        return 0;
    ir_fail(g,
            "too many channels of inputs and outputs (expected at most %u, "
            "got %llu)",
            MAX_CHANNELS, (unsigned long long)channels);
    return 1;
}

static ir_port *add_port(ir_graph *g, ir_port **ports, uint32_t *count,
                         const char *name, ir_id value)
{
    ir_port *more, *port;

    if (too_many(g, value))
        return NULL;
    more = realloc(*ports, (*count + 1u) * sizeof **ports);
    if (!more) {
        ir_fail_memory(g);
        return NULL;
    }
    *ports = more;
    port = &more[(*count)++];
    memset(port, 0, sizeof *port);
    port->name = ir_text(g, name ? name : "");
    port->value = value;
    port->frames = 1;
    port->channel_count = (uint32_t)g->values[value].elements;
    g->port = port;
    return port;
}

/* Window graphs: frames of a port whose first dim is the window. */
static void split_window(ir_graph *g, ir_port *port)
{
    const ir_value *v = &g->values[port->value];

    if (g->mode != MLI_WINDOW || v->rank == 0 || v->dims[0] != g->window)
        return;
    port->frames = g->window;
    port->channel_count = (uint32_t)(v->elements / g->window);
}

static ir_id add_input(ir_graph *g, const char *name, uint32_t rank,
                       const uint32_t *dims, mli_port_kind kind)
{
    ir_id value = ir_const(g, rank, dims, NULL);
    ir_value *v;
    ir_port *port;

    if (value == IR_NONE)
        return IR_NONE;
    v = &g->values[value];
    free(v->data);
    v->data = NULL;
    v->constant = 0;
    v->timed = g->mode == MLI_STREAM && kind == MLI_PORT_SIGNAL;
    v->up = v->down = v->timed ? 1 : 0;
    v->name = ir_text(g, name);
    port = add_port(g, &g->inputs, &g->input_count, name, value);
    if (!port)
        return IR_NONE;
    /* a step model's inputs all come in one list */
    port->kind = g->mode == MLI_STEP ? MLI_PORT_SIGNAL : kind;
    if (kind == MLI_PORT_SIGNAL)
        split_window(g, port);
    return value;
}

ir_id ir_input(ir_graph *g, const char *name, uint32_t rank,
               const uint32_t *dims)
{
    return add_input(g, name, rank, dims, MLI_PORT_SIGNAL);
}

ir_id ir_control(ir_graph *g, const char *name, uint32_t rank,
                 const uint32_t *dims)
{
    return add_input(g, name, rank, dims, MLI_PORT_CONTROL);
}

/* A value that may be an output: in the arena, and timed in stream graphs. */
static ir_id present(ir_graph *g, ir_id value)
{
    ir_shape s = ir_shape_of(g, value);
    ir_id zero = IR_NONE;

    if (g->values[value].constant) {
        value = ir_emit(g, MLI_OP_EXPAND, 1, &value, &s);
        if (value == IR_NONE)
            return IR_NONE;
    }
    if (g->mode != MLI_STREAM || g->values[value].timed)
        return value;
    for (uint32_t i = 0; i < g->input_count && zero == IR_NONE; i++)
        if (g->inputs[i].kind == MLI_PORT_SIGNAL)
            zero = g->inputs[i].value;
    if (zero == IR_NONE) {
        ir_fail(g, "a stream model without a signal input");
        return IR_NONE;
    }
    /* 0 in every frame: what the input is limited to [0, 0] */
    zero = ir_reshape(g, zero, 1,
                      (uint32_t[]){(uint32_t)g->values[zero].elements});
    zero = ir_slice(g, zero, 0, 0, 1, 1);
    zero = ir_unary(g, MLI_HARD_TANH, 0.f, 0.f, zero);
    return ir_binary(g, MLI_ADD, value, zero);
}

void ir_output(ir_graph *g, const char *name, ir_id value)
{
    ir_port *port;

    if (!ir_good(g, value))
        return;
    value = present(g, value);
    if (value == IR_NONE)
        return;
    port = add_port(g, &g->outputs, &g->output_count, name, value);
    if (port)
        split_window(g, port);
}

void ir_channel_info(ir_graph *g, uint32_t channel, const char *label,
                     float low, float high, float initial)
{
    ir_port *port = g->port;
    ir_channel *c;

    if (!port || g->error[0] || channel >= port->channel_count)
        return;
    if (!port->channels) {
        port->channels = ir_room(g, port->channel_count, sizeof(ir_channel));
        if (!port->channels)
            return;
    }
    /* comparisons with NaN are false */
    if (!(low <= high && low >= -FLT_MAX && high <= FLT_MAX))
        low = high = 0.f;
    if (!(initial >= -FLT_MAX && initial <= FLT_MAX))
        initial = 0.f;
    c = &port->channels[channel];
    free(c->label);
    c->label = ir_text(g, label);
    c->low = low;
    c->high = high;
    c->initial = initial;
}

void ir_classes(ir_graph *g)
{
    if (g->port)
        g->port->classes = 1;
}

void ir_set_meta(ir_graph *g, const char *key, const char *value)
{
    ir_meta *more;

    if (!key || !key[0] || !value)
        return;
    for (uint32_t i = 0; i < g->meta_count; i++) {
        if (strcmp(g->meta[i].key, key))
            continue;
        free(g->meta[i].value);
        g->meta[i].value = ir_text(g, value);
        return;
    }
    more = realloc(g->meta, (g->meta_count + 1u) * sizeof *more);
    if (!more) {
        ir_fail_memory(g);
        return;
    }
    g->meta = more;
    more += g->meta_count;
    more->key = ir_text(g, key);
    more->value = ir_text(g, value);
    if (more->key && more->value) {
        g->meta_count++;
        return;
    }
    free(more->key);
    free(more->value);
}
