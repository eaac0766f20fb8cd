/*
 * reference.h - a model file run slowly and plainly in double precision: the
 * operator table of format.h once more, without rings, tiles or kernels.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdint.h>
#include "file_builder.h"

/*
 * Run the file once: streams over `frames` frames at once, others for one run
 * from the initial states. in: one array for each input port, frames *
 * elements of its tensor (controls: elements). Returns an array for each output
 * port, to be freed with reference_free.
 */
double **reference_run(fb_image image, uint32_t frames, double *const *in);
void reference_free(fb_image image, double **out);

#endif
