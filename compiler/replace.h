/*
 * replace.h - write a file so that nothing half-written is ever seen under its
 * name: into a new one beside it, which takes its place when all is well and on
 * the disk. What is not a plain file (a pipe, a device) is written directly.
 */
#ifndef MLC_REPLACE_H
#define MLC_REPLACE_H

#include <stdio.h>

typedef struct mlc_replace {
    FILE *file;
    char *target; /* symbolic links followed */
    char *beside; /* what is being written; NULL: target itself */
} mlc_replace;

/*
 * All: 0 done, -1 errno says why not, and nothing is left behind. A file that
 * is replaced leaves its permissions to the new one.
 */
int mlc_replace_begin(mlc_replace *r, const char *path);
int mlc_replace_commit(mlc_replace *r);
/* Drop what was written. Nothing happens after a commit or a failed begin. */
void mlc_replace_abandon(mlc_replace *r);

#endif
