/* tflite_walk.c - the operators of a subgraph, one after another. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "ir_build.h"
#include "passes/passes.h"
#include "text.h"
#include "tflite_run.h"

#define CONCATENATION 2 /* the schema's number */
#define MAX_NESTING   16
#define MAX_WALKED    (1u << 18) /* operators, loops unrolled */

void tfl_bad(tfl_run *r, const tfl_call *c, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT, "node %s: %s", c->name, text);
}

void tfl_unsupported(tfl_run *r, tfl_call *c, const char *format, ...)
{
    size_t used = strlen(r->unsupported);
    char text[256];
    va_list args;

    for (int i = 0; i < c->outputs; i++)
        if (c->out[i]) {
            c->out[i]->set = 1;
            c->out[i]->broken = 1;
        }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used + strlen(text) + strlen(c->name) + 16 < sizeof r->unsupported)
        snprintf(r->unsupported + used, sizeof r->unsupported - used,
                 "%snode %s: %s", used ? "; " : "", c->name, text);
    else
        r->unsupported_more++;
}

int tfl_option(const tfl_call *c, uint32_t slot, int fallback)
{
    return (int)flat_int(&c->op->options, slot, 1, fallback);
}

int32_t tfl_option_int(const tfl_call *c, uint32_t slot, int32_t fallback)
{
    return (int32_t)flat_int(&c->op->options, slot, 4, fallback);
}

int tfl_axis(tfl_run *r, const tfl_call *c, int64_t axis, uint32_t rank)
{
    if (axis < -(int64_t)rank || axis >= (int64_t)rank)
        tfl_bad(r, c, "axis %lld of %u axes", (long long)axis, rank);
    return (int)(axis < 0 ? axis + rank : axis);
}

/* -------------------------------------------------------------- values ---- */

/* A constant of the file; its buffer must hold what its shape says. */
static void set_constant(tfl_run *r, const tfl_tensor *t, tfl_value *v)
{
    uint64_t n = 1;

    if (t->rank < 0 || t->sparse || !tfl_type_size(t->type)) {
        v->set = 1; /* an error only when it is used */
        v->broken = 2;
        return;
    }
    for (int i = 0; i < t->rank; i++) {
        n *= t->dims[i];
        if (n > MLI_MAX_ELEMENTS)
            onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                      "tensor %s: too many elements", t->name);
    }
    if (tfl_bytes(t->type, n) > t->raw_size)
        onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                  "tensor %s: its buffer is too short (expected %llu bytes, "
                  "got %zu)",
                  t->name, (unsigned long long)tfl_bytes(t->type, n),
                  t->raw_size);
    v->set = 1;
    v->raw = t;
    v->id = IR_NONE;
    v->type = t->type;
    v->rank = (uint32_t)t->rank;
    memcpy(v->dims, t->dims, sizeof v->dims);
    v->scale = tfl_tensor_scale(t);
    v->zero = v->scale > 0.f ? tfl_zero(t) : 0;
}

static tfl_value *value_of(tfl_run *r, const tfl_subgraph *s, tfl_value *values,
                           int64_t i)
{
    if (i < 0)
        return NULL;
    if (!values[i].set && s->tensors[i].raw)
        set_constant(r, &s->tensors[i], &values[i]);
    return &values[i];
}

/* ----------------------------------------------------------- operators ---- */

static int broken_input(tfl_run *r, tfl_call *c)
{
    int broken = 0;

    for (int i = 0; i < c->inputs; i++) {
        const tfl_value *v = c->in[i];
        if (!v)
            continue;
        if (!v->set)
            tfl_bad(r, c, "input %d is made by nobody before", i);
        if (v->broken == 2)
            tfl_unsupported(r, c, "a constant of this kind (%s)",
                            "sparse, without a size, or of too many axes");
        if (v->empty && c->op->code != CONCATENATION) {
            tfl_unsupported(r, c, "an operand without elements");
            broken = 1;
        }
        if (v->complex && !tfl_takes_complex(c->op->code)) {
            tfl_unsupported(r, c,
                            "complex numbers (use tf.abs, tf.math.real "
                            "and tf.math.imag before)");
            broken = 1;
        }
        broken |= v->broken;
    }
    return broken;
}

static void run_op(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    if (!op) {
        tfl_unsupported(r, c, "not supported");
        return;
    }
    for (int i = 0; i < op->least; i++)
        if (i >= c->inputs || !c->in[i])
            tfl_bad(r, c, "input %d is missing", i);
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && c->in[i]->time) {
            tfl_run_in_time(r, c, op);
            return;
        }
    op->run(r, c, op->what);
}

