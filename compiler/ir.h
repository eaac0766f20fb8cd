/*
 * ir.h - the graph between importers and passes: the runtime's operators with
 * plain, unpacked weights.
 *
 * An importer makes a graph with ir_new, declares the inputs, builds the
 * operators from the sources on, names the outputs, and hands it to
 * mlc_finish (compiler.h). Values are numbered in the order of their making;
 * every builder derives the shape of its result and returns the value's
 * number, or IR_NONE after an error, which is kept in the graph (the first one
 * stays). Passing IR_NONE for an operand gives IR_NONE, so an importer may
 * build on and look once.
 *
 * Shapes are those of format.h: in a stream graph timed values have their time
 * axis in front, outside of dims. They have rates: an input's is 1/1, ir_unfold
 * and ir_depth_to_time change it, every other builder refuses timed operands of
 * different rates and hands theirs on. frames, dilation and the like count
 * frames of the operand's own rate.
 */
#ifndef MLC_IR_H
#define MLC_IR_H

#include <stddef.h>
#include <stdint.h>
#include "format.h"
#include "weights.h"

#define IR_NONE (-1)

typedef int ir_id; /* a value, or IR_NONE */

/* How the writer lays out a constant. */
typedef enum ir_role {
    IR_PLAIN = 0,
    IR_PACKED = 1 /* already in the one weight order (rank 1) */
} ir_role;

typedef struct ir_value {
    char *name; /* owned, may be NULL */
    int constant;
    int timed;
    uint32_t up, down; /* timed: up/down frames come for each frame of the
                          stream's input, in lowest terms; else 0 */
    uint32_t rank;
    uint32_t dims[MLI_MAX_RANK];
    uint64_t elements; /* product of dims */
    float *data;       /* owned; constants only */
    ir_role role;
    mli_storage storage; /* a packed constant's; not MLI_F32: dims are rows,
                            products, and data is as the file has it */
    int node;            /* the node that makes it, -1: input or constant */
#define IR_GONE (-2)     /* or a node that is no more: nobody reads it */
} ir_value;

typedef struct ir_state {
    uint32_t frames, width;
    float *init; /* owned; init_frames * width floats */
    uint32_t init_frames;
} ir_state;

typedef struct ir_node {
    mli_op_type type;
    char *name; /* owned: the source's node or layer */
    int dead;   /* removed by a pass */
    ir_id *in;  /* owned */
    uint32_t inputs;
    ir_id out;
    mli_unary fn;
    float fp, fq;
    uint32_t p[8];
    ir_state states[3];
    uint32_t state_count;
} ir_node;

typedef struct ir_channel {
    char *label; /* owned, may be NULL */
    float low, high, initial;
} ir_channel;

typedef struct ir_port {
    char *name; /* owned */
    ir_id value;
    mli_port_kind kind;
    int classes;
    uint32_t frames;        /* 1, or a window's */
    ir_channel *channels;   /* owned; NULL: no labels */
    uint32_t channel_count; /* elements / frames */
} ir_port;

typedef struct ir_meta {
    char *key, *value; /* owned */
} ir_meta;

typedef struct ir_graph {
    mli_mode mode;
    double rate;
    uint32_t latency;
    uint32_t window, hop;
    uint32_t spread;     /* frames that mlc_finish adds to the latency */
    uint64_t parameters; /* the importer counts what the source learned; 0:
                            mlc_finish counts the constants */
    double source_macs;  /* multiply-accumulates of the source, for each frame
                            of the input or a run; <= 0: those of this graph
                            before the passes */
    int unfused;         /* for comparison: passes keep off */
    uint32_t prewarm;    /* frames of silence whose end is the initial state */
    ir_value *values;
    uint32_t value_count, value_room;
    ir_node *nodes;
    uint32_t node_count, node_room;
    ir_port *inputs, *outputs;
    uint32_t input_count, output_count;
    ir_port *port; /* the one made last: borrowed, for ir_channel_info */
    ir_meta *meta;
    uint32_t meta_count;
    char *notes;       /* owned: lines for the report, NULL while empty */
    const char *where; /* borrowed: named in errors and given to new nodes;
                          set with ir_at */
    char error[512];   /* the first error; "" while there is none */
    int out_of_memory;
    uint64_t float_bytes; /* taken for constants, freed ones too */
    int halves;     /* float weights come from 16 bits: they are stored so */
    double folding; /* nanoseconds that passes spent on constants, about */
} ir_graph;

