/*
 * message.h - what the command says on standard error, and its exit status.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

enum { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

/* "mlinfer: FILE: ...", one line. Returns TOOL_FAILED. file may be NULL. */
int tool_error(const char *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for something that does not stop the work. */
void tool_warning(const char *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Wrong usage: what is wrong, and where the help is. Returns TOOL_USAGE. */
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What getopt_long did not take ('?' or ':', with argv's optind just past it).
   Returns TOOL_USAGE. */
int tool_bad_option(char **argv, int option);

/*
 * A whole number from an option's text. 0: done; -1: it is not a number from
 * low to high, and tool_usage was called.
 */
int tool_number(const char *option, const char *text, unsigned low,
                unsigned high, unsigned *value);

#endif
