/*
 * onnx_linear.c - matrix products, convolutions along time.
 */
#include <string.h>
#include "onnx_image.h"

/* ------------------------------------------------------------- matrix ---- */

/* A constant matrix as it lies: outputs along its rows (w[outputs][inputs]) or
   its columns. */
typedef struct matrix {
    const float *w; /* or NULL: */
    ir_bytes bytes;
    int columns;
} matrix;

/* b is [inputs][outputs] (columns), or [outputs][inputs], behind axes of one.
 */
static matrix matrix_of(onnx_run *r, const onnx_value *b, int columns)
{
    matrix m = {NULL, {0}, columns};
    int outputs = b->rank - (columns ? 1 : 2);
    if (b->rank > 1 && onnx_layer_bytes(r, b, outputs, &m.bytes)) {
        int inputs = 2 * b->rank - 3 - outputs;
        m.bytes.output = (size_t)b->raw->strides[outputs];
        m.bytes.input = (size_t)b->raw->strides[inputs];
    } else {
        m.w = onnx_floats(r, b);
    }
    return m;
}

static ir_id layer(ir_graph *g, ir_id x, uint32_t in, uint32_t out,
                   const matrix *m, const float *b)
{
    if (!m->w)
        return ir_linear_bytes(g, x, in, out, &m->bytes, b);
    return m->columns ? ir_linear_columns(g, x, in, out, m->w, b)
                      : ir_linear(g, x, in, out, m->w, b);
}

/* x w^T over the last axis of x. */
static onnx_value *dense(onnx_run *r, onnx_value *x, int64_t outputs, matrix m,
                         const float *b)
{
    int64_t dims[ONNX_MAX_RANK];
    ir_id id = onnx_kept_id(r, x, 1u << (x->rank - 1));
    uint32_t in = (uint32_t)x->dims[x->rank - 1], out = (uint32_t)outputs;
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = outputs;
    return onnx_result(r, x, x->rank, dims, x->time,
                       layer(r->g, id, in, out, &m, b));
}

onnx_value *onnx_swap_last(onnx_run *r, onnx_value *v)
{
    int perm[ONNX_MAX_RANK];
    for (int i = 0; i < v->rank; i++)
        perm[i] = i;
    perm[v->rank - 1] = v->rank - 2;
    perm[v->rank - 2] = v->rank - 1;
    return onnx_transposed(r, v, perm);
}

/* A constant that is one matrix (or vector) whatever its leading ones. */
static int is_matrix(const onnx_value *v)
{
    if (v->kind != ONNX_CONST || v->rank < 1)
        return 0;
    for (int i = 0; i < v->rank - 2; i++)
        if (v->dims[i] != 1)
            return 0;
    return 1;
}

/* The dims of one frame of an operand; time is `from_end` axes from its end in
   a stream, else -1. The matrix stays whole: where time numbers a's rows, that
   axis becomes 1. */
static uint32_t matrix_dims(const onnx_run *r, const onnx_value *v,
                            int from_end, uint32_t *dims)
{
    uint32_t rank = 0;
    for (int i = 0; i < v->rank; i++) {
        if (from_end > 2 && v->rank - i == from_end)
            continue;
        dims[rank++] =
            onnx_timed(r, v) && i == v->time ? 1u : (uint32_t)v->dims[i];
    }
    return rank;
}

/* A factor that an operand was multiplied or divided by, to be put into the
   product. */
static onnx_value *without_factor(onnx_value *v, float *factor)
{
    float x;
    while (v->op && v->inputs == 2 && v->in[0] && v->in[1]) {
        int divided = !strcmp(v->op, "Div");
        onnx_value *a = v->in[0], *b = v->in[1];
        if (!divided && strcmp(v->op, "Mul"))
            break;
        if (!divided && onnx_single(a, &x)) {
            onnx_value *swap = a;
            a = b;
            b = swap;
        }
        if (!onnx_single(b, &x) || !onnx_same_dims(a, v) || a->pad ||
            a->kind != ONNX_RUNS || (divided && x == 0.f))
            break;
        *factor = divided ? *factor / x : *factor * x;
        v = a;
    }
    return v;
}

/* Time in the operands of a product, counted from their ends: in the matrices
   themselves only the rows of a may be frames. The axis that y has, or -1. */
