#define _POSIX_C_SOURCE 200809L /* posix_memalign: any size */
#include "exercise.h"
#include <stdlib.h>
#include <string.h>
#include "steps_fit.h"

#define MOST_BYTES (64u << 20)
#define BLOCK      64u

static void *lines(size_t n)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, n != 0 ? n : 1) != 0)
        abort();
    return p;
}

/* Read every text and number that a model tells. */
static size_t ask(const mli_model *model, const mli_info *info)
{
    size_t sum = 0;
    const char *key, *value;
    mli_port port;
    mli_channel channel;
    for (uint32_t i = 0; mli_get_meta_at(model, i, &key, &value); i++)
        sum += strlen(key) + strlen(value);
    for (uint32_t i = 0; i < info->inputs; i++) {
        mli_get_input(model, i, &port);
        sum += strlen(port.name);
        for (uint32_t k = 0; k < port.channels; k++) {
            mli_get_input_channel(model, i, k, &channel);
            sum += strlen(channel.label);
        }
    }
    for (uint32_t i = 0; i < info->outputs; i++) {
        mli_get_output(model, i, &port);
        sum += strlen(port.name);
        for (uint32_t k = 0; k < port.channels; k++) {
            mli_get_output_channel(model, i, k, &channel);
            sum += strlen(channel.label);
        }
    }
    return sum;
}

/* n arrays of `floats` each, filled with something. */
static float **arrays(uint32_t n, size_t floats)
{
    float **a = lines((n + 1) * sizeof *a);
    for (uint32_t i = 0; i < n; i++) {
        a[i] = malloc(floats * sizeof **a + 1);
        for (size_t k = 0; k < floats; k++)
            a[i][k] = (float)(k % 7) * 0.3f - 0.9f;
    }
    return a;
}

static void free_arrays(float **a, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(a[i]);
    free(a);
}

static void blocks(mli_session *s, const mli_info *info, uint32_t single,
                   uint32_t whole)
{
    float **in = arrays(info->in_channels, BLOCK);
    float **out = arrays(info->out_channels, BLOCK);
    const float *const *from = (const float *const *)in;
    for (uint32_t i = 0; i < single; i++)
        mli_process(s, from, out, 1);
    for (uint32_t i = 0; i < whole; i++)
        mli_process(s, from, out, BLOCK);
    free_arrays(in, info->in_channels);
    free_arrays(out, info->out_channels);
}

/* One window or list: an array for each port. */
static void run_once(mli_session *s, const mli_model *model,
                     const mli_info *info)
{
    float **in = lines((info->inputs + 1) * sizeof *in);
    float **out = lines((info->outputs + 1) * sizeof *out);
    uint32_t signals = 0;
    mli_port port;
    for (uint32_t i = 0; i < info->inputs; i++) {
        mli_get_input(model, i, &port);
        size_t floats = (size_t)port.frames * port.channels;
        float *values = calloc(floats + 1, sizeof *values);
        if (port.kind == MLI_PORT_SIGNAL) {
            in[signals++] = values;
            continue;
        }
        mli_set(s, i, values);
        free(values);
    }
    for (uint32_t i = 0; i < info->outputs; i++) {
        mli_get_output(model, i, &port);
        out[i] = calloc((size_t)port.frames * port.channels + 1, sizeof **out);
    }
    mli_run(s, (const float *const *)in, out);
    free_arrays(in, signals);
    free_arrays(out, info->outputs);
}

/* The n-th build, counted round. Asked for once: that takes longer than most
   of what is run here. */
static const mli_kernels *build(uint32_t n)
{
    static const mli_kernels *builds[8];
    static uint32_t count;
    if (count == 0)
        for (const char *name; (name = mli_kernels_name(count)) != NULL;)
            builds[count++] = mli_kernels_find(name);
    return builds[n % count];
}

static void run(const mli_model *model, uint32_t tile,
                const mli_kernels *kernels)
{
    mli_info info;
    mli_memory memory;
    mli_session *s;
    mli_get_info(model, &info);
    if (ask(model, &info) > MOST_BYTES ||
        mli_sizes(model, tile, &memory) != MLI_OK ||
        memory.state_bytes > MOST_BYTES || memory.arena_bytes > MOST_BYTES)
        return;
    void *state = lines(memory.state_bytes);
    void *arena = lines(memory.arena_bytes);
    if (mli_start(model, kernels, tile, state, arena, &s) != MLI_OK ||
        !steps_fit(s))
        abort();
    blocks(s, &info, 40, 2);
    run_once(s, model, &info);
    mli_reset(s);
    blocks(s, &info, 3, 1);
    free(state);
    free(arena);
}

mli_status exercise(const uint8_t *bytes, size_t size, uint32_t n)
{
    mli_model model;
    uint32_t index;
    uint8_t *copy = lines(size);
    memcpy(copy, bytes, size);
    mli_status status = mli_open(&model, copy, size, &index);
    if (status == MLI_OK)
        run(&model, n % 2 == 0 ? 16 : 64, build(n));
    free(copy);
    return status;
}
