/* dispatch.c - which builds are in this binary and run on this machine. */
#include "builds.h"

#if !defined(MLI_GENERIC_ONLY)
#if defined(__x86_64__)
#define HAVE_X86
#elif defined(__ARM_NEON)
#define HAVE_NEON
#endif
#endif

#ifdef HAVE_X86
#include <cpuid.h>

/* State that the operating system keeps for us, a bit per register file. */
static uint32_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

enum { STATE_YMM = 0x06, STATE_ZMM = 0xe6 };

typedef struct machine {
    int avx2, avx512, vnni;
} machine;

static machine look(void)
{
    machine m = {0, 0, 0};
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return m;
    if (!(c & bit_OSXSAVE) || !(c & bit_FMA) || !(c & bit_F16C))
        return m;
    uint32_t state = saved_state();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return m;
    const uint32_t avx512 =
        bit_AVX512F | bit_AVX512VL | bit_AVX512DQ | bit_AVX512BW;
    m.avx2 = (state & STATE_YMM) == STATE_YMM && (b & bit_AVX2);
    m.avx512 =
        m.avx2 && (state & STATE_ZMM) == STATE_ZMM && (b & avx512) == avx512;
    m.vnni = m.avx512 && (c & bit_AVX512VNNI);
    return m;
}

static uint32_t collect(const mli_kernels **list)
{
    machine m = look();
    uint32_t n = 0;
    if (m.avx512)
        list[n++] = m.vnni ? &mli_kernels_avx512_vnni : &mli_kernels_avx512;
    if (m.avx2)
        list[n++] = &mli_kernels_avx2;
    list[n++] = &mli_kernels_sse2;
    return n;
}
#elif defined(HAVE_NEON)
static uint32_t collect(const mli_kernels **list)
{
    list[0] = &mli_kernels_neon;
    return 1;
}
#else
static uint32_t collect(const mli_kernels **list)
{
    (void)list;
    return 0;
}
#endif

const mli_kernels *mli_kernels_plain(void)
{
    return &mli_kernels_generic;
}

const mli_kernels *mli_kernels_at(uint32_t index)
{
    const mli_kernels *list[4];
    uint32_t n = collect(list);
    list[n++] = &mli_kernels_generic;
    return index < n ? list[index] : NULL;
}