static int time_of_product(onnx_run *r, onnx_call *c, const onnx_value *a,
                           const onnx_value *b, int transposed)
{
    int ta = a->time < 0 ? -1 : a->rank - a->time;
    int tb = b->time < 0 ? -1 : b->rank - b->time;
    int columns = transposed ? 2 : 1;
    r->layers_in_time += ta == 2 && tb == columns; /* attention over time */
    if (ta == 1 || tb == 1 || tb == 2 || (ta > 0 && tb > 0 && ta != tb)) {
        onnx_not_in_time(r, c, "mixes frames of different times");
        return -1;
    }
    if (r->mode == MLI_STREAM && ta > 2 && tb < 0 && ta <= b->rank &&
        b->dims[b->rank - ta] != 1)
        onnx_not_in_time(r, c, "uses matrices that belong to one length");
    if (r->mode == MLI_STREAM && tb > 2 && ta < 0 && tb <= a->rank &&
        a->dims[a->rank - tb] != 1)
        onnx_not_in_time(r, c, "uses matrices that belong to one length");
    return ta > 0 ? ta : tb;
}

onnx_value *onnx_product(onnx_run *r, onnx_call *c, onnx_value *a,
                         onnx_value *b, int transposed, float factor)
{
    int64_t dims[ONNX_MAX_RANK];
    uint32_t da[ONNX_MAX_RANK], db[ONNX_MAX_RANK], ra, rb;
    int rank = a->rank > b->rank ? a->rank : b->rank, time, from_end;
    onnx_value *v[2] = {without_factor(a, &factor), without_factor(b, &factor)};
    onnx_value *y;
    for (int i = 1; i <= rank; i++) {
        int64_t m = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t n = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (i > 2 && m != n && m != 1 && n != 1)
            onnx_bad(r, c, "axes of %lld and %lld do not broadcast",
                     (long long)m, (long long)n);
        dims[rank - i] = i == 2 ? m : m == 1 ? n : m;
    }
    dims[rank - 1] = b->dims[b->rank - (transposed ? 2 : 1)];
    if (a->dims[a->rank - 1] != b->dims[b->rank - (transposed ? 1 : 2)])
        onnx_bad(r, c, "inner sizes differ (%lld, %lld)",
                 (long long)a->dims[a->rank - 1],
                 (long long)b->dims[b->rank - (transposed ? 1 : 2)]);
    time = time_of_product(r, c, a, b, transposed);
    onnx_align(r, v, 2);
    y = onnx_new(r, ONNX_RUNS,
                 onnx_type_is_float(a->type) ? a->type : ONNX_INT32, rank,
                 dims);
    y->time = time > 0 ? rank - time : -1;
    for (int k = 0; k < 2; k++)
        if (onnx_timed(r, v[k]))
            y->shift = v[k]->shift;
    from_end = r->mode == MLI_STREAM ? time : -1;
    ra = matrix_dims(r, v[0], from_end, da);
    rb = matrix_dims(r, v[1], from_end, db);
    y->id = ir_matmul(r->g, onnx_as(r, v[0], ra, da), onnx_as(r, v[1], rb, db),
                      transposed, factor);
    return y;
}

static onnx_value *times_constant(onnx_run *r, onnx_call *c, onnx_value *a,
                                  onnx_value *b)
{
    int64_t n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    onnx_value *y;
    if (a->time == a->rank - 1)
        onnx_not_in_time(r, c, "is a matrix product over time");
    y = dense(r, a, n, matrix_of(r, b, 1), NULL);
    if (a->time == a->rank - 1)
        y->time = -1;
    return b->rank > 1 ? y : onnx_reshaped(r, c, y, y->rank - 1, y->dims);
}

static onnx_value *constant_times(onnx_run *r, onnx_call *c, onnx_value *a,
                                  onnx_value *b)
{
    int64_t m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    onnx_value *y;
    if (b->time >= 0 && b->time == (b->rank > 1 ? b->rank - 2 : 0))
        onnx_not_in_time(r, c, "is a matrix product over time");
    y = b->rank > 1 ? onnx_swap_last(r, b) : b;
    y = dense(r, y, m, matrix_of(r, a, 0), NULL);
    if (b->rank > 1)
        y = onnx_swap_last(r, y);
    if (a->rank == 1 && b->rank > 1) {
        int64_t dims[ONNX_MAX_RANK];
        memcpy(dims, y->dims, sizeof dims);
        dims[y->rank - 2] = dims[y->rank - 1];
        y = onnx_reshaped(r, c, y, y->rank - 1, dims);
    }
    return y;
}

