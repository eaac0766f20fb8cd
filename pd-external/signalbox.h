/*
 * signalbox.h - the struct of [mlinfer~] and the memory that its perform
 * routine works in.
 */
#ifndef SIGNALBOX_H
#define SIGNALBOX_H

#include "box.h"
#include "resampler.h"

/* Frames that perform takes at a time, whatever Pd's block is. */
#define CHUNK_MAX 64u

typedef struct _range {
    float r_low, r_high; /* low < high, or it is not known */
} t_range;

/* For one model (or none): arrays that perform reads and writes. */
typedef struct _buffers {
    uint32_t b_chunk;   /* frames at a time; at most one result in them */
    uint32_t b_window;  /* frames, if the block is the window: one run a block,
                           its result in the same block; else 0 */
    uint32_t b_latency; /* frames of the canvas */
    uint32_t b_hop;     /* frames from one result to the next; 0: no results */
    uint32_t b_phase;   /* frames since the last result */
    uint32_t b_dryat;   /* where the delay lines stand */
    double b_rate;      /* Hz, of the canvas, if the model has another one and
                           sound is converted; else 0 */
    int b_tell;         /* results go to the message outlets */
    int b_ndry;         /* channels that bypass has */
    float **b_in;       /* [inlets][b_chunk], at least the model's inputs */
    float **b_out;      /* [the model's outputs][b_chunk] */
    float **b_modelin;  /* the same at the model's rate: b_in and b_out, or */
    float **b_modelout; /* [...][b_rates.r_most] */
    float **b_piecein;  /* pointers into these; with b_window, what each port
                           takes and makes, frame by frame */
    float **b_pieceout;
    t_resampler b_rates;
    float **b_dry;     /* [b_ndry][b_chunk] inlets, late */
    float *b_line;     /* [b_ndry][b_latency] */
    float *b_from;     /* [outputs] step: the result before ... */
    float *b_to;       /* [outputs] ... and the last one */
    t_range *b_ranges; /* [inlets] for -clamp; 0: do not */
    void *b_memory;    /* all of it */
} t_buffers;

/* Results between perform and the clock: a ring of r_room of them. */
typedef struct _results {
    float *r_values; /* [r_room][outputs], its own memory */
    uint32_t r_room, r_first, r_count;
} t_results;

typedef struct _signalbox {
    t_box x_box;
    int x_nin;  /* signal inlets that count (there is always one); -1: not
                   known yet */
    int x_nout; /* signal outlets; -1: not known yet */
    t_sample **x_invec; /* 0: the signal has no such channel */
    t_sample **x_outvec;
    t_float x_rate;   /* Hz, of the canvas */
    int x_multi;      /* one inlet, one outlet, as many channels as the model */
    int x_saylatency; /* it changed with the rate of the canvas */
    int x_block;      /* frames, of the canvas; 0: no graph yet */
    int x_bypass;
    double x_saidmodel;   /* rates of a mismatch that was said: model's ... */
    t_float x_saidcanvas; /* ... and canvas's */
    t_buffers x_buffers;
    t_buffers x_next; /* for a model that is about to come */
    t_results x_results;
    t_clock *x_tell; /* says what perform found */
    t_outlet *x_list;
} t_signalbox;

/* Channels that a box has, or will have, with a player (0: none). */
int signalbox_inlets(const t_signalbox *x, const t_player *p);
int signalbox_outlets(const t_signalbox *x, const t_player *p);

/* The rate of the canvas if a model's sound is to be converted from and to it,
   else 0: none (0), a step model, -norate, the same rate, one too far off, or
   a canvas whose rate is not Pd's: by overlap, which is no other rate at all,
   or by resampling, and nothing tells which. */
double buffers_rate(const t_signalbox *x, const t_player *p);

/* The window of a model, if the canvas's block is that window: with the same
   hop, or overlapping, which is the hop then. Else 0. */
uint32_t buffers_window(const t_signalbox *x, const t_player *p);

/* Memory for a player (0: none) in a box; every byte of it is written once. */
int buffers_make(t_buffers *b, const t_signalbox *x, const t_player *p,
                 t_failure *failure);
void buffers_free(t_buffers *b);

#endif
