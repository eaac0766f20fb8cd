/* see train.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "describe_ports.h"
#include "ir.h"
#include "smooth_functions.h"
#include "train.h"

#define STEP  0.05
#define DECAY 0.008 /* of hidden layers, and for labels ... */
#define LAST  0.05  /* ... times this of the last one, for outputs */

typedef struct layer {
    uint32_t inputs, outputs;
    size_t w; /* [inputs][outputs], then [outputs] biases: among parameters */
    size_t h; /* what it makes: among activations */
} layer;

typedef struct network {
    const learn_examples *e;
    int classes;
    uint32_t layers; /* the last one is linear */
    layer layer[LEARN_LAYERS + 1];
    size_t parameters, activations;
    double *p, *gradient, *mean, *square; /* [parameters] */
    double *h, *d;                        /* [activations] */
    double *x;                            /* [examples][inputs], -1 .. 1 */
    double *target; /* [examples][outputs]; labels: 1 for the right one */
    double *in_scale, *out_mean, *out_scale;
    float *in_middle;
} network;

/* ----------------------------------------------- what there is to fit ---- */

static uint32_t outputs_of(const network *n)
{
    return n->layer[n->layers - 1].outputs;
}

static void lay_layers(network *n, const learn_recipe *recipe)
{
    uint32_t inputs = n->e->inputs;
    n->layers = recipe->layers + 1;
    for (uint32_t i = 0; i < n->layers; i++) {
        layer *l = n->layer + i;
        l->inputs = inputs;
        l->outputs = i < recipe->layers ? recipe->units[i]
                     : n->classes       ? learn_labels_used(n->e)
                                        : n->e->outputs;
        l->w = n->parameters;
        l->h = n->activations;
        n->parameters += (size_t)(l->inputs + 1) * l->outputs;
        n->activations += l->outputs;
        inputs = l->outputs;
    }
}

static void take_inputs(network *n)
{
    const learn_examples *e = n->e;
    for (uint32_t i = 0; i < e->inputs; i++) {
        float low, high;
        learn_range_in(e, i, &low, &high);
        double range = (double)high - low;
        n->in_middle[i] = (float)(low + range / 2);
        n->in_scale[i] = range > 0 && 2 / range < 3e38 ? 2 / range : 0.0;
        for (uint32_t k = 0; k < e->count; k++)
            n->x[(size_t)k * e->inputs + i] =
                ((double)e->x[(size_t)k * e->inputs + i] - n->in_middle[i]) *
                n->in_scale[i];
    }
}

static void take_outputs(network *n)
{
    const learn_examples *e = n->e;
    uint32_t outputs = outputs_of(n);
    for (uint32_t o = 0; o < outputs; o++) {
        double sum = 0, squares = 0;
        n->out_scale[o] = 1;
        n->out_mean[o] = 0;
        for (uint32_t k = 0; k < e->count; k++) {
            double *t = n->target + (size_t)k * outputs + o;
            *t = n->classes ? e->label[k] == o : e->y[(size_t)k * outputs + o];
            sum += *t;
        }
        if (n->classes)
            continue;
        n->out_mean[o] = sum / e->count;
        for (uint32_t k = 0; k < e->count; k++) {
            double *t = n->target + (size_t)k * outputs + o;
            *t -= n->out_mean[o];
            squares += *t * *t;
        }
        if (squares > 0)
            n->out_scale[o] = sqrt(squares / e->count);
        for (uint32_t k = 0; k < e->count; k++)
            n->target[(size_t)k * outputs + o] /= n->out_scale[o];
    }
}

/* splitmix64 (Steele, Lea, Flood 2014), to -1 .. 1. */
static double random_number(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) / 4503599627370496.0 - 1.0;
}

/* Sums that begin with deviation 1; units that bend at unlike places. */
static void random_weights(network *n)
{
    uint64_t state = 1;
    for (uint32_t i = 0; i < n->layers; i++) {
        const layer *l = n->layer + i;
        size_t weights = (size_t)l->inputs * l->outputs;
        double *w = n->p + l->w, most = sqrt(3.0 / l->inputs);
        for (size_t k = 0; k < weights; k++)
            w[k] = most * random_number(&state);
        for (uint32_t o = 0; o < l->outputs && i + 1 < n->layers; o++)
            w[weights + o] = 0.5 * random_number(&state);
    }
}

/* Weights of all layers; the sizes are in their ranges. */
static double weights_of(const learn_examples *e, const learn_recipe *recipe)
{
    double inputs = e->inputs, sum = 0;
    for (uint32_t i = 0; i < recipe->layers; i++) {
        sum += inputs * recipe->units[i];
        inputs = recipe->units[i];
    }
    return sum + inputs * e->outputs;
}

