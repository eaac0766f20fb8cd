/*
 * layers.c - RTNeural's layers. Conventions are Keras's: matrices [in][out],
 * kernels [tap][in][out] with the newest frame last, LSTM gates i f c o, GRU
 * gates z r h with the reset after the product.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "formats.h"
#include "layers/functions.h"
#include "rtneural.h"

enum { MAX_ARRAYS = 4 };

/* The weights of one layer. */
typedef struct arrays {
    uint32_t count;
    mlc_doc_array shape[MAX_ARRAYS];
    float *data[MAX_ARRAYS]; /* owned */
} arrays;

/* ------------------------------------------------------------- weights ---- */

static void free_arrays(arrays *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        free(w->data[i]);
    w->count = 0;
}

static int read_arrays(rtn_import *m, const mlc_field *f, arrays *w)
{
    mlc_json_range at;
    char key[32];
    mlc_json r;

    memset(w, 0, sizeof *w);
    if (!mlc_doc_present(&m->doc, f))
        return 1;
    mlc_doc_reader(&m->doc, f->at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_ARRAY)
        return mlc_doc_expected(&m->doc, f, "an array");
    mlc_doc_first(&m->doc, f, &r);
    while (mlc_doc_next(&r, &at)) {
        mlc_field one = {key, at};
        uint32_t i = w->count;

        snprintf(key, sizeof key, "weights[%u]", i);
        if (i == MAX_ARRAYS)
            return mlc_doc_fail(&m->doc, MLC_CORRUPT, f->key,
                                "expected at most %u arrays, got more",
                                MAX_ARRAYS);
        if (!mlc_doc_shape(&m->doc, &one, &w->shape[i]))
            return 0;
        w->data[i] = mlc_doc_numbers(&m->doc, &one, &w->shape[i]);
        if (!w->data[i])
            return 0;
        m->parameters += w->shape[i].count;
        w->count++;
    }
    return 1;
}

static int wrong_shape(rtn_import *m, uint32_t i, const mlc_doc_array *a,
                       const char *expected)
{
    char got[128] = "a number", key[32];
    size_t n = 0;

    for (uint32_t k = 0; k < a->rank; k++)
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%u", k ? ", " : "[",
                              a->dims[k]);
    if (a->rank)
        snprintf(got + n, sizeof got - n, "]");
    snprintf(key, sizeof key, "weights[%u]", i);
    return mlc_doc_fail(&m->doc, MLC_CORRUPT, key, "expected %s, got %s",
                        expected, got);
}

/* weights[i] has these dims; 0 stands for any. */
static int check(rtn_import *m, const arrays *w, uint32_t i, uint32_t rank,
                 const uint32_t *dims)
{
    char expected[128] = "";
    size_t n = 0;
    int ok;

    if (i >= w->count)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights",
                            "expected at least %u arrays, got %u", i + 1,
                            w->count);
    ok = w->shape[i].rank == rank;
    for (uint32_t k = 0; k < rank; k++) {
        ok = ok && (!dims[k] || dims[k] == w->shape[i].dims[k]);
        if (dims[k])
            n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%u",
                                  k ? ", " : "[", dims[k]);
        else
            n += (size_t)snprintf(expected + n, sizeof expected - n, "%s?",
                                  k ? ", " : "[");
    }
    snprintf(expected + n, sizeof expected - n, "]");
    return ok || wrong_shape(m, i, &w->shape[i], expected);
}

/* A vector of n, or NULL where the file has none. 0 if it is wrong. */
static int bias(rtn_import *m, const arrays *w, uint32_t i, uint32_t n,
                const float **b)
{
    *b = NULL;
    if (i >= w->count)
        return 1;
    if (!check(m, w, i, 1, &n))
        return 0;
    *b = w->data[i];
    return 1;
}

