/*
 * file_builder.h - model files for tests, written record by record. Tensors
 * lie one after another in the arena unless they are put elsewhere; nothing is
 * optimised, nothing is checked: what is wrong here, mli_open must find.
 *
 *     fb *b = fb_new(MLI_STREAM);
 *     fb_id x = fb_input(b, fb_timed(1));
 *     fb_output(b, fb_linear(b, x, 1, 4));
 *     fb_image image = fb_finish(b);
 *     ... free(image.bytes)
 *
 * Weights are random, the same on every run. Out of memory ends the program.
 */
#ifndef FILE_BUILDER_H
#define FILE_BUILDER_H

#include <stddef.h>
#include <stdint.h>
#include "format.h"

typedef struct fb fb;
typedef uint32_t fb_id; /* a tensor, in the order of making */

typedef struct fb_shape {
    uint32_t timed; /* 0, or the period in ticks */
    uint32_t rank;
    uint32_t dims[MLI_MAX_RANK];
} fb_shape;

static inline fb_shape fb_timed(uint32_t n)
{
    return (fb_shape){1, 1, {n}};
}

static inline fb_shape fb_slow(uint32_t period, uint32_t n)
{
    return (fb_shape){period, 1, {n}};
}

static inline fb_shape fb_vector(uint32_t n)
{
    return (fb_shape){0, 1, {n}};
}

static inline fb_shape fb_matrix(uint32_t m, uint32_t n)
{
    return (fb_shape){0, 2, {m, n}};
}

uint64_t fb_elements(fb_shape s);

typedef struct fb_image {
    uint8_t *bytes; /* 64-byte aligned; free() */
    size_t size;
} fb_image;

fb *fb_new(mli_mode mode);
/* How the matrices of the layers below are stored from now on, where they can
   be: those of a convolution not as int4, of a depthwise one always as f32.
   MLI_BYTES: TO_BYTES goes before them, its zero is -7. */
void fb_store(fb *b, mli_storage storage);
/* The layers below hold the floats that such matrices mean. */
void fb_expand(fb *b);
/* Window files: before fb_finish. */
void fb_window(fb *b, uint32_t window, uint32_t hop);
/* Lay out, number, and seal the file. Frees the builder. */
fb_image fb_finish(fb *b);
/* Write the CRC anew after a change. */
void fb_seal(fb_image image);
fb_image fb_copy(fb_image image);
/* A section of an image, to change it. */
void *fb_section(fb_image image, mli_section section);

fb_id fb_input(fb *b, fb_shape shape);
fb_id fb_control(fb *b, fb_shape shape);
void fb_output(fb *b, fb_id x);
void fb_meta(fb *b, const char *key, const char *value);

/* data: NULL for random numbers in (-1, 1) times scale */
fb_id fb_const(fb *b, fb_shape shape, const float *data, float scale);
/* An operator; params and function are set in fb_last. */
fb_id fb_op(fb *b, mli_op_type type, fb_shape y, uint32_t inputs,
            const fb_id *in);
mli_file_op *fb_last(fb *b);
/* A state of the operator made last, with random init (0: zeros). */
void fb_state(fb *b, uint32_t frames, uint32_t width, uint32_t init_frames);
/* Put a tensor where another is. */
void fb_over(fb *b, fb_id y, fb_id x);

fb_shape fb_shape_of(const fb *b, fb_id x);

/* The operators that the tests build most, of random weights. */
fb_id fb_to_bytes(fb *b, fb_id x, float factor, float zero);
fb_id fb_linear(fb *b, fb_id x, uint32_t inputs, uint32_t outputs);
fb_id fb_conv(fb *b, fb_id x, uint32_t inputs, uint32_t outputs, uint32_t taps,
              uint32_t dilation, uint32_t groups, uint32_t step,
              uint32_t init_frames);
/* p: the parameters of CONV2D, and of POOL, as in the file */
fb_id fb_conv2d(fb *b, fb_id x, uint32_t outputs, const uint32_t p[7]);
fb_id fb_pool(fb *b, fb_id x, const uint32_t p[7]);
/* type LSTM, GRU or RNN, with the projection of x in front; inputs 0: x is
   projected */
fb_id fb_recurrent(fb *b, mli_op_type type, fb_id x, uint32_t inputs,
                   uint32_t units, uint32_t reset_after, uint32_t init_frames);
fb_id fb_unary(fb *b, mli_unary fn, fb_id x);
fb_id fb_binary(fb *b, mli_binary fn, fb_id a, fb_id y_like, fb_id c);
fb_id fb_delay(fb *b, fb_id x, uint32_t frames, uint32_t init_frames);
fb_id fb_hold(fb *b, fb_id x, uint32_t frames);
fb_id fb_unfold(fb *b, fb_id x, uint32_t taps, uint32_t dilation, uint32_t step,
                uint32_t init_frames);
/* x [step * n] as [step, n], then as step times as many frames of n */
fb_id fb_depth_to_time(fb *b, fb_id x, uint32_t step, uint32_t init_frames);
/* x as one vector */
fb_id fb_flat(fb *b, fb_id x);

/* Random trees of this depth at most over x's last dim; every kind of node. */
fb_id fb_trees(fb *b, fb_id x, uint32_t targets, uint32_t trees, uint32_t depth,
               mli_aggregate aggregate);
/* Distances to random points; fp 1.5 for those that have an exponent. */
fb_id fb_distance(fb *b, fb_id x, uint32_t points, mli_distance metric);
/* x's last dim: classes * (classes - 1) / 2 */
fb_id fb_couple(fb *b, fb_id x, uint32_t classes);
/* Rows of length n; way is the operator's p1. */
fb_id fb_dft(fb *b, fb_id x, uint32_t n, uint32_t way, float scale);
fb_id fb_matmul(fb *b, fb_id x, fb_id w, fb_shape y, uint32_t transposed,
                float factor);
fb_id fb_random_numbers(fb *b, fb_id when, fb_shape y, uint32_t normal);

/* Numbers in [-1, 1), the same on every run; the state is the caller's. */
float fb_random(uint32_t *state);

#endif
