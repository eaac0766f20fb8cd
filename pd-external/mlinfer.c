/* The binary that Pd looks for when it meets [mlinfer]. */
#include "classes.h"

SHOWN void mlinfer_setup(void);

void mlinfer_setup(void)
{
    classes_register();
}
