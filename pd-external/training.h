/*
 * training.h - the training of one box on the worker thread. What is short, as
 * files and models of any box are, is done there between two epochs.
 *
 * The box gives a copy of its examples and asks from time to time how it goes.
 * All but training_new is free of allocation, lock and system call for the
 * box's thread; memory that training takes is taken and freed by the worker.
 */
#ifndef TRAINING_H
#define TRAINING_H

#include "learner.h"
#include "train.h"
#include "worker.h"

typedef struct _training t_training;

/* For examples of these sizes; 0: no memory or no thread. */
t_training *training_new(uint32_t inputs, uint32_t outputs, uint32_t capacity,
                         const mli_kernels *kernels);
/* Whatever it does at the moment: it ends by itself. */
void training_free(t_training *g);

/* 0: the last one has not ended yet. */
int training_begin(t_training *g, const learn_examples *e,
                   const learn_recipe *recipe);
/* To end soon, with what there is. */
void training_stop(t_training *g);

/* epoch: 0 before the first one ended. loss: as in train.h. */
t_stage training_progress(t_training *g, uint32_t *epoch, float *loss);

/*
 * Of one that is done, once. 0: it failed, with error filled in. 1: a network,
 * which is still the training's: exchange it for another one (or an empty one),
 * which the worker frees.
 */
int training_result(t_training *g, learn_runner **network, mlc_error *error);

#endif
