/*
 * A sinc under a Kaiser window, as rows of coefficients; see resampler.h.
 *
 * Source: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh
 * window function", 1974: for A dB of attenuation over a transition of w
 * radians a frame, 2 HALF = (A - 7.95) / (2.285 w) and
 * beta = 0.1102 (A - 8.7).
 */
#include <math.h>
#include "resampler.h"

#define PI 3.14159265358979323846

/* In frames of the lower rate: w = 0.1 pi, from 0.9 of its Nyquist frequency to
   the whole, gives A = 102.7. */
#define HALF   66
#define CENTRE 0.95
#define BETA   10.36

/* Rows kept when there are too many phases for one row each: between them
   cubics are off by 3/128 (pi/128)^4 at most, 161 dB down. */
#define ROWS      128
#define TABLE_MAX (1u << 17) /* floats */

#define TERMS     24
#define SQUARE(k) (1.0 / ((k) * (k)))
static const double squares[TERMS + 1] = {
    0,          SQUARE(1),  SQUARE(2),  SQUARE(3),  SQUARE(4),
    SQUARE(5),  SQUARE(6),  SQUARE(7),  SQUARE(8),  SQUARE(9),
    SQUARE(10), SQUARE(11), SQUARE(12), SQUARE(13), SQUARE(14),
    SQUARE(15), SQUARE(16), SQUARE(17), SQUARE(18), SQUARE(19),
    SQUARE(20), SQUARE(21), SQUARE(22), SQUARE(23), SQUARE(24)};

/* I0(2 sqrt(y)), by its series in y: BETA^2 / 4 is 27, where the next term is
   below 1e-17 of the sum. Without a division: there are some 50,000 of these.
 */
static double bessel(double y)
{
    double sum = 1;
    for (int k = TERMS; k > 0; k--)
        sum = 1 + sum * (y * squares[k]);
    return sum;
}

/* t: in frames of the lower rate. */
static double kernel(double t)
{
    double at = t / HALF, turn = PI * CENTRE * t;
    if (at <= -1 || at >= 1)
        return 0;
    double window = bessel(BETA * BETA / 4 * (1 - at * at));
    return (turn == 0 ? 1 : sin(turn) / turn) * window;
}

void filter_plan(t_filter *f, uint32_t phases, double spacing)
{
    f->f_phases = phases;
    f->f_spacing = spacing;
    f->f_ahead = (uint32_t)ceil(HALF * spacing);
    f->f_taps = (2 * f->f_ahead + 15) / 16 * 16;
    f->f_rows = (uint64_t)phases * f->f_taps <= TABLE_MAX ? phases : ROWS + 3;
}

/* A moment `after` (0 to 1) of a frame behind the one that has f_ahead frames
   after it. The sum is 1: constants stay what they are. */
static void filter_fill(const t_filter *f, double after, float *row)
{
    double sum = 0, first = after + f->f_taps - f->f_ahead - 1.;
    for (uint32_t i = 0; i < f->f_taps; i++) {
        double tap = kernel((first - i) / f->f_spacing);
        row[i] = (float)tap;
        sum += tap;
    }
    for (uint32_t i = 0; i < f->f_taps; i++)
        row[i] = (float)(row[i] / sum);
}

/* Interpolated ones begin a row earlier and end two later. */
void filter_make(t_filter *f)
{
    int whole = f->f_rows == f->f_phases;
    for (uint32_t i = 0; f->f_taps && i < f->f_rows; i++)
        filter_fill(f, whole ? (double)i / f->f_phases : (i - 1.) / ROWS,
                    f->f_table + (size_t)i * f->f_taps);
}

const float *filter_row(t_filter *f, uint32_t phase)
{
    if (f->f_rows == f->f_phases)
        return f->f_table + (size_t)phase * f->f_taps;
    uint64_t at = (uint64_t)phase * ROWS;
    const float *a = f->f_table + at / f->f_phases * f->f_taps;
    const float *b = a + f->f_taps, *c = b + f->f_taps, *d = c + f->f_taps;
    float x = (float)(at % f->f_phases) / (float)f->f_phases;
    float before = (x + 1) * x, behind = (x - 1) * (x - 2);
    float ka = x * behind * (-1 / 6.f), kb = (x + 1) * behind * 0.5f;
    float kc = before * (x - 2) * -0.5f, kd = before * (x - 1) * (1 / 6.f);
    for (uint32_t i = 0; i < f->f_taps; i++)
        f->f_row[i] = ka * a[i] + kb * b[i] + kc * c[i] + kd * d[i];
    return f->f_row;
}
