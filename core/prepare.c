/*
 * prepare.c - operators of the file to steps: pointers resolved, strides and
 * sizes worked out, so that a run only calls them one after another.
 */
#include "steps.h"
#include "verify.h"

uint32_t mli_step_room(const mli_file_op *op)
{
    switch (op->type) {
    case MLI_OP_CONCAT:
        return op->inputs;
    case MLI_OP_LINEAR:
    case MLI_OP_CONV1D:
    case MLI_OP_CONV2D:
    case MLI_OP_AFFINE: /* and its function */
        return op->fn != MLI_IDENTITY ? 2 : 1;
    case MLI_OP_PAD:
        return 2;
    default:
        return 1;
    }
}

/* Kinds of matrices of recurrent layers that the layer's kernel does not read:
   products are made by themselves, and then the cells. */
static int is_apart_stored(const mli_file *f, const mli_file_op *op)
{
    const uint32_t storage = mli_operand(f, op, 1)->storage;
    return MLI_HAS(STORED) && (storage == MLI_INT4 || storage == MLI_BYTES);
}

/* No wider than the matrix of a group; planar has room of its own for few. */
uint64_t mli_planar_panel(const mli_file *f, const mli_file_op *op)
{
    const mli_file_tensor *w = mli_operand(f, op, 1);
    const uint32_t groups = op->type == MLI_OP_CONV1D ? op->p[2] : 1;
    const uint32_t outputs = op->type == MLI_OP_CONV1D ? op->p[4] : op->p[1];
    const uint32_t rows = w->dims[0] / groups;
    uint64_t floats;
    if (w->storage == MLI_F32)
        return 0;
    floats = (uint64_t)(rows < MLI_PANEL ? rows : MLI_PANEL) * w->dims[1];
    /* a single channel is no plane */
    return floats <= MLI_LOCAL_PANEL && outputs > 1 ? 0 : floats;
}

uint64_t mli_scratch_floats(const mli_file *f, const mli_file_op *op,
                            int planar)
{
    uint64_t units4 = ((uint64_t)op->p[0] + 3) / 4 * 4;
    uint64_t words = units4 / 4; /* of h, of layers that compute in integers */
    switch (op->type) {
    case MLI_OP_LINEAR:
    case MLI_OP_CONV1D:
        return planar ? mli_planar_panel(f, op) : 0;
    case MLI_OP_LSTM: /* gates */
        return is_apart_stored(f, op) ? 4 * units4 + words : 0;
    case MLI_OP_RNN:
        return is_apart_stored(f, op) ? units4 + words : 0;
    case MLI_OP_GRU: /* gates; reset h, two of the gates as they are made */
        return !op->p[1]                ? 6 * units4 + words
               : is_apart_stored(f, op) ? 3 * units4 + words
                                        : 0;
    case MLI_OP_COUPLE:
        return 2 * (uint64_t)op->p[0];
    case MLI_OP_DFT: /* two buffers */
        return 4 * (uint64_t)op->p[0];
    case MLI_OP_MATMUL: /* b, packed */
        return mli_packed_size(op->p[1], 1, op->p[2]);
    default:
        return 0;
    }
}

/* ------------------------------------------------------ bytes of steps ---- */

static int is_projection(const mli_file *f, const mli_file_op *op);

/* A spread model: steps run in parts, functions of dense layers too. */
static int in_parts(const mli_file *f)
{
    return MLI_HAS(SPREAD) && f->header->spread != 0;
}

/* Are a dense layer and its function two steps? */
static int is_apart(const mli_file *f)
{
    return !MLI_DENSE || in_parts(f);
}

/* A walk has room for the axes of y that it may not join. Those of what is
   copied to or from y are never more. */
static uint32_t walk_bytes(const mli_file *f, const mli_file_op *op)
{
    const mli_file_tensor *y = mli_operand(f, op, op->inputs);
    uint32_t axes = 0;
    for (uint32_t i = 0; i < y->rank; i++)
        axes += y->dims[i] != 1;
    if (axes == 0 || op->type == MLI_OP_RESHAPE)
        axes = 1;
    return MLI_STEP_BYTES(u.walk) -
           (MLI_MAX_RANK - axes) * (uint32_t)sizeof(mli_axis);
}

