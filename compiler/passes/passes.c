/*
 * passes.c - the order of the passes.
 */
#include "passes.h"

void ir_passes(ir_graph *g, ir_tally *tally)
{
    ir_tally left_behind = {0};

    ir_pass_unused(g, tally);
    ir_pass_constants(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_transposes(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_unused(g, &left_behind);
    ir_pass_scales(g, tally);
    ir_pass_functions(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_unused(g, &left_behind);
    ir_pass_shared(g, tally);
}
