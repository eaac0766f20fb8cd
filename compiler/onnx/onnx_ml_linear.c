/* onnx_ml_linear.c - ai.onnx.ml: linear models and support vector machines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_ml.h"

/* ------------------------------------------------------ linear models ---- */

/* w [outputs][width]; b NULL: 0. */
static ir_id scores_of(onnx_run *r, const onnx_call *c, const ml_rows *x,
                       int64_t outputs, const float *w, size_t weights,
                       const float *b)
{
    if (outputs < 1 || outputs > MLI_MAX_ELEMENTS || !w ||
        weights != (uint64_t)outputs * (uint64_t)x->width)
        onnx_bad(r, c, "%zu coefficients for %lld outputs of %lld inputs",
                 weights, (long long)outputs, (long long)x->width);
    r->parameters += weights + (b ? (uint64_t)outputs : 0);
    return ml_mix(r, x->id, x->width, outputs, w, b);
}

void onnx_ml_linear_regressor(onnx_run *r, onnx_call *c, int what)
{
    size_t weights, biases;
    const float *w = ml_floats(r, c, "coefficients", &weights);
    const float *b = ml_floats(r, c, "intercepts", &biases);
    int64_t targets = onnx_int(c, "targets", 1);
    ml_post post = ml_post_of(r, c);
    ml_rows x;
    ir_id id;
    (void)what;
    if (!ml_rows_of(r, c, 0, &x))
        return;
    id = scores_of(r, c, &x, targets, w, weights,
                   (int64_t)biases == targets ? b : NULL);
    c->out[0] = ml_result(r, &x, targets, ml_transform(r, id, targets, post));
}

/* One row of weights for two classes: its score is that of the second. */
static void one_score(onnx_run *r, onnx_call *c, const ml_rows *x, ir_id id,
                      const onnx_classes *k)
{
    static const int64_t usual[2] = {0, 1};
    static const onnx_classes plain = {2, NULL, usual};
    ml_post post = ml_post_of(r, c);
    c->out[0] =
        ml_label(r, x, k->count == 2 ? k : &plain, ml_above(r, id, 0.f));
    if (c->outputs < 2)
        return;
    if (k->count != 2 || post == ML_PROBIT)
        c->out[1] = ml_result(r, x, 1, ml_transform(r, id, 1, post));
    else
        c->out[1] = ml_result(r, x, 2, ml_two_of_one(r, id, 0, post));
}

void onnx_ml_linear_classifier(onnx_run *r, onnx_call *c, int what)
{
    size_t weights, outputs;
    const float *w = ml_floats(r, c, "coefficients", &weights);
    const float *b = ml_floats(r, c, "intercepts", &outputs);
    const onnx_classes *k = ml_classlabels(r, c, "classlabels_ints");
    ml_post post = ml_post_of(r, c);
    ml_rows x;
    ir_id id;
    (void)what;
    if (!ml_rows_of(r, c, 0, &x))
        return;
    if (!b) /* the specification allows none */
        outputs = weights / (size_t)x.width;
    id = scores_of(r, c, &x, (int64_t)outputs, w, weights, b);
    if (outputs == 1) {
        one_score(r, c, &x, id, k);
        return;
    }
    if ((int64_t)outputs != k->count)
        onnx_bad(r, c, "%lld labels for %zu scores", (long long)k->count,
                 outputs);
    c->out[0] = ml_label(r, &x, k, ml_best(r, id, k->count));
    if (c->outputs > 1)
        c->out[1] =
            ml_result(r, &x, k->count, ml_transform(r, id, k->count, post));
}

/* -------------------------------------------- support vector machines ---- */

typedef struct svm {
    const char *kernel;
    float gamma, coef0, degree;
    int64_t vectors;
    const float *vector;      /* [vectors][width] */
    const float *coefficient; /* of them */
    size_t coefficients;
    const float *rho;
    size_t rhos;
} svm;

