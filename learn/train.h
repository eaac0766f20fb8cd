/*
 * train.h - a network fitted to examples: layers of tanh units, then a linear
 * layer; for labels a softmax behind it.
 *
 * Inputs are brought to -1 .. 1 by their ranges, outputs to mean 0 and
 * deviation 1. All examples at once go through Adam (Kingma and Ba, 2014) for a
 * number of epochs that is fixed beforehand, while the step falls from 0.05 to
 * 0. What is made small is
 *
 *     the mean squared error + 0.008/n sum of v^2 + 0.0004/n sum of w^2
 *
 * over the n examples, the weights v of hidden layers and w of the last one,
 * not the biases: the few examples that people show are fitted by very unlike
 * networks, of which the further terms choose a smooth one. Hidden weights bend
 * it; with one factor for both, the error between 20 examples of smooth
 * functions is a quarter larger. For labels it is the mean cross-entropy, and
 * 0.008/n for all weights: else every place would have a confidence of 1.
 *
 * Double precision, a fixed seed, one order of sums, and no function of the C
 * library in what is learned: the same numbers on every machine.
 */
#ifndef LEARN_TRAIN_H
#define LEARN_TRAIN_H

#include "compiler.h"
#include "examples.h"

#define LEARN_LAYERS       4u    /* hidden ones */
#define LEARN_UNITS        256u  /* of a layer */
#define LEARN_EPOCHS       3000u /* fewer where there is much to compute ... */
#define LEARN_MOST_WORK    20e9  /* ... products in all, */
#define LEARN_LEAST_EPOCHS 100u  /* but not fewer than these */

/* Weights times examples: what one epoch may be, so that it ends soon when it
   is told to. */
#define LEARN_MOST_EPOCH 1e8

typedef struct learn_recipe {
    uint32_t layers;
    uint32_t units[LEARN_LAYERS];
} learn_recipe;

/*
 * After every epoch, from 1 on. loss: of outputs the root of the mean squared
 * error, in deviations; of labels the mean cross-entropy. Returns 0 to make
 * this the last epoch.
 */
typedef int learn_report(void *user, uint32_t epoch, double loss);

/*
 * The image of a step model with the ports "in" and "out". At least one
 * example. Allocates; memory and time are bounded by the sizes.
 */
mlc_status learn_train(const learn_examples *e, const learn_recipe *recipe,
                       learn_report *report, void *user, mlc_image *image,
                       mlc_error *error);

#endif
