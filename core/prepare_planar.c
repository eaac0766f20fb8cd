/*
 * prepare_planar.c - sessions whose tensors are planes: each channel's frames
 * lie side by side, in rows of a tile. That suits streams of convolutions and
 * what goes with them; the choice depends on the file alone.
 *
 * Convolutions and dense layers take over what follows them: planar_chain.h.
 * What a dense layer makes for a convolution alone is written into that one's
 * ring at once. Steps that differ in their weights and rings alone share the
 * rest of what the kernel is told.
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

/* ------------------------------------------------------------- the order -- */

#define SHARED 4u /* calls that later steps may share */

/* Where the preparation stands, or the count of what it will need. */
typedef struct progress {
    const mli_file *f;
    uint32_t next;
    uint32_t total[MLI_REACH]; /* operators at these places are done */
    /* A tensor that the step before makes, and may as well write elsewhere: a
       dense layer that goes over its result once; and that step. */
    uint32_t made;
    mli_step *dense;
    /* A tensor that is in this ring, not in the arena. */
    uint32_t held;
    mli_kept *ring;
    /* Calls, the latest of them: whose they were first. */
    uint32_t calls;
    mli_chain first[SHARED];
    mli_planar *call[SHARED];
} progress;

static progress at_first(const mli_file *f)
{
    return (progress){.f = f,
                      .total = {MLI_NONE, MLI_NONE, MLI_NONE, MLI_NONE},
                      .made = MLI_NONE,
                      .held = MLI_NONE};
}

/* A convolution or a dense layer comes next, with what it takes over. */
typedef struct head {
    mli_chain c;
    int fills;     /* the step before writes x into the ring */
    uint32_t call; /* its place; */
    int is_new;    /* no step had it before */
} head;

