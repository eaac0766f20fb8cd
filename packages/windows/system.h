/*
 * system.h - what the sources expect of a POSIX system, on Windows. It is
 * included before everything else there (-include), so that no source needs to
 * know of it.
 *
 * File names are UTF-8 with slashes, as Pd gives them. All memory comes from
 * the aligned allocator, so that aligned_alloc and malloc have the same free.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#define SYSTEM_H_UNDEFINES
#endif
#include <io.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#ifdef SYSTEM_H_UNDEFINES
#undef _POSIX_C_SOURCE
#undef SYSTEM_H_UNDEFINES
#endif

/* --- memory --- */
void *system_aligned_alloc(size_t alignment, size_t bytes);
void *system_malloc(size_t bytes);
void *system_calloc(size_t count, size_t size);
void *system_realloc(void *memory, size_t bytes);
void system_free(void *memory);
#define aligned_alloc system_aligned_alloc
#define malloc        system_malloc
#define calloc        system_calloc
#define realloc       system_realloc
#define free          system_free

/* --- files --- */
/* struct stat and stat(), with a file's identity. */
struct system_stat {
    uint64_t st_dev, st_ino;
    unsigned st_mode;
    int64_t st_size;
    struct timespec st_mtim;
};
int system_stat(const char *path, struct system_stat *s);
#undef stat
#define stat system_stat

/* fstat() knows no name, and is asked for the size only. */
int system_fstat(int file, struct system_stat *s);
#undef fstat
#define fstat system_fstat

FILE *system_fopen(const char *path, const char *mode);
int system_open(const char *path, int flags, int mode);
/* Takes the place of a file that is there. */
int system_rename(const char *from, const char *to);
int system_unlink(const char *path);
int system_access(const char *path, int mode);
/* Only with NULL as the second: with slashes, to be freed. */
char *system_realpath(const char *path, char *unused);
#define open(path, flags, mode) system_open(path, flags, mode)
#define fsync                   _commit
#define fopen                   system_fopen
#define rename                  system_rename
#define unlink                  system_unlink
#define realpath                system_realpath
#define access                  system_access

/* --- programs and libraries --- */
/* A function of the one that has the thing at an address; NULL: it has no such
   function. */
void *system_beside(const void *address, const char *name);

/* --- signals: Windows sends none to threads --- */
typedef int sigset_t;
#define sigfillset(set) ((void)(set))
#undef pthread_sigmask
#define pthread_sigmask(how, set, before) ((void)(set), (void)(before))
#ifndef SIG_SETMASK
#define SIG_SETMASK 2
#endif

#endif
