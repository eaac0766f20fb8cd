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

/*
 * How the numbers of a packed matrix are stored. All but MLI_F32 have a scale
 * for each row (output): the weight is the number that is stored times the
 * scale of its row; MLI_INT4 has one for each MLI_INT4_GROUP products of a row.
 *
 * Here a matrix has `rows` outputs, whole quads of them (those of all groups
 * together, if a convolution has groups), and `products` = taps * inputs for
 * each. The numbers lie in the one order; right behind them the scales, f32:
 * for MLI_F16 and MLI_INT8 row after row; for MLI_INT4 panel after panel,
 * within it group after group, the panel's rows side by side.
 *
 *   MLI_F16   IEEE 754 halves, normal or zero: subnormal ones, infinities and
 *             NaN are not used
 *   MLI_INT8  signed bytes
 *   MLI_INT4  two's complement. The numbers of two products of a row share a
 *             byte, the first in the low half; if a row has an odd number of
 *             products the last high halves are zero.
 *   MLI_BYTES signed bytes, -127 to 127, one scale a row, of a layer that
 *             computes in integers: its inputs are bytes, too, four in a word.
 *             The inputs of a tap are filled up to whole words, and these take
 *             the place of inputs in the one order: where a number would be
 *             there are the four of a word's inputs. The scale is the row's
 *             times that of the inputs.
 */
typedef enum mli_storage {
    MLI_F32 = 0,
    MLI_F16 = 1,
    MLI_INT8 = 2,
    MLI_INT4 = 3,
    MLI_BYTES = 4,
    MLI_STORAGE_COUNT
} mli_storage;

#define MLI_INT4_GROUP 32u

/* Of MLI_BYTES, so that a sum fits 32 bits whatever the bytes. */
#define MLI_MOST_BYTES 131068u /* products of a row */

/* Words of a frame of so many bytes. */
static inline uint32_t mli_words(uint32_t bytes)
{
    return bytes / 4u + (bytes % 4u != 0);
}

/* Where weight (o, k, i) of a matrix of MLI_BYTES is, in bytes. */
static inline uint64_t mli_bytes_index(uint32_t outputs, uint32_t taps,
                                       uint32_t inputs, uint32_t o, uint32_t k,
                                       uint32_t i)
{
    return 4u * mli_packed_index(outputs, taps, mli_words(inputs), o, k,
                                 i / 4u) +
           i % 4u;
}

/* Bytes of the numbers of so many rows: a multiple of 4 as rows is. */
static inline uint64_t mli_stored_bytes(mli_storage type, uint64_t rows,
                                        uint64_t products)
{
    switch (type) {
    case MLI_F16:
        return rows * products * 2u;
    case MLI_INT8:
    case MLI_BYTES:
        return rows * products;
    case MLI_INT4:
        return rows * ((products + 1u) / 2u);
    default:
        return rows * products * 4u;
    }
}

/* Scales of one row. */
static inline uint64_t mli_stored_scales(mli_storage type, uint64_t products)
{
    switch (type) {
    case MLI_F16:
    case MLI_INT8:
    case MLI_BYTES:
        return 1;
    case MLI_INT4:
        return (products + MLI_INT4_GROUP - 1u) / MLI_INT4_GROUP;
    default:
        return 0;
    }
}

/* Floats that numbers and scales take in the file. */
static inline uint64_t mli_stored_floats(mli_storage type, uint64_t rows,
                                         uint64_t products)
{
    return mli_stored_bytes(type, rows, products) / 4u +
           rows * mli_stored_scales(type, products);
}

#endif
