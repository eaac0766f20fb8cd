/*
 * onnx_macs.c - the multiply-accumulates of the source graph, node by node, to
 * be held against those of what it becomes.
 */
#include <string.h>
#include "onnx_run.h"

/* Products for each element of the result, or of the input. */
typedef struct products {
    const char *op;
    int weights;  /* this input's size by its first dim; -1: the last dim of
                     the first input */
    int of_input; /* for each element of the first input, not of the result */
} products;

static const products known[] = {
    {"Conv", 1, 0},        {"ConvInteger", 1, 0},    {"ConvTranspose", 1, 1},
    {"Gemm", -1, 0},       {"MatMul", -1, 0},        {"MatMulInteger", -1, 0},
    {"QLinearConv", 3, 0}, {"QLinearMatMul", -1, 0}, {"FusedConv", 1, 0},
    {"FusedGemm", -1, 0},  {"FusedMatMul", -1, 0},
};

/* Elements for each frame of the stream's input; all of them elsewhere. */
static double elements(const onnx_run *r, const onnx_value *v)
{
    double n = (double)onnx_elements(v);
    const ir_value *in_time;
    if (!onnx_timed(r, v))
        return n;
    in_time = ir_get(r->g, v->id);
    n /= (double)v->dims[v->time];
    return in_time->down ? n * in_time->up / in_time->down : n;
}

static double inner(const onnx_call *c, const products *p)
{
    const onnx_value *v = c->in[p->weights < 0 ? 0 : p->weights];
    if (!v || v->rank < 1 || v->dims[0] < 1)
        return 0;
    if (p->weights >= 0)
        return (double)(onnx_elements(v) / v->dims[0]);
    if (v->rank > 1 && strcmp(p->op, "MatMul") && onnx_int(c, "transA", 0))
        return (double)v->dims[v->rank - 2];
    return (double)v->dims[v->rank - 1];
}

/* W x and R h, both directions: x is [time, batch, inputs]. */
static double recurrent(const onnx_run *r, const onnx_call *c)
{
    const onnx_value *x = c->in[0], *w = c->in[1], *u = c->in[2];
    if (!x || !w || !u || x->kind != ONNX_RUNS || x->rank < 1)
        return 0;
    return elements(r, x) / (double)x->dims[x->rank - 1] *
           (double)(onnx_elements(w) + onnx_elements(u));
}

double onnx_source_macs(const onnx_run *r, const onnx_call *c)
{
    const char *op = c->node->op;
    const onnx_value *y = c->outputs ? c->out[0] : NULL;
    if (!strcmp(op, "LSTM") || !strcmp(op, "GRU") || !strcmp(op, "RNN"))
        return c->inputs > 2 ? recurrent(r, c) : 0;
    if (!y || y->kind != ONNX_RUNS)
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const products *p = &known[i];
        const onnx_value *of = p->of_input ? c->in[0] : y;
        if (!strcmp(p->op, op) && c->inputs > (p->weights < 0 ? 1 : p->weights))
            return of && of->kind == ONNX_RUNS ? elements(r, of) * inner(c, p)
                                               : 0;
    }
    return 0;
}

/* Their products are not told by a shape or two. */
int onnx_macs_unknown(const onnx_call *c)
{
    static const char *const names[] = {"Attention", "Einsum", "DFT", "STFT"};
    static const char *const fused[] = {"BiasGelu",
                                        "FastGelu",
                                        "FusedConv",
                                        "FusedGemm",
                                        "Gelu",
                                        "FusedMatMul",
                                        "QuickGelu",
                                        "Trilu",
                                        "SkipLayerNormalization",
                                        "SimplifiedLayerNormalization",
                                        "SkipSimplifiedLayerNormalization"};
    if (!strcmp(c->node->domain, "com.microsoft"))
        for (size_t i = 0; i < sizeof fused / sizeof *fused; i++)
            if (!strcmp(fused[i], c->node->op))
                return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], c->node->op))
            return 1;
    return c->node->domain[0] && strcmp(c->node->domain, "ai.onnx");
}
