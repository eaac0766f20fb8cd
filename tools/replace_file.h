/*
 * replace_file.h - write a file so that nothing half-written is ever seen: into
 * a temporary beside the target, which is renamed when all is well. What is not
 * a plain file (a pipe, a device) is written directly.
 *
 * Temporaries are removed when the command is interrupted.
 */
#ifndef REPLACE_FILE_H
#define REPLACE_FILE_H

#include <stdio.h>

typedef struct replace_file {
    FILE *file;
    char *target;    /* symbolic links followed */
    char *temporary; /* what is being written */
    int direct;      /* target is no plain file */
} replace_file;

/* All: 0 done, -1 errno says why not, and nothing is left behind. */
int replace_begin(replace_file *r, const char *path);
int replace_commit(replace_file *r);
/* Drop what was written. Nothing happens after a commit or a failed begin. */
void replace_abandon(replace_file *r);

#endif
