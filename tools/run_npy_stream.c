/*
 * Arrays through a stream model. An array is [frames] (one channel), [frames,
 * channels] or [channels, frames]; a batch axis of 1 may stand first or second.
 * Channels may be several axes. Where both readings fit, the first axis counts
 * as frames. The outputs have the layout of the first input.
 *
 * An array has the rate of its port: one value a period. An input holds it for
 * that long; an output's is the one at the end of the period.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "progress.h"
#include "run.h"

typedef struct layout {
    size_t frames, channels;
    int batch;          /* where a batch axis of 1 stands, -1: nowhere */
    int channels_first; /* [channels, frames] */
    int flat;           /* [frames] */
} layout;

typedef struct stream_run {
    loaded_model *loaded;
    size_t frames;          /* the host's */
    size_t inputs, outputs; /* channels */
    layout shape;           /* of the first input */
    float *planar;          /* inputs, then outputs, frames each */
    const float **in;
    float **out;
} stream_run;

/* -1: the array has no such number of channels. */
static int find_layout(const npy_array *a, size_t channels, layout *l)
{
    uint32_t rank = a->rank;
    size_t dims[2]; /* the first and the last that are no batch axis */
    memset(l, 0, sizeof *l);
    l->channels = channels;
    l->batch = rank < 3 ? -1 : a->dims[0] == 1 ? 0 : a->dims[1] == 1 ? 1 : -1;
    rank -= l->batch >= 0;
    if (!rank || (rank == 1 && channels > 1))
        return -1;
    l->flat = rank == 1;
    dims[0] = a->dims[l->batch == 0];
    dims[1] = a->dims[a->rank - 1];
    /* A model without inputs takes the number of frames from [frames]. */
    if (!channels) {
        l->frames = dims[0];
        return l->flat ? 0 : -1;
    }
    l->frames = dims[0];
    if (a->count == dims[0] * channels)
        return 0;
    l->channels_first = 1;
    l->frames = dims[1];
    return a->count == dims[1] * channels ? 0 : -1;
}

static int bad_shape(const char *path, const npy_array *a, const char *what,
                     size_t channels)
{
    char shape[RUN_SHAPE_TEXT];
    run_shape_text(a, shape);
    if (channels > 1)
        return tool_error(path,
                          "shape %s does not fit %s (expected [frames, "
                          "%zu] or [%zu, frames])",
                          shape, what, channels, channels);
    return tool_error(path, "shape %s does not fit %s (expected [frames])",
                      shape, what);
}

static size_t at(const layout *l, size_t frame, size_t channel)
{
    return l->channels_first ? channel * l->frames + frame
                             : frame * l->channels + channel;
}

/* What is taken side by side. */
typedef struct part {
    const char *name;
    size_t channels, first;
    size_t period; /* frames from value to value */
} part;

/* Room for as many of the host's frames as the first array lasts. */
static int begin(stream_run *r, const layout *l, const char *path,
                 const part *p)
{
    r->shape = *l;
    r->frames = l->frames * p->period;
    if (l->frames <= SIZE_MAX / p->period)
        r->planar = run_floats((uint64_t)r->inputs + r->outputs, r->frames);
    return r->planar ? TOOL_DONE
                     : tool_error(path, "no memory for %zu times %zu frames",
                                  l->frames, p->period);
}

/* One array into planar channels. */
static int take(stream_run *r, const npy_array *a, const char *path,
                const part *p)
{
    layout l;
    size_t fit;
    if (find_layout(a, p->channels, &l))
        return bad_shape(path, a, p->name, p->channels);
    if (!r->planar && begin(r, &l, path, p) != TOOL_DONE)
        return TOOL_FAILED;
    fit = r->frames / p->period; /* a last, broken period may have its own */
    if (l.frames != fit && (l.frames != fit + 1 || r->frames % p->period == 0))
        return tool_error(path,
                          "wrong number of frames for %s (expected %zu by the "
                          "first array, one for %zu of the model's, got %zu)",
                          p->name, fit, p->period, l.frames);
    for (size_t c = 0; c < p->channels; c++)
        for (size_t i = 0; i < r->frames && l.frames; i++) {
            size_t from = i / p->period;
            from = from < l.frames ? from : l.frames - 1;
            r->planar[(p->first + c) * r->frames + i] =
                a->data[at(&l, from, c)];
        }
    return TOOL_DONE;
}

