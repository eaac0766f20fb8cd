/*
 * step_fixed.c - the logistic function and tanh of 16-bit numbers, in 16 bits,
 * to the bit as TensorFlow Lite's recurrent layers have them (gemmlowp's fixed
 * point). A quantity with n bits in front of the point is a whole number of
 * 2^(n - 15).
 */
#include "session.h"

#define ONE           32767 /* with no bits in front */
#define QUARTER_TERMS 7

/* a b 2^-15 to the nearest, halves up (magnitudes stay below 2^30) */
static int32_t product(int32_t a, int32_t b)
{
    int32_t y = a * b;
    return (y + (y >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

/* x 2^-n, halves away from zero */
static int32_t halved(int32_t x, int n)
{
    int32_t half = 1 << (n - 1);
    return (x >= 0 ? x + half : x - half) / (1 << n);
}

/* x 2^n, held in 16 bits */
static int32_t doubled(int32_t x, int n)
{
    int32_t most = (1 << (15 - n)) - 1;
    return x > most ? 32767 : x < -most ? -32768 : x * (1 << n);
}

/* e^a, -1/4 <= a < 0: four terms of the series around -1/8. */
static int32_t exp_of_part(int32_t a)
{
    const int32_t third = 10923, middle = 28918; /* 1/3, e^(-1/8) */
    int32_t x = a + (1 << 12), x2 = product(x, x), x3 = product(x2, x);
    int32_t x4 = product(x2, x2), y;
    y = halved(product(halved(x4, 2) + x3, third) + x2, 1);
    y = middle + product(middle, x + y);
    return y > ONE ? ONE : y;
}

/* e^a, a <= 0 with n bits in front: the part above the last multiple of 1/4,
   times e^(-2^(k - 2)) for each bit k of that multiple. */
static int32_t exp_of(int32_t a, int n)
{
    static const int16_t powers[QUARTER_TERMS] = {25520, 19875, 12055, 4435,
                                                  600,   11,    0};
    const int shift = 13 - n; /* of 1/4 */
    int32_t quarter = 1 << shift, part, rest, y;
    if (a == 0)
        return ONE;
    if (n > 5 && a < -32 * (1 << (15 - n)))
        return 0;
    part = (a & (quarter - 1)) - quarter;
    y = exp_of_part(part * (1 << n));
    rest = part - a;
    for (int k = 0; k < QUARTER_TERMS && k < n + 2; k++)
        if (rest >> (shift + k) & 1)
            y = product(y, powers[k]);
    return y;
}

/* 2/(1 + a), 0 < a < 1, with two bits in front: three steps of Newton from
   48/17 - 32/17 d. */
static int32_t reciprocal(int32_t a)
{
    int32_t d = (a + ONE + 1) / 2, x = 23130 + product(d, -15420);
    for (int i = 0; i < 3; i++)
        x += product(x, (1 << 13) - product(d, x)) * 4;
    return x;
}

int32_t mli_fixed_logistic(int32_t x, uint32_t bits)
{
    int32_t y;
    if (x == 0)
        return 1 << 14;
    y = doubled(reciprocal(exp_of(x < 0 ? x : -x, (int)bits)), 1);
    return x > 0 ? y : ONE - y;
}

/* (1 - e)/(1 + e), e = e^(-2|x|) */
int32_t mli_fixed_tanh(int32_t x, uint32_t bits)
{
    int32_t y;
    if (x == 0)
        return 0;
    y = reciprocal(exp_of(x < 0 ? x : -x, (int)bits + 1)) - (1 << 13);
    y = doubled(y, 2);
    return x > 0 ? y : -y;
}
