/*
 * marks.h - what marks.c says in the arguments of its system calls: MARK, and
 * one of these.
 */
#ifndef MARKS_H
#define MARKS_H

#define MARK 0x6d6c69 /* any number that nobody else has there */

enum { MARK_BEGIN = 1, MARK_END, MARK_BLOCK };

#endif
