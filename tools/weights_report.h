/*
 * weights_report.h - what storing weights in fewer bits costs and brings: size,
 * speed and error, held against the same model with float weights.
 */
#ifndef WEIGHTS_REPORT_H
#define WEIGHTS_REPORT_H

#include "loaded_model.h"
#include "twin_error.h"

typedef struct weights_report {
    mli_info exact, stored;
    double exact_ns, stored_ns; /* a frame, in blocks of WEIGHTS_BLOCK; step
                                   models: a list */
    const char *kernels;
    twin_error error;
    const char *calibrate; /* borrowed; NULL: noise */
    uint32_t frames;       /* that both were given */
} weights_report;

#define WEIGHTS_BLOCK 64u

/*
 * Make the float model from the source once more, and hold the stored one
 * against it; starts its session. calibrate: a file for calibration_read, or
 * NULL. Says what is wrong and returns -1.
 */
int weights_report_make(weights_report *r, loaded_model *stored,
                        const char *source, const mlc_options *options,
                        const char *calibrate);

/* On standard output, three lines and one more for classes. */
void weights_report_print(const weights_report *r, const loaded_model *stored);

#endif
