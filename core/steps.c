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
    if (a->storage == MLI_F32)
        return;
    a->scale = a->w + mli_stored_bytes(a->storage, t->dims[0], t->dims[1]) /
                          sizeof(float);
    if (p->s->planar)
        a->panel = p->s->scratch;
}

mli_step *mli_add_step(const prepare *p, mli_step_run *run)
{
    mli_step *step = mli_step_at(p->s, p->s->step_count++);
    step->run = run;
    step->op = (uint32_t)(p->op - p->f->ops);
    step->x = mli_step_operand(p, 0);
    step->x2 = NULL;
    step->y = p->s->arena + (size_t)p->y->offset * p->s->tile;
    step->clock = mli_clock_of(p->s->clocks, p->y);
    step->elements = mli_elements(p->y);
    step->rows = 1;
    return step;
}

/* The function that an operator ends with. */
void mli_add_function(const prepare *p)
{
    if (p->op->fn == MLI_IDENTITY && p->op->type != MLI_OP_UNARY)
        return;
    mli_step *step = mli_add_step(p, mli_run_unary);
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
    return a == w->stride[0][inner] * w->count[inner] &&
           b == w->stride[1][inner] * w->count[inner];
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
