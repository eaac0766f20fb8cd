/*
 * step_dft.c - discrete Fourier transforms of any length: Stockham's way, a
 * factor of the length after the other, in two buffers and without reordering.
 * The inverse is the conjugate of the transform of the conjugate. The spectrum
 * of an even number of real numbers comes from half as many complex ones.
 */
#include "session.h"

#define SMALL_ODD 5u /* the largest of the odd factors with an own pass */

typedef struct complex {
    float re, im;
} complex;

/* One pass: a length of p*m becomes p transforms of length m. `stride` of them
   lie interleaved, and table[i * hop] is the i-th root of unity of p*m. */
typedef struct pass {
    const complex *x;
    complex *y;
    const complex *table;
    uint32_t p, m, stride, hop;
} pass;

static complex times(complex a, complex b)
{
    complex y = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return y;
}

static complex plus(complex a, complex b)
{
    complex y = {a.re + b.re, a.im + b.im};
    return y;
}

static complex minus(complex a, complex b)
{
    complex y = {a.re - b.re, a.im - b.im};
    return y;
}

static complex minus_i_times(complex a)
{
    complex y = {a.im, -a.re};
    return y;
}

/* Two complex numbers at once, where the machine surely has vectors of four
   that round as single numbers do: the same bits as below. */
#if defined(__SSE2__) || defined(__aarch64__)
#define HAS_PAIRS 1
#endif

#ifdef HAS_PAIRS

typedef float pair __attribute__((vector_size(16)));

/* Factors: a * w = a * re + swapped a * im. */
typedef struct turn {
    pair re, im;
} turn;

static pair load_pair(const complex *x)
{
    pair a;
    __builtin_memcpy(&a, x, sizeof a);
    return a;
}

static void store_pair(complex *y, pair a)
{
    __builtin_memcpy(y, &a, sizeof a);
}

static pair swapped(pair a)
{
    pair y = {a[1], a[0], a[3], a[2]};
    return y;
}

static pair firsts(pair a, pair b)
{
    pair y = {a[0], a[1], b[0], b[1]};
    return y;
}

static pair seconds(pair a, pair b)
{
    pair y = {a[2], a[3], b[2], b[3]};
    return y;
}

static turn turn_by(complex v, complex w)
{
    turn t = {{v.re, v.re, w.re, w.re}, {-v.im, v.im, -w.im, w.im}};
    return t;
}

static pair turned_by(pair a, const turn *w)
{
    return a * w->re + swapped(a) * w->im;
}

static inline void four(const complex *x, size_t quarter, const turn *w,
                        pair *y)
{
    const pair minus_i = {1.0f, -1.0f, 1.0f, -1.0f};
    pair a = load_pair(x), b = load_pair(x + quarter);
    pair c = load_pair(x + 2 * quarter), d = load_pair(x + 3 * quarter);
    pair even = a + c, odd = b + d, other = a - c;
    pair turned = swapped(b - d) * minus_i;
    y[0] = even + odd;
    y[1] = turned_by(other + turned, w);
    y[2] = turned_by(even - odd, w + 1);
    y[3] = turned_by(other - turned, w + 2);
}

/* Neighbours of the same factor: the stride is even. */
static void pass4_along(const pass *s)
{
    size_t stride = s->stride, quarter = s->m * stride, hop = s->hop;
    for (uint32_t q = 0; q < s->m; q++) {
        const complex *x = s->x + q * stride, *t = s->table;
        complex *y = s->y + q * 4 * stride;
        turn w[3];
        for (size_t r = 0; r < 3; r++)
            w[r] = turn_by(t[q * (r + 1) * hop], t[q * (r + 1) * hop]);
        for (size_t k = 0; k < stride; k += 2) {
            pair z[4];
            four(x + k, quarter, w, z);
            store_pair(y + k, z[0]);
            store_pair(y + k + stride, z[1]);
            store_pair(y + k + 2 * stride, z[2]);
            store_pair(y + k + 3 * stride, z[3]);
        }
    }
}

/* Neighbours of different factors, where the stride is one and m even. */
static void pass4_across(const pass *s)
{
    const complex *t = s->table;
    complex *y = s->y;
    for (size_t q = 0, hop = s->hop; q < s->m; q += 2, y += 8) {
        turn w[3];
        pair z[4];
        for (size_t r = 1; r < 4; r++)
            w[r - 1] = turn_by(t[q * r * hop], t[(q + 1) * r * hop]);
        four(s->x + q, s->m, w, z);
        store_pair(y, firsts(z[0], z[1]));
        store_pair(y + 2, firsts(z[2], z[3]));
        store_pair(y + 4, seconds(z[0], z[1]));
        store_pair(y + 6, seconds(z[2], z[3]));
    }
}

