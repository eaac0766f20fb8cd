/* XNNPACK: a fully connected operator, or a convolution of one row. */
#include <math.h>
#include <stdlib.h>
#include <xnnpack.h>

#include "peers.h"

static void *prepare(const peer_work *p)
{
    xnn_operator_t op = NULL;
    size_t in = (size_t)p->in, out = (size_t)p->out;
    size_t length = (size_t)(p->frames + (p->taps - 1) * p->dilation);
    int failed = xnn_initialize(NULL);
    if (p->taps == 1) {
        failed |= xnn_create_fully_connected_nc_f32(
            in, out, in, out, p->w, p->b, -INFINITY, INFINITY, 0, &op);
        if (!failed)
            failed |= xnn_setup_fully_connected_nc_f32(op, (size_t)p->frames,
                                                       p->x, p->y, NULL);
    } else {
        failed |= xnn_create_convolution2d_nhwc_f32(
            0, 0, 0, 0, 1, (uint32_t)p->taps, 1, 1, 1, (uint32_t)p->dilation, 1,
            in, out, in, out, p->w, p->b, -INFINITY, INFINITY, 0, &op);
        if (!failed)
            failed |= xnn_setup_convolution2d_nhwc_f32(op, 1, 1, length, p->x,
                                                       p->y, NULL);
    }
    return failed ? NULL : op;
}

static void run(void *prepared)
{
    xnn_run_operator(prepared, NULL);
}

const peer peer_xnnpack = {"XNNPACK", prepare, run};
