/*
 * resampler.h - sound into another sample rate and back, frame by frame: for a
 * model that was made for another rate than its host's. It knows no Pd.
 *
 *     t_resampler r;
 *     resampler_plan(&r, 48000, 44100, model_latency, 2, 1, 64);
 *     t_layout l = {0, 0};
 *     resampler_lay(&r, &l);
 *     layout_make(&l);
 *     resampler_lay(&r, &l);
 *     resampler_start(&r);
 *     ... for each piece of at most 64 frames:
 *     n = resampler_in(&r, in, frames, inner_in);
 *     ... the model makes n frames of inner_out from inner_in ...
 *     resampler_out(&r, inner_out, n, out, frames);
 *
 * "Outer" is the host's side, "inner" the model's. Both directions are windowed
 * sincs (Kaiser): flat to 0.9 of the lower Nyquist frequency within 0.01 dB,
 * 100 dB down from that frequency on, linear in phase, and exact for constants.
 *
 * Delay. Let r = outer / inner rate, inner frame m lie at the outer moment
 * m r, K and G the frames that the filters look ahead (inwards in outer frames,
 * outwards in inner ones), D the model's latency in inner frames.
 * Inner frame m needs outer frames up to floor(m r) + K and is made when that
 * one has come. What the model makes of it is what it heard D inner frames
 * before; so outer frame n, which shall hold the moment n - T, is at
 * u = (n - T) / r + D of the model's frames and needs those up to floor(u) + G.
 * The last of these was made by frame n if floor((floor(u) + G) r) + K <= n. As
 * (floor(u) + G) r <= n - T + (D + G) r, and n - T is whole, it is enough that
 *
 *     T = K + floor((D + G) r)
 *
 * and no less will do, since u is whole for n = T. This is the latency: whole,
 * constant, and the same for any cut into pieces, because every frame is
 * treated alone, in the order in which it comes.
 *
 * Cost: the inner frames in any n outer ones are floor(n / r) or one more, from
 * the first call on.
 *
 * resampler_in and resampler_out do not allocate, lock or call the system.
 */
#ifndef RESAMPLER_H
#define RESAMPLER_H

#include <stdint.h>
#include "layout.h"

/* Largest quotient of the rates. */
#define RESAMPLER_RATIO_MAX 64

/* One direction. */
typedef struct _filter {
    uint32_t f_phases; /* moments between two frames that can be asked for */
    uint32_t f_rows;   /* rows of coefficients; interpolated if not f_phases */
    uint32_t f_taps;   /* of a row: a multiple of 16; 0: no filter */
    uint32_t f_ahead;  /* of them, those after the moment */
    double f_spacing;  /* frames between zeros of a sinc at the lower rate */
    float *f_table;    /* [f_rows][f_taps] */
    float *f_row;      /* [f_taps] an interpolated row */
} t_filter;

/* The last frames, each written twice so that any r_size of them lie side by
   side. */
typedef struct _ring {
    uint32_t r_channels, r_size;
    uint32_t r_at;   /* where the next frame goes */
    float *r_values; /* [r_channels][2 * r_size] */
} t_ring;

typedef struct _resampler {
    uint32_t r_outer, r_inner; /* rates, without their common factors */
    uint32_t r_delay;          /* D */
    uint32_t r_latency;        /* T, outer frames */
    uint32_t r_frames;         /* most outer frames of a call */
    uint32_t r_most;           /* most inner frames of a call */
    t_filter r_infilter, r_outfilter;
    t_ring r_inring, r_outring;
    uint32_t r_wait;     /* outer frames to come before the next inner one */
    uint32_t r_inphase;  /* of it, in 1/r_inner of an outer frame */
    uint32_t r_outphase; /* of the next outer one, 1/r_outer of an inner one */
    int32_t r_spare;     /* inner frames behind the last that it needs */
    uint8_t *r_held;     /* [outputs] see resampler_hold */
} t_resampler;

/*
 * Find out all sizes and the latency. outer, inner: rates in Hz, to a
 * thousandth. delay: frames of latency between the directions. in, out:
 * channels each way. filtered: 0 if all outputs will be held. frames: the most
 * of one call. Returns 0 if these rates cannot be converted: no numbers above
 * 0, or a quotient of over RESAMPLER_RATIO_MAX.
 */
int resampler_plan(t_resampler *r, double outer, double inner, uint32_t delay,
                   uint32_t in, uint32_t out, int filtered, uint32_t frames);

/* Memory; see layout.h. */
void resampler_lay(t_resampler *r, t_layout *l);

/* Coefficients (this takes some milliseconds) and silence. */
void resampler_start(t_resampler *r);

/* An output that goes in steps (the results of windows, slower ports) keeps
   them: no filter, which would ring. Its latency is the same. */
void resampler_hold(t_resampler *r, uint32_t output);

/* Back to the state right after resampler_start. */
void resampler_reset(t_resampler *r);

/* Returns the inner frames that were made, at most r_most. */
uint32_t resampler_in(t_resampler *r, float *const *outer, uint32_t frames,
                      float *const *inner);

/* Takes the frames that the last resampler_in made, after the model. */
void resampler_out(t_resampler *r, float *const *inner, uint32_t made,
                   float *const *outer, uint32_t frames);

/* --- the filter: resampler_filter.c --- */

/* Sizes for frames that are `spacing` of the lower rate's apart. */
void filter_plan(t_filter *f, uint32_t phases, double spacing);
void filter_make(t_filter *f);
/* The row of coefficients for a phase, oldest frame first. */
const float *filter_row(t_filter *f, uint32_t phase);

#endif
