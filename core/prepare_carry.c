/* prepare_carry.c - values that one run leaves for the next. */
#include "steps.h"

void mli_prepare_recall(const prepare *p)
{
    mli_add_step(p, mli_run_recall)->u.kept = p->s->kept + p->op->state;
}

void mli_prepare_store(const prepare *p)
{
    const mli_file_op *from = p->f->ops + p->op->p[0];
    mli_add_step(p, mli_run_store)->u.kept = p->s->kept + from->state;
}
