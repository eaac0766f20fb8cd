/* onnx_ops.c - the operators by name, and the ones that only pass on. */
#include <string.h>
#include "formats.h"
#include "onnx_run.h"

/* Is this a Dropout that drops something? */
static int drops(const onnx_call *c)
{
    float training = 0.f, ratio = 0.5f;
    if (c->inputs < 3 || !c->in[2])
        return 0;
    if (c->in[1])
        onnx_single(c->in[1], &ratio);
    return (!onnx_single(c->in[2], &training) || training != 0.f) &&
           ratio != 0.f;
}

static void do_identity(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = c->in[0];
    if (!strcmp(c->node->op, "Dropout") && drops(c)) {
        onnx_unsupported(r, c, "training");
        return;
    }
    if (c->outputs > 1 && c->node->out[1][0]) { /* Dropout's mask */
        onnx_value *kept = c->in[0];
        c->out[1] = onnx_new_const(r, ONNX_BOOL, kept->rank, kept->dims);
        for (int64_t k = 0; k < onnx_elements(kept); k++)
            c->out[1]->i[k] = 1;
    }
}

static void do_shape(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    int64_t start = onnx_int(c, "start", 0), end = onnx_int(c, "end", v->rank);
    int64_t n;
    (void)what;
    start += start < 0 ? v->rank : 0;
    end += end < 0 ? v->rank : 0;
    start = start < 0 ? 0 : start > v->rank ? v->rank : start;
    end = end < 0 ? 0 : end > v->rank ? v->rank : end;
    n = end > start ? end - start : 0;
    c->out[0] = onnx_new_const(r, ONNX_INT64, 1, &n);
    for (int64_t i = 0; i < n; i++)
        c->out[0]->i[i] = v->dims[start + i];
}

static void do_size(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    c->out[0] = onnx_new_const(r, ONNX_INT64, 0, NULL);
    c->out[0]->i[0] = onnx_elements(c->in[0]);
}

static void do_constant(onnx_run *r, onnx_call *c, int what)
{
    const onnx_attr *a = onnx_attr_of(c, "value");
    int64_t n;
    onnx_value *y = NULL;
    (void)what;
    if (a && a->t) {
        c->out[0] = onnx_from_tensor(r, a->t);
        return;
    }
    if ((a = onnx_attr_of(c, "value_float"))) {
        y = onnx_new_scalar(r, a->f);
    } else if ((a = onnx_attr_of(c, "value_int"))) {
        y = onnx_new_const(r, ONNX_INT64, 0, NULL);
        y->i[0] = a->i;
    } else if ((a = onnx_attr_of(c, "value_floats"))) {
        n = (int64_t)a->floats_count;
        y = onnx_new_const(r, ONNX_FLOAT, 1, &n);
        for (int64_t k = 0; k < n; k++)
            y->f[k] = a->floats[k];
    } else if ((a = onnx_attr_of(c, "value_ints"))) {
        n = (int64_t)a->ints_count;
        y = onnx_new_const(r, ONNX_INT64, 1, &n);
        for (int64_t k = 0; k < n; k++)
            y->i[k] = a->ints[k];
    }
    if (y)
        c->out[0] = y;
    else
        onnx_unsupported(r, c, "a value of another kind");
}

