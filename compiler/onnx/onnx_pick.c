/*
 * onnx_pick.c - operators that choose and index with what is computed.
 */
#include <math.h>
#include <string.h>
#include "onnx_run.h"

/* A constant of these dims for the ir. */
static ir_id numbers(onnx_run *r, uint32_t rank, const uint32_t *dims,
                     const float *data)
{
    return ir_const(r->g, rank, dims, data);
}

static int may_be_negative(const onnx_value *v)
{
    if (v->kind != ONNX_CONST)
        return v->type != ONNX_UINT8 && v->type != ONNX_UINT16 &&
               v->type != ONNX_UINT32 && v->type != ONNX_UINT64;
    for (int64_t k = 0; k < onnx_elements(v); k++)
        if (onnx_at(v, k) < 0.f)
            return 1;
    return 0;
}

/* index + (index < 0 ? n : 0), for a number n or one for each last element. */
static ir_id from_start(onnx_run *r, const onnx_value *index, ir_id id, ir_id n)
{
    ir_id negative;
    if (!may_be_negative(index))
        return id;
    negative = ir_binary(r->g, MLI_LESS, id, ir_scalar(r->g, 0.f));
    return ir_binary(r->g, MLI_ADD, id, ir_binary(r->g, MLI_MUL, negative, n));
}

static void check_countable(onnx_run *r, uint64_t n)
{
    if (n > MLI_MAX_INDEX)
        onnx_stop(r->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "indices into %llu elements (expected at most %u)",
                  (unsigned long long)n, MLI_MAX_INDEX);
}

/* ------------------------------------------------------------- gather ---- */

onnx_value *onnx_gathered(onnx_run *r, onnx_call *c, onnx_value *v,
                          onnx_value *at, int axis)
{
    int64_t dims[2 * ONNX_MAX_RANK];
    int rank = 0, time = -1;
    onnx_value *both[2] = {v, at}, *y;
    if (v->time == axis)
        onnx_not_in_time(r, c, "looks up frames by index");
    if (v->time >= 0 && at->time >= 0)
        onnx_not_in_time(r, c, "looks up with one index for each frame");
    onnx_align(r, both, 2);
    v = both[0];
    at = both[1];
    for (int i = 0; i < axis; i++) {
        time = v->time == i ? rank : time;
        dims[rank++] = v->dims[i];
    }
    for (int i = 0; i < at->rank; i++) {
        time = at->time == i ? rank : time;
        dims[rank++] = at->dims[i];
    }
    for (int i = axis + 1; i < v->rank; i++) {
        time = v->time == i ? rank : time;
        dims[rank++] = v->dims[i];
    }
    if (rank > ONNX_MAX_RANK)
        onnx_bad(r, c, "a result with %d axes", rank);
    y = onnx_new(r, ONNX_RUNS, v->type, rank, dims);
    y->time = time;
    y->shift = onnx_timed(r, v) ? v->shift : onnx_timed(r, at) ? at->shift : 0;
    y->id = ir_gather(r->g, onnx_id(r, v), onnx_id(r, at),
                      (uint32_t)onnx_frame_axis(r, v, axis));
    return y;
}

/*
 * Where an index names an element along an axis and its own place names the
 * others: the element's number in all of x, in the index' dims. Both in frame
 * dims.
 */
