/*
 * run-traced LIBRARY PROGRAM ARGUMENT... : run a program with the library of
 * traps preloaded, and say at the end what was counted while armed:
 *     stretches N allocations N calls N
 * on standard output. Exit status: the program's; 125 when this system lets
 * nobody trace a child.
 */
#define _GNU_SOURCE
#include "trap.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int execute(void *with)
{
    char **command = with;
    setenv("LD_PRELOAD", command[0], 1);
    execvp(command[1], command + 1);
    perror(command[1]);
    return 127;
}

int main(int argc, char **argv)
{
    char fd[16];
    FILE *shared = tmpfile();
    trap_counts none = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: %s LIBRARY PROGRAM ARGUMENT...\n", argv[0]);
        return 2;
    }
    if (shared == NULL || fwrite(&none, sizeof none, 1, shared) != 1 ||
        fflush(shared) != 0)
        return 1;
    trap_counts *counts = trap_map(fileno(shared));
    if (counts == NULL)
        return 1;
    snprintf(fd, sizeof fd, "%d", fileno(shared));
    setenv("TRAP_FD", fd, 1);
    int status = trap_run(execute, argv + 1, counts);
    printf("stretches %u allocations %u calls %u\n", counts->stretches,
           counts->allocations, counts->stops / 2);
    return status < 0 ? 125 : status;
}
