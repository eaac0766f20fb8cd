/*
 * planar_chain.c - operators that follow a convolution or a dense layer at once
 * become part of its step: the addition of a one-channel input times weights,
 * of a residual, the function, and the sum over layers that the result is added
 * to. Each number is computed by the same operations as in steps of their own.
 */
#include "planar_chain.h"

static const mli_file_tensor *tensor(const mli_chain *c, uint32_t t)
{
    return c->f->tensors + t;
}

static uint32_t result_of(const mli_file *f, uint32_t op)
{
    return mli_operand_at(f, op, f->ops[op].inputs);
}

/* The operator, if there is one of this type. */
static const mli_file_op *op_at(const mli_chain *c, uint32_t at, uint16_t type)
{
    const mli_file *f = c->f;
    return at < f->count[MLI_SEC_OPS] && f->ops[at].type == type ? f->ops + at
                                                                 : NULL;
}

/*
 * The other operand if operator `at` adds tensor t, of which it is the last
 * use, and another of the same elements from the arena; else MLI_NONE.
 */
static uint32_t added_to(const mli_chain *c, uint32_t at, uint32_t t)
{
    const mli_file_op *op = op_at(c, at, MLI_OP_BINARY);
    if (op == NULL || op->p[0] != MLI_ADD || tensor(c, t)->last != at)
        return MLI_NONE;
    uint32_t a = mli_operand_at(c->f, at, 0), b = mli_operand_at(c->f, at, 1);
    uint32_t other = a == t ? b : a;
    if ((a != t && b != t) || a == b || tensor(c, other)->region != MLI_ARENA ||
        mli_elements(tensor(c, other)) != mli_elements(tensor(c, t)))
        return MLI_NONE;
    return other;
}

/* Is it there when the chain begins? */
static int is_older(const mli_chain *c, uint32_t t)
{
    uint32_t first = tensor(c, t)->first;
    return first == MLI_NONE || first < c->begin;
}

static int apart(const mli_chain *c, uint32_t t, uint32_t u)
{
    const mli_file_tensor *a = tensor(c, t), *b = tensor(c, u);
    return a->offset + mli_elements(a) <= b->offset ||
           b->offset + mli_elements(b) <= a->offset;
}

static int same_or_apart(const mli_chain *c, uint32_t t, uint32_t u)
{
    return tensor(c, t)->offset == tensor(c, u)->offset || apart(c, t, u);
}

/*
 * The operators up to `last` become part of the step, which now makes the
 * result of the last: if that may be written row by row while the rest is
 * read. What else lives then does not overlap it, as the file was verified.
 */
static int take(mli_chain *c, uint32_t last, uint32_t mix, uint32_t add)
{
    uint32_t y = result_of(c->f, last);
    if (!same_or_apart(c, y, c->sum) ||
        (c->x != MLI_NONE && !apart(c, y, c->x)) ||
        (mix != MLI_NONE && !apart(c, y, mix)) ||
        (add != MLI_NONE && !same_or_apart(c, y, add)))
        return 0;
    c->next = last + 1;
    c->result = y;
    c->mix = mix;
    c->add = add;
    return 1;
}

/* result + (one channel times weights, in floats) */
static void take_mix(mli_chain *c)
{
    const mli_file *f = c->f;
    const uint32_t at = c->next;
    const mli_file_op *op = op_at(c, at, MLI_OP_LINEAR);
    if (op == NULL || op->p[0] != 1 || op->fn != MLI_IDENTITY ||
        mli_operand(f, op, 1)->storage != MLI_F32)
        return;
    uint32_t from = mli_operand_at(f, at, 0), made = result_of(f, at);
    if (tensor(c, made)->last == at + 1 && is_older(c, from) &&
        added_to(c, at + 1, c->result) == made &&
        take(c, at + 1, from, MLI_NONE))
        c->mixer = at;
}

static void take_residual(mli_chain *c)
{
    uint32_t from = added_to(c, c->next, c->result);
    if (from != MLI_NONE && is_older(c, from))
        take(c, c->next, c->mix, from);
}

static void take_function(mli_chain *c)
{
    const uint32_t at = c->next;
    if (op_at(c, at, MLI_OP_UNARY) != NULL &&
        mli_operand_at(c->f, at, 0) == c->result &&
        tensor(c, c->result)->last == at && take(c, at, c->mix, c->add))
        c->function = at;
}

