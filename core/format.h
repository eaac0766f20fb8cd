/*
 * format.h - the layout of a model file as C structs, and its operators.
 *
 * docs/model-file.md is the description: what each field means, how sections
 * and tensors are ordered, what "timed" is, how matrices are packed, where
 * tensors lie in the arena, and what arena_bound and macs count.
 */
#ifndef MLI_FORMAT_H
#define MLI_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include "functions.h"
#include "mlinfer.h"
#include "weights.h"

/* The tables in comments are set by hand. */
/* clang-format off */

#define MLI_MAGIC "MLINFER" /* with its NUL: 8 bytes */
#define MLI_NONE 0xffffffffu
#define MLI_MAX_OPS 65535u
/* No tensor has more elements (per frame), no dim is larger: products of two
   fit 64 bits with room. */
#define MLI_MAX_ELEMENTS (1u << 28)
#define MLI_MAX_TIMED_ELEMENTS (1u << 24) /* per frame */
#define MLI_MAX_PORTS 1024u               /* inputs; outputs */
#define MLI_MAX_CONCAT 4096u              /* operands */
#define MLI_MAX_HOLD (1u << 24)           /* frames */
#define MLI_MAX_INDEX (1u << 24)          /* elements of an indexed axis */
#define MLI_MAX_POOL (1u << 20)           /* elements in a window */
/* Ticks: no tensor's period is longer, nor is the least common multiple of all
   periods; and no signal port's smallest period is over MLI_MAX_FRAME_TICKS. */
#define MLI_MAX_PERIOD (1u << 20)
#define MLI_MAX_FRAME_TICKS 16u

typedef enum mli_section {
    MLI_SEC_STRINGS = 0,  /* UTF-8 texts, each NUL-terminated; byte 0 is NUL */
    MLI_SEC_META = 1,     /* mli_file_meta */
    MLI_SEC_PORTS = 2,    /* mli_file_port: inputs, then outputs */
    MLI_SEC_CHANNELS = 3, /* mli_file_channel, port by port */
    MLI_SEC_TENSORS = 4,  /* mli_file_tensor */
    MLI_SEC_OPS = 5,      /* mli_file_op, in order of execution */
    MLI_SEC_OPERANDS = 6, /* uint32_t tensor indices: an op's inputs, then its
                             outputs, op by op without gaps */
    MLI_SEC_STATES = 7,   /* mli_file_state, op by op without gaps */
    MLI_SEC_DATA = 8,     /* float: constants and initial states; each begins
                             at a multiple of 16 floats */
    MLI_SEC_COUNT = 9
} mli_section;

typedef struct mli_file_section {
    uint32_t offset; /* from the start of the file; multiple of 64 */
    uint32_t bytes;  /* without the padding after it */
} mli_file_section;

typedef struct mli_file_header { /* 192 bytes */
    char magic[8];
    uint32_t version;
    uint32_t file_bytes;      /* multiple of 64 */
    uint32_t crc32;           /* zlib's CRC-32 of the file, this field as 0 */
    uint32_t mode;            /* mli_mode */
    double rate;              /* Hz, 0 = none */
    uint32_t latency;         /* frames */
    uint32_t receptive_field; /* frames, 0 = unbounded */
    uint32_t window;          /* window files, else 0 */
    uint32_t hop;             /* window files: 1..window, else 0 */
    uint64_t parameters;      /* numbers learned, before padding */
    uint64_t macs;            /* multiply-accumulates per frame (stream) or run;
                                 recomputed by open */
    uint32_t inputs;          /* ports */
    uint32_t outputs;
    uint32_t arena;           /* floats; stream: per frame of the tile */
    uint32_t arena_bound;     /* the lower bound, recomputed by tests */
    mli_file_section section[MLI_SEC_COUNT];
    uint32_t spread; /* 0, or: the work of a hop is done in the course of the
                        next; the frames that this adds to the latency (the
                        header's counts them). Window files: the hop. Stream
                        files: the cycle in frames and up to 16 ticks less a
                        frame more, see mli_chunk_frames. Step files: 0 */
    uint32_t reserved[9];
} mli_file_header;

