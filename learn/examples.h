/*
 * examples.h - what was shown: pairs of inputs and wanted outputs, or of inputs
 * and a label, in the order in which they came.
 *
 * All memory is taken when the store is made. Adding, taking back and removing
 * never allocate; their time is bounded by the capacity.
 *
 * What is removed can be had back: it moves past the end, where the next
 * example overwrites it.
 */
#ifndef LEARN_EXAMPLES_H
#define LEARN_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define LEARN_LABEL_BYTES 64u /* of a label, with its NUL */
#define LEARN_LABELS      32u /* different labels, or as many as outputs */
/* Limits: a box's memory stays below some 100 MB. */
#define LEARN_MOST_VALUES   1024u /* inputs; outputs */
#define LEARN_MOST_EXAMPLES 65536u
#define LEARN_MOST_FLOATS   (1u << 22) /* capacity times values */

typedef enum learn_status {
    LEARN_OK = 0,
    LEARN_FULL,        /* as many examples as the capacity */
    LEARN_OTHER_KIND,  /* a label among outputs, or outputs among labels */
    LEARN_MANY_LABELS, /* no room for another label */
    LEARN_NO_EXAMPLE   /* none that could be removed or had back */
} learn_status;

typedef struct learn_removal {
    uint32_t at, n; /* n examples from the at-th on were removed */
} learn_removal;

typedef struct learn_examples {
    uint32_t inputs, outputs, capacity;
    uint32_t count;
    uint32_t labels; /* names in use; 0: the examples have outputs */
    uint32_t label_room;
    uint32_t removals;               /* that can be had back */
    float *x;                        /* [capacity][inputs] */
    float *y;                        /* [capacity][outputs] */
    uint32_t *label;                 /* [capacity] */
    char (*name)[LEARN_LABEL_BYTES]; /* [label_room] */
    learn_removal *removal;          /* [capacity] */
    float *spare;                    /* [the larger of inputs and outputs] */
} learn_examples;

/* Can there be such a store? */
int learn_examples_possible(uint32_t inputs, uint32_t outputs,
                            uint32_t capacity);
/* 1, or 0: no memory. */
int learn_examples_make(learn_examples *e, uint32_t inputs, uint32_t outputs,
                        uint32_t capacity);
void learn_examples_free(learn_examples *e);

/* x: [inputs], y: [outputs], finite numbers. */
learn_status learn_examples_add(learn_examples *e, const float *x,
                                const float *y);
/* Names are cut to LEARN_LABEL_BYTES - 1; what is no UTF-8 in them becomes '?',
   what is no visible character a space. */
learn_status learn_examples_add_label(learn_examples *e, const float *x,
                                      const char *name);
/* Have back what was removed last, if no example came after it; else remove the
   last example for good. */
learn_status learn_examples_undo(learn_examples *e);
/* index from 0 */
learn_status learn_examples_delete(learn_examples *e, uint32_t index);
learn_status learn_examples_clear(learn_examples *e);
/* Stores of the same sizes. What was removed is not copied. */
void learn_examples_copy(learn_examples *to, const learn_examples *from);
/* Nothing in it, and nothing to be had back. */
void learn_examples_empty(learn_examples *e);

/* Do the examples have labels? With no example: no. */
int learn_examples_classes(const learn_examples *e);
/* Labels up to the last one that an example has. */
uint32_t learn_labels_used(const learn_examples *e);
/* Least and greatest of value i of all examples; 0, 0 without any. */
void learn_range_in(const learn_examples *e, uint32_t i, float *low,
                    float *high);
void learn_range_out(const learn_examples *e, uint32_t i, float *low,
                     float *high);

#endif
