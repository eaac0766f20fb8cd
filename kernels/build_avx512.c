/* build_avx512.c - the kernels for x86 with AVX-512 F, VL, DQ and BW. */
#include "kernels.h"

#if !defined(MLI_GENERIC_ONLY) && defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(                                                  \
    __attribute__((target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw"))),    \
    apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")
#endif
#include "vec_avx512.h"
#include "text_all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int mli_build_avx512_is_empty; /* ISO C wants a declaration */
#endif
