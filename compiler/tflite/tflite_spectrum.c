/*
 * tflite_spectrum.c - spectra. A value of complex numbers has two ids, of the
 * real and of the imaginary parts.
 */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* x [.., w] with its last axis n long: cut, or with zeros behind. */
static ir_id fitted(tfl_run *r, ir_id x, uint32_t rank, uint32_t w, uint32_t n)
{
    if (w > n)
        return ir_slice(r->g, x, rank - 1, 0, 1, n);
    return w < n ? ir_pad(r->g, x, rank - 1, 0, n - w, 0.f) : x;
}

/* Real numbers [.., 1, w] to n/2 + 1 bins; lengths [1, n]. */
void tfl_do_rfft(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count, n, bins;
    const int64_t *length = tfl_known(r, c, 1, &count, "a length");
    ir_id x = tfl_real(r, v), part[2];

    (void)what;
    if (!length)
        return;
    if (count != 2 || v->rank < 2)
        tfl_bad(r, c, "%u lengths for %u axes", count, v->rank);
    if (length[0] != 1 || v->dims[v->rank - 2] != 1) {
        tfl_unsupported(r, c,
                        "a transform along two axes (expected a length "
                        "of 1 along the first)");
        return;
    }
    n = tfl_dim(r, c, length[1]);
    if (n % 2 || n > (1u << 20)) {
        tfl_unsupported(r, c,
                        "a length of %u (expected an even one of at "
                        "most 2^20)",
                        n);
        return;
    }
    bins = n / 2 + 1;
    tfl_spend(r, n);
    x = fitted(r, x, v->rank, v->dims[v->rank - 1], n);
    x = ir_dft(r->g, x, n, 0, 1, 1, 1.f);
    for (uint32_t k = 0; k < 2; k++)
        part[k] = ir_slice(r->g, x, v->rank - 1, k, 2, bins);
    tfl_put_whole(r, c, 0, part[0]);
    if (c->outputs && c->out[0] && !c->out[0]->broken) {
        c->out[0]->complex = 1;
        c->out[0]->imaginary = part[1];
    }
}

/* what: 0 the real part, 1 the imaginary one, 2 the magnitude */
void tfl_do_complex_part(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_id(r, v), y = v->imaginary;

    if (!v->complex) {
        tfl_unsupported(r, c, "complex numbers from outside");
        return;
    }
    if (what == 1) {
        x = y;
    } else if (what == 2) {
        x = ir_binary(r->g, MLI_MUL, x, x);
        x = ir_binary(r->g, MLI_ADD, x, ir_binary(r->g, MLI_MUL, y, y));
        x = ir_unary(r->g, MLI_SQRT, 0.f, 0.f, x);
    }
    tfl_put_whole(r, c, 0, x);
}
