/*
 * failing_memory.h - the C library's allocation for a test that lets it fail:
 * the linker puts these functions in its place (--wrap). One file of a program
 * includes this.
 */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include <stdlib.h>
#include "wrapped_memory.h"

static int counting;   /* allocations are counted */
static long left;      /* how many more succeed */
static int failed;     /* one did not */
static long not_freed; /* made while counting, and not freed since */

static int may_succeed(void)
{
    if (!counting)
        return 1;
    if (left > 0) {
        left--;
        return 1;
    }
    failed = 1;
    return 0;
}

static void *count(void *p)
{
    not_freed += counting && p;
    return p;
}

void *__wrap_malloc(size_t n)
{
    return may_succeed() ? count(__real_malloc(n)) : NULL;
}

void *__wrap_calloc(size_t many, size_t n)
{
    return may_succeed() ? count(__real_calloc(many, n)) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
    if (!may_succeed())
        return NULL;
    return p ? __real_realloc(p, n) : count(__real_realloc(p, n));
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return may_succeed() ? count(__real_aligned_alloc(alignment, n)) : NULL;
}

void __wrap_free(void *p)
{
    not_freed -= counting && p;
    __real_free(p);
}

#endif
