/*
 * worker.h - one thread for work that the audio thread must not do. It is
 * started by the first box that may need it and ends by itself, when all work
 * is done, after the last one: nobody waits for it.
 *
 * It looks for work every few milliseconds: to wake it would be a system call.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

/* A piece of work, a part of something larger. Jobs are done one after another
   in the order in which they came, but that short ones come into long ones. */
typedef struct _job {
    struct _job *j_next;              /* the worker's */
    void (*j_work)(struct _job *job); /* may free the job */
    int j_long;                       /* it calls worker_others */
} t_job;

/* For constructors: 1, or 0 if there can be no thread. */
int worker_join(void);
/* For destructors, after a successful worker_join. */
void worker_leave(void);

/* From one thread or several; no lock, no allocation, no system call. A job may
   be given again once its work has begun. */
void worker_give(t_job *job);

/* For a long job, every now and then: short ones that wait are done here. */
void worker_others(void);

/*
 * An errand: a job of a box that may be gone before it is done. It belongs to
 * the box while it is idle or done, to the worker while that works on it, and
 * to the worker alone once the box has left. It is a part, the first, of what
 * the work is about.
 */
typedef enum { ERRAND_IDLE, ERRAND_WORKING, ERRAND_DONE, ERRAND_LEFT } t_stage;

typedef struct _errand {
    t_job e_job;
    atomic_int e_stage;
    void (*e_work)(struct _errand *e);
    void (*e_forget)(struct _errand *e); /* frees it and all that it has */
} t_errand;

/* From an idle one to one that is worked on. */
void errand_give(t_errand *e);
t_stage errand_stage(t_errand *e);
/* What was done is the box's: idle again. */
void errand_take(t_errand *e);
/* The box goes. It is forgotten now, or, while it is worked on, afterwards. */
void errand_leave(t_errand *e);

/*
 * What must not be lost: between these two, which any thread may call, a
 * program that ends waits for the worker, for a few seconds at most.
 */
void worker_hold(void);
void worker_release(void);

#endif
