/*
 * classes.h - both classes, so that either binary can register both.
 */
#ifndef CLASSES_H
#define CLASSES_H

#include "m_pd.h"

/* All else is hidden. */
#ifdef _WIN32
#define SHOWN __declspec(dllexport)
#else
#define SHOWN __attribute__((visibility("default")))
#endif

/* Register [mlinfer~] and [mlinfer], unless the other binary has done so. */
void classes_register(void);

/*
 * Let a class be made by another name, too, unless something has that name.
 * Pd knows a class by its folder's name only if it loaded the binary for that
 * very box; the other class of a binary needs to be told.
 */
void class_alias(t_newmethod make, const char *name);

void listclass_setup(void);  /* [mlinfer] */
void learnclass_setup(void); /* [mlinfer -learn]: no name of its own */

/* [mlinfer -learn ...]; 0: it cannot be. */
void *learnbox_new(int argc, t_atom *argv);
void signalclass_setup(void); /* [mlinfer~] */

#endif