typedef struct mli_file_meta {
    uint32_t key;   /* offset in STRINGS */
    uint32_t value;
} mli_file_meta;

#define MLI_PORT_CLASSES 1u /* flag: channel labels name classes */

typedef struct mli_file_port {
    uint32_t tensor;        /* an arena tensor */
    uint32_t name;
    uint32_t kind;          /* mli_port_kind; outputs: MLI_PORT_SIGNAL */
    uint32_t flags;
    uint32_t frames;        /* window files: signal inputs have the window;
                               outputs 1 or window. else 1 */
    uint32_t channels;      /* frames * channels = elements of the tensor */
    uint32_t first_channel; /* in CHANNELS; channels records */
    uint32_t reserved;
} mli_file_port;

typedef struct mli_file_channel {
    uint32_t label;
    float low, high;
    float initial; /* what the input counts as until a value comes */
} mli_file_channel;

typedef enum mli_region {
    MLI_ARENA = 0,
    MLI_CONSTANT = 1 /* in DATA */
} mli_region;

#define MLI_TIMED 1u /* tensor flag; arena tensors of stream files only */

typedef struct mli_file_tensor { /* 64 bytes */
    uint32_t region; /* mli_region */
    uint32_t flags;
    uint32_t offset; /* floats. Constants: from the start of DATA, multiple of
                        16. Arena, stream files: per frame: the tensor starts
                        at offset * tile; any value. Arena, other files:
                        multiple of 16 */
    uint32_t rank;   /* 0..MLI_MAX_RANK; a packed matrix has rank 1, or 2 if it
                        is stored: rows, products (weights.h) */
    uint32_t dims[MLI_MAX_RANK]; /* >= 1; 0 past the rank */
    uint32_t first;  /* arena: the operator that makes it, MLI_NONE for an
                        input port's. constants: 0 */
    uint32_t last;   /* arena: the last operator that reads it (its maker, if
                        none does); MLI_NONE for an output port's. constants:
                        0 */
    uint32_t period;  /* ticks from frame to frame: timed tensors >= 1, others 0.
                         It gets a frame at the ticks t, counted from the last
                         reset, with t mod period = period - 1 */
    uint32_t storage; /* mli_storage; not MLI_F32 only in the matrices of
                         LINEAR, CONV1D and CONV2D (not depthwise), LSTM, GRU,
                         RNN. MLI_BYTES: the layer computes in integers */
} mli_file_tensor;

/*
 * A state is kept from call to call. It begins as `init` says: init_frames = 0:
 * zeros; 1: every frame is that one; = frames: all of them, oldest first.
 */
typedef struct mli_file_state {
    uint32_t frames;      /* frames of history; 1 for a recurrent state */
    uint32_t width;       /* floats in a frame */
    uint32_t init;        /* floats from the start of DATA, multiple of 16;
                             0 if init_frames is 0 */
    uint32_t init_frames; /* 0, 1 or frames */
} mli_file_state;

