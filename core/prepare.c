/*
 * prepare.c - operators of the file to steps: pointers resolved, strides and
 * sizes worked out, so that a run only calls them one after another.
 */
#include "session.h"

typedef struct prepare {
    mli_session *s;
    const mli_file *f;
    const mli_file_op *op;
    const mli_file_tensor *x, *y;
} prepare;

uint32_t mli_step_room(const mli_file_op *op)
{
    switch (op->type) {
    case MLI_OP_CONCAT:
        return op->inputs;
    case MLI_OP_LINEAR:
    case MLI_OP_CONV1D:
    case MLI_OP_AFFINE:
    case MLI_OP_PAD:
        return 2;
    default:
        return 1;
    }
}

uint64_t mli_scratch_floats(const mli_file_op *op)
{
    uint64_t units4 = ((uint64_t)op->p[0] + 3) / 4 * 4;
    switch (op->type) {
    case MLI_OP_LSTM:
        return 4 * units4;
    case MLI_OP_GRU: /* gates; reset h, two of the gates as they are made */
        return op->p[1] ? 3 * units4 : 6 * units4;
    case MLI_OP_RNN:
        return units4;
    default:
        return 0;
    }
}

static const float *place(const prepare *p, const mli_file_tensor *t)
{
    if (t->region == MLI_CONSTANT)
        return p->f->data + t->offset;
    return p->s->arena + (size_t)t->offset * p->s->tile;
}

static const float *operand(const prepare *p, uint32_t i)
{
    return i < p->op->inputs ? place(p, mli_operand(p->f, p->op, i)) : NULL;
}

static mli_step *add_step(const prepare *p, mli_step_run *run)
{
    mli_step *step = p->s->steps + p->s->step_count++;
    step->run = run;
    step->x = operand(p, 0);
    step->x2 = NULL;
    step->y = p->s->arena + (size_t)p->y->offset * p->s->tile;
    step->timed = (uint32_t)mli_timed(p->y);
    step->elements = mli_elements(p->y);
    step->rows = 1;
    return step;
}

/* The function that an operator ends with. */
static void add_function(const prepare *p)
{
    if (p->op->fn == MLI_IDENTITY && p->op->type != MLI_OP_UNARY)
        return;
    mli_step *step = add_step(p, mli_run_unary);
    if (p->op->type != MLI_OP_UNARY)
        step->x = step->y;
    step->u.map.option = p->op->fn;
    step->u.map.p = p->op->fp;
    step->u.map.q = p->op->fq;
}

/* ------------------------------------------------------------ matrices ---- */

static void linear(const prepare *p)
{
    mli_step *step = add_step(p, mli_run_matrix);
    mli_matrix_step *m = &step->u.matrix;
    uint32_t in = p->op->p[0], out = p->op->p[1];
    step->rows = step->elements / out;
    m->conv = (mli_conv){.x = step->x,
                         .w = operand(p, 1),
                         .b = operand(p, 2),
                         .y = step->y,
                         .x_stride = in,
                         .y_stride = out,
                         .step = 1,
                         .taps = 1,
                         .dilation = 1,
                         .groups = 1,
                         .in_per_group = in,
                         .out_per_group = out};
    m->ring = NULL;
    m->kernel = p->s->kernels->conv;
    m->outputs = out;
    add_function(p);
}

static void conv1d(const prepare *p)
{
    const uint32_t *q = p->op->p;
    const mli_kernels *k = p->s->kernels;
    int ring = p->op->state != MLI_NONE;
    mli_step *step = add_step(p, ring ? mli_run_ring_matrix : mli_run_matrix);
    mli_matrix_step *m = &step->u.matrix;
    step->rows = step->elements / q[4];
    m->ring = ring ? p->s->kept + p->op->state : NULL;
    m->conv = (mli_conv){.x = ring ? m->ring->data : step->x,
                         .w = operand(p, 1),
                         .b = operand(p, 2),
                         .y = step->y,
                         .x_stride = q[3],
                         .y_stride = q[4],
                         .ring = ring ? m->ring->capacity : 0,
                         .step = q[5],
                         .taps = q[0],
                         .dilation = q[1],
                         .groups = q[2],
                         .in_per_group = q[3] / q[2],
                         .out_per_group = q[4] / q[2]};
    m->kernel =
        q[2] > 1 && q[2] == q[3] && q[2] == q[4] ? k->depthwise : k->conv;
    m->outputs = q[4];
    add_function(p);
}

/* h times a matrix of so many rows */
static mli_conv product(const prepare *p, uint32_t at, uint32_t rows)
{
    uint32_t units = p->op->p[0];
    return (mli_conv){.w = operand(p, at),
                      .b = operand(p, at + 1),
                      .x_stride = units,
                      .y_stride = rows,
                      .frames = 1,
                      .step = 1,
                      .taps = 1,
                      .dilation = 1,
                      .groups = 1,
                      .in_per_group = units,
                      .out_per_group = rows};
}

