/*
 * ir_pointwise.c - functions of elements, and of rows.
 */
#include <string.h>
#include "ir_build.h"

ir_id ir_unary(ir_graph *g, mli_unary fn, float p, float q, ir_id x)
{
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x) || fn == MLI_IDENTITY)
        return ir_good(g, x) ? x : IR_NONE;
    if ((unsigned)fn >= MLI_UNARY_COUNT) {
        ir_fail(g, "unknown function %d", (int)fn);
        return IR_NONE;
    }
    s = ir_shape_of(g, x);
    y = ir_emit(g, MLI_OP_UNARY, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->fn = fn;
    ir_made(g)->fp = p;
    ir_made(g)->fq = q;
    return y;
}

/* a and b broadcast against each other; 0 if they do not fit. */
static int broadcast(const ir_shape *a, const ir_shape *b, ir_shape *out)
{
    out->timed = a->timed || b->timed;
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t i = 1; i <= out->rank; i++) {
        uint32_t m = i <= a->rank ? a->dims[a->rank - i] : 1;
        uint32_t n = i <= b->rank ? b->dims[b->rank - i] : 1;

        if (m != n && m != 1 && n != 1)
            return 0;
        out->dims[out->rank - i] = m == 1 ? n : m;
    }
    return 1;
}

ir_id ir_binary(ir_graph *g, mli_binary fn, ir_id a, ir_id b)
{
    ir_id in[2] = {a, b}, y;
    ir_shape sa, sb, s;
    char ta[120], tb[120];

    if (!ir_good(g, a) || !ir_good(g, b))
        return IR_NONE;
    if ((unsigned)fn >= MLI_BINARY_COUNT) {
        ir_fail(g, "unknown function %d of two operands", (int)fn);
        return IR_NONE;
    }
    sa = ir_shape_of(g, a);
    sb = ir_shape_of(g, b);
    if (!broadcast(&sa, &sb, &s)) {
        ir_fail(g, "%s and %s do not broadcast", ir_shape_text(&sa, ta),
                ir_shape_text(&sb, tb));
        return IR_NONE;
    }
    y = ir_emit(g, MLI_OP_BINARY, 2, in, &s);
    if (y != IR_NONE)
        ir_made(g)->p[0] = fn;
    return y;
}

ir_id ir_affine(ir_graph *g, ir_id x, uint32_t n, const float *scale,
                const float *shift)
{
    ir_id in[3];
    ir_shape s;
    char text[120];

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (n != 1 && (s.rank == 0 || s.dims[s.rank - 1] != n)) {
        ir_fail(g, "scale of %u numbers on %s", n, ir_shape_text(&s, text));
        return IR_NONE;
    }
    in[0] = x;
    in[1] = ir_const1(g, n, scale);
    in[2] = ir_const1(g, n, shift);
    return ir_emit(g, MLI_OP_AFFINE, 3, in, &s);
}

/* The permutation of `rank` axes that moves the axes in `last` to the end. */
static void to_the_end(uint32_t rank, uint32_t last, uint32_t *perm)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rank; i++)
        if (!(last >> i & 1u))
            perm[n++] = i;
    for (uint32_t i = 0; i < rank; i++)
        if (last >> i & 1u)
            perm[n++] = i;
}

ir_id ir_softmax(ir_graph *g, ir_id x, uint32_t axis, int log)
{
    uint32_t perm[MLI_MAX_RANK], back[MLI_MAX_RANK];
    ir_shape s;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (s.rank == 0 || axis >= s.rank) {
        ir_fail(g, "softmax over axis %u of %u", axis, s.rank);
        return IR_NONE;
    }
    to_the_end(s.rank, 1u << axis, perm);
    for (uint32_t i = 0; i < s.rank; i++)
        back[perm[i]] = i;
    x = ir_transpose(g, x, perm);
    if (x == IR_NONE)
        return IR_NONE;
    s = ir_shape_of(g, x);
    x = ir_emit(g, MLI_OP_SOFTMAX, 1, &x, &s);
    if (x == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = log != 0;
    return ir_transpose(g, x, back);
}

ir_id ir_normalize(ir_graph *g, ir_id x, uint32_t axes, const float *scale,
                   const float *shift, float epsilon, int rms)
{
    ir_id in[3], y;
    uint32_t size = 1, operands = 1;
    ir_shape s;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (axes == 0 || axes > s.rank) {
        ir_fail(g, "normalisation over %u of %u axes", axes, s.rank);
        return IR_NONE;
    }
    for (uint32_t i = 1; i <= axes; i++)
        size *= s.dims[s.rank - i];
    in[0] = x;
    if (scale || shift)
        in[operands++] = ir_const1(g, size, scale);
    if (shift)
        in[operands++] = ir_const1(g, size, shift);
    if (!scale && shift && ir_good(g, in[1]))
        for (uint32_t i = 0; i < size; i++)
            g->values[in[1]].data[i] = 1.f;
    y = ir_emit(g, MLI_OP_NORMALIZE, operands, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = size;
    ir_made(g)->p[1] = rms != 0;
    ir_made(g)->fp = epsilon;
    return y;
}

/* Over the last n axes, which go. */
static ir_id reduce_last(ir_graph *g, mli_reduce fn, ir_id x, uint32_t n)
{
    ir_shape s = ir_shape_of(g, x);
    ir_id y;

    s.rank -= n;
    memset(s.dims + s.rank, 0, n * sizeof s.dims[0]);
    y = ir_emit(g, MLI_OP_REDUCE, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = fn;
    ir_made(g)->p[1] = n;
    return y;
}

ir_id ir_reduce(ir_graph *g, mli_reduce fn, ir_id x, uint32_t axes, int keep)
{
    uint32_t perm[MLI_MAX_RANK], n = 0, rank = 0;
    ir_shape s, out;

    if (!ir_good(g, x))
        return IR_NONE;
    s = out = ir_shape_of(g, x);
    if ((unsigned)fn >= MLI_REDUCE_COUNT || axes >> s.rank) {
        ir_fail(g, "reduction %d over axes %#x of %u", (int)fn, axes, s.rank);
        return IR_NONE;
    }
    for (uint32_t i = 0; i < s.rank; i++)
        if (axes >> i & 1u)
            n++;
    for (uint32_t i = 0; i < s.rank; i++)
        if (!(axes >> i & 1u))
            out.dims[rank++] = s.dims[i];
        else if (keep)
            out.dims[rank++] = 1;
    out.rank = rank;
    if (n == 0) { /* rows of one element */
        uint32_t flat[2] = {(uint32_t)g->values[x].elements, 1};
        x = ir_reshape(g, x, 2, flat);
        n = 1;
    } else {
        to_the_end(s.rank, axes, perm);
        x = ir_transpose(g, x, perm);
    }
    if (x == IR_NONE)
        return IR_NONE;
    x = reduce_last(g, fn, x, n);
    return x == IR_NONE ? x : ir_reshape(g, x, out.rank, out.dims);
}
