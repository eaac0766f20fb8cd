/*
 * stopwatch.h - time for measurements: monotonic, what reading it costs, one
 * core for the whole run.
 */
#ifndef STOPWATCH_H
#define STOPWATCH_H

/* Nanoseconds since some moment. */
double stopwatch_now(void);

/* The least nanoseconds between two readings: part of every short time. */
double stopwatch_cost(void);

/* Keep the calling thread on the core that it runs on. Returns the core, or -1
   where the system has no such call or refuses it. */
int stopwatch_pin(void);

#endif
