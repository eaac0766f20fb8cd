/* build_avx2.c - the kernels for x86 with AVX2, FMA and F16C. */
#include "kernels.h"

#if !defined(MLI_GENERIC_ONLY) && defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))),         \
                             apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif
#include "vec_avx2.h"
#include "text_all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int mli_build_avx2_is_empty; /* ISO C wants a declaration */
#endif
