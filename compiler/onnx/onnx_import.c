/*
 * onnx_import.c - how a model meets time.
 *
 * Every axis of every input is tried as time: the walk that gets through with
 * a convolution or a recurrent layer along it makes a stream. If such layers
 * are there but something else cannot be done frame by frame, the model runs
 * on windows; without such layers it is a step model.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "onnx_data.h"
#include "onnx_describe.h"
#include "onnx_import.h"
#include "onnx_state.h"
#include "taken.h"

#define OLDEST_OPSET 1
#define NEWEST_OPSET 23
#define MEMORY       ((size_t)3 << 25) /* beyond ONNX_MEMORY_A_BYTE */
#define MOST_WORK    5e8 /* nanoseconds, beyond ONNX_WORK_A_BYTE */

typedef struct attempt {
    mli_mode mode;
    int input, axis; /* what is taken for time, -1: nothing */
    int64_t frames;
} attempt;

typedef struct outcome {
    ir_graph *g;    /* NULL: it did not work, for the reason in error */
    int why;        /* 0 or onnx_why */
    int layers;     /* along time */
    int64_t stride; /* the slowest rate seen comes once in so many frames */
    mlc_error error;
} outcome;

/* ------------------------------------------------------------ one walk ---- */

/* What exporters call every graph: the file's name says more. */
static int is_nameless(const char *name)
{
    static const char *const names[] = {
        "",          "main_graph",       "main",    "graph",
        "torch_jit", "torch-jit-export", "tf2onnx", "spox_graph"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return 1;
    return 0;
}

/* onnx_describe may say better. Some versions are reports of many lines. */
static void metadata(onnx_run *r)
{
    const onnx_model *m = r->model;
    char text[160];
    int version = 0;
    if (m->producer_version[0] >= '0' && m->producer_version[0] <= '9')
        version = (int)strcspn(m->producer_version, " \t\r\n");
    version = version < 60 ? version : 60;
    if (!is_nameless(m->graph.name))
        ir_set_meta(r->g, "name", m->graph.name);
    snprintf(text, sizeof text, "ONNX%s%.60s%s%.*s", m->producer[0] ? ", " : "",
             m->producer, version ? " " : "", version, m->producer_version);
    ir_set_meta(r->g, "source", text);
}

static void walk(onnx_run *r, const onnx_import *m)
{
    const onnx_graph *g = &r->model->graph;
    onnx_scope s = {.names = onnx_names_new(r),
                    .opsets = r->model->opsets,
                    .opset_count = r->model->opset_count};
    const char **names = onnx_take(r->pool, g->output_count, sizeof *names);
    for (size_t i = 0; i < g->output_count; i++)
        names[i] = g->outputs[i].name;
    metadata(r);
    onnx_name_inputs(r, m, &s);
    onnx_walk(r, &s, g, names, g->output_count);
    if (r->unsupported_length) {
        int64_t opset =
            onnx_opset_of(r->model->opsets, r->model->opset_count, "");
        char more[40] = "";
        if (r->unsupported_more)
            snprintf(more, sizeof more, " and %d more", r->unsupported_more);
        onnx_stop(r->exit, ONNX_WRONG,
                  opset > NEWEST_OPSET ? MLC_NEWER : MLC_UNSUPPORTED,
                  "not supported: %s%s", r->unsupported, more);
    }
    onnx_make_outputs(r, m, &s);
    onnx_carry(r, m, &s);
    onnx_describe(r->model, r->g);
    r->g->parameters = r->parameters;
    r->g->source_macs = r->macs;
    if (r->g->error[0])
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "%s", r->g->error);
}

/* What one walk needs, apart from the stack: a jump leaves it as it is. */
typedef struct work {
    onnx_exit exit;
    onnx_pool pool;
    onnx_run run;
    char unsupported[sizeof(mlc_error)];
} work;

static void prepare(work *w, onnx_import *m, const attempt *a, outcome *o)
{
    onnx_run *r = &w->run;
    w->exit.error = &o->error;
    w->pool.limit = onnx_allowed(MEMORY, ONNX_MEMORY_A_BYTE,
                                 m->file_size + m->model.beside_bytes);
    w->pool.exit = &w->exit;
    m->model.exit = m->pool.exit = &w->exit;
    r->model = &m->model;
    r->pool = &w->pool;
    r->exit = &w->exit;
    r->g = o->g;
    r->mode = a->mode;
    r->time_input = a->input;
    r->time_axis = a->axis;
    r->frames = a->frames;
    r->source = IR_NONE;
    r->stride = 1;
    r->unsupported = w->unsupported;
    r->binds = m->binds;
    r->bind_count = m->bind_count;
    if (a->mode == MLI_WINDOW) {
        r->g->window = (uint32_t)a->frames;
        r->g->hop = m->options->hop ? m->options->hop : r->g->window;
    }
}

