/* onnx_norm.c - reductions and normalisations */
#include <math.h>
#include <string.h>
#include "onnx_image.h"

onnx_value *onnx_reduced(onnx_run *r, onnx_call *c, onnx_value *v,
                         mli_reduce fn, uint32_t axes, int keep)
{
    int64_t dims[ONNX_MAX_RANK];
    int rank = 0, time = -1;
    uint32_t frame = 0;
    if (v->time >= 0 && axes >> v->time & 1u)
        onnx_not_in_time(r, c, "reduces over time");
    for (int i = 0; i < v->rank; i++) {
        int go = axes >> i & 1u;
        if (go)
            frame |= 1u << onnx_kept_axis(r, v, axes, i);
        if (i == v->time && !go)
            time = rank;
        if (!go || keep)
            dims[rank++] = go ? 1 : v->dims[i];
    }
    return onnx_result(
        r, v, rank, dims, time,
        ir_reduce(r->g, fn, onnx_kept_id(r, v, axes), frame, keep));
}

void onnx_do_reduce(onnx_run *r, onnx_call *c, int fn)
{
    onnx_value *v = c->in[0];
    int count;
    const int64_t *list = onnx_list(r, c, 1, "axes", &count);
    uint32_t axes = 0;
    if (c->out[0])
        return;
    for (int i = 0; i < count; i++)
        axes |= 1u << onnx_axis(r, c, list[i], v->rank);
    if (count <= 0 && !onnx_int(c, "noop_with_empty_axes", 0))
        axes = (1u << v->rank) - 1;
    if (count <= 0 && !axes && v->rank) { /* each element by itself */
        int64_t dims[ONNX_MAX_RANK];
        memcpy(dims, v->dims, sizeof dims);
        if (v->rank == ONNX_MAX_RANK) {
            onnx_unsupported(r, c, "too many axes");
            return;
        }
        dims[v->rank] = 1;
        v = onnx_like(r, v, v->rank + 1, dims, v->time, v->id);
        c->out[0] =
            onnx_reduced(r, c, v, (mli_reduce)fn, 1u << (v->rank - 1), 0);
        return;
    }
    c->out[0] = onnx_reduced(r, c, v, (mli_reduce)fn, axes,
                             (int)onnx_int(c, "keepdims", 1));
    if (!onnx_type_is_float(v->type) &&
        (fn == MLI_REDUCE_MEAN || fn == MLI_REDUCE_L2 ||
         fn == MLI_REDUCE_LOG_SUM || fn == MLI_REDUCE_LOG_SUM_EXP))
        c->out[0] = onnx_unary(r, c->out[0], MLI_TRUNC, 0.f, 0.f);
}

/* What has no length stays 0. */
void onnx_do_lp_norm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *length;
    int axis = onnx_axis(r, c, onnx_int(c, "axis", -1), v->rank);
    int64_t p = onnx_int(c, "p", 2);
    (void)what;
    if (p != 1 && p != 2)
        onnx_bad(r, c, "p is %lld (expected 1 or 2)", (long long)p);
    length = onnx_reduced(r, c, v, p == 1 ? MLI_REDUCE_L1 : MLI_REDUCE_L2,
                          1u << axis, 1);
    length = onnx_binary(
        r, c, MLI_ADD, length,
        onnx_binary(r, c, MLI_EQUAL, length, onnx_new_scalar(r, 0.f)));
    c->out[0] = onnx_binary(r, c, MLI_DIV, v, length);
}

/* ------------------------------------------------------------- layers ---- */

/* The mean and 1/deviation that LayerNormalization may give as well. */
static void moments(onnx_run *r, onnx_call *c, onnx_value *v, uint32_t axes,
                    float epsilon)
{
    onnx_value *mean = onnx_reduced(r, c, v, MLI_REDUCE_MEAN, axes, 1), *d;
    if (c->outputs > 1 && c->node->out[1][0])
        c->out[1] = mean;
    if (c->outputs < 3 || !c->node->out[2][0])
        return;
    d = onnx_binary(r, c, MLI_SUB, v, mean);
    d = onnx_reduced(r, c, onnx_binary(r, c, MLI_MUL, d, d), MLI_REDUCE_MEAN,
                     axes, 1);
    d = onnx_binary(r, c, MLI_ADD, d, onnx_new_scalar(r, epsilon));
    d = onnx_unary(r, d, MLI_SQRT, 0.f, 0.f);
    c->out[2] = onnx_unary(r, d, MLI_RECIPROCAL, 0.f, 0.f);
}

