/* see replace.h */
#define _XOPEN_SOURCE 700
#include "replace.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that are tried: others write here, too, or were interrupted. */
#define MOST_TRIES 1000

static void clear(mlc_replace *r)
{
    int kept = errno;
    if (r->file)
        fclose(r->file);
    free(r->beside);
    free(r->target);
    memset(r, 0, sizeof *r);
    errno = kept;
}

static char *copy(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *new = malloc(size);
    return new ? memcpy(new, text, size) : NULL;
}

static void drop(const char *path)
{
    int kept = errno;
    unlink(path);
    errno = kept;
}

/* A new file of a name of its own; the permissions are those a new file gets.
 */
static int create_beside(mlc_replace *r)
{
    const size_t size = strlen(r->target) + sizeof ".unfinished-999";
    int descriptor = -1;
    char *name = malloc(size);
    if (!name)
        return -1;
    for (int n = 1; n < MOST_TRIES && descriptor < 0; n++) {
        snprintf(name, size, "%s.unfinished-%d", r->target, n);
        descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (descriptor < 0 && errno != EEXIST)
            break;
    }
    if (descriptor < 0) {
        free(name);
        return -1;
    }
    r->beside = name;
    return descriptor;
}

/* mode: of the file that is replaced, 0 if there is none. */
static int open_beside(mlc_replace *r, mode_t mode)
{
    int descriptor = create_beside(r);
    if (descriptor < 0)
        return -1;
    if (!mode || !chmod(r->beside, mode))
        r->file = fdopen(descriptor, "wb");
    if (r->file)
        return 0;
    drop(r->beside);
    close(descriptor);
    return -1;
}

int mlc_replace_begin(mlc_replace *r, const char *path)
{
    struct stat status;
    memset(r, 0, sizeof *r);
    r->target = realpath(path, NULL);
    if (!r->target)
        r->target = copy(path);
    if (!r->target)
        return -1;
    int there = !stat(r->target, &status);
    if (there && S_ISDIR(status.st_mode))
        errno = EISDIR;
    else if (there && !S_ISREG(status.st_mode))
        r->file = fopen(r->target, "wb");
    else
        open_beside(r, there ? status.st_mode & 0777 : 0);
    if (r->file)
        return 0;
    clear(r);
    return -1;
}

int mlc_replace_commit(mlc_replace *r)
{
    int failed = ferror(r->file) || fflush(r->file);
    if (r->beside)
        failed = failed || fsync(fileno(r->file));
    failed |= fclose(r->file);
    r->file = NULL;
    if (!failed && r->beside)
        failed = rename(r->beside, r->target);
    if (failed && r->beside)
        drop(r->beside);
    clear(r);
    return failed ? -1 : 0;
}

void mlc_replace_abandon(mlc_replace *r)
{
    if (!r->file)
        return;
    if (r->beside)
        drop(r->beside);
    clear(r);
}
