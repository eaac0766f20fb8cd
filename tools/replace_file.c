/* see replace_file.h */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replace_file.h"

/* Enough for the outputs of any model worth running; past that a file survives
   an interruption. */
#define MAX_OPEN 256

static char *volatile pending[MAX_OPEN];

static void interrupted(int number)
{
    for (int i = 0; i < MAX_OPEN; i++)
        if (pending[i])
            unlink(pending[i]);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch(const char *path)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction action = {.sa_handler = interrupted}, old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* too large a file is an error of write() */
    for (int i = 0; i < MAX_OPEN; i++)
        if (!pending[i]) {
            pending[i] = strdup(path);
            return;
        }
}

static int find(const char *path)
{
    for (int i = 0; path && i < MAX_OPEN; i++)
        if (pending[i] && !strcmp(pending[i], path))
            return i;
    return -1;
}

static void forget(int i)
{
    if (i < 0)
        return;
    char *path = pending[i];
    pending[i] = NULL;
    free(path);
}

int replace_begin(mlc_replace *r, const char *path)
{
    if (mlc_replace_begin(r, path))
        return -1;
    if (r->beside)
        watch(r->beside);
    return 0;
}

int replace_commit(mlc_replace *r)
{
    int watched = find(r->beside);
    int failed = mlc_replace_commit(r);
    forget(watched);
    return failed;
}

int replace_loses(const char *path, const char *source)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(source, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

void replace_abandon(mlc_replace *r)
{
    int watched = find(r->beside);
    mlc_replace_abandon(r);
    forget(watched);
}
