/* see worker.h */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include "worker.h"

#define POLL_NANOSECONDS 4000000 /* a quarter of a picture on a screen */

/* Jobs that came, the last one first. */
static _Atomic(t_job *) worker_jobs;
static atomic_int worker_ends;

/* Of these two only constructors and destructors know. */
static pthread_mutex_t worker_lock = PTHREAD_MUTEX_INITIALIZER;
static int worker_users;
static pthread_t worker_thread;

void worker_give(t_job *job)
{
    t_job *first = atomic_load_explicit(&worker_jobs, memory_order_relaxed);
    do
        job->j_next = first;
    while (!atomic_compare_exchange_weak_explicit(
        &worker_jobs, &first, job, memory_order_release, memory_order_relaxed));
}

/* All that came, in order. Returns 0 if there was nothing. */
static int worker_do(void)
{
    t_job *job =
        atomic_exchange_explicit(&worker_jobs, 0, memory_order_acquire);
    t_job *first = 0;
    int found = job != 0;
    while (job) {
        t_job *before = job->j_next;
        job->j_next = first;
        first = job;
        job = before;
    }
    while (first) {
        job = first;
        first = job->j_next;
        job->j_work(job);
    }
    return found;
}

static void *worker_main(void *unused)
{
    const struct timespec pause = {0, POLL_NANOSECONDS};
    while (!atomic_load(&worker_ends))
        if (!worker_do())
            nanosleep(&pause, 0);
    worker_do();
    return unused;
}

/* Pd's thread may be a real-time one, and it is Pd that signals are for: both
   would be inherited. */
static int worker_start(void)
{
    pthread_attr_t attributes;
    struct sched_param parameter = {0};
    sigset_t all, before;
    atomic_store(&worker_ends, 0);
    if (pthread_attr_init(&attributes))
        return 0;
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
    pthread_attr_setschedparam(&attributes, &parameter);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker_thread, &attributes, worker_main, 0);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    pthread_attr_destroy(&attributes);
    return !failed;
}

int worker_join(void)
{
    pthread_mutex_lock(&worker_lock);
    int there = worker_users > 0 || worker_start();
    worker_users += there;
    pthread_mutex_unlock(&worker_lock);
    return there;
}

void worker_leave(void)
{
    pthread_mutex_lock(&worker_lock);
    if (--worker_users == 0) {
        atomic_store(&worker_ends, 1);
        pthread_join(worker_thread, 0);
    }
    pthread_mutex_unlock(&worker_lock);
}
