/*
 * onnx_time.c - from one rate to another along time, and what a layer sees
 * before frame 0; see "Time" in onnx_run.h.
 */
#include <float.h>
#include <string.h>
#include "onnx_run.h"
#include "rates.h"

#define MAX_PERIOD 64 /* of a constant that repeats along time */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static ir_id delayed(onnx_run *r, ir_id id, int64_t frames)
{
    if (frames > (int64_t)MLI_MAX_HOLD)
        onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED,
                  "node %s needs a delay of %lld frames", r->g->where,
                  (long long)frames);
    return frames > 0 ? ir_delay(r->g, id, (uint32_t)frames) : id;
}

void onnx_rate(const onnx_run *r, const onnx_value *v, uint64_t rate[2])
{
    const ir_value *x = v->id == IR_NONE ? NULL : ir_get(r->g, v->id);
    rate[0] = x && x->up ? x->up : 1;
    rate[1] = x && x->down ? x->down : 1;
}

static void note(onnx_run *r, int64_t stride)
{
    if (r->stride <= (1 << 24) && stride <= (1 << 24)) /* the product fits */
        r->stride *= stride / mlc_common_divisor(r->stride, stride);
}

void onnx_note_rate(onnx_run *r, const onnx_value *v)
{
    uint64_t rate[2];
    onnx_rate(r, v, rate);
    note(r, (int64_t)rate[1]);
}

void onnx_note_stride(onnx_run *r, const onnx_value *v, int64_t elements)
{
    uint64_t rate[2];
    int64_t more = elements / mlc_common_divisor(onnx_elements(v), elements);
    onnx_rate(r, v, rate);
    note(r, more <= (1 << 20) ? (int64_t)rate[1] * more : 0x7fffffff);
}

int onnx_same_rate(const onnx_run *r, const onnx_value *a, const onnx_value *b)
{
    uint64_t p[2], q[2];
    onnx_rate(r, a, p);
    onnx_rate(r, b, q);
    return p[0] == q[0] && p[1] == q[1];
}

/* ------------------------------------------------- to a slower rate ---- */

/*
 * Slow tick m comes with fast tick m*step + step-1, where the stream has frame
 * m*step + step-1 + shift. Frame m of the result needs x up to frame
 * m*step + reach - before: late by as many slow frames as that takes, and what
 * is then left over is a delay in front.
 */
onnx_value *onnx_unfolded(onnx_run *r, onnx_value *x, const onnx_taps *w,
                          int64_t count)
{
    int64_t before = w->before + x->pad;
    int64_t reach = (w->taps - 1) * w->dilation;
    int64_t room = w->step - 1 + x->shift + before - reach;
    int64_t shift = room >= 0 ? 0 : floor_div(room, w->step);
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *y;
    ir_id id;
    if (x->rank == ONNX_MAX_RANK)
        onnx_stop(r->exit, ONNX_TIME, MLC_UNSUPPORTED, "node %s: too many axes",
                  r->g->where);
    if (before > 0) /* its history must be the zeros of the padding */
        x = onnx_cleaned(r, x);
    id = delayed(r, onnx_id(r, x), room - shift * w->step);
    id = ir_unfold(r->g, id, (uint32_t)w->taps, (uint32_t)w->dilation,
                   (uint32_t)w->step);
    dims[0] = w->taps;
    memcpy(dims + 1, x->dims, (size_t)x->rank * sizeof *dims);
    dims[1 + x->time] = count;
    y = onnx_result(r, x, x->rank + 1, dims, x->time + 1, id);
    y->shift = shift;
    y->pad = 0;
    return y;
}

/* v without its first axis, which has one element. */
static onnx_value *first_dropped(onnx_run *r, onnx_value *v)
{
    onnx_value *y =
        onnx_like(r, v, v->rank - 1, v->dims + 1, v->time - 1, v->id);
    return y;
}

onnx_value *onnx_every(onnx_run *r, onnx_value *x, int64_t start, int64_t step,
                       int64_t count)
{
    onnx_taps w = {1, 1, step, -start};
    return first_dropped(r, onnx_unfolded(r, x, &w, count));
}

/* ------------------------------------------------- to a faster rate ---- */

/* Slow tick m comes with fast tick m*step + step-1, and its frames play from
   there on. */
