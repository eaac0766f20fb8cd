/*
 * prepare_image.c - convolutions of images, and pools.
 */
#include "steps.h"

/*
 * A row of y is one call. Where the rows of y go on in x where the ones before
 * end, or are a pixel wide, all of them are.
 */
static void join_rows(mli_image_step *m)
{
    mli_conv *a = &m->conv;
    size_t step = m->x_row / a->x_stride;
    if (a->frames == 1 && step <= UINT32_MAX)
        a->step = (uint32_t)step;
    else if (step != (size_t)a->frames * a->step)
        return;
    a->frames *= m->rows;
    m->rows = 1;
}

/*
 * Taps that touch lie side by side in x, channels and all, as their weights do:
 * they are one tap of so many more inputs.
 */
void mli_join_taps(mli_conv *a, uint32_t columns)
{
    if (a->groups != 1 || a->dilation != 1)
        return;
    a->taps /= columns;
    a->in_per_group *= columns;
    a->columns = a->columns ? 1 : 0;
}

void mli_prepare_conv2d(const prepare *p)
{
    const uint32_t *q = p->op->p, *from = p->x->dims + p->x->rank - 3;
    const uint32_t *to = p->y->dims + p->y->rank - 3;
    const mli_kernels *k = p->s->kernels;
    uint32_t in = from[2], out = to[2], groups = q[6];
    mli_step *step = mli_add_step(p, mli_run_image);
    mli_image_step *m = &step->u.image;
    size_t row = (size_t)from[1] * in;
    step->rows = step->elements / (to[0] * to[1] * to[2]);
    m->conv = (mli_conv){.x = step->x,
                         .b = mli_step_operand(p, 2),
                         .y = step->y,
                         .x_stride = in,
                         .y_stride = out,
                         .frames = to[1],
                         .step = q[5],
                         .taps = q[0] * q[1],
                         .dilation = q[3],
                         .groups = groups,
                         .in_per_group = in / groups,
                         .out_per_group = out / groups,
                         .columns = q[1],
                         .row_jump = q[2] * row};
    mli_give_matrix(p, 1, &m->conv);
    m->kernel = !mli_is_bytes(p->f, p->op) && groups > 1 && groups == in &&
                        groups == out
                    ? k->depthwise
                    : k->conv;
    m->outputs = out;
    m->rows = to[0];
    m->x_row = q[4] * row;
    m->y_row = (size_t)to[1] * out;
    m->x_image = from[0] * row;
    m->y_image = to[0] * m->y_row;
    mli_join_taps(&m->conv, q[1]);
    join_rows(m);
    mli_add_function(p);
}

static mli_binary folding(uint32_t reduce)
{
    switch (reduce) {
    case MLI_REDUCE_SUM:
        return MLI_ADD;
    case MLI_REDUCE_MAX:
        return MLI_MAX;
    case MLI_REDUCE_MIN:
        return MLI_MIN;
    default:
        return MLI_MUL;
    }
}

static float neutral(uint32_t reduce)
{
    switch (reduce) {
    case MLI_REDUCE_SUM:
        return 0.0f;
    case MLI_REDUCE_MAX:
        return -__builtin_inff();
    case MLI_REDUCE_MIN:
        return __builtin_inff();
    default:
        return 1.0f;
    }
}

void mli_prepare_pool(const prepare *p)
{
    const uint32_t *q = p->op->p;
    mli_step *step = mli_add_step(p, mli_run_pool);
    mli_pool_step *m = &step->u.pool;
    uint32_t axis = q[1];
    m->inner = 1;
    m->begun = 0;
    for (uint32_t i = axis + 1; i < p->x->rank; i++)
        m->inner *= p->x->dims[i];
    m->f = folding(q[0]);
    m->empty = neutral(q[0]);
    m->length = p->x->dims[axis];
    m->windows = p->y->dims[axis];
    m->size = q[2];
    m->step = q[3];
    m->dilation = q[4];
    m->before = q[5];
    step->rows = step->elements / (m->windows * m->inner);
}
