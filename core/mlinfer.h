/*
 * mlinfer.h - the runtime of mlinfer: this header is its manual.
 *
 * A model file (made by the compiler, see docs/model-file.md) is opened once,
 * which verifies every byte of it; then any number of sessions run it, each
 * over memory that the caller gives.
 *
 *     mli_model model;
 *     mli_open(&model, bytes, size, NULL);
 *     mli_memory memory;
 *     mli_sizes(&model, 64, &memory);
 *     ... get memory.state_bytes and memory.arena_bytes, 64-byte aligned ...
 *     mli_session *s;
 *     mli_start(&model, mli_kernels_find(NULL), 64, state, arena, &s);
 *     mli_process(s, inputs, outputs, frames);
 *
 * Restrictions
 *  - The bytes of the model begin at a 64-byte boundary and stay where they
 *    are, unchanged, while any model or session uses them. Little-endian
 *    machines only. (Who owns the bytes and every session on them may change
 *    numbers of constants that are not indices or nodes of trees between runs,
 *    as learn/ does: sessions read them in place and keep nothing of them.)
 *  - State and arena begin at 64-byte boundaries and belong to one session.
 *  - A session is used by one thread at a time. Models are read-only: sessions
 *    on different threads may share one.
 *  - mli_process, mli_run, mli_set and mli_reset never allocate, lock, print
 *    or call the system, and they cannot fail: all that could go wrong was
 *    checked by mli_open and mli_start. Their time is bounded by the model and
 *    the number of frames.
 *  - Nothing here has global mutable state.
 *
 * Units and shapes
 *  - A frame is one sample of each channel. Signals are 32-bit floats, one
 *    array per channel. Full scale is +-1 by convention only.
 *  - Rates are in Hz, latencies and receptive fields in frames of the model's
 *    rate.
 *
 * Same bits for any cut: a signal cut into calls of mli_process in any way
 * gives the same output to the last bit, for one kernel build.
 */
#ifndef MLINFER_H
#define MLINFER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLI_ALIGNMENT      64u
#define MLI_FORMAT_VERSION 1u
#define MLI_MAX_RANK       8u

/* ------------------------------------------------------------- errors ---- */

/*
 * What mli_open and mli_start answer. Numbers are pinned: they never change
 * their meaning. Where an error concerns one thing of many, its index comes
 * back beside it (the operator, tensor, port ... counted from 0).
 */
typedef enum mli_status {
    MLI_OK = 0,
    MLI_ERR_ALIGNMENT = 1, /* bytes or memory not 64-byte aligned */
    MLI_ERR_TOO_SHORT = 2, /* fewer bytes than a header */
    MLI_ERR_MAGIC = 3,     /* not a model file */
    MLI_ERR_VERSION = 4,   /* a newer format version; index: its number */
    MLI_ERR_FILE_SIZE = 5, /* the size in the header is not the file's */
    MLI_ERR_CRC = 6,       /* the bytes do not match their checksum */
    MLI_ERR_HEADER = 7,    /* a header field is out of range; its offset */
    MLI_ERR_SECTION = 8,   /* a section is outside the file, misaligned,
                              overlapping, or not whole records; index */
    MLI_ERR_STRING = 9,    /* a text is outside the pool; index of record */
    MLI_ERR_META = 10,     /* a bad metadata record */
    MLI_ERR_PORT = 11,     /* a bad input or output; its index */
    MLI_ERR_CHANNEL = 12,  /* a bad channel record; its index */
    MLI_ERR_TENSOR = 13,   /* a bad tensor record, or a byte of -128; index */
    MLI_ERR_TENSOR_REGION = 14, /* a tensor outside its region; its index */
    MLI_ERR_OP_TYPE = 15,       /* an unknown operator; its index */
    MLI_ERR_OP_ARITY = 16,      /* wrong number of operands; operator's index */
    MLI_ERR_OP_OPERAND = 17,    /* an operand of the wrong kind or order */
    MLI_ERR_OP_PARAMETER = 18,  /* an operator's parameter out of range */
    MLI_ERR_OP_SHAPE = 19,      /* a shape differs from the one derived */
    MLI_ERR_OP_STATE = 20,      /* an operator's state does not fit it */
    MLI_ERR_OVERLAP = 21,       /* two live tensors share memory; the later */
    MLI_ERR_ARENA = 22,         /* arena size or its bound is not as derived */
    MLI_ERR_STATE = 23,         /* a bad state record; its index */
    MLI_ERR_COUNT = 24,         /* a count in the header differs from the sum */
    MLI_ERR_COMPLEXITY = 25,    /* verification would take too long */
    MLI_ERR_TILE = 26,          /* tile is not 16, 32 or 64 */
    MLI_ERR_SIZE = 27,          /* sizes exceed the address space */
    MLI_ERR_OP_UNUSED = 28,     /* a reserved field is not zero; index */
    MLI_ERR_LEFT_OUT = 29,      /* it needs a part that this build of the
                                   runtime leaves out; its number: see
                                   mli_part_name */
    MLI_STATUS_COUNT
} mli_status;

