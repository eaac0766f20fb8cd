/*
 * open.c - mli_open: header, checksum and sections here, then what verify.h
 * lists.
 */
#include "verify.h"

/* An error in the header names the offset of its field. */
#define FIELD(name) (uint32_t) offsetof(mli_file_header, name)

static mli_status fail(mli_status status, uint32_t *index, uint32_t at)
{
    *index = at;
    return status;
}

/* As numbers: clang makes a comparison of bytes a call of bcmp, which not every
   freestanding machine has. */
static int is_magic(const char *bytes)
{
    uint64_t a, b;
    __builtin_memcpy(&a, bytes, sizeof a);
    __builtin_memcpy(&b, MLI_MAGIC, sizeof b);
    return a == b;
}

static mli_status check_bytes(const void *bytes, size_t size, uint32_t *index)
{
    const mli_file_header *h = bytes;
    if ((uintptr_t)bytes % MLI_ALIGNMENT != 0)
        return MLI_ERR_ALIGNMENT;
    if (size < sizeof *h)
        return fail(MLI_ERR_TOO_SHORT, index, (uint32_t)size);
    if (!is_magic(h->magic))
        return MLI_ERR_MAGIC;
    if (h->version != MLI_FORMAT_VERSION)
        return fail(MLI_ERR_VERSION, index, h->version);
    if (size != h->file_bytes || size % MLI_ALIGNMENT != 0)
        return fail(MLI_ERR_FILE_SIZE, index, h->file_bytes);
    if (mli_file_crc32(bytes, size) != h->crc32)
        return MLI_ERR_CRC;
    return MLI_OK;
}

static mli_status check_header(const mli_file_header *h, uint32_t *index)
{
    int windowed = h->mode == MLI_WINDOW;
    if (h->mode > MLI_STEP)
        return fail(MLI_ERR_HEADER, index, FIELD(mode));
    if (!(h->rate >= 0.0 && h->rate <= 1e9))
        return fail(MLI_ERR_HEADER, index, FIELD(rate));
    if (windowed != (h->window != 0) || h->window > MLI_MAX_ELEMENTS)
        return fail(MLI_ERR_HEADER, index, FIELD(window));
    if (windowed != (h->hop != 0) || h->hop > h->window)
        return fail(MLI_ERR_HEADER, index, FIELD(hop));
    if (h->parameters >> 53 != 0)
        return fail(MLI_ERR_HEADER, index, FIELD(parameters));
    if (h->inputs > MLI_MAX_PORTS)
        return fail(MLI_ERR_HEADER, index, FIELD(inputs));
    if (h->outputs == 0 || h->outputs > MLI_MAX_PORTS)
        return fail(MLI_ERR_HEADER, index, FIELD(outputs));
    if (h->mode != MLI_STREAM && h->spread != 0 && h->spread != h->hop)
        return fail(MLI_ERR_HEADER, index, FIELD(spread));
    for (uint32_t i = 0; i < sizeof h->reserved / 4; i++)
        if (h->reserved[i] != 0)
            return fail(MLI_ERR_HEADER, index, FIELD(reserved) + 4 * i);
    return MLI_OK;
}

static int all_zero(const uint8_t *p, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i < last; i++)
        if (p[i] != 0)
            return 0;
    return 1;
}

static mli_status check_sections(const mli_file_header *h, uint32_t *index)
{
    uint64_t at = sizeof *h;
    for (uint32_t i = 0; i < MLI_SEC_COUNT; i++) {
        const mli_file_section *s = h->section + i;
        uint64_t end = at + s->bytes;
        uint64_t next =
            (end + MLI_ALIGNMENT - 1) / MLI_ALIGNMENT * MLI_ALIGNMENT;
        if (s->offset != at || s->bytes % mli_record_bytes[i] != 0 ||
            next > h->file_bytes || !all_zero((const uint8_t *)h, end, next))
            return fail(MLI_ERR_SECTION, index, i);
        at = next;
    }
    if (at != h->file_bytes)
        return fail(MLI_ERR_SECTION, index, MLI_SEC_COUNT);
    if (h->section[MLI_SEC_OPS].bytes / sizeof(mli_file_op) > MLI_MAX_OPS)
        return fail(MLI_ERR_SECTION, index, MLI_SEC_OPS);
    return MLI_OK;
}

/* Counts that the header and the sections both give. */
static mli_status check_counts(const mli_file *f, uint32_t *index)
{
    const uint32_t *n = f->count;
    if (n[MLI_SEC_PORTS] != f->header->inputs + f->header->outputs)
        return fail(MLI_ERR_COUNT, index, MLI_SEC_PORTS);
    if (n[MLI_SEC_TENSORS] < f->header->inputs + n[MLI_SEC_OPS])
        return fail(MLI_ERR_COUNT, index, MLI_SEC_TENSORS);
    return MLI_OK;
}

static mli_status open(const void *bytes, size_t size, uint32_t *index)
{
    static mli_status (*const part[])(const mli_file *, uint32_t *) = {
        check_counts,       mli_verify_strings, mli_verify_meta,
        mli_verify_tensors, mli_verify_ports,   mli_verify_ops,
#ifdef MLI_SOME
        mli_verify_parts,
#endif
        mli_verify_shapes,  mli_verify_states,  mli_verify_lifetimes,
        mli_verify_arena,
    };
    mli_status status = check_bytes(bytes, size, index);
    if (status == MLI_OK)
        status = check_header(bytes, index);
    if (status == MLI_OK)
        status = check_sections(bytes, index);
    if (status != MLI_OK)
        return status;
    mli_file f = mli_file_of(bytes);
    for (uint32_t i = 0; i < sizeof part / sizeof *part && status == MLI_OK;
         i++)
        status = part[i](&f, index);
    return status;
}

mli_status mli_open(mli_model *model, const void *bytes, size_t size,
                    uint32_t *index)
{
    uint32_t at = 0;
    mli_status status = open(bytes, size, &at);
    if (index != NULL)
        *index = status == MLI_OK ? 0 : at;
    model->bytes = status == MLI_OK ? bytes : NULL;
    model->size = status == MLI_OK ? (uint32_t)size : 0;
    return status;
}
