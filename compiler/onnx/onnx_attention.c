/*
 * onnx_attention.c - Attention, rotary positions, and the normalisation that
 * goes with a skip.
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "onnx_run.h"

/* What a masked score is, where the mask is known at run time only: nothing is
   left of it, and it is a number still. */
#define LEAST (-1e38f)

typedef struct attention {
    int64_t batch, heads, shared; /* heads of k and v, and of q for each */
    int64_t queries, keys, past;
    float scale, softcap;
    onnx_value *q, *k, *v; /* [B, H, length, size] */
} attention;

static int wants(const onnx_call *c, int n)
{
    return c->outputs > n && c->node->out[n][0];
}

/* [B, H, length, size] of an input with 3 or 4 axes. */
static onnx_value *in_heads(onnx_run *r, onnx_call *c, onnx_value *v,
                            const char *attr)
{
    static const int swap[4] = {0, 2, 1, 3};
    int64_t heads = onnx_int(c, attr, 0), dims[4];
    if (v->rank == 4)
        return v;
    if (v->rank != 3 || heads < 1 || v->dims[2] % heads)
        onnx_bad(r, c, "%lld heads of a tensor with %d axes", (long long)heads,
                 v->rank);
    dims[0] = v->dims[0];
    dims[1] = v->dims[1];
    dims[2] = heads;
    dims[3] = v->dims[2] / heads;
    return onnx_transposed(r, onnx_reshaped(r, c, v, 4, dims), swap);
}

/* Behind what was before it. */
static onnx_value *after(onnx_run *r, onnx_call *c, onnx_value *past,
                         onnx_value *now)
{
    onnx_value *both[2] = {past, now};
    if (!past)
        return now;
    if (past->rank != 4)
        onnx_bad(r, c, "a past with %d axes", past->rank);
    return past->dims[2] ? onnx_concat(r, c, both, 2, 2) : now;
}

static void operands(onnx_run *r, onnx_call *c, attention *a)
{
    onnx_value *past = onnx_input(c, 4);
    if (c->in[1]->time >= 0 && c->in[1]->time == c->in[1]->rank - 2)
        r->layers_in_time++;
    a->q = in_heads(r, c, c->in[0], "q_num_heads");
    a->k = in_heads(r, c, c->in[1], "kv_num_heads");
    a->v = in_heads(r, c, c->in[2], "kv_num_heads");
    a->past = past ? past->dims[2] : 0;
    a->k = after(r, c, past, a->k);
    a->v = after(r, c, onnx_input(c, 5), a->v);
    a->batch = a->q->dims[0];
    a->heads = a->k->dims[1];
    a->queries = a->q->dims[2];
    a->keys = a->k->dims[2];
    if (a->heads < 1 || a->q->dims[1] % a->heads || a->v->dims[1] != a->heads ||
        a->v->dims[2] != a->keys || a->k->dims[3] != a->q->dims[3])
        onnx_bad(r, c, "queries, keys and values do not fit");
    a->shared = a->q->dims[1] / a->heads;
    a->scale = onnx_float(c, "scale", 0.f);
    if (a->scale == 0.f)
        a->scale = 1.f / sqrtf((float)a->q->dims[3]);
    a->softcap = onnx_float(c, "softcap", 0.f);
}

/* Queries that share keys get an axis of their own, so that these need no
   copies: [B, H, shared, T, D] against [B, H, 1, S, D]. */
static onnx_value *grouped(onnx_run *r, onnx_call *c, const attention *a,
                           onnx_value *v, int is_query)
{
    int64_t dims[5] = {v->dims[0], a->heads, is_query ? a->shared : 1,
                       v->dims[2], v->dims[3]};
    return a->shared == 1 ? v : onnx_reshaped(r, c, v, 5, dims);
}

static onnx_value *ungrouped(onnx_run *r, onnx_call *c, const attention *a,
                             onnx_value *v)
{
    int64_t dims[4] = {a->batch, a->heads * a->shared, a->queries,
                       v->dims[v->rank - 1]};
    return a->shared == 1 ? v : onnx_reshaped(r, c, v, 4, dims);
}

/* -------------------------------------------------------------- masks ---- */

