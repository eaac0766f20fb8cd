/* build_sse2.c - the kernels for every 64-bit x86. */
#include "kernels.h"

#if !defined(MLI_GENERIC_ONLY) && defined(__x86_64__)
#include <emmintrin.h>
#include "vec_sse2.h"
#include "text_all.h"
#else
typedef int mli_build_sse2_is_empty; /* ISO C wants a declaration */
#endif