onnx_value *onnx_matmul(onnx_run *r, onnx_call *c, onnx_value *a, onnx_value *b)
{
    onnx_value *y;
    int64_t one[ONNX_MAX_RANK] = {1, 1}, ka, kb;
    int short_a = a->rank == 1, short_b = b->rank == 1;
    if (!a->rank || !b->rank)
        onnx_bad(r, c, "a matrix product of a scalar");
    ka = a->dims[a->rank - 1];
    kb = b->rank > 1 ? b->dims[b->rank - 2] : b->dims[0];
    if (ka != kb)
        onnx_bad(r, c, "inner sizes differ (expected %lld, got %lld)",
                 (long long)ka, (long long)kb);
    if (is_matrix(b) && b->rank <= (short_a ? 2 : a->rank)) {
        return times_constant(r, c, a, b);
    }
    if (is_matrix(a) && a->rank <= (short_b ? 2 : b->rank)) {
        return constant_times(r, c, a, b);
    }
    if (short_a) {
        one[1] = a->dims[0];
        a = onnx_reshaped(r, c, a, 2, one);
    }
    if (short_b) {
        one[0] = b->dims[0];
        one[1] = 1;
        b = onnx_reshaped(r, c, b, 2, one);
    }
    y = onnx_product(r, c, a, b, 0, 1.f);
    if (short_a || short_b) {
        int64_t dims[ONNX_MAX_RANK];
        int rank = 0;
        for (int i = 0; i < y->rank; i++)
            if (!(short_a && i == y->rank - 2) &&
                !(short_b && i == y->rank - 1))
                dims[rank++] = y->dims[i];
        y = onnx_reshaped(r, c, y, rank, dims);
    }
    return y;
}

void onnx_do_matmul(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_matmul(r, c, c->in[0], c->in[1]);
}

/* Gemm's third operand as one number per output, times beta; NULL if it is
   something else. */
static float *gemm_bias(onnx_run *r, onnx_value *v, int64_t outputs, float beta)
{
    int64_t n = v->kind == ONNX_CONST ? onnx_elements(v) : 0;
    float *b;
    if (!(n == 1 || (n == outputs && v->rank && v->dims[v->rank - 1] == n)))
        return NULL;
    b = onnx_take(r->pool, (size_t)outputs, sizeof *b);
    for (int64_t i = 0; i < outputs; i++)
        b[i] = beta * onnx_at(v, n == 1 ? 0 : i);
    return b;
}

static const float *scaled(onnx_run *r, const float *w, int64_t n, float by)
{
    float *to = onnx_take(r->pool, (size_t)n, sizeof *to);
    for (int64_t i = 0; i < n; i++)
        to[i] = w ? w[i] * by : by;
    return to;
}

void onnx_do_gemm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *a = c->in[0], *b = c->in[1], *y;
    onnx_value *add = onnx_input(c, 2);
    float alpha = onnx_float(c, "alpha", 1.f), beta = onnx_float(c, "beta", 1);
    int turned = (int)onnx_int(c, "transB", 0) != 0;
    int64_t k, n;
    float *bias = NULL;
    (void)what;
    if (a->rank > 2 && c->opset < 7) /* older ones flattened by themselves */
        onnx_bad(r, c, "a matrix with %d axes", a->rank);
    if (a->rank != 2 || b->rank != 2)
        onnx_bad(r, c, "matrices with %d and %d axes", a->rank, b->rank);
    if (onnx_int(c, "transA", 0))
        a = onnx_swap_last(r, a);
    if (turned && b->kind != ONNX_CONST) {
        b = onnx_swap_last(r, b);
        turned = 0;
    }
    k = b->dims[turned];
    n = b->dims[!turned];
    if (a->dims[1] != k)
        onnx_bad(r, c, "inner sizes differ (expected %lld, got %lld)",
                 (long long)k, (long long)a->dims[1]);
    if (b->kind != ONNX_CONST) {
        y = a->kind == ONNX_CONST ? constant_times(r, c, a, b)
                                  : onnx_product(r, c, a, b, 0, 1.f);
        if (alpha != 1.f)
            y = onnx_binary(r, c, MLI_MUL, y, onnx_new_scalar(r, alpha));
    } else {
        matrix m = matrix_of(r, b, !turned);
        if (alpha != 1.f && m.w)
            m.w = scaled(r, m.w, k * n, alpha);
        else if (alpha != 1.f)
            m.bytes.scale = scaled(r, m.bytes.scale, n, alpha);
        if (a->time == 1)
            onnx_not_in_time(r, c, "is a matrix product over time");
        bias = add ? gemm_bias(r, add, n, beta) : NULL;
        y = dense(r, a, n, m, bias);
        if (a->time == 1)
            y->time = -1;
    }
    if (add && !bias && beta != 0.f) {
        if (beta != 1.f)
            add = onnx_binary(r, c, MLI_MUL, add, onnx_new_scalar(r, beta));
        y = onnx_binary(r, c, MLI_ADD, y, add);
    }
    c->out[0] = y;
}