/* Try one way of meeting time. o->g belongs to the caller. */
static void try(onnx_import *m, const attempt *a, outcome *o)
{
    work *w = calloc(1, sizeof *w);
    memset(o, 0, sizeof *o);
    o->why = ONNX_WRONG;
    o->stride = 1;
    o->g = w ? ir_new(a->mode) : NULL;
    if (!o->g) {
        free(w);
        mlc_fail(&o->error, MLC_MEMORY, "out of memory");
        return;
    }
    prepare(w, m, a, o);
    switch (setjmp(w->exit.jump)) {
    case 0:
        walk(&w->run, m);
        o->why = 0;
        break;
    case ONNX_TIME:
        o->why = ONNX_TIME;
        break;
    }
    o->layers = w->run.layers_in_time;
    o->stride = w->run.stride;
    ir_at(o->g, NULL);
    if (o->why) {
        ir_free(o->g);
        o->g = NULL;
    }
    ir_free(w->run.aside);
    onnx_pool_free(&w->pool);
    free(w);
    m->model.exit = m->pool.exit = m->exit;
}

/* A hash of all that must not depend on what time was bound to. */
static uint64_t hash_of(const ir_graph *g)
{
    uint64_t h = MLC_HASH;
    h = mlc_hash(h, &g->node_count, sizeof g->node_count);
    h = mlc_hash(h, &g->latency, sizeof g->latency);
    for (uint32_t i = 0; i < g->value_count; i++) {
        const ir_value *v = &g->values[i];
        h = mlc_hash(h, &v->constant, sizeof v->constant);
        h = mlc_hash(h, &v->elements, sizeof v->elements);
        if (v->constant)
            h = mlc_hash(h, v->data, ir_data_floats(v) * sizeof *v->data);
    }
    for (uint32_t i = 0; i < g->node_count; i++) {
        h = mlc_hash(h, &g->nodes[i].type, sizeof g->nodes[i].type);
        h = mlc_hash(h, g->nodes[i].p, sizeof g->nodes[i].p);
    }
    return h;
}

/* ------------------------------------------------------- which walk ---- */

