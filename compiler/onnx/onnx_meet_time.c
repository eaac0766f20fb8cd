/*
 * onnx_meet_time.c - how a model meets time.
 *
 * Every axis of every input is tried as time: the walk that gets through with
 * a convolution or a recurrent layer along it makes a stream. If such layers
 * are there but something else cannot be done frame by frame, the model runs
 * on windows; without such layers it is a step model.
 */
#include <stdio.h>
#include <string.h>
#include "onnx_attempt.h"

typedef struct choice {
    onnx_outcome best; /* what is left of it: a graph, or why not */
    onnx_attempt at;
    int found;           /* a stream with layers along time */
    onnx_attempt broken; /* layers along time, but no stream */
    char reason[sizeof(mlc_error)];
    mlc_status status;
    int wrong;         /* the reason has nothing to do with time */
    int strong;        /* broken and reason are set */
    onnx_attempt weak; /* a stream without such layers */
    int has_weak;
} choice;

static int is_running(const onnx_import *m, size_t i)
{
    const onnx_graph *g = &m->model.graph;
    if (onnx_is_initializer(g, g->inputs[i].name) || m->initial_state[i] ||
        m->output_of[i] >= 0)
        return 0;
    for (size_t k = 0; k < m->bind_count; k++)
        if (!strcmp(m->binds[k].name, g->inputs[i].name))
            return 0;
    return 1;
}

#define MAX_LENGTHS 8
#define SHORTEST    8 /* smaller numbers in shapes mean something else */

/* Into a list that is sorted and keeps the longest. */
static void add_length(int64_t *lengths, int *count, int room, int64_t length)
{
    int at = 0;
    if (length < SHORTEST || length > (1 << 20))
        return;
    while (at < *count && lengths[at] > length)
        at++;
    if (at == room || (at < *count && lengths[at] == length))
        return;
    *count += *count < room;
    for (int i = *count - 1; i > at; i--)
        lengths[i] = lengths[i - 1];
    lengths[at] = length;
}

/* Small integer tensors are shapes, mostly. */
static void add_lengths(const onnx_tensor *t, int64_t *lengths, int *count,
                        int room)
{
    if (t->type != ONNX_INT64 || t->count > 8 || !t->i)
        return;
    for (uint64_t i = 0; i < t->count; i++)
        add_length(lengths, count, room, t->i[i]);
}

/*
 * Exporters write the length that they saw into a graph whose time is dynamic
 * all the same: lengths that the graph may mean, longest first. Returns how
 * many.
 */
static int fixed_lengths(const onnx_import *m, int64_t *lengths, int room)
{
    const onnx_graph *g = &m->model.graph;
    int count = 0;
    for (size_t i = 0; i < g->output_count; i++)
        for (int k = 0; k < g->outputs[i].rank; k++)
            add_length(lengths, &count, room, g->outputs[i].dims[k]);
    for (size_t i = 0; i < g->tensor_count; i++)
        add_lengths(&g->tensors[i], lengths, &count, room);
    for (size_t i = 0; i < g->node_count; i++)
        for (size_t k = 0; k < g->nodes[i].attrs; k++)
            if (g->nodes[i].attr[k].t)
                add_lengths(g->nodes[i].attr[k].t, lengths, &count, room);
    return count;
}

/* A walk that did not get through because of a fixed length, with others. */
static void try_lengths(onnx_import *m, onnx_attempt *a, onnx_outcome *o)
{
    int64_t lengths[MAX_LENGTHS];
    int count = fixed_lengths(m, lengths, MAX_LENGTHS);
    for (int i = 0; i < count; i++) {
        onnx_outcome other;
        onnx_attempt b = *a;
        b.frames = lengths[i];
        onnx_try(m, &b, &other);
        if (other.g && other.layers) {
            *a = b;
            *o = other;
            ir_note(o->g,
                    "the graph was exported for %lld frames; a stream has "
                    "no such limit",
                    (long long)b.frames);
            return;
        }
        ir_free(other.g);
    }
}

/*
 * What dynamic time is bound to: a prime, so that no layer's size is taken for
 * it, times the stride of the slowest rate, so that every rate has whole
 * frames. which: 0 or 1; what differs between the two depends on the length.
 */
static int64_t probe(int64_t stride, int which)
{
    static const int64_t primes[][2] = {{1009, 1511}, {251, 379}, {61, 97}};
    size_t i = 0;
    while (i < 2 && primes[i][1] * stride > (1 << 20))
        i++;
    return primes[i][which] * stride;
}

