/* see lookup.h */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
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

/* Of the same header, in every Pd since 0.47: calls visit with every folder
   that canvas_open looks into, until it returns 0. */
extern int canvas_path_iterate(const t_canvas *canvas,
                               int (*visit)(const char *path, void *user),
                               void *user);

static const t_canvas *lookup_outer(const t_canvas *canvas)
{
    return canvas ? ((const t_glist_head *)canvas)->gl_owner : 0;
}

/* ------------------------------ gathering --------------------------------- */

static int places_have(const t_places *p, const char *folder)
{
    for (int at = 0; at < p->p_used; at += (int)strlen(p->p_folders + at) + 1)
        if (!strcmp(p->p_folders + at, folder))
            return 1;
    return 0;
}

/* Without room for it, a folder is left out. */
static int places_add(const char *folder, void *user)
{
    t_places *p = user;
    size_t bytes = strlen(folder) + 1;
    /* of Pd's own, "" is the folder where Pd was started */
    const char *name = *folder ? folder : ".";
    if (bytes == 1)
        bytes = 2;
    if (places_have(p, name) || (size_t)p->p_used + bytes >= PLACES_BYTES)
        return 1;
    memcpy(p->p_folders + p->p_used, name, bytes);
    p->p_used += (int)bytes;
    return 1;
}

/* There is room for it: places_add leaves one byte free for each. */
static void places_end_group(t_places *p)
{
    if (p->p_used < PLACES_BYTES)
        p->p_folders[p->p_used++] = 0;
}

void lookup_gather(t_places *p, const t_canvas *canvas, const char *name)
{
    const t_symbol *last = 0;
    snprintf(p->p_name, sizeof(p->p_name), "%s", name);
    snprintf(p->p_here, sizeof(p->p_here), "%s",
             canvas ? canvas_getdir(canvas)->s_name : "no patch");
    p->p_used = 0;
    do {
        /* a subpatch has the folder of the patch around it */
        const t_symbol *here = canvas ? canvas_getdir(canvas) : 0;
        if (!here || here != last) {
            canvas_path_iterate(canvas, places_add, p);
            places_end_group(p);
        }
        last = here;
        canvas = lookup_outer(canvas);
    } while (canvas);
}

/* ------------------------------ searching --------------------------------- */

/* Declared paths come with two slashes in a row. */
static void lookup_tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from; from++)
        if (from[0] != '/' || from[1] != '/' || from == path)
            *to++ = *from;
    *to = 0;
}

/* As Pd does, "~" is the home of who runs it. */
static const char *lookup_home(const char **path)
{
    const char *home;
    if ((*path)[0] != '~' || ((*path)[1] && (*path)[1] != '/') ||
        !(home = getenv("HOME")))
        return "";
    (*path)++;
    return home;
}

/* What a path leads to. */
typedef enum { IS_MODEL, IS_NOTHING, IS_FOLDER, IS_CLOSED } t_found;

static t_found lookup_look(const char *path)
{
    struct stat s;
    if (stat(path, &s))
        return IS_NOTHING;
    if (S_ISDIR(s.st_mode))
        return IS_FOLDER;
    if (!S_ISREG(s.st_mode))
        return IS_NOTHING;
    return access(path, R_OK) ? IS_CLOSED : IS_MODEL;
}

/* Is there what is asked for? */
static int lookup_try(const char *folder, const char *name, const char *ending,
                      t_found what, char *path)
{
    const char *home = lookup_home(*folder ? &folder : &name);
    int length = snprintf(path, MAXPDSTRING, "%s%s%s%s%s", home, folder,
                          *folder ? "/" : "", name, ending);
    if (length <= 0 || length >= MAXPDSTRING)
        return 0;
    lookup_tidy(path);
    return lookup_look(path) == what;
}

/* All folders of a group without an ending, then with it, as canvas_open would
   be asked. Returns where the group ends; -1: found. */
static int lookup_group(const t_places *p, int first, t_found what, char *path)
{
    static const char *const endings[] = {"", ".bin"};
    int at = first;
    for (int i = 0; i < 2; i++)
        for (at = first; at < p->p_used && p->p_folders[at];
             at += (int)strlen(p->p_folders + at) + 1)
            if (lookup_try(p->p_folders + at, p->p_name, endings[i], what,
                           path))
                return -1;
    return at + 1;
}

static int lookup_everywhere(const t_places *p, t_found what, char *path)
{
    if (sys_isabsolutepath(p->p_name))
        return lookup_try("", p->p_name, "", what, path) ||
               lookup_try("", p->p_name, ".bin", what, path);
    int at = 0;
    while (at >= 0 && at < p->p_used)
        at = lookup_group(p, at, what, path);
    return at < 0;
}

int lookup_search(const t_places *p, char *path)
{
    return lookup_everywhere(p, IS_MODEL, path);
}

void lookup_explain(const t_places *p, char *text, size_t size)
{
    char path[MAXPDSTRING];
    if (lookup_everywhere(p, IS_CLOSED, path))
        snprintf(text, size, "found, but you may not read it (%s)", path);
    else if (lookup_everywhere(p, IS_FOLDER, path))
        snprintf(text, size, "a folder (%s), expected a model file", path);
    else if (sys_isabsolutepath(p->p_name))
        snprintf(text, size, "not found");
    else
        snprintf(text, size,
                 "not found beside the patch (%s), on declared or search "
                 "paths%s",
                 p->p_here,
                 strstr(p->p_name, " -") ? " (flags come before the name)"
                                         : "");
}
