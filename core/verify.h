/*
 * verify.h - the parts of mli_open. Each looks at one kind of record, trusts
 * what the ones before it found, and sets *index when it answers an error.
 * The order is that of the declarations.
 */
#ifndef MLI_VERIFY_H
#define MLI_VERIFY_H

#include "file.h"
#include "parts.h"

/* verify_text.c: STRINGS, META */
mli_status mli_verify_strings(const mli_file *f, uint32_t *index);
mli_status mli_verify_meta(const mli_file *f, uint32_t *index);
/* Is there a text at this offset? */
int mli_is_text(const mli_file *f, uint32_t offset);

/* verify_tensors.c: each tensor by itself */
mli_status mli_verify_tensors(const mli_file *f, uint32_t *index);

/* verify_ports.c: PORTS, CHANNELS */
mli_status mli_verify_ports(const mli_file *f, uint32_t *index);

/* verify_ops.c: operators in order, their operands' kinds; verify_shapes.c:
   parameters and shapes; verify_states.c: states */
mli_status mli_verify_ops(const mli_file *f, uint32_t *index);
/* parts.c: what it needs is in this build */
mli_status mli_verify_parts(const mli_file *f, uint32_t *index);
mli_status mli_verify_shapes(const mli_file *f, uint32_t *index);
mli_status mli_verify_states(const mli_file *f, uint32_t *index);

/* verify_arena.c: lifetimes, overlaps, the arena's size */
mli_status mli_verify_lifetimes(const mli_file *f, uint32_t *index);
mli_status mli_verify_arena(const mli_file *f, uint32_t *index);

/* Multiply-accumulates of x to y once, as the header counts them. */
uint64_t mli_op_macs(const mli_file_op *op, const mli_file_tensor *x,
                     const mli_file_tensor *y);

/* The number of states that an operator has, for a known type. */
uint32_t mli_op_states(const mli_file *f, const mli_file_op *op);

/* Its i-th input is a packed matrix that may be stored in fewer bits. */
int mli_is_matrix(const mli_file_op *op, uint32_t i);

#endif
