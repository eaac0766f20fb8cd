/*
 * prepare_rates.c - groups of frames, and frames out of groups. The clock of
 * such a step is the faster one, so that it runs whenever a frame comes or
 * goes.
 */
#include "steps.h"

void mli_prepare_unfold(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_unfold);
    int kept = p->op->state != MLI_NONE;
    step->u.rate =
        (mli_rate_step){.kept = kept ? p->s->kept + p->op->state : NULL,
                        .other = step->clock,
                        .taps = p->op->p[0],
                        .dilation = p->op->p[1],
                        .step = p->op->p[2],
                        .width = mli_elements(p->x)};
    step->clock = mli_clock_of(p->s->clocks, p->x);
}

void mli_prepare_depth_to_time(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_depth_to_time);
    step->u.rate = (mli_rate_step){.kept = p->s->kept + p->op->state,
                                   .other = mli_clock_of(p->s->clocks, p->x),
                                   .step = p->op->p[0],
                                   .width = step->elements};
}
