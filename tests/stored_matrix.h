/*
 * stored_matrix.h - random matrices whose weights are stored in 16, 8 or 4
 * bits, and what they mean.
 */
#ifndef STORED_MATRIX_H
#define STORED_MATRIX_H

#include <stddef.h>
#include "weights.h"

typedef struct stored_matrix {
    mli_storage storage;
    uint32_t groups, outputs; /* of a group */
    uint32_t products;        /* of an output */
    uint8_t *numbers;         /* exactly as long as may be read */
    float *scale;
    float *floats; /* the same weights, packed as MLI_F32 */
} stored_matrix;

/* Free with stored_matrix_free. `products` = taps * inputs. */
stored_matrix stored_matrix_new(mli_storage storage, uint32_t groups,
                                uint32_t outputs, uint32_t products);
void stored_matrix_free(stored_matrix *m);

/* Numbers and, so many floats further, scales, as a file has them; to be freed.
 */
float *stored_matrix_joined(const stored_matrix *m, size_t *scale_at);

/* The weight of output o, of all groups, before it is rounded to a float. */
double stored_weight(const stored_matrix *m, uint32_t o, uint32_t product);

double stored_half(uint16_t h);

/* The floats that stored bytes mean, `floats` as many as rows * products; rows
   counts whole quads. One group. */
void stored_expand(mli_storage storage, const uint8_t *numbers,
                   const float *scale, uint32_t rows, uint32_t products,
                   float *floats);

#endif
