/*
 * tflite_state.c - what a model keeps from run to run, and subgraphs that are
 * called.
 */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

#define MAX_TURNS 4096u /* of a loop */

tfl_variable *tfl_variable_of(tfl_run *r, const char *name,
                              const tfl_tensor *tensor)
{
    tfl_variable *v;

    for (uint32_t i = 0; i < r->variable_count; i++) {
        v = &r->variables[i];
        if (name ? v->name && !strcmp(v->name, name)
                 : !v->name && v->tensor == tensor)
            return v;
    }
    if (r->variable_count == r->variable_room) {
        uint32_t room = 2 * r->variable_room + 16;
        v = onnx_take(r->pool, room, sizeof *v);
        if (r->variable_count)
            memcpy(v, r->variables, r->variable_count * sizeof *v);
        r->variables = v;
        r->variable_room = room;
    }
    v = &r->variables[r->variable_count++];
    v->name = name ? onnx_copy(r->pool, name, strlen(name)) : NULL;
    v->tensor = tensor;
    v->recall = IR_NONE;
    return v;
}

ir_id tfl_read_variable(tfl_run *r, tfl_variable *v, const tfl_tensor *t)
{
    uint32_t rank = t->rank > 0 ? (uint32_t)t->rank : 0;
    const uint32_t *dims = t->dims;
    const float *first = NULL;

    if (v->now.set)
        return tfl_id(r, &v->now);
    if (v->recall != IR_NONE)
        return v->recall;
    if (v->first.set && tfl_constant(r, &v->first)) {
        rank = v->first.rank;
        dims = v->first.dims;
        first = tfl_floats(r, &v->first);
    }
    v->recall = ir_recall(r->g, rank, dims, first);
    if (v->recall != IR_NONE)
        tfl_spend(r, r->g->values[v->recall].elements);
    return v->recall;
}

void tfl_write_variable(tfl_run *r, tfl_variable *v, const tfl_tensor *t,
                        ir_id id)
{
    tfl_set(r, &v->now, t, id);
}

void tfl_end_variables(tfl_run *r)
{
    for (uint32_t i = 0; i < r->variable_count; i++) {
        tfl_variable *v = &r->variables[i];
        if (v->recall != IR_NONE && v->now.set && !v->now.broken)
            ir_store(r->g, v->recall, tfl_id(r, &v->now));
    }
}

/* ----------------------------------------------------------- resources ---- */

static const char *text_option(tfl_run *r, const tfl_call *c, uint32_t slot)
{
    uint32_t n;
    const uint8_t *text = flat_text(&c->op->options, slot, &n);

    return text ? onnx_copy(r->pool, text, n) : "";
}

void tfl_do_var_handle(tfl_run *r, tfl_call *c, int what)
{
    const char *container = text_option(r, c, 0);
    const char *name = text_option(r, c, 1);
    const char *both = onnx_print(r->pool, "%.200s/%.200s", container, name);
    tfl_variable *v = tfl_variable_of(r, both, NULL);

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    c->out[0]->set = 1;
    c->out[0]->type = TFL_RESOURCE;
    c->out[0]->variable = (uint32_t)(v - r->variables) + 1;
}

static tfl_variable *resource(tfl_run *r, tfl_call *c)
{
    if (!c->in[0]->variable)
        tfl_bad(r, c, "input 0 is no variable");
    return &r->variables[c->in[0]->variable - 1];
}

void tfl_do_read_variable(tfl_run *r, tfl_call *c, int what)
{
    tfl_variable *v = resource(r, c);

    (void)what;
    if (!c->outputs || !c->out[0])
        return;
    if (v->now.set) {
        *c->out[0] = v->now;
        return;
    }
    tfl_put_whole(r, c, 0, tfl_read_variable(r, v, c->declared[0]));
    if (v->first.set) {
        c->out[0]->scale = v->first.scale;
        c->out[0]->zero = v->first.zero;
    }
}

void tfl_do_assign_variable(tfl_run *r, tfl_call *c, int what)
{
    tfl_variable *v = resource(r, c);

    (void)what;
    if (!r->once) {
        v->now = *c->in[1];
        return;
    }
    if (!tfl_constant(r, c->in[1])) {
        tfl_unsupported(r, c, "a computed first value of a variable");
        return;
    }
    v->first = *c->in[1];
}

