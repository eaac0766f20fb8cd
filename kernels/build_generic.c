/* build_generic.c - the kernels in plain C, for every machine. */
#include "kernels.h"
#include "vec_generic.h"
#include "text_all.h"