static uint32_t recurrent_bytes(const mli_file *f, const mli_file_op *op)
{
    if (is_apart_stored(f, op) || (op->type == MLI_OP_GRU && !op->p[1]))
        return MLI_STEP_BYTES(u.recurrent);
    return (offsetof(mli_step, u.recurrent.cell) + 7) / 8 * 8;
}

uint32_t mli_step_bytes(const mli_file *f, const mli_file_op *op)
{
    static const uint16_t bytes[MLI_OP_COUNT] = {
        [MLI_OP_LINEAR] = MLI_STEP_BYTES(u.matrix),
        [MLI_OP_CONV1D] = MLI_STEP_BYTES(u.matrix),
        [MLI_OP_UNARY] = MLI_STEP_BYTES(u.map),
        [MLI_OP_AFFINE] = MLI_STEP_BYTES(u.map),
        [MLI_OP_SOFTMAX] = MLI_STEP_BYTES(u.map),
        [MLI_OP_NORMALIZE] = MLI_STEP_BYTES(u.map),
        [MLI_OP_REDUCE] = MLI_STEP_BYTES(u.map),
        [MLI_OP_DELAY] = MLI_STEP_BYTES(u.kept),
        [MLI_OP_HOLD] = MLI_STEP_BYTES(u.kept),
        [MLI_OP_UNFOLD] = MLI_STEP_BYTES(u.rate),
        [MLI_OP_DEPTH_TO_TIME] = MLI_STEP_BYTES(u.rate),
        [MLI_OP_CONV2D] = MLI_STEP_BYTES(u.image),
        [MLI_OP_POOL] = MLI_STEP_BYTES(u.pool),
        [MLI_OP_SELECT] = MLI_STEP_BYTES(u.select),
        [MLI_OP_GATHER] = MLI_STEP_BYTES(u.index),
        [MLI_OP_SCATTER] = MLI_STEP_BYTES(u.index),
        [MLI_OP_ARG] = MLI_STEP_BYTES(u.order),
        [MLI_OP_TOPK] = MLI_STEP_BYTES(u.order),
        [MLI_OP_CUMULATE] = MLI_STEP_BYTES(u.index),
        [MLI_OP_TREES] = MLI_STEP_BYTES(u.trees),
        [MLI_OP_DISTANCE] = MLI_STEP_BYTES(u.distance),
        [MLI_OP_COUPLE] = MLI_STEP_BYTES(u.distance),
        [MLI_OP_RANDOM] = MLI_STEP_BYTES(u.random),
        [MLI_OP_DFT] = MLI_STEP_BYTES(u.dft),
        [MLI_OP_MATMUL] = MLI_STEP_BYTES(u.product),
        [MLI_OP_REQUANTIZE] = MLI_STEP_BYTES(u.requantize),
        [MLI_OP_RECALL] = MLI_STEP_BYTES(u.kept),
        [MLI_OP_STORE] = MLI_STEP_BYTES(u.kept),
        [MLI_OP_TO_BYTES] = MLI_STEP_BYTES(u.map),
    };
    if (in_parts(f))
        return sizeof(mli_step);
    switch (op->type) {
    case MLI_OP_LINEAR: /* or it only hands on a number */
        return is_projection(f, op) ? offsetof(mli_step, u) : bytes[op->type];
    case MLI_OP_LSTM:
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        return recurrent_bytes(f, op);
    default:
        return bytes[op->type] != 0 ? bytes[op->type] : walk_bytes(f, op);
    }
}

uint32_t mli_function_bytes(const mli_file *f)
{
    return in_parts(f) ? sizeof(mli_step) : MLI_STEP_BYTES(u.map);
}

int mli_is_in_place(const mli_file *f, const mli_file_op *op)
{
    const mli_file_tensor *x = mli_operand(f, op, 0);
    return op->type == MLI_OP_RESHAPE && x->region == MLI_ARENA &&
           x->offset == mli_operand(f, op, 1)->offset;
}

