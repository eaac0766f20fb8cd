#define _GNU_SOURCE
#include "trap.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static trap_counts own;
static trap_counts *counts = &own;

/* Must not allocate, even the first time it is touched. */
static _Thread_local int armed __attribute__((tls_model("initial-exec")));

/* Preloaded: the tracing program says where. */
__attribute__((constructor)) static void find_counts(void)
{
    const char *fd = getenv("TRAP_FD");
    trap_counts *shared = fd != NULL ? trap_map(atoi(fd)) : NULL;
    if (shared != NULL)
        counts = shared;
}

EXPORT trap_counts *trap_shared(void)
{
    return counts;
}

EXPORT void trap_share(trap_counts *shared)
{
    counts = shared;
}

EXPORT void trap_arm(void)
{
    int32_t thread = (int32_t)syscall(SYS_gettid);
    counts->stretches++;
    armed = 1;
    counts->thread = thread;
}

EXPORT void trap_disarm(void)
{
    counts->thread = 0;
    armed = 0;
}

static int callbacks;

EXPORT int trap_callbacks(void)
{
    return callbacks;
}

EXPORT void trap_callbacks_arm(int on)
{
    callbacks = on;
}

EXPORT void trap_block(void)
{
}

EXPORT uint32_t trap_allocations(void)
{
    return counts->allocations;
}

EXPORT uint32_t trap_calls(void)
{
    return counts->stops / 2;
}

EXPORT void trap_clear(void)
{
    counts->stretches = counts->allocations = counts->stops = 0;
}

/* ------------------------------------------------------------ malloc ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);
extern void __libc_free(void *p);

static void count(void)
{
    if (armed)
        counts->allocations++;
}

EXPORT void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}

EXPORT void free(void *p)
{
    count();
    __libc_free(p);
}

EXPORT void *memalign(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}

EXPORT void *aligned_alloc(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}

EXPORT int posix_memalign(void **p, size_t alignment, size_t n)
{
    count();
    *p = __libc_memalign(alignment, n);
    return *p != NULL ? 0 : ENOMEM;
}

/* ------------------------------------------------------------- locks ---- */

static int (*real_lock)(pthread_mutex_t *mutex);

__attribute__((constructor)) static void find_lock(void)
{
    *(void **)&real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
}

/* One that is free takes no system call, yet counts as one: another time it
   will not be free. */
EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (armed)
        counts->stops += 2;
    if (real_lock == NULL) /* before any constructor ran */
        find_lock();
    return real_lock(mutex);
}
