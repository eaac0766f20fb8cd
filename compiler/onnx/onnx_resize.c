/*
 * onnx_resize.c - Resize and Upsample, axis after axis: every element of the
 * result is a sum of a few elements of x, whose numbers and weights are worked
 * out here.
 */
#include <math.h>
#include <string.h>
#include "onnx_image.h"

#define MAX_TAPS 4

typedef enum way { NEAREST, LINEAR, CUBIC } way;

typedef struct resize { /* what the node says */
    way way;
    const char *coordinates, *nearest;
    double cubic_a;
    int exclude_outside, floor_only;
    float outside; /* value there, with tf_crop_and_resize */
} resize;

typedef struct axis {
    int64_t in, out;
    double scale, length; /* length: out before it was rounded */
    double start, end;    /* the part of the axis that is taken */
} axis;

/* ------------------------------------------------------ one axis ---- */

/* Where in x element n of the result lies. */
static double place_of(const resize *k, const axis *a, int64_t n)
{
    const char *how = k->coordinates;
    double x = (double)n, in = (double)a->in;
    if (!strcmp(how, "asymmetric"))
        return x / a->scale;
    if (!strcmp(how, "align_corners"))
        return a->out == 1 ? 0 : x * (in - 1) / (a->length - 1);
    if (!strcmp(how, "pytorch_half_pixel") && a->out == 1)
        return 0;
    if (!strcmp(how, "tf_half_pixel_for_nn"))
        return (x + .5) / a->scale;
    if (!strcmp(how, "tf_crop_and_resize")) {
        if (a->out == 1)
            return .5 * (a->start + a->end) * (in - 1);
        return a->start * (in - 1) +
               x * (a->end - a->start) * (in - 1) / (a->length - 1);
    }
    if (!strcmp(how, "half_pixel_symmetric")) {
        double adjust = (double)a->out / a->length;
        return in / 2 * (1 - adjust) + (x + .5) / a->scale - .5;
    }
    return (x + .5) / a->scale - .5; /* half_pixel */
}

static double nearest_to(const resize *k, double x)
{
    if (k->floor_only || !strcmp(k->nearest, "floor"))
        return floor(x);
    if (!strcmp(k->nearest, "ceil"))
        return ceil(x);
    if (!strcmp(k->nearest, "round_prefer_ceil"))
        return floor(x + .5);
    return ceil(x - .5);
}

