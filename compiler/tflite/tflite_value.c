/* tflite_value.c - values, their numbers, and their rounding. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"
#include "tflite_run.h"

uint64_t tfl_elements(const tfl_value *v)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < v->rank; i++)
        n *= v->dims[i]; /* bounded when the value was set */
    return n;
}

int tfl_quantised(const tfl_tensor *t)
{
    return t->scales.count > 0 &&
           (t->type == TFL_INT8 || t->type == TFL_UINT8 ||
            t->type == TFL_INT16 || t->type == TFL_INT32 ||
            t->type == TFL_INT4);
}

/* Outside of every type that has one: no zero point. */
static int32_t zero_at(const tfl_tensor *t, uint32_t i)
{
    int64_t z = flat_int_at(&t->zeros, i);

    return z < -65536 || z > 65536 ? 0 : (int32_t)z;
}

int32_t tfl_zero(const tfl_tensor *t)
{
    return t->zeros.count ? zero_at(t, 0) : 0;
}

static float scale_at(const tfl_tensor *t, uint32_t i)
{
    float s = flat_float_at(&t->scales, t->scales.count > 1 ? i : 0);

    return s > 0.f && s < INFINITY ? s : 1.f;
}

float tfl_tensor_scale(const tfl_tensor *t)
{
    return tfl_quantised(t) ? scale_at(t, 0) : 0.f;
}

uint32_t tfl_scale_count(const tfl_value *v)
{
    return v->raw && tfl_quantised(v->raw) ? v->raw->scales.count : 1;
}

int tfl_scales_differ(const tfl_value *v)
{
    for (uint32_t i = 1; i < tfl_scale_count(v); i++)
        if (tfl_scale(v, i) != tfl_scale(v, 0))
            return 1;
    return 0;
}

float tfl_scale(const tfl_value *v, uint32_t i)
{
    if (!v->raw || !tfl_quantised(v->raw))
        return v->scale;
    return scale_at(v->raw, i < v->raw->scales.count ? i : 0);
}

int tfl_whole(int type)
{
    return type != TFL_FLOAT32 && type != TFL_FLOAT16 && type != TFL_FLOAT64 &&
           type != TFL_BFLOAT16;
}

int tfl_constant(const tfl_run *r, const tfl_value *v)
{
    return v->set && !v->broken &&
           (v->raw || (ir_good(r->g, v->id) && r->g->values[v->id].constant));
}

void tfl_spend(tfl_run *r, uint64_t floats)
{
    r->built += floats;
    if (r->built > r->built_limit)
        onnx_stop(r->exit, ONNX_WRONG, MLC_MEMORY,
                  "the model needs more memory than is allowed for its size");
}

float *tfl_take(tfl_run *r, uint64_t n)
{
    return onnx_take(r->pool, (size_t)n, sizeof(float));
}

/* ------------------------------------------------- numbers of the file ---- */

static float half(uint16_t h)
{
    int e = h >> 10 & 31, m = h & 1023;
    float x = e == 31 ? (m ? NAN : INFINITY)
              : e     ? ldexpf((float)(m + 1024), e - 25)
                      : ldexpf((float)m, -24);

    return h >> 15 ? -x : x;
}

static int64_t load_int(const uint8_t *at, int type, uint64_t i)
{
    int16_t s;
    int32_t n;
    int64_t l;

    switch (type) {
    case TFL_INT8:
        return (int8_t)at[i];
    case TFL_UINT8:
    case TFL_BOOL:
        return at[i];
    case TFL_INT4: /* the low half first */
        n = at[i / 2] >> (i % 2 * 4) & 15;
        return n >= 8 ? n - 16 : n;
    case TFL_INT16:
        memcpy(&s, at + 2 * i, sizeof s);
        return s;
    case TFL_UINT16:
        memcpy(&s, at + 2 * i, sizeof s);
        return (uint16_t)s;
    case TFL_INT32:
        memcpy(&n, at + 4 * i, sizeof n);
        return n;
    case TFL_UINT32:
        memcpy(&n, at + 4 * i, sizeof n);
        return (uint32_t)n;
    default:
        memcpy(&l, at + 8 * i, sizeof l);
        return l;
    }
}

static float load_float(const uint8_t *at, int type, uint64_t i)
{
    uint16_t h;
    uint32_t u;
    float x;
    double d;

    switch (type) {
    case TFL_FLOAT32:
        memcpy(&x, at + 4 * i, sizeof x);
        return x;
    case TFL_FLOAT16:
        memcpy(&h, at + 2 * i, sizeof h);
        return half(h);
    case TFL_BFLOAT16:
        memcpy(&h, at + 2 * i, sizeof h);
        u = (uint32_t)h << 16;
        memcpy(&x, &u, sizeof x);
        return x;
    case TFL_FLOAT64:
        memcpy(&d, at + 8 * i, sizeof d);
        return (float)d;
    default:
        return (float)load_int(at, type, i);
    }
}

