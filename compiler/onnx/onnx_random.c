/*
 * onnx_random.c - random numbers. A node's seed attribute is its key, by its
 * bits; without one it is "mlin" and the number of the node among the random
 * ones, so that no two of a model repeat each other.
 */
#include <string.h>
#include "onnx_run.h"

static uint64_t seed_of(onnx_run *r, const onnx_call *c)
{
    const onnx_attr *a = onnx_attr_of(c, "seed");
    uint32_t bits;
    r->random_nodes++;
    if (!a)
        return (uint64_t)0x6e696c6du << 32 | r->random_nodes;
    memcpy(&bits, &a->f, sizeof bits);
    return bits;
}

/* Numbers of these dims, timed as v is; v NULL or not timed: where an axis is
   as long as time. */
static onnx_value *numbers(onnx_run *r, const onnx_call *c, onnx_value *v,
                           int normal, float p, float q, int rank,
                           const int64_t *dims)
{
    static const int64_t one = 1;
    uint64_t seed = seed_of(r, c);
    uint32_t frame[ONNX_MAX_RANK], n;
    onnx_value *y = onnx_new(r, ONNX_RUNS, ONNX_FLOAT, rank, dims);
    ir_id when;
    if (v && v->kind == ONNX_RUNS && v->time >= 0 && v->rank == rank) {
        y->time = v->time;
        y->shift = v->shift;
        when = v->id;
    } else {
        for (int i = 0; i < rank && r->mode == MLI_STREAM; i++)
            if (dims[i] == r->frames && r->frames > 1)
                y->time = i;
        when = onnx_id(r, onnx_new_const(r, ONNX_FLOAT, 1, &one));
        if (r->mode == MLI_STREAM)
            when = onnx_make_timed(r, when);
        if (r->mode == MLI_STREAM && y->time < 0)
            onnx_not_in_time(r, c, "draws numbers once for all of the signal");
    }
    n = onnx_frame_dims(r, y, frame);
    y->id = ir_random(r->g, when, normal, p, q, seed, n, frame);
    return y;
}

/* The dims of the first input, or of the attribute "shape". */
static int dims_of(onnx_run *r, onnx_call *c, int64_t *dims)
{
    const onnx_attr *a = onnx_attr_of(c, "shape");
    if (c->inputs && c->in[0]) {
        memcpy(dims, c->in[0]->dims, sizeof c->in[0]->dims);
        return c->in[0]->rank;
    }
    if (!a || a->ints_count > ONNX_MAX_RANK)
        onnx_bad(r, c, "no shape");
    for (size_t i = 0; i < a->ints_count; i++) {
        if (a->ints[i] < 1 || a->ints[i] > INT32_MAX)
            onnx_bad(r, c, "an axis of %lld", (long long)a->ints[i]);
        dims[i] = a->ints[i];
    }
    return (int)a->ints_count;
}

/* what: 1 normal, 0 uniform. */
void onnx_do_random(onnx_run *r, onnx_call *c, int what)
{
    int64_t dims[ONNX_MAX_RANK];
    int rank = dims_of(r, c, dims);
    float p = what ? onnx_float(c, "mean", 0.f) : onnx_float(c, "low", 0.f);
    float q = what ? onnx_float(c, "scale", 1.f) : onnx_float(c, "high", 1.f);
    c->out[0] =
        numbers(r, c, c->inputs ? c->in[0] : NULL, what, p, q, rank, dims);
}

/* 1 with probability x: the ceiling of x - u, u in [0, 1). */
void onnx_do_bernoulli(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *y;
    (void)what;
    y = numbers(r, c, x, 0, 0.f, 1.f, x->rank, x->dims);
    y = onnx_binary(r, c, MLI_SUB, x, y);
    y = onnx_unary(r, y, MLI_CEIL, 0.f, 0.f);
    y->type = (int)onnx_int(c, "dtype", ONNX_FLOAT);
    c->out[0] = y;
}

/*
 * Indices with the probabilities that the logs in x[batch][classes] give: how
 * many of the sums of the first probabilities are not above u.
 */
void onnx_do_multinomial(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *u, *y;
    int64_t samples = onnx_int(c, "sample_size", 1), dims[3], n;
    float *w;
    (void)what;
    if (x->rank != 2 || samples < 1 || samples > INT32_MAX)
        onnx_bad(r, c, "%lld samples of %d axes", (long long)samples, x->rank);
    if (x->time == 1)
        onnx_not_in_time(r, c, "draws from the whole of time");
    n = x->dims[1];
    if (n > 4096) {
        onnx_unsupported(r, c, "%lld classes", (long long)n);
        return;
    }
    dims[0] = x->dims[0];
    dims[1] = samples;
    dims[2] = n - 1;
    u = numbers(r, c, NULL, 0, 0.f, 1.f, 2, dims);
    if (n == 1) {
        c->out[0] = onnx_unary(r, u, MLI_HARD_TANH, 0.f, 0.f);
        return;
    }
    w = onnx_take(r->pool, (size_t)(n * (n - 1)), sizeof *w);
    for (int64_t o = 0; o < n - 1; o++)
        for (int64_t i = 0; i <= o; i++)
            w[o * n + i] = 1.f;
    y = onnx_like(r, x, 2, x->dims, x->time, onnx_kept_id(r, x, 2));
    y->id = ir_softmax(r->g, y->id, ir_get(r->g, y->id)->rank - 1, 0);
    y->id = ir_linear(r->g, y->id, (uint32_t)n, (uint32_t)n - 1, w, NULL);
    dims[1] = 1;
    y = onnx_result(r, x, 3, dims, x->time, y->id);
    dims[1] = samples;
    dims[2] = 1;
    u = onnx_like(r, u, 3, dims, u->time, u->id);
    y = onnx_binary(r, c, MLI_SUB, y, u);
    y = onnx_unary(r, y, MLI_CEIL, 0.f, 0.f);
    y = onnx_unary(r, y, MLI_HARD_TANH, 0.f, 1.f);
    y = onnx_reduced(r, c, y, MLI_REDUCE_SUM, 4, 0);
    y = onnx_binary(r, c, MLI_SUB, onnx_new_scalar(r, (float)(n - 1)), y);
    y->type = (int)onnx_int(c, "dtype", ONNX_INT32);
    c->out[0] = y;
}
