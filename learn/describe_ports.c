/* see describe_ports.h */
#include "describe_ports.h"

void learn_describe_in(ir_graph *g, const learn_examples *e)
{
    for (uint32_t i = 0; i < e->inputs; i++) {
        float low, high;
        learn_range_in(e, i, &low, &high);
        ir_channel_info(g, i, NULL, low, high, 0.0f);
    }
}

void learn_describe_out(ir_graph *g, const learn_examples *e)
{
    if (learn_examples_classes(e)) {
        for (uint32_t i = 0; i < learn_labels_used(e); i++)
            ir_channel_info(g, i, e->name[i], 0.0f, 1.0f, 0.0f);
        ir_classes(g);
        return;
    }
    for (uint32_t i = 0; i < e->outputs; i++) {
        float low, high;
        learn_range_out(e, i, &low, &high);
        ir_channel_info(g, i, NULL, low, high, 0.0f);
    }
}