static ir_id element_numbers(onnx_run *r, onnx_value *at, uint32_t rank,
                             const uint32_t *x, const uint32_t *dims,
                             uint32_t axis)
{
    uint64_t stride[ONNX_MAX_RANK], step = 1, n = 1;
    float *place;
    ir_id id = onnx_id(r, at);
    for (uint32_t i = rank; i-- > 0;) {
        stride[i] = step;
        step *= x[i];
        n *= dims[i];
    }
    check_countable(r, step);
    place = onnx_take(r->pool, n, sizeof *place);
    for (uint64_t k = 0; k < n; k++) {
        uint64_t rest = k, sum = 0;
        for (uint32_t i = rank; i-- > 0;) {
            sum += i == axis ? 0 : rest % dims[i] * stride[i];
            rest /= dims[i];
        }
        place[k] = (float)sum;
    }
    id = from_start(r, at, id, ir_scalar(r->g, (float)x[axis]));
    if (stride[axis] != 1)
        id = ir_binary(r->g, MLI_MUL, id, ir_scalar(r->g, (float)stride[axis]));
    return rank > 1
               ? ir_binary(r->g, MLI_ADD, id, numbers(r, rank, dims, place))
               : id;
}

/* v without its time axis, along which it must not change. */
static onnx_value *in_each_frame(onnx_run *r, onnx_call *c, onnx_value *v,
                                 int time)
{
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *u = v->dims[time] == 1 ? v : onnx_uniform(r, v, time);
    int rank = 0;
    if (!u) {
        onnx_not_in_time(r, c, "indexes across time");
        return v;
    }
    for (int i = 0; i < v->rank; i++)
        if (i != time)
            dims[rank++] = v->dims[i];
    return onnx_like(r, u, rank, dims, -1,
                     u->kind == ONNX_RUNS ? u->id : IR_NONE);
}

/*
 * Indices beside what they index, v[0], and perhaps what goes there: in time
 * frame by frame. Returns the result without id, of like's dims.
 */
static onnx_value *beside(onnx_run *r, onnx_call *c, onnx_value **v, int count,
                          int axis, int like)
{
    onnx_value *y;
    int time = -1;
    for (int k = 0; k < count; k++) {
        if (v[k]->rank != v[0]->rank || !v[k]->rank)
            onnx_bad(r, c, "tensors with %d and %d axes", v[0]->rank,
                     v[k]->rank);
        for (int i = 0; i < v[0]->rank; i++)
            if (i != axis && v[k]->dims[i] > v[0]->dims[i])
                onnx_bad(r, c, "%lld indices along an axis of %lld",
                         (long long)v[k]->dims[i], (long long)v[0]->dims[i]);
        time = v[k]->time >= 0 ? v[k]->time : time;
    }
    for (int k = 0; k < count && time >= 0; k++)
        if (time == axis || (v[k]->time >= 0 && v[k]->time != time) ||
            v[k]->dims[time] != v[0]->dims[time])
            onnx_not_in_time(r, c, "indexes across time");
    y = onnx_new(r, ONNX_RUNS, v[0]->type, v[0]->rank, v[like]->dims);
    y->time = time;
    for (int k = 0; k < count && r->mode == MLI_STREAM && time >= 0; k++)
        if (v[k]->time < 0)
            v[k] = in_each_frame(r, c, v[k], time);
    onnx_align(r, v, count);
    for (int k = 0; k < count; k++)
        if (onnx_timed(r, v[k]))
            y->shift = v[k]->shift;
    return y;
}

void onnx_do_gather_elements(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v[2] = {c->in[0], c->in[1]}, *y;
    uint32_t x[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], all, rank;
    int axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v[0]->rank);
    ir_id at, from;
    (void)what;
    y = beside(r, c, v, 2, axis, 1);
    rank = onnx_frame_dims(r, v[0], x);
    onnx_frame_dims(r, v[1], dims);
    at = element_numbers(r, v[1], rank, x, dims,
                         (uint32_t)onnx_frame_axis(r, y, axis));
    from = onnx_id(r, v[0]);
    all = from == IR_NONE ? 1 : (uint32_t)ir_get(r->g, from)->elements;
    y->id = ir_gather(r->g, onnx_shaped(r, from, 1, &all), at, 0);
    c->out[0] = y;
}

/*
 * Tuples of k indices in the last axis of `at`, after `batch` axes that x and
 * it share: the number of the part in x that each tuple names, and x as a list
 * of such parts. dims: at's without the last.
 */