/* Leaves if the attributes do not fit. */
static void read_svm(onnx_run *r, const onnx_call *c, const ml_rows *x,
                     int64_t vectors, svm *s)
{
    size_t params, numbers;
    const float *p = ml_floats(r, c, "kernel_params", &params);
    memset(s, 0, sizeof *s);
    s->kernel = onnx_string(c, "kernel_type", "LINEAR");
    if (p && params != 3)
        onnx_bad(r, c, "%zu kernel_params (expected gamma, coef0, degree)",
                 params);
    if (p) {
        s->gamma = p[0];
        s->coef0 = p[1];
        s->degree = p[2];
    }
    s->vectors = vectors;
    s->vector = ml_floats(r, c, "support_vectors", &numbers);
    s->coefficient = ml_floats(r, c, "coefficients", &s->coefficients);
    s->rho = ml_floats(r, c, "rho", &s->rhos);
    if (!s->coefficient || !s->rho)
        onnx_bad(r, c, "coefficients or rho are missing");
    if (vectors < 0 || vectors > MLI_MAX_ELEMENTS ||
        (vectors && numbers != (uint64_t)vectors * (uint64_t)x->width))
        onnx_bad(r, c,
                 "%zu numbers in support_vectors (expected %lld vectors of "
                 "%lld)",
                 numbers, (long long)vectors, (long long)x->width);
    r->parameters += numbers + s->coefficients + s->rhos;
}

/* gamma * <x, vector> + coef0 */
static ir_id products(onnx_run *r, const ml_rows *x, const svm *s)
{
    int64_t n = s->vectors * x->width;
    float *w = onnx_take(r->pool, (size_t)n, sizeof *w);
    float *b = onnx_take(r->pool, (size_t)s->vectors, sizeof *b);
    for (int64_t i = 0; i < n; i++)
        w[i] = s->gamma * s->vector[i];
    for (int64_t i = 0; i < s->vectors; i++)
        b[i] = s->coef0;
    return ml_mix(r, x->id, x->width, s->vectors, w, b);
}

/* The kernel's value for each vector. */
static ir_id kernels(onnx_run *r, const onnx_call *c, const ml_rows *x,
                     const svm *s)
{
    const float scale = -s->gamma, none = 0.f;
    ir_id y;
    if (!strcmp(s->kernel, "LINEAR"))
        return ml_mix(r, x->id, x->width, s->vectors, s->vector, NULL);
    if (!strcmp(s->kernel, "POLY"))
        return ir_binary(r->g, MLI_POW, products(r, x, s),
                         ir_scalar(r->g, s->degree));
    if (!strcmp(s->kernel, "SIGMOID"))
        return ir_unary(r->g, MLI_TANH, 0.f, 0.f, products(r, x, s));
    if (strcmp(s->kernel, "RBF"))
        onnx_bad(r, c, "kernel_type is %.40s", s->kernel);
    y = ir_distance(r->g, x->id, (uint32_t)x->width, (uint32_t)s->vectors,
                    MLI_SQUARED_EUCLIDEAN, 0.f, s->vector);
    return ir_unary(r->g, MLI_EXP, 0.f, 0.f,
                    ir_affine(r->g, y, 1, &scale, &none));
}

void onnx_ml_svm_regressor(onnx_run *r, onnx_call *c, int what)
{
    static const float w = 2.f, b = -1.f;
    int64_t vectors = onnx_int(c, "n_supports", 0);
    ml_rows x;
    ir_id id;
    svm s;
    (void)what;
    if (!ml_rows_of(r, c, 0, &x))
        return;
    read_svm(r, c, &x, vectors, &s);
    if (s.coefficients != (size_t)(vectors ? vectors : x.width))
        onnx_bad(r, c, "%zu coefficients (expected %lld)", s.coefficients,
                 (long long)(vectors ? vectors : x.width));
    id = vectors ? ml_mix(r, kernels(r, c, &x, &s), vectors, 1, s.coefficient,
                          s.rho)
                 : ml_mix(r, x.id, x.width, 1, s.coefficient, s.rho);
    if (onnx_int(c, "one_class", 0)) /* 1 or -1 */
        id = ir_affine(r->g, ml_above(r, id, 0.f), 1, &w, &b);
    c->out[0] = ml_result(r, &x, 1, id);
}

