/*
 * ir_signal.c - random numbers, spectra, products of computed matrices.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"

#define MAX_DFT (1u << 22)

ir_id ir_random(ir_graph *g, ir_id when, int normal, float p, float q,
                uint64_t seed, uint32_t rank, const uint32_t *dims)
{
    ir_shape s = {0, rank, {0}};
    ir_node *node;
    ir_id y;

    if (!ir_good(g, when))
        return IR_NONE;
    if (rank > MLI_MAX_RANK || p != p || q != q) {
        ir_fail(g, "random numbers of %u axes, %g and %g", rank, (double)p,
                (double)q);
        return IR_NONE;
    }
    s.timed = g->values[when].timed;
    if (rank)
        memcpy(s.dims, dims, rank * sizeof *dims);
    y = ir_emit(g, MLI_OP_RANDOM, 1, &when, &s);
    if (y == IR_NONE)
        return IR_NONE;
    node = ir_made(g);
    node->p[0] = normal != 0;
    node->p[1] = (uint32_t)seed;
    node->p[2] = (uint32_t)(seed >> 32);
    node->fp = p;
    node->fq = q;
    ir_emit_state(g, 1, 2, NULL);
    return g->error[0] ? IR_NONE : y;
}

/* cos, -sin of 2 pi k/n; exact at the quarters. */
static ir_id roots(ir_graph *g, uint32_t n)
{
    float *w = ir_floats(g, 2ull * n);

    for (uint32_t k = 0; w && k < n; k++) {
        /* an angle of at most an eighth of a turn, and which eighth */
        uint64_t at = 8ull * k;
        uint32_t eighth = (uint32_t)(at / n);
        uint64_t rest = at % n;
        double a = 0.78539816339744830962 *
                   (double)(eighth & 1 ? n - rest : rest) / (double)n;
        double c = cos(a), s = sin(a), t;

        if (((eighth + 1) >> 1) & 1) {
            t = c;
            c = s;
            s = t;
        }
        w[2 * k] = (float)(eighth >= 2 && eighth < 6 ? -c : c);
        w[2 * k + 1] = (float)(eighth < 4 ? -s : s) + 0.f;
    }
    return ir_take(g, IR_PLAIN, 2ull * n, w);
}

ir_id ir_dft(ir_graph *g, ir_id x, uint32_t n, int inverse, int real, int half,
             float scale)
{
    uint32_t in, out;
    ir_id operands[2] = {x, IR_NONE}, y;
    ir_shape s;
    char text[120];

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (n < 1 || n > MAX_DFT || (inverse && half && !real)) {
        ir_fail(g, "a Fourier transform of length %u", n);
        return IR_NONE;
    }
    in = inverse ? (half ? 2 * (n / 2 + 1) : 2 * n) : (real ? n : 2 * n);
    out = inverse ? (real ? n : 2 * n) : (half ? 2 * (n / 2 + 1) : 2 * n);
    if (s.rank == 0 || s.dims[s.rank - 1] != in) {
        ir_fail(g, "a Fourier transform of length %u on %s", n,
                ir_shape_text(&s, text));
        return IR_NONE;
    }
    s.dims[s.rank - 1] = out;
    operands[1] = roots(g, n);
    if (operands[1] == IR_NONE)
        return IR_NONE;
    y = ir_emit(g, MLI_OP_DFT, 2, operands, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = n;
    ir_made(g)->p[1] =
        (inverse ? 1u : 0u) | (real ? 2u : 0u) | (half ? 4u : 0u);
    ir_made(g)->fp = scale;
    return y;
}

static uint32_t from_end(const ir_shape *s, uint32_t i)
{
    return i < s->rank ? s->dims[s->rank - 1 - i] : 1;
}

ir_id ir_matmul(ir_graph *g, ir_id a, ir_id b, int transposed, float factor)
{
    ir_id in[2] = {a, b}, y;
    ir_shape sa, sb, s = {0};
    uint32_t columns, inner;
    int fits;
    char ta[120], tb[120];

    if (!ir_good(g, a) || !ir_good(g, b))
        return IR_NONE;
    sa = ir_shape_of(g, a);
    sb = ir_shape_of(g, b);
    s.timed = sa.timed || sb.timed;
    s.rank = sa.rank > sb.rank ? sa.rank : sb.rank;
    inner = from_end(&sb, transposed ? 0 : 1);
    columns = from_end(&sb, transposed ? 1 : 0);
    fits = sa.rank >= 2 && sb.rank >= 2 && from_end(&sa, 0) == inner &&
           (uint64_t)columns * inner <= MLI_MAX_ELEMENTS / 4;
    for (uint32_t i = 2; fits && i < s.rank; i++) {
        uint32_t m = from_end(&sa, i), n = from_end(&sb, i);

        fits &= m == n || m == 1 || n == 1;
        s.dims[s.rank - 1 - i] = m == 1 ? n : m;
    }
    if (!fits) {
        ir_fail(g, "a product of matrices %s and %s", ir_shape_text(&sa, ta),
                ir_shape_text(&sb, tb));
        return IR_NONE;
    }
    s.dims[s.rank - 1] = columns;
    s.dims[s.rank - 2] = from_end(&sa, 1);
    y = ir_emit(g, MLI_OP_MATMUL, 2, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = transposed != 0;
    ir_made(g)->p[1] = columns;
    ir_made(g)->p[2] = inner;
    ir_made(g)->fp = factor;
    return y;
}
