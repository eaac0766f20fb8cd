/* tflite_resize.c - images and signals made longer or shorter. */
#include <math.h>
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

/* Where output i of `out` lies among `in`. */
static double source(uint32_t i, uint32_t in, uint32_t out, int align, int half)
{
    double scale = align && out > 1 ? (double)(in - 1) / (double)(out - 1)
                                    : (double)in / (double)out;

    return half ? ((double)i + 0.5) * scale - 0.5 : (double)i * scale;
}

static ir_id nearest(tfl_run *r, ir_id x, uint32_t axis, uint32_t in,
                     uint32_t out, int align, int half)
{
    float *at = tfl_take(r, out);

    tfl_spend(r, out);
    for (uint32_t i = 0; i < out; i++) {
        double s = source(i, in, out, align, half) + (half ? 0.5 : 0.0);
        s = align ? round(s) : floor(s);
        at[i] = (float)(s < 0 ? 0 : s > in - 1 ? in - 1 : s);
    }
    return ir_gather(r->g, x, ir_const1(r->g, out, at), axis);
}

/* The same in whole 1024ths, for integers. */
static double fine_source(uint32_t i, uint32_t in, uint32_t out, int align,
                          int half)
{
    int64_t n = in, m = out, scale, s;

    if (align && out > 1) {
        n--;
        m--;
    }
    scale = (1024 * n + m / 2) / m;
    s = (int64_t)i * scale + (half ? scale / 2 - 512 : 0);
    return (double)s / 1024.0;
}

static ir_id bilinear(tfl_run *r, ir_id x, uint32_t axis, uint32_t in,
                      uint32_t out, int align, int half, int fine)
{
    float *low = tfl_take(r, out), *high = tfl_take(r, out);
    float *part = tfl_take(r, out);
    uint32_t dims[3] = {out, 1, 1};
    ir_id a, b;

    tfl_spend(r, 3 * (uint64_t)out);
    for (uint32_t i = 0; i < out; i++) {
        double s = (fine ? fine_source : source)(i, in, out, align, half);
        double f = floor(s);
        double l = f < 0 ? 0 : f, h = ceil(s);
        h = h < 0 ? 0 : h > in - 1 ? in - 1 : h;
        low[i] = (float)(l > in - 1 ? in - 1 : l);
        high[i] = (float)h;
        part[i] = (float)(s - l);
    }
    a = ir_gather(r->g, x, ir_const1(r->g, out, low), axis);
    b = ir_gather(r->g, x, ir_const1(r->g, out, high), axis);
    b = ir_binary(r->g, MLI_SUB, b, a);
    b = ir_binary(r->g, MLI_MUL, b,
                  ir_const(r->g, axis == 1 ? 3 : 2, dims, part));
    return ir_binary(r->g, MLI_ADD, a, b);
}

/* Rounded where the zero point is in: halves are away from that 0. */
static void put_rounded(tfl_run *r, tfl_call *c, ir_id x, float zero)
{
    const float one = 1.f, back = -zero;

    x = tfl_scaled(r, x, 1, &one, &zero, MLI_ROUND_AWAY, -32768.f, 32767.f);
    tfl_put_whole(r, c, 0,
                  tfl_scaled(r, x, 1, &one, &back, MLI_IDENTITY, 0.f, 0.f));
}

void tfl_do_resize(tfl_run *r, tfl_call *c, int near)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *size = tfl_known(r, c, 1, &count, "a size");
    int align = tfl_option(c, near ? 0 : 2, 0) != 0;
    int half = tfl_option(c, near ? 1 : 3, 0) != 0;
    int fine = v->scale > 0.f && (v->type == TFL_INT8 || v->type == TFL_INT16);
    ir_id x = tfl_id(r, v);

    if (!size)
        return;
    if (count != 2 || v->rank != 4)
        tfl_bad(r, c, "a size of %u for %u axes", count, v->rank);
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t out = tfl_dim(r, c, size[k]);
        if (out > (1u << 20))
            tfl_bad(r, c, "an axis of %u", out);
        x = near
                ? nearest(r, x, 1 + k, v->dims[1 + k], out, align, half)
                : bilinear(r, x, 1 + k, v->dims[1 + k], out, align, half, fine);
    }
    if (near) {
        tfl_put_like(r, c, 0, x, v);
        return;
    }
    if (fine && c->outputs && c->out[0] &&
        v->scale == tfl_tensor_scale(c->declared[0])) {
        put_rounded(r, c, x, (float)v->zero);
        return;
    }
    if (v->scale > 0.f)
        x = tfl_scaled(r, x, 1, &v->scale, NULL, MLI_IDENTITY, 0.f, 0.f);
    tfl_put(r, c, 0, x);
}
