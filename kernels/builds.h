/* builds.h - the tables of the builds that may be in this binary. */
#ifndef MLI_BUILDS_H
#define MLI_BUILDS_H

#include "kernels.h"

extern const mli_kernels mli_kernels_generic;
extern const mli_kernels mli_kernels_sse2;
extern const mli_kernels mli_kernels_avx2;
extern const mli_kernels mli_kernels_avx512;
/* The same where the processor has AVX-512 VNNI, by the same name. */
extern const mli_kernels mli_kernels_avx512_vnni;
extern const mli_kernels mli_kernels_neon;

#endif
