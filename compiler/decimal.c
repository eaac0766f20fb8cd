/*
 * decimal.c - see decimal.h.
 *
 * The quick way computes with pairs of doubles (some 106 bits) and knows a
 * bound on its error: if both ends of the uncertain interval round to the same
 * number, that is the answer. The rest, a number in a few thousand millions
 * unless somebody writes them on purpose, is divided out exactly in big
 * integers.
 */
#include <math.h>
#include <string.h>
#include "decimal.h"

/* ------------------------------------------------------------- reading ---- */

static int digit(const uint8_t *text, size_t size, size_t i)
{
    return i < size && text[i] >= '0' && text[i] <= '9';
}

static void add_digit(mlc_decimal *d, uint32_t value)
{
    if (d->digits < 1000000000000000000u) {
        d->digits = d->digits * 10 + value;
    } else {
        d->exponent++;
        d->dropped |= value != 0;
    }
}

/* Returns the index past the exponent, i if there is none. */
static size_t read_exponent(mlc_decimal *d, const uint8_t *text, size_t size,
                            size_t i)
{
    size_t at = i;
    int negative = 0;
    int64_t e = 0;

    if (at == size || (text[at] != 'e' && text[at] != 'E'))
        return i;
    at++;
    if (at < size && (text[at] == '+' || text[at] == '-'))
        negative = text[at++] == '-';
    if (!digit(text, size, at))
        return i;
    for (; digit(text, size, at); at++)
        if (e < (int64_t)1 << 48) /* longer than any text of zeros */
            e = e * 10 + (text[at] - '0');
    d->exponent += negative ? -e : e;
    return at;
}

size_t mlc_decimal_read(mlc_decimal *d, const uint8_t *text, size_t size)
{
    size_t i = 0;

    memset(d, 0, sizeof *d);
    d->text = text;
    if (i < size && text[i] == '-') {
        d->negative = 1;
        i++;
    }
    if (!digit(text, size, i))
        return 0;
    if (text[i] == '0')
        i++;
    else
        for (; digit(text, size, i); i++)
            add_digit(d, text[i] - '0');
    if (i < size && text[i] == '.' && digit(text, size, i + 1))
        for (i++; digit(text, size, i); i++) {
            d->exponent--;
            add_digit(d, text[i] - '0');
        }
    i = read_exponent(d, text, size, i);
    d->length = i;
    return i;
}

/* ------------------------------------------------------- the exact way ---- */

/*
 * Numbers below 10^-364 or above 10^329 are told apart before, and 800 digits
 * are more than any tie has (767 for double), so every integer here is below
 * 10^(364 + 801) * 2^64 < 2^3935: 123 limbs.
 */
#define BIG_LIMBS  128
#define BIG_DIGITS 800

typedef struct big {
    uint32_t limb[BIG_LIMBS]; /* least significant first */
    int n;                    /* limbs in use, the last is not 0 */
} big;

