/*
 * ranges.h - what the tensors of a model reach when it is given something, and
 * which part of that bytes should stand for.
 */
#ifndef RANGES_H
#define RANGES_H

#include "calibration.h"
#include "compiler.h"

typedef struct ranges_source {
    const char *path;      /* of the model, for errors */
    const char *calibrate; /* a file for calibration_read; NULL: noise */
    mlc_range *found;      /* those of the first time: owned, NULL before */
} ranges_source;

/*
 * An mlc_calibrate; user: a ranges_source, which is not to be used for another
 * model. It is given the same once only. Each range is the one whose bytes
 * are nearest to the numbers that were seen, by the sum of squares: what is far
 * out and rare is cut off.
 */
mlc_status ranges_find(void *user, const mlc_image *watched, mlc_range *ranges,
                       uint32_t count, mlc_error *error);

#endif
