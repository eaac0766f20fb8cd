/*
 * onnx_describe.h - what an ONNX file says about itself in metadata_props.
 *
 * A table of the keys stands in models/README.md.
 */
#ifndef MLC_ONNX_DESCRIBE_H
#define MLC_ONNX_DESCRIBE_H

#include "ir.h"
#include "onnx_model.h"

/*
 * Read the metadata into a finished graph: its rate, labels and ranges of its
 * ports, and every key that is not "mlinfer.something" as it is. A key of ours
 * that names no port, or does not fit its channels, leaves through m->exit.
 */
void onnx_describe(const onnx_model *m, ir_graph *g);

/* What the metadata gives an input that lives in the session at first: n
   numbers, or NULL if it says nothing. */
const float *onnx_described_state(const onnx_model *m, const char *input,
                                  uint32_t n);

#endif
