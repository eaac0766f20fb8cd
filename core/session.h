/*
 * session.h - a session as it lies in state memory: the struct, then prepared
 * operators ("steps"), kept states, ports, and their floats.
 */
#ifndef MLI_SESSION_H
#define MLI_SESSION_H

#include "clock.h"
#include "file.h"
#include "kernels.h"

/*
 * A state that is kept: a ring of `capacity` frames, the next of which goes to
 * `pos`. The last `frames` of them are the state. A convolution's ring has
 * room for a tile more, and a mirror of its first `mirror` frames after it.
 * Where that is no longer than a tile, planes slide instead: before frames go
 * to `front`, the last ones go to the places before it.
 */
typedef struct mli_kept {
    float *data;
    uint32_t row; /* planes: floats from channel to channel; else 0: a frame's
                     channels are side by side */
    uint32_t capacity;
    union {
        uint32_t first; /* planes that were opened: where */
        uint32_t lasts; /* window models: it goes on from window to window */
    };
    uint32_t pos;
    uint32_t frames;
    uint32_t width;
    uint32_t mirror;
    uint32_t front; /* of planes that slide, else 0 */
} mli_kept;

/* To what the file has it begin with: state `i` of the file. */
void mli_kept_reset(mli_kept *k, const mli_file *f, uint32_t i);
/* Take n <= mirror frames in, mirror included. */
void mli_kept_push(mli_kept *k, const float *x, uint32_t n);
/*
 * The same from planes, `row` floats from channel to channel, into planes.
 * Answers where the first of them is.
 */
uint32_t mli_kept_push_planes(const mli_kernels *by, mli_kept *k,
                              const float *x, size_t row, uint32_t n);
/*
 * The same without a copy: where the next n frames of planes are to be written,
 * and what lies past them up to a multiple of MLI_PLANE; when they are there,
 * the ring is closed.
 */
uint32_t mli_kept_open(const mli_kernels *by, mli_kept *k);
void mli_kept_close(const mli_kernels *by, mli_kept *k, uint32_t n);

/* A delay keeps x and gives what it kept. y may be x: each number is read
   before it is written. */
static inline void mli_exchange(float *kept, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float old = kept[i];
        kept[i] = x[i];
        y[i] = old;
    }
}

typedef struct mli_step mli_step;

/* Run a step for `frames` frames, at least 1; 1 where it is not timed. */
typedef void mli_step_run(const mli_kernels *k, const mli_step *step,
                          uint32_t frames);

/*
 * Run the units [first, last) of a step's frames * units, for models that are
 * spread: all units once and in order, in any number of calls, give the same
 * bits as one run.
 */
typedef void mli_step_part(const mli_kernels *k, const mli_step *step,
                           uint32_t frames, uint32_t first, uint32_t last);

typedef struct mli_matrix_step { /* x to y through conv or depthwise */
    mli_conv conv;               /* frames: rows of x in one frame */
    mli_conv *call;              /* that, which turns round at each run */
    mli_kept *ring;              /* or NULL */
    void (*kernel)(const mli_conv *a, uint32_t first, uint32_t last);
    uint32_t outputs;
    mli_unary f; /* dense: of the result */
    float p, q;
} mli_matrix_step;

typedef struct mli_image_step { /* images to images, row by row of y */
    mli_conv conv;              /* one row */
    void (*kernel)(const mli_conv *a, uint32_t first, uint32_t last);
    uint32_t outputs; /* of a row's pixel */
    uint32_t rows;    /* of y in one image */
    size_t x_row;     /* floats from row to row: so far y's is further in x */
    size_t y_row;
    size_t x_image; /* floats from image to image */
    size_t y_image;
} mli_image_step;

typedef struct mli_pool_step {
    mli_binary f;
    float empty;      /* of a window without elements */
    uint32_t length;  /* of the axis in x, */
    uint32_t windows; /* in y */
    uint32_t size, step, dilation, before;
    uint32_t inner; /* floats of one element of the axis */
    uint32_t begun; /* y has joined taps before these */
} mli_pool_step;

