/* see calibration.h */
#define _POSIX_C_SOURCE 200809L /* getline */
#include <errno.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "list_text.h"
#include "message.h"
#include "npy.h"
#include "run.h"

/* Frames or lists of noise: a second of sound, and less of large models. */
#define NOISE_FRAMES 48000u
#define NOISE_LISTS  1000u
#define NOISE_LEAST  256u
#define NOISE_HOPS   8u
#define NOISE_MACS   10000000000u

static int make_room(calibration *c, const loaded_model *loaded,
                     uint64_t frames, const char *path)
{
    size_t most;
    c->channels = loaded->info.in_channels;
    most = CALIBRATION_MOST / (c->channels ? c->channels : 1);
    c->cut = frames > most;
    c->frames = c->cut ? (uint32_t)most : (uint32_t)frames;
    if (!c->frames)
        return tool_error(path, "holds nothing that the model could be given");
    c->values = run_floats(c->frames, c->channels);
    return c->values ? TOOL_DONE : tool_error(path, "no memory");
}

/* -------------------------------------------------------------- sounds --- */

static int read_sound(calibration *c, const loaded_model *loaded, SNDFILE *in,
                      const SF_INFO *info, const char *path)
{
    uint32_t channels = (uint32_t)info->channels;
    uint32_t wanted = loaded->info.in_channels;
    float frame[1024]; /* libsndfile reads no more channels */
    if (loaded->info.mode == MLI_STEP)
        return tool_error(path, "a sound, but the model takes lists (expected "
                                "an array, or text with one list a line)");
    if ((channels != 1 && channels != wanted) || channels > 1024)
        return tool_error(path,
                          "wrong number of channels (expected %s%u, got %u)",
                          wanted == 1 ? "" : "1 or ", wanted, channels);
    if (loaded->info.rate > 0 && loaded->info.rate != (double)info->samplerate)
        tool_warning(path,
                     "%d Hz, but the model was made for %g Hz; nothing is "
                     "converted",
                     info->samplerate, loaded->info.rate);
    if (make_room(c, loaded, (uint64_t)info->frames, path))
        return TOOL_FAILED;
    for (size_t f = 0; f < c->frames; f++) {
        if (sf_readf_float(in, frame, 1) != 1)
            return tool_error(path, "cannot be read: %s", sf_strerror(in));
        for (size_t k = 0; k < c->channels; k++)
            c->values[k * c->frames + f] = frame[channels == 1 ? 0 : k];
    }
    return TOOL_DONE;
}

/* -------------------------------------------------------------- arrays --- */

/* Whether the last dims are one frame of all channels, whatever its shape. */
static int frames_first(const npy_array *a, size_t channels)
{
    size_t tail = 1;
    uint32_t i = a->rank;
    while (i > 0 && tail < channels)
        tail *= a->dims[--i];
    return tail == channels;
}

/* Whether blocks of channels x frames follow one another. */
static int channels_first(const npy_array *a, size_t channels)
{
    return a->rank >= 2 && a->dims[a->rank - 2] == channels;
}

static int take_array(calibration *c, const loaded_model *loaded,
                      const npy_array *a, const char *path)
{
    char shape[RUN_SHAPE_TEXT];
    size_t channels = loaded->info.in_channels, run = 1;
    if (channels_first(a, channels) && !frames_first(a, channels) &&
        loaded->info.mode != MLI_STEP)
        run = a->dims[a->rank - 1];
    else if (!frames_first(a, channels))
        return tool_error(path,
                          "shape %s does not fit the inputs (expected frames "
                          "or lists of %zu values)",
                          run_shape_text(a, shape), channels);
    if (make_room(c, loaded, channels ? a->count / channels : 0, path))
        return TOOL_FAILED;
    for (size_t k = 0; k < channels; k++)
        for (size_t f = 0; f < c->frames; f++)
            c->values[k * c->frames + f] =
                a->data[f / run * run * channels + k * run + f % run];
    return TOOL_DONE;
}

static int read_array(calibration *c, const loaded_model *loaded,
                      const char *path)
{
    npy_array a;
    char error[NPY_ERROR];
    if (npy_read(path, &a, error))
        return tool_error(path, "%s", error);
    int status = take_array(c, loaded, &a, path);
    npy_free(&a);
    return status;
}

/* --------------------------------------------------------------- lists --- */

