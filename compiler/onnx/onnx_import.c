/*
 * onnx_import.c - how a model meets time, its inputs and outputs.
 *
 * Every axis of every input is tried as time: the walk that gets through with
 * a convolution or a recurrent layer along it makes a stream. If such layers
 * are there but something else cannot be done frame by frame, the model runs
 * on windows; without such layers it is a step model.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "onnx_data.h"
#include "onnx_describe.h"
#include "onnx_ml.h"
#include "onnx_state.h"

#define OLDEST_OPSET 1
#define NEWEST_OPSET 23
#define MEMORY       ((size_t)1 << 28) /* beyond 24 times the file */

typedef struct import {
    onnx_exit *exit; /* while no walk is under way */
    onnx_model model;
    onnx_pool pool; /* of the model */
    const mlc_options *options;
    const onnx_bind *binds;
    size_t bind_count;
    size_t file_size;
    int *initial_state; /* of each graph input: only an initial state */
    int *output_of;     /* of each graph input: the output that it was in the
                           call before, -1: none */
} import;

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

/* ------------------------------------------------------------- inputs ---- */

static int is_initializer(const onnx_graph *g, const char *name)
{
    for (size_t i = 0; i < g->tensor_count; i++)
        if (!strcmp(g->tensors[i].name, name))
            return 1;
    return 0;
}

static const onnx_bind *bound(const onnx_run *r, const char *name)
{
    for (size_t i = 0; i < r->bind_count; i++)
        if (!strcmp(r->binds[i].name, name))
            return &r->binds[i];
    return NULL;
}

/* The dims of an input under the attempt's assumption. */
static void bind_dims(const onnx_run *r, size_t number, int64_t *dims)
{
    const onnx_graph *g = &r->model->graph;
    const onnx_info *v = &g->inputs[number], *t;
    const char *time = NULL;
    t = r->time_input >= 0 ? &g->inputs[r->time_input] : NULL;
    if (t)
        time = t->params[r->time_axis];
    for (int i = 0; i < v->rank; i++) {
        int is_time = t && ((v == t && i == r->time_axis) ||
                            (v->dims[i] < 0 && time && v->params[i] &&
                             !strcmp(time, v->params[i])));
        dims[i] = v->dims[i];
        if (is_time) /* a window may be asked for that is not the graph's */
            dims[i] = r->frames;
        else if (dims[i] < 0)
            dims[i] = t && v != t && i > 0 && !v->params[i] ? r->frames : 1;
    }
}

/* The axis of an input that is time, or -1. */
static int time_of(const onnx_run *r, size_t number, const int64_t *dims)
{
    const onnx_info *v = &r->model->graph.inputs[number];
    if (r->time_input < 0)
        return -1;
    if ((int)number == r->time_input)
        return r->time_axis;
    if (r->frames < 2)
        return -1;
    if (r->time_axis < v->rank && dims[r->time_axis] == r->frames)
        return r->time_axis;
    for (int i = v->rank - 1; i >= 0; i--)
        if (dims[i] == r->frames)
            return i;
    return -1;
}

/* A window's input: time in front, as the port has it, then the graph's order
   of axes. */
static ir_id window_input(onnx_run *r, const char *name, onnx_value *v)
{
    uint32_t dims[ONNX_MAX_RANK], perm[ONNX_MAX_RANK];
    uint32_t rank = (uint32_t)v->rank, time = (uint32_t)v->time;
    ir_id id;
    dims[0] = (uint32_t)v->dims[time];
    for (uint32_t i = 0, n = 1; i < rank; i++)
        if (i != time)
            dims[n++] = (uint32_t)v->dims[i];
    for (uint32_t i = 0; i < rank; i++)
        perm[i] = i == time ? 0 : i < time ? i + 1 : i;
    id = ir_input(r->g, name, rank, dims);
    return id == IR_NONE ? id : ir_transpose(r->g, id, perm);
}

static void make_input(onnx_run *r, size_t number, onnx_value *v)
{
    const char *name = r->model->graph.inputs[number].name;
    uint32_t dims[ONNX_MAX_RANK], rank = onnx_frame_dims(r, v, dims);
    uint64_t n = 1;
    uint32_t flat;
    for (uint32_t i = 0; i < rank; i++) {
        n *= dims[i]; /* each up to 2^28: no overflow before the check */
        if (n > MLI_MAX_ELEMENTS)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "input %s is too large", name);
    }
    flat = (uint32_t)n;
    if (r->mode == MLI_WINDOW && v->time >= 0)
        v->id = window_input(r, name, v);
    else if (r->mode == MLI_STEP || v->time >= 0)
        v->id = ir_input(r->g, name, 1, &flat);
    else
        v->id = ir_control(r->g, name, 1, &flat);
    if (v->id == IR_NONE)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "input %s: %s", name,
                  r->g->error);
    if (onnx_timed(r, v) && r->source == IR_NONE)
        r->source = v->id;
}