static int make(network *n, const learn_examples *e, const learn_recipe *recipe)
{
    memset(n, 0, sizeof *n);
    n->e = e;
    n->classes = learn_examples_classes(e);
    lay_layers(n, recipe);
    size_t outputs = outputs_of(n), examples = e->count;
    n->p = calloc(n->parameters, sizeof(double));
    n->gradient = calloc(n->parameters, sizeof(double));
    n->mean = calloc(n->parameters, sizeof(double));
    n->square = calloc(n->parameters, sizeof(double));
    n->h = calloc(n->activations, sizeof(double));
    n->d = calloc(n->activations, sizeof(double));
    n->x = calloc(examples * e->inputs, sizeof(double));
    n->target = calloc(examples * outputs, sizeof(double));
    n->in_scale = calloc(e->inputs, sizeof(double));
    n->in_middle = calloc(e->inputs, sizeof(float));
    n->out_mean = calloc(outputs, sizeof(double));
    n->out_scale = calloc(outputs, sizeof(double));
    return n->p && n->gradient && n->mean && n->square && n->h && n->d &&
           n->x && n->target && n->in_scale && n->in_middle && n->out_mean &&
           n->out_scale;
}

static void forget(network *n)
{
    void *all[] = {n->p,        n->gradient,  n->mean,     n->square,
                   n->h,        n->d,         n->x,        n->target,
                   n->in_scale, n->in_middle, n->out_mean, n->out_scale};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* ----------------------------------------------------------- one epoch ---- */

static void forward(const network *n, const double *x)
{
    for (uint32_t k = 0; k < n->layers; k++) {
        const layer *l = n->layer + k;
        const double *w = n->p + l->w;
        double *h = n->h + l->h;
        memcpy(h, w + (size_t)l->inputs * l->outputs, l->outputs * sizeof *h);
        for (uint32_t i = 0; i < l->inputs; i++, w += l->outputs)
            for (uint32_t o = 0; o < l->outputs; o++)
                h[o] += x[i] * w[o];
        for (uint32_t o = 0; o < l->outputs && k + 1 < n->layers; o++)
            h[o] = learn_tanh(h[o]);
        x = h;
    }
}

/* Scores into probabilities. */
static void share_out(double *h, uint32_t count)
{
    double most = h[0], sum = 0;
    for (uint32_t o = 1; o < count; o++)
        most = h[o] > most ? h[o] : most;
    for (uint32_t o = 0; o < count; o++)
        sum += h[o] = learn_exp(h[o] - most);
    for (uint32_t o = 0; o < count; o++)
        h[o] /= sum;
}

/* The last layer's errors, per example; returns the loss. */
static double compare(const network *n, const double *target)
{
    const layer *last = n->layer + n->layers - 1;
    double *h = n->h + last->h, *d = n->d + last->h, loss = 0;
    double share = 1.0 / n->e->count;
    if (n->classes)
        share_out(h, last->outputs);
    else
        share *= 2.0 / last->outputs;
    for (uint32_t o = 0; o < last->outputs; o++) {
        double error = h[o] - target[o];
        d[o] = share * error;
        if (!n->classes)
            loss += error * error / last->outputs;
        else if (target[o] > 0)
            loss -= log(h[o] > 1e-300 ? h[o] : 1e-300);
    }
    return loss;
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum[2] = {0, 0};
    for (uint32_t i = 0; i < n; i++)
        sum[i & 1] += a[i] * b[i];
    return sum[0] + sum[1];
}

static void backward(const network *n, const double *x)
{
    for (uint32_t k = n->layers; k-- > 0;) {
        const layer *l = n->layer + k;
        const double *d = n->d + l->h, *w = n->p + l->w;
        const double *in = k ? n->h + n->layer[k - 1].h : x;
        double *before = k ? n->d + n->layer[k - 1].h : NULL;
        double *g = n->gradient + l->w;
        for (uint32_t i = 0; i < l->inputs; i++) {
            for (uint32_t o = 0; o < l->outputs; o++)
                g[o] += in[i] * d[o];
            if (before)
                before[i] = (1.0 - in[i] * in[i]) * dot(w, d, l->outputs);
            g += l->outputs;
            w += l->outputs;
        }
        for (uint32_t o = 0; o < l->outputs; o++)
            g[o] += d[o];
    }
}

static void decay(network *n)
{
    for (uint32_t k = 0; k < n->layers; k++) {
        const layer *l = n->layer + k;
        size_t weights = (size_t)l->inputs * l->outputs;
        double by = 2.0 * DECAY / n->e->count;
        if (k + 1 == n->layers && !n->classes)
            by *= LAST;
        for (size_t i = 0; i < weights; i++)
            n->gradient[l->w + i] += by * n->p[l->w + i];
    }
}

/* power: 0.9 and 0.999 to the number of this epoch. */
static void adam(network *n, double step, const double power[2])
{
    double a = step / (1.0 - power[0]), b = 1.0 / (1.0 - power[1]);
    for (size_t i = 0; i < n->parameters; i++) {
        double g = n->gradient[i];
        n->mean[i] += 0.1 * (g - n->mean[i]);
        n->square[i] += 0.001 * (g * g - n->square[i]);
        n->p[i] -= a * n->mean[i] / (sqrt(n->square[i] * b) + 1e-8);
    }
}

/* Returns the loss before its step. */
static double epoch(network *n, double step, const double power[2])
{
    uint32_t outputs = outputs_of(n);
    double loss = 0;
    memset(n->gradient, 0, n->parameters * sizeof(double));
    for (uint32_t k = 0; k < n->e->count; k++) {
        const double *x = n->x + (size_t)k * n->e->inputs;
        forward(n, x);
        loss += compare(n, n->target + (size_t)k * outputs);
        backward(n, x);
    }
    decay(n);
    adam(n, step, power);
    loss /= n->e->count;
    return n->classes ? loss : sqrt(loss);
}

static uint32_t epochs_of(const network *n)
{
    double most = LEARN_MOST_WORK / (3.0 * (double)n->parameters * n->e->count);
    return most >= LEARN_EPOCHS         ? LEARN_EPOCHS
           : most <= LEARN_LEAST_EPOCHS ? LEARN_LEAST_EPOCHS
                                        : (uint32_t)most;
}

static void fit(network *n, learn_report *report, void *user)
{
    uint32_t epochs = epochs_of(n);
    double power[2] = {1, 1};
    for (uint32_t t = 0; t < epochs; t++) {
        double u = (double)t / epochs;
        power[0] *= 0.9;
        power[1] *= 0.999;
        double loss = epoch(n, STEP * (1 - u) * (1 - u) * (1 + 2 * u), power);
        if (report && !report(user, t + 1, loss))
            return;
    }
}

/* ------------------------------------------------------------- a model ---- */

/* y = x w + b of layer k; inputs are scaled in the first, outputs in the last
   one. [outputs][inputs] */
static ir_id linear(ir_graph *g, const network *n, uint32_t k, ir_id x)
{
    const layer *l = n->layer + k;
    const double *p = n->p + l->w;
    size_t weights = (size_t)l->inputs * l->outputs;
    float *w = malloc(weights * sizeof *w);
    float *b = malloc(l->outputs * sizeof *b);
    for (uint32_t o = 0; w && b && o < l->outputs; o++) {
        int last = k + 1 == n->layers;
        double scale = last ? n->out_scale[o] : 1.0;
        for (uint32_t i = 0; i < l->inputs; i++)
            w[(size_t)o * l->inputs + i] =
                (float)(p[(size_t)i * l->outputs + o] * scale *
                        (k ? 1.0 : n->in_scale[i]));
        b[o] = (float)(p[weights + o] * scale + (last ? n->out_mean[o] : 0.0));
    }
    if (w && b)
        x = ir_linear(g, x, l->inputs, l->outputs, w, b);
    else
        g->out_of_memory = 1;
    free(w);
    free(b);
    return x;
}

static ir_graph *graph(const network *n)
{
    ir_graph *g = ir_new(MLI_STEP);
    if (!g)
        return NULL;
    ir_id x = ir_input(g, "in", 1, &n->e->inputs);
    learn_describe_in(g, n->e);
    ir_at(g, "network");
    x = ir_binary(g, MLI_SUB, x, ir_const1(g, n->e->inputs, n->in_middle));
    for (uint32_t k = 0; k < n->layers; k++) {
        x = linear(g, n, k, x);
        if (k + 1 < n->layers)
            x = ir_unary(g, MLI_TANH, 0.0f, 0.0f, x);
    }
    if (n->classes)
        x = ir_softmax(g, x, 0, 0);
    ir_output(g, "out", x);
    learn_describe_out(g, n->e);
    return g;
}

mlc_status learn_train(const learn_examples *e, const learn_recipe *recipe,
                       learn_report *report, void *user, mlc_image *image,
                       mlc_error *error)
{
    network n;
    mlc_status status;
    memset(image, 0, sizeof *image);
    if (!e->count)
        return mlc_fail(error, MLC_UNSUPPORTED, "there is no example");
    if (recipe->layers > LEARN_LAYERS)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "%u hidden layers (expected at most %u)",
                        recipe->layers, LEARN_LAYERS);
    for (uint32_t i = 0; i < recipe->layers; i++)
        if (!recipe->units[i] || recipe->units[i] > LEARN_UNITS)
            return mlc_fail(error, MLC_UNSUPPORTED,
                            "a layer of %u units (expected 1 to %u)",
                            recipe->units[i], LEARN_UNITS);
    if (weights_of(e, recipe) * e->count > LEARN_MOST_EPOCH)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "%.0f weights and %u examples (expected a product of "
                        "at most %.0f: fewer units)",
                        weights_of(e, recipe), e->count, LEARN_MOST_EPOCH);
    if (make(&n, e, recipe)) {
        take_inputs(&n);
        take_outputs(&n);
        random_weights(&n);
        fit(&n, report, user);
        status = mlc_finish(graph(&n), NULL, image, error);
    } else {
        status = mlc_fail(error, MLC_MEMORY, "no memory");
    }
    forget(&n);
    return status;
}
