#include "clock.h"
#include "verify.h"

/* inputs: port i has tensor i. Frames as the mode asks. */
static int input_fits(const mli_file *f, uint32_t i)
{
    const mli_file_port *p = f->ports + i;
    const mli_file_tensor *t = f->tensors + i;
    uint32_t mode = f->header->mode;
    int control = p->kind == MLI_PORT_CONTROL;
    uint32_t frames = mode == MLI_WINDOW && !control ? f->header->window : 1;
    if (p->tensor != i || (control && mode == MLI_STEP))
        return 0;
    if (mode == MLI_STREAM && mli_timed(t) == control)
        return 0;
    return p->frames == frames;
}

static int output_fits(const mli_file *f, const mli_file_port *p)
{
    uint32_t n = f->count[MLI_SEC_TENSORS];
    uint32_t mode = f->header->mode;
    if (p->tensor >= n || f->tensors[p->tensor].region != MLI_ARENA)
        return 0;
    if (p->kind != MLI_PORT_SIGNAL)
        return 0;
    if (mode == MLI_STREAM && !mli_timed(f->tensors + p->tensor))
        return 0;
    return p->frames == 1 ||
           (mode == MLI_WINDOW && p->frames == f->header->window);
}

static int port_fits(const mli_file *f, uint32_t i, uint32_t channels)
{
    const mli_file_port *p = f->ports + i;
    if (p->kind > MLI_PORT_CONTROL || p->flags > MLI_PORT_CLASSES ||
        p->reserved != 0 || p->first_channel != channels)
        return 0;
    if (i < f->header->inputs ? !input_fits(f, i) : !output_fits(f, p))
        return 0;
    return (uint64_t)p->frames * p->channels ==
           mli_elements(f->tensors + p->tensor);
}

static mli_status check_channel(const mli_file *f, const mli_file_channel *c)
{
    if (!mli_is_text(f, c->label))
        return MLI_ERR_STRING;
    /* finite, and low <= high: written so that NaN fails */
    if (!(c->low <= c->high && c->low >= -3.4028235e38f &&
          c->high <= 3.4028235e38f && c->initial >= -3.4028235e38f &&
          c->initial <= 3.4028235e38f))
        return MLI_ERR_CHANNEL;
    return MLI_OK;
}

/* A frame is some ticks, and every signal port's period is some frames. */
static int periods_fit(const mli_file *f, uint32_t *index)
{
    uint32_t ticks = mli_frame_ticks(f);
    *index = 0;
    if (ticks > MLI_MAX_FRAME_TICKS)
        return 0;
    for (; *index < f->count[MLI_SEC_PORTS]; ++*index)
        if (f->tensors[f->ports[*index].tensor].period % ticks != 0)
            return 0;
    return 1;
}

static int spread_fits(const mli_file *f, uint32_t *index)
{
    uint32_t ticks = mli_frame_ticks(f), cycle = mli_cycle(f, index);
    *index = (uint32_t)offsetof(mli_file_header, spread);
    if (f->header->mode != MLI_STREAM || f->header->spread == 0)
        return 1;
    uint32_t chunk = mli_chunk_frames(f, cycle, ticks);
    return chunk >= 1 && chunk <= MLI_MAX_FRAME_TICKS / ticks;
}

mli_status mli_verify_ports(const mli_file *f, uint32_t *index)
{
    uint64_t channels = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_PORTS]; i++) {
        *index = i;
        if (!mli_is_text(f, f->ports[i].name))
            return MLI_ERR_STRING;
        if (channels > f->count[MLI_SEC_CHANNELS])
            return MLI_ERR_COUNT;
        if (!port_fits(f, i, (uint32_t)channels))
            return MLI_ERR_PORT;
        channels += f->ports[i].channels;
    }
    if (!periods_fit(f, index))
        return MLI_ERR_PORT;
    if (!spread_fits(f, index))
        return MLI_ERR_HEADER;
    *index = MLI_SEC_CHANNELS;
    if (channels != f->count[MLI_SEC_CHANNELS])
        return MLI_ERR_COUNT;
    for (uint32_t i = 0; i < channels; i++) {
        mli_status status = check_channel(f, f->channels + i);
        if (status != MLI_OK) {
            *index = i;
            return status;
        }
    }
    return MLI_OK;
}