ir_graph *ir_new(mli_mode mode); /* NULL without memory */
void ir_free(ir_graph *g);       /* NULL is fine */

/* The source node or layer that the next builders stand for. Borrowed until
   the next call. */
void ir_at(ir_graph *g, const char *where);
/* A line for the report: what the importer found and why it chose so. */
void ir_note(ir_graph *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Keep an error (the first one stays), prefixed with the place. */
void ir_fail(ir_graph *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------ ports and meta ---- */

/* A signal input: timed in stream graphs. dims: per frame there; in window
   graphs the window is the first of them. */
ir_id ir_input(ir_graph *g, const char *name, uint32_t rank,
               const uint32_t *dims);
/* An input that is slower or faster than those at 1/1. Before it is used. */
void ir_set_rate(ir_graph *g, ir_id input, uint32_t up, uint32_t down);
/* A control input: never timed. In step graphs it is a signal input. */
ir_id ir_control(ir_graph *g, const char *name, uint32_t rank,
                 const uint32_t *dims);
void ir_output(ir_graph *g, const char *name, ir_id value);
/* Label (may be NULL), range (0, 0: unknown) and first value of a channel of
   the port made last. What is not a range or not finite counts as 0. */
void ir_channel_info(ir_graph *g, uint32_t channel, const char *label,
                     float low, float high, float initial);
/* The channel labels of the port made last name classes. */
void ir_classes(ir_graph *g);
/* "name", "author", "licence", "source", "description" ...; a key again
   replaces its value. */
void ir_set_meta(ir_graph *g, const char *key, const char *value);

/* ---------------------------------------------------------- constants ---- */

/* Copies data (may be NULL: zeros). */
ir_id ir_const(ir_graph *g, uint32_t rank, const uint32_t *dims,
               const float *data);
ir_id ir_const1(ir_graph *g, uint32_t n, const float *data);
ir_id ir_scalar(ir_graph *g, float value); /* rank 0 */

/* ---------------------------------------------------------- operators ---- */

/* y = x w^T + b. w: [outputs][inputs] row-major, b: [outputs] or NULL. */
ir_id ir_linear(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                const float *w, const float *b);
/* The same with w: [inputs][outputs]. */
ir_id ir_linear_columns(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                        const float *w, const float *b);

/*
 * Weights as a file has them, which are kept as small as they are: that of
 * output o, tap k and input i (of the output's group) is the number
 *   w[start(o) + k * tap + i * input]
 * less the output's zero point, times its scale. Taps may lie in rows and
 * inputs in parts. A step back is that of 2^N - n.
 */
typedef enum ir_numbers {
    IR_S8 = 0,
    IR_U8,
    IR_F16,
    IR_BF16,
    IR_F32
} ir_numbers;
#define IR_NO_OUTPUT SIZE_MAX
#define IR_LESS_ROW  1 /* the first row of taps */
#define IR_LESS_TAP  2 /* the first tap of each row */

typedef struct ir_bytes {
    const void *w; /* little-endian, at any address */
    size_t output, tap, input;
    const float *scale; /* of each output; NULL: 1 */
    ir_numbers type;
    const float *zero; /* of each output, of bytes: whole; NULL: 0 */
    const size_t *at;  /* of each output its start, or IR_NO_OUTPUT: zeros.
                          NULL: o * output */
    uint32_t row;      /* taps of a row, 0: all; then k / row * next + */
    size_t next;       /* k % row * tap */
    uint32_t part;     /* the same of inputs */
    size_t apart;
    const uint8_t *less; /* of each output IR_LESS_ROW, IR_LESS_TAP: zeros in
                            place of these, which are not read. NULL: none */
} ir_bytes;
/* Each as the one without _bytes. */
ir_id ir_linear_bytes(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                      const ir_bytes *w, const float *b);
ir_id ir_conv1d_bytes(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                      uint32_t taps, uint32_t dilation, uint32_t groups,
                      uint32_t step, const ir_bytes *w, const float *b);
ir_id ir_conv2d_bytes(ir_graph *g, ir_id x, uint32_t outputs,
                      const uint32_t size[2], const uint32_t dilation[2],
                      const uint32_t step[2], uint32_t groups,
                      const ir_bytes *w, const float *b);

/* All of them as floats, [outputs][taps][inputs]; inputs: of a group. */
void ir_read_bytes(const ir_bytes *w, uint32_t outputs, uint32_t taps,
                   uint32_t inputs, float *to);

/*
 * Convolution along time. w: [outputs][inputs/groups][taps] (PyTorch, ONNX),
 * tap taps-1 is the newest frame. b: [outputs] or NULL. Timed: x has `inputs`
 * elements (any dims), y is [outputs], causal, history zero. Not timed: x [L,
 * inputs], y [M, outputs], no padding.
 */
ir_id ir_conv1d(ir_graph *g, ir_id x, uint32_t inputs, uint32_t outputs,
                uint32_t taps, uint32_t dilation, uint32_t groups,
                uint32_t step, const float *w, const float *b);

/*
 * Convolution of images. x [..., H, W, inputs], y [..., OH, OW, outputs], no
 * padding; timed values frame by frame. size, dilation, step: height, width. w:
 * [outputs][inputs/groups][height][width] (PyTorch, ONNX), b: [outputs] or
 * NULL.
 */
ir_id ir_conv2d(ir_graph *g, ir_id x, uint32_t outputs, const uint32_t size[2],
                const uint32_t dilation[2], const uint32_t step[2],
                uint32_t groups, const float *w, const float *b);

/* fn: SUM, MAX, MIN or PROD over windows along an axis, which are cut at its
   ends: `before` and `after` elements further out nothing is counted. */
typedef struct ir_window {
    uint32_t size, step, dilation, before, after;
} ir_window;
ir_id ir_pool(ir_graph *g, mli_reduce fn, ir_id x, uint32_t axis,
              const ir_window *window);

/*
 * Recurrent layers, one direction, one layer. All matrices row-major as in
 * PyTorch: w_ih [gates*units][inputs], w_hh [gates*units][units], b_ih, b_hh
 * [gates*units] or NULL; gates i f g o (lstm), r z n (gru). h0, c0: [units] or
 * NULL for zeros. reset_before_product: 0 for PyTorch's and Keras's GRU (reset
 * after the product, ONNX linear_before_reset = 1), 1 for the original form.
 * x: timed with `inputs` elements -> y [units] timed; not timed [L, inputs] ->
 * [L, units].
 */
typedef struct ir_cell {
    uint32_t inputs, units;
    const float *w_ih, *w_hh, *b_ih, *b_hh, *h0;
    const float *c0; /* LSTM */
    /* Instead of w_ih and w_hh; tap means nothing. */
    const ir_bytes *bytes_ih, *bytes_hh;
    /* Where the matrices have their gates in another order: gate k of the order
       above is their order[k]-th. NULL: as above. */
    const uint8_t *order;
    int reset_before_product; /* GRU */
    mli_unary fn;             /* RNN: MLI_TANH, MLI_RELU or MLI_IDENTITY */
} ir_cell;
/* type: MLI_OP_LSTM, MLI_OP_GRU or MLI_OP_RNN */
ir_id ir_recurrent(ir_graph *g, mli_op_type type, ir_id x, const ir_cell *cell);

/* The same without an order. */
ir_id ir_lstm(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
              const float *w_ih, const float *w_hh, const float *b_ih,
              const float *b_hh, const float *h0, const float *c0);
ir_id ir_gru(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, int reset_before_product);
ir_id ir_rnn(ir_graph *g, ir_id x, uint32_t inputs, uint32_t units,
             const float *w_ih, const float *w_hh, const float *b_ih,
             const float *b_hh, const float *h0, mli_unary fn);

ir_id ir_unary(ir_graph *g, mli_unary fn, float p, float q, ir_id x);
ir_id ir_binary(ir_graph *g, mli_binary fn, ir_id a, ir_id b);
/* scale, shift: n floats, n = x's last dim or 1 */
ir_id ir_affine(ir_graph *g, ir_id x, uint32_t n, const float *scale,
                const float *shift);
ir_id ir_softmax(ir_graph *g, ir_id x, uint32_t axis, int log); /* any axis */
/* Over the last `axes` dims; scale and shift may be NULL. */
ir_id ir_normalize(ir_graph *g, ir_id x, uint32_t axes, const float *scale,
                   const float *shift, float epsilon, int rms);
/* axes: bit i set = axis i is reduced; transposes are put in as needed. */
ir_id ir_reduce(ir_graph *g, mli_reduce fn, ir_id x, uint32_t axes, int keep);
ir_id ir_concat(ir_graph *g, const ir_id *x, uint32_t n, uint32_t axis);
ir_id ir_slice(ir_graph *g, ir_id x, uint32_t axis, uint32_t start,
               int32_t step, uint32_t count);
ir_id ir_reshape(ir_graph *g, ir_id x, uint32_t rank, const uint32_t *dims);
ir_id ir_transpose(ir_graph *g, ir_id x, const uint32_t *perm);
ir_id ir_expand(ir_graph *g, ir_id x, uint32_t rank, const uint32_t *dims);
ir_id ir_pad(ir_graph *g, ir_id x, uint32_t axis, uint32_t before,
             uint32_t after, float value);
/* c != 0 ? a : b, of broadcast operands. */
ir_id ir_select(ir_graph *g, ir_id c, ir_id a, ir_id b);
/* Elements of an axis by index; the index's dims take the axis' place. */
ir_id ir_gather(ir_graph *g, ir_id x, ir_id index, uint32_t axis);
/* x [n, rest...] with u (index's dims, rest...) put in by index. */
ir_id ir_scatter(ir_graph *g, mli_scatter how, ir_id x, ir_id index, ir_id u);
/* The place of the largest along an axis, which goes. */
ir_id ir_arg(ir_graph *g, ir_id x, uint32_t axis, int smallest, int last);
/* The k largest along an axis in order, or their places. */
ir_id ir_topk(ir_graph *g, ir_id x, uint32_t axis, uint32_t k, int smallest,
              int indices);
/* Running sums or products along an axis. */
ir_id ir_cumulate(ir_graph *g, ir_id x, uint32_t axis, int product,
                  int exclusive, int reverse);
/* An ensemble of trees; mli_tree_node in format.h says what is in a node. */
typedef struct ir_forest {
    mli_aggregate aggregate;
    uint32_t targets, trees, nodes, weights;
    const uint32_t *root;      /* of each tree: its first node */
    const mli_tree_node *node; /* tree after tree */
    const uint32_t *weight;    /* pairs (target, bits of the weight) */
    const float *base;         /* of each target, or NULL */
} ir_forest;
ir_id ir_trees(ir_graph *g, ir_id x, uint32_t features, const ir_forest *f);
/* To each point: w [points][inputs] row-major. exponent: of MLI_MINKOWSKI and
   MLI_POWER_SUM. */
ir_id ir_distance(ir_graph *g, ir_id x, uint32_t inputs, uint32_t points,
                  mli_distance metric, float exponent, const float *w);
/*
 * Whole numbers times factors in fixed point, rounded and held in low .. high;
 * format.h says what the kinds compute. u: IR_NONE where the kind has one
 * input; else of x's dims. n factors m * 2^(s - 31), 0 <= m < 2^31. left: bits
 * that ADD, SUB, SQUARED_DIFFERENCE and WIDE shift by; those in front of the
 * point of LOGISTIC and TANH; else 0.
 */
typedef struct ir_factors {
    uint32_t n;
    const int32_t *m;
    const int *s;
    mli_rounding rounding;
    uint32_t left;
    float low, high;
} ir_factors;
ir_id ir_requantize(ir_graph *g, mli_requantize kind, ir_id x, ir_id u,
                    const ir_factors *f);
/* The kind TABLE: n numbers, multiples of 1/2, at steps of 2^left, straight
   lines between; x = 0 is at table[n / 2]. Of f only rounding, left, low, high.
 */
ir_id ir_lookup(ir_graph *g, ir_id x, uint32_t n, const float *table,
                const ir_factors *f);
/* Probabilities of the pairs i < j (01 02 .. 12 ..) to those of the classes. */
ir_id ir_couple(ir_graph *g, ir_id x, uint32_t classes);
ir_id ir_delay(ir_graph *g, ir_id x, uint32_t frames);
ir_id ir_hold(ir_graph *g, ir_id x, uint32_t frames);

/*
 * Slower: of every `step` frames of x one frame [taps, x's dims...], when the
 * last of the `step` comes: x's frames at distances `dilation`, oldest first,
 * the newest last. Zeros come before the first. So y's frame n is x's frames
 * n * step + step - 1 - (taps - 1 - k) * dilation. Rate: x's / step. A strided
 * convolution is this and ir_linear on taps * inputs; pooling is this and
 * ir_reduce over axis 0; with taps = step it is time to depth.
 */
ir_id ir_unfold(ir_graph *g, ir_id x, uint32_t taps, uint32_t dilation,
                uint32_t step);
/*
 * Faster: every frame of x, [step, ...], is played as `step` frames [...], from
 * [0] on, the first of them at the very tick at which x's came. Rate: x's *
 * step. As a frame of x comes with the last of the frames that it stands for,
 * y is step - 1 of its own frames late: x[n][k] is y's frame n * step + step -
 * 1 + k; the first step - 1 are zeros.
 */
ir_id ir_depth_to_time(ir_graph *g, ir_id x, uint32_t step);
/* y, which ir_lstm, ir_gru or ir_rnn made last: for the first frames after a
   reset the layer waits in its first state, and y is 0. Timed only. */
ir_id ir_recurrent_hold(ir_graph *g, ir_id y, uint32_t frames);
/* In window graphs its state goes on from run to run. */
ir_id ir_recurrent_lasts(ir_graph *g, ir_id y);
/* What ir_store kept in the run before; at first init (all elements, NULL:
   zeros). Not in stream graphs. */
ir_id ir_recall(ir_graph *g, uint32_t rank, const uint32_t *dims,
                const float *init);
/* x, as many elements as `recall`, is kept for the next run. Answers x. */
ir_id ir_store(ir_graph *g, ir_id recall, ir_id x);

/*
 * Random numbers of these dims, timed where `when` is (its numbers do not
 * matter): uniform from p up to q, or normal with mean p and deviation q.
 */
ir_id ir_random(ir_graph *g, ir_id when, int normal, float p, float q,
                uint64_t seed, uint32_t rank, const uint32_t *dims);
/*
 * Discrete Fourier transforms of length n along rows, times scale. Complex
 * numbers are two floats. inverse: the exponent's sign is +. real: the longer
 * side is real. half: the spectrum is n/2 + 1 bins (inverse and half: real as
 * well). x's last dim is that of the side given: n, 2n or 2(n/2+1).
 */
ir_id ir_dft(ir_graph *g, ir_id x, uint32_t n, int inverse, int real, int half,
             float scale);
/* factor * a b of matrices on the last two dims, leading ones broadcast; or a
   b^T. Both may be computed. */
ir_id ir_matmul(ir_graph *g, ir_id a, ir_id b, int transposed, float factor);

const ir_value *ir_get(const ir_graph *g, ir_id id);

/* Floats of a constant's data. */
static inline uint64_t ir_data_floats(const ir_value *v)
{
    if (v->storage == MLI_F32)
        return v->elements;
    return mli_stored_floats(v->storage, v->dims[0], v->dims[1]);
}

#endif