typedef struct tuples {
    ir_id x, at;
    uint32_t rank; /* of x as a list: parts, then a part's dims */
    uint32_t dims[ONNX_MAX_RANK];
} tuples;

static tuples named_parts(onnx_run *r, onnx_call *c, onnx_value *x,
                          onnx_value *at, int batch)
{
    tuples t = {IR_NONE, IR_NONE, 1, {1}};
    int64_t k = at->rank ? at->dims[at->rank - 1] : 0, before = 1, each = 1;
    float step[ONNX_MAX_RANK], size[ONNX_MAX_RANK];
    uint32_t dims[ONNX_MAX_RANK], n;
    ir_id id;
    if (at->rank < batch + 1 || k < 1 || k + batch > x->rank)
        onnx_bad(r, c, "%lld indices for %d axes", (long long)k, x->rank);
    if (x->time >= 0 || at->time >= 0)
        onnx_not_in_time(r, c, "indexes across time");
    onnx_frame_dims(r, x, dims); /* checks them */
    for (int i = 0; i < batch; i++) {
        if (x->dims[i] != at->dims[i])
            onnx_bad(r, c, "batches of %lld and %lld", (long long)x->dims[i],
                     (long long)at->dims[i]);
        before *= x->dims[i];
    }
    for (int i = (int)k - 1; i >= 0; i--) {
        step[i] = (float)each;
        size[i] = (float)x->dims[batch + i];
        each *= x->dims[batch + i];
        check_countable(r, (uint64_t)each);
    }
    check_countable(r, (uint64_t)(before * each));
    t.dims[0] = (uint32_t)(before * each);
    for (int i = batch + (int)k; i < x->rank; i++)
        t.dims[t.rank++] = (uint32_t)x->dims[i];
    t.x = onnx_as(r, x, t.rank, t.dims);
    n = (uint32_t)k;
    id = from_start(r, at, onnx_id(r, at), numbers(r, 1, &n, size));
    id = ir_binary(r->g, MLI_MUL, id, numbers(r, 1, &n, step));
    id = ir_reduce(r->g, MLI_REDUCE_SUM, id, 1u << (at->rank - 1), 0);
    if (before > 1) {
        float *first = onnx_take(r->pool, (size_t)before, sizeof *first);
        for (int64_t i = 0; i < before; i++)
            first[i] = (float)(i * each);
        for (int i = 0; i < at->rank - 1; i++)
            dims[i] = i < batch ? (uint32_t)x->dims[i] : 1;
        id = ir_binary(r->g, MLI_ADD, id,
                       numbers(r, (uint32_t)at->rank - 1, dims, first));
    }
    t.at = id;
    return t;
}