/* Variable tensors have no numbers and nobody makes them: they are states. */
static void allow_states(const tfl_operator *op, const tfl_subgraph *s,
                         tfl_value *values)
{
    for (uint32_t i = 0; i < op->in.count; i++) {
        int64_t n = flat_int_at(&op->in, i);
        if (n >= 0 && s->tensors[n].variable)
            values[n].set = 1;
    }
}

static const char *call_name(tfl_run *r, const tfl_operator *op, uint32_t i)
{
    char text[96];

    snprintf(text, sizeof text, "%s %u",
             op->custom[0] ? op->custom : tfl_op_name(op->code), i);
    mlc_make_utf8(text);
    mlc_make_line(text);
    return onnx_copy(r->pool, text, strlen(text));
}

/* Operands that are not constants now: what is made of the others is. */
static void fold(tfl_run *r, uint32_t from, const tfl_call *c)
{
    for (uint32_t i = from; i < r->g->node_count; i++)
        ir_fold_node(r->g, i);
    for (int i = 0; i < c->outputs; i++)
        if (c->out[i] && tfl_constant(r, c->out[i]) && !c->out[i]->raw)
            tfl_spend(r, tfl_elements(c->out[i]));
}

static void walk_op(tfl_run *r, const tfl_subgraph *s, tfl_value *values,
                    uint32_t i)
{
    const tfl_operator *op = &s->ops[i];
    uint32_t n = op->in.count, m = op->out.count, from = r->g->node_count;
    uint32_t made = r->g->value_count;
    tfl_call c = {.op = op, .graph = s};

    if (++r->walked > MAX_WALKED)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "too many operators (expected at most %u)", MAX_WALKED);
    c.name = call_name(r, op, i);
    c.inputs = (int)n;
    c.outputs = (int)m;
    c.in = onnx_take(r->pool, n, sizeof *c.in);
    c.out = onnx_take(r->pool, m, sizeof *c.out);
    c.declared = onnx_take(r->pool, m, sizeof *c.declared);
    allow_states(op, s, values);
    for (uint32_t k = 0; k < n; k++)
        c.in[k] = value_of(r, s, values, flat_int_at(&op->in, k));
    for (uint32_t k = 0; k < m; k++) {
        int64_t to = flat_int_at(&op->out, k);
        if (to < 0)
            continue;
        if (values[to].set)
            tfl_bad(r, &c, "output %u has been made before", k);
        c.out[k] = &values[to];
        c.declared[k] = &s->tensors[to];
    }
    ir_at(r->g, c.name);
    if (broken_input(r, &c)) {
        for (uint32_t k = 0; k < m; k++)
            if (c.out[k])
                c.out[k]->set = c.out[k]->broken = 1;
        return;
    }
    run_op(r, &c, tfl_find_op(op->code));
    for (; made < r->g->value_count; made++)
        if (r->g->values[made].constant)
            tfl_spend(r, r->g->values[made].elements);
    fold(r, from, &c);
}

tfl_value *tfl_walk(tfl_run *r, uint32_t subgraph, tfl_value *const *in,
                    uint32_t inputs)
{
    const tfl_subgraph *s;
    tfl_value *values;

    if (subgraph >= r->model->subgraph_count)
        onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                  "subgraph %u of %u is called", subgraph,
                  r->model->subgraph_count);
    s = &r->model->subgraphs[subgraph];
    if (inputs != s->in.count)
        onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                  "subgraph %u is called with %u inputs (expected %u)",
                  subgraph, inputs, s->in.count);
    if (++r->nesting > MAX_NESTING)
        onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                  "subgraphs call each other too deeply");
    values = onnx_take(r->pool, s->tensor_count, sizeof *values);
    for (uint32_t i = 0; i < s->tensor_count; i++)
        values[i].id = IR_NONE;
    for (uint32_t i = 0; i < inputs; i++)
        values[flat_int_at(&s->in, i)] = *in[i];
    for (uint32_t i = 0; i < s->op_count && !r->g->error[0]; i++)
        walk_op(r, s, values, i);
    for (uint32_t i = 0; i < s->out.count; i++) {
        int64_t n = flat_int_at(&s->out, i);
        value_of(r, s, values, n);
        if (!values[n].set && !r->g->error[0])
            onnx_stop(r->exit, ONNX_WRONG, MLC_CORRUPT,
                      "output %s is made by nobody", s->tensors[n].name);
    }
    r->nesting--;
    return values;
}