typedef struct mli_recurrent_step {
    void (*kernel)(const mli_recurrent *a, uint32_t first, uint32_t last);
    mli_recurrent recurrent; /* but x, h, c, y and frames */
    mli_kept *h;
    mli_kept *c;    /* or NULL */
    mli_kept *held; /* the count of frames that were held, or NULL */
    uint32_t hold;  /* frames to hold */
    uint32_t units;
    uint32_t gate_floats; /* in a frame of x */
    float factor;         /* of bytes */
    /* From here on it has no room but with a matrix of bytes that it multiplies
       or of four bits, and for the gru that resets first: what follows the
       product; NULL: rnn */
    void (*cell)(const mli_cell *a, uint32_t first, uint32_t last);
    mli_conv product[2]; /* gru that resets first: h to r and z, to n;
                            with such a matrix: h to all gates */
    float *words;        /* what they multiply as bytes, or NULL */
    float *gates;        /* scratch of these: gates, */
    float *reset;        /* gru: reset h, then a product */
} mli_recurrent_step;

typedef struct mli_map_step { /* unary, affine, rows */
    const float *scale;
    const float *shift;
    uint32_t scale_step, shift_step;
    uint32_t size;   /* of a row */
    uint32_t option; /* function, flag */
    float p, q;
} mli_map_step;

/*
 * A walk over y in C order with other strides for x (copies) or a and b
 * (binary). Axes are joined where all strides allow. axes >= 1: a step has room
 * for no more than it needs.
 */
typedef struct mli_axis {
    int64_t stride[2]; /* copies: x, y. binary: a, b */
    uint32_t count;
} mli_axis;

typedef struct mli_walk_step {
    uint32_t axes;
    int joined; /* axes is 1 and time goes on where it ends */
    uint32_t f;
    int64_t time[2]; /* strides from frame to frame */
    mli_axis axis[MLI_MAX_RANK];
} mli_walk_step;

/* SELECT: axes from the innermost on; operands c, a, b. axes >= 1. */
typedef struct mli_select_step {
    const float *from[3];
    int64_t time[3]; /* from frame to frame */
    int64_t stride[3][MLI_MAX_RANK];
    uint32_t count[MLI_MAX_RANK];
    uint32_t axes;
} mli_select_step;

typedef struct mli_index_step { /* gather, scatter, cumulate */
    const float *index;
    const float *update;                     /* scatter */
    int64_t x_time, index_time, update_time; /* from frame to frame */
    uint32_t outer, length, inner;           /* x: before, along, after */
    uint32_t count;                          /* indices */
    uint32_t option;                         /* how; product */
    uint32_t exclusive, reverse;             /* cumulate */
} mli_index_step;

typedef struct mli_order_step { /* arg, topk */
    uint32_t size;              /* of a row of x */
    uint32_t k;
    uint32_t smallest, last, indices;
} mli_order_step;

typedef struct mli_trees_step {
    const float *nodes;   /* mli_tree_node, three words each */
    const float *roots;   /* words */
    const float *base;    /* of each target */
    const float *weights; /* pairs of words, or NULL */
    uint32_t trees, features, targets, aggregate;
} mli_trees_step;

typedef struct mli_distance_step { /* distance, couple */
    const float *w;
    float *scratch; /* couple: 2 * points floats */
    uint32_t inputs, points, metric;
    float p;
} mli_distance_step;

typedef struct mli_random_step {
    mli_kept *count; /* frames so far: modulo 2^24, and by it */
    uint32_t key[2];
    uint32_t normal;
    float p, q; /* low, high; or mean, deviation */
} mli_random_step;

#define MLI_MAX_FACTORS 32 /* of a length below 2^28 */

typedef struct mli_dft_step {
    const float *table; /* cos, -sin of 2 pi k/n */
    float *scratch;     /* 4 n floats */
    uint32_t n;
    uint32_t x_floats, y_floats; /* of a row */
    uint32_t inverse, real, half;
    uint32_t halved; /* two real numbers count as a complex one */
    uint32_t factor_count;
    uint32_t factor[MLI_MAX_FACTORS]; /* of n, or n/2 if halved */
    float scale;
} mli_dft_step;

