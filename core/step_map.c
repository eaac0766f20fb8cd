/*
 * step_map.c - functions of one tensor, element by element or row by row.
 */
#include "session.h"

static size_t elements(const mli_step *step, uint32_t frames)
{
    return (size_t)frames * step->elements;
}

void mli_run_unary(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    k->unary((mli_unary)m->option, m->p, m->q, step->x, step->y, 0,
             elements(step, frames));
}

/* Row by row, or all at once where scale and shift are one number each. */
void mli_run_affine(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    size_t all = elements(step, frames);
    size_t row = m->scale_step != 0 ? m->size : all;
    for (size_t i = 0; i < all; i += row)
        k->affine(step->x + i, m->scale, m->scale_step, m->shift, m->shift_step,
                  step->y + i, 0, row);
}

void mli_run_softmax(const mli_kernels *k, const mli_step *step,
                     uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    k->softmax(step->x, step->y, m->size, (int)m->option, 0,
               (size_t)frames * step->rows);
}

void mli_run_normalize(const mli_kernels *k, const mli_step *step,
                       uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    k->normalize(step->x, m->scale, m->shift, m->p, (int)m->option, step->y,
                 m->size, 0, (size_t)frames * step->rows);
}

void mli_run_reduce(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    k->reduce((mli_reduce)m->option, step->x, step->y, m->size, 0,
              (size_t)frames * step->rows);
}
