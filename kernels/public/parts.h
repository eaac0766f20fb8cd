/*
 * parts.h - operators and functions by name, and which of them a build has.
 *
 * All, but where MLI_SOME is defined: then those NAMEs for which
 * MLI_WITH_NAME is 1, as `make OPS="NAME ..."` does it. What is left out takes
 * no room; mli_open refuses a model that needs it.
 *
 * MLI_SMALL: plain C kernels for few bytes more than for speed. Tensors never
 * lie in planes.
 */
#ifndef MLI_PARTS_H
#define MLI_PARTS_H

/* clang-format off */
#define MLI_OPERATORS(X)                                                       \
    X(LINEAR) X(CONV1D) X(LSTM) X(GRU) X(RNN) X(UNARY) X(BINARY) X(AFFINE)     \
    X(SOFTMAX) X(NORMALIZE) X(REDUCE) X(CONCAT) X(SLICE) X(RESHAPE)            \
    X(TRANSPOSE) X(EXPAND) X(PAD) X(DELAY) X(HOLD) X(UNFOLD)                   \
    X(DEPTH_TO_TIME) X(CONV2D) X(POOL) X(SELECT) X(GATHER) X(SCATTER) X(ARG)   \
    X(TOPK) X(CUMULATE) X(TREES) X(DISTANCE) X(COUPLE) X(RANDOM) X(DFT)        \
    X(MATMUL) X(REQUANTIZE) X(RECALL) X(STORE) X(TO_BYTES)

/* of mli_unary, but IDENTITY, which is always there */
#define MLI_FUNCTIONS(X)                                                       \
    X(TANH) X(SIGMOID) X(RELU) X(LEAKY_RELU) X(ELU) X(SELU) X(GELU)            \
    X(GELU_TANH) X(SILU) X(SOFTPLUS) X(SOFTSIGN) X(HARD_TANH)                  \
    X(HARD_SIGMOID) X(HARD_SWISH) X(SIN) X(COS) X(EXP) X(LOG) X(SQRT) X(ABS)   \
    X(NEG) X(RECIPROCAL) X(ERF) X(SIGN) X(FLOOR) X(CEIL) X(ROUND)              \
    X(LEAKY_HARD_TANH) X(FAST_TANH) X(CELU) X(THRESHOLDED_RELU) X(MISH)        \
    X(TRUNC) X(NOT) X(IS_NAN) X(IS_INF) X(TAN) X(ASIN) X(ACOS) X(ATAN)         \
    X(SINH) X(COSH) X(ASINH) X(ACOSH) X(ATANH) X(ROUND_AWAY)

/* of mli_binary */
#define MLI_ARITHMETIC(X)                                                      \
    X(ADD) X(SUB) X(MUL) X(DIV) X(MIN) X(MAX) X(POW) X(PRELU) X(LESS)          \
    X(LESS_EQUAL) X(EQUAL) X(AND) X(OR) X(XOR) X(MOD) X(FMOD) X(TRUNC_DIV)     \
    X(BIT_AND) X(BIT_OR) X(BIT_XOR)

/* What a file may have beside these: weights in fewer bits than floats, the
   work of a hop spread over the next. */
#define MLI_FEATURES(X) X(STORED) X(SPREAD)
/* clang-format on */

/* MLI_HAS(TANH): a constant, 1 or 0. */
#ifdef MLI_SOME
/* operators that are made of these */
#if MLI_WITH_POOL || MLI_WITH_SCATTER
#define MLI_WITH_ADD 1
#define MLI_WITH_MUL 1
#define MLI_WITH_MIN 1
#define MLI_WITH_MAX 1
#endif
#if MLI_WITH_RNN && MLI_WITH_STORED
#define MLI_WITH_ADD 1
#endif
#if MLI_WITH_DISTANCE
#define MLI_WITH_POW  1
#define MLI_WITH_SQRT 1
#endif
#define MLI_COMMA_1                    0,
#define MLI_SECOND(first, second, ...) second
#define MLI_IS_ONE_AFTER(comma)        MLI_SECOND(comma 1, 0, 0)
#define MLI_IS_ONE_(value)             MLI_IS_ONE_AFTER(MLI_COMMA_##value)
#define MLI_IS_ONE(value)              MLI_IS_ONE_(value)
#define MLI_HAS(name)                  MLI_IS_ONE(MLI_WITH_##name)
#else
#define MLI_HAS(name) 1
#endif

/* What is only there with its part; else NULL. */
#define MLI_IF(name, what) (MLI_HAS(name) ? (what) : NULL)

#ifdef MLI_SMALL
#define MLI_PLANES 0
#define MLI_DENSE  0 /* one frame of a dense layer by itself */
#else
#define MLI_PLANES 1
#define MLI_DENSE  1
#endif

#endif
