/*
 * figures.h - what a graph costs and how far it looks back.
 */
#ifndef MLC_FIGURES_H
#define MLC_FIGURES_H

#include "ir.h"

/* Multiply-accumulates of the living nodes, per run; stream: of a frame, slower
   ones by their share, rounded up in the end. */
uint64_t mlc_graph_macs(const ir_graph *g);
/* Of a node, each time that it runs. */
uint64_t mlc_node_macs(const ir_graph *g, const ir_node *node);
/* Numbers in constants that living nodes read, packed ones before padding. */
uint64_t mlc_graph_parameters(const ir_graph *g);

/*
 * Frames of input that one frame of output depends on: 1 + the lookbacks along
 * the longest path; 0 when it is unbounded. Step: 1 or 0. Window: the window.
 * UINT32_MAX without memory.
 */
uint32_t mlc_receptive_field(const ir_graph *g);

#endif
