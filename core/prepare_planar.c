/*
 * prepare_planar.c - sessions whose tensors are planes: each channel's frames
 * lie side by side, in rows of a tile. That suits streams of convolutions and
 * what goes with them; the choice depends on the file alone.
 *
 * Operators that follow a convolution or a dense layer at once become part of
 * its step: the addition of a one-channel input times weights, of a residual,
 * the function, and the sum over layers that the result is added to. Each
 * number is computed by the same operations as in steps of their own.
 */
#include "steps.h"

/* ------------------------------------------------------- what is planar --- */

/* One channel, or as many as y has: in y's order either way. */
static int fits_rows(const mli_file_tensor *t, const mli_file_tensor *y)
{
    uint32_t n = mli_elements(t);
    return n == 1 || n == mli_elements(y);
}

static int is_list(const mli_file_tensor *t)
{
    return t->rank <= 1;
}

/* A constant is no planes. */
static int all_timed(const mli_file *f, const mli_file_op *op)
{
    for (uint32_t i = 0; i < op->inputs; i++)
        if (!mli_timed(mli_operand(f, op, i)))
            return 0;
    return 1;
}

static int op_is_planar(const mli_file *f, const mli_file_op *op)
{
    const mli_file_tensor *x = mli_operand(f, op, 0);
    const mli_file_tensor *y = mli_operand(f, op, op->inputs);
    if (op->type != MLI_OP_BINARY && op->type != MLI_OP_CONCAT && !mli_timed(x))
        return 0;
    switch (op->type) {
    case MLI_OP_LINEAR:
        return mli_elements(x) == op->p[0];
    case MLI_OP_CONV1D:
    case MLI_OP_UNARY:
    case MLI_OP_DELAY:
    case MLI_OP_HOLD:
    case MLI_OP_RESHAPE:
        return 1;
    case MLI_OP_BINARY:
        return fits_rows(x, y) && fits_rows(mli_operand(f, op, 1), y);
    case MLI_OP_AFFINE:
        return fits_rows(mli_operand(f, op, 1), y);
    case MLI_OP_SLICE:
        return is_list(y);
    case MLI_OP_CONCAT:
        return is_list(y) && all_timed(f, op);
    case MLI_OP_EXPAND:
        return fits_rows(x, y);
    default:
        return 0;
    }
}

int mli_is_planar(const mli_file *f)
{
    int matrices = 0;
    if (!MLI_PLANES || f->header->mode != MLI_STREAM || f->header->spread != 0)
        return 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_TENSORS]; i++) {
        const mli_file_tensor *t = f->tensors + i;
        if (t->storage == MLI_BYTES ||
            (t->region == MLI_ARENA && (!mli_timed(t) || t->period != 1)))
            return 0;
    }
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        matrices |= op->type == MLI_OP_CONV1D;
        if (!op_is_planar(f, op))
            return 0;
    }
    return matrices;
}

/* ------------------------------------------------------- fused operators -- */

/* How far past a chain a sum over layers is looked for. */
#define REACH 4u

/* An operator and those after it that its step takes over. */
typedef struct chain {
    const mli_file *f;
    uint32_t begin;      /* the first operator */
    uint32_t x;          /* what it reads, if not from a ring */
    uint32_t next;       /* after the last one taken over */
    uint32_t sum;        /* tensors: the sums of products, */
    uint32_t result;     /* what the step makes, */
    uint32_t mix, add;   /* what it reads on the way, */
    uint32_t total;      /* what the result is added to */
    uint32_t mixer;      /* operators: with the weights of mix, */
    uint32_t function;   /* what the step ends with, */
    uint32_t adds_total; /* what would add to the total */
} chain;

static const mli_file_tensor *tensor(const chain *c, uint32_t t)
{
    return c->f->tensors + t;
}

static uint32_t operand(const mli_file *f, uint32_t op, uint32_t i)
{
    return f->operands[f->ops[op].operand + i];
}

static uint32_t result_of(const mli_file *f, uint32_t op)
{
    return operand(f, op, f->ops[op].inputs);
}

