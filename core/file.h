/*
 * file.h - the sections of a model file as typed arrays. Nothing is copied.
 */
#ifndef MLI_FILE_H
#define MLI_FILE_H

#include "format.h"

typedef struct mli_file {
    const mli_file_header *header;
    const char *strings;
    const mli_file_meta *meta;
    const mli_file_port *ports;
    const mli_file_channel *channels;
    const mli_file_tensor *tensors;
    const mli_file_op *ops;
    const uint32_t *operands;
    const mli_file_state *states;
    const float *data;
    /* records in each section; bytes of STRINGS, floats of DATA */
    uint32_t count[MLI_SEC_COUNT];
} mli_file;

/* bytes: a file whose header and sections were found in order. */
mli_file mli_file_of(const void *bytes);

/* Bytes of one record of each section. */
extern const uint8_t mli_record_bytes[MLI_SEC_COUNT];

/* Elements (per frame) of a tensor whose dims were checked. */
static inline uint32_t mli_elements(const mli_file_tensor *t)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        n *= t->dims[i];
    return n;
}

/* Floats that a constant takes in DATA. */
static inline uint64_t mli_constant_floats(const mli_file_tensor *t)
{
    if (t->storage == MLI_F32)
        return mli_elements(t);
    return mli_stored_floats((mli_storage)t->storage, t->dims[0], t->dims[1]);
}

/* The i-th of constants that are whole numbers. */
static inline uint32_t mli_word(const float *constants, size_t i)
{
    uint32_t word;
    __builtin_memcpy(&word, constants + i, sizeof word);
    return word;
}

static inline int mli_timed(const mli_file_tensor *t)
{
    return (t->flags & MLI_TIMED) != 0;
}

/* What an arena tensor takes: stream files per tick of the tile, others all. */
static inline uint64_t mli_arena_floats(const mli_file *f,
                                        const mli_file_tensor *t)
{
    uint64_t n = mli_elements(t);
    return f->header->mode == MLI_STREAM ? mli_tick_floats(n, t->period)
                                         : (n + 15) / 16 * 16;
}

/* The i-th operand of an operator: inputs, then outputs. */
static inline const mli_file_tensor *
mli_operand(const mli_file *f, const mli_file_op *op, uint32_t i)
{
    return f->tensors + f->operands[op->operand + i];
}

/* Does this layer compute in integers? */
static inline int mli_is_bytes(const mli_file *f, const mli_file_op *op)
{
    return mli_operand(f, op, 1)->storage == MLI_BYTES;
}

/* Floats of a frame of so many inputs in groups: words, if it does. */
static inline uint32_t mli_layer_inputs(const mli_file *f,
                                        const mli_file_op *op, uint32_t inputs,
                                        uint32_t groups)
{
    return mli_is_bytes(f, op) ? mli_words(inputs / groups) * groups : inputs;
}

/* units rounded up to whole quads */
static inline uint32_t mli_quads(uint32_t units)
{
    return (units + 3) / 4 * 4;
}

#endif
