/*
 * onnx_raw.c - constants in their file's own width: they are widened for
 * operators that compute with them, and layers take them as they are.
 */
#include <string.h>
#include "onnx_run.h"

/* Smaller tensors are read at once: nothing is gained. */
#define LEAST 4096u

static int width_of(int type)
{
    return type == ONNX_INT8 || type == ONNX_UINT8 ? 1 : 2;
}

const onnx_raw *onnx_tensor_raw(onnx_run *r, onnx_tensor *t)
{
    static const int types[] = {ONNX_INT8, ONNX_UINT8, ONNX_FLOAT16,
                                ONNX_BFLOAT16};
    const uint8_t *at = NULL;
    onnx_raw *raw;
    onnx_value v;
    if (t->count < LEAST || !t->rank || t->f || t->i)
        return NULL;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (t->type == types[k])
            at = onnx_tensor_bytes(r->model, t);
    if (!at)
        return NULL;
    raw = onnx_take(r->pool, 1, sizeof *raw);
    raw->at = at;
    raw->type = t->type;
    v.rank = t->rank;
    memcpy(v.dims, t->dims, sizeof v.dims);
    onnx_strides(&v, raw->strides);
    return raw;
}

/* ------------------------------------------------------------- reading ---- */

static float from_half(uint32_t h)
{
    uint32_t e = h >> 10 & 31, bits = (h & 0x7fff) << 13;
    float f;
    if (e == 0) {
        f = (float)(h & 1023) * 0x1p-24f;
        return h & 0x8000 ? -f : f;
    }
    bits += (e == 31 ? 224u : 112u) << 23;
    bits |= (h & 0x8000) << 16;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float number(const onnx_raw *raw, int64_t n)
{
    uint16_t h;
    uint32_t bits;
    float f;
    switch (raw->type) {
    case ONNX_INT8:
        return (int8_t)raw->at[n];
    case ONNX_UINT8:
        return raw->at[n];
    }
    memcpy(&h, raw->at + 2 * n, sizeof h);
    if (raw->type == ONNX_FLOAT16)
        return from_half(h);
    bits = (uint32_t)h << 16;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Which of an axis' numbers the element at these places has. */
static int64_t which(const onnx_value *v, int axis, const int64_t *at)
{
    if (axis == ONNX_FIRST_TWO)
        return at[0] * v->dims[1] + at[1];
    return axis < 0 ? 0 : at[axis];
}

static float element(const onnx_value *v, const int64_t *at, int64_t from)
{
    const onnx_raw *raw = v->raw;
    float x = number(raw, from);
    if (raw->zero)
        x -= raw->zero[which(v, raw->zero_axis, at)];
    if (raw->scale)
        x *= raw->scale[which(v, raw->scale_axis, at)];
    return x;
}

float onnx_raw_at(const onnx_value *v, int64_t n)
{
    int64_t at[ONNX_MAX_RANK] = {0}, from = v->raw->base;
    for (int a = v->rank - 1; a >= 0; a--) {
        at[a] = n % v->dims[a];
        n /= v->dims[a];
        from += at[a] * v->raw->strides[a];
    }
    return element(v, at, from);
}

void onnx_raw_read(const onnx_value *v, float *to)
{
    int64_t at[ONNX_MAX_RANK] = {0}, n = onnx_elements(v), from = v->raw->base;
    for (int64_t k = 0; k < n; k++) {
        to[k] = element(v, at, from);
        for (int a = v->rank - 1; a >= 0; a--) {
            from += v->raw->strides[a];
            if (++at[a] < v->dims[a])
                break;
            from -= at[a] * v->raw->strides[a];
            at[a] = 0;
        }
    }
}

onnx_value *onnx_solid(onnx_run *r, onnx_value *v)
{
    size_t n;
    if (!v->raw)
        return v;
    n = (size_t)onnx_elements(v);
    onnx_work(r, 8.0 * (double)n);
    if (onnx_type_is_float(v->type)) {
        v->f = onnx_take(r->pool, n, sizeof *v->f);
        onnx_raw_read(v, v->f);
    } else {
        v->i = onnx_take(r->pool, n, sizeof *v->i);
        for (size_t k = 0; k < n; k++)
            v->i[k] = (int64_t)onnx_raw_at(v, (int64_t)k);
    }
    v->raw = NULL;
    return v;
}

/* -------------------------------------------------------------- moving ---- */

static onnx_raw *copy(onnx_run *r, const onnx_raw *raw)
{
    onnx_raw *y = onnx_take(r->pool, 1, sizeof *y);
    *y = *raw;
    return y;
}

static onnx_value *value(onnx_run *r, const onnx_value *v, int type,
                         const int64_t *dims, const onnx_raw *raw)
{
    onnx_value *y = onnx_new(r, ONNX_CONST, type, v->rank, dims);
    y->raw = raw;
    y->learned = v->learned;
    return y;
}

/* The axis whose outer axes are as many elements in all, and that is as long;
   -3: none. */
static int same_axis(const onnx_value *v, int axis, int rank,
                     const int64_t *dims)
{
    int64_t outer = 1, before = 1;
    if (axis == -1)
        return -1;
    for (int i = 0; i < axis; i++)
        outer *= v->dims[i];
    for (int i = 0; i < rank && axis >= 0; i++) {
        if (before == outer && dims[i] == v->dims[axis])
            return i;
        before *= dims[i];
    }
    return -3;
}

/* Steps in other dims: axes of one element come and go, and what lies in one
   piece can be cut in any way. 0: it cannot. */
static int new_strides(const onnx_value *v, int rank, const int64_t *dims,
                       int64_t *strides)
{
    int64_t plain[ONNX_MAX_RANK];
    onnx_value y;
    int k = 0, whole = 1;
    onnx_strides(v, plain);
    for (int i = 0; i < v->rank; i++)
        whole &= v->dims[i] == 1 || plain[i] == v->raw->strides[i];
    if (whole) {
        y.rank = rank;
        memcpy(y.dims, dims, (size_t)rank * sizeof *dims);
        onnx_strides(&y, strides);
        return 1;
    }
    for (int i = 0; i < rank; i++) {
        strides[i] = 0;
        if (dims[i] == 1)
            continue;
        while (k < v->rank && v->dims[k] == 1)
            k++;
        if (k == v->rank || v->dims[k] != dims[i])
            return 0;
        strides[i] = v->raw->strides[k++];
    }
    return 1;
}

const onnx_raw *onnx_raw_reshaped(onnx_run *r, const onnx_value *v, int rank,
                                  const int64_t *dims)
{
    onnx_raw *y = copy(r, v->raw);
    if (rank == v->rank && !memcmp(dims, v->dims, (size_t)rank * sizeof *dims))
        return y;
    y->scale_axis = same_axis(v, v->raw->scale_axis, rank, dims);
    y->zero_axis = same_axis(v, v->raw->zero_axis, rank, dims);
    if ((y->scale && y->scale_axis < -1) || (y->zero && y->zero_axis < -1) ||
        !new_strides(v, rank, dims, y->strides))
        return NULL;
    return y;
}

static int moved_axis(const int *perm, int rank, int axis)
{
    for (int i = 0; i < rank; i++)
        if (perm[i] == axis)
            return i;
    return axis;
}

onnx_value *onnx_raw_transposed(onnx_run *r, const onnx_value *v,
                                const int *perm)
{
    onnx_raw *raw = copy(r, v->raw);
    int64_t dims[ONNX_MAX_RANK];
    for (int i = 0; i < v->rank; i++) {
        dims[i] = v->dims[perm[i]];
        raw->strides[i] = v->raw->strides[perm[i]];
    }
    if (raw->scale_axis == ONNX_FIRST_TWO || raw->zero_axis == ONNX_FIRST_TWO)
        return NULL;
    raw->scale_axis = moved_axis(perm, v->rank, raw->scale_axis);
    raw->zero_axis = moved_axis(perm, v->rank, raw->zero_axis);
    return value(r, v, v->type, dims, raw);
}

onnx_value *onnx_raw_sliced(onnx_run *r, const onnx_value *v, int axis,
                            int64_t start, int64_t step, int64_t count)
{
    onnx_raw *raw = copy(r, v->raw);
    int64_t dims[ONNX_MAX_RANK];
    int own = (raw->scale && raw->scale_axis == axis) ||
              (raw->zero && raw->zero_axis == axis);
    memcpy(dims, v->dims, sizeof dims);
    if ((own && step != 1) || raw->scale_axis == ONNX_FIRST_TWO ||
        raw->zero_axis == ONNX_FIRST_TWO)
        return NULL;
    if (raw->scale && raw->scale_axis == axis)
        raw->scale += start;
    if (raw->zero && raw->zero_axis == axis)
        raw->zero += start;
    raw->base += start * raw->strides[axis];
    raw->strides[axis] *= step;
    dims[axis] = count;
    return value(r, v, v->type, dims, raw);
}

/* ------------------------------------------------------------- scaling ---- */

/* The axis that `by` has one number for each element of, -1: one number; -3:
   something else. */
static int axis_of(const onnx_value *v, const onnx_value *by)
{
    int axis = -1, lead = v->rank - by->rank;
    if (onnx_elements(by) == 1)
        return -1;
    for (int i = 0; i < by->rank; i++) {
        if (by->dims[i] == 1)
            continue;
        if (lead < 0 || axis >= 0 || by->dims[i] != v->dims[lead + i])
            return -3;
        axis = lead + i;
    }
    return axis;
}

onnx_value *onnx_raw_scaled(onnx_run *r, const onnx_value *v,
                            const onnx_value *by)
{
    int axis = axis_of(v, by);
    onnx_raw *raw;
    if (axis < -1 || v->raw->scale || by->kind != ONNX_CONST)
        return NULL;
    raw = copy(r, v->raw);
    raw->scale = onnx_floats(r, by);
    raw->scale_axis = axis;
    return value(r, v, ONNX_FLOAT, v->dims, raw);
}

onnx_value *onnx_raw_centred(onnx_run *r, const onnx_value *v,
                             const onnx_value *by)
{
    int axis = axis_of(v, by);
    onnx_raw *raw;
    if (axis < -1 || v->raw->scale || v->raw->zero || by->kind != ONNX_CONST ||
        width_of(v->raw->type) != 1)
        return NULL;
    raw = copy(r, v->raw);
    raw->zero = onnx_floats(r, by);
    raw->zero_axis = axis;
    return value(r, v, ONNX_FLOAT, v->dims, raw);
}

/* -------------------------------------------------------------- layers ---- */

/* Of outputs along an axis: one number for each. */
static const float *for_each(onnx_run *r, const onnx_value *v, int axis,
                             const float *from, int from_axis)
{
    int64_t n = v->dims[axis];
    float *all;
    if (!from || from_axis == axis)
        return from;
    all = onnx_take(r->pool, (size_t)n, sizeof *all);
    for (int64_t i = 0; i < n; i++)
        all[i] = *from;
    return all;
}

static ir_numbers numbers_of(int type)
{
    return type == ONNX_INT8      ? IR_S8
           : type == ONNX_UINT8   ? IR_U8
           : type == ONNX_FLOAT16 ? IR_F16
                                  : IR_BF16;
}

int onnx_layer_bytes(onnx_run *r, const onnx_value *v, int axis, ir_bytes *w)
{
    const onnx_raw *raw = v->raw;
    if (!raw ||
        (raw->scale && raw->scale_axis != -1 && raw->scale_axis != axis))
        return 0;
    if (raw->zero && raw->zero_axis != -1 && raw->zero_axis != axis)
        return 0;
    w->w = raw->at + raw->base * width_of(raw->type);
    w->type = numbers_of(raw->type);
    w->scale = for_each(r, v, axis, raw->scale, raw->scale_axis);
    w->zero = for_each(r, v, axis, raw->zero, raw->zero_axis);
    return 1;
}