/* Which of the scales an element has. */
static uint32_t channel_of(const tfl_tensor *t, uint64_t i)
{
    uint64_t inner = 1;

    if (t->scales.count <= 1 || t->axis >= (uint32_t)t->rank)
        return 0;
    for (int k = (int)t->axis + 1; k < t->rank; k++)
        inner *= t->dims[k];
    i = i / inner % t->dims[t->axis];
    return i < t->scales.count ? (uint32_t)i : 0;
}

static int64_t zero_of(const tfl_tensor *t, uint32_t channel)
{
    if (t->zeros.count > 1 && channel < t->zeros.count)
        return zero_at(t, channel);
    return tfl_zero(t);
}

/* Has a quantised tensor zero points other than 0? */
static int has_zeros(const tfl_tensor *t)
{
    for (uint32_t k = 0; k < t->zeros.count; k++)
        if (zero_at(t, k))
            return 1;
    return 0;
}

/* 8-bit weights as they mostly are: no zero points. */
static int read_bytes(const tfl_tensor *t, uint64_t n, float *f)
{
    const int8_t *from = (const int8_t *)t->raw;

    if (t->type != TFL_INT8 || has_zeros(t))
        return 0;
    for (uint64_t i = 0; i < n; i++)
        f[i] = (float)from[i];
    return 1;
}

static const float *read_floats(tfl_run *r, const tfl_tensor *t, uint64_t n,
                                int real)
{
    int q = tfl_quantised(t);
    float *f;

    if (t->type == TFL_FLOAT32 && (uintptr_t)t->raw % sizeof(float) == 0)
        return (const float *)(const void *)t->raw;
    f = tfl_take(r, n);
    if (!real && read_bytes(t, n, f))
        return f;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t k = q ? channel_of(t, i) : 0;
        if (!q) {
            f[i] = load_float(t->raw, t->type, i);
            continue;
        }
        f[i] = (float)(load_int(t->raw, t->type, i) - zero_of(t, k));
        if (real)
            f[i] *= scale_at(t, k);
    }
    return f;
}

const float *tfl_floats(tfl_run *r, const tfl_value *v)
{
    if (v->raw)
        return read_floats(r, v->raw, tfl_elements(v), 0);
    return r->g->values[v->id].data;
}

const float *tfl_real_floats(tfl_run *r, const tfl_value *v)
{
    const float *from;
    float *f;

    if (v->raw)
        return read_floats(r, v->raw, tfl_elements(v), 1);
    from = r->g->values[v->id].data;
    if (v->scale == 0.f)
        return from;
    f = tfl_take(r, tfl_elements(v));
    for (uint64_t i = 0; i < tfl_elements(v); i++)
        f[i] = from[i] * v->scale;
    return f;
}

const int64_t *tfl_ints(tfl_run *r, const tfl_value *v, uint32_t *count)
{
    uint64_t n = tfl_elements(v);
    int64_t *list;

    *count = 0;
    if (!tfl_constant(r, v) || n > (1u << 20))
        return NULL;
    list = onnx_take(r->pool, (size_t)n, sizeof *list);
    for (uint64_t i = 0; i < n; i++) {
        double x;
        if (v->raw && tfl_whole(v->type)) {
            list[i] = load_int(v->raw->raw, v->raw->type, i);
            continue;
        }
        x = v->raw ? (double)load_float(v->raw->raw, v->raw->type, i)
                   : (double)r->g->values[v->id].data[i];
        list[i] = fabs(x) < 9e18 ? (int64_t)x : 0;
    }
    *count = (uint32_t)n;
    return list;
}

/* ------------------------------------------------------- in the graph ---- */

ir_id tfl_id(tfl_run *r, tfl_value *v)
{
    if (v->raw && v->id == IR_NONE && !r->g->error[0]) {
        uint64_t n = tfl_elements(v);
        tfl_spend(r, n);
        if (v->raw->scales.count > 1 && tfl_quantised(v->raw)) {
            v->id = ir_const(r->g, v->rank, v->dims, tfl_real_floats(r, v));
            v->scale = 1.f; /* one scale for all: the numbers are real */
        } else {
            v->id = ir_const(r->g, v->rank, v->dims, tfl_floats(r, v));
        }
    }
    return v->id;
}

ir_id tfl_scaled(tfl_run *r, ir_id id, uint32_t n, const float *scale,
                 const float *shift, mli_unary fn, float p, float q)
{
    ir_id y = ir_affine(r->g, id, n, scale, shift);

    if (y != IR_NONE && fn != MLI_IDENTITY) {
        ir_made(r->g)->fn = fn;
        ir_made(r->g)->fp = p;
        ir_made(r->g)->fq = q;
    }
    return y;
}

