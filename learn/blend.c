/* see blend.h */
#include <stdlib.h>
#include <string.h>
#include "blend.h"
#include "describe_ports.h"
#include "file.h"
#include "ir.h"
#include "weights.h"

/* What no weight can outweigh, and an example that is not there has: its
   softmax is 0 exactly. */
#define NOWHERE -1e30f
/* Least s^2: a normal float, and so far below all squared distances among
   numbers around 1 that at an example all other weights are 0. */
#define LEAST_FLOOR 1e-36f
/* Inputs past so many ranges count as there: squares stay finite. */
#define FAR 1e15f

static float power_of(uint32_t inputs)
{
    return inputs + 2 < 8 ? (float)(inputs + 2) : 8.0f;
}

/* -------------------------------------------------------------- graph ---- */

/* What the constants of a graph begin as; all unpacked. */
typedef struct numbers {
    const float *scale, *floor, *mask, *points, *values, *members;
} numbers;

static ir_id repeat(ir_graph *g, ir_id x, uint32_t n, float scale,
                    const float *shift)
{
    float *scales = malloc(n * sizeof *scales);
    if (!scales) {
        g->out_of_memory = 1;
        return IR_NONE;
    }
    for (uint32_t i = 0; i < n; i++)
        scales[i] = scale;
    x = ir_affine(g, x, n, scales, shift);
    free(scales);
    return x;
}

/* -p/2 log(d^2 + s^2) for each place. Inputs are only scaled, not shifted: a
   product is rounded once on every machine, so the distance of an example to
   itself is 0. */
static ir_id closeness(ir_graph *g, ir_id x, const learn_blend *b,
                       const numbers *c)
{
    float one = 1.0f;
    float *zero = calloc(b->inputs, sizeof *zero);
    if (!zero) {
        g->out_of_memory = 1;
        return IR_NONE;
    }
    x = ir_affine(g, x, b->inputs, c->scale, zero);
    free(zero);
    x = ir_unary(g, MLI_HARD_TANH, -FAR, FAR, x);
    x = ir_distance(g, x, b->inputs, b->capacity, MLI_SQUARED_EUCLIDEAN, 0.0f,
                    c->points);
    x = ir_affine(g, x, 1, &one, c->floor);
    x = ir_unary(g, MLI_LOG, 0.0f, 0.0f, x);
    return repeat(g, x, b->capacity, -0.5f * power_of(b->inputs), c->mask);
}

/* The scores of labels: each has the closeness of its nearest example. */
static ir_id scores(ir_graph *g, ir_id x, const learn_blend *b,
                    const numbers *c)
{
    uint32_t dims[2] = {b->outputs, b->capacity};
    x = ir_binary(g, MLI_ADD, ir_const(g, 2, dims, c->members), x);
    x = ir_reduce(g, MLI_REDUCE_MAX, x, 1u << 1, 0);
    return ir_softmax(g, x, 0, 0);
}

/* e: for what the ports say; NULL: nothing. */
static ir_graph *graph(const learn_blend *b, const numbers *c,
                       const learn_examples *e)
{
    ir_graph *g = ir_new(MLI_STEP);
    if (!g)
        return NULL;
    ir_id x = ir_input(g, "in", 1, &b->inputs);
    if (e)
        learn_describe_in(g, e);
    ir_at(g, "blend");
    x = closeness(g, x, b, c);
    if (b->classes) {
        x = scores(g, x, b, c);
        if (e)
            x = ir_slice(g, x, 0, 0, 1, learn_labels_used(e));
    } else {
        x = ir_softmax(g, x, 0, 0);
        x = ir_linear(g, x, b->capacity, b->outputs, c->values, NULL);
    }
    ir_output(g, "out", x);
    if (e)
        learn_describe_out(g, e);
    return g;
}

/* ------------------------------------------------ constants in a file ---- */

/* Where the number of row o (of n) and column i (of width) lies in a packed
   matrix. */
static size_t packed(uint32_t n, uint32_t width, uint32_t o, uint32_t i)
{
    return (size_t)mli_packed_index(n, 1, width, o, 0, i);
}

/* Constant operand k of the n-th operator of a type; NULL if it is not there
   or has not so many floats. */
static float *constant(const learn_blend *b, mli_op_type type, uint32_t n,
                       uint32_t k, size_t floats)
{
    mli_file f = mli_file_of(b->runner.image.bytes);
    for (uint32_t i = 0; i < f.count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f.ops + i;
        if (op->type != type || n--)
            continue;
        const mli_file_tensor *t =
            k < op->inputs ? mli_operand(&f, op, k) : NULL;
        if (!t || t->region != MLI_CONSTANT || mli_elements(t) != floats)
            return NULL;
        return (float *)(uintptr_t)(f.data + t->offset);
    }
    return NULL;
}

static int find_constants(learn_blend *b)
{
    size_t places = b->capacity;
    b->scale = constant(b, MLI_OP_AFFINE, 0, 1, b->inputs);
    b->points = constant(b, MLI_OP_DISTANCE, 0, 1,
                         mli_packed_size(b->capacity, 1, b->inputs));
    b->floor = constant(b, MLI_OP_AFFINE, 1, 2, 1);
    b->mask = constant(b, MLI_OP_AFFINE, 2, 2, places);
    if (b->classes)
        b->members = constant(b, MLI_OP_BINARY, 0, 0, b->outputs * places);
    else
        b->values = constant(b, MLI_OP_LINEAR, 0, 1,
                             mli_packed_size(b->outputs, 1, b->capacity));
    return b->scale && b->points && b->floor && b->mask &&
           (b->members || b->values);
}

