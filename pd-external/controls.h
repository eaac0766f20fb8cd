/*
 * controls.h - control inputs that were set, kept by name (see box.h).
 */
#ifndef CONTROLS_H
#define CONTROLS_H

#include "box.h"

/* Give all that are kept to the model that has come. */
void controls_apply(t_box *x);
void controls_free(t_box *x);

#endif
