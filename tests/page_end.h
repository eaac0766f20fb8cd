/*
 * page_end.h - arrays that end where a page does, and what follows must not be
 * touched: to read or write past their end is a signal, also to instructions
 * that checkers do not see through.
 *
 * Include it first: it asks for functions that C11 does not have.
 */
#ifndef PAGE_END_H
#define PAGE_END_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct page_end {
    char *pages;
    size_t bytes;
    float *p; /* the array */
} page_end;

/* A copy of n >= 1 floats. */
static inline page_end page_end_copy(const float *x, size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (n * sizeof *x + page - 1) / page * page;
    page_end a = {NULL, room + page, NULL};
    a.pages = mmap(NULL, a.bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a.pages == MAP_FAILED || mprotect(a.pages + room, page, PROT_NONE) != 0)
        abort();
    a.p = (float *)(void *)(a.pages + room) - n;
    memcpy(a.p, x, n * sizeof *x);
    return a;
}

static inline void page_end_free(page_end a)
{
    munmap(a.pages, a.bytes);
}

#endif