/* The operator, if there is one of this type. */
static const mli_file_op *op_at(const chain *c, uint32_t at, uint16_t type)
{
    const mli_file *f = c->f;
    return at < f->count[MLI_SEC_OPS] && f->ops[at].type == type ? f->ops + at
                                                                 : NULL;
}

/*
 * The other operand if operator `at` adds tensor t, of which it is the last
 * use, and another of the same elements from the arena; else MLI_NONE.
 */
static uint32_t added_to(const chain *c, uint32_t at, uint32_t t)
{
    const mli_file_op *op = op_at(c, at, MLI_OP_BINARY);
    if (op == NULL || op->p[0] != MLI_ADD || tensor(c, t)->last != at)
        return MLI_NONE;
    uint32_t a = operand(c->f, at, 0), b = operand(c->f, at, 1);
    uint32_t other = a == t ? b : a;
    if ((a != t && b != t) || a == b || tensor(c, other)->region != MLI_ARENA ||
        mli_elements(tensor(c, other)) != mli_elements(tensor(c, t)))
        return MLI_NONE;
    return other;
}

/* Is it there when the chain begins? */
static int is_older(const chain *c, uint32_t t)
{
    uint32_t first = tensor(c, t)->first;
    return first == MLI_NONE || first < c->begin;
}

static int apart(const chain *c, uint32_t t, uint32_t u)
{
    const mli_file_tensor *a = tensor(c, t), *b = tensor(c, u);
    return a->offset + mli_elements(a) <= b->offset ||
           b->offset + mli_elements(b) <= a->offset;
}

static int same_or_apart(const chain *c, uint32_t t, uint32_t u)
{
    return tensor(c, t)->offset == tensor(c, u)->offset || apart(c, t, u);
}

/*
 * The operators up to `last` become part of the step, which now makes the
 * result of the last: if that may be written row by row while the rest is
 * read. What else lives then does not overlap it, as the file was verified.
 */
static int take(chain *c, uint32_t last, uint32_t mix, uint32_t add)
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
static void take_mix(chain *c)
{
    const mli_file *f = c->f;
    const uint32_t at = c->next;
    const mli_file_op *op = op_at(c, at, MLI_OP_LINEAR);
    if (op == NULL || op->p[0] != 1 || op->fn != MLI_IDENTITY ||
        mli_operand(f, op, 1)->storage != MLI_F32)
        return;
    uint32_t from = operand(f, at, 0), made = result_of(f, at);
    if (tensor(c, made)->last == at + 1 && is_older(c, from) &&
        added_to(c, at + 1, c->result) == made &&
        take(c, at + 1, from, MLI_NONE))
        c->mixer = at;
}

static void take_residual(chain *c)
{
    uint32_t from = added_to(c, c->next, c->result);
    if (from != MLI_NONE && is_older(c, from))
        take(c, c->next, c->mix, from);
}

static void take_function(chain *c)
{
    const uint32_t at = c->next;
    if (op_at(c, at, MLI_OP_UNARY) != NULL &&
        operand(c->f, at, 0) == c->result && tensor(c, c->result)->last == at &&
        take(c, at, c->mix, c->add))
        c->function = at;
}

static int reads(const mli_file *f, uint32_t op, uint32_t t)
{
    for (uint32_t i = 0; i < f->ops[op].inputs; i++)
        if (operand(f, op, i) == t)
            return 1;
    return 0;
}

/*
 * An older tensor to which one of the next operators adds the result, in its
 * place: if nobody reads it before, it may be added to at once. That operator
 * then has nothing left to do.
 */
static void take_total(chain *c)
{
    const mli_file *f = c->f;
    const uint32_t y = c->result;
    for (uint32_t at = c->next; at < c->next + REACH; at++) {
        const mli_file_op *op = op_at(c, at, MLI_OP_BINARY);
        if (op == NULL || op->p[0] != MLI_ADD || !reads(f, at, y))
            continue;
        uint32_t a = operand(f, at, 0), b = operand(f, at, 1);
        uint32_t total = a == y ? b : a, sum = result_of(f, at);
        if (total == y || tensor(c, total)->region != MLI_ARENA ||
            mli_elements(tensor(c, total)) != mli_elements(tensor(c, y)) ||
            !is_older(c, total) || tensor(c, total)->last != at ||
            tensor(c, total)->offset != tensor(c, sum)->offset)
            return;
        for (uint32_t i = c->begin; i < at; i++)
            if (reads(f, i, total))
                return;
        c->total = total;
        c->adds_total = at;
        return;
    }
}

