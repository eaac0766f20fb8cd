/* see lookup.h */
#include <stdio.h>
#include <string.h>
#include "lookup.h"

/*
 * The first fields of struct _glist (g_canvas.h), which is the only way to the
 * patch that an abstraction stands in. They have been the same in every Pd
 * since 0.35; that header is not installed everywhere, and what follows these
 * fields differs between versions.
 */
typedef struct _glist_head {
    t_object gl_obj;
    t_gobj *gl_list;
    struct _gstub *gl_stub;
    int gl_valid;
    t_canvas *gl_owner;
} t_glist_head;

static const t_canvas *lookup_outer(const t_canvas *canvas)
{
    return canvas ? ((const t_glist_head *)canvas)->gl_owner : 0;
}

/* Declared paths come back with two slashes in a row. */
static void lookup_tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from; from++)
        if (from[0] != '/' || from[1] != '/' || from == path)
            *to++ = *from;
    *to = 0;
}

static int lookup_try(const t_canvas *canvas, const char *name, const char *ext,
                      char *path)
{
    char directory[MAXPDSTRING], *base = 0;
    int fd = canvas_open(canvas, name, ext, directory, &base, MAXPDSTRING, 1);
    if (fd < 0)
        return 0;
    sys_close(fd);
    int length = directory[0]
                     ? snprintf(path, MAXPDSTRING, "%s/%s", directory, base)
                     : snprintf(path, MAXPDSTRING, "%s", base);
    if (length <= 0 || length >= MAXPDSTRING)
        return 0;
    lookup_tidy(path);
    return 1;
}

int lookup_find(const t_canvas *canvas, const char *name, char *path)
{
    const t_symbol *last = 0;
    do {
        /* a subpatch has the directory of the patch around it */
        const t_symbol *here = canvas ? canvas_getdir(canvas) : 0;
        if ((!here || here != last) && (lookup_try(canvas, name, "", path) ||
                                        lookup_try(canvas, name, ".bin", path)))
            return 1;
        last = here;
        canvas = lookup_outer(canvas);
    } while (canvas);
    return 0;
}