/* ------------------------------------------------- making and running ---- */

/* Equal constants would become one: so each begins as another number. */
static mlc_status make_image(const learn_blend *b, mlc_image *image,
                             mlc_error *error)
{
    size_t places = b->capacity;
    size_t most = b->inputs > b->outputs ? b->inputs : b->outputs;
    float *all[5], floor = 3.0f;
    mlc_status status = MLC_OK;
    for (int k = 0; k < 5; k++) {
        all[k] = malloc(places * most * sizeof(float));
        for (size_t i = 0; all[k] && i < places * most; i++)
            all[k][i] = 4.0f + (float)k;
        if (!all[k])
            status = mlc_fail(error, MLC_MEMORY, "no memory");
    }
    numbers c = {all[0], &floor, all[1], all[2], all[3], all[4]};
    if (!status)
        status = mlc_finish(graph(b, &c, NULL), NULL, image, error);
    for (int k = 0; k < 5; k++)
        free(all[k]);
    return status;
}

mlc_status learn_blend_make(learn_blend *b, const learn_examples *e,
                            int classes, const mli_kernels *kernels,
                            mlc_error *error)
{
    mlc_image image;
    memset(b, 0, sizeof *b);
    b->classes = classes;
    b->inputs = e->inputs;
    b->outputs = classes ? e->label_room : e->outputs;
    b->capacity = e->capacity;
    mlc_status status = make_image(b, &image, error);
    if (!status)
        status = learn_runner_make(&b->runner, &image, kernels, error);
    if (!status && !find_constants(b)) {
        learn_blend_free(b);
        status = mlc_fail(error, MLC_UNSUPPORTED,
                          "internal error: the blend's constants are not "
                          "where they were put");
    }
    return status;
}

void learn_blend_free(learn_blend *b)
{
    learn_runner_free(&b->runner);
    memset(b, 0, sizeof *b);
}

static float clip(float f)
{
    return f < -FAR ? -FAR : f > FAR ? FAR : f;
}

static float scale_of(const learn_examples *e, uint32_t i)
{
    float low, high;
    learn_range_in(e, i, &low, &high);
    double scale = high > low ? 1.0 / ((double)high - low) : 0.0;
    /* normal floats only: they are the same on every machine */
    return scale > 2e-38 && scale < 3e38 ? (float)scale : 0.0f;
}

static void take_point(learn_blend *b, const learn_examples *e, uint32_t n)
{
    const float *x = e->x + (size_t)n * e->inputs;
    for (uint32_t i = 0; i < b->inputs; i++)
        b->points[packed(b->capacity, b->inputs, n, i)] =
            clip(x[i] * b->scale[i]);
}

/* Value o of place n; 0 where there is no example: its weight is 0. */
static void take_values(learn_blend *b, const learn_examples *e, uint32_t n)
{
    const float *y = e->y + (size_t)n * e->outputs;
    for (uint32_t o = 0; o < b->outputs; o++)
        b->values[packed(b->outputs, b->capacity, o, n)] =
            n < e->count ? y[o] : 0.0f;
}

static void take_label(learn_blend *b, const learn_examples *e, uint32_t n)
{
    for (uint32_t o = 0; o < b->outputs; o++)
        b->members[(size_t)o * b->capacity + n] =
            n < e->count && e->label[n] == o ? 0.0f : NOWHERE;
}

static void take_place(learn_blend *b, const learn_examples *e, uint32_t n)
{
    b->mask[n] = n < e->count ? 0.0f : NOWHERE;
    if (n < e->count)
        take_point(b, e, n);
    if (b->classes)
        take_label(b, e, n);
    else
        take_values(b, e, n);
}

void learn_blend_take(learn_blend *b, const learn_examples *e, float smooth)
{
    float square = smooth * smooth;
    *b->floor = square > LEAST_FLOOR ? square : LEAST_FLOOR;
    for (uint32_t i = 0; i < b->inputs; i++)
        b->scale[i] = scale_of(e, i);
    for (uint32_t n = 0; n < b->capacity; n++)
        take_place(b, e, n);
}

void learn_blend_take_last(learn_blend *b, const learn_examples *e,
                           float smooth)
{
    int same = e->count > 1;
    for (uint32_t i = 0; same && i < b->inputs; i++)
        same = b->scale[i] == scale_of(e, i);
    if (same)
        take_place(b, e, e->count - 1);
    else
        learn_blend_take(b, e, smooth);
}

void learn_blend_run(learn_blend *b, const float *x, float *y)
{
    learn_runner_run(&b->runner, x, y);
}

/* ----------------------------------------------------------- the file ---- */

static void unpack(float *to, const float *from, uint32_t rows, uint32_t width)
{
    for (uint32_t o = 0; o < rows; o++)
        for (uint32_t i = 0; i < width; i++)
            to[(size_t)o * width + i] = from[packed(rows, width, o, i)];
}

ir_graph *learn_blend_graph(const learn_blend *b, const learn_examples *e)
{
    size_t places = b->capacity;
    float *points = malloc(places * b->inputs * sizeof *points);
    float *values = malloc(places * b->outputs * sizeof *values);
    ir_graph *g = NULL;
    if (points && values) {
        numbers c = {b->scale, b->floor, b->mask, points, values, b->members};
        unpack(points, b->points, b->capacity, b->inputs);
        if (b->values)
            unpack(values, b->values, b->outputs, b->capacity);
        g = graph(b, &c, e);
    }
    free(points);
    free(values);
    return g;
}
