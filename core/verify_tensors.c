#include "clock.h"
#include "verify.h"

static int dims_fit(const mli_file_tensor *t)
{
    uint64_t limit =
        t->flags & MLI_TIMED ? MLI_MAX_TIMED_ELEMENTS : MLI_MAX_ELEMENTS;
    uint64_t n = 1;
    if (t->rank > MLI_MAX_RANK)
        return 0;
    for (uint32_t i = 0; i < MLI_MAX_RANK; i++) {
        if ((t->dims[i] != 0) != (i < t->rank))
            return 0;
        if (i < t->rank)
            n *= t->dims[i]; /* n <= 2^28 before, a dim < 2^32 */
        if (n > limit)
            return 0;
    }
    return 1;
}

/* f32 of any shape, or a matrix: whole quads of rows. */
static int storage_fits(const mli_file_tensor *t)
{
    if (t->storage == MLI_F32)
        return 1;
    return t->storage < MLI_STORAGE_COUNT && t->region == MLI_CONSTANT &&
           t->rank == 2 && t->dims[0] % 4 == 0;
}

/* Sums of two products of bytes fit 16 bits without -128. */
static int bytes_fit(const mli_file *f, const mli_file_tensor *t)
{
    const int8_t *w = (const int8_t *)(const void *)(f->data + t->offset);
    uint64_t n = mli_stored_bytes(MLI_BYTES, t->dims[0], t->dims[1]);
    for (uint64_t i = 0; i < n; i++)
        if (w[i] == -128)
            return 0;
    return 1;
}

static mli_status check_constant(const mli_file *f, const mli_file_tensor *t)
{
    if (t->region != MLI_CONSTANT || t->flags != 0 || t->period != 0 ||
        t->first != 0 || t->last != 0)
        return MLI_ERR_TENSOR;
    if (t->offset % 16 != 0 ||
        t->offset + mli_constant_floats(t) > f->count[MLI_SEC_DATA])
        return MLI_ERR_TENSOR_REGION;
    if (t->storage == MLI_BYTES && !bytes_fit(f, t))
        return MLI_ERR_TENSOR;
    return MLI_OK;
}

static mli_status check_arena(const mli_file *f, const mli_file_tensor *t)
{
    int stream = f->header->mode == MLI_STREAM;
    uint64_t end = t->offset + mli_arena_floats(f, t);
    if (t->region != MLI_ARENA || t->flags > (stream ? MLI_TIMED : 0) ||
        mli_timed(t) != (t->period != 0) || t->period > MLI_MAX_PERIOD)
        return MLI_ERR_TENSOR;
    if ((!stream && t->offset % 16 != 0) || end > f->header->arena)
        return MLI_ERR_TENSOR_REGION;
    return MLI_OK;
}

mli_status mli_verify_tensors(const mli_file *f, uint32_t *index)
{
    uint32_t n = f->count[MLI_SEC_TENSORS];
    uint32_t constants = f->header->inputs;
    uint32_t made = n - f->count[MLI_SEC_OPS];
    for (uint32_t i = 0; i < n; i++) {
        const mli_file_tensor *t = f->tensors + i;
        mli_status status;
        if (!dims_fit(t) || !storage_fits(t))
            status = MLI_ERR_TENSOR;
        else if (i >= constants && i < made)
            status = check_constant(f, t);
        else
            status = check_arena(f, t);
        if (status != MLI_OK) {
            *index = i;
            return status;
        }
    }
    return mli_cycle(f, index) != 0 ? MLI_OK : MLI_ERR_TENSOR;
}
