/*
 * prepare_planar.c - sessions whose tensors are planes: each channel's frames
 * lie side by side, in rows of a tile. That suits streams of convolutions and
 * what goes with them; the choice depends on the file alone.
 *
 * Convolutions and dense layers take over what follows them: planar_chain.h.
 * What a dense layer makes for a convolution alone is written into that one's
 * ring at once.
 */
#include "planar_chain.h"

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

/* ----------------------------------------------------------------- steps -- */

/* Where the preparation stands. */
typedef struct progress {
    uint32_t next;
    uint32_t total[MLI_REACH]; /* operators at these places are done */
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
    for (uint32_t i = 0; i < MLI_REACH; i++)
        if (w->total[i] == op)
            return 1;
    return 0;
}

static void pass(progress *w, const mli_chain *c)
{
    w->next = c->next;
    if (c->adds_total != MLI_NONE)
        w->total[c->adds_total % MLI_REACH] = c->adds_total;
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
            const mli_chain c = mli_chain_of(f, w.next);
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
static void give_rest(const prepare *p, const mli_chain *c, mli_planar *a)
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

/*
 * Is x of a convolution read by nobody else, but as what the next chain adds?
 * Then it need not lie in the arena. (Outputs have no last use.)
 */
static int is_for_ring(const mli_file *f, const mli_chain *c, uint32_t x)
{
    const uint32_t last = f->tensors[x].last;
    uint32_t readers = 0;
    if (last == c->begin)
        return 1;
    if (c->next >= f->count[MLI_SEC_OPS] || !is_head(f->ops + c->next))
        return 0;
    const mli_chain d = mli_chain_of(f, c->next);
    if (d.x == MLI_NONE || d.add != x || last >= d.next)
        return 0;
    for (uint32_t i = c->begin + 1; i < d.next; i++)
        readers += (uint32_t)mli_reads(f, i, x);
    return readers == 1;
}

/* The step before writes x into the ring, if it can. */
static mli_step_run *fill_ring(const prepare *p, progress *w,
                               const mli_chain *c, mli_kept *ring)
{
    const uint32_t x = mli_operand_at(p->f, c->begin, 0);
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
static void take_from_ring(const progress *w, const mli_chain *c,
                           mli_step *step)
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
    const mli_chain c = mli_chain_of(p->f, w->next);
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
    s->step_at = 0;
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
            if (!done || mli_reads(f, w.next, w.made))
                w.dense = NULL;
            w.next++;
        }
    }
}
