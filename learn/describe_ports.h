/*
 * describe_ports.h - what the ports of a learned model say of themselves.
 */
#ifndef LEARN_DESCRIBE_PORTS_H
#define LEARN_DESCRIBE_PORTS_H

#include "examples.h"
#include "ir.h"

/* After ir_input, after ir_output: the ranges that were seen; the names of
   labels. */
void learn_describe_in(ir_graph *g, const learn_examples *e);
void learn_describe_out(ir_graph *g, const learn_examples *e);

#endif
