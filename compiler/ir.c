/*
 * ir.c - the graph: values, nodes, errors.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "text.h"

ir_graph *ir_new(mli_mode mode)
{
    ir_graph *g = calloc(1, sizeof *g);

    if (g)
        g->mode = mode;
    return g;
}

static void free_ports(ir_port *ports, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; ports[i].channels && c < ports[i].channel_count;
             c++)
            free(ports[i].channels[c].label);
        free(ports[i].channels);
        free(ports[i].name);
    }
    free(ports);
}

void ir_free_nodes(ir_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(nodes[i].name);
        free(nodes[i].in);
        for (uint32_t k = 0; k < nodes[i].state_count; k++)
            free(nodes[i].states[k].init);
    }
    free(nodes);
}

void ir_free(ir_graph *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->value_count; i++) {
        free(g->values[i].name);
        free(g->values[i].data);
    }
    free(g->values);
    ir_free_nodes(g->nodes, g->node_count);
    free_ports(g->inputs, g->input_count);
    free_ports(g->outputs, g->output_count);
    for (uint32_t i = 0; i < g->meta_count; i++) {
        free(g->meta[i].key);
        free(g->meta[i].value);
    }
    free(g->meta);
    free(g->notes);
    free(g);
}

void ir_at(ir_graph *g, const char *where)
{
    g->where = where;
}

void ir_fail(ir_graph *g, const char *format, ...)
{
    va_list args;
    int used = 0;

    if (g->error[0])
        return;
    if (g->where && g->where[0]) {
        used = snprintf(g->error, sizeof g->error, "%s: ", g->where);
        if (used < 0 || (size_t)used >= sizeof g->error)
            return;
    }
    va_start(args, format);
    vsnprintf(g->error + used, sizeof g->error - (size_t)used, format, args);
    va_end(args);
}

void ir_fail_memory(ir_graph *g)
{
    g->out_of_memory = 1;
    ir_fail(g, "out of memory");
}

void ir_note(ir_graph *g, const char *format, ...)
{
    char line[1024];
    size_t old = g->notes ? strlen(g->notes) : 0;
    char *more;
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    more = realloc(g->notes, old + strlen(line) + 2);
    if (!more) {
        ir_fail_memory(g);
        return;
    }
    g->notes = more;
    sprintf(g->notes + old, "%s\n", line);
}

char *ir_text(ir_graph *g, const char *text)
{
    char *copy;

    if (!text)
        return NULL;
    copy = malloc(strlen(text) + 1);
    if (!copy) {
        ir_fail_memory(g);
        return NULL;
    }
    mlc_make_utf8(strcpy(copy, text));
    return copy;
}

void *ir_room(ir_graph *g, uint64_t n, size_t size)
{
    void *data;

    if (n > MLI_MAX_ELEMENTS) {
        ir_fail(g, "too large (expected at most %u numbers, got %llu)",
                MLI_MAX_ELEMENTS, (unsigned long long)n);
        return NULL;
    }
    data = calloc(n ? n : 1, size);
    if (!data)
        ir_fail_memory(g);
    return data;
}

float *ir_floats(ir_graph *g, uint64_t n)
{
    float *data = ir_room(g, n, sizeof(float));

    if (data)
        g->float_bytes += n * sizeof(float);
    return data;
}

/* ------------------------------------------------------------- shapes ---- */

int ir_good(const ir_graph *g, ir_id id)
{
    return !g->error[0] && id >= 0 && (uint32_t)id < g->value_count;
}

const ir_value *ir_get(const ir_graph *g, ir_id id)
{
    if (id < 0 || (uint32_t)id >= g->value_count)
        return NULL;
    return &g->values[id];
}

ir_shape ir_shape_of(const ir_graph *g, ir_id id)
{
    const ir_value *v = &g->values[id];
    ir_shape s = {v->timed, v->rank, {0}};

    memcpy(s.dims, v->dims, sizeof s.dims);
    return s;
}

ir_shape ir_shape1(int timed, uint32_t n)
{
    ir_shape s = {timed, 1, {n}};

    return s;
}

const char *ir_shape_text(const ir_shape *s, char *text)
{
    char *at = text;

    at += sprintf(at, "[");
    for (uint32_t i = 0; i < s->rank; i++)
        at += sprintf(at, "%s%u", i ? ", " : "", s->dims[i]);
    sprintf(at, "]");
    return text;
}

int ir_same_dims(const ir_shape *a, const ir_shape *b)
{
    return a->rank == b->rank &&
           !memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]);
}

/* The number of elements, 0 when a limit is exceeded (the graph then fails). */
static uint64_t count_elements(ir_graph *g, const ir_shape *s)
{
    char text[120];
    uint32_t most = s->timed ? MLI_MAX_TIMED_ELEMENTS : MLI_MAX_ELEMENTS;
    uint64_t n = 1;

    if (s->rank > MLI_MAX_RANK) {
        ir_fail(g, "too many axes (expected at most %u, got %u)", MLI_MAX_RANK,
                s->rank);
        return 0;
    }
    for (uint32_t i = 0; i < s->rank; i++) {
        if (s->dims[i] == 0) {
            ir_fail(g, "axis %u of %s is empty", i, ir_shape_text(s, text));
            return 0;
        }
        /* n <= 2^28 before, a dim < 2^32: no overflow */
        n *= s->dims[i];
        if (n > most) {
            ir_fail(g, "%s has too many elements (expected at most %u)",
                    ir_shape_text(s, text), most);
            return 0;
        }
    }
    return n;
}

