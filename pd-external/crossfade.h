/*
 * crossfade.h - from one sound to another without a click: a gain that goes
 * from 0 to 1, or back, in FADE_MILLISECONDS.
 *
 * The gains of both add up to 1 at every frame, which is right for two models
 * that hear the same sound, and their course is 3 t^2 - 2 t^3 (t: the share of
 * the time that is over), which begins and ends without a bend; from chunk to
 * chunk it is a straight line. Its steepest step is 1.5 / frames: no more than
 * that, times the difference of both sounds, is what a fade adds to the step
 * from a sample to the next.
 */
#ifndef CROSSFADE_H
#define CROSSFADE_H

#include <stdint.h>

#define FADE_MILLISECONDS 8

typedef struct _fade {
    uint32_t f_frames; /* of the whole way */
    uint32_t f_at;     /* 0 to f_frames */
    uint32_t f_wait;   /* frames before it moves, up to a chunk more */
    int f_up;          /* it goes to 1 */
} t_fade;

/* Stay at 0 or 1. */
void fade_set(t_fade *f, int up);

/* Go to 0 or 1 after `wait` frames, from where it is. rate: Hz. */
void fade_go(t_fade *f, int up, uint32_t wait, double rate);

int fade_moves(const t_fade *f);

/* Where it stands when it does not move: 0 or 1. */
int fade_stands(const t_fade *f);

/* The gain in a chunk: that of its first frame, and the step to the next. */
typedef struct _ramp {
    float r_gain, r_step;
} t_ramp;

/* The next n frames; 0: it does not move. */
int fade_next(t_fade *f, uint32_t n, t_ramp *r);

/* mix: from + (to - from) gain, n frames; may be one of these. 0 for to or
   from: silence. */
void fade_mix(const float *from, const float *to, const t_ramp *r, float *mix,
              int n);

#endif
