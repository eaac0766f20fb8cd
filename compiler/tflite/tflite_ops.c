/* tflite_ops.c - the operators by the schema's numbers, and small ones. */
#include "formats.h"
#include "ir_build.h"
#include "tflite_run.h"

static void do_arg(tfl_run *r, tfl_call *c, int smallest)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *axis = tfl_ints(r, c->in[1], &count);
    ir_id x = tfl_id(r, v);

    if (!axis || count != 1) {
        tfl_unsupported(r, c, "a computed axis");
        return;
    }
    tfl_put_whole(r, c, 0,
                  ir_arg(r->g, x, (uint32_t)tfl_axis(r, c, axis[0], v->rank),
                         smallest, 0));
}

static void do_top_k(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *k = tfl_ints(r, c->in[1], &count);
    ir_id x = tfl_id(r, v);

    (void)what;
    if (!k || count != 1) {
        tfl_unsupported(r, c, "a computed number");
        return;
    }
    if (v->rank == 0 || k[0] < 1 || k[0] > v->dims[v->rank - 1])
        tfl_bad(r, c, "the first %lld of an axis", (long long)k[0]);
    for (int i = 0; i < 2; i++) {
        ir_id y = ir_topk(r->g, x, v->rank - 1, (uint32_t)k[0], 0, i);
        if (i)
            tfl_put_whole(r, c, i, y);
        else
            tfl_put_like(r, c, i, y, v);
    }
}

static void do_cumsum(tfl_run *r, tfl_call *c, int what)
{
    tfl_value *v = c->in[0];
    uint32_t count;
    const int64_t *axis = tfl_ints(r, c->in[1], &count);

    (void)what;
    if (!axis || count != 1) {
        tfl_unsupported(r, c, "a computed axis");
        return;
    }
    tfl_put(r, c, 0,
            ir_cumulate(r->g, tfl_real(r, v),
                        (uint32_t)tfl_axis(r, c, axis[0], v->rank), 0,
                        tfl_option(c, 0, 0), tfl_option(c, 1, 0)));
}

/* a - floor(a/b) * b and floor(a/b) are of real or whole numbers alike */
static void do_floor_div(tfl_run *r, tfl_call *c, int what)
{
    ir_id a = tfl_real(r, c->in[0]), y;

    (void)what;
    y = ir_binary(r->g, MLI_DIV, a, tfl_real(r, c->in[1]));
    tfl_put(r, c, 0, ir_unary(r->g, MLI_FLOOR, 0.f, 0.f, y));
}

