/*
 * fpu.h - numbers below 2^-126 count as zero while a model runs: they cost up
 * to a hundred times as much as others on some machines. Rounding is to
 * nearest, and nothing traps, whatever the host has set. The control register
 * is written only where it differs, and is given back as it was.
 */
#ifndef MLI_FPU_H
#define MLI_FPU_H

#include <stdint.h>

#if defined(__SSE__)

/* MXCSR: flush to zero, denormals are zero, all exceptions masked. Its low six
   bits only report. */
#define MLI_FPU_WANTED  0x9fc0u
#define MLI_FPU_CONTROL 0xffc0u

static inline uint32_t mli_fpu_read(void)
{
    uint32_t r;
    __asm__ volatile("stmxcsr %0" : "=m"(r));
    return r;
}

static inline void mli_fpu_write(uint32_t r)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(r) : "memory");
}

#elif defined(__aarch64__)

/* FPCR: bit 24 flushes to zero, 22-23 round, 8-15 trap. */
#define MLI_FPU_WANTED  (1u << 24)
#define MLI_FPU_CONTROL ((1u << 24) | (3u << 22) | 0xff00u)

static inline uint32_t mli_fpu_read(void)
{
    uint64_t r;
    __asm__ volatile("mrs %0, fpcr" : "=r"(r));
    return (uint32_t)r;
}

static inline void mli_fpu_write(uint32_t r)
{
    uint64_t wide = r;
    __asm__ volatile("msr fpcr, %0" : : "r"(wide) : "memory");
}

#elif defined(__arm__) && defined(__ARM_FP)

/* FPSCR: as above; its low bits only report. */
#define MLI_FPU_WANTED  (1u << 24)
#define MLI_FPU_CONTROL ((1u << 24) | (3u << 22) | 0x9f00u)

static inline uint32_t mli_fpu_read(void)
{
    uint32_t r;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(r));
    return r;
}

static inline void mli_fpu_write(uint32_t r)
{
    __asm__ volatile("vmsr fpscr, %0" : : "r"(r) : "memory");
}

#else

#define MLI_FPU_WANTED  0u
#define MLI_FPU_CONTROL 0u

static inline uint32_t mli_fpu_read(void)
{
    return 0;
}

static inline void mli_fpu_write(uint32_t r)
{
    (void)r;
}

#endif

/* The register as it was, for mli_fpu_end. */
static inline uint32_t mli_fpu_begin(void)
{
    uint32_t old = mli_fpu_read();
    if ((old & MLI_FPU_CONTROL) != MLI_FPU_WANTED)
        mli_fpu_write((old & ~MLI_FPU_CONTROL) | MLI_FPU_WANTED);
    return old;
}

static inline void mli_fpu_end(uint32_t old)
{
    if ((old & MLI_FPU_CONTROL) != MLI_FPU_WANTED)
        mli_fpu_write(old);
}

#endif