static void big_mul_add(big *a, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;

    for (int i = 0; i < a->n; i++) {
        carry += (uint64_t)a->limb[i] * factor;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        a->limb[a->n++] = (uint32_t)carry;
}

static void big_power(big *a, int64_t exponent)
{
    for (; exponent >= 9; exponent -= 9)
        big_mul_add(a, 1000000000u, 0);
    for (; exponent > 0; exponent--)
        big_mul_add(a, 10, 0);
}

static int big_bits(const big *a)
{
    uint32_t top = a->n ? a->limb[a->n - 1] : 0;
    int bits = 32 * (a->n - 1);

    for (; top; top >>= 1)
        bits++;
    return bits;
}

static void big_shift(big *a, int bits)
{
    int limbs = bits / 32;

    if (!a->n || bits <= 0)
        return;
    memmove(a->limb + limbs, a->limb, (size_t)a->n * sizeof *a->limb);
    memset(a->limb, 0, (size_t)limbs * sizeof *a->limb);
    a->n += limbs;
    big_mul_add(a, 1u << bits % 32, 0);
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a -= b, where a >= b */
static void big_subtract(big *a, const big *b)
{
    uint64_t borrow = 0;

    for (int i = 0; i < a->n; i++) {
        uint64_t take = borrow + (i < b->n ? b->limb[i] : 0);
        borrow = take > a->limb[i];
        a->limb[i] = (uint32_t)(a->limb[i] - take);
    }
    while (a->n && !a->limb[a->n - 1])
        a->n--;
}

/* All digits as an integer; returns the exponent that belongs to it. Digits
   past the first 800 only matter for not being 0. */
static int64_t big_digits(big *a, const mlc_decimal *d)
{
    int64_t exponent = 0, count = 0;
    int point = 0, rest = 0;

    a->n = 0;
    for (size_t i = 0; i < d->length; i++) {
        uint8_t c = d->text[i];
        if (c == 'e' || c == 'E')
            break;
        if (c == '.')
            point = 1;
        if (c < '0' || c > '9')
            continue;
        if (count < BIG_DIGITS) {
            big_mul_add(a, 10, c - '0');
            exponent -= point;
            count += a->n > 0;
        } else {
            rest |= c != '0';
            exponent += !point;
        }
    }
    if (rest) {
        big_mul_add(a, 10, 1);
        exponent--;
    }
    return exponent;
}

/* The exponent as written after e or E. */
static int64_t written_exponent(const mlc_decimal *d)
{
    mlc_decimal e = {0};

    for (size_t i = 0; i < d->length; i++)
        if (d->text[i] == 'e' || d->text[i] == 'E') {
            read_exponent(&e, d->text, d->length, i);
            break;
        }
    return e.exponent;
}

/*
 * (q + something below 1 if sticky) * 2^-shift, rounded to `bits` bits of at
 * least 2^lowest.
 */
static double round_to(uint64_t q, int sticky, int shift, int bits, int lowest)
{
    int used = 0, drop;
    uint64_t kept, rest, half;

    for (uint64_t t = q; t; t >>= 1)
        used++;
    drop = used - bits;
    if (drop < lowest + shift)
        drop = lowest + shift;
    if (drop > 64)
        return 0;
    kept = drop < 64 ? q >> drop : 0;
    rest = drop < 64 ? q & (((uint64_t)1 << drop) - 1) : q;
    half = (uint64_t)1 << (drop - 1);
    if (rest > half || (rest == half && (sticky || kept & 1)))
        kept++;
    return ldexp((double)kept, drop - shift);
}

static double exact(const mlc_decimal *d, int bits, int lowest)
{
    big num, den;
    int64_t exponent;
    uint64_t q = 0;
    int shift;

    exponent = big_digits(&num, d) + written_exponent(d);
    den.n = 1;
    den.limb[0] = 1;
    if (exponent > 0)
        big_power(&num, exponent);
    else
        big_power(&den, -exponent);
    /* num / den * 2^shift is between 2^62 and 2^64 */
    shift = 63 - (big_bits(&num) - big_bits(&den));
    if (shift > 0)
        big_shift(&num, shift);
    big_shift(&den, shift < 0 ? 63 - shift : 63);
    for (int i = 0; i < 64; i++) {
        int bit = big_compare(&num, &den) >= 0;
        if (bit)
            big_subtract(&num, &den);
        big_mul_add(&num, 2, 0);
        q = q << 1 | (unsigned)bit;
    }
    return round_to(q, num.n > 0, shift, bits, lowest);
}

/* ------------------------------------------------------- the quick way ---- */

typedef struct pair { /* hi + lo, |lo| at most half an ulp of hi */
    double hi, lo;
} pair;

static pair two_sum(double a, double b) /* |a| >= |b| */
{
    pair s;

    s.hi = a + b;
    s.lo = b - (s.hi - a);
    return s;
}

static pair two_product(double a, double b)
{
    /* Dekker's: halves of 26 bits multiply exactly */
    const double split = 134217729.0;
    double as = a * split, bs = b * split;
    double ah = as - (as - a), bh = bs - (bs - b);
    double al = a - ah, bl = b - bh;
    pair p;

    p.hi = a * b;
    p.lo = ((ah * bh - p.hi) + ah * bl + al * bh) + al * bl;
    return p;
}

/* Both err by less than 2^-103 of the result. */
static pair times(pair a, double b)
{
    pair p = two_product(a.hi, b);

    return two_sum(p.hi, p.lo + a.lo * b);
}

static pair over(pair a, double b)
{
    double q = a.hi / b;
    pair p = two_product(q, b);

    return two_sum(q, ((a.hi - p.hi) - p.lo + a.lo) / b);
}

/* |d| as a pair and a bound of its error. 0 where the quick way is not safe. */
static int quick(const mlc_decimal *d, pair *value, double *error)
{
    static const double power[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t e = d->exponent;
    pair v;

    if (e < -270 || e > 250)
        return 0;
    v.hi = (double)d->digits;
    v.lo = (double)(int64_t)(d->digits - (uint64_t)v.hi);
    for (; e > 0; e -= e < 22 ? e : 22)
        v = times(v, power[e < 22 ? e : 22]);
    for (; e<0; e += e> - 22 ? -e : 22)
        v = over(v, power[e > -22 ? -e : 22]);
    *value = v;
    *error = v.hi * 0x1p-98;
    if (d->dropped) /* one in the 19th digit at most */
        *error = v.hi * 0x1p-59;
    return 1;
}

/* -1, 0, 1: nothing, too near 0 or anything else, too large for any type. */
static int magnitude(const mlc_decimal *d)
{
    if (d->exponent > 310)
        return 1;
    return d->exponent < -364 ? -1 : 0; /* 10^19 * 10^-365 is 0 */
}

double mlc_decimal_double(const mlc_decimal *d)
{
    double sign = d->negative ? -1.0 : 1.0, error, y;
    pair v;

    if (!d->digits || magnitude(d) < 0)
        return sign * 0.0;
    if (magnitude(d) > 0)
        return sign * HUGE_VAL;
    if (quick(d, &v, &error)) {
        y = v.hi + (v.lo - error);
        if (y == v.hi + (v.lo + error))
            return sign * y;
    }
    return sign * exact(d, 53, -1074);
}

/*
 * hi + lo to float. Rounded to odd first: of the two doubles around it the one
 * whose last bit is 1, so that rounding twice is rounding once.
 */
static float pair_to_float(double hi, double lo)
{
    pair s = two_sum(hi, lo);
    uint64_t bits;

    memcpy(&bits, &s.hi, sizeof bits);
    if (s.lo != 0 && !(bits & 1))
        bits += s.lo > 0 ? 1 : (uint64_t)-1;
    memcpy(&s.hi, &bits, sizeof bits);
    return (float)s.hi;
}

float mlc_decimal_float(const mlc_decimal *d)
{
    float sign = d->negative ? -1.0f : 1.0f, y;
    double error;
    pair v;

    if (!d->digits || magnitude(d) < 0)
        return sign * 0.0f;
    if (magnitude(d) > 0)
        return sign * HUGE_VALF;
    if (quick(d, &v, &error)) {
        y = pair_to_float(v.hi, v.lo - error);
        if (y == pair_to_float(v.hi, v.lo + error))
            return sign * y;
    }
    return sign * (float)exact(d, 24, -149);
}