/* w[rows][columns] to [columns][rows]; NULL without memory. */
static float *transposed(rtn_import *m, const float *w, size_t rows,
                         size_t columns)
{
    float *t = malloc(rows * columns * sizeof *t);

    if (!t)
        mlc_doc_no_memory(&m->doc);
    for (size_t r = 0; t && r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            t[c * rows + r] = w[r * columns + c];
    return t;
}

/* -------------------------------------------------------------- checks ---- */

int rtn_last(rtn_import *m, const mlc_field *f, uint32_t high, uint32_t *value)
{
    mlc_field last = *f;
    mlc_json r;

    if (!mlc_doc_present(&m->doc, f))
        return 1;
    if (mlc_doc_type(&m->doc, f->at) == MLC_JSON_ARRAY) {
        mlc_doc_first(&m->doc, f, &r);
        while (mlc_doc_next(&r, &last.at))
            ;
    }
    return mlc_doc_u32(&m->doc, &last, 1, high, value);
}

int rtn_reach(rtn_import *m, uint32_t taps, uint32_t dilation)
{
    uint64_t frames = (uint64_t)(taps - 1) * dilation + m->reach;

    if (frames > RTN_MAX_REACH)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, "dilation",
                            "looks back %llu frames (at most %u are supported)",
                            (unsigned long long)frames, RTN_MAX_REACH);
    m->reach = (uint32_t)frames;
    return 1;
}

/* The layer's own word on how many values it makes, where it is a number. */
static int check_width(rtn_import *m, const mlc_field *f, uint32_t made)
{
    mlc_field last = *f;
    mlc_json r;
    double n;

    if (made > RTN_MAX_WIDTH)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f->key,
                            "%u values in a frame (at most %u are supported)",
                            made, RTN_MAX_WIDTH);
    if (mlc_doc_type(&m->doc, f->at) != MLC_JSON_ARRAY)
        return 1;
    mlc_doc_first(&m->doc, f, &r);
    while (mlc_doc_next(&r, &last.at))
        ;
    mlc_doc_reader(&m->doc, last.at, &r);
    if (mlc_json_peek(&r) != MLC_JSON_NUMBER || !mlc_json_double(&r, &n) ||
        n <= 0 || n == made)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_CORRUPT, f->key,
                        "expected %u, as the weights have, got %g", made, n);
}

/* -------------------------------------------------------------- layers ---- */

static int dense(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint32_t dims[2] = {x->width, 0}, out;
    const float *b;
    float *t;

    (void)f;
    if (!check(m, w, 0, 2, dims))
        return 0;
    out = w->shape[0].dims[1];
    if (!bias(m, w, 1, out, &b))
        return 0;
    t = transposed(m, w->data[0], x->width, out);
    if (!t)
        return 0;
    x->id = ir_linear(m->doc.g, x->id, x->width, out, t, b);
    x->width = x->channels = out;
    free(t);
    return 1;
}

static int no_strides(rtn_import *m, const mlc_field *f)
{
    uint32_t stride = 1;

    if (!rtn_last(m, &f[RTN_STRIDES], 1u << 24, &stride))
        return 0;
    if (stride == 1)
        return 1;
    return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f[RTN_STRIDES].key,
                        "expected 1, got %u: a layer that drops frames is not "
                        "supported in this format",
                        stride);
}

/* [tap][in][out] to [out][in][tap] */
static float *conv_kernel(rtn_import *m, const arrays *w)
{
    size_t taps = w->shape[0].dims[0], in = w->shape[0].dims[1];
    size_t out = w->shape[0].dims[2];
    const float *k = w->data[0];
    float *t = malloc(taps * in * out * sizeof *t);

    if (!t)
        mlc_doc_no_memory(&m->doc);
    for (size_t j = 0; t && j < taps; j++)
        for (size_t i = 0; i < in; i++)
            for (size_t o = 0; o < out; o++)
                t[(o * in + i) * taps + j] = k[(j * in + i) * out + o];
    return t;
}

