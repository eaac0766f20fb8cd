/*
 * conv2d.c - a convolution over time and features, causal in time, as one over
 * time whose matrices take a whole frame of features to the next: the features
 * are few, and zeros in the matrix cost less than a second kernel would.
 */
#include <stdlib.h>
#include <string.h>
#include "rtneural.h"

typedef struct features {
    uint32_t in, out, taps, stride, before; /* before: of padding */
} features;

/* Keras: "same" puts half of the padding in front, the smaller half. */
static int arrange(rtn_import *m, const mlc_field *f, uint32_t taps,
                   uint32_t in, features *to)
{
    char padding[16] = "valid";
    uint32_t wide;

    to->in = in;
    to->taps = taps;
    to->stride = 1;
    to->before = 0;
    if (!rtn_last(m, &f[RTN_STRIDES], RTN_MAX_WIDTH, &to->stride))
        return 0;
    if (mlc_doc_present(&m->doc, &f[RTN_PADDING]) &&
        !mlc_doc_text(&m->doc, &f[RTN_PADDING], padding, sizeof padding))
        return 0;
    if (!strcmp(padding, "same")) {
        to->out = (in + to->stride - 1) / to->stride;
        wide = (to->out - 1) * to->stride + taps;
        to->before = wide > in ? (wide - in) / 2 : 0;
        return 1;
    }
    if (strcmp(padding, "valid"))
        return mlc_doc_expected(&m->doc, &f[RTN_PADDING],
                                "\"valid\" or \"same\"");
    if (taps > in)
        return mlc_doc_fail(&m->doc, MLC_CORRUPT, f[RTN_KERNEL_SIZE].key,
                            "%u features are fewer than the kernel's %u", in,
                            taps);
    to->out = (in - taps) / to->stride + 1;
    return 1;
}

/* w: [time][feature][in][out] to [features out * out][features in * in][time]
 */
static void spread(const features *f, const mlc_doc_array *a, const float *w,
                   float *to)
{
    size_t times = a->dims[0], ins = a->dims[2], outs = a->dims[3];
    size_t row = f->in * ins * times;

    for (size_t t = 0; t < times; t++)
        for (size_t fo = 0; fo < f->out; fo++)
            for (size_t k = 0; k < f->taps; k++) {
                size_t fi = fo * f->stride + k - f->before; /* may wrap */

                if (fi >= f->in)
                    continue;
                for (size_t i = 0; i < ins; i++)
                    for (size_t o = 0; o < outs; o++)
                        to[(fo * outs + o) * row + (fi * ins + i) * times + t] =
                            w[((t * f->taps + k) * ins + i) * outs + o];
            }
}

int rtn_conv2d(rtn_import *m, const mlc_field *fields, rtn_signal *x,
               const mlc_doc_array *a, const float *w, const float *b)
{
    uint32_t dilation = 1, outs = a->dims[3], width;
    float *matrix, *bias = NULL;
    uint64_t size;
    features f;

    if (!rtn_last(m, &fields[RTN_DILATION], 1u << 24, &dilation) ||
        !arrange(m, fields, a->dims[1], x->width / x->channels, &f) ||
        !rtn_reach(m, a->dims[0], dilation))
        return 0;
    if ((uint64_t)f.out * outs > RTN_MAX_WIDTH)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, NULL,
                            "%llu values in a frame (at most %u are supported)",
                            (unsigned long long)f.out * outs, RTN_MAX_WIDTH);
    width = f.out * outs;
    size = (uint64_t)width * x->width * a->dims[0]; /* < 2^28 * 2^28 */
    if (size > RTN_MAX_MATRIX)
        return mlc_doc_fail(&m->doc, MLC_UNSUPPORTED, NULL,
                            "needs a matrix of %llu numbers (at most %u are "
                            "supported)",
                            (unsigned long long)size, RTN_MAX_MATRIX);
    matrix = calloc((size_t)size, sizeof *matrix);
    if (matrix)
        spread(&f, a, w, matrix);
    if (b)
        bias = malloc(width * sizeof *bias);
    if (!matrix || (b && !bias)) {
        free(matrix);
        return mlc_doc_no_memory(&m->doc);
    }
    for (uint32_t i = 0; bias && i < width; i++)
        bias[i] = b[i % outs];
    x->id = ir_conv1d(m->doc.g, x->id, x->width, width, a->dims[0], dilation, 1,
                      1, matrix, bias);
    x->width = width;
    x->channels = outs;
    free(matrix);
    free(bias);
    return 1;
}
