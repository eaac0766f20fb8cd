/*
 * op_check.h - a small file of one operator, run on every kernel build in
 * tiles, cuts and lists, against the plain double reference.
 */
#ifndef OP_CHECK_H
#define OP_CHECK_H

#include "file_builder.h"

extern uint32_t op_seed;

/* A number from 1 to n. */
uint32_t up_to(uint32_t n);
/* Timed in streams; least_rank to 4 axes of up to 6 elements. */
fb_shape random_shape(mli_mode mode, uint32_t least_rank);
/* y is the output. */
fb_image finish(fb *b, fb_id y);
/* The x of an operator that may write over it: nothing else reads it. */
fb_id copied_input(fb *b, fb_shape s);

/* Fails the test where the runtime and the reference differ. Frees the image.
 */
void check_file(fb_image image);

/*
 * Write value to p[at] of an operator (at past the last: to none) and open the
 * file: the answer is this status, at this operator. Frees the image.
 */
void check_param(fb_image image, mli_status status, uint32_t op, uint32_t at,
                 uint32_t value);

/* One operator's file; over: let it write over its input if it may. */
typedef fb_image build(mli_mode mode, int over);
/* Check so many of them, timed and not; 20 times as many with MLI_LONG. */
void each(build *make, uint32_t times);

#endif
