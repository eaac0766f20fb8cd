/*
 * weights.h - how matrices lie in a model file. The compiler writes this order,
 * every kernel build reads it.
 */
#ifndef MLI_WEIGHTS_H
#define MLI_WEIGHTS_H

#include <stdint.h>

/*
 * The one weight order: outputs in panels of 16, then taps, then inputs, then
 * the 16. The last panel of a matrix is padded with zeros to a multiple of 4.
 * The weight of output o, tap k, input i of a matrix with O outputs is at
 *   panel = o / 16, width = min(16, (O - 16*panel) rounded up to 4)
 *   16*panel*taps*inputs + (k*inputs + i)*width + o % 16
 * A convolution with groups has one such matrix per group, one after another;
 * a depthwise one (one input and one output per group) is a single matrix with
 * inputs = 1, output o reading channel o.
 */
#define MLI_PANEL 16u

/* Floats in one packed matrix. */
static inline uint64_t mli_packed_size(uint32_t outputs, uint32_t taps,
                                       uint32_t inputs)
{
    return (uint64_t)((outputs + 3u) / 4u * 4u) * taps * inputs;
}

/* Where weight (o, k, i) of a packed matrix is. */
static inline uint64_t mli_packed_index(uint32_t outputs, uint32_t taps,
                                        uint32_t inputs, uint32_t o, uint32_t k,
                                        uint32_t i)
{
    uint32_t base = o / MLI_PANEL * MLI_PANEL;
    uint32_t left = (outputs - base + 3u) / 4u * 4u;
    uint32_t width = left < MLI_PANEL ? left : MLI_PANEL;
    return (uint64_t)base * taps * inputs + ((uint64_t)k * inputs + i) * width +
           (o - base);
}

#endif
