/*
 * ir_layout.c - operators that move elements and compute nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"

/* The result's shape, or rank 0 with the graph failed. */
static ir_shape concat_shape(ir_graph *g, const ir_id *x, uint32_t n,
                             uint32_t axis)
{
    ir_shape s = ir_shape_of(g, x[0]), none = {0, 0, {0}};
    uint64_t sum = 0;
    char a[120], b[120];

    for (uint32_t i = 0; i < n; i++) {
        ir_shape t = ir_shape_of(g, x[i]), same = t;
        if (axis >= s.rank || t.rank != s.rank) {
            ir_fail(g, "concatenation of %s and %s along axis %u",
                    ir_shape_text(&s, a), ir_shape_text(&t, b), axis);
            return none;
        }
        same.dims[axis] = s.dims[axis];
        if (!ir_same_dims(&same, &s)) {
            ir_fail(g, "concatenation of %s and %s along axis %u",
                    ir_shape_text(&s, a), ir_shape_text(&t, b), axis);
            return none;
        }
        s.timed |= t.timed;
        sum += t.dims[axis];
    }
    if (sum > MLI_MAX_ELEMENTS) {
        ir_fail(g, "concatenation is too large");
        return none;
    }
    s.dims[axis] = (uint32_t)sum;
    return s;
}

static ir_id concat_some(ir_graph *g, const ir_id *x, uint32_t n, uint32_t axis)
{
    ir_shape s;
    ir_id y;

    for (uint32_t i = 0; i < n; i++)
        if (!ir_good(g, x[i]))
            return IR_NONE;
    if (n == 1)
        return x[0];
    s = concat_shape(g, x, n, axis);
    if (!s.rank)
        return IR_NONE;
    y = ir_emit(g, MLI_OP_CONCAT, n, x, &s);
    if (y != IR_NONE)
        ir_made(g)->p[0] = axis;
    return y;
}

ir_id ir_concat(ir_graph *g, const ir_id *x, uint32_t n, uint32_t axis)
{
    uint32_t groups = (n + MLI_MAX_CONCAT - 1) / MLI_MAX_CONCAT;
    ir_id part[MLI_MAX_CONCAT];

    if (n == 0) {
        ir_fail(g, "concatenation of nothing");
        return IR_NONE;
    }
    if (n <= MLI_MAX_CONCAT)
        return concat_some(g, x, n, axis);
    if (groups > MLI_MAX_CONCAT) {
        ir_fail(g, "concatenation of %u operands", n);
        return IR_NONE;
    }
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t first = i * MLI_MAX_CONCAT;
        uint32_t left = n - first;
        part[i] = concat_some(
            g, x + first, left < MLI_MAX_CONCAT ? left : MLI_MAX_CONCAT, axis);
    }
    return concat_some(g, part, groups, axis);
}

