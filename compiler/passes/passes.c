/*
 * passes.c - the order of the passes.
 */
#include "passes.h"

void ir_passes(ir_graph *g, ir_tally *tally)
{
    ir_tally cleaning = {0};

    ir_pass_unused(g, tally);
    /* what the others leave behind was counted by them */
    ir_pass_unused(g, &cleaning);
}