static const onnx_op ops[] = {
    {"Abs", onnx_do_unary, MLI_ABS, 1, 0},
    {"Acos", onnx_do_unary, MLI_ACOS, 1, 0},
    {"Acosh", onnx_do_unary, MLI_ACOSH, 1, 0},
    {"Add", onnx_do_binary, MLI_ADD, 2, 0},
    {"And", onnx_do_compare, MLI_AND, 2, 0},
    {"ArgMax", onnx_do_arg, 0, 1, 0},
    {"ArgMin", onnx_do_arg, 1, 1, 0},
    {"Asin", onnx_do_unary, MLI_ASIN, 1, 0},
    {"Asinh", onnx_do_unary, MLI_ASINH, 1, 0},
    {"Atan", onnx_do_unary, MLI_ATAN, 1, 0},
    {"Atanh", onnx_do_unary, MLI_ATANH, 1, 0},
    {"Attention", onnx_do_attention, 0, 3, 0},
    {"AveragePool", onnx_do_pool, ONNX_POOL_MEAN, 1, 0},
    {"BatchNormalization", onnx_do_batch_norm, 0, 5, 0},
    {"Bernoulli", onnx_do_bernoulli, 0, 1, 0},
    {"BitShift", onnx_do_bit_shift, 0, 2, 0},
    {"BitwiseAnd", onnx_do_bitwise, MLI_BIT_AND, 2, 0},
    {"BitwiseNot", onnx_do_bitwise_not, 0, 1, 0},
    {"BitwiseOr", onnx_do_bitwise, MLI_BIT_OR, 2, 0},
    {"BitwiseXor", onnx_do_bitwise, MLI_BIT_XOR, 2, 0},
    {"BlackmanWindow", onnx_do_signal_window, 2, 1, 0},
    {"Cast", onnx_do_cast, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"CastLike", onnx_do_cast, 0, 2, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Ceil", onnx_do_unary, MLI_CEIL, 1, 0},
    {"Celu", onnx_do_function, MLI_CELU, 1, 0},
    {"Clip", onnx_do_clip, 0, 1, 0},
    {"Compress", onnx_do_compress, 0, 2, 0},
    {"Concat", onnx_do_concat, 0, 1, 0},
    {"ConcatFromSequence", onnx_do_concat_sequence, 0, 1, ONNX_TAKES_SEQUENCES},
    {"Constant", do_constant, 0, 0, 0},
    {"Conv", onnx_do_conv, 0, 2, ONNX_KEEPS_PAD | ONNX_TAKES_RAW},
    {"ConvInteger", onnx_do_conv_integer, 0, 2,
     ONNX_KEEPS_PAD | ONNX_TAKES_RAW},
    {"ConvTranspose", onnx_do_conv_transpose, 0, 2, ONNX_TAKES_RAW},
    {"Cos", onnx_do_unary, MLI_COS, 1, 0},
    {"Cosh", onnx_do_unary, MLI_COSH, 1, 0},
    {"CumProd", onnx_do_cumsum, 1, 2, 0},
    {"CumSum", onnx_do_cumsum, 0, 2, 0},
    {"DFT", onnx_do_dft, 0, 1, 0},
    {"DepthToSpace", onnx_do_depth_to_space, 0, 1, 0},
    {"DequantizeLinear", onnx_do_dequantize, 0, 2,
     ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Det", onnx_do_det, 0, 1, 0},
    {"Div", onnx_do_binary, MLI_DIV, 2, 0},
    {"Dropout", do_identity, 0, 1, ONNX_KEEPS_PAD},
    {"DynamicQuantizeLinear", onnx_do_dynamic_quantize, 0, 1, 0},
    {"Einsum", onnx_do_einsum, 0, 1, 0},
    {"Elu", onnx_do_function, MLI_ELU, 1, 0},
    {"Equal", onnx_do_compare, MLI_EQUAL, 2, 0},
    {"Erf", onnx_do_unary, MLI_ERF, 1, 0},
    {"Exp", onnx_do_unary, MLI_EXP, 1, 0},
    {"Expand", onnx_do_expand, 0, 2, 0},
    {"EyeLike", onnx_do_eye_like, 0, 1, 0},
    {"Flatten", onnx_do_flatten, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Floor", onnx_do_unary, MLI_FLOOR, 1, 0},
    {"GRU", onnx_do_recurrent, ONNX_GRU, 3, ONNX_TAKES_RAW},
    {"Gather", onnx_do_gather, 0, 2, ONNX_KEEPS_PAD},
    {"GatherElements", onnx_do_gather_elements, 0, 2, 0},
    {"GatherND", onnx_do_gather_nd, 0, 2, 0},
    {"Gelu", onnx_do_function, MLI_GELU, 1, 0},
    {"Gemm", onnx_do_gemm, 0, 2, ONNX_TAKES_RAW},
    {"GlobalAveragePool", onnx_do_global_pool, ONNX_POOL_MEAN, 1, 0},
    {"GlobalLpPool", onnx_do_global_pool, ONNX_POOL_NORM, 1, 0},
    {"GlobalMaxPool", onnx_do_global_pool, ONNX_POOL_MAX, 1, 0},
    {"Greater", onnx_do_compare, MLI_LESS | ONNX_SWAPPED, 2, 0},
    {"GreaterOrEqual", onnx_do_compare, MLI_LESS_EQUAL | ONNX_SWAPPED, 2, 0},
    {"GroupNormalization", onnx_do_group_norm, 0, 3, 0},
    {"HammingWindow", onnx_do_signal_window, 1, 1, 0},
    {"HannWindow", onnx_do_signal_window, 0, 1, 0},
    {"HardSigmoid", onnx_do_function, MLI_HARD_SIGMOID, 1, 0},
    {"HardSwish", onnx_do_unary, MLI_HARD_SWISH, 1, 0},
    {"Hardmax", onnx_do_hardmax, 0, 1, 0},
    {"Identity", do_identity, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"If", onnx_do_if, 0, 1, ONNX_INLINED},
    {"InstanceNormalization", onnx_do_instance_norm, 0, 3, 0},
    {"IsInf", onnx_do_is_inf, 0, 1, 0},
    {"IsNaN", onnx_do_is_nan, 0, 1, 0},
    {"LRN", onnx_do_lrn, 0, 1, 0},
    {"LSTM", onnx_do_recurrent, ONNX_LSTM, 3, ONNX_TAKES_RAW},
    {"LayerNormalization", onnx_do_layer_norm, 0, 2, 0},
    {"LeakyRelu", onnx_do_function, MLI_LEAKY_RELU, 1, 0},
    {"Less", onnx_do_compare, MLI_LESS, 2, 0},
    {"LessOrEqual", onnx_do_compare, MLI_LESS_EQUAL, 2, 0},
    {"Log", onnx_do_unary, MLI_LOG, 1, 0},
    {"LogSoftmax", onnx_do_softmax, 1, 1, 0},
    {"Loop", onnx_do_loop, 0, 0, ONNX_INLINED},
    {"LpNormalization", onnx_do_lp_norm, 0, 1, 0},
    {"LpPool", onnx_do_pool, ONNX_POOL_NORM, 1, 0},
    {"MatMul", onnx_do_matmul, 0, 2, ONNX_TAKES_RAW},
    {"MatMulInteger", onnx_do_matmul_integer, 0, 2, ONNX_TAKES_RAW},
    {"Max", onnx_do_many, MLI_MAX, 1, 0},
    {"MaxPool", onnx_do_pool, ONNX_POOL_MAX, 1, 0},
    {"Mean", onnx_do_many, -1, 1, 0},
    {"MeanVarianceNormalization", onnx_do_mvn, 0, 1, 0},
    {"MelWeightMatrix", onnx_do_mel_weights, 0, 5, 0},
    {"Min", onnx_do_many, MLI_MIN, 1, 0},
    {"Mish", onnx_do_unary, MLI_MISH, 1, 0},
    {"Mod", onnx_do_mod, 0, 2, 0},
    {"Mul", onnx_do_binary, MLI_MUL, 2, 0},
    {"Multinomial", onnx_do_multinomial, 0, 1, 0},
    {"Neg", onnx_do_unary, MLI_NEG, 1, 0},
    {"NonZero", onnx_do_non_zero, 0, 1, 0},
    {"Not", onnx_do_not, 0, 1, 0},
    {"OneHot", onnx_do_one_hot, 0, 3, 0},
    {"Or", onnx_do_compare, MLI_OR, 2, 0},
    {"PRelu", onnx_do_prelu, 0, 2, 0},
    {"Pad", onnx_do_pad, 0, 1, ONNX_KEEPS_PAD},
    {"Pow", onnx_do_binary, MLI_POW, 2, 0},
    {"QLinearConv", onnx_do_qlinear_conv, 0, 8,
     ONNX_KEEPS_PAD | ONNX_TAKES_RAW},
    {"QLinearMatMul", onnx_do_qlinear_matmul, 0, 8, ONNX_TAKES_RAW},
    {"QuantizeLinear", onnx_do_quantize, 0, 2, ONNX_KEEPS_PAD},
    {"RMSNormalization", onnx_do_layer_norm, 1, 2, 0},
    {"RNN", onnx_do_recurrent, ONNX_RNN, 3, ONNX_TAKES_RAW},
    {"RandomNormal", onnx_do_random, 1, 0, 0},
    {"RandomNormalLike", onnx_do_random, 1, 1, 0},
    {"RandomUniform", onnx_do_random, 0, 0, 0},
    {"RandomUniformLike", onnx_do_random, 0, 1, 0},
    {"Reciprocal", onnx_do_unary, MLI_RECIPROCAL, 1, 0},
    {"ReduceL1", onnx_do_reduce, MLI_REDUCE_L1, 1, 0},
    {"ReduceL2", onnx_do_reduce, MLI_REDUCE_L2, 1, 0},
    {"ReduceLogSum", onnx_do_reduce, MLI_REDUCE_LOG_SUM, 1, 0},
    {"ReduceLogSumExp", onnx_do_reduce, MLI_REDUCE_LOG_SUM_EXP, 1, 0},
    {"ReduceMax", onnx_do_reduce, MLI_REDUCE_MAX, 1, 0},
    {"ReduceMean", onnx_do_reduce, MLI_REDUCE_MEAN, 1, 0},
    {"ReduceMin", onnx_do_reduce, MLI_REDUCE_MIN, 1, 0},
    {"ReduceProd", onnx_do_reduce, MLI_REDUCE_PROD, 1, 0},
    {"ReduceSum", onnx_do_reduce, MLI_REDUCE_SUM, 1, 0},
    {"ReduceSumSquare", onnx_do_reduce, MLI_REDUCE_SUM_SQUARE, 1, 0},
    {"Relu", onnx_do_unary, MLI_RELU, 1, 0},
    {"Reshape", onnx_do_reshape, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Resize", onnx_do_resize, 0, 1, 0},
    {"ReverseSequence", onnx_do_reverse_sequence, 0, 2, 0},
    {"RotaryEmbedding", onnx_do_rotary, 0, 3, 0},
    {"Round", onnx_do_unary, MLI_ROUND, 1, 0},
    {"STFT", onnx_do_stft, 0, 2, 0},
    {"Scan", onnx_do_scan, 0, 1, ONNX_INLINED},
    {"Scatter", onnx_do_scatter_elements, 0, 3, 0},
    {"ScatterElements", onnx_do_scatter_elements, 0, 3, 0},
    {"ScatterND", onnx_do_scatter_nd, 0, 3, 0},
    {"Selu", onnx_do_function, MLI_SELU, 1, 0},
    {"SequenceAt", onnx_do_sequence_at, 0, 2, ONNX_TAKES_SEQUENCES},
    {"SequenceConstruct", onnx_do_sequence_construct, 0, 1, 0},
    {"SequenceEmpty", onnx_do_sequence_construct, 0, 0, 0},
    {"SequenceErase", onnx_do_sequence_erase, 0, 1, ONNX_TAKES_SEQUENCES},
    {"SequenceInsert", onnx_do_sequence_insert, 0, 2, ONNX_TAKES_SEQUENCES},
    {"SequenceLength", onnx_do_sequence_length, 0, 1, ONNX_TAKES_SEQUENCES},
    {"Shape", do_shape, 0, 1, ONNX_KEEPS_PAD},
    {"Shrink", onnx_do_shrink, 0, 1, 0},
    {"Sigmoid", onnx_do_unary, MLI_SIGMOID, 1, 0},
    {"Sign", onnx_do_unary, MLI_SIGN, 1, 0},
    {"SimplifiedLayerNormalization", onnx_do_layer_norm, 1, 2, 0},
    {"Sin", onnx_do_unary, MLI_SIN, 1, 0},
    {"Sinh", onnx_do_unary, MLI_SINH, 1, 0},
    {"Size", do_size, 0, 1, ONNX_KEEPS_PAD},
    {"Slice", onnx_do_slice, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Softmax", onnx_do_softmax, 0, 1, 0},
    {"Softplus", onnx_do_unary, MLI_SOFTPLUS, 1, 0},
    {"Softsign", onnx_do_unary, MLI_SOFTSIGN, 1, 0},
    {"SpaceToDepth", onnx_do_space_to_depth, 0, 1, 0},
    {"Split", onnx_do_split, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"SplitToSequence", onnx_do_split_sequence, 0, 1, 0},
    {"Sqrt", onnx_do_unary, MLI_SQRT, 1, 0},
    {"Squeeze", onnx_do_squeeze, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Sub", onnx_do_binary, MLI_SUB, 2, 0},
    {"Sum", onnx_do_many, MLI_ADD, 1, 0},
    {"Swish", onnx_do_function, MLI_SILU, 1, 0},
    {"Tan", onnx_do_unary, MLI_TAN, 1, 0},
    {"Tanh", onnx_do_unary, MLI_TANH, 1, 0},
    {"ThresholdedRelu", onnx_do_function, MLI_THRESHOLDED_RELU, 1, 0},
    {"Tile", onnx_do_tile, 0, 2, 0},
    {"TopK", onnx_do_topk, 0, 1, 0},
    {"Transpose", onnx_do_transpose, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Trilu", onnx_do_trilu, 0, 1, 0},
    {"Unsqueeze", onnx_do_unsqueeze, 0, 1, ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"Upsample", onnx_do_upsample, 0, 1, 0},
    {"Where", onnx_do_where, 0, 3, 0},
    {"Xor", onnx_do_compare, MLI_XOR, 2, 0},
    {"com.microsoft.Attention", onnx_do_fused_attention, 0, 2, 0},
    {"com.microsoft.BiasGelu", onnx_do_bias_gelu, MLI_GELU, 2, 0},
    {"com.microsoft.DequantizeLinear", onnx_do_dequantize, 0, 2,
     ONNX_KEEPS_PAD | ONNX_MOVES_RAW},
    {"com.microsoft.DynamicQuantizeLSTM", onnx_do_quantized_lstm, ONNX_LSTM, 3,
     ONNX_TAKES_RAW},
    {"com.microsoft.DynamicQuantizeMatMul", onnx_do_matmul_to_float, 1, 3,
     ONNX_TAKES_RAW},
    {"com.microsoft.FastGelu", onnx_do_bias_gelu, MLI_GELU_TANH, 1, 0},
    {"com.microsoft.FusedConv", onnx_do_fused_conv, 0, 2,
     ONNX_KEEPS_PAD | ONNX_TAKES_RAW},
    {"com.microsoft.FusedGemm", onnx_do_fused_gemm, 0, 2, ONNX_TAKES_RAW},
    {"com.microsoft.FusedMatMul", onnx_do_fused_matmul, 0, 2, ONNX_TAKES_RAW},
    {"com.microsoft.Gelu", onnx_do_function, MLI_GELU, 1, 0},
    {"com.microsoft.MatMulIntegerToFloat", onnx_do_matmul_to_float, 0, 4,
     ONNX_TAKES_RAW},
    {"com.microsoft.MultiHeadAttention", onnx_do_multi_head, 0, 1, 0},
    {"com.microsoft.QGemm", onnx_do_qgemm, 0, 6, ONNX_TAKES_RAW},
    {"com.microsoft.QLinearAdd", onnx_do_qlinear_binary, MLI_ADD, 1, 0},
    {"com.microsoft.QLinearAveragePool", onnx_do_qlinear_unary, 0, 1, 0},
    {"com.microsoft.QLinearConcat", onnx_do_qlinear_concat, 0, 1, 0},
    {"com.microsoft.QLinearGlobalAveragePool", onnx_do_qlinear_unary, 0, 1, 0},
    {"com.microsoft.QLinearLeakyRelu", onnx_do_qlinear_unary, 0, 1, 0},
    {"com.microsoft.QLinearMul", onnx_do_qlinear_binary, MLI_MUL, 1, 0},
    {"com.microsoft.QLinearSigmoid", onnx_do_qlinear_unary, 0, 1, 0},
    {"com.microsoft.QLinearSoftmax", onnx_do_qlinear_unary, 0, 1, 0},
    {"com.microsoft.QuantizeLinear", onnx_do_quantize, 0, 2, ONNX_KEEPS_PAD},
    {"com.microsoft.QuickGelu", onnx_do_quick_gelu, 0, 1, 0},
    {"com.microsoft.SimplifiedLayerNormalization", onnx_do_layer_norm, 1, 2, 0},
    {"com.microsoft.SkipLayerNormalization", onnx_do_skip_norm, 0, 3, 0},
    {"com.microsoft.SkipSimplifiedLayerNormalization", onnx_do_skip_norm, 1, 3,
     0},
    {"com.microsoft.TransposeMatMul", onnx_do_fused_matmul, 0, 2,
     ONNX_TAKES_RAW},
    {"com.microsoft.Trilu", onnx_do_trilu, 0, 1, 0},
};

const onnx_op *onnx_find_op(const char *name)
{
    size_t low = 0, high = sizeof ops / sizeof *ops;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(ops[middle].name, name);
        if (!order)
            return &ops[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

onnx_value *onnx_through(onnx_run *r, onnx_call *c, const char *name,
                         onnx_value **in, int inputs)
{
    const onnx_op *op = onnx_find_op(name);
    onnx_call other = *c;
    onnx_value *out[4] = {0};
    while (inputs && !in[inputs - 1])
        inputs--;
    other.in = onnx_take(r->pool, (size_t)inputs, sizeof *in);
    memcpy(other.in, in, (size_t)inputs * sizeof *in);
    other.inputs = inputs;
    other.out = out;
    other.outputs = 1;
    op->run(r, &other, op->what);
    if (!out[0] || out[0]->kind == ONNX_BROKEN) { /* it was reported */
        for (int i = 0; i < c->outputs; i++)
            c->out[i] = onnx_new(r, ONNX_BROKEN, ONNX_FLOAT, 0, NULL);
        return NULL;
    }
    return out[0];
}

const char *mlc_onnx_operator(size_t i)
{
    return i < sizeof ops / sizeof *ops ? ops[i].name : NULL;
}