/* May query i see key j of batch row n? */
static int allowed(const onnx_call *c, const attention *a, int64_t n, int64_t i,
                   int64_t j)
{
    onnx_value *real = onnx_input(c, 6);
    int64_t left = onnx_int(c, "left_window_size", -1);
    int64_t right = onnx_int(c, "right_window_size", -1);
    int64_t offset = a->past;
    if (real) {
        int64_t there = onnx_int_at(real, onnx_elements(real) == 1 ? 0 : n);
        if (j >= there)
            return 0;
        offset = there - a->queries;
    }
    i += offset;
    if (onnx_int(c, "is_causal", 0) && j > i)
        return 0;
    return !(left >= 0 && j < i - left) && !(right >= 0 && j > i + right);
}

/* 1 where a key may be seen, 0 elsewhere, by lengths that come at run time: [B
   or 1, 1, T, S]. The positions of key and query differ by d = j - i. */
static onnx_value *computed_mask(onnx_run *r, onnx_call *c, const attention *a)
{
    onnx_value *real = onnx_input(c, 6), *offset, *d, *j, *m;
    int64_t left = onnx_int(c, "left_window_size", -1);
    int64_t right = onnx_int(c, "right_window_size", -1);
    int64_t dims[4] = {onnx_elements(real), 1, 1, 1}, keys = a->keys, at = 0;
    real = onnx_reshaped(r, c, real, 4, dims);
    offset =
        onnx_binary(r, c, MLI_SUB, real, onnx_new_scalar(r, (float)a->queries));
    j = onnx_new_const(r, ONNX_FLOAT, 1, &keys);
    for (int64_t k = 0; k < keys; k++)
        j->f[k] = (float)k;
    dims[0] = a->queries;
    dims[1] = keys;
    d = onnx_new_const(r, ONNX_FLOAT, 2, dims);
    for (int64_t i = 0; i < a->queries; i++)
        for (int64_t k = 0; k < keys; k++)
            d->f[at++] = (float)(k - i);
    m = onnx_binary(r, c, MLI_LESS, j, real);
    if (onnx_int(c, "is_causal", 0) || right >= 0) {
        onnx_value *most = offset;
        if (!onnx_int(c, "is_causal", 0))
            most = onnx_binary(r, c, MLI_ADD, offset,
                               onnx_new_scalar(r, (float)right));
        m = onnx_binary(r, c, MLI_AND, m,
                        onnx_binary(r, c, MLI_LESS_EQUAL, d, most));
    }
    if (left >= 0) {
        onnx_value *least =
            onnx_binary(r, c, MLI_SUB, offset, onnx_new_scalar(r, (float)left));
        m = onnx_binary(r, c, MLI_AND, m,
                        onnx_binary(r, c, MLI_LESS_EQUAL, least, d));
    }
    return m;
}

/* 0 or 1 to -much or 0 */
static onnx_value *as_bias(onnx_run *r, onnx_call *c, onnx_value *m)
{
    m = onnx_binary(r, c, MLI_SUB, m, onnx_new_scalar(r, 1.f));
    return onnx_binary(r, c, MLI_MUL, m, onnx_new_scalar(r, -LEAST));
}

/* 0 where a key may be seen, -infinity elsewhere: [B or 1, 1, T, S]; NULL if
   all may be seen by all. */
static onnx_value *own_mask(onnx_run *r, onnx_call *c, const attention *a)
{
    onnx_value *real = onnx_input(c, 6), *m;
    int64_t dims[4] = {1, 1, a->queries, a->keys}, at = 0;
    if (real && real->rank > 1)
        onnx_bad(r, c, "lengths with %d axes", real->rank);
    if (real && onnx_elements(real) != 1 && onnx_elements(real) != a->batch)
        onnx_bad(r, c, "lengths for another batch");
    if (!onnx_int(c, "is_causal", 0) && !real &&
        onnx_int(c, "left_window_size", -1) < 0 &&
        onnx_int(c, "right_window_size", -1) < 0)
        return NULL;
    if (real && real->kind != ONNX_CONST)
        return as_bias(r, c, computed_mask(r, c, a));
    if (real)
        dims[0] = onnx_elements(real);
    m = onnx_new_const(r, ONNX_FLOAT, 4, dims);
    for (int64_t n = 0; n < dims[0]; n++)
        for (int64_t i = 0; i < a->queries; i++)
            for (int64_t j = 0; j < a->keys; j++)
                m->f[at++] = allowed(c, a, n, i, j) ? 0.f : -INFINITY;
    return m;
}

