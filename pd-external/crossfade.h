/*
 * crossfade.h - from one sound to another without a click: a gain that goes
 * from 0 to 1, or back, in FADE_MILLISECONDS.
 *
 * The gains of both add up to 1 at every frame, which is right for two models
 * that hear the same sound, and their course is 3 t^2 - 2 t^3 (t: the share of
 * the time that is over), which begins and ends without a bend. Its steepest
 * step is 1.5 / frames: that much, times the difference of both sounds, is all
 * that a fade adds to the step from a sample to the next.
 */
#ifndef CROSSFADE_H
#define CROSSFADE_H

#include <stdint.h>

#define FADE_MILLISECONDS 8

typedef struct _fade {
    uint32_t f_frames; /* of the whole way */
    uint32_t f_at;     /* 0 to f_frames */
    uint32_t f_wait;   /* frames before it moves */
    int f_up;          /* it goes to 1 */
} t_fade;

/* Stay at 0 or 1. */
void fade_set(t_fade *f, int up);

/* Go to 0 or 1 after `wait` frames, from where it is. rate: Hz. */
void fade_go(t_fade *f, int up, uint32_t wait, double rate);

int fade_moves(const t_fade *f);

/* Gains of the next n frames; 0: it does not move, and gain is as it was. */
int fade_next(t_fade *f, float *gain, int n);

/* Where it stands when it does not move: 0 or 1. */
int fade_stands(const t_fade *f);

/* to: from + (to - from) gain, n frames. 0 for to or from: silence. */
void fade_mix(const float *from, const float *to, const float *gain, float *mix,
              int n);

#endif
