/* ir_requantize.c - whole numbers times fixed-point factors, and from tables.
 */
#include "ir_build.h"

static ir_id parameters(ir_graph *g, ir_id y, mli_requantize kind,
                        const ir_factors *f)
{
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = kind;
    ir_made(g)->p[1] = f->rounding;
    ir_made(g)->p[2] = f->left;
    ir_made(g)->fp = f->low;
    ir_made(g)->fq = f->high;
    return y;
}

ir_id ir_requantize(ir_graph *g, mli_requantize kind, ir_id x, ir_id u,
                    const ir_factors *f)
{
    int two = (kind >= MLI_REQUANTIZE_ADD && kind <= MLI_REQUANTIZE_MUL) ||
              kind == MLI_REQUANTIZE_WIDE;
    ir_id in[3] = {x, u, IR_NONE}, y;
    ir_shape s;
    float *m;

    if (!ir_good(g, x) || (two && !ir_good(g, u)))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (two) {
        ir_shape t = ir_shape_of(g, u);
        if (!ir_same_dims(&s, &t) || s.timed != t.timed) {
            ir_fail(g, "operands of different shapes");
            return IR_NONE;
        }
    }
    m = ir_floats(g, 3 * (uint64_t)f->n);
    if (!m)
        return IR_NONE;
    for (uint32_t i = 0; i < f->n; i++) {
        m[3 * i] = (float)(f->m[i] / 65536);
        m[3 * i + 1] = (float)(f->m[i] % 65536);
        m[3 * i + 2] = (float)f->s[i];
    }
    in[two ? 2 : 1] = ir_take(g, IR_PLAIN, 3 * (uint64_t)f->n, m);
    y = ir_emit(g, MLI_OP_REQUANTIZE, two ? 3 : 2, in, &s);
    return parameters(g, y, kind, f);
}

ir_id ir_lookup(ir_graph *g, ir_id x, uint32_t n, const float *table,
                const ir_factors *f)
{
    ir_id in[2] = {x, IR_NONE}, y;
    ir_shape s;

    if (!ir_good(g, x))
        return IR_NONE;
    s = ir_shape_of(g, x);
    in[1] = ir_const1(g, n, table);
    y = ir_emit(g, MLI_OP_REQUANTIZE, 2, in, &s);
    return parameters(g, y, MLI_REQUANTIZE_TABLE, f);
}
