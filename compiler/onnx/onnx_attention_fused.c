/*
 * onnx_attention_fused.c - Attention and MultiHeadAttention of com.microsoft,
 * which ONNX Runtime's optimiser makes of attention that was taken apart; done
 * as ONNX' own Attention.
 */
#include <math.h>
#include <string.h>
#include "onnx_run.h"

/* The inputs and outputs of ONNX' Attention. */
enum { Q, K, V, MASK, PAST_K, PAST_V, OPERANDS };

static onnx_value *behind(onnx_run *r, onnx_call *c, onnx_value *x,
                          onnx_value *bias, int64_t from, int64_t count)
{
    if (!bias)
        return x;
    return onnx_binary(r, c, MLI_ADD, x,
                       onnx_sliced(r, c, bias, 0, from, 1, count));
}

/* 1 and 0 for keys that may be seen or not, as something to add. */
static onnx_value *to_add(onnx_run *r, onnx_call *c, onnx_value *m)
{
    float low = onnx_float(c, "mask_filter_value", -10000.f);
    onnx_value *y;
    if (m->kind != ONNX_CONST) {
        y = onnx_binary(r, c, MLI_SUB, m, onnx_new_scalar(r, 1.f));
        return onnx_binary(r, c, MLI_MUL, y, onnx_new_scalar(r, -low));
    }
    y = onnx_new_const(r, ONNX_FLOAT, m->rank, m->dims);
    for (int64_t i = 0; i < onnx_elements(m); i++)
        y->f[i] = onnx_at(m, i) > 0.f ? 0.f : low;
    return y;
}

/* [B, T] of which the first lens[b] are 1. */
static onnx_value *up_to(onnx_run *r, onnx_call *c, onnx_value *lens,
                         int64_t keys)
{
    int64_t dims[2] = {1, keys};
    onnx_value *j = onnx_new_const(r, ONNX_FLOAT, 2, dims), *y;
    for (int64_t k = 0; k < keys; k++)
        j->f[k] = (float)k;
    dims[0] = lens->dims[0];
    dims[1] = 1;
    y = onnx_reshaped(r, c, lens, 2, dims);
    if (lens->kind != ONNX_CONST)
        return onnx_binary(r, c, MLI_LESS, j, y);
    dims[1] = keys;
    y = onnx_new_const(r, ONNX_FLOAT, 2, dims);
    for (int64_t n = 0; n < onnx_elements(y); n++)
        y->f[n] = n % keys < onnx_int_at(lens, n / keys);
    return y;
}

/*
 * The mask over keys ([B] lengths, [B, T] or [B, S, T] of 1 and 0) and what is
 * added to the scores, in one. 0: reported.
 */
static int masks(onnx_run *r, onnx_call *c, onnx_value *m, onnx_value *bias,
                 int64_t batch, int64_t keys, onnx_value **to)
{
    int64_t dims[4] = {batch, 1, 1, keys};
    *to = bias;
    if (!m)
        return 1;
    if (m->rank == 1 && m->dims[0] == batch)
        m = up_to(r, c, m, keys);
    if ((m->rank != 2 && m->rank != 3) || m->dims[0] != batch ||
        m->dims[m->rank - 1] != keys) {
        onnx_unsupported(r, c, "a mask with %d axes, the last of %lld", m->rank,
                         (long long)(m->rank ? m->dims[m->rank - 1] : 1));
        return 0;
    }
    if (m->rank == 3)
        dims[2] = m->dims[1];
    m = onnx_reshaped(r, c, to_add(r, c, m), 4, dims);
    *to = bias ? onnx_binary(r, c, MLI_ADD, m, bias) : m;
    return 1;
}

/* outputs: 1, or 3 with keys and values so far. */
static void attend(onnx_run *r, onnx_call *c, onnx_value **in, int outputs)
{
    onnx_attr attr[4] = {{.name = "q_num_heads"},
                         {.name = "kv_num_heads"},
                         {.name = "is_causal"},
                         {.name = "scale"}};
    static const char *names[] = {"y", "keys", "values"};
    onnx_node node = *c->node;
    onnx_call other = *c;
    attr[0].i = attr[1].i = onnx_int(c, "num_heads", 0);
    attr[2].i = onnx_int(c, "unidirectional", 0);
    attr[3].f = onnx_float(c, "scale", 0.f);
    node.attr = attr;
    node.attrs = 4;
    node.out = names;
    node.outputs = (size_t)outputs;
    other.node = &node;
    other.in = in;
    other.inputs = OPERANDS;
    other.outputs = outputs;
    onnx_do_attention(r, &other, 0);
}

/* ---------------------------------------------------------- Attention ---- */