/*
 * An older tensor to which one of the next operators adds the result, in its
 * place: if nobody reads it before, it may be added to at once. That operator
 * then has nothing left to do.
 */
static void take_total(mli_chain *c)
{
    const mli_file *f = c->f;
    const uint32_t y = c->result;
    for (uint32_t at = c->next; at < c->next + MLI_REACH; at++) {
        const mli_file_op *op = op_at(c, at, MLI_OP_BINARY);
        if (op == NULL || op->p[0] != MLI_ADD || !mli_reads(f, at, y))
            continue;
        uint32_t a = mli_operand_at(f, at, 0), b = mli_operand_at(f, at, 1);
        uint32_t total = a == y ? b : a, sum = result_of(f, at);
        if (total == y || tensor(c, total)->region != MLI_ARENA ||
            mli_elements(tensor(c, total)) != mli_elements(tensor(c, y)) ||
            !is_older(c, total) || tensor(c, total)->last != at ||
            tensor(c, total)->offset != tensor(c, sum)->offset)
            return;
        for (uint32_t i = c->begin; i < at; i++)
            if (mli_reads(f, i, total))
                return;
        c->total = total;
        c->adds_total = at;
        return;
    }
}

mli_chain mli_chain_of(const mli_file *f, uint32_t at)
{
    const mli_file_op *op = f->ops + at;
    const uint32_t sum = result_of(f, at);
    mli_chain c = {.f = f,
                   .begin = at,
                   .x = op->type == MLI_OP_CONV1D && op->state != MLI_NONE
                            ? MLI_NONE
                            : mli_operand_at(f, at, 0),
                   .next = at + 1,
                   .sum = sum,
                   .result = sum,
                   .mix = MLI_NONE,
                   .add = MLI_NONE,
                   .total = MLI_NONE,
                   .mixer = MLI_NONE,
                   .function = op->fn != MLI_IDENTITY ? at : MLI_NONE,
                   .adds_total = MLI_NONE};
    if (op->fn == MLI_IDENTITY) {
        take_mix(&c);
        take_residual(&c);
        take_function(&c);
    }
    take_total(&c);
    return c;
}

static int same_place(const mli_chain *c, uint32_t t, uint32_t u)
{
    if (t == MLI_NONE || u == MLI_NONE)
        return t == u;
    return tensor(c, t)->region == tensor(c, u)->region &&
           tensor(c, t)->offset == tensor(c, u)->offset;
}

static const mli_file_op *op_of(const mli_chain *c, uint32_t op)
{
    return op != MLI_NONE ? c->f->ops + op : NULL;
}

/* The same bits: -0 is not 0. */
static int same_number(const float *x, const float *y)
{
    return __builtin_memcmp(x, y, sizeof *x) == 0;
}

static int same_function(const mli_chain *a, const mli_chain *b)
{
    const mli_file_op *f = op_of(a, a->function), *g = op_of(b, b->function);
    if (f == NULL || g == NULL)
        return f == g;
    return f->fn == g->fn && same_number(&f->fp, &g->fp) &&
           same_number(&f->fq, &g->fq);
}

/* A call has one bias for the channel that is mixed in, and one weight where
   its step has no place for it. */
static int same_mixer(const mli_chain *a, const mli_chain *b)
{
    const mli_file_op *f = op_of(a, a->mixer), *g = op_of(b, b->mixer);
    if (f == NULL || g == NULL)
        return f == g;
    return f->inputs == 2 && g->inputs == 2 && a->x == MLI_NONE;
}

int mli_same_call(const mli_chain *a, const mli_chain *b)
{
    const mli_file *f = a->f;
    const mli_file_op *of = f->ops + a->begin, *og = f->ops + b->begin;
    const int ring = a->x == MLI_NONE;
    if (of->type != og->type || of->inputs != og->inputs ||
        mli_operand(f, of, 1)->storage != mli_operand(f, og, 1)->storage)
        return 0;
    for (uint32_t i = 0; i < 8; i++)
        if (of->p[i] != og->p[i] && !(ring && i == 1)) /* its dilation */
            return 0;
    if (ring ? !same_place(a, a->result, b->result) ||
                   !same_place(a, a->add, b->add)
             : (a->add == MLI_NONE) != (b->add == MLI_NONE))
        return 0;
    return same_place(a, a->x, b->x) && same_place(a, a->mix, b->mix) &&
           same_place(a, a->total, b->total) && same_function(a, b) &&
           same_mixer(a, b);
}
