/*
 * step_recurrent.c - recurrent layers. Their input was projected for all
 * frames before, if it is more than a number a frame.
 */
#include "session.h"

/* The last h is this call's last result. */
static void keep(const mli_recurrent_step *r, const float *h)
{
    if (h != r->h->data)
        __builtin_memcpy(r->h->data, h, r->units * sizeof(float));
}

/* Silence for the frames that are held back; answers how many frames. */
static uint32_t hold_back(const mli_step *step, uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t n = r->held ? mli_count_held(r->held, r->hold, frames) : 0;
    __builtin_memset(step->y, 0, (size_t)n * r->units * sizeof(float));
    return n;
}

/* What the layer projects itself goes to the place of the projection: the
   layer's result may take that of its input. */
void mli_run_number(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    (void)k;
    __builtin_memcpy(step->y, step->x,
                     (size_t)frames * step->rows * sizeof(float));
}

void mli_run_recurrent(const mli_kernels *k, const mli_step *step,
                       uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t held = hold_back(step, frames);
    mli_recurrent a = r->recurrent;
    (void)k;
    a.frames = frames * step->rows - held;
    if (a.frames == 0)
        return;
    a.x = step->x + (size_t)held * (a.in_w != NULL ? 1 : r->gate_floats);
    a.y = step->y + (size_t)held * r->units;
    a.h = r->h->data;
    a.c = r->c != NULL ? r->c->data : NULL;
    r->kernel(&a, 0, r->units);
    keep(r, a.y + (size_t)(a.frames - 1) * r->units);
}

static void product(const mli_kernels *k, const mli_recurrent_step *r,
                    uint32_t which, const float *x, float *y)
{
    mli_conv a = r->product[which];
    a.x = x;
    if (r->words != NULL) {
        k->quantize(r->factor, 0, x, r->words, r->units, 0, 1);
        a.x = r->words;
    }
    a.y = y;
    k->conv(&a, 0, a.out_per_group);
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
    uint32_t i = hold_back(step, frames);
    mli_cell a = {step->x + (size_t)i * r->gate_floats,
                  r->gates,
                  r->h->data,
                  NULL,
                  r->units,
                  NULL};
    float *y = step->y + (size_t)i * r->units;
    for (; i < frames * step->rows; i++) {
        product(k, r, 0, a.h, half);
        spread(half, 2, 0, r->gates, r->units);
        a.y = r->reset;
        k->gru_reset(&a, 0, r->units);
        product(k, r, 1, r->reset, half);
        spread(half, 1, 2, r->gates, r->units);
        a.y = y;
        k->gru_update(&a, 0, r->units);
        a.h = y;
        a.x += r->gate_floats;
        y += r->units;
    }
    keep(r, a.h);
}

/* ---------------------------------------- products by themselves ------- */

/* Frame by frame: all products with h, then the cell. */
void mli_run_stored(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_recurrent_step *r = &step->u.recurrent;
    uint32_t i = hold_back(step, frames);
    mli_cell a = {step->x + (size_t)i * r->gate_floats,
                  r->gates,
                  r->h->data,
                  step->y + (size_t)i * r->units,
                  r->units,
                  r->c != NULL ? r->c->data : NULL};
    for (; i < frames * step->rows; i++) {
        product(k, r, 0, a.h, r->gates);
        if (r->cell != NULL) {
            r->cell(&a, 0, r->units);
        } else { /* rnn: one gate */
            k->binary(MLI_ADD, a.x, 1, a.r, 1, a.y, 0, r->units);
            k->unary(r->recurrent.f, 0.f, 0.f, a.y, a.y, 0, r->units);
        }
        a.h = a.y;
        a.x += r->gate_floats;
        a.y += r->units;
    }
    keep(r, a.h);
}