/*
 * Operators. Operands in brackets may be missing from the end; p[n] are the
 * params. All numbers are unsigned 32-bit unless said. "Row-wise": over the
 * last axis of every frame and every leading index.
 *
 * type         operands            params, states, meaning
 * LINEAR       x w [b] -> y        p0 inputs, p1 outputs. Row-wise; x's last dim
 *                                  = inputs, y = x's dims with outputs last. w
 *                                  packed (outputs, 1, inputs); b [outputs].
 *                                  Then the function of `fn`.
 * CONV1D       x w [b] -> y        p0 taps, p1 dilation, p2 groups, p3 inputs,
 *                                  p4 outputs (all groups together), p5 step.
 *                                  w packed per group (outputs/groups, taps,
 *                                  inputs/groups); if inputs = outputs =
 *                                  groups > 1 depthwise: (groups, taps, 1).
 *                                  Timed: x has `inputs` elements, step = 1,
 *                                  causal, state: frames = (taps-1)*dilation,
 *                                  width = inputs; none if taps = 1. y is
 *                                  [outputs].
 *                                  Not timed: x [L, inputs], y [M, outputs],
 *                                  M = (L - (taps-1)*dilation - 1)/step + 1: no
 *                                  padding (PAD does that), no state.
 *                                  Then the function of `fn`.
 * LSTM         g u b -> y          p0 units. g: the projected gates, a frame =
 *                                  4 * units4 (units4: units rounded up to 4),
 *                                  in quads (kernels.h), gates i f g o; u
 *                                  packed (4*units4, 1, units), b [4*units4];
 *                                  y [units]. states: h (1 x units), c (1 x
 *                                  units4). Not timed: g [L, 4*units4], y [L,
 *                                  units]. p2, timed only: for so many first
 *                                  frames after a reset y is 0 and the states
 *                                  stay as they are; if not 0, one state more:
 *                                  that count, as HOLD has. p3: 1 = in window
 *                                  files the states go on from run to run. p2
 *                                  and p3 are GRU's and RNN's as well.
 * GRU          g u b -> y          p0 units, p1: 1 = linear before reset, one
 *                                  matrix u (3*units4, 1, units), b
 *                                  [3*units4], gates r z n. state: h.
 *              g u b un bn -> y    p1 = 0: u (2*units4, 1, units) quads r z, b
 *                                  [2*units4]; un (units4, 1, units), bn
 *                                  [units4].
 * RNN          g u b -> y          p0 units; u (units4, 1, units), b [units4],
 *                                  fn: TANH, RELU or IDENTITY. state: h.
 * UNARY        x -> y              fn, fp, fq. Same dims.
 * BINARY       a b -> y            p0 mli_binary. Dims broadcast as in ONNX /
 *                                  NumPy; a timed tensor has its time axis in
 *                                  front of all of them. a or b may be a
 *                                  constant.
 * AFFINE       x scale shift -> y  constants scale, shift, both [n]; n = x's last
 *                                  dim, or 1. Then the function of `fn`.
 * SOFTMAX      x -> y              Row-wise. p0: 1 = its logarithm.
 * NORMALIZE    x [scale [shift]]   p0 size, the product of some last dims; p1: 1 =
 *                    -> y          RMS; fp: epsilon. scale, shift [size].
 * REDUCE       x -> y              p0 mli_reduce, p1: how many last dims are
 *                                  reduced (>= 1); p2: 1 = they stay as 1s.
 * CONCAT       x... -> y           p0 axis; 1 to MLI_MAX_CONCAT operands.
 * SLICE        x -> y              p0 axis, p1 start, p2 step (signed, not 0), y's
 *                                  dim gives the count.
 * RESHAPE      x -> y              Same number of elements.
 * TRANSPOSE    x -> y              p[i] (i < rank): the axis of x that becomes
 *                                  axis i of y.
 * EXPAND       x -> y              x broadcast to y's dims. y timed if x is.
 * PAD          x -> y              p0 axis, p1 before, p2 after, fp: the value.
 * DELAY        x -> y              Timed only. p0 frames >= 1. state: frames = p0,
 *                                  width = elements. y is x, p0 frames later.
 * HOLD         x -> y              Timed only. p0 frames >= 1: y is 0 for the
 *                                  first p0 frames after a reset, then x. state:
 *                                  frames 1, width 1 (the count so far).
 * CONV2D       x w [b] -> y        p0 kernel height, p1 width; p2, p3 dilation,
 *                                  p4, p5 step (height, width); p6 groups. x
 *                                  [..., H, W, inputs], y [..., OH, OW,
 *                                  outputs], the same dims in front: so many
 *                                  images. OH = (H - (p0-1)*p2 - 1)/p4 + 1, OW
 *                                  likewise: no padding (PAD does that). w as
 *                                  CONV1D's with p0*p1 taps, row after row; b
 *                                  [outputs]. No state: frame by frame. Then
 *                                  the function of `fn`.
 * POOL         x -> y              p0 mli_reduce: SUM, MAX, MIN or PROD; p1 axis,
 *                                  p2 size (at most MLI_MAX_POOL), p3 step, p4
 *                                  dilation, p5 before, p6 after. Along the
 *                                  axis, L in x, y has M = (L + p5 + p6 -
 *                                  (p2-1)*p4 - 1)/p3 + 1; y[j] is over those of
 *                                  x[j*p3 + k*p4 - p5], k < p2, that there are:
 *                                  0, -inf, inf or 1 if there are none.
 * SELECT       c a b -> y          c != 0 ? a : b (NaN is not 0). Dims broadcast
 *                                  as in BINARY, of all three.
 * GATHER       x i -> y            p0 axis. An index stands for an element of
 *                                  the axis: y has x's dims with i's in place
 *                                  of it. Indices are cut towards 0; negative
 *                                  ones count from the end; then they are held
 *                                  inside the axis, NaN is 0. The axis has at
 *                                  most MLI_MAX_INDEX elements.
 * SCATTER      x i u -> y          p0 mli_scatter. x [n, rest...], u: i's dims,
 *                                  then rest. y is x, where for each index in
 *                                  order u's part replaces x's or is combined
 *                                  with it. Indices as in GATHER.
 * ARG          x -> y              Row-wise: the place of the largest (p0 = 1:
 *                                  smallest) element, the first of equals (p1 =
 *                                  1: the last). NaN loses against numbers. y
 *                                  has x's dims without the last, which is at
 *                                  most MLI_MAX_INDEX.
 * TOPK         x -> y              Row-wise: the p0 largest (p1 = 1: smallest)
 *                                  elements in order, of equals the first ones
 *                                  first, NaN last; p2 = 1: their places. y has
 *                                  p0 as last dim. x's as in ARG.
 * CUMULATE     x -> y              p0 axis: the sum (p1 = 1: product) of all
 *                                  elements up to this one, without it if p2 =
 *                                  1; p3 = 1: from the end on.
 * TREES        x n r b [w] -> y  p0 features, p1 targets, p2 mli_aggregate.
 *                                  Row-wise; x's last dim = features, y = x's
 *                                  dims with targets last. n: nodes, three words
 *                                  each, tree after tree; r: each tree's root,
 *                                  its first node (words, ascending from 0);
 *                                  b [targets] is added to the result; w: words
 *                                  in pairs (target, weight) for leaves of
 *                                  several weights. See mli_tree_node.
 * DISTANCE     x w -> y            p0 inputs, p1 points, p2 mli_distance, fp: the
 *                                  exponent of those that have one, else 0. Row-wise; x's
 *                                  last dim = inputs, y = x's dims with points
 *                                  last: the distance to each point, summed over
 *                                  the inputs in order. w packed (points, 1,
 *                                  inputs). Nothing is gained by expanding a
 *                                  square: near points would lose all digits.
 * COUPLE       x -> y              p0 classes >= 2. Row-wise; x's last dim =
 *                                  classes*(classes-1)/2: for each i < j the
 *                                  probability of i against j, in [1e-7, 1-1e-7]
 *                                  (clamped; NaN counts as a half), in the order
 *                                  01 02 .. 12 ..; y: the probabilities of the
 *                                  classes that agree best with them (Wu, Lin,
 *                                  Weng 2004, second method; at most 100 rounds,
 *                                  as in libsvm).
 * RECALL         -> y              Not in stream files. y is what STORE kept in
 *                                  the run before, any dims. state: frames 1,
 *                                  width = elements; it goes on from run to
 *                                  run, in window files too.
 * STORE        x -> y              p0: the RECALL before it (its number among
 *                                  the operators) whose state x is from now on.
 *                                  y is x.
 * RANDOM       x -> y              y's dims are its own; x only says whether it
 *                                  is timed. p0: 0 = uniform from fp up to fq, 1
 *                                  = normal, mean fp, deviation fq; p1, p2 seed,
 *                                  low and high half. Element e of frame (run) t
 *                                  is number e mod 4 of the Philox4x32-10 block
 *                                  with counter (t mod 2^32, t / 2^32, e / 4, 0)
 *                                  and key (p1, p2); see docs/model-file.md.
 *                                  state: frames 1, width 2: t mod 2^24, t / 2^24.
 *                                  It lives on from run to run in window files,
 *                                  too; a reset starts again.
 * DFT          x w -> y            Row-wise, of length p0. p1: bit 0: inverse (the
 *                                  sign of the exponent is +), bit 1: the longer
 *                                  side is real, bit 2: half of the spectrum, p0/2
 *                                  + 1 bins. fp: the result is multiplied by it.
 *                                  Complex numbers are two floats. x's last dim:
 *                                  p0 * 2; forward and real: p0; inverse and half:
 *                                  (p0/2+1) * 2. y's last dim: p0 * 2; forward and
 *                                  half: (p0/2+1) * 2; inverse and real: p0.
 *                                  Inverse and half: the other bins are the
 *                                  conjugates; it is real as well. w [2*p0]: cos,
 *                                  -sin of 2 pi k/p0.
 * MATMUL       a b -> y            Matrices on the last two dims, leading ones
 *                                  broadcast as in BINARY. p0: 1 = b is transposed;
 *                                  p1 columns N, p2 inner size K. a [.., M, K], b
 *                                  [.., K, N] (transposed: [.., N, K]), y [.., M,
 *                                  N] = fp * a b.
 * REQUANTIZE   x [u] m -> y        Whole numbers times fixed-point factors, in
 *                                  integers; then held in fp .. fq. p0
 *                                  mli_requantize, p1 mli_rounding, p2 left
 *                                  shift (at most 20). x,
 *                                  u and y have the same dims. m: a factor in
 *                                  three floats h, l, s: (65536 h + l) *
 *                                  2^(s - 31), h in 0..32767, l in 0..65535, s
 *                                  in -31..30. Below, [x] is x times m's factor,
 *                                  [x]k times its k-th, rounded:
 *                                    SCALE, x: [x], one factor or one for each
 *                                      element of the last axis;
 *                                    WIDE, x u: [x 2^p2 + u], factors as
 *                                      SCALE has them;
 *                                    ADD, SUB, SQUARED_DIFFERENCE, x u, three
 *                                      factors: a = [x 2^p2]1, b = [u 2^p2]2;
 *                                      [a + b]3, [a - b]3, [(a - b)^2]3;
 *                                    MUL, x u: [x u];
 *                                    LOGISTIC, TANH, x: of [x] as a number of
 *                                      16 bits with p2 bits (at most 6) in
 *                                      front of the point; of the result, all
 *                                      15 lie behind it. See step_fixed.c;
 *                                    TABLE, x: straight lines between m[k] at
 *                                      (k - n/2) 2^p2, held at the ends; m: n
 *                                      whole numbers of halves, below 2^20. The
 *                                      result is rounded: halves up, but down
 *                                      with HALF_AWAY where x < 0.
 *                                  Numbers too large are held inside 32 bits
 *                                  (MLI_ROUND_SHORT: 47) at every step, NaN is
 *                                  0.
 * TO_BYTES     x -> y              Row-wise: signed bytes, four in a word, the
 *                                  first in the lowest; the last word is filled
 *                                  up with 0. x times fp plus fq, a whole number
 *                                  from -127 to 127, rounded (halves to even)
 *                                  and held in these; of NaN any byte. y has
 *                                  the words of x's last dim instead.
 *
 * Layers that compute in integers, that is with a matrix of MLI_BYTES: x is
 * such words (of LINEAR, CONV1D and CONV2D), the products of bytes are summed
 * exactly, each sum is made a float and multiplied by its row's scale, then the
 * bias is added. p still counts inputs, but x has ceil(inputs / groups / 4) *
 * groups words in their place, and so has the state of CONV1D; with more than
 * one group inputs / groups is a multiple of 4. CONV2D: p7 inputs, else 0. A
 * row has at most MLI_MOST_BYTES products. LSTM, GRU and RNN (both matrices of
 * GRU or none): what u (un) multiplies becomes bytes as TO_BYTES does it, with
 * fp as factor and the zero 0; else fp is 0. The zero of x has to be in the
 * bias, and in the initial state.
 *
 * Operators that may write over their first input (same offset, same number of
 * elements, its last use): UNARY, AFFINE, SOFTMAX, NORMALIZE, RESHAPE, HOLD,
 * DELAY, and CONV1D when timed with taps > 1; BINARY over either input of the
 * output's dims and timing; STORE.
 */