static int conv1d(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint32_t groups = 1, dilation = 1, taps = 0, out, dims[3];
    const float *b;
    float *t;

    if (!rtn_last(m, &f[RTN_GROUPS], RTN_MAX_WIDTH, &groups) ||
        !rtn_last(m, &f[RTN_DILATION], 1u << 24, &dilation) ||
        !rtn_last(m, &f[RTN_KERNEL_SIZE], 1u << 24, &taps) || !no_strides(m, f))
        return 0;
    if (x->width % groups)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f[RTN_GROUPS].key,
                            "%u groups do not divide %u inputs", groups,
                            x->width);
    dims[0] = taps;
    dims[1] = x->width / groups;
    dims[2] = 0;
    if (!check(m, w, 0, 3, dims))
        return 0;
    taps = w->shape[0].dims[0];
    out = w->shape[0].dims[2];
    if (out % groups)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f[RTN_GROUPS].key,
                            "%u groups do not divide %u outputs", groups, out);
    if (!bias(m, w, 1, out, &b) || !rtn_reach(m, taps, dilation))
        return 0;
    t = conv_kernel(m, w);
    if (!t)
        return 0;
    x->id = ir_conv1d(m->doc.g, x->id, x->width, out, taps, dilation, groups, 1,
                      t, b);
    x->width = x->channels = out;
    free(t);
    return 1;
}

static int conv2d(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint32_t dims[4] = {0, 0, x->channels, 0};
    const float *b;

    return check(m, w, 0, 4, dims) && bias(m, w, 1, w->shape[0].dims[3], &b) &&
           rtn_conv2d(m, f, x, &w->shape[0], w->data[0], b);
}

/* Of `gates` blocks of `units` columns; answers units, 0 if it is wrong. */
static uint32_t gates(rtn_import *m, const arrays *w, uint32_t n,
                      const rtn_signal *x)
{
    uint32_t k[2] = {x->width, 0}, u[2], units;

    if (!check(m, w, 0, 2, k))
        return 0;
    units = w->shape[0].dims[1] / n;
    u[0] = units;
    u[1] = k[1] = units * n;
    if (units == 0 || !check(m, w, 0, 2, k)) {
        wrong_shape(m, 0, &w->shape[0], "a column for each gate and unit");
        return 0;
    }
    return check(m, w, 1, 2, u) ? units : 0;
}

static int lstm(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint32_t units = gates(m, w, 4, x);
    const float *b;
    float *ih, *hh;

    (void)f;
    if (!units || !bias(m, w, 2, 4 * units, &b))
        return 0;
    ih = transposed(m, w->data[0], x->width, (size_t)4 * units);
    hh = transposed(m, w->data[1], units, (size_t)4 * units);
    if (ih && hh)
        x->id = ir_lstm(m->doc.g, x->id, x->width, units, ih, hh, b, NULL, NULL,
                        NULL);
    x->width = x->channels = units;
    free(ih);
    free(hh);
    return m->doc.status == MLC_OK;
}

/* Rows of gates z r h to r z h. */
static void swap_gates(float *w, size_t units, size_t width)
{
    size_t n = units * width;

    for (size_t i = 0; w && i < n; i++) {
        float z = w[i];
        w[i] = w[n + i];
        w[n + i] = z;
    }
}

static int gru(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint32_t units = gates(m, w, 3, x), two[2];
    float *ih, *hh, *b = NULL;
    int after = 1; /* the reset comes after the product */

    (void)f;
    if (!units)
        return 0;
    two[0] = 2;
    two[1] = 3 * units;
    if (w->count > 2 && w->shape[2].rank == 1) {
        after = 0;
        two[0] = 3 * units;
    }
    if (w->count > 2) {
        if (!check(m, w, 2, after ? 2 : 1, two))
            return 0;
        b = w->data[2];
        swap_gates(b, units, 1);
        swap_gates(after ? b + 3 * units : NULL, units, 1);
    }
    ih = transposed(m, w->data[0], x->width, (size_t)3 * units);
    hh = transposed(m, w->data[1], units, (size_t)3 * units);
    swap_gates(ih, units, x->width);
    swap_gates(hh, units, units);
    if (ih && hh)
        x->id = ir_gru(m->doc.g, x->id, x->width, units, ih, hh, b,
                       b && after ? b + 3 * units : NULL, NULL, !after);
    x->width = x->channels = units;
    free(ih);
    free(hh);
    return m->doc.status == MLC_OK;
}

