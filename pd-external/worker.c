/* see worker.h */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include "worker.h"

#define POLL_NANOSECONDS 4000000 /* a quarter of a picture on a screen */
#define HELD_POLLS       1000 /* the longest that a program waits, in these */

/* Jobs that came, the last one first. */
static _Atomic(t_job *) worker_jobs;
/* Those that the worker has seen, in order: nobody else touches them. */
static t_job *worker_waiting;
static atomic_int worker_held;

/* Of these only constructors, destructors and a thread that would end know. */
static pthread_mutex_t worker_lock = PTHREAD_MUTEX_INITIALIZER;
static int worker_users, worker_there;

void worker_give(t_job *job)
{
    t_job *first = atomic_load_explicit(&worker_jobs, memory_order_relaxed);
    do
        job->j_next = first;
    while (!atomic_compare_exchange_weak_explicit(
        &worker_jobs, &first, job, memory_order_release, memory_order_relaxed));
}

/* What came, behind what waits. */
static void worker_look(void)
{
    t_job *job =
        atomic_exchange_explicit(&worker_jobs, 0, memory_order_acquire);
    t_job *first = 0, **end = &worker_waiting;
    while (job) {
        t_job *before = job->j_next;
        job->j_next = first;
        first = job;
        job = before;
    }
    while (*end)
        end = &(*end)->j_next;
    *end = first;
}

/* The first job that waits, or the first short one. Returns 0 if there is
   none. */
static int worker_do(int only_short)
{
    t_job **at = &worker_waiting, *job;
    worker_look();
    while (only_short && *at && (*at)->j_long)
        at = &(*at)->j_next;
    if (!(job = *at))
        return 0;
    *at = job->j_next;
    job->j_work(job);
    return 1;
}

void worker_others(void)
{
    while (worker_do(1))
        ;
}

/* Nobody is left who could give work, and none is left: whoever comes next
   needs another thread. */
static int worker_ends(void)
{
    pthread_mutex_lock(&worker_lock);
    int ends = !worker_users && !atomic_load(&worker_jobs);
    if (ends)
        worker_there = 0;
    pthread_mutex_unlock(&worker_lock);
    return ends;
}

static void worker_pause(void)
{
    const struct timespec pause = {0, POLL_NANOSECONDS};
    nanosleep(&pause, 0);
}

static void *worker_main(void *unused)
{
    for (;;) {
        if (worker_do(0))
            continue;
        if (worker_ends())
            return unused;
        worker_pause();
    }
}

/* Pd's thread may be a real-time one, and it is Pd that signals are for: both
   would be inherited. */
static int worker_start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    struct sched_param parameter = {0};
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return 0;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
    pthread_attr_setschedparam(&attributes, &parameter);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, worker_main, 0);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    pthread_attr_destroy(&attributes);
    return !failed;
}

int worker_join(void)
{
    pthread_mutex_lock(&worker_lock);
    worker_there = worker_there || worker_start();
    int there = worker_there;
    worker_users += there;
    pthread_mutex_unlock(&worker_lock);
    return there;
}

void worker_leave(void)
{
    pthread_mutex_lock(&worker_lock);
    worker_users--;
    pthread_mutex_unlock(&worker_lock);
}

/* ------------------------------ errands ----------------------------------- */

static void errand_work(t_job *job)
{
    t_errand *e = (t_errand *)job;
    int expected = ERRAND_WORKING;
    e->e_work(e);
    if (!atomic_compare_exchange_strong(&e->e_stage, &expected, ERRAND_DONE))
        e->e_forget(e);
}

void errand_give(t_errand *e)
{
    e->e_job.j_work = errand_work;
    atomic_store(&e->e_stage, ERRAND_WORKING);
    worker_give(&e->e_job);
}

t_stage errand_stage(t_errand *e)
{
    return (t_stage)atomic_load(&e->e_stage);
}

void errand_take(t_errand *e)
{
    atomic_store(&e->e_stage, ERRAND_IDLE);
}

void errand_leave(t_errand *e)
{
    if (atomic_exchange(&e->e_stage, ERRAND_LEFT) != ERRAND_WORKING)
        e->e_forget(e);
}

/* --------------------------- the end of all ------------------------------- */

void worker_hold(void)
{
    atomic_fetch_add(&worker_held, 1);
}

void worker_release(void)
{
    atomic_fetch_sub(&worker_held, 1);
}

/* Pd quits without freeing its boxes. (On Windows there are no other threads
   any more at this moment.) */
#ifndef _WIN32
__attribute__((destructor)) static void worker_finish(void)
{
    for (int i = 0; i < HELD_POLLS && atomic_load(&worker_held); i++)
        worker_pause();
}
#endif