typedef enum mli_op_type {
    MLI_OP_LINEAR = 1,
    MLI_OP_CONV1D = 2,
    MLI_OP_LSTM = 3,
    MLI_OP_GRU = 4,
    MLI_OP_RNN = 5,
    MLI_OP_UNARY = 6,
    MLI_OP_BINARY = 7,
    MLI_OP_AFFINE = 8,
    MLI_OP_SOFTMAX = 9,
    MLI_OP_NORMALIZE = 10,
    MLI_OP_REDUCE = 11,
    MLI_OP_CONCAT = 12,
    MLI_OP_SLICE = 13,
    MLI_OP_RESHAPE = 14,
    MLI_OP_TRANSPOSE = 15,
    MLI_OP_EXPAND = 16,
    MLI_OP_PAD = 17,
    MLI_OP_DELAY = 18,
    MLI_OP_HOLD = 19,
    MLI_OP_UNFOLD = 20,
    MLI_OP_DEPTH_TO_TIME = 21,
    MLI_OP_CONV2D = 22,
    MLI_OP_POOL = 23,
    MLI_OP_SELECT = 25,
    MLI_OP_GATHER = 26,
    MLI_OP_SCATTER = 27,
    MLI_OP_ARG = 28,
    MLI_OP_TOPK = 29,
    MLI_OP_CUMULATE = 30,
    MLI_OP_TREES = 33,
    MLI_OP_DISTANCE = 34,
    MLI_OP_COUPLE = 35,
    MLI_OP_RANDOM = 37,
    MLI_OP_DFT = 38,
    MLI_OP_MATMUL = 39,
    MLI_OP_REQUANTIZE = 41,
    MLI_OP_RECALL = 44,
    MLI_OP_STORE = 45,
    MLI_OP_TO_BYTES = 46,
    MLI_OP_COUNT
} mli_op_type;

