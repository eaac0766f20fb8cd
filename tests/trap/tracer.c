#define _GNU_SOURCE
#include "trap.h"
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED 125

trap_counts *trap_map(int fd)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *p =
        mmap(NULL, sizeof(trap_counts), PROT_READ | PROT_WRITE, flags, fd, 0);
    return p != MAP_FAILED ? p : NULL;
}

static _Noreturn void child(int (*body)(void *), void *with)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(REFUSED);
    raise(SIGSTOP); /* the parent sets its options and goes on */
    _exit(body(with));
}

/*
 * Let everything run, from stop to stop. A thread that is armed stops twice for
 * a system call, at its start and at its end.
 */
static int trace(pid_t first, trap_counts *counts)
{
    pid_t who = first;
    int status, signal = 0;
    for (;;) {
        ptrace(PTRACE_SYSCALL, who, NULL, (void *)(size_t)signal);
        who = waitpid(-1, &status, __WALL);
        signal = 0;
        if (who < 0)
            return -1;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (who == first)
                return WIFEXITED(status) ? WEXITSTATUS(status)
                                         : 128 + WTERMSIG(status);
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            if (counts->thread == who)
                counts->stops++;
        } else if (WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP) {
            signal = WSTOPSIG(status);
        }
    }
}

int trap_run(int (*body)(void *), void *with, trap_counts *counts)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        child(body, with);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_SETOPTIONS, pid, NULL,
           (void *)(size_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_EXITKILL));
    return trace(pid, counts);
}
