/*
 * cortex_a53.h - how many cycles a Cortex-A53 takes for a piece of code: an
 * estimate.
 *
 * The constants are those by which GCC schedules for this core (its pipeline
 * description): two instructions a cycle in order, of them one load or store
 * and one branch; operations on 128 bits take both halves of the vector unit
 * and the first slot, their loads and stores both slots and one more. Branches
 * are taken to be predicted and data to be in the first cache.
 */
#ifndef CORTEX_A53_H
#define CORTEX_A53_H

#include <stdint.h>

typedef enum a53_kind {
    A53_ALU,
    A53_MUL,
    A53_LOAD,
    A53_STORE,
    A53_BRANCH,
    A53_VECTOR, /* and scalar floats */
    A53_DIVIDE, /* of these; square roots, too */
} a53_kind;

/* Registers as bits: 0 to 31 of the core, 32 to 63 of vectors. */
typedef struct a53_instruction {
    a53_kind kind;
    int wide; /* on 128 bits; several registers of the core */
    uint64_t reads, writes, address;
} a53_instruction;

/* AArch64. Texts as the emulator prints them: "fmla v16.4s, v0.4s, v1.s[0]". */
a53_instruction a53_read(const char *text);

/* Cycles of the code when it runs over and over. */
double cortex_a53_cycles(const a53_instruction *code, unsigned n);

#endif
