/*
 * marks.c - in place of trap.c: what is armed is told to an emulator that
 * counts instructions (count_blocks.c), by system calls that do nothing. A
 * library to preload.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#include "marks.h"
#include "trap.h"

#define EXPORT __attribute__((visibility("default")))

static int callbacks;

static void mark(long what)
{
    syscall(SYS_getppid, (long)MARK, what);
}

EXPORT void trap_arm(void)
{
    mark(MARK_BEGIN);
}

EXPORT void trap_disarm(void)
{
    mark(MARK_END);
}

EXPORT void trap_block(void)
{
    mark(MARK_BLOCK);
}

EXPORT int trap_callbacks(void)
{
    return callbacks;
}

EXPORT void trap_callbacks_arm(int on)
{
    callbacks = on;
}
