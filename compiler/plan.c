/*
 * plan.c - the arena: which results are written over an operand, and where
 * every tensor lies.
 *
 * Writing over an operand that nobody reads any more never raises the bound:
 * where the operator runs, one buffer lives instead of two of the same size,
 * and elsewhere nothing changes. So it is done wherever format.h allows it.
 */
#include <stdlib.h>
#include "plan.h"
#include "program.h"

typedef struct plan {
    mlc_program *p;
    mlc_buffer *buffers;
    uint32_t count;
    uint32_t *buffer_of; /* per tensor */
} plan;

static const ir_value *value_of(const mlc_program *p, uint32_t tensor)
{
    return &p->g->values[p->tensors[tensor].value];
}

/* Floats that a tensor takes: see format.h. */
static uint64_t room(const mlc_program *p, uint32_t tensor)
{
    const ir_value *v = value_of(p, tensor);

    if (p->g->mode == MLI_STREAM)
        return mli_tick_floats(v->elements, mlc_period(&p->rates, v));
    return (v->elements + 15u) / 16u * 16u;
}

static int same_dims(const ir_value *a, const ir_value *b)
{
    if (a->rank != b->rank)
        return 0;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return 0;
    return 1;
}

/* May operator i write over its operand k, as far as its type goes? */
static int overwrites(const ir_node *op, const ir_value *y, uint32_t k)
{
    return mli_writes_over(op->type, k) &&
           (op->type != MLI_OP_CONV1D || (y->timed && op->p[0] > 1));
}

static int joins(const mlc_program *p, uint32_t i, uint32_t k)
{
    const ir_node *op = mlc_op(p, i);
    const ir_value *x = &p->g->values[op->in[k]], *y = &p->g->values[op->out];

    if (x->constant || !overwrites(op, y, k))
        return 0;
    if (p->tensors[p->tensor_of[op->in[k]]].last != i)
        return 0;
    if (x->timed != y->timed || x->elements != y->elements || x->up != y->up ||
        x->down != y->down)
        return 0;
    return op->type != MLI_OP_BINARY || same_dims(x, y);
}

static void new_buffer(plan *a, uint32_t tensor)
{
    mlc_program *p = a->p;
    const mlc_tensor *t = &p->tensors[tensor];
    mlc_buffer *b = &a->buffers[a->count];

    b->size = room(p, tensor);
    b->first = t->first == MLI_NONE ? 0 : t->first;
    a->buffer_of[tensor] = a->count++;
}

static void make_buffers(plan *a)
{
    mlc_program *p = a->p;
    uint32_t inputs = p->g->input_count, results = inputs + p->constants;
    uint32_t end = p->op_count ? p->op_count - 1u : 0;

    for (uint32_t i = 0; i < inputs; i++)
        new_buffer(a, i);
    for (uint32_t i = 0; i < p->op_count; i++) {
        uint32_t k = 0, operands = mlc_op(p, i)->inputs;

        while (k < operands && k < 2 && !joins(p, i, k))
            k++;
        if (k < operands && k < 2)
            a->buffer_of[results + i] =
                a->buffer_of[p->tensor_of[mlc_op(p, i)->in[k]]];
        else
            new_buffer(a, results + i);
    }
    for (uint32_t t = 0; t < p->tensor_count; t++) {
        uint32_t last =
            p->tensors[t].last == MLI_NONE ? end : p->tensors[t].last;
        mlc_buffer *b;

        if (t >= inputs && t < results)
            continue;
        b = &a->buffers[a->buffer_of[t]];
        if (last > b->last)
            b->last = last;
    }
}

static int place(plan *a)
{
    mlc_program *p = a->p;
    uint32_t times = p->op_count ? p->op_count : 1;
    uint32_t inputs = p->g->input_count;
    uint64_t bound, height;
    int ok;

    bound = mlc_place_bound(a->buffers, a->count, times, &ok);
    if (!ok)
        return 0;
    height = mlc_place(a->buffers, a->count, times, bound);
    if (height > UINT32_MAX)
        return 0;
    for (uint32_t t = 0; t < p->tensor_count; t++)
        if (t < inputs || t >= inputs + p->constants)
            p->tensors[t].offset = (uint32_t)a->buffers[a->buffer_of[t]].offset;
    p->arena = (uint32_t)height;
    p->arena_bound = (uint32_t)bound;
    return 1;
}

int mlc_plan(mlc_program *p)
{
    plan a = {.p = p};
    int ok;

    a.buffers = calloc(p->tensor_count + 1u, sizeof *a.buffers);
    a.buffer_of = calloc(p->tensor_count + 1u, sizeof *a.buffer_of);
    ok = a.buffers && a.buffer_of;
    if (ok) {
        make_buffers(&a);
        ok = place(&a);
    }
    free(a.buffers);
    free(a.buffer_of);
    return ok;
}