/* A mask that was given, as something to add, as long as the keys. */
static onnx_value *given_mask(onnx_run *r, onnx_call *c, const attention *a)
{
    onnx_value *m = onnx_input(c, 3), *y;
    int64_t missing;
    if (!m)
        return NULL;
    if (m->type == ONNX_BOOL && m->kind == ONNX_CONST) {
        y = onnx_new_const(r, ONNX_FLOAT, m->rank, m->dims);
        for (int64_t i = 0; i < onnx_elements(m); i++)
            y->f[i] = onnx_at(m, i) != 0.f ? 0.f : -INFINITY;
        m = y;
    } else if (m->type == ONNX_BOOL) {
        m = as_bias(r, c, m);
    }
    missing = m->rank ? a->keys - m->dims[m->rank - 1] : 0;
    if (missing > 0 && m->dims[m->rank - 1] != 1)
        m = onnx_padded(r, c, m, m->rank - 1, 0, missing, -INFINITY);
    return m;
}

/* The sum of two constant masks, broadcast. */
static onnx_value *both_masks(onnx_run *r, const onnx_call *c, onnx_value *a,
                              onnx_value *b)
{
    int64_t dims[4] = {1, 1, 1, 1}, strides[ONNX_MAX_RANK];
    onnx_value *v[2] = {a, b};
    for (int i = 1; i <= 4; i++)
        for (int k = 0; k < 2; k++)
            if (i <= v[k]->rank && v[k]->dims[v[k]->rank - i] != 1) {
                int64_t n = v[k]->dims[v[k]->rank - i];
                if (dims[4 - i] != 1 && dims[4 - i] != n)
                    onnx_bad(r, c,
                             "a mask with an axis of %lld (expected "
                             "%lld)",
                             (long long)dims[4 - i], (long long)n);
                dims[4 - i] = n;
            }
    for (int k = 0; k < 2; k++) {
        int64_t wide[4] = {0}, own[ONNX_MAX_RANK];
        onnx_strides(v[k], own);
        for (int i = 1; i <= v[k]->rank && i <= 4; i++)
            wide[4 - i] =
                v[k]->dims[v[k]->rank - i] == 1 ? 0 : own[v[k]->rank - i];
        memcpy(strides, wide, sizeof wide);
        v[k] = onnx_strided(r, v[k], 4, dims, 0, strides);
    }
    a = onnx_new_const(r, ONNX_FLOAT, 4, dims);
    for (int64_t i = 0; i < onnx_elements(a); i++)
        a->f[i] = onnx_at(v[0], i) + onnx_at(v[1], i);
    return a;
}

/* Queries that may see nothing get nothing: 0 for their rows, which are not
   masked then, 1 for the others. NULL if there are none. */
static onnx_value *seeing(onnx_run *r, onnx_call *c, onnx_value **mask)
{
    onnx_value *m = *mask, *y, *copy;
    int64_t dims[ONNX_MAX_RANK], n, rows;
    int blind = 0;
    if (!m || !m->rank)
        return NULL;
    if (m->kind != ONNX_CONST) {
        m = onnx_binary(r, c, MLI_MAX, m, onnx_new_scalar(r, LEAST));
        *mask = m;
        m = onnx_reduced(r, c, m, MLI_REDUCE_MAX, 1u << (m->rank - 1), 1);
        return onnx_binary(r, c, MLI_LESS, onnx_new_scalar(r, LEAST / 2), m);
    }
    memcpy(dims, m->dims, sizeof dims);
    n = dims[m->rank - 1];
    dims[m->rank - 1] = 1;
    y = onnx_new_const(r, ONNX_FLOAT, m->rank, dims);
    copy = onnx_new_const(r, ONNX_FLOAT, m->rank, m->dims);
    rows = onnx_elements(y);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t k = 0; k < n; k++)
            if (onnx_at(m, i * n + k) > -INFINITY)
                y->f[i] = 1.f;
        for (int64_t k = 0; k < n; k++)
            copy->f[i * n + k] = y->f[i] != 0.f ? onnx_at(m, i * n + k) : 0.f;
        blind |= y->f[i] == 0.f;
    }
    if (!blind)
        return NULL;
    *mask = copy;
    return y;
}

/* A mask of up to four axes in those of the grouped scores. */
static onnx_value *mask_grouped(onnx_run *r, onnx_call *c, const attention *a,
                                onnx_value *m)
{
    int64_t dims[5] = {1, 1, 1, 1, 1};
    if (!m || a->shared == 1 || m->rank < 3)
        return m;
    for (int i = 1; i <= 2; i++)
        dims[5 - i] = m->dims[m->rank - i];
    if (m->rank > 3)
        dims[0] = m->dims[m->rank - 4];
    if (m->dims[m->rank - 3] > 1) {
        dims[1] = a->heads;
        dims[2] = a->shared;
    }
    return onnx_reshaped(r, c, m, 5, dims);
}

