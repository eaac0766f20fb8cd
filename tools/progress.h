/*
 * progress.h - one line on the terminal for work that takes over a second.
 *
 * The line comes from an interval timer, so that work which cannot report how
 * far it is (compiling a model) shows that it goes on, too. Nothing is written
 * when standard error is not a terminal.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/* Begin. what: borrowed until progress_end, "reading amp.onnx". */
void progress_begin(const char *what);
/* How far it is; total 0: unknown. */
void progress_set(uint64_t done, uint64_t total);
/* Wipe the line if there is one: something else is going to be written. */
void progress_clear(void);
void progress_end(void);

#endif
