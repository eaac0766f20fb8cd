/*
 * ir_classical.c - ensembles of trees, distances, coupled probabilities.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

/* A constant of n words. */
static ir_id words(ir_graph *g, uint64_t n, const void *data)
{
    float *copy;

    if (n > MLI_MAX_ELEMENTS) {
        ir_fail(g, "an ensemble of %llu words is too large",
                (unsigned long long)n);
        return IR_NONE;
    }
    copy = ir_floats(g, n);
    if (!copy)
        return IR_NONE;
    memcpy(copy, data, (size_t)n * sizeof *copy);
    return ir_take(g, IR_PLAIN, n, copy);
}

/* x with another last dim; rank 0 if x's is not `inputs`. */
static ir_shape rows_of(ir_graph *g, ir_id x, const char *what, uint32_t inputs,
                        uint32_t outputs)
{
    ir_shape s = ir_shape_of(g, x), none = {0, 0, {0}};
    char text[120];

    if (!inputs || !outputs || s.rank == 0 || s.dims[s.rank - 1] != inputs) {
        ir_fail(g, "%s of %u inputs and %u outputs on %s", what, inputs,
                outputs, ir_shape_text(&s, text));
        return none;
    }
    s.dims[s.rank - 1] = outputs;
    return s;
}

ir_id ir_trees(ir_graph *g, ir_id x, uint32_t features, const ir_forest *f)
{
    uint32_t operands = 4;
    ir_shape s;
    ir_id in[5], y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = rows_of(g, x, "trees", features, f->targets);
    if (!s.rank)
        return IR_NONE;
    in[0] = x;
    in[1] = words(g, 3 * (uint64_t)f->nodes, f->node);
    in[2] = words(g, f->trees, f->root);
    in[3] = ir_const1(g, f->targets, f->base);
    if (f->weights)
        in[operands++] = words(g, 2 * (uint64_t)f->weights, f->weight);
    y = ir_emit(g, MLI_OP_TREES, operands, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = features;
    ir_made(g)->p[1] = f->targets;
    ir_made(g)->p[2] = f->aggregate;
    return y;
}

ir_id ir_distance(ir_graph *g, ir_id x, uint32_t inputs, uint32_t points,
                  mli_distance metric, float exponent, const float *w)
{
    ir_shape s;
    ir_id in[2], y;

    if (!ir_good(g, x))
        return IR_NONE;
    s = rows_of(g, x, "distances", inputs, points);
    if (!s.rank)
        return IR_NONE;
    in[0] = x;
    in[1] = ir_pack(g, points, inputs, w);
    y = ir_emit(g, MLI_OP_DISTANCE, 2, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = inputs;
    ir_made(g)->p[1] = points;
    ir_made(g)->p[2] = metric;
    ir_made(g)->fp =
        metric == MLI_MINKOWSKI || metric == MLI_POWER_SUM ? exponent : 0.f;
    return y;
}

ir_id ir_couple(ir_graph *g, ir_id x, uint32_t classes)
{
    ir_shape s;
    ir_id y;

    if (!ir_good(g, x))
        return IR_NONE;
    if (classes < 2 || classes > 65536) {
        ir_fail(g, "probabilities of %u classes", classes);
        return IR_NONE;
    }
    s = rows_of(g, x, "pairs of classes",
                (uint32_t)((uint64_t)classes * (classes - 1) / 2), classes);
    if (!s.rank)
        return IR_NONE;
    y = ir_emit(g, MLI_OP_COUPLE, 1, &x, &s);
    if (y != IR_NONE)
        ir_made(g)->p[0] = classes;
    return y;
}
