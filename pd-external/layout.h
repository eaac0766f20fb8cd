/*
 * layout.h - one piece of memory for several arrays. They are laid twice by the
 * same calls: first to count, then, once layout_make has the memory, to get
 * their places.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stddef.h>

typedef struct _layout {
    char *l_base;  /* the memory; 0: only counting */
    size_t l_used; /* bytes; SIZE_MAX: more than there can be */
} t_layout;

/* The next array, aligned for the runtime. 0 while counting. count may be any
   number: what is too much shows in layout_make. */
void *layout_take(t_layout *l, size_t count, size_t size);

/* Memory for all that was counted, every byte of it written, for free(); and
   back to the first array. Returns 0 if there is not so much. */
int layout_make(t_layout *l);

#endif
