/*
 * arm_text.h - what an ARM instruction is, from its disassembled text: where it
 * computes, and which registers it reads and writes.
 */
#ifndef ARM_TEXT_H
#define ARM_TEXT_H

#include <stdint.h>

typedef enum arm_kind {
    ARM_ALU, /* whole numbers and addresses: the core */
    ARM_MUL,
    ARM_LOAD,
    ARM_STORE,
    ARM_BRANCH,
    NEON_INT, /* vectors */
    NEON_MUL_INT,
    NEON_ADD, /* of floats, and all that takes as long: compare, convert ... */
    NEON_MUL,
    NEON_MAC,
    NEON_PERMUTE,
    NEON_LOAD,
    NEON_STORE,
    NEON_FROM_CORE,
    NEON_TO_CORE,
    VFP_ADD, /* single floats and doubles: not in vectors */
    VFP_MUL,
    VFP_MAC,
    VFP_DIV, /* square roots, too */
    VFP_OTHER
} arm_kind;

/* Registers as bits: 0 to 15 of the core, 16 to 47 those of 64 bits for
   vectors (d0 to d31; q and s registers are parts or pairs of them). */
typedef struct arm_instruction {
    arm_kind kind;
    unsigned registers; /* of 64 bits, moved by a vector load or store; 0: one
                           that is no vector's (vldr) */
    int wide;           /* on 128 bits */
    int lane;           /* loads a lane, or interleaves */
    uint64_t reads, writes;
} arm_instruction;

/* ARMv7. Texts as the emulator prints them: "vmla.f32 q8, q9, d0[0]". */
arm_instruction arm_read(const char *text);

int arm_is_neon(arm_kind kind);
int arm_is_vfp(arm_kind kind);

/* AArch64: 0 the core, 1 vectors, 2 scalar floats. Loads and stores of vector
   registers count as vectors. */
int arm64_unit(const char *text);
/* AArch64: a multiply-accumulate of vectors. */
int arm64_is_mac(const char *text);

#endif
