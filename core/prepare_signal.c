/*
 * prepare_signal.c - random numbers, spectra, products of computed matrices.
 */
#include "steps.h"

void mli_prepare_random(const prepare *p)
{
    mli_random_step *r = &mli_add_step(p, mli_run_random)->u.random;
    r->count = p->s->kept + p->op->state;
    r->normal = p->op->p[0];
    r->key[0] = p->op->p[1];
    r->key[1] = p->op->p[2];
    r->p = p->op->fp;
    r->q = p->op->fq;
}

/* Fours first, then all other factors from the smallest on. */
static void factors_of(mli_dft_step *d, uint32_t n)
{
    uint32_t count = 0;
    for (; n % 4 == 0; n /= 4)
        d->factor[count++] = 4;
    for (uint32_t p = 2; p * p <= n; p++) /* n < 2^24: p < 2^12 */
        for (; n % p == 0; n /= p)
            d->factor[count++] = p;
    if (n > 1)
        d->factor[count++] = n;
    d->factor_count = count;
}

void mli_prepare_dft(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_dft);
    mli_dft_step *d = &step->u.dft;
    uint32_t way = p->op->p[1];
    d->table = mli_step_operand(p, 1);
    d->scratch = p->s->scratch;
    d->n = p->op->p[0];
    d->x_floats = p->x->dims[p->x->rank - 1];
    d->y_floats = p->y->dims[p->y->rank - 1];
    d->inverse = way & 1;
    d->real = way >> 1 & 1;
    d->half = way >> 2 & 1;
    d->halved = d->real && !d->inverse && d->n % 2 == 0;
    d->scale = p->op->fp;
    step->rows = step->elements / d->y_floats;
    factors_of(d, d->halved ? d->n / 2 : d->n);
}

/* The strides of t's leading axes along y's, and 0 for the last two. */
static void leading_strides(const mli_file_tensor *t, const mli_file_tensor *y,
                            strides s)
{
    mli_broadcast_strides(t, y, s);
    s[y->rank - 1] = s[y->rank - 2] = 0;
}

void mli_prepare_matmul(const prepare *p)
{
    const mli_file_tensor *b = mli_operand(p->f, p->op, 1);
    mli_step *step = mli_add_step(p, mli_run_product);
    mli_product_step *m = &step->u.product;
    uint32_t columns = p->op->p[1], inner = p->op->p[2];
    mli_file_tensor axes = *p->y;
    strides sa, sb;
    leading_strides(p->x, p->y, sa);
    leading_strides(b, p->y, sb);
    axes.dims[axes.rank - 1] = axes.dims[axes.rank - 2] = 1;
    mli_set_walk(&m->walk, &axes, sa, sb, mli_time_stride(p->x),
                 mli_time_stride(b));
    step->x2 = mli_step_operand(p, 1);
    step->rows = p->y->dims[p->y->rank - 2];
    m->packed = p->s->scratch;
    m->transposed = p->op->p[0];
    m->scale = p->op->fp;
    m->conv = (mli_conv){.w = m->packed,
                         .x_stride = inner,
                         .y_stride = columns,
                         .frames = step->rows,
                         .step = 1,
                         .taps = 1,
                         .dilation = 1,
                         .groups = 1,
                         .in_per_group = inner,
                         .out_per_group = columns};
}