/* From operator `at` on: a convolution or a dense layer. */
static chain chain_of(const mli_file *f, uint32_t at)
{
    const mli_file_op *op = f->ops + at;
    const uint32_t sum = result_of(f, at);
    chain c = {.f = f,
               .begin = at,
               .x = op->type == MLI_OP_CONV1D && op->state != MLI_NONE
                        ? MLI_NONE
                        : operand(f, at, 0),
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

/* ----------------------------------------------------------------- steps -- */

/* Where the preparation stands. */
typedef struct progress {
    uint32_t next;
    uint32_t total[REACH]; /* operators at these places are done */
    /* The step before this one, if it may write elsewhere: a dense layer that
       goes over its result once; and that. */
    mli_step *dense;
    uint32_t made;
    /* A tensor that is in this ring, not in the arena. */
    uint32_t held;
    mli_kept *ring;
} progress;

static int is_done(const progress *w, uint32_t op)
{
    for (uint32_t i = 0; i < REACH; i++)
        if (w->total[i] == op)
            return 1;
    return 0;
}

static void pass(progress *w, const chain *c)
{
    w->next = c->next;
    if (c->adds_total != MLI_NONE)
        w->total[c->adds_total % REACH] = c->adds_total;
}

/* A ring of one channel lies the same either way. */
static int is_ring_of_one(const mli_file_op *op)
{
    return op->state != MLI_NONE && op->p[3] == 1 && op->p[4] == 1;
}

/* Does a chain begin with this operator? */
static int is_head(const mli_file_op *op)
{
    return op->type == MLI_OP_LINEAR ||
           (op->type == MLI_OP_CONV1D && !is_ring_of_one(op));
}

static const progress at_first = {
    .total = {MLI_NONE, MLI_NONE, MLI_NONE, MLI_NONE},
    .made = MLI_NONE,
    .held = MLI_NONE};

uint32_t mli_planar_steps(const mli_file *f)
{
    progress w = at_first;
    uint32_t steps = 0;
    while (w.next < f->count[MLI_SEC_OPS]) {
        const mli_file_op *op = f->ops + w.next;
        if (is_head(op)) {
            const chain c = chain_of(f, w.next);
            steps++;
            pass(&w, &c);
            continue;
        }
        steps += is_done(&w, w.next) ? 0 : mli_step_room(op);
        w.next++;
    }
    return steps;
}

static const float *place_of(const prepare *p, uint32_t t)
{
    return t != MLI_NONE ? mli_place(p, p->f->tensors + t) : NULL;
}

/* What a chain does with the sums of products. */
static void give_rest(const prepare *p, const chain *c, mli_planar *a)
{
    const mli_file *f = p->f;
    a->y = (float *)place_of(p, c->result);
    a->mix = place_of(p, c->mix);
    a->add = place_of(p, c->add);
    a->total = (float *)place_of(p, c->total);
    if (c->mixer != MLI_NONE) {
        const mli_file_op *op = f->ops + c->mixer;
        a->mix_w = mli_place(p, mli_operand(f, op, 1));
        if (op->inputs > 2)
            a->mix_b = mli_place(p, mli_operand(f, op, 2));
    }
    if (c->function != MLI_NONE) {
        const mli_file_op *op = f->ops + c->function;
        a->f = (mli_unary)op->fn;
        a->p = op->fp;
        a->q = op->fq;
    }
}

static int is_port(const mli_file *f, uint32_t t)
{
    for (uint32_t i = 0; i < f->count[MLI_SEC_PORTS]; i++)
        if (f->ports[i].tensor == t)
            return 1;
    return 0;
}

/*
 * Is x of a convolution read by nobody else, but as what the next chain adds?
 * Then it need not lie in the arena.
 */
static int is_for_ring(const mli_file *f, const chain *c, uint32_t x)
{
    const uint32_t last = f->tensors[x].last;
    uint32_t readers = 0;
    if (is_port(f, x))
        return 0;
    if (last == c->begin)
        return 1;
    if (c->next >= f->count[MLI_SEC_OPS] || !is_head(f->ops + c->next))
        return 0;
    const chain d = chain_of(f, c->next);
    if (d.x == MLI_NONE || d.add != x || last >= d.next)
        return 0;
    for (uint32_t i = c->begin + 1; i < d.next; i++)
        readers += (uint32_t)reads(f, i, x);
    return readers == 1;
}

/* The step before writes x into the ring, if it can. */
static mli_step_run *fill_ring(const prepare *p, progress *w, const chain *c,
                               mli_kept *ring)
{
    const uint32_t x = operand(p->f, c->begin, 0);
    if (w->dense == NULL || w->made != x || !is_for_ring(p->f, c, x))
        return mli_run_planar_ring;
    mli_planar_step *before = &w->dense->u.planar;
    w->dense->run = mli_run_planar_rings;
    before->ring = ring;
    before->planar.y_row = ring->row;
    w->held = x;
    w->ring = ring;
    return mli_run_planar_filled;
}

/* What is added may be in a ring. */
static void take_from_ring(const progress *w, const chain *c, mli_step *step)
{
    if (c->add == MLI_NONE || c->add != w->held)
        return;
    step->run = mli_run_planar_rings;
    step->u.planar.from = w->ring;
    step->u.planar.planar.add_row = w->ring->row;
}

/* A convolution or dense layer, with what it takes over. */
static void matrix(const prepare *p, progress *w, mli_planar a, mli_kept *ring)
{
    const chain c = chain_of(p->f, w->next);
    mli_step *step = mli_add_step(p, mli_run_planar);
    mli_planar_step *m = &step->u.planar;
    if (ring != NULL)
        step->run = fill_ring(p, w, &c, ring);
    a.x = ring != NULL ? ring->data : step->x;
    a.x_row = ring != NULL ? ring->row : p->s->tile;
    mli_conv stored;
    mli_give_matrix(p, 1, &stored);
    a.w = stored.w;
    a.storage = stored.storage;
    a.scale = stored.scale;
    a.panel = stored.panel;
    a.b = mli_step_operand(p, 2);
    a.y_row = a.add_row = p->s->tile;
    give_rest(p, &c, &a);
    m->ring = ring;
    m->from = NULL;
    m->planar = a;
    m->call = &m->planar;
    m->form = p->s->kernels->planar_form(&a);
    if (ring == NULL)
        take_from_ring(w, &c, step);
    pass(w, &c);
    w->dense =
        ring == NULL && a.f == MLI_IDENTITY && a.total == NULL ? step : NULL;
    w->made = c.result;
}

static void linear(const prepare *p, progress *w)
{
    matrix(p, w,
           (mli_planar){.taps = 1,
                        .dilation = 1,
                        .groups = 1,
                        .in_per_group = p->op->p[0],
                        .out_per_group = p->op->p[1]},
           NULL);
}

static void conv1d(const prepare *p, progress *w)
{
    const uint32_t *q = p->op->p;
    mli_kept *ring =
        p->op->state != MLI_NONE ? p->s->kept + p->op->state : NULL;
    matrix(p, w,
           (mli_planar){.ring = ring != NULL ? ring->capacity : 0,
                        .taps = q[0],
                        .dilation = q[1],
                        .groups = q[2],
                        .in_per_group = q[3] / q[2],
                        .out_per_group = q[4] / q[2]},
           ring);
}

static mli_step *add_rows(const prepare *p, mli_step_run *run)
{
    mli_step *step = mli_add_step(p, run);
    mli_rows_step *m = &step->u.rows;
    *m = (mli_rows_step){.rows = step->elements,
                         .row = p->s->tile,
                         .adjacent = 1,
                         .f = p->op->fn,
                         .p = p->op->fp,
                         .q = p->op->fq};
    if (p->op->state != MLI_NONE)
        m->kept = p->s->kept + p->op->state;
    return step;
}

static void unary(const prepare *p)
{
    add_rows(p, mli_run_rows_unary);
}

/* How an operand that fits y's rows goes from row to row, and in a row. */
static void set_steps(const prepare *p, const mli_file_tensor *t, size_t *row,
                      uint32_t *step)
{
    uint32_t one = mli_elements(t) == 1;
    *step = t->region == MLI_ARENA;
    *row = one ? 0 : *step ? p->s->tile : 1;
}

static void binary(const prepare *p)
{
    const mli_file_tensor *b = mli_operand(p->f, p->op, 1);
    mli_step *step = add_rows(p, mli_run_rows_binary);
    mli_rows_step *m = &step->u.rows;
    step->x2 = mli_step_operand(p, 1);
    m->f = p->op->p[0];
    set_steps(p, p->x, &m->x_row, &m->x_step);
    set_steps(p, b, &m->x2_row, &m->x2_step);
    m->adjacent = m->x_row == m->row && m->x2_row == m->row;
}

static void affine(const prepare *p)
{
    mli_rows_step *m = &add_rows(p, mli_run_rows_affine)->u.rows;
    m->scale = mli_step_operand(p, 1);
    m->shift = mli_step_operand(p, 2);
    m->x2_row = mli_elements(mli_operand(p->f, p->op, 1)) != 1;
    if (p->op->fn != MLI_IDENTITY) {
        mli_step *step = add_rows(p, mli_run_rows_unary);
        step->x = step->y;
    }
}

static mli_step *copy(const prepare *p, int64_t x_stride)
{
    mli_step *step = add_rows(p, mli_run_rows_copy);
    step->u.rows.x_stride = x_stride * p->s->tile;
    return step;
}

static void concat(const prepare *p)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < p->op->inputs; i++) {
        const mli_file_tensor *x = mli_operand(p->f, p->op, i);
        mli_step *step = copy(p, 1);
        step->x = mli_place(p, x);
        step->y += (size_t)at * p->s->tile;
        step->u.rows.rows = mli_elements(x);
        at += mli_elements(x);
    }
}

