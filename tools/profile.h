/*
 * profile.h - what was observed while a model ran, and the files that show it.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stddef.h>
#include <stdio.h>
#include "mlinfer.h"
#include "operators.h"

typedef struct profile_event {
    uint32_t op;
    double at, length; /* nanoseconds */
} profile_event;

typedef struct profile {
    const char *model;   /* its name */
    const char *kernels; /* the build */
    const void *bytes;
    mli_info info;
    uint32_t block; /* frames */
    uint32_t ops;
    char *ran;     /* operators that have steps of their own */
    double *times; /* nanoseconds in each operator, less the clock's own */
    double *rounds, *round; /* the same, round by round; the current one's */
    double total;
    size_t blocks;       /* run */
    double peak;         /* multiply-accumulates a second */
    double ns_per_frame; /* when nobody looks */
    /* the first blocks, for a trace */
    profile_event *events, *block_events;
    size_t event_count, event_room, block_room;
    double begun, since, clock_cost;
} profile;

/* Multiply-accumulates of an operator a frame. */
double profile_macs(const profile *p, const operator_text *o);

/* A name of the file without control characters, `width` wide, its end. */
void profile_put_name(const char *name, size_t width);

/* The first blocks in Chrome's trace format. */
void profile_put_trace(const profile *p, FILE *file);
/* Time by type and operator, as a picture (SVG). */
void profile_put_flame(const profile *p, FILE *file);

#endif
