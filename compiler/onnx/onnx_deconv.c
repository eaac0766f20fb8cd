/*
 * onnx_deconv.c - ConvTranspose without multiplying zeros.
 *
 * Along an axis, with step S, element i of x gives to elements q = i*S + k*D
 * of the whole result, of which those from B on stay. All q = B + t*S + phase
 * together are a plain convolution of x: of the taps k with k*D = B + phase
 * (mod S), which are P = S/gcd(S,D) apart and stand for elements of x that are
 * d = D/gcd(S,D) apart. Neighbouring phases with as many taps over the same
 * elements of x are outputs of one convolution; the results of all phases are
 * then put side by side, so that t and phase together are q - B.
 */
#include <string.h>
#include "onnx_conv_time.h"
#include "rates.h"

#define MAX_STEP 64 /* where phases are told apart */

typedef struct phase {
    int64_t tap;    /* its first */
    int64_t taps;   /* 0: nothing reaches it */
    int64_t newest; /* tap `tap` is of element t - newest of x */
} phase;

typedef struct axis {
    int64_t length, step, taps, dilation;
    int64_t begin, out;  /* of the whole result, [begin, begin + out) stays */
    int64_t apart, far;  /* P and d */
    int64_t count;       /* of t */
    int64_t most, least; /* how far back in x any phase looks */
    phase of[MAX_STEP];
} axis;

typedef struct deconv {
    int axes;
    axis at[ONNX_MAX_SPATIAL];
    int64_t inputs, outputs, groups;
    ir_bytes w;                    /* of an output of a group; its steps: */
    size_t strides[ONNX_MAX_RANK]; /* [inputs][outputs/groups][taps...] */
    const float *b;
} deconv;

static void find_phases(axis *a)
{
    int64_t g = mlc_common_divisor(a->step, a->dilation), any = 0;
    a->apart = a->step / g;
    a->far = a->dilation / g;
    for (int64_t n = 0; n < a->step; n++) {
        phase *p = &a->of[n];
        int64_t back;
        for (p->tap = 0; p->tap < a->apart && p->tap < a->taps; p->tap++)
            if ((p->tap * a->dilation - a->begin - n) % a->step == 0)
                break;
        if (p->tap == a->apart || p->tap >= a->taps) {
            p->tap = 0;
            continue;
        }
        p->taps = (a->taps - 1 - p->tap) / a->apart + 1;
        p->newest = (p->tap * a->dilation - a->begin - n) / a->step;
        back = p->newest + (p->taps - 1) * a->far;
        a->most = !any || back > a->most ? back : a->most;
        a->least = !any || p->newest < a->least ? p->newest : a->least;
        any = 1;
    }
    a->count = (a->out - 1) / a->step + 1;
}

/* The phases from n on that are done together. */
static int64_t together(const axis *a, int64_t n)
{
    int64_t end = n + 1;
    while (end < a->step && a->of[end].taps == a->of[n].taps &&
           a->of[end].newest == a->of[n].newest)
        end++;
    return end - n;
}

/* One convolution: phases [m, m + rows) of the one axis, [n, n + columns) of
   the other. */
typedef struct block {
    int64_t m, rows, n, columns;
} block;

/* Outputs [group][row][column][output], taps in the order of x. */
static ir_bytes weights(onnx_run *r, const deconv *k, const block *b)
{
    const axis *p = &k->at[0], *q = &k->at[1];
    int64_t in = k->inputs / k->groups, out = k->outputs / k->groups;
    int64_t m = p->of[b->m].taps, n = q->of[b->n].taps, at = 0;
    const size_t *s = k->strides;
    onnx_rows to = onnx_rows_new(r, &k->w, k->outputs * b->rows * b->columns);
    for (int64_t g = 0; g < k->groups; g++)
        for (int64_t row = b->m; row < b->m + b->rows; row++)
            for (int64_t col = b->n; col < b->n + b->columns; col++)
                for (int64_t o = 0; o < out; o++) {
                    int64_t u = p->of[row].tap + (m - 1) * p->apart;
                    int64_t v = q->of[col].tap + (n - 1) * q->apart;
                    onnx_set_row(&to, &k->w, at++, o,
                                 (size_t)(g * in) * s[0] + (size_t)o * s[1] +
                                     (size_t)u * s[2] + (size_t)v * s[3]);
                }
    to.w.input = s[0];
    to.w.row = (uint32_t)n;
    to.w.tap = (size_t)0 - (size_t)q->apart * s[3];
    to.w.next = (size_t)0 - (size_t)p->apart * s[2];
    return to.w;
}

