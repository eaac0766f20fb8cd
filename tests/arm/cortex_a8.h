/*
 * cortex_a8.h - how many cycles a Cortex-A8 takes for a piece of code: an
 * estimate.
 *
 * The constants are those by which GCC schedules for this core (its pipeline
 * description): two instructions a cycle in order, of them one load or store;
 * vectors go on through a queue into their own pipelines, one computing and one
 * moving instruction a cycle, twice as long for 128 bits of floats; single
 * floats (VFP) are not pipelined at all. Branches are taken to be predicted and
 * data to be in the first cache.
 */
#ifndef CORTEX_A8_H
#define CORTEX_A8_H

#include "arm_text.h"

/* Cycles of the code when it runs over and over. */
double cortex_a8_cycles(const arm_instruction *code, unsigned n);

#endif