/* A scale or shift that ir_normalize can take: constant, one number for each
   element of the normalised axes. */
static const float *whole(onnx_run *r, const onnx_value *v, int64_t size)
{
    if (!v || v->kind != ONNX_CONST || onnx_elements(v) != size)
        return NULL;
    return onnx_floats(r, v);
}

void onnx_do_layer_norm(onnx_run *r, onnx_call *c, int rms)
{
    onnx_value *v = c->in[0], *y;
    onnx_value *scale = onnx_input(c, 1);
    onnx_value *shift = onnx_input(c, 2);
    int axis = onnx_axis(r, c, onnx_int(c, "axis", -1), v->rank);
    float epsilon = onnx_float(c, "epsilon", 1e-5f);
    int64_t size = 1;
    const float *s, *b;
    uint32_t count = (uint32_t)(v->rank - axis), axes = 0;
    for (int i = axis; i < v->rank; i++) {
        size *= v->dims[i];
        axes |= 1u << i;
    }
    s = whole(r, scale, size);
    b = s || !scale ? whole(r, shift, size) : NULL;
    if (v->time >= axis)
        onnx_not_in_time(r, c, "normalises over time");
    y = onnx_result(r, v, v->rank, v->dims, v->time,
                    ir_normalize(r->g, onnx_kept_id(r, v, axes), count, s, b,
                                 epsilon, rms));
    if (scale && !s)
        y = onnx_binary(r, c, MLI_MUL, y, scale);
    if (shift && !b)
        y = onnx_binary(r, c, MLI_ADD, y, shift);
    c->out[0] = y;
    if (c->outputs > 1 && !rms)
        moments(r, c, v, axes, epsilon);
}

/* One number per channel (axis 1) as a tensor that broadcasts against v. */
static onnx_value *per_channel(onnx_run *r, onnx_call *c, const onnx_value *v,
                               onnx_value *n)
{
    int64_t dims[ONNX_MAX_RANK];
    int rank = v->rank > 1 ? v->rank - 1 : 1;
    if (onnx_elements(n) != (v->rank > 1 ? v->dims[1] : 1))
        onnx_bad(r, c, "%lld numbers for %lld channels",
                 (long long)onnx_elements(n),
                 (long long)(v->rank > 1 ? v->dims[1] : 1));
    dims[0] = onnx_elements(n);
    for (int i = 1; i < rank; i++)
        dims[i] = 1;
    return onnx_reshaped(r, c, n, rank, dims);
}

static onnx_value *scaled(onnx_run *r, onnx_call *c, onnx_value *v,
                          onnx_value *scale, onnx_value *shift)
{
    v = onnx_binary(r, c, MLI_MUL, v, per_channel(r, c, v, scale));
    return onnx_binary(r, c, MLI_ADD, v, per_channel(r, c, v, shift));
}

static int all_const(onnx_call *c, int from, int to)
{
    for (int i = from; i < to; i++)
        if (i >= c->inputs || !c->in[i] || c->in[i]->kind != ONNX_CONST)
            return 0;
    return 1;
}

