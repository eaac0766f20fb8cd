/*
 * tflite_time.c - operators along time, in stream graphs.
 *
 * A value of [1, T, C] with its axis T as time is, in the graph, a frame [1, C]
 * for each frame of the signal. At tick t there is frame t - late of the file's
 * value; zeros that a padding puts in front are counted first, and only a
 * convolution that has less reach than padding waits for them. Frames before
 * the first are zeros where a padding says so.
 */
#include <string.h>
#include "ir_build.h"
#include "tflite_layer.h"

/* Frame by frame: the value without its axis of time. */
static tfl_value frame_of(const tfl_value *v)
{
    tfl_value y = *v;
    uint32_t at = v->time - 1;

    memmove(y.dims + at, y.dims + at + 1, (v->rank - at - 1) * sizeof *y.dims);
    y.rank--;
    y.time = 0;
    return y;
}

/* Output k, made frame by frame, with its axis of time as `at` + 1. */
static void in_time(const tfl_call *c, int k, uint32_t at, uint32_t frames,
                    const tfl_value *from)
{
    tfl_value *y = k < c->outputs ? c->out[k] : NULL;

    if (!y || y->broken || y->rank >= TFL_MAX_RANK || at - 1 > y->rank)
        return;
    memmove(y->dims + at, y->dims + at - 1,
            (y->rank - at + 1) * sizeof *y->dims);
    y->dims[at - 1] = frames;
    y->rank++;
    y->time = at;
    y->late = from->late;
    y->clean = 0;
}

/* Its frames before the first are zeros. */
static ir_id cleaned(tfl_run *r, const tfl_value *v)
{
    return v->late && !v->clean ? ir_hold(r->g, v->id, v->late) : v->id;
}

/* Zeros in front become frames; then `more` frames later. */
static void settle(tfl_run *r, tfl_value *v, uint32_t late)
{
    uint32_t more = late - v->late;

    if (v->pad) {
        v->id = cleaned(r, v);
        v->clean = 1;
    }
    if (v->pad + more)
        v->id = ir_delay(r->g, v->id, v->pad + more);
    v->late = late;
    v->pad = 0;
}

/* The operator on frames: all operands that have time, as late as the latest;
   constants without the axis. 0: one of them does not fit. */
static int frames_of(tfl_run *r, tfl_call *c, tfl_value *frame,
                     uint32_t *behind)
{
    const tfl_value *first = NULL;
    uint32_t late = 0;

    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && c->in[i]->time) {
            first = first ? first : c->in[i];
            late = c->in[i]->late > late ? c->in[i]->late : late;
        }
    *behind = first->rank - first->time;
    for (int i = 0; i < c->inputs; i++) {
        tfl_value v;
        if (!c->in[i])
            continue;
        v = *c->in[i];
        tfl_id(r, &v);
        if (v.time) {
            if (v.rank - v.time != *behind)
                return 0;
            settle(r, &v, late);
            frame[i] = frame_of(&v);
        } else if (v.rank > *behind && v.dims[v.rank - *behind - 1] != 1) {
            return 0;
        } else if (v.rank > *behind) {
            v.time = v.rank - *behind;
            frame[i] = frame_of(&v);
            frame[i].raw = NULL;
            frame[i].id = ir_reshape(r->g, v.id, frame[i].rank, frame[i].dims);
        } else {
            frame[i] = v;
            frame[i].raw = v.id == IR_NONE ? v.raw : NULL;
        }
    }
    return 1;
}

/* Whole numbers are paired element by element: a constant becomes a signal. */
static void make_signal(tfl_run *r, const tfl_value *like, tfl_value *v)
{
    const float none = 0.f;
    ir_id zeros = ir_affine(r->g, like->id, 1, &none, NULL);

    v->id = ir_binary(r->g, MLI_ADD, zeros, v->id);
    if (ir_good(r->g, v->id)) {
        v->rank = r->g->values[v->id].rank;
        memcpy(v->dims, r->g->values[v->id].dims, sizeof v->dims);
    }
}