static void slice(const prepare *p)
{
    copy(p, (int32_t)p->op->p[2])->x += (size_t)p->op->p[1] * p->s->tile;
}

static void reshape(const prepare *p)
{
    if (mli_place(p, p->x) != mli_place(p, p->y))
        copy(p, 1);
}

static void expand(const prepare *p)
{
    copy(p, mli_elements(p->x) != 1);
}

static void delay(const prepare *p)
{
    add_rows(p, mli_run_rows_delay);
}

static void hold(const prepare *p)
{
    add_rows(p, mli_run_rows_hold)->u.rows.hold = p->op->p[0];
}

void mli_prepare_planar(mli_session *s, const mli_file *f)
{
    static void (*const part[MLI_OP_COUNT])(const prepare *) = {
        [MLI_OP_UNARY] = unary,   [MLI_OP_BINARY] = binary,
        [MLI_OP_AFFINE] = affine, [MLI_OP_CONCAT] = concat,
        [MLI_OP_SLICE] = slice,   [MLI_OP_RESHAPE] = reshape,
        [MLI_OP_EXPAND] = expand, [MLI_OP_DELAY] = delay,
        [MLI_OP_HOLD] = hold,     [MLI_OP_CONV1D] = mli_prepare_conv1d,
    };
    progress w = at_first;
    s->step_count = 0;
    while (w.next < f->count[MLI_SEC_OPS]) {
        const mli_file_op *op = f->ops + w.next;
        prepare p = {s, f, op, mli_operand(f, op, 0),
                     mli_operand(f, op, op->inputs)};
        if (is_head(op)) {
            (op->type == MLI_OP_LINEAR ? linear : conv1d)(&p, &w);
        } else {
            const int done = is_done(&w, w.next);
            if (!done)
                part[op->type](&p);
            if (!done || reads(f, w.next, w.made))
                w.dense = NULL;
            w.next++;
        }
    }
}