/* -------------------------------------------------------- classifiers ---- */

#define MAX_PAIRS 32640 /* 256 classes */

/*
 * A score for each pair i < j from the kernels' values: the coefficients of a
 * class's vectors against the k-th other class are row k of `coefficients`.
 */
static ir_id pair_scores(onnx_run *r, const svm *s, const int64_t *per_class,
                         int64_t classes, ir_id values)
{
    int64_t pairs = classes * (classes - 1) / 2, n = 0, vi = 0;
    float *w;
    if (pairs > MLI_MAX_ELEMENTS / s->vectors)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "%lld support vectors of %lld classes are too many",
                  (long long)s->vectors, (long long)classes);
    w = onnx_take(r->pool, (size_t)(pairs * s->vectors), sizeof *w);
    for (int64_t i = 0; i < classes; vi += per_class[i++]) {
        int64_t vj = vi + per_class[i];
        for (int64_t j = i + 1; j < classes; vj += per_class[j++], n++) {
            float *row = w + n * s->vectors;
            memcpy(row + vi, s->coefficient + (j - 1) * s->vectors + vi,
                   (size_t)per_class[i] * sizeof *w);
            memcpy(row + vj, s->coefficient + i * s->vectors + vj,
                   (size_t)per_class[j] * sizeof *w);
        }
    }
    return ml_mix(r, values, s->vectors, pairs, w, s->rho);
}

/* A vote of each pair: for i if its score is above 0, else for j. */
static ir_id votes(onnx_run *r, int64_t classes, ir_id scores)
{
    int64_t pairs = classes * (classes - 1) / 2, n = 0;
    float *w = onnx_take(r->pool, (size_t)(pairs * classes), sizeof *w);
    float *b = onnx_take(r->pool, (size_t)classes, sizeof *b);
    ir_id won = ir_unary(r->g, MLI_SIGN, 0.f, 0.f, scores);
    won = ir_unary(r->g, MLI_RELU, 0.f, 0.f, won);
    for (int64_t i = 0; i < classes; i++)
        for (int64_t j = i + 1; j < classes; j++, n++) {
            w[i * pairs + n] = 1.f;
            w[j * pairs + n] = -1.f;
            b[j] += 1.f;
        }
    return ml_mix(r, won, pairs, classes, w, b);
}

/* Of each pair, by the logistic function fitted to its scores. */
static ir_id probabilities(onnx_run *r, const onnx_call *c, int64_t classes,
                           ir_id scores, const float *a, const float *b)
{
    int64_t pairs = classes * (classes - 1) / 2;
    float *scale = onnx_take(r->pool, (size_t)pairs, sizeof *scale);
    float *shift = onnx_take(r->pool, (size_t)pairs, sizeof *shift);
    (void)c;
    for (int64_t i = 0; i < pairs; i++) {
        scale[i] = -a[i];
        shift[i] = -b[i];
    }
    scores = ir_affine(r->g, scores, (uint32_t)pairs, scale, shift);
    scores = ir_unary(r->g, MLI_SIGMOID, 0.f, 0.f, scores);
    return ir_couple(r->g, scores, (uint32_t)classes);
}

/* The second of two classes wherever the greater score is above 0, or at least
   1/2 if no coefficient is negative; else the greater one. */
static ir_id one_of_two(onnx_run *r, const svm *s, ir_id scores)
{
    uint32_t last = ir_get(r->g, scores)->rank - 1;
    ir_id most = ir_reduce(r->g, MLI_REDUCE_MAX, scores, 1u << last, 1);
    float limit = nextafterf(0.5f, 0.f);
    for (size_t i = 0; i < s->coefficients; i++)
        if (s->coefficient[i] < 0.f)
            limit = 0.f;
    return ir_binary(r->g, MLI_MAX, ml_above(r, most, limit),
                     ml_best(r, scores, 2));
}