void onnx_do_gather_nd(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *at = c->in[1];
    int batch = (int)onnx_int(c, "batch_dims", 0), rank = 0;
    int64_t dims[2 * ONNX_MAX_RANK];
    tuples t;
    (void)what;
    if (batch < 0 || batch >= x->rank)
        onnx_bad(r, c, "%d batch axes of %d", batch, x->rank);
    t = named_parts(r, c, x, at, batch);
    for (int i = 0; i < at->rank - 1; i++)
        dims[rank++] = at->dims[i];
    for (int i = batch + (int)at->dims[at->rank - 1]; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    if (rank > ONNX_MAX_RANK)
        onnx_bad(r, c, "a result with %d axes", rank);
    c->out[0] =
        onnx_result(r, x, rank, dims, -1, ir_gather(r->g, t.x, t.at, 0));
}

/* ------------------------------------------------------------ scatter ---- */

static mli_scatter how_of(onnx_run *r, onnx_call *c)
{
    static const char *const words[] = {"none", "add", "mul", "max", "min"};
    const char *word = onnx_string(c, "reduction", "none");
    for (int i = 0; i < MLI_SCATTER_COUNT; i++)
        if (!strcmp(word, words[i]))
            return (mli_scatter)i;
    onnx_bad(r, c, "reduction \"%.20s\"", word);
}

void onnx_do_scatter_elements(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v[3] = {c->in[0], c->in[1], c->in[2]}, *y;
    uint32_t x[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], all, some, rank;
    int axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v[0]->rank);
    ir_id at, from;
    (void)what;
    if (!onnx_same_dims(v[1], v[2]))
        onnx_bad(r, c, "indices and updates of different shapes");
    y = beside(r, c, v, 3, axis, 0);
    rank = onnx_frame_dims(r, v[0], x);
    onnx_frame_dims(r, v[1], dims);
    at = element_numbers(r, v[1], rank, x, dims,
                         (uint32_t)onnx_frame_axis(r, y, axis));
    from = onnx_id(r, v[0]);
    c->out[0] = y;
    if (from == IR_NONE || at == IR_NONE)
        return; /* the graph's error is seen to */
    all = (uint32_t)ir_get(r->g, from)->elements;
    some = (uint32_t)ir_get(r->g, at)->elements;
    y->id =
        ir_scatter(r->g, how_of(r, c), onnx_shaped(r, from, 1, &all),
                   onnx_shaped(r, at, 1, &some), onnx_as(r, v[2], 1, &some));
}

void onnx_do_scatter_nd(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *at = c->in[1], *u = c->in[2];
    uint32_t dims[ONNX_MAX_RANK];
    int k = at->rank ? (int)at->dims[at->rank - 1] : 0;
    tuples t;
    (void)what;
    if (u->time >= 0)
        onnx_not_in_time(r, c, "indexes across time");
    t = named_parts(r, c, x, at, 0);
    if (u->rank != at->rank - 1 + x->rank - k)
        onnx_bad(r, c, "updates with %d axes", u->rank);
    onnx_frame_dims(r, u, dims);
    c->out[0] = onnx_result(r, x, x->rank, x->dims, -1,
                            ir_scatter(r->g, how_of(r, c), t.x, t.at,
                                       onnx_as(r, u, (uint32_t)u->rank, dims)));
}

/* ------------------------------------------------------------- choices ---- */

static onnx_value *counted(onnx_run *r, int rank, const int64_t *dims, int axis)
{
    onnx_value *y = onnx_new_const(r, ONNX_FLOAT, rank, dims);
    int64_t inner = 1;
    for (int i = axis + 1; i < rank; i++)
        inner *= dims[i];
    for (int64_t k = 0; k < onnx_elements(y); k++)
        y->f[k] = (float)(k / inner % dims[axis]);
    return y;
}

void onnx_do_one_hot(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *at = c->in[0], *values = c->in[2], *y;
    int count, axis, rank = at->rank + 1, time;
    const int64_t *list = onnx_list(r, c, 1, NULL, &count);
    int64_t dims[ONNX_MAX_RANK], line[ONNX_MAX_RANK];
    (void)what;
    if (c->out[0])
        return;
    axis = onnx_axis(r, c, onnx_int(c, "axis", -1), rank);
    if (rank > ONNX_MAX_RANK || count < 1 || list[0] < 1 ||
        list[0] > (int64_t)MLI_MAX_INDEX || onnx_elements(values) != 2)
        onnx_bad(r, c, "a depth of %lld, %lld values",
                 (long long)(count > 0 ? list[0] : 0),
                 (long long)onnx_elements(values));
    for (int i = 0; i < rank; i++) {
        line[i] = i == axis ? list[0] : 1;
        dims[i] = i == axis ? 1 : at->dims[i - (i > axis)];
    }
    if (may_be_negative(at)) {
        y = onnx_binary(r, c, MLI_LESS, at, onnx_new_scalar(r, 0.f));
        y = onnx_binary(r, c, MLI_MUL, y, onnx_new_scalar(r, (float)list[0]));
        at = onnx_binary(r, c, MLI_ADD, at, y);
    }
    time = at->time < 0 ? -1 : at->time + (at->time >= axis);
    at = onnx_like(r, at, rank, dims, time, at->id);
    y = onnx_binary(r, c, MLI_EQUAL, at, counted(r, rank, line, axis));
    values = onnx_reshaped(r, c, values, 1, (int64_t[1]){2});
    y = onnx_chosen(r, c, y, onnx_sliced(r, c, values, 0, 1, 1, 1),
                    onnx_sliced(r, c, values, 0, 0, 1, 1));
    c->out[0] = y;
}

