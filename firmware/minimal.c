/*
 * minimal.c - the least that a program needs around the runtime, without any
 * allocation: plays a model for raw floats.
 *
 *     minimal MODEL.bin <in.f32 >out.f32
 *
 * A frame is the floats of all signal inputs, one after another, and of all
 * outputs. Where there are no files, the model is an array of the program.
 */
#include <stdio.h>
#include "mlinfer.h"

#define MODEL_BYTES (1u << 20)
#define STATE_BYTES (1u << 20)
#define ARENA_BYTES (1u << 20)
#define CHANNELS    64u
#define FRAMES      16u

static _Alignas(MLI_ALIGNMENT) uint8_t bytes[MODEL_BYTES];
static _Alignas(MLI_ALIGNMENT) uint8_t state[STATE_BYTES];
static _Alignas(MLI_ALIGNMENT) uint8_t arena[ARENA_BYTES];
static float sound[2][CHANNELS][FRAMES];

static int fail(const char *file, const char *why)
{
    fprintf(stderr, "%s: %s\n", file, why);
    return 1;
}

static int refuse(const char *file, mli_status status, uint32_t index)
{
    if (status != MLI_ERR_LEFT_OUT)
        return fail(file, mli_status_text(status));
    fprintf(stderr,
            "%s: needs %s, which is not in this program: build it with "
            "make OPS=\"... %s\" (mlinfer info --ops %s lists all)\n",
            file, mli_part_name(index), mli_part_name(index), file);
    return 1;
}

/* Frames of standard input, channel by channel; how many. */
static uint32_t take(uint32_t channels)
{
    float frame[CHANNELS];
    uint32_t n = 0;
    while (n < FRAMES &&
           fread(frame, sizeof *frame, channels, stdin) == channels) {
        for (uint32_t c = 0; c < channels; c++)
            sound[0][c][n] = frame[c];
        n++;
    }
    return n;
}

static void give(uint32_t channels, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++)
        for (uint32_t c = 0; c < channels; c++)
            fwrite(&sound[1][c][i], sizeof(float), 1, stdout);
}

static void play(mli_session *session, const mli_info *info)
{
    const float *in[CHANNELS];
    float *out[CHANNELS];
    for (uint32_t c = 0; c < CHANNELS; c++) {
        in[c] = sound[0][c];
        out[c] = sound[1][c];
    }
    for (uint32_t n; (n = take(info->in_channels)) != 0;) {
        mli_process(session, in, out, n);
        give(info->out_channels, n);
    }
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (f == NULL)
        return fail("minimal", "expected a MODEL.bin that can be read");
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);

    mli_model model;
    uint32_t index;
    mli_status status = mli_open(&model, bytes, size, &index);
    if (status != MLI_OK)
        return refuse(argv[1], status, index);

    mli_info info;
    mli_memory memory;
    mli_get_info(&model, &info);
    status = mli_sizes(&model, FRAMES, &memory);
    if (status != MLI_OK)
        return refuse(argv[1], status, 0);
    if (memory.state_bytes > sizeof state ||
        memory.arena_bytes > sizeof arena || info.in_channels > CHANNELS ||
        info.in_channels == 0 || info.out_channels > CHANNELS)
        return fail(argv[1], "too large for this program, or without inputs");

    mli_session *session;
    status = mli_start(&model, mli_kernels_find(NULL), FRAMES, state, arena,
                       &session);
    if (status != MLI_OK)
        return refuse(argv[1], status, 0);
    play(session, &info);
    return 0;
}