uint64_t mli_all_step_bytes(const mli_file *f, const mli_file_op *op)
{
    uint32_t steps = op->type == MLI_OP_CONCAT ? op->inputs
                     : op->type == MLI_OP_PAD  ? 2
                                               : !mli_is_in_place(f, op);
    int function = op->fn != MLI_IDENTITY && op->type != MLI_OP_UNARY &&
                   mli_step_room(op) == 2 &&
                   (op->type != MLI_OP_LINEAR || is_apart(f));
    return (uint64_t)steps * mli_step_bytes(f, op) +
           (function ? mli_function_bytes(f) : 0);
}

/* ------------------------------------------------------------ matrices ---- */

static void linear(const prepare *p)
{
    if (is_projection(p->f, p->op)) {
        mli_step *number = mli_add_step(p, mli_run_number);
        number->rows = number->elements / p->op->p[1];
        return;
    }
    const int apart = is_apart(p->f);
    mli_step *step = mli_add_step(p, apart ? mli_run_matrix : mli_run_dense);
    mli_matrix_step *m = &step->u.matrix;
    uint32_t in = mli_layer_inputs(p->f, p->op, p->op->p[0], 1);
    uint32_t out = p->op->p[1];
    step->rows = step->elements / out;
    m->conv = (mli_conv){.x = step->x,
                         .b = mli_step_operand(p, 2),
                         .y = step->y,
                         .x_stride = in,
                         .y_stride = out,
                         .frames = 1,
                         .step = 1,
                         .taps = 1,
                         .dilation = 1,
                         .groups = 1,
                         .in_per_group = in,
                         .out_per_group = out};
    mli_give_matrix(p, 1, &m->conv);
    m->call = &m->conv;
    m->ring = NULL;
    m->kernel = p->s->kernels->conv;
    m->outputs = out;
    m->f = (mli_unary)p->op->fn;
    m->p = p->op->fp;
    m->q = p->op->fq;
    if (apart)
        mli_add_function(p);
}

void mli_prepare_conv1d(const prepare *p)
{
    const uint32_t *q = p->op->p;
    const mli_kernels *k = p->s->kernels;
    uint32_t in = mli_layer_inputs(p->f, p->op, q[3], q[2]);
    int ring = p->op->state != MLI_NONE;
    mli_step *step =
        mli_add_step(p, ring ? mli_run_ring_matrix : mli_run_matrix);
    mli_matrix_step *m = &step->u.matrix;
    step->rows = step->elements / q[4];
    m->ring = ring ? p->s->kept + p->op->state : NULL;
    m->conv = (mli_conv){.x = ring ? m->ring->data : step->x,
                         .b = mli_step_operand(p, 2),
                         .y = step->y,
                         .x_stride = in,
                         .y_stride = q[4],
                         .ring = ring ? m->ring->capacity : 0,
                         .step = q[5],
                         .taps = q[0],
                         .dilation = q[1],
                         .groups = q[2],
                         .in_per_group = in / q[2],
                         .out_per_group = q[4] / q[2]};
    mli_give_matrix(p, 1, &m->conv);
    m->kernel =
        q[2] > 1 && q[2] == q[3] && q[2] == q[4] ? k->depthwise : k->conv;
    if (!ring && m->kernel == k->conv)
        mli_join_taps(&m->conv, q[0]);
    m->outputs = q[4];
    mli_add_function(p);
}

/* h times a matrix of so many rows */
static mli_conv product(const prepare *p, uint32_t at, uint32_t rows)
{
    uint32_t units = mli_layer_inputs(p->f, p->op, p->op->p[0], 1);
    mli_conv a = {.b = mli_step_operand(p, at + 1),
                  .x_stride = units,
                  .y_stride = rows,
                  .frames = 1,
                  .step = 1,
                  .taps = 1,
                  .dilation = 1,
                  .groups = 1,
                  .in_per_group = units,
                  .out_per_group = rows};
    mli_give_matrix(p, at, &a);
    return a;
}

