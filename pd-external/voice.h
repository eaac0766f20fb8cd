/*
 * voice.h - a model made ready for one box: the player and, for [mlinfer~],
 * the memory that it is played in. While one model takes the place of another,
 * a box has two voices.
 *
 * A voice is made and closed on any thread. It is played on Pd's, where nothing
 * of it allocates, locks, prints or calls the system.
 */
#ifndef VOICE_H
#define VOICE_H

#include "m_pd.h"
#include "player.h"
#include "resampler.h"

/* Frames that are played at a time, whatever Pd's block is; but a block that is
   the model's window is played whole. */
#define CHUNK_MAX 64u

/* What a voice is made for: a box as it was created, and where it is now. */
typedef struct _setting {
    int s_tilde;  /* [mlinfer~]; else the rest means nothing */
    int s_aslist; /* see arguments.h ... */
    int s_norate, s_clamp, s_hop;
    int s_nin, s_nout; /* signal inlets, outlets; -1: as the model has */
    uint32_t s_tile;   /* see mli_sizes */
    t_float s_rate;    /* Hz, of the canvas ... */
    t_float s_pdrate;  /* ... and of Pd */
    int s_block;       /* frames, of the canvas; 0: not known yet */
} t_setting;

typedef struct _range {
    float r_low, r_high; /* low < high, or it is not known */
} t_range;

/* Results between the tick and the clock: a ring of r_room of them. */
typedef struct _results {
    float *r_values; /* [r_room][outputs], its own memory */
    uint32_t r_room, r_first, r_count;
} t_results;

/* For one model (or none): arrays that are read and written in the tick. */
typedef struct _buffers {
    uint32_t b_chunk;   /* frames at a time, at most; 0: there are no
                           buffers */
    uint32_t b_window;  /* frames, if the block is the window: one run a block,
                           its result in the same block; else 0 */
    uint32_t b_latency; /* frames of the canvas */
    uint32_t b_hop;     /* frames from one result to the next; 0: no results */
    uint32_t b_phase;   /* frames since the last result */
    uint32_t b_dryat;   /* where the delay lines stand */
    double b_rate;      /* Hz, of the canvas, if the model has another one and
                           sound is converted; else 0 */
    int b_tell;         /* results go to the message outlets */
    int b_nin;          /* inlets that are heard */
    int b_ndry;         /* channels that bypass has */
    float **b_in;       /* [b_nin][b_chunk], at least the model's inputs */
    float **b_out;      /* [the model's outputs][b_chunk] */
    float **b_modelin;  /* the same at the model's rate: b_in and b_out, or */
    float **b_modelout; /* [...][b_rates.r_most] */
    float **b_piecein;  /* pointers into these; with b_window, what each port
                           takes and makes, frame by frame */
    float **b_pieceout;
    t_resampler b_rates;
    float **b_dry;     /* [b_ndry][b_chunk] inlets, late; without latency
                          they are b_in */
    float *b_line;     /* [b_ndry][b_latency] */
    float *b_from;     /* [outputs] step: the result before ... */
    float *b_to;       /* [outputs] ... and the last one */
    t_range *b_ranges; /* [b_nin] for -clamp; 0: do not */
    void *b_memory;    /* all of it */
    t_results b_results;
} t_buffers;

/* Atoms of a result that fit the stack. A patch that feeds a box with its own
   output comes back a thousand times before Pd stops it, and a thousand of
   these must fit the stack as well. */
#define ATOMS_STACK 64

typedef struct _voice {
    t_player v_player;
    t_buffers v_buffers;
    t_atom *v_atoms; /* [outputs] for a longer list; 0: lent, or not needed */
} t_voice;

/* ----------------------------- made: voice.c ------------------------------ */

/* Are two settings the same for the memory of a voice? */
int setting_same(const t_setting *a, const t_setting *b);

/* Channels that a box has, or will have, with a player (0: none). */
int setting_inlets(const t_setting *s, const t_player *p);
int setting_outlets(const t_setting *s, const t_player *p);

/*
 * A file's model, ready to be played. path: a file that is there. fresh: see
 * shared.h. Every byte of its memory is written once. Returns 0 with failure
 * filled in, and nothing taken, if it cannot be had or does not fit the box.
 */
int voice_open(t_voice *v, const char *path, int fresh, const t_setting *s,
               t_failure *failure);
void voice_close(t_voice *v);

/* Is there anything in it? */
int voice_there(const t_voice *v);

/* Run it once on silence, so that its code and weights are at hand; then as if
   it had not been. */
void voice_warm(t_voice *v);

/*
 * Room for a result of n atoms, more than ATOMS_STACK, and an end of that. The
 * patch that gets the list may load another model meanwhile, which is why the
 * voice that played it lends the room: v is the voice that plays before and
 * after. Allocates only where the list before is still on its way, that is in
 * a patch that answers a result by asking for the next one. 0: no memory.
 */
t_atom *voice_lend(t_voice *v, uint32_t n);
void voice_return(t_voice *v, t_atom *at, uint32_t n);

/* ---------------------------- its memory: buffers.c ----------------------- */

/* The rate of the canvas if a model's sound is to be converted from and to it,
   else 0: none (0), a step model, -norate, the same rate, one too far off, or
   a canvas whose rate is not Pd's: by overlap, which is no other rate at all,
   or by resampling, and nothing tells which. */
double buffers_rate(const t_setting *s, const t_player *p);

/* The window of a model, if the canvas's block is that window: with the same
   hop, or overlapping, which is the hop then. Else 0. */
uint32_t buffers_window(const t_setting *s, const t_player *p);

/* Memory for a player (0: none) in a box; every byte of it is written once. */
int buffers_make(t_buffers *b, const t_setting *s, const t_player *p,
                 t_failure *failure);
void buffers_free(t_buffers *b);

/* Room for the results of one block of s_block frames, and one to spare; those
   that are there stay if there is room already. 0: no memory. */
int buffers_room(t_buffers *b, const t_setting *s, const t_player *p);

/* ---------------------------- played: playing.c --------------------------- */

enum { PLAYED_RESULT = 1, PLAYED_BAD = 2 };

/*
 * n frames (at most b_chunk) from the inlets: [b_nin] arrays, 0 where no
 * signal is, of which frame `first` is the first. Fills b_out and b_dry.
 * Returns what happened: a result came into b_results, the model made values
 * that are not numbers (its state is back at the beginning then).
 */
int voice_play(t_voice *v, t_sample *const *in, int first, int n);

/* The same for a voice that fades, beside another one that has just played the
   same frames: inlets are read once. dry: is bypass heard? */
void voice_play_on(t_voice *v, const t_voice *other, t_sample *const *in,
                   int first, int n, int dry);

/* The model from its beginning, and all around it. */
void voice_reset(t_voice *v);

#endif
