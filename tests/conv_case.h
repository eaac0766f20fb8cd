/*
 * conv_case.h - what the tests of kernels that take an mli_conv make their
 * layers from, and where its frames lie. To be included behind cmocka.h.
 */
#ifndef CONV_CASE_H
#define CONV_CASE_H

#include <stdlib.h>
#include <string.h>
#include "kernels.h"
#include "noise.h"

/* Around what a kernel may write: EDGE floats that stay CANARY. */
enum { EDGE = 32 };
static const float CANARY = 1234.5f;

/* The plainest layer. inputs: floats, or words of four bytes */
static inline mli_conv dense(uint32_t inputs, uint32_t outputs, uint32_t frames)
{
    return (mli_conv){.frames = frames,
                      .step = 1,
                      .taps = 1,
                      .dilation = 1,
                      .groups = 1,
                      .in_per_group = inputs,
                      .out_per_group = outputs};
}

/* Any taps, dilation, groups, strides and steps for a dense layer; ring: its
   input is one. */
static inline mli_conv convolved(mli_conv a, int ring)
{
    a.taps = 1 + below(6);
    a.dilation = 1 + below(9);
    a.groups = below(3) ? 1 : 1 + below(5);
    a.x_stride = a.groups * a.in_per_group + below(4);
    a.y_stride = a.groups * a.out_per_group + below(4);
    a.step = ring ? 1 : 1 + below(3);
    if (ring) {
        a.ring = (a.taps - 1) * a.dilation + 1 + below(50);
        a.pos = below(a.ring);
    }
    return a;
}

/* The input frame that tap k of output frame f reads. */
static inline size_t input_frame(const mli_conv *a, uint32_t f, uint32_t k)
{
    if (!a->ring)
        return (size_t)f * a->step + (size_t)k * a->dilation;
    int64_t t = (int64_t)a->pos - (int64_t)(a->taps - 1 - k) * a->dilation;
    return (size_t)((t + a->ring) % a->ring) + f;
}

/* n numbers of noise, to be freed. */
static inline float *filled(size_t n)
{
    float *p = malloc((n ? n : 1) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = noise();
    return p;
}

/* A dense layer's first frame with a function, from either end: the bits of two
   calls, and nothing else is written. */
static inline void check_single(const mli_kernels *k, const mli_conv *layer,
                                mli_unary f)
{
    const size_t n = layer->out_per_group;
    float *y = filled(2 * (n + 2 * EDGE)), *expected = y + n + 2 * EDGE;
    for (uint32_t backward = 0; backward < 2; backward++) {
        mli_conv a = *layer;
        for (size_t i = 0; i < 2 * (n + 2 * EDGE); i++)
            y[i] = CANARY;
        a.frames = 1;
        a.backward = backward;
        a.y = expected + EDGE;
        k->conv(&a, 0, a.out_per_group);
        k->unary(f, 0, 0, a.y, a.y, 0, n);
        a.y = y + EDGE;
        k->dense(&a, f, 0, 0);
        if (memcmp(y, expected, (n + 2 * EDGE) * sizeof *y) != 0)
            fail_msg("%s: one frame of %u inputs, %u outputs, storage %d, %s",
                     k->name, a.in_per_group, a.out_per_group, (int)a.storage,
                     backward ? "backward" : "forward");
    }
    free(y);
}

#endif
