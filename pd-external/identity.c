/* see identity.h */
#define _POSIX_C_SOURCE 200809L
#include <sys/stat.h>
#include <string.h>
#include "identity.h"

int identity_of(const char *path, t_identity *id)
{
    struct stat s;
    if (stat(path, &s))
        return 0;
    id->i_device = s.st_dev;
    id->i_inode = s.st_ino;
    id->i_size = (uint64_t)s.st_size;
    id->i_seconds = s.st_mtim.tv_sec;
    id->i_nanoseconds = s.st_mtim.tv_nsec;
    return 1;
}

int identity_same(const t_identity *a, const t_identity *b)
{
    return a->i_device == b->i_device && a->i_inode == b->i_inode &&
           a->i_size == b->i_size && a->i_seconds == b->i_seconds &&
           a->i_nanoseconds == b->i_nanoseconds;
}