onnx_value *onnx_interleaved(onnx_run *r, onnx_value *x)
{
    int64_t step = x->dims[0];
    onnx_value *y =
        onnx_result(r, x, x->rank - 1, x->dims + 1, x->time - 1, IR_NONE);
    y->dims[y->time] *= step;
    y->id = onnx_id(r, x);
    if (step > 1)
        y->id = ir_depth_to_time(r->g, y->id, (uint32_t)step);
    y->shift = x->shift * step - (step - 1);
    return y;
}

/* ------------------------------------------------- reshaping time ---- */

static int64_t product(const int64_t *dims, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= dims[i];
    return n;
}

/* [.., T, q..] as [.., T*q]: the frames of a group one after another. */
static onnx_value *merged(onnx_run *r, onnx_value *v, int axes, int rank,
                          const int64_t *dims, int time)
{
    int64_t q = product(v->dims, v->time + 1, v->time + 1 + axes);
    int64_t before = product(v->dims, 0, v->time);
    int64_t after = product(v->dims, v->time + 1 + axes, v->rank);
    int64_t flat[4] = {before, v->dims[v->time], q, after};
    static const int turn[4] = {2, 0, 1, 3};
    onnx_value *y;
    v = onnx_settled(r, v);
    y = onnx_like(r, v, 4, flat, 1, v->id);
    y = onnx_interleaved(r, onnx_transposed(r, y, turn));
    return onnx_like(r, y, rank, dims, time, y->id);
}

/* [.., T*q] as [.., T, q..] */
static onnx_value *parted(onnx_run *r, onnx_value *v, int64_t q, int rank,
                          const int64_t *dims, int time)
{
    int64_t flat[3] = {product(v->dims, 0, v->time), v->dims[v->time],
                       product(v->dims, v->time + 1, v->rank)};
    onnx_taps w = {q, 1, q, 0};
    static const int turn[4] = {1, 2, 0, 3};
    onnx_value *y = onnx_like(r, v, 3, flat, 1, v->id);
    y = onnx_transposed(r, onnx_unfolded(r, y, &w, dims[time]), turn);
    return onnx_like(r, y, rank, dims, time, y->id);
}

onnx_value *onnx_regrouped(onnx_run *r, onnx_value *v, int rank,
                           const int64_t *dims)
{
    int64_t before = product(v->dims, 0, v->time), now = 1;
    int64_t length = v->dims[v->time];
    for (int i = 0; i < rank; now *= dims[i++]) {
        if (now != before || dims[i] < 2)
            continue;
        for (int n = 1; v->time + n < v->rank; n++)
            if (dims[i] ==
                length * product(v->dims, v->time + 1, v->time + 1 + n))
                return merged(r, v, n, rank, dims, i);
        for (int n = 1; i + n < rank; n++) {
            int64_t q = product(dims, i + 1, i + 1 + n);
            if (q > 1 && dims[i] * q == length)
                return parted(r, v, q, rank, dims, i);
        }
    }
    return NULL;
}

/* -------------------------------------------------- sources of time ---- */

ir_id onnx_silence(onnx_run *r, const onnx_value *like)
{
    static const uint32_t one = 1;
    ir_id from = like ? like->id : r->source, id;
    const ir_value *v = ir_get(r->g, from);
    uint32_t n = (uint32_t)v->elements;
    for (int i = 0; i < r->silences; i++) {
        const ir_value *s = ir_get(r->g, r->silence[i]);
        if (s->up == v->up && s->down == v->down)
            return r->silence[i];
    }
    id = onnx_shaped(r, from, 1, &n);
    id = onnx_shaped(r, ir_slice(r->g, id, 0, 0, 1, 1), 1, &one);
    id = ir_unary(r->g, MLI_HARD_TANH, 0.f, 0.f, id);
    if (r->silences < ONNX_RATES && id != IR_NONE)
        r->silence[r->silences++] = id;
    return id;
}

/* A timed number as late as x is: 1, after nothing but zeros before frame 0. */
static onnx_value *presence(onnx_run *r, const onnx_value *x)
{
    int64_t dims[1] = {x->dims[x->time]};
    onnx_value *y = onnx_like(r, x, 1, dims, 0, IR_NONE);
    y->kind = ONNX_RUNS;
    y->pad = 0;
    y->clean = 0;
    y->id = ir_unary(r->g, MLI_HARD_TANH, 1.f, 1.f, onnx_silence(r, x));
    return onnx_cleaned(r, y);
}