/* What phases see of v, which begins at element -most of x. */
static onnx_value *seen(onnx_run *r, onnx_call *c, onnx_value *v, int number,
                        const axis *a, const phase *p, onnx_window *w)
{
    int64_t back = p->newest + (p->taps - 1) * a->far;
    w->length = a->count + (p->taps - 1) * a->far;
    w->taps = p->taps;
    w->dilation = p->taps > 1 ? a->far : 1;
    w->stride = 1;
    w->before = w->after = 0;
    return onnx_sliced(r, c, v, number, a->most - back, 1, w->length);
}

/* [N, T, T', groups, rows, columns, outputs] of one block. */
static onnx_value *one_block(onnx_run *r, onnx_call *c, onnx_value *v,
                             const deconv *k, const block *b)
{
    int64_t phases = b->rows * b->columns, out = k->outputs / k->groups;
    int64_t dims[7];
    onnx_conv conv = {.axes = 2,
                      .inputs = k->inputs,
                      .outputs = k->outputs * phases,
                      .groups = k->groups,
                      .w = weights(r, k, b)};
    for (int i = 0; i < 2; i++) {
        const axis *a = &k->at[i];
        v = seen(r, c, v, 1 + i, a, &a->of[i ? b->n : b->m], &conv.at[i]);
    }
    if (k->b) {
        float *bias = onnx_take(r->pool, (size_t)conv.outputs, sizeof *bias);
        for (int64_t n = 0; n < conv.outputs; n++)
            bias[n] = k->b[n / (phases * out) * out + n % out];
        conv.b = bias;
    }
    v = onnx_conv_last(r, c, v, &conv);
    memcpy(dims, v->dims, 3 * sizeof *dims);
    dims[3] = k->groups;
    dims[4] = b->rows;
    dims[5] = b->columns;
    dims[6] = out;
    return onnx_reshaped(r, c, v, 7, dims);
}

/* All columns of some rows. */
static onnx_value *some_rows(onnx_run *r, onnx_call *c, onnx_value *v,
                             const deconv *k, int64_t m, int64_t rows)
{
    const axis *q = &k->at[1];
    onnx_value *part[MAX_STEP];
    int parts = 0;
    for (int64_t n = 0, columns; n < q->step; n += columns) {
        block b = {m, rows, n, columns = together(q, n)};
        part[parts++] = one_block(r, c, v, k, &b);
    }
    return onnx_concat(r, c, part, parts, 5);
}

static onnx_value *all_phases(onnx_run *r, onnx_call *c, onnx_value *v,
                              const deconv *k)
{
    const axis *p = &k->at[0];
    onnx_value *part[MAX_STEP];
    int parts = 0;
    for (int64_t m = 0, rows; m < p->step; m += rows) {
        rows = together(p, m);
        part[parts++] = some_rows(r, c, v, k, m, rows);
    }
    return onnx_concat(r, c, part, parts, 4);
}

/* v [N, H, W, C]. */
static onnx_value *by_phases(onnx_run *r, onnx_call *c, onnx_value *v,
                             const deconv *k)
{
    static const int order[7] = {0, 1, 4, 2, 5, 3, 6};
    int64_t dims[4] = {v->dims[0], 0, 0, k->outputs};
    for (int i = 0; i < 2; i++) {
        const axis *a = &k->at[i];
        v = onnx_padded(r, c, v, 1 + i, a->most,
                        a->count - a->least - a->length, 0.f);
        dims[1 + i] = a->count * a->step;
    }
    v = onnx_transposed(r, all_phases(r, c, v, k), order);
    v = onnx_reshaped(r, c, v, 4, dims);
    for (int i = 0; i < 2; i++) {
        const axis *a = &k->at[i];
        v = onnx_sliced(r, c, v, 1 + i, 0, 1, a->out);
    }
    return v;
}

/* ------------------------------------------------- zeros put between ---- */

/* x with step - 1 zeros after each element of an axis, but for the last. */
static onnx_value *spread(onnx_run *r, onnx_call *c, onnx_value *v, int number,
                          const axis *a)
{
    int64_t dims[ONNX_MAX_RANK];
    if (a->step == 1)
        return v;
    memcpy(dims, v->dims, sizeof dims);
    memmove(dims + number + 2, dims + number + 1,
            (size_t)(v->rank - number - 1) * sizeof *dims);
    dims[number + 1] = 1;
    v = onnx_reshaped(r, c, v, v->rank + 1, dims);
    v = onnx_padded(r, c, v, number + 1, 0, a->step - 1, 0.f);
    memcpy(dims, v->dims, sizeof dims);
    dims[number] *= dims[number + 1];
    memmove(dims + number + 1, dims + number + 2,
            (size_t)(v->rank - number - 2) * sizeof *dims);
    v = onnx_reshaped(r, c, v, v->rank - 1, dims);
    return onnx_sliced(r, c, v, number, 0, 1, (a->length - 1) * a->step + 1);
}