static mli_recurrent_step *recurrent(const prepare *p, mli_step_run *run,
                                     uint32_t gates, uint32_t in_product)
{
    mli_step *step = add_step(p, run);
    mli_recurrent_step *r = &step->u.recurrent;
    uint32_t units = p->op->p[0], units4 = mli_quads(units);
    step->rows = step->elements / units;
    r->product = product(p, 1, in_product * units4);
    r->gates = p->s->scratch;
    r->reset = p->s->scratch + gates * units4;
    r->h = p->s->kept + p->op->state;
    r->c = NULL;
    r->units = units;
    r->gate_floats = gates * units4;
    r->f = (mli_unary)p->op->fn;
    return r;
}

static void lstm(const prepare *p)
{
    mli_recurrent_step *r = recurrent(p, mli_run_recurrent, 4, 4);
    r->cell = p->s->kernels->lstm;
    r->c = r->h + 1;
}

static void gru(const prepare *p)
{
    mli_recurrent_step *r;
    if (p->op->p[1]) {
        r = recurrent(p, mli_run_recurrent, 3, 3);
        r->cell = p->s->kernels->gru;
        return;
    }
    r = recurrent(p, mli_run_gru_reset_first, 3, 2);
    r->product_n = product(p, 3, mli_quads(r->units));
}

static void rnn(const prepare *p)
{
    mli_recurrent_step *r = recurrent(p, mli_run_recurrent, 1, 1);
    r->cell = p->s->kernels->rnn;
}

/* ----------------------------------------------------------- functions ---- */

static void unary(const prepare *p)
{
    add_function(p);
}

static void affine(const prepare *p)
{
    mli_step *step = add_step(p, mli_run_affine);
    mli_map_step *m = &step->u.map;
    m->scale = operand(p, 1);
    m->shift = operand(p, 2);
    m->size = mli_elements(mli_operand(p->f, p->op, 1));
    m->scale_step = m->shift_step = m->size != 1;
    add_function(p);
}

/* size: floats of a row */
static mli_map_step *by_rows(const prepare *p, mli_step_run *run, uint32_t size)
{
    mli_step *step = add_step(p, run);
    step->rows = mli_elements(p->x) / size;
    step->u.map.size = size;
    return &step->u.map;
}

static void softmax(const prepare *p)
{
    uint32_t size = p->x->dims[p->x->rank - 1];
    by_rows(p, mli_run_softmax, size)->option = p->op->p[0];
}

static void normalize(const prepare *p)
{
    mli_map_step *m = by_rows(p, mli_run_normalize, p->op->p[0]);
    m->scale = operand(p, 1);
    m->shift = operand(p, 2);
    m->option = p->op->p[1];
    m->p = p->op->fp;
}

static void reduce(const prepare *p)
{
    uint32_t size = 1;
    for (uint32_t i = p->x->rank - p->op->p[1]; i < p->x->rank; i++)
        size *= p->x->dims[i];
    by_rows(p, mli_run_reduce, size)->option = p->op->p[0];
}

/* --------------------------------------------------------------- walks ---- */

typedef int64_t strides[MLI_MAX_RANK];

static void own_strides(const mli_file_tensor *t, strides s)
{
    int64_t n = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        s[i] = n;
        n *= t->dims[i];
    }
}

/* The strides of t along y's axes: 0 where t is broadcast. */
static void broadcast_strides(const mli_file_tensor *t,
                              const mli_file_tensor *y, strides s)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < y->rank; i++) {
        uint32_t dim = i < t->rank ? t->dims[t->rank - 1 - i] : 1;
        s[y->rank - 1 - i] = dim == 1 ? 0 : n;
        n *= dim;
    }
}

static int64_t time_stride(const mli_file_tensor *t)
{
    return mli_timed(t) ? mli_elements(t) : 0;
}

/* May an axis be counted as part of the one within, `inner`? */
static int joins(const mli_walk_step *w, int64_t a, int64_t b, uint32_t inner)
{
    return a == w->stride[0][inner] * w->count[inner] &&
           b == w->stride[1][inner] * w->count[inner];
}

/*
 * Fill in a walk over these axes: without those of length 1, and joined where
 * they can be. They are found from the innermost on, then turned round.
 */
static void set_walk(mli_walk_step *w, const mli_file_tensor *axes,
                     const strides a, const strides b, int64_t a_time,
                     int64_t b_time)
{
    mli_walk_step r = {0};
    for (uint32_t i = axes->rank; i-- > 0;) {
        if (axes->dims[i] == 1)
            continue;
        if (r.axes != 0 && joins(&r, a[i], b[i], r.axes - 1)) {
            r.count[r.axes - 1] *= axes->dims[i];
            continue;
        }
        r.count[r.axes] = axes->dims[i];
        r.stride[0][r.axes] = a[i];
        r.stride[1][r.axes] = b[i];
        r.axes++;
    }
    if (r.axes == 0) { /* one element: walk along time */
        r.axes = 1;
        r.count[0] = 1;
        r.stride[0][0] = a_time;
        r.stride[1][0] = b_time;
    }
    *w = r;
    w->time[0] = a_time;
    w->time[1] = b_time;
    w->joined = r.axes == 1 && joins(&r, a_time, b_time, 0);
    for (uint32_t i = 0; i < r.axes; i++) {
        w->count[i] = r.count[r.axes - 1 - i];
        w->stride[0][i] = r.stride[0][r.axes - 1 - i];
        w->stride[1][i] = r.stride[1][r.axes - 1 - i];
    }
}