/* Which of the frames of an unfolded x exist: 1, and 0 before frame 0;
   [taps] and as many axes of one as x has beside time. */
static onnx_value *present(onnx_run *r, const onnx_value *x, const onnx_taps *w,
                           int64_t count)
{
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *y = onnx_unfolded(r, presence(r, x), w, count);
    dims[0] = w->taps;
    for (int i = 0; i < x->rank; i++)
        dims[1 + i] = i == x->time ? count : 1;
    return onnx_like(r, y, x->rank + 1, dims, x->time + 1, y->id);
}

static onnx_value *affine(onnx_run *r, onnx_value *v, float scale, float shift)
{
    return onnx_result(r, v, v->rank, v->dims, v->time,
                       ir_affine(r->g, v->id, 1, &scale, &shift));
}

/* ------------------------------------------------------------ pools ---- */

static onnx_value *over_taps(onnx_run *r, onnx_call *c, onnx_value *v,
                             mli_reduce fn)
{
    return v->dims[0] == 1 ? first_dropped(r, v)
                           : onnx_reduced(r, c, v, fn, 1, 0);
}

onnx_value *onnx_max_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                             const onnx_taps *w, int64_t count)
{
    onnx_value *u = onnx_unfolded(r, x, w, count);
    if (w->before > 0) { /* what does not exist is never the largest */
        onnx_value *m = present(r, x, w, count);
        m = affine(r, m, FLT_MAX, -FLT_MAX);
        u = onnx_binary(r, c, MLI_ADD, u, m);
    }
    return over_taps(r, c, u, MLI_REDUCE_MAX);
}

onnx_value *onnx_sum_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                             const onnx_taps *w, int64_t count)
{
    return over_taps(r, c, onnx_unfolded(r, x, w, count), MLI_REDUCE_SUM);
}

onnx_value *onnx_mean_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                              const onnx_taps *w, int64_t count,
                              int with_padding)
{
    onnx_value *u = onnx_unfolded(r, x, w, count), *n;
    u = over_taps(r, c, u, MLI_REDUCE_SUM);
    if (with_padding || w->before <= 0)
        return onnx_binary(r, c, MLI_MUL, u,
                           onnx_new_scalar(r, 1.f / (float)w->taps));
    n = over_taps(r, c, present(r, x, w, count), MLI_REDUCE_SUM);
    n = onnx_unary(r, n, MLI_HARD_TANH, 1.f, FLT_MAX); /* never 0 */
    return onnx_binary(r, c, MLI_DIV, u, n);
}

/* --------------------------------------------------------- upsampling ---- */

/* The frames before frame 0 become copies of frame 0; taps oldest first. */
static onnx_value *fronted(onnx_run *r, onnx_call *c, onnx_value *x,
                           onnx_value *u, const onnx_taps *w, int64_t count)
{
    onnx_value *m = present(r, x, w, count), *none;
    onnx_value **part = onnx_take(r->pool, (size_t)w->taps, sizeof *part);
    none = affine(r, m, -1.f, 1.f);
    for (int64_t k = w->taps; k-- > 0;) {
        part[k] = onnx_sliced(r, c, u, 0, k, 1, 1);
        if (k + 1 < w->taps)
            part[k] =
                onnx_binary(r, c, MLI_ADD, part[k],
                            onnx_binary(r, c, MLI_MUL, part[k + 1],
                                        onnx_sliced(r, c, none, 0, k, 1, 1)));
    }
    return onnx_concat(r, c, part, (int)w->taps, 0);
}

onnx_value *onnx_resampled(onnx_run *r, onnx_call *c, onnx_value *x, int64_t up,
                           int64_t down, int64_t first, int64_t taps,
                           const float *matrix)
{
    int64_t length = x->dims[x->time] / down, dims[ONNX_MAX_RANK];
    onnx_taps w = {taps, 1, down, -first};
    onnx_value *u = onnx_unfolded(r, x, &w, length), *y;
    int perm[ONNX_MAX_RANK];
    if (first < 0)
        u = fronted(r, c, x, u, &w, length);
    for (int i = 0; i < u->rank; i++)
        perm[i] = i + 1 < u->rank ? i + 1 : 0;
    u = onnx_transposed(r, u, perm); /* taps last */
    memcpy(dims, u->dims, sizeof dims);
    dims[u->rank - 1] = up;
    y = onnx_result(r, u, u->rank, dims, u->time,
                    ir_linear(r->g, onnx_kept_id(r, u, 1u << (u->rank - 1)),
                              (uint32_t)taps, (uint32_t)up, matrix, NULL));
    for (int i = 0; i < u->rank; i++)
        perm[i] = i ? i - 1 : u->rank - 1;
    return onnx_interleaved(r, onnx_transposed(r, y, perm));
}