typedef struct choice {
    outcome best; /* what is left of it: a graph, or why not */
    attempt at;
    int found;      /* a stream with layers along time */
    attempt broken; /* layers along time, but no stream */
    char reason[sizeof(mlc_error)];
    mlc_status status;
    int wrong;    /* the reason has nothing to do with time */
    int strong;   /* broken and reason are set */
    attempt weak; /* a stream without such layers */
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
static void try_lengths(onnx_import *m, attempt *a, outcome *o)
{
    int64_t lengths[MAX_LENGTHS];
    int count = fixed_lengths(m, lengths, MAX_LENGTHS);
    for (int i = 0; i < count; i++) {
        outcome other;
        attempt b = *a;
        b.frames = lengths[i];
        try(m, &b, &other);
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
static void try_dynamic(onnx_import *m, attempt *a, int which, outcome *o)
{
    int64_t stride = 1;
    for (int i = 0; i < MAX_DEEPER; i++) {
        a->frames = probe(stride, which);
        try(m, a, o);
        if (a->frames % o->stride == 0 || o->stride > (1 << 20))
            return;
        stride = o->stride;
        if (i + 1 < MAX_DEEPER)
            ir_free(o->g);
    }
}

/* With another length the graph must be the same. The first is gone before the
   second is made, so that a large model is not held twice. */
static void check_length(onnx_import *m, const attempt *a, outcome *o)
{
    uint64_t first = hash_of(o->g);
    attempt b = *a;
    outcome other;
    ir_free(o->g);
    try_dynamic(m, &b, 1, &other);
    o->g = other.g;
    if (o->g && hash_of(o->g) == first)
        return;
    ir_free(o->g);
    o->g = NULL;
    mlc_fail(&o->error, MLC_UNSUPPORTED,
             "the graph computes with the length of the signal");
    o->why = ONNX_TIME;
}

/* Are there layers along this axis at all? A walk that does not stop where a
   stream has to. */
static int has_layers(onnx_import *m, attempt a)
{
    outcome o;
    a.mode = MLI_WINDOW;
    try(m, &a, &o);
    ir_free(o.g);
    return o.layers;
}

static void consider(onnx_import *m, choice *c, int input, int axis)
{
    int64_t dim = m->model.graph.inputs[input].dims[axis];
    attempt a = {MLI_STREAM, input, axis, dim};
    outcome o;
    if (dim == 1)
        return;
    if (dim < 0)
        try_dynamic(m, &a, 0, &o);
    else
        try(m, &a, &o);
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
static attempt any_axis(const onnx_import *m)
{
    const onnx_graph *g = &m->model.graph;
    attempt a = {MLI_WINDOW, -1, -1, 0};
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
    attempt a = c->strong ? c->broken : any_axis(m);
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
    try(m, &a, &c->best);
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
    attempt a = {MLI_STEP, -1, -1, 1};
    try(m, &a, &c->best);
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
        try(m, &c->weak, &c->best);
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

/* ---------------------------------------------------------- the model ---- */

static void check_opset(onnx_import *m)
{
    int64_t opset = onnx_opset_of(m->model.opsets, m->model.opset_count, "");
    if (opset && opset < OLDEST_OPSET)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "opset %lld is too old (expected %d to %d)", (long long)opset,
                  OLDEST_OPSET, NEWEST_OPSET);
    if (opset < 0 || opset > 100)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_NEWER,
                  "opset %lld is not known (expected %d to %d)",
                  (long long)opset, OLDEST_OPSET, NEWEST_OPSET);
}

static void read_all(onnx_import *m, const uint8_t *bytes, size_t size)
{
    onnx_graph *g = &m->model.graph;
    onnx_model_read(&m->model, bytes, size);
    check_opset(m);
    if (g->input_count > MLI_MAX_PORTS + g->tensor_count ||
        g->output_count > MLI_MAX_PORTS)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "%zu inputs and %zu outputs (expected at most %u each)",
                  g->input_count, g->output_count, MLI_MAX_PORTS);
    if (!g->output_count)
        onnx_stop(m->model.exit, ONNX_WRONG, MLC_CORRUPT,
                  "the graph has no output");
    m->initial_state =
        onnx_take(&m->pool, g->input_count, sizeof *m->initial_state);
    m->output_of = onnx_take(&m->pool, g->input_count, sizeof *m->output_of);
    for (size_t i = 0; i < g->input_count; i++)
        m->output_of[i] = -1;
    if (!m->binds)
        onnx_find_states(&m->model, m->options->states, m->options->state_count,
                         m->output_of);
    for (size_t i = 0; i < g->input_count && !m->binds; i++)
        if (!onnx_is_initializer(g, g->inputs[i].name))
            m->initial_state[i] = onnx_starts_layers(g, g->inputs[i].name);
}

static mlc_status run_import(onnx_import *m, const uint8_t *bytes, size_t size,
                             mlc_image *image, mlc_error *error)
{
    onnx_exit exit = {.error = error};
    choice *c = calloc(1, sizeof *c);
    mlc_status status;
    int64_t opset;
    if (!c)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    m->exit = m->model.exit = m->pool.exit = &exit;
    if (setjmp(exit.jump)) {
        onnx_pool_free(&m->pool);
        free(c);
        return error->status;
    }
    read_all(m, bytes, size);
    status = choose(m, c, error);
    opset = onnx_opset_of(m->model.opsets, m->model.opset_count, "");
    if (status == MLC_OK && opset > NEWEST_OPSET)
        ir_note(c->best.g, "opset %lld is newer than %d: check the result",
                (long long)opset, NEWEST_OPSET);
    onnx_pool_free(&m->pool);
    if (status == MLC_OK && m->taken) {
        free(*m->taken);
        *m->taken = NULL;
    }
    if (status == MLC_OK)
        status = mlc_finish(c->best.g, m->options, image, error);
    free(c);
    return status;
}

/* taken: as in onnx_import. */
static mlc_status import(const uint8_t *bytes, size_t size, uint8_t **taken,
                         const char *path, const mlc_options *options,
                         const onnx_bind *binds, size_t count, mlc_image *image,
                         mlc_error *error)
{
    static const mlc_options usual = MLC_OPTIONS_DEFAULT;
    mlc_error unseen;
    onnx_import m;
    memset(&m, 0, sizeof m);
    m.file_size = size;
    m.taken = taken;
    m.pool.limit = onnx_allowed(MEMORY, ONNX_MEMORY_A_BYTE, size);
    m.model.most_work = MOST_WORK + ONNX_WORK_A_BYTE * (double)size;
    m.model.pool = &m.pool;
    m.model.path = path;
    m.options = options ? options : &usual;
    m.binds = binds;
    m.bind_count = count;
    return run_import(&m, bytes, size, image, error ? error : &unseen);
}

mlc_status mlc_import_onnx(const uint8_t *bytes, size_t size, const char *path,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error)
{
    return import(bytes, size, NULL, path, options, NULL, 0, image, error);
}

mlc_status mlc_take_onnx(uint8_t **bytes, size_t size, const char *path,
                         const mlc_options *options, mlc_image *image,
                         mlc_error *error)
{
    return import(*bytes, size, bytes, path, options, NULL, 0, image, error);
}

mlc_status mlc_import_onnx_bound(const uint8_t *bytes, size_t size,
                                 const char *path, const mlc_options *options,
                                 const mlc_onnx_bind *binds, size_t count,
                                 mlc_image *image, mlc_error *error)
{
    mlc_error unseen, *said = error ? error : &unseen;
    onnx_bind *b = calloc(count + 1, sizeof *b);
    onnx_tensor *t = calloc(count + 1, sizeof *t);
    mlc_status status;
    for (size_t i = 0; b && t && i < count; i++) {
        const mlc_onnx_tensor *from = binds[i].tensor;
        t[i].name = binds[i].name;
        t[i].type = from->type;
        t[i].rank = from->rank;
        memcpy(t[i].dims, from->dims, sizeof t[i].dims);
        t[i].count = from->count;
        t[i].f = from->f;
        t[i].i = from->i;
        b[i].name = binds[i].name;
        b[i].tensor = &t[i];
        b[i].shape_only = binds[i].shape_only;
    }
    status = b && t ? import(bytes, size, NULL, path, options, count ? b : NULL,
                             count, image, said)
                    : mlc_fail(said, MLC_MEMORY, "out of memory");
    free(b);
    free(t);
    return status;
}