static void pointwise(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    tfl_value *frame = onnx_take(r->pool, (size_t)c->inputs, sizeof *frame);
    tfl_value **in = onnx_take(r->pool, (size_t)c->inputs, sizeof *in);
    tfl_call each = *c;
    uint32_t behind, n = 1;
    int timed = -1;

    if (!frames_of(r, c, frame, &behind)) {
        tfl_unsupported(r, c, "operands with times of their own");
        return;
    }
    for (int i = 0; i < c->inputs; i++) {
        in[i] = c->in[i] ? &frame[i] : NULL;
        if (c->in[i] && c->in[i]->time) {
            timed = i;
            n = c->in[i]->dims[c->in[i]->time - 1];
        }
    }
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && !c->in[i]->time && frame[i].scale > 0.f)
            make_signal(r, &frame[timed], &frame[i]);
    each.in = in;
    op->run(r, &each, op->what);
    for (int k = 0; k < c->outputs; k++)
        if (c->out[k] && c->out[k]->rank >= behind)
            in_time(c, k, c->out[k]->rank - behind + 1, n, &frame[timed]);
}

ir_id tfl_settled(tfl_run *r, tfl_value *v, uint32_t late)
{
    settle(r, v, late);
    return v->id;
}

/* ---------------------------------------------------------------- axes ---- */

/* Operand 1, axes of x, as axes of its frames; 0: time is among them. */
static int frame_axes(tfl_run *r, tfl_call *c, const tfl_value *x,
                      tfl_value *axes)
{
    uint32_t count, at = x->time - 1;
    const int64_t *list = tfl_known(r, c, 1, &count, "axes");
    float *to = list ? tfl_take(r, count) : NULL;

    for (uint32_t i = 0; list && i < count; i++) {
        uint32_t axis = (uint32_t)tfl_axis(r, c, list[i], x->rank);
        if (axis == at) {
            tfl_unsupported(r, c,
                            "it takes all times together (expected mode "
                            "step or window)");
            return 0;
        }
        to[i] = (float)(axis - (axis > at));
    }
    if (!list)
        return 0;
    *axes = *c->in[1];
    axes->raw = NULL;
    axes->rank = 1;
    axes->dims[0] = count;
    axes->id = ir_const1(r->g, count, to);
    return 1;
}

static void reduce(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    tfl_value v = *c->in[0], frame, axes, *in[2] = {&frame, &axes};
    tfl_call each = *c;
    uint32_t at = v.time, count;
    const int64_t *list = tfl_ints(r, c->in[1], &count);

    if (!frame_axes(r, c, &v, &axes))
        return;
    settle(r, &v, v.late);
    frame = frame_of(&v);
    each.in = in;
    each.inputs = 2;
    op->run(r, &each, op->what);
    for (uint32_t i = 0; !tfl_option(c, 0, 0) && i < count; i++)
        at -= (uint32_t)tfl_axis(r, c, list[i], v.rank) < v.time - 1;
    in_time(c, 0, at, v.dims[v.time - 1], &v);
}

static void transpose(tfl_run *r, tfl_call *c)
{
    tfl_value v = *c->in[0];
    uint32_t count, perm[TFL_MAX_RANK], n = 0, at = 0;
    const int64_t *list = tfl_known(r, c, 1, &count, "an order of axes");

    if (!list)
        return;
    if (count != v.rank)
        tfl_bad(r, c, "an order of %u axes for %u", count, v.rank);
    settle(r, &v, v.late);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis = (uint32_t)tfl_axis(r, c, list[i], v.rank);
        if (axis == v.time - 1)
            at = i + 1;
        else
            perm[n++] = axis - (axis >= v.time);
    }
    if (!at)
        tfl_bad(r, c, "an order of axes with one missing");
    tfl_put_like(r, c, 0, ir_transpose(r->g, v.id, perm), &v);
    in_time(c, 0, at, v.dims[v.time - 1], &v);
}

static void concatenate(tfl_run *r, tfl_call *c)
{
    tfl_value *frame = onnx_take(r->pool, (size_t)c->inputs, sizeof *frame);
    ir_id *id = onnx_take(r->pool, (size_t)c->inputs, sizeof *id);
    const tfl_value *x = c->in[0];
    uint32_t behind, axis;
    ir_id joined;

    for (int i = 0; i < c->inputs; i++)
        if (!c->in[i] || !c->in[i]->time || c->in[i]->rank != x->rank ||
            c->in[i]->scale != tfl_tensor_scale(c->declared[0])) {
            tfl_unsupported(r, c, "parts of other kinds along time");
            return;
        }
    axis = (uint32_t)tfl_axis(r, c, tfl_option_int(c, 0, 0), x->rank);
    if (axis == x->time - 1 || !frames_of(r, c, frame, &behind)) {
        tfl_unsupported(r, c, "parts one after the other in time");
        return;
    }
    for (int i = 0; i < c->inputs; i++)
        id[i] = frame[i].id;
    axis -= axis >= x->time;
    joined = ir_concat(r->g, id, (uint32_t)c->inputs, axis);
    if (tfl_quantised(c->declared[0]))
        tfl_put_whole(r, c, 0, joined);
    else
        tfl_put_active(r, c, 0, joined, tfl_option(c, 1, 0));
    in_time(c, 0, x->time, x->dims[x->time - 1], &frame[0]);
}

