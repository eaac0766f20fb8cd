/*
 * tflite_run.h - building the ir graph: one walk over the operators, which the
 * file has in order.
 *
 * Quantised tensors. A running value of a quantised tensor holds whole numbers
 * q - zero_point as floats; its real value is that times its scale. Sums of
 * products of such numbers are exact up to 2^24, and rounding at the end of a
 * layer (MLI_ROUND_AWAY) gives the number that TensorFlow Lite's integers give.
 *
 * Constants are folded as the walk goes: what is made of constants alone is
 * computed at once, so shapes, loop counters and conditions are known when they
 * are needed.
 */
#ifndef MLC_TFLITE_RUN_H
#define MLC_TFLITE_RUN_H

#include "ir.h"
#include "tflite_model.h"

/*
 * What a value was before blocks of its space became batches: a convolution of
 * the blocks, put together again, is a dilated convolution of this.
 */
typedef struct tfl_spread {
    ir_id id;
    uint32_t dims[TFL_MAX_RANK];  /* as many axes as the value has */
    uint32_t block[TFL_MAX_RANK]; /* 1 where there is none */
} tfl_spread;

typedef struct tfl_value {
    int set;    /* it has been made */
    int broken; /* by something unsupported */
    int empty;  /* it has no element: part of a concatenation, no more */
    int type;   /* tfl_type */
    uint32_t rank, dims[TFL_MAX_RANK];
    const tfl_tensor *raw; /* a constant of the file: its numbers lie there */
    ir_id id;              /* constants of the file: IR_NONE until asked for */
    float scale;           /* 0: not quantised */
    int32_t zero;
    uint32_t variable; /* of a resource: its number + 1 */
    int complex;       /* imaginary: of its imaginary parts */
    ir_id imaginary;
    uint32_t time;            /* stream graphs: its axis + 1, 0: it has none */
    uint32_t late, pad;       /* see tflite_time.c */
    uint32_t block;           /* batches that are every block-th frame, or 0 */
    int clean;                /* before its first frame there are zeros */
    const tfl_spread *spread; /* NULL: none */
} tfl_value;

typedef struct tfl_variable { /* kept from run to run */
    char *name;               /* of a VAR_HANDLE; NULL: a variable tensor */
    const tfl_tensor *tensor;
    tfl_value first; /* what it begins as; set if a file says so */
    ir_id recall;    /* IR_NONE until read */
    tfl_value now;   /* last assigned */
} tfl_variable;

typedef struct tfl_packed { /* weights, packed once */
    const void *key;
    uint32_t inputs, outputs;
    ir_id id;
} tfl_packed;

typedef struct tfl_run {
    tfl_model *model;
    onnx_pool *pool;
    onnx_exit *exit;
    ir_graph *g;
    tfl_variable *variables;
    uint32_t variable_count, variable_room;
    tfl_packed *packed;
    uint32_t packed_count, packed_room;
    uint64_t built, built_limit; /* floats of constants in the graph */
    uint32_t walked;             /* operators; loops multiply them */
    int nesting;
    int once;              /* inside CALL_ONCE: assignments are first values */
    char unsupported[960]; /* of an error's text */
    int unsupported_more;
    uint64_t parameters;
} tfl_run;

typedef struct tfl_call {
    const tfl_operator *op;
    const tfl_subgraph *graph;
    const char *name; /* "CONV_2D 3" */
    tfl_value **in;   /* NULL where missing */
    int inputs;
    tfl_value **out;
    int outputs;
    const tfl_tensor **declared; /* of each output */
} tfl_call;

typedef void (*tfl_do)(tfl_run *r, tfl_call *c, int what);

typedef struct tfl_op {
    const char *name;
    int code;
    tfl_do run;
    int what;
    int least; /* inputs that must be there */
} tfl_op;

enum { /* fused activations, the schema's numbers */
       TFL_ACT_NONE = 0,
       TFL_ACT_RELU = 1,
       TFL_ACT_RELU_N1_TO_1 = 2,
       TFL_ACT_RELU6 = 3,
       TFL_ACT_TANH = 4
};

/* ------------------------------------------------------------ leaving ---- */