/* n numbers over and over, to the width of x. */
static float *repeated(rtn_import *m, const float *from, uint32_t n,
                       uint32_t width)
{
    float *to = malloc(width * sizeof *to);

    if (!to)
        mlc_doc_no_memory(&m->doc);
    for (uint32_t i = 0; to && i < width; i++)
        to[i] = from[i % n];
    return to;
}

static int prelu(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x)
{
    uint64_t n;
    float *a;

    (void)f;
    if (w->count == 0)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights",
                            "expected the slopes, got nothing");
    n = w->shape[0].count;
    if (n > x->width || x->width % n)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights[0]",
                            "expected %u slopes or one, got %llu", x->width,
                            (unsigned long long)n);
    a = repeated(m, w->data[0], (uint32_t)n, x->width);
    if (!a)
        return 0;
    x->id =
        ir_binary(m->doc.g, MLI_PRELU, x->id, ir_const1(m->doc.g, x->width, a));
    free(a);
    return 1;
}

static int batchnorm(rtn_import *m, const mlc_field *f, arrays *w,
                     rtn_signal *x)
{
    uint32_t n = x->channels, at = w->count == 4 ? 2 : 0;
    float epsilon = 0.001f, *scale, *shift;

    if (!mlc_doc_may_float(&m->doc, &f[RTN_EPSILON], &epsilon))
        return 0;
    if (w->count != 2 && w->count != 4)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights",
                            "expected 4 arrays (gamma, beta, mean, variance) "
                            "or 2, got %u",
                            w->count);
    for (uint32_t i = 0; i < w->count; i++)
        if (!check(m, w, i, 1, &n))
            return 0;
    for (uint32_t i = 0; i < n; i++) {
        double a = (at ? w->data[0][i] : 1.) /
                   sqrt((double)w->data[at + 1][i] + epsilon);
        double b = (at ? w->data[1][i] : 0.) - a * w->data[at][i];

        if (!(fabs(a) < 1e30 && fabs(b) < 1e30))
            return mlc_doc_fail(&m->doc, MLC_CORRUPT, "weights",
                                "variance %g and epsilon %g of channel %u "
                                "give no finite scale",
                                w->data[at + 1][i], epsilon, i);
        w->data[at][i] = (float)b;
        w->data[at + 1][i] = (float)a;
    }
    scale = repeated(m, w->data[at + 1], n, x->width);
    shift = repeated(m, w->data[at], n, x->width);
    if (scale && shift)
        x->id = ir_affine(m->doc.g, x->id, x->width, scale, shift);
    free(scale);
    free(shift);
    return m->doc.status == MLC_OK;
}

/* ---------------------------------------------------------- activation ---- */

static int softmax(rtn_import *m, rtn_signal *x)
{
    uint32_t two[2] = {x->width / x->channels, x->channels};
    ir_graph *g = m->doc.g;

    if (x->channels == x->width) {
        x->id = ir_softmax(g, x->id, 0, 0);
        return 1;
    }
    x->id = ir_softmax(g, ir_reshape(g, x->id, 2, two), 1, 0);
    x->id = ir_reshape(g, x->id, 1, &x->width);
    return 1;
}