/* What REQUANTIZE computes. */
typedef enum mli_requantize {
    MLI_REQUANTIZE_SCALE = 0,
    MLI_REQUANTIZE_ADD = 1,
    MLI_REQUANTIZE_SUB = 2,
    MLI_REQUANTIZE_SQUARED_DIFFERENCE = 3,
    MLI_REQUANTIZE_MUL = 4,
    MLI_REQUANTIZE_LOGISTIC = 5,
    MLI_REQUANTIZE_TANH = 6,
    MLI_REQUANTIZE_TABLE = 7,
    MLI_REQUANTIZE_WIDE = 8,
    MLI_REQUANTIZE_COUNT
} mli_requantize;

/*
 * How it rounds x times m 2^(s - 31). TWICE: x 2^s (s > 0), times m 2^-31 to
 * the nearest (halves up), then 2^s (s < 0), halves away from zero. ONCE: to
 * the nearest, halves up. SHORT: m to 15 bits, at most 32767, then as ONCE.
 * HALF_AWAY: to the nearest, halves away from zero.
 */
typedef enum mli_rounding {
    MLI_ROUND_TWICE = 0,
    MLI_ROUND_ONCE = 1,
    MLI_ROUND_SHORT = 2,
    MLI_ROUND_HALF_AWAY = 3,
    MLI_ROUND_COUNT
} mli_rounding;