/* A fixed English text for a status; never NULL. */
const char *mli_status_text(mli_status status);

/*
 * The runtime can be built with some operators and functions only, for small
 * machines: make OPS="NAME ...". This is the NAME of the part with a number
 * below MLI_PARTS, as it comes with MLI_ERR_LEFT_OUT; NULL: a number without a
 * part. See mli_needs.
 */
#define MLI_PARTS 192u
const char *mli_part_name(uint32_t part);

/* -------------------------------------------------------------- model ---- */

typedef enum mli_mode {
    MLI_STREAM = 0, /* frames in, frames out, any number a call */
    MLI_WINDOW = 1, /* a window of frames, an answer every hop */
    MLI_STEP = 2    /* one list in, one list out */
} mli_mode;

typedef enum mli_port_kind {
    MLI_PORT_SIGNAL = 0, /* stream: a value a frame and channel. window: window
                            frames. step: one list */
    MLI_PORT_CONTROL = 1 /* an input of a stream or window model that holds
                            its value until mli_set changes it */
} mli_port_kind;

/* An opened model. Fields are private; the struct is public so that callers
   can own it without an allocation. */
typedef struct mli_model {
    const uint8_t *bytes;
    uint32_t size;
} mli_model;

/* One input or output of a model. */
typedef struct mli_port {
    const char *name; /* UTF-8, never NULL */
    mli_port_kind kind;
    uint32_t channels; /* values a frame */
    uint32_t frames;   /* 1, or the frames of a window */
    uint32_t period;   /* stream: frames from value to value, 1 for most. A
                          slower input is taken at the end of each period,
                          a slower output holds its last value, 0 before
                          the first. else 1; controls 0 */
    int classes;       /* not 0: channel labels name classes */
} mli_port;

/* One channel of a port. */
typedef struct mli_channel {
    const char *label; /* UTF-8, may be empty, never NULL */
    float low, high;   /* range; low = high = 0 when unknown */
    float initial;     /* value before any was given */
} mli_channel;

typedef struct mli_info {
    mli_mode mode;
    double rate;              /* Hz; 0 when the model has none */
    uint32_t latency;         /* frames, of the latest output in mli_process */
    uint32_t receptive_field; /* frames; 0 when unbounded */
    uint32_t window, hop;     /* frames; window models, else 0 */
    uint32_t spread;          /* frames; 0, or what spreading the work over a
                                 hop adds to the latency, which counts it */
    uint32_t inputs, outputs; /* ports */
    uint32_t in_channels;     /* sum over signal inputs */
    uint32_t out_channels;    /* sum over outputs */
    uint32_t ops;
    uint32_t steps; /* that they run in: several may be fused to one */
    uint64_t parameters;
    uint64_t macs_per_frame; /* window: per run; step: per list */
    uint32_t file_bytes;
    uint32_t weight_bytes; /* constants and initial states */
    /* Weights of layers that are stored as f32, f16, int8 and int4, and those
       of layers that compute in integers: numbers, what fills up panels
       included. */
    uint64_t stored[5];
    uint32_t arena_floats;       /* stream: per frame of tile */
    uint32_t arena_bound_floats; /* the lower bound it is held against */
} mli_info;

/*
 * Verify a model file and make it ready. bytes: 64-byte aligned, size bytes
 * long. Nothing is copied. Untrusted bytes are safe: whatever they are, this
 * either answers an error or every later call is within bounds.
 * index: where the trouble is (see mli_status); may be NULL.
 * Time is near linear in size.
 */
mli_status mli_open(mli_model *model, const void *bytes, size_t size,
                    uint32_t *index);