void tfl_do_call_once(tfl_run *r, tfl_call *c, int what)
{
    int before = r->once;

    (void)what;
    r->once = 1;
    tfl_walk(r, (uint32_t)tfl_option_int(c, 0, 0), NULL, 0);
    r->once = before;
    ir_at(r->g, c->name);
}

/* ------------------------------------------------------------ branches ---- */

static void take_outputs(tfl_run *r, tfl_call *c, uint32_t subgraph,
                         const tfl_value *values)
{
    const tfl_subgraph *s = &r->model->subgraphs[subgraph];

    if (s->out.count != (uint32_t)c->outputs)
        tfl_bad(r, c, "%d outputs of a subgraph with %u", c->outputs,
                s->out.count);
    for (int i = 0; i < c->outputs; i++)
        if (c->out[i])
            *c->out[i] = values[flat_int_at(&s->out, (uint32_t)i)];
}

void tfl_do_if(tfl_run *r, tfl_call *c, int what)
{
    uint32_t count, branch;
    const int64_t *condition = tfl_ints(r, c->in[0], &count);
    tfl_value *values;

    (void)what;
    if (!condition || count != 1) {
        tfl_unsupported(r, c, "a condition that depends on the input");
        return;
    }
    branch = (uint32_t)tfl_option_int(c, condition[0] ? 0 : 1, 0);
    values = tfl_walk(r, branch, c->in + 1, (uint32_t)c->inputs - 1);
    take_outputs(r, c, branch, values);
    ir_at(r->g, c->name);
}

/* Is the loop to take one more turn? -1: nobody knows. */
static int goes_on(tfl_run *r, tfl_call *c, uint32_t subgraph, tfl_value **in)
{
    const tfl_subgraph *s;
    tfl_value *values = tfl_walk(r, subgraph, in, (uint32_t)c->inputs);
    const int64_t *condition;
    uint32_t count;

    s = &r->model->subgraphs[subgraph];
    if (r->g->error[0])
        return 0;
    if (s->out.count != 1)
        tfl_bad(r, c, "a condition with %u outputs", s->out.count);
    condition = tfl_ints(r, &values[flat_int_at(&s->out, 0)], &count);
    return condition && count == 1 ? condition[0] != 0 : -1;
}

void tfl_do_while(tfl_run *r, tfl_call *c, int what)
{
    uint32_t condition = (uint32_t)tfl_option_int(c, 0, 0);
    uint32_t body = (uint32_t)tfl_option_int(c, 1, 0);
    tfl_value **now = c->in, **next;
    int more;

    (void)what;
    if (c->inputs != c->outputs)
        tfl_bad(r, c, "a loop of %d inputs and %d outputs", c->inputs,
                c->outputs);
    for (uint32_t turn = 0;; turn++) {
        tfl_value *values;
        more = goes_on(r, c, condition, now);
        if (r->g->error[0] || r->unsupported[0])
            more = -2;
        if (more <= 0 || turn == MAX_TURNS)
            break;
        values = tfl_walk(r, body, now, (uint32_t)c->inputs);
        next = onnx_take(r->pool, (size_t)c->inputs, sizeof *next);
        if (r->model->subgraphs[body].out.count != (uint32_t)c->inputs)
            tfl_bad(r, c, "a loop's body with %u outputs",
                    r->model->subgraphs[body].out.count);
        for (int i = 0; i < c->inputs; i++)
            next[i] = &values[flat_int_at(&r->model->subgraphs[body].out,
                                          (uint32_t)i)];
        now = next;
    }
    ir_at(r->g, c->name);
    for (int i = 0; i < c->outputs; i++)
        if (c->out[i]) {
            *c->out[i] = *now[i];
            c->out[i]->broken |= more == -2;
        }
    if (more == -1)
        tfl_unsupported(r, c,
                        "a loop whose length depends on the input, or "
                        "takes too long to count");
    else if (more > 0)
        tfl_unsupported(r, c, "a loop of more than %u turns", MAX_TURNS);
}
