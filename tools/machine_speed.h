/*
 * machine_speed.h - what this machine can do at most: its clock, found with a
 * chain of dependent additions, and its peak of multiply-accumulates, found
 * with the instructions of the widest kernel build on independent sums that
 * stay in registers; and the same with one operand of each from the first or
 * the second cache, which is as fast as a layer can be that uses a weight once
 * a frame.
 */
#ifndef MACHINE_SPEED_H
#define MACHINE_SPEED_H

typedef struct machine_speed {
    double clock_hz;
    double macs_per_second;    /* of floats, one thread */
    double l1_macs_per_second; /* with an operand from the first cache */
    double l2_macs_per_second; /* or from the second */
    unsigned lanes;            /* floats in a vector of that build */
    double vectors_per_tick;   /* macs / (lanes * clock): 2 with two units for
                                  fused multiply-adds, 1 with one */
    const char *kernels;       /* the widest build */
} machine_speed;

/* Measure all, for a tenth of a second; up to one where other work disturbs.
 */
void machine_speed_measure(machine_speed *speed);

#endif
