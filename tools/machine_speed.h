/*
 * machine_speed.h - what this machine can do at most: its clock, found with a
 * chain of dependent additions, and its peak of multiply-accumulates, found
 * with the instructions of the widest kernel build on independent sums that
 * stay in registers.
 */
#ifndef MACHINE_SPEED_H
#define MACHINE_SPEED_H

typedef struct machine_speed {
    double clock_hz;
    double macs_per_second;  /* of floats, one thread */
    unsigned lanes;          /* floats in a vector of that build */
    double vectors_per_tick; /* macs / (lanes * clock): 2 with two units for
                                fused multiply-adds, 1 with one */
    const char *kernels;     /* the widest build */
} machine_speed;

/* Measure both, for a tenth of a second; up to one where other work disturbs.
 */
void machine_speed_measure(machine_speed *speed);

#endif