/* All taps of a plain convolution, the last ones first. */
static void turn(onnx_run *r, const deconv *k, onnx_conv *conv)
{
    int64_t in = k->inputs / k->groups, out = k->outputs / k->groups;
    const size_t *s = k->strides;
    onnx_rows to = onnx_rows_new(r, &k->w, k->outputs);
    size_t end = 0;
    for (int i = 0; i < k->axes; i++)
        end += (size_t)(k->at[i].taps - 1) * s[2 + i];
    for (int64_t o = 0; o < k->outputs; o++)
        onnx_set_row(&to, &k->w, o, o % out,
                     (size_t)(o / out * in) * s[0] + (size_t)(o % out) * s[1] +
                         end);
    conv->w = to.w;
    conv->w.input = s[0];
    conv->w.tap = (size_t)0 - s[1 + k->axes];
    if (k->axes > 1) {
        conv->w.row = (uint32_t)k->at[k->axes - 1].taps;
        conv->w.next = (size_t)0 - s[k->axes];
    }
    conv->depth = (size_t)0 - s[2];
}

/* A plain convolution of that: volumes, and steps too large to be told apart.
 */
static onnx_value *by_zeros(onnx_run *r, onnx_call *c, onnx_value *v,
                            const deconv *k)
{
    onnx_conv conv = {.axes = k->axes,
                      .inputs = k->inputs,
                      .outputs = k->outputs,
                      .groups = k->groups,
                      .b = k->b};
    for (int i = 0; i < k->axes; i++) {
        const axis *a = &k->at[i];
        int64_t reach = (a->taps - 1) * a->dilation;
        onnx_window w = {.length = (a->length - 1) * a->step + 1,
                         .taps = a->taps,
                         .dilation = a->dilation,
                         .stride = 1,
                         .before = reach - a->begin};
        w.after = a->out - w.length - w.before + reach;
        v = spread(r, c, v, 1 + i, a);
        conv.at[i] = w;
    }
    turn(r, k, &conv);
    return onnx_conv_last(r, c, v, &conv);
}

/* ----------------------------------------------------------- the node ---- */

/* Where the result begins and ends: from pads, auto_pad or output_shape. */
static void read_ends(onnx_run *r, onnx_call *c, const deconv *k, int i,
                      axis *a)
{
    const char *pad = onnx_string(c, "auto_pad", "NOTSET");
    int64_t extra = onnx_list_at(r, c, "output_padding", i, 0);
    int64_t whole =
        (a->length - 1) * a->step + (a->taps - 1) * a->dilation + 1 + extra;
    int same = !strncmp(pad, "SAME", 4);
    const onnx_attr *shape = onnx_attr_of(c, "output_shape");
    int64_t total;
    if (!same && !shape) {
        a->begin = strcmp(pad, "VALID") ? onnx_list_at(r, c, "pads", i, 0) : 0;
        a->out = whole - a->begin;
        if (strcmp(pad, "VALID"))
            a->out -= onnx_list_at(r, c, "pads", i + k->axes, 0);
    } else {
        a->out = a->length * a->step;
        if (shape) /* it may have the axes of batch and channel as well */
            a->out = onnx_list_at(
                r, c, "output_shape",
                shape->ints_count == (size_t)k->axes + 2 ? i + 2 : i, 0);
        total = whole - a->out;
        total = total < 0 && !shape ? 0 : total;
        a->begin = !strcmp(pad, "SAME_UPPER") || total < 0 ? total / 2
                                                           : (total + 1) / 2;
    }
    if (a->out < 1 || a->out > INT32_MAX || whole > INT32_MAX)
        onnx_bad(r, c, "a result of %lld elements", (long long)a->out);
}

static int read_deconv(onnx_run *r, onnx_call *c, deconv *k)
{
    onnx_value *x = c->in[0], *w = c->in[1];
    onnx_value *b = onnx_input(c, 2);
    k->axes = x->rank - 2;
    if (w->kind != ONNX_CONST || (b && b->kind != ONNX_CONST)) {
        onnx_unsupported(r, c, "weights that are not constant");
        return 0;
    }
    if (k->axes < 1 || k->axes > ONNX_MAX_SPATIAL) {
        onnx_unsupported(r, c, "over %d axes (expected 1 to 3)", k->axes);
        return 0;
    }
    k->groups = onnx_int(c, "group", 1);
    if (w->rank != x->rank || k->groups < 1 || k->groups > INT32_MAX ||
        w->dims[0] != x->dims[1] || w->dims[0] % k->groups ||
        onnx_elements(w) < 1)
        onnx_bad(r, c, "weights do not fit %lld channels in %lld groups",
                 (long long)x->dims[1], (long long)k->groups);
    k->inputs = w->dims[0];
    k->outputs = w->dims[1] * k->groups;
    if (b && onnx_elements(b) != k->outputs)
        onnx_bad(r, c, "%lld biases for %lld outputs",
                 (long long)onnx_elements(b), (long long)k->outputs);
    onnx_layer_weights(r, w, 1, &k->w, k->strides);
    k->b = b ? onnx_floats(r, b) : NULL;
    for (int i = 0; i < k->axes; i++) {
        axis *a = &k->at[i];
        a->length = x->dims[2 + i];
        a->taps = w->dims[2 + i];
        a->step = onnx_list_at(r, c, "strides", i, 1);
        a->dilation = onnx_list_at(r, c, "dilations", i, 1);
        if (a->length < 1 || a->step < 1 || a->dilation < 1 ||
            a->step > INT32_MAX / a->length ||
            a->dilation > INT32_MAX / a->taps)
            onnx_bad(r, c, "a kernel of %lld, dilation %lld, stride %lld",
                     (long long)a->taps, (long long)a->dilation,
                     (long long)a->step);
        read_ends(r, c, k, i, a);
    }
    return 1;
}

