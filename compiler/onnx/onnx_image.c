/* onnx_image.c - convolutions of images and the like; see onnx_image.h */
#include <string.h>
#include "onnx_image.h"

/* ------------------------------------------------------------ windows ---- */

int64_t onnx_list_at(onnx_run *r, onnx_call *c, const char *name, int k,
                     int64_t fallback)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    if (!a)
        return fallback;
    if (a->ints_count <= (size_t)k)
        onnx_bad(r, c, "attribute %s is too short", name);
    if (a->ints[k] < 0 || a->ints[k] > INT32_MAX)
        onnx_bad(r, c, "attribute %s is %lld", name, (long long)a->ints[k]);
    return a->ints[k];
}

void onnx_read_window(onnx_run *r, onnx_call *c, int k, int n, int64_t length,
                      int64_t taps, onnx_window *w)
{
    const char *pad = onnx_string(c, "auto_pad", "NOTSET");
    int64_t reach, want;
    w->length = length;
    w->taps = taps;
    w->dilation = onnx_list_at(r, c, "dilations", k, 1);
    w->stride = onnx_list_at(r, c, "strides", k, 1);
    if (taps < 1 || w->dilation < 1 || w->stride < 1 || taps > INT32_MAX ||
        length < 1)
        onnx_bad(r, c, "a kernel of %lld, dilation %lld, stride %lld",
                 (long long)taps, (long long)w->dilation, (long long)w->stride);
    reach = (taps - 1) * w->dilation + 1; /* < 2^62 */
    w->before = onnx_list_at(r, c, "pads", k, 0);
    w->after = onnx_list_at(r, c, "pads", k + n, 0);
    if (!strcmp(pad, "VALID"))
        w->before = w->after = 0;
    if (!strncmp(pad, "SAME", 4)) {
        want = ((length + w->stride - 1) / w->stride - 1) * w->stride + reach -
               length;
        want = want < 0 ? 0 : want;
        w->before = (want + !strcmp(pad, "SAME_LOWER")) / 2;
        w->after = want - w->before;
    }
    if (length + w->before + w->after < reach)
        onnx_bad(r, c, "a kernel of %lld elements over %lld", (long long)reach,
                 (long long)(length + w->before + w->after));
}

int64_t onnx_windows(const onnx_window *w)
{
    return (w->length + w->before + w->after - (w->taps - 1) * w->dilation -
            1) /
               w->stride +
           1;
}

onnx_value *onnx_channels_last(onnx_run *r, onnx_value *v)
{
    int perm[ONNX_MAX_RANK] = {0};
    for (int i = 1; i < v->rank; i++)
        perm[i] = i + 1 < v->rank ? i + 1 : 1;
    return onnx_transposed(r, v, perm);
}

onnx_value *onnx_channels_first(onnx_run *r, onnx_value *v)
{
    int perm[ONNX_MAX_RANK] = {0};
    for (int i = 1; i < v->rank; i++)
        perm[i] = i == 1 ? v->rank - 1 : i - 1;
    return onnx_transposed(r, v, perm);
}

static int is_dynamic(const onnx_run *r)
{
    return r->time_input >= 0 &&
           r->model->graph.inputs[r->time_input].dims[r->time_axis] < 0;
}

/* An image of one row: so a sound is convolved where there are images only. */
static int is_one_row(const onnx_value *v)
{
    return v->rank == 4 && v->time == 3 && v->dims[2] == 1;
}

void onnx_count_layer(onnx_run *r, const onnx_value *v)
{
    if (v->time >= 2 && (v->rank == 3 || is_one_row(v) || is_dynamic(r)))
        r->layers_in_time++;
}

void onnx_not_along_time(onnx_run *r, onnx_call *c, const onnx_value *v,
                         const char *does)
{
    onnx_count_layer(r, v);
    if (v->time >= 2)
        onnx_not_in_time(r, c, "%s over time", does);
    else if (onnx_timed(r, v) && v->time == 1)
        onnx_not_in_time(r, c, "has time as its channels");
}

/* -------------------------------------------------------- convolution ---- */

static onnx_value *padded(onnx_run *r, onnx_call *c, onnx_value *v,
                          const onnx_conv *k)
{
    for (int i = 0; i < k->axes; i++)
        v = onnx_padded(r, c, v, 1 + i, k->at[i].before, k->at[i].after, 0.f);
    return v;
}

