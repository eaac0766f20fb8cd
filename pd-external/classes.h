/*
 * classes.h - both classes, so that either binary can register both.
 */
#ifndef CLASSES_H
#define CLASSES_H

/* Register [mlinfer~] and [mlinfer], unless the other binary has done so. */
void classes_register(void);

void listclass_setup(void);   /* [mlinfer] */
void signalclass_setup(void); /* [mlinfer~] */

#endif
