/*
 * kernel_choice.h - the kernel build that the environment variable MLI_KERNELS
 * asks for, or the best one of this machine.
 */
#ifndef KERNEL_CHOICE_H
#define KERNEL_CHOICE_H

#include "mlinfer.h"

/*
 * NULL when the build asked for is unknown or does not run here; an error that
 * lists those that do was said on standard error then.
 */
const mli_kernels *kernel_choice(void);

/* Its name; NULL as above. */
const char *kernel_choice_name(void);

/* Names of the builds that run here, best first, with blanks between. */
const char *kernel_names(void);

#endif