/* v [..., H, W, C], padded; at: of the two axes. */
static onnx_value *images(onnx_run *r, onnx_value *v, const onnx_conv *k,
                          const onnx_window *at)
{
    uint32_t size[2], dilation[2], step[2], keep = 7u << (v->rank - 3);
    int64_t dims[ONNX_MAX_RANK];
    memcpy(dims, v->dims, sizeof dims);
    for (int i = 0; i < 2; i++) {
        size[i] = (uint32_t)at[i].taps;
        dilation[i] = (uint32_t)at[i].dilation;
        step[i] = (uint32_t)at[i].stride;
        dims[v->rank - 3 + i] = onnx_windows(&at[i]);
    }
    dims[v->rank - 1] = k->outputs;
    return onnx_result(r, v, v->rank, dims, v->time,
                       ir_conv2d_bytes(r->g, onnx_kept_id(r, v, keep),
                                       (uint32_t)k->outputs, size, dilation,
                                       step, (uint32_t)k->groups, &k->w, k->b));
}

/* v [N, L, C]: an image of one row, or a plain convolution of one signal. */
static onnx_value *signals(onnx_run *r, onnx_call *c, onnx_value *v,
                           const onnx_conv *k)
{
    onnx_window at[2] = {{1, 1, 1, 1, 0, 0}, k->at[0]};
    int64_t dims[4] = {v->dims[0], 1, v->dims[1], v->dims[2]};
    if (v->dims[0] == 1 && !onnx_timed(r, v)) {
        uint32_t flat[2] = {(uint32_t)v->dims[1], (uint32_t)v->dims[2]};
        ir_id x = onnx_as(r, v, 2, flat), y;
        uint32_t in = (uint32_t)k->inputs, out = (uint32_t)k->outputs;
        uint32_t taps = (uint32_t)at[1].taps, groups = (uint32_t)k->groups;
        uint32_t dilation = (uint32_t)at[1].dilation;
        uint32_t stride = (uint32_t)at[1].stride;
        y = ir_conv1d_bytes(r->g, x, in, out, taps, dilation, groups, stride,
                            &k->w, k->b);
        dims[1] = onnx_windows(&at[1]);
        dims[2] = k->outputs;
        return onnx_result(r, v, 3, dims, v->time, y);
    }
    v = images(r, onnx_reshaped(r, c, v, 4, dims), k, at);
    dims[1] = v->dims[2];
    dims[2] = v->dims[3];
    return onnx_reshaped(r, c, v, 3, dims);
}

/* v [N, D, H, W, C]: images whose channels are those of all depths that a
   kernel sees. */
static onnx_value *volumes(onnx_run *r, onnx_call *c, onnx_value *v,
                           const onnx_conv *k)
{
    const onnx_window *depth = &k->at[0];
    onnx_value **part = onnx_take(r->pool, (size_t)depth->taps, sizeof *part);
    int64_t dims[ONNX_MAX_RANK], in = k->inputs / k->groups;
    onnx_conv flat = *k; /* depth becomes part of the inputs */
    flat.w.part = (uint32_t)in;
    flat.w.apart = k->depth;
    for (int64_t t = 0; t < depth->taps; t++) {
        part[t] = onnx_sliced(r, c, v, 1, t * depth->dilation, depth->stride,
                              onnx_windows(depth));
        memcpy(dims, part[t]->dims, sizeof dims);
        dims[4] = k->groups;
        dims[5] = in;
        part[t] = onnx_reshaped(r, c, part[t], 6, dims);
    }
    v = onnx_concat(r, c, part, (int)depth->taps, 5);
    dims[4] = k->inputs * depth->taps;
    v = onnx_reshaped(r, c, v, 5, dims);
    return images(r, v, &flat, k->at + 1);
}

/*
 * Images x [N, C, axes] whose height or width is time: frames side by side are
 * the height, or width, of one window's image.
 */
static onnx_value *conv_frames(onnx_run *r, onnx_call *c, onnx_value *x,
                               const onnx_conv *k)
{
    int along = x->time - 2, across = 1 - along, perm[5] = {3, 1, 0, 4, 2};
    const onnx_window *t = &k->at[along], *f = &k->at[across];
    onnx_taps w = {t->taps, t->dilation, t->stride, t->before};
    int64_t count = onnx_windows(t), dims[5];
    onnx_window at[2];
    onnx_value *u;
    x = onnx_padded(r, c, x, 2 + across, f->before, f->after, 0.f);
    u = onnx_unfolded(r, x, &w, count); /* [taps, N, C, H, W] */
    at[along] = (onnx_window){t->taps, t->taps, 1, 1, 0, 0};
    at[across] = *f;
    perm[0] = u->time; /* [time, N, H, W, C] */
    perm[2 + along] = 0;
    perm[2 + across] = 3 + across;
    u = images(r, onnx_transposed(r, u, perm), k, at);
    dims[0] = u->dims[1];
    dims[1] = u->dims[4];
    dims[2 + along] = count;
    dims[2 + across] = u->dims[2 + across];
    /* [time, N, F, C] but for an axis of one, to [N, C, F] */
    {
        int64_t flat[4] = {count, dims[0], dims[2 + across], dims[1]};
        static const int turn[4] = {0, 1, 3, 2};
        u = onnx_transposed(r, onnx_like(r, u, 4, flat, 0, u->id), turn);
    }
    return onnx_like(r, u, 4, dims, x->time, u->id);
}

