/* onnx_pooling.c - pools of windows and of whole images, in any rank. */
#include <math.h>
#include <string.h>
#include "onnx_image.h"

onnx_value *onnx_pooled(onnx_run *r, onnx_value *v, mli_reduce fn, int axis,
                        const onnx_window *w, int64_t count)
{
    int64_t dims[ONNX_MAX_RANK], more;
    ir_window window;
    uint32_t keep = 1u << axis;
    memcpy(dims, v->dims, sizeof dims);
    dims[axis] = count;
    /* The last window may end before the padding does, or behind it. */
    more = (count - 1) * w->stride + (w->taps - 1) * w->dilation + 1 -
           w->length - w->before;
    window.size = (uint32_t)w->taps;
    window.step = (uint32_t)w->stride;
    window.dilation = (uint32_t)w->dilation;
    window.before = (uint32_t)w->before;
    window.after = more > 0 ? (uint32_t)more : 0;
    return onnx_result(r, v, v->rank, dims, v->time,
                       ir_pool(r->g, fn, onnx_kept_id(r, v, keep),
                               (uint32_t)onnx_kept_axis(r, v, keep, axis),
                               &window));
}

typedef struct pool {
    int axes;
    onnx_window at[ONNX_MAX_SPATIAL];
    int64_t count[ONNX_MAX_SPATIAL];
} pool;

/* ceil_mode: a last window that may hang over, but begins inside. */
static int64_t count_windows(const onnx_window *w, int ceil_mode)
{
    int64_t count = onnx_windows(w), span;
    if (!ceil_mode)
        return count;
    span = w->length + w->before + w->after - (w->taps - 1) * w->dilation - 1;
    count = (span + w->stride - 1) / w->stride + 1;
    return (count - 1) * w->stride >= w->length + w->before ? count - 1 : count;
}

static int read_pool(onnx_run *r, onnx_call *c, pool *p)
{
    const onnx_value *x = c->in[0];
    int ceil_mode = (int)onnx_int(c, "ceil_mode", 0);
    p->axes = x->rank - 2;
    if (p->axes < 1 || p->axes > ONNX_MAX_SPATIAL) {
        onnx_unsupported(r, c, "a pool over %d axes (expected 1 to 3)",
                         p->axes);
        return 0;
    }
    for (int i = 0; i < p->axes; i++) {
        onnx_window *w = &p->at[i];
        onnx_read_window(r, c, i, p->axes, x->dims[2 + i],
                         onnx_list_at(r, c, "kernel_shape", i, 0), w);
        if (w->taps > (int64_t)MLI_MAX_POOL || w->before > INT32_MAX / 4 ||
            w->after > INT32_MAX / 4 || w->stride > INT32_MAX / 4 ||
            w->dilation > INT32_MAX / 4) {
            onnx_unsupported(r, c, "a pool of %lld elements",
                             (long long)w->taps);
            return 0;
        }
        p->count[i] = count_windows(w, ceil_mode);
    }
    return 1;
}

/* Axis after axis of v, whose channels lie last. */
static onnx_value *windows_of(onnx_run *r, onnx_value *v, mli_reduce fn,
                              const pool *p)
{
    for (int i = 0; i < p->axes; i++)
        if (1 + i != v->time || !onnx_timed(r, v))
            v = onnx_pooled(r, v, fn, 1 + i, &p->at[i], p->count[i]);
    return v;
}

/* How many elements of the axis (and of its padding) window j takes in. */
static int64_t inside(const onnx_window *w, int64_t j, int with_padding)
{
    int64_t n = 0;
    for (int64_t k = 0; k < w->taps; k++) {
        int64_t at = j * w->stride + k * w->dilation - w->before;
        n += with_padding ? at < w->length + w->after
                          : at >= 0 && at < w->length;
    }
    return n ? n : 1;
}

/* The parts that the windows are of one element each, for [N, axes..., C]. */
static onnx_value *divisors(onnx_run *r, const pool *p, int with_padding)
{
    int64_t dims[ONNX_MAX_RANK] = {1}, at[ONNX_MAX_SPATIAL] = {0}, n, same = 1;
    onnx_value *v;
    for (int i = 0; i < p->axes; i++)
        dims[1 + i] = p->count[i];
    dims[1 + p->axes] = 1;
    v = onnx_new_const(r, ONNX_FLOAT, p->axes + 2, dims);
    n = onnx_elements(v);
    for (int64_t k = 0; k < n; k++) {
        double all = 1;
        for (int i = 0; i < p->axes; i++)
            all *= (double)inside(&p->at[i], at[i], with_padding);
        v->f[k] = (float)(1 / all);
        same &= v->f[k] == v->f[0];
        for (int i = p->axes - 1; i >= 0 && ++at[i] == p->count[i]; i--)
            at[i] = 0;
    }
    return same ? onnx_new_scalar(r, v->f[0]) : v;
}

