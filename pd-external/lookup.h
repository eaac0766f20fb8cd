/*
 * lookup.h - where a model file is, as Pd finds files and beside each patch
 * that encloses the box.
 *
 * This goes in two steps, as only Pd's thread may ask Pd and only another one
 * may ask the system while sound runs.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "m_pd.h"

#define PLACES_BYTES 16384

/* Folders to look into, in groups; each folder stands there once. */
typedef struct _places {
    char p_name[MAXPDSTRING];     /* of the file */
    char p_here[MAXPDSTRING];     /* folder of the patch, for people */
    char p_folders[PLACES_BYTES]; /* each ends with a 0; an empty one ends a
                                     group */
    int p_used;
} t_places;

/*
 * For Pd's thread: the places for a box in canvas (NULL: in no patch), which
 * are: the folder of the patch, declared paths, the search path; then the same
 * for each enclosing patch, inner to outer. No allocation, lock, system call.
 */
void lookup_gather(t_places *p, const t_canvas *canvas, const char *name);

/*
 * For any thread: the first file that is there. ".bin" may be left out of the
 * name. path: at least MAXPDSTRING bytes. Returns 0 if there is none.
 */
int lookup_search(const t_places *p, char *path);

/*
 * For any thread: why lookup_search found none, for people. text: size bytes.
 */
void lookup_explain(const t_places *p, char *text, size_t size);

#endif
