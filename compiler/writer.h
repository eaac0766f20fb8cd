/*
 * writer.h - a planned program as the bytes of a model file.
 */
#ifndef MLC_WRITER_H
#define MLC_WRITER_H

#include "program.h"

/* What the header says that the program does not know by itself. */
typedef struct mlc_figures {
    uint32_t receptive_field;
    uint64_t parameters;
    uint64_t macs;
} mlc_figures;

/*
 * bytes: 64-byte aligned, for free(). spent: the program's graph, if nobody
 * needs the numbers of its constants afterwards, else NULL.
 */
mlc_status mlc_write(const mlc_program *p, const mlc_figures *figures,
                     ir_graph *spent, uint8_t **bytes, size_t *size,
                     mlc_error *error);

#endif
