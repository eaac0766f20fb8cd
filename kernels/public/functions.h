/*
 * functions.h - the numbers of the scalar functions that a model file may name.
 *
 * They are written into model files: a number, once given, never changes its
 * meaning. With weights.h this is all of kernels/ that other rooms than core/
 * see.
 */
#ifndef MLI_FUNCTIONS_H
#define MLI_FUNCTIONS_H

/* y = f(x), element by element. p and q are the function's parameters. */
typedef enum mli_unary {
    MLI_IDENTITY = 0,
    MLI_TANH = 1,
    MLI_SIGMOID = 2,
    MLI_RELU = 3,
    MLI_LEAKY_RELU = 4,    /* x < 0 ? p*x : x */
    MLI_ELU = 5,           /* x < 0 ? p*(e^x - 1) : x */
    MLI_SELU = 6,          /* q * (x < 0 ? p*(e^x - 1) : x) */
    MLI_GELU = 7,          /* x/2 * (1 + erf(x/sqrt 2)) */
    MLI_GELU_TANH = 8,     /* x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3))) */
    MLI_SILU = 9,          /* x * sigmoid(x) */
    MLI_SOFTPLUS = 10,     /* log(1 + e^x) */
    MLI_SOFTSIGN = 11,     /* x / (1 + |x|) */
    MLI_HARD_TANH = 12,    /* min(max(x, p), q); also Clip, ReLU6 */
    MLI_HARD_SIGMOID = 13, /* min(max(p*x + q, 0), 1) */
    MLI_HARD_SWISH = 14,   /* x * min(max(x/6 + 1/2, 0), 1) */
    MLI_SIN = 15,
    MLI_COS = 16,
    MLI_EXP = 17,
    MLI_LOG = 18,
    MLI_SQRT = 19,
    MLI_ABS = 20,
    MLI_NEG = 21,
    MLI_RECIPROCAL = 22,
    MLI_ERF = 23,
    MLI_SIGN = 24,
    MLI_FLOOR = 25,
    MLI_CEIL = 26,
    MLI_ROUND = 27,           /* halves to even */
    MLI_LEAKY_HARD_TANH = 28, /* x < -1 ? (x+1)*p - 1 : x > 1 ? (x-1)*q + 1 : x;
                                 other limits by scaling around it */
    MLI_FAST_TANH = 29, /* NAM's rational approximation, as an own function */
    MLI_CELU = 30,      /* max(0,x) + min(0, p*(e^(x/p) - 1)) */
    MLI_THRESHOLDED_RELU = 31, /* x > p ? x : 0 */
    MLI_MISH = 32,             /* x * tanh(softplus(x)) */
    MLI_TRUNC = 33,            /* towards 0 */
    MLI_NOT = 34,              /* x == 0: 1, else 0; NaN gives 0 */
    MLI_IS_NAN = 35,           /* 1 or 0 */
    MLI_IS_INF = 36,           /* 1 or 0; p > 0: only +infinity, p < 0: only
                                  -infinity */
    MLI_TAN = 37,
    MLI_ASIN = 38,
    MLI_ACOS = 39,
    MLI_ATAN = 40,
    MLI_SINH = 41,
    MLI_COSH = 42,
    MLI_ASINH = 43,
    MLI_ACOSH = 44,
    MLI_ATANH = 45,
    MLI_ROUND_AWAY = 46, /* halves away from 0, then min(max(y, p), q):
                            a quantised layer's output stage */
    MLI_UNARY_COUNT
} mli_unary;

/*
 * y = f(a, b), element by element, with broadcasting. Truths are 1 and 0, what
 * is not 0 counts as true; a comparison with NaN is 0.
 */
typedef enum mli_binary {
    MLI_ADD = 0,
    MLI_SUB = 1,
    MLI_MUL = 2,
    MLI_DIV = 3,
    MLI_MIN = 4,
    MLI_MAX = 5,
    MLI_POW = 6,        /* a^b as IEEE pow; exact for b = 0, 1, 2 */
    MLI_PRELU = 7,      /* a < 0 ? a*b : a */
    MLI_LESS = 8,       /* a < b */
    MLI_LESS_EQUAL = 9, /* a <= b */
    MLI_EQUAL = 10,     /* a == b */
    MLI_AND = 11,
    MLI_OR = 12,
    MLI_XOR = 13,
    MLI_MOD = 14,       /* the rest of a/b with the sign of b; exact where
                           a float can hold it */
    MLI_FMOD = 15,      /* the same with the sign of a: C's fmod, exact */
    MLI_TRUNC_DIV = 16, /* a/b, towards 0: exact for whole numbers up to
                           2^24 */
    MLI_BIT_AND = 17,   /* of whole numbers, as in two's complement; a */
    MLI_BIT_OR = 18,    /* and b are cut towards 0 and to 32 bits, NaN */
    MLI_BIT_XOR = 19,   /* counts as 0 */
    MLI_BINARY_COUNT
} mli_binary;

/* y = f over a row of values. */
typedef enum mli_reduce {
    MLI_REDUCE_SUM = 0,
    MLI_REDUCE_MEAN = 1,
    MLI_REDUCE_MAX = 2,
    MLI_REDUCE_MIN = 3,
    MLI_REDUCE_PROD = 4,
    MLI_REDUCE_L1 = 5,
    MLI_REDUCE_L2 = 6,
    MLI_REDUCE_SUM_SQUARE = 7,
    MLI_REDUCE_LOG_SUM = 8,
    MLI_REDUCE_LOG_SUM_EXP = 9,
    MLI_REDUCE_COUNT
} mli_reduce;

#endif