typedef struct mli_product_step {
    mli_conv conv; /* of one matrix: x, w and y are set in the run */
    float *packed;
    uint32_t transposed;
    float scale;
    mli_walk_step walk; /* over matrices */
} mli_product_step;

typedef struct mli_requantize_step {
    const float *m; /* factors, three floats each; or a table */
    uint32_t count; /* of these floats */
    uint32_t kind, rounding;
    uint32_t left; /* bits in front of the first factors */
    float low, high;
} mli_requantize_step;

/*
 * A call of planar that steps share: each gives it what is its own. Layers of
 * a network are mostly alike, and networks of few channels are mostly this.
 */
typedef struct mli_call {
    mli_planar_form *form;
    mli_planar planar; /* it has no room for a panel if it needs none, a
                          dense layer's none for what is mixed in */
} mli_call;

typedef struct mli_dense_step { /* x lies in the arena */
    mli_planar *call;           /* in an mli_call */
    const float *w;
    const float *b; /* or NULL */
    union {
        float *y;
        mli_kept *ring; /* y goes to the ring of the step after */
    };
    union {
        const float *add; /* or NULL */
        mli_kept *from;   /* what is added comes from a ring */
    };
} mli_dense_step;

typedef struct mli_conv_step { /* x lies in a ring */
    mli_planar *call;          /* in an mli_call */
    const float *w;            /* these as they lie in the call */
    const float *b;            /* or NULL */
    const float *mix_w;        /* or NULL */
    uint32_t dilation;
    mli_kept *ring;
    const float *x; /* no room where the step before fills the ring */
} mli_conv_step;

typedef struct mli_rows_step { /* planes, channel by channel */
    uint32_t rows;             /* channels of y */
    uint32_t row;              /* floats from channel to channel */
    uint32_t adjacent;         /* in all operands */
    size_t x_row, x2_row;      /* operands of binary, factors of affine */
    uint32_t x_step, x2_step;  /* from frame to frame */
    int64_t x_stride;          /* copies: from channel to channel of x */
    const float *scale;
    const float *shift;
    uint32_t f; /* function */
    float p, q;
    mli_kept *kept; /* delay, hold */
    uint32_t hold;  /* frames */
} mli_rows_step;

/* Slower and faster frames: one clock is the step's, this is the other. */
typedef struct mli_rate_step {
    mli_kept *kept; /* unfold: a ring, or NULL; depth to time: the frame in
                       play */
    const mli_clock *other;
    uint32_t taps, dilation, step;
    uint32_t width; /* floats of a frame of the faster one */
} mli_rate_step;

struct mli_step {
    mli_step_run *run;
    uint32_t op;    /* that it is part of: its index in the file */
    uint16_t bytes; /* to the next one */
    uint16_t tile;  /* in a session with planes: the row of a tensor */
    union {
        struct {
            const float *x;
            const float *x2;
            float *y;
            const mli_clock *clock;
            uint32_t elements; /* of y in one frame */
            uint32_t rows;     /* of x, or time steps, in one frame */
            union {
                mli_matrix_step matrix;
                mli_image_step image;
                mli_pool_step pool;
                mli_recurrent_step recurrent;
                mli_map_step map;
                mli_walk_step walk;
                mli_select_step select;
                mli_index_step index;
                mli_order_step order;
                mli_rate_step rate;
                mli_trees_step trees;
                mli_distance_step distance;
                mli_kept *kept; /* delay, hold, recall, store */
                mli_random_step random;
                mli_dft_step dft;
                mli_product_step product;
                mli_requantize_step requantize;
                mli_rows_step rows;
                float value; /* fill */
            } u;
            /* Spread models only: in them every step is as large as this. In
               others it has room for its own kind of the union, and nothing
               after it. */
            mli_step_part *part;   /* NULL: it runs as a whole */
            uint32_t units;        /* in one frame */
            uint32_t fixed;        /* cost of the first unit, beside its own, */
            uint32_t cost;         /* of a unit, about a vector instruction */
            uint32_t grain;        /* units that are best done together */
            uint32_t x_row, y_row; /* floats, where a unit is a row */
        };
        /* sessions with planes: */
        mli_dense_step dense;
        mli_conv_step conv;
    };
};