static void pass2_along(const pass *s)
{
    size_t stride = s->stride, half = s->m * stride;
    for (size_t q = 0; q < s->m; q++) {
        turn w = turn_by(s->table[q * s->hop], s->table[q * s->hop]);
        const complex *x = s->x + q * stride;
        complex *y = s->y + q * 2 * stride;
        for (size_t k = 0; k < stride; k += 2) {
            pair a = load_pair(x + k), b = load_pair(x + k + half);
            store_pair(y + k, a + b);
            store_pair(y + k + stride, turned_by(a - b, &w));
        }
    }
}

#endif

static void pass2(const pass *s)
{
#ifdef HAS_PAIRS
    if (s->stride % 2 == 0) {
        pass2_along(s);
        return;
    }
#endif
    size_t half = (size_t)s->m * s->stride;
    for (uint32_t q = 0; q < s->m; q++) {
        complex w = s->table[(size_t)q * s->hop];
        const complex *x = s->x + (size_t)q * s->stride;
        complex *y = s->y + (size_t)q * 2 * s->stride;
        for (uint32_t k = 0; k < s->stride; k++) {
            complex a = x[k], b = x[k + half];
            y[k] = plus(a, b);
            y[k + s->stride] = times(minus(a, b), w);
        }
    }
}

static void pass4(const pass *s)
{
#ifdef HAS_PAIRS
    if (s->stride % 2 == 0) {
        pass4_along(s);
        return;
    }
    if (s->stride == 1 && s->m % 2 == 0) {
        pass4_across(s);
        return;
    }
#endif
    size_t quarter = (size_t)s->m * s->stride;
    for (uint32_t q = 0; q < s->m; q++) {
        complex w1 = s->table[(size_t)q * s->hop];
        complex w2 = s->table[(size_t)q * 2 * s->hop];
        complex w3 = s->table[(size_t)q * 3 * s->hop];
        const complex *x = s->x + (size_t)q * s->stride;
        complex *y = s->y + (size_t)q * 4 * s->stride;
        for (uint32_t k = 0; k < s->stride; k++) {
            complex a = x[k], b = x[k + quarter];
            complex c = x[k + 2 * quarter], d = x[k + 3 * quarter];
            complex even = plus(a, c), odd = plus(b, d);
            complex other = minus(a, c), turned = minus_i_times(minus(b, d));
            y[k] = plus(even, odd);
            y[k + s->stride] = times(plus(other, turned), w1);
            y[k + 2 * s->stride] = times(minus(even, odd), w2);
            y[k + 3 * s->stride] = times(minus(other, turned), w3);
        }
    }
}

/* A small odd factor p, a constant: numbers j and p - j have the same cosines
   and opposite sines. */
static inline void pass_odd(const pass *s, const uint32_t p)
{
    const size_t step = (size_t)s->m * s->stride;
    complex root[SMALL_ODD], w[SMALL_ODD];
    for (uint32_t r = 0; r < p; r++)
        root[r] = s->table[(size_t)r * s->m * s->hop];
    for (uint32_t q = 0; q < s->m; q++) {
        const complex *x = s->x + (size_t)q * s->stride;
        complex *y = s->y + (size_t)q * p * s->stride;
        for (uint32_t r = 1; r < p; r++)
            w[r] = s->table[(size_t)q * r * s->hop];
        for (uint32_t k = 0; k < s->stride; k++) {
            complex sum[SMALL_ODD / 2], apart[SMALL_ODD / 2], all = x[k];
            for (uint32_t j = 0; j < p / 2; j++) {
                complex a = x[k + (j + 1) * step],
                        b = x[k + (p - 1 - j) * step];
                sum[j] = plus(a, b);
                apart[j] = minus(a, b);
                all = plus(all, sum[j]);
            }
            y[k] = all;
            for (uint32_t r = 1; r <= p / 2; r++) {
                complex even = x[k], odd = {0.0f, 0.0f};
                for (uint32_t j = 0; j < p / 2; j++) {
                    complex t = root[(j + 1) * r % p];
                    even.re += sum[j].re * t.re;
                    even.im += sum[j].im * t.re;
                    odd.re -= apart[j].im * t.im;
                    odd.im += apart[j].re * t.im;
                }
                y[k + r * s->stride] = times(plus(even, odd), w[r]);
                y[k + (p - r) * s->stride] = times(minus(even, odd), w[p - r]);
            }
        }
    }
}

static void pass3(const pass *s)
{
    pass_odd(s, 3);
}

static void pass5(const pass *s)
{
    pass_odd(s, SMALL_ODD);
}

/* Any factor, summed in double precision: it may be large. unit: the p-th root
   of unity is table[unit]. */
static complex sum_of(const pass *s, const complex *x, uint32_t r, size_t unit)
{
    double re = 0, im = 0;
    size_t step = (size_t)s->m * s->stride;
    uint32_t at = 0; /* j*r modulo p */
    for (uint32_t j = 0; j < s->p; j++) {
        complex w = s->table[at * unit], a = x[j * step];
        re += (double)a.re * w.re - (double)a.im * w.im;
        im += (double)a.re * w.im + (double)a.im * w.re;
        at += r;
        at -= at >= s->p ? s->p : 0;
    }
    complex y = {(float)re, (float)im};
    return y;
}