void mli_get_info(const mli_model *model, mli_info *info);
/* index < info.inputs, < info.outputs */
void mli_get_input(const mli_model *model, uint32_t index, mli_port *port);
void mli_get_output(const mli_model *model, uint32_t index, mli_port *port);
/* index < port.channels * port.frames for step models, else < port.channels */
void mli_get_input_channel(const mli_model *model, uint32_t port,
                           uint32_t index, mli_channel *channel);
void mli_get_output_channel(const mli_model *model, uint32_t port,
                            uint32_t index, mli_channel *channel);
/* Metadata by key: "name", "author", "licence", "source", "description" ...;
   NULL when the file has none. */
const char *mli_get_meta(const mli_model *model, const char *key);
/* The i-th metadata record; 0 past the last. */
int mli_get_meta_at(const mli_model *model, uint32_t i, const char **key,
                    const char **value);

/* Not 0 if the model needs a build with that part. */
int mli_needs(const mli_model *model, uint32_t part);

/* ------------------------------------------------------------ kernels ---- */

typedef struct mli_kernels mli_kernels;

/*
 * A kernel build by name ("generic", "sse2", "avx2", "avx512", "neon"), or the
 * best for this machine when name is NULL. NULL when it is not in this binary
 * or this machine cannot run it.
 */
const mli_kernels *mli_kernels_find(const char *name);
/* Name of the i-th build that runs here, best first; NULL past the last. */
const char *mli_kernels_name(uint32_t i);

/* ------------------------------------------------------------ session ---- */

typedef struct mli_session mli_session;

typedef struct mli_memory {
    size_t state_bytes; /* kept from call to call */
    size_t arena_bytes; /* scratch; content need not survive between calls,
                           but if info.spread is not 0 */
} mli_memory;

/*
 * Exact bytes for a session. tile: the frames that a stream model computes at
 * a time: 16, 32 or 64. Larger is faster for large blocks; results are the
 * same bits. Window and step models ignore it.
 */
mli_status mli_sizes(const mli_model *model, uint32_t tile, mli_memory *memory);

/*
 * Lay a session over memory and reset it. kernels: not NULL. Every byte of the
 * memory is written, so no page fault is left for the audio thread.
 */
mli_status mli_start(const mli_model *model, const mli_kernels *kernels,
                     uint32_t tile, void *state, void *arena,
                     mli_session **session);

/* Back to the state right after mli_start; control inputs keep their values. */
void mli_reset(mli_session *session);

/*
 * Stream and window models: frames in, frames out. in has one array per
 * channel of the signal inputs (info.in_channels of them, ports in order), out
 * one per channel of the outputs; each is `frames` floats. frames may be any
 * number, 0 included. An output array may be the same as an input array (not
 * otherwise overlap it). A NULL input counts as silence, a NULL output is not
 * written.
 *
 * Window models run whenever a hop is complete; see docs/model-file.md for what
 * the outputs hold between. Step models run for every frame: its channels are
 * the list.
 *
 * A model that is spread (info.spread is not 0) does the work of a hop in
 * slices in the course of the next one, so that no call costs much more than
 * another of as many frames: its outputs are the same to the last bit, only
 * info.spread frames later. Controls count when a part of the work begins.
 *
 * Returns the number of window runs that were completed by this call (stream:
 * 0).
 */
uint32_t mli_process(mli_session *session, const float *const *in,
                     float *const *out, uint32_t frames);

/*
 * Step and window models: run once. in has one array per signal input port,
 * out one per output port, each frames*channels floats of the port, frame by
 * frame. A window model starts from its initial state each time. A NULL
 * output is not written. A stream model runs one frame. A window model that is
 * spread runs at once, and forgets the run that mli_process had under way.
 */
void mli_run(mli_session *session, const float *const *in, float *const *out);

/*
 * Set a control input: values has port.channels floats. index: the input
 * port's. Nothing happens if that port is not a control.
 */
void mli_set(mli_session *session, uint32_t index, const float *values);

/*
 * For measurements: called right before (ended = 0) and after (ended = 1) each
 * piece of work in mli_process and mli_run. op: the index in the model file of
 * the operator that it belongs to; one may take several pieces, and each tile
 * of a call its own. Nothing is computed differently. NULL: nothing is called,
 * and a tile costs one comparison more.
 */
typedef void mli_observer(void *user, uint32_t op, int ended);
void mli_observe(mli_session *session, mli_observer *observer, void *user);

#ifdef __cplusplus
}
#endif
#endif