static int activation(rtn_import *m, const mlc_field *f, arrays *w,
                      rtn_signal *x)
{
    mlc_function fn;
    char name[48];

    (void)w;
    if (!mlc_doc_present(&m->doc, &f[RTN_ACTIVATION]))
        return 1;
    if (!mlc_doc_text(&m->doc, &f[RTN_ACTIVATION], name, sizeof name))
        return 0;
    if (!name[0])
        return 1;
    if (!strcmp(name, "softmax"))
        return softmax(m, x);
    if (!mlc_function_named(name, &fn))
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f[RTN_ACTIVATION].key,
                            "\"%s\" is not supported", name);
    if (fn.fn == MLI_LEAKY_RELU)
        fn.p = 0.2f; /* Keras's */
    if (fn.fn != MLI_IDENTITY)
        x->id = ir_unary(m->doc.g, fn.fn, fn.p, fn.q, x->id);
    return 1;
}

/* --------------------------------------------------------------- model ---- */

static const struct {
    const char *type;
    int (*build)(rtn_import *m, const mlc_field *f, arrays *w, rtn_signal *x);
    int activates; /* its activation is a function on its result */
} types[] = {
    {"activation", activation, 0},
    {"batchnorm", batchnorm, 0},
    {"batchnorm2d", batchnorm, 0},
    {"conv1d", conv1d, 1},
    {"conv2d", conv2d, 1},
    {"dense", dense, 1},
    {"gru", gru, 0},
    {"lstm", lstm, 0},
    {"prelu", prelu, 0},
    {"time-distributed-dense", dense, 1},
};

const char *mlc_rtneural_layer(size_t i)
{
    return i < sizeof types / sizeof *types ? types[i].type : NULL;
}

static int layer(rtn_import *m, mlc_json_range at, uint32_t index,
                 rtn_signal *x)
{
    mlc_field f[RTN_FIELDS] = {{"type", {0, 0}},        {"activation", {0, 0}},
                               {"shape", {0, 0}},       {"weights", {0, 0}},
                               {"kernel_size", {0, 0}}, {"dilation", {0, 0}},
                               {"groups", {0, 0}},      {"strides", {0, 0}},
                               {"epsilon", {0, 0}},     {"padding", {0, 0}}};
    char key[32], type[48], name[64];
    size_t t = 0, mark;
    arrays w;
    int ok;

    snprintf(key, sizeof key, "layers[%u]", index);
    if (!mlc_doc_object(&m->doc, key, at, f, RTN_FIELDS))
        return 0;
    mark = mlc_doc_enter(&m->doc, "%s.", key);
    if (!mlc_doc_text(&m->doc, &f[RTN_TYPE], type, sizeof type))
        return 0;
    while (t < sizeof types / sizeof *types && strcmp(types[t].type, type))
        t++;
    if (t == sizeof types / sizeof *types)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, f[RTN_TYPE].key,
                            "\"%s\" is not supported", type);
    snprintf(name, sizeof name, "layers[%u] %s", index, type);
    ir_at(m->doc.g, name);
    ok = read_arrays(m, &f[RTN_WEIGHTS], &w) && types[t].build(m, f, &w, x) &&
         check_width(m, &f[RTN_SHAPE],
                     x->channels < x->width ? x->channels : x->width) &&
         (!types[t].activates || activation(m, f, &w, x));
    free_arrays(&w);
    ir_at(m->doc.g, NULL);
    if (ok && m->doc.g->error[0])
        ok =
            mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, NULL, "%s", m->doc.g->error);
    mlc_doc_leave(&m->doc, mark);
    return ok;
}

int rtn_layers(rtn_import *m, rtn_signal *x)
{
    mlc_json_range at;
    uint32_t count;
    mlc_json r;

    m->parameters = 0;
    m->reach = 0;
    if (!mlc_doc_length(&m->doc, &m->layers, RTN_MAX_LAYERS, &count))
        return 0;
    mlc_doc_first(&m->doc, &m->layers, &r);
    for (uint32_t i = 0; mlc_doc_next(&r, &at); i++)
        if (!layer(m, at, i, x))
            return 0;
    return 1;
}
