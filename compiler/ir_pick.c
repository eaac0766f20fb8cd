/*
 * ir_pick.c - operators that choose and index.
 */
#include <string.h>
#include "ir_build.h"

ir_id ir_select(ir_graph *g, ir_id c, ir_id a, ir_id b)
{
    ir_id in[3] = {c, a, b};
    ir_shape s = {0, 0, {0}};

    for (int k = 0; k < 3; k++) {
        ir_shape t;
        if (!ir_good(g, in[k]))
            return IR_NONE;
        t = ir_shape_of(g, in[k]);
        s.timed |= t.timed;
        s.rank = t.rank > s.rank ? t.rank : s.rank;
    }
    for (uint32_t i = 1; i <= s.rank; i++) {
        uint32_t n = 1;
        for (int k = 0; k < 3; k++) {
            ir_shape t = ir_shape_of(g, in[k]);
            uint32_t m = i <= t.rank ? t.dims[t.rank - i] : 1;
            if (m != 1 && n != 1 && m != n) {
                ir_fail(g, "axes of %u and %u do not broadcast", m, n);
                return IR_NONE;
            }
            n = m == 1 ? n : m;
        }
        s.dims[s.rank - i] = n;
    }
    return ir_emit(g, MLI_OP_SELECT, 3, in, &s);
}

/* An axis whose elements are counted by a float. */
static int countable(ir_graph *g, const ir_shape *s, uint32_t axis)
{
    char text[120];

    if (axis < s->rank && s->dims[axis] <= MLI_MAX_INDEX)
        return 1;
    ir_fail(g, "indices along axis %u of %s", axis, ir_shape_text(s, text));
    return 0;
}

ir_id ir_gather(ir_graph *g, ir_id x, ir_id index, uint32_t axis)
{
    ir_id in[2] = {x, index}, y;
    ir_shape s, t, out = {0, 0, {0}};

    if (!ir_good(g, x) || !ir_good(g, index))
        return IR_NONE;
    s = ir_shape_of(g, x);
    t = ir_shape_of(g, index);
    if (!countable(g, &s, axis))
        return IR_NONE;
    out.timed = s.timed || t.timed;
    out.rank = s.rank + t.rank - 1;
    if (out.rank > MLI_MAX_RANK) {
        ir_fail(g, "too many axes (expected at most %u, got %u)", MLI_MAX_RANK,
                out.rank);
        return IR_NONE;
    }
    memcpy(out.dims, s.dims, axis * sizeof *s.dims);
    memcpy(out.dims + axis, t.dims, t.rank * sizeof *t.dims);
    memcpy(out.dims + axis + t.rank, s.dims + axis + 1,
           (s.rank - axis - 1) * sizeof *s.dims);
    y = ir_emit(g, MLI_OP_GATHER, 2, in, &out);
    if (y != IR_NONE)
        ir_made(g)->p[0] = axis;
    return y;
}

ir_id ir_scatter(ir_graph *g, mli_scatter how, ir_id x, ir_id index, ir_id u)
{
    ir_id in[3] = {x, index, u}, y;
    ir_shape s, t, v, want = {0, 0, {0}};
    char a[120], b[120];

    if (!ir_good(g, x) || !ir_good(g, index) || !ir_good(g, u))
        return IR_NONE;
    s = ir_shape_of(g, x);
    t = ir_shape_of(g, index);
    v = ir_shape_of(g, u);
    if (!countable(g, &s, 0))
        return IR_NONE;
    want.rank = t.rank + s.rank - 1;
    if (want.rank <= MLI_MAX_RANK) {
        memcpy(want.dims, t.dims, t.rank * sizeof *t.dims);
        memcpy(want.dims + t.rank, s.dims + 1, (s.rank - 1) * sizeof *s.dims);
    }
    if ((unsigned)how >= MLI_SCATTER_COUNT || want.rank > MLI_MAX_RANK ||
        !ir_same_dims(&want, &v)) {
        ir_fail(g, "scattering %s into %s", ir_shape_text(&v, a),
                ir_shape_text(&s, b));
        return IR_NONE;
    }
    s.timed |= t.timed | v.timed;
    y = ir_emit(g, MLI_OP_SCATTER, 3, in, &s);
    if (y != IR_NONE)
        ir_made(g)->p[0] = how;
    return y;
}

/* x with this axis last. */
static ir_id axis_last(ir_graph *g, ir_id x, uint32_t axis, uint32_t *back)
{
    ir_shape s = ir_shape_of(g, x);
    uint32_t perm[MLI_MAX_RANK], n = 0;

    for (uint32_t i = 0; i < s.rank; i++)
        if (i != axis)
            perm[n++] = i;
    perm[n] = axis;
    for (uint32_t i = 0; i < s.rank; i++)
        back[perm[i]] = i;
    return ir_transpose(g, x, perm);
}

ir_id ir_arg(ir_graph *g, ir_id x, uint32_t axis, int smallest, int last)
{
    uint32_t back[MLI_MAX_RANK];
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (!countable(g, &s, axis))
        return IR_NONE;
    x = axis_last(g, x, axis, back);
    if (x == IR_NONE)
        return IR_NONE;
    s = ir_shape_of(g, x);
    s.dims[--s.rank] = 0;
    y = ir_emit(g, MLI_OP_ARG, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = smallest != 0;
    ir_made(g)->p[1] = last != 0;
    return y;
}

ir_id ir_topk(ir_graph *g, ir_id x, uint32_t axis, uint32_t k, int smallest,
              int indices)
{
    uint32_t back[MLI_MAX_RANK];
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (!countable(g, &s, axis))
        return IR_NONE;
    if (k == 0 || k > s.dims[axis]) {
        ir_fail(g, "the first %u of %u", k, s.dims[axis]);
        return IR_NONE;
    }
    x = axis_last(g, x, axis, back);
    if (x == IR_NONE)
        return IR_NONE;
    s = ir_shape_of(g, x);
    s.dims[s.rank - 1] = k;
    y = ir_emit(g, MLI_OP_TOPK, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = k;
    ir_made(g)->p[1] = smallest != 0;
    ir_made(g)->p[2] = indices != 0;
    return ir_transpose(g, y, back);
}

ir_id ir_cumulate(ir_graph *g, ir_id x, uint32_t axis, int product,
                  int exclusive, int reverse)
{
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (axis >= s.rank) {
        ir_fail(g, "a running sum along axis %u of %u", axis, s.rank);
        return IR_NONE;
    }
    y = ir_emit(g, MLI_OP_CUMULATE, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = axis;
    ir_made(g)->p[1] = product != 0;
    ir_made(g)->p[2] = exclusive != 0;
    ir_made(g)->p[3] = reverse != 0;
    return y;
}
