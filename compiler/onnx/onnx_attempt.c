/*
 * onnx_attempt.c - see onnx_attempt.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "onnx_attempt.h"
#include "onnx_describe.h"

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
                  opset > ONNX_NEWEST_OPSET ? MLC_NEWER : MLC_UNSUPPORTED,
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

static void prepare(work *w, onnx_import *m, const onnx_attempt *a,
                    onnx_outcome *o)
{
    onnx_run *r = &w->run;
    w->exit.error = &o->error;
    w->pool.limit = onnx_allowed(ONNX_MEMORY, ONNX_MEMORY_A_BYTE,
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

void onnx_try(onnx_import *m, const onnx_attempt *a, onnx_outcome *o)
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

uint64_t onnx_graph_hash(const ir_graph *g)
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