ir_id tfl_real(tfl_run *r, tfl_value *v)
{
    ir_id id = tfl_id(r, v);

    if (v->scale == 0.f || v->scale == 1.f)
        return id;
    return tfl_scaled(r, id, 1, &v->scale, NULL, MLI_IDENTITY, 0.f, 0.f);
}

void tfl_range(int type, int32_t zero, float *low, float *high)
{
    switch (type) {
    case TFL_INT8:
        *low = -128.f;
        *high = 127.f;
        break;
    case TFL_UINT8:
        *low = 0.f;
        *high = 255.f;
        break;
    case TFL_INT4:
        *low = -8.f;
        *high = 7.f;
        break;
    case TFL_INT32:
        *low = -0x1p31f;
        *high = 0x1p31f;
        break;
    default:
        *low = -32768.f;
        *high = 32767.f;
    }
    *low -= (float)zero;
    *high -= (float)zero;
}

ir_id tfl_round(tfl_run *r, ir_id id, int type, int32_t zero)
{
    float low, high;

    tfl_range(type, zero, &low, &high);
    return ir_unary(r->g, MLI_ROUND_AWAY, low, high, id);
}

ir_id tfl_activate(tfl_run *r, ir_id id, int activation)
{
    switch (activation) {
    case TFL_ACT_RELU:
        return ir_unary(r->g, MLI_RELU, 0.f, 0.f, id);
    case TFL_ACT_RELU_N1_TO_1:
        return ir_unary(r->g, MLI_HARD_TANH, -1.f, 1.f, id);
    case TFL_ACT_RELU6:
        return ir_unary(r->g, MLI_HARD_TANH, 0.f, 6.f, id);
    case TFL_ACT_TANH:
        return ir_unary(r->g, MLI_TANH, 0.f, 0.f, id);
    default:
        return id;
    }
}

void tfl_active_range(const tfl_tensor *t, int activation, float *low,
                      float *high)
{
    float s = tfl_tensor_scale(t), a = -INFINITY, b = INFINITY;

    tfl_range(t->type, tfl_zero(t), low, high);
    if (activation == TFL_ACT_RELU || activation == TFL_ACT_RELU6)
        a = 0.f;
    if (activation == TFL_ACT_RELU6)
        b = 6.f;
    if (activation == TFL_ACT_RELU_N1_TO_1) {
        a = -1.f;
        b = 1.f;
    }
    a = roundf(a / s);
    b = roundf(b / s);
    *low = *low > a ? *low : a < *high ? a : *high;
    *high = *high < b ? *high : b > *low ? b : *low;
}

void tfl_set(tfl_run *r, tfl_value *v, const tfl_tensor *t, ir_id id)
{
    const ir_value *y;

    memset(v, 0, sizeof *v);
    v->set = 1;
    v->id = id;
    v->type = t->type;
    if (tfl_quantised(t)) {
        v->scale = tfl_tensor_scale(t);
        v->zero = tfl_zero(t);
    }
    if (!ir_good(r->g, id)) {
        v->broken = 1;
        return;
    }
    y = &r->g->values[id];
    v->rank = y->rank;
    memcpy(v->dims, y->dims, sizeof v->dims);
}

void tfl_put_whole(tfl_run *r, tfl_call *c, int k, ir_id id)
{
    if (k < c->outputs && c->out[k])
        tfl_set(r, c->out[k], c->declared[k], id);
}

void tfl_put_sums(tfl_run *r, tfl_call *c, int k, ir_id id, uint32_t n,
                  const float *scale, int activation)
{
    float low, high;

    if (k >= c->outputs || !c->out[k])
        return;
    tfl_active_range(c->declared[k], activation, &low, &high);
    tfl_put_whole(r, c, k,
                  tfl_scaled(r, id, n, scale, NULL, MLI_ROUND_AWAY, low, high));
}

void tfl_put_active(tfl_run *r, tfl_call *c, int k, ir_id id, int activation)
{
    const tfl_tensor *t;
    float scale;

    if (k >= c->outputs || !c->out[k])
        return;
    t = c->declared[k];
    if (activation < 0 || activation > TFL_ACT_TANH) {
        tfl_unsupported(r, c, "fused activation %d", activation);
        return;
    }
    if (!tfl_quantised(t)) {
        tfl_put_whole(r, c, k, tfl_activate(r, id, activation));
        return;
    }
    if (activation == TFL_ACT_TANH)
        id = tfl_activate(r, id, activation);
    scale = 1.f / tfl_tensor_scale(t);
    tfl_put_sums(r, c, k, id, 1, &scale,
                 activation == TFL_ACT_TANH ? TFL_ACT_NONE : activation);
}

void tfl_put(tfl_run *r, tfl_call *c, int k, ir_id id)
{
    tfl_put_active(r, c, k, id, TFL_ACT_NONE);
}

