/*
 * steps.c - adding a step: operands, rows, strides and walks.
 */
#include "steps.h"

const float *mli_place(const prepare *p, const mli_file_tensor *t)
{
    if (t->region == MLI_CONSTANT)
        return p->f->data + t->offset;
    return p->s->arena + (size_t)t->offset * p->s->tile;
}

const float *mli_step_operand(const prepare *p, uint32_t i)
{
    return i < p->op->inputs ? mli_place(p, mli_operand(p->f, p->op, i)) : NULL;
}

void mli_give_matrix(const prepare *p, uint32_t i, mli_conv *a)
{
    const mli_file_tensor *t = mli_operand(p->f, p->op, i);
    a->w = mli_place(p, t);
    a->storage = (mli_storage)t->storage;
    a->scale = NULL;
    a->panel = NULL;
    a->fours = 0;
    if (a->storage == MLI_F32)
        return;
    a->scale = a->w + mli_stored_bytes(a->storage, t->dims[0], t->dims[1]) /
                          sizeof(float);
    if (p->s->planar)
        a->panel = p->s->scratch;
    if (a->storage == MLI_BYTES && a->groups == 1 && p->s->kernels->bytes_fours)
        a->fours =
            (uint32_t)p->s->kernels->bytes_fours(a->w, t->dims[0], t->dims[1]);
}

mli_step *mli_add_bare_step(const prepare *p, mli_step_run *run, uint32_t bytes)
{
    mli_session *s = p->s;
    mli_step *step = (void *)((uint8_t *)s->steps + s->step_at);
    s->step_at += bytes;
    s->step_count++;
    step->bytes = (uint16_t)bytes;
    step->tile = (uint16_t)s->tile;
    step->run = run;
    step->op = (uint32_t)(p->op - p->f->ops);
    return step;
}

static mli_step *add_step(const prepare *p, mli_step_run *run, uint32_t bytes)
{
    mli_step *step = mli_add_bare_step(p, run, bytes);
    step->x = mli_step_operand(p, 0);
    step->x2 = NULL;
    step->y = p->s->arena + (size_t)p->y->offset * p->s->tile;
    step->clock = mli_clock_of(p->s->clocks, p->y);
    step->elements = mli_elements(p->y);
    step->rows = 1;
    return step;
}

mli_step *mli_add_step(const prepare *p, mli_step_run *run)
{
    return add_step(p, run,
                    mli_has_planes(p->s) ? mli_planar_step_bytes(p->op)
                                         : mli_step_bytes(p->f, p->op));
}

/* The function that an operator ends with. */
void mli_add_function(const prepare *p)
{
    if (p->op->fn == MLI_IDENTITY && p->op->type != MLI_OP_UNARY)
        return;
    mli_step *step = add_step(p, mli_run_unary, mli_function_bytes(p->f));
    if (p->op->type != MLI_OP_UNARY)
        step->x = step->y;
    step->u.map.option = p->op->fn;
    step->u.map.p = p->op->fp;
    step->u.map.q = p->op->fq;
}

/* size: floats of a row */
mli_map_step *mli_step_by_rows(const prepare *p, mli_step_run *run,
                               uint32_t size)
{
    mli_step *step = mli_add_step(p, run);
    step->rows = mli_elements(p->x) / size;
    step->u.map.size = size;
    return &step->u.map;
}

void mli_own_strides(const mli_file_tensor *t, strides s)
{
    int64_t n = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        s[i] = n;
        n *= t->dims[i];
    }
}

/* The strides of t along y's axes: 0 where t is broadcast. */
void mli_broadcast_strides(const mli_file_tensor *t, const mli_file_tensor *y,
                           strides s)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < y->rank; i++) {
        uint32_t dim = i < t->rank ? t->dims[t->rank - 1 - i] : 1;
        s[y->rank - 1 - i] = dim == 1 ? 0 : n;
        n *= dim;
    }
}

int64_t mli_time_stride(const mli_file_tensor *t)
{
    return mli_timed(t) ? mli_elements(t) : 0;
}

/* May an axis be counted as part of the one within, `inner`? */
static int joins(const mli_walk_step *w, int64_t a, int64_t b, uint32_t inner)
{
    const mli_axis *in = w->axis + inner;
    return a == in->stride[0] * in->count && b == in->stride[1] * in->count;
}

/*
 * Fill in a walk over these axes: without those of length 1, and joined where
 * they can be. They are found from the innermost on, then turned round.
 */
void mli_set_walk(mli_walk_step *w, const mli_file_tensor *axes,
                  const strides a, const strides b, int64_t a_time,
                  int64_t b_time)
{
    mli_walk_step r = {0};
    for (uint32_t i = axes->rank; i-- > 0;) {
        if (axes->dims[i] == 1)
            continue;
        if (r.axes != 0 && joins(&r, a[i], b[i], r.axes - 1)) {
            r.axis[r.axes - 1].count *= axes->dims[i];
            continue;
        }
        r.axis[r.axes++] = (mli_axis){{a[i], b[i]}, axes->dims[i]};
    }
    if (r.axes == 0) /* one element: walk along time */
        r.axis[r.axes++] = (mli_axis){{a_time, b_time}, 1};
    w->axes = r.axes;
    w->time[0] = a_time;
    w->time[1] = b_time;
    w->joined = r.axes == 1 && joins(&r, a_time, b_time, 0);
    for (uint32_t i = 0; i < r.axes; i++)
        w->axis[i] = r.axis[r.axes - 1 - i];
}

/* Copy over the axes of a tensor from x to y, both with offsets. */
void mli_add_copy(const prepare *p, const mli_file_tensor *x,
                  const mli_file_tensor *axes, const strides sx,
                  int64_t x_offset, const strides sy, int64_t y_offset)
{
    mli_step *step = mli_add_step(p, mli_run_copy);
    step->x = mli_place(p, x) + x_offset;
    step->y += y_offset;
    mli_set_walk(&step->u.walk, axes, sx, sy, mli_time_stride(x),
                 mli_time_stride(p->y));
}
