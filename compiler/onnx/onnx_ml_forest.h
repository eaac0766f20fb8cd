/*
 * onnx_ml_forest.h - ensembles of trees as the attributes have them, brought
 * into the runtime's order.
 */
#ifndef MLC_ONNX_ML_FOREST_H
#define MLC_ONNX_ML_FOREST_H

#include "onnx_ml.h"

/*
 * Items are branches and leaves. A branch compares: key as in mli_tree_node, or
 * with `member` set equality with each of several values. A leaf has the
 * weights first[i] to first[i + 1] - 1.
 */
typedef struct ml_forest {
    uint32_t items, trees;
    uint32_t *key;      /* MLI_TREE_LEAF for leaves */
    const float *value; /* of branches */
    uint32_t *yes, *no; /* items, checked to be there */
    uint32_t *root;     /* items */
    uint32_t *first;    /* items + 1 */
    uint32_t *target;   /* of each weight, in the order of items */
    float *weight;
    uint32_t *members;   /* NULL, or of each item: where its values begin in */
    const float *member; /* this list, which NaN separates */
    uint32_t member_count;
} ml_forest;

/*
 * Lay it out and make the operator. Leaves if items are reached twice (a cycle,
 * or branches that share a child; leaves may be shared).
 */
ir_id ml_plant(onnx_run *r, const onnx_call *c, ir_id x, int64_t features,
               const ml_forest *f, mli_aggregate aggregate, uint32_t targets,
               const float *base);

#endif
