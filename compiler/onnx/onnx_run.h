/*
 * onnx_run.h - building the ir graph: one walk over the ONNX graph with every
 * dim bound to a number.
 *
 * Values are constants (folded as the walk goes), running values, or have no
 * running meaning (a recurrent layer's final state; the result of an operator
 * that is not supported).
 *
 * Time. A stream walk assumes that one axis of one input is time; `time` says
 * which axis of a value that is. The ir value leaves it out of its dims. Let v
 * be the offline value along its time axis, s the stream that stands for it:
 *
 *     s(t) = v[t + shift + pad],  shift <= 0, pad >= 0
 *
 * pad counts zeros in front that are not in the stream yet: a convolution
 * takes them as its history, anything else gets a delay. -shift is the look
 * ahead so far. clean: s is zero while t + shift < 0. A step that cannot be
 * done in time leaves through onnx_not_in_time, which in a window walk only
 * makes the axis be forgotten.
 *
 * Rates. t, shift and pad count frames of the value's own rate, and so do
 * delays and holds; the rate is that of the ir value. Tick m of a rate that is
 * S times slower comes with tick m*S + S-1 of the faster one.
 *
 * - Slower: a strided convolution (taps K, dilation d, stride S, B zeros in
 *   front) makes y[m] of x up to frame m*S + (K-1)*d - B. At slow tick m x has
 *   come up to frame m*S + S-1 + shift. So
 *       shift(y) = min(0, floor((S-1 + shift(x) + B - (K-1)*d) / S)),
 *   and what is left, S-1 + shift(x) + B - (K-1)*d - S*shift(y) >= 0 fast
 *   frames, is a delay of x in front. Pools, slices in steps and reshapes that
 *   split time are the same with other K, d and B (B < 0: frames skipped).
 * - Faster: the group of S frames made of slow frame m is played from slow
 *   tick m on, S-1 fast frames late:
 *       shift(y) = S*shift(x) - (S-1) - frames cropped in front.
 * - Branches meet at one rate: the earlier ones are delayed (onnx_align).
 * - A recurrent layer waits for -shift frames in its first state.
 * - An output at period P (in frames of the host, the fastest rate of any
 *   input or output) has latency -shift*P: its frame j is there from host
 *   frame j*P + P-1 + latency on. All outputs are delayed to one latency.
 */
#ifndef MLC_ONNX_RUN_H
#define MLC_ONNX_RUN_H

#include "ir.h"
#include "onnx_model.h"

typedef enum onnx_kind {
    ONNX_CONST = 0,
    ONNX_RUNS = 1,
    ONNX_FINAL = 2,   /* a recurrent layer's last state, or made of it */
    ONNX_BROKEN = 3,  /* made by something unsupported */
    ONNX_SEQUENCE = 4 /* of values, which item has */
} onnx_kind;

/*
 * A constant's numbers as the file has them: int8, uint8, float16 or bfloat16.
 * Less zero points and times scales they are the constant's.
 */
typedef struct onnx_raw {
    const uint8_t *at;
    int type;
    int64_t base, strides[ONNX_MAX_RANK]; /* in numbers */
    const float *scale, *zero;            /* NULL: 1, 0 */
    int scale_axis, zero_axis; /* that has one for each of its elements; -1: one
                                  for all; ONNX_FIRST_TWO: axes 0 and 1 */
} onnx_raw;
#define ONNX_FIRST_TWO (-2)

