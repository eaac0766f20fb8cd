/* see replace_file.h */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replace_file.h"

/* Enough for the outputs of any model worth running; past that a temporary
   survives an interruption. */
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

static void watch(char *path)
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
            pending[i] = path;
            return;
        }
}

static void forget(const char *path)
{
    for (int i = 0; i < MAX_OPEN; i++)
        if (pending[i] == path)
            pending[i] = NULL;
}

static void clear(replace_file *r)
{
    int kept = errno;
    if (r->temporary)
        forget(r->temporary);
    if (r->file)
        fclose(r->file);
    free(r->temporary);
    free(r->target);
    memset(r, 0, sizeof *r);
    errno = kept;
}

/* Permissions of the file that is replaced, or those a new file gets. */
static mode_t wanted_mode(const char *path)
{
    struct stat status;
    if (!stat(path, &status))
        return status.st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int open_temporary(replace_file *r)
{
    size_t size = strlen(r->target) + 8;
    r->temporary = malloc(size);
    if (!r->temporary)
        return -1;
    snprintf(r->temporary, size, "%s.XXXXXX", r->target);
    int descriptor = mkstemp(r->temporary);
    if (descriptor < 0)
        return -1;
    watch(r->temporary);
    if (!fchmod(descriptor, wanted_mode(r->target)))
        r->file = fdopen(descriptor, "wb");
    if (r->file)
        return 0;
    int kept = errno;
    close(descriptor);
    unlink(r->temporary);
    errno = kept;
    return -1;
}

int replace_begin(replace_file *r, const char *path)
{
    struct stat status;
    memset(r, 0, sizeof *r);
    r->target = realpath(path, NULL);
    if (!r->target)
        r->target = strdup(path);
    if (!r->target)
        return -1;
    int there = !stat(r->target, &status);
    if (there && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
    } else if (there && !S_ISREG(status.st_mode)) {
        r->direct = 1;
        r->file = fopen(r->target, "wb");
    } else if (open_temporary(r)) {
        r->file = NULL;
    }
    if (r->file)
        return 0;
    clear(r);
    return -1;
}

int replace_commit(replace_file *r)
{
    int failed = ferror(r->file);
    failed |= fclose(r->file);
    r->file = NULL;
    if (!failed && !r->direct)
        failed = rename(r->temporary, r->target);
    if (failed && !r->direct) {
        int kept = errno;
        unlink(r->temporary);
        errno = kept;
    }
    clear(r);
    return failed ? -1 : 0;
}

void replace_abandon(replace_file *r)
{
    if (!r->file)
        return;
    if (!r->direct)
        unlink(r->temporary);
    clear(r);
}
