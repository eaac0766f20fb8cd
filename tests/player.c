#include "player.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "steps_fit.h"

static void must(mli_status status, uint32_t index)
{
    if (status == MLI_OK)
        return;
    fprintf(stderr, "%s (%u)\n", mli_status_text(status), index);
    abort();
}

static void *lines(size_t n)
{
    void *p = aligned_alloc(64, (n + 63) / 64 * 64);
    if (p == NULL)
        abort();
    /* start must write every byte: leave nothing that looks like zeros */
    memset(p, 0xff, n);
    return p;
}

void player_open(player *p, fb_image image, const char *kernels, uint32_t tile)
{
    uint32_t index = 0;
    must(mli_open(&p->model, image.bytes, image.size, &index), index);
    mli_get_info(&p->model, &p->info);
    must(mli_sizes(&p->model, tile, &p->memory), 0);
    p->state = lines(p->memory.state_bytes);
    p->arena = lines(p->memory.arena_bytes);
    must(mli_start(&p->model, mli_kernels_find(kernels), tile, p->state,
                   p->arena, &p->session),
         0);
    if (!steps_fit(p->session))
        abort();
}

void player_close(player *p)
{
    free(p->state);
    free(p->arena);
}

void player_process(player *p, const float *const *in, float *const *out,
                    uint32_t frames, uint32_t block, uint32_t *seed)
{
    const float **from = calloc(p->info.in_channels + 1u, sizeof *from);
    float **to = calloc(p->info.out_channels + 1u, sizeof *to);
    for (uint32_t at = 0, n; at < frames; at += n) {
        n = block != 0 ? block : (uint32_t)((fb_random(seed) + 1) * 65);
        n = n < frames - at ? n : frames - at;
        for (uint32_t c = 0; c < p->info.in_channels; c++)
            from[c] = in[c] + at;
        for (uint32_t c = 0; c < p->info.out_channels; c++)
            to[c] = out[c] + at;
        mli_process(p->session, from, to, n);
    }
    free(from);
    free(to);
}

float **channels_new(uint32_t n, uint32_t frames)
{
    float **c = calloc(n + 1u, sizeof *c);
    for (uint32_t i = 0; i < n; i++)
        c[i] = calloc(frames + 1u, sizeof **c);
    return c;
}

float **channels_noise(uint32_t n, uint32_t frames)
{
    float **c = channels_new(n, frames);
    uint32_t own = 11;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t f = 0; f < frames; f++)
            c[i][f] = fb_random(&own);
    return c;
}

void channels_free(float **c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(c[i]);
    free(c);
}