/* ----------------------------------------------------------- the node ---- */

static onnx_value *capped(onnx_run *r, onnx_call *c, const attention *a,
                          onnx_value *v)
{
    if (a->softcap == 0.f)
        return v;
    v = onnx_binary(r, c, MLI_MUL, v, onnx_new_scalar(r, 1.f / a->softcap));
    v = onnx_unary(r, v, MLI_TANH, 0.f, 0.f);
    return onnx_binary(r, c, MLI_MUL, v, onnx_new_scalar(r, a->softcap));
}

static onnx_value *softmax(onnx_run *r, onnx_value *v)
{
    int last = v->rank - 1;
    if (v->time == last)
        v->time = -1;
    return onnx_result(
        r, v, v->rank, v->dims, v->time,
        ir_softmax(r->g, onnx_kept_id(r, v, 1u << last),
                   (uint32_t)onnx_kept_axis(r, v, 1u << last, last), 0));
}

/* The fourth output: the scores at one of four places. */
static void show(onnx_run *r, onnx_call *c, const attention *a, onnx_value *v,
                 int place)
{
    int mode = (int)onnx_int(c, "qk_matmul_output_mode", 0);
    if (wants(c, 3) && mode == place)
        c->out[3] = ungrouped(r, c, a, v);
}

void onnx_do_attention(onnx_run *r, onnx_call *c, int what)
{
    attention a = {0};
    onnx_value *s, *y, *mask, *own, *seen;
    static const int back[4] = {0, 2, 1, 3};
    (void)what;
    operands(r, c, &a);
    if (wants(c, 1))
        c->out[1] = a.k;
    if (wants(c, 2))
        c->out[2] = a.v;
    s = onnx_product(r, c, grouped(r, c, &a, a.q, 1), grouped(r, c, &a, a.k, 0),
                     1, a.scale);
    show(r, c, &a, s, 0);
    s = capped(r, c, &a, s);
    show(r, c, &a, s, 1);
    mask = given_mask(r, c, &a);
    own = own_mask(r, c, &a);
    if (own && mask && mask->kind == ONNX_CONST && own->kind == ONNX_CONST)
        mask = both_masks(r, c, mask, own);
    else if (own && mask)
        mask = onnx_binary(r, c, MLI_ADD, mask, own);
    else
        mask = mask ? mask : own;
    if (mask && wants(c, 3)) /* before rows without keys are cared for */
        show(r, c, &a,
             onnx_binary(r, c, MLI_ADD, s, mask_grouped(r, c, &a, mask)), 2);
    else
        show(r, c, &a, s, 2);
    seen = seeing(r, c, &mask);
    if (mask)
        s = onnx_binary(r, c, MLI_ADD, s, mask_grouped(r, c, &a, mask));
    s = softmax(r, s);
    if (seen)
        s = onnx_binary(r, c, MLI_MUL, s, mask_grouped(r, c, &a, seen));
    show(r, c, &a, s, 3);
    y = onnx_product(r, c, s, grouped(r, c, &a, a.v, 0), 0, 1.f);
    y = ungrouped(r, c, &a, y);
    if (c->in[0]->rank == 3) {
        int64_t dims[3] = {a.batch, a.queries, y->dims[1] * y->dims[3]};
        y = onnx_reshaped(r, c, onnx_transposed(r, y, back), 3, dims);
    }
    c->out[0] = y;
}

/* ---------------------------------------------------------- positions ---- */

/* The rows of a table that the positions name, as [B or 1, T, D]. */
static onnx_value *rows_of(onnx_run *r, onnx_call *c, onnx_value *table,
                           onnx_value *at)
{
    int64_t dims[3], n, size;
    onnx_value *y;
    if (!at)
        return table;
    if (table->kind != ONNX_CONST || at->kind != ONNX_CONST ||
        table->rank != 2 || at->rank > 2)
        return NULL;
    size = table->dims[1];
    dims[0] = at->rank > 1 ? at->dims[0] : 1;
    dims[1] = at->rank ? at->dims[at->rank - 1] : 1;
    dims[2] = size;
    y = onnx_new_const(r, ONNX_FLOAT, 3, dims);
    n = onnx_elements(at);
    for (int64_t i = 0; i < n; i++) {
        int64_t row = onnx_int_at(at, i);
        if (row < 0 || row >= table->dims[0])
            onnx_bad(r, c, "position %lld of %lld", (long long)row,
                     (long long)table->dims[0]);
        for (int64_t k = 0; k < size; k++)
            y->f[i * size + k] = onnx_at(table, row * size + k);
    }
    return y;
}