/* Lines that are not empty, into values unless they are NULL. */
static int read_lines(FILE *in, calibration *c, const char *path,
                      uint64_t *lines, float *list)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int status = TOOL_DONE;
    *lines = 0;
    for (unsigned long number = 1;
         status == TOOL_DONE && (length = getline(&line, &room, in)) > 0;
         number++) {
        if (strlen(line) != (size_t)length) {
            status = tool_error(path,
                                "no sound, no array, and no text (line %lu "
                                "has a zero byte)",
                                number);
            continue;
        }
        if (list_text_blank(line))
            continue;
        if (list_text_parse(path, number, line, list, c->channels))
            status = TOOL_FAILED;
        for (size_t k = 0; c->values && *lines < c->frames && k < c->channels;
             k++)
            c->values[k * c->frames + *lines] = list[k];
        ++*lines;
    }
    free(line);
    if (status == TOOL_DONE && ferror(in))
        status = tool_error(path, "cannot be read");
    return status;
}

static int read_lists(calibration *c, const loaded_model *loaded, FILE *in,
                      const char *path)
{
    uint64_t lines;
    float *list = run_floats(loaded->info.in_channels, 1);
    c->channels = loaded->info.in_channels;
    int status = list ? read_lines(in, c, path, &lines, list)
                      : tool_error(path, "no memory");
    if (status == TOOL_DONE)
        status = make_room(c, loaded, lines, path);
    if (status == TOOL_DONE) {
        rewind(in);
        status = read_lines(in, c, path, &lines, list);
    }
    free(list);
    return status;
}

/* --------------------------------------------------------------- files --- */

static int read_file(calibration *c, const loaded_model *loaded, FILE *in,
                     const char *path)
{
    static const char npy[6] = "\x93NUMPY";
    char begin[6] = "";
    SF_INFO info = {0};
    if (fread(begin, 1, sizeof begin, in) == sizeof begin &&
        !memcmp(begin, npy, sizeof npy))
        return read_array(c, loaded, path);
    SNDFILE *sound = sf_open(path, SFM_READ, &info);
    if (!sound) {
        rewind(in);
        return read_lists(c, loaded, in, path);
    }
    int status = read_sound(c, loaded, sound, &info, path);
    sf_close(sound);
    return status;
}

int calibration_read(calibration *c, const loaded_model *loaded,
                     const char *path)
{
    memset(c, 0, sizeof *c);
    if (!loaded->info.in_channels) {
        tool_error(path, "the model has no inputs that it could be given to");
        return -1;
    }
    FILE *in = fopen(path, "rb");
    if (!in) {
        tool_error(path, "cannot be read: %s", strerror(errno));
        return -1;
    }
    int status = read_file(c, loaded, in, path);
    fclose(in);
    if (status == TOOL_DONE)
        return 0;
    calibration_free(c);
    return -1;
}

/* --------------------------------------------------------------- noise --- */

static uint64_t noise_frames(const mli_info *info)
{
    uint64_t hop = info->hop ? info->hop : 1;
    uint64_t work = info->macs_per_frame / hop + 1;
    uint64_t wanted = info->mode == MLI_STEP ? NOISE_LISTS : NOISE_FRAMES;
    uint64_t least = info->mode == MLI_WINDOW
                         ? info->window + NOISE_HOPS * hop + info->latency
                         : NOISE_LEAST + info->latency;
    if (wanted > NOISE_MACS / work)
        wanted = NOISE_MACS / work;
    return wanted > least ? wanted : least;
}

/* n numbers from low to high. */
static void fill(float *to, size_t n, float low, float high, uint64_t seed)
{
    seed = seed * UINT64_C(6364136223846793005) + 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) +
               UINT64_C(1442695040888963407);
        double share = (double)(seed >> 40) / 16777215.0;
        to[i] = (float)(low + ((double)high - low) * share);
    }
}

int calibration_noise(calibration *c, const loaded_model *loaded,
                      const char *path)
{
    size_t k = 0;
    float most = loaded->info.mode == MLI_STEP ? 1.f : 0.5f;
    memset(c, 0, sizeof *c);
    if (make_room(c, loaded, noise_frames(&loaded->info), path))
        return -1;
    for (uint32_t i = 0; i < loaded->info.inputs; i++) {
        mli_port port;
        mli_get_input(&loaded->model, i, &port);
        if (port.kind == MLI_PORT_CONTROL)
            continue;
        for (uint32_t j = 0; j < port.channels; j++, k++) {
            mli_channel channel;
            mli_get_input_channel(&loaded->model, i, j, &channel);
            int known = channel.high > channel.low;
            fill(c->values + k * c->frames, c->frames,
                 known ? channel.low : -most, known ? channel.high : most, k);
        }
    }
    return 0;
}

void calibration_free(calibration *c)
{
    free(c->values);
    memset(c, 0, sizeof *c);
}
