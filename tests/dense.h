/*
 * dense.h - the plainest layer for the tests of kernels, and what they make
 * others from.
 */
#ifndef DENSE_H
#define DENSE_H

#include "kernels.h"

/* inputs: floats, or words of four bytes */
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

#endif
