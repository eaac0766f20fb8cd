/*
 * beside.c - see beside.h.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "beside.h"

#define MAX_BESIDE ((long long)1 << 32)

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

static mlc_status read_all(FILE *f, uint8_t **bytes, size_t *size,
                           mlc_error *error)
{
    struct stat s;

    if (fstat(fileno(f), &s) != 0 || !S_ISREG(s.st_mode))
        return mlc_fail(error, MLC_NOT_FOUND, "not a file");
    if ((long long)s.st_size > MAX_BESIDE)
        return mlc_fail(error, MLC_UNSUPPORTED, "over 4 GB");
    *size = (size_t)s.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return mlc_fail(error, MLC_MEMORY, "no memory for %zu bytes", *size);
    if (fread(*bytes, 1, *size, f) == *size)
        return MLC_OK;
    free(*bytes);
    *bytes = NULL;
    return mlc_fail(error, MLC_NOT_FOUND, "cannot be read");
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

mlc_status mlc_beside_read(const char *path, const char *name, uint8_t **bytes,
                           size_t *size, mlc_error *error)
{
    char *folder, *file;
    mlc_status status;
    FILE *f;

    *bytes = NULL;
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
    f = fopen(file, "rb");
    if (!f)
        status = mlc_fail(error, MLC_NOT_FOUND,
                          "\"%.200s\" is not beside the model: copy both files "
                          "together",
                          name);
    else if (!stays_inside(folder, file))
        status = mlc_fail(error, MLC_CORRUPT,
                          "\"%.200s\" is outside of the model's folder", name);
    else
        status = read_all(f, bytes, size, error);
    if (f)
        fclose(f);
    free(file);
    free(folder);
    return status;
}
