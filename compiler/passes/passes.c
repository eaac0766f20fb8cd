/*
 * passes.c - the order of the passes.
 */
#include "passes.h"

#define MOST_ROUNDS 8

/* Layers, their scales and what reads them: each may give the others more to
 * do.
 */
static void fold_layers(ir_graph *g, ir_tally *tally)
{
    uint32_t before, after = 0;

    for (int round = 0; round < MOST_ROUNDS; round++) {
        before = after;
        ir_pass_scales(g, tally);
        ir_pass_ahead(g, tally);
        ir_pass_products(g, tally);
        ir_pass_chains(g, tally);
        after = tally->chains + tally->scales + tally->products;
        if (after == before)
            break;
    }
    ir_pass_channels(g, tally);
    ir_pass_histories(g, tally);
}

void ir_passes(ir_graph *g, ir_tally *tally)
{
    ir_tally left_behind = {0};

    ir_pass_unused(g, tally);
    if (g->unfused)
        return;
    ir_pass_constants(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_transposes(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_unused(g, &left_behind);
    fold_layers(g, tally);
    ir_pass_functions(g, tally);
    ir_pass_layout(g, tally);
    ir_pass_unused(g, &left_behind);
    ir_pass_shared(g, tally);
}
