/*
 * functions.c - see functions.h. Default parameters are PyTorch's; Keras has
 * the same for the functions that it names alike.
 */
#include <stddef.h>
#include <string.h>
#include "layers/functions.h"

static const struct {
    const char *name; /* lower case, without '_' */
    mlc_function made;
} table[] = {
    {"abs", {MLI_ABS, 0, 0}},
    {"celu", {MLI_CELU, 1, 0}},
    {"clip", {MLI_HARD_TANH, -1, 1}},
    {"cos", {MLI_COS, 0, 0}},
    {"elu", {MLI_ELU, 1, 0}},
    {"exp", {MLI_EXP, 0, 0}},
    {"exponential", {MLI_EXP, 0, 0}},
    {"gelu", {MLI_GELU, 0, 0}},
    {"gelutanh", {MLI_GELU_TANH, 0, 0}},
    {"hardsigmoid", {MLI_HARD_SIGMOID, 1.f / 6, 0.5f}},
    {"hardswish", {MLI_HARD_SWISH, 0, 0}},
    {"hardtanh", {MLI_HARD_TANH, -1, 1}},
    {"identity", {MLI_IDENTITY, 0, 0}},
    {"leakyrelu", {MLI_LEAKY_RELU, 0.01f, 0}},
    {"linear", {MLI_IDENTITY, 0, 0}},
    {"log", {MLI_LOG, 0, 0}},
    {"mish", {MLI_MISH, 0, 0}},
    {"neg", {MLI_NEG, 0, 0}},
    {"relu", {MLI_RELU, 0, 0}},
    {"relu6", {MLI_HARD_TANH, 0, 6}},
    {"selu", {MLI_SELU, 1.67326324f, 1.05070099f}},
    {"sigmoid", {MLI_SIGMOID, 0, 0}},
    {"silu", {MLI_SILU, 0, 0}},
    {"sin", {MLI_SIN, 0, 0}},
    {"softplus", {MLI_SOFTPLUS, 0, 0}},
    {"softsign", {MLI_SOFTSIGN, 0, 0}},
    {"sqrt", {MLI_SQRT, 0, 0}},
    {"swish", {MLI_SILU, 0, 0}},
    {"tanh", {MLI_TANH, 0, 0}},
};

enum { NAMES = sizeof table / sizeof *table };

static int same(const char *name, const char *plain)
{
    for (; *name; name++) {
        int c = *name >= 'A' && *name <= 'Z' ? *name + ('a' - 'A') : *name;

        if (c == '_' || c == '-')
            continue;
        if (c != *plain)
            return 0;
        plain++;
    }
    return !*plain;
}

int mlc_function_named(const char *name, mlc_function *f)
{
    for (size_t i = 0; i < NAMES; i++)
        if (same(name, table[i].name)) {
            *f = table[i].made;
            return 1;
        }
    return 0;
}

const char *mlc_function_name(size_t i)
{
    return i < NAMES ? table[i].name : NULL;
}