/* ------------------------------------------------------------- making ---- */

/* Room for one more of `size` bytes. */
static int grow(ir_graph *g, void **array, uint32_t count, uint32_t *room,
                size_t size)
{
    uint32_t wanted = *room ? *room * 2 : 64;
    void *more;

    if (count < *room)
        return 1;
    more = realloc(*array, (size_t)wanted * size);
    if (!more) {
        ir_fail_memory(g);
        return 0;
    }
    *array = more;
    *room = wanted;
    return 1;
}

static ir_id new_value(ir_graph *g, const ir_shape *s)
{
    uint64_t n = count_elements(g, s);
    ir_value *v;

    if (!n || !grow(g, (void **)&g->values, g->value_count, &g->value_room,
                    sizeof *g->values))
        return IR_NONE;
    v = &g->values[g->value_count];
    memset(v, 0, sizeof *v);
    v->timed = s->timed;
    v->rank = s->rank;
    memcpy(v->dims, s->dims, s->rank * sizeof v->dims[0]);
    v->elements = n;
    v->node = -1;
    return (ir_id)g->value_count++;
}

/* The rate of the timed operands goes on to the result. */
static int take_rate(ir_graph *g, uint32_t inputs, const ir_id *in, ir_id out)
{
    ir_value *y = &g->values[out];

    for (uint32_t i = 0; y->timed && i < inputs; i++) {
        const ir_value *x = &g->values[in[i]];

        if (!x->timed)
            continue;
        if (y->up && (x->up != y->up || x->down != y->down)) {
            ir_fail(g,
                    "operands of different rates (%u/%u and %u/%u frames for "
                    "each of the input's)",
                    y->up, y->down, x->up, x->down);
            return 0;
        }
        y->up = x->up;
        y->down = x->down;
    }
    return 1;
}

ir_id ir_emit(ir_graph *g, mli_op_type type, uint32_t inputs, const ir_id *in,
              const ir_shape *out)
{
    ir_node *node;
    ir_id result;

    for (uint32_t i = 0; i < inputs; i++)
        if (!ir_good(g, in[i]))
            return IR_NONE;
    if (!grow(g, (void **)&g->nodes, g->node_count, &g->node_room,
              sizeof *g->nodes))
        return IR_NONE;
    result = new_value(g, out);
    if (result == IR_NONE || !take_rate(g, inputs, in, result))
        return IR_NONE;
    node = &g->nodes[g->node_count];
    memset(node, 0, sizeof *node);
    node->in = malloc((inputs ? inputs : 1) * sizeof *node->in);
    if (!node->in) {
        ir_fail_memory(g);
        return IR_NONE;
    }
    node->in[0] = result; /* what looks at the first of none finds itself */
    if (inputs)
        memcpy(node->in, in, inputs * sizeof *in);
    node->type = type;
    node->inputs = inputs;
    node->out = result;
    node->name = ir_text(g, g->where);
    g->values[result].node = (int)g->node_count++;
    return result;
}

ir_node *ir_made(ir_graph *g)
{
    return &g->nodes[g->node_count - 1];
}

void ir_emit_state(ir_graph *g, uint32_t frames, uint32_t width,
                   const float *init)
{
    ir_node *node = ir_made(g);
    ir_state *s = &node->states[node->state_count++];
    uint64_t n = (uint64_t)frames * width;

    s->frames = frames;
    s->width = width;
    if (n > MLI_MAX_ELEMENTS) {
        ir_fail(g, "too much state (expected at most %u numbers, got %llu)",
                MLI_MAX_ELEMENTS, (unsigned long long)n);
        return;
    }
    if (!init)
        return;
    s->init = ir_floats(g, n);
    if (s->init) {
        memcpy(s->init, init, n * sizeof *init);
        s->init_frames = frames;
    }
}

/* ---------------------------------------------------------- constants ---- */

static ir_id take_shaped(ir_graph *g, ir_role role, const ir_shape *s,
                         float *data)
{
    ir_id id = g->error[0] ? IR_NONE : new_value(g, s);

    if (!data || id == IR_NONE) {
        free(data);
        return IR_NONE;
    }
    g->values[id].constant = 1;
    g->values[id].data = data;
    g->values[id].role = role;
    return id;
}

ir_id ir_take(ir_graph *g, ir_role role, uint64_t n, float *data)
{
    ir_shape s = ir_shape1(0, (uint32_t)n);

    return take_shaped(g, role, &s, data);
}

ir_id ir_const(ir_graph *g, uint32_t rank, const uint32_t *dims,
               const float *data)
{
    ir_shape s = {0, rank, {0}};
    float *copy;
    uint64_t n;

    if (g->error[0])
        return IR_NONE;
    if (rank <= MLI_MAX_RANK)
        memcpy(s.dims, dims, rank * sizeof *dims);
    n = count_elements(g, &s);
    if (!n || !(copy = ir_floats(g, n)))
        return IR_NONE;
    if (data)
        memcpy(copy, data, n * sizeof *data);
    return take_shaped(g, IR_PLAIN, &s, copy);
}

ir_id ir_const1(ir_graph *g, uint32_t n, const float *data)
{
    return ir_const(g, 1, &n, data);
}

ir_id ir_scalar(ir_graph *g, float value)
{
    uint32_t none = 0;

    return ir_const(g, 0, &none, &value);
}
