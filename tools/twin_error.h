/*
 * twin_error.h - how far the answers of a model are from those of another one
 * with the same ports, given the same.
 */
#ifndef TWIN_ERROR_H
#define TWIN_ERROR_H

#include "calibration.h"
#include "loaded_model.h"

typedef struct twin_error {
    double snr;     /* dB, of all outputs together; infinite: the same */
    double largest; /* of all channels, as a share of its full scale: of its
                       range, else of its largest magnitude in the first
                       model. 0 where a channel is silent in both */
    uint32_t port, channel; /* where that was */
    uint64_t chosen;        /* answers that name a class; 0: no such output */
    uint64_t agreed;        /* those with the same class */
    uint64_t missing;       /* values of the first model that are no numbers,
                               which are left out */
} twin_error;

/*
 * Both models must have been started; they are left somewhere in the middle.
 * Says what is wrong and returns -1 if there is no memory. path: for that.
 */
int twin_error_measure(const loaded_model *exact, const loaded_model *other,
                       const calibration *c, const char *path,
                       twin_error *error);

#endif