/* |x|^p, or with p = 1/q its inverse, for x >= 0. */
static onnx_value *power(onnx_run *r, onnx_call *c, onnx_value *v, float p)
{
    if (p == 1.f)
        return onnx_unary(r, v, MLI_ABS, 0.f, 0.f);
    if (p == 2.f)
        return onnx_binary(r, c, MLI_MUL, v, v);
    if (p == .5f)
        return onnx_unary(r, v, MLI_SQRT, 0.f, 0.f);
    return onnx_binary(r, c, MLI_POW, onnx_unary(r, v, MLI_ABS, 0.f, 0.f),
                       onnx_new_scalar(r, p));
}

/* Along time, in a stream; the axis is done with then. x [N, C, axes] */
static onnx_value *time_first(onnx_run *r, onnx_call *c, onnx_value *x,
                              int what, pool *p)
{
    onnx_window *w = &p->at[x->time - 2];
    onnx_taps t = {w->taps, w->dilation, w->stride, w->before};
    int64_t count = p->count[x->time - 2];
    if (what == ONNX_POOL_MAX)
        x = onnx_max_in_time(r, c, x, &t, count);
    else if (what == ONNX_POOL_MEAN)
        x = onnx_mean_in_time(r, c, x, &t, count,
                              (int)onnx_int(c, "count_include_pad", 0));
    else
        x = onnx_sum_in_time(r, c, x, &t, count);
    *w = (onnx_window){count, 1, 1, 1, 0, 0};
    return x;
}

/* what: an onnx_pool. */
void onnx_do_pool(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *v;
    float p = (float)onnx_int(c, "p", 2);
    pool k;
    if (!read_pool(r, c, &k))
        return;
    onnx_count_layer(r, x);
    if (what == ONNX_POOL_NORM)
        x = power(r, c, x, p);
    if (onnx_timed(r, x) && x->time >= 2)
        x = time_first(r, c, x, what, &k);
    v = onnx_channels_last(r, x);
    if (what == ONNX_POOL_NORM) {
        v = windows_of(r, v, MLI_REDUCE_SUM, &k);
        v = power(r, c, v, 1.f / p);
    } else if (what == ONNX_POOL_MEAN) {
        v = windows_of(r, v, MLI_REDUCE_SUM, &k);
        v = onnx_binary(
            r, c, MLI_MUL, v,
            divisors(r, &k, (int)onnx_int(c, "count_include_pad", 0)));
    } else {
        v = windows_of(r, v, MLI_REDUCE_MAX, &k);
    }
    c->out[0] = onnx_channels_first(r, v);
    if (c->outputs > 1) {
        c->out[1] = onnx_new(r, ONNX_BROKEN, ONNX_INT64, 0, NULL);
        c->out[1]->broken = "the indices of a maximum";
    }
}

void onnx_do_global_pool(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0];
    float p = (float)onnx_int(c, "p", 2);
    uint32_t axes = 0;
    if (x->rank < 3)
        onnx_bad(r, c, "a tensor with %d axes", x->rank);
    for (int i = 2; i < x->rank; i++)
        axes |= 1u << i;
    if (what == ONNX_POOL_MEAN)
        c->out[0] = onnx_reduced(r, c, x, MLI_REDUCE_MEAN, axes, 1);
    else if (what == ONNX_POOL_MAX)
        c->out[0] = onnx_reduced(r, c, x, MLI_REDUCE_MAX, axes, 1);
    else if (p == 1.f || p == 2.f)
        c->out[0] = onnx_reduced(
            r, c, x, p == 1.f ? MLI_REDUCE_L1 : MLI_REDUCE_L2, axes, 1);
    else
        c->out[0] = power(
            r, c,
            onnx_reduced(r, c, power(r, c, x, p), MLI_REDUCE_SUM, axes, 1),
            1.f / p);
}
