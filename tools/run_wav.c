/*
 * mlinfer run --wav: a sound file through a stream or window model, block by
 * block, as an audio host would; latency stays in.
 */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include <errno.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "progress.h"
#include "replace_file.h"
#include "run.h"

/* A RIFF header counts bytes in 32 bits; RF64 is the same beyond. */
#define WAV_LIMIT UINT64_C(4000000000)
/* Frames read from the file at a time, at least. */
#define CHUNK 4096u

typedef struct wav_run {
    loaded_model *loaded;
    const run_arguments *a;
    SNDFILE *in, *out;
    SF_INFO in_info, out_info;
    uint32_t inputs, outputs; /* channels of the model */
    unsigned chunk;           /* frames: whole blocks */
    float *interleaved;       /* chunk x the wider side */
    float *planar;            /* inputs, then outputs, chunk frames each */
    const float **in_block;
    float **out_block;
} wav_run;

static int open_input(wav_run *r)
{
    const char *path = r->a->wav;
    const mli_info *info = &r->loaded->info;
    if (replace_loses(r->a->output, path))
        return tool_error(path, "is the sound that is read (expected another "
                                "file behind -o)");
    if (access(path, F_OK))
        return tool_error(path, "not found");
    r->in = sf_open(path, SFM_READ, &r->in_info);
    if (!r->in)
        return tool_error(path, "cannot be read as a sound file: %s",
                          sf_strerror(NULL));
    uint32_t channels = (uint32_t)r->in_info.channels;
    /* A mono sound goes to every input; a model without inputs only takes its
       length and rate from the file. */
    if (r->inputs && channels != 1 && channels != r->inputs)
        return tool_error(path,
                          "wrong number of channels (expected %s%u, "
                          "got %u)",
                          r->inputs == 1 ? "" : "1 or ", r->inputs, channels);
    if (info->rate > 0 && info->rate != (double)r->in_info.samplerate)
        tool_warning(path,
                     "%d Hz, but the model was made for %g Hz; nothing is "
                     "converted",
                     r->in_info.samplerate, info->rate);
    return TOOL_DONE;
}

static int open_output(wav_run *r, mlc_replace *file)
{
    const char *path = r->a->output;
    uint64_t bytes = (uint64_t)r->in_info.frames * r->outputs * sizeof(float);
    if (replace_begin(file, path))
        return tool_error(path, "cannot be written: %s", strerror(errno));
    r->out_info.samplerate = r->in_info.samplerate;
    r->out_info.channels = (int)r->outputs;
    r->out_info.format =
        (bytes > WAV_LIMIT ? SF_FORMAT_RF64 : SF_FORMAT_WAV) | SF_FORMAT_FLOAT;
    r->out = sf_open_fd(fileno(file->file), SFM_WRITE, &r->out_info, SF_FALSE);
    if (!r->out)
        return tool_error(path, "cannot be written with %u channels: %s",
                          r->outputs, sf_strerror(NULL));
    /* The same input gives the same file: a peak chunk holds the time. */
    sf_command(r->out, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
    return TOOL_DONE;
}

static int allocate(wav_run *r)
{
    uint32_t wide = r->outputs > (uint32_t)r->in_info.channels
                        ? r->outputs
                        : (uint32_t)r->in_info.channels;
    unsigned block = r->a->block;
    r->chunk = block >= CHUNK ? block : CHUNK / block * block;
    r->interleaved = run_floats(r->chunk, wide);
    r->planar = run_floats(r->chunk, (uint64_t)r->inputs + r->outputs);
    r->in_block = calloc((size_t)r->inputs + 1, sizeof *r->in_block);
    r->out_block = calloc((size_t)r->outputs + 1, sizeof *r->out_block);
    if (!r->interleaved || !r->planar || !r->in_block || !r->out_block)
        return tool_error(r->a->model, "no memory for blocks of %u frames",
                          block);
    return TOOL_DONE;
}

static void split(wav_run *r, size_t frames)
{
    size_t stride = (size_t)r->in_info.channels;
    for (size_t c = 0; c < r->inputs; c++)
        for (size_t i = 0; i < frames; i++)
            r->planar[c * r->chunk + i] =
                r->interleaved[i * stride + (stride == 1 ? 0 : c)];
}

static void join(wav_run *r, size_t frames)
{
    const float *planar = r->planar + (size_t)r->inputs * r->chunk;
    for (size_t c = 0; c < r->outputs; c++)
        for (size_t i = 0; i < frames; i++)
            r->interleaved[i * r->outputs + c] = planar[c * r->chunk + i];
}

static void process(wav_run *r, size_t frames)
{
    for (size_t at = 0; at < frames; at += r->a->block) {
        size_t n = frames - at < r->a->block ? frames - at : r->a->block;
        for (size_t c = 0; c < r->inputs; c++)
            r->in_block[c] = r->planar + c * r->chunk + at;
        for (size_t c = 0; c < r->outputs; c++)
            r->out_block[c] = r->planar + (r->inputs + c) * r->chunk + at;
        mli_process(r->loaded->session, r->in_block, r->out_block, (uint32_t)n);
    }
}

static int copy(wav_run *r)
{
    uint64_t done = 0;
    sf_count_t n;
    while ((n = sf_readf_float(r->in, r->interleaved, r->chunk)) > 0) {
        split(r, (size_t)n);
        process(r, (size_t)n);
        join(r, (size_t)n);
        if (sf_writef_float(r->out, r->interleaved, n) != n)
            return tool_error(r->a->output, "cannot be written: %s",
                              sf_strerror(r->out));
        done += (uint64_t)n;
        progress_set(done, (uint64_t)r->in_info.frames);
    }
    if (sf_error(r->in))
        return tool_error(r->a->wav, "cannot be read: %s", sf_strerror(r->in));
    return TOOL_DONE;
}

static int finish(wav_run *r, mlc_replace *file, int status)
{
    if (r->out && sf_close(r->out) && status == TOOL_DONE)
        status = tool_error(r->a->output, "cannot be written");
    if (status != TOOL_DONE)
        replace_abandon(file);
    else if (replace_commit(file))
        status =
            tool_error(r->a->output, "cannot be written: %s", strerror(errno));
    return status;
}

int run_wav(loaded_model *loaded, const run_arguments *a)
{
    wav_run r = {.loaded = loaded,
                 .a = a,
                 .inputs = loaded->info.in_channels,
                 .outputs = loaded->info.out_channels};
    mlc_replace file = {0};
    if (loaded->info.mode == MLI_STEP)
        return tool_error(a->model, "a step model takes lists, not sound "
                                    "(expected --list or --npy)");
    int status = open_input(&r);
    if (status == TOOL_DONE)
        status = allocate(&r);
    if (status == TOOL_DONE)
        status = open_output(&r, &file);
    if (status == TOOL_DONE) {
        progress_begin(a->wav);
        status = copy(&r);
        progress_end();
    }
    status = finish(&r, &file, status);
    if (r.in)
        sf_close(r.in);
    free(r.interleaved);
    free(r.planar);
    free(r.in_block);
    free(r.out_block);
    return status;
}