static int is_done(const progress *w)
{
    for (uint32_t i = 0; i < MLI_REACH; i++)
        if (w->total[i] == w->next)
            return 1;
    return 0;
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

static int in_ring(const mli_chain *c)
{
    return c->x == MLI_NONE;
}

static head next_head(progress *w)
{
    const mli_file *f = w->f;
    head h = {.c = mli_chain_of(f, w->next), .is_new = 1};
    const uint32_t x = mli_operand_at(f, w->next, 0);
    h.fills = in_ring(&h.c) && w->made == x && is_for_ring(f, &h.c, x);
    for (uint32_t i = 0; i < SHARED && i < w->calls; i++)
        if (mli_same_call(&w->first[i], &h.c)) {
            h.call = i;
            h.is_new = 0;
        }
    if (h.is_new) {
        h.call = w->calls++ % SHARED;
        w->first[h.call] = h.c;
    }
    return h;
}

/* On past a head, whose step this is. */
static void pass_head(progress *w, const head *h, mli_step *step)
{
    const mli_chain *c = &h->c;
    const int ends =
        !in_ring(c) && c->function == MLI_NONE && c->total == MLI_NONE;
    if (h->fills)
        w->held = w->made;
    w->made = ends ? c->result : MLI_NONE;
    w->dense = step;
    w->next = c->next;
    if (c->adds_total != MLI_NONE)
        w->total[c->adds_total % MLI_REACH] = c->adds_total;
}

/* On past another operator. */
static void pass_other(progress *w)
{
    if (!is_done(w) || mli_reads(w->f, w->next, w->made))
        w->made = MLI_NONE;
    w->next++;
}

/* ------------------------------------------------------------------ room -- */

static uint32_t own_bytes(const head *h)
{
    if (!in_ring(&h->c))
        return MLI_STEP_BYTES(dense);
    return h->fills ? (offsetof(mli_step, conv.x) + 7) / 8 * 8
                    : MLI_STEP_BYTES(conv);
}

/* Of a call's arguments: those that are read, or given by its steps. */
static size_t argument_bytes(const mli_chain *c)
{
    const mli_file_op *op = c->f->ops + c->begin;
    if (mli_planar_panel(c->f, op) != 0)
        return sizeof(mli_planar);
    return in_ring(c) || c->mix != MLI_NONE ? offsetof(mli_planar, panel)
                                            : offsetof(mli_planar, mix_b);
}

static uint32_t call_bytes(const mli_chain *c)
{
    return (uint32_t)(offsetof(mli_call, planar) + argument_bytes(c) + 7) / 8 *
           8;
}

/* Of a head's step, with its call if that is new. */
static uint32_t head_bytes(const head *h)
{
    return own_bytes(h) + (h->is_new ? call_bytes(&h->c) : 0);
}

uint32_t mli_planar_step_bytes(const mli_file_op *op)
{
    return op->type == MLI_OP_CONV1D ? MLI_STEP_BYTES(u.matrix)
                                     : MLI_STEP_BYTES(u.rows);
}

mli_planar_room mli_room_of_planar(const mli_file *f)
{
    progress w = at_first(f);
    mli_planar_room room = {0, 0};
    while (w.next < f->count[MLI_SEC_OPS]) {
        const mli_file_op *op = f->ops + w.next;
        if (is_head(op)) {
            const head h = next_head(&w);
            room.steps++;
            room.bytes += head_bytes(&h);
            pass_head(&w, &h, NULL);
            continue;
        }
        if (!is_done(&w)) {
            const uint32_t steps = mli_step_room(op);
            room.steps += steps;
            if (!mli_is_in_place(f, op))
                room.bytes += (uint64_t)steps * mli_planar_step_bytes(op);
        }
        pass_other(&w);
    }
    return room;
}

/* ----------------------------------------------------------------- steps -- */

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

static mli_planar arguments(const prepare *p, const mli_chain *c,
                            const mli_kept *ring)
{
    const uint32_t *q = p->op->p, tile = p->s->tile;
    const int conv = p->op->type == MLI_OP_CONV1D;
    mli_conv stored;
    mli_give_matrix(p, 1, &stored);
    mli_planar a = {.x = ring != NULL ? ring->data : mli_step_operand(p, 0),
                    .w = stored.w,
                    .b = mli_step_operand(p, 2),
                    .x_row = ring != NULL ? ring->row : tile,
                    .y_row = tile,
                    .add_row = tile,
                    .ring = ring != NULL ? ring->capacity : 0,
                    .taps = conv ? q[0] : 1,
                    .dilation = conv ? q[1] : 1,
                    .groups = conv ? q[2] : 1,
                    .in_per_group = conv ? q[3] / q[2] : q[0],
                    .out_per_group = conv ? q[4] / q[2] : q[1],
                    .storage = stored.storage,
                    .scale_at = stored.scale != NULL
                                    ? (uint32_t)(stored.scale - stored.w)
                                    : 0,
                    .panel = stored.panel};
    give_rest(p, c, &a);
    return a;
}

/* A step of its own bytes, and after it its call, if no step had it before. */
static mli_step *add_head(const prepare *p, progress *w, const head *h,
                          mli_step_run *run, const mli_planar *a)
{
    mli_step *step = mli_add_bare_step(p, run, head_bytes(h));
    if (h->is_new) {
        mli_call *call = (void *)((uint8_t *)step + own_bytes(h));
        __builtin_memcpy(&call->planar, a, argument_bytes(&h->c));
        call->form = p->s->kernels->planar_form(a);
        w->call[h->call] = &call->planar;
    }
    return step;
}

/* The step before, a dense layer, writes into the ring. */
static void to_ring(mli_step *before, mli_kept *ring)
{
    before->dense.ring = ring;
    before->run = before->run == mli_run_planar ? mli_run_planar_to_ring
                                                : mli_run_planar_rings;
}

static mli_step *conv(const prepare *p, progress *w, const head *h)
{
    mli_kept *ring = p->s->kept + p->op->state;
    const mli_planar a = arguments(p, &h->c, ring);
    mli_step *step = add_head(
        p, w, h, h->fills ? mli_run_planar_filled : mli_run_planar_ring, &a);
    mli_conv_step *m = &step->conv;
    m->call = w->call[h->call];
    m->w = a.w;
    m->b = a.b;
    m->ring = ring;
    m->mix_w = a.mix_w;
    m->dilation = a.dilation;
    if (h->fills) {
        to_ring(w->dense, ring);
        w->ring = ring;
    } else {
        m->x = mli_step_operand(p, 0);
    }
    return step;
}

static mli_step *dense(const prepare *p, progress *w, const head *h)
{
    const mli_planar a = arguments(p, &h->c, NULL);
    mli_step *step = add_head(p, w, h, mli_run_planar, &a);
    mli_dense_step *m = &step->dense;
    m->call = w->call[h->call];
    m->w = a.w;
    m->b = a.b;
    m->y = a.y;
    m->add = a.add;
    if (h->c.add != MLI_NONE && h->c.add == w->held) {
        step->run = mli_run_planar_from_ring;
        m->from = w->ring;
    }
    return step;
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
    progress w = at_first(f);
    s->step_count = 0;
    s->step_at = 0;
    while (w.next < f->count[MLI_SEC_OPS]) {
        const mli_file_op *op = f->ops + w.next;
        prepare p = {s, f, op, mli_operand(f, op, 0),
                     mli_operand(f, op, op->inputs)};
        if (is_head(op)) {
            const head h = next_head(&w);
            pass_head(&w, &h, (in_ring(&h.c) ? conv : dense)(&p, &w, &h));
            continue;
        }
        if (!is_done(&w))
            part[op->type](&p);
        pass_other(&w);
    }
}