void onnx_do_batch_norm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *scale, *shift;
    float epsilon = onnx_float(c, "epsilon", 1e-5f);
    int64_t n;
    (void)what;
    if (!all_const(c, 1, 5)) {
        onnx_unsupported(r, c, "statistics that are not constant");
        return;
    }
    if (onnx_int(c, "training_mode", 0) ||
        (c->opset < 7 && !onnx_int(c, "is_test", 0)) ||
        (c->outputs > 1 && c->node->out[1][0])) {
        onnx_unsupported(r, c, "training");
        return;
    }
    n = onnx_elements(c->in[1]);
    scale = onnx_new_const(r, ONNX_FLOAT, 1, &n);
    shift = onnx_new_const(r, ONNX_FLOAT, 1, &n);
    for (int i = 2; i < 5; i++)
        if (onnx_elements(c->in[i]) != n)
            onnx_bad(r, c, "input %d has %lld numbers (expected %lld)", i,
                     (long long)onnx_elements(c->in[i]), (long long)n);
    for (int64_t k = 0; k < n; k++) {
        double w = (double)onnx_at(c->in[1], k) /
                   sqrt((double)onnx_at(c->in[4], k) + (double)epsilon);
        scale->f[k] = (float)w;
        shift->f[k] = (float)((double)onnx_at(c->in[2], k) -
                              w * (double)onnx_at(c->in[3], k));
    }
    /* Where the channels are the last axis of what is there at a time. */
    if (v->rank == 2 || (onnx_timed(r, v) && v->rank == 3 && v->time == 2)) {
        per_channel(r, c, v, scale);
        c->out[0] = onnx_result(r, v, v->rank, v->dims, v->time,
                                ir_affine(r->g, onnx_kept_id(r, v, 2),
                                          (uint32_t)n, scale->f, shift->f));
        return;
    }
    if (v->rank > 2 && !onnx_timed(r, v)) {
        per_channel(r, c, v, scale);
        v = onnx_channels_last(r, v);
        v = onnx_result(r, v, v->rank, v->dims, v->time,
                        ir_affine(r->g, onnx_kept_id(r, v, 1u << (v->rank - 1)),
                                  (uint32_t)n, scale->f, shift->f));
        c->out[0] = onnx_channels_first(r, v);
        return;
    }
    c->out[0] = scaled(r, c, v, scale, shift);
}

/* Over the last axes, then scaled by channel; v is in groups already. */
static onnx_value *normalized(onnx_run *r, onnx_call *c, onnx_value *v,
                              float epsilon)
{
    if (v->time >= 2)
        onnx_not_in_time(r, c, "normalises over time");
    return onnx_result(r, v, v->rank, v->dims, v->time,
                       ir_normalize(r->g, onnx_id(r, v), (uint32_t)v->rank - 2u,
                                    NULL, NULL, epsilon, 0));
}

void onnx_do_instance_norm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    (void)what;
    if (v->rank < 3)
        onnx_bad(r, c, "a tensor with %d axes", v->rank);
    if (onnx_timed(r, v) && v->time < 2)
        onnx_not_in_time(r, c, "has time as batch or channel axis");
    c->out[0] =
        scaled(r, c, normalized(r, c, v, onnx_float(c, "epsilon", 1e-5f)),
               c->in[1], c->in[2]);
}

void onnx_do_group_norm(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *y, *scale = c->in[1], *shift = c->in[2];
    int64_t groups = onnx_int(c, "num_groups", 1), dims[3], each;
    (void)what;
    if (v->rank < 2 || groups < 1 || v->dims[1] % groups)
        onnx_bad(r, c, "%lld groups of %lld channels", (long long)groups,
                 (long long)(v->rank > 1 ? v->dims[1] : 0));
    dims[0] = v->dims[0];
    dims[1] = groups;
    dims[2] = onnx_elements(v) / (dims[0] * dims[1]);
    each = v->dims[1] / groups;
    if (v->time >= 2)
        onnx_not_in_time(r, c, "normalises over time");
    y = onnx_like(r, v, 3, dims, onnx_timed(r, v) ? 0 : -1, v->id);
    if (v->kind == ONNX_CONST)
        y->id = onnx_id(r, v);
    y->kind = ONNX_RUNS;
    y = normalized(r, c, y, onnx_float(c, "epsilon", 1e-5f));
    y = onnx_like(r, y, v->rank, v->dims, v->time, y->id);
    if (onnx_elements(scale) == groups && each > 1) {
        /* opset 18: a number per group, which becomes one per channel */
        onnx_value *part[2] = {scale, shift};
        for (int k = 0; k < 2; k++) {
            int64_t n = v->dims[1], step[2] = {1, 0}, two[2] = {groups, each};
            if (part[k]->kind != ONNX_CONST) {
                onnx_unsupported(r, c, "weights that are not constant");
                return;
            }
            part[k] = onnx_strided(r, part[k], 2, two, 0, step);
            part[k] = onnx_reshaped(r, c, part[k], 1, &n);
        }
        scale = part[0];
        shift = part[1];
    }
    c->out[0] = scaled(r, c, y, scale, shift);
}