/* Each frame `step` times. */
onnx_value *onnx_repeated(onnx_run *r, onnx_value *x, int64_t step)
{
    int64_t dims[ONNX_MAX_RANK];
    uint32_t frame[ONNX_MAX_RANK], rank;
    onnx_value *u;
    memcpy(dims + 1, x->dims, (size_t)x->rank * sizeof *dims);
    dims[0] = step;
    u = onnx_like(r, x, x->rank + 1, dims, x->time + 1, IR_NONE);
    rank = onnx_frame_dims(r, u, frame);
    u->id = ir_expand(r->g, onnx_id(r, x), rank, frame);
    return onnx_interleaved(r, u);
}

/* ------------------------------------------- constants along time ---- */

/* The shortest period of a constant along an axis; 0: none that is short. */
static int64_t period_of(const onnx_value *v, int axis)
{
    int64_t inner = product(v->dims, axis + 1, v->rank);
    int64_t outer = product(v->dims, 0, axis), length = v->dims[axis];
    for (int64_t p = 1; p <= MAX_PERIOD && 4 * p <= length; p++) {
        int same = 1;
        for (int64_t o = 0; o < outer && same; o++)
            for (int64_t k = p * inner; k < length * inner && same; k++) {
                int64_t at = o * length * inner + k;
                same = onnx_at(v, at) == onnx_at(v, at - p * inner);
            }
        if (same)
            return p;
    }
    return 0;
}

/*
 * A ring of p units that hand a 1 on: unit i is 1 in the frames with
 * (t + shift) mod p = i.
 */
static ir_id ring(onnx_run *r, const onnx_value *like, int64_t p)
{
    float *w = onnx_take(r->pool, (size_t)p, sizeof *w);
    float *u = onnx_take(r->pool, (size_t)(p * p), sizeof *u);
    float *h = onnx_take(r->pool, (size_t)p, sizeof *h);
    for (int64_t i = 0; i < p; i++)
        u[i * p + (i + p - 1) % p] = 1.f;
    h[((like->shift - 1) % p + p) % p] = 1.f;
    return ir_rnn(r->g, onnx_silence(r, like), 1, (uint32_t)p, w, u, NULL, NULL,
                  h, MLI_IDENTITY);
}

onnx_value *onnx_periodic(onnx_run *r, const onnx_value *v, int axis,
                          const onnx_value *like)
{
    int64_t p, n = 1, dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    onnx_value *y;
    float *w;
    if (v->kind != ONNX_CONST || !onnx_timed(r, like) ||
        v->dims[axis] != like->dims[like->time])
        return NULL;
    p = period_of(v, axis);
    if (p < 2)
        return NULL;
    onnx_strides(v, strides);
    for (int i = 0; i < v->rank; i++)
        n *= i == axis ? 1 : v->dims[i];
    w = onnx_take(r->pool, (size_t)(n * p), sizeof *w);
    for (int64_t o = 0, k = 0; o < onnx_elements(v); o++) {
        int64_t t = o / strides[axis] % v->dims[axis];
        /* elements in order, for each frame of the first period */
        if (t < p) {
            int64_t inner = strides[axis];
            int64_t at = o / (inner * v->dims[axis]) * inner + o % inner;
            w[at * p + t] = onnx_at(v, o);
            k++;
        }
    }
    memcpy(dims, v->dims, sizeof dims);
    y = onnx_like(r, like, v->rank, dims, axis, IR_NONE);
    y->kind = ONNX_RUNS;
    y->pad = 0;
    y->clean = 0;
    y->id =
        ir_linear(r->g, ring(r, like, p), (uint32_t)p, (uint32_t)n, w, NULL);
    return y;
}
