/*
 * identity.h - what tells one state of a file from another.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdint.h>

typedef struct _identity {
    uint64_t i_device;
    uint64_t i_inode;
    uint64_t i_size;   /* bytes */
    int64_t i_seconds; /* modification time */
    int64_t i_nanoseconds;
} t_identity;

/* 0 if there is no such file. */
int identity_of(const char *path, t_identity *id);
int identity_same(const t_identity *a, const t_identity *b);

#endif
