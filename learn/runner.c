/* see runner.h */
#include <stdlib.h>
#include <string.h>
#include "image.h"
#include "runner.h"

static mlc_status start(learn_runner *r, const mli_kernels *kernels,
                        mlc_error *error)
{
    mli_memory need;
    mli_status status =
        mli_open(&r->model, r->image.bytes, r->image.size, NULL);
    if (status == MLI_OK)
        status = mli_sizes(&r->model, 16, &need);
    if (status != MLI_OK)
        return mlc_fail(error, MLC_CORRUPT, "%s", mli_status_text(status));
    size_t state =
        (need.state_bytes + MLI_ALIGNMENT - 1) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    uint8_t *memory = mlc_aligned(state + need.arena_bytes);
    if (!memory)
        return mlc_fail(error, MLC_MEMORY, "no memory");
    r->memory = memory;
    status =
        mli_start(&r->model, kernels, 16, memory, memory + state, &r->session);
    return status == MLI_OK
               ? MLC_OK
               : mlc_fail(error, MLC_MEMORY, "%s", mli_status_text(status));
}

mlc_status learn_runner_make(learn_runner *r, mlc_image *image,
                             const mli_kernels *kernels, mlc_error *error)
{
    memset(r, 0, sizeof *r);
    r->image = *image;
    memset(image, 0, sizeof *image);
    mlc_status status = start(r, kernels, error);
    if (status)
        learn_runner_free(r);
    return status;
}

void learn_runner_free(learn_runner *r)
{
    free(r->memory);
    mlc_image_free(&r->image);
    memset(r, 0, sizeof *r);
}

void learn_runner_run(learn_runner *r, const float *x, float *y)
{
    const float *in[1] = {x};
    float *out[1] = {y};
    mli_run(r->session, in, out);
}
