/*
 * Runs a stream model block by block, with marks for count_plugin.c.
 *
 * usage: count-run MODEL.bin FRAMES_A_BLOCK BLOCKS BLOCKS_BEFORE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlinfer.h"

#define MARK __attribute__((noinline))
void count_begin(void);
void count_block(void);
void count_end(void);

/* Not empty to the compiler, and not the same as each other to the linker. */
MARK void count_begin(void)
{
    __asm__ volatile("nop");
}

MARK void count_block(void)
{
    __asm__ volatile("nop\n nop");
}

MARK void count_end(void)
{
    __asm__ volatile("nop\n nop\n nop");
}

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(MLI_ALIGNMENT,
                            (bytes / MLI_ALIGNMENT + 1) * MLI_ALIGNMENT);
    if (!p)
        exit(1);
    memset(p, 0, bytes);
    return p;
}

static void *file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        perror(path);
        exit(1);
    }
    *size = (size_t)ftell(f);
    void *bytes = memory(*size);
    rewind(f);
    if (fread(bytes, 1, *size, f) != *size) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return bytes;
}

static uint32_t seed = 1;

static void noise(float *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (float)((int32_t)seed / 4294967296.0);
    }
}

int main(int argc, char **argv)
{
    mli_model model;
    mli_info info;
    mli_memory need;
    mli_session *session;
    size_t size;
    if (argc != 5)
        return 2;
    uint32_t block = (uint32_t)atoi(argv[2]);
    int blocks = atoi(argv[3]), before = atoi(argv[4]);
    void *bytes = file(argv[1], &size);
    if (mli_open(&model, bytes, size, NULL) != MLI_OK)
        return 1;
    mli_get_info(&model, &info);
    uint32_t tile = block <= 16 ? 16 : block <= 32 ? 32 : 64;
    mli_sizes(&model, tile, &need);
    if (mli_start(&model, mli_kernels_find(getenv("MLI_KERNELS")), tile,
                  memory(need.state_bytes), memory(need.arena_bytes),
                  &session) != MLI_OK)
        return 1;
    uint32_t ins = info.in_channels, outs = info.out_channels;
    float *values = memory((ins + outs) * block * sizeof *values);
    const float **in = memory((ins + 1) * sizeof *in);
    float **out = memory((outs + 1) * sizeof *out);
    for (uint32_t c = 0; c < ins; c++)
        in[c] = values + c * block;
    for (uint32_t c = 0; c < outs; c++)
        out[c] = values + (ins + c) * block;
    noise(values, (size_t)ins * block);
    for (int i = 0; i < before + blocks; i++) {
        if (i == before)
            count_begin();
        count_block();
        mli_process(session, in, out, block);
    }
    count_end();
    return 0;
}