/* What SCATTER does with an element that is there. */
typedef enum mli_scatter {
    MLI_SCATTER_SET = 0,
    MLI_SCATTER_ADD = 1,
    MLI_SCATTER_MUL = 2,
    MLI_SCATTER_MAX = 3,
    MLI_SCATTER_MIN = 4,
    MLI_SCATTER_COUNT
} mli_scatter;

/* What becomes of the weights that the trees give to one target: their sum,
   mean over all trees, least, greatest. Without a weight: 0. */
typedef enum mli_aggregate {
    MLI_TREES_SUM = 0,
    MLI_TREES_AVERAGE = 1,
    MLI_TREES_MIN = 2,
    MLI_TREES_MAX = 3,
    MLI_AGGREGATE_COUNT
} mli_aggregate;

typedef enum mli_distance {
    MLI_SQUARED_EUCLIDEAN = 0,
    MLI_EUCLIDEAN = 1,
    MLI_MANHATTAN = 2,
    MLI_CHEBYSHEV = 3,
    MLI_MINKOWSKI = 4, /* (sum |x - w|^fp)^(1/fp), fp > 0 */
    MLI_COSINE = 5,    /* 1 - x.w / (|x| |w|) */
    MLI_POWER_SUM = 6, /* sum |x - w|^fp, fp > 0 */
    MLI_DISTANCE_COUNT
} mli_distance;

