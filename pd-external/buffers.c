/* The memory of [mlinfer~]'s perform routine; see signalbox.h. */
#include <stdlib.h>
#include <string.h>
#include "layout.h"
#include "signalbox.h"

/* Frames of delay that are worth holding memory for: three minutes. */
#define LATENCY_MAX (1u << 23)

static float **lay_channels(t_layout *l, size_t channels, size_t frames)
{
    float **v = layout_take(l, channels + 1, sizeof(float *));
    for (size_t c = 0; c < channels; c++) {
        float *vector = layout_take(l, frames, sizeof(float));
        if (v)
            v[c] = vector;
    }
    return v;
}

static void buffers_lay(t_buffers *b, t_layout *l, size_t in, size_t out,
                        int clamp)
{
    b->b_in = lay_channels(l, in, b->b_chunk);
    b->b_out = lay_channels(l, out, b->b_chunk);
    b->b_dry = lay_channels(l, (size_t)b->b_ndry, b->b_chunk);
    b->b_line = layout_take(l, b->b_latency, (size_t)b->b_ndry * sizeof(float));
    b->b_from = layout_take(l, out, sizeof(float));
    b->b_to = layout_take(l, out, sizeof(float));
    b->b_ranges = clamp ? layout_take(l, in, sizeof(t_range)) : 0;
}

static void buffers_ranges(t_buffers *b, const t_player *p)
{
    mli_port port;
    mli_channel channel;
    for (uint32_t c = 0; b->b_ranges && p && c < p->p_nin; c++) {
        player_channel(p, SIDE_IN, c, &port, &channel);
        b->b_ranges[c].r_low = channel.low;
        b->b_ranges[c].r_high = channel.high;
    }
}

/* Does an output name classes? */
static int has_classes(const t_player *p)
{
    mli_port port;
    for (uint32_t i = 0; i < p->p_info.outputs; i++) {
        mli_get_output(p->p_model, i, &port);
        if (port.classes)
            return 1;
    }
    return 0;
}

static void buffers_times(t_buffers *b, const t_arguments *a, const t_player *p)
{
    b->b_chunk = CHUNK_MAX;
    if (!p)
        return;
    b->b_latency = p->p_info.latency;
    if (p->p_info.mode == MLI_STEP) {
        b->b_hop = (uint32_t)a->a_hop;
        b->b_latency = a->a_list ? 0 : b->b_hop;
    } else if (p->p_info.mode == MLI_WINDOW) {
        b->b_hop = p->p_info.hop;
    } else if (has_classes(p)) { /* an answer at every sample is too many */
        b->b_hop = (uint32_t)a->a_hop;
    }
    if (p->p_info.mode != MLI_STEP && b->b_hop && b->b_hop < b->b_chunk)
        b->b_chunk = b->b_hop; /* one result in a chunk */
    b->b_tell = b->b_hop && (a->a_list || has_classes(p));
}

int buffers_make(t_buffers *b, const t_signalbox *x, const t_player *p,
                 t_failure *failure)
{
    const t_arguments *a = &x->x_box.x_args;
    t_layout l = {0, 0};
    int nin = x->x_nin >= 0 ? x->x_nin : p ? (int)p->p_nin : 1;
    int nout = x->x_nout >= 0 ? x->x_nout : p ? (int)p->p_nout : 1;
    size_t out = p ? p->p_nout : 0;
    memset(b, 0, sizeof(*b));
    buffers_times(b, a, p);
    b->b_ndry = nin < nout ? nin : nout;
    if (b->b_latency > LATENCY_MAX) {
        failure_set(failure, "memory",
                    "has a latency of %u frames, expected at most %u",
                    (unsigned)b->b_latency, LATENCY_MAX);
        return 0;
    }
    buffers_lay(b, &l, (size_t)nin, out, a->a_clamp);
    size_t bytes = l.l_used;
    if (!layout_make(&l)) {
        failure_set(failure, "memory", "needs %zu bytes: not there", bytes);
        return 0;
    }
    b->b_memory = l.l_base;
    buffers_lay(b, &l, (size_t)nin, out, a->a_clamp);
    buffers_ranges(b, p);
    return 1;
}

void buffers_free(t_buffers *b)
{
    free(b->b_memory);
    memset(b, 0, sizeof(*b));
}