#define MAX_DEEPER 8 /* strides that are found one after another */

/* With dynamic time: rates are found on the way, so walks are repeated until
   the length fits. */
static void try_dynamic(onnx_import *m, onnx_attempt *a, int which,
                        onnx_outcome *o)
{
    int64_t stride = 1;
    for (int i = 0; i < MAX_DEEPER; i++) {
        a->frames = probe(stride, which);
        onnx_try(m, a, o);
        if (a->frames % o->stride == 0 || o->stride > (1 << 20))
            return;
        stride = o->stride;
        if (i + 1 < MAX_DEEPER)
            ir_free(o->g);
    }
}

/* With another length the graph must be the same. The first is gone before the
   second is made, so that a large model is not held twice. */
static void check_length(onnx_import *m, const onnx_attempt *a, onnx_outcome *o)
{
    uint64_t first = onnx_graph_hash(o->g);
    onnx_attempt b = *a;
    onnx_outcome other;
    ir_free(o->g);
    try_dynamic(m, &b, 1, &other);
    o->g = other.g;
    if (o->g && onnx_graph_hash(o->g) == first)
        return;
    ir_free(o->g);
    o->g = NULL;
    mlc_fail(&o->error, MLC_UNSUPPORTED,
             "the graph computes with the length of the signal");
    o->why = ONNX_TIME;
}

/* Are there layers along this axis at all? A walk that does not stop where a
   stream has to. */
static int has_layers(onnx_import *m, onnx_attempt a)
{
    onnx_outcome o;
    a.mode = MLI_WINDOW;
    onnx_try(m, &a, &o);
    ir_free(o.g);
    return o.layers;
}

static void consider(onnx_import *m, choice *c, int input, int axis)
{
    int64_t dim = m->model.graph.inputs[input].dims[axis];
    onnx_attempt a = {MLI_STREAM, input, axis, dim};
    onnx_outcome o;
    if (dim == 1)
        return;
    if (dim < 0)
        try_dynamic(m, &a, 0, &o);
    else
        onnx_try(m, &a, &o);
    if (o.g && dim < 0)
        check_length(m, &a, &o);
    else if (!o.g && dim < 0 && o.layers)
        try_lengths(m, &a, &o);
    if (o.g && o.layers) {
        c->best = o;
        c->at = a;
        c->found = 1;
        return;
    }
    if (o.g && !c->has_weak) {
        c->weak = a;
        c->has_weak = 1;
    }
    /* a dynamic axis behind the batch is some length, even without layers: 1
       would be wrong */
    if (!o.g && !c->strong &&
        (o.layers || has_layers(m, a) ||
         (o.why == ONNX_TIME && dim < 0 && axis > 0))) {
        c->strong = 1;
        c->broken = a;
        c->status = o.error.status;
        c->wrong = o.why == ONNX_WRONG;
        snprintf(c->reason, sizeof c->reason, "%s", o.error.text);
    }
    ir_free(o.g);
}

#define MAX_TRIES 64 /* axes: a walk each, so a hostile file needs a bound */

/* Dynamic axes first: that one of them is time is more likely. */
static void consider_all(onnx_import *m, choice *c)
{
    const onnx_graph *g = &m->model.graph;
    int tries = 0;
    for (int dynamic = 1; dynamic >= 0; dynamic--)
        for (size_t i = 0; i < g->input_count; i++)
            for (int a = g->inputs[i].rank - 1; a >= 0 && !c->found; a--)
                if (is_running(m, i) && (g->inputs[i].dims[a] < 0) == dynamic &&
                    tries++ < MAX_TRIES)
                    consider(m, c, (int)i, a);
}

/* For a window that no layer asks for: a dynamic axis, one of the length that
   was asked for, the longest. */
static onnx_attempt any_axis(const onnx_import *m)
{
    const onnx_graph *g = &m->model.graph;
    onnx_attempt a = {MLI_WINDOW, -1, -1, 0};
    int64_t best = 0;
    for (size_t i = 0; i < g->input_count; i++)
        for (int k = 0; is_running(m, i) && k < g->inputs[i].rank; k++) {
            int64_t dim = g->inputs[i].dims[k];
            int64_t merit = dim < 0 ? (k ? INT32_MAX : 1) : dim;
            if (dim > 0 && dim == (int64_t)m->options->window)
                merit = (int64_t)INT32_MAX + 1;
            if (merit <= best)
                continue;
            best = merit;
            a.input = (int)i;
            a.axis = k;
        }
    return a;
}