static void binary(const prepare *p)
{
    const mli_file_tensor *b = mli_operand(p->f, p->op, 1);
    mli_step *step = add_step(p, mli_run_binary);
    strides sa, sb;
    broadcast_strides(p->x, p->y, sa);
    broadcast_strides(b, p->y, sb);
    step->x2 = operand(p, 1);
    set_walk(&step->u.walk, p->y, sa, sb, time_stride(p->x), time_stride(b));
    step->u.walk.f = p->op->p[0];
}

/* Copy over the axes of a tensor from x to y, both with offsets. */
static void add_copy(const prepare *p, const mli_file_tensor *x,
                     const mli_file_tensor *axes, const strides sx,
                     int64_t x_offset, const strides sy, int64_t y_offset)
{
    mli_step *step = add_step(p, mli_run_copy);
    step->x = place(p, x) + x_offset;
    step->y += y_offset;
    set_walk(&step->u.walk, axes, sx, sy, time_stride(x), time_stride(p->y));
}

static void concat(const prepare *p)
{
    uint32_t axis = p->op->p[0];
    int64_t at = 0;
    strides sx, sy;
    own_strides(p->y, sy);
    for (uint32_t i = 0; i < p->op->inputs; i++) {
        const mli_file_tensor *x = mli_operand(p->f, p->op, i);
        own_strides(x, sx);
        add_copy(p, x, x, sx, 0, sy, at * sy[axis]);
        at += x->dims[axis];
    }
}

static void slice(const prepare *p)
{
    uint32_t axis = p->op->p[0];
    strides sx, sy;
    own_strides(p->x, sx);
    own_strides(p->y, sy);
    int64_t first = sx[axis] * p->op->p[1];
    sx[axis] *= (int32_t)p->op->p[2];
    add_copy(p, p->x, p->y, sx, first, sy, 0);
}

static void reshape(const prepare *p)
{
    strides s;
    own_strides(p->x, s);
    if (place(p, p->x) != place(p, p->y))
        add_copy(p, p->x, p->x, s, 0, s, 0);
}

static void transpose(const prepare *p)
{
    strides own, sx, sy;
    own_strides(p->x, own);
    own_strides(p->y, sy);
    for (uint32_t i = 0; i < p->x->rank; i++)
        sx[i] = own[p->op->p[i]];
    add_copy(p, p->x, p->y, sx, 0, sy, 0);
}

static void expand(const prepare *p)
{
    strides sx, sy;
    broadcast_strides(p->x, p->y, sx);
    own_strides(p->y, sy);
    add_copy(p, p->x, p->y, sx, 0, sy, 0);
}

static void pad(const prepare *p)
{
    strides sx, sy;
    own_strides(p->x, sx);
    own_strides(p->y, sy);
    add_step(p, mli_run_fill)->u.value = p->op->fp;
    add_copy(p, p->x, p->x, sx, 0, sy, sy[p->op->p[0]] * p->op->p[1]);
}

/* ---------------------------------------------------------------- time ---- */

static void delay(const prepare *p)
{
    add_step(p, mli_run_delay)->u.kept = p->s->kept + p->op->state;
}

static void hold(const prepare *p)
{
    mli_step *step = add_step(p, mli_run_hold);
    step->rows = p->op->p[0];
    step->u.kept = p->s->kept + p->op->state;
}

void mli_prepare(mli_session *s, const mli_file *f)
{
    static void (*const part[MLI_OP_COUNT])(const prepare *) = {
        [MLI_OP_LINEAR] = linear,
        [MLI_OP_CONV1D] = conv1d,
        [MLI_OP_LSTM] = lstm,
        [MLI_OP_GRU] = gru,
        [MLI_OP_RNN] = rnn,
        [MLI_OP_UNARY] = unary,
        [MLI_OP_BINARY] = binary,
        [MLI_OP_AFFINE] = affine,
        [MLI_OP_SOFTMAX] = softmax,
        [MLI_OP_NORMALIZE] = normalize,
        [MLI_OP_REDUCE] = reduce,
        [MLI_OP_CONCAT] = concat,
        [MLI_OP_SLICE] = slice,
        [MLI_OP_RESHAPE] = reshape,
        [MLI_OP_TRANSPOSE] = transpose,
        [MLI_OP_EXPAND] = expand,
        [MLI_OP_PAD] = pad,
        [MLI_OP_DELAY] = delay,
        [MLI_OP_HOLD] = hold,
    };
    s->step_count = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        prepare p = {s, f, op, mli_operand(f, op, 0),
                     mli_operand(f, op, op->inputs)};
        part[op->type](&p);
    }
}
