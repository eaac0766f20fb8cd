/*
 * onnx_ml.h - the domain ai.onnx.ml: classical models. What its specification
 * leaves open (which scores a classifier with one row of weights gives, when a
 * threshold is 1/2 ...) is as ONNX Runtime does it.
 *
 * Labels. A predicted label is a number: an integer label is itself, a text is
 * its index in the list of labels. Every list of labels that is met is kept;
 * a float output of as many channels has them as its class labels.
 */
#ifndef MLC_ONNX_ML_H
#define MLC_ONNX_ML_H

#include "onnx_run.h"

const onnx_op *onnx_find_ml_op(const char *name);

/* ------------------------------------------------------------- labels ---- */

typedef struct onnx_classes {
    int64_t count;
    const char *const *names; /* or NULL: ints */
    const int64_t *ints;
} onnx_classes;

/* Keep a list of labels. */
void onnx_ml_classes(onnx_run *r, const onnx_classes *c);
/* Give the port made last, which is v, the labels that fit it. */
void onnx_ml_label_port(onnx_run *r, const onnx_value *v);

/* --------------------------------------------------------- attributes ---- */

/* A list of floats, from attribute `name` or the tensor `name`_as_tensor.
   NULL and 0 if it is missing. */
const float *ml_floats(onnx_run *r, const onnx_call *c, const char *name,
                       size_t *count);
const int64_t *ml_ints(const onnx_call *c, const char *name, size_t *count);
/* Of attributes nodes_*, target_*, class_*. */
const int32_t *ml_nodes(const onnx_call *c, const char *name, size_t *count);
const char **ml_strings(const onnx_call *c, const char *name, size_t *count);
/* classlabels_strings, or else the integers in attribute `ints`. Leaves if
   there are none or too many. */
const onnx_classes *ml_classlabels(onnx_run *r, const onnx_call *c,
                                   const char *ints);

/* --------------------------------------------------------------- rows ---- */

/* An operand as rows; in a stream its first axis may be time. */
typedef struct ml_rows {
    const onnx_value *v;
    ir_id id;      /* [count, width], in a stream [width] */
    int64_t count; /* as the graph has them */
    int64_t width;
} ml_rows;

/* Operand n; 0 if it has no such form, which is said. */
int ml_rows_of(onnx_run *r, onnx_call *c, int n, ml_rows *x);
/* [count, width] */
onnx_value *ml_result(onnx_run *r, const ml_rows *x, int64_t width, ir_id id);
/* Predicted labels, [count]: from the number of the class, [count, 1]. */
onnx_value *ml_label(onnx_run *r, const ml_rows *x, const onnx_classes *classes,
                     ir_id index);

/* ---------------------------------------------------- small functions ---- */

/* The results are [.., 1] or, of `width` columns, [.., width]. */

/* 1 where x > limit, else 0. */
ir_id ml_above(onnx_run *r, ir_id x, float limit);
/* The number of the first greatest of `width` columns. */
ir_id ml_best(onnx_run *r, ir_id x, int64_t width);
/* Columns as sums of columns: w [outputs][inputs]. */
ir_id ml_mix(onnx_run *r, ir_id x, int64_t inputs, int64_t outputs,
             const float *w, const float *b);

typedef struct ml_table { /* looks up a number */
    uint32_t count;
    const float *keys;      /* ascending, without NaN */
    const float *values;    /* of each key */
    const uint32_t *target; /* of each value, or NULL: 0 */
    uint32_t targets;
    int exact;     /* others have the value `missing`, else that of the
                      greatest key that is not above x (or the first) */
    float missing; /* of target 0 */
    int has_nan;   /* NaN has */
    float nan;
    uint32_t nan_target;
} ml_table;

/* x: [.., 1] -> [.., targets] */
ir_id ml_look_up(onnx_run *r, ir_id x, const ml_table *t);

typedef enum ml_post {
    ML_NONE,
    ML_SOFTMAX,
    ML_LOGISTIC,
    ML_SOFTMAX_ZERO,
    ML_PROBIT
} ml_post;

ml_post ml_post_of(onnx_run *r, const onnx_call *c);
/* On `width` scores; one by itself knows only PROBIT. */
ir_id ml_transform(onnx_run *r, ir_id x, int64_t width, ml_post post);
/* Two scores from one, s: [1 - s, s], or [-s, s] with `mixed` or LOGISTIC,
   which is then applied. */
ir_id ml_two_of_one(onnx_run *r, ir_id x, int mixed, ml_post post);

/*
 * A Scan that does nothing but take the distances between the rows of its two
 * operands, one of them constant, as converters of neighbours and Gaussian
 * processes write them. 0 if it is something else.
 */
int onnx_ml_distances(onnx_run *r, onnx_call *c);

/* ---------------------------------------------------------- operators ---- */

void onnx_ml_scaler(onnx_run *r, onnx_call *c, int what);
void onnx_ml_normalizer(onnx_run *r, onnx_call *c, int what);
void onnx_ml_imputer(onnx_run *r, onnx_call *c, int what);
void onnx_ml_binarizer(onnx_run *r, onnx_call *c, int what);
void onnx_ml_vectorizer(onnx_run *r, onnx_call *c, int what);
void onnx_ml_extractor(onnx_run *r, onnx_call *c, int what);
void onnx_ml_label_encoder(onnx_run *r, onnx_call *c, int what);
void onnx_ml_category_mapper(onnx_run *r, onnx_call *c, int what);
void onnx_ml_one_hot(onnx_run *r, onnx_call *c, int what);
void onnx_ml_zip_map(onnx_run *r, onnx_call *c, int what);
void onnx_ml_linear_regressor(onnx_run *r, onnx_call *c, int what);
void onnx_ml_linear_classifier(onnx_run *r, onnx_call *c, int what);
void onnx_ml_svm_regressor(onnx_run *r, onnx_call *c, int what);
void onnx_ml_svm_classifier(onnx_run *r, onnx_call *c, int what);
void onnx_ml_tree_regressor(onnx_run *r, onnx_call *c, int what);
void onnx_ml_tree_classifier(onnx_run *r, onnx_call *c, int what);
void onnx_ml_tree_ensemble(onnx_run *r, onnx_call *c, int what);

#endif
