/*
 * beside.c - see beside.h.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "beside.h"

#define MAX_BESIDE ((uint64_t)1 << 32)

/* Relative, and no step upwards. */
static int is_inside(const char *name)
{
    if (!name[0] || name[0] == '/' || strchr(name, '\\') || strchr(name, ':'))
        return 0;
    for (const char *s = name; s; s = strchr(s, '/')) {
        s += *s == '/';
        if (!strncmp(s, "..", 2) && (s[2] == '/' || !s[2]))
            return 0;
    }
    return 1;
}

/* Symbolic links are followed, but not out of the folder. */
static int stays_inside(const char *folder, const char *file)
{
    char *a = realpath(folder, NULL), *b = realpath(file, NULL);
    size_t n = a ? strlen(a) : 0;
    int inside =
        a && b && !strncmp(a, b, n) && (b[n] == '/' || (n && a[n - 1] == '/'));

    free(a);
    free(b);
    return inside;
}

static char *join(const char *path, const char *name, char **folder)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 2;
    char *file = malloc(n + strlen(name) + 1);

    *folder = malloc(n + 1);
    if (!file || !*folder) {
        free(file);
        free(*folder);
        return NULL;
    }
    snprintf(*folder, n + 1, "%s", slash ? path : "./");
    sprintf(file, "%s%s", *folder, name);
    return file;
}

/* Opened only when it is known to be a file: a pipe would wait for a writer. */
static mlc_status open_inside(const char *folder, const char *file,
                              const char *name, FILE **f, uint64_t *size,
                              mlc_error *error)
{
    struct stat s;

    if (stat(file, &s) != 0)
        return mlc_fail(error, MLC_NOT_FOUND,
                        "\"%.200s\" is not beside the model: copy both files "
                        "together",
                        name);
    if (!stays_inside(folder, file))
        return mlc_fail(error, MLC_CORRUPT,
                        "\"%.200s\" is outside of the model's folder", name);
    if (!S_ISREG(s.st_mode))
        return mlc_fail(error, MLC_NOT_FOUND, "\"%.200s\" is not a file", name);
    *size = (uint64_t)s.st_size;
    *f = fopen(file, "rb");
    return *f ? MLC_OK
              : mlc_fail(error, MLC_NOT_FOUND, "\"%.200s\" cannot be read",
                         name);
}

mlc_status mlc_beside_open(const char *path, const char *name, FILE **f,
                           uint64_t *size, mlc_error *error)
{
    char *folder, *file;
    mlc_status status;

    *f = NULL;
    if (!is_inside(name))
        return mlc_fail(error, MLC_CORRUPT,
                        "\"%.200s\" is outside of the model's folder", name);
    if (!path)
        return mlc_fail(error, MLC_NOT_FOUND,
                        "\"%.200s\" is another file, but the model has no path",
                        name);
    file = join(path, name, &folder);
    if (!file)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    status = open_inside(folder, file, name, f, size, error);
    free(file);
    free(folder);
    return status;
}

mlc_status mlc_beside_read(const char *path, const char *name, uint8_t **bytes,
                           size_t *size, mlc_error *error)
{
    uint64_t n;
    FILE *f;
    mlc_status status = mlc_beside_open(path, name, &f, &n, error);

    *bytes = NULL;
    if (status)
        return status;
    if (n > MAX_BESIDE || n > SIZE_MAX - 1) {
        status =
            mlc_fail(error, MLC_UNSUPPORTED, "\"%.200s\" is over 4 GB", name);
    } else if (!(*bytes = malloc((size_t)n + 1))) {
        status = mlc_fail(error, MLC_MEMORY, "no memory for %llu bytes",
                          (unsigned long long)n);
    } else if (fread(*bytes, 1, (size_t)n, f) != n) {
        status =
            mlc_fail(error, MLC_NOT_FOUND, "\"%.200s\" cannot be read", name);
        free(*bytes);
        *bytes = NULL;
    }
    fclose(f);
    *size = (size_t)n;
    return status;
}