ir_id ir_slice(ir_graph *g, ir_id x, uint32_t axis, uint32_t start,
               int32_t step, uint32_t count)
{
    ir_shape s;
    int64_t end;
    char text[120];
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    /* |step| <= 2^31, count <= 2^28 once checked: fits 64 bits */
    end = (int64_t)start + ((int64_t)count - 1) * step;
    if (axis >= s.rank || step == 0 || count == 0 || count > MLI_MAX_ELEMENTS ||
        start >= s.dims[axis] || end < 0 || end >= s.dims[axis]) {
        ir_fail(g, "slice of %u from %u by %d of axis %u of %s", count, start,
                (int)step, axis, ir_shape_text(&s, text));
        return IR_NONE;
    }
    if (count == s.dims[axis] && step == 1)
        return x;
    s.dims[axis] = count;
    y = ir_emit(g, MLI_OP_SLICE, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = axis;
    ir_made(g)->p[1] = start;
    ir_made(g)->p[2] = (uint32_t)(count == 1 ? 1 : step);
    return y;
}

ir_id ir_reshape(ir_graph *g, ir_id x, uint32_t rank, const uint32_t *dims)
{
    ir_shape s, old;
    uint64_t n = 1;
    char from[120], to[120];

    if (!ir_good(g, x))
        return IR_NONE;
    if (rank > MLI_MAX_RANK) {
        ir_fail(g, "too many axes (expected at most %u, got %u)", MLI_MAX_RANK,
                rank);
        return IR_NONE;
    }
    s = old = ir_shape_of(g, x);
    s.rank = rank;
    memset(s.dims, 0, sizeof s.dims);
    if (rank)
        memcpy(s.dims, dims, rank * sizeof *dims);
    for (uint32_t i = 0; i < rank && n <= MLI_MAX_ELEMENTS; i++)
        n *= s.dims[i];
    if (n != g->values[x].elements) {
        ir_fail(g, "%s does not reshape to %s", ir_shape_text(&old, from),
                ir_shape_text(&s, to));
        return IR_NONE;
    }
    if (ir_same_dims(&s, &old))
        return x;
    return ir_emit(g, MLI_OP_RESHAPE, 1, &x, &s);
}

ir_id ir_transpose(ir_graph *g, ir_id x, const uint32_t *perm)
{
    ir_shape s, out;
    uint32_t seen = 0, same = 1;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = out = ir_shape_of(g, x);
    for (uint32_t i = 0; i < s.rank; i++) {
        if (perm[i] >= s.rank || seen >> perm[i] & 1u) {
            ir_fail(g, "not an order of %u axes", s.rank);
            return IR_NONE;
        }
        seen |= 1u << perm[i];
        same &= perm[i] == i;
        out.dims[i] = s.dims[perm[i]];
    }
    if (same)
        return x;
    y = ir_emit(g, MLI_OP_TRANSPOSE, 1, &x, &out);
    if (y != IR_NONE)
        memcpy(ir_made(g)->p, perm, s.rank * sizeof *perm);
    return y;
}

ir_id ir_expand(ir_graph *g, ir_id x, uint32_t rank, const uint32_t *dims)
{
    ir_shape s, out;
    char from[120], to[120];
    int fits;

    if (!ir_good(g, x))
        return IR_NONE;
    s = out = ir_shape_of(g, x);
    fits = rank <= MLI_MAX_RANK && rank >= s.rank;
    if (fits) {
        out.rank = rank;
        if (rank)
            memcpy(out.dims, dims, rank * sizeof *dims);
        for (uint32_t i = 1; i <= s.rank; i++)
            fits &= s.dims[s.rank - i] == 1 ||
                    s.dims[s.rank - i] == out.dims[rank - i];
    }
    if (!fits) {
        ir_fail(g, "%s does not expand to %s", ir_shape_text(&s, from),
                ir_shape_text(&out, to));
        return IR_NONE;
    }
    if (ir_same_dims(&s, &out))
        return x;
    return ir_emit(g, MLI_OP_EXPAND, 1, &x, &out);
}

ir_id ir_pad(ir_graph *g, ir_id x, uint32_t axis, uint32_t before,
             uint32_t after, float value)
{
    ir_shape s;
    uint64_t n;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (axis >= s.rank) {
        ir_fail(g, "padding along axis %u of %u", axis, s.rank);
        return IR_NONE;
    }
    if (before == 0 && after == 0)
        return x;
    n = (uint64_t)s.dims[axis] + before + after;
    if (n > MLI_MAX_ELEMENTS) {
        ir_fail(g, "padding by %u and %u is too large", before, after);
        return IR_NONE;
    }
    s.dims[axis] = (uint32_t)n;
    y = ir_emit(g, MLI_OP_PAD, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = axis;
    ir_made(g)->p[1] = before;
    ir_made(g)->p[2] = after;
    ir_made(g)->fp = value;
    return y;
}

static int timed_frames(ir_graph *g, ir_id x, uint32_t frames, const char *what)
{
    if (!g->values[x].timed) {
        ir_fail(g, "%s of a value without a time axis", what);
        return 0;
    }
    if (frames > MLI_MAX_HOLD) {
        ir_fail(g, "%s of %u frames", what, frames);
        return 0;
    }
    return 1;
}

ir_id ir_delay(ir_graph *g, ir_id x, uint32_t frames)
{
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x) || !timed_frames(g, x, frames, "delay"))
        return IR_NONE;
    if (frames == 0)
        return x;
    s = ir_shape_of(g, x);
    y = ir_emit(g, MLI_OP_DELAY, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = frames;
    ir_emit_state(g, frames, (uint32_t)g->values[y].elements, NULL);
    return g->error[0] ? IR_NONE : y;
}

ir_id ir_hold(ir_graph *g, ir_id x, uint32_t frames)
{
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x) || !timed_frames(g, x, frames, "hold"))
        return IR_NONE;
    if (frames == 0)
        return x;
    s = ir_shape_of(g, x);
    y = ir_emit(g, MLI_OP_HOLD, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = frames;
    ir_emit_state(g, 1, 1, NULL);
    return g->error[0] ? IR_NONE : y;
}
