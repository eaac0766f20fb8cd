/*
 * onnx_evaluate.c - an operator on constants alone, computed by the runtime:
 * in a graph of its own that runs once.
 */
#include <stdlib.h>
#include "evaluate.h"
#include "onnx_run.h"

#define MOST ((int64_t)1 << 20) /* elements in, elements out */

/* Constants that floats hold: whole numbers up to 2^24. */
static int can_run(const onnx_value *v)
{
    int64_t n = onnx_elements(v);
    if (v->kind != ONNX_CONST || n < 1 || n > MOST || !onnx_type_runs(v->type))
        return 0;
    for (int64_t k = 0; v->i && k < n; k++)
        if (v->i[k] > (1 << 24) || v->i[k] < -(1 << 24))
            return 0;
    return 1;
}

/* Nothing in it is drawn at random or kept. */
static int is_plain(const ir_graph *g)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i].state_count)
            return 0;
    return 1;
}

/* The numbers of a value that the graph aside computes; NULL: it cannot. */
static onnx_value *computed(onnx_run *r, onnx_value *v)
{
    ir_graph *g = r->aside;
    uint32_t flat = (uint32_t)onnx_elements(v);
    onnx_value *y = onnx_new_const(r, v->type, v->rank, v->dims);
    float *f = y->f ? y->f : onnx_take(r->pool, flat, sizeof *f);
    ir_id id = ir_reshape(g, v->id, 1, &flat);
    if (g->output_count) { /* each by itself */
        free(g->outputs[0].name);
        g->output_count = 0;
    }
    ir_output(g, "y", id);
    if (g->error[0] || !onnx_affords(r, mlc_evaluate_cost(g)) ||
        !mlc_evaluate(g, f))
        return NULL;
    for (uint32_t k = 0; y->i && k < flat; k++)
        y->i[k] = f[k] > -9e18f && f[k] < 9e18f ? (int64_t)f[k] : 0;
    return y;
}

static int take_outputs(onnx_run *r, onnx_call *c, onnx_value **made)
{
    for (int i = 0; i < c->outputs; i++) {
        if (!made[i] || made[i]->kind == ONNX_BROKEN)
            continue;
        if (made[i]->kind == ONNX_CONST) {
            made[i]->id = IR_NONE; /* it was the other graph's */
        } else if (made[i]->kind != ONNX_RUNS ||
                   onnx_elements(made[i]) > MOST ||
                   !(made[i] = computed(r, made[i]))) {
            return 0;
        }
    }
    for (int i = 0; i < c->outputs; i++)
        c->out[i] = made[i];
    return 1;
}

int onnx_evaluate(onnx_run *r, onnx_call *c, const onnx_op *op)
{
    onnx_call other = *c;
    ir_graph *g = r->g;
    mli_mode mode = r->mode;
    int done, given = 0;
    if (!c->inputs || c->inputs < op->least || r->aside)
        return 0;
    other.in = onnx_take(r->pool, (size_t)c->inputs, sizeof *other.in);
    other.out = onnx_take(r->pool, (size_t)c->outputs + 1, sizeof *other.out);
    for (int i = 0; i < c->inputs; i++) {
        if (!c->in[i] && i >= op->least)
            continue;
        if (!c->in[i] || !can_run(c->in[i]))
            return 0;
        other.in[i] = onnx_take(r->pool, 1, sizeof **other.in);
        *other.in[i] = *c->in[i];
        other.in[i]->id = IR_NONE;
        given = 1;
    }
    if (!given)
        return 0;
    r->aside = ir_new(MLI_STEP);
    if (!r->aside)
        onnx_stop(r->exit, ONNX_WRONG, MLC_MEMORY, "out of memory");
    ir_at(r->aside, c->name);
    r->g = r->aside;
    r->mode = MLI_STEP;
    op->run(r, &other, op->what);
    r->g = g;
    r->mode = mode;
    done = !r->aside->error[0] && is_plain(r->aside) &&
           take_outputs(r, c, other.out);
    for (int i = 0; i < c->outputs && !done; i++)
        if (other.out[i] && other.out[i]->kind == ONNX_BROKEN &&
            !other.out[i]->broken) { /* it was reported */
            c->out[i] = other.out[i];
            done = 1;
        }
    ir_free(r->aside);
    r->aside = NULL;
    return done;
}
