/*
 * verify_arena.c - that first and last of every arena tensor tell the truth,
 * and that those which live at the same time do not share memory.
 *
 * Time is counted in operators. A tensor of an input port lives from the start,
 * one of an output port to the end.
 */
#include "verify.h"

typedef struct arena_view {
    const mli_file *file;
    uint32_t inputs;  /* tensors 0 to inputs - 1 are the input ports' */
    uint32_t first;   /* tensor first + i is made by operator i */
    uint32_t tensors; /* all */
} arena_view;

static arena_view view_of(const mli_file *f)
{
    arena_view v = {f, f->header->inputs,
                    f->count[MLI_SEC_TENSORS] - f->count[MLI_SEC_OPS],
                    f->count[MLI_SEC_TENSORS]};
    return v;
}

static int is_output(const mli_file *f, uint32_t tensor)
{
    const mli_file_port *p = f->ports + f->header->inputs;
    for (uint32_t i = 0; i < f->header->outputs; i++)
        if (p[i].tensor == tensor)
            return 1;
    return 0;
}

static int reads(const mli_file *f, const mli_file_op *op, uint32_t tensor)
{
    for (uint32_t i = 0; i < op->inputs; i++)
        if (f->operands[op->operand + i] == tensor)
            return 1;
    return 0;
}

/*
 * The work is bounded: output ports are few, and an operator's inputs are
 * searched once for each tensor that truly ends there; the first lie ends it.
 */
static int lifetime_fits(const arena_view *v, uint32_t t)
{
    const mli_file *f = v->file;
    const mli_file_tensor *tensor = f->tensors + t;
    uint32_t maker = t < v->inputs ? MLI_NONE : t - v->first;
    uint32_t last = tensor->last;
    if (tensor->first != maker)
        return 0;
    if (last == MLI_NONE)
        return is_output(f, t);
    if (last == (maker == MLI_NONE ? 0 : maker))
        return 1; /* that no other reads it is seen in the walk over uses */
    return last < f->count[MLI_SEC_OPS] && reads(f, f->ops + last, t);
}

static mli_status check_uses(const mli_file *f, uint32_t *index)
{
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        for (uint32_t k = 0; k < op->inputs; k++) {
            const mli_file_tensor *t = mli_operand(f, op, k);
            if (t->region == MLI_ARENA && t->last < i) {
                *index = f->operands[op->operand + k];
                return MLI_ERR_TENSOR;
            }
        }
    }
    return MLI_OK;
}

mli_status mli_verify_lifetimes(const mli_file *f, uint32_t *index)
{
    arena_view v = view_of(f);
    for (uint32_t t = 0; t < v.tensors; t++) {
        if (t == v.inputs)
            t = v.first;
        if (t < v.tensors && !lifetime_fits(&v, t)) {
            *index = t;
            return MLI_ERR_TENSOR;
        }
    }
    for (uint32_t i = 0; i < f->header->outputs; i++) {
        uint32_t t = f->ports[f->header->inputs + i].tensor;
        if (f->tensors[t].last != MLI_NONE) {
            *index = t;
            return MLI_ERR_TENSOR;
        }
    }
    return check_uses(f, index);
}

static int apart(const mli_file *f, const mli_file_tensor *a,
                 const mli_file_tensor *b)
{
    return a->offset + mli_arena_floats(f, a) <= b->offset ||
           b->offset + mli_arena_floats(f, b) <= a->offset;
}

int mli_writes_over(uint32_t type, uint32_t k)
{
    switch (type) {
    case MLI_OP_UNARY:
    case MLI_OP_AFFINE:
    case MLI_OP_SOFTMAX:
    case MLI_OP_NORMALIZE:
    case MLI_OP_RESHAPE:
    case MLI_OP_HOLD:
    case MLI_OP_DELAY:
    case MLI_OP_STORE:
    case MLI_OP_CONV1D:
        return k == 0;
    case MLI_OP_BINARY:
        return k < 2;
    default:
        return 0;
    }
}

/* May this operator write y over its k-th input? */
static int in_place(const mli_file *f, const mli_file_op *op, uint32_t k)
{
    return mli_writes_over(op->type, k) &&
           (op->type != MLI_OP_CONV1D || mli_op_states(f, op) != 0);
}

/* Operator i makes y over x, whose last use it is. */
static int written_over(const mli_file *f, uint32_t i, uint32_t x, uint32_t y)
{
    const mli_file_tensor *a = f->tensors + x, *b = f->tensors + y;
    const mli_file_op *op = f->ops + i;
    if (a->last != i || a->offset != b->offset || a->flags != b->flags ||
        a->period != b->period || mli_elements(a) != mli_elements(b))
        return 0;
    for (uint32_t k = 0; k < op->inputs; k++)
        if (f->operands[op->operand + k] == x && !in_place(f, op, k))
            return 0;
    return reads(f, op, x);
}

/*
 * Tensors are numbered in the order of their making, so those that are made
 * while t lives follow it. The comparisons are bounded: near linear.
 */
static mli_status check_overlaps(const arena_view *v, uint32_t *index)
{
    const mli_file *f = v->file;
    uint64_t left = (1u << 24) + 256ull * v->tensors;
    for (uint32_t t = 0; t < v->tensors; t++) {
        if (t == v->inputs)
            t = v->first;
        for (uint32_t u = t + 1; t < v->tensors; u++) {
            if (u == v->inputs)
                u = v->first;
            if (u >= v->tensors)
                break;
            uint32_t maker = u < v->inputs ? 0 : u - v->first;
            if (f->tensors[t].last < maker)
                break;
            *index = u;
            if (left-- == 0)
                return MLI_ERR_COMPLEXITY;
            if (!apart(f, f->tensors + t, f->tensors + u) &&
                (u < v->inputs || !written_over(f, maker, t, u)))
                return MLI_ERR_OVERLAP;
        }
    }
    return MLI_OK;
}

mli_status mli_verify_arena(const mli_file *f, uint32_t *index)
{
    arena_view v = view_of(f);
    uint64_t top = 0;
    mli_status status = check_overlaps(&v, index);
    if (status != MLI_OK)
        return status;
    for (uint32_t t = 0; t < v.tensors; t++) {
        const mli_file_tensor *tensor = f->tensors + t;
        uint64_t end = tensor->offset + mli_arena_floats(f, tensor);
        if (tensor->region == MLI_ARENA && end > top)
            top = end;
    }
    *index = (uint32_t)offsetof(mli_file_header, arena);
    if (f->header->arena != top)
        return MLI_ERR_ARENA;
    *index = (uint32_t)offsetof(mli_file_header, arena_bound);
    if (f->header->arena_bound > top)
        return MLI_ERR_ARENA;
    return MLI_OK;
}