static mli_recurrent_step *recurrent(const prepare *p, mli_step_run *run,
                                     uint32_t gates)
{
    mli_step *step = mli_add_step(p, run);
    mli_recurrent_step *r = &step->u.recurrent;
    uint32_t units = p->op->p[0];
    mli_conv matrix = {.frames = 1};
    step->rows = step->elements / units;
    mli_give_matrix(p, 1, &matrix);
    r->recurrent = (mli_recurrent){.w = matrix.w,
                                   .b = mli_step_operand(p, 2),
                                   .units = units,
                                   .f = (mli_unary)p->op->fn,
                                   .storage = matrix.storage,
                                   .scale = matrix.scale};
    r->h = p->s->kept + p->op->state;
    r->c = NULL;
    r->hold = p->op->p[2];
    r->held = r->hold ? r->h + mli_op_states(p->f, p->op) - 1 : NULL;
    r->units = units;
    r->gate_floats = gates * mli_quads(units);
    r->factor = p->op->fp;
    return r;
}

static const mli_file_op *op_before(const prepare *p)
{
    return p->op == p->f->ops ? NULL : p->op - 1;
}

/*
 * Is this dense layer the projection of one number for the recurrent layer that
 * comes next, and for nothing else? Then that layer's kernel does it, with the
 * same products. Not where the work is spread, in units of both.
 */
static int is_projection(const mli_file *f, const mli_file_op *op)
{
    const mli_file_op *next = op + 1;
    if (op->type != MLI_OP_LINEAR || next == f->ops + f->count[MLI_SEC_OPS] ||
        op->p[0] != 1 || op->fn != MLI_IDENTITY || f->header->spread != 0 ||
        mli_operand(f, op, 1)->storage != MLI_F32)
        return 0;
    if (next->type != MLI_OP_LSTM && next->type != MLI_OP_RNN &&
        (next->type != MLI_OP_GRU || !next->p[1]))
        return 0;
    const mli_file_tensor *made = mli_operand(f, op, op->inputs);
    return !is_apart_stored(f, next) && mli_operand(f, next, 0) == made &&
           made->last == (uint32_t)(next - f->ops);
}

static void take_projection(const prepare *p, mli_recurrent_step *r)
{
    const mli_file_op *op = op_before(p);
    if (op == NULL || !is_projection(p->f, op))
        return;
    r->recurrent.in_w = mli_place(p, mli_operand(p->f, op, 1));
    if (op->inputs > 2)
        r->recurrent.in_b = mli_place(p, mli_operand(p->f, op, 2));
}

/* The same, with the kernel that does it all, or with one for the cells. */
static mli_recurrent_step *
whole(const prepare *p,
      void (*kernel)(const mli_recurrent *, uint32_t, uint32_t),
      void (*cell)(const mli_cell *, uint32_t, uint32_t), uint32_t gates)
{
    mli_recurrent_step *r;
    if (!is_apart_stored(p->f, p->op)) {
        r = recurrent(p, mli_run_recurrent, gates);
        r->kernel = kernel;
        take_projection(p, r);
        return r;
    }
    r = recurrent(p, mli_run_stored, gates);
    r->cell = cell;
    r->gates = p->s->scratch;
    r->product[0] = product(p, 1, r->gate_floats);
    if (mli_is_bytes(p->f, p->op))
        r->words = r->gates + r->gate_floats;
    return r;
}

static void lstm(const prepare *p)
{
    const mli_kernels *k = p->s->kernels;
    mli_recurrent_step *r = whole(p, k->lstm, k->lstm_update, 4);
    r->c = r->h + 1;
}

static void gru(const prepare *p)
{
    mli_recurrent_step *r;
    if (p->op->p[1]) {
        whole(p, p->s->kernels->gru, p->s->kernels->gru_after, 3);
        return;
    }
    r = recurrent(p, mli_run_gru_reset_first, 3);
    r->gates = p->s->scratch;
    r->reset = r->gates + r->gate_floats;
    r->product[0] = product(p, 1, 2 * mli_quads(r->units));
    r->product[1] = product(p, 3, mli_quads(r->units));
    if (mli_is_bytes(p->f, p->op))
        r->words = r->gates + 6 * mli_quads(r->units);
}

static void rnn(const prepare *p)
{
    whole(p, p->s->kernels->rnn, NULL, 1);
}

/* ----------------------------------------------------------- functions ---- */