/* x [B, H, T, D]: pairs of numbers are turned by the angles of cos and sin,
   [B or 1, 1, T, D/2]. */
static onnx_value *turned(onnx_run *r, onnx_call *c, onnx_value *x,
                          onnx_value *cosine, onnx_value *sine, int64_t size,
                          int interleaved)
{
    int64_t half = size / 2, rest = x->dims[3] - size, step, dims[5];
    onnx_value *a, *b, *part[3];
    int parts = 2;
    step = interleaved ? 2 : 1;
    a = onnx_sliced(r, c, x, 3, 0, step, half);
    b = onnx_sliced(r, c, x, 3, interleaved ? 1 : half, step, half);
    part[0] = onnx_binary(r, c, MLI_SUB, onnx_binary(r, c, MLI_MUL, a, cosine),
                          onnx_binary(r, c, MLI_MUL, b, sine));
    part[1] = onnx_binary(r, c, MLI_ADD, onnx_binary(r, c, MLI_MUL, a, sine),
                          onnx_binary(r, c, MLI_MUL, b, cosine));
    if (interleaved) {
        memcpy(dims, part[0]->dims, 4 * sizeof *dims);
        dims[4] = 1;
        for (int k = 0; k < 2; k++)
            part[k] = onnx_reshaped(r, c, part[k], 5, dims);
        part[0] = onnx_concat(r, c, part, 2, 4);
        dims[3] = size;
        part[0] = onnx_reshaped(r, c, part[0], 4, dims);
        parts = 1;
    }
    if (rest)
        part[parts++] = onnx_sliced(r, c, x, 3, size, 1, rest);
    return parts == 1 ? part[0] : onnx_concat(r, c, part, parts, 3);
}

void onnx_do_rotary(onnx_run *r, onnx_call *c, int what)
{
    static const int swap[4] = {0, 2, 1, 3};
    onnx_value *x = c->in[0], *table[2], *at = onnx_input(c, 3), *y;
    int64_t size = onnx_int(c, "rotary_embedding_dim", 0);
    (void)what;
    x = in_heads(r, c, x, "num_heads");
    size = size ? size : x->dims[3];
    if (size < 2 || size % 2 || size > x->dims[3])
        onnx_bad(r, c, "pairs of %lld numbers", (long long)size);
    for (int k = 0; k < 2; k++) {
        onnx_value *t = rows_of(r, c, c->in[1 + k], at);
        int64_t dims[4];
        if (!t) {
            onnx_unsupported(r, c, "computed positions");
            return;
        }
        if (t->rank != 3 || t->dims[2] != size / 2)
            onnx_bad(r, c, "tables that do not fit %lld numbers",
                     (long long)size);
        dims[0] = t->dims[0];
        dims[1] = 1;
        dims[2] = t->dims[1];
        dims[3] = t->dims[2];
        table[k] = onnx_reshaped(r, c, t, 4, dims);
    }
    y = turned(r, c, x, table[0], table[1], size,
               (int)onnx_int(c, "interleaved", 0));
    if (c->in[0]->rank == 3)
        y = onnx_reshaped(r, c, onnx_transposed(r, y, swap), 3, c->in[0]->dims);
    c->out[0] = y;
}

/* Of x + skip (+ bias); the sum is the fourth output. */
void onnx_do_skip_norm(onnx_run *r, onnx_call *c, int rms)
{
    onnx_value *sum = onnx_binary(r, c, MLI_ADD, c->in[0], c->in[1]);
    onnx_value *bias = onnx_input(c, rms ? 3 : 4), *in[3];
    onnx_call other = *c;
    if (bias)
        sum = onnx_binary(r, c, MLI_ADD, sum, bias);
    in[0] = sum;
    in[1] = c->in[2];
    in[2] = rms ? NULL : onnx_input(c, 3);
    other.in = in;
    other.inputs = in[2] ? 3 : 2;
    other.outputs = 1;
    onnx_do_layer_norm(r, &other, rms);
    if (wants(c, 3))
        c->out[3] = sum;
}