/* Windows that begin with the end of the one before, as a voice detector's
   often do, look like any others in the graph. */
static void note_hop(const onnx_import *m, ir_graph *g)
{
    for (size_t i = 0; i < m->model.graph.input_count; i++)
        if (m->output_of[i] >= 0 && !m->options->hop) {
            ir_note(g,
                    "state goes on from window to window, every %u frames: if "
                    "a window begins with the end of the one before, say "
                    "--hop with what is new in it",
                    g->hop);
            return;
        }
}

static mlc_status windowed(onnx_import *m, choice *c, mlc_error *error)
{
    onnx_attempt a = c->strong ? c->broken : any_axis(m);
    int64_t dim;
    a.mode = MLI_WINDOW;
    if (a.input < 0)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "cannot run on windows: no input");
    dim = m->model.graph.inputs[a.input].dims[a.axis];
    a.frames = m->options->window ? (int64_t)m->options->window : dim;
    if (a.frames < 1 && (!c->strong || c->found))
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a window length is needed: the graph's own is dynamic "
                        "(mlinfer convert --window N)");
    if (a.frames < 1 && c->wrong)
        return mlc_fail(error, c->status, "%s", c->reason);
    if (a.frames < 1)
        return mlc_fail(error, c->status,
                        "not a stream: %.400s; to run on windows, a window "
                        "length is needed (mlinfer convert --window N)",
                        c->reason);
    if (a.frames > (int64_t)MLI_MAX_ELEMENTS ||
        (int64_t)m->options->hop > a.frames)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "window of %lld frames, hop of %u (expected a hop up "
                        "to the window)",
                        (long long)a.frames, m->options->hop);
    onnx_try(m, &a, &c->best);
    c->at = a;
    if (!c->best.g) {
        *error = c->best.error;
        return error->status;
    }
    ir_note(c->best.g, "window of %lld frames: %s", (long long)a.frames,
            c->strong ? c->reason : "as asked for");
    note_hop(m, c->best.g);
    return MLC_OK;
}

static mlc_status stepped(onnx_import *m, choice *c, mlc_error *error)
{
    onnx_attempt a = {MLI_STEP, -1, -1, 1};
    onnx_try(m, &a, &c->best);
    c->at = a;
    if (!c->best.g) {
        *error = c->best.error;
        return error->status;
    }
    ir_note(c->best.g, "step: %s",
            m->options->mode == MLI_STEP
                ? "as asked for"
                : "no convolution or recurrent layer runs along time");
    return MLC_OK;
}

static mlc_status streamed(onnx_import *m, choice *c, mlc_error *error)
{
    const onnx_graph *g = &m->model.graph;
    if (!c->found && m->options->mode == MLI_STREAM && !c->strong &&
        c->has_weak) {
        onnx_try(m, &c->weak, &c->best);
        c->at = c->weak;
        c->found = c->best.g != NULL;
    }
    if (!c->found)
        return mlc_fail(
            error, c->strong ? c->status : MLC_UNSUPPORTED, "not a stream: %s",
            c->strong ? c->reason : "no input has an axis that could be time");
    ir_note(c->best.g, "stream: axis %d of input %s is time", c->at.axis,
            g->inputs[c->at.input].name);
    if (c->best.g->latency)
        ir_note(c->best.g,
                "latency %u frames: layers look ahead, or lack padding in "
                "front",
                c->best.g->latency);
    return MLC_OK;
}

static mlc_status choose(onnx_import *m, choice *c, mlc_error *error)
{
    int mode = m->options->mode;
    if (mode == MLI_STEP)
        return stepped(m, c, error);
    consider_all(m, c);
    if (mode == MLI_WINDOW) {
        if (c->found) {
            ir_free(c->best.g);
            c->best.g = NULL;
            c->broken = c->at;
            c->strong = 1;
            snprintf(c->reason, sizeof c->reason, "as asked for");
        }
        return windowed(m, c, error);
    }
    if (c->found || mode == MLI_STREAM)
        return streamed(m, c, error);
    return c->strong ? windowed(m, c, error) : stepped(m, c, error);
}

mlc_status onnx_meet_time(onnx_import *m, ir_graph **g, mlc_error *error)
{
    choice c;
    mlc_status status;
    memset(&c, 0, sizeof c);
    status = choose(m, &c, error);
    *g = c.best.g;
    return status;
}