/* Keys' cubic convolution at a distance of d. */
static double cubic_at(double a, double d)
{
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* The elements of x (from *first on; they may lie outside) and their weights.
   Returns how many. */
static int taps_at(const resize *k, double x, double *first, double *w)
{
    double low = floor(x), r = x - low;
    switch (k->way) {
    case NEAREST:
        *first = nearest_to(k, x);
        w[0] = 1;
        return 1;
    case LINEAR:
        *first = low;
        w[0] = 1 - r;
        w[1] = r;
        return 2;
    default:
        *first = low - 1;
        for (int t = 0; t < 4; t++)
            w[t] = cubic_at(k->cubic_a, r + 1 - t);
        return 4;
    }
}

static int64_t clamped(double x, int64_t n)
{
    return x < 0 ? 0 : x > (double)(n - 1) ? n - 1 : (int64_t)x;
}

/* For one axis: taps[t] the element of tap t for each of the result, w[t] its
   weight; is[n] 0 where the result lies outside of x. */
typedef struct table {
    int taps;
    int64_t *at[MAX_TAPS];
    float *w[MAX_TAPS];
    float *is;
    int outside; /* any that does */
} table;

static void fill(onnx_run *r, const resize *k, const axis *a, table *t)
{
    int crops = !strcmp(k->coordinates, "tf_crop_and_resize");
    memset(t, 0, sizeof *t);
    t->is = onnx_take(r->pool, (size_t)a->out, sizeof *t->is);
    for (int i = 0; i < MAX_TAPS; i++) {
        t->at[i] = onnx_take(r->pool, (size_t)a->out, sizeof *t->at[i]);
        t->w[i] = onnx_take(r->pool, (size_t)a->out, sizeof *t->w[i]);
    }
    for (int64_t n = 0; n < a->out; n++) {
        double x = place_of(k, a, n), first, w[MAX_TAPS], sum = 0;
        t->taps = taps_at(k, x, &first, w);
        t->is[n] = !crops || (x >= 0 && x <= (double)(a->in - 1));
        t->outside |= t->is[n] == 0.f;
        for (int i = 0; i < t->taps; i++) {
            if (k->exclude_outside &&
                (first + i < 0 || first + i > (double)(a->in - 1)))
                w[i] = 0;
            sum += w[i];
        }
        for (int i = 0; i < t->taps; i++) {
            t->at[i][n] = clamped(first + i, a->in);
            t->w[i][n] =
                (float)(w[i] / (k->exclude_outside ? sum : 1)) * t->is[n];
        }
    }
}

/* ------------------------------------------------------ moving along ---- */

/* Elements of one axis by number. */
static onnx_value *taken(onnx_run *r, onnx_call *c, onnx_value *v, int number,
                         const int64_t *at, int64_t count)
{
    int64_t step = count > 1 ? at[1] - at[0] : 1, dims[ONNX_MAX_RANK];
    uint32_t keep = 1u << number, n = (uint32_t)count;
    float *index;
    ir_id id;
    int even = step > 0;
    for (int64_t i = 1; i < count; i++)
        even &= at[i] - at[i - 1] == step;
    if (even)
        return onnx_sliced(r, c, v, number, at[0], step, count);
    index = onnx_take(r->pool, (size_t)count, sizeof *index);
    for (int64_t i = 0; i < count; i++)
        index[i] = (float)at[i];
    memcpy(dims, v->dims, sizeof dims);
    dims[number] = count;
    id = ir_gather(r->g, onnx_kept_id(r, v, keep), ir_const1(r->g, n, index),
                   (uint32_t)onnx_kept_axis(r, v, keep, number));
    return onnx_result(r, v, v->rank, dims, v->time, id);
}

/* One number for each element of an axis, to broadcast against v. */
static onnx_value *along(onnx_run *r, const onnx_value *v, int number,
                         const float *w, int64_t count)
{
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *y;
    for (int i = 0; i < v->rank; i++)
        dims[i] = i == number ? count : 1;
    y = onnx_new_const(r, ONNX_FLOAT, v->rank, dims);
    memcpy(y->f, w, (size_t)count * sizeof *w);
    return y;
}

static int all_are(const float *w, int64_t count, float x)
{
    for (int64_t i = 0; i < count; i++)
        if (w[i] != x)
            return 0;
    return 1;
}

static onnx_value *one_axis(onnx_run *r, onnx_call *c, onnx_value *v,
                            int number, const axis *a, const table *t)
{
    onnx_value *sum = NULL;
    for (int i = 0; i < t->taps; i++) {
        onnx_value *part;
        if (all_are(t->w[i], a->out, 0.f) && (sum || i + 1 < t->taps))
            continue;
        part = taken(r, c, v, number, t->at[i], a->out);
        if (!all_are(t->w[i], a->out, 1.f))
            part = onnx_binary(r, c, MLI_MUL, part,
                               along(r, v, number, t->w[i], a->out));
        sum = sum ? onnx_binary(r, c, MLI_ADD, sum, part) : part;
    }
    return sum;
}

/* Where an axis ends outside, the result is the value for that. */
static onnx_value *with_outside(onnx_run *r, onnx_call *c, onnx_value *v,
                                const table *t, float value)
{
    onnx_value *is = NULL, *rest;
    for (int i = 0; i < v->rank; i++) {
        onnx_value *one;
        if (!t[i].outside)
            continue;
        one = along(r, v, i, t[i].is, v->dims[i]);
        is = is ? onnx_binary(r, c, MLI_MUL, is, one) : one;
    }
    if (!is || value == 0.f)
        return v;
    rest = onnx_binary(r, c, MLI_SUB, onnx_new_scalar(r, 1.f), is);
    rest = onnx_binary(r, c, MLI_MUL, rest, onnx_new_scalar(r, value));
    return onnx_binary(r, c, MLI_ADD, v, rest);
}

/* a: an axis each of x; out = in and scale 1: as it is. Batch and channel
   mostly are: images are done with their channels last. */
/* ------------------------------------------------------ along time ---- */

#define MAX_STEP 4096

/* Does it look at frames around alone, never at how long the signal is? */
static int is_local(const resize *k)
{
    static const char *const how[] = {
        "asymmetric", "half_pixel", "half_pixel_symmetric",
        "pytorch_half_pixel", "tf_half_pixel_for_nn"};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++)
        if (!strcmp(k->coordinates, how[i]))
            return !(k->exclude_outside && k->way == CUBIC);
    return 0;
}

/*
 * Frames q*up .. q*up + up-1 of the result are made of frames around q*down of
 * x, each with weights of its own.
 */
