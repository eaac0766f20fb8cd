/*
 * blend.h - the blend of examples as a model: what is near counts most.
 *
 * With x' = x, each input divided by its range among the examples (0 for an
 * input that was the same in all of them, which so has no say), the i-th of n
 * examples at the distance d_i = |x' - x'_i| has the weight
 *
 *     w_i = (d_i^2 + s^2)^(-p/2),     p = inputs + 2, at most 8,
 *
 * shared out so that the weights sum to 1, and the answer is the sum of w_i
 * y_i: Shepard's interpolation (1968). It never leaves the range of the
 * examples' outputs. p grows with the inputs because the number of examples
 * that are far does; above p = inputs near examples win however many there are.
 * s is "smooth": 0 (in fact 1e-18) answers an example's inputs with its
 * outputs; more rounds off, 1 is an input's whole range. Equal inputs with
 * different outputs answer their mean.
 *
 * For labels: the distance to a label is that to its nearest example, and the
 * score of a label is its weight's share among all labels. So the label with
 * the highest score is that of the nearest example.
 *
 * The weights are computed as a softmax of -p/2 log(d^2 + s^2), where an unused
 * place of the capacity gets -1e30: an ordinary model of a fixed size, whose
 * constants are changed in place as examples come and go. A file with the same
 * constants gives the same bits.
 */
#ifndef LEARN_BLEND_H
#define LEARN_BLEND_H

#include "examples.h"
#include "runner.h"

struct ir_graph;

typedef struct learn_blend {
    learn_runner runner;
    int classes;
    uint32_t inputs, outputs, capacity; /* outputs: scores, for classes */
    /* The model's constants, in place. */
    float *scale;   /* [inputs] */
    float *floor;   /* [1] s^2 */
    float *mask;    /* [capacity] 0 or -1e30 */
    float *points;  /* packed [capacity][inputs] */
    float *values;  /* packed [outputs][capacity] */
    float *members; /* classes: [outputs][capacity], 0 or -1e30 */
} learn_blend;

/* A blend of no examples yet, of the sizes of e, for classes or not. */
mlc_status learn_blend_make(learn_blend *b, const learn_examples *e,
                            int classes, const mli_kernels *kernels,
                            mlc_error *error);
void learn_blend_free(learn_blend *b);

/* Take over the examples. No allocation; time in proportion to the capacity. */
void learn_blend_take(learn_blend *b, const learn_examples *e, float smooth);

/* The same where only the last example is new, at once if it widens no range.
 */
void learn_blend_take_last(learn_blend *b, const learn_examples *e,
                           float smooth);

/* x: [inputs], finite; y: [outputs]. At least one example was taken. */
void learn_blend_run(learn_blend *b, const float *x, float *y);

/*
 * The graph of a file that computes the same, with the constants of b, which
 * took e; of classes the scores of the labels that e has. Ports are called "in"
 * and "out". NULL: no memory.
 */
struct ir_graph *learn_blend_graph(const learn_blend *b,
                                   const learn_examples *e);

#endif
