/*
 * machines.h - the machines that instruments are built on, and what a model
 * would be on each: an estimate, from what is known of the machine and what our
 * kernels reach. Nothing here was measured on the machine itself.
 */
#ifndef MACHINES_H
#define MACHINES_H

#include "loaded_model.h"

typedef struct machine {
    const char *name;
    const char *processor;
    double macs_per_second;  /* at most, floats, one core */
    double integers;         /* products of bytes in the time of one of floats,
                                at most */
    double reads_per_second; /* bytes of weights from memory */
    double cache_bytes;      /* the last one, above which weights are read
                                from memory each time */
} machine;

typedef struct machine_verdict {
    int realtime;   /* at the frames below */
    uint32_t block; /* frames: 16 for streams, 64 for lists, a window's hop */
    double load;    /* share of that time that the work takes, */
    double limit;   /* and that it would take at the machine's limits */
    uint32_t hop;   /* the least power of two of frames at which it would be in
                       real time; 0: none */
} machine_verdict;

/* The i-th; NULL past the last. */
const machine *machine_at(uint32_t i);

machine_verdict machine_judge(const machine *m, const loaded_model *loaded);

#endif