/* A constant condition: the elements that it names. */
void onnx_do_compress(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *when = c->in[1], *at;
    int axis = 0;
    int64_t n = 0;
    (void)what;
    if (when->kind != ONNX_CONST) {
        onnx_unsupported(r, c, "a computed condition: its shape would change");
        return;
    }
    if (onnx_attr_of(c, "axis")) {
        axis = onnx_axis(r, c, onnx_int(c, "axis", 0), v->rank);
    } else {
        int64_t all = onnx_elements(v);
        v = onnx_reshaped(r, c, v, 1, &all);
    }
    for (int64_t k = 0; k < onnx_elements(when); k++)
        n += k < v->dims[axis] && onnx_at(when, k) != 0.f;
    at = onnx_new_const(r, ONNX_INT64, 1, &n);
    n = 0;
    for (int64_t k = 0; k < onnx_elements(when) && k < v->dims[axis]; k++)
        if (onnx_at(when, k) != 0.f)
            at->i[n++] = k;
    if (!n)
        onnx_unsupported(r, c, "an empty result");
    else
        c->out[0] = onnx_gathered(r, c, v, at, axis);
}

/* Where a constant is not 0: its coordinates, an axis each. */
void onnx_do_non_zero(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *y;
    int64_t dims[2] = {v->rank, 0}, n = 0;
    (void)what;
    if (v->kind != ONNX_CONST) {
        onnx_unsupported(r, c, "of what is computed: its shape would change");
        return;
    }
    for (int64_t k = 0; k < onnx_elements(v); k++)
        dims[1] += onnx_at(v, k) != 0.f;
    y = onnx_new_const(r, ONNX_INT64, 2, dims);
    for (int64_t k = 0; k < onnx_elements(v); k++) {
        int64_t rest = k;
        if (onnx_at(v, k) == 0.f)
            continue;
        for (int i = v->rank - 1; i >= 0; i--) {
            y->i[i * dims[1] + n] = rest % v->dims[i];
            rest /= v->dims[i];
        }
        n++;
    }
    c->out[0] = y;
}

/* Elements on and below (or above) the k-th diagonal, else 0. */
void onnx_do_trilu(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *mask;
    int upper = onnx_int(c, "upper", 1) != 0, count;
    const int64_t *k = onnx_list(r, c, 1, NULL, &count);
    int64_t dims[2];
    (void)what;
    if (c->out[0])
        return;
    if (v->rank < 2)
        onnx_bad(r, c, "a tensor with %d axes", v->rank);
    if (v->time >= v->rank - 2)
        onnx_not_in_time(r, c, "cuts a diagonal along time");
    dims[0] = v->dims[v->rank - 2];
    dims[1] = v->dims[v->rank - 1];
    mask = onnx_new_const(r, ONNX_FLOAT, 2, dims);
    for (int64_t n = 0; n < dims[0] * dims[1]; n++) {
        int64_t far = n % dims[1] - n / dims[1] - (count > 0 ? k[0] : 0);
        mask->f[n] = upper ? far >= 0 : far <= 0;
    }
    c->out[0] = onnx_chosen(r, c, mask, v, onnx_new_scalar(r, 0.f));
    c->out[0]->type = v->type;
}