/* Is it kept by the session from call to call, apart from layers' states? */
static int is_carried(const import *m, size_t input)
{
    return m->output_of[input] >= 0 && !m->initial_state[input];
}

/* An input that comes back from an output. init: what it is at first. */
static void carried_input(onnx_run *r, const import *m, onnx_scope *s,
                          size_t number, onnx_value *init)
{
    const onnx_graph *g = &r->model->graph;
    const onnx_info *info = &g->inputs[number];
    const char *back = g->outputs[m->output_of[number]].name;
    const float *first;
    uint32_t dims[ONNX_MAX_RANK], rank;
    onnx_value *v;
    int64_t n[ONNX_MAX_RANK];
    if (r->mode == MLI_STREAM)
        onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                  "input %.80s comes back from output %.80s call by call",
                  info->name, back);
    bind_dims(r, number, n);
    v = onnx_new(r, ONNX_RUNS, ONNX_FLOAT, info->rank, n);
    if (init && (init->rank != v->rank || !onnx_same_dims(init, v)))
        v = onnx_new(r, ONNX_RUNS, ONNX_FLOAT, init->rank, init->dims);
    rank = onnx_frame_dims(r, v, dims);
    first = init ? onnx_floats(r, init)
                 : onnx_described_state(r->model, info->name,
                                        (uint32_t)onnx_elements(v));
    v->id = ir_recall(r->g, rank, dims, first);
    if (v->id == IR_NONE)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "input %.80s: %s",
                  info->name, r->g->error);
    onnx_name(r, s, info->name, v);
}

/* What carried inputs will be in the next call. */
static void carry(onnx_run *r, const import *m, onnx_scope *s)
{
    const onnx_graph *g = &r->model->graph;
    for (size_t i = 0; i < g->input_count; i++) {
        onnx_value *v, *y;
        const char *from;
        if (!is_carried(m, i))
            continue;
        from = g->outputs[m->output_of[i]].name;
        v = onnx_look_up(r, s, g->inputs[i].name);
        y = onnx_look_up(r, s, from);
        if (!y)
            onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                      "no node makes output %.80s", from);
        if (y->kind > ONNX_RUNS)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "output %.80s is not supported", from);
        ir_at(r->g, g->inputs[i].name);
        if (ir_store(r->g, v->id, onnx_id(r, y)) == IR_NONE)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "state %.80s=%.80s: %s", g->inputs[i].name, from,
                      r->g->error);
        ir_note(r->g,
                "input %s is output %s of the call before: kept in the "
                "session",
                g->inputs[i].name, from);
    }
}

static void name_input(onnx_run *r, const import *m, onnx_scope *s,
                       size_t number)
{
    const onnx_info *info = &r->model->graph.inputs[number];
    const onnx_bind *given = bound(r, info->name);
    const onnx_tensor *t = given ? given->tensor : NULL;
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *v;
    if (given && !given->shape_only) {
        v = onnx_new(r, ONNX_CONST, t->type, t->rank, t->dims);
        v->f = t->f;
        v->i = t->i;
        onnx_name(r, s, info->name, v);
        return;
    }
    if (!onnx_type_runs(info->type))
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "input %s is of type %s (expected numbers)", info->name,
                  onnx_type_name(info->type));
    if (given) {
        v = onnx_new(r, ONNX_RUNS, info->type, t->rank, t->dims);
        make_input(r, number, v);
        onnx_name(r, s, info->name, v);
        return;
    }
    if (info->rank < 0)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "input %s has no shape: export it with one", info->name);
    if (is_carried(m, number)) {
        carried_input(r, m, s, number, NULL);
        return;
    }
    bind_dims(r, number, dims);
    if (m->initial_state[number]) {
        v = onnx_new_const(r, ONNX_FLOAT, info->rank, dims);
        v->state = 1;
        onnx_name(r, s, info->name, v);
        return;
    }
    v = onnx_new(r, ONNX_RUNS, info->type, info->rank, dims);
    v->time = time_of(r, number, dims);
    make_input(r, number, v);
    onnx_name(r, s, info->name, v);
}

#define MAX_VIEWS 256 /* of one state: a slice for each layer, and so on */

