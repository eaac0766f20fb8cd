/*
 * player.h - a session over memory of its own, for tests.
 */
#ifndef PLAYER_H
#define PLAYER_H

#include <stdint.h>
#include "file_builder.h"
#include "mlinfer.h"

typedef struct player {
    mli_model model;
    mli_info info;
    mli_memory memory;
    mli_session *session;
    void *state, *arena;
} player;

/* Open an image that must be right and start a session; fails the test (or, in
   programs without one, ends it) otherwise. */
void player_open(player *p, fb_image image, const char *kernels, uint32_t tile);
void player_close(player *p);

/*
 * Process `frames` frames of planar channels in blocks: cuts of `block` frames,
 * or, with block 0, random ones of up to 130 from *seed.
 */
void player_process(player *p, const float *const *in, float *const *out,
                    uint32_t frames, uint32_t block, uint32_t *seed);

/* n channels of frames floats, and NULL-safe freeing of them. */
float **channels_new(uint32_t n, uint32_t frames);
/* The same with noise in [-1, 1), equal on every run. */
float **channels_noise(uint32_t n, uint32_t frames);
void channels_free(float **c, uint32_t n);

#endif