void onnx_do_eye_like(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *y;
    int64_t k = onnx_int(c, "k", 0);
    int type = (int)onnx_int(c, "dtype", v->type);
    (void)what;
    if (v->rank != 2 || !onnx_type_runs(type))
        onnx_bad(r, c, "a tensor with %d axes, type %s", v->rank,
                 onnx_type_name(type));
    y = onnx_new_const(r, type, 2, v->dims);
    for (int64_t n = 0; n < onnx_elements(y); n++) {
        int on = n % v->dims[1] - n / v->dims[1] == k;
        if (y->f)
            y->f[n] = (float)on;
        else
            y->i[n] = on;
    }
    c->out[0] = y;
}

/* x below -lambd comes nearer by bias, above lambd as well; else 0. */
void onnx_do_shrink(onnx_run *r, onnx_call *c, int what)
{
    float limit = onnx_float(c, "lambd", 0.5f);
    float bias = onnx_float(c, "bias", 0.f);
    onnx_value *x = c->in[0], *low, *high, *y;
    (void)what;
    low = onnx_binary(r, c, MLI_LESS, x, onnx_new_scalar(r, -limit));
    high = onnx_binary(r, c, MLI_LESS, onnx_new_scalar(r, limit), x);
    y = onnx_chosen(r, c, high,
                    onnx_binary(r, c, MLI_SUB, x, onnx_new_scalar(r, bias)),
                    onnx_new_scalar(r, 0.f));
    c->out[0] = onnx_chosen(
        r, c, low, onnx_binary(r, c, MLI_ADD, x, onnx_new_scalar(r, bias)), y);
}

/* The first lens[b] steps of each batch b backwards, the others as they are. */
void onnx_do_reverse_sequence(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *lens = c->in[1], *t, *at, *back;
    int batch = (int)onnx_int(c, "batch_axis", 1);
    int time = (int)onnx_int(c, "time_axis", 0), perm[ONNX_MAX_RANK];
    int64_t dims[ONNX_MAX_RANK], two[2], one[2] = {1, 1};
    uint32_t list[ONNX_MAX_RANK] = {1};
    uint32_t n;
    ir_id id;
    (void)what;
    if (x->rank < 2 || batch + time != 1 || batch * time != 0 ||
        onnx_elements(lens) != x->dims[batch])
        onnx_bad(r, c, "batch axis %d, time axis %d of %d", batch, time,
                 x->rank);
    if (x->time >= 0 || lens->time >= 0)
        onnx_not_in_time(r, c, "turns signals round");
    for (int i = 0; i < x->rank; i++)
        perm[i] = i;
    perm[0] = time;
    perm[1] = batch;
    if (time)
        x = onnx_transposed(r, x, perm);
    two[0] = x->dims[0];
    two[1] = x->dims[1];
    one[0] = two[0];
    t = counted(r, 2, one, 0);
    back = onnx_binary(r, c, MLI_SUB, lens, onnx_new_scalar(r, 1.f));
    back = onnx_binary(r, c, MLI_SUB, back, t);
    at = onnx_chosen(r, c, onnx_binary(r, c, MLI_LESS, t, lens), back, t);
    at = onnx_binary(r, c, MLI_MUL, at, onnx_new_scalar(r, (float)two[1]));
    at = onnx_binary(r, c, MLI_ADD, at, counted(r, 2, two, 1));
    check_countable(r, (uint64_t)(two[0] * two[1]));
    list[0] = (uint32_t)(two[0] * two[1]);
    n = 1;
    for (int i = 2; i < x->rank; i++)
        list[n++] = (uint32_t)x->dims[i];
    memcpy(dims, x->dims, sizeof dims);
    id = onnx_as(r, x, n, list);
    x = onnx_result(r, x, x->rank, dims, -1,
                    ir_gather(r->g, id, onnx_as(r, at, 1, list), 0));
    c->out[0] = time ? onnx_transposed(r, x, perm) : x;
}