/* All inputs' period, or 1 if they differ. */
static size_t common_period(const loaded_model *loaded)
{
    size_t common = 0;
    for (uint32_t i = 0; i < loaded->info.inputs; i++) {
        mli_port port;
        mli_get_input(&loaded->model, i, &port);
        if (port.kind == MLI_PORT_SIGNAL)
            common = !common || common == port.period ? port.period : 1;
    }
    return common ? common : 1;
}

static int take_all(stream_run *r, const run_arrays *arrays)
{
    part p = {"the inputs", r->inputs, 0, common_period(r->loaded)};
    if (arrays->together)
        return take(r, &arrays->in[0], arrays->path[0], &p);
    p.channels = 0;
    for (uint32_t i = 0; i < r->loaded->info.inputs; i++) {
        mli_port port;
        const char *path;
        mli_get_input(&r->loaded->model, i, &port);
        if (port.kind != MLI_PORT_SIGNAL)
            continue;
        const npy_array *a = run_array_of(arrays, r->loaded, i, &path);
        p.first += p.channels;
        p.name = port.name;
        p.channels = port.channels;
        p.period = port.period;
        if (take(r, a, path, &p) != TOOL_DONE)
            return TOOL_FAILED;
    }
    return TOOL_DONE;
}

static void process(stream_run *r, size_t block)
{
    float *out = r->planar + r->inputs * r->frames;
    for (size_t i = 0; i < r->frames; i += block) {
        size_t n = r->frames - i < block ? r->frames - i : block;
        for (size_t c = 0; c < r->inputs; c++)
            r->in[c] = r->planar + c * r->frames + i;
        for (size_t c = 0; c < r->outputs; c++)
            r->out[c] = out + c * r->frames + i;
        mli_process(r->loaded->session, r->in, r->out, (uint32_t)n);
        progress_set(i, r->frames);
    }
}

static void shape_output(const layout *l, run_output *out)
{
    size_t sides[2] = {l->frames, l->channels};
    if (l->channels_first) {
        sides[0] = l->channels;
        sides[1] = l->frames;
    }
    if (l->batch == 0)
        out->dims[out->rank++] = 1;
    out->dims[out->rank++] = sides[0];
    if (l->batch == 1)
        out->dims[out->rank++] = 1;
    if (!l->flat || l->channels > 1)
        out->dims[out->rank++] = sides[1];
}

static int give(const stream_run *r, run_output *out)
{
    const float *planar = r->planar + r->inputs * r->frames;
    for (uint32_t i = 0; i < r->loaded->info.outputs; i++) {
        mli_port port;
        layout l = r->shape;
        mli_get_output(&r->loaded->model, i, &port);
        l.channels = port.channels;
        l.frames = r->frames / port.period;
        out[i].data = run_floats(l.channels, l.frames);
        if (!out[i].data)
            return tool_error(port.name, "no memory for %zu frames", l.frames);
        shape_output(&l, &out[i]);
        for (size_t c = 0; c < l.channels; c++, planar += r->frames)
            for (size_t f = 0; f < l.frames; f++)
                out[i].data[at(&l, f, c)] = planar[(f + 1) * port.period - 1];
    }
    return TOOL_DONE;
}

int run_npy_stream(loaded_model *loaded, const run_arguments *a,
                   const run_arrays *arrays, run_output *out)
{
    stream_run r = {.loaded = loaded,
                    .inputs = loaded->info.in_channels,
                    .outputs = loaded->info.out_channels};
    r.in = calloc(r.inputs + 1, sizeof *r.in);
    r.out = calloc(r.outputs + 1, sizeof *r.out);
    int status = r.in && r.out ? take_all(&r, arrays)
                               : tool_error(a->model, "no memory");
    if (status == TOOL_DONE) {
        progress_begin(a->npy[0]);
        process(&r, a->block);
        progress_end();
        status = give(&r, out);
    }
    free(r.planar);
    free(r.in);
    free(r.out);
    return status;
}