static void unary(const prepare *p)
{
    mli_add_function(p);
}

static void affine(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_affine);
    mli_map_step *m = &step->u.map;
    m->scale = mli_step_operand(p, 1);
    m->shift = mli_step_operand(p, 2);
    m->size = mli_elements(mli_operand(p->f, p->op, 1));
    m->scale_step = m->shift_step = m->size != 1;
    mli_add_function(p);
}

static void softmax(const prepare *p)
{
    uint32_t size = p->x->dims[p->x->rank - 1];
    mli_step_by_rows(p, mli_run_softmax, size)->option = p->op->p[0];
}

static void normalize(const prepare *p)
{
    mli_map_step *m = mli_step_by_rows(p, mli_run_normalize, p->op->p[0]);
    m->scale = mli_step_operand(p, 1);
    m->shift = mli_step_operand(p, 2);
    m->option = p->op->p[1];
    m->p = p->op->fp;
}

static void reduce(const prepare *p)
{
    uint32_t size = 1;
    for (uint32_t i = p->x->rank - p->op->p[1]; i < p->x->rank; i++)
        size *= p->x->dims[i];
    mli_step_by_rows(p, mli_run_reduce, size)->option = p->op->p[0];
}

/* --------------------------------------------------------------- walks ---- */

static void binary(const prepare *p)
{
    const mli_file_tensor *b = mli_operand(p->f, p->op, 1);
    mli_step *step = mli_add_step(p, mli_run_binary);
    strides sa, sb;
    mli_broadcast_strides(p->x, p->y, sa);
    mli_broadcast_strides(b, p->y, sb);
    step->x2 = mli_step_operand(p, 1);
    mli_set_walk(&step->u.walk, p->y, sa, sb, mli_time_stride(p->x),
                 mli_time_stride(b));
    step->u.walk.f = p->op->p[0];
}

static void concat(const prepare *p)
{
    uint32_t axis = p->op->p[0];
    int64_t at = 0;
    strides sx, sy;
    mli_own_strides(p->y, sy);
    for (uint32_t i = 0; i < p->op->inputs; i++) {
        const mli_file_tensor *x = mli_operand(p->f, p->op, i);
        mli_own_strides(x, sx);
        mli_add_copy(p, x, x, sx, 0, sy, at * sy[axis]);
        at += x->dims[axis];
    }
}

static void slice(const prepare *p)
{
    uint32_t axis = p->op->p[0];
    strides sx, sy;
    mli_own_strides(p->x, sx);
    mli_own_strides(p->y, sy);
    int64_t first = sx[axis] * p->op->p[1];
    sx[axis] *= (int32_t)p->op->p[2];
    mli_add_copy(p, p->x, p->y, sx, first, sy, 0);
}

static void reshape(const prepare *p)
{
    strides s;
    mli_own_strides(p->x, s);
    if (mli_place(p, p->x) != mli_place(p, p->y))
        mli_add_copy(p, p->x, p->x, s, 0, s, 0);
}

static void transpose(const prepare *p)
{
    strides own, sx, sy;
    mli_own_strides(p->x, own);
    mli_own_strides(p->y, sy);
    for (uint32_t i = 0; i < p->x->rank; i++)
        sx[i] = own[p->op->p[i]];
    mli_add_copy(p, p->x, p->y, sx, 0, sy, 0);
}

static void expand(const prepare *p)
{
    strides sx, sy;
    mli_broadcast_strides(p->x, p->y, sx);
    mli_own_strides(p->y, sy);
    mli_add_copy(p, p->x, p->y, sx, 0, sy, 0);
}

static void pad(const prepare *p)
{
    strides sx, sy;
    mli_own_strides(p->x, sx);
    mli_own_strides(p->y, sy);
    mli_add_step(p, mli_run_fill)->u.value = p->op->fp;
    mli_add_copy(p, p->x, p->x, sx, 0, sy, sy[p->op->p[0]] * p->op->p[1]);
}

/* ---------------------------------------------------------------- time ---- */

static void delay(const prepare *p)
{
    mli_add_step(p, mli_run_delay)->u.kept = p->s->kept + p->op->state;
}