typedef struct onnx_value {
    onnx_kind kind;
    int type; /* onnx_type; running values are floats, whatever it is */
    int rank;
    int64_t dims[ONNX_MAX_RANK];
    float *f; /* constants: one of the two */
    int64_t *i;
    const struct onnx_raw *raw; /* or this, until somebody needs them */
    const char *const *strings; /* texts: of constants; i are then their
                                   numbers, counted from 0 */
    int state;   /* constants: a recurrent layer's first state, or a part */
    int learned; /* an initializer: counts as parameters once used */
    ir_id id;    /* running: its elements in order, in any dims. constants:
                    IR_NONE until asked for */
    int time;    /* axis, -1: none */
    int64_t shift, pad;
    int clean;
    struct onnx_value *settled; /* the same without padding, once asked for */
    const char *broken; /* BROKEN: what to report at the first use, or NULL */
    struct onnx_value *norm; /* this is norm, normalised over its last axis */
    float epsilon;           /* in that */
    const float *scale;      /* and scaled so, or NULL */
    struct onnx_value *centred; /* quantised: less its zero point */
    float zero_point;
    struct onnx_value **item; /* of a sequence */
    int items;
    const char *op;         /* the operator that made it and its inputs: for */
    struct onnx_value **in; /* recognising what an exporter took apart */
    int inputs;
} onnx_value;

typedef struct onnx_names onnx_names;

typedef struct onnx_scope {
    struct onnx_scope *outer; /* NULL at the top and in functions */
    onnx_names *names;
    const onnx_opset *opsets;
    size_t opset_count;
    const onnx_node *call; /* functions: the node that stands for it, */
    const struct onnx_scope *caller;
    const onnx_function *function;
    const char *prefix; /* in front of node names */
} onnx_scope;

typedef struct onnx_bind { /* a graph input that is given as a constant */
    const char *name;
    const onnx_tensor *tensor;
    int shape_only; /* it stays an input, of the tensor's dims */
} onnx_bind;

#define ONNX_RATES 16 /* rates whose zeros are shared */

typedef struct onnx_run {
    onnx_model *model;
    onnx_pool *pool;
    onnx_exit *exit;
    ir_graph *g;
    mli_mode mode;
    int forced;     /* mode was asked for */
    int time_input; /* assumption: this input's axis is time; -1: none */
    int time_axis;
    int64_t frames;     /* what a dynamic time axis is bound to */
    int layers_in_time; /* convolutions and recurrent layers along time */
    ir_id source;       /* the timed input */
    ir_id silence[ONNX_RATES]; /* timed zeros [1], one for each rate */
    int silences;
    int64_t stride;   /* a multiple of every rate's denominator seen so far */
    const char *lost; /* window: why it is not a stream, first reason */
    uint64_t parameters;
    uint64_t folded; /* elements made by folding */
    uint64_t taken;  /* bytes that work was counted for */
    uint64_t floats; /* of them, the graph's */
    double macs;     /* of the source's nodes, a frame or run; < 0: unknown */
    int finals;      /* graph outputs dropped */
    uint32_t random_nodes; /* so far */
    ir_graph *aside;       /* a graph of constants that is evaluated */
    int nesting;
    size_t walked; /* nodes; functions can multiply them */
    char *unsupported;
    size_t unsupported_length;
    int unsupported_more;
    const onnx_bind *binds;
    size_t bind_count;
    const struct onnx_classes **classes; /* lists of labels that were met */
    int class_lists;
} onnx_run;

/* A node at work. */
typedef struct onnx_call {
    const onnx_node *node;
    const onnx_scope *scope;
    const char *name; /* of the node, with its scope's prefix */
    int64_t opset;
    onnx_value **in; /* NULL where missing */
    int inputs;
    onnx_value **out; /* to be filled in */
    int outputs;      /* as many as the node names */
} onnx_call;

typedef void (*onnx_do)(onnx_run *r, onnx_call *c, int what);

enum {
    ONNX_KEEPS_PAD = 1,    /* takes padding in front as it is */
    ONNX_TAKES_BROKEN = 2, /* looks at operands that are BROKEN itself */
    ONNX_TAKES_SEQUENCES = 4,
    ONNX_INLINED = 8,    /* has graphs inside: everything is its own affair */
    ONNX_TAKES_RAW = 16, /* constants beside what runs may be raw */
    ONNX_MOVES_RAW = 32  /* so may they among constants */
};

