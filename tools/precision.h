/*
 * precision.h - which layers may compute in integers, if the sound is to stay
 * so near to that of floats.
 */
#ifndef PRECISION_H
#define PRECISION_H

#include "ranges.h"

/*
 * Each layer alone is heard first; then as few as it takes, those with the most
 * noise first, go on computing in floats until the SNR is at least `snr` dB.
 * options: with calibrate; gets `floats`, which is owned by the caller. 0, or
 * -1 after saying what is wrong.
 */
int precision_choose(mlc_options *options, const ranges_source *from,
                     double snr, uint8_t **floats);

#endif
