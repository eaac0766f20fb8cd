/*
 * replace_file.h - replace.h for a command: what is being written beside a file
 * is removed when the command is interrupted.
 */
#ifndef REPLACE_FILE_H
#define REPLACE_FILE_H

#include "replace.h"

/* As mlc_replace_begin and so on. */
int replace_begin(mlc_replace *r, const char *path);
int replace_commit(mlc_replace *r);
void replace_abandon(mlc_replace *r);

/* Would a file written to path take the place of source? */
int replace_loses(const char *path, const char *source);

#endif