static void hold(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_hold);
    step->rows = p->op->p[0];
    step->u.kept = p->s->kept + p->op->state;
}

void mli_prepare(mli_session *s, const mli_file *f)
{
    static void (*const part[MLI_OP_COUNT])(const prepare *) = {
        [MLI_OP_LINEAR] = MLI_IF(LINEAR, linear),
        [MLI_OP_CONV1D] = MLI_IF(CONV1D, mli_prepare_conv1d),
        [MLI_OP_LSTM] = MLI_IF(LSTM, lstm),
        [MLI_OP_GRU] = MLI_IF(GRU, gru),
        [MLI_OP_RNN] = MLI_IF(RNN, rnn),
        [MLI_OP_UNARY] = MLI_IF(UNARY, unary),
        [MLI_OP_BINARY] = MLI_IF(BINARY, binary),
        [MLI_OP_AFFINE] = MLI_IF(AFFINE, affine),
        [MLI_OP_SOFTMAX] = MLI_IF(SOFTMAX, softmax),
        [MLI_OP_NORMALIZE] = MLI_IF(NORMALIZE, normalize),
        [MLI_OP_REDUCE] = MLI_IF(REDUCE, reduce),
        [MLI_OP_CONCAT] = MLI_IF(CONCAT, concat),
        [MLI_OP_SLICE] = MLI_IF(SLICE, slice),
        [MLI_OP_RESHAPE] = MLI_IF(RESHAPE, reshape),
        [MLI_OP_TRANSPOSE] = MLI_IF(TRANSPOSE, transpose),
        [MLI_OP_EXPAND] = MLI_IF(EXPAND, expand),
        [MLI_OP_PAD] = MLI_IF(PAD, pad),
        [MLI_OP_DELAY] = MLI_IF(DELAY, delay),
        [MLI_OP_HOLD] = MLI_IF(HOLD, hold),
        [MLI_OP_UNFOLD] = MLI_IF(UNFOLD, mli_prepare_unfold),
        [MLI_OP_DEPTH_TO_TIME] =
            MLI_IF(DEPTH_TO_TIME, mli_prepare_depth_to_time),
        [MLI_OP_CONV2D] = MLI_IF(CONV2D, mli_prepare_conv2d),
        [MLI_OP_POOL] = MLI_IF(POOL, mli_prepare_pool),
        [MLI_OP_SELECT] = MLI_IF(SELECT, mli_prepare_select),
        [MLI_OP_GATHER] = MLI_IF(GATHER, mli_prepare_gather),
        [MLI_OP_SCATTER] = MLI_IF(SCATTER, mli_prepare_scatter),
        [MLI_OP_ARG] = MLI_IF(ARG, mli_prepare_arg),
        [MLI_OP_TOPK] = MLI_IF(TOPK, mli_prepare_topk),
        [MLI_OP_CUMULATE] = MLI_IF(CUMULATE, mli_prepare_cumulate),
        [MLI_OP_TREES] = MLI_IF(TREES, mli_prepare_trees),
        [MLI_OP_DISTANCE] = MLI_IF(DISTANCE, mli_prepare_distance),
        [MLI_OP_COUPLE] = MLI_IF(COUPLE, mli_prepare_couple),
        [MLI_OP_RECALL] = MLI_IF(RECALL, mli_prepare_recall),
        [MLI_OP_STORE] = MLI_IF(STORE, mli_prepare_store),
        [MLI_OP_RANDOM] = MLI_IF(RANDOM, mli_prepare_random),
        [MLI_OP_DFT] = MLI_IF(DFT, mli_prepare_dft),
        [MLI_OP_MATMUL] = MLI_IF(MATMUL, mli_prepare_matmul),
        [MLI_OP_REQUANTIZE] = MLI_IF(REQUANTIZE, mli_prepare_requantize),
        [MLI_OP_TO_BYTES] = MLI_IF(TO_BYTES, mli_prepare_to_bytes),
    };
    s->step_count = 0;
    s->step_at = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        prepare p = {s, f, op, mli_operand(f, op, 0),
                     mli_operand(f, op, op->inputs)};
        part[op->type](&p);
    }
}