/*
 * An input that does nothing but start recurrent layers, through slices and
 * reshapes. Such a state lives in the session.
 */
static int is_state(import *m, const char *name)
{
    static const char *const views[] = {"Slice",    "Gather",   "Split",
                                        "Reshape",  "Squeeze",  "Unsqueeze",
                                        "Identity", "Transpose"};
    const onnx_graph *g = &m->model.graph;
    const char *names[MAX_VIEWS];
    size_t count = 1;
    int starts = 0;
    names[0] = name;
    for (size_t i = 0; i < g->node_count; i++) {
        const onnx_node *n = &g->nodes[i];
        int uses = 0, view = 0, layer;
        layer = !strcmp(n->op, "LSTM") || !strcmp(n->op, "GRU") ||
                !strcmp(n->op, "RNN");
        for (size_t k = 0; k < sizeof views / sizeof *views; k++)
            view |= !strcmp(n->op, views[k]);
        for (size_t k = 0; k < n->inputs; k++)
            for (size_t j = 0; j < count; j++) {
                if (strcmp(n->in[k], names[j]))
                    continue;
                if (!strcmp(n->op, "Shape"))
                    continue;
                if (!(view && k == 0) && !(layer && (k == 5 || k == 6)))
                    return 0;
                uses = 1;
            }
        starts |= uses && layer;
        for (size_t k = 0; uses && view && k < n->outputs; k++) {
            if (count == MAX_VIEWS)
                return 0;
            names[count++] = n->out[k];
        }
    }
    for (size_t i = 0; i < g->output_count; i++)
        for (size_t j = 0; j < count; j++)
            if (!strcmp(g->outputs[i].name, names[j]))
                return 0;
    return starts;
}

/* ------------------------------------------------------------ outputs ---- */

/* Where time is in an output. When it went out of sight on the way: where the
   input has it, or the only axis as long as the window. */
static int window_time(const onnx_run *r, const onnx_value *v)
{
    int64_t window = (int64_t)r->g->window;
    int only = -1;
    if (v->kind != ONNX_RUNS)
        return -1;
    if (v->time >= 0)
        return v->dims[v->time] == window ? v->time : -1;
    if (r->time_axis < v->rank && v->dims[r->time_axis] == window)
        return r->time_axis;
    for (int i = 0; i < v->rank; i++)
        if (v->dims[i] == window) {
            if (only >= 0)
                return -1;
            only = i;
        }
    return only;
}

static ir_id window_output(onnx_run *r, onnx_value *v)
{
    uint32_t dims[2] = {1, (uint32_t)onnx_elements(v)};
    int perm[ONNX_MAX_RANK], time = window_time(r, v);
    if (time >= 0) {
        perm[0] = time;
        for (int i = 0, n = 1; i < v->rank; i++)
            if (i != time)
                perm[n++] = i;
        dims[0] = (uint32_t)v->dims[time];
        dims[1] /= dims[0];
        v = onnx_transposed(r, v, perm);
    }
    return onnx_shaped(r, onnx_id(r, v), 2, dims);
}

/* Frames of the host in one of v's, if the host runs at rate fast. */
static int64_t period(const onnx_run *r, const onnx_value *v,
                      const uint64_t fast[2])
{
    uint64_t own[2], up, down;
    onnx_rate(r, v, own);
    up = fast[0] * own[1];
    down = fast[1] * own[0];
    return up % down ? 0 : (int64_t)(up / down);
}

/* The least latency that all outputs can have: a multiple of every period. */
static int64_t common_latency(const onnx_run *r, onnx_value **v, size_t count,
                              const uint64_t fast[2])
{
    int64_t least = 0, step = 1;
    for (size_t i = 0; i < count; i++) {
        int64_t p, a, b;
        if (!v[i] || !onnx_timed(r, v[i]))
            continue;
        a = p = period(r, v[i], fast);
        if (p == 0)
            onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                      "the rates of the outputs and the input have no whole "
                      "numbers between them");
        least = -v[i]->shift * p > least ? -v[i]->shift * p : least;
        for (b = step; b;) {
            int64_t rest = a % b;
            a = b;
            b = rest;
        }
        step = step / a * p;
    }
    return (least + step - 1) / step * step;
}

