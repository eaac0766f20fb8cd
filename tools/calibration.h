/*
 * calibration.h - what a model is given to hear how it answers: a sound, an
 * array, lists, or noise.
 */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include "loaded_model.h"

/* No more numbers than this are taken from a file. */
#define CALIBRATION_MOST ((size_t)1 << 24)

typedef struct calibration {
    uint32_t frames;   /* at least 1; lists, for step models */
    uint32_t channels; /* info.in_channels */
    float *values;     /* owned: channel after channel */
    int cut;           /* the file holds more */
} calibration;

/*
 * Read a file, told by its content: a sound (mono goes to every input), an
 * array (.npy: [frames], [frames, channels] or [channels, frames], a batch axis
 * of 1 or not; lists or windows and rows of them), or text with one list a
 * line. Values of several inputs stand side by side; controls are left out.
 * Says what is wrong and returns -1.
 */
int calibration_read(calibration *c, const loaded_model *loaded,
                     const char *path);

/*
 * Noise, the same every time: uniform inside of the ranges of the inputs.
 * Where there is none: -0.5 to 0.5, in lists -1 to 1. path: for the error.
 */
int calibration_noise(calibration *c, const loaded_model *loaded,
                      const char *path);

void calibration_free(calibration *c);

#endif
