/*
 * signalbox.h - the struct of [mlinfer~], and what its files know of it.
 */
#ifndef SIGNALBOX_H
#define SIGNALBOX_H

#include "box.h"
#include "crossfade.h"

/* A new model is heard from the block after the one that it comes in: the work
   of its coming and the first of both models are not done in one. */
typedef enum { SWAP_NONE, SWAP_BEGINS, SWAP_GOES_ON } t_swaps;

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
    t_fade x_dry;     /* from the model to bypass */
    t_swaps x_swaps;  /* x_old is heard, too, ... */
    t_fade x_swap;    /* ... from it to x_voice */
    uint32_t x_ticks; /* of perform ... */
    uint32_t x_seenticks; /* ... when they were last seen to move ... */
    double x_seen;        /* ... which was then */
    int x_hopsaid;        /* that -hop does nothing was said */
    double x_saidmodel;   /* rates of a mismatch that was said: model's ... */
    t_float x_saidcanvas; /* ... and canvas's */
    t_clock *x_tell;      /* says what perform found */
    t_outlet *x_list;
} t_signalbox;

/* perform, for dsp_add with the box and the frames. */
t_int *signalbox_perform(t_int *w);

/* bypass 0/1 */
void signalbox_bypass(t_signalbox *x, t_symbol *s, int argc, t_atom *argv);

/* x_voice has come in place of x_old: fade from one to the other, or not. */
void signalbox_swap(t_signalbox *x, int fade);
/* Does it still? If the tick has stopped to come, it ends here. */
int signalbox_swaps(t_signalbox *x);

#endif
