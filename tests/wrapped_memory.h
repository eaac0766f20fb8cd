/*
 * wrapped_memory.h - the C library's allocation (__real_) and what the linker
 * puts in its place (__wrap_) in programs that are linked with --wrap.
 */
#ifndef WRAPPED_MEMORY_H
#define WRAPPED_MEMORY_H

#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void __wrap_free(void *p);

#endif