onnx_value *onnx_conv_last(onnx_run *r, onnx_call *c, onnx_value *v,
                           const onnx_conv *k)
{
    v = padded(r, c, v, k);
    if (k->axes == 1)
        return signals(r, c, v, k);
    return k->axes == 2 ? images(r, v, k, k->at) : volumes(r, c, v, k);
}

void onnx_layer_weights(onnx_run *r, const onnx_value *v, int outputs,
                        ir_bytes *w, size_t *strides)
{
    int64_t plain[ONNX_MAX_RANK];
    *w = (ir_bytes){0};
    onnx_strides(v, plain);
    if (onnx_layer_bytes(r, v, outputs, w)) {
        memcpy(plain, v->raw->strides, sizeof plain);
    } else {
        w->w = onnx_floats(r, v);
        w->type = IR_F32;
    }
    for (int i = 0; i < v->rank; i++)
        strides[i] = (size_t)plain[i];
}

onnx_rows onnx_rows_new(onnx_run *r, const ir_bytes *w, int64_t rows)
{
    onnx_rows y = {.w = *w};
    y.w.at = y.at = onnx_take(r->pool, (size_t)rows, sizeof *y.at);
    if (w->scale)
        y.w.scale = y.scale = onnx_take(r->pool, (size_t)rows, sizeof(float));
    if (w->zero)
        y.w.zero = y.zero = onnx_take(r->pool, (size_t)rows, sizeof(float));
    return y;
}

void onnx_set_row(onnx_rows *to, const ir_bytes *w, int64_t row, int64_t o,
                  size_t start)
{
    to->at[row] = start;
    if (to->scale)
        to->scale[row] = w->scale[o];
    if (to->zero)
        to->zero[row] = w->zero[o];
}

/* Weights [O, I, axes...] */
static void read_weights(onnx_run *r, const onnx_value *v, onnx_conv *k)
{
    size_t strides[ONNX_MAX_RANK];
    onnx_layer_weights(r, v, 0, &k->w, strides);
    k->w.output = strides[0];
    k->w.input = strides[1];
    k->w.tap = strides[v->rank - 1];
    if (v->rank > 3) {
        k->w.row = (uint32_t)v->dims[v->rank - 1];
        k->w.next = strides[v->rank - 2];
    }
    k->depth = v->rank > 4 ? strides[2] : 0;
}

int onnx_read_conv(onnx_run *r, onnx_call *c, onnx_conv *k)
{
    onnx_value *x = c->in[0], *w = c->in[1];
    onnx_value *b = onnx_input(c, 2);
    k->axes = x->rank - 2;
    if (w->kind != ONNX_CONST || (b && b->kind != ONNX_CONST)) {
        onnx_unsupported(r, c, "weights that are not constant");
        return 0;
    }
    if (k->axes < 1 || k->axes > ONNX_MAX_SPATIAL) {
        onnx_unsupported(r, c, "a convolution over %d axes (expected 1 to 3)",
                         k->axes);
        return 0;
    }
    k->groups = onnx_int(c, "group", 1);
    if (w->rank != x->rank || k->groups < 1 || w->dims[0] % k->groups ||
        x->dims[1] != w->dims[1] * k->groups || w->dims[0] < 1 ||
        onnx_elements(w) < 1)
        onnx_bad(r, c, "weights do not fit %lld channels in %lld groups",
                 (long long)x->dims[1], (long long)k->groups);
    k->inputs = x->dims[1];
    k->outputs = w->dims[0];
    if (b && onnx_elements(b) != k->outputs)
        onnx_bad(r, c, "%lld biases for %lld outputs",
                 (long long)onnx_elements(b), (long long)k->outputs);
    read_weights(r, w, k);
    k->b = b ? onnx_floats(r, b) : NULL;
    for (int i = 0; i < k->axes; i++)
        onnx_read_window(r, c, i, k->axes, x->dims[2 + i], w->dims[2 + i],
                         &k->at[i]);
    return 1;
}

void onnx_conv_image(onnx_run *r, onnx_call *c)
{
    onnx_value *x = c->in[0];
    onnx_conv k;
    if (!onnx_read_conv(r, c, &k))
        return;
    onnx_count_layer(r, x);
    if (onnx_timed(r, x) && x->time >= 2 && k.axes == 2) {
        c->out[0] = conv_frames(r, c, x, &k);
        return;
    }
    if (onnx_timed(r, x))
        onnx_not_in_time(r, c,
                         "convolves along time in a way that a stream "
                         "cannot");
    c->out[0] = onnx_channels_first(
        r, onnx_conv_last(r, c, onnx_channels_last(r, x), &k));
}
