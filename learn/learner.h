/*
 * learner.h - mapping by showing: examples, and answers from them at once; and
 * a network trained on them.
 *
 *     learner *l = learner_new(3, 4, 512, kernels, &error);
 *     learner_add(l, x, y);
 *     n = learner_answer(l, x, y);
 *
 * After learner_new, all but those that say so neither allocate nor lock nor
 * call the system, and take a time that the sizes bound. A learner belongs to
 * one thread at a time.
 *
 * Answers come from the blend of all examples (blend.h) or, when one was given
 * to learner_set_network, from a network. A network does not know examples that
 * come later: any change of the examples goes back to the blend.
 */
#ifndef LEARN_LEARNER_H
#define LEARN_LEARNER_H

#include "blend.h"
#include "examples.h"
#include "runner.h"

typedef struct learner {
    learn_examples examples; /* to be changed only by the functions below */
    float smooth;
    learn_runner network; /* its session is NULL while there is none */
    int trained;          /* it knows the examples as they are */
    int use_network;      /* it answers */
    const mli_kernels *kernels;
    learn_blend values, classes; /* of both kinds of examples */
    learn_examples other;        /* to be filled by what is read */
    int misfit; /* the last file that was loaded has other sizes */
} learner;

/* Allocates. NULL: error says why. */
learner *learner_new(uint32_t inputs, uint32_t outputs, uint32_t capacity,
                     const mli_kernels *kernels, mlc_error *error);
void learner_free(learner *l);

learn_status learner_add(learner *l, const float *x, const float *y);
learn_status learner_add_label(learner *l, const float *x, const char *name);
learn_status learner_undo(learner *l);
learn_status learner_delete(learner *l, uint32_t index);
learn_status learner_clear(learner *l);
/* For files.c: l->examples is another store. */
void learner_examples_changed(learner *l);
/* In ranges of the inputs, 0 to 1e6; what is no number is 0. */
void learner_smooth(learner *l, float smooth);

/* Values of an answer: the outputs, or the scores of labels; 0 without any
   example. Never more than learner_most_answers. */
uint32_t learner_answers(const learner *l);
uint32_t learner_most_answers(const learner *l);
/* x: [inputs], finite; y: [learner_most_answers]. Returns learner_answers. */
uint32_t learner_answer(learner *l, const float *x, float *y);

/* Answers come from this network from now on; the one before comes back in the
   same place, to be freed. */
void learner_set_network(learner *l, learn_runner *network);
/* Which one answers; 0: there is no such network for the examples as they are.
 */
int learner_use_network(learner *l, int use);

/* --------------------------------------- files: these do allocate ---- */

/*
 * The model that answers now, as a model file with the examples inside: its
 * metadata "examples" is the text of csv.h, "learn" the sizes, "smooth" and who
 * answers. At least one example.
 */
mlc_status learner_image(const learner *l, const char *name, mlc_image *image,
                         mlc_error *error);
mlc_status learner_write(const learner *l, const char *path, mlc_error *error);
/* The examples of such a file, and who answers, in place of all; on an error
   nothing has changed. A network takes the place of the one before, which is
   freed. */
mlc_status learner_load(learner *l, const char *path, mlc_error *error);

mlc_status learner_write_csv(const learner *l, const char *path,
                             mlc_error *error);
/* In place of all examples; on an error nothing has changed. */
mlc_status learner_read_csv(learner *l, const char *path, mlc_error *error);

#endif
