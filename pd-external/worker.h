/*
 * worker.h - one thread for work that the audio thread must not do. It is
 * started by the first box that may need it and ends with the last one.
 *
 * It looks for work every few milliseconds: to wake it would be a system call.
 */
#ifndef WORKER_H
#define WORKER_H

/* A piece of work, a part of something larger. Jobs are done one after another
   in the order in which they came. */
typedef struct _job {
    struct _job *j_next;              /* the worker's */
    void (*j_work)(struct _job *job); /* may free the job */
} t_job;

/* For constructors: 1, or 0 if there can be no thread. */
int worker_join(void);
/* For destructors, after a successful worker_join. The last one waits until all
   jobs are done. */
void worker_leave(void);

/* From one thread or several; no lock, no allocation, no system call. A job may
   be given again once its work has begun. */
void worker_give(t_job *job);

#endif