/* Half of [2, B, H, T, D]. */
static onnx_value *half_of(onnx_run *r, onnx_call *c, onnx_value *past, int n)
{
    if (!past)
        return NULL;
    if (past->rank != 5 || past->dims[0] != 2)
        onnx_bad(r, c, "a past with %d axes", past->rank);
    past = onnx_sliced(r, c, past, 0, n, 1, 1);
    return onnx_reshaped(r, c, past, 4, past->dims + 1);
}

/* The sizes of q, k and v in x*weights. */
static void parts_of(onnx_run *r, onnx_call *c, const onnx_value *w,
                     int64_t *size)
{
    const onnx_attr *given = onnx_attr_of(c, "qkv_hidden_sizes");
    int64_t all = w->rank == 2 ? w->dims[1] : 0;
    for (int i = 0; i < 3; i++)
        size[i] = given && given->ints_count == 3 ? given->ints[i] : all / 3;
    if (size[0] < 1 || size[1] < 1 || size[2] < 1 || size[0] > all ||
        size[1] > all || size[2] > all || size[0] + size[1] + size[2] != all)
        onnx_bad(r, c, "%lld columns of weights for three", (long long)all);
}

/* x, weights, bias, mask, past, attention_bias; the second output is the keys
   and values so far. */
void onnx_do_fused_attention(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *in[OPERANDS] = {0}, *past = onnx_input(c, 4);
    onnx_value *made[3] = {0}, *y;
    int64_t size[3], from = 0, keys, dims[5] = {1};
    onnx_call other = *c;
    (void)what;
    if (x->rank != 3 || onnx_int(c, "do_rotary", 0) || onnx_input(c, 6)) {
        onnx_unsupported(r, c, "a form of its own");
        return;
    }
    parts_of(r, c, c->in[1], size);
    y = onnx_matmul(r, c, x, c->in[1]);
    if (onnx_input(c, 2))
        y = onnx_binary(r, c, MLI_ADD, y, c->in[2]);
    for (int i = 0; i < 3; i++) {
        in[i] = onnx_sliced(r, c, y, 2, from, 1, size[i]);
        from += size[i];
    }
    in[PAST_K] = half_of(r, c, past, 0);
    in[PAST_V] = half_of(r, c, past, 1);
    keys = x->dims[1] + (past ? in[PAST_K]->dims[2] : 0);
    if (!masks(r, c, onnx_input(c, 3), onnx_input(c, 5), x->dims[0], keys,
               &in[MASK]))
        return;
    other.out = made;
    other.outputs = c->outputs > 1 && c->node->out[1][0] ? 3 : 1;
    attend(r, &other, in, other.outputs);
    c->out[0] = made[0];
    if (other.outputs == 1 || !made[1] || !made[2])
        return;
    for (int i = 1; i < 3; i++) {
        memcpy(dims + 1, made[i]->dims, 4 * sizeof *dims);
        made[i] = onnx_reshaped(r, c, made[i], 5, dims);
    }
    c->out[1] = onnx_concat(r, c, made + 1, 2, 0);
}

/* ------------------------------------------------ MultiHeadAttention ---- */

/* query, key, value, bias, mask of the keys, attention_bias, past key and
   value; keys and values so far are outputs 1 and 2. */
void onnx_do_multi_head(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *in[OPERANDS] = {c->in[0], onnx_input(c, 1), onnx_input(c, 2)};
    onnx_value *bias = onnx_input(c, 3);
    int64_t from = 0, keys;
    (void)what;
    for (int i = 8; i < c->inputs; i++)
        if (c->in[i]) {
            onnx_unsupported(r, c, "a past of its own length");
            return;
        }
    if (!in[K] || !in[V] || in[Q]->rank != 3 || in[K]->rank != in[V]->rank ||
        (in[K]->rank != 3 && in[K]->rank != 4)) {
        onnx_unsupported(r, c, "queries, keys and values in one");
        return;
    }
    for (int i = 0; bias && i < 3; i++) {
        int64_t n = in[i]->dims[in[i]->rank - 1];
        if (in[i]->rank == 4) { /* of another node, which added its own */
            from += n * in[i]->dims[1];
            continue;
        }
        if (bias->rank != 1 || from + n > bias->dims[0])
            onnx_bad(r, c, "a bias of %lld", (long long)onnx_elements(bias));
        in[i] = behind(r, c, in[i], bias, from, n);
        from += n;
    }
    in[PAST_K] = onnx_input(c, 6);
    in[PAST_V] = onnx_input(c, 7);
    keys = in[K]->dims[in[K]->rank - 2];
    if (in[PAST_K] && in[PAST_K]->rank == 4)
        keys += in[PAST_K]->dims[2];
    if (!masks(r, c, onnx_input(c, 4), onnx_input(c, 5), in[Q]->dims[0], keys,
               &in[MASK]))
        return;
    attend(r, c, in, c->outputs < 3 ? c->outputs : 3);
}
