/*
 * prepare_pick.c - steps of the operators that choose and index.
 */
#include "steps.h"

static int joins(const mli_select_step *s, uint32_t inner, strides of[3],
                 uint32_t axis)
{
    for (uint32_t k = 0; k < 3; k++)
        if (of[k][axis] != s->stride[k][inner] * s->count[inner])
            return 0;
    return 1;
}

/* From the innermost axis on: those of length 1 go, others are joined where
   all strides allow. The step keeps them in that order. */
void mli_prepare_select(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_select);
    mli_select_step *s = &step->u.select;
    strides of[3];
    s->axes = 0;
    for (uint32_t k = 0; k < 3; k++) {
        const mli_file_tensor *t = mli_operand(p->f, p->op, k);
        mli_broadcast_strides(t, p->y, of[k]);
        s->from[k] = mli_step_operand(p, k);
        s->time[k] = mli_time_stride(t);
    }
    for (uint32_t i = p->y->rank; i-- > 0;) {
        if (p->y->dims[i] == 1)
            continue;
        if (s->axes != 0 && joins(s, s->axes - 1, of, i)) {
            s->count[s->axes - 1] *= p->y->dims[i];
            continue;
        }
        s->count[s->axes] = p->y->dims[i];
        for (uint32_t k = 0; k < 3; k++)
            s->stride[k][s->axes] = of[k][i];
        s->axes++;
    }
    if (s->axes == 0) { /* one element */
        s->axes = s->count[0] = 1;
        for (uint32_t k = 0; k < 3; k++)
            s->stride[k][0] = 0;
    }
}

/* The axis, and the elements before and after it. */
static void split(const mli_file_tensor *t, uint32_t axis, mli_index_step *s)
{
    s->outer = s->inner = 1;
    for (uint32_t i = 0; i < axis; i++)
        s->outer *= t->dims[i];
    for (uint32_t i = axis + 1; i < t->rank; i++)
        s->inner *= t->dims[i];
    s->length = t->dims[axis];
}

void mli_prepare_gather(const prepare *p)
{
    const mli_file_tensor *index = mli_operand(p->f, p->op, 1);
    mli_step *step = mli_add_step(p, mli_run_gather);
    mli_index_step *s = &step->u.index;
    split(p->x, p->op->p[0], s);
    s->index = mli_step_operand(p, 1);
    s->count = mli_elements(index);
    s->x_time = mli_time_stride(p->x);
    s->index_time = mli_time_stride(index);
}

void mli_prepare_scatter(const prepare *p)
{
    const mli_file_tensor *index = mli_operand(p->f, p->op, 1);
    mli_step *step = mli_add_step(p, mli_run_scatter);
    mli_index_step *s = &step->u.index;
    split(p->x, 0, s);
    s->index = mli_step_operand(p, 1);
    s->update = mli_step_operand(p, 2);
    s->count = mli_elements(index);
    s->option = p->op->p[0];
    s->x_time = mli_time_stride(p->x);
    s->index_time = mli_time_stride(index);
    s->update_time = mli_time_stride(mli_operand(p->f, p->op, 2));
}

void mli_prepare_arg(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_arg);
    step->rows = step->elements;
    step->u.order = (mli_order_step){.size = p->x->dims[p->x->rank - 1],
                                     .smallest = p->op->p[0],
                                     .last = p->op->p[1]};
}

void mli_prepare_topk(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_topk);
    step->rows = step->elements / p->op->p[0];
    step->u.order = (mli_order_step){.size = p->x->dims[p->x->rank - 1],
                                     .k = p->op->p[0],
                                     .smallest = p->op->p[1],
                                     .indices = p->op->p[2]};
}

void mli_prepare_cumulate(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_cumulate);
    mli_index_step *s = &step->u.index;
    split(p->x, p->op->p[0], s);
    s->option = p->op->p[1];
    s->exclusive = p->op->p[2];
    s->reverse = p->op->p[3];
}