static onnx_value *in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                           const resize *k, const axis *a)
{
    int64_t up = a->out > a->in ? a->out / a->in : 1;
    int64_t down = a->in > a->out ? a->in / a->out : 1;
    double first[MAX_STEP], w[MAX_TAPS], low = 0, high = 0;
    float *matrix;
    int64_t taps;
    int n;
    if (a->in * up != a->out * down || up > MAX_STEP || down > MAX_STEP)
        onnx_not_in_time(r, c, "makes %lld frames of %lld", (long long)a->out,
                         (long long)a->in);
    if (!is_local(k))
        onnx_not_in_time(r, c, "resizes time from one end to the other");
    for (int64_t j = 0; j < up; j++) {
        n = taps_at(k, place_of(k, a, j), &first[j], w);
        low = j == 0 || first[j] < low ? first[j] : low;
        high = j == 0 || first[j] + n - 1 > high ? first[j] + n - 1 : high;
    }
    taps = (int64_t)(high - low) + 1;
    if (down == 1 && taps == 1 && low == 0)
        return onnx_repeated(r, x, up);
    matrix = onnx_take(r->pool, (size_t)(up * taps), sizeof *matrix);
    for (int64_t j = 0; j < up; j++) {
        double at, sum = 0;
        n = taps_at(k, place_of(k, a, j), &at, w);
        for (int i = 0; i < n; i++)
            sum += w[i];
        for (int i = 0; i < n; i++)
            matrix[j * taps + (int64_t)(at - low) + i] = (float)(w[i] / sum);
    }
    return onnx_resampled(r, c, x, up, down, (int64_t)low, taps, matrix);
}

static onnx_value *resized(onnx_run *r, onnx_call *c, onnx_value *x,
                           const resize *k, axis *a)
{
    table *t = onnx_take(r->pool, (size_t)x->rank + 1, sizeof *t);
    int last = x->rank >= 3 && a[1].in == a[1].out && a[1].scale == 1.;
    onnx_value *v = last ? onnx_channels_last(r, x) : x;
    axis channels = a[1 % (x->rank ? x->rank : 1)];
    for (int i = 1; last && i < x->rank; i++)
        a[i] = i + 1 < x->rank ? a[i + 1] : channels;
    for (int i = 0; i < x->rank; i++) {
        int same = a[i].in == a[i].out && a[i].scale == 1. &&
                   a[i].start == 0. && a[i].end == 1.;
        if (same)
            continue;
        if (onnx_timed(r, v) && i == v->time) {
            v = in_time(r, c, v, k, &a[i]);
            continue;
        }
        fill(r, k, &a[i], &t[i]);
        v = one_axis(r, c, v, i, &a[i], &t[i]);
    }
    for (int i = 0; i < x->rank; i++)
        if (t[i].outside) {
            v = with_outside(r, c, v, t, k->outside);
            break;
        }
    return last ? onnx_channels_first(r, v) : v;
}

/* --------------------------------------------------------- the node ---- */

static int read_way(onnx_run *r, onnx_call *c, resize *k)
{
    const char *mode = onnx_string(c, "mode", "nearest");
    if (!strcmp(mode, "nearest")) {
        k->way = NEAREST;
    } else if (!strcmp(mode, "linear") || !strcmp(mode, "bilinear")) {
        k->way = LINEAR;
    } else if (!strcmp(mode, "cubic")) {
        k->way = CUBIC;
    } else {
        onnx_unsupported(r, c, "mode %.20s", mode);
        return 0;
    }
    k->coordinates =
        onnx_string(c, "coordinate_transformation_mode", "half_pixel");
    k->nearest = onnx_string(c, "nearest_mode", "round_prefer_floor");
    k->cubic_a = (double)onnx_float(c, "cubic_coeff_a", -.75f);
    k->exclude_outside = onnx_int(c, "exclude_outside", 0) != 0;
    k->outside = onnx_float(c, "extrapolation_value", 0.f);
    return 1;
}

static void scaled_axis(onnx_run *r, const onnx_call *c, axis *a, float scale)
{
    double out = floor((double)((float)a->in * scale));
    if (!(scale > 0.f) || !(out >= 1) || out > INT32_MAX)
        onnx_bad(r, c, "a scale of %g for %lld elements", (double)scale,
                 (long long)a->in);
    a->scale = (double)scale;
    a->out = (int64_t)out;
    a->length = (double)a->in * a->scale;
    /* PyTorch and ONNX Runtime align corners of whole pixels. */
    if (!strncmp(r->model->producer, "pytorch", 7))
        a->length = out;
}

static void sized_axis(onnx_run *r, const onnx_call *c, axis *a, int64_t size)
{
    if (size < 1 || size > INT32_MAX)
        onnx_bad(r, c, "a size of %lld", (long long)size);
    a->out = size;
    a->scale = (double)size / (double)a->in;
    a->length = (double)size;
}

