/*
 * shared.h - model images in memory, one for all boxes that name the same
 * unchanged file (by device, inode, size and modification time), counted.
 *
 * The list has a lock, for the worker and for programs that run several Pds on
 * several threads. It is taken when models are opened and closed only, never in
 * the tick.
 */
#ifndef SHARED_H
#define SHARED_H

#include "compiler.h"
#include "mlinfer.h"

typedef struct _shared t_shared;

/*
 * The image of a file, read (and, if it is a source, compiled) only if no box
 * has it. fresh: read it even then; if the bytes turn out to be the same they
 * are shared all the same. Returns 0 with error filled in if that fails.
 */
t_shared *shared_open(const char *path, int fresh, mlc_error *error);
/* By who has it: no lock. */
t_shared *shared_keep(t_shared *s);
/* The last one frees it; the others take no lock. NULL is fine. */
void shared_drop(t_shared *s);

const mli_model *shared_model(const t_shared *s);

#endif
