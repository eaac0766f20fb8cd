/*
 * lookup.h - where a model file is, as Pd finds files and beside each patch
 * that encloses the box.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "m_pd.h"

/*
 * Find a file for a box in canvas (NULL: in no patch): beside the patch, on
 * declared paths, on the search path, by an absolute name; then the same for
 * each enclosing patch, inner to outer. ".bin" may be left out of the name.
 * path: at least MAXPDSTRING bytes. Returns 1 if there is such a file.
 */
int lookup_find(const t_canvas *canvas, const char *name, char *path);

#endif
