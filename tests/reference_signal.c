/*
 * reference_signal.c - Fourier transforms and products of matrices, from their
 * definition.
 */
#include <math.h>
#include "reference_ops.h"

/* Bin k of a row of x, read as the parameters say. */
static double value_at(const reference_frame *r, const double *row, uint32_t k,
                       int imaginary)
{
    uint32_t n = r->op->p[0], way = r->op->p[1];
    if ((way & 1) && (way & 4)) { /* half of the spectrum of a real signal */
        uint32_t bin = k <= n / 2 ? k : n - k;
        if (!imaginary)
            return row[2 * bin];
        if (bin == 0 || 2 * bin == n)
            return 0;
        return k <= n / 2 ? row[2 * bin + 1] : -row[2 * bin + 1];
    }
    if (!(way & 1) && (way & 2))
        return imaginary ? 0 : row[k];
    return row[2 * k + (uint32_t)imaginary];
}

void reference_dft(const reference_frame *r)
{
    uint32_t n = r->op->p[0], way = r->op->p[1];
    uint32_t in = r->x->dims[r->x->rank - 1], out = r->y->dims[r->y->rank - 1];
    uint32_t real = (way & 1) && (way & 2), rows = 1;
    double sign = way & 1 ? 1 : -1, scale = r->op->fp;
    for (uint32_t i = 0; i + 1 < r->x->rank; i++)
        rows *= r->x->dims[i];
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t k = 0; k < (real ? out : out / 2); k++) {
            double re = 0, im = 0;
            for (uint32_t i = 0; i < n; i++) {
                const double *x = r->in[0] + row * in;
                double a = sign * 2 * 3.14159265358979323846 *
                           (double)((uint64_t)i * k % n) / n;
                double u = value_at(r, x, i, 0), v = value_at(r, x, i, 1);
                re += u * cos(a) - v * sin(a);
                im += u * sin(a) + v * cos(a);
            }
            if (real) {
                r->out[row * out + k] = scale * re;
                continue;
            }
            r->out[row * out + 2 * k] = scale * re;
            r->out[row * out + 2 * k + 1] = scale * im;
        }
}

/* Where the matrix of t begins that meets y's matrix number `at`. */
static uint64_t matrix(const mli_file_tensor *t, const mli_file_tensor *y,
                       uint32_t at)
{
    uint64_t from = 0, size = t->dims[t->rank - 1] * t->dims[t->rank - 2];
    for (uint32_t i = 2; i < y->rank; i++) {
        uint32_t c = at % y->dims[y->rank - 1 - i];
        at /= y->dims[y->rank - 1 - i];
        if (i >= t->rank)
            continue;
        from += t->dims[t->rank - 1 - i] == 1 ? 0 : c * size;
        size *= t->dims[t->rank - 1 - i];
    }
    return from;
}

void reference_matmul(const reference_frame *r)
{
    uint32_t rows = r->y->dims[r->y->rank - 2], turned = r->op->p[0];
    uint32_t columns = r->op->p[1], inner = r->op->p[2], matrices = 1;
    for (uint32_t i = 0; i + 2 < r->y->rank; i++)
        matrices *= r->y->dims[i];
    for (uint32_t m = 0; m < matrices; m++) {
        const double *a = r->in[0] + matrix(r->operand[0], r->y, m);
        const double *b = r->in[1] + matrix(r->operand[1], r->y, m);
        for (uint32_t i = 0; i < rows; i++)
            for (uint32_t o = 0; o < columns; o++) {
                double sum = 0;
                for (uint32_t k = 0; k < inner; k++)
                    sum += a[i * inner + k] *
                           b[turned ? o * inner + k : k * columns + o];
                r->out[(m * rows + i) * columns + o] = r->op->fp * sum;
            }
    }
}