typedef struct onnx_op {
    const char *name;
    onnx_do run;
    int what;  /* given to run */
    int least; /* inputs that must be there */
    int flags; /* ONNX_KEEPS_PAD ... */
} onnx_op;

/* ------------------------------------------------------------ leaving ---- */

/* The node cannot be done one frame after another. */
void onnx_not_in_time(onnx_run *r, const onnx_call *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The model is wrong at this node. */
void onnx_bad(onnx_run *r, const onnx_call *c, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* The node asks for something that we do not have: collected. Its outputs
   become BROKEN. */
void onnx_unsupported(onnx_run *r, onnx_call *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --------------------------------------------------------- attributes ---- */

const onnx_attr *onnx_attr_of(const onnx_call *c, const char *name);
int64_t onnx_int(const onnx_call *c, const char *name, int64_t fallback);
float onnx_float(const onnx_call *c, const char *name, float fallback);
const char *onnx_string(const onnx_call *c, const char *name,
                        const char *fallback);

/* ------------------------------------------------------------- values ---- */

onnx_value *onnx_new(onnx_run *r, onnx_kind kind, int type, int rank,
                     const int64_t *dims);
/* What is done now with constants is bounded, in all walks together. work:
   about nanoseconds. onnx_affords: 0 if that would be too much. */
#define ONNX_WORK_A_BYTE 200.0 /* for each byte of the model */
/* Memory, too: an unrolled loop packs its matrices for each round. */
#define ONNX_MEMORY_A_BYTE 64u
int onnx_affords(onnx_run *r, double work);
void onnx_work(onnx_run *r, double work);
/* A constant with room for its numbers; its size is checked. */
onnx_value *onnx_new_const(onnx_run *r, int type, int rank,
                           const int64_t *dims);
onnx_value *onnx_new_scalar(onnx_run *r, float value);
/* A running value like this one (time, shift ...) with other dims. */
onnx_value *onnx_like(onnx_run *r, const onnx_value *v, int rank,
                      const int64_t *dims, int time, ir_id id);
/* The same for a computed result: never a constant, never known as clean. */
onnx_value *onnx_result(onnx_run *r, const onnx_value *v, int rank,
                        const int64_t *dims, int time, ir_id id);
onnx_value *onnx_from_tensor(onnx_run *r, onnx_tensor *t);
/* A constant of elements of v: strides in elements, base the first one. */
onnx_value *onnx_strided(onnx_run *r, const onnx_value *v, int rank,
                         const int64_t *dims, int64_t base,
                         const int64_t *strides);
void onnx_strides(const onnx_value *v, int64_t *strides);

int64_t onnx_elements(const onnx_value *v);
int onnx_is_int(const onnx_value *v); /* constants: numbers are in i */
float onnx_at(const onnx_value *v, int64_t n);
int64_t onnx_int_at(const onnx_value *v, int64_t n);
/* A constant's numbers as floats. */
const float *onnx_floats(onnx_run *r, const onnx_value *v);
/* v, no longer raw. */
onnx_value *onnx_solid(onnx_run *r, onnx_value *v);
/* The numbers of a large tensor, if they can be kept as they are: raw. NULL:
   they cannot. */
const onnx_raw *onnx_tensor_raw(onnx_run *r, onnx_tensor *t);
/* A raw constant's in other dims, or NULL. */
const onnx_raw *onnx_raw_reshaped(onnx_run *r, const onnx_value *v, int rank,
                                  const int64_t *dims);
/* Axis i is v's perm[i]. */
onnx_value *onnx_raw_transposed(onnx_run *r, const onnx_value *v,
                                const int *perm);
/* NULL: not so. */
onnx_value *onnx_raw_sliced(onnx_run *r, const onnx_value *v, int axis,
                            int64_t start, int64_t step, int64_t count);
/* v times or less one number, or one for each element of an axis, as floats;
   `by` broadcasts. NULL: not so. */
onnx_value *onnx_raw_scaled(onnx_run *r, const onnx_value *v,
                            const onnx_value *by);
onnx_value *onnx_raw_centred(onnx_run *r, const onnx_value *v,
                             const onnx_value *by);
float onnx_raw_at(const onnx_value *v, int64_t n);
void onnx_raw_read(const onnx_value *v, float *to);
/* A layer's weights, if they are raw and scales and zero points belong to the
   elements of this axis, its outputs. Fills in w but for its steps; w begins at
   the constant's first number. */
int onnx_layer_bytes(onnx_run *r, const onnx_value *v, int axis, ir_bytes *w);
/* The one number of a constant of one element; 0 if it is no such thing. */
int onnx_single(const onnx_value *v, float *value);
/* A constant of nothing but zeros? */
int onnx_all_zero(const onnx_value *v);
int onnx_same_dims(const onnx_value *a, const onnx_value *b);

/* Input n as a list of integers: from the input, or else from the attribute
   (which may be NULL). count -1 if there is neither. */
const int64_t *onnx_list(onnx_run *r, onnx_call *c, int n, const char *attr,
                         int *count);
/* NULL where it is missing. */
onnx_value *onnx_input(const onnx_call *c, int n);
/* Negative axes count from the end; out of range is an error. */
int onnx_axis(onnx_run *r, const onnx_call *c, int64_t axis, int rank);

/* ---------------------------------------------------------- to the ir ---- */

/* In stream graphs without the time axis. */
uint32_t onnx_frame_dims(const onnx_run *r, const onnx_value *v,
                         uint32_t *dims);
/* An axis' number in frame dims. */
int onnx_frame_axis(const onnx_run *r, const onnx_value *v, int axis);
int onnx_timed(const onnx_run *r, const onnx_value *v); /* in a stream graph */
/* The value's ir id in its frame dims, padding and all. */
ir_id onnx_id(onnx_run *r, onnx_value *v);
/*
 * Less: without the axes of one element as well, but for those in `keep` (a bit
 * for each axis). Most operators want no more, and no reshape is needed between
 * them.
 */
int onnx_kept_axis(const onnx_run *r, const onnx_value *v, uint32_t keep,
                   int axis);
ir_id onnx_kept_id(onnx_run *r, onnx_value *v, uint32_t keep);
/* In these dims (of as many elements). */
ir_id onnx_as(onnx_run *r, onnx_value *v, uint32_t rank, const uint32_t *dims);
/* Element order kept, no matter the dims. */
ir_id onnx_shaped(onnx_run *r, ir_id id, uint32_t rank, const uint32_t *dims);
/* With padding in front turned into a delay. */
onnx_value *onnx_settled(onnx_run *r, onnx_value *v);
/* With zeros before its frame 0. */
onnx_value *onnx_cleaned(onnx_run *r, onnx_value *v);
/* So many frames later. */
onnx_value *onnx_delayed(onnx_run *r, onnx_value *v, int64_t frames);
/* Give timed values one shift, in place of those in v, which may hold NULL and
   untimed ones. */
void onnx_align(onnx_run *r, onnx_value **v, int count);
/* A constant that is the same all along an axis, cut to length 1; NULL if it
   is not. */
onnx_value *onnx_uniform(onnx_run *r, const onnx_value *v, int axis);
/* An untimed value as a timed one, at the rate of the stream's input. */
ir_id onnx_make_timed(onnx_run *r, ir_id id);

/* ------------------------------------------- along time (onnx_time.c) ---- */

/* y[m] is made of x[m*step + k*dilation - before], k < taps. */
typedef struct onnx_taps {
    int64_t taps, dilation, step, before;
} onnx_taps;

/* Frames of v for each of the stream's input: rate[0]/rate[1]. */
void onnx_rate(const onnx_run *r, const onnx_value *v, uint64_t rate[2]);
/* r->stride becomes a multiple of the frames of the input in one of v. */
void onnx_note_rate(onnx_run *r, const onnx_value *v);
/* The same of groups whose elements times a whole number are v's. */
void onnx_note_stride(onnx_run *r, const onnx_value *v, int64_t elements);
int onnx_same_rate(const onnx_run *r, const onnx_value *a, const onnx_value *b);
/* Those frames of x side by side: [taps, x's dims..], `count` along time. x's
   padding in front counts in. */
onnx_value *onnx_unfolded(onnx_run *r, onnx_value *x, const onnx_taps *w,
                          int64_t count);
/* x[start + m*step] */
onnx_value *onnx_every(onnx_run *r, onnx_value *x, int64_t start, int64_t step,
                       int64_t count);
/* [S, dims..] as [dims..] with S times the frames. */
onnx_value *onnx_interleaved(onnx_run *r, onnx_value *x);
/* Dims that part time into groups of frames, or join them; NULL: others. */
onnx_value *onnx_regrouped(onnx_run *r, onnx_value *v, int rank,
                           const int64_t *dims);
/* A timed zero [1] at the rate of a value. */
ir_id onnx_silence(onnx_run *r, const onnx_value *like);
onnx_value *onnx_max_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                             const onnx_taps *w, int64_t count);
onnx_value *onnx_sum_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                             const onnx_taps *w, int64_t count);
onnx_value *onnx_mean_in_time(onnx_run *r, onnx_call *c, onnx_value *x,
                              const onnx_taps *w, int64_t count,
                              int with_padding);
/* y[q*up + j] = sum of matrix[j][k] * x[q*down + first + k] over k < taps;
   before frame 0 x is its frame 0. */
onnx_value *onnx_resampled(onnx_run *r, onnx_call *c, onnx_value *x, int64_t up,
                           int64_t down, int64_t first, int64_t taps,
                           const float *matrix);
/* Each frame `step` times. */
onnx_value *onnx_repeated(onnx_run *r, onnx_value *x, int64_t step);
/* A constant that repeats itself soon along an axis, as a timed value beside
   `like`; NULL if it does not. */
onnx_value *onnx_periodic(onnx_run *r, const onnx_value *v, int axis,
                          const onnx_value *like);

/* ---------------------------------------------------------- operators ---- */

const onnx_op *onnx_find_op(const char *name);
/* Another operator on these inputs, with this node's attributes; NULL where it
   was not supported and has been reported. */
onnx_value *onnx_through(onnx_run *r, onnx_call *c, const char *name,
                         onnx_value **in, int inputs);
/* All inputs constant: 1 if the outputs could be computed here and now. */
int onnx_fold(onnx_run *r, onnx_call *c);
/* The same by running the operator itself, in a graph of its own. */
int onnx_evaluate(onnx_run *r, onnx_call *c, const onnx_op *op);

onnx_value *onnx_binary(onnx_run *r, onnx_call *c, mli_binary fn, onnx_value *a,
                        onnx_value *b);
/* when != 0 ? a : b */
onnx_value *onnx_chosen(onnx_run *r, onnx_call *c, onnx_value *when,
                        onnx_value *a, onnx_value *b);
/* Arithmetic on whole numbers. */
onnx_value *onnx_whole(onnx_run *r, onnx_call *c, mli_binary fn, onnx_value *a,
                       onnx_value *b);
/* A computed value of 8 or 16 bits as its type wraps it. */
onnx_value *onnx_wrapped(onnx_run *r, onnx_call *c, onnx_value *v);
/* A whole number as the type has it, or its nearest. */
int64_t onnx_saturated(int type, int64_t x);
/* Values of this type can run: floats, whole numbers, truths. */
int onnx_type_runs(int type);
/* Elements of an axis by computed or constant index. */
onnx_value *onnx_gathered(onnx_run *r, onnx_call *c, onnx_value *v,
                          onnx_value *at, int axis);
onnx_value *onnx_unary(onnx_run *r, onnx_value *v, mli_unary fn, float p,
                       float q);
/* x * sigmoid(alpha x) */
onnx_value *onnx_swish(onnx_run *r, onnx_call *c, onnx_value *x, float alpha);
onnx_value *onnx_transposed(onnx_run *r, onnx_value *v, const int *perm);
onnx_value *onnx_reshaped(onnx_run *r, onnx_call *c, onnx_value *v, int rank,
                          const int64_t *dims);
onnx_value *onnx_sliced(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                        int64_t start, int64_t step, int64_t count);
onnx_value *onnx_padded(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                        int64_t before, int64_t after, float value);
onnx_value *onnx_concat(onnx_run *r, onnx_call *c, onnx_value **v, int count,
                        int axis);
onnx_value *onnx_reduced(onnx_run *r, onnx_call *c, onnx_value *v,
                         mli_reduce fn, uint32_t axes, int keep);

void onnx_do_unary(onnx_run *r, onnx_call *c, int fn);
void onnx_do_function(onnx_run *r, onnx_call *c, int fn);
void onnx_do_clip(onnx_run *r, onnx_call *c, int what);
void onnx_do_binary(onnx_run *r, onnx_call *c, int fn);
void onnx_do_many(onnx_run *r, onnx_call *c, int fn);
void onnx_do_prelu(onnx_run *r, onnx_call *c, int what);
void onnx_do_where(onnx_run *r, onnx_call *c, int what);
/* what: an mli_binary, | ONNX_SWAPPED */
enum { ONNX_SWAPPED = 0x100 };
void onnx_do_compare(onnx_run *r, onnx_call *c, int what);
void onnx_do_not(onnx_run *r, onnx_call *c, int what);
void onnx_do_is_nan(onnx_run *r, onnx_call *c, int what);
void onnx_do_is_inf(onnx_run *r, onnx_call *c, int what);
void onnx_do_mod(onnx_run *r, onnx_call *c, int what);
void onnx_do_bit_shift(onnx_run *r, onnx_call *c, int what);
void onnx_do_bitwise(onnx_run *r, onnx_call *c, int what);
void onnx_do_bitwise_not(onnx_run *r, onnx_call *c, int what);
void onnx_do_gather_elements(onnx_run *r, onnx_call *c, int what);
void onnx_do_gather_nd(onnx_run *r, onnx_call *c, int what);
void onnx_do_scatter_elements(onnx_run *r, onnx_call *c, int what);
void onnx_do_scatter_nd(onnx_run *r, onnx_call *c, int what);
void onnx_do_arg(onnx_run *r, onnx_call *c, int what);
void onnx_do_topk(onnx_run *r, onnx_call *c, int what);
void onnx_do_cumsum(onnx_run *r, onnx_call *c, int what);
void onnx_do_hardmax(onnx_run *r, onnx_call *c, int what);
void onnx_do_one_hot(onnx_run *r, onnx_call *c, int what);
void onnx_do_compress(onnx_run *r, onnx_call *c, int what);
void onnx_do_non_zero(onnx_run *r, onnx_call *c, int what);
void onnx_do_trilu(onnx_run *r, onnx_call *c, int what);
void onnx_do_eye_like(onnx_run *r, onnx_call *c, int what);
void onnx_do_shrink(onnx_run *r, onnx_call *c, int what);
void onnx_do_reverse_sequence(onnx_run *r, onnx_call *c, int what);
void onnx_do_softmax(onnx_run *r, onnx_call *c, int log);
void onnx_do_matmul(onnx_run *r, onnx_call *c, int what);
void onnx_do_gemm(onnx_run *r, onnx_call *c, int what);
void onnx_do_conv(onnx_run *r, onnx_call *c, int what);
enum { ONNX_POOL_MAX, ONNX_POOL_MEAN, ONNX_POOL_NORM };
void onnx_do_pool(onnx_run *r, onnx_call *c, int what);
void onnx_do_global_pool(onnx_run *r, onnx_call *c, int what);
void onnx_do_conv_transpose(onnx_run *r, onnx_call *c, int what);
void onnx_do_resize(onnx_run *r, onnx_call *c, int what);
void onnx_do_upsample(onnx_run *r, onnx_call *c, int what);
void onnx_do_depth_to_space(onnx_run *r, onnx_call *c, int what);
void onnx_do_space_to_depth(onnx_run *r, onnx_call *c, int what);
void onnx_do_lrn(onnx_run *r, onnx_call *c, int what);
void onnx_do_mvn(onnx_run *r, onnx_call *c, int what);
enum { ONNX_LSTM, ONNX_GRU, ONNX_RNN };
void onnx_do_recurrent(onnx_run *r, onnx_call *c, int what);
void onnx_do_layer_norm(onnx_run *r, onnx_call *c, int rms);
void onnx_do_batch_norm(onnx_run *r, onnx_call *c, int what);
void onnx_do_instance_norm(onnx_run *r, onnx_call *c, int what);
void onnx_do_group_norm(onnx_run *r, onnx_call *c, int what);
void onnx_do_lp_norm(onnx_run *r, onnx_call *c, int what);
void onnx_do_reduce(onnx_run *r, onnx_call *c, int fn);
void onnx_do_cast(onnx_run *r, onnx_call *c, int what);
void onnx_do_concat(onnx_run *r, onnx_call *c, int what);
void onnx_do_slice(onnx_run *r, onnx_call *c, int what);
void onnx_do_split(onnx_run *r, onnx_call *c, int what);
void onnx_do_gather(onnx_run *r, onnx_call *c, int what);
void onnx_do_reshape(onnx_run *r, onnx_call *c, int what);
void onnx_do_flatten(onnx_run *r, onnx_call *c, int what);
void onnx_do_squeeze(onnx_run *r, onnx_call *c, int what);
void onnx_do_unsqueeze(onnx_run *r, onnx_call *c, int what);
void onnx_do_transpose(onnx_run *r, onnx_call *c, int what);
void onnx_do_expand(onnx_run *r, onnx_call *c, int what);
void onnx_do_tile(onnx_run *r, onnx_call *c, int what);
void onnx_do_pad(onnx_run *r, onnx_call *c, int what);

/* A product of matrices as MatMul has it; onnx_product takes what is computed
   (or differs along leading axes), at least two axes each: factor * a b, or a
   b^T. */
onnx_value *onnx_matmul(onnx_run *r, onnx_call *c, onnx_value *a,
                        onnx_value *b);
onnx_value *onnx_product(onnx_run *r, onnx_call *c, onnx_value *a,
                         onnx_value *b, int transposed, float factor);
/* The last two axes change places. */
onnx_value *onnx_swap_last(onnx_run *r, onnx_value *v);
void onnx_do_fused_conv(onnx_run *r, onnx_call *c, int what);
void onnx_do_fused_gemm(onnx_run *r, onnx_call *c, int what);
void onnx_do_fused_matmul(onnx_run *r, onnx_call *c, int what);
void onnx_do_quick_gelu(onnx_run *r, onnx_call *c, int what);
void onnx_do_bias_gelu(onnx_run *r, onnx_call *c, int fn);
void onnx_do_attention(onnx_run *r, onnx_call *c, int what);
void onnx_do_fused_attention(onnx_run *r, onnx_call *c, int what);
void onnx_do_multi_head(onnx_run *r, onnx_call *c, int what);
void onnx_do_rotary(onnx_run *r, onnx_call *c, int what);
void onnx_do_skip_norm(onnx_run *r, onnx_call *c, int rms);
void onnx_do_einsum(onnx_run *r, onnx_call *c, int what);
void onnx_do_det(onnx_run *r, onnx_call *c, int what);
/* Graphs and functions inside of nodes, one deeper. */
void onnx_nest(onnx_run *r, const onnx_call *c);
#define ONNX_MAX_STACKS 64 /* outputs that Loop or Scan stack */
void onnx_do_if(onnx_run *r, onnx_call *c, int what);
void onnx_do_loop(onnx_run *r, onnx_call *c, int what);
void onnx_do_scan(onnx_run *r, onnx_call *c, int what);
void onnx_do_sequence_construct(onnx_run *r, onnx_call *c, int what);
void onnx_do_sequence_insert(onnx_run *r, onnx_call *c, int what);
void onnx_do_sequence_erase(onnx_run *r, onnx_call *c, int what);
void onnx_do_sequence_at(onnx_run *r, onnx_call *c, int what);
void onnx_do_sequence_length(onnx_run *r, onnx_call *c, int what);
void onnx_do_concat_sequence(onnx_run *r, onnx_call *c, int what);
void onnx_do_split_sequence(onnx_run *r, onnx_call *c, int what);
/* An operator that only moves elements, of a quantised value: done on what has
   no zero point yet, so that zeros in front stay known. 0: it is no such. */
int onnx_carry_centred(onnx_run *r, onnx_call *c, const onnx_op *op);
void onnx_do_quantize(onnx_run *r, onnx_call *c, int what);
/* The same of many constants, if all is constant: as bytes. */
int onnx_quantised_now(onnx_run *r, onnx_call *c);
void onnx_do_dequantize(onnx_run *r, onnx_call *c, int what);
void onnx_do_dynamic_quantize(onnx_run *r, onnx_call *c, int what);
void onnx_do_matmul_integer(onnx_run *r, onnx_call *c, int what);
void onnx_do_conv_integer(onnx_run *r, onnx_call *c, int what);
void onnx_do_qlinear_matmul(onnx_run *r, onnx_call *c, int what);
void onnx_do_qlinear_conv(onnx_run *r, onnx_call *c, int what);
void onnx_do_qlinear_binary(onnx_run *r, onnx_call *c, int fn);
void onnx_do_qlinear_unary(onnx_run *r, onnx_call *c, int what);
void onnx_do_qgemm(onnx_run *r, onnx_call *c, int what);
void onnx_do_qlinear_concat(onnx_run *r, onnx_call *c, int what);
void onnx_do_matmul_to_float(onnx_run *r, onnx_call *c, int dynamic);
void onnx_do_quantized_lstm(onnx_run *r, onnx_call *c, int what);
void onnx_do_random(onnx_run *r, onnx_call *c, int normal);
void onnx_do_bernoulli(onnx_run *r, onnx_call *c, int what);
void onnx_do_multinomial(onnx_run *r, onnx_call *c, int what);
void onnx_do_signal_window(onnx_run *r, onnx_call *c, int what);
void onnx_do_mel_weights(onnx_run *r, onnx_call *c, int what);
void onnx_do_dft(onnx_run *r, onnx_call *c, int what);
void onnx_do_stft(onnx_run *r, onnx_call *c, int what);

/* onnx_macs.c: multiply-accumulates of a node that was done, for each frame of
   the stream's input, or a run. Unknown ones count as 0. */
double onnx_source_macs(const onnx_run *r, const onnx_call *c);
int onnx_macs_unknown(const onnx_call *c);

/* ------------------------------------------------------------ walking ---- */

/* The value of a name, or NULL. */
onnx_value *onnx_look_up(onnx_run *r, const onnx_scope *s, const char *name);
void onnx_name(onnx_run *r, onnx_scope *s, const char *name, onnx_value *v);
/* A graph's initializers, read when they are looked up. */
void onnx_name_tensors(onnx_run *r, onnx_scope *s, const onnx_graph *g);
/* All nodes of a graph that the wanted names need. */
void onnx_walk(onnx_run *r, onnx_scope *s, const onnx_graph *graph,
               const char *const *wanted, size_t wanted_count);
onnx_names *onnx_names_new(onnx_run *r);

#endif