/* The model is wrong at this operator. */
void tfl_bad(tfl_run *r, const tfl_call *c, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* It asks for something that we do not have: collected. */
void tfl_unsupported(tfl_run *r, tfl_call *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ------------------------------------------------------------- values ---- */

uint64_t tfl_elements(const tfl_value *v);
/* Are its numbers known now? */
int tfl_constant(const tfl_run *r, const tfl_value *v);
/* A constant's numbers as the graph has them: q - zero_point of quantised
   ones. They stay. */
const float *tfl_floats(tfl_run *r, const tfl_value *v);
/* A constant's real numbers, scales along any axis applied. */
const float *tfl_real_floats(tfl_run *r, const tfl_value *v);
/* A constant's whole numbers, and how many. NULL if it is none. */
const int64_t *tfl_ints(tfl_run *r, const tfl_value *v, uint32_t *count);
/* Scale of channel i of quantised weights. */
float tfl_scale(const tfl_value *v, uint32_t i);
uint32_t tfl_scale_count(const tfl_value *v);
/* Outputs have scales of their own, not one that is written for each. */
int tfl_scales_differ(const tfl_value *v);
int tfl_whole(int type); /* a type of integers */

/* The value in the graph, and the same in real numbers. */
ir_id tfl_id(tfl_run *r, tfl_value *v);
ir_id tfl_real(tfl_run *r, tfl_value *v);

/* Output k is this id of real numbers: rounded if the output is quantised. */
void tfl_put(tfl_run *r, tfl_call *c, int k, ir_id id);
void tfl_put_active(tfl_run *r, tfl_call *c, int k, ir_id id, int activation);
/* Output k is this id, its numbers with the scale of `like`. */
void tfl_put_like(tfl_run *r, tfl_call *c, int k, ir_id id,
                  const tfl_value *like);
/* Output k is whole numbers already: q - zero_point, as declared. */
void tfl_put_whole(tfl_run *r, tfl_call *c, int k, ir_id id);
/* Output k, quantised, from sums of products: times scale[n], rounded. */
void tfl_put_sums(tfl_run *r, tfl_call *c, int k, ir_id id, uint32_t n,
                  const float *scale, int activation);
/* Set a value up as one with this id. */
void tfl_set(tfl_run *r, tfl_value *v, const tfl_tensor *t, ir_id id);

/* The numbers that a quantised output of a fused activation can have. */
void tfl_active_range(const tfl_tensor *t, int activation, float *low,
                      float *high);

/* Output 0, a reshaped v, was what v was, if only axes of 1 came or went. */
void tfl_keep_spread(tfl_run *r, tfl_call *c, const tfl_value *v);

ir_id tfl_activate(tfl_run *r, ir_id id, int activation);
/* Round and clamp to the numbers that q - zero can have. */
ir_id tfl_round(tfl_run *r, ir_id id, int type, int32_t zero);
/* scale * x, then the function; stays apart from layers before. */
ir_id tfl_scaled(tfl_run *r, ir_id id, uint32_t n, const float *scale,
                 const float *shift, mli_unary fn, float p, float q);
void tfl_range(int type, int32_t zero, float *low, float *high);
int tfl_quantised(const tfl_tensor *t);
int32_t tfl_zero(const tfl_tensor *t);
float tfl_tensor_scale(const tfl_tensor *t);

/* y = x w^T + b over the last dim; key: weights with one are packed once. */
ir_id tfl_dense(tfl_run *r, ir_id x, uint32_t inputs, uint32_t outputs,
                const float *w, const float *b, const void *key);
ir_id tfl_dense_bytes(tfl_run *r, ir_id x, uint32_t inputs, uint32_t outputs,
                      const ir_bytes *w, const float *b, const void *key);
/* The numbers of a constant as they lie in the file, real: with their scales.
   Fills in w but for its steps; axis: the outputs'. 0: they cannot be taken as
   they are. */
int tfl_small(tfl_run *r, const tfl_value *v, uint32_t axis, int real,
              ir_bytes *w);
/* The same, or floats. */
void tfl_numbers(tfl_run *r, const tfl_value *v, uint32_t axis, int real,
                 ir_bytes *w);
/* Constants in the graph are bounded by the size of the file. */
void tfl_spend(tfl_run *r, uint64_t floats);
int tfl_axis(tfl_run *r, const tfl_call *c, int64_t axis, uint32_t rank);
float *tfl_take(tfl_run *r, uint64_t n);

/* Input i, whole numbers that must be known now ("a shape"): else the operator
   is unsupported and the answer NULL. */
const int64_t *tfl_known(tfl_run *r, tfl_call *c, int i, uint32_t *count,
                         const char *what);
/* The same as the dims of a shape; 0 if unsupported. */
int tfl_read_shape(tfl_run *r, tfl_call *c, int i, uint32_t *dims,
                   uint32_t *rank);
/* n as the length of an axis, or out. */
uint32_t tfl_dim(tfl_run *r, const tfl_call *c, int64_t n);

int tfl_option(const tfl_call *c, uint32_t slot, int fallback); /* bytes */
int32_t tfl_option_int(const tfl_call *c, uint32_t slot, int32_t fallback);

/* ------------------------------------------------- integer arithmetic ---- */

/* Fixed-point factors from real scales; see ir_requantize. */
typedef struct tfl_factors {
    uint32_t n;
    const double *scale;
    mli_rounding rounding;
    uint32_t left;
    float low, high;
} tfl_factors;

/* scale = m * 2^(s - 31) as nearly as 31 bits give it. */
void tfl_factor(double scale, int32_t *m, int *s);
ir_id tfl_fixed(tfl_run *r, mli_requantize kind, ir_id x, ir_id u,
                const tfl_factors *f);
/* Output k, quantised, from whole numbers: n scales, one for all or one for
   each element of the last axis. */
void tfl_put_fixed(tfl_run *r, tfl_call *c, int k, ir_id id, uint32_t n,
                   const double *scale, mli_rounding rounding, int activation);
/* Is there a table for this function (mli_unary or TFL_RSQRT) of these 8-bit
   numbers? Then output 0 is what it says. */
#define TFL_RSQRT (MLI_UNARY_COUNT + 1)
int tfl_tabled(const tfl_call *c, const tfl_value *v, int fn);
void tfl_put_table(tfl_run *r, tfl_call *c, tfl_value *v, int fn, float alpha);
/* The same of 16-bit numbers. */
int tfl_tabled16(const tfl_call *c, const tfl_value *v, int fn);
void tfl_put_table16(tfl_run *r, tfl_call *c, tfl_value *v, int fn,
                     float alpha);
void tfl_put_softmax16(tfl_run *r, tfl_call *c, tfl_value *v, float beta);
float tfl_gelu(float x, int tanh);
/* Output 0 of two quantised operands; 0: they are not, nothing is done. */
int tfl_fixed_pair(tfl_run *r, tfl_call *c, mli_requantize kind,
                   int activation);

/* ---------------------------------------------------------- variables ---- */

tfl_variable *tfl_variable_of(tfl_run *r, const char *name,
                              const tfl_tensor *tensor);
/* What it holds now; dims and type from the tensor. */
ir_id tfl_read_variable(tfl_run *r, tfl_variable *v, const tfl_tensor *t);
void tfl_write_variable(tfl_run *r, tfl_variable *v, const tfl_tensor *t,
                        ir_id id);
void tfl_end_variables(tfl_run *r);

/* ------------------------------------------------------------ walking ---- */

/* Run a subgraph on these inputs; answers its values, outputs among them. */
tfl_value *tfl_walk(tfl_run *r, uint32_t subgraph, tfl_value *const *in,
                    uint32_t inputs);
const tfl_op *tfl_find_op(int code);
const char *tfl_op_name(int code);
/* An operator with an operand that has time. */
void tfl_run_in_time(tfl_run *r, tfl_call *c, const tfl_op *op);
/* v so many frames late, zeros in front as frames. */
ir_id tfl_settled(tfl_run *r, tfl_value *v, uint32_t late);
int tfl_takes_complex(int code); /* of its operands */

/* ---------------------------------------------------------- operators ---- */

void tfl_do_dense(tfl_run *r, tfl_call *c, int what);
void tfl_do_conv(tfl_run *r, tfl_call *c, int depthwise);
void tfl_do_transpose_conv(tfl_run *r, tfl_call *c, int what);
void tfl_do_pool(tfl_run *r, tfl_call *c, int what);
void tfl_do_batch_matmul(tfl_run *r, tfl_call *c, int what);
void tfl_do_binary(tfl_run *r, tfl_call *c, int fn);
void tfl_do_squared_difference(tfl_run *r, tfl_call *c, int what);
void tfl_do_add_n(tfl_run *r, tfl_call *c, int what);
void tfl_do_unary(tfl_run *r, tfl_call *c, int fn);
void tfl_do_relu(tfl_run *r, tfl_call *c, int activation);
void tfl_do_leaky_relu(tfl_run *r, tfl_call *c, int what);
void tfl_do_gelu(tfl_run *r, tfl_call *c, int what);
void tfl_do_square(tfl_run *r, tfl_call *c, int what);
void tfl_do_rsqrt(tfl_run *r, tfl_call *c, int what);
void tfl_do_compare(tfl_run *r, tfl_call *c, int what);
void tfl_do_select(tfl_run *r, tfl_call *c, int what);
void tfl_do_softmax(tfl_run *r, tfl_call *c, int log);
void tfl_do_l2_normalization(tfl_run *r, tfl_call *c, int what);
void tfl_do_reduce(tfl_run *r, tfl_call *c, int fn);
void tfl_do_cast(tfl_run *r, tfl_call *c, int what);
void tfl_do_requantize(tfl_run *r, tfl_call *c, int what);
void tfl_do_reshape(tfl_run *r, tfl_call *c, int what);
void tfl_do_transpose(tfl_run *r, tfl_call *c, int what);
void tfl_do_pack(tfl_run *r, tfl_call *c, int what);
void tfl_do_unpack(tfl_run *r, tfl_call *c, int what);
void tfl_do_concatenation(tfl_run *r, tfl_call *c, int what);
void tfl_do_split(tfl_run *r, tfl_call *c, int sizes);
void tfl_do_slice(tfl_run *r, tfl_call *c, int what);
void tfl_do_strided_slice(tfl_run *r, tfl_call *c, int what);
void tfl_do_pad(tfl_run *r, tfl_call *c, int what);
void tfl_do_mirror_pad(tfl_run *r, tfl_call *c, int what);
void tfl_do_gather(tfl_run *r, tfl_call *c, int what);
void tfl_do_gather_nd(tfl_run *r, tfl_call *c, int what);
void tfl_do_where(tfl_run *r, tfl_call *c, int what);
void tfl_do_tile(tfl_run *r, tfl_call *c, int what);
void tfl_do_broadcast_to(tfl_run *r, tfl_call *c, int what);
void tfl_do_fill(tfl_run *r, tfl_call *c, int what);
void tfl_do_shape(tfl_run *r, tfl_call *c, int what);
void tfl_do_range(tfl_run *r, tfl_call *c, int what);
void tfl_do_reverse(tfl_run *r, tfl_call *c, int what);
void tfl_do_update_slice(tfl_run *r, tfl_call *c, int what);
void tfl_do_depth_to_space(tfl_run *r, tfl_call *c, int back);
void tfl_do_space_to_batch(tfl_run *r, tfl_call *c, int back);
void tfl_do_embedding(tfl_run *r, tfl_call *c, int what);
void tfl_do_one_hot(tfl_run *r, tfl_call *c, int what);
void tfl_do_rfft(tfl_run *r, tfl_call *c, int what);
void tfl_do_complex_part(tfl_run *r, tfl_call *c, int what);
void tfl_do_resize(tfl_run *r, tfl_call *c, int nearest);
void tfl_do_lstm(tfl_run *r, tfl_call *c, int both);
void tfl_do_rnn(tfl_run *r, tfl_call *c, int sequence);
void tfl_do_svdf(tfl_run *r, tfl_call *c, int what);
void tfl_do_var_handle(tfl_run *r, tfl_call *c, int what);
void tfl_do_read_variable(tfl_run *r, tfl_call *c, int what);
void tfl_do_assign_variable(tfl_run *r, tfl_call *c, int what);
void tfl_do_call_once(tfl_run *r, tfl_call *c, int what);
void tfl_do_while(tfl_run *r, tfl_call *c, int what);
void tfl_do_if(tfl_run *r, tfl_call *c, int what);

#endif
