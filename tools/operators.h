/*
 * operators.h - the operators of a model file, by name, and what each costs.
 */
#ifndef OPERATORS_H
#define OPERATORS_H

#include <stdint.h>

typedef struct operator_text {
    const char *type;  /* "conv1d", "lstm" ... */
    const char *name;  /* where it came from, may be empty */
    uint32_t period;   /* stream: frames from one run to the next, 1 for most */
    uint64_t macs;     /* multiply-accumulates of a run */
    uint64_t elements; /* values of a run, */
    uint64_t functions; /* those of tanh and its like, or as dear */
    int integers;       /* it multiplies bytes */
} operator_text;

/* bytes: a verified model file; index < info.ops. */
operator_text operator_of(const void *bytes, uint32_t index);

#endif
