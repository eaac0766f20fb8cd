/*
 * planar_chain.h - which operators the steps of planar sessions take over.
 */
#ifndef MLI_PLANAR_CHAIN_H
#define MLI_PLANAR_CHAIN_H

#include "steps.h"

/* How far past a chain a sum over layers is looked for. */
#define MLI_REACH 4u

/* An operator and those after it that its step takes over. */
typedef struct mli_chain {
    const mli_file *f;
    uint32_t begin;      /* the first operator */
    uint32_t x;          /* what it reads, if not from a ring */
    uint32_t next;       /* after the last one taken over */
    uint32_t sum;        /* tensors: the sums of products, */
    uint32_t result;     /* what the step makes, */
    uint32_t mix, add;   /* what it reads on the way, */
    uint32_t total;      /* what the result is added to */
    uint32_t mixer;      /* operators: with the weights of mix, */
    uint32_t function;   /* what the step ends with, */
    uint32_t adds_total; /* what would add to the total */
} mli_chain;

/* From operator `at` on: a convolution or a dense layer. */
mli_chain mli_chain_of(const mli_file *f, uint32_t at);

/*
 * May the steps of two chains share a call: do they differ in weights without
 * scales, in their rings, in what comes from and goes to them, and in nothing
 * else?
 */
int mli_same_call(const mli_chain *a, const mli_chain *b);

/* The tensor that is operand i. */
static inline uint32_t mli_operand_at(const mli_file *f, uint32_t op,
                                      uint32_t i)
{
    return f->operands[f->ops[op].operand + i];
}

/* Is tensor t an input of the operator? */
static inline int mli_reads(const mli_file *f, uint32_t op, uint32_t t)
{
    for (uint32_t i = 0; i < f->ops[op].inputs; i++)
        if (mli_operand_at(f, op, i) == t)
            return 1;
    return 0;
}

#endif
