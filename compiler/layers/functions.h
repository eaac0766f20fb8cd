/*
 * functions.h - the functions between layers, by the names that PyTorch, Keras
 * and people give them.
 */
#ifndef MLC_LAYERS_FUNCTIONS_H
#define MLC_LAYERS_FUNCTIONS_H

#include "ir.h"

typedef struct mlc_function {
    mli_unary fn;
    float p, q; /* its parameters, by default */
} mlc_function;

/* By name, in any case and with or without '_' and '-'. 0: there is none. */
int mlc_function_named(const char *name, mlc_function *f);
/* The i-th name; NULL past the last. */
const char *mlc_function_name(size_t i);

#endif
