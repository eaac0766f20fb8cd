/*
 * prepare_classical.c - steps of classical models: trees, distances, coupled
 * probabilities.
 */
#include "steps.h"

void mli_prepare_trees(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_trees);
    const mli_file_tensor *roots = mli_operand(p->f, p->op, 2);
    step->rows = step->elements / p->op->p[1];
    step->u.trees = (mli_trees_step){.nodes = mli_step_operand(p, 1),
                                     .roots = mli_step_operand(p, 2),
                                     .base = mli_step_operand(p, 3),
                                     .weights = mli_step_operand(p, 4),
                                     .trees = roots->dims[0],
                                     .features = p->op->p[0],
                                     .targets = p->op->p[1],
                                     .aggregate = p->op->p[2]};
}

void mli_prepare_distance(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_distance);
    step->rows = step->elements / p->op->p[1];
    step->u.distance = (mli_distance_step){.w = mli_step_operand(p, 1),
                                           .inputs = p->op->p[0],
                                           .points = p->op->p[1],
                                           .metric = p->op->p[2],
                                           .p = p->op->fp};
}

void mli_prepare_couple(const prepare *p)
{
    mli_step *step = mli_add_step(p, mli_run_couple);
    uint32_t classes = p->op->p[0];
    step->rows = step->elements / classes;
    step->u.distance =
        (mli_distance_step){.scratch = p->s->scratch,
                            .inputs = classes * (classes - 1) / 2,
                            .points = classes};
}
