/*
 * onnx_fused.c - operators of com.microsoft that ONNX Runtime makes of several
 * when it saves a graph that it optimised: layers with their activation, a
 * product with its transposes and scale, GELUs with a bias.
 */
#include <float.h>
#include <string.h>
#include "onnx_run.h"

/* An activation by the name of its operator, and what its numbers are unless
   they are given. */
typedef struct activation {
    const char *name;
    mli_unary fn;
    float p, q;
} activation;

static const activation activations[] = {
    {"Clip", MLI_HARD_TANH, -FLT_MAX, FLT_MAX},
    {"Elu", MLI_ELU, 1.f, 0.f},
    {"HardSigmoid", MLI_HARD_SIGMOID, 0.2f, 0.5f},
    {"HardSwish", MLI_HARD_SWISH, 0.f, 0.f},
    {"LeakyRelu", MLI_LEAKY_RELU, 0.01f, 0.f},
    {"Relu", MLI_RELU, 0.f, 0.f},
    {"Selu", MLI_SELU, 1.67326319217681884765625f, 1.05070102214813232421875f},
    {"Sigmoid", MLI_SIGMOID, 0.f, 0.f},
    {"Softplus", MLI_SOFTPLUS, 0.f, 0.f},
    {"Softsign", MLI_SOFTSIGN, 0.f, 0.f},
    {"Tanh", MLI_TANH, 0.f, 0.f},
    {"ThresholdedRelu", MLI_THRESHOLDED_RELU, 1.f, 0.f},
};

/* The node's activation; one without a name is none. NULL: unknown, reported.
 */
static const activation *activation_of(onnx_run *r, onnx_call *c)
{
    static const activation none = {"", MLI_RELU, 0.f, 0.f};
    const char *name = onnx_string(c, "activation", "");
    if (!*name)
        return &none;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (!strcmp(activations[i].name, name))
            return &activations[i];
    onnx_unsupported(r, c, "activation %.40s", name);
    return NULL;
}

static onnx_value *activated(onnx_run *r, onnx_value *y, const activation *a,
                             float p, float q)
{
    if (!*a->name)
        return y;
    if (a->fn == MLI_HARD_TANH && p == 0.f && q >= FLT_MAX)
        return onnx_unary(r, y, MLI_RELU, 0.f, 0.f);
    return onnx_unary(r, y, a->fn, p, q);
}

/* act(conv(x) + z) */
void onnx_do_fused_conv(onnx_run *r, onnx_call *c, int what)
{
    const activation *a = activation_of(r, c);
    const onnx_attr *given = onnx_attr_of(c, "activation_params");
    onnx_value *z = onnx_input(c, 3), *y;
    float p, q;
    (void)what;
    if (!a ||
        !(y = onnx_through(r, c, "Conv", c->in, c->inputs > 3 ? 3 : c->inputs)))
        return;
    if (z)
        y = onnx_binary(r, c, MLI_ADD, y, onnx_settled(r, z));
    p = given && given->floats_count > 0 ? given->floats[0] : a->p;
    q = given && given->floats_count > 1 ? given->floats[1] : a->q;
    c->out[0] = activated(r, y, a, p, q);
}

/* act(alpha A B + beta C) */
void onnx_do_fused_gemm(onnx_run *r, onnx_call *c, int what)
{
    const activation *a = activation_of(r, c);
    onnx_value *y;
    float p, q;
    (void)what;
    if (!a || !(y = onnx_through(r, c, "Gemm", c->in, c->inputs)))
        return;
    p = onnx_float(c, "activation_alpha",
                   onnx_float(c, "leaky_relu_alpha", a->p));
    q = onnx_float(
        c, a->fn == MLI_SELU ? "activation_gamma" : "activation_beta", a->q);
    c->out[0] = activated(r, y, a, p, q);
}

/* [M, batch..., K] as [batch..., M, K] */
static onnx_value *batch_first(onnx_run *r, onnx_value *v)
{
    int perm[ONNX_MAX_RANK];
    for (int i = 0; i < v->rank; i++)
        perm[i] = i < v->rank - 2 ? i + 1 : i == v->rank - 2 ? 0 : i;
    return onnx_transposed(r, v, perm);
}

/* alpha A B, each transposed where that is asked for. */
void onnx_do_fused_matmul(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *a = c->in[0], *b = c->in[1], *y;
    float alpha = onnx_float(c, "alpha", 1.f);
    int turned = onnx_int(c, "transB", 0) && b->rank > 1;
    (void)what;
    if (onnx_int(c, "transBatchA", 0))
        a = batch_first(r, a);
    if (onnx_int(c, "transBatchB", 0))
        b = batch_first(r, b);
    if (onnx_int(c, "transA", 0) && a->rank > 1)
        a = onnx_swap_last(r, a);
    if (a->kind != ONNX_CONST && b->kind != ONNX_CONST && a->rank > 1 &&
        b->rank > 1) {
        c->out[0] = onnx_product(r, c, a, b, turned, alpha);
        return;
    }
    y = onnx_matmul(r, c, a, turned ? onnx_swap_last(r, b) : b);
    if (alpha != 1.f)
        y = onnx_binary(r, c, MLI_MUL, y, onnx_new_scalar(r, alpha));
    c->out[0] = y;
}

/* x * sigmoid(alpha x) */
void onnx_do_quick_gelu(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_swish(r, c, c->in[0], onnx_float(c, "alpha", 1.702f));
}

/* fn: of x + bias, where there is one. */
void onnx_do_bias_gelu(onnx_run *r, onnx_call *c, int fn)
{
    onnx_value *x = c->in[0], *bias = onnx_input(c, 1);
    if (bias)
        x = onnx_binary(r, c, MLI_ADD, x, bias);
    c->out[0] = onnx_unary(r, x, (mli_unary)fn, 0.f, 0.f);
}