/* Phases that no tap reaches would need a bias of their own: then zeros are
   put between, as for volumes and large steps. */
static int has_phases(deconv *k)
{
    if (k->axes > 2)
        return 0;
    for (int i = 0; i < k->axes; i++)
        if (k->at[i].step > MAX_STEP)
            return 0;
    if (k->axes == 1) { /* a column: the second axis is one element */
        axis one = {.length = 1, .step = 1, .taps = 1, .dilation = 1, .out = 1};
        k->at[1] = one;
    }
    for (int i = 0; i < 2; i++) {
        find_phases(&k->at[i]);
        for (int64_t n = 0; n < k->at[i].step; n++)
            if (k->at[i].of[n].taps == 0)
                return 0;
    }
    return 1;
}

/* The spatial axis that is time, all others being one element; -1: none. */
static int along_time(const onnx_run *r, const onnx_value *x, const deconv *k)
{
    int number = x->time - 2;
    if (!onnx_timed(r, x) || number < 0)
        return -1;
    for (int i = 0; i < k->axes; i++) {
        const axis *a = &k->at[i];
        if (i != number &&
            (a->length != 1 || a->taps != 1 || a->step != 1 || a->out != 1))
            return -1;
    }
    return number;
}

/* x [N, C, time] */
static onnx_value *as_signal(onnx_run *r, onnx_value *x, const deconv *k,
                             const axis *a)
{
    onnx_conv conv = {.axes = 1,
                      .inputs = k->inputs,
                      .outputs = k->outputs,
                      .groups = k->groups,
                      .w = k->w,
                      .b = k->b};
    conv.w.input = k->strides[0];
    conv.w.output = k->strides[1];
    conv.w.tap = k->strides[2 + (a - k->at)];
    conv.at[0] = (onnx_window){.length = a->length,
                               .taps = a->taps,
                               .dilation = a->dilation,
                               .stride = a->step,
                               .before = a->begin};
    return onnx_conv_transpose_in_time(r, x, &conv, a->out);
}

static onnx_value *in_time(onnx_run *r, onnx_value *x, const deconv *k,
                           int number)
{
    int64_t dims[ONNX_MAX_RANK] = {x->dims[0], x->dims[1], x->dims[x->time]};
    int rank = x->rank;
    if (rank > 3)
        x = onnx_like(r, x, 3, dims, 2, x->id);
    x = as_signal(r, x, k, &k->at[number]);
    if (rank == 3)
        return x;
    dims[1] = x->dims[1];
    for (int i = 2; i < rank; i++)
        dims[i] = i == number + 2 ? x->dims[2] : 1;
    return onnx_like(r, x, rank, dims, number + 2, x->id);
}

void onnx_do_conv_transpose(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *v;
    deconv *k = onnx_take(r->pool, 1, sizeof *k);
    int64_t dims[4];
    int number;
    (void)what;
    if (!read_deconv(r, c, k))
        return;
    number = along_time(r, x, k);
    if (number >= 0) {
        onnx_count_layer(r, x);
        c->out[0] = in_time(r, x, k, number);
        return;
    }
    onnx_not_along_time(r, c, x, "is a transposed convolution");
    v = onnx_channels_last(r, x);
    if (!has_phases(k)) {
        v = by_zeros(r, c, v, k);
    } else if (k->axes == 1) {
        dims[0] = v->dims[0];
        dims[1] = v->dims[1];
        dims[2] = 1;
        dims[3] = v->dims[2];
        v = by_phases(r, c, onnx_reshaped(r, c, v, 4, dims), k);
        dims[1] = v->dims[1];
        dims[2] = v->dims[3];
        v = onnx_reshaped(r, c, v, 3, dims);
    } else {
        v = by_phases(r, c, v, k);
    }
    c->out[0] = onnx_channels_first(r, v);
}
