/* build_avx2.c - the kernels for x86 with AVX2 and FMA. */
#include "kernels.h"

#if !defined(MLI_GENERIC_ONLY) && defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))),              \
                             apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#include "vec_avx2.h"
#include "text_all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int mli_build_avx2_is_empty; /* ISO C wants a declaration */
#endif