/* In the order of the schema's names. */
static const tfl_op ops[] = {
    {"ABS", 101, tfl_do_unary, MLI_ABS, 1},
    {"ADD", 0, tfl_do_binary, MLI_ADD, 2},
    {"ADD_N", 106, tfl_do_add_n, 0, 1},
    {"ARG_MAX", 56, do_arg, 0, 2},
    {"ARG_MIN", 79, do_arg, 1, 2},
    {"ASSIGN_VARIABLE", 144, tfl_do_assign_variable, 0, 2},
    {"AVERAGE_POOL_2D", 1, tfl_do_pool, 1, 1},
    {"BATCH_MATMUL", 126, tfl_do_batch_matmul, 0, 2},
    {"BATCH_TO_SPACE_ND", 37, tfl_do_space_to_batch, 1, 3},
    {"BIDIRECTIONAL_SEQUENCE_LSTM", 52, tfl_do_lstm, 1, 1},
    {"BROADCAST_TO", 130, tfl_do_broadcast_to, 0, 2},
    {"CALL_ONCE", 129, tfl_do_call_once, 0, 0},
    {"CAST", 53, tfl_do_cast, 0, 1},
    {"CEIL", 104, tfl_do_unary, MLI_CEIL, 1},
    {"COMPLEX_ABS", 135, tfl_do_complex_part, 2, 1},
    {"CONCATENATION", 2, tfl_do_concatenation, 0, 1},
    {"CONV_2D", 3, tfl_do_conv, 0, 2},
    {"COS", 108, tfl_do_unary, MLI_COS, 1},
    {"CUMSUM", 128, do_cumsum, 0, 2},
    {"DEPTHWISE_CONV_2D", 4, tfl_do_conv, 1, 2},
    {"DEPTH_TO_SPACE", 5, tfl_do_depth_to_space, 0, 1},
    {"DEQUANTIZE", 6, tfl_do_requantize, 0, 1},
    {"DIV", 42, tfl_do_binary, MLI_DIV, 2},
    {"DYNAMIC_UPDATE_SLICE", 151, tfl_do_update_slice, 0, 3},
    {"ELU", 111, tfl_do_unary, MLI_ELU, 1},
    {"EMBEDDING_LOOKUP", 7, tfl_do_embedding, 0, 2},
    {"EQUAL", 71, tfl_do_compare, 0, 2},
    {"EXP", 47, tfl_do_unary, MLI_EXP, 1},
    {"EXPAND_DIMS", 70, tfl_do_reshape, 2, 2},
    {"FILL", 94, tfl_do_fill, 0, 2},
    {"FLOOR", 8, tfl_do_unary, MLI_FLOOR, 1},
    {"FLOOR_DIV", 90, do_floor_div, 0, 2},
    {"FLOOR_MOD", 95, tfl_do_binary, MLI_MOD, 2},
    {"FULLY_CONNECTED", 9, tfl_do_dense, 0, 2},
    {"GATHER", 36, tfl_do_gather, 0, 2},
    {"GATHER_ND", 107, tfl_do_gather_nd, 0, 2},
    {"GELU", 150, tfl_do_gelu, 0, 1},
    {"GREATER", 61, tfl_do_compare, 4, 2},
    {"GREATER_EQUAL", 62, tfl_do_compare, 5, 2},
    {"HARD_SWISH", 117, tfl_do_unary, MLI_HARD_SWISH, 1},
    {"IF", 118, tfl_do_if, 0, 1},
    {"IMAG", 133, tfl_do_complex_part, 1, 1},
    {"L2_NORMALIZATION", 11, tfl_do_l2_normalization, 0, 1},
    {"L2_POOL_2D", 12, tfl_do_pool, 2, 1},
    {"LEAKY_RELU", 98, tfl_do_leaky_relu, 0, 1},
    {"LESS", 58, tfl_do_compare, 2, 2},
    {"LESS_EQUAL", 63, tfl_do_compare, 3, 2},
    {"LOG", 73, tfl_do_unary, MLI_LOG, 1},
    {"LOGICAL_AND", 86, tfl_do_binary, MLI_AND, 2},
    {"LOGICAL_NOT", 87, tfl_do_unary, MLI_NOT, 1},
    {"LOGICAL_OR", 84, tfl_do_binary, MLI_OR, 2},
    {"LOGISTIC", 14, tfl_do_unary, MLI_SIGMOID, 1},
    {"LOG_SOFTMAX", 50, tfl_do_softmax, 1, 1},
    {"MAXIMUM", 55, tfl_do_binary, MLI_MAX, 2},
    {"MAX_POOL_2D", 17, tfl_do_pool, 0, 1},
    {"MEAN", 40, tfl_do_reduce, MLI_REDUCE_MEAN, 2},
    {"MINIMUM", 57, tfl_do_binary, MLI_MIN, 2},
    {"MIRROR_PAD", 100, tfl_do_mirror_pad, 0, 2},
    {"MUL", 18, tfl_do_binary, MLI_MUL, 2},
    {"NEG", 59, tfl_do_unary, MLI_NEG, 1},
    {"NOT_EQUAL", 72, tfl_do_compare, 1, 2},
    {"ONE_HOT", 85, tfl_do_one_hot, 0, 4},
    {"PACK", 83, tfl_do_pack, 0, 1},
    {"PAD", 34, tfl_do_pad, 0, 2},
    {"PADV2", 60, tfl_do_pad, 0, 3},
    {"POW", 78, tfl_do_binary, MLI_POW, 2},
    {"PRELU", 54, tfl_do_binary, MLI_PRELU, 2},
    {"QUANTIZE", 114, tfl_do_requantize, 0, 1},
    {"RANGE", 96, tfl_do_range, 0, 3},
    {"RANK", 110, tfl_do_shape, 1, 1},
    {"READ_VARIABLE", 143, tfl_do_read_variable, 0, 1},
    {"REAL", 134, tfl_do_complex_part, 0, 1},
    {"REDUCE_ALL", 140, tfl_do_reduce, MLI_REDUCE_MIN, 2},
    {"REDUCE_ANY", 91, tfl_do_reduce, MLI_REDUCE_MAX, 2},
    {"REDUCE_MAX", 82, tfl_do_reduce, MLI_REDUCE_MAX, 2},
    {"REDUCE_MIN", 89, tfl_do_reduce, MLI_REDUCE_MIN, 2},
    {"REDUCE_PROD", 81, tfl_do_reduce, MLI_REDUCE_PROD, 2},
    {"RELU", 19, tfl_do_relu, TFL_ACT_RELU, 1},
    {"RELU6", 21, tfl_do_relu, TFL_ACT_RELU6, 1},
    {"RELU_N1_TO_1", 20, tfl_do_relu, TFL_ACT_RELU_N1_TO_1, 1},
    {"RESHAPE", 22, tfl_do_reshape, 0, 1},
    {"RESIZE_BILINEAR", 23, tfl_do_resize, 0, 2},
    {"RESIZE_NEAREST_NEIGHBOR", 97, tfl_do_resize, 1, 2},
    {"REVERSE_V2", 105, tfl_do_reverse, 0, 2},
    {"RFFT2D", 131, tfl_do_rfft, 0, 2},
    {"RNN", 24, tfl_do_rnn, 0, 4},
    {"ROUND", 116, tfl_do_unary, MLI_ROUND, 1},
    {"RSQRT", 76, tfl_do_rsqrt, 0, 1},
    {"SELECT", 64, tfl_do_select, 0, 3},
    {"SELECT_V2", 123, tfl_do_select, 0, 3},
    {"SHAPE", 77, tfl_do_shape, 0, 1},
    {"SIGN", 158, tfl_do_unary, MLI_SIGN, 1},
    {"SIN", 66, tfl_do_unary, MLI_SIN, 1},
    {"SLICE", 65, tfl_do_slice, 0, 3},
    {"SOFTMAX", 25, tfl_do_softmax, 0, 1},
    {"SPACE_TO_BATCH_ND", 38, tfl_do_space_to_batch, 0, 3},
    {"SPACE_TO_DEPTH", 26, tfl_do_depth_to_space, 1, 1},
    {"SPLIT", 49, tfl_do_split, 0, 2},
    {"SPLIT_V", 102, tfl_do_split, 1, 3},
    {"SQRT", 75, tfl_do_unary, MLI_SQRT, 1},
    {"SQUARE", 92, tfl_do_square, 0, 1},
    {"SQUARED_DIFFERENCE", 99, tfl_do_squared_difference, 0, 2},
    {"SQUEEZE", 43, tfl_do_reshape, 1, 1},
    {"STRIDED_SLICE", 45, tfl_do_strided_slice, 0, 4},
    {"SUB", 41, tfl_do_binary, MLI_SUB, 2},
    {"SUM", 74, tfl_do_reduce, MLI_REDUCE_SUM, 2},
    {"SVDF", 27, tfl_do_svdf, 0, 3},
    {"TANH", 28, tfl_do_unary, MLI_TANH, 1},
    {"TILE", 69, tfl_do_tile, 0, 2},
    {"TOPK_V2", 48, do_top_k, 0, 2},
    {"TRANSPOSE", 39, tfl_do_transpose, 0, 2},
    {"TRANSPOSE_CONV", 67, tfl_do_transpose_conv, 0, 3},
    {"UNIDIRECTIONAL_SEQUENCE_LSTM", 44, tfl_do_lstm, 0, 1},
    {"UNIDIRECTIONAL_SEQUENCE_RNN", 35, tfl_do_rnn, 1, 4},
    {"UNPACK", 88, tfl_do_unpack, 0, 1},
    {"VAR_HANDLE", 142, tfl_do_var_handle, 0, 0},
    {"WHERE", 109, tfl_do_where, 0, 1},
    {"WHILE", 119, tfl_do_while, 0, 1},
    {"ZEROS_LIKE", 93, tfl_do_fill, 1, 1},
};

const tfl_op *tfl_find_op(int code)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i].code == code)
            return &ops[i];
    return NULL;
}

/* Those that we do not take, for messages. */
const char *tfl_op_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } others[] = {
        {10, "HASHTABLE_LOOKUP"},
        {13, "LOCAL_RESPONSE_NORMALIZATION"},
        {16, "LSTM"},
        {32, "CUSTOM"},
        {46, "BIDIRECTIONAL_SEQUENCE_RNN"},
        {120, "NON_MAX_SUPPRESSION_V4"},
        {112, "REVERSE_SEQUENCE"},
        {122, "SCATTER_ND"},
        {124, "DENSIFY"},
        {132, "CONV_3D"},
        {156, "ATAN2"},
    };
    const tfl_op *op = tfl_find_op(code);

    for (size_t i = 0; !op && i < sizeof others / sizeof *others; i++)
        if (others[i].code == code)
            return others[i].name;
    return op ? op->name : "operator";
}

int tfl_takes_complex(int code)
{
    static const int codes[] = {22, 43, 70, 133, 134, 135}; /* shapes, parts */

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return 1;
    return 0;
}

const char *mlc_tflite_operator(size_t i)
{
    return i < sizeof ops / sizeof *ops ? ops[i].name : NULL;
}
