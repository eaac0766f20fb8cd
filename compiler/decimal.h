/*
 * decimal.h - decimal numbers as JSON writes them, to double and float: always
 * correctly rounded (to nearest, halves to even), whatever the locale.
 */
#ifndef MLC_DECIMAL_H
#define MLC_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_decimal {
    uint64_t digits;  /* the first 19 significant digits */
    int64_t exponent; /* the value is digits * 10^exponent, plus less than
                         10^exponent if digits were dropped */
    int negative;
    int dropped;         /* a digit other than 0 follows the first 19 */
    const uint8_t *text; /* borrowed */
    size_t length;
} mlc_decimal;

/*
 * Read the JSON number that begins at text. Returns its length, or 0 if there
 * is none: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
 */
size_t mlc_decimal_read(mlc_decimal *d, const uint8_t *text, size_t size);

/* Infinite if the number is too large for the type. */
double mlc_decimal_double(const mlc_decimal *d);
float mlc_decimal_float(const mlc_decimal *d);

#endif
