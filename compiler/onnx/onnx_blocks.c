/*
 * onnx_blocks.c - blocks of pixels as channels and back; normalisation by the
 * neighbours of a channel, and over whole images.
 */
#include <string.h>
#include "onnx_image.h"

/* 4 axes and a block size that is there; 0 if not. */
static int64_t block_size(onnx_run *r, onnx_call *c)
{
    int64_t size = onnx_int(c, "blocksize", 0);
    if (c->in[0]->rank != 4 || size < 1 || size > INT16_MAX)
        onnx_bad(r, c, "blocks of %lld on %d axes (expected 4)",
                 (long long)size, c->in[0]->rank);
    return size;
}

void onnx_do_depth_to_space(onnx_run *r, onnx_call *c, int what)
{
    /* [N, block, block, C, H, W] or [N, C, block, block, H, W] to
       [N, C, H, block, W, block] */
    static const int dcr[6] = {0, 3, 4, 1, 5, 2}, crd[6] = {0, 1, 4, 2, 5, 3};
    onnx_value *v = c->in[0];
    int64_t n = block_size(r, c), *d = v->dims;
    int64_t each = d[1] / (n * n);
    int64_t last[4] = {d[0], each, d[2] * n, d[3] * n};
    int columns = !strcmp(onnx_string(c, "mode", "DCR"), "CRD");
    int64_t dims[6] = {d[0], columns ? each : n, n, columns ? n : each, d[2],
                       d[3]};
    (void)what;
    if (d[1] % (n * n))
        onnx_bad(r, c, "%lld channels in blocks of %lld", (long long)d[1],
                 (long long)n);
    v = onnx_reshaped(r, c, v, 6, dims);
    v = onnx_transposed(r, v, columns ? crd : dcr);
    c->out[0] = onnx_reshaped(r, c, v, 4, last);
}

void onnx_do_space_to_depth(onnx_run *r, onnx_call *c, int what)
{
    /* [N, C, H, block, W, block] to [N, block, block, C, H, W] */
    static const int order[6] = {0, 3, 5, 1, 2, 4};
    onnx_value *v = c->in[0];
    int64_t n = block_size(r, c), *d = v->dims;
    int64_t dims[6] = {d[0], d[1], d[2] / n, n, d[3] / n, n};
    int64_t last[4] = {d[0], d[1] * n * n, d[2] / n, d[3] / n};
    (void)what;
    if (d[2] % n || d[3] % n)
        onnx_bad(r, c, "%lld x %lld in blocks of %lld", (long long)d[2],
                 (long long)d[3], (long long)n);
    v = onnx_transposed(r, onnx_reshaped(r, c, v, 6, dims), order);
    c->out[0] = onnx_reshaped(r, c, v, 4, last);
}

/* x / (bias + alpha/size * the squares of so many channels around)^beta */
void onnx_do_lrn(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *v, *sum;
    int64_t size = onnx_int(c, "size", 0);
    float alpha = onnx_float(c, "alpha", 1e-4f);
    float beta = onnx_float(c, "beta", .75f), bias = onnx_float(c, "bias", 1.f);
    float *scale = onnx_take(r->pool, 2, sizeof *scale);
    onnx_window w = {.taps = size, .dilation = 1, .stride = 1};
    (void)what;
    if (x->rank < 2 || size < 1 || size > (int64_t)MLI_MAX_POOL)
        onnx_bad(r, c, "%lld neighbours of a tensor with %d axes",
                 (long long)size, x->rank);
    onnx_not_along_time(r, c, x, "normalises");
    v = onnx_channels_last(r, x);
    w.length = v->dims[v->rank - 1];
    w.before = (size - 1) / 2;
    w.after = size / 2;
    sum = onnx_pooled(r, onnx_binary(r, c, MLI_MUL, v, v), MLI_REDUCE_SUM,
                      v->rank - 1, &w, w.length);
    sum->id =
        ir_affine(r->g, sum->id, 1, (scale[0] = alpha / (float)size, scale),
                  (scale[1] = bias, scale + 1));
    sum = onnx_binary(r, c, MLI_POW, sum, onnx_new_scalar(r, -beta));
    c->out[0] = onnx_channels_first(r, onnx_binary(r, c, MLI_MUL, v, sum));
}

/* (x - mean) / deviation over some axes. */
void onnx_do_mvn(onnx_run *r, onnx_call *c, int what)
{
    static const int64_t usual[3] = {0, 2, 3};
    onnx_value *v = c->in[0];
    int count, perm[ONNX_MAX_RANK], back[ONNX_MAX_RANK], n = 0, last = 0;
    const int64_t *list = onnx_list(r, c, -1, "axes", &count);
    uint32_t axes = 0;
    (void)what;
    if (count < 0) {
        list = usual;
        count = 3;
    }
    for (int i = 0; i < count; i++)
        axes |= 1u << onnx_axis(r, c, list[i], v->rank);
    if (v->time >= 0 && axes >> v->time & 1u)
        onnx_not_in_time(r, c, "normalises over time");
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < v->rank; i++)
            if ((int)(axes >> i & 1u) == pass)
                perm[n++] = i;
    for (int i = 0; i < v->rank; i++)
        back[perm[i]] = i;
    for (uint32_t a = axes; a; a >>= 1)
        last += (int)(a & 1u);
    if (!last) {
        c->out[0] = v;
        return;
    }
    v = onnx_transposed(r, v, perm);
    v = onnx_result(r, v, v->rank, v->dims, v->time,
                    ir_normalize(r->g, onnx_id(r, v), (uint32_t)last, NULL,
                                 NULL, 1e-18f, 0));
    c->out[0] = onnx_transposed(r, v, back);
}