_Static_assert(sizeof(mli_step) + sizeof(mli_call) <= UINT16_MAX,
               "a step and its call");

/* Bytes of a step that ends with this member, all before it included. */
#define MLI_STEP_BYTES(member)                                                 \
    ((uint32_t)((offsetof(mli_step, member) +                                  \
                 sizeof(((mli_step *)0)->member) + 7) /                        \
                8 * 8))

/* A port at work. */
typedef struct mli_slot {
    float *tensor;
    float *kept; /* control: its values. window files, signal input: a ring of
                    window frames; output: the frames it plays (hop or 1).
                    stream files, output of a period over 1: its last frame */
    const mli_clock *clock;
    uint32_t period; /* frames of mli_process */
    uint32_t kind;
    uint32_t frames;
    uint32_t channels;
} mli_slot;

/*
 * Where a spread model stands in the work of the hop before this one. Stream
 * models: the hop is a cycle; its frames are in rings of `room` frames in the
 * ports' `kept`, inputs from the frame at which they came on, outputs beside
 * the inputs that they belong to.
 */
typedef struct mli_work {
    uint64_t total, done; /* cost of a hop */
    uint32_t going;       /* there is work */
    uint32_t step, unit;  /* the next */
    uint32_t room;
    uint32_t chunk;  /* frames computed at a time */
    uint32_t at;     /* the chunk in hand begins with this frame of the hop */
    uint32_t frames; /* in the chunk in hand, 0: none is */
    uint32_t slot;   /* its first frame's, in the rings */
} mli_work;

struct mli_session {
    mli_model model;
    const mli_kernels *kernels;
    mli_step *steps; /* one after another: mli_step_after */
    mli_kept *kept;
    mli_slot *inputs;
    mli_slot *outputs;
    float *arena;
    float *scratch;
    uint32_t mode;
    uint32_t tile;   /* ticks in a chunk; 1 but for stream models */
    uint32_t planar; /* tensors are planes: rows of a tile for each channel */
    mli_clock *clocks;
    uint32_t clock_count;
    uint32_t frame_ticks;
    uint32_t cycle;    /* ticks */
    uint32_t position; /* ticks, modulo the cycle */
    uint32_t step_count, kept_count, input_count, output_count;
    size_t step_at; /* bytes, while steps are prepared: the next one's */
    uint32_t window, hop;
    uint32_t spread; /* frames, or 0 */
    uint32_t head;   /* where the next frame goes in the window's rings */
    uint32_t filled; /* frames since the last run */
    mli_observer *observer; /* or NULL */
    void *observer_user;
    mli_work work; /* there is room for it in spread models only */
};

/* What a build leaves out is never so. */
static inline int mli_is_spread(const mli_session *s)
{
    return MLI_HAS(SPREAD) && s->spread != 0;
}

static inline const mli_step *mli_step_after(const mli_step *step)
{
    return (const mli_step *)(const void *)((const uint8_t *)step +
                                            step->bytes);
}

static inline int mli_has_planes(const mli_session *s)
{
    return MLI_PLANES && s->planar;
}

/* prepare.c: the steps of a session whose memory is laid out. */
void mli_prepare(mli_session *s, const mli_file *f);
/* prepare_planar.c: are tensors planes in sessions of this file? Its steps, and
   how many they are. */
int mli_is_planar(const mli_file *f);
void mli_prepare_planar(mli_session *s, const mli_file *f);
/* What its steps need: how many there are, and bytes, with those of calls. */
typedef struct mli_planar_room {
    uint32_t steps;
    uint64_t bytes;
} mli_planar_room;

mli_planar_room mli_room_of_planar(const mli_file *f);
/* Steps of a session, at most. */
uint64_t mli_count_steps(const mli_file *f);
/* The most steps an operator becomes. */
uint32_t mli_step_room(const mli_file_op *op);
/* Bytes of each step of an operator, of one for the function that follows it,
   and of all its steps, with interleaved tensors. */
uint32_t mli_step_bytes(const mli_file *f, const mli_file_op *op);
uint32_t mli_function_bytes(const mli_file *f);
uint64_t mli_all_step_bytes(const mli_file *f, const mli_file_op *op);
/* The same of a step that is no head of a chain, in a session with planes. */
uint32_t mli_planar_step_bytes(const mli_file_op *op);
/* A reshape in place: it is no step. */
int mli_is_in_place(const mli_file *f, const mli_file_op *op);

