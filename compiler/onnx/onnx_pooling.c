/* onnx_pooling.c - pools of windows and of whole images, in any rank. */
#include <float.h>
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
    int64_t start = j * w->stride - w->before; /* < 2^62: see read_pool */
    int64_t end = w->length + (with_padding ? w->after : 0);
    int64_t from = 0, to = end - start; /* taps [from, to) are before the end */
    if (start < 0 && !with_padding)
        from = (-start + w->dilation - 1) / w->dilation;
    to = to > 0 ? (to + w->dilation - 1) / w->dilation : 0;
    to = to < w->taps ? to : w->taps;
    return to > from ? to - from : 1;
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
    /* one window of all frames there are: what a global pool is as well, and
       not a rate of one in so many */
    if (count == 1 && w->length > 1 && !r->forced)
        onnx_not_in_time(r, c, "pools over all of time");
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

/* ------------------------------------------------- where a maximum is ---- */

#define MAX_LOOKED_AT 256 /* elements of a window whose maximum is found */

/* The elements that all windows have at one tap. */
static onnx_value *at_tap(onnx_run *r, onnx_call *c, onnx_value *v,
                          const pool *p, const int64_t *tap)
{
    for (int i = 0; i < p->axes; i++) {
        const onnx_window *w = &p->at[i];
        int64_t more = (p->count[i] - 1) * w->stride +
                       (w->taps - 1) * w->dilation + 1 - w->length - w->before;
        v = onnx_padded(r, c, v, 1 + i, w->before, more > 0 ? more : 0,
                        -FLT_MAX);
        v = onnx_sliced(r, c, v, 1 + i, tap[i] * w->dilation, w->stride,
                        p->count[i]);
    }
    return v;
}

/* Their numbers in an image; columns: counted from the last axis on. */
static onnx_value *numbers_at(onnx_run *r, const pool *p, const int64_t *tap,
                              int columns)
{
    int64_t dims[ONNX_MAX_RANK] = {1}, at[ONNX_MAX_SPATIAL] = {0};
    onnx_value *v;
    for (int i = 0; i < p->axes; i++)
        dims[1 + i] = p->count[i];
    dims[1 + p->axes] = 1;
    v = onnx_new_const(r, ONNX_FLOAT, p->axes + 2, dims);
    for (int64_t k = 0; k < onnx_elements(v); k++) {
        int64_t n = 0;
        for (int j = 0; j < p->axes; j++) {
            int i = columns ? p->axes - 1 - j : j;
            const onnx_window *w = &p->at[i];
            n = n * w->length + at[i] * w->stride + tap[i] * w->dilation -
                w->before;
        }
        v->f[k] = (float)n;
        for (int i = p->axes - 1; i >= 0 && ++at[i] == p->count[i]; i--)
            at[i] = 0;
    }
    return v;
}

/* What the images and channels before have, for [N, 1..., C]. */
static onnx_value *numbers_before(onnx_run *r, const onnx_value *v,
                                  int64_t size)
{
    int64_t dims[ONNX_MAX_RANK], images = v->dims[0];
    int64_t channels = v->dims[v->rank - 1];
    onnx_value *y;
    for (int i = 0; i < v->rank; i++)
        dims[i] = i == 0 ? images : i == v->rank - 1 ? channels : 1;
    y = onnx_new_const(r, ONNX_FLOAT, v->rank, dims);
    for (int64_t k = 0; k < images * channels; k++)
        y->f[k] = (float)(k * size);
    return y;
}

/* The numbers of the largest elements, the first of equal ones; v with its
   channels last. */
static onnx_value *largest(onnx_run *r, onnx_call *c, onnx_value *v,
                           const pool *p)
{
    int columns = onnx_int(c, "storage_order", 0) != 0;
    int64_t tap[ONNX_MAX_SPATIAL] = {0}, taps = 1, size = 1;
    onnx_value *best = NULL, *which = NULL;
    for (int i = 0; i < p->axes; i++) {
        taps = taps > MAX_LOOKED_AT ? taps : taps * p->at[i].taps;
        size *= p->at[i].length;
    }
    if (taps > MAX_LOOKED_AT || onnx_timed(r, v) ||
        onnx_elements(v) > ((int64_t)1 << 24)) {
        v = onnx_new(r, ONNX_BROKEN, ONNX_INT64, 0, NULL);
        v->broken = "the indices of a maximum of very many";
        return v;
    }
    for (int64_t t = 0; t < taps; t++) {
        onnx_value *part = at_tap(r, c, v, p, tap), *more;
        onnx_value *numbers = numbers_at(r, p, tap, columns);
        if (best) {
            more = onnx_binary(r, c, MLI_LESS, best, part);
            best = onnx_binary(r, c, MLI_MAX, best, part);
            which =
                onnx_result(r, best, best->rank, best->dims, -1,
                            ir_select(r->g, onnx_id(r, more),
                                      onnx_id(r, numbers), onnx_id(r, which)));
        } else {
            best = part;
            which = numbers;
        }
        for (int i = p->axes - 1; i >= 0 && ++tap[i] == p->at[i].taps; i--)
            tap[i] = 0;
    }
    which = onnx_binary(r, c, MLI_ADD, which, numbers_before(r, v, size));
    which->type = ONNX_INT64;
    return which;
}

static int wants_indices(const onnx_call *c)
{
    return c->outputs > 1 && c->node->out[1][0];
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
        if (wants_indices(c)) {
            c->out[1] = largest(r, c, v, &k);
            if (c->out[1]->kind == ONNX_RUNS)
                c->out[1] = onnx_channels_first(r, c->out[1]);
        }
        v = windows_of(r, v, MLI_REDUCE_MAX, &k);
    }
    c->out[0] = onnx_channels_first(r, v);
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
