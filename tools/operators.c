/* see operators.h */
#include "clock.h"
#include "file.h"
#include "operators.h"
#include "verify.h"

static const char *type_name(uint32_t type)
{
    static const char *const names[MLI_OP_COUNT] = {
        [MLI_OP_LINEAR] = "linear",
        [MLI_OP_CONV1D] = "conv1d",
        [MLI_OP_LSTM] = "lstm",
        [MLI_OP_GRU] = "gru",
        [MLI_OP_RNN] = "rnn",
        [MLI_OP_UNARY] = "function",
        [MLI_OP_BINARY] = "binary",
        [MLI_OP_AFFINE] = "affine",
        [MLI_OP_SOFTMAX] = "softmax",
        [MLI_OP_NORMALIZE] = "normalize",
        [MLI_OP_REDUCE] = "reduce",
        [MLI_OP_CONCAT] = "concat",
        [MLI_OP_SLICE] = "slice",
        [MLI_OP_RESHAPE] = "reshape",
        [MLI_OP_TRANSPOSE] = "transpose",
        [MLI_OP_EXPAND] = "expand",
        [MLI_OP_PAD] = "pad",
        [MLI_OP_DELAY] = "delay",
        [MLI_OP_HOLD] = "hold",
        [MLI_OP_UNFOLD] = "unfold",
        [MLI_OP_DEPTH_TO_TIME] = "depth to time",
        [MLI_OP_CONV2D] = "conv2d",
        [MLI_OP_POOL] = "pool",
        [MLI_OP_SELECT] = "select",
        [MLI_OP_GATHER] = "gather",
        [MLI_OP_SCATTER] = "scatter",
        [MLI_OP_ARG] = "arg",
        [MLI_OP_TOPK] = "topk",
        [MLI_OP_CUMULATE] = "cumulate",
        [MLI_OP_TREES] = "trees",
        [MLI_OP_DISTANCE] = "distance",
        [MLI_OP_COUPLE] = "couple",
        [MLI_OP_RANDOM] = "random",
        [MLI_OP_DFT] = "dft",
        [MLI_OP_MATMUL] = "matmul",
        [MLI_OP_REQUANTIZE] = "requantize",
        [MLI_OP_TO_BYTES] = "to bytes",
        [MLI_OP_RECALL] = "recall",
        [MLI_OP_STORE] = "store",
    };
    return names[type] ? names[type] : "operator";
}

/* Functions that cost more than a comparison. */
static int is_dear(uint32_t fn)
{
    switch (fn) {
    case MLI_IDENTITY:
    case MLI_RELU:
    case MLI_LEAKY_RELU:
        return 0;
    default:
        return 1;
    }
}

static uint64_t functions_of(const mli_file *f, const mli_file_op *op)
{
    uint64_t elements = mli_elements(mli_operand(f, op, op->inputs));
    switch (op->type) {
    case MLI_OP_LSTM:
        return 5 * elements;
    case MLI_OP_GRU:
        return 3 * elements;
    case MLI_OP_DFT: /* some 30 products a value */
        return 2 * elements;
    case MLI_OP_SOFTMAX:
    case MLI_OP_RNN:
        return elements;
    default:
        return is_dear(op->fn) ? elements : 0;
    }
}

operator_text operator_of(const void *bytes, uint32_t index)
{
    mli_file f = mli_file_of(bytes);
    const mli_file_op *op = f.ops + index;
    const mli_file_tensor *y = mli_operand(&f, op, op->inputs);
    uint32_t frame = mli_frame_ticks(&f);
    return (operator_text){
        .type = type_name(op->type),
        .name = f.strings + op->name,
        .period = y->period > frame ? y->period / frame : 1,
        .macs = mli_op_macs(op, mli_operand(&f, op, 0),
                            mli_operand(&f, op, op->inputs)),
        .elements = mli_elements(y),
        .functions = functions_of(&f, op),
        .integers = op->inputs > 1 && mli_is_bytes(&f, op),
    };
}