/*
 * A node of TREES, as three words of a constant. key: bits 28, 29: the kind;
 *   0 branch: bits 0-23 feature; bits 24-27: for which results of comparing the
 *     feature with `value` (not NaN) the node `next` follows (24: less, 25:
 *     equal, 26: greater, 27: the feature is NaN), else the node right after
 *     this one. `next` is greater than the node's own number and in the same
 *     tree, as is the node right after.
 *   1 leaf: gives `value` to target `next`.
 *   2 leaf of bits 0-23 many weights: `next` is the first of them in w. The
 *     leaves share out w in order, none twice and none left; value is 0.
 * So one run visits each node and each weight at most once.
 */
typedef struct mli_tree_node {
    uint32_t key;
    float value;
    uint32_t next;
} mli_tree_node;

#define MLI_TREE_INDEX   0xffffffu
#define MLI_TREE_LESS    (1u << 24)
#define MLI_TREE_EQUAL   (1u << 25)
#define MLI_TREE_GREATER (1u << 26)
#define MLI_TREE_NAN     (1u << 27)
#define MLI_TREE_LEAF    (1u << 28)
#define MLI_TREE_LEAVES  (2u << 28)

typedef struct mli_file_op { /* 64 bytes */
    uint16_t type;
    uint16_t inputs;    /* operands read */
    uint16_t outputs;   /* operands made: 1 */
    uint16_t fn;        /* mli_unary, where the type has one; else 0 */
    float fp, fq;       /* its parameters, or as the type says; else 0 */
    uint32_t operand;   /* first in OPERANDS */
    uint32_t state;     /* first in STATES, MLI_NONE if it has none */
    uint32_t name;      /* in STRINGS: where it came from */
    uint32_t p[8];
    uint32_t reserved;
} mli_file_op;

/*
 * Floats that a tensor of a stream file takes in the arena per tick of the
 * tile. In a chunk of at most T ticks it gets ceil(T/period) frames at most,
 * for T = 16 k no more than k * ceil(16/period): what 16 ticks need, shared out
 * among them and rounded up, is enough for tiles of 16, 32 and 64.
 */
static inline uint64_t mli_tick_floats(uint64_t elements, uint32_t period)
{
    uint32_t frames = period > 1 ? (16u + period - 1u) / period : 16u;
    return (elements * frames + 15u) / 16u;
}

/* May operators of this type write over their k-th input? Which of them do, and
   when, is said above mli_op_type. */
int mli_writes_over(uint32_t type, uint32_t k);

/*
 * zlib's CRC-32 of a model file as its header has it: that field counts as
 * zero. size >= sizeof(mli_file_header).
 */
uint32_t mli_file_crc32(const void *bytes, size_t size);

/*
 * Bytes of the UTF-8 character (RFC 3629) at text, of which `left` bytes, at
 * least 1, may be read; 0 if it is none.
 */
uint32_t mli_utf8_length(const void *text, size_t left);

_Static_assert(sizeof(mli_file_header) == 192, "header layout");
_Static_assert(sizeof(mli_file_tensor) == 64, "tensor layout");
_Static_assert(sizeof(mli_file_op) == 64, "operator layout");
_Static_assert(sizeof(mli_tree_node) == 12, "tree node layout");

#endif
