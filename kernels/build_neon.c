/*
 * build_neon.c - the kernels for ARM with NEON: AArch64, and ARMv7 when the
 * compiler was told that it is there (-mfpu=neon).
 */
#include "kernels.h"

#if !defined(MLI_GENERIC_ONLY) && defined(__ARM_NEON)
#include <arm_neon.h>
#include "vec_neon.h"
#include "text_all.h"
#else
typedef int mli_build_neon_is_empty; /* ISO C wants a declaration */
#endif
