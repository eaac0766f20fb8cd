/*
 * onnx_inputs.c - what a graph's inputs are: signals, controls, constants that
 * were given, or what the session keeps from call to call.
 */
#include <string.h>
#include "onnx_describe.h"
#include "onnx_import.h"

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
static int is_carried(const onnx_import *m, size_t input)
{
    return m->output_of[input] >= 0 && !m->initial_state[input];
}

/* An input that comes back from an output. init: what it is at first. */
static void carried_input(onnx_run *r, const onnx_import *m, onnx_scope *s,
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

static void name_input(onnx_run *r, const onnx_import *m, onnx_scope *s,
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

/* What is an initializer, too, may be given or carried all the same. */
void onnx_name_inputs(onnx_run *r, const onnx_import *m, onnx_scope *s)
{
    const onnx_graph *g = &r->model->graph;
    for (size_t i = 0; i < g->input_count; i++)
        if (!onnx_is_initializer(g, g->inputs[i].name))
            name_input(r, m, s, i);
    onnx_name_tensors(r, s, g);
    for (size_t i = 0; i < g->input_count; i++) {
        const char *name = g->inputs[i].name;
        if (!onnx_is_initializer(g, name))
            continue;
        if (bound(r, name))
            name_input(r, m, s, i);
        if (is_carried(m, i))
            carried_input(r, m, s, i, onnx_look_up(r, s, name));
    }
}

void onnx_carry(onnx_run *r, const onnx_import *m, onnx_scope *s)
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
