/*
 * smooth_functions.h - exp and tanh in double precision from additions and
 * multiplications alone, so that training gives the same numbers everywhere.
 */
#ifndef LEARN_SMOOTH_FUNCTIONS_H
#define LEARN_SMOOTH_FUNCTIONS_H

#include <stdint.h>

/* e^x for x <= 0, to 1e-15; 0 below -700. e^x = 2^k e^r, |r| <= ln(2)/2, e^r by
   its series, whose first term left out is under 2^-57. */
static inline double learn_exp(double x)
{
    union {
        uint64_t bits;
        double power;
    } two;
    if (!(x > -700.0))
        return 0.0;
    int k = (int)(x * 1.4426950408889634 - 0.5);
    double r = x - k * 0.693147180369123816490; /* 33 bits: the product is */
    r -= k * 1.90821492927058770002e-10;        /* exact */
    double sum = 1.0;
    for (int n = 13; n > 0; n--)
        sum = 1.0 + sum * r / n;
    two.bits = (uint64_t)(1023 + k) << 52;
    return sum * two.power;
}

static inline double learn_tanh(double x)
{
    double e = learn_exp(x < 0 ? 2.0 * x : -2.0 * x);
    double y = (1.0 - e) / (1.0 + e);
    return x < 0 ? -y : y;
}

#endif
