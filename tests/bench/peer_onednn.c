/* oneDNN: an inner product or a convolution, weights in the order it asks for.
 */
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"

typedef struct job {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    dnnl_exec_arg_t arguments[4];
} job;

static dnnl_engine_t engine;

static int failed; /* any call since prepare began */

static dnnl_memory_desc_t shape(int rank, const dnnl_dims_t dims,
                                dnnl_format_tag_t order)
{
    dnnl_memory_desc_t d;
    failed |= dnnl_memory_desc_init_by_tag(&d, rank, dims, dnnl_f32, order);
    return d;
}

static dnnl_memory_t at(const dnnl_memory_desc_t *d, const void *place)
{
    dnnl_memory_t m = NULL;
    failed |= dnnl_memory_create(&m, d, engine, (void *)(size_t)place);
    return m;
}

/* Weights, moved into the order that the primitive wants. */
static dnnl_memory_t ordered(dnnl_memory_t from, const dnnl_memory_desc_t *own,
                             const dnnl_memory_desc_t *wanted,
                             dnnl_stream_t stream)
{
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder;
    dnnl_memory_t to = at(wanted, DNNL_MEMORY_ALLOCATE);
    failed |= dnnl_reorder_primitive_desc_create(&description, own, engine,
                                                 wanted, engine, NULL);
    if (failed)
        return NULL;
    failed |= dnnl_primitive_create(&reorder, description);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    failed |= dnnl_primitive_execute(reorder, stream, 2, arguments);
    failed |= dnnl_stream_wait(stream);
    return to;
}

/* oneDNN has the inputs before the taps. */
static float *swapped(const peer_work *p)
{
    float *w = malloc((size_t)(p->out * p->taps * p->in) * sizeof *w);
    for (int o = 0; o < p->out; o++)
        for (int k = 0; k < p->taps; k++)
            for (int i = 0; i < p->in; i++)
                w[(o * p->in + i) * p->taps + k] =
                    p->w[(o * p->taps + k) * p->in + i];
    return w;
}

static void *prepare(const peer_work *p)
{
    const int rank = p->taps > 1 ? 3 : 2;
    const dnnl_dim_t length = p->frames + (p->taps - 1) * p->dilation;
    const dnnl_dims_t xs = {rank == 3 ? 1 : p->frames, p->in, length};
    const dnnl_dims_t ws = {p->out, p->in, p->taps};
    const dnnl_dims_t ys = {rank == 3 ? 1 : p->frames, p->out, p->frames};
    const dnnl_dims_t bs = {p->out}, one = {1}, none = {0};
    const dnnl_dims_t apart = {p->dilation - 1};
    dnnl_primitive_desc_t description = NULL;
    job *j = calloc(1, sizeof *j);
    failed = 0;
    if (!engine)
        failed |= dnnl_engine_create(&engine, dnnl_cpu, 0);
    failed |= dnnl_stream_create(&j->stream, engine, dnnl_stream_default_flags);
    dnnl_memory_desc_t x = shape(rank, xs, rank == 3 ? dnnl_nwc : dnnl_nc);
    dnnl_memory_desc_t y = shape(rank, ys, rank == 3 ? dnnl_nwc : dnnl_nc);
    dnnl_memory_desc_t own = shape(rank, ws, rank == 3 ? dnnl_oiw : dnnl_oi);
    dnnl_memory_desc_t any = shape(rank, ws, dnnl_format_tag_any);
    dnnl_memory_desc_t b = shape(1, bs, dnnl_a);
    if (rank == 3) {
        dnnl_convolution_desc_t d;
        failed |= dnnl_dilated_convolution_forward_desc_init(
            &d, dnnl_forward_inference, dnnl_convolution_direct, &x, &any, &b,
            &y, one, apart, none, none);
        failed |=
            dnnl_primitive_desc_create(&description, &d, NULL, engine, NULL);
    } else {
        dnnl_inner_product_desc_t d;
        failed |= dnnl_inner_product_forward_desc_init(
            &d, dnnl_forward_inference, &x, &any, &b, &y);
        failed |=
            dnnl_primitive_desc_create(&description, &d, NULL, engine, NULL);
    }
    if (failed)
        return NULL;
    const dnnl_memory_desc_t *wanted =
        dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    failed |= dnnl_primitive_create(&j->primitive, description);
    j->arguments[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, at(&x, p->x)};
    j->arguments[1] =
        (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, ordered(at(&own, swapped(p)), &own,
                                                    wanted, j->stream)};
    j->arguments[2] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, at(&b, p->b)};
    j->arguments[3] = (dnnl_exec_arg_t){DNNL_ARG_DST, at(&y, p->y)};
    return failed ? NULL : j;
}

static void run(void *prepared)
{
    job *j = prepared;
    dnnl_primitive_execute(j->primitive, j->stream, 4, j->arguments);
    dnnl_stream_wait(j->stream);
}

const peer peer_onednn = {"oneDNN", prepare, run};
