/*
 * bench_session.h - a model that runs on noise, block by block, as often as one
 * likes.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "loaded_model.h"

typedef struct bench_session {
    mli_info info;
    mli_session *session;
    uint32_t block;  /* frames a call; 1 for step models: a list */
    uint32_t blocks; /* of noise, one after another */
    uint32_t next;
    float *values;    /* inputs, each `blocks` blocks of it, then outputs */
    const float **in; /* one a channel (stream, window) or port (step) */
    const float **at; /* where in[] is now */
    float **out;
    uint32_t ins, outs;
    size_t in_step; /* floats from block to block */
    void *state, *arena;
} bench_session;

/*
 * Lay out a session for blocks of `block` frames with a kernel build. Says what
 * is wrong and returns -1 if there is no memory. loaded must stay open.
 */
int bench_session_start(bench_session *b, const loaded_model *loaded,
                        const char *kernels, uint32_t block, const char *path);

/* One block (stream, window) or list (step). */
void bench_session_run(bench_session *b);

void bench_session_end(bench_session *b);

#endif