/* Floats of the scratch that a layer's stored matrix is decoded to, a panel at
   a time, in a planar session. */
uint64_t mli_planar_panel(const mli_file *f, const mli_file_op *op);
/* Floats of scratch that operators share; planar: in a planar session. */
uint64_t mli_scratch_floats(const mli_file *f, const mli_file_op *op,
                            int planar);

/* Elements of a row of a walk that are a unit. */
#define MLI_WALK_LUMP 256u
mli_step_part mli_part_copy, mli_part_binary; /* step_walk.c */
mli_step_part mli_part_product;               /* step_product.c */

void mli_fill(float *y, float value, size_t n); /* step_walk.c */

/* slice.c: how a step runs in parts, and what they cost. */
void mli_slice(mli_step *step, uint32_t lanes);

/* process.c */
void mli_give_controls(mli_session *s);
/* spread.c: the work of a hop, once steps and clocks are there */
void mli_spread_start(mli_session *s);
void mli_spread_reset(mli_session *s);
/* Begin with the first step, in window models. */
void mli_spread_window(mli_session *s);
/* Do the share of the work that is due when s->filled frames of the hop have
   come; all of it by the end. */
void mli_spread_advance(mli_session *s);
/* Frames of a stream in and out, at most a tile, not past the hop's end. */
void mli_spread_frames(mli_session *s, const float *const *in,
                       float *const *out, uint32_t at, uint32_t n);
/* One frame, a port's channels side by side. */
void mli_spread_frame(mli_session *s, const float *const *in,
                      float *const *out);
/* Frames of a port's ring. */
uint32_t mli_spread_room(const mli_file *f, uint32_t tile);

/* How many of the next frames a count up to `most` still silences; it goes on.
 */
uint32_t mli_count_held(mli_kept *count, uint32_t most, uint32_t frames);

/* step_matrix.c, step_image.c, step_recurrent.c, step_map.c, step_walk.c,
 * step_time.c */
mli_step_run mli_run_matrix, mli_run_dense, mli_run_ring_matrix;
mli_step_run mli_run_image, mli_run_pool;
mli_step_run mli_run_recurrent, mli_run_gru_reset_first, mli_run_stored;
mli_step_run mli_run_number;
mli_step_run mli_run_unary, mli_run_affine, mli_run_softmax, mli_run_normalize,
    mli_run_reduce;
mli_step_run mli_run_binary, mli_run_copy, mli_run_fill;
mli_step_run mli_run_delay, mli_run_hold;
/* step_planar.c */
mli_step_run mli_run_planar, mli_run_planar_to_ring, mli_run_planar_from_ring,
    mli_run_planar_rings, mli_run_planar_ring, mli_run_planar_filled;
mli_step_run mli_run_rows_unary, mli_run_rows_binary, mli_run_rows_affine,
    mli_run_rows_copy, mli_run_rows_delay, mli_run_rows_hold;
/* step_select.c, step_index.c, step_order.c */
mli_step_run mli_run_select, mli_run_gather, mli_run_scatter, mli_run_cumulate;
mli_step_run mli_run_arg, mli_run_topk;
mli_step_run mli_run_unfold, mli_run_depth_to_time; /* step_rates.c */
/* step_trees.c, step_distance.c, step_couple.c */
mli_step_run mli_run_trees, mli_run_distance, mli_run_couple;
mli_step_run mli_run_requantize;
/* step_fixed.c: of a 16-bit number with this many bits in front of the point,
   at most 6; the result has none there */
int32_t mli_fixed_logistic(int32_t x, uint32_t bits);
int32_t mli_fixed_tanh(int32_t x, uint32_t bits);
mli_step_run mli_run_to_bytes;              /* step_bytes.c */
mli_step_run mli_run_recall, mli_run_store; /* step_carry.c */
/* step_random.c, step_dft.c, step_product.c */
mli_step_run mli_run_random, mli_run_dft, mli_run_product;

#endif