void tfl_put_like(tfl_run *r, tfl_call *c, int k, ir_id id,
                  const tfl_value *like)
{
    const tfl_tensor *t;
    float scale;

    if (k >= c->outputs || !c->out[k])
        return;
    t = c->declared[k];
    scale = tfl_tensor_scale(t);
    if (like->scale == scale && (scale == 0.f || like->zero == tfl_zero(t))) {
        tfl_put_whole(r, c, k, id);
        return;
    }
    if (like->scale > 0.f && scale > 0.f) {
        double factor = (double)like->scale / (double)scale;
        tfl_put_fixed(r, c, k, id, 1, &factor, MLI_ROUND_TWICE, TFL_ACT_NONE);
        return;
    }
    if (like->scale > 0.f)
        id = tfl_scaled(r, id, 1, &like->scale, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put(r, c, k, id);
}

/* ------------------------------------------------------- dense layers ---- */

/* Fewer weights are floats: nothing is gained. */
#define LEAST_SMALL 4096u

int tfl_small(tfl_run *r, const tfl_value *v, uint32_t axis, int real,
              ir_bytes *w)
{
    const tfl_tensor *t = v->raw;
    float *scale;

    *w = (ir_bytes){0};
    if (!t || tfl_elements(v) < LEAST_SMALL || axis >= v->rank)
        return 0;
    w->w = t->raw;
    w->type = t->type == TFL_FLOAT16    ? IR_F16
              : t->type == TFL_BFLOAT16 ? IR_BF16
                                        : IR_S8;
    if (!tfl_quantised(t))
        return w->type != IR_S8;
    if (t->type != TFL_INT8 || has_zeros(t) ||
        (t->scales.count > 1 && t->axis != axis))
        return 0;
    if (!real)
        return 1;
    w->scale = scale = tfl_take(r, v->dims[axis]);
    for (uint32_t i = 0; i < v->dims[axis]; i++)
        scale[i] = scale_at(t, i < t->scales.count ? i : 0);
    return 1;
}

void tfl_numbers(tfl_run *r, const tfl_value *v, uint32_t axis, int real,
                 ir_bytes *w)
{
    if (tfl_small(r, v, axis, real, w))
        return;
    *w = (ir_bytes){.w = real ? tfl_real_floats(r, v) : tfl_floats(r, v),
                    .type = IR_F32};
}

static ir_id packed(tfl_run *r, uint32_t inputs, uint32_t outputs,
                    const ir_bytes *w, const void *key)
{
    tfl_packed *p, *grown;

    for (uint32_t i = 0; key && i < r->packed_count; i++) {
        p = &r->packed[i];
        if (p->key == key && p->inputs == inputs && p->outputs == outputs)
            return p->id;
    }
    if (r->packed_count == r->packed_room) {
        grown = onnx_take(r->pool, 2 * (size_t)r->packed_room + 16, sizeof *p);
        if (r->packed_count)
            memcpy(grown, r->packed, r->packed_count * sizeof *p);
        r->packed = grown;
        r->packed_room = 2 * r->packed_room + 16;
    }
    tfl_spend(r, mli_packed_size(outputs, 1, inputs));
    p = &r->packed[r->packed_count++];
    p->key = key;
    p->inputs = inputs;
    p->outputs = outputs;
    p->id = ir_pack_bytes(r->g, inputs, outputs, 1, 1, w);
    return p->id;
}

ir_id tfl_dense_bytes(tfl_run *r, ir_id x, uint32_t inputs, uint32_t outputs,
                      const ir_bytes *w, const float *b, const void *key)
{
    ir_id in[3], y;
    ir_shape s;

    if (!ir_good(r->g, x))
        return IR_NONE;
    s = ir_shape_of(r->g, x);
    if (!inputs || !outputs || !s.rank || s.dims[s.rank - 1] != inputs) {
        char text[120];
        ir_fail(r->g, "dense layer of %u inputs and %u outputs on %s", inputs,
                outputs, ir_shape_text(&s, text));
        return IR_NONE;
    }
    in[0] = x;
    in[1] = packed(r, inputs, outputs, w, key);
    in[2] = ir_bias(r->g, outputs, b);
    s.dims[s.rank - 1] = outputs;
    y = ir_emit(r->g, MLI_OP_LINEAR, b ? 3 : 2, in, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(r->g)->p[0] = inputs;
    ir_made(r->g)->p[1] = outputs;
    return y;
}

ir_id tfl_dense(tfl_run *r, ir_id x, uint32_t inputs, uint32_t outputs,
                const float *w, const float *b, const void *key)
{
    const ir_bytes all = {.w = w, .type = IR_F32, .output = inputs, .input = 1};

    return tfl_dense_bytes(r, x, inputs, outputs, &all, b, key);
}
