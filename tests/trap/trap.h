/*
 * trap.h - count the allocations and system calls of a stretch of code.
 *
 * Allocations are seen by malloc and its family being defined here. System
 * calls are seen by a parent process that traces this one (trap_run, or the
 * program run-traced): the kernel stops a traced thread at each. A lock counts
 * as a system call. Nothing here
 * is part of what is measured: arming and disarming only write memory.
 *
 * Linked into a program, or preloaded as a library.
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdint.h>

/* Shared with the tracing process. Counts while armed. */
typedef struct trap_counts {
    volatile int32_t thread;       /* that is armed; 0: none */
    volatile uint32_t stretches;   /* times armed */
    volatile uint32_t allocations; /* malloc, calloc, realloc, free ... */
    volatile uint32_t stops;       /* two for each system call or lock */
} trap_counts;

/* The counts of this process; never NULL. */
trap_counts *trap_shared(void);
/* Keep them here from now on. */
void trap_share(trap_counts *counts);

/* The calling thread's allocations and system calls count from here on. */
void trap_arm(void);
void trap_disarm(void);

/* For callbacks.c: do callbacks arm? Off until they are told to. */
int trap_callbacks(void);
void trap_callbacks_arm(int on);
/* A block of sound is over: for marks.c. */
void trap_block(void);

/* Both, since the last trap_clear. */
uint32_t trap_allocations(void);
uint32_t trap_calls(void);
void trap_clear(void);

/*
 * Run body in a traced child process; its exit status, or -1 when this system
 * does not let a process trace its child.
 */
int trap_run(int (*body)(void *), void *with, trap_counts *counts);
/* Memory for counts that a child process shares; fd: -1, or a file's. */
trap_counts *trap_map(int fd);

#endif
