/*
 * channels.h - which channels of each value somebody reads. A channel is a
 * place along the last axis.
 */
#ifndef MLC_CHANNELS_H
#define MLC_CHANNELS_H

#include "ir.h"

typedef struct ir_channels {
    char **used;     /* by value: a byte for each channel; NULL: constants */
    uint32_t *count; /* by value: channels, all of them */
    char *bytes;
} ir_channels;

/* How the channels of a node's operands and of its result hang together. */
typedef enum ir_link {
    IR_LINK_NONE,      /* not at all: all are needed */
    IR_LINK_SAME,      /* one for one */
    IR_LINK_SLICE,     /* the result's are some of the operand's */
    IR_LINK_CONCAT,    /* the operands' one after another */
    IR_LINK_LAYER,     /* by a matrix: each side has its own */
    IR_LINK_DEPTHWISE, /* one for one, by weights of their own */
} ir_link;
ir_link ir_link_of(const ir_graph *g, const ir_node *node);

/* Channels of a value: its last dim. */
uint32_t ir_channels_of(const ir_value *v);

/* channels_drop.c: without those that nobody reads; how many outputs of layers
   that were. */
uint32_t ir_drop_channels(ir_graph *g, const ir_channels *c);

#endif
