/*
 * step_recurrent.c - recurrent layers. Their input was projected for all
 * frames before; frame by frame only the product with h is left, and the cell.
 */
#include "session.h"

static void product(const mli_kernels *k, const mli_conv *of, const float *x,
                    float *y)
{
    mli_conv a = *of;
    a.x = x;
    a.y = y;
    k->conv(&a, 0, a.out_per_group);
}

/* The last h is this call's last result. */
static void keep(const mli_recurrent_step *r, const float *h)
{
    if (h != r->h->data)
        __builtin_memcpy(r->h->data, h, r->units * sizeof(float));
}

static mli_cell first_cell(const mli_step *step)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    mli_cell a = {
        step->x, r->gates, r->h->data, r->c != NULL ? r->c->data : NULL,
        step->y, r->units, r->f};
    return a;
}

static void next_cell(const mli_recurrent_step *r, mli_cell *a)
{
    a->h = a->y;
    a->x += r->gate_floats;
    a->y += r->units;
}

/* Silence for the frames that are held back; answers how many frames. */
static uint32_t hold_back(const mli_step *step, mli_cell *a, uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t n = r->held ? mli_count_held(r->held, r->hold, frames) : 0;
    __builtin_memset(a->y, 0, (size_t)n * r->units * sizeof(float));
    a->x += (size_t)n * r->gate_floats;
    a->y += (size_t)n * r->units;
    return n;
}

void mli_run_recurrent(const mli_kernels *k, const mli_step *step,
                       uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    mli_cell a = first_cell(step);
    for (uint32_t i = hold_back(step, &a, frames); i < frames * step->rows;
         i++) {
        product(k, &r->product, a.h, r->gates);
        r->cell(&a, 0, r->units);
        next_cell(r, &a);
    }
    keep(r, a.h);
}

/* Quads of the gates r z, or of n alone, into quads of three. */
static void spread(const float *from, uint32_t gates, uint32_t first, float *to,
                   uint32_t units)
{
    for (uint32_t u = 0; u < units; u += 4) {
        __builtin_memcpy(to + 3 * u + 4 * first, from,
                         4 * gates * sizeof(float));
        from += 4 * gates;
    }
}

void mli_run_gru_reset_first(const mli_kernels *k, const mli_step *step,
                             uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    float *half = r->reset + mli_quads(r->units);
    mli_cell a = first_cell(step);
    for (uint32_t i = hold_back(step, &a, frames); i < frames * step->rows;
         i++) {
        float *y = a.y;
        product(k, &r->product, a.h, half);
        spread(half, 2, 0, r->gates, r->units);
        a.y = r->reset;
        k->gru_reset(&a, 0, r->units);
        product(k, &r->product_n, r->reset, half);
        spread(half, 1, 2, r->gates, r->units);
        a.y = y;
        k->gru_update(&a, 0, r->units);
        next_cell(r, &a);
    }
    keep(r, a.h);
}
