/*
 * onnx_outputs.c - what comes out, and how late.
 */
#include <string.h>
#include "onnx_import.h"
#include "onnx_ml.h"
#include "rates.h"

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
        int64_t p;
        if (!v[i] || !onnx_timed(r, v[i]))
            continue;
        p = period(r, v[i], fast);
        if (p == 0)
            onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                      "the rates of the outputs and the input have no whole "
                      "numbers between them");
        least = -v[i]->shift * p > least ? -v[i]->shift * p : least;
        step = step / mlc_common_divisor(p, step) * p;
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
static int comes_back(const onnx_import *m, size_t output)
{
    for (size_t i = 0; i < m->model.graph.input_count; i++)
        if (m->output_of[i] == (int)output)
            return 1;
    return 0;
}

void onnx_make_outputs(onnx_run *r, const onnx_import *m, onnx_scope *s)
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
