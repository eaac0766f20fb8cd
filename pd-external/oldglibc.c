/*
 * Functions that have a newer symbol version than the C library of boards and
 * older systems.
 *
 * A binary linked on a current system asks for the newest version of each
 * symbol: threads from glibc 2.34 and 2.32, stat from 2.33, exp, log and pow
 * from 2.29, their float twins from 2.27. The ARMv7 boards that run Pd
 * have 2.24. The versions before are still in every glibc and give the same
 * numbers; they differ in how they report errors, which nobody reads. So these
 * names are defined here (hidden, like all else) in terms of the first
 * versions. Sanitizers have such names of their own.
 */
#define _POSIX_C_SOURCE 200809L
#include <limits.h> /* says __GLIBC__, if it is that */

/* The first version of the architecture, and the number of the layout of its
   struct stat. */
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) ||                    \
    defined(__SANITIZE_THREAD__)
#elif defined(__arm__)
#define FIRST       "GLIBC_2.4"
#define STAT_LAYOUT 3
#elif defined(__x86_64__) && defined(__LP64__)
#define FIRST       "GLIBC_2.2.5"
#define STAT_LAYOUT 1
#elif defined(__aarch64__) && defined(__LP64__)
#define FIRST       "GLIBC_2.17"
#define STAT_LAYOUT 0
#endif

#ifdef FIRST
#include <pthread.h>
#include <signal.h>

#define OLD(name) __asm__(".symver old_" #name "," #name "@" FIRST)

#define OLD1(type, name)                                                       \
    type old_##name(type);                                                     \
    type name(type);                                                           \
    OLD(name);                                                                 \
    type name(type x)                                                          \
    {                                                                          \
        return old_##name(x);                                                  \
    }

#define OLD2(type, name)                                                       \
    type old_##name(type, type);                                               \
    type name(type, type);                                                     \
    OLD(name);                                                                 \
    type name(type x, type y)                                                  \
    {                                                                          \
        return old_##name(x, y);                                               \
    }

OLD1(double, exp)
OLD1(double, exp2)
OLD1(double, log)
OLD1(double, log2)
OLD1(float, expf)
OLD1(float, exp2f)
OLD1(float, logf)
OLD1(float, log2f)
OLD2(double, pow)
OLD2(float, powf)

/* Until 2.33 these were inline calls of the functions below. */
#define OLDSTAT(name, file_type, layout, inside)                               \
    int old_##inside(int, file_type, struct layout *);                         \
    int name(file_type, struct layout *);                                      \
    OLD(inside);                                                               \
    int name(file_type file, struct layout *s)                                 \
    {                                                                          \
        return old_##inside(STAT_LAYOUT, file, s);                             \
    }

typedef const char *path;
struct stat;
struct stat64;
OLDSTAT(stat, path, stat, __xstat)
OLDSTAT(stat64, path, stat64, __xstat64)
OLDSTAT(lstat, path, stat, __lxstat)
OLDSTAT(lstat64, path, stat64, __lxstat64)
OLDSTAT(fstat, int, stat, __fxstat)
OLDSTAT(fstat64, int, stat64, __fxstat64)

/* Before 2.34 these were in another library, which every Pd has loaded. */
int old_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                       void *);
int old_pthread_sigmask(int, const sigset_t *, sigset_t *);
OLD(pthread_create);
OLD(pthread_sigmask);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*body)(void *), void *with)
{
    return old_pthread_create(thread, attributes, body, with);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    return old_pthread_sigmask(how, set, before);
}

#else
typedef int oldglibc_is_empty; /* ISO C wants a declaration */
#endif