static void start(onnx_run *r, const onnx_call *c, axis *a)
{
    const onnx_value *x = c->in[0];
    for (int i = 0; i < x->rank; i++) {
        if (x->dims[i] < 1)
            onnx_bad(r, c, "an empty tensor");
        a[i].in = a[i].out = x->dims[i];
        a[i].scale = 1;
        a[i].length = (double)x->dims[i];
        a[i].start = 0;
        a[i].end = 1;
    }
}

/* The constant input n as floats, NULL if it is missing or empty; its length
   must be count. */
static const float *numbers(onnx_run *r, onnx_call *c, int n, int count)
{
    onnx_value *v = onnx_input(c, n);
    if (!v)
        return NULL;
    if (v->kind != ONNX_CONST) {
        if (!c->out[0])
            onnx_unsupported(r, c, "input %d is not a constant", n);
        return NULL;
    }
    if (onnx_elements(v) == 0)
        return NULL;
    if (onnx_elements(v) != count)
        onnx_bad(r, c, "input %d has %lld numbers (expected %d)", n,
                 (long long)onnx_elements(v), count);
    return onnx_floats(r, v);
}

/* One scale for all axes that are resized, so that none is larger (smaller)
   than asked for. */
static void keep_aspect(const float *sizes, const int *which, int count,
                        axis *a, int larger)
{
    double scale = 0;
    for (int i = 0; i < count; i++) {
        double s = (double)sizes[i] / (double)a[which[i]].in;
        if (i == 0 || (larger ? s > scale : s < scale))
            scale = s;
    }
    for (int i = 0; i < count; i++) {
        axis *b = &a[which[i]];
        b->scale = scale;
        b->length = scale * (double)b->in;
        b->out = (int64_t)floor(b->length + .5);
        b->out = b->out < 1 ? 1 : b->out;
    }
}

void onnx_do_resize(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0];
    const char *policy = onnx_string(c, "keep_aspect_ratio_policy", "stretch");
    const float *roi = NULL, *scales, *sizes = NULL;
    int count, which[ONNX_MAX_RANK], old = c->opset < 11;
    const int64_t *list = onnx_list(r, c, -1, "axes", &count);
    axis a[ONNX_MAX_RANK + 1];
    resize k = {0};
    (void)what;
    if (!read_way(r, c, &k))
        return;
    if (onnx_int(c, "antialias", 0)) {
        onnx_unsupported(r, c, "antialias");
        return;
    }
    if (count > x->rank)
        onnx_bad(r, c, "%d axes of %d", count, x->rank);
    count = count < 0 ? x->rank : count;
    for (int i = 0; i < count; i++)
        which[i] = list ? onnx_axis(r, c, list[i], x->rank) : i;
    if (old) {
        k.coordinates = "asymmetric";
        k.floor_only = 1;
    } else if (!strcmp(k.coordinates, "tf_crop_and_resize")) {
        roi = numbers(r, c, 1, 2 * count);
    }
    scales = numbers(r, c, old ? 1 : 2, count);
    if (!scales && !old && !c->out[0])
        sizes = numbers(r, c, 3, count);
    if (c->out[0])
        return;
    if (!scales && !sizes)
        onnx_bad(r, c, "neither scales nor sizes");
    start(r, c, a);
    for (int i = 0; i < count; i++) {
        if (scales)
            scaled_axis(r, c, &a[which[i]], scales[i]);
        else
            sized_axis(r, c, &a[which[i]], (int64_t)sizes[i]);
        if (roi) {
            a[which[i]].start = (double)roi[i];
            a[which[i]].end = (double)roi[count + i];
        }
    }
    if (sizes && strcmp(policy, "stretch") != 0)
        keep_aspect(sizes, which, count, a, !strcmp(policy, "not_smaller"));
    c->out[0] = resized(r, c, x, &k, a);
}

void onnx_do_upsample(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0];
    const onnx_attr *attr = onnx_attr_of(c, "scales");
    const float *scales = NULL;
    axis a[ONNX_MAX_RANK + 1];
    resize k = {0};
    (void)what;
    if (!read_way(r, c, &k))
        return;
    k.coordinates = "asymmetric";
    k.floor_only = 1;
    if (c->inputs > 1)
        scales = numbers(r, c, 1, x->rank);
    else if (attr && attr->floats_count == (size_t)x->rank)
        scales = attr->floats;
    if (c->out[0])
        return;
    if (!scales)
        onnx_bad(r, c, "no scales for %d axes", x->rank);
    start(r, c, a);
    for (int i = 0; i < x->rank; i++)
        scaled_axis(r, c, &a[i], scales[i]);
    c->out[0] = resized(r, c, x, &k, a);
}
