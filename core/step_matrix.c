#include "session.h"

void mli_run_matrix(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_matrix_step *m = &step->u.matrix;
    mli_conv a = m->conv;
    (void)k;
    a.frames = frames * step->rows;
    m->kernel(&a, 0, m->outputs);
}

/* Apart, so that one row goes on without it. */
static __attribute__((noinline)) void
run_rows(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_matrix_step *m = &step->u.matrix;
    mli_run_matrix(k, step, frames);
    if (m->f != MLI_IDENTITY)
        k->unary(m->f, m->p, m->q, step->y, step->y, 0,
                 (size_t)frames * step->rows * m->outputs);
}

void mli_run_dense(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_matrix_step *m = &step->u.matrix;
    if (frames * step->rows != 1) {
        run_rows(k, step, frames);
        return;
    }
    m->call->backward ^= 1u;
    k->dense(m->call, m->f, m->p, m->q);
}

void mli_run_ring_matrix(const mli_kernels *k, const mli_step *step,
                         uint32_t frames)
{
    const mli_matrix_step *m = &step->u.matrix;
    mli_conv a = m->conv;
    (void)k;
    a.frames = frames;
    a.pos = m->ring->pos;
    mli_kept_push(m->ring, step->x, frames);
    m->kernel(&a, 0, m->outputs);
}
