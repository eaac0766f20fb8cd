/*
 * binary_reference.h - what the functions of two values are, in double
 * precision, by the contract of kernels/public/functions.h.
 */
#ifndef BINARY_REFERENCE_H
#define BINARY_REFERENCE_H

#include <math.h>
#include <stdint.h>
#include "functions.h"

static inline int32_t cut(double x)
{
    if (isnan(x))
        return 0;
    return x >= 0x1p31 ? INT32_MAX : x < -0x1p31 ? INT32_MIN : (int32_t)x;
}

/* Python's %: the sign of b */
static inline double modulo(double a, double b)
{
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline double binary_reference(mli_binary f, double a, double b)
{
    switch (f) {
    case MLI_LESS:
        return a < b;
    case MLI_LESS_EQUAL:
        return a <= b;
    case MLI_EQUAL:
        return a == b;
    case MLI_AND:
        return a != 0 && b != 0;
    case MLI_OR:
        return a != 0 || b != 0;
    case MLI_XOR:
        return (a != 0) != (b != 0);
    case MLI_MOD:
        return modulo(a, b);
    case MLI_FMOD:
        return fmod(a, b);
    case MLI_TRUNC_DIV:
        return trunc(a / b);
    case MLI_BIT_AND:
        return cut(a) & cut(b);
    case MLI_BIT_OR:
        return cut(a) | cut(b);
    case MLI_BIT_XOR:
        return cut(a) ^ cut(b);
    case MLI_ADD:
        return a + b;
    case MLI_SUB:
        return a - b;
    case MLI_MUL:
        return a * b;
    case MLI_DIV:
        return a / b;
    case MLI_MIN:
        return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
    case MLI_MAX:
        return isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
    case MLI_POW:
        return pow(a, b);
    default:
        return a < 0 ? a * b : a;
    }
}

#endif
