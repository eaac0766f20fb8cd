/* prepare_requantize.c - the step of REQUANTIZE. */
#include "steps.h"

void mli_prepare_requantize(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_requantize);
    uint32_t last = p->op->inputs - 1u;
    step->x2 = last > 1 ? mli_step_operand(p, 1) : NULL;
    step->u.requantize =
        (mli_requantize_step){.m = mli_step_operand(p, last),
                              .count = mli_operand(p->f, p->op, last)->dims[0],
                              .kind = p->op->p[0],
                              .rounding = p->op->p[1],
                              .left = p->op->p[2],
                              .low = p->op->fp,
                              .high = p->op->fq};
}