static void pass_any(const pass *s)
{
    size_t unit = (size_t)s->m * s->hop;
    for (uint32_t q = 0; q < s->m; q++) {
        const complex *x = s->x + (size_t)q * s->stride;
        complex *y = s->y + (size_t)q * s->p * s->stride;
        for (uint32_t r = 0; r < s->p; r++, y += s->stride) {
            complex w = s->table[(size_t)q * r * s->hop];
            for (uint32_t k = 0; k < s->stride; k++)
                y[k] = times(sum_of(s, x + k, r, unit), w);
        }
    }
}

/* The transform of x, which lies in one of two buffers; answers the one that
   the result is in. */
static complex *transform(const mli_dft_step *d, complex *x, complex *other)
{
    uint32_t left = d->halved ? d->n / 2 : d->n;
    pass s = {x,
              other,
              (const complex *)(const void *)d->table,
              0,
              0,
              1,
              d->halved ? 2 : 1};
    for (uint32_t i = 0; i < d->factor_count; i++) {
        s.p = d->factor[i];
        s.m = left / s.p;
        (s.p == 2   ? pass2
         : s.p == 3 ? pass3
         : s.p == 4 ? pass4
         : s.p == 5 ? pass5
                    : pass_any)(&s);
        left = s.m;
        s.stride *= s.p;
        s.hop *= s.p;
        complex *made = s.y;
        s.y = (complex *)(void *)(uintptr_t)s.x;
        s.x = made;
    }
    return (complex *)(void *)(uintptr_t)s.x;
}

/* A row as complex numbers, conjugated where the inverse is wanted. */
static void read_row(const mli_dft_step *d, const float *x, complex *to)
{
    uint32_t n = d->n;
    if (d->halved) {
        __builtin_memcpy(to, x, n * sizeof(float));
        return;
    }
    if (d->real && !d->inverse) {
        for (uint32_t i = 0; i < n; i++)
            to[i] = (complex){x[i], 0.0f};
        return;
    }
    uint32_t given = d->x_floats / 2;
    float sign = d->inverse ? -1.0f : 1.0f;
    for (uint32_t i = 0; i < given; i++)
        to[i] = (complex){x[2 * i], sign * x[2 * i + 1]};
    if (!d->inverse || !d->half)
        return;
    to[0].im = 0.0f; /* of a real signal */
    if (n % 2 == 0)
        to[n / 2].im = 0.0f;
    for (uint32_t i = given; i < n; i++)
        to[i] = (complex){to[n - i].re, -to[n - i].im};
}

/* Bins i and n/2 - i of n real numbers from z, the spectrum of the n/2 pairs of
   them, a its number i and b its number n/2 - i, w the i-th root of unity. */
static inline void untangle(complex a, complex b, complex w, float scale,
                            float *first, float *second)
{
    complex even = {0.5f * (a.re + b.re), 0.5f * (a.im - b.im)};
    complex odd = {0.5f * (a.im + b.im), 0.5f * (b.re - a.re)};
    complex turned = times(odd, w);
    first[0] = scale * (even.re + turned.re);
    first[1] = scale * (even.im + turned.im);
    second[0] = scale * (even.re - turned.re);
    second[1] = scale * (turned.im - even.im);
}

/* Also the other half of the bins, the conjugates, where it is wanted. */
static void write_real(const mli_dft_step *d, const complex *z, float *y)
{
    uint32_t half = d->n / 2;
    const complex *table = (const complex *)(const void *)d->table;
    untangle(z[0], z[0], table[0], d->scale, y, y + d->n);
    for (uint32_t i = 1; 2 * i <= half; i++)
        untangle(z[i], z[half - i], table[i], d->scale, y + 2 * i,
                 y + 2 * (half - i));
    for (uint32_t i = half + 1; 2 * i < d->y_floats; i++) {
        y[2 * i] = y[2 * (d->n - i)];
        y[2 * i + 1] = -y[2 * (d->n - i) + 1];
    }
}

static void write_row(const mli_dft_step *d, const complex *z, float *y)
{
    float scale = d->scale;
    uint32_t bins = d->y_floats / 2;
    if (d->inverse && d->real) {
        for (uint32_t i = 0; i < d->n; i++)
            y[i] = scale * z[i].re;
        return;
    }
    if (d->halved) {
        write_real(d, z, y);
        return;
    }
    for (uint32_t i = 0; i < bins; i++) {
        y[2 * i] = scale * z[i].re;
        y[2 * i + 1] = (d->inverse ? -scale : scale) * z[i].im;
    }
}

void mli_run_dft(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_dft_step *d = &step->u.dft;
    complex *buffer = (complex *)(void *)d->scratch, *other = buffer + d->n;
    const float *x = step->x;
    float *y = step->y;
    (void)k;
    for (size_t rows = (size_t)frames * step->rows; rows != 0; rows--) {
        read_row(d, x, buffer);
        write_row(d, transform(d, buffer, other), y);
        x += d->x_floats;
        y += d->y_floats;
    }
}