/* Without support vectors: a row of coefficients for each class. */
static void liblinear(onnx_run *r, onnx_call *c, const ml_rows *x,
                      const onnx_classes *k, const svm *s, int fitted)
{
    float *b = onnx_take(r->pool, (size_t)k->count, sizeof *b);
    ir_id id;
    if (k->count < 2 ||
        s->coefficients != (uint64_t)k->count * (uint64_t)x->width)
        onnx_bad(r, c, "%zu coefficients for %lld classes of %lld inputs",
                 s->coefficients, (long long)k->count, (long long)x->width);
    for (int64_t i = 0; i < k->count; i++)
        b[i] = s->rho[0];
    id = ml_mix(r, x->id, x->width, k->count, s->coefficient, b);
    c->out[0] = ml_label(r, x, k,
                         k->count == 2 && !fitted && id != IR_NONE
                             ? one_of_two(r, s, id)
                             : ml_best(r, id, k->count));
    if (c->outputs > 1)
        c->out[1] = ml_result(r, x, k->count,
                              ml_transform(r, id, k->count, ml_post_of(r, c)));
}

static int64_t count_vectors(onnx_run *r, const onnx_call *c,
                             const int64_t *per_class, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (per_class[i] < 0 || per_class[i] > MLI_MAX_ELEMENTS)
            onnx_bad(r, c, "a class of %lld vectors", (long long)per_class[i]);
        sum += per_class[i];
        if (sum > MLI_MAX_ELEMENTS)
            onnx_bad(r, c, "too many support vectors");
    }
    return sum;
}

void onnx_ml_svm_classifier(onnx_run *r, onnx_call *c, int what)
{
    size_t count, as, bs;
    const int64_t *per_class = ml_ints(c, "vectors_per_class", &count);
    const float *a = ml_floats(r, c, "prob_a", &as);
    const float *b = ml_floats(r, c, "prob_b", &bs);
    const onnx_classes *k = ml_classlabels(r, c, "classlabels_ints");
    int64_t vectors = count_vectors(r, c, per_class, count), pairs;
    ml_post post = ml_post_of(r, c);
    ir_id scores;
    ml_rows x;
    svm s;
    (void)what;
    if (!ml_rows_of(r, c, 0, &x))
        return;
    read_svm(r, c, &x, vectors, &s);
    if (!vectors) {
        liblinear(r, c, &x, k, &s, as != 0);
        return;
    }
    pairs = k->count * (k->count - 1) / 2;
    if (k->count < 2 || pairs > MAX_PAIRS || (int64_t)count != k->count ||
        s.coefficients != (uint64_t)(k->count - 1) * (uint64_t)vectors ||
        (int64_t)s.rhos != pairs || as != bs || (as && (int64_t)as != pairs))
        onnx_bad(r, c,
                 "%lld classes, %zu of them with vectors, %zu coefficients, "
                 "%zu rho, %zu prob_a, %zu prob_b do not fit together",
                 (long long)k->count, count, s.coefficients, s.rhos, as, bs);
    scores = pair_scores(r, &s, per_class, k->count, kernels(r, c, &x, &s));
    c->out[0] =
        ml_label(r, &x, k, ml_best(r, votes(r, k->count, scores), k->count));
    if (c->outputs < 2)
        return;
    if (as) {
        scores = probabilities(r, c, k->count, scores, a, b);
        c->out[1] =
            ml_result(r, &x, k->count, ml_transform(r, scores, k->count, post));
    } else if (k->count == 2) {
        c->out[1] = ml_result(r, &x, 2,
                              ml_two_of_one(r, scores, post == ML_NONE, post));
    } else {
        c->out[1] =
            ml_result(r, &x, pairs, ml_transform(r, scores, pairs, post));
    }
}