/* All outputs as late as the latest, at their own rates. */
static void align_outputs(onnx_run *r, onnx_value **v, size_t count)
{
    uint64_t fast[2] = {1, 1}, own[2];
    int64_t latency;
    for (size_t i = 0; i < count; i++) {
        if (!v[i] || !onnx_timed(r, v[i]))
            continue;
        v[i] = onnx_settled(r, v[i]);
        onnx_rate(r, v[i], own);
        if (own[0] * fast[1] > fast[0] * own[1])
            memcpy(fast, own, sizeof fast);
    }
    latency = common_latency(r, v, count, fast);
    for (size_t i = 0; i < count; i++)
        if (v[i] && onnx_timed(r, v[i]))
            v[i] = onnx_delayed(r, v[i],
                                latency / period(r, v[i], fast) + v[i]->shift);
    if (latency > UINT32_MAX)
        onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                  "a latency of %lld frames", (long long)latency);
    r->g->latency = (uint32_t)latency;
}

static void make_outputs(onnx_run *r, onnx_value **v, size_t count)
{
    const onnx_graph *g = &r->model->graph;
    align_outputs(r, v, count);
    for (size_t i = 0; i < count; i++) {
        ir_id id;
        uint32_t flat;
        if (!v[i])
            continue;
        if (onnx_elements(v[i]) < 1)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "output %s is empty", g->outputs[i].name);
        v[i] = onnx_cleaned(r, v[i]);
        id = onnx_id(r, v[i]);
        if (r->mode == MLI_WINDOW) {
            id = window_output(r, v[i]);
        } else if (id != IR_NONE) {
            flat = (uint32_t)ir_get(r->g, id)->elements;
            id = onnx_shaped(r, id, 1, &flat);
        }
        ir_output(r->g, g->outputs[i].name, id);
        onnx_ml_label_port(r, v[i]);
    }
}

/* Is it nothing but the next call's input? */
static int comes_back(const import *m, size_t output)
{
    for (size_t i = 0; i < m->model.graph.input_count; i++)
        if (m->output_of[i] == (int)output)
            return 1;
    return 0;
}

static void outputs(onnx_run *r, const import *m, onnx_scope *s)
{
    const onnx_graph *g = &r->model->graph;
    onnx_value **v = onnx_take(r->pool, g->output_count, sizeof *v);
    size_t left = 0;
    for (size_t i = 0; i < g->output_count; i++) {
        onnx_value *y = onnx_look_up(r, s, g->outputs[i].name);
        if (comes_back(m, i))
            continue;
        if (!y)
            onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                      "no node makes output %s", g->outputs[i].name);
        if (y->kind == ONNX_SEQUENCE)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "output %s is a sequence", g->outputs[i].name);
        if (y->kind == ONNX_BROKEN)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED, "output %s is %s",
                      g->outputs[i].name,
                      y->broken ? y->broken : "not supported");
        if (y->kind == ONNX_FINAL) {
            r->finals++;
            continue;
        }
        v[i] = y;
        left++;
    }
    if (!left)
        onnx_stop(r->exit, r->mode == MLI_STREAM ? ONNX_TIME : ONNX_WRONG,
                  MLC_UNSUPPORTED,
                  "nothing but final states of recurrent layers comes out");
    for (size_t i = 0; i < g->output_count; i++)
        if (!v[i] && !comes_back(m, i))
            ir_note(r->g,
                    "output %s left out: a final state, which stays in "
                    "the session",
                    g->outputs[i].name);
    for (size_t i = 0; i < g->input_count; i++) {
        if (!m->initial_state[i])
            continue;
        if (g->output_count < 2 && m->output_of[i] < 0)
            onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "input %s is an initial state, but no output is the "
                      "state that follows (expected both or neither)",
                      g->inputs[i].name);
        ir_note(r->g,
                "input %s left out: an initial state, which is 0 and "
                "stays in the session",
                g->inputs[i].name);
    }
    make_outputs(r, v, g->output_count);
}

/* ------------------------------------------------------------ one walk ---- */

/* onnx_describe may say better. */
static void metadata(onnx_run *r)
{
    const onnx_model *m = r->model;
    char text[160];
    if (m->graph.name[0])
        ir_set_meta(r->g, "name", m->graph.name);
    snprintf(text, sizeof text, "ONNX%s%.60s%s%.60s",
             m->producer[0] ? ", " : "", m->producer,
             m->producer_version[0] ? " " : "", m->producer_version);
    ir_set_meta(r->g, "source", text);
}

