/*
 * describe.h - the messages that tell everything about a model.
 */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "box.h"

void box_info(t_box *x);  /* tagged, at the info outlet */
void box_print(t_box *x); /* readable, in the Pd window */

#endif