static void pad(tfl_run *r, tfl_call *c)
{
    tfl_value v = *c->in[0];
    uint32_t count, before = 0, frames = v.dims[v.time - 1];
    const int64_t *list = tfl_known(r, c, 1, &count, "paddings");

    if (!list)
        return;
    if (count != 2 * v.rank)
        tfl_bad(r, c, "%u paddings for %u axes", count, v.rank);
    if (c->inputs > 2) {
        tfl_unsupported(r, c, "a value of its own along time");
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (list[i] < 0 || list[i] > 1 << 20)
            tfl_bad(r, c, "padding by %lld", (long long)list[i]);
    for (uint32_t i = 0; i < v.rank; i++)
        if (i == v.time - 1) {
            before = (uint32_t)list[2 * i];
            frames += before + (uint32_t)list[2 * i + 1];
        } else if (list[2 * i] + list[2 * i + 1]) {
            v.id = ir_pad(r->g, v.id, i - (i >= v.time), (uint32_t)list[2 * i],
                          (uint32_t)list[2 * i + 1], 0.f);
        }
    tfl_put_like(r, c, 0, v.id, &v);
    in_time(c, 0, v.time, frames, &v);
    if (c->outputs && c->out[0]) {
        c->out[0]->pad = v.pad + before;
        c->out[0]->clean = v.clean;
    }
}

/* -------------------------------------------------------------- layers ---- */

static void dense(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    tfl_value v = *c->in[0], frame, *in[3] = {&frame, c->in[1], NULL};
    int keep = tfl_option(c, 2, 0);
    tfl_call each = *c;
    uint32_t inputs = v.dims[v.rank - 1];

    settle(r, &v, v.late);
    frame = frame_of(&v);
    if (v.time == v.rank || (!keep && tfl_elements(&frame) != inputs)) {
        tfl_unsupported(r, c,
                        "it takes all times together (expected mode "
                        "step or window)");
        return;
    }
    in[2] = c->inputs > 2 ? c->in[2] : NULL;
    each.in = in;
    op->run(r, &each, op->what);
    if (!c->outputs || !c->out[0] || c->out[0]->broken)
        return;
    if (!keep) { /* [T, outputs] */
        c->out[0]->dims[0] = c->out[0]->dims[1];
        c->out[0]->rank = 1;
        c->out[0]->id = ir_reshape(r->g, c->out[0]->id, 1, c->out[0]->dims);
    }
    in_time(c, 0, keep ? v.time : 1, v.dims[v.time - 1], &v);
}

int tfl_conv_in_time(tfl_run *r, tfl_call *c, tfl_layer *l,
                     const tfl_time_kernel *k, const ir_bytes *w)
{
    tfl_value v = *l->x;
    uint32_t dims[3] = {1, 1, l->outputs};
    uint32_t own = (k->taps - 1) * k->dilation;
    uint32_t apart = v.block ? v.block : 1, reach = own * apart;
    uint32_t zeros = v.pad + (k->same ? reach / 2 : 0);
    uint32_t frames = v.dims[v.time - 1];
    ir_id x;
    const char *odd = k->step != 1         ? "steps"
                      : v.block && k->same ? "blocks with paddings of their own"
                      : tfl_layer_kind(l) == TFL_HYBRID_LAYER ? "dynamic ranges"
                                                              : NULL;

    if (odd) {
        tfl_unsupported(r, c, "%s along time (expected mode step or window)",
                        odd);
        return 0;
    }
    x = zeros ? cleaned(r, &v) : v.id;
    if (zeros > v.late + reach) {
        x = ir_delay(r->g, x, zeros - v.late - reach);
        v.late = 0;
    } else {
        v.late += reach - zeros;
    }
    v.pad = 0;
    x = ir_conv1d_bytes(r->g, x, v.dims[3], l->outputs, k->taps,
                        k->dilation * apart, k->groups, 1, w,
                        tfl_layer_bias(r, c, l));
    x = ir_reshape(r->g, tfl_layer_exact(r, c, l, x), 3, dims);
    if (l->low != IR_NONE)
        l->low = ir_reshape(r->g, l->low, 3, dims);
    tfl_layer_finish(r, c, l, x);
    frames -= k->same ? 0 : own < frames ? own : frames - 1;
    in_time(c, 0, v.time, frames, &v);
    if (v.block && c->outputs && c->out[0]) {
        c->out[0]->block = v.block;
        c->out[0]->dims[0] = v.dims[0];
    }
    return 1;
}

static void softmax(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    if (c->in[0]->time == c->in[0]->rank)
        tfl_unsupported(r, c,
                        "it takes all times together (expected mode "
                        "step or window)");
    else
        pointwise(r, c, op);
}

/* ------------------------------------------------------------- walking ---- */

enum {
    ALONE,
    POINTWISE,
    AXES,
    TRANSPOSE,
    CONCATENATE,
    PAD,
    DENSE,
    SOFTMAX,
    NOT
};

static int kind_of(int code)
{
    static const struct {
        uint8_t code, kind;
    } kinds[] = {
        {22, ALONE},      {43, ALONE},      {70, ALONE},      {3, ALONE},
        {4, ALONE},       {37, ALONE},      {38, ALONE},      {40, AXES},
        {74, AXES},       {82, AXES},       {89, AXES},       {81, AXES},
        {39, TRANSPOSE},  {2, CONCATENATE}, {34, PAD},        {9, DENSE},
        {0, POINTWISE},   {18, POINTWISE},  {41, POINTWISE},  {42, POINTWISE},
        {55, POINTWISE},  {57, POINTWISE},  {14, POINTWISE},  {28, POINTWISE},
        {19, POINTWISE},  {20, POINTWISE},  {21, POINTWISE},  {98, POINTWISE},
        {54, POINTWISE},  {111, POINTWISE}, {47, POINTWISE},  {73, POINTWISE},
        {75, POINTWISE},  {76, POINTWISE},  {78, POINTWISE},  {92, POINTWISE},
        {99, POINTWISE},  {101, POINTWISE}, {59, POINTWISE},  {66, POINTWISE},
        {108, POINTWISE}, {117, POINTWISE}, {150, POINTWISE}, {6, POINTWISE},
        {114, POINTWISE}, {53, POINTWISE},  {58, POINTWISE},  {61, POINTWISE},
        {62, POINTWISE},  {63, POINTWISE},  {71, POINTWISE},  {72, POINTWISE},
        {64, POINTWISE},  {123, POINTWISE}, {8, POINTWISE},   {104, POINTWISE},
        {116, POINTWISE}, {158, POINTWISE}, {84, POINTWISE},  {86, POINTWISE},
        {87, POINTWISE},  {25, SOFTMAX},    {50, SOFTMAX},    {106, POINTWISE},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].code == code)
            return kinds[i].kind;
    return NOT;
}

void tfl_run_in_time(tfl_run *r, tfl_call *c, const tfl_op *op)
{
    int kind = c->in[0] && c->in[0]->time ? kind_of(op->code) : NOT;

    for (int i = 0; kind == NOT && kind_of(op->code) == POINTWISE && i < 2; i++)
        if (i < c->inputs && c->in[i] && c->in[i]->time)
            kind = POINTWISE;
    if (kind != ALONE && kind != NOT && c->in[0] && c->in[0]->block)
        kind = NOT;
    switch (kind) {
    case ALONE:
        op->run(r, c, op->what);
        return;
    case POINTWISE:
        pointwise(r, c, op);
        return;
    case AXES:
        reduce(r, c, op);
        return;
    case TRANSPOSE:
        transpose(r, c);
        return;
    case CONCATENATE:
        concatenate(r, c);
        return;
    case PAD:
        pad(r, c);
        return;
    case SOFTMAX:
        softmax(r, c, op);
        return;
    case DENSE:
        dense(r, c, op);
        return;
    default:
        tfl_unsupported(r, c,
                        "along time (expected mode step or window; or "
                        "convert the model to ONNX with tf2onnx, which "
                        "streams more)");
    }
}