static void walk(onnx_run *r, const import *m)
{
    const onnx_graph *g = &r->model->graph;
    onnx_scope s = {.names = onnx_names_new(r),
                    .opsets = r->model->opsets,
                    .opset_count = r->model->opset_count};
    const char **names = onnx_take(r->pool, g->output_count, sizeof *names);
    for (size_t i = 0; i < g->output_count; i++)
        names[i] = g->outputs[i].name;
    metadata(r);
    for (size_t i = 0; i < g->input_count; i++)
        if (!is_initializer(g, g->inputs[i].name))
            name_input(r, m, &s, i);
    onnx_name_tensors(r, &s, g);
    for (size_t i = 0; i < g->input_count; i++) {
        const onnx_bind *given = bound(r, g->inputs[i].name);
        if (given && is_initializer(g, g->inputs[i].name))
            name_input(r, m, &s, i);
        if (is_carried(m, i) && is_initializer(g, g->inputs[i].name))
            carried_input(r, m, &s, i, onnx_look_up(r, &s, g->inputs[i].name));
    }
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
    outputs(r, m, &s);
    carry(r, m, &s);
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

static void prepare(work *w, import *m, const attempt *a, outcome *o)
{
    onnx_run *r = &w->run;
    w->exit.error = &o->error;
    w->pool.limit = MEMORY + 24 * m->file_size;
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
static void try(import *m, const attempt *a, outcome *o)
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
            h = mlc_hash(h, v->data, v->elements * sizeof *v->data);
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

static int is_running(const import *m, size_t i)
{
    const onnx_graph *g = &m->model.graph;
    if (is_initializer(g, g->inputs[i].name) || m->initial_state[i] ||
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
static int fixed_lengths(const import *m, int64_t *lengths, int room)
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
static void try_lengths(import *m, attempt *a, outcome *o)
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
static void try_dynamic(import *m, attempt *a, int which, outcome *o)
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
static void check_length(import *m, const attempt *a, outcome *o)
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
static int has_layers(import *m, attempt a)
{
    outcome o;
    a.mode = MLI_WINDOW;
    try(m, &a, &o);
    ir_free(o.g);
    return o.layers;
}

static void consider(import *m, choice *c, int input, int axis)
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
    if (!o.g && !c->strong && (o.layers || has_layers(m, a))) {
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
static void consider_all(import *m, choice *c)
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
static attempt any_axis(const import *m)
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

static mlc_status windowed(import *m, choice *c, mlc_error *error)
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
                        "a window length is needed (--window N): the graph's "
                        "own is dynamic");
    if (a.frames < 1 && c->wrong)
        return mlc_fail(error, c->status, "%s", c->reason);
    if (a.frames < 1)
        return mlc_fail(error, c->status,
                        "not a stream: %.400s; to run on windows, a window "
                        "length is needed (--window N)",
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
    return MLC_OK;
}

static mlc_status stepped(import *m, choice *c, mlc_error *error)
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

static mlc_status streamed(import *m, choice *c, mlc_error *error)
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

static mlc_status choose(import *m, choice *c, mlc_error *error)
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

static void check_opset(import *m)
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

static void read_all(import *m, const uint8_t *bytes, size_t size)
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
        if (!is_initializer(g, g->inputs[i].name))
            m->initial_state[i] = is_state(m, g->inputs[i].name);
}

static mlc_status run_import(import *m, const uint8_t *bytes, size_t size,
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
    if (status == MLC_OK)
        status = mlc_finish(c->best.g, m->options, image, error);
    free(c);
    return status;
}

mlc_status mlc_import_onnx(const uint8_t *bytes, size_t size, const char *path,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error)
{
    return mlc_import_onnx_bound(bytes, size, path, options, NULL, 0, image,
                                 error);
}

mlc_status mlc_import_onnx_bound(const uint8_t *bytes, size_t size,
                                 const char *path, const mlc_options *options,
                                 const mlc_onnx_bind *binds, size_t count,
                                 mlc_image *image, mlc_error *error)
{
    static const mlc_options usual = MLC_OPTIONS_DEFAULT;
    mlc_error unseen;
import m;
    onnx_bind *b = NULL;
    onnx_tensor *t = NULL;
    mlc_status status;
    memset(&m, 0, sizeof m);
    m.file_size = size;
    m.pool.limit = MEMORY + 64 * size;
    m.model.pool = &m.pool;
    m.model.path = path;
    m.options = options ? options : &usual;
    if (count) {
        b = calloc(count, sizeof *b);
        t = calloc(count, sizeof *t);
        if (!b || !t) {
            free(b);
            free(t);
            return mlc_fail(error, MLC_MEMORY, "out of memory");
        }
        for (size_t i = 0; i < count; i++) {
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
        m.binds = b;
        m.bind_count = count;
    }
    status = run_import(&m, bytes, size, image, error ? error : &unseen);
    free(b);
    free(t);
    return status;
}
